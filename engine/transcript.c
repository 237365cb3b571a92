/* transcript.c: the transcript hash (RFC 9846 4.1).
 *
 * Which hash it is, is known when something comes behind a ClientHello.  Until then that
 * ClientHello waits where it lies (hs->hello.message), and is hashed on the side when a hash is
 * wanted. */
#include "engine.h"

/* All before the last ClientHello, if that was hashed with this hash, and then |hello|. */
static void fork_with(hf_hash *out, const hf_transcript *transcript, size_t hash_len,
                      hf_bytes hello) {
  if (transcript->hash_len != hash_len) {
    hf_hash_begin(out, hash_len);
  } else {
    *out = transcript->hash;
  }
  hf_hash_add(out, hash_len, hello.data, hello.len);
}

void hf_transcript_add(hf_conn *conn, const uint8_t *message, size_t len) {
  hf_transcript *transcript = &conn->hs->transcript;
  if (message[0] == HF_MSG_CLIENT_HELLO) {
    transcript->hello_waits = true;
    return;
  }
  if (transcript->hello_waits) {
    const hf_bytes hello = hf_hello_at(conn, conn->hs->hello.message);
    fork_with(&transcript->hash, transcript, conn->suite->hash_len, hello);
    transcript->hash_len = conn->suite->hash_len;
    transcript->hello_waits = false;
  }
  hf_hash_add(&transcript->hash, transcript->hash_len, message, len);
}

size_t hf_transcript_hash(uint8_t out[HF_MAX_HASH], const hf_conn *conn, const hf_suite *suite) {
  const hf_transcript *transcript = &conn->hs->transcript;
  const hf_bytes none = {NULL, 0};
  return hf_transcript_hash_with(
      out, conn, suite,
      transcript->hello_waits ? hf_hello_at(conn, conn->hs->hello.message) : none);
}

size_t hf_transcript_hash_with(uint8_t out[HF_MAX_HASH], const hf_conn *conn, const hf_suite *suite,
                               hf_bytes hello) {
  hf_hash fork;
  fork_with(&fork, &conn->hs->transcript, suite->hash_len, hello);
  hf_hash_end(out, &fork, suite->hash_len);
  OPENSSL_cleanse(&fork, sizeof(fork));
  return suite->hash_len;
}

void hf_transcript_restart(hf_conn *conn, const uint8_t *hash) {
  hf_transcript *transcript = &conn->hs->transcript;
  const uint8_t hash_len = conn->suite->hash_len;
  const uint8_t header[4] = {HF_MSG_MESSAGE_HASH, 0, 0, hash_len};
  transcript->hello_waits = false;
  transcript->hash_len = hash_len;
  hf_hash_begin(&transcript->hash, hash_len);
  hf_hash_add(&transcript->hash, hash_len, header, sizeof(header));
  hf_hash_add(&transcript->hash, hash_len, hash, hash_len);
}
