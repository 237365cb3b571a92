/* delegated.c: a delegated credential in boringssl_peer, from files. */
#include "boringssl_peer.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pool.h>

static EVP_PKEY *read_key(const char *path) {
  BIO *file = BIO_new_file(path, "rb");
  EVP_PKEY *key = file == NULL ? NULL : PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
  BIO_free(file);
  return key;
}

bool delegated_configure(SSL *ssl, const char *credential, const char *key_path) {
  size_t len = 0;
  uint8_t *data = read_file(&len, credential);
  EVP_PKEY *key = key_path == NULL ? NULL : read_key(key_path);
  CRYPTO_BUFFER *buffer = data == NULL ? NULL : CRYPTO_BUFFER_new(data, len, NULL);
  bool ok = key != NULL && buffer != NULL && SSL_set1_delegated_credential(ssl, buffer, key, NULL);
  CRYPTO_BUFFER_free(buffer);
  EVP_PKEY_free(key);
  free(data);
  return ok;
}
