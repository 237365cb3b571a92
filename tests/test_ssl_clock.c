/* SSL_CTX_set_current_time_cb: what time does to sessions, tickets and the keys of tickets, between
 * an SSL client and an SSL server of ours that each have a clock of their own. */
#include <criterion/criterion.h>
#include <string.h>

#include "ssl_pair.h"

enum { HOUR = 3600, DAY = 24 * HOUR, T0 = 1700000000, MOST = 8 };

static SSL_CTX *client_ctx, *server_ctx;
static uint64_t client_now, server_now; /* seconds since 1970 */
static SSL_SESSION *kept[MOST];         /* those that came last */
static size_t num_kept;

static void client_clock(const SSL *ssl, struct timeval *out) {
  cr_assert_null(ssl);
  *out = (struct timeval){.tv_sec = (time_t)client_now};
}

static void server_clock(const SSL *ssl, struct timeval *out) {
  cr_assert_null(ssl);
  *out = (struct timeval){.tv_sec = (time_t)server_now};
}

static void forget(void) {
  while (num_kept > 0) SSL_SESSION_free(kept[--num_kept]);
}

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  if (num_kept == MOST) return 0;
  kept[num_kept++] = session;
  return 1;
}

static void at(uint64_t seconds) { client_now = server_now = T0 + seconds; }

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
  SSL_CTX_set_current_time_cb(client_ctx, client_clock);
  SSL_CTX_set_current_time_cb(server_ctx, server_clock);
  at(0);
}

static void tear_down(void) {
  forget();
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_clock, .init = set_up, .fini = tear_down, .timeout = 60);

/* meet connects, and has the tickets come |later| seconds after.  True: |session| was resumed. */
static bool meet(SSL_SESSION *session, uint64_t later) {
  struct ssl_pair pair;
  char byte;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(pair.client, session), 1);
  cr_assert(ssl_pair_handshake(&pair));
  client_now += later;
  server_now += later;
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), 1);
  bool reused = SSL_session_reused(pair.client);
  ssl_pair_free(&pair);
  return reused;
}

/* gather makes a full handshake, after which |kept| has |num| sessions of now. */
static void gather(size_t num) {
  forget();
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, num), 1);
  cr_assert_not(meet(NULL, 0));
  cr_assert_eq(num_kept, num);
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 0), 1);
}

static void live_for(SSL_CTX *ctx, uint32_t seconds) {
  SSL_CTX_set_session_psk_dhe_timeout(ctx, seconds);
}

/* A key makes tickets for two days and opens them for two more. */
Test(ssl_clock, ticket_keys_change) {
  enum { TURN = SSL_DEFAULT_TICKET_KEY_ROTATION_INTERVAL };
  live_for(client_ctx, 7 * DAY);
  live_for(server_ctx, 7 * DAY);
  gather(4);
  at(TURN - 1);
  cr_assert(meet(kept[0], 0));
  at(TURN + HOUR);
  cr_assert(meet(kept[1], 0), "by the key before");
  at(2 * TURN - 1);
  cr_assert(meet(kept[2], 0), "by the key before");
  SSL_SESSION *oldest = kept[3];
  num_kept = 3;
  gather(2);
  at(2 * TURN);
  cr_assert_not(meet(oldest, 0), "that key is gone");
  cr_assert(meet(kept[0], 0), "by the key before");
  at(3 * TURN);
  cr_assert_not(meet(kept[1], 0));
  SSL_SESSION_free(oldest);
}

/* Nobody came for a long time: what is older than two intervals is gone all the same. */
Test(ssl_clock, ticket_keys_change_while_nobody_comes) {
  live_for(client_ctx, 7 * DAY);
  live_for(server_ctx, 7 * DAY);
  gather(1);
  at(5 * DAY);
  cr_assert_not(meet(kept[0], 0));
  gather(2);
  cr_assert(meet(kept[0], 0));
  at(9 * DAY - 1);
  cr_assert(meet(kept[1], 0));
}

/* R-4.3.11-3: the client does not offer it, or the server does not take it. */
Test(ssl_clock, a_ticket_lives_as_long_as_the_server_said) {
  live_for(server_ctx, 100);
  gather(4);
  cr_assert_eq(SSL_SESSION_get_time(kept[0]), T0);
  cr_assert_eq(SSL_SESSION_get_timeout(kept[0]), 100);
  at(99);
  cr_assert(meet(kept[0], 0));
  at(100);
  cr_assert_not(meet(kept[1], 0));
  client_now = T0;
  cr_assert_not(meet(kept[2], 0), "the server has a clock too");
  client_now = T0 - 1;
  cr_assert_not(meet(kept[3], 0), "from the future");
}

Test(ssl_clock, the_client_may_want_it_shorter) {
  live_for(client_ctx, 50);
  gather(4);
  cr_assert_eq(SSL_SESSION_get_timeout(kept[0]), 50);
  cr_assert_eq(SSL_SESSION_get_ticket_lifetime_hint(kept[0]), 2 * DAY);
  at(49);
  cr_assert(meet(kept[0], 0));
  at(50);
  cr_assert_not(meet(kept[1], 0));
  cr_assert_eq(SSL_SESSION_set_timeout(kept[2], 60), 1);
  cr_assert_eq(SSL_SESSION_set_timeout(kept[3], 51), 1);
  cr_assert(meet(kept[2], 0));
  at(51);
  cr_assert_not(meet(kept[3], 0));
}

/* R-4.7.1-1: a server's tickets go with its first SSL_write, and that is when their lives begin. */
Test(ssl_clock, a_ticket_that_comes_late_is_young) {
  live_for(server_ctx, 2 * HOUR);
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 2), 1);
  cr_assert_not(meet(NULL, HOUR));
  cr_assert_eq(num_kept, 2);
  cr_assert_eq(SSL_SESSION_get_time(kept[0]), T0 + HOUR);
  at(3 * HOUR - 1);
  cr_assert(meet(kept[0], 0));
  at(3 * HOUR);
  cr_assert_not(meet(kept[1], 0));
}

/* RFC 9846 4.7.1: no session lives beyond seven days after the handshake that showed the
 * certificates. */
Test(ssl_clock, resuming_does_not_renew_for_ever) {
  live_for(client_ctx, 7 * DAY);
  live_for(server_ctx, 7 * DAY);
  gather(1);
  SSL_SESSION *first = kept[0];
  num_kept = 0;
  at(DAY);
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 1), 1);
  cr_assert(meet(first, 0));
  SSL_SESSION_free(first);
  cr_assert_eq(num_kept, 1);
  cr_assert_eq(SSL_SESSION_get_timeout(kept[0]), 6 * DAY);
}

static void before_1970(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  *out = (struct timeval){.tv_sec = -1};
}

Test(ssl_clock, one_that_makes_no_sense) {
  SSL_CTX_set_current_time_cb(client_ctx, before_1970);
  SSL_SESSION *session = SSL_SESSION_new(client_ctx);
  cr_assert_eq(SSL_SESSION_get_time(session), 0);
  SSL_SESSION_free(session);
  cr_assert_not(meet(NULL, 0));
  SSL_CTX_set_current_time_cb(client_ctx, NULL);
  session = SSL_SESSION_new(client_ctx);
  cr_assert_gt(SSL_SESSION_get_time(session), T0);
  SSL_SESSION_free(session);
}
