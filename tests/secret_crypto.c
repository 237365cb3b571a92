/* secret_crypto.c: see secret_crypto.h.
 *
 * Which secret it is says the label of RFC 9846 7.1 that it is derived with; how long it may live,
 * the table below. */
#include "secret_crypto.h"

#include <openssl/aead.h>
#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/mem.h>
#include <string.h>

#include "engine/engine.h"
#include "secret_arena.h"
#include "secret_watch.h"
#include "wrap.h"

static const struct {
  const char *label;
  enum secret_life life;
  bool next; /* it takes the place of what it is made of */
  bool with; /* it lives no longer than that */
} labels[] = {
    {"derived", LIVES_NO_CALL, false, false},
    {"res binder", LIVES_NO_CALL, false, false},
    {"ext binder", LIVES_NO_CALL, false, false},
    {"imp binder", LIVES_NO_CALL, false, false},
    {"finished", LIVES_UNTIL_NEXT, false, false},
    {"exporter", LIVES_NO_CALL, false, false},
    {"c e traffic", LIVES_UNTIL_READY, false, false},
    {"e exp master", LIVES_UNTIL_READY, false, false},
    {"c hs traffic", LIVES_UNTIL_READY, false, false},
    {"s hs traffic", LIVES_UNTIL_READY, false, false},
    {"c ap traffic", LIVES_UNTIL_NEXT, false, false},
    {"s ap traffic", LIVES_UNTIL_NEXT, false, false},
    {"traffic upd", LIVES_UNTIL_NEXT, true, false},
    {"exp master", LIVES_ON, false, false},
    {"res master", LIVES_ON, false, false},
    {"resumption", LIVES_WITH_ASKING, false, false},
    {"key", LIVES_ON, false, true},
};

static bool is_zeros(const uint8_t *bytes, size_t len) {
  uint8_t all = 0;
  for (size_t i = 0; i < len; i++) all |= bytes[i];
  return all == 0;
}

static int note(enum secret_life life, const char *name, const uint8_t *bytes, size_t len) {
  return book_add(watch_owner(), life, name, bytes, len, SECRET_NONE);
}

/* The numbers of libcrypto have their last byte first. */
static void note_both_ways(enum secret_life life, const char *name, const uint8_t *bytes,
                           size_t len) {
  uint8_t turned[SECRET_MAX];
  if (len > sizeof turned) return;
  (void)note(life, name, bytes, len);
  for (size_t i = 0; i < len; i++) turned[i] = bytes[len - 1 - i];
  (void)note(life, name, turned, len);
  OPENSSL_cleanse(turned, sizeof turned);
}

/* ---- keys that were read: hmac.c ---- */

/* Which key is in which hf_hmac, the last ones. */
static struct {
  const hf_hmac *hmac;
  uint8_t key[SECRET_MAX];
  size_t len;
} read_keys[8];
static size_t num_read;

void secret_crypto_begin(void) { memset(read_keys, 0, sizeof read_keys); }

static int key_in(const hf_hmac *hmac) {
  for (size_t i = 0; i < 8; i++) {
    if (read_keys[i].hmac != hmac) continue;
    return book_find(watch_owner(), read_keys[i].key, read_keys[i].len);
  }
  return SECRET_NONE;
}

static void remember(const hf_hmac *hmac, const uint8_t *key, size_t len) {
  size_t at = num_read++ % 8;
  for (size_t i = 0; i < 8; i++) at = read_keys[i].hmac == hmac ? i : at;
  read_keys[at].hmac = hmac;
  read_keys[at].len = len < SECRET_MAX ? len : SECRET_MAX;
  if (len > 0) memcpy(read_keys[at].key, key, read_keys[at].len);
}

WRAP(void, hf_hmac_key, (hf_hmac * hmac, const hf_suite *suite, const uint8_t *key, size_t len)) {
  const bool sha256 = suite->hash_len == SHA256_DIGEST_LENGTH;
  const size_t mark = watch_mark();
  __real_hf_hmac_key(hmac, suite, key, len);
  watch_deep(mark);
  if (watch_owner() == SECRET_NONE) return;
  remember(hmac, key, len);
  /* Who has these states needs no key.  Those of TLS 1.2's main secret are kept if a session goes
   * on. */
  const bool kept = arena_owns(hmac);
  const hf_hash *halves[] = {&hmac->inner, &hmac->outer};
  for (size_t i = 0; i < 2; i++) {
    const void *state = sha256 ? (const void *)halves[i]->sha256.h : halves[i]->sha384.h;
    (void)note(kept ? LIVES_UNTIL_READY : LIVES_NO_CALL, "state of a key", state, sha256 ? 32 : 64);
  }
}

/* Of HkdfLabel (RFC 9846 7.1): behind "tls13 ". */
static void label_of(char out[24], hf_bytes info) {
  enum { HEAD = 2 + 1 + 6 };
  const size_t len = info.len > HEAD ? info.data[2] - 6u : 0;
  memset(out, 0, 24);
  if (len < 24 && HEAD + len <= info.len) memcpy(out, info.data + HEAD, len);
}

WRAP(void, hf_expand,
     (uint8_t * out, size_t out_len, const hf_hmac *hmac, const hf_suite *suite, hf_bytes info)) {
  const size_t mark = watch_mark();
  __real_hf_expand(out, out_len, hmac, suite, info);
  watch_deep(mark);
  if (watch_owner() == SECRET_NONE) return;
  char label[24];
  label_of(label, info);
  enum secret_life life = LIVES_NO_CALL;
  const int parent = key_in(hmac);
  bool with = false;
  for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
    if (strcmp(labels[i].label, label) != 0) continue;
    life = labels[i].life;
    with = labels[i].with;
    if (labels[i].next) book_next(parent);
  }
  /* What is derived of the handshake secret takes its place. */
  const bool salt = strcmp(label, "derived") == 0 && watch_handshake(SECRET_NONE) != SECRET_NONE;
  if (salt) life = LIVES_UNTIL_NEXT;
  const int noted = book_add(watch_owner(), life, label, out, out_len, with ? parent : SECRET_NONE);
  if (salt) (void)watch_handshake(noted);
  if (strcmp(label, "c hs traffic") == 0) watch_agreed();
}

/* What HKDF-Extract made of |data| under the salt |key|. */
static void note_extract(const uint8_t *out, size_t out_len, hf_bytes key, hf_bytes data,
                         bool zeros) {
  if (key.len == 0) {
    /* Without a PSK it is the same for all. */
    if (!zeros) (void)note(LIVES_NO_CALL, "PSK", data.data, data.len);
    if (!zeros) (void)note(LIVES_UNTIL_AGREED, "early secret", out, out_len);
  } else if (watch_handshake(SECRET_NONE) == SECRET_NONE) {
    if (!zeros) (void)note(LIVES_UNTIL_AGREED, "shared secret", data.data, data.len);
    (void)watch_handshake(note(LIVES_NO_CALL, "handshake secret", out, out_len));
  } else {
    book_next(watch_handshake(SECRET_NONE));
    (void)note(LIVES_UNTIL_READY, "main secret", out, out_len);
  }
}

/* HKDF-Extract, or the MAC of Finished and of a binder, which is sent. */
WRAP(void, hf_hmac_once,
     (uint8_t out[HF_MAX_HASH], const hf_suite *suite, hf_bytes key, hf_bytes data)) {
  const bool zeros = is_zeros(data.data, data.len); /* |out| may be where |data| is */
  const size_t mark = watch_mark();
  __real_hf_hmac_once(out, suite, key, data);
  watch_deep(mark);
  if (watch_owner() == SECRET_NONE) return;
  const int known = book_find(watch_owner(), key.data, key.len);
  if (known == SECRET_NONE || strcmp(book_secret(known)->name, "finished") != 0) {
    note_extract(out, suite->hash_len, key, data, zeros);
  } else {
    book_next(known); /* it has served */
  }
}

/* The PRF of TLS 1.2: what its key is if it is no premaster secret is the main secret, new or of
 * the session that goes on. */
WRAP(void, hf_hmac_sum,
     (uint8_t out[HF_MAX_HASH], const hf_hmac *hmac, const hf_suite *suite, const hf_bytes *parts,
      size_t num)) {
  const size_t mark = watch_mark();
  __real_hf_hmac_sum(out, hmac, suite, parts, num);
  watch_deep(mark);
  if (watch_owner() == SECRET_NONE) return;
  const int known = key_in(hmac);
  const bool goes_on = known != SECRET_NONE && strcmp(book_secret(known)->name, "session") == 0;
  if (goes_on) book_keep(known);
  for (size_t i = 0; i < 8 && known == SECRET_NONE; i++) {
    if (read_keys[i].hmac != hmac) continue;
    (void)note(LIVES_ON, "main secret of 1.2", read_keys[i].key, read_keys[i].len);
  }
  if (goes_on || known == SECRET_NONE) watch_agreed();
  /* Of verify_data 12 bytes are kept. */
  (void)note(LIVES_ON, "block of the PRF", out, suite->hash_len);
}

/* ---- key agreement ---- */

WRAP(int, X25519, (uint8_t * out, const uint8_t *key, const uint8_t *peer)) {
  const size_t mark = watch_mark();
  const int ok = __real_X25519(out, key, peer);
  watch_deep(mark);
  if (ok && watch_owner() != SECRET_NONE) {
    (void)note(LIVES_UNTIL_AGREED, "shared secret", out, X25519_SHARED_KEY_LEN);
  }
  return ok;
}

WRAP(void, X25519_public_from_private, (uint8_t * out, const uint8_t *key)) {
  const size_t mark = watch_mark();
  __real_X25519_public_from_private(out, key);
  watch_deep(mark);
}

WRAP(BIGNUM *, BN_bin2bn, (const uint8_t *in, size_t len, BIGNUM *out)) {
  if (watch_owner() != SECRET_NONE) {
    note_both_ways(LIVES_UNTIL_AGREED, "private key", in, len);
  }
  return __real_BN_bin2bn(in, len, out);
}

WRAP(int, BN_bn2bin_padded, (uint8_t * out, size_t len, const BIGNUM *in)) {
  const int ok = __real_BN_bn2bin_padded(out, len, in);
  if (ok && watch_owner() != SECRET_NONE) {
    note_both_ways(LIVES_UNTIL_AGREED, "shared secret", out, len);
  }
  return ok;
}

WRAP(int, EC_POINT_mul,
     (const EC_GROUP *group, EC_POINT *r, const BIGNUM *n, const EC_POINT *q, const BIGNUM *m,
      BN_CTX *ctx)) {
  const size_t mark = watch_mark();
  const int ok = __real_EC_POINT_mul(group, r, n, q, m, ctx);
  watch_deep(mark);
  return ok;
}

/* ---- the rest ---- */

WRAP(int, EVP_AEAD_CTX_init,
     (EVP_AEAD_CTX * ctx, const EVP_AEAD *aead, const uint8_t *key, size_t key_len, size_t tag_len,
      ENGINE *impl)) {
  const size_t mark = watch_mark();
  const int ok = __real_EVP_AEAD_CTX_init(ctx, aead, key, key_len, tag_len, impl);
  watch_deep(mark);
  /* In TLS 1.3 it is one that HKDF has made, and known. */
  if (watch_owner() != SECRET_NONE) (void)note(LIVES_ON, "key", key, key_len);
  return ok;
}

WRAP(int, EVP_AEAD_CTX_open,
     (const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max, const uint8_t *nonce,
      size_t nonce_len, const uint8_t *in, size_t in_len, const uint8_t *ad, size_t ad_len)) {
  const size_t mark = watch_mark();
  const int ok =
      __real_EVP_AEAD_CTX_open(ctx, out, out_len, max, nonce, nonce_len, in, in_len, ad, ad_len);
  watch_deep(mark);
  return ok;
}

WRAP(int, EVP_AEAD_CTX_seal,
     (const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max, const uint8_t *nonce,
      size_t nonce_len, const uint8_t *in, size_t in_len, const uint8_t *ad, size_t ad_len)) {
  const size_t mark = watch_mark();
  const int ok =
      __real_EVP_AEAD_CTX_seal(ctx, out, out_len, max, nonce, nonce_len, in, in_len, ad, ad_len);
  watch_deep(mark);
  return ok;
}

WRAP(int, EVP_AEAD_CTX_seal_scatter,
     (const EVP_AEAD_CTX *ctx, uint8_t *out, uint8_t *tag, size_t *tag_len, size_t max,
      const uint8_t *nonce, size_t nonce_len, const uint8_t *in, size_t in_len,
      const uint8_t *extra, size_t extra_len, const uint8_t *ad, size_t ad_len)) {
  const size_t mark = watch_mark();
  const int ok = __real_EVP_AEAD_CTX_seal_scatter(ctx, out, tag, tag_len, max, nonce, nonce_len, in,
                                                  in_len, extra, extra_len, ad, ad_len);
  watch_deep(mark);
  return ok;
}

WRAP(void, OPENSSL_cleanse, (void *at, size_t len)) {
  watch_cleanse(at, len);
  __real_OPENSSL_cleanse(at, len);
}
