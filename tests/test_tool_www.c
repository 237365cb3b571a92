/* test_tool_www.c: `handfast server --www`: what it answers, one after another and with --parallel,
 * and that nothing a client sends ends it. */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sslwire.h"
#include "tool.h"

TestSuite(tool_www, .timeout = 180);

#define GOOD_CERT "--cert " TOOL_CERTS "ecdsa-p256.pem --key " TOOL_CERTS "ecdsa-p256.key "

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

static uint16_t serve(struct peer *server, const char *options) {
  char all[512];
  snprintf(all, sizeof all, GOOD_CERT "--www %s", options);
  uint16_t port = tool_serve(server, all);
  cr_assert_neq(port, 0, "%s", peer_tail(server));
  return port;
}

/* open_client connects, but does not begin the handshake. */
static void open_client(struct sslwire *client, SSL_CTX *ctx, struct peer *server, uint16_t port) {
  cr_assert(sslwire_open(client, ctx, server, peer_connect(port), "localhost"));
}

static void shake(struct sslwire *client) {
  int error, ret = sslwire_handshake(client, &error);
  cr_assert_eq(ret, 1, "error %d%s", error, peer_tail(client->peer));
}

/* answered reads until close_notify and compares the status. */
static void answered(struct sslwire *client, const char *status) {
  cr_assert(sslwire_receive(client, SIZE_MAX), "%s", peer_tail(client->peer));
  buf_add(&client->received, "", 1);
  const char *text = (const char *)client->received.data;
  cr_assert_eq(strncmp(text, status, strlen(status)), 0, "%s", text);
  cr_assert_not_null(strstr(text, "\r\n\r\n"));
}

static void get(SSL_CTX *ctx, struct peer *server, uint16_t port) {
  struct sslwire client;
  open_client(&client, ctx, server, port);
  shake(&client);
  cr_assert(sslwire_send(&client, request, sizeof request - 1));
  answered(&client, "HTTP/1.0 200 OK\r\n");
  sslwire_close(&client);
}

Test(tool_www, shows_what_was_negotiated) {
  struct peer server;
  struct buf out = {0};
  uint16_t port = serve(&server, "--alpn h2,http/1.1 --groups P-256");
  int status = tool_run(
      &out,
      "printf \"GET /any/where HTTP/1.0\\r\\n\\r\\n\" | openssl s_client -quiet -connect "
      "127.0.0.1:%d "
      "-servername server.example -alpn http/1.1,h2 -ciphersuites TLS_CHACHA20_POLY1305_SHA256 "
      "-groups X25519:P-256 2>/dev/null",
      port);
  cr_assert_eq(status, 0, "%s%s", out.data, peer_tail(&server));
  const char *lines[] = {"HTTP/1.0 200 OK\r\n",
                         "Content-Type: text/plain",
                         "protocol: TLSv1.3\n",
                         "suite: TLS_CHACHA20_POLY1305_SHA256\n",
                         "group: P-256\n",
                         "server name: server.example\n",
                         "application protocol: h2\n",
                         "hello retry request: yes\n",
                         "peer certificate: none\n"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    cr_assert(tool_said(&out, lines[i]), "%s in %s", lines[i], out.data);
  peer_stop(&server);
  buf_free(&out);
}

Test(tool_www, gnutls_gets_a_page) {
  struct peer server;
  struct buf out = {0};
  uint16_t port = serve(&server, "");
  for (int i = 0; i < 3; i++) {
    int status =
        tool_run(&out,
                 "printf \"GET / HTTP/1.0\\r\\n\\r\\n\" | gnutls-cli --x509cafile " TOOL_CERTS
                 "root.pem --verify-hostname=localhost -p %d 127.0.0.1 2>&1",
                 port);
    cr_assert_eq(status, 0, "%s%s", out.data, peer_tail(&server));
    cr_assert(tool_said(&out, "HTTP/1.0 200 OK"), "%s", out.data);
  }
  peer_stop(&server);
  buf_free(&out);
}

Test(tool_www, waits_for_the_blank_line) {
  struct peer server;
  struct sslwire client;
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  uint16_t port = serve(&server, "");
  char byte;
  open_client(&client, ctx, &server, port);
  shake(&client);
  /* Byte by byte: nothing comes before the last one. */
  for (size_t i = 0; i < sizeof request - 1; i++) {
    cr_assert_eq(SSL_read(client.ssl, &byte, 1), -1, "after %zu bytes", i);
    cr_assert(sslwire_send(&client, request + i, 1));
    if (i == sizeof request - 3) poll(NULL, 0, 200);
  }
  answered(&client, "HTTP/1.0 200 OK\r\n");
  sslwire_close(&client);
  peer_stop(&server);
  SSL_CTX_free(ctx);
}

Test(tool_www, refuses_what_is_no_get) {
  struct peer server;
  struct sslwire client;
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  uint16_t port = serve(&server, "");
  static char endless[20000];
  memset(endless, 'x', sizeof endless);
  open_client(&client, ctx, &server, port);
  shake(&client);
  cr_assert(sslwire_send(&client, "POST / HTTP/1.0\r\n\r\n", 19));
  answered(&client, "HTTP/1.0 405 ");
  sslwire_close(&client);
  open_client(&client, ctx, &server, port);
  shake(&client);
  cr_assert(sslwire_send(&client, endless, sizeof endless));
  answered(&client, "HTTP/1.0 431 ");
  sslwire_close(&client);
  get(ctx, &server, port);
  peer_stop(&server);
  SSL_CTX_free(ctx);
}

Test(tool_www, one_after_another_is_one_at_a_time) {
  struct peer server;
  struct sslwire first, second;
  int error;
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  uint16_t port = serve(&server, "");
  open_client(&first, ctx, &server, port);
  shake(&first);
  open_client(&second, ctx, &server, port);
  cr_assert_eq(SSL_connect(second.ssl), -1);
  poll(NULL, 0, 300);
  cr_assert_eq(SSL_connect(second.ssl), -1, "the second was served beside the first");
  cr_assert_eq(SSL_get_error(second.ssl, -1), SSL_ERROR_WANT_READ);
  cr_assert(sslwire_send(&first, request, sizeof request - 1));
  answered(&first, "HTTP/1.0 200 OK\r\n");
  sslwire_close(&first);
  cr_assert_eq(sslwire_handshake(&second, &error), 1);
  cr_assert(sslwire_send(&second, request, sizeof request - 1));
  answered(&second, "HTTP/1.0 200 OK\r\n");
  sslwire_close(&second);
  for (int i = 0; i < 20; i++) get(ctx, &server, port);
  peer_stop(&server);
  SSL_CTX_free(ctx);
}

Test(tool_www, parallel_is_many_at_once) {
  enum { MANY = 100 };
  static struct sslwire clients[MANY];
  struct peer server;
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  uint16_t port = serve(&server, "--quiet --parallel --count 100");
  /* All are connected before any has its answer, and the last to come is the first to be served. */
  for (int i = 0; i < MANY; i++) {
    open_client(&clients[i], ctx, &server, port);
    if (i % 2 == 0) shake(&clients[i]);
  }
  for (int i = MANY - 1; i >= 0; i--) {
    if (i % 2 != 0) shake(&clients[i]);
    cr_assert(sslwire_send(&clients[i], request, sizeof request - 1));
  }
  for (int i = 0; i < MANY; i++) {
    answered(&clients[i], "HTTP/1.0 200 OK\r\n");
    sslwire_close(&clients[i]);
  }
  cr_assert_eq(peer_wait(&server), 0, "%s", peer_tail(&server));
  peer_stop(&server);
  SSL_CTX_free(ctx);
}

/* ---- What must not end it ---- */

/* misbehave does one of many wrong things on |fd|, which it closes. */
static void misbehave(int fd, int way) {
  static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  static const char *const garbage[] = {"",
                                        "\n",
                                        "GET / HTTP/1.0\r\n\r\n",
                                        "CONNECT example.org:443 HTTP/1.1\r\n\r\n",
                                        "\x16\x03\x01",
                                        "\x16\x03\x01\xff\xff",
                                        "\x16\x03\x01\x40\x01....................",
                                        "\x15\x03\x01\x01\x02\x02\x50",
                                        "\x80\x2e\x01\x03\x01................................",
                                        "\x17\x03\x03\x01\x05helloooooooooooooooooo",
                                        "\x16\x03\x01\x01\x04\x01\x01\x01\x01",
                                        "\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
  const char *text = garbage[way % (int)(sizeof garbage / sizeof *garbage)];
  char rest[512];
  (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
  if (way % 3 == 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  } else if (way % 3 == 1) {
    (void)shutdown(fd, SHUT_WR);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, 3000) > 0 && recv(fd, rest, sizeof rest, 0) > 0) continue;
  }
  close(fd);
}

static void survives(const char *options) {
  struct peer server;
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  uint16_t port = serve(&server, options);
  for (int way = 0; way < 36; way++) {
    misbehave(peer_connect(port), way);
    if (way % 6 == 5) get(ctx, &server, port);
  }
  /* A client that is gone when it is answered: writing to it must not be the end (SIGPIPE). */
  for (int i = 0; i < 5; i++) {
    struct sslwire client;
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    open_client(&client, ctx, &server, port);
    if (i > 0) shake(&client);
    if (i > 1) cr_assert(sslwire_send(&client, request, sizeof request - 1));
    if (i != 3) (void)setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    sslwire_close(&client);
  }
  get(ctx, &server, port);
  cr_assert_gt(server.pid, 0);
  peer_stop(&server);
  SSL_CTX_free(ctx);
}

Test(tool_www, survives_bad_clients) { survives(""); }
Test(tool_www, survives_bad_clients_in_parallel) { survives("--parallel"); }

Test(tool_www, forgets_clients_that_say_nothing) {
  struct peer server;
  SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
  uint16_t port = serve(&server, "--timeout 1");
  int silent = peer_connect(port);
  get(ctx, &server, port);
  cr_assert(peer_printed(&server, "too slow"), "%s", peer_tail(&server));
  close(silent);
  peer_stop(&server);
  SSL_CTX_free(ctx);
}

Test(tool_www, an_alert_reaches_the_client) {
  struct peer server;
  struct buf out = {0};
  uint16_t port = serve(&server, "--groups P-384");
  int status =
      tool_run(&out, "echo | openssl s_client -connect 127.0.0.1:%d -groups X25519 2>&1", port);
  cr_assert_neq(status, 0);
  cr_assert(tool_said(&out, "handshake failure"), "%s", out.data);
  peer_stop(&server);
  buf_free(&out);
}
