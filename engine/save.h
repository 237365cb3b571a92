/* save.h: what the files about saved states offer each other: archive.c, save.c, save_check.c. */
#ifndef HANDFAST_ENGINE_SAVE_H
#define HANDFAST_ENGINE_SAVE_H

#include "engine.h"

/* ---- archive.c ---- */

/* hf_archive goes over fields in one order, whichever way the bytes go.  Saving, it only reads the
 * fields; loading, it sets them, and after a failure leaves them alone. */
typedef struct hf_archive {
  bool loading;
  hf_status status; /* the first failure */
  CBS in;           /* loading: what is left */
  SHA256_CTX *sha;  /* saving: the bytes are only hashed; NULL: they are written */
  uint8_t *out;     /* saving: |max| bytes; what finds no room is only counted */
  size_t len, max;
  const hf_identity *const *identities; /* loading */
  size_t num_identities;
} hf_archive;

void hf_archive_bytes(hf_archive *a, void *bytes, size_t len); /* without their length */
void hf_archive_fail(hf_archive *a, hf_status status);
bool hf_archive_present(hf_archive *a, bool present); /* a flag, as it is saved or as it was */

/* One function for each simple kind of save.def. */
void hf_archive_U8(hf_archive *a, uint8_t *value);
void hf_archive_U16(hf_archive *a, uint16_t *value);
void hf_archive_U32(hf_archive *a, uint32_t *value);
void hf_archive_U64(hf_archive *a, uint64_t *value);
void hf_archive_ARRAY(hf_archive *a, void *bytes,
                      size_t len); /* refused if it was another length */
void hf_archive_BYTES(hf_archive *a, hf_bytes *bytes);
void hf_archive_BUFFER(hf_archive *a, hf_buffer *buffer);
void hf_archive_SUITE(hf_archive *a, const hf_suite **suite);
void hf_archive_GROUP(hf_archive *a, const hf_group **group);
void hf_archive_SPAN(hf_archive *a, hf_span *span);
void hf_archive_TRANSCRIPT(hf_archive *a, hf_transcript *transcript);
void hf_archive_PKEY(hf_archive *a, EVP_PKEY **key);
void hf_archive_CODES(hf_archive *a, hf_codes codes); /* only saving */

/* ---- save_check.c ---- */

/* hf_save_valid: does what was loaded hold together, so that the rest of the engine may rely on it?
 */
bool hf_save_valid(const hf_conn *conn);

#endif
