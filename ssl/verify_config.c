/* verify_config.c: how the peer's chain is to be verified: mode, depth, names, parameters, trusted
 * certificates; and what is kept of it.
 *
 * X509_VERIFY_PARAM is libcrypto's and has no way back from a bad name: it is then poisoned, cannot
 * be copied, and every verification with it fails.  So it is here: SSL_new fails, or the handshake
 * does. */
#include <arpa/inet.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "ssl/internal.h"

/* ---- Mode and callback ---- */

static void set_verify(ssl_local *local, int mode,
                       int (*callback)(int ok, X509_STORE_CTX *store_ctx)) {
  local->verify_mode = mode;
  if (callback != NULL) local->verify_callback = callback;
}

void SSL_CTX_set_verify(SSL_CTX *ctx, int mode,
                        int (*callback)(int ok, X509_STORE_CTX *store_ctx)) {
  set_verify(&ctx->local, mode, callback);
}

void SSL_set_verify(SSL *ssl, int mode, int (*callback)(int ok, X509_STORE_CTX *store_ctx)) {
  set_verify(&ssl->local, mode, callback);
}

int SSL_CTX_get_verify_mode(const SSL_CTX *ctx) { return ctx->local.verify_mode; }
int SSL_get_verify_mode(const SSL *ssl) { return ssl->local.verify_mode; }

int (*SSL_CTX_get_verify_callback(const SSL_CTX *ctx))(int ok, X509_STORE_CTX *store_ctx) {
  return ctx->local.verify_callback;
}

int (*SSL_get_verify_callback(const SSL *ssl))(int ok, X509_STORE_CTX *store_ctx) {
  return ssl->local.verify_callback;
}

void SSL_CTX_set_cert_verify_callback(SSL_CTX *ctx,
                                      int (*callback)(X509_STORE_CTX *store_ctx, void *arg),
                                      void *arg) {
  ctx->verify_whole = callback;
  ctx->verify_whole_arg = arg;
}

void SSL_set_enforce_rsa_key_usage(SSL *ssl, int enabled) {
  ssl->local.ignore_rsa_key_usage = enabled == 0;
}

void SSL_CTX_set_retain_only_sha256_of_client_certs(SSL_CTX *ctx, int enable) {
  ctx->local.retain_sha256 = enable != 0;
}

void SSL_set_retain_only_sha256_of_client_certs(SSL *ssl, int enable) {
  ssl->local.retain_sha256 = enable != 0;
}

int SSL_alert_from_verify_result(long result) { return hf_verify_alert(result); }

/* ---- Parameters ---- */

X509_VERIFY_PARAM *SSL_CTX_get0_param(SSL_CTX *ctx) { return ctx->param; }
X509_VERIFY_PARAM *SSL_get0_param(SSL *ssl) { return ssl->param; }

int SSL_CTX_set1_param(SSL_CTX *ctx, const X509_VERIFY_PARAM *param) {
  return X509_VERIFY_PARAM_set1(ctx->param, param);
}

int SSL_set1_param(SSL *ssl, const X509_VERIFY_PARAM *param) {
  return X509_VERIFY_PARAM_set1(ssl->param, param);
}

void SSL_CTX_set_verify_depth(SSL_CTX *ctx, int depth) {
  X509_VERIFY_PARAM_set_depth(ctx->param, depth);
}
void SSL_set_verify_depth(SSL *ssl, int depth) { X509_VERIFY_PARAM_set_depth(ssl->param, depth); }
int SSL_CTX_get_verify_depth(const SSL_CTX *ctx) { return X509_VERIFY_PARAM_get_depth(ctx->param); }
int SSL_get_verify_depth(const SSL *ssl) { return X509_VERIFY_PARAM_get_depth(ssl->param); }

int SSL_CTX_set_purpose(SSL_CTX *ctx, int purpose) {
  return X509_VERIFY_PARAM_set_purpose(ctx->param, purpose);
}
int SSL_set_purpose(SSL *ssl, int purpose) {
  return X509_VERIFY_PARAM_set_purpose(ssl->param, purpose);
}
int SSL_CTX_set_trust(SSL_CTX *ctx, int trust) {
  return X509_VERIFY_PARAM_set_trust(ctx->param, trust);
}
int SSL_set_trust(SSL *ssl, int trust) { return X509_VERIFY_PARAM_set_trust(ssl->param, trust); }

int SSL_set1_host(SSL *ssl, const char *hostname) {
  if (hostname == NULL) hostname = "";
  unsigned char address[sizeof(struct in6_addr)];
  if (inet_pton(AF_INET, hostname, address) == 1)
    return X509_VERIFY_PARAM_set1_ip(ssl->param, address, sizeof(struct in_addr));
  if (inet_pton(AF_INET6, hostname, address) == 1)
    return X509_VERIFY_PARAM_set1_ip(ssl->param, address, sizeof(struct in6_addr));
  /* RFC 6066 3, as in SSL_set_tlsext_host_name: without the dot that ends an absolute name. */
  size_t len = strlen(hostname);
  if (len > 0 && hostname[len - 1] == '.') len--;
  return X509_VERIFY_PARAM_set1_host(ssl->param, hostname, len);
}

void SSL_set_hostflags(SSL *ssl, unsigned flags) {
  X509_VERIFY_PARAM_set_hostflags(ssl->param, flags);
}

/* ---- Trusted certificates ---- */

void SSL_CTX_set_cert_store(SSL_CTX *ctx, X509_STORE *store) {
  X509_STORE_free(ctx->cert_store);
  ctx->cert_store = store;
}

X509_STORE *SSL_CTX_get_cert_store(const SSL_CTX *ctx) { return ctx->cert_store; }

int SSL_CTX_set_default_verify_paths(SSL_CTX *ctx) {
  return X509_STORE_set_default_paths(ctx->cert_store);
}

int SSL_CTX_load_verify_locations(SSL_CTX *ctx, const char *ca_file, const char *ca_dir) {
  return X509_STORE_load_locations(ctx->cert_store, ca_file, ca_dir);
}

/* set0_verify_store takes |store| over if it succeeds. */
static int set0_verify_store(ssl_settings **settings, X509_STORE *store) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_NOTHING);
  if (s == NULL) return 0;
  X509_STORE_free(s->verify_store);
  s->verify_store = store;
  return 1;
}

static int set1_verify_store(ssl_settings **settings, X509_STORE *store) {
  if (store != NULL) X509_STORE_up_ref(store);
  if (set0_verify_store(settings, store)) return 1;
  X509_STORE_free(store);
  return 0;
}

int SSL_CTX_set0_verify_cert_store(SSL_CTX *ctx, X509_STORE *store) {
  return set0_verify_store(&ctx->settings, store);
}

int SSL_CTX_set1_verify_cert_store(SSL_CTX *ctx, X509_STORE *store) {
  return set1_verify_store(&ctx->settings, store);
}

int SSL_set0_verify_cert_store(SSL *ssl, X509_STORE *store) {
  return set0_verify_store(&ssl->settings, store);
}
int SSL_set1_verify_cert_store(SSL *ssl, X509_STORE *store) {
  return set1_verify_store(&ssl->settings, store);
}

X509_STORE *ssl_verify_store(const SSL *ssl) {
  return ssl->settings->verify_store != NULL ? ssl->settings->verify_store : ssl->ctx->cert_store;
}
