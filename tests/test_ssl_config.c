/* What is set on an SSL_CTX and an SSL, and comes back: lives, versions, options, modes, sizes,
 * sessions, ex_data; that an SSL keeps what its SSL_CTX had when it was made. */
#include <criterion/criterion.h>
#include <string.h>

#include "ssl_pair.h"

static SSL_CTX *ctx;
static SSL *ssl;

static void set_up(void) {
  ctx = SSL_CTX_new(TLS_method());
  cr_assert_not_null(ctx);
  ssl = SSL_new(ctx);
  cr_assert_not_null(ssl);
}

static void tear_down(void) {
  SSL_free(ssl);
  SSL_CTX_free(ctx);
  cr_expect_eq(ERR_peek_error(), 0, "%s", ERR_reason_error_string(ERR_peek_error()));
}

TestSuite(ssl_config, .init = set_up, .fini = tear_down, .timeout = 60);

static void reason(int expected) {
  uint32_t error = ERR_get_error();
  cr_assert_eq(ERR_GET_LIB(error), ERR_LIB_SSL);
  cr_assert_eq(ERR_GET_REASON(error), expected, "%s", ERR_reason_error_string(error));
  ERR_clear_error();
}

/* ---- Lives ---- */

Test(ssl_config, nothing_is_made_of_nothing) {
  cr_assert_null(SSL_CTX_new(NULL));
  reason(SSL_R_NULL_SSL_METHOD_PASSED);
  cr_assert_null(SSL_new(NULL));
  reason(SSL_R_NULL_SSL_CTX);
  SSL_CTX_free(NULL);
  SSL_free(NULL);
}

Test(ssl_config, an_ssl_keeps_its_ctx_alive) {
  SSL_CTX *own = SSL_CTX_new(TLS_client_method());
  SSL *of_it = SSL_new(own);
  SSL_CTX_free(own);
  cr_assert_eq(SSL_get_SSL_CTX(of_it), own);
  cr_assert_eq(SSL_CTX_get_min_proto_version(SSL_get_SSL_CTX(of_it)), TLS1_2_VERSION);
  SSL_free(of_it);
}

static int freed;
static void count_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
                       void *argp) {
  (void)parent;
  (void)ad;
  (void)index;
  cr_assert_eq(argl, 7);
  cr_assert_str_eq(argp, "arg");
  if (ptr != NULL) freed++;
}

static char kArg[] = "arg";

Test(ssl_config, references_count) {
  int ctx_index = SSL_CTX_get_ex_new_index(7, kArg, NULL, NULL, count_free);
  int ssl_index = SSL_get_ex_new_index(7, kArg, NULL, NULL, count_free);
  cr_assert_gt(ctx_index, 0);
  cr_assert_gt(ssl_index, 0);
  SSL_CTX *own = SSL_CTX_new(TLS_method());
  cr_assert_eq(SSL_CTX_set_ex_data(own, ctx_index, &freed), 1);
  SSL *of_it = SSL_new(own);
  cr_assert_eq(SSL_set_ex_data(of_it, ssl_index, &freed), 1);
  cr_assert_eq(SSL_CTX_up_ref(own), 1);
  cr_assert_eq(SSL_up_ref(of_it), 1);
  SSL_CTX_free(own);
  SSL_CTX_free(own);
  SSL_free(of_it);
  cr_assert_eq(freed, 0);
  SSL_free(of_it);
  cr_assert_eq(freed, 2);
}

Test(ssl_config, ex_data) {
  int a = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL),
      b = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  cr_assert_neq(a, b);
  cr_assert_null(SSL_get_ex_data(ssl, b));
  cr_assert_null(SSL_get_ex_data(ssl, -1));
  cr_assert_eq(SSL_set_ex_data(ssl, b, &a), 1);
  cr_assert_eq(SSL_set_app_data(ssl, &b), 1);
  cr_assert_null(SSL_get_ex_data(ssl, a));
  cr_assert_eq(SSL_get_ex_data(ssl, b), &a);
  cr_assert_eq(SSL_get_app_data(ssl), &b);
  cr_assert_null(SSL_CTX_get_app_data(ctx));
  SSL_CTX_set_app_data(ctx, &a);
  cr_assert_eq(SSL_CTX_get_app_data(ctx), &a);
  int idx = SSL_get_ex_data_X509_STORE_CTX_idx();
  cr_assert_geq(idx, 0);
  cr_assert_eq(SSL_get_ex_data_X509_STORE_CTX_idx(), idx);
}

Test(ssl_config, the_library_needs_no_beginning) {
  cr_assert_eq(SSL_library_init(), 1);
  cr_assert_eq(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL), 1);
  cr_assert_eq(OpenSSL_add_ssl_algorithms(), 1);
  SSL_load_error_strings();
  ERR_load_SSL_strings();
  /* Reasons have names without any of it: the numbers are libcrypto's own. */
  cr_assert_str_eq(ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER)),
                   "NO_SHARED_CIPHER");
}

/* ---- Roles ---- */

Test(ssl_config, methods_set_the_role) {
  cr_assert_eq(SSL_is_server(ssl), 0);
  SSL_set_accept_state(ssl);
  cr_assert_eq(SSL_is_server(ssl), 1);
  SSL_set_connect_state(ssl);
  cr_assert_eq(SSL_is_server(ssl), 0);
  const SSL_METHOD *servers[] = {TLS_server_method(), SSLv23_server_method(),
                                 TLSv1_2_server_method()};
  for (size_t i = 0; i < 3; i++) {
    SSL_CTX *own = SSL_CTX_new(servers[i]);
    SSL *of_it = SSL_new(own);
    cr_assert_eq(SSL_is_server(of_it), 1);
    SSL_free(of_it);
    SSL_CTX_free(own);
  }
  cr_assert_eq(SSL_is_dtls(ssl), 0);
}

/* ---- Versions ---- */

Test(ssl_config, version_bounds) {
  cr_assert_eq(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
  cr_assert_eq(SSL_CTX_get_max_proto_version(ctx), TLS1_3_VERSION);
  cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION), 1);
  cr_assert_eq(SSL_CTX_get_min_proto_version(ctx), TLS1_3_VERSION);
  cr_assert_eq(SSL_get_min_proto_version(ssl), TLS1_2_VERSION); /* it was made before */
  cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, 0), 1);
  cr_assert_eq(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
  cr_assert_eq(SSL_set_min_proto_version(ssl, TLS1_VERSION), 1);
  cr_assert_eq(SSL_get_min_proto_version(ssl), TLS1_VERSION);
  cr_assert_eq(SSL_set_max_proto_version(ssl, TLS1_2_VERSION), 1);
  cr_assert_eq(SSL_get_max_proto_version(ssl), TLS1_2_VERSION);
  cr_assert_eq(SSL_version(ssl), TLS1_2_VERSION);
  cr_assert_str_eq(SSL_get_version(ssl), "unknown");
}

Test(ssl_config, versions_that_are_none) {
  const uint16_t none[] = {1, SSL3_VERSION, 0x0305, DTLS1_2_VERSION, 0xffff};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, none[i]), 0);
    reason(SSL_R_UNKNOWN_SSL_VERSION);
    cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, none[i]), 0);
    reason(SSL_R_UNKNOWN_SSL_VERSION);
    cr_assert_eq(SSL_set_max_proto_version(ssl, none[i]), 0);
    reason(SSL_R_UNKNOWN_SSL_VERSION);
  }
  cr_assert_eq(SSL_get_max_proto_version(ssl), TLS1_3_VERSION);
}

/* no_version: a handshake of |ssl| fails for want of a version, before anything is sent. */
static void no_version(void) {
  BIO *out = BIO_new(BIO_s_mem());
  SSL_set_connect_state(ssl);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  int ret = SSL_connect(ssl);
  cr_assert_eq(ret, -1);
  cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_SSL);
  cr_assert_eq(BIO_pending(out), 0);
  reason(SSL_R_NO_SUPPORTED_VERSIONS_ENABLED);
}

Test(ssl_config, a_maximum_below_what_there_is) {
  cr_assert_eq(SSL_set_max_proto_version(ssl, TLS1_1_VERSION), 1);
  no_version();
}

Test(ssl_config, all_versions_taken_away_by_options) {
  SSL_set_options(ssl, SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);
  no_version();
}

Test(ssl_config, bounds_that_cross) {
  cr_assert_eq(SSL_set_min_proto_version(ssl, TLS1_3_VERSION), 1);
  cr_assert_eq(SSL_set_max_proto_version(ssl, TLS1_2_VERSION), 1);
  no_version();
}

/* ---- Options, modes, sizes ---- */

Test(ssl_config, options) {
  cr_assert_eq(SSL_CTX_get_options(ctx), 0);
  cr_assert_eq(SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET), SSL_OP_NO_TICKET);
  cr_assert_eq(SSL_CTX_set_options(ctx, SSL_OP_NO_TLSv1), SSL_OP_NO_TICKET | SSL_OP_NO_TLSv1);
  cr_assert_eq(SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET), SSL_OP_NO_TLSv1);
  cr_assert_eq(SSL_get_options(ssl), 0);
  SSL *later = SSL_new(ctx);
  cr_assert_eq(SSL_get_options(later), SSL_OP_NO_TLSv1);
  cr_assert_eq(SSL_set_options(later, SSL_OP_NO_TICKET), SSL_OP_NO_TICKET | SSL_OP_NO_TLSv1);
  cr_assert_eq(SSL_clear_options(later, SSL_OP_NO_TLSv1), SSL_OP_NO_TICKET);
  cr_assert_eq(SSL_CTX_get_options(ctx), SSL_OP_NO_TLSv1);
  SSL_free(later);
}

Test(ssl_config, modes) {
  /* BoringSSL's: no chain is built unasked. */
  cr_assert_eq(SSL_CTX_get_mode(ctx), SSL_MODE_NO_AUTO_CHAIN);
  cr_assert_eq(SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE),
               SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ENABLE_PARTIAL_WRITE);
  cr_assert_eq(SSL_get_mode(ssl), SSL_MODE_NO_AUTO_CHAIN);
  cr_assert_eq(SSL_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER),
               SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  cr_assert_eq(SSL_clear_mode(ssl, SSL_MODE_NO_AUTO_CHAIN), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  cr_assert_eq(SSL_CTX_clear_mode(ctx, SSL_MODE_NO_AUTO_CHAIN), SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL *later = SSL_new(ctx);
  cr_assert_eq(SSL_get_mode(later), SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_free(later);
}

Test(ssl_config, read_ahead_and_sizes) {
  cr_assert_eq(SSL_CTX_get_read_ahead(ctx), 0);
  cr_assert_eq(SSL_CTX_set_read_ahead(ctx, 5), 1);
  cr_assert_eq(SSL_CTX_get_read_ahead(ctx), 1);
  cr_assert_eq(SSL_get_read_ahead(ssl), 0);
  cr_assert_eq(SSL_set_read_ahead(ssl, 1), 1);
  cr_assert_eq(SSL_get_read_ahead(ssl), 1);
  cr_assert_eq(SSL_CTX_get_max_cert_list(ctx), SSL_MAX_CERT_LIST_DEFAULT);
  SSL_CTX_set_max_cert_list(ctx, 40000);
  cr_assert_eq(SSL_CTX_get_max_cert_list(ctx), 40000);
  cr_assert_eq(SSL_get_max_cert_list(ssl), SSL_MAX_CERT_LIST_DEFAULT);
  SSL_set_max_cert_list(ssl, 50000);
  cr_assert_eq(SSL_get_max_cert_list(ssl), 50000);
  cr_assert_eq(SSL_CTX_set_max_send_fragment(ctx, 0), 1);
  cr_assert_eq(SSL_set_max_send_fragment(ssl, 1000000), 1);
}

/* written returns the length of the first record that a write of 20000 bytes makes. */
static size_t written(size_t max_send_fragment) {
  static uint8_t data[20000];
  struct ssl_pair pair;
  uint8_t header[5];
  cr_assert(ssl_pair_ready(&pair, 64 * 1024));
  SSL_set_max_send_fragment(pair.client, max_send_fragment);
  cr_assert_eq(SSL_write(pair.client, data, sizeof data), (int)sizeof data);
  cr_assert_eq(BIO_read(SSL_get_rbio(pair.server), header, sizeof header), 5);
  ssl_pair_free(&pair);
  return (size_t)header[3] << 8 | header[4];
}

Test(ssl_config, fragments_are_of_the_size_that_was_set) {
  cr_assert_eq(written(1000), 1000 + 17);
  cr_assert_eq(written(1), 512 + 17);
  cr_assert_eq(written(100000), 16384 + 17);
}

/* ---- Sessions ---- */

Test(ssl_config, session_settings_come_back) {
  cr_assert_eq(SSL_CTX_get_session_cache_mode(ctx), SSL_SESS_CACHE_SERVER);
  cr_assert_eq(SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF), SSL_SESS_CACHE_SERVER);
  cr_assert_eq(SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH), SSL_SESS_CACHE_OFF);
  cr_assert_eq(SSL_CTX_get_session_cache_mode(ctx), SSL_SESS_CACHE_BOTH);
  cr_assert_eq(SSL_CTX_sess_get_cache_size(ctx), SSL_SESSION_CACHE_MAX_SIZE_DEFAULT);
  cr_assert_eq(SSL_CTX_sess_set_cache_size(ctx, 5), SSL_SESSION_CACHE_MAX_SIZE_DEFAULT);
  cr_assert_eq(SSL_CTX_sess_get_cache_size(ctx), 5);
  cr_assert_eq(SSL_CTX_get_timeout(ctx), SSL_DEFAULT_SESSION_TIMEOUT);
  cr_assert_eq(SSL_CTX_set_timeout(ctx, 60), SSL_DEFAULT_SESSION_TIMEOUT);
  cr_assert_eq(SSL_CTX_get_timeout(ctx), 60);
  cr_assert_eq(SSL_CTX_set_timeout(ctx, 0), 60);
  cr_assert_eq(SSL_CTX_get_timeout(ctx), SSL_DEFAULT_SESSION_TIMEOUT);
  cr_assert_eq(SSL_session_reused(ssl), 0);
}

/* tickets_written returns how many bytes a server's empty first write sends when it makes |num|
 * tickets; with |options| it keeps no sessions. */
static size_t tickets_written(size_t num, uint32_t options) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_default(&pair, 64 * 1024));
  cr_assert_eq(SSL_set_num_tickets(pair.server, num), 1);
  SSL_set_options(pair.server, options);
  if (options != 0)
    SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(pair.server), SSL_SESS_CACHE_OFF);
  cr_assert(ssl_pair_handshake(&pair));
  (void)SSL_write(pair.server, "", 0);
  size_t len = BIO_ctrl_pending(SSL_get_rbio(pair.client));
  ssl_pair_free(&pair);
  return len;
}

Test(ssl_config, tickets_are_as_many_as_were_set) {
  cr_assert_eq(SSL_CTX_get_num_tickets(ctx), 2);
  cr_assert_eq(SSL_CTX_set_num_tickets(ctx, 5), 1);
  cr_assert_eq(SSL_CTX_get_num_tickets(ctx), 5);
  cr_assert_eq(SSL_get_num_tickets(ssl), 2);
  cr_assert_eq(SSL_CTX_set_num_tickets(ctx, 1000), 1);
  cr_assert_eq(SSL_CTX_get_num_tickets(ctx), 16);
  size_t one = tickets_written(1, 0);
  cr_assert_gt(one, 0);
  cr_assert_eq(tickets_written(0, 0), 0);
  cr_assert_eq(tickets_written(2, SSL_OP_NO_TICKET), 0);
  /* Each is a message of its own; they may share a record. */
  size_t three = tickets_written(3, 0);
  cr_assert(three <= 3 * one && three >= 3 * (one - 22));
}

Test(ssl_config, session_id_context) {
  uint8_t id[33];
  size_t len;
  memset(id, 'i', sizeof id);
  cr_assert_eq(SSL_CTX_set_session_id_context(ctx, id, 32), 1);
  cr_assert_eq(SSL_CTX_set_session_id_context(ctx, id, 33), 0);
  reason(SSL_R_SSL_SESSION_ID_CONTEXT_TOO_LONG);
  (void)SSL_get0_session_id_context(ssl, &len);
  cr_assert_eq(len, 0);
  SSL *later = SSL_new(ctx);
  const uint8_t *found = SSL_get0_session_id_context(later, &len);
  cr_assert_eq(len, 32);
  cr_assert_eq(memcmp(found, id, 32), 0);
  cr_assert_eq(SSL_set_session_id_context(later, NULL, 0), 1);
  (void)SSL_get0_session_id_context(later, &len);
  cr_assert_eq(len, 0);
  SSL_free(later);
}

/* ---- Again ---- */

Test(ssl_config, clear_makes_ready_for_another_connection) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_ready(&pair, 0));
  cr_assert_not_null(SSL_get_current_cipher(pair.client));
  cr_assert_not_null(SSL_get0_peer_certificate(pair.client));
  BIO *rbio = SSL_get_rbio(pair.client);
  (void)BIO_reset(SSL_get_wbio(pair.client));
  (void)BIO_reset(SSL_get_wbio(pair.server));
  cr_assert_eq(SSL_clear(pair.client), 1);
  cr_assert_eq(SSL_clear(pair.server), 1);
  cr_assert_null(SSL_get_current_cipher(pair.client));
  cr_assert_null(SSL_get0_peer_certificate(pair.client));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_ERR_INVALID_CALL);
  cr_assert_eq(SSL_get_rbio(pair.client), rbio);
  cr_assert_eq(SSL_get_shutdown(pair.client), 0);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  ssl_pair_free(&pair);
}
