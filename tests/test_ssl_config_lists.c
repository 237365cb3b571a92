/* Lists that are set: cipher suites by OpenSSL's words, groups, signature algorithms, ALPN, server
 * names; and what can be asked of a suite.  Numbers are IANA's, words ciphers(1)'s. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include <openssl/ec_key.h>
#include <openssl/mem.h>
#include <openssl/nid.h>

#include "ssl_pair.h"

static SSL_CTX *ctx;
static SSL *ssl;

static void set_up(void) {
  ctx = SSL_CTX_new(TLS_method());
  cr_assert_not_null(ctx);
  ssl = SSL_new(ctx);
  cr_assert_not_null(ssl);
}

static void tear_down(void) {
  SSL_free(ssl);
  SSL_CTX_free(ctx);
  cr_expect_eq(ERR_peek_error(), 0, "%s", ERR_reason_error_string(ERR_peek_error()));
}

TestSuite(ssl_config_lists, .init = set_up, .fini = tear_down, .timeout = 60);

static void reason(int expected) {
  cr_assert_eq(first_reason(), expected, "%s", ERR_reason_error_string(ERR_peek_error()));
  ERR_clear_error();
}

/* ---- Cipher lists ---- */

enum {
  EA128 = 0xc02b,
  EA256 = 0xc02c,
  RA128 = 0xc02f,
  RA256 = 0xc030,
  RCHA = 0xcca8,
  ECHA = 0xcca9
};

struct list {
  char words[96];
  uint16_t suites[7]; /* of TLS 1.2, 0 at the end; none: refused */
};

ParameterizedTestParameters(ssl_config_lists, cipher_lists) {
  static struct list lists[] = {
      {"ALL", {EA128, RA128, EA256, RA256, ECHA, RCHA}},
      {"DEFAULT", {EA128, RA128, EA256, RA256, ECHA, RCHA}},
      {"HIGH:!aNULL:!MD5", {EA128, RA128, EA256, RA256, ECHA, RCHA}},
      {"ECDHE-RSA-AES256-GCM-SHA384", {RA256}},
      {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", {RA256}},
      {"ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256", {RA256, EA128}},
      {"ECDHE-RSA-AES256-GCM-SHA384,ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-CHACHA20-POLY1305",
       {RA256, RA128, RCHA}},
      {"CHACHA20:AESGCM", {ECHA, RCHA, EA128, RA128, EA256, RA256}},
      {"aRSA", {RA128, RA256, RCHA}},
      {"ECDHE+AES256", {EA256, RA256}},
      {"aECDSA+CHACHA20", {ECHA}},
      {"ALL:!AES128", {EA256, RA256, ECHA, RCHA}},
      {"ALL:-AES:AES128", {ECHA, RCHA, EA128, RA128}},
      {"!AES128:ALL", {EA256, RA256, ECHA, RCHA}},
      {"ALL:+aECDSA", {RA128, RA256, RCHA, EA128, EA256, ECHA}},
      {"ALL:@STRENGTH", {EA256, RA256, ECHA, RCHA, EA128, RA128}},
      {"DEFAULT@SECLEVEL=1", {EA128, RA128, EA256, RA256, ECHA, RCHA}}, /* Debian's openssl.cnf */
      {"DEFAULT:@SECLEVEL=2", {EA128, RA128, EA256, RA256, ECHA, RCHA}},
      {"aRSA:aRSA", {RA128, RA256, RCHA}},
      {"[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]", {RA128, RCHA}},
      {"AES128-SHA", {0}},
      {"kRSA", {0}},
      {"ALL:!ALL", {0}},
      {"", {0}},
      {":::", {0}},
      {"no such thing", {0}},
      {"TLS_AES_128_GCM_SHA256", {0}},
  };
  return cr_make_param_array(struct list, lists, sizeof lists / sizeof lists[0]);
}

ParameterizedTest(struct list *list, ssl_config_lists, cipher_lists) {
  cr_assert_eq(SSL_CTX_set_cipher_list(ctx, list->words), list->suites[0] != 0, "%s", list->words);
  if (list->suites[0] == 0) reason(SSL_R_NO_CIPHER_MATCH);
  STACK_OF(SSL_CIPHER) *found = SSL_CTX_get_ciphers(ctx);
  size_t at = 3; /* behind those of TLS 1.3, which nothing here concerns */
  for (size_t i = 0; list->suites[i] != 0; i++, at++) {
    cr_assert_lt(at, sk_SSL_CIPHER_num(found), "%s", list->words);
    cr_assert_eq(SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(found, at)), list->suites[i],
                 "%s: %s", list->words, SSL_CIPHER_get_name(sk_SSL_CIPHER_value(found, at)));
  }
  cr_assert_eq(sk_SSL_CIPHER_num(found), at, "%s", list->words);
}

Test(ssl_config_lists, groups_are_well_formed) {
  static const struct {
    const char *words;
    int reason;
  } bad[] = {
      {"[AES128|[CHACHA20]]", SSL_R_NESTED_GROUP},
      {"AES128]", SSL_R_INVALID_COMMAND},
      {"AES128:[AES256|CHACHA20", SSL_R_INVALID_COMMAND},
      {"[AES128|!CHACHA20]", SSL_R_UNEXPECTED_OPERATOR_IN_GROUP},
      {"[AES128|CHACHA20]:AES256:!CHACHA20", SSL_R_MIXED_SPECIAL_OPERATOR_WITH_GROUPS},
      {"[AES128|CHACHA20]:-CHACHA20", SSL_R_MIXED_SPECIAL_OPERATOR_WITH_GROUPS},
      {"[AES128|CHACHA20]:+AES128", SSL_R_MIXED_SPECIAL_OPERATOR_WITH_GROUPS},
      {"[AES128|CHACHA20]:@STRENGTH", SSL_R_MIXED_SPECIAL_OPERATOR_WITH_GROUPS},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    cr_expect_eq(SSL_CTX_set_cipher_list(ctx, bad[i].words), 0, "%s", bad[i].words);
    reason(bad[i].reason);
  }
  cr_expect_eq(SSL_CTX_set_cipher_list(ctx, "!AES256:[AES128|CHACHA20]:AES256"), 1);
}

Test(ssl_config_lists, strict_lists_know_every_word) {
  cr_assert_eq(SSL_CTX_set_strict_cipher_list(ctx, "aRSA:!aNULL"), 1);
  cr_assert_eq(SSL_CTX_set_strict_cipher_list(ctx, "aRSA:BOGUS"), 0);
  reason(SSL_R_INVALID_COMMAND);
  cr_assert_eq(SSL_set_strict_cipher_list(ssl, "aRSA+BOGUS"), 0);
  reason(SSL_R_INVALID_COMMAND);
  cr_assert_eq(SSL_set_strict_cipher_list(ssl, "ALL:@BOGUS"), 0);
  reason(SSL_R_INVALID_COMMAND);
  cr_assert_eq(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ctx)), 3 + 3);
  cr_assert_eq(sk_SSL_CIPHER_num(SSL_get_ciphers(ssl)), 3 + 6);
}

Test(ssl_config_lists, an_ssl_has_a_list_of_its_own) {
  cr_assert_eq(SSL_set_cipher_list(ssl, "CHACHA20"), 1);
  cr_assert_eq(sk_SSL_CIPHER_num(SSL_get_ciphers(ssl)), 3 + 2);
  cr_assert_eq(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ctx)), 3 + 6);
  cr_assert_str_eq(SSL_get_cipher_list(ssl, 0), "TLS_AES_128_GCM_SHA256");
  cr_assert_str_eq(SSL_get_cipher_list(ssl, 4), "ECDHE-RSA-CHACHA20-POLY1305");
  cr_assert_null(SSL_get_cipher_list(ssl, 5));
  cr_assert_null(SSL_get_cipher_list(ssl, -1));
}

Test(ssl_config_lists, suites_of_tls_1_3) {
  cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"),
               1);
  STACK_OF(SSL_CIPHER) *found = SSL_CTX_get_ciphers(ctx);
  cr_assert_eq(sk_SSL_CIPHER_num(found), 2 + 6);
  cr_assert_eq(SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(found, 0)), 0x1303);
  cr_assert_eq(SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(found, 1)), 0x1301);
  const char *bad[] = {"TLS_AES_128_CCM_SHA256", "tls_aes_128_gcm_sha256",
                       "ECDHE-RSA-AES128-GCM-SHA256", ":TLS_AES_128_GCM_SHA256"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    cr_assert_eq(SSL_CTX_set_ciphersuites(ctx, bad[i]), 0, "%s", bad[i]);
    reason(SSL_R_NO_CIPHER_MATCH);
  }
  cr_assert_eq(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ctx)), 2 + 6);
  cr_assert_eq(SSL_set_ciphersuites(ssl, "TLS_AES_256_GCM_SHA384:TLS_AES_256_GCM_SHA384"), 1);
  cr_assert_eq(sk_SSL_CIPHER_num(SSL_get_ciphers(ssl)), 1 + 6);
  cr_assert_eq(SSL_set_ciphersuites(ssl, ""), 1);
  cr_assert_eq(sk_SSL_CIPHER_num(SSL_get_ciphers(ssl)), 6);
  cr_assert_eq(SSL_set_min_proto_version(ssl, TLS1_3_VERSION), 1);
  SSL_set_connect_state(ssl);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  cr_assert_eq(SSL_connect(ssl), -1);
  reason(SSL_R_NO_CIPHERS_AVAILABLE);
}

/* ---- A suite ---- */

Test(ssl_config_lists, what_can_be_asked_of_a_suite) {
  const SSL_CIPHER *c = SSL_get_cipher_by_value(0x1302);
  int bits = 0;
  cr_assert_eq(SSL_CIPHER_get_id(c), TLS1_CK_AES_256_GCM_SHA384);
  cr_assert_eq(SSL_CIPHER_get_id(c), TLS1_3_CK_AES_256_GCM_SHA384);
  cr_assert_eq(SSL_CIPHER_get_protocol_id(c), 0x1302);
  cr_assert_str_eq(SSL_CIPHER_get_name(c), TLS1_TXT_AES_256_GCM_SHA384);
  cr_assert_str_eq(SSL_CIPHER_standard_name(c), TLS1_3_RFC_AES_256_GCM_SHA384);
  cr_assert_str_eq(SSL_CIPHER_get_version(c), "TLSv1.3");
  cr_assert_eq(SSL_CIPHER_get_min_version(c), TLS1_3_VERSION);
  cr_assert_eq(SSL_CIPHER_get_max_version(c), TLS1_3_VERSION);
  cr_assert_eq(SSL_CIPHER_get_bits(c, &bits), 256);
  cr_assert_eq(bits, 256);
  cr_assert_eq(SSL_CIPHER_is_aead(c), 1);
  cr_assert_eq(SSL_CIPHER_is_block_cipher(c), 0);
  cr_assert_eq(SSL_CIPHER_get_cipher_nid(c), NID_aes_256_gcm);
  cr_assert_eq(SSL_CIPHER_get_digest_nid(c), NID_undef);
  cr_assert_eq(SSL_CIPHER_get_kx_nid(c), NID_kx_any);
  cr_assert_eq(SSL_CIPHER_get_auth_nid(c), NID_auth_any);
  cr_assert_eq(SSL_CIPHER_get_prf_nid(c), NID_sha384);
  cr_assert_eq(SSL_CIPHER_get_handshake_digest(c), EVP_sha384());
  cr_assert_str_eq(SSL_CIPHER_get_kx_name(c), "GENERIC");
  c = SSL_get_cipher_by_value(0xcca9);
  cr_assert_eq(SSL_CIPHER_get_id(c), TLS1_CK_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
  cr_assert_str_eq(SSL_CIPHER_get_name(c), "ECDHE-ECDSA-CHACHA20-POLY1305");
  cr_assert_str_eq(SSL_CIPHER_standard_name(c), "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
  cr_assert_eq(SSL_CIPHER_get_bits(c, NULL), 256);
  cr_assert_eq(SSL_CIPHER_get_cipher_nid(c), NID_chacha20_poly1305);
  cr_assert_eq(SSL_CIPHER_get_kx_nid(c), NID_kx_ecdhe);
  cr_assert_eq(SSL_CIPHER_get_auth_nid(c), NID_auth_ecdsa);
  cr_assert_eq(SSL_CIPHER_get_prf_nid(c), NID_sha256);
  cr_assert_str_eq(SSL_CIPHER_get_kx_name(c), "ECDHE_ECDSA");
  c = SSL_get_cipher_by_value(0xc02f);
  cr_assert_eq(SSL_CIPHER_get_auth_nid(c), NID_auth_rsa);
  cr_assert_eq(SSL_CIPHER_get_bits(c, NULL), 128);
  cr_assert_null(SSL_get_cipher_by_value(0x002f));
  cr_assert_null(SSL_get_cipher_by_value(0));
}

Test(ssl_config_lists, no_suite) {
  int bits = 7;
  cr_assert_str_eq(SSL_CIPHER_get_name(NULL), "(NONE)");
  cr_assert_str_eq(SSL_CIPHER_get_version(NULL), "(NONE)");
  cr_assert_eq(SSL_CIPHER_get_bits(NULL, &bits), 0);
  cr_assert_eq(bits, 0);
  cr_assert_null(SSL_get_current_cipher(ssl));
  cr_assert_str_eq(SSL_get_cipher(ssl), "(NONE)");
  cr_assert_str_eq(SSL_get_cipher_name(ssl), "(NONE)");
  cr_assert_eq(SSL_get_cipher_bits(ssl, NULL), 0);
}

Test(ssl_config_lists, description) {
  char room[200], little[20];
  const SSL_CIPHER *c = SSL_get_cipher_by_value(0x1301);
  cr_assert_eq(SSL_CIPHER_description(c, room, sizeof room), room);
  cr_assert(strncmp(room, "TLS_AES_128_GCM_SHA256 ", 23) == 0);
  cr_assert_not_null(strstr(room, "Enc=AESGCM(128)"));
  cr_assert_eq(room[strlen(room) - 1], '\n');
  cr_assert_str_eq(SSL_CIPHER_description(c, little, sizeof little), "Buffer too small");
  char *own = (char *)SSL_CIPHER_description(c, NULL, 0);
  cr_assert_str_eq(own, room);
  OPENSSL_free(own);
}

/* ---- Groups ---- */

/* negotiated returns the group that |client| and a server of |groups| agree on without a retry: the
 * first that the client has, for it gets the key share; 0: none. */
static uint16_t negotiated(SSL_CTX *client, const char *groups) {
  struct ssl_pair pair;
  SSL_CTX *server = ssl_server_ctx("ecdsa-p256");
  cr_assert_eq(SSL_CTX_set1_groups_list(server, groups), 1);
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  uint16_t id = 0;
  cr_assert_eq(SSL_get_group_id(pair.client), 0);
  cr_assert_eq(SSL_get_negotiated_group(pair.client), NID_undef);
  if (ssl_pair_handshake(&pair) && !SSL_used_hello_retry_request(pair.client)) {
    id = SSL_get_group_id(pair.client);
    cr_assert_eq(SSL_get_curve_id(pair.server), id);
  }
  ssl_pair_free(&pair);
  SSL_CTX_free(server);
  ERR_clear_error();
  return id;
}

Test(ssl_config_lists, groups_by_name) {
  SSL_CTX *client = ssl_client_ctx();
  cr_assert_eq(negotiated(client, "X25519"), SSL_GROUP_X25519);
  cr_assert_eq(negotiated(client, "P-384"), 0);
  cr_assert_eq(SSL_CTX_set1_groups_list(client, "P-384:X25519"), 1);
  cr_assert_eq(negotiated(client, "P-384"), SSL_GROUP_SECP384R1);
  cr_assert_eq(negotiated(client, "X25519"), 0);
  cr_assert_eq(SSL_CTX_set1_curves_list(client, "prime256v1"), 1);
  cr_assert_eq(negotiated(client, "secp256r1"), SSL_GROUP_SECP256R1);
  cr_assert_eq(SSL_CTX_set1_groups_list(client, "X25519:"), 1); /* a colon at the end is harmless */
  const char *bad[] = {"P-385", "X25519::P-256", ":X25519", "x25519:bogus"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    cr_assert_eq(SSL_CTX_set1_groups_list(client, bad[i]), 0, "%s", bad[i]);
    reason(SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
  }
  cr_assert_eq(SSL_CTX_set1_groups_list(client, "X25519:P-256:x25519"), 0);
  reason(SSL_R_DUPLICATE_GROUP);
  cr_assert_eq(SSL_CTX_set1_groups_list(client, ""), 0);
  reason(SSL_R_NO_GROUPS_SPECIFIED);
  cr_assert_eq(negotiated(client, "X25519"),
               SSL_GROUP_X25519); /* what was refused changed nothing */
  cr_assert_eq(SSL_set1_groups_list(ssl, "P-256"), 1);
  cr_assert_eq(SSL_set1_curves_list(ssl, "P-256:P-384"), 1);
  SSL_CTX_free(client);
}

Test(ssl_config_lists, groups_by_number) {
  SSL_CTX *client = ssl_client_ctx();
  const int nids[] = {NID_secp384r1, NID_X25519}, bad_nids[] = {NID_rsaEncryption};
  const uint16_t ids[] = {SSL_GROUP_SECP256R1, SSL_GROUP_SECP521R1}, bad_ids[] = {0x1234};
  cr_assert_eq(SSL_CTX_set1_groups(client, nids, 2), 1);
  cr_assert_eq(negotiated(client, "P-384"), SSL_GROUP_SECP384R1);
  cr_assert_eq(SSL_CTX_set1_group_ids(client, ids, 2), 1);
  cr_assert_eq(negotiated(client, "P-256"), SSL_GROUP_SECP256R1);
  cr_assert_eq(SSL_CTX_set1_curves(client, bad_nids, 1), 0);
  reason(SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
  cr_assert_eq(SSL_set1_curves(ssl, nids, 2), 1);
  cr_assert_eq(SSL_set1_group_ids(ssl, bad_ids, 1), 0);
  reason(SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
  cr_assert_eq(SSL_set1_groups(ssl, nids, 0), 0);
  reason(SSL_R_NO_GROUPS_SPECIFIED);
  cr_assert_str_eq(SSL_get_group_name(SSL_GROUP_X25519), "X25519");
  cr_assert_str_eq(SSL_get_curve_name(SSL_GROUP_SECP521R1), "P-521");
  cr_assert_null(SSL_get_group_name(0x1234));
  EC_KEY *key = EC_KEY_new_by_curve_name(NID_secp384r1);
  cr_assert_eq(SSL_CTX_set_tmp_ecdh(client, key), 1);
  cr_assert_eq(negotiated(client, "P-384"), SSL_GROUP_SECP384R1);
  cr_assert_eq(SSL_set_tmp_ecdh(ssl, key), 1);
  EC_KEY_free(key);
  cr_assert_eq(SSL_CTX_set_tmp_ecdh(client, NULL), 0);
  cr_assert_eq(ERR_GET_REASON(ERR_get_error()), ERR_R_PASSED_NULL_PARAMETER);
  cr_assert_eq(SSL_CTX_set_tmp_dh(ctx, NULL), 1);
  cr_assert_eq(SSL_set_tmp_dh(ssl, NULL), 1);
  cr_assert_eq(SSL_CTX_set_ecdh_auto(ctx, 1), 1);
  SSL_CTX_free(client);
}

/* ---- Signature algorithms ---- */

Test(ssl_config_lists, signature_algorithms_that_are_none) {
  const uint16_t bad[] = {SSL_SIGN_ED25519, 0x1234}, twice[] = {SSL_SIGN_ED25519, SSL_SIGN_ED25519};
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(ctx, bad, 1), 1);
  cr_assert_eq(SSL_CTX_set_verify_algorithm_prefs(ctx, bad, 2), 0);
  reason(SSL_R_INVALID_SIGNATURE_ALGORITHM);
  cr_assert_eq(SSL_set_verify_algorithm_prefs(ssl, twice, 2), 0);
  reason(SSL_R_INVALID_SIGNATURE_ALGORITHM);
  cr_assert_eq(SSL_CTX_set_signing_algorithm_prefs(ctx, bad, 0), 0);
  reason(SSL_R_INVALID_SIGNATURE_ALGORITHM);
  cr_assert_eq(SSL_set_signing_algorithm_prefs(ssl, bad, 1), 1);
}

/* ---- Server name ---- */

Test(ssl_config_lists, server_names) {
  char longest[257];
  memset(longest, 'a', sizeof longest - 1);
  longest[255] = 0;
  SSL_set_connect_state(ssl);
  cr_assert_null(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
  cr_assert_eq(SSL_get_servername_type(ssl), -1);
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, "a.example"), 1);
  cr_assert_str_eq(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), "a.example");
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, "b.example."), 1); /* RFC 6066 3: no dot at the end */
  cr_assert_str_eq(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), "b.example");
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, "."), 0);
  reason(SSL_R_SSL3_EXT_INVALID_SERVERNAME);
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, longest), 1);
  longest[255] = 'a';
  longest[256] = 0;
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, longest), 0);
  reason(SSL_R_SSL3_EXT_INVALID_SERVERNAME);
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, ""), 0);
  reason(SSL_R_SSL3_EXT_INVALID_SERVERNAME);
  cr_assert_eq(SSL_set_tlsext_host_name(ssl, NULL), 1);
  cr_assert_null(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}

/* ---- ALPN ---- */

static const uint8_t kTwo[] = "\x02h2\x08http/1.1";

Test(ssl_config_lists, alpn_lists) {
  static const char *bad[] = {"\x03h2", "\x02h2\x00", "\x00", "\x02h"};
  static const size_t bad_len[] = {3, 4, 1, 2};
  cr_assert_eq(SSL_CTX_set_alpn_protos(ctx, kTwo, sizeof kTwo - 1), 0);
  cr_assert_eq(SSL_set_alpn_protos(ssl, kTwo, sizeof kTwo - 1), 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    cr_assert_eq(SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)bad[i], bad_len[i]), 1);
    reason(SSL_R_INVALID_ALPN_PROTOCOL_LIST);
  }
  cr_assert_eq(SSL_set_alpn_protos(ssl, NULL, 0), 0);
}

static int alpn_answer;
static int choose(SSL *of, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                  unsigned in_len, void *arg) {
  (void)of;
  cr_assert_eq(arg, &alpn_answer);
  cr_assert_eq(in_len, sizeof kTwo - 1);
  cr_assert_eq(memcmp(in, kTwo, in_len), 0);
  *out = (const uint8_t *)"http/1.1"; /* static is allowed */
  *out_len = 8;
  return alpn_answer;
}

/* selected does a handshake in which the server's callback answers |answer|; |out| gets what was
 * chosen.  False: it failed. */
static bool selected(char out[16], int answer) {
  struct ssl_pair pair;
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx("ecdsa-p256");
  const uint8_t *name;
  unsigned len;
  alpn_answer = answer;
  SSL_CTX_set_alpn_select_cb(server, choose, &alpn_answer);
  cr_assert_eq(SSL_CTX_set_alpn_protos(client, kTwo, sizeof kTwo - 1), 0);
  cr_assert(ssl_pair_new(&pair, client, server, 0));
  SSL_get0_alpn_selected(pair.client, &name, &len);
  cr_assert_eq(len, 0);
  (void)SSL_connect(pair.client);
  bool done = SSL_accept(pair.server) == -1 && SSL_want_read(pair.server);
  if (done) {
    cr_assert(ssl_pair_handshake(&pair));
    SSL_get0_alpn_selected(pair.client, &name, &len);
    memset(out, 0, 16);
    if (len > 0) memcpy(out, name, len);
    SSL_get0_alpn_selected(pair.server, &name, &len);
    cr_assert_eq(len, strlen(out));
    cr_assert(len == 0 || memcmp(name, out, len) == 0);
  }
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  return done;
}

Test(ssl_config_lists, alpn_is_chosen_by_the_callback) {
  char name[16];
  cr_assert(selected(name, SSL_TLSEXT_ERR_OK));
  cr_assert_str_eq(name, "http/1.1");
  cr_assert(selected(name, SSL_TLSEXT_ERR_NOACK));
  cr_assert_str_eq(name, "");
  cr_assert_not(selected(name, SSL_TLSEXT_ERR_ALERT_FATAL));
  reason(SSL_R_NO_APPLICATION_PROTOCOL);
}

Test(ssl_config_lists, select_next_proto) {
  static const uint8_t kOurs[] = "\x06spdy/1\x08http/1.1", kNone[] =
                                                               "\x03"
                                                               "foo";
  uint8_t *out, len;
  cr_assert_eq(SSL_select_next_proto(&out, &len, kTwo, sizeof kTwo - 1, kOurs, sizeof kOurs - 1),
               OPENSSL_NPN_NEGOTIATED);
  cr_assert_eq(len, 8);
  cr_assert_eq(memcmp(out, "http/1.1", 8), 0);
  cr_assert_eq(SSL_select_next_proto(&out, &len, kNone, sizeof kNone - 1, kOurs, sizeof kOurs - 1),
               OPENSSL_NPN_NO_OVERLAP);
  cr_assert_eq(len, 6);
  cr_assert_eq(memcmp(out, "spdy/1", 6), 0);
  /* Lists that are none have nothing in them. */
  cr_assert_eq(SSL_select_next_proto(&out, &len, kTwo, sizeof kTwo - 1, NULL, 0),
               OPENSSL_NPN_NO_OVERLAP);
  cr_assert_eq(len, 0);
  cr_assert_eq(SSL_select_next_proto(&out, &len, kTwo, 2, kOurs, sizeof kOurs - 1),
               OPENSSL_NPN_NO_OVERLAP);
  cr_assert_eq(len, 6);
}
