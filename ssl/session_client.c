/* session_client.c: a client's sessions: which one is offered, what becomes of a resumed one, and
 * who gets those that the server sends.
 *
 * ssl->session is the session offered, or on a server the one that was resumed; ssl->established is
 * the one that a handshake of TLS 1.2 made, else made of the connection when somebody asks for it.
 * A TLS 1.3 session is offered once (RFC 9846 C.4): whoever takes it first marks it. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/driver.h"
#include "ssl/early.h"
#include "ssl/quic.h"
#include "ssl/session.h"

/* ---- Offering ---- */

int SSL_set_session(SSL *ssl, SSL_SESSION *session) {
  if (ssl->conn != NULL) {
    SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    return 0;
  }
  if (session != NULL) SSL_SESSION_up_ref(session);
  SSL_SESSION_free(ssl->session);
  ssl->session = session;
  return 1;
}

/* in_context says whether |session| was made for the same purpose, as the application tells them
 * apart. */
static bool in_context(const SSL *ssl, const SSL_SESSION *session) {
  const ssl_settings *s = ssl->settings;
  return session->sid_ctx_len == s->session_id_context_len &&
         memcmp(session->sid_ctx, s->session_id_context, session->sid_ctx_len) == 0;
}

/* Who insists on a trusted server must not resume what was begun with any. */
static bool may_offer(const SSL *ssl, const SSL_SESSION *session) {
  const bool no_tickets =
      session->version < TLS1_3_VERSION && (ssl->settings->options & SSL_OP_NO_TICKET) != 0;
  return !session->is_server && in_context(ssl, session) && session->is_quic == ssl_quic_on(ssl) &&
         (ssl_session_by_id(session) || (session->ticket.len > 0 && !no_tickets)) &&
         ((ssl->local.verify_mode & SSL_VERIFY_PEER) == 0 || session->verify_result == X509_V_OK);
}

hf_bytes ssl_session_offer(SSL *ssl, hf_bytes name) {
  ssl_owned state = {NULL, 0};
  SSL_SESSION *session = ssl->role == SSL_ROLE_CLIENT ? ssl->session : NULL;
  if (session != NULL && may_offer(ssl, session) &&
      (!SSL_SESSION_should_be_single_use(session) || !atomic_exchange(&session->used, true)))
    ssl_session_export(&state, session, name);
  ssl_early_offers(ssl, state.data != NULL ? session : NULL);
  return (hf_bytes){state.data, state.len};
}

void SSL_CTX_set_reverify_on_resume(SSL_CTX *ctx, int enabled) {
  ctx->reverify_on_resume = enabled != 0;
}

/* lend_peer has whoever asks find the session's peer where a handshake's is. */
static bool lend_peer(SSL *ssl) {
  if (!ssl_share_peer(ssl, ssl->session)) return false;
  ssl_staples_clear(&ssl->peer_staples);
  ssl->peer_staples = ssl_staples_share(&ssl->session->staples);
  return true;
}

/* answer_reverify answers with what the callback said, |result| and |alert|. */
static bool answer_reverify(SSL *ssl, enum ssl_verify_result_t result, uint8_t alert) {
  ssl->io.verifying = false;
  if (result == ssl_verify_ok) {
    ERR_clear_error();
    return hf_answer_verdict(ssl->conn) != HF_MISUSE;
  }
  ssl->verify_result = X509_V_ERR_APPLICATION_VERIFICATION;
  ssl->io.refusal = SSL_R_CERTIFICATE_VERIFY_FAILED;
  return hf_refuse(ssl->conn, alert) == HF_OK;
}

bool ssl_session_reverify(SSL *ssl) {
  const SSL_SESSION *session = ssl->session;
  /* One that came of an external key has no chain, and nobody to distrust. */
  if (session->chain == NULL && session->spki == NULL)
    return answer_reverify(ssl, ssl_verify_ok, 0);
  if (!ssl->io.verifying && !lend_peer(ssl)) {
    ssl->io.refusal = ERR_R_MALLOC_FAILURE;
    return hf_refuse(ssl->conn, SSL_AD_INTERNAL_ERROR) == HF_OK;
  }
  ssl->io.verifying = true;
  uint8_t alert = SSL_AD_CERTIFICATE_UNKNOWN;
  enum ssl_verify_result_t result = ssl_verify_invalid;
  if (ssl->local.custom_verify != NULL) result = ssl->local.custom_verify(ssl, &alert);
  if (result != ssl_verify_retry) return answer_reverify(ssl, result, alert);
  ssl->want = SSL_ERROR_WANT_CERTIFICATE_VERIFY;
  return false;
}

bool ssl_session_taken(SSL *ssl) {
  if (ssl->role != SSL_ROLE_CLIENT || ssl->session == NULL || !ssl_resumed(ssl)) return true;
  if (!lend_peer(ssl)) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return false;
  }
  ssl->verify_result = ssl->session->verify_result;
  return true;
}

/* ---- Keeping ---- */

void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, int (*cb)(SSL *ssl, SSL_SESSION *session)) {
  ctx->new_session_cb = cb;
}

int (*SSL_CTX_sess_get_new_cb(SSL_CTX *ctx))(SSL *ssl, SSL_SESSION *session) {
  return ctx->new_session_cb;
}

void ssl_session_establish(SSL *ssl, SSL_SESSION *session) {
  if (SSL_version(ssl) >= TLS1_3_VERSION) return;
  /* What SSL_get_session lent before the end of the handshake lasts as long as what it lends then.
   */
  if (ssl->established != NULL) {
    SSL_SESSION_free(ssl->provisional);
    ssl->provisional = ssl->established;
  }
  SSL_SESSION_up_ref(session);
  ssl->established = session;
}

/* give hands |session|, a reference, to who keeps such. */
static void give(SSL *ssl, SSL_SESSION *session) {
  SSL_CTX *ctx = ssl->first_ctx;
  if (ssl->role == SSL_ROLE_SERVER) {
    if (ssl_session_may_stand_for(ssl)) (void)ssl_session_store(ssl, session);
  } else if (ctx->new_session_cb != NULL &&
             (ctx->session_cache_mode & SSL_SESS_CACHE_CLIENT) != 0 &&
             ctx->new_session_cb(ssl, session)) {
    return; /* it is the callback's */
  }
  SSL_SESSION_free(session);
}

static void keep(SSL *ssl, hf_bytes state) {
  /* In TLS 1.2 the handshake is not quite done: what it resumed is not looked at yet. */
  if (!ssl->io.done && !ssl_session_taken(ssl)) return;
  SSL_SESSION *session = ssl_session_import(ssl, state);
  if (session == NULL) return;
  ssl_session_establish(ssl, session);
  if (ssl->io.done) {
    give(ssl, session);
    return;
  }
  /* Who is given it may ask the connection whatever can be asked after the handshake. */
  ssl->io.session_due = true;
  SSL_SESSION_free(session);
}

void ssl_session_give_due(SSL *ssl) {
  if (!ssl->io.session_due) return;
  ssl->io.session_due = false;
  SSL_SESSION_up_ref(ssl->established);
  ERR_set_mark();
  give(ssl, ssl->established);
  ERR_pop_to_mark();
}

bool ssl_session_keep(SSL *ssl, hf_bytes state) {
  ERR_set_mark();
  keep(ssl, state);
  ERR_pop_to_mark(); /* a session less is no failure of the connection */
  return hf_answer_done(ssl->conn) != HF_MISUSE;
}

/* ---- Asking ---- */

/* established makes the session that tells about the connection. */
static SSL_SESSION *established(SSL *ssl) {
  hf_facts facts;
  hf_get_facts(&facts, ssl->conn);
  SSL_SESSION *session = SSL_SESSION_new(ssl->ctx);
  if (session == NULL) return NULL;
  session->version = facts.version;
  session->suite = facts.suite;
  /* So that a server can take out of its cache what was resumed. */
  if (ssl_resumed(ssl) && ssl->role == SSL_ROLE_SERVER && ssl->session != NULL)
    (void)SSL_SESSION_set1_id(session, ssl->session->id, ssl->session->id_len);
  session->timeout = ssl->settings->ticket_lifetime;
  session->auth_timeout = SSL_DEFAULT_SESSION_AUTH_TIMEOUT;
  if (ssl_session_describe(ssl, session)) return session;
  SSL_SESSION_free(session);
  return NULL;
}

SSL_SESSION *SSL_get_session(const SSL *ssl) {
  if (ssl->established != NULL) return ssl->established;
  if (!ssl->io.done && !ssl->io.false_start) return ssl->session;
  /* A session of TLS 1.2 is the same, however often it is resumed. */
  if (ssl_resumed(ssl) && ssl->session != NULL && SSL_version(ssl) < TLS1_3_VERSION)
    return ssl->session;
  SSL *cache = (SSL *)ssl; /* one thread at a time uses an SSL */
  ERR_set_mark();
  cache->established = established(cache);
  ERR_pop_to_mark();
  return ssl->established;
}

SSL_SESSION *SSL_get0_session(const SSL *ssl) { return SSL_get_session(ssl); }

SSL_SESSION *SSL_get1_session(SSL *ssl) {
  SSL_SESSION *session = SSL_get_session(ssl);
  if (session != NULL) SSL_SESSION_up_ref(session);
  return session;
}

void ssl_session_clear(SSL *ssl, bool all) {
  ssl_psk_clear(ssl);
  SSL_SESSION_free(ssl->established);
  SSL_SESSION_free(ssl->provisional);
  ssl->established = ssl->provisional = NULL;
  if (!all && ssl->role == SSL_ROLE_CLIENT) return;
  SSL_SESSION_free(ssl->session);
  ssl->session = NULL;
}
