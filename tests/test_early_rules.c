/* test_early_rules.c: what a server makes of records under the early keys: made here, by the
 * client's own early traffic secret. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"
#include "rfc8448_oracle.h"

enum { MOST_EARLY = 1000, HANDSHAKE = 22, DATA = 23 };

/* A server that has accepted early data, and read none yet. */
struct early {
  struct credential *credential;
  struct side_setup client, server;
  struct pair first, second;
  uint8_t secret[32]; /* the client's early traffic secret */
  uint64_t seq;
};

static bool note_secret(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)answer;
  if (question->ask == HF_ASK_INSTALL && question->install.level == HF_EARLY &&
      question->install.kind == HF_SECRET_TRAFFIC) {
    cr_assert_eq(question->install.secret.len, 32);
    memcpy(arg, question->install.secret.data, 32);
  }
  return false;
}

static void begin(struct early *e) {
  memset(e, 0, sizeof *e);
  e->credential = credential_load("ecdsa-p256");
  pair_setup(&e->client, &e->server, e->credential, 12);
  e->client.settings.flags = HF_ALLOW_EARLY_DATA | HF_EXPORT_SECRETS;
  e->server.settings.flags = HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
  e->server.settings.max_early_data = MOST_EARLY;
  cr_assert_eq(pair_new(&e->first, &e->client, &e->server, 0), HF_OK);
  cr_assert(pair_run(&e->first));
  e->client.start.session = (hf_bytes){e->first.client.kept.data, e->first.client.kept.len};
  e->client.answer = note_secret;
  e->client.arg = e->secret;
  side_entropy(&e->client.start.entropy, 1000);
  side_entropy(&e->server.start.entropy, 1001);
  cr_assert_eq(pair_new(&e->second, &e->client, &e->server, 0), HF_OK);
  struct buf *hello = &e->second.client.out;
  cr_assert_eq(side_feed(&e->second.server, hello->data, hello->len), HF_OK);
  hf_facts facts;
  hf_get_facts(&facts, e->second.server.conn);
  cr_assert(facts.early_accepted);
  cr_assert_eq(facts.early_left, MOST_EARLY);
}

/* say sends one record under the early keys. */
static hf_status say(struct early *e, uint8_t type, const void *data, size_t len) {
  struct buf record = {0};
  oracle_seal(&record, e->secret, e->seq++, type, (hf_bytes){data, len});
  hf_status status = side_feed(&e->second.server, record.data, record.len);
  buf_free(&record);
  return status;
}

/* finish checks how the server ended: with which fault and alert, if any. */
static void finish(struct early *e, hf_status status, uint8_t alert) {
  hf_fault fault;
  hf_get_fault(&fault, e->second.server.conn);
  cr_expect_eq(fault.status, status, "%s", fault.text);
  cr_expect_eq(fault.alert, alert);
  const char *differs = side_replay(&e->second.server, 1);
  cr_expect_null(differs, "%s", differs);
  pair_free(&e->second);
  pair_free(&e->first);
  credential_free(e->credential);
}

static const uint8_t data[MOST_EARLY + 1], end[] = {5, 0, 0, 0};

/* R-4.3.10-9: in one record or in several. */
Test(early_rules, as_much_as_allowed) {
  struct early e;
  begin(&e);
  cr_expect_eq(say(&e, DATA, data, MOST_EARLY - 1), HF_OK);
  cr_expect_eq(say(&e, DATA, data, 1), HF_OK);
  cr_expect_eq(e.second.server.app.len, (size_t)MOST_EARLY);
  cr_expect_eq(say(&e, HANDSHAKE, end, sizeof end), HF_OK);
  finish(&e, HF_OK, 0);
}

Test(early_rules, too_much_in_one_record) {
  struct early e;
  begin(&e);
  (void)say(&e, DATA, data, MOST_EARLY + 1);
  cr_expect_eq(e.second.server.app.len, 0u);
  finish(&e, HF_TOO_MUCH_EARLY_DATA, 10);
}

Test(early_rules, too_much_in_two_records) {
  struct early e;
  begin(&e);
  cr_expect_eq(say(&e, DATA, data, MOST_EARLY), HF_OK);
  (void)say(&e, DATA, data, 1);
  cr_expect_eq(e.second.server.app.len, (size_t)MOST_EARLY);
  finish(&e, HF_TOO_MUCH_EARLY_DATA, 10);
}

/* R-4.6-4. */
Test(early_rules, other_messages) {
  static const uint8_t types[] = {1, 4, 8, 11, 13, 15, 20, 24, 25, 200};
  for (size_t i = 0; i < sizeof types; i++) {
    struct early e;
    uint8_t message[4 + 32] = {types[i], 0, 0, 32};
    begin(&e);
    (void)say(&e, HANDSHAKE, message, sizeof message);
    finish(&e, HF_UNEXPECTED_MESSAGE, 10);
  }
}

Test(early_rules, an_end_with_a_body) {
  static const uint8_t long_end[] = {5, 0, 0, 1, 0};
  struct early e;
  begin(&e);
  (void)say(&e, HANDSHAKE, long_end, sizeof long_end);
  finish(&e, HF_TRAILING_DATA, 50);
}

/* R-4.6-5. */
Test(early_rules, more_in_the_record_of_the_end) {
  static const uint8_t more[] = {5, 0, 0, 0, 20};
  struct early e;
  begin(&e);
  (void)say(&e, HANDSHAKE, more, sizeof more);
  finish(&e, HF_EXCESS_HANDSHAKE_DATA, 10);
}

/* R-5.1-2: early data, or an alert, between the parts of the end. */
Test(early_rules, records_inside_the_end) {
  static const uint8_t types[] = {DATA, 21 /* alert */};
  for (size_t i = 0; i < sizeof types; i++) {
    struct early e;
    begin(&e);
    cr_expect_eq(say(&e, HANDSHAKE, end, 2), HF_OK);
    (void)say(&e, types[i], "\1\0", 2);
    cr_expect_eq(e.second.server.app.len, 0u);
    finish(&e, HF_INTERLEAVED_RECORD, 10);
  }
}

Test(early_rules, a_record_after_the_end) {
  struct early e;
  begin(&e);
  cr_expect_eq(say(&e, HANDSHAKE, end, sizeof end), HF_OK);
  (void)say(&e, DATA, data, 1);
  cr_expect_eq(e.second.server.app.len, 0u);
  finish(&e, HF_BAD_RECORD_MAC, 20);
}

/* R-5.5-1: nor does a client send more of it under its keys than they are good for; one record is
 * left for the end. */
Test(early_rules, keys_that_are_worn_out) {
  struct early e;
  begin(&e);
  hf_conn *client = e.second.client.conn;
  uint8_t out[200];
  size_t len;
  client->write.seq = 23726564;
  cr_expect(hf_wants(client) & HF_CAN_SEND);
  cr_expect_eq(hf_seal(client, &len, out, sizeof out, data, 1), HF_OK);
  cr_expect_not(hf_wants(client) & HF_CAN_SEND);
  cr_expect_eq(hf_seal(client, &len, out, sizeof out, data, 1), HF_MISUSE);
  finish(&e, HF_OK, 0);
}
