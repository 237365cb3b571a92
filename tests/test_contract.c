/* test_contract.c - what handfast.h promises to who calls it, without side.c in between: pending
 * questions, answers at the wrong time, refusals, failures that stay, and when a connection is
 * ready. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

/* One engine, driven by hand. */
struct bare {
  struct side_setup setup;
  hf_config *config;
  hf_conn *conn;
};

static void begin(struct bare *bare, const struct side_setup *setup) {
  bare->setup = *setup;
  cr_assert_eq(hf_config_new(&bare->config, &setup->settings), HF_OK);
  cr_assert_eq(hf_new(&bare->conn, bare->config, &setup->start), HF_OK);
}

static void end(struct bare *bare) {
  hf_free(bare->conn);
  hf_config_free(bare->config);
}

static void take_output(struct bare *bare, struct buf *out) {
  while (hf_wants(bare->conn) & HF_WANT_OUTPUT) {
    size_t len = 0;
    cr_assert_eq(hf_flush(bare->conn, &len, buf_room(out, 4096), 4096), HF_OK);
    buf_added(out, len);
  }
}

/* Gives records until a question comes or none are left; what is left stays. */
static hf_status give_input(struct bare *bare, struct buf *in) {
  while (in->len > 0 && !(hf_wants(bare->conn) & HF_WANT_ANSWER)) {
    hf_bytes app;
    size_t used = 0;
    hf_status status = hf_open(bare->conn, &app, &used, in->data, in->len);
    if (status != HF_OK || used == 0) return status;
    buf_drop(in, used);
  }
  return HF_OK;
}

/* Answers as usual; HF_MISUSE if there is no answer here. */
static hf_status answer(struct bare *bare) {
  const hf_question_t *q = hf_question(bare->conn);
  const hf_bytes none = {NULL, 0};
  struct buf signature = {0};
  hf_status status = HF_MISUSE;
  const hf_ask ask = q->ask;
  if (ask == HF_ASK_HELLO) status = hf_answer_hello(bare->conn, NULL, none, NULL);
  if (ask == HF_ASK_IDENTITY)
    status = hf_answer_identity(bare->conn, bare->setup.credential->identity);
  if (ask == HF_ASK_VERDICT) status = hf_answer_verdict(bare->conn);
  if (ask == HF_ASK_COOKIE) status = hf_answer_cookie(bare->conn, bytes_of("a cookie"));
  if (ask == HF_ASK_TICKET) status = hf_answer_ticket(bare->conn, bytes_of("a ticket"));
  if (ask == HF_ASK_SIGNATURE) {
    cr_assert(credential_sign(&signature, bare->setup.credential->key, q->signature.sigalg,
                              q->signature.input));
    status = hf_answer_signature(bare->conn, (hf_bytes){signature.data, signature.len});
  }
  buf_free(&signature);
  return status;
}

/* Every answer there is, but |but|'s. */
static void answers_at_the_wrong_time(hf_conn *conn, hf_ask but,
                                      const struct credential *credential) {
  const hf_bytes bytes = bytes_of("x");
  if (but != HF_ASK_HELLO)
    cr_expect_eq(hf_answer_hello(conn, NULL, (hf_bytes){NULL, 0}, NULL), HF_MISUSE);
  if (but != HF_ASK_COOKIE) cr_expect_eq(hf_answer_cookie(conn, bytes), HF_MISUSE);
  if (but != HF_ASK_SESSION) cr_expect_eq(hf_answer_session(conn, 0, bytes, 0), HF_MISUSE);
  if (but != HF_ASK_IDENTITY)
    cr_expect_eq(hf_answer_identity(conn, credential->identity), HF_MISUSE);
  if (but != HF_ASK_ENCAP) cr_expect_eq(hf_answer_encap(conn, bytes, bytes), HF_MISUSE);
  if (but != HF_ASK_SIGNATURE) cr_expect_eq(hf_answer_signature(conn, bytes), HF_MISUSE);
  if (but != HF_ASK_VERDICT) cr_expect_eq(hf_answer_verdict(conn), HF_MISUSE);
  if (but != HF_ASK_COMPRESS) cr_expect_eq(hf_answer_compress(conn, 1, bytes), HF_MISUSE);
  if (but != HF_ASK_DECOMPRESS) cr_expect_eq(hf_answer_decompress(conn, bytes), HF_MISUSE);
  if (but != HF_ASK_TICKET) cr_expect_eq(hf_answer_ticket(conn, bytes), HF_MISUSE);
  if (but != HF_ASK_KEEP && but != HF_ASK_INSTALL) cr_expect_eq(hf_answer_done(conn), HF_MISUSE);
  if (but == HF_ASK_NONE) cr_expect_eq(hf_refuse(conn, 40), HF_MISUSE);
}

/* While a question is pending nothing is consumed, and the question stays what it is. */
static void pending(struct bare *bare, const struct buf *in) {
  const hf_question_t *q = hf_question(bare->conn);
  hf_ask ask = q->ask;
  hf_bytes app;
  size_t used = 1;
  struct buf copy = {0};
  static const uint8_t more[] = {22, 3, 3, 0, 4, 20, 0, 0, 0};
  buf_add(&copy, in->data, in->len);
  buf_add(&copy, more, sizeof more);
  cr_expect_eq(hf_open(bare->conn, &app, &used, copy.data, copy.len), HF_OK);
  cr_expect_eq(used, 0u, "a record is taken while question %d is pending", ask);
  answers_at_the_wrong_time(bare->conn, ask, bare->setup.credential);
  cr_expect_eq(hf_question(bare->conn)->ask, ask);
  cr_expect(hf_wants(bare->conn) & HF_WANT_ANSWER);
  cr_expect_not(hf_wants(bare->conn) & HF_FAILED);
  buf_free(&copy);
}

struct talk {
  struct bare client, server;
  struct buf to_client, to_server;
  struct credential *credential;
};

static void talk_begin(struct talk *talk, uint32_t server_flags) {
  struct side_setup client, server;
  memset(talk, 0, sizeof *talk);
  talk->credential = credential_load("ecdsa-p256");
  pair_setup(&client, &server, talk->credential, 5);
  client.credential = talk->credential;
  server.settings.flags = server_flags;
  begin(&talk->client, &client);
  begin(&talk->server, &server);
}

static void talk_end(struct talk *talk) {
  end(&talk->client);
  end(&talk->server);
  buf_free(&talk->to_client);
  buf_free(&talk->to_server);
  credential_free(talk->credential);
}

/* Moves bytes until one side asks; that side, or NULL when nothing moves any more. */
static struct bare *until_question(struct talk *talk) {
  for (int idle = 0; idle < 3; idle++) {
    take_output(&talk->client, &talk->to_server);
    take_output(&talk->server, &talk->to_client);
    if (hf_wants(talk->client.conn) & HF_WANT_ANSWER) return &talk->client;
    if (hf_wants(talk->server.conn) & HF_WANT_ANSWER) return &talk->server;
    size_t before = talk->to_client.len + talk->to_server.len;
    (void)give_input(&talk->client, &talk->to_client);
    (void)give_input(&talk->server, &talk->to_server);
    if (talk->to_client.len + talk->to_server.len != before) idle = -1;
  }
  return NULL;
}

/* R-H-3 R-H-4: at every question of a handshake with a cookie and a client certificate, and when
 * there is none. */
Test(contract, questions) {
  struct talk talk;
  size_t asked = 0;
  talk_begin(&talk, HF_DEMAND_COOKIE | HF_REQUEST_CLIENT_CERT);
  answers_at_the_wrong_time(talk.client.conn, HF_ASK_NONE, talk.credential);
  answers_at_the_wrong_time(talk.server.conn, HF_ASK_NONE, talk.credential);
  for (struct bare *who; (who = until_question(&talk)) != NULL; asked++) {
    cr_assert_lt(asked, 20u);
    pending(who, who == &talk.client ? &talk.to_client : &talk.to_server);
    cr_assert_eq(answer(who), HF_OK);
  }
  cr_expect_eq(asked, 8u, "HELLO COOKIE IDENTITY SIGNATURE; VERDICT IDENTITY SIGNATURE; VERDICT");
  cr_expect(hf_wants(talk.client.conn) & HF_READY);
  cr_expect(hf_wants(talk.server.conn) & HF_READY);
  answers_at_the_wrong_time(talk.client.conn, HF_ASK_NONE, talk.credential);
  talk_end(&talk);
}

/* R-H-5 R-H-6 R-6.2-1: each question refused in its turn, with an alert of the caller's. */
Test(contract, refusals) {
  for (size_t turn = 0; turn < 8; turn++) {
    struct talk talk;
    struct bare *who;
    hf_fault fault;
    talk_begin(&talk, HF_DEMAND_COOKIE | HF_REQUEST_CLIENT_CERT);
    for (size_t i = 0; (who = until_question(&talk)) != NULL && i < turn; i++)
      cr_assert_eq(answer(who), HF_OK);
    cr_assert_not_null(who);
    cr_expect_eq(hf_refuse(who->conn, 49), HF_OK);
    hf_get_fault(&fault, who->conn);
    cr_expect_eq(fault.status, HF_REFUSED);
    cr_expect_eq(fault.alert, 49);
    cr_expect(hf_wants(who->conn) & HF_WANT_OUTPUT, "the alert of turn %zu", turn);
    cr_expect_eq(hf_question(who->conn)->ask, HF_ASK_NONE);
    while (until_question(&talk) != NULL) cr_assert_eq(answer(until_question(&talk)), HF_OK);
    struct bare *other = who == &talk.client ? &talk.server : &talk.client;
    hf_get_fault(&fault, other->conn);
    cr_expect_eq(fault.status, HF_PEER_ALERT, "turn %zu: %s", turn, fault.text);
    cr_expect_eq(fault.alert, 49);
    uint8_t byte = 0;
    hf_bytes app;
    size_t used;
    cr_expect_eq(hf_open(who->conn, &app, &used, &byte, 1), HF_REFUSED);
    cr_expect_eq(hf_close(who->conn), HF_MISUSE);
    talk_end(&talk);
  }
}

/* R-H-8 R-H-11: ready when the Finished is flushed and not before; tickets are asked for then, and
 * keep nobody. */
Test(contract, ready) {
  struct talk talk;
  struct bare *who;
  talk_begin(&talk, HF_ISSUE_TICKETS);
  while ((who = until_question(&talk)) != NULL && hf_question(who->conn)->ask != HF_ASK_VERDICT)
    cr_assert_eq(answer(who), HF_OK);
  cr_assert_eq(who, &talk.client);
  cr_assert_eq(answer(who), HF_OK);
  size_t len = 0;
  uint8_t byte;
  for (;;) {
    unsigned wants = hf_wants(talk.client.conn);
    cr_assert_neq((wants & HF_WANT_OUTPUT) != 0, (wants & HF_READY) != 0);
    cr_expect_not((wants & HF_WANT_OUTPUT) && (wants & HF_CAN_SEND));
    if (wants & HF_READY) break;
    uint8_t room[64];
    cr_expect_eq(hf_seal(talk.client.conn, &len, room, sizeof room, room, 1), HF_MISUSE);
    cr_assert_eq(hf_flush(talk.client.conn, &len, &byte, 1), HF_OK);
    cr_assert_eq(len, 1u);
    buf_add(&talk.to_server, &byte, 1);
  }
  who = until_question(&talk);
  cr_assert_eq(who, &talk.server);
  cr_expect_eq(hf_question(who->conn)->ask, HF_ASK_TICKET);
  cr_expect(hf_wants(who->conn) & HF_READY);
  cr_expect(hf_wants(who->conn) & HF_CAN_SEND);
  cr_expect(hf_wants(who->conn) & HF_WANT_INPUT);
  talk_end(&talk);
}

/* R-H-4: values that cannot be answers leave the question where it is. */
Test(contract, impossible_answers) {
  struct talk talk;
  struct bare *who;
  const hf_bytes none = {NULL, 0};
  talk_begin(&talk, 0);
  who = until_question(&talk);
  cr_assert_eq(hf_question(who->conn)->ask, HF_ASK_HELLO);
  cr_expect_eq(hf_answer_hello(who->conn, NULL, bytes_of("h2"), NULL), HF_MISUSE,
               "it was not offered");
  cr_expect_eq(hf_answer_hello(who->conn, talk.client.config, none, NULL), HF_MISUSE, "a client's");
  cr_assert_eq(answer(who), HF_OK);
  while ((who = until_question(&talk)) != NULL && hf_question(who->conn)->ask != HF_ASK_SIGNATURE)
    cr_assert_eq(answer(who), HF_OK);
  cr_assert_not_null(who);
  cr_expect_eq(hf_answer_signature(who->conn, none), HF_MISUSE, "empty");
  cr_expect_eq(hf_question(who->conn)->ask, HF_ASK_SIGNATURE);
  cr_assert_eq(answer(who), HF_OK);
  talk_end(&talk);
}

/* What a closed connection ignores it needs no more of: not even of a header. */
Test(contract, needs_nothing_once_closed) {
  struct talk talk;
  uint8_t bytes[] = {22, 3, 3, 0, 100, 1};
  hf_bytes app;
  talk_begin(&talk, 0);
  cr_expect_eq(hf_need(talk.server.conn, bytes, 1), 4u);
  cr_assert_eq(hf_close(talk.server.conn), HF_OK);
  cr_expect(hf_wants(talk.server.conn) & HF_CLOSED);
  for (size_t len = 1; len <= sizeof bytes; len++) {
    size_t used = 0;
    cr_expect_eq(hf_need(talk.server.conn, bytes, len), 0u, "of %zu bytes", len);
    cr_expect_eq(hf_open(talk.server.conn, &app, &used, bytes, len), HF_OK);
    cr_expect_eq(used, len);
  }
  talk_end(&talk);
}
