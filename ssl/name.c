/* name.c: server name (RFC 6066 section 3) and application protocols (RFC 7301): what is offered,
 * who chooses, what came of it. */
#include <string.h>

#include <openssl/mem.h>

#include "ssl/early.h"
#include "ssl/session.h"

/* ---- Server name ---- */

int SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
  char *copy = NULL;
  if (name != NULL) {
    size_t len = strlen(name);
    /* RFC 6066 3: without the dot that ends an absolute name. */
    if (len > 0 && name[len - 1] == '.') len--;
    if (len == 0 || len > TLSEXT_MAXLEN_host_name) {
      SSL_ERR(SSL_R_SSL3_EXT_INVALID_SERVERNAME);
      return 0;
    }
    copy = OPENSSL_strndup(name, len);
    if (copy == NULL) {
      SSL_ERR(ERR_R_MALLOC_FAILURE);
      return 0;
    }
  }
  OPENSSL_free(ssl->host_name);
  ssl->host_name = copy;
  return 1;
}

/* received_name is the name in the ClientHello: of the pending HF_ASK_HELLO, for servername
 * callbacks, or of the facts. */
static hf_bytes received_name(const SSL *ssl) {
  hf_facts facts = {0};
  if (ssl->conn == NULL) return facts.server_name;
  const hf_question_t *question = hf_question(ssl->conn);
  if (question->ask == HF_ASK_HELLO) return question->hello.server_name;
  hf_get_facts(&facts, ssl->conn);
  return facts.server_name;
}

const char *SSL_get_servername(const SSL *ssl, int type) {
  if (type != TLSEXT_NAMETYPE_host_name) return NULL;
  if (ssl->role != SSL_ROLE_SERVER) return ssl->host_name;
  if (ssl->peer_name != NULL) return ssl->peer_name;
  hf_bytes name = received_name(ssl);
  /* A name with a zero byte in it is none that a string could tell. */
  if (name.data == NULL || memchr(name.data, 0, name.len) != NULL) return NULL;
  /* The string has to live somewhere as long as the SSL: a cache, which changes nothing that can be
   * seen. */
  SSL *cache = (SSL *)ssl;
  cache->peer_name = OPENSSL_strndup((const char *)name.data, name.len);
  return cache->peer_name;
}

int SSL_get_servername_type(const SSL *ssl) {
  return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL ? TLSEXT_NAMETYPE_host_name
                                                                    : -1;
}

int SSL_CTX_set_tlsext_servername_callback(SSL_CTX *ctx,
                                           int (*callback)(SSL *ssl, int *out_alert, void *arg)) {
  ctx->servername_callback = callback;
  return 1;
}

int SSL_CTX_set_tlsext_servername_arg(SSL_CTX *ctx, void *arg) {
  ctx->servername_arg = arg;
  return 1;
}

/* ---- ALPN ---- */

enum { ALPN_MAX = 32 * 1024 }; /* hf_settings.alpn */

/* valid_protos: a ProtocolNameList is not empty, and neither is a name in it (RFC 7301 3.1). */
static bool valid_protos(const uint8_t *protos, size_t len) {
  if (len == 0) return false;
  while (len > 0) {
    size_t name = protos[0];
    if (name == 0 || name > len - 1) return false;
    protos += name + 1;
    len -= name + 1;
  }
  return true;
}

/* Returns 0 for success, as OpenSSL's does. */
static int set_alpn(ssl_settings **settings, const uint8_t *protos, size_t len) {
  uint8_t *copy = NULL;
  if (len > 0) {
    if (len > ALPN_MAX || !valid_protos(protos, len)) {
      SSL_ERR(SSL_R_INVALID_ALPN_PROTOCOL_LIST);
      return 1;
    }
    copy = OPENSSL_memdup(protos, len);
    if (copy == NULL) {
      SSL_ERR(ERR_R_MALLOC_FAILURE);
      return 1;
    }
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) {
    OPENSSL_free(copy);
    return 1;
  }
  OPENSSL_free(s->alpn);
  s->alpn = copy;
  s->alpn_len = len;
  return 0;
}

int SSL_CTX_set_alpn_protos(SSL_CTX *ctx, const uint8_t *protos, size_t protos_len) {
  return set_alpn(&ctx->settings, protos, protos_len);
}

int SSL_set_alpn_protos(SSL *ssl, const uint8_t *protos, size_t protos_len) {
  return set_alpn(&ssl->settings, protos, protos_len);
}

void SSL_CTX_set_allow_unknown_alpn_protos(SSL_CTX *ctx, int enabled) {
  (void)ssl_set_hello_flag(&ctx->settings, HF_ALLOW_UNKNOWN_ALPN, enabled != 0);
}

void SSL_CTX_set_alpn_select_cb(SSL_CTX *ctx,
                                int (*cb)(SSL *ssl, const uint8_t **out, uint8_t *out_len,
                                          const uint8_t *in, unsigned in_len, void *arg),
                                void *arg) {
  ctx->alpn_select_cb = cb;
  ctx->alpn_select_arg = arg;
}

void SSL_get0_alpn_selected(const SSL *ssl, const uint8_t **out_data, unsigned *out_len) {
  hf_facts facts = {0};
  const SSL_SESSION *early = ssl_early_session(ssl);
  if (ssl->conn != NULL) hf_get_facts(&facts, ssl->conn);
  if (early != NULL) facts.alpn = (hf_bytes){early->alpn.data, early->alpn.len};
  *out_data = facts.alpn.len > 0 ? facts.alpn.data : NULL;
  *out_len = (unsigned)facts.alpn.len;
}

int SSL_select_next_proto(uint8_t **out, uint8_t *out_len, const uint8_t *peer, unsigned peer_len,
                          const uint8_t *supported, unsigned supported_len) {
  /* Nothing must be found in lists that are none; a caller that takes no notice of the result gets
   * an empty name. */
  *out = NULL;
  *out_len = 0;
  if (!valid_protos(supported, supported_len)) return OPENSSL_NPN_NO_OVERLAP;
  if (valid_protos(peer, peer_len)) {
    hf_bytes found;
    if (hf_select_alpn(&found, (hf_bytes){peer, peer_len}, (hf_bytes){supported, supported_len})) {
      *out = (uint8_t *)found.data;
      *out_len = (uint8_t)found.len;
      return OPENSSL_NPN_NEGOTIATED;
    }
  }
  *out = (uint8_t *)supported + 1;
  *out_len = supported[0];
  return OPENSSL_NPN_NO_OVERLAP;
}
