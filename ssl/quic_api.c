/* quic_api.c: <openssl/ssl_quic.h>: what is configured for QUIC, in BoringSSL's way and in
 * OpenSSL's, and the calls that QUIC makes.  Leaves to others: what runs the connection (quic.c).
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/quic.h"

enum { PARAMS_MAX = 2048 }; /* of hf_start.quic_params */

static bool not_now(void) {
  SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  return false;
}

/* settle makes ssl->quic, if there is none.  False: memory ran out. */
static bool settle(SSL *ssl) {
  if (ssl->quic != NULL) return true;
  ssl->quic = OPENSSL_malloc(sizeof *ssl->quic);
  if (ssl->quic == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return false;
  }
  memset(ssl->quic, 0, sizeof *ssl->quic);
  return true;
}

static bool set_owned(ssl_owned *to, const uint8_t *data, size_t len, size_t max) {
  if (len > max) {
    SSL_ERR(ERR_R_OVERFLOW);
    return false;
  }
  if (ssl_owned_set(to, data, len)) return true;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return false;
}

int SSL_is_quic(const SSL *ssl) { return ssl_quic_on(ssl); }

/* ---- As in BoringSSL ---- */

int SSL_CTX_set_quic_method(SSL_CTX *ctx, const SSL_QUIC_METHOD *method) {
  ctx->quic_method = method;
  return 1;
}

int SSL_set_quic_method(SSL *ssl, const SSL_QUIC_METHOD *method) {
  if (ssl->conn != NULL) return not_now();
  if (!settle(ssl)) return 0;
  ssl->quic->method = method;
  ssl->quic->has_tls = false;
  return 1;
}

size_t SSL_quic_max_handshake_flight_len(const SSL *ssl, enum ssl_encryption_level_t level) {
  const size_t least = 16384, certs = ssl->settings->max_cert_list;
  if (level == ssl_encryption_early_data) return 0;
  if (level != ssl_encryption_handshake) return least;
  if (ssl->role == SSL_ROLE_SERVER) {
    const bool asks = (ssl->local.verify_mode & SSL_VERIFY_PEER) != 0;
    return asks && certs > least ? certs : least;
  }
  return certs > least / 2 && certs <= SIZE_MAX / 2 ? 2 * certs : least;
}

enum ssl_encryption_level_t SSL_quic_read_level(const SSL *ssl) {
  return ssl_quic_on(ssl) ? (enum ssl_encryption_level_t)ssl->quic->run.read_level
                          : ssl_encryption_initial;
}

enum ssl_encryption_level_t SSL_quic_write_level(const SSL *ssl) {
  return ssl_quic_on(ssl) ? (enum ssl_encryption_level_t)ssl->quic->run.write_level
                          : ssl_encryption_initial;
}

int SSL_provide_quic_data(SSL *ssl, enum ssl_encryption_level_t level, const uint8_t *data,
                          size_t len) {
  if (!ssl_quic_by_calls(ssl)) return not_now();
  const size_t held = ssl->io.in.end - ssl->io.in.start;
  const size_t max = SSL_quic_max_handshake_flight_len(ssl, level);
  if (level != SSL_quic_read_level(ssl)) {
    SSL_ERR(SSL_R_WRONG_ENCRYPTION_LEVEL_RECEIVED);
  } else if (held > max || len > max - held) {
    SSL_ERR(SSL_R_EXCESSIVE_MESSAGE_SIZE);
  } else {
    return len == 0 || ssl_io_keep(&ssl->io, data, len);
  }
  return 0;
}

int SSL_process_quic_post_handshake(SSL *ssl) {
  ssl_enter(ssl);
  if (!ssl_quic_by_calls(ssl) || !ssl->io.done) return not_now();
  (void)ssl_read_until_data(ssl); /* there is none: it ends when it has to wait, or has failed */
  if (ssl->want != SSL_READING) return 0;
  ssl->want = SSL_NOTHING;
  return 1;
}

int SSL_set_quic_transport_params(SSL *ssl, const uint8_t *params, size_t params_len) {
  if (!settle(ssl) || !set_owned(&ssl->quic->params, params, params_len, PARAMS_MAX)) return 0;
  ssl->quic->has_params = true;
  return 1;
}

void SSL_get_peer_quic_transport_params(const SSL *ssl, const uint8_t **out_params,
                                        size_t *out_params_len) {
  hf_facts facts;
  *out_params = NULL;
  *out_params_len = 0;
  if (!ssl_quic_on(ssl) || ssl->conn == NULL) return;
  const ssl_owned *kept = &ssl->quic->run.peer_params;
  *out_params = kept->data;
  *out_params_len = kept->len;
  if (ssl->quic->run.peer_params_known) return;
  hf_get_facts(&facts, ssl->conn);
  *out_params = facts.quic_params.data;
  *out_params_len = facts.quic_params.len;
}

void SSL_set_quic_use_legacy_codepoint(SSL *ssl, int use_legacy) {
  /* Without memory there is nobody to tell, and nothing to be for QUIC. */
  if (ssl->conn == NULL && settle(ssl)) ssl->quic->legacy = use_legacy != 0;
}

int SSL_set_quic_early_data_context(SSL *ssl, const uint8_t *context, size_t context_len) {
  return settle(ssl) && set_owned(&ssl->quic->context, context, context_len, UINT16_MAX);
}

/* ---- As in OpenSSL ---- */

/* take puts one function into |tls|.  The id says what its type is. */
static void take(ssl_quic_tls *tls, const OSSL_DISPATCH *entry) {
  switch (entry->function_id) {
    case OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND:
      tls->crypto_send = (OSSL_FUNC_SSL_QUIC_TLS_crypto_send_fn *)entry->function;
      break;
    case OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD:
      tls->crypto_recv_rcd = (OSSL_FUNC_SSL_QUIC_TLS_crypto_recv_rcd_fn *)entry->function;
      break;
    case OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD:
      tls->crypto_release_rcd = (OSSL_FUNC_SSL_QUIC_TLS_crypto_release_rcd_fn *)entry->function;
      break;
    case OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET:
      tls->yield_secret = (OSSL_FUNC_SSL_QUIC_TLS_yield_secret_fn *)entry->function;
      break;
    case OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS:
      tls->got_transport_params = (OSSL_FUNC_SSL_QUIC_TLS_got_transport_params_fn *)entry->function;
      break;
    case OSSL_FUNC_SSL_QUIC_TLS_ALERT:
      tls->alert = (OSSL_FUNC_SSL_QUIC_TLS_alert_fn *)entry->function;
      break;
    default:
      break;
  }
}

int SSL_set_quic_tls_cbs(SSL *ssl, const OSSL_DISPATCH *qtdis, void *arg) {
  ssl_quic_tls tls;
  memset(&tls, 0, sizeof tls);
  if (ssl->conn != NULL) return not_now();
  for (; qtdis != NULL && qtdis->function_id != 0; qtdis++) take(&tls, qtdis);
  if (tls.crypto_send == NULL || tls.crypto_recv_rcd == NULL || tls.crypto_release_rcd == NULL ||
      tls.yield_secret == NULL || tls.got_transport_params == NULL || tls.alert == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  if (!settle(ssl)) return 0;
  tls.arg = arg;
  ssl->quic->tls = tls;
  ssl->quic->has_tls = true;
  ssl->quic->method = NULL;
  return 1;
}

int SSL_set_quic_tls_transport_params(SSL *ssl, const unsigned char *params, size_t params_len) {
  return SSL_set_quic_transport_params(ssl, params, params_len);
}

int SSL_set_quic_tls_early_data_enabled(SSL *ssl, int enabled) {
  SSL_set_early_data_enabled(ssl, enabled);
  return 1;
}
