/* test_hmac.c - the engine's HMAC (RFC 2104) and HKDF-Expand (RFC 5869) against libcrypto's, at
 * every length of key, data and output that makes a difference, and against what was published. */
#include <criterion/criterion.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <string.h>

#include "engine/engine.h"

static uint8_t bytes[512];

static void fill(void) {
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 256);
}

static const hf_suite *suite_of(int which) { return hf_suite_find(which == 0 ? 0x1301 : 0x1302); }

/* RFC 4231 section 4.3. */
Test(hmac, published) {
  static const uint8_t want[2][48] = {
      {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
       0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
       0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43},
      {0xaf, 0x45, 0xd2, 0xe3, 0x76, 0x48, 0x40, 0x31, 0x61, 0x7f, 0x78, 0xd2,
       0xb5, 0x8a, 0x6b, 0x1b, 0x9c, 0x7e, 0xf4, 0x64, 0xf5, 0xa0, 0x1b, 0x47,
       0xe4, 0x2e, 0xc3, 0x73, 0x63, 0x22, 0x44, 0x5e, 0x8e, 0x22, 0x40, 0xca,
       0x5e, 0x69, 0xe2, 0xc7, 0x8b, 0x32, 0x39, 0xec, 0xfa, 0xb2, 0x16, 0x49}};
  const hf_bytes key = {(const uint8_t *)"Jefe", 4};
  const hf_bytes data = {(const uint8_t *)"what do ya want for nothing?", 28};
  for (int i = 0; i < 2; i++) {
    uint8_t got[HF_MAX_HASH];
    hf_hmac_once(got, suite_of(i), key, data);
    cr_expect_eq(memcmp(got, want[i], suite_of(i)->hash_len), 0);
  }
}

/* A key longer than a block is hashed first; data is what its parts are together. */
Test(hmac, every_length) {
  fill();
  for (int i = 0; i < 2; i++) {
    const hf_suite *suite = suite_of(i);
    for (size_t key_len = 0; key_len <= 300; key_len++) {
      const size_t data_len = key_len * 11 % 257;
      const size_t split = key_len % (data_len + 1);
      const hf_bytes parts[] = {{bytes + 3, split}, {bytes + 3 + split, data_len - split}};
      uint8_t want[EVP_MAX_MD_SIZE], got[HF_MAX_HASH];
      unsigned len;
      hf_hmac key;
      cr_assert(HMAC(suite->md(), bytes, key_len, bytes + 3, data_len, want, &len));
      hf_hmac_key(&key, suite, bytes, key_len);
      for (int again = 0; again < 2; again++) { /* a key does not wear out */
        hf_hmac_sum(got, &key, suite, parts, 2);
        cr_assert_eq(memcmp(got, want, len), 0, "a key of %zu bytes", key_len);
      }
    }
  }
}

Test(hmac, expands_to_every_length) {
  fill();
  for (int i = 0; i < 2; i++) {
    const hf_suite *suite = suite_of(i);
    hf_hmac key;
    hf_hmac_key(&key, suite, bytes, suite->hash_len);
    for (size_t len = 1; len <= 200; len++) {
      uint8_t want[200], got[200];
      const hf_bytes info = {bytes + 5, len % 90};
      cr_assert(HKDF_expand(want, len, suite->md(), bytes, suite->hash_len, info.data, info.len));
      hf_expand(got, len, &key, suite, info);
      cr_assert_eq(memcmp(got, want, len), 0, "%zu bytes", len);
    }
  }
}
