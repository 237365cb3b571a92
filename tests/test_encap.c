/* test_encap.c - HF_ASK_ENCAP, with any libcrypto: the hybrid groups with a KEM that is none, but
 * whose keys and ciphertexts are as long as ML-KEM's.  It stands here in the place of mlkem.c: the
 * linker takes a member of the engine's archive for names alone that nobody has. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"
#include "rules.h"

enum { PUBLIC_768 = 1184, PUBLIC_1024 = 1568, CIPHER_768 = 1088, CIPHER_1024 = 1568 };

/* The key is the seed's first byte again and again, the ciphertext one byte, the secret is both. */
static bool public_768(uint8_t *out, const uint8_t *seed) {
  memset(out, seed[0], PUBLIC_768);
  return true;
}

static bool public_1024(uint8_t *out, const uint8_t *seed) {
  memset(out, seed[0], PUBLIC_1024);
  return true;
}

static bool decap(uint8_t *out, const uint8_t *ciphertext, const uint8_t *seed) {
  memset(out, ciphertext[0] ^ seed[0], HF_KEM_SECRET);
  return true;
}

const hf_kem hf_kem_mlkem768 = {PUBLIC_768, CIPHER_768, offsetof(hf_entropy, mlkem768), public_768,
                                decap};
const hf_kem hf_kem_mlkem1024 = {PUBLIC_1024, CIPHER_1024, offsetof(hf_entropy, mlkem1024),
                                 public_1024, decap};

static const struct {
  uint16_t id;
  size_t key_len, ciphertext_len;
} groups[] = {{0x11ec, PUBLIC_768, CIPHER_768},
              {0x11eb, PUBLIC_768, CIPHER_768},
              {0x11ed, PUBLIC_1024, CIPHER_1024}};
enum { NUM_GROUPS = sizeof groups / sizeof *groups };

static struct { uint8_t ciphertext[CIPHER_1024 + 1], secret[HF_KEM_SECRET + 1]; } made;
static bool refuses;

static void encapsulate(const hf_question_t *q) {
  memset(made.ciphertext, 0x5a, sizeof made.ciphertext);
  memset(made.secret, 0x5a ^ q->encap.key.data[0], sizeof made.secret);
}

static size_t ciphertext_len(uint16_t group) {
  for (size_t i = 0; i < NUM_GROUPS; i++)
    if (groups[i].id == group) return groups[i].ciphertext_len;
  return 0;
}

static bool answer(void *arg, struct side_answer *answer, const hf_question_t *q) {
  (void)arg;
  if (q->ask != HF_ASK_ENCAP) return false;
  encapsulate(q);
  *answer = (struct side_answer){.ask = HF_ASK_ENCAP,
                                 .bytes = {made.ciphertext, ciphertext_len(q->encap.group)},
                                 .secret = {made.secret, HF_KEM_SECRET}};
  if (refuses) *answer = (struct side_answer){.ask = HF_ASK_ENCAP, .refuse = true, .alert = 80};
  return true;
}

struct fixture {
  uint16_t both[2];
  struct credential *credential;
  struct side_setup client, server;
  struct pair pair;
};

/* begin begins a handshake with |group|, for which the client has no share at first with |retry|;
 * the server leaves the question |leaves| alone. */
static void begin(struct fixture *f, uint16_t group, bool retry, hf_ask leaves) {
  memset(f, 0, sizeof *f);
  f->both[0] = 0x001d;
  f->both[1] = group;
  f->credential = credential_load("ed25519");
  cr_assert_not_null(f->credential);
  pair_setup(&f->client, &f->server, f->credential, 77);
  f->client.settings.groups = (hf_codes){f->both, 2};
  f->client.settings.key_shares = (hf_codes){retry ? f->both : f->both + 1, 1};
  f->server.settings.groups = (hf_codes){f->both + 1, 1};
  f->server.answer = answer;
  f->server.leaves = leaves;
  cr_assert_eq(pair_new(&f->pair, &f->client, &f->server, 0), HF_OK);
}

static void finish(struct fixture *f) {
  pair_free(&f->pair);
  credential_free(f->credential);
}

/* Each group, with its share in the first hello or in the second; and again, cut and saved. */
Test(encap, handshakes) {
  for (size_t i = 0; i < 2 * NUM_GROUPS; i++) {
    struct fixture f;
    hf_facts facts;
    begin(&f, groups[i / 2].id, i % 2, HF_ASK_NONE);
    cr_assert(pair_run(&f.pair), "group %04x", groups[i / 2].id);
    hf_get_facts(&facts, f.pair.client.conn);
    cr_expect_eq(facts.group, groups[i / 2].id);
    cr_expect_eq(facts.retried, i % 2);
    cr_expect_eq(f.pair.server.asked[HF_ASK_ENCAP], 1u);
    cr_expect_null(side_replay(&f.pair.server, 0));
    cr_expect_null(side_replay(&f.pair.server, 1));
    cr_expect_null(side_replay(&f.pair.client, 0));
    finish(&f);
  }
}

/* What is asked; R-H-4: an answer of another length is HF_MISUSE and changes nothing. */
Test(encap, answered_late_and_wrongly) {
  for (size_t i = 0; i < NUM_GROUPS; i++) {
    struct fixture f;
    begin(&f, groups[i].id, false, HF_ASK_ENCAP);
    cr_assert_not(pair_run(&f.pair));
    hf_conn *server = f.pair.server.conn;
    const hf_question_t *q = hf_question(server);
    cr_assert_eq(q->ask, HF_ASK_ENCAP);
    cr_expect_eq(q->encap.group, groups[i].id);
    cr_expect_eq(q->encap.key.len, groups[i].key_len);
    encapsulate(q);
    const size_t len = groups[i].ciphertext_len;
    const size_t wrong[][2] = {{len + 1, HF_KEM_SECRET},
                               {len - 1, HF_KEM_SECRET},
                               {len, HF_KEM_SECRET + 1},
                               {len, HF_KEM_SECRET - 1}};
    for (size_t w = 0; w < 4; w++) {
      const hf_bytes ciphertext = {made.ciphertext, wrong[w][0]};
      const hf_bytes secret = {made.secret, wrong[w][1]};
      cr_expect_eq(hf_answer_encap(server, ciphertext, secret), HF_MISUSE);
      cr_expect_eq(hf_question(server)->ask, HF_ASK_ENCAP);
    }
    cr_expect_eq(hf_answer_encap(f.pair.client.conn, (hf_bytes){made.ciphertext, len},
                                 (hf_bytes){made.secret, HF_KEM_SECRET}),
                 HF_MISUSE);
    cr_expect_eq(hf_answer_encap(server, (hf_bytes){made.ciphertext, len},
                                 (hf_bytes){made.secret, HF_KEM_SECRET}),
                 HF_OK);
    cr_expect_eq(side_feed(&f.pair.server, (const uint8_t *)"", 0), HF_OK);
    cr_expect(pair_run(&f.pair));
    finish(&f);
  }
}

/* R-H-5 */
Test(encap, refused) {
  struct fixture f;
  refuses = true;
  begin(&f, 0x11ec, false, HF_ASK_NONE);
  cr_expect_not(pair_run(&f.pair));
  cr_expect_eq(side_fault(&f.pair.server), HF_REFUSED);
  cr_expect_eq(side_fault(&f.pair.client), HF_PEER_ALERT);
  finish(&f);
}

/* A share that is shorter or longer than the group's, down to a byte. */
Test(encap, shares_of_other_lengths) {
  static const uint16_t ids[] = {0x11ec};
  static const size_t lens[] = {1, 32, PUBLIC_768, PUBLIC_768 + 31, PUBLIC_768 + 33};
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    struct side_setup setup;
    struct craft_play play;
    struct buf list = {0}, share = {0}, body = {0};
    uint8_t key[PUBLIC_768 + 33] = {9};
    rules_setup(&setup, HF_SERVER, 0);
    setup.settings.groups = (hf_codes){ids, 1};
    setup.answer = answer;
    cr_assert(play_new(&play, &setup, NULL, 0));
    craft_default_client_hello(&play.craft, &play.client);
    put16(&share, ids[0]);
    put_vector(&share, 2, key, lens[i]);
    put_vector(&list, 2, share.data, share.len);
    craft_set_ext(&play.client, EXT_SUPPORTED_GROUPS, "\0\2\x11\xec", 4);
    craft_set_ext(&play.client, EXT_KEY_SHARE, list.data, list.len);
    craft_write_hello(&body, &play.client, false);
    rules_say(&play, MSG_CLIENT_HELLO, &body);
    const char *wrong = rules_reason(&play, HF_BAD_KEY_SHARE, AL_ILLEGAL_PARAMETER);
    cr_expect_null(wrong, "%zu bytes: %s", lens[i], wrong);
    rules_free(&play);
    buf_free(&list);
    buf_free(&share);
  }
}
