/* early.c: early data: when the handshake returns for it, what becomes of it, and what there is to
 * ask.
 *
 * Owns: io.early, io.early_explicit, io.early_reason, io.early_offered, io.age_skew.  What is sent
 * and received early goes through data.c and the engine as other data does. */
#include "ssl/early.h"

#include <string.h>

#include "ssl/driver.h"
#include "ssl/quic.h"
#include "ssl/session.h"

static hf_facts facts_of(const SSL *ssl) {
  hf_facts facts = {0};
  if (ssl->conn != NULL) hf_get_facts(&facts, ssl->conn);
  return facts;
}

static bool was_refused(const SSL *ssl) {
  return ssl->conn != NULL && (hf_wants(ssl->conn) & HF_EARLY_REFUSED) != 0;
}

/* ---- For the driver ---- */

/* forget_early: what went out early, and what was taken for true then, is nothing now.  A record
 * that has begun to go goes on, for the server to skip. */
static void forget_early(SSL *ssl) {
  ssl->io.early = SSL_EARLY_OVER;
  ssl->io.write_done = ssl->io.write_staged = 0;
  ssl_peer_clear(ssl);
}

bool ssl_early_refused(SSL *ssl, unsigned wants) {
  if ((wants & (HF_EARLY_REFUSED | HF_FAILED)) != HF_EARLY_REFUSED ||
      ssl->io.early != SSL_EARLY_OPEN)
    return false;
  if (ssl->io.early_explicit) {
    forget_early(ssl);
    return false;
  }
  ssl->want = SSL_ERROR_EARLY_DATA_REJECTED;
  return true;
}

static int client_returns(SSL *ssl, const hf_facts *facts) {
  if (ssl->io.early != SSL_EARLY_NONE || !facts->early_open) return 0;
  ssl->io.early = SSL_EARLY_OPEN;
  if (ssl_session_taken(ssl)) return 1; /* whom it will be with, if all goes well */
  ssl->io.early = SSL_EARLY_NONE;
  return -1;
}

static int server_returns(SSL *ssl, const hf_facts *facts) {
  if (ssl->io.early == SSL_EARLY_OPEN) {
    if (facts->early_open) return ssl->io.app.len > 0;
    ssl->io.early = SSL_EARLY_OVER;
    return 1;
  }
  if (ssl->io.early == SSL_EARLY_OVER || facts->own_finished.len == 0) return 0;
  if (!facts->early_accepted && !ssl->io.early_explicit) return 0;
  ssl->io.early = facts->early_accepted ? SSL_EARLY_OPEN : SSL_EARLY_OVER;
  return 1;
}

int ssl_early_returns(SSL *ssl, unsigned wants) {
  if ((wants & (HF_WANT_OUTPUT | HF_WANT_ANSWER)) != 0) return 0;
  /* In OpenSSL's way the handshake of QUIC returns when it is done. */
  if (ssl_quic_on(ssl) && !ssl_quic_by_calls(ssl)) return 0;
  hf_facts facts = facts_of(ssl);
  return ssl->role == SSL_ROLE_CLIENT ? client_returns(ssl, &facts) : server_returns(ssl, &facts);
}

bool ssl_early_came(SSL *ssl) {
  if (ssl->io.app.len == 0 || !facts_of(ssl).early_open) return false;
  ssl->io.early = SSL_EARLY_OPEN;
  return true;
}

bool ssl_early_may_write(const SSL *ssl, bool by_name) {
  if (ssl->io.early_explicit && !by_name) return false;
  bool returned = ssl->role == SSL_ROLE_SERVER ? ssl->io.early != SSL_EARLY_NONE
                                               : ssl->io.early == SSL_EARLY_OPEN;
  return returned && !ssl->io.done && (hf_wants(ssl->conn) & HF_CAN_SEND) != 0;
}

bool ssl_early_may_read(const SSL *ssl) {
  return ssl->role == SSL_ROLE_SERVER && !ssl_quic_on(ssl) && SSL_in_early_data(ssl);
}

/* ---- What a client offers ---- */

/* offers_protocol says whether |ssl| offers the protocol |alpn|. */
static bool offers_protocol(const SSL *ssl, const ssl_owned *alpn) {
  const ssl_settings *s = ssl->settings;
  for (size_t i = 0; i < s->alpn_len; i += 1 + (size_t)s->alpn[i])
    if (s->alpn[i] == alpn->len && memcmp(s->alpn + i + 1, alpn->data, alpn->len) == 0) return true;
  return alpn->len == 0;
}

void ssl_early_offers(SSL *ssl, const SSL_SESSION *session) {
  ssl->io.early_reason = ssl_early_data_unknown;
  if (!ssl->settings->early_client) {
    ssl->io.early_reason = ssl_early_data_disabled;
  } else if (session == NULL) {
    ssl->io.early_reason = ssl_early_data_no_session_offered;
  } else if (!SSL_SESSION_early_data_capable(session)) {
    ssl->io.early_reason = ssl_early_data_unsupported_for_session;
  } else if (!offers_protocol(ssl, &session->alpn)) {
    ssl->io.early_reason = ssl_early_data_alpn_mismatch;
  }
}

/* ---- What a server accepts ---- */

static bool same(ssl_owned a, hf_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* obstacle is what speaks against early data, but for what the engine, the record of tickets and
 * the application say; ssl_early_data_accepted: nothing. */
static enum ssl_early_data_reason_t obstacle(const SSL *ssl, const SSL_SESSION *session,
                                             int64_t skew) {
  hf_facts facts = facts_of(ssl);
  if (!ssl->settings->early_server) return ssl_early_data_disabled;
  if (session->max_early_data == 0) return ssl_early_data_unsupported_for_session;
  if (facts.retried) return ssl_early_data_hello_retry_request;
  if (!ssl->io.early_offered) return ssl_early_data_peer_declined;
  if (!same(session->alpn, facts.alpn)) return ssl_early_data_alpn_mismatch;
  if (skew > SSL_EARLY_AGE_WINDOW || skew < -SSL_EARLY_AGE_WINDOW)
    return ssl_early_data_ticket_age_skew;
  if (ssl_quic_on(ssl) && !ssl_quic_early_fits(ssl, session))
    return ssl_early_data_quic_parameter_mismatch;
  return ssl_early_data_accepted;
}

/* allowed asks the application, and then the record, which remembers that it was asked. */
static bool allowed(SSL *ssl, const SSL_SESSION *session, const hf_candidate *candidate,
                    uint64_t now) {
  const ssl_local *local = &ssl->local;
  if (local->allow_early != NULL && local->allow_early(ssl, local->allow_early_arg) != 1)
    return false;
  return (ssl->settings->options & SSL_OP_NO_ANTI_REPLAY) != 0 ||
         ssl_replay_first(ssl->first_ctx, candidate->name, session->issued,
                          candidate->obfuscated_age - session->age_add, now);
}

bool ssl_early_accepts(SSL *ssl, size_t index, const SSL_SESSION *session, hf_bytes state) {
  const hf_question_t *question = hf_question(ssl->conn);
  const hf_candidate *candidate = &question->session.candidates[index];
  const uint64_t now = ssl_now(ssl->ctx);
  const int64_t age = candidate->obfuscated_age - session->age_add; /* modulo 2^32 */
  const int64_t skew = age - (int64_t)(now - session->issued);
  ssl->io.age_skew = (int32_t)(skew / 1000);
  enum ssl_early_data_reason_t reason = obstacle(ssl, session, skew);
  if (reason == ssl_early_data_accepted &&
      !(hf_early_acceptable(ssl->conn, index, state) && allowed(ssl, session, candidate, now)))
    reason = ssl_early_data_peer_declined;
  ssl->io.early_reason = reason;
  return reason == ssl_early_data_accepted;
}

void SSL_CTX_set_allow_early_data_cb(SSL_CTX *ctx, int (*cb)(SSL *ssl, void *arg), void *arg) {
  ctx->local.allow_early = cb;
  ctx->local.allow_early_arg = arg;
}

void SSL_set_allow_early_data_cb(SSL *ssl, int (*cb)(SSL *ssl, void *arg), void *arg) {
  ssl->local.allow_early = cb;
  ssl->local.allow_early_arg = arg;
}

/* ---- What became of it ---- */

int SSL_in_early_data(const SSL *ssl) {
  if (ssl->io.early != SSL_EARLY_OPEN || ssl->io.done) return 0;
  return facts_of(ssl).early_open || was_refused(ssl);
}

const SSL_SESSION *ssl_early_session(const SSL *ssl) {
  bool client = ssl->role == SSL_ROLE_CLIENT && SSL_in_early_data(ssl);
  /* Of an external key the engine tells what it knows. */
  return client && SSL_get_psk_identity(ssl) == NULL ? ssl->session : NULL;
}

int SSL_early_data_accepted(const SSL *ssl) { return facts_of(ssl).early_accepted; }

void SSL_reset_early_data_reject(SSL *ssl) {
  if (ssl->io.early == SSL_EARLY_OPEN && was_refused(ssl)) forget_early(ssl);
}

int32_t SSL_get_ticket_age_skew(const SSL *ssl) { return ssl->io.age_skew; }

/* client_reason is what the server had to say. */
static enum ssl_early_data_reason_t client_reason(const SSL *ssl, const hf_facts *facts) {
  if (facts->early_accepted) return ssl_early_data_accepted;
  if (was_refused(ssl)) {
    if (facts->retried) return ssl_early_data_hello_retry_request;
    return facts->resumed ? ssl_early_data_peer_declined : ssl_early_data_session_not_resumed;
  }
  return ssl->io.done ? ssl_early_data_no_session_offered : ssl_early_data_unknown;
}

enum ssl_early_data_reason_t SSL_get_early_data_reason(const SSL *ssl) {
  bool server = ssl->role == SSL_ROLE_SERVER;
  hf_facts facts = facts_of(ssl);
  if (server && facts.own_finished.len == 0) return ssl_early_data_unknown;
  if (server && !ssl->settings->early_server) return ssl_early_data_disabled;
  if (facts.version == TLS1_2_VERSION) return ssl_early_data_protocol_version;
  if (ssl->io.early_reason != ssl_early_data_unknown) return ssl->io.early_reason;
  return server ? ssl_early_data_no_session_offered : client_reason(ssl, &facts);
}

const char *SSL_early_data_reason_string(enum ssl_early_data_reason_t reason) {
  static const char *const kNames[] = {
      [ssl_early_data_unknown] = "unknown",
      [ssl_early_data_disabled] = "disabled",
      [ssl_early_data_accepted] = "accepted",
      [ssl_early_data_protocol_version] = "protocol_version",
      [ssl_early_data_peer_declined] = "peer_declined",
      [ssl_early_data_no_session_offered] = "no_session_offered",
      [ssl_early_data_session_not_resumed] = "session_not_resumed",
      [ssl_early_data_unsupported_for_session] = "unsupported_for_session",
      [ssl_early_data_hello_retry_request] = "hello_retry_request",
      [ssl_early_data_alpn_mismatch] = "alpn_mismatch",
      [ssl_early_data_channel_id] = "channel_id",
      [ssl_early_data_ticket_age_skew] = "ticket_age_skew",
      [ssl_early_data_quic_parameter_mismatch] = "quic_parameter_mismatch",
      [ssl_early_data_alps_mismatch] = "alps_mismatch",
  };
  const size_t index = (size_t)reason;
  return index < sizeof kNames / sizeof kNames[0] ? kNames[index] : NULL;
}

int SSL_get_early_data_status(const SSL *ssl) {
  if (SSL_early_data_accepted(ssl)) return SSL_EARLY_DATA_ACCEPTED;
  bool offered = ssl->role == SSL_ROLE_SERVER ? ssl->io.early_offered
                                              : ssl->io.early == SSL_EARLY_OPEN || was_refused(ssl);
  return offered ? SSL_EARLY_DATA_REJECTED : SSL_EARLY_DATA_NOT_SENT;
}
