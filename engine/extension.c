/* extension.c: the loops over extension blocks (RFC 9846 4.3), by extensions.def.
 *
 * The loops refuse what no handler needs to look at: duplicates, extensions in a message they do
 * not belong to, answers to what was not offered.  Handlers see only the body, and leave no byte of
 * it unread. */
#include "engine.h"

#include <string.h>

typedef struct extension {
  uint16_t code;
  uint8_t places;
  hf_status (*send)(hf_conn *conn, hf_place place, CBB *list);
  hf_status (*receive)(hf_conn *conn, hf_place place, CBS *body);
} extension;

static const extension extensions[HF_NUM_EXT] = {
#define EXTENSION(name, code, places) {code, places, hf_send_ext_##name, hf_receive_ext_##name},
#include "extensions.def"
#undef EXTENSION
};
static_assert(HF_NUM_EXT <= 32, "hf_hello.mask has a bit for each");

hf_ext hf_ext_find(uint16_t code) {
  size_t i = 0;
  while (i < HF_NUM_EXT && extensions[i].code != code) {
    i++;
  }
  return (hf_ext)i;
}

uint16_t hf_ext_code(hf_ext ext) { return extensions[ext].code; }

static bool is_response(hf_place place) { return (place & (SH | HRR | EE | CT | SH12)) != 0; }

hf_status hf_ext_begin(CBB *body, CBB *list, hf_ext ext) {
  return CBB_add_u16(list, extensions[ext].code) && CBB_add_u16_length_prefixed(list, body)
             ? HF_OK
             : HF_INTERNAL;
}

hf_status hf_ext_end(CBB *list, bool ok) { return ok && CBB_flush(list) ? HF_OK : HF_INTERNAL; }

hf_status hf_extensions_send(hf_conn *conn, hf_place place, CBB *message) {
  CBB list;
  if (!CBB_add_u16_length_prefixed(message, &list)) {
    return HF_INTERNAL;
  }
  uint32_t sent = 0;
  uint8_t order[HF_NUM_EXT];
  const size_t custom_at = hf_ext_order(order, conn, place);
  if (place == CH) {
    HF_TRY(hf_send_grease(conn, HF_GREASE_FIRST_EXT, &list));
  }
  for (size_t n = 0; n < HF_NUM_EXT; n++) {
    const size_t i = order[n];
    if (n == custom_at) {
      HF_TRY(hf_custom_send(conn, place, &list));
    }
    if (place == CH && i == HF_EXT_padding) {
      HF_TRY(hf_send_grease(conn, HF_GREASE_LAST_EXT, &list));
    }
    const bool asked = (conn->hs->peer_asked & 1u << i) != 0;
    const size_t before = CBB_len(&list);
    // The cookie alone answers nothing: RFC 9846 4.3.
    if ((extensions[i].places & place) &&
        (!is_response(place) || asked || (place == HRR && i == HF_EXT_cookie))) {
      HF_TRY(extensions[i].send(conn, place, &list));
    }
    sent |= CBB_len(&list) > before ? 1u << i : 0;
  }
  if (place == CR) {
    conn->hs->request_mask = sent;
  }
  return CBB_flush(message) ? HF_OK : HF_INTERNAL;
}

/* Takes one extension off |list|. */
static hf_status next_extension(CBS *list, uint16_t *code, CBS *body) {
  return CBS_get_u16(list, code) && CBS_get_u16_length_prefixed(list, body) ? HF_OK
                                                                            : HF_DECODE_ERROR;
}

/* Was it in what |place| answers: the hello, or a server's CertificateRequest? */
static bool asked_for(const hf_conn *conn, hf_place place, hf_ext ext) {
  if (place == CT && hf_is_server(conn)) {
    return (conn->hs->request_mask & 1u << ext) != 0;
  }
  return hf_ext_offered(conn, ext) || (place == HRR && ext == HF_EXT_cookie);
}

static hf_status check_place(const hf_conn *conn, hf_place place, uint16_t code, hf_ext ext) {
  hf_status status;
  if (ext == HF_NUM_EXT && hf_custom_check(&status, conn, place, code)) {
    return status;
  }
  if (ext == HF_NUM_EXT) {
    return is_response(place) ? HF_UNSUPPORTED_EXTENSION : HF_OK;
  }
  if (!(extensions[ext].places & place)) {
    return place == EE ? HF_FORBIDDEN_EXTENSION : HF_MISPLACED_EXTENSION;
  }
  if (is_response(place) && !asked_for(conn, place, ext)) {
    // RFC 9345 4.1.1 has an alert of its own.
    return ext == HF_EXT_delegated_credential ? HF_UNASKED_CREDENTIAL : HF_UNSUPPORTED_EXTENSION;
  }
  return HF_OK;
}

/* The types of a list that were seen: the first few as they are, so that an ordinary list costs
 * little, and of a longer one's each its bit, so that the longest costs no more for each. */
enum { FEW = 32 };
typedef struct seen_types {
  size_t num;
  uint16_t first[FEW];
  uint8_t bits[(UINT16_MAX + 1) / 8];
} seen_types;

static bool take_bit(seen_types *seen, uint16_t code) {
  const bool again = (seen->bits[code / 8] & 1u << code % 8) != 0;
  seen->bits[code / 8] = (uint8_t)(seen->bits[code / 8] | 1u << code % 8);
  return again;
}

/* Was |code| seen?  Now it is. */
static bool see_again(seen_types *seen, uint16_t code) {
  bool again = false;
  if (seen->num == FEW) {
    memset(seen->bits, 0, sizeof(seen->bits));
    for (size_t i = 0; i < FEW; i++) {
      (void)take_bit(seen, seen->first[i]);
    }
  }
  if (seen->num >= FEW) {
    again = take_bit(seen, code);
  } else {
    for (size_t i = 0; i < seen->num; i++) {
      again = again || seen->first[i] == code;
    }
    seen->first[seen->num] = code;
  }
  seen->num++;
  return again;
}

/* Each type once, before any is looked at (RFC 9846 4.3). */
static hf_status check_list(hf_place place, CBS list) {
  seen_types seen;
  seen.num = 0;
  while (CBS_len(&list) > 0) {
    uint16_t code;
    CBS body;
    HF_TRY(next_extension(&list, &code, &body));
    if (see_again(&seen, code)) {
      return place & (CH | EE | SH12) ? HF_REPEATED_EXTENSION : HF_DUPLICATE_EXTENSION;
    }
  }
  return HF_OK;
}

hf_status hf_extensions_parse(const hf_conn *conn, hf_place place, CBS list, CBS bodies[HF_NUM_EXT],
                              uint32_t *mask) {
  *mask = 0;
  HF_TRY(check_list(place, list));
  while (CBS_len(&list) > 0) {
    uint16_t code;
    CBS body;
    HF_TRY(next_extension(&list, &code, &body));
    const hf_ext ext = hf_ext_find(code);
    HF_TRY(check_place(conn, place, code, ext));
    if (ext < HF_NUM_EXT) {
      if (place == CH && ext == HF_EXT_pre_shared_key && CBS_len(&list) > 0) {
        return HF_PSK_NOT_LAST;
      }
      bodies[ext] = body;
      *mask |= 1u << ext;
    }
  }
  return HF_OK;
}

hf_status hf_extensions_handle(hf_conn *conn, hf_place place, CBS bodies[HF_NUM_EXT],
                               uint32_t mask) {
  for (size_t i = 0; i < HF_NUM_EXT; i++) {
    if (mask & 1u << i) {
      HF_TRY(extensions[i].receive(conn, place, &bodies[i]));
      if (CBS_len(&bodies[i]) != 0) {
        return HF_BAD_EXTENSION;
      }
    }
  }
  return HF_OK;
}

hf_status hf_extensions_receive(hf_conn *conn, hf_place place, CBS *message, uint32_t *mask) {
  CBS list, bodies[HF_NUM_EXT];
  if (!CBS_get_u16_length_prefixed(message, &list)) {
    return HF_DECODE_ERROR;
  }
  HF_TRY(hf_extensions_parse(conn, place, list, bodies, mask));
  HF_TRY(hf_extensions_handle(conn, place, bodies, *mask));
  return hf_custom_keep(conn, place, list);
}

bool hf_ext_offered(const hf_conn *conn, hf_ext ext) {
  return (conn->hs->hello.mask & 1u << ext) != 0;
}

hf_bytes hf_hello_at(const hf_conn *conn, hf_span span) {
  const hf_buffer *from = hf_is_server(conn) ? &conn->in : &conn->hs->hello_bytes;
  // Of a client's hello that is gone only the length of the session id is still looked at.
  return span.start + (uint64_t)span.len <= from->len && conn->hs->hello.message.len > 0
             ? hf_range(from->data + span.start, span.len)
             : hf_range(NULL, 0);
}

bool hf_ext_body(const hf_conn *conn, hf_ext ext, CBS *out) {
  const hf_bytes body = hf_hello_at(conn, conn->hs->hello.ext[ext]);
  CBS_init(out, body.data, body.len);
  return hf_ext_offered(conn, ext);
}

static hf_span span_of(const CBS *cbs, const uint8_t *base) {
  hf_span span = {(uint32_t)(CBS_data(cbs) - base), (uint32_t)CBS_len(cbs)};
  return span;
}

/* RFC 9846 4.2.2.  A hello without an extensions field is one of TLS 1.2 or older: its mask is
 * empty. */
hf_status hf_hello_parse(const hf_conn *conn, hf_hello *hello, const uint8_t *base, CBS message) {
  CBS body = message, random, session_id, suites, compression, list, bodies[HF_NUM_EXT];
  uint16_t version;
  memset(hello, 0, sizeof(*hello));
  hello->message = span_of(&message, base);
  if (!CBS_skip(&body, 4) || !CBS_get_u16(&body, &version) || !CBS_get_bytes(&body, &random, 32) ||
      !CBS_get_u8_length_prefixed(&body, &session_id) || CBS_len(&session_id) > 32 ||
      !CBS_get_u16_length_prefixed(&body, &suites) || CBS_len(&suites) == 0 ||
      CBS_len(&suites) % 2 != 0 || !CBS_get_u8_length_prefixed(&body, &compression) ||
      CBS_len(&compression) == 0) {
    return HF_DECODE_ERROR;
  }
  CBS_init(&list, CBS_data(&body), 0);
  if (CBS_len(&body) > 0 && !CBS_get_u16_length_prefixed(&body, &list)) {
    return HF_DECODE_ERROR;
  }
  if (CBS_len(&body) > 0) {
    return HF_TRAILING_DATA;
  }
  HF_TRY(hf_extensions_parse(conn, CH, list, bodies, &hello->mask));
  hello->random = span_of(&random, base);
  hello->session_id = span_of(&session_id, base);
  hello->suites = span_of(&suites, base);
  hello->compression = span_of(&compression, base);
  hello->extensions = span_of(&list, base);
  for (size_t i = 0; i < HF_NUM_EXT; i++) {
    if (hello->mask & 1u << i) {
      hello->ext[i] = span_of(&bodies[i], base);
    }
  }
  return HF_OK;
}
