/* test_early_exchange.c: early data between two engines where the server is not what it should be,
 * and what can be asked while it is offered: whether it would be taken, and keying material. */
#include <criterion/criterion.h>
#include <string.h>

#include "pair.h"

enum { MOST_EARLY = 1000, AES_128 = 0x1301, CHACHA = 0x1303 };

/* What a server answers SESSION with, other than what it gave out, and what it noted meanwhile. */
struct lie {
  uint16_t suite;   /* 0: the session's */
  const char *alpn; /* NULL: the session's */
  uint8_t state[1024];
  size_t state_len;
  bool spoil_key;
  bool none; /* the session is not known */
  unsigned acceptable, asked;
};

struct fixture {
  struct credential *credential;
  struct side_setup client, server;
  struct pair first, second;
  struct lie lie;
};

static bool tell(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct lie *lie = arg;
  hf_session_info info;
  if (question->ask != HF_ASK_SESSION || answer->bytes.data == NULL) return false;
  if (lie->none) {
    answer->bytes = (hf_bytes){NULL, 0};
    return true;
  }
  cr_assert_eq(hf_session_read(&info, answer->bytes), HF_OK);
  if (lie->suite != 0) info.suite = lie->suite;
  if (lie->alpn != NULL) info.alpn = bytes_of(lie->alpn);
  if (lie->spoil_key) info.secret[0] ^= 1;
  cr_assert_eq(hf_session_make(lie->state, &lie->state_len, sizeof lie->state, &info), HF_OK);
  answer->bytes = (hf_bytes){lie->state, lie->state_len};
  return true;
}

static void begin(struct fixture *f) {
  static const uint16_t suites[] = {AES_128, CHACHA};
  memset(f, 0, sizeof *f);
  f->credential = credential_load("ecdsa-p256");
  pair_setup(&f->client, &f->server, f->credential, 21);
  f->client.settings.suites = f->server.settings.suites = (hf_codes){suites, 2};
  f->client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2\1x", 5};
  f->client.settings.flags = HF_ALLOW_EARLY_DATA;
  f->server.settings.flags = HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
  f->server.settings.max_early_data = MOST_EARLY;
  f->server.alpn = bytes_of("h2");
  cr_assert_eq(pair_new(&f->first, &f->client, &f->server, 0), HF_OK);
  cr_assert(pair_run(&f->first));
  f->client.start.session = (hf_bytes){f->first.client.kept.data, f->first.client.kept.len};
  side_entropy(&f->client.start.entropy, 1000);
  side_entropy(&f->server.start.entropy, 1001);
  f->server.answer = tell;
  f->server.arg = &f->lie;
}

static void finish(struct fixture *f) {
  pair_free(&f->second);
  pair_free(&f->first);
  credential_free(f->credential);
}

/* The client finds out that what it sent went under something else. */
static void expect_found_out(struct fixture *f, hf_status status) {
  cr_assert_eq(pair_new(&f->second, &f->client, &f->server, 0), HF_OK);
  cr_assert_eq(side_send(&f->second.client, (const uint8_t *)"early", 5), HF_OK);
  cr_assert_not(pair_run(&f->second));
  hf_fault fault;
  hf_get_fault(&fault, f->second.client.conn);
  cr_expect_eq(fault.status, status, "%s", fault.text);
  cr_expect_eq(fault.alert, 47); /* illegal_parameter */
  cr_expect_not(hf_wants(f->second.client.conn) & HF_READY);
  finish(f);
}

/* R-4.3.10-13 */
Test(early_exchange, accepted_under_another_suite) {
  static const uint16_t chacha[] = {CHACHA};
  struct fixture f;
  begin(&f);
  f.server.settings.suites = (hf_codes){chacha, 1};
  f.lie.suite = CHACHA;
  expect_found_out(&f, HF_EARLY_DATA_MISMATCH);
}

Test(early_exchange, accepted_under_another_protocol) {
  struct fixture f;
  begin(&f);
  f.server.alpn = bytes_of("x");
  f.lie.alpn = "x";
  expect_found_out(&f, HF_EARLY_DATA_ALPN);
}

Test(early_exchange, accepted_without_a_protocol) {
  struct fixture f;
  begin(&f);
  f.server.alpn = (hf_bytes){NULL, 0};
  f.lie.alpn = "";
  expect_found_out(&f, HF_EARLY_DATA_ALPN);
}

/* R-4.3.10-1 R-7301-3.1-5: a client that does not offer the session's protocol offers no early
 * data, unless it takes any protocol. */
Test(early_exchange, a_session_of_another_protocol) {
  static const uint32_t flags[] = {0, HF_ALLOW_UNKNOWN_ALPN, HF_ALLOW_UNKNOWN_ALPN};
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    hf_facts facts;
    begin(&f);
    f.client.settings.flags |= flags[i];
    f.client.settings.alpn = i == 2 ? (hf_bytes){NULL, 0} : bytes_of("\1x");
    cr_assert_eq(pair_new(&f.second, &f.client, &f.server, 0), HF_OK);
    hf_get_facts(&facts, f.second.client.conn);
    cr_expect_eq(facts.early_open, i == 1, "%d", i);
    cr_expect(bytes_equal(facts.alpn, i == 1 ? bytes_of("h2") : (hf_bytes){NULL, 0}));
    finish(&f);
  }
}

/* hold begins a connection and stops the server at SESSION, with its usual answer made. */
static hf_bytes hold(struct fixture *f) {
  f->server.leaves = HF_ASK_SESSION;
  cr_assert_eq(pair_new(&f->second, &f->client, &f->server, 0), HF_OK);
  cr_assert_eq(side_send(&f->second.client, (const uint8_t *)"early", 5), HF_OK);
  (void)pair_run(&f->second);
  const hf_question_t *question = hf_question(f->second.server.conn);
  cr_assert_eq(question->ask, HF_ASK_SESSION);
  struct side_answer answer = {.bytes = question->session.candidates[0].name};
  answer.bytes.data += strlen("ticket:"); /* the mark of side.c */
  answer.bytes.len -= strlen("ticket:");
  cr_assert(tell(&f->lie, &answer, question));
  return answer.bytes;
}

/* accepted_then says what comes of answering so. */
static bool accepted_then(struct fixture *f, hf_bytes state) {
  hf_facts facts;
  hf_status status = hf_answer_session(f->second.server.conn, 0, state, HF_ACCEPT_EARLY);
  hf_get_facts(&facts, f->second.server.conn);
  return status == HF_OK && facts.early_accepted;
}

/* R-8-4: asking changes nothing, and the answer is what then happens. */
Test(early_exchange, acceptable_or_not) {
  for (int spoil = 0; spoil < 5; spoil++) {
    struct fixture f;
    begin(&f);
    f.lie.spoil_key = spoil == 1;
    f.lie.alpn = spoil == 2 ? "x" : NULL;
    f.lie.suite = spoil == 3 ? CHACHA : 0;
    if (spoil == 4) f.server.start.now += 60000;
    hf_bytes state = hold(&f);
    const hf_conn *server = f.second.server.conn;
    for (int i = 0; i < 2; i++)
      cr_expect_eq(hf_early_acceptable(server, 0, state), spoil == 0, "%d", spoil);
    cr_expect_not(hf_early_acceptable(server, 1, state));
    cr_expect_not(hf_early_acceptable(server, 0, (hf_bytes){state.data, state.len - 1}));
    cr_expect_eq(hf_question(server)->ask, HF_ASK_SESSION);
    cr_expect_eq(accepted_then(&f, state), spoil == 0, "%d", spoil);
    cr_expect_not(hf_early_acceptable(server, 0, state));
    finish(&f);
  }
}

static hf_status export_early(const struct side *side, uint8_t out[32], const char *label) {
  return hf_export_early(side->conn, out, 32, label, bytes_of("context"));
}

/* R-7.5-3: while it is offered and accepted the same on both sides, and then no more. */
Test(early_exchange, exported) {
  struct fixture f;
  uint8_t client[32], server[32], other[32];
  begin(&f);
  cr_expect_eq(export_early(&f.first.client, client, "label"), HF_MISUSE);
  cr_assert_eq(pair_new(&f.second, &f.client, &f.server, 0), HF_OK);
  cr_expect_eq(export_early(&f.second.server, server, "label"), HF_MISUSE);
  cr_expect_eq(export_early(&f.second.client, client, "label"), HF_OK);
  cr_expect_eq(export_early(&f.second.client, other, "other"), HF_OK);
  cr_expect_arr_neq(client, other, 32);
  struct buf *hello = &f.second.client.out;
  cr_assert_eq(side_feed(&f.second.server, hello->data, hello->len), HF_OK);
  buf_drop(hello, hello->len);
  cr_expect_eq(export_early(&f.second.server, server, "label"), HF_OK);
  cr_expect_arr_eq(client, server, 32);
  cr_expect_eq(hf_export(f.second.server.conn, other, 32, "label", bytes_of("context")), HF_OK);
  cr_expect_arr_neq(other, server, 32);
  cr_assert(pair_run(&f.second));
  cr_expect_eq(export_early(&f.second.client, client, "label"), HF_MISUSE);
  cr_expect_eq(export_early(&f.second.server, server, "label"), HF_MISUSE);
  finish(&f);
}

/* A client that was refused exports no more, though its handshake goes on. */
Test(early_exchange, not_exported_after_a_refusal) {
  struct fixture f;
  uint8_t out[32];
  begin(&f);
  f.lie.none = true;
  f.client.leaves = HF_ASK_VERDICT;
  cr_assert_eq(pair_new(&f.second, &f.client, &f.server, 0), HF_OK);
  cr_expect_eq(export_early(&f.second.client, out, "label"), HF_OK);
  (void)pair_run(&f.second);
  const hf_conn *client = f.second.client.conn;
  cr_assert_eq(hf_question(client)->ask, HF_ASK_VERDICT);
  cr_expect(hf_wants(client) & HF_EARLY_REFUSED);
  cr_expect_eq(export_early(&f.second.client, out, "label"), HF_MISUSE);
  hf_facts facts;
  hf_get_facts(&facts, client);
  cr_expect_not(facts.early_open);
  finish(&f);
}
