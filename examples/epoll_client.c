/* epoll_client.c: SSL_connect on a nonblocking socket in an epoll loop, done right.
 *
 *   epoll_client [HOST:PORT CA-FILE]
 *
 * The connection is a small machine: connecting, handshake, request, answer, goodbye.  advance()
 * runs it as far as it goes; what stops it is a want, and the want alone decides what to wait for:
 * SSL_connect may want to read or to write, and so may all the others.  The socket is watched for
 * that and for nothing else, so the loop neither spins nor sleeps through what it waits for. */
#define _DEFAULT_SOURCE /* POSIX, beside C11 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "peer.h"

enum stage { CONNECTING, HANDSHAKE, REQUEST, ANSWER, GOODBYE, DONE };
enum { TIMEOUT_MS = 20000 };

struct client {
  int fd;
  SSL *ssl;
  enum stage stage;
  char answer[4096];
  int len;
  unsigned waited_in, waited_out; /* how often, for the curious */
};

static const char request[] = "GET / HTTP/1.0\r\n\r\n";

static void report(const struct client *client) {
  printf("%s, %s, %s, certificate verified: %s\n", SSL_get_version(client->ssl),
         SSL_get_cipher_name(client->ssl), SSL_get_group_name(SSL_get_group_id(client->ssl)),
         X509_verify_cert_error_string(SSL_get_verify_result(client->ssl)));
}

/* step does the next thing; what it returns goes to SSL_get_error if it is not positive. */
static int step(struct client *client) {
  SSL *ssl = client->ssl;
  int ret;
  switch (client->stage) {
    case HANDSHAKE:
      if ((ret = SSL_connect(ssl)) == 1) {
        report(client);
        client->stage = REQUEST;
      }
      return ret;
    case REQUEST:
      /* After a want the same bytes must be offered again; |request| stays where it is. */
      if ((ret = SSL_write(ssl, request, (int)sizeof request - 1)) > 0) client->stage = ANSWER;
      return ret;
    case ANSWER:
      ret =
          SSL_read(ssl, client->answer + client->len, (int)sizeof client->answer - 1 - client->len);
      /* What does not fit is read and thrown away. */
      if (ret > 0) client->len += ret;
      if (client->len == (int)sizeof client->answer - 1) client->len = 1024;
      return ret;
    case GOODBYE:
      /* The peer's close_notify came before, so 1 means that ours is out, too. */
      if ((ret = SSL_shutdown(ssl)) == 1) client->stage = DONE;
      return ret;
    case CONNECTING:
    case DONE:
      break;
  }
  return 1;
}

/* connected looks how connect(2) ended once the socket is writable. */
static bool connected(struct client *client) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
  if (error != 0) fprintf(stderr, "epoll_client: connecting: %s\n", strerror(error));
  client->stage = HANDSHAKE;
  return error == 0;
}

/* advance goes on until something is wanted: EPOLLIN or EPOLLOUT; 0: done; -1: failed.
 *
 * It does not stop after one SSL_read that gave something: the next record may be in |ssl| already,
 * where epoll does not see it.  Only a want says that nothing is left. */
static int advance(struct client *client) {
  if (client->stage == CONNECTING && !connected(client)) return -1;
  while (client->stage != DONE) {
    int ret = step(client);
    if (ret > 0) continue;
    int error = SSL_get_error(client->ssl, ret); /* at once: it looks at the BIO's flags */
    switch (error) {
      case SSL_ERROR_WANT_READ:
        return EPOLLIN;
      case SSL_ERROR_WANT_WRITE:
        return EPOLLOUT;
      case SSL_ERROR_ZERO_RETURN: /* close_notify: the answer is whole */
        if (client->stage != ANSWER) return -1;
        client->stage = GOODBYE;
        break;
      default: /* SYSCALL: cut off, no more calls but SSL_free; SSL: the queue says why */
        fprintf(stderr, "epoll_client: %s\n", SSL_error_description(error));
        ERR_print_errors_fp(stderr);
        return -1;
    }
  }
  return 0;
}

static bool loop(struct client *client) {
  struct epoll_event event = {.events = EPOLLOUT};
  int epoll = epoll_create1(EPOLL_CLOEXEC), wants = EPOLLOUT;
  bool ok = epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) == 0;
  while (ok && wants > 0) {
    /* Level-triggered, and asked again each time: an edge that came between the want and the wait
     * cannot be missed. */
    event.events = (uint32_t)wants;
    ok = epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event) == 0;
    client->waited_in += wants == EPOLLIN;
    client->waited_out += wants == EPOLLOUT;
    int num = ok ? epoll_wait(epoll, &event, 1, TIMEOUT_MS) : -1;
    if (num < 0 && errno == EINTR) continue;
    if (num <= 0) {
      fprintf(stderr, "epoll_client: %s\n", num == 0 ? "the server is too slow" : strerror(errno));
      ok = false;
    } else {
      /* EPOLLHUP and EPOLLERR come unasked; the next call on |ssl| says what they mean. */
      wants = advance(client);
    }
  }
  if (epoll >= 0) close(epoll);
  return ok && wants == 0;
}

/* begin starts connect(2), which goes on by itself. */
static int begin(const struct peer *peer) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *list = NULL;
  int fd = -1, error = getaddrinfo(peer->host, peer->port, &hints, &list);
  if (error != 0) {
    fprintf(stderr, "epoll_client: %s: %s\n", peer->host, gai_strerror(error));
    return -1;
  }
  fd = socket(list->ai_family, list->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) != 0 && errno != EINPROGRESS) {
    perror("epoll_client: connecting");
    close(fd);
    fd = -1;
  }
  freeaddrinfo(list);
  return fd;
}

static bool run(const struct peer *peer, SSL_CTX *ctx) {
  struct client client = {.fd = begin(peer), .ssl = SSL_new(ctx), .stage = CONNECTING};
  bool ok = client.fd >= 0 && client.ssl != NULL &&
            SSL_set_tlsext_host_name(client.ssl, peer->host) == 1 &&
            SSL_set1_host(client.ssl, peer->host) == 1 && SSL_set_fd(client.ssl, client.fd) == 1 &&
            loop(&client);
  if (ok) {
    printf("the server answers: %.*s\n", (int)strcspn(client.answer, "\r\n"), client.answer);
    printf("waited %u times to read, %u times to write\n", client.waited_in, client.waited_out);
  }
  SSL_free(client.ssl);
  if (client.fd >= 0) close(client.fd);
  return ok;
}

int main(int argc, char **argv) {
  struct peer peer;
  if (!peer_find(&peer, argc, argv)) return EXIT_FAILURE;
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  bool ok = ctx != NULL && SSL_CTX_load_verify_locations(ctx, peer.ca_file, NULL) == 1;
  if (ok) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    ok = run(&peer, ctx);
  } else {
    ERR_print_errors_fp(stderr);
  }
  SSL_CTX_free(ctx);
  return peer_end(&peer, ok);
}
