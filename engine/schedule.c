/* schedule.c: the key schedule (RFC 9846 7), the DERIVE rows, and the keys of one direction. */
#include "engine.h"

#include <string.h>

#include <openssl/err.h>

#define LABEL(text) text, sizeof(text) - 1

/* HkdfLabel (RFC 9846 7.1) is at most so long. */
enum { HKDF_LABEL = 2 + 1 + 255 + 1 + 255 };

/* expand_label is hf_expand_label with a key that was read already. */
static hf_status expand_label(uint8_t *out, size_t out_len, const hf_suite *suite,
                              const hf_hmac *key, const char *label, size_t label_len,
                              const uint8_t *context, size_t context_len) {
  static const char prefix[] = "tls13 ";
  uint8_t info[HKDF_LABEL], *at = info;
  const size_t full_len = sizeof(prefix) - 1 + label_len;
  if (full_len > 255 || context_len > 255 || out_len > UINT16_MAX) {
    return HF_INTERNAL;
  }
  *at++ = (uint8_t)(out_len >> 8);
  *at++ = (uint8_t)out_len;
  *at++ = (uint8_t)full_len;
  memcpy(at, prefix, sizeof(prefix) - 1);
  memcpy(at + sizeof(prefix) - 1, label, label_len);
  at += full_len;
  *at++ = (uint8_t)context_len;
  if (context_len > 0) {
    memcpy(at, context, context_len);
  }
  hf_expand(out, out_len, key, suite, hf_range(info, (size_t)(at - info) + context_len));
  return HF_OK;
}

hf_status hf_expand_label(uint8_t *out, size_t out_len, const hf_suite *suite,
                          const uint8_t *secret, const char *label, size_t label_len,
                          const uint8_t *context, size_t context_len) {
  hf_hmac key;
  hf_hmac_key(&key, suite, secret, suite->hash_len);
  const hf_status status =
      expand_label(out, out_len, suite, &key, label, label_len, context, context_len);
  OPENSSL_cleanse(&key, sizeof(key));
  return status;
}

/* Derive-Secret (RFC 9846 7.1) with the hash of the messages given. */
static hf_status derive_secret(uint8_t *out, const hf_suite *suite, const uint8_t *secret,
                               const char *label, size_t label_len, const uint8_t *hash) {
  return hf_expand_label(out, suite->hash_len, suite, secret, label, label_len, hash,
                         suite->hash_len);
}

/* HKDF-Extract (RFC 5869 2.2). */
static void extract(uint8_t *out, const hf_suite *suite, const uint8_t *salt, size_t salt_len,
                    const uint8_t *input, size_t input_len) {
  hf_hmac_once(out, suite, hf_range(salt, salt_len), hf_range(input, input_len));
}

/* What comes out of the schedule where nothing goes in is the same in all handshakes. */
typedef struct constant {
  uint8_t sha256[SHA256_DIGEST_LENGTH], sha384[SHA384_DIGEST_LENGTH];
} constant;
static const constant hash_of_nothing = {
    {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
     0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
     0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55},
    {0x38, 0xb0, 0x60, 0xa7, 0x51, 0xac, 0x96, 0x38, 0x4c, 0xd9, 0x32, 0x7e,
     0xb1, 0xb1, 0xe3, 0x6a, 0x21, 0xfd, 0xb7, 0x11, 0x14, 0xbe, 0x07, 0x43,
     0x4c, 0x0c, 0xc7, 0xbf, 0x63, 0xf6, 0xe1, 0xda, 0x27, 0x4e, 0xde, 0xbf,
     0xe7, 0x6f, 0x65, 0xfb, 0xd5, 0x1a, 0xd2, 0xf1, 0x48, 0x98, 0xb9, 0x5b}};
/* next_salt of the early secret without a PSK. */
static const constant salt_without_psk = {
    {0x6f, 0x26, 0x15, 0xa1, 0x08, 0xc7, 0x02, 0xc5, 0x67, 0x8f, 0x54,
     0xfc, 0x9d, 0xba, 0xb6, 0x97, 0x16, 0xc0, 0x76, 0x18, 0x9c, 0x48,
     0x25, 0x0c, 0xeb, 0xea, 0xc3, 0x57, 0x6c, 0x36, 0x11, 0xba},
    {0x15, 0x91, 0xda, 0xc5, 0xcb, 0xbf, 0x03, 0x30, 0xa4, 0xa8, 0x4d, 0xe9,
     0xc7, 0x53, 0x33, 0x0e, 0x92, 0xd0, 0x1f, 0x0a, 0x88, 0x21, 0x4b, 0x44,
     0x64, 0x97, 0x2f, 0xd6, 0x68, 0x04, 0x9e, 0x93, 0xe5, 0x2f, 0x2b, 0x16,
     0xfa, 0xd9, 0x22, 0xfd, 0xc0, 0x58, 0x44, 0x78, 0x42, 0x8f, 0x28, 0x2b}};

static const uint8_t *constant_of(const constant *which, const hf_suite *suite) {
  return suite->hash_len == SHA256_DIGEST_LENGTH ? which->sha256 : which->sha384;
}

/* The salt of the next Extract of the schedule: Derive-Secret(secret, "derived", ""). */
static hf_status next_salt(uint8_t out[HF_MAX_HASH], const hf_suite *suite, const uint8_t *secret) {
  return derive_secret(out, suite, secret, LABEL("derived"), constant_of(&hash_of_nothing, suite));
}

static const uint8_t zeros[HF_MAX_HASH];

void hf_early_secret(uint8_t out[HF_MAX_HASH], const hf_suite *suite, const uint8_t *psk,
                     size_t psk_len) {
  extract(out, suite, NULL, 0, psk, psk_len);
}

hf_status hf_binder(uint8_t *out, const hf_suite *suite, const uint8_t *early_secret,
                    hf_binder_kind kind, const uint8_t *hash) {
  static const char labels[][11] = {
      [HF_BINDER_RESUMPTION] = "res binder",
      [HF_BINDER_EXTERNAL] = "ext binder",
      [HF_BINDER_IMPORTED] = "imp binder",
  };
  uint8_t key[HF_MAX_HASH];
  hf_status status = derive_secret(key, suite, early_secret, LABEL(labels[kind]),
                                   constant_of(&hash_of_nothing, suite));
  if (status == HF_OK) {
    status = hf_finished_mac(out, suite, key, hash);
  }
  OPENSSL_cleanse(key, sizeof(key));
  return status;
}

hf_status hf_ask_early_exporter(hf_conn *conn) {
  if (conn->hs->early_suite == NULL) {
    return HF_INTERNAL;
  }
  hf_ask_install(conn, conn->hs->early_suite, HF_SECRET_EARLY_EXPORTER, HF_EARLY, false,
                 "EARLY_EXPORTER_SECRET", conn->hs->early_exporter);
  return HF_OK;
}

hf_status hf_ask_exporter(hf_conn *conn) {
  if (conn->suite == NULL) {
    return HF_INTERNAL;
  }
  hf_ask_install(conn, conn->suite, HF_SECRET_EXPORTER, HF_APPLICATION, false, "EXPORTER_SECRET",
                 conn->exporter);
  return HF_OK;
}

hf_status hf_derive_early(hf_conn *conn, const hf_suite *suite, const uint8_t *early_secret) {
  hf_hs *hs = conn->hs;
  uint8_t hash[HF_MAX_HASH];
  hf_transcript_hash(hash, conn, suite);
  HF_TRY(derive_secret(hs->traffic[HF_CLIENT][HF_EARLY - 1], suite, early_secret,
                       LABEL("c e traffic"), hash));
  HF_TRY(derive_secret(hs->early_exporter, suite, early_secret, LABEL("e exp master"), hash));
  hs->early_suite = suite;
  return conn->config->settings.flags & HF_EXPORT_SECRETS ? hf_ask_early_exporter(conn) : HF_OK;
}

/* Derives the traffic secrets of both sides at |level| from |key| and the transcript here. */
static hf_status both_traffic(hf_conn *conn, hf_level level, const hf_hmac *key, const char *client,
                              const char *server, size_t label_len, const uint8_t *hash) {
  const hf_suite *suite = conn->suite;
  uint8_t(*traffic)[3][HF_MAX_HASH] = conn->hs->traffic;
  HF_TRY(expand_label(traffic[HF_CLIENT][level - 1], suite->hash_len, suite, key, client, label_len,
                      hash, suite->hash_len));
  return expand_label(traffic[HF_SERVER][level - 1], suite->hash_len, suite, key, server, label_len,
                      hash, suite->hash_len);
}

hf_status hf_derive_HANDSHAKE(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const hf_suite *suite = conn->suite;
  uint8_t hash[HF_MAX_HASH], salt[HF_MAX_HASH];
  hf_hmac key;
  memcpy(salt, constant_of(&salt_without_psk, suite), suite->hash_len);
  if (hf_has(conn, RESUMED)) {
    HF_TRY(next_salt(salt, suite, hs->early_secret));
  }
  extract(hs->secret, suite, salt, suite->hash_len, hs->shared, hs->shared_len);
  OPENSSL_cleanse(salt, sizeof(salt));
  OPENSSL_cleanse(hs->shared, sizeof(hs->shared));
  OPENSSL_cleanse(hs->kem_secret, sizeof(hs->kem_secret));
  OPENSSL_cleanse(hs->early_secret, sizeof(hs->early_secret));
  hf_psk_forget(conn);
  hf_transcript_hash(hash, conn, suite);
  hf_hmac_key(&key, suite, hs->secret, suite->hash_len);
  hf_status status =
      both_traffic(conn, HF_HANDSHAKE, &key, "c hs traffic", "s hs traffic", 12, hash);
  if (status == HF_OK) {
    // There is no other use for it: the next salt takes its place.
    status = expand_label(hs->secret, suite->hash_len, suite, &key, LABEL("derived"),
                          constant_of(&hash_of_nothing, suite), suite->hash_len);
  }
  OPENSSL_cleanse(&key, sizeof(key));
  return status;
}

hf_status hf_derive_APPLICATION(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const hf_suite *suite = conn->suite;
  uint8_t hash[HF_MAX_HASH];
  hf_hmac key;
  extract(hs->secret, suite, hs->secret, suite->hash_len, zeros, suite->hash_len);
  hf_transcript_hash(hash, conn, suite);
  hf_hmac_key(&key, suite, hs->secret, suite->hash_len);
  hf_status status =
      both_traffic(conn, HF_APPLICATION, &key, "c ap traffic", "s ap traffic", 12, hash);
  if (status == HF_OK) {
    status = expand_label(conn->exporter, suite->hash_len, suite, &key, LABEL("exp master"), hash,
                          suite->hash_len);
  }
  OPENSSL_cleanse(&key, sizeof(key));
  HF_TRY(status);
  conn->exporter_set = true;
  return conn->config->settings.flags & HF_EXPORT_SECRETS ? hf_ask_exporter(conn) : HF_OK;
}

hf_status hf_derive_RESUMPTION(hf_conn *conn) {
  uint8_t hash[HF_MAX_HASH];
  hf_transcript_hash(hash, conn, conn->suite);
  return derive_secret(conn->resumption, conn->suite, conn->hs->secret, LABEL("res master"), hash);
}

hf_status hf_finished_mac(uint8_t *out, const hf_suite *suite, const uint8_t *base_key,
                          const uint8_t *hash) {
  uint8_t key[HF_MAX_HASH];
  HF_TRY(hf_expand_label(key, suite->hash_len, suite, base_key, LABEL("finished"), NULL, 0));
  hf_hmac_once(out, suite, hf_range(key, suite->hash_len), hf_range(hash, suite->hash_len));
  OPENSSL_cleanse(key, sizeof(key));
  return HF_OK;
}

void hf_keys_wipe(hf_keys *keys) {
  if (keys->level != HF_INITIAL) {
    EVP_AEAD_CTX_cleanup(&keys->aead);
  }
  OPENSSL_cleanse(keys, sizeof(*keys));
}

hf_status hf_traffic_key(uint8_t *key, uint8_t *iv, uint8_t *finished, const hf_suite *suite,
                         const uint8_t *secret) {
  if (suite->version == HF_TLS12) {  // a key and its IV: prf.c
    memset(iv, 0, HF_NONCE);
    memcpy(key, secret, suite->key_len);
    memcpy(iv, secret + suite->key_len, (size_t)(HF_NONCE - suite->sent_nonce));
    return HF_OK;
  }
  hf_hmac hmac;
  hf_hmac_key(&hmac, suite, secret, suite->hash_len);
  hf_status status = expand_label(key, suite->key_len, suite, &hmac, LABEL("key"), NULL, 0);
  if (status == HF_OK) {
    status = expand_label(iv, HF_NONCE, suite, &hmac, LABEL("iv"), NULL, 0);
  }
  if (status == HF_OK && finished != NULL) {
    status = expand_label(finished, suite->hash_len, suite, &hmac, LABEL("finished"), NULL, 0);
  }
  OPENSSL_cleanse(&hmac, sizeof(hmac));
  return status;
}

hf_status hf_make_material(hf_material *out, uint8_t *finished, const hf_suite *suite,
                           const uint8_t *secret) {
  memset(out, 0, sizeof(*out));
  memcpy(out->secret, secret, hf_secret_len(suite));
  return hf_traffic_key(out->key, out->iv, finished, suite, secret);
}

hf_status hf_next_material(hf_material *out, const hf_suite *suite, const hf_keys *keys) {
  uint8_t next[HF_MAX_HASH];
  hf_status status =
      hf_expand_label(next, suite->hash_len, suite, keys->secret, LABEL("traffic upd"), NULL, 0);
  if (status == HF_OK) {
    status = hf_make_material(out, NULL, suite, next);
    out->generation = keys->generation + 1;
  }
  OPENSSL_cleanse(next, sizeof(next));
  return status;
}

hf_status hf_keys_install(hf_keys *keys, const hf_suite *suite, hf_level level,
                          const hf_material *material) {
  hf_keys_wipe(keys);
  if (!EVP_AEAD_CTX_init(&keys->aead, suite->aead(), material->key, suite->key_len, HF_TAG, NULL)) {
    EVP_AEAD_CTX_zero(&keys->aead);
    return HF_NO_MEMORY;
  }
  memcpy(keys->secret, material->secret, sizeof(keys->secret));
  memcpy(keys->iv, material->iv, sizeof(keys->iv));
  keys->generation = material->generation;
  keys->level = (uint8_t)level;
  return HF_OK;
}

hf_status hf_keys_set(hf_keys *keys, const hf_suite *suite, hf_level level, uint8_t *secret) {
  hf_material material;
  uint8_t finished[HF_MAX_HASH];
  memset(finished, 0, sizeof(finished));
  hf_status status =
      hf_make_material(&material, level == HF_HANDSHAKE ? finished : NULL, suite, secret);
  if (status == HF_OK) {
    status = hf_keys_install(keys, suite, level, &material);
  }
  if (status == HF_OK) {
    memcpy(secret, finished, sizeof(finished));
  }
  OPENSSL_cleanse(finished, sizeof(finished));
  OPENSSL_cleanse(&material, sizeof(material));
  return status;
}

hf_status hf_keys_update(hf_keys *keys, const hf_suite *suite) {
  hf_material next;
  hf_status status = hf_next_material(&next, suite, keys);
  if (status == HF_OK) {
    status = hf_keys_install(keys, suite, HF_APPLICATION, &next);
  }
  OPENSSL_cleanse(&next, sizeof(next));
  return status;
}

/* Of a label that may be at most 249 bytes long. */
static size_t label_length(const char *label) {
  size_t len = 0;
  while (len <= 249 && label[len] != '\0') {
    len++;
  }
  return len;
}

/* RFC 9846 7.5.  An absent context and an empty one are the same here. */
static hf_status export_from(uint8_t *out, size_t out_len, const hf_suite *suite,
                             const uint8_t *exporter, const char *label, hf_bytes context) {
  const size_t label_len = label_length(label);
  if (out_len > 255 * (size_t)suite->hash_len || label_len > 249) {
    return HF_MISUSE;
  }
  uint8_t hash[HF_MAX_HASH], secret[HF_MAX_HASH];
  hf_hash hashed;
  hf_hash_begin(&hashed, suite->hash_len);
  hf_hash_add(&hashed, suite->hash_len, context.data, context.len);
  hf_hash_end(hash, &hashed, suite->hash_len);
  hf_status status = derive_secret(secret, suite, exporter, label, label_len,
                                   constant_of(&hash_of_nothing, suite));
  if (status == HF_OK) {
    status = hf_expand_label(out, out_len, suite, secret, LABEL("exporter"), hash, suite->hash_len);
  }
  OPENSSL_cleanse(secret, sizeof(secret));
  ERR_clear_error();
  hf_scrub();
  return status;
}

hf_status hf_export(const hf_conn *conn, uint8_t *out, size_t out_len, const char *label,
                    hf_bytes context) {
  // A server may export from its own Finished on; a client when it knows the server. In TLS 1.2
  // both wait for the peer's Finished, unless a client may send before it comes (RFC 7918).
  const bool known = conn->ready || (hf_tls12(conn) ? hf_starts_falsely(conn) : hf_is_server(conn));
  if (conn->fault != HF_OK || !conn->exporter_set || !known) {
    return HF_MISUSE;
  }
  if (hf_tls12(conn)) {
    return hf_export_12(conn, out, out_len, hf_range((const uint8_t *)label, label_length(label)),
                        context);
  }
  return export_from(out, out_len, conn->suite, conn->exporter, label, context);
}

hf_status hf_export_early(const hf_conn *conn, uint8_t *out, size_t out_len, const char *label,
                          hf_bytes context) {
  const hf_hs *hs = conn->hs;
  if (conn->fault != HF_OK || hs == NULL || hs->early_suite == NULL || !hf_has(conn, EARLY)) {
    return HF_MISUSE;
  }
  return export_from(out, out_len, hs->early_suite, hs->early_exporter, label, context);
}
