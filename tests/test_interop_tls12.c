/* test_interop_tls12.c: TLS 1.2 of the engine against OpenSSL and GnuTLS, each in a process of its
 * own and both ways: every suite with every group and every kind of certificate. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_tls12, .timeout = 300);

#define CHECK(expr, c, peer)                                                     \
  do {                                                                           \
    const char *wrong = (expr);                                                  \
    cr_assert_null(wrong, "%s: %s%s", interop_title(c), wrong, peer_tail(peer)); \
  } while (0)

static const struct interop_name suites[] = {
    {0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", "AES-128-GCM"},
    {0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", "AES-256-GCM"},
    {0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", "CHACHA20-POLY1305"},
    {0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", "AES-128-GCM"},
    {0xc030, "ECDHE-RSA-AES256-GCM-SHA384", "AES-256-GCM"},
    {0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", "CHACHA20-POLY1305"}};
static const struct interop_name groups[] = {{0x001d, "X25519", "GROUP-X25519"},
                                             {0x0017, "P-256", "GROUP-SECP256R1"},
                                             {0x0018, "P-384", "GROUP-SECP384R1"},
                                             {0x0019, "P-521", "GROUP-SECP521R1"}};
/* The algorithm is the first of ours that the peer takes. */
static const struct {
  struct interop_name name;
  const char *openssl; /* the algorithm's name */
  bool rsa;
  uint16_t curve; /* of an ECDSA key; 0: any will do */
} certs[] = {{{0x0403, "ecdsa-p256", ""}, "ECDSA+SHA256", false, 0x0017},
             {{0x0503, "ecdsa-p384", ""}, "ECDSA+SHA384", false, 0x0018},
             {{0x0603, "ecdsa-p521", ""}, "ECDSA+SHA512", false, 0x0019},
             {{0x0807, "ed25519", ""}, "ed25519", false, 0},
             {{0x0804, "rsa-2048", ""}, "RSA-PSS+SHA256", true, 0},
             /* GnuTLS has no way to ask for this in handshakes alone */
             {{0x0401, "rsa-2048", ""}, "RSA+SHA256", true, 0}};
enum {
  SUITES = 6,
  GROUPS = 4,
  ECDSA_P256 = 0,
  ECDSA_P384,
  ECDSA_P521,
  ED25519,
  RSA_PSS,
  RSA_PKCS1
};

/* gnutls-serv binds to all addresses, so each test stands in a network namespace of its own. */
static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

static bool goes_together(size_t suite, size_t cert) { return (suite >= 3) == certs[cert].rsa; }

static uint16_t curve_of(const struct interop_name *cert) {
  for (size_t i = 0; i <= RSA_PKCS1; i++) {
    if (&certs[i].name == cert) return certs[i].curve;
  }
  return 0;
}

/* ---- Our client ---- */

static void connect_once(struct peer *peer, uint16_t port, const struct interop_case *c,
                         bool echoes) {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  interop_client(&setup, &lists, c);
  // RFC 8422 5.1: the certificate's curve must be among the groups too.
  lists.groups[1] = curve_of(c->cert);
  setup.settings.verify_sigalgs = (hf_codes){&c->cert->code, 1};
  setup.settings.groups.num = lists.groups[1] == 0 || lists.groups[1] == lists.groups[0] ? 1 : 2;
  struct wire wire = {.side = &side, .peer = peer, .fd = peer_connect(port)};
  cr_assert_geq(wire.fd, 0, "%s: nothing listens%s", interop_title(c), peer_tail(peer));
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  CHECK(interop_hello(&wire, c), c, peer);
  CHECK(interop_talk(&wire, c, echoes), c, peer);
  CHECK(interop_bye(&wire, c), c, peer);
  CHECK(interop_again(&side), c, peer);
  side_free(&side);
}

static void connect_all(size_t cert, bool gnutls) {
  isolate();
  for (size_t g = 0; g < GROUPS; g++) {
    char command[1024];
    struct peer peer;
    uint16_t port = peer_free_port();
    if (gnutls) {
      snprintf(
          command, sizeof command,
          "gnutls-serv -p %d --echo -a --priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-GROUP-ALL:+%s "
          "--x509certfile %s/tests/certs/%s.pem --x509keyfile %s/tests/certs/%s.key",
          port, groups[g].gnutls, HF_SOURCE_DIR, certs[cert].name.openssl, HF_SOURCE_DIR,
          certs[cert].name.openssl);
    } else {
      snprintf(command, sizeof command,
               "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_2 -cert %s/tests/certs/%s.pem "
               "-key %s/tests/certs/%s.key -cert_chain %s/tests/certs/intermediate.pem -groups %s",
               port, HF_SOURCE_DIR, certs[cert].name.openssl, HF_SOURCE_DIR,
               certs[cert].name.openssl, HF_SOURCE_DIR, groups[g].openssl);
    }
    const char *wrong = peer_start(&peer, command);
    cr_assert_null(wrong, "%s", wrong);
    for (size_t s = 0; s < SUITES; s++) {
      const struct interop_case c = {&suites[s], &groups[g], &certs[cert].name, .len = 2000,
                                     .version = 0x0303};
      if (goes_together(s, cert)) connect_once(&peer, port, &c, gnutls);
    }
    peer_stop(&peer);
  }
}

Test(interop_tls12, openssl_server_ecdsa_p256) { connect_all(ECDSA_P256, false); }
Test(interop_tls12, openssl_server_ecdsa_p384) { connect_all(ECDSA_P384, false); }
Test(interop_tls12, openssl_server_ecdsa_p521) { connect_all(ECDSA_P521, false); }
Test(interop_tls12, openssl_server_ed25519) { connect_all(ED25519, false); }
Test(interop_tls12, openssl_server_rsa_pss) { connect_all(RSA_PSS, false); }
Test(interop_tls12, openssl_server_rsa_pkcs1) { connect_all(RSA_PKCS1, false); }

Test(interop_tls12, gnutls_server_ecdsa_p256) { connect_all(ECDSA_P256, true); }
Test(interop_tls12, gnutls_server_ecdsa_p384) { connect_all(ECDSA_P384, true); }
Test(interop_tls12, gnutls_server_ecdsa_p521) { connect_all(ECDSA_P521, true); }
Test(interop_tls12, gnutls_server_ed25519) { connect_all(ED25519, true); }
Test(interop_tls12, gnutls_server_rsa_pss) { connect_all(RSA_PSS, true); }

/* ---- Our server ---- */

static void accept_once(const struct interop_case *c, const struct credential *credential,
                        const char *sigalg, bool gnutls) {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  struct peer peer;
  char command[1024];
  uint16_t port = 0;
  int listener = peer_listen(&port);
  if (gnutls) {
    snprintf(command, sizeof command,
             "gnutls-cli -p %d 127.0.0.1 --sni-hostname localhost --verify-hostname localhost "
             "--x509cafile %s/tests/certs/root.pem --logfile /dev/null "
             "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+%s:-GROUP-ALL:+%s",
             port, HF_SOURCE_DIR, c->suite->gnutls, c->group->gnutls);
  } else {
    snprintf(command, sizeof command,
             "openssl s_client -connect 127.0.0.1:%d -quiet -no_ign_eof -nocommands -tls1_2 "
             "-servername localhost -verify_return_error -verify_hostname localhost "
             "-CAfile %s/tests/certs/root.pem -groups X25519:P-256:P-384:P-521 -sigalgs %s",
             port, HF_SOURCE_DIR, sigalg);
  }
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
  cr_assert_eq(status, 0, "%s: the client ended with %d%s", interop_title(c), status,
               peer_tail(&peer));
  CHECK(interop_again(&side), c, &peer);
  side_free(&side);
  peer_stop(&peer);
  close(listener);
}

static void accept_all(size_t cert, bool gnutls) {
  isolate();
  struct credential *credential = credential_load(certs[cert].name.openssl);
  cr_assert_not_null(credential);
  for (size_t i = 0; i < (size_t)SUITES * GROUPS; i++) {
    const struct interop_case c = {.suite = &suites[i % SUITES],
                                   .group = &groups[i / SUITES],
                                   .cert = &certs[cert].name,
                                   .peer_closes_first = true,
                                   .version = 0x0303,
                                   .len = 2000};
    if (goes_together(i % SUITES, cert)) accept_once(&c, credential, certs[cert].openssl, gnutls);
  }
  credential_free(credential);
}

Test(interop_tls12, openssl_client_ecdsa_p256) { accept_all(ECDSA_P256, false); }
Test(interop_tls12, openssl_client_ecdsa_p384) { accept_all(ECDSA_P384, false); }
Test(interop_tls12, openssl_client_ecdsa_p521) { accept_all(ECDSA_P521, false); }
Test(interop_tls12, openssl_client_ed25519) { accept_all(ED25519, false); }
Test(interop_tls12, openssl_client_rsa_pss) { accept_all(RSA_PSS, false); }
Test(interop_tls12, openssl_client_rsa_pkcs1) { accept_all(RSA_PKCS1, false); }

Test(interop_tls12, gnutls_client_ecdsa_p256) { accept_all(ECDSA_P256, true); }
Test(interop_tls12, gnutls_client_ecdsa_p384) { accept_all(ECDSA_P384, true); }
Test(interop_tls12, gnutls_client_ecdsa_p521) { accept_all(ECDSA_P521, true); }
Test(interop_tls12, gnutls_client_ed25519) { accept_all(ED25519, true); }
Test(interop_tls12, gnutls_client_rsa_pss) { accept_all(RSA_PSS, true); }
