/* compressors.c: zlib and brotli for certificates, each if CMake found its library (HF_ZLIB,
 * HF_BROTLI).  What decompresses has room for the announced length and no more. */
#include "ssl/compressors.h"

#if defined(HF_ZLIB) || defined(HF_BROTLI)
/* give hands |buffer| over if it is |good|, and frees it if not. */
static int give(CRYPTO_BUFFER **out, CRYPTO_BUFFER *buffer, bool good) {
  if (good) {
    *out = buffer;
  } else {
    CRYPTO_BUFFER_free(buffer);
  }
  return good;
}
#endif

#ifdef HF_ZLIB
#include <zlib.h>

static int zlib_compress(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len) {
  (void)ssl;
  uLongf len = compressBound((uLong)in_len);
  uint8_t *room;
  return CBB_reserve(out, &room, len) && compress(room, &len, in, (uLong)in_len) == Z_OK &&
         CBB_did_write(out, len);
}

static int zlib_decompress(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len,
                           const uint8_t *in, size_t in_len) {
  (void)ssl;
  uLongf len = (uLongf)uncompressed_len;
  uLong used = (uLong)in_len;
  uint8_t *room;
  CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_alloc(&room, uncompressed_len);
  return give(out, buffer,
              buffer != NULL && uncompress2(room, &len, in, &used) == Z_OK &&
                  len == uncompressed_len && used == in_len);
}
#endif

#ifdef HF_BROTLI
#include <brotli/decode.h>
#include <brotli/encode.h>

static int brotli_compress(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len) {
  (void)ssl;
  size_t len = BrotliEncoderMaxCompressedSize(in_len);
  uint8_t *room;
  return len > 0 && CBB_reserve(out, &room, len) &&
         BrotliEncoderCompress(BROTLI_DEFAULT_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC,
                               in_len, in, &len, room) &&
         CBB_did_write(out, len);
}

static int brotli_decompress(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len,
                             const uint8_t *in, size_t in_len) {
  (void)ssl;
  size_t len = uncompressed_len;
  uint8_t *room;
  CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_alloc(&room, uncompressed_len);
  return give(
      out, buffer,
      buffer != NULL &&
          BrotliDecoderDecompress(in_len, in, &len, room) == BROTLI_DECODER_RESULT_SUCCESS &&
          len == uncompressed_len);
}
#endif

const ssl_cert_alg *ssl_ready_made(int id) {
  static const ssl_cert_alg kReady[] = {
#ifdef HF_ZLIB
      {TLSEXT_comp_cert_zlib, zlib_compress, zlib_decompress},
#endif
#ifdef HF_BROTLI
      {TLSEXT_comp_cert_brotli, brotli_compress, brotli_decompress},
#endif
      {TLSEXT_comp_cert_none, NULL, NULL},
  };
  for (const ssl_cert_alg *alg = kReady; alg->id != TLSEXT_comp_cert_none; alg++)
    if (alg->id == id) return alg;
  return NULL;
}
