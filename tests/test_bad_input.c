/* test_bad_input.c - what is not TLS 1.3, or not quite: other protocols, old versions, random
 * bytes, floods, and a real conversation with any one bit changed.  Each ends with an error that
 * says what was wrong and the alert that the RFC names, never with a hang. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

struct input {
  const char *name;
  hf_role role; /* of the engine */
  const char *bytes;
  size_t len;
  hf_status status;
  int alert;
};
#define B(text) text, sizeof(text) - 1

/* A ClientHello of SSL 3.0, of TLS 1.0 and of TLS 1.2, as old programs send them. */
#define RANDOM32 "0123456789abcdef0123456789abcdef"
#define SSL3_HELLO "\x16\3\0\0\x2f\1\0\0\x2b\3\0" RANDOM32 "\0\0\4\0\x2f\0\x0a\1\0"
#define TLS10_HELLO "\x16\3\1\0\x2f\1\0\0\x2b\3\1" RANDOM32 "\0\0\4\0\x2f\0\x0a\1\0"
#define TLS12_HELLO                       \
  "\x16\3\1\0\x3d\1\0\0\x39\3\3" RANDOM32 \
  "\0\0\4\xc0\x2b\xc0\x2f\1\0\0\x0c\0\x0d\0\x08\0\6\4\3\4\1\2\1"
#define TLS10_SERVER_HELLO "\x16\3\1\0\x2a\2\0\0\x26\3\1" RANDOM32 "\0\0\x2f\0"

static const struct input inputs[] = {
    {"GET", HF_SERVER, B("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), HF_HTTP_REQUEST, 70},
    {"POST", HF_SERVER, B("POST /x HTTP/1.0\r\n\r\n"), HF_HTTP_REQUEST, 70},
    {"HEAD", HF_SERVER, B("HEAD / HTTP/1.1\r\n\r\n"), HF_HTTP_REQUEST, 70},
    {"PUT", HF_SERVER, B("PUT /x HTTP/1.1\r\n\r\n"), HF_HTTP_REQUEST, 70},
    {"CONNECT", HF_SERVER, B("CONNECT a:443 HTTP/1.1\r\n\r\n"), HF_HTTPS_PROXY_REQUEST, 70},
    {"an HTTP answer", HF_CLIENT, B("HTTP/1.1 400 Bad Request\r\n\r\n"), HF_WRONG_VERSION_NUMBER,
     70},
    {"SSH", HF_SERVER, B("SSH-2.0-OpenSSH_9.2\r\n"), HF_WRONG_VERSION_NUMBER, 70},
    {"SSH", HF_CLIENT, B("SSH-2.0-OpenSSH_9.2\r\n"), HF_WRONG_VERSION_NUMBER, 70},
    {"SMTP", HF_CLIENT, B("220 mail.example ESMTP\r\n"), HF_WRONG_VERSION_NUMBER, 70},
    {"an SSL 2.0 hello", HF_SERVER,
     B("\x80\x2e\1\0\2\0\x15\0\0\0\x10\1\0\x80\2\0\x80\3\0\x80" RANDOM32), HF_SSLV2_HELLO, 70},
    {"an SSL 2.0 hello for TLS 1.0", HF_SERVER,
     B("\x80\x2e\1\3\1\0\x15\0\0\0\x10\1\0\x80\2\0\x80\3\0\x80" RANDOM32), HF_SSLV2_HELLO, 70},
    {"an SSL 3.0 hello", HF_SERVER, B(SSL3_HELLO), HF_UNSUPPORTED_VERSION, 70},
    {"a TLS 1.0 hello", HF_SERVER, B(TLS10_HELLO), HF_UNSUPPORTED_VERSION, 70},
    {"a TLS 1.2 hello", HF_SERVER, B(TLS12_HELLO), HF_UNSUPPORTED_VERSION, 70},
    {"a TLS 1.0 server", HF_CLIENT, B(TLS10_SERVER_HELLO), HF_UNSUPPORTED_VERSION, 70},
    {"a record of 2^14 + 1 bytes", HF_SERVER, B("\x16\3\1\x40\1"), HF_RECORD_OVERFLOW, 22},
    {"a record of 65535 bytes", HF_CLIENT, B("\x16\3\3\xff\xff"), HF_RECORD_OVERFLOW, 22},
    {"an alert of 2^14 + 1 bytes", HF_CLIENT, B("\x15\3\3\x40\1"), HF_RECORD_OVERFLOW, 22},
    {"an empty handshake record", HF_SERVER, B("\x16\3\1\0\0"), HF_EMPTY_RECORD, 10},
    {"an unknown record type", HF_SERVER, B("\x63\3\3\0\1x"), HF_UNKNOWN_RECORD_TYPE, 10},
    {"data in the clear", HF_SERVER, B("\x17\3\3\0\1x"), HF_APPLICATION_DATA_EARLY, 10},
    {"a message of 2^24 - 1 bytes", HF_SERVER, B("\x16\3\1\0\4\1\xff\xff\xff"), HF_MESSAGE_TOO_LONG,
     47},
    {"a message of 2^24 - 1 bytes", HF_CLIENT, B("\x16\3\3\0\4\2\xff\xff\xff"), HF_MESSAGE_TOO_LONG,
     47},
    {"a ClientHello for a client", HF_CLIENT, B(TLS10_HELLO), HF_UNEXPECTED_MESSAGE, 10},
    {"an empty ClientHello", HF_SERVER, B("\x16\3\1\0\4\1\0\0\0"), HF_DECODE_ERROR, 50},
    {"half a ClientHello", HF_SERVER, B("\x16\3\1\0\6\1\0\0\2\3\3"), HF_DECODE_ERROR, 50},
    {"a handshake_failure", HF_CLIENT, B("\x15\3\3\0\2\2\x28"), HF_PEER_ALERT, 40},
};

/* Whether the alert is the one record that is left of |out|: 21, version, length 2, fatal. */
static int alert_sent(const struct buf *out) {
  if (out->len < 7) return AL_NONE;
  const uint8_t *alert = out->data + out->len - 7;
  if (alert[0] != 21 || alert[3] != 0 || alert[4] != 2 || alert[5] != 2) return AL_NONE;
  return alert[6];
}

static void check_input(const struct input *in, size_t piece) {
  struct side_setup setup;
  struct side side;
  rules_setup(&setup, in->role, 0);
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  side.out.len = 0;
  for (size_t at = 0; at < in->len; at += piece) {
    size_t left = in->len - at;
    (void)side_feed(&side, (const uint8_t *)in->bytes + at, left < piece ? left : piece);
  }
  hf_fault fault;
  hf_get_fault(&fault, side.conn);
  cr_expect_eq(fault.status, in->status, "%s: %s", in->name, fault.text);
  cr_expect_eq(fault.alert, in->alert, "%s: alert %u", in->name, fault.alert);
  if (in->status == HF_PEER_ALERT)
    cr_expect_eq(side.out.len, 0u, "%s is answered", in->name);
  else
    cr_expect_eq(alert_sent(&side.out), in->alert, "%s", in->name);
  cr_expect_eq(hf_wants(side.conn), (unsigned)HF_FAILED, "%s", in->name);
  cr_expect_gt(strlen(fault.text), 10u);
  cr_expect_null(side.broken, "%s: %s", in->name, side.broken);
  credential_free((struct credential *)setup.credential);
  side_free(&side);
}

/* R-5.1-9 R-5.1-10 R-5.2-2 R-E.5-1 R-E.5-2 R-E.2-1 R-E.1-1 R-4-4 R-6-3 R-6.2-1: whole and byte by
 * byte. */
Test(bad_input, what_is_not_tls_13) {
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    check_input(&inputs[i], SIZE_MAX / 2);
    check_input(&inputs[i], 1);
  }
}

static uint32_t next(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

/* Random bytes, some with the head of a record, in pieces of any size: a failure or a wish for
 * more, never the end. */
static void random_bytes(hf_role role, uint32_t seed) {
  struct side_setup setup;
  struct side side;
  uint8_t noise[600];
  uint32_t state = seed;
  rules_setup(&setup, role, seed & 1 ? HF_DEMAND_COOKIE : 0);
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)next(&state);
  if (seed % 3 != 0) memcpy(noise, "\x16\3\3\1", 4);
  if (seed % 3 == 2) memcpy(noise + 5, role == HF_SERVER ? "\1\0\0" : "\2\0\0", 3);
  for (size_t at = 0; at < sizeof noise;) {
    size_t piece = 1 + next(&state) % 200;
    if (piece > sizeof noise - at) piece = sizeof noise - at;
    (void)side_feed(&side, noise + at, piece);
    at += piece;
  }
  unsigned wants = hf_wants(side.conn);
  cr_expect_not(wants & HF_READY, "seed %u", seed);
  cr_expect(wants & (HF_FAILED | HF_WANT_INPUT | HF_CLOSED), "seed %u", seed);
  cr_expect_null(side.broken, "seed %u: %s", seed, side.broken);
  credential_free((struct credential *)setup.credential);
  side_free(&side);
}

Test(bad_input, random_bytes) {
  for (uint32_t seed = 1; seed <= 1500; seed++)
    random_bytes(seed % 2 ? HF_CLIENT : HF_SERVER, seed * 2654435761u);
}

/* Where a whole conversation may be changed without anybody being harmed: the versions in the heads
 * of records that are not protected (R-5.1-9). */
static bool is_free(const struct buf *tape, size_t at) {
  for (size_t i = 0; i + 5 <= tape->len;) {
    const uint8_t *head = tape->data + i;
    if (at == i + 2 && head[0] != 23) return true;
    if (at == i + 1 && head[0] != 23 && i > 0) return true;
    i += 5 + ((size_t)head[3] << 8 | head[4]);
  }
  return false;
}

static void change_every_byte(const struct side *whole, uint8_t bit) {
  struct buf copy = {0};
  for (size_t at = 0; at < whole->tape.len; at++) {
    struct side side;
    copy.len = 0;
    buf_add(&copy, whole->tape.data, whole->tape.len);
    copy.data[at] ^= bit;
    cr_assert_eq(side_new(&side, &whole->setup), HF_OK);
    (void)side_feed(&side, copy.data, copy.len);
    bool ready = hf_wants(side.conn) & HF_READY;
    bool free_byte = is_free(&whole->tape, at);
    if (!free_byte) cr_expect_not(ready, "bit %02x of byte %zu is not noticed", bit, at);
    cr_expect_null(side.broken, "byte %zu: %s", at, side.broken);
    side_free(&side);
  }
  buf_free(&copy);
}

/* R-4.5.3-1 R-5.2-3 R-7.1-1: a conversation with any one byte changed does not complete, on either
 * side. */
Test(bad_input, one_bit_changed) {
  struct side_setup client, server;
  struct credential *credential = credential_load("ed25519");
  struct pair pair;
  pair_setup(&client, &server, credential, 77);
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&pair));
  change_every_byte(&pair.client, 1);
  change_every_byte(&pair.client, 0x80);
  change_every_byte(&pair.server, 1);
  change_every_byte(&pair.server, 0x80);
  pair_free(&pair);
  credential_free(credential);
}

/* R-6.2-2 R-5.1-7 R-4.7.3-8: floods of what is allowed once, of every kind, in one buffer. */
Test(bad_input, floods) {
  static const struct {
    const char *name;
    uint8_t type;
    const char *bytes;
    size_t len;
    hf_status status;
  } floods[] = {
      {"warnings", REC_ALERT, B("\1\x5a"), HF_TOO_MANY_WARNINGS},
      {"empty records", REC_DATA, B(""), HF_TOO_MANY_EMPTY_RECORDS},
  };
  for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
    struct craft_play play;
    struct buf flood = {0};
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_DONE));
    for (int n = 0; n < 10000; n++)
      craft_seal(&play.craft, &flood, floods[i].type, floods[i].bytes, floods[i].len, 0);
    craft_raw(&play.craft, flood.data, flood.len);
    cr_expect_eq(side_fault(&play.side), floods[i].status, "%s", floods[i].name);
    cr_expect_null(rules_verdict(&play, AL_UNEXPECTED_MESSAGE), "%s", floods[i].name);
    buf_free(&flood);
    rules_free(&play);
  }
}

/* R-4-4 R-6-2: a flight that never ends is cut short; what it held is bounded by the settings. */
Test(bad_input, endless_flight) {
  struct craft_play play;
  struct side_setup setup;
  static uint8_t certificate[60000];
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.max_flight = 70000;
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
  struct buf body = {0}, list = {0};
  for (int i = 0; i < 2; i++) {
    put_vector(&list, 3, certificate, sizeof certificate);
    put16(&list, 0);
  }
  put8(&body, 0);
  put_vector(&body, 3, list.data, list.len);
  rules_say(&play, MSG_CERTIFICATE, &body);
  cr_expect_eq(side_fault(&play.side), HF_FLIGHT_TOO_LONG);
  cr_expect_null(rules_verdict(&play, AL_ILLEGAL_PARAMETER));
  buf_free(&list);
  rules_free(&play);
}
