/* credential.c: see credential.h. */
#include "credential.h"

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAIN_MAX = 64 };

void credential_path(char out[512], const char *name, const char *suffix) {
  snprintf(out, 512, "%s/tests/certs/%s%s", HF_SOURCE_DIR, name, suffix);
}

size_t credential_chain(hf_bytes *out, size_t max, const char *name) {
  char path[512];
  credential_path(path, name, ".pem");
  BIO *bio = BIO_new_file(path, "r");
  size_t num = 0;
  char *label, *header;
  unsigned char *data;
  long len;
  while (bio != NULL && num < max && PEM_read_bio(bio, &label, &header, &data, &len)) {
    out[num++] = buf_copy((hf_bytes){data, (size_t)len});
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  BIO_free(bio);
  return num;
}

static hf_codes sigalgs_of(const EVP_PKEY *key) {
  static const uint16_t rsa[] = {0x0804, 0x0805, 0x0806, 0x0401}, p256[] = {0x0403},
                        p384[] = {0x0503}, p521[] = {0x0603}, ed25519[] = {0x0807};
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      return (hf_codes){rsa, 4};
    case EVP_PKEY_ED25519:
      return (hf_codes){ed25519, 1};
    case EVP_PKEY_EC:
      return EVP_PKEY_bits(key) == 521   ? (hf_codes){p521, 1}
             : EVP_PKEY_bits(key) == 384 ? (hf_codes){p384, 1}
                                         : (hf_codes){p256, 1};
    default:
      return (hf_codes){NULL, 0};
  }
}

static struct credential *make(const hf_bytes *chain, size_t num, EVP_PKEY *key, hf_bytes ocsp,
                               hf_bytes scts) {
  struct credential *credential = calloc(1, sizeof *credential);
  credential->key = key;
  if (hf_identity_new(&credential->identity, 1, chain, num, ocsp, scts, sigalgs_of(key)) != HF_OK) {
    credential_free(credential);
    return NULL;
  }
  return credential;
}

struct credential *credential_make(const hf_bytes *chain, size_t num, EVP_PKEY *key) {
  return make(chain, num, key, (hf_bytes){NULL, 0}, (hf_bytes){NULL, 0});
}

EVP_PKEY *credential_key(const char *name) {
  char path[512];
  credential_path(path, name, ".key");
  BIO *bio = BIO_new_file(path, "r");
  EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return key;
}

struct credential *credential_load(const char *name) {
  return credential_load_stapled(name, (hf_bytes){NULL, 0}, (hf_bytes){NULL, 0});
}

struct credential *credential_load_stapled(const char *name, hf_bytes ocsp, hf_bytes scts) {
  EVP_PKEY *key = credential_key(name);
  hf_bytes chain[CHAIN_MAX];
  size_t num = credential_chain(chain, CHAIN_MAX, name);
  struct credential *credential = NULL;
  if (key != NULL && num > 0) {
    credential = make(chain, num, key, ocsp, scts);
  } else {
    EVP_PKEY_free(key);
  }
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  return credential;
}

struct credential *credential_load_raw(const char *name) {
  struct credential *credential = calloc(1, sizeof *credential);
  uint8_t *spki = NULL;
  size_t len = 0;
  CBB cbb;
  CBB_zero(&cbb);
  credential->key = credential_key(name);
  bool ok = credential->key != NULL && CBB_init(&cbb, 0) &&
            EVP_marshal_public_key(&cbb, credential->key) && CBB_finish(&cbb, &spki, &len);
  if (!ok || hf_identity_new_raw(&credential->identity, 2, (hf_bytes){spki, len},
                                 sigalgs_of(credential->key)) != HF_OK) {
    credential_free(credential);
    credential = NULL;
  }
  CBB_cleanup(&cbb);
  OPENSSL_free(spki);
  return credential;
}

void credential_free(struct credential *credential) {
  if (credential == NULL) return;
  hf_identity_free(credential->identity);
  EVP_PKEY_free(credential->key);
  EVP_PKEY_free(credential->delegated_key);
  free(credential);
}

static const EVP_MD *digest_of(uint16_t sigalg) {
  switch (sigalg) {
    case 0x0401:
    case 0x0403:
    case 0x0804:
      return EVP_sha256();
    case 0x0503:
    case 0x0805:
      return EVP_sha384();
    case 0x0603:
    case 0x0806:
      return EVP_sha512();
    default:
      return NULL; /* Ed25519 */
  }
}

bool credential_sign(struct buf *out, EVP_PKEY *key, uint16_t sigalg, hf_bytes input) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *pkey_ctx;
  size_t len = 0;
  bool pss = sigalg >= 0x0804 && sigalg <= 0x0806;
  bool ok = ctx != NULL && EVP_DigestSignInit(ctx, &pkey_ctx, digest_of(sigalg), NULL, key) &&
            (!pss || (EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) &&
                      EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, -1))) &&
            EVP_DigestSign(ctx, NULL, &len, input.data, input.len);
  ok = ok && EVP_DigestSign(ctx, buf_room(out, len), &len, input.data, input.len);
  if (ok) buf_added(out, len);
  EVP_MD_CTX_free(ctx);
  return ok;
}
