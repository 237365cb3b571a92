/* OCSP responses and signed certificate timestamps through <openssl/ssl.h>: between two SSLs, and
 * with OpenSSL and GnuTLS, each in a process of its own, which read and write real responses. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/mem.h>

#include "interop.h"
#include "ssl_pair.h"
#include "sslwire.h"

TestSuite(ssl_stapling, .timeout = 120);

#define OCSP_TEXT "an OCSP response"
#define SCTS_TEXT "\0\x0b\0\3one\0\4four"
static const uint8_t *const ocsp = (const uint8_t *)OCSP_TEXT;
static const uint8_t *const scts = (const uint8_t *)SCTS_TEXT;
enum { OCSP_LEN = sizeof OCSP_TEXT - 1, SCTS_LEN = sizeof SCTS_TEXT - 1, MOST = 65523 };

static int last_reason(void) {
  int found = ERR_GET_REASON(ERR_peek_last_error());
  ERR_clear_error();
  return found;
}

static void expect_staples(const SSL *ssl, bool has_ocsp, bool has_scts) {
  const uint8_t *data;
  size_t len;
  SSL_get0_ocsp_response(ssl, &data, &len);
  cr_expect_eq(len, has_ocsp ? OCSP_LEN : 0);
  if (has_ocsp && len == OCSP_LEN) cr_expect_arr_eq(data, ocsp, OCSP_LEN);
  SSL_get0_signed_cert_timestamp_list(ssl, &data, &len);
  cr_expect_eq(len, has_scts ? SCTS_LEN : 0);
  if (has_scts && len == SCTS_LEN) cr_expect_arr_eq(data, scts, SCTS_LEN);
}

static void meet(SSL_CTX *client, SSL_CTX *server, bool has_ocsp, bool has_scts) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert(ssl_pair_handshake(&pair));
  expect_staples(pair.client, has_ocsp, has_scts);
  expect_staples(pair.server, false, false);
  cr_assert_eq(SSL_clear(pair.client), 1);
  expect_staples(pair.client, false, false);
  ssl_pair_free(&pair);
}

static void set_both(SSL_CTX *ctx) {
  cr_assert_eq(SSL_CTX_set_ocsp_response(ctx, ocsp, OCSP_LEN), 1);
  cr_assert_eq(SSL_CTX_set_signed_cert_timestamp_list(ctx, scts, SCTS_LEN), 1);
}

Test(ssl_stapling, for_who_asks) {
  SSL_CTX *server = ssl_server_ctx("ecdsa-p256"), *client = ssl_client_ctx();
  set_both(server);
  meet(client, server, false, false);
  SSL_CTX_enable_ocsp_stapling(client);
  meet(client, server, true, false);
  SSL_CTX_enable_signed_cert_timestamps(client);
  meet(client, server, true, true);
  cr_assert_eq(SSL_CTX_set_ocsp_response(server, NULL, 0), 1);
  meet(client, server, false, true);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* One SSL for itself; its SSL_CTX is as it was. */
Test(ssl_stapling, of_one_ssl) {
  SSL_CTX *server = ssl_server_ctx("ecdsa-p256"), *client = ssl_client_ctx();
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  SSL_enable_ocsp_stapling(pair.client);
  SSL_enable_signed_cert_timestamps(pair.client);
  cr_assert_eq(SSL_set_ocsp_response(pair.server, ocsp, OCSP_LEN), 1);
  cr_assert_eq(SSL_set_signed_cert_timestamp_list(pair.server, scts, SCTS_LEN), 1);
  cr_assert(ssl_pair_handshake(&pair));
  expect_staples(pair.client, true, true);
  ssl_pair_free(&pair);
  SSL_CTX_enable_ocsp_stapling(client);
  meet(client, server, false, false);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* What is set before a certificate goes with the first; another kind of certificate has its own. */
Test(ssl_stapling, before_and_between_certificates) {
  static const uint16_t ecdsa = SSL_SIGN_ECDSA_SECP256R1_SHA256, rsa = SSL_SIGN_RSA_PSS_RSAE_SHA256;
  SSL_CTX *server = SSL_CTX_new(TLS_server_method()), *client = ssl_client_ctx();
  set_both(server);
  const char *const names[][2] = {{"ecdsa-p256.pem", "ecdsa-p256.key"},
                                  {"rsa-2048.pem", "rsa-2048.key"}};
  for (size_t i = 0; i < 2; i++) {
    cr_assert_eq(SSL_CTX_use_certificate_chain_file(server, cert_path(names[i][0])), 1);
    cr_assert_eq(SSL_CTX_use_PrivateKey_file(server, cert_path(names[i][1]), SSL_FILETYPE_PEM), 1);
  }
  SSL_CTX_enable_ocsp_stapling(client);
  SSL_CTX_enable_signed_cert_timestamps(client);
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(client, &ecdsa, 1), 1);
  meet(client, server, true, true);
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(client, &rsa, 1), 1);
  meet(client, server, false, false);
  cr_assert_eq(SSL_CTX_set_ocsp_response(server, ocsp, OCSP_LEN), 1);
  meet(client, server, true, false);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

static int other_ctx(SSL *ssl, int *out_alert, void *arg) {
  (void)out_alert;
  return SSL_set_SSL_CTX(ssl, arg) != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* SSL_set_SSL_CTX brings them with the certificates. */
Test(ssl_stapling, of_another_ctx) {
  SSL_CTX *first = ssl_server_ctx("ecdsa-p256"), *other = ssl_server_ctx("ecdsa-p256");
  SSL_CTX *client = ssl_client_ctx();
  set_both(other);
  SSL_CTX_set_tlsext_servername_callback(first, other_ctx);
  SSL_CTX_set_tlsext_servername_arg(first, other);
  SSL_CTX_enable_ocsp_stapling(client);
  SSL_CTX_enable_signed_cert_timestamps(client);
  meet(client, first, true, true);
  SSL_CTX_free(client);
  SSL_CTX_free(other);
  SSL_CTX_free(first);
}

static const uint8_t *lent;

/* Waits once; what it was lent is there still. */
static enum ssl_verify_result_t verify_late(SSL *ssl, uint8_t *out_alert) {
  const uint8_t *data;
  size_t len;
  (void)out_alert;
  expect_staples(ssl, true, true);
  SSL_get0_ocsp_response(ssl, &data, &len);
  const uint8_t *before = lent;
  lent = data;
  if (before == NULL) return ssl_verify_retry;
  return before == data ? ssl_verify_ok : ssl_verify_invalid;
}

/* Who verifies by himself sees them, and may take his time. */
Test(ssl_stapling, while_verifying) {
  SSL_CTX *server = ssl_server_ctx("ecdsa-p256"), *client = ssl_client_ctx();
  struct ssl_pair pair;
  set_both(server);
  SSL_CTX_enable_ocsp_stapling(client);
  SSL_CTX_enable_signed_cert_timestamps(client);
  SSL_CTX_set_custom_verify(client, SSL_VERIFY_PEER, verify_late);
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_error(pair.client, -1), SSL_ERROR_WANT_CERTIFICATE_VERIFY);
  cr_assert(ssl_pair_handshake(&pair));
  expect_staples(pair.client, true, true);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

Test(ssl_stapling, what_cannot_be) {
  static const struct {
    const char *data;
    size_t len;
  } bad[] = {{"", 0}, {"\0\0", 2}, {"\0\2\0\0", 4}, {"\0\3\0\2x", 5}, {"\0\3\0\1xy", 6}};
  SSL_CTX *ctx = ssl_server_ctx("ecdsa-p256");
  uint8_t *big = OPENSSL_malloc(MOST + 1);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const uint8_t *data = (const uint8_t *)bad[i].data;
    cr_expect_eq(SSL_CTX_set_signed_cert_timestamp_list(ctx, data, bad[i].len), 0, "%zu", i);
    cr_expect_eq(last_reason(), SSL_R_INVALID_SCT_LIST);
  }
  memset(big, 0, MOST + 1);
  cr_expect_eq(SSL_CTX_set_ocsp_response(ctx, big, MOST + 1), 0);
  cr_expect_eq(last_reason(), SSL_R_DATA_LENGTH_TOO_LONG);
  cr_expect_eq(SSL_CTX_set_ocsp_response(ctx, big, MOST), 1);
  cr_expect_eq(SSL_CTX_set_signed_cert_timestamp_list(ctx, scts, SCTS_LEN), 0);
  cr_expect_eq(last_reason(), SSL_R_DATA_LENGTH_TOO_LONG);
  OPENSSL_free(big);
  SSL_CTX_free(ctx);
}

/* ---- With OpenSSL and GnuTLS ---- */

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static void temporary(char out[256]) {
  snprintf(out, 256, "%s/staple-XXXXXX", HF_BINARY_DIR);
  int fd = mkstemp(out);
  cr_assert_geq(fd, 0);
  close(fd);
}

static void slurp(struct buf *out, const char *path) {
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file);
  buf_added(out, fread(buf_room(out, 60000), 1, 60000, file));
  fclose(file);
}

/* Has `openssl ocsp` write the response "good" for ecdsa-p256, signed by its issuer, to |path|. */
static void make_response(char path[256]) {
  char index[256], command[2048];
  const char *dir = HF_SOURCE_DIR "/tests/certs";
  SSL_CTX *ctx = ssl_server_ctx("ecdsa-p256");
  BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(SSL_CTX_get0_certificate(ctx)), NULL);
  char *hex = BN_bn2hex(serial);
  struct peer peer;
  temporary(index);
  temporary(path);
  FILE *file = fopen(index, "w");
  fprintf(file, "V\t20991231235959Z\t\t%s\tunknown\t/CN=ecdsa-p256\n", hex);
  fclose(file);
  snprintf(command, sizeof command,
           "openssl ocsp -index %s -CA %s/intermediate.pem -rsigner %s/intermediate.pem -rkey "
           "%s/intermediate.key -issuer %s/intermediate.pem -cert %s/ecdsa-p256.pem -ndays 2 "
           "-respout %s",
           index, dir, dir, dir, dir, dir, path);
  start(&peer, command);
  cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
  peer_stop(&peer);
  unlink(index);
  OPENSSL_free(hex);
  BN_free(serial);
  SSL_CTX_free(ctx);
}

/* Our client gets from |command|'s server just the bytes of |path|. */
static void fetch(const char *command, uint16_t port, const char *path) {
  struct peer peer;
  struct sslwire wire;
  struct buf want = {0};
  const uint8_t *got;
  size_t len;
  int error;
  start(&peer, command);
  slurp(&want, path);
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_enable_ocsp_stapling(ctx);
  SSL_CTX_enable_signed_cert_timestamps(ctx);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_connect(port), "localhost"));
  cr_assert_eq(sslwire_handshake(&wire, &error), 1, "%s", peer_tail(&peer));
  SSL_get0_ocsp_response(wire.ssl, &got, &len);
  cr_assert_eq(len, want.len, "%zu bytes%s", len, peer_tail(&peer));
  cr_expect_arr_eq(got, want.data, len);
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  buf_free(&want);
}

Test(ssl_stapling, interop_from_servers) {
  char path[256], command[2048];
  const char *dir = HF_SOURCE_DIR "/tests/certs";
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
  make_response(path);
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/ecdsa-p256.pem -key "
           "%s/ecdsa-p256.key -cert_chain %s/intermediate.pem -status_file %s",
           port, dir, dir, dir, path);
  fetch(command, port, path);
  port = peer_free_port();
  snprintf(command, sizeof command,
           "gnutls-serv -p %d --echo -a --x509certfile %s/ecdsa-p256.pem --x509keyfile "
           "%s/ecdsa-p256.key --ocsp-response %s --priority NORMAL:-VERS-ALL:+VERS-TLS1.3",
           port, dir, dir, path);
  fetch(command, port, path);
  unlink(path);
}

/* Our server staples the bytes of |path| for the client that |format| starts, which is to print
 * |text|. */
static void staple(const char *command, int listener, const char *path, const char *text) {
  struct peer peer;
  struct sslwire wire;
  struct buf response = {0};
  int error;
  slurp(&response, path);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert_eq(SSL_CTX_set_ocsp_response(ctx, response.data, response.len), 1);
  cr_assert_eq(SSL_CTX_set_signed_cert_timestamp_list(ctx, scts, SCTS_LEN), 1);
  start(&peer, command);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
  cr_assert_eq(sslwire_handshake(&wire, &error), 1, "%s", peer_tail(&peer));
  cr_assert(peer_printed(&peer, text), "%s", peer_tail(&peer));
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  buf_free(&response);
}

Test(ssl_stapling, interop_for_clients) {
  char path[256], saved[256], command[2048];
  const char *dir = HF_SOURCE_DIR "/tests/certs";
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
  make_response(path);
  temporary(saved);
  uint16_t port;
  int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -tls1_3 -status -CAfile %s/root.pem "
           "-verify_return_error",
           port, dir);
  staple(command, listener, path, "OCSP Response Status: successful (0x0)");
  staple(command, listener, path, "Cert Status: good");
  snprintf(command, sizeof command,
           "gnutls-cli -p %d --sni-hostname localhost --verify-hostname localhost --x509cafile "
           "%s/root.pem --save-ocsp %s --priority NORMAL:-VERS-ALL:+VERS-TLS1.3 127.0.0.1",
           port, dir, saved);
  staple(command, listener, path, "Handshake was completed");
  struct buf want = {0}, got = {0};
  slurp(&want, path);
  slurp(&got, saved);
  cr_expect_eq(got.len, want.len);
  if (got.len == want.len) cr_expect_arr_eq(got.data, want.data, got.len);
  buf_free(&want);
  buf_free(&got);
  unlink(path);
  unlink(saved);
  close(listener);
}
