/* compress.c: certificate compression with zlib or brotli (RFC 8879) in boringssl_peer. */
#include "boringssl_peer.h"

#include <stdlib.h>
#include <string.h>

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>

#include <openssl/pool.h>

enum { ZLIB = 1, BROTLI = 2 };

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

static int compress_brotli(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len) {
  size_t len = BrotliEncoderMaxCompressedSize(in_len);
  uint8_t *room = NULL;
  (void)ssl;
  if (!CBB_reserve(out, &room, len) ||
      !BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, in_len,
                             in, &len, room)) {
    return 0;
  }
  compressed++;
  return CBB_did_write(out, len);
}

static int decompress_brotli(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len,
                             const uint8_t *in, size_t in_len) {
  uint8_t *room = NULL;
  size_t len = uncompressed_len;
  (void)ssl;
  CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_alloc(&room, uncompressed_len);
  if (buffer == NULL ||
      BrotliDecoderDecompress(in_len, in, &len, room) != BROTLI_DECODER_RESULT_SUCCESS ||
      len != uncompressed_len) {
    CRYPTO_BUFFER_free(buffer);
    return 0;
  }
  decompressed++;
  *out = buffer;
  return 1;
}

bool compress_configure(SSL_CTX *ctx, const char *algorithm) {
  if (strcmp(algorithm, "zlib") == 0) {
    return SSL_CTX_add_cert_compression_alg(ctx, ZLIB, compress_zlib, decompress_zlib);
  }
  return strcmp(algorithm, "brotli") == 0 &&
         SSL_CTX_add_cert_compression_alg(ctx, BROTLI, compress_brotli, decompress_brotli);
}

void compress_facts(void) {
  fact("compressed %u", compressed);
  fact("decompressed %u", decompressed);
  compressed = decompressed = 0;
}
