/* Resumption against openssl and gnutls, both directions: a session that one handshake left behind
 * shortens the next. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sslwire.h"

TestSuite(interop_session, .timeout = 120);

static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static void handshake(struct sslwire *wire) {
  int error, ret = sslwire_handshake(wire, &error);
  cr_assert_eq(ret, 1, "error %d, %s%s", error, ERR_reason_error_string(ERR_peek_error()),
               peer_tail(wire->peer));
}

/* resume_with connects to |port| until a session was resumed three times, each of another
 * connection; with |echoes| the server sends back what it gets, after its tickets. */
static void resume_with(struct peer *peer, uint16_t port, bool echoes) {
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  cr_assert_not_null(ctx);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(ctx, keep);
  for (int i = 0; i < 4; i++) {
    struct sslwire wire;
    cr_assert(sslwire_open(&wire, ctx, peer, peer_connect(port), "localhost"));
    cr_assert_eq(SSL_set_session(wire.ssl, kept), 1);
    SSL_SESSION_free(kept);
    kept = NULL;
    handshake(&wire);
    cr_assert_eq(SSL_session_reused(wire.ssl), i > 0, "%d%s", i, peer_tail(peer));
    cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
    X509 *certificate = SSL_get_peer_certificate(wire.ssl);
    cr_assert_not_null(certificate);
    X509_free(certificate);
    if (!echoes) buf_add(&peer->input, "hello\n", 6);
    cr_assert(sslwire_send(&wire, "hello\n", 6));
    cr_assert(sslwire_receive(&wire, 6));
    cr_assert_not_null(kept);
    cr_assert(sslwire_shutdown(&wire));
    sslwire_close(&wire);
  }
  SSL_SESSION_free(kept);
  SSL_CTX_free(ctx);
}

Test(interop_session, openssl_takes_what_it_gave) {
  struct peer peer;
  char command[1024];
  const char *dir = HF_SOURCE_DIR;
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/tests/certs/rsa-2048.pem "
           "-key %s/tests/certs/rsa-2048.key -cert_chain %s/tests/certs/intermediate.pem",
           port, dir, dir, dir);
  start(&peer, command);
  resume_with(&peer, port, false);
  peer_stop(&peer);
}

Test(interop_session, gnutls_takes_what_it_gave) {
  struct peer peer;
  char command[1024];
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "gnutls-serv -p %d --echo -a --x509certfile %s/tests/certs/rsa-2048.pem --x509keyfile "
           "%s/tests/certs/rsa-2048.key --priority NORMAL:-VERS-ALL:+VERS-TLS1.3",
           port, HF_SOURCE_DIR, HF_SOURCE_DIR);
  start(&peer, command);
  resume_with(&peer, port, true);
  peer_stop(&peer);
}

/* serve accepts one connection, exchanges a line and says whether it was resumed. */
static bool serve(SSL_CTX *ctx, struct peer *peer, int listener) {
  struct sslwire wire;
  cr_assert(sslwire_open(&wire, ctx, peer, peer_accept(listener), NULL));
  handshake(&wire);
  bool reused = SSL_session_reused(wire.ssl);
  cr_assert(sslwire_send(&wire, "hello\n", 6));
  cr_assert(peer_printed(peer, "hello"), "%s", peer_tail(peer));
  cr_assert(peer_end_input(peer));
  cr_assert(sslwire_receive(&wire, SIZE_MAX), "%s", peer_tail(peer));
  (void)SSL_shutdown(wire.ssl);
  sslwire_close(&wire);
  return reused;
}

/* s_client writes its session to a file when it gets a ticket, and reads it the next time. */
static void meet_openssl_again(uint32_t options) {
  char file[512], command[2048];
  uint16_t port;
  int listener = peer_listen(&port);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert(listener >= 0 && ctx != NULL);
  SSL_CTX_set_options(ctx, options);
  snprintf(file, sizeof file, "%s/session-%d.pem", HF_BINARY_DIR, (int)getpid());
  for (int i = 0; i < 3; i++) {
    struct peer peer;
    snprintf(command, sizeof command,
             "openssl s_client -connect 127.0.0.1:%d -servername localhost -tls1_3 -sess_out %s "
             "%s %s",
             port, file, i > 0 ? "-sess_in" : "", i > 0 ? file : "");
    start(&peer, command);
    cr_assert_eq(serve(ctx, &peer, listener), i > 0, "%d%s", i, peer_tail(&peer));
    peer_stop(&peer);
  }
  SSL_CTX_free(ctx);
  close(listener);
  unlink(file);
}

Test(interop_session, we_take_what_we_gave_openssl) { meet_openssl_again(0); }
Test(interop_session, we_keep_what_openssl_comes_for) { meet_openssl_again(SSL_OP_NO_TICKET); }

/* gnutls-cli --resume connects twice. */
Test(interop_session, we_take_what_we_gave_gnutls) {
  char command[1024];
  uint16_t port;
  struct peer peer;
  struct sslwire wire;
  int listener = peer_listen(&port);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert(listener >= 0 && ctx != NULL);
  snprintf(command, sizeof command,
           "gnutls-cli --resume --waitresumption --no-ca-verification --sni-hostname=localhost "
           "--port=%d 127.0.0.1",
           port);
  start(&peer, command);
  for (int i = 0; i < 2; i++) {
    cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
    handshake(&wire);
    cr_assert_eq(SSL_session_reused(wire.ssl), i > 0, "%d%s", i, peer_tail(&peer));
    if (i > 0) break;
    /* The tickets and nothing else: once it has them the peer closes, and data would meet that. */
    cr_assert_eq(SSL_write(wire.ssl, "", 0), 0);
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
