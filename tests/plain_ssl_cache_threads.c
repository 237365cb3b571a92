/* One SSL_CTX's cache of sessions under many threads: handshakes that put sessions there and find
 * them, sessions that are added and removed, and the cache being emptied, all at once. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "ssl_pair.h"

enum { NUM_THREADS = 6, NUM_HANDSHAKES = 12, NUM_ADDED = 40 };

static SSL_CTX *client, *server;
static pthread_barrier_t start;
static atomic_int came, left;

static int keep(SSL *ssl, SSL_SESSION *session) {
  SSL_SESSION **last = SSL_get_app_data(ssl);
  SSL_SESSION_free(*last);
  *last = session;
  return 1;
}

static int on_new(SSL *ssl, SSL_SESSION *session) {
  (void)ssl, (void)session;
  atomic_fetch_add(&came, 1);
  return 0;
}

static void on_remove(SSL_CTX *ctx, SSL_SESSION *session) {
  (void)ctx, (void)session;
  atomic_fetch_add(&left, 1);
}

/* meet connects with the session that came last, in |*last|. */
static bool meet(SSL_SESSION **last) {
  struct ssl_pair pair;
  char byte;
  bool ok = ssl_pair_new(&pair, client, server, 0) && SSL_set_app_data(pair.client, last) &&
            SSL_set_session(pair.client, *last) && ssl_pair_handshake(&pair) &&
            SSL_write(pair.server, "x", 1) == 1 && SSL_read(pair.client, &byte, 1) == 1;
  ssl_pair_free(&pair);
  return ok;
}

static void add_and_remove(void) {
  for (uint8_t i = 1; i < NUM_ADDED; i++) {
    SSL_SESSION *session = SSL_SESSION_new(server);
    if (SSL_SESSION_set1_id(session, &i, 1) && SSL_CTX_add_session(server, session))
      atomic_fetch_add(&came, 1);
    if (i % 2) (void)SSL_CTX_remove_session(server, session);
    SSL_SESSION_free(session);
  }
}

static void *run(void *arg) {
  int *good = arg;
  SSL_SESSION *last = NULL;
  pthread_barrier_wait(&start);
  for (unsigned i = 0; i < NUM_HANDSHAKES; i++) {
    *good += meet(&last);
    if (i % 4 == 0) add_and_remove();
    if (i % 5 == 4) SSL_CTX_flush_sessions(server, 0);
  }
  SSL_SESSION_free(last);
  return NULL;
}

int main(void) {
  pthread_t threads[NUM_THREADS];
  int good[NUM_THREADS] = {0}, total = 0;
  client = ssl_client_ctx();
  server = ssl_server_ctx("ecdsa-p256");
  if (client == NULL || server == NULL || pthread_barrier_init(&start, NULL, NUM_THREADS) != 0)
    return 1;
  SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client, keep);
  SSL_CTX_sess_set_new_cb(server, on_new);
  SSL_CTX_sess_set_remove_cb(server, on_remove);
  SSL_CTX_sess_set_cache_size(server, 50);
  SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
  for (int i = 0; i < NUM_THREADS; i++)
    if (pthread_create(&threads[i], NULL, run, &good[i]) != 0) return 1;
  for (int i = 0; i < NUM_THREADS; i++) {
    pthread_join(threads[i], NULL);
    total += good[i];
  }
  pthread_barrier_destroy(&start);
  int hits = SSL_CTX_sess_hits(server);
  bool few = SSL_CTX_sess_number(server) <= 50;
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  printf("%d of %d handshakes, %d resumed, %d sessions came and %d left\n", total,
         NUM_THREADS * NUM_HANDSHAKES, hits, (int)came, (int)left);
  /* Those whose place another took were not told of. */
  return total != NUM_THREADS * NUM_HANDSHAKES || hits == 0 || !few || left > came || left == 0;
}
