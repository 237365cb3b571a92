/* session.c: SSL_SESSION: the object, what it tells, and how it is made of the engine's sessions
 * and turned into them.
 *
 * The engine's state is the PSK with what the handshake has to check; a session has that and what
 * the peer showed, so that who resumes knows whom he talks to.  Encoding is session_asn1.c's, who
 * gets and offers sessions session_client.c's, tickets ticket.c's. */
#include "ssl/quic.h"

#include <string.h>

#include <openssl/mem.h>
#include <openssl/pool.h>
#include <openssl/sha.h>

/* ---- Life ---- */

SSL_SESSION *SSL_SESSION_new(const SSL_CTX *ctx) {
  SSL_SESSION *session = OPENSSL_malloc(sizeof *session);
  if (session == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return NULL;
  }
  memset(session, 0, sizeof *session);
  atomic_init(&session->references, 1);
  atomic_init(&session->used, false);
  atomic_init(&session->leaf, NULL);
  atomic_init(&session->rpk, NULL);
  session->issued = ssl_now(ctx);
  session->timeout = SSL_DEFAULT_SESSION_TIMEOUT;
  session->auth_timeout = SSL_DEFAULT_SESSION_TIMEOUT;
  session->verify_result = X509_V_ERR_INVALID_CALL;
  return session;
}

int SSL_SESSION_up_ref(SSL_SESSION *session) {
  atomic_fetch_add(&session->references, 1);
  return 1;
}

void SSL_SESSION_free(SSL_SESSION *session) {
  if (session == NULL || atomic_fetch_sub(&session->references, 1) != 1) return;
  ssl_ex_data_free(&session->ex_data, &ssl_ex_class_session, session);
  OPENSSL_free(session->ticket.data);
  OPENSSL_free(session->alpn.data);
  OPENSSL_free(session->early_context.data);
  OPENSSL_free(session->name.data);
  OPENSSL_free(session->extra.data);
  ssl_staples_clear(&session->staples);
  sk_CRYPTO_BUFFER_pop_free(session->chain, CRYPTO_BUFFER_free);
  X509_free(atomic_load(&session->leaf));
  CRYPTO_BUFFER_free(session->spki);
  EVP_PKEY_free(atomic_load(&session->rpk));
  OPENSSL_free(session); /* which wipes it */
}

bool ssl_owned_set(ssl_owned *to, const uint8_t *from, size_t len) {
  uint8_t *copy = NULL;
  if (len > 0 && (copy = OPENSSL_memdup(from, len)) == NULL) return false;
  OPENSSL_free(to->data);
  *to = (ssl_owned){copy, len};
  return true;
}

STACK_OF(CRYPTO_BUFFER) * ssl_chain_share(const STACK_OF(CRYPTO_BUFFER) * chain) {
  STACK_OF(CRYPTO_BUFFER) *copy = sk_CRYPTO_BUFFER_new_null();
  bool ok = copy != NULL;
  for (size_t i = 0; ok && i < sk_CRYPTO_BUFFER_num(chain); i++) {
    CRYPTO_BUFFER *buffer = sk_CRYPTO_BUFFER_value(chain, i);
    ok = sk_CRYPTO_BUFFER_push(copy, buffer) != 0;
    if (ok) CRYPTO_BUFFER_up_ref(buffer);
  }
  if (ok) return copy;
  sk_CRYPTO_BUFFER_pop_free(copy, CRYPTO_BUFFER_free);
  return NULL;
}

/* ---- From the engine and to it ---- */

static bool copy_info(SSL_SESSION *to, const hf_session_info *info) {
  to->version = info->version;
  to->suite = info->suite;
  to->issued = info->issued;
  to->timeout = info->lifetime;
  to->hint = info->by_id ? 0 : info->lifetime;
  to->age_add = info->age_add;
  to->has_age_add = info->version >= TLS1_3_VERSION;
  to->ems = info->extended_main_secret;
  to->has_name = true;
  to->max_early_data = info->max_early_data;
  to->secret_len = info->secret_len;
  memcpy(to->secret, info->secret, info->secret_len);
  if (info->by_id && !SSL_SESSION_set1_id(to, info->ticket.data, info->ticket.len)) return false;
  return (info->by_id || ssl_owned_set(&to->ticket, info->ticket.data, info->ticket.len)) &&
         ssl_owned_set(&to->alpn, info->alpn.data, info->alpn.len) &&
         ssl_owned_set(&to->name, info->server_name.data, info->server_name.len);
}

/* limit bounds how long |session| may live: by the settings, and by when the peer last showed its
 * certificates, which a resumed connection has from the session that it came of.  False: no
 * longer. */
static bool limit(const SSL *ssl, SSL_SESSION *session) {
  const SSL_SESSION *parent = ssl_resumed(ssl) ? ssl->session : NULL;
  const bool old = session->version < TLS1_3_VERSION;
  /* In TLS 1.2 who learns the secret can read what it was resumed for too, so it lives less long.
   */
  const uint32_t most = old ? ssl->first_ctx->session_timeout : ssl->settings->ticket_lifetime;
  uint64_t left = old ? most : SSL_DEFAULT_SESSION_AUTH_TIMEOUT;
  if (parent != NULL) {
    uint64_t age = session->issued > parent->issued ? (session->issued - parent->issued) / 1000 : 0;
    left = parent->auth_timeout > age ? parent->auth_timeout - age : 0;
  }
  session->auth_timeout = (uint32_t)left;
  if (session->timeout > most) session->timeout = most;
  if (session->timeout > left) session->timeout = (uint32_t)left;
  return session->timeout > 0;
}

bool ssl_session_describe(SSL *ssl, SSL_SESSION *session) {
  hf_facts facts;
  hf_get_facts(&facts, ssl->conn);
  session->is_server = ssl->role == SSL_ROLE_SERVER;
  /* No signature is made when a session is resumed, and in TLS 1.2 no key exchange either. */
  const SSL_SESSION *parent = ssl_resumed(ssl) ? ssl->session : NULL;
  session->sigalg = parent != NULL ? parent->sigalg : facts.sigalg;
  session->group = parent != NULL && facts.group == 0 ? parent->group : facts.group;
  session->verify_result = ssl->verify_result;
  /* As it will be when the handshake is done. */
  if (session->is_server && !ssl_peer_is_known(ssl)) session->verify_result = X509_V_OK;
  session->sid_ctx_len = ssl->settings->session_id_context_len;
  memcpy(session->sid_ctx, ssl->settings->session_id_context, session->sid_ctx_len);
  if (!ssl_quic_describe(ssl, session)) return false;
  session->staples = ssl_staples_share(&ssl->peer_staples);
  if (ssl->peer_spki != NULL) {
    CRYPTO_BUFFER_up_ref(ssl->peer_spki);
    session->spki = ssl->peer_spki;
  }
  session->has_sha256 = ssl->has_peer_sha256;
  if (session->has_sha256) memcpy(session->sha256, ssl->peer_sha256, SSL_SHA256);
  if (ssl->peer_chain == NULL || session->has_sha256) return true;
  session->chain = ssl_chain_share(ssl->peer_chain);
  return session->chain != NULL;
}

SSL_SESSION *ssl_session_import(SSL *ssl, hf_bytes state) {
  hf_session_info info;
  SSL_SESSION *session = SSL_SESSION_new(ssl->ctx);
  if (session == NULL) return NULL;
  bool ok = hf_session_read(&info, state) == HF_OK && copy_info(session, &info);
  /* A server's tickets may have waited for its first SSL_write: their age begins when they go. */
  if (session->ticket.len == 0) session->issued = ssl_now(ssl->ctx);
  ok = ok && ssl_session_describe(ssl, session) && limit(ssl, session);
  OPENSSL_cleanse(&info, sizeof info);
  if (!ok) {
    SSL_SESSION_free(session);
    return NULL;
  }
  if (session->ticket.len > 0) {
    SHA256(session->ticket.data, session->ticket.len, session->id);
    session->id_len = SHA256_DIGEST_LENGTH;
  }
  return session;
}

bool ssl_session_by_id(const SSL_SESSION *session) {
  return session->version == TLS1_2_VERSION && !session->is_server && session->ticket.len == 0 &&
         session->id_len > 0;
}

void ssl_session_export(ssl_owned *out, const SSL_SESSION *session, hf_bytes name) {
  hf_session_info info;
  *out = (ssl_owned){NULL, 0};
  memset(&info, 0, sizeof info);
  info.version = session->version;
  info.suite = session->suite;
  info.issued = session->issued;
  info.lifetime = session->timeout;
  info.age_add = session->age_add;
  info.max_early_data = session->max_early_data;
  info.extended_main_secret = session->ems;
  info.client_cert = session->is_server && ssl_session_knows_peer(session);
  info.secret_len = session->secret_len;
  memcpy(info.secret, session->secret, session->secret_len);
  info.server_name = session->has_name ? (hf_bytes){session->name.data, session->name.len} : name;
  info.alpn = (hf_bytes){session->alpn.data, session->alpn.len};
  info.ticket = (hf_bytes){session->ticket.data, session->ticket.len};
  if (ssl_session_by_id(session)) {
    info.by_id = true;
    info.ticket = (hf_bytes){session->id, session->id_len};
  }
  size_t max = info.server_name.len + info.alpn.len + info.ticket.len + HF_SESSION_OVERHEAD;
  uint8_t *data = OPENSSL_malloc(max);
  if (data != NULL && hf_session_make(data, &out->len, max, &info) == HF_OK) {
    out->data = data;
  } else {
    OPENSSL_free(data);
  }
  OPENSSL_cleanse(&info, sizeof info);
}

/* ---- What it tells ---- */

bool ssl_session_knows_peer(const SSL_SESSION *session) {
  return session->chain != NULL || session->spki != NULL || session->has_sha256;
}

uint16_t SSL_SESSION_get_protocol_version(const SSL_SESSION *session) { return session->version; }

const char *SSL_SESSION_get_version(const SSL_SESSION *session) {
  switch (session->version) {
    case TLS1_3_VERSION:
      return "TLSv1.3";
    case TLS1_2_VERSION:
      return "TLSv1.2";
    default:
      return "unknown";
  }
}

const SSL_CIPHER *SSL_SESSION_get0_cipher(const SSL_SESSION *session) {
  return session->suite == 0 ? NULL : SSL_get_cipher_by_value(session->suite);
}

const uint8_t *SSL_SESSION_get_id(const SSL_SESSION *session, unsigned *out_len) {
  if (out_len != NULL) *out_len = (unsigned)session->id_len;
  return session->id;
}

int SSL_SESSION_set1_id(SSL_SESSION *session, const uint8_t *sid, size_t sid_len) {
  if (sid_len > sizeof session->id) {
    SSL_ERR(SSL_R_SSL_SESSION_ID_TOO_LONG);
    return 0;
  }
  if (sid_len > 0) memmove(session->id, sid, sid_len);
  session->id_len = sid_len;
  return 1;
}

uint64_t SSL_SESSION_get_time(const SSL_SESSION *session) { return session->issued / 1000; }

uint64_t SSL_SESSION_set_time(SSL_SESSION *session, uint64_t time) {
  session->issued = time > UINT64_MAX / 1000 ? UINT64_MAX / 1000 * 1000 : time * 1000;
  return time;
}

uint32_t SSL_SESSION_get_timeout(const SSL_SESSION *session) { return session->timeout; }

uint32_t SSL_SESSION_set_timeout(SSL_SESSION *session, uint32_t timeout) {
  session->timeout = timeout;
  session->auth_timeout = timeout;
  return 1;
}

uint32_t SSL_SESSION_get_ticket_lifetime_hint(const SSL_SESSION *session) { return session->hint; }

X509 *SSL_SESSION_get0_peer(const SSL_SESSION *session) {
  X509 *leaf = atomic_load(&session->leaf);
  if (leaf != NULL || sk_CRYPTO_BUFFER_num(session->chain) == 0) return leaf;
  X509 *fresh = X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(session->chain, 0));
  SSL_SESSION *cache = (SSL_SESSION *)session;
  if (fresh == NULL || atomic_compare_exchange_strong(&cache->leaf, &leaf, fresh)) return fresh;
  X509_free(fresh);
  return leaf;
}

const STACK_OF(CRYPTO_BUFFER) * SSL_SESSION_get0_peer_certificates(const SSL_SESSION *session) {
  return session->chain;
}

int SSL_SESSION_has_peer_sha256(const SSL_SESSION *session) { return session->has_sha256; }

void SSL_SESSION_get0_peer_sha256(const SSL_SESSION *session, const uint8_t **out,
                                  size_t *out_len) {
  *out = session->has_sha256 ? session->sha256 : NULL;
  *out_len = session->has_sha256 ? SSL_SHA256 : 0;
}

static void give(const uint8_t **out, size_t *out_len, const CRYPTO_BUFFER *buffer) {
  const hf_bytes bytes = ssl_staple_bytes(buffer);
  *out = bytes.data;
  *out_len = bytes.len;
}

void SSL_SESSION_get0_ocsp_response(const SSL_SESSION *session, const uint8_t **out,
                                    size_t *out_len) {
  give(out, out_len, session->staples.ocsp);
}

void SSL_SESSION_get0_signed_cert_timestamp_list(const SSL_SESSION *session, const uint8_t **out,
                                                 size_t *out_len) {
  give(out, out_len, session->staples.scts);
}

size_t SSL_SESSION_get_master_key(const SSL_SESSION *session, uint8_t *out, size_t max_out) {
  if (max_out == 0) return session->secret_len;
  size_t len = session->secret_len < max_out ? session->secret_len : max_out;
  memcpy(out, session->secret, len);
  return len;
}

const uint8_t *SSL_SESSION_get0_id_context(const SSL_SESSION *session, unsigned *out_len) {
  if (out_len != NULL) *out_len = (unsigned)session->sid_ctx_len;
  return session->sid_ctx;
}

int SSL_SESSION_set1_id_context(SSL_SESSION *session, const uint8_t *sid_ctx, size_t sid_ctx_len) {
  if (sid_ctx_len > sizeof session->sid_ctx) {
    SSL_ERR(SSL_R_SSL_SESSION_ID_CONTEXT_TOO_LONG);
    return 0;
  }
  if (sid_ctx_len > 0) memmove(session->sid_ctx, sid_ctx, sid_ctx_len);
  session->sid_ctx_len = sid_ctx_len;
  return 1;
}

int SSL_SESSION_has_ticket(const SSL_SESSION *session) { return session->ticket.len > 0; }

void SSL_SESSION_get0_ticket(const SSL_SESSION *session, const uint8_t **out_ticket,
                             size_t *out_len) {
  if (out_ticket != NULL) *out_ticket = session->ticket.data;
  *out_len = session->ticket.len;
}

int SSL_SESSION_should_be_single_use(const SSL_SESSION *session) {
  return session->version == TLS1_3_VERSION;
}

int SSL_SESSION_is_resumable(const SSL_SESSION *session) {
  return (session->ticket.len > 0 || session->id_len > 0) && !atomic_load(&session->used);
}
