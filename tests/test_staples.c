/* test_staples.c - OCSP responses and signed certificate timestamps beside certificates, both ways:
 * pairs of engines, and crafted peers that say them wrongly (RFC 6066 8, RFC 6962 3.3, RFC 9846
 * 4.5.1.1).  The engine looks at the envelopes alone, so what is in them is here any string. */
#define _GNU_SOURCE /* memmem */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

#define BODY(text) text, sizeof(text) - 1
#define OCSP_TEXT "an OCSP response"
#define SCTS_TEXT "\0\x0b\0\3one\0\4four"

static const hf_bytes ocsp = {(const uint8_t *)OCSP_TEXT, sizeof OCSP_TEXT - 1};
static const hf_bytes scts = {(const uint8_t *)SCTS_TEXT, sizeof SCTS_TEXT - 1};
static const hf_bytes none = {NULL, 0};
static const uint16_t p256_sha256[] = {0x0403};

static hf_status make_identity(hf_identity **out, const char *name, hf_bytes with_ocsp,
                               hf_bytes with_scts) {
  hf_bytes chain[8];
  size_t num = credential_chain(chain, 8, name);
  hf_status status =
      hf_identity_new(out, 1, chain, num, with_ocsp, with_scts, (hf_codes){p256_sha256, 1});
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  return status;
}

static struct credential *load_stapled(const char *name) {
  struct credential *credential = credential_load(name);
  hf_identity_free(credential->identity);
  cr_assert_eq(make_identity(&credential->identity, name, ocsp, scts), HF_OK);
  return credential;
}

/* What the question of the verdict showed. */
struct shown {
  size_t asked;
  bool has_ocsp, has_scts, right;
};

static bool look(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct shown *shown = arg;
  (void)answer;
  if (question->ask != HF_ASK_VERDICT) return false;
  shown->asked++;
  shown->has_ocsp = question->verdict.ocsp.data != NULL;
  shown->has_scts = question->verdict.scts.data != NULL;
  shown->right = (!shown->has_ocsp || bytes_equal(question->verdict.ocsp, ocsp)) &&
                 (!shown->has_scts || bytes_equal(question->verdict.scts, scts));
  return false;
}

static const uint32_t requests[] = {0, HF_REQUEST_OCSP, HF_REQUEST_SCTS,
                                    HF_REQUEST_OCSP | HF_REQUEST_SCTS};

static void expect_shown(const struct shown *shown, uint32_t request) {
  cr_expect_eq(shown->asked, 1u);
  cr_expect_eq(shown->has_ocsp, (request & HF_REQUEST_OCSP) != 0, "%x", request);
  cr_expect_eq(shown->has_scts, (request & HF_REQUEST_SCTS) != 0, "%x", request);
  cr_expect(shown->right);
}

static void expect_replay(const struct side *side) {
  for (size_t piece = 0; piece < 3; piece++) {
    const char *differs = side_replay(side, piece);
    cr_expect_null(differs, "%s", differs);
  }
}

/* R-4.5.1.1-1 R-4.5.1.1-3: a server's, for who asks; and a client's, asked for in
 * CertificateRequest. */
Test(staples, both_ways) {
  struct credential *credential = load_stapled("ecdsa-p256");
  struct credential *own = load_stapled("client-ecdsa-p256");
  for (size_t i = 0; i < 16; i++) {
    struct shown at_client = {0}, at_server = {0};
    struct side_setup client, server;
    struct pair pair;
    pair_setup(&client, &server, credential, 31);
    client.settings.flags |= requests[i % 4];
    client.credential = own;
    client.answer = look;
    client.arg = &at_client;
    server.settings.flags |= HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT | requests[i / 4];
    server.answer = look;
    server.arg = &at_server;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_expect(pair_run(&pair), "%s, %s", hf_status_text(side_fault(&pair.client)),
              hf_status_text(side_fault(&pair.server)));
    expect_shown(&at_client, requests[i % 4]);
    expect_shown(&at_server, requests[i / 4]);
    expect_replay(&pair.client);
    pair_free(&pair);
  }
  credential_free(own);
  credential_free(credential);
}

/* R-4.5.1.1-1: nothing is stapled where there is nothing, though it is asked for. */
Test(staples, nothing_to_staple) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct shown shown = {0};
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 32);
  client.settings.flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
  client.answer = look;
  client.arg = &shown;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_expect(pair_run(&pair));
  expect_shown(&shown, 0);
  pair_free(&pair);
  credential_free(credential);
}

/* What can be stapled at all: together with their heads they fit one block of extensions. */
Test(staples, identities) {
  static uint8_t big[65536];
  static const struct {
    const char *list;
    size_t len;
  } bad[] = {{BODY("\0\0")}, {BODY("\0\2\0\0")},  {BODY("\0\3\0\1")},
             {BODY("")},     {BODY("\0\4\0\1x")}, {BODY("\0\3\0\1x\0")}};
  hf_identity *identity;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const hf_bytes list = {(const uint8_t *)bad[i].list, bad[i].len};
    cr_expect_eq(make_identity(&identity, "ecdsa-p256", none, list), HF_MISUSE, "%zu", i);
  }
  cr_expect_eq(make_identity(&identity, "ecdsa-p256", bytes_of(""), none), HF_MISUSE);
  const size_t most = 65535 - 8 - 4 - scts.len;
  cr_expect_eq(make_identity(&identity, "ecdsa-p256", (hf_bytes){big, most + 1}, scts), HF_MISUSE);
  cr_expect_eq(make_identity(&identity, "ecdsa-p256", (hf_bytes){big, 65536}, none), HF_MISUSE);
  struct credential *credential = credential_load("ecdsa-p256");
  hf_identity_free(credential->identity);
  cr_assert_eq(make_identity(&credential->identity, "ecdsa-p256", (hf_bytes){big, most}, scts),
               HF_OK);
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 33);
  client.settings.flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_expect(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.client)));
  pair_free(&pair);
  credential_free(credential);
}

/* ---- A crafted server ---- */

static void begin_client(struct craft_play *play, struct shown *shown, uint32_t flags, int step) {
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, flags);
  setup.answer = look;
  setup.arg = shown;
  cr_assert(play_new(play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(play, step));
}

/* R-6066-8-1 R-6962-3.3-1: the hello asks in the form of the RFCs, or not at all. */
Test(staples, hello) {
  for (size_t i = 0; i < 4; i++) {
    struct craft_play play;
    struct shown shown = {0};
    begin_client(&play, &shown, requests[i], SERVER_HEARD_HELLO);
    struct craft_ext *status = craft_ext(&play.client, EXT_STATUS_REQUEST);
    struct craft_ext *timestamps = craft_ext(&play.client, EXT_SCT);
    cr_expect_eq(status != NULL, (requests[i] & HF_REQUEST_OCSP) != 0);
    cr_expect_eq(timestamps != NULL, (requests[i] & HF_REQUEST_SCTS) != 0);
    if (status != NULL) {
      cr_expect_eq(status->body.len, 5u);
      cr_expect_arr_eq(status->body.data, "\1\0\0\0\0", 5);
    }
    if (timestamps != NULL) cr_expect_eq(timestamps->body.len, 0u);
    rules_free(&play);
  }
}

/* Says the right chain, with |exts| (without their length) in entry |at|. */
static void say_chain(struct craft_play *play, size_t at, const void *exts, size_t len) {
  hf_bytes chain[8];
  size_t num = credential_chain(chain, 8, play->name);
  struct buf body = {0}, list = {0};
  for (size_t i = 0; i < num; i++) {
    put_vector(&list, 3, chain[i].data, chain[i].len);
    put_vector(&list, 2, exts, i == at ? len : 0);
    free((void *)chain[i].data);
  }
  put8(&body, 0);
  put_vector(&body, 3, list.data, list.len);
  rules_say(play, MSG_CERTIFICATE, &body);
  buf_free(&list);
}

struct rule {
  const char *id;
  uint32_t flags;
  const char *exts;
  size_t len;
  int alert;
};

#define BOTH (HF_REQUEST_OCSP | HF_REQUEST_SCTS)

static const struct rule rules[] = {
    {"R-4.5.1.1-4 a response nobody asked for", 0, BODY("\0\5\0\5\1\0\0\1x"),
     AL_UNSUPPORTED_EXTENSION},
    {"R-4.5.1.1-4 timestamps nobody asked for", 0, BODY("\0\x12\0\5\0\3\0\1x"),
     AL_UNSUPPORTED_EXTENSION},
    {"R-4.5.1.1-4 a response for who asked for timestamps", HF_REQUEST_SCTS,
     BODY("\0\5\0\5\1\0\0\1x"), AL_UNSUPPORTED_EXTENSION},
    {"R-4.5.1.1-4 timestamps for who asked for a response", HF_REQUEST_OCSP,
     BODY("\0\x12\0\5\0\3\0\1x"), AL_UNSUPPORTED_EXTENSION},
    {"R-4.5.1.1-4 a status of another type", BOTH, BODY("\0\5\0\5\2\0\0\1x"), AL_DECODE_ERROR},
    {"R-4.5.1.1-4 an empty response", BOTH, BODY("\0\5\0\4\1\0\0\0"), AL_DECODE_ERROR},
    {"R-4.5.1.1-4 an empty status", BOTH, BODY("\0\5\0\0"), AL_DECODE_ERROR},
    {"R-4.5.1.1-4 a response that is cut off", BOTH, BODY("\0\5\0\5\1\0\0\2x"), AL_DECODE_ERROR},
    {"R-4.3-1 a byte behind the response", BOTH, BODY("\0\5\0\6\1\0\0\1xy"), AL_DECODE_ERROR},
    {"R-6962-3.3-2 no list of timestamps", BOTH, BODY("\0\x12\0\0"), AL_DECODE_ERROR},
    {"R-6962-3.3-2 an empty list", BOTH, BODY("\0\x12\0\2\0\0"), AL_DECODE_ERROR},
    {"R-6962-3.3-2 an empty timestamp", BOTH, BODY("\0\x12\0\4\0\2\0\0"), AL_DECODE_ERROR},
    {"R-6962-3.3-2 a timestamp that is cut off", BOTH, BODY("\0\x12\0\5\0\3\0\2x"),
     AL_DECODE_ERROR},
    {"R-4.3-1 a byte behind the timestamps", BOTH, BODY("\0\x12\0\6\0\3\0\1xy"), AL_DECODE_ERROR},
    {"R-4.3-4 two responses", BOTH, BODY("\0\5\0\5\1\0\0\1x\0\5\0\5\1\0\0\1x"),
     AL_ILLEGAL_PARAMETER},
};

/* R-4.5.1.1-3 R-4.5.1.1-4: in the first entry and in the second. */
Test(staples, of_a_crafted_server) {
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    for (size_t at = 0; at < 2; at++) {
      struct craft_play play;
      struct shown shown = {0};
      begin_client(&play, &shown, rules[i].flags, SERVER_SAID_EXTENSIONS);
      say_chain(&play, at, rules[i].exts, rules[i].len);
      const char *wrong = rules_verdict(&play, rules[i].alert);
      cr_expect_null(wrong, "%s: %s", rules[i].id, wrong);
      rules_free(&play);
    }
  }
}

/* R-4.5.1.1-3: of a good one, what is in the second entry is not the end entity's. */
Test(staples, of_another_certificate) {
  static const char exts[] = "\0\5\0\x14\1\0\0\x10" OCSP_TEXT "\0\x12\0\x0d" SCTS_TEXT;
  for (size_t at = 0; at < 2; at++) {
    struct craft_play play;
    struct shown shown = {0};
    begin_client(&play, &shown, BOTH, SERVER_SAID_EXTENSIONS);
    say_chain(&play, at, exts, sizeof exts - 1);
    play.step = SERVER_SAID_CERTIFICATE;
    cr_assert(play_until(&play, SERVER_DONE));
    cr_expect_null(rules_verdict(&play, AL_NONE));
    expect_shown(&shown, at == 0 ? BOTH : 0);
    rules_free(&play);
  }
}

/* R-4.5.1.1-4: EncryptedExtensions is not the place. */
Test(staples, in_encrypted_extensions) {
  static const char *const bodies[] = {"\0\4\0\5\0\0", "\0\4\0\x12\0\0"};
  for (size_t i = 0; i < 2; i++) {
    struct craft_play play;
    struct shown shown = {0};
    begin_client(&play, &shown, BOTH, SERVER_SAID_HELLO);
    struct buf body = rules_bytes(bodies[i], 6);
    rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
    cr_expect_null(rules_verdict(&play, AL_ILLEGAL_PARAMETER));
    rules_free(&play);
  }
}

/* R-4.5.1.1-2 R-6962-3.3-1: a CertificateRequest that asks with a body. */
Test(staples, requests_with_a_body) {
  static const char *const bodies[] = {"\0\0\x0d\0\x0d\0\4\0\2\4\3\0\5\0\1x",
                                       "\0\0\x0d\0\x0d\0\4\0\2\4\3\0\x12\0\1x"};
  for (size_t i = 0; i < 2; i++) {
    struct craft_play play;
    struct shown shown = {0};
    begin_client(&play, &shown, 0, SERVER_SAID_EXTENSIONS);
    struct buf body = rules_bytes(bodies[i], 16);
    rules_say(&play, MSG_CERTIFICATE_REQUEST, &body);
    cr_expect_null(rules_verdict(&play, AL_DECODE_ERROR));
    rules_free(&play);
  }
}

/* ---- A crafted client ---- */

static const char *edit_body;
static size_t edit_len;
static uint16_t edit_type;

static void edit_hello(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, edit_type, edit_body, edit_len);
}

/* R-6066-8-2 R-6962-3.3-1: what a hello may ask, and what of it is answered. */
Test(staples, asked_by_a_crafted_client) {
  static const struct {
    const char *id;
    uint16_t type;
    const char *body;
    size_t len;
    int alert;
    bool answered;
  } hellos[] = {
      {"R-6066-8-2 as it is mostly", EXT_STATUS_REQUEST, BODY("\1\0\0\0\0"), AL_NONE, true},
      {"R-6066-8-2 with responders and extensions", EXT_STATUS_REQUEST, BODY("\1\0\3\0\1x\0\1y"),
       AL_NONE, true},
      {"R-6066-8-2 another type", EXT_STATUS_REQUEST, BODY("\2whatever"), AL_NONE, false},
      {"R-6066-8-2 empty", EXT_STATUS_REQUEST, BODY(""), AL_DECODE_ERROR, false},
      {"R-6066-8-2 cut off", EXT_STATUS_REQUEST, BODY("\1\0\0\0"), AL_DECODE_ERROR, false},
      {"R-6066-8-2 an empty responder", EXT_STATUS_REQUEST, BODY("\1\0\2\0\0\0\0"), AL_DECODE_ERROR,
       false},
      {"R-6066-8-2 a responder cut off", EXT_STATUS_REQUEST, BODY("\1\0\3\0\2x\0\0"),
       AL_DECODE_ERROR, false},
      {"R-4.3-1 too long", EXT_STATUS_REQUEST, BODY("\1\0\0\0\0\0"), AL_DECODE_ERROR, false},
      {"R-6962-3.3-1 timestamps", EXT_SCT, BODY(""), AL_NONE, true},
      {"R-6962-3.3-1 timestamps with a body", EXT_SCT, BODY("x"), AL_DECODE_ERROR, false},
  };
  struct credential *stapled = load_stapled("ecdsa-p256");
  for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
    struct craft_play play;
    struct side_setup setup;
    rules_setup(&setup, HF_SERVER, 0);
    credential_free((struct credential *)setup.credential);
    setup.credential = stapled;
    edit_type = hellos[i].type;
    edit_body = hellos[i].body;
    edit_len = hellos[i].len;
    cr_assert(play_new(&play, &setup, NULL, 0));
    play.edit = edit_hello;
    (void)play_until(&play, hellos[i].alert == AL_NONE ? CLIENT_DONE : CLIENT_SAID_HELLO);
    const char *wrong = rules_verdict(&play, hellos[i].alert);
    cr_expect_null(wrong, "%s: %s", hellos[i].id, wrong);
    /* The messages that were heard are in the transcript. */
    struct buf *heard = &play.craft.transcript;
    const hf_bytes what = hellos[i].type == EXT_SCT ? scts : ocsp;
    cr_expect_eq(memmem(heard->data, heard->len, what.data, what.len) != NULL, hellos[i].answered,
                 "%s", hellos[i].id);
    play_free(&play);
  }
  credential_free(stapled);
}

/* R-4.5.1.1-2 R-4.5.1.1-4: only CertificateRequest asks a client: what his own hello asked for he
 * may not show. */
Test(staples, of_a_crafted_client) {
  static const struct rule clients[] = {
      {"a response nobody asked for", 0, BODY("\0\5\0\5\1\0\0\1x"), AL_UNSUPPORTED_EXTENSION},
      {"timestamps nobody asked for", HF_REQUEST_OCSP, BODY("\0\x12\0\5\0\3\0\1x"),
       AL_UNSUPPORTED_EXTENSION},
      {"a response", HF_REQUEST_OCSP, BODY("\0\5\0\5\1\0\0\1x"), AL_NONE},
      {"timestamps", HF_REQUEST_SCTS, BODY("\0\x12\0\5\0\3\0\1x"), AL_NONE},
      {"another type", HF_REQUEST_OCSP, BODY("\0\5\0\5\2\0\0\1x"), AL_DECODE_ERROR},
  };
  edit_type = EXT_STATUS_REQUEST;
  edit_body = "\1\0\0\0\0";
  edit_len = 5;
  for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
    struct craft_play play;
    rules_server(&play, HF_REQUEST_CLIENT_CERT | clients[i].flags, "client-ecdsa-p256", 0x0403);
    play.edit = edit_hello;
    cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
    struct buf *heard = &play.craft.transcript;
    const bool asks = memmem(heard->data, heard->len, "\0\5\0\0", 4) != NULL;
    cr_expect_eq(asks, (clients[i].flags & HF_REQUEST_OCSP) != 0, "%s", clients[i].id);
    say_chain(&play, 0, clients[i].exts, clients[i].len);
    const char *wrong = rules_verdict(&play, clients[i].alert);
    cr_expect_null(wrong, "%s: %s", clients[i].id, wrong);
    rules_free(&play);
  }
}
