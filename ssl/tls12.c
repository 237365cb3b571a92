/* tls12.c: what only TLS 1.2 has: False Start, the way round JDK 11's TLS 1.3, the extended main
 * secret, tls-unique, renegotiation, of which there is none, and max_fragment_length.
 *
 * Owns: io.false_start.  Whether False Start is safe is the engine's to say: HF_CAN_SEND. */
#include <string.h>

#include "ssl/driver.h"

static hf_facts facts_of(const SSL *ssl) {
  hf_facts facts = {0};
  if (ssl->conn != NULL) hf_get_facts(&facts, ssl->conn);
  return facts;
}

/* ---- False Start ---- */

bool ssl_starts_falsely(SSL *ssl, unsigned wants) {
  if (ssl->io.false_start || ssl->role != SSL_ROLE_CLIENT ||
      (wants & (HF_CAN_SEND | HF_READY)) != HF_CAN_SEND || facts_of(ssl).version != TLS1_2_VERSION)
    return false;
  ssl->io.false_start = true;
  return true;
}

int SSL_in_false_start(const SSL *ssl) { return ssl->io.false_start && !ssl->io.done; }

void SSL_CTX_set_false_start_allowed_without_alpn(SSL_CTX *ctx, int allowed) {
  (void)ssl_set_hello_flag(&ctx->settings, HF_FALSE_START_WITHOUT_ALPN, allowed != 0);
}

/* ---- JDK 11 ---- */

void SSL_set_jdk11_workaround(SSL *ssl, int enable) {
  if (ssl->settings->jdk11_workaround == (enable != 0)) return;
  ssl_settings *s = ssl_settings_edit(&ssl->settings, SSL_EDIT_CONFIG);
  if (s != NULL) s->jdk11_workaround = enable != 0;
}

/* ---- What ties data to its handshake ---- */

int SSL_get_extms_support(const SSL *ssl) {
  hf_facts facts = facts_of(ssl);
  return facts.version == TLS1_3_VERSION || facts.extended_main_secret;
}

int SSL_get_tls_unique(const SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out) {
  hf_facts facts = facts_of(ssl);
  *out_len = 0;
  if (max_out > 0) memset(out, 0, max_out);
  if (!ssl->io.done || facts.version != TLS1_2_VERSION ||
      (facts.resumed && !facts.extended_main_secret))
    return 0;
  /* RFC 5929 3.1: the first Finished: the client's, or the server's if a session is resumed. */
  bool own = (ssl->role == SSL_ROLE_SERVER) == facts.resumed;
  const hf_bytes first = own ? facts.own_finished : facts.peer_finished;
  *out_len = first.len < max_out ? first.len : max_out;
  if (*out_len > 0) memcpy(out, first.data, *out_len);
  return 1;
}

/* ---- Renegotiation ---- */

void SSL_set_renegotiate_mode(SSL *ssl, enum ssl_renegotiate_mode_t mode) {
  (void)ssl;
  (void)mode;
}

int SSL_renegotiate(SSL *ssl) {
  (void)ssl;
  SSL_ERR(SSL_R_NO_RENEGOTIATION);
  return 0;
}

int SSL_renegotiate_pending(SSL *ssl) {
  (void)ssl;
  return 0;
}

int SSL_total_renegotiations(const SSL *ssl) {
  (void)ssl;
  return 0;
}

int SSL_num_renegotiations(const SSL *ssl) { return SSL_total_renegotiations(ssl); }

/* ---- max_fragment_length ---- */

static int set_max_fragment(ssl_settings **settings, uint8_t mode) {
  if (mode > TLSEXT_max_fragment_length_4096) {
    SSL_ERR(SSL_R_BAD_LENGTH);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  s->max_fragment = (uint16_t)(mode == 0 ? 0 : 256u << mode);
  return 1;
}

int SSL_CTX_set_tlsext_max_fragment_length(SSL_CTX *ctx, uint8_t mode) {
  return set_max_fragment(&ctx->settings, mode);
}

int SSL_set_tlsext_max_fragment_length(SSL *ssl, uint8_t mode) {
  return set_max_fragment(&ssl->settings, mode);
}
