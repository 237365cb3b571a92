/* test_ssl_groups.c - the groups of <openssl/ssl.h>: whose order counts, key shares, the defaults,
 * the hybrids with ML-KEM where libcrypto has it; P-521 keys; names of signature algorithms. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include <handfast/answers.h>

#include "ssl_pair.h"

enum { HAVE_MLKEM = BORINGSSL_API_VERSION >= 32 };
enum { HYBRID_256 = 0x11eb, HYBRID_384 = 0x11ed };

static SSL_CTX *client, *server;

static void set_up(void) {
  client = ssl_client_ctx();
  server = ssl_server_ctx("ecdsa-p256");
  cr_assert(client != NULL && server != NULL);
}
static void tear_down(void) {
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}
TestSuite(ssl_groups, .init = set_up, .fini = tear_down, .timeout = 60);

/* meet is a handshake: the group of it, which is a good one. */
static uint16_t meet(bool *retried) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert(ssl_pair_handshake(&pair), "%s", ERR_reason_error_string(ERR_peek_error()));
  const uint16_t group = SSL_get_group_id(pair.server);
  cr_assert_eq(SSL_get_group_id(pair.client), group);
  if (retried != NULL) *retried = SSL_used_hello_retry_request(pair.client);
  ssl_pair_free(&pair);
  return group;
}

static void groups(const char *of_client, const char *of_server) {
  cr_assert_eq(SSL_CTX_set1_groups_list(client, of_client), 1);
  cr_assert_eq(SSL_CTX_set1_groups_list(server, of_server), 1);
}

/* As with suites: BoringSSL's server takes the client's order unless it is told that its own
 * counts.
 */
Test(ssl_groups, whose_order_counts) {
  bool retried;
  groups("X25519:P-256:P-384", "P-384:P-256");
  cr_expect_eq(meet(&retried), SSL_GROUP_SECP256R1);
  cr_expect(retried);
  SSL_CTX_set_options(server, SSL_OP_CIPHER_SERVER_PREFERENCE);
  cr_expect_eq(meet(NULL), SSL_GROUP_SECP384R1);
}

Test(ssl_groups, no_group_in_common) {
  struct ssl_pair pair;
  groups("X25519", "P-256");
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  ssl_pair_free(&pair);
}

/* ---- Key shares ---- */

/* shares_of are the groups of the shares in the hello of |ssl|, in order. */
static size_t shares_of(uint16_t out[8], const SSL_CLIENT_HELLO *hello) {
  const uint8_t *data;
  size_t len, num = 0;
  CBS body, list, share;
  uint16_t group;
  cr_assert(SSL_early_callback_ctx_extension_get(hello, 51, &data, &len));
  CBS_init(&body, data, len);
  cr_assert(CBS_get_u16_length_prefixed(&body, &list));
  while (CBS_get_u16(&list, &group) && CBS_get_u16_length_prefixed(&list, &share) && num < 8) {
    out[num++] = group;
  }
  return num;
}

static uint16_t first_shares[8];
static size_t num_first_shares, hellos;

static enum ssl_select_cert_result_t look(const SSL_CLIENT_HELLO *hello) {
  if (hellos++ == 0) num_first_shares = shares_of(first_shares, hello);
  return ssl_select_cert_success;
}

/* meet_with is a handshake of a client whose shares are set. */
static bool meet_with(const uint16_t *shares, size_t num) {
  struct ssl_pair pair;
  hellos = 0;
  SSL_CTX_set_select_certificate_cb(server, look);
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  if (shares != NULL || num > 0) {
    cr_assert_eq(SSL_set1_client_key_shares(pair.client, shares, num), 1);
  }
  cr_assert(ssl_pair_handshake(&pair), "%s", ERR_reason_error_string(ERR_peek_error()));
  const bool retried = SSL_used_hello_retry_request(pair.client);
  ssl_pair_free(&pair);
  return retried;
}

/* R-4.3.8-1: one for the first group, unless others are asked for. */
Test(ssl_groups, key_shares) {
  static const uint16_t two[] = {SSL_GROUP_X25519, SSL_GROUP_SECP384R1};
  groups("X25519:P-256:P-384", "P-384");
  cr_expect(meet_with(NULL, 0));
  cr_expect_eq(num_first_shares, 1u);
  cr_expect_eq(first_shares[0], SSL_GROUP_X25519);
  cr_expect_not(meet_with(two, 2));
  cr_assert_eq(num_first_shares, 2u);
  cr_expect_arr_eq(first_shares, two, sizeof two);
  cr_expect(meet_with(two, 1));
  cr_expect_eq(num_first_shares, 1u);
}

/* R-4.3.8-2: none at all is a client's way to be told which. */
Test(ssl_groups, no_key_shares) {
  static const uint16_t nothing[1];
  groups("X25519", "X25519");
  cr_expect(meet_with(nothing, 0));
  cr_expect_eq(num_first_shares, 0u);
}

Test(ssl_groups, key_shares_that_cannot_be) {
  static const uint16_t order[] = {SSL_GROUP_SECP256R1, SSL_GROUP_X25519},
                        unlisted[] = {SSL_GROUP_SECP521R1},
                        twice[] = {SSL_GROUP_X25519, SSL_GROUP_X25519};
  SSL *ssl = SSL_new(client);
  cr_assert_eq(SSL_set1_groups_list(ssl, "X25519:P-256"), 1);
  cr_expect_eq(SSL_set1_client_key_shares(ssl, order, 2), 0);
  cr_expect_eq(first_reason(), SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
  ERR_clear_error();
  cr_expect_eq(SSL_set1_client_key_shares(ssl, unlisted, 1), 0);
  cr_expect_eq(SSL_set1_client_key_shares(ssl, twice, 2), 0);
  cr_expect_eq(SSL_set1_client_key_shares(ssl, twice, 1), 1);
  SSL_free(ssl);
}

/* Shares for groups that are groups no more are forgotten. */
Test(ssl_groups, groups_set_after_the_shares) {
  static const uint16_t share[] = {SSL_GROUP_SECP256R1};
  struct ssl_pair pair;
  groups("X25519:P-256", "P-384");
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  cr_assert_eq(SSL_set1_client_key_shares(pair.client, share, 1), 1);
  cr_assert_eq(SSL_set1_groups_list(pair.client, "P-384"), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_expect_not(SSL_used_hello_retry_request(pair.client));
  ssl_pair_free(&pair);
}

/* ---- ML-KEM ---- */

/* With ML-KEM the hybrid is first, and X25519 has a share beside it for servers without. */
Test(ssl_groups, defaults) {
  cr_expect_not(meet_with(NULL, 0));
  cr_expect_eq(num_first_shares, HAVE_MLKEM ? 2u : 1u);
  cr_expect_eq(first_shares[0], HAVE_MLKEM ? SSL_GROUP_X25519_MLKEM768 : SSL_GROUP_X25519);
  cr_expect_eq(meet(NULL), HAVE_MLKEM ? SSL_GROUP_X25519_MLKEM768 : SSL_GROUP_X25519);
  groups("X25519MLKEM768:X25519", "X25519");
  cr_expect_not(meet_with(NULL, 0));
  printf("%s\n",
         HAVE_MLKEM ? "with ML-KEM" : "skipped: hybrids by default: libcrypto has no ML-KEM");
}

Test(ssl_groups, hybrids_by_name) {
  static const struct {
    const char *name;
    uint16_t id;
  } hybrids[] = {{"X25519MLKEM768", SSL_GROUP_X25519_MLKEM768},
                 {"SecP256r1MLKEM768", HYBRID_256},
                 {"SecP384r1MLKEM1024", HYBRID_384}};
  for (size_t i = 0; i < sizeof hybrids / sizeof *hybrids; i++) {
    bool retried;
    char list[64];
    cr_expect_str_eq(SSL_get_group_name(hybrids[i].id), hybrids[i].name);
    if (!HAVE_MLKEM) {
      /* Known, and of no use alone. */
      cr_expect_eq(SSL_CTX_set1_groups_list(client, hybrids[i].name), 0);
      cr_expect_eq(first_reason(), SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
      ERR_clear_error();
      printf("skipped: a handshake with %s: libcrypto has no ML-KEM\n", hybrids[i].name);
      continue;
    }
    groups(hybrids[i].name, hybrids[i].name);
    cr_expect_eq(meet(&retried), hybrids[i].id);
    cr_expect_not(retried);
    snprintf(list, sizeof list, "X25519:P-256:%s", hybrids[i].name);
    groups(list, hybrids[i].name);
    cr_expect_not(meet_with(NULL, 0), "one share is of the other sort");
    snprintf(list, sizeof list, "%s:X25519", hybrids[i].name);
    groups("P-256:X25519", list);
    cr_expect_eq(meet(&retried), SSL_GROUP_X25519);
    cr_expect(retried);
  }
}

/* R-10024-4.2-1: hf_encapsulate refuses what is no key: FIPS 203 7.2. */
Test(ssl_groups, encapsulation_to_bad_keys) {
  static const struct {
    uint16_t group;
    size_t key_len, ciphertext_len;
  } kems[] = {
      {SSL_GROUP_X25519_MLKEM768, 1184, 1088}, {HYBRID_256, 1184, 1088}, {HYBRID_384, 1568, 1568}};
  uint8_t key[1600], ciphertext[HF_ENCAP_MAX], secret[HF_ENCAP_SECRET];
  size_t len;
  for (size_t i = 0; i < sizeof kems / sizeof *kems; i++) {
    const hf_bytes whole = {key, kems[i].key_len};
    const hf_status bad = HAVE_MLKEM ? HF_BAD_KEY_SHARE : HF_MISUSE;
    memset(key, 0, sizeof key); /* all coefficients zero: reduced */
    cr_expect_eq(hf_encapsulate(ciphertext, &len, sizeof ciphertext, secret, kems[i].group, whole),
                 HAVE_MLKEM ? HF_OK : HF_MISUSE);
    cr_expect_eq(len, HAVE_MLKEM ? kems[i].ciphertext_len : 0);
    for (int off = -1; off <= 1; off += 2) {
      const hf_bytes cut = {key, kems[i].key_len + (size_t)off};
      cr_expect_eq(hf_encapsulate(ciphertext, &len, sizeof ciphertext, secret, kems[i].group, cut),
                   bad);
    }
    if (!HAVE_MLKEM) continue;
    cr_expect_eq(
        hf_encapsulate(ciphertext, &len, kems[i].ciphertext_len - 1, secret, kems[i].group, whole),
        HF_SHORT_OUTPUT);
    key[0] = 0x01; /* 3329, which is q: not reduced */
    key[1] = 0x0d;
    cr_expect_eq(hf_encapsulate(ciphertext, &len, sizeof ciphertext, secret, kems[i].group, whole),
                 HF_BAD_KEY_SHARE);
    cr_expect_eq(ERR_peek_error(), 0u);
  }
  cr_expect_eq(hf_encapsulate(ciphertext, &len, sizeof ciphertext, secret, SSL_GROUP_X25519,
                              (hf_bytes){key, 1184}),
               HF_MISUSE);
  if (!HAVE_MLKEM) printf("skipped: keys that are not reduced: libcrypto has no ML-KEM\n");
}

/* Hellos with X25519MLKEM768 alone, spoilt on their way. */
enum { KEY_LEN = 1184, CIPHERTEXT_LEN = 1088, FLIGHT_MAX = 16384 };

/* take moves what |net| has to |out| and finds in it the share that follows |mark|. */
static uint8_t *take(uint8_t *out, int *len, BIO *net, const char mark[4]) {
  *len = BIO_read(net, out, FLIGHT_MAX);
  for (int i = 0; i + 4 < *len; i++) {
    if (memcmp(out + i, mark, 4) == 0) return out + i + 4;
  }
  return NULL;
}

static void expect_alert(SSL *ssl, BIO *net, int reason) {
  static const uint8_t illegal_parameter[] = {21, 3, 3, 0, 2, 2, 47};
  uint8_t record[64];
  cr_assert_eq(SSL_do_handshake(ssl), -1);
  cr_expect_eq(first_reason(), reason);
  cr_assert_eq(BIO_read(net, record, sizeof record), (int)sizeof illegal_parameter);
  cr_expect_arr_eq(record, illegal_parameter, sizeof illegal_parameter);
  ERR_clear_error();
}

struct halves {
  SSL *client, *server;
  BIO *client_net, *server_net;
  uint8_t flight[FLIGHT_MAX], *share;
  int len;
};

/* halves_new has the client's hello in |flight|. */
static void halves_new(struct halves *h) {
  groups("X25519MLKEM768", "X25519MLKEM768");
  h->client = ssl_half(&h->client_net, client, false, FLIGHT_MAX);
  h->server = ssl_half(&h->server_net, server, true, FLIGHT_MAX);
  cr_assert_eq(SSL_do_handshake(h->client), -1);
  h->share = take(h->flight, &h->len, h->client_net, "\x11\xec\x04\xc0");
  cr_assert_not_null(h->share);
}

static void halves_free(struct halves *h) {
  SSL_free(h->client);
  SSL_free(h->server);
  BIO_free(h->client_net);
  BIO_free(h->server_net);
}

/* R-10024-4.2-1 R-10024-4.2-2: of the client's share both parts are looked at. */
Test(ssl_groups, spoilt_client_shares) {
  static struct halves h;
  for (int i = 0; HAVE_MLKEM && i < 2; i++) {
    halves_new(&h);
    if (i == 0) memset(h.share, 0xff, 3); /* two coefficients of 4095: not reduced */
    if (i == 1) memset(h.share + KEY_LEN, 0, 32);
    cr_assert_eq(BIO_write(h.server_net, h.flight, h.len), h.len);
    expect_alert(h.server, h.server_net, SSL_R_BAD_ECPOINT);
    halves_free(&h);
  }
  if (!HAVE_MLKEM) printf("skipped: hybrid shares: libcrypto has no ML-KEM\n");
}

/* R-10024-4.2-2: and of the server's: any ciphertext can be decapsulated, but X25519's part
 * may be no point of small order. */
Test(ssl_groups, spoilt_server_share) {
  static struct halves h;
  if (!HAVE_MLKEM) {
    printf("skipped: hybrid shares: libcrypto has no ML-KEM\n");
    return;
  }
  halves_new(&h);
  cr_assert_eq(BIO_write(h.server_net, h.flight, h.len), h.len);
  cr_assert_eq(SSL_do_handshake(h.server), -1);
  h.share = take(h.flight, &h.len, h.server_net, "\x11\xec\x04\x60");
  cr_assert_not_null(h.share);
  memset(h.share + CIPHERTEXT_LEN, 0, 32);
  cr_assert_eq(BIO_write(h.client_net, h.flight, h.len), h.len);
  expect_alert(h.client, h.client_net, SSL_R_BAD_ECPOINT);
  halves_free(&h);
}

/* ---- P-521 ---- */

/* ecdsa_secp521r1_sha512 (RFC 9846 4.3.3): made and taken by default, by either side. */
Test(ssl_groups, p521_keys) {
  struct ssl_pair pair;
  SSL_CTX *signer = ssl_server_ctx("ecdsa-p521");
  cr_assert_not_null(signer);
  cr_assert(SSL_CTX_use_certificate_chain_file(client, cert_path("client-ecdsa-p521.pem")) == 1 &&
            SSL_CTX_use_PrivateKey_file(client, cert_path("client-ecdsa-p521.key"),
                                        SSL_FILETYPE_PEM) == 1);
  cr_assert(SSL_CTX_load_verify_locations(signer, cert_path("root.pem"), NULL));
  SSL_CTX_set_verify(signer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert(SSL_CTX_set1_groups_list(client, "P-521") && SSL_CTX_set1_groups_list(signer, "P-521"));
  cr_assert(ssl_pair_new(&pair, client, signer, 0));
  cr_assert(ssl_pair_handshake(&pair), "%s", ERR_reason_error_string(ERR_peek_error()));
  cr_expect_eq(SSL_get_peer_signature_algorithm(pair.client), SSL_SIGN_ECDSA_SECP521R1_SHA512);
  cr_expect_eq(SSL_get_peer_signature_algorithm(pair.server), SSL_SIGN_ECDSA_SECP521R1_SHA512);
  cr_expect_eq(SSL_get_group_id(pair.client), SSL_GROUP_SECP521R1);
  ssl_pair_free(&pair);
  SSL_CTX_free(signer);
}

/* A client that does not take it gets no such signature. */
Test(ssl_groups, p521_not_taken) {
  static const uint16_t others[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256,
                                    SSL_SIGN_ECDSA_SECP384R1_SHA384};
  struct ssl_pair pair;
  SSL_CTX *signer = ssl_server_ctx("ecdsa-p521");
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(client, others, 2), 1);
  cr_assert(ssl_pair_new(&pair, client, signer, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  ssl_pair_free(&pair);
  SSL_CTX_free(signer);
}

Test(ssl_groups, names_of_signature_algorithms) {
  static const struct {
    uint16_t code;
    const char *name, *curveless;
  } names[] = {{SSL_SIGN_RSA_PKCS1_SHA256, "rsa_pkcs1_sha256", "rsa_pkcs1_sha256"},
               {SSL_SIGN_RSA_PSS_RSAE_SHA384, "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha384"},
               {SSL_SIGN_ECDSA_SECP256R1_SHA256, "ecdsa_secp256r1_sha256", "ecdsa_sha256"},
               {SSL_SIGN_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384", "ecdsa_sha384"},
               {SSL_SIGN_ECDSA_SECP521R1_SHA512, "ecdsa_secp521r1_sha512", "ecdsa_sha512"},
               {SSL_SIGN_ED25519, "ed25519", "ed25519"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    cr_expect_str_eq(SSL_get_signature_algorithm_name(names[i].code, 1), names[i].name);
    cr_expect_str_eq(SSL_get_signature_algorithm_name(names[i].code, 0), names[i].curveless);
  }
  cr_expect_null(SSL_get_signature_algorithm_name(0x1234, 1));
}
