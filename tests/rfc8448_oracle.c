/* rfc8448_oracle.c: see rfc8448_oracle.h. */
#include "rfc8448_oracle.h"

#include <openssl/aead.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 5, TAG = 16 };

static void must(int ok) {
  if (ok) return;
  fprintf(stderr, "libcrypto failed in a test\n");
  exit(1);
}

void oracle_expand(uint8_t *out, size_t out_len, const uint8_t secret[32], const char *label,
                   hf_bytes context) {
  struct buf info = {0};
  uint8_t head[3] = {(uint8_t)(out_len >> 8), (uint8_t)out_len, (uint8_t)(6 + strlen(label))};
  uint8_t context_len = (uint8_t)context.len;
  buf_add(&info, head, sizeof head);
  buf_add(&info, "tls13 ", 6);
  buf_add(&info, label, strlen(label));
  buf_add(&info, &context_len, 1);
  buf_add(&info, context.data, context.len);
  must(HKDF_expand(out, out_len, EVP_sha256(), secret, 32, info.data, info.len));
  buf_free(&info);
}

void oracle_derive(uint8_t out[32], const uint8_t secret[32], const char *label,
                   const struct buf *transcript) {
  uint8_t hash[32];
  SHA256(transcript->data, transcript->len, hash);
  oracle_expand(out, 32, secret, label, (hf_bytes){hash, 32});
}

void oracle_finished(uint8_t out[32], const uint8_t base_key[32], const struct buf *transcript) {
  uint8_t key[32], hash[32];
  unsigned len;
  oracle_expand(key, sizeof key, base_key, "finished", (hf_bytes){NULL, 0});
  SHA256(transcript->data, transcript->len, hash);
  must(HMAC(EVP_sha256(), key, sizeof key, hash, sizeof hash, out, &len) != NULL);
}

void oracle_restart(struct buf *transcript) {
  uint8_t message[4 + 32] = {254, 0, 0, 32};
  SHA256(transcript->data, transcript->len, message + 4);
  transcript->len = 0;
  buf_add(transcript, message, sizeof message);
}

static void keys(EVP_AEAD_CTX *ctx, uint8_t nonce[12], const uint8_t secret[32], uint64_t seq) {
  uint8_t key[16];
  oracle_expand(key, sizeof key, secret, "key", (hf_bytes){NULL, 0});
  oracle_expand(nonce, 12, secret, "iv", (hf_bytes){NULL, 0});
  for (size_t i = 0; i < 8; i++) nonce[4 + i] ^= (uint8_t)(seq >> (8 * (7 - i)));
  must(EVP_AEAD_CTX_init(ctx, EVP_aead_aes_128_gcm(), key, sizeof key, TAG, NULL));
}

void oracle_seal(struct buf *out, const uint8_t secret[32], uint64_t seq, uint8_t type,
                 hf_bytes content) {
  size_t len = content.len + 1 + TAG, made;
  uint8_t nonce[12], header[HEADER] = {23, 3, 3, (uint8_t)(len >> 8), (uint8_t)len};
  struct buf inner = {0};
  EVP_AEAD_CTX ctx;
  keys(&ctx, nonce, secret, seq);
  buf_add(&inner, content.data, content.len);
  buf_add(&inner, &type, 1);
  buf_add(out, header, HEADER);
  must(EVP_AEAD_CTX_seal(&ctx, buf_room(out, len), &made, len, nonce, sizeof nonce, inner.data,
                         inner.len, header, HEADER));
  buf_added(out, made);
  buf_free(&inner);
  EVP_AEAD_CTX_cleanup(&ctx);
}

bool oracle_open(struct buf *out, uint8_t *type, const uint8_t secret[32], uint64_t seq,
                 hf_bytes record) {
  uint8_t nonce[12];
  EVP_AEAD_CTX ctx;
  size_t made = 0;
  if (record.len < HEADER + 1 + TAG ||
      record.len - HEADER != (size_t)(record.data[3] << 8 | record.data[4])) {
    return false;
  }
  keys(&ctx, nonce, secret, seq);
  bool ok =
      EVP_AEAD_CTX_open(&ctx, buf_room(out, record.len), &made, record.len, nonce, sizeof nonce,
                        record.data + HEADER, record.len - HEADER, record.data, HEADER) &&
      made > 0;
  EVP_AEAD_CTX_cleanup(&ctx);
  if (!ok) return false;
  *type = out->data[out->len + made - 1];
  buf_added(out, made - 1);
  return true;
}
