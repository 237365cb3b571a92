/* plain_save_memory.c - R-H-43: hf_save and hf_load while memory runs out.  At many points of a
 * conversation each of the two is called again and again; each time one allocation more succeeds
 * before one fails.  The call says HF_NO_MEMORY (HF_CRYPTO_FAILED where libcrypto does not tell),
 * the connection that was saved is unharmed, and nothing is left behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "reborn.h"

struct block {
  size_t size;
  max_align_t align[];
};

static long live, left = -1; /* allocations until one fails; below 0: none does */
static long failed, wrong;

#define HOOK __attribute__((visibility("default")))
HOOK void *OPENSSL_memory_alloc(size_t size);
HOOK void OPENSSL_memory_free(void *ptr);
HOOK size_t OPENSSL_memory_get_size(void *ptr);

void *OPENSSL_memory_alloc(size_t size) {
  if (left == 0) {
    left = -2;
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

static void check(const char *call, hf_status status, long before, long after) {
  failed++;
  if (status != HF_NO_MEMORY && status != HF_CRYPTO_FAILED) {
    fprintf(stderr, "%s: %s\n", call, hf_status_text(status));
    wrong++;
  }
  if (before != after) {
    fprintf(stderr, "%s: %ld blocks are left behind\n", call, after - before);
    wrong++;
  }
}

/* True: no allocation failed, so all have. */
static bool save(const hf_conn *conn, long turn) {
  uint8_t room[20000];
  size_t len = 1;
  long before = live;
  left = turn;
  hf_status status = hf_save(conn, room, &len, sizeof room);
  bool hit = left == -2;
  left = -1;
  if (hit) check("hf_save", status, before, live);
  if (hit == (status == HF_OK) || (hit && len != 0)) wrong++;
  return !hit;
}

static bool load(const struct side *side, const struct buf *state, long turn) {
  const hf_config *config = side->config;
  const hf_identity *identity = side->setup.credential->identity;
  hf_conn *conn;
  long before = live;
  left = turn;
  hf_status status = hf_load(&conn, &config, 1, &identity, 1, (hf_bytes){state->data, state->len});
  bool hit = left == -2;
  left = -1;
  hf_free(conn);
  if (hit) check("hf_load", status, before, live);
  if (hit == (status == HF_OK)) wrong++;
  return !hit;
}

/* At each question: nothing is answered otherwise than usual. */
static bool at_question(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct side *side = *(struct side **)arg;
  struct buf state = {0};
  long turn = 0;
  (void)answer;
  (void)question;
  while (!save(side->conn, turn)) turn++;
  if (!reborn_save(&state, side->conn)) wrong++;
  for (turn = 0; !load(side, &state, turn);) turn++;
  buf_free(&state);
  return false;
}

int main(void) {
  struct side_setup client, server;
  struct pair pair;
  struct side *sides[2] = {&pair.client, &pair.server};
  struct credential *credential = credential_load("ecdsa-p256");
  struct credential *own = credential_load("client-ecdsa-p256");
  if (credential == NULL || own == NULL) return 1;
  pair_setup(&client, &server, credential, 1);
  client.credential = own;
  client.settings.flags = HF_EXPORT_SECRETS;
  server.settings.flags =
      HF_DEMAND_COOKIE | HF_REQUEST_CLIENT_CERT | HF_ISSUE_TICKETS | HF_EXPORT_SECRETS;
  client.answer = server.answer = at_question;
  client.arg = &sides[0];
  server.arg = &sides[1];
  bool ready = pair_new(&pair, &client, &server, 0) == HF_OK && pair_run(&pair);
  if (!ready) fprintf(stderr, "plain_save_memory: the handshake failed\n");
  pair_free(&pair);
  credential_free(credential);
  credential_free(own);
  printf("%ld allocations failed in turn; %ld went wrong\n", failed, wrong);
  return !ready || wrong != 0 || failed < 100;
}
