/* Early data switched on and off: what it makes of the tickets of a server. */
#include <criterion/criterion.h>

#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;
static uint32_t allowed; /* by the last ticket */

/* max_early_data is element [24] of BoringSSL's encoding: a ticket has it, or nothing. */
static int keep(SSL *ssl, SSL_SESSION *session) {
  uint8_t *der;
  size_t len;
  (void)ssl;
  allowed = 0;
  cr_assert_eq(SSL_SESSION_to_bytes(session, &der, &len), 1);
  for (size_t i = 0; i + 5 < len; i++)
    if (der[i] == 0xb8 && der[i + 2] == 0x02 && der[i + 3] == 0x02 && der[i + 1] == 4)
      allowed = (uint32_t)(der[i + 4] << 8 | der[i + 5]);
  OPENSSL_free(der);
  return 0;
}

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
}

static void tear_down(void) {
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_early_settings, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_allowed(int on, uint32_t expected) {
  struct ssl_pair pair;
  char byte;
  allowed = 1;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 65536));
  if (on >= 0) SSL_set_early_data_enabled(pair.server, on);
  cr_assert_eq(SSL_get_max_early_data(pair.server), expected);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), 1);
  cr_assert_eq(allowed, expected);
  ssl_pair_free(&pair);
}

Test(ssl_early_settings, off_on_and_how_much) {
  expect_allowed(-1, 0);
  expect_allowed(1, 14336);
  SSL_CTX_set_early_data_enabled(server_ctx, 1);
  cr_assert_eq(SSL_CTX_get_max_early_data(server_ctx), 14336);
  expect_allowed(-1, 14336);
  expect_allowed(0, 0);
  cr_assert_eq(SSL_CTX_set_max_early_data(server_ctx, 5000), 1);
  expect_allowed(-1, 5000);
  cr_assert_eq(SSL_CTX_set_max_early_data(server_ctx, 0), 1);
  cr_assert_eq(SSL_CTX_get_max_early_data(server_ctx), 0);
  expect_allowed(-1, 0);
  expect_allowed(1, 5000);
}
