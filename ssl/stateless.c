/* stateless.c: SSL_stateless: a server that keeps nothing of a client until its cookie comes back
 * (RFC 9846 4.3.2).
 *
 * Owns: io.stateless, and what is in a cookie: a box (handfast/answers.h) around the time, what the
 * application says of the client, and what the engine needs to go on.  Leaves to others: the keys
 * (ticket_keys.c), the loop (driver.c). */
#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/driver.h"
#include "ssl/quic.h"

enum { TIME_LEN = 8, CONTENT_MAX = 64, COOKIE_LIFE = 60 * 1000 /* milliseconds */ };
enum { PLAIN_MAX = TIME_LEN + 1 + SSL_STATELESS_COOKIE_MAX + CONTENT_MAX };

static const hf_bytes kContext = {(const uint8_t *)"SSL_stateless", 13};

void SSL_CTX_set_stateless_cookie_generate_cb(SSL_CTX *ctx,
                                              int (*cb)(SSL *ssl, unsigned char *cookie,
                                                        size_t *cookie_len)) {
  ctx->cookie_generate_cb = cb;
}

void SSL_CTX_set_stateless_cookie_verify_cb(SSL_CTX *ctx,
                                            int (*cb)(SSL *ssl, const unsigned char *cookie,
                                                      size_t cookie_len)) {
  ctx->cookie_verify_cb = cb;
}

static bool refuse(SSL *ssl, int reason, uint8_t alert) {
  ssl->io.refusal = reason;
  return hf_refuse(ssl->conn, alert) == HF_OK;
}

/* make: time, the application's part behind its length, the engine's part. */
static bool make(SSL *ssl, hf_bytes content) {
  uint8_t keys[2 * HF_BOX_KEY], plain[PLAIN_MAX], cookie[PLAIN_MAX + HF_BOX_OVERHEAD];
  const uint64_t now = ssl_now(ssl->first_ctx);
  size_t own_len = 0, len = 0;
  for (int i = 0; i < TIME_LEN; i++) plain[i] = (uint8_t)(now >> (56 - 8 * i));
  if (content.len > CONTENT_MAX ||
      (ssl->ctx->cookie_generate_cb != NULL &&
       (!ssl->ctx->cookie_generate_cb(ssl, plain + TIME_LEN + 1, &own_len) ||
        own_len > SSL_STATELESS_COOKIE_MAX)))
    return refuse(ssl, SSL_R_CONNECTION_REJECTED, SSL_AD_INTERNAL_ERROR);
  plain[TIME_LEN] = (uint8_t)own_len;
  memcpy(plain + TIME_LEN + 1 + own_len, content.data, content.len);
  ssl_cookie_keys(ssl->first_ctx, keys);
  hf_status status = hf_box_seal(cookie, &len, sizeof cookie, keys,
                                 (hf_bytes){plain, TIME_LEN + 1 + own_len + content.len}, kContext);
  OPENSSL_cleanse(keys, sizeof keys);
  if (status != HF_OK || hf_answer_cookie(ssl->conn, (hf_bytes){cookie, len}) == HF_MISUSE)
    return refuse(ssl, ERR_R_INTERNAL_ERROR, SSL_AD_INTERNAL_ERROR);
  ssl->io.stateless = SSL_STATELESS_MADE;
  return true;
}

/* unbox opens |cookie| to |plain| with either key. */
static bool unbox(SSL *ssl, uint8_t plain[PLAIN_MAX], size_t *len, hf_bytes cookie) {
  uint8_t keys[2 * HF_BOX_KEY];
  bool ok = false;
  ssl_cookie_keys(ssl->first_ctx, keys);
  for (size_t i = 0; i < 2 && !ok; i++)
    ok = hf_box_open(plain, len, PLAIN_MAX, keys + i * HF_BOX_KEY, cookie, kContext) == HF_OK;
  OPENSSL_cleanse(keys, sizeof keys);
  return ok && *len > TIME_LEN && *len > TIME_LEN + (size_t)plain[TIME_LEN];
}

static bool is_fresh(const SSL *ssl, const uint8_t time[TIME_LEN]) {
  const uint64_t now = ssl_now(ssl->first_ctx);
  uint64_t made = 0;
  for (int i = 0; i < TIME_LEN; i++) made = made << 8 | time[i];
  return now <= made || now - made <= COOKIE_LIFE;
}

static bool open(SSL *ssl, hf_bytes cookie) {
  uint8_t plain[PLAIN_MAX];
  size_t len = 0;
  if (unbox(ssl, plain, &len, cookie) && is_fresh(ssl, plain)) {
    const size_t own_len = plain[TIME_LEN], at = TIME_LEN + 1 + own_len;
    if (ssl->ctx->cookie_verify_cb == NULL ||
        ssl->ctx->cookie_verify_cb(ssl, plain + TIME_LEN + 1, own_len)) {
      if (ssl->io.stateless == SSL_STATELESS_RUNS) ssl->io.stateless = SSL_STATELESS_OPENED;
      return hf_answer_cookie(ssl->conn, (hf_bytes){plain + at, len - at}) != HF_MISUSE;
    }
  }
  return refuse(ssl, SSL_R_CONNECTION_REJECTED, SSL_AD_ILLEGAL_PARAMETER); /* RFC 9846 4.3.2 */
}

bool ssl_answer_cookie(SSL *ssl, const hf_question_t *question) {
  if (!question->cookie.make) return open(ssl, question->cookie.cookie);
  if (question->cookie.must) return make(ssl, question->cookie.content);
  return hf_answer_cookie(ssl->conn, (hf_bytes){NULL, 0}) != HF_MISUSE;
}

bool ssl_stateless_over(SSL *ssl) {
  if (ssl->io.stateless_over ||
      (ssl->io.stateless != SSL_STATELESS_MADE && ssl->io.stateless != SSL_STATELESS_OPENED))
    return false;
  ssl->io.stateless_over = true;
  return true;
}

int SSL_stateless(SSL *ssl) {
  ssl_enter(ssl);
  if (ssl->role == SSL_ROLE_NONE) SSL_set_accept_state(ssl);
  if (!SSL_is_server(ssl) || ssl_quic_on(ssl)) {
    SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    return -1;
  }
  if (!ssl_ready_to_run(ssl, SSL_R_CONNECTION_TYPE_NOT_SET)) return -1;
  /* One that waits for the rest of a hello, or to be rid of its answer, goes on; any other begins.
   */
  if (ssl->io.stateless == SSL_STATELESS_NO || ssl->io.stateless_over || ssl->io.failed) {
    SSL_clear(ssl);
    ssl->io.stateless = SSL_STATELESS_RUNS;
  }
  (void)ssl_handshake(ssl);
  if (!ssl->io.stateless_over) return -1;
  if (ssl->io.stateless == SSL_STATELESS_OPENED) return 1;
  SSL_clear(ssl);
  return 0;
}
