// ring.c: the ring of ring.h.
//
// Positions are taken modulo cap without a division: start + len < 2 * cap <= 2 * LONG_MAX fits a
// size_t.
#include "bio_pair/ring.h"

#include <string.h>

#include <openssl/mem.h>

static size_t min(size_t a, size_t b) { return a < b ? a : b; }

enum { SMALLEST = 1000 };  // a flight with a short chain is in one block

// in_first is how many of the bytes lie in the first block.
static size_t in_first(const hf_ring *ring) { return ring->len - ring->second_len; }

// past_end is where the byte after the last one lies in the first block.
static size_t past_end(const hf_ring *ring) {
  size_t at = ring->start + in_first(ring);
  return at < ring->cap ? at : at - ring->cap;
}

static void drop_first(hf_ring *ring) {
  if (ring->data == ring->nest) {
    OPENSSL_cleanse(ring->nest, sizeof(ring->nest));
  } else {
    OPENSSL_free(ring->data);
  }
  ring->data = NULL;
  ring->start = ring->cap = 0;
  ring->shown = false;
}

static void drop_second(hf_ring *ring) {
  OPENSSL_free(ring->second);
  ring->second = NULL;
  ring->second_len = 0;
}

static void release(hf_ring *ring) {
  drop_first(ring);
  if (ring->second != NULL) drop_second(ring);
}

// settle makes the second block the first when that has been read.
static void settle(hf_ring *ring) {
  if (ring->second == NULL || in_first(ring) > 0) return;
  drop_first(ring);
  ring->data = ring->second;
  ring->cap = ring->size;
  ring->second_len = 0;
  ring->second = NULL;
}

// block_for is the size of a first block for |want| bytes, or with 0 for all.
static size_t block_for(const hf_ring *ring, size_t want) {
  size_t cap = want <= HF_RING_NEST ? HF_RING_NEST : want < SMALLEST ? SMALLEST : want;
  // What is more than half would soon need a second block.
  return want == 0 || cap > ring->size / 2 ? ring->size : cap;
}

// ensure gives the ring memory if it has none: for |want| bytes, or with 0 for all.  An empty ring
// that nobody points into starts at its beginning, so that as much as can be lies without a gap.
static bool ensure(hf_ring *ring, size_t want) {
  if (ring->len == 0 && ring->lent == 0) {
    ring->start = 0;
    ring->shown = false;
  }
  if (ring->data != NULL) return true;
  const size_t cap = block_for(ring, want);
  ring->data = cap <= HF_RING_NEST ? ring->nest : OPENSSL_malloc(cap);
  ring->cap = ring->data != NULL ? cap : 0;
  return ring->data != NULL;
}

// leave_nest makes room for |want| bytes more, or with 0 for all, by moving what is in the nest and
// no reader points at.  False: there is no memory.
static bool leave_nest(hf_ring *ring, size_t want) {
  const size_t room = ring->cap - ring->start - ring->len;  // if it is not gone round
  if (ring->data != ring->nest || ring->cap == ring->size || ring->second != NULL || ring->shown ||
      (want > 0 && want <= room))
    return true;
  const size_t cap = block_for(ring, want == 0 ? 0 : HF_RING_NEST + want);
  uint8_t *data = OPENSSL_malloc(cap);
  if (data == NULL) return false;
  memcpy(data, ring->nest + ring->start, ring->len);
  drop_first(ring);
  ring->data = data;
  ring->cap = cap;
  return true;
}

// open_space points |*data| at free space without a gap: of the first block, or, if that is small
// and has too little, of the second, which is made.
static bool open_space(hf_ring *ring, size_t want, uint8_t **data, size_t *len) {
  size_t at = past_end(ring);
  size_t there = min(ring->cap - in_first(ring), ring->cap - at);
  size_t room = hf_ring_room(ring);
  // A small block is not gone round: what can be read lies in two pieces at most.
  bool ahead = ring->len == 0 || at > ring->start;
  if (ring->second == NULL && (ring->cap == ring->size || (ahead && want > 0 && want <= there))) {
    *data = ring->data + at;
    *len = min(room, there);
    return true;
  }
  if (ring->second == NULL) ring->second = OPENSSL_malloc(ring->size);
  if (ring->second == NULL) return false;
  *data = ring->second + ring->second_len;
  *len = room;
  return true;
}

static void advance(hf_ring *ring, size_t len) {
  ring->start += len;
  if (ring->start >= ring->cap) ring->start -= ring->cap;
  ring->len -= len;
  if (len > 0) ring->request = 0;
}

void hf_ring_init(hf_ring *ring, size_t size) {
  memset(ring, 0, sizeof(*ring));
  ring->size = size;
}

void hf_ring_reset(hf_ring *ring) {
  if (ring->len > 0) ring->request = 0;  // it was for what follows bytes that are gone
  ring->len = 0;
  ring->lent = 0;
  release(ring);
}

void hf_ring_shut(hf_ring *ring) {
  ring->shut = true;
  ring->request = 0;
  hf_ring_produce(ring, 0);
}

bool hf_ring_ended(const hf_ring *ring) { return ring->shut && ring->len == 0; }

bool hf_ring_space(hf_ring *ring, size_t want, uint8_t **data, size_t *len) {
  *data = NULL;
  *len = 0;
  settle(ring);
  if (hf_ring_room(ring) == 0) return true;
  if (!ensure(ring, want) || !leave_nest(ring, want) || !open_space(ring, want, data, len))
    return false;
  ring->lent = *len;
  return true;
}

size_t hf_ring_produce(hf_ring *ring, size_t len) {
  len = min(len, ring->lent);
  ring->len += len;
  if (ring->second != NULL) ring->second_len += len;
  ring->lent = 0;
  if (len > 0) ring->request = 0;
  if (ring->second != NULL && ring->second_len == 0) drop_second(ring);
  if (ring->len == 0) release(ring);
  return len;
}

bool hf_ring_write(hf_ring *ring, size_t *written, const uint8_t *in, size_t len) {
  *written = 0;
  // A few times at most: to a block's end, and from its beginning.
  while (*written < len) {
    uint8_t *to;
    size_t n;
    if (!hf_ring_space(ring, min(len - *written, hf_ring_room(ring)), &to, &n)) {
      return *written > 0;
    }
    n = min(n, len - *written);
    if (n == 0) break;
    memcpy(to, in + *written, n);
    *written += hf_ring_produce(ring, n);
  }
  return true;
}

size_t hf_ring_look(hf_ring *ring, uint8_t **data) {
  settle(ring);
  *data = NULL;
  if (ring->len == 0) return 0;
  *data = ring->data + ring->start;
  return min(in_first(ring), ring->cap - ring->start);
}

size_t hf_ring_peek(hf_ring *ring, uint8_t **data) {
  size_t len = hf_ring_look(ring, data);
  ring->shown = len > 0;
  return len;
}

void hf_ring_consume(hf_ring *ring, size_t len) {
  len = min(len, ring->len);
  while (len > 0) {
    settle(ring);
    const size_t part = min(len, in_first(ring));
    advance(ring, part);
    len -= part;
  }
  settle(ring);
  if (ring->len == 0 && ring->lent == 0) release(ring);
}

size_t hf_ring_take(hf_ring *ring, uint8_t **data, size_t max) {
  size_t len = min(hf_ring_peek(ring, data), max);
  advance(ring, len);
  return len;
}

size_t hf_ring_read(hf_ring *ring, uint8_t *out, size_t max) {
  size_t done = 0;
  // A few times at most: to a block's end, and from its beginning.
  while (done < max) {
    uint8_t *from;
    size_t n = min(hf_ring_look(ring, &from), max - done);
    if (n == 0) break;
    memcpy(out + done, from, n);
    hf_ring_consume(ring, n);
    done += n;
  }
  return done;
}

void hf_ring_request(hf_ring *ring, size_t need) {
  if (ring->len == 0 && ring->lent == 0) release(ring);
  ring->request = min(need, hf_ring_room(ring));
}
