/* plain_quic_memory.c: memory that runs out in QUIC, under both kinds of callbacks and in the
 * engine below them: a handshake with a retry, tickets, then one that resumes.  The first
 * allocation fails, then the second alone, and so on.  What fails says so; secrets that were handed
 * out agree; nothing crashes and nothing is left behind. */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssl_pair.h"
#include "fail_alloc.h"
#include "ssl_quic_pair.h"

/* libcrypto forgets two blocks when it has no memory while it frees the ex_data of an
 * X509_STORE_CTX: as in plain_ssl_memory.c. */
enum { EX_DATA_BLOCKS = 2, EX_DATA_TIMES = 3 };
static int ex_data_lost;

static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

static const char *check(const struct ssl_quic_pair *pair, bool done) {
  const struct ssl_quic_end *client = &pair->client, *server = &pair->server;
  for (int level = 1; level < 4; level++) {
    for (int i = 0; i < 2; i++) {
      const struct ssl_quic_end *one = i ? client : server, *other = i ? server : client;
      if (one->secret_len[1][level] > 0 && other->secret_len[0][level] > 0 &&
          memcmp(one->secret[1][level], other->secret[0][level], 48) != 0)
        return "secrets differ";
    }
  }
  if (done) return NULL;
  if (!alloc_failed) return "it fails with memory enough";
  return client->error == SSL_ERROR_SSL || server->error == SSL_ERROR_SSL ? NULL
                                                                          : "it fails in silence";
}

/* converse is one connection, with the session of the one before. */
static const char *converse(SSL_CTX *client, SSL_CTX *server, unsigned shapes) {
  struct ssl_quic_pair pair;
  const char *wrong = NULL;
  if (ssl_quic_pair_new(&pair, client, server, shapes) &&
      SSL_set_session(pair.client.ssl, kept) == 1) {
    bool done = ssl_quic_run(&pair);
    wrong = check(&pair, done);
  } else if (!alloc_failed) {
    wrong = "nothing begins with memory enough";
  }
  ssl_quic_pair_free(&pair);
  ERR_clear_error();
  return wrong;
}

/* attempt has the |n|th allocation fail, of a full handshake and of one that may resume. */
static const char *attempt(SSL_CTX *client, SSL_CTX *server, unsigned shapes, long n) {
  long before = alloc_live;
  alloc_failed = false;
  alloc_countdown = n;
  const char *wrong = converse(client, server, shapes);
  if (wrong == NULL) wrong = converse(client, server, shapes);
  alloc_countdown = -1;
  SSL_SESSION_free(kept);
  kept = NULL;
  long left = alloc_live - before;
  if (alloc_failed && left > 0 && left <= EX_DATA_BLOCKS && ex_data_lost++ < EX_DATA_TIMES)
    left = 0;
  return wrong == NULL && left != 0 ? "memory is left behind" : wrong;
}

int main(void) {
  SSL_CTX *client = ssl_quic_client_ctx(), *server = ssl_quic_server_ctx("ecdsa-p256");
  SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client, keep);
  const char *wrong = SSL_CTX_set1_groups_list(server, "P-256") == 1 ? NULL : "groups";
  for (unsigned shapes = 0; shapes < 4 && wrong == NULL; shapes += 3) {
    long n = 0;
    /* What is made once and kept comes first. */
    ex_data_lost = 0;
    (void)attempt(client, server, shapes, -1);
    wrong = attempt(client, server, shapes, -1);
    for (alloc_failed = true; alloc_failed && wrong == NULL; n++)
      wrong = attempt(client, server, shapes, n);
    printf("%ld allocations\n", n - 1);
    if (wrong != NULL) fprintf(stderr, "shapes %u, allocation %ld: %s\n", shapes, n - 1, wrong);
  }
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  return wrong == NULL ? 0 : 1;
}
