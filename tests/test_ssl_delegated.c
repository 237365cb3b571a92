/* test_ssl_delegated.c - delegated credentials (RFC 9345) through <openssl/ssl.h>: shown by either
 * side of a pair of ours, and by BoringSSL's libssl in boringssl_peer.  What is wrong with one is
 * test_delegated.c's. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "delegate.h"
#include "ssl_pair.h"
#include "sslwire.h"

TestSuite(ssl_delegated, .timeout = 60);

static const uint16_t prefs[] = {SSL_SIGN_ED25519, SSL_SIGN_ECDSA_SECP256R1_SHA256,
                                 SSL_SIGN_ECDSA_SECP384R1_SHA384};

/* An hour from now, in seconds since 2020-01-01, when the certificates begin. */
static uint32_t in_an_hour(void) { return (uint32_t)(time(NULL) - 1577836800 + 3600); }

static struct delegate usual(bool client) {
  return (struct delegate){.certificate = client ? "client-delegating" : "delegating",
                           .key = "ed25519",
                           .key_sigalg = SSL_SIGN_ED25519,
                           .sigalg = SSL_SIGN_ECDSA_SECP256R1_SHA256,
                           .client = client,
                           .valid_time = in_an_hour()};
}

static CRYPTO_BUFFER *buffer_of(const struct delegate *d) {
  struct buf bytes = {0};
  cr_assert(delegate_make(&bytes, d));
  CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(bytes.data, bytes.len, NULL);
  buf_free(&bytes);
  cr_assert_not_null(buffer);
  return buffer;
}

static void show(SSL *ssl, const struct delegate *d) {
  CRYPTO_BUFFER *dc = buffer_of(d);
  EVP_PKEY *key = credential_key(d->key);
  cr_assert_eq(SSL_set1_delegated_credential(ssl, dc, key, NULL), 1);
  EVP_PKEY_free(key);
  CRYPTO_BUFFER_free(dc);
}

static void open_pair(struct ssl_pair *pair, const char *server_name) {
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx(server_name);
  cr_assert(ssl_pair_new(pair, client, server, 65536));
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* Shown to who takes it, and to nobody else. */
Test(ssl_delegated, of_a_server) {
  for (size_t num = 0; num < 4; num += 3) {
    struct ssl_pair pair;
    const struct delegate d = usual(false);
    open_pair(&pair, "delegating");
    show(pair.server, &d);
    cr_assert_eq(SSL_set_delegated_credential_prefs(pair.client, prefs, num), 1);
    cr_assert(ssl_pair_handshake(&pair));
    cr_expect_eq(SSL_delegated_credential_used(pair.client), num > 0);
    cr_expect_eq(SSL_delegated_credential_used(pair.server), num > 0);
    cr_expect_eq(SSL_get_peer_signature_algorithm(pair.client),
                 num > 0 ? SSL_SIGN_ED25519 : SSL_SIGN_ECDSA_SECP256R1_SHA256);
    cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_OK);
    ssl_pair_free(&pair);
  }
}

/* A server that has the certificate, and not its key. */
Test(ssl_delegated, without_the_certificates_key) {
  const struct delegate d = usual(false);
  char path[512];
  SSL_CTX *client = ssl_client_ctx(), *server = SSL_CTX_new(TLS_method());
  struct ssl_pair pair;
  credential_path(path, "delegating", ".pem");
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(server, path), 1);
  for (size_t num = 0; num < 4; num += 3) {
    cr_assert(ssl_pair_new(&pair, client, server, 65536));
    show(pair.server, &d);
    cr_assert_eq(SSL_set_delegated_credential_prefs(pair.client, prefs, num), 1);
    cr_expect_eq(ssl_pair_handshake(&pair), num > 0);
    ssl_pair_free(&pair);
  }
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

static unsigned num_signed;

static enum ssl_private_key_result_t sign(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out,
                                          uint16_t sigalg, const uint8_t *in, size_t in_len) {
  EVP_PKEY *key = credential_key("ed25519");
  struct buf signature = {0};
  (void)ssl;
  num_signed++;
  bool ok = credential_sign(&signature, key, sigalg, (hf_bytes){in, in_len});
  *out_len = signature.len;
  ok = ok && signature.len <= max_out;
  if (ok) memcpy(out, signature.data, signature.len);
  buf_free(&signature);
  EVP_PKEY_free(key);
  return ok ? ssl_private_key_success : ssl_private_key_failure;
}

static const SSL_PRIVATE_KEY_METHOD method = {sign, NULL, NULL};

/* Its key may be elsewhere, while the certificate's is here. */
Test(ssl_delegated, with_a_key_method) {
  struct ssl_pair pair;
  const struct delegate d = usual(false);
  CRYPTO_BUFFER *dc = buffer_of(&d);
  open_pair(&pair, "delegating");
  cr_assert_eq(SSL_set1_delegated_credential(pair.server, dc, NULL, &method), 1);
  cr_assert_eq(SSL_set_delegated_credential_prefs(pair.client, prefs, 3), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_expect_eq(num_signed, 1u);
  cr_expect(SSL_delegated_credential_used(pair.client));
  CRYPTO_BUFFER_free(dc);
  ssl_pair_free(&pair);
}

Test(ssl_delegated, of_a_client) {
  struct ssl_pair pair;
  const struct delegate d = usual(true);
  SSL_CTX *client = ssl_server_ctx("client-delegating"), *server = ssl_server_ctx("ecdsa-p256");
  cr_assert(SSL_CTX_load_verify_locations(client, cert_path("root.pem"), NULL));
  cr_assert(SSL_CTX_load_verify_locations(server, cert_path("root.pem"), NULL));
  SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert_eq(SSL_CTX_set_delegated_credential_prefs(server, prefs, 1), 1);
  cr_assert(ssl_pair_new(&pair, client, server, 65536));
  show(pair.client, &d);
  cr_assert(ssl_pair_handshake(&pair));
  cr_expect(SSL_delegated_credential_used(pair.client) &&
            SSL_delegated_credential_used(pair.server));
  cr_expect_eq(SSL_get_peer_signature_algorithm(pair.server), SSL_SIGN_ED25519);
  cr_expect_eq(SSL_get_verify_result(pair.server), X509_V_OK);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* One that is over fails with the reason that BoringSSL has for it. */
Test(ssl_delegated, that_is_over) {
  struct ssl_pair pair;
  struct delegate d = usual(false);
  d.valid_time -= 7200;
  open_pair(&pair, "delegating");
  show(pair.server, &d);
  cr_assert_eq(SSL_set_delegated_credential_prefs(pair.client, prefs, 3), 1);
  cr_expect_not(ssl_pair_handshake(&pair));
  ERR_clear_error();
  cr_expect_eq(SSL_do_handshake(pair.client), -1);
  cr_expect_eq(first_reason(), SSL_R_INVALID_DELEGATED_CREDENTIAL);
  ssl_pair_free(&pair);
}

static int x509_reason(void) {
  const uint32_t error = ERR_get_error();
  cr_expect_eq(ERR_peek_error(), 0u, "more than one error");
  return ERR_GET_LIB(error) == ERR_LIB_X509 ? ERR_GET_REASON(error) : 0;
}

/* What is wrong with a key is said as SSL_use_PrivateKey says it. */
Test(ssl_delegated, misuse) {
  static const uint16_t bad[][2] = {{SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_ED25519},
                                    {SSL_SIGN_ED25519, SSL_SIGN_ED25519},
                                    {0x7777, SSL_SIGN_ED25519}};
  const struct delegate d = usual(false);
  CRYPTO_BUFFER *dc = buffer_of(&d), *cut = CRYPTO_BUFFER_new((const uint8_t *)"x", 1, NULL);
  EVP_PKEY *key = credential_key("ed25519"), *other = credential_key("ecdsa-p256");
  SSL_CTX *ctx = ssl_client_ctx();
  struct ssl_pair pair;
  for (size_t i = 0; i < 3; i++)
    cr_expect_eq(SSL_CTX_set_delegated_credential_prefs(ctx, bad[i], 2), 0, "%zu", i);
  open_pair(&pair, "delegating");
  cr_expect_eq(SSL_set1_delegated_credential(pair.server, dc, NULL, NULL), 0);
  ERR_clear_error();
  cr_expect_eq(SSL_set1_delegated_credential(pair.server, dc, other, NULL), 0);
  cr_expect_eq(x509_reason(), X509_R_KEY_TYPE_MISMATCH);
  EVP_PKEY_free(other);
  other = credential_key("client-ed25519");
  cr_expect_eq(SSL_set1_delegated_credential(pair.server, dc, other, NULL), 0);
  cr_expect_eq(x509_reason(), X509_R_KEY_VALUES_MISMATCH);
  cr_expect_eq(SSL_set1_delegated_credential(pair.server, cut, key, NULL), 0);
  cr_expect_eq(first_reason(), SSL_R_INVALID_DELEGATED_CREDENTIAL);
  cr_expect_eq(SSL_set1_delegated_credential(pair.client, dc, key, NULL), 0);
  /* Taken away again. */
  cr_expect_eq(SSL_set1_delegated_credential(pair.server, dc, key, NULL), 1);
  cr_expect_eq(SSL_set1_delegated_credential(pair.server, NULL, NULL, NULL), 1);
  cr_assert_eq(SSL_set_delegated_credential_prefs(pair.client, prefs, 3), 1);
  ERR_clear_error();
  cr_assert(ssl_pair_handshake(&pair));
  cr_expect_not(SSL_delegated_credential_used(pair.client));
  ssl_pair_free(&pair);
  CRYPTO_BUFFER_free(dc);
  CRYPTO_BUFFER_free(cut);
  EVP_PKEY_free(key);
  EVP_PKEY_free(other);
  SSL_CTX_free(ctx);
}

/* ---- BoringSSL's server ---- */

static void connect_to(const char *key, uint16_t sigalg, bool takes) {
  char file[] = "/tmp/handfast-dc-XXXXXX", options[2000];
  struct delegate d = usual(false);
  struct buf bytes = {0};
  struct peer peer;
  struct sslwire wire;
  int error;
  d.key = key;
  d.key_sigalg = sigalg;
  cr_assert(delegate_make(&bytes, &d));
  const int fd = mkstemp(file);
  cr_assert(fd >= 0 && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len && close(fd) == 0);
  snprintf(options, sizeof options,
           "-role server -cert %s/tests/certs/delegating.pem -key %s/tests/certs/delegating.key "
           "-delegated %s -delegated-key %s/tests/certs/%s.key",
           HF_SOURCE_DIR, HF_SOURCE_DIR, file, HF_SOURCE_DIR, key);
  const char *wrong = peer_boringssl(&peer, options);
  cr_assert_null(wrong, "%s", wrong);
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  cr_assert_eq(SSL_CTX_set_delegated_credential_prefs(ctx, prefs, takes ? 3 : 0), 1);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_connect(peer_port(&peer)), "localhost"));
  cr_assert_eq(sslwire_handshake(&wire, &error), 1, "%s%s",
               ERR_reason_error_string(ERR_peek_error()), peer_tail(&peer));
  cr_expect_eq(SSL_delegated_credential_used(wire.ssl), takes);
  cr_expect_eq(SSL_get_peer_signature_algorithm(wire.ssl),
               takes ? sigalg : SSL_SIGN_ECDSA_SECP256R1_SHA256);
  cr_expect_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
  cr_assert(sslwire_send(&wire, "hello", 5));
  cr_assert(sslwire_receive(&wire, 5), "%s", peer_tail(&peer));
  cr_assert(peer_printed(&peer, takes ? "delegated 1\n" : "delegated 0\n"), "%s", peer_tail(&peer));
  cr_assert(sslwire_shutdown(&wire), "%s", peer_tail(&peer));
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  unlink(file);
  buf_free(&bytes);
}

Test(ssl_delegated, boringssl_ed25519) { connect_to("ed25519", SSL_SIGN_ED25519, true); }
Test(ssl_delegated, boringssl_p256) {
  connect_to("mismatch", SSL_SIGN_ECDSA_SECP256R1_SHA256, true);
}
Test(ssl_delegated, boringssl_p384) {
  connect_to("ecdsa-p384", SSL_SIGN_ECDSA_SECP384R1_SHA384, true);
}
Test(ssl_delegated, boringssl_for_who_does_not_take_it) {
  connect_to("ed25519", SSL_SIGN_ED25519, false);
}
