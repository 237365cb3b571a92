/* ssl_pair.h: an SSL client and an SSL server of ours, joined by one BIO pair, for tests. */
#ifndef HANDFAST_TESTS_SSL_PAIR_H
#define HANDFAST_TESTS_SSL_PAIR_H

#include <stdbool.h>

#include <openssl/ssl.h>

/* What SSL_get_error said during a handshake: bits 1 << SSL_ERROR_. */
enum { SAW_READ = 1 << SSL_ERROR_WANT_READ, SAW_WRITE = 1 << SSL_ERROR_WANT_WRITE };

struct ssl_pair {
  SSL *client, *server;
  unsigned client_saw, server_saw;
};

/* cert_path is the path of a file in tests/certs/; it lasts until the next call but three. */
const char *cert_path(const char *name);

/* ssl_client_ctx trusts the test root and insists on a trusted server; ssl_server_ctx shows the
 * certificate |name| of tests/certs/. NULL: something failed. */
SSL_CTX *ssl_client_ctx(void);
SSL_CTX *ssl_server_ctx(const char *name);

/* ssl_pair_new joins an SSL of each SSL_CTX by rings of |ring| bytes (0: the default); the roles
 * are set.  False: something failed. */
bool ssl_pair_new(struct ssl_pair *pair, SSL_CTX *client, SSL_CTX *server, size_t ring);
/* ssl_pair_default is ssl_pair_new with ssl_client_ctx and ssl_server_ctx("ecdsa-p256"). */
bool ssl_pair_default(struct ssl_pair *pair, size_t ring);
/* ssl_pair_handshake calls both by turns until both have returned 1, or something else than a want.
 * True: both are done. */
bool ssl_pair_handshake(struct ssl_pair *pair);
/* ssl_pair_ready is ssl_pair_default and ssl_pair_handshake. */
bool ssl_pair_ready(struct ssl_pair *pair, size_t ring);
void ssl_pair_free(struct ssl_pair *pair);

/* ssl_half is an SSL on one half of a pair of |ring| bytes; |*net| is the other half, the test's
 * own. */
SSL *ssl_half(BIO **net, SSL_CTX *ctx, bool server, size_t ring);

/* first_reason is the reason of the oldest error on the queue if it is SSL's, else 0. */
int first_reason(void);

#endif
