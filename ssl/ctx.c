/* ctx.c: SSL_CTX: its methods, its life, and the settings of it that concern no certificate, suite,
 * version or name: modes, sizes, session caching.
 *
 * Invariant: |settings| and |param| are never NULL.  The cache of sessions is
 * session_cache.c's; a client has none: SSL_SESS_CACHE_CLIENT has the callback called.
 */
#include "ssl/internal.h"

#include <string.h>

#include <openssl/mem.h>

/* ---- Methods ---- */

#define METHOD(name, role, version)                        \
  const SSL_METHOD *name(void) {                           \
    static const SSL_METHOD kMethod = {(role), (version)}; \
    return &kMethod;                                       \
  }

METHOD(TLS_method, SSL_ROLE_NONE, 0)
METHOD(TLS_client_method, SSL_ROLE_CLIENT, 0)
METHOD(TLS_server_method, SSL_ROLE_SERVER, 0)
METHOD(SSLv23_method, SSL_ROLE_NONE, 0)
METHOD(SSLv23_client_method, SSL_ROLE_CLIENT, 0)
METHOD(SSLv23_server_method, SSL_ROLE_SERVER, 0)
METHOD(TLSv1_2_method, SSL_ROLE_NONE, TLS1_2_VERSION)
METHOD(TLSv1_2_client_method, SSL_ROLE_CLIENT, TLS1_2_VERSION)
METHOD(TLSv1_2_server_method, SSL_ROLE_SERVER, TLS1_2_VERSION)

/* ---- Life ---- */

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method) {
  if (method == NULL) {
    SSL_ERR(SSL_R_NULL_SSL_METHOD_PASSED);
    return NULL;
  }
  SSL_CTX *ctx = OPENSSL_malloc(sizeof *ctx);
  if (ctx == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return NULL;
  }
  memset(ctx, 0, sizeof *ctx);
  atomic_init(&ctx->references, 1);
  ctx->method = method;
  ctx->settings = ssl_settings_new();
  ctx->cert_store = X509_STORE_new();
  ctx->param = X509_VERIFY_PARAM_new();
  if (!ssl_session_cache_init(&ctx->session_cache) || ctx->settings == NULL ||
      ctx->cert_store == NULL || ctx->param == NULL) {
    SSL_CTX_free(ctx);
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return NULL;
  }
  ctx->settings->version_min = ctx->settings->version_max = method->version;
  ctx->local.mode = SSL_MODE_NO_AUTO_CHAIN;
  ctx->session_cache_mode = SSL_SESS_CACHE_SERVER;
  ctx->session_cache_size = SSL_SESSION_CACHE_MAX_SIZE_DEFAULT;
  ctx->session_timeout = SSL_DEFAULT_SESSION_TIMEOUT;
  ssl_ticket_keys_init(&ctx->ticket_keys);
  ssl_replay_init(&ctx->replay);
  ctx->replay.started = ssl_now(ctx);
  return ctx;
}

int SSL_CTX_up_ref(SSL_CTX *ctx) {
  atomic_fetch_add(&ctx->references, 1);
  return 1;
}

void SSL_CTX_free(SSL_CTX *ctx) {
  if (ctx == NULL || atomic_fetch_sub(&ctx->references, 1) != 1) return;
  /* First, for it calls the application, which may want its data. */
  ssl_session_cache_clear(ctx);
  ssl_ex_data_free(&ctx->ex_data, &ssl_ex_class_ctx, ctx);
  ssl_custom_free(ctx);
  ssl_settings_free(ctx->settings);
  X509_STORE_free(ctx->cert_store);
  X509_VERIFY_PARAM_free(ctx->param);
  ssl_replay_clear(&ctx->replay);
  OPENSSL_free(ctx);
}

/* ---- Modes and sizes ---- */

uint32_t SSL_CTX_set_mode(SSL_CTX *ctx, uint32_t mode) { return ctx->local.mode |= mode; }
uint32_t SSL_CTX_clear_mode(SSL_CTX *ctx, uint32_t mode) { return ctx->local.mode &= ~mode; }
uint32_t SSL_CTX_get_mode(const SSL_CTX *ctx) { return ctx->local.mode; }
uint32_t SSL_set_mode(SSL *ssl, uint32_t mode) { return ssl->local.mode |= mode; }
uint32_t SSL_clear_mode(SSL *ssl, uint32_t mode) { return ssl->local.mode &= ~mode; }
uint32_t SSL_get_mode(const SSL *ssl) { return ssl->local.mode; }

int SSL_CTX_set_read_ahead(SSL_CTX *ctx, int yes) {
  ctx->local.read_ahead = yes != 0;
  return 1;
}

int SSL_CTX_get_read_ahead(const SSL_CTX *ctx) { return ctx->local.read_ahead; }

int SSL_set_read_ahead(SSL *ssl, int yes) {
  ssl->local.read_ahead = yes != 0;
  return 1;
}

int SSL_get_read_ahead(const SSL *ssl) { return ssl->local.read_ahead; }

static int set_max_send_fragment(ssl_settings **settings, size_t size) {
  const size_t least = 512, most = SSL3_RT_MAX_PLAIN_LENGTH;
  const size_t max = size < least ? least : size > most ? most : size;
  if ((*settings)->max_send_fragment == max) return 1;
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  s->max_send_fragment = (uint16_t)max;
  return 1;
}

int SSL_CTX_set_max_send_fragment(SSL_CTX *ctx, size_t max_send_fragment) {
  return set_max_send_fragment(&ctx->settings, max_send_fragment);
}

int SSL_set_max_send_fragment(SSL *ssl, size_t max_send_fragment) {
  return set_max_send_fragment(&ssl->settings, max_send_fragment);
}

static void set_max_cert_list(ssl_settings **settings, size_t size) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s != NULL) s->max_cert_list = size;
}

void SSL_CTX_set_max_cert_list(SSL_CTX *ctx, size_t max_cert_list) {
  set_max_cert_list(&ctx->settings, max_cert_list);
}

void SSL_set_max_cert_list(SSL *ssl, size_t max_cert_list) {
  set_max_cert_list(&ssl->settings, max_cert_list);
}

size_t SSL_CTX_get_max_cert_list(const SSL_CTX *ctx) { return ctx->settings->max_cert_list; }
size_t SSL_get_max_cert_list(const SSL *ssl) { return ssl->settings->max_cert_list; }

/* ---- Sessions ---- */

int SSL_CTX_set_session_cache_mode(SSL_CTX *ctx, int mode) {
  int before = ctx->session_cache_mode;
  ctx->session_cache_mode = mode;
  return before;
}

int SSL_CTX_get_session_cache_mode(const SSL_CTX *ctx) { return ctx->session_cache_mode; }

unsigned long SSL_CTX_sess_set_cache_size(SSL_CTX *ctx, unsigned long size) {
  unsigned long before = ctx->session_cache_size;
  ctx->session_cache_size = size;
  return before;
}

unsigned long SSL_CTX_sess_get_cache_size(const SSL_CTX *ctx) { return ctx->session_cache_size; }

uint32_t SSL_CTX_set_timeout(SSL_CTX *ctx, uint32_t timeout) {
  uint32_t before = ctx->session_timeout;
  ctx->session_timeout = timeout == 0 ? SSL_DEFAULT_SESSION_TIMEOUT : timeout;
  return before;
}

uint32_t SSL_CTX_get_timeout(const SSL_CTX *ctx) { return ctx->session_timeout; }

void SSL_CTX_set_session_psk_dhe_timeout(SSL_CTX *ctx, uint32_t timeout) {
  ssl_settings *s = ssl_settings_edit(&ctx->settings, SSL_EDIT_CONFIG);
  if (s == NULL) return;
  if (timeout == 0) timeout = SSL_DEFAULT_SESSION_PSK_DHE_TIMEOUT;
  s->ticket_lifetime =
      timeout < SSL_DEFAULT_SESSION_AUTH_TIMEOUT ? timeout : SSL_DEFAULT_SESSION_AUTH_TIMEOUT;
}

static int set_num_tickets(ssl_settings **settings, size_t num) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  s->num_tickets = num < SSL_MAX_TICKETS ? num : SSL_MAX_TICKETS;
  return 1;
}

int SSL_CTX_set_num_tickets(SSL_CTX *ctx, size_t num_tickets) {
  return set_num_tickets(&ctx->settings, num_tickets);
}

int SSL_set_num_tickets(SSL *ssl, size_t num_tickets) {
  return set_num_tickets(&ssl->settings, num_tickets);
}

size_t SSL_CTX_get_num_tickets(const SSL_CTX *ctx) { return ctx->settings->num_tickets; }
size_t SSL_get_num_tickets(const SSL *ssl) { return ssl->settings->num_tickets; }

static int set_session_id_context(ssl_settings **settings, const uint8_t *id, size_t len) {
  if (len > SSL_MAX_SID_CTX_LENGTH) {
    SSL_ERR(SSL_R_SSL_SESSION_ID_CONTEXT_TOO_LONG);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_NOTHING);
  if (s == NULL) return 0;
  if (len > 0) memcpy(s->session_id_context, id, len);
  s->session_id_context_len = len;
  return 1;
}

int SSL_CTX_set_session_id_context(SSL_CTX *ctx, const uint8_t *sid_ctx, size_t sid_ctx_len) {
  return set_session_id_context(&ctx->settings, sid_ctx, sid_ctx_len);
}

int SSL_set_session_id_context(SSL *ssl, const uint8_t *sid_ctx, size_t sid_ctx_len) {
  return set_session_id_context(&ssl->settings, sid_ctx, sid_ctx_len);
}

const uint8_t *SSL_get0_session_id_context(const SSL *ssl, size_t *out_len) {
  *out_len = ssl->settings->session_id_context_len;
  return ssl->settings->session_id_context;
}
