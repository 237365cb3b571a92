/* transcript.c: the transcript hash (RFC 9846 4.1).
 *
 * SHA-256 and SHA-384 both run until the suite says which; then only that one does.  The contexts
 * are plain structs: a transcript forks by assignment. */
#include "engine.h"

void hf_transcript_init(hf_transcript *transcript) {
  SHA256_Init(&transcript->sha256);
  SHA384_Init(&transcript->sha384);
}

void hf_transcript_add(hf_transcript *transcript, const hf_suite *suite, const uint8_t *data,
                       size_t len) {
  if (suite == NULL || suite->hash_len == SHA256_DIGEST_LENGTH) {
    SHA256_Update(&transcript->sha256, data, len);
  }
  if (suite == NULL || suite->hash_len == SHA384_DIGEST_LENGTH) {
    SHA384_Update(&transcript->sha384, data, len);
  }
}

size_t hf_transcript_hash(uint8_t out[HF_MAX_HASH], const hf_transcript *transcript,
                          const hf_suite *suite) {
  hf_transcript fork = *transcript;
  if (suite->hash_len == SHA256_DIGEST_LENGTH) {
    SHA256_Final(out, &fork.sha256);
  } else {
    SHA384_Final(out, &fork.sha384);
  }
  OPENSSL_cleanse(&fork, sizeof(fork));
  return suite->hash_len;
}

void hf_transcript_restart(hf_transcript *transcript, const hf_suite *suite, const uint8_t *hash) {
  const uint8_t header[4] = {HF_MSG_MESSAGE_HASH, 0, 0, suite->hash_len};
  hf_transcript_init(transcript);
  hf_transcript_add(transcript, suite, header, sizeof(header));
  hf_transcript_add(transcript, suite, hash, suite->hash_len);
}
