/* test_raw_key.c - raw public keys instead of certificates (RFC 7250; RFC 9846 4.5.1), both ways:
 * pairs of engines with every list of types on each side, and crafted peers that say it wrongly. */
#define _GNU_SOURCE /* popen */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

#define BODY(text) text, sizeof(text) - 1

/* ---- Pairs ---- */

/* Lists of types, in order of preference. */
static const uint16_t x_r[] = {HF_CERT_X509, HF_CERT_RAW_KEY};
static const uint16_t r_x[] = {HF_CERT_RAW_KEY, HF_CERT_X509};
static const hf_codes lists[] = {{NULL, 0}, {x_r, 1}, {r_x, 1}, {x_r, 2}, {r_x, 2}};
enum { NUM_LISTS = sizeof lists / sizeof *lists };

static bool has(hf_codes list, uint16_t type) {
  if (list.num == 0) return type == HF_CERT_X509;
  return list.list[0] == type || (list.num == 2 && list.list[1] == type);
}

static bool just_x509(hf_codes list) { return !has(list, HF_CERT_RAW_KEY); }

/* What RFC 7250 4 says of a client with the list |client| and a server with |server|: what the
 * certificate may be, in the client's order. */
static size_t common(uint16_t out[2], hf_codes client, hf_codes server) {
  size_t num = 0;
  if (just_x509(client) || just_x509(server)) {
    if (has(server, HF_CERT_X509)) out[num++] = HF_CERT_X509;
    return num;
  }
  for (size_t i = 0; i < client.num; i++)
    if (has(server, client.list[i])) out[num++] = client.list[i];
  return num;
}

struct watch {
  size_t identities, verdicts;
  uint16_t types[2];
  size_t num_types;
  bool raw_key;
  size_t num_chain;
  hf_bytes expected; /* of a raw key: what it must be */
  bool same;
};

static bool look(void *arg, struct side_answer *answer, const hf_question_t *q) {
  struct watch *watch = arg;
  (void)answer;
  if (q->ask == HF_ASK_IDENTITY) {
    watch->identities++;
    watch->num_types = q->identity.types.num;
    for (size_t i = 0; i < watch->num_types && i < 2; i++)
      watch->types[i] = q->identity.types.list[i];
  }
  if (q->ask == HF_ASK_VERDICT) {
    watch->verdicts++;
    watch->raw_key = q->verdict.raw_key;
    watch->num_chain = q->verdict.num;
    watch->same = bytes_equal(q->verdict.chain[0], watch->expected);
  }
  return false;
}

/* The SubjectPublicKeyInfo of the P-256 keys in tests/certs, as `openssl pkey -pubout` has it. */
static hf_bytes spki_of(const char *name) {
  char command[700], path[512];
  static uint8_t der[2][128];
  static int next;
  credential_path(path, name, ".key");
  snprintf(command, sizeof command, "openssl pkey -pubout -outform DER -in %s", path);
  FILE *pipe = popen(command, "r");
  next = !next;
  size_t len = pipe == NULL ? 0 : fread(der[next], 1, sizeof der[next], pipe);
  cr_assert(pipe != NULL && pclose(pipe) == 0 && len > 0, "%s", command);
  return (hf_bytes){der[next], len};
}

static uint16_t raw_type(bool raw) { return raw ? HF_CERT_RAW_KEY : HF_CERT_X509; }

struct fixture {
  struct credential *x509[2], *raw[2]; /* [hf_role] */
  struct side_setup client, server;
  struct watch at_client, at_server;
  struct pair pair;
};

static void begin(struct fixture *f) {
  *f = (struct fixture){
      .x509 = {credential_load("client-ecdsa-p256"), credential_load("ecdsa-p256")},
      .raw = {credential_load_raw("client-ecdsa-p256"), credential_load_raw("ecdsa-p256")}};
  pair_setup(&f->client, &f->server, f->x509[HF_SERVER], 61);
  f->client.answer = f->server.answer = look;
  f->client.arg = &f->at_client;
  f->server.arg = &f->at_server;
  f->at_client.expected = spki_of("ecdsa-p256");
  f->at_server.expected = spki_of("client-ecdsa-p256");
}

static void finish(struct fixture *f) {
  for (size_t i = 0; i < 2; i++) {
    credential_free(f->x509[i]);
    credential_free(f->raw[i]);
  }
}

static struct credential *of_type(struct fixture *f, hf_role role, uint16_t type) {
  return type == HF_CERT_RAW_KEY ? f->raw[role] : f->x509[role];
}

static void expect_alert(const struct side *side, uint8_t alert) {
  hf_fault fault;
  hf_get_fault(&fault, side->conn);
  cr_expect_eq(fault.alert, alert, "%s", fault.text);
}

/* One handshake in which the server may show |types| and shows |type|. */
static void show_server(struct fixture *f, const uint16_t *types, size_t num, uint16_t type) {
  hf_facts client, server;
  f->server.credential = of_type(f, HF_SERVER, type);
  f->at_client.verdicts = f->at_server.identities = 0;
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  const bool done = pair_run(&f->pair);
  cr_expect_eq(f->at_server.identities, 1u);
  cr_expect_eq(f->at_server.num_types, num);
  cr_expect_arr_eq(f->at_server.types, types, num * sizeof *types);
  if (!has(f->client.settings.peer_cert_types, type)) {
    cr_expect_not(done);
    expect_alert(&f->pair.client, AL_UNSUPPORTED_CERTIFICATE);
    expect_alert(&f->pair.server, AL_UNSUPPORTED_CERTIFICATE);
    cr_expect_null(f->pair.server.broken);
    return;
  }
  cr_expect(done, "%s, %s", hf_status_text(side_fault(&f->pair.client)), f->pair.server.broken);
  hf_get_facts(&client, f->pair.client.conn);
  hf_get_facts(&server, f->pair.server.conn);
  cr_expect_eq(raw_type(client.peer_raw_key), type);
  cr_expect_eq(raw_type(server.own_raw_key), type);
  cr_expect_not(client.own_raw_key || server.peer_raw_key);
  cr_expect_eq(f->at_client.verdicts, 1u);
  cr_expect_eq(raw_type(f->at_client.raw_key), type);
  cr_expect_eq(f->at_client.num_chain, type == HF_CERT_RAW_KEY ? 1u : 2u);
  cr_expect_eq(f->at_client.same, type == HF_CERT_RAW_KEY);
}

/* R-7250-4.1-1 R-7250-4.2-1 R-7250-4.2-2 R-7250-4.2-4 R-4.5.1-8: of the server's certificate. */
Test(raw_key, server_with_every_list) {
  struct fixture f;
  begin(&f);
  for (size_t i = 0; i < NUM_LISTS * NUM_LISTS; i++) {
    uint16_t types[2];
    f.client.settings.peer_cert_types = lists[i % NUM_LISTS];
    f.server.settings.own_cert_types = lists[i / NUM_LISTS];
    const size_t num = common(types, lists[i % NUM_LISTS], lists[i / NUM_LISTS]);
    for (size_t t = 0; t < num; t++) {
      show_server(&f, types, num, types[t]);
      pair_free(&f.pair);
    }
    if (num > 0) continue;
    cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
    cr_expect_not(pair_run(&f.pair));
    expect_alert(&f.pair.server, AL_UNSUPPORTED_CERTIFICATE);
    pair_free(&f.pair);
  }
  finish(&f);
}

/* R-7250-4.2-3 R-7250-4.2-4 R-4.5.1-8: of the client's, which is what the server chose. */
Test(raw_key, client_with_every_list) {
  struct fixture f;
  begin(&f);
  f.server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  for (size_t i = 0; i < NUM_LISTS * NUM_LISTS; i++) {
    uint16_t types[2];
    hf_facts facts;
    f.client.settings.own_cert_types = lists[i % NUM_LISTS];
    f.server.settings.peer_cert_types = lists[i / NUM_LISTS];
    const size_t num = common(types, lists[i % NUM_LISTS], lists[i / NUM_LISTS]);
    if (num > 0) f.client.credential = of_type(&f, HF_CLIENT, types[0]);
    cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
    const bool done = pair_run(&f.pair);
    cr_expect_eq(done, num > 0, "%zu: %s", i, f.pair.client.broken);
    if (num == 0) {
      expect_alert(&f.pair.server, AL_UNSUPPORTED_CERTIFICATE);
    } else {
      cr_expect_eq(f.at_client.num_types, 1u);
      cr_expect_eq(f.at_client.types[0], types[0]);
      hf_get_facts(&facts, f.pair.server.conn);
      cr_expect_eq(raw_type(facts.peer_raw_key), types[0]);
      cr_expect_eq(raw_type(f.at_server.raw_key), types[0]);
      cr_expect_eq(f.at_server.same, types[0] == HF_CERT_RAW_KEY);
    }
    pair_free(&f.pair);
  }
  finish(&f);
}

/* R-7250-4.2-3: who does not ask for a certificate has no need of a type. */
Test(raw_key, client_that_is_not_asked) {
  struct fixture f;
  begin(&f);
  f.client.settings.own_cert_types = lists[2];
  f.server.settings.peer_cert_types = lists[1];
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  cr_expect(pair_run(&f.pair));
  pair_free(&f.pair);
  finish(&f);
}

/* A raw key on each side, with data, and the same again in pieces. */
Test(raw_key, both_sides_and_resumed) {
  struct fixture f;
  begin(&f);
  f.client.settings.own_cert_types = f.client.settings.peer_cert_types = lists[2];
  f.server.settings.own_cert_types = f.server.settings.peer_cert_types = lists[2];
  f.server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT | HF_ISSUE_TICKETS;
  f.client.credential = f.raw[HF_CLIENT];
  f.server.credential = f.raw[HF_SERVER];
  struct pair first;
  cr_assert_eq(pair_new(&first, &f.client, &f.server, 0), HF_OK);
  cr_assert(pair_run(&first));
  for (size_t piece = 0; piece < 3; piece++) {
    cr_expect_null(side_replay(&first.client, piece));
    cr_expect_null(side_replay(&first.server, piece));
  }
  f.client.start.session = (hf_bytes){first.client.kept.data, first.client.kept.len};
  f.client.start.now += 1000;
  f.server.start.now += 1000;
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  cr_expect(pair_run(&f.pair));
  hf_facts facts;
  hf_get_facts(&facts, f.pair.client.conn);
  cr_expect(facts.resumed);
  /* R-7250-4.2-5: nothing is shown, so nothing is said of types. */
  cr_expect_not(facts.peer_raw_key);
  pair_free(&f.pair);
  pair_free(&first);
  finish(&f);
}

/* An identity of the wrong type is no answer, and the question stays. */
Test(raw_key, wrong_identity_is_misuse) {
  struct fixture f;
  begin(&f);
  f.server.leaves = HF_ASK_IDENTITY;
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  (void)pair_run(&f.pair);
  hf_conn *conn = f.pair.server.conn;
  cr_assert_eq(hf_question(conn)->ask, HF_ASK_IDENTITY);
  cr_expect_eq(hf_answer_identity(conn, f.raw[HF_SERVER]->identity), HF_MISUSE);
  cr_expect_eq(hf_question(conn)->ask, HF_ASK_IDENTITY);
  cr_expect_eq(hf_answer_identity(conn, f.x509[HF_SERVER]->identity), HF_OK);
  pair_free(&f.pair);
  finish(&f);
}

/* What cannot be configured. */
Test(raw_key, settings) {
  static const uint16_t unknown[] = {1}, twice[] = {2, 2};
  const hf_codes bad[] = {{unknown, 1}, {twice, 2}};
  for (size_t i = 0; i < 4; i++) {
    hf_settings settings = {.role = HF_CLIENT};
    hf_config *config;
    *(i < 2 ? &settings.own_cert_types : &settings.peer_cert_types) = bad[i % 2];
    cr_expect_eq(hf_config_new(&config, &settings), HF_MISUSE);
  }
  hf_identity *identity;
  static const uint16_t p256[] = {0x0403};
  cr_expect_eq(hf_identity_new_raw(&identity, 1, bytes_of(""), (hf_codes){p256, 1}), HF_MISUSE);
  cr_expect_eq(hf_identity_new_raw(&identity, 1, bytes_of("x"), (hf_codes){NULL, 0}), HF_MISUSE);
}

/* ---- A crafted server ---- */

static void begin_client(struct craft_play *play, hf_codes own, hf_codes peer, int step) {
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.own_cert_types = own;
  setup.settings.peer_cert_types = peer;
  cr_assert(play_new(play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(play, step));
}

/* R-7250-4.1-1 R-7250-4.1-2: the form of the two extensions, and when there are none. */
Test(raw_key, hello) {
  static const char *const forms[] = {NULL, NULL, "\1\2", "\2\0\2", "\2\2\0"};
  for (size_t i = 0; i < NUM_LISTS * NUM_LISTS; i++) {
    struct craft_play play;
    begin_client(&play, lists[i % NUM_LISTS], lists[i / NUM_LISTS], SERVER_HEARD_HELLO);
    const struct craft_ext *exts[] = {craft_ext(&play.client, EXT_CLIENT_CERT_TYPE),
                                      craft_ext(&play.client, EXT_SERVER_CERT_TYPE)};
    const char *want[] = {forms[i % NUM_LISTS], forms[i / NUM_LISTS]};
    for (size_t e = 0; e < 2; e++) {
      cr_assert_eq(exts[e] != NULL, want[e] != NULL);
      if (want[e] == NULL) continue;
      cr_assert_eq(exts[e]->body.len, 1u + (size_t)want[e][0]);
      cr_expect_arr_eq(exts[e]->body.data, want[e], exts[e]->body.len);
    }
    rules_free(&play);
  }
}

static const struct {
  const char *id, *body;
  size_t len;
  size_t own, peer; /* of lists */
  int alert;
} answers[] = {
    {"R-4.3-2 a type for who offered none", BODY("\0\5\0\x14\0\1\2"), 0, 0,
     AL_UNSUPPORTED_EXTENSION},
    {"R-4.3-2 a type for the wrong side", BODY("\0\5\0\x14\0\1\2"), 4, 0, AL_UNSUPPORTED_EXTENSION},
    {"R-4.3-2 a type for the wrong side", BODY("\0\5\0\x13\0\1\2"), 0, 4, AL_UNSUPPORTED_EXTENSION},
    {"R-7250-4.2-6 one not offered", BODY("\0\5\0\x14\0\1\0"), 0, 2, AL_ILLEGAL_PARAMETER},
    {"R-7250-4.2-6 one not offered", BODY("\0\5\0\x13\0\1\0"), 2, 0, AL_ILLEGAL_PARAMETER},
    {"R-7250-4.2-6 an unknown one", BODY("\0\5\0\x14\0\1\1"), 0, 4, AL_ILLEGAL_PARAMETER},
    {"R-7250-4.2-6 nothing", BODY("\0\4\0\x14\0\0"), 0, 4, AL_DECODE_ERROR},
    {"R-4.3-1 a list", BODY("\0\6\0\x14\0\2\1\2"), 0, 4, AL_ILLEGAL_PARAMETER},
    {"R-4.3-1 two", BODY("\0\6\0\x14\0\2\2\0"), 0, 4, AL_DECODE_ERROR},
    {"R-7250-4.2-6 one that was", BODY("\0\5\0\x14\0\1\0"), 0, 4, AL_NONE},
    {"R-7250-4.2-6 both", BODY("\0\x0a\0\x14\0\1\2\0\x13\0\1\0"), 4, 3, AL_NONE},
};

Test(raw_key, answers_of_a_crafted_server) {
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    struct craft_play play;
    begin_client(&play, lists[answers[i].own], lists[answers[i].peer], SERVER_SAID_HELLO);
    struct buf body = rules_bytes(answers[i].body, answers[i].len);
    rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
    const char *wrong = rules_verdict(&play, answers[i].alert);
    cr_expect_null(wrong, "%s: %s", answers[i].id, wrong);
    rules_free(&play);
  }
}

/* ServerHello, and EncryptedExtensions that choose |type|. */
static void choose_type(struct craft_play *play, char type) {
  char text[] = "\0\5\0\x14\0\1\2";
  text[6] = type;
  begin_client(play, lists[0], lists[4], SERVER_SAID_HELLO);
  struct buf body = rules_bytes(text, 7);
  rules_say(play, MSG_ENCRYPTED_EXTENSIONS, &body);
  play->step = SERVER_SAID_EXTENSIONS;
}

static void say_entries(struct craft_play *play, const hf_bytes *chain, size_t num, int alert,
                        const char *id) {
  struct buf body = {0};
  body_of_certificate(&body, chain, num);
  rules_say(play, MSG_CERTIFICATE, &body);
  const char *wrong = rules_verdict(play, alert);
  cr_expect_null(wrong, "%s: %s", id, wrong);
  rules_free(play);
}

/* R-4.5.1-8 R-4.5.1-9: what stands in the Certificate message is of the type that was chosen, and
 * of a raw key there is one. */
Test(raw_key, certificates_of_a_crafted_server) {
  struct craft_play play;
  hf_bytes chain[8], none = {NULL, 0};
  size_t num = credential_chain(chain, 8, "ecdsa-p256");
  const hf_bytes spki = spki_of("ecdsa-p256");
  const hf_bytes two[] = {spki, spki}, beside[] = {spki, chain[1]};
  uint8_t longer[128], ed448[] = {0x30, 0x08, 0x30, 0x03, 0x06, 0x01, 0x2b, 0x03, 0x01, 0x00};
  memcpy(longer, spki.data, spki.len);
  longer[spki.len] = 0;

  choose_type(&play, 2);
  say_entries(&play, two, 1, AL_NONE, "one key");
  choose_type(&play, 2);
  say_entries(&play, two, 2, AL_ILLEGAL_PARAMETER, "two keys");
  choose_type(&play, 2);
  say_entries(&play, beside, 2, AL_ILLEGAL_PARAMETER, "a key and a certificate");
  choose_type(&play, 2);
  say_entries(&play, chain, 1, AL_DECODE_ERROR, "a certificate, and a key was chosen");
  choose_type(&play, 0);
  say_entries(&play, two, 1, AL_DECODE_ERROR, "a key, and a certificate was chosen");
  choose_type(&play, 2);
  say_entries(&play, &(hf_bytes){longer, spki.len + 1}, 1, AL_DECODE_ERROR, "a byte behind it");
  choose_type(&play, 2);
  say_entries(&play, &(hf_bytes){longer, spki.len - 1}, 1, AL_DECODE_ERROR, "cut off");
  choose_type(&play, 2);
  say_entries(&play, &(hf_bytes){ed448, sizeof ed448}, 1, AL_UNSUPPORTED_CERTIFICATE,
              "a key of an unknown kind");
  choose_type(&play, 2);
  say_entries(&play, &none, 0, AL_DECODE_ERROR, "no key");
  begin_client(&play, lists[0], lists[2], SERVER_SAID_EXTENSIONS);
  say_entries(&play, chain, num, AL_UNSUPPORTED_CERTIFICATE,
              "R-7250-4.2-4 a server that knows none");
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
}

/* R-4.5.2-7: the signature is the shown key's. */
Test(raw_key, signature_of_another_key) {
  struct craft_play play;
  struct buf body = {0};
  const hf_bytes other = spki_of("client-ecdsa-p256");
  choose_type(&play, 2);
  body_of_certificate(&body, &other, 1);
  rules_say(&play, MSG_CERTIFICATE, &body);
  play.step = SERVER_SAID_CERTIFICATE;
  (void)play_until(&play, SERVER_SAID_VERIFY);
  cr_expect_null(rules_verdict(&play, AL_DECRYPT_ERROR));
  rules_free(&play);
}

/* ---- A crafted client ---- */

static const char *edit_body;
static size_t edit_len;
static uint16_t edit_type;

static void edit_hello(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, edit_type, edit_body, edit_len);
}

/* R-7250-4.1-2 R-7250-4.2-1: what a hello may offer; unknown types are passed over. */
Test(raw_key, hellos_of_a_crafted_client) {
  static const struct {
    const char *id, *body;
    size_t len;
    int alert;
  } hellos[] = {
      {"both", BODY("\2\2\0"), AL_NONE},
      {"and one that is unknown", BODY("\4\1\7\0\2"), AL_NONE},
      {"twice", BODY("\2\0\0"), AL_NONE},
      {"only unknown ones", BODY("\2\1\3"), AL_UNSUPPORTED_CERTIFICATE},
      {"none", BODY("\0"), AL_DECODE_ERROR},
      {"nothing", BODY(""), AL_DECODE_ERROR},
      {"cut off", BODY("\2\0"), AL_DECODE_ERROR},
      {"a byte behind it", BODY("\1\0\2"), AL_DECODE_ERROR},
  };
  for (size_t i = 0; i < 2 * sizeof hellos / sizeof *hellos; i++) {
    struct craft_play play;
    struct side_setup setup;
    const size_t n = i / 2;
    rules_setup(&setup, HF_SERVER, i % 2 ? HF_REQUEST_CLIENT_CERT : 0);
    setup.settings.own_cert_types = setup.settings.peer_cert_types = lists[3];
    edit_type = i % 2 ? EXT_CLIENT_CERT_TYPE : EXT_SERVER_CERT_TYPE;
    edit_body = hellos[n].body;
    edit_len = hellos[n].len;
    cr_assert(play_new(&play, &setup, NULL, 0));
    play.edit = edit_hello;
    (void)play_until(&play, hellos[n].alert == AL_NONE ? CLIENT_DONE : CLIENT_SAID_HELLO);
    const char *wrong = rules_verdict(&play, hellos[n].alert);
    cr_expect_null(wrong, "%s: %s", hellos[n].id, wrong);
    rules_free(&play);
  }
}
