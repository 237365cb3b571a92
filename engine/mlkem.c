/* mlkem.c: ML-KEM (FIPS 203) as the hybrid groups use it: keys made from a seed, and decapsulation.
 * Encapsulating needs randomness and is a question (HF_ASK_ENCAP).  A libcrypto without ML-KEM
 * leaves the functions absent: its groups are then unknown (tables.c). */
#include "engine.h"

#include <stddef.h>

#if BORINGSSL_API_VERSION >= 32
#include <openssl/mlkem.h>

#define KEM_FUNCTIONS(name, NAME)                                                          \
  static bool name##_public(uint8_t *out, const uint8_t *seed) {                           \
    struct NAME##_private_key key;                                                         \
    struct NAME##_public_key pub;                                                          \
    CBB cbb;                                                                               \
    size_t len;                                                                            \
    const bool ok = NAME##_private_key_from_seed(&key, seed, MLKEM_SEED_BYTES) == 1;       \
    if (ok) {                                                                              \
      NAME##_public_from_private(&pub, &key);                                              \
    }                                                                                      \
    OPENSSL_cleanse(&key, sizeof(key));                                                    \
    return ok && CBB_init_fixed(&cbb, out, NAME##_PUBLIC_KEY_BYTES) &&                     \
           NAME##_marshal_public_key(&cbb, &pub) && CBB_finish(&cbb, NULL, &len);          \
  }                                                                                        \
  static bool name##_decap(uint8_t *out, const uint8_t *ciphertext, const uint8_t *seed) { \
    struct NAME##_private_key key;                                                         \
    const bool ok = NAME##_private_key_from_seed(&key, seed, MLKEM_SEED_BYTES) == 1 &&     \
                    NAME##_decap(out, ciphertext, NAME##_CIPHERTEXT_BYTES, &key) == 1;     \
    OPENSSL_cleanse(&key, sizeof(key));                                                    \
    return ok;                                                                             \
  }
KEM_FUNCTIONS(mlkem768, MLKEM768)
KEM_FUNCTIONS(mlkem1024, MLKEM1024)
#define KEM_TABLE(name) name##_public, name##_decap
#else
#define KEM_TABLE(name) NULL, NULL
#endif

const hf_kem hf_kem_mlkem768 = {1184, 1088, offsetof(hf_entropy, mlkem768), KEM_TABLE(mlkem768)};
const hf_kem hf_kem_mlkem1024 = {1568, 1568, offsetof(hf_entropy, mlkem1024), KEM_TABLE(mlkem1024)};
