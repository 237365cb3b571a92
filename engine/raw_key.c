/* raw_key.c: what each side shows of itself: certificates, or a raw public key (RFC 7250; RFC 9846
 * 4.5.1).
 *
 * A client says what it can show and what it takes.  A server answers in EncryptedExtensions: with
 * the type of the identity it chose and, if it asks for a certificate, with the type that it wants.
 * What is not settled so is X.509.  Whether a raw key is to be trusted is a question
 * (HF_ASK_VERDICT). */
#include "engine.h"

/* What this side may use for |of|'s certificate. */
static hf_codes own_list(const hf_conn *conn, hf_role of) {
  const hf_settings *s = &conn->config->settings;
  return (uint8_t)of == conn->role ? s->own_cert_types : s->peer_cert_types;
}

/* RFC 7250 4.1: who knows X.509 alone does not speak of it. */
static bool speaks(hf_codes types) { return types.num != 1 || types.list[0] != HF_CERT_X509; }

static hf_ext ext_of(hf_role of) {
  return of == HF_SERVER ? HF_EXT_server_certificate_type : HF_EXT_client_certificate_type;
}

static bool hello_types(const hf_conn *conn, hf_role of, CBS *types) {
  CBS body;
  return hf_ext_body(conn, ext_of(of), &body) && CBS_get_u8_length_prefixed(&body, types);
}

size_t hf_common_types(uint16_t out[HF_CERT_TYPES], const hf_conn *conn, hf_role of) {
  static const uint8_t x509[] = {HF_CERT_X509};
  const hf_codes own = own_list(conn, of);
  CBS types;
  uint8_t type;
  size_t num = 0;
  // TLS 1.2 has X.509 alone here, though RFC 7250 has more for it.
  if (hf_tls12(conn) || !speaks(own) || !hello_types(conn, of, &types)) {
    CBS_init(&types, x509, sizeof(x509));
  }
  while (num < HF_CERT_TYPES && CBS_get_u8(&types, &type)) {
    if (hf_codes_have(own, type) && (num == 0 || out[0] != type)) {
      out[num++] = type;
    }
  }
  return num;
}

static hf_status send_types(hf_conn *conn, hf_place place, CBB *list, hf_role of) {
  const hf_codes own = own_list(conn, of);
  CBB body, types;
  // RFC 7250 4.2: of a client's certificate only if one is asked for; of none after a PSK.
  if (!speaks(own) || (place == EE && (hf_has(conn, RESUMED) ||
                                       (of == HF_CLIENT && !hf_has(conn, CERT_REQUESTED))))) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, ext_of(of)));
  if (place == EE) {
    return hf_ext_end(list, CBB_add_u8(&body, conn->hs->cert_type[of]));
  }
  bool ok = CBB_add_u8_length_prefixed(&body, &types);
  for (size_t i = 0; i < own.num; i++) {
    ok = ok && CBB_add_u8(&types, (uint8_t)own.list[i]);
  }
  return hf_ext_end(list, ok);
}

static hf_status receive_types(hf_conn *conn, hf_place place, CBS *body, hf_role of) {
  CBS types;
  uint8_t chosen, type;
  if (place == CH) {
    return CBS_get_u8_length_prefixed(body, &types) && CBS_len(&types) > 0 ? HF_OK
                                                                           : HF_BAD_EXTENSION;
  }
  if (!CBS_get_u8(body, &chosen)) {
    return HF_BAD_EXTENSION;
  }
  if (!hello_types(conn, of, &types)) {
    return HF_INTERNAL;
  }
  while (CBS_get_u8(&types, &type)) {
    if (type == chosen && (type == HF_CERT_X509 || type == HF_CERT_RAW_KEY)) {
      conn->hs->cert_type[of] = type;
      return HF_OK;
    }
  }
  return HF_WRONG_CERT_TYPE;
}

hf_status hf_send_ext_client_certificate_type(hf_conn *conn, hf_place place, CBB *list) {
  return send_types(conn, place, list, HF_CLIENT);
}
hf_status hf_receive_ext_client_certificate_type(hf_conn *conn, hf_place place, CBS *body) {
  return receive_types(conn, place, body, HF_CLIENT);
}
hf_status hf_send_ext_server_certificate_type(hf_conn *conn, hf_place place, CBB *list) {
  return send_types(conn, place, list, HF_SERVER);
}
hf_status hf_receive_ext_server_certificate_type(hf_conn *conn, hf_place place, CBS *body) {
  return receive_types(conn, place, body, HF_SERVER);
}
