/* test_interop_ssl_tls12.c: TLS 1.2 of <openssl/ssl.h> with openssl, gnutls and BoringSSL, each in
 * a process of its own and both ways: full, resumed by ticket and by id, with client certificates,
 * stapled OCSP and ALPN, whether or not TLS 1.3 is offered beside it.  Every suite with every group
 * is test_interop_tls12.c's, on the engine. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sslwire.h"

TestSuite(interop_ssl_tls12, .timeout = 120);

enum who { OPENSSL, GNUTLS, BORINGSSL };
#define DIR HF_SOURCE_DIR "/tests/certs"

static SSL_SESSION *kept;

/* keep goes by way of bytes, as programs do that keep sessions in files. */
static int keep(SSL *ssl, SSL_SESSION *session) {
  uint8_t *data;
  size_t len;
  cr_assert_eq(SSL_SESSION_to_bytes(session, &data, &len), 1);
  SSL_SESSION_free(kept);
  kept = SSL_SESSION_from_bytes(data, len, SSL_get_SSL_CTX(ssl));
  cr_assert_not_null(kept);
  OPENSSL_free(data);
  return 0;
}

static void start(struct peer *peer, enum who who, const char *command) {
  const char *wrong = who == BORINGSSL ? peer_boringssl(peer, command) : peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

static void handshake(struct sslwire *wire, bool resumed) {
  int error, ret = sslwire_handshake(wire, &error);
  cr_assert_eq(ret, 1, "error %d, %s%s", error, ERR_reason_error_string(ERR_peek_error()),
               peer_tail(wire->peer));
  cr_assert_str_eq(SSL_get_version(wire->ssl), "TLSv1.2");
  cr_assert_eq(SSL_session_reused(wire->ssl), resumed, "%s", peer_tail(wire->peer));
  cr_assert_eq(SSL_get_extms_support(wire->ssl), 1);
  cr_assert_eq(SSL_get_secure_renegotiation_support(wire->ssl), 1);
}

/* ---- Our client ---- */

/* connect_thrice resumes the first connection's session twice. */
static void connect_thrice(struct peer *peer, uint16_t port, bool by_id, bool echoes, bool both) {
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), "client-ecdsa-p256");
  cr_assert_not_null(ctx);
  cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION), 1);
  cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, both ? TLS1_3_VERSION : TLS1_2_VERSION), 1);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(ctx, keep);
  for (int i = 0; i < 3; i++) {
    struct sslwire wire;
    cr_assert(sslwire_open(&wire, ctx, peer, peer_connect(port), "localhost"), "%s",
              peer_tail(peer));
    cr_assert_eq(SSL_set_session(wire.ssl, kept), 1);
    handshake(&wire, i > 0);
    cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
    cr_assert_not_null(kept);
    cr_assert_eq(SSL_SESSION_has_ticket(kept), !by_id);
    if (!echoes) buf_add(&peer->input, "hello\n", 6);
    cr_assert(sslwire_send(&wire, "hello\n", 6));
    cr_assert(sslwire_receive(&wire, 6), "%s", peer_tail(peer));
    cr_assert(sslwire_shutdown(&wire), "%s", peer_tail(peer));
    sslwire_close(&wire);
  }
  SSL_SESSION_free(kept);
  kept = NULL;
  SSL_CTX_free(ctx);
}

static void connect_to(enum who who, const char *cert, bool by_id, bool both) {
  struct peer peer;
  char command[2048];
  uint16_t port = peer_free_port();
  isolate();
  if (who == OPENSSL) {
    snprintf(command, sizeof command,
             "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_2 %s -cert %s/%s.pem -key "
             "%s/%s.key -cert_chain %s/intermediate.pem -Verify 5 -verify_return_error -CAfile "
             "%s/root.pem",
             port, by_id ? "-no_ticket" : "", DIR, cert, DIR, cert, DIR, DIR);
  } else if (who == GNUTLS) {
    snprintf(command, sizeof command,
             "gnutls-serv -p %d --echo -r --verify-client-cert --x509cafile %s/root.pem %s "
             "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2 --x509certfile %s/%s.pem --x509keyfile "
             "%s/%s.key",
             port, DIR, by_id ? "--noticket" : "", DIR, cert, DIR, cert);
  } else {
    snprintf(command, sizeof command,
             "-role server -max 1.2 -min 1.2 -connections 3 -ca %s/root.pem -cert %s/%s.pem -key "
             "%s/%s.key",
             DIR, DIR, cert, DIR, cert);
  }
  start(&peer, who, command);
  if (who == BORINGSSL) port = peer_port(&peer);
  connect_thrice(&peer, port, by_id, who != OPENSSL, both);
  peer_stop(&peer);
}

Test(interop_ssl_tls12, tickets_of_openssl) { connect_to(OPENSSL, "ecdsa-p256", false, true); }
Test(interop_ssl_tls12, tickets_of_openssl_rsa) { connect_to(OPENSSL, "rsa-2048", false, false); }
Test(interop_ssl_tls12, ids_of_openssl) { connect_to(OPENSSL, "ecdsa-p256", true, true); }
Test(interop_ssl_tls12, tickets_of_gnutls) { connect_to(GNUTLS, "rsa-2048", false, true); }
Test(interop_ssl_tls12, ids_of_gnutls) { connect_to(GNUTLS, "ecdsa-p256", true, false); }
Test(interop_ssl_tls12, tickets_of_boringssl) { connect_to(BORINGSSL, "ecdsa-p256", false, true); }
Test(interop_ssl_tls12, tickets_of_boringssl_rsa) {
  connect_to(BORINGSSL, "rsa-2048", false, false);
}

/* ---- Our server ---- */

static int choose_h2(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                     unsigned in_len, void *arg) {
  (void)ssl, (void)arg;
  return SSL_select_next_proto((uint8_t **)(void *)out, out_len, (const uint8_t *)"\2h2", 3, in,
                               in_len) == OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_NOACK;
}

static SSL_CTX *server_context(const char *cert) {
  static const uint8_t ocsp[] = {0x30, 3, 10, 1, 1}; /* OCSPResponse: malformedRequest */
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), cert);
  cr_assert_not_null(ctx);
  cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION), 1);
  cr_assert_eq(SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"test", 4), 1);
  cr_assert_eq(SSL_CTX_set_ocsp_response(ctx, ocsp, sizeof ocsp), 1);
  SSL_CTX_set_alpn_select_cb(ctx, choose_h2, NULL);
  return ctx;
}

static void call(struct peer *peer, enum who who, uint16_t port, const char *file, int i) {
  char command[2048];
  if (who == OPENSSL) {
    snprintf(
        command, sizeof command,
        "openssl s_client -connect 127.0.0.1:%d -tls1_2 -status -alpn h2 -servername localhost "
        "-verify_return_error -verify_hostname localhost -CAfile %s/root.pem -cert "
        "%s/client-rsa-2048.pem -key %s/client-rsa-2048.key -cert_chain %s/intermediate.pem "
        "-sess_out %s %s %s",
        port, DIR, DIR, DIR, DIR, file, i > 0 ? "-sess_in" : "", i > 0 ? file : "");
  } else {
    snprintf(command, sizeof command,
             "-role client -port %d -ca %s/root.pem -name localhost -max 1.2 -min 1.2 -bytes 6 "
             "-alpn h2 -connections 3 -resume 1 -cert %s/client-ecdsa-p256.pem -key "
             "%s/client-ecdsa-p256.key",
             port, DIR, DIR, DIR);
  }
  if (who == OPENSSL || i == 0) start(peer, who, command);
}

static void accept_thrice(enum who who, const char *cert, uint32_t options) {
  struct peer peer;
  char file[512];
  uint16_t port;
  int listener = peer_listen(&port);
  SSL_CTX *ctx = server_context(cert);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_options(ctx, options);
  snprintf(file, sizeof file, "%s/session12-%d.pem", HF_BINARY_DIR, (int)getpid());
  for (int i = 0; i < 3; i++) {
    struct sslwire wire;
    const uint8_t *alpn;
    unsigned alpn_len;
    call(&peer, who, port, file, i);
    cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL), "%s", peer_tail(&peer));
    handshake(&wire, i > 0);
    cr_assert_not_null(SSL_get0_peer_certificate(wire.ssl));
    cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
    SSL_get0_alpn_selected(wire.ssl, &alpn, &alpn_len);
    cr_assert(alpn_len == 2 && memcmp(alpn, "h2", 2) == 0);
    if (who == OPENSSL) {
      cr_assert(sslwire_send(&wire, "hello\n", 6));
      cr_assert(peer_printed(&peer, "hello"), "%s", peer_tail(&peer));
      if (i == 0) cr_assert(peer_printed(&peer, "OCSP response"), "%s", peer_tail(&peer));
      cr_assert(peer_end_input(&peer));
    } else {
      cr_assert(sslwire_receive(&wire, 6), "%s", peer_tail(&peer));
      cr_assert(sslwire_send(&wire, wire.received.data, 6));
    }
    cr_assert(sslwire_receive(&wire, SIZE_MAX), "%s", peer_tail(&peer));
    (void)SSL_shutdown(wire.ssl);
    sslwire_close(&wire);
    if (who == OPENSSL || i == 2) {
      cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
      peer_stop(&peer);
    }
  }
  SSL_CTX_free(ctx);
  close(listener);
  unlink(file);
}

Test(interop_ssl_tls12, our_tickets_for_openssl) { accept_thrice(OPENSSL, "ecdsa-p256", 0); }
Test(interop_ssl_tls12, our_ids_for_openssl) {
  accept_thrice(OPENSSL, "rsa-2048", SSL_OP_NO_TICKET);
}
Test(interop_ssl_tls12, our_tickets_for_boringssl) { accept_thrice(BORINGSSL, "rsa-2048", 0); }
Test(interop_ssl_tls12, our_ids_for_boringssl) {
  accept_thrice(BORINGSSL, "ecdsa-p256", SSL_OP_NO_TICKET);
}

/* gnutls-cli --resume connects twice; what it asks for goes by the version that both have. */
static void meet_gnutls(const char *cert, uint32_t options) {
  char command[1024];
  uint16_t port;
  struct peer peer;
  struct sslwire wire;
  int listener = peer_listen(&port);
  SSL_CTX *ctx = server_context(cert);
  SSL_CTX_set_options(ctx, options | SSL_OP_NO_TLSv1_3);
  snprintf(command, sizeof command,
           "gnutls-cli --resume --x509cafile %s/root.pem --no-ocsp --verify-hostname localhost "
           "--sni-hostname=localhost --alpn h2 --port=%d 127.0.0.1",
           DIR, port);
  start(&peer, GNUTLS, command);
  for (int i = 0; i < 2; i++) {
    cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
    handshake(&wire, i > 0);
    if (i > 0) break;
    cr_assert(sslwire_receive(&wire, SIZE_MAX), "%s", peer_tail(&peer));
    (void)SSL_shutdown(wire.ssl);
    sslwire_close(&wire);
  }
  cr_assert(peer_printed(&peer, "This is a resumed session"), "%s", peer_tail(&peer));
  sslwire_close(&wire);
  peer_stop(&peer);
  SSL_CTX_free(ctx);
  close(listener);
}

Test(interop_ssl_tls12, our_tickets_for_gnutls) { meet_gnutls("ecdsa-p256", 0); }
Test(interop_ssl_tls12, our_ids_for_gnutls) { meet_gnutls("rsa-2048", SSL_OP_NO_TICKET); }
