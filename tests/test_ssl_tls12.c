/* test_ssl_tls12.c: TLS 1.2 through <openssl/ssl.h>, between two SSLs: versions and suites,
 * sessions by ticket and by id, False Start, and what can be asked of such a connection. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <string.h>

#include "ssl_early.h"
#include "ssl_kept.h"

static struct ssl_pair pair;
static void set_up(void) {
  kept_set_up();
  cr_assert_eq(SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION), 1);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  kept_tear_down();
}

TestSuite(ssl_tls12, .init = set_up, .fini = tear_down, .timeout = 60);

static void open_pair(SSL_SESSION *session) {
  ssl_pair_free(&pair);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(pair.client, session), 1);
}

static void talk(void) {
  char got[8];
  cr_assert_eq(SSL_write(pair.client, "ping", 4), 4);
  cr_assert_eq(SSL_read(pair.server, got, sizeof got), 4);
  cr_assert_eq(SSL_write(pair.server, "answer", 6), 6);
  cr_assert_eq(SSL_read(pair.client, got, sizeof got), 6);
  cr_assert_eq(memcmp(got, "answer", 6), 0);
}

static void ready(void) {
  cr_assert(ssl_pair_handshake(&pair), "%s", ERR_reason_error_string(ERR_peek_error()));
  talk();
}

/* meet connects with |session| and says whether it was resumed, which both sides agree on. */
static bool meet(SSL_SESSION *session) {
  open_pair(session);
  ready();
  cr_assert_eq(SSL_session_reused(pair.client), SSL_session_reused(pair.server));
  cr_assert_eq(SSL_get_verify_result(pair.client), X509_V_OK);
  cr_assert_not_null(SSL_get0_peer_certificate(pair.client));
  return SSL_session_reused(pair.client);
}

/* fails has the handshake fail on |ssl| for |reason|, and the other side hear |alert|. */
static void fails(bool client, int reason, int alert) {
  cr_assert_not(ssl_pair_handshake(&pair));
  SSL *mine = client ? pair.client : pair.server, *other = client ? pair.server : pair.client;
  cr_assert_eq(SSL_do_handshake(mine), -1);
  cr_assert_eq(first_reason(), reason, "%s", ERR_reason_error_string(ERR_peek_error()));
  cr_assert_eq(SSL_do_handshake(other), -1);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + alert, "%s",
               ERR_reason_error_string(ERR_peek_error()));
}

/* ---- Versions and suites ---- */

/* The highest that both have, whoever of them is bound. */
Test(ssl_tls12, versions) {
  static const struct {
    uint16_t client_min, client_max, server_min, server_max, version;
  } rows[] = {{0, 0, 0, 0, TLS1_3_VERSION},
              {0, TLS1_2_VERSION, 0, 0, TLS1_2_VERSION},
              {0, 0, 0, TLS1_2_VERSION, TLS1_2_VERSION},
              {TLS1_3_VERSION, 0, 0, 0, TLS1_3_VERSION},
              {0, 0, TLS1_3_VERSION, 0, TLS1_3_VERSION},
              {TLS1_VERSION, TLS1_2_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_2_VERSION}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cr_assert(SSL_CTX_set_min_proto_version(client_ctx, rows[i].client_min) == 1 &&
              SSL_CTX_set_max_proto_version(client_ctx, rows[i].client_max) == 1 &&
              SSL_CTX_set_min_proto_version(server_ctx, rows[i].server_min) == 1 &&
              SSL_CTX_set_max_proto_version(server_ctx, rows[i].server_max) == 1);
    cr_assert_not(meet(NULL));
    cr_assert_eq(SSL_version(pair.client), rows[i].version, "row %zu", i);
    cr_assert_eq(SSL_version(pair.server), rows[i].version, "row %zu", i);
  }
  cr_assert_str_eq(SSL_get_version(pair.client), "TLSv1.2");
  SSL_CTX_set_max_proto_version(server_ctx, 0);
  SSL_CTX_set_max_proto_version(client_ctx, 0);
  SSL_CTX_set_options(server_ctx, SSL_OP_NO_TLSv1_3);
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_version(pair.client), TLS1_2_VERSION);
  SSL_CTX_set_options(client_ctx, SSL_OP_NO_TLSv1_2);
  open_pair(NULL);
  fails(false, SSL_R_UNSUPPORTED_PROTOCOL, SSL_AD_PROTOCOL_VERSION);
}

Test(ssl_tls12, the_method_of_one_version) {
  SSL_CTX *old = SSL_CTX_new(TLSv1_2_client_method());
  cr_assert_not_null(old);
  cr_assert_eq(SSL_CTX_set_max_proto_version(server_ctx, 0), 1);
  cr_assert(ssl_pair_new(&pair, old, server_ctx, 0));
  ready();
  cr_assert_eq(SSL_version(pair.server), TLS1_2_VERSION);
  SSL_CTX_free(old);
}

static uint16_t suite_of(const SSL *ssl) {
  return SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl));
}

/* The client's order counts, unless the server insists on his. */
Test(ssl_tls12, cipher_lists) {
  cr_assert_eq(SSL_CTX_set_cipher_list(client_ctx, "CHACHA20:AES256:AES128"), 1);
  cr_assert_eq(SSL_CTX_set_cipher_list(server_ctx, "AES128:AES256:CHACHA20"), 1);
  (void)meet(NULL);
  cr_assert_eq(suite_of(pair.client), 0xcca9);
  cr_assert_str_eq(SSL_get_cipher(pair.server), "ECDHE-ECDSA-CHACHA20-POLY1305");
  SSL_CTX_set_options(server_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  (void)meet(NULL);
  cr_assert_eq(suite_of(pair.client), 0xc02b);
  cr_assert_eq(SSL_CTX_set_cipher_list(server_ctx, "AES256"), 1);
  (void)meet(NULL);
  cr_assert_eq(suite_of(pair.server), 0xc02c);
  cr_assert_eq(SSL_CTX_set_cipher_list(client_ctx, "AES128"), 1);
  open_pair(NULL);
  fails(false, SSL_R_NO_SHARED_CIPHER, SSL_AD_HANDSHAKE_FAILURE);
  /* And those of TLS 1.3 stay as they are. */
  cr_assert_eq(SSL_CTX_set_max_proto_version(server_ctx, 0), 1);
  (void)meet(NULL);
  cr_assert_eq(SSL_version(pair.client), TLS1_3_VERSION);
}

/* A server with two certificates shows the one that the suites, the algorithms and the curves
 * (RFC 8422 5.1) that were offered are for. */
Test(ssl_tls12, which_certificate) {
  SSL_CTX_free(server_ctx);
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert_eq(
      SSL_CTX_use_certificate_file(server_ctx, cert_path("rsa-2048.pem"), SSL_FILETYPE_PEM), 1);
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(server_ctx, cert_path("rsa-2048.key"), SSL_FILETYPE_PEM),
               1);
  SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
  SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
  static const struct {
    const char *client, *server, *groups;
    int key;
  } rows[] = {{"aRSA", "ALL", "X25519:P-256", EVP_PKEY_RSA},
              {"aECDSA", "ALL", "X25519:P-256", EVP_PKEY_EC},
              {"ALL", "aECDSA", "X25519:P-256", EVP_PKEY_EC},
              {"ALL", "aRSA", "X25519:P-256", EVP_PKEY_RSA},
              {"ALL", "ALL", "X25519:P-384", EVP_PKEY_RSA}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cr_assert_eq(SSL_CTX_set_cipher_list(client_ctx, rows[i].client), 1);
    cr_assert_eq(SSL_CTX_set_cipher_list(server_ctx, rows[i].server), 1);
    cr_assert_eq(SSL_CTX_set1_groups_list(client_ctx, rows[i].groups), 1);
    open_pair(NULL);
    ready();
    EVP_PKEY *key = X509_get_pubkey(SSL_get0_peer_certificate(pair.client));
    cr_assert_eq(EVP_PKEY_id(key), rows[i].key, "row %zu", i);
    EVP_PKEY_free(key);
  }
  cr_assert_eq(SSL_CTX_set_cipher_list(client_ctx, "aECDSA"), 1);
  open_pair(NULL);
  fails(false, SSL_R_NO_SHARED_CIPHER, SSL_AD_HANDSHAKE_FAILURE);
}

/* RSASSA-PKCS1-v1_5 is for TLS 1.2 alone (RFC 9846 4.3.3). */
Test(ssl_tls12, signatures_of_pkcs1) {
  static const uint16_t pkcs1 = SSL_SIGN_RSA_PKCS1_SHA256;
  SSL_CTX_free(server_ctx);
  server_ctx = ssl_server_ctx("rsa-2048");
  cr_assert_not_null(server_ctx);
  SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
  cr_assert_eq(SSL_CTX_set_signing_algorithm_prefs(server_ctx, &pkcs1, 1), 1);
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_get_peer_signature_algorithm(pair.client), SSL_SIGN_RSA_PKCS1_SHA256);
  SSL_CTX_set_max_proto_version(server_ctx, 0);
  open_pair(NULL);
  fails(false, SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS, SSL_AD_HANDSHAKE_FAILURE);
}

/* RFC 7507 3 */
Test(ssl_tls12, a_fallback_without_need) {
  SSL_CTX_set_mode(client_ctx, SSL_MODE_SEND_FALLBACK_SCSV);
  SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION);
  cr_assert_not(meet(NULL)); /* for the server has no more */
  cr_assert_eq(SSL_CTX_set_max_proto_version(server_ctx, 0), 1);
  open_pair(NULL);
  fails(false, SSL_R_INAPPROPRIATE_FALLBACK, SSL_AD_INAPPROPRIATE_FALLBACK);
}

/* ---- Sessions ---- */

/* ids has nothing but ids: no tickets, and no session id for the sake of TLS 1.3 (RFC 9846 E.4). */
static void ids(void) {
  SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
  cr_assert_eq(SSL_CTX_set_max_proto_version(client_ctx, TLS1_2_VERSION), 1);
}

Test(ssl_tls12, a_ticket_again_and_again) {
  cr_assert_not(meet(NULL));
  cr_assert_eq(num_kept, 1);
  cr_assert_eq(SSL_get_session(pair.client), kept);
  cr_assert_eq(SSL_SESSION_get_protocol_version(kept), TLS1_2_VERSION);
  cr_assert_eq(SSL_SESSION_has_ticket(kept), 1);
  cr_assert_eq(SSL_SESSION_is_resumable(kept), 1);
  cr_assert_eq(SSL_SESSION_should_be_single_use(kept), 0);
  cr_assert_eq(SSL_SESSION_get_master_key(kept, NULL, 0), 48);
  cr_assert_leq(SSL_SESSION_get_timeout(kept), (uint32_t)SSL_DEFAULT_SESSION_TIMEOUT);
  SSL_SESSION *session = SSL_get1_session(pair.client);
  const uint16_t group = SSL_get_curve_id(pair.client);
  for (int i = 0; i < 3; i++) {
    cr_assert(meet(session), "%d", i);
    cr_assert_eq(SSL_get_session(pair.client), session);
    cr_assert_eq(SSL_SESSION_get_protocol_version(SSL_get_session(pair.server)), TLS1_2_VERSION);
    cr_assert_eq(SSL_get_curve_id(pair.client), group);
    cr_assert_eq(SSL_get_curve_id(pair.server), group);
  }
  cr_assert_eq(num_kept, 1);
  cr_assert_eq(SSL_CTX_sess_hits(server_ctx), 3);
  SSL_SESSION_free(session);
}

Test(ssl_tls12, by_id) {
  uint8_t client_id[32];
  unsigned len;
  ids();
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_SESSION_has_ticket(kept), 0);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 1);
  memcpy(client_id, SSL_SESSION_get_id(kept, &len), 32);
  cr_assert_eq(len, 32);
  const uint8_t *id = SSL_SESSION_get_id(SSL_get_session(pair.server), &len);
  cr_assert(len == 32 && memcmp(id, client_id, 32) == 0);
  SSL_SESSION *session = SSL_get1_session(pair.client);
  cr_assert(meet(session));
  cr_assert(meet(session));
  cr_assert_eq(num_kept, 1);
  cr_assert_eq(SSL_CTX_remove_session(server_ctx, SSL_get_session(pair.server)), 1);
  cr_assert_not(meet(session));
  cr_assert_eq(SSL_CTX_sess_misses(server_ctx), 1);
  SSL_SESSION_free(session);
}

/* A client that wants no tickets gets an id. */
Test(ssl_tls12, a_client_without_tickets) {
  SSL_SESSION *ticket;
  cr_assert_not(meet(NULL));
  ticket = SSL_get1_session(pair.client);
  SSL_CTX_set_options(client_ctx, SSL_OP_NO_TICKET);
  cr_assert_not(meet(ticket));
  cr_assert_eq(SSL_SESSION_has_ticket(kept), 0);
  cr_assert(meet(kept));
  SSL_SESSION_free(ticket);
}

Test(ssl_tls12, nothing_is_kept_where_nothing_is_to_be) {
  unsigned len;
  SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_OFF);
  cr_assert_not(meet(NULL));
  cr_assert_eq(num_kept, 0);
  SSL_SESSION *session = SSL_get_session(pair.client);
  (void)SSL_SESSION_get_id(session, &len);
  cr_assert_eq(len, 0);
  cr_assert_eq(SSL_SESSION_is_resumable(session), 0);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
}

static SSL_SESSION *stored;
static int lookups;

static int store(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(stored);
  stored = session;
  return 1;
}

static SSL_SESSION *look_up(SSL *ssl, const uint8_t *id, int id_len, int *copy) {
  unsigned len;
  (void)ssl;
  *copy = 1;
  if (++lookups == 1) return SSL_magic_pending_session_ptr();
  const uint8_t *own = stored == NULL ? NULL : SSL_SESSION_get_id(stored, &len);
  return own != NULL && (int)len == id_len && memcmp(own, id, len) == 0 ? stored : NULL;
}

Test(ssl_tls12, kept_elsewhere) {
  ids();
  SSL_CTX_set_session_cache_mode(server_ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(server_ctx, store);
  SSL_CTX_sess_set_get_cb(server_ctx, look_up);
  cr_assert_not(meet(NULL));
  cr_assert_not_null(stored);
  cr_assert_eq(SSL_CTX_sess_number(server_ctx), 0);
  open_pair(kept);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(SSL_get_error(pair.server, -1), SSL_ERROR_PENDING_SESSION);
  ready();
  cr_assert_eq(SSL_session_reused(pair.server), 1);
  cr_assert_eq(lookups, 2);
  SSL_SESSION_free(stored);
  stored = NULL;
  cr_assert_not(meet(kept));
  SSL_SESSION_free(stored);
}

static int key_answer;

static int ticket_key(SSL *ssl, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac,
                      int encrypt) {
  static const uint8_t key[32] = {7};
  (void)ssl;
  if (encrypt) {
    memset(name, 'n', 16);
    memset(iv, 1, 16);
  }
  if (!EVP_CipherInit_ex(cipher, EVP_aes_128_cbc(), NULL, key, iv, encrypt) ||
      !HMAC_Init_ex(hmac, key, sizeof key, EVP_sha256(), NULL))
    return -1;
  return encrypt ? 1 : key_answer;
}

/* RFC 5077 3.3: a server may give a new ticket with a session that it resumes. */
Test(ssl_tls12, renewed) {
  cr_assert_eq(SSL_CTX_set_tlsext_ticket_key_cb(server_ctx, ticket_key), 1);
  cr_assert_not(meet(NULL));
  SSL_SESSION *first = SSL_get1_session(pair.client);
  key_answer = 1;
  cr_assert(meet(first));
  cr_assert_eq(num_kept, 1);
  key_answer = 2;
  cr_assert(meet(first));
  cr_assert_eq(num_kept, 2);
  cr_assert_neq(kept, first);
  cr_assert_eq(SSL_get_session(pair.client), kept);
  cr_assert_not_null(SSL_SESSION_get0_peer(kept));
  cr_assert_leq(SSL_SESSION_get_timeout(kept), SSL_SESSION_get_timeout(first));
  uint8_t one[48], two[48];
  cr_assert_eq(SSL_SESSION_get_master_key(first, one, 48), 48);
  cr_assert_eq(SSL_SESSION_get_master_key(kept, two, 48), 48);
  cr_assert_arr_eq(one, two, 48);
  SSL_SESSION *second = SSL_get1_session(pair.client);
  key_answer = 1;
  cr_assert(meet(second));
  key_answer = 0;
  cr_assert_not(meet(second));
  SSL_SESSION_free(first);
  SSL_SESSION_free(second);
}

/* A session of one version is nothing to the other; nor to another name. */
Test(ssl_tls12, not_mixed) {
  cr_assert_not(meet(NULL));
  SSL_SESSION *old = SSL_get1_session(pair.client);
  SSL_CTX_set_max_proto_version(server_ctx, 0);
  cr_assert_not(meet(old));
  cr_assert_eq(SSL_version(pair.client), TLS1_3_VERSION);
  SSL_SESSION *young = kept;
  SSL_SESSION_up_ref(young);
  cr_assert_eq(SSL_SESSION_get_protocol_version(young), TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
  cr_assert_not(meet(young));
  cr_assert_eq(SSL_version(pair.client), TLS1_2_VERSION);
  cr_assert(meet(old));
  open_pair(old);
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "www.localhost"), 1);
  ready();
  cr_assert_eq(SSL_session_reused(pair.client), 0);
  cr_assert_eq(SSL_CTX_set_session_id_context(server_ctx, (const uint8_t *)"ctx", 3), 1);
  cr_assert_not(meet(old));
  SSL_SESSION_free(old);
  SSL_SESSION_free(young);
}

/* What is written is what was: BoringSSL's [17] says that it is the extended main secret. */
Test(ssl_tls12, as_bytes) {
  for (int by_id = 0; by_id < 2; by_id++) {
    uint8_t *data;
    size_t len;
    if (by_id) SSL_CTX_set_options(server_ctx, SSL_OP_NO_TICKET);
    cr_assert_not(meet(NULL));
    cr_assert_eq(SSL_get_extms_support(pair.client), 1);
    cr_assert_eq(SSL_SESSION_to_bytes(kept, &data, &len), 1);
    static const uint8_t ems[] = {0xb1, 3, 1, 1, 0xff};
    bool found = false;
    for (size_t i = 0; i + sizeof ems <= len; i++)
      found = found || memcmp(data + i, ems, sizeof ems) == 0;
    cr_assert(found);
    SSL_SESSION *copy = SSL_SESSION_from_bytes(data, len, client_ctx);
    cr_assert_not_null(copy);
    cr_assert(meet(copy));
    cr_assert_eq(SSL_get_extms_support(pair.client), 1);
    SSL_SESSION_free(copy);
    OPENSSL_free(data);
  }
}

/* A server that wants certificates knows its clients again, and resumes nobody whom it does not. */
Test(ssl_tls12, client_certificates) {
  cr_assert_not(meet(NULL));
  SSL_SESSION *anonymous = SSL_get1_session(pair.client);
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  open_pair(anonymous);
  /* RFC 5246 7.4.6: handshake_failure, for certificate_required is of TLS 1.3. */
  fails(false, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_AD_HANDSHAKE_FAILURE);
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(client_ctx, cert_path("client-ecdsa-p256.pem")),
               1);
  cr_assert_eq(
      SSL_CTX_use_PrivateKey_file(client_ctx, cert_path("client-ecdsa-p256.key"), SSL_FILETYPE_PEM),
      1);
  cr_assert_not(meet(anonymous));
  SSL_SESSION *known = SSL_get1_session(pair.client);
  for (int i = 0; i < 2; i++) {
    X509 *peer = SSL_get_peer_certificate(pair.server);
    cr_assert_not_null(peer);
    cr_assert_eq(X509_cmp(peer, SSL_get_certificate(pair.client)), 0);
    cr_assert_eq(SSL_get_verify_result(pair.server), X509_V_OK);
    X509_free(peer);
    if (i == 0) cr_assert(meet(known));
  }
  SSL_SESSION_free(anonymous);
  SSL_SESSION_free(known);
}

static uint8_t types_seen[8];
static size_t num_types, num_names;

static int on_cert(SSL *ssl, void *arg) {
  const uint8_t *types;
  (void)arg;
  num_types = SSL_get0_certificate_types(ssl, &types);
  memcpy(types_seen, types, num_types);
  num_names = sk_X509_NAME_num(SSL_get_client_CA_list(ssl));
  return SSL_use_certificate_chain_file(ssl, cert_path("client-ecdsa-p256.pem")) == 1 &&
         SSL_use_PrivateKey_file(ssl, cert_path("client-ecdsa-p256.key"), SSL_FILETYPE_PEM) == 1;
}

/* RFC 5246 7.4.4, RFC 8422 5.5: rsa_sign is 1, ecdsa_sign 64. */
Test(ssl_tls12, what_a_server_asks_for) {
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_client_CA_list(server_ctx, SSL_load_client_CA_file(cert_path("root.pem")));
  SSL_CTX_set_cert_cb(client_ctx, on_cert, NULL);
  cr_assert_not(meet(NULL));
  cr_assert_eq(num_types, 2);
  cr_assert(memchr(types_seen, 1, 2) != NULL && memchr(types_seen, 64, 2) != NULL);
  cr_assert_eq(num_names, 1);
}

/* ---- False Start ---- */

static int choose_h2(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                     unsigned in_len, void *arg) {
  (void)ssl, (void)arg;
  *out = in + 1;
  *out_len = in[0];
  return in_len > 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static void allow_false_start(void) {
  SSL_CTX_set_mode(client_ctx, SSL_MODE_ENABLE_FALSE_START);
  SSL_CTX_set_alpn_select_cb(server_ctx, choose_h2, NULL);
  cr_assert_eq(SSL_CTX_set_alpn_protos(client_ctx, (const uint8_t *)"\2h2", 3), 0);
}

/* RFC 7918 */
Test(ssl_tls12, false_start) {
  char got[8];
  allow_false_start();
  open_pair(NULL);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(SSL_in_false_start(pair.client), 0);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_in_false_start(pair.client), 1);
  cr_assert_eq(SSL_in_init(pair.client), 1);
  uint8_t mine[20], theirs[20];
  cr_assert_eq(SSL_export_keying_material(pair.client, mine, 20, "label", 5, NULL, 0, 0), 1);
  SSL_SESSION *lent = SSL_get_session(pair.client);
  cr_assert_not_null(lent);
  cr_assert_eq(SSL_write(pair.client, "early", 5), 5);
  cr_assert_eq(SSL_connect(pair.client), -1); /* which is for the rest of it */
  cr_assert_eq(SSL_get_error(pair.client, -1), SSL_ERROR_WANT_READ);
  cr_assert_eq(SSL_write(pair.client, "!", 1), 1);
  cr_assert_eq(SSL_accept(pair.server), 1);
  cr_assert_eq(SSL_read(pair.server, got, sizeof got), 5);
  cr_assert_eq(SSL_read(pair.server, got, sizeof got), 1);
  cr_assert_eq(SSL_write(pair.server, "back", 4), 4);
  cr_assert_eq(SSL_read(pair.client, got, sizeof got), 4); /* and completes the handshake */
  cr_assert_eq(SSL_in_false_start(pair.client), 0);
  cr_assert_eq(SSL_in_init(pair.client), 0);
  cr_assert_eq(SSL_export_keying_material(pair.server, theirs, 20, "label", 5, NULL, 0, 0), 1);
  cr_assert_arr_eq(mine, theirs, 20);
  cr_assert_eq(num_kept, 1);
  cr_assert_neq(SSL_get_session(pair.client), lent);
  cr_assert_eq(SSL_SESSION_get_protocol_version(lent), TLS1_2_VERSION); /* it lasts */
  /* A session that is resumed leaves nothing to save. */
  open_pair(kept);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_in_init(pair.client), 0);
}

Test(ssl_tls12, no_false_start_without_a_protocol) {
  allow_false_start();
  SSL_CTX_set_alpn_select_cb(server_ctx, NULL, NULL);
  open_pair(NULL);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(SSL_connect(pair.client), -1);
  cr_assert_eq(SSL_in_false_start(pair.client), 0);
  cr_assert_eq(SSL_write(pair.client, "early", 5), -1);
  /* Unless that is allowed, which alone asks for nothing. */
  for (int i = 0; i < 3; i++) {
    SSL_CTX_set_false_start_allowed_without_alpn(client_ctx, i < 2);
    if (i == 1) SSL_CTX_clear_mode(client_ctx, SSL_MODE_ENABLE_FALSE_START);
    if (i == 2) SSL_CTX_set_mode(client_ctx, SSL_MODE_ENABLE_FALSE_START);
    open_pair(NULL);
    cr_assert_eq(SSL_connect(pair.client), -1);
    cr_assert_eq(SSL_accept(pair.server), -1);
    cr_assert_eq(SSL_connect(pair.client), i == 0 ? 1 : -1);
    cr_assert_eq(SSL_in_false_start(pair.client), i == 0);
    cr_assert_eq(SSL_write(pair.client, "early", 5), i == 0 ? 5 : -1);
  }
}

/* ---- What can be asked ---- */

static char log_lines[512];

static void on_line(const SSL *ssl, const char *line) {
  (void)ssl;
  strncat(log_lines, line, sizeof log_lines - strlen(log_lines) - 2);
  strcat(log_lines, "\n");
}

Test(ssl_tls12, facts) {
  uint8_t a[64], b[64], random[32], secret[48];
  char line[256];
  size_t len;
  SSL_CTX_set_keylog_callback(client_ctx, on_line);
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_get_extms_support(pair.server), 1);
  cr_assert_eq(SSL_get_secure_renegotiation_support(pair.client), 1);
  cr_assert_eq(SSL_get_secure_renegotiation_support(pair.server), 1);
  cr_assert_eq(SSL_get_peer_signature_algorithm(pair.client), 0x0403);
  /* RFC 5246 7.4.9: 12 bytes. */
  cr_assert_eq(SSL_get_finished(pair.client, a, sizeof a), 12);
  cr_assert_eq(SSL_get_peer_finished(pair.server, b, sizeof b), 12);
  cr_assert_arr_eq(a, b, 12);
  /* RFC 5929 3.1: the first Finished, which is the client's. */
  cr_assert_eq(SSL_get_tls_unique(pair.server, b, &len, sizeof b), 1);
  cr_assert(len == 12 && memcmp(a, b, 12) == 0);
  cr_assert_eq(SSL_renegotiate(pair.client), 0);
  cr_assert_eq(first_reason(), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
  cr_assert_eq(SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED), 0);
  cr_assert_eq(first_reason(), SSL_R_WRONG_SSL_VERSION);
  ERR_clear_error();
  /* NSS's key log: a line of the client's random and the main secret. */
  cr_assert_eq(SSL_get_client_random(pair.client, random, 32), 32);
  cr_assert_eq(SSL_SESSION_get_master_key(kept, secret, 48), 48);
  char *at = line + sprintf(line, "CLIENT_RANDOM ");
  for (int i = 0; i < 32; i++) at += sprintf(at, "%02x", random[i]);
  *at++ = ' ';
  for (int i = 0; i < 48; i++) at += sprintf(at, "%02x", secret[i]);
  strcpy(at, "\n");
  cr_assert_str_eq(log_lines, line);
  /* Resumed it is the server's, which comes first. */
  cr_assert(meet(kept));
  cr_assert_eq(SSL_get_finished(pair.server, a, sizeof a), 12);
  cr_assert_eq(SSL_get_tls_unique(pair.client, b, &len, sizeof b), 1);
  cr_assert(len == 12 && memcmp(a, b, 12) == 0);
}

/* RFC 5705 4: no context is not an empty one. */
Test(ssl_tls12, exporters) {
  uint8_t none[20], empty[20], theirs[20];
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_export_keying_material(pair.client, none, 20, "label", 5, NULL, 0, 0), 1);
  cr_assert_eq(SSL_export_keying_material(pair.client, empty, 20, "label", 5, NULL, 0, 1), 1);
  cr_assert_neq(memcmp(none, empty, 20), 0);
  cr_assert_eq(SSL_export_keying_material(pair.server, theirs, 20, "label", 5, NULL, 0, 1), 1);
  cr_assert_arr_eq(empty, theirs, 20);
}

/* RFC 6066 4: both sides keep to it. */
Test(ssl_tls12, shorter_records) {
  static char text[3000], got[3000];
  cr_assert_eq(SSL_CTX_set_tlsext_max_fragment_length(client_ctx, 5), 0);
  ERR_clear_error();
  cr_assert_eq(SSL_CTX_set_tlsext_max_fragment_length(client_ctx, TLSEXT_max_fragment_length_1024),
               1);
  cr_assert_not(meet(NULL));
  cr_assert_eq(SSL_write(pair.server, text, sizeof text), (int)sizeof text);
  cr_assert_eq(SSL_read(pair.client, got, sizeof got), 1024);
  cr_assert_eq(SSL_write(pair.client, text, sizeof text), (int)sizeof text);
  cr_assert_eq(SSL_read(pair.server, got, sizeof got), 1024);
}

/* A record of ChaCha20-Poly1305 has less around its data than any of TLS 1.3: what is left over of
 * it waits. */
Test(ssl_tls12, a_record_that_is_a_byte_too_long) {
  char text[100], got[101];
  memset(text, 't', sizeof text);
  cr_assert_eq(SSL_CTX_set_cipher_list(client_ctx, "CHACHA20"), 1);
  cr_assert_not(meet(NULL));
  for (int room = 97; room <= 101; room++) {
    memset(got, 'g', sizeof got);
    cr_assert_eq(SSL_write(pair.server, text, 100), 100);
    int len = SSL_read(pair.client, got, room);
    cr_assert_eq(len, room < 100 ? room : 100);
    cr_assert_eq(got[len - 1], 't');
    if (len < 101) cr_assert_eq(got[len], 'g');
    cr_assert_eq(SSL_pending(pair.client), 100 - len);
    if (len < 100) cr_assert_eq(SSL_read(pair.client, got, 100), 100 - len);
  }
}

static char contents[200];

static void on_msg(int is_write, int version, int content_type, const void *buf, size_t len,
                   SSL *ssl, void *arg) {
  (void)version, (void)ssl, (void)arg;
  const uint8_t *bytes = buf;
  if (content_type == SSL3_RT_HEADER || strlen(contents) + 8 > sizeof contents) return;
  sprintf(contents + strlen(contents), "%s%d/%d ", is_write ? ">" : "<", content_type,
          content_type == SSL3_RT_HANDSHAKE && len > 0 ? bytes[0] : 0);
}

/* RFC 5246 7.3: the messages of a full handshake, change_cipher_spec (20) among them. */
Test(ssl_tls12, messages_are_shown) {
  SSL_CTX_set_msg_callback(client_ctx, on_msg);
  SSL_CTX_set_options(client_ctx, SSL_OP_NO_TICKET);
  open_pair(NULL);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_str_eq(contents, ">22/1 <22/2 <22/11 <22/12 <22/14 >22/16 >20/0 >22/20 <20/0 <22/20 ");
}

/* ---- Early data ---- */

/* R-E.3-1: a server that has lost TLS 1.3 since. */
Test(ssl_tls12, early_data_meets_it) {
  struct ssl_early early;
  struct ssl_pair other;
  uint8_t flight[8192];
  cr_assert(ssl_early_new(&early));
  SSL_SESSION *session = ssl_early_learn(&early);
  cr_assert_not_null(session);
  cr_assert(ssl_pair_new(&other, client_ctx, server_ctx, 0));
  cr_assert_eq(SSL_connect(other.client), -1);
  cr_assert_eq(SSL_accept(other.server), -1);
  int len = BIO_read(SSL_get_rbio(other.client), flight, sizeof flight);
  cr_assert_gt(len, 100);
  cr_assert(ssl_early_pair(&pair, &early, early.server, session, 0));
  cr_assert_eq(SSL_connect(pair.client), 1);
  cr_assert_eq(SSL_write(pair.client, "early", 5), 5);
  cr_assert_eq(BIO_write(SSL_get_wbio(pair.server), flight, len), len);
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  cr_assert_eq(first_reason(), SSL_R_WRONG_VERSION_ON_EARLY_DATA, "%s",
               ERR_reason_error_string(ERR_peek_error()));
  ssl_pair_free(&other);
  ssl_early_free(&early);
}
