/* compress.c: certificate compression with zlib (RFC 8879) in boringssl_peer. */
#include "boringssl_peer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <openssl/pool.h>

enum { ZLIB = 1 };

static unsigned compressed, decompressed;

static int compress_zlib(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len) {
  uLongf len = compressBound((uLong)in_len);
  uint8_t *room = NULL;
  (void)ssl;
  if (!CBB_reserve(out, &room, len) || compress(room, &len, in, (uLong)in_len) != Z_OK) return 0;
  compressed++;
  return CBB_did_write(out, len);
}

static int decompress_zlib(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len,
                           const uint8_t *in, size_t in_len) {
  uint8_t *room = NULL;
  uLongf len = (uLongf)uncompressed_len;
  (void)ssl;
  CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_alloc(&room, uncompressed_len);
  if (buffer == NULL || uncompress(room, &len, in, (uLong)in_len) != Z_OK ||
      len != uncompressed_len) {
    CRYPTO_BUFFER_free(buffer);
    return 0;
  }
  decompressed++;
  *out = buffer;
  return 1;
}

bool compress_configure(SSL_CTX *ctx) {
  return SSL_CTX_add_cert_compression_alg(ctx, ZLIB, compress_zlib, decompress_zlib);
}

void compress_facts(void) {
  fact("compressed %u", compressed);
  fact("decompressed %u", decompressed);
  compressed = decompressed = 0;
}
