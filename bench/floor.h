/* floor.h: single calls into libcrypto, for floor_bench.c. */
#ifndef HANDFAST_BENCH_FLOOR_H
#define HANDFAST_BENCH_FLOOR_H

#include <openssl/aead.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "bench/subject.h"

enum { FLOOR_TICKET = 512, FLOOR_RECORD = 5 + 16384 + 32 };

/* What connections share. */
struct floor_shared {
  EVP_PKEY *key;
  X509_STORE *store;
  uint8_t *leaf; /* DER */
  size_t leaf_len;
  uint8_t ticket_key[32], ticket[FLOOR_TICKET];
  uint8_t signed_hash[32];
  uint8_t signature[512];
  size_t signature_len;
};

struct floor_end {
  SHA256_CTX transcript;
  uint8_t private_key[32], public_key[32];
  uint8_t agreed[64];
  size_t agreed_len;
  uint8_t secret[48], traffic[2][32], exporter[32];
  EVP_AEAD_CTX in, out;
  uint64_t in_seq, out_seq;
  void *kem_key;        /* a client's */
  const uint8_t *kem;   /* what the other reads: a client's public key, a server's ciphertext */
  uint8_t *kem_storage; /* room for it */
};

struct bench_pair {
  struct floor_end ends[2];
  bool done[2];
  int steps;
  size_t flight_len;
  uint8_t wire[FLOOR_RECORD], tickets[1024];
};

bool floor_has_kem(void);
/* floor_generate makes a share of |private_key|, 32 bytes; floor_agree the shared secret with
 * |peer|'s. */
void floor_generate(struct floor_end *end, bool hybrid, const uint8_t *private_key);
void floor_agree(struct floor_end *end, const struct floor_end *peer, side who, bool hybrid);
void floor_forget(struct floor_end *end);

void floor_extract(uint8_t out[32], const uint8_t *salt, size_t salt_len, const uint8_t *secret,
                   size_t secret_len);
/* floor_expand is an Expand-Label with a context of |context_len| bytes. */
void floor_expand(uint8_t *out, size_t len, const uint8_t secret[32], size_t context_len);
/* floor_prf is P_SHA256 of RFC 5246 section 5, over a label and |seed_len| bytes. */
void floor_prf(uint8_t *out, size_t len, const uint8_t *secret, size_t secret_len, size_t seed_len);

/* floor_keys makes both ciphers of |who|, of the traffic secrets; |given|: those are the keys. */
void floor_keys(struct floor_end *end, side who, bool given);
void floor_suite(bool chacha20);
void floor_seal(struct floor_end *end, uint8_t *wire, const uint8_t *data, size_t len);
void floor_open(struct floor_end *end, uint8_t *wire, size_t len);

/* floor_sign signs what a server of TLS 1.3 signs; floor_verify parses and verifies the chain and
 * then the signature. */
void floor_sign(struct floor_shared *shared);
void floor_verify(const struct floor_shared *shared);
void floor_seal_ticket(const struct floor_shared *shared, uint8_t *out, size_t state_len);
void floor_open_ticket(const struct floor_shared *shared, const uint8_t *ticket, size_t state_len);

#endif
