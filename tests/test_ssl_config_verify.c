/* How the peer is verified: modes, callbacks, depth, names, parameters, stores and files;
 * authorities; and the peer's chain.  Results are X509_V_ codes, alerts RFC 9846 6.2's. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "ssl_pair.h"

static SSL_CTX *client, *server;
static struct ssl_pair pair;

static void set_up(void) {
  client = ssl_client_ctx();
  server = ssl_server_ctx("ecdsa-p256");
  cr_assert(client != NULL && server != NULL);
}

static void tear_down(void) {
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

TestSuite(ssl_config_verify, .init = set_up, .fini = tear_down, .timeout = 60);

static void start(void) { cr_assert(ssl_pair_new(&pair, client, server, 0)); }

static void end(void) {
  ssl_pair_free(&pair);
  ERR_clear_error();
}

/* refused: the handshake fails on the client, with the result and the alert that the server is
 * told. */
static void refused(long result, int alert) {
  (void)SSL_connect(pair.client);
  (void)SSL_accept(pair.server);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  cr_assert_eq(SSL_get_verify_result(pair.client), result, "%s",
               X509_verify_cert_error_string(SSL_get_verify_result(pair.client)));
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + alert);
}

static void trusted(void) {
  cr_assert(ssl_pair_handshake(&pair), "%s",
            X509_verify_cert_error_string(SSL_get_verify_result(pair.client)));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
}

/* ---- Modes and callbacks ---- */

static int calls, answer;
static int look(int ok, X509_STORE_CTX *store_ctx) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  cr_assert_eq(ssl, pair.client);
  calls++;
  return answer < 0 ? ok : answer;
}

Test(ssl_config_verify, what_is_set_comes_back) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  SSL *before = SSL_new(ctx);
  cr_assert_eq(SSL_CTX_get_verify_mode(ctx), SSL_VERIFY_NONE);
  cr_assert_null(SSL_CTX_get_verify_callback(ctx));
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, look);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert_eq(SSL_CTX_get_verify_mode(ctx), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  cr_assert_eq(SSL_CTX_get_verify_callback(ctx), look);
  cr_assert_eq(SSL_get_verify_mode(before), SSL_VERIFY_NONE);
  cr_assert_eq(SSL_CTX_get_verify_depth(ctx), -1);
  SSL_CTX_set_verify_depth(ctx, 5);
  cr_assert_eq(SSL_CTX_get_verify_depth(ctx), 5);
  SSL *after = SSL_new(ctx);
  cr_assert_eq(SSL_get_verify_mode(after), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  cr_assert_eq(SSL_get_verify_callback(after), look);
  cr_assert_eq(SSL_get_verify_depth(after), 5);
  cr_assert_eq(SSL_get_verify_depth(before), -1);
  SSL_set_verify_depth(after, 7);
  SSL_set_verify(after, SSL_VERIFY_NONE, NULL);
  cr_assert_eq(SSL_CTX_get_verify_depth(ctx), 5);
  cr_assert_eq(SSL_CTX_get_verify_mode(ctx), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  cr_assert_eq(SSL_get_verify_result(after), X509_V_ERR_INVALID_CALL);
  SSL_free(before);
  SSL_free(after);
  SSL_CTX_free(ctx);
}

Test(ssl_config_verify, without_verification_the_result_is_there_all_the_same) {
  SSL_CTX_free(server);
  server = ssl_server_ctx("wrong-ca");
  SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
  start();
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  end();
}

Test(ssl_config_verify, the_callback_has_the_last_word) {
  answer = -1;
  SSL_CTX_set_verify(client, SSL_VERIFY_PEER, look);
  start();
  trusted();
  cr_assert_eq(calls, 3); /* leaf, intermediate, root */
  end();
  answer = 0;
  start();
  (void)SSL_connect(pair.client);
  (void)SSL_accept(pair.server);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  cr_assert_neq(SSL_get_verify_result(pair.client), X509_V_OK);
  end();
  SSL_CTX_free(server);
  server = ssl_server_ctx("expired");
  answer = 1;
  start();
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_ERR_CERT_HAS_EXPIRED);
  end();
}

static int decide(X509_STORE_CTX *store_ctx, void *arg) {
  cr_assert_eq(X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx()),
               pair.client);
  cr_assert_not_null(X509_STORE_CTX_get0_cert(store_ctx));
  if (*(int *)arg) return 1;
  X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_CERT_REVOKED);
  return 0;
}

Test(ssl_config_verify, a_callback_in_place_of_all) {
  int yes = 0;
  SSL_CTX_set_cert_verify_callback(client, decide, &yes);
  start();
  refused(X509_V_ERR_CERT_REVOKED, SSL_AD_CERTIFICATE_REVOKED);
  end();
  SSL_CTX_free(server);
  server = ssl_server_ctx("wrong-ca");
  yes = 1;
  start();
  trusted();
  end();
}

/* ---- Names ---- */

struct name {
  char host[64];
  long result;
};

ParameterizedTestParameters(ssl_config_verify, host_names) {
  static struct name names[] = {
      {"localhost", X509_V_OK},
      {"server.example", X509_V_OK},
      {"SERVER.example", X509_V_OK},
      {"other.example", X509_V_ERR_HOSTNAME_MISMATCH},
      {"a.server.example", X509_V_ERR_HOSTNAME_MISMATCH},
      {"127.0.0.1", X509_V_OK},
      {"::1", X509_V_OK},
      {"127.0.0.2", X509_V_ERR_IP_ADDRESS_MISMATCH},
      {"::2", X509_V_ERR_IP_ADDRESS_MISMATCH},
  };
  return cr_make_param_array(struct name, names, sizeof names / sizeof names[0]);
}

ParameterizedTest(struct name *name, ssl_config_verify, host_names) {
  start();
  cr_assert_eq(SSL_set1_host(pair.client, name->host), 1);
  if (name->result == X509_V_OK)
    trusted();
  else
    refused(name->result, SSL_AD_BAD_CERTIFICATE);
  end();
}

Test(ssl_config_verify, an_empty_name_is_refused_and_fails_closed) {
  const char *empty[] = {"", NULL};
  for (size_t i = 0; i < 2; i++) {
    start();
    cr_assert_eq(SSL_set1_host(pair.client, empty[i]), 0);
    cr_assert_not(ssl_pair_handshake(&pair));
    end();
  }
}

Test(ssl_config_verify, host_flags) {
  start();
  SSL_set_hostflags(pair.client, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  cr_assert_eq(SSL_set1_host(pair.client, "localhost"), 1);
  trusted();
  end();
}

/* ---- Parameters ---- */

Test(ssl_config_verify, depth) {
  SSL_CTX_set_verify_depth(client, 0);
  start();
  /* Which error it is differs with libcrypto's age; both are unknown_ca. */
  (void)SSL_connect(pair.client);
  (void)SSL_accept(pair.server);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA);
  end();
  start();
  SSL_set_verify_depth(pair.client, 2); /* the root is at 2, if libcrypto counts it */
  trusted();
  end();
}

Test(ssl_config_verify, parameters_are_each_ssl_s_own) {
  X509_VERIFY_PARAM *param = SSL_CTX_get0_param(client);
  start();
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK); /* after the SSL was made */
  cr_assert_eq(SSL_CTX_get0_param(client), param);
  cr_assert_neq(SSL_get0_param(pair.client), param);
  trusted();
  end();
  start();
  refused(X509_V_ERR_UNABLE_TO_GET_CRL, SSL_AD_UNKNOWN_CA);
  end();
}

Test(ssl_config_verify, parameters_are_copied) {
  X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
  X509_VERIFY_PARAM_set_time(param, 1000000000); /* 2001: before the certificates begin */
  start();
  cr_assert_eq(SSL_set1_param(pair.client, param), 1);
  refused(X509_V_ERR_CERT_NOT_YET_VALID, SSL_AD_CERTIFICATE_EXPIRED);
  end();
  X509_VERIFY_PARAM_set_depth(param, 9);
  cr_assert_eq(SSL_CTX_set1_param(server, param), 1);
  cr_assert_eq(SSL_CTX_get_verify_depth(server), 9);
  X509_VERIFY_PARAM_free(param);
}

Test(ssl_config_verify, purpose_and_trust) {
  cr_assert_eq(SSL_CTX_set_purpose(client, X509_PURPOSE_SSL_SERVER), 1);
  cr_assert_eq(SSL_CTX_set_purpose(client, 12345), 0);
  cr_assert_eq(SSL_CTX_set_trust(client, X509_TRUST_SSL_SERVER), 1);
  cr_assert_eq(SSL_CTX_set_trust(client, 12345), 0);
  ERR_clear_error();
  start();
  cr_assert_eq(SSL_set_trust(pair.client, X509_TRUST_SSL_SERVER), 1);
  cr_assert_eq(SSL_set_purpose(pair.client, X509_PURPOSE_SSL_CLIENT), 1);
  refused(X509_V_ERR_INVALID_PURPOSE, SSL_AD_UNSUPPORTED_CERTIFICATE);
  end();
}

/* ---- Stores, files, directories ---- */

Test(ssl_config_verify, locations_that_are_none) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  cr_assert_eq(SSL_CTX_load_verify_locations(ctx, NULL, NULL), 0);
  cr_assert_eq(SSL_CTX_load_verify_locations(ctx, "/nowhere/at/all", NULL), 0);
  cr_assert_eq(SSL_CTX_load_verify_locations(ctx, cert_path("README.md"), NULL), 0);
  cr_assert_neq(ERR_peek_error(), 0);
  ERR_clear_error();
  SSL_CTX_free(ctx);
}

/* without_trust makes |client| one that trusts nobody yet. */
static void without_trust(void) {
  SSL_CTX_free(client);
  client = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
}

Test(ssl_config_verify, nobody_is_trusted_at_first) {
  without_trust();
  start();
  refused(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SSL_AD_UNKNOWN_CA);
  end();
}

Test(ssl_config_verify, a_directory_of_certificates) {
  char dir[] = "/tmp/handfast-test-XXXXXX", path[128];
  cr_assert_not_null(mkdtemp(dir));
  BIO *bio = BIO_new_file(cert_path("root.pem"), "rb");
  X509 *root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  snprintf(path, sizeof path, "%s/%08lx.0", dir,
           (unsigned long)X509_NAME_hash(X509_get_subject_name(root)));
  cr_assert_eq(symlink(cert_path("root.pem"), path), 0);
  without_trust();
  cr_assert_eq(SSL_CTX_load_verify_locations(client, NULL, dir), 1);
  start();
  trusted();
  end();
  unlink(path);
  rmdir(dir);
  X509_free(root);
}

Test(ssl_config_verify, default_paths) {
  setenv("SSL_CERT_FILE", cert_path("root.pem"), 1);
  without_trust();
  cr_assert_eq(SSL_CTX_set_default_verify_paths(client), 1);
  start();
  trusted();
  end();
  setenv("SSL_CERT_FILE", "/nowhere/at/all", 1);
  setenv("SSL_CERT_DIR", "/nowhere/at/all", 1);
  without_trust();
  cr_assert_eq(SSL_CTX_set_default_verify_paths(client), 1);
  ERR_clear_error();
}

Test(ssl_config_verify, stores) {
  X509_STORE *full = SSL_CTX_get_cert_store(client), *empty = X509_STORE_new();
  cr_assert_not_null(full);
  start();
  cr_assert_eq(SSL_set1_verify_cert_store(pair.client, empty), 1);
  refused(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SSL_AD_UNKNOWN_CA);
  end();
  cr_assert_eq(SSL_CTX_set0_verify_cert_store(client, empty), 1);
  start();
  refused(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SSL_AD_UNKNOWN_CA);
  end();
  start();
  X509_STORE_up_ref(full);
  cr_assert_eq(SSL_set0_verify_cert_store(pair.client, full), 1);
  trusted();
  end();
  cr_assert_eq(SSL_CTX_set1_verify_cert_store(client, NULL), 1);
  start();
  trusted();
  end();
  X509_STORE *other = X509_STORE_new();
  SSL_CTX_set_cert_store(client, other);
  cr_assert_eq(SSL_CTX_get_cert_store(client), other);
  start();
  refused(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SSL_AD_UNKNOWN_CA);
  end();
}

/* ---- Client certificates and authorities ---- */

static void demand_client_certificate(void) {
  SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(server, cert_path("root.pem"), NULL), 1);
}

static void give_client(const char *cert, const char *key) {
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(client, cert_path(cert)), 1);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(client, cert_path(key), SSL_FILETYPE_PEM), 1);
}

Test(ssl_config_verify, the_peer_s_chain) {
  demand_client_certificate();
  give_client("client-rsa-2048.pem", "client-rsa-2048.key");
  start();
  cr_assert_null(SSL_get_peer_cert_chain(pair.client));
  cr_assert_null(SSL_get_peer_certificate(pair.client));
  cr_assert_null(SSL_get0_peer_certificates(pair.client));
  trusted();
  cr_assert_eq(SSL_get_verify_result(pair.server), X509_V_OK);
  X509 *leaf = SSL_get_peer_certificate(pair.server),
       *same = SSL_get1_peer_certificate(pair.server);
  cr_assert_eq(leaf, same);
  cr_assert_eq(leaf, SSL_get0_peer_certificate(pair.server));
  cr_assert_eq(X509_cmp(leaf, SSL_CTX_get0_certificate(client)), 0);
  /* With the leaf on a client, without it on a server. */
  cr_assert_eq(sk_X509_num(SSL_get_peer_cert_chain(pair.client)), 2);
  cr_assert_eq(sk_X509_num(SSL_get_peer_full_cert_chain(pair.client)), 2);
  cr_assert_eq(sk_X509_num(SSL_get_peer_cert_chain(pair.server)), 1);
  cr_assert_eq(sk_X509_num(SSL_get_peer_full_cert_chain(pair.server)), 2);
  cr_assert_neq(X509_cmp(sk_X509_value(SSL_get_peer_cert_chain(pair.server), 0), leaf), 0);
  cr_assert_eq(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(pair.server)), 2);
  end();
  cr_assert_eq(X509_cmp(leaf, SSL_CTX_get0_certificate(client)), 0); /* it is ours still */
  X509_free(leaf);
  X509_free(same);
}

Test(ssl_config_verify, a_server_asks_and_does_not_insist) {
  demand_client_certificate();
  SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
  start();
  trusted();
  cr_assert_eq(SSL_get_verify_result(pair.server), X509_V_OK);
  cr_assert_null(SSL_get0_peer_certificate(pair.server));
  end();
}

Test(ssl_config_verify, a_client_of_another_root) {
  demand_client_certificate();
  give_client("client-other-root.pem", "client-other-root.key");
  start();
  (void)SSL_connect(pair.client);
  (void)SSL_accept(pair.server);
  (void)SSL_connect(pair.client);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  cr_assert_neq(SSL_get_verify_result(pair.server), X509_V_OK);
  end();
}

Test(ssl_config_verify, authorities_reach_the_client) {
  demand_client_certificate();
  give_client("client-ecdsa-p256.pem", "client-ecdsa-p256.key");
  SSL_CTX_set_client_CA_list(server, SSL_load_client_CA_file(cert_path("root.pem")));
  BIO *bio = BIO_new_file(cert_path("intermediate.pem"), "rb");
  X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  cr_assert_eq(SSL_CTX_add_client_CA(server, x509), 1);
  start();
  cr_assert_null(SSL_get_client_CA_list(pair.client));
  cr_assert_eq(sk_X509_NAME_num(SSL_get_client_CA_list(pair.server)), 2);
  trusted();
  STACK_OF(X509_NAME) *got = SSL_get_client_CA_list(pair.client);
  cr_assert_eq(sk_X509_NAME_num(got), 2);
  cr_assert_eq(X509_NAME_cmp(sk_X509_NAME_value(got, 1), X509_get_subject_name(x509)), 0);
  end();
  X509_free(x509);
}

Test(ssl_config_verify, authority_lists) {
  STACK_OF(X509_NAME) *list = SSL_load_client_CA_file(cert_path("ecdsa-p256.pem"));
  cr_assert_eq(sk_X509_NAME_num(list), 2);
  cr_assert_eq(SSL_add_file_cert_subjects_to_stack(list, cert_path("intermediate.pem")), 1);
  cr_assert_eq(sk_X509_NAME_num(list), 2); /* it was there */
  cr_assert_eq(SSL_add_file_cert_subjects_to_stack(list, cert_path("root.pem")), 1);
  cr_assert_eq(sk_X509_NAME_num(list), 3);
  STACK_OF(X509_NAME) *copy = SSL_dup_CA_list(list);
  cr_assert_eq(sk_X509_NAME_num(copy), 3);
  cr_assert_neq(sk_X509_NAME_value(copy, 0), sk_X509_NAME_value(list, 0));
  start();
  SSL_set_client_CA_list(pair.server, list);
  cr_assert_eq(SSL_get_client_CA_list(pair.server), list);
  cr_assert_null(SSL_CTX_get_client_CA_list(server));
  SSL_CTX_set_client_CA_list(server, copy);
  cr_assert_eq(SSL_CTX_get_client_CA_list(server), copy);
  cr_assert_eq(ERR_peek_error(), 0);
  cr_assert_null(SSL_load_client_CA_file("/nowhere/at/all"));
  cr_assert_null(SSL_load_client_CA_file(cert_path("README.md")));
  cr_assert_eq(SSL_add_client_CA(pair.server, NULL), 0);
  end();
}

/* More names than a CertificateRequest takes here: the first of them, and no failure. */
Test(ssl_config_verify, a_long_list_of_authorities_is_cut) {
  STACK_OF(X509_NAME) *list = sk_X509_NAME_new_null();
  char text[40];
  for (int i = 0; i < 2000; i++) {
    X509_NAME *name = X509_NAME_new();
    int len = snprintf(text, sizeof text, "certificate authority %d", 10000 + i);
    cr_assert_eq(
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)text, len, -1, 0), 1);
    cr_assert_neq(sk_X509_NAME_push(list, name), 0);
  }
  demand_client_certificate();
  give_client("client-ecdsa-p256.pem", "client-ecdsa-p256.key");
  SSL_CTX_set_client_CA_list(server, list);
  start();
  trusted();
  /* Each is a SEQUENCE of a SET of a SEQUENCE: 2 + 2 + 2 bytes, 5 of OID, 2 + 27 of text. */
  STACK_OF(X509_NAME) *got = SSL_get_client_CA_list(pair.client);
  cr_assert_eq(sk_X509_NAME_num(got), 32 * 1024 / (2 + 40));
  cr_assert_eq(X509_NAME_cmp(sk_X509_NAME_value(got, 0), sk_X509_NAME_value(list, 0)), 0);
  cr_assert_eq(sk_X509_NAME_num(SSL_get_client_CA_list(pair.server)), 2000);
  end();
}

Test(ssl_config_verify, a_name_may_end_in_a_dot) {
  start();
  cr_assert_eq(SSL_set1_host(pair.client, "localhost."), 1);
  trusted();
  end();
  start();
  cr_assert_eq(SSL_set1_host(pair.client, "other.example."), 1);
  refused(X509_V_ERR_HOSTNAME_MISMATCH, SSL_AD_BAD_CERTIFICATE);
  end();
  start();
  cr_assert_eq(SSL_set1_host(pair.client, "."), 0); /* as an empty one */
  (void)SSL_connect(pair.client);
  (void)SSL_accept(pair.server);
  cr_assert_eq(SSL_connect(pair.client), -1);
  end();
}
