/* rpk.c: raw public keys (RFC 7250): which types of certificate an SSL shows and takes, whom it
 * trusts without a certificate, and what the peer showed.
 *
 * A type list is in the settings, so it goes from an SSL_CTX to its SSLs; whom to trust is an SSL's
 * own.  Own raw keys are made with the other credentials (ssl_config.c). */
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pool.h>

#include "ssl/driver.h"
#include "ssl/session.h"

/* ---- Types ---- */

static int set_types(ssl_settings **settings, bool server, const uint8_t *list, size_t num) {
  ssl_cert_types types = {.num = 0};
  if ((list == NULL) != (num == 0) || num > SSL_CERT_TYPES) return 0;
  for (; types.num < num; types.num++) {
    const uint8_t type = list[types.num];
    if ((type != TLSEXT_cert_type_x509 && type != TLSEXT_cert_type_rpk) ||
        (types.num == 1 && types.list[0] == type))
      return 0;
    types.list[types.num] = type;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG | SSL_EDIT_CREDENTIALS);
  if (s == NULL) return 0;
  *(server ? &s->server_types : &s->client_types) = types;
  return 1;
}

int SSL_CTX_set1_server_cert_type(SSL_CTX *ctx, const unsigned char *val, size_t len) {
  return set_types(&ctx->settings, true, val, len);
}
int SSL_set1_server_cert_type(SSL *ssl, const unsigned char *val, size_t len) {
  return set_types(&ssl->settings, true, val, len);
}
int SSL_CTX_set1_client_cert_type(SSL_CTX *ctx, const unsigned char *val, size_t len) {
  return set_types(&ctx->settings, false, val, len);
}
int SSL_set1_client_cert_type(SSL *ssl, const unsigned char *val, size_t len) {
  return set_types(&ssl->settings, false, val, len);
}

static int get_types(ssl_cert_types *types, unsigned char **val, size_t *len) {
  if (val == NULL || len == NULL) return 0;
  *val = types->num == 0 ? NULL : types->list;
  *len = types->num;
  return 1;
}

int SSL_CTX_get0_server_cert_type(const SSL_CTX *ctx, unsigned char **val, size_t *len) {
  return get_types(&ctx->settings->server_types, val, len);
}
int SSL_get0_server_cert_type(const SSL *ssl, unsigned char **val, size_t *len) {
  return get_types(&ssl->settings->server_types, val, len);
}
int SSL_CTX_get0_client_cert_type(const SSL_CTX *ctx, unsigned char **val, size_t *len) {
  return get_types(&ctx->settings->client_types, val, len);
}
int SSL_get0_client_cert_type(const SSL *ssl, unsigned char **val, size_t *len) {
  return get_types(&ssl->settings->client_types, val, len);
}

static bool has_raw(const ssl_cert_types *types) {
  for (size_t i = 0; i < types->num; i++)
    if (types->list[i] == TLSEXT_cert_type_rpk) return true;
  return false;
}

bool ssl_shows_raw_keys(const ssl_settings *s) {
  return has_raw(&s->server_types) || has_raw(&s->client_types);
}

static int negotiated(const SSL *ssl, int8_t role) {
  hf_facts facts = {0};
  if (ssl->conn != NULL) hf_get_facts(&facts, ssl->conn);
  return (role == ssl->role ? facts.own_raw_key : facts.peer_raw_key) ? TLSEXT_cert_type_rpk
                                                                      : TLSEXT_cert_type_x509;
}

int SSL_get_negotiated_server_cert_type(const SSL *ssl) { return negotiated(ssl, SSL_ROLE_SERVER); }
int SSL_get_negotiated_client_cert_type(const SSL *ssl) { return negotiated(ssl, SSL_ROLE_CLIENT); }

/* ---- The peer's key ---- */

/* key_of parses a SubjectPublicKeyInfo; the engine could, so NULL means that memory ran out. */
static EVP_PKEY *key_of(const CRYPTO_BUFFER *spki) {
  CBS cbs;
  if (spki == NULL) return NULL;
  CBS_init(&cbs, CRYPTO_BUFFER_data(spki), CRYPTO_BUFFER_len(spki));
  return EVP_parse_public_key(&cbs);
}

EVP_PKEY *SSL_get0_peer_rpk(const SSL *ssl) {
  SSL *cache = (SSL *)ssl;
  if (cache->peer_rpk == NULL) cache->peer_rpk = key_of(ssl->peer_spki);
  return cache->peer_rpk;
}

EVP_PKEY *SSL_SESSION_get0_peer_rpk(const SSL_SESSION *session) {
  SSL_SESSION *cache = (SSL_SESSION *)session;
  EVP_PKEY *key = atomic_load(&cache->rpk);
  if (key != NULL) return key;
  EVP_PKEY *fresh = key_of(session->spki);
  if (fresh == NULL || atomic_compare_exchange_strong(&cache->rpk, &key, fresh)) return fresh;
  EVP_PKEY_free(fresh);
  return key;
}

/* ---- Trust ---- */

int SSL_add_expected_rpk(SSL *ssl, EVP_PKEY *rpk) {
  if (rpk == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  EVP_PKEY **list =
      OPENSSL_realloc(ssl->expected_rpks, (ssl->num_expected_rpks + 1) * sizeof *list);
  if (list == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return 0;
  }
  EVP_PKEY_up_ref(rpk);
  ssl->expected_rpks = list;
  list[ssl->num_expected_rpks++] = rpk;
  return 1;
}

void ssl_expected_free(SSL *ssl) {
  for (size_t i = 0; i < ssl->num_expected_rpks; i++) EVP_PKEY_free(ssl->expected_rpks[i]);
  OPENSSL_free(ssl->expected_rpks);
}

static bool is_expected(const SSL *ssl, const EVP_PKEY *key) {
  for (size_t i = 0; i < ssl->num_expected_rpks; i++)
    if (EVP_PKEY_cmp(ssl->expected_rpks[i], key) == 1) return true;
  return false;
}

/* judge asks the application's callbacks, as they are asked about chains; |store_ctx| has no
 * certificate.  |*result| is what SSL_get_verify_result is to say. */
static bool judge(SSL *ssl, X509_STORE_CTX *store_ctx, long *result) {
  const bool expected = is_expected(ssl, SSL_get0_peer_rpk(ssl));
  if (!X509_STORE_CTX_init(store_ctx, ssl_verify_store(ssl), NULL, NULL) ||
      !X509_STORE_CTX_set_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl))
    return false;
  X509_STORE_CTX_set_error(store_ctx, expected ? X509_V_OK : X509_V_ERR_RPK_UNTRUSTED);
  int trusted = expected;
  if (ssl->ctx->verify_whole != NULL) {
    trusted = ssl->ctx->verify_whole(store_ctx, ssl->ctx->verify_whole_arg);
  } else if (ssl->local.verify_callback != NULL) {
    trusted = ssl->local.verify_callback(expected, store_ctx);
  }
  *result = X509_STORE_CTX_get_error(store_ctx);
  /* Who goes on all the same must not read X509_V_OK afterwards. */
  if (trusted <= 0 && *result == X509_V_OK) *result = X509_V_ERR_UNSPECIFIED;
  return trusted > 0;
}

bool ssl_answer_raw_key(SSL *ssl, const hf_question_t *question) {
  const bool insists = ssl->local.verify_mode != SSL_VERIFY_NONE;
  X509_STORE_CTX *store_ctx = X509_STORE_CTX_new();
  bool trusted = false;
  long result = X509_V_ERR_OUT_OF_MEM;
  if (store_ctx != NULL && ssl_set_peer(ssl, question) && SSL_get0_peer_rpk(ssl) != NULL) {
    ERR_set_mark();
    trusted = judge(ssl, store_ctx, &result);
    if (trusted || !insists) ERR_pop_to_mark();
  }
  X509_STORE_CTX_free(store_ctx);
  ssl->verify_result = result;
  ssl->io.refusal =
      result == X509_V_ERR_OUT_OF_MEM ? ERR_R_MALLOC_FAILURE : SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (trusted || (!insists && result != X509_V_ERR_OUT_OF_MEM))
    return hf_answer_verdict(ssl->conn) != HF_MISUSE;
  return hf_refuse(ssl->conn, hf_verify_alert(result)) == HF_OK;
}
