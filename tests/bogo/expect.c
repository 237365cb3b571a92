/* expect.c: whether a connection is what the flags say that it must be. */
#include <stdio.h>
#include <string.h>

#include <openssl/aead.h>

#include "tests/bogo/shim.h"

/* expect says |what| unless |ok|. */
static bool expect(bool ok, const char *what) { return ok || complain("%s", what); }

static bool expect_number(int expected, int got, const char *what) {
  return expected == 0 || expected == got || complain("%s is %04x, not %04x", what, got, expected);
}

static bool expect_data(const struct data *expected, const uint8_t *got, size_t len,
                        const char *what) {
  return expected->len == 0 || expect(data_is(expected, got, len), what);
}

/* ---- What the peer asked for ---- */

bool expect_peer_verify_prefs(const SSL *ssl) {
  const struct list *expected = &state_of(ssl)->config->expect_peer_verify_pref;
  const uint16_t *got;
  size_t num = SSL_get0_peer_verify_algorithms(ssl, &got);
  return expected->num == 0 ||
         expect(num == expected->num && memcmp(got, expected->items, num * sizeof *got) == 0,
                "the peer verifies with other algorithms");
}

static bool expect_authorities(const SSL *ssl, const char *list) {
  if (list == NULL) return true;
  STACK_OF(X509_NAME) *expected = names_from_hex(list), *got = SSL_get_client_CA_list(ssl);
  bool ok = expected != NULL && sk_X509_NAME_num(expected) == sk_X509_NAME_num(got) &&
            sk_CRYPTO_BUFFER_num(SSL_get0_server_requested_CAs(ssl)) == sk_X509_NAME_num(got);
  for (size_t i = 0; ok && i < sk_X509_NAME_num(got); i++) {
    ok = X509_NAME_cmp(sk_X509_NAME_value(expected, i), sk_X509_NAME_value(got, i)) == 0;
  }
  sk_X509_NAME_pop_free(expected, X509_NAME_free);
  return expect(ok, "other certificate authorities");
}

bool expect_certificate_request(const SSL *ssl) {
  const struct config *config = state_of(ssl)->config;
  const uint8_t *types;
  size_t num = SSL_get0_certificate_types(ssl, &types);
  return expect_peer_verify_prefs(ssl) &&
         expect_data(&config->expect_certificate_types, types, num, "other certificate types") &&
         expect_authorities(ssl, config->expect_client_ca_list);
}

/* ---- The peer ---- */

static bool expect_chain(const SSL *ssl, const char *file) {
  X509 *leaf, *got;
  STACK_OF(X509) * chain, *got_chain = SSL_get_peer_cert_chain(ssl);
  if (file == NULL) return true;
  if (!certificate_load(&leaf, &chain, file)) return complain("%s cannot be read", file);
  got = SSL_get_peer_certificate(ssl);
  /* A client's list has the peer's own certificate in it, a server's has not. */
  size_t skip = SSL_is_server(ssl) ? 0 : 1;
  bool ok = got != NULL && X509_cmp(got, leaf) == 0 &&
            sk_X509_num(got_chain) == sk_X509_num(chain) + skip;
  for (size_t i = 0; ok && i < sk_X509_num(chain); i++) {
    ok = X509_cmp(sk_X509_value(chain, i), sk_X509_value(got_chain, i + skip)) == 0;
  }
  X509_free(got);
  X509_free(leaf);
  sk_X509_pop_free(chain, X509_free);
  return expect(ok, "another chain");
}

static bool expect_peer_hash(const SSL *ssl, const struct config *config) {
  const SSL_SESSION *session = SSL_get_session(ssl);
  const uint8_t *hash;
  size_t len;
  SSL_SESSION_get0_peer_sha256(session, &hash, &len);
  bool has = SSL_SESSION_has_peer_sha256(session);
  return expect(has == config->expect_sha256_client_cert, "the hash of a client's certificate") &&
         expect(len == (has ? 32u : 0u), "the length of that hash") &&
         expect(!has || SSL_SESSION_get0_peer_certificates(session) == NULL,
                "both the hash and the chain");
}

static bool expect_auth(const SSL *ssl, const struct config *config) {
  const uint8_t *ocsp, *scts;
  size_t ocsp_len, scts_len;
  SSL_get0_ocsp_response(ssl, &ocsp, &ocsp_len);
  SSL_get0_signed_cert_timestamp_list(ssl, &scts, &scts_len);
  long result = config->verify_fail ? X509_V_ERR_APPLICATION_VERIFICATION : X509_V_OK;
  return expect_data(&config->expect_ocsp_response, ocsp, ocsp_len, "another OCSP response") &&
         expect_data(&config->expect_signed_cert_timestamps, scts, scts_len, "other SCTs") &&
         expect(!config->expect_verify_result || SSL_get_verify_result(ssl) == result,
                "the verification's result") &&
         expect_chain(ssl, config->expect_peer_cert_file) && expect_peer_hash(ssl, config) &&
         expect((config->server && !config->require_any_client_certificate) ||
                    SSL_get_peer_cert_chain(ssl) != NULL,
                "no chain of the peer's");
}

/* ---- Sessions and how far it went ---- */

static bool expect_progress(const SSL *ssl, const struct config *config, bool is_resume) {
  const struct state *state = state_of(ssl);
  bool early = SSL_in_early_data(ssl), reused = SSL_session_reused(ssl);
  bool done = (is_resume || !config->false_start) && !early;
  bool session = !config->expect_no_session && (!reused || config->expect_ticket_renewal) &&
                 SSL_version(ssl) < TLS1_3_VERSION;
  return expect(reused == (is_resume && (!config->expect_session_miss || early)),
                "resumed or not") &&
         expect(done == state->handshake_done, "done or not") &&
         expect(!done || config->server || session == state->got_new_session,
                "a session, or none") &&
         expect(is_resume || !config->expect_session_id || state->got_new_session,
                "no session was kept") &&
         expect(is_resume || !config->expect_no_session_id || !state->got_new_session,
                "a session was kept") &&
         expect(!config->server || state->hello_seen, "the first callback was not called");
}

static bool expect_early(const SSL *ssl, const struct config *config, bool is_resume) {
  const char *reason = SSL_early_data_reason_string(SSL_get_early_data_reason(ssl));
  bool accepted = SSL_early_data_accepted(ssl);
  if (is_resume && !expect_number(config->expect_ticket_age_skew, SSL_get_ticket_age_skew(ssl),
                                  "the age's skew")) {
    return false;
  }
  if (SSL_in_early_data(ssl)) return true;
  return expect(!config->expect_accept_early_data || accepted, "early data was refused") &&
         expect(!config->expect_reject_early_data || !accepted, "early data was accepted") &&
         (config->expect_early_data_reason == NULL ||
          strcmp(config->expect_early_data_reason, reason) == 0 ||
          complain("early data: %s, not %s", reason, config->expect_early_data_reason));
}

/* ---- What was negotiated ---- */

static bool expect_alpn(const SSL *ssl, const struct config *config) {
  const char *expected = config->server ? config->select_alpn : config->expect_alpn;
  const uint8_t *got;
  unsigned len;
  SSL_get0_alpn_selected(ssl, &got, &len);
  size_t expected_len = expected == NULL ? 0 : strlen(expected);
  return expect(len == expected_len && (len == 0 || memcmp(got, expected, len) == 0),
                "another ALPN protocol");
}

static bool expect_suite(const SSL *ssl, const struct config *config) {
  const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
  if (cipher == NULL) return complain("there is no suite");
  int id = SSL_CIPHER_get_protocol_id(cipher);
  int by_machine =
      EVP_has_aes_hardware() ? config->expect_cipher_aes : config->expect_cipher_no_aes;
  return expect_number(config->expect_cipher, id, "the suite") &&
         expect_number(by_machine, id, "the suite");
}

static bool expect_quic_params(const SSL *ssl, const struct config *config) {
  const uint8_t *params;
  size_t len;
  if (!config->quic || SSL_in_early_data(ssl)) return true;
  SSL_get_peer_quic_transport_params(ssl, &params, &len);
  return expect_data(&config->expect_quic_transport_params, params, len,
                     "other transport parameters");
}

static bool expect_facts(const SSL *ssl, const struct config *config) {
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  bool safe = SSL_get_secure_renegotiation_support(ssl),
       retried = SSL_used_hello_retry_request(ssl);
  return expect_number(config->expect_version, SSL_version(ssl), "the version") &&
         expect_number(config->expect_peer_signature_algorithm,
                       SSL_get_peer_signature_algorithm(ssl), "the peer's signature algorithm") &&
         expect_number(config->expect_curve_id, SSL_get_curve_id(ssl), "the group") &&
         expect(config->expect_server_name == NULL ||
                    (name != NULL && strcmp(name, config->expect_server_name) == 0),
                "another server name") &&
         expect(!config->expect_extended_master_secret || SSL_get_extms_support(ssl),
                "no extended main secret") &&
         expect(!config->expect_secure_renegotiation || safe, "no secure renegotiation") &&
         expect(!config->expect_no_secure_renegotiation || !safe, "secure renegotiation") &&
         expect(!config->expect_hrr || retried, "no HelloRetryRequest") &&
         expect(!config->expect_no_hrr || !retried, "a HelloRetryRequest") &&
         expect(config->expect_delegated_credential_used == SSL_delegated_credential_used(ssl),
                "a delegated credential or none");
}

bool expect_handshake(SSL *ssl, const struct config *config, bool is_resume) {
  return expect_auth(ssl, config) && expect_progress(ssl, config, is_resume) &&
         expect_facts(ssl, config) && expect_suite(ssl, config) && expect_alpn(ssl, config) &&
         expect_quic_params(ssl, config) && expect_early(ssl, config, is_resume);
}
