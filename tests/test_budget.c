/* test_budget.c - what a connection costs (R-H-9): sizes, bytes of heap held and how many
 * allocations, client and server.
 *
 * libcrypto calls OPENSSL_memory_alloc, if a program has it, for all memory that it and the engine
 * take.  An allocation is the engine's own if the engine itself called one of libcrypto's memory
 * functions; what libcrypto takes inside another call (a big number, a key that is being parsed) is
 * not.  This program is linked with a copy of the engine that calls budget_OPENSSL_malloc and the
 * like instead (cmake/Tests.cmake), which tell. */
#include <criterion/criterion.h>
#include <openssl/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"

enum { BUDGET_CONN = 1792, BUDGET_IDLE = 2048, BUDGET_PEAK = 12 * 1024, BUDGET_ALLOCATIONS = 12 };

/* What is counted for one side; others are not. */
struct tally {
  size_t held, peak;         /* bytes of the engine's own */
  size_t num;                /* its allocations, the resizing of one included */
  size_t all_held, all_peak; /* libcrypto's included */
};
static struct tally *counting;

/* In front of each block: its length and whose it is. */
struct head {
  size_t len;
  struct tally *tally;
  bool own;
  max_align_t align[];
};

#define HOOK __attribute__((visibility("default")))
HOOK void *OPENSSL_memory_alloc(size_t size);
HOOK void OPENSSL_memory_free(void *ptr);
HOOK size_t OPENSSL_memory_get_size(void *ptr);

/* Whether the engine is the one who called. */
static bool own;

#define OWN(type, name, parameters, arguments) \
  type budget_##name parameters;               \
  type budget_##name parameters {              \
    own = true;                                \
    type result = name arguments;              \
    own = false;                               \
    return result;                             \
  }
OWN(void *, OPENSSL_malloc, (size_t size), (size))
OWN(void *, OPENSSL_realloc, (void *old, size_t size), (old, size))
OWN(void *, OPENSSL_memdup, (const void *data, size_t size), (data, size))

void *OPENSSL_memory_alloc(size_t size) {
  struct head *head = malloc(sizeof *head + size);
  if (head == NULL) return NULL;
  *head = (struct head){.len = size, .tally = counting};
  struct tally *t = counting;
  if (t == NULL) return head + 1;
  head->own = own;
  t->all_held += size;
  if (t->all_held > t->all_peak) t->all_peak = t->all_held;
  if (!head->own) return head + 1;
  t->num++;
  t->held += size;
  if (t->held > t->peak) t->peak = t->held;
  return head + 1;
}

void OPENSSL_memory_free(void *ptr) {
  if (ptr == NULL) return;
  struct head *head = (struct head *)ptr - 1;
  if (head->tally != NULL) {
    head->tally->all_held -= head->len;
    if (head->own) head->tally->held -= head->len;
  }
  memset(ptr, 0, head->len);
  free(head);
}

size_t OPENSSL_memory_get_size(void *ptr) {
  return ptr == NULL ? 0 : ((struct head *)ptr - 1)->len;
}

/* ---- A client and a server, each counted while it works ---- */

struct counted {
  struct side client, server;
  struct tally client_tally, server_tally;
};

static void move_counted(struct side *from, struct side *to, struct tally *tally) {
  struct buf bytes = {0};
  buf_add(&bytes, from->out.data, from->out.len);
  from->out.len = 0;
  counting = tally;
  (void)side_feed(to, bytes.data, bytes.len);
  counting = NULL;
  buf_free(&bytes);
}

/* Starts a side.  Its configuration is shared by connections and not counted: it is made twice and
 * taken off. */
static hf_status start(struct side *side, struct tally *tally, const struct side_setup *setup) {
  struct tally config_tally = {0};
  hf_config *config;
  counting = &config_tally;
  hf_status status = hf_config_new(&config, &setup->settings);
  counting = tally;
  if (status == HF_OK) status = side_new(side, setup);
  counting = NULL;
  tally->held -= config_tally.held;
  tally->peak -= config_tally.held;
  tally->num -= config_tally.num;
  hf_config_free(config);
  return status;
}

static void handshake(struct counted *run, const struct side_setup *client,
                      const struct side_setup *server) {
  memset(run, 0, sizeof *run);
  cr_assert_eq(start(&run->client, &run->client_tally, client), HF_OK);
  cr_assert_eq(start(&run->server, &run->server_tally, server), HF_OK);
  while (run->client.out.len + run->server.out.len > 0) {
    move_counted(&run->client, &run->server, &run->server_tally);
    move_counted(&run->server, &run->client, &run->client_tally);
  }
  cr_assert(side_is_ready(&run->client));
  cr_assert(side_is_ready(&run->server));
}

/* A debug build of the engine moves the flight at every answer, which costs an allocation each
 * time. */
static bool moved_at_answers;

static bool look_for_moves(void *arg, struct side_answer *answer, const hf_question_t *question) {
  static const uint8_t *before;
  const struct side *side = arg;
  (void)answer;
  if (question->ask == HF_ASK_IDENTITY) moved_at_answers = side->conn->in.data != before;
  before = side->conn->in.data;
  return false;
}

static void check(const struct tally *tally, const struct side *side, const char *who,
                  size_t extra) {
  size_t most = BUDGET_ALLOCATIONS;
  for (int ask = 0; moved_at_answers && ask < 16; ask++) most += 2 * side->asked[ask];
  cr_log_info("%s: holds %zu, at most %zu, %zu allocations; with libcrypto's own %zu, at most %zu",
              who, tally->held, tally->peak, tally->num, tally->all_held, tally->all_peak);
  cr_expect_gt(tally->num, 1u, "%s: nothing was counted", who);
  cr_expect_leq(tally->held, BUDGET_IDLE + extra, "%s is idle", who);
  cr_expect_leq(tally->peak, (size_t)BUDGET_PEAK, "%s at the peak", who);
  cr_expect_leq(tally->num, most, "%s: %zu allocations", who, tally->num);
}

/* R-H-9: the struct. */
Test(budget, size_of_a_connection) { cr_expect_leq(sizeof(hf_conn), (size_t)BUDGET_CONN); }

/* R-H-9: X25519, a chain of certificates of about a kilobyte, ALPN and a name. */
Test(budget, heap_of_a_handshake) {
  struct credential *credential = credential_load("rsa-2048");
  struct side_setup client, server;
  struct counted run;
  pair_setup(&client, &server, credential, 1);
  client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2", 3};
  server.alpn = bytes_of("h2");
  server.answer = look_for_moves;
  server.arg = &run.server;
  handshake(&run, &client, &server);
  size_t extra = strlen("h2") + strlen("localhost");
  check(&run.client_tally, &run.client, "the client", extra);
  check(&run.server_tally, &run.server, "the server", extra);
  side_free(&run.client);
  side_free(&run.server);
  credential_free(credential);
}

/* R-H-9: the same in TLS 1.2.  A ticket, which TLS 1.3 gives after the handshake, is not counted
 * there either: it takes two allocations on each side. */
Test(budget, heap_of_a_handshake_of_tls12) {
  struct credential *credential = credential_load("rsa-2048");
  struct side_setup client, server;
  struct counted run;
  pair_setup(&client, &server, credential, 1);
  client.settings.version_min = server.settings.version_min = 0x0303;
  client.settings.version_max = server.settings.version_max = 0x0303;
  client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2", 3};
  server.alpn = bytes_of("h2");
  server.answer = look_for_moves;
  server.arg = &run.server;
  handshake(&run, &client, &server);
  size_t extra = strlen("h2") + strlen("localhost");
  check(&run.client_tally, &run.client, "the client", extra);
  check(&run.server_tally, &run.server, "the server", extra);
  side_free(&run.client);
  side_free(&run.server);
  credential_free(credential);
}
