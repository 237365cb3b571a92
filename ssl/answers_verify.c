/* answers_verify.c: is this chain trusted?  X509_verify_cert with a store, parameters and a name,
 * and the alert for what it says.  The signature over the handshake is verified by the engine
 * before the question is put.
 *
 * Owns: the order in which parameters apply (purpose by role, then hf_answers_param, then the
 * peer's name) and the table from X509_V_ codes to alerts. Leaves to others: whether an untrusted
 * peer matters; that is the verifier's to say. */
#include "ssl/answers_internal.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

uint8_t hf_verify_alert(long result) {
  switch (result) {
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return HF_ALERT_UNKNOWN_CA;
    case X509_V_ERR_CERT_REJECTED:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_EMAIL_MISMATCH:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
    case X509_V_ERR_RPK_UNTRUSTED:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
      return HF_ALERT_BAD_CERTIFICATE;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
      return HF_ALERT_DECRYPT_ERROR;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return HF_ALERT_CERTIFICATE_EXPIRED;
    case X509_V_ERR_CERT_REVOKED:
      return HF_ALERT_CERTIFICATE_REVOKED;
    case X509_V_ERR_INVALID_PURPOSE:
      return HF_ALERT_UNSUPPORTED_CERTIFICATE;
    case X509_V_ERR_APPLICATION_VERIFICATION:
      return HF_ALERT_HANDSHAKE_FAILURE;
    case X509_V_ERR_INVALID_CALL:
    case X509_V_ERR_OUT_OF_MEM:
    case X509_V_ERR_STORE_LOOKUP:
    case X509_V_ERR_UNSPECIFIED:
      return HF_ALERT_INTERNAL_ERROR;
    default:
      return HF_ALERT_CERTIFICATE_UNKNOWN;
  }
}

/* parse_chain makes X509 objects of the chain; NULL with |*alert| set if it cannot. */
static STACK_OF(X509) * parse_chain(uint8_t *alert, const hf_bytes *chain, size_t num) {
  STACK_OF(X509) *certs = sk_X509_new_null();
  *alert = HF_ALERT_INTERNAL_ERROR;
  for (size_t i = 0; certs != NULL && i < num; i++) {
    const uint8_t *der = chain[i].data;
    X509 *cert =
        d2i_X509(NULL, &der, (long)chain[i].len); /* at most 2^24 - 1 bytes (RFC 9846 4.5.1) */
    bool whole = cert != NULL && der == chain[i].data + chain[i].len;
    if (!whole) *alert = HF_ALERT_BAD_CERTIFICATE;
    if (whole && sk_X509_push(certs, cert) > 0) continue;
    X509_free(cert);
    sk_X509_pop_free(certs, X509_free);
    certs = NULL;
  }
  return certs;
}

/* demand_name has |param| demand |name|, as an address if it is one.  A certificate's common name
 * does not count (RFC 6125 6.4.4). */
static bool demand_name(X509_VERIFY_PARAM *param, const char *name, size_t len) {
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  char text[64];
  if (len < sizeof(text)) {
    memcpy(text, name, len);
    text[len] = '\0';
    if (X509_VERIFY_PARAM_set1_ip_asc(param, text)) return true;
  }
  return X509_VERIFY_PARAM_set1_host(param, name, len) == 1;
}

/* set_up prepares |ctx|.  A client that knows no name demands one that no certificate is for. */
static bool set_up(X509_STORE_CTX *ctx, const hf_answers *answers, const hf_question_t *question,
                   hf_role role) {
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  if (!X509_STORE_CTX_set_default(ctx, role == HF_CLIENT ? "ssl_server" : "ssl_client") ||
      !X509_VERIFY_PARAM_set1(param, answers->param))
    return false;
  if (answers->peer_name != NULL)
    return answers->peer_name[0] == '\0' ||
           demand_name(param, answers->peer_name, strlen(answers->peer_name));
  if (role == HF_SERVER) return true;
  hf_bytes sent = question->verdict.server_name;
  if (sent.len > 0) return demand_name(param, (const char *)sent.data, sent.len);
  return demand_name(param, "invalid", strlen("invalid")); /* RFC 6761 6.4 */
}

static uint8_t verify(hf_answers *answers, X509_STORE_CTX *ctx, X509_STORE *store,
                      STACK_OF(X509) * certs, const hf_question_t *question, hf_role role) {
  if (!X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) ||
      !set_up(ctx, answers, question, role))
    return HF_ALERT_INTERNAL_ERROR;
  int trusted = answers->verifier != NULL ? answers->verifier(ctx, answers->verifier_arg)
                                          : X509_verify_cert(ctx);
  answers->verify_result = X509_STORE_CTX_get_error(ctx);
  if (trusted > 0) return 0;
  if (answers->verify_result == X509_V_OK) answers->verify_result = X509_V_ERR_UNSPECIFIED;
  return hf_verify_alert(answers->verify_result);
}

uint8_t hf_answers_verify(hf_answers *answers, const hf_question_t *question, hf_role role) {
  uint8_t alert;
  ERR_set_mark();
  answers->verify_result = X509_V_ERR_UNSPECIFIED;
  STACK_OF(X509) *certs = parse_chain(&alert, question->verdict.chain, question->verdict.num);
  if (certs == NULL) return alert;
  X509_STORE *none = answers->store == NULL ? X509_STORE_new() : NULL;
  X509_STORE *store = answers->store != NULL ? answers->store : none;
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  alert = HF_ALERT_INTERNAL_ERROR;
  if (ctx != NULL && store != NULL) alert = verify(answers, ctx, store, certs, question, role);
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(none);
  sk_X509_pop_free(certs, X509_free);
  if (alert == 0) ERR_pop_to_mark();
  return alert;
}
