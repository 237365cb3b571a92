/* test_questions.c: the rules of questions and answers in handfast.h, for each question of both
 * roles: what is not the answer is MISUSE and changes nothing, nothing is consumed meanwhile,
 * output flows, and any question can be refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "pair.h"

TestSuite(questions, .timeout = 60);

static const hf_bytes absent = {NULL, 0}, some = {(const uint8_t *)"\x00\x10some", 6};

/* asker is one side and what to do at its questions. */
struct asker {
  struct side *side;
  unsigned seen, with_output; /* bits of hf_ask */
  hf_ask refuse;              /* this one */
  uint8_t alert;
  bool flushes; /* takes one byte of output at each question that has some */
};

static void misuse(const struct asker *asker, hf_status status, const char *what) {
  const hf_conn *conn = asker->side->conn;
  cr_assert_eq(status, HF_MISUSE, "%s at question %d: %s", what, (int)hf_question(conn)->ask,
               hf_status_text(status));
  cr_assert(hf_wants(conn) & HF_WANT_ANSWER);
}

/* R-H-4: every answer to another question. */
static void answer_others(const struct asker *asker, hf_ask ask) {
  hf_conn *conn = asker->side->conn;
  if (ask != HF_ASK_HELLO) misuse(asker, hf_answer_hello(conn, NULL, absent, NULL), "hello");
  if (ask != HF_ASK_COOKIE) misuse(asker, hf_answer_cookie(conn, some), "cookie");
  if (ask != HF_ASK_SESSION) misuse(asker, hf_answer_session(conn, 0, absent, 0), "session");
  if (ask != HF_ASK_IDENTITY) misuse(asker, hf_answer_identity(conn, NULL), "identity");
  if (ask != HF_ASK_SIGNATURE) misuse(asker, hf_answer_signature(conn, some), "signature");
  if (ask != HF_ASK_VERDICT) misuse(asker, hf_answer_verdict(conn), "verdict");
  if (ask != HF_ASK_COMPRESS) misuse(asker, hf_answer_compress(conn, 1, some), "compress");
  if (ask != HF_ASK_DECOMPRESS) misuse(asker, hf_answer_decompress(conn, some), "decompress");
  if (ask != HF_ASK_TICKET) misuse(asker, hf_answer_ticket(conn, some), "ticket");
  if (ask != HF_ASK_KEEP && ask != HF_ASK_INSTALL) misuse(asker, hf_answer_done(conn), "done");
}

/* And what cannot be an answer to this one. */
static void answer_nonsense(const struct asker *asker, const hf_question_t *q) {
  hf_conn *conn = asker->side->conn;
  if (q->ask == HF_ASK_HELLO) {
    misuse(asker, hf_answer_hello(conn, NULL, bytes_of("not offered"), NULL), "ALPN");
  } else if (q->ask == HF_ASK_SIGNATURE) {
    misuse(asker, hf_answer_signature(conn, absent), "no signature");
  } else if (q->ask == HF_ASK_SESSION) {
    misuse(asker, hf_answer_session(conn, q->session.num, some, 0), "session index");
  } else if (q->ask == HF_ASK_COOKIE && q->cookie.make && q->cookie.must) {
    misuse(asker, hf_answer_cookie(conn, absent), "no cookie");
  }
}

static bool of_the_handshake(hf_ask ask) { return ask != HF_ASK_TICKET && ask != HF_ASK_KEEP; }

/* R-H-3: no byte is consumed.  The record is one that would be wrong in every state. */
static void consumes_nothing(const struct asker *asker) {
  uint8_t record[] = {99, 3, 3, 0, 1, 0};
  size_t used = 1;
  hf_bytes app;
  hf_status status = hf_open(asker->side->conn, &app, &used, record, sizeof record);
  cr_assert_eq(status, HF_OK, "%s", hf_status_text(status));
  cr_assert_eq(used, 0);
  cr_assert_null(app.data);
}

/* R-H-2 R-H-3: output can be taken, one byte of it. */
static void take_a_byte(struct asker *asker, hf_ask ask) {
  struct side *side = asker->side;
  size_t len = 0;
  if (!(hf_wants(side->conn) & HF_WANT_OUTPUT)) return;
  asker->with_output |= 1U << ask;
  if (!asker->flushes) return;
  uint8_t *room = buf_room(&side->out, 1);
  cr_assert_eq(hf_flush(side->conn, &len, room, 1), HF_OK);
  cr_assert_eq(len, 1);
  buf_add(&side->sent, room, 1);
  buf_added(&side->out, 1);
}

static bool look(void *arg, struct side_answer *answer, const hf_question_t *q) {
  struct asker *asker = arg;
  /* The first questions of a client come before side_new returns. */
  asker->seen |= 1U << q->ask;
  answer_others(asker, q->ask);
  answer_nonsense(asker, q);
  take_a_byte(asker, q->ask);
  if (of_the_handshake(q->ask)) consumes_nothing(asker);
  /* R-H-8: tickets come after HF_READY. */
  cr_assert_eq((hf_wants(asker->side->conn) & HF_READY) != 0, !of_the_handshake(q->ask));
  if (q->ask == asker->refuse) {
    *answer = (struct side_answer){.ask = q->ask, .refuse = true, .alert = asker->alert};
  }
  return true;
}

/* begin makes a pair in which every question of ours is asked: a retry with a cookie, client
 * certificates, tickets. */
static void begin(struct pair *pair, struct asker askers[2], struct credential *credential,
                  hf_bytes session) {
  static const uint16_t groups[] = {0x17};
  struct side_setup client, server;
  pair_setup(&client, &server, credential, session.data == NULL ? 1 : 2);
  client.settings.flags = HF_EXPORT_SECRETS;
  client.settings.alpn = bytes_of("\x02h2");
  client.start.session = session;
  client.credential = credential;
  server.settings.flags =
      HF_EXPORT_SECRETS | HF_DEMAND_COOKIE | HF_REQUEST_CLIENT_CERT | HF_ISSUE_TICKETS;
  server.settings.groups = (hf_codes){groups, 1};
  client.answers_first = server.answers_first = true;
  client.answer = server.answer = look;
  client.arg = &askers[0];
  server.arg = &askers[1];
  askers[0].side = &pair->client;
  askers[1].side = &pair->server;
  cr_assert_eq(pair_new(pair, &client, &server, 0), HF_OK);
}

static bool session_of(struct pair *first, struct credential *credential) {
  struct asker askers[2] = {{.refuse = HF_ASK_NONE}, {.refuse = HF_ASK_NONE}};
  begin(first, askers, credential, absent);
  return pair_run(first) && first->client.kept.len > 0;
}

enum {
  ALL_OF_CLIENT = 1 << HF_ASK_VERDICT | 1 << HF_ASK_IDENTITY | 1 << HF_ASK_SIGNATURE |
                  1 << HF_ASK_KEEP | 1 << HF_ASK_INSTALL,
  ALL_OF_SERVER = 1 << HF_ASK_HELLO | 1 << HF_ASK_COOKIE | 1 << HF_ASK_IDENTITY |
                  1 << HF_ASK_SIGNATURE | 1 << HF_ASK_VERDICT | 1 << HF_ASK_TICKET |
                  1 << HF_ASK_INSTALL
};

Test(questions, wrong_answers_change_nothing) {
  struct credential *credential = credential_load("ed25519");
  struct buf sent[2] = {{0}, {0}};
  for (int flushes = 0; flushes < 2; flushes++) {
    struct pair pair;
    struct asker askers[2] = {{.flushes = flushes != 0}, {.flushes = flushes != 0}};
    begin(&pair, askers, credential, absent);
    cr_assert(pair_run(&pair), "client: %s, server: %s", hf_status_text(side_fault(&pair.client)),
              hf_status_text(side_fault(&pair.server)));
    cr_assert_eq(askers[0].seen, ALL_OF_CLIENT);
    cr_assert_eq(askers[1].seen, ALL_OF_SERVER);
    cr_assert_neq(askers[0].with_output | askers[1].with_output, 0, "output beside a question");
    /* Ed25519 signs the same twice: when output is taken changes nothing in it. */
    if (flushes == 0) {
      buf_add(&sent[0], pair.client.sent.data, pair.client.sent.len);
      buf_add(&sent[1], pair.server.sent.data, pair.server.sent.len);
    } else {
      cr_assert(bytes_equal((hf_bytes){sent[0].data, sent[0].len},
                            (hf_bytes){pair.client.sent.data, pair.client.sent.len}));
      cr_assert(bytes_equal((hf_bytes){sent[1].data, sent[1].len},
                            (hf_bytes){pair.server.sent.data, pair.server.sent.len}));
    }
    pair_free(&pair);
  }
  buf_free(&sent[0]);
  buf_free(&sent[1]);
  credential_free(credential);
}

/* R-H-5 R-H-6: refused, with the alert named; 0 is internal_error. */
static void refuse(struct credential *credential, int role, hf_ask ask, uint8_t alert,
                   hf_bytes session) {
  struct pair pair;
  struct asker askers[2] = {{.alert = alert}, {.alert = alert}};
  hf_fault fault;
  uint8_t record[] = {22, 3, 3, 0, 1, 0}, expected = alert == 0 ? 80 : alert;
  size_t used;
  hf_bytes app;
  askers[role].refuse = ask;
  begin(&pair, askers, credential, session);
  (void)pair_run(&pair);
  struct side *us = role == 0 ? &pair.client : &pair.server;
  struct side *them = role == 0 ? &pair.server : &pair.client;
  hf_get_fault(&fault, us->conn);
  cr_assert_eq(fault.status, HF_REFUSED, "role %d, question %d: %s", role, (int)ask, fault.text);
  cr_assert_eq(fault.alert, expected);
  hf_get_fault(&fault, them->conn);
  cr_assert_eq(fault.status, HF_PEER_ALERT, "role %d, question %d: %s", role, (int)ask, fault.text);
  cr_assert_eq(fault.alert, expected);
  cr_assert_eq(hf_open(us->conn, &app, &used, record, sizeof record), HF_REFUSED);
  cr_assert_eq(hf_refuse(us->conn, 40), HF_MISUSE);
  cr_assert_eq(hf_close(us->conn), HF_MISUSE);
  cr_assert_eq(hf_wants(us->conn), HF_FAILED);
  pair_free(&pair);
}

Test(questions, each_can_be_refused) {
  struct credential *credential = credential_load("ed25519");
  struct pair first;
  cr_assert(session_of(&first, credential));
  hf_bytes session = {first.client.kept.data, first.client.kept.len};
  for (hf_ask ask = HF_ASK_NONE + 1; ask <= HF_ASK_INSTALL; ask++) {
    if (1 << ask & ALL_OF_CLIENT) refuse(credential, 0, ask, 49, absent);
    if (1 << ask & ALL_OF_SERVER) refuse(credential, 1, ask, 49, absent);
  }
  refuse(credential, 0, HF_ASK_VERDICT, 0, absent);
  refuse(credential, 1, HF_ASK_SESSION, 49, session);
  pair_free(&first);
  credential_free(credential);
}

/* stop_at runs a pair until |role| is asked |ask|, which nobody answers. */
static void stop_at(struct pair *pair, const struct credential *credential, int role, hf_ask ask,
                    hf_bytes session) {
  static const uint16_t groups[] = {0x17};
  struct side_setup client, server;
  pair_setup(&client, &server, credential, session.data == NULL ? 5 : 6);
  client.settings.flags = HF_EXPORT_SECRETS;
  client.start.session = session;
  client.credential = credential;
  server.settings.flags =
      HF_EXPORT_SECRETS | HF_DEMAND_COOKIE | HF_REQUEST_CLIENT_CERT | HF_ISSUE_TICKETS;
  server.settings.groups = (hf_codes){groups, 1};
  if (role == 0) client.leaves = ask;
  if (role == 1) server.leaves = ask;
  cr_assert_eq(pair_new(pair, &client, &server, 0), HF_OK);
  (void)pair_run(pair);
  const hf_conn *conn = role == 0 ? pair->client.conn : pair->server.conn;
  cr_assert(hf_wants(conn) & HF_WANT_ANSWER);
  cr_assert_eq(hf_question(conn)->ask, ask, "role %d: %d, not %d", role,
               (int)hf_question(conn)->ask, (int)ask);
  cr_assert_eq((hf_wants(conn) & HF_READY) != 0, !of_the_handshake(ask));
}

/* late_and_never: whenever the answer comes, the handshake goes on from there, and what was
 * answered cannot be answered again; and if it never comes, the connection can be freed. */
static void late_and_never(const struct credential *credential, int role, hf_ask ask,
                           hf_bytes session) {
  struct pair pair;
  stop_at(&pair, credential, role, ask, session);
  pair_free(&pair);
  stop_at(&pair, credential, role, ask, session);
  struct side *us = role == 0 ? &pair.client : &pair.server;
  us->setup.leaves = HF_ASK_NONE;
  cr_assert_eq(side_feed(us, NULL, 0), HF_OK);
  cr_assert(pair_run(&pair), "role %d, question %d: %s", role, (int)ask,
            hf_status_text(side_fault(us)));
  cr_assert_not(hf_wants(us->conn) & HF_WANT_ANSWER);
  cr_assert_eq(hf_question(us->conn)->ask, HF_ASK_NONE);
  cr_assert_eq(hf_refuse(us->conn, 40), HF_MISUSE);
  cr_assert_eq(hf_answer_signature(us->conn, some), HF_MISUSE);
  cr_assert_eq(hf_answer_verdict(us->conn), HF_MISUSE);
  cr_assert_eq(hf_answer_identity(us->conn, NULL), HF_MISUSE);
  cr_assert_eq(hf_answer_done(us->conn), HF_MISUSE);
  cr_assert(hf_wants(us->conn) & HF_READY);
  pair_free(&pair);
}

/* R-H-3 R-H-4 */
Test(questions, each_can_be_answered_late_or_never) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct pair first;
  cr_assert(session_of(&first, credential));
  hf_bytes session = {first.client.kept.data, first.client.kept.len};
  for (hf_ask ask = HF_ASK_NONE + 1; ask <= HF_ASK_INSTALL; ask++) {
    if (1 << ask & ALL_OF_CLIENT) late_and_never(credential, 0, ask, absent);
    if (1 << ask & ALL_OF_SERVER) late_and_never(credential, 1, ask, absent);
  }
  late_and_never(credential, 1, HF_ASK_SESSION, session);
  pair_free(&first);
  credential_free(credential);
}

/* R-H-8: unanswered, they hinder nothing. */
Test(questions, tickets_hinder_nothing) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (int role = 0; role < 2; role++) {
    struct side_setup client, server;
    struct pair pair;
    pair_setup(&client, &server, credential, 4);
    server.settings.flags = HF_ISSUE_TICKETS;
    client.leaves = role == 0 ? HF_ASK_KEEP : HF_ASK_NONE;
    server.leaves = role == 1 ? HF_ASK_TICKET : HF_ASK_NONE;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair));
    struct side *us = role == 0 ? &pair.client : &pair.server;
    cr_assert_eq(hf_question(us->conn)->ask, role == 0 ? HF_ASK_KEEP : HF_ASK_TICKET);
    cr_assert_eq(side_send(&pair.client, (const uint8_t *)"to", 2), HF_OK);
    cr_assert_eq(side_send(&pair.server, (const uint8_t *)"fro", 3), HF_OK);
    cr_assert_eq(side_rekey(&pair.client, true), HF_OK);
    cr_assert_eq(side_rekey(&pair.server, true), HF_OK);
    cr_assert(pair_run(&pair));
    cr_assert_eq(side_close(&pair.client), HF_OK);
    cr_assert_eq(side_close(&pair.server), HF_OK);
    (void)pair_run(&pair);
    cr_assert_eq(pair.server.app.len, 2);
    cr_assert_eq(pair.client.app.len, 3);
    cr_assert(hf_wants(pair.client.conn) & hf_wants(pair.server.conn) & HF_CLOSED);
    pair_free(&pair);
  }
  credential_free(credential);
}
