/* questions.c: what an SSL answers to the engine's questions: what the application configured,
 * through its callbacks or with the usual answers of handfast/answers.h.
 *
 * Owns: io.answers, io.hello_step, io.ack_name, io.refusal; the order of a server's callbacks.
 * Every question is answered, refused, or left to wait with ssl->want set; a refusal notes the
 * SSL_R_ reason that the error queue is to give.  A callback that says "not yet" is the only thing
 * that is called again. Leaves to others: what the settings are (ssl_config.c), keeping the peer's
 * chain (ssl_lib.c). */
#include "ssl/driver.h"

#include <openssl/err.h>

#include "ssl/answers_internal.h"
#include "ssl/quic.h"

static bool refuse(SSL *ssl, int reason, uint8_t alert) {
  ssl->io.refusal = reason;
  return hf_refuse(ssl->conn, alert) == HF_OK;
}

static bool refuse_internal(SSL *ssl) {
  return refuse(ssl, ERR_R_INTERNAL_ERROR, SSL_AD_INTERNAL_ERROR);
}

/* refuse_as_noted refuses for the reason that whoever failed put on the queue, which goes with the
 * refusal. */
static bool refuse_as_noted(SSL *ssl) {
  return refuse(ssl, ERR_GET_REASON(ERR_peek_last_error()), SSL_AD_INTERNAL_ERROR);
}

static bool wait_for(SSL *ssl, int want) {
  ssl->want = want;
  return false;
}

/* usual gives the usual answer, from io.answers. */
static bool usual(SSL *ssl) {
  return hf_answer(ssl->conn, ssl->io.answers) || refuse_internal(ssl);
}

/* ---- io.answers ---- */

static void log_line(const char *line, void *arg) {
  SSL *ssl = arg;
  if (ssl->ctx->keylog_callback != NULL) ssl->ctx->keylog_callback(ssl, line);
}

/* verify is the hf_verifier: the application's way of verifying, or libcrypto's.  An SSL that does
 * not insist on a trusted peer goes on with any, and SSL_get_verify_result tells what is wrong with
 * it. */
static int verify(X509_STORE_CTX *store_ctx, void *arg) {
  SSL *ssl = arg;
  if (!X509_STORE_CTX_set_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl)) return 0;
  if (ssl->local.verify_callback != NULL)
    X509_STORE_CTX_set_verify_cb(store_ctx, ssl->local.verify_callback);
  int trusted = ssl->ctx->verify_whole != NULL
                    ? ssl->ctx->verify_whole(store_ctx, ssl->ctx->verify_whole_arg)
                    : X509_verify_cert(store_ctx);
  /* Who goes on all the same must not read X509_V_OK afterwards. */
  if (trusted <= 0 && X509_STORE_CTX_get_error(store_ctx) == X509_V_OK)
    X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_UNSPECIFIED);
  return trusted > 0 || ssl->local.verify_mode == SSL_VERIFY_NONE;
}

static bool make_answers(SSL *ssl) {
  if (ssl->io.answers != NULL) return true;
  hf_answers *answers = hf_answers_new();
  if (answers == NULL || hf_answers_set_peer_name(answers, "") != HF_OK) {
    hf_answers_free(answers);
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return false;
  }
  hf_answers_set_keylog(answers, log_line, ssl);
  hf_answers_set_verifier(answers, verify, ssl);
  ssl->io.answers = answers;
  return true;
}

/* ---- HF_ASK_HELLO ---- */

enum { STEP_SELECT, STEP_NAME, STEP_CERT, STEP_ALPN };

/* ask_name runs the servername callback. False: the hello is refused. */
static bool ask_name(SSL *ssl) {
  SSL_CTX *ctx = ssl->first_ctx;
  int alert = SSL_AD_UNRECOGNIZED_NAME, ret = SSL_TLSEXT_ERR_NOACK;
  if (ctx->servername_callback != NULL)
    ret = ctx->servername_callback(ssl, &alert, ctx->servername_arg);
  if (ret == SSL_TLSEXT_ERR_ALERT_FATAL) {
    refuse(ssl, SSL_R_CLIENTHELLO_TLSEXT, (uint8_t)alert);
    return false;
  }
  ssl->io.ack_name = ret == SSL_TLSEXT_ERR_OK;
  return true;
}

/* ask_cert runs the certificate callback.  Returns 1, 0 if the question is refused, -1 if it has to
 * wait. */
static int ask_cert(SSL *ssl) {
  if (ssl->settings->cert_cb == NULL) return 1;
  int ret = ssl->settings->cert_cb(ssl, ssl->settings->cert_cb_arg);
  if (ret > 0) return 1;
  if (ret == 0) {
    refuse(ssl, SSL_R_CERT_CB_ERROR, SSL_AD_INTERNAL_ERROR);
    return 0;
  }
  wait_for(ssl, SSL_ERROR_WANT_X509_LOOKUP);
  return -1;
}

/* no_alpn: no protocol is chosen, which QUIC does not do with (RFC 9001 8.1).  False: the hello is
 * refused. */
static bool no_alpn(SSL *ssl) {
  if (!ssl_quic_on(ssl)) return true;
  refuse(ssl, SSL_R_NO_APPLICATION_PROTOCOL, SSL_AD_NO_APPLICATION_PROTOCOL);
  return false;
}

/* ask_alpn runs the ALPN callback.  False: the hello is refused. */
static bool ask_alpn(SSL *ssl, hf_bytes *chosen, hf_bytes offered) {
  const SSL_CTX *ctx = ssl->ctx;
  const uint8_t *name = NULL;
  uint8_t len = 0;
  if (ctx->alpn_select_cb == NULL || offered.data == NULL) return no_alpn(ssl);
  switch (ctx->alpn_select_cb(ssl, &name, &len, offered.data, (unsigned)offered.len,
                              ctx->alpn_select_arg)) {
    case SSL_TLSEXT_ERR_OK:
      *chosen = (hf_bytes){name, len};
      if (len > 0) return true;
      refuse(ssl, SSL_R_INVALID_ALPN_PROTOCOL, SSL_AD_INTERNAL_ERROR);
      return false;
    case SSL_TLSEXT_ERR_NOACK:
    case SSL_TLSEXT_ERR_ALERT_WARNING:
      return no_alpn(ssl);
    case SSL_TLSEXT_ERR_ALERT_FATAL:
      refuse(ssl, SSL_R_NO_APPLICATION_PROTOCOL, SSL_AD_NO_APPLICATION_PROTOCOL);
      return false;
    default:
      refuse_internal(ssl);
      return false;
  }
}

static bool answer_hello(SSL *ssl, const hf_question_t *question) {
  hf_bytes chosen = {NULL, 0};
  if (ssl->io.hello_step == STEP_SELECT) {
    int ret = ssl_ask_select(ssl, question->hello.hello);
    if (ret <= 0) return ret == 0;
    ssl->io.hello_step = STEP_NAME;
  }
  if (ssl->io.hello_step == STEP_NAME) {
    if (!ask_name(ssl)) return true;
    ssl->io.hello_step = STEP_CERT;
  }
  if (ssl->io.hello_step == STEP_CERT) {
    int ret = ask_cert(ssl);
    if (ret <= 0) return ret == 0;
    ssl->io.hello_step = STEP_ALPN;
    if (!ssl_ask_status_server(ssl, question->hello.hello)) return true;
  }
  if (!ask_alpn(ssl, &chosen, question->hello.alpn)) return true;
  if (!ssl_ask_dos(ssl, question->hello.hello)) return true;
  if (!ssl_custom_hello(ssl)) return true;
  hf_config *config = ssl_build_config(ssl, ssl->io.ack_name);
  if (config == NULL) return refuse_as_noted(ssl);
  const hf_bytes params = ssl_quic_params(ssl);
  if (ssl_quic_on(ssl) && params.data == NULL)
    return refuse(ssl, SSL_R_QUIC_TRANSPORT_PARAMETERS_MISCONFIGURED, SSL_AD_INTERNAL_ERROR);
  if (hf_answer_hello(ssl->conn, config, chosen, ssl_quic_on(ssl) ? &params : NULL) != HF_MISUSE)
    return true;
  /* The name is not one that was offered. */
  return refuse(ssl, SSL_R_INVALID_ALPN_PROTOCOL, SSL_AD_INTERNAL_ERROR);
}

/* ---- The others ---- */

/* cannot_sign: there are certificates, and none that would do.  A client that was given one means
 * to show it: that the server takes no signature of its key is no reason to go on without. */
static bool cannot_sign(const SSL *ssl, const ssl_credentials *credentials,
                        const hf_question_t *question) {
  if (credentials->num == 0) return credentials->unusable;
  return SSL_is_server(ssl) || !hf_answers_share_sigalg(ssl->io.answers, ssl->conn, question);
}

static bool answer_identity(SSL *ssl, const hf_question_t *question) {
  if (ssl->role == SSL_ROLE_CLIENT) {
    if (!ssl_set_peer_authorities(ssl, question->identity.authorities,
                                  question->identity.num_authorities))
      return refuse_internal(ssl);
    int ret = ask_cert(ssl);
    if (ret <= 0) return ret == 0;
  }
  const ssl_credentials *credentials = ssl_get_credentials(ssl);
  if (credentials == NULL || !make_answers(ssl)) return refuse_internal(ssl);
  hf_answers_clear_credentials(ssl->io.answers);
  for (size_t i = 0; i < credentials->num; i++)
    if (hf_answers_add_credential(ssl->io.answers, credentials->list[i]) != HF_OK)
      return refuse_internal(ssl);
  const hf_credential *chosen = hf_answers_choose(ssl->io.answers, ssl->conn, question);
  if (chosen == NULL && cannot_sign(ssl, credentials, question))
    return refuse(ssl,
                  SSL_is_server(ssl) && SSL_version(ssl) < TLS1_3_VERSION
                      ? SSL_R_NO_SHARED_CIPHER
                      : SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS,
                  SSL_AD_HANDSHAKE_FAILURE);
  if (chosen != NULL && !ssl_custom_identity(ssl, hf_credential_leaf(chosen))) return true;
  return usual(ssl);
}

bool ssl_accept_chain(SSL *ssl, const hf_question_t *question) {
  if (question->verdict.not_for_signing && !ssl->local.ignore_rsa_key_usage)
    return refuse(ssl, SSL_R_KEY_USAGE_BIT_INCORRECT, SSL_AD_ILLEGAL_PARAMETER);
  return hf_answer_verdict(ssl->conn) != HF_MISUSE;
}

static bool answer_verdict(SSL *ssl, const hf_question_t *question) {
  if (question->verdict.num == 0) return ssl_session_reverify(ssl);
  if (!ssl_set_peer_staples(ssl, question->verdict.ocsp, question->verdict.scts))
    return refuse_internal(ssl);
  if (ssl->local.custom_verify != NULL) return ssl_ask_verdict(ssl, question);
  if (question->verdict.raw_key) return ssl_answer_raw_key(ssl, question);
  if (!make_answers(ssl) || !ssl_set_peer(ssl, question) ||
      !X509_VERIFY_PARAM_set1(hf_answers_param(ssl->io.answers), ssl->param))
    return refuse_internal(ssl);
  hf_answers_set_store(ssl->io.answers, ssl_verify_store(ssl));
  uint8_t alert = hf_answers_verify(ssl->io.answers, question,
                                    ssl->role == SSL_ROLE_CLIENT ? HF_CLIENT : HF_SERVER);
  ssl->verify_result = hf_answers_verify_result(ssl->io.answers);
  if (alert != 0) return refuse(ssl, SSL_R_CERTIFICATE_VERIFY_FAILED, alert);
  return !ssl_ask_status_client(ssl) || ssl_accept_chain(ssl, question);
}

/* A certificate that has a key here needs nobody else. */
static bool answer_signature(SSL *ssl, const hf_question_t *question) {
  if (!make_answers(ssl)) return refuse_internal(ssl);
  return hf_answer(ssl->conn, ssl->io.answers) || ssl_ask_signature(ssl, question);
}

/* answer_install hands the secret to QUIC and to the key log. */
static bool answer_install(SSL *ssl, const hf_question_t *question) {
  int reason = ssl_quic_on(ssl) ? ssl_quic_install(ssl, question) : 0;
  if (reason == 0) return make_answers(ssl) ? usual(ssl) : refuse_internal(ssl);
  bool excess = reason == SSL_R_EXCESS_HANDSHAKE_DATA;
  return refuse(ssl, reason, excess ? SSL_AD_UNEXPECTED_MESSAGE : SSL_AD_INTERNAL_ERROR);
}

static bool answer(SSL *ssl) {
  const hf_question_t *question = hf_question(ssl->conn);
  if (ssl_quic_on(ssl) && !ssl_quic_learn(ssl))
    return refuse(ssl, SSL_R_QUIC_INTERNAL_ERROR, SSL_AD_INTERNAL_ERROR);
  switch (question->ask) {
    case HF_ASK_NONE:
      return false;
    case HF_ASK_HELLO:
      return answer_hello(ssl, question);
    case HF_ASK_SESSION:
      return ssl_answer_session(ssl, question);
    case HF_ASK_TICKET:
      return ssl_answer_ticket(ssl, question->ticket.state) || refuse_internal(ssl);
    case HF_ASK_KEEP:
      return ssl_session_keep(ssl, question->keep.state) || refuse_internal(ssl);
    case HF_ASK_IDENTITY:
      return answer_identity(ssl, question);
    case HF_ASK_VERDICT:
      return answer_verdict(ssl, question);
    case HF_ASK_SIGNATURE:
      return answer_signature(ssl, question);
    case HF_ASK_INSTALL:
      return answer_install(ssl, question);
    case HF_ASK_COOKIE:
      return ssl_answer_cookie(ssl, question);
    case HF_ASK_ENCAP:
      ssl->io.refusal = SSL_R_BAD_ECPOINT; /* if the key is none; so BoringSSL says it */
      return make_answers(ssl) ? usual(ssl) : refuse_internal(ssl);
    case HF_ASK_COMPRESS:
      return ssl_answer_compress(ssl, question);
    case HF_ASK_DECOMPRESS:
      return ssl_answer_decompress(ssl, question);
  }
  return false;
}

bool ssl_answer(SSL *ssl) {
  bool answered = answer(ssl);
  if (ssl->io.done && (hf_wants(ssl->conn) & HF_WANT_ANSWER) == 0) {
    hf_answers_free(ssl->io.answers);
    ssl->io.answers = NULL;
  }
  return answered;
}
