/* test_ssl_stateless.c - SSL_stateless: the cookie goes out from one SSL and comes back to another;
 * cookies that are not good; and with openssl s_client and gnutls-cli, and our client with
 * `openssl s_server -stateless`. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"
#include "ssl_pair.h"
#include "sslwire.h"

TestSuite(ssl_stateless, .timeout = 120);

static struct {
  int made, seen; /* calls */
  bool refuse_make, refuse;
  unsigned char address[255];
  size_t len;
} app;

static int make_cb(SSL *ssl, unsigned char *cookie, size_t *cookie_len) {
  (void)ssl;
  app.made++;
  memcpy(cookie, app.address, app.len);
  *cookie_len = app.len;
  return !app.refuse_make;
}

static int check_cb(SSL *ssl, const unsigned char *cookie, size_t cookie_len) {
  (void)ssl;
  app.seen++;
  return !app.refuse && cookie_len == app.len && memcmp(cookie, app.address, app.len) == 0;
}

static SSL_CTX *server_ctx(void) {
  SSL_CTX *ctx = ssl_server_ctx("ecdsa-p256");
  memset(&app, 0, sizeof app);
  app.len = 5;
  memcpy(app.address, "there", 5);
  SSL_CTX_set_stateless_cookie_generate_cb(ctx, make_cb);
  SSL_CTX_set_stateless_cookie_verify_cb(ctx, check_cb);
  return ctx;
}

/* fresh frees the server, and puts another SSL of |ctx| on its BIO. */
static void fresh(struct ssl_pair *pair, SSL_CTX *ctx) {
  BIO *bio = SSL_get_rbio(pair->server);
  BIO_up_ref(bio);
  SSL_free(pair->server);
  pair->server = SSL_new(ctx);
  cr_assert_not_null(pair->server);
  SSL_set_bio(pair->server, bio, bio);
}

/* begin has the client say its hello, and the server answer it with a cookie. */
static void begin(struct ssl_pair *pair, SSL_CTX *client, SSL_CTX *server) {
  cr_assert(ssl_pair_new(pair, client, server, 0));
  int ret = SSL_stateless(pair->server);
  cr_assert_eq(ret, -1);
  cr_assert_eq(SSL_get_error(pair->server, ret), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_do_handshake(pair->client), -1);
  cr_assert_eq(SSL_stateless(pair->server), 0);
  cr_assert_eq(SSL_get_error(pair->client, SSL_do_handshake(pair->client)), SSL_ERROR_WANT_READ);
}

/* On another SSL, on the same one, and on one of another SSL_CTX with the same ticket keys; with a
 * change_cipher_spec of the client's before the hello, which compatibility mode brings. */
Test(ssl_stateless, goes_on_elsewhere) {
  static const uint8_t keys[48] = {1, 2, 3};
  for (int where = 0; where < 3; where++) {
    SSL_CTX *client = ssl_client_ctx(), *server = server_ctx(), *other = server_ctx();
    struct ssl_pair pair;
    if (where == 2) {
      cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(server, keys, sizeof keys), 1);
      cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(other, keys, sizeof keys), 1);
    }
    begin(&pair, client, server);
    if (where != 1) fresh(&pair, where == 2 ? other : server);
    cr_expect_eq(SSL_stateless(pair.server), 1);
    cr_expect_eq(app.made, 1);
    cr_expect_eq(app.seen, 1);
    cr_expect_not(SSL_is_init_finished(pair.server));
    cr_assert(ssl_pair_handshake(&pair));
    cr_expect_eq(SSL_used_hello_retry_request(pair.client), 1);
    cr_expect_eq(SSL_write(pair.client, "data", 4), 4);
    char byte[8];
    cr_expect_eq(SSL_read(pair.server, byte, sizeof byte), 4);
    ssl_pair_free(&pair);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    SSL_CTX_free(other);
  }
}

/* wait calls SSL_stateless, and the client by turns, until the one says something else than that it
 * waits. */
static int wait(struct ssl_pair *pair) {
  for (int turns = 0; turns < 10000; turns++) {
    int ret = SSL_stateless(pair->server);
    int error = SSL_get_error(pair->server, ret);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return ret;
    (void)SSL_do_handshake(pair->client);
  }
  return -2;
}

/* Both hellos, and the answer, come and go in pieces; what has not gone out is not forgotten. */
Test(ssl_stateless, through_a_narrow_pipe) {
  SSL_CTX *client = ssl_client_ctx(), *server = server_ctx();
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client, server, 64));
  cr_expect_eq(wait(&pair), 0);
  fresh(&pair, server);
  cr_expect_eq(wait(&pair), 1);
  cr_expect_eq(app.made, 1);
  cr_assert(ssl_pair_handshake(&pair));
  /* Another begins on the same SSL. */
  cr_expect_eq(SSL_stateless(pair.server), -1);
  cr_expect_not(SSL_is_init_finished(pair.server));
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

static void expect_refused(struct ssl_pair *pair, int want) {
  cr_expect_eq(SSL_stateless(pair->server), -1);
  cr_expect_eq(first_reason(), SSL_R_CONNECTION_REJECTED);
  (void)SSL_do_handshake(pair->client);
  cr_expect_eq(first_reason(), SSL_AD_REASON_OFFSET + want);
}

/* R-4.3.2-6: the application's no, another address, another server's cookie. */
Test(ssl_stateless, cookies_that_are_not_good) {
  for (int i = 0; i < 3; i++) {
    SSL_CTX *client = ssl_client_ctx(), *server = server_ctx(), *other = server_ctx();
    struct ssl_pair pair;
    begin(&pair, client, server);
    if (i == 0) app.refuse = true;
    if (i == 1) app.address[0]++;
    fresh(&pair, i == 2 ? other : server);
    expect_refused(&pair, SSL_AD_ILLEGAL_PARAMETER);
    cr_expect_eq(app.seen, i < 2);
    ssl_pair_free(&pair);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    SSL_CTX_free(other);
  }
}

static uint64_t seconds;

static void clock_cb(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  *out = (struct timeval){.tv_sec = (time_t)seconds};
}

/* A cookie is good for 60 seconds. */
Test(ssl_stateless, old_cookies) {
  for (int late = 0; late < 2; late++) {
    SSL_CTX *client = ssl_client_ctx(), *server = server_ctx();
    struct ssl_pair pair;
    seconds = 1800000000;
    SSL_CTX_set_current_time_cb(server, clock_cb);
    begin(&pair, client, server);
    fresh(&pair, server);
    seconds += 60 + (uint64_t)late;
    if (late) {
      expect_refused(&pair, SSL_AD_ILLEGAL_PARAMETER);
    } else {
      cr_expect_eq(SSL_stateless(pair.server), 1);
    }
    ssl_pair_free(&pair);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
  }
}

/* The application cannot make one. */
Test(ssl_stateless, no_cookie_made) {
  SSL_CTX *client = ssl_client_ctx(), *server = server_ctx();
  struct ssl_pair pair;
  app.refuse_make = true;
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  expect_refused(&pair, SSL_AD_INTERNAL_ERROR);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* Without callbacks, and with all that fits. */
Test(ssl_stateless, little_and_much) {
  for (int i = 0; i < 2; i++) {
    SSL_CTX *client = ssl_client_ctx(), *server = server_ctx();
    struct ssl_pair pair;
    app.len = sizeof app.address;
    if (i == 0) {
      SSL_CTX_set_stateless_cookie_generate_cb(server, NULL);
      SSL_CTX_set_stateless_cookie_verify_cb(server, NULL);
    }
    begin(&pair, client, server);
    fresh(&pair, server);
    cr_expect_eq(SSL_stateless(pair.server), 1);
    cr_assert(ssl_pair_handshake(&pair));
    ssl_pair_free(&pair);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
  }
}

Test(ssl_stateless, not_for_clients) {
  SSL_CTX *client = ssl_client_ctx();
  struct ssl_pair pair;
  SSL_CTX *server = server_ctx();
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_expect_eq(SSL_stateless(pair.client), -1);
  cr_expect_eq(SSL_get_error(pair.client, -1), SSL_ERROR_SSL);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* ---- With others ---- */

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

/* stateless_wait calls SSL_stateless until it says something. */
static int stateless_wait(struct sslwire *wire) {
  for (int turns = 0; turns < 200; turns++) {
    int ret = SSL_stateless(wire->ssl);
    if (ret >= 0 || SSL_get_error(wire->ssl, ret) != SSL_ERROR_WANT_READ) return ret;
    (void)peer_pump(wire->peer, 50);
  }
  return -1;
}

static void accept_from(const char *format, const char *groups) {
  char command[1024];
  struct peer peer;
  struct sslwire wire;
  uint16_t port;
  int error;
  int listener = peer_listen(&port);
  snprintf(command, sizeof command, format, port, HF_SOURCE_DIR);
  const char *wrong = peer_start(&peer, command);
  cr_assert_null(wrong, "%s", wrong);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, groups), 1);
  SSL_CTX_set_stateless_cookie_generate_cb(ctx, make_cb);
  SSL_CTX_set_stateless_cookie_verify_cb(ctx, check_cb);
  app.len = 5;
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
  cr_assert_eq(stateless_wait(&wire), 0, "%s", peer_tail(&peer));
  /* Another SSL on the same socket. */
  SSL_free(wire.ssl);
  cr_assert(sslwire_open(&wire, ctx, &peer, wire.fd, NULL));
  cr_assert_eq(stateless_wait(&wire), 1, "%s", peer_tail(&peer));
  cr_expect_eq(sslwire_handshake(&wire, &error), 1, "%s", peer_tail(&peer));
  cr_expect(sslwire_send(&wire, "hello there\n", 12));
  cr_expect(peer_printed(&peer, "hello there"), "%s", peer_tail(&peer));
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  close(listener);
}

Test(ssl_stateless, openssl_client) {
  isolate();
  for (int i = 0; i < 2; i++)
    accept_from(
        "openssl s_client -connect 127.0.0.1:%d -servername localhost -tls1_3 -quiet "
        "-groups X25519:P-256 -CAfile %s/tests/certs/root.pem",
        i == 0 ? "X25519" : "P-256");
}

/* GnuTLS cannot follow a HelloRetryRequest that has a cookie and no group. */
Test(ssl_stateless, gnutls_client) {
  isolate();
  accept_from(
      "gnutls-cli -p %d --single-key-share --sni-hostname localhost --verify-hostname localhost "
      "--x509cafile %s/tests/certs/root.pem --priority "
      "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1 127.0.0.1",
      "P-256");
}

/* R-4.3.2-1: our client brings back the cookie of `s_server -stateless`, which does not take a
 * change_cipher_spec before it, not even of its own s_client: so without compatibility mode, which
 * is the engine's to switch off. */
Test(ssl_stateless, openssl_server) {
  const struct interop_case c = {.suite = &interop_suites[0],
                                 .group = &interop_groups[0],
                                 .cert = &interop_certs[0],
                                 .cookie = true,
                                 .len = 2000};
  char command[1024];
  const char *dir = HF_SOURCE_DIR "/tests/certs";
  struct peer peer;
  struct side side;
  struct side_setup setup;
  struct interop_lists lists;
  isolate();
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -stateless -cert "
           "%s/ecdsa-p256.pem -key %s/ecdsa-p256.key -cert_chain %s/intermediate.pem",
           port, dir, dir, dir);
  const char *wrong = peer_start(&peer, command);
  cr_assert_null(wrong, "%s", wrong);
  interop_client(&setup, &lists, &c);
  setup.start.no_compatibility = true;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  wrong = interop_hello(&wire, &c);
  cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
  wrong = interop_talk(&wire, &c, false);
  cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
  wrong = interop_again(&side);
  cr_assert_null(wrong, "%s", wrong);
  side_free(&side);
  close(wire.fd);
  peer_stop(&peer);
}
