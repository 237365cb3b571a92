#include "ssl_kept.h"

#include <criterion/criterion.h>
#include <openssl/err.h>

SSL_CTX *client_ctx, *server_ctx;
SSL_SESSION *kept;
int num_kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  num_kept++;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

void kept_set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL), 1);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
}

void kept_tear_down(void) {
  kept_forget();
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  ERR_clear_error();
}

void kept_forget(void) {
  SSL_SESSION_free(kept);
  kept = NULL;
}
