/* test_server_hello_rules.c - what a client makes of a ServerHello and a HelloRetryRequest: a
 * crafted server changes one thing in an answer that every client takes. */
#include <criterion/criterion.h>
#include <string.h>

#include "rules.h"

#define SET(type, ...)                                       \
  do {                                                       \
    const uint8_t set_bytes[] = {__VA_ARGS__};               \
    craft_set_ext(hello, type, set_bytes, sizeof set_bytes); \
  } while (0)
#define EDIT(name) static void name(struct craft_hello *hello, struct craft *craft)
#define UNUSED (void)hello, (void)craft

struct rule {
  const char *id, *name;
  craft_edit *edit;
  int alert;
};

static void set_suite(struct craft_hello *hello, uint8_t a, uint8_t b) {
  hello->suites.data[0] = a;
  hello->suites.data[1] = b;
}

static void set_share(struct craft_hello *hello, uint16_t group, const void *key, size_t len) {
  struct buf share = {0};
  put16(&share, group);
  put_vector(&share, 2, key, len);
  craft_set_ext(hello, EXT_KEY_SHARE, share.data, share.len);
  buf_free(&share);
}

/* ---- Edits of either ---- */

EDIT(nothing) { UNUSED; }
EDIT(version_11) { UNUSED, hello->version = 0x0302; }
EDIT(version_13) { UNUSED, hello->version = 0x0304; }
EDIT(other_session_id) { UNUSED, hello->session_id.data[31] ^= 1; }
EDIT(no_session_id) { UNUSED, hello->session_id.len = 0; }
EDIT(long_session_id) { UNUSED, put8(&hello->session_id, 0); }
EDIT(unknown_suite) { UNUSED, set_suite(hello, 0x13, 0x77); }
EDIT(old_suite) { UNUSED, set_suite(hello, 0xc0, 0x2b); }
EDIT(grease_suite) { UNUSED, set_suite(hello, 0x0a, 0x0a); }
EDIT(deflate) { UNUSED, hello->compression.data[0] = 1; }
EDIT(tail) { UNUSED, put8(&hello->tail, 0); }
EDIT(reversed) {
  UNUSED;
  struct craft_ext swap = hello->ext[0];
  hello->ext[0] = hello->ext[1];
  hello->ext[1] = swap;
}
EDIT(version_12_selected) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 3, 3);
}
EDIT(version_14_selected) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 3, 5);
}
EDIT(grease_version) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 0x3a, 0x3a);
}
EDIT(half_a_version) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 3);
}
EDIT(versions_tail) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 3, 4, 0);
}
EDIT(two_versions) {
  UNUSED;
  craft_add_ext(hello, EXT_SUPPORTED_VERSIONS, "\3\4", 2);
}
EDIT(unknown_extension) {
  UNUSED;
  craft_add_ext(hello, EXT_UNKNOWN, "", 0);
}
EDIT(grease_extension) {
  UNUSED;
  craft_add_ext(hello, EXT_GREASE, "", 0);
}
EDIT(misplaced_name) {
  UNUSED;
  craft_add_ext(hello, EXT_SERVER_NAME, "", 0);
}
EDIT(misplaced_protocol) {
  UNUSED;
  craft_add_ext(hello, EXT_ALPN, "\0\2\1a", 4);
}

/* ---- Of a ServerHello ---- */

EDIT(tls12) { (void)craft, craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS); }
EDIT(tls12_with_mark) {
  (void)craft, craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS);
  craft_drop_ext(hello, EXT_KEY_SHARE);
  set_suite(hello, 0xc0, 0x2b);
  memcpy(hello->random + 24, "DOWNGRD\1", 8);
}
EDIT(tls10) {
  (void)craft, craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS);
  hello->version = 0x0301;
  hello->no_extensions = true;
}
EDIT(ssl3) {
  tls10(hello, craft);
  hello->version = 0x0300;
}
EDIT(no_share) { (void)craft, craft_drop_ext(hello, EXT_KEY_SHARE); }
EDIT(other_group) {
  uint8_t point[65] = {4};
  UNUSED, set_share(hello, 0x0017, point, sizeof point);
}
EDIT(unknown_group) { UNUSED, set_share(hello, 0x7777, "key", 3); }
EDIT(grease_group) { UNUSED, set_share(hello, 0x5a5a, "k", 1); }
EDIT(short_share) { UNUSED, set_share(hello, 0x001d, "0123456789012345678901234567890", 31); }
EDIT(empty_share) { UNUSED, set_share(hello, 0x001d, "", 0); }
EDIT(zero_share) {
  static const uint8_t zero[32];
  UNUSED, set_share(hello, 0x001d, zero, sizeof zero);
}
EDIT(share_tail) { UNUSED, put8(&craft_ext(hello, EXT_KEY_SHARE)->body, 0); }
EDIT(cookie) {
  UNUSED;
  craft_add_ext(hello, EXT_COOKIE, "\0\1c", 3);
}
EDIT(psk) {
  UNUSED;
  craft_add_ext(hello, EXT_PRE_SHARED_KEY, "\0\0", 2);
}

static const struct rule server_hellos[] = {
    {"R-4.2.3-10", "the hello as it is", nothing, AL_NONE},
    {"R-4.3-5", "extensions in another order", reversed, AL_NONE},
    {"R-4.2.3-2", "legacy_version of TLS 1.1", version_11, AL_PROTOCOL_VERSION},
    {"R-4.2.3-2", "legacy_version of TLS 1.3", version_13, AL_PROTOCOL_VERSION},
    {"R-4.2.3-5", "a changed session id", other_session_id, AL_ILLEGAL_PARAMETER},
    {"R-4.2.3-5", "no session id", no_session_id, AL_ILLEGAL_PARAMETER},
    {"R-6-3", "a session id of 33 bytes", long_session_id, AL_DECODE_ERROR},
    {"R-4.2.3-6", "an unknown suite", unknown_suite, AL_ILLEGAL_PARAMETER},
    {"R-4.2.3-6", "a suite of TLS 1.2", old_suite, AL_ILLEGAL_PARAMETER},
    {"R-8701-3.1-1", "a GREASE suite", grease_suite, AL_ILLEGAL_PARAMETER},
    {"R-4.2.3-7", "compression", deflate, AL_ILLEGAL_PARAMETER},
    {"R-4-3", "a byte behind the extensions", tail, AL_DECODE_ERROR},
    {"R-4.3.1-5", "TLS 1.2 in supported_versions", version_12_selected, AL_ILLEGAL_PARAMETER},
    {"R-4.3.1-5", "a version that was not offered", version_14_selected, AL_ILLEGAL_PARAMETER},
    {"R-8701-3.1-1", "a GREASE version", grease_version, AL_ILLEGAL_PARAMETER},
    {"R-4.3-1", "a byte behind the version", versions_tail, AL_DECODE_ERROR},
    {"R-6-3", "half a version", half_a_version, AL_DECODE_ERROR},
    {"R-4.3-4", "supported_versions twice", two_versions, AL_ILLEGAL_PARAMETER},
    {"R-4.3-2", "an unknown extension", unknown_extension, AL_UNSUPPORTED_EXTENSION},
    {"R-8701-3.1-1", "a GREASE extension", grease_extension, AL_UNSUPPORTED_EXTENSION},
    {"R-4.2.3-9 R-4.3-3", "a server_name", misplaced_name, AL_ILLEGAL_PARAMETER},
    {"R-4.2.3-9 R-4.3-3", "an ALPN", misplaced_protocol, AL_ILLEGAL_PARAMETER},
    {"R-4.2.3-9", "a cookie", cookie, AL_ILLEGAL_PARAMETER},
    {"R-4.3-2", "a PSK that was not offered", psk, AL_UNSUPPORTED_EXTENSION},
    {"R-E.1-1", "TLS 1.2", tls12, AL_PROTOCOL_VERSION},
    {"R-4.2.3-11", "TLS 1.2 with the downgrade mark", tls12_with_mark, AL_PROTOCOL_VERSION},
    {"R-E.1-1 R-E.5-1", "TLS 1.0", tls10, AL_PROTOCOL_VERSION},
    {"R-E.5-1", "SSL 3.0", ssl3, AL_PROTOCOL_VERSION},
    {"R-4.3.8-10", "no key_share", no_share, AL_MISSING_EXTENSION},
    {"R-4.3.8-7", "a group without a share", other_group, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8-7", "an unknown group", unknown_group, AL_ILLEGAL_PARAMETER},
    {"R-8701-3.1-1", "a GREASE group", grease_group, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8.2-2", "a share of 31 bytes", short_share, AL_ILLEGAL_PARAMETER},
    {"R-6-3", "an empty share", empty_share, AL_DECODE_ERROR},
    {"R-7.4.2-1", "X25519's zero", zero_share, AL_ILLEGAL_PARAMETER},
    {"R-4.3-1", "a byte behind the share", share_tail, AL_DECODE_ERROR},
};

Test(server_hello_rules, server_hellos) {
  for (size_t i = 0; i < sizeof server_hellos / sizeof *server_hellos; i++) {
    const struct rule *rule = &server_hellos[i];
    struct craft_play play;
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    if (rule->alert == AL_NONE) {
      play.edit = rule->edit;
      cr_expect(play_until(&play, SERVER_DONE), "%s %s", rule->id, rule->name);
    } else {
      (void)play_say_hello(&play, rule->edit);
    }
    const char *wrong = rules_verdict(&play, rule->alert);
    cr_expect_null(wrong, "%s %s: %s", rule->id, rule->name, wrong);
    rules_free(&play);
  }
}

/* ---- Of a HelloRetryRequest; as it is it asks for secp256r1 with a cookie ---- */

EDIT(no_change) {
  (void)craft, craft_drop_ext(hello, EXT_COOKIE);
  craft_drop_ext(hello, EXT_KEY_SHARE);
}
EDIT(group_with_share) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0, 0x1d);
}
EDIT(group_not_offered) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0, 0x1e);
}
EDIT(half_a_group) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0);
}
EDIT(grease_retry_group) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0x5a, 0x5a);
}
EDIT(retry_with_share) {
  static const uint8_t point[65] = {4};
  UNUSED, set_share(hello, 0x0017, point, sizeof point);
}
EDIT(empty_cookie) {
  UNUSED;
  SET(EXT_COOKIE, 0, 0);
}
EDIT(cookie_tail) {
  UNUSED;
  SET(EXT_COOKIE, 0, 1, 'c', 0);
}

static const struct rule retries[] = {
    {"R-4.2.4-2", "legacy_version", version_11, AL_PROTOCOL_VERSION},
    {"R-4.2.4-2", "a changed session id", other_session_id, AL_ILLEGAL_PARAMETER},
    {"R-4.2.4-2", "an unknown suite", unknown_suite, AL_ILLEGAL_PARAMETER},
    {"R-4.2.4-2", "compression", deflate, AL_ILLEGAL_PARAMETER},
    {"R-4.2.4-2", "TLS 1.2 in supported_versions", version_12_selected, AL_ILLEGAL_PARAMETER},
    {"R-4.2.4-2", "no supported_versions", tls12, AL_MISSING_EXTENSION},
    {"R-4.2.4-3", "no change asked for", no_change, AL_ILLEGAL_PARAMETER},
    {"R-4.2.4-8", "an unknown extension", unknown_extension, AL_UNSUPPORTED_EXTENSION},
    {"R-4.2.4-8", "a server_name", misplaced_name, AL_ILLEGAL_PARAMETER},
    {"R-4.3-4", "supported_versions twice", two_versions, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8-4", "a group with a share", group_with_share, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8-4", "a group that was not offered", group_not_offered, AL_ILLEGAL_PARAMETER},
    {"R-8701-3.1-1", "a GREASE group", grease_retry_group, AL_ILLEGAL_PARAMETER},
    {"R-6-3", "half a group", half_a_group, AL_DECODE_ERROR},
    {"R-4.3-1", "a share where a group must be", retry_with_share, AL_DECODE_ERROR},
    {"R-4.3.2-5", "an empty cookie", empty_cookie, AL_DECODE_ERROR},
    {"R-4.3-1", "a byte behind the cookie", cookie_tail, AL_DECODE_ERROR},
    {"R-4-3", "a byte behind the extensions", tail, AL_DECODE_ERROR},
};

Test(server_hello_rules, hello_retry_requests) {
  for (size_t i = 0; i < sizeof retries / sizeof *retries; i++) {
    const struct rule *rule = &retries[i];
    struct craft_play play;
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    play_say_retry(&play, 0x0017, rule->edit);
    const char *wrong = rules_verdict(&play, rule->alert);
    cr_expect_null(wrong, "%s %s: %s", rule->id, rule->name, wrong);
    rules_free(&play);
  }
}

/* Has the client answer a HelloRetryRequest for |group| after |edit|; its second hello is
 * play->client. */
static void retry(struct craft_play *play, struct craft_hello *first, uint16_t group,
                  craft_edit *edit) {
  rules_client(play);
  cr_assert(play_until(play, SERVER_HEARD_HELLO));
  *first = play->client;
  play->client = (struct craft_hello){.version = 0};
  play_say_retry_to(play, first, group, edit);
  cr_assert(craft_hear(&play->craft, MSG_CLIENT_HELLO, &play->body));
  cr_assert(craft_parse_hello(&play->client, &play->body, false));
}

static bool same_ext(struct craft_hello *a, struct craft_hello *b, uint16_t type) {
  const struct craft_ext *x = craft_ext(a, type), *y = craft_ext(b, type);
  return (x == NULL) == (y == NULL) &&
         (x == NULL ||
          (x->body.len == y->body.len &&
           (x->body.len == 0 || memcmp(x->body.data, y->body.data, x->body.len) == 0)));
}

/* R-4.2.2-2 R-4.3.2-1 R-4.3.2-2 R-4.3.8-5 R-5.1-8 R-E.4-1: the second hello is the first but for
 * cookie and share. */
Test(server_hello_rules, second_hello) {
  struct craft_play play;
  struct craft_hello first;
  retry(&play, &first, 0x0017, NULL);
  const struct craft_hello *second = &play.client;
  cr_expect_eq(first.version, 0x0303);
  cr_expect_eq(second->version, 0x0303);
  cr_expect_arr_eq(first.random, second->random, 32);
  cr_expect_eq(first.suites.len, second->suites.len);
  cr_expect_arr_eq(first.suites.data, second->suites.data, first.suites.len);
  cr_expect_eq(second->session_id.len, 32u);
  cr_expect_arr_eq(first.session_id.data, second->session_id.data, 32);
  for (size_t i = 0; i < first.num_ext; i++) {
    uint16_t type = first.ext[i].type;
    if (type != EXT_KEY_SHARE && type != EXT_PADDING)
      cr_expect(same_ext(&first, &play.client, type), "extension %u changed", type);
  }
  cr_expect_null(craft_ext(&first, EXT_COOKIE));
  struct craft_ext *cookie = craft_ext(&play.client, EXT_COOKIE);
  cr_assert_not_null(cookie);
  cr_expect_eq(cookie->body.len, 6u);
  cr_expect_arr_eq(cookie->body.data, "\0\4noms", 6);
  struct craft_ext *share = craft_ext(&play.client, EXT_KEY_SHARE);
  cr_assert_eq(share->body.len, 2u + 4u + 65u, "one share, of secp256r1");
  cr_expect_arr_eq(share->body.data, "\0\x45\0\x17\0\x41\4", 7);
  cr_expect_eq(play.craft.num_ccs, 1u);
  cr_expect_eq(play.craft.last_version, 0x0303);
  craft_hello_free(&first);
  rules_free(&play);
}

EDIT(only_cookie) { UNUSED; }

/* R-4.2.4-4: and no third hello. */
Test(server_hello_rules, second_retry) {
  struct craft_play play;
  struct craft_hello first;
  retry(&play, &first, 0, only_cookie);
  play_say_retry_to(&play, &first, 0, only_cookie);
  cr_expect_null(rules_verdict(&play, AL_UNEXPECTED_MESSAGE));
  craft_hello_free(&first);
  rules_free(&play);
}

EDIT(other_suite) { UNUSED, set_suite(hello, 0x13, 0x02); }

/* R-4.2.4-5 R-4.2.4-7 R-4.3.8-8: what the HelloRetryRequest said must stay. */
Test(server_hello_rules, server_hello_after_retry) {
  static const struct rule rules[] = {
      {"R-4.2.4-5", "another suite", other_suite, AL_ILLEGAL_PARAMETER},
      {"R-4.2.4-7", "another version", version_12_selected, AL_ILLEGAL_PARAMETER},
      {"R-4.3.8-8", "another group than asked for", nothing, AL_ILLEGAL_PARAMETER},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    struct craft_hello first;
    retry(&play, &first, i == 2 ? 0x0017 : 0, only_cookie);
    craft_hello_free(&play.client); /* the first still has X25519's share, which the craft needs */
    play.client = first;
    (void)play_say_hello(&play, rules[i].edit);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%s %s: %s", rules[i].id, rules[i].name, wrong);
    rules_free(&play);
  }
}

/* R-2.1-1 R-4.1-2 R-4.3.2-1: a retry for a cookie alone, to the end: the Finished on both sides
 * cover message_hash. */
Test(server_hello_rules, retry_to_the_end) {
  struct craft_play play;
  rules_client(&play);
  play.retry = true;
  cr_expect(play_until(&play, SERVER_DONE));
  cr_expect_null(rules_verdict(&play, AL_NONE));
  cr_expect(side_is_ready(&play.side));
  rules_free(&play);
}

/* R-4.2.2-1 R-4.2.2-5 R-4.2.2-7 R-4.2.2-8 R-4.2.2-10 R-4.3.1-1 R-4.3.3-1 R-4.3.7-1 R-4.3.8-1
 * R-6066-3-1 R-7301-3.1-1 R-5.1-8 R-4.7.2-1: what the client says. */
Test(server_hello_rules, the_client_hello) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_HEARD_HELLO));
  struct craft_hello *hello = &play.client;
  const hf_entropy *entropy = &play.side.setup.start.entropy;
  cr_expect_eq(play.craft.last_version, 0x0301);
  cr_expect_eq(hello->version, 0x0303);
  cr_expect_arr_eq(hello->random, entropy->random, 32);
  cr_expect_eq(hello->session_id.len, 32u);
  cr_expect_arr_eq(hello->session_id.data, entropy->session_id, 32);
  cr_expect_eq(hello->compression.len, 1u);
  cr_expect_eq(hello->compression.data[0], 0);
  static const struct {
    uint16_t type;
    const char *body;
    size_t len;
  } want[] = {{EXT_SERVER_NAME, "\0\x0c\0\0\x09localhost", 14}, {EXT_ALPN, "\0\5\1a\2bb", 7}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    const struct craft_ext *ext = craft_ext(hello, want[i].type);
    cr_assert_not_null(ext, "extension %u", want[i].type);
    cr_expect_eq(ext->body.len, want[i].len);
    cr_expect_arr_eq(ext->body.data, want[i].body, want[i].len);
  }
  const struct craft_ext *versions = craft_ext(hello, EXT_SUPPORTED_VERSIONS);
  cr_assert_not_null(versions);
  cr_expect_arr_eq(versions->body.data + versions->body.len - 2, "\3\4", 2);
  const struct craft_ext *groups = craft_ext(hello, EXT_SUPPORTED_GROUPS);
  cr_assert_not_null(groups);
  cr_expect_arr_eq(groups->body.data + groups->body.len - 6, "\0\x1d\0\x17\0\x18", 6);
  const uint8_t *share;
  cr_expect(craft_share_of(&share, hello, false));
  cr_expect_not_null(craft_ext(hello, EXT_SIGNATURE_ALGORITHMS));
  cr_expect_null(craft_ext(hello, 49), "post_handshake_auth is not offered");
  rules_free(&play);
}

/* R-4.2.2-8: without the compatibility mode the session id is empty, and no change_cipher_spec is
 * sent. */
Test(server_hello_rules, no_compatibility) {
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.start.no_compatibility = true;
  setup.start.server_name = (hf_bytes){NULL, 0}; /* R-6066-3-1 */
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_expect(play_until(&play, SERVER_DONE));
  cr_expect_eq(play.client.session_id.len, 0u);
  cr_expect_null(craft_ext(&play.client, EXT_SERVER_NAME));
  cr_expect_null(rules_verdict(&play, AL_NONE));
  rules_free(&play);
}
