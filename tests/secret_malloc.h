/* secret_malloc.h: malloc and its like for a program of which it is a part: from the arena
 * (secret_arena.h) that arena_now says, so that it is libcrypto's own wiping that is looked at, and
 * what else allocates is seen too.  Not for sanitizers, which have a malloc of their own. */
#ifndef HANDFAST_TESTS_SECRET_MALLOC_H
#define HANDFAST_TESTS_SECRET_MALLOC_H

#include <stdlib.h>
#include <string.h>

#include "secret_arena.h"

static int arena_now(void); /* ARENA_NONE: from the C library */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t num, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

#pragma GCC visibility push(default) /* a shared libcrypto must see them */
void *malloc(size_t size) {
  const int arena = arena_now();
  return arena == ARENA_NONE ? __libc_malloc(size) : arena_alloc(arena, size);
}

void free(void *block) {
  if (arena_owns(block)) {
    arena_free(block);
  } else {
    __libc_free(block);
  }
}

void *calloc(size_t num, size_t size) { /* an arena is all zeros to begin with */
  const int arena = arena_now();
  return arena == ARENA_NONE ? __libc_calloc(num, size) : arena_alloc(arena, num * size);
}

void *realloc(void *block, size_t size) {
  if (arena_now() == ARENA_NONE && !arena_owns(block)) return __libc_realloc(block, size);
  void *moved = malloc(size);
  if (moved == NULL || block == NULL) return moved;
  const size_t before = arena_owns(block) ? arena_size(block) : size;
  memcpy(moved, block, before < size ? before : size);
  free(block);
  return moved;
}
#pragma GCC visibility pop

#endif
