/* SSL_SESSION and tickets between an SSL client and an SSL server of ours: who gets sessions, what
 * they hold, when they are offered and taken. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <string.h>

#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;
static SSL_SESSION *kept; /* the last that came */
static unsigned num_kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  num_kept++;
  return 1;
}

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL), 1);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
}

static void tear_down(void) {
  SSL_SESSION_free(kept);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_session, .init = set_up, .fini = tear_down, .timeout = 60);

/* open_pair begins a connection to |name| that offers |session|. */
static void open_pair(struct ssl_pair *pair, SSL_SESSION *session, const char *name) {
  cr_assert(ssl_pair_new(pair, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair->client, name), 1);
  cr_assert_eq(SSL_set_session(pair->client, session), 1);
}

/* meet_at completes it and has the server send its tickets with some data. True: it was resumed. */
static bool meet_at(struct ssl_pair *pair, SSL_SESSION *session, const char *name) {
  char byte;
  open_pair(pair, session, name);
  cr_assert(ssl_pair_handshake(pair));
  cr_assert_eq(SSL_write(pair->server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair->client, &byte, 1), 1);
  cr_assert_eq(SSL_session_reused(pair->client), SSL_session_reused(pair->server));
  return SSL_session_reused(pair->client);
}

static bool meet(SSL_SESSION *session) {
  struct ssl_pair pair;
  bool reused = meet_at(&pair, session, "localhost");
  ssl_pair_free(&pair);
  return reused;
}

/* take is the session that came last, the test's own. */
static SSL_SESSION *take(void) {
  SSL_SESSION *session = kept;
  cr_assert_not_null(session);
  kept = NULL;
  return session;
}

static SSL_SESSION *first_session(void) {
  cr_assert_not(meet(NULL));
  return take();
}

Test(ssl_session, each_ticket_is_a_session_and_is_resumed_once) {
  SSL_SESSION *session = first_session();
  cr_assert_eq(num_kept, 2);
  cr_assert_eq(SSL_SESSION_should_be_single_use(session), 1);
  cr_assert_eq(SSL_SESSION_is_resumable(session), 1);
  cr_assert(meet(session));
  cr_assert_eq(num_kept, 4);
  cr_assert_eq(SSL_SESSION_is_resumable(session), 0);
  cr_assert_not(meet(session)); /* RFC 9846 C.4 */
  cr_assert(meet(kept));
  SSL_SESSION_free(session);
}

/* Programs keep apart by it what they verify in different ways. */
Test(ssl_session, a_client_offers_none_of_another_context) {
  const uint8_t one[] = "one", two[] = "two";
  cr_assert_eq(SSL_CTX_set_session_id_context(client_ctx, one, 3), 1);
  SSL_SESSION *session = first_session();
  cr_assert_eq(SSL_CTX_set_session_id_context(client_ctx, two, 3), 1);
  cr_assert_not(meet(session));
  cr_assert_eq(SSL_CTX_set_session_id_context(client_ctx, one, 2), 1);
  cr_assert_not(meet(session));
  cr_assert_eq(SSL_SESSION_is_resumable(session), 1);
  cr_assert_eq(SSL_CTX_set_session_id_context(client_ctx, one, 3), 1);
  cr_assert(meet(session));
  SSL_SESSION_free(session);
}

Test(ssl_session, a_client_that_does_not_cache_is_told_of_none) {
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_SERVER);
  cr_assert_not(meet(NULL));
  cr_assert_eq(num_kept, 0);
}

Test(ssl_session, who_the_peer_is_stays_known) {
  struct ssl_pair pair;
  SSL_SESSION *session = first_session();
  cr_assert_not_null(SSL_SESSION_get0_peer(session));
  cr_assert_eq(sk_CRYPTO_BUFFER_num(SSL_SESSION_get0_peer_certificates(session)), 2);
  cr_assert(meet_at(&pair, session, "localhost"));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  X509 *peer = SSL_get0_peer_certificate(pair.client);
  cr_assert_not_null(peer);
  cr_assert_eq(X509_cmp(peer, SSL_SESSION_get0_peer(session)), 0);
  SSL_SESSION *now = SSL_get_session(pair.client);
  cr_assert_not_null(now);
  cr_assert_eq(SSL_SESSION_is_resumable(now), 0);
  cr_assert_eq(X509_cmp(peer, SSL_SESSION_get0_peer(now)), 0);
  ssl_pair_free(&pair);
  SSL_SESSION_free(session);
}

Test(ssl_session, it_is_for_one_name) {
  struct ssl_pair pair;
  SSL_SESSION *session = first_session();
  cr_assert_not(meet_at(&pair, session, "other.test"));
  ssl_pair_free(&pair);
  SSL_SESSION_free(session);
}

/* What was begun with anybody is not resumed by who insists. */
Test(ssl_session, one_of_an_untrusted_server_is_not_offered_by_who_verifies) {
  SSL_CTX *careless = SSL_CTX_new(TLS_method()), *careful = client_ctx;
  SSL_CTX_set_session_cache_mode(careless, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(careless, keep);
  client_ctx = careless;
  SSL_SESSION *session = first_session();
  client_ctx = careful;
  cr_assert_not(meet(session));
  SSL_SESSION_free(session);
  SSL_CTX_free(careless);
}

Test(ssl_session, what_has_expired_is_not_offered) {
  SSL_SESSION *session = first_session();
  cr_assert_eq(SSL_SESSION_get_timeout(session), SSL_DEFAULT_SESSION_PSK_DHE_TIMEOUT);
  uint64_t then = SSL_SESSION_get_time(session) - SSL_DEFAULT_SESSION_PSK_DHE_TIMEOUT;
  cr_assert_eq(SSL_SESSION_set_time(session, then), then);
  cr_assert_not(meet(session));
  SSL_SESSION_free(session);
  SSL_CTX_set_session_psk_dhe_timeout(server_ctx, 77);
  session = first_session();
  cr_assert_eq(SSL_SESSION_get_timeout(session), 77);
  cr_assert_eq(SSL_SESSION_get_ticket_lifetime_hint(session), 77);
  SSL_SESSION_free(session);
}

Test(ssl_session, bytes_and_back) {
  SSL_SESSION *session = first_session();
  int len = i2d_SSL_SESSION(session, NULL);
  cr_assert_gt(len, 0);
  uint8_t *data, *der = NULL;
  size_t data_len;
  cr_assert_eq(SSL_SESSION_to_bytes(session, &data, &data_len), 1);
  cr_assert_eq(data_len, (size_t)len);
  cr_assert_eq(i2d_SSL_SESSION(session, &der), len);
  cr_assert_eq(memcmp(der, data, data_len), 0);
  const uint8_t *in = der;
  SSL_SESSION *again = d2i_SSL_SESSION(NULL, &in, len);
  cr_assert_not_null(again);
  cr_assert_eq(in, der + len);
  unsigned id_len, again_len;
  const uint8_t *id = SSL_SESSION_get_id(session, &id_len);
  cr_assert_eq(memcmp(SSL_SESSION_get_id(again, &again_len), id, id_len), 0);
  cr_assert(id_len == 32 && again_len == 32);
  cr_assert_eq(SSL_SESSION_get_time(again), SSL_SESSION_get_time(session));
  cr_assert_eq(SSL_SESSION_get_protocol_version(again), TLS1_3_VERSION);
  cr_assert(meet(again));
  for (size_t cut = 0; cut < data_len; cut++)
    cr_assert_null(SSL_SESSION_from_bytes(data, cut, client_ctx));
  cr_assert_eq(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_INVALID_SSL_SESSION);
  OPENSSL_free(data);
  OPENSSL_free(der);
  SSL_SESSION_free(again);
  SSL_SESSION_free(session);
}

/* Elements that are only carried along: [17] TRUE; a wrong [18] is refused. */
Test(ssl_session, other_elements_of_the_encoding_are_kept) {
  static const uint8_t head[] = {0x30, 0x22, 0x02, 0x01, 0x01, 0x02, 0x02, 0x03, 0x04,
                                 0x04, 0x02, 0x13, 0x01, 0x04, 0x01, 0x07, 0x04, 0x01,
                                 0x09, 0xa1, 0x03, 0x02, 0x01, 0x05, 0xa2, 0x03, 0x02,
                                 0x01, 0x06, 0xa4, 0x02, 0x04, 0x00, 0xb1, 0x03, 0x01};
  uint8_t der[sizeof head + 2], *out = NULL;
  memcpy(der, head, sizeof head);
  der[1] = sizeof der - 2;
  der[sizeof head] = 0x01;
  der[sizeof head + 1] = 0xff;
  SSL_SESSION *session = SSL_SESSION_from_bytes(der, sizeof der, client_ctx);
  cr_assert_not_null(session);
  cr_assert_eq(SSL_SESSION_get_time(session), 5);
  cr_assert_eq(SSL_SESSION_get_timeout(session), 6);
  cr_assert_eq(i2d_SSL_SESSION(session, &out), sizeof der);
  cr_assert_eq(memcmp(out, der, sizeof der), 0);
  OPENSSL_free(out);
  SSL_SESSION_free(session);
  der[sizeof head - 3] = 0xb2; /* [18] is a number, not a truth */
  cr_assert_null(SSL_SESSION_from_bytes(der, sizeof der, client_ctx));
}

Test(ssl_session, a_session_is_set_before_the_handshake) {
  struct ssl_pair pair;
  SSL_SESSION *session = first_session();
  cr_assert_not(meet_at(&pair, NULL, "localhost"));
  cr_assert_eq(SSL_set_session(pair.client, session), 0);
  ssl_pair_free(&pair);
  open_pair(&pair, session, "localhost");
  cr_assert_eq(SSL_get_session(pair.client), session);
  SSL_SESSION *got = SSL_get1_session(pair.client);
  cr_assert_eq(got, session);
  SSL_SESSION_free(got);
  ssl_pair_free(&pair);
  SSL_SESSION_free(session);
}
