/* test_psk.c - external PSKs between two engines: several of them, both hashes, with and without a
 * certificate to fall back on, after a retry, without a key exchange, with early data, imported.
 * Each conversation is replayed with its input cut differently. */
#include <criterion/criterion.h>
#include <string.h>

#include "pair.h"

enum { MOST_EARLY = 1000 };

static const uint16_t sha256_alone[] = {0x1301, 0x1303}, sha384_alone[] = {0x1302};
static const uint16_t x25519_alone[] = {0x001d}, p256_alone[] = {0x0017},
                      p256_first[] = {0x0017, 0x001d};

/* known is what a server knows: it answers with the first PSK of its own that was offered. */
struct known {
  hf_psk psks[4];
  size_t num;
  unsigned flags;
  size_t candidates; /* of the last question */
  uint32_t ages;     /* their sum */
};

struct fixture {
  struct credential *credential;
  struct side_setup client, server;
  struct pair pair;
  hf_psk psks[4]; /* the client's */
  struct known known;
};

static hf_psk make(const char *name, const char *secret, uint16_t suite) {
  return (hf_psk){.suite = suite, .identity = bytes_of(name), .secret = bytes_of(secret)};
}

static bool same(hf_bytes a, hf_bytes b) {
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static bool look_up(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct known *known = arg;
  if (question->ask != HF_ASK_SESSION) return false;
  known->candidates = question->session.num;
  known->ages = 0;
  for (size_t i = 0; i < question->session.num; i++) {
    const hf_candidate *candidate = &question->session.candidates[i];
    known->ages += candidate->obfuscated_age;
    for (size_t k = 0; k < known->num && answer->psk == NULL; k++) {
      if (!same(candidate->name, known->psks[k].identity)) continue;
      answer->psk = &known->psks[k];
      answer->index = i;
      answer->flags = known->flags;
    }
  }
  return true;
}

/* begin: both know "anna" (SHA-256) and "bert" (SHA-384); the server has a certificate. */
static void begin(struct fixture *f) {
  memset(f, 0, sizeof *f);
  f->credential = credential_load("ecdsa-p256");
  pair_setup(&f->client, &f->server, f->credential, 21);
  f->psks[0] = f->known.psks[0] = make("anna", "a secret of thirty and two bytes", 0x1301);
  f->psks[1] = f->known.psks[1] = make("bert", "short", 0x1302);
  f->client.start.psks = f->psks;
  f->client.start.num_psks = f->known.num = 2;
  f->server.answer = look_up;
  f->server.arg = &f->known;
}

static void end(struct fixture *f) {
  pair_free(&f->pair);
  credential_free(f->credential);
}

/* A handshake that comes to READY; |index|: the PSK that was used, on both sides; -1: none. */
static void meet(struct fixture *f, int client_index, int server_index) {
  hf_facts facts[2];
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  cr_assert(pair_run(&f->pair), "client %s, server %s", hf_status_text(side_fault(&f->pair.client)),
            hf_status_text(side_fault(&f->pair.server)));
  hf_get_facts(&facts[0], f->pair.client.conn);
  hf_get_facts(&facts[1], f->pair.server.conn);
  for (int i = 0; i < 2; i++) {
    cr_expect_eq(facts[i].resumed, client_index >= 0);
    cr_expect_eq(facts[i].external_psk, client_index >= 0);
    cr_expect_eq(facts[i].server_random.len, 32u);
    if (client_index >= 0) {
      cr_expect_eq(facts[i].psk_index, i == 0 ? client_index : server_index);
    }
  }
  cr_expect_eq(f->pair.client.asked[HF_ASK_VERDICT], client_index >= 0 ? 0u : 1u);
  cr_expect_eq(side_send(&f->pair.client, (const uint8_t *)"later", 5), HF_OK);
  cr_expect_eq(side_send(&f->pair.server, (const uint8_t *)"answer", 6), HF_OK);
  (void)pair_run(&f->pair);
  cr_expect_eq(f->pair.client.app.len, 6u);
  static const size_t pieces[] = {1, 3, 0};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    const char *differs = side_replay(&f->pair.client, pieces[i]);
    cr_expect_null(differs, "client, pieces of %zu: %s", pieces[i], differs);
    differs = side_replay(&f->pair.server, pieces[i]);
    cr_expect_null(differs, "server, pieces of %zu: %s", pieces[i], differs);
  }
}

/* A handshake in which |*side| fails with |status| and |alert|. */
static void clash(struct fixture *f, bool client, hf_status status, uint8_t alert) {
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  (void)pair_run(&f->pair);
  hf_fault fault;
  hf_get_fault(&fault, client ? f->pair.client.conn : f->pair.server.conn);
  cr_expect_eq(fault.status, status, "%s", fault.text);
  cr_expect_eq(fault.alert, alert);
  hf_get_fault(&fault, client ? f->pair.server.conn : f->pair.client.conn);
  cr_expect_eq(fault.status, HF_PEER_ALERT);
  cr_expect_eq(fault.alert, alert);
}

static uint16_t suite_of(const struct fixture *f) {
  hf_facts facts;
  hf_get_facts(&facts, f->pair.server.conn);
  return facts.suite;
}

static uint16_t group_of(const struct side *side) {
  hf_facts facts;
  hf_get_facts(&facts, side->conn);
  return facts.group;
}

/* R-H-28: there is no session, and so no chain to be asked about. */
Test(psk, no_verdict) {
  struct fixture f;
  begin(&f);
  f.client.settings.flags = HF_VERIFY_RESUMED | HF_ALLOW_EARLY_DATA;
  f.psks[0].max_early_data = 100;
  meet(&f, 0, 0);
  end(&f);
}

/* R-4.3.11-9 R-4.3.11-10: the first of two; neither has an age. */
Test(psk, the_first) {
  struct fixture f;
  begin(&f);
  meet(&f, 0, 0);
  cr_expect_eq(f.known.candidates, 2u);
  cr_expect_eq(f.known.ages, 0u);
  cr_expect_eq(suite_of(&f), 0x1301);
  cr_expect_eq(f.pair.server.asked[HF_ASK_IDENTITY], 0u);
  end(&f);
}

/* R-4.3.11-11: the second, whose hash is another, makes the suite another. */
Test(psk, the_second_of_another_hash) {
  struct fixture f;
  begin(&f);
  f.known.psks[0].identity = bytes_of("carl");
  meet(&f, 1, 1);
  cr_expect_eq(suite_of(&f), 0x1302);
  end(&f);
}

Test(psk, a_suite_by_the_client_s_order) {
  struct fixture f;
  static const uint16_t suites[] = {0x1302, 0x1303, 0x1301};
  begin(&f);
  f.client.settings.suites = (hf_codes){suites, 3};
  f.server.settings.flags = HF_PREFER_CLIENT_SUITES;
  meet(&f, 0, 0);
  cr_expect_eq(suite_of(&f), 0x1303);
  end(&f);
}

/* R-4.3.11-12: what no suite of the client has is not offered. */
Test(psk, only_hashes_that_fit_are_offered) {
  struct fixture f;
  begin(&f);
  f.client.settings.suites = (hf_codes){sha384_alone, 1};
  meet(&f, 1, 0);
  cr_expect_eq(f.known.candidates, 1u);
  end(&f);
  begin(&f);
  f.client.settings.suites = (hf_codes){sha256_alone, 2};
  f.client.start.psks = &f.psks[1];
  f.client.start.num_psks = 1;
  meet(&f, -1, -1);
  cr_expect_eq(f.pair.server.asked[HF_ASK_SESSION], 0u);
  end(&f);
}

/* R-4.3.11-3: the PSK is known, but the server has no suite for it. */
Test(psk, no_suite_for_it) {
  struct fixture f;
  begin(&f);
  f.known.psks[0].identity = bytes_of("carl");
  f.server.settings.suites = (hf_codes){sha256_alone, 2};
  meet(&f, -1, -1);
  end(&f);
}

/* R-4.3.11-13: after a retry PSKs of another hash are gone, and the index counts the rest. */
Test(psk, after_a_retry) {
  struct fixture f;
  begin(&f);
  f.server.settings.suites = (hf_codes){sha384_alone, 1};
  f.server.settings.groups = (hf_codes){p256_alone, 1};
  meet(&f, 1, 0);
  cr_expect_eq(f.known.candidates, 1u);
  end(&f);
  begin(&f);
  f.server.settings.groups = (hf_codes){p256_alone, 1};
  meet(&f, 0, 0);
  cr_expect_eq(f.known.candidates, 1u);
  end(&f);
}

/* And if none is left there is no pre_shared_key. */
Test(psk, none_left_after_a_retry) {
  struct fixture f;
  begin(&f);
  f.client.start.psks = &f.psks[1];
  f.client.start.num_psks = 1;
  f.server.settings.suites = (hf_codes){sha256_alone, 2};
  f.server.settings.groups = (hf_codes){p256_alone, 1};
  meet(&f, -1, -1);
  cr_expect_eq(f.pair.server.asked[HF_ASK_SESSION], 0u);
  end(&f);
}

/* R-4.3.11-17: the suite of a retry is one for the first PSK. */
Test(psk, a_retry_for_the_first) {
  struct fixture f;
  begin(&f);
  const hf_psk anna = f.psks[0];
  f.psks[0] = f.psks[1];
  f.psks[1] = anna;
  f.server.settings.groups = (hf_codes){p256_alone, 1};
  meet(&f, 0, 0);
  cr_expect_eq(suite_of(&f), 0x1302);
  end(&f);
}

/* R-4.3.11-14: unknown names lead to certificates; without one to handshake_failure. */
Test(psk, unknown) {
  struct fixture f;
  begin(&f);
  f.known.num = 0;
  meet(&f, -1, -1);
  end(&f);
  begin(&f);
  f.known.num = 0;
  f.server.credential = NULL;
  clash(&f, false, HF_NO_IDENTITY, 40);
  end(&f);
}

Test(psk, without_any_certificate) {
  struct fixture f;
  begin(&f);
  f.server.credential = NULL;
  meet(&f, 0, 0);
  end(&f);
}

/* R-4.3.11-4. */
Test(psk, another_secret) {
  struct fixture f;
  begin(&f);
  f.known.psks[0].secret = bytes_of("a secret of thirty and two byteS");
  clash(&f, false, HF_BAD_BINDER, 51);
  end(&f);
}

/* R-4.3.11-15: the binder's label tells kinds of PSKs apart. */
Test(psk, another_kind) {
  struct fixture f;
  begin(&f);
  f.known.psks[0].kind = HF_PSK_IMPORTED;
  clash(&f, false, HF_BAD_BINDER, 51);
  end(&f);
}

/* What a client certificate is required for a PSK cannot stand for. */
Test(psk, not_where_a_certificate_is_required) {
  struct fixture f;
  begin(&f);
  f.server.settings.flags = HF_REQUIRE_CLIENT_CERT;
  clash(&f, false, HF_CERTIFICATE_REQUIRED, 116);
  cr_expect_eq(f.pair.server.asked[HF_ASK_SESSION], 1u);
  end(&f);
}

static hf_bytes kept_of(const struct fixture *f) {
  return (hf_bytes){f->pair.client.kept.data, f->pair.client.kept.len};
}

/* R-4.3.11-5: tickets that an external PSK gave are good, and come before PSKs of the next. */
Test(psk, tickets_come_of_it) {
  struct fixture f, g;
  hf_facts facts;
  begin(&f);
  f.server.settings.flags = HF_ISSUE_TICKETS;
  meet(&f, 0, 0);
  cr_assert_gt(f.pair.client.kept.len, 0u);
  begin(&g);
  g.client.start.session = kept_of(&f);
  g.server.answer = NULL; /* which knows tickets alone */
  cr_assert_eq(pair_new(&g.pair, &g.client, &g.server, 0), HF_OK);
  cr_assert(pair_run(&g.pair));
  hf_get_facts(&facts, g.pair.client.conn);
  cr_expect(facts.resumed && !facts.external_psk);
  end(&g);
  begin(&g);
  g.client.start.session = kept_of(&f);
  meet(&g, 0, 1); /* the PSK, behind the ticket */
  cr_expect_eq(g.known.candidates, 3u);
  end(&g);
  end(&f);
}

/* ---- Without a key exchange ---- */

/* R-4.3.9-3: with a group in common there is a key exchange all the same. */
Test(psk, a_key_exchange_where_it_can_be) {
  struct fixture f;
  begin(&f);
  f.client.settings.flags = f.server.settings.flags = HF_ALLOW_PSK_KE;
  meet(&f, 0, 0);
  cr_expect_eq(group_of(&f.pair.client), 0x001d);
  end(&f);
  begin(&f);
  f.client.settings.flags = f.server.settings.flags = HF_ALLOW_PSK_KE;
  f.client.settings.groups = (hf_codes){p256_first, 2};
  f.server.settings.groups = (hf_codes){x25519_alone, 1};
  meet(&f, 0, 0);
  cr_expect_eq(group_of(&f.pair.client), 0x001d);
  end(&f);
}

static void no_group(struct fixture *f, uint32_t client, uint32_t server) {
  begin(f);
  f->client.settings.flags = client;
  f->server.settings.flags = server;
  f->client.settings.groups = (hf_codes){p256_alone, 1};
  f->server.settings.groups = (hf_codes){x25519_alone, 1};
}

/* R-4.3.9-4: with none there is none, if both allow that, cookie or not. */
Test(psk, no_key_exchange) {
  static const uint32_t more[] = {0, HF_DEMAND_COOKIE, HF_EXPORT_SECRETS | HF_ISSUE_TICKETS};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    struct fixture f;
    no_group(&f, HF_ALLOW_PSK_KE, HF_ALLOW_PSK_KE | more[i]);
    meet(&f, 0, 0);
    cr_expect_eq(group_of(&f.pair.client), 0);
    cr_expect_eq(group_of(&f.pair.server), 0);
    end(&f);
  }
}

/* R-4.3.9-5: not if one of them does not, or the PSK is unknown. */
Test(psk, no_key_exchange_not_allowed) {
  struct fixture f;
  no_group(&f, 0, HF_ALLOW_PSK_KE);
  clash(&f, false, HF_NO_SHARED_GROUP, 40);
  end(&f);
  no_group(&f, HF_ALLOW_PSK_KE, 0);
  clash(&f, false, HF_NO_SHARED_GROUP, 40);
  end(&f);
  no_group(&f, HF_ALLOW_PSK_KE, HF_ALLOW_PSK_KE);
  f.known.num = 0;
  clash(&f, false, HF_NO_SHARED_GROUP, 40);
  cr_expect_eq(f.pair.server.asked[HF_ASK_SESSION], 1u);
  end(&f);
}

/* ---- Early data ---- */

static void early(struct fixture *f) {
  begin(f);
  f->client.settings.flags = f->server.settings.flags = HF_ALLOW_EARLY_DATA;
  f->client.settings.alpn = bytes_of("\2h2");
  f->server.alpn = bytes_of("h2");
  f->psks[0].max_early_data = f->known.psks[0].max_early_data = MOST_EARLY;
  f->psks[0].alpn = f->known.psks[0].alpn = bytes_of("h2");
  f->known.flags = HF_ACCEPT_EARLY;
}

/* Sends 100 bytes early; |taken|: they come. */
static void send_early(struct fixture *f, bool taken) {
  static const uint8_t data[100];
  hf_facts facts;
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  cr_assert(hf_wants(f->pair.client.conn) & HF_CAN_SEND);
  hf_get_facts(&facts, f->pair.client.conn);
  cr_expect_eq(facts.early_left, MOST_EARLY);
  cr_assert_eq(side_send(&f->pair.client, data, sizeof data), HF_OK);
  cr_assert(pair_run(&f->pair), "client %s, server %s", hf_status_text(side_fault(&f->pair.client)),
            hf_status_text(side_fault(&f->pair.server)));
  hf_get_facts(&facts, f->pair.server.conn);
  cr_expect_eq(facts.early_accepted, taken);
  cr_expect(facts.external_psk);
  cr_expect_eq(f->pair.server.app.len, taken ? sizeof data : 0);
  cr_expect_null(side_replay(&f->pair.client, 1));
  cr_expect_null(side_replay(&f->pair.server, 1));
  end(f);
}

/* R-4.3.10-10. */
Test(psk, early_data) {
  struct fixture f;
  early(&f);
  send_early(&f, true);
}

/* R-4.3.10-3: each reason to refuse it, among them another PSK than the first. */
Test(psk, early_data_refused) {
  struct fixture f;
  early(&f);
  f.known.flags = 0;
  send_early(&f, false);
  early(&f);
  f.known.psks[0].max_early_data = 0;
  send_early(&f, false);
  early(&f);
  f.known.psks[0].alpn = bytes_of("x");
  send_early(&f, false);
  early(&f);
  f.known.psks[0].suite = 0x1303;
  send_early(&f, false);
  early(&f);
  f.known.psks[0].early_context = bytes_of("another");
  send_early(&f, false);
  early(&f);
  f.known.psks[0].identity = bytes_of("carl");
  f.known.psks[1].max_early_data = MOST_EARLY;
  f.known.psks[1].alpn = bytes_of("h2");
  send_early(&f, false);
}

/* And not to offer it. */
Test(psk, no_early_data_offered) {
  for (int i = 0; i < 4; i++) {
    struct fixture f;
    early(&f);
    if (i == 0) f.psks[0].max_early_data = 0;
    if (i == 1) f.psks[0].alpn = bytes_of("x");
    if (i == 2) f.psks[0].early_context = bytes_of("another");
    if (i == 3) f.client.settings.flags = 0;
    cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
    cr_expect_not(hf_wants(f.pair.client.conn) & HF_CAN_SEND);
    end(&f);
  }
}

/* ---- Importing ---- */

/* One key for two hashes: the client imports it for both, the server for what is offered. */
struct import {
  uint8_t room[2][64 + HF_PSK_IMPORT_OVERHEAD];
  hf_psk psk;
  uint16_t only; /* the KDF that the server takes */
};

static const char epsk[] = "an external PSK that is imported";

static bool import_it(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct import *import = arg;
  hf_imported_identity identity;
  if (question->ask != HF_ASK_SESSION) return false;
  for (size_t i = 0; i < question->session.num; i++) {
    cr_assert(hf_psk_parse_identity(&identity, question->session.candidates[i].name));
    cr_assert(same(identity.external_identity, bytes_of("dora")));
    cr_assert(same(identity.context, bytes_of("client and server")));
    cr_assert_eq(identity.target_protocol, 0x0304);
    if (identity.target_kdf != import->only) continue;
    cr_assert_eq(hf_psk_import(&import->psk, import->room[0], sizeof import->room[0],
                               bytes_of(epsk), HF_KDF_SHA256, &identity),
                 HF_OK);
    answer->psk = &import->psk;
    answer->index = i;
  }
  return true;
}

/* R-4.3.11-16. */
Test(psk, imported) {
  for (uint16_t kdf = HF_KDF_SHA256; kdf <= HF_KDF_SHA384; kdf++) {
    struct fixture f;
    struct import client, server = {.only = kdf};
    begin(&f);
    for (uint16_t i = 0; i < 2; i++) {
      const hf_imported_identity identity = {bytes_of("dora"), bytes_of("client and server"),
                                             0x0304, (uint16_t)(HF_KDF_SHA256 + i)};
      cr_assert_eq(hf_psk_import(&f.psks[i], client.room[i], sizeof client.room[i], bytes_of(epsk),
                                 HF_KDF_SHA256, &identity),
                   HF_OK);
    }
    f.server.answer = import_it;
    f.server.arg = &server;
    meet(&f, kdf - HF_KDF_SHA256, kdf - HF_KDF_SHA256);
    cr_expect_eq(suite_of(&f), kdf == HF_KDF_SHA256 ? 0x1301 : 0x1302);
    end(&f);
  }
}
