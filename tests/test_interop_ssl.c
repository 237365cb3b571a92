/* test_interop_ssl.c: <openssl/ssl.h> against openssl and gnutls, each in a process of its own:
 * every suite with every group and every kind of certificate, with and without HelloRetryRequest,
 * data both ways, close_notify both ways.  The engine alone goes through the same, and through
 * cookies, in test_interop_openssl.c and test_interop_gnutls.c. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"
#include "sslwire.h"

TestSuite(interop_ssl, .timeout = 300);

#define OK(expr, c, peer) cr_assert((expr), "%s: " #expr "%s", interop_title(c), peer_tail(peer))

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

/* configure has |ctx| do just |c|; a client whose first share is for another group gets a
 * HelloRetryRequest. */
static void configure(SSL_CTX *ctx, const struct interop_case *c, bool client) {
  char groups[64];
  const char *first = c->group->code == 0x1d ? "P-256" : "X25519";
  snprintf(groups, sizeof groups, "%s%s%s", client && c->retry ? first : "",
           client && c->retry ? ":" : "", c->group->openssl);
  cr_assert_not_null(ctx);
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, groups), 1);
  cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, c->suite->openssl), 1);
}

static void negotiated(struct sslwire *wire, const struct interop_case *c) {
  int error, ret = sslwire_handshake(wire, &error);
  cr_assert_eq(ret, 1, "%s: error %d, %s%s", interop_title(c), error,
               ERR_reason_error_string(ERR_peek_error()), peer_tail(wire->peer));
  cr_assert_str_eq(SSL_get_version(wire->ssl), "TLSv1.3");
  cr_assert_eq(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(wire->ssl)), c->suite->code);
  cr_assert_eq(SSL_get_curve_id(wire->ssl), c->group->code);
  cr_assert_eq(SSL_used_hello_retry_request(wire->ssl), c->retry);
}

/* talk sends and receives; the peer prints what it gets, or echoes it. */
static void talk(struct sslwire *wire, const struct interop_case *c, bool echoes) {
  struct buf ours = {0}, theirs = {0};
  struct peer *peer = wire->peer;
  interop_text(&ours, c->len, 7);
  interop_text(&theirs, c->len, echoes ? 7 : 8);
  peer->log.len = 0;
  if (!echoes) buf_add(&peer->input, theirs.data, theirs.len);
  OK(sslwire_send(wire, ours.data, ours.len), c, peer);
  OK(sslwire_receive(wire, c->len), c, peer);
  OK(wire->received.len == c->len && memcmp(wire->received.data, theirs.data, c->len) == 0, c,
     peer);
  buf_add(&ours, "", 1);
  if (!echoes) OK(peer_printed(peer, (const char *)ours.data), c, peer);
  buf_free(&ours);
  buf_free(&theirs);
}

static void connect_once(struct peer *peer, uint16_t port, const struct interop_case *c,
                         bool echoes) {
  struct sslwire wire;
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  configure(ctx, c, true);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  OK(sslwire_open(&wire, ctx, peer, peer_connect(port), "localhost"), c, peer);
  negotiated(&wire, c);
  cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
  talk(&wire, c, echoes);
  OK(sslwire_shutdown(&wire), c, peer);
  cr_assert_eq(SSL_get_shutdown(wire.ssl), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
}

static uint16_t openssl_server(struct peer *peer, const struct interop_case *c) {
  char command[1024];
  const char *dir = HF_SOURCE_DIR, *cert = c->cert->openssl;
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/tests/certs/%s.pem "
           "-key %s/tests/certs/%s.key -cert_chain %s/tests/certs/intermediate.pem -groups %s",
           port, dir, cert, dir, cert, dir, c->group->openssl);
  start(peer, command);
  return port;
}

static uint16_t gnutls_server(struct peer *peer, const struct interop_case *c) {
  char command[1024];
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "gnutls-serv -p %d --echo -a --x509certfile %s/tests/certs/%s.pem --x509keyfile "
           "%s/tests/certs/%s.key --priority NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+%s",
           port, HF_SOURCE_DIR, c->cert->gnutls, HF_SOURCE_DIR, c->cert->gnutls, c->group->gnutls);
  start(peer, command);
  return port;
}

static void connect_all(const struct interop_name *cert, bool gnutls) {
  for (size_t g = 0; g < INTEROP_GROUPS; g++) {
    struct peer peer;
    struct interop_case c = {.group = &interop_groups[g], .cert = cert};
    uint16_t port = gnutls ? gnutls_server(&peer, &c) : openssl_server(&peer, &c);
    for (size_t i = 0; i < (size_t)2 * INTEROP_SUITES; i++) {
      c.suite = &interop_suites[i / 2];
      c.retry = i % 2 != 0;
      c.len = cert == &interop_certs[0] && g == 0 && !c.retry ? 1 << 20 : 2000;
      connect_once(&peer, port, &c, gnutls);
    }
    peer_stop(&peer);
  }
}

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

Test(interop_ssl, connect_openssl_ecdsa) { connect_all(&interop_certs[0], false); }
Test(interop_ssl, connect_openssl_rsa) { connect_all(&interop_certs[2], false); }
Test(interop_ssl, connect_openssl_ed25519) { connect_all(&interop_certs[3], false); }
Test(interop_ssl, connect_gnutls_ecdsa) {
  isolate();
  connect_all(&interop_certs[0], true);
}
Test(interop_ssl, connect_gnutls_rsa) {
  isolate();
  connect_all(&interop_certs[2], true);
}
Test(interop_ssl, connect_gnutls_ed25519) {
  isolate();
  connect_all(&interop_certs[3], true);
}

/* ---- Our server ---- */

static void openssl_client(struct peer *peer, uint16_t port, const struct interop_case *c) {
  char command[1024], first[32] = "";
  if (c->retry) snprintf(first, sizeof first, "%s:", c->group->code == 0x1d ? "P-256" : "X25519");
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -quiet %s -tls1_3 -servername localhost "
           "-verify_return_error -verify_hostname localhost -CAfile %s/tests/certs/root.pem "
           "-groups %s%s",
           port, c->peer_closes_first ? "-no_ign_eof -nocommands" : "", HF_SOURCE_DIR, first,
           c->group->openssl);
  start(peer, command);
}

static void gnutls_client(struct peer *peer, uint16_t port, const struct interop_case *c) {
  char command[1024], first[32] = "";
  if (c->retry) {
    snprintf(first, sizeof first, ":+%s", interop_groups[c->group->code == 0x1d ? 1 : 0].gnutls);
  }
  snprintf(
      command, sizeof command,
      "gnutls-cli -p %d --single-key-share --sni-hostname localhost --verify-hostname localhost "
      "--x509cafile %s/tests/certs/root.pem "
      "--priority NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL%s:+%s 127.0.0.1",
      port, HF_SOURCE_DIR, first, c->group->gnutls);
  start(peer, command);
}

static void accept_once(const struct interop_case *c, bool gnutls) {
  struct sslwire wire;
  struct peer peer;
  uint16_t port = 0;
  int listener = peer_listen(&port);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), c->cert->openssl);
  configure(ctx, c, false);
  (gnutls ? gnutls_client : openssl_client)(&peer, port, c);
  OK(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL), c, &peer);
  negotiated(&wire, c);
  talk(&wire, c, false);
  if (c->peer_closes_first) {
    OK(peer_end_input(&peer), c, &peer);
    OK(sslwire_receive(&wire, SIZE_MAX), c, &peer);
    cr_assert_eq(SSL_get_shutdown(wire.ssl), SSL_RECEIVED_SHUTDOWN);
    cr_assert_eq(SSL_shutdown(wire.ssl), 1);
  } else {
    OK(sslwire_shutdown(&wire), c, &peer);
  }
  sslwire_close(&wire);
  OK(peer_wait(&peer) == 0, c, &peer);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  close(listener);
}

/* gnutls-cli does not answer close_notify (it ends the transport), so it is the one to begin. */
static void accept_all(const struct interop_name *cert, bool gnutls) {
  for (size_t i = 0; i < (size_t)INTEROP_SUITES * INTEROP_GROUPS * 2; i++) {
    struct interop_case c = {.suite = &interop_suites[i % 3],
                             .group = &interop_groups[i / 3 % 3],
                             .cert = cert,
                             .retry = i >= 9,
                             .peer_closes_first = gnutls || i % 2 != 0};
    c.len = cert == &interop_certs[0] && i < 3 ? 1 << 20 : 2000;
    accept_once(&c, gnutls);
  }
}

Test(interop_ssl, accept_openssl_ecdsa) { accept_all(&interop_certs[0], false); }
Test(interop_ssl, accept_openssl_rsa) { accept_all(&interop_certs[2], false); }
Test(interop_ssl, accept_openssl_ed25519) { accept_all(&interop_certs[3], false); }
Test(interop_ssl, accept_gnutls_ecdsa) { accept_all(&interop_certs[0], true); }
Test(interop_ssl, accept_gnutls_rsa) { accept_all(&interop_certs[2], true); }
Test(interop_ssl, accept_gnutls_ed25519) { accept_all(&interop_certs[3], true); }

/* ---- P-521: the group and the key ---- */

static void p521(bool gnutls) {
  static const struct interop_name group = {0x0019, "P-521", "GROUP-SECP521R1"},
                                   cert = {0x0603, "ecdsa-p521", "ecdsa-p521"};
  for (int retry = 0; retry < 2; retry++) {
    struct peer peer;
    struct interop_case c = {.suite = &interop_suites[retry],
                             .group = &group,
                             .cert = &cert,
                             .retry = retry != 0,
                             .len = 2000};
    uint16_t port = gnutls ? gnutls_server(&peer, &c) : openssl_server(&peer, &c);
    connect_once(&peer, port, &c, gnutls);
    peer_stop(&peer);
    c.peer_closes_first = gnutls;
    accept_once(&c, gnutls);
  }
}

Test(interop_ssl, p521_openssl) { p521(false); }
Test(interop_ssl, p521_gnutls) {
  isolate();
  p521(true);
}
