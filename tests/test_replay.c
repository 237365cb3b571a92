/* test_replay.c - every kind of handshake is recorded once (the peer's bytes, the entropy, the
 * answers) and done again with the input one byte at a time, in pieces of 2 and 3, and all at once:
 * the same bytes come out (R-H-1).  Then, for one kind, the input is cut off at every byte, and
 * output is taken one byte at a time. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

enum retry { NO_RETRY, RETRY_FOR_GROUP, RETRY_FOR_COOKIE, RETRY_FOR_BOTH };

struct kind {
  uint16_t suite, group;
  const char *server, *client; /* credentials; client NULL: not asked for */
  enum retry retry;
};

static const uint16_t other_group = 0x0017, other_group2 = 0x0018;

static void setup_kind(struct side_setup *client, struct side_setup *server,
                       const struct kind *kind, const struct credential *credential,
                       uint64_t seed) {
  static uint16_t groups[3], own_group[1], suite[1];
  pair_setup(client, server, credential, seed);
  groups[0] = kind->group == other_group ? other_group2 : other_group;
  groups[1] = own_group[0] = kind->group;
  suite[0] = kind->suite;
  bool group = kind->retry == RETRY_FOR_GROUP || kind->retry == RETRY_FOR_BOTH;
  client->settings.groups = (hf_codes){group ? groups : own_group, group ? 2 : 1};
  server->settings.groups = (hf_codes){own_group, 1};
  client->settings.suites = (hf_codes){suite, 1};
  client->settings.alpn = (hf_bytes){(const uint8_t *)"\2h2\10http/1.1", 12};
  server->alpn = bytes_of("http/1.1");
  if (kind->retry >= RETRY_FOR_COOKIE) server->settings.flags |= HF_DEMAND_COOKIE;
  if (kind->client != NULL) server->settings.flags |= HF_REQUEST_CLIENT_CERT;
  server->settings.flags |= HF_ISSUE_TICKETS;
}

/* Data both ways, a change of keys in between, and an end on both sides. */
static void talk(struct pair *pair) {
  static uint8_t data[20000];
  memset(data, 'd', sizeof data);
  (void)side_send(&pair->client, data, 100);
  (void)pair_run(pair);
  (void)side_rekey(&pair->client, true);
  (void)side_send(&pair->client, data, sizeof data);
  (void)pair_run(pair);
  (void)side_send(&pair->server, data, sizeof data);
  (void)pair_run(pair);
  (void)side_close(&pair->server);
  (void)pair_run(pair);
  (void)side_send(&pair->client, data, 1);
  (void)side_close(&pair->client);
  (void)pair_run(pair);
}

static void check_replays(const struct side *side, const char *who) {
  static const size_t pieces[] = {1, 2, 3, 0};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    const char *differs = side_replay(side, pieces[i]);
    cr_expect_null(differs, "%s, pieces of %zu: %s", who, pieces[i], differs);
  }
}

static void record_and_replay(const struct kind *kind, uint64_t seed) {
  struct side_setup client, server;
  struct credential *credential = credential_load(kind->server);
  struct credential *own = kind->client == NULL ? NULL : credential_load(kind->client);
  struct pair pair;
  char name[200];
  snprintf(name, sizeof name, "suite %04x group %04x %s %s retry %d", kind->suite, kind->group,
           kind->server, kind->client == NULL ? "-" : kind->client, kind->retry);
  setup_kind(&client, &server, kind, credential, seed);
  client.credential = own;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK, "%s", name);
  cr_assert(pair_run(&pair), "%s: %s", name, hf_status_text(side_fault(&pair.client)));
  hf_facts facts;
  hf_get_facts(&facts, pair.client.conn);
  cr_expect_eq(facts.suite, kind->suite, "%s", name);
  cr_expect_eq(facts.group, kind->group, "%s", name);
  cr_expect_eq(facts.retried, kind->retry != NO_RETRY, "%s", name);
  talk(&pair);
  cr_expect_null(pair.client.broken);
  cr_expect_null(pair.server.broken);
  cr_expect_eq(pair.server.app.len, 20101u, "%s", name);
  cr_expect_eq(pair.client.app.len, 20000u, "%s", name);
  check_replays(&pair.client, name);
  check_replays(&pair.server, name);
  pair_free(&pair);
  credential_free(credential);
  credential_free(own);
}

static const uint16_t suites[] = {0x1301, 0x1302, 0x1303}, groups[] = {0x001d, 0x0017, 0x0018};
static const char *const servers[] = {"ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519"};
static const char *const clients[] = {"client-ecdsa-p256", "client-rsa-2048", "client-ed25519"};

/* R-H-1 R-4.2.1-4 R-9.1-1: every suite x group x kind of key. */
Test(replay, suites_groups_and_keys) {
  uint64_t seed = 100;
  for (size_t s = 0; s < 3; s++)
    for (size_t g = 0; g < 3; g++)
      for (size_t k = 0; k < 4; k++) {
        const struct kind kind = {suites[s], groups[g], servers[k], NULL, NO_RETRY};
        record_and_replay(&kind, seed++);
      }
}

/* R-H-1 R-2.1-1: every suite x group with each reason for a HelloRetryRequest. */
Test(replay, retries) {
  uint64_t seed = 200;
  for (size_t s = 0; s < 3; s++)
    for (size_t g = 0; g < 3; g++)
      for (int retry = RETRY_FOR_GROUP; retry <= RETRY_FOR_BOTH; retry++) {
        const struct kind kind = {suites[s], groups[g], "ecdsa-p256", NULL, (enum retry)retry};
        record_and_replay(&kind, seed++);
      }
}

/* R-H-1 R-4.5.1-2 R-4.5.2-1: client certificates of each kind, with and without a retry. */
Test(replay, client_certificates) {
  uint64_t seed = 300;
  for (size_t k = 0; k < 3; k++)
    for (int retry = NO_RETRY; retry <= RETRY_FOR_GROUP; retry++) {
      const struct kind kind = {0x1301, 0x001d, "ecdsa-p256", clients[k], (enum retry)retry};
      record_and_replay(&kind, seed++);
    }
}

/* R-H-1: a handshake that fails replays its failure, alert and all. */
static bool refuse_verdict(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_VERDICT) return false;
  *answer = (struct side_answer){.ask = question->ask, .refuse = true, .alert = 48};
  return true;
}

Test(replay, failures) {
  struct side_setup client, server;
  struct credential *credential = credential_load("ecdsa-p256");
  struct pair pair;
  pair_setup(&client, &server, credential, 400);
  client.answer = refuse_verdict;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert_not(pair_run(&pair));
  cr_expect_eq(side_fault(&pair.client), HF_REFUSED);
  cr_expect_eq(side_fault(&pair.server), HF_PEER_ALERT);
  check_replays(&pair.client, "a client that refuses");
  check_replays(&pair.server, "a server that is refused");
  pair_free(&pair);
  credential_free(credential);
}

/* Runs a whole handshake with Ed25519, whose signatures are the same each time. */
static struct credential *run_once(struct pair *pair, size_t flush_max) {
  struct side_setup client, server;
  struct credential *credential = credential_load("ed25519");
  pair_setup(&client, &server, credential, 500);
  client.flush_max = server.flush_max = flush_max;
  cr_assert_eq(pair_new(pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(pair));
  return credential;
}

/* Feeds the first |len| bytes of what |whole| got to a new side: it must neither fail nor, unless
 * that was all, be ready. */
static void cut_off(const struct side *whole, size_t len) {
  struct side side;
  cr_assert_eq(side_new(&side, &whole->setup), HF_OK);
  cr_expect_eq(side_feed(&side, whole->tape.data, len), HF_OK, "cut off at %zu: %s", len,
               hf_status_text(side_fault(&side)));
  unsigned wants = hf_wants(side.conn);
  cr_expect(wants & HF_WANT_INPUT, "cut off at %zu", len);
  cr_expect_not(wants & (HF_FAILED | HF_CLOSED), "cut off at %zu", len);
  cr_expect_eq((wants & HF_READY) != 0, len == whole->tape.len, "cut off at %zu", len);
  cr_expect_null(side.broken);
  if (len < whole->tape.len) cr_expect_gt(hf_need(side.conn, side.in.data, side.in.len), 0u);
  side_free(&side);
}

/* R-H-12 R-6.1-5 R-H-7: truncation at every byte, both roles. */
Test(replay, truncation_at_every_byte) {
  struct pair pair;
  struct credential *credential = run_once(&pair, 0);
  for (size_t len = 0; len <= pair.client.tape.len; len++) cut_off(&pair.client, len);
  for (size_t len = 0; len <= pair.server.tape.len; len++) cut_off(&pair.server, len);
  pair_free(&pair);
  credential_free(credential);
}

/* R-H-2: output in pieces of 1, 2 and 3 bytes is the same output. */
Test(replay, output_in_pieces) {
  struct pair whole;
  struct credential *credential = run_once(&whole, 0);
  for (size_t max = 1; max <= 3; max++) {
    struct pair pair;
    struct credential *again = run_once(&pair, max);
    cr_expect_eq(pair.server.sent.len, whole.server.sent.len);
    cr_expect_arr_eq(pair.server.sent.data, whole.server.sent.data, whole.server.sent.len);
    cr_expect_eq(pair.client.sent.len, whole.client.sent.len);
    cr_expect_arr_eq(pair.client.sent.data, whole.client.sent.data, whole.client.sent.len);
    pair_free(&pair);
    credential_free(again);
  }
  pair_free(&whole);
  credential_free(credential);
}
