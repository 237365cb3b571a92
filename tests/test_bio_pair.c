// The sentences of BIO_s_bio(3), of bio_pair.h and of its neighbours in libcrypto, one by one.
#include <criterion/criterion.h>

#include <limits.h>
#include <string.h>

#include <openssl/err.h>

#include <handfast/bio_pair.h>

typedef struct two {
  BIO *a, *b;
} two;

static two pair_of(size_t size_a, size_t size_b) {
  two p;
  ERR_clear_error();
  cr_assert_eq(BIO_new_bio_pair(&p.a, size_a, &p.b, size_b), 1);
  return p;
}

static void free_both(two p) {
  BIO_free(p.a);
  BIO_free(p.b);
  cr_assert_eq(ERR_peek_error(), 0, "an error was left on the queue");
}

// took_error says that the queue ends with this reason of the BIO library, and empties it.
static int took_error(int reason) {
  uint32_t error = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(error) == ERR_LIB_BIO && ERR_GET_REASON(error) == reason;
}

static void check_no_retry(BIO *bio) {
  cr_assert_eq(BIO_should_retry(bio), 0);
  cr_assert_eq(BIO_should_read(bio), 0);
  cr_assert_eq(BIO_should_write(bio), 0);
}

static void check_uninitialized(BIO *bio) {
  char c, *p;
  uint8_t *data;
  cr_assert_lt(BIO_read(bio, &c, 1), 0);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  check_no_retry(bio);
  cr_assert_lt(BIO_write(bio, "x", 1), 0);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  check_no_retry(bio);
  cr_assert_eq(BIO_nread0(bio, &p), -2);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  cr_assert_eq(BIO_nread(bio, &p, 1), -2);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  cr_assert_eq(BIO_nwrite0(bio, &p), -2);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  cr_assert_eq(BIO_nwrite(bio, &p, 1), -2);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  cr_assert_eq(hf_bio_peek(bio, &data), 0);
  cr_assert_null(data);
  cr_assert_eq(hf_bio_space(bio, &data), 0);
  cr_assert_null(data);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  cr_assert_eq(hf_bio_request(bio, 1), -2);
  cr_assert(took_error(BIO_R_UNINITIALIZED));
  hf_bio_consume(bio, 1);
  hf_bio_produce(bio, 1);
  cr_assert_eq(BIO_ctrl_pending(bio), 0);
  cr_assert_eq(BIO_wpending(bio), 0);
  cr_assert_eq(BIO_ctrl_get_write_guarantee(bio), 0);
  cr_assert_eq(BIO_ctrl_get_read_request(bio), 0);
  cr_assert_eq(BIO_eof(bio), 1);
  cr_assert_eq(ERR_peek_error(), 0);
}

Test(bio_pair, bytes_written_to_either_half_are_read_from_the_other) {
  two p = pair_of(0, 0);
  char out[16];
  cr_assert_eq(BIO_write(p.a, "hello", 5), 5);
  cr_assert_eq(BIO_write(p.b, "world!", 6), 6);
  cr_assert_eq(BIO_read(p.b, out, sizeof(out)), 5);
  cr_assert_arr_eq(out, "hello", 5);
  cr_assert_eq(BIO_read(p.a, out, 4), 4);
  cr_assert_eq(BIO_read(p.a, out + 4, 9), 2);
  cr_assert_arr_eq(out, "world!", 6);
  cr_assert_eq(BIO_number_read(p.a), 6);
  cr_assert_eq(BIO_number_written(p.a), 5);
  cr_assert_eq(BIO_puts(p.a, "puts"), 4);
  free_both(p);
}

Test(bio_pair, s_bio_is_one_method_of_the_type_for_pairs) {
  const BIO_METHOD *method = BIO_s_bio();
  cr_assert_not_null(method);
  cr_assert_eq(method, BIO_s_bio());
  BIO *bio = BIO_new(method);
  cr_assert_eq(BIO_method_type(bio), BIO_TYPE_BIO);
  cr_assert_eq(hf_bio_pair_is(bio), 1);
  BIO_free(bio);
}

Test(bio_pair, size_zero_is_the_default_of_17_kib) {
  two p = pair_of(0, 3);
  cr_assert_eq(HF_BIO_PAIR_SIZE, 17408);
  cr_assert_eq(BIO_get_write_buf_size(p.a, 0), 17408);
  cr_assert_eq(BIO_get_write_buf_size(p.b, 0), 3);
  cr_assert_eq(BIO_get_write_guarantee(p.a), 17408);
  cr_assert_eq(BIO_get_write_guarantee(p.b), 3);
  free_both(p);
}

Test(bio_pair, new_bio_pair_overwrites_what_was_there) {
  BIO *mem = BIO_new(BIO_s_mem());
  two p = {mem, mem};
  cr_assert_eq(BIO_new_bio_pair(&p.a, 1, &p.b, 1), 1);
  cr_assert_neq(p.a, mem);
  cr_assert_eq(BIO_write(mem, "still there", 11), 11);
  BIO_free(mem);
  free_both(p);
}

Test(bio_pair, new_bio_pair_refuses_a_size_that_no_long_holds) {
  BIO *a, *b;
  ERR_clear_error();
  cr_assert_eq(BIO_new_bio_pair(&a, (size_t)LONG_MAX + 1, &b, 0), 0);
  cr_assert_null(a);
  cr_assert_null(b);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_eq(BIO_new_bio_pair(&a, 0, &b, SIZE_MAX), 0);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
}

Test(bio_pair, an_empty_half_asks_for_a_retry) {
  two p = pair_of(0, 0);
  char c;
  cr_assert_eq(BIO_read(p.a, &c, 1), -1);
  cr_assert(BIO_should_retry(p.a));
  cr_assert(BIO_should_read(p.a));
  cr_assert_not(BIO_should_write(p.a));
  BIO_write(p.b, "x", 1);
  cr_assert_eq(BIO_read(p.a, &c, 1), 1);
  check_no_retry(p.a);
  free_both(p);
}

Test(bio_pair, a_write_takes_what_fits_and_a_full_ring_asks_for_a_retry) {
  two p = pair_of(3, 0);
  char out[8];
  cr_assert_eq(BIO_write(p.a, "abcde", 5), 3);
  check_no_retry(p.a);
  cr_assert_eq(BIO_write(p.a, "d", 1), -1);
  cr_assert(BIO_should_retry(p.a));
  cr_assert(BIO_should_write(p.a));
  cr_assert_not(BIO_should_read(p.a));
  cr_assert_eq(ERR_peek_error(), 0);
  cr_assert_eq(BIO_read(p.b, out, 1), 1);
  cr_assert_eq(BIO_write(p.a, "d", 1), 1);
  check_no_retry(p.a);
  cr_assert_eq(BIO_read(p.b, out, 8), 3);
  cr_assert_arr_eq(out, "bcd", 3);
  free_both(p);
}

Test(bio_pair, pending_and_wpending_count_both_buffers) {
  two p = pair_of(0, 0);
  BIO_write(p.a, "abc", 3);
  BIO_write(p.b, "defgh", 5);
  cr_assert_eq(BIO_ctrl_pending(p.a), 5);
  cr_assert_eq(BIO_pending(p.a), 5);
  cr_assert_eq(BIO_ctrl_wpending(p.a), 3);
  cr_assert_eq(BIO_wpending(p.a), 3);
  cr_assert_eq(BIO_pending(p.b), 3);
  cr_assert_eq(BIO_wpending(p.b), 5);
  free_both(p);
}

Test(bio_pair, reset_clears_the_write_buffer_and_only_that) {
  two p = pair_of(0, 0);
  char out[8];
  BIO_write(p.a, "abc", 3);
  BIO_write(p.b, "de", 2);
  cr_assert_eq(BIO_reset(p.a), 1);
  cr_assert_eq(BIO_wpending(p.a), 0);
  cr_assert_eq(BIO_pending(p.b), 0);
  cr_assert_eq(BIO_read(p.a, out, 8), 2);
  BIO_shutdown_wr(p.a);
  cr_assert_eq(BIO_reset(p.a), 1);
  cr_assert_eq(BIO_write(p.a, "x", 1), -1);
  cr_assert(took_error(BIO_R_BROKEN_PIPE));
  free_both(p);
}

Test(bio_pair, flush_says_yes_and_moves_nothing) {
  two p = pair_of(0, 0);
  BIO_write(p.a, "abc", 3);
  cr_assert_eq(BIO_flush(p.a), 1);
  cr_assert_eq(BIO_wpending(p.a), 3);
  free_both(p);
}

Test(bio_pair, the_close_flag_is_kept) {
  two p = pair_of(0, 0);
  cr_assert_eq(BIO_set_close(p.a, BIO_NOCLOSE), 1);
  cr_assert_eq(BIO_ctrl(p.a, BIO_CTRL_GET_CLOSE, 0, NULL), BIO_NOCLOSE);
  cr_assert_eq(BIO_set_close(p.a, BIO_CLOSE), 1);
  cr_assert_eq(BIO_ctrl(p.a, BIO_CTRL_GET_CLOSE, 0, NULL), BIO_CLOSE);
  cr_assert_eq(BIO_ctrl(p.a, 99999, 0, NULL), 0);
  free_both(p);
}

Test(bio_pair, gets_is_not_supported) {
  two p = pair_of(0, 0);
  char line[8];
  BIO_write(p.a, "x\n", 2);
  cr_assert_lt(BIO_gets(p.b, line, sizeof(line)), 0);
  cr_assert(took_error(BIO_R_UNSUPPORTED_METHOD));
  free_both(p);
}

Test(bio_pair, make_bio_pair_joins_two_halves_of_the_sizes_they_have) {
  BIO *a = BIO_new(BIO_s_bio()), *b = BIO_new(BIO_s_bio());
  ERR_clear_error();
  check_uninitialized(a);
  cr_assert_eq(BIO_get_write_buf_size(a, 0), 17408);
  cr_assert_eq(BIO_set_write_buf_size(a, 2), 1);
  cr_assert_eq(BIO_get_write_buf_size(a, 0), 2);
  cr_assert_eq(BIO_shutdown_wr(a), 1);
  cr_assert_eq(BIO_make_bio_pair(a, b), 1);
  cr_assert_eq(BIO_get_write_guarantee(a), 2);
  cr_assert_eq(BIO_get_write_guarantee(b), 17408);
  cr_assert_eq(BIO_eof(b), 0, "joining anew undoes a shutdown");
  free_both((two){a, b});
}

Test(bio_pair, make_bio_pair_refuses_what_cannot_be_joined) {
  two p = pair_of(0, 0);
  BIO *single = BIO_new(BIO_s_bio()), *mem = BIO_new(BIO_s_mem());
  cr_assert_eq(BIO_make_bio_pair(p.a, single), 0);
  cr_assert(took_error(BIO_R_IN_USE));
  cr_assert_eq(BIO_make_bio_pair(single, p.a), 0);
  cr_assert(took_error(BIO_R_IN_USE));
  cr_assert_eq(BIO_make_bio_pair(p.a, p.b), 0);
  cr_assert(took_error(BIO_R_IN_USE));
  cr_assert_eq(BIO_make_bio_pair(single, single), 0);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_eq(BIO_make_bio_pair(single, NULL), 0);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_eq(BIO_make_bio_pair(single, mem), 0);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_eq(BIO_make_bio_pair(mem, single), 0);
  cr_assert_eq(BIO_make_bio_pair(NULL, single), 0);
  check_uninitialized(single);
  BIO_write(p.a, "x", 1);
  cr_assert_eq(BIO_pending(p.b), 1, "the pair is unharmed");
  BIO_free(mem);
  BIO_free(single);
  free_both(p);
}

Test(bio_pair, the_size_cannot_be_set_to_nothing_nor_while_joined) {
  BIO *bio = BIO_new(BIO_s_bio());
  two p = pair_of(0, 0);
  cr_assert_eq(BIO_set_write_buf_size(bio, 0), 0);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_eq(BIO_set_write_buf_size(bio, -5), 0);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_eq(BIO_get_write_buf_size(bio, 0), 17408);
  cr_assert_eq(BIO_set_write_buf_size(p.a, 5), 0);
  cr_assert(took_error(BIO_R_IN_USE));
  cr_assert_eq(BIO_get_write_buf_size(p.a, 0), 17408);
  BIO_free(bio);
  free_both(p);
}

Test(bio_pair, destroy_parts_the_halves_from_either_side_and_they_can_be_joined_again) {
  two p = pair_of(4, 0);
  char c;
  BIO_write(p.a, "x", 1);
  BIO_read(p.a, &c, 1);
  cr_assert_eq(BIO_destroy_bio_pair(p.b), 1);
  check_uninitialized(p.a);
  check_uninitialized(p.b);
  cr_assert_eq(BIO_destroy_bio_pair(p.a), 1);
  cr_assert_eq(BIO_make_bio_pair(p.b, p.a), 1);
  cr_assert_eq(BIO_pending(p.b), 0, "what was not read is lost");
  cr_assert_eq(BIO_get_write_guarantee(p.a), 4);
  cr_assert_eq(BIO_get_read_request(p.b), 0);
  free_both(p);
}

Test(bio_pair, freeing_one_half_leaves_the_other_uninitialized) {
  two p = pair_of(0, 0);
  BIO_write(p.a, "x", 1);
  BIO_write(p.b, "y", 1);
  BIO_free(p.a);
  check_uninitialized(p.b);
  BIO_free(p.b);
}

Test(bio_pair, references_keep_a_half) {
  two p = pair_of(0, 0);
  BIO_up_ref(p.a);
  BIO_free(p.a);
  cr_assert_eq(BIO_write(p.b, "x", 1), 1);
  cr_assert_eq(BIO_pending(p.a), 1);
  free_both(p);
}

Test(bio_pair, shutdown_wr_fails_writes_and_ends_the_peers_reading_after_what_is_left) {
  two p = pair_of(0, 0);
  char out[8], *buf;
  uint8_t *data;
  BIO_write(p.a, "abc", 3);
  cr_assert_eq(BIO_shutdown_wr(p.a), 1);
  cr_assert_eq(BIO_write(p.a, "d", 1), -1);
  cr_assert(took_error(BIO_R_BROKEN_PIPE));
  check_no_retry(p.a);
  cr_assert_eq(BIO_nwrite0(p.a, &buf), -1);
  cr_assert(took_error(BIO_R_BROKEN_PIPE));
  cr_assert_eq(BIO_nwrite(p.a, &buf, 1), -1);
  cr_assert(took_error(BIO_R_BROKEN_PIPE));
  cr_assert_eq(hf_bio_space(p.a, &data), 0);
  cr_assert(took_error(BIO_R_BROKEN_PIPE));
  cr_assert_eq(BIO_get_write_guarantee(p.a), 0);
  cr_assert_eq(BIO_eof(p.b), 0);
  cr_assert_eq(BIO_read(p.b, out, 8), 3);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(BIO_eof(p.b), 1);
    cr_assert_eq(BIO_read(p.b, out, 8), 0);
    check_no_retry(p.b);
    cr_assert_eq(BIO_nread0(p.b, &buf), 0);
    cr_assert_eq(BIO_nread(p.b, &buf, 1), 0);
  }
  // The other direction is untouched.
  cr_assert_eq(BIO_eof(p.a), 0);
  cr_assert_eq(BIO_write(p.b, "ok", 2), 2);
  cr_assert_eq(BIO_read(p.a, out, 8), 2);
  free_both(p);
}

Test(bio_pair, eof_is_false_while_anything_is_there_or_may_come) {
  two p = pair_of(0, 0);
  cr_assert_eq(BIO_eof(p.a), 0);
  BIO_write(p.b, "x", 1);
  cr_assert_eq(BIO_eof(p.a), 0);
  BIO_shutdown_wr(p.b);
  cr_assert_eq(BIO_eof(p.a), 0);
  BIO_reset(p.b);
  cr_assert_eq(BIO_eof(p.a), 1);
  cr_assert_eq(BIO_eof(p.b), 0);
  free_both(p);
}

Test(bio_pair, the_read_request_is_what_was_asked_or_the_size_if_less) {
  two p = pair_of(0, 100);
  static char out[20000];
  BIO_read(p.b, out, 5);
  cr_assert_eq(BIO_ctrl_get_read_request(p.a), 5);
  cr_assert_eq(BIO_get_read_request(p.a), 5);
  BIO_read(p.b, out, 20000);
  cr_assert_eq(BIO_get_read_request(p.a), 17408);
  BIO_read(p.a, out, 101);
  cr_assert_eq(BIO_get_read_request(p.b), 100);
  cr_assert_eq(BIO_get_read_request(p.a), 17408, "each direction has its own");
  cr_assert_eq(BIO_ctrl_reset_read_request(p.a), 1);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  free_both(p);
}

Test(bio_pair, the_read_request_ends_with_a_write_of_all_or_part_of_it_and_with_a_read) {
  two p = pair_of(0, 0);
  char out[8];
  BIO_read(p.b, out, 5);
  BIO_write(p.a, "ab", 2);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  BIO_read(p.b, out, 5);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  BIO_read(p.b, out, 3);
  cr_assert_eq(BIO_get_read_request(p.a), 3);
  free_both(p);
}

Test(bio_pair, the_read_request_is_never_more_than_the_write_guarantee) {
  two p = pair_of(10, 0);
  char out[8];
  BIO_read(p.b, out, 5);
  BIO_shutdown_wr(p.a);
  cr_assert_eq(BIO_get_write_guarantee(p.a), 0);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  free_both(p);
  p = pair_of(10, 0);
  BIO_write(p.a, "abcdefg", 7);
  hf_bio_request(p.b, 5);
  cr_assert_eq(BIO_get_read_request(p.a), 3);
  BIO_write(p.a, "hij", 3);
  hf_bio_request(p.b, 5);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  free_both(p);
}

Test(bio_pair, nread0_shows_and_nread_takes) {
  two p = pair_of(8, 0);
  char *buf = NULL, out[8];
  BIO_write(p.a, "abcdef", 6);
  BIO_read(p.b, out, 4);
  BIO_write(p.a, "ghijkl", 6);
  cr_assert_eq(BIO_nread0(p.b, &buf), 4, "up to the ring's end");
  cr_assert_arr_eq(buf, "efgh", 4);
  cr_assert_eq(BIO_pending(p.b), 8);
  cr_assert_eq(BIO_nread(p.b, &buf, 3), 3);
  cr_assert_arr_eq(buf, "efg", 3);
  cr_assert_eq(BIO_nread(p.b, &buf, 99), 1);
  cr_assert_arr_eq(buf, "h", 1);
  cr_assert_eq(BIO_nread(p.b, NULL, 0), 0);
  cr_assert_eq(BIO_nread0(p.b, NULL), 4);
  cr_assert_eq(BIO_nread(p.b, &buf, 4), 4);
  cr_assert_eq(BIO_pending(p.b), 0);
  cr_assert_arr_eq(buf, "ijkl", 4, "readable although it was the last");
  cr_assert_eq(BIO_nread0(p.b, &buf), -1);
  cr_assert(BIO_should_read(p.b));
  cr_assert_eq(BIO_get_read_request(p.a), 1);
  cr_assert_eq(BIO_nread(p.b, &buf, 7), -1);
  cr_assert_eq(BIO_get_read_request(p.a), 7);
  free_both(p);
}

Test(bio_pair, nwrite0_shows_and_nwrite_commits) {
  two p = pair_of(8, 0);
  char *buf = NULL, out[8];
  BIO_write(p.a, "abcdef", 6);
  BIO_read(p.b, out, 4);
  BIO_read(p.b, out, 0);
  cr_assert_eq(BIO_nwrite0(p.a, &buf), 2, "up to the ring's end");
  cr_assert_eq(BIO_wpending(p.a), 2);
  memcpy(buf, "gh", 2);
  cr_assert_eq(BIO_nwrite(p.a, &buf, 99), 2);
  cr_assert_eq(BIO_nwrite0(p.a, NULL), 4);
  cr_assert_eq(BIO_nwrite(p.a, &buf, 0), 0);
  cr_assert_eq(BIO_nwrite(p.a, &buf, 4), 4);
  memcpy(buf, "ijkl", 4);
  cr_assert_eq(BIO_nwrite0(p.a, &buf), -1);
  cr_assert(BIO_should_write(p.a));
  cr_assert_eq(BIO_nwrite(p.a, &buf, 1), -1);
  cr_assert_eq(BIO_read(p.b, out, 8), 8);
  cr_assert_arr_eq(out, "efghijkl", 8);
  free_both(p);
}

Test(bio_pair, looking_for_space_does_not_end_a_request_but_committing_does) {
  two p = pair_of(8, 0);
  char *buf, c;
  BIO_read(p.b, &c, 1);
  BIO_nwrite0(p.a, &buf);
  cr_assert_eq(BIO_get_read_request(p.a), 1);
  buf[0] = 'x';
  BIO_nwrite(p.a, &buf, 1);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  free_both(p);
}

Test(bio_pair, space_that_was_shown_stays_whatever_the_peer_reads) {
  two p = pair_of(8, 0);
  char *buf, *same, out[8];
  BIO_write(p.a, "abc", 3);
  BIO_nwrite0(p.a, &buf);
  cr_assert_eq(BIO_read(p.b, out, 8), 3);
  cr_assert_eq(BIO_read(p.b, out, 8), -1);
  memcpy(buf, "de", 2);
  cr_assert_eq(BIO_nwrite(p.a, &same, 2), 2);
  cr_assert_eq(same, buf);
  cr_assert_eq(BIO_read(p.b, out, 8), 2);
  cr_assert_arr_eq(out, "de", 2);
  free_both(p);
}

Test(bio_pair, negative_lengths_are_refused) {
  two p = pair_of(0, 0);
  char *buf, c = 'x';
  BIO_write(p.a, "abc", 3);
  cr_assert_eq(BIO_nread(p.b, &buf, -1), -1);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_eq(BIO_nwrite(p.b, &buf, -1), -1);
  cr_assert(took_error(BIO_R_INVALID_ARGUMENT));
  cr_assert_leq(BIO_read(p.b, &c, -1), 0);
  cr_assert_leq(BIO_write(p.b, &c, -1), 0);
  ERR_clear_error();
  cr_assert_eq(BIO_pending(p.b), 3);
  cr_assert_eq(BIO_pending(p.a), 0);
  free_both(p);
}

// OpenSSL's programs may have been compiled with its macros: the numbers are its <openssl/bio.h>'s.
Test(bio_pair, the_ctrl_numbers_are_openssls) {
  BIO *a = BIO_new(BIO_s_bio()), *b = BIO_new(BIO_s_bio());
  char *buf, c;
  ERR_clear_error();
  cr_assert_eq(BIO_ctrl(a, 136, 9, NULL), 1);
  cr_assert_eq(BIO_ctrl(a, 137, 0, NULL), 9);
  cr_assert_eq(BIO_ctrl(a, 138, 0, b), 1);
  cr_assert_eq(BIO_ctrl(a, 140, 0, NULL), 9);
  BIO_read(b, &c, 1);
  cr_assert_eq(BIO_ctrl(a, 141, 0, NULL), 1);
  cr_assert_eq(BIO_ctrl(a, 147, 0, NULL), 1);
  cr_assert_eq(BIO_ctrl(a, 141, 0, NULL), 0);
  cr_assert_eq(BIO_ctrl(a, 145, 0, &buf), 9);
  buf[0] = 'x';
  cr_assert_eq(BIO_ctrl(a, 146, 1, &buf), 1);
  cr_assert_eq(BIO_ctrl(b, 143, 0, &buf), 1);
  cr_assert_eq(buf[0], 'x');
  cr_assert_eq(BIO_ctrl(b, 144, 5, &buf), 1);
  cr_assert_eq(BIO_ctrl(a, 142, 0, NULL), 1);
  cr_assert_eq(BIO_read(b, &c, 1), 0);
  cr_assert_eq(BIO_ctrl(a, 139, 0, NULL), 1);
  check_uninitialized(b);
  free_both((two){a, b});
}

Test(bio_pair, peek_consume_request_are_a_read_without_a_copy) {
  two p = pair_of(8, 0);
  uint8_t *data;
  char out[8];
  cr_assert_eq(hf_bio_peek(p.b, &data), 0);
  cr_assert_null(data);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  cr_assert_eq(hf_bio_request(p.b, 5), -1);
  cr_assert(BIO_should_retry(p.b) && BIO_should_read(p.b));
  cr_assert_eq(BIO_get_read_request(p.a), 5);
  BIO_write(p.a, "abc", 3);
  cr_assert_eq(hf_bio_peek(p.b, &data), 3);
  cr_assert_arr_eq(data, "abc", 3);
  cr_assert(BIO_should_read(p.b), "a look changes nothing");
  cr_assert_eq(hf_bio_request(p.b, 2), -1);
  cr_assert_eq(BIO_get_read_request(p.a), 2);
  data[1] = 'B';
  hf_bio_consume(p.b, 1);
  check_no_retry(p.b);
  cr_assert_eq(BIO_get_read_request(p.a), 0);
  cr_assert_eq(BIO_read(p.b, out, 8), 2);
  cr_assert_arr_eq(out, "Bc", 2);
  BIO_write(p.a, "de", 2);
  hf_bio_consume(p.b, 99);
  cr_assert_eq(BIO_pending(p.b), 0);
  free_both(p);
}

Test(bio_pair, request_tells_the_end_even_with_bytes_left) {
  two p = pair_of(8, 0);
  BIO_write(p.a, "abc", 3);
  BIO_shutdown_wr(p.a);
  cr_assert_eq(hf_bio_request(p.b, 2), 0);
  check_no_retry(p.b);
  cr_assert_eq(BIO_pending(p.b), 3);
  free_both(p);
}

Test(bio_pair, space_and_produce_are_a_write_without_a_copy) {
  two p = pair_of(4, 0);
  uint8_t *data;
  char out[8];
  cr_assert_eq(hf_bio_space(p.a, &data), 4);
  memcpy(data, "abcd", 4);
  hf_bio_produce(p.a, 3);
  cr_assert_eq(BIO_pending(p.b), 3);
  hf_bio_produce(p.a, 1);
  cr_assert_eq(BIO_pending(p.b), 3, "the loan is over");
  cr_assert_eq(hf_bio_space(p.a, &data), 1);
  data[0] = 'd';
  hf_bio_produce(p.a, 99);
  cr_assert_eq(hf_bio_space(p.a, &data), 0);
  cr_assert_null(data);
  cr_assert(BIO_should_write(p.a) && BIO_should_retry(p.a));
  cr_assert_eq(BIO_read(p.b, out, 8), 4);
  cr_assert_arr_eq(out, "abcd", 4);
  cr_assert_eq(hf_bio_space(p.a, &data), 4);
  check_no_retry(p.a);
  hf_bio_produce(p.a, 0);
  cr_assert_eq(BIO_pending(p.b), 0);
  free_both(p);
}

// A BIO that calls itself half of a pair, and answers 1 to everything.
static long yes(BIO *bio, int cmd, long larg, void *parg) {
  (void)bio, (void)cmd, (void)larg, (void)parg;
  return 1;
}

Test(bio_pair, a_stranger_is_known_and_left_alone) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_BIO, "stranger");
  BIO_meth_set_ctrl(method, yes);
  BIO *stranger = BIO_new(method), *mem = BIO_new(BIO_s_mem());
  uint8_t *data = (uint8_t *)"", *none = NULL;
  char *buf;
  ERR_clear_error();
  cr_assert_eq(hf_bio_pair_is(NULL), 0);
  cr_assert_eq(hf_bio_pair_is(stranger), 0);
  cr_assert_eq(hf_bio_pair_is(mem), 0);
  BIO_write(mem, "abc", 3);
  cr_assert_eq(hf_bio_peek(mem, &data), 0);
  cr_assert_eq(data, none);
  cr_assert_eq(hf_bio_space(stranger, &data), 0);
  hf_bio_consume(mem, 1);
  hf_bio_produce(mem, 1);
  cr_assert_eq(BIO_pending(mem), 3);
  cr_assert_eq(hf_bio_request(mem, 1), -2);
  cr_assert_eq(BIO_nread0(stranger, &buf), -2);
  cr_assert_eq(BIO_nwrite(mem, &buf, 1), -2);
  ERR_clear_error();
  cr_assert_eq(BIO_ctrl_get_write_guarantee(NULL), 0);
  cr_assert_eq(BIO_ctrl_wpending(NULL), 0);
  cr_assert_eq(BIO_shutdown_wr(NULL), 0);
  BIO_free(stranger);
  BIO_free(mem);
  BIO_meth_free(method);
}
