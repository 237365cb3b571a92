/* session.c: sessions as bytes, the states of HF_ASK_KEEP and HF_ASK_TICKET, and for whoever keeps
 * them: what a state holds, and a state made of that.
 *
 * What comes in is parsed as if an enemy had written it. */
#include "engine.h"

#include <string.h>

/* ---- the bytes ---- */

enum { HF_SESSION_FORMAT = 1 };
enum { SHOWED_CERT = 1, HAS_EMS = 2, BY_ID = 4 };  // of its flags

static bool put_field(CBB *cbb, const CBS *field) {
  CBB bytes;
  return CBB_add_u16_length_prefixed(cbb, &bytes) &&
         CBB_add_bytes(&bytes, CBS_data(field), CBS_len(field)) && CBB_flush(cbb);
}

hf_status hf_session_write(hf_bytes *out, const hf_session *s) {
  const size_t bound = 64 + HF_MAX_HASH + CBS_len(&s->server_name) + CBS_len(&s->alpn) +
                       CBS_len(&s->early_context) + CBS_len(&s->ticket);
  CBB cbb, psk;
  const int flags =
      (s->client_cert ? SHOWED_CERT : 0) | (s->ems ? HAS_EMS : 0) | (s->by_id ? BY_ID : 0);
  uint8_t *data = OPENSSL_malloc(bound);
  size_t len;
  if (data == NULL) {
    return HF_NO_MEMORY;
  }
  CBB_zero(&cbb);
  if (!CBB_init_fixed(&cbb, data, bound)) {
    OPENSSL_free(data);
    return HF_NO_MEMORY;
  }
  if (!CBB_add_u8(&cbb, HF_SESSION_FORMAT) || !CBB_add_u16(&cbb, s->suite->version) ||
      !CBB_add_u16(&cbb, s->suite->id) || !CBB_add_u64(&cbb, s->issued) ||
      !CBB_add_u32(&cbb, s->lifetime) || !CBB_add_u32(&cbb, s->age_add) ||
      !CBB_add_u32(&cbb, s->max_early_data) || !CBB_add_u8(&cbb, (uint8_t)flags) ||
      !CBB_add_u8_length_prefixed(&cbb, &psk) ||
      !CBB_add_bytes(&psk, s->psk, hf_session_secret_len(s->suite)) ||
      !put_field(&cbb, &s->server_name) || !put_field(&cbb, &s->alpn) ||
      !put_field(&cbb, &s->early_context) || !put_field(&cbb, &s->ticket) ||
      !CBB_finish(&cbb, NULL, &len)) {
    CBB_cleanup(&cbb);
    OPENSSL_free(data);
    return HF_INTERNAL;
  }
  hf_free_bytes(out);
  *out = hf_range(data, len);
  return HF_OK;
}

hf_status hf_session_parse(hf_session *out, hf_bytes state) {
  CBS in, psk;
  uint8_t format, flags;
  uint16_t version, suite;
  memset(out, 0, sizeof(*out));
  CBS_init(&in, state.data, state.len);
  if (!CBS_get_u8(&in, &format) || format != HF_SESSION_FORMAT || !CBS_get_u16(&in, &version) ||
      !CBS_get_u16(&in, &suite) || (out->suite = hf_suite_find(suite)) == NULL ||
      out->suite->version != version || !CBS_get_u64(&in, &out->issued) ||
      !CBS_get_u32(&in, &out->lifetime) || !CBS_get_u32(&in, &out->age_add) ||
      !CBS_get_u32(&in, &out->max_early_data) || !CBS_get_u8(&in, &flags) ||
      flags > (SHOWED_CERT | HAS_EMS | BY_ID) || !CBS_get_u8_length_prefixed(&in, &psk) ||
      CBS_len(&psk) != hf_session_secret_len(out->suite) ||
      !CBS_get_u16_length_prefixed(&in, &out->server_name) ||
      !CBS_get_u16_length_prefixed(&in, &out->alpn) ||
      !CBS_get_u16_length_prefixed(&in, &out->early_context) ||
      !CBS_get_u16_length_prefixed(&in, &out->ticket) || CBS_len(&in) != 0) {
    return HF_INTERNAL;
  }
  out->client_cert = (flags & SHOWED_CERT) != 0;
  out->ems = (flags & HAS_EMS) != 0;
  out->by_id = (flags & BY_ID) != 0;
  memcpy(out->psk, CBS_data(&psk), CBS_len(&psk));
  return HF_OK;
}

/* ---- for those who keep them ---- */

static hf_bytes bytes_of(const CBS *field) {
  return hf_range(CBS_len(field) > 0 ? CBS_data(field) : NULL, CBS_len(field));
}

hf_status hf_session_read(hf_session_info *out, hf_bytes state) {
  hf_session session;
  memset(out, 0, sizeof(*out));
  if (hf_session_parse(&session, state) != HF_OK) {
    OPENSSL_cleanse(&session, sizeof(session));
    return HF_MISUSE;
  }
  out->version = session.suite->version;
  out->extended_main_secret = session.ems;
  out->by_id = session.by_id;
  out->suite = session.suite->id;
  out->issued = session.issued;
  out->lifetime = session.lifetime;
  out->age_add = session.age_add;
  out->max_early_data = session.max_early_data;
  out->client_cert = session.client_cert;
  out->secret_len = hf_session_secret_len(session.suite);
  memcpy(out->secret, session.psk, out->secret_len);
  out->server_name = bytes_of(&session.server_name);
  out->alpn = bytes_of(&session.alpn);
  out->early_context = bytes_of(&session.early_context);
  out->ticket = bytes_of(&session.ticket);
  OPENSSL_cleanse(&session, sizeof(session));
  return HF_OK;
}

/* Each field of the state has a length of two bytes. */
static bool field_of(CBS *out, hf_bytes from) {
  CBS_init(out, from.data, from.len);
  return from.len <= UINT16_MAX;
}

hf_status hf_session_make(uint8_t *out, size_t *out_len, size_t out_max,
                          const hf_session_info *info) {
  hf_session session;
  hf_bytes state = {NULL, 0};
  *out_len = 0;
  memset(&session, 0, sizeof(session));
  session.suite = hf_suite_find(info->suite);
  if (session.suite == NULL || info->version != session.suite->version ||
      info->secret_len != hf_session_secret_len(session.suite) ||
      !field_of(&session.server_name, info->server_name) || !field_of(&session.alpn, info->alpn) ||
      !field_of(&session.early_context, info->early_context) ||
      !field_of(&session.ticket, info->ticket)) {
    return HF_MISUSE;
  }
  session.issued = info->issued;
  session.lifetime = info->lifetime;
  session.age_add = info->age_add;
  session.max_early_data = info->max_early_data;
  session.client_cert = info->client_cert;
  session.ems = info->extended_main_secret;
  session.by_id = info->by_id;
  memcpy(session.psk, info->secret, info->secret_len);
  hf_status status = hf_session_write(&state, &session);
  OPENSSL_cleanse(&session, sizeof(session));
  if (status == HF_OK && state.len > out_max) {
    status = HF_SHORT_OUTPUT;
  }
  if (status == HF_OK) {
    memcpy(out, state.data, state.len);
    *out_len = state.len;
  }
  hf_free_bytes(&state);
  return status;
}
