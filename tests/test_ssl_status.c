/* OCSP stapling in the manner of OpenSSL, and what was stapled kept with sessions. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <string.h>

#include "ssl_kept.h"

#define OCSP_TEXT "an OCSP response"
#define SCTS_TEXT "\0\x0b\0\3one\0\4four"
static const uint8_t *const ocsp = (const uint8_t *)OCSP_TEXT;
static const uint8_t *const scts = (const uint8_t *)SCTS_TEXT;
enum { OCSP_LEN = sizeof OCSP_TEXT - 1, SCTS_LEN = sizeof SCTS_TEXT - 1 };

static int answer, asked; /* what the callback is to say, and how often it was asked */
static int cookie;

TestSuite(ssl_status, .init = kept_set_up, .fini = kept_tear_down, .timeout = 60);

static void begin(struct ssl_pair *pair, int type) {
  cr_assert(ssl_pair_new(pair, client_ctx, server_ctx, 65536));
  cr_assert_eq(SSL_set_tlsext_status_type(pair->client, type), 1);
  cr_assert_eq(SSL_set_session(pair->client, kept), 1);
}

static void expect(const SSL *ssl, size_t len) {
  const uint8_t *data;
  cr_assert_eq(SSL_get_tlsext_status_ocsp_resp(ssl, &data), len);
  if (len > 0) cr_assert_arr_eq(data, ocsp, len);
}

/* ---- The callback ---- */

static int on_server(SSL *ssl, void *arg) {
  cr_assert(SSL_is_server(ssl) && arg == &cookie);
  cr_assert_eq(SSL_get_tlsext_status_type(ssl), TLSEXT_STATUSTYPE_ocsp);
  asked++;
  uint8_t *copy = OPENSSL_memdup(ocsp, OCSP_LEN);
  cr_assert_eq(SSL_set_tlsext_status_ocsp_resp(ssl, copy, OCSP_LEN), 1);
  return answer;
}

Test(ssl_status, a_server_is_asked_when_a_client_asks) {
  struct ssl_pair pair;
  cr_assert_eq(SSL_CTX_set_tlsext_status_cb(server_ctx, on_server), 1);
  cr_assert_eq(SSL_CTX_set_tlsext_status_arg(server_ctx, &cookie), 1);
  answer = SSL_TLSEXT_ERR_OK;
  begin(&pair, TLSEXT_STATUSTYPE_nothing);
  cr_assert_eq(SSL_get_tlsext_status_type(pair.client), TLSEXT_STATUSTYPE_nothing);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_get_tlsext_status_type(pair.server), TLSEXT_STATUSTYPE_nothing);
  cr_assert_eq(asked, 0);
  expect(pair.client, 0);
  ssl_pair_free(&pair);
  for (int i = 0; i < 2; i++) {
    answer = i == 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
    begin(&pair, TLSEXT_STATUSTYPE_ocsp);
    cr_assert_eq(SSL_get_tlsext_status_type(pair.client), TLSEXT_STATUSTYPE_ocsp);
    cr_assert(ssl_pair_handshake(&pair));
    cr_assert_eq(asked, i + 1);
    expect(pair.client, i == 0 ? OCSP_LEN : 0);
    ssl_pair_free(&pair);
  }
}

/* fails expects the handshake to fail on the side that asks, and the other to be told. */
static void fails(bool server, int alert) {
  struct ssl_pair pair;
  begin(&pair, TLSEXT_STATUSTYPE_ocsp);
  cr_assert_not(ssl_pair_handshake(&pair));
  for (int i = 0; i < 2; i++) {
    bool us = (i == 0) == server;
    (void)SSL_do_handshake(i == 0 ? pair.server : pair.client);
    cr_assert_eq(first_reason(), us ? SSL_R_OCSP_CB_ERROR : SSL_AD_REASON_OFFSET + alert, "%d: %d",
                 i, first_reason());
  }
  ssl_pair_free(&pair);
}

Test(ssl_status, a_server_fails) {
  SSL_CTX_set_tlsext_status_cb(server_ctx, on_server);
  SSL_CTX_set_tlsext_status_arg(server_ctx, &cookie);
  answer = SSL_TLSEXT_ERR_ALERT_FATAL;
  fails(true, SSL_AD_INTERNAL_ERROR);
  answer = -1;
  fails(true, SSL_AD_INTERNAL_ERROR);
}

static int on_client(SSL *ssl, void *arg) {
  cr_assert(!SSL_is_server(ssl) && arg == &cookie);
  cr_assert_eq(SSL_get_verify_result(ssl), X509_V_OK, "the chain was looked at before");
  cr_assert_not_null(SSL_get0_peer_certificates(ssl));
  expect(ssl, OCSP_LEN);
  asked++;
  return answer;
}

static enum ssl_verify_result_t trust(SSL *ssl, uint8_t *out_alert) {
  (void)ssl, (void)out_alert;
  return ssl_verify_ok;
}

Test(ssl_status, a_client_looks_at_what_came) {
  struct ssl_pair pair;
  cr_assert_eq(SSL_CTX_set_ocsp_response(server_ctx, ocsp, OCSP_LEN), 1);
  SSL_CTX_set_tlsext_status_cb(client_ctx, on_client);
  SSL_CTX_set_tlsext_status_arg(client_ctx, &cookie);
  for (int custom = 0; custom < 2; custom++) {
    if (custom) SSL_CTX_set_custom_verify(client_ctx, SSL_VERIFY_PEER, trust);
    asked = 0;
    answer = 1;
    begin(&pair, TLSEXT_STATUSTYPE_nothing);
    cr_assert(ssl_pair_handshake(&pair));
    cr_assert_eq(asked, 0);
    ssl_pair_free(&pair);
    begin(&pair, TLSEXT_STATUSTYPE_ocsp);
    cr_assert(ssl_pair_handshake(&pair));
    cr_assert_eq(asked, 1);
    ssl_pair_free(&pair);
    answer = 0;
    fails(false, SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE);
    answer = -1;
    fails(false, SSL_AD_INTERNAL_ERROR);
    cr_assert_eq(asked, 3);
  }
}

static int never(SSL *ssl, void *arg) {
  (void)ssl, (void)arg;
  cr_assert(false, "asked of a server that is not trusted");
  return 1;
}

Test(ssl_status, who_is_not_trusted_is_not_looked_at) {
  struct ssl_pair pair;
  SSL_CTX *other = SSL_CTX_new(TLS_method());
  SSL_CTX_set_verify(other, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_tlsext_status_cb(other, never);
  cr_assert(ssl_pair_new(&pair, other, server_ctx, 0));
  cr_assert_eq(SSL_set_tlsext_status_type(pair.client, TLSEXT_STATUSTYPE_ocsp), 1);
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(first_reason(), SSL_R_CERTIFICATE_VERIFY_FAILED);
  ssl_pair_free(&pair);
  SSL_CTX_free(other);
}

/* ---- Sessions ---- */

static void session_has(const SSL_SESSION *session, bool both) {
  const uint8_t *data;
  size_t len;
  SSL_SESSION_get0_ocsp_response(session, &data, &len);
  cr_assert_eq(len, both ? OCSP_LEN : 0);
  if (both) cr_assert_arr_eq(data, ocsp, OCSP_LEN);
  SSL_SESSION_get0_signed_cert_timestamp_list(session, &data, &len);
  cr_assert_eq(len, both ? SCTS_LEN : 0);
  if (both) cr_assert_arr_eq(data, scts, SCTS_LEN);
}

/* get_session completes a handshake and reads the server's tickets. */
static void get_session(struct ssl_pair *pair, bool resumed) {
  char byte;
  begin(pair, TLSEXT_STATUSTYPE_ocsp);
  SSL_enable_signed_cert_timestamps(pair->client);
  cr_assert(ssl_pair_handshake(pair));
  cr_assert_eq(SSL_session_reused(pair->client), resumed);
  cr_assert_eq(SSL_write(pair->server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair->client, &byte, 1), 1);
}

Test(ssl_status, sessions_keep_what_was_stapled) {
  struct ssl_pair pair;
  uint8_t *data;
  const uint8_t *list;
  size_t len;
  cr_assert_eq(SSL_CTX_set_ocsp_response(server_ctx, ocsp, OCSP_LEN), 1);
  cr_assert_eq(SSL_CTX_set_signed_cert_timestamp_list(server_ctx, scts, SCTS_LEN), 1);
  get_session(&pair, false);
  session_has(SSL_get_session(pair.client), true);
  session_has(SSL_get_session(pair.server), false);
  ssl_pair_free(&pair);
  session_has(kept, true);
  cr_assert_eq(SSL_SESSION_to_bytes(kept, &data, &len), 1);
  SSL_SESSION_free(kept);
  kept = SSL_SESSION_from_bytes(data, len, client_ctx);
  OPENSSL_free(data);
  cr_assert_not_null(kept);
  session_has(kept, true);
  get_session(&pair, true);
  expect(pair.client, OCSP_LEN);
  SSL_get0_signed_cert_timestamp_list(pair.client, &list, &len);
  cr_assert_eq(len, SCTS_LEN);
  ssl_pair_free(&pair);
  session_has(kept, true);
}

/* [15] and [16] stand where BoringSSL has them, each an OCTET STRING. */
Test(ssl_status, sessions_from_elsewhere) {
  static const uint8_t der[] = {0x30, 0x2a, 0x02, 0x01, 0x01, 0x02, 0x02, 0x03, 0x04, 0x04, 0x02,
                                0x13, 0x01, 0x04, 0x01, 0x07, 0x04, 0x01, 0x09, 0xa1, 0x03, 0x02,
                                0x01, 0x05, 0xa2, 0x03, 0x02, 0x01, 0x06, 0xa4, 0x02, 0x04, 0x00,
                                0xaf, 0x03, 0x04, 0x01, 's',  0xb0, 0x04, 0x04, 0x02, 'o',  'k'};
  const uint8_t *data;
  uint8_t *out = NULL;
  size_t len;
  SSL_SESSION *session = SSL_SESSION_from_bytes(der, sizeof der, client_ctx);
  cr_assert_not_null(session);
  SSL_SESSION_get0_signed_cert_timestamp_list(session, &data, &len);
  cr_assert(len == 1 && data[0] == 's');
  SSL_SESSION_get0_ocsp_response(session, &data, &len);
  cr_assert(len == 2 && memcmp(data, "ok", 2) == 0);
  cr_assert_eq(i2d_SSL_SESSION(session, &out), sizeof der);
  cr_assert_arr_eq(out, der, sizeof der);
  OPENSSL_free(out);
  SSL_SESSION_free(session);
}
