/* ext12.c: the extensions that TLS 1.2 alone gives a meaning: extended_main_secret (RFC 7627; its
 * registered name is extended_master_secret), session_ticket (RFC 5077), renegotiation_info (RFC
 * 5746), ec_point_formats (RFC 8422).  A client sends them if it may come to TLS 1.2; a server of
 * TLS 1.3 reads their form and answers none. */
#include "engine.h"

enum { POINT_UNCOMPRESSED = 0 };

static bool wanted(const hf_conn *conn, hf_place place) {
  return place != CH || hf_may_be(conn, HF_TLS12);
}

/* ---- extended_master_secret, RFC 7627 5.1 ---- */

hf_status hf_send_ext_extended_master_secret(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  if (!wanted(conn, place)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_extended_master_secret));
  return hf_ext_end(list, true);
}

hf_status hf_receive_ext_extended_master_secret(hf_conn *conn, hf_place place, CBS *body) {
  (void)body;  // empty, which the loop checks
  if (place == SH12) {
    conn->ems = true;
  }
  return HF_OK;
}

/* ---- session_ticket, RFC 5077 3.2 ---- */

hf_status hf_send_ext_session_ticket(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  if (place == SH12 ? !hf_has(conn, TICKET)
                    : !wanted(conn, place) || (conn->config->settings.flags & HF_NO_TICKETS)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_session_ticket));
  const hf_bytes ticket = place == CH ? conn->hs->ticket : hf_range(NULL, 0);
  return hf_ext_end(list, CBB_add_bytes(&body, ticket.data, ticket.len));
}

hf_status hf_receive_ext_session_ticket(hf_conn *conn, hf_place place, CBS *body) {
  if (place == SH12) {
    hf_flag(conn, TICKET, true);  // empty, which the loop checks
    return HF_OK;
  }
  return CBS_skip(body, CBS_len(body)) ? HF_OK : HF_INTERNAL;
}

/* ---- renegotiation_info, RFC 5746 3.4 and 3.6: nothing is ever negotiated again ---- */

hf_status hf_send_ext_renegotiation_info(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  if (!wanted(conn, place)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_renegotiation_info));
  return hf_ext_end(list, CBB_add_u8(&body, 0 /* an empty renegotiated_connection */));
}

hf_status hf_receive_ext_renegotiation_info(hf_conn *conn, hf_place place, CBS *body) {
  CBS verify_data;
  if (place == SH12) {
    conn->renegotiation_info = true;
  }
  if (!CBS_get_u8_length_prefixed(body, &verify_data)) {
    return HF_BAD_EXTENSION;
  }
  return CBS_len(&verify_data) == 0 ? HF_OK : HF_RENEGOTIATION_MISMATCH;
}

/* ---- ec_point_formats, RFC 8422 5.1.2, 5.2 ---- */

hf_status hf_send_ext_ec_point_formats(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  if (!wanted(conn, place) || (place == SH12 && hf_has(conn, RESUMED))) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_ec_point_formats));
  return hf_ext_end(list, CBB_add_u8(&body, 1) && CBB_add_u8(&body, POINT_UNCOMPRESSED));
}

static bool has_uncompressed(CBS formats) {
  uint8_t format;
  while (CBS_get_u8(&formats, &format)) {
    if (format == POINT_UNCOMPRESSED) {
      return true;
    }
  }
  return false;
}

hf_status hf_receive_ext_ec_point_formats(hf_conn *conn, hf_place place, CBS *body) {
  CBS formats;
  (void)conn;
  if (!CBS_get_u8_length_prefixed(body, &formats) || CBS_len(&formats) == 0) {
    return HF_BAD_EXTENSION;
  }
  // What a hello that may come to TLS 1.3 says of it is looked at when the version is known.
  return place == CH || has_uncompressed(formats) ? HF_OK : HF_POINT_FORMAT;
}

hf_status hf_check_points_12(const hf_conn *conn) {
  return !hf_ext_offered(conn, HF_EXT_ec_point_formats) ||
                 has_uncompressed(hf_hello_list(conn, HF_EXT_ec_point_formats, true))
             ? HF_OK
             : HF_POINT_FORMAT;
}
