/* test_rules12_session.c - TLS 1.2: which sessions go on and which do not, against a crafted peer
 * (craft12.h): the extended main secret, suites, names, versions; and when data may go before the
 * handshake is over, or no more. */
#include <criterion/criterion.h>
#include <string.h>

#include "craft12.h"
#include "engine/engine.h"
#include "pair.h"

static bool resumed(const struct craft12 *c) {
  hf_facts facts;
  hf_get_facts(&facts, c->play.side.conn);
  return facts.resumed;
}

/* A client with the session, whose crafted server takes it; |alert| comes of that. */
static void client_again(const struct craft12_session *made, uint32_t flags, bool ems,
                         craft_edit *edit, int alert) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, flags);
  setup.start.session = (hf_bytes){made->state.data, made->state.len};
  side_entropy(&setup.start.entropy, 77);
  craft12_new(&c, &setup, "ecdsa-p256");
  c.resume = true;
  c.no_ems = !ems;
  c.play.edit = edit;
  memcpy(c.secret, made->secret, sizeof c.secret);
  const bool done = craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side);
  cr_expect_eq(done, alert == AL_NONE, "EMS %d", ems);
  const char *wrong = rules_verdict(&c.play, alert);
  cr_expect_null(wrong, "EMS %d: %s", ems, wrong);
  if (done) cr_expect(resumed(&c));
  craft12_free(&c);
}

/* R-7627-5.3-1 R-7627-5.3-2: a client's four combinations, and what HF_REQUIRE_EMS makes of them.
 */
Test(rules12_session, client_ems) {
  struct craft12_session with, without;
  cr_assert(craft12_make_session(&with, HF_CLIENT, true));
  cr_assert(craft12_make_session(&without, HF_CLIENT, false));
  client_again(&with, 0, true, NULL, AL_NONE);
  client_again(&with, 0, false, NULL, AL_HANDSHAKE_FAILURE);
  client_again(&without, 0, true, NULL, AL_HANDSHAKE_FAILURE);
  client_again(&without, 0, false, NULL, AL_NONE);
  client_again(&with, HF_REQUIRE_EMS, true, NULL, AL_NONE);
  craft12_session_free(&with);
  craft12_session_free(&without);
}

static void other_suite(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  memcpy(hello->suites.data, "\xc0\x2c", 2);
}

/* R-5246-7.4.1.3-3: a session has the suite that it had. */
Test(rules12_session, client_other_suite) {
  struct craft12_session made;
  cr_assert(craft12_make_session(&made, HF_CLIENT, true));
  client_again(&made, 0, true, other_suite, AL_ILLEGAL_PARAMETER);
  craft12_session_free(&made);
}

enum outcome { GOES_ON, IS_NEW, IS_REFUSED };

/* A server that issued the ticket, whose crafted client offers it. */
static void server_again(const struct craft12_session *made, uint32_t flags, bool ems,
                         craft_edit *edit, enum outcome want) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_SERVER, flags | HF_ISSUE_TICKETS);
  side_entropy(&setup.start.entropy, 77);
  craft12_new(&c, &setup, NULL);
  c.resume = true;
  c.no_ems = !ems;
  c.play.edit = edit;
  buf_add(&c.offer, made->offer.data, made->offer.len);
  memcpy(c.secret, made->secret, sizeof c.secret);
  cr_assert(craft12_until(&c, C12_SAID_HELLO));
  c.resume = want == GOES_ON;
  c.ticket = want == IS_NEW;
  const bool done = craft12_until(&c, C12_DONE) && side_is_ready(&c.play.side);
  cr_expect_eq(done, want != IS_REFUSED, "EMS %d", ems);
  const char *wrong = rules_verdict(&c.play, want == IS_REFUSED ? AL_HANDSHAKE_FAILURE : AL_NONE);
  cr_expect_null(wrong, "EMS %d: %s", ems, wrong);
  if (done) cr_expect_eq(resumed(&c), want == GOES_ON);
  craft12_free(&c);
}

/* R-7627-5.3-3 R-7627-5.3-4: a server's. */
Test(rules12_session, server_ems) {
  struct craft12_session with, without;
  cr_assert(craft12_make_session(&with, HF_SERVER, true));
  cr_assert(craft12_make_session(&without, HF_SERVER, false));
  server_again(&with, 0, true, NULL, GOES_ON);
  server_again(&with, 0, false, NULL, IS_REFUSED);
  server_again(&without, 0, true, NULL, IS_NEW);
  server_again(&without, 0, false, NULL, GOES_ON);
  server_again(&without, HF_REQUIRE_EMS, true, NULL, IS_NEW);
  server_again(&without, HF_REQUIRE_EMS, false, NULL, IS_REFUSED);
  craft12_session_free(&with);
  craft12_session_free(&without);
}

static void another_name(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, EXT_SERVER_NAME,
                "\0\x0e\0\0\x0b"
                "example.org",
                16);
}

/* R-6066-3-21: a session is not resumed under another name. */
Test(rules12_session, server_other_name) {
  struct craft12_session made;
  cr_assert(craft12_make_session(&made, HF_SERVER, true));
  server_again(&made, 0, true, another_name, IS_NEW);
  craft12_session_free(&made);
}

/* R-7627-1-1: a client whose server is between it and another server.  The pre-main secret and both
 * randoms are the same with two certificates: of the main secrets that is true without the
 * extension alone. */
Test(rules12_session, triple_handshake) {
  static const struct {
    const char *name;
    uint16_t sigalg;
  } servers[] = {{"ecdsa-p256", 0x0403}, {"ecdsa-p384", 0x0503}};
  for (int ems = 0; ems < 2; ems++) {
    uint8_t secret[2][CRAFT12_SECRET];
    for (int i = 0; i < 2; i++) {
      struct side_setup setup;
      struct craft12 c;
      craft12_setup(&setup, HF_CLIENT, 0);
      craft12_new(&c, &setup, servers[i].name);
      c.play.sigalg = servers[i].sigalg;
      c.no_ems = !ems;
      cr_assert(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side));
      memcpy(secret[i], c.secret, CRAFT12_SECRET);
      craft12_free(&c);
    }
    cr_expect_eq(memcmp(secret[0], secret[1], CRAFT12_SECRET) == 0, !ems);
  }
}

/* ---- Early data ---- */

/* R-E.3-1: early data was offered, and TLS 1.2 is the answer. */
Test(rules12_session, early_data) {
  struct side_setup client, server;
  struct pair first;
  struct craft12 c;
  hf_fault fault;
  struct credential *credential = credential_load("ecdsa-p256");
  pair_setup(&client, &server, credential, 12);
  client.settings.version_min = 0x0303;
  client.settings.flags = HF_ALLOW_EARLY_DATA;
  server.settings.flags = HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
  server.settings.max_early_data = 1000;
  cr_assert_eq(pair_new(&first, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&first));
  client.start.session = (hf_bytes){first.client.kept.data, first.client.kept.len};
  side_entropy(&client.start.entropy, 77);
  craft12_new(&c, &client, "ecdsa-p256");
  cr_assert(craft12_until(&c, S12_HEARD_HELLO));
  cr_assert_not_null(craft_ext(&c.play.client, EXT_EARLY_DATA));
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  hf_get_fault(&fault, c.play.side.conn); /* the alert is under the early keys */
  cr_expect_eq(fault.status, HF_EARLY_DATA_VERSION);
  cr_expect_eq(fault.alert, AL_PROTOCOL_VERSION);
  craft12_free(&c);
  pair_free(&first);
  credential_free(credential);
}

/* ---- What TLS 1.2 does not have, and when data may go ---- */

static bool try_psk(void *arg, struct side_answer *answer, const hf_question_t *q) {
  static const uint8_t identity[] = "id", key[32] = {1};
  hf_conn **conn = arg;
  (void)answer;
  if (q->ask != HF_ASK_SESSION) return true;
  const hf_psk psk = {.identity = {identity, 2}, .secret = {key, 32}, .suite = 0x1301};
  cr_expect_eq(hf_answer_psk(*conn, 0, &psk, 0), HF_MISUSE);
  return true;
}

/* R-H-60: a PSK is no answer to a session of TLS 1.2. */
Test(rules12_session, no_psk) {
  struct craft12_session made;
  struct side_setup setup;
  struct craft12 c;
  hf_conn *conn = NULL;
  cr_assert(craft12_make_session(&made, HF_SERVER, true));
  craft12_setup(&setup, HF_SERVER, HF_ISSUE_TICKETS);
  setup.answer = try_psk;
  setup.arg = &conn;
  craft12_new(&c, &setup, NULL);
  conn = c.play.side.conn;
  c.resume = true;
  buf_add(&c.offer, made.offer.data, made.offer.len);
  memcpy(c.secret, made.secret, sizeof c.secret);
  cr_expect(craft12_until(&c, C12_DONE) && side_is_ready(&c.play.side));
  cr_expect_eq(c.play.side.asked[HF_ASK_SESSION], 1u);
  craft12_free(&c);
  craft12_session_free(&made);
}

static void choose_alpn(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, EXT_ALPN, "\0\3\2bb", 5);
}

static bool may_send(const struct craft12 *c) {
  return (hf_wants(c->play.side.conn) & HF_CAN_SEND) != 0;
}

/* R-7918-4-1: between the flights a client sends data if it was asked to, has a protocol agreed on,
 * and made a full handshake; nobody else does. */
Test(rules12_session, false_start) {
  for (int i = 0; i < 4; i++) {
    struct craft12 c;
    craft12_client(&c, i & 1 ? HF_FALSE_START : 0);
    c.play.edit = i & 2 ? choose_alpn : NULL;
    for (int step = S12_HEARD_HELLO; step < S12_SAID_FINISHED; step++) {
      cr_assert(craft12_until(&c, step));
      cr_expect_eq(may_send(&c), i == 3 && step >= S12_SAID_DONE, "%d, step %d", i, step);
      cr_expect_eq(side_send(&c.play.side, (const uint8_t *)"x", 1) == HF_OK,
                   i == 3 && step >= S12_SAID_DONE);
    }
    cr_assert(craft12_until(&c, S12_DONE) && may_send(&c));
    craft12_free(&c);
    craft12_server(&c, 0, NULL);
    for (int step = C12_BEGAN; step < C12_SAID_FINISHED; step++) {
      cr_assert(craft12_until(&c, step));
      cr_expect_not(may_send(&c), "a server, step %d", step);
    }
    craft12_free(&c);
  }
}

/* R-7918-4-3: nor without a protocol, unless it was told that it can do without one; which by
 * itself says nothing. */
Test(rules12_session, false_start_without_a_protocol) {
  static const uint32_t flags[] = {0, HF_FALSE_START};
  for (int i = 0; i < 2; i++) {
    struct craft12 c;
    hf_bytes secret;
    craft12_client(&c, flags[i] | HF_FALSE_START_WITHOUT_ALPN);
    for (int step = S12_HEARD_HELLO; step < S12_SAID_FINISHED; step++) {
      cr_assert(craft12_until(&c, step));
      cr_expect_eq(may_send(&c), i == 1 && step >= S12_SAID_DONE, "%d, step %d", i, step);
    }
    cr_assert(craft12_until(&c, S12_DONE));
    cr_expect_eq(hf_traffic_secret(&secret, c.play.side.conn, true), HF_MISUSE, "R-H-26");
    craft12_free(&c);
  }
}

/* R-7918-4-2: a resumed handshake has nothing to start falsely; nor has a server that waits for the
 * client's Finished. */
Test(rules12_session, no_false_start_when_resumed) {
  struct craft12_session made;
  struct side_setup setup;
  struct craft12 c;
  cr_assert(craft12_make_session(&made, HF_CLIENT, true));
  craft12_setup(&setup, HF_CLIENT, HF_FALSE_START);
  setup.start.session = (hf_bytes){made.state.data, made.state.len};
  craft12_new(&c, &setup, "ecdsa-p256");
  c.resume = true;
  c.play.edit = choose_alpn;
  memcpy(c.secret, made.secret, sizeof c.secret);
  for (int step = S12_HEARD_HELLO; step < S12_SAID_FINISHED; step++) {
    cr_assert(craft12_until(&c, step));
    cr_expect_not(may_send(&c), "step %d", step);
  }
  cr_expect(craft12_until(&c, S12_DONE) && may_send(&c));
  craft12_free(&c);
  craft12_session_free(&made);
}

/* R-5246-6.1-1: keys that have protected as many records as they may (RFC 9846 5.5) protect no
 * more, for there are no others. */
Test(rules12_session, worn_out_keys) {
  struct craft12 c;
  const uint64_t most = hf_suite_find(0xc02b)->max_records;
  craft12_client(&c, 0);
  cr_assert(craft12_until(&c, S12_DONE));
  c.play.side.conn->write.seq = c.play.craft.read.seq = most - 1;
  cr_expect_eq(side_send(&c.play.side, (const uint8_t *)"x", 1), HF_OK);
  cr_expect_null(rules_verdict(&c.play, AL_NONE));
  cr_expect_eq(c.play.craft.data.len, 1u);
  cr_expect_eq(side_send(&c.play.side, (const uint8_t *)"x", 1), HF_KEY_EXHAUSTED);
  craft_raw(&c.play.craft, NULL, 0); /* output is taken */
  cr_expect_eq(craft_hear_alert(&c.play.craft), 80);
  cr_expect_eq(c.play.craft.data.len, 1u);
  craft12_free(&c);
}
