/* keys.c: certificates and keys from the runner's files and flags. */
#include <stdio.h>
#include <string.h>

#include <openssl/bytestring.h>
#include <openssl/pem.h>

#include "tests/bogo/shim.h"

EVP_PKEY *key_load(const char *file) {
  BIO *bio = BIO_new_file(file, "r");
  EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return key;
}

bool certificate_load(X509 **out, STACK_OF(X509) * *out_chain, const char *file) {
  BIO *bio = BIO_new_file(file, "r");
  X509 *next;
  *out = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
  *out_chain = sk_X509_new_null();
  while (*out != NULL && *out_chain != NULL &&
         (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
    if (sk_X509_push(*out_chain, next) == 0) X509_free(next);
  }
  BIO_free(bio);
  ERR_clear_error(); /* at the end there is no further certificate */
  return *out != NULL && *out_chain != NULL;
}

bool certificate_configured(SSL *ssl, X509 **out, STACK_OF(X509) * *out_chain, EVP_PKEY **out_key) {
  const struct config *config = state_of(ssl)->config;
  *out = NULL;
  *out_chain = NULL;
  *out_key = NULL;
  if (config->signing_prefs.num > 0 &&
      !SSL_set_signing_algorithm_prefs(ssl, config->signing_prefs.items,
                                       config->signing_prefs.num)) {
    return false;
  }
  if (config->key_file != NULL && (*out_key = key_load(config->key_file)) == NULL) return false;
  if (config->cert_file != NULL && !certificate_load(out, out_chain, config->cert_file))
    return false;
  return config->ocsp_response.len == 0 || config->set_ocsp_in_callback ||
         SSL_set_ocsp_response(ssl, config->ocsp_response.bytes, config->ocsp_response.len);
}

/* ---- A key that is elsewhere: it wants to be asked three times ---- */

static enum ssl_private_key_result_t key_complete(SSL *ssl, uint8_t *out, size_t *out_len,
                                                  size_t max_out) {
  struct state *state = state_of(ssl);
  if (state->config->async && state->key_retries < 2) return ssl_private_key_retry;
  if (state->signature_len == 0 || max_out < state->signature_len) {
    complain("there is no signature, or no room for it");
    return ssl_private_key_failure;
  }
  memcpy(out, state->signature, state->signature_len);
  *out_len = state->signature_len;
  state->signature_len = 0;
  state->key_retries = 0;
  return ssl_private_key_success;
}

static bool sign(struct state *state, uint16_t algorithm, const uint8_t *in, size_t len) {
  EVP_MD_CTX ctx;
  EVP_PKEY_CTX *pctx;
  EVP_MD_CTX_init(&ctx);
  state->signature_len = sizeof state->signature;
  bool ok = EVP_DigestSignInit(&ctx, &pctx, SSL_get_signature_algorithm_digest(algorithm), NULL,
                               state->key) &&
            (!SSL_is_signature_algorithm_rsa_pss(algorithm) ||
             (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, -1))) &&
            EVP_DigestSign(&ctx, state->signature, &state->signature_len, in, len);
  EVP_MD_CTX_cleanup(&ctx);
  return ok;
}

static enum ssl_private_key_result_t key_sign(SSL *ssl, uint8_t *out, size_t *out_len,
                                              size_t max_out, uint16_t algorithm, const uint8_t *in,
                                              size_t in_len) {
  struct state *state = state_of(ssl);
  if (EVP_PKEY_id(state->key) != SSL_get_signature_algorithm_key_type(algorithm)) {
    complain("algorithm %04x is not for this key", algorithm);
    return ssl_private_key_failure;
  }
  if (!sign(state, algorithm, in, in_len)) return ssl_private_key_failure;
  return key_complete(ssl, out, out_len, max_out);
}

static enum ssl_private_key_result_t key_decrypt(SSL *ssl, uint8_t *out, size_t *out_len,
                                                 size_t max_out, const uint8_t *in, size_t in_len) {
  (void)ssl, (void)out, (void)out_len, (void)max_out, (void)in, (void)in_len;
  complain("nothing here is decrypted with a private key");
  return ssl_private_key_failure;
}

static const SSL_PRIVATE_KEY_METHOD key_elsewhere = {key_sign, key_decrypt, key_complete};

static bool key_install(SSL *ssl, EVP_PKEY *key) {
  struct state *state = state_of(ssl);
  if (key == NULL) return true;
  if (!state->config->async) return SSL_use_PrivateKey(ssl, key);
  EVP_PKEY_free(state->key);
  EVP_PKEY_up_ref(key);
  state->key = key;
  SSL_set_private_key_method(ssl, &key_elsewhere);
  return true;
}

bool certificate_install(SSL *ssl) {
  X509 *leaf;
  STACK_OF(X509) * chain;
  EVP_PKEY *key;
  bool ok = certificate_configured(ssl, &leaf, &chain, &key) && key_install(ssl, key) &&
            (leaf == NULL || SSL_use_certificate(ssl, leaf)) &&
            (sk_X509_num(chain) == 0 || SSL_set1_chain(ssl, chain));
  X509_free(leaf);
  sk_X509_pop_free(chain, X509_free);
  EVP_PKEY_free(key);
  return ok;
}

bool delegated_install(SSL *ssl, const char *text) {
  struct data credential, pkcs8;
  const char *comma = strchr(text, ',');
  CBS cbs;
  if (comma == NULL || !data_from_hex(&credential, text, (size_t)(comma - text)) ||
      !data_from_hex(&pkcs8, comma + 1, strlen(comma + 1))) {
    return complain("not a delegated credential and its key");
  }
  CBS_init(&cbs, pkcs8.bytes, pkcs8.len);
  EVP_PKEY *key = EVP_parse_private_key(&cbs);
  CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(credential.bytes, credential.len, NULL);
  bool ok = key != NULL && buffer != NULL && SSL_set1_delegated_credential(ssl, buffer, key, NULL);
  EVP_PKEY_free(key);
  CRYPTO_BUFFER_free(buffer);
  return ok;
}

STACK_OF(X509_NAME) * names_from_hex(const char *text) {
  STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
  while (names != NULL) {
    struct data der;
    size_t len = strcspn(text, ",");
    if (!data_from_hex(&der, text, len)) break;
    const uint8_t *next = der.bytes;
    X509_NAME *name = d2i_X509_NAME(NULL, &next, (long)der.len);
    if (name == NULL || sk_X509_NAME_push(names, name) == 0) break;
    if (text[len] == '\0') return names;
    text += len + 1;
  }
  complain("not a list of names");
  sk_X509_NAME_pop_free(names, X509_NAME_free);
  return NULL;
}
