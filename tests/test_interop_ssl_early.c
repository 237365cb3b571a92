/* Early data through <openssl/ssl.h>, with openssl and with boringssl_peer, both directions:
 * accepted, and refused by a replay, by a HelloRetryRequest, by who has it off. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sslwire.h"

TestSuite(interop_ssl_early, .timeout = 120);

static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

static SSL_SESSION *take(void) {
  SSL_SESSION *session = kept;
  cr_assert_not_null(session);
  kept = NULL;
  return session;
}

static void started(const char *wrong) { cr_assert_null(wrong, "%s", wrong); }

static void handshake(struct sslwire *wire, int expected) {
  int error, ret = sslwire_handshake(wire, &error);
  cr_assert_eq(error, expected, "%d, error %d, %s%s", ret, error,
               ERR_reason_error_string(ERR_peek_error()), peer_tail(wire->peer));
}

static SSL_CTX *client_context(void) {
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  cr_assert_not_null(ctx);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(ctx, keep);
  SSL_CTX_set_early_data_enabled(ctx, 1);
  return ctx;
}

static void open_client(struct sslwire *wire, SSL_CTX *ctx, struct peer *peer, uint16_t port,
                        SSL_SESSION *session) {
  peer->log.len = 0;
  cr_assert(sslwire_open(wire, ctx, peer, peer_connect(port), "localhost"));
  cr_assert_eq(SSL_set_session(wire->ssl, session), 1);
  SSL_SESSION_free(session);
}

/* go_early has a client write "early\n" before the handshake is done, and then complete that; it
 * expects |accepted|. */
static void go_early(struct sslwire *wire, bool accepted) {
  handshake(wire, SSL_ERROR_NONE);
  cr_assert(SSL_in_init(wire->ssl) && SSL_in_early_data(wire->ssl));
  cr_assert_eq(SSL_write(wire->ssl, "early\n", 6), 6);
  handshake(wire, accepted ? SSL_ERROR_NONE : SSL_ERROR_EARLY_DATA_REJECTED);
  if (!accepted) {
    SSL_reset_early_data_reject(wire->ssl);
    handshake(wire, SSL_ERROR_NONE);
  }
  cr_assert_eq(SSL_in_init(wire->ssl), 0);
  cr_assert_eq(SSL_early_data_accepted(wire->ssl), accepted);
  cr_assert_eq(SSL_get_verify_result(wire->ssl), X509_V_OK);
}

/* ---- Our client with openssl ---- */

static uint16_t openssl_server(struct peer *peer, const char *options) {
  char command[1024];
  const char *dir = HF_SOURCE_DIR;
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -tls1_3 -early_data -max_early_data 500 "
           "-cert %s/tests/certs/ecdsa-p256.pem -key %s/tests/certs/ecdsa-p256.key "
           "-cert_chain %s/tests/certs/intermediate.pem %s",
           port, dir, dir, dir, options);
  started(peer_start(peer, command));
  return port;
}

/* end_client says something late, and waits for tickets. */
static void end_client(struct sslwire *wire, bool accepted) {
  cr_assert(sslwire_send(wire, "later\n", 6));
  cr_assert(peer_printed(wire->peer, "later\n"), "%s", peer_tail(wire->peer));
  cr_assert_eq(peer_has_printed(wire->peer, "early\n"), accepted, "%s", peer_tail(wire->peer));
  buf_add(&wire->peer->input, "hello\n", 6);
  cr_assert(sslwire_receive(wire, 6));
  cr_assert(sslwire_shutdown(wire));
  sslwire_close(wire);
}

Test(interop_ssl_early, to_openssl) {
  struct peer peer;
  struct sslwire wire;
  SSL_CTX *ctx = client_context();
  uint16_t port = openssl_server(&peer, "");
  open_client(&wire, ctx, &peer, port, NULL);
  handshake(&wire, SSL_ERROR_NONE);
  cr_assert_eq(SSL_in_init(wire.ssl), 0);
  end_client(&wire, false);
  SSL_SESSION *first = take();
  cr_assert_eq(SSL_SESSION_get_max_early_data(first), 500);
  uint8_t *der;
  size_t len; /* a copy, which may be offered again */
  cr_assert_eq(SSL_SESSION_to_bytes(first, &der, &len), 1);
  open_client(&wire, ctx, &peer, port, first);
  go_early(&wire, true);
  end_client(&wire, true);
  SSL_SESSION *copy = SSL_SESSION_from_bytes(der, len, ctx); /* s_server takes a ticket once */
  OPENSSL_free(der);
  cr_assert_not_null(copy);
  open_client(&wire, ctx, &peer, port, copy);
  go_early(&wire, false);
  cr_assert_eq(SSL_get_early_data_reason(wire.ssl), ssl_early_data_session_not_resumed);
  end_client(&wire, false);
  peer_stop(&peer);
  SSL_SESSION_free(kept);
  SSL_CTX_free(ctx);
}

Test(interop_ssl_early, to_openssl_that_retries) {
  struct peer peer;
  struct sslwire wire;
  SSL_CTX *ctx = client_context();
  uint16_t port = openssl_server(&peer, "-groups P-256 -no_anti_replay");
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, "X25519:P-256"), 1);
  open_client(&wire, ctx, &peer, port, NULL);
  handshake(&wire, SSL_ERROR_NONE);
  end_client(&wire, false);
  open_client(&wire, ctx, &peer, port, take());
  go_early(&wire, false);
  cr_assert_eq(SSL_get_early_data_reason(wire.ssl), ssl_early_data_hello_retry_request);
  cr_assert_eq(SSL_session_reused(wire.ssl), 1);
  end_client(&wire, false);
  peer_stop(&peer);
  SSL_SESSION_free(kept);
  SSL_CTX_free(ctx);
}

/* ---- Our server with openssl ---- */

static void temporary(char path[40], const char *text) {
  strcpy(path, "/tmp/handfast-early-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

/* serve_openssl takes one s_client with |options|; it says |says| of early data. */
static void serve_openssl(SSL_CTX *ctx, const char *options, bool accepted, const char *says) {
  struct peer peer;
  struct sslwire wire;
  char command[1024];
  uint16_t port = 0;
  int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -tls1_3 -servername localhost -nocommands "
           "-verify_return_error -CAfile %s/tests/certs/root.pem %s",
           port, HF_SOURCE_DIR, options);
  started(peer_start(&peer, command));
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL), "%s", peer_tail(&peer));
  handshake(&wire, SSL_ERROR_NONE);
  cr_assert_eq(SSL_in_early_data(wire.ssl), accepted, "%s", peer_tail(&peer));
  if (accepted) {
    cr_assert(sslwire_receive(&wire, 6));
    cr_assert(memcmp(wire.received.data, "early\n", 6) == 0);
    cr_assert_eq(SSL_in_early_data(wire.ssl), 1);
  }
  cr_assert(sslwire_send(&wire, "from us\n", 8));
  buf_add(&peer.input, "later\n", 6);
  size_t early_len = accepted ? 6 : 0;
  cr_assert(sslwire_receive(&wire, early_len + 6), "%s", peer_tail(&peer));
  cr_assert(memcmp(wire.received.data + early_len, "later\n", 6) == 0);
  cr_assert(SSL_in_init(wire.ssl) == 0 && SSL_early_data_accepted(wire.ssl) == accepted);
  cr_assert(sslwire_send(&wire, "more\n", 5)); /* and tickets */
  cr_assert(peer_printed(&peer, "more\n"), "%s", peer_tail(&peer));
  cr_assert(peer_printed(&peer, says), "not: %s%s", says, peer_tail(&peer));
  (void)peer_end_input(&peer);
  cr_assert(sslwire_receive(&wire, SIZE_MAX), "%s", peer_tail(&peer));
  (void)SSL_shutdown(wire.ssl);
  sslwire_close(&wire);
  (void)peer_wait(&peer);
  peer_stop(&peer);
  close(listener);
}

Test(interop_ssl_early, from_openssl) {
  char session[40], data[40], options[200];
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert_not_null(ctx);
  SSL_CTX_set_early_data_enabled(ctx, 1);
  temporary(data, "early\n");
  temporary(session, "");
  snprintf(options, sizeof options, "-sess_out %s", session);
  serve_openssl(ctx, options, false, "Early data was not sent");
  snprintf(options, sizeof options, "-sess_in %s -early_data %s", session, data);
  serve_openssl(ctx, options, true, "Early data was accepted");
  serve_openssl(ctx, options, false, "Early data was rejected"); /* the ticket was used */
  SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
  serve_openssl(ctx, options, true, "Early data was accepted");
  SSL_CTX_set_early_data_enabled(ctx, 0);
  serve_openssl(ctx, options, false, "Early data was rejected");
  SSL_CTX_set_early_data_enabled(ctx, 1);
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, "P-384"), 1); /* a HelloRetryRequest */
  snprintf(options, sizeof options, "-groups X25519:P-384 -sess_in %s -early_data %s", session,
           data);
  serve_openssl(ctx, options, false, "Early data was rejected");
  unlink(session);
  unlink(data);
  SSL_CTX_free(ctx);
}

/* ---- BoringSSL ---- */

static void to_boringssl(const char *options, bool accepted, const char *line) {
  struct peer peer;
  struct sslwire wire;
  char command[1024];
  const char *dir = HF_SOURCE_DIR;
  SSL_CTX *ctx = client_context();
  snprintf(command, sizeof command,
           "-role server -cert %s/tests/certs/ecdsa-p256.pem -key %s/tests/certs/ecdsa-p256.key "
           "-connections 2 %s",
           dir, dir, options);
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, "X25519:P-384"), 1);
  cr_assert_eq(SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\3one\3two", 8), 0);
  started(peer_boringssl(&peer, command));
  uint16_t port = peer_port(&peer);
  for (int i = 0; i < 2; i++) {
    open_client(&wire, ctx, &peer, port, i == 0 ? NULL : take());
    size_t echoed = 0;
    if (i == 0) handshake(&wire, SSL_ERROR_NONE);
    if (i == 1) go_early(&wire, accepted);
    if (i == 1 && accepted) echoed = 6;
    cr_assert(sslwire_send(&wire, "later\n", 6));
    cr_assert(sslwire_receive(&wire, echoed + 6), "%s", peer_tail(&peer));
    cr_assert(memcmp(wire.received.data, echoed > 0 ? "early\nlater\n" : "later\n", echoed + 6) ==
              0);
    cr_assert(sslwire_shutdown(&wire), "%s", peer_tail(&peer));
    sslwire_close(&wire);
    cr_assert(peer_printed(&peer, "closed\n"), "%s", peer_tail(&peer));
  }
  cr_assert(peer_has_printed(&peer, line), "no line '%s'%s", line, peer_tail(&peer));
  cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
  peer_stop(&peer);
  SSL_SESSION_free(kept);
  kept = NULL;
  SSL_CTX_free(ctx);
}

Test(interop_ssl_early, to_boringssl) {
  to_boringssl("-early 1 -alpn one", true, "early 6 accepted accepted\n");
}

Test(interop_ssl_early, to_boringssl_that_retries) {
  to_boringssl("-early 1 -alpn one -groups P-384", false, "early 0 refused hello_retry_request\n");
}

/* from_boringssl takes two connections of a client that offers early data with the second; |change|
 * changes what the server is between them. */
static void from_boringssl(void (*change)(SSL_CTX *ctx), const char *line) {
  struct peer peer;
  struct sslwire wire;
  char command[1024];
  uint16_t port = 0;
  bool accepted = change == NULL;
  int listener = peer_listen(&port);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert(ctx != NULL && listener >= 0);
  SSL_CTX_set_early_data_enabled(ctx, 1);
  snprintf(command, sizeof command,
           "-role client -port %d -ca %s/tests/certs/root.pem -name localhost -connections 2 "
           "-resume 1 -early 1 -groups X25519:P-384",
           port, HF_SOURCE_DIR);
  started(peer_boringssl(&peer, command));
  for (int i = 0; i < 2; i++) {
    size_t early_len = i == 1 && accepted ? 5 : 0;
    if (i == 1 && change != NULL) change(ctx);
    cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL), "%s", peer_tail(&peer));
    handshake(&wire, SSL_ERROR_NONE);
    cr_assert_eq(SSL_session_reused(wire.ssl), i);
    cr_assert_eq(SSL_in_early_data(wire.ssl), early_len > 0);
    for (size_t sent = 0; sent < early_len + 5;) {
      cr_assert(sslwire_receive(&wire, sent + 1), "%s", peer_tail(&peer));
      cr_assert(sslwire_send(&wire, wire.received.data + sent, wire.received.len - sent));
      sent = wire.received.len;
    }
    cr_assert(memcmp(wire.received.data, early_len > 0 ? "EEEEEaaaaa" : "aaaaa", early_len + 5) ==
              0);
    cr_assert(sslwire_receive(&wire, SIZE_MAX), "%s", peer_tail(&peer));
    cr_assert_eq(SSL_early_data_accepted(wire.ssl), early_len > 0);
    (void)SSL_shutdown(wire.ssl);
    sslwire_close(&wire);
  }
  cr_assert(peer_printed(&peer, line), "no line '%s'%s", line, peer_tail(&peer));
  cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
  peer_stop(&peer);
  close(listener);
  SSL_CTX_free(ctx);
}

Test(interop_ssl_early, from_boringssl) { from_boringssl(NULL, "early 5 accepted accepted\n"); }

static void switch_off(SSL_CTX *ctx) { SSL_CTX_set_early_data_enabled(ctx, 0); }
static void change_group(SSL_CTX *ctx) { (void)SSL_CTX_set1_groups_list(ctx, "P-384"); }

Test(interop_ssl_early, from_boringssl_refused) {
  from_boringssl(switch_off, "early 5 refused peer_declined\n");
  from_boringssl(change_group, "early 5 refused hello_retry_request\n");
}
