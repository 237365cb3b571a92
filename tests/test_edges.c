/* test_edges.c - what happens at limits that hardly any connection comes to: the last record of a
 * key, tickets that nobody takes, lifetimes of more than a week, lists that are too long,
 * certificates that are almost right. */
#include <criterion/criterion.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <stdlib.h>
#include <string.h>

#include "craft12.h"
#include "delegate.h"
#include "engine/engine.h"
#include "pair.h"
#include "reborn.h"

struct fixture {
  struct credential *credential;
  struct side_setup client, server;
  struct pair pair;
};

static void set_up(struct fixture *f, const char *name, bool tls12) {
  memset(f, 0, sizeof *f);
  f->credential = credential_load(name);
  cr_assert_not_null(f->credential);
  pair_setup(&f->client, &f->server, f->credential, 31);
  if (!tls12) return;
  f->client.settings.version_min = f->client.settings.version_max = 0x0303;
  f->server.settings.version_min = f->server.settings.version_max = 0x0303;
}

static void ready(struct fixture *f) {
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
  cr_assert(pair_run(&f->pair));
}

static void finish(struct fixture *f) {
  pair_free(&f->pair);
  credential_free(f->credential);
}

/* ---- Records ---- */

/* close_numbered has the client close with its record |number|, and gives what the server makes of
 * that. */
static hf_status close_numbered(uint64_t number, bool tls12) {
  struct fixture f;
  hf_bytes app;
  uint8_t record[64];
  size_t len, used;
  set_up(&f, "ed25519", tls12);
  ready(&f);
  f.pair.client.conn->write.seq = f.pair.server.conn->read.seq = number;
  hf_status status = hf_close(f.pair.client.conn);
  if (status == HF_OK) {
    cr_assert_eq(hf_flush(f.pair.client.conn, &len, record, sizeof record), HF_OK);
    status = hf_open(f.pair.server.conn, &app, &used, record, len);
  } else {
    cr_expect_eq(side_fault(&f.pair.client), status);
  }
  finish(&f);
  return status;
}

/* R-5.3-1: numbers do not wrap: with the last one no record is made. */
Test(edges, sequence_numbers) {
  for (int tls12 = 0; tls12 < 2; tls12++) {
    cr_expect_eq(close_numbered(UINT64_MAX - 2, tls12), HF_OK);
    cr_expect_eq(close_numbered(UINT64_MAX - 1, tls12), HF_KEY_EXHAUSTED);
    cr_expect_eq(close_numbered(UINT64_MAX, tls12), HF_KEY_EXHAUSTED);
  }
}

/* R-6.1-1: what comes behind close_notify is passed over. */
Test(edges, bytes_behind_the_end) {
  struct fixture f;
  hf_bytes app;
  uint8_t bytes[] = "these are no record";
  size_t used;
  set_up(&f, "ed25519", false);
  ready(&f);
  cr_assert_eq(side_close(&f.pair.client), HF_OK);
  cr_assert(pair_run(&f.pair));
  cr_expect_eq(hf_open(f.pair.server.conn, &app, &used, bytes, sizeof bytes), HF_OK);
  cr_expect_eq(used, sizeof bytes);
  cr_expect_eq(app.len, 0u);
  finish(&f);
}

/* ---- Sessions ---- */

/* Of tickets that the application leaves alone four are kept: the first, about which it is asked
 * already, and the last that came. */
Test(edges, tickets_that_nobody_takes) {
  struct fixture f;
  set_up(&f, "ed25519", false);
  f.client.leaves = HF_ASK_KEEP;
  f.server.settings.flags = HF_ISSUE_TICKETS;
  ready(&f);
  hf_conn *client = f.pair.client.conn;
  for (int i = 0; i < 10; i++) {
    cr_assert_eq(side_issue_ticket(&f.pair.server), HF_OK);
    (void)pair_run(&f.pair);
  }
  size_t kept = 0;
  for (; hf_question(client)->ask == HF_ASK_KEEP; kept++)
    cr_assert_eq(hf_answer_done(client), HF_OK);
  cr_expect_eq(kept, 4u);
  cr_expect_eq(side_fault(&f.pair.client), HF_OK);
  finish(&f);
}

/* RFC 5077 3.3, with the bound of RFC 9846 4.7.1: a longer lifetime is one of a week. */
Test(edges, a_long_lifetime_in_tls12) {
  struct craft12 c;
  hf_session session;
  craft12_client(&c, 0);
  c.ticket = true;
  cr_assert(craft12_until(&c, S12_HEARD_FINISHED));
  struct buf body = rules_bytes("\xff\xff\xff\xff\0\1t", 7);
  rules_say(&c.play, MSG_NEW_SESSION_TICKET, &body);
  c.ticket = false;
  c.play.step = S12_SAID_TICKET;
  cr_assert(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side));
  const struct buf *kept = &c.play.side.kept;
  cr_assert_eq(hf_session_parse(&session, (hf_bytes){kept->data, kept->len}), HF_OK);
  cr_expect_eq(session.lifetime, 7u * 86400);
  craft12_free(&c);
}

/* A session whose suite the server does not have any more is not resumed. */
Test(edges, a_session_of_another_suite_in_tls12) {
  static const uint16_t suites[] = {0xc02b, 0xc02c};
  struct fixture f;
  struct buf session = {0};
  hf_facts facts;
  for (int again = 0; again < 2; again++) {
    set_up(&f, "ed25519", true);
    f.server.settings.flags = HF_ISSUE_TICKETS;
    f.server.settings.suites = (hf_codes){&suites[again], 1};
    f.client.start.session = (hf_bytes){session.data, session.len};
    if (again) side_entropy(&f.client.start.entropy, 99);
    ready(&f);
    hf_get_facts(&facts, f.pair.client.conn);
    cr_expect_not(facts.resumed);
    cr_expect_eq(facts.suite, suites[again]);
    buf_add(&session, f.pair.client.kept.data, f.pair.client.kept.len);
    finish(&f);
  }
  buf_free(&session);
}

/* R-H-42: a state that says that there is no key to verify with, where the handshake has come past
 * the certificate.  It can be loaded, and gets no further. */
Test(edges, a_state_without_the_peers_key) {
  struct craft_play play;
  struct buf state = {0};
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_CERTIFICATE));
  struct side *side = &play.side;
  EVP_PKEY_free(side->conn->hs->peer_key);
  side->conn->hs->peer_key = NULL;
  cr_assert(reborn_save(&state, side->conn));
  hf_free(side->conn);
  const hf_config *config = side->config;
  cr_assert_eq(hf_load(&side->conn, &config, 1, NULL, 0, (hf_bytes){state.data, state.len}), HF_OK);
  cr_expect(play_until(&play, SERVER_SAID_VERIFY));
  cr_expect_null(rules_reason(&play, HF_INTERNAL, 80 /* internal_error */));
  buf_free(&state);
  rules_free(&play);
}

/* ---- Calls ---- */

/* R-H-13: lists that no message has room for, or that name nothing. */
Test(edges, lists) {
  static const uint16_t unknown[] = {0x7777}, one[] = {0x0403};
  static uint16_t many[17];
  static const uint8_t name[65535];
  const hf_bytes names[] = {{name, 20000}, {name, 20000}}, none = {NULL, 0};
  const hf_settings settings = {.role = HF_SERVER, .authorities = names, .num_authorities = 2};
  hf_config *config;
  cr_expect_eq(hf_config_new(&config, &settings), HF_MISUSE);
  hf_bytes chain[8];
  hf_identity *identity;
  const size_t num = credential_chain(chain, 8, "ecdsa-p256");
  for (size_t i = 0; i < 17; i++) many[i] = 0x0403;
  const hf_codes lists[] = {{unknown, 1}, {NULL, 0}, {many, 17}};
  for (size_t i = 0; i < 3; i++) {
    cr_expect_eq(hf_identity_new(&identity, 1, chain, num, none, none, lists[i]), HF_MISUSE);
    cr_expect_null(identity);
  }
  cr_expect_eq(hf_identity_new(&identity, 1, chain, num, none, none, (hf_codes){one, 1}), HF_OK);
  hf_identity_free(identity);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  cr_expect_str_eq(hf_status_text((hf_status)255), "unknown error");
}

/* R-7.5-1: labels and contexts as long as they may be, and longer. */
Test(edges, what_is_exported) {
  static const uint8_t context[UINT16_MAX + 1] = {1};
  char label[251];
  memset(label, 'l', sizeof label);
  for (int tls12 = 0; tls12 < 2; tls12++) {
    struct fixture f;
    uint8_t keys[2][32] = {{0}, {1}};
    set_up(&f, "ed25519", tls12);
    ready(&f);
    hf_conn *const conns[] = {f.pair.client.conn, f.pair.server.conn};
    label[249] = '\0';
    for (int i = 0; i < 2; i++)
      cr_expect_eq(hf_export(conns[i], keys[i], 32, label, (hf_bytes){context, UINT16_MAX}), HF_OK);
    cr_expect_arr_eq(keys[0], keys[1], 32);
    label[249] = 'l', label[250] = '\0';
    cr_expect_eq(hf_export(conns[0], keys[0], 32, label, (hf_bytes){context, 1}), HF_MISUSE);
    const hf_status status =
        hf_export(conns[0], keys[0], 32, "label", (hf_bytes){context, sizeof context});
    cr_expect_eq(status, tls12 ? HF_MISUSE : HF_OK); /* RFC 5705 4: its length has 16 bits */
    finish(&f);
  }
}

/* ---- Extensions ---- */

static void with_code_2(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, 1, "\2", 1);
}

static void with_both(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, 1, "\1", 1);
  craft_set_ext(hello, EXT_RECORD_SIZE_LIMIT, "\1\0", 2);
}

/* RFC 6066 4, RFC 8449 5: a server that answers with another length, or with both limits. */
Test(edges, fragment_lengths) {
  static const struct {
    craft_edit *edit;
    hf_status status;
  } cases[] = {{with_code_2, HF_BAD_FRAGMENT_LENGTH}, {with_both, HF_BAD_RECORD_SIZE_LIMIT}};
  for (size_t i = 0; i < 2; i++) {
    struct side_setup setup;
    struct craft12 c;
    craft12_setup(&setup, HF_CLIENT, 0);
    setup.settings.max_fragment_length = 512;
    setup.settings.record_size_limit = 300;
    craft12_new(&c, &setup, "ecdsa-p256");
    c.play.edit = cases[i].edit;
    cr_assert(craft12_until(&c, S12_SAID_HELLO));
    const char *wrong = rules_reason(&c.play, cases[i].status, AL_ILLEGAL_PARAMETER);
    cr_expect_null(wrong, "%zu: %s", i, wrong);
    craft12_free(&c);
  }
}

static void without_share(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_drop_ext(hello, EXT_KEY_SHARE);
}

/* R-9.2-1: the second hello has no key_share at all. */
Test(edges, a_second_hello_without_a_share) {
  static const uint16_t p256[] = {0x0017};
  struct side_setup setup;
  struct craft_play play;
  rules_setup(&setup, HF_SERVER, HF_DEMAND_COOKIE);
  setup.settings.groups = (hf_codes){p256, 1};
  cr_assert(play_new(&play, &setup, NULL, 0));
  play.retry = true;
  play.edit_again = without_share;
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  cr_expect_null(rules_reason(&play, HF_MISSING_RETRY_SHARE, AL_MISSING_EXTENSION));
  rules_free(&play);
}

/* ---- Certificates ---- */

/* patched is the chain of |name| with |to| in the place of the first |from| in the leaf. */
static struct credential *patched(const char *name, const void *from, const void *to, size_t len) {
  hf_bytes chain[8];
  const size_t num = credential_chain(chain, 8, name);
  bool done = false;
  cr_assert_gt(num, 0u);
  uint8_t *leaf = (uint8_t *)chain[0].data;
  for (size_t i = 0; !done && i + len <= chain[0].len; i++) {
    done = memcmp(leaf + i, from, len) == 0;
    if (done) memcpy(leaf + i, to, len);
  }
  cr_assert(done, "%s has nothing of the kind", name);
  struct credential *credential = credential_make(chain, num, credential_key(name));
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  return credential;
}

/* RFC 5280 4.2.1.3: a keyUsage that is no BIT STRING. */
Test(edges, key_usage_of_another_type) {
  struct fixture f;
  set_up(&f, "ecdsa-p256", false);
  struct credential *bad =
      patched("ecdsa-p256", "\x55\x1d\x0f\1\1\xff\4\4\3", "\x55\x1d\x0f\1\1\xff\4\4\4", 9);
  cr_assert_not_null(bad);
  f.server.credential = bad;
  cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
  cr_expect_not(pair_run(&f.pair));
  cr_expect_eq(side_fault(&f.pair.client), HF_BAD_CERTIFICATE);
  finish(&f);
  credential_free(bad);
}

/* R-9345-4.1.3-3: a certificate whose notBefore is no time delegates nothing. */
Test(edges, a_delegation_that_never_begins) {
  static const uint16_t sigalgs[] = {0x0403, 0x0807};
  static const struct delegate delegate = {
      .certificate = "delegating", .key = "ed25519", .key_sigalg = 0x0807, .sigalg = 0x0403};
  static const char *const times[] = {
      "\x17\x0d"
      "2x0101",
      "\x17\x0d"
      "201301",
      "\x17\x0d"
      "200100",
      "\x18\x0d"
      "200101",
      "\x18\x0d"
      "x00101",
      "\x16\x0d"
      "200101"};
  struct buf delegated = {0};
  cr_assert(delegate_make(&delegated, &delegate));
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    struct fixture f;
    set_up(&f, "ecdsa-p256", false);
    struct credential *bad = patched("delegating",
                                     "\x17\x0d"
                                     "200101",
                                     times[i], 8);
    cr_assert_not_null(bad);
    bad->delegated_key = credential_key("ed25519");
    cr_assert_eq(
        hf_identity_set_delegated(bad->identity, (hf_bytes){delegated.data, delegated.len}), HF_OK);
    f.client.settings.delegated_sigalgs = (hf_codes){sigalgs, 2};
    f.server.credential = bad;
    cr_assert_eq(pair_new(&f.pair, &f.client, &f.server, 0), HF_OK);
    cr_expect_not(pair_run(&f.pair));
    cr_expect_eq(side_fault(&f.pair.client), HF_BAD_CERTIFICATE, "%zu", i);
    finish(&f);
    credential_free(bad);
  }
  buf_free(&delegated);
}
