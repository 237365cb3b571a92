/* cipher.c: the cipher suites there are, and what can be asked of one.
 *
 * One table; an SSL_CIPHER is a line of it and lives for ever.  Only what the engine can do is in
 * it: a suite that is not cannot be chosen and is not found by its number. */
#include "ssl/internal.h"

#include <stdio.h>
#include <string.h>

#include <openssl/digest.h>
#include <openssl/mem.h>
#include <openssl/nid.h>

#include "ssl/cipher.h"

static const SSL_CIPHER kCiphers[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, SSL_AUTH_ANY,
     SSL_AES128, false},
    {0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", TLS1_3_VERSION, SSL_AUTH_ANY,
     SSL_AES256, true},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", TLS1_3_VERSION,
     SSL_AUTH_ANY, SSL_CHACHA20, false},
    {0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
     TLS1_2_VERSION, SSL_AUTH_ECDSA, SSL_AES128, false},
    {0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", TLS1_2_VERSION,
     SSL_AUTH_RSA, SSL_AES128, false},
    {0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
     TLS1_2_VERSION, SSL_AUTH_ECDSA, SSL_AES256, true},
    {0xc030, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", TLS1_2_VERSION,
     SSL_AUTH_RSA, SSL_AES256, true},
    {0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
     TLS1_2_VERSION, SSL_AUTH_ECDSA, SSL_CHACHA20, false},
    {0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
     TLS1_2_VERSION, SSL_AUTH_RSA, SSL_CHACHA20, false},
};

const SSL_CIPHER *ssl_cipher_at(size_t index) {
  return index < sizeof kCiphers / sizeof kCiphers[0] ? &kCiphers[index] : NULL;
}

const SSL_CIPHER *SSL_get_cipher_by_value(uint16_t value) {
  const SSL_CIPHER *cipher;
  for (size_t i = 0; (cipher = ssl_cipher_at(i)) != NULL; i++)
    if (cipher->id == value) return cipher;
  return NULL;
}

uint16_t SSL_CIPHER_get_protocol_id(const SSL_CIPHER *cipher) { return cipher->id; }

uint32_t SSL_CIPHER_get_id(const SSL_CIPHER *cipher) { return UINT32_C(0x03000000) | cipher->id; }

const char *SSL_CIPHER_get_name(const SSL_CIPHER *cipher) {
  return cipher == NULL ? "(NONE)" : cipher->name;
}

const char *SSL_CIPHER_standard_name(const SSL_CIPHER *cipher) {
  return cipher == NULL ? "(NONE)" : cipher->standard_name;
}

const char *SSL_CIPHER_get_version(const SSL_CIPHER *cipher) {
  if (cipher == NULL) return "(NONE)";
  return cipher->version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2";
}

/* AEAD suites belong to one version each. */
uint16_t SSL_CIPHER_get_min_version(const SSL_CIPHER *cipher) { return cipher->version; }
uint16_t SSL_CIPHER_get_max_version(const SSL_CIPHER *cipher) { return cipher->version; }

int SSL_CIPHER_get_bits(const SSL_CIPHER *cipher, int *out_alg_bits) {
  int bits = 0;
  if (cipher != NULL) bits = cipher->enc == SSL_AES128 ? 128 : 256;
  if (out_alg_bits != NULL) *out_alg_bits = bits;
  return bits;
}

int SSL_CIPHER_is_aead(const SSL_CIPHER *cipher) { return cipher != NULL; }

int SSL_CIPHER_is_block_cipher(const SSL_CIPHER *cipher) {
  (void)cipher;
  return 0;
}

int SSL_CIPHER_get_cipher_nid(const SSL_CIPHER *cipher) {
  switch (cipher->enc) {
    case SSL_AES128:
      return NID_aes_128_gcm;
    case SSL_AES256:
      return NID_aes_256_gcm;
    case SSL_CHACHA20:
      return NID_chacha20_poly1305;
  }
  return NID_undef;
}

/* There is no digest beside an AEAD. */
int SSL_CIPHER_get_digest_nid(const SSL_CIPHER *cipher) {
  (void)cipher;
  return NID_undef;
}

int SSL_CIPHER_get_kx_nid(const SSL_CIPHER *cipher) {
  return cipher->version == TLS1_3_VERSION ? NID_kx_any : NID_kx_ecdhe;
}

int SSL_CIPHER_get_auth_nid(const SSL_CIPHER *cipher) {
  switch (cipher->auth) {
    case SSL_AUTH_ANY:
      return NID_auth_any;
    case SSL_AUTH_ECDSA:
      return NID_auth_ecdsa;
    case SSL_AUTH_RSA:
      return NID_auth_rsa;
  }
  return NID_undef;
}

int SSL_CIPHER_get_prf_nid(const SSL_CIPHER *cipher) {
  return cipher->sha384 ? NID_sha384 : NID_sha256;
}

const EVP_MD *SSL_CIPHER_get_handshake_digest(const SSL_CIPHER *cipher) {
  return cipher->sha384 ? EVP_sha384() : EVP_sha256();
}

const char *SSL_CIPHER_get_kx_name(const SSL_CIPHER *cipher) {
  if (cipher == NULL) return "";
  switch (cipher->auth) {
    case SSL_AUTH_ANY:
      return "GENERIC";
    case SSL_AUTH_ECDSA:
      return "ECDHE_ECDSA";
    case SSL_AUTH_RSA:
      return "ECDHE_RSA";
  }
  return "";
}

static const char *auth_name(const SSL_CIPHER *cipher) {
  if (cipher->auth == SSL_AUTH_ANY) return "any";
  return cipher->auth == SSL_AUTH_ECDSA ? "ECDSA" : "RSA";
}

static const char *enc_name(const SSL_CIPHER *cipher) {
  if (cipher->enc == SSL_CHACHA20) return "CHACHA20/POLY1305(256)";
  return cipher->enc == SSL_AES128 ? "AESGCM(128)" : "AESGCM(256)";
}

const char *SSL_CIPHER_description(const SSL_CIPHER *cipher, char *buf, int len) {
  enum { ROOM = 128 };
  if (cipher == NULL) return "(NONE)";
  if (buf == NULL) {
    len = ROOM;
    buf = OPENSSL_malloc(ROOM);
    if (buf == NULL) return NULL;
  } else if (len < ROOM) {
    return "Buffer too small";
  }
  snprintf(buf, (size_t)len, "%-30s %-7s Kx=%-8s Au=%-5s Enc=%-22s Mac=%-4s\n", cipher->name,
           SSL_CIPHER_get_version(cipher), cipher->version == TLS1_3_VERSION ? "any" : "ECDH",
           auth_name(cipher), enc_name(cipher), "AEAD");
  return buf;
}
