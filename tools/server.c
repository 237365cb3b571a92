/* server.c: `handfast server`: one connection after another, each between stdin and stdout; www.c
 * has what --www does. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/tools.h"

static int accept_one(int listener) {
  for (;;) {
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    (void)poll(&wait, 1, -1);
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0) {
      (void)fcntl(fd, F_SETFL, O_NONBLOCK);
      (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
      BIO_set_tcp_ndelay(fd, 1);
      return fd;
    }
    /* What is wrong with one that came is no reason to stop; without descriptors or memory, wait.
     */
    if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) return -1;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) (void)poll(NULL, 0, 100);
  }
}

static bool serve(SSL *ssl, const struct options *options) {
  char text[2048], name[64];
  net_name(name, SSL_get_fd(ssl));
  if (!options->quiet) fprintf(stderr, "connection from %s\n", name);
  if (!handshake(ssl, (int)options->timeout * 1000)) return false;
  if (!options->quiet) {
    report(text, sizeof text, ssl);
    fputs(text, stderr);
  }
  return relay(ssl, false) == RELAY_CLOSED;
}

/* end_quietly lets the peer read what was sent last, its alert above all: a socket that is closed
 * with bytes in it unread would tell the peer's to throw everything away. */
static void end_quietly(int fd) {
  char rest[4096];
  long long end = now_ms() + 1000, left;
  (void)shutdown(fd, SHUT_WR);
  while ((left = end - now_ms()) > 0) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, (int)left) <= 0 || recv(fd, rest, sizeof rest, 0) <= 0) break;
  }
  close(fd);
}

static int serve_all(SSL_CTX *ctx, int listener, const struct options *options) {
  bool good = true;
  for (long i = 0; options->count == 0 || i < options->count; i++) {
    int fd = accept_one(listener);
    if (fd < 0) {
      complain("accepting: %s", strerror(errno));
      return EXIT_FAILED;
    }
    SSL *ssl = SSL_new(ctx);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
      complain_queue("a connection could not be made");
      good = false;
    } else {
      SSL_set_accept_state(ssl);
      good = serve(ssl, options) && good;
    }
    SSL_free(ssl);
    end_quietly(fd);
    /* Whoever ended stdin has nothing to say to the next client. */
    if (relay_input_ended()) break;
  }
  return good ? EXIT_OK : EXIT_FAILED;
}

int server_run(const struct options *options) {
  char host[256], port[32];
  if (!net_split(host, port, options->address)) return EXIT_USAGE;
  SSL_CTX *ctx = context_new(options);
  if (ctx == NULL) return EXIT_USAGE;
  int status = EXIT_FAILED, listener = net_listen(host, port);
  if (listener >= 0) {
    status = options->www ? www_run(ctx, listener, options) : serve_all(ctx, listener, options);
    close(listener);
  }
  context_free(ctx);
  return status;
}
