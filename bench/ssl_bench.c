/* ssl_bench.c: the subject that is driven through <openssl/ssl.h> over a BIO pair.  Compiled twice:
 * with our header and library, and with BoringSSL's. */
#include "bench/subject.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct bench_pair {
  SSL *ssl[2];
  BIO *bio[2];
  bool done[2], resumes[2];
  size_t sent[2];
};

static SSL_CTX *contexts[2];
static SSL_SESSION *session;

/* keep takes each session for the handshake after it: one of TLS 1.3 is for one use. */
static int keep(SSL *ssl, SSL_SESSION *fresh) {
  (void)ssl;
  SSL_SESSION_free(session);
  session = fresh;
  return 1;
}

static bool set_up(SSL_CTX *ctx, const bench_case *which) {
  must(SSL_CTX_set_min_proto_version(ctx, which->version) &&
           SSL_CTX_set_max_proto_version(ctx, which->version),
       "setting the version");
  if (which->version == TLS12) {
    must(SSL_CTX_set_cipher_list(
             ctx, which->chacha20 ? "ECDHE-ECDSA-CHACHA20-POLY1305"
                                  : "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"),
         "setting the suites");
  }
  if (!which->resumed) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  }
  return SSL_CTX_set1_curves_list(ctx, which->hybrid ? "X25519MLKEM768" : "X25519:P-256") == 1;
}

bool subject_begin(const bench_case *which) {
  for (int who = CLIENT; who <= SERVER; who++) {
    contexts[who] = SSL_CTX_new(TLS_method());
    must(contexts[who] != NULL, "SSL_CTX_new");
    if (!set_up(contexts[who], which)) {
      subject_end();
      ERR_clear_error();
      return false;
    }
  }
  SSL_CTX *client = contexts[CLIENT], *server = contexts[SERVER];
  must(SSL_CTX_use_certificate_chain_file(server, in_certs(which->certificate, "pem")) == 1,
       "the certificate");
  must(SSL_CTX_use_PrivateKey_file(server, in_certs(which->certificate, "key"), SSL_FILETYPE_PEM) ==
           1,
       "the private key");
  must(SSL_CTX_load_verify_locations(client, BENCH_ROOT, NULL) == 1, "the root");
  SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
  if (which->resumed) {
    uint8_t byte = 1;
    SSL_CTX_set_session_cache_mode(client,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(client, keep);
    bench_pair *pair = pair_new();
    while (!pair_done(pair, CLIENT) || !pair_done(pair, SERVER)) {
      pair_step(pair, CLIENT);
      pair_step(pair, SERVER);
    }
    pair_send(pair, SERVER, &byte, 1);
    pair_receive(pair, CLIENT, &byte, 1);
    must(session != NULL, "getting a session");
    pair_close(pair, CLIENT);
    pair_close(pair, SERVER);
    pair_free(pair);
  }
  return true;
}

void subject_end(void) {
  SSL_SESSION_free(session);
  session = NULL;
  for (int who = CLIENT; who <= SERVER; who++) {
    SSL_CTX_free(contexts[who]);
    contexts[who] = NULL;
  }
}

bench_pair *pair_new(void) {
  bench_pair *pair = calloc(1, sizeof(*pair));
  must(pair != NULL &&
           BIO_new_bio_pair(&pair->bio[CLIENT], BENCH_RING, &pair->bio[SERVER], BENCH_RING) == 1,
       "BIO_new_bio_pair");
  return pair;
}

static void make_end(bench_pair *pair, side who) {
  SSL *ssl = pair->ssl[who] = SSL_new(contexts[who]);
  must(ssl != NULL, "SSL_new");
  SSL_set_bio(ssl, pair->bio[who], pair->bio[who]);
  if (who == SERVER) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  must(SSL_set_tlsext_host_name(ssl, BENCH_NAME) == 1, "the name to send");
  must(X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), BENCH_NAME, sizeof(BENCH_NAME) - 1) == 1,
       "the name to verify");
  pair->resumes[who] = session != NULL;
  must(session == NULL || SSL_set_session(ssl, session) == 1, "the session");
}

/* What |who| wrote lies in the ring that the other reads from. */
static size_t waiting(bench_pair *pair, side who) { return BIO_pending(pair->bio[1 - who]); }

void pair_step(bench_pair *pair, side who) {
  const size_t before = waiting(pair, who);
  if (pair->ssl[who] == NULL) make_end(pair, who);
  if (pair->done[who]) return;
  const int ret = SSL_do_handshake(pair->ssl[who]);
  must(ret == 1 || SSL_get_error(pair->ssl[who], ret) == SSL_ERROR_WANT_READ, "SSL_do_handshake");
  pair->done[who] = ret == 1;
  must(ret != 1 || !pair->resumes[who] || SSL_session_reused(pair->ssl[who]), "resumption");
  pair->sent[who] += waiting(pair, who) - before;
}

bool pair_done(const bench_pair *pair, side who) { return pair->done[who]; }

size_t pair_sent(const bench_pair *pair, side who) { return pair->sent[who]; }

void pair_send(bench_pair *pair, side who, const uint8_t *data, size_t len) {
  const size_t before = waiting(pair, who);
  must(SSL_write(pair->ssl[who], data, (int)len) == (int)len, "SSL_write");
  pair->sent[who] += waiting(pair, who) - before;
}

void pair_receive(bench_pair *pair, side who, uint8_t *out, size_t len) {
  must(SSL_read(pair->ssl[who], out, (int)len) == (int)len, "SSL_read");
}

/* A BIO that an end was made for went with it. */
void pair_close(bench_pair *pair, side who) {
  if (pair->ssl[who] == NULL) BIO_free(pair->bio[who]);
  SSL_free(pair->ssl[who]);
}

void pair_free(bench_pair *pair) { free(pair); }
