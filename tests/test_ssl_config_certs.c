/* Certificates, keys and chains: objects, DER, files good and bad, several kinds of key, servername
 * and certificate callbacks; and what handshakes show of them. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "ssl_pair.h"

static SSL_CTX *ctx;
static SSL *ssl;

static void set_up(void) {
  ctx = SSL_CTX_new(TLS_server_method());
  cr_assert_not_null(ctx);
  ssl = SSL_new(ctx);
  cr_assert_not_null(ssl);
}

static void tear_down(void) {
  SSL_free(ssl);
  SSL_CTX_free(ctx);
  cr_expect_eq(ERR_peek_error(), 0, "%s", ERR_reason_error_string(ERR_peek_error()));
}

TestSuite(ssl_config_certs, .init = set_up, .fini = tear_down, .timeout = 60);

/* last_reason empties the error queue and says what was put there last. */
static int last_reason(void) {
  int found = ERR_GET_REASON(ERR_peek_last_error());
  ERR_clear_error();
  return found;
}

static X509 *certificate(const char *name) {
  BIO *bio = BIO_new_file(cert_path(name), "rb");
  X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  cr_assert_not_null(x509);
  return x509;
}

static EVP_PKEY *key_of(const char *name) {
  BIO *bio = BIO_new_file(cert_path(name), "rb");
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  cr_assert_not_null(key);
  return key;
}

/* temporary makes a file of |len| bytes and returns its path; the caller unlinks it. */
static const char *temporary(const void *data, size_t len) {
  static char path[64];
  strcpy(path, "/tmp/handfast-test-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, data, len), (ssize_t)len);
  close(fd);
  return path;
}

/* ---- Objects ---- */

Test(ssl_config_certs, certificate_then_key) {
  X509 *x509 = certificate("ecdsa-p256.pem");
  EVP_PKEY *key = key_of("ecdsa-p256.key"), *other = key_of("mismatch.key");
  cr_assert_null(SSL_CTX_get0_certificate(ctx));
  cr_assert_null(SSL_CTX_get0_privatekey(ctx));
  cr_assert_eq(SSL_CTX_check_private_key(ctx), 0);
  cr_assert_eq(last_reason(), SSL_R_NO_CERTIFICATE_ASSIGNED);
  cr_assert_eq(SSL_CTX_use_certificate(ctx, x509), 1);
  cr_assert_eq(SSL_CTX_get0_certificate(ctx), x509);
  cr_assert_eq(SSL_CTX_check_private_key(ctx), 0);
  cr_assert_eq(last_reason(), SSL_R_NO_PRIVATE_KEY_ASSIGNED);
  cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, other), 0);
  cr_assert_eq(last_reason(), X509_R_KEY_VALUES_MISMATCH);
  cr_assert_null(SSL_CTX_get0_privatekey(ctx));
  cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
  cr_assert_eq(SSL_CTX_get0_privatekey(ctx), key);
  cr_assert_eq(SSL_CTX_check_private_key(ctx), 1);
  cr_assert_null(SSL_get_certificate(ssl)); /* made before */
  SSL *later = SSL_new(ctx);
  cr_assert_eq(SSL_get_certificate(later), x509);
  cr_assert_eq(SSL_get_privatekey(later), key);
  cr_assert_eq(SSL_check_private_key(later), 1);
  SSL_free(later);
  X509_free(x509);
  EVP_PKEY_free(key);
  EVP_PKEY_free(other);
}

Test(ssl_config_certs, a_new_certificate_drops_a_key_that_is_not_its_own) {
  X509 *x509 = certificate("ecdsa-p256.pem");
  EVP_PKEY *other = key_of("mismatch.key");
  cr_assert_eq(SSL_use_PrivateKey(ssl, other), 1);
  cr_assert_eq(SSL_get_privatekey(ssl), other);
  cr_assert_eq(SSL_use_certificate(ssl, x509), 1);
  cr_assert_null(SSL_get_privatekey(ssl));
  cr_assert_eq(SSL_check_private_key(ssl), 0);
  cr_assert_eq(last_reason(), SSL_R_NO_PRIVATE_KEY_ASSIGNED);
  X509_free(x509);
  EVP_PKEY_free(other);
}

Test(ssl_config_certs, nothing_is_refused) {
  cr_assert_eq(SSL_CTX_use_certificate(ctx, NULL), 0);
  cr_assert_eq(last_reason(), ERR_R_PASSED_NULL_PARAMETER);
  cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, NULL), 0);
  cr_assert_eq(last_reason(), ERR_R_PASSED_NULL_PARAMETER);
  cr_assert_eq(SSL_use_RSAPrivateKey(ssl, NULL), 0);
  cr_assert_eq(last_reason(), ERR_R_EVP_LIB);
  cr_assert_eq(SSL_CTX_add1_chain_cert(ctx, NULL), 0);
  cr_assert_eq(last_reason(), ERR_R_PASSED_NULL_PARAMETER);
}

Test(ssl_config_certs, chains) {
  STACK_OF(X509) * chain;
  X509 *leaf = certificate("ecdsa-p256.pem"), *intermediate = certificate("intermediate.pem");
  X509 *root = certificate("root.pem");
  cr_assert_eq(SSL_CTX_use_certificate(ctx, leaf), 1);
  cr_assert_eq(SSL_CTX_get0_chain_certs(ctx, &chain), 1);
  cr_assert_null(chain);
  cr_assert_eq(SSL_CTX_add1_chain_cert(ctx, intermediate), 1);
  X509_up_ref(root);
  cr_assert_eq(SSL_CTX_add0_chain_cert(ctx, root), 1);
  cr_assert_eq(SSL_CTX_get0_chain_certs(ctx, &chain), 1);
  cr_assert_eq(sk_X509_num(chain), 2);
  cr_assert_eq(sk_X509_value(chain, 1), root);
  cr_assert_eq(SSL_set1_chain(ssl, chain), 1);
  cr_assert_eq(SSL_CTX_clear_chain_certs(ctx), 1);
  cr_assert_eq(SSL_CTX_get0_chain_certs(ctx, &chain), 1);
  cr_assert_null(chain);
  cr_assert_eq(SSL_get0_chain_certs(ssl, &chain), 1);
  cr_assert_eq(sk_X509_num(chain), 2);
  cr_assert_eq(sk_X509_value(chain, 0), intermediate);
  cr_assert_eq(SSL_clear_chain_certs(ssl), 1);
  /* The extra chain is another. */
  X509_up_ref(root);
  cr_assert_eq(SSL_CTX_add_extra_chain_cert(ctx, root), 1);
  cr_assert_eq(SSL_CTX_get_extra_chain_certs(ctx, &chain), 1);
  cr_assert_eq(sk_X509_num(chain), 1);
  cr_assert_eq(SSL_CTX_get0_chain_certs(ctx, &chain), 1);
  cr_assert_null(chain);
  cr_assert_eq(SSL_CTX_clear_extra_chain_certs(ctx), 1);
  cr_assert_eq(SSL_CTX_get_extra_chain_certs(ctx, &chain), 1);
  cr_assert_null(chain);
  X509_free(leaf);
  X509_free(intermediate);
  X509_free(root);
}

/* ---- DER ---- */

Test(ssl_config_certs, der_in_memory) {
  X509 *x509 = certificate("rsa-2048.pem");
  EVP_PKEY *key = key_of("rsa-2048.key");
  uint8_t *cert_der = NULL, *key_der = NULL;
  int cert_len = i2d_X509(x509, &cert_der), key_len = i2d_PrivateKey(key, &key_der);
  cr_assert(cert_len > 0 && key_len > 0);
  cr_assert_eq(SSL_CTX_use_certificate_ASN1(ctx, (size_t)cert_len, cert_der), 1);
  cr_assert_eq(SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_RSA, ctx, key_der, (size_t)key_len), 1);
  cr_assert_eq(SSL_CTX_check_private_key(ctx), 1);
  cr_assert_eq(SSL_use_certificate_ASN1(ssl, cert_der, (size_t)cert_len), 1);
  cr_assert_eq(SSL_use_RSAPrivateKey_ASN1(ssl, key_der, (size_t)key_len), 1);
  cr_assert_eq(SSL_check_private_key(ssl), 1);
  cr_assert_eq(SSL_use_certificate_ASN1(ssl, cert_der, (size_t)cert_len - 1), 0);
  cr_assert_eq(last_reason(), ERR_R_ASN1_LIB);
  cr_assert_eq(SSL_use_PrivateKey_ASN1(EVP_PKEY_RSA, ssl, key_der, 5), 0);
  cr_assert_eq(last_reason(), ERR_R_ASN1_LIB);
  cr_assert_eq(SSL_check_private_key(ssl), 1); /* as it was */
  OPENSSL_free(cert_der);
  OPENSSL_free(key_der);
  X509_free(x509);
  EVP_PKEY_free(key);
}

Test(ssl_config_certs, der_with_more_behind_it) {
  X509 *x509 = certificate("ecdsa-p256.pem");
  uint8_t *der = NULL, longer[4096] = {0};
  int len = i2d_X509(x509, &der);
  cr_assert(len > 0 && len < 4000);
  memcpy(longer, der, (size_t)len);
  cr_assert_eq(SSL_CTX_use_certificate_ASN1(ctx, (size_t)len + 1, longer), 0);
  cr_assert_eq(last_reason(), ERR_R_ASN1_LIB);
  const char *path = temporary(der, (size_t)len);
  cr_assert_eq(SSL_CTX_use_certificate_file(ctx, path, SSL_FILETYPE_ASN1), 1);
  cr_assert_eq(X509_cmp(SSL_CTX_get0_certificate(ctx), x509), 0);
  cr_assert_eq(SSL_use_certificate_file(ssl, path, SSL_FILETYPE_PEM), 0);
  cr_assert_eq(last_reason(), ERR_R_PEM_LIB);
  unlink(path);
  OPENSSL_free(der);
  X509_free(x509);
}

/* ---- Files ---- */

Test(ssl_config_certs, files) {
  STACK_OF(X509) * chain;
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, cert_path("rsa-2048.pem")), 1);
  cr_assert_eq(SSL_CTX_get0_chain_certs(ctx, &chain), 1);
  cr_assert_eq(sk_X509_num(chain), 1); /* the intermediate */
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, cert_path("rsa-2048.key"), SSL_FILETYPE_PEM), 1);
  cr_assert_eq(SSL_CTX_check_private_key(ctx), 1);
  cr_assert_eq(SSL_use_certificate_file(ssl, cert_path("ed25519.pem"), SSL_FILETYPE_PEM), 1);
  cr_assert_eq(SSL_get0_chain_certs(ssl, &chain), 1);
  cr_assert_null(chain);
  cr_assert_eq(SSL_use_PrivateKey_file(ssl, cert_path("ed25519.key"), SSL_FILETYPE_PEM), 1);
  cr_assert_eq(SSL_check_private_key(ssl), 1);
  cr_assert_eq(SSL_use_certificate_chain_file(ssl, cert_path("ed25519.pem")), 1);
  cr_assert_eq(SSL_get0_chain_certs(ssl, &chain), 1);
  cr_assert_eq(sk_X509_num(chain), 1);
}

Test(ssl_config_certs, files_that_are_not_there) {
  cr_assert_eq(SSL_CTX_use_certificate_file(ctx, "/nowhere/at/all", SSL_FILETYPE_PEM), 0);
  cr_assert_eq(last_reason(), ERR_R_SYS_LIB);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, "/nowhere/at/all"), 0);
  cr_assert_eq(last_reason(), ERR_R_SYS_LIB);
  cr_assert_eq(SSL_use_PrivateKey_file(ssl, "/nowhere/at/all", SSL_FILETYPE_PEM), 0);
  cr_assert_eq(last_reason(), ERR_R_SYS_LIB);
  cr_assert_eq(SSL_use_PrivateKey_file(ssl, NULL, SSL_FILETYPE_PEM), 0);
  cr_assert_eq(last_reason(), ERR_R_SYS_LIB);
}

Test(ssl_config_certs, files_of_another_kind) {
  cr_assert_eq(SSL_CTX_use_certificate_file(ctx, cert_path("ecdsa-p256.pem"), 7), 0);
  cr_assert_eq(last_reason(), SSL_R_BAD_SSL_FILETYPE);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, cert_path("ecdsa-p256.key"), 7), 0);
  cr_assert_eq(last_reason(), SSL_R_BAD_SSL_FILETYPE);
  cr_assert_eq(SSL_CTX_use_certificate_file(ctx, cert_path("ecdsa-p256.key"), SSL_FILETYPE_PEM), 0);
  cr_assert_eq(last_reason(), ERR_R_PEM_LIB);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, cert_path("README.md")), 0);
  cr_assert_eq(last_reason(), ERR_R_PEM_LIB);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, cert_path("ecdsa-p256.pem"), SSL_FILETYPE_PEM), 0);
  cr_assert_eq(last_reason(), ERR_R_PEM_LIB);
  cr_assert_eq(SSL_CTX_use_RSAPrivateKey_file(ctx, cert_path("ecdsa-p256.key"), SSL_FILETYPE_PEM),
               0);
  last_reason();
  cr_assert_null(SSL_CTX_get0_certificate(ctx));
}

Test(ssl_config_certs, a_chain_file_with_a_broken_certificate_is_refused) {
  char text[16384];
  FILE *file = fopen(cert_path("ecdsa-p256.pem"), "rb");
  size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  /* In the second certificate: a character that is no base64. */
  text[len - 100] = '!';
  const char *path = temporary(text, len);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, path), 0);
  cr_assert_eq(last_reason(), ERR_R_PEM_LIB);
  cr_assert_null(SSL_CTX_get0_certificate(ctx));
  unlink(path);
}

static int tell_password(char *buf, int size, int rwflag, void *data) {
  const char *word = data;
  cr_assert_eq(rwflag, 0);
  cr_assert_gt(size, (int)strlen(word));
  memcpy(buf, word, strlen(word));
  return (int)strlen(word);
}

Test(ssl_config_certs, encrypted_keys) {
  char good[] = "a password", bad[] = "another";
  EVP_PKEY *key = key_of("ecdsa-p256.key");
  BIO *bio = BIO_new(BIO_s_mem());
  const uint8_t *pem;
  size_t len;
  cr_assert_eq(PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(), (uint8_t *)good,
                                        (int)strlen(good), NULL, NULL),
               1);
  cr_assert_eq(BIO_mem_contents(bio, &pem, &len), 1);
  const char *path = temporary(pem, len);
  SSL_CTX_set_default_passwd_cb(ctx, tell_password);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, bad);
  cr_assert_eq(SSL_CTX_get_default_passwd_cb(ctx), tell_password);
  cr_assert_eq(SSL_CTX_get_default_passwd_cb_userdata(ctx), bad);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 0);
  cr_assert_eq(last_reason(), ERR_R_PEM_LIB);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, good);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
  cr_assert_eq(SSL_use_PrivateKey_file(ssl, path, SSL_FILETYPE_PEM), 1);
  SSL_CTX_set_default_passwd_cb(ctx, NULL);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
  cr_assert_eq(EVP_PKEY_cmp(SSL_CTX_get0_privatekey(ctx), key), 1);
  unlink(path);
  BIO_free(bio);
  EVP_PKEY_free(key);
}

Test(ssl_config_certs, passwords_of_one_ssl) {
  char good[] = "a password", bad[] = "another";
  EVP_PKEY *key = key_of("ecdsa-p256.key");
  BIO *bio = BIO_new(BIO_s_mem());
  const uint8_t *pem;
  size_t len;
  cr_assert_eq(PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(), (uint8_t *)good,
                                        (int)strlen(good), NULL, NULL),
               1);
  cr_assert_eq(BIO_mem_contents(bio, &pem, &len), 1);
  const char *path = temporary(pem, len);
  SSL_CTX_set_default_passwd_cb_userdata(ctx, bad);
  cr_assert_eq(SSL_get_default_passwd_cb_userdata(ssl), bad);
  cr_assert_null(SSL_get_default_passwd_cb(ssl));
  SSL_set_default_passwd_cb(ssl, tell_password);
  SSL_set_default_passwd_cb_userdata(ssl, good);
  cr_assert_eq(SSL_get_default_passwd_cb(ssl), tell_password);
  cr_assert_eq(SSL_get_default_passwd_cb_userdata(ssl), good);
  cr_assert_null(SSL_CTX_get_default_passwd_cb(ctx));
  cr_assert_eq(SSL_use_PrivateKey_file(ssl, path, SSL_FILETYPE_PEM), 1);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 0);
  last_reason();
  SSL_set_default_passwd_cb_userdata(ssl, NULL); /* the SSL_CTX's again */
  cr_assert_eq(SSL_use_PrivateKey_file(ssl, path, SSL_FILETYPE_PEM), 0);
  last_reason();
  unlink(path);
  BIO_free(bio);
  EVP_PKEY_free(key);
}

/* ---- Handshakes ---- */

static void load(SSL_CTX *into, const char *name) {
  char file[64];
  snprintf(file, sizeof file, "%s.pem", name);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(into, cert_path(file)), 1);
  snprintf(file, sizeof file, "%s.key", name);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(into, cert_path(file), SSL_FILETYPE_PEM), 1);
}

/* shown returns the kind of key in the certificate that a server of |server| shows to who verifies
 * |sigalg| only. */
static int shown(SSL_CTX *server, uint16_t sigalg) {
  struct ssl_pair pair;
  SSL_CTX *client = ssl_client_ctx();
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(client, &sigalg, 1), 1);
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  int kind = 0;
  if (ssl_pair_handshake(&pair)) {
    cr_assert_eq(SSL_get_peer_signature_algorithm(pair.client), sigalg);
    EVP_PKEY *key = X509_get_pubkey(SSL_get0_peer_certificate(pair.client));
    kind = EVP_PKEY_id(key);
    EVP_PKEY_free(key);
  }
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  ERR_clear_error();
  return kind;
}

Test(ssl_config_certs, one_of_each_kind_and_the_peer_decides) {
  load(ctx, "rsa-2048");
  cr_assert_eq(shown(ctx, SSL_SIGN_ECDSA_SECP256R1_SHA256), 0);
  load(ctx, "ecdsa-p256");
  load(ctx, "ed25519");
  cr_assert_eq(shown(ctx, SSL_SIGN_ECDSA_SECP256R1_SHA256), EVP_PKEY_EC);
  cr_assert_eq(shown(ctx, SSL_SIGN_RSA_PSS_RSAE_SHA256), EVP_PKEY_RSA);
  cr_assert_eq(shown(ctx, SSL_SIGN_RSA_PSS_RSAE_SHA512), EVP_PKEY_RSA);
  cr_assert_eq(shown(ctx, SSL_SIGN_ED25519), EVP_PKEY_ED25519);
  cr_assert_eq(shown(ctx, SSL_SIGN_ECDSA_SECP384R1_SHA384), 0);
}

Test(ssl_config_certs, signing_preferences_are_kept) {
  const uint16_t prefs[] = {SSL_SIGN_RSA_PSS_RSAE_SHA384};
  load(ctx, "rsa-2048");
  cr_assert_eq(SSL_CTX_set_signing_algorithm_prefs(ctx, prefs, 1), 1);
  cr_assert_eq(shown(ctx, SSL_SIGN_RSA_PSS_RSAE_SHA384), EVP_PKEY_RSA);
  cr_assert_eq(shown(ctx, SSL_SIGN_RSA_PSS_RSAE_SHA256), 0);
}

/* received returns how many certificates a server of |server| sends. */
static size_t received(SSL_CTX *server) {
  struct ssl_pair pair;
  SSL_CTX *client = ssl_client_ctx();
  SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert(ssl_pair_handshake(&pair));
  size_t num = sk_X509_num(SSL_get_peer_cert_chain(pair.client));
  cr_assert_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(pair.client)), num);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  return num;
}

Test(ssl_config_certs, what_is_sent_is_what_was_set) {
  X509 *root = certificate("root.pem");
  load(ctx, "ecdsa-p256");
  cr_assert_eq(received(ctx), 2);
  cr_assert_eq(SSL_CTX_add1_chain_cert(ctx, root), 1);
  cr_assert_eq(received(ctx), 3);
  cr_assert_eq(SSL_CTX_clear_chain_certs(ctx), 1);
  cr_assert_eq(received(ctx), 1);
  X509_up_ref(root);
  cr_assert_eq(SSL_CTX_add_extra_chain_cert(ctx, root), 1);
  cr_assert_eq(received(ctx), 2);
  X509_free(root);
}

Test(ssl_config_certs, a_server_without_a_key_fails) {
  struct ssl_pair pair;
  SSL_CTX *client = ssl_client_ctx();
  cr_assert_eq(SSL_CTX_use_certificate_file(ctx, cert_path("ecdsa-p256.pem"), SSL_FILETYPE_PEM), 1);
  cr_assert(ssl_pair_new(&pair, client, ctx, 0));
  (void)SSL_connect(pair.client);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_R_NO_CERTIFICATE_SET);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  ERR_clear_error();
}

/* ---- Callbacks ---- */

static SSL_CTX *other_ctx;
static char seen_name[64];

static int choose_by_name(SSL *of, int *out_alert, void *arg) {
  cr_assert_eq(*(int *)arg, 5);
  const char *name = SSL_get_servername(of, TLSEXT_NAMETYPE_host_name);
  snprintf(seen_name, sizeof seen_name, "%s", name == NULL ? "(none)" : name);
  cr_assert_null(SSL_get_servername(of, 1));
  cr_assert_eq(SSL_get_servername_type(of), name == NULL ? -1 : TLSEXT_NAMETYPE_host_name);
  if (name == NULL) return SSL_TLSEXT_ERR_NOACK;
  if (strcmp(name, "bad.example") == 0) {
    *out_alert = SSL_AD_ACCESS_DENIED;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (strcmp(name, "server.example") == 0) cr_assert_eq(SSL_set_SSL_CTX(of, other_ctx), other_ctx);
  return SSL_TLSEXT_ERR_OK;
}

/* by_name does a handshake for |name| with a server of |ctx| and returns the kind of key it showed;
 * 0: it failed. */
static int by_name(const char *name) {
  struct ssl_pair pair;
  int kind = 0;
  SSL_CTX *client = ssl_client_ctx();
  cr_assert(ssl_pair_new(&pair, client, ctx, 0));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, name), 1);
  bool done = ssl_pair_handshake(&pair);
  if (done) {
    EVP_PKEY *key = X509_get_pubkey(SSL_get0_peer_certificate(pair.client));
    kind = EVP_PKEY_id(key);
    EVP_PKEY_free(key);
    bool moved = name != NULL && strcmp(name, "server.example") == 0;
    cr_assert_eq(SSL_get_SSL_CTX(pair.server), moved ? other_ctx : ctx);
    const char *after = SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name);
    if (name == NULL)
      cr_assert_null(after);
    else
      cr_assert_str_eq(after, name);
  }
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  return kind;
}

Test(ssl_config_certs, servername_callback) {
  int arg = 5;
  load(ctx, "ecdsa-p256");
  other_ctx = ssl_server_ctx("rsa-2048");
  cr_assert_eq(SSL_CTX_set_tlsext_servername_callback(ctx, choose_by_name), 1);
  cr_assert_eq(SSL_CTX_set_tlsext_servername_arg(ctx, &arg), 1);
  cr_assert_eq(by_name("localhost"), EVP_PKEY_EC);
  cr_assert_str_eq(seen_name, "localhost");
  cr_assert_eq(by_name("server.example"), EVP_PKEY_RSA);
  cr_assert_eq(by_name(NULL), EVP_PKEY_EC);
  cr_assert_str_eq(seen_name, "(none)");
  struct ssl_pair pair;
  SSL_CTX *client = ssl_client_ctx();
  cr_assert(ssl_pair_new(&pair, client, ctx, 0));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "bad.example"), 1);
  (void)SSL_connect(pair.client);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED);
  ERR_clear_error();
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  SSL_CTX_free(other_ctx);
}

Test(ssl_config_certs, set_SSL_CTX_takes_certificates_and_nothing_else) {
  other_ctx = ssl_server_ctx("rsa-2048");
  SSL_CTX_set_verify(other_ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_min_proto_version(other_ctx, TLS1_3_VERSION);
  cr_assert_eq(SSL_CTX_set_session_id_context(other_ctx, (const uint8_t *)"id", 2), 1);
  cr_assert_eq(SSL_set_SSL_CTX(ssl, other_ctx), other_ctx);
  cr_assert_eq(SSL_get_SSL_CTX(ssl), other_ctx);
  cr_assert_eq(SSL_get_certificate(ssl), SSL_CTX_get0_certificate(other_ctx));
  cr_assert_eq(SSL_get_verify_mode(ssl), SSL_VERIFY_NONE);
  cr_assert_eq(SSL_get_min_proto_version(ssl), TLS1_2_VERSION);
  size_t len;
  (void)SSL_get0_session_id_context(ssl, &len);
  cr_assert_eq(len, 2);
  SSL_CTX_free(other_ctx); /* the SSL keeps it */
  cr_assert_not_null(SSL_CTX_get0_certificate(SSL_get_SSL_CTX(ssl)));
  cr_assert_eq(SSL_set_SSL_CTX(ssl, NULL), ctx);
  cr_assert_null(SSL_get_certificate(ssl));
}

static int cert_answer;
static int configure(SSL *of, void *arg) {
  cr_assert_eq(arg, &cert_answer);
  if (cert_answer > 0) {
    cr_assert_eq(SSL_use_certificate_chain_file(of, cert_path("ed25519.pem")), 1);
    cr_assert_eq(SSL_use_PrivateKey_file(of, cert_path("ed25519.key"), SSL_FILETYPE_PEM), 1);
  }
  return cert_answer;
}

Test(ssl_config_certs, certificate_callback) {
  struct ssl_pair pair;
  SSL_CTX *client = ssl_client_ctx();
  SSL_CTX_set_cert_cb(ctx, configure, &cert_answer);
  cr_assert(ssl_pair_new(&pair, client, ctx, 0));
  (void)SSL_connect(pair.client);
  cert_answer = -1;
  for (int i = 0; i < 2; i++) {
    int ret = SSL_accept(pair.server);
    cr_assert_eq(ret, -1);
    cr_assert_eq(SSL_get_error(pair.server, ret), SSL_ERROR_WANT_X509_LOOKUP);
    cr_assert(SSL_want_x509_lookup(pair.server));
  }
  cert_answer = 1;
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_peer_signature_algorithm(pair.client), SSL_SIGN_ED25519);
  cr_assert_null(SSL_CTX_get0_certificate(ctx));
  ssl_pair_free(&pair);
  cert_answer = 0;
  cr_assert(ssl_pair_new(&pair, client, ctx, 0));
  (void)SSL_connect(pair.client);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_R_CERT_CB_ERROR);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  ERR_clear_error();
}
