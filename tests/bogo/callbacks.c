/* callbacks.c: callbacks of the handshake.  With -async each one that can say "later" says it once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bogo/shim.h"

static bool expect_name(const SSL *ssl) {
  const char *expected = state_of(ssl)->config->expect_server_name;
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (expected == NULL || (name != NULL && strcmp(name, expected) == 0)) return true;
  return complain("server name %s, not %s", name == NULL ? "(none)" : name, expected);
}

static enum ssl_select_cert_result_t on_hello(const SSL_CLIENT_HELLO *hello) {
  struct state *state = state_of(hello->ssl);
  state->hello_seen = true;
  if (!expect_name(hello->ssl) || state->config->fail_early_callback) return ssl_select_cert_error;
  if (!state->config->use_early_callback) return ssl_select_cert_success;
  if (state->config->async && !state->hello_ready) return ssl_select_cert_retry;
  return certificate_install(hello->ssl) ? ssl_select_cert_success : ssl_select_cert_error;
}

static int on_load(const SSL_CLIENT_HELLO *hello) {
  return !state_of(hello->ssl)->config->fail_ddos_callback;
}

static int on_name(SSL *ssl, int *alert, void *arg) {
  (void)alert, (void)arg;
  return expect_name(ssl) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int on_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                   unsigned in_len, void *arg) {
  struct state *state = state_of(ssl);
  const struct config *config = state->config;
  const char *expected = config->expect_advertised_alpn;
  (void)arg;
  if (state->alpn_selected) {
    state->broken = true;
    complain("ALPN was chosen twice");
  }
  state->alpn_selected = true;
  if (config->decline_alpn) return SSL_TLSEXT_ERR_NOACK;
  if (config->reject_alpn) return SSL_TLSEXT_ERR_ALERT_FATAL;
  if (expected != NULL && (strlen(expected) != in_len || memcmp(expected, in, in_len) != 0)) {
    state->broken = true;
    complain("another list of protocols than expected");
  }
  *out = (const uint8_t *)(config->select_empty_alpn ? "" : config->select_alpn);
  *out_len = (uint8_t)strlen((const char *)*out);
  return SSL_TLSEXT_ERR_OK;
}

static int on_certificate(SSL *ssl, void *arg) {
  struct state *state = state_of(ssl);
  (void)arg;
  if ((!SSL_is_server(ssl) && !expect_certificate_request(ssl)) || !expect_peer_verify_prefs(ssl))
    return -1;
  if (state->config->fail_cert_callback) return 0;
  if (!state->config->async || state->config->use_early_callback)
    return 1; /* it is there already */
  if (!state->certificate_ready) return -1;
  return certificate_install(ssl);
}

static int on_client_certificate(SSL *ssl, X509 **out, EVP_PKEY **out_key) {
  struct state *state = state_of(ssl);
  STACK_OF(X509) * chain;
  if (!expect_certificate_request(ssl)) return -1;
  if (state->config->async && !state->certificate_ready) return -1;
  if (!certificate_configured(ssl, out, &chain, out_key)) return -1;
  sk_X509_pop_free(chain, X509_free);
  if (*out != NULL) return 1;
  EVP_PKEY_free(*out_key);
  return 0;
}

/* ---- Verification ---- */

static bool may_verify(const SSL *ssl) {
  const uint8_t *ocsp;
  size_t len;
  SSL_get0_ocsp_response(ssl, &ocsp, &len);
  if (state_of(ssl)->config->expect_ocsp_response.len > 0 && len == 0) {
    return complain("the OCSP response is not there when the chain is verified");
  }
  return !state_of(ssl)->verified || complain("a chain was verified twice");
}

static int on_verify(X509_STORE_CTX *store_ctx, void *arg) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  (void)arg;
  if (!may_verify(ssl)) return 0;
  state_of(ssl)->verified = true;
  if (!state_of(ssl)->config->verify_fail) return 1;
  X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

static enum ssl_verify_result_t on_custom_verify(SSL *ssl, uint8_t *alert) {
  struct state *state = state_of(ssl);
  (void)alert;
  if (!may_verify(ssl)) return ssl_verify_invalid;
  if (state->config->async && !state->verify_ready) return ssl_verify_retry;
  state->verified = true;
  return state->config->verify_fail ? ssl_verify_invalid : ssl_verify_ok;
}

static int on_status(SSL *ssl, void *arg) {
  const struct config *config = state_of(ssl)->config;
  (void)arg;
  if (!SSL_is_server(ssl)) return !config->fail_ocsp_callback;
  if (config->set_ocsp_in_callback &&
      !SSL_set_ocsp_response(ssl, config->ocsp_response.bytes, config->ocsp_response.len)) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (config->fail_ocsp_callback) return SSL_TLSEXT_ERR_ALERT_FATAL;
  return config->decline_ocsp_callback ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

/* ---- Looking on ---- */

static void on_info(const SSL *ssl, int type, int value) {
  struct state *state = state_of(ssl);
  (void)value;
  if (type != SSL_CB_HANDSHAKE_DONE) return;
  state->handshake_done = true;
  if (state->config->handshake_never_done || SSL_in_init(ssl) || SSL_get_session(ssl) == NULL) {
    complain("the handshake must not be done now");
    exit(EXIT_MUST_NOT_BE);
  }
}

static void on_time(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  out->tv_sec = (time_t)clock_seconds;
  out->tv_usec = 0;
}

void callbacks_context(SSL_CTX *ctx, const struct config *config) {
  SSL_CTX_set_select_certificate_cb(ctx, on_hello);
  SSL_CTX_set_current_time_cb(ctx, on_time);
  SSL_CTX_set_info_callback(ctx, on_info);
  SSL_CTX_set_msg_callback(ctx, on_message);
  SSL_CTX_sess_set_new_cb(ctx, on_new_session);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH);
  if (config->async && config->server) {
    /* Its sessions are elsewhere, and looking for one takes time. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_get_cb(ctx, on_get_session);
  }
  if (config->use_old_client_cert_callback) SSL_CTX_set_client_cert_cb(ctx, on_client_certificate);
  if (config->select_alpn != NULL || config->decline_alpn || config->reject_alpn ||
      config->select_empty_alpn) {
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
  }
  if (config->expect_server_name != NULL) SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
  if (config->use_ticket_callback) SSL_CTX_set_tlsext_ticket_key_cb(ctx, on_ticket_key);
  if (!config->use_custom_verify_callback) SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
  if (config->use_ocsp_callback) SSL_CTX_set_tlsext_status_cb(ctx, on_status);
  if (config->install_ddos_callback) SSL_CTX_set_dos_protection_cb(ctx, on_load);
}

bool callbacks_connection(SSL *ssl, const struct config *config) {
  if (!config->use_old_client_cert_callback) {
    SSL_set_cert_cb(ssl, on_certificate, NULL);
    if (!config->use_early_callback && !config->async && !certificate_install(ssl)) return false;
  }
  int mode = SSL_VERIFY_NONE;
  if (config->require_any_client_certificate)
    mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  if (config->verify_peer) mode = SSL_VERIFY_PEER;
  if (config->use_custom_verify_callback) {
    SSL_set_custom_verify(ssl, mode, on_custom_verify);
  } else if (mode != SSL_VERIFY_NONE) {
    SSL_set_verify(ssl, mode, NULL);
  }
  return true;
}
