/* stapling.c: OCSP responses and signed certificate timestamps: asking for them, having them
 * stapled to a certificate, and what the server stapled.
 *
 * Invariant: what is set can be stapled, alone and together (hf_identity_new says what can).  What
 * is set belongs to the current certificate; before there is one, to the first that comes.  Leaves
 * to others: making credentials of it (ssl_config.c). */
#include "ssl/internal.h"

#include <openssl/bytestring.h>
#include <openssl/mem.h>
#include <openssl/pool.h>

/* The most bytes of both that fit one certificate's extensions. */
enum { STAPLES_MAX = 65523 };

void ssl_staples_clear(ssl_staples *staples) {
  CRYPTO_BUFFER_free(staples->ocsp);
  CRYPTO_BUFFER_free(staples->scts);
  staples->ocsp = NULL;
  staples->scts = NULL;
}

ssl_staples ssl_staples_share(const ssl_staples *from) {
  if (from->ocsp != NULL) CRYPTO_BUFFER_up_ref(from->ocsp);
  if (from->scts != NULL) CRYPTO_BUFFER_up_ref(from->scts);
  return *from;
}

hf_bytes ssl_staple_bytes(const CRYPTO_BUFFER *buffer) {
  const hf_bytes none = {NULL, 0};
  return buffer == NULL ? none : (hf_bytes){CRYPTO_BUFFER_data(buffer), CRYPTO_BUFFER_len(buffer)};
}

/* ---- What is stapled ---- */

/* RFC 6962 3.3: neither the list is empty nor any of its timestamps. */
static bool is_sct_list(const uint8_t *data, size_t len) {
  CBS in, list, one;
  CBS_init(&in, data, len);
  if (!CBS_get_u16_length_prefixed(&in, &list) || CBS_len(&in) != 0 || CBS_len(&list) == 0)
    return false;
  while (CBS_len(&list) > 0)
    if (!CBS_get_u16_length_prefixed(&list, &one) || CBS_len(&one) == 0) return false;
  return true;
}

static ssl_staples *place(ssl_settings *s) {
  return s->current_slot < 0 ? &s->staples : &s->slots[s->current_slot].staples;
}

/* set puts a copy of the bytes where they belong; none take away what is there. */
static int set(ssl_settings **settings, bool scts, const uint8_t *data, size_t len) {
  const ssl_staples *now = place(*settings);
  const size_t other = ssl_staple_bytes(scts ? now->ocsp : now->scts).len;
  if (len > STAPLES_MAX - other) {
    SSL_ERR(SSL_R_DATA_LENGTH_TOO_LONG);
    return 0;
  }
  CRYPTO_BUFFER *copy = len == 0 ? NULL : CRYPTO_BUFFER_new(data, len, NULL);
  if (copy == NULL && len > 0) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) {
    CRYPTO_BUFFER_free(copy);
    return 0;
  }
  CRYPTO_BUFFER **at = scts ? &place(s)->scts : &place(s)->ocsp;
  CRYPTO_BUFFER_free(*at);
  *at = copy;
  return 1;
}

int SSL_CTX_set_ocsp_response(SSL_CTX *ctx, const uint8_t *response, size_t response_len) {
  return set(&ctx->settings, false, response, response_len);
}

int SSL_set_ocsp_response(SSL *ssl, const uint8_t *response, size_t response_len) {
  return set(&ssl->settings, false, response, response_len);
}

bool ssl_drop_ocsp(ssl_settings **settings) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) return false;
  for (size_t i = 0; i < SSL_SLOTS; i++) {
    CRYPTO_BUFFER_free(s->slots[i].staples.ocsp);
    s->slots[i].staples.ocsp = NULL;
  }
  return true;
}

static int set_scts(ssl_settings **settings, const uint8_t *list, size_t len) {
  if (!is_sct_list(list, len)) {
    SSL_ERR(SSL_R_INVALID_SCT_LIST);
    return 0;
  }
  return set(settings, true, list, len);
}

int SSL_CTX_set_signed_cert_timestamp_list(SSL_CTX *ctx, const uint8_t *list, size_t list_len) {
  return set_scts(&ctx->settings, list, list_len);
}

int SSL_set_signed_cert_timestamp_list(SSL *ssl, const uint8_t *list, size_t list_len) {
  return set_scts(&ssl->settings, list, list_len);
}

/* ---- What is asked for ---- */

void SSL_CTX_enable_ocsp_stapling(SSL_CTX *ctx) {
  (void)ssl_set_hello_flag(&ctx->settings, HF_REQUEST_OCSP, true);
}

void SSL_enable_ocsp_stapling(SSL *ssl) {
  (void)ssl_set_hello_flag(&ssl->settings, HF_REQUEST_OCSP, true);
}

void SSL_CTX_enable_signed_cert_timestamps(SSL_CTX *ctx) {
  (void)ssl_set_hello_flag(&ctx->settings, HF_REQUEST_SCTS, true);
}

void SSL_enable_signed_cert_timestamps(SSL *ssl) {
  (void)ssl_set_hello_flag(&ssl->settings, HF_REQUEST_SCTS, true);
}

/* ---- What came ---- */

static bool keep(CRYPTO_BUFFER **out, hf_bytes bytes) {
  *out = bytes.len == 0 ? NULL : CRYPTO_BUFFER_new(bytes.data, bytes.len, NULL);
  return *out != NULL || bytes.len == 0;
}

/* What was lent stays, though a verification that waits looks again. */
bool ssl_set_peer_staples(SSL *ssl, hf_bytes ocsp, hf_bytes scts) {
  if (ssl->peer_staples.ocsp != NULL || ssl->peer_staples.scts != NULL) return true;
  return keep(&ssl->peer_staples.ocsp, ocsp) && keep(&ssl->peer_staples.scts, scts);
}

static void give(const uint8_t **out, size_t *out_len, const CRYPTO_BUFFER *buffer) {
  const hf_bytes bytes = ssl_staple_bytes(buffer);
  *out = bytes.data;
  *out_len = bytes.len;
}

void SSL_get0_ocsp_response(const SSL *ssl, const uint8_t **out, size_t *out_len) {
  give(out, out_len, ssl->peer_staples.ocsp);
}

void SSL_get0_signed_cert_timestamp_list(const SSL *ssl, const uint8_t **out, size_t *out_len) {
  give(out, out_len, ssl->peer_staples.scts);
}
