/* input.h: what all fuzz targets share: the bytes of an input, taken one after the other, and
 * CHECK, by which a target says that a promise was broken.  An input that has ended goes on with
 * zeros. */
#ifndef HANDFAST_FUZZ_INPUT_H
#define HANDFAST_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      fprintf(stderr, "%s:%d: it is not so: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                      \
    }                                                                               \
  } while (0)

struct fuzz_bytes {
  const uint8_t *data;
  size_t len;
};

static inline uint8_t take(struct fuzz_bytes *in) {
  if (in->len == 0) return 0;
  in->len--;
  return *in->data++;
}

static inline size_t take_two(struct fuzz_bytes *in) {
  const size_t high = take(in);
  return high << 8 | take(in);
}

/* take_some is a piece of |len| bytes, or what there is. */
static inline struct fuzz_bytes take_some(struct fuzz_bytes *in, size_t len) {
  struct fuzz_bytes piece = {in->data, len < in->len ? len : in->len};
  if (piece.len == 0) return piece;
  in->data += piece.len;
  in->len -= piece.len;
  return piece;
}

#endif
