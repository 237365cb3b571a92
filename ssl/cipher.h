/* cipher.h: what an SSL_CIPHER is, for cipher.c, which owns them, and cipher_list.c, which chooses
 * among them. */
#ifndef HANDFAST_SSL_CIPHER_H
#define HANDFAST_SSL_CIPHER_H

#include "ssl/internal.h"

typedef enum ssl_auth { SSL_AUTH_ANY, SSL_AUTH_ECDSA, SSL_AUTH_RSA } ssl_auth;
typedef enum ssl_enc { SSL_AES128, SSL_AES256, SSL_CHACHA20 } ssl_enc;

struct ssl_cipher_st {
  uint16_t id;
  const char *name;          /* OpenSSL's */
  const char *standard_name; /* the RFC's */
  uint16_t version;
  ssl_auth auth; /* SSL_AUTH_ANY in TLS 1.3, where the certificate decides */
  ssl_enc enc;
  bool sha384;
};

/* ssl_cipher_at returns the suites one by one in the default order, those of TLS 1.3 first; NULL
 * after the last. */
const SSL_CIPHER *ssl_cipher_at(size_t index);

#endif
