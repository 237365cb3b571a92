/* custom_ext.c: extensions of the application's own, by OpenSSL's callbacks, over hf_extension.
 *
 * Owns: SSL_CTX.custom, io.custom_done.  What is to be sent is asked for as late as the engine
 * allows: before the hello, while HF_ASK_HELLO or HF_ASK_IDENTITY is pending.  What came is shown
 * as soon as the engine has it, before anything that depends on it goes out.  Each list is asked
 * for and shown once for a connection.  What may come where is the engine's to refuse. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/driver.h"

/* ssl_custom_ext is one registration: by the functions that know contexts, or by the older ones. */
struct ssl_custom_ext {
  uint16_t type;
  int8_t role; /* SSL_ROLE_NONE: both */
  unsigned context;
  SSL_custom_ext_add_cb_ex add;
  SSL_custom_ext_free_cb_ex free;
  SSL_custom_ext_parse_cb_ex parse;
  custom_ext_add_cb add_old;
  custom_ext_free_cb free_old;
  custom_ext_parse_cb parse_old;
  void *add_arg, *parse_arg;
};

/* ---- Registering ---- */

int SSL_extension_supported(unsigned int ext_type) {
  static const uint16_t kEngine[] = {
#define EXTENSION(name, code, places) code,
#include "engine/extensions.def"
#undef EXTENSION
  };
  for (size_t i = 0; i < sizeof kEngine / sizeof kEngine[0]; i++)
    if (kEngine[i] == ext_type) return 1;
  return 0;
}

static bool overlap(int8_t a, int8_t b) {
  return a == SSL_ROLE_NONE || b == SSL_ROLE_NONE || a == b;
}

static const ssl_custom_ext *find(const SSL_CTX *ctx, int8_t role, unsigned type) {
  for (size_t i = 0; i < ctx->num_custom; i++)
    if (ctx->custom[i].type == type && overlap(ctx->custom[i].role, role)) return &ctx->custom[i];
  return NULL;
}

static int add(SSL_CTX *ctx, const ssl_custom_ext *ext, unsigned type) {
  enum {
    NOWHERE = SSL_EXT_TLS1_3_SERVER_HELLO | SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST |
              SSL_EXT_TLS1_3_NEW_SESSION_TICKET
  };
  bool free_alone =
      (ext->free != NULL && ext->add == NULL) || (ext->free_old != NULL && ext->add_old == NULL);
  if (type > UINT16_MAX || SSL_extension_supported(type) || find(ctx, ext->role, type) != NULL ||
      free_alone || (ext->context & NOWHERE) != 0)
    return 0;
  ssl_custom_ext *list = OPENSSL_realloc(ctx->custom, (ctx->num_custom + 1) * sizeof *list);
  if (list == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return 0;
  }
  ctx->custom = list;
  list[ctx->num_custom] = *ext;
  list[ctx->num_custom++].type = (uint16_t)type;
  return 1;
}

int SSL_CTX_add_custom_ext(SSL_CTX *ctx, unsigned int ext_type, unsigned int context,
                           SSL_custom_ext_add_cb_ex add_cb, SSL_custom_ext_free_cb_ex free_cb,
                           void *add_arg, SSL_custom_ext_parse_cb_ex parse_cb, void *parse_arg) {
  const ssl_custom_ext ext = {.role = SSL_ROLE_NONE,
                              .context = context,
                              .add = add_cb,
                              .free = free_cb,
                              .parse = parse_cb,
                              .add_arg = add_arg,
                              .parse_arg = parse_arg};
  return add(ctx, &ext, ext_type);
}

static int add_old(SSL_CTX *ctx, int8_t role, unsigned type, custom_ext_add_cb add_cb,
                   custom_ext_free_cb free_cb, void *add_arg, custom_ext_parse_cb parse_cb,
                   void *parse_arg) {
  const ssl_custom_ext ext = {.role = role,
                              .context = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                                         SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                              .add_old = add_cb,
                              .free_old = free_cb,
                              .parse_old = parse_cb,
                              .add_arg = add_arg,
                              .parse_arg = parse_arg};
  return add(ctx, &ext, type);
}

int SSL_CTX_add_client_custom_ext(SSL_CTX *ctx, unsigned int ext_type, custom_ext_add_cb add_cb,
                                  custom_ext_free_cb free_cb, void *add_arg,
                                  custom_ext_parse_cb parse_cb, void *parse_arg) {
  return add_old(ctx, SSL_ROLE_CLIENT, ext_type, add_cb, free_cb, add_arg, parse_cb, parse_arg);
}

int SSL_CTX_add_server_custom_ext(SSL_CTX *ctx, unsigned int ext_type, custom_ext_add_cb add_cb,
                                  custom_ext_free_cb free_cb, void *add_arg,
                                  custom_ext_parse_cb parse_cb, void *parse_arg) {
  return add_old(ctx, SSL_ROLE_SERVER, ext_type, add_cb, free_cb, add_arg, parse_cb, parse_arg);
}

int SSL_CTX_has_client_custom_ext(const SSL_CTX *ctx, unsigned int ext_type) {
  return find(ctx, SSL_ROLE_CLIENT, ext_type) != NULL;
}

void ssl_custom_free(SSL_CTX *ctx) { OPENSSL_free(ctx->custom); }

/* ---- Places ---- */

/* place_of is the engine's name for a context that is one message; 0: it is none that TLS 1.3 has
 * such extensions in. */
static uint8_t place_of(unsigned context) {
  switch (context) {
    case SSL_EXT_CLIENT_HELLO:
      return HF_IN_CLIENT_HELLO;
    case SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS:
      return HF_IN_ENCRYPTED_EXTENSIONS;
    case SSL_EXT_TLS1_3_CERTIFICATE_REQUEST:
      return HF_IN_CERTIFICATE_REQUEST;
    case SSL_EXT_TLS1_3_CERTIFICATE:
      return HF_IN_CERTIFICATE;
    default:
      return 0;
  }
}

static const unsigned kContexts[] = {SSL_EXT_CLIENT_HELLO, SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                                     SSL_EXT_TLS1_3_CERTIFICATE_REQUEST,
                                     SSL_EXT_TLS1_3_CERTIFICATE};

/* used says whether |ext| has to do with |ssl| and |context|. */
static bool used(const SSL *ssl, const ssl_custom_ext *ext, unsigned context) {
  const unsigned elsewhere = SSL_EXT_DTLS_ONLY | SSL_EXT_TLS1_2_AND_BELOW_ONLY;
  return overlap(ext->role, ssl->role) && (ext->context & elsewhere) == 0 &&
         (ext->context & context) != 0;
}

/* takes is where the peer may send |ext|. */
static uint8_t takes(const SSL *ssl, const ssl_custom_ext *ext) {
  unsigned places = 0;
  for (size_t i = 0; i < sizeof kContexts / sizeof kContexts[0]; i++)
    if (used(ssl, ext, kContexts[i])) places |= place_of(kContexts[i]);
  places &= ssl->role == SSL_ROLE_SERVER ? HF_IN_CLIENT_HELLO | HF_IN_CERTIFICATE
                                         : ~(unsigned)HF_IN_CLIENT_HELLO;
  return (uint8_t)places;
}

static bool peer_sent(const SSL *ssl, unsigned place, uint16_t type, hf_bytes *body) {
  return ssl->conn != NULL && hf_peer_extension(body, ssl->conn, place, type);
}

/* ---- What is sent ---- */

/* call_add asks the application for a body: as an add callback, whose absence means an empty body
 * in a hello and nothing elsewhere. */
static int call_add(SSL *ssl, const ssl_custom_ext *ext, unsigned context, X509 *x509,
                    hf_bytes *body, int *alert) {
  *body = (hf_bytes){NULL, 0};
  if (ext->add != NULL)
    return ext->add(ssl, ext->type, context, &body->data, &body->len, x509, 0, alert, ext->add_arg);
  if (ext->add_old != NULL)
    return ext->add_old(ssl, ext->type, &body->data, &body->len, alert, ext->add_arg);
  return context == SSL_EXT_CLIENT_HELLO;
}

static void call_free(SSL *ssl, const ssl_custom_ext *ext, unsigned context,
                      const hf_extension *made) {
  if (ext->free != NULL) ext->free(ssl, ext->type, context, made->body.data, ext->add_arg);
  if (ext->free_old != NULL) ext->free_old(ssl, ext->type, made->body.data, ext->add_arg);
}

/* goes says whether to ask for |ext| at all: what is a response needs a request. */
static bool goes(const SSL *ssl, const ssl_custom_ext *ext, unsigned context) {
  hf_bytes body;
  if (!used(ssl, ext, context)) return false;
  if (context == SSL_EXT_CLIENT_HELLO || context == SSL_EXT_TLS1_3_CERTIFICATE_REQUEST) return true;
  return peer_sent(ssl,
                   ssl->role == SSL_ROLE_SERVER ? HF_IN_CLIENT_HELLO : HF_IN_CERTIFICATE_REQUEST,
                   ext->type, &body);
}

/* list_new makes room for all of |ssl|'s SSL_CTX twice: two contexts, or one and what is taken. */
static bool list_new(const SSL *ssl, ssl_custom_list *out) {
  const size_t max = 2 * ssl->ctx->num_custom;
  *out = (ssl_custom_list){OPENSSL_malloc(max * sizeof *out->list),
                           OPENSSL_malloc(max * sizeof *out->from),
                           OPENSSL_malloc(max * sizeof *out->contexts), 0, ssl->ctx};
  SSL_CTX_up_ref(out->ctx);
  return out->list != NULL && out->from != NULL && out->contexts != NULL;
}

void ssl_custom_list_free(SSL *ssl, ssl_custom_list *list) {
  for (size_t i = 0; i < list->num; i++)
    if (list->from[i] != NULL) call_free(ssl, list->from[i], list->contexts[i], &list->list[i]);
  OPENSSL_free(list->list);
  OPENSSL_free(list->from);
  OPENSSL_free(list->contexts);
  SSL_CTX_free(list->ctx);
  *list = (ssl_custom_list){.num = 0};
}

/* gather adds what the application sends in |context|. */
static bool gather(SSL *ssl, ssl_custom_list *out, unsigned context, X509 *x509, int *alert) {
  const SSL_CTX *ctx = out->ctx;
  for (size_t i = 0; i < ctx->num_custom; i++) {
    hf_bytes body;
    if (!goes(ssl, &ctx->custom[i], context)) continue;
    int ret = call_add(ssl, &ctx->custom[i], context, x509, &body, alert);
    if (ret < 0) return false;
    if (ret == 0) continue;
    out->list[out->num] = (hf_extension){ctx->custom[i].type, place_of(context), 0, body};
    out->from[out->num] = &ctx->custom[i];
    out->contexts[out->num++] = context;
  }
  return true;
}

/* accept adds where the peer may send them. */
static void accept(const SSL *ssl, ssl_custom_list *out) {
  for (size_t i = 0; i < out->ctx->num_custom; i++) {
    const ssl_custom_ext *ext = &out->ctx->custom[i];
    if (!overlap(ext->role, ssl->role) || takes(ssl, ext) == 0) continue;
    out->list[out->num] = (hf_extension){ext->type, 0, takes(ssl, ext), {NULL, 0}};
    out->from[out->num++] = NULL;
  }
}

bool ssl_custom_start(SSL *ssl, ssl_custom_list *out) {
  int alert = 0;
  *out = (ssl_custom_list){.num = 0};
  if (ssl->ctx->num_custom == 0 || ssl->role != SSL_ROLE_CLIENT) return true;
  if (list_new(ssl, out)) {
    accept(ssl, out);
    if (gather(ssl, out, SSL_EXT_CLIENT_HELLO, NULL, &alert)) return true;
    SSL_ERR(SSL_R_CUSTOM_EXTENSION_ERROR);
  } else {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
  }
  ssl_custom_list_free(ssl, out);
  return false;
}

/* fail ends the connection with the application's alert. */
static bool fail(SSL *ssl, int alert) {
  ssl->io.refusal = SSL_R_CUSTOM_EXTENSION_ERROR;
  hf_abort(ssl->conn, (uint8_t)alert);
  return false;
}

/* ---- What came ---- */

static bool call_parse(SSL *ssl, const ssl_custom_ext *ext, unsigned context, hf_bytes body,
                       X509 *x509, int *alert) {
  if (ext->parse != NULL)
    return ext->parse(ssl, ext->type, context, body.data, body.len, x509, 0, alert,
                      ext->parse_arg) > 0;
  return ext->parse_old == NULL ||
         ext->parse_old(ssl, ext->type, body.data, body.len, alert, ext->parse_arg) > 0;
}

/* show_those gives the application what came in |context| of |ctx|'s extensions.  False: it would
 * not have it, and the connection failed. */
static bool show_those(SSL *ssl, const SSL_CTX *ctx, unsigned context, X509 *x509) {
  const unsigned place = place_of(context);
  bool came = false;
  for (size_t i = 0; i < ctx->num_custom; i++) {
    const ssl_custom_ext *ext = &ctx->custom[i];
    hf_bytes body;
    int alert = SSL_AD_DECODE_ERROR;
    if (!used(ssl, ext, context) || !peer_sent(ssl, place, ext->type, &body)) continue;
    came = true;
    if ((ext->context & SSL_EXT_IGNORE_ON_RESUMPTION) != 0 && SSL_session_reused(ssl)) continue;
    if (!call_parse(ssl, ext, context, body, x509, &alert)) return fail(ssl, alert);
  }
  if (came) ssl->io.custom_done |= (uint8_t)place;
  return true;
}

static bool show(SSL *ssl, unsigned context, X509 *x509) {
  SSL_CTX *ctx = ssl->ctx;
  if ((ssl->io.custom_done & place_of(context)) != 0) return true;
  SSL_CTX_up_ref(ctx); /* a callback may move the SSL to another */
  bool ok = show_those(ssl, ctx, context, x509);
  SSL_CTX_free(ctx);
  return ok;
}

/* certificate parses the first of the chain that is to be judged. */
static X509 *certificate(const hf_question_t *question) {
  if (question->verdict.raw_key) return NULL;
  const uint8_t *der = question->verdict.chain[0].data;
  ERR_set_mark();
  X509 *x509 = d2i_X509(NULL, &der, (long)question->verdict.chain[0].len);
  ERR_pop_to_mark(); /* whether it is one is for whoever verifies it */
  return x509;
}

bool ssl_custom_look(SSL *ssl) {
  if (ssl->ctx->num_custom == 0 || ssl->io.done || (hf_wants(ssl->conn) & HF_FAILED) != 0)
    return true;
  if (ssl->role == SSL_ROLE_CLIENT && (!show(ssl, SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS, NULL) ||
                                       !show(ssl, SSL_EXT_TLS1_3_CERTIFICATE_REQUEST, NULL)))
    return false;
  const hf_question_t *question = hf_question(ssl->conn);
  if (question->ask != HF_ASK_VERDICT || question->verdict.num == 0 ||
      (ssl->io.custom_done & HF_IN_CERTIFICATE) != 0)
    return true;
  X509 *x509 = certificate(question);
  bool ok = show(ssl, SSL_EXT_TLS1_3_CERTIFICATE, x509);
  X509_free(x509);
  return ok;
}

/* ---- While a question is pending ---- */

/* give adds |list| to what the engine has, and frees it. */
static bool give(SSL *ssl, ssl_custom_list *list, bool gathered, int alert) {
  hf_status status = gathered ? hf_add_extensions(ssl->conn, list->list, list->num) : HF_OK;
  ssl_custom_list_free(ssl, list);
  if (!gathered) return fail(ssl, alert);
  return status == HF_OK || fail(ssl, SSL_AD_INTERNAL_ERROR);
}

bool ssl_custom_hello(SSL *ssl) {
  ssl_custom_list list;
  if (ssl->ctx->num_custom == 0) return true;
  int alert = SSL_AD_INTERNAL_ERROR;
  bool ok = list_new(ssl, &list);
  if (ok) accept(ssl, &list);
  if (!give(ssl, &list, ok, alert) || !show(ssl, SSL_EXT_CLIENT_HELLO, NULL)) return false;
  ok = list_new(ssl, &list) &&
       gather(ssl, &list, SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS, NULL, &alert) &&
       gather(ssl, &list, SSL_EXT_TLS1_3_CERTIFICATE_REQUEST, NULL, &alert);
  return give(ssl, &list, ok, alert);
}

bool ssl_custom_identity(SSL *ssl, X509 *x509) {
  ssl_custom_list list;
  if (ssl->ctx->num_custom == 0) return true;
  int alert = SSL_AD_INTERNAL_ERROR;
  bool ok = list_new(ssl, &list) && gather(ssl, &list, SSL_EXT_TLS1_3_CERTIFICATE, x509, &alert);
  return give(ssl, &list, ok, alert);
}
