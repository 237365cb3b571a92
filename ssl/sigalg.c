/* sigalg.c: what SignatureSchemes mean, for who signs on behalf of an SSL_PRIVATE_KEY_METHOD.  Also
 * those are known here that this side neither makes nor takes. */
#include <openssl/digest.h>
#include <openssl/evp.h>

#include "ssl/internal.h"

typedef struct sigalg {
  uint16_t code;         /* RFC 9846 4.3.3; RFC 5246 7.4.1.4.1 */
  const char *name;      /* in the RFC */
  const char *curveless; /* ECDSA: in TLS 1.2, where the curve is no part of it; else NULL */
  int key_type;
  const EVP_MD *(*md)(void); /* NULL: the algorithm hashes by itself */
} sigalg;

static const sigalg kSigalgs[] = {
    {SSL_SIGN_RSA_PKCS1_MD5_SHA1, "rsa_pkcs1_md5_sha1", NULL, EVP_PKEY_RSA, EVP_md5_sha1},
    {SSL_SIGN_RSA_PKCS1_SHA1, "rsa_pkcs1_sha1", NULL, EVP_PKEY_RSA, EVP_sha1},
    {SSL_SIGN_RSA_PKCS1_SHA256, "rsa_pkcs1_sha256", NULL, EVP_PKEY_RSA, EVP_sha256},
    {SSL_SIGN_RSA_PKCS1_SHA256_LEGACY, "rsa_pkcs1_sha256_legacy", NULL, EVP_PKEY_RSA, EVP_sha256},
    {SSL_SIGN_RSA_PKCS1_SHA384, "rsa_pkcs1_sha384", NULL, EVP_PKEY_RSA, EVP_sha384},
    {SSL_SIGN_RSA_PKCS1_SHA512, "rsa_pkcs1_sha512", NULL, EVP_PKEY_RSA, EVP_sha512},
    {SSL_SIGN_RSA_PSS_RSAE_SHA256, "rsa_pss_rsae_sha256", NULL, EVP_PKEY_RSA, EVP_sha256},
    {SSL_SIGN_RSA_PSS_RSAE_SHA384, "rsa_pss_rsae_sha384", NULL, EVP_PKEY_RSA, EVP_sha384},
    {SSL_SIGN_RSA_PSS_RSAE_SHA512, "rsa_pss_rsae_sha512", NULL, EVP_PKEY_RSA, EVP_sha512},
    {SSL_SIGN_ECDSA_SHA1, "ecdsa_sha1", NULL, EVP_PKEY_EC, EVP_sha1},
    {SSL_SIGN_ECDSA_SECP256R1_SHA256, "ecdsa_secp256r1_sha256", "ecdsa_sha256", EVP_PKEY_EC,
     EVP_sha256},
    {SSL_SIGN_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384", "ecdsa_sha384", EVP_PKEY_EC,
     EVP_sha384},
    {SSL_SIGN_ECDSA_SECP521R1_SHA512, "ecdsa_secp521r1_sha512", "ecdsa_sha512", EVP_PKEY_EC,
     EVP_sha512},
    {SSL_SIGN_ED25519, "ed25519", NULL, EVP_PKEY_ED25519, NULL},
};

static const sigalg *find(uint16_t code) {
  for (size_t i = 0; i < sizeof(kSigalgs) / sizeof(kSigalgs[0]); i++)
    if (kSigalgs[i].code == code) return &kSigalgs[i];
  return NULL;
}

const char *SSL_get_signature_algorithm_name(uint16_t code, int include_curve) {
  const sigalg *found = find(code);
  if (found == NULL) return NULL;
  return found->curveless != NULL && !include_curve ? found->curveless : found->name;
}

int SSL_get_signature_algorithm_key_type(uint16_t code) {
  const sigalg *found = find(code);
  return found != NULL ? found->key_type : EVP_PKEY_NONE;
}

const EVP_MD *SSL_get_signature_algorithm_digest(uint16_t code) {
  const sigalg *found = find(code);
  return found != NULL && found->md != NULL ? found->md() : NULL;
}

int SSL_is_signature_algorithm_rsa_pss(uint16_t code) {
  return code == SSL_SIGN_RSA_PSS_RSAE_SHA256 || code == SSL_SIGN_RSA_PSS_RSAE_SHA384 ||
         code == SSL_SIGN_RSA_PSS_RSAE_SHA512;
}
