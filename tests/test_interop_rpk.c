/* test_interop_rpk.c: raw public keys (RFC 7250) with GnuTLS, gnutls-serv and gnutls-cli, through
 * <openssl/ssl.h>: the server's key, the client's, and both. */
#define _GNU_SOURCE /* mkstemp, popen */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sslwire.h"

TestSuite(interop_rpk, .timeout = 120);

static const uint8_t types[] = {TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509};
#define PRIORITY "--priority NORMAL:-VERS-ALL:+VERS-TLS1.3"

/* GnuTLS wants the public key in a file of its own. */
static char public_file[] = "/tmp/handfast-rpk-XXXXXX";

static void write_public(const char *name) {
  char path[512], command[1100];
  const int fd = mkstemp(public_file);
  cr_assert_geq(fd, 0);
  close(fd);
  credential_path(path, name, ".key");
  snprintf(command, sizeof command, "openssl pkey -in %s -pubout -out %s", path, public_file);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe != NULL && pclose(pipe) == 0, "%s", command);
}

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

static void handshake(struct sslwire *wire) {
  int error, ret = sslwire_handshake(wire, &error);
  cr_assert_eq(ret, 1, "error %d, %s%s", error, ERR_reason_error_string(ERR_peek_error()),
               peer_tail(wire->peer));
}

static void expect_key(EVP_PKEY *got, const char *name) {
  EVP_PKEY *want = credential_key(name);
  cr_assert_not_null(got);
  cr_assert_eq(EVP_PKEY_cmp(got, want), 1);
  EVP_PKEY_free(want);
}

static void expect_type(int got, bool raw) {
  cr_assert_eq(got, raw ? TLSEXT_cert_type_rpk : TLSEXT_cert_type_x509);
}

/* Our client and gnutls-serv; |own|: the client shows a raw key too. */
static void connect_to(const char *name, bool own) {
  struct peer peer;
  struct sslwire wire;
  char command[2000];
  const char *dir = HF_SOURCE_DIR;
  isolate();
  write_public(name);
  const uint16_t port = peer_free_port();
  snprintf(
      command, sizeof command,
      "gnutls-serv -p %d --echo %s --rawpkkeyfile %s/tests/certs/%s.key --rawpkfile %s " PRIORITY
      ":+CTYPE-SRV-RAWPK:+CTYPE-CLI-RAWPK",
      port, own ? "-r" : "-a", dir, name, public_file);
  start(&peer, command);
  EVP_PKEY *server = credential_key(name), *client = credential_key("client-ecdsa-p256");
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  cr_assert_eq(SSL_CTX_set1_server_cert_type(ctx, types, 2), 1);
  if (own) {
    cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, client), 1);
    cr_assert_eq(SSL_CTX_set1_client_cert_type(ctx, types, 1), 1);
  }
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_connect(port), "localhost"));
  cr_assert_eq(SSL_add_expected_rpk(wire.ssl, server), 1);
  handshake(&wire);
  expect_key(SSL_get0_peer_rpk(wire.ssl), name);
  expect_type(SSL_get_negotiated_server_cert_type(wire.ssl), true);
  expect_type(SSL_get_negotiated_client_cert_type(wire.ssl), own);
  cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
  cr_assert(sslwire_send(&wire, (const uint8_t *)"hello\n", 6));
  cr_assert(sslwire_receive(&wire, 6), "%s", peer_tail(&peer));
  cr_assert_arr_eq(wire.received.data, "hello\n", 6);
  cr_assert(sslwire_shutdown(&wire), "%s", peer_tail(&peer));
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  EVP_PKEY_free(server);
  EVP_PKEY_free(client);
  peer_stop(&peer);
  unlink(public_file);
}

Test(interop_rpk, connect_ecdsa) { connect_to("ecdsa-p256", false); }
Test(interop_rpk, connect_rsa) { connect_to("rsa-2048", false); }
Test(interop_rpk, connect_ed25519) { connect_to("ed25519", false); }
Test(interop_rpk, connect_with_both_keys) { connect_to("ecdsa-p256", true); }

/* Our server and gnutls-cli, which shows a raw key if |theirs|. */
static void accept_from(const char *name, bool theirs) {
  struct peer peer;
  struct sslwire wire;
  char command[2000], key[700] = "";
  uint16_t port = 0;
  isolate();
  write_public("client-ecdsa-p256");
  if (theirs)
    snprintf(key, sizeof key, "--rawpkkeyfile %s/tests/certs/client-ecdsa-p256.key --rawpkfile %s",
             HF_SOURCE_DIR, public_file);
  const int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "gnutls-cli -p %d --sni-hostname localhost --no-ca-verification %s " PRIORITY
           ":-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-%s 127.0.0.1",
           port, key, theirs ? "RAWPK" : "X509");
  start(&peer, command);
  EVP_PKEY *server = credential_key(name), *client = credential_key("client-ecdsa-p256");
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, server), 1);
  cr_assert_eq(SSL_CTX_set1_server_cert_type(ctx, types, 1), 1);
  if (theirs) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    cr_assert_eq(SSL_CTX_set1_client_cert_type(ctx, types, 2), 1);
  }
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
  cr_assert_eq(SSL_add_expected_rpk(wire.ssl, client), 1);
  handshake(&wire);
  expect_type(SSL_get_negotiated_server_cert_type(wire.ssl), true);
  expect_type(SSL_get_negotiated_client_cert_type(wire.ssl), theirs);
  if (theirs) expect_key(SSL_get0_peer_rpk(wire.ssl), "client-ecdsa-p256");
  cr_assert(sslwire_send(&wire, (const uint8_t *)"hello\n", 6));
  cr_assert(peer_printed(&peer, "hello\n"), "%s", peer_tail(&peer));
  cr_assert(peer_has_printed(&peer, "Certificate type: Raw Public Key"), "%s", peer_tail(&peer));
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  EVP_PKEY_free(server);
  EVP_PKEY_free(client);
  peer_stop(&peer);
  close(listener);
  unlink(public_file);
}

Test(interop_rpk, accept_ecdsa) { accept_from("ecdsa-p256", false); }
Test(interop_rpk, accept_rsa) { accept_from("rsa-2048", false); }
Test(interop_rpk, accept_ed25519) { accept_from("ed25519", false); }
Test(interop_rpk, accept_with_both_keys) { accept_from("ecdsa-p256", true); }
