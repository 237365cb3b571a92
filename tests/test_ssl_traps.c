/* What is easily got wrong around an SSL: a BIO taken away, a BIO with both flags, callbacks that
 * come and go, results that must not look like trust. */
#include <criterion/criterion.h>
#include <openssl/cipher.h>
#include <openssl/err.h>
#include <string.h>

#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;
static struct ssl_pair pair;
static char buf[20000];

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_traps, .init = set_up, .fini = tear_down, .timeout = 60);

static void ready(void) {
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
}

static void expect(SSL *ssl, int ret, int expected_ret, int expected_error) {
  cr_assert_eq(ret, expected_ret, "returned %d, not %d", ret, expected_ret);
  int error = SSL_get_error(ssl, ret);
  cr_assert_eq(error, expected_error, "SSL_get_error: %s, not %s; queue: %s",
               SSL_error_description(error), SSL_error_description(expected_error),
               ERR_reason_error_string(ERR_peek_error()));
}

/* ---- What stands beside the reason on the error queue ---- */

static void next_error(int lib, int reason) {
  const uint32_t error = ERR_get_error();
  cr_assert_eq(ERR_GET_LIB(error), lib, "%s", ERR_reason_error_string(error));
  cr_assert_eq(ERR_GET_REASON(error), reason, "%s", ERR_reason_error_string(error));
}

/* As BoringSSL has it: programs look for the second one, or for the first. */
Test(ssl_traps, a_record_that_cannot_be_decrypted) {
  static const uint8_t junk[5 + 17] = {0x17, 3, 3, 0, 17};
  ready();
  cr_assert_eq(BIO_write(SSL_get_wbio(pair.client), junk, sizeof junk), (int)sizeof junk);
  for (int i = 0; i < 2; i++) { /* and once more when it is asked again */
    expect(pair.server, SSL_read(pair.server, buf, sizeof buf), -1, SSL_ERROR_SSL);
    next_error(ERR_LIB_SSL, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    next_error(ERR_LIB_CIPHER, CIPHER_R_BAD_DECRYPT);
    cr_assert_eq(ERR_peek_error(), 0u);
  }
}

Test(ssl_traps, an_extension_that_cannot_be_parsed) {
  static const uint8_t hello[] = {
      0x16, 3,  1, 0,    64, 1, 0, 0, 60, 3, 3, /* random: */
      1,    2,  3, 4,    5,  6, 7, 8, 9,  0, 1,  2, 3, 4, 5, 6, 7,   8,   9,
      0,    1,  2, 3,    4,  5, 6, 7, 8,  9, 0,  1, 2, /* no session id: */
      0,    0,  2, 0x13, 1,  1, 0,                     /* two extensions: */
      0,    17, 0, 43,   0,  3, 2, 3, 4,  0, 16, 0, 6, 0, 4, 9, 'h', '2', 0};
  BIO *net;
  SSL *ssl = ssl_half(&net, server_ctx, true, 0);
  cr_assert_not_null(ssl);
  cr_assert_eq(BIO_write(net, hello, sizeof hello), (int)sizeof hello);
  expect(ssl, SSL_accept(ssl), -1, SSL_ERROR_SSL);
  next_error(ERR_LIB_SSL, SSL_R_ERROR_PARSING_EXTENSION);
  next_error(ERR_LIB_SSL, SSL_R_PARSE_TLSEXT);
  cr_assert_eq(ERR_peek_error(), 0u);
  SSL_free(ssl);
  BIO_free(net);
}

/* ---- BIOs ---- */

Test(ssl_traps, bios_taken_away_after_the_handshake) {
  ready();
  cr_assert_eq(SSL_write(pair.server, "left", 4), 4);
  expect(pair.client, SSL_peek(pair.client, buf, sizeof(buf)), 4, SSL_ERROR_NONE);
  BIO *bio = SSL_get_rbio(pair.client);
  BIO_up_ref(bio);
  SSL_set_bio(pair.client, NULL, NULL);
  /* What was read already can be had. */
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 4, SSL_ERROR_NONE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BIO_NOT_SET);
  expect(pair.client, SSL_write(pair.client, "held", 4), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BIO_NOT_SET);
  /* The record that was made waits for a BIO. */
  SSL_set_bio(pair.client, bio, bio);
  expect(pair.client, SSL_write(pair.client, "held", 4), 4, SSL_ERROR_NONE);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 4, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "held", 4) == 0);
}

Test(ssl_traps, shutdown_without_bios_is_bio_not_set) {
  ready();
  SSL_set_bio(pair.client, NULL, NULL);
  expect(pair.client, SSL_shutdown(pair.client), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BIO_NOT_SET);
}

static int both_flags_write(BIO *bio, const char *in, int len) {
  (void)in;
  (void)len;
  BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
  return -1;
}

/* A BIO for both directions that keeps the flag of the other: what stopped the call counts. */
Test(ssl_traps, with_both_flags_the_direction_of_the_call_counts) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 201, "both flags");
  BIO_meth_set_write(method, both_flags_write);
  BIO *bio = BIO_new(method);
  BIO_set_init(bio, 1);
  SSL *ssl = SSL_new(client_ctx);
  SSL_set_bio(ssl, bio, bio);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_WRITE);
  SSL_free(ssl);
  BIO_meth_free(method);
}

/* ---- Callbacks that come and go ---- */

static int num_messages;

static void on_msg(int is_write, int version, int content_type, const void *data, size_t len,
                   SSL *ssl, void *arg) {
  (void)is_write, (void)version, (void)data, (void)len, (void)ssl, (void)arg;
  num_messages += content_type != SSL3_RT_HEADER;
}

Test(ssl_traps, what_nobody_looked_at_is_not_shown_later) {
  SSL_CTX_set_msg_callback(client_ctx, on_msg);
  ready();
  SSL_set_msg_callback(pair.client, NULL);
  cr_assert_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  cr_assert_eq(SSL_write(pair.client, "x", 1), 1);
  num_messages = 0;
  SSL_set_msg_callback(pair.client, on_msg);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(num_messages, 0, "%d", num_messages);
}

static int num_lines;

static void on_line(const SSL *ssl, const char *line) {
  (void)ssl, (void)line;
  num_lines++;
}

Test(ssl_traps, key_updates_in_a_row_with_a_key_log) {
  SSL_CTX_set_keylog_callback(client_ctx, on_line);
  ready();
  num_lines = 0;
  for (int i = 0; i < 3; i++)
    cr_assert_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1, "update %d", i);
  expect(pair.client, SSL_write(pair.client, "new", 3), 3, SSL_ERROR_NONE);
  cr_assert_eq(num_lines, 3);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 3, SSL_ERROR_NONE);
}

/* ---- Results ---- */

static int says_no(X509_STORE_CTX *store_ctx, void *arg) {
  (void)store_ctx, (void)arg;
  return 0;
}

/* It did not verify, so the result must not say that it did, whatever the mode. */
Test(ssl_traps, verify_none_does_not_make_a_refusal_ok) {
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_cert_verify_callback(client_ctx, says_no, NULL);
  ready();
  cr_assert_neq(SSL_get_verify_result(pair.client), X509_V_OK);
}

static int no_suites(SSL *ssl, int *alert, void *arg) {
  (void)alert, (void)arg;
  cr_assert_eq(SSL_set_ciphersuites(ssl, ""), 1);
  cr_assert_eq(SSL_set_min_proto_version(ssl, TLS1_3_VERSION), 1);
  return SSL_TLSEXT_ERR_OK;
}

Test(ssl_traps, what_a_callback_set_wrong_is_named) {
  SSL_CTX_set_tlsext_servername_callback(server_ctx, no_suites);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  expect(pair.client, SSL_connect(pair.client), -1, SSL_ERROR_WANT_READ);
  expect(pair.server, SSL_accept(pair.server), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_NO_CIPHERS_AVAILABLE);
}

/* More than a hello can hold besides is refused when it is set, not when it is sent. */
Test(ssl_traps, an_alpn_list_that_could_not_be_sent) {
  static uint8_t list[40000];
  for (size_t i = 0; i < sizeof(list); i += 200) list[i] = 199;
  BIO *net;
  SSL *ssl = ssl_half(&net, client_ctx, false, 65536);
  cr_assert_eq(SSL_set_alpn_protos(ssl, list, sizeof(list)), 1);
  cr_assert_eq(first_reason(), SSL_R_INVALID_ALPN_PROTOCOL_LIST);
  cr_assert_eq(SSL_set_alpn_protos(ssl, list, 32600), 0);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_WANT_READ);
  cr_assert_gt(BIO_ctrl_pending(net), 32600u);
  BIO_free(net);
  SSL_free(ssl);
}

static int nothing_chosen(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                          unsigned in_len, void *arg) {
  (void)ssl, (void)in_len, (void)arg;
  *out = in;
  *out_len = 0;
  return SSL_TLSEXT_ERR_OK;
}

Test(ssl_traps, an_alpn_callback_that_accepts_no_name) {
  SSL_CTX_set_alpn_select_cb(server_ctx, nothing_chosen, NULL);
  cr_assert_eq(SSL_CTX_set_alpn_protos(client_ctx, (const uint8_t *)"\2h2", 3), 0);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  expect(pair.client, SSL_connect(pair.client), -1, SSL_ERROR_WANT_READ);
  expect(pair.server, SSL_accept(pair.server), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_INVALID_ALPN_PROTOCOL);
  expect(pair.client, SSL_connect(pair.client), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR);
}

static int first_chosen(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                        unsigned in_len, void *arg) {
  (void)ssl, (void)in_len, (void)arg;
  *out = in + 1;
  *out_len = in[0];
  return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 3.1: a protocol that nobody offered, put into a ServerHello of TLS 1.2 on its way: the
 * extension's type, its length, the list's and the name's. */
Test(ssl_traps, an_alpn_protocol_of_the_servers_own) {
  static const char kChosen[] = "\0\x10\0\5\0\3\2h2";
  SSL_CTX_set_alpn_select_cb(server_ctx, first_chosen, NULL);
  cr_assert_eq(SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION), 1);
  cr_assert_eq(SSL_CTX_set_alpn_protos(client_ctx, (const uint8_t *)"\2h2", 3), 0);
  for (int i = 0; i < 3; i++) {
    char *bytes, *at;
    const uint8_t *name;
    unsigned name_len;
    SSL_CTX_set_allow_unknown_alpn_protos(client_ctx, i == 1);
    cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
    expect(pair.client, SSL_connect(pair.client), -1, SSL_ERROR_WANT_READ);
    expect(pair.server, SSL_accept(pair.server), -1, SSL_ERROR_WANT_READ);
    int len = BIO_nread0(SSL_get_rbio(pair.client), &bytes);
    for (at = bytes; memcmp(at, kChosen, 9) != 0; at++) cr_assert(at - bytes < len - 9);
    at[8] = 'z';
    /* With another name than the server's it goes on until the keys are needed, which depend on it
     * (RFC 7627). */
    expect(pair.client, SSL_connect(pair.client), -1, i == 1 ? SSL_ERROR_WANT_READ : SSL_ERROR_SSL);
    if (i != 1) cr_assert_eq(first_reason(), SSL_R_INVALID_ALPN_PROTOCOL);
    SSL_get0_alpn_selected(pair.client, &name, &name_len);
    cr_assert(i == 1 ? name_len == 2 && memcmp(name, "hz", 2) == 0 : name_len == 0);
    expect(pair.server, SSL_accept(pair.server), -1, SSL_ERROR_SSL);
    cr_assert_eq(first_reason(), i == 1 ? SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC
                                        : SSL_AD_REASON_OFFSET + SSL_AD_ILLEGAL_PARAMETER);
    ssl_pair_free(&pair);
  }
}

/* ---- Roles ---- */

Test(ssl_traps, a_role_set_during_a_connection_changes_nothing) {
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  expect(pair.client, SSL_connect(pair.client), -1, SSL_ERROR_WANT_READ);
  SSL_set_accept_state(pair.client);
  cr_assert_eq(SSL_is_server(pair.client), 0);
  cr_assert(ssl_pair_handshake(&pair));
  SSL_set_connect_state(pair.server);
  cr_assert_eq(SSL_is_server(pair.server), 1);
  /* After SSL_clear there is none, and it may become the other. */
  cr_assert_eq(SSL_clear(pair.client), 1);
  SSL_set_accept_state(pair.client);
  cr_assert_eq(SSL_is_server(pair.client), 1);
}

/* ---- Keying material ---- */

Test(ssl_traps, keying_material_for_no_label) {
  uint8_t a[16], b[16];
  ready();
  cr_assert_eq(SSL_export_keying_material(pair.client, a, 16, NULL, 0, NULL, 0, 0), 1);
  cr_assert_eq(SSL_export_keying_material(pair.server, b, 16, "", 0, NULL, 0, 0), 1);
  cr_assert(memcmp(a, b, 16) == 0);
}
