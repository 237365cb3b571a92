/* plain_memory.c - R-H-10: the engine while memory runs out.  A handshake with a cookie, a client
 * certificate, extensions of the caller's own, tickets and a change of keys, one with PSKs, and two
 * of TLS 1.2 are run again and again; each time one allocation more succeeds before one fails.  A
 * call that meets it says HF_NO_MEMORY (HF_CRYPTO_FAILED where libcrypto does not tell), nothing
 * crashes, and nothing is left behind. libcrypto takes a program's own allocator, which is here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "pair.h"

struct block {
  size_t size;
  max_align_t align[];
};

static long live, left = -1; /* allocations until one fails; below 0: none does */
static bool hit;
static bool verifying, hit_verifying; /* inside EVP_DigestVerify; and there the one failed */

/* The linker sends the engine's call here (--wrap). */
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const uint8_t *sig, size_t sig_len,
                            const uint8_t *data, size_t len);
int __real_EVP_DigestVerify(EVP_MD_CTX *ctx, const uint8_t *sig, size_t sig_len,
                            const uint8_t *data, size_t len);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *ctx, const uint8_t *sig, size_t sig_len,
                            const uint8_t *data, size_t len) {
  verifying = true;
  int ok = __real_EVP_DigestVerify(ctx, sig, sig_len, data, len);
  verifying = false;
  return ok;
}

#define HOOK __attribute__((visibility("default")))
HOOK void *OPENSSL_memory_alloc(size_t size);
HOOK void OPENSSL_memory_free(void *ptr);
HOOK size_t OPENSSL_memory_get_size(void *ptr);

void *OPENSSL_memory_alloc(size_t size) {
  if (left == 0) {
    hit = true;
    hit_verifying = verifying;
    left = -1;
    return NULL;
  }
  if (left > 0) left--;
  struct block *block = malloc(sizeof *block + size);
  if (block == NULL) return NULL;
  block->size = size;
  live++;
  return block + 1;
}

void OPENSSL_memory_free(void *ptr) {
  if (ptr == NULL) return;
  live--;
  free((struct block *)ptr - 1);
}

size_t OPENSSL_memory_get_size(void *ptr) { return ((struct block *)ptr - 1)->size; }

/* How a side failed by itself, HF_OK if it did not. */
static hf_status own_fault(const struct side *side) {
  hf_status fault = side->conn == NULL ? HF_OK : side_fault(side);
  return fault == HF_PEER_ALERT ? HF_OK : fault;
}

/* One conversation; HF_OK, or how the first side that failed by itself did. */
static hf_status converse(const struct side_setup *client, const struct side_setup *server) {
  struct pair pair;
  hf_status status = pair_new(&pair, client, server, 0);
  if (status == HF_OK && pair_run(&pair)) {
    (void)side_rekey(&pair.client, true);
    (void)side_send(&pair.client, (const uint8_t *)"data", 4);
    (void)pair_run(&pair);
    (void)side_close(&pair.server);
    (void)pair_run(&pair);
  }
  hf_status server_fault = own_fault(&pair.server);
  if (status == HF_OK) status = own_fault(&pair.client);
  if (status == HF_OK || server_fault == HF_NO_MEMORY) status = server_fault;
  pair_free(&pair);
  return status;
}

/* Extensions of the caller's own: the hello's is longer than a buffer's first step. */
static const uint8_t long_body[1500];
static const hf_extension of_client[] = {
    {0x7a01, HF_IN_CLIENT_HELLO, HF_IN_ENCRYPTED_EXTENSIONS, {long_body, sizeof long_body}}};
static const hf_extension of_server[] = {
    {0x7a01, HF_IN_ENCRYPTED_EXTENSIONS, 0, {long_body, sizeof long_body}}};

/* Fails each allocation of the conversation in turn; how many told something else than memory. */
static long walk(const struct side_setup *client, const struct side_setup *server) {
  if (converse(client, server) != HF_OK) {
    fprintf(stderr, "plain_memory: it fails with memory enough\n");
    return 1;
  }
  long before = live, failed = 0, turns = 0;
  for (hit = true; hit && turns < 100000; turns++) {
    hit = false;
    left = turns;
    hf_status status = converse(client, server);
    left = -1;
    if (live != before) {
      fprintf(stderr, "allocation %ld fails: %ld blocks are left behind\n", turns, live - before);
      return failed + 1;
    }
    if (!hit || status == HF_OK) continue; /* a ticket that was not made, or a cache */
    if (status == HF_NO_MEMORY || status == HF_CRYPTO_FAILED) continue;
    if (status == HF_REFUSED) continue; /* the test could not sign */
    /* Inside libcrypto's verifying some are told as a wrong signature and nothing else. */
    if (status == HF_BAD_SIGNATURE && hit_verifying) continue;
    fprintf(stderr, "allocation %ld fails: %s\n", turns, hf_status_text(status));
    failed++;
  }
  printf("%ld allocations failed in turn; %ld told something else than memory\n", turns - 1,
         failed);
  return failed;
}

/* The second of the client's PSKs is the server's. */
static bool answer_psk(void *arg, struct side_answer *answer, const hf_question_t *question) {
  if (question->ask != HF_ASK_SESSION) return false;
  answer->psk = arg;
  answer->index = 1;
  return true;
}

static bool renew(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask == HF_ASK_SESSION) answer->flags = HF_RENEW_TICKET;
  return true;
}

/* TLS 1.2: in full, with a client's certificate; then resumed, with a new ticket. */
static long walk_tls12(const struct credential *credential, const struct credential *own) {
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 3);
  client.credential = own;
  client.settings.version_min = server.settings.version_min = 0x0303;
  client.settings.version_max = server.settings.version_max = 0x0303;
  client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2", 3};
  client.settings.flags = HF_FALSE_START;
  server.alpn = bytes_of("h2");
  server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_ISSUE_TICKETS;
  server.answer = renew;
  long failed = walk(&client, &server);
  if (pair_new(&pair, &client, &server, 0) != HF_OK || !pair_run(&pair)) return failed + 1;
  client.start.session = (hf_bytes){pair.client.kept.data, pair.client.kept.len};
  failed += walk(&client, &server);
  pair_free(&pair);
  return failed;
}

int main(void) {
  struct side_setup client, server;
  struct credential *credential = credential_load("ecdsa-p256");
  struct credential *own = credential_load("client-ecdsa-p256");
  if (credential == NULL || own == NULL) return 1;
  pair_setup(&client, &server, credential, 1);
  client.credential = own;
  client.start.extensions = of_client;
  server.start.extensions = of_server;
  client.start.num_extensions = server.start.num_extensions = 1;
  server.settings.flags = HF_DEMAND_COOKIE | HF_REQUEST_CLIENT_CERT | HF_ISSUE_TICKETS;
  long failed = walk(&client, &server);
  hf_psk psks[] = {
      {.suite = 0x1302, .identity = bytes_of("a"), .secret = bytes_of("of a")},
      {.suite = 0x1301, .identity = bytes_of("b"), .secret = bytes_of("of b")},
  };
  pair_setup(&client, &server, credential, 2);
  client.start.psks = psks;
  client.start.num_psks = 2;
  server.settings.flags = HF_ISSUE_TICKETS;
  server.answer = answer_psk;
  server.arg = &psks[1];
  failed += walk(&client, &server);
  failed += walk_tls12(credential, own);
  credential_free(credential);
  credential_free(own);
  return failed != 0;
}
