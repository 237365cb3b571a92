/* credential.h: identities with their private keys, for tests, out of tests/certs/, and the
 * libcrypto calls that sign. */
#ifndef HANDFAST_TESTS_CREDENTIAL_H
#define HANDFAST_TESTS_CREDENTIAL_H

#include <handfast/handfast.h>
#include <openssl/evp.h>

#include "buf.h"

struct credential {
  hf_identity *identity;
  EVP_PKEY *key;
  EVP_PKEY *delegated_key; /* of the identity's delegated credential; NULL: it has none */
};

/* credential_path writes the path of tests/certs/|name||suffix| to |out|. */
void credential_path(char out[512], const char *name, const char *suffix);
/* credential_chain reads the PEM certificates of tests/certs/|name|.pem as DER, at most |max|; the
 * data of each is freed with free.  Returns how many. */
size_t credential_chain(hf_bytes *out, size_t max, const char *name);
/* credential_key reads the private key tests/certs/|name|.key; NULL: it cannot. */
EVP_PKEY *credential_key(const char *name);
/* credential_load makes the identity and reads the key of tests/certs/|name|.  The signature
 * algorithms are all that its kind of key can make in TLS 1.3.  NULL: a file is missing or bad. */
struct credential *credential_load(const char *name);
/* credential_load_stapled is the same with an OCSP response and SCTs, as hf_identity_new has them.
 */
struct credential *credential_load_stapled(const char *name, hf_bytes ocsp, hf_bytes scts);
/* credential_make is the same for one chain already in memory; it takes over |key|. */
struct credential *credential_make(const hf_bytes *chain, size_t num, EVP_PKEY *key);
/* credential_load_raw is the same with the public key of that key alone (RFC 7250). */
struct credential *credential_load_raw(const char *name);
void credential_free(struct credential *credential);
/* credential_sign appends the signature of |input| by |sigalg| to |out|.  Only Ed25519's are the
 * same each time. */
bool credential_sign(struct buf *out, EVP_PKEY *key, uint16_t sigalg, hf_bytes input);

#endif
