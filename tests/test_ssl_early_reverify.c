/* A session's chain verified again (SSL_CTX_set_reverify_on_resume) where early data goes with it:
 * before it goes, and after a refusal. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <string.h>

#include "ssl_early.h"

static struct ssl_early early;
static struct ssl_pair pair;
static enum ssl_verify_result_t says[3]; /* at the first call after the session was made, .. */
static int asked;

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert) {
  *out_alert = SSL_AD_ACCESS_DENIED;
  cr_assert_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(ssl)), 2);
  cr_assert_lt(asked, 3);
  return says[asked++];
}

static void set_up(void) {
  cr_assert(ssl_early_new(&early));
  SSL_CTX_set_custom_verify(early.client, SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_reverify_on_resume(early.client, 1);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  ssl_early_free(&early);
}

TestSuite(ssl_early_reverify, .init = set_up, .fini = tear_down, .timeout = 60);

/* begin makes a session and a connection with it. */
static void begin(void) {
  SSL_SESSION *session = ssl_early_learn(&early);
  cr_assert_not_null(session);
  cr_assert_eq(asked, 1);
  cr_assert(ssl_early_pair(&pair, &early, early.server, session, 65536));
  asked = 0;
}

static int error_of(SSL *ssl, int ret) {
  cr_assert_leq(ret, 0);
  return SSL_get_error(ssl, ret);
}

Test(ssl_early_reverify, once_if_it_is_accepted) {
  char got[5];
  begin();
  says[0] = ssl_verify_retry;
  cr_assert_eq(error_of(pair.client, SSL_connect(pair.client)), SSL_ERROR_WANT_CERTIFICATE_VERIFY);
  cr_assert_eq(SSL_in_early_data(pair.client), 0);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(asked, 2);
  cr_assert_eq(SSL_in_early_data(pair.client), 1);
  cr_assert_not_null(SSL_get0_peer_certificate(pair.client));
  cr_assert_eq(SSL_write(pair.client, "early", 5), 5);
  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert_eq(SSL_read(pair.server, got, 5), 5);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_early_data_accepted(pair.client), 1);
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  cr_assert_eq(asked, 2);
}

/* Nothing of what the application has to say goes to whom it does not trust. */
Test(ssl_early_reverify, not_trusted_before) {
  char got[5];
  begin();
  says[0] = ssl_verify_invalid;
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(error_of(pair.client, SSL_write(pair.client, "early", 5)), SSL_ERROR_SSL);
    cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  }
  cr_assert_eq(asked, 1);
  cr_assert_eq(SSL_in_early_data(pair.client), 0);
  (void)SSL_accept(pair.server);
  cr_assert_eq(error_of(pair.server, SSL_read(pair.server, got, 5)), SSL_ERROR_SSL);
}

Test(ssl_early_reverify, once_more_if_it_is_refused) {
  for (int trusted = 0; trusted < 2; trusted++) {
    says[0] = says[1] = ssl_verify_ok;
    asked = 0;
    SSL_CTX_set_early_data_enabled(early.server, 1);
    begin();
    SSL_set_early_data_enabled(pair.server, 0);
    if (!trusted) says[1] = ssl_verify_invalid;
    cr_assert_eq(SSL_write(pair.client, "early", 5), 5);
    cr_assert_eq(error_of(pair.server, SSL_accept(pair.server)), SSL_ERROR_WANT_READ);
    cr_assert_eq(error_of(pair.client, SSL_connect(pair.client)), SSL_ERROR_EARLY_DATA_REJECTED);
    cr_assert_eq(asked, 1);
    SSL_reset_early_data_reject(pair.client);
    cr_assert_eq(ssl_pair_handshake(&pair), trusted);
    cr_assert_eq(asked, 2);
    if (trusted) {
      cr_assert_eq(SSL_session_reused(pair.client), 1);
    } else {
      cr_assert_eq(error_of(pair.client, SSL_connect(pair.client)), SSL_ERROR_SSL);
      cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
      cr_assert_eq(error_of(pair.server, SSL_accept(pair.server)), SSL_ERROR_SSL);
      cr_assert_eq(first_reason(), SSL_R_TLSV1_ALERT_ACCESS_DENIED);
    }
    ssl_pair_free(&pair);
  }
}

static int on_add(SSL *ssl, unsigned type, unsigned context, const uint8_t **out, size_t *out_len,
                  X509 *x509, size_t index, int *out_alert, void *arg) {
  (void)ssl, (void)type, (void)context, (void)x509, (void)index, (void)out_alert, (void)arg;
  *out = (const uint8_t *)"x";
  *out_len = 1;
  return 1;
}

/* There is no Certificate for extensions to be in. */
Test(ssl_early_reverify, extensions_of_the_application) {
  cr_assert_eq(
      SSL_CTX_add_custom_ext(early.client, 1000, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE,
                             on_add, NULL, NULL, NULL, NULL),
      1);
  begin();
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_session_reused(pair.client), 1);
  cr_assert_eq(asked, 1);
}

/* A server that does not resume shows a chain of its own, which is verified then. */
Test(ssl_early_reverify, a_full_handshake_comes_of_it) {
  SSL_CTX *other = ssl_server_ctx("ecdsa-p256");
  cr_assert_not_null(other);
  cr_assert(ssl_early_pair(&pair, &early, other, ssl_early_learn(&early), 65536));
  asked = 0;
  cr_assert_eq(SSL_write(pair.client, "early", 5), 5);
  cr_assert_eq(error_of(pair.server, SSL_accept(pair.server)), SSL_ERROR_WANT_READ);
  cr_assert_eq(error_of(pair.client, SSL_connect(pair.client)), SSL_ERROR_EARLY_DATA_REJECTED);
  SSL_reset_early_data_reject(pair.client);
  says[1] = ssl_verify_invalid;
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(asked, 2);
  cr_assert_eq(SSL_session_reused(pair.client), 0);
  cr_assert_eq(error_of(pair.client, SSL_connect(pair.client)), SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  SSL_CTX_free(other);
}
