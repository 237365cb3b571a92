/* test_ssl_pause.c: callbacks that are not ready: each is answered late, twice over, never, or
 * refused, and SSL_get_error tells them apart. Openssl is the peer of the last tests. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "credential.h"
#include "ssl_pair.h"
#include "sslwire.h"

static SSL_CTX *client_ctx, *server_ctx;
static struct ssl_pair pair;
static char data[100];

/* What the callback under test is to say: wait so many times, then this. */
static struct plan {
  int waits;
  bool refuses;
  int asked, begun;
  uint8_t alert; /* of verification; 0: it does not say */
} plan;

/* What was given to sign. */
static struct buf input;
static uint16_t sigalg;
static const char *key_name;

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
  cr_assert_eq(SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL), 1);
  plan = (struct plan){.waits = 0};
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  buf_free(&input);
}

TestSuite(ssl_pause, .init = set_up, .fini = tear_down, .timeout = 60);

/* say: 1 yes, 0 no, -1 not yet. */
static int say(void) {
  plan.asked++;
  if (plan.waits-- > 0) return -1;
  return !plan.refuses;
}

/* ---- The callbacks ---- */

static int on_cert(SSL *ssl, void *arg) {
  (void)ssl, (void)arg;
  return say();
}

static enum ssl_select_cert_result_t on_select(const SSL_CLIENT_HELLO *hello) {
  cr_assert_eq(hello->ssl, pair.server);
  static const enum ssl_select_cert_result_t kResults[] = {
      ssl_select_cert_retry, ssl_select_cert_error, ssl_select_cert_success};
  return kResults[say() + 1];
}

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *out_alert) {
  static const enum ssl_verify_result_t kResults[] = {ssl_verify_retry, ssl_verify_invalid,
                                                      ssl_verify_ok};
  static const STACK_OF(CRYPTO_BUFFER) * lent;
  const STACK_OF(CRYPTO_BUFFER) *chain = SSL_get0_peer_certificates(ssl);
  cr_assert_eq(sk_CRYPTO_BUFFER_num(chain), 2);
  if (plan.asked > 0) cr_assert_eq(chain, lent, "the chain stays where it is");
  lent = chain;
  cr_assert_eq(*out_alert, SSL_AD_CERTIFICATE_UNKNOWN);
  if (plan.alert != 0) *out_alert = plan.alert;
  return kResults[say() + 1];
}

static enum ssl_private_key_result_t finish_key(uint8_t *out, size_t *out_len, size_t max_out) {
  static const enum ssl_private_key_result_t kResults[] = {
      ssl_private_key_retry, ssl_private_key_failure, ssl_private_key_success};
  int said = say();
  if (said == 1) {
    struct buf signature = {0};
    EVP_PKEY *key = credential_key(key_name);
    cr_assert(credential_sign(&signature, key, sigalg, (hf_bytes){input.data, input.len}));
    cr_assert_leq(signature.len, max_out);
    memcpy(out, signature.data, signature.len);
    *out_len = signature.len;
    EVP_PKEY_free(key);
    buf_free(&signature);
  }
  return kResults[said + 1];
}

static enum ssl_private_key_result_t on_sign(SSL *ssl, uint8_t *out, size_t *out_len,
                                             size_t max_out, uint16_t algorithm, const uint8_t *in,
                                             size_t in_len) {
  (void)ssl;
  plan.begun++;
  sigalg = algorithm;
  input.len = 0;
  buf_add(&input, in, in_len);
  return finish_key(out, out_len, max_out);
}

static enum ssl_private_key_result_t on_complete(SSL *ssl, uint8_t *out, size_t *out_len,
                                                 size_t max_out) {
  (void)ssl;
  return finish_key(out, out_len, max_out);
}

static const SSL_PRIVATE_KEY_METHOD key_method = {on_sign, NULL, on_complete};

/* ---- Where there can be a pause ---- */

static void use_client_cert(void) {
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(client_ctx, cert_path("client-rsa-2048.pem")), 1);
  cr_assert_eq(
      SSL_CTX_use_PrivateKey_file(client_ctx, cert_path("client-rsa-2048.key"), SSL_FILETYPE_PEM),
      1);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void pause_select(void) { SSL_CTX_set_select_certificate_cb(server_ctx, on_select); }
static void pause_server_cert(void) { SSL_CTX_set_cert_cb(server_ctx, on_cert, NULL); }
static void pause_client_cert(void) {
  use_client_cert();
  SSL_CTX_set_cert_cb(client_ctx, on_cert, NULL);
}
static void pause_server_sign(void) {
  SSL_CTX_set_private_key_method(server_ctx, &key_method);
  key_name = "ecdsa-p256";
}
static void pause_client_sign(void) {
  use_client_cert();
  SSL_CTX_set_private_key_method(client_ctx, &key_method);
  key_name = "client-rsa-2048";
}
static void pause_client_verify(void) {
  SSL_CTX_set_custom_verify(client_ctx, SSL_VERIFY_PEER, on_verify);
}
static void pause_server_verify(void) {
  use_client_cert();
  SSL_CTX_set_custom_verify(server_ctx, SSL_VERIFY_PEER, on_verify);
}

static const struct point {
  const char *name;
  void (*set)(void);
  bool server;
  int error, reason, alert;
} points[] = {
    {"select", pause_select, true, SSL_ERROR_PENDING_CERTIFICATE, SSL_R_CONNECTION_REJECTED,
     SSL_AD_HANDSHAKE_FAILURE},
    {"server cert", pause_server_cert, true, SSL_ERROR_WANT_X509_LOOKUP, SSL_R_CERT_CB_ERROR,
     SSL_AD_INTERNAL_ERROR},
    {"client cert", pause_client_cert, false, SSL_ERROR_WANT_X509_LOOKUP, SSL_R_CERT_CB_ERROR,
     SSL_AD_INTERNAL_ERROR},
    {"server sign", pause_server_sign, true, SSL_ERROR_WANT_PRIVATE_KEY_OPERATION,
     SSL_R_PRIVATE_KEY_OPERATION_FAILED, SSL_AD_INTERNAL_ERROR},
    {"client sign", pause_client_sign, false, SSL_ERROR_WANT_PRIVATE_KEY_OPERATION,
     SSL_R_PRIVATE_KEY_OPERATION_FAILED, SSL_AD_INTERNAL_ERROR},
    {"client verify", pause_client_verify, false, SSL_ERROR_WANT_CERTIFICATE_VERIFY,
     SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_AD_CERTIFICATE_UNKNOWN},
    {"server verify", pause_server_verify, true, SSL_ERROR_WANT_CERTIFICATE_VERIFY,
     SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_AD_CERTIFICATE_UNKNOWN},
};
enum { NUM_POINTS = sizeof(points) / sizeof(points[0]) };

static const struct point *begin(size_t i, struct plan what) {
  const struct point *p = &points[i];
  tear_down();
  set_up();
  p->set();
  plan = what;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0), "%s", p->name);
  return p;
}

/* run goes on with both sides until the one of |p| pauses, or both are done, or one has failed.
 * It returns what SSL_get_error said last of the side of |p|. */
static int run(const struct point *p) {
  SSL *us = p->server ? pair.server : pair.client, *them = p->server ? pair.client : pair.server;
  for (int turns = 0; turns < 20; turns++) {
    int ret = SSL_do_handshake(them);
    if (ret != 1) cr_assert_eq(SSL_get_error(them, ret), SSL_ERROR_WANT_READ, "%s", p->name);
    int our_ret = SSL_do_handshake(us), error = SSL_get_error(us, our_ret);
    if (ret == 1 && our_ret == 1) return SSL_ERROR_NONE;
    if (our_ret != 1 && error != SSL_ERROR_WANT_READ) return error;
  }
  return SSL_ERROR_SYSCALL;
}

static void talk(void) {
  cr_assert_eq(SSL_write(pair.client, "to", 2), 2);
  cr_assert_eq(SSL_read(pair.server, data, sizeof data), 2);
  cr_assert_eq(SSL_write(pair.server, "fro", 3), 3);
  cr_assert_eq(SSL_read(pair.client, data, sizeof data), 3);
}

Test(ssl_pause, at_once) {
  for (size_t i = 0; i < NUM_POINTS; i++) {
    const struct point *p = begin(i, (struct plan){.waits = 0});
    cr_assert_eq(run(p), SSL_ERROR_NONE, "%s", p->name);
    cr_assert_eq(plan.asked, 1, "%s: asked %d times", p->name, plan.asked);
    talk();
  }
}

/* Every call that would go on with the handshake says the same; then it goes on. */
Test(ssl_pause, late) {
  for (size_t i = 0; i < NUM_POINTS; i++) {
    const struct point *p = begin(i, (struct plan){.waits = 4});
    SSL *us = p->server ? pair.server : pair.client;
    cr_assert_eq(run(p), p->error, "%s", p->name);
    for (int calls = 0; calls < 3; calls++) {
      int ret = calls == 0   ? SSL_do_handshake(us)
                : calls == 1 ? SSL_read(us, data, 1)
                             : SSL_write(us, "x", 1);
      cr_assert_eq(ret, -1, "%s: %d", p->name, ret);
      cr_assert_eq(SSL_get_error(us, ret), p->error, "%s", p->name);
      cr_assert_eq(SSL_want(us), p->error);
      cr_assert_eq(SSL_in_init(us), 1);
      cr_assert_eq(ERR_peek_error(), 0);
    }
    cr_assert_eq(run(p), SSL_ERROR_NONE, "%s", p->name);
    cr_assert_eq(plan.asked, 5, "%s: asked %d times", p->name, plan.asked);
    if (p->error == SSL_ERROR_WANT_PRIVATE_KEY_OPERATION) cr_assert_eq(plan.begun, 1);
    cr_assert_eq(SSL_want(us), SSL_NOTHING);
    talk();
  }
}

static void refuse(size_t i, int waits) {
  const struct point *p = begin(i, (struct plan){.waits = waits, .refuses = true});
  SSL *us = p->server ? pair.server : pair.client, *them = p->server ? pair.client : pair.server;
  for (int n = 0; n < waits; n++) cr_assert_eq(run(p), p->error, "%s", p->name);
  for (int again = 0; again < 2; again++) {
    int ret = again ? SSL_do_handshake(us) : run(p);
    cr_assert_eq(ret, again ? -1 : SSL_ERROR_SSL, "%s", p->name);
    cr_assert_eq(first_reason(), p->reason, "%s: %d", p->name, first_reason());
  }
  cr_assert_eq(plan.asked, waits + 1, "%s: asked %d times", p->name, plan.asked);
  /* A client may be done before its certificate is looked at. */
  int ret = SSL_do_handshake(them);
  if (ret == 1) ret = SSL_read(them, data, 1);
  cr_assert_eq(ret, -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + p->alert, "%s: %d", p->name, first_reason());
  ERR_clear_error();
}

Test(ssl_pause, refused) {
  for (size_t i = 0; i < NUM_POINTS; i++) refuse(i, 0);
}

Test(ssl_pause, refused_late) {
  for (size_t i = 0; i < NUM_POINTS; i++) refuse(i, 2);
}

/* Never answered: the connection is freed, or cleared and used anew, while it waits. */
Test(ssl_pause, never) {
  for (size_t i = 0; i < NUM_POINTS; i++) {
    const struct point *p = begin(i, (struct plan){.waits = 2});
    cr_assert_eq(run(p), p->error, "%s", p->name);
    SSL_free(p->server ? pair.server : pair.client);
    *(p->server ? &pair.server : &pair.client) = NULL;
  }
}

Test(ssl_pause, cleared) {
  for (size_t i = 0; i < NUM_POINTS; i++) {
    const struct point *p = begin(i, (struct plan){.waits = 1});
    BIO *left, *right;
    cr_assert_eq(run(p), p->error, "%s", p->name);
    cr_assert(SSL_clear(pair.client) && SSL_clear(pair.server));
    cr_assert(BIO_new_bio_pair(&left, 0, &right, 0));
    SSL_set_bio(pair.client, left, left);
    SSL_set_bio(pair.server, right, right);
    plan = (struct plan){.waits = 1};
    cr_assert_eq(run(p), p->error, "%s", p->name);
    cr_assert_eq(run(p), SSL_ERROR_NONE, "%s", p->name);
    if (p->error == SSL_ERROR_WANT_PRIVATE_KEY_OPERATION) cr_assert_eq(plan.begun, 1);
    talk();
  }
}

/* ---- Private keys ---- */

Test(ssl_pause, method_takes_keys_out_and_keys_go_before_it) {
  SSL_CTX_set_private_key_method(server_ctx, &key_method);
  cr_assert_null(SSL_CTX_get0_privatekey(server_ctx));
  SSL *ssl = SSL_new(server_ctx);
  SSL_CTX_set_private_key_method(server_ctx, NULL);
  cr_assert_eq(SSL_use_PrivateKey_file(ssl, cert_path("ecdsa-p256.key"), SSL_FILETYPE_PEM), 1);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  BIO *bio = SSL_get_rbio(pair.server);
  BIO_up_ref(bio);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  SSL_free(pair.server);
  pair.server = ssl;
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(plan.asked, 0);
  /* With no method and no key there is no certificate to show. */
  ssl_pair_free(&pair);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  ERR_clear_error();
}

static size_t wrong_len;
static enum ssl_private_key_result_t sign_wrong(SSL *ssl, uint8_t *out, size_t *out_len,
                                                size_t max_out, uint16_t algorithm,
                                                const uint8_t *in, size_t in_len) {
  (void)ssl, (void)out, (void)algorithm, (void)in, (void)in_len;
  *out_len = wrong_len == SIZE_MAX ? max_out + 1 : wrong_len;
  return ssl_private_key_success;
}

static enum ssl_private_key_result_t sign_later(SSL *ssl, uint8_t *out, size_t *out_len,
                                                size_t max_out, uint16_t algorithm,
                                                const uint8_t *in, size_t in_len) {
  (void)ssl, (void)out, (void)out_len, (void)max_out, (void)algorithm, (void)in, (void)in_len;
  return ssl_private_key_retry;
}

static void fails_with(const SSL_PRIVATE_KEY_METHOD *method) {
  SSL_CTX_set_private_key_method(server_ctx, method);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  (void)SSL_do_handshake(pair.client);
  int ret = SSL_do_handshake(pair.server);
  if (SSL_get_error(pair.server, ret) == SSL_ERROR_WANT_PRIVATE_KEY_OPERATION)
    ret = SSL_do_handshake(pair.server);
  cr_assert_eq(ret, -1);
  cr_assert_eq(first_reason(), SSL_R_PRIVATE_KEY_OPERATION_FAILED);
  ERR_clear_error();
  ssl_pair_free(&pair);
}

Test(ssl_pause, methods_that_cannot) {
  static const SSL_PRIVATE_KEY_METHOD nothing = {NULL, NULL, NULL},
                                      wrong = {sign_wrong, NULL, NULL},
                                      endless = {sign_later, NULL, NULL};
  fails_with(&nothing);
  fails_with(&endless);
  wrong_len = 0;
  fails_with(&wrong);
  wrong_len = SIZE_MAX;
  fails_with(&wrong);
}

Test(ssl_pause, method_signs_with_every_kind_of_key) {
  static const struct {
    const char *name;
    uint16_t sigalg;
  } kinds[] = {{"ecdsa-p256", SSL_SIGN_ECDSA_SECP256R1_SHA256},
               {"ecdsa-p384", SSL_SIGN_ECDSA_SECP384R1_SHA384},
               {"rsa-2048", SSL_SIGN_RSA_PSS_RSAE_SHA384},
               {"ed25519", SSL_SIGN_ED25519}};
  for (size_t i = 0; i < 4; i++) {
    SSL_CTX_free(server_ctx);
    server_ctx = ssl_server_ctx(kinds[i].name);
    key_name = kinds[i].name;
    SSL_CTX_set_private_key_method(server_ctx, &key_method);
    cr_assert_eq(SSL_CTX_set_signing_algorithm_prefs(server_ctx, &kinds[i].sigalg, 1), 1);
    plan = (struct plan){.waits = 0};
    cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
    cr_assert(ssl_pair_handshake(&pair), "%s", key_name);
    cr_assert_eq(SSL_get_peer_signature_algorithm(pair.client), kinds[i].sigalg);
    cr_assert_eq(plan.begun, 1);
    ssl_pair_free(&pair);
  }
}

Test(ssl_pause, what_signature_algorithms_mean) {
  static const struct {
    uint16_t code;
    int key_type, digest; /* NID_undef: none */
    bool pss;
  } rows[] = {
      {0x0401, EVP_PKEY_RSA, NID_sha256, false},    {0x0203, EVP_PKEY_EC, NID_sha1, false},
      {0x0503, EVP_PKEY_EC, NID_sha384, false},     {0x0603, EVP_PKEY_EC, NID_sha512, false},
      {0x0804, EVP_PKEY_RSA, NID_sha256, true},     {0x0805, EVP_PKEY_RSA, NID_sha384, true},
      {0x0806, EVP_PKEY_RSA, NID_sha512, true},     {0xff01, EVP_PKEY_RSA, NID_md5_sha1, false},
      {0x0807, EVP_PKEY_ED25519, NID_undef, false}, {0x1234, EVP_PKEY_NONE, NID_undef, false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const EVP_MD *md = SSL_get_signature_algorithm_digest(rows[i].code);
    cr_assert_eq(SSL_get_signature_algorithm_key_type(rows[i].code), rows[i].key_type);
    cr_assert_eq(md == NULL ? NID_undef : EVP_MD_type(md), rows[i].digest, "%x", rows[i].code);
    cr_assert_eq(SSL_is_signature_algorithm_rsa_pss(rows[i].code), rows[i].pss);
  }
}

/* ---- Verification ---- */

Test(ssl_pause, custom_verify_says_which_alert) {
  begin(5, (struct plan){.refuses = true, .alert = SSL_AD_CERTIFICATE_REVOKED});
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_ERR_APPLICATION_VERIFICATION);
  cr_assert_eq(SSL_do_handshake(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REVOKED);
  ERR_clear_error();
}

Test(ssl_pause, custom_verify_with_verify_none_goes_on_and_tells) {
  SSL_CTX_set_custom_verify(client_ctx, SSL_VERIFY_NONE, on_verify);
  plan = (struct plan){.waits = 1, .refuses = true};
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert(pair.client_saw & 1u << SSL_ERROR_WANT_CERTIFICATE_VERIFY);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_ERR_APPLICATION_VERIFICATION);
}

Test(ssl_pause, custom_verify_of_one_ssl_replaces_libcrypto) {
  SSL_CTX_free(client_ctx);
  client_ctx = SSL_CTX_new(TLS_method()); /* trusts nobody */
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  SSL_set_custom_verify(pair.client, SSL_VERIFY_PEER, on_verify);
  cr_assert_eq(SSL_get_verify_mode(pair.client), SSL_VERIFY_PEER);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  cr_assert_eq(plan.asked, 1);
  ssl_pair_free(&pair);
  /* And libcrypto again. */
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  SSL_set_custom_verify(pair.client, SSL_VERIFY_PEER, NULL);
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  cr_assert_eq(plan.asked, 1);
  ERR_clear_error();
}

/* ---- The ClientHello ---- */

static SSL_CTX *other_ctx;
static uint8_t random_seen[SSL3_RANDOM_SIZE];

static enum ssl_select_cert_result_t look(const SSL_CLIENT_HELLO *hello) {
  const uint8_t *body = NULL;
  size_t len = 0;
  plan.asked++;
  cr_assert_eq(hello->version, TLS1_2_VERSION);
  cr_assert_eq(hello->random_len, sizeof random_seen);
  memcpy(random_seen, hello->random, sizeof random_seen);
  cr_assert_eq(hello->random, hello->client_hello + 2);
  cr_assert_eq(hello->session_id_len, 32);
  cr_assert_eq(hello->dtls_cookie_len, 0);
  cr_assert_eq(hello->cipher_suites_len, 2 * (3 + 6));
  cr_assert_eq(hello->compression_methods_len, 1);
  cr_assert_eq(hello->extensions + hello->extensions_len,
               hello->client_hello + hello->client_hello_len);
  cr_assert_eq(SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_server_name, &body, &len),
               1);
  cr_assert_eq(len, 5 + strlen("server.example"));
  cr_assert(memcmp(body + 5, "server.example", len - 5) == 0);
  cr_assert_eq(SSL_early_callback_ctx_extension_get(hello, 0xfafa, &body, &len), 0);
  cr_assert_str_eq(SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name), "server.example");
  if (other_ctx != NULL) cr_assert_eq(SSL_set_SSL_CTX(hello->ssl, other_ctx), other_ctx);
  return ssl_select_cert_success;
}

/* Once for each connection, also if there is a HelloRetryRequest. */
Test(ssl_pause, select_sees_the_hello_and_changes_the_context) {
  uint8_t random[SSL3_RANDOM_SIZE];
  other_ctx = ssl_server_ctx("ed25519");
  cr_assert_eq(SSL_CTX_set1_groups_list(server_ctx, "P-256"), 1);
  SSL_CTX_set_select_certificate_cb(server_ctx, look);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "server.example"), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_used_hello_retry_request(pair.client), 1);
  cr_assert_eq(plan.asked, 1);
  cr_assert_eq(SSL_get_client_random(pair.client, random, sizeof random), sizeof random);
  cr_assert_eq(memcmp(random, random_seen, sizeof random), 0);
  cr_assert_eq(SSL_get_peer_signature_algorithm(pair.client), SSL_SIGN_ED25519);
  SSL_CTX_free(other_ctx);
}

static int on_dos(const SSL_CLIENT_HELLO *hello) {
  cr_assert_eq(hello->ssl, pair.server);
  return say();
}

Test(ssl_pause, dos_protection) {
  SSL_CTX_set_dos_protection_cb(server_ctx, on_dos);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
  cr_assert_eq(plan.asked, 1);
  ssl_pair_free(&pair);
  plan.refuses = true;
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  (void)SSL_do_handshake(pair.client);
  cr_assert_eq(SSL_do_handshake(pair.server), -1);
  cr_assert_eq(first_reason(), SSL_R_CONNECTION_REJECTED);
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR);
  ERR_clear_error();
}

/* ---- Peers ---- */

static void wire_handshakes(struct sslwire *wire, unsigned *saw) {
  int error, ret;
  *saw = 0;
  do {
    ret = sslwire_handshake(wire, &error);
    *saw |= 1u << error;
    if (ret != 1) plan.waits = 0;
  } while (ret != 1 && error != SSL_ERROR_SSL && error != SSL_ERROR_SYSCALL);
  cr_assert_eq(ret, 1, "%s%s", ERR_reason_error_string(ERR_peek_error()), peer_tail(wire->peer));
}

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

enum {
  SAW_ALL = 1 << SSL_ERROR_WANT_X509_LOOKUP | 1 << SSL_ERROR_WANT_PRIVATE_KEY_OPERATION |
            1 << SSL_ERROR_WANT_CERTIFICATE_VERIFY
};

/* Every callback waits once. */
static int cert_once(SSL *ssl, void *arg) {
  (void)ssl;
  int *asked = arg;
  return (*asked)++ == 0 ? -1 : 1;
}

static int verified;
static enum ssl_verify_result_t verify_once(SSL *ssl, uint8_t *out_alert) {
  (void)out_alert;
  cr_assert_gt(sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(ssl)), 0);
  return verified++ == 0 ? ssl_verify_retry : ssl_verify_ok;
}

static enum ssl_private_key_result_t sign_once(SSL *ssl, uint8_t *out, size_t *out_len,
                                               size_t max_out, uint16_t algorithm,
                                               const uint8_t *in, size_t in_len) {
  plan.waits = 1;
  return on_sign(ssl, out, out_len, max_out, algorithm, in, in_len);
}
static const SSL_PRIVATE_KEY_METHOD once_method = {sign_once, NULL, on_complete};

Test(ssl_pause, client_of_openssl_waits_for_everything) {
  struct peer peer;
  struct sslwire wire;
  char command[1024];
  unsigned saw;
  int asked = 0;
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -cert %s/tests/certs/ed25519.pem "
           "-key %s/tests/certs/ed25519.key -Verify 3 -verify_return_error -CAfile "
           "%s/tests/certs/root.pem",
           port, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR);
  start(&peer, command);
  use_client_cert();
  key_name = "client-rsa-2048";
  SSL_CTX_set_private_key_method(client_ctx, &once_method);
  SSL_CTX_set_custom_verify(client_ctx, SSL_VERIFY_PEER, verify_once);
  SSL_CTX_set_cert_cb(client_ctx, cert_once, &asked);
  cr_assert(sslwire_open(&wire, client_ctx, &peer, peer_connect(port), "localhost"));
  wire_handshakes(&wire, &saw);
  cr_assert_eq(saw & SAW_ALL, SAW_ALL, "%x", saw);
  cr_assert(sslwire_send(&wire, "paused and gone on\n", 19));
  cr_assert(peer_printed(&peer, "paused and gone on"), "%s", peer_tail(&peer));
  sslwire_close(&wire);
  peer_stop(&peer);
}

Test(ssl_pause, server_of_openssl_waits_for_everything) {
  struct peer peer;
  struct sslwire wire;
  char command[1024];
  unsigned saw;
  int asked = 0;
  uint16_t port = 0;
  int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -quiet -tls1_3 -verify_return_error -CAfile "
           "%s/tests/certs/root.pem -cert %s/tests/certs/client-ed25519.pem -key "
           "%s/tests/certs/client-ed25519.key",
           port, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR);
  start(&peer, command);
  key_name = "ecdsa-p256";
  SSL_CTX_set_private_key_method(server_ctx, &once_method);
  SSL_CTX_set_custom_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                            verify_once);
  SSL_CTX_set_cert_cb(server_ctx, cert_once, &asked);
  cr_assert(sslwire_open(&wire, server_ctx, &peer, peer_accept(listener), NULL));
  wire_handshakes(&wire, &saw);
  cr_assert_eq(saw & SAW_ALL, SAW_ALL, "%x", saw);
  cr_assert(sslwire_send(&wire, "paused and gone on\n", 19));
  cr_assert(peer_printed(&peer, "paused and gone on"), "%s", peer_tail(&peer));
  cr_assert_eq(SSL_get_verify_result(wire.ssl), X509_V_OK);
  sslwire_close(&wire);
  peer_stop(&peer);
  close(listener);
}
