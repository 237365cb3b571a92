/* archive.c: the fields of saved states one by one, both ways: numbers with their highest byte
 * first, everything else behind its length.  No field's form depends on the machine, the compiler
 * or the age of libcrypto.  What is loaded is as untrusted as anything from the network. */
#include "save.h"

#include <string.h>

void hf_archive_fail(hf_archive *a, hf_status status) {
  if (a->status == HF_OK) {
    a->status = status;
  }
}

void hf_archive_bytes(hf_archive *a, void *bytes, size_t len) {
  CBS from;
  if (a->status != HF_OK || len == 0 || bytes == NULL) {
    return;
  }
  if (a->loading) {
    if (CBS_get_bytes(&a->in, &from, len)) {
      memcpy(bytes, CBS_data(&from), len);
    } else {
      hf_archive_fail(a, HF_BAD_STATE);
    }
    return;
  }
  if (a->sha != NULL) {
    SHA256_Update(a->sha, bytes, len);
  } else if (len <= a->max && a->len <= a->max - len) {
    memcpy(a->out + a->len, bytes, len);
  }
  a->len += len;
}

/* A number of |len| bytes; loading, |value| is what is left if it fails. */
static uint64_t number(hf_archive *a, uint64_t value, size_t len) {
  uint8_t bytes[8];
  for (size_t i = 0; i < len; i++) {
    bytes[i] = (uint8_t)(value >> 8 * (len - 1 - i));
  }
  hf_archive_bytes(a, bytes, len);
  value = 0;
  for (size_t i = 0; i < len; i++) {
    value = value << 8 | bytes[i];
  }
  return value;
}

/* What is saved may be shared by threads, so it is not written. */
#define NUMBER(name, type)                                       \
  void hf_archive_##name(hf_archive *a, type *value) {           \
    const type loaded = (type)number(a, *value, sizeof(*value)); \
    if (a->loading) {                                            \
      *value = loaded;                                           \
    }                                                            \
  }
NUMBER(U8, uint8_t)
NUMBER(U16, uint16_t)
NUMBER(U32, uint32_t)
NUMBER(U64, uint64_t)

bool hf_archive_present(hf_archive *a, bool present) {
  uint8_t flag = present;
  hf_archive_U8(a, &flag);
  if (flag > 1) {
    hf_archive_fail(a, HF_BAD_STATE);
  }
  return a->loading ? a->status == HF_OK && flag == 1 : present;
}

/* The length of what follows: |len|, or as loaded, when so much is there. */
static size_t length(hf_archive *a, size_t len) {
  uint32_t value = (uint32_t)len;
  if (!a->loading && len > UINT32_MAX) {
    hf_archive_fail(a, HF_INTERNAL);
  }
  hf_archive_U32(a, &value);
  if (a->loading && value > CBS_len(&a->in)) {
    hf_archive_fail(a, HF_BAD_STATE);
  }
  return a->status == HF_OK ? value : 0;
}

void hf_archive_ARRAY(hf_archive *a, void *bytes, size_t len) {
  if (length(a, len) != len) {
    hf_archive_fail(a, HF_BAD_STATE);
  }
  hf_archive_bytes(a, bytes, len);
}

void hf_archive_BYTES(hf_archive *a, hf_bytes *bytes) {
  if (!hf_archive_present(a, bytes->data != NULL)) {
    return;
  }
  const size_t len = length(a, bytes->len);
  if (!a->loading) {
    hf_archive_bytes(a, (uint8_t *)bytes->data, len);
    return;
  }
  CBS from;
  if (a->status == HF_OK && CBS_get_bytes(&a->in, &from, len)) {
    hf_archive_fail(a, hf_copy(bytes, CBS_data(&from), len));
  }
}

void hf_archive_BUFFER(hf_archive *a, hf_buffer *buffer) {
  const size_t len = length(a, buffer->len);
  if (!a->loading) {
    hf_archive_bytes(a, buffer->data, len);
    return;
  }
  CBS from;
  if (a->status == HF_OK && CBS_get_bytes(&a->in, &from, len)) {
    hf_archive_fail(a, hf_buffer_append(buffer, CBS_data(&from), len));
  }
}

void hf_archive_SUITE(hf_archive *a, const hf_suite **suite) {
  uint16_t id = *suite != NULL ? (*suite)->id : 0;
  hf_archive_U16(a, &id);
  if (a->loading && id != 0 && (*suite = hf_suite_find(id)) == NULL) {
    hf_archive_fail(a, HF_BAD_STATE);
  }
}

void hf_archive_GROUP(hf_archive *a, const hf_group **group) {
  uint16_t id = *group != NULL ? (*group)->id : 0;
  hf_archive_U16(a, &id);
  if (a->loading && id != 0 && (*group = hf_group_find(id)) == NULL) {
    hf_archive_fail(a, HF_BAD_STATE);
  }
}

void hf_archive_SPAN(hf_archive *a, hf_span *span) {
  hf_archive_U32(a, &span->start);
  hf_archive_U32(a, &span->len);
}

void hf_archive_CODES(hf_archive *a, hf_codes codes) {
  (void)length(a, codes.num);
  for (size_t i = 0; i < codes.num; i++) {
    uint16_t code = codes.list[i];
    hf_archive_U16(a, &code);
  }
}

/* ---- transcripts: the chaining values, how many bytes there were, and those of a block that is
 * not full.  How libcrypto counts changed with its age. ---- */

static void save_sha256(hf_archive *a, SHA256_CTX *sha) {
  const uint64_t bits = (uint64_t)sha->Nh << 32 | sha->Nl;
  uint64_t total = bits / 8;
  for (size_t i = 0; i < 8; i++) {
    hf_archive_U32(a, &sha->h[i]);
  }
  hf_archive_U64(a, &total);
  if (a->loading) {
    sha->Nh = (uint32_t)(total >> 29);
    sha->Nl = (uint32_t)(total << 3);
    sha->num = (unsigned)(total % SHA256_CBLOCK);
  }
  hf_archive_bytes(a, sha->data, sha->num);
}

static void save_sha384(hf_archive *a, SHA512_CTX *sha) {
#if BORINGSSL_API_VERSION >= 36
  uint64_t total = sha->bytes_so_far_low;
#else
  uint64_t total = sha->Nh << 61 | sha->Nl >> 3;
#endif
  for (size_t i = 0; i < 8; i++) {
    hf_archive_U64(a, &sha->h[i]);
  }
  hf_archive_U64(a, &total);
  if (a->loading) {
#if BORINGSSL_API_VERSION >= 36
    sha->bytes_so_far_low = total;
#else
    sha->Nh = total >> 61;
    sha->Nl = total << 3;
#endif
    sha->num = (uint8_t)(total % SHA512_CBLOCK);
  }
  hf_archive_bytes(a, sha->p, sha->num);
}

void hf_archive_TRANSCRIPT(hf_archive *a, hf_transcript *transcript) {
  hf_archive_U8(a, &transcript->hash_len);
  transcript->hello_waits = hf_archive_present(a, transcript->hello_waits);
  if (a->loading && transcript->hash_len != 0) {
    hf_hash_begin(&transcript->hash, transcript->hash_len);
  }
  if (transcript->hash_len == SHA256_DIGEST_LENGTH) {
    save_sha256(a, &transcript->hash.sha256);
  } else if (transcript->hash_len == SHA384_DIGEST_LENGTH) {
    save_sha384(a, &transcript->hash.sha384);
  }
}

/* ---- the peer's public key, as SubjectPublicKeyInfo ---- */

void hf_archive_PKEY(hf_archive *a, EVP_PKEY **key) {
  hf_bytes bytes = {NULL, 0};
  CBB cbb;
  CBS from;
  if (!a->loading && *key != NULL) {
    uint8_t *data = NULL;
    CBB_zero(&cbb);
    if (CBB_init(&cbb, 0) && EVP_marshal_public_key(&cbb, *key)) {
      if (CBB_finish(&cbb, &data, &bytes.len)) {
        bytes.data = data;
      }
    }
    CBB_cleanup(&cbb);
    if (bytes.data == NULL) {
      hf_archive_fail(a, hf_blame(HF_CRYPTO_FAILED));
    }
  }
  hf_archive_BYTES(a, &bytes);
  if (a->loading && bytes.data != NULL) {
    CBS_init(&from, bytes.data, bytes.len);
    *key = EVP_parse_public_key(&from);
    if (*key == NULL || CBS_len(&from) != 0) {
      hf_archive_fail(a, hf_blame(HF_BAD_STATE));
    }
  }
  hf_free_bytes(&bytes);
}
