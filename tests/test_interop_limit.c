/* test_interop_limit.c - record_size_limit (RFC 8449) with GnuTLS, which sends it always: either
 * side's limit, data that is many times as long both ways, and how long the records on the wire
 * are.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_limit, .timeout = 120);

enum { TAG = 16, HEADER = 5, LEN = 20000 };
static const struct interop_case c = {&interop_suites[0], &interop_groups[0], &interop_certs[0],
                                      .peer_closes_first = true, .len = LEN};

#define CHECK(expr, peer)                                       \
  do {                                                          \
    const char *wrong_ = (expr);                                \
    cr_assert_null(wrong_, "%s%s", wrong_, peer_tail(&(peer))); \
  } while (0)

/* How long the longest TLSInnerPlaintext of the records in |data| is; how many records there are.
 */
static size_t longest(const uint8_t *data, size_t len, size_t *num) {
  size_t most = 0;
  *num = 0;
  for (size_t at = 0; at + HEADER <= len;) {
    const size_t body = (size_t)data[at + 3] << 8 | data[at + 4];
    if (data[at] == 23) {
      ++*num;
      if (body - TAG > most) most = body - TAG;
    }
    at += HEADER + body;
  }
  return most;
}

/* The peer's bytes, as they came. */
static struct buf received(const struct side *side) {
  struct buf all = {0};
  for (size_t i = 0; i < side->num_items; i++)
    if (side->items[i].step == SIDE_INPUT)
      buf_add(&all, side->tape.data + side->items[i].at, side->items[i].len);
  return all;
}

/* R-8449-4-1 R-8449-4-4: |own| is this side's limit, |theirs| the peer's, in bytes of data and its
 * type. */
static void expect_limits(const struct side *side, size_t own, size_t theirs) {
  hf_facts facts;
  size_t num;
  struct buf in = received(side);
  hf_get_facts(&facts, side->conn);
  cr_expect_eq(facts.max_data, theirs - 1);
  cr_expect_leq(longest(side->sent.data, side->sent.len, &num), theirs);
  cr_expect_geq(num, LEN / theirs);
  cr_expect_leq(longest(in.data, in.len, &num), own);
  cr_expect_geq(num, LEN / own);
  buf_free(&in);
}

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

/* |option| is GnuTLS's --recordsize, which counts data alone. */
static void client(uint16_t own, const char *option, size_t theirs) {
  char command[1024];
  const char *dir = HF_SOURCE_DIR "/tests/certs";
  struct peer peer;
  struct side side;
  struct side_setup setup;
  struct interop_lists lists;
  isolate();
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "gnutls-serv -p %d --echo -a %s --x509certfile %s/ecdsa-p256.pem --x509keyfile "
           "%s/ecdsa-p256.key --priority NORMAL:-VERS-ALL:+VERS-TLS1.3",
           port, option, dir, dir);
  CHECK(peer_start(&peer, command), peer);
  interop_client(&setup, &lists, &c);
  setup.settings.record_size_limit = own;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  CHECK(interop_hello(&wire, &c), peer);
  CHECK(interop_talk(&wire, &c, true), peer);
  expect_limits(&side, own, theirs);
  CHECK(interop_again(&side), peer);
  side_free(&side);
  close(wire.fd);
  peer_stop(&peer);
}

/* As interop_talk, but the peer's part in pieces that fit a record: of a longer one gnutls-cli
 * sends what fits and forgets the rest. */
static const char *talk(struct wire *wire) {
  struct buf text = {0};
  struct peer *peer = wire->peer;
  const char *wrong = NULL;
  interop_text(&text, LEN, 3);
  peer->log.len = 0;
  if (side_send(wire->side, text.data, text.len) != HF_OK || !wire_drain(wire))
    wrong = "sending failed";
  for (size_t at = 0; wrong == NULL && at < LEN; at += 500) {
    buf_add(&peer->input, text.data + at, 500);
    if (!wire_received(wire, at + 500)) wrong = "receiving failed";
  }
  if (wrong == NULL && memcmp(wire->side->app.data, text.data, LEN) != 0) wrong = "other data came";
  buf_add(&text, "", 1);
  if (wrong == NULL && !peer_printed(peer, (const char *)text.data)) wrong = "it did not arrive";
  buf_free(&text);
  return wrong;
}

static void server(uint16_t own, const char *option, size_t theirs) {
  char command[1024];
  struct credential *credential = credential_load("ecdsa-p256");
  struct peer peer;
  struct side side;
  struct side_setup setup;
  struct interop_lists lists;
  uint16_t port;
  isolate();
  int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "gnutls-cli -p %d %s --sni-hostname localhost --verify-hostname localhost "
           "--x509cafile %s/tests/certs/root.pem --priority NORMAL:-VERS-ALL:+VERS-TLS1.3 "
           "127.0.0.1",
           port, option, HF_SOURCE_DIR);
  CHECK(peer_start(&peer, command), peer);
  interop_server(&setup, &lists, &c, credential);
  setup.settings.record_size_limit = own;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  CHECK(interop_hello(&wire, &c), peer);
  CHECK(talk(&wire), peer);
  expect_limits(&side, own == 0 ? 16385 : own, theirs);
  CHECK(interop_bye(&wire, &c), peer);
  CHECK(interop_again(&side), peer);
  side_free(&side);
  peer_stop(&peer);
  close(listener);
  credential_free(credential);
}

Test(interop_limit, client_s_own) { client(600, "", 16385); }
Test(interop_limit, client_and_server_s) { client(16385, "--recordsize=700", 701); }
Test(interop_limit, both_with_a_server) { client(600, "--recordsize=700", 701); }
Test(interop_limit, server_s_own) { server(600, "", 16385); }
Test(interop_limit, server_that_sets_none) { server(0, "--recordsize=700", 701); }
Test(interop_limit, both_with_a_client) { server(600, "--recordsize=700", 701); }
