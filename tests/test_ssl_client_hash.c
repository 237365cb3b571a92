/* test_ssl_client_hash.c: SSL_CTX_set_retain_only_sha256_of_client_certs: what a server keeps of a
 * client's certificates, in memory, in tickets, in its cache and in encoded sessions, and which
 * sessions it then resumes. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pool.h>
#include <openssl/sha.h>
#include <string.h>

#include "ssl_kept.h"

static struct ssl_pair pair;
static const char *const client_cert = "client-ecdsa-p256.pem";

static void set_up(void) {
  kept_set_up();
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(client_ctx, cert_path(client_cert)), 1);
  cr_assert_eq(
      SSL_CTX_use_PrivateKey_file(client_ctx, cert_path("client-ecdsa-p256.key"), SSL_FILETYPE_PEM),
      1);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER, NULL);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  kept_tear_down();
}

TestSuite(ssl_client_hash, .init = set_up, .fini = tear_down, .timeout = 60);

/* meet offers what was kept last to a server of |ctx|.  True: it was resumed. */
static bool meet_at(SSL_CTX *ctx) {
  char byte;
  ssl_pair_free(&pair);
  cr_assert(ssl_pair_new(&pair, client_ctx, ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(pair.client, kept), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), 1);
  return SSL_session_reused(pair.server);
}

static bool meet(void) { return meet_at(server_ctx); }

/* hash_is_right says whether |session| has the hash of the client's certificate. */
static bool hash_is_right(const SSL_SESSION *session) {
  uint8_t want[SHA256_DIGEST_LENGTH], *der = NULL;
  const uint8_t *hash;
  size_t len;
  int der_len = i2d_X509(SSL_get_certificate(pair.client), &der);
  cr_assert_gt(der_len, 0);
  SHA256(der, (size_t)der_len, want);
  OPENSSL_free(der);
  SSL_SESSION_get0_peer_sha256(session, &hash, &len);
  return SSL_SESSION_has_peer_sha256(session) == 1 && len == sizeof want &&
         memcmp(hash, want, len) == 0;
}

/* Only the hash is there. */
static void expect_hash(void) {
  const SSL_SESSION *session = SSL_get_session(pair.server);
  cr_assert_not_null(session);
  cr_expect(hash_is_right(session));
  cr_expect_null(SSL_SESSION_get0_peer(session));
  cr_expect_null(SSL_SESSION_get0_peer_certificates(session));
  cr_expect_null(SSL_get_peer_certificate(pair.server));
  cr_expect_null(SSL_get_peer_full_cert_chain(pair.server));
  cr_expect_null(SSL_get0_peer_certificates(pair.server));
  cr_expect_eq(SSL_get_verify_result(pair.server), X509_V_OK);
}

/* Only the chain is there, or with |num| 0 nothing. */
static void expect_chain(size_t num) {
  const SSL_SESSION *session = SSL_get_session(pair.server);
  const uint8_t *hash = (const uint8_t *)"";
  size_t len = 1;
  cr_assert_not_null(session);
  SSL_SESSION_get0_peer_sha256(session, &hash, &len);
  cr_expect_null(hash);
  cr_expect_eq(len, 0u);
  cr_expect_eq(SSL_SESSION_has_peer_sha256(session), 0);
  cr_expect_eq(sk_CRYPTO_BUFFER_num(SSL_SESSION_get0_peer_certificates(session)), num);
  cr_expect_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(pair.server)), num);
}

static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* each runs |test| in both versions, with tickets and with sessions that the server keeps. */
static void each(void (*test)(void)) {
  for (int i = 0; i < 4; i++) {
    cr_assert_eq(SSL_CTX_set_max_proto_version(server_ctx, versions[i & 1]), 1);
    if (i == 2) SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 0);
    kept_forget();
    test();
  }
}

static void stays(void) {
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  cr_expect_not(meet());
  expect_hash();
  for (int i = 0; i < 2; i++) { /* and what comes of a resumed connection has it too */
    cr_expect(meet());
    expect_hash();
  }
}

Test(ssl_client_hash, it_stays_when_sessions_are_resumed) { each(stays); }

static void on_and_off(void) {
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  cr_expect_not(meet());
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 0);
  cr_expect_not(meet());
  expect_chain(2);
  cr_expect(meet());
  expect_chain(2);
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  cr_expect_not(meet());
  expect_hash();
}

Test(ssl_client_hash, a_session_must_have_what_is_wanted_now) { each(on_and_off); }

static void one_ssl(void) {
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  ssl_pair_free(&pair);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 65536));
  SSL_set_retain_only_sha256_of_client_certs(pair.server, 0);
  cr_assert(ssl_pair_handshake(&pair));
  expect_chain(2);
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 0);
  ssl_pair_free(&pair);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 65536));
  SSL_set_retain_only_sha256_of_client_certs(pair.server, 1);
  cr_assert(ssl_pair_handshake(&pair));
  expect_hash();
}

Test(ssl_client_hash, of_one_ssl) { each(one_ssl); }

static void nothing_shown(void) {
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  cr_expect_not(meet());
  expect_chain(0);
  cr_expect(meet());
  expect_chain(0);
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 0);
  cr_expect(meet());
}

Test(ssl_client_hash, without_a_certificate_there_is_none) {
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_NONE, NULL);
  each(nothing_shown);
}

/* A server that insists knows who resumes a session by the hash. */
Test(ssl_client_hash, a_client_is_known_by_it) {
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_expect_not(meet());
  cr_expect(meet());
}

/* What was found wrong with it is not forgotten with the chain. */
static int verify_and_go_on(X509_STORE_CTX *store_ctx, void *arg) {
  (void)arg;
  SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  cr_expect_not_null(SSL_get0_peer_certificate(ssl));
  cr_expect_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(ssl)), 2u);
  X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_CERT_REJECTED);
  return 1;
}

static void lent_meanwhile(void) {
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  cr_expect_not(meet());
  cr_expect_eq(SSL_get_verify_result(pair.server), X509_V_ERR_CERT_REJECTED);
  cr_expect(hash_is_right(SSL_get_session(pair.server)));
  cr_expect_null(SSL_get0_peer_certificate(pair.server));
  cr_expect(meet());
  cr_expect_eq(SSL_get_verify_result(pair.server), X509_V_ERR_CERT_REJECTED);
}

Test(ssl_client_hash, the_chain_is_there_for_who_verifies_it) {
  SSL_CTX_set_cert_verify_callback(server_ctx, verify_and_go_on, NULL);
  each(lent_meanwhile);
}

/* ---- In an encoded session: element [13] of BoringSSL's encoding ---- */

/* stored is the session of a server that keeps them, or NULL. */
static SSL_SESSION *stored;
static int store(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(stored);
  stored = session;
  return 1;
}

/* find returns where |what| is in |in|, or NULL. */
static uint8_t *find(uint8_t *in, size_t in_len, const void *what, size_t len) {
  for (size_t i = 0; i + len <= in_len; i++)
    if (memcmp(in + i, what, len) == 0) return in + i;
  return NULL;
}

static SSL_SESSION *hashed_session(void) {
  SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  SSL_CTX_sess_set_new_cb(server_ctx, store);
  cr_expect_not(meet());
  cr_assert_not_null(stored);
  SSL_SESSION *session = stored;
  stored = NULL;
  return session;
}

/* encode gives the bytes of hashed_session with |what| put before |mark|, where that is found; the
 * length of it all is one byte that the header announces. */
static size_t encode(uint8_t out[512], const char *mark, size_t mark_len, const void *what,
                     size_t len) {
  SSL_SESSION *session = hashed_session();
  uint8_t *data;
  size_t data_len;
  cr_assert_eq(SSL_SESSION_to_bytes(session, &data, &data_len), 1);
  cr_assert(data[0] == 0x30 && data[1] == 0x81 && data[2] + len < 0x100);
  const uint8_t *at = find(data, data_len, mark, mark_len);
  cr_assert_not_null(at);
  const size_t before = (size_t)(at - data);
  memcpy(out, data, before);
  if (len > 0) memcpy(out + before, what, len);
  memcpy(out + before + len, at, data_len - before);
  out[2] = (uint8_t)(out[2] + len);
  OPENSSL_free(data);
  SSL_SESSION_free(session);
  return data_len + len;
}

static void refused(const uint8_t *data, size_t len) {
  cr_expect_null(SSL_SESSION_from_bytes(data, len, server_ctx));
  cr_expect_eq(first_reason(), SSL_R_INVALID_SSL_SESSION, "%d", first_reason());
  ERR_clear_error();
}

#define HEAD "\xad\x22\x04\x20"

Test(ssl_client_hash, encoded) {
  uint8_t data[512];
  size_t len = encode(data, HEAD, 4, NULL, 0);
  SSL_SESSION *back = SSL_SESSION_from_bytes(data, len, server_ctx);
  cr_assert_not_null(back);
  cr_expect(hash_is_right(back));
  cr_expect_null(SSL_SESSION_get0_peer(back));
  SSL_SESSION_free(back);
}

Test(ssl_client_hash, encoded_with_another_length) {
  uint8_t data[512];
  size_t len = encode(data, HEAD, 4, "\xad\x23\x04\x21", 4);
  uint8_t *at = find(data, len, HEAD, 4);
  cr_assert_not_null(at);
  /* The new head takes the old one's place, with one byte more behind it. */
  memmove(at, at + 3, len - (size_t)(at - data) - 3);
  data[2] -= 3;
  refused(data, len - 3);
  /* And one byte less. */
  at = find(data, len, "\xad\x23\x04\x21", 4);
  cr_assert_not_null(at);
  at[1] = 33, at[3] = 31;
  memmove(at + 4, at + 6, len - 3 - (size_t)(at + 6 - data));
  data[2] -= 2;
  refused(data, len - 5);
}

/* Nobody writes both the certificate, element [3], and its hash. */
Test(ssl_client_hash, encoded_beside_a_certificate) {
  uint8_t data[512];
  size_t len = encode(data, "\xa4\x02\x04\x00", 4, "\xa3\x02\x30\x00", 4);
  refused(data, len);
}

/* ---- A hash that is over ---- */

/* with_other meets the server with a client that has no certificate but offers what was kept. */
static void with_other(SSL_CTX *other, SSL *server) {
  SSL *client = SSL_new(other);
  BIO *left, *right;
  cr_assert(BIO_new_bio_pair(&left, 0, &right, 0));
  SSL_set_bio(client, left, left);
  SSL_set_bio(server, right, right);
  SSL_set_connect_state(client);
  cr_assert_eq(SSL_set_tlsext_host_name(client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(client, kept), 1);
  for (int i = 0; i < 10 && !(SSL_is_init_finished(client) && SSL_is_init_finished(server)); i++) {
    (void)SSL_do_handshake(client);
    (void)SSL_do_handshake(server);
  }
  cr_assert(SSL_is_init_finished(client) && SSL_is_init_finished(server));
  cr_expect_eq(SSL_session_reused(server), 0);
  SSL_free(client);
}

/* A session that the engine does not take after all leaves nothing of its client behind. */
Test(ssl_client_hash, of_a_session_that_was_not_resumed) {
  SSL_CTX *other = ssl_client_ctx();
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  cr_assert_eq(SSL_CTX_set_ciphersuites(server_ctx, "TLS_AES_128_GCM_SHA256"), 1);
  cr_expect_not(meet());
  expect_hash();
  cr_assert_eq(SSL_CTX_set_ciphersuites(server_ctx, "TLS_AES_256_GCM_SHA384"), 1);
  ssl_pair_free(&pair);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  with_other(other, pair.server);
  expect_chain(0);
  SSL_CTX_free(other);
}

Test(ssl_client_hash, of_an_ssl_that_was_cleared) {
  SSL_CTX *other = ssl_client_ctx();
  SSL_CTX_set_retain_only_sha256_of_client_certs(server_ctx, 1);
  cr_expect_not(meet());
  expect_hash();
  kept_forget();
  cr_assert_eq(SSL_clear(pair.server), 1);
  with_other(other, pair.server);
  expect_chain(0);
  SSL_CTX_free(other);
}
