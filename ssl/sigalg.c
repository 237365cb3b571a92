/* sigalg.c: what SignatureSchemes mean, for who signs on behalf of an SSL_PRIVATE_KEY_METHOD.  Also
 * those are known here that this side neither makes nor takes. */
#include <openssl/digest.h>
#include <openssl/evp.h>

#include "ssl/internal.h"

typedef struct sigalg {
  uint16_t code; /* RFC 9846 4.3.3; RFC 5246 7.4.1.4.1 */
  int key_type;
  const EVP_MD *(*md)(void); /* NULL: the algorithm hashes by itself */
} sigalg;

static const sigalg kSigalgs[] = {
    {SSL_SIGN_RSA_PKCS1_MD5_SHA1, EVP_PKEY_RSA, EVP_md5_sha1},
    {SSL_SIGN_RSA_PKCS1_SHA1, EVP_PKEY_RSA, EVP_sha1},
    {SSL_SIGN_RSA_PKCS1_SHA256, EVP_PKEY_RSA, EVP_sha256},
    {SSL_SIGN_RSA_PKCS1_SHA256_LEGACY, EVP_PKEY_RSA, EVP_sha256},
    {SSL_SIGN_RSA_PKCS1_SHA384, EVP_PKEY_RSA, EVP_sha384},
    {SSL_SIGN_RSA_PKCS1_SHA512, EVP_PKEY_RSA, EVP_sha512},
    {SSL_SIGN_RSA_PSS_RSAE_SHA256, EVP_PKEY_RSA, EVP_sha256},
    {SSL_SIGN_RSA_PSS_RSAE_SHA384, EVP_PKEY_RSA, EVP_sha384},
    {SSL_SIGN_RSA_PSS_RSAE_SHA512, EVP_PKEY_RSA, EVP_sha512},
    {SSL_SIGN_ECDSA_SHA1, EVP_PKEY_EC, EVP_sha1},
    {SSL_SIGN_ECDSA_SECP256R1_SHA256, EVP_PKEY_EC, EVP_sha256},
    {SSL_SIGN_ECDSA_SECP384R1_SHA384, EVP_PKEY_EC, EVP_sha384},
    {SSL_SIGN_ECDSA_SECP521R1_SHA512, EVP_PKEY_EC, EVP_sha512},
    {SSL_SIGN_ED25519, EVP_PKEY_ED25519, NULL},
};

static const sigalg *find(uint16_t code) {
  for (size_t i = 0; i < sizeof(kSigalgs) / sizeof(kSigalgs[0]); i++)
    if (kSigalgs[i].code == code) return &kSigalgs[i];
  return NULL;
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
