/* quic.c: an SSL's handshake over QUIC: secrets and bytes between the engine and the callbacks of
 * SSL_QUIC_METHOD or SSL_set_quic_tls_cbs.
 *
 * Owns: ssl_quic.run, and io.in and io.out of an SSL for QUIC: bytes that were provided and are not
 * whole messages, and bytes that crypto_send did not take.  Invariant: all that is in io.in is of
 * read_level, for no secret of another level is handed out while something is there.  Leaves to
 * others: what is configured (quic_api.c). */
#include "ssl/quic.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>

bool ssl_quic_on(const SSL *ssl) {
  return ssl->quic != NULL && (ssl->quic->method != NULL || ssl->quic->has_tls);
}

bool ssl_quic_by_calls(const SSL *ssl) { return ssl_quic_on(ssl) && !ssl->quic->has_tls; }

hf_bytes ssl_quic_params(const SSL *ssl) {
  static const uint8_t kEmpty[1];
  if (ssl->quic == NULL || !ssl->quic->has_params) return (hf_bytes){NULL, 0};
  const ssl_owned *params = &ssl->quic->params;
  return (hf_bytes){params->len > 0 ? params->data : kEmpty, params->len};
}

bool ssl_quic_may_start(const SSL *ssl) {
  bool on = ssl_quic_on(ssl), client = ssl->role == SSL_ROLE_CLIENT;
  bool params = ssl_quic_params(ssl).data != NULL;
  /* A server may still be given its parameters. */
  if ((params && !on) || (on && client && !params)) {
    SSL_ERR(SSL_R_QUIC_TRANSPORT_PARAMETERS_MISCONFIGURED);
  } else if (on && client && ssl->settings->alpn == NULL) {
    SSL_ERR(SSL_R_NO_APPLICATION_PROTOCOL); /* RFC 9001 8.1 */
  } else {
    return true;
  }
  return false;
}

/* In OpenSSL's way who enables early data has looked to this by himself. */
bool ssl_quic_is_late(const SSL *ssl) {
  return ssl->role == SSL_ROLE_SERVER && !ssl->quic->has_tls && ssl->quic->context.len == 0;
}

bool ssl_quic_early_fits(const SSL *ssl, const SSL_SESSION *session) {
  const ssl_owned *context = &ssl->quic->context;
  return !ssl_quic_is_late(ssl) && context->len == session->early_context.len &&
         (context->len == 0 ||
          CRYPTO_memcmp(context->data, session->early_context.data, context->len) == 0);
}

bool ssl_quic_describe(const SSL *ssl, SSL_SESSION *session) {
  session->is_quic = ssl_quic_on(ssl);
  if (!session->is_quic || !session->is_server) return true;
  return ssl_owned_set(&session->early_context, ssl->quic->context.data, ssl->quic->context.len);
}

/* break_off notes that a callback failed: nothing can go on without it. */
static ssl_step break_off(SSL *ssl) {
  ssl->quic->run.broken = true;
  SSL_ERR(SSL_R_QUIC_INTERNAL_ERROR);
  return SSL_STEP_ERROR;
}

/* ---- Secrets ---- */

static bool hand_out(SSL *ssl, hf_level level, bool sending, uint16_t suite, hf_bytes secret) {
  ssl_quic *quic = ssl->quic;
  if (quic->has_tls) {
    if (quic->tls.yield_secret(ssl, (uint32_t)level, sending, secret.data, secret.len,
                               quic->tls.arg) != 1)
      return false;
  } else {
    const SSL_CIPHER *cipher = SSL_get_cipher_by_value(suite);
    enum ssl_encryption_level_t at = (enum ssl_encryption_level_t)level;
    if ((sending ? quic->method->set_write_secret : quic->method->set_read_secret)(
            ssl, at, cipher, secret.data, secret.len) != 1)
      return false;
  }
  if (level == HF_EARLY) {
    *(sending ? &quic->run.early_write : &quic->run.early_read) = true;
  } else {
    *(sending ? &quic->run.write_level : &quic->run.read_level) = level;
  }
  return true;
}

/* What is read at |level| is acknowledged at this one; early data with 1-RTT keys. */
static bool can_acknowledge(const ssl_quic_run *run, hf_level level) {
  return run->write_level >= (level == HF_EARLY ? HF_APPLICATION : level);
}

static void drop_held(ssl_quic_run *run) {
  OPENSSL_cleanse(run->held, sizeof run->held);
  run->held_len = 0;
}

static bool hold(ssl_quic_run *run, const hf_question_t *question) {
  const hf_bytes secret = question->install.secret;
  if (run->held_len > 0 || secret.len > sizeof run->held) return false;
  memcpy(run->held, secret.data, secret.len);
  run->held_len = secret.len;
  run->held_level = question->install.level;
  run->held_suite = question->install.suite;
  return true;
}

static bool hand_out_held(SSL *ssl) {
  ssl_quic_run *run = &ssl->quic->run;
  if (run->held_len == 0 || !can_acknowledge(run, run->held_level)) return true;
  bool ok =
      hand_out(ssl, run->held_level, false, run->held_suite, (hf_bytes){run->held, run->held_len});
  drop_held(run);
  return ok;
}

int ssl_quic_install(SSL *ssl, const hf_question_t *question) {
  const hf_level level = question->install.level;
  const bool sending = question->install.sending;
  if (question->install.kind != HF_SECRET_TRAFFIC) return 0;
  /* RFC 9001 4.1.3: part of a message more than the level's last one. */
  if (!sending && ssl->io.in.start < ssl->io.in.end) return SSL_R_EXCESS_HANDSHAKE_DATA;
  bool ok =
      !sending && !can_acknowledge(&ssl->quic->run, level)
          ? hold(&ssl->quic->run, question)
          : hand_out(ssl, level, sending, question->install.suite, question->install.secret) &&
                hand_out_held(ssl);
  return ok ? 0 : SSL_R_QUIC_INTERNAL_ERROR;
}

/* ---- Transport parameters ---- */

bool ssl_quic_learn(SSL *ssl) {
  ssl_quic *quic = ssl->quic;
  hf_facts facts;
  if (quic->run.peer_params_known) return true;
  hf_get_facts(&facts, ssl->conn);
  const hf_bytes params = facts.quic_params;
  if (params.data == NULL) return true;
  if (!ssl_owned_set(&quic->run.peer_params, params.data, params.len)) return false;
  quic->run.peer_params_known = true;
  return !quic->has_tls ||
         quic->tls.got_transport_params(ssl, params.data, params.len, quic->tls.arg) == 1;
}

/* ---- Output ---- */

/* send_staged gives io.out to the callback, and frees it when all is taken. */
static ssl_step send_staged(SSL *ssl) {
  ssl_buffer *out = &ssl->io.out;
  ssl_quic *quic = ssl->quic;
  while (out->start < out->end) {
    const uint8_t *data = out->data + out->start;
    size_t len = out->end - out->start, taken = 0;
    bool ok = quic->has_tls
                  ? quic->tls.crypto_send(ssl, data, len, &taken, quic->tls.arg) == 1
                  : quic->method->add_handshake_data(
                        ssl, (enum ssl_encryption_level_t)quic->run.out_level, data, len) == 1;
    if (!ok || taken > len) return break_off(ssl);
    quic->run.flight_open = true;
    out->start += quic->has_tls ? taken : len;
    if (quic->has_tls && taken < len) return SSL_STEP_WAIT;
  }
  ssl_io_drop_output(&ssl->io);
  return SSL_STEP_DONE;
}

/* stage takes what the engine has queued at one level.  Its status is of what comes after these
 * bytes, and hf_wants has it. */
static bool stage(SSL *ssl) {
  enum { PART = 4096 }; /* a level's share of most flights */
  ssl_buffer *out = &ssl->io.out;
  out->data = OPENSSL_malloc(PART);
  if (out->data == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return false;
  }
  out->cap = PART;
  hf_status status =
      hf_quic_flush(ssl->conn, &ssl->quic->run.out_level, &out->end, out->data, PART);
  return status == HF_OK || out->end > 0;
}

ssl_step ssl_quic_push(SSL *ssl) {
  if (ssl->quic->run.broken) return break_off(ssl);
  for (;;) {
    ssl_step step = send_staged(ssl);
    if (step != SSL_STEP_DONE || (hf_wants(ssl->conn) & HF_WANT_OUTPUT) == 0) return step;
    if (!stage(ssl)) return SSL_STEP_ERROR;
  }
}

bool ssl_quic_end_flight(SSL *ssl) {
  ssl_quic *quic = ssl->quic;
  if (quic->run.broken) return break_off(ssl) == SSL_STEP_DONE;
  if (!quic->run.flight_open) return true;
  quic->run.flight_open = false;
  return quic->has_tls || quic->method->flush_flight(ssl) == 1 || break_off(ssl) == SSL_STEP_DONE;
}

void ssl_quic_alert(SSL *ssl, uint8_t alert) {
  ssl_quic *quic = ssl->quic;
  /* Nobody is left to be told that this failed too. */
  if (quic->has_tls) {
    (void)quic->tls.alert(ssl, alert, quic->tls.arg);
  } else {
    (void)quic->method->send_alert(ssl, (enum ssl_encryption_level_t)quic->run.write_level, alert);
  }
}

/* ---- Input ---- */

/* whole_messages returns the length of the messages in io.in that are whole. */
static size_t whole_messages(const ssl_buffer *in) {
  enum { HEADER = 4 };
  size_t have = in->end - in->start, whole = 0;
  while (have - whole >= HEADER) {
    const uint8_t *header = in->data + in->start + whole;
    size_t len = HEADER + ((size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3]);
    if (len > have - whole) break;
    whole += len;
  }
  return whole;
}

static ssl_step fetch_provided(SSL *ssl) {
  ssl_buffer *in = &ssl->io.in;
  size_t len = whole_messages(in), taken = 0;
  if (len == 0) return SSL_STEP_WAIT;
  const hf_bytes bytes = {in->data + in->start, len};
  const hf_level level = ssl->quic->run.read_level;
  /* Taken first, so that what is left is what the level's last message left over. */
  in->start += len;
  hf_status status = hf_quic_open(ssl->conn, &taken, level, bytes);
  if (status == HF_OK && taken != len) return break_off(ssl);
  ssl_io_drop_empty(&ssl->io);
  return SSL_STEP_DONE;
}

static ssl_step fetch_record(SSL *ssl) {
  ssl_quic *quic = ssl->quic;
  const unsigned char *data = NULL;
  size_t len = 0, taken = 0;
  if (quic->tls.crypto_recv_rcd(ssl, &data, &len, quic->tls.arg) != 1) return break_off(ssl);
  if (len == 0) return SSL_STEP_WAIT;
  hf_status status = hf_quic_open(ssl->conn, &taken, quic->run.read_level, (hf_bytes){data, len});
  if (quic->tls.crypto_release_rcd(ssl, len, quic->tls.arg) != 1 ||
      (status == HF_OK && taken != len))
    return break_off(ssl);
  return SSL_STEP_DONE;
}

ssl_step ssl_quic_fetch(SSL *ssl) {
  ssl_step step = ssl_quic_push(ssl);
  if (step != SSL_STEP_DONE) return step;
  if (!ssl_quic_end_flight(ssl)) return SSL_STEP_ERROR;
  return ssl->quic->has_tls ? fetch_record(ssl) : fetch_provided(ssl);
}

/* ---- Ends ---- */

void ssl_quic_reset(SSL *ssl) {
  if (ssl->quic == NULL) return;
  drop_held(&ssl->quic->run);
  OPENSSL_free(ssl->quic->run.peer_params.data);
  memset(&ssl->quic->run, 0, sizeof ssl->quic->run);
}

void ssl_quic_free(SSL *ssl) {
  if (ssl->quic == NULL) return;
  ssl_quic_reset(ssl);
  OPENSSL_free(ssl->quic->params.data);
  OPENSSL_free(ssl->quic->context.data);
  OPENSSL_free(ssl->quic);
  ssl->quic = NULL;
}
