/* test_delegated.c - delegated credentials (RFC 9345), both ways: pairs of engines, and crafted
 * peers that show bad ones: each is right but for one thing. */
#include <criterion/criterion.h>
#include <openssl/bytestring.h>
#include <stdlib.h>
#include <string.h>

#include "delegate.h"
#include "pair.h"
#include "rules.h"

#define BODY(text) text, sizeof(text) - 1

/* The time of pair_setup, seconds; notBefore of tests/certs/delegating, 2020-01-01. */
enum { NOW = 1700000000, NOT_BEFORE = 1577836800, SINCE = NOW - NOT_BEFORE, WEEK = 7 * 86400 };

static const uint16_t all[] = {0x0403, 0x0503, 0x0807};
static const struct delegate good = {"delegating", NULL,  "ed25519",   0x0807,
                                     0x0403,       false, SINCE + 3600};
static const struct delegate good_client = {
    "client-delegating", NULL, "ed25519", 0x0807, 0x0403, true, SINCE + 3600};

/* ---- Pairs ---- */

static void expect_facts(const struct side *side, bool own, bool peer, uint16_t own_sigalg,
                         uint16_t peer_sigalg) {
  hf_facts facts;
  hf_get_facts(&facts, side->conn);
  cr_expect_eq(facts.own_delegated, own);
  cr_expect_eq(facts.peer_delegated, peer);
  cr_expect_eq(facts.own_sigalg, own_sigalg);
  cr_expect_eq(facts.sigalg, peer_sigalg);
}

/* R-9345-4.1-1 R-9345-4.1-2 R-9345-4.1.3-1: a server's, of each kind of key, for who takes it; the
 * certificate's own key for who does not. */
Test(delegated, of_a_server) {
  static const struct {
    const char *key;
    uint16_t sigalg;
  } keys[] = {{"ed25519", 0x0807}, {"ecdsa-p384", 0x0503}, {"mismatch", 0x0403}};
  static const uint16_t only_384[] = {0x0503}, without_256[] = {0x0503, 0x0807};
  for (size_t i = 0; i < 3; i++) {
    struct delegate d = good;
    d.key = keys[i].key;
    d.key_sigalg = keys[i].sigalg;
    struct credential *credential = delegate_load(&d);
    cr_assert_not_null(credential, "%s", d.key);
    const hf_codes takes[] = {{all, 3}, {only_384, 1}, {NULL, 0}};
    for (size_t t = 0; t < 3; t++) {
      struct side_setup client, server;
      struct pair pair;
      pair_setup(&client, &server, credential, 71);
      client.settings.delegated_sigalgs = takes[t];
      const bool used = t == 0 || (t == 1 && d.key_sigalg == 0x0503);
      cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
      cr_expect(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.client)));
      const uint16_t sigalg = used ? d.key_sigalg : 0x0403;
      expect_facts(&pair.client, false, used, 0, sigalg);
      expect_facts(&pair.server, used, false, sigalg, 0);
      cr_expect_null(side_replay(&pair.client, 1));
      pair_free(&pair);
    }
    credential_free(credential);
  }
  /* R-9345-4.1-3: a delegation that the client could not verify is not shown. */
  struct credential *credential = delegate_load(&good);
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 72);
  client.settings.delegated_sigalgs = (hf_codes){all, 3};
  client.settings.verify_sigalgs = (hf_codes){without_256, 2};
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_expect_not(pair_run(&pair));
  cr_expect_eq(side_fault(&pair.server), HF_NO_COMMON_SIGALG);
  pair_free(&pair);
  credential_free(credential);
}

/* R-9345-4.1-1 R-9345-4.1-2 R-9345-4.1.3-1: a client's. */
Test(delegated, of_a_client) {
  struct credential *own = delegate_load(&good_client);
  struct credential *credential = credential_load("ecdsa-p256");
  cr_assert_not_null(own);
  for (size_t i = 0; i < 2; i++) {
    struct side_setup client, server;
    struct pair pair;
    pair_setup(&client, &server, credential, 73);
    client.credential = own;
    server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
    server.settings.delegated_sigalgs = (hf_codes){all, i == 0 ? 0u : 3u};
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_expect(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.server)));
    expect_facts(&pair.server, false, i == 1, 0x0403, i == 1 ? 0x0807 : 0x0403);
    expect_facts(&pair.client, i == 1, false, i == 1 ? 0x0807 : 0x0403, 0x0403);
    cr_expect_null(side_replay(&pair.server, 1));
    pair_free(&pair);
  }
  credential_free(own);
  credential_free(credential);
}

/* What cannot be configured, and what cannot be a credential. */
Test(delegated, settings) {
  static const uint16_t rsa[] = {0x0804}, unknown[] = {0x7777}, twice[] = {0x0403, 0x0403};
  const hf_codes bad[] = {{rsa, 1}, {unknown, 1}, {twice, 2}};
  for (size_t i = 0; i < 3; i++) {
    hf_settings settings = {.role = HF_CLIENT, .delegated_sigalgs = bad[i]};
    hf_config *config;
    cr_expect_eq(hf_config_new(&config, &settings), HF_MISUSE);
  }
  struct credential *raw = credential_load_raw("ecdsa-p256");
  struct credential *x509 = credential_load("delegating");
  struct buf dc = {0}, big = {0};
  cr_assert(delegate_make(&dc, &good));
  cr_expect_eq(hf_identity_set_delegated(raw->identity, (hf_bytes){dc.data, dc.len}), HF_MISUSE);
  for (size_t len = 0; len < dc.len; len++)
    cr_assert_eq(hf_identity_set_delegated(x509->identity, (hf_bytes){dc.data, len}), HF_MISUSE);
  put8(&dc, 0);
  cr_expect_eq(hf_identity_set_delegated(x509->identity, (hf_bytes){dc.data, dc.len}), HF_MISUSE);
  dc.len--;
  cr_expect_eq(hf_identity_set_delegated(x509->identity, (hf_bytes){dc.data, dc.len}), HF_OK);
  cr_expect_eq(hf_identity_set_delegated(x509->identity, (hf_bytes){dc.data, dc.len}), HF_OK);
  dc.data[4] = 0x08; /* dc_cert_verify_algorithm */
  dc.data[5] = 0x04;
  cr_expect_eq(hf_identity_set_delegated(x509->identity, (hf_bytes){dc.data, dc.len}), HF_MISUSE);
  /* valid_time, algorithm, a key as long as it can be here, algorithm, no signature */
  for (unsigned over = 0; over < 2; over++) {
    big.len = 0;
    put24(&big, 0);
    put8(&big, 0);
    put16(&big, 0x0807);
    const size_t key = 65519 - 13 + over;
    put24(&big, (unsigned)key);
    for (size_t i = 0; i < key; i++) put8(&big, 'k');
    put16(&big, 0x0403);
    put16(&big, 0);
    cr_expect_eq(hf_identity_set_delegated(x509->identity, (hf_bytes){big.data, big.len}),
                 over ? HF_MISUSE : HF_OK);
  }
  buf_free(&big);
  buf_free(&dc);
  credential_free(raw);
  credential_free(x509);
}

/* ---- A crafted peer ---- */

/* Says the chain of |name| with |exts| (without their length) in entry |at|. */
static void say_chain(struct craft_play *play, const char *name, size_t at,
                      const struct buf *exts) {
  hf_bytes chain[8];
  size_t num = credential_chain(chain, 8, name);
  struct buf body = {0}, list = {0};
  for (size_t i = 0; i < num; i++) {
    put_vector(&list, 3, chain[i].data, chain[i].len);
    put_vector(&list, 2, exts->data, i == at ? exts->len : 0);
    free((void *)chain[i].data);
  }
  put8(&body, 0);
  put_vector(&body, 3, list.data, list.len);
  rules_say(play, MSG_CERTIFICATE, &body);
  buf_free(&list);
}

static void say_delegated(struct craft_play *play, const struct delegate *d, size_t at) {
  struct buf dc = {0}, exts = {0};
  cr_assert(delegate_make(&dc, d), "%s by %s", d->key, d->certificate);
  put16(&exts, EXT_DELEGATED_CREDENTIAL);
  put_vector(&exts, 2, dc.data, dc.len);
  say_chain(play, d->certificate, at, &exts);
  buf_free(&dc);
  buf_free(&exts);
}

/* An engine that is a client and takes |takes| (or nothing), at |now|, seconds; the crafted server
 * signs with the key |name|. */
static void begin_client(struct craft_play *play, hf_codes takes, uint64_t now, const char *name,
                         uint16_t sigalg) {
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.delegated_sigalgs = takes;
  setup.start.now = now * 1000;
  cr_assert(play_new(play, &setup, name, sigalg));
  cr_assert(play_until(play, SERVER_SAID_EXTENSIONS));
}

static void expect_verdict(struct craft_play *play, int alert, hf_status status, const char *id) {
  const char *wrong = rules_verdict(play, alert);
  cr_expect_null(wrong, "%s: %s", id, wrong);
  cr_expect_eq(side_fault(&play->side), status, "%s: %s", id,
               hf_status_text(side_fault(&play->side)));
}

/* R-9345-4.1-1: the hello's list, or none. */
Test(delegated, hello) {
  struct craft_play play;
  begin_client(&play, (hf_codes){all, 3}, NOW, "ecdsa-p256", 0x0403);
  const struct craft_ext *ext = craft_ext(&play.client, EXT_DELEGATED_CREDENTIAL);
  cr_assert_not_null(ext);
  cr_assert_eq(ext->body.len, 8u);
  cr_expect_arr_eq(ext->body.data, "\0\6\4\3\5\3\x08\7", 8);
  rules_free(&play);
  begin_client(&play, (hf_codes){NULL, 0}, NOW, "ecdsa-p256", 0x0403);
  cr_expect_null(craft_ext(&play.client, EXT_DELEGATED_CREDENTIAL));
  rules_free(&play);
}

/* R-9345-4.1.3-1: one that is right in all, through to the end; the same for the crafted client. */
Test(delegated, good_ones) {
  struct craft_play play;
  begin_client(&play, (hf_codes){all, 3}, NOW, "ed25519", 0x0807);
  say_delegated(&play, &good, 0);
  play.step = SERVER_SAID_CERTIFICATE;
  cr_assert(play_until(&play, SERVER_DONE));
  expect_verdict(&play, AL_NONE, HF_OK, "a server's");
  rules_free(&play);
}

static void begin_server(struct craft_play *play, size_t num, const char *name, uint16_t sigalg) {
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, HF_REQUEST_CLIENT_CERT);
  setup.settings.delegated_sigalgs = (hf_codes){all, num};
  cr_assert(play_new(play, &setup, name, sigalg));
  cr_assert(play_until(play, CLIENT_HEARD_FINISHED));
}

/* R-9345-4.1-1 R-9345-4.1-4 R-9345-4.1.3-6: of a client; the context is the client's. */
Test(delegated, of_a_crafted_client) {
  struct craft_play play;
  begin_server(&play, 3, "ed25519", 0x0807);
  say_delegated(&play, &good_client, 0);
  play.step = CLIENT_SAID_CERTIFICATE;
  cr_assert(play_until(&play, CLIENT_DONE));
  expect_verdict(&play, AL_NONE, HF_OK, "a client's");
  rules_free(&play);
  begin_server(&play, 0, "ed25519", 0x0807);
  say_delegated(&play, &good_client, 0);
  expect_verdict(&play, AL_UNEXPECTED_MESSAGE, HF_UNASKED_CREDENTIAL, "not asked for");
  rules_free(&play);
  struct delegate d = good_client;
  d.client = false;
  begin_server(&play, 3, "ed25519", 0x0807);
  say_delegated(&play, &d, 0);
  expect_verdict(&play, AL_ILLEGAL_PARAMETER, HF_BAD_CREDENTIAL, "a server's context");
  rules_free(&play);
}

static const struct {
  const char *id;
  struct delegate d;
  hf_status status;
} bad[] = {
    {"R-9345-4.1.3-2 over since a second",
     {"delegating", NULL, "ed25519", 0x0807, 0x0403, false, SINCE - 1},
     HF_CREDENTIAL_EXPIRED},
    {"R-9345-4.1.3-2 over from the start",
     {"delegating", NULL, "ed25519", 0x0807, 0x0403, false, 0},
     HF_CREDENTIAL_EXPIRED},
    {"R-9345-4.1.3-3 a second over seven days",
     {"delegating", NULL, "ed25519", 0x0807, 0x0403, false, SINCE + WEEK + 1},
     HF_CREDENTIAL_EXPIRED},
    {"R-9345-4.1.3-3 as long as can be",
     {"delegating", NULL, "ed25519", 0x0807, 0x0403, false, UINT32_MAX},
     HF_CREDENTIAL_EXPIRED},
    {"R-9345-4.1-5 for an algorithm that was not offered",
     {"delegating", NULL, "ecdsa-p384", 0x0603, 0x0403, false, SINCE + 1},
     HF_BAD_CREDENTIAL},
    {"R-9345-4.1-5 for RSA",
     {"delegating", NULL, "rsa-2048", 0x0804, 0x0403, false, SINCE + 1},
     HF_BAD_CREDENTIAL},
    {"R-9345-4.1-6 signed by another kind of key",
     {"delegating", "ecdsa-p384", "ed25519", 0x0807, 0x0503, false, SINCE + 1},
     HF_BAD_CREDENTIAL},
    {"R-9345-4.1-6 signed by an algorithm that was not offered",
     {"delegating", "ecdsa-p384", "ed25519", 0x0807, 0x0603, false, SINCE + 1},
     HF_BAD_CREDENTIAL},
    {"R-9345-4.1.3-6 signed by another key",
     {"delegating", "ecdsa-p256", "ed25519", 0x0807, 0x0403, false, SINCE + 1},
     HF_BAD_CREDENTIAL},
    {"R-9345-4.1.3-6 signed by itself",
     {"delegating", "mismatch", "mismatch", 0x0403, 0x0403, false, SINCE + 1},
     HF_BAD_CREDENTIAL},
    {"R-9345-4.1.3-6 for a client",
     {"delegating", NULL, "ed25519", 0x0807, 0x0403, true, SINCE + 1},
     HF_BAD_CREDENTIAL},
    {"R-9345-4.2-1 a certificate without DelegationUsage",
     {"ecdsa-p256", NULL, "ed25519", 0x0807, 0x0403, false, SINCE + 1},
     HF_CREDENTIAL_FORBIDDEN},
    {"R-9345-4.2-2 a certificate without keyUsage",
     {"delegating-any-use", NULL, "ed25519", 0x0807, 0x0403, false, SINCE + 1},
     HF_CREDENTIAL_FORBIDDEN},
    {"R-9345-4.2-2 a certificate that may not sign",
     {"no-signing", NULL, "ed25519", 0x0807, 0x0403, false, SINCE + 1},
     HF_KEY_USAGE},
};

Test(delegated, bad_ones) {
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct craft_play play;
    begin_client(&play, (hf_codes){all, 3}, NOW, "ed25519", 0x0807);
    say_delegated(&play, &bad[i].d, 0);
    expect_verdict(&play, AL_ILLEGAL_PARAMETER, bad[i].status, bad[i].id);
    rules_free(&play);
  }
}

/* R-9345-4.1.3-2 R-9345-4.1.3-3: the last moments at which it is taken, to the millisecond, and
 * dates on both sides of 2050. */
Test(delegated, times) {
  enum { SPAN = 100000 };
  static const struct {
    const char *certificate;
    uint64_t not_before;
  } certificates[] = {{"delegating", NOT_BEFORE}, {"delegating-later", 2592864000}};
  for (size_t c = 0; c < 2; c++) {
    const uint64_t end = (certificates[c].not_before + SPAN) * 1000;
    const struct {
      uint64_t now;
      bool taken;
    } times[] = {{end, true},
                 {end + 1, false},
                 {end - (uint64_t)WEEK * 1000, true},
                 {end - (uint64_t)WEEK * 1000 - 1, false},
                 {0, false},
                 {UINT64_MAX, false}};
    struct delegate d = good;
    d.certificate = certificates[c].certificate;
    d.valid_time = SPAN;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
      struct craft_play play;
      begin_client(&play, (hf_codes){all, 3}, 0, "ed25519", 0x0807);
      hf_set_time(play.side.conn, times[i].now);
      say_delegated(&play, &d, 0);
      expect_verdict(&play, times[i].taken ? AL_NONE : AL_ILLEGAL_PARAMETER,
                     times[i].taken ? HF_OK : HF_CREDENTIAL_EXPIRED, certificates[c].certificate);
      rules_free(&play);
    }
  }
}

/* R-9345-4.1-4: who did not ask is not to be shown one. */
Test(delegated, not_asked_for) {
  for (size_t at = 0; at < 2; at++) {
    struct craft_play play;
    begin_client(&play, (hf_codes){NULL, 0}, NOW, "ed25519", 0x0807);
    say_delegated(&play, &good, at);
    expect_verdict(&play, AL_UNEXPECTED_MESSAGE, HF_UNASKED_CREDENTIAL, "not asked for");
    rules_free(&play);
  }
}

/* R-9345-4.1-7: one beside another certificate says nothing, whatever it is; the certificate's own
 * key signs. */
Test(delegated, in_another_entry) {
  static const struct {
    const char *body;
    size_t len;
  } bodies[] = {{BODY("\0\x22\0\0")}, {BODY("\0\x22\0\3bad")}};
  for (size_t i = 0; i < 3; i++) {
    struct craft_play play;
    begin_client(&play, (hf_codes){all, 3}, NOW, "delegating", 0x0403);
    if (i < 2) {
      struct buf exts = rules_bytes(bodies[i].body, bodies[i].len);
      say_chain(&play, "delegating", 1, &exts);
      buf_free(&exts);
    } else {
      say_delegated(&play, &good, 1);
    }
    play.step = SERVER_SAID_CERTIFICATE;
    cr_assert(play_until(&play, SERVER_DONE));
    expect_verdict(&play, AL_NONE, HF_OK, "in the second entry");
    expect_facts(&play.side, false, false, 0, 0x0403);
    rules_free(&play);
  }
}

/* R-9345-4-1: a credential that is cut off anywhere, too long, or without a key. */
Test(delegated, malformed) {
  struct buf dc = {0};
  cr_assert(delegate_make(&dc, &good));
  for (size_t len = 0; len <= dc.len + 1; len++) {
    struct craft_play play;
    struct buf exts = {0}, body = {0};
    if (len == dc.len) continue;
    buf_add(&body, dc.data, len < dc.len ? len : dc.len);
    if (len > dc.len) put8(&body, 0);
    put16(&exts, EXT_DELEGATED_CREDENTIAL);
    put_vector(&exts, 2, body.data, body.len);
    begin_client(&play, (hf_codes){all, 3}, NOW, "ed25519", 0x0807);
    say_chain(&play, "delegating", 0, &exts);
    expect_verdict(&play, AL_DECODE_ERROR, HF_BAD_EXTENSION, "malformed");
    rules_free(&play);
    buf_free(&exts);
    buf_free(&body);
  }
  static const char keyless[] = "\0\x22\0\x0d\0\0\0\1\x08\7\0\0\0\4\3\0\0";
  struct craft_play play;
  struct buf exts = rules_bytes(keyless, sizeof keyless - 1);
  begin_client(&play, (hf_codes){all, 3}, NOW, "ed25519", 0x0807);
  say_chain(&play, "delegating", 0, &exts);
  expect_verdict(&play, AL_DECODE_ERROR, HF_BAD_EXTENSION, "no key");
  rules_free(&play);
  buf_free(&exts);
  buf_free(&dc);
}

/* R-9345-4.1.3-4 R-9345-4.1.3-5: the handshake is signed with the credential's algorithm, by its
 * key. */
Test(delegated, signatures) {
  static const struct {
    const char *id, *key;
    uint16_t sigalg, claims;
    int alert;
  } rules[] = {
      {"the certificate's key and algorithm", "delegating", 0x0403, 0x0403, AL_ILLEGAL_PARAMETER},
      {"another Ed25519 key", "client-ed25519", 0x0807, 0x0807, AL_DECRYPT_ERROR},
      {"another algorithm", "ed25519", 0x0807, 0x0503, AL_ILLEGAL_PARAMETER},
      {"its own", "ed25519", 0x0807, 0x0807, AL_NONE},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    begin_client(&play, (hf_codes){all, 3}, NOW, rules[i].key, rules[i].sigalg);
    say_delegated(&play, &good, 0);
    struct buf body = {0};
    cr_assert(body_of_verify(&body, &play, rules[i].sigalg));
    body.data[0] = (uint8_t)(rules[i].claims >> 8);
    body.data[1] = (uint8_t)rules[i].claims;
    rules_say(&play, MSG_CERTIFICATE_VERIFY, &body);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%s: %s", rules[i].id, wrong);
    rules_free(&play);
  }
  /* Its key is of another kind than it says. */
  struct craft_play play;
  struct delegate d = good;
  d.key_sigalg = 0x0503;
  begin_client(&play, (hf_codes){all, 3}, NOW, "ecdsa-p384", 0x0503);
  say_delegated(&play, &d, 0);
  play.step = SERVER_SAID_CERTIFICATE;
  (void)play_until(&play, SERVER_SAID_VERIFY);
  expect_verdict(&play, AL_ILLEGAL_PARAMETER, HF_WRONG_SIGALG, "a key of another kind");
  rules_free(&play);
  /* Which may not sign as it can either. */
  begin_client(&play, (hf_codes){all, 3}, NOW, "ed25519", 0x0807);
  say_delegated(&play, &d, 0);
  play.step = SERVER_SAID_CERTIFICATE;
  (void)play_until(&play, SERVER_SAID_VERIFY);
  expect_verdict(&play, AL_ILLEGAL_PARAMETER, HF_WRONG_SIGALG, "an algorithm of its own");
  rules_free(&play);
}

/* R-9345-4.1-8: lists that cannot be read, from either side. */
Test(delegated, malformed_requests) {
  static const struct {
    const char *body;
    size_t len;
  } requests[] = {{BODY("\0\0\x0e\0\x0d\0\4\0\2\4\3\0\x22\0\2\0\0")},
                  {BODY("\0\0\x0f\0\x0d\0\4\0\2\4\3\0\x22\0\3\0\1\4")},
                  {BODY("\0\0\x11\0\x0d\0\4\0\2\4\3\0\x22\0\5\0\2\4\3\0")}};
  for (size_t i = 0; i < 3; i++) {
    struct craft_play play;
    begin_client(&play, (hf_codes){NULL, 0}, NOW, "ecdsa-p256", 0x0403);
    struct buf body = rules_bytes(requests[i].body, requests[i].len);
    rules_say(&play, MSG_CERTIFICATE_REQUEST, &body);
    cr_expect_null(rules_verdict(&play, AL_DECODE_ERROR));
    rules_free(&play);
  }
}

static void edit_hello(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, EXT_DELEGATED_CREDENTIAL, "\0\0", 2);
}

Test(delegated, malformed_hello) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  play.edit = edit_hello;
  (void)play_until(&play, CLIENT_SAID_HELLO);
  cr_expect_null(rules_verdict(&play, AL_DECODE_ERROR));
  rules_free(&play);
}

/* R-4.3-3: EncryptedExtensions is not the place. */
Test(delegated, misplaced) {
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.delegated_sigalgs = (hf_codes){all, 3};
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  struct buf body = rules_bytes("\0\4\0\x22\0\0", 6);
  rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
  cr_expect_null(rules_verdict(&play, AL_ILLEGAL_PARAMETER));
  rules_free(&play);
}
