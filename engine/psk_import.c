/* psk_import.c: importing external PSKs (RFC 9258): ImportedIdentity, and the key derived for it.
 */
#include "engine.h"

#include <string.h>

#include <openssl/err.h>

static const hf_suite *suite_of(uint16_t kdf) {
  switch (kdf) {
    case HF_KDF_SHA256:
      return hf_suite_find(0x1301);
    case HF_KDF_SHA384:
      return hf_suite_find(0x1302);
    default:
      return NULL;
  }
}

static bool put_field(CBB *cbb, hf_bytes bytes) {
  CBB field;
  return CBB_add_u16_length_prefixed(cbb, &field) && CBB_add_bytes(&field, bytes.data, bytes.len) &&
         CBB_flush(cbb);
}

static hf_status write_identity(uint8_t *room, size_t len, const hf_imported_identity *identity) {
  CBB cbb;
  CBB_zero(&cbb);
  if (!CBB_init_fixed(&cbb, room, len)) {
    return HF_NO_MEMORY;
  }
  const bool ok = put_field(&cbb, identity->external_identity) &&
                  put_field(&cbb, identity->context) &&
                  CBB_add_u16(&cbb, identity->target_protocol) &&
                  CBB_add_u16(&cbb, identity->target_kdf) && CBB_finish(&cbb, NULL, NULL);
  CBB_cleanup(&cbb);
  return ok ? HF_OK : HF_INTERNAL;
}

/* RFC 9258 5.1: ipskx, from the hash of the external PSK. */
static hf_status derive(uint8_t *out, size_t out_len, const hf_suite *suite, hf_bytes epsk,
                        hf_bytes name) {
  uint8_t secret[HF_MAX_HASH], digest[HF_MAX_HASH];
  hf_hash hash;
  hf_hash_begin(&hash, suite->hash_len);
  hf_hash_add(&hash, suite->hash_len, name.data, name.len);
  hf_hash_end(digest, &hash, suite->hash_len);
  hf_early_secret(secret, suite, epsk.data, epsk.len);  // HKDF-Extract(0, epsk) it is
  const hf_status status =
      hf_expand_label(out, out_len, suite, secret, "derived psk", 11, digest, suite->hash_len);
  OPENSSL_cleanse(secret, sizeof(secret));
  return status;
}

hf_status hf_psk_import(hf_psk *out, uint8_t *room, size_t room_max, hf_bytes epsk,
                        uint16_t epsk_kdf, const hf_imported_identity *identity) {
  const hf_suite *from = suite_of(epsk_kdf), *to = suite_of(identity->target_kdf);
  const hf_bytes external = identity->external_identity, context = identity->context;
  memset(out, 0, sizeof(*out));
  if (from == NULL || to == NULL || identity->target_protocol != HF_TLS13 || epsk.data == NULL ||
      epsk.len == 0 || external.data == NULL || external.len == 0 || external.len > UINT16_MAX ||
      context.len > UINT16_MAX || 8 + external.len + context.len > UINT16_MAX) {
    return HF_MISUSE;
  }
  const size_t len = 8 + external.len + context.len;
  if (room_max < len - 8 + HF_PSK_IMPORT_OVERHEAD) {
    return HF_SHORT_OUTPUT;
  }
  hf_status status = write_identity(room, len, identity);
  if (status == HF_OK) {
    status = derive(room + len, to->hash_len, from, epsk, hf_range(room, len));
  }
  ERR_clear_error();
  hf_scrub();
  if (status == HF_OK) {
    out->kind = HF_PSK_IMPORTED;
    out->suite = to->id;
    out->identity = hf_range(room, len);
    out->secret = hf_range(room + len, to->hash_len);
  }
  return status;
}

bool hf_psk_parse_identity(hf_imported_identity *out, hf_bytes name) {
  CBS in, external, context;
  memset(out, 0, sizeof(*out));
  CBS_init(&in, name.data, name.len);
  if (!CBS_get_u16_length_prefixed(&in, &external) || CBS_len(&external) == 0 ||
      !CBS_get_u16_length_prefixed(&in, &context) || !CBS_get_u16(&in, &out->target_protocol) ||
      !CBS_get_u16(&in, &out->target_kdf) || CBS_len(&in) != 0) {
    return false;
  }
  out->external_identity = hf_range(CBS_data(&external), CBS_len(&external));
  out->context = hf_range(CBS_data(&context), CBS_len(&context));
  return true;
}
