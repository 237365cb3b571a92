/* report.c: what was negotiated, in words. */
#include <stdarg.h>
#include <string.h>

#include "tools/tools.h"

const char *signature_name(uint16_t sigalg) {
  static const struct {
    uint16_t sigalg;
    const char *name;
  } names[] = {{SSL_SIGN_ECDSA_SECP256R1_SHA256, "ecdsa_secp256r1_sha256"},
               {SSL_SIGN_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384"},
               {SSL_SIGN_ECDSA_SECP521R1_SHA512, "ecdsa_secp521r1_sha512"},
               {SSL_SIGN_RSA_PSS_RSAE_SHA256, "rsa_pss_rsae_sha256"},
               {SSL_SIGN_RSA_PSS_RSAE_SHA384, "rsa_pss_rsae_sha384"},
               {SSL_SIGN_RSA_PSS_RSAE_SHA512, "rsa_pss_rsae_sha512"},
               {SSL_SIGN_ED25519, "ed25519"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (names[i].sigalg == sigalg) return names[i].name;
  }
  return "none";
}

struct text {
  char *out;
  size_t len, max;
};

/* line adds one; the peer has a say in some values, so what is not plain ASCII becomes '?'. */
__attribute__((format(printf, 3, 4))) static void line(struct text *text, const char *name,
                                                       const char *format, ...) {
  char value[512];
  va_list args;
  va_start(args, format);
  vsnprintf(value, sizeof value, format, args);
  va_end(args);
  for (char *at = value; *at != 0; at++) {
    if (*at < ' ' || *at > '~') *at = '?';
  }
  int len = snprintf(text->out + text->len, text->max - text->len, "%s: %s\n", name, value);
  if (len > 0) text->len += (size_t)len;
  if (text->len >= text->max) text->len = text->max - 1;
}

static void certificate(struct text *text, const SSL *ssl) {
  X509 *leaf = SSL_get0_peer_certificate(ssl);
  char subject[256], issuer[256];
  if (leaf == NULL) {
    line(text, "peer certificate", "none");
    return;
  }
  X509_NAME_oneline(X509_get_subject_name(leaf), subject, sizeof subject);
  X509_NAME_oneline(X509_get_issuer_name(leaf), issuer, sizeof issuer);
  line(text, "peer certificate", "%s", subject);
  line(text, "issued by", "%s", issuer);
  line(text, "verified", "%s", X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  line(text, "peer signature", "%s", signature_name(SSL_get_peer_signature_algorithm(ssl)));
}

void report(char *out, size_t max, const SSL *ssl) {
  struct text text = {.out = out, .max = max};
  const char *group = SSL_get_group_name(SSL_get_group_id(ssl));
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const uint8_t *alpn;
  unsigned alpn_len;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
  out[0] = 0;
  line(&text, "protocol", "%s", SSL_get_version(ssl));
  line(&text, "suite", "%s", SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
  line(&text, "group", "%s", group != NULL ? group : "none");
  line(&text, "server name", "%s", name != NULL ? name : "none");
  line(&text, "application protocol", "%.*s", alpn_len == 0 ? 4 : (int)alpn_len,
       alpn_len == 0 ? "none" : (const char *)alpn);
  line(&text, "hello retry request", "%s", SSL_used_hello_retry_request(ssl) ? "yes" : "no");
  line(&text, "resumed", "%s", SSL_session_reused(ssl) ? "yes" : "no");
  certificate(&text, ssl);
}
