/* test_ssl_quic.c: QUIC above SSL: BoringSSL's SSL_QUIC_METHOD and OpenSSL's SSL_set_quic_tls_cbs
 * against each other and themselves.  test_interop_quic.c has a peer that nobody here wrote. */
#include <criterion/criterion.h>
#include <openssl/err.h>
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
}

static void tear_down(void) {
  SSL_SESSION_free(kept);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_quic, .init = set_up, .fini = tear_down, .timeout = 120);

static void new_pair(struct ssl_quic_pair *pair, unsigned shapes) {
  cr_assert(ssl_quic_pair_new(pair, client_ctx, server_ctx, shapes));
}

static void check_params(const struct ssl_quic_end *end, size_t expected) {
  const uint8_t *params;
  size_t len;
  SSL_get_peer_quic_transport_params(end->ssl, &params, &len);
  cr_expect(params != NULL && len == expected && params[0] == 1, "%zu bytes", len);
  if (end->openssl) cr_expect_eq(end->params_told, 1u);
}

/* Both have the same secrets, the parameters, the protocol, and know their levels. */
static void check_pair(const struct ssl_quic_pair *pair) {
  const struct ssl_quic_end *ends[] = {&pair->client, &pair->server};
  for (int i = 0; i < 2; i++) {
    const struct ssl_quic_end *one = ends[i], *other = ends[1 - i];
    for (int level = 2; level < 4; level++) {
      cr_expect_eq(one->secret_len[1][level], other->secret_len[0][level]);
      cr_expect_arr_eq(one->secret[1][level], other->secret[0][level], 48);
      if (!one->openssl)
        cr_expect_eq(one->suite[1][level],
                     SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(one->ssl)));
    }
    const uint8_t *alpn;
    unsigned len;
    SSL_get0_alpn_selected(one->ssl, &alpn, &len);
    cr_expect(len == 2 && memcmp(alpn, "h3", 2) == 0);
    cr_expect_eq(SSL_is_quic(one->ssl), 1);
    cr_expect_eq(SSL_quic_read_level(one->ssl), ssl_encryption_application);
    cr_expect_eq(SSL_quic_write_level(one->ssl), ssl_encryption_application);
    cr_expect_eq(one->alerts, 0u);
  }
  check_params(&pair->client, 7);
  check_params(&pair->server, 6);
}

/* check_failed: the end failed with |reason| and told |alert| once, however often it is called. */
static void check_failed(struct ssl_quic_end *end, int reason, int alert) {
  for (int times = 0; times < 2; times++) {
    ssl_quic_go(end, 0);
    cr_expect_eq(end->error, SSL_ERROR_SSL);
    cr_expect_eq(first_reason(), reason, "%d", first_reason());
  }
  cr_expect_eq(end->alerts, 1u);
  cr_expect_eq(end->alert, alert, "alert %d", end->alert);
  if (!end->openssl) cr_expect_eq(end->alert_level, end->write_at);
}

static const char client_log[] = " wHANDSHAKE rHANDSHAKE wAPPLICATION rAPPLICATION";
static const char *const server_log = client_log;

Test(ssl_quic, a_full_handshake) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    new_pair(&pair, shapes);
    cr_assert(ssl_quic_run(&pair), "shapes %u", shapes);
    check_pair(&pair);
    cr_expect_str_eq(pair.client.log, client_log);
    cr_expect_str_eq(pair.server.log, server_log);
    if (!pair.client.openssl) cr_expect_eq(pair.client.flights, 2u);
    if (!pair.server.openssl) cr_expect_eq(pair.server.flights, 2u, "its own and the tickets");
    cr_expect_not_null(kept);
    cr_expect_eq(SSL_do_handshake(pair.client.ssl), 1);
    cr_expect_eq(SSL_is_init_finished(pair.server.ssl), 1);
    ssl_quic_pair_free(&pair);
  }
}

Test(ssl_quic, a_retry_and_a_client_certificate) {
  static const int p384[] = {NID_secp384r1};
  cr_assert_eq(SSL_CTX_set1_curves(server_ctx, p384, 1), 1);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL), 1);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(client_ctx, cert_path("client-ecdsa-p256.pem")),
               1);
  cr_assert_eq(
      SSL_CTX_use_PrivateKey_file(client_ctx, cert_path("client-ecdsa-p256.key"), SSL_FILETYPE_PEM),
      1);
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    new_pair(&pair, shapes);
    cr_assert(ssl_quic_run(&pair), "shapes %u", shapes);
    check_pair(&pair);
    cr_expect_str_eq(pair.client.log, client_log);
    cr_expect_str_eq(pair.server.log, server_log);
    cr_expect_eq(SSL_used_hello_retry_request(pair.client.ssl), 1);
    X509 *cert = SSL_get_peer_certificate(pair.server.ssl);
    cr_expect_not_null(cert);
    X509_free(cert);
    ssl_quic_pair_free(&pair);
  }
}

/* Streams in pieces, and a crypto_send that takes little at a time. */
Test(ssl_quic, in_small_pieces) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    for (size_t piece = 1; piece < 300; piece = piece * 2 + 1) {
      struct ssl_quic_pair pair;
      new_pair(&pair, shapes);
      pair.piece = pair.client.send_max = pair.server.send_max = piece;
      cr_assert(ssl_quic_run(&pair), "shapes %u, pieces of %zu", shapes, piece);
      check_pair(&pair);
      ssl_quic_pair_free(&pair);
    }
  }
}

Test(ssl_quic, resumption) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    new_pair(&pair, shapes);
    cr_assert(ssl_quic_run(&pair));
    ssl_quic_pair_free(&pair);
    new_pair(&pair, shapes);
    cr_assert_eq(SSL_set_session(pair.client.ssl, kept), 1);
    cr_assert(ssl_quic_run(&pair));
    check_pair(&pair);
    cr_expect_eq(SSL_session_reused(pair.client.ssl), 1);
    cr_expect_eq(SSL_session_reused(pair.server.ssl), 1);
    ssl_quic_pair_free(&pair);
  }
}

/* A session is for the transport that it is from, also after it was bytes. */
Test(ssl_quic, sessions_do_not_change_the_transport) {
  struct ssl_quic_pair pair;
  struct ssl_pair records;
  uint8_t *bytes = NULL;
  size_t len;
  new_pair(&pair, 0);
  cr_assert(ssl_quic_run(&pair));
  ssl_quic_pair_free(&pair);
  cr_assert_eq(SSL_SESSION_to_bytes(kept, &bytes, &len), 1);
  SSL_SESSION *session = SSL_SESSION_from_bytes(bytes, len, client_ctx);
  OPENSSL_free(bytes);
  cr_assert_not_null(session);
  cr_assert(ssl_pair_new(&records, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(records.client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(records.client, session), 1);
  cr_assert(ssl_pair_handshake(&records));
  cr_expect_eq(SSL_session_reused(records.client), 0);
  char byte;
  cr_assert_eq(SSL_write(records.server, "x", 1), 1);
  cr_assert_eq(SSL_read(records.client, &byte, 1), 1);
  ssl_pair_free(&records);
  new_pair(&pair, 0);
  cr_assert_eq(SSL_set_session(pair.client.ssl, kept), 1);
  cr_assert(ssl_quic_run(&pair));
  cr_expect_eq(SSL_session_reused(pair.client.ssl), 0);
  ssl_quic_pair_free(&pair);
  new_pair(&pair, 0);
  cr_assert_eq(SSL_set_session(pair.client.ssl, session), 1);
  cr_assert(ssl_quic_run(&pair));
  cr_expect_eq(SSL_session_reused(pair.client.ssl), 1);
  ssl_quic_pair_free(&pair);
  SSL_SESSION_free(session);
}

/* A client's ticket for another transport is not taken either. */
Test(ssl_quic, a_server_takes_no_ticket_of_records) {
  struct ssl_quic_pair pair;
  struct ssl_pair records;
  char byte;
  cr_assert(ssl_pair_new(&records, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(records.client, "localhost"), 1);
  cr_assert(ssl_pair_handshake(&records));
  cr_assert_eq(SSL_write(records.server, "x", 1), 1);
  cr_assert_eq(SSL_read(records.client, &byte, 1), 1);
  ssl_pair_free(&records);
  /* isQuic [27] BOOLEAN TRUE, put where it belongs by hand: after the last field. */
  uint8_t *bytes = NULL, with[4096];
  size_t len;
  cr_assert_eq(SSL_SESSION_to_bytes(kept, &bytes, &len), 1);
  cr_assert(len > 200 && bytes[0] == 0x30 && bytes[1] == 0x82 && len + 5 <= sizeof with);
  memcpy(with, bytes, len);
  memcpy(with + len, "\xbb\x03\x01\x01\xff", 5);
  with[2] = (uint8_t)((len + 5 - 4) >> 8);
  with[3] = (uint8_t)(len + 5 - 4);
  SSL_SESSION *session = SSL_SESSION_from_bytes(with, len + 5, client_ctx);
  OPENSSL_free(bytes);
  cr_assert_not_null(session);
  new_pair(&pair, 0);
  cr_assert_eq(SSL_set_session(pair.client.ssl, session), 1);
  cr_assert(ssl_quic_run(&pair));
  cr_expect_eq(SSL_session_reused(pair.server.ssl), 0);
  ssl_quic_pair_free(&pair);
  SSL_SESSION_free(session);
}

/* ---- What is refused ---- */

/* RFC 9001 8.1, either role. */
Test(ssl_quic, no_protocol_in_common) {
  cr_assert_eq(SSL_CTX_set_alpn_protos(client_ctx, (const uint8_t *)"\1x", 2), 0);
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    new_pair(&pair, shapes);
    cr_expect_not(ssl_quic_run(&pair));
    check_failed(&pair.server, SSL_R_NO_APPLICATION_PROTOCOL, 120);
    ssl_quic_pair_free(&pair);
  }
}

Test(ssl_quic, a_server_without_protocols) {
  struct ssl_quic_pair pair;
  SSL_CTX_set_alpn_select_cb(server_ctx, NULL, NULL);
  new_pair(&pair, 0);
  cr_expect_not(ssl_quic_run(&pair));
  check_failed(&pair.server, SSL_R_NO_APPLICATION_PROTOCOL, 120);
  ssl_quic_pair_free(&pair);
}

Test(ssl_quic, a_client_without_protocols) {
  struct ssl_quic_pair pair;
  cr_assert_eq(SSL_CTX_set_alpn_protos(client_ctx, NULL, 0), 0);
  new_pair(&pair, 0);
  cr_expect_eq(SSL_do_handshake(pair.client.ssl), -1);
  cr_expect_eq(first_reason(), SSL_R_NO_APPLICATION_PROTOCOL);
  ssl_quic_pair_free(&pair);
}

/* A server that answers without ALPN: EncryptedExtensions with parameters alone. */
Test(ssl_quic, a_client_told_no_protocol) {
  static const uint8_t without[] = {8, 0, 0, 8, 0, 6, 0, 57, 0, 2, 1, 0};
  for (unsigned shapes = 0; shapes < 2; shapes++) {
    struct ssl_quic_pair pair;
    new_pair(&pair, shapes);
    ssl_quic_go(&pair.client, 0);
    ssl_quic_move(&pair.client, &pair.server);
    ssl_quic_go(&pair.server, 0);
    pair.server.out[ssl_encryption_handshake].len = 0;
    ssl_quic_move(&pair.server, &pair.client);
    ssl_quic_put(&pair.client, ssl_encryption_handshake, without, sizeof without);
    ssl_quic_go(&pair.client, 0);
    check_failed(&pair.client, SSL_R_NO_APPLICATION_PROTOCOL, 120);
    ssl_quic_pair_free(&pair);
  }
}

static const SSL_QUIC_METHOD no_method;

Test(ssl_quic, transport_parameters_and_quic_go_together) {
  uint8_t long_params[2049] = {0};
  const uint8_t *params;
  size_t len;
  SSL *ssl = SSL_new(client_ctx);
  SSL_set_connect_state(ssl);
  cr_assert_eq(SSL_set_quic_method(ssl, &no_method), 1);
  cr_expect_eq(SSL_do_handshake(ssl), -1, "QUIC without parameters");
  cr_expect_eq(first_reason(), SSL_R_QUIC_TRANSPORT_PARAMETERS_MISCONFIGURED);
  cr_expect_eq(SSL_set_quic_transport_params(ssl, long_params, sizeof long_params), 0);
  cr_assert_eq(SSL_set_quic_transport_params(ssl, long_params, 2048), 1);
  cr_assert_eq(SSL_set_quic_method(ssl, NULL), 1);
  cr_expect_eq(SSL_is_quic(ssl), 0);
  BIO *bio = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, bio, bio);
  cr_expect_eq(SSL_do_handshake(ssl), -1, "parameters without QUIC");
  cr_expect_eq(first_reason(), SSL_R_QUIC_TRANSPORT_PARAMETERS_MISCONFIGURED);
  SSL_get_peer_quic_transport_params(ssl, &params, &len);
  cr_expect(params == NULL && len == 0);
  SSL_free(ssl);
}

/* R-9001-8.2-5: the code point of drafts, once the handshake has begun no more. */
Test(ssl_quic, the_code_point_of_drafts) {
  for (int client = 0; client < 2; client++) {
    for (int server = 0; server < 2; server++) {
      struct ssl_quic_pair pair;
      const uint8_t *params;
      size_t len;
      new_pair(&pair, 0);
      SSL_set_quic_use_legacy_codepoint(pair.client.ssl, client);
      SSL_set_quic_use_legacy_codepoint(pair.server.ssl, server);
      cr_expect_eq(SSL_do_handshake(pair.client.ssl), -1);
      SSL_set_quic_use_legacy_codepoint(pair.client.ssl, !client);
      cr_expect_eq(ssl_quic_run(&pair), client == server);
      cr_expect(client == server || pair.server.alert == SSL_AD_MISSING_EXTENSION);
      SSL_get_peer_quic_transport_params(pair.server.ssl, &params, &len);
      cr_expect_eq(len > 0, client == server);
      ssl_quic_pair_free(&pair);
    }
  }
}

static int set_params(SSL *ssl, void *arg) { return SSL_set_quic_transport_params(ssl, arg, 2); }

static int forget_params(SSL *ssl, void *arg) {
  (void)arg;
  return SSL_set_quic_method(ssl, NULL) == 0; /* not now */
}

/* A server's parameters may come as late as its certificate; later they are missing. */
Test(ssl_quic, a_server_without_parameters) {
  static const uint8_t params[] = {1, 0};
  struct ssl_quic_pair pair;
  for (int late = 0; late < 2; late++) {
    SSL_CTX_set_cert_cb(server_ctx, late ? set_params : forget_params, (void *)params);
    new_pair(&pair, 0);
    struct ssl_quic_end *server = &pair.server;
    SSL *bare = SSL_new(server_ctx);
    cr_assert(bare != NULL && SSL_set_app_data(bare, server));
    cr_assert_eq(SSL_set_quic_method(bare, ssl_quic_method()), 1);
    SSL_set_accept_state(bare);
    SSL_free(server->ssl);
    server->ssl = bare;
    cr_expect_eq(ssl_quic_run(&pair), late);
    if (!late) check_failed(server, SSL_R_QUIC_TRANSPORT_PARAMETERS_MISCONFIGURED, 80);
    ssl_quic_pair_free(&pair);
  }
}

/* With RFC 9001 6, KeyUpdate; and messages that no client is sent. */
Test(ssl_quic, messages_after_the_handshake_that_are_refused) {
  static const uint8_t key_update[] = {24, 0, 0, 1, 0}, finished[] = {20, 0, 0, 1, 0};
  const uint8_t *const messages[] = {key_update, finished};
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    for (size_t i = 0; i < 2; i++) {
      struct ssl_quic_pair pair;
      new_pair(&pair, shapes);
      cr_assert(ssl_quic_run(&pair));
      struct ssl_quic_end *ends[] = {&pair.client, &pair.server};
      for (size_t k = 0; k < 2; k++) {
        ssl_quic_put(ends[k], ssl_encryption_application, messages[i], sizeof key_update);
        ssl_quic_go(ends[k], 0);
        check_failed(ends[k], SSL_R_UNEXPECTED_MESSAGE, 10);
      }
      ssl_quic_pair_free(&pair);
    }
  }
}

Test(ssl_quic, an_untrusted_certificate) {
  SSL_CTX *ctx = ssl_quic_server_ctx("self-signed");
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    struct ssl_quic_pair pair;
    cr_assert(ssl_quic_pair_new(&pair, client_ctx, ctx, shapes));
    cr_expect_not(ssl_quic_run(&pair));
    check_failed(&pair.client, SSL_R_CERTIFICATE_VERIFY_FAILED, 48);
    cr_expect_str_eq(pair.client.log, " wHANDSHAKE rHANDSHAKE", "1-RTT keys before the verdict");
    ssl_quic_pair_free(&pair);
  }
  SSL_CTX_free(ctx);
}

/* RFC 9001 4.1.3: a level's stream goes on after its last message, with a whole message or part of
 * one. */
Test(ssl_quic, bytes_left_over) {
  static const uint8_t more[] = {8, 0, 0, 0};
  for (unsigned shapes = 0; shapes < SHAPES; shapes++) {
    for (size_t len = 1; len <= sizeof more; len++) {
      struct ssl_quic_pair pair;
      new_pair(&pair, shapes);
      ssl_quic_go(&pair.client, 0);
      ssl_quic_move(&pair.client, &pair.server);
      ssl_quic_put(&pair.server, ssl_encryption_initial, more, len);
      ssl_quic_go(&pair.server, 0);
      const bool part = !pair.server.openssl && len < sizeof more;
      check_failed(&pair.server,
                   part ? SSL_R_EXCESS_HANDSHAKE_DATA : SSL_R_WRONG_ENCRYPTION_LEVEL_RECEIVED, 10);
      cr_expect_null(strstr(pair.server.log, "rHANDSHAKE"));
      ssl_quic_pair_free(&pair);
    }
  }
}

Test(ssl_quic, data_that_is_not_expected) {
  static uint8_t many[20000];
  struct ssl_quic_pair pair;
  new_pair(&pair, 0);
  SSL *ssl = pair.server.ssl;
  cr_expect_eq(SSL_quic_read_level(ssl), ssl_encryption_initial);
  for (int level = ssl_encryption_early_data; level <= ssl_encryption_application; level++) {
    ERR_clear_error();
    cr_expect_eq(SSL_provide_quic_data(ssl, (enum ssl_encryption_level_t)level, many, 1), 0);
    cr_expect_eq(first_reason(), SSL_R_WRONG_ENCRYPTION_LEVEL_RECEIVED);
  }
  cr_expect_eq(SSL_provide_quic_data(ssl, ssl_encryption_initial, many, 0), 1);
  ERR_clear_error();
  cr_expect_eq(SSL_provide_quic_data(ssl, ssl_encryption_initial, many, 16385), 0);
  cr_expect_eq(first_reason(), SSL_R_EXCESSIVE_MESSAGE_SIZE);
  many[0] = 1; /* a ClientHello that is longer than all that may be held of it */
  many[1] = 1;
  cr_expect_eq(SSL_provide_quic_data(ssl, ssl_encryption_initial, many, 16000), 1);
  cr_expect_eq(SSL_do_handshake(ssl), -1);
  cr_expect_eq(SSL_get_error(ssl, -1), SSL_ERROR_WANT_READ);
  cr_expect_eq(SSL_provide_quic_data(ssl, ssl_encryption_initial, many, 384), 1);
  ERR_clear_error();
  cr_expect_eq(SSL_provide_quic_data(ssl, ssl_encryption_initial, many, 1), 0);
  cr_expect_eq(first_reason(), SSL_R_EXCESSIVE_MESSAGE_SIZE);
  ssl_quic_pair_free(&pair);
}

/* BoringSSL's numbers. */
Test(ssl_quic, limits_of_flights) {
  struct ssl_quic_pair pair;
  new_pair(&pair, 0);
  SSL *client = pair.client.ssl, *server = pair.server.ssl;
  SSL *const both[] = {client, server};
  for (size_t i = 0; i < 2; i++) {
    SSL *ssl = both[i];
    cr_expect_eq(SSL_quic_max_handshake_flight_len(ssl, ssl_encryption_initial), 16384u);
    cr_expect_eq(SSL_quic_max_handshake_flight_len(ssl, ssl_encryption_early_data), 0u);
    cr_expect_eq(SSL_quic_max_handshake_flight_len(ssl, ssl_encryption_application), 16384u);
  }
  SSL_set_max_cert_list(client, 30000);
  SSL_set_max_cert_list(server, 30000);
  cr_expect_eq(SSL_quic_max_handshake_flight_len(client, ssl_encryption_handshake), 60000u);
  cr_expect_eq(SSL_quic_max_handshake_flight_len(server, ssl_encryption_handshake), 16384u);
  SSL_set_verify(server, SSL_VERIFY_PEER, NULL);
  cr_expect_eq(SSL_quic_max_handshake_flight_len(server, ssl_encryption_handshake), 30000u);
  SSL_set_max_cert_list(client, 8000);
  cr_expect_eq(SSL_quic_max_handshake_flight_len(client, ssl_encryption_handshake), 16384u);
  ssl_quic_pair_free(&pair);
}

/* ---- Callbacks that fail, and calls that are not for QUIC ---- */

Test(ssl_quic, a_callback_fails) {
  for (unsigned shape = 0; shape < 2; shape++) {
    for (int fail = FAIL_READ_SECRET; fail <= FAIL_PARAMS; fail++) {
      if (shape == 0 ? fail > FAIL_FLUSH : fail == FAIL_FLUSH) continue;
      for (int side = 0; side < 2; side++) {
        struct ssl_quic_pair pair;
        new_pair(&pair, shape == 0 ? 0 : 3);
        struct ssl_quic_end *end = side == 0 ? &pair.client : &pair.server;
        end->fail = (enum ssl_quic_failure)fail;
        for (int turns = 0; turns < 4 && end->error != SSL_ERROR_SSL; turns++) {
          ssl_quic_go(&pair.client, 0);
          ssl_quic_move(&pair.client, &pair.server);
          if (end->error == SSL_ERROR_SSL) break;
          ssl_quic_go(&pair.server, 0);
          ssl_quic_move(&pair.server, &pair.client);
        }
        for (int times = 0; times < 2; times++) {
          cr_expect_eq(SSL_do_handshake(end->ssl), -1, "%u %d %d", shape, fail, side);
          cr_expect_eq(SSL_get_error(end->ssl, -1), SSL_ERROR_SSL);
          cr_expect_eq(first_reason(), SSL_R_QUIC_INTERNAL_ERROR);
        }
        ssl_quic_pair_free(&pair);
      }
    }
  }
}

Test(ssl_quic, what_is_not_for_quic) {
  char byte;
  for (unsigned shapes = 0; shapes < SHAPES; shapes += 3) {
    struct ssl_quic_pair pair;
    new_pair(&pair, shapes);
    SSL *ssl = pair.client.ssl;
    if (shapes == 0) cr_expect_eq(SSL_process_quic_post_handshake(ssl), 0, "before it is done");
    cr_assert(ssl_quic_run(&pair));
    cr_expect_eq(SSL_write(ssl, "x", 1), -1);
    cr_expect_eq(ERR_GET_REASON(ERR_peek_error()), ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    cr_expect_eq(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 0);
    cr_expect_eq(SSL_read(ssl, &byte, 1), -1);
    cr_expect_eq(SSL_get_error(ssl, -1), shapes == 0 ? SSL_ERROR_SSL : SSL_ERROR_WANT_READ);
    if (shapes != 0) {
      cr_expect_eq(SSL_provide_quic_data(ssl, ssl_encryption_application, NULL, 0), 0);
      cr_expect_eq(SSL_process_quic_post_handshake(ssl), 0);
    }
    cr_expect_eq(SSL_set_quic_method(ssl, NULL), 0, "it has begun");
    cr_expect_eq(SSL_set_quic_tls_cbs(ssl, NULL, NULL), 0);
    cr_expect_eq(SSL_shutdown(ssl), 1);
    cr_expect_eq(pair.client.alerts, 0u);
    ssl_quic_pair_free(&pair);
  }
}

Test(ssl_quic, a_fatal_alert_and_the_secrets) {
  for (unsigned shapes = 0; shapes < SHAPES; shapes += 3) {
    struct ssl_quic_pair pair;
    const uint8_t *read, *write;
    size_t read_len, write_len;
    new_pair(&pair, shapes);
    cr_assert(ssl_quic_run(&pair));
    const struct ssl_quic_end *end = &pair.server;
    cr_assert_eq(SSL_get_traffic_secrets(end->ssl, &read, &read_len, &write, &write_len), 1);
    cr_assert(read_len == end->secret_len[0][3] && write_len == end->secret_len[1][3]);
    cr_expect_arr_eq(read, end->secret[0][3], read_len);
    cr_expect_arr_eq(write, end->secret[1][3], write_len);
    cr_expect_eq(SSL_send_fatal_alert(end->ssl, SSL_AD_ACCESS_DENIED), 1);
    for (int i = 0; i < 2; i++) {
      cr_expect_eq(SSL_send_fatal_alert(end->ssl, SSL_AD_ACCESS_DENIED), -1);
      cr_expect_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN);
    }
    cr_expect(end->alerts == 1 && end->alert == SSL_AD_ACCESS_DENIED);
    ssl_quic_pair_free(&pair);
  }
}

Test(ssl_quic, functions_that_are_missing) {
  static const OSSL_DISPATCH none[] = {{0, NULL}};
  SSL *ssl = SSL_new(client_ctx);
  cr_expect_eq(SSL_set_quic_tls_cbs(ssl, NULL, NULL), 0);
  cr_expect_eq(SSL_set_quic_tls_cbs(ssl, none, NULL), 0);
  cr_expect_eq(SSL_is_quic(ssl), 0);
  SSL_free(ssl);
}

/* RFC 9001 4.2: TLS 1.3 also where older ones are allowed, and nothing where it is not. */
Test(ssl_quic, nothing_older_than_tls_1_3) {
  struct ssl_quic_pair pair;
  for (int allowed = 0; allowed < 2; allowed++) {
    new_pair(&pair, 0);
    cr_assert_eq(SSL_set_min_proto_version(pair.client.ssl, TLS1_2_VERSION), 1);
    cr_assert_eq(SSL_set_min_proto_version(pair.server.ssl, TLS1_2_VERSION), 1);
    if (!allowed) cr_assert_eq(SSL_set_max_proto_version(pair.client.ssl, TLS1_2_VERSION), 1);
    cr_expect_eq(ssl_quic_run(&pair), allowed);
    if (allowed) cr_expect_eq(SSL_version(pair.server.ssl), TLS1_3_VERSION);
    if (!allowed) {
      cr_expect_eq(SSL_do_handshake(pair.client.ssl), -1);
      cr_expect_eq(first_reason(), SSL_R_NO_SUPPORTED_VERSIONS_ENABLED);
    }
    ssl_quic_pair_free(&pair);
  }
}

/* What an SSL_CTX is set to, its SSLs have; SSL_clear keeps it, and forgets the connection. */
Test(ssl_quic, of_an_ssl_ctx_and_again) {
  struct ssl_quic_pair pair;
  cr_assert_eq(SSL_CTX_set_quic_method(client_ctx, &no_method), 1);
  SSL *ssl = SSL_new(client_ctx);
  cr_expect_eq(SSL_is_quic(ssl), 1);
  SSL_free(ssl);
  new_pair(&pair, 0);
  for (int times = 0; times < 2; times++) {
    cr_assert(ssl_quic_run(&pair));
    check_pair(&pair);
    struct ssl_quic_end *ends[] = {&pair.client, &pair.server};
    for (size_t i = 0; i < 2; i++) {
      cr_expect_eq(SSL_clear(ends[i]->ssl), 1);
      cr_expect_eq(SSL_quic_read_level(ends[i]->ssl), ssl_encryption_initial);
      memset(ends[i]->log, 0, sizeof ends[i]->log);
      memset(ends[i]->secret_len, 0, sizeof ends[i]->secret_len);
      ends[i]->done = false;
      ends[i]->read_at = ends[i]->write_at = 0;
    }
  }
  ssl_quic_pair_free(&pair);
}

/* ---- Callbacks that are not ready ---- */

static int cert_calls;

static int cert_later(SSL *ssl, void *arg) {
  (void)ssl;
  (void)arg;
  return ++cert_calls < 3 ? -1 : 1;
}

/* Data is taken while the server waits; what comes too much is found afterwards. */
Test(ssl_quic, data_while_it_waits) {
  for (int excess = 0; excess < 2; excess++) {
    struct ssl_quic_pair pair;
    cert_calls = 0;
    SSL_CTX_set_cert_cb(server_ctx, cert_later, NULL);
    new_pair(&pair, 0);
    ssl_quic_go(&pair.client, 0);
    ssl_quic_move(&pair.client, &pair.server);
    ssl_quic_go(&pair.server, 0);
    cr_expect_eq(pair.server.error, SSL_ERROR_WANT_X509_LOOKUP);
    if (excess) {
      cr_expect_eq(SSL_provide_quic_data(pair.server.ssl, ssl_encryption_initial,
                                         (const uint8_t *)"\x14\0\0\0", 4),
                   1);
      ssl_quic_go(&pair.server, 0);
      ssl_quic_go(&pair.server, 0);
      check_failed(&pair.server, SSL_R_EXCESS_HANDSHAKE_DATA, 10);
    } else {
      ssl_quic_go(&pair.server, 0);
      cr_assert(ssl_quic_run(&pair));
      check_pair(&pair);
    }
    ssl_quic_pair_free(&pair);
  }
}
