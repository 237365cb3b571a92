/* answers_encap.c: HF_ASK_ENCAP, encapsulating to the client's ML-KEM key (FIPS 203) in a hybrid
 * group.  A libcrypto without ML-KEM has no such groups, and the question never comes. */
#include "ssl/answers_internal.h"

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/mem.h>

#if BORINGSSL_API_VERSION >= 32
#include <openssl/mlkem.h>

/* FIPS 203 7.2: a key is of the right length and its coefficients are reduced, or it is none. */
#define ENCAPSULATE(NAME)                                                                        \
  static hf_status encapsulate_##NAME(uint8_t *out, size_t *out_len, size_t out_max,             \
                                      uint8_t secret[HF_ENCAP_SECRET], hf_bytes key) {           \
    struct NAME##_public_key public_key;                                                         \
    CBS in;                                                                                      \
    if (out_max < NAME##_CIPHERTEXT_BYTES) return HF_SHORT_OUTPUT;                               \
    CBS_init(&in, key.data, key.len);                                                            \
    if (!NAME##_parse_public_key(&public_key, &in) || CBS_len(&in) > 0) return HF_BAD_KEY_SHARE; \
    NAME##_encap(out, secret, &public_key);                                                      \
    *out_len = NAME##_CIPHERTEXT_BYTES;                                                          \
    return HF_OK;                                                                                \
  }
ENCAPSULATE(MLKEM768)
ENCAPSULATE(MLKEM1024)

hf_status hf_encapsulate(uint8_t *out, size_t *out_len, size_t out_max,
                         uint8_t secret[HF_ENCAP_SECRET], uint16_t group, hf_bytes key) {
  hf_status status = HF_MISUSE;
  *out_len = 0;
  ERR_set_mark();
  if (group == 0x11ec || group == 0x11eb) {
    status = encapsulate_MLKEM768(out, out_len, out_max, secret, key);
  } else if (group == 0x11ed) {
    status = encapsulate_MLKEM1024(out, out_len, out_max, secret, key);
  }
  ERR_pop_to_mark(); /* that a key is none is no error to libcrypto's user */
  return status;
}
#else
hf_status hf_encapsulate(uint8_t *out, size_t *out_len, size_t out_max,
                         uint8_t secret[HF_ENCAP_SECRET], uint16_t group, hf_bytes key) {
  (void)out, (void)out_max, (void)secret, (void)group, (void)key;
  *out_len = 0;
  return HF_MISUSE;
}
#endif

bool hf_answers_encap(hf_conn *conn, const hf_question_t *question) {
  uint8_t ciphertext[HF_ENCAP_MAX], secret[HF_ENCAP_SECRET];
  size_t len;
  hf_status status = hf_encapsulate(ciphertext, &len, sizeof(ciphertext), secret,
                                    question->encap.group, question->encap.key);
  if (status == HF_OK) {
    status = hf_answer_encap(conn, (hf_bytes){ciphertext, len}, (hf_bytes){secret, sizeof(secret)});
  } else if (status == HF_BAD_KEY_SHARE) {
    status = hf_refuse(conn, HF_ALERT_ILLEGAL_PARAMETER);
  }
  OPENSSL_cleanse(secret, sizeof(secret));
  return status != HF_MISUSE;
}
