/* test_ssl_quic_early.c: 0-RTT over QUIC above SSL: accepted, refused by the context, by a retry,
 * by a server that has it off; with BoringSSL's callbacks and with OpenSSL's. */
#include <criterion/criterion.h>
#include <string.h>

#include "ssl_pair.h"
#include "ssl_quic_pair.h"

enum { SHAPES = 4 };

static SSL_CTX *client_ctx, *server_ctx;
static SSL_SESSION *kept; /* the last that came */

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

static void set_up(void) {
  client_ctx = ssl_quic_client_ctx();
  server_ctx = ssl_quic_server_ctx("ecdsa-p256");
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
  SSL_CTX_set_early_data_enabled(client_ctx, 1);
  SSL_CTX_set_early_data_enabled(server_ctx, 1);
}

static void tear_down(void) {
  SSL_SESSION_free(kept);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_quic_early, .init = set_up, .fini = tear_down, .timeout = 120);

/* begin makes a pair whose server has |context|, if it has one, and whose client has |kept|. */
static void begin(struct ssl_quic_pair *pair, unsigned shapes, const char *context) {
  cr_assert(ssl_quic_pair_new(pair, client_ctx, server_ctx, shapes));
  cr_assert_eq(SSL_set_session(pair->client.ssl, kept), 1);
  if (context != NULL)
    cr_assert_eq(SSL_set_quic_early_data_context(pair->server.ssl, (const uint8_t *)context,
                                                 strlen(context)),
                 1);
}

/* learn connects once, so that the client has a session. */
static void learn(unsigned shapes, const char *context) {
  struct ssl_quic_pair pair;
  SSL_SESSION_free(kept);
  kept = NULL;
  begin(&pair, shapes, context);
  cr_assert(ssl_quic_run(&pair));
  cr_expect_eq(pair.client.early_returns, 0u);
  ssl_quic_pair_free(&pair);
  cr_assert_not_null(kept);
}

static void check_accepted(const struct ssl_quic_pair *pair) {
  const struct ssl_quic_end *client = &pair->client, *server = &pair->server;
  cr_expect_str_eq(client->log, " wEARLY wHANDSHAKE rHANDSHAKE wAPPLICATION rAPPLICATION");
  /* Early data is acknowledged with 1-RTT keys. */
  cr_expect_str_eq(server->log, " wHANDSHAKE rHANDSHAKE wAPPLICATION rEARLY rAPPLICATION");
  for (int level = 1; level < 4; level++)
    cr_expect_arr_eq(client->secret[1][level], server->secret[0][level], 48);
  cr_expect_eq(client->early_returns, client->openssl ? 0u : 1u);
  cr_expect_eq(server->early_returns, server->openssl ? 0u : 1u);
  cr_expect_eq(client->rejected, 0u);
  const struct ssl_quic_end *ends[] = {client, server};
  for (int i = 0; i < 2; i++) {
    cr_expect_eq(SSL_early_data_accepted(ends[i]->ssl), 1);
    cr_expect_eq(SSL_get_early_data_status(ends[i]->ssl), SSL_EARLY_DATA_ACCEPTED);
  }
  cr_expect_eq(SSL_get_early_data_reason(client->ssl), ssl_early_data_accepted);
}

Test(ssl_quic_early, accepted) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    learn(shapes, "settings");
    cr_assert_eq(SSL_SESSION_early_data_capable(kept), 1);
    cr_expect_eq(SSL_SESSION_get_max_early_data(kept), UINT32_MAX); /* RFC 9001 4.6.1 */
    begin(&pair, shapes, "settings");
    cr_assert(ssl_quic_run(&pair), "shapes %u", shapes);
    check_accepted(&pair);
    ssl_quic_pair_free(&pair);
  }
}

/* With OpenSSL's callbacks a server needs no context; with BoringSSL's there is no 0-RTT then. */
Test(ssl_quic_early, without_a_context) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    learn(shapes, NULL);
    cr_expect_eq(SSL_SESSION_early_data_capable(kept), shapes & 2 ? 1 : 0);
    begin(&pair, shapes, NULL);
    cr_assert(ssl_quic_run(&pair));
    cr_expect_eq(SSL_session_reused(pair.client.ssl), 1);
    if (shapes & 2) check_accepted(&pair);
    if (!(shapes & 2)) cr_expect_eq(pair.client.secret_len[1][ssl_encryption_early_data], 0u);
    ssl_quic_pair_free(&pair);
  }
}

static void check_refused(const struct ssl_quic_pair *pair, bool resumed) {
  const struct ssl_quic_end *client = &pair->client, *server = &pair->server;
  cr_expect_str_eq(client->log, " wEARLY wHANDSHAKE rHANDSHAKE wAPPLICATION rAPPLICATION");
  cr_expect_str_eq(server->log, " wHANDSHAKE rHANDSHAKE wAPPLICATION rAPPLICATION");
  cr_expect_eq(client->rejected, client->openssl ? 0u : 1u);
  cr_expect_eq(server->early_returns, 0u);
  cr_expect_eq(SSL_session_reused(client->ssl), resumed);
  cr_expect_eq(SSL_early_data_accepted(client->ssl), 0);
  cr_expect_eq(SSL_early_data_accepted(server->ssl), 0);
  cr_expect_eq(SSL_get_early_data_status(client->ssl), SSL_EARLY_DATA_REJECTED);
  cr_expect_arr_eq(client->secret[1][3], server->secret[0][3], 48);
  cr_expect_arr_eq(client->secret[0][3], server->secret[1][3], 48);
}

/* Resumption succeeds, and early data is refused, if the context is another, longer or gone. */
Test(ssl_quic_early, refused_for_the_context) {
  static const char *const contexts[] = {"settingS", "settings and more", NULL};
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    for (size_t i = 0; i < 3; i++) {
      struct ssl_quic_pair pair;
      learn(shapes, "settings");
      begin(&pair, shapes, contexts[i]);
      cr_assert(ssl_quic_run(&pair), "shapes %u", shapes);
      check_refused(&pair, true);
      cr_expect_eq(SSL_get_early_data_reason(pair.server.ssl),
                   ssl_early_data_quic_parameter_mismatch);
      ssl_quic_pair_free(&pair);
    }
  }
}

Test(ssl_quic_early, refused_by_a_retry) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    learn(shapes, "settings");
    begin(&pair, shapes, "settings");
    cr_assert_eq(SSL_set1_groups_list(pair.server.ssl, "P-256"), 1);
    cr_assert(ssl_quic_run(&pair), "shapes %u", shapes);
    check_refused(&pair, true);
    cr_expect_eq(SSL_used_hello_retry_request(pair.client.ssl), 1);
    ssl_quic_pair_free(&pair);
  }
}

Test(ssl_quic_early, refused_by_a_server_that_has_it_off) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    learn(shapes, "settings");
    begin(&pair, shapes, "settings");
    cr_assert_eq(SSL_set_quic_tls_early_data_enabled(pair.server.ssl, 0), 1);
    cr_assert(ssl_quic_run(&pair), "shapes %u", shapes);
    check_refused(&pair, true);
    ssl_quic_pair_free(&pair);
  }
}

/* A client that has it off offers none. */
Test(ssl_quic_early, a_client_that_has_it_off) {
  struct ssl_quic_pair pair;
  learn(0, "settings");
  begin(&pair, 0, "settings");
  cr_assert_eq(SSL_set_quic_tls_early_data_enabled(pair.client.ssl, 0), 1);
  cr_assert(ssl_quic_run(&pair));
  cr_expect_eq(pair.client.secret_len[1][ssl_encryption_early_data], 0u);
  ssl_quic_pair_free(&pair);
}

/* The context and what else is special about QUIC are in BoringSSL's encoding of the session. */
Test(ssl_quic_early, a_session_as_bytes) {
  struct ssl_quic_pair pair;
  uint8_t *bytes = NULL;
  size_t len;
  learn(0, "settings");
  cr_assert_eq(SSL_SESSION_to_bytes(kept, &bytes, &len), 1);
  SSL_SESSION_free(kept);
  kept = SSL_SESSION_from_bytes(bytes, len, client_ctx);
  OPENSSL_free(bytes);
  cr_assert_not_null(kept);
  begin(&pair, 0, "settings");
  cr_assert(ssl_quic_run(&pair));
  check_accepted(&pair);
  ssl_quic_pair_free(&pair);
}
