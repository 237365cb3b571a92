/* test_ssl_compression.c - compressed certificates (RFC 8879) of <openssl/ssl.h>: the callbacks of
 * BoringSSL and the ready-made algorithms, both ways, and what goes wrong. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "ssl_pair.h"

static SSL_CTX *client, *server;

/* What the callbacks have done. */
static unsigned squeezed, opened;
static bool fail_to_squeeze, fail_to_open; /* and leave an error; and a buffer that is gone */
static size_t open_short;

static void set_up(void) {
  squeezed = opened = 0;
  fail_to_squeeze = fail_to_open = false;
  open_short = 0;
  client = ssl_client_ctx();
  server = ssl_server_ctx("ecdsa-p256");
  cr_assert(client != NULL && server != NULL);
}
static void tear_down(void) {
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}
TestSuite(ssl_compression, .init = set_up, .fini = tear_down, .timeout = 60);

/* An algorithm of the test's own: every byte's bits are turned round. */
enum { OURS = 0x4001, OTHER = 0x4002 };

static int squeeze(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len) {
  (void)ssl;
  squeezed++;
  for (size_t i = 0; i < in_len; i++) cr_assert(CBB_add_u8(out, (uint8_t)~in[i]));
  if (fail_to_squeeze) ERR_put_error(ERR_LIB_USER, 0, 7, __FILE__, __LINE__);
  return !fail_to_squeeze;
}

static int open_it(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len, const uint8_t *in,
                   size_t in_len) {
  uint8_t *room;
  (void)ssl;
  opened++;
  cr_assert_eq(uncompressed_len, in_len);
  *out = CRYPTO_BUFFER_alloc(&room, in_len - open_short);
  for (size_t i = 0; i < in_len - open_short; i++) room[i] = (uint8_t)~in[i];
  if (fail_to_open) CRYPTO_BUFFER_free(*out);
  return !fail_to_open;
}

static void ask_client(void) {
  cr_assert(SSL_CTX_use_certificate_chain_file(client, cert_path("client-ecdsa-p256.pem")) == 1 &&
            SSL_CTX_use_PrivateKey_file(client, cert_path("client-ecdsa-p256.key"),
                                        SSL_FILETYPE_PEM) == 1 &&
            SSL_CTX_load_verify_locations(server, cert_path("root.pem"), NULL));
  SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* meet is a handshake; |chain| is checked to have arrived whole. */
static void meet(void) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert(ssl_pair_handshake(&pair), "%s", ERR_reason_error_string(ERR_peek_error()));
  cr_expect_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(pair.client)), 2u);
  cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  cr_expect_eq(ERR_peek_error(), 0u);
  ssl_pair_free(&pair);
}

/* R-8879-3-1 R-8879-4-1: of both sides, if the other takes it. */
Test(ssl_compression, both_ways) {
  ask_client();
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(client, OURS, squeeze, open_it), 1);
  meet();
  cr_expect_eq(squeezed + opened, 0u);
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(server, OURS, squeeze, open_it), 1);
  meet();
  cr_expect_eq(squeezed, 2u);
  cr_expect_eq(opened, 2u);
}

/* One direction alone. */
Test(ssl_compression, one_function) {
  ask_client();
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(client, OURS, NULL, open_it), 1);
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(server, OURS, squeeze, NULL), 1);
  meet();
  cr_expect_eq(squeezed, 1u);
  cr_expect_eq(opened, 1u);
}

Test(ssl_compression, what_cannot_be_added) {
  cr_expect_eq(SSL_CTX_add_cert_compression_alg(client, OURS, NULL, NULL), 0);
  cr_expect_eq(SSL_CTX_add_cert_compression_alg(client, OURS, squeeze, open_it), 1);
  cr_expect_eq(SSL_CTX_add_cert_compression_alg(client, OURS, squeeze, open_it), 0);
  for (uint16_t id = 2; id < 9; id++) {
    cr_expect_eq(SSL_CTX_add_cert_compression_alg(client, id, squeeze, open_it), 1);
  }
  cr_expect_eq(SSL_CTX_add_cert_compression_alg(client, OTHER, squeeze, open_it), 0);
}

/* What is stapled goes with it. */
Test(ssl_compression, with_staples) {
  static const uint8_t ocsp[] = "a response";
  struct ssl_pair pair;
  const uint8_t *stapled;
  size_t len;
  SSL_CTX_enable_ocsp_stapling(client);
  cr_assert_eq(SSL_CTX_set_ocsp_response(server, ocsp, sizeof ocsp), 1);
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(client, OURS, NULL, open_it), 1);
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(server, OURS, squeeze, NULL), 1);
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert(ssl_pair_handshake(&pair));
  SSL_get0_ocsp_response(pair.client, &stapled, &len);
  cr_assert_eq(len, sizeof ocsp);
  cr_expect_arr_eq(stapled, ocsp, len);
  cr_expect_eq(opened, 1u);
  ssl_pair_free(&pair);
}

/* What cannot be compressed is sent as it is. */
Test(ssl_compression, it_cannot_be_compressed) {
  fail_to_squeeze = true; /* the server's flight is followed by SSL_ERROR_WANT_READ none the less */
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(client, OURS, NULL, open_it), 1);
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(server, OURS, squeeze, NULL), 1);
  meet();
  cr_expect_eq(squeezed, 1u);
  cr_expect_eq(opened, 0u);
}

static void expect_bad_certificate(void) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_expect_eq(first_reason(), SSL_R_CERT_DECOMPRESSION_FAILED);
  ERR_clear_error();
  cr_assert_eq(SSL_do_handshake(pair.server), -1);
  cr_expect_eq(first_reason(), SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
  ERR_clear_error();
  ssl_pair_free(&pair);
}

/* R-8879-4-3 */
Test(ssl_compression, it_cannot_be_decompressed) {
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(client, OURS, NULL, open_it), 1);
  cr_assert_eq(SSL_CTX_add_cert_compression_alg(server, OURS, squeeze, NULL), 1);
  fail_to_open = true;
  expect_bad_certificate();
  fail_to_open = false;
  open_short = 1;
  expect_bad_certificate();
}

/* ---- Ready-made ---- */

/* zlib and brotli are there in every build that has tests: `dev` installs their libraries. */
Test(ssl_compression, ready_made) {
  int algs[] = {TLSEXT_comp_cert_zlib, TLSEXT_comp_cert_brotli};
  for (size_t i = 0; i < 2; i++) {
    struct ssl_pair pair;
    ask_client();
    cr_assert_eq(SSL_CTX_set1_cert_comp_preference(client, &algs[i], 1), 1, "%d", algs[i]);
    cr_assert_eq(SSL_CTX_set1_cert_comp_preference(server, algs, 2), 1);
    meet();
    cr_assert_eq(SSL_CTX_set1_cert_comp_preference(server, NULL, 0), 1);
    cr_assert(ssl_pair_new(&pair, client, server, 0));
    cr_assert_eq(SSL_set1_cert_comp_preference(pair.server, &algs[i], 1), 1);
    cr_assert(ssl_pair_handshake(&pair));
    ssl_pair_free(&pair);
  }
}

/* Ready-made ones do not take what is wrong: the client has them, the server's are the test's. */
static uint8_t junk[] = {0x78, 0x9c, 0x4b, 0x04, 0x00, 0x00, 0x62, 0x00, 0x62}; /* zlib of "a" */

static int say_junk(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len) {
  (void)ssl, (void)in, (void)in_len;
  squeezed++;
  return CBB_add_bytes(out, junk, sizeof junk);
}

Test(ssl_compression, ready_made_and_junk) {
  int algs[] = {TLSEXT_comp_cert_zlib, TLSEXT_comp_cert_brotli};
  for (int i = 0; i < 2; i++) {
    tear_down();
    set_up();
    cr_assert_eq(SSL_CTX_set1_cert_comp_preference(client, &algs[i], 1), 1);
    cr_assert_eq(SSL_CTX_add_cert_compression_alg(server, (uint16_t)algs[i], say_junk, NULL), 1);
    expect_bad_certificate();
    cr_expect_eq(squeezed, 1u);
  }
}

Test(ssl_compression, preferences_that_cannot_be) {
  int twice[] = {TLSEXT_comp_cert_zlib, TLSEXT_comp_cert_zlib}, none[] = {TLSEXT_comp_cert_zstd},
      some[] = {TLSEXT_comp_cert_zstd, TLSEXT_comp_cert_brotli};
  cr_expect_eq(SSL_CTX_set1_cert_comp_preference(client, twice, 2), 0);
  cr_expect_eq(SSL_CTX_set1_cert_comp_preference(client, none, 1), 0);
  cr_expect_eq(SSL_CTX_set1_cert_comp_preference(client, some, 2), 1);
}
