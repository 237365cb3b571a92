// ring.h: a bounded ring of bytes of any size from 1 up: one side writes, the other reads.
//
// Invariants: start < cap <= size, len <= size; no memory (data NULL) implies len == 0; request <=
// room, and request == 0 once shut.  A short message lies in the ring itself (|nest|).  Memory is
// taken by the first longer write, for what it has, a kilobyte at least, or if that is more than
// half of it for |size| bytes.  What finds no room there before that is read lies in a second
// block, of |size| bytes, for what a reader was shown does not move; out of the nest it moves if
// nobody was shown it.  Both together are at most 1.5 |size|.  Memory is given back when the last
// byte is consumed, unless it is lent: to the writer (hf_ring_space), whose pointer then stays true
// until it produces, or to the reader (hf_ring_take), until it comes back and finds nothing.  It is
// wiped when it goes, the nest too.  The ring knows neither BIOs nor peers: that is bio_pair.c.
#ifndef HANDFAST_BIO_PAIR_RING_H
#define HANDFAST_BIO_PAIR_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HF_RING_NEST = 128 };  // a record with 100 bytes of data

typedef struct hf_ring {
  uint8_t *data;  // |cap| bytes, or NULL
  size_t cap;
  uint8_t *second;    // NULL: all is in |data|
  size_t second_len;  // bytes to read that lie there, from its beginning
  size_t size;        // 1 to LONG_MAX
  size_t start;       // where the first byte to read lies
  size_t len;         // bytes to read
  size_t request;     // what the reader asked for in vain
  bool shut;          // nothing more will be written
  bool shown;         // a reader may hold a pointer to |data|
  size_t lent;        // bytes of space that the writer holds a pointer to
  uint8_t nest[HF_RING_NEST];
} hf_ring;

// hf_ring_init makes an empty, open ring of |size| bytes.
void hf_ring_init(hf_ring *ring, size_t size);

// hf_ring_reset drops what is in the ring, and its memory.  A request stands if nothing was
// dropped.
void hf_ring_reset(hf_ring *ring);

// hf_ring_shut ends the writing half, and a loan to it.
void hf_ring_shut(hf_ring *ring);

// hf_ring_ended says that nothing is left to read and nothing can come.
bool hf_ring_ended(const hf_ring *ring);

// hf_ring_room is the write guarantee: how many bytes a write would take.
static inline size_t hf_ring_room(const hf_ring *ring) {
  return ring->shut ? 0 : ring->size - ring->len;
}

// hf_ring_write copies as many of |len| bytes as there is room for and says how many in |*written|.
// False if there is no memory; then nothing was written.
bool hf_ring_write(hf_ring *ring, size_t *written, const uint8_t *in, size_t len);

// hf_ring_space lends free bytes without a gap, which follow those written, and says how many in
// |*len|: 0 if the ring is full or shut.  |want|: so many will do; 0: as many as can be.  False if
// there is no memory.
bool hf_ring_space(hf_ring *ring, size_t want, uint8_t **data, size_t *len);

// hf_ring_produce counts up to |len| bytes of what hf_ring_space lent as written, ends the loan and
// returns how many.
size_t hf_ring_produce(hf_ring *ring, size_t len);

// hf_ring_read copies up to |max| bytes out, consumes them and returns how many.
size_t hf_ring_read(hf_ring *ring, uint8_t *out, size_t max);

// hf_ring_peek points |*data| at the bytes to read, up to a block's end, and returns how many.
size_t hf_ring_peek(hf_ring *ring, uint8_t **data);

// hf_ring_look is hf_ring_peek for who is done with |*data| before anything is written: that may
// move it.
size_t hf_ring_look(hf_ring *ring, uint8_t **data);

// hf_ring_consume drops the first |len| bytes, or all if there are fewer.
void hf_ring_consume(hf_ring *ring, size_t len);

// hf_ring_take is hf_ring_peek and then hf_ring_consume of up to |max| of what it gave, but keeps
// them readable: the memory goes with the next hf_ring_request or hf_ring_reset.
size_t hf_ring_take(hf_ring *ring, uint8_t **data, size_t max);

// hf_ring_request notes that the reader needs |need| bytes beyond those there are.
void hf_ring_request(hf_ring *ring, size_t need);

#endif
