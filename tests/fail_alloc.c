/* fail_alloc.c: see fail_alloc.h. */
#include "fail_alloc.h"

#include <stddef.h>
#include <stdlib.h>

long alloc_live, alloc_countdown = -1;
bool alloc_for_good, alloc_failed;

#pragma GCC visibility push(default) /* a shared libcrypto must see them */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *ptr);
size_t OPENSSL_memory_get_size(void *ptr);
#pragma GCC visibility pop

/* Blocks hang together, so that a leak finder leaves what is lost to the count in |alloc_live|. */
typedef union header {
  struct {
    size_t size;
    union header *next, *previous;
  };
  long double align;
} header;

static header all = {.next = &all, .previous = &all};

void *OPENSSL_memory_alloc(size_t size) {
  if (alloc_countdown == 0) {
    alloc_failed = true;
    if (!alloc_for_good) alloc_countdown = -1;
    return NULL;
  }
  if (alloc_countdown > 0) alloc_countdown--;
  header *block = malloc(sizeof(*block) + size);
  if (block == NULL) return NULL;
  block->size = size;
  block->next = all.next;
  block->previous = &all;
  all.next->previous = block;
  all.next = block;
  alloc_live++;
  return block + 1;
}

void OPENSSL_memory_free(void *ptr) {
  if (ptr == NULL) return;
  header *block = (header *)ptr - 1;
  block->next->previous = block->previous;
  block->previous->next = block->next;
  alloc_live--;
  free(block);
}

size_t OPENSSL_memory_get_size(void *ptr) { return ((header *)ptr - 1)->size; }
