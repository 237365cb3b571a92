/* auth12.c: who is who in TLS 1.2: Certificate, CertificateStatus (RFC 6066 8), CertificateRequest
 * and CertificateVerify in the forms of RFC 5246 7.4.  The questions are auth.c's. */
#include "engine.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/ec_key.h>

/* ClientCertificateType: RFC 5246 7.4.4, RFC 8422 5.5. */
enum { RSA_SIGN = 1, ECDSA_SIGN = 64 };
enum { STATUS_OCSP = 1 };

/* ---- Certificate ---- */

hf_status hf_send_certificate_12(hf_conn *conn, CBB *body) {
  const hf_identity *identity = conn->hs->identity;
  CBB list;
  bool ok = CBB_add_u24_length_prefixed(body, &list);
  if (identity != NULL) {
    // An identity has its chain in just this form.
    ok = ok && CBB_add_bytes(&list, identity->chain.data, identity->chain.len);
  }
  return ok && CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

/* RFC 5246 7.4.2, RFC 8422 5.3: the server's key is of the suite's kind, and its curve, which the
 * signature algorithms do not name, is one of the groups that were offered. */
static hf_status check_key(const hf_conn *conn) {
  const EVP_PKEY *key = conn->hs->peer_key;
  if (hf_is_server(conn)) {
    return HF_OK;
  }
  if ((EVP_PKEY_id(key) == EVP_PKEY_RSA) != (conn->suite->auth == HF_AUTH_RSA)) {
    return HF_WRONG_CERTIFICATE_TYPE;
  }
  const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);
  const hf_group *group =
      ec != NULL ? hf_group_of_curve(EC_GROUP_get_curve_name(EC_KEY_get0_group(ec))) : NULL;
  const CBS offered = hf_hello_list(conn, HF_EXT_supported_groups, false);
  return ec == NULL || (group != NULL && hf_wire_has(offered, group->id))
             ? HF_OK
             : HF_WRONG_CERTIFICATE_CURVE;
}

/* RFC 5246 7.4.2, 7.4.6: the key signs, and so must be for that.  Many a server's RSA certificate
 * was made for its encryption alone. */
static hf_status check_usage(const hf_conn *conn, CBS certificate) {
  const hf_status status = hf_leaf_signs(certificate);
  const bool ignore = !hf_is_server(conn) && conn->suite->auth == HF_AUTH_RSA &&
                      (conn->config->settings.flags & HF_IGNORE_RSA_KEY_USAGE) != 0;
  return status == HF_KEY_USAGE && ignore ? HF_OK : status;
}

hf_status hf_receive_certificate_12(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS list, certificate, leaf;
  if (!CBS_get_u24_length_prefixed(body, &list)) {
    return HF_DECODE_ERROR;
  }
  const bool empty = CBS_len(&list) == 0;
  if (hf_is_server(conn)) {
    hf_flag(conn, CLIENT_CERT, !empty);
    if (empty) {
      hf_hear_no_more_12(conn);  // nothing will be signed
      // RFC 5246 7.4.6: the alert of TLS 1.3 is not known here.
      return conn->config->settings.flags & HF_REQUIRE_CLIENT_CERT ? HF_CERTIFICATE_REQUIRED_12
                                                                   : HF_OK;
    }
  } else if (empty) {
    return HF_EMPTY_CERTIFICATE_12;
  }
  hs->certificates.start = (uint32_t)(CBS_data(&list) - conn->in.data);
  hs->certificates.len = (uint32_t)CBS_len(&list);
  leaf = list;
  while (CBS_len(&list) > 0) {
    if (!CBS_get_u24_length_prefixed(&list, &certificate) || CBS_len(&certificate) == 0) {
      return HF_DECODE_ERROR;
    }
  }
  if (CBS_len(body) != 0) {
    return HF_TRAILING_DATA;
  }
  if (!CBS_get_u24_length_prefixed(&leaf, &certificate)) {
    return HF_INTERNAL;
  }
  if (!hf_codes_have(conn->config->settings.peer_cert_types, HF_CERT_X509)) {
    return HF_NO_CERT_TYPE;
  }
  HF_TRY(check_usage(conn, certificate));
  HF_TRY(hf_leaf_key(&hs->peer_key, certificate));
  return check_key(conn);
}

/* ---- CertificateStatus ---- */

size_t hf_bound_CERTIFICATE_STATUS(const hf_conn *conn) { return 4 + conn->hs->identity->ocsp.len; }

hf_status hf_send_CERTIFICATE_STATUS(hf_conn *conn, CBB *body) {
  const hf_bytes ocsp = conn->hs->identity->ocsp;
  CBB response;
  return CBB_add_u8(body, STATUS_OCSP) && CBB_add_u24_length_prefixed(body, &response) &&
                 CBB_add_bytes(&response, ocsp.data, ocsp.len) && CBB_flush(body)
             ? HF_OK
             : HF_INTERNAL;
}

hf_status hf_receive_CERTIFICATE_STATUS(hf_conn *conn, CBS *body) {
  CBS response;
  if (!hf_read_status(body, &response)) {
    return HF_DECODE_ERROR;
  }
  conn->hs->status.start = (uint32_t)(CBS_data(&response) - conn->in.data);
  conn->hs->status.len = (uint32_t)CBS_len(&response);
  return HF_OK;
}

/* ---- CertificateRequest ---- */

size_t hf_bound_request_12(const hf_conn *conn) {
  const hf_settings *s = &conn->config->settings;
  size_t bound = 16 + 2 * s->verify_sigalgs.num;
  for (size_t i = 0; i < s->num_authorities; i++) {
    bound += 2 + s->authorities[i].len;
  }
  return bound;
}

hf_status hf_send_request_12(hf_conn *conn, CBB *body) {
  const hf_settings *s = &conn->config->settings;
  CBB types, names, name;
  if (!CBB_add_u8_length_prefixed(body, &types) || !CBB_add_u8(&types, RSA_SIGN) ||
      !CBB_add_u8(&types, ECDSA_SIGN)) {
    return HF_INTERNAL;
  }
  HF_TRY(hf_put_codes(body, s->verify_sigalgs));
  bool ok = CBB_add_u16_length_prefixed(body, &names);
  for (size_t i = 0; i < s->num_authorities; i++) {
    ok = ok && CBB_add_u16_length_prefixed(&names, &name) &&
         CBB_add_bytes(&name, s->authorities[i].data, s->authorities[i].len);
  }
  return ok && CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

static hf_span span_of(const hf_conn *conn, const CBS *part) {
  const hf_span span = {(uint32_t)(CBS_data(part) - conn->in.data), (uint32_t)CBS_len(part)};
  return span;
}

/* What the client will sign begins with its hello and what is there of the server's flight;
 * HelloRequests are in no transcript. */
static hf_status hear_so_far(hf_conn *conn) {
  CBS in, message;
  uint8_t type;
  uint32_t len;
  CBS_init(&in, conn->in.data, conn->in_read);
  HF_TRY(hf_hear_12(conn));
  while (CBS_len(&in) > 0) {
    message = in;
    if (!CBS_get_u8(&in, &type) || !CBS_get_u24(&in, &len) || !CBS_skip(&in, len)) {
      return HF_INTERNAL;
    }
    if (type != HF_MSG_HELLO_REQUEST) {
      HF_TRY(hf_buffer_append(&conn->hs->heard, CBS_data(&message), 4 + len));
    }
  }
  return HF_OK;
}

hf_status hf_receive_request_12(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS types, sigalgs, names, name;
  if (!CBS_get_u8_length_prefixed(body, &types) || CBS_len(&types) == 0 ||
      !CBS_get_u16_length_prefixed(body, &sigalgs) || CBS_len(&sigalgs) == 0 ||
      CBS_len(&sigalgs) % 2 != 0 || !CBS_get_u16_length_prefixed(body, &names)) {
    return HF_DECODE_ERROR;
  }
  hs->request_types = span_of(conn, &types);
  hs->request_sigalgs = span_of(conn, &sigalgs);
  hs->request_authorities = span_of(conn, &names);
  while (CBS_len(&names) > 0) {
    if (!CBS_get_u16_length_prefixed(&names, &name) || CBS_len(&name) == 0) {
      return HF_DECODE_ERROR;
    }
  }
  return hear_so_far(conn);
}

/* ---- CertificateVerify: RFC 5246 7.4.8: over all messages so far ---- */

hf_status hf_receive_verify_12(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS signature;
  uint16_t code;
  if (!CBS_get_u16(body, &code) || !CBS_get_u16_length_prefixed(body, &signature)) {
    return HF_DECODE_ERROR;
  }
  HF_TRY(hf_check_signature(conn, code, signature, hs->heard.data, hs->heard.len));
  hf_hear_no_more_12(conn);
  return HF_OK;
}
