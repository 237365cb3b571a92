/* floor.c: see floor.h. */
#include "bench/floor.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#if BORINGSSL_API_VERSION >= 32
#include <openssl/mlkem.h>
#define HAVE_KEM 1
#endif

static const EVP_AEAD *suite_aead;
static size_t suite_key;

void floor_suite(bool chacha20) {
  suite_aead = chacha20 ? EVP_aead_chacha20_poly1305() : EVP_aead_aes_128_gcm();
  suite_key = EVP_AEAD_key_length(suite_aead);
}

/* ---- Key exchange ---- */

#ifdef HAVE_KEM
bool floor_has_kem(void) { return true; }

static void kem_generate(struct floor_end *end) {
  struct MLKEM768_private_key *key = malloc(sizeof(*key));
  end->kem_storage = malloc(MLKEM768_PUBLIC_KEY_BYTES);
  must(key != NULL && end->kem_storage != NULL, "malloc");
  MLKEM768_generate_key(end->kem_storage, NULL, key);
  end->kem_key = key;
  end->kem = end->kem_storage;
}

static void kem_agree(struct floor_end *end, const struct floor_end *peer, side who) {
  if (who == CLIENT) {
    must(MLKEM768_decap(end->agreed + 32, peer->kem, MLKEM768_CIPHERTEXT_BYTES, end->kem_key) == 1,
         "MLKEM768_decap");
    return;
  }
  struct MLKEM768_public_key key;
  CBS in;
  CBS_init(&in, peer->kem, MLKEM768_PUBLIC_KEY_BYTES);
  must(MLKEM768_parse_public_key(&key, &in) == 1, "MLKEM768_parse_public_key");
  end->kem_storage = malloc(MLKEM768_CIPHERTEXT_BYTES);
  must(end->kem_storage != NULL, "malloc");
  MLKEM768_encap(end->kem_storage, end->agreed + 32, &key);
  end->kem = end->kem_storage;
}
#else
bool floor_has_kem(void) { return false; }
static void kem_generate(struct floor_end *end) { (void)end; }
static void kem_agree(struct floor_end *end, const struct floor_end *peer, side who) {
  (void)end;
  (void)peer;
  (void)who;
}
#endif

void floor_generate(struct floor_end *end, bool hybrid, const uint8_t *private_key) {
  memmove(end->private_key, private_key, 32);
  X25519_public_from_private(end->public_key, end->private_key);
  if (hybrid && end->kem_key == NULL) kem_generate(end);
}

void floor_agree(struct floor_end *end, const struct floor_end *peer, side who, bool hybrid) {
  must(X25519(end->agreed, end->private_key, peer->public_key) == 1, "X25519");
  end->agreed_len = hybrid ? 64 : 32;
  if (hybrid) kem_agree(end, peer, who);
}

void floor_forget(struct floor_end *end) {
  free(end->kem_key);
  free(end->kem_storage);
}

/* ---- Derivation ---- */

static const uint8_t zeros[128];

void floor_extract(uint8_t out[32], const uint8_t *salt, size_t salt_len, const uint8_t *secret,
                   size_t secret_len) {
  size_t len;
  must(HKDF_extract(out, &len, EVP_sha256(), secret, secret_len, salt, salt_len) == 1,
       "HKDF_extract");
}

void floor_expand(uint8_t *out, size_t len, const uint8_t secret[32], size_t context_len) {
  must(HKDF_expand(out, len, EVP_sha256(), secret, 32, zeros, 2 + 1 + 16 + 1 + context_len) == 1,
       "HKDF_expand");
}

void floor_prf(uint8_t *out, size_t len, const uint8_t *secret, size_t secret_len,
               size_t seed_len) {
  HMAC_CTX hmac;
  uint8_t a[32], block[32];
  unsigned block_len;
  seed_len += 14; /* the label */
  HMAC_CTX_init(&hmac);
  must(HMAC_Init_ex(&hmac, secret, secret_len, EVP_sha256(), NULL) && /* A(1) */
           HMAC_Update(&hmac, zeros, seed_len) && HMAC_Final(&hmac, a, &block_len),
       "HMAC");
  for (size_t done = 0;;) {
    must(HMAC_Init_ex(&hmac, NULL, 0, NULL, NULL) && HMAC_Update(&hmac, a, sizeof(a)) &&
             HMAC_Update(&hmac, zeros, seed_len) && HMAC_Final(&hmac, block, &block_len),
         "HMAC");
    const size_t part = len - done < sizeof(block) ? len - done : sizeof(block);
    memcpy(out + done, block, part);
    done += part;
    if (done == len) break;
    must(HMAC_Init_ex(&hmac, NULL, 0, NULL, NULL) && HMAC_Update(&hmac, a, sizeof(a)) &&
             HMAC_Final(&hmac, a, &block_len),
         "HMAC");
  }
  HMAC_CTX_cleanup(&hmac);
}

/* ---- Records ---- */

static void set_key(EVP_AEAD_CTX *ctx, const uint8_t *traffic, bool given) {
  uint8_t key[32], iv[12];
  EVP_AEAD_CTX_cleanup(ctx);
  if (given) {
    memcpy(key, traffic, 32);
  } else {
    floor_expand(key, suite_key, traffic, 0);
    floor_expand(iv, sizeof(iv), traffic, 0);
  }
  must(EVP_AEAD_CTX_init(ctx, suite_aead, key, suite_key, 16, NULL) == 1, "EVP_AEAD_CTX_init");
}

void floor_keys(struct floor_end *end, side who, bool given) {
  set_key(&end->out, end->traffic[who], given);
  set_key(&end->in, end->traffic[1 - who], given);
  end->in_seq = end->out_seq = 0;
}

void floor_seal(struct floor_end *end, uint8_t *wire, const uint8_t *data, size_t len) {
  uint8_t nonce[12] = {0}, type = 23;
  size_t tag_len;
  memcpy(nonce + 4, &end->out_seq, 8);
  end->out_seq++;
  must(EVP_AEAD_CTX_seal_scatter(&end->out, wire + 5, wire + 5 + len, &tag_len, 17, nonce, 12, data,
                                 len, &type, 1, wire, 5) == 1,
       "EVP_AEAD_CTX_seal_scatter");
}

void floor_open(struct floor_end *end, uint8_t *wire, size_t len) {
  uint8_t nonce[12] = {0};
  size_t out_len;
  memcpy(nonce + 4, &end->in_seq, 8);
  end->in_seq++;
  must(EVP_AEAD_CTX_open(&end->in, wire + 5, &out_len, len + 17, nonce, 12, wire + 5, len + 17,
                         wire, 5) == 1,
       "EVP_AEAD_CTX_open");
}

/* ---- Certificates and signatures ---- */

enum { SIGNED = 64 + 33 + 1 };

static void signed_bytes(uint8_t out[SIGNED + 32], const uint8_t hash[32]) {
  memset(out, ' ', SIGNED);
  memcpy(out + SIGNED, hash, 32);
}

static void use_pss(EVP_PKEY_CTX *ctx, const EVP_PKEY *key) {
  if (EVP_PKEY_id(key) != EVP_PKEY_RSA) return;
  must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, -1) == 1,
       "RSASSA-PSS");
}

void floor_sign(struct floor_shared *shared) {
  uint8_t input[SIGNED + 32];
  EVP_MD_CTX ctx;
  EVP_PKEY_CTX *key_ctx;
  signed_bytes(input, shared->signed_hash);
  EVP_MD_CTX_init(&ctx);
  must(EVP_DigestSignInit(&ctx, &key_ctx, EVP_sha256(), NULL, shared->key) == 1, "signing");
  use_pss(key_ctx, shared->key);
  shared->signature_len = sizeof(shared->signature);
  must(EVP_DigestSign(&ctx, shared->signature, &shared->signature_len, input, sizeof(input)) == 1,
       "signing");
  EVP_MD_CTX_cleanup(&ctx);
}

static void verify_chain(X509_STORE *store, X509 *leaf) {
  STACK_OF(X509) *chain = sk_X509_new_null();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  must(chain != NULL && sk_X509_push(chain, leaf) > 0 && ctx != NULL &&
           X509_STORE_CTX_init(ctx, store, leaf, chain) == 1 &&
           X509_STORE_CTX_set_default(ctx, "ssl_server") == 1 &&
           X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), BENCH_NAME,
                                       sizeof(BENCH_NAME) - 1) == 1,
       "the parameters of verification");
  must(X509_verify_cert(ctx) == 1, "the chain");
  X509_STORE_CTX_free(ctx);
  sk_X509_free(chain);
}

void floor_verify(const struct floor_shared *shared) {
  const uint8_t *der = shared->leaf;
  uint8_t input[SIGNED + 32];
  EVP_MD_CTX ctx;
  EVP_PKEY_CTX *key_ctx;
  X509 *leaf = d2i_X509(NULL, &der, (long)shared->leaf_len);
  EVP_PKEY *key = leaf != NULL ? X509_get_pubkey(leaf) : NULL;
  must(key != NULL, "the certificate");
  signed_bytes(input, shared->signed_hash);
  EVP_MD_CTX_init(&ctx);
  must(EVP_DigestVerifyInit(&ctx, &key_ctx, EVP_sha256(), NULL, key) == 1, "verifying");
  use_pss(key_ctx, key);
  must(EVP_DigestVerify(&ctx, shared->signature, shared->signature_len, input, sizeof(input)) == 1,
       "the signature");
  EVP_MD_CTX_cleanup(&ctx);
  EVP_PKEY_free(key);
  verify_chain(shared->store, leaf);
  X509_free(leaf);
}

void floor_seal_ticket(const struct floor_shared *shared, uint8_t *out, size_t state_len) {
  EVP_AEAD_CTX ctx;
  size_t len;
  RAND_bytes(out, 24);
  must(EVP_AEAD_CTX_init(&ctx, EVP_aead_xchacha20_poly1305(), shared->ticket_key, 32, 16, NULL) &&
           EVP_AEAD_CTX_seal(&ctx, out + 24, &len, FLOOR_TICKET - 24, out, 24, out + 24, state_len,
                             NULL, 0),
       "making a ticket");
  EVP_AEAD_CTX_cleanup(&ctx);
}

void floor_open_ticket(const struct floor_shared *shared, const uint8_t *ticket, size_t state_len) {
  EVP_AEAD_CTX ctx;
  uint8_t state[FLOOR_TICKET];
  size_t len;
  must(EVP_AEAD_CTX_init(&ctx, EVP_aead_xchacha20_poly1305(), shared->ticket_key, 32, 16, NULL) &&
           EVP_AEAD_CTX_open(&ctx, state, &len, sizeof(state), ticket, 24, ticket + 24,
                             state_len + 16, NULL, 0),
       "opening a ticket");
  EVP_AEAD_CTX_cleanup(&ctx);
}
