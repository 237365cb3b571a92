/* pause.c: the callbacks that may have to be waited for, other than the certificate callback: early
 * certificate selection, a private key elsewhere, verification by the application.
 *
 * Owns: their setters, io.key_op, io.verifying; SSL_CLIENT_HELLO.  Each ssl_ask_ function answers
 * or refuses the pending question, or sets ssl->want and leaves it pending: then the next call asks
 * again.  Nothing is kept for a callback but what says that it was asked before, so that a
 * connection that is freed while it waits has nothing to take back.  Leaves to others: when to ask
 * (questions.c). */
#include <openssl/bytestring.h>
#include <openssl/err.h>

#include "ssl/driver.h"

static bool reject(SSL *ssl, int reason, uint8_t alert) {
  ssl->io.refusal = reason;
  return hf_refuse(ssl->conn, alert) == HF_OK;
}

/* ---- The ClientHello, before anything is decided ---- */

void SSL_CTX_set_select_certificate_cb(
    SSL_CTX *ctx, enum ssl_select_cert_result_t (*cb)(const SSL_CLIENT_HELLO *hello)) {
  ctx->select_certificate_cb = cb;
}

void SSL_CTX_set_dos_protection_cb(SSL_CTX *ctx, int (*cb)(const SSL_CLIENT_HELLO *hello)) {
  ctx->dos_protection_cb = cb;
}

/* RFC 9846 4.2.2 */
bool ssl_open_hello(SSL_CLIENT_HELLO *out, SSL *ssl, hf_bytes message) {
  CBS cbs, random, session_id, suites, compression, extensions;
  CBS_init(&cbs, message.data, message.len);
  if (!CBS_skip(&cbs, SSL3_HM_HEADER_LENGTH)) return false;
  *out = (SSL_CLIENT_HELLO){
      .ssl = ssl, .client_hello = CBS_data(&cbs), .client_hello_len = CBS_len(&cbs)};
  CBS_init(&extensions, NULL, 0);
  if (!CBS_get_u16(&cbs, &out->version) || !CBS_get_bytes(&cbs, &random, SSL3_RANDOM_SIZE) ||
      !CBS_get_u8_length_prefixed(&cbs, &session_id) ||
      !CBS_get_u16_length_prefixed(&cbs, &suites) ||
      !CBS_get_u8_length_prefixed(&cbs, &compression) ||
      (CBS_len(&cbs) > 0 && !CBS_get_u16_length_prefixed(&cbs, &extensions)))
    return false;
  out->random = CBS_data(&random);
  out->random_len = CBS_len(&random);
  out->session_id = CBS_data(&session_id);
  out->session_id_len = CBS_len(&session_id);
  out->cipher_suites = CBS_data(&suites);
  out->cipher_suites_len = CBS_len(&suites);
  out->compression_methods = CBS_data(&compression);
  out->compression_methods_len = CBS_len(&compression);
  out->extensions = CBS_data(&extensions);
  out->extensions_len = CBS_len(&extensions);
  return true;
}

int SSL_early_callback_ctx_extension_get(const SSL_CLIENT_HELLO *client_hello,
                                         uint16_t extension_type, const uint8_t **out_data,
                                         size_t *out_len) {
  CBS extensions, body;
  uint16_t type;
  CBS_init(&extensions, client_hello->extensions, client_hello->extensions_len);
  while (CBS_get_u16(&extensions, &type) && CBS_get_u16_length_prefixed(&extensions, &body)) {
    if (type != extension_type) continue;
    *out_data = CBS_data(&body);
    *out_len = CBS_len(&body);
    return 1;
  }
  return 0;
}

int ssl_ask_select(SSL *ssl, hf_bytes message) {
  SSL_CLIENT_HELLO hello;
  if (ssl->ctx->select_certificate_cb == NULL) return 1;
  if (!ssl_open_hello(&hello, ssl, message)) {
    reject(ssl, ERR_R_INTERNAL_ERROR, SSL_AD_INTERNAL_ERROR);
    return 0;
  }
  switch (ssl->ctx->select_certificate_cb(&hello)) {
    case ssl_select_cert_success:
      return 1;
    case ssl_select_cert_retry:
      ssl->want = SSL_ERROR_PENDING_CERTIFICATE;
      return -1;
    case ssl_select_cert_error:
    case ssl_select_cert_disable_ech: /* there is no ECH to disable */
      break;
  }
  reject(ssl, SSL_R_CONNECTION_REJECTED, SSL_AD_HANDSHAKE_FAILURE);
  return 0;
}

bool ssl_ask_dos(SSL *ssl, hf_bytes message) {
  SSL_CLIENT_HELLO hello;
  if (ssl->ctx->dos_protection_cb == NULL ||
      (ssl_open_hello(&hello, ssl, message) && ssl->ctx->dos_protection_cb(&hello) != 0))
    return true;
  reject(ssl, SSL_R_CONNECTION_REJECTED, SSL_AD_INTERNAL_ERROR);
  return false;
}

/* ---- A client's certificate, the old way ---- */

/* ask_client_cert is the certificate callback of an SSL_CTX with a client_cert_cb. */
static int ask_client_cert(SSL *ssl, void *arg) {
  (void)arg;
  if (ssl->role != SSL_ROLE_CLIENT || ssl->ctx->client_cert_cb == NULL) return 1;
  const ssl_credentials *credentials = ssl_get_credentials(ssl);
  if (credentials == NULL) return 0;
  if (credentials->num > 0) return 1;
  X509 *x509 = NULL;
  EVP_PKEY *key = NULL;
  int ret = ssl->ctx->client_cert_cb(ssl, &x509, &key);
  if (ret < 0) return -1;
  bool ok = ret == 0 || (SSL_use_certificate(ssl, x509) && SSL_use_PrivateKey(ssl, key));
  X509_free(x509);
  EVP_PKEY_free(key);
  return ok;
}

void SSL_CTX_set_client_cert_cb(SSL_CTX *ctx,
                                int (*cb)(SSL *ssl, X509 **out_x509, EVP_PKEY **out_pkey)) {
  SSL_CTX_set_cert_cb(ctx, ask_client_cert, NULL);
  ctx->client_cert_cb = cb;
}

/* question_of returns the question that |ssl| is stopped at. */
static const hf_question_t *question_of(const SSL *ssl) {
  return ssl->conn == NULL ? NULL : hf_question(ssl->conn);
}

size_t SSL_get0_certificate_types(const SSL *ssl, const uint8_t **out_types) {
  const hf_question_t *question = question_of(ssl);
  *out_types = NULL;
  if (question == NULL || question->ask != HF_ASK_IDENTITY) return 0;
  *out_types = question->identity.certificate_types.data;
  return question->identity.certificate_types.len;
}

size_t SSL_get0_peer_verify_algorithms(const SSL *ssl, const uint16_t **out_sigalgs) {
  const hf_question_t *question = question_of(ssl);
  hf_codes sigalgs = {NULL, 0};
  if (question != NULL && question->ask == HF_ASK_HELLO) sigalgs = question->hello.sigalgs;
  if (question != NULL && question->ask == HF_ASK_IDENTITY) sigalgs = question->identity.sigalgs;
  *out_sigalgs = sigalgs.list;
  return sigalgs.num;
}

/* ---- A private key elsewhere ---- */

/* set_key_method takes the keys out: the method stands for them. */
static void set_key_method(ssl_settings **settings, const SSL_PRIVATE_KEY_METHOD *method) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) return;
  for (size_t i = 0; i < SSL_SLOTS; i++) {
    EVP_PKEY_free(s->slots[i].key);
    s->slots[i].key = NULL;
  }
  s->key_method = method;
}

void SSL_CTX_set_private_key_method(SSL_CTX *ctx, const SSL_PRIVATE_KEY_METHOD *key_method) {
  set_key_method(&ctx->settings, key_method);
}

void SSL_set_private_key_method(SSL *ssl, const SSL_PRIVATE_KEY_METHOD *key_method) {
  set_key_method(&ssl->settings, key_method);
}

/* An RSA key of 16384 bits, the longest that libcrypto takes, makes signatures of this length. */
enum { SIGNATURE_MAX = 2048 };

/* ask_key begins an operation, or asks for the end of the one that was begun. */
static enum ssl_private_key_result_t ask_key(SSL *ssl, uint8_t *out, size_t *out_len,
                                             const hf_question_t *question) {
  const SSL_PRIVATE_KEY_METHOD *method = ssl->io.key_op;
  if (method != NULL) {
    if (method->complete == NULL) return ssl_private_key_failure;
    return method->complete(ssl, out, out_len, SIGNATURE_MAX);
  }
  method =
      question->signature.delegated ? ssl->settings->delegated.method : ssl->settings->key_method;
  if (method == NULL || method->sign == NULL) return ssl_private_key_failure;
  enum ssl_private_key_result_t result =
      method->sign(ssl, out, out_len, SIGNATURE_MAX, question->signature.sigalg,
                   question->signature.input.data, question->signature.input.len);
  if (result == ssl_private_key_retry) ssl->io.key_op = method;
  return result;
}

bool ssl_ask_signature(SSL *ssl, const hf_question_t *question) {
  uint8_t signature[SIGNATURE_MAX];
  size_t len = 0;
  enum ssl_private_key_result_t result = ask_key(ssl, signature, &len, question);
  if (result == ssl_private_key_retry) {
    ssl->want = SSL_ERROR_WANT_PRIVATE_KEY_OPERATION;
    return false;
  }
  ssl->io.key_op = NULL;
  if (result == ssl_private_key_success && len <= sizeof signature &&
      hf_answer_signature(ssl->conn, (hf_bytes){signature, len}) != HF_MISUSE)
    return true;
  return reject(ssl, SSL_R_PRIVATE_KEY_OPERATION_FAILED, SSL_AD_INTERNAL_ERROR);
}

/* ---- Verification by the application ---- */

void SSL_CTX_set_custom_verify(SSL_CTX *ctx, int mode,
                               enum ssl_verify_result_t (*callback)(SSL *ssl, uint8_t *out_alert)) {
  ctx->local.verify_mode = mode;
  ctx->local.custom_verify = callback;
}

void SSL_set_custom_verify(SSL *ssl, int mode,
                           enum ssl_verify_result_t (*callback)(SSL *ssl, uint8_t *out_alert)) {
  ssl->local.verify_mode = mode;
  ssl->local.custom_verify = callback;
}

static bool judge(SSL *ssl, const hf_question_t *question, enum ssl_verify_result_t result,
                  uint8_t alert) {
  ssl->verify_result =
      result == ssl_verify_ok ? X509_V_OK : (long)X509_V_ERR_APPLICATION_VERIFICATION;
  if (result != ssl_verify_ok && ssl->local.verify_mode != SSL_VERIFY_NONE)
    return reject(ssl, SSL_R_CERTIFICATE_VERIFY_FAILED, alert);
  /* What a callback that does not trust the chain left on the queue is no error of this call. */
  ERR_clear_error();
  if (!ssl_ask_status_client(ssl)) return true;
  if (ssl_accept_chain(ssl, question)) return true;
  return reject(ssl, ERR_R_INTERNAL_ERROR, SSL_AD_INTERNAL_ERROR);
}

bool ssl_ask_verdict(SSL *ssl, const hf_question_t *question) {
  /* The chain that the callback was lent stays where it is while it waits. */
  if (!ssl->io.verifying && !ssl_set_peer(ssl, question))
    return reject(ssl, ERR_R_MALLOC_FAILURE, SSL_AD_INTERNAL_ERROR);
  ssl->io.verifying = true;
  uint8_t alert = SSL_AD_CERTIFICATE_UNKNOWN;
  enum ssl_verify_result_t result = ssl->local.custom_verify(ssl, &alert);
  if (result != ssl_verify_retry) return judge(ssl, question, result, alert);
  ssl->want = SSL_ERROR_WANT_CERTIFICATE_VERIFY;
  return false;
}
