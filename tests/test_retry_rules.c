/* test_retry_rules.c - the server's side of a HelloRetryRequest: what it sends, what a second hello
 * may change, cookies, and a server that keeps no state. */
#include <criterion/criterion.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

#define SET(type, ...)                                       \
  do {                                                       \
    const uint8_t set_bytes[] = {__VA_ARGS__};               \
    craft_set_ext(hello, type, set_bytes, sizeof set_bytes); \
  } while (0)
#define EDIT(name) static void name(struct craft_hello *hello, struct craft *craft)
#define UNUSED (void)hello, (void)craft

static const uint16_t p256[] = {0x0017};

struct rule {
  const char *id, *name;
  craft_edit *edit;
  int alert;
};

EDIT(nothing) { UNUSED; }
EDIT(other_random) { UNUSED, hello->random[5] ^= 1; }
EDIT(other_session_id) { UNUSED, hello->session_id.data[0] ^= 1; }
EDIT(no_session_id) { UNUSED, hello->session_id.len = 0; }
EDIT(more_suites) { UNUSED, put16(&hello->suites, 0x1302); }
EDIT(other_groups) {
  UNUSED;
  SET(EXT_SUPPORTED_GROUPS, 0, 2, 0, 0x1d);
}
EDIT(other_sigalgs) {
  UNUSED;
  SET(EXT_SIGNATURE_ALGORITHMS, 0, 2, 4, 3);
}
EDIT(other_versions) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 4, 3, 4, 3, 3);
}
EDIT(new_extension) {
  UNUSED;
  craft_add_ext(hello, EXT_UNKNOWN, "", 0);
}
EDIT(lost_extension) { (void)craft, craft_drop_ext(hello, EXT_ALPN); }
EDIT(padding) {
  UNUSED;
  craft_add_ext(hello, EXT_PADDING, "\0\0\0\0", 4);
}
EDIT(early_data) {
  UNUSED;
  craft_add_ext(hello, EXT_EARLY_DATA, "", 0);
}
EDIT(no_cookie) { (void)craft, craft_drop_ext(hello, EXT_COOKIE); }
EDIT(changed_cookie) { UNUSED, craft_ext(hello, EXT_COOKIE)->body.data[9] ^= 1; }
EDIT(with_alpn) {
  UNUSED;
  SET(EXT_ALPN, 0, 3, 2, 'b', 'b');
}

static const struct rule second_hellos[] = {
    {"R-4.2.2-2", "as it must be", nothing, AL_NONE},
    {"R-4.2.2-2", "with padding", padding, AL_NONE},
    {"R-4.2.2-3", "another random", other_random, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "another session id", other_session_id, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "no session id", no_session_id, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "more suites", more_suites, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "other groups", other_groups, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "other signature algorithms", other_sigalgs, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "other versions", other_versions, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "a new extension", new_extension, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "an extension less", lost_extension, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "early_data", early_data, AL_ILLEGAL_PARAMETER},
    {"R-4.3.2-6", "a changed cookie", changed_cookie, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-3", "no cookie", no_cookie, AL_ILLEGAL_PARAMETER},
};

/* R-2.1-1 R-4.1-2: and what is as it must be goes on to the end. */
Test(retry_rules, second_hellos) {
  for (size_t i = 0; i < sizeof second_hellos / sizeof *second_hellos; i++) {
    const struct rule *rule = &second_hellos[i];
    struct craft_play play;
    rules_server(&play, HF_DEMAND_COOKIE, NULL, 0);
    play.edit = with_alpn;
    play.edit_again = rule->edit;
    play.retry = true;
    bool done = play_until(&play, rule->alert == AL_NONE ? CLIENT_DONE : CLIENT_SAID_HELLO);
    cr_expect(done, "%s %s", rule->id, rule->name);
    const char *wrong = rules_verdict(&play, rule->alert);
    cr_expect_null(wrong, "%s %s: %s", rule->id, rule->name, wrong);
    rules_free(&play);
  }
}

static bool no_cookie_please(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_COOKIE) return false;
  *answer = (struct side_answer){.ask = question->ask};
  return true;
}

static void server_of_p256(struct craft_play *play) {
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, 0);
  setup.answer = no_cookie_please;
  setup.settings.groups = (hf_codes){p256, 1};
  cr_assert(play_new(play, &setup, NULL, 0));
  play->retry = true;
}

EDIT(same_share) { UNUSED; }
EDIT(no_share) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0, 0);
}
EDIT(two_shares) {
  static const uint8_t point[65] = {4};
  struct buf shares = {0}, list = {0};
  (void)craft;
  put16(&shares, 0x0017);
  put_vector(&shares, 2, point, sizeof point);
  craft_key_share(&shares, craft);
  put_vector(&list, 2, shares.data, shares.len);
  craft_set_ext(hello, EXT_KEY_SHARE, list.data, list.len);
  buf_free(&shares);
  buf_free(&list);
}

/* R-4.3.8-6: the second hello has the one share that was asked for, and no other. */
Test(retry_rules, share_that_was_not_asked_for) {
  static const struct rule rules[] = {
      {"R-4.3.8-6", "the share that was there before", same_share, AL_ILLEGAL_PARAMETER},
      {"R-4.3.8-6", "no share", no_share, AL_ILLEGAL_PARAMETER},
      {"R-4.3.8-6", "two shares", two_shares, AL_ILLEGAL_PARAMETER},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    server_of_p256(&play);
    play.edit_again = rules[i].edit;
    cr_assert(play_until(&play, CLIENT_SAID_HELLO));
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%s %s: %s", rules[i].id, rules[i].name, wrong);
    rules_free(&play);
  }
}

/* R-4.2.4-1 R-4.2.3-1 R-4.2.3-4 R-5.1-8 R-E.4-2: a HelloRetryRequest for a group. */
Test(retry_rules, the_retry_for_a_group) {
  struct craft_play play;
  server_of_p256(&play);
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  cr_expect_eq(play.server.version, 0x0303);
  cr_expect_eq(play.server.session_id.len, 32u);
  cr_expect_eq(play.server.num_ext, 2u);
  const struct craft_ext *share = craft_ext(&play.server, EXT_KEY_SHARE);
  cr_assert_not_null(share);
  cr_expect_eq(share->body.len, 2u);
  cr_expect_arr_eq(share->body.data, "\0\x17", 2);
  cr_expect_not_null(craft_ext(&play.server, EXT_SUPPORTED_VERSIONS));
  cr_expect_null(craft_ext(&play.server, EXT_COOKIE));
  cr_expect_eq(play.craft.last_version, 0x0303);
  (void)craft_hear_alert(&play.craft);
  cr_expect_eq(play.craft.num_ccs, 1u);
  rules_free(&play);
}

/* R-4.2.4-1 R-4.2.4-6: one for a cookie alone; the suite stays. */
Test(retry_rules, the_retry_for_a_cookie) {
  struct craft_play play;
  rules_server(&play, HF_DEMAND_COOKIE, NULL, 0);
  play.retry = true;
  play.edit = more_suites;
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  cr_expect_eq(play.server.num_ext, 2u);
  cr_expect_not_null(craft_ext(&play.server, EXT_SUPPORTED_VERSIONS));
  cr_expect_not_null(craft_ext(&play.server, EXT_COOKIE));
  uint8_t suite[2] = {play.server.suites.data[0], play.server.suites.data[1]};
  cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
  cr_expect_arr_eq(play.server.suites.data, suite, 2);
  cr_expect_eq(play.craft.num_ccs, 1u);
  rules_free(&play);
}

EDIT(share_now) {
  struct buf share = {0}, list = {0};
  craft_key_share(&share, craft);
  put_vector(&list, 2, share.data, share.len);
  craft_set_ext(hello, EXT_KEY_SHARE, list.data, list.len);
  buf_free(&share);
  buf_free(&list);
}

/* R-4.3.8-2: no share at all asks for a retry. */
Test(retry_rules, an_empty_list_of_shares) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  play.retry = true;
  play.edit = no_share;
  play.edit_again = share_now;
  cr_expect(play_until(&play, CLIENT_DONE));
  cr_expect_null(rules_verdict(&play, AL_NONE));
  rules_free(&play);
}

/* Moves all that |from| has to say. */
static hf_status pass(struct side *from, struct side *to) {
  struct buf bytes = {0};
  buf_add(&bytes, from->out.data, from->out.len);
  from->out.len = 0;
  hf_status status = side_feed(to, bytes.data, bytes.len);
  buf_free(&bytes);
  return status;
}

/* R-4.3.2-3 R-4.3.2-4 R-4.1-2: the server that sent the cookie is gone; another, that keeps
 * nothing, goes on from it.  In the compatibility mode it meets a change_cipher_spec first. */
Test(retry_rules, server_without_state) {
  for (int compatible = 0; compatible < 2; compatible++) {
    struct side_setup client_setup, server_setup;
    struct credential *credential = credential_load("ecdsa-p256");
    struct side client, first, second;
    pair_setup(&client_setup, &server_setup, credential, 9);
    client_setup.start.no_compatibility = !compatible;
    server_setup.settings.flags |= HF_DEMAND_COOKIE;
    cr_assert_eq(side_new(&client, &client_setup), HF_OK);
    cr_assert_eq(side_new(&first, &server_setup), HF_OK);
    cr_assert_eq(pass(&client, &first), HF_OK);
    cr_assert_eq(pass(&first, &client), HF_OK);
    side_free(&first);
    side_entropy(&server_setup.start.entropy, 4711);
    cr_assert_eq(side_new(&second, &server_setup), HF_OK);
    cr_expect_eq(client.out.data[0], compatible ? REC_CCS : REC_HANDSHAKE);
    cr_expect_eq(pass(&client, &second), HF_OK);
    cr_expect_eq(pass(&second, &client), HF_OK);
    cr_expect_eq(pass(&client, &second), HF_OK);
    cr_expect(side_is_ready(&client));
    cr_expect(side_is_ready(&second));
    hf_facts facts;
    hf_get_facts(&facts, second.conn);
    cr_expect(facts.retried);
    side_free(&client);
    side_free(&second);
    credential_free(credential);
  }
}

static bool note_must(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)answer;
  if (question->ask == HF_ASK_COOKIE && question->cookie.make) *(bool *)arg = question->cookie.must;
  return false;
}

/* A server that demands cookies may not do without because the retry is also for a group. */
Test(retry_rules, server_demands_a_cookie_with_a_group) {
  for (int demands = 0; demands < 2; demands++) {
    static const uint16_t groups[] = {0x0017};
    struct side_setup client, server;
    struct credential *credential = credential_load("ecdsa-p256");
    struct pair pair;
    bool must = !demands;
    pair_setup(&client, &server, credential, 10);
    server.settings.groups = (hf_codes){groups, 1};
    if (demands) server.settings.flags |= HF_DEMAND_COOKIE;
    server.answer = note_must;
    server.arg = &must;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_expect(pair_run(&pair));
    cr_expect_eq(must, demands != 0);
    pair_free(&pair);
    credential_free(credential);
  }
}

/* ---- A server without state that is lied to ---- */

EDIT(other_suite) { UNUSED, hello->suites.data[1] = 2; }
EDIT(lost_share) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0, 0);
}
EDIT(early) {
  UNUSED;
  craft_add_ext(hello, EXT_EARLY_DATA, "", 0);
}
EDIT(new_psk) {
  static const uint8_t body[] = {0, 7, 0, 1, 'x', 0, 0, 0, 0, 0, 33, 32};
  uint8_t whole[sizeof body + 32] = {0};
  memcpy(whole, body, sizeof body);
  UNUSED;
  SET(EXT_PSK_MODES, 1, 1);
  craft_add_ext(hello, EXT_PRE_SHARED_KEY, whole, sizeof whole);
}

/* R-4.3.2-3 R-4.2.2-3 R-4.2.4-6: what the cookie says must fit the hello that brings it back. */
Test(retry_rules, hellos_that_do_not_fit_the_cookie) {
  static const struct rule rules[] = {
      {"R-4.2.4-6", "the suite is gone", other_suite, AL_ILLEGAL_PARAMETER},
      {"R-4.2.2-3", "the share is gone", lost_share, AL_ILLEGAL_PARAMETER},
      {"R-4.2.2-3", "early_data", early, AL_ILLEGAL_PARAMETER},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    struct side_setup setup;
    rules_server(&play, HF_DEMAND_COOKIE, NULL, 0);
    setup = play.side.setup;
    play.retry = true;
    cr_assert(play_until(&play, CLIENT_SAID_HELLO));
    side_free(&play.side);
    cr_assert_eq(side_new(&play.side, &setup), HF_OK);
    struct buf body = {0};
    rules[i].edit(&play.client, &play.craft);
    craft_write_hello(&body, &play.client, false);
    rules_say(&play, MSG_CLIENT_HELLO, &body);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%s: %s", rules[i].name, wrong);
    rules_free(&play);
  }
}

/* R-4.2.2-3: a PSK that the first hello did not have. */
Test(retry_rules, a_new_psk) {
  struct craft_play play;
  rules_server(&play, HF_DEMAND_COOKIE, NULL, 0);
  play.retry = true;
  play.edit_again = new_psk;
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  cr_expect_null(rules_verdict(&play, AL_ILLEGAL_PARAMETER));
  rules_free(&play);
}

/* Answers with a content that no cookie had. */
static bool lie(void *arg, struct side_answer *answer, const hf_question_t *question) {
  static const uint8_t bad[] = {0x13, 0x01, 0x77, 0x77, 1,  2,  3,  4,  5,  6,  7,  8,
                                9,    10,   11,   12,   13, 14, 15, 16, 17, 18, 19, 20,
                                21,   22,   23,   24,   25, 26, 27, 28, 29, 30, 31, 32};
  const size_t *len = arg;
  if (question->ask != HF_ASK_COOKIE || question->cookie.make) return false;
  *answer = (struct side_answer){.ask = question->ask, .bytes = {bad, *len}};
  return true;
}

/* R-4.3.2-6: a content that is cut off, or speaks of a group that nobody knows. */
Test(retry_rules, contents_of_no_cookie) {
  static const size_t lengths[] = {0, 1, 3, 4, 35, 36};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct craft_play play;
    struct side_setup setup;
    size_t len = lengths[i];
    rules_setup(&setup, HF_SERVER, HF_DEMAND_COOKIE);
    setup.answer = lie;
    setup.arg = &len;
    cr_assert(play_new(&play, &setup, NULL, 0));
    struct buf body = {0};
    craft_default_client_hello(&play.craft, &play.client);
    craft_set_ext(&play.client, EXT_COOKIE, "\0\1c", 3);
    craft_write_hello(&body, &play.client, false);
    rules_say(&play, MSG_CLIENT_HELLO, &body);
    const char *wrong = rules_verdict(&play, AL_ILLEGAL_PARAMETER);
    cr_expect_null(wrong, "%zu bytes: %s", len, wrong);
    rules_free(&play);
  }
}
