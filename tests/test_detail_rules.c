/* test_detail_rules.c - single rules that need a setup of their own: lists handed to the caller,
 * record sizes, padding, the limit on keys, and shared secrets with zeros in front. */
#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/nid.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"
#include "rules.h"

#define EDIT(name) static void name(struct craft_hello *hello, struct craft *craft)

static void expect(struct craft_play *play, int alert, const char *what) {
  const char *wrong = rules_verdict(play, alert);
  cr_expect_null(wrong, "%s: %s", what, wrong);
  rules_free(play);
}

/* ---- What is handed to the caller ---- */

struct seen {
  hf_ask ask;
  struct buf cert_sigalgs; /* in network order */
  struct buf authority;
  size_t num_authorities;
};

static bool look(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct seen *seen = arg;
  (void)answer;
  if (question->ask != seen->ask) return false;
  for (size_t i = 0; i < question->identity.cert_sigalgs.num; i++)
    put16(&seen->cert_sigalgs, question->identity.cert_sigalgs.list[i]);
  seen->num_authorities = question->identity.num_authorities;
  if (seen->num_authorities > 0)
    buf_add(&seen->authority, question->identity.authorities[0].data,
            question->identity.authorities[0].len);
  return false;
}

static void free_seen(struct seen *seen) {
  buf_free(&seen->cert_sigalgs);
  buf_free(&seen->authority);
}

EDIT(cert_sigalgs) { (void)craft, craft_set_ext(hello, EXT_SIGALGS_CERT, "\0\4\4\1\4\3", 6); }

/* R-4.3.3-4: signature_algorithms_cert is handed on where it is, signature_algorithms where it is
 * not. */
Test(detail_rules, signature_algorithms_for_certificates) {
  for (int there = 0; there < 2; there++) {
    struct craft_play play;
    struct side_setup setup;
    struct seen seen = {.ask = HF_ASK_IDENTITY};
    rules_setup(&setup, HF_SERVER, 0);
    setup.answer = look;
    setup.arg = &seen;
    cr_assert(play_new(&play, &setup, NULL, 0));
    if (there) play.edit = cert_sigalgs;
    cr_assert(play_until(&play, CLIENT_DONE));
    const char *want = there ? "\4\1\4\3" : "\4\3\5\3\x08\4\x08\7";
    size_t len = there ? 4 : 8;
    cr_expect_eq(seen.cert_sigalgs.len, len);
    cr_expect_arr_eq(seen.cert_sigalgs.data, want, len);
    free_seen(&seen);
    expect(&play, AL_NONE, "signature_algorithms_cert");
  }
}

/* R-4.3.4-1 R-4.3.4-2: the authorities that either side names reach the other's caller, and only
 * those. */
static void certificate_authorities(bool of_client) {
  static const uint8_t name[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
                                 0x55, 0x04, 0x06, 0x13, 0x02, 'D',  'E'};
  const hf_bytes names[] = {{name, sizeof name}};
  struct side_setup client, server;
  struct pair pair;
  struct credential *credential = credential_load("ecdsa-p256");
  struct seen seen = {.ask = HF_ASK_IDENTITY};
  pair_setup(&client, &server, credential, 3);
  struct side_setup *from = of_client ? &client : &server, *to = of_client ? &server : &client;
  server.settings.flags = HF_REQUEST_CLIENT_CERT;
  from->settings.authorities = names;
  from->settings.num_authorities = 1;
  to->answer = look;
  to->arg = &seen;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_expect(pair_run(&pair));
  cr_expect_eq(seen.num_authorities, 1u);
  cr_assert_eq(seen.authority.len, sizeof name);
  cr_expect_arr_eq(seen.authority.data, name, sizeof name);
  pair_free(&pair);
  free_seen(&seen);
  credential_free(credential);
}

Test(detail_rules, certificate_authorities_of_the_server) { certificate_authorities(false); }
Test(detail_rules, certificate_authorities_of_the_client) { certificate_authorities(true); }

static bool refuse_hello(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_HELLO) return false;
  *answer = (struct side_answer){
      .ask = question->ask, .refuse = true, .alert = AL_NO_APPLICATION_PROTOCOL};
  return true;
}

/* R-7301-3.2-1 R-H-5. */
Test(detail_rules, no_application_protocol) {
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, 0);
  setup.answer = refuse_hello;
  cr_assert(play_new(&play, &setup, NULL, 0));
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  expect(&play, AL_NO_APPLICATION_PROTOCOL, "a hello that is refused");
}

/* R-4.3.9-1: where psk_key_exchange_modes is sent, it says psk_dhe_ke. */
Test(detail_rules, psk_modes_of_the_client) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_HEARD_HELLO));
  const struct craft_ext *modes = craft_ext(&play.client, EXT_PSK_MODES);
  if (modes != NULL) {
    cr_expect_eq(modes->body.len, 2u);
    cr_expect_arr_eq(modes->body.data, "\1\1", 2);
  }
  expect(&play, AL_NONE, "a hello");
}

/* ---- EncryptedExtensions that are right ---- */

/* Says EncryptedExtensions of |body| and goes on to the end. */
static void with_extensions(struct craft_play *play, const char *bytes, size_t len) {
  cr_assert(play_until(play, SERVER_SAID_HELLO));
  struct buf body = rules_bytes(bytes, len);
  rules_say(play, MSG_ENCRYPTED_EXTENSIONS, &body);
  play->step = SERVER_SAID_EXTENSIONS;
  cr_expect(play_until(play, SERVER_DONE));
}

/* R-4.3.7-3 R-6066-3-2 R-7301-3.1-1: supported_groups is read past, a name is acknowledged, a
 * protocol chosen. */
Test(detail_rules, encrypted_extensions_of_every_kind) {
  struct craft_play play;
  hf_facts facts;
  rules_client(&play);
  with_extensions(&play, "\0\x17\0\x0a\0\6\0\4\0\x18\x77\x77\0\0\0\0\0\x10\0\5\0\3\2bb", 25);
  hf_get_facts(&facts, play.side.conn);
  cr_expect(bytes_equal(facts.alpn, bytes_of("bb")));
  expect(&play, AL_NONE, "EncryptedExtensions");
}

/* ---- Sizes of records ---- */

static void client_with_limit(struct craft_play *play, uint16_t limit) {
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.record_size_limit = limit;
  cr_assert(play_new(play, &setup, "ecdsa-p256", 0x0403));
}

/* R-8449-4-4 R-8449-4-2: our own limit counts data, type and padding. */
Test(detail_rules, records_over_our_limit) {
  static const uint8_t data[4000];
  for (size_t pad = 0; pad < 2; pad++) {
    struct craft_play play;
    client_with_limit(&play, 4000);
    with_extensions(&play, "\0\6\0\x1c\0\2\x40\x01", 8);
    craft_record(&play.craft, REC_DATA, data, 3999 - pad, pad);
    cr_expect_null(rules_verdict(&play, AL_NONE));
    cr_expect_eq(play.side.app.len, 3999 - pad);
    craft_record(&play.craft, REC_DATA, data, 4000 - pad, pad);
    expect(&play, AL_RECORD_OVERFLOW, "a record of 4,001 bytes");
  }
  struct craft_play play;
  client_with_limit(&play, 4000);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  struct buf body = rules_bytes("\0\6\0\x1c\0\2\0\x3f", 8);
  rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
  expect(&play, AL_ILLEGAL_PARAMETER, "a limit of 63");
}

EDIT(limit_64) { (void)craft, craft_set_ext(hello, EXT_RECORD_SIZE_LIMIT, "\0\x40", 2); }

/* R-8449-4-1: the peer's limit of 64, in the handshake and after it. */
Test(detail_rules, records_under_the_peer_s_limit) {
  static const uint8_t data[1000];
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  play.edit = limit_64;
  cr_assert(play_until(&play, CLIENT_DONE));
  cr_expect_eq(side_send(&play.side, data, sizeof data), HF_OK);
  (void)craft_hear_alert(&play.craft);
  cr_expect_eq(play.craft.data.len, sizeof data);
  cr_expect_eq(play.craft.max_inner, 64u, "%zu", play.craft.max_inner);
  expect(&play, AL_NONE, "small records");
}

/* R-5.4-2: padding to a multiple, handshake and data. */
Test(detail_rules, padding_that_is_sent) {
  static const uint8_t data[100];
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, 0);
  setup.settings.padding = 64;
  cr_assert(play_new(&play, &setup, NULL, 0));
  cr_assert(play_until(&play, CLIENT_DONE));
  cr_expect_eq(side_send(&play.side, data, sizeof data), HF_OK);
  (void)craft_hear_alert(&play.craft);
  cr_expect_eq(play.craft.data.len, sizeof data);
  cr_expect_eq(play.craft.last_inner % 64, 0u, "%zu bytes", play.craft.last_inner);
  cr_expect_geq(play.craft.last_inner, sizeof data + 1);
  expect(&play, AL_NONE, "padding");
}

/* R-5.1-12 R-5.1-4 R-4.5.1-1 R-4.4.1-1: a chain of 20 KB goes in several records, each full but the
 * last; the ServerHello ends its record. */
Test(detail_rules, a_long_chain) {
  struct craft_play play;
  struct side_setup setup;
  hf_bytes leaf[8], chain[40];
  rules_setup(&setup, HF_SERVER, 0);
  struct credential *plain = (struct credential *)setup.credential;
  size_t num = credential_chain(leaf, 8, "ecdsa-p256");
  for (size_t i = 0; i < 40; i++) chain[i] = leaf[i == 0 ? 0 : num - 1];
  EVP_PKEY_up_ref(plain->key);
  setup.credential = credential_make(chain, 40, plain->key);
  cr_assert_not_null(setup.credential);
  cr_assert(play_new(&play, &setup, NULL, 0));
  cr_assert(play_until(&play, CLIENT_DONE));
  cr_expect_eq(play.craft.max_inner, 16385u);
  static const uint8_t order[] = {MSG_SERVER_HELLO, MSG_ENCRYPTED_EXTENSIONS, MSG_CERTIFICATE,
                                  MSG_CERTIFICATE_VERIFY, MSG_FINISHED};
  cr_expect_arr_eq(play.heard.data, order, sizeof order);
  for (size_t i = 0; i < num; i++) free((void *)leaf[i].data);
  credential_free(plain);
  expect(&play, AL_NONE, "a long chain");
}

/* R-5.5-1: at the limit of its suite the engine changes its keys by itself. */
Test(detail_rules, keys_that_are_worn_out) {
  struct craft_play play;
  hf_facts facts;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  hf_get_facts(&facts, play.side.conn);
  cr_expect_gt(facts.records_left, 23000000u);
  cr_expect_lt(facts.records_left, 23726567u);
  uint64_t worn = facts.records_left - 2;
  play.side.conn->write.seq += worn;
  play.craft.read.seq += worn;
  for (int i = 0; i < 4; i++) cr_expect_eq(side_send(&play.side, (const uint8_t *)"x", 1), HF_OK);
  cr_expect(craft_hear(&play.craft, MSG_KEY_UPDATE, &play.body));
  cr_expect_eq(play.body.len, 1u);
  cr_expect_eq(play.craft.data.len, 2u, "as many as records_left said");
  cr_expect_leq(play.craft.read.seq, 23726566u, "more records than 2^24.5 under one key");
  craft_next_keys(&play.craft.read);
  cr_expect_eq(craft_hear_alert(&play.craft), AL_NONE);
  cr_expect_eq(play.craft.data.len, 4u);
  expect(&play, AL_NONE, "worn keys");
}

/* ---- Proofs ---- */

/* Takes proofs away from the client when it asks for its verdict. */
struct taker {
  struct craft_play *play;
  uint8_t proof;
};

static bool forget(void *arg, struct side_answer *answer, const hf_question_t *question) {
  const struct taker *taker = arg;
  (void)answer;
  if (question->ask == HF_ASK_VERDICT) taker->play->side.conn->proofs &= (uint8_t)~taker->proof;
  return false;
}

/* R-H-22: a handshake that a check was left out of does not come to an end. */
Test(detail_rules, proofs_are_demanded) {
  static const uint8_t proofs[] = {HF_PROOF_SIGNATURE, HF_PROOF_FINISHED};
  for (size_t i = 0; i < sizeof proofs; i++) {
    struct craft_play play;
    struct side_setup setup;
    struct taker taker = {&play, proofs[i]};
    rules_setup(&setup, HF_CLIENT, 0);
    setup.answer = forget;
    setup.arg = &taker;
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    (void)play_until(&play, SERVER_SAID_FINISHED);
    cr_expect_eq(side_fault(&play.side), HF_MISSING_PROOF);
    cr_expect_not(hf_wants(play.side.conn) & (HF_READY | HF_CAN_SEND));
    rules_free(&play);
  }
}

/* ---- Shared secrets ---- */

/* x of |scalar| times the base point. */
static void times_base(BIGNUM *x, const EC_GROUP *curve, const uint8_t scalar[32]) {
  EC_POINT *product = EC_POINT_new(curve);
  BIGNUM *k = BN_bin2bn(scalar, 32, NULL);
  cr_assert(EC_POINT_mul(curve, product, k, NULL, NULL, NULL));
  cr_assert(EC_POINT_get_affine_coordinates_GFp(curve, product, x, NULL, NULL));
  BN_free(k);
  EC_POINT_free(product);
}

/* R-7.4.2-2: the peer's share is the base point; our scalar the first whose x begins with a zero
 * byte. */
Test(detail_rules, shared_secret_with_a_zero_in_front) {
  hf_entropy own = {.random = {0}};
  uint8_t point[65], secret[HF_MAX_SECRET], want[32], secret_len = 0;
  EC_GROUP *curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  BIGNUM *x = BN_new();
  unsigned scalar = 0;
  do {
    scalar++;
    own.p256[30] = (uint8_t)(scalar >> 8);
    own.p256[31] = (uint8_t)scalar;
    times_base(x, curve, own.p256);
  } while (BN_num_bytes(x) == 32);
  cr_assert(BN_bn2bin_padded(want, 32, x));
  cr_assert_eq(EC_POINT_point2oct(curve, EC_GROUP_get0_generator(curve),
                                  POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, NULL),
               sizeof point);
  CBS key;
  CBS_init(&key, point, sizeof point);
  cr_assert_eq(hf_group_agree(secret, &secret_len, hf_group_find(0x0017), &own, key, NULL), HF_OK);
  cr_expect_eq(secret_len, 32);
  cr_expect_eq(secret[0], 0);
  cr_expect_arr_eq(secret, want, 32);
  BN_free(x);
  EC_GROUP_free(curve);
}
