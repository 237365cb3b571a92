/* test_psk_rules.c - rules about external PSKs, against crafted peers, with binders and imported
 * keys that are computed here: from HMAC, or (the vectors) by the Python beside them. */
#include <criterion/criterion.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <string.h>

#include "rules.h"

static const char name[] = "anna", secret[] = "the secret of anna";

/* ---- Binders, by RFC 9846 7.1 and 4.3.11.2 ---- */

/* Fills in the one binder (SHA-256), which ends |message|. */
static void bind(uint8_t out[CRAFT_HASH], const uint8_t *message, size_t len, const char *label) {
  static const uint8_t zeros[CRAFT_HASH];
  uint8_t early[CRAFT_HASH], base[CRAFT_HASH], key[CRAFT_HASH], hash[CRAFT_HASH];
  unsigned out_len;
  HMAC(EVP_sha256(), zeros, CRAFT_HASH, (const uint8_t *)secret, strlen(secret), early, &out_len);
  EVP_Digest("", 0, hash, &out_len, EVP_sha256(), NULL);
  craft_expand(base, CRAFT_HASH, early, label, hash, CRAFT_HASH);
  craft_expand(key, CRAFT_HASH, base, "finished", NULL, 0);
  EVP_Digest(message, len - 2 - 1 - CRAFT_HASH, hash, &out_len, EVP_sha256(), NULL);
  HMAC(EVP_sha256(), key, CRAFT_HASH, hash, CRAFT_HASH, out, &out_len);
}

/* Adds pre_shared_key for |name| with a binder of |label|; the hello must not change any more. */
static void add_psk(struct craft_hello *hello, const char *label) {
  struct buf list = {0}, body = {0}, plain = {0}, message = {0};
  uint8_t binder[CRAFT_HASH] = {0};
  for (int i = 0; i < 2; i++) {
    list.len = body.len = 0;
    put_vector(&list, 2, name, strlen(name));
    buf_add(&list, "\0\0\0\0", 4);
    put_vector(&body, 2, list.data, list.len);
    list.len = 0;
    put_vector(&list, 1, binder, sizeof binder);
    put_vector(&body, 2, list.data, list.len);
    craft_set_ext(hello, EXT_PRE_SHARED_KEY, body.data, body.len);
    craft_write_hello(&plain, hello, false);
    craft_message(&message, MSG_CLIENT_HELLO, plain.data, plain.len);
    if (i == 0) bind(binder, message.data, message.len, label);
  }
  buf_free(&list);
  buf_free(&body);
  buf_free(&plain);
  buf_free(&message);
}

/* R-4.3.11-10 R-4.3.11-15: what the client sends: no age, and the binder of its kind. */
Test(psk_rules, the_binder_of_a_client) {
  static const char *const labels[] = {"ext binder", "imp binder"};
  for (int i = 0; i < 2; i++) {
    struct side_setup setup;
    struct craft_play play;
    uint8_t binder[CRAFT_HASH];
    const hf_psk psk = {.kind = i == 0 ? HF_PSK_EXTERNAL : HF_PSK_IMPORTED,
                        .suite = 0x1301,
                        .identity = bytes_of(name),
                        .secret = bytes_of(secret)};
    rules_setup(&setup, HF_CLIENT, 0);
    setup.start.psks = &psk;
    setup.start.num_psks = 1;
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    const struct buf *message = &play.craft.transcript;
    bind(binder, message->data, message->len, labels[i]);
    cr_expect_arr_eq(message->data + message->len - CRAFT_HASH, binder, CRAFT_HASH);
    const struct buf *body = &craft_ext(&play.client, EXT_PRE_SHARED_KEY)->body;
    cr_expect_arr_eq(body->data, "\0\x0a\0\4anna\0\0\0\0\0\x21\x20", 15);
    play_free(&play);
  }
}

/* ---- A crafted client ---- */

static const char *used_label;
static bool alone, drop_groups, drop_share, drop_sigalgs, drop_modes;

static void edit_hello(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  if (!drop_modes) craft_set_ext(hello, EXT_PSK_MODES, alone ? "\1\0" : "\1\1", 2);
  if (drop_groups) craft_drop_ext(hello, EXT_SUPPORTED_GROUPS);
  if (drop_share) craft_drop_ext(hello, EXT_KEY_SHARE);
  if (drop_sigalgs) craft_drop_ext(hello, EXT_SIGNATURE_ALGORITHMS);
  add_psk(hello, used_label);
}

static bool knows_anna(void *arg, struct side_answer *answer, const hf_question_t *question) {
  if (question->ask == HF_ASK_SESSION) answer->psk = arg;
  return true;
}

/* The hello of edit_hello comes to a server with |flags| that knows |psk|, or none. */
static void say(struct craft_play *play, uint32_t flags, const hf_psk *psk) {
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, flags);
  setup.answer = knows_anna;
  setup.arg = (void *)psk;
  cr_assert(play_new(play, &setup, NULL, 0));
  play->edit = edit_hello;
  cr_assert(play_until(play, CLIENT_SAID_HELLO));
}

struct hello_rule {
  bool alone, drop_groups, drop_share, drop_sigalgs, drop_modes, known;
  uint32_t flags;
  int alert;    /* AL_NONE: it is taken */
  bool is_used; /* and the PSK is */
  uint16_t group;
};

/* R-4.3.9-2 R-4.3.9-4 R-4.3.9-5 R-4.3.9-6 R-4.3.3-2 */
static const struct hello_rule hello_rules[] = {
    /* psk_dhe_ke */
    {.known = true, .alert = AL_NONE, .is_used = true, .group = 0x001d},
    {.known = true, .flags = HF_ALLOW_PSK_KE, .alert = AL_NONE, .is_used = true, .group = 0x001d},
    {.known = true, .drop_sigalgs = true, .alert = AL_NONE, .is_used = true, .group = 0x001d},
    {.drop_sigalgs = true, .alert = AL_MISSING_EXTENSION},
    {.known = true, .drop_modes = true, .alert = AL_MISSING_EXTENSION},
    {.known = true, .drop_groups = true, .alert = AL_MISSING_EXTENSION},
    {.known = true, .drop_share = true, .alert = AL_MISSING_EXTENSION},
    {.known = true,
     .drop_groups = true,
     .drop_share = true,
     .flags = HF_ALLOW_PSK_KE,
     .alert = AL_MISSING_EXTENSION},
    /* psk_ke */
    {.alone = true, .known = true, .alert = AL_NONE, .group = 0x001d},
    {.alone = true, .known = true, .flags = HF_ALLOW_PSK_KE, .alert = AL_NONE, .is_used = true},
    {.alone = true, .flags = HF_ALLOW_PSK_KE, .alert = AL_NONE, .group = 0x001d},
    {.alone = true,
     .known = true,
     .drop_groups = true,
     .drop_share = true,
     .flags = HF_ALLOW_PSK_KE,
     .alert = AL_NONE,
     .is_used = true},
    {.alone = true,
     .known = true,
     .drop_groups = true,
     .drop_share = true,
     .drop_sigalgs = true,
     .flags = HF_ALLOW_PSK_KE,
     .alert = AL_NONE,
     .is_used = true},
    {.alone = true,
     .drop_groups = true,
     .drop_share = true,
     .flags = HF_ALLOW_PSK_KE,
     .alert = AL_MISSING_EXTENSION},
    {.alone = true,
     .known = true,
     .drop_groups = true,
     .drop_share = true,
     .alert = AL_MISSING_EXTENSION},
    {.alone = true,
     .known = true,
     .drop_groups = true,
     .flags = HF_ALLOW_PSK_KE,
     .alert = AL_MISSING_EXTENSION},
    {.alone = true,
     .known = true,
     .drop_share = true,
     .flags = HF_ALLOW_PSK_KE,
     .alert = AL_MISSING_EXTENSION}};

Test(psk_rules, client_hellos) {
  const hf_psk anna = {.suite = 0x1301, .secret = bytes_of(secret)};
  for (size_t i = 0; i < sizeof hello_rules / sizeof *hello_rules; i++) {
    const struct hello_rule *rule = &hello_rules[i];
    struct craft_play play;
    hf_facts facts;
    used_label = "ext binder";
    alone = rule->alone;
    drop_groups = rule->drop_groups;
    drop_share = rule->drop_share;
    drop_sigalgs = rule->drop_sigalgs;
    drop_modes = rule->drop_modes;
    say(&play, rule->flags, rule->known ? &anna : NULL);
    if (rule->alert != AL_NONE) {
      const char *wrong = rules_verdict(&play, rule->alert);
      cr_expect_null(wrong, "%zu: %s", i, wrong);
    } else {
      hf_get_facts(&facts, play.side.conn);
      cr_expect_eq(side_fault(&play.side), HF_OK, "%zu", i);
      cr_expect_eq(facts.external_psk, rule->is_used, "%zu", i);
      cr_expect_eq(facts.group, rule->group, "%zu", i);
      cr_assert(craft_hear(&play.craft, MSG_SERVER_HELLO, &play.body));
      cr_assert(craft_parse_hello(&play.server, &play.body, true));
      cr_expect_eq(craft_ext(&play.server, EXT_KEY_SHARE) != NULL, rule->group != 0, "%zu", i);
      cr_expect_eq(craft_ext(&play.server, EXT_PRE_SHARED_KEY) != NULL, rule->is_used, "%zu", i);
    }
    rules_free(&play);
  }
}

/* R-4.3.11-4 R-4.3.11-15: binders of another kind, or of a session. */
Test(psk_rules, binders_of_other_kinds) {
  static const char *const labels[] = {"ext binder", "imp binder", "res binder"};
  alone = drop_groups = drop_share = drop_sigalgs = drop_modes = false;
  for (int kind = 0; kind < 2; kind++) {
    for (int label = 0; label < 3; label++) {
      const hf_psk psk = {.kind = kind == 0 ? HF_PSK_EXTERNAL : HF_PSK_IMPORTED,
                          .suite = 0x1301,
                          .secret = bytes_of(secret)};
      struct craft_play play;
      used_label = labels[label];
      say(&play, 0, &psk);
      cr_expect_eq(side_fault(&play.side), kind == label ? HF_OK : HF_BAD_BINDER);
      if (kind != label) cr_expect_null(rules_verdict(&play, AL_DECRYPT_ERROR));
      rules_free(&play);
    }
  }
}

/* ---- A crafted server ---- */

static int selected;
static uint8_t suite;
static bool has_share;

static void answer(struct craft_hello *hello, struct craft *craft) {
  const uint8_t index[] = {0, (uint8_t)selected};
  (void)craft;
  if (selected >= 0) craft_set_ext(hello, EXT_PRE_SHARED_KEY, index, 2);
  hello->suites.data[1] = suite;
  if (!has_share) craft_drop_ext(hello, EXT_KEY_SHARE);
}

struct answer_rule {
  const char *name;
  uint32_t flags;
  int selected;
  uint8_t suite;
  bool has_share;
  int alert;
};

static void setup_client(struct side_setup *setup, hf_psk psks[2], uint32_t flags) {
  psks[0] = (hf_psk){.suite = 0x1301, .identity = bytes_of("anna"), .secret = bytes_of("secret")};
  psks[1] = (hf_psk){.suite = 0x1302, .identity = bytes_of("bert"), .secret = bytes_of("another")};
  rules_setup(setup, HF_CLIENT, flags);
  setup->start.psks = psks;
  setup->start.num_psks = 2;
}

/* R-4.3.11-6 R-4.3.9-1 R-4.3.9-7 R-4.3.8-10 */
Test(psk_rules, server_hellos) {
  static const struct answer_rule rules[] = {
      {"the first", 0, 0, 1, true, AL_NONE},
      {"the first, psk_ke allowed", HF_ALLOW_PSK_KE, 0, 1, true, AL_NONE},
      {"the first alone", HF_ALLOW_PSK_KE, 0, 1, false, AL_NONE},
      {"none", 0, -1, 1, true, AL_NONE},
      {"none, and no share", HF_ALLOW_PSK_KE, -1, 1, false, AL_MISSING_EXTENSION},
      {"alone, not offered", 0, 0, 1, false, AL_ILLEGAL_PARAMETER},
      {"out of range", 0, 2, 1, true, AL_ILLEGAL_PARAMETER},
      {"out of range, alone", HF_ALLOW_PSK_KE, 2, 1, false, AL_ILLEGAL_PARAMETER},
      {"the first with the second's hash", 0, 0, 2, true, AL_ILLEGAL_PARAMETER},
      {"the second with the first's hash", 0, 1, 1, true, AL_ILLEGAL_PARAMETER},
      {"the second", 0, 1, 2, true, AL_NONE}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct side_setup setup;
    struct craft_play play;
    hf_psk psks[2];
    hf_facts facts;
    setup_client(&setup, psks, rules[i].flags);
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    const struct craft_ext *modes = craft_ext(&play.client, EXT_PSK_MODES);
    cr_expect_eq(modes->body.len, rules[i].flags != 0 ? 3u : 2u);
    cr_expect_arr_eq(modes->body.data, rules[i].flags != 0 ? "\2\1\0" : "\1\1", modes->body.len);
    selected = rules[i].selected;
    suite = rules[i].suite;
    has_share = rules[i].has_share;
    (void)play_say_hello(&play, answer);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%s: %s", rules[i].name, wrong);
    hf_get_facts(&facts, play.side.conn);
    if (rules[i].alert == AL_NONE) {
      cr_expect_eq(facts.external_psk, selected >= 0);
      cr_expect_eq(facts.psk_index, selected >= 0 ? selected : 0);
      cr_expect_eq(facts.group, has_share ? 0x001d : 0);
      cr_expect_eq(facts.server_random.len, 32u);
    }
    play_free(&play);
  }
}

/* R-4.3.10-12: early data is the first PSK's: with another it cannot be accepted. */
Test(psk_rules, early_data_with_the_second) {
  static const char *const secrets[] = {"0123456789abcdef0123456789abcdef",
                                        "fedcba9876543210fedcba9876543210"};
  for (int index = 0; index < 2; index++) {
    struct side_setup setup;
    struct craft_play play;
    hf_psk psks[2];
    hf_fault fault;
    setup_client(&setup, psks, HF_ALLOW_EARLY_DATA);
    for (int i = 0; i < 2; i++) {
      psks[i].suite = 0x1301;
      psks[i].secret = bytes_of(secrets[i]);
      psks[i].max_early_data = 100;
    }
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    memcpy(play.craft.psk, secrets[index], CRAFT_HASH);
    selected = index;
    suite = 1;
    has_share = true;
    cr_assert(play_say_hello(&play, answer));
    struct buf body = rules_bytes("\0\4\0\x2a\0\0", 6);
    rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
    hf_get_fault(&fault, play.side.conn);
    cr_expect_eq(fault.status, index == 0 ? HF_OK : HF_EARLY_DATA_UNRESUMED, "%s", fault.text);
    cr_expect_eq(fault.alert, index == 0 ? 0 : AL_ILLEGAL_PARAMETER);
    play_free(&play);
  }
}

/* R-4.3.9-7: a share where only psk_ke was offered. */
Test(psk_rules, a_share_that_was_not_wanted) {
  struct side_setup setup;
  struct craft_play play;
  hf_psk psks[2];
  setup_client(&setup, psks, HF_ALLOW_PSK_KE);
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_HEARD_HELLO));
  struct buf hello = {0};
  buf_add(&hello, play.craft.transcript.data, play.craft.transcript.len);
  play_free(&play);
  size_t changed = 0;
  for (size_t i = 0; i + 7 <= hello.len; i++) {
    if (memcmp(hello.data + i, "\0\x2d\0\3\2\1\0", 7) != 0) continue;
    hello.data[i + 5] = 2; /* a mode that nobody knows */
    changed++;
  }
  cr_assert_eq(changed, 1u);
  setup.start.hello = (hf_bytes){hello.data, hello.len};
  for (int share = 0; share < 2; share++) {
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    selected = 0;
    suite = 1;
    has_share = share == 1;
    (void)play_say_hello(&play, answer);
    cr_expect_null(rules_verdict(&play, share ? AL_ILLEGAL_PARAMETER : AL_NONE));
    play_free(&play);
  }
  buf_free(&hello);
}

/* ---- Arguments ---- */

static hf_status start_with(const hf_psk *psks, size_t num) {
  struct side_setup setup;
  struct side side;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.start.psks = psks;
  setup.start.num_psks = num;
  hf_status status = side_new(&side, &setup);
  side_free(&side);
  return status;
}

/* R-4.3.11-9 */
Test(psk_rules, psks_that_are_none) {
  static const uint8_t zeros[24 * 1024];
  const hf_psk good = {.suite = 0x1301, .identity = bytes_of("x"), .secret = bytes_of("y")};
  hf_psk bad[2] = {good, good};
  cr_expect_eq(start_with(&good, 1), HF_OK);
  cr_expect_eq(start_with(NULL, 1), HF_MISUSE);
  bad[1].identity = bytes_of("");
  cr_expect_eq(start_with(bad, 2), HF_MISUSE);
  bad[1].identity = (hf_bytes){zeros, sizeof zeros - 2 * 55 - 1};
  cr_expect_eq(start_with(bad, 2), HF_OK);
  bad[1].identity.len++;
  cr_expect_eq(start_with(bad, 2), HF_MISUSE);
  bad[1] = good;
  bad[1].secret = bytes_of("");
  cr_expect_eq(start_with(bad, 2), HF_MISUSE);
  bad[1] = good;
  bad[1].suite = 0x1304;
  cr_expect_eq(start_with(bad, 2), HF_MISUSE);
  bad[1] = good;
  bad[1].kind = (hf_psk_kind)2;
  cr_expect_eq(start_with(bad, 2), HF_MISUSE);
  bad[1] = good;
  bad[1].alpn = (hf_bytes){zeros, 256};
  cr_expect_eq(start_with(bad, 2), HF_MISUSE);
}

static bool answers_badly(void *arg, struct side_answer *answer_, const hf_question_t *question) {
  hf_psk psk = {.suite = 0x1301, .secret = bytes_of("y")};
  hf_conn *conn = ((struct craft_play *)arg)->side.conn;
  (void)answer_;
  if (question->ask != HF_ASK_SESSION) {
    cr_expect_eq(hf_answer_psk(conn, 0, &psk, 0), HF_MISUSE);
    return false;
  }
  cr_expect_eq(question->session.hash_suite, 0);
  cr_expect_eq(hf_answer_psk(conn, 1, &psk, 0), HF_MISUSE);
  psk.suite = 0;
  cr_expect_eq(hf_answer_psk(conn, 0, &psk, 0), HF_MISUSE);
  cr_expect_eq(hf_question(conn)->ask, HF_ASK_SESSION);
  return false;
}

/* R-H-5: answers that are none leave the question. */
Test(psk_rules, answers_that_are_none) {
  struct side_setup setup;
  struct craft_play play;
  alone = drop_groups = drop_share = drop_sigalgs = drop_modes = false;
  used_label = "ext binder";
  rules_setup(&setup, HF_SERVER, 0);
  setup.answer = answers_badly;
  setup.arg = &play;
  cr_assert(play_new(&play, &setup, NULL, 0));
  play.edit = edit_hello;
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  cr_expect_eq(play.side.asked[HF_ASK_SESSION], 1u);
  cr_expect_eq(side_fault(&play.side), HF_OK);
  rules_free(&play);
}

/* ---- Importing (RFC 9258) ---- */

/* By Python, where h is sha256 or sha384 by the external PSK's KDF and H by the target's:
 *   vec = lambda b: len(b).to_bytes(2, "big") + b
 *   name = vec(b"dora") + vec(b"client and server") + bytes([3, 4, 0, target])
 *   key = hmac.new(bytes(h().digest_size), b"an external PSK that is imported", h).digest()
 *   n = H().digest_size
 *   info = n.to_bytes(2, "big") + b"\x11tls13 derived psk" + bytes([h().digest_size]) +
 *          h(name).digest()
 *   t1 = hmac.new(key, info + b"\1", h).digest()
 *   secret = (t1 + hmac.new(key, t1 + info + b"\2", h).digest())[:n] */
static const struct {
  uint16_t from, to;
  uint8_t secret[48];
} vectors[] = {
    {1, 1, {0x43, 0x5f, 0xf9, 0x93, 0xa1, 0x70, 0x0a, 0x7f, 0x80, 0xbc, 0x4a,
            0x56, 0x18, 0xdc, 0x89, 0x58, 0x3d, 0xf0, 0x2e, 0x02, 0x71, 0xaf,
            0x69, 0x0b, 0x11, 0xb9, 0x1b, 0x53, 0xe5, 0x33, 0xe9, 0xf6}},
    {1, 2, {0x2d, 0xb6, 0xda, 0xd9, 0xb1, 0x1d, 0xfd, 0xf7, 0x8c, 0x69, 0x77, 0x4a,
            0xe0, 0x95, 0x16, 0x34, 0x10, 0x09, 0xf2, 0x55, 0xe7, 0x74, 0x30, 0x56,
            0xb8, 0x39, 0xf8, 0x8d, 0x19, 0x89, 0x8c, 0x26, 0xf9, 0x56, 0x7b, 0x00,
            0xd4, 0xae, 0xbc, 0xdd, 0xa3, 0x91, 0x26, 0xac, 0x2b, 0x54, 0x47, 0xfe}},
    {2, 1, {0x02, 0x76, 0x16, 0x37, 0x69, 0x9a, 0xe1, 0x2b, 0x6f, 0x42, 0x17,
            0x55, 0xb8, 0xb3, 0x99, 0x3b, 0xbf, 0xb7, 0x71, 0xfd, 0x5f, 0xd9,
            0x5f, 0x2d, 0x89, 0x2e, 0x0a, 0x2f, 0xb7, 0x47, 0xbe, 0xa8}},
    {2, 2, {0x6c, 0x6f, 0x73, 0xce, 0xc5, 0x15, 0xb5, 0x7e, 0xb0, 0xd4, 0x7b, 0xf9,
            0xef, 0xfb, 0xbf, 0xef, 0xe6, 0xb2, 0xa6, 0x52, 0x53, 0x0c, 0x1e, 0xad,
            0x7e, 0xa9, 0xe3, 0x79, 0xdd, 0xf6, 0x7a, 0xb8, 0xa2, 0x79, 0xe4, 0xfc,
            0xdb, 0x2e, 0xe5, 0x0c, 0x86, 0x9d, 0x13, 0xaa, 0xb4, 0xb9, 0x78, 0xa2}},
};

static const char dora[] =
    "\0\4dora\0\x11"
    "client and server\3\4\0";

/* R-4.3.11-16 */
Test(psk_rules, imported_keys) {
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    uint8_t room[21 + HF_PSK_IMPORT_OVERHEAD];
    hf_imported_identity identity = {bytes_of("dora"), bytes_of("client and server"), 0x0304,
                                     vectors[i].to},
                         back;
    hf_psk psk;
    const hf_bytes epsk = bytes_of("an external PSK that is imported");
    cr_assert_eq(hf_psk_import(&psk, room, sizeof room, epsk, vectors[i].from, &identity), HF_OK);
    cr_expect_eq(psk.kind, HF_PSK_IMPORTED);
    cr_expect_eq(psk.suite, vectors[i].to == 1 ? 0x1301 : 0x1302);
    cr_assert_eq(psk.secret.len, vectors[i].to == 1 ? 32u : 48u);
    cr_expect_arr_eq(psk.secret.data, vectors[i].secret, psk.secret.len);
    cr_assert_eq(psk.identity.len, sizeof dora);
    cr_expect_arr_eq(psk.identity.data, dora, sizeof dora - 1);
    cr_expect_eq(psk.identity.data[sizeof dora - 1], vectors[i].to);
    cr_assert(hf_psk_parse_identity(&back, psk.identity));
    cr_expect_eq(back.target_kdf, vectors[i].to);
    cr_expect_eq(back.target_protocol, 0x0304);
    cr_expect_arr_eq(back.external_identity.data, "dora", 4);
    cr_expect_eq(back.context.len, 17u);
    cr_expect_eq(hf_psk_import(&psk, room, sizeof room - 1, epsk, 1, &identity), HF_SHORT_OUTPUT);
    cr_expect_eq(hf_psk_import(&psk, room, sizeof room, epsk, 3, &identity), HF_MISUSE);
    cr_expect_eq(hf_psk_import(&psk, room, sizeof room, bytes_of(""), 1, &identity), HF_MISUSE);
    identity.target_kdf = 0;
    cr_expect_eq(hf_psk_import(&psk, room, sizeof room, epsk, 1, &identity), HF_MISUSE);
    identity.target_kdf = 1;
    identity.target_protocol = 0x0303;
    cr_expect_eq(hf_psk_import(&psk, room, sizeof room, epsk, 1, &identity), HF_MISUSE);
    identity.target_protocol = 0x0304;
    identity.external_identity = bytes_of("");
    cr_expect_eq(hf_psk_import(&psk, room, sizeof room, epsk, 1, &identity), HF_MISUSE);
    cr_expect_null(psk.secret.data);
  }
}

/* Each length but the right one, and an identity of nothing. */
Test(psk_rules, names_that_are_not_imported) {
  uint8_t bytes[sizeof dora + 1] = {0};
  hf_imported_identity out;
  memcpy(bytes, dora, sizeof dora - 1);
  for (size_t len = 0; len <= sizeof bytes; len++) {
    cr_expect_eq(hf_psk_parse_identity(&out, (hf_bytes){bytes, len}), len == sizeof dora);
  }
  cr_expect_not(hf_psk_parse_identity(&out, (hf_bytes){(const uint8_t *)"\0\0\0\0\3\4\0\1", 8}));
}
