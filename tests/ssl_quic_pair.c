/* ssl_quic_pair.c: see ssl_quic_pair.h. */
#include "ssl_quic_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssl_pair.h"

/* MUST: a promise of ssl_quic.h that is broken ends the program. */
#define MUST(condition)                                               \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: " #condition "\n", __FILE__, __LINE__); \
      abort();                                                        \
    }                                                                 \
  } while (0)

static const char *const level_names[] = {"INITIAL", "EARLY", "HANDSHAKE", "APPLICATION"};
static const uint8_t client_params[] = {0x01, 0x02, 0x67, 0x10, 0x0f, 0x00};
static const uint8_t server_params[] = {0x01, 0x02, 0x47, 0xd0, 0x0f, 0x01, 0x2a};

static struct ssl_quic_end *end_of(const SSL *ssl) { return SSL_get_app_data(ssl); }

/* ---- Both kinds of callbacks ---- */

static int take_secret(struct ssl_quic_end *end, int level, int writing, const uint8_t *secret,
                       size_t len) {
  const size_t at = strlen(end->log);
  if (end->fail == (writing ? FAIL_WRITE_SECRET : FAIL_READ_SECRET)) return 0;
  MUST(level > 0 && level < 4 && (len == 32 || len == 48));
  MUST(end->secret_len[writing][level] == 0);
  const int acknowledges = level == ssl_encryption_early_data ? ssl_encryption_application : level;
  MUST(writing || end->secret_len[1][acknowledges] > 0);
  memcpy(end->secret[writing][level], secret, len);
  end->secret_len[writing][level] = len;
  snprintf(end->log + at, sizeof end->log - at, " %c%s", writing ? 'w' : 'r', level_names[level]);
  if (level != ssl_encryption_early_data) *(writing ? &end->write_at : &end->read_at) = level;
  return 1;
}

static int take_bytes(struct ssl_quic_end *end, int level, const uint8_t *data, size_t len) {
  if (end->fail == FAIL_SEND) return 0;
  MUST(len > 0 && level != ssl_encryption_early_data);
  MUST(level == 0 || end->secret_len[1][level] > 0);
  buf_add(&end->unsent[level], data, len);
  return 1;
}

static void send_all(struct ssl_quic_end *end) {
  for (int level = 0; level < 4; level++) {
    buf_add(&end->out[level], end->unsent[level].data, end->unsent[level].len);
    end->unsent[level].len = 0;
  }
}

static int take_alert(struct ssl_quic_end *end, int level, uint8_t alert) {
  end->alerts++;
  end->alert = alert;
  end->alert_level = level;
  return 1;
}

/* ---- BoringSSL's ---- */

static int set_read_secret(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                           const uint8_t *secret, size_t len) {
  end_of(ssl)->suite[0][level] = SSL_CIPHER_get_protocol_id(cipher);
  return take_secret(end_of(ssl), (int)level, 0, secret, len);
}

static int set_write_secret(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                            const uint8_t *secret, size_t len) {
  end_of(ssl)->suite[1][level] = SSL_CIPHER_get_protocol_id(cipher);
  return take_secret(end_of(ssl), (int)level, 1, secret, len);
}

static int add_handshake_data(SSL *ssl, enum ssl_encryption_level_t level, const uint8_t *data,
                              size_t len) {
  MUST(level == SSL_quic_write_level(ssl));
  return take_bytes(end_of(ssl), (int)level, data, len);
}

static int flush_flight(SSL *ssl) {
  struct ssl_quic_end *end = end_of(ssl);
  if (end->fail == FAIL_FLUSH) return 0;
  end->flights++;
  send_all(end);
  return 1;
}

static int send_alert(SSL *ssl, enum ssl_encryption_level_t level, uint8_t alert) {
  return take_alert(end_of(ssl), (int)level, alert);
}

static const SSL_QUIC_METHOD method = {set_read_secret, set_write_secret, add_handshake_data,
                                       flush_flight, send_alert};

const SSL_QUIC_METHOD *ssl_quic_method(void) { return &method; }

/* ---- OpenSSL's ---- */

static int crypto_send(SSL *ssl, const unsigned char *data, size_t len, size_t *consumed,
                       void *arg) {
  struct ssl_quic_end *end = arg;
  MUST(end == end_of(ssl));
  if (end->send_max > 0 && len > end->send_max) len = end->send_max;
  *consumed = len;
  if (!take_bytes(end, end->write_at, data, len)) return 0;
  send_all(end);
  return 1;
}

static int crypto_recv_rcd(SSL *ssl, const unsigned char **data, size_t *len, void *arg) {
  struct ssl_quic_end *end = arg;
  (void)ssl;
  MUST(end->lent.len == 0); /* given back */
  if (end->fail == FAIL_RECEIVE) return 0;
  struct buf *in = &end->in[end->read_at];
  buf_add(&end->lent, in->data, in->len);
  in->len = 0;
  *data = end->lent.data;
  *len = end->lent.len;
  return 1;
}

static int crypto_release_rcd(SSL *ssl, size_t len, void *arg) {
  struct ssl_quic_end *end = arg;
  (void)ssl;
  if (end->fail == FAIL_RELEASE) return 0;
  MUST(len == end->lent.len);
  memset(end->lent.data, 0xee, len);
  end->lent.len = 0;
  return 1;
}

static int yield_secret(SSL *ssl, uint32_t level, int direction, const unsigned char *secret,
                        size_t len, void *arg) {
  (void)ssl;
  return take_secret(arg, (int)level, direction, secret, len);
}

static int got_transport_params(SSL *ssl, const unsigned char *params, size_t len, void *arg) {
  struct ssl_quic_end *end = arg;
  if (end->fail == FAIL_PARAMS) return 0;
  end->params_told++;
  MUST(params != NULL && len > 0);
  /* A server's own may come now. */
  return !SSL_is_server(ssl) ||
         SSL_set_quic_tls_transport_params(ssl, server_params, sizeof server_params);
}

static int on_alert(SSL *ssl, unsigned char alert, void *arg) {
  (void)ssl;
  return take_alert(arg, -1, alert);
}

static const OSSL_DISPATCH functions[] = {
    {9999, NULL}, /* of a later version */
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND, (void (*)(void))crypto_send},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD, (void (*)(void))crypto_recv_rcd},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD, (void (*)(void))crypto_release_rcd},
    {OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET, (void (*)(void))yield_secret},
    {OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS, (void (*)(void))got_transport_params},
    {OSSL_FUNC_SSL_QUIC_TLS_ALERT, (void (*)(void))on_alert},
    {0, NULL}};

/* ---- The pair ---- */

static int select_h3(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                     unsigned in_len, void *arg) {
  static const uint8_t protocols[] = "\2h3";
  (void)ssl;
  (void)arg;
  return SSL_select_next_proto((uint8_t **)out, out_len, protocols, 3, in, in_len) ==
                 OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX *ssl_quic_client_ctx(void) {
  SSL_CTX *ctx = ssl_client_ctx();
  MUST(ctx != NULL && SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\1x\2h3", 5) == 0);
  return ctx;
}

SSL_CTX *ssl_quic_server_ctx(const char *name) {
  SSL_CTX *ctx = ssl_server_ctx(name);
  MUST(ctx != NULL);
  SSL_CTX_set_alpn_select_cb(ctx, select_h3, NULL);
  return ctx;
}

bool ssl_quic_end_new(struct ssl_quic_end *end, SSL_CTX *ctx, bool openssl, bool server) {
  memset(end, 0, sizeof *end);
  end->ssl = SSL_new(ctx);
  end->openssl = openssl;
  if (end->ssl == NULL || !SSL_set_app_data(end->ssl, end)) return false;
  if (!(openssl ? SSL_set_quic_tls_cbs(end->ssl, functions, end)
                : SSL_set_quic_method(end->ssl, &method)))
    return false;
  if (server) {
    SSL_set_accept_state(end->ssl);
    return openssl ||
           SSL_set_quic_transport_params(end->ssl, server_params, sizeof server_params) == 1;
  }
  SSL_set_connect_state(end->ssl);
  return SSL_set_tlsext_host_name(end->ssl, "localhost") == 1 &&
         SSL_set_quic_transport_params(end->ssl, client_params, sizeof client_params) == 1;
}

bool ssl_quic_pair_new(struct ssl_quic_pair *pair, SSL_CTX *client, SSL_CTX *server,
                       unsigned shapes) {
  memset(pair, 0, sizeof *pair);
  return ssl_quic_end_new(&pair->client, client, shapes & 1, false) &&
         ssl_quic_end_new(&pair->server, server, shapes & 2, true);
}

/* give hands the next |piece| bytes over, by BoringSSL's call.  False: it failed. */
static bool give(struct ssl_quic_end *end, size_t piece) {
  const enum ssl_encryption_level_t level = SSL_quic_read_level(end->ssl);
  MUST((int)level == end->read_at);
  struct buf *in = &end->in[level];
  if (in->len == 0) return true;
  const size_t len = piece == 0 || in->len < piece ? in->len : piece;
  if (!SSL_provide_quic_data(end->ssl, level, in->data, len)) return false;
  buf_drop(in, len);
  return true;
}

static void drive_once(struct ssl_quic_end *end) {
  if (!end->done) {
    end->ret = SSL_do_handshake(end->ssl);
    end->done = end->ret == 1 && !SSL_in_early_data(end->ssl);
  } else if (end->openssl) {
    end->ret = SSL_read(end->ssl, NULL, 0);
    MUST(end->ret != 1);
  } else {
    end->ret = SSL_process_quic_post_handshake(end->ssl);
  }
  end->error = SSL_get_error(end->ssl, end->ret);
}

/* drive goes on where the handshake returns for early data, which it does once. */
static void drive(struct ssl_quic_end *end) {
  drive_once(end);
  if (!end->done && end->ret == 1) {
    if (end->early_returns == 0) {
      end->early_returns++;
      MUST(!end->openssl);
      drive_once(end);
    } else {
      MUST(SSL_is_server(end->ssl));
    }
  }
  if (end->error == SSL_ERROR_EARLY_DATA_REJECTED) {
    end->rejected++;
    SSL_reset_early_data_reject(end->ssl);
    drive_once(end);
  }
}

void ssl_quic_go(struct ssl_quic_end *end, size_t piece) {
  if (end->openssl) {
    drive(end);
    if (end->done && end->in[end->read_at].len > 0) drive(end); /* tickets that came with it */
    return;
  }
  do {
    if (!give(end, piece)) {
      end->error = SSL_ERROR_SSL;
      return;
    }
    drive(end);
  } while (end->alerts == 0 && end->in[end->read_at].len > 0 &&
           (end->ret == 1 || end->error == SSL_ERROR_WANT_READ));
}

bool ssl_quic_move(struct ssl_quic_end *from, struct ssl_quic_end *to) {
  bool moved = false;
  for (int level = 0; level < 4; level++) {
    struct buf *out = &from->out[level];
    if (out->len == 0) continue;
    buf_add(&to->in[level], out->data, out->len);
    out->len = 0;
    moved = true;
  }
  return moved;
}

bool ssl_quic_run(struct ssl_quic_pair *pair) {
  struct ssl_quic_end *client = &pair->client, *server = &pair->server;
  bool moved = true;
  while (moved || client->error == SSL_ERROR_WANT_WRITE || server->error == SSL_ERROR_WANT_WRITE) {
    if (client->alerts == 0) ssl_quic_go(client, pair->piece);
    if (server->alerts == 0) ssl_quic_go(server, pair->piece);
    moved = ssl_quic_move(client, server);
    moved = ssl_quic_move(server, client) || moved;
  }
  return client->done && server->done;
}

void ssl_quic_put(struct ssl_quic_end *end, int level, const void *data, size_t len) {
  buf_add(&end->in[level], data, len);
}

void ssl_quic_end_free(struct ssl_quic_end *end) {
  SSL_free(end->ssl);
  for (int level = 0; level < 4; level++) {
    buf_free(&end->unsent[level]);
    buf_free(&end->out[level]);
    buf_free(&end->in[level]);
  }
  buf_free(&end->lent);
}

void ssl_quic_pair_free(struct ssl_quic_pair *pair) {
  ssl_quic_end_free(&pair->client);
  ssl_quic_end_free(&pair->server);
}
