/* test_alert_rules.c - alerts, closing, KeyUpdate and tickets: what happens outside the script,
 * against a crafted peer. */
#include <criterion/criterion.h>
#include <string.h>

#include "rules.h"

static void expect(struct craft_play *play, int alert, const char *what) {
  const char *wrong = rules_verdict(play, alert);
  cr_expect_null(wrong, "%s: %s", what, wrong);
  rules_free(play);
}

static void ready_client(struct craft_play *play) {
  rules_client(play);
  cr_assert(play_until(play, SERVER_DONE));
  cr_assert(side_is_ready(&play->side));
}

static void ready_server(struct craft_play *play, uint32_t flags, craft_edit *edit) {
  rules_server(play, flags, NULL, 0);
  play->edit = edit;
  cr_assert(play_until(play, CLIENT_DONE));
  cr_assert(side_is_ready(&play->side));
}

static void data(struct craft_play *play, const char *text) {
  craft_record(&play->craft, REC_DATA, text, strlen(text), 0);
}

static bool got(const struct craft_play *play, const char *text) {
  return play->side.app.len == strlen(text) && memcmp(play->side.app.data, text, strlen(text)) == 0;
}

/* The engine failed because of an alert of the peer's, and says nothing itself. */
static void expect_peer_alert(struct craft_play *play, uint8_t description) {
  hf_fault fault;
  hf_get_fault(&fault, play->side.conn);
  cr_expect_eq(fault.status, HF_PEER_ALERT, "alert %u: %s", description, fault.text);
  cr_expect_eq(fault.alert, description);
  cr_expect_eq(craft_hear_alert(&play->craft), AL_NONE);
  cr_expect_eq(hf_wants(play->side.conn), (unsigned)HF_FAILED);
  uint8_t room[64];
  size_t len;
  cr_expect_eq(hf_seal(play->side.conn, &len, room, sizeof room, room, 1), HF_MISUSE);
  rules_free(play);
}

/* R-6-1 R-6-2: every alert is fatal whatever its level, the unknown ones too; before keys, during
 * and after the handshake. */
Test(alert_rules, fatal_alerts) {
  static const uint8_t alerts[] = {10,  20,  40,  42,  47,  48,  80, 86,
                                   100, 110, 112, 116, 120, 200, 255};
  for (size_t i = 0; i < sizeof alerts; i++) {
    for (uint8_t level = 1; level <= 2; level++) {
      const uint8_t alert[] = {level, alerts[i]};
      struct craft_play play;
      rules_client(&play);
      cr_assert(play_until(&play, SERVER_HEARD_HELLO));
      craft_plain(&play.craft, REC_ALERT, alert, 2);
      expect_peer_alert(&play, alerts[i]);
      rules_client(&play);
      cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
      craft_record(&play.craft, REC_ALERT, alert, 2, 0);
      expect_peer_alert(&play, alerts[i]);
      ready_server(&play, 0, NULL);
      craft_record(&play.craft, REC_ALERT, alert, 2, 0);
      expect_peer_alert(&play, alerts[i]);
    }
  }
}

/* R-5.1-6: alerts of another length. */
Test(alert_rules, malformed_alerts) {
  struct craft_play play;
  static const struct {
    const char *bytes;
    size_t len;
    int alert;
  } bad[] = {{"\2", 1, AL_DECODE_ERROR},
             {"\2\x28\0", 3, AL_DECODE_ERROR},
             {"\2\x28\2\x28", 4, AL_DECODE_ERROR},
             {"", 0, AL_UNEXPECTED_MESSAGE}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ready_client(&play);
    craft_record(&play.craft, REC_ALERT, bad[i].bytes, bad[i].len, 0);
    expect(&play, bad[i].alert, "protected");
    rules_server(&play, 0, NULL, 0);
    craft_plain(&play.craft, REC_ALERT, bad[i].bytes, bad[i].len);
    expect(&play, bad[i].alert, "in the clear");
  }
}

/* R-6.1-1 R-6.1-2 R-6.1-3: a close_notify of the peer's ends one direction; ours is a warning, sent
 * once. */
Test(alert_rules, close_notify) {
  struct craft_play play;
  ready_client(&play);
  data(&play, "last words");
  craft_record(&play.craft, REC_ALERT, "\1\0", 2, 0);
  cr_expect(hf_wants(play.side.conn) & HF_CLOSED);
  cr_expect(hf_wants(play.side.conn) & HF_CAN_SEND);
  data(&play, "too late");
  craft_raw(&play.craft, "rubbish", 7);
  cr_expect(got(&play, "last words"));
  cr_expect_eq(side_fault(&play.side), HF_OK);
  cr_expect_eq(side_send(&play.side, (const uint8_t *)"answer", 6), HF_OK);
  cr_expect_eq(side_close(&play.side), HF_OK);
  cr_expect_eq(side_close(&play.side), HF_OK);
  cr_expect_not(hf_wants(play.side.conn) & HF_CAN_SEND);
  size_t records = play.craft.num_records;
  cr_expect_eq(craft_hear_alert(&play.craft), AL_CLOSE_NOTIFY);
  cr_expect_eq(play.craft.alert_level, 1);
  cr_expect_eq(play.craft.num_records - records, 2u, "the answer and one close_notify");
  cr_expect_eq(play.craft.data.len, 6u);
  rules_free(&play);
}

/* R-6.1-2: after our own close_notify the peer may go on, and we read it. */
Test(alert_rules, half_close) {
  struct craft_play play;
  ready_server(&play, 0, NULL);
  cr_expect_eq(side_close(&play.side), HF_OK);
  data(&play, "still ");
  data(&play, "here");
  cr_expect(got(&play, "still here"));
  cr_expect_eq(craft_hear_alert(&play.craft), AL_CLOSE_NOTIFY);
  uint8_t room[64];
  size_t len;
  cr_expect_eq(hf_seal(play.side.conn, &len, room, sizeof room, room, 1), HF_MISUSE);
  rules_free(&play);
}

/* R-6.1-2: a close_notify in the middle of the handshake ends it without a failure. */
Test(alert_rules, close_notify_during_the_handshake) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
  craft_record(&play.craft, REC_ALERT, "\1\0", 2, 0);
  unsigned wants = hf_wants(play.side.conn);
  cr_expect(wants & HF_CLOSED);
  cr_expect_not(wants & (HF_FAILED | HF_READY | HF_CAN_SEND));
  rules_free(&play);
}

/* R-6.1-4 R-6.2-2: user_canceled is passed over, but not for ever. */
Test(alert_rules, user_canceled) {
  struct craft_play play;
  ready_client(&play);
  for (int i = 0; i < 4; i++) craft_record(&play.craft, REC_ALERT, "\1\x5a", 2, 0);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  data(&play, "data");
  for (int i = 0; i < 4; i++) craft_record(&play.craft, REC_ALERT, "\1\x5a", 2, 0);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  cr_expect(got(&play, "data"));
  craft_record(&play.craft, REC_ALERT, "\1\x5a", 2, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "five warnings in a row");
}

/* R-6.2-3: a client that cannot make keys of the ServerHello says so in the clear. */
Test(alert_rules, alert_in_the_clear_to_a_server_with_keys) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
  craft_plain(&play.craft, REC_ALERT, "\2\x2f", 2);
  expect_peer_alert(&play, 47);
}

/* R-6.2-3: but once something was protected, nothing is believed that is not. */
Test(alert_rules, alert_in_the_clear_after_the_handshake) {
  struct craft_play play;
  ready_server(&play, 0, NULL);
  craft_plain(&play.craft, REC_ALERT, "\2\x2f", 2);
  expect(&play, AL_UNEXPECTED_MESSAGE, "a forged alert");
}

/* ---- KeyUpdate ---- */

static void key_update(struct craft_play *play, uint8_t request) {
  struct buf body = {0};
  put8(&body, request);
  rules_say(play, MSG_KEY_UPDATE, &body);
  craft_next_keys(&play->craft.write);
}

/* Reads the engine's KeyUpdate, which must be |request|, and changes keys. */
static bool hear_update(struct craft_play *play, uint8_t request) {
  struct craft *craft = &play->craft;
  if (!craft_hear(craft, MSG_KEY_UPDATE, &play->body) || play->body.len != 1) return false;
  if (play->body.data[0] != request || craft->from.len != 0) return false;
  craft_next_keys(&craft->read);
  return true;
}

/* R-4.7.3-2 R-4.7.3-4 R-7.2-1: both kinds of KeyUpdate from the peer, data around them. */
Test(alert_rules, key_updates_of_the_peer) {
  struct craft_play play;
  ready_client(&play);
  data(&play, "a");
  key_update(&play, 0);
  data(&play, "b");
  cr_expect_eq(play.side.out.len, 0u, "an update that asks for nothing is answered");
  key_update(&play, 1);
  data(&play, "c");
  cr_expect(got(&play, "abc"));
  cr_expect_eq(side_send(&play.side, (const uint8_t *)"d", 1), HF_OK);
  cr_expect(hear_update(&play, 0));
  cr_expect_eq(craft_hear_alert(&play.craft), AL_NONE);
  cr_expect_eq(play.craft.data.len, 1u);
  rules_free(&play);
}

/* R-4.7.3-5: many requests, one answer, as long as this side could say nothing. */
Test(alert_rules, many_key_updates_one_answer) {
  struct craft_play play;
  struct buf records = {0};
  ready_server(&play, 0, NULL);
  for (int i = 0; i < 5; i++) {
    craft_seal(&play.craft, &records, REC_HANDSHAKE, "\x18\0\0\1\1", 5, 0);
    craft_next_keys(&play.craft.write);
  }
  /* Fed without taking output in between: hf_open alone. */
  size_t at = 0;
  while (at < records.len) {
    hf_bytes app;
    size_t used = 0;
    cr_assert_eq(hf_open(play.side.conn, &app, &used, records.data + at, records.len - at), HF_OK);
    cr_assert_gt(used, 0u);
    at += used;
  }
  buf_free(&records);
  cr_assert_eq(side_feed(&play.side, NULL, 0), HF_OK);
  cr_expect(hear_update(&play, 0));
  cr_expect_not(craft_take_record(&play.craft), "a second answer");
  rules_free(&play);
}

/* R-4.7.3-2 R-4.7.3-6: our own update; a second request waits for the peer's. */
Test(alert_rules, own_key_update) {
  struct craft_play play;
  ready_client(&play);
  cr_expect_eq(side_rekey(&play.side, true), HF_OK);
  cr_expect_eq(side_send(&play.side, (const uint8_t *)"x", 1), HF_OK);
  cr_expect_eq(side_rekey(&play.side, true), HF_OK);
  cr_expect(hear_update(&play, 1));
  cr_expect(hear_update(&play, 0), "asked twice");
  cr_expect_eq(play.craft.data.len, 1u);
  key_update(&play, 0);
  cr_expect_eq(side_rekey(&play.side, true), HF_OK);
  cr_expect(hear_update(&play, 1));
  cr_expect_null(rules_verdict(&play, AL_NONE));
  rules_free(&play);
}

/* Says whether the engine's secrets are those that the craft knows. */
static bool knows_secrets(const struct craft_play *play) {
  hf_bytes sends, receives;
  return hf_traffic_secret(&sends, play->side.conn, true) == HF_OK &&
         hf_traffic_secret(&receives, play->side.conn, false) == HF_OK &&
         bytes_equal(sends, (hf_bytes){play->craft.read.secret, CRAFT_HASH}) &&
         bytes_equal(receives, (hf_bytes){play->craft.write.secret, CRAFT_HASH});
}

/* R-H-26: the traffic secrets in force, after updates the next ones, and none after a failure. */
Test(alert_rules, traffic_secrets) {
  struct craft_play play;
  hf_bytes secret = bytes_of("left as it was");
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_FINISHED - 1));
  cr_expect_eq(hf_traffic_secret(&secret, play.side.conn, true), HF_MISUSE);
  cr_expect_null(secret.data);
  cr_assert(play_until(&play, SERVER_DONE));
  cr_expect_arr_eq(play.craft.read.secret, play.craft.client_application, CRAFT_HASH);
  cr_expect(knows_secrets(&play));
  key_update(&play, 0);
  cr_expect(knows_secrets(&play));
  cr_expect_eq(side_rekey(&play.side, false), HF_OK);
  cr_expect_not(knows_secrets(&play), "the old ones");
  cr_expect(hear_update(&play, 0) && knows_secrets(&play));
  hf_abort(play.side.conn, 80);
  cr_expect_eq(hf_traffic_secret(&secret, play.side.conn, false), HF_MISUSE);
  cr_expect_null(secret.data);
  rules_free(&play);
}

/* R-4.7.3-4 R-4.7.3-5: a request that meets our own update on its way out.  One that asks is no
 * answer; one that does not is as good as one. */
Test(alert_rules, key_updates_that_cross) {
  for (int asks = 0; asks < 2; asks++) {
    struct craft_play play;
    struct buf record = {0};
    hf_bytes app;
    size_t used;
    ready_server(&play, 0, NULL);
    /* Nothing is flushed in between. */
    cr_assert_eq(hf_rekey(play.side.conn, asks != 0), HF_OK);
    craft_seal(&play.craft, &record, REC_HANDSHAKE, "\x18\0\0\1\1", 5, 0);
    craft_next_keys(&play.craft.write);
    cr_assert_eq(hf_open(play.side.conn, &app, &used, record.data, record.len), HF_OK);
    cr_assert_eq(side_feed(&play.side, NULL, 0), HF_OK);
    cr_expect(hear_update(&play, asks != 0));
    if (asks) cr_expect(hear_update(&play, 0), "the request is not answered");
    cr_expect_not(craft_take_record(&play.craft), "one more");
    data(&play, "x");
    cr_expect_null(rules_verdict(&play, AL_NONE));
    buf_free(&record);
    rules_free(&play);
  }
}

/* R-4.7.3-3 R-4-3 R-4.7.3-7: values, lengths, and what stands behind it in its record. */
Test(alert_rules, malformed_key_updates) {
  static const struct {
    const char *message;
    size_t len;
    int alert;
  } bad[] = {{"\x18\0\0\1\2", 5, AL_ILLEGAL_PARAMETER},
             {"\x18\0\0\1\xff", 5, AL_ILLEGAL_PARAMETER},
             {"\x18\0\0\0", 4, AL_DECODE_ERROR},
             {"\x18\0\0\2\0\0", 6, AL_DECODE_ERROR},
             {"\x18\0\0\1\0\x18", 6, AL_UNEXPECTED_MESSAGE},
             {"\x18\0\0\1\0\x18\0\0\1\0", 10, AL_UNEXPECTED_MESSAGE}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct craft_play play;
    ready_server(&play, 0, NULL);
    craft_record(&play.craft, REC_HANDSHAKE, bad[i].message, bad[i].len, 0);
    expect(&play, bad[i].alert, "KeyUpdate");
  }
}

/* R-4.7.3-8: 32 in a row are enough; data in between starts the count again. */
Test(alert_rules, too_many_key_updates) {
  struct craft_play play;
  ready_server(&play, 0, NULL);
  for (int i = 0; i < 32; i++) key_update(&play, 0);
  data(&play, "x");
  for (int i = 0; i < 32; i++) key_update(&play, 0);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  key_update(&play, 0);
  expect(&play, AL_UNEXPECTED_MESSAGE, "33 updates");
}

/* ---- Tickets ---- */

static void psk_modes(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, EXT_PSK_MODES, "\1\1", 2);
}

static void psk_alone(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_set_ext(hello, EXT_PSK_MODES, "\1\0", 2);
}

/* R-4.7.1-1 R-4.7.1-4 R-4.7.1-6: two tickets after the client's Finished, each with a nonce and an
 * age_add of its own. */
Test(alert_rules, tickets_of_the_server) {
  struct craft_play play;
  uint8_t seen[2][8];
  ready_server(&play, HF_ISSUE_TICKETS, psk_modes);
  for (int i = 0; i < 2; i++) {
    cr_assert(craft_hear(&play.craft, MSG_NEW_SESSION_TICKET, &play.body), "ticket %d", i);
    const uint8_t *b = play.body.data;
    uint32_t lifetime = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    cr_expect_gt(lifetime, 0u);
    cr_expect_leq(lifetime, 604800u);
    cr_assert_leq(b[8], 3);
    memset(seen[i], 0, 8);
    memcpy(seen[i], b + 4, 4);
    memcpy(seen[i] + 4, b + 9, b[8]);
  }
  cr_expect_neq(memcmp(seen[0], seen[1], 4), 0, "ticket_age_add");
  cr_expect_neq(memcmp(seen[0] + 4, seen[1] + 4, 4), 0, "ticket_nonce");
  cr_expect_not(craft_take_record(&play.craft), "more than two tickets");
  rules_free(&play);
}

/* R-4.7.1-1: a client that does not speak psk_dhe_ke gets none. */
Test(alert_rules, no_tickets_without_psk_modes) {
  craft_edit *const edits[] = {NULL, psk_alone};
  for (size_t i = 0; i < 2; i++) {
    struct craft_play play;
    ready_server(&play, HF_ISSUE_TICKETS, edits[i]);
    cr_expect_not(craft_hear(&play.craft, MSG_NEW_SESSION_TICKET, &play.body));
    cr_expect_null(rules_verdict(&play, AL_NONE));
    rules_free(&play);
  }
}

/* R-4.7.1-2 R-4.7.1-3 R-8701-4.1-1 R-4.7.1-5 R-4.7.1-7: what a client makes of tickets. */
Test(alert_rules, tickets_to_a_client) {
  static const struct {
    const char *name, *body;
    size_t len;
    int alert;
  } rules[] = {
      {"a ticket", "\0\0\x0e\x10\1\2\3\4\1\0\0\1t\0\0", 15, AL_NONE},
      {"of seven days", "\0\x09\x3a\x80\1\2\3\4\1\0\0\1t\0\0", 15, AL_NONE},
      {"of no time", "\0\0\0\0\1\2\3\4\1\0\0\1t\0\0", 15, AL_NONE},
      {"with unknown extensions", "\0\0\x0e\x10\1\2\3\4\1\0\0\1t\0\x09\x77\x77\0\1x\x6a\x6a\0\0",
       24, AL_NONE},
      {"without a nonce", "\0\0\x0e\x10\1\2\3\4\0\0\1t\0\0", 14, AL_NONE},
      {"of seven days and a second", "\0\x09\x3a\x81\1\2\3\4\1\0\0\1t\0\0", 15, AL_NONE},
      {"that is empty", "\0\0\x0e\x10\1\2\3\4\1\0\0\0\0\0", 14, AL_DECODE_ERROR},
      {"with a byte behind it", "\0\0\x0e\x10\1\2\3\4\1\0\0\1t\0\0\0", 16, AL_DECODE_ERROR},
      {"without extensions", "\0\0\x0e\x10\1\2\3\4\1\0\0\1t", 13, AL_DECODE_ERROR},
      {"with half a max_early_data", "\0\0\x0e\x10\1\2\3\4\1\0\0\1t\0\6\0\x2a\0\2\0\0", 21,
       AL_DECODE_ERROR},
      {"with more than a max_early_data", "\0\0\x0e\x10\1\2\3\4\1\0\0\1t\0\x09\0\x2a\0\5\0\0\0\0\0",
       24, AL_DECODE_ERROR},
      {"with key_share", "\0\0\x0e\x10\1\2\3\4\1\0\0\1t\0\4\0\x33\0\0", 19, AL_ILLEGAL_PARAMETER},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    ready_client(&play);
    struct buf body = rules_bytes(rules[i].body, rules[i].len);
    rules_say(&play, MSG_NEW_SESSION_TICKET, &body);
    if (rules[i].alert == AL_NONE) {
      data(&play, "on");
      cr_expect(got(&play, "on"), "a ticket %s", rules[i].name);
    }
    expect(&play, rules[i].alert, rules[i].name);
  }
}

/* ---- Exporters and secrets, by another implementation of 7.1 ---- */

/* R-7.5-1 R-7.5-2: TLS-Exporter of the crafted peer and of the engine. */
Test(alert_rules, exporter) {
  struct craft_play play;
  uint8_t want[48], secret[CRAFT_HASH], hash[CRAFT_HASH], have[48], other[48];
  static const uint8_t empty[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                  0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                  0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
  memcpy(hash, empty, sizeof hash);
  ready_client(&play);
  craft_expand(secret, CRAFT_HASH, play.craft.exporter, "EXPORTER-test", empty, CRAFT_HASH);
  craft_expand(want, sizeof want, secret, "exporter", hash, CRAFT_HASH);
  const hf_bytes none = {NULL, 0}, zero = {(const uint8_t *)"", 0};
  cr_expect_eq(hf_export(play.side.conn, have, sizeof have, "EXPORTER-test", none), HF_OK);
  cr_expect_arr_eq(have, want, sizeof want);
  cr_expect_eq(hf_export(play.side.conn, have, sizeof have, "EXPORTER-test", zero), HF_OK);
  cr_expect_arr_eq(have, want, sizeof want);
  cr_expect_eq(hf_export(play.side.conn, other, sizeof other, "EXPORTER-other", none), HF_OK);
  cr_expect_neq(memcmp(other, want, sizeof want), 0);
  cr_expect_eq(hf_export(play.side.conn, other, sizeof other, "EXPORTER-test", bytes_of("c")),
               HF_OK);
  cr_expect_neq(memcmp(other, want, sizeof want), 0);
  rules_free(&play);
}

/* R-2-2: a client takes data that the server sent behind its own Finished. */
Test(alert_rules, data_behind_the_server_finished) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_FINISHED));
  data(&play, "early bird");
  cr_expect(play_until(&play, SERVER_DONE));
  cr_expect(got(&play, "early bird"));
  expect(&play, AL_NONE, "half-RTT data");
}

/* R-2-2 R-4.5.3-4 R-H-11: a server may send it, under application keys. */
Test(alert_rules, server_sends_behind_its_finished) {
  struct craft_play play;
  rules_server(&play, 0, NULL, 0);
  cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
  cr_expect(hf_wants(play.side.conn) & HF_CAN_SEND);
  cr_expect_eq(side_send(&play.side, (const uint8_t *)"hello", 5), HF_OK);
  cr_expect_eq(craft_hear_alert(&play.craft), AL_NONE);
  cr_expect_eq(play.craft.data.len, 5u);
  cr_expect(play_until(&play, CLIENT_DONE));
  expect(&play, AL_NONE, "half-RTT data");
}
