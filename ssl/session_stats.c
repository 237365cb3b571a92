/* session_stats.c: how often it happened: what SSL_CTX_sess_connect and its like count.
 *
 * A connection counts for the SSL_CTX that it was made from. */
#include "ssl/session.h"

void ssl_count(SSL_CTX *ctx, ssl_stat which) {
  atomic_fetch_add_explicit(&ctx->stats[which], 1, memory_order_relaxed);
}

static int get(const SSL_CTX *ctx, ssl_stat which) {
  unsigned count = atomic_load_explicit(&ctx->stats[which], memory_order_relaxed);
  return count > INT32_MAX ? INT32_MAX : (int)count;
}

int SSL_CTX_sess_connect(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_CONNECT); }
int SSL_CTX_sess_connect_good(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_CONNECT_GOOD); }
int SSL_CTX_sess_accept(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_ACCEPT); }
int SSL_CTX_sess_accept_good(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_ACCEPT_GOOD); }
int SSL_CTX_sess_hits(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_HITS); }
int SSL_CTX_sess_cb_hits(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_CB_HITS); }
int SSL_CTX_sess_misses(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_MISSES); }
int SSL_CTX_sess_timeouts(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_TIMEOUTS); }
int SSL_CTX_sess_cache_full(const SSL_CTX *ctx) { return get(ctx, SSL_STAT_FULL); }

/* There is no renegotiation. */
int SSL_CTX_sess_connect_renegotiate(const SSL_CTX *ctx) {
  (void)ctx;
  return 0;
}

int SSL_CTX_sess_accept_renegotiate(const SSL_CTX *ctx) {
  (void)ctx;
  return 0;
}
