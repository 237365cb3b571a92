/* test_rules12_hello.c - TLS 1.2: what a client makes of a ServerHello and a server of a
 * ClientHello: a crafted peer (craft12.h) changes one thing in a hello that everybody takes. */
#include <criterion/criterion.h>
#include <string.h>

#include "craft12.h"

#define EDIT(name) static void name(struct craft_hello *hello, struct craft *craft)
#define UNUSED (void)hello, (void)craft
#define SET(type, bytes) craft_set_ext(hello, type, bytes, sizeof(bytes) - 1)

enum { TLS12 = 0x0303, TLS13 = 0x0304 };

struct rule {
  const char *name;
  craft_edit *edit;
  int alert;
  uint32_t flags; /* of the engine's configuration */
};

static void set_suite(struct craft_hello *hello, const char *two) {
  hello->suites.len = 0;
  buf_add(&hello->suites, two, 2);
}

static void end_random(struct craft_hello *hello, const char *eight) {
  memcpy(hello->random + 24, eight, 8);
}

/* ---- Edits of either ---- */

EDIT(nothing) { UNUSED; }
EDIT(no_renegotiation_info) { UNUSED, craft_drop_ext(hello, EXT_RENEGOTIATION_INFO); }
EDIT(renegotiated) { UNUSED, SET(EXT_RENEGOTIATION_INFO, "\1x"); }
EDIT(renegotiated_12) { UNUSED, SET(EXT_RENEGOTIATION_INFO, "\14verify_data!"); }
EDIT(renegotiation_cut) { UNUSED, SET(EXT_RENEGOTIATION_INFO, "\2x"); }
EDIT(renegotiation_tail) { UNUSED, SET(EXT_RENEGOTIATION_INFO, "\0x"); }
EDIT(renegotiation_empty) { UNUSED, SET(EXT_RENEGOTIATION_INFO, ""); }
EDIT(ems_body) { UNUSED, SET(EXT_EMS, "x"); }
EDIT(compressed_points) { UNUSED, SET(EXT_POINT_FORMATS, "\2\1\2"); }
EDIT(all_points) { UNUSED, SET(EXT_POINT_FORMATS, "\3\1\2\0"); }
EDIT(no_points) { UNUSED, SET(EXT_POINT_FORMATS, "\0"); }
EDIT(points_cut) { UNUSED, SET(EXT_POINT_FORMATS, "\2\0"); }
EDIT(unknown_suite) { UNUSED, set_suite(hello, "\x7a\x7b"); }
EDIT(version_10) { UNUSED, hello->version = 0x0301; }
EDIT(version_11) { UNUSED, hello->version = 0x0302; }
EDIT(version_13) { UNUSED, hello->version = TLS13; }
EDIT(tail) { UNUSED, put8(&hello->tail, 0); }
EDIT(twice) { UNUSED, craft_add_ext(hello, EXT_RENEGOTIATION_INFO, "\0", 1); }
EDIT(long_session_id) {
  UNUSED;
  hello->session_id.len = 0;
  for (int i = 0; i < 33; i++) put8(&hello->session_id, 1);
}

/* ---- The client ---- */

EDIT(suite_not_offered) { UNUSED, set_suite(hello, "\xc0\x09"); }
EDIT(suite_of_13) { UNUSED, set_suite(hello, "\x13\x01"); }
EDIT(suite_scsv) { UNUSED, set_suite(hello, "\x00\xff"); }
EDIT(deflate) { UNUSED, hello->compression.data[0] = 1; }
EDIT(sentinel_12) { UNUSED, end_random(hello, "DOWNGRD\1"); }
EDIT(sentinel_11) { UNUSED, end_random(hello, "DOWNGRD\0"); }
EDIT(sentinel_jdk11) { UNUSED, end_random(hello, "\xed\xbf\xb4\xa8\xc2\x47\x10\xff"); }
EDIT(nearly_sentinel) { UNUSED, end_random(hello, "DOWNGRD\2"); }
EDIT(unknown_extension) { UNUSED, craft_add_ext(hello, EXT_UNKNOWN, "", 0); }
EDIT(key_share) { UNUSED, craft_add_ext(hello, EXT_KEY_SHARE, "\0\x1d\0\0", 4); }
EDIT(selected_12) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\3\3"); }
EDIT(ticket_body) { UNUSED, SET(EXT_SESSION_TICKET, "x"); }
EDIT(ticket_promised) { UNUSED, SET(EXT_SESSION_TICKET, ""); }
EDIT(status_promised) { UNUSED, SET(EXT_STATUS_REQUEST, ""); }
EDIT(status_body) { UNUSED, SET(EXT_STATUS_REQUEST, "\1"); }
EDIT(name_taken) { UNUSED, SET(EXT_SERVER_NAME, ""); }
EDIT(name_body) { UNUSED, SET(EXT_SERVER_NAME, "\0\0"); }
EDIT(alpn_chosen) { UNUSED, SET(EXT_ALPN, "\0\3\2bb"); }
EDIT(alpn_other) { UNUSED, SET(EXT_ALPN, "\0\3\2cc"); }
EDIT(alpn_two) { UNUSED, SET(EXT_ALPN, "\0\5\2bb\1a"); }
EDIT(groups) { UNUSED, SET(EXT_SUPPORTED_GROUPS, "\0\2\0\x1d"); }
EDIT(groups_of_no_form) { UNUSED, SET(EXT_SUPPORTED_GROUPS, "x"); }
EDIT(padding) { UNUSED, SET(EXT_PADDING, "\0\0"); }
EDIT(other_session_id) {
  UNUSED;
  for (int i = 0; i < 32; i++) put8(&hello->session_id, 0xee);
}

/* Runs a client with |max| as its highest version to the end, and says what came of it. */
static void client_case(const struct rule *rule, uint16_t max, bool no_ems) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, rule->flags);
  setup.settings.version_max = max;
  craft12_new(&c, &setup, "ecdsa-p256");
  c.no_ems = no_ems;
  c.play.edit = rule->edit;
  const bool ready = craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side);
  cr_expect_eq(ready, rule->alert == AL_NONE, "%s (%x)", rule->name, max);
  const char *wrong = rules_verdict(&c.play, rule->alert);
  cr_expect_null(wrong, "%s (%x): %s", rule->name, max, wrong);
  craft12_free(&c);
}

#define RULE(name, alert) \
  { #name, name, alert, 0 }

static const struct rule client_rules[] = {
    RULE(nothing, AL_NONE),
    /* R-5746-3.4-1 */
    RULE(no_renegotiation_info, AL_NONE),
    /* R-5746-3.4-2 */
    RULE(renegotiated, AL_HANDSHAKE_FAILURE),
    RULE(renegotiated_12, AL_HANDSHAKE_FAILURE),
    /* R-5746-3.2-1 */
    RULE(renegotiation_cut, AL_DECODE_ERROR),
    RULE(renegotiation_tail, AL_DECODE_ERROR),
    RULE(renegotiation_empty, AL_DECODE_ERROR),
    /* R-7627-5.1-1 */
    RULE(ems_body, AL_DECODE_ERROR),
    /* R-8422-5.2-1 */
    RULE(compressed_points, AL_ILLEGAL_PARAMETER),
    RULE(all_points, AL_NONE),
    RULE(no_points, AL_DECODE_ERROR),
    RULE(points_cut, AL_DECODE_ERROR),
    /* R-8422-4-2 */
    RULE(groups, AL_NONE),
    RULE(groups_of_no_form, AL_NONE),
    /* R-7685-3-1 */
    RULE(padding, AL_ILLEGAL_PARAMETER),
    /* R-5246-7.4.1.3-1 */
    RULE(unknown_suite, AL_ILLEGAL_PARAMETER),
    RULE(suite_not_offered, AL_ILLEGAL_PARAMETER),
    RULE(suite_of_13, AL_ILLEGAL_PARAMETER),
    RULE(suite_scsv, AL_ILLEGAL_PARAMETER),
    RULE(deflate, AL_ILLEGAL_PARAMETER),
    /* R-5246-7.4.1.3-2 */
    RULE(version_10, AL_PROTOCOL_VERSION),
    RULE(version_11, AL_PROTOCOL_VERSION),
    RULE(version_13, AL_PROTOCOL_VERSION),
    RULE(nearly_sentinel, AL_NONE),
    /* R-5246-7.4.1.4-1 */
    RULE(unknown_extension, AL_UNSUPPORTED_EXTENSION),
    RULE(status_promised, AL_UNSUPPORTED_EXTENSION),
    {"ticket_promised", ticket_promised, AL_UNSUPPORTED_EXTENSION, HF_NO_TICKETS},
    RULE(twice, AL_DECODE_ERROR),
    RULE(ticket_body, AL_DECODE_ERROR),
    {"status_body", status_body, AL_DECODE_ERROR, HF_REQUEST_OCSP},
    {"status_promised and not kept", status_promised, AL_NONE, HF_REQUEST_OCSP},
    RULE(name_taken, AL_NONE),
    RULE(name_body, AL_DECODE_ERROR),
    RULE(alpn_chosen, AL_NONE),
    RULE(alpn_other, AL_ILLEGAL_PARAMETER),
    RULE(alpn_two, AL_DECODE_ERROR),
    RULE(tail, AL_DECODE_ERROR),
    RULE(long_session_id, AL_DECODE_ERROR),
    RULE(other_session_id, AL_NONE),
};

/* A client with TLS 1.2 alone, and one that would have liked TLS 1.3. */
Test(rules12_hello, client) {
  for (size_t i = 0; i < sizeof client_rules / sizeof *client_rules; i++) {
    client_case(&client_rules[i], TLS12, false);
    client_case(&client_rules[i], TLS13, false);
  }
}

/* What TLS 1.3's messages alone have. */
Test(rules12_hello, client_13_extensions) {
  static const struct rule share = RULE(key_share, AL_ILLEGAL_PARAMETER);
  static const struct rule selected = RULE(selected_12, AL_ILLEGAL_PARAMETER);
  client_case(&share, TLS13, false);
  client_case(&selected, TLS13, false);
}

/* R-4.2.3-11 R-4.2.3-13: who could have had TLS 1.3 takes no ServerHello that says so; who could
 * not does. */
Test(rules12_hello, downgrade) {
  static const struct rule refused[] = {RULE(sentinel_12, AL_ILLEGAL_PARAMETER),
                                        RULE(sentinel_11, AL_ILLEGAL_PARAMETER),
                                        RULE(sentinel_jdk11, AL_ILLEGAL_PARAMETER)};
  static const struct rule taken[] = {RULE(sentinel_12, AL_NONE), RULE(sentinel_11, AL_NONE),
                                      RULE(sentinel_jdk11, AL_NONE)};
  for (int i = 0; i < 3; i++) {
    client_case(&refused[i], TLS13, false);
    client_case(&taken[i], TLS12, false);
  }
}

/* R-7627-5.2-1 R-7627-5.2-2: a server without the extended main secret. */
Test(rules12_hello, client_without_ems) {
  static const struct rule taken = RULE(nothing, AL_NONE);
  static const struct rule refused = {"required", nothing, AL_HANDSHAKE_FAILURE, HF_REQUIRE_EMS};
  static const struct rule there = {"required and there", nothing, AL_NONE, HF_REQUIRE_EMS};
  client_case(&taken, TLS12, true);
  client_case(&refused, TLS12, true);
  client_case(&refused, TLS13, true);
  client_case(&there, TLS12, false);
}

EDIT(known_suite) { UNUSED, set_suite(hello, "\xc0\x2c"); }

/* R-5246-7.4.1.3-1: a suite that this side knows, and did not offer. */
Test(rules12_hello, client_suite_not_offered) {
  static const uint16_t suites[] = {0xc02b};
  for (int i = 0; i < 2; i++) {
    struct side_setup setup;
    struct craft12 c;
    craft12_setup(&setup, HF_CLIENT, 0);
    if (i) setup.settings.suites = (hf_codes){suites, 1};
    craft12_new(&c, &setup, "ecdsa-p256");
    c.play.edit = known_suite;
    (void)craft12_until(&c, S12_SAID_HELLO);
    const char *wrong = rules_verdict(&c.play, i ? AL_ILLEGAL_PARAMETER : AL_NONE);
    cr_expect_null(wrong, "%s", wrong);
    craft12_free(&c);
  }
}

EDIT(bare) {
  UNUSED;
  while (hello->num_ext > 0) craft_drop_ext(hello, hello->ext[0].type);
  hello->no_extensions = true;
}

/* R-5246-7.4.1.4-2: a ServerHello that ends before its extensions. */
Test(rules12_hello, client_without_extensions) {
  static const struct rule rule = RULE(bare, AL_NONE);
  client_case(&rule, TLS12, true);
  client_case(&rule, TLS13, true);
}

EDIT(echo) {
  const struct craft12 *c = (const struct craft12 *)(void *)craft; /* its first member's first */
  hello->session_id.len = 0;
  buf_add(&hello->session_id, c->play.client.session_id.data, c->play.client.session_id.len);
}

/* R-4.2.3-5: the session id of a client that has no session is not to come back. */
Test(rules12_hello, client_session_echoed) {
  static const struct rule rule = RULE(echo, AL_ILLEGAL_PARAMETER);
  client_case(&rule, TLS13, false);
}

/* R-5246-7.3-2: what follows a HelloRetryRequest is not TLS 1.2. */
Test(rules12_hello, client_after_retry) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.settings.version_max = TLS13;
  craft12_new(&c, &setup, "ecdsa-p256");
  cr_assert(craft12_until(&c, S12_HEARD_HELLO));
  play_say_retry(&c.play, 0, NULL);
  craft_hello_free(&c.play.client);
  cr_assert(craft_hear(&c.play.craft, MSG_CLIENT_HELLO, &c.play.body), "no second hello");
  cr_assert(craft_parse_hello(&c.play.client, &c.play.body, false));
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  const char *wrong = rules_verdict(&c.play, AL_ILLEGAL_PARAMETER);
  cr_expect_null(wrong, "%s", wrong);
  craft12_free(&c);
}

/* R-5-1: a dropped change_cipher_spec was TLS 1.3's, or nobody's. */
Test(rules12_hello, client_spec_before_hello) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.settings.version_max = TLS13;
  craft12_new(&c, &setup, "ecdsa-p256");
  cr_assert(craft12_until(&c, S12_HEARD_HELLO));
  craft_plain(&c.play.craft, REC_CCS, "\1", 1);
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  const char *wrong = rules_verdict(&c.play, AL_UNEXPECTED_MESSAGE);
  cr_expect_null(wrong, "%s", wrong);
  craft12_free(&c);
}

/* R-7627-5.1-2 R-5746-3.4-3: what every hello that may come to TLS 1.2 says. */
Test(rules12_hello, client_offers) {
  for (uint16_t max = TLS12; max <= TLS13; max++) {
    struct side_setup setup;
    struct craft12 c;
    craft12_setup(&setup, HF_CLIENT, 0);
    setup.settings.version_max = max;
    craft12_new(&c, &setup, NULL);
    cr_assert(craft12_until(&c, S12_HEARD_HELLO));
    struct craft_hello *hello = &c.play.client;
    cr_expect_not_null(craft_ext(hello, EXT_EMS));
    cr_expect_not_null(craft_ext(hello, EXT_RENEGOTIATION_INFO));
    const struct craft_ext *points = craft_ext(hello, EXT_POINT_FORMATS);
    cr_expect(points != NULL && points->body.len == 2 && memcmp(points->body.data, "\1\0", 2) == 0);
    cr_expect_eq(craft_ext(hello, EXT_SUPPORTED_VERSIONS) != NULL, max == TLS13);
    cr_expect_eq(craft_ext(hello, EXT_KEY_SHARE) != NULL, max == TLS13);
    cr_expect_eq(hello->version, TLS12);
    craft12_free(&c);
  }
}

/* ---- The server ---- */

EDIT(scsv_alone) {
  UNUSED;
  craft_drop_ext(hello, EXT_RENEGOTIATION_INFO);
  buf_add(&hello->suites, "\0\xff", 2);
}
EDIT(scsv_too) { UNUSED, buf_add(&hello->suites, "\0\xff", 2); }
EDIT(fallback) { UNUSED, buf_add(&hello->suites, "\x56\0", 2); }
EDIT(only_deflate) { UNUSED, hello->compression.data[0] = 1; }
EDIT(deflate_too) { UNUSED, put8(&hello->compression, 1); }
EDIT(no_compression) { UNUSED, hello->compression.len = 0; }
EDIT(rsa_suites) { UNUSED, set_suite(hello, "\xc0\x2f"); }
EDIT(suites_13) { UNUSED, set_suite(hello, "\x13\x01"); }
EDIT(no_suites) { UNUSED, hello->suites.len = 0; }
EDIT(odd_suites) { UNUSED, put8(&hello->suites, 0); }
EDIT(other_groups) { UNUSED, SET(EXT_SUPPORTED_GROUPS, "\0\2\0\x16"); }
EDIT(hybrid_groups) { UNUSED, SET(EXT_SUPPORTED_GROUPS, "\0\2\x11\xec"); }
EDIT(no_groups) { UNUSED, craft_drop_ext(hello, EXT_SUPPORTED_GROUPS); }
EDIT(no_sigalgs) { UNUSED, craft_drop_ext(hello, EXT_SIGNATURE_ALGORITHMS); }
EDIT(sha1_sigalgs) { UNUSED, SET(EXT_SIGNATURE_ALGORITHMS, "\0\4\2\1\2\3"); }
EDIT(rsa_sigalgs) { UNUSED, SET(EXT_SIGNATURE_ALGORITHMS, "\0\2\x08\x04"); }
EDIT(versions_12) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\2\3\3"); }
EDIT(versions_old) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\4\3\2\3\1"); }
EDIT(versions_future) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\2\3\5"); }
EDIT(versions_new) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\6\x3a\x3a\3\3\3\5"); }
EDIT(early_data) { UNUSED, SET(EXT_EARLY_DATA, ""); }

static void server_case(const struct rule *rule, uint16_t max) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_SERVER, rule->flags);
  setup.settings.version_max = max;
  craft12_new(&c, &setup, NULL);
  c.play.edit = rule->edit;
  const bool ready = craft12_until(&c, C12_DONE) && side_is_ready(&c.play.side);
  cr_expect_eq(ready, rule->alert == AL_NONE, "%s (%x)", rule->name, max);
  const char *wrong = rules_verdict(&c.play, rule->alert);
  cr_expect_null(wrong, "%s (%x): %s", rule->name, max, wrong);
  if (ready) {
    static const uint8_t sentinel[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
    cr_expect_eq(memcmp(c.play.server.random + 24, sentinel, 8) == 0, max == TLS13, "%s",
                 rule->name);
    cr_expect_eq(craft_ext(&c.play.server, EXT_RENEGOTIATION_INFO) != NULL,
                 rule->edit != no_renegotiation_info, "%s", rule->name);
  }
  craft12_free(&c);
}

static const struct rule server_rules[] = {
    RULE(nothing, AL_NONE),
    {"EMS required", nothing, AL_NONE, HF_REQUIRE_EMS},
    /* R-5746-3.6-1 */
    RULE(no_renegotiation_info, AL_NONE),
    RULE(scsv_alone, AL_NONE),
    RULE(scsv_too, AL_NONE),
    /* R-5746-3.6-2 */
    RULE(renegotiated, AL_HANDSHAKE_FAILURE),
    RULE(renegotiated_12, AL_HANDSHAKE_FAILURE),
    RULE(renegotiation_cut, AL_DECODE_ERROR),
    RULE(renegotiation_tail, AL_DECODE_ERROR),
    RULE(renegotiation_empty, AL_DECODE_ERROR),
    RULE(ems_body, AL_DECODE_ERROR),
    /* R-8422-5.1.2-1 */
    RULE(compressed_points, AL_ILLEGAL_PARAMETER),
    RULE(all_points, AL_NONE),
    RULE(no_points, AL_DECODE_ERROR),
    /* R-5246-7.4.1.2-1 */
    RULE(only_deflate, AL_ILLEGAL_PARAMETER),
    RULE(deflate_too, AL_NONE),
    RULE(no_compression, AL_DECODE_ERROR),
    /* R-5246-7.4.1.2-2 */
    RULE(unknown_suite, AL_HANDSHAKE_FAILURE),
    RULE(rsa_suites, AL_HANDSHAKE_FAILURE),
    RULE(suites_13, AL_HANDSHAKE_FAILURE),
    RULE(no_suites, AL_DECODE_ERROR),
    RULE(odd_suites, AL_DECODE_ERROR),
    /* R-8422-4-1 */
    RULE(other_groups, AL_HANDSHAKE_FAILURE),
    RULE(hybrid_groups, AL_HANDSHAKE_FAILURE),
    RULE(no_groups, AL_HANDSHAKE_FAILURE),
    /* R-5246-7.4.1.4.1-1 */
    RULE(no_sigalgs, AL_HANDSHAKE_FAILURE),
    RULE(sha1_sigalgs, AL_HANDSHAKE_FAILURE),
    RULE(rsa_sigalgs, AL_HANDSHAKE_FAILURE),
    /* R-E.2-1 */
    RULE(version_10, AL_PROTOCOL_VERSION),
    RULE(version_11, AL_PROTOCOL_VERSION),
    RULE(version_13, AL_NONE),
    RULE(versions_12, AL_NONE),
    RULE(versions_old, AL_PROTOCOL_VERSION),
    RULE(versions_future, AL_PROTOCOL_VERSION),
    RULE(versions_new, AL_NONE),
    RULE(tail, AL_DECODE_ERROR),
    RULE(twice, AL_DECODE_ERROR),
    RULE(long_session_id, AL_DECODE_ERROR),
    RULE(unknown_extension, AL_NONE),
    /* R-E.3-2 */
    RULE(early_data, AL_NONE),
};

/* R-4.2.3-12: a server that has TLS 1.3 says so in its random. */
Test(rules12_hello, server) {
  for (size_t i = 0; i < sizeof server_rules / sizeof *server_rules; i++) {
    server_case(&server_rules[i], TLS12);
    server_case(&server_rules[i], TLS13);
  }
}

/* R-7507-3-1: inappropriate_fallback, if there was no need to fall back. */
Test(rules12_hello, server_fallback) {
  static const struct rule refused = RULE(fallback, 86), taken = RULE(fallback, AL_NONE);
  server_case(&refused, TLS13);
  server_case(&taken, TLS12);
}

/* R-7627-5.2-1 R-7627-5.2-2: a client without the extended main secret. */
Test(rules12_hello, server_without_ems) {
  for (int i = 0; i < 2; i++) {
    struct craft12 c;
    craft12_server(&c, i ? HF_REQUIRE_EMS : 0, NULL);
    c.no_ems = true;
    cr_expect_eq(craft12_until(&c, C12_DONE), i == 0);
    const char *wrong = rules_verdict(&c.play, i ? AL_HANDSHAKE_FAILURE : AL_NONE);
    cr_expect_null(wrong, "%s", wrong);
    if (i == 0) cr_expect_null(craft_ext(&c.play.server, EXT_EMS));
    craft12_free(&c);
  }
}
