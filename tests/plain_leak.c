/* plain_leak.c - handshakes by the thousand, for a leak finder: `plain_leak [HANDSHAKES]`, 10,000
 * if not said.
 *
 * Half of them SSL_connect with SSL_accept over a BIO pair, half engine with engine, of each
 * half with TLS 1.2, and some that fail.  Under LeakSanitizer or valgrind the tool looks at the
 * end; on glibc without a sanitizer the program itself looks whether the heap in use grows from
 * quarter to quarter, so that it can fail by itself. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "pair.h"
#include "ssl_pair.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

static struct credential *credential;
static SSL_CTX *client_ctx, *server_ctx, *wary_ctx;

static bool by_ssl(bool fails, bool tls12) {
  struct ssl_pair pair;
  bool done = ssl_pair_new(&pair, fails ? wary_ctx : client_ctx, server_ctx, 0) &&
              (!tls12 || SSL_set_max_proto_version(pair.client, TLS1_2_VERSION)) &&
              ssl_pair_handshake(&pair);
  char byte = 'x';
  if (done) {
    done = SSL_write(pair.client, &byte, 1) == 1 && SSL_read(pair.server, &byte, 1) == 1 &&
           SSL_write(pair.server, &byte, 1) == 1 && SSL_read(pair.client, &byte, 1) == 1;
    (void)SSL_shutdown(pair.client);
  }
  ssl_pair_free(&pair);
  ERR_clear_error();
  return done != fails;
}

static bool refuse(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_VERDICT) return false;
  *answer = (struct side_answer){.ask = question->ask, .refuse = true, .alert = 48};
  return true;
}

static bool by_engine(uint64_t seed, bool fails) {
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, seed);
  server.settings.flags = HF_ISSUE_TICKETS | (seed % 3 == 0 ? HF_DEMAND_COOKIE : 0);
  if (seed % 4 == 1) {
    client.settings.version_min = server.settings.version_min = 0x0303;
    client.settings.version_max = 0x0303;
    server.settings.flags &= ~(uint32_t)HF_DEMAND_COOKIE;
  }
  if (fails) client.answer = refuse;
  bool done = pair_new(&pair, &client, &server, 0) == HF_OK && pair_run(&pair);
  if (done) {
    (void)side_rekey(&pair.client, true);
    (void)pair_run(&pair);
    (void)side_close(&pair.server);
    (void)pair_run(&pair);
  }
  pair_free(&pair);
  return done != fails;
}

static bool prepare(void) {
  credential = credential_load("ecdsa-p256");
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  wary_ctx = SSL_CTX_new(TLS_method()); /* trusts nobody */
  if (wary_ctx != NULL) SSL_CTX_set_verify(wary_ctx, SSL_VERIFY_PEER, NULL);
  return credential != NULL && client_ctx != NULL && server_ctx != NULL && wary_ctx != NULL;
}

static void clean_up(void) {
  credential_free(credential);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  SSL_CTX_free(wary_ctx);
}

static size_t heap_in_use(void) {
#if defined(UNDER_ASAN) || !defined(__GLIBC__)
  return 0;
#else
  return mallinfo2().uordblks;
#endif
}

int main(int argc, char **argv) {
  long total = argc > 1 ? atol(argv[1]) : 10000;
  size_t heap[4] = {0}; /* at the end of each quarter */
  if (total < 1 || !prepare()) {
    fprintf(stderr, "plain_leak: cannot begin\n");
    return 1;
  }
  for (long i = 0; i < total; i++) {
    bool fails = i % 20 >= 18;
    if (!(i % 2 == 0 ? by_ssl(fails, i % 4 == 2) : by_engine((uint64_t)i, fails))) {
      fprintf(stderr, "plain_leak: handshake %ld did not end as it must\n", i);
      return 1;
    }
    if ((i + 1) % ((total + 3) / 4) == 0 || i + 1 == total) heap[4 * i / total] = heap_in_use();
  }
  clean_up();
  printf("%ld handshakes; heap in use after each quarter %zu, %zu, %zu, %zu\n", total, heap[0],
         heap[1], heap[2], heap[3]);
  /* What malloc caches of freed blocks counts as in use, and grows by leaps until each size has its
   * share.  A leak grows all the time: the smallest block that a failing handshake alone would lose
   * makes more than 2 bytes for each handshake. */
  bool grows = total >= 10000;
  for (int i = 1; i < 4; i++) grows = grows && heap[i] > heap[i - 1] + (size_t)total / 2;
  return grows ? 1 : 0;
}
