/* test_interop_openssl.c: the engine against `openssl s_server` and `openssl s_client`, each in a
 * process of its own: every suite with every group and every kind of certificate, with and without
 * HelloRetryRequest and cookie. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_openssl, .timeout = 300);

#define CHECK(expr, c, peer)                                                     \
  do {                                                                           \
    const char *wrong = (expr);                                                  \
    cr_assert_null(wrong, "%s: %s%s", interop_title(c), wrong, peer_tail(peer)); \
  } while (0)

/* ---- Our client ---- */

/* start_server runs s_server for one certificate and one group; |options| are more of its own. */
static uint16_t start_server(struct peer *peer, const char *cert, const char *group,
                             const char *options) {
  char command[1024];
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/tests/certs/%s.pem "
           "-key %s/tests/certs/%s.key -cert_chain %s/tests/certs/intermediate.pem -groups %s %s",
           port, HF_SOURCE_DIR, cert, HF_SOURCE_DIR, cert, HF_SOURCE_DIR, group, options);
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
  CHECK(interop_talk(&wire, c, false), c, peer);
  CHECK(interop_bye(&wire, c), c, peer);
  CHECK(interop_again(&side), c, peer);
  side_free(&side);
}

static void connect_all(const struct interop_name *cert) {
  for (size_t g = 0; g < INTEROP_GROUPS; g++) {
    struct peer peer;
    uint16_t port = start_server(&peer, cert->openssl, interop_groups[g].openssl, "");
    for (size_t s = 0; s < INTEROP_SUITES; s++) {
      struct interop_case c = {&interop_suites[s], &interop_groups[g], cert, .len = 2000};
      connect_once(&peer, port, &c);
      c.retry = true;
      connect_once(&peer, port, &c);
    }
    peer_stop(&peer);
  }
}

/* s_server -stateless demands a cookie of its first connection alone. */
static void connect_with_cookie(const struct interop_name *cert) {
  for (size_t i = 0; i < (size_t)INTEROP_GROUPS * INTEROP_SUITES * 2; i++) {
    struct peer peer;
    const struct interop_case c = {.suite = &interop_suites[i % 3],
                                   .group = &interop_groups[i / 3 % 3],
                                   .cert = cert,
                                   .retry = i >= 9,
                                   .cookie = true,
                                   .len = 2000};
    uint16_t port = start_server(&peer, cert->openssl, c.group->openssl, "-stateless");
    connect_once(&peer, port, &c);
    peer_stop(&peer);
  }
}

Test(interop_openssl, client_ecdsa_p256) { connect_all(&interop_certs[0]); }
Test(interop_openssl, client_ecdsa_p384) { connect_all(&interop_certs[1]); }
Test(interop_openssl, client_rsa) { connect_all(&interop_certs[2]); }
Test(interop_openssl, client_ed25519) { connect_all(&interop_certs[3]); }
Test(interop_openssl, client_cookie_ecdsa_p256) { connect_with_cookie(&interop_certs[0]); }
Test(interop_openssl, client_cookie_rsa) { connect_with_cookie(&interop_certs[2]); }
Test(interop_openssl, client_cookie_ed25519) { connect_with_cookie(&interop_certs[3]); }

Test(interop_openssl, client_mebibyte) {
  struct peer peer;
  uint16_t port = start_server(&peer, "ecdsa-p256", "X25519", "");
  for (size_t s = 0; s < INTEROP_SUITES; s++) {
    const struct interop_case c = {&interop_suites[s], &interop_groups[0], &interop_certs[0],
                                   .len = 1 << 20};
    connect_once(&peer, port, &c);
  }
  peer_stop(&peer);
}

/* s_server with -www ends each connection itself, with close_notify first. */
Test(interop_openssl, client_server_closes_first) {
  static const char get[] = "GET / HTTP/1.0\r\n\r\n";
  struct peer peer;
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  const struct interop_case c = {&interop_suites[0], &interop_groups[0], &interop_certs[0],
                                 .len = 0};
  uint16_t port = start_server(&peer, "ecdsa-p256", "X25519", "-www");
  interop_client(&setup, &lists, &c);
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  CHECK(interop_hello(&wire, &c), &c, &peer);
  cr_assert_eq(side_send(&side, (const uint8_t *)get, sizeof get - 1), HF_OK);
  cr_assert(wire_closed(&wire), "%s", peer_tail(&peer));
  cr_assert_gt(side.app.len, 100);
  cr_assert_eq(side_close(&side), HF_OK);
  cr_assert(wire_end(&wire));
  CHECK(interop_again(&side), &c, &peer);
  side_free(&side);
  peer_stop(&peer);
}

/* ---- Our server ---- */

static void accept_once(const struct interop_case *c, const struct credential *credential) {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  struct peer peer;
  char command[1024], first[32] = "";
  uint16_t port = 0;
  int listener = peer_listen(&port);
  if (c->retry) snprintf(first, sizeof first, "%s:", c->group->code == 0x1d ? "P-256" : "X25519");
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -quiet %s -tls1_3 -servername localhost "
           "-verify_return_error -verify_hostname localhost -CAfile %s/tests/certs/root.pem "
           "-groups %s%s",
           port, c->peer_closes_first ? "-no_ign_eof -nocommands" : "", HF_SOURCE_DIR, first,
           c->group->openssl);
  const char *failed = peer_start(&peer, command);
  cr_assert_null(failed, "%s", failed);
  interop_server(&setup, &lists, c, credential);
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_geq(wire.fd, 0, "no client came%s", peer_tail(&peer));
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  CHECK(interop_hello(&wire, c), c, &peer);
  CHECK(interop_talk(&wire, c, false), c, &peer);
  CHECK(interop_bye(&wire, c), c, &peer);
  int status = peer_wait(&peer);
  cr_assert_eq(status, 0, "%s: s_client ended with %d%s", interop_title(c), status,
               peer_tail(&peer));
  CHECK(interop_again(&side), c, &peer);
  side_free(&side);
  peer_stop(&peer);
  close(listener);
}

static void accept_all(const struct interop_name *cert) {
  struct credential *credential = credential_load(cert->openssl);
  bool peer_first = false;
  cr_assert_not_null(credential);
  for (size_t i = 0; i < (size_t)INTEROP_SUITES * INTEROP_GROUPS * 4; i++) {
    const struct interop_case c = {.suite = &interop_suites[i % 3],
                                   .group = &interop_groups[i / 3 % 3],
                                   .cert = cert,
                                   .retry = (i / 9 & 1) != 0,
                                   .cookie = (i / 9 & 2) != 0,
                                   .peer_closes_first = peer_first,
                                   .len = 2000};
    accept_once(&c, credential);
    peer_first = !peer_first;
  }
  credential_free(credential);
}

Test(interop_openssl, server_ecdsa_p256) { accept_all(&interop_certs[0]); }
Test(interop_openssl, server_ecdsa_p384) { accept_all(&interop_certs[1]); }
Test(interop_openssl, server_rsa) { accept_all(&interop_certs[2]); }
Test(interop_openssl, server_ed25519) { accept_all(&interop_certs[3]); }

Test(interop_openssl, server_mebibyte) {
  struct credential *credential = credential_load("rsa-2048");
  for (size_t s = 0; s < INTEROP_SUITES; s++) {
    const struct interop_case c = {&interop_suites[s], &interop_groups[1], &interop_certs[2],
                                   .len = 1 << 20};
    accept_once(&c, credential);
  }
  credential_free(credential);
}

/* ---- Nothing in common ---- */

static const struct interop_case plain = {
    .suite = &interop_suites[0], .group = &interop_groups[0], .cert = &interop_certs[0], .len = 0};

/* refused_by connects to s_server with |options| and expects its alert. */
static void refused_by(const char *options, uint8_t alert) {
  char command[1024];
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  struct peer peer;
  hf_fault fault;
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -cert %s/tests/certs/ecdsa-p256.pem -key "
           "%s/tests/certs/ecdsa-p256.key %s",
           port, HF_SOURCE_DIR, HF_SOURCE_DIR, options);
  const char *failed = peer_start(&peer, command);
  cr_assert_null(failed, "%s", failed);
  interop_client(&setup, &lists, &plain);
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  cr_assert(wire_failed(&wire), "%s%s", options, peer_tail(&peer));
  hf_get_fault(&fault, side.conn);
  cr_assert_eq(fault.status, HF_PEER_ALERT, "%s: %s", options, fault.text);
  cr_assert_eq(fault.alert, alert, "%s: alert %d", options, fault.alert);
  CHECK(interop_again(&side), &plain, &peer);
  close(wire.fd);
  side_free(&side);
  peer_stop(&peer);
}

Test(interop_openssl, client_is_refused) {
  refused_by("-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384", 40);
  refused_by("-tls1_3 -groups P-384", 40);
  refused_by("-tls1_2", 70);
}

/* refuses has s_client come with |options| and expects |status|, and that the client hears |alert|.
 */
static void refuses(const char *options, hf_status status, int alert) {
  char command[1024], heard[64];
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  struct peer peer;
  uint16_t port = 0;
  int listener = peer_listen(&port);
  snprintf(command, sizeof command, "openssl s_client -connect 127.0.0.1:%d %s", port, options);
  const char *failed = peer_start(&peer, command);
  cr_assert_null(failed, "%s", failed);
  interop_server(&setup, &lists, &plain, credential);
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  cr_assert(wire_failed(&wire), "%s%s", options, peer_tail(&peer));
  cr_assert_eq(side_fault(&side), status, "%s: %s", options, hf_status_text(side_fault(&side)));
  snprintf(heard, sizeof heard, "SSL alert number %d", alert);
  cr_assert(peer_printed(&peer, heard), "%s: not \"%s\"%s", options, heard, peer_tail(&peer));
  CHECK(interop_again(&side), &plain, &peer);
  close(wire.fd);
  side_free(&side);
  credential_free(credential);
  peer_stop(&peer);
  close(listener);
}

Test(interop_openssl, server_refuses) {
  refuses("-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384", HF_NO_SHARED_SUITE, 40);
  refuses("-tls1_3 -groups P-384", HF_NO_SHARED_GROUP, 40);
  refuses("-tls1_3 -sigalgs RSA-PSS+SHA256", HF_NO_COMMON_SIGALG, 40);
  refuses("-tls1_2", HF_UNSUPPORTED_VERSION, 70);
  refuses("-tls1_1 -cipher DEFAULT@SECLEVEL=0", HF_UNSUPPORTED_VERSION, 70);
}
