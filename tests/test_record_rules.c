/* test_record_rules.c - the record layer: types, versions, lengths, fragments, protection, padding
 * and change_cipher_spec, against a crafted peer. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

static const uint8_t one = 1;

static void expect(struct craft_play *play, int alert, const char *what) {
  const char *wrong = rules_verdict(play, alert);
  cr_expect_null(wrong, "%s: %s", what, wrong);
  rules_free(play);
}

/* R-5-1: change_cipher_spec is dropped wherever it comes during the handshake, client and server.
 */
Test(record_rules, ccs_during_the_handshake) {
  struct craft_play play;
  rules_client(&play);
  for (int step = SERVER_HEARD_HELLO; step < SERVER_DONE; step++) {
    cr_assert(play_until(&play, step));
    if (step < SERVER_SAID_FINISHED) craft_plain(&play.craft, REC_CCS, &one, 1);
  }
  cr_expect(play_until(&play, SERVER_DONE));
  expect(&play, AL_NONE, "client");
  rules_server(&play, HF_REQUEST_CLIENT_CERT, "client-ecdsa-p256", 0x0403);
  for (int step = CLIENT_SAID_HELLO; step < CLIENT_DONE; step++) {
    cr_assert(play_until(&play, step));
    craft_plain(&play.craft, REC_CCS, &one, 1);
  }
  cr_expect(play_until(&play, CLIENT_DONE));
  expect(&play, AL_NONE, "server");
}

/* R-5-2: another value, another length, or a protected one. */
Test(record_rules, ccs_malformed) {
  static const struct {
    const char *bytes;
    size_t len;
  } bad[] = {{"\2", 1}, {"\0", 1}, {"\1\1", 2}, {"", 0}};
  struct craft_play play;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_SAID_HELLO));
    craft_plain(&play.craft, REC_CCS, bad[i].bytes, bad[i].len);
    expect(&play, AL_UNEXPECTED_MESSAGE, "after the ServerHello");
    rules_server(&play, 0, NULL, 0);
    cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
    craft_plain(&play.craft, REC_CCS, bad[i].bytes, bad[i].len);
    expect(&play, AL_UNEXPECTED_MESSAGE, "after the server's Finished");
  }
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  craft_record(&play.craft, REC_CCS, &one, 1, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "a protected change_cipher_spec");
}

/* R-5-3: after the peer's Finished. */
Test(record_rules, ccs_too_late) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  craft_plain(&play.craft, REC_CCS, &one, 1);
  expect(&play, AL_UNEXPECTED_MESSAGE, "client");
  rules_server(&play, 0, NULL, 0);
  cr_assert(play_until(&play, CLIENT_DONE));
  craft_plain(&play.craft, REC_CCS, &one, 1);
  expect(&play, AL_UNEXPECTED_MESSAGE, "server");
}

/* R-5-3 R-4.3.2-4: before the first hello a server drops one, for it may be a retry's; it does not
 * drop many. */
Test(record_rules, ccs_too_early) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  for (int i = 0; i < 40; i++) craft_plain(&play.craft, REC_CCS, &one, 1);
  expect(&play, AL_UNEXPECTED_MESSAGE, "40 before the hello");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  for (int i = 0; i < 40; i++) craft_plain(&play.craft, REC_CCS, &one, 1);
  expect(&play, AL_UNEXPECTED_MESSAGE, "40 during the handshake");
}

/* R-5-4: content types that nobody knows, in the clear and protected. */
Test(record_rules, unknown_types) {
  static const uint8_t types[] = {0, 1, 19, 24, 25, 26, 64, 128, 255};
  struct craft_play play;
  for (size_t i = 0; i < sizeof types; i++) {
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    craft_plain(&play.craft, types[i], "x", 1);
    expect(&play, AL_UNEXPECTED_MESSAGE, "in the clear");
    if (types[i] == 0) continue;
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_SAID_HELLO));
    craft_record(&play.craft, types[i], "x", 1, 0);
    expect(&play, AL_UNEXPECTED_MESSAGE, "during the handshake");
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_DONE));
    craft_record(&play.craft, types[i], "x", 1, 0);
    expect(&play, AL_UNEXPECTED_MESSAGE, "once ready");
  }
}

/* Says a message in records of |piece| bytes. */
static void say_in_pieces(struct craft_play *play, uint8_t type, struct buf *body, size_t piece) {
  struct buf message = {0};
  craft_message(&message, type, body->data, body->len);
  buf_add(&play->craft.transcript, message.data, message.len);
  for (size_t at = 0; at < message.len; at += piece) {
    size_t left = message.len - at;
    craft_record(&play->craft, REC_HANDSHAKE, message.data + at, left < piece ? left : piece, 0);
  }
  buf_free(&message);
  buf_free(body);
}

/* R-5.1-1: the server's messages in records of 1, 2 and 7 bytes. */
Test(record_rules, fragments) {
  static const size_t pieces[] = {1, 2, 7};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    struct craft_play play;
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
    struct buf body = {0};
    body_of_own_certificate(&body, &play);
    say_in_pieces(&play, MSG_CERTIFICATE, &body, pieces[i]);
    cr_assert(body_of_verify(&body, &play, 0x0403));
    say_in_pieces(&play, MSG_CERTIFICATE_VERIFY, &body, pieces[i]);
    body_of_finished(&body, &play);
    say_in_pieces(&play, MSG_FINISHED, &body, pieces[i]);
    craft_derive_application(&play.craft);
    cr_expect(side_is_ready(&play.side), "pieces of %zu", pieces[i]);
    expect(&play, AL_NONE, "fragments");
  }
}

/* R-C.3-1 R-5.1-1: a ClientHello in records of one byte. */
Test(record_rules, client_hello_in_bytes) {
  struct craft_play play;
  struct buf body = {0};
  rules_server(&play, 0, NULL, 0);
  craft_default_client_hello(&play.craft, &play.client);
  craft_write_hello(&body, &play.client, false);
  say_in_pieces(&play, MSG_CLIENT_HELLO, &body, 1);
  play.step = CLIENT_SAID_HELLO;
  cr_expect(play_until(&play, CLIENT_DONE));
  expect(&play, AL_NONE, "a hello byte by byte");
}

/* R-5.1-1: EncryptedExtensions to Finished in one record. */
Test(record_rules, coalesced) {
  struct craft_play play;
  struct buf flight = {0}, body = {0};
  struct buf *transcript = &play.craft.transcript;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  size_t from = transcript->len;
  craft_message(transcript, MSG_ENCRYPTED_EXTENSIONS, "\0\0", 2);
  body_of_own_certificate(&body, &play);
  craft_message(transcript, MSG_CERTIFICATE, body.data, body.len);
  body.len = 0;
  cr_assert(body_of_verify(&body, &play, 0x0403));
  craft_message(transcript, MSG_CERTIFICATE_VERIFY, body.data, body.len);
  body.len = 0;
  body_of_finished(&body, &play);
  craft_message(transcript, MSG_FINISHED, body.data, body.len);
  buf_add(&flight, transcript->data + from, transcript->len - from);
  craft_record(&play.craft, REC_HANDSHAKE, flight.data, flight.len, 100);
  cr_expect(side_is_ready(&play.side));
  buf_free(&flight);
  buf_free(&body);
  expect(&play, AL_NONE, "a flight in one record");
}

/* R-5.1-2: half a message, then a record of another type. */
Test(record_rules, interleaved) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  craft_record(&play.craft, REC_HANDSHAKE, "\x08\0\0", 3, 0);
  craft_record(&play.craft, REC_DATA, "data", 4, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "data inside a message");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  craft_record(&play.craft, REC_HANDSHAKE, "\4\0\0", 3, 0);
  craft_record(&play.craft, REC_DATA, "data", 4, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "data inside a ticket");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  craft_record(&play.craft, REC_HANDSHAKE, "\4\0\0", 3, 0);
  craft_record(&play.craft, REC_ALERT, "\1\0", 2, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "a close_notify inside a ticket");
}

/* R-5.1-5: empty handshake records, in the clear, protected, and with padding. */
Test(record_rules, empty_handshake_records) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  craft_plain(&play.craft, REC_HANDSHAKE, "", 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "in the clear");
  for (size_t pad = 0; pad < 2; pad++) {
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_SAID_HELLO));
    craft_record(&play.craft, REC_HANDSHAKE, "", 0, 10 * pad);
    expect(&play, AL_UNEXPECTED_MESSAGE, "protected");
  }
}

/* R-5.1-7: 32 empty records of data in a row, and one more. */
Test(record_rules, empty_data_records) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  for (int i = 0; i < 32; i++) craft_record(&play.craft, REC_DATA, "", 0, (size_t)i);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  craft_record(&play.craft, REC_DATA, "x", 1, 0);
  for (int i = 0; i < 32; i++) craft_record(&play.craft, REC_DATA, "", 0, 0);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  cr_expect_eq(play.side.app.len, 1u);
  craft_record(&play.craft, REC_DATA, "", 0, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "33 empty records");
}

/* R-5.1-9: the version of a record is anything. */
Test(record_rules, record_versions) {
  static const uint8_t minors[] = {0, 1, 2, 3, 4, 9};
  for (size_t i = 0; i < sizeof minors; i++) {
    struct craft_play play;
    struct buf body = {0}, message = {0}, record = {0};
    rules_server(&play, 0, NULL, 0);
    craft_default_client_hello(&play.craft, &play.client);
    craft_write_hello(&body, &play.client, false);
    craft_message(&message, MSG_CLIENT_HELLO, body.data, body.len);
    buf_add(&play.craft.transcript, message.data, message.len);
    put8(&record, REC_HANDSHAKE);
    put8(&record, 3);
    put8(&record, minors[i]);
    put_vector(&record, 2, message.data, message.len);
    craft_raw(&play.craft, record.data, record.len);
    play.step = CLIENT_SAID_HELLO;
    cr_expect(play_until(&play, CLIENT_DONE), "version 3.%u", minors[i]);
    buf_free(&body);
    buf_free(&message);
    buf_free(&record);
    expect(&play, AL_NONE, "a record's version");
  }
}

/* R-5.1-10 R-5.2-2: lengths are refused on the header, before the body is there. */
Test(record_rules, overlong_headers) {
  static const uint8_t plain[] = {22, 3, 1, 0x40, 0x01}, protected_[] = {23, 3, 3, 0x41, 0x01};
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  craft_raw(&play.craft, plain, sizeof plain);
  expect(&play, AL_RECORD_OVERFLOW, "in the clear");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  craft_raw(&play.craft, protected_, sizeof protected_);
  expect(&play, AL_RECORD_OVERFLOW, "protected");
}

/* R-5.2-4 R-5.4-1: 2^14 bytes of data are taken, with padding too; one more is not. */
Test(record_rules, longest_plaintext) {
  static uint8_t data[16385];
  struct craft_play play;
  memset(data, 'd', sizeof data);
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  craft_record(&play.craft, REC_DATA, data, 16384, 0);
  craft_record(&play.craft, REC_DATA, data, 384, 16000);
  craft_record(&play.craft, REC_DATA, data, 1, 16383);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  cr_expect_eq(play.side.app.len, 16384u + 385u);
  craft_record(&play.craft, REC_DATA, data, 16385, 0);
  expect(&play, AL_RECORD_OVERFLOW, "2^14 + 1 bytes");
}

/* R-5.2-3 R-5.2-1 R-5.3-1: any bit of a protected record, its header too, and its number in the
 * row. */
Test(record_rules, bad_records) {
  struct craft_play play;
  for (size_t bit = 0; bit < 8 * (5 + 4 + 1 + 16); bit += 3) {
    if (bit / 8 == 0 || bit / 8 == 3 || bit / 8 == 4)
      continue; /* type and length have alerts of their own */
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_DONE));
    struct buf record = {0};
    craft_seal(&play.craft, &record, REC_DATA, "data", 4, 0);
    record.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    craft_raw(&play.craft, record.data, record.len);
    buf_free(&record);
    expect(&play, AL_BAD_RECORD_MAC, "a changed bit");
  }
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  play.craft.write.seq++;
  craft_record(&play.craft, REC_DATA, "data", 4, 0);
  expect(&play, AL_BAD_RECORD_MAC, "a record that was left out");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_DONE));
  craft_raw(&play.craft, "\x17\3\3\0\x10zzzzzzzzzzzzzzzz", 21);
  expect(&play, AL_BAD_RECORD_MAC, "a record that is all tag");
}

/* R-5.4-3: nothing but zeros. */
Test(record_rules, all_zeros) {
  static const size_t pads[] = {0, 1, 100};
  for (size_t i = 0; i < sizeof pads / sizeof *pads; i++) {
    struct craft_play play;
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_DONE));
    craft_record(&play.craft, 0, "", 0, pads[i]);
    expect(&play, AL_UNEXPECTED_MESSAGE, "zeros");
  }
}

/* R-5.1-11 R-2-1: data in the clear, before keys and after. */
Test(record_rules, unprotected_data) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_HEARD_HELLO));
  craft_plain(&play.craft, REC_DATA, "data", 4);
  expect(&play, AL_UNEXPECTED_MESSAGE, "to a client that waits for a ServerHello");
  rules_server(&play, 0, NULL, 0);
  craft_plain(&play.craft, REC_DATA, "data", 4);
  expect(&play, AL_UNEXPECTED_MESSAGE, "to a server that waits for a ClientHello");
}

/* R-2-1 R-4.5.3-4: data under handshake keys is data too early. */
Test(record_rules, data_before_finished) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_VERIFY));
  craft_record(&play.craft, REC_DATA, "data", 4, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "client");
  rules_server(&play, 0, NULL, 0);
  cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
  craft_record(&play.craft, REC_DATA, "data", 4, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "server");
}

/* R-5.1-11: handshake records in the clear once there are keys. */
Test(record_rules, unprotected_handshake) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  craft_plain(&play.craft, REC_HANDSHAKE, "\x08\0\0\2\0\0", 6);
  expect(&play, AL_UNEXPECTED_MESSAGE, "client");
}
