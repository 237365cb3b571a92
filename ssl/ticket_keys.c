/* ticket_keys.c: how a server's tickets are sealed and opened, and with what keys.
 *
 * In this order: the application's SSL_TICKET_AEAD_METHOD; its ticket key callback; keys of the
 * SSL_CTX: those that were set, or keys of its own that change every two days, the ones before
 * being good for opening for as long again.  The latter two make what RFC 5077 section 4
 * recommends: name, IV, ciphertext, and an HMAC over all that.
 *
 * |lock| guards the keys, which all connections of an SSL_CTX share; it is held for copying. */
#include "ssl/session.h"

#include <assert.h>
#include <string.h>

#include <openssl/aes.h>
#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

enum {
  NAME_LEN = SSL_TICKET_KEY_NAME_LEN,
  KEYS_LEN = SSL_TICKET_KEYS_LEN,
  HMAC_KEY_LEN = 16,
  AES_KEY_LEN = 16
};

static void lock(ssl_ticket_keys *keys) {
  while (atomic_flag_test_and_set_explicit(&keys->lock, memory_order_acquire)) {
  }
}

static void unlock(ssl_ticket_keys *keys) {
  atomic_flag_clear_explicit(&keys->lock, memory_order_release);
}

/* ---- Which keys ---- */

void ssl_ticket_keys_init(ssl_ticket_keys *keys) { atomic_flag_clear(&keys->lock); }

/* rotate makes new keys of the SSL_CTX's own if it is time. */
static void rotate(ssl_ticket_keys *keys, uint64_t now) {
  const uint64_t interval = SSL_DEFAULT_TICKET_KEY_ROTATION_INTERVAL;
  if (keys->is_set || now < keys->next_change) return;
  /* Keys live for two intervals, however late the change after the first is noticed. */
  bool stale = now - keys->next_change >= interval;
  if (stale) RAND_bytes(keys->pairs[0], KEYS_LEN);
  memcpy(keys->pairs[1], keys->pairs[0], KEYS_LEN);
  RAND_bytes(keys->pairs[0], KEYS_LEN);
  keys->next_change = (stale ? now : keys->next_change) + interval;
}

/* copy_keys gives the keys that seal and behind them those before, which are the same if keys were
 * set. |give_away|: whoever asked may give them to others. */
static void copy_keys(SSL_CTX *ctx, uint8_t out[2][KEYS_LEN], bool give_away) {
  ssl_ticket_keys *keys = &ctx->ticket_keys;
  uint64_t now = ssl_now(ctx) / 1000;
  lock(keys);
  rotate(keys, now);
  memcpy(out, keys->pairs, 2 * KEYS_LEN);
  if (give_away) keys->is_shared = true;
  unlock(keys);
}

int SSL_CTX_set_tlsext_ticket_keys(SSL_CTX *ctx, const void *in, size_t len) {
  if (in == NULL) return KEYS_LEN;
  if (len != KEYS_LEN) {
    SSL_ERR(SSL_R_INVALID_TICKET_KEYS_LENGTH);
    return 0;
  }
  ssl_ticket_keys *keys = &ctx->ticket_keys;
  lock(keys);
  memcpy(keys->pairs[0], in, KEYS_LEN);
  memcpy(keys->pairs[1], in, KEYS_LEN);
  keys->is_set = keys->is_shared = true;
  unlock(keys);
  return 1;
}

int SSL_CTX_get_tlsext_ticket_keys(SSL_CTX *ctx, void *out, size_t len) {
  uint8_t keys[2][KEYS_LEN];
  if (out == NULL) return KEYS_LEN;
  if (len != KEYS_LEN) {
    SSL_ERR(SSL_R_INVALID_TICKET_KEYS_LENGTH);
    return 0;
  }
  copy_keys(ctx, keys, true);
  memcpy(out, keys[0], KEYS_LEN);
  OPENSSL_cleanse(keys, sizeof keys);
  return 1;
}

bool ssl_tickets_are_own(SSL_CTX *ctx) {
  lock(&ctx->ticket_keys);
  bool is_shared = ctx->ticket_keys.is_shared;
  unlock(&ctx->ticket_keys);
  return !is_shared && ctx->ticket_key_cb == NULL && ctx->ticket_aead_method == NULL &&
         ctx->get_session_cb == NULL;
}

int SSL_CTX_set_tlsext_ticket_key_cb(SSL_CTX *ctx,
                                     int (*callback)(SSL *ssl, uint8_t *key_name, uint8_t *iv,
                                                     EVP_CIPHER_CTX *cipher_ctx, HMAC_CTX *hmac_ctx,
                                                     int encrypt)) {
  ctx->ticket_key_cb = callback;
  return 1;
}

void SSL_CTX_set_ticket_aead_method(SSL_CTX *ctx, const SSL_TICKET_AEAD_METHOD *aead_method) {
  ctx->ticket_aead_method = aead_method;
}

/* Servers that share the keys of their tickets know each other's cookies too. */
void ssl_cookie_keys(SSL_CTX *ctx, uint8_t out[2 * HF_BOX_KEY]) {
  static const char kLabel[] = "handfast cookie key";
  static_assert(HF_BOX_KEY == SHA256_DIGEST_LENGTH, "a digest is a key");
  uint8_t keys[2][KEYS_LEN];
  SHA256_CTX sha;
  copy_keys(ctx, keys, false);
  for (size_t i = 0; i < 2; i++) {
    SHA256_Init(&sha);
    SHA256_Update(&sha, kLabel, sizeof kLabel);
    SHA256_Update(&sha, keys[i], KEYS_LEN);
    SHA256_Final(out + i * HF_BOX_KEY, &sha);
  }
  OPENSSL_cleanse(&sha, sizeof sha);
  OPENSSL_cleanse(keys, sizeof keys);
}

/* ---- Name, IV, ciphertext, HMAC ---- */

typedef struct contexts {
  EVP_CIPHER_CTX cipher;
  HMAC_CTX hmac;
} contexts;

/* ready does with |keys| what a ticket key callback would. */
static bool ready(const uint8_t keys[KEYS_LEN], const uint8_t *iv, contexts *c, int encrypt) {
  return HMAC_Init_ex(&c->hmac, keys + NAME_LEN, HMAC_KEY_LEN, EVP_sha256(), NULL) &&
         EVP_CipherInit_ex(&c->cipher, EVP_aes_128_cbc(), NULL, keys + NAME_LEN + HMAC_KEY_LEN, iv,
                           encrypt);
}

/* choose readies the contexts.  Returns what a ticket key callback returns: 2 if the keys will soon
 * be gone. */
static int choose(SSL *ssl, uint8_t *name, uint8_t *iv, contexts *c, int encrypt) {
  uint8_t keys[2][KEYS_LEN];
  SSL_CTX *ctx = ssl->first_ctx;
  int ret = 0;
  if (ctx->ticket_key_cb != NULL)
    return ctx->ticket_key_cb(ssl, name, iv, &c->cipher, &c->hmac, encrypt);
  copy_keys(ctx, keys, false);
  if (encrypt) {
    memcpy(name, keys[0], NAME_LEN);
    RAND_bytes(iv, EVP_MAX_IV_LENGTH);
    ret = ready(keys[0], iv, c, 1) ? 1 : -1;
  }
  for (int i = 0; !encrypt && ret == 0 && i < 2; i++) {
    if (CRYPTO_memcmp(name, keys[i], NAME_LEN) == 0) ret = ready(keys[i], iv, c, 0) ? i + 1 : -1;
  }
  OPENSSL_cleanse(keys, sizeof keys);
  return ret;
}

/* crypt runs the cipher over |len| bytes. */
static bool crypt(EVP_CIPHER_CTX *cipher, uint8_t *out, size_t *out_len, const uint8_t *in,
                  size_t len) {
  int some, rest;
  if (len > INT32_MAX / 2 || !EVP_CipherUpdate(cipher, out, &some, in, (int)len) ||
      !EVP_CipherFinal_ex(cipher, out + some, &rest))
    return false;
  *out_len = (size_t)some + (size_t)rest;
  return true;
}

static bool seal_with(SSL *ssl, ssl_owned *out, hf_bytes plain, contexts *c) {
  uint8_t iv[EVP_MAX_IV_LENGTH], name[NAME_LEN];
  size_t sealed = 0;
  unsigned mac_len;
  if (choose(ssl, name, iv, c, 1) <= 0) return false;
  size_t iv_len = EVP_CIPHER_CTX_iv_length(&c->cipher), head = NAME_LEN + iv_len;
  out->data = OPENSSL_malloc(head + plain.len + EVP_MAX_BLOCK_LENGTH + EVP_MAX_MD_SIZE);
  if (out->data == NULL) return false;
  memcpy(out->data, name, NAME_LEN);
  memcpy(out->data + NAME_LEN, iv, iv_len);
  if (!crypt(&c->cipher, out->data + head, &sealed, plain.data, plain.len) ||
      !HMAC_Update(&c->hmac, out->data, head + sealed) ||
      !HMAC_Final(&c->hmac, out->data + head + sealed, &mac_len))
    return false;
  out->len = head + sealed + mac_len;
  return true;
}

static enum ssl_ticket_aead_result_t open_with(SSL *ssl, ssl_owned *out, bool *renew,
                                               hf_bytes ticket, contexts *c) {
  uint8_t iv[EVP_MAX_IV_LENGTH], name[NAME_LEN], mac[EVP_MAX_MD_SIZE];
  if (ticket.len < NAME_LEN + EVP_MAX_IV_LENGTH) return ssl_ticket_aead_ignore_ticket;
  memcpy(name, ticket.data, NAME_LEN);
  memcpy(iv, ticket.data + NAME_LEN, sizeof iv);
  int ret = choose(ssl, name, iv, c, 0);
  if (ret < 0) return ssl_ticket_aead_error;
  if (ret == 0) return ssl_ticket_aead_ignore_ticket;
  *renew = ret == 2;
  size_t head = NAME_LEN + EVP_CIPHER_CTX_iv_length(&c->cipher), mac_len = HMAC_size(&c->hmac);
  if (ticket.len < head + 1 + mac_len) return ssl_ticket_aead_ignore_ticket;
  size_t signed_len = ticket.len - mac_len;
  /* The HMAC first: nothing that somebody else made is decrypted. */
  if (!HMAC_Update(&c->hmac, ticket.data, signed_len) || !HMAC_Final(&c->hmac, mac, NULL))
    return ssl_ticket_aead_error;
  if (CRYPTO_memcmp(mac, ticket.data + signed_len, mac_len) != 0 ||
      !crypt(&c->cipher, out->data, &out->len, ticket.data + head, signed_len - head))
    return ssl_ticket_aead_ignore_ticket;
  return ssl_ticket_aead_success;
}

static void contexts_init(contexts *c) {
  EVP_CIPHER_CTX_init(&c->cipher);
  HMAC_CTX_init(&c->hmac);
}

static void contexts_clear(contexts *c) {
  EVP_CIPHER_CTX_cleanup(&c->cipher);
  HMAC_CTX_cleanup(&c->hmac);
}

/* ---- Which of them ---- */

static bool seal_method(SSL *ssl, ssl_owned *out, hf_bytes plain) {
  const SSL_TICKET_AEAD_METHOD *method = ssl->first_ctx->ticket_aead_method;
  size_t overhead = method->max_overhead(ssl);
  if (overhead > SIZE_MAX - plain.len) return false;
  out->data = OPENSSL_malloc(plain.len + overhead);
  return out->data != NULL &&
         method->seal(ssl, out->data, &out->len, plain.len + overhead, plain.data, plain.len);
}

bool ssl_ticket_seal(SSL *ssl, ssl_owned *out, hf_bytes plain) {
  contexts c;
  bool ok;
  *out = (ssl_owned){NULL, 0};
  if (ssl->first_ctx->ticket_aead_method != NULL) {
    ok = seal_method(ssl, out, plain);
  } else {
    contexts_init(&c);
    ok = seal_with(ssl, out, plain, &c);
    contexts_clear(&c);
  }
  if (ok) return true;
  OPENSSL_free(out->data);
  *out = (ssl_owned){NULL, 0};
  return false;
}

enum ssl_ticket_aead_result_t ssl_ticket_open(SSL *ssl, ssl_owned *out, bool *renew,
                                              hf_bytes ticket) {
  const SSL_TICKET_AEAD_METHOD *method = ssl->first_ctx->ticket_aead_method;
  enum ssl_ticket_aead_result_t result;
  contexts c;
  *renew = false;
  *out = (ssl_owned){OPENSSL_malloc(ticket.len + EVP_MAX_BLOCK_LENGTH), 0};
  if (out->data == NULL) return ssl_ticket_aead_ignore_ticket; /* a full handshake needs none */
  if (method != NULL) {
    result = method->open(ssl, out->data, &out->len, ticket.len, ticket.data, ticket.len);
  } else {
    contexts_init(&c);
    result = open_with(ssl, out, renew, ticket, &c);
    contexts_clear(&c);
  }
  if (result == ssl_ticket_aead_success) return result;
  OPENSSL_free(out->data);
  *out = (ssl_owned){NULL, 0};
  return result;
}
