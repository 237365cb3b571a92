/* test_interop_boringssl.c: <openssl/ssl.h> against BoringSSL's libssl in boringssl_peer, both
 * directions: handshakes with and without HelloRetryRequest, resumption, refusals. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ssl_pair.h"
#include "sslwire.h"

TestSuite(interop_boringssl, .timeout = 120);

static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

#define PRINTED(peer, line) \
  cr_assert(peer_printed(peer, line "\n"), "no line '%s'%s", line, peer_tail(peer))

static void start(struct peer *peer, const char *options) {
  const char *wrong = peer_boringssl(peer, options);
  cr_assert_null(wrong, "%s", wrong);
}

static void handshake(struct sslwire *wire) {
  int error, ret = sslwire_handshake(wire, &error);
  cr_assert_eq(ret, 1, "error %d, %s%s", error, ERR_reason_error_string(ERR_peek_error()),
               peer_tail(wire->peer));
}

static SSL_CTX *client_context(const char *groups) {
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  cr_assert_not_null(ctx);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(ctx, keep);
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, groups), 1);
  return ctx;
}

/* connect_once talks to an echoing peer, with the session of the time before. */
static void connect_once(SSL_CTX *ctx, struct peer *peer, uint16_t port, size_t len, uint16_t group,
                         bool retried, bool resumed) {
  struct sslwire wire;
  struct buf text = {0};
  cr_assert(sslwire_open(&wire, ctx, peer, peer_connect(port), "localhost"));
  cr_assert_eq(SSL_set_session(wire.ssl, kept), 1);
  handshake(&wire);
  cr_assert_eq(SSL_get_curve_id(wire.ssl), group);
  cr_assert_eq(SSL_used_hello_retry_request(wire.ssl), retried);
  cr_assert_eq(SSL_session_reused(wire.ssl), resumed, "%s", peer_tail(peer));
  cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
  memset(buf_room(&text, len), 'x', len);
  buf_added(&text, len);
  cr_assert(sslwire_send(&wire, text.data, len), "%s", peer_tail(peer));
  cr_assert(sslwire_receive(&wire, len), "%s", peer_tail(peer));
  cr_assert_arr_eq(wire.received.data, text.data, len);
  cr_assert(sslwire_shutdown(&wire), "%s", peer_tail(peer));
  sslwire_close(&wire);
  buf_free(&text);
}

static uint16_t serve(struct peer *peer, const char *cert, const char *more) {
  char options[1024];
  snprintf(options, sizeof options,
           "-role server -cert %s/tests/certs/%s.pem -key %s/tests/certs/%s.key %s", HF_SOURCE_DIR,
           cert, HF_SOURCE_DIR, cert, more);
  start(peer, options);
  uint16_t port = peer_port(peer);
  cr_assert_neq(port, 0, "%s", peer_tail(peer));
  return port;
}

Test(interop_boringssl, connect) {
  static const char *certs[] = {"ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048"};
  for (size_t i = 0; i < sizeof certs / sizeof *certs; i++) {
    struct peer peer;
    SSL_CTX *ctx = client_context("P-256:X25519");
    uint16_t port = serve(&peer, certs[i], "-groups P-256");
    connect_once(ctx, &peer, port, 100000, SSL_CURVE_SECP256R1, false, false);
    PRINTED(&peer, "version TLSv1.3");
    PRINTED(&peer, "group P-256");
    PRINTED(&peer, "data 100000");
    PRINTED(&peer, "closed");
    cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
    SSL_SESSION_free(kept);
    kept = NULL;
    SSL_CTX_free(ctx);
    peer_stop(&peer);
  }
}

Test(interop_boringssl, connect_after_a_retry) {
  struct peer peer;
  SSL_CTX *ctx = client_context("P-256:X25519");
  uint16_t port = serve(&peer, "ecdsa-p256", "-groups X25519");
  connect_once(ctx, &peer, port, 1000, SSL_CURVE_X25519, true, false);
  PRINTED(&peer, "retried 1");
  PRINTED(&peer, "closed");
  SSL_SESSION_free(kept);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
}

Test(interop_boringssl, connect_with_a_session) {
  struct peer peer;
  SSL_CTX *ctx = client_context("X25519");
  uint16_t port = serve(&peer, "ecdsa-p256", "-connections 3");
  for (int i = 0; i < 3; i++) {
    peer.log.len = 0;
    connect_once(ctx, &peer, port, 10, SSL_CURVE_X25519, false, i > 0);
    cr_assert_not_null(kept);
    cr_assert(peer_printed(&peer, i > 0 ? "resumed 1\n" : "resumed 0\n"), "%s", peer_tail(&peer));
    PRINTED(&peer, "closed");
  }
  SSL_SESSION_free(kept);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
}

/* accept_once echoes what the peer sends. */
static void accept_once(SSL_CTX *ctx, struct peer *peer, int listener, size_t len, bool retried,
                        bool resumed) {
  struct sslwire wire;
  cr_assert(sslwire_open(&wire, ctx, peer, peer_accept(listener), NULL), "%s", peer_tail(peer));
  handshake(&wire);
  cr_assert_eq(SSL_used_hello_retry_request(wire.ssl), retried);
  cr_assert_eq(SSL_session_reused(wire.ssl), resumed, "%s", peer_tail(peer));
  for (size_t sent = 0; sent < len;) {
    cr_assert(sslwire_receive(&wire, sent + 1), "%s", peer_tail(peer));
    cr_assert(sslwire_send(&wire, wire.received.data + sent, wire.received.len - sent));
    sent = wire.received.len;
  }
  cr_assert(sslwire_receive(&wire, SIZE_MAX), "%s", peer_tail(peer));
  (void)SSL_shutdown(wire.ssl);
  sslwire_close(&wire);
}

static void call(struct peer *peer, int *listener, const char *more) {
  char options[1024];
  uint16_t port = 0;
  *listener = peer_listen(&port);
  cr_assert(*listener >= 0);
  snprintf(options, sizeof options,
           "-role client -port %d -ca %s/tests/certs/root.pem -name localhost %s", port,
           HF_SOURCE_DIR, more);
  start(peer, options);
}

Test(interop_boringssl, accept) {
  static const char *certs[] = {"ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048"};
  for (size_t i = 0; i < sizeof certs / sizeof *certs; i++) {
    struct peer peer;
    int listener;
    SSL_CTX *ctx = sslwire_context(TLS_server_method(), certs[i]);
    cr_assert_not_null(ctx);
    call(&peer, &listener,
         "-bytes 100000 -groups P-384 "
         "-sigalgs ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256");
    accept_once(ctx, &peer, listener, 100000, false, false);
    PRINTED(&peer, "group P-384");
    PRINTED(&peer, "data 100000");
    PRINTED(&peer, "closed");
    cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
    peer_stop(&peer);
    close(listener);
    SSL_CTX_free(ctx);
  }
}

Test(interop_boringssl, accept_after_a_retry) {
  struct peer peer;
  int listener;
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert(ctx != NULL && SSL_CTX_set1_groups_list(ctx, "P-256"));
  call(&peer, &listener, "-groups X25519:P-256");
  accept_once(ctx, &peer, listener, 5, true, false);
  PRINTED(&peer, "retried 1");
  PRINTED(&peer, "group P-256");
  PRINTED(&peer, "closed");
  peer_stop(&peer);
  close(listener);
  SSL_CTX_free(ctx);
}

Test(interop_boringssl, accept_with_a_session) {
  struct peer peer;
  int listener;
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert_not_null(ctx);
  call(&peer, &listener, "-connections 3 -resume 1");
  for (int i = 0; i < 3; i++) accept_once(ctx, &peer, listener, 5, false, i > 0);
  PRINTED(&peer, "resumed 1");
  cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
  peer_stop(&peer);
  close(listener);
  SSL_CTX_free(ctx);
}

/* ---- Sessions as bytes ---- */

/* offer has our client offer |session| to our server.  True: it was resumed. */
static bool offer(SSL_CTX *client, SSL_CTX *server, SSL_SESSION *session) {
  struct ssl_pair pair;
  char byte;
  cr_assert(ssl_pair_new(&pair, client, server, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(pair.client, session), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), 1);
  const bool reused = SSL_session_reused(pair.client);
  ssl_pair_free(&pair);
  return reused;
}

/* BoringSSL's client gets a session from our server and writes it to a file.  Ours reads it there,
 * writes the same bytes again, and resumes with it; and what it got then, in our bytes,
 * BoringSSL's client resumes with. */
Test(interop_boringssl, sessions_as_bytes_both_ways) {
  struct peer peer;
  int listener;
  char path[512], more[600];
  uint8_t *data, *again = NULL;
  size_t len;
  SSL_CTX *server = sslwire_context(TLS_server_method(), "ecdsa-p256");
  SSL_CTX *client = client_context("X25519");
  cr_assert_not_null(server);
  /* The peer's, which its client demands of sessions too. */
  cr_assert_eq(SSL_CTX_set_session_id_context(client, (const uint8_t *)"boringssl_peer", 14), 1);
  snprintf(path, sizeof path, "%s/session-%d.der", HF_BINARY_DIR, (int)getpid());
  snprintf(more, sizeof more, "-session-out %s", path);
  call(&peer, &listener, more);
  accept_once(server, &peer, listener, 5, false, false);
  cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
  peer_stop(&peer);
  close(listener);

  BIO *file = BIO_new_file(path, "rb");
  cr_assert(file != NULL && BIO_read_asn1(file, &data, &len, 100000));
  BIO_free(file);
  SSL_SESSION *theirs = SSL_SESSION_from_bytes(data, len, client);
  cr_assert_not_null(theirs);
  cr_assert_eq(i2d_SSL_SESSION(theirs, NULL), (int)len);
  cr_assert_eq(i2d_SSL_SESSION(theirs, &again), (int)len);
  cr_expect_arr_eq(again, data, len);
  OPENSSL_free(again);
  OPENSSL_free(data);
  cr_assert_eq(SSL_SESSION_get_protocol_version(theirs), TLS1_3_VERSION);
  cr_assert_eq(sk_CRYPTO_BUFFER_num(SSL_SESSION_get0_peer_certificates(theirs)), 2);
  cr_assert(offer(client, server, theirs));
  SSL_SESSION_free(theirs);

  cr_assert_eq(SSL_SESSION_to_bytes(kept, &data, &len), 1);
  file = BIO_new_file(path, "wb");
  cr_assert(file != NULL && BIO_write_all(file, data, len));
  BIO_free(file);
  OPENSSL_free(data);
  snprintf(more, sizeof more, "-session-in %s", path);
  call(&peer, &listener, more);
  accept_once(server, &peer, listener, 5, false, true);
  PRINTED(&peer, "resumed 1");
  cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
  peer_stop(&peer);
  close(listener);
  unlink(path);
  SSL_SESSION_free(kept);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* ---- Compressed certificates (RFC 8879), by what both have: the peer has the one.  A server's
 * alone: BoringSSL neither asks for a client's compressed nor compresses it. ---- */

static const char *const kCompressions[] = {"zlib", "brotli"};

static void set_compression(SSL_CTX *ctx) {
  int algs[] = {TLSEXT_comp_cert_brotli, TLSEXT_comp_cert_zlib};
  cr_assert_eq(SSL_CTX_set1_cert_comp_preference(ctx, algs, 2), 1);
}

static void connect_compressed(const char *algorithm) {
  struct peer peer;
  char more[512], path[512];
  SSL_CTX *ctx = client_context("X25519");
  credential_path(path, "client-ecdsa-p256", ".pem");
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
  credential_path(path, "client-ecdsa-p256", ".key");
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
  set_compression(ctx);
  snprintf(more, sizeof more, "-compress %s -ca %s/tests/certs/root.pem", algorithm, HF_SOURCE_DIR);
  uint16_t port = serve(&peer, "rsa-2048", more);
  connect_once(ctx, &peer, port, 10, SSL_CURVE_X25519, false, false);
  PRINTED(&peer, "\ncompressed 1\ndecompressed 0");
  PRINTED(&peer, "closed");
  SSL_SESSION_free(kept);
  kept = NULL;
  SSL_CTX_free(ctx);
  peer_stop(&peer);
}

Test(interop_boringssl, connect_with_compressed_certificates) {
  for (size_t i = 0; i < 2; i++) connect_compressed(kCompressions[i]);
}

static void accept_compressed(const char *algorithm) {
  struct peer peer;
  int listener;
  char more[1024], path[512];
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "rsa-2048");
  cr_assert_not_null(ctx);
  set_compression(ctx);
  credential_path(path, "root", ".pem");
  cr_assert_eq(SSL_CTX_load_verify_locations(ctx, path, NULL), 1);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  snprintf(more, sizeof more,
           "-compress %s -cert %s/tests/certs/client-rsa-2048.pem -key "
           "%s/tests/certs/client-rsa-2048.key",
           algorithm, HF_SOURCE_DIR, HF_SOURCE_DIR);
  call(&peer, &listener, more);
  accept_once(ctx, &peer, listener, 5, false, false);
  PRINTED(&peer, "\ncompressed 0\ndecompressed 1");
  PRINTED(&peer, "closed");
  cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
  peer_stop(&peer);
  close(listener);
  SSL_CTX_free(ctx);
}

Test(interop_boringssl, accept_with_compressed_certificates) {
  for (size_t i = 0; i < 2; i++) accept_compressed(kCompressions[i]);
}

/* The peer tells what it saw: alerts by their numbers. */
Test(interop_boringssl, refusals) {
  struct peer peer;
  int listener, error;
  struct sslwire wire;
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "wrong-name");
  cr_assert_not_null(ctx);
  call(&peer, &listener, "");
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
  cr_assert_neq(sslwire_handshake(&wire, &error), 1);
  cr_assert_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
  sslwire_close(&wire);
  PRINTED(&peer, "alert sent 42"); /* bad_certificate */
  cr_assert_eq(peer_wait(&peer), 1, "%s", peer_tail(&peer));
  peer_stop(&peer);
  close(listener);
  SSL_CTX_free(ctx);
}
