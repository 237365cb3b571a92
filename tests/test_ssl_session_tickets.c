/* A server's tickets: what is in them, and whose keys seal them. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "ssl_kept.h"

TestSuite(ssl_session_tickets, .init = kept_set_up, .fini = kept_tear_down, .timeout = 60);

/* begin offers what came last to a server of |ctx|. */
static void begin(struct ssl_pair *pair, SSL_CTX *ctx) {
  cr_assert(ssl_pair_new(pair, client_ctx, ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_host_name(pair->client, "localhost"), 1);
  cr_assert_eq(SSL_set_session(pair->client, kept), 1);
}

static bool finish(struct ssl_pair *pair) {
  char byte;
  cr_assert(ssl_pair_handshake(pair));
  cr_assert_eq(SSL_write(pair->server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair->client, &byte, 1), 1);
  return SSL_session_reused(pair->server);
}

static bool meet(SSL_CTX *ctx) {
  struct ssl_pair pair;
  begin(&pair, ctx);
  bool reused = finish(&pair);
  ssl_pair_free(&pair);
  return reused;
}

static void use_client_cert(void) {
  cr_assert_eq(SSL_CTX_use_certificate_chain_file(client_ctx, cert_path("client-ecdsa-p256.pem")),
               1);
  cr_assert_eq(
      SSL_CTX_use_PrivateKey_file(client_ctx, cert_path("client-ecdsa-p256.key"), SSL_FILETYPE_PEM),
      1);
}

Test(ssl_session_tickets, the_client_is_known_again) {
  struct ssl_pair pair;
  use_client_cert();
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  cr_assert_not(meet(server_ctx));
  for (int i = 0; i < 2; i++) { /* and the tickets of a resumed connection know him too */
    begin(&pair, server_ctx);
    cr_assert(finish(&pair));
    X509 *peer = SSL_get_peer_certificate(pair.server);
    cr_assert_not_null(peer);
    cr_assert_eq(X509_cmp(peer, SSL_get_certificate(pair.client)), 0);
    cr_assert_eq(SSL_get_verify_result(pair.server), X509_V_OK);
    X509_free(peer);
    ssl_pair_free(&pair);
  }
}

/* Whom a server has asked is who he was; whoever insists on a certificate takes only who showed
 * one. */
Test(ssl_session_tickets, a_client_without_a_certificate) {
  static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (int i = 0; i < 2; i++) {
    struct ssl_pair pair;
    cr_assert_eq(SSL_CTX_set_max_proto_version(client_ctx, versions[i]), 1);
    SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER, NULL);
    if (i == 0) cr_assert_not(meet(server_ctx));
    if (i == 1) cr_assert_not(meet(server_ctx), "of another version");
    for (int again = 0; again < 2; again++) {
      begin(&pair, server_ctx);
      cr_assert(finish(&pair));
      cr_assert_null(SSL_get0_peer_certificate(pair.server));
      cr_assert_eq(SSL_get_verify_result(pair.server), X509_V_OK);
      ssl_pair_free(&pair);
    }
    SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    begin(&pair, server_ctx);
    (void)ssl_pair_handshake(&pair);
    cr_assert_eq(SSL_is_init_finished(pair.server), 0);
    cr_assert_eq(SSL_session_reused(pair.server), 0);
    ssl_pair_free(&pair);
  }
  use_client_cert();
  cr_assert_not(meet(server_ctx));
  cr_assert(meet(server_ctx));
}

/* R-H-16 */
Test(ssl_session_tickets, on_demand) {
  struct ssl_pair pair;
  char byte;
  cr_assert_eq(SSL_CTX_set_num_tickets(server_ctx, 0), 1);
  begin(&pair, server_ctx);
  cr_assert_eq(SSL_new_session_ticket(pair.server), 0);
  cr_assert_eq(first_reason(), SSL_R_HANDSHAKE_NOT_COMPLETE);
  cr_assert_not(finish(&pair));
  cr_assert_eq(num_kept, 0);
  cr_assert_eq(SSL_new_session_ticket(pair.client), 0);
  cr_assert_eq(first_reason(), ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  for (int i = 0; i < 3; i++) cr_assert_eq(SSL_new_session_ticket(pair.server), 1);
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), 1);
  cr_assert_eq(num_kept, 3);
  cr_assert_eq(SSL_new_session_ticket(pair.server), 1);
  cr_assert_eq(SSL_write(pair.server, "", 0), 0);
  cr_assert_eq(SSL_read(pair.client, &byte, 1), -1);
  cr_assert_eq(num_kept, 4);
  (void)SSL_shutdown(pair.server);
  cr_assert_eq(SSL_new_session_ticket(pair.server), 0);
  cr_assert_eq(first_reason(), SSL_R_PROTOCOL_IS_SHUTDOWN);
  ssl_pair_free(&pair);
  cr_assert(meet(server_ctx));
}

Test(ssl_session_tickets, the_session_id_context_must_be_the_same) {
  static const uint8_t one[] = "one", two[] = "two";
  cr_assert_eq(SSL_CTX_set_session_id_context(server_ctx, one, 3), 1);
  cr_assert_not(meet(server_ctx));
  cr_assert(meet(server_ctx));
  cr_assert_eq(SSL_CTX_set_session_id_context(server_ctx, two, 3), 1);
  cr_assert_not(meet(server_ctx));
}

Test(ssl_session_tickets, a_session_goes_on_under_its_own_suite) {
  cr_assert_eq(SSL_CTX_set_ciphersuites(client_ctx, "TLS_CHACHA20_POLY1305_SHA256"), 1);
  cr_expect(!meet(server_ctx));
  cr_expect(meet(server_ctx));
  cr_assert_eq(SSL_CTX_set_ciphersuites(client_ctx, "TLS_AES_128_GCM_SHA256"), 1);
  cr_expect(!meet(server_ctx), "another of the same hash");
  cr_expect(meet(server_ctx));
}

Test(ssl_session_tickets, only_who_has_the_keys_takes_them) {
  SSL_CTX *other = ssl_server_ctx("ecdsa-p256");
  uint8_t keys[48];
  cr_assert_not(meet(server_ctx));
  cr_assert_not(meet(other));
  cr_assert_eq(SSL_CTX_get_tlsext_ticket_keys(server_ctx, NULL, 0), 48);
  cr_assert_eq(SSL_CTX_get_tlsext_ticket_keys(server_ctx, keys, 47), 0);
  cr_assert_eq(first_reason(), SSL_R_INVALID_TICKET_KEYS_LENGTH);
  cr_assert_eq(SSL_CTX_get_tlsext_ticket_keys(server_ctx, keys, 48), 1);
  cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(other, keys, 48), 1);
  cr_assert_not(meet(server_ctx)); /* its ticket was the other's */
  size_t len;
  const uint8_t *ticket;
  SSL_SESSION_get0_ticket(kept, &ticket, &len);
  cr_assert_gt(len, 16);
  cr_assert_eq(memcmp(ticket, keys, 16), 0);
  cr_assert(meet(other));
  keys[20] ^= 1; /* the HMAC's */
  cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(server_ctx, keys, 48), 1);
  cr_assert_not(meet(server_ctx));
  SSL_CTX_free(other);
}

Test(ssl_session_tickets, keys_that_were_asked_for_open_earlier_tickets) {
  SSL_CTX *other = ssl_server_ctx("ecdsa-p256");
  uint8_t keys[48];
  cr_assert_not(meet(server_ctx));
  cr_assert_eq(SSL_CTX_get_tlsext_ticket_keys(server_ctx, keys, 48), 1);
  cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(other, keys, 48), 1);
  cr_assert(meet(other)); /* and what it gave for it, the first one opens */
  cr_assert(meet(server_ctx));
  SSL_CTX_free(other);
}

static int key_answer;

static int key_cb(SSL *ssl, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac,
                  int encrypt) {
  static const uint8_t key[32] = {7};
  (void)ssl;
  if (encrypt) {
    memset(name, 0x4e, 16);
    memset(iv, 0x49, 16);
  } else if (key_answer != 1) {
    return key_answer;
  }
  return HMAC_Init_ex(hmac, key, sizeof key, EVP_sha384(), NULL) &&
                 EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key, iv, encrypt)
             ? 1
             : -1;
}

Test(ssl_session_tickets, a_callback_chooses_the_keys) {
  struct ssl_pair pair;
  key_answer = 1;
  cr_assert_eq(SSL_CTX_set_tlsext_ticket_key_cb(server_ctx, key_cb), 1);
  cr_assert_not(meet(server_ctx));
  cr_assert(meet(server_ctx));
  key_answer = 0;
  cr_assert_not(meet(server_ctx));
  key_answer = -1;
  begin(&pair, server_ctx);
  cr_assert_not(ssl_pair_handshake(&pair));
  ssl_pair_free(&pair);
}

static enum ssl_ticket_aead_result_t aead_answer;

static size_t aead_overhead(SSL *ssl) {
  (void)ssl;
  return 1;
}

static int aead_seal(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out_len, const uint8_t *in,
                     size_t in_len) {
  (void)ssl;
  if (max_out_len < in_len + 1) return 0;
  memcpy(out + 1, in, in_len);
  out[0] = 0x53;
  *out_len = in_len + 1;
  return 1;
}

static enum ssl_ticket_aead_result_t aead_open(SSL *ssl, uint8_t *out, size_t *out_len,
                                               size_t max_out_len, const uint8_t *in,
                                               size_t in_len) {
  (void)ssl;
  if (aead_answer != ssl_ticket_aead_success) return aead_answer;
  if (in_len < 1 || in[0] != 0x53 || max_out_len < in_len - 1) return ssl_ticket_aead_error;
  memcpy(out, in + 1, in_len - 1);
  *out_len = in_len - 1;
  return ssl_ticket_aead_success;
}

static const SSL_TICKET_AEAD_METHOD kMethod = {aead_overhead, aead_seal, aead_open};

Test(ssl_session_tickets, a_method_seals_and_opens_them_at_its_leisure) {
  struct ssl_pair pair;
  SSL_CTX_set_ticket_aead_method(server_ctx, &kMethod);
  cr_assert_not(meet(server_ctx));
  begin(&pair, server_ctx);
  cr_assert_eq(SSL_do_handshake(pair.client), -1);
  aead_answer = ssl_ticket_aead_retry;
  for (int i = 0; i < 3; i++) {
    int ret = SSL_do_handshake(pair.server);
    cr_assert_eq(ret, -1);
    cr_assert_eq(SSL_get_error(pair.server, ret), SSL_ERROR_PENDING_TICKET);
  }
  aead_answer = ssl_ticket_aead_success;
  cr_assert(finish(&pair));
  ssl_pair_free(&pair);
  aead_answer = ssl_ticket_aead_ignore_ticket;
  cr_assert_not(meet(server_ctx));
  aead_answer = ssl_ticket_aead_error;
  begin(&pair, server_ctx);
  cr_assert_not(ssl_pair_handshake(&pair));
  ssl_pair_free(&pair);
}
