/* hmac.c: hashes of a suite, HMAC (RFC 2104) and HKDF-Expand (RFC 5869 2.3) over them.
 *
 * The contexts are plain structs.  A key is read once, into the states that both hashes have behind
 * it: what is derived from one secret takes half as much hashing so, and no memory.  libcrypto's
 * HMAC and HKDF take both anew for each output. */
#include "engine.h"

#include <string.h>

static bool is_sha256(size_t hash_len) { return hash_len == SHA256_DIGEST_LENGTH; }

void hf_hash_begin(hf_hash *hash, size_t hash_len) {
  if (is_sha256(hash_len)) {
    SHA256_Init(&hash->sha256);
  } else {
    SHA384_Init(&hash->sha384);
  }
}

void hf_hash_add(hf_hash *hash, size_t hash_len, const uint8_t *data, size_t len) {
  if (len == 0) {
    return;
  }
  if (is_sha256(hash_len)) {
    SHA256_Update(&hash->sha256, data, len);
  } else {
    SHA384_Update(&hash->sha384, data, len);
  }
}

void hf_hash_end(uint8_t out[HF_MAX_HASH], hf_hash *hash, size_t hash_len) {
  if (is_sha256(hash_len)) {
    SHA256_Final(out, &hash->sha256);
  } else {
    SHA384_Final(out, &hash->sha384);
  }
}

void hf_hmac_key(hf_hmac *hmac, const hf_suite *suite, const uint8_t *key, size_t key_len) {
  const size_t block_len = is_sha256(suite->hash_len) ? SHA256_CBLOCK : SHA512_CBLOCK;
  uint8_t block[SHA512_CBLOCK];
  memset(block, 0, sizeof(block));
  if (key_len > block_len) {
    hf_hash_begin(&hmac->inner, suite->hash_len);
    hf_hash_add(&hmac->inner, suite->hash_len, key, key_len);
    hf_hash_end(block, &hmac->inner, suite->hash_len);
  } else if (key_len > 0) {
    memcpy(block, key, key_len);
  }
  for (size_t i = 0; i < block_len; i++) {
    block[i] ^= 0x36;
  }
  hf_hash_begin(&hmac->inner, suite->hash_len);
  hf_hash_add(&hmac->inner, suite->hash_len, block, block_len);
  for (size_t i = 0; i < block_len; i++) {
    block[i] ^= 0x36 ^ 0x5c;
  }
  hf_hash_begin(&hmac->outer, suite->hash_len);
  hf_hash_add(&hmac->outer, suite->hash_len, block, block_len);
  OPENSSL_cleanse(block, sizeof(block));
}

void hf_hmac_sum(uint8_t out[HF_MAX_HASH], const hf_hmac *hmac, const hf_suite *suite,
                 const hf_bytes *parts, size_t num) {
  hf_hash hash = hmac->inner;
  for (size_t i = 0; i < num; i++) {
    hf_hash_add(&hash, suite->hash_len, parts[i].data, parts[i].len);
  }
  hf_hash_end(out, &hash, suite->hash_len);
  hash = hmac->outer;
  hf_hash_add(&hash, suite->hash_len, out, suite->hash_len);
  hf_hash_end(out, &hash, suite->hash_len);
  OPENSSL_cleanse(&hash, sizeof(hash));
}

void hf_hmac_once(uint8_t out[HF_MAX_HASH], const hf_suite *suite, hf_bytes key, hf_bytes data) {
  hf_hmac hmac;
  hf_hmac_key(&hmac, suite, key.data, key.len);
  hf_hmac_sum(out, &hmac, suite, &data, 1);
  OPENSSL_cleanse(&hmac, sizeof(hmac));
}

void hf_expand(uint8_t *out, size_t out_len, const hf_hmac *hmac, const hf_suite *suite,
               hf_bytes info) {
  uint8_t block[HF_MAX_HASH], counter = 0;
  for (size_t done = 0; done < out_len; done += suite->hash_len) {
    const hf_bytes parts[] = {hf_range(block, counter > 0 ? suite->hash_len : 0), info,
                              hf_range(&counter, 1)};
    const size_t part = out_len - done < suite->hash_len ? out_len - done : suite->hash_len;
    counter++;
    hf_hmac_sum(block, hmac, suite, parts, 3);
    memcpy(out + done, block, part);
  }
  OPENSSL_cleanse(block, sizeof(block));
}
