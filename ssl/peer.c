/* peer.c: what the peer showed: its certificates, kept in DER as received and parsed when asked
 * for, of a client perhaps only as a hash; and what was negotiated. */
#include <string.h>

#include <openssl/mem.h>
#include <openssl/pool.h>
#include <openssl/sha.h>

#include "ssl/early.h"
#include "ssl/session.h"

/* ---- Certificates ---- */

/* replace_chain takes |chain| over. */
static void replace_chain(SSL *ssl, STACK_OF(CRYPTO_BUFFER) * chain) {
  sk_CRYPTO_BUFFER_pop_free(ssl->peer_chain, CRYPTO_BUFFER_free);
  sk_X509_pop_free(ssl->peer_x509, X509_free);
  sk_X509_free(ssl->peer_rest);
  CRYPTO_BUFFER_free(ssl->peer_spki);
  EVP_PKEY_free(ssl->peer_rpk);
  ssl->peer_spki = NULL;
  ssl->peer_rpk = NULL;
  ssl->peer_chain = chain;
  ssl->peer_x509 = NULL;
  ssl->peer_rest = NULL;
}

void ssl_peer_clear_chain(SSL *ssl) {
  replace_chain(ssl, NULL);
  ssl->has_peer_sha256 = false;
}

bool ssl_peer_is_known(const SSL *ssl) {
  return ssl->peer_chain != NULL || ssl->peer_spki != NULL || ssl->has_peer_sha256;
}

void ssl_peer_shorten(SSL *ssl) {
  if (ssl->has_peer_sha256) replace_chain(ssl, NULL);
}

bool ssl_share_peer(SSL *ssl, const SSL_SESSION *session) {
  if (session->chain != NULL) {
    STACK_OF(CRYPTO_BUFFER) *copy = ssl_chain_share(session->chain);
    if (copy == NULL) return false;
    replace_chain(ssl, copy);
  } else if (session->spki != NULL) {
    replace_chain(ssl, NULL);
    CRYPTO_BUFFER_up_ref(session->spki);
    ssl->peer_spki = session->spki;
  } else if (session->has_sha256) {
    replace_chain(ssl, NULL);
    memcpy(ssl->peer_sha256, session->sha256, SSL_SHA256);
  }
  ssl->has_peer_sha256 = session->has_sha256;
  return true;
}

void ssl_peer_clear(SSL *ssl) {
  ssl_peer_clear_chain(ssl);
  ssl_staples_clear(&ssl->peer_staples);
  sk_X509_NAME_pop_free(ssl->peer_authorities, X509_NAME_free);
  OPENSSL_free(ssl->peer_name);
  sk_CRYPTO_BUFFER_pop_free(ssl->peer_ca_names, CRYPTO_BUFFER_free);
  ssl->peer_authorities = NULL;
  ssl->peer_ca_names = NULL;
  ssl->peer_name = NULL;
  ssl->verify_result = X509_V_ERR_INVALID_CALL;
}

static bool set_chain(SSL *ssl, const hf_bytes *chain, size_t num) {
  STACK_OF(CRYPTO_BUFFER) *copy = sk_CRYPTO_BUFFER_new_null();
  bool ok = copy != NULL;
  for (size_t i = 0; i < num && ok; i++) {
    CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(chain[i].data, chain[i].len, NULL);
    ok = buffer != NULL && sk_CRYPTO_BUFFER_push(copy, buffer) != 0;
    if (!ok) CRYPTO_BUFFER_free(buffer);
  }
  if (!ok) {
    sk_CRYPTO_BUFFER_pop_free(copy, CRYPTO_BUFFER_free);
    return false;
  }
  replace_chain(ssl, copy);
  return true;
}

bool ssl_set_peer(SSL *ssl, const hf_question_t *question) {
  const hf_bytes *chain = question->verdict.chain;
  ssl->has_peer_sha256 =
      ssl->role == SSL_ROLE_SERVER && ssl->local.retain_sha256 && !question->verdict.raw_key;
  if (ssl->has_peer_sha256) SHA256(chain[0].data, chain[0].len, ssl->peer_sha256);
  if (!question->verdict.raw_key) return set_chain(ssl, chain, question->verdict.num);
  replace_chain(ssl, NULL);
  ssl->peer_spki = CRYPTO_BUFFER_new(chain[0].data, chain[0].len, NULL);
  return ssl->peer_spki != NULL;
}

/* parse fills |peer_x509| from |peer_chain|; NULL: there is no chain, a certificate cannot be
 * parsed, or memory ran out. */
static STACK_OF(X509) * parse(SSL *ssl) {
  if (ssl->peer_x509 != NULL || ssl->peer_chain == NULL) return ssl->peer_x509;
  STACK_OF(X509) *parsed = sk_X509_new_null();
  bool ok = parsed != NULL;
  for (size_t i = 0; i < sk_CRYPTO_BUFFER_num(ssl->peer_chain) && ok; i++) {
    X509 *x509 = X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(ssl->peer_chain, i));
    ok = x509 != NULL && sk_X509_push(parsed, x509) != 0;
    if (!ok) X509_free(x509);
  }
  if (!ok) {
    sk_X509_pop_free(parsed, X509_free);
    return NULL;
  }
  ssl->peer_x509 = parsed;
  return parsed;
}

/* Getters take a const SSL; what they parse is a cache in it, for one thread at a time uses an SSL.
 */
STACK_OF(X509) * SSL_get_peer_full_cert_chain(const SSL *ssl) { return parse((SSL *)ssl); }

X509 *SSL_get0_peer_certificate(const SSL *ssl) {
  STACK_OF(X509) *chain = SSL_get_peer_full_cert_chain(ssl);
  return chain == NULL ? NULL : sk_X509_value(chain, 0);
}

X509 *SSL_get1_peer_certificate(const SSL *ssl) {
  X509 *x509 = SSL_get0_peer_certificate(ssl);
  if (x509 != NULL) X509_up_ref(x509);
  return x509;
}

X509 *SSL_get_peer_certificate(const SSL *ssl) { return SSL_get1_peer_certificate(ssl); }

STACK_OF(X509) * SSL_get_peer_cert_chain(const SSL *ssl) {
  STACK_OF(X509) *chain = SSL_get_peer_full_cert_chain(ssl);
  if (chain == NULL || ssl->role != SSL_ROLE_SERVER) return chain;
  SSL *cache = (SSL *)ssl;
  if (cache->peer_rest == NULL) {
    cache->peer_rest = sk_X509_dup(chain);
    if (cache->peer_rest != NULL) sk_X509_shift(cache->peer_rest);
  }
  return cache->peer_rest;
}

const STACK_OF(CRYPTO_BUFFER) * SSL_get0_peer_certificates(const SSL *ssl) {
  return ssl->peer_chain;
}

long SSL_get_verify_result(const SSL *ssl) { return ssl->verify_result; }

/* ---- What was negotiated ---- */

static hf_facts facts_of(const SSL *ssl) {
  hf_facts facts = {0};
  if (ssl->conn != NULL) hf_get_facts(&facts, ssl->conn);
  return facts;
}

/* Early data is TLS 1.3's, whatever the server will choose. */
static uint16_t version_of(const SSL *ssl) {
  uint16_t version = facts_of(ssl).version;
  return version == 0 && SSL_in_early_data(ssl) ? TLS1_3_VERSION : version;
}

int SSL_version(const SSL *ssl) {
  uint16_t version = version_of(ssl);
  return version != 0 ? version : SSL_get_max_proto_version(ssl);
}

const char *SSL_get_version(const SSL *ssl) {
  switch (version_of(ssl)) {
    case TLS1_2_VERSION:
      return "TLSv1.2";
    case TLS1_3_VERSION:
      return "TLSv1.3";
    default:
      return "unknown";
  }
}

const SSL_CIPHER *SSL_get_pending_cipher(const SSL *ssl) {
  uint16_t suite = facts_of(ssl).suite;
  return suite == 0 ? NULL : SSL_get_cipher_by_value(suite);
}

const SSL_CIPHER *SSL_get_current_cipher(const SSL *ssl) {
  const SSL_SESSION *early = ssl_early_session(ssl);
  return early != NULL ? SSL_get_cipher_by_value(early->suite) : SSL_get_pending_cipher(ssl);
}

/* A session has been signed for when it was made. */
uint16_t SSL_get_peer_signature_algorithm(const SSL *ssl) {
  return ssl_resumed(ssl) && ssl->session != NULL ? ssl->session->sigalg : facts_of(ssl).sigalg;
}
int SSL_session_reused(const SSL *ssl) { return facts_of(ssl).resumed || SSL_in_early_data(ssl); }
bool ssl_resumed(const SSL *ssl) { return SSL_session_reused(ssl) && !facts_of(ssl).external_psk; }
int SSL_used_hello_retry_request(const SSL *ssl) { return facts_of(ssl).retried; }

/* RFC 9846 4.2: TLS 1.3 has no renegotiation, so none that is not secure. */
int SSL_get_secure_renegotiation_support(const SSL *ssl) {
  hf_facts facts = facts_of(ssl);
  return facts.version == TLS1_3_VERSION || facts.renegotiation_info;
}

static size_t copy_out(uint8_t *out, size_t max_out, hf_bytes from) {
  if (max_out == 0) return from.len;
  size_t len = from.len < max_out ? from.len : max_out;
  if (len > 0) memcpy(out, from.data, len);
  return len;
}

size_t SSL_get_client_random(const SSL *ssl, uint8_t *out, size_t max_out) {
  return copy_out(out, max_out, facts_of(ssl).client_random);
}

size_t SSL_get_server_random(const SSL *ssl, uint8_t *out, size_t max_out) {
  return copy_out(out, max_out, facts_of(ssl).server_random);
}

/* finished_out returns the whole length, whatever there was room for. */
static size_t finished_out(void *buf, size_t count, hf_bytes from) {
  size_t len = from.len < count ? from.len : count;
  if (len > 0) memcpy(buf, from.data, len);
  return from.len;
}

size_t SSL_get_finished(const SSL *ssl, void *buf, size_t count) {
  return finished_out(buf, count, facts_of(ssl).own_finished);
}

size_t SSL_get_peer_finished(const SSL *ssl, void *buf, size_t count) {
  return finished_out(buf, count, facts_of(ssl).peer_finished);
}
