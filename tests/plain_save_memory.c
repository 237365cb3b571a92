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
static bool save(const hf_conn *conn, long turn, const struct buf *right) {
  uint8_t room[20000];
  size_t len = 1;
  long before = live;
  left = turn;
  hf_status status = hf_save(conn, room, &len, sizeof room);
  bool hit = left == -2;
  left = -1;
  /* libcrypto can do without some. */
  if (hit && status != HF_OK) check("hf_save", status, before, live);
  if (status == HF_OK ? len != right->len || memcmp(room, right->data, len) != 0
                      : !hit || len != 0) {
    fprintf(stderr, "hf_save: %s, and %zu bytes\n", hf_status_text(status), len);
    wrong++;
  }
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

static void fail_all(const struct side *side) {
  struct buf before = {0}, after = {0};
  long turn = 0;
  if (!reborn_save(&before, side->conn)) wrong++;
  while (!save(side->conn, turn, &before)) turn++;
  if (!reborn_save(&after, side->conn) || before.len != after.len ||
      memcmp(before.data, after.data, before.len) != 0) {
    fprintf(stderr, "hf_save harms the connection\n");
    wrong++;
  }
  for (turn = 0; !load(side, &before, turn);) turn++;
  buf_free(&before);
  buf_free(&after);
}

/* At each question: nothing is answered otherwise than usual. */
static bool at_question(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)answer;
  (void)question;
  fail_all(*(struct side **)arg);
  return false;
}

/* Within a server's flight, where the client has the key of a certificate. */
static bool in_flight(const struct side_setup *client, const struct side_setup *server) {
  struct pair pair;
  bool ok = pair_new(&pair, client, server, 0) == HF_OK &&
            side_feed(&pair.server, pair.client.out.data, pair.client.out.len) == HF_OK;
  for (size_t at = 0; ok && at < pair.server.out.len; at += 100) {
    size_t rest = pair.server.out.len - at;
    ok = side_feed(&pair.client, pair.server.out.data + at, rest < 100 ? rest : 100) == HF_OK;
    fail_all(&pair.client);
  }
  ok = ok && side_is_ready(&pair.client);
  pair_free(&pair);
  return ok;
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
  struct side_setup plain = server;
  plain.settings.flags = 0;
  client.settings.record_size_limit = 200; /* many records */
  client.start.no_compatibility = true;    /* a flag that is behind the key */
  bool ready = in_flight(&client, &plain);
  client.answer = server.answer = at_question;
  client.arg = &sides[0];
  server.arg = &sides[1];
  ready = ready && pair_new(&pair, &client, &server, 0) == HF_OK && pair_run(&pair);
  if (!ready) fprintf(stderr, "plain_save_memory: the handshake failed\n");
  pair_free(&pair);
  credential_free(credential);
  credential_free(own);
  printf("%ld allocations failed in turn; %ld went wrong\n", failed, wrong);
  return !ready || wrong != 0 || failed < 100;
}
