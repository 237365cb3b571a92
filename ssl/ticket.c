/* ticket.c: a server's sessions, which are in its tickets: the answers to HF_ASK_TICKET and
 * HF_ASK_SESSION.
 *
 * A ticket is a session as SSL_SESSION_to_bytes_for_ticket writes it, sealed by ticket_keys.c; with
 * SSL_OP_NO_TICKET it is the id of a session that is kept (session_cache.c), and in TLS 1.2 there
 * is none, for that has ids beside tickets.  Whoever resumes one is taken for who he was: the
 * client's chain, or its hash, and its verification's result are in it.  So a server that requires
 * certificates neither gives tickets to clients without one nor takes theirs. */
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include "ssl/driver.h"
#include "ssl/early.h"
#include "ssl/quic.h"
#include "ssl/session.h"

static bool requires_certificates(const SSL *ssl) {
  const int both = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  return (ssl->local.verify_mode & both) == both;
}

bool ssl_session_may_stand_for(const SSL *ssl) {
  return !requires_certificates(ssl) || ssl_peer_is_known(ssl);
}

static bool is_old(const SSL *ssl) { return SSL_version(ssl) < TLS1_3_VERSION; }

/* keeps_sessions: the tickets of TLS 1.3 are ids.  TLS 1.2 has ids for that, and then no tickets.
 */
static bool keeps_sessions(const SSL *ssl) {
  return !is_old(ssl) && (ssl->settings->options & SSL_OP_NO_TICKET) != 0;
}

/* ---- HF_ASK_TICKET ---- */

static void seal(SSL *ssl, ssl_owned *out, const SSL_SESSION *session) {
  uint8_t *plain = NULL;
  size_t len;
  if (SSL_SESSION_to_bytes_for_ticket(session, &plain, &len) &&
      !ssl_ticket_seal(ssl, out, (hf_bytes){plain, len}))
    *out = (ssl_owned){NULL, 0};
  OPENSSL_free(plain);
}

/* keep stores |session| under an id that nobody can guess (RFC 9846 4.7.1). */
static void keep(SSL *ssl, ssl_owned *out, SSL_SESSION *session) {
  session->id_len = sizeof session->id;
  RAND_bytes(session->id, sizeof session->id);
  if (!ssl_owned_set(out, session->id, session->id_len) || ssl_session_store(ssl, session)) return;
  OPENSSL_free(out->data);
  *out = (ssl_owned){NULL, 0};
}

/* make_ticket gives nothing if memory ran out, the keys' owner wants none, or sessions are to be
 * kept and there is nowhere to. */
static void make_ticket(SSL *ssl, ssl_owned *out, hf_bytes state) {
  if (!ssl_session_may_stand_for(ssl)) return;
  if (keeps_sessions(ssl) && !ssl_session_stores(ssl)) return;
  SSL_SESSION *session = ssl_session_import(ssl, state);
  if (session == NULL) return;
  if (keeps_sessions(ssl)) {
    keep(ssl, out, session);
  } else {
    ssl_session_establish(ssl, session);
    seal(ssl, out, session);
  }
  SSL_SESSION_free(session);
}

bool ssl_answer_ticket(SSL *ssl, hf_bytes state) {
  ssl_owned ticket = {NULL, 0};
  ERR_set_mark();
  make_ticket(ssl, &ticket, state);
  ERR_pop_to_mark(); /* a ticket less is no failure of the connection */
  if (ticket.len > UINT16_MAX) ticket.len = 0;
  hf_status status =
      hf_answer_ticket(ssl->conn, (hf_bytes){ticket.len > 0 ? ticket.data : NULL, ticket.len});
  OPENSSL_free(ticket.data);
  return status != HF_MISUSE;
}

int SSL_new_session_ticket(SSL *ssl) {
  ssl_enter(ssl);
  if (!ssl->io.done) {
    SSL_ERR(SSL_R_HANDSHAKE_NOT_COMPLETE);
  } else if (ssl->role != SSL_ROLE_SERVER || ssl_quic_on(ssl)) {
    SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  } else if (hf_issue_ticket(ssl->conn) != HF_OK) {
    SSL_ERR(SSL_R_PROTOCOL_IS_SHUTDOWN);
  } else {
    return 1;
  }
  return 0;
}

/* ---- HF_ASK_SESSION ---- */

/* has_suite: whether the suite that is chosen is |session|'s, as BoringSSL wants it.  The engine,
 * and RFC 9846 4.3.11, would be content with one of the same hash. */
static bool has_suite(const SSL *ssl, const SSL_SESSION *session) {
  const SSL_CIPHER *suite = SSL_get_pending_cipher(ssl);
  return is_old(ssl) || (suite != NULL && SSL_CIPHER_get_protocol_id(suite) == session->suite);
}

/* fits says whether |ssl| may resume |session|; what else concerns the protocol the engine sees to.
 */
static bool fits(const SSL *ssl, const SSL_SESSION *session) {
  const ssl_settings *s = ssl->settings;
  return session->is_server && session->version == SSL_version(ssl) &&
         session->is_quic == ssl_quic_on(ssl) && has_suite(ssl, session) &&
         session->sid_ctx_len == s->session_id_context_len &&
         CRYPTO_memcmp(session->sid_ctx, s->session_id_context, session->sid_ctx_len) == 0 &&
         (ssl_session_knows_peer(session) || !requires_certificates(ssl)) &&
         /* Who wants the hash alone is not to be given a chain, nor who wants that the hash. */
         (ssl->local.retain_sha256 ? session->chain == NULL : !session->has_sha256);
}

/* resume answers with |session|, which becomes the SSL's if the engine takes it.  It returns 1; 0
 * if the session is none or memory ran out, for a full handshake needs neither; -1 if it cannot be
 * answered. */
static int resume(SSL *ssl, size_t index, SSL_SESSION *session, bool renew) {
  ssl_owned state;
  ssl_session_export(&state, session, (hf_bytes){NULL, 0});
  if (state.data == NULL) return 0;
  /* Before the answer, for afterwards it is too late to fail. */
  if (!ssl_share_peer(ssl, session)) {
    OPENSSL_free(state.data);
    return 0;
  }
  hf_bytes bytes = {state.data, state.len};
  unsigned flags = renew ? HF_RENEW_TICKET : 0;
  if (!is_old(ssl) && ssl_early_accepts(ssl, index, session, bytes)) flags |= HF_ACCEPT_EARLY;
  hf_status status = hf_answer_session(ssl->conn, index, bytes, flags);
  OPENSSL_free(state.data);
  if (SSL_session_reused(ssl)) {
    ssl->verify_result = session->verify_result;
    SSL_SESSION_up_ref(session);
    SSL_SESSION_free(ssl->session);
    ssl->session = session;
  } else {
    ssl->io.early_reason = ssl_early_data_session_not_resumed;
    ssl_peer_clear_chain(ssl);
  }
  return status != HF_MISUSE ? 1 : -1;
}

/* parse makes a session of an opened ticket; NULL: it is none for |ssl|. */
static SSL_SESSION *parse(const SSL *ssl, const ssl_owned *plain) {
  CBS cbs;
  CBS_init(&cbs, plain->data, plain->len);
  ERR_set_mark();
  SSL_SESSION *session = ssl_session_parse(&cbs);
  ERR_pop_to_mark();
  if (session != NULL && CBS_len(&cbs) == 0 && fits(ssl, session)) return session;
  SSL_SESSION_free(session);
  return NULL;
}

/* try_id is try_ticket for a session that is kept. */
static int try_id(SSL *ssl, size_t index, hf_bytes id) {
  SSL_SESSION *session = ssl_session_find(ssl, id);
  if (session == SSL_magic_pending_session_ptr()) {
    ssl->want = SSL_ERROR_PENDING_SESSION;
    return -1;
  }
  if (session == NULL) return 0;
  int ret = fits(ssl, session) ? resume(ssl, index, session, false) : 0;
  SSL_SESSION_free(session);
  return ret;
}

/* try_ticket returns 1 if the question is answered, 0 if the ticket is none of ours, -1 if it has
 * to wait. */
static int try_ticket(SSL *ssl, size_t index, hf_bytes ticket) {
  ssl_owned plain = {NULL, 0};
  bool renew = false;
  switch (ssl_ticket_open(ssl, &plain, &renew, ticket)) {
    case ssl_ticket_aead_success:
      break;
    case ssl_ticket_aead_ignore_ticket:
      return 0;
    case ssl_ticket_aead_retry:
      ssl->want = SSL_ERROR_PENDING_TICKET;
      return -1;
    case ssl_ticket_aead_error:
      ssl->io.refusal = ERR_R_INTERNAL_ERROR;
      return hf_refuse(ssl->conn, SSL_AD_INTERNAL_ERROR) == HF_OK ? 1 : -1;
  }
  SSL_SESSION *session = parse(ssl, &plain);
  OPENSSL_free(plain.data);
  if (session == NULL) return 0;
  int ret = resume(ssl, index, session, renew);
  SSL_SESSION_free(session);
  return ret;
}

/* A client has few tickets; one that has hundreds wants to see the server look for them. */
enum { MOST_TRIED = 8 };

bool ssl_answer_session(SSL *ssl, const hf_question_t *question) {
  size_t tried = 0;
  ssl->io.early_offered = question->session.early_offered;
  ssl->io.early_reason = ssl_early_data_session_not_resumed; /* unless one is */
  for (size_t i = 0; tried < MOST_TRIED && i < question->session.num; i++) {
    const hf_candidate *candidate = &question->session.candidates[i];
    if (candidate->kind == HF_CANDIDATE_PSK || candidate->name.len == 0) continue;
    bool by_id = candidate->kind == HF_CANDIDATE_SESSION_ID || keeps_sessions(ssl);
    int ret = is_old(ssl) ? 0 : ssl_psk_answer(ssl, question, i);
    if (ret == 0) ret = (by_id ? try_id : try_ticket)(ssl, i, candidate->name);
    if (ret != 0) return ret > 0;
    tried++;
  }
  return hf_answer_session(ssl->conn, 0, (hf_bytes){NULL, 0}, 0) != HF_MISUSE;
}
