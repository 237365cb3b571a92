/* session.h: what the files session*.c and ticket*.c share: the struct behind SSL_SESSION.
 *
 * A session of TLS 1.2 has a ticket or, without one, goes by its id.  A session does not change
 * once it is another's too, but for |used| and |leaf|, which are atomic, and |ex_data|; the setters
 * in ssl_session.h are for who has just made one.  What BoringSSL's encoding holds beyond what is
 * used here is kept in |extra| and written again. */
#ifndef HANDFAST_SSL_SESSION_H
#define HANDFAST_SSL_SESSION_H

#include "ssl/internal.h"

/* ssl_owned is bytes of one's own; NULL: none. */
typedef struct ssl_owned {
  uint8_t *data;
  size_t len;
} ssl_owned;

struct ssl_session_st {
  atomic_uint references;
  atomic_bool used; /* it was offered: a TLS 1.3 session is for once */
  bool is_server, has_age_add, has_name;
  bool peer_is_raw; /* what was read says that the peer showed a raw public key */
  bool has_sha256; /* |sha256| of the peer's certificate stands for its chain, which is not there */
  bool is_quic;    /* of a connection over QUIC, where alone it can be resumed */
  bool ems;        /* TLS 1.2: |secret| is the extended main secret (RFC 7627) */
  uint16_t version, suite, group, sigalg;
  uint32_t timeout;      /* seconds after |issued| that it can be resumed */
  uint32_t auth_timeout; /* and that sessions which come of it may live */
  uint32_t hint;         /* the server's word for |timeout| */
  uint32_t age_add, max_early_data;
  uint64_t issued; /* milliseconds since 1970 */
  long verify_result;
  size_t secret_len, id_len, sid_ctx_len;
  uint8_t secret[SSL_MAX_MASTER_KEY_LENGTH];
  uint8_t id[SSL_MAX_SSL_SESSION_ID_LENGTH];
  uint8_t sid_ctx[SSL_MAX_SID_CTX_LENGTH];
  uint8_t sha256[SSL_SHA256];
  ssl_owned ticket, alpn, early_context;
  ssl_owned name; /* the host name that was sent; with has_name */
  ssl_ex_data ex_data;
  ssl_staples staples; /* of a server's first certificate */
  ssl_owned extra;     /* other elements of the encoding, in order */
  STACK_OF(CRYPTO_BUFFER) * chain;
  CRYPTO_BUFFER *spki;     /* the peer's raw public key, instead of a chain */
  _Atomic(EVP_PKEY *) rpk; /* parsed when asked for */
  _Atomic(X509 *) leaf;    /* the chain's first, parsed when asked for */
};

/* ssl_owned_set copies |from|; false: memory ran out, |to| is as it was. */
bool ssl_owned_set(ssl_owned *to, const uint8_t *from, size_t len);
/* ssl_chain_share makes another list of the same certificates; NULL: memory ran out. */
STACK_OF(CRYPTO_BUFFER) * ssl_chain_share(const STACK_OF(CRYPTO_BUFFER) * chain);

/* ssl_session_import makes the session of |ssl|'s connection for which the engine gave |state|.
 * NULL: memory ran out, or what it came of is too old for another. */
SSL_SESSION *ssl_session_import(SSL *ssl, hf_bytes state);
/* ssl_session_describe adds to |session| what |ssl| knows of its connection.  False: memory ran
 * out.
 */
bool ssl_session_describe(SSL *ssl, SSL_SESSION *session);
/* ssl_session_export makes the engine's state of |session|, which is wiped when it is freed; a
 * session that names no host is for |name|.  Not available: |out->data| is NULL. */
void ssl_session_export(ssl_owned *out, const SSL_SESSION *session, hf_bytes name);
/* ssl_session_by_id says whether it is a client's that is resumed by its id (RFC 5246 7.3). */
bool ssl_session_by_id(const SSL_SESSION *session);
/* ssl_session_parse takes a session off the front of |in|.  NULL: the reason is on the error queue.
 */
SSL_SESSION *ssl_session_parse(CBS *in);

/* ssl_session_knows_peer says whether the peer has shown who it is: a chain, of which perhaps only
 * a hash is left, or a raw public key. */
bool ssl_session_knows_peer(const SSL_SESSION *session);
/* ssl_session_establish makes |session| what SSL_get_session returns, if it is of TLS 1.2.
 * session_client.c */
void ssl_session_establish(SSL *ssl, SSL_SESSION *session);
/* ssl_session_stores says whether |ssl|'s sessions are kept somewhere; ssl_session_store keeps one,
 * false: there is no room.  ssl_session_find returns the session with |id| and a reference to it;
 * NULL: there is none, or SSL_magic_pending_session_ptr().  session_cache.c */
bool ssl_session_stores(const SSL *ssl);
bool ssl_session_store(SSL *ssl, SSL_SESSION *session);
SSL_SESSION *ssl_session_find(SSL *ssl, hf_bytes id);

/* ssl_ticket_seal and ssl_ticket_open are the server's keys: ticket_keys.c.  Sealing gives nothing,
 * |out->data| NULL, if there is to be no ticket. */
bool ssl_ticket_seal(SSL *ssl, ssl_owned *out, hf_bytes plain);
/* ssl_ticket_open also says whether the client is to get a new ticket, which in TLS 1.3 it always
 * does. */
enum ssl_ticket_aead_result_t ssl_ticket_open(SSL *ssl, ssl_owned *out, bool *renew,
                                              hf_bytes ticket);
/* ssl_session_may_stand_for says whether sessions of |ssl|, a server, may be resumed: see the head
 * of ticket.c. */
bool ssl_session_may_stand_for(const SSL *ssl);

#endif
