/* ctx_version.c: versions and SSL_OP_ options of an SSL_CTX and an SSL.
 *
 * Bounds are kept as they were given, 0 for the default; which of them the engine can speak is
 * ssl_config.c's business. */
#include "ssl/internal.h"

enum { DEFAULT_MIN = TLS1_2_VERSION, DEFAULT_MAX = TLS1_3_VERSION };

static int set_version(ssl_settings **settings, uint16_t version, bool max) {
  /* SSL 3.0 is a version too old to be known, and DTLS is not TLS. */
  if (version != 0 && (version < TLS1_VERSION || version > TLS1_3_VERSION)) {
    SSL_ERR(SSL_R_UNKNOWN_SSL_VERSION);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  *(max ? &s->version_max : &s->version_min) = version;
  return 1;
}

static uint16_t version_min(const ssl_settings *s) {
  return s->version_min != 0 ? s->version_min : DEFAULT_MIN;
}

static uint16_t version_max(const ssl_settings *s) {
  return s->version_max != 0 ? s->version_max : DEFAULT_MAX;
}

int SSL_CTX_set_min_proto_version(SSL_CTX *ctx, uint16_t version) {
  return set_version(&ctx->settings, version, false);
}

int SSL_CTX_set_max_proto_version(SSL_CTX *ctx, uint16_t version) {
  return set_version(&ctx->settings, version, true);
}

int SSL_set_min_proto_version(SSL *ssl, uint16_t version) {
  return set_version(&ssl->settings, version, false);
}

int SSL_set_max_proto_version(SSL *ssl, uint16_t version) {
  return set_version(&ssl->settings, version, true);
}

uint16_t SSL_CTX_get_min_proto_version(const SSL_CTX *ctx) { return version_min(ctx->settings); }
uint16_t SSL_CTX_get_max_proto_version(const SSL_CTX *ctx) { return version_max(ctx->settings); }
uint16_t SSL_get_min_proto_version(const SSL *ssl) { return version_min(ssl->settings); }
uint16_t SSL_get_max_proto_version(const SSL *ssl) { return version_max(ssl->settings); }

/* Without a change there is nothing to edit, and settings stay shared. */
static uint32_t set_options(ssl_settings **settings, uint32_t options) {
  if ((*settings)->options == options) return options;
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s != NULL) s->options = options;
  return (*settings)->options;
}

uint32_t SSL_CTX_set_options(SSL_CTX *ctx, uint32_t options) {
  return set_options(&ctx->settings, ctx->settings->options | options);
}

uint32_t SSL_CTX_clear_options(SSL_CTX *ctx, uint32_t options) {
  return set_options(&ctx->settings, ctx->settings->options & ~options);
}

uint32_t SSL_CTX_get_options(const SSL_CTX *ctx) { return ctx->settings->options; }

uint32_t SSL_set_options(SSL *ssl, uint32_t options) {
  return set_options(&ssl->settings, ssl->settings->options | options);
}

uint32_t SSL_clear_options(SSL *ssl, uint32_t options) {
  return set_options(&ssl->settings, ssl->settings->options & ~options);
}

uint32_t SSL_get_options(const SSL *ssl) { return ssl->settings->options; }
