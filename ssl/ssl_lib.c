/* ssl_lib.c: SSL: made of an SSL_CTX, moved to another, freed; and the library's beginnings, of
 * which there are none.
 *
 * |ctx| is the SSL_CTX in force, |first_ctx| the one it was made from; both are counted.  The
 * connection itself is the driver's: ssl_io_reset. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/mem.h>

#include "ssl/quic.h"

/* ---- Life ---- */

SSL *SSL_new(SSL_CTX *ctx) {
  if (ctx == NULL) {
    SSL_ERR(SSL_R_NULL_SSL_CTX);
    return NULL;
  }
  SSL *ssl = OPENSSL_malloc(sizeof *ssl);
  if (ssl == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return NULL;
  }
  memset(ssl, 0, sizeof *ssl);
  atomic_init(&ssl->references, 1);
  SSL_CTX_up_ref(ctx);
  SSL_CTX_up_ref(ctx);
  ssl->ctx = ssl->first_ctx = ctx;
  ssl->settings = ssl_settings_share(ctx->settings);
  ssl->local = ctx->local;
  ssl->role = ctx->method->role;
  ssl->want = SSL_NOTHING;
  ssl->verify_result = X509_V_ERR_INVALID_CALL;
  ssl->param = X509_VERIFY_PARAM_new();
  if (ssl->param == NULL || !X509_VERIFY_PARAM_set1(ssl->param, ctx->param)) {
    SSL_free(ssl);
    SSL_ERR(ERR_R_X509_LIB);
    return NULL;
  }
  if (ctx->quic_method != NULL && !SSL_set_quic_method(ssl, ctx->quic_method)) {
    SSL_free(ssl);
    return NULL;
  }
  return ssl;
}

int SSL_up_ref(SSL *ssl) {
  atomic_fetch_add(&ssl->references, 1);
  return 1;
}

void SSL_free(SSL *ssl) {
  if (ssl == NULL || atomic_fetch_sub(&ssl->references, 1) != 1) return;
  /* First, for who gets his pointer back may want to look at the rest. */
  ssl_ex_data_free(&ssl->ex_data, &ssl_ex_class_ssl, ssl);
  ssl_io_reset(ssl);
  ssl_quic_free(ssl);
  ssl_peer_clear(ssl);
  ssl_session_clear(ssl, true);
  ssl_expected_free(ssl);
  BIO_free_all(ssl->rbio);
  BIO_free_all(ssl->wbio);
  OPENSSL_free(ssl->host_name);
  X509_VERIFY_PARAM_free(ssl->param);
  ssl_settings_free(ssl->settings);
  SSL_CTX_free(ssl->ctx);
  SSL_CTX_free(ssl->first_ctx);
  OPENSSL_free(ssl);
}

int SSL_clear(SSL *ssl) {
  ssl_io_reset(ssl);
  ssl_peer_clear(ssl);
  ssl_session_clear(ssl, false);
  ssl->want = SSL_NOTHING;
  return 1;
}

/* ---- SSL_CTX ---- */

SSL_CTX *SSL_get_SSL_CTX(const SSL *ssl) { return ssl->ctx; }

SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx) {
  if (ctx == NULL) ctx = ssl->first_ctx;
  if (ssl->ctx == ctx) return ctx;
  ssl_settings *s = ssl_settings_edit(&ssl->settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) return NULL;
  if (!ssl_slots_copy(s, ctx->settings)) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return NULL;
  }
  /* Many connections move to the same SSL_CTX: what is made of its certificates once is good for
   * all of them. */
  if (!ssl_credentials_share(s, ctx->settings)) return NULL;
  SSL_CTX_up_ref(ctx);
  SSL_CTX_free(ssl->ctx);
  ssl->ctx = ctx;
  return ctx;
}

/* ---- Role ---- */

/* A connection keeps the role that its engine has. */
static void set_role(SSL *ssl, int8_t role) {
  if (ssl->conn == NULL) ssl->role = role;
}

void SSL_set_connect_state(SSL *ssl) { set_role(ssl, SSL_ROLE_CLIENT); }
void SSL_set_accept_state(SSL *ssl) { set_role(ssl, SSL_ROLE_SERVER); }
int SSL_is_server(const SSL *ssl) { return ssl->role == SSL_ROLE_SERVER; }

int SSL_is_dtls(const SSL *ssl) {
  (void)ssl;
  return 0;
}

/* ---- The library ---- */

int SSL_library_init(void) { return 1; }

int OPENSSL_init_ssl(uint64_t opts, const OPENSSL_INIT_SETTINGS *settings) {
  (void)opts;
  (void)settings;
  return 1;
}

void SSL_load_error_strings(void) {}
void ERR_load_SSL_strings(void) {}
