/* test_hello_rules.c - what a server makes of a ClientHello: a crafted client changes one thing in
 * a hello that every server takes, and either the handshake completes or the server fails with the
 * alert that the RFC names. */
#include <criterion/criterion.h>
#include <string.h>

#include "rules.h"

#define SET(type, ...)                                       \
  do {                                                       \
    const uint8_t set_bytes[] = {__VA_ARGS__};               \
    craft_set_ext(hello, type, set_bytes, sizeof set_bytes); \
  } while (0)
#define PUT(field, ...)                                  \
  do {                                                   \
    const uint8_t put_bytes[] = {__VA_ARGS__};           \
    hello->field.len = 0;                                \
    buf_add(&hello->field, put_bytes, sizeof put_bytes); \
  } while (0)
#define EDIT(name) static void name(struct craft_hello *hello, struct craft *craft)
#define UNUSED (void)hello, (void)craft

struct rule {
  const char *id, *name;
  craft_edit *edit;
  int alert;
};

static void run(const struct rule *rule, uint32_t flags) {
  struct craft_play play;
  rules_server(&play, flags, NULL, 0);
  play.edit = rule->edit;
  bool done = play_until(&play, rule->alert == AL_NONE ? CLIENT_DONE : CLIENT_SAID_HELLO);
  const char *wrong = rules_verdict(&play, rule->alert);
  cr_expect_null(wrong, "%s %s: %s", rule->id, rule->name, wrong);
  if (rule->alert == AL_NONE) {
    cr_expect(done, "%s %s: the server did not answer as it must", rule->id, rule->name);
    cr_expect(side_is_ready(&play.side), "%s %s: not ready", rule->id, rule->name);
  }
  rules_free(&play);
}

/* Puts |share| for |group| where X25519's was. */
static void replace_share(struct craft_hello *hello, uint16_t group, const void *key, size_t len) {
  struct buf share = {0}, list = {0};
  put16(&share, group);
  put_vector(&share, 2, key, len);
  put_vector(&list, 2, share.data, share.len);
  craft_set_ext(hello, EXT_KEY_SHARE, list.data, list.len);
  buf_free(&share);
  buf_free(&list);
}

static void only_p256(struct craft_hello *hello, const void *key, size_t len) {
  craft_set_ext(hello, EXT_SUPPORTED_GROUPS, "\0\2\0\x17", 4);
  replace_share(hello, 0x0017, key, len);
}

/* Puts the share of X25519 behind, or before, another. */
static void add_share(struct craft_hello *hello, struct craft *craft, uint16_t group, bool first) {
  static const uint8_t key[32] = {9};
  struct buf shares = {0}, list = {0};
  if (!first) craft_key_share(&shares, craft);
  put16(&shares, group);
  put_vector(&shares, 2, key, sizeof key);
  if (first) craft_key_share(&shares, craft);
  put_vector(&list, 2, shares.data, shares.len);
  craft_set_ext(hello, EXT_KEY_SHARE, list.data, list.len);
  buf_free(&shares);
  buf_free(&list);
}

static void add_tail(struct craft_hello *hello, uint16_t type) {
  put8(&craft_ext(hello, type)->body, 0);
}

EDIT(nothing) { UNUSED; }
EDIT(version_11) { UNUSED, hello->version = 0x0302; }
EDIT(version_13) { UNUSED, hello->version = 0x0304; }
EDIT(unknown_suites) {
  UNUSED;
  PUT(suites, 0x0a, 0x0a, 0x77, 0x77, 0xc0, 0x2b, 0x13, 0x01, 0x00, 0xff);
}
EDIT(no_common_suite) {
  UNUSED;
  PUT(suites, 0x77, 0x77, 0xc0, 0x2b);
}
EDIT(empty_suites) { UNUSED, hello->suites.len = 0; }
EDIT(odd_suites) {
  UNUSED;
  PUT(suites, 0x13, 0x01, 0x13);
}
EDIT(deflate_too) {
  UNUSED;
  PUT(compression, 1, 0);
}
EDIT(deflate_alone) {
  UNUSED;
  PUT(compression, 1);
}
EDIT(no_compression) { UNUSED, hello->compression.len = 0; }
EDIT(unknown_extensions) {
  UNUSED;
  craft_add_ext(hello, EXT_UNKNOWN, "anything", 8);
  craft_add_ext(hello, EXT_GREASE, "", 0);
}
EDIT(no_extension_block) { UNUSED, hello->no_extensions = true; }
EDIT(no_versions) { (void)craft, craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS); }
EDIT(no_versions_tls10) {
  (void)craft, craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS);
  hello->version = 0x0301;
}
EDIT(long_session_id) { UNUSED, put8(&hello->session_id, 0); }
EDIT(short_session_id) { UNUSED, hello->session_id.len = 3; }
EDIT(no_session_id) { UNUSED, hello->session_id.len = 0; }
EDIT(tail) { UNUSED, put8(&hello->tail, 0); }
EDIT(no_common_group) {
  UNUSED;
  SET(EXT_SUPPORTED_GROUPS, 0, 2, 0x77, 0x77);
  replace_share(hello, 0x7777, "key", 3);
}
EDIT(no_common_sigalg) {
  UNUSED;
  SET(EXT_SIGNATURE_ALGORITHMS, 0, 2, 8, 7);
}
EDIT(unknown_sigalgs) {
  UNUSED;
  SET(EXT_SIGNATURE_ALGORITHMS, 0, 6, 0x77, 0x77, 0x1a, 0x1a, 4, 3);
}
EDIT(versions_tail) { UNUSED, add_tail(hello, EXT_SUPPORTED_VERSIONS); }
EDIT(groups_tail) { UNUSED, add_tail(hello, EXT_SUPPORTED_GROUPS); }
EDIT(sigalgs_tail) { UNUSED, add_tail(hello, EXT_SIGNATURE_ALGORITHMS); }
EDIT(share_tail) { UNUSED, add_tail(hello, EXT_KEY_SHARE); }
EDIT(two_groups) {
  UNUSED;
  craft_add_ext(hello, EXT_SUPPORTED_GROUPS, "\0\2\0\x1d", 4);
}
EDIT(two_versions) {
  UNUSED;
  craft_add_ext(hello, EXT_SUPPORTED_VERSIONS, "\2\3\4", 3);
}
EDIT(reversed) {
  UNUSED;
  for (size_t i = 0, j = hello->num_ext - 1; i < j; i++, j--) {
    struct craft_ext swap = hello->ext[i];
    hello->ext[i] = hello->ext[j];
    hello->ext[j] = swap;
  }
}
EDIT(psk_not_last) {
  UNUSED;
  SET(EXT_PSK_MODES, 1, 1);
  craft_add_ext(hello, EXT_PRE_SHARED_KEY, "\0\7\0\1x\0\0\0\0", 9);
  craft_add_ext(hello, EXT_UNKNOWN, "", 0);
}
EDIT(many_versions) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 8, 0x7a, 0x7a, 3, 5, 3, 4, 3, 3);
}
EDIT(tls12_alone) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 2, 3, 3);
}
EDIT(old_versions) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 6, 3, 2, 3, 1, 3, 0);
}
EDIT(empty_versions) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 0);
}
EDIT(odd_versions) {
  UNUSED;
  SET(EXT_SUPPORTED_VERSIONS, 3, 3, 4, 3);
}
EDIT(empty_cookie) {
  UNUSED;
  SET(EXT_COOKIE, 0, 0);
}
EDIT(strange_cookie) {
  UNUSED;
  SET(EXT_COOKIE, 0, 3, 1, 2, 3);
}
EDIT(no_sigalgs) { UNUSED, craft_drop_ext(hello, EXT_SIGNATURE_ALGORITHMS); }
EDIT(empty_sigalgs) {
  UNUSED;
  SET(EXT_SIGNATURE_ALGORITHMS, 0, 0);
}
EDIT(odd_sigalgs) {
  UNUSED;
  SET(EXT_SIGNATURE_ALGORITHMS, 0, 3, 4, 3, 8);
}
EDIT(unknown_groups) {
  UNUSED;
  SET(EXT_SUPPORTED_GROUPS, 0, 8, 0x6a, 0x6a, 0x77, 0x77, 0x01, 0x00, 0, 0x1d);
}
EDIT(empty_groups) {
  UNUSED;
  SET(EXT_SUPPORTED_GROUPS, 0, 0);
}
EDIT(two_shares) { add_share(hello, craft, 0x001d, false); }
EDIT(unlisted_share) { add_share(hello, craft, 0x0018, false); }
EDIT(unknown_share) {
  SET(EXT_SUPPORTED_GROUPS, 0, 4, 0x77, 0x77, 0, 0x1d);
  add_share(hello, craft, 0x7777, true);
}
EDIT(short_share) { UNUSED, replace_share(hello, 0x001d, "0123456789012345678901234567890", 31); }
EDIT(long_share) { UNUSED, replace_share(hello, 0x001d, "012345678901234567890123456789012", 33); }
EDIT(zero_share) {
  static const uint8_t zero[32];
  UNUSED, replace_share(hello, 0x001d, zero, sizeof zero);
}
EDIT(off_curve) {
  uint8_t point[65] = {4};
  UNUSED, memset(point + 1, 0x11, 64), only_p256(hello, point, sizeof point);
}
EDIT(compressed_point) {
  uint8_t point[33] = {2, 0x6b};
  UNUSED, only_p256(hello, point, sizeof point);
}
EDIT(infinity) { UNUSED, only_p256(hello, "", 1); }
EDIT(no_groups) { UNUSED, craft_drop_ext(hello, EXT_SUPPORTED_GROUPS); }
EDIT(no_shares) { UNUSED, craft_drop_ext(hello, EXT_KEY_SHARE); }
EDIT(name) {
  UNUSED;
  SET(EXT_SERVER_NAME, 0, 6, 0, 0, 3, 'a', '.', 'b');
}
EDIT(no_names) {
  UNUSED;
  SET(EXT_SERVER_NAME, 0, 0);
}
EDIT(empty_name) {
  UNUSED;
  SET(EXT_SERVER_NAME, 0, 3, 0, 0, 0);
}
EDIT(two_names) {
  UNUSED;
  SET(EXT_SERVER_NAME, 0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b');
}
EDIT(name_tail) {
  UNUSED;
  SET(EXT_SERVER_NAME, 0, 4, 0, 0, 1, 'a', 0);
}
EDIT(name_with_nul) {
  UNUSED;
  SET(EXT_SERVER_NAME, 0, 6, 0, 0, 3, 'a', 0, 'b');
}
EDIT(protocols) {
  UNUSED;
  SET(EXT_ALPN, 0, 5, 1, 'x', 2, 'b', 'b');
}
EDIT(no_protocols) {
  UNUSED;
  SET(EXT_ALPN, 0, 0);
}
EDIT(empty_protocol) {
  UNUSED;
  SET(EXT_ALPN, 0, 4, 2, 'b', 'b', 0);
}
EDIT(small_limit) {
  UNUSED;
  SET(EXT_RECORD_SIZE_LIMIT, 0, 63);
}
EDIT(half_a_limit) {
  UNUSED;
  SET(EXT_RECORD_SIZE_LIMIT, 0x40);
}
EDIT(smallest_limit) {
  UNUSED;
  SET(EXT_RECORD_SIZE_LIMIT, 0, 64);
}
EDIT(huge_limit) {
  UNUSED;
  SET(EXT_RECORD_SIZE_LIMIT, 0xff, 0xff);
}
EDIT(limit_tail) {
  UNUSED;
  SET(EXT_RECORD_SIZE_LIMIT, 0x40, 0, 0);
}
EDIT(grease) {
  UNUSED;
  PUT(suites, 0xca, 0xca, 0x13, 0x01);
  SET(EXT_SUPPORTED_VERSIONS, 4, 0xba, 0xba, 3, 4);
  SET(EXT_SUPPORTED_GROUPS, 0, 4, 0xda, 0xda, 0, 0x1d);
  SET(EXT_SIGNATURE_ALGORITHMS, 0, 4, 0xea, 0xea, 4, 3);
  SET(EXT_PSK_MODES, 2, 0x0b, 1);
  SET(EXT_ALPN, 0, 6, 2, 0xaa, 0xaa, 2, 'b', 'b');
  add_share(hello, craft, 0xdada, true);
  craft_add_ext(hello, 0xfafa, "\0", 1);
}

/* Adds pre_shared_key with one identity of |name| and |binders| binders of 32 bytes. */
static void add_psk(struct craft_hello *hello, const char *name, size_t binders) {
  static const uint8_t binder[32] = {7};
  struct buf list = {0}, body = {0};
  put_vector(&list, 2, name, strlen(name));
  put16(&list, 0);
  put16(&list, 0);
  put_vector(&body, 2, list.data, list.len);
  list.len = 0;
  for (size_t i = 0; i < binders; i++) put_vector(&list, 1, binder, sizeof binder);
  put_vector(&body, 2, list.data, list.len);
  craft_add_ext(hello, EXT_PRE_SHARED_KEY, body.data, body.len);
  buf_free(&list);
  buf_free(&body);
}

EDIT(unknown_psk) {
  UNUSED;
  SET(EXT_PSK_MODES, 1, 1);
  add_psk(hello, "a ticket of nobody's", 1);
}
EDIT(psk_without_modes) { UNUSED, add_psk(hello, "a ticket", 1); }
EDIT(psk_without_sigalgs) {
  unknown_psk(hello, craft);
  craft_ext(hello, EXT_SIGNATURE_ALGORITHMS)->type = EXT_UNKNOWN;
}
EDIT(psk_without_binder) {
  UNUSED;
  SET(EXT_PSK_MODES, 1, 1);
  add_psk(hello, "a ticket", 0);
}
EDIT(psk_with_two_binders) {
  UNUSED;
  SET(EXT_PSK_MODES, 1, 1);
  add_psk(hello, "a ticket", 2);
}
EDIT(psk_without_name) {
  UNUSED;
  SET(EXT_PSK_MODES, 1, 1);
  add_psk(hello, "", 1);
}
EDIT(no_modes) {
  UNUSED;
  SET(EXT_PSK_MODES, 0);
}
EDIT(half_a_block) {
  UNUSED, hello->no_extensions = true;
  put8(&hello->tail, 0);
}
EDIT(half_a_share) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0, 5, 0, 0x1d, 0, 2, 9);
}
EDIT(share_of_nothing) {
  UNUSED;
  SET(EXT_KEY_SHARE, 0, 4, 0, 0x1d, 0, 0);
}

/* Hellos that are as good as any. */
static const struct rule taken[] = {
    {"R-4.2.2-1", "the hello as it is", nothing, AL_NONE},
    {"R-4.2.2-9", "unknown suites", unknown_suites, AL_NONE},
    {"R-4.2.2-12", "unknown extensions", unknown_extensions, AL_NONE},
    {"R-4.2.3-4", "a session id of 3 bytes", short_session_id, AL_NONE},
    {"R-4.2.3-4", "no session id", no_session_id, AL_NONE},
    {"R-4.3-5", "extensions in another order", reversed, AL_NONE},
    {"R-4.3.1-2", "unknown versions", many_versions, AL_NONE},
    {"R-4.3.3-3", "unknown signature algorithms", unknown_sigalgs, AL_NONE},
    {"R-4.3.7-2", "unknown groups", unknown_groups, AL_NONE},
    {"R-4.3.8-9", "a share for an unknown group", unknown_share, AL_NONE},
    {"R-6066-3-2", "a name", name, AL_NONE},
    {"R-7301-3.1-2", "protocols, one of them known", protocols, AL_NONE},
    {"R-8449-4-1", "the smallest record_size_limit", smallest_limit, AL_NONE},
    {"R-8449-4-3", "a record_size_limit beyond TLS 1.3's", huge_limit, AL_NONE},
    {"R-8701-3.2-1 R-9.3-1", "GREASE everywhere", grease, AL_NONE},
    {"R-4.3.11-3", "a ticket that is not known", unknown_psk, AL_NONE},
};

/* Hellos that are refused, each with its alert. */
static const struct rule refused[] = {
    {"R-4.2.1-1", "no group in common", no_common_group, AL_HANDSHAKE_FAILURE},
    {"R-4.2.1-2", "no suite in common", no_common_suite, AL_HANDSHAKE_FAILURE},
    {"R-4.2.1-3", "no signature algorithm in common", no_common_sigalg, AL_HANDSHAKE_FAILURE},
    {"R-4.2.2-6", "legacy_version of TLS 1.1", version_11, AL_PROTOCOL_VERSION},
    {"R-4.2.2-6", "legacy_version of TLS 1.3", version_13, AL_PROTOCOL_VERSION},
    {"R-4.2.2-11", "a second compression method", deflate_too, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-11", "another compression method", deflate_alone, AL_ILLEGAL_PARAMETER},
    {"R-4.2.2-11 R-6-3", "no compression method", no_compression, AL_DECODE_ERROR},
    {"R-4.2.2-13", "no block of extensions", no_extension_block, AL_PROTOCOL_VERSION},
    {"R-4.2.2-13", "no supported_versions", no_versions, AL_PROTOCOL_VERSION},
    {"R-E.2-1 R-E.5-1", "TLS 1.0", no_versions_tls10, AL_PROTOCOL_VERSION},
    {"R-4.2.2-14", "a session id of 33 bytes", long_session_id, AL_DECODE_ERROR},
    {"R-4.2.2-14", "no suites", empty_suites, AL_DECODE_ERROR},
    {"R-4.2.2-14", "half a suite", odd_suites, AL_DECODE_ERROR},
    {"R-4-3", "a byte behind the extensions", tail, AL_DECODE_ERROR},
    {"R-4.3-1", "a byte behind supported_versions", versions_tail, AL_DECODE_ERROR},
    {"R-4.3-1", "a byte behind supported_groups", groups_tail, AL_DECODE_ERROR},
    {"R-4.3-1", "a byte behind signature_algorithms", sigalgs_tail, AL_DECODE_ERROR},
    {"R-4.3-1", "a byte behind key_share", share_tail, AL_DECODE_ERROR},
    {"R-4.3-1", "a byte behind record_size_limit", limit_tail, AL_DECODE_ERROR},
    {"R-4.3-4", "supported_groups twice", two_groups, AL_DECODE_ERROR},
    {"R-4.3-4", "supported_versions twice", two_versions, AL_DECODE_ERROR},
    {"R-4.3-6", "pre_shared_key before another", psk_not_last, AL_ILLEGAL_PARAMETER},
    {"R-4.3.1-3", "TLS 1.2 alone", tls12_alone, AL_PROTOCOL_VERSION},
    {"R-4.3.1-3 R-E.5-1", "old versions alone", old_versions, AL_PROTOCOL_VERSION},
    {"R-4.3.1-6", "no versions", empty_versions, AL_DECODE_ERROR},
    {"R-4.3.1-6", "half a version", odd_versions, AL_DECODE_ERROR},
    {"R-4.3.2-5", "an empty cookie", empty_cookie, AL_DECODE_ERROR},
    {"R-4.3.2-6", "a cookie from nowhere", strange_cookie, AL_ILLEGAL_PARAMETER},
    {"R-4.3.3-2", "no signature_algorithms", no_sigalgs, AL_MISSING_EXTENSION},
    {"R-6-3", "empty signature_algorithms", empty_sigalgs, AL_DECODE_ERROR},
    {"R-6-3", "half a signature algorithm", odd_sigalgs, AL_DECODE_ERROR},
    {"R-6-3", "empty supported_groups", empty_groups, AL_DECODE_ERROR},
    {"R-4.3.8-3", "two shares for a group", two_shares, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8-3", "a share for a group that is not listed", unlisted_share, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8.2-1 R-4.3.8.2-2", "a share of 31 bytes", short_share, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8.2-2", "a share of 33 bytes", long_share, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8.2-2", "a point off the curve", off_curve, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8.2-2", "a compressed point", compressed_point, AL_ILLEGAL_PARAMETER},
    {"R-4.3.8.2-2", "the point at infinity", infinity, AL_ILLEGAL_PARAMETER},
    {"R-7.4.2-1", "X25519's zero", zero_share, AL_ILLEGAL_PARAMETER},
    {"R-9.2-1", "no supported_groups", no_groups, AL_MISSING_EXTENSION},
    {"R-9.2-1", "no key_share", no_shares, AL_MISSING_EXTENSION},
    {"R-6066-3-3", "no names", no_names, AL_DECODE_ERROR},
    {"R-6066-3-3", "an empty name", empty_name, AL_DECODE_ERROR},
    {"R-6066-3-3", "two names", two_names, AL_DECODE_ERROR},
    {"R-6066-3-3", "a byte behind the name", name_tail, AL_DECODE_ERROR},
    {"R-6066-3-3", "a zero in the name", name_with_nul, AL_DECODE_ERROR},
    {"R-7301-3.1-3", "no protocols", no_protocols, AL_DECODE_ERROR},
    {"R-7301-3.1-3", "an empty protocol", empty_protocol, AL_DECODE_ERROR},
    {"R-8449-4-2", "a record_size_limit of 63", small_limit, AL_ILLEGAL_PARAMETER},
    {"R-6-3", "half a record_size_limit", half_a_limit, AL_DECODE_ERROR},
    {"R-4.3.9-2", "a PSK without its modes", psk_without_modes, AL_MISSING_EXTENSION},
    {"R-4.3.3-2", "a PSK of nobody's alone", psk_without_sigalgs, AL_MISSING_EXTENSION},
    {"R-4.3.11-8", "no binder", psk_without_binder, AL_DECODE_ERROR},
    {"R-4.3.11-8", "two binders for one PSK", psk_with_two_binders, AL_ILLEGAL_PARAMETER},
    {"R-6-3", "a PSK without a name", psk_without_name, AL_DECODE_ERROR},
    {"R-6-3", "an empty list of modes", no_modes, AL_DECODE_ERROR},
    {"R-4-3", "half a length of extensions", half_a_block, AL_DECODE_ERROR},
    {"R-6-3", "a share that is cut off", half_a_share, AL_DECODE_ERROR},
    {"R-6-3", "a share of no bytes", share_of_nothing, AL_DECODE_ERROR},
};

Test(hello_rules, hellos_that_are_taken) {
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) run(&taken[i], 0);
}

/* R-6.2-1 R-H-6: see rules_verdict. */
Test(hello_rules, hellos_that_are_refused) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) run(&refused[i], 0);
}

static bool nobody(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_IDENTITY) return false;
  answer->none = true;
  return true;
}

/* R-4.2.1-3: a server without an identity can go no further. */
Test(hello_rules, no_identity) {
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, 0);
  setup.answer = nobody;
  cr_assert(play_new(&play, &setup, NULL, 0));
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  cr_expect_null(rules_verdict(&play, AL_HANDSHAKE_FAILURE));
  cr_expect_eq(side_fault(&play.side), HF_NO_IDENTITY);
  rules_free(&play);
}

/* R-4.2.2-4: the handshake is done; another hello is no renegotiation. */
Test(hello_rules, hello_after_the_handshake) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  cr_assert(play_until(&play, CLIENT_DONE));
  struct buf body = {0};
  craft_write_hello(&body, &play.client, false);
  rules_say(&play, MSG_CLIENT_HELLO, &body);
  cr_expect_null(rules_verdict(&play, AL_UNEXPECTED_MESSAGE));
  rules_free(&play);
}

/* R-4.2.3-1 R-4.2.3-3 R-4.2.3-4 R-4.2.3-8 R-4.3.1-4 R-4.4.1-1 R-E.4-2 R-5.1-8: what the server says
 * to it. */
Test(hello_rules, the_server_hello) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
  const struct craft_hello *hello = &play.server;
  cr_expect_eq(hello->version, 0x0303);
  cr_expect_arr_eq(hello->random, play.side.setup.start.entropy.random, 32);
  cr_expect_eq(hello->session_id.len, 32u);
  cr_expect_arr_eq(hello->session_id.data, play.client.session_id.data, 32);
  cr_expect_eq(hello->num_ext, 2u, "supported_versions and key_share, nothing else");
  struct craft_ext *version = craft_ext(&play.server, EXT_SUPPORTED_VERSIONS);
  cr_assert_not_null(version);
  cr_expect_eq(version->body.len, 2u);
  cr_expect_arr_eq(version->body.data, "\3\4", 2);
  static const uint8_t order[] = {MSG_SERVER_HELLO, MSG_ENCRYPTED_EXTENSIONS, MSG_CERTIFICATE,
                                  MSG_CERTIFICATE_VERIFY, MSG_FINISHED};
  cr_expect_eq(play.heard.len, sizeof order);
  cr_expect_arr_eq(play.heard.data, order, sizeof order);
  cr_expect_eq(play.craft.num_ccs, 1u);
  cr_expect_eq(play.craft.last_version, 0x0303);
  rules_free(&play);
}
