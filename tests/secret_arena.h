/* secret_arena.h: memory for what one connection allocates, of which nothing is given out twice: a
 * block that is freed keeps what whoever freed it left there. */
#ifndef HANDFAST_TESTS_SECRET_ARENA_H
#define HANDFAST_TESTS_SECRET_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARENA_NONE = -1 };

/* The allocation that is to fail: 0 the next; below 0: none.  arena_failed: it has. */
extern long arena_countdown;
extern bool arena_failed;

int arena_open(void);        /* ARENA_NONE: there is no memory */
void arena_close(int arena); /* wiped and used again, unless a block of it is still in use */
void *arena_alloc(int arena, size_t size);
void arena_free(void *block);
size_t arena_size(const void *block);
bool arena_owns(const void *block);
const uint8_t *arena_all(int arena, size_t *len); /* all that was ever given out */

#endif
