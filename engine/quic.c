/* quic.c: the QUIC carrier (RFC 9001 4): hf_quic_open and hf_quic_flush, and the extension
 * quic_transport_parameters (8.2), which drafts had under another number.
 *
 * No records, no alerts, no protection of data: handshake bytes by level, and the secrets by
 * HF_ASK_INSTALL.  conn->out is a row of segments, each a head (its level and length) and its
 * bytes; out_read is always at a head. */
#include "engine.h"

#include <string.h>

enum { HF_SEGMENT_HEAD = 5 };

/* ---- transport parameters ---- */

hf_status hf_quic_begin(hf_conn *conn, hf_bytes params) {
  if (conn->config->settings.transport != HF_QUIC) {
    return HF_OK;
  }
  conn->quic = OPENSSL_malloc(sizeof(*conn->quic));
  if (conn->quic == NULL) {
    return HF_NO_MEMORY;
  }
  memset(conn->quic, 0, sizeof(*conn->quic));
  hf_flag(conn, QUIC, true);
  return hf_copy(&conn->quic->own, params.data, params.len);
}

void hf_quic_free(hf_conn *conn) {
  if (conn->quic != NULL) {
    hf_free_bytes(&conn->quic->own);
    hf_free_bytes(&conn->quic->peer);
    OPENSSL_free(conn->quic);
    conn->quic = NULL;
  }
}

bool hf_quic_valid(hf_transport transport, hf_bytes params) {
  return params.data == NULL || (transport == HF_QUIC && params.len <= HF_MAX_QUIC_PARAMS);
}

bool hf_quic_has_params(const hf_conn *conn) {
  return conn->quic == NULL || conn->quic->own.data != NULL;
}

hf_status hf_quic_set_params(hf_conn *conn, hf_bytes params) {
  return hf_copy(&conn->quic->own, params.data, params.len);
}

hf_bytes hf_quic_peer_params(const hf_conn *conn) {
  return conn->quic != NULL ? conn->quic->peer : hf_range(NULL, 0);
}

size_t hf_quic_params_bound(const hf_conn *conn) {
  return conn->quic != NULL ? 4 + conn->quic->own.len : 0;
}

/* Which of the two code points is spoken. */
static hf_ext spoken(const hf_conn *conn) {
  return conn->config->settings.flags & HF_QUIC_LEGACY_PARAMS
             ? HF_EXT_quic_transport_parameters_legacy
             : HF_EXT_quic_transport_parameters;
}

static hf_status send_params(const hf_conn *conn, CBB *list, hf_ext as) {
  CBB body;
  if (conn->quic == NULL || as != spoken(conn)) {
    return HF_OK;
  }
  const hf_bytes own = conn->quic->own;
  HF_TRY(hf_ext_begin(&body, list, as));
  return hf_ext_end(list, CBB_add_bytes(&body, own.data, own.len));
}

/* The other one is passed over: a client may send both. */
static hf_status receive_params(hf_conn *conn, CBS *body, hf_ext as) {
  if (conn->quic != NULL && as == spoken(conn)) {
    HF_TRY(hf_copy(&conn->quic->peer, CBS_data(body), CBS_len(body)));
  }
  return CBS_skip(body, CBS_len(body)) ? HF_OK : HF_INTERNAL;
}

hf_status hf_send_ext_quic_transport_parameters(hf_conn *conn, hf_place place, CBB *list) {
  (void)place;
  return send_params(conn, list, HF_EXT_quic_transport_parameters);
}

hf_status hf_receive_ext_quic_transport_parameters(hf_conn *conn, hf_place place, CBS *body) {
  (void)place;
  if (conn->quic == NULL) {
    return HF_UNSUPPORTED_EXTENSION;  // RFC 9001 8.2: not over records
  }
  return receive_params(conn, body, HF_EXT_quic_transport_parameters);
}

/* The code point of drafts is one for private use: over records it may be anything. */
hf_status hf_send_ext_quic_transport_parameters_legacy(hf_conn *conn, hf_place place, CBB *list) {
  (void)place;
  return send_params(conn, list, HF_EXT_quic_transport_parameters_legacy);
}

hf_status hf_receive_ext_quic_transport_parameters_legacy(hf_conn *conn, hf_place place,
                                                          CBS *body) {
  (void)place;
  return receive_params(conn, body, HF_EXT_quic_transport_parameters_legacy);
}

bool hf_quic_told_params(const hf_conn *conn, uint32_t mask) {
  return conn->quic == NULL || (mask & 1u << spoken(conn)) != 0;
}

hf_status hf_quic_check_hello(const hf_conn *conn) {
  if (conn->quic == NULL) {
    return HF_OK;
  }
  if (conn->hs->hello.session_id.len > 0) {
    return HF_QUIC_COMPATIBILITY;  // RFC 9001 8.4: a PROTOCOL_VIOLATION
  }
  return hf_quic_told_params(conn, conn->hs->hello.mask) ? HF_OK : HF_MISSING_EXTENSION;
}

hf_status hf_quic_check_alpn(const hf_conn *conn) {
  // RFC 9001 8.1: who offers none has another way of agreeing, or none, which is its caller's part.
  return conn->quic != NULL && conn->alpn_len == 0 &&
                 hf_ext_offered(conn, HF_EXT_application_layer_protocol_negotiation)
             ? HF_NO_APPLICATION_PROTOCOL
             : HF_OK;
}

/* ---- output ---- */

static uint32_t segment_len(const uint8_t *head) {
  return (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4];
}

static void put_head(uint8_t *head, uint8_t level, uint32_t len) {
  head[0] = level;
  for (size_t i = 0; i < 4; i++) {
    head[1 + i] = (uint8_t)(len >> (24 - 8 * i));
  }
}

bool hf_quic_valid_output(const hf_conn *conn) {
  CBS out, bytes;
  uint8_t level;
  uint32_t len;
  CBS_init(&out, conn->out.data, conn->out.len);
  CBS_skip(&out, conn->out_read);
  while (CBS_len(&out) > 0) {
    if (!CBS_get_u8(&out, &level) || level > HF_APPLICATION || !CBS_get_u32(&out, &len) ||
        len == 0 || !CBS_get_bytes(&out, &bytes, len)) {
      return false;
    }
  }
  return true;
}

hf_status hf_quic_write(hf_conn *conn, const uint8_t *data, size_t len) {
  uint8_t head[HF_SEGMENT_HEAD];
  if (len == 0) {
    return HF_OK;
  }
  put_head(head, conn->write.level, (uint32_t)len);
  HF_TRY(hf_buffer_reserve(&conn->out, sizeof(head) + len));
  HF_TRY(hf_buffer_append(&conn->out, head, sizeof(head)));
  return hf_buffer_append(&conn->out, data, len);
}

/* Copies from the first segment, whose head moves on to what is left of it. */
static size_t take_segment(hf_conn *conn, uint8_t *out, size_t out_max) {
  uint8_t *head = conn->out.data + conn->out_read;
  const uint8_t level = head[0];
  const uint32_t len = segment_len(head);
  const uint32_t part = len < out_max ? len : (uint32_t)out_max;
  memcpy(out, head + HF_SEGMENT_HEAD, part);
  conn->out_read += part;
  if (part < len) {
    put_head(head + part, level, len - part);
  } else {
    conn->out_read += HF_SEGMENT_HEAD;
  }
  return part;
}

hf_status hf_quic_flush(hf_conn *conn, hf_level *level, size_t *written, uint8_t *out,
                        size_t out_max) {
  *written = 0;
  *level = HF_INITIAL;
  if (conn->quic == NULL) {
    return HF_MISUSE;
  }
  if (conn->out.len == 0) {
    return HF_OK;
  }
  *level = (hf_level)conn->out.data[conn->out_read];
  while (*written < out_max && conn->out_read < conn->out.len &&
         conn->out.data[conn->out_read] == *level) {
    *written += take_segment(conn, out + *written, out_max - *written);
  }
  return hf_flushed(conn);
}

/* ---- input ---- */

hf_status hf_quic_open(hf_conn *conn, size_t *consumed, hf_level level, hf_bytes in) {
  *consumed = 0;
  if (conn->quic == NULL || level > HF_APPLICATION) {
    return HF_MISUSE;
  }
  if (conn->fault != HF_OK) {
    return (hf_status)conn->fault;
  }
  // A level that is not reached yet waits, as all does while a question is pending.
  if (in.len == 0 || hf_stopped(conn) || (level != HF_EARLY && level > conn->read.level)) {
    return HF_OK;
  }
  // RFC 9001 4.1.3, and 8.3: there are no CRYPTO frames among early data.
  if (level == HF_EARLY || level < conn->read.level) {
    return hf_leave(conn, HF_WRONG_LEVEL);
  }
  *consumed = in.len;
  hf_status status = hf_take_handshake(conn, in.data, in.len);
  if (status == HF_OK && conn->in.len > 0 && (conn->ready || hf_at_open(conn))) {
    status = hf_post_receive(conn);
  }
  return hf_leave(conn, status);
}
