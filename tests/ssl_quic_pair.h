/* ssl_quic_pair.h: an SSL client and an SSL server of ours over QUIC's carrier in memory, each with
 * BoringSSL's callbacks or with OpenSSL's.
 *
 * What ssl_quic.h promises is checked on the way: each secret comes once, acknowledgments can be
 * written before what they are for can be read, and bytes come after their keys. */
#ifndef HANDFAST_TESTS_SSL_QUIC_PAIR_H
#define HANDFAST_TESTS_SSL_QUIC_PAIR_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "buf.h"

/* What a callback of an end is to fail at. */
enum ssl_quic_failure {
  FAIL_NOTHING,
  FAIL_READ_SECRET,
  FAIL_WRITE_SECRET,
  FAIL_SEND,
  FAIL_FLUSH, /* BoringSSL's alone; the next three are OpenSSL's */
  FAIL_RECEIVE,
  FAIL_RELEASE,
  FAIL_PARAMS
};

struct ssl_quic_end {
  SSL *ssl;
  bool openssl;               /* whose callbacks */
  enum ssl_quic_failure fail; /* each time it comes to that */
  size_t send_max;            /* OpenSSL's: crypto_send takes this much at most; 0: all */
  char log[200];              /* secrets: " wHANDSHAKE ..." */
  uint8_t secret[2][4][48];   /* [writing][level] */
  size_t secret_len[2][4];
  uint16_t suite[2][4];   /* BoringSSL's */
  int read_at, write_at;  /* levels of handshake bytes, by the secrets seen */
  struct buf unsent[4];   /* before flush_flight */
  struct buf out[4];      /* to the peer, not delivered yet */
  struct buf in[4];       /* from the peer, not taken yet */
  struct buf lent;        /* what crypto_recv_rcd gave out */
  unsigned flights;       /* calls of flush_flight */
  unsigned alerts;        /* calls of send_alert */
  int alert, alert_level; /* the last */
  unsigned params_told;   /* calls of got_transport_params */
  unsigned early_returns; /* SSL_do_handshake returned 1 for early data */
  unsigned rejected;      /* it said SSL_ERROR_EARLY_DATA_REJECTED, which was reset */
  int ret, error;         /* of the last SSL_do_handshake, or of what comes after it */
  bool done;              /* it has returned 1 */
};

struct ssl_quic_pair {
  struct ssl_quic_end client, server;
  size_t piece; /* bytes delivered at a time; 0: all there are */
};

/* ssl_quic_client_ctx and ssl_quic_server_ctx are ssl_client_ctx and ssl_server_ctx with the
 * protocol "h3". */
SSL_CTX *ssl_quic_client_ctx(void);
SSL_CTX *ssl_quic_server_ctx(const char *name);
/* ssl_quic_method is BoringSSL's callbacks of an end, which is the SSL's app data. */
const SSL_QUIC_METHOD *ssl_quic_method(void);
/* ssl_quic_end_new makes one end, with transport parameters (6 bytes of a client, 7 of a server);
 * ssl_quic_end_free frees it. */
bool ssl_quic_end_new(struct ssl_quic_end *end, SSL_CTX *ctx, bool openssl, bool server);
void ssl_quic_end_free(struct ssl_quic_end *end);
/* ssl_quic_pair_new makes both ends; |shapes|: bit 0, the client has
 * OpenSSL's callbacks; bit 1, the server. */
bool ssl_quic_pair_new(struct ssl_quic_pair *pair, SSL_CTX *client, SSL_CTX *server,
                       unsigned shapes);
/* ssl_quic_go drives one end once with what there is for it. */
void ssl_quic_go(struct ssl_quic_end *end, size_t piece);
/* ssl_quic_move moves what |from| has sent to where |to| takes it.  False: nothing. */
bool ssl_quic_move(struct ssl_quic_end *from, struct ssl_quic_end *to);
/* ssl_quic_run goes on until nothing moves.  True: both have completed the handshake. */
bool ssl_quic_run(struct ssl_quic_pair *pair);
/* ssl_quic_put gives |end| bytes as if from the peer, after those that wait. */
void ssl_quic_put(struct ssl_quic_end *end, int level, const void *data, size_t len);
void ssl_quic_pair_free(struct ssl_quic_pair *pair);

#endif
