/* SSL_shutdown: section 6 of what SSL_* must do. */
#include <criterion/criterion.h>
#include <string.h>

#include "ssl_pair.h"

static struct ssl_pair pair;
static char buf[20000];
static uint8_t data[20000];

static void set_up(void) {
  cr_assert(ssl_pair_ready(&pair, 0));
  for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)(i * 17);
}

static void tear_down(void) { ssl_pair_free(&pair); }

TestSuite(ssl_shutdown, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect(SSL *ssl, int ret, int expected_ret, int expected_error) {
  cr_assert_eq(ret, expected_ret, "returned %d, not %d", ret, expected_ret);
  int error = SSL_get_error(ssl, ret);
  cr_assert_eq(error, expected_error, "SSL_get_error: %s, not %s; queue: %s",
               SSL_error_description(error), SSL_error_description(expected_error),
               ERR_reason_error_string(ERR_peek_error()));
}

Test(ssl_shutdown, first_call_sends_and_returns_0) {
  cr_assert_eq(SSL_get_shutdown(pair.client), 0);
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  /* RFC 9846 5.2, 6.1: an alert of 2 bytes, its type, the tag, a header. */
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(pair.server)), 5 + 2 + 1 + 16);
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_SENT_SHUTDOWN);
  cr_assert_eq(SSL_get_error(pair.client, 0), SSL_ERROR_SYSCALL);
}

Test(ssl_shutdown, first_call_returns_1_if_the_peer_was_first) {
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
  cr_assert_eq(SSL_get_shutdown(pair.server), SSL_RECEIVED_SHUTDOWN);
  cr_assert_eq(SSL_shutdown(pair.server), 1);
  cr_assert_eq(SSL_get_shutdown(pair.server), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  cr_assert_eq(SSL_shutdown(pair.client), 1);
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  cr_assert_eq(SSL_shutdown(pair.client), 1);
}

Test(ssl_shutdown, second_call_waits_for_the_peer) {
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  expect(pair.client, SSL_shutdown(pair.client), -1, SSL_ERROR_WANT_READ);
  expect(pair.client, SSL_shutdown(pair.client), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(pair.server)), 24);
}

Test(ssl_shutdown, data_that_comes_meanwhile_is_kept) {
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  cr_assert_eq(SSL_write(pair.server, "late", 4), 4);
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  for (int i = 0; i < 2; i++) {
    expect(pair.client, SSL_shutdown(pair.client), -1, SSL_ERROR_SSL);
    cr_assert_eq(first_reason(), SSL_R_APPLICATION_DATA_ON_SHUTDOWN);
  }
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 4, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, "late", 4) == 0);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
  cr_assert_eq(SSL_shutdown(pair.client), 1);
}

Test(ssl_shutdown, half_close_lets_the_other_side_write_on) {
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
  expect(pair.server, SSL_write(pair.server, "answer", 6), 6, SSL_ERROR_NONE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 6, SSL_ERROR_NONE);
  cr_assert_eq(SSL_shutdown(pair.server), 1);
  cr_assert_eq(SSL_shutdown(pair.client), 1);
}

Test(ssl_shutdown, end_of_transport_instead_of_close_notify_is_syscall) {
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  BIO_shutdown_wr(SSL_get_wbio(pair.server));
  expect(pair.client, SSL_shutdown(pair.client), -1, SSL_ERROR_SYSCALL);
}

Test(ssl_shutdown, during_a_handshake_nothing_is_sent) {
  struct ssl_pair fresh;
  cr_assert(ssl_pair_default(&fresh, 0));
  cr_assert_eq(SSL_shutdown(fresh.client), 1);
  (void)SSL_connect(fresh.client);
  size_t hello = BIO_ctrl_pending(SSL_get_rbio(fresh.server));
  cr_assert_eq(SSL_shutdown(fresh.client), 1);
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(fresh.server)), hello);
  cr_assert_eq(SSL_get_shutdown(fresh.client), 0);
  cr_assert(ssl_pair_handshake(&fresh));
  ssl_pair_free(&fresh);
}

Test(ssl_shutdown, after_a_failed_handshake_nothing_is_sent) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = ssl_half(&net, ctx, false, 0);
  (void)SSL_connect(ssl);
  cr_assert_eq(BIO_write(net, "not TLS at all", 14), 14);
  expect(ssl, SSL_connect(ssl), -1, SSL_ERROR_SSL);
  size_t sent = BIO_ctrl_pending(net);
  cr_assert_eq(SSL_shutdown(ssl), 1);
  cr_assert_eq(BIO_ctrl_pending(net), sent);
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

Test(ssl_shutdown, waits_for_a_blocked_write_and_marks_nothing_meanwhile) {
  cr_assert_eq(SSL_write(pair.server, data, 10000), 10000);
  expect(pair.server, SSL_write(pair.server, data, 16000), -1, SSL_ERROR_WANT_WRITE);
  expect(pair.server, SSL_shutdown(pair.server), -1, SSL_ERROR_WANT_WRITE);
  cr_assert_eq(SSL_get_shutdown(pair.server), 0);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 10000, SSL_ERROR_NONE);
  /* The write can still be finished, and the connection closed after it. */
  expect(pair.server, SSL_write(pair.server, data, 16000), 16000, SSL_ERROR_NONE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 16000, SSL_ERROR_NONE);
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
}

Test(ssl_shutdown, finishes_the_record_of_a_blocked_write_by_itself) {
  cr_assert_eq(SSL_write(pair.server, data, 10000), 10000);
  expect(pair.server, SSL_write(pair.server, data, 16000), -1, SSL_ERROR_WANT_WRITE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 10000, SSL_ERROR_NONE);
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 16000, SSL_ERROR_NONE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
}

Test(ssl_shutdown, close_notify_that_does_not_fit_is_want_write) {
  struct ssl_pair small;
  cr_assert(ssl_pair_ready(&small, 5));
  int ret, wants = 0;
  while ((ret = SSL_shutdown(small.client)) < 0) {
    cr_assert_eq(SSL_get_error(small.client, ret), SSL_ERROR_WANT_WRITE);
    wants++;
    cr_assert_eq(SSL_get_shutdown(small.client), SSL_SENT_SHUTDOWN);
    (void)SSL_read(small.server, buf, sizeof(buf));
  }
  cr_assert_eq(ret, 0);
  cr_assert_gt(wants, 2);
  expect(small.server, SSL_read(small.server, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
  ssl_pair_free(&small);
}

Test(ssl_shutdown, sends_what_the_server_still_had_to_say) {
  size_t before = BIO_ctrl_pending(SSL_get_rbio(pair.client));
  cr_assert_eq(before, 0);
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  /* The tickets, then close_notify. */
  cr_assert_gt(BIO_ctrl_pending(SSL_get_rbio(pair.client)), 24);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
}

Test(ssl_shutdown, quiet_shutdown_sends_nothing) {
  cr_assert_eq(SSL_get_quiet_shutdown(pair.client), 0);
  SSL_set_quiet_shutdown(pair.client, 1);
  cr_assert_eq(SSL_get_quiet_shutdown(pair.client), 1);
  cr_assert_eq(SSL_shutdown(pair.client), 1);
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(pair.server)), 0);
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
  expect(pair.client, SSL_write(pair.client, "x", 1), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN);
}

Test(ssl_shutdown, quiet_shutdown_of_an_ssl_ctx_is_its_ssls) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL_CTX_set_quiet_shutdown(ctx, 1);
  cr_assert_eq(SSL_CTX_get_quiet_shutdown(ctx), 1);
  SSL *ssl = SSL_new(ctx);
  cr_assert_eq(SSL_get_quiet_shutdown(ssl), 1);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

Test(ssl_shutdown, set_shutdown_only_adds_bits) {
  SSL_set_shutdown(pair.client, SSL_RECEIVED_SHUTDOWN);
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_RECEIVED_SHUTDOWN);
  SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN);
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_set_shutdown(pair.client, 0);
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  cr_assert_eq(SSL_shutdown(pair.client), 1);
  cr_assert_eq(BIO_ctrl_pending(SSL_get_rbio(pair.server)), 0);
}

Test(ssl_shutdown, after_a_fatal_error_is_protocol_is_shutdown) {
  char *bytes;
  cr_assert_eq(SSL_write(pair.server, "damage", 6), 6);
  cr_assert_gt(BIO_nread0(SSL_get_rbio(pair.client), &bytes), 10);
  bytes[8] ^= 1;
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  /* Our fatal alert is no SSL_SENT_SHUTDOWN: that is close_notify alone. */
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_RECEIVED_SHUTDOWN);
  expect(pair.client, SSL_shutdown(pair.client), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN);
}

/* ---- SSL_send_fatal_alert ---- */

static size_t wire(SSL *ssl) { return BIO_ctrl_pending(SSL_get_rbio(ssl)); }

static void is_shut(SSL *ssl, int ret) {
  expect(ssl, ret, -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN, "%s",
               ERR_reason_error_string(ERR_peek_error()));
}

/* hears reads the |alert| that |ssl| was sent. */
static void hears(SSL *ssl, int alert) {
  expect(ssl, SSL_read(ssl, buf, sizeof(buf)), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + alert);
}

Test(ssl_shutdown, a_fatal_alert_ends_the_connection) {
  cr_assert_eq(SSL_write(pair.server, "kept", 4), 4);
  cr_assert_eq(SSL_peek(pair.client, buf, 1), 1);
  ERR_put_error(ERR_LIB_SSL, 0, SSL_R_BAD_LENGTH, __FILE__, __LINE__); /* stale */
  expect(pair.client, SSL_send_fatal_alert(pair.client, SSL_AD_DECOMPRESSION_FAILURE), 1,
         SSL_ERROR_NONE);
  cr_assert_eq(ERR_peek_error(), 0u);
  /* RFC 9846 5.2, 6: an alert of 2 bytes, its type, the tag, a header; once. */
  cr_assert_eq(wire(pair.server), 24);
  is_shut(pair.client, SSL_send_fatal_alert(pair.client, SSL_AD_DECOMPRESSION_FAILURE));
  is_shut(pair.client, SSL_send_fatal_alert(pair.client, SSL_AD_INTERNAL_ERROR));
  is_shut(pair.client, SSL_write(pair.client, "x", 1));
  is_shut(pair.client, SSL_shutdown(pair.client));
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 4, SSL_ERROR_NONE);
  for (int i = 0; i < 2; i++) is_shut(pair.client, SSL_read(pair.client, buf, sizeof(buf)));
  cr_assert_eq(SSL_get_shutdown(pair.client), SSL_RECEIVED_SHUTDOWN);
  cr_assert_eq(wire(pair.server), 24);
  hears(pair.server, SSL_AD_DECOMPRESSION_FAILURE);
  cr_assert_eq(wire(pair.server), 0);
  /* Who was sent one sends none. */
  expect(pair.server, SSL_send_fatal_alert(pair.server, SSL_AD_INTERNAL_ERROR), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_DECOMPRESSION_FAILURE);
  expect(pair.server, SSL_send_fatal_alert(pair.server, SSL_AD_DECOMPRESSION_FAILURE), -1,
         SSL_ERROR_SSL);
  cr_assert_eq(wire(pair.client), 0);
}

Test(ssl_shutdown, a_fatal_alert_that_does_not_fit_is_want_write) {
  struct ssl_pair small;
  cr_assert(ssl_pair_ready(&small, 5));
  int ret, wants = 0;
  while ((ret = SSL_send_fatal_alert(small.client, SSL_AD_INTERNAL_ERROR)) < 0) {
    cr_assert_eq(SSL_get_error(small.client, ret), SSL_ERROR_WANT_WRITE);
    wants++;
    is_shut(small.client, SSL_send_fatal_alert(small.client, SSL_AD_DECODE_ERROR));
    is_shut(small.client, SSL_write(small.client, "x", 1));
    (void)SSL_read(small.server, buf, sizeof(buf));
  }
  cr_assert_eq(ret, 1);
  cr_assert_gt(wants, 2);
  is_shut(small.client, SSL_send_fatal_alert(small.client, SSL_AD_INTERNAL_ERROR));
  hears(small.server, SSL_AD_INTERNAL_ERROR);
  ssl_pair_free(&small);
}

Test(ssl_shutdown, a_fatal_alert_goes_after_a_blocked_write) {
  cr_assert_eq(SSL_write(pair.server, data, 10000), 10000);
  expect(pair.server, SSL_write(pair.server, data, 16000), -1, SSL_ERROR_WANT_WRITE);
  for (int i = 0; i < 2; i++)
    expect(pair.server, SSL_send_fatal_alert(pair.server, SSL_AD_INTERNAL_ERROR), -1,
           SSL_ERROR_WANT_WRITE);
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 10000, SSL_ERROR_NONE);
  expect(pair.server, SSL_send_fatal_alert(pair.server, SSL_AD_INTERNAL_ERROR), 1, SSL_ERROR_NONE);
  is_shut(pair.server, SSL_write(pair.server, data, 16000));
  expect(pair.client, SSL_read(pair.client, buf, sizeof(buf)), 16000, SSL_ERROR_NONE);
  cr_assert(memcmp(buf, data, 16000) == 0);
  hears(pair.client, SSL_AD_INTERNAL_ERROR);
}

/* close_notify is an end too, though it has not gone yet; the peer's is none of ours. */
Test(ssl_shutdown, a_fatal_alert_and_close_notify) {
  struct ssl_pair small;
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  is_shut(pair.client, SSL_send_fatal_alert(pair.client, SSL_AD_INTERNAL_ERROR));
  expect(pair.server, SSL_read(pair.server, buf, sizeof(buf)), 0, SSL_ERROR_ZERO_RETURN);
  cr_assert_eq(SSL_send_fatal_alert(pair.server, SSL_AD_CLOSE_NOTIFY), 1);
  hears(pair.client, SSL_AD_INTERNAL_ERROR);
  cr_assert(ssl_pair_ready(&small, 5));
  expect(small.client, SSL_shutdown(small.client), -1, SSL_ERROR_WANT_WRITE);
  is_shut(small.client, SSL_send_fatal_alert(small.client, SSL_AD_INTERNAL_ERROR));
  for (int i = 0; i < 2; i++)
    expect(small.server, SSL_send_fatal_alert(small.server, SSL_AD_CLOSE_NOTIFY), -1,
           SSL_ERROR_WANT_WRITE);
  ssl_pair_free(&small);
}

Test(ssl_shutdown, a_fatal_alert_during_a_handshake) {
  struct ssl_pair fresh;
  cr_assert(ssl_pair_default(&fresh, 0));
  cr_assert_eq(SSL_send_fatal_alert(fresh.client, SSL_AD_USER_CANCELLED), 1);
  is_shut(fresh.client, SSL_connect(fresh.client));
  expect(fresh.server, SSL_accept(fresh.server), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_USER_CANCELLED);
  ssl_pair_free(&fresh);
  cr_assert(ssl_pair_default(&fresh, 0));
  expect(fresh.client, SSL_connect(fresh.client), -1, SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_send_fatal_alert(fresh.client, SSL_AD_USER_CANCELLED), 1);
  is_shut(fresh.client, SSL_connect(fresh.client));
  is_shut(fresh.client, SSL_write(fresh.client, "x", 1));
  expect(fresh.server, SSL_accept(fresh.server), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_USER_CANCELLED);
  ssl_pair_free(&fresh);
}

Test(ssl_shutdown, a_fatal_alert_without_a_bio) {
  SSL_set_bio(pair.client, NULL, NULL);
  expect(pair.client, SSL_send_fatal_alert(pair.client, SSL_AD_INTERNAL_ERROR), -1, SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_BIO_NOT_SET);
}

static int alerts[4], num_alerts;

static void on_info(const SSL *ssl, int type, int value) {
  (void)ssl;
  if (type == SSL_CB_WRITE_ALERT && num_alerts < 4) alerts[num_alerts++] = value;
}

Test(ssl_shutdown, a_fatal_alert_is_shown) {
  struct ssl_pair fresh;
  cr_assert(ssl_pair_default(&fresh, 0));
  SSL_set_info_callback(fresh.client, on_info);
  cr_assert(ssl_pair_handshake(&fresh));
  cr_assert_eq(SSL_send_fatal_alert(fresh.client, SSL_AD_ACCESS_DENIED), 1);
  for (int i = 0; i < 2; i++) {
    cr_assert(num_alerts == 1 && alerts[0] == (SSL3_AL_FATAL << 8 | SSL_AD_ACCESS_DENIED));
    (void)SSL_read(fresh.client, buf, sizeof(buf));
  }
  ssl_pair_free(&fresh);
}
