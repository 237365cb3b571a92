/* SSL_write_early_data and SSL_read_early_data: as OpenSSL's programs use them. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "ssl_early.h"

static struct ssl_early early;
static struct ssl_pair pair;

static void set_up(void) {
  cr_assert(ssl_early_new(&early));
  SSL_CTX_set_early_data_enabled(early.client, 0); /* the calls do that */
  SSL_CTX_set_early_data_enabled(early.server, 0);
  cr_assert_eq(SSL_CTX_set_max_early_data(early.server, 100), 1);
  SSL_SESSION *session = ssl_early_learn(&early);
  cr_assert_not_null(session);
  cr_assert_eq(SSL_SESSION_get_max_early_data(session), 100);
  cr_assert(ssl_early_pair(&pair, &early, early.server, session, 65536));
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  ssl_early_free(&early);
}

TestSuite(ssl_early_explicit, .init = set_up, .fini = tear_down, .timeout = 60);

static void talk(void) {
  char byte;
  cr_assert_eq(SSL_write(pair.client, "l", 1), 1);
  cr_assert_eq(SSL_read(pair.server, &byte, 1), 1);
  cr_assert_eq(byte, 'l');
  cr_assert_eq(SSL_write(pair.server, "b", 1), 1);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), 1);
  cr_assert_eq(byte, 'b');
}

Test(ssl_early_explicit, accepted) {
  char got[10];
  size_t len;
  cr_assert_eq(SSL_write_early_data(pair.client, "one", 3, &len), 1);
  cr_assert_eq(len, 3);
  cr_assert_eq(SSL_write_early_data(pair.client, "two", 3, &len), 1);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len),
                 SSL_READ_EARLY_DATA_SUCCESS);
    cr_assert_eq(len, 3);
    cr_assert_eq(memcmp(got, i == 0 ? "one" : "two", 3), 0);
  }
  cr_assert_eq(SSL_write_early_data(pair.server, "half", 4, &len), 1);
  cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len), SSL_READ_EARLY_DATA_ERROR);
  cr_assert_eq(SSL_get_error(pair.server, 0), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_in_init(pair.client), 0);
  cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len), SSL_READ_EARLY_DATA_FINISH);
  cr_assert_eq(len, 0);
  cr_assert_eq(SSL_in_init(pair.server), 1);
  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert_eq(SSL_in_init(pair.server), 0);
  cr_assert_eq(SSL_read(pair.client, got, sizeof got), 4);
  cr_assert_eq(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_ACCEPTED);
  cr_assert_eq(SSL_get_early_data_status(pair.server), SSL_EARLY_DATA_ACCEPTED);
  talk();
}

/* a refusal is no error. */
Test(ssl_early_explicit, refused) {
  char got[10];
  size_t len;
  cr_assert_eq(SSL_set_max_early_data(pair.server, 0), 1);
  cr_assert_eq(SSL_write_early_data(pair.client, "one", 3, &len), 1);
  cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len), SSL_READ_EARLY_DATA_FINISH);
  cr_assert_eq(SSL_in_init(pair.server), 1);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert_eq(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_REJECTED);
  cr_assert_eq(SSL_get_early_data_status(pair.server), SSL_EARLY_DATA_REJECTED);
  cr_assert_not_null(SSL_get0_peer_certificate(pair.client));
  talk();
}

Test(ssl_early_explicit, none_sent) {
  char got[10];
  size_t len;
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len), SSL_READ_EARLY_DATA_FINISH);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert_eq(SSL_get_early_data_status(pair.client), SSL_EARLY_DATA_NOT_SENT);
  cr_assert_eq(SSL_get_early_data_status(pair.server), SSL_EARLY_DATA_NOT_SENT);
  talk();
}

/* SSL_write is for what must not be replayed: on either side it completes the handshake. */
Test(ssl_early_explicit, written_late) {
  char got[10];
  size_t len;
  cr_assert_eq(SSL_write_early_data(pair.client, "one", 3, &len), 1);
  cr_assert_eq(SSL_write(pair.client, "late", 4), -1);
  cr_assert_eq(SSL_get_error(pair.client, -1), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len),
               SSL_READ_EARLY_DATA_SUCCESS);
  cr_assert_eq(len, 3);
  cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len), SSL_READ_EARLY_DATA_ERROR);
  cr_assert_eq(SSL_write(pair.client, "late", 4), 4);
  cr_assert_eq(SSL_in_init(pair.client), 0);
  cr_assert_eq(SSL_read_early_data(pair.server, got, sizeof got, &len), SSL_READ_EARLY_DATA_FINISH);
  cr_assert_eq(SSL_read(pair.server, got, sizeof got), 4);
  cr_assert_eq(SSL_in_init(pair.server), 0);
  talk();
}

/* A server that asks for a certificate does not write to who has not shown it yet. */
Test(ssl_early_explicit, written_to_who_is_known) {
  char got[10];
  size_t len;
  struct ssl_pair other;
  cr_assert(ssl_early_pair(&other, &early, early.server, NULL, 65536));
  SSL_set_verify(other.server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert_eq(SSL_connect(other.client), -1);
  cr_assert_eq(SSL_read_early_data(other.server, got, sizeof got, &len),
               SSL_READ_EARLY_DATA_FINISH);
  cr_assert_eq(SSL_write(other.server, "secret", 6), -1);
  cr_assert_eq(SSL_get_error(other.server, -1), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_connect(other.client), 1);
  cr_assert_eq(SSL_write(other.server, "secret", 6), -1);
  cr_assert_eq(SSL_get_error(other.server, -1), SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
  cr_assert_lt(SSL_read(other.client, got, sizeof got), 0);
  ssl_pair_free(&other);
}

/* TLS 1.2 has no early data: the server hears of none when the handshake is done. */
Test(ssl_early_explicit, not_in_tls12) {
  char got[10];
  size_t len;
  struct ssl_pair other;
  cr_assert(ssl_early_pair(&other, &early, early.server, NULL, 65536));
  cr_assert_eq(SSL_set_max_proto_version(other.client, TLS1_2_VERSION), 1);
  cr_assert_eq(SSL_connect(other.client), -1);
  cr_assert_eq(SSL_read_early_data(other.server, got, sizeof got, &len), SSL_READ_EARLY_DATA_ERROR);
  cr_assert_eq(SSL_get_error(other.server, 0), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_connect(other.client), -1);
  cr_assert_eq(SSL_read_early_data(other.server, got, sizeof got, &len),
               SSL_READ_EARLY_DATA_FINISH);
  cr_assert_eq(SSL_accept(other.server), 1);
  cr_assert_eq(SSL_connect(other.client), 1);
  cr_assert_eq(SSL_get_early_data_status(other.server), SSL_EARLY_DATA_NOT_SENT);
  cr_assert_eq(SSL_write(other.client, "x", 1), 1);
  cr_assert_eq(SSL_read(other.server, got, sizeof got), 1);
  ssl_pair_free(&other);
}

/* What is not allowed changes nothing. */
Test(ssl_early_explicit, misuse) {
  uint8_t much[101] = {0};
  size_t len;
  cr_assert_eq(SSL_write_early_data(pair.client, much, 101, &len), 0);
  cr_assert_eq(first_reason(), SSL_R_BAD_LENGTH);
  cr_assert_eq(SSL_write_early_data(pair.client, much, 60, &len), 1);
  cr_assert_eq(SSL_write_early_data(pair.client, much, 41, &len), 0);
  cr_assert_eq(first_reason(), SSL_R_BAD_LENGTH);
  cr_assert_eq(SSL_write_early_data(pair.client, much, 40, &len), 1);
  cr_assert_eq(SSL_read_early_data(pair.client, much, 1, &len), SSL_READ_EARLY_DATA_ERROR);
  cr_assert_eq(SSL_write_early_data(pair.server, much, 1, &len), 0);
  cr_assert_eq(SSL_read_early_data(pair.server, much, 100, &len), SSL_READ_EARLY_DATA_SUCCESS);
  cr_assert_eq(len, 60);
  cr_assert_eq(SSL_read_early_data(pair.server, much, 100, &len), SSL_READ_EARLY_DATA_SUCCESS);
  cr_assert_eq(len, 40);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_write_early_data(pair.client, much, 1, &len), 0);
  talk();
  cr_assert_eq(SSL_read_early_data(pair.server, much, 1, &len), SSL_READ_EARLY_DATA_ERROR);

  struct ssl_pair other;
  cr_assert(ssl_early_pair(&other, &early, early.server, NULL, 0));
  cr_assert_eq(SSL_write_early_data(other.client, much, 1, &len), 0);
  cr_assert(ssl_pair_handshake(&other));
  ssl_pair_free(&other);
}
