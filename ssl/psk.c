/* psk.c: external pre-shared keys: the callbacks that have them, a client's offer, and a server's
 * part of HF_ASK_SESSION.
 *
 * Keys are asked for, given to the engine and forgotten; ssl->psk_identity is the name of the last
 * one, which counts if hf_facts says that such a key was used. */
#include <string.h>

#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/driver.h"
#include "ssl/session.h"

/* ---- Sessions that stand for a key ---- */

int SSL_SESSION_set1_master_key(SSL_SESSION *session, const uint8_t *in, size_t len) {
  if (len == 0 || len > sizeof session->secret) {
    SSL_ERR(SSL_R_BAD_LENGTH);
    return 0;
  }
  memmove(session->secret, in, len);
  session->secret_len = len;
  return 1;
}

int SSL_SESSION_set_cipher(SSL_SESSION *session, const SSL_CIPHER *cipher) {
  session->suite = cipher == NULL ? 0 : SSL_CIPHER_get_protocol_id(cipher);
  return 1;
}

int SSL_SESSION_set_protocol_version(SSL_SESSION *session, uint16_t version) {
  if (version < TLS1_VERSION || version > TLS1_3_VERSION) {
    SSL_ERR(SSL_R_UNKNOWN_SSL_VERSION);
    return 0;
  }
  session->version = version;
  return 1;
}

const SSL_CIPHER *SSL_CIPHER_find(SSL *ssl, const uint8_t *ptr) {
  (void)ssl;
  return SSL_get_cipher_by_value((uint16_t)(ptr[0] << 8 | ptr[1]));
}

/* ---- Setters ---- */

void SSL_CTX_set_psk_use_session_callback(SSL_CTX *ctx, SSL_psk_use_session_cb_func cb) {
  ctx->local.psk.use_session = cb;
}
void SSL_set_psk_use_session_callback(SSL *ssl, SSL_psk_use_session_cb_func cb) {
  ssl->local.psk.use_session = cb;
}
void SSL_CTX_set_psk_find_session_callback(SSL_CTX *ctx, SSL_psk_find_session_cb_func cb) {
  ctx->local.psk.find_session = cb;
}
void SSL_set_psk_find_session_callback(SSL *ssl, SSL_psk_find_session_cb_func cb) {
  ssl->local.psk.find_session = cb;
}
void SSL_CTX_set_psk_client_callback(SSL_CTX *ctx, SSL_psk_client_cb_func cb) {
  ctx->local.psk.client = cb;
}
void SSL_set_psk_client_callback(SSL *ssl, SSL_psk_client_cb_func cb) {
  ssl->local.psk.client = cb;
}
void SSL_CTX_set_psk_server_callback(SSL_CTX *ctx, SSL_psk_server_cb_func cb) {
  ctx->local.psk.server = cb;
}
void SSL_set_psk_server_callback(SSL *ssl, SSL_psk_server_cb_func cb) {
  ssl->local.psk.server = cb;
}

static int check_hint(const char *hint) {
  if (hint == NULL || strlen(hint) <= PSK_MAX_IDENTITY_LEN) return 1;
  SSL_ERR(SSL_R_DATA_LENGTH_TOO_LONG);
  return 0;
}

int SSL_CTX_use_psk_identity_hint(SSL_CTX *ctx, const char *identity_hint) {
  (void)ctx;
  return check_hint(identity_hint);
}

int SSL_use_psk_identity_hint(SSL *ssl, const char *identity_hint) {
  (void)ssl;
  return check_hint(identity_hint);
}

const char *SSL_get_psk_identity_hint(const SSL *ssl) {
  (void)ssl;
  return NULL;
}

const char *SSL_get_psk_identity(const SSL *ssl) {
  hf_facts facts;
  if (ssl->conn == NULL) return NULL;
  hf_get_facts(&facts, ssl->conn);
  return facts.external_psk ? ssl->psk_identity : NULL;
}

void ssl_psk_clear(SSL *ssl) {
  OPENSSL_free(ssl->psk_identity);
  ssl->psk_identity = NULL;
}

/* ---- Asking for a key ---- */

enum { SHA256_SUITE = 0x1301 };

/* name_it keeps a copy of |name| with a zero behind it, which |key| then points at. */
static bool name_it(SSL *ssl, ssl_psk *key, const uint8_t *name, size_t len) {
  char *copy = OPENSSL_malloc(len + 1);
  if (copy == NULL) return false;
  if (len > 0) memcpy(copy, name, len);
  copy[len] = '\0';
  ssl_psk_clear(ssl);
  ssl->psk_identity = copy;
  key->psk.identity = (hf_bytes){(const uint8_t *)copy, len};
  return true;
}

/* take_session makes |key| of |session| and lets go of that.  False: it is not made for this. */
static bool take_session(ssl_psk *key, SSL_SESSION *session) {
  bool ok = session->version == TLS1_3_VERSION && session->suite != 0 && session->secret_len > 0;
  key->psk.suite = session->suite;
  key->psk.secret = (hf_bytes){key->room, session->secret_len};
  memcpy(key->room, session->secret, session->secret_len);
  SSL_SESSION_free(session);
  return ok;
}

/* take_bytes is for |len| bytes in |key|'s room. */
static bool take_bytes(ssl_psk *key, unsigned len) {
  key->psk.suite = SHA256_SUITE;
  key->psk.secret = (hf_bytes){key->room, len};
  return len <= sizeof key->room;
}

/* The following return 1 if there is a key, 0 if there is none, -1 to fail. */

static int ask_use_session(SSL *ssl, ssl_psk *key) {
  SSL_SESSION *session = NULL;
  const uint8_t *id = NULL;
  size_t len = 0;
  if (ssl->local.psk.use_session == NULL) return 0;
  if (!ssl->local.psk.use_session(ssl, NULL, &id, &len, &session)) {
    SSL_SESSION_free(session);
    return -1;
  }
  if (session == NULL) return 0;
  return take_session(key, session) && name_it(ssl, key, id, len) ? 1 : -1;
}

static int ask_client(SSL *ssl, ssl_psk *key) {
  char identity[PSK_MAX_IDENTITY_LEN + 1];
  if (ssl->local.psk.client == NULL) return 0;
  memset(identity, 0, sizeof identity);
  unsigned len =
      ssl->local.psk.client(ssl, NULL, identity, PSK_MAX_IDENTITY_LEN, key->room, sizeof key->room);
  if (len == 0) return 0;
  identity[PSK_MAX_IDENTITY_LEN] = '\0';
  return take_bytes(key, len) && name_it(ssl, key, (const uint8_t *)identity, strlen(identity))
             ? 1
             : -1;
}

static int ask_find_session(SSL *ssl, ssl_psk *key, hf_bytes name) {
  SSL_SESSION *session = NULL;
  if (ssl->local.psk.find_session == NULL) return 0;
  if (!ssl->local.psk.find_session(ssl, name.data, name.len, &session)) {
    SSL_SESSION_free(session);
    return -1;
  }
  if (session == NULL) return 0;
  return take_session(key, session) && name_it(ssl, key, name.data, name.len) ? 1 : -1;
}

static int ask_server(SSL *ssl, ssl_psk *key, hf_bytes name) {
  if (ssl->local.psk.server == NULL || name.len > PSK_MAX_IDENTITY_LEN ||
      memchr(name.data, '\0', name.len) != NULL)
    return 0;
  if (!name_it(ssl, key, name.data, name.len)) return -1;
  unsigned len = ssl->local.psk.server(ssl, ssl->psk_identity, key->room, sizeof key->room);
  if (len == 0) return 0;
  return take_bytes(key, len) ? 1 : -1;
}

/* ---- The client ---- */

bool ssl_psk_offer(SSL *ssl, ssl_psk *key, hf_start *start) {
  memset(key, 0, sizeof *key);
  if (ssl->role != SSL_ROLE_CLIENT) return true;
  int ret = ask_use_session(ssl, key);
  if (ret == 0) ret = ask_client(ssl, key);
  if (ret == 0) return true;
  if (ret < 0 || key->psk.identity.len == 0 || key->psk.identity.len > UINT16_MAX) {
    SSL_ERR(SSL_R_PSK_IDENTITY_NOT_FOUND);
    return false;
  }
  start->psks = &key->psk;
  start->num_psks = 1;
  return true;
}

/* ---- The server ---- */

int ssl_psk_answer(SSL *ssl, const hf_question_t *question, size_t index) {
  const hf_bytes name = question->session.candidates[index].name;
  ssl_psk key;
  memset(&key, 0, sizeof key);
  int ret = ask_find_session(ssl, &key, name);
  if (ret == 0) ret = ask_server(ssl, &key, name);
  if (ret > 0 && hf_answer_psk(ssl->conn, index, &key.psk, 0) == HF_MISUSE) ret = -1;
  if (ret < 0) {
    ssl->io.refusal = ERR_R_INTERNAL_ERROR;
    ret = hf_refuse(ssl->conn, SSL_AD_INTERNAL_ERROR) == HF_OK ? 1 : -1;
  }
  OPENSSL_cleanse(&key, sizeof key);
  return ret;
}
