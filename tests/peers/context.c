/* context.c: the SSL_CTX of boringssl_peer, from its command line. */
#include "boringssl_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

uint8_t *read_file(size_t *len, const char *path) {
  enum { MOST = 1 << 20 };
  FILE *file = fopen(path, "rb");
  uint8_t *data = file == NULL ? NULL : malloc(MOST);
  if (data != NULL) *len = fread(data, 1, MOST, file);
  if (file != NULL) fclose(file);
  return data;
}

static uint16_t version_of(const char *text) {
  return strcmp(text, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

/* alpn_list is "a,b" as ALPN has it: each name behind its length. */
static bool alpn_list(uint8_t out[256], unsigned *len, const char *names) {
  *len = 0;
  while (*names != 0) {
    size_t name_len = strcspn(names, ",");
    if (name_len == 0 || *len + 1 + name_len > 256) return false;
    out[(*len)++] = (uint8_t)name_len;
    memcpy(out + *len, names, name_len);
    *len += (unsigned)name_len;
    names += name_len + (names[name_len] == ',' ? 1 : 0);
  }
  return true;
}

static int choose_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *offered,
                       unsigned offered_len, void *arg) {
  uint8_t list[256];
  unsigned len;
  uint8_t *chosen = NULL;
  (void)ssl;
  if (!alpn_list(list, &len, arg) || SSL_select_next_proto(&chosen, out_len, list, len, offered,
                                                           offered_len) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  /* What was chosen stands in |list|: the same name in what was offered outlives this call. */
  for (unsigned i = 0; i < offered_len; i += 1u + offered[i]) {
    if (offered[i] == *out_len && memcmp(offered + i + 1, chosen, *out_len) == 0) {
      *out = offered + i + 1;
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool set_alpn(SSL_CTX *ctx, const struct options *o) {
  uint8_t list[256];
  unsigned len;
  if (o->alpn == NULL) return true;
  if (!alpn_list(list, &len, o->alpn)) return false;
  SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, (void *)(uintptr_t)o->alpn);
  return SSL_CTX_set_alpn_protos(ctx, list, len) == 0;
}

static bool set_trust(SSL_CTX *ctx, const struct options *o) {
  if (o->ca == NULL) return true;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  if (!SSL_CTX_load_verify_locations(ctx, o->ca, NULL)) return false;
  if (strcmp(o->role, "client") == 0) return true;
  SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(o->ca));
  return true;
}

static bool configure(SSL_CTX *ctx, const struct options *o) {
  return (o->min == NULL || SSL_CTX_set_min_proto_version(ctx, version_of(o->min))) &&
         (o->max == NULL || SSL_CTX_set_max_proto_version(ctx, version_of(o->max))) &&
         (o->cert == NULL || SSL_CTX_use_certificate_chain_file(ctx, o->cert)) &&
         (o->key == NULL || SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM)) &&
         (o->ciphers == NULL || SSL_CTX_set_strict_cipher_list(ctx, o->ciphers)) &&
         (o->groups == NULL || SSL_CTX_set1_curves_list(ctx, o->groups)) &&
         (o->sigalgs == NULL || SSL_CTX_set1_sigalgs_list(ctx, o->sigalgs)) && set_trust(ctx, o) &&
         set_alpn(ctx, o) && (o->compress == NULL || compress_configure(ctx, o->compress));
}

SSL_CTX *context_new(const struct options *options) {
  static const uint8_t id[] = "boringssl_peer";
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  if (ctx == NULL) return NULL;
  /* TLS 1.3 unless it is said otherwise: BoringSSL of that time has it switched on by default too.
   */
  if (SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
      SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) && configure(ctx, options)) {
    return ctx;
  }
  complain("configuration");
  SSL_CTX_free(ctx);
  return NULL;
}
