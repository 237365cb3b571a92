/* peer.h: somebody to talk to, for an example that was told of nobody.  Not part of what the
 * examples show.
 *
 * An example is run as `PROGRAM HOST:PORT CA-FILE`, or, without arguments, against a child process
 * which serves one connection with this repository's test certificates. */
#ifndef HANDFAST_EXAMPLES_PEER_H
#define HANDFAST_EXAMPLES_PEER_H

#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>

struct peer {
  char host[256], port[16];
  const char *ca_file;
  pid_t child; /* 0: none */
};

/* peer_serve answers one request on |fd|. */
static inline bool peer_serve(int fd) {
  static const char answer[] = "HTTP/1.0 200 it works\r\n\r\nhello from the example's own server\n";
  char request[2048];
  int len = 0, got = 1;
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  bool ok =
      ctx != NULL &&
      SSL_CTX_use_certificate_chain_file(ctx, HF_SOURCE_DIR "/tests/certs/ecdsa-p256.pem") == 1 &&
      SSL_CTX_use_PrivateKey_file(ctx, HF_SOURCE_DIR "/tests/certs/ecdsa-p256.key",
                                  SSL_FILETYPE_PEM) == 1;
  SSL *ssl = ok ? SSL_new(ctx) : NULL;
  ok = ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1;
  while (ok && got > 0 && (len < 4 || memcmp(request + len - 4, "\r\n\r\n", 4) != 0)) {
    got = SSL_read(ssl, request + len, (int)sizeof request - len);
    if (got > 0) len += got;
  }
  ok = ok && got > 0 && SSL_write(ssl, answer, (int)sizeof answer - 1) > 0;
  if (ok && SSL_shutdown(ssl) == 0) ok = SSL_shutdown(ssl) == 1;
  SSL_free(ssl);
  SSL_CTX_free(ctx);
  return ok;
}

static inline bool peer_fork(struct peer *peer) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
      listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
    perror("listening");
    if (listener >= 0) close(listener);
    return false;
  }
  snprintf(peer->port, sizeof peer->port, "%d", ntohs(address.sin_port));
  peer->child = fork();
  if (peer->child == 0) {
    alarm(30);
    int fd = accept(listener, NULL, NULL);
    close(listener);
    bool served = fd >= 0 && peer_serve(fd);
    if (fd >= 0) close(fd);
    _exit(served ? 0 : 1);
  }
  close(listener);
  return peer->child > 0;
}

/* peer_find reads the arguments, or starts the child.  Sending to a peer that is gone must be an
 * error of that call and not the end of the process, so SIGPIPE is ignored from here on. */
static inline bool peer_find(struct peer *peer, int argc, char **argv) {
  *peer = (struct peer){.host = "localhost", .ca_file = HF_SOURCE_DIR "/tests/certs/root.pem"};
  signal(SIGPIPE, SIG_IGN);
  if (argc == 1) return peer_fork(peer);
  const char *colon = argc == 3 ? strrchr(argv[1], ':') : NULL;
  if (colon == NULL || (size_t)(colon - argv[1]) >= sizeof peer->host) {
    fprintf(stderr, "usage: %s [HOST:PORT CA-FILE]\n", argv[0]);
    return false;
  }
  snprintf(peer->host, sizeof peer->host, "%.*s", (int)(colon - argv[1]), argv[1]);
  snprintf(peer->port, sizeof peer->port, "%s", colon + 1);
  peer->ca_file = argv[2];
  return true;
}

/* peer_connect gives a connected socket, or -1. */
static inline int peer_connect(const struct peer *peer) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
  int fd = -1, error = getaddrinfo(peer->host, peer->port, &hints, &list);
  if (error != 0) fprintf(stderr, "%s: %s\n", peer->host, gai_strerror(error));
  for (struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
    fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
    if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  if (list != NULL) freeaddrinfo(list);
  if (fd < 0 && error == 0) perror("connecting");
  return fd;
}

/* peer_end waits for the child and returns the example's exit status. */
static inline int peer_end(const struct peer *peer, bool ok) {
  int status = 0;
  if (peer->child > 0) {
    if (!ok) kill(peer->child, SIGKILL);
    waitpid(peer->child, &status, 0);
    if (ok && status != 0) fprintf(stderr, "the server was not content\n");
  }
  return ok && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
