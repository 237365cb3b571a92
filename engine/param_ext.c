/* param_ext.c: the extensions that settle what the connection is for and who shows what:
 * server_name, ALPN, record_size_limit, signature algorithms, certificate_authorities,
 * compress_certificate. */
#include "engine.h"

#include <string.h>

/* ---- server_name, RFC 6066 3 ---- */

enum { HOST_NAME = 0 };

hf_status hf_send_ext_server_name(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, names, name;
  if (conn->server_name == NULL || place == CR ||
      (place != CH && (conn->config->settings.flags & HF_IGNORE_SERVER_NAME)) ||
      (place == SH12 && hf_has(conn, RESUMED))) {  // RFC 6066 3
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_server_name));
  if (place != CH) {
    return hf_ext_end(list, true);  // an empty extension_data says that the name was used
  }
  return hf_ext_end(list, CBB_add_u16_length_prefixed(&body, &names) &&
                              CBB_add_u8(&names, HOST_NAME) &&
                              CBB_add_u16_length_prefixed(&names, &name) &&
                              CBB_add_bytes(&name, conn->server_name, conn->server_name_len));
}

hf_status hf_set_server_name(hf_conn *conn, const uint8_t *name, size_t len) {
  hf_bytes copy = {NULL, 0};
  HF_TRY(hf_copy(&copy, name, len));
  OPENSSL_free(conn->server_name);
  conn->server_name = (uint8_t *)copy.data;
  conn->server_name_len = (uint8_t)len;
  return HF_OK;
}

hf_status hf_receive_ext_server_name(hf_conn *conn, hf_place place, CBS *body) {
  CBS names, name;
  uint8_t type;
  if (place == EE || place == SH12) {
    return HF_OK;  // empty, which the loop checks
  }
  if (place == CR) {
    // Of RFC 9261, which a handshake has no use for.
    return CBS_skip(body, CBS_len(body)) ? HF_OK : HF_INTERNAL;
  }
  // There is one kind of name, so one name.
  if (!CBS_get_u16_length_prefixed(body, &names) || !CBS_get_u8(&names, &type) ||
      type != HOST_NAME || !CBS_get_u16_length_prefixed(&names, &name) || CBS_len(&names) != 0 ||
      CBS_len(&name) == 0 || CBS_len(&name) > UINT8_MAX || CBS_contains_zero_byte(&name)) {
    return HF_BAD_SERVER_NAME;
  }
  return hf_set_server_name(conn, CBS_data(&name), CBS_len(&name));
}

/* ---- application_layer_protocol_negotiation, RFC 7301 ---- */

hf_status hf_set_alpn(hf_conn *conn, const uint8_t *name, size_t len) {
  hf_bytes copy = {NULL, 0};
  HF_TRY(hf_copy(&copy, name, len));
  OPENSSL_free(conn->alpn);
  conn->alpn = (uint8_t *)copy.data;
  conn->alpn_len = (uint8_t)len;
  return HF_OK;
}

void hf_forget_alpn(hf_conn *conn) {
  OPENSSL_free(conn->alpn);
  conn->alpn = NULL;
  conn->alpn_len = 0;
}

hf_status hf_send_ext_application_layer_protocol_negotiation(hf_conn *conn, hf_place place,
                                                             CBB *list) {
  CBB body, names, name;
  const hf_bytes offer = conn->config->settings.alpn;
  if (place == CH ? offer.len == 0 : conn->alpn == NULL) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_application_layer_protocol_negotiation));
  bool ok = CBB_add_u16_length_prefixed(&body, &names);
  if (place == CH) {
    ok = ok && CBB_add_bytes(&names, offer.data, offer.len);
  } else {
    ok = ok && CBB_add_u8_length_prefixed(&names, &name) &&
         CBB_add_bytes(&name, conn->alpn, conn->alpn_len);
  }
  return hf_ext_end(list, ok);
}

bool hf_alpn_offered(const hf_conn *conn, const uint8_t *name, size_t len) {
  CBS body, names, one;
  if (!hf_ext_body(conn, HF_EXT_application_layer_protocol_negotiation, &body) ||
      !CBS_get_u16_length_prefixed(&body, &names)) {
    return false;
  }
  while (CBS_get_u8_length_prefixed(&names, &one)) {
    if (CBS_mem_equal(&one, name, len)) {
      return true;
    }
  }
  return false;
}

hf_status hf_receive_ext_application_layer_protocol_negotiation(hf_conn *conn, hf_place place,
                                                                CBS *body) {
  CBS names, name;
  if (!CBS_get_u16_length_prefixed(body, &names) || CBS_len(&names) == 0) {
    return HF_BAD_EXTENSION;
  }
  if (place == CH) {
    while (CBS_len(&names) > 0) {
      if (!CBS_get_u8_length_prefixed(&names, &name) || CBS_len(&name) == 0) {
        return HF_BAD_EXTENSION;
      }
    }
    return HF_OK;
  }
  // RFC 7301 3.1: exactly one.
  if (!CBS_get_u8_length_prefixed(&names, &name) || CBS_len(&name) == 0 || CBS_len(&names) != 0) {
    return HF_BAD_EXTENSION;
  }
  if (!(conn->config->settings.flags & HF_ALLOW_UNKNOWN_ALPN) &&
      !hf_alpn_offered(conn, CBS_data(&name), CBS_len(&name))) {
    return HF_WRONG_ALPN;
  }
  return hf_set_alpn(conn, CBS_data(&name), CBS_len(&name));
}

/* ---- record_size_limit, RFC 8449 4 ---- */

hf_status hf_send_ext_record_size_limit(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  uint16_t limit = conn->config->settings.record_size_limit;
  if (limit == 0 && place == CH) {
    return HF_OK;
  }
  // A client that offers its limit is answered, so that the limit holds: RFC 8449 4.
  limit = limit == 0 ? HF_MAX_PLAINTEXT + 1 : limit;
  if (place == SH12 && limit > HF_MAX_PLAINTEXT) {
    limit = HF_MAX_PLAINTEXT;  // there it is data alone
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_record_size_limit));
  if (place != CH) {
    conn->max_inner = limit;
    hf_set_peer_limit(conn, conn->hs->peer_limit);
  }
  return hf_ext_end(list, CBB_add_u16(&body, limit));
}

hf_status hf_receive_ext_record_size_limit(hf_conn *conn, hf_place place, CBS *body) {
  uint16_t limit;
  if (!CBS_get_u16(body, &limit)) {
    return HF_BAD_EXTENSION;
  }
  // A client may offer more than TLS 1.3 has, for later versions; a server must not answer so.
  if (limit < 64 ||
      (place != CH && limit > (place == EE ? HF_MAX_PLAINTEXT + 1 : HF_MAX_PLAINTEXT))) {
    return HF_BAD_RECORD_SIZE_LIMIT;
  }
  if (place == CH) {
    conn->hs->peer_limit = limit;
    return HF_OK;
  }
  if (conn->hs->fragment != 0) {
    return HF_BAD_RECORD_SIZE_LIMIT;  // RFC 8449 5: not both
  }
  CBS own;
  uint16_t ours;
  if (!hf_ext_body(conn, HF_EXT_record_size_limit, &own) || !CBS_get_u16(&own, &ours)) {
    return HF_INTERNAL;
  }
  conn->max_inner = ours < conn->max_inner ? ours : conn->max_inner;
  hf_set_peer_limit(conn, limit);
  return HF_OK;
}

/* In TLS 1.3 the limit counts the content type, which is in the record beside the data. */
void hf_set_peer_limit(hf_conn *conn, uint16_t limit) {
  const int data = limit - (hf_tls12(conn) ? 0 : 1);
  if (limit > 0 && data < conn->max_data) {
    conn->max_data = (uint16_t)data;
  }
}

/* ---- max_fragment_length, RFC 6066 4: one limit for both, which record_size_limit replaces (RFC
 * 8449 5) ---- */

enum { FRAGMENT_512 = 1, FRAGMENT_4096 = 4 };

static uint8_t fragment_code(uint16_t len) {
  uint8_t code = FRAGMENT_512;
  while (len > 512) {
    len /= 2;
    code++;
  }
  return code;
}

static void limit_fragments(hf_conn *conn, uint8_t code) {
  const uint16_t len = (uint16_t)(256u << code);
  hf_set_peer_limit(conn, (uint16_t)(len + (hf_tls12(conn) ? 0 : 1)));
  conn->max_inner = (uint16_t)(len + (hf_tls12(conn) ? 0 : 1));
}

hf_status hf_send_ext_max_fragment_length(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  const uint16_t wanted = conn->config->settings.max_fragment_length;
  if (place == CH ? wanted == 0 : hf_ext_offered(conn, HF_EXT_record_size_limit)) {
    return HF_OK;
  }
  const uint8_t code = place == CH ? fragment_code(wanted) : conn->hs->fragment;
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_max_fragment_length));
  if (place != CH) {
    limit_fragments(conn, code);
  }
  return hf_ext_end(list, CBB_add_u8(&body, code));
}

hf_status hf_receive_ext_max_fragment_length(hf_conn *conn, hf_place place, CBS *body) {
  CBS own;
  uint8_t code, ours;
  if (!CBS_get_u8(body, &code)) {
    return HF_BAD_EXTENSION;
  }
  if (code < FRAGMENT_512 || code > FRAGMENT_4096) {
    return HF_BAD_FRAGMENT_LENGTH;
  }
  if (place == CH) {
    conn->hs->fragment = code;
    return HF_OK;
  }
  if (!hf_ext_body(conn, HF_EXT_max_fragment_length, &own) || !CBS_get_u8(&own, &ours) ||
      code != ours) {
    return HF_BAD_FRAGMENT_LENGTH;
  }
  conn->hs->fragment = code;
  limit_fragments(conn, code);
  return HF_OK;
}

/* ---- signature_algorithms and signature_algorithms_cert, RFC 9846 4.3.3 ---- */

hf_status hf_send_ext_signature_algorithms(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  (void)place;
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_signature_algorithms));
  HF_TRY(hf_put_codes(&body, conn->config->settings.verify_sigalgs));
  return hf_ext_end(list, true);
}

static hf_status receive_codes(const hf_conn *conn, hf_place place, CBS *body, hf_span *span) {
  CBS codes;
  if (hf_get_codes(body, &codes) != HF_OK) {
    return place == CR ? HF_DECODE_ERROR : HF_BAD_EXTENSION;
  }
  if (place == CR) {
    span->start = (uint32_t)(CBS_data(&codes) - conn->in.data);
    span->len = (uint32_t)CBS_len(&codes);
  }
  return HF_OK;
}

hf_status hf_receive_ext_signature_algorithms(hf_conn *conn, hf_place place, CBS *body) {
  return receive_codes(conn, place, body, &conn->hs->request_sigalgs);
}

/* Chains are signed in ways that TLS 1.3 itself does not sign (RFC 9846 9.1), so they have a list
 * of their own. */
hf_status hf_send_ext_signature_algorithms_cert(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  (void)place;
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_signature_algorithms_cert));
  HF_TRY(hf_put_codes(&body, conn->config->settings.cert_sigalgs));
  return hf_ext_end(list, true);
}

hf_status hf_receive_ext_signature_algorithms_cert(hf_conn *conn, hf_place place, CBS *body) {
  return receive_codes(conn, place, body, &conn->hs->request_cert_sigalgs);
}

/* ---- certificate_authorities, RFC 9846 4.3.4 ---- */

size_t hf_authorities_bound(const hf_settings *settings) {
  size_t bound = 0;
  for (size_t i = 0; i < settings->num_authorities; i++) {
    bound += 2 + settings->authorities[i].len;
  }
  return bound;
}

hf_status hf_send_ext_certificate_authorities(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, names, name;
  const hf_settings *s = &conn->config->settings;
  (void)place;
  if (s->num_authorities == 0) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_certificate_authorities));
  bool ok = CBB_add_u16_length_prefixed(&body, &names);
  for (size_t i = 0; i < s->num_authorities; i++) {
    ok = ok && CBB_add_u16_length_prefixed(&names, &name) &&
         CBB_add_bytes(&name, s->authorities[i].data, s->authorities[i].len);
  }
  return hf_ext_end(list, ok);
}

hf_status hf_receive_ext_certificate_authorities(hf_conn *conn, hf_place place, CBS *body) {
  CBS names, name;
  if (!CBS_get_u16_length_prefixed(body, &names) || CBS_len(&names) == 0) {
    return HF_BAD_EXTENSION;
  }
  if (place == CR) {
    conn->hs->request_authorities.start = (uint32_t)(CBS_data(&names) - conn->in.data);
    conn->hs->request_authorities.len = (uint32_t)CBS_len(&names);
  }
  while (CBS_len(&names) > 0) {
    if (!CBS_get_u16_length_prefixed(&names, &name) || CBS_len(&name) == 0) {
      return HF_BAD_EXTENSION;
    }
  }
  return HF_OK;
}

/* ---- compress_certificate, RFC 8879 3 ---- */

hf_status hf_send_ext_compress_certificate(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, algorithms;
  const hf_codes codes = conn->config->settings.decompressors;
  (void)place;
  if (codes.num == 0 || !hf_may_be(conn, HF_TLS13)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_compress_certificate));
  bool ok = CBB_add_u8_length_prefixed(&body, &algorithms);
  for (size_t i = 0; i < codes.num; i++) {
    ok = ok && CBB_add_u16(&algorithms, codes.list[i]);
  }
  return hf_ext_end(list, ok);
}

static bool names_twice(CBS codes) {
  uint16_t code;
  while (CBS_get_u16(&codes, &code)) {
    if (hf_wire_has(codes, code)) {
      return true;
    }
  }
  return false;
}

hf_status hf_receive_ext_compress_certificate(hf_conn *conn, hf_place place, CBS *body) {
  CBS algorithms;
  if (!CBS_get_u8_length_prefixed(body, &algorithms) || CBS_len(&algorithms) == 0 ||
      CBS_len(&algorithms) % 2 != 0 || names_twice(algorithms)) {
    return HF_BAD_EXTENSION;
  }
  if (place == CR) {
    conn->hs->request_compression.start = (uint32_t)(CBS_data(&algorithms) - conn->in.data);
    conn->hs->request_compression.len = (uint32_t)CBS_len(&algorithms);
  }
  return HF_OK;
}
