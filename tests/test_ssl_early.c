/* Early data through <openssl/ssl.h>, between a client and a server of ours: accepted, refused for
 * each reason, more of it than may be, over rings of all sizes. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "ssl_early.h"

static struct ssl_early early;
static struct ssl_pair pair;

static void set_up(void) { cr_assert(ssl_early_new(&early)); }

static void tear_down(void) {
  ssl_pair_free(&pair);
  ssl_early_free(&early);
}

TestSuite(ssl_early, .init = set_up, .fini = tear_down, .timeout = 60);

static SSL_SESSION *learn(void) {
  SSL_SESSION *session = ssl_early_learn(&early);
  cr_assert_not_null(session);
  cr_assert_eq(SSL_SESSION_early_data_capable(session), 1);
  return session;
}

static void open_to(SSL_CTX *server, SSL_SESSION *session) {
  cr_assert(ssl_early_pair(&pair, &early, server, session, 65536));
}

/* error_of is the SSL_ERROR_ of a call that must not have worked. */
static int error_of(SSL *ssl, int ret) {
  cr_assert_leq(ret, 0);
  return SSL_get_error(ssl, ret);
}

static void expect_read(SSL *ssl, const char *text) {
  char got[100];
  int len = SSL_read(ssl, got, sizeof got);
  cr_assert_eq(len, (int)strlen(text), "%d, error %d", len, SSL_get_error(ssl, len));
  cr_assert_eq(memcmp(got, text, strlen(text)), 0);
}

static void expect_write(SSL *ssl, const char *text) {
  cr_assert_eq(SSL_write(ssl, text, (int)strlen(text)), (int)strlen(text));
}

/* short_hello keeps the client from ML-KEM, whose hello does not fit into a small ring. */
static void short_hello(void) { cr_assert_eq(SSL_CTX_set1_groups_list(early.client, "X25519"), 1); }

/* begin has the client connect and say something early. */
static void begin(void) {
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_in_early_data(pair.client), 1);
  cr_assert_eq(SSL_in_init(pair.client), 1);
  cr_assert_eq(SSL_get_early_data_reason(pair.client), ssl_early_data_unknown);
  expect_write(pair.client, "early");
}

Test(ssl_early, accepted) {
  const uint8_t *alpn;
  unsigned alpn_len;
  char byte;
  ssl_early_protocol = "two";
  open_to(early.server, learn());
  cr_assert_eq(SSL_in_early_data(pair.client), 0);
  begin();
  cr_assert_eq(SSL_version(pair.client), TLS1_3_VERSION);
  cr_assert_str_eq(SSL_get_version(pair.client), "TLSv1.3");
  cr_assert_not_null(SSL_get_current_cipher(pair.client));
  cr_assert_eq(SSL_session_reused(pair.client), 1);
  cr_assert_not_null(SSL_get0_peer_certificate(pair.client));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  SSL_get0_alpn_selected(pair.client, &alpn, &alpn_len);
  cr_assert(alpn_len == 3 && memcmp(alpn, "two", 3) == 0);
  cr_assert_eq(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_REJECTED);
  expect_write(pair.client, "again");

  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert(SSL_in_early_data(pair.server) && SSL_in_init(pair.server));
  cr_assert_eq(SSL_early_data_accepted(pair.server), 1);
  cr_assert_eq(SSL_get_early_data_reason(pair.server), ssl_early_data_accepted);
  cr_assert_eq(SSL_accept(pair.server), 1); /* which takes nothing */
  cr_assert_eq(SSL_peek(pair.server, &byte, 1), 1);
  cr_assert_eq(byte, 'e');
  expect_read(pair.server, "early");
  cr_assert_eq(SSL_in_early_data(pair.server), 1);
  expect_write(pair.server, "half way");
  expect_read(pair.server, "again");
  cr_assert_eq(error_of(pair.server, SSL_read(pair.server, &byte, 1)), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_in_early_data(pair.server), 1);

  expect_read(pair.client, "half way");
  cr_assert_eq(SSL_in_init(pair.client), 0);
  cr_assert_eq(SSL_in_early_data(pair.client), 0);
  cr_assert_eq(SSL_early_data_accepted(pair.client), 1);
  cr_assert_eq(SSL_get_early_data_reason(pair.client), ssl_early_data_accepted);
  cr_assert_eq(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_ACCEPTED);
  expect_write(pair.client, "later");
  expect_read(pair.server, "later");
  cr_assert_eq(SSL_in_early_data(pair.server), 0);
  cr_assert_eq(SSL_in_init(pair.server), 0);
  cr_assert_eq(SSL_get_early_data_status(pair.server), SSL_EARLY_DATA_ACCEPTED);
  cr_assert_eq(SSL_get_ticket_age_skew(pair.server), 0);
  expect_write(pair.server, "and back");
  expect_read(pair.client, "and back");
}

/* Early data comes while the server's flight finds no room: it is early data to SSL_read all the
 * same, and SSL_write waits for room. */
Test(ssl_early, comes_before_the_flight_is_out) {
  char got[8];
  int read = 0, written = 0;
  bool connected = false;
  cr_assert(ssl_early_pair(&pair, &early, early.server, learn(), 100));
  for (int i = 0; i < 100 && read <= 0; i++) {
    if (!connected)
      connected = SSL_connect(pair.client) == 1;
    else if (written <= 0)
      written = SSL_write(pair.client, "early", 5);
    read = SSL_read(pair.server, got, 8);
  }
  cr_assert_eq(read, 5);
  cr_assert_arr_eq(got, "early", 5);
  cr_assert(SSL_in_early_data(pair.server) && SSL_in_init(pair.server));
  cr_assert_eq(SSL_accept(pair.server), 1); /* which takes nothing */
  cr_assert_eq(error_of(pair.server, SSL_write(pair.server, "half way", 8)), SSL_ERROR_WANT_WRITE);
  for (int i = 0; i < 100 && read != 8; i++) {
    (void)SSL_write(pair.server, "half way", 8);
    read = SSL_read(pair.client, got, 8);
  }
  cr_assert_arr_eq(got, "half way", 8);
}

/* calling again completes the handshake; nothing need be written. */
Test(ssl_early, done_sooner) {
  char byte;
  open_to(early.server, learn());
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_in_init(pair.client), 0);
  cr_assert_eq(error_of(pair.server, SSL_read(pair.server, &byte, 1)), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_in_init(pair.server), 0);
  cr_assert_eq(SSL_early_data_accepted(pair.server), 1);
}

/* who writes more waits for the handshake, and all of it arrives once. */
Test(ssl_early, more_than_may_be_early) {
  char text[1001], got[1001];
  size_t have = 0;
  cr_assert_eq(SSL_CTX_set_max_early_data(early.server, 300), 1);
  for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i % 26);
  SSL_SESSION *session = learn();
  cr_assert_eq(SSL_SESSION_get_max_early_data(session), 300);
  open_to(early.server, session);
  cr_assert_eq(error_of(pair.client, SSL_write(pair.client, text, 1001)), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_accept(pair.server), 1);
  have += (size_t)SSL_read(pair.server, got, sizeof got);
  cr_assert_eq(have, 300);
  cr_assert_eq(SSL_in_early_data(pair.server), 1);
  cr_assert_eq(SSL_write(pair.client, text, 1001), 1001);
  while (have < sizeof got) {
    int more = SSL_read(pair.server, got + have, (int)(sizeof got - have));
    cr_assert_gt(more, 0);
    have += (size_t)more;
    cr_assert_eq(SSL_in_early_data(pair.server), 0);
  }
  cr_assert_arr_eq(got, text, sizeof text);
}

/* Each of these refuses what begin() sent; the handshake goes on after the reset. */
static void expect_refused(enum ssl_early_data_reason_t client, enum ssl_early_data_reason_t server,
                           bool resumed) {
  char byte;
  begin();
  cr_assert_eq(error_of(pair.server, SSL_accept(pair.server)), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_in_early_data(pair.server), 0);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(error_of(pair.client, SSL_read(pair.client, &byte, 1)),
                 SSL_ERROR_EARLY_DATA_REJECTED);
    cr_assert_eq(error_of(pair.client, SSL_write(pair.client, "x", 1)),
                 SSL_ERROR_EARLY_DATA_REJECTED);
    cr_assert_eq(error_of(pair.client, SSL_do_handshake(pair.client)),
                 SSL_ERROR_EARLY_DATA_REJECTED);
    cr_assert_eq(SSL_in_early_data(pair.client), 1);
  }
  SSL_reset_early_data_reject(pair.client);
  cr_assert_eq(SSL_in_early_data(pair.client), 0);
  cr_assert_null(SSL_get0_peer_certificate(pair.client));
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_in_init(pair.client), 0);
  cr_assert_not_null(SSL_get0_peer_certificate(pair.client));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  cr_assert_eq(SSL_session_reused(pair.client), resumed);
  cr_assert_eq(SSL_early_data_accepted(pair.client), 0);
  cr_assert_eq(SSL_early_data_accepted(pair.server), 0);
  cr_assert_eq(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_REJECTED);
  cr_assert_eq(SSL_get_early_data_reason(pair.client), client);
  cr_assert_eq(SSL_get_early_data_reason(pair.server), server);
  expect_write(pair.client, "later");
  expect_read(pair.server, "later");
  SSL_reset_early_data_reject(pair.client); /* does nothing now */
  expect_write(pair.server, "back");
  expect_read(pair.client, "back");
}

Test(ssl_early, refused_by_a_server_that_has_it_off) {
  SSL_SESSION *session = learn();
  SSL_CTX_set_early_data_enabled(early.server, 0);
  open_to(early.server, session);
  expect_refused(ssl_early_data_peer_declined, ssl_early_data_disabled, true);
}

Test(ssl_early, refused_by_a_retry) {
  SSL_SESSION *session = learn();
  cr_assert_eq(SSL_CTX_set1_groups_list(early.server, "P-384"), 1);
  open_to(early.server, session);
  expect_refused(ssl_early_data_hello_retry_request, ssl_early_data_hello_retry_request, true);
}

/* What was the session's is no longer the connection's. */
Test(ssl_early, a_retry_leaves_the_protocol_open) {
  const uint8_t *alpn;
  unsigned alpn_len;
  ssl_early_protocol = "one";
  SSL_SESSION *session = learn();
  cr_assert_eq(SSL_CTX_set1_groups_list(early.server, "P-384"), 1);
  open_to(early.server, session);
  begin();
  SSL_get0_alpn_selected(pair.client, &alpn, &alpn_len);
  cr_assert_eq(alpn_len, 3);
  (void)SSL_accept(pair.server);
  cr_assert_eq(error_of(pair.client, SSL_do_handshake(pair.client)), SSL_ERROR_EARLY_DATA_REJECTED);
  SSL_reset_early_data_reject(pair.client);
  SSL_get0_alpn_selected(pair.client, &alpn, &alpn_len);
  cr_assert_eq(alpn_len, 0);
}

/* Until the application takes note of the refusal it is told of the connection that it wrote to. */
Test(ssl_early, a_refusal_changes_nothing_before_it_is_reset) {
  const uint8_t *alpn;
  unsigned alpn_len;
  for (int i = 0; i < 2; i++) {
    ssl_early_protocol = "one";
    cr_assert_eq(SSL_CTX_set_ciphersuites(early.server, "TLS_AES_128_GCM_SHA256"), 1);
    cr_assert_eq(SSL_CTX_set1_groups_list(early.server, "X25519"), 1);
    SSL_SESSION *session = learn();
    ssl_early_protocol = i == 0 ? "two" : NULL;
    cr_assert_eq(SSL_CTX_set_ciphersuites(early.server, "TLS_AES_256_GCM_SHA384"), 1);
    if (i == 1) cr_assert_eq(SSL_CTX_set1_groups_list(early.server, "P-384"), 1);
    open_to(early.server, session);
    begin();
    cr_assert_leq(SSL_accept(pair.server), 0);
    if (i == 1) {
      cr_assert_eq(error_of(pair.client, SSL_connect(pair.client)), SSL_ERROR_EARLY_DATA_REJECTED);
      cr_assert_leq(SSL_accept(pair.server), 0);
    }
    cr_assert_eq(error_of(pair.client, SSL_connect(pair.client)), SSL_ERROR_EARLY_DATA_REJECTED);
    cr_assert_eq(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(pair.client)), 0x1301);
    SSL_get0_alpn_selected(pair.client, &alpn, &alpn_len);
    cr_assert(alpn_len == 3 && memcmp(alpn, "one", 3) == 0);
    cr_assert_eq(SSL_get_group_id(pair.client), SSL_GROUP_X25519);
    SSL_reset_early_data_reject(pair.client);
    cr_assert(ssl_pair_handshake(&pair));
    cr_assert_eq(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(pair.client)), 0x1302);
    SSL_get0_alpn_selected(pair.client, &alpn, &alpn_len);
    cr_assert(i == 0 ? alpn_len == 3 && memcmp(alpn, "two", 3) == 0 : alpn_len == 0);
    ssl_pair_free(&pair);
  }
}

Test(ssl_early, refused_for_another_protocol) {
  ssl_early_protocol = "one";
  SSL_SESSION *session = learn();
  ssl_early_protocol = "two";
  open_to(early.server, session);
  expect_refused(ssl_early_data_peer_declined, ssl_early_data_alpn_mismatch, true);
  const uint8_t *alpn;
  unsigned alpn_len;
  SSL_get0_alpn_selected(pair.client, &alpn, &alpn_len);
  cr_assert(alpn_len == 3 && memcmp(alpn, "two", 3) == 0);
}

static int yes_or_no(SSL *ssl, void *arg) {
  cr_assert_eq(ssl, pair.server);
  return *(int *)arg;
}

Test(ssl_early, refused_by_the_callback) {
  int answer = 0;
  SSL_CTX_set_allow_early_data_cb(early.server, yes_or_no, &answer);
  open_to(early.server, learn());
  expect_refused(ssl_early_data_peer_declined, ssl_early_data_peer_declined, true);
  cr_assert_eq(SSL_get_early_data_status(pair.server), SSL_EARLY_DATA_REJECTED);
  ssl_pair_free(&pair);
  answer = 1;
  open_to(early.server, learn());
  begin();
  cr_assert_eq(SSL_accept(pair.server), 1);
  expect_read(pair.server, "early");
}

static int64_t now[2]; /* in milliseconds: the client's and the server's */
static void tell(struct timeval *out, int64_t time) {
  out->tv_sec = time / 1000;
  out->tv_usec = time % 1000 * 1000;
}
static void client_clock(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  tell(out, now[0]);
}
static void server_clock(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  tell(out, now[1]);
}

/* A client whose clock is not the one it had. */
Test(ssl_early, refused_for_the_age) {
  static const int64_t cases[] = {60000, -60000, 61000, -61000, 60001, -60001};
  SSL_CTX_set_current_time_cb(early.client, client_clock);
  SSL_CTX_set_current_time_cb(early.server, server_clock);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    now[0] = now[1] = 1900000000000 + (int64_t)i * 1000000;
    SSL_SESSION *session = learn();
    now[cases[i] < 0] += cases[i] < 0 ? -cases[i] : cases[i];
    open_to(early.server, session);
    if (i < 2) {
      begin();
      cr_assert_eq(SSL_accept(pair.server), 1);
      expect_read(pair.server, "early");
    } else {
      expect_refused(ssl_early_data_peer_declined, ssl_early_data_ticket_age_skew, true);
    }
    cr_assert_eq(SSL_get_ticket_age_skew(pair.server), cases[i] / 1000);
    ssl_pair_free(&pair);
  }
}

/* a server that does not know the ticket shows its certificate, which
 * is verified. */
Test(ssl_early, refused_with_the_session) {
  SSL_CTX *other = ssl_server_ctx("rsa-2048");
  open_to(other, learn());
  expect_refused(ssl_early_data_session_not_resumed, ssl_early_data_disabled, false);
  SSL_CTX_free(other);
}

/* What the other server stapled was to the other certificate. */
Test(ssl_early, refused_with_the_session_and_what_was_stapled) {
  SSL_CTX *other = ssl_server_ctx("rsa-2048"), *bare = ssl_server_ctx("rsa-2048");
  const uint8_t *ocsp;
  size_t ocsp_len;
  SSL_CTX_enable_ocsp_stapling(early.client);
  cr_assert_eq(SSL_CTX_set_ocsp_response(early.server, (const uint8_t *)"good", 4), 1);
  cr_assert_eq(SSL_CTX_set_ocsp_response(other, (const uint8_t *)"revoked", 7), 1);
  for (int i = 0; i < 2; i++) {
    open_to(i == 0 ? other : bare, learn());
    expect_refused(ssl_early_data_session_not_resumed, ssl_early_data_disabled, false);
    SSL_get0_ocsp_response(pair.client, &ocsp, &ocsp_len);
    cr_assert_eq(ocsp_len, i == 0 ? 7 : 0);
    ssl_pair_free(&pair);
  }
  SSL_CTX_free(other);
  SSL_CTX_free(bare);
  open_to(early.server, learn()); /* as it is torn down */
}

Test(ssl_early, refused_with_the_session_by_a_server_that_is_not_trusted) {
  SSL_CTX *other = ssl_server_ctx("rsa-2048"), *nobody = SSL_CTX_new(TLS_method());
  char byte;
  open_to(other, learn());
  cr_assert_eq(SSL_set0_verify_cert_store(pair.client, X509_STORE_new()), 1);
  begin();
  (void)SSL_accept(pair.server);
  cr_assert_eq(error_of(pair.client, SSL_read(pair.client, &byte, 1)),
               SSL_ERROR_EARLY_DATA_REJECTED);
  SSL_reset_early_data_reject(pair.client);
  cr_assert_eq(error_of(pair.client, SSL_write(pair.client, "secret", 6)), SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  cr_assert_eq(error_of(pair.server, SSL_read(pair.server, &byte, 1)), SSL_ERROR_SSL);
  cr_assert_eq(error_of(pair.client, SSL_write(pair.client, "secret", 6)), SSL_ERROR_SSL);
  SSL_CTX_free(other);
  SSL_CTX_free(nobody);
}

/* what a blocked SSL_write left is not lost: after the reset it begins anew. */
Test(ssl_early, a_write_that_blocked_begins_anew) {
  char got[3000], text[3000];
  size_t have = 0;
  short_hello();
  SSL_SESSION *session = learn();
  SSL_CTX_set_early_data_enabled(early.server, 0);
  memset(text, 't', sizeof text);
  cr_assert(ssl_early_pair(&pair, &early, early.server, session, 1000));
  while (SSL_connect(pair.client) != 1) (void)SSL_accept(pair.server);
  cr_assert_eq(error_of(pair.server, SSL_accept(pair.server)), SSL_ERROR_WANT_READ);
  cr_assert_eq(error_of(pair.client, SSL_write(pair.client, text, sizeof text)),
               SSL_ERROR_WANT_WRITE);
  cr_assert_eq(error_of(pair.client, SSL_do_handshake(pair.client)), SSL_ERROR_EARLY_DATA_REJECTED);
  SSL_reset_early_data_reject(pair.client);
  cr_assert(ssl_pair_handshake(&pair));
  memset(text, 'u', sizeof text); /* another one: the old is no longer owed */
  int written = 0;
  for (int turns = 0; turns < 100 && have < sizeof got; turns++) {
    if (written <= 0) written = SSL_write(pair.client, text, sizeof text);
    int ret = SSL_read(pair.server, got + have, (int)(sizeof got - have));
    if (ret > 0) have += (size_t)ret;
  }
  cr_assert_eq(written, (int)sizeof text);
  cr_assert_eq(have, sizeof got);
  cr_assert_arr_eq(got, text, sizeof got);
}

/* Over a ring of one byte what may be early goes before anything is waited for. */
Test(ssl_early, the_last_that_may_be_early_goes_out) {
  BIO *net;
  uint8_t byte;
  int ret, num = 0;
  cr_assert_eq(SSL_CTX_set_max_early_data(early.server, 2), 1);
  SSL_SESSION *session = learn();
  SSL *ssl = ssl_half(&net, early.client, false, 1);
  cr_assert_not_null(ssl);
  cr_assert(SSL_set_tlsext_host_name(ssl, "localhost") && SSL_set_session(ssl, session));
  SSL_SESSION_free(session);
  while ((ret = SSL_connect(ssl)) != 1) {
    cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_WANT_WRITE);
    cr_assert_eq(BIO_read(net, &byte, 1), 1);
  }
  while (BIO_read(net, &byte, 1) == 1) continue;
  while ((ret = SSL_get_error(ssl, SSL_write(ssl, "hello", 5))) == SSL_ERROR_WANT_WRITE)
    while (BIO_read(net, &byte, 1) == 1) num++;
  while (BIO_read(net, &byte, 1) == 1) num++;
  cr_assert_eq(ret, SSL_ERROR_WANT_READ);
  cr_assert_eq(num, 5 + 2 + 1 + 16); /* RFC 9846 5.2: header, data, type, tag */
  SSL_free(ssl);
  BIO_free(net);
}

/* Small rings: each side blocks in the middle of everything, and nobody waits for ever. */
Test(ssl_early, over_small_rings) {
  static char text[5000], got[5000];
  for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i % 26);
  for (size_t ring = 64; ring < 8000; ring *= 3) {
    for (int accepts = 0; accepts < 2; accepts++) {
      size_t have = 0;
      int written = 0;
      bool rejected = false;
      SSL_CTX_set_early_data_enabled(early.server, 1);
      SSL_SESSION *session = learn();
      SSL_CTX_set_early_data_enabled(early.server, accepts);
      cr_assert(ssl_early_pair(&pair, &early, early.server, session, ring));
      for (long turns = 0; turns < 10000 && (have < sizeof got || written <= 0); turns++) {
        if (written <= 0) written = SSL_write(pair.client, text, sizeof text);
        int error, ret = SSL_do_handshake(pair.client); /* reads while the write waits */
        if (ret <= 0 && SSL_get_error(pair.client, ret) == SSL_ERROR_EARLY_DATA_REJECTED) {
          SSL_reset_early_data_reject(pair.client);
          rejected = true;
          written = 0; /* whatever went early is to be written again */
        }
        char more;
        ret = have < sizeof got ? SSL_read(pair.server, got + have, (int)(sizeof got - have))
                                : SSL_read(pair.server, &more, 1);
        if (ret > 0) have += (size_t)ret;
        error = SSL_get_error(pair.server, ret);
        cr_assert(ret > 0 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE, "%d",
                  error);
      }
      cr_assert_eq(have, sizeof got, "ring %zu accepts %d: %zu", ring, accepts, have);
      cr_assert_eq(written, (int)sizeof text, "ring %zu accepts %d: %d %s", ring, accepts, written,
                   ERR_reason_error_string(ERR_peek_error()));
      cr_assert_arr_eq(got, text, sizeof got);
      cr_assert_neq(rejected, accepts == 1);
      ssl_pair_free(&pair);
    }
  }
}

/* a record of the server's that is on its way keeps nobody from reading. */
Test(ssl_early, half_way_writes_that_block) {
  static char text[4000], got[4000];
  size_t have = 0;
  int written = 0;
  memset(text, 'h', sizeof text);
  short_hello();
  cr_assert(ssl_early_pair(&pair, &early, early.server, learn(), 600));
  begin();
  while (SSL_accept(pair.server) != 1) (void)SSL_do_handshake(pair.client);
  expect_read(pair.server, "early");
  cr_assert_eq(error_of(pair.server, SSL_write(pair.server, text, sizeof text)),
               SSL_ERROR_WANT_WRITE);
  for (int turns = 0; turns < 1000 && (have < sizeof got || written <= 0); turns++) {
    int ret = SSL_read(pair.client, got + have, (int)(sizeof got - have));
    if (ret > 0) have += (size_t)ret;
    char byte;
    cr_assert_leq(SSL_read(pair.server, &byte, 1), 0);
    if (written <= 0) written = SSL_write(pair.server, text, sizeof text);
  }
  cr_assert_eq(written, (int)sizeof text);
  cr_assert_eq(have, sizeof got);
  cr_assert_arr_eq(got, text, sizeof got);
}

/* both export the same, while it lasts. */
Test(ssl_early, exported_early) {
  uint8_t ours[40], theirs[40], other[40];
  const uint8_t context[] = {1, 2, 3};
  open_to(early.server, learn());
  cr_assert_eq(SSL_export_keying_material_early(pair.client, ours, 40, "label", 5, NULL, 0), 0);
  begin();
  cr_assert_eq(SSL_export_keying_material_early(pair.client, ours, 40, "label", 5, context, 3), 1);
  cr_assert_eq(SSL_export_keying_material_early(pair.client, other, 40, "label", 5, NULL, 0), 1);
  cr_assert_neq(memcmp(ours, other, 40), 0);
  cr_assert_eq(SSL_export_keying_material(pair.client, other, 40, "label", 5, context, 3, 1), 0);
  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert_eq(SSL_export_keying_material_early(pair.server, theirs, 40, "label", 5, context, 3),
               1);
  cr_assert_arr_eq(ours, theirs, 40);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_export_keying_material(pair.client, other, 40, "label", 5, context, 3, 1), 1);
  cr_assert_neq(memcmp(ours, other, 40), 0);
  cr_assert_eq(SSL_export_keying_material_early(pair.client, ours, 40, "label", 5, context, 3), 0);
  cr_assert_eq(first_reason(), SSL_R_HANDSHAKE_NOT_COMPLETE);
}

/* Why a client offers none. */
Test(ssl_early, not_offered) {
  SSL_SESSION *session = learn();
  SSL_SESSION *plain = SSL_SESSION_copy_without_early_data(session);
  cr_assert_not_null(plain);
  cr_assert_neq(plain, session);
  cr_assert_eq(SSL_SESSION_early_data_capable(plain), 0);
  SSL_SESSION *same = SSL_SESSION_copy_without_early_data(plain);
  cr_assert_eq(same, plain);
  SSL_SESSION_free(same);
  SSL_SESSION_free(session);
  open_to(early.server, plain);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert(SSL_session_reused(pair.client) && !SSL_early_data_accepted(pair.client));
  cr_assert_eq(SSL_get_early_data_reason(pair.client), ssl_early_data_unsupported_for_session);
  cr_assert_eq(SSL_get_early_data_reason(pair.server), ssl_early_data_peer_declined);
  cr_assert_eq(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_NOT_SENT);
  cr_assert_eq(SSL_get_early_data_status(pair.server), SSL_EARLY_DATA_NOT_SENT);
  ssl_pair_free(&pair);

  open_to(early.server, NULL);
  cr_assert_eq(SSL_get_early_data_reason(pair.server), ssl_early_data_unknown);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_early_data_reason(pair.client), ssl_early_data_no_session_offered);
  cr_assert_eq(SSL_get_early_data_reason(pair.server), ssl_early_data_no_session_offered);
  ssl_pair_free(&pair);

  open_to(early.server, learn());
  SSL_set_early_data_enabled(pair.client, 0);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_session_reused(pair.client), 1);
  cr_assert_eq(SSL_get_early_data_reason(pair.client), ssl_early_data_disabled);
  ssl_pair_free(&pair);

  ssl_early_protocol = "one";
  open_to(early.server, learn());
  cr_assert_eq(SSL_set_alpn_protos(pair.client, (const uint8_t *)"\3two", 4), 0);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_session_reused(pair.client), 1);
  cr_assert_eq(SSL_get_early_data_reason(pair.client), ssl_early_data_alpn_mismatch);
}

Test(ssl_early, reasons_have_names) {
  cr_assert_str_eq(SSL_early_data_reason_string(ssl_early_data_unknown), "unknown");
  cr_assert_str_eq(SSL_early_data_reason_string(ssl_early_data_ticket_age_skew), "ticket_age_skew");
  cr_assert_str_eq(SSL_early_data_reason_string(ssl_early_data_alps_mismatch), "alps_mismatch");
  cr_assert_null(SSL_early_data_reason_string((enum ssl_early_data_reason_t)11));
  cr_assert_null(SSL_early_data_reason_string((enum ssl_early_data_reason_t)15));
}
