/* status.c: OCSP stapling in the manner of OpenSSL: a callback that a client has look at the
 * response and a server bring one; what stapling.c does, under older names.
 *
 * Owns: io.status_asked.  The callback cannot be waited for. */
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/driver.h"

/* ---- Settings ---- */

int SSL_set_tlsext_status_type(SSL *ssl, int type) {
  return ssl_set_hello_flag(&ssl->settings, HF_REQUEST_OCSP, type == TLSEXT_STATUSTYPE_ocsp);
}

int SSL_get_tlsext_status_type(const SSL *ssl) {
  bool asked = ssl->role == SSL_ROLE_SERVER ? ssl->io.status_asked
                                            : (ssl->settings->hello_flags & HF_REQUEST_OCSP) != 0;
  return asked ? TLSEXT_STATUSTYPE_ocsp : TLSEXT_STATUSTYPE_nothing;
}

int SSL_set_tlsext_status_ocsp_resp(SSL *ssl, uint8_t *resp, size_t resp_len) {
  if (!SSL_set_ocsp_response(ssl, resp, resp_len)) return 0;
  OPENSSL_free(resp);
  return 1;
}

size_t SSL_get_tlsext_status_ocsp_resp(const SSL *ssl, const uint8_t **out) {
  size_t len;
  SSL_get0_ocsp_response(ssl, out, &len);
  return len;
}

int SSL_CTX_set_tlsext_status_cb(SSL_CTX *ctx, int (*callback)(SSL *ssl, void *arg)) {
  ctx->status_cb = callback;
  return 1;
}

int SSL_CTX_set_tlsext_status_arg(SSL_CTX *ctx, void *arg) {
  ctx->status_arg = arg;
  return 1;
}

/* ---- Asking ---- */

/* RFC 6066 8: the request begins with the type of status. */
static bool asks_for_ocsp(const SSL_CLIENT_HELLO *hello) {
  const uint8_t *body;
  size_t len;
  return SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_status_request, &body, &len) &&
         len > 0 && body[0] == TLSEXT_STATUSTYPE_ocsp;
}

static bool reject(SSL *ssl, uint8_t alert) {
  ssl->io.refusal = SSL_R_OCSP_CB_ERROR;
  return hf_refuse(ssl->conn, alert) != HF_OK;
}

bool ssl_ask_status_server(SSL *ssl, hf_bytes message) {
  SSL_CLIENT_HELLO hello;
  ssl->io.status_asked = ssl_open_hello(&hello, ssl, message) && asks_for_ocsp(&hello);
  if (!ssl->io.status_asked || ssl->ctx->status_cb == NULL) return true;
  switch (ssl->ctx->status_cb(ssl, ssl->ctx->status_arg)) {
    case SSL_TLSEXT_ERR_OK:
      return true;
    case SSL_TLSEXT_ERR_NOACK:
      ssl->io.status_asked = false;
      return ssl_drop_ocsp(&ssl->settings) || reject(ssl, SSL_AD_INTERNAL_ERROR);
    default:
      return reject(ssl, SSL_AD_INTERNAL_ERROR);
  }
}

bool ssl_ask_status_client(SSL *ssl) {
  if (ssl->role != SSL_ROLE_CLIENT || ssl->ctx->status_cb == NULL ||
      (ssl->settings->hello_flags & HF_REQUEST_OCSP) == 0)
    return true;
  int ret = ssl->ctx->status_cb(ssl, ssl->ctx->status_arg);
  if (ret > 0) return true;
  return reject(ssl, ret == 0 ? SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE : SSL_AD_INTERNAL_ERROR);
}
