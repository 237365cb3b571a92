#include "ssl_pair.h"

#include <stdio.h>
#include <string.h>

const char *cert_path(const char *name) {
  static char paths[4][256];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof(paths[0]), "%s/tests/certs/%s", HF_SOURCE_DIR, name);
  return path;
}

SSL_CTX *ssl_client_ctx(void) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  if (ctx == NULL) return NULL;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_load_verify_locations(ctx, cert_path("root.pem"), NULL)) return ctx;
  SSL_CTX_free(ctx);
  return NULL;
}

SSL_CTX *ssl_server_ctx(const char *name) {
  char chain[64], key[64];
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  if (ctx == NULL) return NULL;
  snprintf(chain, sizeof(chain), "%s.pem", name);
  snprintf(key, sizeof(key), "%s.key", name);
  if (SSL_CTX_use_certificate_chain_file(ctx, cert_path(chain)) == 1 &&
      SSL_CTX_use_PrivateKey_file(ctx, cert_path(key), SSL_FILETYPE_PEM) == 1)
    return ctx;
  SSL_CTX_free(ctx);
  return NULL;
}

bool ssl_pair_new(struct ssl_pair *pair, SSL_CTX *client, SSL_CTX *server, size_t ring) {
  BIO *left, *right;
  memset(pair, 0, sizeof(*pair));
  if (client == NULL || server == NULL || !BIO_new_bio_pair(&left, ring, &right, ring))
    return false;
  pair->client = SSL_new(client);
  pair->server = SSL_new(server);
  if (pair->client == NULL || pair->server == NULL) {
    BIO_free(left);
    BIO_free(right);
    return false;
  }
  SSL_set_bio(pair->client, left, left);
  SSL_set_bio(pair->server, right, right);
  SSL_set_connect_state(pair->client);
  SSL_set_accept_state(pair->server);
  return true;
}

bool ssl_pair_default(struct ssl_pair *pair, size_t ring) {
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx("ecdsa-p256");
  bool ok = ssl_pair_new(pair, client, server, ring);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  return ok;
}

/* step goes on with one side's handshake.  False: it can not go on. */
static bool step(SSL *ssl, int *ret, unsigned *saw) {
  if (*ret == 1) return true;
  *ret = SSL_do_handshake(ssl);
  if (*ret == 1) return true;
  int error = SSL_get_error(ssl, *ret);
  *saw |= 1u << error;
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

bool ssl_pair_handshake(struct ssl_pair *pair) {
  int client = 0, server = 0;
  for (long turns = 0; turns < 1000000; turns++) {
    if (!step(pair->client, &client, &pair->client_saw) ||
        !step(pair->server, &server, &pair->server_saw))
      return false;
    if (client == 1 && server == 1) return true;
  }
  return false;
}

bool ssl_pair_ready(struct ssl_pair *pair, size_t ring) {
  return ssl_pair_default(pair, ring) && ssl_pair_handshake(pair);
}

void ssl_pair_free(struct ssl_pair *pair) {
  SSL_free(pair->client);
  SSL_free(pair->server);
  memset(pair, 0, sizeof(*pair));
}

SSL *ssl_half(BIO **net, SSL_CTX *ctx, bool server, size_t ring) {
  BIO *bio;
  SSL *ssl = SSL_new(ctx);
  if (ssl == NULL || !BIO_new_bio_pair(&bio, ring, net, ring)) {
    SSL_free(ssl);
    return NULL;
  }
  SSL_set_bio(ssl, bio, bio);
  if (server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
  return ssl;
}

int first_reason(void) {
  uint32_t error = ERR_peek_error();
  return ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
}
