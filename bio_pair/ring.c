// ring.c: the ring of ring.h.
//
// Positions are taken modulo size without a division: start + len < 2 * size <= 2 * LONG_MAX fits a
// size_t.
#include "bio_pair/ring.h"

#include <string.h>

#include <openssl/mem.h>

static size_t min(size_t a, size_t b) { return a < b ? a : b; }

// past_end is where the byte after the last one lies.
static size_t past_end(const hf_ring *ring) {
  size_t at = ring->start + ring->len;
  return at < ring->size ? at : at - ring->size;
}

static void release(hf_ring *ring) {
  OPENSSL_free(ring->data);
  ring->data = NULL;
  ring->start = 0;
}

// ensure gives the ring memory if it has none.  An empty ring that nobody points into starts at its
// beginning, so that as much as can be lies without a gap.
static bool ensure(hf_ring *ring) {
  if (ring->len == 0 && ring->lent == 0) ring->start = 0;
  if (ring->data == NULL) ring->data = OPENSSL_malloc(ring->size);
  return ring->data != NULL;
}

static void advance(hf_ring *ring, size_t len) {
  ring->start += len;
  if (ring->start >= ring->size) ring->start -= ring->size;
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

size_t hf_ring_room(const hf_ring *ring) { return ring->shut ? 0 : ring->size - ring->len; }

bool hf_ring_space(hf_ring *ring, uint8_t **data, size_t *len) {
  *data = NULL;
  *len = 0;
  if (hf_ring_room(ring) == 0) return true;
  if (!ensure(ring)) return false;
  size_t at = past_end(ring);
  ring->lent = min(hf_ring_room(ring), ring->size - at);
  *data = ring->data + at;
  *len = ring->lent;
  return true;
}

size_t hf_ring_produce(hf_ring *ring, size_t len) {
  len = min(len, ring->lent);
  ring->len += len;
  ring->lent = 0;
  if (len > 0) ring->request = 0;
  if (ring->len == 0) release(ring);
  return len;
}

bool hf_ring_write(hf_ring *ring, size_t *written, const uint8_t *in, size_t len) {
  *written = 0;
  // Twice at most: to the ring's end, and from its beginning.
  while (*written < len) {
    uint8_t *to;
    size_t n;
    if (!hf_ring_space(ring, &to, &n)) return false;
    n = min(n, len - *written);
    if (n == 0) break;
    memcpy(to, in + *written, n);
    *written += hf_ring_produce(ring, n);
  }
  return true;
}

size_t hf_ring_peek(const hf_ring *ring, uint8_t **data) {
  *data = ring->len > 0 ? ring->data + ring->start : NULL;
  return min(ring->len, ring->size - ring->start);
}

void hf_ring_consume(hf_ring *ring, size_t len) {
  advance(ring, min(len, ring->len));
  if (ring->len == 0 && ring->lent == 0) release(ring);
}

size_t hf_ring_take(hf_ring *ring, uint8_t **data, size_t max) {
  size_t len = min(hf_ring_peek(ring, data), max);
  advance(ring, len);
  return len;
}

size_t hf_ring_read(hf_ring *ring, uint8_t *out, size_t max) {
  size_t done = 0;
  // Twice at most: to the ring's end, and from its beginning.
  while (done < max) {
    uint8_t *from;
    size_t n = min(hf_ring_peek(ring, &from), max - done);
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
