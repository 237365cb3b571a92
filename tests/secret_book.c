/* secret_book.c: see secret_book.h.
 *
 * Any 16 bytes in a row hold 8 that begin at a multiple of 8.  So each 8 bytes in a row of each
 * secret stand in a table, and only the aligned words of memory are looked up in it.  All is in
 * static memory, where nobody searches. */
#include "secret_book.h"

#include <string.h>

enum { MOST = 1024, SLOTS = 1 << 16, FILTER = 1 << 17 };

static struct secret secrets[MOST];
static size_t num_secrets;
static struct {
  uint64_t word;
  int16_t secret, at; /* |secret| counts from 1; 0: the slot is empty */
} slots[SLOTS];
static size_t num_words;
static uint8_t filter[FILTER / 8];

static uint64_t hash(uint64_t word) { return word * 0x9e3779b97f4a7c15u; }

static uint64_t word_at(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* All bytes the same: such words are everywhere. */
static bool dull(uint64_t word) { return word == (word & 0xff) * 0x0101010101010101u; }

void book_clear(void) {
  memset(secrets, 0, num_secrets * sizeof secrets[0]);
  memset(slots, 0, sizeof slots);
  memset(filter, 0, sizeof filter);
  num_secrets = num_words = 0;
}

static void add_word(uint64_t word, int secret, size_t at) {
  const uint64_t key = hash(word);
  size_t slot = (size_t)(key >> 48);
  if (dull(word) || num_words == SLOTS / 2) return;
  while (slots[slot].secret != 0) slot = (slot + 1) % SLOTS;
  slots[slot].word = word;
  slots[slot].secret = (int16_t)(secret + 1);
  slots[slot].at = (int16_t)at;
  filter[(key >> 40) % FILTER / 8] |= (uint8_t)(1 << (key >> 40) % 8);
  num_words++;
}

int book_find(int owner, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < num_secrets; i++) {
    if (secrets[i].owner == owner && secrets[i].len == len &&
        memcmp(secrets[i].bytes, bytes, len) == 0) {
      return (int)i;
    }
  }
  return SECRET_NONE;
}

int book_add(int owner, enum secret_life life, const char *name, const uint8_t *bytes, size_t len,
             int parent) {
  if (len < SECRET_WINDOW) return SECRET_NONE;
  if (len > SECRET_MAX) len = SECRET_MAX;
  const int known = book_find(owner, bytes, len);
  if (known != SECRET_NONE || num_secrets == MOST) return known;
  struct secret *secret = &secrets[num_secrets];
  memcpy(secret->bytes, bytes, len);
  secret->len = len;
  secret->owner = owner;
  secret->parent = parent;
  secret->life = life;
  for (size_t i = 0; i + 1 < sizeof secret->name && name[i] != '\0'; i++) secret->name[i] = name[i];
  for (size_t i = 0; i + 8 <= len; i++) add_word(word_at(bytes + i), (int)num_secrets, i);
  return (int)num_secrets++;
}

void book_next(int index) {
  if (index != SECRET_NONE) secrets[index].has_next = true;
}

void book_keep(int index) { secrets[index].life = LIVES_ON; }

const struct secret *book_secret(int index) {
  return index == SECRET_NONE ? NULL : &secrets[index];
}

size_t book_size(void) { return num_secrets; }

/* Do 16 bytes of it lie around |at|, where |offset| of it lies? */
static bool is_window(const struct secret *secret, size_t offset, const uint8_t *from, size_t len,
                      size_t at) {
  size_t first = 0, last = 8;
  while (first < offset && first < at &&
         from[at - first - 1] == secret->bytes[offset - first - 1]) {
    first++;
  }
  while (offset + last < secret->len && at + last < len &&
         from[at + last] == secret->bytes[offset + last]) {
    last++;
  }
  return first + last >= SECRET_WINDOW;
}

static const struct secret *look_up(uint64_t key, const uint8_t *from, size_t len, size_t at,
                                    int owner, bool (*wrong)(const struct secret *secret)) {
  const uint64_t word = word_at(from + at);
  for (size_t slot = (size_t)(key >> 48); slots[slot].secret != 0; slot = (slot + 1) % SLOTS) {
    if (slots[slot].word != word) continue;
    const struct secret *secret = &secrets[slots[slot].secret - 1];
    if (secret->owner == owner && is_window(secret, (size_t)slots[slot].at, from, len, at) &&
        wrong(secret)) {
      return secret;
    }
  }
  return NULL;
}

const struct secret *book_search(const uint8_t *from, size_t len, int owner,
                                 bool (*wrong)(const struct secret *secret)) {
  for (size_t at = 0; at + 8 <= len; at += 8) {
    const uint64_t key = hash(word_at(from + at));
    if ((filter[(key >> 40) % FILTER / 8] >> (key >> 40) % 8 & 1) == 0) continue;
    const struct secret *secret = look_up(key, from, len, at, owner, wrong);
    if (secret != NULL) return secret;
  }
  return NULL;
}
