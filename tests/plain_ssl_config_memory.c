/* Memory that runs out while an SSL_CTX and an SSL are configured, and asked what came of it: the
 * first allocation fails, then the second alone, and so on.  What failed says so or leaves no mark;
 * nothing crashes, nothing is left behind.  libcrypto lets a program bring its own allocator for
 * OPENSSL_malloc; these three are it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssl_pair.h"

static long live, countdown = -1;
static bool failed;

#pragma GCC visibility push(default) /* a shared libcrypto must see them */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *ptr);
size_t OPENSSL_memory_get_size(void *ptr);
#pragma GCC visibility pop

typedef union header {
  size_t size;
  long double align;
} header;

void *OPENSSL_memory_alloc(size_t size) {
  if (countdown == 0) {
    failed = true;
    countdown = -1;
    return NULL;
  }
  if (countdown > 0) countdown--;
  header *block = malloc(sizeof *block + size);
  if (block == NULL) return NULL;
  block->size = size;
  live++;
  return block + 1;
}

void OPENSSL_memory_free(void *ptr) {
  if (ptr == NULL) return;
  live--;
  free((header *)ptr - 1);
}

size_t OPENSSL_memory_get_size(void *ptr) { return ((header *)ptr - 1)->size; }

static const uint8_t kProtos[] = "\x02h2\x08http/1.1";

/* configure calls setters; whatever they answer, the rest must work. */
static void configure(SSL_CTX *ctx, X509 *x509) {
  const uint16_t sigalgs[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256};
  (void)SSL_CTX_use_certificate_chain_file(ctx, cert_path("ecdsa-p256.pem"));
  (void)SSL_CTX_use_PrivateKey_file(ctx, cert_path("ecdsa-p256.key"), SSL_FILETYPE_PEM);
  (void)SSL_CTX_add1_chain_cert(ctx, x509);
  (void)SSL_CTX_set_cipher_list(ctx, "CHACHA20:AESGCM");
  (void)SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
  (void)SSL_CTX_set1_groups_list(ctx, "P-256:X25519");
  (void)SSL_CTX_set_verify_algorithm_prefs(ctx, sigalgs, 2);
  (void)SSL_CTX_set_signing_algorithm_prefs(ctx, sigalgs, 2);
  (void)SSL_CTX_set_alpn_protos(ctx, kProtos, sizeof kProtos - 1);
  (void)SSL_CTX_add_client_CA(ctx, x509);
  (void)SSL_CTX_set_ex_data(ctx, 0, ctx);
}

static void configure_one(SSL *ssl, SSL_CTX *other, X509 *x509) {
  (void)SSL_set_tlsext_host_name(ssl, "localhost");
  (void)SSL_set1_host(ssl, "localhost");
  SSL_set_options(ssl, SSL_OP_NO_TICKET);
  (void)SSL_use_certificate(ssl, x509);
  (void)SSL_set_SSL_CTX(ssl, other);
  (void)SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
  (void)SSL_set_ex_data(ssl, 3, ssl);
  SSL_set_client_CA_list(ssl, SSL_load_client_CA_file(cert_path("root.pem")));
}

/* handshake has all the memory it wants: verifying a chain, API 17 leaks when it has not. */
static bool handshake(struct ssl_pair *pair) {
  long rest = countdown;
  countdown = -1;
  bool done = ssl_pair_handshake(pair);
  countdown = rest;
  return done;
}

/* run goes through all of it and says whether a handshake was done at the end. */
static bool run(X509 *x509) {
  bool done = false;
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx("ecdsa-p256"),
          *other = ssl_server_ctx("rsa-2048");
  if (client != NULL && server != NULL && other != NULL &&
      SSL_CTX_load_verify_locations(other, cert_path("root.pem"), NULL)) {
    configure(client, x509);
    configure(server, x509);
    struct ssl_pair pair;
    if (ssl_pair_new(&pair, client, server, 0)) {
      configure_one(pair.client, other, x509);
      configure_one(pair.server, other, x509);
      (void)SSL_do_handshake(pair.client); /* these make the engine's configuration */
      (void)SSL_do_handshake(pair.server);
      done = handshake(&pair) && SSL_get_peer_cert_chain(pair.client) != NULL &&
             SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name) != NULL;
    }
    ssl_pair_free(&pair);
  }
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  SSL_CTX_free(other);
  ERR_clear_error();
  return done;
}

int main(void) {
  BIO *bio = BIO_new_file(cert_path("intermediate.pem"), "rb");
  X509 *x509 = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  /* Twice: what libcrypto keeps for good it has by then. */
  if (x509 == NULL || !run(x509) || !run(x509)) {
    printf("without any failure it does not work\n");
    return 1;
  }
  long before = live, tried = 0, survived = 0;
  do {
    failed = false;
    countdown = tried++;
    survived += run(x509);
    countdown = -1;
    if (live != before) {
      printf("allocation %ld failed: %ld left behind\n", tried, live - before);
      return 1;
    }
  } while (failed);
  printf("%ld allocations failed one by one; %ld times nothing came of it\n", tried - 1,
         survived - 1);
  X509_free(x509);
  return tried < 100;
}
