/* entropy.c: the random bytes that ssl/ asks libcrypto for, always the same: the linker puts this
 * in RAND_bytes' place (--wrap) in what is linked into a fuzz target. */
#include "entropy.h"

static uint64_t state;

void fuzz_entropy_reset(void) { state = 0; }

/* The linker demands the name. */
int __wrap_RAND_bytes(uint8_t *out, size_t len);

int __wrap_RAND_bytes(uint8_t *out, size_t len) {
  /* splitmix64 */
  for (size_t i = 0; i < len; i++) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    out[i] = (uint8_t)(z >> 56);
  }
  return 1;
}
