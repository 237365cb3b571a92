/* test_config.c - what hf_config_new, hf_identity_new and hf_new take and refuse, and the small
 * calls: record keys, tickets on demand, room that is too small, another configuration for a hello.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

static const uint16_t twice[] = {0x1301, 0x1301}, unknown[] = {0x7777}, x25519[] = {0x001d},
                      p256[] = {0x0017};
static const uint16_t reversed[] = {0x0017, 0x001d}, in_order[] = {0x001d, 0x0017},
                      sha384[] = {0x1302};
static const uint16_t not_a_sigalg[] = {0x0201};

struct case_ {
  const char *name;
  hf_settings settings;
  hf_status status;
};

/* R-H-13: values that are out of range or unknown, and lists that contradict each other, are
 * HF_MISUSE. */
Test(config, settings) {
  const hf_bytes none = {NULL, 3}, empty = {(const uint8_t *)"", 0};
  const struct case_ cases[] = {
      {"nothing said, client", {.role = HF_CLIENT}, HF_OK},
      {"nothing said, server", {.role = HF_SERVER}, HF_OK},
      {"a suite twice", {.suites = {twice, 2}}, HF_MISUSE},
      {"an unknown suite", {.suites = {unknown, 1}}, HF_MISUSE},
      {"suites that are nowhere", {.suites = {NULL, 1}}, HF_MISUSE},
      {"an unknown group", {.groups = {unknown, 1}}, HF_MISUSE},
      {"an unknown algorithm", {.verify_sigalgs = {not_a_sigalg, 1}}, HF_MISUSE},
      {"a share for no group", {.groups = {x25519, 1}, .key_shares = {p256, 1}}, HF_MISUSE},
      {"shares in order", {.groups = {in_order, 2}, .key_shares = {in_order, 2}}, HF_OK},
      {"shares out of order", {.groups = {in_order, 2}, .key_shares = {reversed, 2}}, HF_MISUSE},
      {"TLS 1.4", {.version_min = 0x0305}, HF_MISUSE},
      {"TLS 1.1 at most", {.version_max = 0x0302}, HF_MISUSE},
      {"versions that cross", {.version_min = 0x0304, .version_max = 0x0303}, HF_MISUSE},
      {"ALPN", {.alpn = {(const uint8_t *)"\2h2", 3}}, HF_OK},
      {"ALPN cut off", {.alpn = {(const uint8_t *)"\3h2", 3}}, HF_MISUSE},
      {"ALPN with an empty name", {.alpn = {(const uint8_t *)"\0\2h2", 4}}, HF_MISUSE},
      {"ALPN that is nowhere", {.alpn = {NULL, 3}}, HF_MISUSE},
      {"a name of nothing",
       {.role = HF_SERVER, .authorities = &empty, .num_authorities = 1},
       HF_MISUSE},
      {"names that are nowhere",
       {.role = HF_SERVER, .authorities = NULL, .num_authorities = 1},
       HF_MISUSE},
      {"a name that is nowhere",
       {.role = HF_SERVER, .authorities = &none, .num_authorities = 1},
       HF_MISUSE},
      {"a limit of 63", {.record_size_limit = 63}, HF_MISUSE},
      {"a limit of 64", {.record_size_limit = 64}, HF_OK},
      {"a limit of 16385", {.record_size_limit = 16385}, HF_OK},
      {"a limit of 16386", {.record_size_limit = 16386}, HF_MISUSE},
      {"63 bytes in a record", {.max_data = 63}, HF_MISUSE},
      {"64 bytes in a record", {.max_data = 64}, HF_OK},
      {"16384 bytes in a record", {.max_data = 16384}, HF_OK},
      {"16385 bytes in a record", {.max_data = 16385}, HF_MISUSE},
      {"records in QUIC", {.transport = HF_QUIC, .max_data = 512}, HF_MISUSE},
      {"padded hellos in QUIC", {.transport = HF_QUIC, .flags = HF_PAD_HELLO}, HF_MISUSE},
      {"change_cipher_spec in QUIC",
       {.role = HF_SERVER, .transport = HF_QUIC, .flags = HF_ALWAYS_CCS},
       HF_MISUSE},
      {"tickets for eight days", {.role = HF_SERVER, .ticket_lifetime = 691200}, HF_MISUSE},
      {"tickets for seven days", {.role = HF_SERVER, .ticket_lifetime = 604800}, HF_OK},
      {"no role", {.role = (hf_role)7}, HF_MISUSE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    hf_config *config = NULL;
    cr_expect_eq(hf_config_new(&config, &cases[i].settings), cases[i].status, "%s", cases[i].name);
    cr_expect_eq(config != NULL, cases[i].status == HF_OK, "%s", cases[i].name);
    hf_config_free(config);
  }
  hf_config_free(NULL);
}

/* R-H-13: identities without a certificate, or without an algorithm. */
Test(config, identities) {
  static const uint16_t sigalgs[] = {0x0403};
  const hf_bytes none = {NULL, 0}, cert = {(const uint8_t *)"0", 1},
                 empty = {(const uint8_t *)"", 0};
  const hf_codes can = {sigalgs, 1}, nothing = {NULL, 0};
  hf_identity *identity = NULL;
  cr_expect_eq(hf_identity_new(&identity, 1, &cert, 0, none, none, can), HF_MISUSE);
  cr_expect_eq(hf_identity_new(&identity, 1, &empty, 1, none, none, can), HF_MISUSE);
  cr_expect_eq(hf_identity_new(&identity, 1, &cert, 1, none, none, nothing), HF_MISUSE);
  cr_expect_null(identity);
  cr_assert_eq(hf_identity_new(&identity, 1, &cert, 1, none, none, can), HF_OK);
  cr_expect_eq(hf_identity_set_compressed(identity, 1, 100, none), HF_MISUSE);
  hf_identity_up_ref(identity);
  hf_identity_free(identity);
  hf_identity_free(identity);
  hf_identity_free(NULL);
}

/* R-H-14: private keys out of range are refused, and draw no connection. */
Test(config, entropy) {
  for (int high = 0; high < 2; high++) {
    struct side_setup client, server;
    hf_config *config;
    hf_conn *conn = NULL;
    pair_setup(&client, &server, NULL, 1);
    client.settings.groups = (hf_codes){p256, 1};
    memset(client.start.entropy.p256, high ? 0xff : 0, 32);
    cr_assert_eq(hf_config_new(&config, &client.settings), HF_OK);
    cr_expect_eq(hf_new(&conn, config, &client.start), HF_BAD_ENTROPY);
    cr_expect_null(conn);
    hf_config_free(config);
  }
  hf_free(NULL);
}

/* R-H-14: a ClientHello of the caller's that is none. */
Test(config, given_hellos) {
  static const char *const hellos[] = {"", "\1", "\2\0\0\0", "\1\0\0\1", "\1\0\0\2\3\3"};
  static const size_t lengths[] = {0, 1, 4, 4, 6};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct side_setup client, server;
    hf_config *config;
    hf_conn *conn = NULL;
    pair_setup(&client, &server, NULL, 1);
    client.start.hello = (hf_bytes){(const uint8_t *)hellos[i], lengths[i]};
    cr_assert_eq(hf_config_new(&config, &client.settings), HF_OK);
    cr_expect_neq(hf_new(&conn, config, &client.start), HF_OK, "hello %zu", i);
    cr_expect_null(conn);
    hf_config_free(config);
  }
}

/* R-H-15: hf_record_key gives the keys that records are really under. */
Test(config, record_keys) {
  struct craft_play play;
  uint8_t key[32], iv[12];
  size_t key_len = 0;
  uint64_t seq = 99;
  rules_client(&play);
  cr_expect_eq(hf_record_key(play.side.conn, true, key, &key_len, iv, &seq), HF_MISUSE);
  cr_assert(play_until(&play, SERVER_DONE));
  cr_assert_eq(side_send(&play.side, (const uint8_t *)"x", 1), HF_OK);
  cr_assert_eq(craft_hear_alert(&play.craft), AL_NONE);
  cr_assert_eq(hf_record_key(play.side.conn, true, key, &key_len, iv, &seq), HF_OK);
  cr_expect_eq(key_len, 16u);
  cr_expect_eq(seq, 1u);
  cr_expect_arr_eq(key, play.craft.read.key, 16);
  cr_expect_arr_eq(iv, play.craft.read.iv, 12);
  cr_assert_eq(hf_record_key(play.side.conn, false, key, &key_len, iv, &seq), HF_OK);
  cr_expect_eq(seq, 0u);
  cr_expect_arr_eq(key, play.craft.write.key, 16);
  cr_expect_arr_eq(iv, play.craft.write.iv, 12);
  rules_free(&play);
}

/* R-4.7.1-1 R-H-16: tickets on demand, of a ready server alone. */
Test(config, tickets_on_demand) {
  struct side_setup client, server;
  struct pair pair;
  struct credential *credential = credential_load("ecdsa-p256");
  pair_setup(&client, &server, credential, 2);
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_expect_eq(hf_issue_ticket(pair.server.conn), HF_MISUSE);
  cr_assert(pair_run(&pair));
  cr_expect_eq(pair.client.asked[HF_ASK_KEEP], 0u);
  cr_expect_eq(hf_issue_ticket(pair.client.conn), HF_MISUSE);
  for (int i = 0; i < 3; i++) cr_expect_eq(side_issue_ticket(&pair.server), HF_OK);
  (void)pair_run(&pair);
  cr_expect_eq(pair.client.asked[HF_ASK_KEEP], 3u);
  pair_free(&pair);
  credential_free(credential);
}

/* R-H-17: hf_seal in place, and into too little room, which harms nothing. */
Test(config, sealing) {
  struct craft_play play;
  hf_facts facts;
  uint8_t room[64] = {0};
  size_t written = 99;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  hf_get_facts(&facts, play.side.conn);
  cr_expect_eq(facts.header, 5);
  cr_expect_eq(facts.trailer, 17);
  cr_expect_eq(facts.max_data, 16384);
  cr_expect_eq(hf_seal(play.side.conn, &written, room, 26, (const uint8_t *)"data!", 5),
               HF_SHORT_OUTPUT);
  memcpy(room + facts.header, "data!", 5);
  cr_assert_eq(hf_seal(play.side.conn, &written, room, 27, room + facts.header, 5), HF_OK);
  cr_expect_eq(written, 27u);
  buf_add(&play.side.out, room, written);
  cr_expect_eq(craft_hear_alert(&play.craft), AL_NONE);
  cr_assert_eq(play.craft.data.len, 5u);
  cr_expect_arr_eq(play.craft.data.data, "data!", 5);
  rules_free(&play);
}

/* R-H-18: the answer to HELLO may bring another configuration, which decides from there on. */
Test(config, another_configuration_for_a_hello) {
  struct side_setup client, server;
  struct side one;
  hf_config *first, *second;
  hf_conn *conn;
  hf_facts facts;
  struct credential *credential = credential_load("ecdsa-p256");
  pair_setup(&client, &server, credential, 2);
  cr_assert_eq(side_new(&one, &client), HF_OK);
  cr_assert_eq(hf_config_new(&first, &server.settings), HF_OK);
  server.settings.suites = (hf_codes){sha384, 1};
  cr_assert_eq(hf_config_new(&second, &server.settings), HF_OK);
  cr_assert_eq(hf_new(&conn, first, &server.start), HF_OK);
  hf_config_free(first);
  hf_bytes app;
  size_t used;
  cr_assert_eq(hf_open(conn, &app, &used, one.out.data, one.out.len), HF_OK);
  cr_assert_eq(hf_question(conn)->ask, HF_ASK_HELLO);
  cr_expect_eq(hf_answer_hello(conn, one.config, (hf_bytes){NULL, 0}, NULL), HF_MISUSE,
               "a client's");
  cr_assert_eq(hf_answer_hello(conn, second, (hf_bytes){NULL, 0}, NULL), HF_OK);
  hf_config_free(second);
  cr_assert_eq(hf_question(conn)->ask, HF_ASK_IDENTITY);
  cr_assert_eq(hf_answer_identity(conn, credential->identity), HF_OK);
  hf_get_facts(&facts, conn);
  cr_expect_eq(facts.suite, 0x1302);
  hf_free(conn);
  side_free(&one);
  credential_free(credential);
}
