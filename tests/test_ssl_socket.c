/* SSL_connect over sockets: blocking, and nonblocking with the smallest buffers there are, on which
 * a handshake must really be stopped in both directions; TCP_NODELAY. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;

static void set_up(void) {
  signal(SIGPIPE, SIG_IGN);
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
}

static void tear_down(void) {
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_socket, .init = set_up, .fini = tear_down, .timeout = 60);

static SSL *on_fd(SSL_CTX *ctx, int fd, bool server) {
  SSL *ssl = SSL_new(ctx);
  cr_assert(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
  if (server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
  return ssl;
}

/* ---- Blocking ---- */

/* echo serves one connection on |fd| in a process of its own and exits with 0 if all went well. */
static pid_t echo(int fd, int other) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  char buf[4096];
  int n;
  close(other);
  alarm(30);
  SSL *ssl = on_fd(server_ctx, fd, true);
  if (SSL_accept(ssl) != 1) _exit(1);
  while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0)
    if (SSL_write(ssl, buf, n) != n) _exit(2);
  if (SSL_get_error(ssl, n) != SSL_ERROR_ZERO_RETURN) _exit(3);
  if (SSL_shutdown(ssl) != 1) _exit(4);
  SSL_free(ssl);
  _exit(0);
}

static int status_of(pid_t pid) {
  int status = -1;
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(ssl_socket, blocking_calls_return_when_they_are_done) {
  int fds[2], have = 0;
  static char sent[100000], got[100000];
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  pid_t pid = echo(fds[1], fds[0]);
  close(fds[1]);
  memset(sent, 'e', sizeof(sent));
  SSL *ssl = on_fd(client_ctx, fds[0], false);
  cr_assert_eq(SSL_connect(ssl), 1);
  cr_assert_eq(SSL_get_verify_result(ssl), X509_V_OK);
  for (int at = 0; at < (int)sizeof(sent); at += 10000) {
    cr_assert_eq(SSL_write(ssl, sent + at, 10000), 10000);
    while (have < at + 10000) {
      int n = SSL_read(ssl, got + have, (int)sizeof(got) - have);
      cr_assert_gt(n, 0);
      have += n;
    }
  }
  cr_assert(memcmp(sent, got, sizeof(sent)) == 0);
  cr_assert_eq(SSL_shutdown(ssl), 0);
  cr_assert_eq(SSL_shutdown(ssl), 1);
  SSL_free(ssl);
  close(fds[0]);
  cr_assert_eq(status_of(pid), 0);
}

Test(ssl_socket, a_blocking_connect_meets_a_closed_transport) {
  int fds[2];
  char hello[2048];
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  pid_t pid = fork();
  if (pid == 0) {
    close(fds[0]);
    _exit(read(fds[1], hello, sizeof(hello)) > 0 ? 0 : 1);
  }
  close(fds[1]);
  SSL *ssl = on_fd(client_ctx, fds[0], false);
  int ret = SSL_connect(ssl);
  cr_assert_eq(ret, -1);
  cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_SYSCALL);
  cr_assert_eq(ERR_peek_error(), 0);
  SSL_free(ssl);
  close(fds[0]);
  cr_assert_eq(status_of(pid), 0);
}

/* ---- Nonblocking ---- */

static void make_small(int fd) {
  int smallest = 1;
  cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest)), 0);
  cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest)), 0);
}

/* long_chain has the server send 64 KiB of certificates. */
static void long_chain(void) {
  FILE *file = fopen(cert_path("intermediate.pem"), "r");
  X509 *cert = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
  cr_assert(cert != NULL);
  fclose(file);
  int len = i2d_X509(cert, NULL);
  cr_assert_gt(len, 0);
  for (int total = 0; total < 64 * 1024; total += len)
    cr_assert_eq(SSL_CTX_add1_chain_cert(server_ctx, cert), 1);
  X509_free(cert);
}

/* long_alpn has the client offer 20 KiB of protocols. */
static void long_alpn(void) {
  static uint8_t list[80 * 256];
  for (int i = 0; i < 80; i++) {
    list[i * 256] = 255;
    memset(list + i * 256 + 1, 'a' + i % 26, 255);
    list[i * 256 + 1] = (uint8_t)('A' + i % 26);
    list[i * 256 + 2] = (uint8_t)('A' + i / 26);
  }
  cr_assert_eq(SSL_CTX_set_alpn_protos(client_ctx, list, sizeof(list)), 0);
}

static int choose_last(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                       unsigned in_len, void *arg) {
  (void)ssl;
  (void)arg;
  *out = in + in_len - 255;
  *out_len = 255;
  return SSL_TLSEXT_ERR_OK;
}

/* waits_for is what a side that has returned |ret| is to wait for. */
static short waits_for(SSL *ssl, int ret) {
  if (ret == 1) return 0;
  if (ret == 0) return POLLOUT | POLLIN;
  return SSL_want_write(ssl) ? POLLOUT : POLLIN;
}

/* turn goes on with |ssl|. */
static void turn(SSL *ssl, int *ret, unsigned *saw) {
  *ret = SSL_do_handshake(ssl);
  if (*ret == 1) return;
  int error = SSL_get_error(ssl, *ret);
  *saw |= 1u << error;
  cr_assert(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE, "%s: %s",
            SSL_error_description(error), ERR_reason_error_string(ERR_peek_error()));
}

/* nonblocking does a handshake and returns what client and server saw. */
static void nonblocking(int left, int right, unsigned *client_out, unsigned *server_out) {
  unsigned client_saw = 0, server_saw = 0;
  int client_ret = 0, server_ret = 0;
  const uint8_t *alpn;
  unsigned alpn_len;
  make_small(left);
  make_small(right);
  long_chain();
  long_alpn();
  SSL_CTX_set_alpn_select_cb(server_ctx, choose_last, NULL);
  SSL *client = on_fd(client_ctx, left, false), *server = on_fd(server_ctx, right, true);
  for (int turns = 0; (client_ret != 1 || server_ret != 1) && turns < 100000; turns++) {
    struct pollfd fds[2] = {{.fd = left, .events = waits_for(client, client_ret)},
                            {.fd = right, .events = waits_for(server, server_ret)}};
    cr_assert_gt(poll(fds, 2, 10000), 0, "neither side can go on");
    if ((fds[0].revents & fds[0].events) != 0) turn(client, &client_ret, &client_saw);
    if ((fds[1].revents & fds[1].events) != 0) turn(server, &server_ret, &server_saw);
  }
  cr_assert(client_ret == 1 && server_ret == 1);
  cr_assert_eq(SSL_get_verify_result(client), X509_V_OK);
  cr_assert_gt(sk_X509_num(SSL_get_peer_cert_chain(client)), 100);
  SSL_get0_alpn_selected(client, &alpn, &alpn_len);
  cr_assert_eq(alpn_len, 255);
  *client_out = client_saw;
  *server_out = server_saw;
  SSL_free(client);
  SSL_free(server);
}

Test(ssl_socket, nonblocking_unix_socket_stops_both_sides_both_ways) {
  int fds[2];
  unsigned client_saw, server_saw;
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  nonblocking(fds[0], fds[1], &client_saw, &server_saw);
  cr_assert_eq(client_saw, SAW_READ | SAW_WRITE);
  cr_assert_eq(server_saw, SAW_READ | SAW_WRITE);
  close(fds[0]);
  close(fds[1]);
}

/* tcp_pair gives both ends of a connection on 127.0.0.1. */
static void tcp_pair(int fds[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_eq(bind(listener, (struct sockaddr *)&address, len), 0);
  cr_assert_eq(listen(listener, 1), 0);
  cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  fds[0] = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_eq(connect(fds[0], (struct sockaddr *)&address, len), 0);
  fds[1] = accept(listener, NULL, NULL);
  cr_assert_geq(fds[1], 0);
  close(listener);
}

Test(ssl_socket, nonblocking_tcp_stops_the_server_both_ways_and_the_client_reading) {
  int fds[2];
  unsigned client_saw, server_saw;
  tcp_pair(fds);
  nonblocking(fds[0], fds[1], &client_saw, &server_saw);
  /* TCP takes the client's 20 KiB at once even so. */
  cr_assert_eq(client_saw & SAW_READ, SAW_READ);
  cr_assert_eq(server_saw, SAW_READ | SAW_WRITE);
  close(fds[0]);
  close(fds[1]);
}

Test(ssl_socket, a_nonblocking_write_is_finished_by_retries) {
  int fds[2];
  static char sent[300000], got[300000];
  size_t have = 0;
  int ret = -1;
  bool stopped = false;
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  SSL *client = on_fd(client_ctx, fds[0], false), *server = on_fd(server_ctx, fds[1], true);
  make_small(fds[0]);
  make_small(fds[1]);
  for (int i = 0; i < 1000 && (SSL_connect(client) != 1 || SSL_accept(server) != 1); i++)
    (void)SSL_accept(server);
  cr_assert(SSL_is_init_finished(client) && SSL_is_init_finished(server));
  for (size_t i = 0; i < sizeof(sent); i++) sent[i] = (char)(i * 7);
  while (have < sizeof(got)) {
    if (ret < 0) ret = SSL_write(client, sent, sizeof(sent));
    if (ret < 0) {
      stopped = true;
      cr_assert_eq(SSL_get_error(client, ret), SSL_ERROR_WANT_WRITE);
    }
    int n = SSL_read(server, got + have, (int)(sizeof(got) - have));
    if (n > 0) have += (size_t)n;
  }
  cr_assert_eq(ret, (int)sizeof(sent));
  cr_assert(stopped);
  cr_assert(memcmp(sent, got, sizeof(got)) == 0);
  SSL_free(client);
  SSL_free(server);
  close(fds[0]);
  close(fds[1]);
}

/* ---- TCP_NODELAY ---- */

static int nodelay(int fd) {
  int value = -1;
  socklen_t len = sizeof(value);
  cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
  return value != 0;
}

Test(ssl_socket, tcp_nodelay_is_turned_on_and_off) {
  int fds[2];
  tcp_pair(fds);
  cr_assert_eq(nodelay(fds[0]), 0);
  cr_assert_eq(BIO_set_tcp_ndelay(fds[0], 1), 1);
  cr_assert_eq(nodelay(fds[0]), 1);
  cr_assert_eq(BIO_set_tcp_ndelay(fds[0], 0), 1);
  cr_assert_eq(nodelay(fds[0]), 0);
  cr_assert_eq(BIO_set_tcp_ndelay(fds[0], 5), 1);
  cr_assert_eq(nodelay(fds[0]), 1);
  close(fds[0]);
  close(fds[1]);
  cr_assert_eq(BIO_set_tcp_ndelay(-1, 1), 0);
}

Test(ssl_socket, tcp_nodelay_does_not_change_the_handshake) {
  int fds[2];
  tcp_pair(fds);
  cr_assert_eq(BIO_set_tcp_ndelay(fds[0], 1), 1);
  pid_t pid = echo(fds[1], fds[0]);
  close(fds[1]);
  SSL *ssl = on_fd(client_ctx, fds[0], false);
  cr_assert_eq(SSL_connect(ssl), 1);
  cr_assert_eq(nodelay(SSL_get_fd(ssl)), 1);
  cr_assert_eq(SSL_shutdown(ssl), 0);
  cr_assert_eq(SSL_shutdown(ssl), 1);
  SSL_free(ssl);
  close(fds[0]);
  cr_assert_eq(status_of(pid), 0);
}
