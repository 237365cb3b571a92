/* test_interop_early.c: sessions and early data with `openssl s_server` and `openssl s_client`:
 * accepted, and refused by a replay, by a HelloRetryRequest, by a server that does not know the
 * ticket. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_early, .timeout = 120);

static const char early_text[] = "early words\n", later[] = "later words\n";

#define CHECK(expr, peer)                                  \
  do {                                                     \
    const char *wrong = (expr);                            \
    cr_assert_null(wrong, "%s%s", wrong, peer_tail(peer)); \
  } while (0)

static struct interop_case case_of(size_t suite) {
  return (struct interop_case){
      .suite = &interop_suites[suite], .group = &interop_groups[1], .cert = &interop_certs[0]};
}

static void check_facts(const struct side *side, bool resumed, bool accepted) {
  hf_facts facts;
  hf_get_facts(&facts, side->conn);
  cr_assert_eq(facts.resumed, resumed, "resumed: %d", facts.resumed);
  cr_assert_eq(facts.early_accepted, accepted, "early data accepted: %d", facts.early_accepted);
}

static void say(struct wire *wire, const char *text) {
  cr_assert_eq(side_send(wire->side, (const uint8_t *)text, strlen(text)), HF_OK);
  cr_assert(wire_drain(wire));
}

/* ---- Our client ---- */

static uint16_t start_server(struct peer *peer, const char *options) {
  char command[1024];
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -tls1_3 -early_data -max_early_data 500 "
           "-cert %s/tests/certs/ecdsa-p256.pem -key %s/tests/certs/ecdsa-p256.key "
           "-cert_chain %s/tests/certs/intermediate.pem -groups P-256 %s",
           port, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR, options);
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
  return port;
}

/* visit connects, early with |session| if it is not empty, and keeps the last ticket in |kept|.  It
 * expects |resumed| and |accepted|. */
static void visit(struct peer *peer, uint16_t port, const struct interop_case *c,
                  const struct buf *session, struct buf *kept, bool resumed, bool accepted) {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  bool early = session->len > 0;
  interop_client(&setup, &lists, c);
  setup.settings.flags = HF_ALLOW_EARLY_DATA;
  setup.start.session = (hf_bytes){session->data, session->len};
  setup.start.entropy.random[0] ^= early;
  peer->log.len = 0;
  struct wire wire = {.side = &side, .peer = peer, .fd = peer_connect(port)};
  cr_assert_geq(wire.fd, 0, "nothing listens%s", peer_tail(peer));
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  if (early) say(&wire, early_text);
  cr_assert(wire_handshake(&wire), "%s%s", hf_status_text(side_fault(&side)), peer_tail(peer));
  check_facts(&side, resumed, accepted);
  cr_assert_eq((hf_wants(side.conn) & HF_EARLY_REFUSED) != 0, early && !accepted);
  say(&wire, later);
  cr_assert(peer_printed(peer, later));
  cr_assert_eq(peer_has_printed(peer, early_text), accepted);
  while (side.kept.len == 0) cr_assert(wire_turn(&wire), "no ticket came%s", peer_tail(peer));
  kept->len = 0;
  buf_add(kept, side.kept.data, side.kept.len);
  CHECK(interop_bye(&wire, c), peer);
  CHECK(interop_again(&side), peer);
  side_free(&side);
}

/* R-4.3.10-1: each suite.  s_server takes a ticket once, and does not know another's. */
Test(interop_early, client) {
  for (size_t s = 0; s < INTEROP_SUITES; s++) {
    struct peer peer, other;
    const struct interop_case c = case_of(s);
    struct buf none = {0}, first = {0}, second = {0};
    uint16_t port = start_server(&peer, "");
    visit(&peer, port, &c, &none, &first, false, false);
    visit(&peer, port, &c, &first, &second, true, true);
    visit(&peer, port, &c, &first, &second, false, false);
    port = start_server(&other, "");
    visit(&other, port, &c, &second, &first, false, false);
    peer_stop(&other);
    peer_stop(&peer);
    buf_free(&first);
    buf_free(&second);
  }
}

/* R-4.3.10-5: a HelloRetryRequest, after which the session is resumed without early data.  A ticket
 * of a server with anti-replay would be used up by the first hello. */
Test(interop_early, client_retry) {
  for (size_t s = 0; s < INTEROP_SUITES; s++) {
    struct peer peer;
    struct interop_case c = case_of(s);
    struct buf none = {0}, first = {0}, second = {0};
    uint16_t port = start_server(&peer, "-no_anti_replay");
    visit(&peer, port, &c, &none, &first, false, false);
    c.retry = true;
    visit(&peer, port, &c, &first, &second, true, false);
    peer_stop(&peer);
    buf_free(&first);
    buf_free(&second);
  }
}

/* ---- Our server ---- */

static bool no_early(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask == HF_ASK_SESSION) answer->flags = 0;
  return question->ask == HF_ASK_SESSION;
}

/* serve takes one s_client with |options|. */
static void serve(const struct interop_case *c, const struct credential *credential,
                  const char *options, bool resumed, bool offered, bool accepted) {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  struct peer peer;
  char command[1024];
  uint16_t port = 0;
  int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -tls1_3 -servername localhost -nocommands "
           "-verify_return_error -CAfile %s/tests/certs/root.pem -groups P-256 %s",
           port, HF_SOURCE_DIR, options);
  const char *failed = peer_start(&peer, command);
  cr_assert_null(failed, "%s", failed);
  interop_server(&setup, &lists, c, credential);
  setup.settings.flags |= HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
  setup.settings.max_early_data = 500;
  setup.start.entropy.random[0] ^= resumed;
  if (!accepted) setup.answer = no_early;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_geq(wire.fd, 0, "no client came%s", peer_tail(&peer));
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  cr_assert(wire_handshake(&wire), "%s%s", hf_status_text(side_fault(&side)), peer_tail(&peer));
  check_facts(&side, resumed, accepted);
  cr_assert_eq(side.app.len, accepted ? strlen(early_text) : 0);
  cr_assert(memcmp(side.app.data == NULL ? (const uint8_t *)"" : side.app.data, early_text,
                   side.app.len) == 0);
  say(&wire, later);
  cr_assert(peer_printed(&peer, later));
  if (offered) {
    const char *says = accepted ? "Early data was accepted" : "Early data was rejected";
    cr_assert(peer_has_printed(&peer, says), "not: %s%s", says, peer_tail(&peer));
  }
  CHECK(interop_bye(&wire, c), &peer);
  CHECK(interop_again(&side), &peer);
  (void)peer_wait(&peer);
  side_free(&side);
  peer_stop(&peer);
  close(listener);
}

static void temporary(char path[40], const char *text) {
  strcpy(path, "/tmp/handfast-early-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

/* R-4.3.10-1 R-4.3.10-3 R-4.3.10-4: accepted, and refused by the caller and skipped. */
Test(interop_early, server) {
  struct credential *credential = credential_load("ecdsa-p256");
  char session[40], data[40], options[200];
  cr_assert_not_null(credential);
  temporary(data, early_text);
  for (size_t s = 0; s < INTEROP_SUITES; s++) {
    struct interop_case c = case_of(s);
    temporary(session, "");
    snprintf(options, sizeof options, "-sess_out %s", session);
    serve(&c, credential, options, false, false, false);
    snprintf(options, sizeof options, "-sess_in %s -early_data %s", session, data);
    serve(&c, credential, options, true, true, true);
    serve(&c, credential, options, true, true, false);
    unlink(session);
  }
  unlink(data);
  credential_free(credential);
}
