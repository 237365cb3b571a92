/* test_interop_gnutls.c: the engine against gnutls-serv and gnutls-cli, each in a process of its
 * own: every suite with every group and every kind of certificate, with and without
 * HelloRetryRequest, and with a cookie of ours.  gnutls-serv binds to all addresses, so each test
 * stands in a network namespace of its own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_gnutls, .timeout = 300);

#define CHECK(expr, c, peer)                                                     \
  do {                                                                           \
    const char *wrong = (expr);                                                  \
    cr_assert_null(wrong, "%s: %s%s", interop_title(c), wrong, peer_tail(peer)); \
  } while (0)

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

/* ---- Our client ---- */

static uint16_t start_server(struct peer *peer, const char *cert, const char *group) {
  char command[1024];
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "gnutls-serv -p %d --echo -a --x509certfile %s/tests/certs/%s.pem --x509keyfile "
           "%s/tests/certs/%s.key --priority NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+%s",
           port, HF_SOURCE_DIR, cert, HF_SOURCE_DIR, cert, group);
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
  return port;
}

static void connect_once(struct peer *peer, uint16_t port, const struct interop_case *c) {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  interop_client(&setup, &lists, c);
  struct wire wire = {.side = &side, .peer = peer, .fd = peer_connect(port)};
  cr_assert_geq(wire.fd, 0, "%s: nothing listens%s", interop_title(c), peer_tail(peer));
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  CHECK(interop_hello(&wire, c), c, peer);
  CHECK(interop_talk(&wire, c, true), c, peer);
  CHECK(interop_bye(&wire, c), c, peer);
  CHECK(interop_again(&side), c, peer);
  side_free(&side);
}

static void connect_all(const struct interop_name *cert) {
  isolate();
  for (size_t g = 0; g < INTEROP_GROUPS; g++) {
    struct peer peer;
    uint16_t port = start_server(&peer, cert->gnutls, interop_groups[g].gnutls);
    for (size_t s = 0; s < INTEROP_SUITES; s++) {
      struct interop_case c = {&interop_suites[s], &interop_groups[g], cert, .len = 2000};
      connect_once(&peer, port, &c);
      c.retry = true;
      connect_once(&peer, port, &c);
    }
    peer_stop(&peer);
  }
}

Test(interop_gnutls, client_ecdsa_p256) { connect_all(&interop_certs[0]); }
Test(interop_gnutls, client_ecdsa_p384) { connect_all(&interop_certs[1]); }
Test(interop_gnutls, client_rsa) { connect_all(&interop_certs[2]); }
Test(interop_gnutls, client_ed25519) { connect_all(&interop_certs[3]); }

Test(interop_gnutls, client_mebibyte) {
  struct peer peer;
  isolate();
  uint16_t port = start_server(&peer, "ecdsa-p256", "GROUP-X25519");
  for (size_t s = 0; s < INTEROP_SUITES; s++) {
    const struct interop_case c = {&interop_suites[s], &interop_groups[0], &interop_certs[0],
                                   .len = 1 << 20};
    connect_once(&peer, port, &c);
  }
  peer_stop(&peer);
}

/* ---- Our server ---- */

/* gnutls-cli does not answer close_notify (it ends the transport), so it is the one to begin; where
 * it is not, its end is all there is to wait for. */
static const char *bye(struct wire *wire, const struct interop_case *c) {
  if (c->peer_closes_first) return interop_bye(wire, c);
  if (side_close(wire->side) != HF_OK || !wire_end(wire)) return "it did not end";
  return NULL;
}

static void accept_once(const struct interop_case *c, const struct credential *credential) {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  struct peer peer;
  char command[1024], first[32] = "";
  uint16_t port = 0;
  int listener = peer_listen(&port);
  if (c->retry) {
    snprintf(first, sizeof first, ":+%s", interop_groups[c->group->code == 0x1d ? 1 : 0].gnutls);
  }
  snprintf(
      command, sizeof command,
      "gnutls-cli -p %d --single-key-share --sni-hostname localhost --verify-hostname localhost "
      "--x509cafile %s/tests/certs/root.pem "
      "--priority NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL%s:+%s 127.0.0.1",
      port, HF_SOURCE_DIR, first, c->group->gnutls);
  const char *failed = peer_start(&peer, command);
  cr_assert_null(failed, "%s", failed);
  interop_server(&setup, &lists, c, credential);
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_geq(wire.fd, 0, "no client came%s", peer_tail(&peer));
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  CHECK(interop_hello(&wire, c), c, &peer);
  CHECK(interop_talk(&wire, c, false), c, &peer);
  CHECK(bye(&wire, c), c, &peer);
  int status = peer_wait(&peer);
  cr_assert_eq(status, 0, "%s: gnutls-cli ended with %d%s", interop_title(c), status,
               peer_tail(&peer));
  CHECK(interop_again(&side), c, &peer);
  side_free(&side);
  peer_stop(&peer);
  close(listener);
}

/* GnuTLS cannot follow a HelloRetryRequest that has a cookie and no group, so here a cookie comes
 * with a group. */
static void accept_all(const struct interop_name *cert) {
  struct credential *credential = credential_load(cert->gnutls);
  isolate();
  cr_assert_not_null(credential);
  for (size_t i = 0; i < (size_t)INTEROP_SUITES * INTEROP_GROUPS * 3; i++) {
    const struct interop_case c = {.suite = &interop_suites[i % 3],
                                   .group = &interop_groups[i / 3 % 3],
                                   .cert = cert,
                                   .retry = i >= 9,
                                   .cookie = i >= 18,
                                   .peer_closes_first = true,
                                   .len = 2000};
    accept_once(&c, credential);
  }
  credential_free(credential);
}

Test(interop_gnutls, server_ecdsa_p256) { accept_all(&interop_certs[0]); }
Test(interop_gnutls, server_ecdsa_p384) { accept_all(&interop_certs[1]); }
Test(interop_gnutls, server_rsa) { accept_all(&interop_certs[2]); }
Test(interop_gnutls, server_ed25519) { accept_all(&interop_certs[3]); }

Test(interop_gnutls, server_mebibyte) {
  struct credential *credential = credential_load("rsa-2048");
  isolate();
  for (size_t s = 0; s < INTEROP_SUITES; s++) {
    const struct interop_case c = {&interop_suites[s], &interop_groups[1], &interop_certs[2],
                                   .len = 1 << 20};
    accept_once(&c, credential);
  }
  credential_free(credential);
}
