/* compress.c: this side's certificate compressed (RFC 8879), and the question COMPRESS.
 *
 * The identity has a compressed form, of a Certificate without extensions; or the caller is asked
 * to compress the message as it would be sent.  What the peer compressed is auth.c's. */
#include "engine.h"

static unsigned flag_of(const hf_conn *conn) {
  return hf_is_server(conn) ? COMPRESSED : CLIENT_COMPRESSED;
}

/* What the peer said is gone once this side writes: all of it that matters is noted here. */
void hf_choose_compression(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const CBS theirs = hf_asked_compression(conn);
  const hf_codes ours = conn->config->settings.compressors;  // 64 at most
  hs->common_compressors = 0;
  for (size_t i = 0; i < ours.num; i++) {
    if (hf_wire_has(theirs, ours.list[i])) {
      hs->common_compressors |= (uint64_t)1 << i;
    }
  }
  hs->own_form = hs->identity->compressed.data != NULL &&
                 hf_wire_has(theirs, hs->identity->compression) && !conn->own_delegated &&
                 !hf_custom_sends(conn, CT);
  hf_flag(conn, flag_of(conn), hs->own_form || hs->common_compressors != 0);
}

/* The body of the Certificate that would be sent. */
static hf_status write_body(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  CBB cbb, body;
  size_t len;
  const uint32_t start = hs->flight.len;
  HF_TRY(
      hf_message_begin(&hs->flight, &cbb, &body, HF_MSG_CERTIFICATE, hf_bound_CERTIFICATE(conn)));
  HF_TRY(hf_message_end(&hs->flight, &cbb, hf_send_CERTIFICATE(conn, &body), &len));
  hs->flight.len = start;
  return hf_copy(&hs->to_compress, hs->flight.data + start + 4, len - 4);
}

hf_status hf_ask_COMPRESS(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const hf_codes ours = conn->config->settings.compressors;
  void *lists;
  if (hs->own_form) {
    return HF_OK;
  }
  if (hs->to_compress.data == NULL) {  // else asked again, in a connection that was loaded
    HF_TRY(write_body(conn));
  }
  HF_TRY(hf_lists_new(hs, &lists, ours.num * sizeof(uint16_t)));
  uint16_t *algorithms = lists;
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_COMPRESS);
  q->compress.algorithms.list = algorithms;
  for (size_t i = 0; i < ours.num; i++) {
    if (hs->common_compressors >> i & 1) {
      algorithms[q->compress.algorithms.num++] = ours.list[i];
    }
  }
  q->compress.message = hs->to_compress;
  return HF_OK;
}

static hf_status take_compressed(hf_conn *conn, uint16_t algorithm, hf_bytes data) {
  hf_hs *hs = conn->hs;
  if (data.len > 0) {
    HF_TRY(hf_copy(&hs->compressed, data.data, data.len));
  }
  hf_flag(conn, flag_of(conn), data.len > 0);
  hs->compression = algorithm;
  hs->to_compress_len = (uint32_t)hs->to_compress.len;
  hf_free_bytes(&hs->to_compress);  // last: |data| may be these
  return HF_OK;
}

hf_status hf_answer_compress(hf_conn *conn, uint16_t algorithm, hf_bytes data) {
  enum { HEAD = 2 + 3 + 3, MOST = (1 << 24) - 1 - HEAD };
  if (!hf_answering(conn, HF_ASK_COMPRESS) || data.len > MOST ||
      (data.len > 0 && !hf_codes_have(conn->hs->question.compress.algorithms, algorithm))) {
    return HF_MISUSE;
  }
  return hf_answered(conn, take_compressed(conn, algorithm, data));
}

size_t hf_bound_COMPRESSED_CERTIFICATE(const hf_conn *conn) {
  return 16 + conn->hs->compressed.len + conn->hs->identity->compressed.len;
}

/* RFC 8879 4 */
hf_status hf_send_COMPRESSED_CERTIFICATE(hf_conn *conn, CBB *body) {
  const hf_hs *hs = conn->hs;
  const hf_identity *identity = hs->identity;
  const bool asked = hs->compressed.data != NULL;
  const hf_bytes bytes = asked ? hs->compressed : identity->compressed;
  CBB data;
  return CBB_add_u16(body, asked ? hs->compression : identity->compression) &&
                 CBB_add_u24(body, asked ? hs->to_compress_len : identity->uncompressed_len) &&
                 CBB_add_u24_length_prefixed(body, &data) &&
                 CBB_add_bytes(&data, bytes.data, bytes.len) && CBB_flush(body)
             ? HF_OK
             : HF_INTERNAL;
}
