/* setup.c: the SSL_CTX and the SSL, as the flags say. */
#include <stdlib.h>
#include <string.h>

#include <openssl/mem.h>
#include <openssl/nid.h>

#include "tests/bogo/shim.h"

static bool set_authorities(SSL_CTX *ctx, const char *list) {
  if (list == NULL) return true;
  if (strcmp(list, "<NULL>") == 0 || strcmp(list, "<EMPTY>") == 0) {
    SSL_CTX_set_client_CA_list(ctx, list[1] == 'N' ? NULL : sk_X509_NAME_new_null());
    return true;
  }
  STACK_OF(X509_NAME) *names = names_from_hex(list);
  if (names == NULL) return false;
  SSL_CTX_set_client_CA_list(ctx, names);
  return true;
}

static bool set_ticket_keys(SSL_CTX *ctx, const struct config *config, SSL_CTX *old) {
  uint8_t keys[48];
  if (old != NULL) {
    return SSL_CTX_get_tlsext_ticket_keys(old, keys, sizeof keys) &&
           SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof keys);
  }
  const struct data *given = &config->ticket_key;
  return given->len == 0 || SSL_CTX_set_tlsext_ticket_keys(ctx, given->bytes, given->len);
}

/* The runner takes for granted what BoringSSL takes by default; here Ed25519 and P-521 come with
 * it. */
static bool set_verify_prefs(SSL_CTX *ctx, const struct list *prefs) {
  static const uint16_t usual[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                   SSL_SIGN_RSA_PKCS1_SHA256,       SSL_SIGN_ECDSA_SECP384R1_SHA384,
                                   SSL_SIGN_RSA_PSS_RSAE_SHA384,    SSL_SIGN_RSA_PKCS1_SHA384,
                                   SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512};
  return prefs->num > 0
             ? SSL_CTX_set_verify_algorithm_prefs(ctx, prefs->items, prefs->num)
             : SSL_CTX_set_verify_algorithm_prefs(ctx, usual, sizeof usual / sizeof *usual);
}

static bool set_context(SSL_CTX *ctx, const struct config *config, SSL_CTX *old) {
  const struct data *scts = &config->signed_cert_timestamps;
  if (config->cipher != NULL || config->server_preference) {
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  /* BoringSSL's servers do so unasked. */
  if (config->enable_grease || config->server) SSL_CTX_set_grease_enabled(ctx, 1);
  if (config->permute_extensions) SSL_CTX_set_permute_extensions(ctx, 1);
  /* Each connection has an SSL_CTX of its own, which does not know what the last one accepted. */
  SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
  if (config->enable_early_data) SSL_CTX_set_early_data_enabled(ctx, 1);
  if (config->allow_unknown_alpn_protos) SSL_CTX_set_allow_unknown_alpn_protos(ctx, 1);
  if (config->allow_false_start_without_alpn) SSL_CTX_set_false_start_allowed_without_alpn(ctx, 1);
  if (config->reverify_on_resume) SSL_CTX_set_reverify_on_resume(ctx, 1);
  callbacks_context(ctx, config);
  return SSL_CTX_set_cipher_list(ctx, config->cipher == NULL ? "ALL" : config->cipher) &&
         (scts->len == 0 || SSL_CTX_set_signed_cert_timestamp_list(ctx, scts->bytes, scts->len)) &&
         set_verify_prefs(ctx, &config->verify_prefs) &&
         (!config->quic || SSL_CTX_set_quic_method(ctx, &quic_method)) &&
         set_authorities(ctx, config->use_client_ca_list) && handlers_compression(ctx, config) &&
         set_ticket_keys(ctx, config, old);
}

SSL_CTX *setup_context(const struct config *config, SSL_CTX *old) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  if (ctx != NULL && set_context(ctx, config, old)) {
    if (old != NULL) sessions_copy(ctx);
    return ctx;
  }
  SSL_CTX_free(ctx);
  return NULL;
}

static bool set_curves(SSL *ssl, const struct list *curves) {
  static const struct {
    uint16_t id;
    int nid;
  } known[] = {{SSL_CURVE_X25519, NID_X25519},
               {SSL_CURVE_SECP256R1, NID_X9_62_prime256v1},
               {SSL_CURVE_SECP384R1, NID_secp384r1},
               {SSL_CURVE_SECP521R1, NID_secp521r1}};
  int nids[sizeof curves->items / sizeof *curves->items];
  for (size_t i = 0; i < curves->num; i++) {
    size_t j = 0;
    while (j < sizeof known / sizeof *known && known[j].id != curves->items[i]) j++;
    if (j == sizeof known / sizeof *known) exit(EXIT_UNIMPLEMENTED);
    nids[i] = known[j].nid;
  }
  return curves->num == 0 || SSL_set1_curves(ssl, nids, curves->num);
}

/* BoringSSL pads its hellos unasked. */
static void set_options(SSL *ssl, const struct config *config) {
  SSL_set_options(ssl, (config->quic ? 0u : SSL_OP_TLSEXT_PADDING) |
                           (config->no_tls13 ? SSL_OP_NO_TLSv1_3 : 0u) |
                           (config->no_tls12 ? SSL_OP_NO_TLSv1_2 : 0u) |
                           (config->no_tls11 ? SSL_OP_NO_TLSv1_1 : 0u) |
                           (config->no_tls1 ? SSL_OP_NO_TLSv1 : 0u) |
                           (config->no_ticket ? SSL_OP_NO_TICKET : 0u));
  SSL_set_mode(ssl, (config->fallback_scsv ? SSL_MODE_SEND_FALLBACK_SCSV : 0u) |
                        (config->false_start ? SSL_MODE_ENABLE_FALSE_START : 0u) |
                        (config->partial_write ? SSL_MODE_ENABLE_PARTIAL_WRITE : 0u));
  if (config->enable_ocsp_stapling) SSL_enable_ocsp_stapling(ssl);
  if (config->enable_signed_cert_timestamps) SSL_enable_signed_cert_timestamps(ssl);
  SSL_set_enforce_rsa_key_usage(ssl, config->enforce_rsa_key_usage);
  if (config->jdk11_workaround) SSL_set_jdk11_workaround(ssl, 1);
  if (config->retain_only_sha256_client_cert) SSL_set_retain_only_sha256_of_client_certs(ssl, 1);
  /* With that option BoringSSL gives none in TLS 1.3 either, and OpenSSL gives such as stand for
   * sessions that the server keeps. */
  if (config->no_ticket) SSL_set_num_tickets(ssl, 0);
  if (config->max_cert_list > 0) SSL_set_max_cert_list(ssl, (size_t)config->max_cert_list);
  if (!config->check_close_notify) SSL_set_quiet_shutdown(ssl, 1);
}

static bool set_quic(SSL *ssl, const struct config *config) {
  const struct data *params = &config->quic_transport_params;
  const char *context = config->quic_early_data_context;
  if (config->quic_use_legacy_codepoint != -1) {
    SSL_set_quic_use_legacy_codepoint(ssl, config->quic_use_legacy_codepoint);
  }
  return (params->len == 0 || SSL_set_quic_transport_params(ssl, params->bytes, params->len)) &&
         (context == NULL ||
          SSL_set_quic_early_data_context(ssl, (const uint8_t *)context, strlen(context)));
}

static bool set_session(SSL *ssl, const struct config *config, SSL_SESSION *session) {
  if (session == NULL) return true;
  if (!config->server) return SSL_set_session(ssl, session);
  if (!config->async) return true; /* the SSL_CTX has it */
  SSL_SESSION_up_ref(session);
  state_of(ssl)->offered = session;
  return true;
}

static bool set_connection(SSL *ssl, const struct config *config, SSL_SESSION *session) {
  set_options(ssl, config);
  const char *alpn = config->advertise_alpn;
  return callbacks_connection(ssl, config) &&
         (config->host_name == NULL || SSL_set_tlsext_host_name(ssl, config->host_name)) &&
         (alpn == NULL ||
          SSL_set_alpn_protos(ssl, (const uint8_t *)alpn, (unsigned)strlen(alpn)) == 0) &&
         (config->min_version == 0 ||
          SSL_set_min_proto_version(ssl, (uint16_t)config->min_version)) &&
         (config->max_version == 0 ||
          SSL_set_max_proto_version(ssl, (uint16_t)config->max_version)) &&
         (config->max_send_fragment == 0 ||
          SSL_set_max_send_fragment(ssl, (size_t)config->max_send_fragment)) &&
         set_curves(ssl, &config->curves) && set_quic(ssl, config) &&
         set_session(ssl, config, session) &&
         (config->delegated_credential == NULL ||
          delegated_install(ssl, config->delegated_credential));
}

SSL *setup_connection(SSL_CTX *ctx, struct state *state, SSL_SESSION *session) {
  SSL *ssl = SSL_new(ctx);
  if (ssl == NULL || !state_attach(ssl, state) || !set_connection(ssl, state->config, session)) {
    SSL_free(ssl);
    return NULL;
  }
  if (state->config->server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
  return ssl;
}
