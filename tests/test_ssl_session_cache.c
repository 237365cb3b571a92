/* Sessions that a server keeps: with SSL_OP_NO_TICKET a ticket is an id, and what it stands for is
 * in the SSL_CTX's cache or with the application. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "ssl_pair.h"

enum { T0 = 1700000000, MOST = 8 };

static SSL_CTX *client_ctx, *server_ctx;
static uint64_t now = T0;
static SSL_SESSION *kept[MOST]; /* the client's, in the order of their coming */
static size_t num_kept;

static void clock_now(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  *out = (struct timeval){.tv_sec = (time_t)now};
}

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  if (num_kept == MOST) return 0;
  kept[num_kept++] = session;
  return 1;
}

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
  SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_current_time_cb(client_ctx, clock_now);
  SSL_CTX_set_current_time_cb(server_ctx, clock_now);
}

static void tear_down(void) {
  while (num_kept > 0) SSL_SESSION_free(kept[--num_kept]);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_session_cache, .init = set_up, .fini = tear_down, .timeout = 60);

static void begin(struct ssl_pair *pair, SSL_SESSION *session) {
  cr_assert(ssl_pair_new(pair, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair->client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(pair->client, session), 1);
}

/* finish completes it, and has the tickets come.  True: it was resumed. */
static bool finish(struct ssl_pair *pair) {
  char byte;
  cr_assert(ssl_pair_handshake(pair));
  cr_assert_eq(SSL_write(pair->server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair->client, &byte, 1), 1);
  cr_assert_eq(SSL_session_reused(pair->client), SSL_session_reused(pair->server));
  return SSL_session_reused(pair->client);
}

static bool meet(SSL_SESSION *session) {
  struct ssl_pair pair;
  begin(&pair, session);
  bool reused = finish(&pair);
  ssl_pair_free(&pair);
  return reused;
}

/* ---- Within ---- */

Test(ssl_session_cache, a_ticket_is_an_id) {
  const uint8_t *ticket;
  size_t len;
  cr_assert_not(meet(NULL));
  cr_assert_eq(num_kept, 2);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 2);
  SSL_SESSION_get0_ticket(kept[0], &ticket, &len);
  cr_assert_eq(len, SSL_MAX_SSL_SESSION_ID_LENGTH);
  cr_assert(meet(kept[0]));
  cr_assert(meet(kept[3]), "one that came of a resumed session");
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 6);
  cr_assert_eq(SSL_CTX_sess_misses(server_ctx), 0);
  SSL_CTX_flush_sessions(server_ctx, 0);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
  cr_assert_not(meet(kept[1]));
  cr_assert_eq(SSL_CTX_sess_misses(server_ctx), 1);
}

/* Who keeps nothing gives no tickets, for nobody could use them. */
Test(ssl_session_cache, nowhere_to_keep_them) {
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_OFF);
  cr_assert_not(meet(NULL));
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  cr_assert_not(meet(NULL));
  cr_assert_eq(num_kept, 0);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
}

Test(ssl_session_cache, tickets_that_are_sessions_are_something_else) {
  SSL_CTX_clear_options(server_ctx, SSL_OP_NO_TICKET);
  cr_assert_not(meet(NULL));
  SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
  cr_assert_not(meet(kept[0]));
  SSL_CTX_clear_options(server_ctx, SSL_OP_NO_TICKET);
  cr_assert_not(meet(kept[2]), "an id is no session");
  cr_assert(meet(kept[1]));
}

Test(ssl_session_cache, the_oldest_make_room) {
  cr_assert_eq(SSL_CTX_sess_set_cache_size(server_ctx, 3), SSL_SESSION_CACHE_MAX_SIZE_DEFAULT);
  cr_assert_not(meet(NULL));
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 3);
  cr_assert_eq(SSL_CTX_sess_cache_full(server_ctx), 1);
  cr_assert_not(meet(kept[0]));
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 3);
  cr_assert(meet(kept[3]));
}

static SSL_SESSION *removed;
static unsigned num_removed;
static void on_remove(SSL_CTX *ctx, SSL_SESSION *session) {
  cr_assert_eq(ctx, server_ctx);
  (void)SSL_CTX_sess_number(ctx); /* which takes the lock */
  removed = session;
  num_removed++;
}

Test(ssl_session_cache, what_has_expired_goes) {
  SSL_CTX_set_session_psk_dhe_timeout(server_ctx, 100);
  SSL_CTX_sess_set_remove_cb(server_ctx, on_remove);
  cr_assert_eq(SSL_CTX_sess_get_remove_cb(server_ctx), on_remove);
  cr_assert_not(meet(NULL));
  for (int i = 0; i < 2; i++) cr_assert_eq(SSL_SESSION_set_timeout(kept[i], 1000), 1);
  SSL_CTX_flush_sessions(server_ctx, T0 + 99);
  SSL_CTX_flush_sessions(server_ctx, 1);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 2);
  now = T0 + 100;
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 0), 1);
  cr_assert_not(meet(kept[0]));
  cr_assert_eq(SSL_CTX_sess_timeouts(server_ctx), 1);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 1);
  cr_assert_eq(num_removed, 1);
  SSL_CTX_flush_sessions(server_ctx, now);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
  cr_assert_eq(num_removed, 2);
}

Test(ssl_session_cache, it_is_cleared_by_itself) {
  SSL_CTX_set_session_psk_dhe_timeout(server_ctx, 100);
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 1), 1);
  for (int mode = 0; mode < 2; mode++) {
    SSL_CTX_flush_sessions(server_ctx, 0);
    SSL_CTX_set_session_cache_mode(
        server_ctx, SSL_SESS_CACHE_SERVER | (mode == 0 ? SSL_SESS_CACHE_NO_AUTO_CLEAR : 0));
    cr_assert_not(meet(NULL));
    now += 100;
    for (int i = 0; i < 255; i++) cr_assert_not(meet(NULL));
    cr_assert_eq(SSL_CTX_sess_number(server_ctx), mode == 0 ? 256 : 255);
  }
}

Test(ssl_session_cache, all_go_with_the_ctx) {
  SSL_CTX_sess_set_remove_cb(server_ctx, on_remove);
  cr_assert_not(meet(NULL));
  SSL_CTX_up_ref(server_ctx);
  SSL_CTX_free(server_ctx);
  cr_assert_eq(num_removed, 0);
  SSL_CTX_free(server_ctx);
  cr_assert_eq(num_removed, 2);
  server_ctx = NULL;
}

/* blank is a session of |num|'s own id. */
static SSL_SESSION *blank(unsigned num) {
  uint8_t id[3] = {(uint8_t)(num >> 8), (uint8_t)num, 7};
  SSL_SESSION *session = SSL_SESSION_new(server_ctx);
  cr_assert_eq(SSL_SESSION_set1_id(session, id, sizeof id), 1);
  return session;
}

Test(ssl_session_cache, added_and_removed) {
  enum { MANY = 1000 };
  SSL_CTX_sess_set_remove_cb(server_ctx, on_remove);
  SSL_SESSION *session = SSL_SESSION_new(server_ctx);
  cr_assert_eq(SSL_CTX_add_session(server_ctx, session), 0, "it has no id");
  cr_assert_eq(SSL_CTX_remove_session(server_ctx, session), 0);
  cr_assert_eq(SSL_CTX_remove_session(server_ctx, NULL), 0);
  SSL_SESSION_free(session);
  for (unsigned i = 0; i < MANY; i++) {
    session = blank(i);
    cr_assert_eq(SSL_CTX_add_session(server_ctx, session), 1);
    cr_assert_eq(SSL_CTX_add_session(server_ctx, session), 0, "it is there");
    SSL_SESSION_free(session);
  }
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), MANY);
  session = blank(5);
  cr_assert_eq(SSL_CTX_add_session(server_ctx, session), 1, "in place of the other");
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), MANY);
  cr_assert_eq(num_removed, 0);
  cr_assert_eq(SSL_CTX_remove_session(server_ctx, session), 1);
  cr_assert_eq(num_removed, 1);
  cr_assert_eq(removed, session);
  cr_assert_eq(SSL_CTX_remove_session(server_ctx, session), 0);
  SSL_SESSION_free(session);
  for (unsigned i = 0; i < MANY; i++) {
    session = blank(i);
    cr_assert_eq(SSL_CTX_remove_session(server_ctx, session), i != 5);
    SSL_SESSION_free(session);
  }
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
  cr_assert_eq(num_removed, MANY);
}

/* A server that finds fault with a client it knew takes the session out. */
Test(ssl_session_cache, what_was_resumed_can_be_taken_out) {
  struct ssl_pair pair;
  cr_assert_not(meet(NULL));
  begin(&pair, kept[0]);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_session_reused(pair.server), 1);
  cr_assert_eq(SSL_CTX_remove_session(server_ctx, SSL_get_session(pair.server)), 1);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 1);
  ssl_pair_free(&pair);
}

Test(ssl_session_cache, connections_are_counted) {
  struct ssl_pair pair;
  cr_assert_not(meet(NULL));
  cr_assert(meet(kept[0]));
  begin(&pair, NULL);
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  ssl_pair_free(&pair);
  cr_assert_eq(SSL_CTX_sess_connect(client_ctx), 3);
  cr_assert_eq(SSL_CTX_sess_connect_good(client_ctx), 2);
  cr_assert_eq(SSL_CTX_sess_accept(client_ctx), 0);
  cr_assert_eq(SSL_CTX_sess_accept(server_ctx), 2);
  cr_assert_eq(SSL_CTX_sess_accept_good(server_ctx), 2);
  cr_assert_eq(SSL_CTX_sess_connect_renegotiate(client_ctx), 0);
  cr_assert_eq(SSL_CTX_sess_accept_renegotiate(server_ctx), 0);
  cr_assert_eq(SSL_CTX_sess_hits(client_ctx), 1);
  cr_assert_eq(SSL_CTX_sess_hits(server_ctx), 1);
  cr_assert_eq(SSL_CTX_sess_cb_hits(server_ctx), 0);
}

/* ---- Outside: an application that keeps bytes ---- */

static struct store {
  uint8_t id[SSL_MAX_SSL_SESSION_ID_LENGTH];
  uint8_t *data;
  size_t len;
} stored[MOST];
static size_t num_stored;
static int waits, asked;
static bool lends;
static SSL_SESSION *lent;

static int store(SSL *ssl, SSL_SESSION *session) {
  unsigned len;
  struct store *to = &stored[num_stored++];
  cr_assert(SSL_is_server(ssl) && num_stored <= MOST);
  const uint8_t *id = SSL_SESSION_get_id(session, &len);
  cr_assert_eq(len, sizeof to->id);
  memcpy(to->id, id, len);
  cr_assert_eq(SSL_SESSION_to_bytes(session, &to->data, &to->len), 1);
  return 0;
}

static SSL_SESSION *fetch(SSL *ssl, const uint8_t *id, int id_len, int *out_copy) {
  cr_assert(SSL_is_server(ssl));
  cr_assert_eq(*out_copy, 1);
  asked++;
  if (waits-- > 0) return SSL_magic_pending_session_ptr();
  for (size_t i = 0; i < num_stored; i++)
    if (id_len == sizeof stored[i].id && memcmp(stored[i].id, id, sizeof stored[i].id) == 0) {
      SSL_SESSION *session = SSL_SESSION_from_bytes(stored[i].data, stored[i].len, server_ctx);
      cr_assert_not_null(session);
      if (lends) lent = session;
      if (!lends) *out_copy = 0;
      return session;
    }
  return NULL;
}

static void keep_outside(int mode) {
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_SERVER | mode);
  SSL_CTX_sess_set_new_cb(server_ctx, store);
  SSL_CTX_sess_set_get_cb(server_ctx, fetch);
  cr_assert_eq(SSL_CTX_sess_get_get_cb(server_ctx), fetch);
  cr_assert_not(meet(NULL));
  cr_assert_eq(num_stored, 2);
  cr_assert_eq(asked, 0);
}

static void forget_stored(void) {
  while (num_stored > 0) OPENSSL_free(stored[--num_stored].data);
}

Test(ssl_session_cache, an_application_keeps_them) {
  keep_outside(SSL_SESS_CACHE_NO_INTERNAL);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
  cr_assert(meet(kept[0]));
  cr_assert_eq(asked, 1);
  cr_assert_eq(SSL_CTX_sess_cb_hits(server_ctx), 1);
  lends = true;
  cr_assert(meet(kept[1]));
  SSL_SESSION_free(lent);
  cr_assert_eq(asked, 2);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
  forget_stored();
  cr_assert_not(meet(kept[2]));
  cr_assert_eq(asked, 3);
  forget_stored();
}

Test(ssl_session_cache, an_application_is_asked_for_what_is_not_within) {
  keep_outside(0);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 2);
  cr_assert(meet(kept[0]));
  cr_assert_eq(asked, 0);
  SSL_CTX_flush_sessions(server_ctx, 0);
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 0), 1);
  cr_assert(meet(kept[1]));
  cr_assert_eq(asked, 1);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 1, "it is within now");
  forget_stored();
}

Test(ssl_session_cache, an_application_may_take_its_time) {
  struct ssl_pair pair;
  keep_outside(SSL_SESS_CACHE_NO_INTERNAL);
  begin(&pair, kept[0]);
  waits = 3;
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  for (int i = 0; i < 3; i++) {
    int ret = SSL_do_handshake(pair.server);
    cr_assert_eq(ret, -1);
    cr_assert_eq(SSL_get_error(pair.server, ret), SSL_ERROR_PENDING_SESSION);
    cr_assert_eq(ERR_peek_error(), 0);
  }
  cr_assert(finish(&pair));
  cr_assert_eq(asked, 4);
  ssl_pair_free(&pair);
  begin(&pair, kept[1]);
  waits = 1;
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  cr_assert_eq(SSL_do_handshake(pair.server), -1);
  ssl_pair_free(&pair); /* while it waits */
  forget_stored();
}

/* ---- Other rules ---- */

Test(ssl_session_cache, of_another_context_of_ids) {
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_CTX_set_session_id_context(server_ctx, (const uint8_t *)"other", 5), 1);
  cr_assert_not(meet(kept[0]));
  cr_assert(meet(kept[2]));
}

static SSL_SESSION *fetch_odd(SSL *ssl, const uint8_t *id, int id_len, int *out_copy) {
  (void)ssl;
  *out_copy = 0;
  SSL_SESSION *session = SSL_SESSION_new(server_ctx);
  cr_assert_eq(SSL_SESSION_set1_id(session, id, (size_t)id_len), 1);
  return session;
}

/* What cannot be resumed leads to a full handshake. */
Test(ssl_session_cache, an_application_gives_something_else) {
  cr_assert_not(meet(NULL));
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_get_cb(server_ctx, fetch_odd);
  cr_assert_not(meet(kept[0]));
}
