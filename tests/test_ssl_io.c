/* SSL_read, SSL_write and what belongs to them: section 5 of what SSL_* must do. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ssl_pair.h"

static struct ssl_pair pair;
static char buf[20000];
static uint8_t data[40000];

static void set_up(void) {
  cr_assert(ssl_pair_ready(&pair, 0));
  /* The server's tickets, out of the way. */
  cr_assert_eq(SSL_write(pair.server, "", 0), 0);
  cr_assert_eq(SSL_read(pair.client, buf, sizeof(buf)), -1);
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(pair.client)), 0);
  for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)(i * 31 + (i >> 8));
}

static void tear_down(void) { ssl_pair_free(&pair); }

TestSuite(ssl_io, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect(SSL *ssl, int ret, int expected_ret, int expected_error) {
  cr_assert_eq(ret, expected_ret, "returned %d, not %d", ret, expected_ret);
  int error = SSL_get_error(ssl, ret);
  cr_assert_eq(error, expected_error, "SSL_get_error: %s, not %s; queue: %s",
               SSL_error_description(error), SSL_error_description(expected_error),
               ERR_reason_error_string(ERR_peek_error()));
}

/* wire is the bytes on their way to |ssl|. */
static size_t wire(SSL *ssl) { return BIO_ctrl_pending(SSL_get_rbio(ssl)); }

/* read_all reads |len| bytes that must be those of |data|, and lets |writer| go on with |retry|
 * when there are none. */
static void read_all(SSL *ssl, size_t len) {
  static uint8_t got[40000];
  size_t have = 0;
  while (have < len) {
    int ret = SSL_read(ssl, got + have, (int)(len - have));
    cr_assert_gt(ret, 0, "after %zu bytes", have);
    have += (size_t)ret;
  }
  cr_assert(memcmp(got, data, len) == 0);
}

/* ---- Reading ---- */

Test(ssl_io, data_goes_both_ways) {
  expect(pair.client, SSL_write(pair.client, "ping", 4), 4, SSL_ERROR_NONE);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 4, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "ping", 4) == 0);
  expect(pair.server, SSL_write(pair.server, "pong!", 5), 5, SSL_ERROR_NONE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 5, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "pong!", 5) == 0);
}

Test(ssl_io, nothing_there_is_want_read) {
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  cr_assert(SSL_want_read(pair.client));
  expect(pair.client, SSL_read(pair.client, buf, 0), -1, SSL_ERROR_WANT_READ);
  expect(pair.client, SSL_peek(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
}

Test(ssl_io, stale_errors_do_not_hide_want_read) {
  ERR_put_error(ERR_LIB_SSL, 0, SSL_R_BAD_LENGTH, "stale", 1);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
}

Test(ssl_io, end_of_transport_is_0_syscall_and_repeatable) {
  BIO_shutdown_wr(SSL_get_wbio(pair.server));
  for (int i = 0; i < 3; i++) {
    expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_SYSCALL);
    cr_assert_eq(ERR_peek_error(), 0);
  }
  /* The connection is none the worse for it. */
  expect(pair.client, SSL_write(pair.client, "x", 1), 1, SSL_ERROR_NONE);
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 1, SSL_ERROR_NONE);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
}

Test(ssl_io, close_notify_is_0_zero_return_and_writing_goes_on) {
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  for (int i = 0; i < 3; i++)
    expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_RECEIVED_SHUTDOWN);
  expect(pair.client, SSL_write(pair.client, "still", 5), 5, SSL_ERROR_NONE);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 5, SSL_ERROR_NONE);
}

Test(ssl_io, end_of_transport_after_close_notify_is_still_zero_return) {
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  BIO_shutdown_wr(SSL_get_wbio(pair.server));
  for (int i = 0; i < 2; i++)
    expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
}

Test(ssl_io, a_damaged_record_fails_every_later_read) {
  char *bytes;
  cr_assert_eq(SSL_write(pair.server, "damage", 6), 6);
  cr_assert_gt(BIO_nread0(SSL_get_rbio(pair.client), &bytes), 10);
  bytes[8] ^= 1;
  for (int i = 0; i < 3; i++) {
    expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
    cr_assert_eq(first_reason(), SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
  }
  /* The client has sent a fatal alert: it may not write after that. */
  expect(pair.client, SSL_write(pair.client, "x", 1), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC);
}

Test(ssl_io, a_received_fatal_alert_ends_writing_too) {
  char *bytes;
  cr_assert_eq(SSL_write(pair.server, "damage", 6), 6);
  cr_assert_gt(BIO_nread0(SSL_get_rbio(pair.client), &bytes), 10);
  bytes[8] ^= 1;
  (void)SSL_read(pair.client, buf, sizeof(buf));
  (void)SSL_read(pair.server, buf, sizeof(buf));
  /* RFC 9846 6.2: both must close at once. */
  expect(pair.server, SSL_write(pair.server, "x", 1), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC);
}

Test(ssl_io, reading_goes_on_past_what_is_no_data) {
  cr_assert_eq(SSL_key_update(pair.server, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  cr_assert_eq(SSL_write(pair.server, "new key", 7), 7);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 7, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "new key", 7) == 0);
}

Test(ssl_io, one_record_for_each_read) {
  cr_assert_eq(SSL_write(pair.server, "one", 3), 3);
  cr_assert_eq(SSL_write(pair.server, "two", 3), 3);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 3, SSL_ERROR_NONE);
  /* The second stays in the BIO, and neither function knows of it. */
  cr_assert_eq(SSL_pending(pair.client), 0);
  cr_assert_eq(SSL_has_pending(pair.client), 0);
  cr_assert_gt(wire(pair.client), 0);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 3, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "two", 3) == 0);
}

Test(ssl_io, pending_counts_what_is_left_of_the_record) {
  cr_assert_eq(SSL_write(pair.server, "0123456789", 10), 10);
  cr_assert_eq(SSL_pending(pair.client), 0);
  expect(pair.client, SSL_read(pair.client, buf, 3), 3, SSL_ERROR_NONE);
  cr_assert_eq(SSL_pending(pair.client), 7);
  cr_assert_eq(SSL_has_pending(pair.client), 1);
  expect(pair.client, SSL_read(pair.client, buf, 7), 7, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "3456789", 7) == 0);
  cr_assert_eq(SSL_pending(pair.client), 0);
  cr_assert_eq(SSL_has_pending(pair.client), 0);
}

Test(ssl_io, one_byte_short_of_a_record) {
  BIO *net, *bio;
  char record[64];
  cr_assert_eq(SSL_write(pair.server, "short", 5), 5);
  int len = BIO_read(SSL_get_rbio(pair.client), record, sizeof(record));
  cr_assert(BIO_new_bio_pair(&bio, 0, &net, 0));
  SSL_set0_rbio(pair.client, bio);
  cr_assert_eq(BIO_write(net, record, len - 1), len - 1);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_pending(pair.client), 0);
  cr_assert_eq(SSL_has_pending(pair.client), 1);
  cr_assert_eq(BIO_ctrl_get_read_request(net), 1);
  cr_assert_eq(BIO_write(net, record + len - 1, 1), 1);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 5, SSL_ERROR_NONE);
  BIO_free(net);
}

Test(ssl_io, peek_leaves_the_data) {
  cr_assert_eq(SSL_write(pair.server, "peekaboo", 8), 8);
  expect(pair.client, SSL_peek(pair.client, buf, 4), 4, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "peek", 4) == 0);
  cr_assert_eq(SSL_pending(pair.client), 8);
  expect(pair.client, SSL_peek(pair.client, buf, sizeof(buf)), 8, SSL_ERROR_NONE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 8, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "peekaboo", 8) == 0);
  expect(pair.client, SSL_peek(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
}

Test(ssl_io, what_was_peeked_outlives_the_other_half) {
  cr_assert_eq(SSL_write(pair.server, "survivor", 8), 8);
  expect(pair.client, SSL_peek(pair.client, buf, 1), 1, SSL_ERROR_NONE);
  SSL_free(pair.server);
  pair.server = NULL;
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 8, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "survivor", 8) == 0);
}

Test(ssl_io, read_ahead_takes_more_than_one_record) {
  SSL_set_read_ahead(pair.client, 1);
  cr_assert_eq(SSL_write(pair.server, "one", 3), 3);
  cr_assert_eq(SSL_write(pair.server, "two", 3), 3);
  expect(pair.client, SSL_peek(pair.client, buf, sizeof(buf)), 3, SSL_ERROR_NONE);
  cr_assert_eq(wire(pair.client), 0);
  cr_assert_eq(SSL_has_pending(pair.client), 1);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 3, SSL_ERROR_NONE);
  cr_assert_eq(SSL_pending(pair.client), 0);
  cr_assert_eq(SSL_has_pending(pair.client), 1);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 3, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "two", 3) == 0);
  cr_assert_eq(SSL_has_pending(pair.client), 0);
}

Test(ssl_io, negative_lengths_are_refused) {
  expect(pair.client, SSL_read(pair.client, buf, -1), -1, SSL_ERROR_SSL);
  expect(pair.client, SSL_write(pair.client, buf, -1), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BAD_LENGTH);
}

Test(ssl_io, ex_forms_return_1_and_the_count) {
  size_t n = 77;
  cr_assert_eq(SSL_write_ex(pair.server, "abcdef", 6, &n), 1);
  cr_assert_eq(n, 6);
  cr_assert_eq(SSL_peek_ex(pair.client, buf, 2, &n), 1);
  cr_assert_eq(n, 2);
  cr_assert_eq(SSL_read_ex(pair.client, buf, sizeof(buf), &n), 1);
  cr_assert_eq(n, 6);
  cr_assert_eq(SSL_read_ex(pair.client, buf, sizeof(buf), &n), 0);
  cr_assert_eq(n, 0);
  cr_assert_eq(SSL_get_error(pair.client, 0), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_peek_ex(pair.client, buf, sizeof(buf), &n), 0);
  cr_assert_eq(SSL_get_error(pair.client, 0), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  cr_assert_eq(SSL_read_ex(pair.client, buf, sizeof(buf), &n), 0);
  cr_assert_eq(SSL_get_error(pair.client, 0), SSL_ERROR_ZERO_RETURN);
}

/* ---- Writing ---- */

Test(ssl_io, a_full_ring_is_want_write_and_a_record_is_kept) {
  expect(pair.server, SSL_write(pair.server, data, 40000), -1, SSL_ERROR_WANT_WRITE);
  cr_assert(SSL_want_write(pair.server));
  /* One record is out, as much as fits of the next too. */
  cr_assert_eq(wire(pair.client), 17408);
  read_all(pair.client, 16384);
  expect(pair.server, SSL_write(pair.server, data, 40000), -1, SSL_ERROR_WANT_WRITE);
  read_all(pair.client, 0);
}

Test(ssl_io, without_partial_write_the_count_comes_when_all_is_out) {
  static uint8_t got[40000];
  size_t have = 0;
  int ret;
  while ((ret = SSL_write(pair.server, data, 40000)) < 0) {
    cr_assert_eq(SSL_get_error(pair.server, ret), SSL_ERROR_WANT_WRITE);
    ret = SSL_read(pair.client, got + have, (int)(sizeof(got) - have));
    if (ret > 0) have += (size_t)ret;
  }
  cr_assert_eq(ret, 40000);
  while (have < sizeof(got)) {
    ret = SSL_read(pair.client, got + have, (int)(sizeof(got) - have));
    cr_assert_gt(ret, 0);
    have += (size_t)ret;
  }
  cr_assert(memcmp(got, data, sizeof(got)) == 0);
}

Test(ssl_io, partial_write_returns_after_each_record_that_went_out) {
  SSL_set_mode(pair.server, SSL_MODE_ENABLE_PARTIAL_WRITE);
  expect(pair.server, SSL_write(pair.server, data, 40000), 16384, SSL_ERROR_NONE);
  expect(pair.server, SSL_write(pair.server, data + 16384, 40000 - 16384), -1,
         SSL_ERROR_WANT_WRITE);
  read_all(pair.client, 16384);
  expect(pair.server, SSL_write(pair.server, data + 16384, 40000 - 16384), 16384, SSL_ERROR_NONE);
}

Test(ssl_io, a_retry_may_come_from_another_buffer) {
  uint8_t *copy = malloc(20000);
  memcpy(copy, data, 20000);
  expect(pair.server, SSL_write(pair.server, copy, 20000), -1, SSL_ERROR_WANT_WRITE);
  memset(copy, 0xee, 20000);
  free(copy);
  static uint8_t got[20000];
  size_t have = 0;
  int ret;
  while ((ret = SSL_write(pair.server, data, 20000)) < 0) {
    int n = SSL_read(pair.client, got + have, (int)(sizeof(got) - have));
    cr_assert_gt(n, 0);
    have += (size_t)n;
  }
  cr_assert_eq(ret, 20000);
  while (have < sizeof(got)) {
    int n = SSL_read(pair.client, got + have, (int)(sizeof(got) - have));
    cr_assert_gt(n, 0);
    have += (size_t)n;
  }
  cr_assert(memcmp(got, data, sizeof(got)) == 0);
}

/* block leaves a first write of |len| bytes blocked in its first record. */
static void block(int len) {
  cr_assert_eq(SSL_write(pair.server, data, 10000), 10000);
  expect(pair.server, SSL_write(pair.server, data, len), -1, SSL_ERROR_WANT_WRITE);
}

Test(ssl_io, a_shorter_retry_is_refused_and_a_correct_one_goes_on) {
  block(16000);
  expect(pair.server, SSL_write(pair.server, data, 15999), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BAD_WRITE_RETRY);
  read_all(pair.client, 10000);
  expect(pair.server, SSL_write(pair.server, data, 16000), 16000, SSL_ERROR_NONE);
  read_all(pair.client, 16000);
}

Test(ssl_io, a_retry_below_what_has_left_is_bad_length) {
  expect(pair.server, SSL_write(pair.server, data, 40000), -1, SSL_ERROR_WANT_WRITE);
  expect(pair.server, SSL_write(pair.server, data, 16383), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BAD_LENGTH);
  expect(pair.server, SSL_write(pair.server, data, 40000), -1, SSL_ERROR_WANT_WRITE);
}

Test(ssl_io, a_longer_retry_is_taken_whole) {
  block(16000);
  read_all(pair.client, 10000);
  expect(pair.server, SSL_write(pair.server, data, 16500), 16500, SSL_ERROR_NONE);
  read_all(pair.client, 16500);
}

Test(ssl_io, reading_while_a_write_is_blocked) {
  block(16000);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_write(pair.client, "other way", 9), 9);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 9, SSL_ERROR_NONE);
  read_all(pair.client, 10000);
  expect(pair.server, SSL_write(pair.server, data, 16000), 16000, SSL_ERROR_NONE);
  read_all(pair.client, 16000);
}

Test(ssl_io, writing_nothing_returns_0) {
  cr_assert_eq(SSL_write(pair.client, "", 0), 0);
  cr_assert_eq(SSL_get_error(pair.client, 0), SSL_ERROR_SYSCALL);
}

Test(ssl_io, writing_after_our_close_notify_is_refused) {
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  expect(pair.client, SSL_write(pair.client, "x", 1), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN);
}

Test(ssl_io, read_never_wants_to_write) {
  /* The client's ring is full and it has a KeyUpdate to answer. */
  cr_assert_eq(SSL_write(pair.client, data, 16384), 16384);
  expect(pair.client, SSL_write(pair.client, data, 16384), -1, SSL_ERROR_WANT_WRITE);
  cr_assert_eq(SSL_key_update(pair.server, SSL_KEY_UPDATE_REQUESTED), 1);
  cr_assert_eq(SSL_write(pair.server, "answer me", 9), 9);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 9, SSL_ERROR_NONE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  read_all(pair.server, 16384);
  expect(pair.client, SSL_write(pair.client, data, 16384), 16384, SSL_ERROR_NONE);
  read_all(pair.server, 16384);
}

/* ---- KeyUpdate ---- */

Test(ssl_io, a_requested_key_update_is_answered_once_with_the_next_write) {
  size_t before = wire(pair.server);
  for (int i = 0; i < 3; i++) {
    cr_assert_eq(SSL_key_update(pair.server, SSL_KEY_UPDATE_REQUESTED), 1);
    cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
    expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 1, SSL_ERROR_NONE);
  }
  cr_assert_eq(wire(pair.server), before);
  cr_assert_eq(SSL_write(pair.client, "y", 1), 1);
  /* One KeyUpdate of 5 bytes, and 1 byte of data, each in a record: 22 bytes more (RFC
   * 9846 4.7.3, 5.2). */
  cr_assert_eq(wire(pair.server) - before, (5 + 22) + (1 + 22));
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 1, SSL_ERROR_NONE);
}

Test(ssl_io, key_update_waits_for_the_next_write) {
  size_t before = wire(pair.client);
  cr_assert_eq(SSL_key_update(pair.server, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  cr_assert_eq(wire(pair.client), before);
  cr_assert_eq(SSL_write(pair.server, "", 0), 0);
  cr_assert_gt(wire(pair.client), before);
}

Test(ssl_io, key_update_before_the_handshake_is_done_is_refused) {
  struct ssl_pair fresh;
  cr_assert(ssl_pair_default(&fresh, 0));
  cr_assert_eq(SSL_key_update(fresh.client, SSL_KEY_UPDATE_REQUESTED), 0);
  cr_assert_eq(first_reason(), SSL_R_HANDSHAKE_NOT_COMPLETE);
  cr_assert_eq(SSL_key_update(pair.client, 7), 0);
  ssl_pair_free(&fresh);
}

/* ---- What is the same on both sides ---- */

Test(ssl_io, keying_material_is_the_same_on_both_sides) {
  uint8_t a[40], b[40], c[40];
  cr_assert_eq(SSL_export_keying_material(pair.client, a, 40, "EXPORTER-test", 13, data, 10, 1), 1);
  cr_assert_eq(SSL_export_keying_material(pair.server, b, 40, "EXPORTER-test", 13, data, 10, 1), 1);
  cr_assert(memcmp(a, b, 40) == 0);
  cr_assert_eq(SSL_export_keying_material(pair.server, c, 40, "EXPORTER-test", 13, data, 9, 1), 1);
  cr_assert(memcmp(a, c, 40) != 0);
  cr_assert_eq(SSL_export_keying_material(pair.server, c, 40, "EXPORTER-tesu", 13, data, 10, 1), 1);
  cr_assert(memcmp(a, c, 40) != 0);
  /* RFC 9846 7.5: no context is an empty one. */
  cr_assert_eq(SSL_export_keying_material(pair.client, a, 40, "EXPORTER-test", 13, NULL, 0, 0), 1);
  cr_assert_eq(SSL_export_keying_material(pair.server, b, 40, "EXPORTER-test", 13, NULL, 0, 1), 1);
  cr_assert(memcmp(a, b, 40) == 0);
}

Test(ssl_io, keying_material_can_be_had_at_any_time_after) {
  uint8_t a[16], b[16];
  cr_assert_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  cr_assert_eq(SSL_export_keying_material(pair.client, a, 16, "EXPORTER-test", 13, NULL, 0, 0), 1);
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  cr_assert_eq(SSL_export_keying_material(pair.server, b, 16, "EXPORTER-test", 13, NULL, 0, 0), 1);
  cr_assert(memcmp(a, b, 16) == 0);
}

Test(ssl_io, keying_material_before_the_handshake_is_done_is_refused) {
  struct ssl_pair fresh;
  uint8_t a[40];
  cr_assert(ssl_pair_default(&fresh, 0));
  cr_assert_eq(SSL_export_keying_material(fresh.client, a, 40, "EXPORTER-test", 13, NULL, 0, 0), 0);
  cr_assert_eq(first_reason(), SSL_R_HANDSHAKE_NOT_COMPLETE);
  ssl_pair_free(&fresh);
}

struct secrets {
  const uint8_t *read, *write;
  size_t read_len, write_len;
};

static int get_secrets(struct secrets *out, const SSL *ssl) {
  memset(out, 1, sizeof *out);
  return SSL_get_traffic_secrets(ssl, &out->read, &out->read_len, &out->write, &out->write_len);
}

static bool same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
  return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* check_secrets: what one side reads under the other writes under.  The client's go to |copy|. */
static void check_secrets(uint8_t copy[2][48]) {
  struct secrets client, server;
  cr_assert(get_secrets(&client, pair.client) == 1 && get_secrets(&server, pair.server) == 1);
  size_t hash = EVP_MD_size(SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(pair.client)));
  cr_assert_eq(client.read_len, hash);
  cr_assert(same(client.read, client.read_len, server.write, server.write_len));
  cr_assert(same(client.write, client.write_len, server.read, server.read_len));
  cr_assert_not(same(client.read, client.read_len, client.write, client.write_len));
  memcpy(copy[0], client.read, client.read_len);
  memcpy(copy[1], client.write, client.write_len);
}

/* RFC 9846 7.2: each KeyUpdate brings the next. */
Test(ssl_io, traffic_secrets_are_those_in_force) {
  uint8_t first[2][48] = {{0}}, second[2][48] = {{0}}, third[2][48] = {{0}};
  check_secrets(first);
  cr_assert_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  cr_assert_eq(SSL_write(pair.client, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.server, buf, sizeof(buf)), 1);
  check_secrets(second);
  cr_assert(memcmp(first[0], second[0], 48) == 0 && memcmp(first[1], second[1], 48) != 0);
  cr_assert_eq(SSL_key_update(pair.server, SSL_KEY_UPDATE_REQUESTED), 1);
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, buf, sizeof(buf)), 1);
  cr_assert_eq(SSL_write(pair.client, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.server, buf, sizeof(buf)), 1);
  check_secrets(third);
  cr_assert(memcmp(second[0], third[0], 48) != 0 && memcmp(second[1], third[1], 48) != 0);
}

Test(ssl_io, traffic_secrets_there_are_none) {
  struct ssl_pair fresh;
  struct secrets none;
  cr_assert(ssl_pair_default(&fresh, 0));
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(get_secrets(&none, fresh.client), 0);
    cr_assert_eq(first_reason(), SSL_R_HANDSHAKE_NOT_COMPLETE);
    cr_assert(none.read == NULL && none.write == NULL && none.read_len + none.write_len == 0);
    ERR_clear_error();
    (void)SSL_connect(fresh.client);
  }
  ssl_pair_free(&fresh);
  cr_assert(ssl_pair_default(&fresh, 0));
  cr_assert_eq(SSL_set_max_proto_version(fresh.client, TLS1_2_VERSION), 1);
  cr_assert(ssl_pair_handshake(&fresh));
  cr_assert_eq(get_secrets(&none, fresh.server), 0);
  cr_assert_eq(first_reason(), SSL_R_WRONG_SSL_VERSION);
  ssl_pair_free(&fresh);
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  cr_assert_eq(get_secrets(&none, pair.client), 1);
  cr_assert_eq(SSL_send_fatal_alert(pair.server, SSL_AD_INTERNAL_ERROR), 1);
  cr_assert_eq(get_secrets(&none, pair.server), 0);
  cr_assert_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN);
  cr_assert(none.read == NULL && none.write == NULL && none.read_len + none.write_len == 0);
}

Test(ssl_io, finished_of_one_is_the_peers_of_the_other) {
  uint8_t a[64], b[64];
  size_t len = SSL_get_finished(pair.client, a, sizeof(a));
  cr_assert(len == 32 || len == 48);
  cr_assert_eq(SSL_get_peer_finished(pair.server, b, sizeof(b)), len);
  cr_assert(memcmp(a, b, len) == 0);
  cr_assert_eq(SSL_get_finished(pair.server, a, sizeof(a)), len);
  cr_assert(memcmp(a, b, len) != 0);
  cr_assert_eq(SSL_get_peer_finished(pair.client, b, sizeof(b)), len);
  cr_assert(memcmp(a, b, len) == 0);
}

/* ---- Before the handshake ---- */

Test(ssl_io, read_and_write_do_the_handshake) {
  struct ssl_pair fresh;
  cr_assert(ssl_pair_default(&fresh, 0));
  expect(fresh.client, SSL_write(fresh.client, "hello", 5), -1, SSL_ERROR_WANT_READ);
  expect(fresh.server, SSL_read(fresh.server, buf, sizeof(buf)), -1, SSL_ERROR_WANT_READ);
  expect(fresh.client, SSL_write(fresh.client, "hello", 5), 5, SSL_ERROR_NONE);
  expect(fresh.server, SSL_read(fresh.server, buf, sizeof(buf)), 5, SSL_ERROR_NONE);
  cr_assert(SSL_is_init_finished(fresh.client) && SSL_is_init_finished(fresh.server));
  ssl_pair_free(&fresh);
}

Test(ssl_io, records_larger_than_the_ring) {
  struct ssl_pair fresh;
  static uint8_t got[40000];
  size_t have = 0;
  int ret;
  cr_assert(ssl_pair_ready(&fresh, 64));
  for (long turns = 0; have < sizeof(got) && turns < 1000000; turns++) {
    (void)SSL_write(fresh.client, data, sizeof(data));
    ret = SSL_read(fresh.server, got + have, (int)(sizeof(got) - have));
    if (ret > 0) have += (size_t)ret;
  }
  cr_assert_eq(have, sizeof(got));
  cr_assert(memcmp(got, data, sizeof(got)) == 0);
  ssl_pair_free(&fresh);
}

Test(ssl_io, max_send_fragment_cuts_records) {
  SSL_set_max_send_fragment(pair.server, 512);
  cr_assert_eq(SSL_write(pair.server, data, 1000), 1000);
  cr_assert_eq(SSL_read(pair.client, buf, sizeof(buf)), 512);
  cr_assert_eq(SSL_read(pair.client, buf, sizeof(buf)), 488);
}

/* ---- What users of buffering BIOs trip over ---- */

Test(ssl_io, an_alert_found_while_reading_goes_out_with_later_calls) {
  char *bytes;
  cr_assert_eq(SSL_write(pair.client, data, 16384), 16384);
  expect(pair.client, SSL_write(pair.client, data, 16384), -1, SSL_ERROR_WANT_WRITE);
  cr_assert_eq(SSL_write(pair.server, "damage", 6), 6);
  cr_assert_gt(BIO_nread0(SSL_get_rbio(pair.client), &bytes), 10);
  bytes[8] ^= 1;
  /* The ring is full: there is no room for the alert. */
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  read_all(pair.server, 16384);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  /* The record that was sealed goes first, and then the alert. */
  read_all(pair.server, 16384);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC);
}

Test(ssl_io, want_read_leaves_nothing_in_the_bio) {
  struct ssl_pair fresh;
  cr_assert(ssl_pair_ready(&fresh, 64));
  size_t have = 0;
  for (int turns = 0; have < 5000 && turns < 10000; turns++) {
    (void)SSL_write(fresh.client, data, 5000);
    int ret = SSL_read(fresh.server, buf, sizeof(buf));
    if (ret > 0) {
      have += (size_t)ret;
    } else {
      cr_assert_eq(SSL_get_error(fresh.server, ret), SSL_ERROR_WANT_READ);
      cr_assert_eq(wire(fresh.server), 0);
      cr_assert_gt(BIO_ctrl_get_read_request(SSL_get_wbio(fresh.client)), 0);
    }
  }
  cr_assert_eq(have, 5000);
  ssl_pair_free(&fresh);
}

Test(ssl_io, write_never_wants_to_read) {
  /* Not even with data and a KeyUpdate that nobody has read. */
  cr_assert_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_REQUESTED), 1);
  cr_assert_eq(SSL_write(pair.client, "unread", 6), 6);
  cr_assert_eq(SSL_write(pair.server, data, 16384), 16384);
  expect(pair.server, SSL_write(pair.server, data, 16384), -1, SSL_ERROR_WANT_WRITE);
}

/* next is a number from 0 to |below| - 1. */
static unsigned next(unsigned below) {
  static uint32_t state = 12345;
  state = state * 1664525 + 1013904223;
  return (state >> 8) % below;
}

/* Records of every length at every place of the ring, so that some lie in one piece and some go
 * round its end; read, and peeked at, in pieces of every size; with and without read-ahead. */
static void walk(size_t ring, int read_ahead) {
  struct ssl_pair fresh;
  size_t sent = 0, got = 0, record = 0;
  cr_assert(ssl_pair_ready(&fresh, ring));
  SSL_set_read_ahead(fresh.server, read_ahead);
  for (int turns = 0; turns < 3000; turns++) {
    if (record == 0) record = 1 + next(next(4) == 0 ? 16384 : 300);
    /* Byte |i| of the stream is data[i % 256]. */
    int ret = SSL_write(fresh.client, data + sent % 256, (int)record);
    if (ret > 0) {
      sent += (size_t)ret;
      record = 0;
    }
    int len = (int)next(next(2) == 0 ? 20000 : 200);
    if (next(3) == 0) {
      ret = SSL_peek(fresh.server, buf, len);
      if (ret > 0) cr_assert(memcmp(buf, data + got % 256, (size_t)ret) == 0);
    }
    ret = SSL_read(fresh.server, buf, len);
    if (ret > 0) {
      cr_assert(memcmp(buf, data + got % 256, (size_t)ret) == 0);
      got += (size_t)ret;
    }
  }
  cr_assert_gt(got, 100000);
  ssl_pair_free(&fresh);
}

Test(ssl_io, walk_through_a_ring) {
  for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)(i % 256 * 7);
  walk(17408, 0);
  walk(40000, 0);
  walk(17408, 1);
  walk(333, 0);
}
