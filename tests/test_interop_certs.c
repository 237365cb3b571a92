/* test_interop_certs.c: what is wrong with a certificate is found, told to the peer with the alert
 * that RFC 9846 6.2 names, and told to the program by SSL_get_verify_result.  Ours refuses
 * OpenSSL's, and OpenSSL and GnuTLS refuse ours. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"
#include "sslwire.h"

TestSuite(interop_certs, .timeout = 120);

enum { UNKNOWN_CA = 48, BAD_CERTIFICATE = 42, EXPIRED = 45, UNSUPPORTED = 43, REQUIRED = 116 };

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static void told(struct peer *peer, int alert) {
  char text[64];
  snprintf(text, sizeof text, "SSL alert number %d", alert);
  bool printed = peer_printed(peer, text);
  cr_assert(printed, "the peer did not print \"%s\"%s", text, peer_tail(peer));
}

/* ---- Our client ---- */

static uint16_t start_server(struct peer *peer, const char *cert, bool chain) {
  char command[1024], more[400] = "";
  uint16_t port = peer_free_port();
  if (chain) {
    snprintf(more, sizeof more, "-cert_chain %s/tests/certs/intermediate.pem", HF_SOURCE_DIR);
  }
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/tests/certs/%s.pem "
           "-key %s/tests/certs/%s.key %s",
           port, HF_SOURCE_DIR, cert, HF_SOURCE_DIR, cert, more);
  start(peer, command);
  return port;
}

/* refuse connects to a server with |cert| and expects |result| and |alert|; 0 and X509_V_OK: that
 * it is accepted. */
static void refuse(const char *cert, const char *name, bool chain, long result, int alert) {
  struct peer peer;
  struct sslwire wire;
  int error;
  uint16_t port = start_server(&peer, cert, chain);
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  cr_assert_not_null(ctx);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_connect(port), name));
  int ret = sslwire_handshake(&wire, &error);
  cr_assert_eq(SSL_get_verify_result(wire.ssl), result, "%s: verify result %ld", cert,
               SSL_get_verify_result(wire.ssl));
  if (alert == 0) {
    cr_assert_eq(ret, 1, "%s: %s%s", cert, ERR_reason_error_string(ERR_peek_error()),
                 peer_tail(&peer));
    cr_assert(sslwire_shutdown(&wire));
  } else {
    cr_assert_eq(ret, -1);
    cr_assert_eq(error, SSL_ERROR_SSL);
    cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_CERTIFICATE_VERIFY_FAILED);
    told(&peer, alert);
  }
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
}

Test(interop_certs, client_accepts) {
  refuse("ecdsa-p256", "localhost", true, X509_V_OK, 0);
  refuse("rsa-2048", "server.example", true, X509_V_OK, 0);
  refuse("ed25519", "localhost", true, X509_V_OK, 0);
}

Test(interop_certs, client_wrong_ca) {
  refuse("wrong-ca", "localhost", false, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNKNOWN_CA);
}

Test(interop_certs, client_missing_intermediate) {
  refuse("ecdsa-p256", "localhost", false, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
         UNKNOWN_CA);
}

Test(interop_certs, client_wrong_name) {
  refuse("wrong-name", "localhost", true, X509_V_ERR_HOSTNAME_MISMATCH, BAD_CERTIFICATE);
  refuse("ecdsa-p256", "other.example", true, X509_V_ERR_HOSTNAME_MISMATCH, BAD_CERTIFICATE);
}

Test(interop_certs, client_expired) {
  refuse("expired", "localhost", true, X509_V_ERR_CERT_HAS_EXPIRED, EXPIRED);
}

Test(interop_certs, client_not_yet_valid) {
  refuse("not-yet-valid", "localhost", true, X509_V_ERR_CERT_NOT_YET_VALID, EXPIRED);
}

Test(interop_certs, client_self_signed) {
  refuse("self-signed", "localhost", false, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, UNKNOWN_CA);
}

/* Without SSL_VERIFY_PEER the handshake goes on, and the verify result says what it would have
 * failed for. */
Test(interop_certs, client_verify_none) {
  struct peer peer;
  struct sslwire wire;
  int error;
  uint16_t port = start_server(&peer, "expired", true);
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_connect(port), "localhost"));
  cr_assert_eq(sslwire_handshake(&wire, &error), 1);
  cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_ERR_CERT_HAS_EXPIRED);
  cr_assert(sslwire_shutdown(&wire));
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
}

/* ---- Our server, and what clients show it ---- */

/* show has s_client show |cert| (NULL: none) to a server that demands one. */
static void show(const char *cert, long result, int alert, int reason) {
  struct peer peer;
  struct sslwire wire;
  char command[1024], more[600] = "";
  int error;
  uint16_t port = 0;
  int listener = peer_listen(&port);
  if (cert != NULL) {
    snprintf(more, sizeof more,
             "-cert %s/tests/certs/%s.pem -key %s/tests/certs/%s.key -cert_chain "
             "%s/tests/certs/intermediate.pem",
             HF_SOURCE_DIR, cert, HF_SOURCE_DIR, cert, HF_SOURCE_DIR);
  }
  snprintf(command, sizeof command, "openssl s_client -connect 127.0.0.1:%d -quiet -tls1_3 %s",
           port, more);
  start(&peer, command);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert_not_null(ctx);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
  int ret = sslwire_handshake(&wire, &error);
  if (cert != NULL) {
    cr_assert_eq(SSL_get_verify_result(wire.ssl), result, "%s: verify result %ld", cert,
                 SSL_get_verify_result(wire.ssl));
  }
  if (alert == 0) {
    cr_assert_eq(ret, 1, "%s%s", ERR_reason_error_string(ERR_peek_error()), peer_tail(&peer));
    cr_assert(sslwire_shutdown(&wire));
    cr_assert_eq(peer_wait(&peer), 0);
  } else {
    cr_assert_eq(ret, -1);
    cr_assert_eq(error, SSL_ERROR_SSL);
    cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), reason);
    told(&peer, alert);
  }
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  close(listener);
}

Test(interop_certs, server_accepts_clients) {
  show("client-ecdsa-p256", X509_V_OK, 0, 0);
  show("client-rsa-2048", X509_V_OK, 0, 0);
  show("client-ed25519", X509_V_OK, 0, 0);
}

Test(interop_certs, server_refuses_clients) {
  show("client-other-root", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNKNOWN_CA,
       SSL_R_CERTIFICATE_VERIFY_FAILED);
  show("ecdsa-p256", X509_V_ERR_INVALID_PURPOSE, UNSUPPORTED, SSL_R_CERTIFICATE_VERIFY_FAILED);
  show(NULL, X509_V_OK, REQUIRED, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
}

/* ---- Our server, refused ---- */

/* refused has |command| (with %d for the port) connect to a server with |cert|, which must hear
 * |alert|. */
static void refused(const char *cert, const char *options, int alert) {
  struct peer peer;
  struct sslwire wire;
  char command[1024];
  int error;
  uint16_t port = 0;
  int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -quiet -tls1_3 -verify_return_error "
           "-CAfile %s/tests/certs/root.pem -verify_hostname %s",
           port, HF_SOURCE_DIR, options);
  start(&peer, command);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), cert);
  cr_assert_not_null(ctx);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
  cr_assert_eq(sslwire_handshake(&wire, &error), -1);
  cr_assert_eq(error, SSL_ERROR_SSL);
  cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), SSL_AD_REASON_OFFSET + alert,
               "%s: %d instead of %d", cert, ERR_GET_REASON(ERR_peek_error()),
               SSL_AD_REASON_OFFSET + alert);
  cr_assert_eq(peer_wait(&peer), 1);
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  close(listener);
}

Test(interop_certs, server_is_refused) {
  refused("wrong-ca", "localhost", UNKNOWN_CA);
  refused("wrong-name", "localhost", BAD_CERTIFICATE);
  refused("expired", "localhost", EXPIRED);
  refused("not-yet-valid", "localhost", BAD_CERTIFICATE);
  refused("self-signed", "localhost", UNKNOWN_CA);
}

/* A key that is not the certificate's is refused when it is set. */
Test(interop_certs, key_not_matching) {
  char path[512];
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  credential_path(path, "ecdsa-p256", ".pem");
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
  credential_path(path, "mismatch", ".key");
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 0);
  cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), X509_R_KEY_VALUES_MISMATCH);
  ERR_clear_error();
  cr_assert_eq(SSL_CTX_check_private_key(ctx), 0);
  SSL_CTX_free(ctx);
}

/* And if a server signs with such a key all the same, its peers find out: decrypt_error. */
Test(interop_certs, server_signs_with_another_key) {
  hf_bytes chain[4];
  size_t num = credential_chain(chain, 4, "ecdsa-p256");
  struct interop_lists lists;
  struct side_setup setup;
  struct side side;
  struct peer peer;
  char command[1024];
  hf_fault fault;
  uint16_t port = 0;
  int listener = peer_listen(&port);
  const struct interop_case c = {&interop_suites[0], &interop_groups[0], &interop_certs[0],
                                 .len = 0};
  struct credential *bad = credential_make(chain, num, credential_key("mismatch"));
  snprintf(command, sizeof command, "openssl s_client -connect 127.0.0.1:%d -quiet -tls1_3", port);
  start(&peer, command);
  interop_server(&setup, &lists, &c, bad);
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  cr_assert(wire_failed(&wire));
  hf_get_fault(&fault, side.conn);
  cr_assert_eq(fault.status, HF_PEER_ALERT);
  cr_assert_eq(fault.alert, 51);
  close(wire.fd);
  side_free(&side);
  credential_free(bad);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  peer_stop(&peer);
  close(listener);
}
