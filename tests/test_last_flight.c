/* test_last_flight.c: what comes from a server while the client's last flight has not gone out: the
 * handshake is over for the one and not yet for the other. */
#include <criterion/criterion.h>
#include <string.h>

#include "reborn.h"
#include "rules.h"

TestSuite(last_flight, .timeout = 60);

enum { GENERATIONS = 2 };

/* A client that has read the server's Finished, and whose output nobody has taken. */
struct last {
  struct craft_play play;
  hf_conn *conn;
};

/* Gives one record to the engine and nothing else; it returns how many bytes were taken. */
static size_t give(struct last *l, uint8_t type, const struct buf *message) {
  struct buf record = {0};
  hf_bytes app;
  size_t consumed;
  craft_seal(&l->play.craft, &record, type, message->data, message->len, 0);
  cr_assert_eq(hf_open(l->conn, &app, &consumed, record.data, record.len), HF_OK);
  buf_free(&record);
  return consumed;
}

static void flush(hf_conn *conn) {
  uint8_t out[4096];
  size_t len;
  do {
    cr_assert_eq(hf_flush(conn, &len, out, sizeof out), HF_OK);
  } while (len > 0);
}

static void begin(struct last *l, uint32_t flags) {
  struct side_setup setup;
  struct buf body = {0}, message = {0};
  memset(l, 0, sizeof *l);
  rules_setup(&setup, HF_CLIENT, flags);
  cr_assert(play_new(&l->play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&l->play, SERVER_SAID_VERIFY));
  struct craft *craft = &l->play.craft;
  l->conn = l->play.side.conn;
  body_of_finished(&body, &l->play);
  craft_message(&message, MSG_FINISHED, body.data, body.len);
  cr_assert_gt(give(l, REC_HANDSHAKE, &message), 0u);
  buf_add(&craft->transcript, message.data, message.len);
  craft_derive_application(craft);
  craft_set_keys(&craft->write, craft->server_application);
  while (hf_question(l->conn)->ask != HF_ASK_NONE) {
    cr_assert_eq(hf_question(l->conn)->ask == HF_ASK_VERDICT ? hf_answer_verdict(l->conn)
                                                             : hf_answer_done(l->conn),
                 HF_OK);
  }
  cr_assert_eq(hf_wants(l->conn) & (HF_READY | HF_WANT_OUTPUT), HF_WANT_OUTPUT);
  buf_free(&body);
  buf_free(&message);
}

static void end(struct last *l) {
  l->play.side.conn = l->conn;
  rules_free(&l->play);
}

/* R-H-19: two changes of keys: each secret is that of its generation. */
Test(last_flight, key_updates_of_the_server) {
  struct last l;
  struct buf update = {0};
  uint8_t secrets[GENERATIONS][CRAFT_HASH];
  begin(&l, HF_EXPORT_SECRETS);
  struct craft *craft = &l.play.craft;
  craft_message(&update, MSG_KEY_UPDATE, "", 1);
  for (size_t i = 0; i < GENERATIONS; i++) {
    if (i > 0 && give(&l, REC_HANDSHAKE, &update) == 0) {
      flush(l.conn);
      cr_assert_eq(hf_question(l.conn)->ask, HF_ASK_INSTALL);
      cr_expect_eq(hf_question(l.conn)->install.generation, i);
      cr_expect_arr_eq(hf_question(l.conn)->install.secret.data, secrets[i - 1], CRAFT_HASH);
      cr_assert_eq(hf_answer_done(l.conn), HF_OK);
      craft->write.seq = 0;
      cr_assert_gt(give(&l, REC_HANDSHAKE, &update), 0u);
    } else if (i == 0) {
      cr_assert_gt(give(&l, REC_HANDSHAKE, &update), 0u);
    }
    craft_next_keys(&craft->write);
    memcpy(secrets[i], craft->write.secret, CRAFT_HASH);
  }
  flush(l.conn);
  const hf_question_t *q = hf_question(l.conn);
  cr_assert_eq(q->ask, HF_ASK_INSTALL);
  cr_assert_leq(q->install.generation, GENERATIONS);
  cr_expect_arr_eq(q->install.secret.data, secrets[q->install.generation - 1], CRAFT_HASH);
  cr_assert_eq(hf_answer_done(l.conn), HF_OK);
  cr_expect_eq(hf_question(l.conn)->ask, HF_ASK_NONE, "each once");
  buf_free(&update);
  end(&l);
}

static void add_ticket(struct buf *message) {
  static const uint8_t body[] = {0, 0, 14, 16, 1, 2, 3, 4, 1, 0, 0, 2, 't', 't', 0, 0};
  craft_message(message, MSG_NEW_SESSION_TICKET, body, sizeof body);
}

/* R-H-8: a session is there as soon as the connection is ready. */
Test(last_flight, ticket_of_the_server) {
  struct last l;
  struct buf ticket = {0};
  begin(&l, 0);
  add_ticket(&ticket);
  cr_assert_gt(give(&l, REC_HANDSHAKE, &ticket), 0u);
  cr_expect_eq(hf_question(l.conn)->ask, HF_ASK_NONE);
  cr_expect_null(reborn(&l.conn, NULL));
  flush(l.conn);
  cr_expect(hf_wants(l.conn) & HF_READY);
  cr_assert_eq(hf_question(l.conn)->ask, HF_ASK_KEEP);
  cr_expect_eq(hf_question(l.conn)->keep.lifetime, 3600u);
  cr_expect_eq(hf_answer_done(l.conn), HF_OK);
  buf_free(&ticket);
  end(&l);
}

/* R-H-41: closed then, it is saved and loaded like any other. */
Test(last_flight, closed_after_a_ticket) {
  struct last l;
  struct buf ticket = {0};
  begin(&l, 0);
  add_ticket(&ticket);
  cr_assert_gt(give(&l, REC_HANDSHAKE, &ticket), 0u);
  cr_assert_eq(hf_close(l.conn), HF_OK);
  const char *differs = reborn(&l.conn, NULL);
  cr_expect_null(differs, "%s", differs);
  cr_expect(hf_wants(l.conn) & HF_CLOSED);
  buf_free(&ticket);
  end(&l);
}
