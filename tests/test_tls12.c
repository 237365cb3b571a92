/* test_tls12.c: TLS 1.2 between two engines in memory: full and resumed by ticket and by session
 * id, with client certificates, staples, ALPN and False Start; which sessions are not mixed;
 * versions and how they are chosen.  Each conversation is replayed with its input cut differently.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"

enum { TLS12 = 0x0303, TLS13 = 0x0304 };

struct fixture {
  struct credential *server_credential, *client_credential;
  struct side_setup client, server;
  struct pair pair;
};

static void begin(struct fixture *f, const char *server, const char *client) {
  memset(f, 0, sizeof *f);
  f->server_credential = credential_load(server);
  if (client != NULL) f->client_credential = credential_load(client);
  pair_setup(&f->client, &f->server, f->server_credential, 12);
  f->client.credential = f->client_credential;
  f->client.settings.version_min = f->server.settings.version_min = TLS12;
  f->client.settings.version_max = f->server.settings.version_max = TLS12;
}

static void replay(const struct pair *pair) {
  static const size_t pieces[] = {1, 3, 0};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    const char *differs = side_replay(&pair->client, pieces[i]);
    cr_expect_null(differs, "client, pieces of %zu: %s", pieces[i], differs);
    differs = side_replay(&pair->server, pieces[i]);
    cr_expect_null(differs, "server, pieces of %zu: %s", pieces[i], differs);
  }
}

static void talk(struct pair *pair) {
  cr_expect_eq(side_send(&pair->client, (const uint8_t *)"ping", 4), HF_OK);
  cr_expect_eq(side_send(&pair->server, (const uint8_t *)"answer", 6), HF_OK);
  (void)pair_run(pair);
  cr_expect_eq(pair->server.app.len, 4u);
  cr_expect_eq(pair->client.app.len, 6u);
}

/* A handshake that must succeed, and data both ways. */
static void run(struct fixture *f) {
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  const bool ok = pair_run(&f->pair);
  hf_fault a, b;
  hf_get_fault(&a, f->pair.client.conn);
  hf_get_fault(&b, f->pair.server.conn);
  cr_assert(ok, "client: %s in %s; server: %s in %s", a.text, a.where, b.text, b.where);
  talk(&f->pair);
  replay(&f->pair);
}

/* One that must not: who fails, and with what. */
static void fails(struct fixture *f, bool client, hf_status status, uint8_t alert) {
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  (void)pair_run(&f->pair);
  hf_fault mine, theirs;
  hf_get_fault(&mine, client ? f->pair.client.conn : f->pair.server.conn);
  hf_get_fault(&theirs, client ? f->pair.server.conn : f->pair.client.conn);
  cr_expect_eq(mine.status, status, "%s in %s", mine.text, mine.where);
  cr_expect_eq(mine.alert, alert, "alert %d", mine.alert);
  cr_expect_eq(theirs.status, HF_PEER_ALERT, "%s in %s", theirs.text, theirs.where);
  cr_expect_eq(theirs.alert, alert);
}

static hf_facts facts_of(const struct side *side) {
  hf_facts facts;
  hf_get_facts(&facts, side->conn);
  return facts;
}

static void end(struct fixture *f) {
  pair_free(&f->pair);
  credential_free(f->server_credential);
  credential_free(f->client_credential);
}

Test(tls12, every_key_and_suite) {
  static const char *const names[] = {"ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"};
  static const uint16_t suites[] = {0xc02b, 0xc02c, 0xcca9, 0xc02f, 0xc030, 0xcca8};
  static const uint16_t groups[] = {0x001d, 0x0017, 0x0018, 0x0019};
  for (size_t i = 0; i < 4 * 6 * 4; i++) {
    struct fixture f;
    const size_t cert = i % 4, suite = i / 4 % 6, group = i / 24;
    if ((cert == 3) != (suite >= 3)) continue;
    begin(&f, names[cert], NULL);
    f.server.settings.suites = (hf_codes){&suites[suite], 1};
    f.server.settings.groups = (hf_codes){&groups[group], 1};
    f.client.settings.groups = (hf_codes){groups, 4};
    run(&f);
    const hf_facts client = facts_of(&f.pair.client), server = facts_of(&f.pair.server);
    cr_expect_eq(client.version, TLS12);
    cr_expect_eq(server.version, TLS12);
    cr_expect_eq(client.suite, suites[suite]);
    cr_expect_eq(client.group, groups[group]);
    cr_expect_eq(client.sigalg, server.own_sigalg);
    cr_expect(client.extended_main_secret && server.extended_main_secret);
    cr_expect_eq(client.own_finished.len, 12u);
    cr_expect(memcmp(client.own_finished.data, server.peer_finished.data, 12) == 0);
    cr_expect(memcmp(client.peer_finished.data, server.own_finished.data, 12) == 0);
    cr_expect_eq(client.header, suite % 3 == 2 ? 5 : 13);
    cr_expect_eq(client.trailer, 16);
    end(&f);
  }
}

static bool saw_misuse;

static bool look_at_usage(void *arg, struct side_answer *answer, const hf_question_t *q) {
  (void)arg, (void)answer;
  if (q->ask == HF_ASK_VERDICT) saw_misuse = q->verdict.not_for_signing;
  return false;
}

/* R-5246-7.4.2-3: only a client that says so takes a key that may not sign, and only RSA's. */
Test(tls12, key_usage) {
  static const struct {
    const char *name;
    uint32_t flags;
    bool taken;
  } cases[] = {
      {"rsa-encipherment", 0, false},
      {"rsa-encipherment", HF_IGNORE_RSA_KEY_USAGE, true},
      {"rsa-2048", HF_IGNORE_RSA_KEY_USAGE, true},
      {"no-signing", HF_IGNORE_RSA_KEY_USAGE, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct fixture f;
    begin(&f, cases[i].name, NULL);
    f.client.settings.flags = cases[i].flags;
    f.client.answer = look_at_usage;
    saw_misuse = false;
    if (cases[i].taken) {
      run(&f);
    } else {
      fails(&f, true, HF_KEY_USAGE, 47);
    }
    cr_expect_eq(saw_misuse, i == 1, "%zu", i);
    end(&f);
  }
}

/* R-5246-7.4.2-3: clients sign always. */
Test(tls12, key_usage_of_a_client) {
  struct fixture f;
  begin(&f, "rsa-2048", "rsa-encipherment");
  f.server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_IGNORE_RSA_KEY_USAGE;
  fails(&f, false, HF_KEY_USAGE, 47);
  end(&f);
}

Test(tls12, client_certificates) {
  static const char *const names[] = {"client-ecdsa-p256", "client-ed25519", "client-rsa-2048"};
  for (size_t i = 0; i < 4; i++) {
    struct fixture f;
    begin(&f, "rsa-2048", i < 3 ? names[i] : NULL);
    f.server.settings.flags = HF_REQUEST_CLIENT_CERT;
    run(&f);
    cr_expect_eq(f.pair.server.asked[HF_ASK_VERDICT], i < 3 ? 1u : 0u);
    cr_expect_eq(facts_of(&f.pair.server).sigalg, facts_of(&f.pair.client).own_sigalg);
    end(&f);
  }
}

/* RFC 5246 7.4.6: handshake_failure, for certificate_required is TLS 1.3's. */
Test(tls12, a_client_certificate_is_required) {
  struct fixture f;
  begin(&f, "ecdsa-p256", NULL);
  f.server.settings.flags = HF_REQUIRE_CLIENT_CERT;
  fails(&f, false, HF_CERTIFICATE_REQUIRED_12, 40);
  end(&f);
}

/* ---- Sessions ---- */

/* A second connection with what the first left. */
static void again(struct fixture *f, struct pair *first) {
  *first = f->pair;
  memset(&f->pair, 0, sizeof f->pair);
  cr_assert_gt(first->client.kept.len, 0u, "there is no session");
  f->client.start.session = (hf_bytes){first->client.kept.data, first->client.kept.len};
  f->client.start.now += 5000;
  f->server.start.now += 5000;
  side_entropy(&f->client.start.entropy, 1000);
  side_entropy(&f->server.start.entropy, 1001);
}

Test(tls12, a_ticket_is_resumed) {
  struct fixture f;
  struct pair first;
  begin(&f, "ecdsa-p256", NULL);
  f.server.settings.flags = HF_ISSUE_TICKETS;
  run(&f);
  cr_expect_eq(f.pair.server.asked[HF_ASK_TICKET], 1u);
  again(&f, &first);
  run(&f);
  cr_expect(facts_of(&f.pair.client).resumed && facts_of(&f.pair.server).resumed);
  cr_expect_eq(f.pair.client.asked[HF_ASK_VERDICT], 0u);
  cr_expect_eq(f.pair.server.asked[HF_ASK_IDENTITY], 0u);
  cr_expect_eq(f.pair.client.asked[HF_ASK_KEEP], 0u, "nothing new");
  cr_expect_eq(facts_of(&f.pair.client).suite, facts_of(&first.client).suite);
  pair_free(&first);
  end(&f);
}

static bool refuse_sessions(void *arg, struct side_answer *answer, const hf_question_t *question) {
  size_t *asked = arg;
  if (question->ask != HF_ASK_VERDICT || question->verdict.num > 0) return false;
  answer->refuse = (*asked)++ > 0;
  answer->alert = 46;
  return answer->refuse;
}

/* R-H-28: in TLS 1.2 once the server has shown, by its Finished, that it is the session's. */
Test(tls12, a_sessions_chain_is_judged) {
  struct fixture f;
  struct pair first, second;
  size_t asked = 0;
  begin(&f, "ecdsa-p256", NULL);
  f.server.settings.flags = HF_ISSUE_TICKETS;
  f.client.settings.flags = HF_VERIFY_RESUMED;
  f.client.answer = refuse_sessions;
  f.client.arg = &asked;
  run(&f);
  cr_expect_eq(asked, 0u);
  again(&f, &first);
  run(&f);
  cr_expect(facts_of(&f.pair.client).resumed);
  cr_expect_eq(asked, 1u);
  second = f.pair;
  memset(&f.pair, 0, sizeof f.pair);
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  cr_expect_not(pair_run(&f.pair));
  cr_expect_eq(asked, 2u);
  cr_expect_eq(side_fault(&f.pair.client), HF_REFUSED);
  cr_expect_eq(side_fault(&f.pair.server), HF_PEER_ALERT);
  cr_expect_gt(facts_of(&f.pair.client).peer_finished.len, 0u);
  pair_free(&second);
  pair_free(&first);
  end(&f);
}

static bool renew(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask == HF_ASK_SESSION) answer->flags = HF_RENEW_TICKET;
  return true;
}

Test(tls12, a_ticket_is_renewed) {
  struct fixture f;
  struct pair first;
  begin(&f, "ecdsa-p256", NULL);
  f.server.settings.flags = HF_ISSUE_TICKETS;
  run(&f);
  again(&f, &first);
  f.server.answer = renew;
  run(&f);
  cr_expect(facts_of(&f.pair.client).resumed);
  cr_expect_eq(f.pair.client.asked[HF_ASK_KEEP], 1u);
  pair_free(&first);
  end(&f);
}

/* The server's store: one session, under its id. */
struct store {
  uint8_t id[32], state[512];
  size_t id_len, state_len;
};

static bool use_store(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct store *store = arg;
  if (question->ask == HF_ASK_KEEP) {
    cr_assert_leq(question->keep.state.len, sizeof store->state);
    memcpy(store->id, question->keep.name.data, question->keep.name.len);
    memcpy(store->state, question->keep.state.data, question->keep.state.len);
    store->id_len = question->keep.name.len;
    store->state_len = question->keep.state.len;
  }
  if (question->ask == HF_ASK_SESSION) {
    const hf_candidate *one = &question->session.candidates[0];
    cr_expect_eq(question->session.num, 1u);
    cr_expect_eq(one->kind, HF_CANDIDATE_SESSION_ID);
    if (one->name.len == store->id_len && memcmp(one->name.data, store->id, store->id_len) == 0) {
      answer->bytes = (hf_bytes){store->state, store->state_len};
    }
  }
  return true;
}

Test(tls12, a_session_id_is_resumed) {
  struct fixture f;
  struct pair first;
  struct store store = {.id_len = 0};
  begin(&f, "rsa-2048", NULL);
  f.server.settings.flags = HF_STORE_SESSIONS;
  f.server.answer = use_store;
  f.server.arg = &store;
  run(&f);
  cr_expect_eq(f.pair.server.asked[HF_ASK_KEEP], 1u);
  cr_expect_eq(store.id_len, 32u);
  again(&f, &first);
  run(&f);
  cr_expect(facts_of(&f.pair.client).resumed && facts_of(&f.pair.server).resumed);
  cr_expect_eq(f.pair.server.asked[HF_ASK_KEEP], 0u);
  pair_free(&first);
  end(&f);
}

/* A session that nobody knows any more is followed by a full handshake and a new one. */
Test(tls12, a_forgotten_session_is_made_anew) {
  struct fixture f;
  struct pair first;
  struct store store = {.id_len = 0};
  begin(&f, "rsa-2048", NULL);
  f.server.settings.flags = HF_STORE_SESSIONS;
  f.server.answer = use_store;
  f.server.arg = &store;
  run(&f);
  again(&f, &first);
  store.id_len = 0;
  run(&f);
  cr_expect_not(facts_of(&f.pair.client).resumed);
  cr_expect_eq(f.pair.server.asked[HF_ASK_KEEP], 1u);
  pair_free(&first);
  end(&f);
}

/* ---- Versions ---- */

/* RFC 9846 4.2.3: both have TLS 1.3, and that it is. */
Test(tls12, the_highest_version_is_chosen) {
  for (int i = 0; i < 4; i++) {
    struct fixture f;
    begin(&f, "ecdsa-p256", NULL);
    if (i & 1) f.client.settings.version_max = TLS13;
    if (i & 2) f.server.settings.version_max = TLS13;
    run(&f);
    cr_expect_eq(facts_of(&f.pair.client).version, i == 3 ? TLS13 : TLS12);
    const uint8_t *end_of_random = facts_of(&f.pair.client).server_random.data + 24;
    cr_expect_eq(memcmp(end_of_random, "DOWNGRD\1", 8) == 0, i == 2);
    end(&f);
  }
}

Test(tls12, a_fallback_without_need_is_refused) {
  struct fixture f;
  begin(&f, "ecdsa-p256", NULL);
  f.client.settings.flags = HF_SEND_FALLBACK_SCSV;
  f.server.settings.version_max = TLS13;
  fails(&f, false, HF_INAPPROPRIATE_FALLBACK, 86);
  end(&f);
  begin(&f, "ecdsa-p256", NULL);
  f.client.settings.flags = HF_SEND_FALLBACK_SCSV;
  run(&f);
  end(&f);
}

/* A session of one version is no session of the other. */
Test(tls12, sessions_keep_their_version) {
  for (int i = 0; i < 2; i++) {
    struct fixture f;
    struct pair first;
    begin(&f, "ecdsa-p256", NULL);
    f.server.settings.flags = HF_ISSUE_TICKETS;
    f.client.settings.version_max = TLS13;
    f.server.settings.version_max = i == 0 ? TLS12 : TLS13;
    run(&f);
    again(&f, &first);
    f.server.settings.version_max = i == 0 ? TLS13 : TLS12;
    run(&f);
    cr_expect_not(facts_of(&f.pair.client).resumed);
    cr_expect_eq(facts_of(&f.pair.client).version, i == 0 ? TLS13 : TLS12);
    pair_free(&first);
    end(&f);
  }
}

/* ---- False Start, RFC 7918 ---- */

/* R-7918-4-4 */
Test(tls12, false_start) {
  struct fixture f;
  begin(&f, "ecdsa-p256", NULL);
  f.client.settings.flags = HF_FALSE_START;
  f.client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2", 3};
  f.server.alpn = bytes_of("h2");
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  struct side *client = &f.pair.client, *server = &f.pair.server;
  (void)side_feed(server, client->out.data, client->out.len);
  buf_drop(&client->out, client->out.len);
  (void)side_feed(client, server->out.data, server->out.len);
  buf_drop(&server->out, server->out.len);
  cr_assert(hf_wants(client->conn) & HF_CAN_SEND);
  cr_assert_not(hf_wants(client->conn) & HF_READY);
  uint8_t mine[32], theirs[32];
  cr_expect_eq(hf_export(client->conn, mine, 32, "label", bytes_of("context")), HF_OK);
  cr_expect_eq(hf_export(server->conn, theirs, 32, "label", bytes_of("context")), HF_MISUSE);
  cr_expect_eq(side_send(client, (const uint8_t *)"early", 5), HF_OK);
  cr_assert(pair_run(&f.pair));
  cr_expect_eq(server->app.len, 5u);
  cr_expect_eq(hf_export(server->conn, theirs, 32, "label", bytes_of("context")), HF_OK);
  cr_expect(memcmp(mine, theirs, 32) == 0);
  replay(&f.pair);
  end(&f);
}

/* R-7918-4-3 */
Test(tls12, exporters_agree) {
  struct fixture f;
  uint8_t a[40], b[40], c[40];
  begin(&f, "ecdsa-p256", NULL);
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  struct side *client = &f.pair.client, *server = &f.pair.server;
  (void)side_feed(server, client->out.data, client->out.len);
  buf_drop(&client->out, client->out.len);
  (void)side_feed(client, server->out.data, server->out.len);
  cr_expect_eq(hf_export(client->conn, a, 40, "label", bytes_of("")), HF_MISUSE, "no Finished yet");
  pair_free(&f.pair);
  run(&f);
  const hf_bytes none = {NULL, 0}, empty = {(const uint8_t *)"", 0};
  cr_expect_eq(hf_export(f.pair.client.conn, a, 40, "label", none), HF_OK);
  cr_expect_eq(hf_export(f.pair.server.conn, b, 40, "label", none), HF_OK);
  cr_expect_eq(hf_export(f.pair.client.conn, c, 40, "label", empty), HF_OK);
  cr_expect(memcmp(a, b, 40) == 0);
  cr_expect(memcmp(a, c, 40) != 0, "RFC 5705 4");
  end(&f);
}

/* What the caller puts into EncryptedExtensions goes into the ServerHello here. */
Test(tls12, extensions_of_the_caller) {
  struct fixture f;
  const hf_extension ours = {0x7a01, HF_IN_CLIENT_HELLO, HF_IN_ENCRYPTED_EXTENSIONS,
                             bytes_of("ours")};
  const hf_extension theirs = {0x7a01, HF_IN_ENCRYPTED_EXTENSIONS, HF_IN_CLIENT_HELLO,
                               bytes_of("theirs")};
  hf_bytes got;
  begin(&f, "ecdsa-p256", NULL);
  f.client.start.extensions = &ours;
  f.server.start.extensions = &theirs;
  f.client.start.num_extensions = f.server.start.num_extensions = 1;
  run(&f);
  cr_expect(hf_peer_extension(&got, f.pair.server.conn, HF_IN_CLIENT_HELLO, 0x7a01));
  cr_expect(bytes_equal(got, bytes_of("ours")));
  cr_expect(hf_peer_extension(&got, f.pair.client.conn, HF_IN_ENCRYPTED_EXTENSIONS, 0x7a01));
  cr_expect(bytes_equal(got, bytes_of("theirs")));
  end(&f);
}

/* ---- Types of certificates ---- */

static bool see_types(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  (void)answer;
  if (question->ask == HF_ASK_IDENTITY) {
    cr_expect_eq(question->identity.types.num, 1u);
    cr_expect_eq(question->identity.types.list[0], HF_CERT_X509);
  }
  return false;
}

/* R-5246-7.4.2-21: raw public keys are of TLS 1.3: a server that has them shows its certificate,
 * and who takes nothing else fails. */
Test(tls12, certificates_are_x509) {
  static const uint16_t both[] = {HF_CERT_RAW_KEY, HF_CERT_X509};
  for (int only_raw = 0; only_raw < 2; only_raw++) {
    struct fixture f;
    begin(&f, "ecdsa-p256", NULL);
    f.client.settings.version_max = TLS13;
    f.client.settings.peer_cert_types = (hf_codes){both, only_raw ? 1 : 2};
    f.server.settings.own_cert_types = (hf_codes){both, 2};
    f.server.answer = see_types;
    if (only_raw) {
      fails(&f, true, HF_NO_CERT_TYPE, 43);
    } else {
      run(&f);
      cr_expect_not(facts_of(&f.pair.client).peer_raw_key);
    }
    end(&f);
  }
}

/* A server that demands cookies keeps nothing of a client that cannot bring one back. */
Test(tls12, no_cookie_no_tls12) {
  struct fixture f;
  begin(&f, "ecdsa-p256", NULL);
  f.server.settings.version_max = TLS13;
  f.server.settings.flags = HF_DEMAND_COOKIE;
  fails(&f, false, HF_UNSUPPORTED_VERSION, 70);
  end(&f);
}

static bool ask_about_early_data(void *arg, struct side_answer *answer,
                                 const hf_question_t *question) {
  struct pair *pair = arg;
  if (question->ask == HF_ASK_SESSION) {
    cr_expect_not(hf_early_acceptable(pair->server.conn, 0, answer->bytes));
  }
  return false;
}

/* Early data is TLS 1.3's alone: to ask about it is no harm. */
Test(tls12, no_early_data) {
  struct fixture f;
  struct pair first;
  begin(&f, "ecdsa-p256", NULL);
  f.server.settings.flags = HF_ISSUE_TICKETS;
  run(&f);
  again(&f, &first);
  f.server.answer = ask_about_early_data;
  f.server.arg = &f.pair;
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  cr_assert(pair_run(&f.pair));
  cr_expect(facts_of(&f.pair.client).resumed);
  pair_free(&first);
  end(&f);
}

/* External PSKs are TLS 1.3's: a client without it offers none. */
Test(tls12, no_external_psks) {
  struct fixture f;
  const hf_psk psk = {.suite = 0x1301,
                      .identity = bytes_of("name"),
                      .secret = bytes_of("0123456789abcdef"),
                      .max_early_data = 100};
  begin(&f, "ecdsa-p256", NULL);
  f.client.settings.flags = HF_ALLOW_EARLY_DATA;
  f.client.start.psks = &psk;
  f.client.start.num_psks = 1;
  run(&f);
  cr_expect_not(facts_of(&f.pair.client).resumed);
  end(&f);
}

/* RFC 5246 7.2.2: a client that asks again and again and reads nothing gets one warning. */
Test(tls12, warnings_do_not_pile_up) {
  struct fixture f;
  static const uint8_t again_please[] = {HF_MSG_CLIENT_HELLO, 0, 0, 0};
  begin(&f, "ecdsa-p256", NULL);
  run(&f);
  hf_conn *client = f.pair.client.conn, *server = f.pair.server.conn;
  uint32_t waits = 0;
  for (int i = 0; i < 5; i++) {
    uint8_t record[100];
    size_t len, consumed;
    hf_bytes app;
    cr_assert_eq(hf_record_write(client, HF_HANDSHAKE_RECORD, again_please, sizeof again_please),
                 HF_OK);
    cr_assert_eq(hf_flush(client, &len, record, sizeof record), HF_OK);
    cr_assert_eq(hf_open(server, &app, &consumed, record, len), HF_OK);
    if (i == 0) waits = server->out.len;
    cr_expect_gt(server->out.len, 0u);
    cr_expect_eq(server->out.len, waits);
  }
  end(&f);
}
