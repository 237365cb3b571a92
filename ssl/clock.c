/* clock.c: what time it is for an SSL_CTX and its connections.
 *
 * All of ssl/ asks here, so that whoever brings a clock of his own decides all that depends on
 * time: tickets, sessions, the change of ticket keys.  Certificates are libcrypto's: their clock is
 * X509_VERIFY_PARAM_set_time. */
#include <sys/time.h>

#include "ssl/internal.h"

void SSL_CTX_set_current_time_cb(SSL_CTX *ctx,
                                 void (*cb)(const SSL *ssl, struct timeval *out_clock)) {
  ctx->current_time_cb = cb;
  ctx->replay.started = ssl_now(ctx); /* by the same clock as all that follows */
}

uint64_t ssl_now(const SSL_CTX *ctx) {
  struct timeval clock = {0, 0};
  if (ctx == NULL || ctx->current_time_cb == NULL) return hf_now();
  ctx->current_time_cb(NULL, &clock);
  if (clock.tv_sec < 0 || clock.tv_usec < 0) return 0;
  return (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_usec / 1000;
}

void ssl_tell_time(SSL *ssl) { hf_set_time(ssl->conn, ssl_now(ssl->ctx)); }
