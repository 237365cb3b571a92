/* test_ssl_key_usage.c: SSL_set_enforce_rsa_key_usage: what comes of an RSA certificate that is for
 * encryption alone, by version, role and kind of key. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>

#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;
static struct ssl_pair pair;

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("rsa-encipherment");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  ERR_clear_error();
}

TestSuite(ssl_key_usage, .init = set_up, .fini = tear_down, .timeout = 60);

static void begin(uint16_t version) {
  ssl_pair_free(&pair);
  cr_assert_eq(SSL_CTX_set_max_proto_version(client_ctx, version), 1);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
}

/* refused: |by| fails for the key's use, and |other| is told. */
static void refused(SSL *by, SSL *other) {
  cr_assert_not(ssl_pair_handshake(&pair));
  ERR_clear_error();
  cr_expect_eq(SSL_do_handshake(by), -1);
  cr_expect_eq(first_reason(), SSL_R_KEY_USAGE_BIT_INCORRECT, "%d", first_reason());
  char byte;
  cr_expect_eq(SSL_read(other, &byte, 1), -1);
  cr_expect_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_ILLEGAL_PARAMETER, "%d",
               first_reason());
}

/* R-5246-7.4.2-3 */
Test(ssl_key_usage, a_client_of_tls_1_2) {
  begin(TLS1_2_VERSION);
  refused(pair.client, pair.server);
  begin(TLS1_2_VERSION);
  SSL_set_enforce_rsa_key_usage(pair.client, 0);
  cr_expect(ssl_pair_handshake(&pair));
  cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  begin(TLS1_2_VERSION);
  SSL_set_enforce_rsa_key_usage(pair.client, 0);
  SSL_set_enforce_rsa_key_usage(pair.client, 1);
  refused(pair.client, pair.server);
}

/* R-4.5.1.2-1 */
Test(ssl_key_usage, a_client_of_tls_1_3_always_insists) {
  begin(TLS1_3_VERSION);
  SSL_set_enforce_rsa_key_usage(pair.client, 0);
  refused(pair.client, pair.server);
}

Test(ssl_key_usage, a_client_that_verifies_nothing_insists) {
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
  begin(TLS1_2_VERSION);
  refused(pair.client, pair.server);
}

static int enforce;

static enum ssl_verify_result_t decide(SSL *ssl, uint8_t *out_alert) {
  (void)out_alert;
  SSL_set_enforce_rsa_key_usage(ssl, enforce);
  return ssl_verify_ok;
}

static int decide_for_libcrypto(X509_STORE_CTX *store_ctx, void *arg) {
  (void)arg;
  SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  SSL_set_enforce_rsa_key_usage(ssl, enforce);
  return X509_verify_cert(store_ctx);
}

Test(ssl_key_usage, decided_by_who_verifies) {
  for (int i = 0; i < 4; i++) {
    SSL_CTX_set_custom_verify(client_ctx, SSL_VERIFY_PEER, i < 2 ? decide : NULL);
    SSL_CTX_set_cert_verify_callback(client_ctx, i < 2 ? NULL : decide_for_libcrypto, NULL);
    enforce = i & 1;
    begin(TLS1_2_VERSION);
    SSL_set_enforce_rsa_key_usage(pair.client, !enforce);
    if (enforce)
      refused(pair.client, pair.server);
    else
      cr_expect(ssl_pair_handshake(&pair));
  }
}

Test(ssl_key_usage, other_kinds_of_key_are_not_concerned) {
  SSL_CTX_free(server_ctx);
  server_ctx = ssl_server_ctx("no-signing");
  begin(TLS1_2_VERSION);
  SSL_set_enforce_rsa_key_usage(pair.client, 0);
  refused(pair.client, pair.server);
}

static enum ssl_verify_result_t take_any(SSL *ssl, uint8_t *out_alert) {
  (void)ssl, (void)out_alert;
  return ssl_verify_ok;
}

Test(ssl_key_usage, a_server_always_insists) {
  static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  SSL_CTX_free(server_ctx);
  server_ctx = ssl_server_ctx("rsa-2048");
  SSL_CTX_set_custom_verify(server_ctx, SSL_VERIFY_PEER, take_any);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(client_ctx, cert_path("rsa-encipherment.pem")),
               1);
  cr_assert_eq(
      SSL_CTX_use_PrivateKey_file(client_ctx, cert_path("rsa-encipherment.key"), SSL_FILETYPE_PEM),
      1);
  for (int i = 0; i < 2; i++) {
    begin(versions[i]);
    SSL_set_enforce_rsa_key_usage(pair.server, 0);
    refused(pair.server, pair.client);
  }
}
