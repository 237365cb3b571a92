/* What keeps early data from being taken twice: a flight that is sent again, and the record of
 * tickets itself, at its limits. */
#include <criterion/criterion.h>
#include <openssl/mem.h>
#include <string.h>

#include "ssl/early.h"
#include "ssl_early.h"

static struct ssl_early early;
static uint8_t flight[4096]; /* of a client with early data */
static int flight_len;

static void set_up(void) { cr_assert(ssl_early_new(&early)); }

static void tear_down(void) { ssl_early_free(&early); }

TestSuite(ssl_early_replay, .init = set_up, .fini = tear_down, .timeout = 60);

/* record has a client say something early, to nobody. */
static void record(SSL_SESSION *session) {
  BIO *net;
  SSL *ssl = ssl_half(&net, early.client, false, sizeof flight);
  cr_assert(ssl != NULL && session != NULL);
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, "localhost"), 1);
  cr_assert_eq(SSL_set_session(ssl, session), 1);
  cr_assert_eq(SSL_connect(ssl), 1);
  cr_assert_eq(SSL_write(ssl, "pay", 3), 3);
  flight_len = BIO_read(net, flight, sizeof flight);
  cr_assert_gt(flight_len, 0);
  SSL_SESSION_free(session);
  SSL_free(ssl);
  BIO_free(net);
}

/* play gives what was recorded to a new connection of |ctx|.  True: it gives out the early data. */
static bool play(SSL_CTX *ctx) {
  BIO *net;
  char text[10];
  SSL *ssl = ssl_half(&net, ctx, true, sizeof flight);
  cr_assert_not_null(ssl);
  cr_assert_eq(BIO_write(net, flight, flight_len), flight_len);
  int ret = SSL_accept(ssl);
  bool accepted = SSL_early_data_accepted(ssl) == 1;
  cr_assert_eq(ret, accepted ? 1 : -1);
  cr_assert_eq(SSL_session_reused(ssl), 1);
  cr_assert_eq(SSL_get_early_data_reason(ssl),
               accepted ? ssl_early_data_accepted : ssl_early_data_peer_declined);
  cr_assert_eq(SSL_read(ssl, text, sizeof text), accepted ? 3 : -1);
  SSL_free(ssl);
  BIO_free(net);
  return accepted;
}

/* R-8-1 */
Test(ssl_early_replay, a_flight_is_taken_once) {
  record(ssl_early_learn(&early));
  cr_assert(play(early.server));
  for (int i = 0; i < 3; i++) cr_assert_not(play(early.server));
  record(ssl_early_learn(&early));
  cr_assert(play(early.server));
}

Test(ssl_early_replay, who_does_without_the_record_takes_it_as_often_as_it_comes) {
  record(ssl_early_learn(&early));
  SSL_CTX_set_options(early.server, SSL_OP_NO_ANTI_REPLAY);
  for (int i = 0; i < 3; i++) cr_assert(play(early.server));
}

/* R-8-4: a hello whose binder is wrong leaves no trace in the record: RFC 9846 8.2. */
Test(ssl_early_replay, only_who_has_the_key_is_remembered) {
  record(ssl_early_learn(&early));
  size_t hello = 5 + ((size_t)flight[3] << 8 | flight[4]);
  BIO *net;
  SSL *ssl = ssl_half(&net, early.server, true, sizeof flight);
  flight[hello - 1] ^= 1;
  cr_assert_eq(BIO_write(net, flight, flight_len), flight_len);
  cr_assert_eq(SSL_accept(ssl), -1);
  cr_assert_eq(SSL_get_error(ssl, -1), SSL_ERROR_SSL);
  SSL_free(ssl);
  BIO_free(net);
  flight[hello - 1] ^= 1;
  cr_assert(play(early.server));
}

static struct timeval now;

static void clock_of_ours(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  *out = now;
}

/* R-8-3: a server that begins anew with the keys it had. */
Test(ssl_early_replay, a_new_beginning) {
  uint8_t keys[48];
  memset(keys, 7, sizeof keys);
  now.tv_sec = 1000000;
  SSL_CTX_set_current_time_cb(early.client, clock_of_ours);
  SSL_CTX_set_current_time_cb(early.server, clock_of_ours);
  cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(early.server, keys, sizeof keys), 1);
  SSL_SESSION *first = ssl_early_learn(&early), *second = ssl_early_learn(&early);
  now.tv_sec += 5;
  SSL_CTX_free(early.server);
  early.server = ssl_server_ctx("ecdsa-p256");
  SSL_CTX_set_early_data_enabled(early.server, 1);
  SSL_CTX_set_current_time_cb(early.server, clock_of_ours);
  cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(early.server, keys, sizeof keys), 1);
  now.tv_sec += 59;
  record(first);
  cr_assert_not(play(early.server)); /* may have been sent before, by a clock that is wrong */
  now.tv_sec += 1;
  record(second);
  cr_assert(play(early.server));
  record(ssl_early_learn(&early)); /* a ticket of this server */
  cr_assert(play(early.server));
}

/* ---- The record ---- */

static bool first(uint32_t ticket, uint64_t issued, uint32_t age, uint64_t at) {
  return ssl_replay_first(early.server, (hf_bytes){(const uint8_t *)&ticket, sizeof ticket}, issued,
                          age, at);
}

/* R-8-1 R-8-2: remembered until the hello is stale, and then no longer taken for fresh. */
Test(ssl_early_replay, as_long_as_it_is_fresh) {
  cr_assert(first(1, 100000, 5000, 105000));
  cr_assert_not(first(1, 100000, 5000, 105000));
  cr_assert_not(first(1, 100000, 5000, 164999));
  cr_assert_not(first(1, 100000, 5000, 165000));
  cr_assert_not(first(1, 100000, 5000, 200000));
  cr_assert_not(first(1, 100000, 5000, 105000)); /* the clock went back */
  cr_assert_not(first(2, 100000, 5000, 105000)); /* what was forgotten is not known */
  cr_assert(first(1, 100000, 100000, 200000));   /* another hello, later */
  cr_assert(first(2, 100000, 100000, 200000));
}

/* R-8-2: what finds no room is refused, until there is some. */
Test(ssl_early_replay, when_it_is_full) {
  enum { MANY = 80000, ROOM = 16384 };
  uint32_t taken = 0;
  static bool was_taken[MANY];
  for (uint32_t i = 0; i < MANY; i++) taken += was_taken[i] = first(i, 100000, 0, 100000);
  cr_assert_gt(taken, ROOM / 2);
  cr_assert_leq(taken, ROOM);
  for (uint32_t i = 0; i < MANY; i++) cr_assert_not(first(i, 100000, 0, 159999) && was_taken[i]);
  for (uint32_t i = 0; i < 100; i++) cr_assert(first(i, 100000, 65000, 165000));
}

static SSL_SESSION *find_none(SSL *ssl, const uint8_t *id, int id_len, int *out_copy) {
  (void)ssl, (void)id, (void)id_len, (void)out_copy;
  return NULL;
}

/* R-8-3: what another could have issued before. */
Test(ssl_early_replay, tickets_that_may_be_older_than_the_record) {
  now.tv_sec = 1000; /* when it begins */
  SSL_CTX_set_current_time_cb(early.server, clock_of_ours);
  cr_assert(first(1, 999000, 1500, 1001000));
  SSL_CTX_sess_set_get_cb(early.server, find_none);
  cr_assert_not(first(2, 999000, 1500, 1001000));
  cr_assert_not(first(3, 999999, 60000, 1001000));
  cr_assert(first(4, 999999, 60001, 1001000));
  cr_assert(first(5, 1000000, 1000, 1001000));
}
