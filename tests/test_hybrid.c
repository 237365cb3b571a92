/* test_hybrid.c - hybrid groups (draft-ietf-tls-ecdhe-mlkem): how shares and secrets are joined,
 * with a KEM that is none, and handshakes with ML-KEM where libcrypto has it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"

#if BORINGSSL_API_VERSION >= 32
#include <openssl/mlkem.h>
#define HAVE_MLKEM 1
#else
#define HAVE_MLKEM 0
#endif

/* ---- The joining, with a KEM whose bytes are easily told apart ---- */

static bool toy_public(uint8_t *out, const uint8_t *seed) {
  memset(out, seed[0], 8);
  return true;
}

static bool toy_decap(uint8_t *out, const uint8_t *ciphertext, const uint8_t *seed) {
  (void)seed;
  memset(out, ciphertext[0] ^ 0xff, HF_KEM_SECRET);
  return true;
}

static const hf_kem toy = {8, 5, offsetof(hf_entropy, mlkem768), toy_public, toy_decap};
static const hf_kem toy_1024 = {8, 5, offsetof(hf_entropy, mlkem1024), toy_public, toy_decap};

struct sizes {
  uint16_t id;
  bool kem_first;
};
/* X25519MLKEM768 has the KEM's part first, the two others have it last. */
static const struct sizes orders[] = {{0x11ec, true}, {0x11eb, false}, {0x11ed, false}};

static hf_group toy_group(const struct sizes *order) {
  static const uint16_t classic_ids[] = {0x001d, 0x0017, 0x0018};
  hf_group group = *hf_group_find(classic_ids[order - orders]);
  group.id = order->id;
  group.kem = order->id == 0x11ed ? &toy_1024 : &toy;
  group.kem_first = order->kem_first;
  return group;
}

static hf_bytes share_of(const hf_group *group, const hf_entropy *entropy, hf_bytes ciphertext,
                         uint8_t *room, size_t room_len) {
  CBB cbb;
  size_t len;
  cr_assert(CBB_init_fixed(&cbb, room, room_len));
  cr_assert_eq(hf_group_public(&cbb, group, entropy, ciphertext), HF_OK);
  cr_assert(CBB_finish(&cbb, NULL, &len));
  return (hf_bytes){room, len};
}

static CBS cbs_of(hf_bytes bytes) {
  CBS cbs;
  CBS_init(&cbs, bytes.data, bytes.len);
  return cbs;
}

/* Both sides agree; the parts of shares and secrets lie in the order of the group. */
Test(hybrid, shares_and_secrets_are_joined_in_order) {
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    const hf_group group = toy_group(&orders[i]);
    hf_entropy client, server;
    side_entropy(&client, 1);
    side_entropy(&server, 2);
    client.mlkem768[0] = client.mlkem1024[0] = 0x77;
    uint8_t a[256], b[256], secret_a[HF_MAX_SECRET], secret_b[HF_MAX_SECRET], len_a, len_b;
    uint8_t kem_secret[HF_KEM_SECRET];
    const uint8_t ciphertext[] = {0x55, 0x55, 0x55, 0x55, 0x55};
    memset(kem_secret, 0x55 ^ 0xff, sizeof kem_secret);
    const hf_bytes hello = share_of(&group, &client, (hf_bytes){NULL, 0}, a, sizeof a);
    const hf_bytes answer = share_of(&group, &server, (hf_bytes){ciphertext, 5}, b, sizeof b);
    cr_assert_eq(hello.len, hf_group_share_len(&group));
    cr_assert_eq(hello.len, group.public_len + 8u);
    cr_assert_eq(answer.len, group.public_len + 5u);
    cr_expect_eq(hello.data[orders[i].kem_first ? 0 : group.public_len], 0x77);
    cr_expect_eq(answer.data[orders[i].kem_first ? 0 : group.public_len], 0x55);
    cr_assert_eq(hf_group_agree(secret_a, &len_a, &group, &client, cbs_of(answer), NULL), HF_OK);
    cr_assert_eq(hf_group_agree(secret_b, &len_b, &group, &server, cbs_of(hello), kem_secret),
                 HF_OK);
    cr_assert_eq(len_a, group.private_len + HF_KEM_SECRET);
    cr_assert_eq(len_a, len_b);
    cr_expect_arr_eq(secret_a, secret_b, len_a);
    cr_expect_arr_eq(secret_a + (orders[i].kem_first ? 0 : group.private_len), kem_secret,
                     HF_KEM_SECRET);
    /* A share that is a byte short or long is no share. */
    cr_expect_eq(hf_group_agree(secret_b, &len_b, &group, &server,
                                cbs_of((hf_bytes){hello.data, hello.len - 1}), kem_secret),
                 HF_BAD_KEY_SHARE);
    cr_expect_eq(hf_group_agree(secret_a, &len_a, &group, &client,
                                cbs_of((hf_bytes){answer.data, answer.len - 1}), NULL),
                 HF_BAD_KEY_SHARE);
  }
}

/* ---- Handshakes ---- */

#if HAVE_MLKEM
static struct { uint8_t ciphertext[MLKEM1024_CIPHERTEXT_BYTES], secret[32]; } made;

static bool encapsulate(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_ENCAP) return false;
  CBS key = cbs_of(question->encap.key);
  size_t len;
  if (question->encap.group == 0x11ed) {
    struct MLKEM1024_public_key public_key;
    cr_assert(MLKEM1024_parse_public_key(&public_key, &key));
    MLKEM1024_encap(made.ciphertext, made.secret, &public_key);
    len = MLKEM1024_CIPHERTEXT_BYTES;
  } else {
    struct MLKEM768_public_key public_key;
    cr_assert(MLKEM768_parse_public_key(&public_key, &key));
    MLKEM768_encap(made.ciphertext, made.secret, &public_key);
    len = MLKEM768_CIPHERTEXT_BYTES;
  }
  *answer = (struct side_answer){
      .ask = HF_ASK_ENCAP, .bytes = {made.ciphertext, len}, .secret = {made.secret, 32}};
  return true;
}

static void handshake(uint16_t group, bool retry) {
  const uint16_t groups[] = {0x001d, group}, only[] = {group};
  struct side_setup client, server;
  struct pair pair;
  hf_facts facts;
  struct credential *credential = credential_load("ecdsa-p256");
  cr_assert_not_null(credential);
  pair_setup(&client, &server, credential, 7);
  client.settings.groups = (hf_codes){groups, 2};
  client.settings.key_shares = (hf_codes){retry ? groups : only, 1};
  server.settings.groups = (hf_codes){only, 1};
  server.answer = encapsulate;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&pair), "group %04x", group);
  hf_get_facts(&facts, pair.client.conn);
  cr_expect_eq(facts.group, group);
  cr_expect_eq(facts.retried, retry);
  cr_expect_eq(pair.server.asked[HF_ASK_ENCAP], 1u);
  pair_free(&pair);
  credential_free(credential);
}
#endif

/* A handshake with each, with and without a retry; a libcrypto without ML-KEM leaves
 * the groups unknown. */
Test(hybrid, handshakes_where_there_is_ml_kem) {
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
#if HAVE_MLKEM
    handshake(orders[i].id, false);
    handshake(orders[i].id, true);
#else
    hf_config *config;
    const hf_settings settings = {.groups = {&orders[i].id, 1}};
    cr_expect_eq(hf_config_new(&config, &settings), HF_MISUSE);
    cr_expect_null(config);
#endif
  }
  printf("ML-KEM: %s\n", HAVE_MLKEM ? "three groups, six handshakes" : "none in this libcrypto");
}
