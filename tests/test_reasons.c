/* test_reasons.c - TLS 1.3: with which status, and which alert, a connection fails, against a
 * crafted peer.  What the alert is tests of the rules say too; the status is what a caller is told,
 * and what the SSL layer's reason is made from.  TLS 1.2's are in test_reasons12.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

#define EDIT(name) static void name(struct craft_hello *hello, struct craft *craft)
#define UNUSED (void)hello, (void)craft
#define SET(type, text) craft_set_ext(hello, type, text, sizeof(text) - 1)
#define ADD(type, text) craft_add_ext(hello, type, text, sizeof(text) - 1)

static void expect(struct craft_play *play, hf_status status, int alert, const char *what) {
  const char *wrong = rules_reason(play, status, alert);
  cr_expect_null(wrong, "%s: %s", what, wrong);
  rules_free(play);
}

/* A client that may speak what |version_min| says, and TLS 1.3. */
static void client_from(struct craft_play *play, uint16_t version_min) {
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.version_min = version_min;
  cr_assert(play_new(play, &setup, "ecdsa-p256", 0x0403));
}

/* Says the message with |len| bytes more behind it in its record. */
static void say_with(struct craft_play *play, uint8_t type, struct buf *body, const void *more,
                     size_t len) {
  struct buf message = {0};
  craft_message(&message, type, body->data, body->len);
  buf_add(&message, more, len);
  craft_record(&play->craft, REC_HANDSHAKE, message.data, message.len, 0);
  buf_free(&message);
  buf_free(body);
}

/* ---- Bytes behind a message that is the last of its flight ---- */

/* R-5.1-3: behind the first hello, and behind a second: a part of a message, and a whole one. */
Test(reasons, excess_behind_a_client_hello) {
  static const struct {
    const char *bytes;
    size_t len;
  } more[] = {{"\x14", 1}, {"\x08\0", 2}, {"\1\0\0\0", 4}, {"\x18\0\0\1\0", 5}};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    for (int second = 0; second < 2; second++) {
      struct craft_play play;
      struct buf body = {0};
      rules_server(&play, second ? HF_DEMAND_COOKIE : 0, NULL, 0);
      craft_default_client_hello(&play.craft, &play.client);
      craft_write_hello(&body, &play.client, false);
      if (second) {
        rules_say(&play, MSG_CLIENT_HELLO, &body);
        cr_assert(craft_hear(&play.craft, MSG_SERVER_HELLO, &play.body));
        cr_assert(craft_parse_hello(&play.server, &play.body, true));
        const struct buf *cookie = &craft_ext(&play.server, EXT_COOKIE)->body;
        craft_set_ext(&play.client, EXT_COOKIE, cookie->data, cookie->len);
        craft_write_hello(&body, &play.client, false);
      }
      say_with(&play, MSG_CLIENT_HELLO, &body, more[i].bytes, more[i].len);
      expect(&play, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE,
             second ? "behind the second hello" : "behind the hello");
    }
  }
}

/* R-5.1-3: behind a ServerHello, behind a HelloRetryRequest, and behind either Finished. */
Test(reasons, excess_behind_what_changes_keys) {
  struct craft_play play;
  struct buf body = {0};
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_HEARD_HELLO));
  craft_default_server_hello(&play.craft, &play.server, &play.client);
  craft_write_hello(&body, &play.server, true);
  say_with(&play, MSG_SERVER_HELLO, &body, "\x08\0\0\2\0\0", 6);
  expect(&play, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "ServerHello");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_HEARD_HELLO));
  craft_retry_hello(&play.server, &play.client, 0x0017);
  craft_write_hello(&body, &play.server, true);
  say_with(&play, MSG_SERVER_HELLO, &body, "\2", 1);
  expect(&play, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "HelloRetryRequest");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_VERIFY));
  body_of_finished(&body, &play);
  say_with(&play, MSG_FINISHED, &body, "\4", 1);
  expect(&play, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "the server's Finished");
  rules_server(&play, 0, NULL, 0);
  cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
  body_of_finished(&body, &play);
  say_with(&play, MSG_FINISHED, &body, "\x18", 1);
  expect(&play, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "the client's Finished");
}

/* ---- Records between the parts of a message ---- */

/* R-5.1-2: under the keys of the handshake, and of application data. */
Test(reasons, interleaved_under_protection) {
  static const uint8_t types[] = {REC_CCS, REC_ALERT, REC_DATA};
  static const struct {
    hf_role role;
    int step;
    const char *part;
  } places[] = {{HF_CLIENT, SERVER_SAID_HELLO, "\x08\0"},
                {HF_CLIENT, SERVER_SAID_EXTENSIONS, "\x0b\0\1\0"},
                {HF_CLIENT, SERVER_DONE, "\4\0\0"},
                {HF_SERVER, CLIENT_HEARD_FINISHED, "\x14\0"},
                {HF_SERVER, CLIENT_DONE, "\x18\0"}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    for (size_t t = 0; t < sizeof types; t++) {
      struct craft_play play;
      if (places[i].role == HF_CLIENT)
        rules_client(&play);
      else
        rules_server(&play, 0, NULL, 0);
      cr_assert(play_until(&play, places[i].step));
      craft_record(&play.craft, REC_HANDSHAKE, places[i].part, 2, 0);
      craft_record(&play.craft, types[t], "\1\0", types[t] == REC_CCS ? 1 : 2, 0);
      expect(&play, HF_INTERLEAVED_RECORD, AL_UNEXPECTED_MESSAGE, "protected");
    }
  }
}

/* R-5.1-2 R-5-1: in the clear: inside either hello, change_cipher_spec too, which is dropped
 * between messages alone. */
Test(reasons, interleaved_in_the_clear) {
  static const uint8_t types[] = {REC_CCS, REC_ALERT, REC_DATA};
  for (size_t t = 0; t < sizeof types; t++) {
    for (int role = 0; role < 2; role++) {
      struct craft_play play;
      if (role == 0)
        rules_client(&play);
      else
        rules_server(&play, 0, NULL, 0);
      if (role == 0) cr_assert(play_until(&play, SERVER_HEARD_HELLO));
      craft_plain(&play.craft, REC_HANDSHAKE, role == 0 ? "\2\0" : "\1\0", 2);
      craft_plain(&play.craft, types[t], "\1\0", types[t] == REC_CCS ? 1 : 2);
      expect(&play, HF_INTERLEAVED_RECORD, AL_UNEXPECTED_MESSAGE, "in the clear");
    }
  }
  /* Once there are keys it comes in the clear between protected parts. */
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
  craft_record(&play.craft, REC_HANDSHAKE, "\x0b\0", 2, 0);
  craft_plain(&play.craft, REC_CCS, "\1", 1);
  expect(&play, HF_INTERLEAVED_RECORD, AL_UNEXPECTED_MESSAGE, "between protected records");
}

/* ---- change_cipher_spec and alerts of this side ---- */

/* R-E.4-1: the alert that is the client's second flight has a change_cipher_spec before it; one
 * behind its second hello does not, for that had it. */
Test(reasons, change_cipher_spec_before_an_alert) {
  for (int compatible = 0; compatible < 2; compatible++) {
    for (int retry = 0; retry < 2; retry++) {
      struct side_setup setup;
      struct craft_play play;
      rules_setup(&setup, HF_CLIENT, 0);
      setup.start.no_compatibility = !compatible;
      cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
      play.retry = retry;
      cr_assert(play_until(&play, SERVER_SAID_HELLO));
      cr_expect_eq(play.craft.num_ccs, compatible && retry ? 1u : 0u);
      craft_record(&play.craft, REC_HANDSHAKE, "\x08\0\0\0", 4, 0);
      const struct buf *out = &play.side.out;
      const bool first = compatible && !retry;
      cr_assert_gt(out->len, first ? 11u : 5u);
      cr_expect_eq(out->data[0], first ? REC_CCS : REC_DATA);
      if (first) cr_expect_eq(out->data[6], REC_DATA, "the alert is under the new keys");
      cr_expect_null(rules_reason(&play, HF_DECODE_ERROR, AL_DECODE_ERROR));
      cr_expect_eq(play.craft.num_ccs, compatible ? 1u : 0u);
      rules_free(&play);
    }
  }
}

/* R-H-25: a client that gives up before anything of its hello was flushed says that, and nothing
 * else; once a byte is out, the rest of its record goes before. */
Test(reasons, abort_before_the_hello) {
  static const uint8_t alert[] = {REC_ALERT, 3, 3, 0, 2, 2, 90};
  for (size_t flushed = 0; flushed < 2; flushed++) {
    struct side_setup setup;
    hf_config *config = NULL;
    hf_conn *conn = NULL;
    hf_fault fault;
    uint8_t out[2048];
    size_t len = 0;
    rules_setup(&setup, HF_CLIENT, 0);
    cr_assert_eq(hf_config_new(&config, &setup.settings), HF_OK);
    cr_assert_eq(hf_new(&conn, config, &setup.start), HF_OK);
    if (flushed) cr_assert_eq(hf_flush(conn, &len, out, 1), HF_OK);
    hf_abort(conn, 90);
    cr_assert_eq(hf_flush(conn, &len, out, sizeof out), HF_OK);
    if (!flushed) cr_expect_eq(len, sizeof alert);
    cr_assert_geq(len, sizeof alert);
    cr_expect_arr_eq(out + len - sizeof alert, alert, sizeof alert);
    hf_get_fault(&fault, conn);
    cr_expect_eq(fault.status, HF_REFUSED);
    cr_expect_eq(fault.alert, 90);
    cr_expect_eq(hf_flush(conn, &len, out, sizeof out), HF_OK);
    cr_expect_eq(len, 0u);
    hf_free(conn);
    hf_config_free(config);
  }
}

/* R-H-25: nor has early data that was not flushed, or its keys, a part in it. */
Test(reasons, abort_before_early_data) {
  static const uint8_t alert[] = {REC_ALERT, 3, 3, 0, 2, 2, 90};
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup client, server;
  struct pair pair;
  hf_conn *conn = NULL;
  uint8_t out[2048];
  size_t len = 0;
  pair_setup(&client, &server, credential, 91);
  client.settings.flags = HF_ALLOW_EARLY_DATA;
  server.settings.flags = HF_ALLOW_EARLY_DATA | HF_ISSUE_TICKETS;
  server.settings.max_early_data = 100;
  cr_assert(pair_new(&pair, &client, &server, 0) == HF_OK && pair_run(&pair));
  client.start.session = (hf_bytes){pair.client.kept.data, pair.client.kept.len};
  side_entropy(&client.start.entropy, 1000);
  cr_assert_eq(hf_new(&conn, pair.client.config, &client.start), HF_OK);
  hf_abort(conn, 90);
  cr_assert_eq(hf_flush(conn, &len, out, sizeof out), HF_OK);
  cr_assert_eq(len, sizeof alert);
  cr_expect_arr_eq(out, alert, sizeof alert);
  hf_free(conn);
  pair_free(&pair);
  credential_free(credential);
}

/* R-H-25: after close_notify, flushed or not, there is no alert more; nothing of that is lost. */
Test(reasons, abort_after_close) {
  for (int flushed = 0; flushed < 2; flushed++) {
    struct side_setup setup;
    hf_config *config = NULL;
    hf_conn *conn = NULL;
    uint8_t out[2048];
    size_t len = 0;
    rules_setup(&setup, HF_CLIENT, 0);
    cr_assert_eq(hf_config_new(&config, &setup.settings), HF_OK);
    cr_assert_eq(hf_new(&conn, config, &setup.start), HF_OK);
    if (flushed) cr_assert_eq(hf_flush(conn, &len, out, sizeof out), HF_OK);
    cr_assert_eq(hf_close(conn), HF_OK);
    hf_abort(conn, 90);
    cr_assert_eq(hf_flush(conn, &len, out, sizeof out), HF_OK);
    cr_assert_geq(len, 7u);
    cr_expect_arr_eq(out + len - 7, "\x15\3\3\0\2\1\0", 7);
    hf_free(conn);
    hf_config_free(config);
  }
}

/* R-E.4-1: so has the close_notify that is the client's second flight. */
Test(reasons, change_cipher_spec_before_close_notify) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  cr_expect_eq(play.craft.num_ccs, 0u);
  cr_assert_eq(side_close(&play.side), HF_OK);
  cr_expect_eq(craft_hear_alert(&play.craft), AL_CLOSE_NOTIFY);
  cr_expect_eq(play.craft.num_ccs, 1u);
  rules_free(&play);
}

/* R-6-4: levels that are none, with an error and with what is none. */
Test(reasons, alert_levels) {
  static const char *const alerts[] = {"\3\50", "\0\50", "\377\132", "\3\0"};
  for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
    struct craft_play play;
    client_from(&play, 0x0303);
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    craft_plain(&play.craft, REC_ALERT, alerts[i], 2);
    expect(&play, HF_UNKNOWN_ALERT_LEVEL, AL_ILLEGAL_PARAMETER, "no version yet");
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_SAID_HELLO));
    craft_record(&play.craft, REC_ALERT, alerts[i], 2, 0);
    expect(&play, HF_UNKNOWN_ALERT_LEVEL, AL_ILLEGAL_PARAMETER, "in the handshake");
    rules_server(&play, 0, NULL, 0);
    cr_assert(play_until(&play, CLIENT_DONE));
    craft_record(&play.craft, REC_ALERT, alerts[i], 2, 0);
    expect(&play, HF_UNKNOWN_ALERT_LEVEL, AL_ILLEGAL_PARAMETER, "once ready");
  }
}

/* ---- Versions ---- */

struct hello_case {
  const char *name;
  craft_edit *edit;
  hf_status status;
  int alert;
};

EDIT(nothing) { UNUSED; }
EDIT(legacy_11) { UNUSED, hello->version = 0x0302; }
EDIT(legacy_13) { UNUSED, hello->version = 0x0304; }
EDIT(selects_12) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\3\3"); }
EDIT(selects_10) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\3\1"); }
EDIT(selects_14) { UNUSED, SET(EXT_SUPPORTED_VERSIONS, "\3\5"); }
EDIT(is_of_12) {
  UNUSED;
  craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS);
  craft_drop_ext(hello, EXT_KEY_SHARE);
  memcpy(hello->suites.data, "\xc0\x2b", 2);
}
EDIT(selects_twice) { UNUSED, ADD(EXT_SUPPORTED_VERSIONS, "\3\4"); }

/* R-4.3.1-5 R-4.2.3-2 R-4.3-4: a ServerHello, to who has TLS 1.3 alone and to who has both. */
Test(reasons, server_hellos) {
  static const struct hello_case cases[] = {
      {"as it is", nothing, HF_OK, AL_NONE},
      {"selects 1.2", selects_12, HF_OLD_VERSION_SELECTED, AL_ILLEGAL_PARAMETER},
      {"selects 1.0", selects_10, HF_OLD_VERSION_SELECTED, AL_ILLEGAL_PARAMETER},
      {"selects 1.4", selects_14, HF_WRONG_VERSION, AL_ILLEGAL_PARAMETER},
      {"legacy 1.1", legacy_11, HF_LEGACY_VERSION, AL_PROTOCOL_VERSION},
      {"legacy 1.3", legacy_13, HF_LEGACY_VERSION, AL_PROTOCOL_VERSION},
      {"selects twice", selects_twice, HF_DUPLICATE_EXTENSION, AL_ILLEGAL_PARAMETER},
  };
  for (uint16_t min = 0x0303; min <= 0x0304; min++) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      struct craft_play play;
      client_from(&play, min);
      play.edit = cases[i].edit;
      cr_assert(play_until(&play, SERVER_SAID_HELLO));
      expect(&play, cases[i].status, cases[i].alert, cases[i].name);
    }
  }
}

/* R-4.2.3-2 R-4.3.1-5 R-4.3-4: a HelloRetryRequest. */
Test(reasons, retries) {
  static const struct hello_case cases[] = {
      {"as it is", nothing, HF_OK, AL_NONE},
      {"selects 1.2", selects_12, HF_OLD_VERSION_SELECTED, AL_ILLEGAL_PARAMETER},
      {"legacy 1.1", legacy_11, HF_LEGACY_VERSION_RETRY, AL_PROTOCOL_VERSION},
      {"legacy 1.3", legacy_13, HF_LEGACY_VERSION_RETRY, AL_PROTOCOL_VERSION},
      {"selects twice", selects_twice, HF_DUPLICATE_EXTENSION, AL_ILLEGAL_PARAMETER},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct craft_play play;
    client_from(&play, 0x0303);
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    play_say_retry(&play, 0, cases[i].edit);
    expect(&play, cases[i].status, cases[i].alert, cases[i].name);
  }
}

/* R-5246-7.3-2 R-4.2.3-2: the ServerHello after it. */
Test(reasons, server_hellos_after_a_retry) {
  static const struct hello_case cases[] = {
      {"as it is", nothing, HF_OK, AL_NONE},
      {"of 1.2", is_of_12, HF_SECOND_VERSION, AL_ILLEGAL_PARAMETER},
      {"selects 1.2", selects_12, HF_SECOND_VERSION, AL_ILLEGAL_PARAMETER},
      {"selects 1.4", selects_14, HF_SECOND_VERSION, AL_ILLEGAL_PARAMETER},
      {"legacy 1.1", legacy_11, HF_LEGACY_VERSION_RETRY, AL_PROTOCOL_VERSION},
  };
  for (uint16_t min = 0x0303; min <= 0x0304; min++) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      struct craft_play play;
      client_from(&play, min);
      play.retry = true;
      play.edit = cases[i].edit;
      cr_assert(play_until(&play, SERVER_SAID_HELLO));
      expect(&play, cases[i].status, cases[i].alert, cases[i].name);
    }
  }
}

/* ---- A ClientHello ---- */

EDIT(algorithm_twice) { UNUSED, ADD(27, "\4\0\1\0\1"); }
EDIT(algorithm_again) { UNUSED, ADD(27, "\6\0\2\0\1\0\2"); }
EDIT(two_algorithms) { UNUSED, ADD(27, "\4\0\1\0\2"); }
EDIT(one_name) { UNUSED, ADD(EXT_SERVER_NAME, "\0\4\0\0\1a"); }
EDIT(two_names) { UNUSED, ADD(EXT_SERVER_NAME, "\0\x08\0\0\1a\0\0\1b"); }
EDIT(same_name_twice) { UNUSED, ADD(EXT_SERVER_NAME, "\0\x08\0\0\1a\0\0\1a"); }
EDIT(groups_twice) { UNUSED, ADD(EXT_SUPPORTED_GROUPS, "\0\2\0\x1d"); }
EDIT(unknown_twice) {
  UNUSED;
  ADD(EXT_UNKNOWN, "");
  ADD(EXT_UNKNOWN, "x");
}
EDIT(old_with_scsv) {
  UNUSED;
  craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS);
  hello->version = 0x0302;
  put16(&hello->suites, 0x5600);
}
EDIT(old_without_scsv) {
  UNUSED;
  craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS);
  hello->version = 0x0302;
}
EDIT(scsv) { UNUSED, put16(&hello->suites, 0x5600); }

/* R-4.2.2-6 R-8879-3-2 R-6066-3-3 R-4.3-4 R-7507-3-1 */
Test(reasons, client_hellos) {
  static const struct hello_case cases[] = {
      {"as it is", nothing, HF_OK, AL_NONE},
      {"legacy 1.1", legacy_11, HF_LEGACY_VERSION, AL_PROTOCOL_VERSION},
      {"legacy 1.3", legacy_13, HF_LEGACY_VERSION, AL_PROTOCOL_VERSION},
      {"two algorithms", two_algorithms, HF_OK, AL_NONE},
      {"an algorithm twice", algorithm_twice, HF_BAD_EXTENSION, AL_DECODE_ERROR},
      {"not side by side", algorithm_again, HF_BAD_EXTENSION, AL_DECODE_ERROR},
      {"one name", one_name, HF_OK, AL_NONE},
      {"two names", two_names, HF_BAD_SERVER_NAME, AL_DECODE_ERROR},
      {"a name twice", same_name_twice, HF_BAD_SERVER_NAME, AL_DECODE_ERROR},
      {"groups twice", groups_twice, HF_REPEATED_EXTENSION, AL_DECODE_ERROR},
      {"an unknown type twice", unknown_twice, HF_REPEATED_EXTENSION, AL_DECODE_ERROR},
      {"an old hello", old_without_scsv, HF_UNSUPPORTED_VERSION, AL_PROTOCOL_VERSION},
      {"an old hello that fell back", old_with_scsv, HF_INAPPROPRIATE_FALLBACK, 86},
      {"the value in a hello of 1.3", scsv, HF_OK, AL_NONE},
  };
  for (uint16_t min = 0x0303; min <= 0x0304; min++) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      struct side_setup setup;
      struct craft_play play;
      rules_setup(&setup, HF_SERVER, 0);
      setup.settings.version_min = min;
      cr_assert(play_new(&play, &setup, NULL, 0));
      play.edit = cases[i].edit;
      cr_assert(play_until(&play, CLIENT_SAID_HELLO));
      if (cases[i].alert == AL_NONE) cr_expect(play_until(&play, CLIENT_DONE), "%s", cases[i].name);
      expect(&play, cases[i].status, cases[i].alert, cases[i].name);
    }
  }
}

/* ---- Extensions that come twice, and certificates that do not come ---- */

#define ALPN_TWICE "\0\x10\0\x10\0\4\0\2\1a\0\x10\0\4\0\2\1a"
#define SIGALGS "\0\x0d\0\4\0\2\4\3"

/* R-4.3-4: in EncryptedExtensions, CertificateRequest, Certificate and NewSessionTicket. */
Test(reasons, extensions_twice) {
  struct craft_play play;
  struct buf body = rules_bytes(ALPN_TWICE, sizeof ALPN_TWICE - 1);
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  rules_say(&play, MSG_ENCRYPTED_EXTENSIONS, &body);
  expect(&play, HF_REPEATED_EXTENSION, AL_DECODE_ERROR, "EncryptedExtensions");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
  body = rules_bytes("\0\0\x10" SIGALGS SIGALGS, 3 + 16);
  rules_say(&play, MSG_CERTIFICATE_REQUEST, &body);
  expect(&play, HF_DUPLICATE_EXTENSION, AL_ILLEGAL_PARAMETER, "CertificateRequest");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  body = rules_bytes("\0\0\1\0\0\0\0\0\0\0\1t\0\x08\x77\x77\0\0\x77\x77\0\0", 22);
  rules_say(&play, MSG_NEW_SESSION_TICKET, &body);
  expect(&play, HF_DUPLICATE_EXTENSION, AL_ILLEGAL_PARAMETER, "NewSessionTicket");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_REQUEST));
  body = rules_bytes("\0\0\0\x0e\0\0\1x\0\x08\0\x05\0\0\0\x05\0\0", 18);
  rules_say(&play, MSG_CERTIFICATE, &body);
  expect(&play, HF_DUPLICATE_EXTENSION, AL_ILLEGAL_PARAMETER, "Certificate");
}

/* R-8879-3-2: in a CertificateRequest. */
Test(reasons, algorithms_of_a_request) {
  struct craft_play play;
  struct buf body = rules_bytes("\0\0\x11" SIGALGS "\0\x1b\0\5\4\0\1\0\1", 3 + 17);
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
  rules_say(&play, MSG_CERTIFICATE_REQUEST, &body);
  expect(&play, HF_BAD_EXTENSION, AL_DECODE_ERROR, "an algorithm twice");
}

/* R-4.5.1-5 R-4.5.1-6 */
Test(reasons, no_certificates) {
  struct craft_play play;
  struct buf body = rules_bytes("\0\0\0\0", 4);
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_REQUEST));
  rules_say(&play, MSG_CERTIFICATE, &body);
  expect(&play, HF_EMPTY_CERTIFICATE, AL_DECODE_ERROR, "of the server");
  rules_server(&play, HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT, NULL, 0);
  cr_assert(play_until(&play, CLIENT_SAID_CERTIFICATE));
  expect(&play, HF_CERTIFICATE_REQUIRED, AL_CERTIFICATE_REQUIRED, "of the client");
}

/* ---- Pre-shared keys ---- */

enum { NO_PSK = -1 };

/* What a crafted server chooses. */
static int chosen;
static uint8_t suite;
static bool with_share;

EDIT(choose) {
  const uint8_t index[] = {0, (uint8_t)chosen};
  (void)craft;
  if (chosen != NO_PSK) craft_set_ext(hello, EXT_PRE_SHARED_KEY, index, 2);
  hello->suites.data[1] = suite;
  if (!with_share) craft_drop_ext(hello, EXT_KEY_SHARE);
}

/* R-4.3.11-6 R-4.3.9-7: of two PSKs, of SHA-256 and of SHA-384. */
Test(reasons, psks_that_are_chosen) {
  static const struct {
    int chosen;
    uint8_t suite;
    bool with_share, alone;
    hf_status status;
    int alert;
  } cases[] = {
      {0, 1, true, false, HF_OK, AL_NONE},
      {0, 1, false, true, HF_OK, AL_NONE},
      {0, 2, true, false, HF_WRONG_PSK_HASH, AL_ILLEGAL_PARAMETER},
      {1, 1, true, false, HF_WRONG_PSK_HASH, AL_ILLEGAL_PARAMETER},
      {0, 1, false, false, HF_PSK_WITHOUT_SHARE, AL_ILLEGAL_PARAMETER},
      {2, 1, true, false, HF_WRONG_PSK, AL_ILLEGAL_PARAMETER},
      {NO_PSK, 1, false, true, HF_MISSING_KEY_SHARE, AL_MISSING_EXTENSION},
  };
  const hf_psk psks[] = {
      {.suite = 0x1301, .identity = bytes_of("anna"), .secret = bytes_of("secret")},
      {.suite = 0x1302, .identity = bytes_of("bert"), .secret = bytes_of("another")}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct side_setup setup;
    struct craft_play play;
    rules_setup(&setup, HF_CLIENT, cases[i].alone ? HF_ALLOW_PSK_KE : 0);
    setup.start.psks = psks;
    setup.start.num_psks = 2;
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    chosen = cases[i].chosen;
    suite = cases[i].suite;
    with_share = cases[i].with_share;
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    (void)play_say_hello(&play, choose);
    const char *wrong = rules_reason(&play, cases[i].status, cases[i].alert);
    cr_expect_null(wrong, "%zu: %s", i, wrong);
    rules_free(&play);
  }
}

/* Lengths of the binders of a hello, 0 at the end: 32 for SHA-256, 48 for SHA-384. */
static const uint8_t *binders, *binders_again;

static void put_psks(struct craft_hello *hello, const uint8_t *lens) {
  static const uint8_t zeros[48];
  struct buf identities = {0}, list = {0}, body = {0};
  for (; *lens != 0; lens++) {
    put_vector(&identities, 2, "nobody", 6);
    buf_add(&identities, zeros, 4);
    put_vector(&list, 1, zeros, *lens);
  }
  put_vector(&body, 2, identities.data, identities.len);
  put_vector(&body, 2, list.data, list.len);
  craft_drop_ext(hello, EXT_PRE_SHARED_KEY); /* it is to stand last */
  if (list.len > 0) craft_set_ext(hello, EXT_PRE_SHARED_KEY, body.data, body.len);
  buf_free(&identities);
  buf_free(&list);
  buf_free(&body);
}

EDIT(psks) {
  UNUSED;
  craft_set_ext(hello, EXT_PSK_MODES, "\1\1", 2);
  put_psks(hello, binders);
}
EDIT(psks_again) { UNUSED, put_psks(hello, binders_again); }

/* R-4.2.2-3: PSKs that do not fit the suite of the HelloRetryRequest, and only they, may be gone
 * from the second hello.  It is TLS_AES_128_GCM_SHA256 here, the only one offered. */
Test(reasons, psks_that_are_dropped) {
  static const uint8_t none[] = {0}, fits[] = {32, 0}, other[] = {48, 0}, both[] = {48, 32, 0};
  static const struct {
    const uint8_t *first, *second;
    hf_status status;
    const char *name;
  } cases[] = {{fits, fits, HF_OK, "stays"},
               {other, none, HF_OK, "one that does not fit"},
               {both, fits, HF_OK, "the one that does not fit"},
               {fits, none, HF_INCONSISTENT_HELLO, "one that fits"},
               {both, none, HF_INCONSISTENT_HELLO, "both"},
               {none, fits, HF_INCONSISTENT_HELLO, "a new one"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct craft_play play;
    rules_server(&play, HF_DEMAND_COOKIE, NULL, 0);
    play.retry = true;
    binders = cases[i].first;
    binders_again = cases[i].second;
    play.edit = psks;
    play.edit_again = psks_again;
    const bool taken = cases[i].status == HF_OK;
    cr_expect_eq(play_until(&play, CLIENT_DONE), taken, "%s", cases[i].name);
    expect(&play, cases[i].status, taken ? AL_NONE : AL_ILLEGAL_PARAMETER, cases[i].name);
  }
}

/* ---- Early data that was refused ---- */

EDIT(early) { UNUSED, ADD(EXT_EARLY_DATA, ""); }

/* Says a record that nobody can open, of |len| bytes of content. */
static void say_early(struct craft_play *play, size_t len) {
  static const uint8_t zeros[16384 + 17];
  craft_plain(&play->craft, REC_DATA, zeros, len + 17);
}

/* R-4.3.10-4 R-4.3.10-6: as much as tickets allow is passed over, and 14336 bytes in any case; then
 * the handshake goes on.  One byte more is too much. */
Test(reasons, early_data_to_skip) {
  static const struct {
    uint32_t allowed;
    size_t budget;
  } cases[] = {{0, 14336}, {1000, 14336}, {14336, 14336}, {14337, 14337}, {20000, 20000}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int more = 0; more < 2; more++) {
      for (int retry = 0; retry < 2; retry++) {
        struct side_setup setup;
        struct craft_play play;
        struct buf hello = {0};
        rules_setup(&setup, HF_SERVER, retry ? HF_DEMAND_COOKIE : 0);
        setup.settings.max_early_data = cases[i].allowed;
        cr_assert(play_new(&play, &setup, NULL, 0));
        craft_default_client_hello(&play.craft, &play.client);
        early(&play.client, &play.craft);
        craft_write_hello(&hello, &play.client, false);
        rules_say(&play, MSG_CLIENT_HELLO, &hello);
        say_early(&play, 1);
        say_early(&play, 4000);
        say_early(&play, cases[i].budget - 4001);
        cr_expect_null(rules_reason(&play, HF_OK, AL_NONE), "%zu", i);
        if (more) say_early(&play, 1);
        hf_fault fault;
        hf_get_fault(&fault, play.side.conn);
        cr_expect_eq(fault.status, more ? HF_TOO_MUCH_SKIPPED_DATA : HF_OK, "%s", fault.text);
        cr_expect_eq(fault.alert, more ? AL_UNEXPECTED_MESSAGE : 0);
        rules_free(&play);
      }
    }
  }
}

/* R-4.3.10-4: and it is not delivered, nor does it end what comes behind it. */
Test(reasons, early_data_that_is_skipped) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  play.edit = early;
  cr_assert(play_until(&play, CLIENT_SAID_HELLO));
  say_early(&play, 14336);
  cr_expect(play_until(&play, CLIENT_DONE) && side_is_ready(&play.side));
  craft_record(&play.craft, REC_DATA, "x", 1, 0);
  cr_expect_eq(play.side.app.len, 1u);
  expect(&play, HF_OK, AL_NONE, "skipped");
}
