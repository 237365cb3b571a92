/* ssl_session.h: the part of ssl.h about sessions and tickets.  Include <openssl/ssl.h>.
 *
 * A session is what a connection left behind for a shorter handshake.  A TLS 1.3 client gets one
 * for each ticket that the server sends, at any time after the handshake, which means during
 * SSL_read: SSL_CTX_sess_set_new_cb is how to have them.  SSL_set_session offers one to a server.
 * A server keeps nothing: all it needs is in the ticket, encrypted; unless SSL_OP_NO_TICKET has it
 * keep sessions: see ssl_session_cache.h.
 */
#ifndef HANDFAST_OPENSSL_SSL_SESSION_H
#define HANDFAST_OPENSSL_SSL_SESSION_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#include <openssl/evp.h>
#include <openssl/hmac.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- SSL_SESSION ---- */

/* SSL_SESSION_new makes a blank session with one reference; NULL: memory ran out. */
HF_SSL_EXPORT SSL_SESSION *SSL_SESSION_new(const SSL_CTX *ctx);
/* SSL_SESSION_up_ref takes another reference and returns 1. */
HF_SSL_EXPORT int SSL_SESSION_up_ref(SSL_SESSION *session);
/* SSL_SESSION_free releases a reference; NULL is allowed. */
HF_SSL_EXPORT void SSL_SESSION_free(SSL_SESSION *session);

/* SSL_SESSION_to_bytes gives the session in BoringSSL's encoding, to be freed with OPENSSL_free; it
 * holds secrets.  A session that cannot be resumed gives bytes that no reader accepts.  Returns 1,
 * or 0. */
HF_SSL_EXPORT int SSL_SESSION_to_bytes(const SSL_SESSION *in, uint8_t **out_data, size_t *out_len);
/* SSL_SESSION_to_bytes_for_ticket leaves out what a server's ticket does not need, the session's id
 * and ticket. */
HF_SSL_EXPORT int SSL_SESSION_to_bytes_for_ticket(const SSL_SESSION *in, uint8_t **out_data,
                                                  size_t *out_len);
/* SSL_SESSION_from_bytes makes a session of what SSL_SESSION_to_bytes gave, here or in BoringSSL.
 * Times in it are in whole seconds.  NULL, with SSL_R_INVALID_SSL_SESSION or
 * SSL_R_UNSUPPORTED_CIPHER: it is none. */
HF_SSL_EXPORT SSL_SESSION *SSL_SESSION_from_bytes(const uint8_t *in, size_t in_len,
                                                  const SSL_CTX *ctx);
/* i2d_SSL_SESSION and d2i_SSL_SESSION are the same in the manner of i2d and d2i functions:
 * i2d_SSL_SESSION returns the length, or -1; with |pp| NULL nothing is written; with |*pp| NULL it
 * is allocated; else |*pp| is moved behind what was written. */
HF_SSL_EXPORT int i2d_SSL_SESSION(const SSL_SESSION *in, uint8_t **pp);
HF_SSL_EXPORT SSL_SESSION *d2i_SSL_SESSION(SSL_SESSION **a, const uint8_t **pp, long length);

/* SSL_SESSION_get_version returns the protocol's name, SSL_SESSION_get_protocol_version its number.
 */
HF_SSL_EXPORT const char *SSL_SESSION_get_version(const SSL_SESSION *session);
HF_SSL_EXPORT uint16_t SSL_SESSION_get_protocol_version(const SSL_SESSION *session);
/* SSL_SESSION_get0_cipher returns the suite of the connection that it is from; NULL: none yet. */
HF_SSL_EXPORT const SSL_CIPHER *SSL_SESSION_get0_cipher(const SSL_SESSION *session);
/* SSL_SESSION_get_id lends the id, which for a client's TLS 1.3 session is the SHA-256 hash of the
 * ticket. SSL_SESSION_set1_id sets it; 0 if it is longer than 32 bytes. */
HF_SSL_EXPORT const uint8_t *SSL_SESSION_get_id(const SSL_SESSION *session, unsigned *out_len);
HF_SSL_EXPORT int SSL_SESSION_set1_id(SSL_SESSION *session, const uint8_t *sid, size_t sid_len);
/* The session's beginning, in seconds since 1970, and for how many seconds it can be resumed.
 * SSL_SESSION_set_time returns |time|, SSL_SESSION_set_timeout 1. */
HF_SSL_EXPORT uint64_t SSL_SESSION_get_time(const SSL_SESSION *session);
HF_SSL_EXPORT uint64_t SSL_SESSION_set_time(SSL_SESSION *session, uint64_t time);
HF_SSL_EXPORT uint32_t SSL_SESSION_get_timeout(const SSL_SESSION *session);
HF_SSL_EXPORT uint32_t SSL_SESSION_set_timeout(SSL_SESSION *session, uint32_t timeout);
/* SSL_SESSION_get_ticket_lifetime_hint returns what the server said of the ticket's lifetime, in
 * seconds. */
HF_SSL_EXPORT uint32_t SSL_SESSION_get_ticket_lifetime_hint(const SSL_SESSION *session);
/* SSL_SESSION_get0_peer lends the peer's certificate, SSL_SESSION_get0_peer_certificates its chain
 * as it was sent; NULL if there was none. */
HF_SSL_EXPORT X509 *SSL_SESSION_get0_peer(const SSL_SESSION *session);
HF_SSL_EXPORT const STACK_OF(CRYPTO_BUFFER) *
    SSL_SESSION_get0_peer_certificates(const SSL_SESSION *session);
/* SSL_SESSION_get0_peer_sha256 lends the SHA-256 hash of a client's certificate, which stands for
 * it in a server's session with SSL_CTX_set_retain_only_sha256_of_client_certs; |*out| NULL and
 * |*out_len| 0: there is none.  SSL_SESSION_has_peer_sha256 returns 1 if there is one. */
HF_SSL_EXPORT int SSL_SESSION_has_peer_sha256(const SSL_SESSION *session);
HF_SSL_EXPORT void SSL_SESSION_get0_peer_sha256(const SSL_SESSION *session, const uint8_t **out,
                                                size_t *out_len);
/* SSL_SESSION_get0_ocsp_response and SSL_SESSION_get0_signed_cert_timestamp_list lend a client what
 * the server stapled to its certificate, as SSL_get0_ocsp_response and
 * SSL_get0_signed_cert_timestamp_list do; |*out_len| 0: nothing. */
HF_SSL_EXPORT void SSL_SESSION_get0_ocsp_response(const SSL_SESSION *session, const uint8_t **out,
                                                  size_t *out_len);
HF_SSL_EXPORT void SSL_SESSION_get0_signed_cert_timestamp_list(const SSL_SESSION *session,
                                                               const uint8_t **out,
                                                               size_t *out_len);
/* SSL_SESSION_get_master_key writes up to |max_out| bytes of the secret and returns how many; with
 * |max_out| 0, how many there are. */
HF_SSL_EXPORT size_t SSL_SESSION_get_master_key(const SSL_SESSION *session, uint8_t *out,
                                                size_t max_out);
/* The context that a server's session is good in: see SSL_CTX_set_session_id_context.
 * SSL_SESSION_set1_id_context returns 0 if it is longer than SSL_MAX_SID_CTX_LENGTH. */
HF_SSL_EXPORT const uint8_t *SSL_SESSION_get0_id_context(const SSL_SESSION *session,
                                                         unsigned *out_len);
HF_SSL_EXPORT int SSL_SESSION_set1_id_context(SSL_SESSION *session, const uint8_t *sid_ctx,
                                              size_t sid_ctx_len);
/* SSL_SESSION_has_ticket says whether there is a ticket, SSL_SESSION_get0_ticket lends it. */
HF_SSL_EXPORT int SSL_SESSION_has_ticket(const SSL_SESSION *session);
HF_SSL_EXPORT void SSL_SESSION_get0_ticket(const SSL_SESSION *session, const uint8_t **out_ticket,
                                           size_t *out_len);
/* SSL_SESSION_should_be_single_use returns 1 for TLS 1.3: who offers a ticket twice can be
 * recognized.  Such a session is offered by one connection only; the next makes a full handshake.
 */
HF_SSL_EXPORT int SSL_SESSION_should_be_single_use(const SSL_SESSION *session);
/* SSL_SESSION_is_resumable returns 1 if the session has a ticket, or an id, and may still be
 * offered. */
HF_SSL_EXPORT int SSL_SESSION_is_resumable(const SSL_SESSION *session);

/* ---- Time ---- */

/* SSL_CTX_set_current_time_cb has |cb| say what time it is, in |*out_clock| since 1970, for all
 * that |ctx| and its connections do with sessions, tickets and their keys; |ssl| is NULL.  NULL:
 * the system's clock.  It is to be set before the first connection, and is called from any thread
 * that uses |ctx|.  Certificates are not concerned: see X509_VERIFY_PARAM_set_time. */
HF_SSL_EXPORT void SSL_CTX_set_current_time_cb(SSL_CTX *ctx, void (*cb)(const SSL *ssl,
                                                                        struct timeval *out_clock));

/* ---- Beside them ---- */

/* SSL_SESSION_set_ticket copies the ticket.  Returns 1, or 0: memory ran out. */
HF_SSL_EXPORT int SSL_SESSION_set_ticket(SSL_SESSION *session, const uint8_t *ticket,
                                         size_t ticket_len);
/* PEM_read_bio_SSL_SESSION, PEM_write_bio_SSL_SESSION and those for a FILE: i2d_SSL_SESSION's bytes
 * in PEM, labelled "SSL SESSION PARAMETERS". */
HF_SSL_EXPORT SSL_SESSION *PEM_read_bio_SSL_SESSION(BIO *bp, SSL_SESSION **x, pem_password_cb *cb,
                                                    void *u);
HF_SSL_EXPORT SSL_SESSION *PEM_read_SSL_SESSION(FILE *fp, SSL_SESSION **x, pem_password_cb *cb,
                                                void *u);
HF_SSL_EXPORT int PEM_write_bio_SSL_SESSION(BIO *bp, SSL_SESSION *x);
HF_SSL_EXPORT int PEM_write_SSL_SESSION(FILE *fp, SSL_SESSION *x);
/* As SSL_get_ex_new_index and its like, for SSL_SESSION.  One thread at a time may set data of a
 * session, while no other reads it.  A session's data is not in its encoding. */
HF_SSL_EXPORT int SSL_SESSION_get_ex_new_index(long argl, void *argp, CRYPTO_EX_unused *unused,
                                               CRYPTO_EX_dup *dup_unused,
                                               CRYPTO_EX_free *free_func);
HF_SSL_EXPORT int SSL_SESSION_set_ex_data(SSL_SESSION *session, int idx, void *data);
HF_SSL_EXPORT void *SSL_SESSION_get_ex_data(const SSL_SESSION *session, int idx);
#define SSL_SESSION_set_app_data(session, data) \
  (SSL_SESSION_set_ex_data(session, 0, (char *)(data)))
#define SSL_SESSION_get_app_data(session) (SSL_SESSION_get_ex_data(session, 0))
/* Older names. */
#define SSL_get_time(session) SSL_SESSION_get_time(session)
#define SSL_set_time(session, time) SSL_SESSION_set_time((session), (time))
#define SSL_get_timeout(session) SSL_SESSION_get_timeout(session)
#define SSL_set_timeout(session, timeout) SSL_SESSION_set_timeout((session), (timeout))
/* SSL_get_default_timeout returns SSL_DEFAULT_SESSION_TIMEOUT, SSL_cache_hit what
 * SSL_session_reused does. */
HF_SSL_EXPORT long SSL_get_default_timeout(const SSL *ssl);
HF_SSL_EXPORT int SSL_cache_hit(SSL *ssl);

/* ---- Clients ---- */

/* SSL_CTX_sess_set_new_cb has |cb| called with each session that a client gets, if
 * SSL_CTX_set_session_cache_mode has SSL_SESS_CACHE_CLIENT; and with each that a server is to keep,
 * if it has SSL_SESS_CACHE_SERVER.  It returns 1 to take over the reference, else 0.  A client's
 * sessions are in no cache within. */
HF_SSL_EXPORT void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, int (*cb)(SSL *ssl, SSL_SESSION *session));
HF_SSL_EXPORT int (*SSL_CTX_sess_get_new_cb(SSL_CTX *ctx))(SSL *ssl, SSL_SESSION *session);
/* SSL_set_session has a client offer |session|, of which it takes a reference; NULL: none.  It is
 * not offered if it has expired, was offered before (TLS 1.3), is for another host name or of
 * another context (SSL_set_session_id_context), or, with SSL_VERIFY_PEER, if its server's
 * certificate had not been found good.  Returns 1; 0 once the
 * handshake has begun. */
HF_SSL_EXPORT int SSL_set_session(SSL *ssl, SSL_SESSION *session);
/* SSL_CTX_set_reverify_on_resume: if |enabled| is not 0, the callback of SSL_CTX_set_custom_verify
 * is asked about the chain of a session too: when it was resumed, or, if early data goes with it,
 * before that can be written, and then once more if the early data was not accepted.  What it says
 * is as in a full handshake: SSL_ERROR_WANT_CERTIFICATE_VERIFY, or the connection fails with its
 * alert.  With SSL_VERIFY_NONE, on a server and without such a callback it does nothing. */
HF_SSL_EXPORT void SSL_CTX_set_reverify_on_resume(SSL_CTX *ctx, int enabled);
/* SSL_get_session lends the session of the connection, until |ssl| is cleared or freed; before the
 * end of the handshake the one that was set, and during False Start one that tells about what is
 * known; NULL: none.  That of a TLS 1.3 connection tells about it and cannot be resumed.
 * SSL_get0_session is another name, SSL_get1_session takes a reference. */
HF_SSL_EXPORT SSL_SESSION *SSL_get_session(const SSL *ssl);
HF_SSL_EXPORT SSL_SESSION *SSL_get0_session(const SSL *ssl);
HF_SSL_EXPORT SSL_SESSION *SSL_get1_session(SSL *ssl);

/* ---- Servers ---- */

/* SSL_CTX_set_session_psk_dhe_timeout sets for how many seconds TLS 1.3 sessions can be resumed, at
 * most seven days; at first and with 0, two days.  Resuming one does not make it live longer than
 * seven days in all without a new look at certificates. */
HF_SSL_EXPORT void SSL_CTX_set_session_psk_dhe_timeout(SSL_CTX *ctx, uint32_t timeout);

/* Tickets are made with keys that the SSL_CTX draws itself and changes each
 * SSL_DEFAULT_TICKET_KEY_ROTATION_INTERVAL seconds, unless one of these functions says otherwise.
 * They are to be called before the first connection.
 *
 * SSL_CTX_set_tlsext_ticket_keys sets keys that do not change: 16 bytes of name, 16 of an HMAC key,
 * 16 of an AES key, 48 in all; servers with the same ones take each other's tickets. With |in| NULL
 * it returns 48; 0 if |len| is another.  SSL_CTX_get_tlsext_ticket_keys gives those in use
 * now: without a SSL_CTX_set_tlsext_ticket_keys they are the SSL_CTX's own, which change every two
 * days; those before are good for opening for two days more. */
HF_SSL_EXPORT int SSL_CTX_set_tlsext_ticket_keys(SSL_CTX *ctx, const void *in, size_t len);
HF_SSL_EXPORT int SSL_CTX_get_tlsext_ticket_keys(SSL_CTX *ctx, void *out, size_t len);
/* SSL_CTX_set_tlsext_ticket_key_cb has |callback| choose the keys and returns 1.  When a ticket is
 * made |encrypt| is 1: it writes the key's name and an IV, and initializes both contexts; it
 * returns 1, 0 for no ticket, or -1 to fail. When one is opened |encrypt| is 0: it looks at both
 * and initializes the contexts, and returns 1, 2 to have the ticket renewed (in TLS 1.3 it always
 * is), 0 if it does not know the key, or -1 to fail the handshake. */
HF_SSL_EXPORT int SSL_CTX_set_tlsext_ticket_key_cb(
    SSL_CTX *ctx, int (*callback)(SSL *ssl, uint8_t *key_name, uint8_t *iv, EVP_CIPHER_CTX *ctx,
                                  HMAC_CTX *hmac_ctx, int encrypt));

/* What SSL_TICKET_AEAD_METHOD.open returns: the ticket is open; ask again later, and until then
 * SSL_get_error is SSL_ERROR_PENDING_TICKET; it is not good; fail the handshake. */
enum ssl_ticket_aead_result_t BORINGSSL_ENUM_INT {
  ssl_ticket_aead_success,
  ssl_ticket_aead_retry,
  ssl_ticket_aead_ignore_ticket,
  ssl_ticket_aead_error
};
/* ssl_ticket_aead_method_st: |max_overhead| says by how much |seal| lengthens; |seal| encrypts and
 * authenticates and returns 1, or 0; |open| undoes it.  They write |*out_len| bytes, |max_out_len|
 * at most. */
struct ssl_ticket_aead_method_st {
  size_t (*max_overhead)(SSL *ssl);
  int (*seal)(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out_len, const uint8_t *in,
              size_t in_len);
  enum ssl_ticket_aead_result_t (*open)(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out_len,
                                        const uint8_t *in, size_t in_len);
};
/* SSL_new_session_ticket has a server give one more ticket, with its next SSL_write, be it of
 * nothing. It returns 1; or 0 with a reason on the error queue before the handshake is done
 * (SSL_R_HANDSHAKE_NOT_COMPLETE), on a client or with QUIC, or after SSL_shutdown. */
HF_SSL_EXPORT int SSL_new_session_ticket(SSL *ssl);
/* SSL_CTX_set_ticket_aead_method has |aead_method|, which is not copied, make and open tickets. */
HF_SSL_EXPORT void SSL_CTX_set_ticket_aead_method(SSL_CTX *ctx,
                                                  const SSL_TICKET_AEAD_METHOD *aead_method);

#ifdef __cplusplus
}
#endif
#endif
