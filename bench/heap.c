/* heap.c: malloc and its like, in front of the C library's (LD_PRELOAD), for programs of one
 * thread.  Each block has in front of it its length and whose it is: what one side took counts as
 * its own until it is freed, whoever frees it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bench/heap.h"

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void __libc_free(void *block);
void *__libc_memalign(size_t alignment, size_t size);

static heap_tally tallies[2];
static int now = -1;
static size_t not_counted;

typedef struct head {
  void *start; /* of the C library's block */
  size_t size;
  int side;
} head;
enum { ROOM = 32 };
_Static_assert(sizeof(head) <= ROOM, "the room in front of a block");

EXPORT heap_tally *heap_count(int side, size_t ignored);
heap_tally *heap_count(int side, size_t ignored) {
  now = side;
  not_counted = ignored;
  return tallies;
}

static head *head_of(void *block) { return (head *)((uint8_t *)block - ROOM); }

static void take(head *front, size_t size) {
  front->size = size;
  front->side = size == not_counted ? -1 : now;
  if (front->side != 0 && front->side != 1) return;
  heap_tally *tally = &tallies[front->side];
  tally->num++;
  tally->held += size;
  if (tally->held > tally->peak) tally->peak = tally->held;
}

static void *allocate(size_t alignment, size_t size) {
  size_t room = alignment > ROOM ? alignment : ROOM;
  if (size > SIZE_MAX - room) return NULL;
  uint8_t *start =
      alignment > 16 ? __libc_memalign(alignment, room + size) : __libc_malloc(room + size);
  if (start == NULL) return NULL;
  head_of(start + room)->start = start;
  take(head_of(start + room), size);
  return start + room;
}

EXPORT void *malloc(size_t size) { return allocate(0, size); }

EXPORT void free(void *block) {
  if (block == NULL) return;
  head *front = head_of(block);
  if (front->side == 0 || front->side == 1) tallies[front->side].held -= front->size;
  __libc_free(front->start);
}

EXPORT void *calloc(size_t num, size_t size) {
  if (size > 0 && num > SIZE_MAX / size) return NULL;
  void *block = allocate(0, num * size);
  if (block != NULL) memset(block, 0, num * size);
  return block;
}

EXPORT void *realloc(void *block, size_t size) {
  void *moved = allocate(0, size);
  if (moved == NULL || block == NULL) return moved;
  size_t old = head_of(block)->size;
  memcpy(moved, block, old < size ? old : size);
  free(block);
  return moved;
}

EXPORT void *memalign(size_t alignment, size_t size) { return allocate(alignment, size); }

EXPORT void *aligned_alloc(size_t alignment, size_t size) { return allocate(alignment, size); }

EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
  *out = allocate(alignment, size);
  return *out != NULL ? 0 : ENOMEM;
}

EXPORT size_t malloc_usable_size(void *block) { return block == NULL ? 0 : head_of(block)->size; }
