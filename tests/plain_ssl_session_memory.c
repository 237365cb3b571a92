/* Memory that runs out around sessions: tickets made and opened, sessions kept, encoded, verified
 * again and resumed.  The first allocation fails, then the second alone, and so on.  What fails
 * says so or leads to a full handshake; nothing crashes and nothing is left behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "ssl_pair.h"

/* libcrypto, freeing the ex_data of an X509_STORE_CTX (which has its SSL there), copies a list
 * first, and when it has no memory for that it forgets the ex_data's two blocks.  There is one such
 * allocation in a run; runs differ by an allocation or two, so that it may be met more than once.
 */
enum { EX_DATA_BLOCKS = 2, EX_DATA_TIMES = 3 };
static int ex_data_lost;

/* ---- A client that resumes ---- */

#define OCSP_TEXT "an OCSP response"
#define SCTS_TEXT "\0\x0b\0\3one\0\4four"

static SSL_CTX *client, *server;
static SSL_SESSION *kept;
static unsigned asked;

static int keep(SSL *ssl, SSL_SESSION *session) {
  if (SSL_is_server(ssl)) return 0;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert) {
  (void)ssl, (void)out_alert;
  return ++asked % 3 == 0 ? ssl_verify_retry : ssl_verify_ok;
}

static bool handshake(struct ssl_pair *pair) {
  for (int pauses = 0; pauses < 5; pauses++) {
    pair->client_saw = pair->server_saw = 0;
    if (ssl_pair_handshake(pair)) return true;
    if ((pair->client_saw & 1u << SSL_ERROR_WANT_CERTIFICATE_VERIFY) == 0) return false;
  }
  return false;
}

/* copy takes |session| to bytes and back; NULL: it failed. */
static SSL_SESSION *copy(const SSL_SESSION *session) {
  uint8_t *data;
  size_t len;
  if (!SSL_SESSION_to_bytes(session, &data, &len)) return NULL;
  SSL_SESSION *made = SSL_SESSION_from_bytes(data, len, client);
  OPENSSL_free(data);
  return made;
}

/* meet resumes |session|, or not, and reads the tickets. */
static const char *meet(SSL_SESSION *session, bool *resumed) {
  struct ssl_pair pair;
  const char *wrong = NULL;
  char byte = 0;
  *resumed = false;
  bool ok = ssl_pair_new(&pair, client, server, 20000) &&
            SSL_set_tlsext_host_name(pair.client, "localhost") == 1 &&
            SSL_set_session(pair.client, session) == 1 && handshake(&pair);
  if (ok && SSL_get_verify_result(pair.client) != X509_V_OK) wrong = "an unverified server";
  if (ok) *resumed = SSL_session_reused(pair.client);
  if (ok) ok = SSL_write(pair.server, "x", 1) == 1 && SSL_read(pair.client, &byte, 1) == 1;
  if (ok && byte != 'x') wrong = "data arrived damaged";
  if (ok) (void)SSL_get_session(pair.client);
  if (ok) (void)SSL_get_session(pair.server);
  if (!ok && !alloc_failed) wrong = "it failed for no reason";
  ssl_pair_free(&pair);
  return wrong;
}

/* forget has neither side keep a session. */
static void forget(void) {
  SSL_SESSION_free(kept);
  kept = NULL;
  SSL_CTX_flush_sessions(server, 0);
  ERR_clear_error();
}

/* attempt has the |n|th allocation fail of what is done with a session that is fresh. */
static const char *attempt(long n) {
  bool resumed;
  long before = alloc_live;
  alloc_failed = false;
  const char *wrong = meet(NULL, &resumed);
  if (wrong != NULL || kept == NULL) return "no session to begin with";
  alloc_countdown = n;
  SSL_SESSION *session = copy(kept);
  if (session != NULL) wrong = meet(session, &resumed);
  alloc_countdown = -1;
  if (session == NULL && !alloc_failed) wrong = "a session cannot be copied";
  if (wrong == NULL && !alloc_failed && !resumed) wrong = "a session was not resumed";
  SSL_SESSION_free(session);
  forget();
  long left = alloc_live - before;
  if (alloc_failed && left > 0 && left <= EX_DATA_BLOCKS && ex_data_lost++ < EX_DATA_TIMES)
    left = 0;
  if (wrong == NULL && left != 0) wrong = "memory was left behind";
  return wrong;
}

static const char *attempt_all(void) {
  long n = 0;
  /* What is made once and kept comes first. */
  (void)attempt(-1);
  const char *wrong = attempt(-1);
  do {
    if (wrong == NULL) wrong = attempt(n++);
  } while (wrong == NULL && alloc_failed);
  if (wrong != NULL) fprintf(stderr, "allocation %ld: %s\n", n - 1, wrong);
  printf("%ld allocations\n", n - 1);
  return wrong;
}

static bool set_up(void) {
  client = ssl_server_ctx("client-ecdsa-p256");
  server = ssl_server_ctx("ecdsa-p256");
  if (client == NULL || server == NULL) return false;
  SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client, keep);
  SSL_CTX_sess_set_new_cb(server, keep);
  SSL_CTX_set_custom_verify(client, SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_reverify_on_resume(client, 1);
  SSL_CTX_enable_ocsp_stapling(client);
  SSL_CTX_enable_signed_cert_timestamps(client);
  return SSL_CTX_set_ocsp_response(server, (const uint8_t *)OCSP_TEXT, sizeof OCSP_TEXT - 1) &&
         SSL_CTX_set_signed_cert_timestamp_list(server, (const uint8_t *)SCTS_TEXT,
                                                sizeof SCTS_TEXT - 1) &&
         SSL_CTX_load_verify_locations(server, cert_path("root.pem"), NULL);
}

/* all_ways is the ways a server has: tickets under its own keys, under those that were set, ids;
 * clients' certificates in the sessions. */
static const char *all_ways(uint16_t version) {
  static const uint8_t kKeys[48] = {1};
  const char *wrong = set_up() ? NULL : "no contexts";
  if (wrong == NULL && !SSL_CTX_set_max_proto_version(client, version)) wrong = "no version";
  if (wrong == NULL) wrong = attempt_all();
  if (wrong == NULL) {
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_tlsext_ticket_keys(server, kKeys, sizeof kKeys);
    wrong = attempt_all();
  }
  if (wrong == NULL) {
    SSL_CTX_set_options(server, SSL_OP_NO_TICKET);
    wrong = attempt_all();
  }
  if (wrong != NULL) fprintf(stderr, "version %04x: %s\n", version, wrong);
  SSL_SESSION_free(kept);
  kept = NULL;
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  return wrong;
}

int main(void) {
  return all_ways(TLS1_3_VERSION) == NULL && all_ways(TLS1_2_VERSION) == NULL ? 0 : 1;
}
