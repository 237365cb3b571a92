#include "ssl_early.h"

#include <string.h>

const char *ssl_early_protocol;

static int keep(SSL *ssl, SSL_SESSION *session) {
  struct ssl_early *early = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  SSL_SESSION_free(early->kept);
  early->kept = session;
  return 1;
}

static int choose(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                  unsigned in_len, void *arg) {
  (void)ssl, (void)arg;
  for (unsigned i = 0; ssl_early_protocol != NULL && i < in_len; i += 1u + in[i]) {
    if (in[i] != strlen(ssl_early_protocol) || memcmp(in + i + 1, ssl_early_protocol, in[i]) != 0)
      continue;
    *out = in + i + 1;
    *out_len = in[i];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

bool ssl_early_new(struct ssl_early *early) {
  memset(early, 0, sizeof *early);
  ssl_early_protocol = NULL;
  early->client = ssl_client_ctx();
  early->server = ssl_server_ctx("ecdsa-p256");
  if (early->client == NULL || early->server == NULL) return false;
  SSL_CTX_set_session_cache_mode(early->client, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(early->client, keep);
  SSL_CTX_set_app_data(early->client, early);
  SSL_CTX_set_alpn_select_cb(early->server, choose, NULL);
  SSL_CTX_set_early_data_enabled(early->client, 1);
  SSL_CTX_set_early_data_enabled(early->server, 1);
  return SSL_CTX_set_alpn_protos(early->client, (const uint8_t *)"\3one\3two", 8) == 0;
}

bool ssl_early_pair(struct ssl_pair *pair, struct ssl_early *early, SSL_CTX *server,
                    SSL_SESSION *session, size_t ring) {
  bool ok = ssl_pair_new(pair, early->client, server, ring) &&
            SSL_set_tlsext_host_name(pair->client, "localhost") &&
            SSL_set1_host(pair->client, "localhost") && SSL_set_session(pair->client, session);
  SSL_SESSION_free(session);
  return ok;
}

SSL_SESSION *ssl_early_learn(struct ssl_early *early) {
  struct ssl_pair pair;
  char byte;
  bool ok = ssl_early_pair(&pair, early, early->server, NULL, 65536) && ssl_pair_handshake(&pair) &&
            SSL_write(pair.server, "x", 1) == 1 && SSL_read(pair.client, &byte, 1) == 1;
  ssl_pair_free(&pair);
  SSL_SESSION *session = ok ? early->kept : NULL;
  if (ok) early->kept = NULL;
  return session;
}

void ssl_early_free(struct ssl_early *early) {
  SSL_SESSION_free(early->kept);
  SSL_CTX_free(early->client);
  SSL_CTX_free(early->server);
}
