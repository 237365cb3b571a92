/* What programs do with sessions beside resuming them: data of their own, PEM files; a session's
 * chain verified once more; names of authorities in DER. */
#include <criterion/criterion.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <stdio.h>
#include <string.h>

#include "ssl_kept.h"

TestSuite(ssl_session_more, .init = kept_set_up, .fini = kept_tear_down, .timeout = 60);

static void begin(struct ssl_pair *pair) {
  cr_assert(ssl_pair_new(pair, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_session(pair->client, kept), 1);
}

/* finish completes it, and has the tickets come.  True: it was resumed. */
static bool finish(struct ssl_pair *pair) {
  char byte;
  cr_assert(ssl_pair_handshake(pair));
  cr_assert_eq(SSL_write(pair->server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair->client, &byte, 1), 1);
  bool reused = SSL_session_reused(pair->client);
  cr_assert_eq(SSL_cache_hit(pair->client), reused);
  ssl_pair_free(pair);
  return reused;
}

static bool meet(void) {
  struct ssl_pair pair;
  begin(&pair);
  return finish(&pair);
}

static int ready_at_callback;
static int note(SSL *ssl, SSL_SESSION *session) {
  ready_at_callback += SSL_in_init(ssl) == 0 && SSL_get_session(ssl) != NULL;
  kept_forget();
  kept = session;
  return 1;
}

/* Who is given a session may ask the connection whatever can be asked after the handshake; and
 * whoever resumes it is told what the peer signed with when it was made. */
Test(ssl_session_more, what_can_be_asked_of_its_connection) {
  static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  SSL_CTX_sess_set_new_cb(client_ctx, note);
  for (size_t i = 0; i < 2; i++) {
    struct ssl_pair pair;
    kept_forget();
    ready_at_callback = 0;
    cr_assert_eq(SSL_CTX_set_max_proto_version(client_ctx, versions[i]), 1);
    cr_assert_not(meet());
    cr_expect_gt(ready_at_callback, 0, "%x", versions[i]);
    begin(&pair);
    cr_assert(ssl_pair_handshake(&pair) && SSL_session_reused(pair.client));
    cr_expect_eq(SSL_version(pair.client), versions[i]);
    cr_expect_eq(SSL_get_peer_signature_algorithm(pair.client), SSL_SIGN_ECDSA_SECP256R1_SHA256);
    ssl_pair_free(&pair);
  }
}

/* ---- Data ---- */

static int freed;
static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp) {
  cr_assert(parent == kept && ptr == &freed && ad == NULL && index > 0);
  cr_assert(argl == 7 && argp == &kept);
  freed++;
}

Test(ssl_session_more, data_of_the_application) {
  int other;
  int index = SSL_SESSION_get_ex_new_index(7, &kept, NULL, NULL, on_free);
  cr_assert_gt(index, 0);
  kept = SSL_SESSION_new(client_ctx);
  cr_assert_null(SSL_SESSION_get_ex_data(kept, index));
  cr_assert_eq(SSL_SESSION_set_ex_data(kept, index, &freed), 1);
  cr_assert_eq(SSL_SESSION_set_app_data(kept, &other), 1);
  cr_assert_eq(SSL_SESSION_get_ex_data(kept, index), &freed);
  cr_assert_eq(SSL_SESSION_get_app_data(kept), &other);
  SSL_SESSION_up_ref(kept);
  SSL_SESSION_free(kept);
  cr_assert_eq(freed, 0);
  SSL_SESSION_free(kept);
  cr_assert_eq(freed, 1);
  kept = NULL;
}

Test(ssl_session_more, pem_and_back) {
  const uint8_t *text;
  size_t len;
  cr_assert_not(meet());
  BIO *bio = BIO_new(BIO_s_mem());
  cr_assert_eq(PEM_write_bio_SSL_SESSION(bio, kept), 1);
  cr_assert_eq(BIO_mem_contents(bio, &text, &len), 1);
  cr_assert_eq(memcmp(text, "-----BEGIN SSL SESSION PARAMETERS-----", 38), 0);
  SSL_SESSION *read = SSL_SESSION_new(client_ctx), *other = read;
  cr_assert_eq(PEM_read_bio_SSL_SESSION(bio, &read, NULL, NULL), read);
  cr_assert(read != NULL && read != other);
  cr_assert_null(PEM_read_bio_SSL_SESSION(bio, NULL, NULL, NULL), "there was one");
  BIO_free(bio);
  FILE *file = tmpfile();
  cr_assert_not_null(file);
  cr_assert_eq(PEM_write_SSL_SESSION(file, read), 1);
  rewind(file);
  SSL_SESSION_free(read);
  read = PEM_read_SSL_SESSION(file, NULL, NULL, NULL);
  cr_assert_not_null(read);
  fclose(file);
  SSL_SESSION_free(kept);
  kept = read;
  cr_assert(meet());
}

Test(ssl_session_more, other_names) {
  const uint8_t *ticket;
  size_t len;
  SSL *ssl = SSL_new(client_ctx);
  kept = SSL_SESSION_new(client_ctx);
  cr_assert_eq(SSL_get_default_timeout(ssl), SSL_DEFAULT_SESSION_TIMEOUT);
  cr_assert_eq(SSL_set_time(kept, 5), 5);
  cr_assert_eq(SSL_get_time(kept), 5);
  cr_assert_eq(SSL_set_timeout(kept, 6), 1);
  cr_assert_eq(SSL_get_timeout(kept), 6);
  cr_assert_eq(SSL_SESSION_set_ticket(kept, (const uint8_t *)"tick", 4), 1);
  SSL_SESSION_get0_ticket(kept, &ticket, &len);
  cr_assert(len == 4 && memcmp(ticket, "tick", 4) == 0);
  cr_assert_eq(SSL_SESSION_has_ticket(kept), 1);
  cr_assert_eq(SSL_SESSION_set_ticket(kept, NULL, 0), 1);
  cr_assert_eq(SSL_SESSION_has_ticket(kept), 0);
  cr_assert_eq(SSL_alert_from_verify_result(X509_V_ERR_CERT_REVOKED), SSL_AD_CERTIFICATE_REVOKED);
  SSL_free(ssl);
}

/* ---- Once more ---- */

static enum ssl_verify_result_t verdict;
static int asked, waits;
static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert) {
  *out_alert = SSL_AD_ACCESS_DENIED;
  asked++;
  cr_assert_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(ssl)), 2);
  if (waits-- > 0) return ssl_verify_retry;
  return verdict;
}

static void verify_again(int mode) {
  verdict = ssl_verify_ok;
  SSL_CTX_set_custom_verify(client_ctx, mode, on_verify);
  SSL_CTX_set_reverify_on_resume(client_ctx, 1);
  cr_assert_not(meet());
  cr_assert_eq(asked, 1);
}

Test(ssl_session_more, a_chain_is_verified_again) {
  verify_again(SSL_VERIFY_PEER);
  cr_assert(meet());
  cr_assert_eq(asked, 2);
  SSL_CTX_set_reverify_on_resume(client_ctx, 0);
  cr_assert(meet());
  cr_assert_eq(asked, 2);
}

/* What the callback says goes, in both versions; the server is told by its alert. */
Test(ssl_session_more, a_chain_is_trusted_no_more) {
  static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (int i = 0; i < 2; i++) {
    struct ssl_pair pair;
    char byte;
    asked = 0;
    cr_assert_eq(SSL_CTX_set_max_proto_version(client_ctx, versions[i]), 1);
    kept_forget();
    verify_again(SSL_VERIFY_PEER);
    verdict = ssl_verify_invalid;
    begin(&pair);
    cr_assert_not(ssl_pair_handshake(&pair));
    cr_assert_eq(SSL_do_handshake(pair.client), -1);
    cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
    cr_assert_eq(asked, 2);
    int ret = SSL_do_handshake(pair.server);
    if (ret == 1) ret = SSL_read(pair.server, &byte, 1);
    cr_assert_eq(ret, -1);
    cr_assert_eq(first_reason(), SSL_R_TLSV1_ALERT_ACCESS_DENIED);
    ssl_pair_free(&pair);
  }
}

Test(ssl_session_more, verifying_again_may_take_time) {
  struct ssl_pair pair;
  verify_again(SSL_VERIFY_PEER);
  begin(&pair);
  waits = 2;
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  cr_assert_eq(SSL_do_handshake(pair.server), -1);
  for (int i = 0; i < 2; i++) {
    int ret = SSL_do_handshake(pair.client);
    cr_assert_eq(ret, -1);
    cr_assert_eq(SSL_get_error(pair.client, ret), SSL_ERROR_WANT_CERTIFICATE_VERIFY);
  }
  cr_assert(finish(&pair));
  cr_assert_eq(asked, 4);
}

Test(ssl_session_more, who_verifies_nothing_is_not_asked_again) {
  verify_again(SSL_VERIFY_NONE);
  cr_assert(meet());
  cr_assert_eq(asked, 1);
}

/* ---- Names ---- */

static const char kName[] = "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04test";

static STACK_OF(CRYPTO_BUFFER) * names(void) {
  static const struct {
    const char *bytes;
    size_t len;
  } list[] = {{kName, sizeof kName - 1}, {"no name", 7}, {kName, sizeof kName - 2}};
  STACK_OF(CRYPTO_BUFFER) *stack = sk_CRYPTO_BUFFER_new_null();
  for (size_t i = 0; i < 3; i++)
    sk_CRYPTO_BUFFER_push(stack,
                          CRYPTO_BUFFER_new((const uint8_t *)list[i].bytes, list[i].len, NULL));
  return stack;
}

static int seen;
static int on_cert(SSL *ssl, void *arg) {
  (void)arg;
  const STACK_OF(CRYPTO_BUFFER) *list = SSL_get0_server_requested_CAs(ssl);
  cr_assert_eq(list, SSL_get0_server_requested_CAs(ssl));
  cr_assert_eq(sk_CRYPTO_BUFFER_num(list), 1);
  const CRYPTO_BUFFER *name = sk_CRYPTO_BUFFER_value(list, 0);
  cr_assert_eq(CRYPTO_BUFFER_len(name), sizeof kName - 1);
  cr_assert_eq(memcmp(CRYPTO_BUFFER_data(name), kName, sizeof kName - 1), 0);
  seen++;
  return 1;
}

Test(ssl_session_more, authorities_in_der) {
  struct ssl_pair pair;
  SSL_CTX_set_cert_cb(client_ctx, on_cert, NULL);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER, NULL);
  for (int i = 0; i < 2; i++) {
    if (i == 0) SSL_CTX_set0_client_CAs(server_ctx, names());
    begin(&pair);
    if (i == 1) SSL_set0_client_CAs(pair.server, names());
    cr_assert_null(SSL_get0_server_requested_CAs(pair.client));
    cr_assert(ssl_pair_handshake(&pair));
    cr_assert_eq(seen, i + 1);
    cr_assert_null(SSL_get0_server_requested_CAs(pair.client));
    cr_assert_null(SSL_get0_server_requested_CAs(pair.server));
    ssl_pair_free(&pair);
  }
  cr_assert_eq(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(server_ctx)), 1);
  SSL_CTX_set0_client_CAs(server_ctx, NULL);
  cr_assert_eq(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(server_ctx)), 0);
}
