/* plain_threads.c - handshakes on many threads that share one SSL_CTX for the clients and one for
 * the servers, for ThreadSanitizer: `plain_threads [HANDSHAKES [THREADS]]`, 1,000 on 4 if not said;
 * every other is of TLS 1.2.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "ssl_pair.h"

enum { MOST_THREADS = 64 };

static SSL_CTX *client_ctx, *server_ctx;
static atomic_long left, failed, done;

/* One byte from |a| to |b|, through rings that may be smaller than what goes before it. */
static bool send_byte(SSL *a, SSL *b) {
  char byte = 'x';
  bool sent = false;
  for (int turns = 0; turns < 1000; turns++) {
    sent = sent || SSL_write(a, &byte, 1) == 1;
    if (SSL_read(b, &byte, 1) == 1) return sent;
  }
  return false;
}

static bool handshake(long number) {
  struct ssl_pair pair;
  /* Now and then something on the shared objects that counts references. */
  if (number % 7 == 0) {
    SSL_CTX_up_ref(client_ctx);
    SSL_CTX_free(client_ctx);
  }
  bool ok = ssl_pair_new(&pair, client_ctx, server_ctx, number % 3 == 0 ? 100 : 0) &&
            (number % 2 == 0 || SSL_set_max_proto_version(pair.client, TLS1_2_VERSION)) &&
            ssl_pair_handshake(&pair) && send_byte(pair.client, pair.server) &&
            send_byte(pair.server, pair.client);
  ssl_pair_free(&pair);
  return ok;
}

static void *work(void *arg) {
  (void)arg;
  for (;;) {
    long number = atomic_fetch_sub(&left, 1);
    if (number <= 0) return NULL;
    if (handshake(number))
      atomic_fetch_add(&done, 1);
    else
      atomic_fetch_add(&failed, 1);
  }
}

int main(int argc, char **argv) {
  pthread_t threads[MOST_THREADS];
  long total = argc > 1 ? atol(argv[1]) : 1000, num = argc > 2 ? atol(argv[2]) : 4;
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  if (total < 1 || num < 1 || num > MOST_THREADS || client_ctx == NULL || server_ctx == NULL) {
    fprintf(stderr, "plain_threads: cannot begin\n");
    return 1;
  }
  atomic_store(&left, total);
  for (long i = 0; i < num; i++)
    if (pthread_create(&threads[i], NULL, work, NULL) != 0) return 1;
  for (long i = 0; i < num; i++) pthread_join(threads[i], NULL);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  printf("%ld handshakes on %ld threads, %ld failed\n", atomic_load(&done), num,
         atomic_load(&failed));
  return atomic_load(&done) == total ? 0 : 1;
}
