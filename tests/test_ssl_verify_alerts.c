/* What a peer is told whose certificate is not good, by a client and by a server: each result of a
 * verification by its alert, alerts that the application chooses, and a certificate that is
 * revoked, expired or for something else. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "credential.h"
#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;
static struct ssl_pair pair;

static void set_up(void) {
  client_ctx = ssl_server_ctx("client-ecdsa-p256");
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(client_ctx, cert_path("root.pem"), NULL), 1);
  cr_assert_eq(SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL), 1);
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER, NULL);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  ERR_clear_error();
}

TestSuite(ssl_verify_alerts, .init = set_up, .fini = tear_down, .timeout = 60);

/* refuses expects that one side does not trust the other and tells it |alert|. */
static void refuses(bool server, int alert, long result) {
  char byte;
  ssl_pair_free(&pair);
  ERR_clear_error();
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert_not(ssl_pair_handshake(&pair), "%ld", result);
  SSL *us = server ? pair.server : pair.client, *them = server ? pair.client : pair.server;
  cr_assert_eq(SSL_do_handshake(us), -1);
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED, "%d", first_reason());
  cr_assert_eq(SSL_get_verify_result(us), result);
  /* A client may be done before its certificate is looked at. */
  int ret = SSL_do_handshake(them);
  if (ret == 1) ret = SSL_read(them, &byte, 1);
  cr_assert_eq(ret, -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + alert, "result %ld: %d", result,
               first_reason());
}

/* ---- Results ---- */

/* By X509_V_ERR_ code, what BoringSSL's libssl gives for it. */
static const uint8_t kAlerts[] = {
    0,  80, 48, 48, 42, 42, 42, 51, 51, 45, 45, 45, 45, 42, 42, 42, 42, 80, 48, 48, 48, 48, 48,
    44, 48, 48, 43, 42, 42, 46, 46, 46, 46, 48, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46,
    46, 46, 46, 46, 40, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 46, 42, 42, 42, 80, 80, 46};

static int verify_as(X509_STORE_CTX *store_ctx, void *arg) {
  X509_STORE_CTX_set_error(store_ctx, *(const int *)arg);
  return 0;
}

Test(ssl_verify_alerts, each_result_has_its_alert) {
  for (int server = 0; server < 2; server++)
    for (int code = 1; code < (int)sizeof kAlerts; code++) {
      SSL_CTX *ctx = server ? server_ctx : client_ctx;
      SSL_CTX_set_cert_verify_callback(ctx, verify_as, &code);
      refuses(server, kAlerts[code], code);
      cr_assert_eq(SSL_alert_from_verify_result(code), kAlerts[code]);
      SSL_CTX_set_cert_verify_callback(ctx, NULL, NULL);
    }
}

/* ---- Alerts of the application's ---- */

static uint8_t chosen;
static enum ssl_verify_result_t choose(SSL *ssl, uint8_t *out_alert) {
  (void)ssl;
  if (chosen != 0) *out_alert = chosen;
  return ssl_verify_invalid;
}

Test(ssl_verify_alerts, an_application_chooses) {
  static const uint8_t kChosen[] = {0,
                                    SSL_AD_BAD_CERTIFICATE,
                                    SSL_AD_UNSUPPORTED_CERTIFICATE,
                                    SSL_AD_CERTIFICATE_REVOKED,
                                    SSL_AD_CERTIFICATE_EXPIRED,
                                    SSL_AD_CERTIFICATE_UNKNOWN,
                                    SSL_AD_UNKNOWN_CA,
                                    SSL_AD_ACCESS_DENIED,
                                    SSL_AD_DECRYPT_ERROR,
                                    SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE};
  for (int server = 0; server < 2; server++) {
    SSL_CTX_set_custom_verify(server ? server_ctx : client_ctx, SSL_VERIFY_PEER, choose);
    for (size_t i = 0; i < sizeof kChosen; i++) {
      chosen = kChosen[i];
      refuses(server, chosen != 0 ? chosen : SSL_AD_CERTIFICATE_UNKNOWN,
              X509_V_ERR_APPLICATION_VERIFICATION);
    }
    SSL_CTX_set_custom_verify(server ? server_ctx : client_ctx, SSL_VERIFY_PEER, NULL);
  }
}

/* ---- Certificates ---- */

static X509 *load(const char *name) {
  char file[64];
  snprintf(file, sizeof file, "%s.pem", name);
  BIO *bio = BIO_new_file(cert_path(file), "r");
  X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  cr_assert_not_null(x509);
  return x509;
}

/* revoke has |ctx| look at a list by the intermediate authority, with |name| on it. */
static void revoke(SSL_CTX *ctx, const char *name) {
  X509 *leaf = load(name), *issuer = load("intermediate");
  EVP_PKEY *key = credential_key("intermediate");
  X509_CRL *crl = X509_CRL_new();
  X509_REVOKED *revoked = X509_REVOKED_new();
  ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *later = X509_gmtime_adj(NULL, 3600);
  cr_assert_eq(X509_CRL_set_version(crl, 1), 1);
  cr_assert_eq(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)), 1);
  cr_assert_eq(X509_CRL_set1_lastUpdate(crl, now), 1);
  cr_assert_eq(X509_CRL_set1_nextUpdate(crl, later), 1);
  cr_assert_eq(X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(leaf)), 1);
  cr_assert_eq(X509_REVOKED_set_revocationDate(revoked, now), 1);
  cr_assert_eq(X509_CRL_add0_revoked(crl, revoked), 1);
  cr_assert_gt(X509_CRL_sign(crl, key, EVP_sha256()), 0);
  cr_assert_eq(X509_STORE_add_crl(SSL_CTX_get_cert_store(ctx), crl), 1);
  cr_assert_eq(X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_CRL_CHECK), 1);
  ASN1_TIME_free(now);
  ASN1_TIME_free(later);
  X509_CRL_free(crl);
  EVP_PKEY_free(key);
  X509_free(leaf);
  X509_free(issuer);
}

Test(ssl_verify_alerts, who_is_revoked) {
  revoke(client_ctx, "ecdsa-p256");
  refuses(false, SSL_AD_CERTIFICATE_REVOKED, X509_V_ERR_CERT_REVOKED);
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
  revoke(server_ctx, "client-ecdsa-p256");
  refuses(true, SSL_AD_CERTIFICATE_REVOKED, X509_V_ERR_CERT_REVOKED);
}

Test(ssl_verify_alerts, another_is_not_revoked) {
  revoke(client_ctx, "rsa-2048");
  revoke(server_ctx, "client-rsa-2048");
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert(ssl_pair_handshake(&pair));
}

/* now_is has |ctx| verify as if it were another time. */
static void now_is(SSL_CTX *ctx, int64_t seconds) {
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), seconds);
}

Test(ssl_verify_alerts, who_has_expired_or_is_too_early) {
  enum { IN_1971 = 365 * 24 * 3600 };
  const int64_t in_2200 = INT64_C(230) * 365 * 24 * 3600;
  now_is(client_ctx, in_2200);
  refuses(false, SSL_AD_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED);
  now_is(client_ctx, IN_1971);
  refuses(false, SSL_AD_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID);
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
  now_is(server_ctx, in_2200);
  refuses(true, SSL_AD_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED);
  now_is(server_ctx, IN_1971);
  refuses(true, SSL_AD_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID);
}

Test(ssl_verify_alerts, certificates_of_the_other_role) {
  SSL_CTX *client = ssl_server_ctx("ecdsa-p384"), *server = ssl_server_ctx("client-ed25519");
  SSL_CTX_free(client_ctx);
  client_ctx = client;
  refuses(true, SSL_AD_UNSUPPORTED_CERTIFICATE, X509_V_ERR_INVALID_PURPOSE);
  cr_assert_eq(SSL_CTX_load_verify_locations(client_ctx, cert_path("root.pem"), NULL), 1);
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_free(server_ctx);
  server_ctx = server;
  refuses(false, SSL_AD_UNSUPPORTED_CERTIFICATE, X509_V_ERR_INVALID_PURPOSE);
}
