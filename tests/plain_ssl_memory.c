/* Memory that runs out while a connection runs: handshake, data both ways, shutdown, over a BIO
 * pair.  The first allocation fails, then the second alone, and so on.  A call that fails says so;
 * data that arrives is right; nothing crashes and nothing is left behind.  Then again with
 * callbacks that make both sides wait, and a client certificate; and once more with early data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <handfast/answers.h>

#include "fail_alloc.h"
#include "ssl_early.h"

/* libcrypto, freeing the ex_data of an X509_STORE_CTX (which has its SSL there), copies a list
 * first, and when it has no memory for that it forgets the ex_data's two blocks.  There is one such
 * allocation in a run; runs differ by an allocation or two, so that it may be met more than once.
 */
enum { EX_DATA_BLOCKS = 2, EX_DATA_TIMES = 3 };
static int ex_data_lost;

static uint8_t data[30000];

/* transfer sends |data| and returns what is wrong with what arrives, or NULL; that it does not
 * arrive is no wrong if memory ran out. */
static const char *transfer(SSL *from, SSL *to) {
  static uint8_t got[sizeof(data)];
  size_t have = 0;
  for (int turns = 0; have < sizeof(got) && turns < 50; turns++) {
    int ret = SSL_write(from, data, sizeof(data));
    if (ret <= 0 && SSL_get_error(from, ret) != SSL_ERROR_WANT_WRITE && !alloc_failed)
      return "SSL_write failed";
    ret = SSL_read(to, got + have, (int)(sizeof(got) - have));
    if (ret > 0) have += (size_t)ret;
    if (ret <= 0 && SSL_get_error(to, ret) != SSL_ERROR_WANT_READ && !alloc_failed)
      return "SSL_read failed";
  }
  if (memcmp(got, data, have) != 0) return "data arrived damaged";
  return have < sizeof(got) && !alloc_failed ? "data did not arrive" : NULL;
}

/* ---- Callbacks that are not ready at first ---- */

static unsigned waits;
static EVP_PKEY *keys[2];
static uint8_t input[256];
static size_t input_len;
static uint16_t sigalg;

static enum ssl_select_cert_result_t on_select(const SSL_CLIENT_HELLO *hello) {
  (void)hello;
  return ++waits % 2 ? ssl_select_cert_retry : ssl_select_cert_success;
}

static int on_cert(SSL *ssl, void *arg) {
  (void)ssl, (void)arg;
  return ++waits % 2 ? -1 : 1;
}

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert) {
  (void)ssl, (void)out_alert;
  return ++waits % 2 ? ssl_verify_retry : ssl_verify_ok;
}

static enum ssl_private_key_result_t on_sign(SSL *ssl, uint8_t *out, size_t *out_len,
                                             size_t max_out, uint16_t algorithm, const uint8_t *in,
                                             size_t in_len) {
  (void)ssl, (void)out, (void)out_len, (void)max_out;
  if (in_len > sizeof(input)) return ssl_private_key_failure;
  memcpy(input, in, in_len);
  input_len = in_len;
  sigalg = algorithm;
  return ssl_private_key_retry;
}

static enum ssl_private_key_result_t on_complete(SSL *ssl, uint8_t *out, size_t *out_len,
                                                 size_t max_out) {
  hf_status status = hf_sign(out, out_len, max_out, keys[SSL_is_server(ssl)], sigalg,
                             (hf_bytes){input, input_len});
  return status == HF_OK ? ssl_private_key_success : ssl_private_key_failure;
}

static void make_wait(SSL_CTX *ctx, EVP_PKEY **key) {
  static const SSL_PRIVATE_KEY_METHOD kMethod = {on_sign, NULL, on_complete};
  *key = SSL_CTX_get0_privatekey(ctx);
  EVP_PKEY_up_ref(*key);
  SSL_CTX_set_private_key_method(ctx, &kMethod);
  SSL_CTX_set_cert_cb(ctx, on_cert, NULL);
  SSL_CTX_set_select_certificate_cb(ctx, on_select);
  SSL_CTX_set_custom_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
}

static const unsigned kPauses =
    1u << SSL_ERROR_PENDING_CERTIFICATE | 1u << SSL_ERROR_WANT_X509_LOOKUP |
    1u << SSL_ERROR_WANT_PRIVATE_KEY_OPERATION | 1u << SSL_ERROR_WANT_CERTIFICATE_VERIFY;

static bool handshake(struct ssl_pair *pair) {
  for (int pauses = 0; pauses < 20; pauses++) {
    pair->client_saw = pair->server_saw = 0;
    if (ssl_pair_handshake(pair)) return true;
    if (((pair->client_saw | pair->server_saw) & kPauses) == 0) return false;
  }
  return false;
}

static const char *converse(struct ssl_pair *pair) {
  if (!handshake(pair)) return alloc_failed ? NULL : "the handshake failed";
  if (SSL_get_verify_result(pair->client) != X509_V_OK) return "an unverified server was taken";
  const char *wrong = transfer(pair->client, pair->server);
  if (wrong == NULL) wrong = transfer(pair->server, pair->client);
  if (wrong != NULL || alloc_failed) return wrong;
  if (SSL_shutdown(pair->client) != 0 || SSL_shutdown(pair->server) != 0)
    return alloc_failed ? NULL : "SSL_shutdown failed";
  return SSL_shutdown(pair->client) == 1 || alloc_failed ? NULL : "the second SSL_shutdown failed";
}

/* ---- Early data ---- */

static struct ssl_early *early; /* NULL: none */

/* send_early goes on with a client that sends |data|, as much of it early as may be, until it is
 * |*written|; what a server refused is written again. */
static void send_early(SSL *ssl, int *written) {
  if (*written <= 0) *written = SSL_write(ssl, data, sizeof(data));
  int ret = SSL_do_handshake(ssl);
  if (ret > 0 || SSL_get_error(ssl, ret) != SSL_ERROR_EARLY_DATA_REJECTED) return;
  SSL_reset_early_data_reject(ssl);
  *written = 0;
}

/* end_by_alert: what could not be sent for want of memory must not be said to be sent. */
static const char *end_by_alert(struct ssl_pair *pair) {
  char more;
  int ret = SSL_send_fatal_alert(pair->client, SSL_AD_INTERNAL_ERROR);
  bool spent = alloc_failed; /* so that nothing else will fail */
  if (ret != 1) return spent ? NULL : "SSL_send_fatal_alert failed";
  if (SSL_write(pair->client, "x", 1) > 0) return "data went after a fatal alert";
  (void)SSL_read(pair->server, &more, 1);
  bool heard = first_reason() == SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR;
  return heard || (alloc_failed && !spent) ? NULL : "no alert came";
}

static const char *converse_early(struct ssl_pair *pair) {
  static uint8_t got[sizeof(data)];
  size_t have = 0;
  int written = 0;
  for (int turns = 0; turns < 60 && (have < sizeof(got) || written <= 0); turns++) {
    char more;
    send_early(pair->client, &written);
    int ret = have < sizeof(got) ? SSL_read(pair->server, got + have, (int)(sizeof(got) - have))
                                 : SSL_read(pair->server, &more, 1);
    if (ret > 0) have += (size_t)ret;
    if (ret > 0 && have > sizeof(got)) return "data arrived twice";
  }
  if (memcmp(got, data, have) != 0) return "data arrived damaged";
  if (alloc_failed) return NULL;
  if (have < sizeof(got)) return "data did not arrive";
  if (!SSL_early_data_accepted(pair->server)) return "early data was not accepted";
  return end_by_alert(pair);
}

/* begin makes |pair|, whose client offers |session| if there is early data. */
static bool begin(struct ssl_pair *pair, SSL_CTX *client, SSL_CTX *server, SSL_SESSION *session) {
  if (early == NULL) return ssl_pair_new(pair, client, server, 20000);
  SSL_SESSION_up_ref(session);
  return ssl_early_pair(pair, early, server, session, 20000);
}

/* attempt has the |n|th allocation fail. */
static const char *attempt(SSL_CTX *client, SSL_CTX *server, long n) {
  struct ssl_pair pair;
  SSL_SESSION *session = early == NULL ? NULL : ssl_early_learn(early);
  const char *wrong = NULL;
  long before = alloc_live;
  alloc_failed = false;
  alloc_countdown = n;
  if (begin(&pair, client, server, session))
    wrong = (early == NULL ? converse : converse_early)(&pair);
  alloc_countdown = -1;
  ssl_pair_free(&pair);
  ERR_clear_error();
  long left = alloc_live - before;
  SSL_SESSION_free(session);
  if (alloc_failed && left > 0 && left <= EX_DATA_BLOCKS && ex_data_lost++ < EX_DATA_TIMES)
    left = 0;
  if (wrong == NULL && left != 0) wrong = "memory was left behind";
  return wrong;
}

static const char *attempt_all(SSL_CTX *client, SSL_CTX *server) {
  long n = 0;
  /* What is made once and kept comes first. */
  const char *wrong = attempt(client, server, -1);
  if (wrong != NULL) wrong = attempt(client, server, -1);
  do {
    if (wrong == NULL) wrong = attempt(client, server, n++);
  } while (wrong == NULL && alloc_failed);
  if (wrong != NULL) fprintf(stderr, "allocation %ld: %s\n", n - 1, wrong);
  printf("%ld allocations\n", n - 1);
  return wrong;
}

int main(void) {
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx("ecdsa-p256");
  for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)(i * 13);
  const char *wrong = attempt_all(client, server);
  SSL_CTX_free(client);
  /* A client that has a certificate is set up as a server is. */
  client = ssl_server_ctx("client-ecdsa-p256");
  make_wait(client, &keys[0]);
  make_wait(server, &keys[1]);
  if (wrong == NULL) wrong = attempt_all(client, server);
  if (wrong == NULL && waits < 6) wrong = "nothing had to wait";
  EVP_PKEY_free(keys[0]);
  EVP_PKEY_free(keys[1]);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  struct ssl_early both;
  if (!ssl_early_new(&both)) return 1;
  early = &both;
  if (wrong == NULL) wrong = attempt_all(both.client, both.server);
  ssl_early_free(&both);
  return wrong == NULL ? 0 : 1;
}
