/* shim.h: what the files of the shim share.
 *
 * The shim stands between BoringSSL's conformance runner and <openssl/ssl.h>: the runner starts it
 * with flags, it connects to the runner's port, once for each connection, does with an SSL what the
 * flags say, and exits with 0 if all came as the flags expect.  It knows <openssl/ssl.h> and
 * <handfast/bio_pair.h> and nothing behind them: what it cannot do with those, no program can. */
#ifndef HANDFAST_TESTS_BOGO_SHIM_H
#define HANDFAST_TESTS_BOGO_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <handfast/bio_pair.h>

/* Exit statuses that the runner knows. */
enum { EXIT_FAILED = 1, EXIT_UNIMPLEMENTED = 89, EXIT_MUST_NOT_BE = 90 };

/* ---- flags.c: what the runner asks for ---- */

struct data {
  uint8_t *bytes;
  size_t len;
};
struct list {
  uint16_t items[32];
  size_t num;
};
struct config {
#define BOOL(name) bool name;
#define INT(name) int name;
#define TEXT(name) const char *name; /* NULL: not given */
#define DATA(name) struct data name;
#define LIST(name) struct list name;
#include "tests/bogo/flags.def"
#undef BOOL
#undef INT
#undef TEXT
#undef DATA
#undef LIST
};
/* The first connection, the resumptions, and a resumption that goes on after its early data was
 * refused. */
struct configs {
  struct config initial, resume, retry;
};
/* flags_parse exits by itself if it cannot. */
void flags_parse(struct configs *out, int argc, char **argv);
/* data_from_hex takes |len| hexadecimal digits; the bytes live for ever.  False: they are none. */
bool data_from_hex(struct data *out, const char *hex, size_t len);
bool data_is(const struct data *expected, const uint8_t *bytes, size_t len);

/* ---- wire.c: the transport ---- */

/* wire is a socket, which an SSL reads and writes itself; or, for -async, a pair of BIOs of one
 * byte each way, between which and the socket the shim carries bytes when the SSL says that it
 * waits. */
struct wire {
  int sock;
  BIO *network; /* NULL: the SSL has the socket itself */
  uint8_t in[4096], out[4096];
  size_t in_start, in_end, out_len;
};
/* wire_open connects to |port| of this machine and says |id| there, if it is not NULL. */
bool wire_open(struct wire *wire, int port, const char *id);
/* wire_attach gives |ssl| its BIOs. */
bool wire_attach(struct wire *wire, SSL *ssl, bool async);
/* wire_one_in moves one byte, or the end, to the SSL, after all that waits to go out; wire_one_out
 * one byte from it; wire_flush all that waits. */
bool wire_one_in(struct wire *wire);
bool wire_one_out(struct wire *wire);
bool wire_flush(struct wire *wire);
bool wire_send(struct wire *wire, const uint8_t *bytes, size_t len);
bool wire_receive(struct wire *wire, uint8_t *out, size_t len);
/* wire_close sends what waits, ends its direction, reads the other one to its end and closes. */
void wire_close(struct wire *wire);

/* ---- quic.c: the runner's picture of QUIC ---- */

enum { QUIC_LEVELS = 4 };
struct quic_secret {
  uint16_t suite;
  uint8_t bytes[64];
  size_t len;
};
struct quic {
  struct wire *wire;
  struct quic_secret read[QUIC_LEVELS], write[QUIC_LEVELS];
  uint8_t *app; /* of a record that did not fit the reader */
  size_t app_start, app_len;
};
extern const SSL_QUIC_METHOD quic_method;
/* quic_read_handshake takes one record to |ssl|. */
bool quic_read_handshake(struct quic *quic, SSL *ssl);
int quic_read(struct quic *quic, SSL *ssl, uint8_t *out, size_t max_out);
bool quic_write(struct quic *quic, const SSL *ssl, const uint8_t *in, size_t len);

/* ---- A connection ---- */

struct state {
  const struct config *config;
  struct wire wire;
  struct quic quic;
  /* Questions that wait to be asked again. */
  bool certificate_ready, hello_ready, verify_ready, session_ready;
  int key_retries;
  /* What the callbacks have seen. */
  bool handshake_done, hello_seen, alpn_selected, verified, ticket_opened, broken;
  SSL_SESSION *new_session; /* owned; NULL: none came */
  bool got_new_session;
  SSL_SESSION *offered; /* server, -async: owned; what the lookup finds */
  EVP_PKEY *key;        /* owned; -async: what the key method signs with */
  uint8_t signature[1024];
  size_t signature_len;
  char messages[4096]; /* what the message callback saw, as text */
  uint8_t last_message;
};
struct state *state_of(const SSL *ssl);
bool state_attach(SSL *ssl, struct state *state);
void state_free(struct state *state);
/* complain says on stderr what is not as it should be, and returns false. */
bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The time that the library is told; the first is not 0. */
extern uint64_t clock_seconds;

/* setup.c.  |old|: keys of tickets are taken over from there; NULL: there is no such. */
SSL_CTX *setup_context(const struct config *config, SSL_CTX *old);
/* setup_connection makes an SSL; the shim's |state| is attached to it. */
SSL *setup_connection(SSL_CTX *ctx, struct state *state, SSL_SESSION *session);

/* callbacks.c */
void callbacks_context(SSL_CTX *ctx, const struct config *config);
bool callbacks_connection(SSL *ssl, const struct config *config);

/* handlers.c: callbacks about tickets, sessions, compression and messages. */
int on_ticket_key(SSL *ssl, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac,
                  int encrypt);
int on_new_session(SSL *ssl, SSL_SESSION *session);
SSL_SESSION *on_get_session(SSL *ssl, const uint8_t *id, int len, int *copy);
void on_message(int is_write, int version, int type, const void *buf, size_t len, SSL *ssl,
                void *arg);
bool handlers_compression(SSL_CTX *ctx, const struct config *config);

/* keys.c */
EVP_PKEY *key_load(const char *file);
/* certificate_load reads the first certificate and the chain after it. */
bool certificate_load(X509 **out, STACK_OF(X509) * *out_chain, const char *file);
/* certificate_install gives |ssl| what the flags name. */
bool certificate_install(SSL *ssl);
/* certificate_configured makes what the flags name, NULL if they name none. */
bool certificate_configured(SSL *ssl, X509 **out, STACK_OF(X509) * *out_chain, EVP_PKEY **out_key);
bool delegated_install(SSL *ssl, const char *text);
/* names_from_hex makes names of DER in hexadecimal, with commas between them. */
STACK_OF(X509_NAME) * names_from_hex(const char *text);

/* expect.c */
bool expect_handshake(SSL *ssl, const struct config *config, bool is_resume);
bool expect_certificate_request(const SSL *ssl);
bool expect_peer_verify_prefs(const SSL *ssl);

/* exchange.c: one connection's handshake, data and end. */
/* retry makes good what |ssl| waits for after a call that returned |ret|; false: it waits for
 * nothing. */
bool retry(SSL *ssl, int ret);
bool exchange(SSL *ssl, const struct config *config, bool is_resume, bool is_retry);
/* sessions_copy adds to |ctx| the sessions that servers before it have made. */
void sessions_copy(SSL_CTX *ctx);
void sessions_keep(SSL_SESSION *session);

#endif
