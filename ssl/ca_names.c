/* ca_names.c: names of certificate authorities in DER: a server's list set from them, and those
 * that a server asked for as they came.  As X509_NAMEs they are ca_list.c's. */
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/x509.h>

#include "ssl/driver.h"

/* ---- Of a server ---- */

/* parse returns the name in |der|; NULL: it is none, or memory ran out. */
static X509_NAME *parse(const CRYPTO_BUFFER *der) {
  const uint8_t *at = CRYPTO_BUFFER_data(der), *end = at + CRYPTO_BUFFER_len(der);
  X509_NAME *name = d2i_X509_NAME(NULL, &at, end - at);
  if (name == NULL || at == end) return name;
  X509_NAME_free(name);
  return NULL;
}

/* A list that lacks some is a hint still: RFC 9846 4.3.4. */
static STACK_OF(X509_NAME) * parse_all(STACK_OF(CRYPTO_BUFFER) * ders) {
  STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
  ERR_set_mark();
  for (size_t i = 0; names != NULL && i < sk_CRYPTO_BUFFER_num(ders); i++) {
    X509_NAME *name = parse(sk_CRYPTO_BUFFER_value(ders, i));
    if (name != NULL && !sk_X509_NAME_push(names, name)) X509_NAME_free(name);
  }
  ERR_pop_to_mark();
  sk_CRYPTO_BUFFER_pop_free(ders, CRYPTO_BUFFER_free);
  return names;
}

void SSL_CTX_set0_client_CAs(SSL_CTX *ctx, STACK_OF(CRYPTO_BUFFER) * name_list) {
  SSL_CTX_set_client_CA_list(ctx, parse_all(name_list));
}

void SSL_set0_client_CAs(SSL *ssl, STACK_OF(CRYPTO_BUFFER) * name_list) {
  SSL_set_client_CA_list(ssl, parse_all(name_list));
}

/* ---- Of the peer ---- */

static STACK_OF(CRYPTO_BUFFER) * copy_names(const hf_bytes *names, size_t num) {
  STACK_OF(CRYPTO_BUFFER) *copy = sk_CRYPTO_BUFFER_new_null();
  for (size_t i = 0; copy != NULL && i < num; i++) {
    CRYPTO_BUFFER *name = CRYPTO_BUFFER_new(names[i].data, names[i].len, NULL);
    if (name != NULL && sk_CRYPTO_BUFFER_push(copy, name)) continue;
    CRYPTO_BUFFER_free(name);
    sk_CRYPTO_BUFFER_pop_free(copy, CRYPTO_BUFFER_free);
    return NULL;
  }
  return copy;
}

const STACK_OF(CRYPTO_BUFFER) * SSL_get0_server_requested_CAs(const SSL *ssl) {
  const hf_question_t *question = ssl->conn == NULL ? NULL : hf_question(ssl->conn);
  if (question == NULL || question->ask != HF_ASK_IDENTITY || ssl->role != SSL_ROLE_CLIENT)
    return NULL;
  SSL *cache = (SSL *)ssl; /* one thread at a time uses an SSL */
  if (cache->peer_ca_names == NULL)
    cache->peer_ca_names =
        copy_names(question->identity.authorities, question->identity.num_authorities);
  return cache->peer_ca_names;
}
