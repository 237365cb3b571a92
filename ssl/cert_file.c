/* cert_file.c: certificates and keys from DER in memory, and from PEM and DER files.
 *
 * A file that cannot be used changes nothing, but for a chain file, whose certificates are set one
 * after another. */
#include "ssl/internal.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ---- DER in memory ---- */

static int use_certificate_der(ssl_settings **settings, const uint8_t *der, size_t len) {
  const uint8_t *end = der;
  X509 *x509 = len > LONG_MAX ? NULL : d2i_X509(NULL, &end, (long)len);
  if (x509 == NULL || end != der + len) {
    X509_free(x509);
    SSL_ERR(ERR_R_ASN1_LIB);
    return 0;
  }
  int ok = ssl_use_certificate(settings, x509);
  X509_free(x509);
  return ok;
}

int SSL_CTX_use_certificate_ASN1(SSL_CTX *ctx, size_t der_len, const uint8_t *der) {
  return use_certificate_der(&ctx->settings, der, der_len);
}

int SSL_use_certificate_ASN1(SSL *ssl, const uint8_t *der, size_t der_len) {
  return use_certificate_der(&ssl->settings, der, der_len);
}

static int use_key_der(ssl_settings **settings, int type, const uint8_t *der, size_t len) {
  const uint8_t *end = der;
  EVP_PKEY *key = len > LONG_MAX ? NULL : d2i_PrivateKey(type, NULL, &end, (long)len);
  if (key == NULL || end != der + len) {
    EVP_PKEY_free(key);
    SSL_ERR(ERR_R_ASN1_LIB);
    return 0;
  }
  int ok = ssl_use_private_key(settings, key);
  EVP_PKEY_free(key);
  return ok;
}

int SSL_CTX_use_PrivateKey_ASN1(int pk, SSL_CTX *ctx, const uint8_t *der, size_t der_len) {
  return use_key_der(&ctx->settings, pk, der, der_len);
}

int SSL_use_PrivateKey_ASN1(int pk, SSL *ssl, const uint8_t *der, size_t der_len) {
  return use_key_der(&ssl->settings, pk, der, der_len);
}

int SSL_CTX_use_RSAPrivateKey_ASN1(SSL_CTX *ctx, const uint8_t *der, size_t der_len) {
  return use_key_der(&ctx->settings, EVP_PKEY_RSA, der, der_len);
}

int SSL_use_RSAPrivateKey_ASN1(SSL *ssl, const uint8_t *der, size_t der_len) {
  return use_key_der(&ssl->settings, EVP_PKEY_RSA, der, der_len);
}

/* ---- Files ---- */

/* open_file returns the file for reading; NULL, with the reason on the error queue. */
static BIO *open_file(const char *path) {
  BIO *bio = path == NULL ? NULL : BIO_new_file(path, "rb");
  if (bio == NULL) SSL_ERR(ERR_R_SYS_LIB);
  return bio;
}

static ssl_password password_of(const SSL *ssl) {
  ssl_password own = ssl->password, shared = ssl->ctx->password;
  return (ssl_password){own.cb != NULL ? own.cb : shared.cb,
                        own.data != NULL ? own.data : shared.data};
}

static bool known_type(int type) {
  if (type == SSL_FILETYPE_PEM || type == SSL_FILETYPE_ASN1) return true;
  SSL_ERR(SSL_R_BAD_SSL_FILETYPE);
  return false;
}

static int use_certificate_file(ssl_settings **settings, ssl_password password, const char *file,
                                int type) {
  BIO *bio = known_type(type) ? open_file(file) : NULL;
  if (bio == NULL) return 0;
  X509 *x509 = type == SSL_FILETYPE_PEM ? PEM_read_bio_X509(bio, NULL, password.cb, password.data)
                                        : d2i_X509_bio(bio, NULL);
  BIO_free(bio);
  if (x509 == NULL) {
    SSL_ERR(type == SSL_FILETYPE_PEM ? ERR_R_PEM_LIB : ERR_R_ASN1_LIB);
    return 0;
  }
  int ok = ssl_use_certificate(settings, x509);
  X509_free(x509);
  return ok;
}

int SSL_CTX_use_certificate_file(SSL_CTX *ctx, const char *file, int type) {
  return use_certificate_file(&ctx->settings, ctx->password, file, type);
}

int SSL_use_certificate_file(SSL *ssl, const char *file, int type) {
  return use_certificate_file(&ssl->settings, password_of(ssl), file, type);
}

static int use_key_file(ssl_settings **settings, ssl_password password, const char *file,
                        int type) {
  BIO *bio = known_type(type) ? open_file(file) : NULL;
  if (bio == NULL) return 0;
  EVP_PKEY *key = type == SSL_FILETYPE_PEM
                      ? PEM_read_bio_PrivateKey(bio, NULL, password.cb, password.data)
                      : d2i_PrivateKey_bio(bio, NULL);
  BIO_free(bio);
  if (key == NULL) {
    SSL_ERR(type == SSL_FILETYPE_PEM ? ERR_R_PEM_LIB : ERR_R_ASN1_LIB);
    return 0;
  }
  int ok = ssl_use_private_key(settings, key);
  EVP_PKEY_free(key);
  return ok;
}

int SSL_CTX_use_PrivateKey_file(SSL_CTX *ctx, const char *file, int type) {
  return use_key_file(&ctx->settings, ctx->password, file, type);
}

int SSL_use_PrivateKey_file(SSL *ssl, const char *file, int type) {
  return use_key_file(&ssl->settings, password_of(ssl), file, type);
}

static int use_rsa_file(ssl_settings **settings, ssl_password password, const char *file,
                        int type) {
  BIO *bio = known_type(type) ? open_file(file) : NULL;
  if (bio == NULL) return 0;
  RSA *rsa = type == SSL_FILETYPE_PEM
                 ? PEM_read_bio_RSAPrivateKey(bio, NULL, password.cb, password.data)
                 : d2i_RSAPrivateKey_bio(bio, NULL);
  BIO_free(bio);
  if (rsa == NULL) {
    SSL_ERR(type == SSL_FILETYPE_PEM ? ERR_R_PEM_LIB : ERR_R_ASN1_LIB);
    return 0;
  }
  int ok = ssl_use_rsa_key(settings, rsa);
  RSA_free(rsa);
  return ok;
}

int SSL_CTX_use_RSAPrivateKey_file(SSL_CTX *ctx, const char *file, int type) {
  return use_rsa_file(&ctx->settings, ctx->password, file, type);
}

int SSL_use_RSAPrivateKey_file(SSL *ssl, const char *file, int type) {
  return use_rsa_file(&ssl->settings, password_of(ssl), file, type);
}

/* at_end says whether the last error says that a PEM file has no more blocks. */
static bool at_end(void) {
  uint32_t error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* read_chain reads the certificates that are left in |bio|; NULL on failure. */
static STACK_OF(X509) * read_chain(BIO *bio, ssl_password password) {
  STACK_OF(X509) *chain = sk_X509_new_null();
  if (chain == NULL) return NULL;
  ERR_set_mark();
  for (;;) {
    X509 *x509 = PEM_read_bio_X509(bio, NULL, password.cb, password.data);
    if (x509 == NULL && at_end()) {
      ERR_pop_to_mark();
      return chain;
    }
    if (x509 == NULL || !sk_X509_push(chain, x509)) {
      X509_free(x509);
      sk_X509_pop_free(chain, X509_free);
      return NULL;
    }
  }
}

static int use_chain_file(ssl_settings **settings, ssl_password password, const char *file) {
  BIO *bio = open_file(file);
  if (bio == NULL) return 0;
  X509 *leaf = PEM_read_bio_X509_AUX(bio, NULL, password.cb, password.data);
  STACK_OF(X509) *chain = leaf == NULL ? NULL : read_chain(bio, password);
  BIO_free(bio);
  int ok = 0;
  if (chain == NULL)
    SSL_ERR(ERR_R_PEM_LIB);
  else
    ok = ssl_use_certificate(settings, leaf) && ssl_set1_chain(settings, chain);
  X509_free(leaf);
  sk_X509_pop_free(chain, X509_free);
  return ok;
}

int SSL_CTX_use_certificate_chain_file(SSL_CTX *ctx, const char *file) {
  return use_chain_file(&ctx->settings, ctx->password, file);
}

int SSL_use_certificate_chain_file(SSL *ssl, const char *file) {
  return use_chain_file(&ssl->settings, password_of(ssl), file);
}

/* ---- Passwords ---- */

void SSL_CTX_set_default_passwd_cb(SSL_CTX *ctx, pem_password_cb *cb) { ctx->password.cb = cb; }
pem_password_cb *SSL_CTX_get_default_passwd_cb(const SSL_CTX *ctx) { return ctx->password.cb; }
void SSL_CTX_set_default_passwd_cb_userdata(SSL_CTX *ctx, void *data) { ctx->password.data = data; }
void *SSL_CTX_get_default_passwd_cb_userdata(const SSL_CTX *ctx) { return ctx->password.data; }

void SSL_set_default_passwd_cb(SSL *ssl, pem_password_cb *cb) { ssl->password.cb = cb; }
pem_password_cb *SSL_get_default_passwd_cb(SSL *ssl) { return password_of(ssl).cb; }
void SSL_set_default_passwd_cb_userdata(SSL *ssl, void *data) { ssl->password.data = data; }
void *SSL_get_default_passwd_cb_userdata(SSL *ssl) { return password_of(ssl).data; }
