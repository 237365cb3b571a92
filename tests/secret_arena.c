/* secret_arena.c: see secret_arena.h. */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "secret_arena.h"

#include <string.h>
#include <sys/mman.h>

enum { MOST = 256, EACH = 8 << 20, ALIGN = 16 };

static uint8_t *memory; /* MOST times EACH bytes; NULL: not yet */
static struct {
  size_t used, blocks; /* bytes; blocks that are not freed */
  bool taken;
} arenas[MOST];
long arena_countdown = -1;
bool arena_failed;

int arena_open(void) {
  if (memory == NULL) {
    void *got = mmap(NULL, (size_t)MOST * EACH, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return ARENA_NONE;
    memory = got;
  }
  for (int i = 0; i < MOST; i++) {
    if (arenas[i].taken) continue;
    arenas[i].taken = true;
    return i;
  }
  return ARENA_NONE;
}

static uint8_t *start(int arena) { return memory + (size_t)arena * EACH; }

void arena_close(int arena) {
  if (arena == ARENA_NONE || arenas[arena].blocks != 0) return; /* libcrypto keeps a thing */
  memset(start(arena), 0, arenas[arena].used);
  arenas[arena].used = 0;
  arenas[arena].taken = false;
}

void *arena_alloc(int arena, size_t size) {
  const size_t whole = ALIGN + (size + ALIGN - 1) / ALIGN * ALIGN;
  if (arena_countdown >= 0 && arena_countdown-- == 0) {
    arena_failed = true;
    return NULL;
  }
  if (size > EACH || whole > EACH - arenas[arena].used) return NULL;
  uint8_t *block = start(arena) + arenas[arena].used;
  memcpy(block, &size, sizeof size);
  arenas[arena].used += whole;
  arenas[arena].blocks++;
  return block + ALIGN;
}

void arena_free(void *block) { arenas[((uint8_t *)block - memory) / EACH].blocks--; }

size_t arena_size(const void *block) {
  size_t size;
  memcpy(&size, (const uint8_t *)block - ALIGN, sizeof size);
  return size;
}

bool arena_owns(const void *block) {
  return memory != NULL && (const uint8_t *)block >= memory &&
         (const uint8_t *)block < memory + (size_t)MOST * EACH;
}

const uint8_t *arena_all(int arena, size_t *len) {
  *len = arenas[arena].used;
  return start(arena);
}
