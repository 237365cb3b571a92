/* staple_ext.c: what an end entity shows beside its certificate: an OCSP response (status_request,
 * RFC 6066 8) and signed certificate timestamps (RFC 6962 3.3), both in the extensions of the first
 * CertificateEntry (RFC 9846 4.5.1.1).
 *
 * The handlers look at the form alone.  Whether the response and the timestamps are worth anything
 * is for whoever answers HF_ASK_VERDICT. */
#include "engine.h"

enum { STATUS_OCSP = 1 };

/* ---- status_request ---- */

/* A request by a client has a form of its own; one by a server is empty. */
hf_status hf_send_ext_status_request(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, response;
  const hf_identity *identity = conn->hs->identity;
  if (place == SH12 ? !hf_has(conn, OCSP)
      : place == CT ? identity->ocsp.data == NULL
                    : !(conn->config->settings.flags & HF_REQUEST_OCSP)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_status_request));
  bool ok = place == CR || place == SH12 || CBB_add_u8(&body, STATUS_OCSP);
  if (place == CH) {
    ok = ok && CBB_add_u16(&body, 0 /* any responder */) && CBB_add_u16(&body, 0 /* extensions */);
  } else if (place == CT) {
    ok = ok && CBB_add_u24_length_prefixed(&body, &response) &&
         CBB_add_bytes(&response, identity->ocsp.data, identity->ocsp.len);
  }
  return hf_ext_end(list, ok);
}

bool hf_read_status(CBS *body, CBS *response) {
  uint8_t type;
  return CBS_get_u8(body, &type) && type == STATUS_OCSP &&
         CBS_get_u24_length_prefixed(body, response) && CBS_len(response) > 0;
}

/* OCSPStatusRequest.  Which responders and extensions the client means is nobody's concern here. */
static bool read_request(CBS *body) {
  CBS responders, extensions, one;
  if (!CBS_get_u16_length_prefixed(body, &responders) ||
      !CBS_get_u16_length_prefixed(body, &extensions)) {
    return false;
  }
  while (CBS_len(&responders) > 0) {
    if (!CBS_get_u16_length_prefixed(&responders, &one) || CBS_len(&one) == 0) {
      return false;
    }
  }
  return true;
}

hf_status hf_receive_ext_status_request(hf_conn *conn, hf_place place, CBS *body) {
  CBS response;
  uint8_t type;
  if (place == SH12) {
    hf_flag(conn, OCSP, true);  // CertificateStatus may follow: RFC 6066 8
  }
  if (place == CR || place == SH12) {
    return HF_OK;  // empty, which the loop checks
  }
  if (place == CT) {
    return hf_read_status(body, &response) ? HF_OK : HF_BAD_EXTENSION;
  }
  if (!CBS_get_u8(body, &type)) {
    return HF_BAD_EXTENSION;
  }
  if (type != STATUS_OCSP) {
    // A status of another kind has a form that is not known, and there is none to give.
    conn->hs->peer_asked &= ~(1u << HF_EXT_status_request);
    return CBS_skip(body, CBS_len(body)) ? HF_OK : HF_INTERNAL;
  }
  return read_request(body) ? HF_OK : HF_BAD_EXTENSION;
}

/* ---- signed_certificate_timestamp ---- */

hf_status hf_send_ext_signed_certificate_timestamp(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  const hf_identity *identity = conn->hs->identity;
  const bool shows = place == CT || place == SH12;
  if (shows ? identity == NULL || identity->scts.data == NULL
            : !(conn->config->settings.flags & HF_REQUEST_SCTS)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_signed_certificate_timestamp));
  return hf_ext_end(list, !shows || CBB_add_bytes(&body, identity->scts.data, identity->scts.len));
}

bool hf_read_scts(CBS *body) {
  CBS scts, one;
  if (!CBS_get_u16_length_prefixed(body, &scts) || CBS_len(&scts) == 0) {
    return false;
  }
  while (CBS_len(&scts) > 0) {
    if (!CBS_get_u16_length_prefixed(&scts, &one) || CBS_len(&one) == 0) {
      return false;
    }
  }
  return true;
}

hf_status hf_receive_ext_signed_certificate_timestamp(hf_conn *conn, hf_place place, CBS *body) {
  if (place == SH12) {
    conn->hs->scts.start = (uint32_t)(CBS_data(body) - conn->in.data);
    conn->hs->scts.len = (uint32_t)CBS_len(body);
  }
  if (place != CT && place != SH12) {
    return HF_OK;  // empty, which the loop checks
  }
  return hf_read_scts(body) ? HF_OK : HF_BAD_EXTENSION;
}
