/* client_hello.c: ClientHello, both sides (RFC 9846 4.2.2).
 *
 * A client keeps its hello and reads it back, whether it was made here or given: what the server
 * answers is checked against the bytes that were sent.  A second hello is the first one edited. */
#include "engine.h"

#include <string.h>

/* Most bytes that a hello made here can have. */
static size_t hello_bound(const hf_conn *conn) {
  const hf_settings *s = &conn->config->settings;
  size_t bound = 512 + 5 /* padding */ +
                 2 * (s->suites.num + s->groups.num + s->verify_sigalgs.num + s->cert_sigalgs.num +
                      s->decompressors.num + s->delegated_sigalgs.num) +
                 s->alpn.len + conn->server_name_len + conn->hs->cookie.len + conn->hs->offers.len +
                 conn->hs->ticket.len + hf_quic_params_bound(conn) + hf_custom_bound(conn) +
                 hf_authorities_bound(s);
  for (size_t i = 0; i < s->key_shares.num; i++) {
    bound += 4 + hf_group_share_len(hf_group_find(s->key_shares.list[i]));
  }
  if (conn->hs->group != NULL) {
    bound += hf_group_share_len(conn->hs->group);
  }
  return bound + conn->hs->hello_bytes.len;
}

/* legacy_session_id: a session of TLS 1.2; or random, for a ticket of TLS 1.2 to be known by (RFC
 * 5077 3.4) and for the compatibility mode of TLS 1.3, which QUIC has not (RFC 9001 8.4). */
static hf_bytes session_id_of(const hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  if (hs->session_id_len > 0) {
    return hf_range(hs->session_id, hs->session_id_len);
  }
  const bool compatible = !hs->no_compatibility && !hf_has(conn, QUIC) && hf_may_be(conn, HF_TLS13);
  return hf_range(hs->entropy->session_id,
                  compatible || hs->ticket.len > 0 ? sizeof(hs->entropy->session_id) : 0);
}

static hf_status put_suites(const hf_conn *conn, CBB *body) {
  const hf_codes codes = conn->config->settings.suites;
  const uint16_t grease = hf_grease(conn, HF_GREASE_SUITE);
  CBB list;
  bool ok = CBB_add_u16_length_prefixed(body, &list) && (grease == 0 || CBB_add_u16(&list, grease));
  for (size_t i = 0; i < codes.num; i++) {
    ok = ok && (!hf_may_be(conn, hf_suite_find(codes.list[i])->version) ||
                CBB_add_u16(&list, codes.list[i]));
  }
  if (conn->config->settings.flags & HF_SEND_FALLBACK_SCSV) {
    ok = ok && CBB_add_u16(&list, HF_FALLBACK_SCSV);
  }
  return ok && CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

static hf_status first_hello(hf_conn *conn, CBB *body) {
  hf_hs *hs = conn->hs;
  CBB session_id, compression;
  const hf_bytes id = session_id_of(conn);
  if (!CBB_add_u16(body, HF_TLS12) ||
      !CBB_add_bytes(body, hs->entropy->random, sizeof(hs->entropy->random)) ||
      !CBB_add_u8_length_prefixed(body, &session_id) ||
      !CBB_add_bytes(&session_id, id.data, id.len)) {
    return HF_INTERNAL;
  }
  HF_TRY(put_suites(conn, body));
  if (!CBB_add_u8_length_prefixed(body, &compression) || !CBB_add_u8(&compression, 0) ||
      !CBB_flush(body)) {
    return HF_INTERNAL;
  }
  hs->hello_fixed = (uint16_t)(4 + CBB_len(body) + 2);
  return hf_extensions_send(conn, CH, body);
}

/* RFC 7685 4: there are servers that do not answer a hello of 256 to 511 bytes. */
hf_status hf_send_ext_padding(hf_conn *conn, hf_place place, CBB *list) {
  enum { TROUBLE = 256, GOOD = 512, HEAD = 4 };
  static const uint8_t zeros[GOOD - TROUBLE];
  CBB body;
  (void)place;
  const size_t len = conn->hs->hello_fixed + CBB_len(list) + hf_psk_offer_len(conn);
  if (!(conn->config->settings.flags & HF_PAD_HELLO) || len < TROUBLE || len >= GOOD) {
    return HF_OK;
  }
  // Not empty, for what has no body may not be last everywhere: RFC 7685 4 has one byte at least.
  const size_t missing = GOOD - len;
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_padding));
  return hf_ext_end(list, CBB_add_bytes(&body, zeros, missing > HEAD ? missing - HEAD : 1));
}

hf_status hf_receive_ext_padding(hf_conn *conn, hf_place place, CBS *body) {
  (void)conn;
  (void)place;
  return CBS_skip(body, CBS_len(body)) ? HF_OK : HF_INTERNAL;
}

/* One extension of the first hello, as the second has it. */
static hf_status edit_extension(hf_conn *conn, CBB *list, uint16_t code, const CBS *data) {
  CBB body;
  if (code == hf_ext_code(HF_EXT_key_share) && conn->hs->group != NULL) {
    return hf_send_ext_key_share(conn, CH, list);
  }
  if (code == hf_ext_code(HF_EXT_early_data) || code == hf_ext_code(HF_EXT_pre_shared_key) ||
      code == hf_ext_code(HF_EXT_cookie) || code == hf_ext_code(HF_EXT_padding)) {
    return HF_OK;  // gone, or written anew at the end
  }
  return CBB_add_u16(list, code) && CBB_add_u16_length_prefixed(list, &body) &&
                 CBB_add_bytes(&body, CBS_data(data), CBS_len(data)) && CBB_flush(list)
             ? HF_OK
             : HF_INTERNAL;
}

static hf_status second_hello(hf_conn *conn, const hf_buffer *first, CBB *body) {
  const hf_hello *hello = &conn->hs->hello;
  const size_t fixed = hello->extensions.start - 2 - 4;
  CBS extensions, data;
  CBB list;
  uint16_t code;
  CBS_init(&extensions, first->data + hello->extensions.start, hello->extensions.len);
  if (!CBB_add_bytes(body, first->data + 4, fixed) || !CBB_add_u16_length_prefixed(body, &list)) {
    return HF_INTERNAL;
  }
  while (CBS_get_u16(&extensions, &code) && CBS_get_u16_length_prefixed(&extensions, &data)) {
    HF_TRY(edit_extension(conn, &list, code, &data));
  }
  HF_TRY(hf_send_ext_cookie(conn, CH, &list));
  if (hf_ext_offered(conn, HF_EXT_pre_shared_key)) {
    HF_TRY(hf_send_ext_pre_shared_key(conn, CH, &list));
  }
  return CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

/* Puts the hello that is to be sent into |out|. */
static hf_status make_hello(hf_conn *conn, hf_buffer *out) {
  hf_hs *hs = conn->hs;
  const bool retry = hf_has(conn, RETRIED);
  const hf_bytes given = retry ? hs->given_retry : hs->given_hello;
  CBB cbb, body;
  size_t len;
  if (given.data != NULL) {
    return hf_buffer_append(out, given.data, given.len);
  }
  HF_TRY(hf_message_begin(out, &cbb, &body, HF_MSG_CLIENT_HELLO, hello_bound(conn)));
  const hf_status put =
      retry ? second_hello(conn, &hs->hello_bytes, &body) : first_hello(conn, &body);
  return hf_message_end(out, &cbb, put, &len);
}

/* Reads back what the hello offers. */
static hf_status learn_hello(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  CBS message, header;
  uint8_t type;
  uint32_t len;
  CBS_init(&message, hs->hello_bytes.data, hs->hello_bytes.len);
  header = message;
  if (!CBS_get_u8(&header, &type) || type != HF_MSG_CLIENT_HELLO || !CBS_get_u24(&header, &len) ||
      len != CBS_len(&header)) {
    return HF_DECODE_ERROR;
  }
  HF_TRY(hf_hello_parse(conn, &hs->hello, hs->hello_bytes.data, message));
  memcpy(conn->client_random, hs->hello_bytes.data + hs->hello.random.start, 32);
  conn->hello_known = true;
  // A hello that was given may offer less than the configuration and the session would.
  hf_flag(conn, COMPRESSED, hf_ext_offered(conn, HF_EXT_compress_certificate));
  hf_flag(conn, EARLY, hf_has(conn, EARLY) && hf_ext_offered(conn, HF_EXT_early_data));
  return HF_OK;
}

hf_status hf_send_CLIENT_HELLO(hf_conn *conn, CBB *body) {
  hf_hs *hs = conn->hs;
  hf_buffer fresh = {NULL, 0, 0};
  hf_status status = make_hello(conn, &fresh);
  if (status == HF_OK) {
    hf_buffer_free(&hs->hello_bytes);
    hs->hello_bytes = fresh;
    status = learn_hello(conn);
  } else {
    hf_buffer_free(&fresh);
  }
  HF_TRY(status);
  HF_TRY(hf_psk_bind(conn));
  return CBB_add_bytes(body, hs->hello_bytes.data + 4, hs->hello_bytes.len - 4) ? HF_OK
                                                                                : HF_INTERNAL;
}

size_t hf_bound_CLIENT_HELLO(const hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  return hello_bound(conn) + hs->given_hello.len + hs->given_retry.len;
}

/* What a second hello must repeat (RFC 9846 4.2.2): all but the extensions that a retry changes. */
static void hello_digest(uint8_t out[32], const uint8_t *base, const hf_hello *hello) {
  SHA256_CTX sha;
  CBS extensions;
  SHA256_Init(&sha);
  SHA256_Update(&sha, base + hello->message.start + 4,
                hello->compression.start + hello->compression.len - hello->message.start - 4);
  CBS_init(&extensions, base + hello->extensions.start, hello->extensions.len);
  while (CBS_len(&extensions) > 0) {
    const CBS at = extensions;
    CBS body;
    uint16_t code;
    if (!CBS_get_u16(&extensions, &code) || !CBS_get_u16_length_prefixed(&extensions, &body)) {
      break;  // cannot be: the block was read once already
    }
    if (code != hf_ext_code(HF_EXT_key_share) && code != hf_ext_code(HF_EXT_early_data) &&
        code != hf_ext_code(HF_EXT_cookie) && code != hf_ext_code(HF_EXT_pre_shared_key) &&
        code != hf_ext_code(HF_EXT_padding)) {
      SHA256_Update(&sha, CBS_data(&at), CBS_len(&at) - CBS_len(&extensions));
    }
  }
  SHA256_Final(out, &sha);
}

void hf_note_hello(hf_conn *conn) {
  hello_digest(conn->hs->hello_digest, conn->in.data, &conn->hs->hello);
}

/* A second hello on this connection: RFC 9846 4.2.2 and 4.2.4. */
static hf_status check_second(const hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  CBS body, cookie;
  uint8_t digest[32];
  hello_digest(digest, conn->in.data, &hs->hello);
  if (!hf_same(digest, hs->hello_digest, 32)) {
    return HF_INCONSISTENT_HELLO;
  }
  const bool psk = hf_ext_offered(conn, HF_EXT_pre_shared_key);
  if (psk && (hs->psk_hashes == 0 || !hf_ext_offered(conn, HF_EXT_psk_key_exchange_modes))) {
    return HF_INCONSISTENT_HELLO;
  }
  // Only those that do not fit the suite may go; whether all are gone is what is looked at.
  if (!psk && (hs->psk_hashes & hf_psk_hash(conn->suite->hash_len))) {
    return HF_INCONSISTENT_HELLO;
  }
  const bool has_cookie =
      hf_ext_body(conn, HF_EXT_cookie, &body) && CBS_get_u16_length_prefixed(&body, &cookie);
  if (has_cookie != (hs->cookie.len > 0) ||
      (has_cookie && !CBS_mem_equal(&cookie, hs->cookie.data, hs->cookie.len))) {
    return HF_INCONSISTENT_HELLO;
  }
  return hf_retry_share(conn);
}

hf_status hf_receive_CLIENT_HELLO(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS message, bodies[HF_NUM_EXT];
  CBS_init(&message, CBS_data(body) - 4, CBS_len(body) + 4);
  HF_TRY(hf_hello_parse(conn, &hs->hello, conn->in.data, message));
  CBS_skip(body, CBS_len(body));
  for (size_t i = 0; i < HF_NUM_EXT; i++) {
    (void)hf_ext_body(conn, (hf_ext)i, &bodies[i]);
  }
  hs->peer_asked = hs->hello.mask;
  HF_TRY(hf_extensions_handle(conn, CH, bodies, hs->hello.mask));
  const hf_bytes block = hf_hello_at(conn, hs->hello.extensions);
  CBS extensions;
  CBS_init(&extensions, block.data, block.len);
  HF_TRY(hf_custom_keep(conn, CH, extensions));
  if (hf_has(conn, RETRIED)) {
    HF_TRY(check_second(conn));
    conn->skip_left = 0;  // RFC 9846 4.3.10: up to here
  } else {
    memcpy(conn->client_random, conn->in.data + hs->hello.random.start, 32);
    conn->hello_known = true;
    hf_flag(conn, COOKIE, hf_ext_offered(conn, HF_EXT_cookie));
    hs->psk_hashes = hf_psk_hashes(conn);
  }
  hf_psk_note(conn);
  return HF_OK;
}
