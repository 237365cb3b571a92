/* quic.h: what an SSL for QUIC has beside the rest, and what quic.c offers the files that run a
 * connection.
 *
 * Both kinds of callbacks are one table of what is done with secrets and bytes.  The settings part
 * of ssl_quic outlives SSL_clear, the other does not. */
#ifndef HANDFAST_SSL_QUIC_H
#define HANDFAST_SSL_QUIC_H

#include "ssl/driver.h"
#include "ssl/session.h"

/* ssl_quic_tls is the functions of SSL_set_quic_tls_cbs. */
typedef struct ssl_quic_tls {
  OSSL_FUNC_SSL_QUIC_TLS_crypto_send_fn *crypto_send;
  OSSL_FUNC_SSL_QUIC_TLS_crypto_recv_rcd_fn *crypto_recv_rcd;
  OSSL_FUNC_SSL_QUIC_TLS_crypto_release_rcd_fn *crypto_release_rcd;
  OSSL_FUNC_SSL_QUIC_TLS_yield_secret_fn *yield_secret;
  OSSL_FUNC_SSL_QUIC_TLS_got_transport_params_fn *got_transport_params;
  OSSL_FUNC_SSL_QUIC_TLS_alert_fn *alert;
  void *arg;
} ssl_quic_tls;

/* ssl_quic_run is what belongs to one connection; all zero before it. */
typedef struct ssl_quic_run {
  hf_level read_level, write_level; /* of handshake bytes, as the callbacks were told */
  hf_level out_level;               /* of the bytes in io.out */
  bool flight_open;                 /* bytes were added since the last flush_flight */
  bool broken;                      /* a callback has failed */
  bool early_write, early_read;     /* keys of early data were handed out */
  bool peer_params_known;
  ssl_owned peer_params;
  /* A secret for reading that waits for the one to write acknowledgments with; len 0: none. */
  hf_level held_level;
  uint16_t held_suite;
  uint8_t held[SSL_MAX_MASTER_KEY_LENGTH];
  size_t held_len;
} ssl_quic_run;

struct ssl_quic {
  const SSL_QUIC_METHOD *method; /* lent; or */
  bool has_tls;                  /* these */
  ssl_quic_tls tls;
  bool legacy; /* parameters go by the code point of drafts */
  bool has_params;
  ssl_owned params, context;
  ssl_quic_run run;
};

/* ssl_quic_on says whether |ssl| is for QUIC. */
bool ssl_quic_on(const SSL *ssl);
/* ssl_quic_by_calls says whether input comes by SSL_provide_quic_data, not SSL_read's callback. */
bool ssl_quic_by_calls(const SSL *ssl);
/* ssl_quic_may_start says whether what is configured for QUIC, or for not having it, will do; if
 * not, why not is on the error queue. */
bool ssl_quic_may_start(const SSL *ssl);
/* ssl_quic_params are this side's transport parameters; absent: none. */
hf_bytes ssl_quic_params(const SSL *ssl);
/* ssl_quic_is_late says whether |ssl|, which is for QUIC, is a server that lacks the context
 * without which it takes no early data. */
bool ssl_quic_is_late(const SSL *ssl);
/* ssl_quic_early_fits says whether the context of |session|, a server's, is that of |ssl|. */
bool ssl_quic_early_fits(const SSL *ssl, const SSL_SESSION *session);
/* ssl_quic_describe notes in |session| whether it is QUIC's, and a server's context.  False: memory
 * ran out. */
bool ssl_quic_describe(const SSL *ssl, SSL_SESSION *session);

/* ssl_quic_learn keeps the peer's transport parameters and tells of them, once they are there.
 * False: a callback failed, or memory ran out. */
bool ssl_quic_learn(SSL *ssl);
/* ssl_quic_install hands out the secret of HF_ASK_INSTALL.  Returns 0, or the SSL_R_ reason for
 * which the question is to be refused. */
int ssl_quic_install(SSL *ssl, const hf_question_t *question);
/* ssl_quic_push and ssl_quic_fetch are ssl_io_push and ssl_io_fetch over QUIC; the latter ends the
 * flight, for there is nothing to do but wait. */
ssl_step ssl_quic_push(SSL *ssl);
ssl_step ssl_quic_fetch(SSL *ssl);
/* ssl_quic_end_flight calls flush_flight if bytes were added.  False: it failed. */
bool ssl_quic_end_flight(SSL *ssl);
/* ssl_quic_alert tells of a failure. */
void ssl_quic_alert(SSL *ssl, uint8_t alert);
/* ssl_quic_reset forgets the connection; ssl_quic_free all. */
void ssl_quic_reset(SSL *ssl);
void ssl_quic_free(SSL *ssl);

#endif
