/* Every callback that may answer later, all of them in one connection: where each stops it, in what
 * order, what SSL_get_error says, and that it goes on from there.  Each is late by one call and by
 * two; at each stop the connection is given up; and what is told no. What a callback alone does is
 * test_ssl_pause.c's. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <handfast/answers.h>
#include <stdio.h>
#include <string.h>

#include "credential.h"
#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;
static SSL_SESSION *kept;
static struct ssl_pair pair;
static char stops[1024]; /* "C" or "S" and what SSL_get_error said, one after another */

/* The callbacks that can be waited for; the rest of the names are those of the stops. */
enum point {
  SELECT,
  SERVER_CERT,
  TICKET,
  LOOKUP,
  SERVER_SIGN,
  SERVER_VERIFY,
  CLIENT_VERIFY,
  CLIENT_CERT,
  CLIENT_SIGN,
  POINTS
};
static int late;           /* how often each says "not yet" */
static enum point refused; /* says no; POINTS: none does */
static int waited[POINTS];
static struct buf input[2];
static uint16_t sigalg[2];

/* say: 1 yes, 0 no, -1 not yet. */
static int say(enum point point) {
  if (waited[point]++ < late) return -1;
  waited[point] = 0;
  return point != refused;
}

/* ---- The callbacks ---- */

static enum ssl_select_cert_result_t on_select(const SSL_CLIENT_HELLO *hello) {
  static const enum ssl_select_cert_result_t kResults[] = {
      ssl_select_cert_retry, ssl_select_cert_error, ssl_select_cert_success};
  (void)hello;
  return kResults[say(SELECT) + 1];
}

static int on_cert(SSL *ssl, void *arg) {
  (void)arg;
  return say(SSL_is_server(ssl) ? SERVER_CERT : CLIENT_CERT);
}

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert) {
  static const enum ssl_verify_result_t kResults[] = {ssl_verify_retry, ssl_verify_invalid,
                                                      ssl_verify_ok};
  cr_assert_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(ssl)), 2);
  *out_alert = SSL_AD_ACCESS_DENIED;
  return kResults[say(SSL_is_server(ssl) ? SERVER_VERIFY : CLIENT_VERIFY) + 1];
}

static enum ssl_private_key_result_t on_complete(SSL *ssl, uint8_t *out, size_t *out_len,
                                                 size_t max_out) {
  static const enum ssl_private_key_result_t kResults[] = {
      ssl_private_key_retry, ssl_private_key_failure, ssl_private_key_success};
  int server = SSL_is_server(ssl), said = say(server ? SERVER_SIGN : CLIENT_SIGN);
  if (said == 1) {
    EVP_PKEY *key = credential_key(server ? "ecdsa-p256" : "client-ecdsa-p256");
    hf_bytes in = {input[server].data, input[server].len};
    cr_assert_eq(hf_sign(out, out_len, max_out, key, sigalg[server], in), HF_OK);
    EVP_PKEY_free(key);
  }
  return kResults[said + 1];
}

static enum ssl_private_key_result_t on_sign(SSL *ssl, uint8_t *out, size_t *out_len,
                                             size_t max_out, uint16_t algorithm, const uint8_t *in,
                                             size_t in_len) {
  int server = SSL_is_server(ssl);
  sigalg[server] = algorithm;
  input[server].len = 0;
  buf_add(&input[server], in, in_len);
  return on_complete(ssl, out, out_len, max_out);
}

static size_t aead_overhead(SSL *ssl) {
  (void)ssl;
  return 1;
}

static int aead_seal(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out_len, const uint8_t *in,
                     size_t in_len) {
  (void)ssl;
  cr_assert_geq(max_out_len, in_len + 1);
  out[0] = 's';
  memcpy(out + 1, in, in_len);
  *out_len = in_len + 1;
  return 1;
}

static enum ssl_ticket_aead_result_t aead_open(SSL *ssl, uint8_t *out, size_t *out_len,
                                               size_t max_out_len, const uint8_t *in,
                                               size_t in_len) {
  static const enum ssl_ticket_aead_result_t kResults[] = {
      ssl_ticket_aead_retry, ssl_ticket_aead_error, ssl_ticket_aead_success};
  (void)ssl;
  int said = say(TICKET);
  cr_assert(in_len > 1 && in[0] == 's' && max_out_len >= in_len - 1);
  memcpy(out, in + 1, in_len - 1);
  *out_len = in_len - 1;
  return kResults[said + 1];
}

static const SSL_TICKET_AEAD_METHOD kTickets = {aead_overhead, aead_seal, aead_open};
static const SSL_PRIVATE_KEY_METHOD kKeys = {on_sign, NULL, on_complete};

static SSL_SESSION *stored;
static int store(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(stored);
  stored = session;
  return 1;
}

static SSL_SESSION *lookup(SSL *ssl, const uint8_t *id, int id_len, int *out_copy) {
  (void)ssl, (void)id;
  cr_assert_eq(id_len, SSL_MAX_SSL_SESSION_ID_LENGTH);
  int said = say(LOOKUP);
  *out_copy = 1;
  if (said < 0) return SSL_magic_pending_session_ptr();
  return said ? stored : NULL;
}

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

/* ---- A connection ---- */

static void set_up(void) {
  client_ctx = ssl_server_ctx("client-ecdsa-p256");
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
  SSL_CTX_set_reverify_on_resume(client_ctx, 1);
  SSL_CTX_set_custom_verify(client_ctx, SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_cert_cb(client_ctx, on_cert, NULL);
  SSL_CTX_set_private_key_method(client_ctx, &kKeys);
  SSL_CTX_set_select_certificate_cb(server_ctx, on_select);
  SSL_CTX_set_cert_cb(server_ctx, on_cert, NULL);
  SSL_CTX_set_custom_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                            on_verify);
  SSL_CTX_set_private_key_method(server_ctx, &kKeys);
  SSL_CTX_set_ticket_aead_method(server_ctx, &kTickets);
  SSL_CTX_sess_set_new_cb(server_ctx, store);
  SSL_CTX_sess_set_get_cb(server_ctx, lookup);
  refused = POINTS;
  late = 1;
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  SSL_SESSION_free(kept);
  SSL_SESSION_free(stored);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  buf_free(&input[0]);
  buf_free(&input[1]);
}

TestSuite(ssl_pause_all, .init = set_up, .fini = tear_down, .timeout = 60);

static void begin(void) {
  ssl_pair_free(&pair);
  ERR_clear_error();
  stops[0] = '\0';
  memset(waited, 0, sizeof waited);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(pair.client, kept), 1);
}

/* step calls one side and notes why it stopped.  False: it failed. */
static bool step(SSL *ssl, int *ret) {
  if (*ret == 1) return true;
  *ret = SSL_do_handshake(ssl);
  int error = SSL_get_error(ssl, *ret);
  if (*ret == 1 || error == SSL_ERROR_WANT_READ) return true;
  size_t used = strlen(stops);
  snprintf(stops + used, sizeof stops - used, " %s:%s", SSL_is_server(ssl) ? "S" : "C",
           SSL_error_description(error));
  if (error != SSL_ERROR_SSL) cr_assert_eq(ERR_peek_error(), 0);
  cr_assert_eq(SSL_want(ssl), error == SSL_ERROR_SSL ? SSL_NOTHING : error);
  return error != SSL_ERROR_SSL;
}

/* run goes on to the end, to a failure, or to stop |most|.  True: both sides are done. */
static bool run(int most) {
  int client = 0, server = 0;
  for (int turns = 0; turns < 60; turns++) {
    if (!step(pair.client, &client) || !step(pair.server, &server)) return false;
    int num = 0;
    for (const char *at = stops; *at != '\0'; at++) num += *at == ':';
    if (num >= most) return false;
    if (client == 1 && server == 1) return true;
  }
  return false;
}

/* get_session has the client read the tickets. */
static void get_session(void) {
  char byte;
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), 1);
  cr_assert_not_null(kept);
}

/* ---- Where they stop ---- */

#define FULL                                                                   \
  " S:PENDING_CERTIFICATE S:WANT_X509_LOOKUP S:WANT_PRIVATE_KEY_OPERATION"     \
  " C:WANT_CERTIFICATE_VERIFY C:WANT_X509_LOOKUP C:WANT_PRIVATE_KEY_OPERATION" \
  " S:WANT_CERTIFICATE_VERIFY"

static const char kTwice[] =
    " S:PENDING_CERTIFICATE S:PENDING_CERTIFICATE S:WANT_X509_LOOKUP S:WANT_X509_LOOKUP"
    " S:WANT_PRIVATE_KEY_OPERATION S:WANT_PRIVATE_KEY_OPERATION"
    " C:WANT_CERTIFICATE_VERIFY C:WANT_CERTIFICATE_VERIFY C:WANT_X509_LOOKUP C:WANT_X509_LOOKUP"
    " C:WANT_PRIVATE_KEY_OPERATION C:WANT_PRIVATE_KEY_OPERATION"
    " S:WANT_CERTIFICATE_VERIFY S:WANT_CERTIFICATE_VERIFY";

static void resumed(const char *expected) {
  begin();
  cr_assert(run(100), "%s", stops);
  cr_assert_str_eq(stops, expected);
  cr_assert(SSL_session_reused(pair.client) && SSL_session_reused(pair.server));
}

Test(ssl_pause_all, each_in_its_turn) {
  for (int ids = 0; ids < 2; ids++) {
    SSL_SESSION_free(kept);
    kept = NULL;
    if (ids) SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    late = 1;
    begin();
    cr_assert(run(100), "%s", stops);
    cr_assert_str_eq(stops, FULL);
    get_session();
    resumed(ids ? " S:PENDING_CERTIFICATE S:WANT_X509_LOOKUP S:PENDING_SESSION"
                  " C:WANT_CERTIFICATE_VERIFY"
                : " S:PENDING_CERTIFICATE S:WANT_X509_LOOKUP S:PENDING_TICKET"
                  " C:WANT_CERTIFICATE_VERIFY");
    get_session();
  }
}

Test(ssl_pause_all, each_twice) {
  late = 2;
  begin();
  cr_assert(run(100), "%s", stops);
  cr_assert_str_eq(stops, kTwice);
  get_session();
  resumed(
      " S:PENDING_CERTIFICATE S:PENDING_CERTIFICATE S:WANT_X509_LOOKUP S:WANT_X509_LOOKUP"
      " S:PENDING_TICKET S:PENDING_TICKET C:WANT_CERTIFICATE_VERIFY C:WANT_CERTIFICATE_VERIFY");
}

/* Given up at each stop, by both sides: asan says whether anything was left behind. */
Test(ssl_pause_all, never) {
  for (int most = 1; most <= 7; most++) {
    begin();
    cr_assert_not(run(most), "%s", stops);
  }
  begin();
  cr_assert(run(100));
  get_session();
  for (int most = 1; most <= 4; most++) {
    SSL_SESSION *session = kept;
    SSL_SESSION_up_ref(session);
    begin();
    cr_assert_not(run(most), "%s", stops);
    late = 0;
    SSL_SESSION_free(kept);
    kept = NULL;
    begin();
    cr_assert(run(100));
    get_session();
    late = 1;
    SSL_SESSION_free(session);
  }
}

/* ---- No ---- */

static const struct refusal {
  enum point point;
  bool resumes;
  int reason; /* of who asked; 0: the handshake goes on, a full one */
  int alert;
} kRefusals[] = {
    {SELECT, false, SSL_R_CONNECTION_REJECTED, SSL_AD_HANDSHAKE_FAILURE},
    {SERVER_CERT, false, SSL_R_CERT_CB_ERROR, SSL_AD_INTERNAL_ERROR},
    {SERVER_SIGN, false, SSL_R_PRIVATE_KEY_OPERATION_FAILED, SSL_AD_INTERNAL_ERROR},
    {CLIENT_VERIFY, false, SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_AD_ACCESS_DENIED},
    {CLIENT_CERT, false, SSL_R_CERT_CB_ERROR, SSL_AD_INTERNAL_ERROR},
    {CLIENT_SIGN, false, SSL_R_PRIVATE_KEY_OPERATION_FAILED, SSL_AD_INTERNAL_ERROR},
    {SERVER_VERIFY, false, SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_AD_ACCESS_DENIED},
    {CLIENT_VERIFY, true, SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_AD_ACCESS_DENIED},
    {TICKET, true, ERR_R_INTERNAL_ERROR, SSL_AD_INTERNAL_ERROR},
    {LOOKUP, true, 0, 0},
};

static void refuse(const struct refusal *r) {
  bool client = r->point >= CLIENT_VERIFY;
  SSL_SESSION_free(kept);
  kept = NULL;
  refused = POINTS;
  (r->point == LOOKUP ? SSL_CTX_set_options : SSL_CTX_clear_options)(server_ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  if (r->resumes) {
    begin();
    cr_assert(run(100));
    get_session();
  }
  refused = r->point;
  begin();
  bool done = run(100);
  cr_assert_eq(done, r->reason == 0, "%d:%s", (int)r->point, stops);
  if (done) {
    cr_assert_not(SSL_session_reused(pair.client));
    return;
  }
  SSL *us = client ? pair.client : pair.server, *them = client ? pair.server : pair.client;
  cr_assert_eq(SSL_do_handshake(us), -1);
  cr_assert_eq(first_reason(), r->reason, "%d: %d", (int)r->point, first_reason());
  char byte;
  /* A client may be done before its certificate is looked at. */
  int ret = SSL_do_handshake(them);
  if (ret == 1) ret = SSL_read(them, &byte, 1);
  cr_assert_eq(ret, -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + r->alert, "%d: %d", (int)r->point,
               first_reason());
}

Test(ssl_pause_all, refused_at_once_or_late) {
  for (late = 0; late < 3; late += 2)
    for (size_t i = 0; i < sizeof kRefusals / sizeof kRefusals[0]; i++) refuse(&kRefusals[i]);
}
