/* early_settings.c: early data switched on and off.  Owns ssl_settings.early_client, early_server
 * and max_early_data. */
#include "ssl/internal.h"

/* set_early: |max| 0 leaves the number as it is.  False: memory ran out. */
static bool set_early(ssl_settings **settings, bool client, bool server, uint32_t max) {
  const ssl_settings *now = *settings;
  if (max == 0) max = now->max_early_data;
  if (now->early_client == client && now->early_server == server && now->max_early_data == max)
    return true;
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return false;
  s->early_client = client;
  s->early_server = server;
  s->max_early_data = max;
  return true;
}

bool ssl_enable_early(ssl_settings **settings) {
  return set_early(settings, true, (*settings)->early_server, 0);
}

void SSL_CTX_set_early_data_enabled(SSL_CTX *ctx, int enabled) {
  (void)set_early(&ctx->settings, enabled != 0, enabled != 0, 0);
}

void SSL_set_early_data_enabled(SSL *ssl, int enabled) {
  (void)set_early(&ssl->settings, enabled != 0, enabled != 0, 0);
}

int SSL_CTX_set_max_early_data(SSL_CTX *ctx, uint32_t max_early_data) {
  return set_early(&ctx->settings, ctx->settings->early_client, max_early_data > 0, max_early_data);
}

int SSL_set_max_early_data(SSL *ssl, uint32_t max_early_data) {
  return set_early(&ssl->settings, ssl->settings->early_client, max_early_data > 0, max_early_data);
}

uint32_t SSL_CTX_get_max_early_data(const SSL_CTX *ctx) {
  return ctx->settings->early_server ? ctx->settings->max_early_data : 0;
}

uint32_t SSL_get_max_early_data(const SSL *ssl) {
  return ssl->settings->early_server ? ssl->settings->max_early_data : 0;
}
