/* bio_pair_pump.c: SSL_connect over a BIO pair, with the application moving the bytes, done right.
 *
 *   bio_pair_pump [HOST:PORT CA-FILE]
 *
 *      SSL  <->  its half  ==  |net|  <->  this file  <->  a socket, or anything that moves bytes
 *
 * SSL_ calls only ever touch the rings of the pair; they never wait.  So each is followed by
 * again(), which moves bytes and says whether to repeat it.  The comments marked [1] to [11] answer
 * the things that people trip over with buffering BIOs. */
#define _DEFAULT_SOURCE /* POSIX, beside C11 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "peer.h"

/* [2] The rings are smaller than the flights of a handshake, so that every want really occurs here.
 * Any size from 1 byte up works; 0, the default of 17 KiB, has room for a whole record and is what
 * a program wants. */
enum { RING = 128, TIMEOUT_MS = 20000 };

struct link {
  SSL *ssl;
  BIO *net; /* the half that is not the SSL's */
  int fd;   /* nonblocking */
  size_t to_peer, from_peer;
  unsigned wants_read, wants_write;
};

/* send_some moves bytes from the pair to the socket, without a copy.  False: the socket is broken.
 */
static bool send_some(struct link *link) {
  char *data;
  int len;
  while ((len = BIO_nread0(link->net, &data)) > 0) {
    ssize_t sent = send(link->fd, data, (size_t)len, 0);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    BIO_nread(link->net, &data, (int)sent); /* only what has gone is taken out of the ring */
    link->to_peer += (size_t)sent;
  }
  return true;
}

/* receive_some moves bytes from the socket to the pair, as many as fit. */
static bool receive_some(struct link *link) {
  char *room;
  int len;
  while (BIO_ctrl_get_write_guarantee(link->net) > 0 && (len = BIO_nwrite0(link->net, &room)) > 0) {
    ssize_t got = recv(link->fd, room, (size_t)len, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    /* [6] The end of the transport is told to the pair, so that the SSL meets it after the last
     * byte: SSL_ERROR_SYSCALL with an empty queue means just that, cut off without close_notify. */
    if (got == 0) return BIO_shutdown_wr(link->net) == 1;
    BIO_nwrite(link->net, &room, (int)got);
    link->from_peer += (size_t)got;
  }
  return true;
}

/* move_bytes empties the pair into the socket and, if |input|, waits until something has come in.
 *
 * [3] [8] It waits for both directions at once.  Who waits for room alone, while the peer (with its
 * tickets, or a large answer) does the same, waits for ever. */
static bool move_bytes(struct link *link, bool input) {
  size_t before = link->from_peer;
  for (;;) {
    if (!send_some(link) || !receive_some(link)) return false;
    size_t left = BIO_ctrl_pending(link->net), room = BIO_ctrl_get_write_guarantee(link->net);
    /* No room for more is input enough, and after the end there is none to come. */
    if (left == 0 && (!input || link->from_peer > before || room == 0)) return true;
    struct pollfd wait = {.fd = link->fd,
                          .events = (short)((left > 0 ? POLLOUT : 0) | (room > 0 ? POLLIN : 0))};
    int num = poll(&wait, 1, TIMEOUT_MS);
    if (num == 0 || (num < 0 && errno != EINTR)) return false;
  }
}

/* again is called after every SSL_ call: true means to repeat it, with the same arguments. */
static bool again(struct link *link, int ret) {
  /* [6] First of all, before anything touches the BIO: SSL_get_error compares what the SSL waits
   * for with the BIO's retry flags, and moving bytes changes those.
   * [5] It also looks at the error queue.  Every SSL_ call here empties that queue as it begins; in
   * a program that may also run on OpenSSL, ERR_clear_error() goes before each call. */
  int error = SSL_get_error(link->ssl, ret);
  link->wants_read += error == SSL_ERROR_WANT_READ;
  link->wants_write += error == SSL_ERROR_WANT_WRITE;
  /* [1] What the call wrote is sent, whatever it returned: a 1 from SSL_connect leaves Finished in
   * the pair, a WANT_READ the question that the peer has to answer first.
   * [10] After a failure too: it is the alert that tells the peer why.
   * [11] And WANT_READ waits until bytes really came.  Who just calls again spins. */
  bool moved = move_bytes(link, error == SSL_ERROR_WANT_READ);
  /* [2] WANT_WRITE is no failure: the ring was full, now it is empty, and the rest of the flight
   * goes at the next call.
   * [8] It is the error that says what is missing and not the name of the call: SSL_write may want
   * to read, SSL_read to write. */
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return moved;
  return false;
}

static bool failed(struct link *link, const char *what, int ret) {
  fprintf(stderr, "bio_pair_pump: %s: %s\n", what,
          SSL_error_description(SSL_get_error(link->ssl, ret)));
  ERR_print_errors_fp(stderr);
  return false;
}

/* read_answer reads until close_notify.
 *
 * [4] Each SSL_read gives one record at most.  When it gave some, the next may wait in the pair, or
 * in the SSL, where poll on the socket never sees it.  So it is read until the SSL itself says
 * WANT_READ, and only then the socket is waited for. */
static bool read_answer(struct link *link) {
  char answer[4096];
  int ret, len = 0;
  do {
    do {
      ret = SSL_read(link->ssl, answer + len, (int)sizeof answer - 1 - len);
    } while (again(link, ret));
    /* What does not fit is read and thrown away. */
    if (ret > 0) len = len + ret < (int)sizeof answer - 1 ? len + ret : 1024;
  } while (ret > 0);
  /* [9] A client's SSL_connect says 1 before the server has looked at the client's certificate: a
   * refusal comes here, as the alert that SSL_read meets.  Only an answer proves acceptance. */
  if (SSL_get_error(link->ssl, ret) != SSL_ERROR_ZERO_RETURN) return failed(link, "SSL_read", ret);
  answer[len] = 0;
  printf("the server answers: %.*s\n", (int)strcspn(answer, "\r\n"), answer);
  return true;
}

static bool talk(struct link *link) {
  static const char request[] = "GET / HTTP/1.0\r\n\r\n";
  SSL *ssl = link->ssl;
  int ret;
  do {
    ret = SSL_connect(ssl);
  } while (again(link, ret));
  if (ret != 1) return failed(link, "SSL_connect", ret);
  printf("%s, %s, %s, certificate verified: %s\n", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
         SSL_get_group_name(SSL_get_group_id(ssl)),
         X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  /* [7] A write that was wanting is repeated with the same bytes, at least as many of them, and no
   * other write between: |request| is static, and nothing else is written meanwhile. */
  do {
    ret = SSL_write(ssl, request, (int)sizeof request - 1);
  } while (again(link, ret));
  if (ret <= 0) return failed(link, "SSL_write", ret);
  if (!read_answer(link)) return false;
  /* The peer's close_notify came, so 1 comes as soon as ours has gone.  0 would mean that it is to
   * be called again, and is no case for SSL_get_error. */
  do {
    ret = SSL_shutdown(ssl);
  } while (ret < 0 && again(link, ret));
  if (ret < 0 || !move_bytes(link, false)) return failed(link, "SSL_shutdown", ret);
  printf(
      "%zu bytes sent, %zu received, through rings of %d bytes; WANT_READ %u times, WANT_WRITE "
      "%u times\n",
      link->to_peer, link->from_peer, RING, link->wants_read, link->wants_write);
  return true;
}

static bool run(const struct peer *peer, SSL_CTX *ctx, int fd) {
  struct link link = {.ssl = SSL_new(ctx), .fd = fd};
  BIO *half;
  if (link.ssl == NULL || !BIO_new_bio_pair(&half, RING, &link.net, RING)) {
    SSL_free(link.ssl);
    return false;
  }
  SSL_set_bio(link.ssl, half, half); /* |half| is the SSL's from here on, |net| ours to free */
  bool ok = SSL_set_tlsext_host_name(link.ssl, peer->host) == 1 &&
            SSL_set1_host(link.ssl, peer->host) == 1 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
            talk(&link);
  SSL_free(link.ssl);
  BIO_free(link.net);
  return ok;
}

int main(int argc, char **argv) {
  struct peer peer;
  if (!peer_find(&peer, argc, argv)) return EXIT_FAILURE;
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  int fd = peer_connect(&peer);
  bool ok = fd >= 0 && ctx != NULL && SSL_CTX_load_verify_locations(ctx, peer.ca_file, NULL) == 1;
  if (ok) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    ok = run(&peer, ctx, fd);
  }
  if (fd >= 0) close(fd);
  SSL_CTX_free(ctx);
  return peer_end(&peer, ok);
}
