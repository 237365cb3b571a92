/* secret_crypto.c: see secret_crypto.h.
 *
 * Which secret it is says the label of RFC 9846 7.1 that it is derived with; how long it may live,
 * the table below. */
#include "secret_crypto.h"

#include <openssl/aead.h>
#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <string.h>

#include "secret_watch.h"

static bool prf;

void secret_crypto_begin(bool tls12) { prf = tls12; }

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
    {"finished", LIVES_NO_CALL, false, false},
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

/* ---- HKDF ---- */

/* Of HkdfLabel (RFC 9846 7.1): behind "tls13 ". */
static void label_of(char out[24], const uint8_t *info, size_t info_len) {
  enum { HEAD = 2 + 1 + 6 };
  const size_t len = info_len > HEAD ? info[2] - 6u : 0;
  memset(out, 0, 24);
  if (len < 24 && HEAD + len <= info_len) memcpy(out, info + HEAD, len);
}

int __real_HKDF_expand(uint8_t *out, size_t out_len, const EVP_MD *md, const uint8_t *prk,
                       size_t prk_len, const uint8_t *info, size_t info_len);
int __wrap_HKDF_expand(uint8_t *out, size_t out_len, const EVP_MD *md, const uint8_t *prk,
                       size_t prk_len, const uint8_t *info, size_t info_len);
int __wrap_HKDF_expand(uint8_t *out, size_t out_len, const EVP_MD *md, const uint8_t *prk,
                       size_t prk_len, const uint8_t *info, size_t info_len) {
  const size_t mark = watch_mark();
  const int ok = __real_HKDF_expand(out, out_len, md, prk, prk_len, info, info_len);
  watch_deep(mark);
  if (!ok || watch_owner() == SECRET_NONE) return ok;
  char label[24];
  label_of(label, info, info_len);
  enum secret_life life = LIVES_NO_CALL;
  const int parent = book_find(watch_owner(), prk, prk_len);
  bool with = false;
  for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
    if (strcmp(labels[i].label, label) != 0) continue;
    life = labels[i].life;
    with = labels[i].with;
    if (labels[i].next) book_next(parent);
  }
  (void)book_add(watch_owner(), life, label, out, out_len, with ? parent : SECRET_NONE);
  if (strcmp(label, "c hs traffic") == 0) watch_agreed();
  return ok;
}

int __real_HKDF_extract(uint8_t *out, size_t *out_len, const EVP_MD *md, const uint8_t *secret,
                        size_t secret_len, const uint8_t *salt, size_t salt_len);
int __wrap_HKDF_extract(uint8_t *out, size_t *out_len, const EVP_MD *md, const uint8_t *secret,
                        size_t secret_len, const uint8_t *salt, size_t salt_len);
int __wrap_HKDF_extract(uint8_t *out, size_t *out_len, const EVP_MD *md, const uint8_t *secret,
                        size_t secret_len, const uint8_t *salt, size_t salt_len) {
  /* |out| may be what the salt is made of, never |secret|. */
  const bool zeros = is_zeros(secret, secret_len);
  const size_t mark = watch_mark();
  const int ok = __real_HKDF_extract(out, out_len, md, secret, secret_len, salt, salt_len);
  watch_deep(mark);
  if (!ok || watch_owner() == SECRET_NONE) return ok;
  if (salt_len == 0) {
    /* Without a PSK it is the same for all. */
    if (!zeros) (void)note(LIVES_NO_CALL, "PSK", secret, secret_len);
    if (!zeros) (void)note(LIVES_UNTIL_AGREED, "early secret", out, *out_len);
  } else if (watch_handshake(SECRET_NONE) == SECRET_NONE) {
    if (!zeros) (void)note(LIVES_UNTIL_AGREED, "shared secret", secret, secret_len);
    (void)watch_handshake(note(LIVES_UNTIL_NEXT, "handshake secret", out, *out_len));
  } else {
    book_next(watch_handshake(SECRET_NONE));
    (void)note(LIVES_UNTIL_READY, "main secret", out, *out_len);
  }
  return ok;
}

/* ---- HMAC ---- */

uint8_t *__real_HMAC(const EVP_MD *md, const void *key, size_t key_len, const uint8_t *data,
                     size_t data_len, uint8_t *out, unsigned *out_len);
uint8_t *__wrap_HMAC(const EVP_MD *md, const void *key, size_t key_len, const uint8_t *data,
                     size_t data_len, uint8_t *out, unsigned *out_len);
uint8_t *__wrap_HMAC(const EVP_MD *md, const void *key, size_t key_len, const uint8_t *data,
                     size_t data_len, uint8_t *out, unsigned *out_len) {
  const size_t mark = watch_mark();
  uint8_t *made = __real_HMAC(md, key, key_len, data, data_len, out, out_len);
  watch_deep(mark);
  if (made == NULL || !prf || watch_owner() == SECRET_NONE) return made;
  /* What is no premaster secret is the main secret, new or of the session that goes on. */
  const int known = book_find(watch_owner(), key, key_len);
  const bool goes_on = known != SECRET_NONE && strcmp(book_secret(known)->name, "session") == 0;
  if (goes_on) book_keep(known);
  if (known == SECRET_NONE) (void)note(LIVES_ON, "main secret of 1.2", key, key_len);
  if (goes_on || known == SECRET_NONE) watch_agreed();
  /* Of verify_data 12 bytes are kept. */
  (void)note(LIVES_ON, "block of the PRF", out, *out_len);
  return made;
}

/* ---- key agreement ---- */

int __real_X25519(uint8_t *out, const uint8_t *key, const uint8_t *peer);
int __wrap_X25519(uint8_t *out, const uint8_t *key, const uint8_t *peer);
int __wrap_X25519(uint8_t *out, const uint8_t *key, const uint8_t *peer) {
  const size_t mark = watch_mark();
  const int ok = __real_X25519(out, key, peer);
  watch_deep(mark);
  if (ok && watch_owner() != SECRET_NONE) {
    (void)note(LIVES_UNTIL_AGREED, "shared secret", out, X25519_SHARED_KEY_LEN);
  }
  return ok;
}

void __real_X25519_public_from_private(uint8_t *out, const uint8_t *key);
void __wrap_X25519_public_from_private(uint8_t *out, const uint8_t *key);
void __wrap_X25519_public_from_private(uint8_t *out, const uint8_t *key) {
  const size_t mark = watch_mark();
  __real_X25519_public_from_private(out, key);
  watch_deep(mark);
}

BIGNUM *__real_BN_bin2bn(const uint8_t *in, size_t len, BIGNUM *out);
BIGNUM *__wrap_BN_bin2bn(const uint8_t *in, size_t len, BIGNUM *out);
BIGNUM *__wrap_BN_bin2bn(const uint8_t *in, size_t len, BIGNUM *out) {
  if (watch_owner() != SECRET_NONE) {
    note_both_ways(LIVES_UNTIL_AGREED, "private key", in, len);
  }
  return __real_BN_bin2bn(in, len, out);
}

int __real_BN_bn2bin_padded(uint8_t *out, size_t len, const BIGNUM *in);
int __wrap_BN_bn2bin_padded(uint8_t *out, size_t len, const BIGNUM *in);
int __wrap_BN_bn2bin_padded(uint8_t *out, size_t len, const BIGNUM *in) {
  const int ok = __real_BN_bn2bin_padded(out, len, in);
  if (ok && watch_owner() != SECRET_NONE) {
    note_both_ways(LIVES_UNTIL_AGREED, "shared secret", out, len);
  }
  return ok;
}

int __real_EC_POINT_mul(const EC_GROUP *group, EC_POINT *r, const BIGNUM *n, const EC_POINT *q,
                        const BIGNUM *m, BN_CTX *ctx);
int __wrap_EC_POINT_mul(const EC_GROUP *group, EC_POINT *r, const BIGNUM *n, const EC_POINT *q,
                        const BIGNUM *m, BN_CTX *ctx);
int __wrap_EC_POINT_mul(const EC_GROUP *group, EC_POINT *r, const BIGNUM *n, const EC_POINT *q,
                        const BIGNUM *m, BN_CTX *ctx) {
  const size_t mark = watch_mark();
  const int ok = __real_EC_POINT_mul(group, r, n, q, m, ctx);
  watch_deep(mark);
  return ok;
}

/* ---- the rest ---- */

int __real_EVP_AEAD_CTX_init(EVP_AEAD_CTX *ctx, const EVP_AEAD *aead, const uint8_t *key,
                             size_t key_len, size_t tag_len, ENGINE *impl);
int __wrap_EVP_AEAD_CTX_init(EVP_AEAD_CTX *ctx, const EVP_AEAD *aead, const uint8_t *key,
                             size_t key_len, size_t tag_len, ENGINE *impl);
int __wrap_EVP_AEAD_CTX_init(EVP_AEAD_CTX *ctx, const EVP_AEAD *aead, const uint8_t *key,
                             size_t key_len, size_t tag_len, ENGINE *impl) {
  const size_t mark = watch_mark();
  const int ok = __real_EVP_AEAD_CTX_init(ctx, aead, key, key_len, tag_len, impl);
  watch_deep(mark);
  /* In TLS 1.3 it is one that HKDF has made. */
  if (prf && watch_owner() != SECRET_NONE) (void)note(LIVES_ON, "key of 1.2", key, key_len);
  return ok;
}

int __real_EVP_AEAD_CTX_open(const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max,
                             const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
                             size_t in_len, const uint8_t *ad, size_t ad_len);
int __wrap_EVP_AEAD_CTX_open(const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max,
                             const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
                             size_t in_len, const uint8_t *ad, size_t ad_len);
int __wrap_EVP_AEAD_CTX_open(const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max,
                             const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
                             size_t in_len, const uint8_t *ad, size_t ad_len) {
  const size_t mark = watch_mark();
  const int ok =
      __real_EVP_AEAD_CTX_open(ctx, out, out_len, max, nonce, nonce_len, in, in_len, ad, ad_len);
  watch_deep(mark);
  return ok;
}

int __real_EVP_AEAD_CTX_seal(const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max,
                             const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
                             size_t in_len, const uint8_t *ad, size_t ad_len);
int __wrap_EVP_AEAD_CTX_seal(const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max,
                             const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
                             size_t in_len, const uint8_t *ad, size_t ad_len);
int __wrap_EVP_AEAD_CTX_seal(const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max,
                             const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
                             size_t in_len, const uint8_t *ad, size_t ad_len) {
  const size_t mark = watch_mark();
  const int ok =
      __real_EVP_AEAD_CTX_seal(ctx, out, out_len, max, nonce, nonce_len, in, in_len, ad, ad_len);
  watch_deep(mark);
  return ok;
}

int __real_EVP_AEAD_CTX_seal_scatter(const EVP_AEAD_CTX *ctx, uint8_t *out, uint8_t *tag,
                                     size_t *tag_len, size_t max, const uint8_t *nonce,
                                     size_t nonce_len, const uint8_t *in, size_t in_len,
                                     const uint8_t *extra, size_t extra_len, const uint8_t *ad,
                                     size_t ad_len);
int __wrap_EVP_AEAD_CTX_seal_scatter(const EVP_AEAD_CTX *ctx, uint8_t *out, uint8_t *tag,
                                     size_t *tag_len, size_t max, const uint8_t *nonce,
                                     size_t nonce_len, const uint8_t *in, size_t in_len,
                                     const uint8_t *extra, size_t extra_len, const uint8_t *ad,
                                     size_t ad_len);
int __wrap_EVP_AEAD_CTX_seal_scatter(const EVP_AEAD_CTX *ctx, uint8_t *out, uint8_t *tag,
                                     size_t *tag_len, size_t max, const uint8_t *nonce,
                                     size_t nonce_len, const uint8_t *in, size_t in_len,
                                     const uint8_t *extra, size_t extra_len, const uint8_t *ad,
                                     size_t ad_len) {
  const size_t mark = watch_mark();
  const int ok = __real_EVP_AEAD_CTX_seal_scatter(ctx, out, tag, tag_len, max, nonce, nonce_len, in,
                                                  in_len, extra, extra_len, ad, ad_len);
  watch_deep(mark);
  return ok;
}

void __real_OPENSSL_cleanse(void *at, size_t len);
void __wrap_OPENSSL_cleanse(void *at, size_t len);
void __wrap_OPENSSL_cleanse(void *at, size_t len) {
  watch_cleanse(at, len);
  __real_OPENSSL_cleanse(at, len);
}
