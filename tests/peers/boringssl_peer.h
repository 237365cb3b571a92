/* boringssl_peer.h: the parts of boringssl_peer.  <openssl/ssl.h> is the system's BoringSSL's here,
 * never the product's. */
#ifndef HANDFAST_TESTS_PEERS_BORINGSSL_PEER_H
#define HANDFAST_TESTS_PEERS_BORINGSSL_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

/* options is the command line: `-name value` each, NULL if not given (options.c has what they
 * mean).
 */
struct options {
  const char *role, *port, *connections, *bytes;
  const char *cert, *key, *ca, *name;
  const char *min, *max, *ciphers, *groups, *sigalgs, *alpn;
  const char *resume, *session_in, *session_out;
  const char *compress;
  const char *delegated, *delegated_key;
  const char *quic, *early;
};
/* options_read reads the command line.  False: it is wrong, and a line says how. */
bool options_read(struct options *out, char **words);
long options_number(const char *value, long otherwise);

/* fact prints a line of facts. */
__attribute__((format(printf, 1, 2))) void fact(const char *format, ...);
/* complain prints why |what| failed: a line `error WHAT REASON`.  False, always. */
bool complain(const char *what);

/* context_new is the SSL_CTX that the options ask for; NULL, with a line, if it cannot be. */
SSL_CTX *context_new(const struct options *options);

/* compress_configure: certificates compressed by |algorithm| ("zlib" or "brotli"), in both
 * directions. */
bool compress_configure(SSL_CTX *ctx, const char *algorithm);
/* compress_facts prints and clears what was compressed and decompressed since the last time. */
void compress_facts(void);

/* delegated_configure has a server's |ssl| show a delegated credential. */
bool delegated_configure(SSL *ssl, const char *credential, const char *key);

/* session_read gives the session of a file, and session_write writes one to a file: as DER, in
 * BoringSSL's encoding.  NULL, false: it cannot be, and a line says so. */
SSL_SESSION *session_read(const char *path, const SSL_CTX *ctx);
bool session_write(const SSL_SESSION *session, const char *path);

/* early_ask has a client whose handshake has returned early write five bytes, complete it, and wait
 * for their echo if the server took them.  early_facts tells of |len| bytes of early data. */
bool early_ask(SSL *ssl);
void early_facts(const SSL *ssl, size_t len);

/* show prints the facts of a handshake that is done. */
void show(const SSL *ssl);
/* quic_converse runs |ssl| over QUIC's streams on |fd| until the other end closes.  False: it went
 * wrong, and a line says how. */
bool quic_converse(SSL *ssl, const struct options *o, int fd);

/* read_file gives all of a file, to be freed; NULL: it cannot be read. */
uint8_t *read_file(size_t *len, const char *path);

#endif
