/* handlers.c: callbacks about tickets, sessions, messages and compressed certificates. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bytestring.h>
#include <openssl/cipher.h>
#include <openssl/rand.h>

#include "tests/bogo/shim.h"

/* The runner makes and reads tickets under keys that are all zero, as it expects of shims. */
int on_ticket_key(SSL *ssl, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac,
                  int encrypt) {
  static const uint8_t zeros[16];
  struct state *state = state_of(ssl);
  if (!encrypt && state->ticket_opened) {
    complain("a ticket was opened twice");
    return -1;
  }
  if (encrypt) {
    memcpy(name, zeros, sizeof zeros);
    RAND_bytes(iv, 16);
  } else {
    state->ticket_opened = true;
    if (memcmp(name, zeros, sizeof zeros) != 0) return 0;
  }
  if (!HMAC_Init_ex(hmac, zeros, sizeof zeros, EVP_sha256(), NULL) ||
      !EVP_CipherInit_ex(cipher, EVP_aes_128_cbc(), NULL, zeros, iv, encrypt)) {
    return -1;
  }
  return !encrypt && state->config->renew_ticket ? 2 : 1;
}

int on_new_session(SSL *ssl, SSL_SESSION *session) {
  struct state *state = state_of(ssl);
  if (SSL_in_init(ssl) || SSL_get_session(ssl) == NULL) {
    state->broken = true;
    complain("a session came before the handshake was over");
  }
  state->got_new_session = true;
  SSL_SESSION_free(state->new_session);
  state->new_session = session;
  if (SSL_is_server(ssl)) sessions_keep(session);
  return 1;
}

SSL_SESSION *on_get_session(SSL *ssl, const uint8_t *id, int len, int *copy) {
  struct state *state = state_of(ssl);
  (void)id, (void)len;
  if (state->offered == NULL) return NULL;
  if (!state->session_ready) return SSL_magic_pending_session_ptr();
  SSL_SESSION *session = state->offered;
  state->offered = NULL;
  *copy = 0;
  return session;
}

/* ---- Messages, as the runner writes them down ---- */

static bool note(struct state *state, const char *format, ...) {
  size_t len = strlen(state->messages), room = sizeof state->messages - len;
  va_list args;
  va_start(args, format);
  int wrote = vsnprintf(state->messages + len, room, format, args);
  va_end(args);
  return wrote >= 0 && (size_t)wrote < room;
}

void on_message(int is_write, int version, int type, const void *buf, size_t len, SSL *ssl,
                void *arg) {
  struct state *state = state_of(ssl);
  const uint8_t *bytes = buf;
  const char *way = is_write ? "write" : "read";
  bool ok = false;
  (void)version, (void)arg;
  if (type == SSL3_RT_HEADER) {
    ok = len == SSL3_RT_HEADER_LENGTH;
  } else if (type == SSL3_RT_HANDSHAKE) {
    size_t body = len < 4 ? 0 : (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    ok = len == 4 + body && note(state, "%s hs %d\n", way, bytes[0]);
    if (ok && !is_write) state->last_message = bytes[0];
  } else if (type == SSL3_RT_CHANGE_CIPHER_SPEC) {
    ok = len == 1 && bytes[0] == 1 && note(state, "%s ccs\n", way);
  } else if (type == SSL3_RT_ALERT) {
    ok = len == 2 && note(state, "%s alert %d %d\n", way, bytes[0], bytes[1]);
  }
  if (!ok) {
    state->broken = true;
    complain("a message of type %d and %zu bytes", type, len);
  }
}

/* ---- Three algorithms that the runner has too ---- */

/* 0xff01 leaves out the two zero bytes that a certificate message begins with here. */
enum { SHRINKS = 0xff01, GROWS = 0xff02, DIFFERS = 0xff03 };

static int shrink(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
  (void)ssl;
  return len >= 2 && in[0] == 0 && in[1] == 0 && CBB_add_bytes(out, in + 2, len - 2);
}

static int unshrink(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len, const uint8_t *in,
                    size_t len) {
  uint8_t *bytes;
  (void)ssl;
  if (uncompressed_len != len + 2 || (*out = CRYPTO_BUFFER_alloc(&bytes, uncompressed_len)) == NULL)
    return 0;
  memset(bytes, 0, 2);
  memcpy(bytes + 2, in, len);
  return 1;
}

/* 0xff02 puts 1, 2, 3, 4 in front. */
static const uint8_t prefix[4] = {1, 2, 3, 4};

static int grow(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
  (void)ssl;
  return CBB_add_bytes(out, prefix, sizeof prefix) && CBB_add_bytes(out, in, len);
}

static int ungrow(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len, const uint8_t *in,
                  size_t len) {
  (void)ssl;
  if (len < sizeof prefix || memcmp(in, prefix, sizeof prefix) != 0 ||
      uncompressed_len != len - sizeof prefix) {
    return 0;
  }
  *out = CRYPTO_BUFFER_new(in + sizeof prefix, uncompressed_len, NULL);
  return *out != NULL;
}

/* 0xff03 puts a random byte in front: no two results are the same. */
static int differ(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
  uint8_t byte;
  (void)ssl;
  return RAND_bytes(&byte, 1) && CBB_add_u8(out, byte) && CBB_add_bytes(out, in, len);
}

static int undiffer(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len, const uint8_t *in,
                    size_t len) {
  (void)ssl;
  if (uncompressed_len + 1 != len) return 0;
  *out = CRYPTO_BUFFER_new(in + 1, uncompressed_len, NULL);
  return *out != NULL;
}

bool handlers_compression(SSL_CTX *ctx, const struct config *config) {
  static const struct {
    uint16_t id;
    ssl_cert_compression_func_t compress;
    ssl_cert_decompression_func_t decompress;
  } algorithms[] = {
      {GROWS, grow, ungrow}, {SHRINKS, shrink, unshrink}, {DIFFERS, differ, undiffer}};
  for (size_t i = 0; i < 3; i++) {
    if (!config->install_cert_compression_algs &&
        config->install_one_cert_compression_alg != algorithms[i].id) {
      continue;
    }
    if (!SSL_CTX_add_cert_compression_alg(ctx, algorithms[i].id, algorithms[i].compress,
                                          algorithms[i].decompress)) {
      return false;
    }
  }
  return true;
}
