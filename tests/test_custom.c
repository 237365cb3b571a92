/* test_custom.c - extensions of the caller's own (hf_extension): sent and shown in every place, on
 * every way to the end of a handshake; what may not be given, and what the peer may not send. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

TestSuite(custom, .timeout = 60);

enum { ONE = 0x7a01, TWO = 0x7a02, THREE = 0x7a03 };
enum {
  IN_CH = HF_IN_CLIENT_HELLO,
  IN_EE = HF_IN_ENCRYPTED_EXTENSIONS,
  IN_CR = HF_IN_CERTIFICATE_REQUEST,
  IN_CT = HF_IN_CERTIFICATE
};

#define TEXT(text) \
  { (const uint8_t *)(text), sizeof(text) - 1 }

/* ONE is answered in both places, TWO asked by the server, THREE is offered and not answered. */
static const hf_extension of_client[] = {{ONE, IN_CH, IN_EE | IN_CT, TEXT("hello")},
                                         {TWO, IN_CT, IN_CR, TEXT("client's certificate")},
                                         {THREE, IN_CH, IN_EE, {NULL, 0}}};
static const hf_extension of_server[] = {{ONE, IN_EE, 0, TEXT("parameters")},
                                         {ONE, IN_CT, 0, TEXT("certificate")},
                                         {TWO, IN_CR, IN_CT, TEXT("request")},
                                         {THREE, 0, IN_CH, {NULL, 0}}};

static bool shows(const struct side *side, unsigned place, uint16_t type, const char *text) {
  hf_bytes body;
  if (!hf_peer_extension(&body, side->conn, place, type)) return text == NULL && body.data == NULL;
  return text != NULL && bytes_equal(body, bytes_of(text));
}

static void give(struct side_setup *setup, const hf_extension *list, size_t num) {
  setup->start.extensions = list;
  setup->start.num_extensions = num;
}

static void expect_shown(const struct pair *pair, bool resumed) {
  const struct side *client = &pair->client, *server = &pair->server;
  cr_expect(shows(server, IN_CH, ONE, "hello"));
  cr_expect(shows(server, IN_CH, THREE, ""));
  cr_expect(shows(server, IN_CH, TWO, NULL));
  cr_expect(shows(server, IN_EE, ONE, NULL));
  cr_expect(shows(server, IN_CT, TWO, resumed ? NULL : "client's certificate"));
  cr_expect(shows(client, IN_EE, ONE, "parameters"));
  cr_expect(shows(client, IN_EE, THREE, NULL));
  cr_expect(shows(client, IN_CT, ONE, resumed ? NULL : "certificate"));
  cr_expect(shows(client, IN_CR, TWO, resumed ? NULL : "request"));
  cr_expect(shows(client, IN_CH, ONE, NULL));
}

static void meet(struct side_setup *client, const struct side_setup *server, bool resumed,
                 struct buf *kept) {
  struct pair pair;
  hf_facts facts;
  cr_assert_eq(pair_new(&pair, client, server, 0), HF_OK);
  cr_assert(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.server)));
  hf_get_facts(&facts, pair.client.conn);
  cr_expect_eq(facts.resumed, resumed);
  expect_shown(&pair, resumed);
  const char *differs = side_replay(&pair.client, 1);
  cr_expect_null(differs, "%s", differs);
  differs = side_replay(&pair.server, 3);
  cr_expect_null(differs, "%s", differs);
  if (kept != NULL) buf_add(kept, pair.client.kept.data, pair.client.kept.len);
  pair_free(&pair);
}

/* R-H-24 R-4.2.2-2: every place, with and without a retry, GREASE, another order, and resumed. */
Test(custom, in_every_place) {
  static const uint16_t p384[] = {0x0018};
  struct credential *credential = credential_load("ecdsa-p256");
  for (uint64_t seed = 1; seed < 20; seed++) {
    struct side_setup client, server;
    struct buf kept = {0};
    pair_setup(&client, &server, credential, seed);
    client.credential = credential;
    give(&client, of_client, 3);
    give(&server, of_server, 4);
    server.settings.flags |= HF_REQUEST_CLIENT_CERT | HF_ISSUE_TICKETS;
    if (seed % 2) client.settings.flags |= HF_GREASE | HF_PERMUTE_EXTENSIONS;
    if (seed % 3 == 1) server.settings.groups = (hf_codes){p384, 1};
    if (seed % 3 == 2) server.settings.flags |= HF_DEMAND_COOKIE;
    meet(&client, &server, false, &kept);
    cr_assert_gt(kept.len, 0u);
    client.start.session = (hf_bytes){kept.data, kept.len};
    meet(&client, &server, true, NULL);
    buf_free(&kept);
  }
  credential_free(credential);
}

/* R-4.3-2: a server that has answers gives them to nobody who did not ask. */
Test(custom, not_offered) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 1);
  client.credential = credential;
  server.settings.flags |= HF_REQUEST_CLIENT_CERT;
  /* TWO in the CertificateRequest is unknown to this client, which passes it over. */
  give(&server, of_server, 4);
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&pair));
  cr_expect(shows(&pair.server, IN_CH, ONE, NULL));
  cr_expect(shows(&pair.server, IN_CT, TWO, NULL));
  cr_expect(shows(&pair.client, IN_CR, TWO, NULL));
  pair_free(&pair);
  credential_free(credential);
}

/* ---- Given late ---- */

struct late {
  struct side *side;
  const hf_extension *list;
  size_t num;
  hf_ask when;
  hf_status status;
  bool seen; /* the hello's ONE */
};

static bool add(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct late *late = arg;
  (void)answer;
  if (question->ask != late->when) return false;
  late->status = hf_add_extensions(late->side->conn, late->list, late->num);
  late->seen = shows(late->side, IN_CH, ONE, "hello");
  return false;
}

/* R-H-24: what is added while HELLO, or IDENTITY, is asked. */
Test(custom, added_to_questions) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (int i = 0; i < 3; i++) {
    struct side_setup client, server;
    struct pair pair;
    pair_setup(&client, &server, credential, 1);
    struct late late = {.side = &pair.server, .list = of_server, .num = 4, .when = HF_ASK_HELLO};
    client.credential = credential;
    client.start.extensions = of_client;
    client.start.num_extensions = 3;
    server.settings.flags |= HF_REQUEST_CLIENT_CERT;
    if (i == 1) late.when = HF_ASK_IDENTITY;
    if (i < 2) {
      server.answer = add;
      server.arg = &late;
    } else {
      /* The client's answer to TWO comes with its certificate. */
      static const hf_extension first[] = {{ONE, IN_CH, IN_EE | IN_CT, TEXT("hello")},
                                           {TWO, 0, IN_CR, {NULL, 0}},
                                           {THREE, IN_CH, IN_EE, {NULL, 0}}};
      static const hf_extension second[] = {{TWO, IN_CT, 0, TEXT("client's certificate")}};
      late = (struct late){&pair.client, second, 1, HF_ASK_IDENTITY, HF_MISUSE, false};
      give(&client, first, 3);
      give(&server, of_server, 4);
      client.answer = add;
      client.arg = &late;
    }
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair), "%d", i);
    cr_expect_eq(late.status, HF_OK, "%d", i);
    cr_expect_eq(late.seen, i < 2);
    expect_shown(&pair, false);
    cr_expect_eq(hf_add_extensions(pair.server.conn, of_server, 1), HF_MISUSE);
    pair_free(&pair);
  }
  credential_free(credential);
}

/* ---- What may not be given ---- */

static hf_status start_with(bool server, uint32_t flags, const hf_extension *list, size_t num) {
  struct side_setup setup;
  struct side side;
  rules_setup(&setup, server ? HF_SERVER : HF_CLIENT, flags);
  give(&setup, list, num);
  hf_status status = side_new(&side, &setup);
  side_free(&side);
  credential_free((struct credential *)setup.credential);
  return status;
}

/* R-H-13 */
Test(custom, misuse) {
  static const uint8_t zeros[16384];
  static const struct {
    bool server;
    uint32_t flags;
    hf_extension list[2];
    size_t num;
    hf_status want;
  } cases[] = {
      {false, 0, {{ONE, IN_CH, IN_EE, {NULL, 0}}}, 1, HF_OK},
      {false, 0, {{51 /* key_share */, IN_CH, IN_EE, {NULL, 0}}}, 1, HF_MISUSE},
      {false, 0, {{0 /* server_name */, 0, 0, {NULL, 0}}}, 1, HF_MISUSE},
      {false, 0, {{ONE, IN_EE, 0, {NULL, 0}}}, 1, HF_MISUSE},
      {false, 0, {{ONE, IN_CR, 0, {NULL, 0}}}, 1, HF_MISUSE},
      {false, 0, {{ONE, 0, IN_CH, {NULL, 0}}}, 1, HF_MISUSE},
      {false, 0, {{ONE, 0, 2 /* ServerHello */, {NULL, 0}}}, 1, HF_MISUSE},
      {false, 0, {{ONE, 64 /* NewSessionTicket */, 0, {NULL, 0}}}, 1, HF_MISUSE},
      {true, 0, {{ONE, IN_CH, 0, {NULL, 0}}}, 1, HF_MISUSE},
      {true, 0, {{ONE, 2, 0, {NULL, 0}}}, 1, HF_MISUSE},
      {true, 0, {{ONE, 0, IN_EE, {NULL, 0}}}, 1, HF_MISUSE},
      {true, 0, {{ONE, IN_EE | IN_CT | IN_CR, IN_CT, {NULL, 0}}}, 1, HF_OK},
      {false, 0, {{ONE, IN_CH, 0, {NULL, 0}}, {ONE, IN_CH, 0, {NULL, 0}}}, 2, HF_MISUSE},
      {false, 0, {{ONE, IN_CH, 0, {NULL, 0}}, {ONE, IN_CT, 0, {NULL, 0}}}, 2, HF_OK},
      {false, 0, {{0x2a2a, IN_CH, 0, {NULL, 0}}}, 1, HF_OK},
      {false, HF_GREASE, {{0x2a2a, IN_CH, 0, {NULL, 0}}}, 1, HF_MISUSE},
      {false, HF_GREASE, {{0x2a3a, IN_CH, 0, {NULL, 0}}}, 1, HF_OK},
      {false, 0, {{ONE, IN_CH, 0, {zeros, 16384 - 6}}}, 1, HF_OK},
      {false, 0, {{ONE, IN_CH, 0, {zeros, 16384 - 5}}}, 1, HF_MISUSE},
      {true, 0, {{ONE, IN_EE, 0, {zeros, 16384 - 12}}, {TWO, IN_EE, 0, {NULL, 0}}}, 2, HF_OK},
      {true, 0, {{ONE, IN_EE, 0, {zeros, 16384 - 12}}, {TWO, IN_EE, 0, {zeros, 1}}}, 2, HF_MISUSE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_eq(start_with(cases[i].server, cases[i].flags, cases[i].list, cases[i].num),
                 cases[i].want, "%zu", i);
}

/* A hello that cannot hold all is refused before it is made. */
Test(custom, too_long_a_hello) {
  static uint8_t names[32768], zeros[16384];
  memset(names, 63, sizeof names); /* 512 names of 63 bytes */
  const hf_extension large = {ONE, IN_CH, 0, {zeros, sizeof zeros - 6}};
  struct side_setup setup;
  struct side side;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.alpn = (hf_bytes){names, sizeof names};
  give(&setup, &large, 1);
  cr_expect_eq(side_new(&side, &setup), HF_OK);
  side_free(&side);
  setup.start.session = (hf_bytes){zeros, 8193};
  cr_expect_eq(side_new(&side, &setup), HF_MISUSE);
  side_free(&side);
  setup.start.session = (hf_bytes){NULL, 0};
  const hf_psk psk = {HF_PSK_EXTERNAL, 0x1301,   {zeros, 16000}, {zeros, 32}, 0,
                      {NULL, 0},       {NULL, 0}};
  setup.start.psks = &psk;
  setup.start.num_psks = 1;
  cr_expect_eq(side_new(&side, &setup), HF_MISUSE);
  side_free(&side);
}

/* What is stapled and what is the caller's own together fit the certificate's extensions. */
Test(custom, too_long_a_certificate) {
  static uint8_t ocsp[60000], zeros[6000];
  struct credential *credential = credential_load("ecdsa-p256");
  const hf_extension large[] = {{ONE, IN_CT, 0, {zeros, sizeof zeros}}};
  const uint16_t sigalg = 0x0403;
  hf_bytes chain[8];
  hf_identity *identity = NULL;
  struct side_setup client, server;
  struct pair pair;
  size_t num = credential_chain(chain, 8, "ecdsa-p256");
  cr_assert_eq(hf_identity_new(&identity, 1, chain, num, (hf_bytes){ocsp, sizeof ocsp},
                               (hf_bytes){NULL, 0}, (hf_codes){&sigalg, 1}),
               HF_OK);
  pair_setup(&client, &server, credential, 1);
  give(&client, of_client, 1);
  give(&server, large, 1);
  server.leaves = HF_ASK_IDENTITY;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert_not(pair_run(&pair));
  cr_assert_eq(hf_question(pair.server.conn)->ask, HF_ASK_IDENTITY);
  cr_expect_eq(hf_answer_identity(pair.server.conn, identity), HF_MISUSE);
  cr_expect_eq(hf_answer_identity(pair.server.conn, credential->identity), HF_OK);
  pair_free(&pair);
  hf_identity_free(identity);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  credential_free(credential);
}

/* ---- Where in the hello ---- */

/* They stand last, before pre_shared_key and the last of GREASE, unless the order is permuted: then
 * anywhere, side by side. */
Test(custom, place_in_the_hello) {
  size_t places = 0;
  bool seen[32] = {false};
  for (uint64_t seed = 1; seed < 80; seed++) {
    struct side_setup setup;
    struct craft_play play;
    const bool permuted = seed % 4 != 0;
    rules_setup(&setup, HF_CLIENT, permuted ? HF_PERMUTE_EXTENSIONS : HF_GREASE);
    side_entropy(&setup.start.entropy, seed);
    give(&setup, of_client, 3);
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    const struct craft_ext *exts = play.client.ext;
    size_t at = 0;
    while (at + 1 < play.client.num_ext && exts[at].type != ONE) at++;
    cr_assert_eq(exts[at].type, ONE);
    cr_expect_eq(exts[at + 1].type, THREE);
    if (!permuted) cr_expect_eq(at + 3, play.client.num_ext);
    if (permuted && !seen[at]) {
      seen[at] = true;
      places++;
    }
    rules_free(&play);
  }
  cr_expect_geq(places, 6u, "%zu places", places);
}

/* ---- With a hello that was given ---- */

/* It is what offers; the list says where answers may be. */
Test(custom, given_hello) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (int offered = 0; offered < 2; offered++) {
    static const hf_extension takes[] = {{ONE, 0, IN_EE | IN_CT, {NULL, 0}}};
    struct side_setup client, server;
    struct side made;
    struct pair pair;
    pair_setup(&client, &server, credential, 1);
    give(&client, of_client, (size_t)offered);
    cr_assert_eq(side_new(&made, &client), HF_OK);
    /* Without the record's header. */
    client.start.hello = (hf_bytes){made.out.data + 5, made.out.len - 5};
    give(&client, takes, 1);
    give(&server, of_server, 2);
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair));
    cr_expect(shows(&pair.client, IN_EE, ONE, offered ? "parameters" : NULL));
    cr_expect(shows(&pair.client, IN_CT, ONE, offered ? "certificate" : NULL));
    pair_free(&pair);
    side_free(&made);
  }
  credential_free(credential);
}

/* What came is there after a failure too. */
Test(custom, after_a_failure) {
  struct side_setup setup;
  struct craft_play play;
  rules_setup(&setup, HF_CLIENT, 0);
  give(&setup, of_client, 3);
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  struct buf body = rules_bytes("\0\x06\x7a\1\0\2ab", 8);
  rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
  cr_expect(shows(&play.side, IN_EE, ONE, "ab"));
  body = rules_bytes("", 0);
  rules_say(&play, MSG_KEY_UPDATE, &body);
  cr_expect_null(rules_verdict(&play, AL_UNEXPECTED_MESSAGE));
  cr_expect(shows(&play.side, IN_EE, ONE, "ab"));
  rules_free(&play);
}

/* R-H-25: before and after the handshake is done; once. */
Test(custom, aborted) {
  struct credential *credential = credential_load("ecdsa-p256");
  for (int done = 0; done < 2; done++) {
    struct side_setup setup;
    struct craft_play play;
    rules_setup(&setup, HF_CLIENT, 0);
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, done ? SERVER_DONE : SERVER_SAID_HELLO));
    hf_abort(play.side.conn, 71);
    hf_abort(play.side.conn, 72);
    /* Its output is taken. */
    cr_expect_eq(side_feed(&play.side, (const uint8_t *)"", 0), HF_REFUSED);
    cr_expect_null(rules_verdict(&play, 71));
    rules_free(&play);
  }
  credential_free(credential);
}
