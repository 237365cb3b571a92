/* heap.h: heap.c counts what a program takes from malloc, if it is preloaded. */
#ifndef HANDFAST_BENCH_HEAP_H
#define HANDFAST_BENCH_HEAP_H

#include <stddef.h>

/* heap_tally is what one side holds, and did. */
typedef struct heap_tally {
  size_t held, peak; /* bytes that were asked for */
  size_t num;        /* allocations, the resizing of one included */
} heap_tally;

/* heap_counter is what heap.c offers by its name "heap_count": it makes |side| the one to whom
 * allocations are counted (0 and 1; anything else: nobody), and returns the tallies of the two.
 * Blocks of |not_counted| bytes are nobody's. */
typedef heap_tally *heap_counter(int side, size_t not_counted);

#endif
