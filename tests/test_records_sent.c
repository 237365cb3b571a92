/* test_records_sent.c - what this side puts into how many records: hf_settings.max_data, tickets
 * that go together, and the change_cipher_spec of a server that always sends it. */
#include <criterion/criterion.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

TestSuite(records_sent, .timeout = 60);

enum { MOST = 512, TLS12 = 0x0303, TLS13 = 0x0304 };
static const uint8_t data[3000];

/* What the records that a side has sent are like. */
struct sent {
  size_t num, ccs, longest; /* the longest by its data */
  size_t full;              /* as many have MOST bytes of it */
};

/* Takes |bytes| of records apart, from |at| on.  In TLS 1.2 what is protected is behind the CCS. */
static struct sent records_of(const struct buf *bytes, size_t at, uint16_t version) {
  struct sent sent = {0};
  bool behind = false;
  while (at + 5 <= bytes->len) {
    const uint8_t *head = bytes->data + at;
    const size_t len = (size_t)head[3] << 8 | head[4];
    const bool plain = version == TLS13 ? head[0] != REC_DATA : !behind;
    const size_t extra = plain ? 0 : version == TLS13 ? 1 + 16 : 8 + 16;
    cr_assert_geq(len, extra);
    behind = behind || head[0] == REC_CCS;
    sent.ccs += head[0] == REC_CCS;
    sent.longest = len - extra > sent.longest ? len - extra : sent.longest;
    sent.full += len - extra == MOST;
    sent.num++;
    at += 5 + len;
  }
  cr_assert_eq(at, bytes->len, "part of a record");
  return sent;
}

static void setup_of(struct side_setup *client, struct side_setup *server, uint16_t version,
                     const struct credential *credential) {
  static const uint16_t suite[] = {0x1301, 0xc02b};
  pair_setup(client, server, credential, 11);
  client->settings.suites = server->settings.suites = (hf_codes){suite, 2};
  client->settings.version_min = client->settings.version_max = version;
  server->settings.version_min = TLS12;
}

static void check_bound(struct side *side, uint16_t version, size_t full) {
  hf_facts facts;
  hf_get_facts(&facts, side->conn);
  cr_expect_eq(facts.max_data, MOST);
  const struct sent sent = records_of(&side->sent, 0, version);
  cr_expect_eq(sent.longest, (size_t)MOST, "%x: %zu", version, sent.longest);
  cr_expect_geq(sent.full, full);
}

/* R-H-29: messages in the clear and protected ones, of either side, and data. */
Test(records_sent, are_bounded) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (uint16_t version = TLS12; version <= TLS13; version++) {
    struct side_setup client, server;
    struct pair pair;
    setup_of(&client, &server, version, credential);
    client.settings.max_data = server.settings.max_data = MOST;
    uint8_t names[2 * 256]; /* a long hello */
    memset(names, 255, sizeof names);
    client.settings.alpn = (hf_bytes){names, sizeof names};
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair));
    check_bound(&pair.client, version, 1);
    check_bound(&pair.server, version, 1); /* of the chain */
    cr_assert_eq(side_send(&pair.server, data, sizeof data), HF_OK);
    cr_assert_eq(side_send(&pair.client, data, sizeof data), HF_OK);
    cr_assert(pair_run(&pair));
    check_bound(&pair.client, version, 1 + sizeof data / MOST);
    check_bound(&pair.server, version, 1 + sizeof data / MOST);
    cr_expect_eq(pair.client.app.len, sizeof data);
    cr_expect_eq(pair.server.app.len, sizeof data);
    const char *differs = side_replay(&pair.server, 0);
    cr_expect_null(differs, "%s", differs);
    pair_free(&pair);
  }
  credential_free(credential);
}

/* R-H-29: what the peer allows counts if it is less, and not if it is more. */
Test(records_sent, the_lesser_bound_counts) {
  static const uint16_t limits[] = {64, 1001, 16385};
  struct credential *credential = credential_load("ecdsa-p256");
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    struct side_setup client, server;
    struct pair pair;
    hf_facts facts;
    setup_of(&client, &server, TLS13, credential);
    client.settings.record_size_limit = limits[i];
    server.settings.max_data = MOST;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair));
    hf_get_facts(&facts, pair.server.conn);
    cr_expect_eq(facts.max_data, limits[i] - 1 < MOST ? limits[i] - 1 : MOST);
    pair_free(&pair);
  }
  credential_free(credential);
}

/* R-H-18 R-H-29: the configuration for this hello has another bound. */
Test(records_sent, a_bound_for_this_hello) {
  struct side_setup setup;
  struct craft_play play;
  hf_config *config;
  hf_facts facts;
  rules_setup(&setup, HF_SERVER, 0);
  setup.leaves = HF_ASK_HELLO;
  cr_assert(play_new(&play, &setup, NULL, 0));
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  setup.settings.max_data = MOST;
  cr_assert_eq(hf_config_new(&config, &setup.settings), HF_OK);
  cr_assert_eq(hf_answer_hello(play.side.conn, config, (hf_bytes){NULL, 0}, NULL), HF_OK);
  hf_config_free(config);
  hf_get_facts(&facts, play.side.conn);
  cr_expect_eq(facts.max_data, MOST);
  rules_free(&play);
}

/* ---- Tickets ---- */

static void begin(struct pair *pair, const struct credential *credential, uint32_t num,
                  hf_ask leaves) {
  struct side_setup client, server;
  setup_of(&client, &server, TLS13, credential);
  server.settings.flags |= HF_ISSUE_TICKETS;
  server.settings.num_tickets = num;
  server.leaves = leaves;
  cr_assert_eq(pair_new(pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(pair));
}

static void answer_ticket(struct side *server) {
  const hf_question_t *q = hf_question(server->conn);
  struct buf ticket = {0};
  cr_assert_eq(q->ask, HF_ASK_TICKET);
  buf_add(&ticket, q->ticket.state.data, q->ticket.state.len);
  cr_assert_eq(hf_answer_ticket(server->conn, (hf_bytes){ticket.data, ticket.len}), HF_OK);
  buf_free(&ticket);
}

/* R-4.7.1-9: in one record, once the last of them is there. */
Test(records_sent, tickets_go_together) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (uint32_t num = 1; num <= 3; num++) {
    struct pair pair;
    begin(&pair, credential, num, HF_ASK_TICKET);
    const size_t before = pair.server.sent.len;
    for (uint32_t i = 0; i < num; i++) {
      cr_expect_eq(hf_wants(pair.server.conn) & (HF_WANT_OUTPUT | HF_CAN_SEND), HF_CAN_SEND);
      answer_ticket(&pair.server);
    }
    cr_expect(hf_wants(pair.server.conn) & HF_WANT_OUTPUT);
    cr_assert_eq(side_feed(&pair.server, NULL, 0), HF_OK);
    cr_assert(pair_run(&pair));
    cr_expect_eq(records_of(&pair.server.sent, before, TLS13).num, 1u);
    cr_expect_eq(pair.client.asked[HF_ASK_KEEP], num);
    pair_free(&pair);
  }
  credential_free(credential);
}

/* R-4.7.1-9: data and a change of keys in between; a close takes along what is there. */
Test(records_sent, what_tickets_wait_for) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (int close = 0; close < 2; close++) {
    struct pair pair;
    begin(&pair, credential, 2, HF_ASK_TICKET);
    answer_ticket(&pair.server);
    cr_assert_eq(side_send(&pair.server, data, 3), HF_OK);
    cr_assert_eq(side_rekey(&pair.server, true), HF_OK);
    cr_assert(pair_run(&pair));
    cr_expect_eq(pair.client.asked[HF_ASK_KEEP], 0u);
    if (!close) answer_ticket(&pair.server);
    cr_assert_eq(close ? side_close(&pair.server) : side_feed(&pair.server, NULL, 0), HF_OK);
    (void)pair_run(&pair);
    cr_expect_eq(side_fault(&pair.client), HF_OK);
    cr_expect_eq(pair.client.asked[HF_ASK_KEEP], close ? 1u : 2u);
    pair_free(&pair);
  }
  credential_free(credential);
}

/* R-4.7.1-9 R-H-41: over a save and a load with one of two that is made. */
Test(records_sent, tickets_are_saved) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct pair pair;
  begin(&pair, credential, 3, HF_ASK_NONE);
  cr_expect_eq(pair.client.asked[HF_ASK_KEEP], 3u);
  const char *differs = side_replay(&pair.server, 0);
  cr_expect_null(differs, "%s", differs);
  pair_free(&pair);
  credential_free(credential);
}

/* ---- change_cipher_spec ---- */

/* R-E.4-2 R-E.4-3: to whom a server sends it. */
Test(records_sent, a_server_s_change_cipher_spec) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (unsigned how = 0; how < 8; how++) {
    const bool asked = how & 1, always = how & 2, retry = how & 4;
    static const uint16_t p384[] = {0x0018};
    struct side_setup client, server;
    struct pair pair;
    setup_of(&client, &server, TLS13, credential);
    client.start.no_compatibility = !asked;
    if (always) server.settings.flags |= HF_ALWAYS_CCS;
    if (retry) server.settings.groups = (hf_codes){p384, 1};
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair));
    const struct buf *sent = &pair.server.sent;
    cr_expect_eq(records_of(sent, 0, TLS13).ccs, asked || always);
    const size_t second = 5 + ((size_t)sent->data[3] << 8 | sent->data[4]);
    cr_expect_eq(sent->data[second] == REC_CCS, asked || always, "behind the first message");
    cr_expect_eq(records_of(&pair.client.sent, 0, TLS13).ccs, asked);
    pair_free(&pair);
  }
  credential_free(credential);
}
