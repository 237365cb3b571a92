/* test_resumption.c - sessions and early data between two engines: what is resumed, what is refused
 * and goes on as a full handshake, what fails; early data accepted, refused, skipped and limited.
 * Each conversation is replayed with its input cut differently. */
#include <criterion/criterion.h>
#include <string.h>

#include "craft_play.h"
#include "engine/engine.h"
#include "pair.h"
#include "rules.h"

enum { MOST_EARLY = 1000 };

/* A first connection, and the setups for a second that may resume it. */
struct fixture {
  struct credential *credential;
  struct side_setup client, server;
  struct pair first, second;
};

static void check_facts(const struct side *side, bool resumed, bool early) {
  hf_facts facts;
  hf_get_facts(&facts, side->conn);
  cr_expect_eq(facts.resumed, resumed);
  cr_expect_eq(facts.early_accepted, early);
}

static void begin(struct fixture *f) {
  memset(f, 0, sizeof *f);
  f->credential = credential_load("ecdsa-p256");
  pair_setup(&f->client, &f->server, f->credential, 11);
  f->client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2\1x", 5};
  f->client.settings.flags = HF_ALLOW_EARLY_DATA;
  f->server.settings.flags = HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
  f->server.settings.max_early_data = MOST_EARLY;
  f->server.alpn = bytes_of("h2");
  cr_assert_eq(pair_new(&f->first, &f->client, &f->server, 0), HF_OK);
  cr_assert(pair_run(&f->first));
  cr_assert_gt(f->first.client.kept.len, 0u);
  check_facts(&f->first.client, false, false);
  f->client.start.session = (hf_bytes){f->first.client.kept.data, f->first.client.kept.len};
  f->client.start.now += 5000;
  f->server.start.now += 5000;
  side_entropy(&f->client.start.entropy, 1000);
  side_entropy(&f->server.start.entropy, 1001);
}

static void give_up(struct fixture *f) {
  pair_free(&f->second);
  pair_free(&f->first);
  credential_free(f->credential);
}

static void finish(struct fixture *f) {
  static const size_t pieces[] = {1, 3, 0};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    const char *differs = side_replay(&f->second.client, pieces[i]);
    cr_expect_null(differs, "client, pieces of %zu: %s", pieces[i], differs);
    differs = side_replay(&f->second.server, pieces[i]);
    cr_expect_null(differs, "server, pieces of %zu: %s", pieces[i], differs);
  }
  give_up(f);
}

/* Starts the second connection; the client sends |len| bytes early. */
static void start_early(struct fixture *f, size_t len) {
  static const uint8_t data[2 * MOST_EARLY] = {'e'};
  cr_assert_eq(pair_new(&f->second, &f->client, &f->server, 0), HF_OK);
  if (len == 0) return;
  cr_assert(hf_wants(f->second.client.conn) & HF_CAN_SEND, "early data can not be sent");
  cr_assert_eq(side_send(&f->second.client, data, len), HF_OK);
}

/* A handshake that resumes, or does not, and data both ways after it. */
static void complete(struct fixture *f, bool resumed, bool early) {
  cr_assert(pair_run(&f->second), "client %s, server %s",
            hf_status_text(side_fault(&f->second.client)),
            hf_status_text(side_fault(&f->second.server)));
  check_facts(&f->second.client, resumed, early);
  check_facts(&f->second.server, resumed, early);
  size_t before = f->second.server.app.len;
  cr_expect_eq(side_send(&f->second.client, (const uint8_t *)"later", 5), HF_OK);
  cr_expect_eq(side_send(&f->second.server, (const uint8_t *)"answer", 6), HF_OK);
  (void)pair_run(&f->second);
  cr_expect_eq(f->second.server.app.len, before + 5);
  cr_expect_eq(f->second.client.app.len, 6u);
}

/* R-4.3.11-1 R-4.3.11-2: no certificates, no verdict; the key exchange is done all the same. */
Test(resumption, a_session_is_resumed) {
  struct fixture f;
  begin(&f);
  f.client.settings.flags = 0;
  start_early(&f, 0);
  complete(&f, true, false);
  cr_expect_eq(f.second.client.asked[HF_ASK_VERDICT], 0u);
  cr_expect_eq(f.second.server.asked[HF_ASK_IDENTITY], 0u);
  cr_expect_eq(f.second.server.asked[HF_ASK_SESSION], 1u);
  hf_facts facts;
  hf_get_facts(&facts, f.second.server.conn);
  cr_expect_eq(facts.group, 0x001d);
  finish(&f);
}

/* ---- The session's chain is judged again ---- */

/* verdicts is what is said of a session's chain, at the first question about one and at the second.
 */
struct verdicts {
  bool refuse[2];
  size_t asked, of_the_peer;
};

static bool judge(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct verdicts *v = arg;
  if (question->ask != HF_ASK_VERDICT) return false;
  if (question->verdict.num > 0) {
    v->of_the_peer++;
    return false;
  }
  cr_assert_lt(v->asked, 2u);
  cr_expect_null(question->verdict.chain);
  cr_expect_null(question->verdict.ocsp.data);
  cr_expect_not(question->verdict.raw_key);
  cr_expect_gt(question->verdict.server_name.len, 0u);
  answer->refuse = v->refuse[v->asked++];
  answer->alert = 46;
  return answer->refuse;
}

static void begin_judged(struct fixture *f, struct verdicts *v, uint32_t flags) {
  begin(f);
  *v = (struct verdicts){.asked = 0};
  f->client.settings.flags = flags | HF_VERIFY_RESUMED;
  f->client.answer = judge;
  f->client.arg = v;
}

/* R-H-28: a resumed handshake asks once, before it sends its Finished. */
Test(resumption, a_sessions_chain_is_judged) {
  for (int refuse = 0; refuse < 2; refuse++) {
    struct fixture f;
    struct verdicts v;
    begin_judged(&f, &v, 0);
    v.refuse[0] = refuse;
    start_early(&f, 0);
    if (refuse) {
      cr_expect_not(pair_run(&f.second));
      cr_expect_eq(side_fault(&f.second.client), HF_REFUSED);
      cr_expect_eq(side_fault(&f.second.server), HF_PEER_ALERT);
    } else {
      complete(&f, true, false);
    }
    cr_expect_eq(v.asked, 1u);
    finish(&f);
  }
}

/* R-H-28: for early data before it can be sent, and after that only if it was not accepted. */
Test(resumption, a_sessions_chain_is_judged_before_early_data) {
  static const struct {
    bool refuse_first, refuse_second, accepts;
    size_t asked;
  } cases[] = {{.accepts = true, .asked = 1},
               {.asked = 2},
               {.refuse_first = true, .accepts = true, .asked = 1},
               {.refuse_second = true, .asked = 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct fixture f;
    struct verdicts v;
    const bool fails = cases[i].refuse_first || cases[i].refuse_second;
    begin_judged(&f, &v, HF_ALLOW_EARLY_DATA);
    v.refuse[0] = cases[i].refuse_first;
    v.refuse[1] = cases[i].refuse_second;
    if (!cases[i].accepts) f.server.start.now += 60000; /* too late for early data */
    if (cases[i].refuse_first) {
      cr_expect_eq(pair_new(&f.second, &f.client, &f.server, 0), HF_REFUSED, "%zu", i);
      cr_expect_not(hf_wants(f.second.client.conn) & HF_CAN_SEND);
    } else {
      start_early(&f, 100);
    }
    if (cases[i].refuse_first)
      cr_expect_gt(f.second.client.out.len, 0u, "no alert");
    else if (fails)
      cr_expect_not(pair_run(&f.second), "%zu", i);
    else
      complete(&f, true, cases[i].accepts);
    cr_expect_eq(v.asked, cases[i].asked, "%zu", i);
    if (!cases[i].refuse_first) finish(&f);
    if (cases[i].refuse_first) give_up(&f);
  }
}

/* R-H-28: nothing is sent early while the question is pending. */
Test(resumption, early_data_waits_for_the_verdict) {
  struct fixture f;
  hf_facts facts;
  begin(&f);
  f.client.settings.flags |= HF_VERIFY_RESUMED;
  f.client.leaves = HF_ASK_VERDICT;
  f.client.forgets = true;
  cr_assert_eq(pair_new(&f.second, &f.client, &f.server, 0), HF_OK);
  hf_conn *client = f.second.client.conn;
  cr_assert_eq(hf_question(client)->ask, HF_ASK_VERDICT);
  cr_expect_not(hf_wants(client) & HF_CAN_SEND);
  hf_get_facts(&facts, client);
  cr_expect_not(facts.early_open);
  cr_assert_eq(hf_answer_verdict(client), HF_OK);
  cr_expect(hf_wants(client) & HF_CAN_SEND);
  cr_expect_eq(client->proofs, 0);
  give_up(&f);
}

/* R-H-28 R-H-22: a session's chain says nothing of a server that does not resume it. */
Test(resumption, a_verdict_on_a_session_is_no_proof) {
  struct fixture f;
  struct verdicts v;
  begin_judged(&f, &v, HF_ALLOW_EARLY_DATA);
  f.server.settings.flags = 0;
  f.server.start.now += 8ULL * 24 * 3600 * 1000; /* the ticket has expired there */
  start_early(&f, 100);
  cr_expect_eq(v.asked, 1u);
  cr_expect_eq(f.second.client.conn->proofs, 0);
  complete(&f, false, false);
  cr_expect_eq(v.asked, 1u);
  cr_expect_eq(v.of_the_peer, 1u);
  finish(&f);
}

/* R-4.3.10-1 R-4.6-3: early data goes with the hello and is delivered before the handshake is done.
 */
Test(resumption, early_data_is_accepted) {
  struct fixture f;
  begin(&f);
  start_early(&f, 100);
  hf_facts facts;
  hf_get_facts(&facts, f.second.client.conn);
  cr_expect_eq(facts.early_left, (uint64_t)MOST_EARLY - 100);
  struct side *client = &f.second.client, *server = &f.second.server;
  cr_assert_eq(side_feed(server, client->out.data, client->out.len), HF_OK);
  buf_drop(&client->out, client->out.len);
  cr_expect_eq(server->app.len, 100u);
  cr_expect_not(side_is_ready(server));
  complete(&f, true, true);
  cr_expect_not(hf_wants(client->conn) & HF_EARLY_REFUSED);
  finish(&f);
}

/* secrets is what INSTALL handed out at the level of early data, in order. */
struct secrets {
  char labels[200];
  uint8_t exporter[32], traffic[32];
};

static bool note_secret(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct secrets *secrets = arg;
  (void)answer;
  if (question->ask != HF_ASK_INSTALL || question->install.level != HF_EARLY) return false;
  bool exporter = question->install.kind == HF_SECRET_EARLY_EXPORTER;
  cr_assert_eq(question->install.secret.len, 32);
  cr_expect_eq(question->install.suite, 0x1301);
  memcpy(exporter ? secrets->exporter : secrets->traffic, question->install.secret.data, 32);
  strcat(strcat(secrets->labels, question->install.label), " ");
  return false;
}

/* R-7.1-2: the same on both sides; a server that refuses has none. */
Test(resumption, early_secrets) {
  static const char both[] = "EARLY_EXPORTER_SECRET CLIENT_EARLY_TRAFFIC_SECRET ";
  for (int accepted = 0; accepted < 2; accepted++) {
    struct fixture f;
    struct secrets client = {.labels = ""}, server = {.labels = ""};
    begin(&f);
    f.client.settings.flags |= HF_EXPORT_SECRETS;
    f.server.settings.flags |= HF_EXPORT_SECRETS;
    f.client.answer = f.server.answer = note_secret;
    f.client.arg = &client;
    f.server.arg = &server;
    if (!accepted) f.server.start.now += 60000;
    start_early(&f, 100);
    complete(&f, true, accepted == 1);
    cr_expect_str_eq(client.labels, both);
    cr_expect_str_eq(server.labels, accepted ? both : "");
    if (accepted) {
      cr_expect_arr_eq(client.exporter, server.exporter, 32);
      cr_expect_arr_eq(client.traffic, server.traffic, 32);
      cr_expect_arr_neq(client.traffic, client.exporter, 32);
    }
    pair_free(&f.second);
    pair_free(&f.first);
    credential_free(f.credential);
  }
}

/* R-4.3.10-2: no more than the ticket allows. */
Test(resumption, early_data_is_limited) {
  struct fixture f;
  begin(&f);
  start_early(&f, MOST_EARLY);
  uint8_t room[64];
  size_t len;
  cr_expect_not(hf_wants(f.second.client.conn) & HF_CAN_SEND);
  cr_expect_eq(hf_seal(f.second.client.conn, &len, room, sizeof room, room, 1), HF_MISUSE);
  complete(&f, true, true);
  cr_expect_eq(f.second.server.app.len, MOST_EARLY + 5u);
  finish(&f);
}

/* What |spoil| changes makes the server refuse early data, which it then skips. */
static void refused(void (*spoil)(struct fixture *), bool resumed) {
  struct fixture f;
  begin(&f);
  spoil(&f);
  start_early(&f, 100);
  complete(&f, resumed, false);
  cr_expect(hf_wants(f.second.client.conn) & HF_EARLY_REFUSED);
  cr_expect_eq(f.second.server.app.len, 5u);
  finish(&f);
}

static bool no_early(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_SESSION) return false;
  answer->flags = 0;
  return true;
}

static bool no_session(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_SESSION) return false;
  *answer = (struct side_answer){.ask = question->ask};
  return true;
}

static void by_the_caller(struct fixture *f) { f->server.answer = no_early; }
static void by_no_session(struct fixture *f) { f->server.answer = no_session; }
static void by_another_protocol(struct fixture *f) { f->server.alpn = bytes_of("x"); }
static void by_an_old_ticket(struct fixture *f) { f->server.start.now += 60000; }
static void by_another_context(struct fixture *f) {
  f->server.start.early_context = bytes_of("other");
}
static const uint16_t chacha[] = {0x1303};
static void by_another_suite(struct fixture *f) {
  f->server.settings.suites = (hf_codes){chacha, 1};
}
static void by_a_cookie(struct fixture *f) { f->server.settings.flags |= HF_DEMAND_COOKIE; }

/* R-8-5 */
Test(resumption, how_wrong_the_age_may_be) {
  static const struct {
    uint32_t window;
    int late;
    bool accepted;
  } cases[] = {{0, 10000, true},      {0, 10001, false},     {0, -10000, true},
               {0, -10001, false},    {60000, 60000, true},  {60000, 60001, false},
               {60000, -60000, true}, {60000, -60001, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct fixture f;
    begin(&f);
    f.server.settings.early_age_window = cases[i].window;
    f.client.start.now += 100000;
    f.server.start.now += (uint64_t)(100000 + cases[i].late);
    start_early(&f, 100);
    complete(&f, true, cases[i].accepted);
    finish(&f);
  }
}

/* R-4.3.10-3 R-4.3.10-4: each reason to refuse; the handshake goes on. */
Test(resumption, early_data_is_refused_by_the_caller) { refused(by_the_caller, true); }
Test(resumption, early_data_is_refused_without_a_session) { refused(by_no_session, false); }
Test(resumption, early_data_is_refused_for_another_protocol) { refused(by_another_protocol, true); }
Test(resumption, early_data_is_refused_for_its_age) { refused(by_an_old_ticket, true); }
Test(resumption, early_data_is_refused_for_its_context) { refused(by_another_context, true); }
/* The suite has the session's hash, but it is another. */
Test(resumption, early_data_is_refused_for_another_suite) { refused(by_another_suite, true); }
/* R-4.3.10-5: and by a HelloRetryRequest, after which the hello has no early_data. */
Test(resumption, early_data_is_refused_by_a_retry) { refused(by_a_cookie, true); }

/* What |spoil| changes keeps the session from being offered, or from being chosen. */
static void not_resumed(void (*spoil)(struct fixture *)) {
  struct fixture f;
  begin(&f);
  f.client.settings.flags = 0;
  spoil(&f);
  start_early(&f, 0);
  complete(&f, false, false);
  finish(&f);
}

static const uint16_t sha384[] = {0x1302};
static void by_another_hash(struct fixture *f) {
  f->server.settings.suites = (hf_codes){sha384, 1};
}
static void by_another_name(struct fixture *f) {
  f->client.start.server_name = bytes_of("server.example");
}
static void by_its_age(struct fixture *f) {
  f->client.start.now += 604800u * UINT64_C(1000);
  f->server.start.now += 604800u * UINT64_C(1000);
}
static void by_the_server_s_clock(struct fixture *f) {
  f->server.start.now += 604800u * UINT64_C(1000);
}

/* R-4.3.11-3: a session of another hash, for another name, or that is too old is not resumed. */
Test(resumption, another_hash) { not_resumed(by_another_hash); }
Test(resumption, another_name) { not_resumed(by_another_name); }
Test(resumption, an_expired_session) { not_resumed(by_its_age); }
Test(resumption, an_expired_ticket) { not_resumed(by_the_server_s_clock); }
Test(resumption, a_ticket_that_nobody_knows) { not_resumed(by_no_session); }

/* Answers with the state of the ticket, one bit of its last 40 bytes changed: among them its key.
 */
static bool another_key(void *arg, struct side_answer *answer, const hf_question_t *question) {
  static uint8_t state[1000];
  size_t *at = arg;
  if (question->ask != HF_ASK_SESSION) return false;
  cr_assert_leq(answer->bytes.len, sizeof state);
  memcpy(state, answer->bytes.data, answer->bytes.len);
  state[*at] ^= 1;
  answer->bytes.data = state;
  return true;
}

/* R-4.3.11-4: a binder that does not verify is decrypt_error; some byte of the state is the key. */
Test(resumption, a_wrong_binder) {
  size_t wrong = 0;
  for (size_t at = 0; at < 80; at++) {
    struct fixture f;
    begin(&f);
    f.client.settings.flags = 0;
    f.server.answer = another_key;
    f.server.arg = &at;
    cr_assert_eq(pair_new(&f.second, &f.client, &f.server, 0), HF_OK);
    (void)pair_run(&f.second);
    hf_fault fault;
    hf_get_fault(&fault, f.second.server.conn);
    if (fault.status == HF_BAD_BINDER) {
      wrong++;
      cr_expect_eq(fault.alert, 51);
      hf_get_fault(&fault, f.second.client.conn);
      cr_expect_eq(fault.status, HF_PEER_ALERT);
    }
    pair_free(&f.second);
    pair_free(&f.first);
    credential_free(f.credential);
  }
  cr_expect_eq(wrong, 32u, "%zu bytes of the state are the key", wrong);
}

/* R-4.3.10-6: skipping has an end. */
Test(resumption, too_much_refused_early_data) {
  struct fixture f;
  static const uint8_t data[16000];
  begin(&f);
  f.server.answer = no_early;
  start_early(&f, MOST_EARLY);
  struct side *client = &f.second.client, *server = &f.second.server;
  (void)side_feed(server, client->out.data, client->out.len);
  for (int i = 0; i < 3 && side_fault(server) == HF_OK; i++) {
    static const uint8_t header[] = {23, 3, 3, 0x3e, 0x80};
    (void)side_feed(server, header, sizeof header);
    (void)side_feed(server, data, sizeof data);
  }
  cr_expect_eq(side_fault(server), HF_TOO_MUCH_SKIPPED_DATA);
  hf_fault fault;
  hf_get_fault(&fault, server->conn);
  cr_expect_eq(fault.alert, 10);
  pair_free(&f.second);
  pair_free(&f.first);
  credential_free(f.credential);
}

/* R-4.3.10-7: an accepted early record that does not decrypt is bad_record_mac. */
Test(resumption, a_damaged_early_record) {
  struct fixture f;
  begin(&f);
  start_early(&f, 10);
  struct side *client = &f.second.client, *server = &f.second.server;
  client->out.data[client->out.len - 1] ^= 1;
  cr_expect_eq(side_feed(server, client->out.data, client->out.len), HF_BAD_RECORD_MAC);
  pair_free(&f.second);
  pair_free(&f.first);
  credential_free(f.credential);
}

/* R-4.3.11-5: resumed again and again, each time by a ticket of the connection before. */
Test(resumption, a_chain_of_sessions) {
  struct fixture f;
  begin(&f);
  f.client.settings.flags = 0;
  for (uint64_t i = 0; i < 3; i++) {
    struct pair pair;
    side_entropy(&f.client.start.entropy, 2000 + 2 * i);
    side_entropy(&f.server.start.entropy, 2001 + 2 * i);
    cr_assert_eq(pair_new(&pair, &f.client, &f.server, 0), HF_OK);
    cr_assert(pair_run(&pair));
    check_facts(&pair.client, true, false);
    f.first.client.kept.len = 0;
    buf_add(&f.first.client.kept, pair.client.kept.data, pair.client.kept.len);
    f.client.start.session = (hf_bytes){f.first.client.kept.data, f.first.client.kept.len};
    pair_free(&pair);
  }
  pair_free(&f.first);
  credential_free(f.credential);
}

/* ---- What a client makes of a server that misuses its session: a crafted one ---- */

static void psk(struct craft_hello *hello, uint16_t index) {
  struct buf body = {0};
  put16(&body, index);
  craft_set_ext(hello, EXT_PRE_SHARED_KEY, body.data, body.len);
  buf_free(&body);
}

static void psk_out_of_range(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  psk(hello, 1);
}

static void psk_of_another_hash(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  psk(hello, 0);
  hello->suites.data[1] = 0x02;
}

static void psk_without_share(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  psk(hello, 0);
  craft_drop_ext(hello, EXT_KEY_SHARE);
}

static void half_a_psk(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, EXT_PRE_SHARED_KEY, "\0", 1);
}

static void psk_with_more(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, EXT_PRE_SHARED_KEY, "\0\0\0", 3);
}

/* R-4.3.11-6 R-4.3-1: selected_identity, the suite's hash, the key share. */
Test(resumption, server_hellos_with_a_psk) {
  static const struct {
    const char *name;
    craft_edit *edit;
    int alert;
  } rules[] = {{"an identity that was not offered", psk_out_of_range, AL_ILLEGAL_PARAMETER},
               {"a suite of another hash", psk_of_another_hash, AL_ILLEGAL_PARAMETER},
               {"no key share", psk_without_share, AL_ILLEGAL_PARAMETER},
               {"half a number", half_a_psk, AL_DECODE_ERROR},
               {"a byte behind it", psk_with_more, AL_DECODE_ERROR}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct fixture f;
    struct craft_play play;
    begin(&f);
    f.client.settings.flags = 0;
    cr_assert(play_new(&play, &f.client, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    (void)play_say_hello(&play, rules[i].edit);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%s: %s", rules[i].name, wrong);
    play_free(&play);
    pair_free(&f.first);
    credential_free(f.credential);
  }
}

/* R-4.3.11-7: the hello's last extension is pre_shared_key, and early_data goes with it alone. */
Test(resumption, the_client_hello) {
  for (int early = 0; early < 2; early++) {
    struct fixture f;
    struct craft_play play;
    begin(&f);
    f.client.settings.flags = early ? HF_ALLOW_EARLY_DATA : 0;
    cr_assert(play_new(&play, &f.client, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    struct craft_hello *hello = &play.client;
    cr_expect_eq(hello->ext[hello->num_ext - 1].type, EXT_PRE_SHARED_KEY);
    cr_expect_eq(craft_ext(hello, EXT_EARLY_DATA) != NULL, early == 1);
    cr_expect_not_null(craft_ext(hello, EXT_KEY_SHARE));
    const struct craft_ext *modes = craft_ext(hello, EXT_PSK_MODES);
    cr_assert_not_null(modes);
    cr_expect_arr_eq(modes->body.data, "\1\1", 2);
    play_free(&play);
    pair_free(&f.first);
    credential_free(f.credential);
  }
}

/* R-4.3.10-8: early_data in EncryptedExtensions without the session. */
Test(resumption, early_data_accepted_without_a_session) {
  struct fixture f;
  struct craft_play play;
  begin(&f);
  cr_assert(play_new(&play, &f.client, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  struct buf body = rules_bytes("\0\4\0\x2a\0\0", 6);
  rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
  hf_fault fault;
  hf_get_fault(&fault, play.side.conn);
  cr_expect_eq(fault.alert, AL_ILLEGAL_PARAMETER, "%s", fault.text);
  play_free(&play);
  pair_free(&f.first);
  credential_free(f.credential);
}
