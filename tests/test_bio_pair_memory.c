// The pair's memory: none while nothing is held, and every allocation may fail.
//
// OPENSSL_memory_alloc and its two companions are hooks that libcrypto takes from the program if it
// defines them.
#include <criterion/criterion.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>

#include <handfast/bio_pair.h>

#include "bio_pair/half.h"

#define HOOK __attribute__((visibility("default")))
HOOK void *OPENSSL_memory_alloc(size_t size);
HOOK void OPENSSL_memory_free(void *memory);
HOOK size_t OPENSSL_memory_get_size(void *memory);

enum { PREFIX = 16, UNLIMITED = -1 };
enum { NEST = 128 };             // bytes of a message that a ring has room for in itself
enum { SMALLEST = 1000 };        // bytes of memory that it takes for a longer one
static size_t live;              // bytes
static int num_calls;            // of the allocator
static int allowed = UNLIMITED;  // how many more calls succeed

void *OPENSSL_memory_alloc(size_t size) {
  num_calls++;
  if (allowed == 0 || size > (1u << 30)) return NULL;
  if (allowed > 0) allowed--;
  unsigned char *memory = malloc(size + PREFIX);
  if (memory == NULL) return NULL;
  memcpy(memory, &size, sizeof(size));
  live += size;
  return memory + PREFIX;
}

size_t OPENSSL_memory_get_size(void *memory) {
  size_t size;
  memcpy(&size, (unsigned char *)memory - PREFIX, sizeof(size));
  return size;
}

void OPENSSL_memory_free(void *memory) {
  size_t size = OPENSSL_memory_get_size(memory);
  live -= size;
  OPENSSL_cleanse(memory, size);
  free((unsigned char *)memory - PREFIX);
}

// settled is how much is live once the method and the thread's error queue, which are made once and
// kept, are there.
static size_t settled(void) {
  cr_assert_not_null(BIO_s_bio());
  ERR_clear_error();
  return live;
}

static void make(BIO **a, BIO **b) {
  settled();
  num_calls = 0;
  cr_assert_eq(BIO_new_bio_pair(a, 0, b, 0), 1);
  cr_assert_gt(num_calls, 0, "the hooks are not in force");
}

static int took_malloc_failure(void) {
  uint32_t error = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

Test(bio_pair_memory, an_idle_pair_holds_less_than_a_kilobyte) {
  BIO *a, *b;
  size_t before = settled();
  make(&a, &b);
  cr_assert_lt(live - before, 1024);
  BIO_free(a);
  BIO_free(b);
  cr_assert_eq(live, before);
}

Test(bio_pair_memory, a_ring_holds_memory_while_it_holds_bytes) {
  static const uint8_t in[NEST + 1] = "abc";
  BIO *a, *b;
  char out[NEST + 1], *buf;
  uint8_t *data;
  make(&a, &b);
  size_t idle = live;
  BIO_write(a, in, NEST + 1);
  cr_assert_eq(live - idle, SMALLEST);
  BIO_read(b, out, NEST);
  cr_assert_eq(live - idle, SMALLEST);
  BIO_read(b, out, 1);
  cr_assert_eq(live, idle, "read");
  BIO_write(a, in, NEST + 1);
  BIO_reset(a);
  cr_assert_eq(live, idle, "reset");
  BIO_write(a, in, NEST + 1);
  hf_bio_consume(b, NEST + 1);
  cr_assert_eq(live, idle, "consumed");
  cr_assert_eq(hf_bio_space(a, &data), 17408);
  hf_bio_produce(a, 0);
  cr_assert_eq(live, idle, "space given back");
  BIO_nwrite0(a, &buf);
  BIO_nwrite(a, &buf, 0);
  cr_assert_eq(live, idle, "space given back");
  BIO_write(a, in, NEST + 1);
  BIO_nread(b, &buf, NEST + 1);
  cr_assert_arr_eq(buf, in, NEST + 1);
  BIO_nread0(b, &buf);
  cr_assert_eq(live, idle, "taken, and the reader came back");
  BIO_write(a, in, NEST + 1);
  BIO_write(b, in, NEST + 1);
  cr_assert_eq(live - idle, 2 * SMALLEST);
  BIO_destroy_bio_pair(a);
  cr_assert_eq(live, idle, "parted");
  BIO_free(a);
  BIO_free(b);
}

Test(bio_pair_memory, a_short_message_takes_none) {
  static uint8_t in[NEST];
  BIO *a, *b;
  char out[NEST];
  uint8_t *data;
  make(&a, &b);
  for (size_t i = 0; i < sizeof(in); i++) in[i] = (uint8_t)(i + 1);
  allowed = 0;
  cr_assert_eq(BIO_write(a, in, NEST), NEST);
  cr_assert_eq(BIO_write(a, in, 1), -1, "there is no room for more");
  cr_assert(took_malloc_failure());
  cr_assert_eq(BIO_ctrl_pending(b), NEST);
  cr_assert_eq(BIO_read(b, out, NEST), NEST);
  cr_assert_arr_eq(out, in, NEST);
  cr_assert_eq(hf_bio_reserve(a, NEST, &data), NEST);
  memcpy(data, in, NEST);
  hf_bio_produce(a, NEST);
  cr_assert_eq(hf_bio_peek(b, &data), NEST);
  cr_assert_arr_eq(data, in, NEST);
  hf_bio_consume(b, NEST);
  for (size_t i = 0; i < NEST; i++) cr_assert_eq(data[i], 0, "it is wiped");
  allowed = UNLIMITED;
  BIO_free(a);
  BIO_free(b);
}

// A short message makes way for more, unless a reader was shown where it is.
Test(bio_pair_memory, what_was_written_first_moves_until_it_was_seen) {
  BIO *a, *b;
  char out[256], *first, *again;
  uint8_t in[NEST + 72];
  make(&a, &b);
  size_t idle = live;
  for (size_t i = 0; i < sizeof(in); i++) in[i] = (uint8_t)i;
  cr_assert_eq(BIO_write(a, in, 100), 100);
  cr_assert_eq(BIO_read(b, out, 10), 10);
  allowed = 0;
  cr_assert_eq(BIO_write(a, in + 100, 100), -1);
  cr_assert(took_malloc_failure());
  allowed = UNLIMITED;
  cr_assert_eq(BIO_write(a, in + 100, 100), 100);
  cr_assert_eq(live - idle, SMALLEST);
  cr_assert_eq(BIO_read(b, out + 10, 256), 190);
  cr_assert_arr_eq(out, in, 200);
  cr_assert_eq(live, idle);
  cr_assert_eq(BIO_write(a, in, 100), 100);
  cr_assert_eq(BIO_nread0(b, &first), 100);
  cr_assert_eq(BIO_write(a, in + 100, 100), 100);
  cr_assert_eq(live - idle, 17408);
  cr_assert_eq(BIO_nread0(b, &again), 100);
  cr_assert_eq(again, first, "it did not move");
  cr_assert_eq(BIO_read(b, out, 256), 200);
  cr_assert_arr_eq(out, in, 200);
  cr_assert_eq(BIO_write(a, in, 100), 100);
  cr_assert_eq(BIO_nread(b, &first, 100), 100);
  cr_assert_eq(BIO_write(a, in, 200), 200, "none of what was taken is there");
  cr_assert_eq(live - idle, SMALLEST);
  BIO_free(a);
  BIO_free(b);
}

Test(bio_pair_memory, freeing_a_half_frees_what_it_held) {
  BIO *a, *b;
  size_t before = settled();
  make(&a, &b);
  BIO_write(a, "abc", 3);
  BIO_write(b, "def", 3);
  BIO_free(b);
  BIO_free(a);
  cr_assert_eq(live - before, 0);
}

Test(bio_pair_memory, a_pair_that_finds_no_memory_is_not_made) {
  BIO *a, *b;
  make(&a, &b);
  int needed = num_calls;
  BIO_free(a);
  BIO_free(b);
  size_t before = live;
  for (int i = 0; i < needed; i++) {
    allowed = i;
    cr_assert_eq(BIO_new_bio_pair(&a, 5, &b, 5), 0);
    cr_assert_null(a);
    cr_assert_null(b);
    cr_assert(took_malloc_failure());
    cr_assert_eq(live, before, "after %d allocations something was left", i);
  }
  allowed = UNLIMITED;
}

Test(bio_pair_memory, the_method_is_tried_again_when_it_found_no_memory) {
  BIO *a, *b;
  ERR_clear_error();
  allowed = 0;
  cr_assert_null(BIO_s_bio());
  cr_assert(took_malloc_failure());
  cr_assert_eq(BIO_new_bio_pair(&a, 0, &b, 0), 0);
  cr_assert_null(a);
  cr_assert(took_malloc_failure());
  allowed = UNLIMITED;
  make(&a, &b);
  BIO_free(a);
  BIO_free(b);
}

Test(bio_pair_memory, a_write_that_finds_no_memory_fails_without_retry_and_works_later) {
  static const uint8_t in[NEST + 1];
  BIO *a, *b;
  char *buf, out[NEST + 1];
  uint8_t *data;
  make(&a, &b);
  BIO_read(b, out, 4);
  allowed = 0;
  cr_assert_eq(BIO_write(a, in, NEST + 1), -1);
  cr_assert(took_malloc_failure());
  cr_assert_not(BIO_should_retry(a));
  cr_assert_eq(BIO_nwrite0(a, &buf), -1);
  cr_assert(took_malloc_failure());
  cr_assert_eq(BIO_nwrite(a, &buf, 1), -1);
  cr_assert(took_malloc_failure());
  cr_assert_eq(hf_bio_space(a, &data), 0);
  cr_assert_null(data);
  cr_assert(took_malloc_failure());
  cr_assert_not(BIO_should_retry(a));
  cr_assert_eq(BIO_wpending(a), 0);
  cr_assert_eq(BIO_get_read_request(a), 4, "the request stands");
  allowed = UNLIMITED;
  cr_assert_eq(BIO_write(a, in, NEST + 1), NEST + 1);
  cr_assert_eq(BIO_read(b, out, NEST + 1), NEST + 1);
  BIO_free(a);
  BIO_free(b);
}

// The SSL layer looks, and is done with it when it has consumed.
Test(bio_pair_memory, what_the_ssl_layer_saw_moves) {
  BIO *a, *b;
  uint8_t in[80] = {0}, *data;
  make(&a, &b);
  size_t idle = live;
  cr_assert_eq(BIO_write(a, in, 80), 80);
  cr_assert_eq(hf_half_peek(hf_half_of(b), &data), 80);
  cr_assert_eq(BIO_nread0(b, NULL), 80, "who only counts sees nothing");
  hf_half_consume(hf_half_of(b), 40);
  cr_assert_eq(BIO_write(a, in, 80), 80);
  cr_assert_eq(live - idle, SMALLEST);
  BIO_free(a);
  BIO_free(b);
}

// What is there when more comes than has room there stays where it is.
Test(bio_pair_memory, more_takes_a_second_block_of_all_the_ring_until_the_first_is_read) {
  static uint8_t in[17408], out[17408];
  BIO *a, *b;
  char *first, *again;
  make(&a, &b);
  size_t idle = live;
  for (size_t i = 0; i < sizeof(in); i++) in[i] = (uint8_t)(i * 31 >> 3);
  cr_assert_eq(BIO_write(a, in, 200), 200);
  cr_assert_eq(BIO_nread0(b, &first), 200);
  cr_assert_eq(BIO_write(a, in + 200, 200), 200);
  cr_assert_eq(live - idle, SMALLEST, "there was room for it");
  cr_assert_eq(BIO_write(a, in + 400, 17408 - 400), 17408 - 400);
  cr_assert_eq(live - idle, SMALLEST + 17408);
  cr_assert_eq(BIO_nread0(b, &again), 400);
  cr_assert_eq(again, first, "it did not move");
  cr_assert_eq(BIO_ctrl_get_write_guarantee(a), 0);
  cr_assert_eq(BIO_read(b, out, 400), 400);
  cr_assert_eq(live - idle, 17408);
  cr_assert_eq(BIO_write(a, in, 400), 400, "round the end of the second");
  cr_assert_eq(BIO_read(b, out + 400, 17008), 17008);
  cr_assert_arr_eq(out, in, sizeof(in));
  cr_assert_eq(BIO_read(b, out, 17408), 400);
  cr_assert_arr_eq(out, in, 400);
  cr_assert_eq(live, idle);
  BIO_free(a);
  BIO_free(b);
}

// Space that was asked for in full and is not used costs no more than before.
Test(bio_pair_memory, a_small_block_that_waits_keeps_no_second_that_is_empty) {
  BIO *a, *b;
  uint8_t *data;
  make(&a, &b);
  size_t idle = live;
  cr_assert_eq(hf_bio_reserve(a, NEST + 1, &data), SMALLEST);
  cr_assert_eq(live - idle, SMALLEST);
  hf_bio_produce(a, 10);
  cr_assert_eq(hf_bio_space(a, &data), 17408 - 10);
  cr_assert_eq(live - idle, SMALLEST + 17408);
  hf_bio_produce(a, 0);
  cr_assert_eq(live - idle, SMALLEST);
  allowed = 0;
  cr_assert_eq(hf_bio_reserve(a, SMALLEST - 10, &data), SMALLEST - 10);
  hf_bio_produce(a, SMALLEST - 10);
  cr_assert_eq(BIO_write(a, "x", 1), -1);
  cr_assert(took_malloc_failure());
  allowed = UNLIMITED;
  hf_bio_consume(b, SMALLEST);
  cr_assert_eq(live, idle);
  BIO_free(a);
  BIO_free(b);
}

Test(bio_pair_memory, a_size_that_no_memory_holds_fails_when_so_much_is_written) {
  BIO *a, *b;
  char *buf;
  ERR_clear_error();
  cr_assert_eq(BIO_new_bio_pair(&a, (size_t)LONG_MAX, &b, (size_t)LONG_MAX), 1);
  cr_assert_eq(BIO_get_write_guarantee(a), INT_MAX);
  cr_assert_eq(BIO_ctrl_get_write_guarantee(a), (size_t)LONG_MAX);
  cr_assert_eq(BIO_nwrite0(a, &buf), -1);
  cr_assert(took_malloc_failure());
  cr_assert_eq(BIO_write(a, "x", 1), 1);
  cr_assert_eq(BIO_nwrite0(a, &buf), -1);
  cr_assert(took_malloc_failure());
  cr_assert_eq(BIO_nread(b, &buf, 1), 1);
  cr_assert_eq(BIO_nread0(b, &buf), -1);
  cr_assert(BIO_should_read(b));
  BIO_free(a);
  BIO_free(b);
}
