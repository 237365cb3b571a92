/* test_ssl_client_auth.c: client certificates: asked for, insisted on, chosen by what the server
 * says it takes, given by a callback at the last moment, refused; openssl s_server at last. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "ssl_pair.h"
#include "sslwire.h"

static SSL_CTX *client_ctx, *server_ctx;
static struct ssl_pair pair;
static char data[100];

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL), 1);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  ERR_clear_error();
}

TestSuite(ssl_client_auth, .init = set_up, .fini = tear_down, .timeout = 60);

static void use(SSL_CTX *ctx, const char *name) {
  char chain[64], key[64];
  snprintf(chain, sizeof chain, "%s.pem", name);
  snprintf(key, sizeof key, "%s.key", name);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, cert_path(chain)), 1);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, cert_path(key), SSL_FILETYPE_PEM), 1);
}

static X509 *load(const char *file) {
  BIO *bio = BIO_new_file(cert_path(file), "r");
  X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  cr_assert_not_null(x509);
  return x509;
}

/* shown says whether the server got just this certificate. */
static bool shown(const char *file) {
  X509 *x509 = load(file), *got = SSL_get_peer_certificate(pair.server);
  bool same = got != NULL && X509_cmp(x509, got) == 0;
  X509_free(x509);
  X509_free(got);
  return same;
}

/* fails expects the server to fail for |reason| and the client to be told |alert|, which it sees
 * when it reads, for it was done before. */
static void fails(int reason, int alert) {
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(first_reason(), reason, "%d", first_reason());
  cr_assert_eq(SSL_do_handshake(pair.client), 1);
  cr_assert_eq(SSL_read(pair.client, data, 1), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + alert, "%d", first_reason());
}

static void begin(void) {
  ssl_pair_free(&pair);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
}

/* ---- Asked for, insisted on ---- */

static int asked;
static int count(SSL *ssl, void *arg) {
  (void)ssl, (void)arg;
  asked++;
  return 1;
}

Test(ssl_client_auth, modes_without_a_certificate) {
  SSL_CTX_set_cert_cb(client_ctx, count, NULL);
  /* SSL_VERIFY_FAIL_IF_NO_PEER_CERT alone says nothing. */
  static const int modes[] = {SSL_VERIFY_NONE, SSL_VERIFY_FAIL_IF_NO_PEER_CERT, SSL_VERIFY_PEER};
  for (size_t i = 0; i < 3; i++) {
    asked = 0;
    SSL_CTX_set_verify(server_ctx, modes[i], NULL);
    begin();
    cr_assert(ssl_pair_handshake(&pair));
    cr_assert_eq(asked, modes[i] == SSL_VERIFY_PEER);
    cr_assert_null(SSL_get0_peer_certificates(pair.server));
    cr_assert_eq(SSL_get_verify_result(pair.server), X509_V_OK);
  }
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  begin();
  fails(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_AD_CERTIFICATE_REQUIRED);
}

Test(ssl_client_auth, modes_with_a_certificate) {
  use(client_ctx, "client-ecdsa-p256");
  begin();
  cr_assert(ssl_pair_handshake(&pair) && shown("client-ecdsa-p256.pem"));
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_NONE, NULL);
  begin();
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_null(SSL_get0_peer_certificates(pair.server));
}

/* One that is shown must be good, also to a server that does not insist. */
Test(ssl_client_auth, a_bad_certificate_is_refused_in_both_modes) {
  use(client_ctx, "client-other-root");
  begin();
  fails(SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_AD_UNKNOWN_CA);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER, NULL);
  begin();
  fails(SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_AD_UNKNOWN_CA);
}

/* ---- Chosen ---- */

static enum ssl_verify_result_t take_any(SSL *ssl, uint8_t *out_alert) {
  (void)ssl, (void)out_alert;
  return ssl_verify_ok;
}

Test(ssl_client_auth, chosen_by_authority) {
  use(client_ctx, "client-other-root");
  use(client_ctx, "client-rsa-2048");
  SSL_CTX_set_custom_verify(server_ctx, SSL_VERIFY_PEER, take_any);
  SSL_CTX_set_client_CA_list(server_ctx, SSL_load_client_CA_file(cert_path("other-root.pem")));
  begin();
  cr_assert(ssl_pair_handshake(&pair) && shown("client-other-root.pem"));
  SSL_CTX_set_client_CA_list(server_ctx, SSL_load_client_CA_file(cert_path("root.pem")));
  begin();
  cr_assert(ssl_pair_handshake(&pair) && shown("client-rsa-2048.pem"));
}

Test(ssl_client_auth, chosen_by_signature_algorithm) {
  static const uint16_t ed25519 = SSL_SIGN_ED25519, p384 = SSL_SIGN_ECDSA_SECP384R1_SHA384;
  use(client_ctx, "client-ed25519");
  use(client_ctx, "client-rsa-2048");
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(server_ctx, &ed25519, 1), 1);
  begin();
  cr_assert(ssl_pair_handshake(&pair) && shown("client-ed25519.pem"));
  cr_assert_eq(SSL_get_peer_signature_algorithm(pair.server), SSL_SIGN_ED25519);
  /* None that the server can verify: who was given certificates does not go on without. */
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(server_ctx, &p384, 1), 1);
  begin();
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  cr_assert_eq(first_reason(), SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS);
  cr_assert_eq(SSL_do_handshake(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE);
}

/* ---- At the last moment ---- */

static const char *given;   /* a name in tests/certs/; NULL: none */
static const char *its_key; /* NULL: its own */
static int waits;

static int on_client_cert(SSL *ssl, X509 **out_x509, EVP_PKEY **out_pkey) {
  const uint16_t *sigalgs = NULL;
  const uint8_t *types = NULL;
  char file[64];
  cr_assert_eq(ssl, pair.client);
  asked++;
  cr_assert_gt(SSL_get0_peer_verify_algorithms(ssl, &sigalgs), 0);
  cr_assert_eq(sigalgs[0], SSL_SIGN_ECDSA_SECP256R1_SHA256);
  cr_assert_eq(SSL_get0_certificate_types(ssl, &types), 0);
  cr_assert_eq(sk_X509_NAME_num(SSL_get_client_CA_list(ssl)), 1);
  if (waits-- > 0) return -1;
  if (given == NULL) return 0;
  snprintf(file, sizeof file, "%s.pem", given);
  *out_x509 = load(file);
  *out_pkey = credential_key(its_key != NULL ? its_key : given);
  return 1;
}

static void with_callback(const char *name, int how_often) {
  given = name;
  waits = how_often;
  asked = 0;
  its_key = NULL;
  SSL_CTX_set_client_CA_list(server_ctx, SSL_load_client_CA_file(cert_path("root.pem")));
  SSL_CTX_set_client_cert_cb(client_ctx, on_client_cert);
  /* The intermediate certificate is not sent, for the callback gives the leaf alone. */
  X509 *intermediate = load("intermediate.pem");
  X509_STORE_add_cert(SSL_CTX_get_cert_store(server_ctx), intermediate);
  X509_free(intermediate);
  begin();
}

Test(ssl_client_auth, a_callback_gives_a_certificate_late) {
  with_callback("client-ed25519", 2);
  for (int i = 0; i < 2; i++) {
    cr_assert_not(ssl_pair_handshake(&pair));
    cr_assert_eq(SSL_get_error(pair.client, -1), SSL_ERROR_WANT_X509_LOOKUP);
  }
  cr_assert(ssl_pair_handshake(&pair) && shown("client-ed25519.pem"));
  cr_assert_eq(asked, 3);
  /* Known only while it is asked. */
  const uint16_t *sigalgs;
  cr_assert_eq(SSL_get0_peer_verify_algorithms(pair.client, &sigalgs), 0);
}

Test(ssl_client_auth, a_callback_gives_none) {
  with_callback(NULL, 0);
  fails(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_AD_CERTIFICATE_REQUIRED);
  cr_assert_eq(asked, 1);
}

Test(ssl_client_auth, a_callback_gives_another_s_key) {
  with_callback("client-ecdsa-p256", 0);
  its_key = "mismatch";
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_CERT_CB_ERROR);
  cr_assert_eq(SSL_do_handshake(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR);
}

Test(ssl_client_auth, a_callback_is_for_clients_without_a_certificate) {
  use(client_ctx, "client-ecdsa-p256");
  SSL_CTX_set_client_cert_cb(server_ctx, on_client_cert);
  with_callback(NULL, 0);
  cr_assert(ssl_pair_handshake(&pair) && shown("client-ecdsa-p256.pem"));
  cr_assert_eq(asked, 0);
}

Test(ssl_client_auth, a_callback_is_not_for_servers) {
  SSL_CTX_free(server_ctx);
  server_ctx = SSL_CTX_new(TLS_method());
  SSL_CTX_set_client_cert_cb(server_ctx, on_client_cert);
  asked = 0;
  begin();
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(asked, 0);
}

/* ---- Openssl asks ---- */

static void meet_openssl(const char *options, const char *cert, int alert) {
  struct peer peer;
  struct sslwire wire;
  char command[1024];
  int error;
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/tests/certs/ed25519.pem "
           "-key %s/tests/certs/ed25519.key -cert_chain %s/tests/certs/intermediate.pem "
           "-CAfile %s/tests/certs/root.pem -verify_return_error %s",
           port, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR, options);
  const char *wrong = peer_start(&peer, command);
  cr_assert_null(wrong, "%s", wrong);
  if (cert != NULL) use(client_ctx, cert);
  cr_assert(sslwire_open(&wire, client_ctx, &peer, peer_connect(port), "localhost"));
  int ret = sslwire_handshake(&wire, &error);
  cr_assert_eq(ret, 1, "%s%s", ERR_reason_error_string(ERR_peek_error()), peer_tail(&peer));
  cr_assert_eq(sk_X509_NAME_num(SSL_get_client_CA_list(wire.ssl)), 1);
  if (alert == 0) {
    cr_assert(sslwire_send(&wire, "taken in\n", 9));
    cr_assert(peer_printed(&peer, "taken in"), "%s", peer_tail(&peer));
  } else {
    cr_assert_not(sslwire_receive(&wire, 1));
    cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + alert, "%d%s", first_reason(),
                 peer_tail(&peer));
  }
  sslwire_close(&wire);
  peer_stop(&peer);
}

Test(ssl_client_auth, openssl_asks) {
  meet_openssl("-verify 3", NULL, 0);
  meet_openssl("-verify 3", "client-rsa-2048", 0);
}

Test(ssl_client_auth, openssl_insists) {
  meet_openssl("-Verify 3", NULL, SSL_AD_CERTIFICATE_REQUIRED);
  meet_openssl("-Verify 3", "client-ecdsa-p256", 0);
}

Test(ssl_client_auth, openssl_refuses) {
  meet_openssl("-Verify 3", "client-other-root", SSL_AD_UNKNOWN_CA);
}
