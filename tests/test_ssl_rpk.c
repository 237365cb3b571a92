/* test_ssl_rpk.c - raw public keys (RFC 7250) between an SSL client and an SSL server of ours: who
 * shows one, whom it is trusted by, and what is known of it afterwards; and OpenSSL's manual pages
 * SSL_set1_server_cert_type(3) and SSL_get0_peer_rpk(3). */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <string.h>

#include "credential.h"
#include "ssl_pair.h"

static const uint8_t raw_first[] = {TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509};
static const uint8_t x509_only[] = {TLSEXT_cert_type_x509};

static SSL_CTX *client_ctx, *server_ctx;
static EVP_PKEY *server_key, *client_key;
static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

/* A server without a certificate that can show just its key, and a client that takes just that. */
static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = SSL_CTX_new(TLS_method());
  server_key = credential_key("ecdsa-p256");
  client_key = credential_key("client-ed25519");
  cr_assert(client_ctx != NULL && server_ctx != NULL && server_key != NULL && client_key != NULL);
  cr_assert_eq(SSL_CTX_use_PrivateKey(server_ctx, server_key), 1);
  cr_assert_eq(SSL_CTX_set1_server_cert_type(server_ctx, raw_first, 1), 1);
  cr_assert_eq(SSL_CTX_set1_server_cert_type(client_ctx, raw_first, 1), 1);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
}

static void tear_down(void) {
  SSL_SESSION_free(kept);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  EVP_PKEY_free(server_key);
  EVP_PKEY_free(client_key);
}

TestSuite(ssl_rpk, .init = set_up, .fini = tear_down, .timeout = 60);

static void open_pair(struct ssl_pair *pair, EVP_PKEY *expected) {
  cr_assert(ssl_pair_new(pair, client_ctx, server_ctx, 65536));
  if (expected != NULL) cr_assert_eq(SSL_add_expected_rpk(pair->client, expected), 1);
}

/* The tickets come with the first data. */
static void get_tickets(struct ssl_pair *pair) {
  char byte;
  cr_assert_eq(SSL_write(pair->server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair->client, &byte, 1), 1);
}

static void expect_key(const EVP_PKEY *got, const EVP_PKEY *want) {
  cr_assert_not_null(got);
  cr_expect_eq(EVP_PKEY_cmp(got, want), 1);
}

Test(ssl_rpk, a_server_without_a_certificate) {
  struct ssl_pair pair;
  open_pair(&pair, client_key);
  cr_assert_eq(SSL_add_expected_rpk(pair.client, server_key), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  cr_expect_eq(SSL_get_negotiated_server_cert_type(pair.client), TLSEXT_cert_type_rpk);
  cr_expect_eq(SSL_get_negotiated_server_cert_type(pair.server), TLSEXT_cert_type_rpk);
  cr_expect_eq(SSL_get_negotiated_client_cert_type(pair.client), TLSEXT_cert_type_x509);
  cr_expect_eq(SSL_get_negotiated_client_cert_type(pair.server), TLSEXT_cert_type_x509);
  expect_key(SSL_get0_peer_rpk(pair.client), server_key);
  cr_expect_null(SSL_get0_peer_rpk(pair.server));
  cr_expect_null(SSL_get0_peer_certificate(pair.client));
  cr_expect_null(SSL_get0_peer_certificates(pair.client));
  ssl_pair_free(&pair);
}

static void expect_untrusted(struct ssl_pair *pair) {
  cr_expect_not(ssl_pair_handshake(pair));
  cr_expect_eq(SSL_get_verify_result(pair->client), X509_V_ERR_RPK_UNTRUSTED);
  ERR_clear_error();
  cr_expect_eq(SSL_do_handshake(pair->client), -1);
  cr_expect_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  ERR_clear_error();
  cr_expect_eq(SSL_do_handshake(pair->server), -1);
  cr_expect_eq(first_reason(), SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
  ERR_clear_error();
}

Test(ssl_rpk, a_key_that_is_not_expected) {
  struct ssl_pair pair;
  open_pair(&pair, client_key);
  expect_untrusted(&pair);
  ssl_pair_free(&pair);
  open_pair(&pair, NULL);
  expect_untrusted(&pair);
  ssl_pair_free(&pair);
}

/* Who does not insist goes on, and is told. */
Test(ssl_rpk, without_insisting) {
  struct ssl_pair pair;
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
  open_pair(&pair, NULL);
  cr_assert(ssl_pair_handshake(&pair));
  cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_ERR_RPK_UNTRUSTED);
  cr_expect_eq(ERR_peek_error(), 0u);
  ssl_pair_free(&pair);
}

static unsigned num_asked;
static int answer, asked_ok, asked_error;

static int verify_callback(int ok, X509_STORE_CTX *store_ctx) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  num_asked++;
  asked_ok = ok;
  asked_error = X509_STORE_CTX_get_error(store_ctx);
  expect_key(SSL_get0_peer_rpk(ssl), server_key);
  cr_expect_null(X509_STORE_CTX_get0_cert(store_ctx));
  return answer;
}

static int verify_whole(X509_STORE_CTX *store_ctx, void *arg) {
  (void)arg;
  return verify_callback(0, store_ctx);
}

Test(ssl_rpk, the_callback_has_the_last_word) {
  struct ssl_pair pair;
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, verify_callback);
  for (answer = 0; answer < 2; answer++) {
    open_pair(&pair, NULL);
    cr_expect_eq(ssl_pair_handshake(&pair), answer == 1);
    cr_expect(asked_ok == 0 && asked_error == X509_V_ERR_RPK_UNTRUSTED);
    cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_ERR_RPK_UNTRUSTED);
    ssl_pair_free(&pair);
    open_pair(&pair, server_key);
    cr_expect_eq(ssl_pair_handshake(&pair), answer == 1);
    cr_expect(asked_ok == 1 && asked_error == X509_V_OK);
    cr_expect_eq(SSL_get_verify_result(pair.client) == X509_V_OK, answer == 1);
    ssl_pair_free(&pair);
  }
  cr_expect_eq(num_asked, 4u);
  SSL_CTX_set_cert_verify_callback(client_ctx, verify_whole, NULL);
  for (answer = 0; answer < 2; answer++) {
    open_pair(&pair, NULL);
    cr_expect_eq(ssl_pair_handshake(&pair), answer == 1);
    ssl_pair_free(&pair);
  }
  cr_expect_eq(num_asked, 6u);
}

static enum ssl_verify_result_t custom(SSL *ssl, uint8_t *out_alert) {
  expect_key(SSL_get0_peer_rpk(ssl), server_key);
  *out_alert = SSL_AD_UNKNOWN_CA;
  if (num_asked++ == 0) return ssl_verify_retry;
  return answer == 1 ? ssl_verify_ok : ssl_verify_invalid;
}

Test(ssl_rpk, custom_verify) {
  SSL_CTX_set_custom_verify(client_ctx, SSL_VERIFY_PEER, custom);
  for (answer = 0; answer < 2; answer++) {
    struct ssl_pair pair;
    num_asked = 0;
    open_pair(&pair, NULL);
    cr_expect_not(ssl_pair_handshake(&pair));
    cr_expect_eq(num_asked, 1u);
    cr_expect_eq(SSL_do_handshake(pair.client), answer == 1 ? 1 : -1);
    cr_expect_eq(SSL_do_handshake(pair.server), answer == 1 ? 1 : -1);
    cr_expect_eq(num_asked, 2u);
    ssl_pair_free(&pair);
  }
}

/* Both sides, without certificates; and again from the ticket, where the keys are the session's. */
Test(ssl_rpk, both_sides_and_resumed) {
  struct ssl_pair pair;
  cr_assert_eq(SSL_CTX_use_PrivateKey(client_ctx, client_key), 1);
  cr_assert_eq(SSL_CTX_set1_client_cert_type(client_ctx, raw_first, 2), 1);
  cr_assert_eq(SSL_CTX_set1_client_cert_type(server_ctx, raw_first, 1), 1);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  for (int i = 0; i < 3; i++) {
    uint8_t *bytes;
    size_t len;
    open_pair(&pair, server_key);
    cr_assert_eq(SSL_add_expected_rpk(pair.server, client_key), 1);
    cr_assert_eq(SSL_set_session(pair.client, kept), 1);
    cr_assert(ssl_pair_handshake(&pair), "%d", i);
    const int type = i == 0 ? TLSEXT_cert_type_rpk : TLSEXT_cert_type_x509;
    cr_expect_eq(SSL_session_reused(pair.client), i > 0);
    cr_expect_eq(SSL_session_reused(pair.server), i > 0);
    cr_expect_eq(SSL_get_negotiated_client_cert_type(pair.server), type);
    cr_expect_eq(SSL_get_negotiated_client_cert_type(pair.client), type);
    cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_OK);
    cr_expect_eq(SSL_get_verify_result(pair.server), X509_V_OK);
    expect_key(SSL_get0_peer_rpk(pair.client), server_key);
    expect_key(SSL_get0_peer_rpk(pair.server), client_key);
    get_tickets(&pair);
    cr_assert_not_null(kept);
    expect_key(SSL_SESSION_get0_peer_rpk(kept), server_key);
    cr_expect_null(SSL_SESSION_get0_peer(kept));
    /* Through bytes, as a program that stores it. */
    cr_assert_eq(SSL_SESSION_to_bytes(kept, &bytes, &len), 1);
    SSL_SESSION_free(kept);
    kept = SSL_SESSION_from_bytes(bytes, len, client_ctx);
    cr_assert_not_null(kept);
    expect_key(SSL_SESSION_get0_peer_rpk(kept), server_key);
    OPENSSL_free(bytes);
    ssl_pair_free(&pair);
  }
}

/* A session's bytes with the peer's key changed: what cannot be is refused. */
Test(ssl_rpk, session_bytes) {
  struct ssl_pair pair;
  uint8_t *bytes;
  size_t len;
  open_pair(&pair, server_key);
  cr_assert(ssl_pair_handshake(&pair));
  get_tickets(&pair);
  ssl_pair_free(&pair);
  cr_assert_eq(SSL_SESSION_to_bytes(kept, &bytes, &len), 1);
  /* [32] { INTEGER 2 } [33] { SubjectPublicKeyInfo of 91 bytes } end it: BoringSSL's ssl_asn1.cc */
  static const uint8_t type[] = {0xbf, 0x20, 3, 2, 1, 2, 0xbf, 0x21, 91, 0x30, 89};
  uint8_t *at = bytes + len - 91 - 9;
  cr_assert_arr_eq(at, type, sizeof type);
  const struct {
    size_t offset;
    uint8_t value;
  } changes[] = {{1, 0x1f}, {5, 0}, {5, 1}, {9, 0x31}, {11, 0x31}, {16, 0x7f}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const uint8_t was = at[changes[i].offset];
    at[changes[i].offset] = changes[i].value;
    cr_expect_null(SSL_SESSION_from_bytes(bytes, len, client_ctx), "%zu", i);
    ERR_clear_error();
    at[changes[i].offset] = was;
  }
  SSL_SESSION *session = SSL_SESSION_from_bytes(bytes, len, client_ctx);
  cr_expect_not_null(session);
  SSL_SESSION_free(session);
  OPENSSL_free(bytes);
}

/* A server with a certificate shows each client what it takes. */
Test(ssl_rpk, a_certificate_or_its_key) {
  SSL_CTX_free(server_ctx);
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert_eq(SSL_CTX_set1_server_cert_type(server_ctx, raw_first, 2), 1);
  static const struct {
    const uint8_t *list;
    size_t len;
    int type;
  } clients[] = {{raw_first, 2, TLSEXT_cert_type_rpk},
                 {raw_first, 1, TLSEXT_cert_type_rpk},
                 {x509_only, 1, TLSEXT_cert_type_x509},
                 {NULL, 0, TLSEXT_cert_type_x509}};
  for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
    struct ssl_pair pair;
    cr_assert_eq(SSL_CTX_set1_server_cert_type(client_ctx, clients[i].list, clients[i].len), 1);
    open_pair(&pair, server_key);
    cr_assert(ssl_pair_handshake(&pair), "%zu", i);
    cr_expect_eq(SSL_get_negotiated_server_cert_type(pair.client), clients[i].type);
    cr_expect_eq(SSL_get0_peer_certificate(pair.client) != NULL,
                 clients[i].type == TLSEXT_cert_type_x509);
    cr_expect_eq(SSL_get_verify_result(pair.client), X509_V_OK);
    ssl_pair_free(&pair);
  }
}

/* SSL_set_SSL_CTX brings other certificates; which types are shown stays the SSL's. */
static int switch_ctx(SSL *ssl, int *out_alert, void *arg) {
  (void)out_alert;
  return SSL_set_SSL_CTX(ssl, arg) != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Test(ssl_rpk, another_context) {
  struct ssl_pair pair;
  SSL_CTX *other = ssl_server_ctx("ecdsa-p384");
  EVP_PKEY *other_key = credential_key("ecdsa-p384");
  SSL_CTX_set_tlsext_servername_callback(server_ctx, switch_ctx);
  SSL_CTX_set_tlsext_servername_arg(server_ctx, other);
  open_pair(&pair, other_key);
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "localhost"), 1);
  cr_assert(ssl_pair_handshake(&pair));
  expect_key(SSL_get0_peer_rpk(pair.client), other_key);
  ssl_pair_free(&pair);
  EVP_PKEY_free(other_key);
  SSL_CTX_free(other);
}

/* No type in common: the alert is the client's to read. */
Test(ssl_rpk, nothing_in_common) {
  struct ssl_pair pair;
  cr_assert_eq(SSL_CTX_set1_server_cert_type(client_ctx, NULL, 0), 1);
  open_pair(&pair, server_key);
  cr_expect_not(ssl_pair_handshake(&pair));
  ERR_clear_error();
  cr_expect_eq(SSL_do_handshake(pair.client), -1);
  cr_expect_eq(first_reason(), SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE);
  ssl_pair_free(&pair);
}

Test(ssl_rpk, lists) {
  static const uint8_t bad[][3] = {{1, 0, 0}, {2, 2, 0}, {2, 3, 0}, {0, 2, 0}};
  unsigned char *list;
  size_t len;
  for (size_t i = 0; i < 4; i++) {
    const size_t num = i == 0 ? 1 : i == 3 ? 3 : 2;
    cr_expect_eq(SSL_CTX_set1_client_cert_type(client_ctx, bad[i], num), 0);
  }
  cr_expect_eq(SSL_CTX_set1_client_cert_type(client_ctx, raw_first, 0), 0);
  cr_expect_eq(SSL_CTX_set1_client_cert_type(client_ctx, NULL, 1), 0);
  cr_assert_eq(SSL_CTX_get0_client_cert_type(client_ctx, &list, &len), 1);
  cr_expect(list == NULL && len == 0);
  cr_expect_eq(SSL_CTX_get0_client_cert_type(client_ctx, NULL, &len), 0);
  cr_expect_eq(SSL_CTX_get0_client_cert_type(client_ctx, &list, NULL), 0);
  SSL *ssl = SSL_new(client_ctx);
  cr_assert_eq(SSL_get0_server_cert_type(ssl, &list, &len), 1);
  cr_expect(len == 1 && list[0] == TLSEXT_cert_type_rpk);
  cr_assert_eq(SSL_set1_client_cert_type(ssl, raw_first, 2), 1);
  cr_assert_eq(SSL_set1_server_cert_type(ssl, x509_only, 1), 1);
  cr_assert_eq(SSL_get0_client_cert_type(ssl, &list, &len), 1);
  cr_expect(len == 2 && memcmp(list, raw_first, 2) == 0);
  cr_assert_eq(SSL_get0_server_cert_type(ssl, &list, &len), 1);
  cr_expect(len == 1 && list[0] == TLSEXT_cert_type_x509);
  cr_assert_eq(SSL_CTX_get0_server_cert_type(client_ctx, &list, &len), 1);
  cr_expect(len == 1 && list[0] == TLSEXT_cert_type_rpk);
  cr_expect_eq(SSL_add_expected_rpk(ssl, NULL), 0);
  cr_expect_null(SSL_get0_peer_rpk(ssl));
  cr_expect_eq(SSL_get_negotiated_server_cert_type(ssl), TLSEXT_cert_type_x509);
  ERR_clear_error();
  SSL_free(ssl);
}
