/* schedule.h: the part of engine.h about hashes and what is derived with them: hmac.c,
 * transcript.c, schedule.c, and the keys of a direction.  Include engine.h. */
#ifndef HANDFAST_ENGINE_SCHEDULE_H
#define HANDFAST_ENGINE_SCHEDULE_H

/* ---- hmac.c ---- */
typedef union hf_hash {
  SHA256_CTX sha256;
  SHA512_CTX sha384;
} hf_hash;
/* |hash_len|, a suite's, says which hash it is. */
void hf_hash_begin(hf_hash *hash, size_t hash_len);
void hf_hash_add(hf_hash *hash, size_t hash_len, const uint8_t *data, size_t len);
void hf_hash_end(uint8_t out[HF_MAX_HASH], hf_hash *hash, size_t hash_len);
/* hf_hmac is a key: wipe it. */
typedef struct hf_hmac {
  hf_hash inner, outer;
} hf_hmac;
void hf_hmac_key(hf_hmac *hmac, const hf_suite *suite, const uint8_t *key, size_t key_len);
/* hf_hmac_sum is HMAC over |parts| one behind the other, of which |out| may be one. */
void hf_hmac_sum(uint8_t out[HF_MAX_HASH], const hf_hmac *hmac, const hf_suite *suite,
                 const hf_bytes *parts, size_t num);
void hf_hmac_once(uint8_t out[HF_MAX_HASH], const hf_suite *suite, hf_bytes key, hf_bytes data);
/* hf_expand is HKDF-Expand, of at most 255 hashes. */
void hf_expand(uint8_t *out, size_t out_len, const hf_hmac *hmac, const hf_suite *suite,
               hf_bytes info);

/* ---- transcript.c: RFC 9846 4.1 ---- */
typedef struct hf_transcript {
  hf_hash hash;
  uint8_t hash_len; /* 0: nothing is hashed yet */
  bool hello_waits; /* the last ClientHello, at hs->hello.message, is not in it yet */
} hf_transcript;
/* hf_transcript_add adds a message; conn->suite is settled unless it is a ClientHello. */
void hf_transcript_add(hf_conn *conn, const uint8_t *message, size_t len);
/* hf_transcript_hash is the hash of all messages so far, by |suite|'s: any, as long as there is
 * only a ClientHello.  hf_transcript_hash_with has |hello| in place of the last one. */
size_t hf_transcript_hash(uint8_t out[HF_MAX_HASH], const hf_conn *conn, const hf_suite *suite);
size_t hf_transcript_hash_with(uint8_t out[HF_MAX_HASH], const hf_conn *conn, const hf_suite *suite,
                               hf_bytes hello);
/* hf_transcript_restart replaces all so far by message_hash of |hash| (RFC 9846 4.1). */
void hf_transcript_restart(hf_conn *conn, const uint8_t *hash);

/* ---- schedule.c: RFC 9846 7 ---- */
hf_status hf_expand_label(uint8_t *out, size_t out_len, const hf_suite *suite,
                          const uint8_t *secret, const char *label, size_t label_len,
                          const uint8_t *context, size_t context_len);
hf_status hf_finished_mac(uint8_t *out, const hf_suite *suite, const uint8_t *base_key,
                          const uint8_t *hash);
/* hf_early_secret is the first Extract of the schedule (7.1). */
void hf_early_secret(uint8_t out[HF_MAX_HASH], const hf_suite *suite, const uint8_t *psk,
                     size_t psk_len);
/* What a binder's label says of its PSK: RFC 9846 7.1, RFC 9258 5.2. */
typedef enum hf_binder_kind {
  HF_BINDER_RESUMPTION,
  HF_BINDER_EXTERNAL,
  HF_BINDER_IMPORTED
} hf_binder_kind;
hf_status hf_binder(uint8_t *out, const hf_suite *suite, const uint8_t *early_secret,
                    hf_binder_kind kind, const uint8_t *hash);
/* hf_derive_early derives the secrets of early data, for hf_derive_EARLY. */
hf_status hf_derive_early(hf_conn *conn, const hf_suite *suite, const uint8_t *early_secret);
/* They ask HF_ASK_INSTALL for a secret that is derived. */
hf_status hf_ask_exporter(hf_conn *conn);
hf_status hf_ask_early_exporter(hf_conn *conn);
hf_status hf_derive_EARLY(hf_conn *conn); /* psk.c */
hf_status hf_derive_HANDSHAKE(hf_conn *conn);
hf_status hf_derive_APPLICATION(hf_conn *conn);
hf_status hf_derive_RESUMPTION(hf_conn *conn);
/* |finished|: NULL, or for the finished_key of 4.5.3. */
hf_status hf_traffic_key(uint8_t *key, uint8_t *iv, uint8_t *finished, const hf_suite *suite,
                         const uint8_t *secret);

/* hf_keys is one direction's protection.  level HF_INITIAL: none. */
typedef struct hf_keys {
  EVP_AEAD_CTX aead;
  uint64_t seq;
  uint8_t iv[HF_NONCE];
  uint8_t level; /* hf_level */
  uint32_t generation;
  uint8_t secret[HF_MAX_HASH]; /* the traffic secret (RFC 9846 7.2) */
} hf_keys;
/* hf_material is what is derived from a traffic secret: all that can fail of a change of keys comes
 * before it. */
typedef struct hf_material {
  uint8_t secret[HF_MAX_HASH], key[32], iv[HF_NONCE];
  uint32_t generation;
} hf_material;
/* hf_secret_len is how much of hf_keys.secret is used. */
static inline size_t hf_secret_len(const hf_suite *suite) {
  return suite->version == HF_TLS12 ? (size_t)(suite->key_len + HF_NONCE - suite->sent_nonce)
                                    : suite->hash_len;
}
hf_status hf_make_material(hf_material *out, uint8_t *finished, const hf_suite *suite,
                           const uint8_t *secret);
hf_status hf_next_material(hf_material *out, const hf_suite *suite, const hf_keys *keys);
hf_status hf_keys_install(hf_keys *keys, const hf_suite *suite, hf_level level,
                          const hf_material *material);
/* hf_keys_set takes |secret|, HF_MAX_HASH bytes: at HF_HANDSHAKE the finished_key is there instead
 * afterwards, else nothing. */
hf_status hf_keys_set(hf_keys *keys, const hf_suite *suite, hf_level level, uint8_t *secret);
hf_status hf_keys_update(hf_keys *keys, const hf_suite *suite); /* RFC 9846 7.2 */
void hf_keys_wipe(hf_keys *keys);

#endif
