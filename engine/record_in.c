/* record_in.c: the reading half of the record carrier (RFC 9846 5): hf_open and hf_need.
 *
 * One record at a time, opened where it lies.  Handshake bytes go to conn->in; what they mean is
 * not known here.  A part of a handshake message that waits there lets no other kind of record pass
 * (RFC 9846 5.1). */
#include "engine.h"

#include <string.h>

enum { HF_WARNING = 1, HF_FATAL = 2 };
enum { HF_MOST_CCS = 32, HF_MOST_EMPTY = 32 };

static bool in_message(const hf_conn *conn) { return conn->in_read < conn->in.len; }

static bool finished(const hf_conn *conn) { return (conn->proofs & HF_PROOF_FINISHED) != 0; }

/* ---- the header ---- */

static bool starts(const uint8_t *in, const char *text, size_t len) {
  return memcmp(in, text, len) == 0;
}

/* What came instead of TLS, as far as five bytes tell. */
static hf_status not_tls(const hf_conn *conn, const uint8_t *in) {
  if (conn->record_seen) {
    return HF_UNKNOWN_RECORD_TYPE;
  }
  if (hf_is_server(conn)) {
    if (starts(in, "GET ", 4) || starts(in, "POST ", 5) || starts(in, "HEAD ", 5) ||
        starts(in, "PUT ", 4)) {
      return HF_HTTP_REQUEST;
    }
    if (starts(in, "CONNE", 5)) {
      return HF_HTTPS_PROXY_REQUEST;
    }
    if ((in[0] & 0x80) && in[2] == HF_MSG_CLIENT_HELLO && (in[3] == 3 || in[3] == 0)) {
      return HF_SSLV2_HELLO;
    }
  }
  return in[1] == 3 ? HF_UNKNOWN_RECORD_TYPE : HF_WRONG_VERSION_NUMBER;
}

static size_t body_len(const uint8_t *in) { return (size_t)in[3] << 8 | in[4]; }

static hf_status check_header(const hf_conn *conn, const uint8_t *in) {
  const uint8_t type = in[0];
  if (type < HF_CCS || type > HF_APPLICATION_DATA) {
    return not_tls(conn, in);
  }
  // In TLS 1.2 it is the version (RFC 5246 6.2.1).  In TLS 1.3 it means nothing (RFC 9846 5.1), but
  // the first record's tells TLS from other things.
  if (hf_tls12(conn) ? in[1] != 3 || in[2] != 3 : !conn->record_seen && in[1] != 3) {
    return HF_WRONG_VERSION_NUMBER;
  }
  const bool sealed =
      type == HF_APPLICATION_DATA || (hf_tls12(conn) && conn->read.level != HF_INITIAL);
  const size_t most = sealed ? HF_MAX_CIPHERTEXT : HF_MAX_PLAINTEXT;
  return body_len(in) <= most ? HF_OK : HF_RECORD_OVERFLOW;
}

/* Are the peer's bytes to be passed over? */
static bool deaf(const hf_conn *conn) { return conn->closed || (conn->close_sent && !conn->ready); }

size_t hf_need(const hf_conn *conn, const uint8_t *in, size_t in_len) {
  if (hf_has(conn, QUIC)) {
    return 0;
  }
  if (in_len < HF_HEADER) {
    return in_len > 0 && deaf(conn) ? 0 : HF_HEADER - in_len;
  }
  if (conn->fault != HF_OK || deaf(conn) || check_header(conn, in) != HF_OK) {
    return 0;
  }
  const size_t whole = HF_HEADER + body_len(in);
  return in_len < whole ? whole - in_len : 0;
}

/* ---- contents ---- */

static hf_status take_alert(hf_conn *conn, const uint8_t *data, size_t len, bool plain) {
  if (len != 2) {
    return len == 0 ? HF_EMPTY_RECORD : HF_BAD_ALERT;
  }
  hf_trace(conn, false, HF_ALERT, data, len);
  const uint8_t alert = data[1];
  if (data[0] != HF_WARNING && data[0] != HF_FATAL) {
    return HF_UNKNOWN_ALERT_LEVEL;
  }
  const bool late_plain = plain && conn->read.level != HF_INITIAL;
  if (alert == HF_ALERT_CLOSE_NOTIFY && !late_plain) {
    conn->closed = true;
    return HF_OK;
  }
  // RFC 9846 6: otherwise the level says nothing; user_canceled alone is no error.  In TLS 1.2, and
  // as long as it may come to that, a warning is one (RFC 5246 7.2).
  const bool levels = hf_tls12(conn) || (conn->version == 0 && hf_may_be(conn, HF_TLS12));
  const bool warning = levels ? data[0] == HF_WARNING : alert == HF_ALERT_USER_CANCELED;
  if (warning && !late_plain) {
    return ++conn->warnings > HF_MOST_WARNINGS ? HF_TOO_MANY_WARNINGS : HF_OK;
  }
  hf_fail(conn, HF_PEER_ALERT, alert);
  return HF_PEER_ALERT;
}

hf_status hf_take_handshake(hf_conn *conn, const uint8_t *data, size_t len) {
  if (len == 0) {
    return HF_EMPTY_RECORD;  // RFC 9846 5.1
  }
  if (conn->in.len + len > conn->config->settings.max_flight) {
    return HF_FLIGHT_TOO_LONG;
  }
  HF_TRY(hf_buffer_append(&conn->in, data, len));
  return conn->hs != NULL ? hf_run(conn) : HF_OK;
}

/* Application data in the clear.  A client whose server's hello got lost sees what follows it. */
static hf_status plain_data(const hf_conn *conn) {
  return hf_is_server(conn) ? HF_APPLICATION_DATA_EARLY : HF_APPLICATION_DATA_INSTEAD;
}

/* May application data come now?  Early data counts against its limit. */
static hf_status take_data(hf_conn *conn, hf_bytes *app, const uint8_t *data, size_t len) {
  if (conn->read.level == HF_EARLY) {
    if (len > conn->early_left) {
      return HF_TOO_MUCH_EARLY_DATA;
    }
    conn->early_left -= (uint32_t)len;
  } else if (conn->read.level != HF_APPLICATION || !finished(conn)) {
    return HF_APPLICATION_DATA_EARLY;
  }
  if (len == 0) {
    return ++conn->empties > HF_MOST_EMPTY ? HF_TOO_MANY_EMPTY_RECORDS : HF_OK;
  }
  conn->empties = conn->warnings = conn->key_updates = 0;
  *app = hf_range(data, len);
  return HF_OK;
}

static hf_status take_content(hf_conn *conn, hf_bytes *app, uint8_t type, const uint8_t *data,
                              size_t len, bool plain) {
  if (type != HF_HANDSHAKE_RECORD && in_message(conn)) {
    return HF_INTERLEAVED_RECORD;
  }
  switch (type) {
    case HF_ALERT:
      return take_alert(conn, data, len, plain);
    case HF_HANDSHAKE_RECORD:
      return hf_take_handshake(conn, data, len);
    case HF_APPLICATION_DATA:
      return plain ? plain_data(conn) : take_data(conn, app, data, len);
    case HF_CCS:
      return HF_UNEXPECTED_RECORD;  // under protection it is nobody's: RFC 9846 5
    default:
      return HF_UNKNOWN_RECORD_TYPE;
  }
}

/* ---- protection ---- */

/* Refused early data: RFC 9846 4.3.10.  |*skipped|: the record is one, and forgotten. */
static hf_status skip_early(hf_conn *conn, bool *skipped, size_t len) {
  *skipped = conn->skip_left > 0;
  if (!*skipped) {
    return HF_OK;
  }
  // What was said is a limit of the content; an empty record counts as one byte, so that they end.
  const size_t content = len > 1 + HF_TAG ? len - 1 - HF_TAG : 1;
  if (content >= conn->skip_left) {
    return HF_TOO_MUCH_SKIPPED_DATA;
  }
  conn->skip_left -= (uint32_t)content;
  return HF_OK;
}

/* Opens the record in place: RFC 9846 5.2. */
static hf_status unprotect(hf_conn *conn, uint8_t *type, size_t *content_len, uint8_t *record,
                           size_t len) {
  hf_keys *keys = &conn->read;
  uint8_t nonce[HF_NONCE];
  uint8_t *data = record + HF_HEADER;
  size_t inner;
  hf_nonce(nonce, keys);
  if (!EVP_AEAD_CTX_open(&keys->aead, data, &inner, len, nonce, HF_NONCE, data, len, record,
                         HF_HEADER)) {
    return HF_BAD_RECORD_MAC;
  }
  if (++keys->seq == UINT64_MAX) {
    return HF_KEY_EXHAUSTED;
  }
  conn->read_protected = true;
  // Early data was sealed before the limits of this handshake were known: RFC 8449 4.
  if (inner > (keys->level == HF_EARLY ? HF_MAX_PLAINTEXT + 1 : conn->max_inner)) {
    return HF_DATA_LENGTH_TOO_LONG;
  }
  while (inner > 0 && data[inner - 1] == 0) {
    inner--;
  }
  if (inner == 0) {
    return HF_NO_CONTENT_TYPE;  // RFC 9846 5.4
  }
  *type = data[inner - 1];
  *content_len = inner - 1;
  hf_trace(conn, false, HF_EVENT_INNER_TYPE, type, 1);
  return HF_OK;
}

static hf_status take_protected(hf_conn *conn, hf_bytes *app, uint8_t *record, size_t len) {
  bool skipped = false;
  uint8_t type;
  size_t content_len;
  if (conn->read.level == HF_INITIAL) {
    if (in_message(conn)) {
      return HF_INTERLEAVED_RECORD;
    }
    HF_TRY(skip_early(conn, &skipped, len));
    return skipped ? HF_OK : plain_data(conn);
  }
  const hf_status status = unprotect(conn, &type, &content_len, record, len);
  if (status == HF_BAD_RECORD_MAC) {
    HF_TRY(skip_early(conn, &skipped, len));
    return skipped ? HF_OK : status;
  }
  HF_TRY(status);
  conn->skip_left = 0;
  return take_content(conn, app, type, record + HF_HEADER, content_len, false);
}

/* RFC 9846 5, E.4: dropped, between the first hello and the peer's Finished, where TLS 1.3 may be
 * what is spoken.  A server that keeps nothing of a retry may meet the one that follows it before
 * the hello. */
static hf_status take_ccs(hf_conn *conn, const uint8_t *data, size_t len) {
  const bool before = hf_is_server(conn) && !conn->hello_known;
  const bool cookie = (conn->config->settings.flags & HF_DEMAND_COOKIE) != 0;
  if (len != 1 || data[0] != 1) {
    return HF_BAD_CHANGE_CIPHER_SPEC;
  }
  if (in_message(conn)) {
    return HF_INTERLEAVED_RECORD;
  }
  if (finished(conn) || (before && (!cookie || conn->ccs_seen > 0)) || !hf_may_be(conn, HF_TLS13)) {
    return HF_BAD_CHANGE_CIPHER_SPEC;
  }
  if (conn->ccs_seen >= HF_MOST_CCS) {
    return HF_TOO_MANY_CHANGE_CIPHER_SPECS;
  }
  conn->ccs_seen++;
  hf_trace(conn, false, HF_CCS, data, len);
  return HF_OK;
}

/* RFC 5246 6.2.3.3: as protect_12 of record.c. */
static hf_status unprotect_12(hf_conn *conn, uint8_t *record, size_t len, uint8_t **data,
                              size_t *content_len) {
  hf_keys *keys = &conn->read;
  uint8_t nonce[HF_NONCE], additional[HF_ADDITIONAL_12];
  const size_t sent = conn->suite->sent_nonce;
  if (len < sent + HF_TAG) {
    return HF_BAD_RECORD_MAC;
  }
  hf_nonce(nonce, keys);
  memcpy(nonce + HF_NONCE - sent, record + HF_HEADER, sent);
  hf_additional_12(additional, keys, record, len - sent - HF_TAG);
  *data = record + HF_HEADER + sent;
  if (!EVP_AEAD_CTX_open(&keys->aead, *data, content_len, len - sent, nonce, HF_NONCE, *data,
                         len - sent, additional, sizeof(additional))) {
    return HF_BAD_RECORD_MAC;
  }
  if (++keys->seq == UINT64_MAX) {
    return HF_KEY_EXHAUSTED;
  }
  return *content_len > conn->max_inner ? HF_DATA_LENGTH_TOO_LONG : HF_OK;
}

/* RFC 5246 7.1: only where its row is. */
static hf_status take_spec(hf_conn *conn, const uint8_t *data, size_t len) {
  if (len != 1 || data[0] != 1 || conn->hs == NULL || conn->read.level != HF_INITIAL) {
    return HF_BAD_CHANGE_CIPHER_SPEC;
  }
  if (in_message(conn)) {
    return HF_EXCESS_HANDSHAKE_DATA;  // the keys change here
  }
  hf_trace(conn, false, HF_CCS, data, len);
  conn->spec_changed = true;
  return hf_run(conn);
}

static hf_status take_record_12(hf_conn *conn, hf_bytes *app, uint8_t *record, size_t len) {
  uint8_t *data = record + HF_HEADER;
  const bool plain = conn->read.level == HF_INITIAL;
  if (!plain) {
    HF_TRY(unprotect_12(conn, record, len, &data, &len));
  }
  return record[0] == HF_CCS ? take_spec(conn, data, len)
                             : take_content(conn, app, record[0], data, len, plain);
}

static hf_status take_record(hf_conn *conn, hf_bytes *app, uint8_t *record, size_t len) {
  const uint8_t type = record[0];
  hf_trace(conn, false, HF_EVENT_HEADER, record, HF_HEADER);
  conn->record_seen = true;
  if (hf_tls12(conn)) {
    return take_record_12(conn, app, record, len);
  }
  if (type == HF_CCS) {
    return take_ccs(conn, record + HF_HEADER, len);
  }
  if (type == HF_APPLICATION_DATA) {
    return take_protected(conn, app, record, len);
  }
  // A peer that could not follow our change of keys can only alert in the clear.
  const bool lost = type == HF_ALERT && !conn->read_protected && !in_message(conn);
  if (conn->read.level != HF_INITIAL && !lost) {
    return HF_INVALID_OUTER_TYPE;
  }
  return take_content(conn, app, type, record + HF_HEADER, len, true);
}

hf_status hf_open(hf_conn *conn, hf_bytes *app, size_t *consumed, uint8_t *in, size_t in_len) {
  *app = hf_range(NULL, 0);
  *consumed = 0;
  if (hf_has(conn, QUIC)) {
    return HF_MISUSE;
  }
  if (conn->fault != HF_OK) {
    return (hf_status)conn->fault;
  }
  if (deaf(conn)) {
    *consumed = in_len;
    return HF_OK;
  }
  if (hf_stopped(conn) || in_len < HF_HEADER) {
    return HF_OK;
  }
  const hf_status header = check_header(conn, in);
  if (header != HF_OK) {
    return hf_leave(conn, header);
  }
  const size_t len = body_len(in);
  if (in_len < HF_HEADER + len) {
    return HF_OK;
  }
  *consumed = HF_HEADER + len;
  hf_status status = take_record(conn, app, in, len);
  if (status == HF_OK && conn->in.len > 0 && (conn->ready || hf_at_open(conn))) {
    status = hf_post_receive(conn);
  }
  if (status != HF_OK || app->data == NULL) {
    return hf_leave(conn, status);
  }
  hf_scrub_record();
  return HF_OK;
}
