/* sslwire.h: <openssl/ssl.h> on a socket whose other end is a peer, for tests.  The socket is
 * nonblocking, so that nothing waits for ever: a call that would block is repeated when poll says
 * so, for PEER_SECONDS at most. */
#ifndef HANDFAST_TESTS_SSLWIRE_H
#define HANDFAST_TESTS_SSLWIRE_H

#include <openssl/ssl.h>

#include "peer.h"

struct sslwire {
  SSL *ssl;
  struct peer *peer;
  int fd;
  struct buf received;
};

/* sslwire_context makes a context that speaks TLS 1.3 alone, trusts tests/certs/root.pem, and has
 * the chain and key of tests/certs/|cert| unless that is NULL.  NULL: one of the calls failed. */
SSL_CTX *sslwire_context(const SSL_METHOD *method, const char *cert);
/* sslwire_open makes an SSL on |fd|; a client sends and demands |name|. */
bool sslwire_open(struct sslwire *wire, SSL_CTX *ctx, struct peer *peer, int fd, const char *name);
/* sslwire_handshake is SSL_do_handshake, repeated: what it returned at last, its error in |*error|.
 */
int sslwire_handshake(struct sslwire *wire, int *error);
/* sslwire_send writes all of |data|, and takes meanwhile what comes. */
bool sslwire_send(struct sslwire *wire, const void *data, size_t len);
/* sslwire_receive reads until there are |len| bytes, or (|len| SIZE_MAX) until close_notify. */
bool sslwire_receive(struct sslwire *wire, size_t len);
/* sslwire_shutdown is SSL_shutdown until it is 1. */
bool sslwire_shutdown(struct sslwire *wire);
/* sslwire_close frees the SSL and closes the socket. */
void sslwire_close(struct sslwire *wire);

#endif
