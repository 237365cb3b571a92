/* session.c: sessions for whoever keeps them: what a state of HF_ASK_KEEP or HF_ASK_TICKET holds,
 * and a state made of that.
 *
 * The form of the bytes is psk.c's; here they become an hf_session_info and the other way round.
 * What comes in is as untrusted as any state is. */
#include "engine.h"

#include <string.h>

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
  out->version = HF_TLS13;
  out->suite = session.suite->id;
  out->issued = session.issued;
  out->lifetime = session.lifetime;
  out->age_add = session.age_add;
  out->max_early_data = session.max_early_data;
  out->client_cert = session.client_cert;
  out->secret_len = session.suite->hash_len;
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
  if (info->version != HF_TLS13 || session.suite == NULL ||
      info->secret_len != session.suite->hash_len ||
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
