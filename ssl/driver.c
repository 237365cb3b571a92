/* driver.c: SSL_connect, SSL_accept and SSL_do_handshake: one loop over the engine.
 *
 * Owns: the start of a connection, the order in which the loop does things, and the end of the
 * handshake. The order: ready, output, failure, closed, question, early data, False Start, input.
 * Ready is first so that tickets never keep SSL_accept from returning; output comes before failure
 * so that the alert goes out. Before all that the application hears of early data that was refused.
 * Over a pair that is full a server takes input while its output waits.
 * Leaves to others: bytes (io.c), answers (questions.c), what to tell the caller (error.c). */
#include "ssl/driver.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/early.h"
#include "ssl/quic.h"

/* start_with makes the engine of |start| and what else the application set.  |custom| comes of the
 * last callbacks, which may have changed any of it. */
static bool start_with(SSL *ssl, ssl_custom_list *custom, hf_start *start) {
  hf_config *config = ssl_build_config(ssl, false);
  if (config == NULL) return false;
  ssl->io.watched = ssl_is_watched(ssl);
  hf_draw_entropy(&start->entropy);
  start->now = ssl_now(ssl->ctx);
  if (ssl->role == SSL_ROLE_CLIENT && ssl->host_name != NULL)
    start->server_name = (hf_bytes){(const uint8_t *)ssl->host_name, strlen(ssl->host_name)};
  start->extensions = custom->list;
  start->num_extensions = custom->num;
  start->session = ssl_session_offer(ssl, start->server_name);
  start->quic_params = ssl_quic_params(ssl);
  hf_status status = hf_new(&ssl->conn, config, start);
  OPENSSL_free((uint8_t *)start->session.data);
  if (status != HF_OK) SSL_ERR(ssl_reason(status));
  return status == HF_OK;
}

bool ssl_start(SSL *ssl) {
  /* What cannot be had is said before anybody is asked. */
  if (!ssl_quic_may_start(ssl) || ssl_build_config(ssl, false) == NULL) return false;
  hf_start start;
  ssl_psk key;
  ssl_custom_list custom;
  memset(&start, 0, sizeof(start));
  bool ok = ssl_psk_offer(ssl, &key, &start) && ssl_custom_start(ssl, &custom);
  if (ok) {
    ok = start_with(ssl, &custom, &start);
    ssl_custom_list_free(ssl, &custom);
  }
  OPENSSL_cleanse(&start, sizeof(start));
  OPENSSL_cleanse(&key, sizeof(key));
  if (!ok) return false;
  ssl->io.started = true;
  ssl_count(ssl->first_ctx, ssl->role == SSL_ROLE_CLIENT ? SSL_STAT_CONNECT : SSL_STAT_ACCEPT);
  ssl_info(ssl, SSL_CB_HANDSHAKE_START, 1);
  return true;
}

/* finish_quic sends the tickets, which no SSL_write will take along.  What is not taken now goes
 * with the next call. */
static int finish_quic(SSL *ssl) {
  if (ssl_send(ssl) < 0 && ssl->want != SSL_WRITING) return -1;
  ssl->want = SSL_NOTHING;
  return ssl_quic_end_flight(ssl) ? 1 : -1;
}

/* finish is the end of the handshake: what only it needed goes. */
static int finish(SSL *ssl) {
  if (ssl->io.done) return 1;
  if (!ssl_session_taken(ssl)) return -1;
  ssl->io.done = true;
  hf_facts facts;
  hf_get_facts(&facts, ssl->conn);
  ssl->io.record_overhead = (uint8_t)(facts.header + facts.trailer);
  ssl->io.record_max = facts.max_data;
  ssl_count(ssl->first_ctx,
            ssl->role == SSL_ROLE_CLIENT ? SSL_STAT_CONNECT_GOOD : SSL_STAT_ACCEPT_GOOD);
  if (SSL_session_reused(ssl)) ssl_count(ssl->first_ctx, SSL_STAT_HITS);
  hf_answers_free(ssl->io.answers);
  ssl->io.answers = NULL;
  /* A server that got no certificate has nothing to complain of, nor has a client that needed none
   * with an external key; programs rely on it. */
  if (!ssl_peer_is_known(ssl) &&
      (ssl->role == SSL_ROLE_SERVER || SSL_get_psk_identity(ssl) != NULL))
    ssl->verify_result = X509_V_OK;
  ssl_peer_shorten(ssl);
  ssl_session_give_due(ssl);
  ssl_info(ssl, SSL_CB_HANDSHAKE_DONE, 1);
  return ssl_quic_on(ssl) ? finish_quic(ssl) : 1;
}

/* take_meanwhile has a server take what the client has sent while the write BIO is full: over a
 * pair that holds less than a flight both might write, and neither read.  Of another BIO it is not
 * known that reading does not block.  True: some was taken. */
static bool take_meanwhile(SSL *ssl, unsigned wants) {
  const unsigned looked_at = HF_WANT_INPUT | HF_WANT_ANSWER | HF_READY | HF_FAILED | HF_CLOSED;
  if (ssl->role != SSL_ROLE_SERVER || ssl->io.app.len > 0 || (wants & looked_at) != HF_WANT_INPUT ||
      ssl->read_half == NULL)
    return false;
  const size_t there = BIO_ctrl_pending(ssl->rbio);
  if (there == 0) return false;
  ERR_set_mark();
  (void)ssl_io_fetch(ssl, NULL, NULL, 0); /* what goes wrong is told when there is need to read */
  ERR_pop_to_mark();
  return BIO_ctrl_pending(ssl->rbio) < there;
}

static int run(SSL *ssl) {
  if (ssl->conn == NULL && !ssl_start(ssl)) return -1;
  for (;;) {
    ssl_report(ssl);
    (void)ssl_custom_look(ssl); /* or it has failed, which hf_wants tells */
    unsigned wants = hf_wants(ssl->conn);
    if (ssl_early_refused(ssl, wants)) return -1;
    bool staged = ssl_io_handshake_staged(ssl);
    if ((wants & HF_READY) != 0 && !staged) return finish(ssl);
    if (staged || (wants & HF_WANT_OUTPUT) != 0) {
      ERR_set_mark();
      ssl_step step = ssl_io_push(ssl);
      /* An alert that cannot be sent any more is no reason to hide why it was to be sent. */
      bool hopeless = step == SSL_STEP_ERROR && (wants & HF_FAILED) != 0;
      if (hopeless) ERR_pop_to_mark();
      if (step == SSL_STEP_DONE) continue;
      if (step == SSL_STEP_WAIT && take_meanwhile(ssl, wants)) {
        if (ssl_early_came(ssl)) return 1;
        continue;
      }
      if (!hopeless) return ssl_stop_waiting(ssl, step, SSL_WRITING);
    }
    if ((wants & HF_FAILED) != 0) return ssl_stop_failed(ssl);
    if (ssl_stateless_over(ssl)) return -1;
    if ((wants & HF_CLOSED) != 0) return ssl_stop_closed(ssl);
    if ((wants & HF_WANT_ANSWER) != 0) {
      if (!ssl_answer(ssl)) return -1;
      continue;
    }
    int early = ssl_early_returns(ssl, wants);
    if (early == 0 && ssl_starts_falsely(ssl, wants)) return 1;
    if (early != 0) return ssl_quic_on(ssl) && !ssl_quic_end_flight(ssl) ? -1 : early;
    ssl_step step = ssl_io_fetch(ssl, NULL, NULL, 0);
    if (step != SSL_STEP_DONE) return ssl_stop_waiting(ssl, step, SSL_READING);
  }
}

int ssl_handshake(SSL *ssl) {
  int ret = run(ssl);
  ssl_info(ssl, ssl->role == SSL_ROLE_CLIENT ? SSL_CB_CONNECT_EXIT : SSL_CB_ACCEPT_EXIT, ret);
  return ret;
}

bool ssl_ready_to_run(const SSL *ssl, int no_role) {
  if (ssl->role == SSL_ROLE_NONE) {
    SSL_ERR(no_role);
    return false;
  }
  if (!ssl_quic_on(ssl) && (ssl->rbio == NULL || ssl->wbio == NULL)) {
    SSL_ERR(SSL_R_BIO_NOT_SET);
    return false;
  }
  return true;
}

int SSL_do_handshake(SSL *ssl) {
  ssl_enter(ssl);
  if (ssl->io.done) return 1;
  if (!ssl_ready_to_run(ssl, SSL_R_CONNECTION_TYPE_NOT_SET)) return -1;
  if (ssl_early_may_read(ssl)) return 1;
  return ssl_handshake(ssl);
}

int SSL_connect(SSL *ssl) {
  if (ssl->role == SSL_ROLE_NONE) SSL_set_connect_state(ssl);
  return SSL_do_handshake(ssl);
}

int SSL_accept(SSL *ssl) {
  if (ssl->role == SSL_ROLE_NONE) SSL_set_accept_state(ssl);
  return SSL_do_handshake(ssl);
}

int SSL_is_init_finished(const SSL *ssl) { return ssl->io.done; }

int SSL_in_init(const SSL *ssl) { return !ssl->io.done; }

int SSL_state(const SSL *ssl) {
  if (ssl->io.done) return SSL_ST_OK;
  return ssl->conn == NULL ? SSL_ST_BEFORE : SSL_ST_INIT;
}

const char *SSL_state_string(const SSL *ssl) {
  if (ssl->io.done) return "SSLOK ";
  if (ssl->io.failed) return "SSLERR";
  return ssl->conn == NULL ? "PINIT " : "TWAIT ";
}

const char *SSL_state_string_long(const SSL *ssl) {
  if (ssl->io.done) return "SSL negotiation finished successfully";
  if (ssl->io.failed) return "error";
  return ssl->conn == NULL ? "before SSL initialization" : hf_row_name(ssl->conn);
}
