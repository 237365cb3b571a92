/* The SSL_connect page and section 3 of what SSL_* must do: handshakes, their returns and their
 * errors.  Where a test says "BoringSSL" or "OpenSSL", the two were seen to do so. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "ssl_pair.h"

/* Alerts in the clear: level and description. */
static const uint8_t kCloseNotify[] = {21, 3, 3, 0, 2, 1, 0};
static const uint8_t kHandshakeFailure[] = {21, 3, 3, 0, 2, 2, 40};

static SSL_CTX *client_ctx, *server_ctx;
static BIO *net;

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
}

static void tear_down(void) {
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  BIO_free(net);
  net = NULL;
}

TestSuite(ssl_connect, .init = set_up, .fini = tear_down, .timeout = 60);

static SSL *half(bool server, size_t ring) {
  SSL *ssl = ssl_half(&net, server ? server_ctx : client_ctx, server, ring);
  cr_assert(ssl != NULL);
  return ssl;
}

static void feed(const void *data, size_t len) {
  cr_assert_eq(BIO_write(net, data, (int)len), (int)len);
}

static void expect(SSL *ssl, int ret, int expected_ret, int expected_error) {
  cr_assert_eq(ret, expected_ret, "returned %d, not %d", ret, expected_ret);
  int error = SSL_get_error(ssl, ret);
  cr_assert_eq(error, expected_error, "SSL_get_error: %s, not %s; queue: %s",
               SSL_error_description(error), SSL_error_description(expected_error),
               ERR_reason_error_string(ERR_peek_error()));
}

/* ---- Completing ---- */

ParameterizedTestParameters(ssl_connect, rings_of_any_size) {
  static size_t sizes[] = {1, 2, 3, 5, 64, 1000, 17408};
  return cr_make_param_array(size_t, sizes, sizeof(sizes) / sizeof(sizes[0]));
}

ParameterizedTest(size_t *size, ssl_connect, rings_of_any_size) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, *size));
  cr_assert_eq(SSL_set1_groups_list(pair.client, "X25519"), 1); /* of ML-KEM it is longer */
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert(SSL_is_init_finished(pair.client) && SSL_is_init_finished(pair.server));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  cr_assert((pair.client_saw & SAW_READ) != 0);
  /* The hello is longer than 64 bytes, the server's flight than 1000. */
  cr_assert_eq((pair.client_saw & SAW_WRITE) != 0, *size <= 64);
  cr_assert_eq((pair.server_saw & SAW_WRITE) != 0, *size <= 1000);
  char buf[8];
  cr_assert_eq(SSL_write(pair.client, "a", 1) > 0 || SSL_want_write(pair.client), 1);
  for (int i = 0; i < 100 && SSL_read(pair.server, buf, sizeof(buf)) != 1; i++)
    (void)SSL_write(pair.client, "a", 1);
  cr_assert_eq(buf[0], 'a');
  ssl_pair_free(&pair);
}

/* The server's change_cipher_spec (E.4) follows its HelloRetryRequest when the client has its
 * second hello to say: neither may wait for room before it has taken what the other says. */
ParameterizedTestParameters(ssl_connect, retries_through_rings_of_any_size) {
  static size_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 16, 300, 0};
  return cr_make_param_array(size_t, sizes, sizeof(sizes) / sizeof(sizes[0]));
}

ParameterizedTest(size_t *size, ssl_connect, retries_through_rings_of_any_size) {
  struct ssl_pair pair;
  cr_assert(SSL_CTX_set1_groups_list(client_ctx, "X25519:P-256"));
  cr_assert(SSL_CTX_set1_groups_list(server_ctx, "P-256"));
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, *size));
  cr_assert(ssl_pair_handshake(&pair), "rings of %zu bytes", *size);
  cr_assert_eq(SSL_get_negotiated_group(pair.client), NID_X9_62_prime256v1);
  ssl_pair_free(&pair);
}

Test(ssl_connect, first_call_writes_the_whole_hello_and_wants_to_read) {
  SSL *ssl = half(false, 0);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  char *hello;
  int len = BIO_nread0(net, &hello);
  cr_assert_gt(len, 5);
  cr_assert_eq(hello[0], 22);
  cr_assert_eq(len, 5 + ((uint8_t)hello[3] << 8 | (uint8_t)hello[4]));
  SSL_free(ssl);
}

Test(ssl_connect, repeated_call_sends_nothing_again) {
  SSL *ssl = half(false, 0);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  size_t len = BIO_ctrl_pending(net);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(BIO_ctrl_pending(net), len);
  SSL_free(ssl);
}

Test(ssl_connect, returns_1_at_once_when_done) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
  expect(pair.client, SSL_connect(pair.client), 1, SSL_ERROR_NONE);
  expect(pair.server, SSL_accept(pair.server), 1, SSL_ERROR_NONE);
  ERR_put_error(ERR_LIB_SSL, 0, SSL_R_BAD_LENGTH, "stale", 1);
  expect(pair.client, SSL_do_handshake(pair.client), 1, SSL_ERROR_NONE);
  cr_assert_eq(ERR_peek_error(), 0);
  SSL_set_bio(pair.client, NULL, NULL);
  expect(pair.client, SSL_connect(pair.client), 1, SSL_ERROR_NONE);
  ssl_pair_free(&pair);
}

Test(ssl_connect, sets_the_role_if_none_is_set) {
  SSL *ssl = SSL_new(client_ctx);
  BIO *bio;
  cr_assert(BIO_new_bio_pair(&bio, 0, &net, 0));
  SSL_set_bio(ssl, bio, bio);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  cr_assert_not(SSL_is_server(ssl));
  SSL_free(ssl);
}

Test(ssl_connect, accept_sets_the_role_if_none_is_set) {
  SSL *ssl = SSL_new(server_ctx);
  BIO *bio;
  cr_assert(BIO_new_bio_pair(&bio, 0, &net, 0));
  SSL_set_bio(ssl, bio, bio);
  expect(ssl, SSL_accept(ssl), -1, SSL_ERROR_WANT_READ);
  cr_assert(SSL_is_server(ssl));
  cr_assert_eq(BIO_ctrl_get_read_request(net), 5);
  SSL_free(ssl);
}

Test(ssl_connect, is_in_init_until_it_returns_1) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert(SSL_in_init(pair.client) && SSL_in_before(pair.client));
  cr_assert_not(SSL_is_init_finished(pair.client));
  (void)SSL_connect(pair.client);
  cr_assert(SSL_in_init(pair.client) && SSL_in_connect_init(pair.client));
  cr_assert_eq(SSL_state(pair.client), SSL_ST_INIT);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_not(SSL_in_init(pair.client) || SSL_in_init(pair.server));
  cr_assert_eq(SSL_state(pair.client), SSL_ST_OK);
  ssl_pair_free(&pair);
}

Test(ssl_connect, state_strings_name_the_state) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert_str_eq(SSL_state_string_long(pair.client), "before SSL initialization");
  (void)SSL_connect(pair.client);
  cr_assert(strstr(SSL_state_string_long(pair.client), "client") != NULL);
  cr_assert_eq(strlen(SSL_state_string(pair.client)), 6);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_str_eq(SSL_state_string_long(pair.client), "SSL negotiation finished successfully");
  cr_assert_str_eq(SSL_state_string(pair.client), "SSLOK ");
  ssl_pair_free(&pair);
}

Test(ssl_connect, is_done_while_its_last_bytes_wait_in_the_bio) {
  SSL *client = half(false, 0), *server = SSL_new(server_ctx);
  BIO *near, *far;
  uint8_t bytes[8192];
  cr_assert(BIO_new_bio_pair(&near, 0, &far, 0));
  SSL_set_bio(server, near, near);
  SSL_set_accept_state(server);
  expect(client, SSL_connect(client), -1, SSL_ERROR_WANT_READ);
  BIO_write(far, bytes, BIO_read(net, bytes, sizeof(bytes)));
  expect(server, SSL_accept(server), -1, SSL_ERROR_WANT_READ);
  BIO_write(net, bytes, BIO_read(far, bytes, sizeof(bytes)));
  expect(client, SSL_connect(client), 1, SSL_ERROR_NONE);
  /* Who stops moving bytes now leaves the server hanging. */
  cr_assert_gt(BIO_ctrl_pending(net), 0);
  expect(server, SSL_accept(server), -1, SSL_ERROR_WANT_READ);
  BIO_write(far, bytes, BIO_read(net, bytes, sizeof(bytes)));
  expect(server, SSL_accept(server), 1, SSL_ERROR_NONE);
  SSL_free(client);
  SSL_free(server);
  BIO_free(far);
}

/* ---- Asking the BIO ---- */

Test(ssl_connect, reads_ask_for_a_header_and_then_the_body) {
  SSL *ssl = half(false, 0);
  (void)SSL_connect(ssl);
  cr_assert_eq(BIO_ctrl_get_read_request(net), 5);
  feed("\x16\x03\x03", 3);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(BIO_ctrl_get_read_request(net), 2);
  feed("\x00\x7a", 2);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(BIO_ctrl_get_read_request(net), 0x7a);
  SSL_free(ssl);
}

Test(ssl_connect, leaves_what_follows_a_record_in_the_bio) {
  SSL *ssl = half(false, 0);
  (void)SSL_connect(ssl);
  feed(kCloseNotify, sizeof(kCloseNotify));
  feed("another protocol", 16);
  expect(ssl, SSL_connect(ssl), 0, SSL_ERROR_ZERO_RETURN);
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(ssl)), 16);
  SSL_free(ssl);
}

/* ---- Ends and errors ---- */

Test(ssl_connect, clears_stale_errors_at_entry) {
  SSL *ssl = half(false, 0);
  ERR_put_error(ERR_LIB_SSL, 0, SSL_R_BAD_LENGTH, "stale", 1);
  errno = ENOENT;
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(errno, 0);
  SSL_free(ssl);
}

Test(ssl_connect, end_of_transport_before_a_record_is_minus_1_syscall) {
  SSL *ssl = half(false, 0);
  (void)SSL_connect(ssl);
  BIO_shutdown_wr(net);
  for (int i = 0; i < 3; i++) {
    errno = ENOENT;
    expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_SYSCALL);
    cr_assert(SSL_want_nothing(ssl));
    cr_assert_eq(ERR_peek_error(), 0);
    cr_assert_eq(errno, 0);
  }
  SSL_free(ssl);
}

Test(ssl_connect, end_of_transport_inside_a_record_is_minus_1_syscall) {
  SSL *ssl = half(false, 0);
  (void)SSL_connect(ssl);
  feed("\x16\x03\x03\x00\x7a\x02", 6);
  BIO_shutdown_wr(net);
  for (int i = 0; i < 3; i++) expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_SYSCALL);
  SSL_free(ssl);
}

Test(ssl_connect, close_notify_is_0_zero_return) {
  SSL *ssl = half(false, 0);
  (void)SSL_connect(ssl);
  feed(kCloseNotify, sizeof(kCloseNotify));
  for (int i = 0; i < 3; i++) expect(ssl, SSL_connect(ssl), 0, SSL_ERROR_ZERO_RETURN);
  cr_assert((SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
  SSL_free(ssl);
}

Test(ssl_connect, fatal_alert_is_minus_1_ssl_and_the_same_again) {
  SSL *ssl = half(false, 0);
  (void)SSL_connect(ssl);
  feed(kHandshakeFailure, sizeof(kHandshakeFailure));
  for (int i = 0; i < 3; i++) {
    expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_SSL);
    cr_assert_eq(ERR_GET_REASON(ERR_get_error()), 1040);
    cr_assert_eq(ERR_GET_REASON(ERR_get_error()), SSL_R_HANDSHAKE_FAILURE_ON_CLIENT_HELLO);
    cr_assert_eq(ERR_get_error(), 0);
  }
  SSL_free(ssl);
}

Test(ssl_connect, read_and_write_replay_the_failure_too) {
  SSL *ssl = half(false, 0);
  char buf[4];
  (void)SSL_connect(ssl);
  feed(kHandshakeFailure, sizeof(kHandshakeFailure));
  (void)SSL_connect(ssl);
  expect(ssl, SSL_read(ssl, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), 1040);
  expect(ssl, SSL_write(ssl, "x", 1), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), 1040);
  SSL_free(ssl);
}

struct not_tls {
  char bytes[40];
  int reason;
  bool server;
};

ParameterizedTestParameters(ssl_connect, bytes_that_are_not_tls) {
  static struct not_tls cases[] = {
      {"HTTP/1.1 400 Bad Request\r\n\r\n", SSL_R_WRONG_VERSION_NUMBER, false},
      {"220 mail.example ESMTP\r\n", SSL_R_WRONG_VERSION_NUMBER, false},
      {"GET / HTTP/1.0\r\n\r\n", SSL_R_HTTP_REQUEST, true},
      {"POST / HTTP/1.0\r\n\r\n", SSL_R_HTTP_REQUEST, true},
      {"CONNECT a.example:443 HTTP/1.0\r\n\r\n", SSL_R_HTTPS_PROXY_REQUEST, true},
  };
  return cr_make_param_array(struct not_tls, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct not_tls *c, ssl_connect, bytes_that_are_not_tls) {
  SSL *ssl = half(c->server, 0);
  char drain[2048];
  (void)SSL_do_handshake(ssl);
  while (BIO_read(net, drain, sizeof(drain)) > 0) continue;
  feed(c->bytes, strlen(c->bytes));
  for (int i = 0; i < 2; i++) {
    expect(ssl, SSL_do_handshake(ssl), -1, SSL_ERROR_SSL);
    cr_assert_eq(first_reason(), c->reason, "%s", ERR_reason_error_string(ERR_peek_error()));
  }
  /* One alert record went out. */
  cr_assert_eq(BIO_read(net, drain, sizeof(drain)), 7);
  cr_assert_eq(drain[0], 21);
  cr_assert_eq(drain[5], SSL3_AL_FATAL);
  SSL_free(ssl);
}

Test(ssl_connect, other_half_freed_is_minus_1_ssl) {
  SSL *ssl = half(false, 0);
  (void)SSL_connect(ssl);
  BIO_free(net);
  net = NULL;
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_SSL);
  cr_assert_eq(ERR_GET_LIB(ERR_peek_error()), ERR_LIB_BIO);
  cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), BIO_R_UNINITIALIZED);
  SSL_free(ssl);
}

Test(ssl_connect, no_role_is_connection_type_not_set) {
  SSL *ssl = SSL_new(client_ctx);
  BIO *bio;
  char buf[4];
  cr_assert(BIO_new_bio_pair(&bio, 0, &net, 0));
  SSL_set_bio(ssl, bio, bio);
  expect(ssl, SSL_do_handshake(ssl), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_CONNECTION_TYPE_NOT_SET);
  expect(ssl, SSL_read(ssl, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_UNINITIALIZED);
  expect(ssl, SSL_write(ssl, buf, 1), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_UNINITIALIZED);
  expect(ssl, SSL_shutdown(ssl), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_UNINITIALIZED);
  SSL_free(ssl);
}

Test(ssl_connect, no_bio_is_bio_not_set) {
  SSL *ssl = SSL_new(client_ctx);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BIO_NOT_SET);
  SSL_free(ssl);
}

Test(ssl_connect, untrusted_server_fails_the_client_with_its_reason) {
  SSL_CTX *untrusted = ssl_server_ctx("self-signed");
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client_ctx, untrusted, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  expect(pair.client, SSL_connect(pair.client), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  expect(pair.server, SSL_accept(pair.server), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA);
  ssl_pair_free(&pair);
  SSL_CTX_free(untrusted);
}

Test(ssl_connect, verify_none_goes_on_and_tells) {
  SSL_CTX *untrusted = ssl_server_ctx("self-signed");
  struct ssl_pair pair;
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
  cr_assert(ssl_pair_new(&pair, client_ctx, untrusted, 0));
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  ssl_pair_free(&pair);
  SSL_CTX_free(untrusted);
}

/* ---- What is still to go out ---- */

Test(ssl_connect, an_alert_that_does_not_fit_goes_out_later) {
  SSL *ssl = half(false, 3);
  char byte;
  int ret;
  /* The hello, 3 bytes at a time. */
  while ((ret = SSL_connect(ssl)) == -1 && SSL_get_error(ssl, ret) == SSL_ERROR_WANT_WRITE)
    while (BIO_read(net, &byte, 1) == 1) continue;
  expect(ssl, ret, -1, SSL_ERROR_WANT_READ);
  while (BIO_read(net, &byte, 1) == 1) continue;
  feed("220", 3);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  feed(" m", 2);
  uint8_t alert[16];
  int len = 0;
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_WRITE);
  do {
    int part = BIO_read(net, alert + len, 3);
    if (part > 0) len += part;
    ret = SSL_connect(ssl);
  } while (SSL_get_error(ssl, ret) == SSL_ERROR_WANT_WRITE && len < 10);
  expect(ssl, ret, -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_WRONG_VERSION_NUMBER);
  int part = BIO_read(net, alert + len, 3);
  if (part > 0) len += part;
  cr_assert_eq(len, 7);
  cr_assert_eq(alert[0], 21);
  cr_assert_eq(alert[6], SSL_AD_PROTOCOL_VERSION);
  SSL_free(ssl);
}

Test(ssl_connect, accept_does_not_wait_for_tickets_to_be_read) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 64));
  /* The client, once done, reads nothing more; the server finishes all the same. */
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(pair.client)), 0);
  ssl_pair_free(&pair);
}

Test(ssl_connect, tickets_go_with_the_first_write) {
  struct ssl_pair pair;
  char buf[4];
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
  BIO *wire = SSL_get_rbio(pair.client);
  cr_assert_eq(BIO_ctrl_pending(wire), 0);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(BIO_ctrl_pending(wire), 0);
  cr_assert_eq(SSL_write(pair.server, "", 0), 0);
  cr_assert_gt(BIO_ctrl_pending(wire), 2 * 22);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_write(pair.server, "ab", 2), 2);
  cr_assert_eq(SSL_read(pair.client, buf, sizeof(buf)), 2);
  ssl_pair_free(&pair);
}

Test(ssl_connect, a_refused_client_certificate_shows_in_read) {
  struct ssl_pair pair;
  char buf[4];
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  (void)SSL_connect(pair.client);
  (void)SSL_accept(pair.server);
  expect(pair.client, SSL_connect(pair.client), 1, SSL_ERROR_NONE);
  expect(pair.server, SSL_accept(pair.server), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REQUIRED);
  ssl_pair_free(&pair);
}
