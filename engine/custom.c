/* custom.c: extensions of the caller's own (hf_extension): types that the engine does not know, for
 * experiments.
 *
 * What this side sends and takes, and what the peer sent, are lists of bytes beside the connection,
 * there only if the caller gave some.  Invariant: of what the peer sent each place has a type once.
 * Leaves to others: duplicates in a block, and what is unknown here too (extension.c). */
#include "engine.h"

#include <string.h>

enum { HF_MAX_CUSTOM = 16 * 1024, HF_OWN_HEAD = 6, HF_PEER_HEAD = 5 };

typedef struct own_extension {
  uint8_t send, take;
  uint16_t type;
  CBS body;
} own_extension;

/* The ServerHello of TLS 1.2 has what EncryptedExtensions has later. */
static hf_place place_of(hf_place place) { return place == SH12 ? EE : place; }

static CBS own_list(const hf_conn *conn) {
  CBS list;
  CBS_init(&list, NULL, 0);
  if (conn->custom != NULL) {
    CBS_init(&list, conn->custom->own.data, conn->custom->own.len);
  }
  return list;
}

static bool next_own(CBS *list, own_extension *out) {
  return CBS_get_u8(list, &out->send) && CBS_get_u8(list, &out->take) &&
         CBS_get_u16(list, &out->type) && CBS_get_u16_length_prefixed(list, &out->body);
}

/* All that was said of |type|. */
static bool find_own(const hf_conn *conn, uint16_t type, uint8_t *send, uint8_t *take) {
  CBS list = own_list(conn);
  own_extension one;
  bool found = false;
  *send = *take = 0;
  while (next_own(&list, &one)) {
    if (one.type == type) {
      *send |= one.send;
      *take |= one.take;
      found = true;
    }
  }
  return found;
}

bool hf_peer_extension(hf_bytes *out, const hf_conn *conn, unsigned place, uint16_t type) {
  CBS list, body;
  uint8_t at;
  uint16_t code;
  *out = hf_range(NULL, 0);
  if (conn->custom == NULL) {
    return false;
  }
  CBS_init(&list, conn->custom->peer.data, conn->custom->peer.len);
  while (CBS_get_u8(&list, &at) && CBS_get_u16(&list, &code) &&
         CBS_get_u16_length_prefixed(&list, &body)) {
    if (at == place && code == type) {
      *out = hf_range(CBS_data(&body), CBS_len(&body));
      return true;
    }
  }
  return false;
}

static bool peer_sent(const hf_conn *conn, hf_place place, uint16_t type) {
  hf_bytes body;
  return hf_peer_extension(&body, conn, place, type);
}

/* ---- what the caller gives ---- */

/* May |e| be one of this side's? */
static bool valid(const hf_conn *conn, const hf_extension *e) {
  const unsigned sends = hf_is_server(conn) ? EE | CR | CT : CH | CT;
  const unsigned takes = hf_is_server(conn) ? CH | CT : EE | CR | CT;
  return hf_ext_find(e->type) == HF_NUM_EXT && (e->send & ~sends) == 0 && (e->take & ~takes) == 0 &&
         e->body.len <= HF_MAX_CUSTOM &&
         !((conn->config->settings.flags & HF_GREASE) && hf_is_grease(e->type));
}

/* Appends |e|; HF_MISUSE if it cannot be. */
static hf_status append(hf_conn *conn, const hf_extension *e) {
  uint8_t send, take;
  hf_buffer *own = &conn->custom->own;
  (void)find_own(conn, e->type, &send, &take);
  if (!valid(conn, e) || (send & e->send) != 0 ||
      own->len + HF_OWN_HEAD + e->body.len > HF_MAX_CUSTOM) {
    return HF_MISUSE;
  }
  const uint8_t head[HF_OWN_HEAD] = {e->send,
                                     e->take,
                                     (uint8_t)(e->type >> 8),
                                     (uint8_t)e->type,
                                     (uint8_t)(e->body.len >> 8),
                                     (uint8_t)e->body.len};
  HF_TRY(hf_buffer_reserve(own, sizeof(head) + e->body.len));
  HF_TRY(hf_buffer_append(own, head, sizeof(head)));
  return hf_buffer_append(own, e->body.data, e->body.len);
}

hf_status hf_custom_add(hf_conn *conn, const hf_extension *list, size_t num) {
  if (num == 0) {
    return HF_OK;
  }
  const bool first = conn->custom == NULL;
  if (first) {
    conn->custom = OPENSSL_malloc(sizeof(*conn->custom));
    if (conn->custom == NULL) {
      return HF_NO_MEMORY;
    }
    memset(conn->custom, 0, sizeof(*conn->custom));
  }
  const uint32_t before = conn->custom->own.len;
  for (size_t i = 0; i < num; i++) {
    const hf_status status = append(conn, &list[i]);
    if (status != HF_OK) {
      conn->custom->own.len = before;
      if (first) {
        hf_custom_free(conn);
      }
      return status;
    }
  }
  return HF_OK;
}

hf_status hf_add_extensions(hf_conn *conn, const hf_extension *list, size_t num) {
  if (!hf_answering(conn, HF_ASK_HELLO) && !hf_answering(conn, HF_ASK_IDENTITY)) {
    return HF_MISUSE;
  }
  hf_status status = hf_custom_add(conn, list, num);
  if (status == HF_OK && hf_is_server(conn)) {
    // The hello came before the list.
    const hf_bytes block = hf_hello_at(conn, conn->hs->hello.extensions);
    CBS extensions;
    CBS_init(&extensions, block.data, block.len);
    status = hf_custom_keep(conn, CH, extensions);
  }
  return hf_leave(conn, status);
}

size_t hf_custom_bound(const hf_conn *conn) {
  return conn->custom != NULL ? conn->custom->own.len : 0;
}

void hf_custom_forget_own(hf_conn *conn) {
  if (conn->custom != NULL) {
    hf_buffer_free(&conn->custom->own);
  }
}

void hf_custom_free(hf_conn *conn) {
  if (conn->custom != NULL) {
    hf_buffer_free(&conn->custom->own);
    hf_buffer_free(&conn->custom->peer);
    OPENSSL_free(conn->custom);
    conn->custom = NULL;
  }
}

/* ---- sending ---- */

/* Is |one| to be in |place|?  Responses are for who asked: RFC 9846 4.3. */
static bool goes(const hf_conn *conn, hf_place place, const own_extension *one) {
  if (!(one->send & place_of(place))) {
    return false;
  }
  if (place == CH || place == CR) {
    return true;
  }
  return peer_sent(conn, hf_is_server(conn) ? CH : CR, one->type);
}

bool hf_custom_sends(const hf_conn *conn, hf_place place) {
  CBS list = own_list(conn);
  own_extension one;
  while (next_own(&list, &one)) {
    if (goes(conn, place, &one)) {
      return true;
    }
  }
  return false;
}

hf_status hf_custom_send(const hf_conn *conn, hf_place place, CBB *block) {
  CBS list = own_list(conn);
  own_extension one;
  CBB body;
  while (next_own(&list, &one)) {
    if (goes(conn, place, &one) &&
        !(CBB_add_u16(block, one.type) && CBB_add_u16_length_prefixed(block, &body) &&
          CBB_add_bytes(&body, CBS_data(&one.body), CBS_len(&one.body)) && CBB_flush(block))) {
      return HF_INTERNAL;
    }
  }
  return HF_OK;
}

/* ---- receiving ---- */

/* Did this side's own hello, or the CertificateRequest it sent, have |type|? */
static bool asked(const hf_conn *conn, uint8_t send, uint16_t type) {
  if (hf_is_server(conn)) {
    return (send & CR) != 0;
  }
  const hf_bytes block = hf_hello_at(conn, conn->hs->hello.extensions);
  CBS list, body;
  uint16_t code;
  CBS_init(&list, block.data, block.len);
  while (CBS_get_u16(&list, &code) && CBS_get_u16_length_prefixed(&list, &body)) {
    if (code == type) {
      return true;
    }
  }
  return false;
}

bool hf_custom_check(hf_status *status, const hf_conn *conn, hf_place place, uint16_t type) {
  uint8_t send, take;
  *status = HF_OK;
  if (!find_own(conn, type, &send, &take)) {
    return false;
  }
  if (place != CH && place != NST) {
    *status = !(take & place_of(place))                ? HF_MISPLACED_EXTENSION
              : place == CR || asked(conn, send, type) ? HF_OK
                                                       : HF_UNSUPPORTED_EXTENSION;
  }
  return true;
}

hf_status hf_custom_keep(hf_conn *conn, hf_place place, CBS block) {
  uint16_t type;
  uint8_t send, take;
  CBS body;
  while (conn->custom != NULL && CBS_get_u16(&block, &type) &&
         CBS_get_u16_length_prefixed(&block, &body)) {
    if (!find_own(conn, type, &send, &take) || peer_sent(conn, place_of(place), type)) {
      continue;
    }
    const uint8_t head[HF_PEER_HEAD] = {(uint8_t)place_of(place), (uint8_t)(type >> 8),
                                        (uint8_t)type, (uint8_t)(CBS_len(&body) >> 8),
                                        (uint8_t)CBS_len(&body)};
    hf_buffer *peer = &conn->custom->peer;
    HF_TRY(hf_buffer_reserve(peer, sizeof(head) + CBS_len(&body)));
    HF_TRY(hf_buffer_append(peer, head, sizeof(head)));
    HF_TRY(hf_buffer_append(peer, CBS_data(&body), CBS_len(&body)));
  }
  return HF_OK;
}
