/* test_reasons12.c - TLS 1.2: with which status, and which alert, a connection fails, against a
 * crafted peer (craft12.h); and which suite a server chooses among equally good ones, in both
 * versions.  TLS 1.3's reasons are in test_reasons.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "craft12.h"
#include "pair.h"

#define EDIT(name) static void name(struct craft_hello *hello, struct craft *craft)
#define UNUSED (void)hello, (void)craft
#define BOTH_ROLES(role) for (hf_role role = HF_CLIENT; role <= HF_SERVER; role++)

enum { TLS12 = 0x0303, TLS13 = 0x0304 };

static void begin(struct craft12 *c, hf_role role) {
  if (role == HF_CLIENT)
    craft12_client(c, 0);
  else
    craft12_server(c, 0, NULL);
}

static void expect(struct craft12 *c, hf_status status, int alert, const char *what) {
  const char *wrong = rules_reason(&c->play, status, alert);
  cr_expect_null(wrong, "%s, engine is %s: %s", what, c->play.craft.server ? "client" : "server",
                 wrong);
  craft12_free(c);
}

static void say_with(struct craft12 *c, uint8_t type, struct buf *body, const void *more,
                     size_t len) {
  struct buf message = {0};
  craft_message(&message, type, body->data, body->len);
  buf_add(&message, more, len);
  craft_record(&c->play.craft, REC_HANDSHAKE, message.data, message.len, 0);
  buf_free(&message);
  buf_free(body);
}

/* The step after which the peer's change_cipher_spec is due, and the one that sends it. */
static int before_spec(hf_role role) {
  return role == HF_CLIENT ? (int)S12_SAID_TICKET : (int)C12_SAID_VERIFY;
}
static int spec(hf_role role) {
  return role == HF_CLIENT ? (int)S12_SAID_SPEC : (int)C12_SAID_SPEC;
}

/* ---- Bytes behind a message that is the last of its flight ---- */

static const struct {
  const char *bytes;
  size_t len;
} more[] = {{"\x14", 1}, {"\x0e\0", 2}, {"\x0b\0\0\0", 4}, {"\x10\0\0\1\0", 5}};
enum { MORE = sizeof more / sizeof *more };

/* R-5246-7.4.9-4: behind the peer's Finished, protected with it. */
Test(reasons12, excess_behind_finished) {
  BOTH_ROLES(role)
  for (size_t i = 0; i < MORE; i++) {
    struct craft12 c;
    struct buf body = {0};
    begin(&c, role);
    cr_assert(craft12_until(&c, spec(role)));
    body12_of_finished(&body, &c, role == HF_CLIENT);
    say_with(&c, MSG_FINISHED, &body, more[i].bytes, more[i].len);
    cr_expect_not(side_is_ready(&c.play.side));
    expect(&c, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "Finished");
  }
}

/* R-5246-7.4.9-5: behind ClientHello and ServerHelloDone, which this side answers. */
Test(reasons12, excess_before_an_answer) {
  for (size_t i = 0; i < MORE; i++) {
    struct craft12 c;
    struct buf body = {0};
    begin(&c, HF_SERVER);
    craft12_default_hello(&c, &c.play.client);
    craft_write_hello(&body, &c.play.client, false);
    say_with(&c, MSG_CLIENT_HELLO, &body, more[i].bytes, more[i].len);
    expect(&c, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "ClientHello");
    begin(&c, HF_CLIENT);
    cr_assert(craft12_until(&c, S12_SAID_REQUEST));
    say_with(&c, MSG_SERVER_HELLO_DONE, &body, more[i].bytes, more[i].len);
    expect(&c, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "ServerHelloDone");
  }
}

/* ---- change_cipher_spec ---- */

/* R-5246-7.1-3: behind a part of a message that could come there. */
Test(reasons12, spec_inside_a_message) {
  for (size_t part = 1; part < 5; part++) {
    struct craft12 c;
    begin(&c, HF_SERVER);
    cr_assert(craft12_until(&c, C12_SAID_CERTIFICATE));
    craft_plain(&c.play.craft, REC_HANDSHAKE, "\x10\0\0\x21\x20", part);
    craft_plain(&c.play.craft, REC_CCS, "\1", 1);
    expect(&c, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "inside ClientKeyExchange");
    craft12_client(&c, 0);
    c.ticket = true;
    cr_assert(craft12_until(&c, S12_HEARD_FINISHED));
    craft_plain(&c.play.craft, REC_HANDSHAKE, "\x04\0\0\x0c\0", part);
    craft_plain(&c.play.craft, REC_CCS, "\1", 1);
    expect(&c, HF_EXCESS_HANDSHAKE_DATA, AL_UNEXPECTED_MESSAGE, "inside NewSessionTicket");
  }
}

/* R-5246-7.1-1 R-5246-7.1-3: a handshake record where it is due, on its first byte; and it where a
 * message is due. */
Test(reasons12, spec_or_message) {
  BOTH_ROLES(role) {
    struct craft12 c;
    struct buf body = {0};
    begin(&c, role);
    cr_assert(craft12_until(&c, before_spec(role)));
    craft_plain(&c.play.craft, REC_HANDSHAKE, "\x14", 1);
    expect(&c, HF_UNEXPECTED_RECORD, AL_UNEXPECTED_MESSAGE, "a byte of Finished");
    begin(&c, role);
    cr_assert(craft12_until(&c, before_spec(role)));
    body12_of_finished(&body, &c, role == HF_CLIENT);
    rules_say(&c.play, MSG_FINISHED, &body);
    expect(&c, HF_UNEXPECTED_RECORD, AL_UNEXPECTED_MESSAGE, "Finished in the clear");
  }
  for (int step = S12_SAID_HELLO; step < S12_SAID_DONE; step++) {
    struct craft12 c;
    begin(&c, HF_CLIENT);
    cr_assert(craft12_until(&c, step));
    craft_plain(&c.play.craft, REC_CCS, "\1", 1);
    expect(&c, HF_UNEXPECTED_RECORD, AL_UNEXPECTED_MESSAGE, "instead of the server's flight");
  }
  struct craft12 c;
  begin(&c, HF_SERVER);
  cr_assert(craft12_until(&c, C12_HEARD_DONE));
  craft_plain(&c.play.craft, REC_CCS, "\1", 1);
  expect(&c, HF_UNEXPECTED_RECORD, AL_UNEXPECTED_MESSAGE, "instead of ClientKeyExchange");
}

/* R-5246-7.1-1 R-5246-7.1-2: before the version is known, twice, once ready; another content. */
Test(reasons12, spec_out_of_place) {
  BOTH_ROLES(role) {
    struct craft12 c;
    begin(&c, role);
    if (role == HF_CLIENT) cr_assert(craft12_until(&c, S12_HEARD_HELLO));
    craft_plain(&c.play.craft, REC_CCS, "\1", 1);
    expect(&c, HF_BAD_CHANGE_CIPHER_SPEC, AL_UNEXPECTED_MESSAGE, "before the hello");
    begin(&c, role);
    cr_assert(craft12_until(&c, spec(role)));
    craft_record(&c.play.craft, REC_CCS, "\1", 1, 0);
    expect(&c, HF_BAD_CHANGE_CIPHER_SPEC, AL_UNEXPECTED_MESSAGE, "twice");
    begin(&c, role);
    cr_assert(craft12_until(&c, role == HF_CLIENT ? (int)S12_DONE : (int)C12_DONE));
    craft_record(&c.play.craft, REC_CCS, "\1", 1, 0);
    expect(&c, HF_BAD_CHANGE_CIPHER_SPEC, AL_UNEXPECTED_MESSAGE, "once ready");
    begin(&c, role);
    cr_assert(craft12_until(&c, before_spec(role)));
    craft_plain(&c.play.craft, REC_CCS, "\2", 1);
    expect(&c, HF_BAD_CHANGE_CIPHER_SPEC, AL_UNEXPECTED_MESSAGE, "2");
  }
}

/* ---- Other records, and alerts ---- */

/* R-5.1-2: between the parts of a message, in the clear and protected. */
Test(reasons12, interleaved) {
  static const uint8_t types[] = {REC_ALERT, REC_DATA};
  for (size_t t = 0; t < sizeof types; t++) {
    struct craft12 c;
    begin(&c, HF_CLIENT);
    cr_assert(craft12_until(&c, S12_SAID_HELLO));
    craft_plain(&c.play.craft, REC_HANDSHAKE, "\x0b\0", 2);
    craft_plain(&c.play.craft, types[t], "\1\x5a", 2);
    expect(&c, HF_INTERLEAVED_RECORD, AL_UNEXPECTED_MESSAGE, "inside Certificate");
    BOTH_ROLES(role) {
      begin(&c, role);
      cr_assert(craft12_until(&c, spec(role)));
      craft_record(&c.play.craft, REC_HANDSHAKE, "\x14\0", 2, 0);
      craft_record(&c.play.craft, types[t], "\1\x5a", 2, 0);
      expect(&c, HF_INTERLEAVED_RECORD, AL_UNEXPECTED_MESSAGE, "inside Finished");
    }
  }
}

/* R-6-4: levels that are none. */
Test(reasons12, alert_levels) {
  static const char *const alerts[] = {"\3\50", "\0\132", "\377\0"};
  BOTH_ROLES(role)
  for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
    struct craft12 c;
    begin(&c, role);
    cr_assert(craft12_until(&c, before_spec(role)));
    craft_plain(&c.play.craft, REC_ALERT, alerts[i], 2);
    expect(&c, HF_UNKNOWN_ALERT_LEVEL, AL_ILLEGAL_PARAMETER, "in the clear");
    begin(&c, role);
    cr_assert(craft12_until(&c, role == HF_CLIENT ? (int)S12_DONE : (int)C12_DONE));
    craft_record(&c.play.craft, REC_ALERT, alerts[i], 2, 0);
    expect(&c, HF_UNKNOWN_ALERT_LEVEL, AL_ILLEGAL_PARAMETER, "protected");
  }
}

EDIT(early) { UNUSED, craft_add_ext(hello, EXT_EARLY_DATA, "", 0); }

/* R-E.3-2: whether the server has TLS 1.2 alone, or the client. */
Test(reasons12, early_data) {
  for (uint16_t max = TLS12; max <= TLS13; max++) {
    for (int data = 0; data < 2; data++) {
      struct side_setup setup;
      struct craft12 c;
      craft12_setup(&setup, HF_SERVER, 0);
      setup.settings.version_max = max;
      craft12_new(&c, &setup, NULL);
      c.also_13 = max == TLS12;
      c.play.edit = early;
      cr_assert(craft12_until(&c, C12_SAID_HELLO));
      if (data) craft_plain(&c.play.craft, REC_DATA, "twenty bytes, sealed", 20);
      cr_expect(craft12_until(&c, C12_HEARD_DONE), "the hello is answered");
      if (!data) cr_expect(craft12_until(&c, C12_DONE) && side_is_ready(&c.play.side));
      expect(&c, data ? HF_APPLICATION_DATA_EARLY : HF_OK, data ? AL_UNEXPECTED_MESSAGE : AL_NONE,
             "early data");
    }
  }
}

/* ---- Certificates ---- */

/* R-5246-7.4.2-1: none of the server. */
Test(reasons12, no_certificate) {
  struct craft12 c;
  struct buf body = rules_bytes("\0\0\0", 3);
  begin(&c, HF_CLIENT);
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  rules_say(&c.play, MSG_CERTIFICATE, &body);
  expect(&c, HF_EMPTY_CERTIFICATE_12, AL_DECODE_ERROR, "empty");
}

/* R-5246-7.4.6-1: none of the client, where one is required. */
Test(reasons12, no_client_certificate) {
  struct craft12 c;
  craft12_server(&c, HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT, NULL);
  cr_assert(craft12_until(&c, C12_SAID_CERTIFICATE));
  expect(&c, HF_CERTIFICATE_REQUIRED_12, AL_HANDSHAKE_FAILURE, "empty");
}

/* R-5246-7.4.2-2: a key that is not of the suite's kind. */
Test(reasons12, keys_of_another_kind) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  craft12_new(&c, &setup, "rsa-2048");
  cr_assert(craft12_until(&c, S12_SAID_CERTIFICATE));
  expect(&c, HF_WRONG_CERTIFICATE_TYPE, AL_ILLEGAL_PARAMETER, "an RSA key");
}

/* R-5246-7.4.2-4: nor of a curve that was not offered; in TLS 1.3 the groups say nothing of it. */
Test(reasons12, keys_on_another_curve) {
  static const uint16_t groups[][2] = {{0x001d, 0x0017}, {0x001d, 0x0018}};
  static const struct {
    const char *name;
    uint16_t sigalg;
  } servers[] = {{"ecdsa-p256", 0x0403}, {"ecdsa-p384", 0x0503}};
  for (size_t g = 0; g < 2; g++) {
    for (size_t s = 0; s < 2; s++) {
      struct side_setup setup;
      struct craft12 c;
      craft12_setup(&setup, HF_CLIENT, 0);
      setup.settings.groups = (hf_codes){groups[g], 2};
      craft12_new(&c, &setup, servers[s].name);
      c.play.sigalg = servers[s].sigalg;
      if (g == s) cr_expect(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side));
      if (g != s) cr_assert(craft12_until(&c, S12_SAID_CERTIFICATE));
      expect(&c, g == s ? HF_OK : HF_WRONG_CERTIFICATE_CURVE,
             g == s ? AL_NONE : AL_ILLEGAL_PARAMETER, servers[s].name);
    }
  }
  struct side_setup setup;
  struct craft_play play;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.groups = (hf_codes){groups[1], 2};
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_expect(play_until(&play, SERVER_DONE) && side_is_ready(&play.side));
  rules_free(&play);
}

EDIT(twice) { UNUSED, craft_add_ext(hello, EXT_RENEGOTIATION_INFO, "\0", 1); }

/* R-5246-7.4.1.4-1 R-4.3-4: an extension that comes twice. */
Test(reasons12, extensions_twice) {
  BOTH_ROLES(role) {
    struct craft12 c;
    begin(&c, role);
    c.play.edit = twice;
    cr_assert(craft12_until(&c, role == HF_CLIENT ? (int)S12_SAID_HELLO : (int)C12_SAID_HELLO));
    expect(&c, HF_REPEATED_EXTENSION, AL_DECODE_ERROR, "a hello");
  }
}

/* ---- Sessions ---- */

/* A client that offers the session, and whose versions go up to |max|. */
static void client_again(struct craft12 *c, const struct craft12_session *made, uint16_t max) {
  struct side_setup setup;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.settings.version_max = max;
  setup.start.session = (hf_bytes){made->state.data, made->state.len};
  side_entropy(&setup.start.entropy, 77);
  craft12_new(c, &setup, "ecdsa-p256");
  c->resume = true;
  memcpy(c->secret, made->secret, sizeof c->secret);
}

EDIT(other_suite) { UNUSED, memcpy(hello->suites.data, "\xc0\x2c", 2); }

/* R-5246-7.4.1.3-3 */
Test(reasons12, a_session_with_another_suite) {
  struct craft12_session made;
  struct craft12 c;
  cr_assert(craft12_make_session(&made, HF_CLIENT, true));
  client_again(&c, &made, TLS12);
  c.play.edit = other_suite;
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  expect(&c, HF_OLD_SESSION_SUITE, AL_ILLEGAL_PARAMETER, "another suite");
  craft12_session_free(&made);
}

/* R-7627-5.3-1 R-7627-5.3-3 */
Test(reasons12, sessions_and_the_extended_main_secret) {
  static const hf_status reasons[2][2] = {{HF_OK, HF_STRAY_EXTENDED_MAIN_SECRET},
                                          {HF_NO_EXTENDED_MAIN_SECRET, HF_OK}};
  for (int with = 0; with < 2; with++) {
    struct craft12_session made;
    struct craft12 c;
    cr_assert(craft12_make_session(&made, HF_CLIENT, with));
    for (int now = 0; now < 2; now++) {
      client_again(&c, &made, TLS12);
      c.no_ems = !now;
      cr_assert(craft12_until(&c, S12_SAID_HELLO));
      expect(&c, reasons[with][now], with == now ? AL_NONE : AL_HANDSHAKE_FAILURE, "the secret");
    }
    craft12_session_free(&made);
  }
  struct craft12_session made;
  struct craft12 c;
  struct side_setup setup;
  cr_assert(craft12_make_session(&made, HF_SERVER, true));
  craft12_setup(&setup, HF_SERVER, HF_ISSUE_TICKETS);
  craft12_new(&c, &setup, NULL);
  c.resume = c.no_ems = true;
  buf_add(&c.offer, made.offer.data, made.offer.len);
  cr_assert(craft12_until(&c, C12_SAID_HELLO));
  expect(&c, HF_NO_EXTENDED_MAIN_SECRET, AL_HANDSHAKE_FAILURE, "a server");
  craft12_session_free(&made);
}

/* R-7627-5.2-1: where it is required. */
Test(reasons12, the_extended_main_secret_is_required) {
  struct craft12 c;
  craft12_client(&c, HF_REQUIRE_EMS);
  c.no_ems = true;
  cr_assert(craft12_until(&c, S12_SAID_HELLO));
  expect(&c, HF_NO_EXTENDED_MAIN_SECRET, AL_HANDSHAKE_FAILURE, "a client");
  craft12_server(&c, HF_REQUIRE_EMS, NULL);
  c.no_ems = true;
  cr_assert(craft12_until(&c, C12_SAID_HELLO));
  expect(&c, HF_NO_EXTENDED_MAIN_SECRET, AL_HANDSHAKE_FAILURE, "a server");
}

EDIT(take_psk) { UNUSED, craft_set_ext(hello, EXT_PRE_SHARED_KEY, "\0\0", 2); }

/* R-5246-7.4.1.3-4: a session of TLS 1.2 that goes on in TLS 1.3. */
Test(reasons12, an_old_session_in_a_new_version) {
  struct craft12_session made;
  struct craft12 c;
  cr_assert(craft12_make_session(&made, HF_CLIENT, true));
  client_again(&c, &made, TLS13);
  cr_assert(craft12_until(&c, S12_HEARD_HELLO));
  cr_assert_null(craft_ext(&c.play.client, EXT_PRE_SHARED_KEY));
  (void)play_say_hello(&c.play, take_psk);
  expect(&c, HF_STRAY_PSK, AL_UNSUPPORTED_EXTENSION, "in TLS 1.3");
  /* A full handshake is what may follow. */
  client_again(&c, &made, TLS13);
  cr_assert(craft12_until(&c, S12_HEARD_HELLO));
  cr_assert(play_say_hello(&c.play, NULL));
  expect(&c, HF_OK, AL_NONE, "in TLS 1.3, anew");
  craft12_session_free(&made);
}

EDIT(echo_id) {
  UNUSED;
  hello->session_id.len = 0;
  for (unsigned i = 0; i < 32; i++) put8(&hello->session_id, 0);
}

/* R-5246-7.4.1.3-4: a session of TLS 1.3 was offered, and the id that came with it for
 * compatibility is echoed in TLS 1.2; or none was offered. */
Test(reasons12, a_new_session_in_an_old_version) {
  const hf_psk psk = {
      .suite = 0x1301, .identity = bytes_of("anna"), .secret = bytes_of("the secret of anna")};
  for (int echoed = 0; echoed < 2; echoed++) {
    for (int offered = 0; offered < 2; offered++) {
      struct side_setup setup;
      struct craft12 c;
      craft12_setup(&setup, HF_CLIENT, 0);
      setup.settings.version_max = TLS13;
      setup.start.psks = &psk;
      setup.start.num_psks = offered ? 1 : 0;
      craft12_new(&c, &setup, "ecdsa-p256");
      cr_assert(craft12_until(&c, S12_HEARD_HELLO));
      cr_assert_eq(c.play.client.session_id.len, 32u);
      c.resume = echoed;
      if (!echoed) c.play.edit = echo_id; /* zeros: another id */
      cr_assert(craft12_until(&c, S12_SAID_HELLO));
      expect(&c,
             !echoed   ? HF_OK
             : offered ? HF_OLD_SESSION_VERSION
                       : HF_WRONG_SESSION_ID,
             echoed ? AL_ILLEGAL_PARAMETER : AL_NONE, "the id of a hello of TLS 1.3");
    }
  }
}

/* ---- Suites that are equally good ---- */

enum { A13 = 0x1301, B13 = 0x1303, C13 = 0x1302, A12 = 0xc02b, B12 = 0xcca9, C12 = 0xc02c };

/* R-H-30 */
Test(reasons12, equal_suites) {
  static const uint16_t server[2][3] = {{A12, B12, C12}, {A13, B13, C13}};
  static const struct {
    uint32_t equal;    /* bit 0: A and B, bit 1: B and C */
    uint8_t client[3]; /* in its order */
    uint8_t chosen;
  } cases[] = {
      {0, {2, 1, 0}, 0}, {0, {2, 1, 1}, 1}, {1, {2, 1, 0}, 1}, {1, {2, 0, 1}, 0},
      {1, {1, 2, 0}, 1}, {1, {2, 2, 2}, 2}, {2, {2, 1, 0}, 0}, {2, {2, 1, 1}, 2},
      {2, {1, 2, 2}, 1}, {3, {2, 1, 0}, 2}, {3, {1, 2, 0}, 1}, {3, {0, 2, 1}, 0},
  };
  struct credential *credential = credential_load("ecdsa-p256");
  for (int v = 0; v < 2; v++) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      struct side_setup ours, theirs;
      struct pair pair;
      uint16_t order[3];
      size_t num = 0;
      hf_facts facts;
      for (size_t k = 0; k < 3; k++)
        if (k == 0 || cases[i].client[k] != cases[i].client[k - 1])
          order[num++] = server[v][cases[i].client[k]];
      pair_setup(&theirs, &ours, credential, 3);
      ours.settings.version_min = ours.settings.version_max = v ? TLS13 : TLS12;
      theirs.settings.version_min = theirs.settings.version_max = v ? TLS13 : TLS12;
      ours.settings.suites = (hf_codes){server[v], 3};
      ours.settings.equal_suites = cases[i].equal;
      theirs.settings.suites = (hf_codes){order, num};
      cr_assert_eq(pair_new(&pair, &theirs, &ours, 0), HF_OK);
      cr_expect(pair_run(&pair), "%zu", i);
      hf_get_facts(&facts, pair.server.conn);
      cr_expect_eq(facts.suite, server[v][cases[i].chosen], "%d %zu: %x", v, i, facts.suite);
      pair_free(&pair);
    }
  }
  credential_free(credential);
}
