/* schedule.c: the key schedule (RFC 9846 7), the DERIVE rows, and the keys of one direction. */
#include "engine.h"

#include <string.h>

#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>

#define LABEL(text) text, sizeof(text) - 1

hf_status hf_expand_label(uint8_t *out, size_t out_len, const hf_suite *suite,
                          const uint8_t *secret, const char *label, size_t label_len,
                          const uint8_t *context, size_t context_len) {
  static const char prefix[] = "tls13 ";
  uint8_t info[2 + 1 + 255 + 1 + 255];
  const size_t full_len = sizeof(prefix) - 1 + label_len;
  if (full_len > 255 || context_len > 255 || out_len > UINT16_MAX) {
    return HF_INTERNAL;
  }
  CBB cbb;
  size_t info_len;
  if (!CBB_init_fixed(&cbb, info, sizeof(info))) {
    return HF_NO_MEMORY;
  }
  if (!CBB_add_u16(&cbb, (uint16_t)out_len) || !CBB_add_u8(&cbb, (uint8_t)full_len) ||
      !CBB_add_bytes(&cbb, (const uint8_t *)prefix, sizeof(prefix) - 1) ||
      !CBB_add_bytes(&cbb, (const uint8_t *)label, label_len) ||
      !CBB_add_u8(&cbb, (uint8_t)context_len) || !CBB_add_bytes(&cbb, context, context_len) ||
      !CBB_finish(&cbb, NULL, &info_len)) {
    CBB_cleanup(&cbb);
    return HF_INTERNAL;
  }
  return HKDF_expand(out, out_len, suite->md(), secret, suite->hash_len, info, info_len)
             ? HF_OK
             : HF_NO_MEMORY;
}

/* Derive-Secret (RFC 9846 7.1) with the hash of the messages given. */
static hf_status derive_secret(uint8_t *out, const hf_suite *suite, const uint8_t *secret,
                               const char *label, size_t label_len, const uint8_t *hash) {
  return hf_expand_label(out, suite->hash_len, suite, secret, label, label_len, hash,
                         suite->hash_len);
}

static hf_status extract(uint8_t *out, const hf_suite *suite, const uint8_t *salt, size_t salt_len,
                         const uint8_t *input, size_t input_len) {
  size_t len;
  return HKDF_extract(out, &len, suite->md(), input, input_len, salt, salt_len) ? HF_OK
                                                                                : HF_NO_MEMORY;
}

/* The next Extract of the schedule: its salt is Derive-Secret(secret, "derived", ""). */
static hf_status next_secret(uint8_t *secret, const hf_suite *suite, const uint8_t *input,
                             size_t input_len) {
  uint8_t empty[EVP_MAX_MD_SIZE], salt[HF_MAX_HASH];
  unsigned empty_len;
  if (!EVP_Digest(NULL, 0, empty, &empty_len, suite->md(), NULL)) {
    return HF_NO_MEMORY;
  }
  HF_TRY(derive_secret(salt, suite, secret, LABEL("derived"), empty));
  hf_status status = extract(secret, suite, salt, suite->hash_len, input, input_len);
  OPENSSL_cleanse(salt, sizeof(salt));
  return status;
}

static const uint8_t zeros[HF_MAX_HASH];

hf_status hf_early_secret(uint8_t out[HF_MAX_HASH], const hf_suite *suite, const uint8_t *psk,
                          size_t psk_len) {
  return extract(out, suite, NULL, 0, psk, psk_len);
}

hf_status hf_binder(uint8_t *out, const hf_suite *suite, const uint8_t *early_secret,
                    hf_binder_kind kind, const uint8_t *hash) {
  static const char labels[][11] = {
      [HF_BINDER_RESUMPTION] = "res binder",
      [HF_BINDER_EXTERNAL] = "ext binder",
      [HF_BINDER_IMPORTED] = "imp binder",
  };
  uint8_t key[HF_MAX_HASH], empty[EVP_MAX_MD_SIZE];
  unsigned empty_len;
  hf_status status = HF_NO_MEMORY;
  if (EVP_Digest(NULL, 0, empty, &empty_len, suite->md(), NULL)) {
    status = derive_secret(key, suite, early_secret, LABEL(labels[kind]), empty);
  }
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
  hf_transcript_hash(hash, &hs->transcript, suite);
  HF_TRY(derive_secret(hs->traffic[HF_CLIENT][HF_EARLY - 1], suite, early_secret,
                       LABEL("c e traffic"), hash));
  HF_TRY(derive_secret(hs->early_exporter, suite, early_secret, LABEL("e exp master"), hash));
  hs->early_suite = suite;
  return conn->config->settings.flags & HF_EXPORT_SECRETS ? hf_ask_early_exporter(conn) : HF_OK;
}

/* Derives the traffic secrets of both sides at |level| from hs->secret and the transcript here. */
static hf_status both_traffic(hf_conn *conn, hf_level level, const char *client, const char *server,
                              size_t label_len, const uint8_t *hash) {
  hf_hs *hs = conn->hs;
  HF_TRY(derive_secret(hs->traffic[HF_CLIENT][level - 1], conn->suite, hs->secret, client,
                       label_len, hash));
  return derive_secret(hs->traffic[HF_SERVER][level - 1], conn->suite, hs->secret, server,
                       label_len, hash);
}

hf_status hf_derive_HANDSHAKE(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  uint8_t hash[HF_MAX_HASH];
  if (hf_has(conn, RESUMED)) {
    memcpy(hs->secret, hs->early_secret, sizeof(hs->secret));
  } else {
    HF_TRY(hf_early_secret(hs->secret, conn->suite, zeros, conn->suite->hash_len));
  }
  HF_TRY(next_secret(hs->secret, conn->suite, hs->shared, hs->shared_len));
  OPENSSL_cleanse(hs->shared, sizeof(hs->shared));
  OPENSSL_cleanse(hs->kem_secret, sizeof(hs->kem_secret));
  OPENSSL_cleanse(hs->early_secret, sizeof(hs->early_secret));
  hf_psk_forget(conn);
  hf_transcript_hash(hash, &hs->transcript, conn->suite);
  return both_traffic(conn, HF_HANDSHAKE, "c hs traffic", "s hs traffic", 12, hash);
}

hf_status hf_derive_APPLICATION(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  uint8_t hash[HF_MAX_HASH];
  HF_TRY(next_secret(hs->secret, conn->suite, zeros, conn->suite->hash_len));
  hf_transcript_hash(hash, &hs->transcript, conn->suite);
  HF_TRY(both_traffic(conn, HF_APPLICATION, "c ap traffic", "s ap traffic", 12, hash));
  HF_TRY(derive_secret(conn->exporter, conn->suite, hs->secret, LABEL("exp master"), hash));
  conn->exporter_set = true;
  return conn->config->settings.flags & HF_EXPORT_SECRETS ? hf_ask_exporter(conn) : HF_OK;
}

hf_status hf_derive_RESUMPTION(hf_conn *conn) {
  uint8_t hash[HF_MAX_HASH];
  hf_transcript_hash(hash, &conn->hs->transcript, conn->suite);
  return derive_secret(conn->resumption, conn->suite, conn->hs->secret, LABEL("res master"), hash);
}

hf_status hf_finished_mac(uint8_t *out, const hf_suite *suite, const uint8_t *base_key,
                          const uint8_t *hash) {
  uint8_t key[HF_MAX_HASH];
  unsigned len;
  HF_TRY(hf_expand_label(key, suite->hash_len, suite, base_key, LABEL("finished"), NULL, 0));
  const bool ok = HMAC(suite->md(), key, suite->hash_len, hash, suite->hash_len, out, &len) != NULL;
  OPENSSL_cleanse(key, sizeof(key));
  return ok ? HF_OK : HF_NO_MEMORY;
}

void hf_keys_wipe(hf_keys *keys) {
  if (keys->level != HF_INITIAL) {
    EVP_AEAD_CTX_cleanup(&keys->aead);
  }
  OPENSSL_cleanse(keys, sizeof(*keys));
}

hf_status hf_traffic_key(uint8_t *key, uint8_t *iv, const hf_suite *suite, const uint8_t *secret) {
  if (suite->version == HF_TLS12) {  // a key and its IV: prf.c
    memset(iv, 0, HF_NONCE);
    memcpy(key, secret, suite->key_len);
    memcpy(iv, secret + suite->key_len, (size_t)(HF_NONCE - suite->sent_nonce));
    return HF_OK;
  }
  HF_TRY(hf_expand_label(key, suite->key_len, suite, secret, LABEL("key"), NULL, 0));
  return hf_expand_label(iv, HF_NONCE, suite, secret, LABEL("iv"), NULL, 0);
}

hf_status hf_make_material(hf_material *out, const hf_suite *suite, const uint8_t *secret) {
  memset(out, 0, sizeof(*out));
  memcpy(out->secret, secret, hf_secret_len(suite));
  return hf_traffic_key(out->key, out->iv, suite, secret);
}

hf_status hf_next_material(hf_material *out, const hf_suite *suite, const hf_keys *keys) {
  uint8_t next[HF_MAX_HASH];
  hf_status status =
      hf_expand_label(next, suite->hash_len, suite, keys->secret, LABEL("traffic upd"), NULL, 0);
  if (status == HF_OK) {
    status = hf_make_material(out, suite, next);
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

hf_status hf_keys_set(hf_keys *keys, const hf_suite *suite, hf_level level, const uint8_t *secret) {
  hf_material material;
  hf_status status = hf_make_material(&material, suite, secret);
  if (status == HF_OK) {
    status = hf_keys_install(keys, suite, level, &material);
  }
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
  uint8_t empty[EVP_MAX_MD_SIZE], hash[EVP_MAX_MD_SIZE], secret[HF_MAX_HASH];
  unsigned len;
  hf_status status = HF_NO_MEMORY;
  if (EVP_Digest(NULL, 0, empty, &len, suite->md(), NULL) &&
      EVP_Digest(context.data, context.len, hash, &len, suite->md(), NULL)) {
    status = derive_secret(secret, suite, exporter, label, label_len, empty);
  }
  if (status == HF_OK) {
    status = hf_expand_label(out, out_len, suite, secret, LABEL("exporter"), hash, len);
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
