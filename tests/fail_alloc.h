/* fail_alloc.h: an allocator for libcrypto's OPENSSL_malloc, in which an allocation can be made to
 * fail.  A program that uses these variables has it, and no other does. */
#ifndef HANDFAST_TESTS_FAIL_ALLOC_H
#define HANDFAST_TESTS_FAIL_ALLOC_H

#include <stdbool.h>

extern long alloc_live;      /* blocks that are not freed */
extern long alloc_countdown; /* allocations until one fails, once; below 0: none does */
extern bool alloc_for_good;  /* and all that come after it, until alloc_countdown is set */
extern bool alloc_failed;    /* one did */

#endif
