/* record.c: the record carrier (RFC 9846 5): hf_flush, hf_seal, and the making of records.
 * record_in.c reads them.
 *
 * Output is sealed when it is queued, so that no key outlives its level and hf_flush can give out
 * any number of bytes. What is queued goes before anything that hf_seal makes: hf_seal is refused
 * until it is gone. */
#include "engine.h"

#include <string.h>

/* The nonce of the next record: RFC 9846 5.3. */
/* Byte by byte, without a loop: compilers make one instruction of that. */
static void put_seq(uint8_t out[8], uint64_t seq) {
  out[0] = (uint8_t)(seq >> 56);
  out[1] = (uint8_t)(seq >> 48);
  out[2] = (uint8_t)(seq >> 40);
  out[3] = (uint8_t)(seq >> 32);
  out[4] = (uint8_t)(seq >> 24);
  out[5] = (uint8_t)(seq >> 16);
  out[6] = (uint8_t)(seq >> 8);
  out[7] = (uint8_t)seq;
}

void hf_nonce(uint8_t out[HF_NONCE], const hf_keys *keys) {
  uint8_t seq[8], *last = out + HF_NONCE - sizeof(seq);
  put_seq(seq, keys->seq);
  memcpy(out, keys->iv, HF_NONCE);
  for (size_t i = 0; i < sizeof(seq); i++) {
    last[i] = (uint8_t)(last[i] ^ seq[i]);
  }
}

static void put_header(uint8_t *out, uint8_t type, uint16_t version, size_t len) {
  out[0] = type;
  out[1] = (uint8_t)(version >> 8);
  out[2] = (uint8_t)version;
  out[3] = (uint8_t)(len >> 8);
  out[4] = (uint8_t)len;
}

/* How much padding |len| bytes of content get: RFC 9846 5.4. */
static size_t padding(const hf_conn *conn, size_t len) {
  const size_t step = conn->config->settings.padding;
  if (step == 0 || (len + 1) % step == 0 || len >= conn->max_data) {
    return 0;
  }
  const size_t pad = step - (len + 1) % step;
  return len + pad <= conn->max_data ? pad : conn->max_data - len;
}

/* Bytes that a record has beyond |len| bytes of content. */
static size_t overhead(const hf_conn *conn, size_t len) {
  return hf_tls12(conn) ? HF_HEADER + (size_t)conn->suite->sent_nonce + HF_TAG
                        : HF_HEADER + 1 + padding(conn, len) + HF_TAG;
}

void hf_additional_12(uint8_t out[HF_ADDITIONAL_12], const hf_keys *keys, const uint8_t *header,
                      size_t len) {
  put_seq(out, keys->seq);
  memcpy(out + 8, header, 3);
  out[11] = (uint8_t)(len >> 8);
  out[12] = (uint8_t)len;
}

/* RFC 5246 6.2.3.3.  The part of the nonce that is sent (RFC 5288 3) is the sequence number. */
static hf_status protect_12(hf_conn *conn, uint8_t *out, size_t *written, uint8_t type,
                            const uint8_t *in, size_t in_len) {
  hf_keys *keys = &conn->write;
  uint8_t nonce[HF_NONCE], additional[HF_ADDITIONAL_12];
  const size_t sent = conn->suite->sent_nonce;
  uint8_t *data = out + HF_HEADER + sent;
  size_t tag_len;
  hf_nonce(nonce, keys);
  put_header(out, type, HF_TLS12, sent + in_len + HF_TAG);
  memcpy(out + HF_HEADER, nonce + HF_NONCE - sent, sent);
  hf_additional_12(additional, keys, out, in_len);
  if (!EVP_AEAD_CTX_seal_scatter(&keys->aead, data, data + in_len, &tag_len, HF_TAG, nonce,
                                 HF_NONCE, in, in_len, NULL, 0, additional, sizeof(additional))) {
    return HF_CRYPTO_FAILED;
  }
  keys->seq++;
  *written = HF_HEADER + sent + in_len + HF_TAG;
  hf_trace(conn, true, HF_EVENT_HEADER, out, HF_HEADER);
  return HF_OK;
}

/* Writes one protected record to |out|, which has room for it.  |in| may lie where the record's
 * data will. */
static hf_status protect(hf_conn *conn, uint8_t *out, size_t *written, uint8_t type,
                         const uint8_t *in, size_t in_len) {
  hf_keys *keys = &conn->write;
  uint8_t nonce[HF_NONCE];
  const size_t pad = padding(conn, in_len);
  const size_t inner_len = in_len + 1 + pad;
  size_t tag_len, sealed_len;
  if (keys->seq == UINT64_MAX) {
    return HF_KEY_EXHAUSTED;
  }
  if (hf_tls12(conn)) {
    return protect_12(conn, out, written, type, in, in_len);
  }
  put_header(out, HF_APPLICATION_DATA, HF_TLS12, inner_len + HF_TAG);
  hf_nonce(nonce, keys);
  uint8_t *data = out + HF_HEADER;
  bool ok;
  if (pad == 0) {
    ok = EVP_AEAD_CTX_seal_scatter(&keys->aead, data, data + in_len, &tag_len, 1 + HF_TAG, nonce,
                                   HF_NONCE, in, in_len, &type, 1, out, HF_HEADER);
  } else {
    if (in_len > 0) {
      memmove(data, in, in_len);
    }
    data[in_len] = type;
    memset(data + in_len + 1, 0, pad);
    ok = EVP_AEAD_CTX_seal(&keys->aead, data, &sealed_len, inner_len + HF_TAG, nonce, HF_NONCE,
                           data, inner_len, out, HF_HEADER);
  }
  if (!ok) {
    return HF_CRYPTO_FAILED;
  }
  keys->seq++;
  *written = HF_HEADER + inner_len + HF_TAG;
  hf_trace(conn, true, HF_EVENT_HEADER, out, HF_HEADER);
  hf_trace(conn, true, HF_EVENT_INNER_TYPE, &type, 1);
  return HF_OK;
}

/* Queues one record. */
static hf_status write_one(hf_conn *conn, uint8_t type, const uint8_t *data, size_t len) {
  const bool sealed = conn->write.level != HF_INITIAL && type != HF_CCS;
  size_t written = HF_HEADER + len;
  HF_TRY(hf_buffer_reserve(&conn->out, len + (sealed ? overhead(conn, len) : HF_HEADER)));
  uint8_t *out = conn->out.data + conn->out.len;
  if (sealed) {
    HF_TRY(protect(conn, out, &written, type, data, len));
  } else {
    // RFC 9846 5.1: a first ClientHello may say 1.0, for old servers' sake.
    const bool first = type == HF_HANDSHAKE_RECORD && conn->suite == NULL && !hf_is_server(conn);
    put_header(out, type, first ? HF_TLS10 : HF_TLS12, len);
    memcpy(out + HF_HEADER, data, len);
    hf_trace(conn, true, HF_EVENT_HEADER, out, HF_HEADER);
    if (type == HF_CCS) {
      hf_trace(conn, true, HF_CCS, data, len);
    }
  }
  conn->out.len += (uint32_t)written;
  return HF_OK;
}

hf_status hf_write_ccs(hf_conn *conn) {
  static const uint8_t body[] = {1};
  if (conn->hs == NULL || !conn->hs->ccs_due) {
    return HF_OK;
  }
  conn->hs->ccs_due = false;
  return write_one(conn, HF_CCS, body, sizeof(body));
}

hf_status hf_record_write(hf_conn *conn, uint8_t type, const uint8_t *data, size_t len) {
  if (hf_has(conn, QUIC)) {
    return type == HF_HANDSHAKE_RECORD ? hf_quic_write(conn, data, len) : HF_INTERNAL;
  }
  if (len > 0) {
    HF_TRY(hf_write_ccs(conn));
  }
  // max_fragment_length is for what is not protected too (RFC 6066 4), and so is this side's own
  // bound; record_size_limit is not (RFC 8449 4).
  const bool limited = conn->write.level != HF_INITIAL ||
                       (hf_tls12(conn) && conn->hs != NULL && conn->hs->fragment != 0);
  const size_t most = limited ? conn->max_data : hf_own_max_data(conn->config);
  while (len > 0) {
    const size_t part = len < most ? len : most;
    HF_TRY(write_one(conn, type, data, part));
    data += part;
    len -= part;
  }
  return HF_OK;
}

hf_status hf_seal_flight(hf_conn *conn) {
  hf_buffer *flight = &conn->hs->flight;
  HF_TRY(hf_record_write(conn, HF_HANDSHAKE_RECORD, flight->data, flight->len));
  flight->len = 0;
  return HF_OK;
}

hf_status hf_flush(hf_conn *conn, size_t *written, uint8_t *out, size_t out_max) {
  const size_t left = conn->out.len - conn->out_read;
  *written = 0;
  if (hf_has(conn, QUIC)) {
    return HF_MISUSE;
  }
  *written = left < out_max ? left : out_max;
  if (*written == 0) {
    return HF_OK;
  }
  memcpy(out, conn->out.data + conn->out_read, *written);
  conn->out_read += (uint32_t)*written;
  return hf_flushed(conn);
}

hf_status hf_flushed(hf_conn *conn) {
  if (conn->out_read < conn->out.len) {
    return HF_OK;
  }
  hf_buffer_free(&conn->out);
  conn->out_read = 0;
  conn->update_queued = false;
  // The handshake may have waited at OPEN for this.
  if (conn->fault == HF_OK && !conn->ready && !hf_blocked(conn)) {
    return hf_leave(conn, hf_run(conn));
  }
  return HF_OK;
}

/* Counts what has gone out: against the early data limit, and against the limit of the keys. */
static hf_status count_sent(hf_conn *conn, size_t len) {
  if (conn->write.level == HF_EARLY) {
    conn->early_left -= (uint32_t)len;
    return HF_OK;
  }
  if (hf_tls12(conn)) {
    return HF_OK;  // past the limit records are refused: there are no other keys
  }
  // The KeyUpdate is the last record under these keys.
  if (conn->ready && conn->write.seq + 1 >= conn->suite->max_records) {
    return hf_queue_key_update(conn, false);  // RFC 9846 5.5
  }
  return HF_OK;
}

hf_status hf_seal(hf_conn *conn, size_t *written, uint8_t *out, size_t out_max, const uint8_t *in,
                  size_t in_len) {
  *written = 0;
  if (!(hf_wants(conn) & HF_CAN_SEND) || in_len > conn->max_data ||
      (conn->write.level == HF_EARLY && in_len > conn->early_left)) {
    return HF_MISUSE;
  }
  if (out_max < in_len + overhead(conn, in_len)) {
    return HF_SHORT_OUTPUT;
  }
  if (hf_tls12(conn) && conn->write.seq >= conn->suite->max_records) {
    return hf_leave(conn, HF_KEY_EXHAUSTED);
  }
  hf_status status = protect(conn, out, written, HF_APPLICATION_DATA, in, in_len);
  if (status == HF_OK) {
    status = count_sent(conn, in_len);
  }
  if (status != HF_OK || conn->out.len > 0) {
    return hf_leave(conn, status);  // it failed, or it brought a KeyUpdate
  }
  hf_scrub_record();
  return HF_OK;
}
