/* test_rules12_record.c - TLS 1.2: change_cipher_spec, protected records, alerts and what comes
 * after the handshake, against a crafted peer (craft12.h). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "craft12.h"

static void begin(struct craft12 *c, hf_role role, uint32_t flags) {
  if (role == HF_CLIENT)
    craft12_client(c, flags);
  else
    craft12_server(c, flags, NULL);
}

static void expect(struct craft12 *c, int alert, const char *what) {
  const char *wrong = rules_verdict(&c->play, alert);
  cr_expect_null(wrong, "%s, engine is %s: %s", what, c->play.craft.server ? "client" : "server",
                 wrong);
  craft12_free(c);
}

static void ready(struct craft12 *c, hf_role role) {
  begin(c, role, 0);
  cr_assert(craft12_until(c, role == HF_CLIENT ? (int)S12_DONE : (int)C12_DONE));
  cr_assert(side_is_ready(&c->play.side));
}

/* The step after which the peer's change_cipher_spec is due, and the one that sends it. */
static int before_spec(hf_role role) {
  return role == HF_CLIENT ? (int)S12_SAID_TICKET : (int)C12_SAID_VERIFY;
}
static int spec(hf_role role) {
  return role == HF_CLIENT ? (int)S12_SAID_SPEC : (int)C12_SAID_SPEC;
}

#define BOTH_ROLES(role) for (hf_role role = HF_CLIENT; role <= HF_SERVER; role++)

/* ---- change_cipher_spec ---- */

/* R-5246-7.1-2: another content. */
Test(rules12_record, spec_malformed) {
  static const struct {
    const char *bytes;
    size_t len;
  } bad[] = {{"\2", 1}, {"\0", 1}, {"\1\1", 2}, {"", 0}};
  BOTH_ROLES(role)
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct craft12 c;
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, before_spec(role)));
    craft_plain(&c.play.craft, REC_CCS, bad[i].bytes, bad[i].len);
    expect(&c, AL_UNEXPECTED_MESSAGE, "content");
  }
}

/* R-5246-7.1-1: twice, in the clear and protected; and after the handshake. */
Test(rules12_record, spec_twice) {
  BOTH_ROLES(role) {
    struct craft12 c;
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, spec(role)));
    craft_record(&c.play.craft, REC_CCS, "\1", 1, 0);
    expect(&c, AL_UNEXPECTED_MESSAGE, "protected");
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, spec(role)));
    craft_plain(&c.play.craft, REC_CCS, "\1", 1);
    expect(&c, AL_BAD_RECORD_MAC, "in the clear");
    ready(&c, role);
    craft_record(&c.play.craft, REC_CCS, "\1", 1, 0);
    expect(&c, AL_UNEXPECTED_MESSAGE, "once ready");
  }
}

/* R-5246-7.1-3: never inside a message, nor between the parts of one. */
Test(rules12_record, spec_with_a_fragment) {
  BOTH_ROLES(role)
  for (size_t part = 1; part <= 5; part++) {
    struct craft12 c;
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, before_spec(role)));
    craft_plain(&c.play.craft, REC_HANDSHAKE, "\x14\0\0\x0czz", part);
    craft_plain(&c.play.craft, REC_CCS, "\1", 1);
    expect(&c, AL_UNEXPECTED_MESSAGE, "a part of Finished before it");
  }
  /* Nor inside a message that would be right. */
  struct craft12 c;
  begin(&c, HF_SERVER, 0);
  cr_assert(craft12_until(&c, C12_SAID_CERTIFICATE));
  craft_plain(&c.play.craft, REC_HANDSHAKE, "\x10\0\0\x21", 4);
  craft_plain(&c.play.craft, REC_CCS, "\1", 1);
  expect(&c, AL_UNEXPECTED_MESSAGE, "inside ClientKeyExchange");
}

/* R-5246-7.1-1: missing: Finished in the clear is none. */
Test(rules12_record, spec_missing) {
  BOTH_ROLES(role) {
    struct craft12 c;
    struct buf body = {0};
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, before_spec(role)));
    body12_of_finished(&body, &c, role == HF_CLIENT);
    rules_say(&c.play, MSG_FINISHED, &body);
    expect(&c, AL_UNEXPECTED_MESSAGE, "Finished in the clear");
  }
}

/* ---- Protection ---- */

/* R-5246-6.2.3.3-1 R-5246-6.2.1-4: any bit of a record, and its number; that of its version is no
 * secret. */
Test(rules12_record, bad_records) {
  struct craft12 c;
  for (size_t bit = 0; bit < 8 * (5 + 8 + 4 + 16); bit += 3) {
    if (bit / 8 == 0 || bit / 8 == 3 || bit / 8 == 4) continue;
    struct buf record = {0};
    ready(&c, HF_CLIENT);
    craft12_seal(&c.play.craft.write, &record, REC_DATA, "data", 4);
    record.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    craft_raw(&c.play.craft, record.data, record.len);
    buf_free(&record);
    const bool version = bit / 8 == 1 || bit / 8 == 2;
    expect(&c, version ? AL_PROTOCOL_VERSION : AL_BAD_RECORD_MAC, "a changed bit");
  }
  for (uint8_t type = REC_CCS; type <= REC_DATA; type++) {
    struct buf record = {0};
    if (type == REC_HANDSHAKE) continue;
    ready(&c, HF_SERVER);
    craft12_seal(&c.play.craft.write, &record, REC_HANDSHAKE, "data", 4);
    record.data[0] = type;
    craft_raw(&c.play.craft, record.data, record.len);
    buf_free(&record);
    expect(&c, AL_BAD_RECORD_MAC, "another type");
  }
  ready(&c, HF_SERVER);
  c.play.craft.write.seq++;
  craft_record(&c.play.craft, REC_DATA, "data", 4, 0);
  expect(&c, AL_BAD_RECORD_MAC, "a record that was left out");
}

/* R-5246-6.2.3.3-2: too short for nonce and tag. */
Test(rules12_record, short_records) {
  static const size_t lens[] = {0, 1, 7, 8, 16, 23};
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    struct craft12 c;
    uint8_t zeros[23] = {0};
    ready(&c, HF_CLIENT);
    craft_plain(&c.play.craft, REC_DATA, zeros, lens[i]);
    expect(&c, AL_BAD_RECORD_MAC, "short");
  }
}

/* R-5246-6.2.3-1: nothing passes in the clear any more. */
Test(rules12_record, unprotected) {
  BOTH_ROLES(role) {
    struct craft12 c;
    ready(&c, role);
    craft_plain(&c.play.craft, REC_ALERT, "\1\0", 2);
    expect(&c, AL_BAD_RECORD_MAC, "close_notify in the clear");
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, spec(role)));
    craft_plain(&c.play.craft, REC_ALERT, "\2\50", 2);
    expect(&c, AL_BAD_RECORD_MAC, "an alert in the clear");
  }
}

/* R-5246-6.2.1-1 R-5246-6.2.3-2: 2^14 bytes are taken; one more is not, nor a header that says so.
 */
Test(rules12_record, lengths) {
  static uint8_t data[16385];
  struct craft12 c;
  BOTH_ROLES(role) {
    ready(&c, role);
    craft_record(&c.play.craft, REC_DATA, data, 16384, 0);
    cr_expect_eq(c.play.side.app.len, 16384u);
    craft_record(&c.play.craft, REC_DATA, data, 16385, 0);
    expect(&c, AL_RECORD_OVERFLOW, "2^14 + 1");
    ready(&c, role);
    craft_raw(&c.play.craft, "\x17\3\3\x48\1", 5);
    expect(&c, AL_RECORD_OVERFLOW, "2^14 + 2049");
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, before_spec(role)));
    craft_raw(&c.play.craft, "\x16\3\3\x40\1", 5);
    expect(&c, AL_RECORD_OVERFLOW, "in the clear");
  }
}

/* R-5246-6.2.1-2: of data an empty record is taken, not without end; of all else it is an error. */
Test(rules12_record, empty_records) {
  static const uint8_t types[] = {REC_ALERT, REC_HANDSHAKE};
  struct craft12 c;
  ready(&c, HF_CLIENT);
  for (int i = 0; i < 30; i++) craft_record(&c.play.craft, REC_DATA, "", 0, 0);
  craft_record(&c.play.craft, REC_DATA, "x", 1, 0);
  for (int i = 0; i < 30; i++) craft_record(&c.play.craft, REC_DATA, "", 0, 0);
  cr_expect_null(rules_verdict(&c.play, AL_NONE));
  cr_expect_eq(c.play.side.app.len, 1u);
  for (int i = 0; i < 10; i++) craft_record(&c.play.craft, REC_DATA, "", 0, 0);
  expect(&c, AL_UNEXPECTED_MESSAGE, "too many");
  for (size_t i = 0; i < 2; i++) {
    ready(&c, HF_SERVER);
    craft_record(&c.play.craft, types[i], "", 0, 0);
    expect(&c, AL_UNEXPECTED_MESSAGE, "empty");
    begin(&c, HF_CLIENT, 0);
    cr_assert(craft12_until(&c, S12_SAID_HELLO));
    craft_plain(&c.play.craft, types[i], "", 0);
    expect(&c, AL_UNEXPECTED_MESSAGE, "empty, in the clear");
  }
}

/* R-5246-6.2.1-3: content types that nobody knows. */
Test(rules12_record, unknown_types) {
  static const uint8_t types[] = {0, 19, 24, 25, 26, 255};
  for (size_t i = 0; i < sizeof types; i++) {
    struct craft12 c;
    ready(&c, HF_CLIENT);
    craft_record(&c.play.craft, types[i], "x", 1, 0);
    expect(&c, AL_UNEXPECTED_MESSAGE, "protected");
    begin(&c, HF_CLIENT, 0);
    cr_assert(craft12_until(&c, S12_SAID_HELLO));
    craft_plain(&c.play.craft, types[i], "x", 1);
    expect(&c, AL_UNEXPECTED_MESSAGE, "in the clear");
  }
}

/* R-5246-7.4.9-3: no data before the peer's Finished, protected or not. */
Test(rules12_record, data_before_finished) {
  BOTH_ROLES(role) {
    struct craft12 c;
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, spec(role)));
    craft_record(&c.play.craft, REC_DATA, "data", 4, 0);
    expect(&c, AL_UNEXPECTED_MESSAGE, "protected");
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, before_spec(role)));
    craft_plain(&c.play.craft, REC_DATA, "data", 4);
    expect(&c, AL_UNEXPECTED_MESSAGE, "in the clear");
  }
}

/* R-5.1-1: messages in records of one byte, up to and with Finished. */
Test(rules12_record, fragments) {
  BOTH_ROLES(role) {
    struct craft12 c;
    struct buf body = {0}, message = {0};
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, spec(role)));
    body12_of_finished(&body, &c, role == HF_CLIENT);
    craft_message(&message, MSG_FINISHED, body.data, body.len);
    for (size_t i = 0; i < message.len; i++)
      craft_record(&c.play.craft, REC_HANDSHAKE, message.data + i, 1, 0);
    buf_free(&body);
    buf_free(&message);
    cr_expect(side_is_ready(&c.play.side));
    expect(&c, AL_NONE, "one byte each");
  }
}

/* ---- Alerts ---- */

/* R-5246-7.2.2-2: four warnings in a row are passed over, whatever they say; the fifth is not. */
Test(rules12_record, warnings) {
  static const char *const alerts[] = {"\1\x70" /* unrecognized_name */, "\1\x5a", "\1\x64",
                                       "\1\x29"};
  BOTH_ROLES(role) {
    struct craft12 c;
    begin(&c, role, 0);
    cr_assert(craft12_until(&c, before_spec(role)));
    for (int i = 0; i < 4; i++) craft_plain(&c.play.craft, REC_ALERT, alerts[i], 2);
    cr_assert(craft12_until(&c, role == HF_CLIENT ? (int)S12_DONE : (int)C12_DONE));
    cr_expect(side_is_ready(&c.play.side));
    craft_record(&c.play.craft, REC_DATA, "x", 1, 0);
    for (int i = 0; i < 4; i++) craft_record(&c.play.craft, REC_ALERT, alerts[i], 2, 0);
    cr_expect_null(rules_verdict(&c.play, AL_NONE));
    craft_record(&c.play.craft, REC_ALERT, alerts[0], 2, 0);
    expect(&c, AL_UNEXPECTED_MESSAGE, "five warnings");
  }
}

/* R-6066-3-20: the warning unrecognized_name in front of a ServerHello. */
Test(rules12_record, unrecognized_name) {
  struct craft12 c;
  begin(&c, HF_CLIENT, 0);
  cr_assert(craft12_until(&c, S12_HEARD_HELLO));
  craft_plain(&c.play.craft, REC_ALERT, "\1\x70", 2);
  cr_expect(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side));
  expect(&c, AL_NONE, "unrecognized_name");
}

/* R-5246-7.2.2-3: a fatal alert ends it, and no alert answers. */
Test(rules12_record, fatal_alerts) {
  BOTH_ROLES(role) {
    struct craft12 c;
    ready(&c, role);
    craft_record(&c.play.craft, REC_ALERT, "\2\50", 2, 0);
    cr_expect_eq(side_fault(&c.play.side), HF_PEER_ALERT);
    cr_expect_eq(craft_hear_alert(&c.play.craft), AL_NONE);
    craft12_free(&c);
  }
}

/* R-5246-7.2.1-1: close_notify, both ways. */
Test(rules12_record, close_notify) {
  BOTH_ROLES(role) {
    struct craft12 c;
    ready(&c, role);
    craft_record(&c.play.craft, REC_ALERT, "\1\0", 2, 0);
    cr_expect(hf_wants(c.play.side.conn) & HF_CLOSED);
    cr_expect_eq(side_close(&c.play.side), HF_OK);
    cr_expect_eq(craft_hear_alert(&c.play.craft), AL_CLOSE_NOTIFY);
    cr_expect_eq(c.play.craft.alert_level, 1);
    cr_expect_not(c.play.craft.broken);
    craft12_free(&c);
  }
}

/* ---- Renegotiation ---- */

static void ask_again(struct craft12 *c) {
  struct craft_hello hello = {.version = 0};
  struct buf body = {0};
  if (!c->play.craft.server) {
    craft12_default_hello(c, &hello);
    craft_write_hello(&body, &hello, false);
    craft_hello_free(&hello);
  }
  rules_say(&c->play, c->play.craft.server ? MSG_HELLO_REQUEST : MSG_CLIENT_HELLO, &body);
}

/* R-5246-7.2.2-1 R-5746-4.5-1: refused with a warning, and life goes on; without end it does not.
 */
Test(rules12_record, renegotiation) {
  BOTH_ROLES(role) {
    struct craft12 c;
    ready(&c, role);
    for (int i = 0; i < 50; i++) {
      ask_again(&c);
      c.play.craft.alert = AL_NONE;
      ask_again(&c);
      cr_assert_eq(craft_hear_alert(&c.play.craft), AL_NO_RENEGOTIATION);
      cr_assert_eq(c.play.craft.alert_level, 1);
      craft_record(&c.play.craft, REC_DATA, "x", 1, 0);
    }
    cr_expect_eq(c.play.side.app.len, 50u);
    cr_expect_eq(side_send(&c.play.side, (const uint8_t *)"y", 1), HF_OK);
    c.play.craft.alert = AL_NONE;
    cr_expect_null(rules_verdict(&c.play, AL_NONE));
    cr_expect_eq(c.play.craft.data.len, 1u);
    for (int i = 0; i < 100 && side_fault(&c.play.side) == HF_OK; i++) ask_again(&c);
    (void)craft_hear_alert(&c.play.craft);
    expect(&c, AL_NO_RENEGOTIATION, "again and again");
  }
}

/* A HelloRequest is in no transcript. */
static void say_hello_request(struct craft12 *c) {
  struct buf request = {0};
  craft_message(&request, MSG_HELLO_REQUEST, NULL, 0);
  craft_record(&c->play.craft, REC_HANDSHAKE, request.data, request.len, 0);
  buf_free(&request);
}

/* R-5246-7.4.1.1-1: HelloRequest while the handshake goes on is passed over, but not a flood, nor
 * one with something in it. */
Test(rules12_record, hello_request) {
  struct craft12 c;
  struct buf none = {0};
  for (int step = S12_HEARD_HELLO; step <= S12_SAID_SPEC; step++) {
    if (step == S12_SAID_DONE) continue; /* its answer is on its way */
    begin(&c, HF_CLIENT, 0);
    cr_assert(craft12_until(&c, step));
    say_hello_request(&c);
    cr_expect(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side), "step %d", step);
    expect(&c, AL_NONE, "one");
  }
  /* Nor is it in what a client signs. */
  struct side_setup setup;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.credential = credential_load("client-ecdsa-p256");
  cr_assert_not_null(setup.credential);
  craft12_new(&c, &setup, "ecdsa-p256");
  c.play.request = true;
  for (int step = S12_HEARD_HELLO; step < S12_SAID_DONE; step++) {
    cr_assert(craft12_until(&c, step));
    say_hello_request(&c);
  }
  cr_expect(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side));
  expect(&c, AL_NONE, "with a signature");
  /* What is too much is so in a row. */
  static const int steps[] = {S12_HEARD_HELLO, S12_SAID_HELLO, S12_SAID_CERTIFICATE,
                              S12_SAID_EXCHANGE, S12_HEARD_FINISHED};
  begin(&c, HF_CLIENT, 0);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    cr_assert(craft12_until(&c, steps[i]));
    for (int j = 0; j < 4; j++) say_hello_request(&c);
  }
  cr_expect(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side));
  expect(&c, AL_NONE, "four between any two messages");
  begin(&c, HF_CLIENT, 0);
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  for (int i = 0; i < 10; i++) rules_say(&c.play, MSG_HELLO_REQUEST, &none);
  expect(&c, AL_UNEXPECTED_MESSAGE, "ten");
  begin(&c, HF_CLIENT, 0);
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  none = rules_bytes("x", 1);
  rules_say(&c.play, MSG_HELLO_REQUEST, &none);
  expect(&c, AL_UNEXPECTED_MESSAGE, "with a body");
  ready(&c, HF_CLIENT);
  none = rules_bytes("x", 1);
  rules_say(&c.play, MSG_HELLO_REQUEST, &none);
  expect(&c, AL_DECODE_ERROR, "with a body, once ready");
}

/* R-H-60: what TLS 1.2 does not have. */
Test(rules12_record, misuse) {
  BOTH_ROLES(role) {
    struct craft12 c;
    ready(&c, role);
    cr_expect_eq(hf_rekey(c.play.side.conn, false), HF_MISUSE);
    cr_expect_eq(hf_issue_ticket(c.play.side.conn), HF_MISUSE);
    expect(&c, AL_NONE, "misuse");
  }
}
