/* delegated.c: delegated credentials (RFC 9345): the one that an SSL shows beside its certificate,
 * and what it takes from its peer.  Checking the peer's is the engine's. */
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>

#include "ssl/internal.h"

/* key_of parses the public key out of a DelegatedCredential (RFC 9345 4). */
static EVP_PKEY *key_of(const CRYPTO_BUFFER *dc) {
  CBS cbs, spki;
  uint32_t valid_time;
  uint16_t sigalg;
  CBS_init(&cbs, CRYPTO_BUFFER_data(dc), CRYPTO_BUFFER_len(dc));
  if (!CBS_get_u32(&cbs, &valid_time) || !CBS_get_u16(&cbs, &sigalg) ||
      !CBS_get_u24_length_prefixed(&cbs, &spki))
    return NULL;
  EVP_PKEY *key = EVP_parse_public_key(&spki);
  if (key == NULL || CBS_len(&spki) == 0) return key;
  EVP_PKEY_free(key);
  return NULL;
}

/* fits says whether |dc| is a credential for |key|, or for any key if that is NULL.  If not, the
 * reason is on the error queue: that of X509_check_private_key, if it is the key. */
static bool fits(const CRYPTO_BUFFER *dc, const EVP_PKEY *key) {
  EVP_PKEY *public_key = key_of(dc);
  if (public_key == NULL) {
    SSL_ERR(SSL_R_INVALID_DELEGATED_CREDENTIAL);
    return false;
  }
  int same = key == NULL ? 1 : EVP_PKEY_cmp(public_key, key);
  EVP_PKEY_free(public_key);
  if (same != 1)
    ERR_put_error(ERR_LIB_X509, 0,
                  same == 0 ? X509_R_KEY_VALUES_MISMATCH : X509_R_KEY_TYPE_MISMATCH, __FILE__,
                  __LINE__);
  return same == 1;
}

void ssl_delegated_clear(ssl_delegated *delegated) {
  CRYPTO_BUFFER_free(delegated->credential);
  EVP_PKEY_free(delegated->key);
  *delegated = (ssl_delegated){.credential = NULL};
}

ssl_delegated ssl_delegated_share(const ssl_delegated *from) {
  if (from->credential != NULL) CRYPTO_BUFFER_up_ref(from->credential);
  if (from->key != NULL) EVP_PKEY_up_ref(from->key);
  return *from;
}

int SSL_set1_delegated_credential(SSL *ssl, CRYPTO_BUFFER *dc, EVP_PKEY *pkey,
                                  const SSL_PRIVATE_KEY_METHOD *key_method) {
  const ssl_delegated fresh = {dc, pkey, pkey == NULL ? key_method : NULL,
                               ssl->settings->current_slot};
  if (dc != NULL && pkey == NULL && key_method == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  if (dc != NULL && SSL_get_certificate(ssl) == NULL) {
    SSL_ERR(SSL_R_NO_CERTIFICATE_ASSIGNED);
    return 0;
  }
  if (dc != NULL && !fits(dc, pkey)) return 0;
  ssl_settings *s = ssl_settings_edit(&ssl->settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) return 0;
  ssl_delegated_clear(&s->delegated);
  if (dc != NULL) s->delegated = ssl_delegated_share(&fresh);
  /* The rest of its form is known when it is put beside the certificate. */
  if (dc == NULL || ssl_settings_credentials(s) != NULL) return 1;
  ssl_delegated_clear(&s->delegated);
  return 0;
}

int SSL_delegated_credential_used(const SSL *ssl) {
  hf_facts facts = {0};
  if (ssl->conn != NULL) hf_get_facts(&facts, ssl->conn);
  return facts.own_delegated || facts.peer_delegated;
}

/* ---- The peer's ---- */

static bool is_valid(const uint16_t *prefs, size_t num) {
  for (size_t i = 0; i < num; i++) {
    if (!ssl_engine_has_sigalg(prefs[i]) ||
        SSL_get_signature_algorithm_key_type(prefs[i]) == EVP_PKEY_RSA)
      return false;
    for (size_t j = 0; j < i; j++)
      if (prefs[j] == prefs[i]) return false;
  }
  return true;
}

static int set_prefs(ssl_settings **settings, const uint16_t *prefs, size_t num) {
  if (!is_valid(prefs, num)) {
    SSL_ERR(SSL_R_INVALID_SIGNATURE_ALGORITHM);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  if (ssl_codes_set(&s->delegated_sigalgs, prefs, num)) return 1;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return 0;
}

int SSL_CTX_set_delegated_credential_prefs(SSL_CTX *ctx, const uint16_t *prefs, size_t num_prefs) {
  return set_prefs(&ctx->settings, prefs, num_prefs);
}

int SSL_set_delegated_credential_prefs(SSL *ssl, const uint16_t *prefs, size_t num_prefs) {
  return set_prefs(&ssl->settings, prefs, num_prefs);
}
