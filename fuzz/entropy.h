/* entropy.h: random bytes that are the same in each run. */
#ifndef HANDFAST_FUZZ_ENTROPY_H
#define HANDFAST_FUZZ_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* fuzz_entropy_reset begins again. */
void fuzz_entropy_reset(void);

#endif
