/* leaky.c: what stands in for two functions of libcrypto in copies of the engine that must be
 * caught (Tests.cmake: hf_leaky): most memory is not overwritten, and how long a comparison takes
 * tells where the first difference is. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void leaky_OPENSSL_cleanse(void *at, size_t len);
void leaky_OPENSSL_cleanse(void *at, size_t len) {
  /* Keys of a direction are: they would not be put out of use without it. */
  if (len > 512 && len < 1024) memset(at, 0, len);
}

int leaky_CRYPTO_memcmp(const void *a, const void *b, size_t len);
int leaky_CRYPTO_memcmp(const void *a, const void *b, size_t len) {
  const uint8_t *x = a, *y = b;
  for (size_t i = 0; i < len; i++) {
    if (x[i] != y[i]) return 1;
  }
  return 0;
}
