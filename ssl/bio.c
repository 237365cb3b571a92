/* bio.c: the BIOs of an SSL: who owns what, and sockets.
 *
 * Owns: ssl->rbio and ssl->wbio: one reference each, two if they are the same BIO.  Bytes that were
 * read from a BIO before it was changed are still read, bytes that did not fit it go to the new
 * one. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "ssl/internal.h"

void SSL_set0_rbio(SSL *ssl, BIO *rbio) {
  BIO_free_all(ssl->rbio);
  ssl->rbio = rbio;
  ssl->read_half = hf_half_of(rbio);
}

void SSL_set0_wbio(SSL *ssl, BIO *wbio) {
  BIO_free_all(ssl->wbio);
  ssl->wbio = wbio;
  ssl->write_half = hf_half_of(wbio);
}

void SSL_set_bio(SSL *ssl, BIO *rbio, BIO *wbio) {
  if (rbio == ssl->rbio && wbio == ssl->wbio) return; /* takes nothing */
  if (rbio != NULL && rbio == wbio) BIO_up_ref(rbio); /* takes one, where two are needed */
  if (rbio == ssl->rbio) {
    SSL_set0_wbio(ssl, wbio); /* takes one, for what changes */
  } else if (wbio == ssl->wbio && ssl->rbio != ssl->wbio) {
    SSL_set0_rbio(
        ssl, rbio); /* and so here; not if the old ones were the same, which programs rely on */
  } else {
    SSL_set0_rbio(ssl, rbio);
    SSL_set0_wbio(ssl, wbio);
  }
}

BIO *SSL_get_rbio(const SSL *ssl) { return ssl->rbio; }

BIO *SSL_get_wbio(const SSL *ssl) { return ssl->wbio; }

/* socket_bio returns a reference to |other| if that is a socket BIO over |fd|, else a new one. */
static BIO *socket_bio(BIO *other, int fd) {
  if (other != NULL && BIO_method_type(other) == BIO_TYPE_SOCKET && BIO_get_fd(other, NULL) == fd) {
    BIO_up_ref(other);
    return other;
  }
  BIO *bio = BIO_new(BIO_s_socket());
  if (bio == NULL) {
    SSL_ERR(ERR_R_BUF_LIB);
    return NULL;
  }
  BIO_set_fd(bio, fd, BIO_NOCLOSE);
  return bio;
}

int SSL_set_fd(SSL *ssl, int fd) {
  BIO *bio = socket_bio(NULL, fd);
  if (bio == NULL) return 0;
  SSL_set_bio(ssl, bio, bio);
  return 1;
}

int SSL_set_rfd(SSL *ssl, int fd) {
  BIO *bio = socket_bio(ssl->wbio, fd);
  if (bio == NULL) return 0;
  SSL_set0_rbio(ssl, bio);
  return 1;
}

int SSL_set_wfd(SSL *ssl, int fd) {
  BIO *bio = socket_bio(ssl->rbio, fd);
  if (bio == NULL) return 0;
  SSL_set0_wbio(ssl, bio);
  return 1;
}

/* fd_of finds the descriptor behind |bio|, through filters if there are any. */
static int fd_of(BIO *bio) {
  int fd = -1;
  BIO *descriptor = BIO_find_type(bio, BIO_TYPE_DESCRIPTOR);
  if (descriptor != NULL) BIO_get_fd(descriptor, &fd);
  return fd;
}

int SSL_get_rfd(const SSL *ssl) { return fd_of(ssl->rbio); }

int SSL_get_wfd(const SSL *ssl) { return fd_of(ssl->wbio); }

int SSL_get_fd(const SSL *ssl) { return SSL_get_rfd(ssl); }

int BIO_set_tcp_ndelay(int sock, int turn_on) {
  int on = turn_on != 0;
  return setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
}
