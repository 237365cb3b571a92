/* test_save.c - connections as bytes (hf_save, hf_load): at every step of conversations of every
 * kind an engine is saved, freed and loaded, and goes on as if nothing had been; and states that
 * are damaged, cut off or of something else are refused.  What other tests record and replay is
 * done with saving too (side_replay.c). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"
#include "quic_pair.h"
#include "reborn.h"

/* R-H-41: the bytes of the peer one by one; every message is there in every part at some step. */
static void check_each_byte(struct pair *pair) {
  const char *differs = side_replay_saved(&pair->client, 1);
  cr_expect_null(differs, "client: %s", differs);
  differs = side_replay_saved(&pair->server, 1);
  cr_expect_null(differs, "server: %s", differs);
}

/* R-H-41 R-H-1 */
Test(save, every_byte_of_a_handshake) {
  struct side_setup client, server;
  struct pair pair;
  struct credential *credential = credential_load("ecdsa-p256");
  struct credential *own = credential_load("client-ecdsa-p256");
  pair_setup(&client, &server, credential, 71);
  client.credential = own;
  client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2\1x", 5};
  server.alpn = bytes_of("h2");
  server.settings.flags = HF_DEMAND_COOKIE | HF_REQUEST_CLIENT_CERT | HF_ISSUE_TICKETS;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&pair));
  cr_assert_eq(side_rekey(&pair.client, true), HF_OK);
  cr_assert_eq(side_send(&pair.client, (const uint8_t *)"data", 4), HF_OK);
  (void)pair_run(&pair);
  cr_assert_eq(side_issue_ticket(&pair.server), HF_OK);
  (void)pair_run(&pair);
  cr_assert_eq(side_close(&pair.server), HF_OK);
  (void)pair_run(&pair);
  check_each_byte(&pair);
  pair_free(&pair);
  credential_free(own);
  credential_free(credential);
}

/* R-H-41: early data accepted, and refused by a HelloRetryRequest; while it is on its way too. */
Test(save, early_data) {
  static const uint16_t group[] = {0x0017}, both[] = {0x001d, 0x0017};
  for (int retry = 0; retry < 2; retry++) {
    struct side_setup client, server;
    struct pair first, second;
    struct credential *credential = credential_load("ecdsa-p256");
    pair_setup(&client, &server, credential, 73);
    client.settings.flags = HF_ALLOW_EARLY_DATA | HF_EXPORT_SECRETS;
    client.settings.groups = (hf_codes){both, 2};
    server.settings.flags = HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA | HF_EXPORT_SECRETS;
    server.settings.max_early_data = 1000;
    cr_assert_eq(pair_new(&first, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&first));
    client.start.session = (hf_bytes){first.client.kept.data, first.client.kept.len};
    side_entropy(&client.start.entropy, 1000);
    side_entropy(&server.start.entropy, 1001);
    if (retry) server.settings.groups = (hf_codes){group, 1};
    cr_assert_eq(pair_new(&second, &client, &server, 0), HF_OK);
    cr_assert_eq(side_send(&second.client, (const uint8_t *)"early", 5), HF_OK);
    cr_assert(pair_run(&second));
    hf_facts facts;
    hf_get_facts(&facts, second.server.conn);
    cr_expect(facts.resumed);
    cr_expect_eq(facts.early_accepted, !retry);
    check_each_byte(&second);
    pair_free(&second);
    pair_free(&first);
    credential_free(credential);
  }
}

/* What a server of TLS 1.2 keeps under an id. */
struct store {
  struct buf id, state;
};

static bool use_store(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct store *store = arg;
  if (question->ask == HF_ASK_KEEP) {
    buf_add(&store->id, question->keep.name.data, question->keep.name.len);
    buf_add(&store->state, question->keep.state.data, question->keep.state.len);
  }
  if (question->ask != HF_ASK_SESSION) return true;
  if (question->session.candidates[0].kind == HF_CANDIDATE_SESSION_ID) {
    answer->bytes = (hf_bytes){store->state.data, store->state.len};
  } else {
    answer->flags = HF_RENEW_TICKET;
  }
  return true;
}

/* R-H-41: TLS 1.2: with a client's certificate, an OCSP response and False Start; then resumed, by
 * a ticket that is renewed or by an id. */
Test(save, tls12) {
  static const uint16_t algorithm[] = {0x0403};
  for (int by_id = 0; by_id < 2; by_id++) {
    struct side_setup client, server;
    struct pair first, second;
    struct store store = {.id = {0}};
    struct credential *credential = credential_load("ecdsa-p256");
    struct credential *own = credential_load("client-ecdsa-p256");
    hf_bytes chain[8];
    const size_t num = credential_chain(chain, 8, "ecdsa-p256");
    hf_identity_free(credential->identity);
    cr_assert_eq(hf_identity_new(&credential->identity, 3, chain, num, bytes_of("a response"),
                                 (hf_bytes){NULL, 0}, (hf_codes){algorithm, 1}),
                 HF_OK);
    for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
    pair_setup(&client, &server, credential, 77);
    client.credential = own;
    client.settings.version_min = server.settings.version_min = 0x0303;
    client.settings.version_max = 0x0303;
    client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2", 3};
    client.settings.flags = HF_REQUEST_OCSP | HF_FALSE_START | HF_EXPORT_SECRETS;
    server.alpn = bytes_of("h2");
    server.settings.flags = HF_REQUEST_CLIENT_CERT | (by_id ? HF_STORE_SESSIONS : HF_ISSUE_TICKETS);
    server.answer = use_store;
    server.arg = &store;
    cr_assert_eq(pair_new(&first, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&first));
    cr_expect_eq(first.server.asked[HF_ASK_VERDICT], 1u);
    check_each_byte(&first);
    client.start.session = (hf_bytes){first.client.kept.data, first.client.kept.len};
    side_entropy(&client.start.entropy, 1000);
    side_entropy(&server.start.entropy, 1001);
    cr_assert_eq(pair_new(&second, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&second));
    cr_assert_eq(side_send(&second.client, (const uint8_t *)"data", 4), HF_OK);
    (void)pair_run(&second);
    hf_facts facts;
    hf_get_facts(&facts, second.server.conn);
    cr_expect(facts.resumed && facts.version == 0x0303);
    check_each_byte(&second);
    pair_free(&second);
    pair_free(&first);
    buf_free(&store.id);
    buf_free(&store.state);
    credential_free(own);
    credential_free(credential);
  }
}

/* R-H-41: after a failure too: what is left to send, and why. */
Test(save, failures) {
  struct side_setup client, server;
  struct pair pair;
  struct credential *credential = credential_load("ecdsa-p256");
  pair_setup(&client, &server, credential, 74);
  server.credential = NULL; /* no identity: handshake_failure */
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert_not(pair_run(&pair));
  cr_expect_eq(side_fault(&pair.server), HF_NO_IDENTITY);
  cr_expect_eq(side_fault(&pair.client), HF_PEER_ALERT);
  check_each_byte(&pair);
  pair_free(&pair);
  credential_free(credential);
}

/* R-H-41: closed in the middle of the handshake, and closed by the peer. */
Test(save, closed_early) {
  struct side_setup client, server;
  struct pair pair;
  struct credential *credential = credential_load("ecdsa-p256");
  pair_setup(&client, &server, credential, 75);
  server.leaves = HF_ASK_SIGNATURE;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  (void)pair_run(&pair);
  cr_assert_eq(side_close(&pair.server), HF_OK);
  (void)pair_run(&pair);
  cr_expect(hf_wants(pair.server.conn) & HF_CLOSED);
  check_each_byte(&pair);
  pair_free(&pair);
  credential_free(credential);
}

/* R-H-41: QUIC, whose levels wait in order; output is taken byte by byte, so that states have parts
 * of it. */
Test(save, quic) {
  struct quic_pair pair;
  struct buf sent[2][8]; /* of both, by level */
  for (int saves = 0; saves < 2; saves++) {
    quic_set(&pair, 76);
    credential_free(pair.server.credential);
    pair.server.credential = credential_load("ed25519"); /* the same signature each time */
    pair.server.settings.flags = HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
    pair.server.settings.max_early_data = 1;
    pair.client.saves = pair.server.saves = saves;
    pair.client.flush_max = pair.server.flush_max = saves ? 1 : 4096;
    pair.piece = saves ? 97 : 0;
    quic_start(&pair);
    cr_assert(quic_run(&pair));
    for (size_t i = 0; i < 8; i++) {
      const struct buf *out = &(i < 4 ? &pair.client : &pair.server)->sent[i % 4];
      sent[saves][i] = (struct buf){0};
      buf_add(&sent[saves][i], out->data, out->len);
    }
    cr_expect_gt(pair.client.kept.len, 0u);
    quic_free(&pair);
  }
  for (size_t i = 0; i < 8; i++) {
    cr_expect(bytes_equal((hf_bytes){sent[0][i].data, sent[0][i].len},
                          (hf_bytes){sent[1][i].data, sent[1][i].len}),
              "%zu", i);
    buf_free(&sent[0][i]);
    buf_free(&sent[1][i]);
  }
}

/* ---- Damaged states ---- */

/* What a state is made from, and the states of both sides in the middle of a handshake. */
struct fixture {
  struct credential *credential;
  struct side_setup client, server;
  struct pair pair;
  struct buf state;
};

/* begin_with begins with |flags| and records of at most |max_data| bytes in steps of |padding|. */
static void begin_with(struct fixture *f, hf_ask server_leaves, uint32_t flags, uint16_t max_data,
                       uint16_t padding) {
  memset(f, 0, sizeof *f);
  f->credential = credential_load("ecdsa-p256");
  pair_setup(&f->client, &f->server, f->credential, 72);
  f->server.leaves = server_leaves;
  f->server.settings.flags = flags;
  f->server.settings.max_data = max_data;
  f->server.settings.padding = padding;
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  (void)pair_run(&f->pair);
}

static void begin(struct fixture *f, hf_ask server_leaves) {
  begin_with(f, server_leaves, HF_ISSUE_TICKETS, 0, 0);
}

static void finish(struct fixture *f) {
  buf_free(&f->state);
  pair_free(&f->pair);
  credential_free(f->credential);
}

static hf_status load(hf_conn **out, const struct side *side, hf_bytes state) {
  const hf_config *config = side->config;
  const struct credential *credential = side->setup.credential;
  const hf_identity *identity = credential != NULL ? credential->identity : NULL;
  return hf_load(out, &config, 1, &identity, identity != NULL, state);
}

static void check_damaged(struct fixture *f, const struct side *side) {
  hf_conn *conn = NULL;
  cr_assert(reborn_save(&f->state, side->conn));
  for (size_t i = 0; i < f->state.len; i++) {
    f->state.data[i] ^= (uint8_t)(1 + i % 255);
    cr_assert_eq(load(&conn, side, (hf_bytes){f->state.data, f->state.len}), HF_BAD_STATE, "%zu",
                 i);
    cr_assert_null(conn);
    f->state.data[i] ^= (uint8_t)(1 + i % 255);
    hf_bytes cut = buf_copy((hf_bytes){f->state.data, i});
    cr_assert_eq(load(&conn, side, cut), HF_BAD_STATE, "%zu", i);
    free((void *)cut.data);
  }
  uint8_t more = 0;
  buf_add(&f->state, &more, 1);
  cr_expect_eq(load(&conn, side, (hf_bytes){f->state.data, f->state.len}), HF_BAD_STATE);
  cr_expect_eq(load(&conn, side, (hf_bytes){NULL, 0}), HF_BAD_STATE);
  cr_expect_eq(load(&conn, side, (hf_bytes){f->state.data, f->state.len - 1}), HF_OK);
  hf_free(conn);
}

/* R-H-42 */
Test(save, damaged_states) {
  const hf_ask stops[] = {HF_ASK_SIGNATURE, HF_ASK_TICKET};
  for (size_t i = 0; i < 2; i++) {
    struct fixture f;
    begin(&f, stops[i]);
    cr_assert_eq(hf_question(f.pair.server.conn)->ask, stops[i]);
    check_damaged(&f, &f.pair.server);
    check_damaged(&f, &f.pair.client);
    finish(&f);
  }
}

/* R-H-42: of the settings each one counts; the right configuration is found among others. */
Test(save, other_configurations) {
  struct fixture f;
  begin(&f, HF_ASK_SIGNATURE);
  cr_assert(reborn_save(&f.state, f.pair.client.conn));
  const hf_bytes state = {f.state.data, f.state.len};
  static const uint16_t suites[] = {0x1301}, groups[] = {0x001d, 0x0017}, algorithms[] = {0x0403};
  const hf_settings plain = f.client.settings;
  hf_settings other[12];
  for (size_t i = 0; i < 12; i++) other[i] = plain;
  other[0].suites = (hf_codes){suites, 1};
  other[1].groups = (hf_codes){groups, 2};
  other[2].verify_sigalgs = (hf_codes){algorithms, 1};
  other[3].cert_sigalgs = (hf_codes){algorithms, 1};
  other[4].alpn = bytes_of("\2h2");
  other[5].decompressors = (hf_codes){algorithms, 1};
  other[6].flags = HF_REQUEST_OCSP;
  other[7].max_message = 5000;
  other[8].max_flight = 5000;
  other[9].record_size_limit = 600;
  other[10].padding = 16;
  other[11].role = HF_SERVER;
  const hf_config *configs[13];
  hf_conn *conn = NULL;
  for (size_t i = 0; i < 12; i++) {
    hf_config *config;
    cr_assert_eq(hf_config_new(&config, &other[i]), HF_OK);
    configs[i] = config;
    cr_expect_eq(hf_load(&conn, &configs[i], 1, NULL, 0, state), HF_MISUSE, "%zu", i);
    cr_expect_null(conn);
  }
  hf_config *again;
  cr_assert_eq(hf_config_new(&again, &plain), HF_OK);
  configs[12] = again;
  cr_expect_eq(hf_load(&conn, configs, 12, NULL, 0, state), HF_MISUSE);
  cr_expect_eq(hf_load(&conn, NULL, 0, NULL, 0, state), HF_MISUSE);
  cr_expect_eq(hf_load(&conn, configs, 13, NULL, 0, state), HF_OK);
  hf_free(conn);
  for (size_t i = 0; i < 13; i++) hf_config_free((hf_config *)configs[i]);
  finish(&f);
}

/* R-H-42: a server that has chosen an identity needs it until it has signed, and not afterwards. */
Test(save, other_identities) {
  struct fixture f;
  begin(&f, HF_ASK_SIGNATURE);
  struct credential *other = credential_load("ecdsa-p384");
  const hf_config *config = f.pair.server.config;
  const hf_identity *identities[] = {other->identity, f.credential->identity};
  hf_conn *conn = NULL;
  cr_assert(reborn_save(&f.state, f.pair.server.conn));
  const hf_bytes state = {f.state.data, f.state.len};
  cr_expect_eq(hf_load(&conn, &config, 1, NULL, 0, state), HF_MISUSE);
  cr_expect_eq(hf_load(&conn, &config, 1, identities, 1, state), HF_MISUSE);
  cr_expect_eq(hf_load(&conn, &config, 1, identities, 2, state), HF_OK);
  cr_assert_not_null(conn);
  cr_expect_eq(hf_question(conn)->signature.identity, f.credential->identity);
  struct buf signature = {0};
  const hf_question_t *q = hf_question(conn);
  cr_assert(
      credential_sign(&signature, f.credential->key, q->signature.sigalg, q->signature.input));
  cr_assert_eq(hf_answer_signature(conn, (hf_bytes){signature.data, signature.len}), HF_OK);
  cr_assert(reborn_save(&f.state, conn));
  hf_free(conn);
  cr_expect_eq(hf_load(&conn, &config, 1, NULL, 0, (hf_bytes){f.state.data, f.state.len}), HF_OK);
  hf_free(conn);
  buf_free(&signature);
  credential_free(other);
  finish(&f);
}

/* R-H-42: a direction that early data does not go in is under its keys in no state. */
Test(save, early_keys_of_the_wrong_side) {
  struct fixture f;
  begin(&f, HF_ASK_SIGNATURE);
  hf_conn *conn = f.pair.server.conn, *loaded = NULL;
  const uint8_t level = conn->write.level;
  conn->hs->early_suite = conn->suite;
  conn->write.level = HF_EARLY;
  cr_assert(reborn_save(&f.state, conn));
  conn->write.level = level;
  cr_expect_eq(load(&loaded, &f.pair.server, (hf_bytes){f.state.data, f.state.len}), HF_BAD_STATE);
  hf_free(loaded);
  finish(&f);
}

/* R-H-42: nobody resumes before anything was negotiated. */
Test(save, resumed_too_early) {
  struct fixture f;
  hf_conn *loaded = NULL;
  begin(&f, HF_ASK_HELLO);
  f.pair.server.conn->flags |= RESUMED;
  cr_assert(reborn_save(&f.state, f.pair.server.conn));
  cr_expect_eq(load(&loaded, &f.pair.server, (hf_bytes){f.state.data, f.state.len}), HF_BAD_STATE);
  hf_free(loaded);
  finish(&f);
}

/* R-H-42: the hello that a HelloRetryRequest is for is gone, and that a cookie came with. */
Test(save, without_the_hello) {
  static const uint8_t content[36] = {0x13, 0x01};
  for (int i = 0; i < 2; i++) {
    struct fixture f;
    hf_conn *loaded = NULL;
    begin_with(&f, i == 0 ? HF_ASK_COOKIE : HF_ASK_HELLO, i == 0 ? HF_DEMAND_COOKIE : 0, 0, 0);
    hf_conn *conn = f.pair.server.conn;
    conn->hs->hello.message.len = 0;
    conn->hs->transcript.hello_waits = false;
    if (i == 1) { /* as if COOKIE were asked, which is one row before */
      conn->flags |= COOKIE;
      conn->row--;
      conn->hs->question.ask = HF_ASK_COOKIE;
    }
    cr_assert(reborn_save(&f.state, conn));
    cr_assert_eq(load(&loaded, &f.pair.server, (hf_bytes){f.state.data, f.state.len}), HF_OK);
    cr_expect_eq(hf_answer_cookie(loaded, (hf_bytes){content, sizeof content}), HF_INTERNAL);
    hf_free(loaded);
    finish(&f);
  }
}

/* R-H-42: a transcript of another hash than the suite's, one that waits for a hello that is not
 * there, and a client's without its hello. */
Test(save, transcripts_that_cannot_be) {
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    hf_conn *loaded = NULL;
    begin(&f, HF_ASK_SIGNATURE);
    const struct side *side = i == 2 ? &f.pair.client : &f.pair.server;
    hf_transcript *transcript = &side->conn->hs->transcript;
    const hf_transcript was = *transcript;
    if (i == 0) transcript->hash_len = 32 + 48 - transcript->hash_len;
    if (i == 0) hf_hash_begin(&transcript->hash, transcript->hash_len);
    if (i == 1) transcript->hello_waits = true;
    if (i == 2) transcript->hello_waits = false;
    if (i == 2) transcript->hash_len = 0;
    cr_assert(reborn_save(&f.state, side->conn));
    *transcript = was;
    cr_expect_eq(load(&loaded, side, (hf_bytes){f.state.data, f.state.len}), HF_BAD_STATE, "%d", i);
    hf_free(loaded);
    finish(&f);
  }
}

/* R-H-42: what is hashed is no use with another hash, whoever asks for that. */
Test(save, transcript_of_another_hash) {
  struct fixture f;
  uint8_t got[HF_MAX_HASH], want[SHA256_DIGEST_LENGTH], bytes[100] = {0};
  begin(&f, HF_ASK_HELLO);
  hf_transcript *transcript = &f.pair.server.conn->hs->transcript;
  transcript->hash_len = SHA384_DIGEST_LENGTH;
  hf_hash_begin(&transcript->hash, SHA384_DIGEST_LENGTH);
  hf_hash_add(&transcript->hash, SHA384_DIGEST_LENGTH, bytes, sizeof bytes);
  SHA256(bytes, 3, want);
  const size_t len =
      hf_transcript_hash_with(got, f.pair.server.conn, hf_suite_find(0x1301), (hf_bytes){bytes, 3});
  cr_expect(bytes_equal((hf_bytes){got, len}, (hf_bytes){want, sizeof want}));
  finish(&f);
}

/* R-H-42: limits that no extension can set. */
Test(save, limits_that_nobody_can_set) {
  for (int i = 0; i < 3; i++) {
    struct fixture f;
    begin_with(&f, HF_ASK_SIGNATURE, HF_ISSUE_TICKETS, 300, 0);
    hf_conn *loaded = NULL;
    hf_hs *hs = f.pair.server.conn->hs;
    if (i == 0) hs->fragment = 200;
    if (i == 1) hs->peer_limit = 1;
    if (i == 2) f.pair.server.conn->max_data = 301;
    cr_assert(reborn_save(&f.state, f.pair.server.conn));
    cr_expect_eq(load(&loaded, &f.pair.server, (hf_bytes){f.state.data, f.state.len}),
                 HF_BAD_STATE);
    hf_free(loaded);
    finish(&f);
  }
}

/* R-H-42: a limit that can be, but is less than what goes out in the clear, for which it is not:
 * the cookie is longer than a padded record might be. */
Test(save, less_than_what_is_in_the_clear) {
  static const uint8_t cookie[3000];
  struct fixture f;
  hf_conn *loaded = NULL;
  begin_with(&f, HF_ASK_COOKIE, HF_DEMAND_COOKIE, 0, 64);
  f.pair.server.conn->max_data = 63;
  cr_assert(reborn_save(&f.state, f.pair.server.conn));
  cr_assert_eq(load(&loaded, &f.pair.server, (hf_bytes){f.state.data, f.state.len}), HF_OK);
  cr_assert_eq(hf_answer_cookie(loaded, (hf_bytes){cookie, sizeof cookie}), HF_OK);
  cr_expect(hf_wants(loaded) & HF_WANT_OUTPUT);
  cr_expect_geq(loaded->out.cap, loaded->out.len);
  hf_free(loaded);
  finish(&f);
}
