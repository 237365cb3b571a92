/* test_hello_padding.c - HF_PAD_HELLO: which hellos get the padding extension (RFC 7685), and how
 * much; what servers make of it, and of what a session brings behind it. */
#include <criterion/criterion.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

TestSuite(hello_padding, .timeout = 60);

enum { TROUBLE = 256, GOOD = 512 };

/* What a client's first hello is like. */
struct shape {
  size_t len;     /* of the message, with its header */
  size_t padding; /* of the body; SIZE_MAX: there is none */
  bool in_place;  /* the extension is the last but pre_shared_key */
  bool zeros;
};

static void shape_of(struct shape *out, const struct craft_play *play) {
  const struct craft_hello *hello = &play->client;
  *out = (struct shape){.len = play->craft.transcript.len, .padding = SIZE_MAX, .zeros = true};
  for (size_t i = 0; i < hello->num_ext; i++) {
    const struct buf *body = &hello->ext[i].body;
    if (hello->ext[i].type != EXT_PADDING) continue;
    out->padding = body->len;
    for (size_t j = 0; j < body->len; j++) out->zeros = out->zeros && body->data[j] == 0;
    out->in_place = i + 1 == hello->num_ext ||
                    (i + 2 == hello->num_ext && hello->ext[i + 1].type == EXT_PRE_SHARED_KEY);
  }
}

/* The hello of a client with |flags|, a name of |name_len| bytes and maybe a session. */
static void hello_of(struct shape *out, uint32_t flags, size_t name_len, hf_bytes session) {
  static uint8_t name[250];
  struct side_setup setup;
  struct craft_play play;
  memset(name, 'n', sizeof name);
  rules_setup(&setup, HF_CLIENT, flags);
  setup.start.server_name = (hf_bytes){name, name_len};
  setup.start.session = session;
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_HEARD_HELLO));
  shape_of(out, &play);
  rules_free(&play);
}

/* RFC 7685 4: 512 bytes at least, with an extension of a 4-byte head and one byte at least. */
static size_t padded(size_t len) {
  if (len < TROUBLE || len >= GOOD) return len;
  return len + 4 + 1 > GOOD ? len + 4 + 1 : GOOD;
}

/* Compares the hellos with and without |HF_PAD_HELLO| over a range of lengths. */
static void sweep(uint32_t flags, hf_bytes session) {
  size_t below = 0, within = 0, beyond = 0, tight = 0;
  for (size_t name_len = 1; name_len <= 250; name_len++) {
    struct shape plain, with;
    hello_of(&plain, flags, name_len, session);
    hello_of(&with, flags | HF_PAD_HELLO, name_len, session);
    cr_assert_eq(plain.padding, SIZE_MAX, "padding unasked");
    const bool troubled = plain.len >= TROUBLE && plain.len < GOOD;
    cr_expect_eq(with.len, padded(plain.len), "%zu to %zu bytes", plain.len, with.len);
    cr_expect_eq(with.padding != SIZE_MAX, troubled, "%zu bytes", plain.len);
    cr_expect(!troubled || (with.in_place && with.zeros && with.padding > 0));
    below += plain.len < TROUBLE;
    within += troubled;
    beyond += plain.len >= GOOD;
    tight += troubled && with.len > GOOD;
  }
  cr_expect_gt(within, 100u);
  cr_expect_gt(below + beyond, 0u, "the edges are not met");
  cr_expect(beyond == 0 || tight == 4, "%zu hellos of 508 to 511 bytes", tight);
}

/* A session's state, of a handshake with the name "n...". */
static void make_session(struct buf *out) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 3);
  server.settings.flags |= HF_ISSUE_TICKETS;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&pair));
  buf_add(out, pair.client.kept.data, pair.client.kept.len);
  pair_free(&pair);
  credential_free(credential);
}

/* R-7685-4-1 */
Test(hello_padding, of_any_length) {
  const hf_bytes none = {NULL, 0};
  sweep(0, none);
  sweep(HF_GREASE, none);
  sweep(HF_GREASE | HF_PERMUTE_EXTENSIONS, none);
}

/* R-7685-4-1: pre_shared_key, which comes behind, is counted. */
Test(hello_padding, with_external_keys) {
  static const uint8_t key[32] = {1}, identity[] = "somebody who is known by a name";
  for (size_t num = 1; num <= 3; num++) {
    hf_psk psks[3];
    struct side_setup setup;
    struct shape shape[2];
    for (size_t i = 0; i < num; i++)
      psks[i] = (hf_psk){.suite = 0x1301, .identity = {identity, 8 + i}, .secret = {key, 32}};
    for (int on = 0; on < 2; on++) {
      struct craft_play play;
      rules_setup(&setup, HF_CLIENT, on ? HF_PAD_HELLO : 0);
      setup.settings.version_min = 0x0304;
      setup.start.psks = psks;
      setup.start.num_psks = num;
      cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
      cr_assert(play_until(&play, SERVER_HEARD_HELLO));
      cr_expect_eq(play.client.ext[play.client.num_ext - 1].type, EXT_PRE_SHARED_KEY);
      shape_of(&shape[on], &play);
      rules_free(&play);
    }
    cr_expect_eq(shape[1].len, padded(shape[0].len), "%zu to %zu", shape[0].len, shape[1].len);
    cr_expect(shape[1].padding == SIZE_MAX || shape[1].in_place);
  }
}

static void run(const struct credential *credential, hf_bytes session, bool retry, uint32_t flags) {
  static const uint16_t p384[] = {0x0018};
  struct side_setup client, server;
  struct pair pair;
  hf_facts facts;
  pair_setup(&client, &server, credential, 3);
  client.settings.flags |= HF_PAD_HELLO | flags;
  client.start.session = session;
  if (retry) server.settings.groups = (hf_codes){p384, 1};
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.server)));
  hf_get_facts(&facts, pair.client.conn);
  cr_expect_eq(facts.retried, retry);
  cr_expect_eq(facts.resumed, session.len > 0);
  const char *differs = side_replay(&pair.client, 0);
  cr_expect_null(differs, "%s", differs);
  pair_free(&pair);
}

/* R-7685-4-1 R-7685-3-1 R-4.3.11-4: handshakes to their end, with binders over what is padded. */
Test(hello_padding, handshakes) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct buf session = {0};
  make_session(&session);
  for (int retry = 0; retry < 2; retry++) {
    for (int permute = 0; permute < 2; permute++) {
      const uint32_t flags = permute ? HF_GREASE | HF_PERMUTE_EXTENSIONS : 0;
      run(credential, (hf_bytes){NULL, 0}, retry != 0, flags);
      run(credential, (hf_bytes){session.data, session.len}, retry != 0, flags);
    }
  }
  buf_free(&session);
  credential_free(credential);
}

/* R-7685-4-2: RFC 9846 4.2.2 lets it go. */
Test(hello_padding, not_in_a_second_hello) {
  struct side_setup setup;
  struct craft_play play;
  rules_setup(&setup, HF_CLIENT, HF_PAD_HELLO);
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  play.retry = true;
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  cr_expect_null(craft_ext(&play.client, EXT_PADDING));
  cr_expect_not_null(craft_ext(&play.client, EXT_COOKIE));
  rules_free(&play);
}
