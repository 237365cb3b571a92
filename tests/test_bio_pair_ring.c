// The ring by itself: each line of ring.h, and its memory.
#include <criterion/criterion.h>

#include <string.h>

#include "bio_pair/ring.h"

static void put(hf_ring *ring, const char *text) {
  size_t n;
  cr_assert(hf_ring_write(ring, &n, (const uint8_t *)text, strlen(text)));
  cr_assert_eq(n, strlen(text));
}

static void get(hf_ring *ring, const char *text) {
  uint8_t out[64];
  cr_assert_eq(hf_ring_read(ring, out, strlen(text)), strlen(text));
  cr_assert_arr_eq(out, text, strlen(text));
}

Test(bio_pair_ring, a_new_ring_holds_no_memory) {
  hf_ring ring;
  hf_ring_init(&ring, 17408);
  cr_assert_null(ring.data);
  cr_assert_eq(hf_ring_room(&ring), 17408);
  cr_assert_not(hf_ring_ended(&ring));
}

Test(bio_pair_ring, memory_comes_with_the_first_byte_and_goes_with_the_last) {
  hf_ring ring;
  hf_ring_init(&ring, 8);
  put(&ring, "abc");
  cr_assert_not_null(ring.data);
  get(&ring, "ab");
  cr_assert_not_null(ring.data);
  get(&ring, "c");
  cr_assert_null(ring.data);
  put(&ring, "d");
  hf_ring_reset(&ring);
  cr_assert_null(ring.data);
  cr_assert_eq(ring.len, 0);
}

Test(bio_pair_ring, a_write_takes_what_fits_and_goes_round_the_end) {
  hf_ring ring;
  uint8_t out[8];
  size_t n;
  hf_ring_init(&ring, 5);
  put(&ring, "abcd");
  get(&ring, "abc");
  cr_assert(hf_ring_write(&ring, &n, (const uint8_t *)"efghij", 6));
  cr_assert_eq(n, 4);
  cr_assert_eq(hf_ring_room(&ring), 0);
  cr_assert(hf_ring_write(&ring, &n, (const uint8_t *)"x", 1));
  cr_assert_eq(n, 0);
  cr_assert_eq(hf_ring_read(&ring, out, 8), 5);
  cr_assert_arr_eq(out, "defgh", 5);
}

Test(bio_pair_ring, peek_gives_what_lies_without_a_gap) {
  hf_ring ring;
  uint8_t *data;
  hf_ring_init(&ring, 5);
  cr_assert_eq(hf_ring_peek(&ring, &data), 0);
  cr_assert_null(data);
  put(&ring, "abcd");
  get(&ring, "abc");
  put(&ring, "efg");
  cr_assert_eq(hf_ring_peek(&ring, &data), 2);
  cr_assert_arr_eq(data, "de", 2);
  data[0] = 'D';  // in place
  hf_ring_consume(&ring, 3);
  cr_assert_eq(hf_ring_peek(&ring, &data), 1);
  cr_assert_arr_eq(data, "g", 1);
  hf_ring_consume(&ring, 99);
  cr_assert_eq(ring.len, 0);
  cr_assert_null(ring.data);
}

Test(bio_pair_ring, an_emptied_ring_begins_at_its_beginning) {
  hf_ring ring;
  uint8_t *data;
  hf_ring_init(&ring, 5);
  put(&ring, "abcd");
  get(&ring, "abcd");
  put(&ring, "efghi");
  cr_assert_eq(hf_ring_peek(&ring, &data), 5);
  hf_ring_reset(&ring);
}

Test(bio_pair_ring, space_is_lent_until_it_is_produced_whatever_the_reader_does) {
  hf_ring ring;
  uint8_t *space, *again;
  size_t len;
  hf_ring_init(&ring, 8);
  put(&ring, "abc");
  cr_assert(hf_ring_space(&ring, 0, &space, &len));
  cr_assert_eq(len, 5);
  get(&ring, "abc");  // drained: but the writer points in
  hf_ring_request(&ring, 1);
  memcpy(space, "de", 2);
  cr_assert_eq(hf_ring_produce(&ring, 2), 2);
  get(&ring, "de");
  cr_assert_null(ring.data);
  cr_assert(hf_ring_space(&ring, 0, &again, &len));
  cr_assert_eq(len, 8);
  cr_assert_eq(hf_ring_produce(&ring, 0), 0);  // given back
  cr_assert_null(ring.data);
}

Test(bio_pair_ring, nothing_is_produced_that_was_not_lent) {
  hf_ring ring;
  uint8_t *space;
  size_t len;
  hf_ring_init(&ring, 4);
  cr_assert_eq(hf_ring_produce(&ring, 3), 0);
  cr_assert(hf_ring_space(&ring, 0, &space, &len));
  memset(space, 'x', len);
  cr_assert_eq(hf_ring_produce(&ring, 99), 4);
  cr_assert(hf_ring_space(&ring, 0, &space, &len));
  cr_assert_eq(len, 0);
  cr_assert_null(space);
  hf_ring_reset(&ring);
}

// What the reader takes meanwhile makes room, but nobody has put anything there.
Test(bio_pair_ring, what_became_free_since_was_not_lent) {
  hf_ring ring;
  uint8_t *space;
  size_t len;
  hf_ring_init(&ring, 8);
  put(&ring, "abcdef");
  get(&ring, "ab");
  put(&ring, "gh");  // to the end
  cr_assert(hf_ring_space(&ring, 0, &space, &len));
  cr_assert_eq(len, 2);
  get(&ring, "cdef");
  memcpy(space, "ij", 2);
  cr_assert_eq(hf_ring_produce(&ring, 6), 2);
  get(&ring, "ghij");
  cr_assert_null(ring.data);
}

Test(bio_pair_ring, what_was_taken_stays_readable_until_the_reader_comes_back) {
  hf_ring ring;
  uint8_t *data;
  hf_ring_init(&ring, 8);
  put(&ring, "abc");
  cr_assert_eq(hf_ring_take(&ring, &data, 2), 2);
  cr_assert_arr_eq(data, "ab", 2);
  cr_assert_eq(hf_ring_take(&ring, &data, 9), 1);
  cr_assert_arr_eq(data, "c", 1);
  cr_assert_eq(ring.len, 0);
  hf_ring_request(&ring, 1);
  cr_assert_null(ring.data);
}

Test(bio_pair_ring, a_request_is_cut_to_the_room_and_ends_with_a_write_or_a_read) {
  hf_ring ring;
  hf_ring_init(&ring, 8);
  hf_ring_request(&ring, 5);
  cr_assert_eq(ring.request, 5);
  hf_ring_request(&ring, 20000);
  cr_assert_eq(ring.request, 8);
  hf_ring_reset(&ring);  // nothing was dropped: it stands
  cr_assert_eq(ring.request, 8);
  put(&ring, "abc");
  cr_assert_eq(ring.request, 0);
  hf_ring_request(&ring, 6);  // beyond the three there are
  cr_assert_eq(ring.request, 5);
  get(&ring, "a");
  cr_assert_eq(ring.request, 0);
  hf_ring_request(&ring, 2);
  hf_ring_reset(&ring);  // what it was to follow is gone
  cr_assert_eq(ring.request, 0);
}

Test(bio_pair_ring, a_shut_ring_is_read_to_its_end) {
  hf_ring ring;
  uint8_t *space;
  size_t len;
  hf_ring_init(&ring, 8);
  put(&ring, "ab");
  hf_ring_shut(&ring);
  cr_assert_eq(hf_ring_room(&ring), 0);
  cr_assert(hf_ring_write(&ring, &len, (const uint8_t *)"c", 1));
  cr_assert_eq(len, 0);
  cr_assert(hf_ring_space(&ring, 0, &space, &len));
  cr_assert_eq(len, 0);
  hf_ring_request(&ring, 4);
  cr_assert_eq(ring.request, 0);
  cr_assert_not(hf_ring_ended(&ring));
  get(&ring, "ab");
  cr_assert(hf_ring_ended(&ring));
}

Test(bio_pair_ring, shutting_ends_a_loan) {
  hf_ring ring;
  uint8_t *space;
  size_t len;
  hf_ring_init(&ring, 8);
  cr_assert(hf_ring_space(&ring, 0, &space, &len));
  hf_ring_shut(&ring);
  cr_assert_null(ring.data);
  cr_assert_eq(hf_ring_produce(&ring, 3), 0);
}
