/* test_grease.c - clients that send GREASE (RFC 8701) and permute their extensions: what is in the
 * hellos, what servers make of it, what a server must not choose; and OpenSSL and GnuTLS. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"
#include "pair.h"
#include "rules.h"

TestSuite(grease, .timeout = 120);

enum { BOTH = HF_GREASE | HF_PERMUTE_EXTENSIONS };

/* RFC 8701 2. */
static bool is_grease(unsigned value) {
  return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static unsigned at(const struct buf *buf, size_t i) {
  return i + 1 < buf->len ? (unsigned)(buf->data[i] << 8 | buf->data[i + 1]) : 0;
}

/* How many of the 16-bit values from |from| on are GREASE. */
static size_t count(const struct buf *buf, size_t from) {
  size_t num = 0;
  for (size_t i = from; i + 1 < buf->len; i += 2) num += is_grease(at(buf, i));
  return num;
}

/* Starts a client with |flags| and entropy by |seed| against a crafted server, up to |step|. */
static void begin(struct craft_play *play, uint32_t flags, uint64_t seed, int step) {
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, flags);
  side_entropy(&setup.start.entropy, seed);
  cr_assert(play_new(play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(play, step));
}

/* R-8701-3.1-2: where GREASE is, and that there is none unless it is asked for. */
Test(grease, in_the_hello) {
  for (uint64_t seed = 1; seed < 40; seed++) {
    struct craft_play play;
    const bool on = seed % 4 != 0;
    begin(&play, on ? HF_GREASE : 0, seed, SERVER_HEARD_HELLO);
    struct craft_hello *hello = &play.client;
    struct buf *groups = &craft_ext(hello, EXT_SUPPORTED_GROUPS)->body;
    struct buf *shares = &craft_ext(hello, EXT_KEY_SHARE)->body;
    struct buf *versions = &craft_ext(hello, EXT_SUPPORTED_VERSIONS)->body;
    cr_expect_eq(count(&hello->suites, 0), on);
    cr_expect_eq(count(groups, 2), on);
    cr_expect_eq(count(versions, 1), on);
    size_t exts = 0;
    for (size_t i = 0; i < hello->num_ext; i++) exts += is_grease(hello->ext[i].type);
    cr_expect_eq(exts, on ? 2u : 0u);
    cr_expect_eq(is_grease(at(shares, 2)), on);
    if (on) {
      const struct craft_ext *first = &hello->ext[0], *last = &hello->ext[hello->num_ext - 1];
      cr_expect(is_grease(at(&hello->suites, 0)));
      cr_expect(is_grease(first->type) && is_grease(last->type));
      cr_expect_neq(first->type, last->type);
      cr_expect_eq(first->body.len, 0u);
      cr_expect_eq(last->body.len, 1u);
      cr_expect_eq(at(shares, 2), at(groups, 2), "a share of a group that is not listed");
      cr_expect_eq(at(shares, 4), 1u);
    }
    rules_free(&play);
  }
}

/* R-8701-3.1-1: the very values that were offered, chosen. */
static unsigned chosen;

static void choose_group(struct craft_hello *hello, struct craft *craft) {
  const uint8_t share[] = {(uint8_t)(chosen >> 8), (uint8_t)chosen, 0, 1, 0};
  (void)craft;
  craft_set_ext(hello, EXT_KEY_SHARE, share, sizeof share);
}

static void choose_suite(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  hello->suites.data[0] = (uint8_t)(chosen >> 8);
  hello->suites.data[1] = (uint8_t)chosen;
}

static void choose_version(struct craft_hello *hello, struct craft *craft) {
  const uint8_t version[] = {(uint8_t)(chosen >> 8), (uint8_t)chosen};
  (void)craft;
  craft_set_ext(hello, EXT_SUPPORTED_VERSIONS, version, sizeof version);
}

static void choose_extension(struct craft_hello *hello, struct craft *craft) {
  (void)craft;
  craft_add_ext(hello, (uint16_t)chosen, "", 0);
}

Test(grease, chosen_by_the_server) {
  static const struct {
    craft_edit *edit;
    int alert;
  } rules[] = {{choose_suite, AL_ILLEGAL_PARAMETER},
               {choose_group, AL_ILLEGAL_PARAMETER},
               {choose_version, AL_ILLEGAL_PARAMETER},
               {choose_extension, AL_UNSUPPORTED_EXTENSION}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    begin(&play, HF_GREASE, 5 + i, SERVER_HEARD_HELLO);
    struct craft_hello *hello = &play.client;
    const unsigned offered[] = {
        at(&hello->suites, 0), at(&craft_ext(hello, EXT_SUPPORTED_GROUPS)->body, 2),
        at(&craft_ext(hello, EXT_SUPPORTED_VERSIONS)->body, 1), hello->ext[0].type};
    chosen = offered[i];
    cr_assert(is_grease(chosen));
    (void)play_say_hello(&play, rules[i].edit);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%zu: %s", i, wrong);
    rules_free(&play);
  }
}

/* R-8701-3.1-1: a retry for the group of the GREASE share. */
Test(grease, retried_by_the_server) {
  struct craft_play play;
  begin(&play, HF_GREASE, 9, SERVER_HEARD_HELLO);
  const unsigned group = at(&craft_ext(&play.client, EXT_SUPPORTED_GROUPS)->body, 2);
  play_say_retry(&play, (uint16_t)group, NULL);
  cr_expect_null(rules_verdict(&play, AL_ILLEGAL_PARAMETER));
  rules_free(&play);
}

/* ---- The order ---- */

static void order_of(uint16_t out[24], size_t *num, uint32_t flags, uint64_t seed) {
  struct craft_play play;
  begin(&play, flags, seed, SERVER_HEARD_HELLO);
  *num = play.client.num_ext;
  for (size_t i = 0; i < *num; i++) out[i] = play.client.ext[i].type;
  rules_free(&play);
}

static size_t place_of(const uint16_t *list, size_t num, uint16_t type) {
  size_t i = 0;
  while (i < num && list[i] != type) i++;
  return i;
}

/* R-4.3-7: the same extensions, in an order by the entropy; each comes to stand in many places. */
Test(grease, permuted_extensions) {
  uint16_t plain[24], other[24];
  size_t num, num_other, moved = 0;
  uint32_t places = 0;
  order_of(plain, &num, 0, 1);
  for (uint64_t seed = 1; seed < 60; seed++) {
    order_of(other, &num_other, HF_PERMUTE_EXTENSIONS, seed);
    cr_assert_eq(num_other, num);
    for (size_t i = 0; i < num; i++) cr_assert_lt(place_of(other, num, plain[i]), num);
    moved += memcmp(plain, other, num * sizeof *plain) != 0;
    places |= 1u << place_of(other, num, EXT_KEY_SHARE);
    uint16_t again[24];
    order_of(again, &num_other, HF_PERMUTE_EXTENSIONS, seed);
    cr_expect_arr_eq(other, again, num * sizeof *other);
    order_of(again, &num_other, 0, seed);
    cr_expect_arr_eq(plain, again, num * sizeof *plain);
  }
  cr_expect_geq(moved, 55u);
  cr_expect_eq(places, (1u << num) - 1, "key_share is not everywhere: %x", places);
}

/* ---- Tickets ---- */

/* Looks at the NewSessionTickets that |server| has sent: their values, 0 for none, and by what. */
static size_t tickets_of(uint16_t value[4], uint8_t age_add[4], hf_conn *server) {
  hf_event event;
  size_t num = 0;
  while (hf_next_event(server, &event)) {
    const uint8_t *m = event.bytes.data;
    if (!event.sent || event.content != 22 || m[0] != MSG_NEW_SESSION_TICKET) continue;
    cr_assert_lt(num, 4u);
    size_t at = 4 + 4 + 4;
    age_add[num] = m[at - 1];
    at += 1u + m[at];                            /* ticket_nonce */
    at += 2u + ((size_t)m[at] << 8 | m[at + 1]); /* ticket */
    const size_t end = at + 2u + ((size_t)m[at] << 8 | m[at + 1]);
    cr_assert_eq(end, event.bytes.len);
    value[num] = 0;
    for (at += 2; at < end; at += 4u + ((size_t)m[at + 2] << 8 | m[at + 3])) {
      const unsigned type = (unsigned)(m[at] << 8 | m[at + 1]);
      if (is_grease(type))
        value[num] = (uint16_t)type;
      else
        cr_expect_eq(type, EXT_EARLY_DATA);
    }
    num++;
  }
  return num;
}

/* R-8701-4.1-2 R-8701-4.1-1: in each ticket of a server that is told to; our client uses them. */
Test(grease, in_tickets) {
  struct credential *credential = credential_load("ecdsa-p256");
  unsigned values = 0;
  for (uint64_t seed = 1; seed < 30; seed++) {
    const bool on = seed % 3 != 0, early = seed % 2 != 0;
    struct side_setup client, server;
    struct pair pair, second;
    hf_facts facts;
    uint16_t value[4];
    uint8_t age_add[4];
    pair_setup(&client, &server, credential, seed);
    server.settings.flags |= HF_ISSUE_TICKETS | HF_TRACE | (on ? HF_GREASE : 0);
    if (early) server.settings.flags |= HF_ALLOW_EARLY_DATA;
    server.settings.max_early_data = 1000;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair));
    const char *differs = side_replay(&pair.server, 0);
    cr_expect_null(differs, "%s", differs);
    cr_assert_eq(tickets_of(value, age_add, pair.server.conn), 2u);
    for (size_t i = 0; i < 2; i++) {
      cr_expect_eq(value[i] != 0, on);
      cr_expect(!on || (value[i] & 0xf0) == (age_add[i] & 0xf0));
      values |= on ? 1u << (value[i] >> 12) : 0;
    }
    client.start.session = (hf_bytes){pair.client.kept.data, pair.client.kept.len};
    cr_assert_eq(pair_new(&second, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&second));
    hf_get_facts(&facts, second.client.conn);
    cr_expect(facts.resumed);
    pair_free(&second);
    pair_free(&pair);
  }
  cr_expect_gt(__builtin_popcount(values), 8, "one value is not another: %x", values);
  credential_free(credential);
}

/* ---- With servers ---- */

/* R-8701-3.1-2 R-4.3-7: to the end, also after a HelloRetryRequest, whose second hello a strict
 * server compares with the first; and resumed, where pre_shared_key must be last. */
Test(grease, handshakes) {
  static const uint16_t p384[] = {0x0018};
  struct credential *credential = credential_load("ecdsa-p256");
  for (uint64_t seed = 1; seed < 30; seed++) {
    struct side_setup client, server;
    struct pair pair, second;
    hf_facts facts;
    pair_setup(&client, &server, credential, seed);
    client.settings.flags |= BOTH;
    server.settings.flags |= HF_ISSUE_TICKETS;
    if (seed % 3 == 1) server.settings.groups = (hf_codes){p384, 1};
    if (seed % 3 == 2) server.settings.flags |= HF_DEMAND_COOKIE;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.server)));
    hf_get_facts(&facts, pair.client.conn);
    cr_expect_eq(facts.retried, seed % 3 != 0);
    const char *differs = side_replay(&pair.client, 1);
    cr_expect_null(differs, "%s", differs);
    cr_assert_gt(pair.client.kept.len, 0u);
    client.start.session = (hf_bytes){pair.client.kept.data, pair.client.kept.len};
    cr_assert_eq(pair_new(&second, &client, &server, 0), HF_OK);
    cr_assert(pair_run(&second), "%s", hf_status_text(side_fault(&second.server)));
    hf_get_facts(&facts, second.client.conn);
    cr_expect(facts.resumed);
    pair_free(&second);
    pair_free(&pair);
  }
  credential_free(credential);
}

static void talk_to(const char *command, uint16_t port, bool retry) {
  const struct interop_case c = {.suite = &interop_suites[0],
                                 .group = &interop_groups[1],
                                 .cert = &interop_certs[0],
                                 .retry = retry,
                                 .len = 2000};
  for (uint64_t seed = 1; seed < 7; seed++) {
    struct peer peer;
    struct side side;
    struct side_setup setup;
    struct interop_lists lists;
    const char *wrong = peer_start(&peer, command);
    cr_assert_null(wrong, "%s", wrong);
    interop_client(&setup, &lists, &c);
    setup.settings.flags |= BOTH;
    side_entropy(&setup.start.entropy, seed);
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    wrong = interop_hello(&wire, &c);
    cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
    wrong = interop_again(&side);
    cr_assert_null(wrong, "%s", wrong);
    side_free(&side);
    close(wire.fd);
    peer_stop(&peer);
  }
}

Test(grease, interop) {
  char command[1024];
  const char *dir = HF_SOURCE_DIR "/tests/certs";
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
  for (size_t retry = 0; retry < 2; retry++) {
    uint16_t port = peer_free_port();
    snprintf(command, sizeof command,
             "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/ecdsa-p256.pem -key "
             "%s/ecdsa-p256.key -cert_chain %s/intermediate.pem -groups P-256",
             port, dir, dir, dir);
    talk_to(command, port, retry != 0);
    port = peer_free_port();
    snprintf(command, sizeof command,
             "gnutls-serv -p %d --echo -a --x509certfile %s/ecdsa-p256.pem --x509keyfile "
             "%s/ecdsa-p256.key --priority NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:"
             "+GROUP-SECP256R1",
             port, dir, dir);
    talk_to(command, port, retry != 0);
  }
}
