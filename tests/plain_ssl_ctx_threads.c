/* One SSL_CTX of each side under many threads: every thread makes SSLs of both and does handshakes,
 * some of which change a setting of the SSL's own.  The first to need a configuration makes it
 * while the others do the same. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>

#include "ssl_pair.h"

enum { NUM_THREADS = 8, NUM_HANDSHAKES = 20 };

static SSL_CTX *client, *server;
static pthread_barrier_t start;

static bool handshake(unsigned how) {
  struct ssl_pair pair;
  bool ok = ssl_pair_new(&pair, client, server, 0);
  if (ok && how % 3 == 1) ok = SSL_set1_groups_list(pair.client, "P-256") == 1;
  if (ok && how % 3 == 2) ok = SSL_set1_host(pair.client, "localhost") == 1;
  if (ok && how % 2 == 1) SSL_set_options(pair.server, SSL_OP_NO_TICKET);
  ok = ok && ssl_pair_handshake(&pair) && SSL_get_verify_result(pair.client) == X509_V_OK;
  ok = ok &&
       SSL_get_group_id(pair.client) == (how % 3 == 1 ? SSL_GROUP_SECP256R1 : SSL_GROUP_X25519);
  ssl_pair_free(&pair);
  return ok;
}

static void *run(void *arg) {
  int *good = arg;
  pthread_barrier_wait(&start);
  for (unsigned i = 0; i < NUM_HANDSHAKES; i++) *good += handshake(i);
  return NULL;
}

int main(void) {
  pthread_t threads[NUM_THREADS];
  int good[NUM_THREADS] = {0}, total = 0;
  client = ssl_client_ctx();
  server = ssl_server_ctx("ecdsa-p256");
  if (client == NULL || server == NULL || !SSL_CTX_set1_groups_list(client, "X25519:P-256") ||
      pthread_barrier_init(&start, NULL, NUM_THREADS) != 0)
    return 1;
  for (int i = 0; i < NUM_THREADS; i++)
    if (pthread_create(&threads[i], NULL, run, &good[i]) != 0) return 1;
  for (int i = 0; i < NUM_THREADS; i++) {
    pthread_join(threads[i], NULL);
    total += good[i];
  }
  pthread_barrier_destroy(&start);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  printf("%d of %d handshakes\n", total, NUM_THREADS * NUM_HANDSHAKES);
  return total != NUM_THREADS * NUM_HANDSHAKES;
}
