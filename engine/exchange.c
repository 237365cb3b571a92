/* exchange.c: the key exchange of TLS 1.2 (RFC 8422 5.4, 5.7): ServerKeyExchange, ServerHelloDone,
 * ClientKeyExchange; and ChangeCipherSpec (RFC 5246 7.1), which is a record of its own. */
#include "engine.h"

#include <string.h>

enum { NAMED_CURVE = 3 };

/* ---- ServerKeyExchange ---- */

/* ServerECDHParams. */
static hf_status put_params(const hf_conn *conn, CBB *out) {
  const hf_group *group = conn->hs->group;
  CBB point;
  if (!CBB_add_u8(out, NAMED_CURVE) || !CBB_add_u16(out, group->id) ||
      !CBB_add_u8_length_prefixed(out, &point)) {
    return HF_INTERNAL;
  }
  HF_TRY(hf_group_public(&point, group, conn->hs->entropy, hf_range(NULL, 0)));
  return CBB_flush(out) ? HF_OK : HF_INTERNAL;
}

/* What a server signs: both randoms, and the parameters, which are made here and sent later. */
static hf_status server_input(hf_conn *conn, hf_bytes *input) {
  hf_hs *hs = conn->hs;
  CBB cbb;
  size_t len;
  if (!CBB_init_fixed(&cbb, hs->signature_input, sizeof(hs->signature_input))) {
    return HF_NO_MEMORY;
  }
  hf_status status =
      CBB_add_bytes(&cbb, conn->client_random, 32) && CBB_add_bytes(&cbb, conn->server_random, 32)
          ? put_params(conn, &cbb)
          : HF_INTERNAL;
  if (status == HF_OK && !CBB_finish(&cbb, NULL, &len)) {
    status = HF_INTERNAL;
  }
  if (status != HF_OK) {
    CBB_cleanup(&cbb);
    return status;
  }
  hs->signature_input_len = (uint8_t)len;
  *input = hf_range(hs->signature_input, len);
  return HF_OK;
}

hf_status hf_sign_12(hf_conn *conn, hf_bytes *input) {
  if (hf_is_server(conn)) {
    return server_input(conn, input);
  }
  *input = hf_range(conn->hs->heard.data, conn->hs->heard.len);
  return HF_OK;
}

size_t hf_bound_SERVER_KEY_EXCHANGE(const hf_conn *conn) {
  return conn->hs->signature_input_len + 4 + conn->hs->signature.len;
}

hf_status hf_send_SERVER_KEY_EXCHANGE(hf_conn *conn, CBB *body) {
  const hf_hs *hs = conn->hs;
  CBB signature;
  if (hs->signature_input_len < 64) {
    return HF_INTERNAL;  // a state that was loaded said so
  }
  conn->group = hs->group->id;
  return CBB_add_bytes(body, hs->signature_input + 64, hs->signature_input_len - 64u) &&
                 CBB_add_u16(body, conn->own_sigalg) &&
                 CBB_add_u16_length_prefixed(body, &signature) &&
                 CBB_add_bytes(&signature, hs->signature.data, hs->signature.len) && CBB_flush(body)
             ? HF_OK
             : HF_INTERNAL;
}

/* The server's group must be among those that were offered. */
static hf_status take_group(hf_conn *conn, uint16_t code) {
  CBS groups, body;
  const hf_group *group = hf_group_find(code);
  if (group == NULL || group->kem != NULL || !hf_ext_body(conn, HF_EXT_supported_groups, &body) ||
      !CBS_get_u16_length_prefixed(&body, &groups) || !hf_wire_has(groups, code)) {
    return HF_WRONG_GROUP;
  }
  conn->hs->group = group;
  conn->group = code;
  return HF_OK;
}

hf_status hf_receive_SERVER_KEY_EXCHANGE(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  uint8_t input[2 * 32 + 4 + UINT8_MAX], type;
  CBS params = *body, point, signature;
  uint16_t code, sigalg;
  if (!CBS_get_u8(body, &type) || !CBS_get_u16(body, &code)) {
    return HF_DECODE_ERROR;
  }
  if (type != NAMED_CURVE) {
    return HF_WRONG_GROUP;
  }
  HF_TRY(take_group(conn, code));
  if (!CBS_get_u8_length_prefixed(body, &point)) {
    return HF_DECODE_ERROR;
  }
  const size_t params_len = CBS_len(&params) - CBS_len(body);
  if (!CBS_get_u16(body, &sigalg) || !CBS_get_u16_length_prefixed(body, &signature)) {
    return HF_DECODE_ERROR;
  }
  memcpy(input, conn->client_random, 32);
  memcpy(input + 32, conn->server_random, 32);
  memcpy(input + 64, CBS_data(&params), params_len);
  HF_TRY(hf_check_signature(conn, sigalg, signature, input, 64 + params_len));
  return hf_group_agree(hs->shared, &hs->shared_len, hs->group, hs->entropy, point, NULL);
}

/* ---- ServerHelloDone ---- */

size_t hf_bound_SERVER_HELLO_DONE(const hf_conn *conn) {
  (void)conn;
  return 0;
}

hf_status hf_send_SERVER_HELLO_DONE(hf_conn *conn, CBB *body) {
  (void)conn;
  (void)body;
  return HF_OK;
}

hf_status hf_receive_SERVER_HELLO_DONE(hf_conn *conn, CBS *body) {
  (void)conn;
  (void)body;  // empty, which the interpreter checks
  return HF_OK;
}

/* ---- ClientKeyExchange ---- */

size_t hf_bound_CLIENT_KEY_EXCHANGE(const hf_conn *conn) { return 1 + conn->hs->group->public_len; }

hf_status hf_send_CLIENT_KEY_EXCHANGE(hf_conn *conn, CBB *body) {
  hf_hs *hs = conn->hs;
  CBB point;
  if (!CBB_add_u8_length_prefixed(body, &point)) {
    return HF_INTERNAL;
  }
  HF_TRY(hf_group_public(&point, hs->group, hs->entropy, hf_range(NULL, 0)));
  return CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

hf_status hf_receive_CLIENT_KEY_EXCHANGE(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS point;
  if (!CBS_get_u8_length_prefixed(body, &point)) {
    return HF_DECODE_ERROR;
  }
  return hf_group_agree(hs->shared, &hs->shared_len, hs->group, hs->entropy, point, NULL);
}

/* ---- ChangeCipherSpec ---- */

size_t hf_bound_CHANGE_CIPHER_SPEC(const hf_conn *conn) {
  (void)conn;
  return 0;
}

hf_status hf_send_CHANGE_CIPHER_SPEC(hf_conn *conn, CBB *body) {
  static const uint8_t one[] = {1};
  (void)body;
  HF_TRY(hf_seal_flight(conn));
  return hf_record_write(conn, HF_CCS, one, sizeof(one));
}

hf_status hf_receive_CHANGE_CIPHER_SPEC(hf_conn *conn, CBS *body) {
  (void)body;
  conn->spec_changed = false;
  return HF_OK;
}
