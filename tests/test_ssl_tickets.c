/* When a server gives out tickets and when it takes them: an SSL with an engine for its client,
 * which keeps the sessions. */
#include <criterion/criterion.h>
#include <string.h>

#include "ends.h"
#include "ssl_pair.h"

static SSL_CTX *server_ctx;
static hf_answers *answers;
static uint8_t session[4096];
static size_t session_len;

static void keep(const hf_question_t *question, void *arg) {
  (void)arg;
  cr_assert_leq(question->keep.state.len, sizeof session);
  memcpy(session, question->keep.state.data, question->keep.state.len);
  session_len = question->keep.state.len;
}

static void set_up(void) {
  server_ctx = ssl_server_ctx("ecdsa-p256");
  answers = hf_answers_new();
  cr_assert(server_ctx != NULL && answers != NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL), 1);
  cr_assert_eq(hf_answers_trust_file(answers, cert_path("root.pem")), HF_OK);
  hf_answers_set_keeper(answers, keep, NULL);
}

static void tear_down(void) {
  SSL_CTX_free(server_ctx);
  hf_answers_free(answers);
}

TestSuite(ssl_tickets, .init = set_up, .fini = tear_down, .timeout = 60);

/* move answers what the client asks, and carries bytes both ways. */
static void move(hf_conn *client, BIO *net) {
  static uint8_t wire[65536];
  size_t len = 0, used = 0, n;
  while ((hf_wants(client) & HF_WANT_ANSWER) != 0) cr_assert(hf_answer(client, answers));
  while ((hf_wants(client) & HF_WANT_OUTPUT) != 0) {
    cr_assert_eq(hf_flush(client, &n, wire, sizeof wire), HF_OK);
    cr_assert_eq(BIO_write(net, wire, (int)n), (int)n);
  }
  int got = BIO_read(net, wire, sizeof wire);
  if (got > 0) len = (size_t)got;
  while (used < len) {
    hf_bytes app;
    cr_assert_eq(hf_open(client, &app, &n, wire + used, len - used), HF_OK);
    used += n;
    while ((hf_wants(client) & HF_WANT_ANSWER) != 0) cr_assert(hf_answer(client, answers));
  }
}

/* meet has a client with the session there is, if any, meet a server with |options|, which sends
 * what tickets it has.  It returns whether the session was resumed; session_len is 0 if no ticket
 * came. */
static bool meet(uint32_t options) {
  BIO *net;
  hf_settings settings = {.role = HF_CLIENT};
  hf_start start = {.server_name = text("localhost"), .now = hf_now()};
  hf_config *config;
  hf_conn *client;
  uint8_t offered[sizeof session];
  memcpy(offered, session, session_len);
  if (session_len > 0) start.session = (hf_bytes){offered, session_len};
  session_len = 0;
  hf_draw_entropy(&start.entropy);
  cr_assert_eq(hf_config_new(&config, &settings), HF_OK);
  cr_assert_eq(hf_new(&client, config, &start), HF_OK);
  SSL *server = ssl_half(&net, server_ctx, true, 65536);
  SSL_set_options(server, options);
  for (int i = 0; i < 6; i++) {
    move(client, net);
    (void)SSL_do_handshake(server);
  }
  cr_assert(SSL_is_init_finished(server) && (hf_wants(client) & HF_READY) != 0);
  cr_assert_eq(SSL_write(server, "x", 1), 1);
  move(client, net);
  bool reused = SSL_session_reused(server);
  hf_facts facts;
  hf_get_facts(&facts, client);
  cr_assert_eq(facts.resumed, reused);
  hf_free(client);
  hf_config_free(config);
  SSL_free(server);
  BIO_free(net);
  return reused;
}

Test(ssl_tickets, are_given_and_taken) {
  cr_assert_not(meet(0));
  cr_assert_gt(session_len, 0);
  cr_assert(meet(0));
}

/* The option is of both halves: a ticket made before, or by another server with the same keys, is
 * not taken either.  With a cache tickets are ids: test_ssl_session_cache.c. */
Test(ssl_tickets, no_ticket_neither_gives_nor_takes) {
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_OFF);
  cr_assert_not(meet(0));
  cr_assert_gt(session_len, 0);
  cr_assert_not(meet(SSL_OP_NO_TICKET));
  cr_assert_eq(session_len, 0);
}
