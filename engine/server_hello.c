/* server_hello.c: ServerHello and HelloRetryRequest, both sides (RFC 9846 4.2.3, 4.2.4).
 *
 * The two are one message on the wire: the random tells them apart. */
#include "engine.h"

#include <string.h>

/* SHA-256 of "HelloRetryRequest" (RFC 9846 4.2.3). */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

bool hf_is_retry(CBS body) {
  CBS random;
  return CBS_skip(&body, 2) && CBS_get_bytes(&body, &random, 32) &&
         CBS_mem_equal(&random, retry_random, sizeof(retry_random));
}

bool hf_find_in_hello(CBS *data, CBS body, hf_ext ext) {
  CBS session_id, extensions;
  uint16_t code;
  if (CBS_skip(&body, 2 + 32) && CBS_get_u8_length_prefixed(&body, &session_id) &&
      CBS_skip(&body, 3) && CBS_get_u16_length_prefixed(&body, &extensions)) {
    while (CBS_get_u16(&extensions, &code) && CBS_get_u16_length_prefixed(&extensions, data)) {
      if (code == hf_ext_code(ext)) {
        return true;
      }
    }
  }
  return false;
}

static hf_status check_version(const hf_conn *conn, CBS body, hf_place place) {
  CBS versions;
  uint16_t selected, legacy;
  // After a HelloRetryRequest there is no way back.
  const bool second = place == SH && hf_has(conn, RETRIED);
  if (hf_find_in_hello(&versions, body, HF_EXT_supported_versions)) {
    if (!CBS_get_u16(&versions, &selected)) {
      return HF_BAD_EXTENSION;
    }
    if (selected != HF_TLS13) {
      return second                ? HF_SECOND_VERSION
             : selected < HF_TLS13 ? HF_OLD_VERSION_SELECTED
                                   : HF_WRONG_VERSION;
    }
  } else if (place == SH) {
    return second ? HF_SECOND_VERSION : HF_UNSUPPORTED_VERSION;  // it is a hello of TLS 1.2
  }
  if (!CBS_get_u16(&body, &legacy) || legacy == HF_TLS12) {
    return HF_OK;
  }
  return place == SH && !second ? HF_LEGACY_VERSION : HF_LEGACY_VERSION_RETRY;
}

/* ---- writing ---- */

static hf_status send_hello(hf_conn *conn, CBB *body, const uint8_t *random, hf_place place) {
  CBB session_id;
  const hf_bytes id = hf_hello_at(conn, conn->hs->hello.session_id);
  if (!CBB_add_u16(body, HF_TLS12) || !CBB_add_bytes(body, random, 32) ||
      !CBB_add_u8_length_prefixed(body, &session_id) ||
      !CBB_add_bytes(&session_id, id.data, id.len) || !CBB_add_u16(body, conn->suite->id) ||
      !CBB_add_u8(body, 0)) {
    return HF_INTERNAL;
  }
  return hf_extensions_send(conn, place, body);
}

hf_status hf_write_retry(hf_conn *conn, CBB *body) {
  return send_hello(conn, body, retry_random, HRR);
}

size_t hf_bound_HELLO_RETRY_REQUEST(const hf_conn *conn) { return 128 + conn->hs->cookie.len; }

hf_status hf_send_HELLO_RETRY_REQUEST(hf_conn *conn, CBB *body) {
  hf_hs *hs = conn->hs;
  uint8_t hash[HF_MAX_HASH];
  if (hs->hello.message.len == 0) {
    return HF_INTERNAL;  // a state that was loaded said so
  }
  HF_TRY(hf_write_retry(conn, body));
  hf_note_hello(conn);
  hf_transcript_hash(hash, conn, conn->suite);
  hf_transcript_restart(conn, hash);
  if (hs->early_offered) {
    conn->skip_left = hf_skip_budget(conn);
    hs->early_offered = false;
  }
  return HF_OK;
}

size_t hf_bound_SERVER_HELLO(const hf_conn *conn) {
  return hf_tls12(conn) ? hf_bound_hello_12(conn) : 512 + conn->hs->ciphertext.len;
}

hf_status hf_send_SERVER_HELLO(hf_conn *conn, CBB *body) {
  hf_hs *hs = conn->hs;
  if (hf_tls12(conn)) {
    return hf_send_hello_12(conn, body);
  }
  memcpy(conn->server_random, hs->entropy->random, 32);
  HF_TRY(send_hello(conn, body, conn->server_random, SH));
  HF_TRY(hf_server_agree(conn));
  conn->group = hs->group != NULL ? hs->group->id : 0;
  conn->version = HF_TLS13;
  if (hs->early_offered && !hf_has(conn, EARLY)) {
    conn->skip_left = hf_skip_budget(conn);
  }
  hf_entropy_forget(conn);
  return HF_OK;
}

/* ---- reading ---- */

/* A session of TLS 1.2 was offered, and the server chose a PSK of TLS 1.3. */
static bool confuses_sessions(const hf_conn *conn, CBS body) {
  CBS psk;
  return conn->hs->session.data != NULL && !hf_ext_offered(conn, HF_EXT_pre_shared_key) &&
         hf_find_in_hello(&psk, body, HF_EXT_pre_shared_key);
}

/* The fields that both have.  |*mask| tells which extensions came. */
static hf_status receive_hello(hf_conn *conn, CBS *body, hf_place place, CBS *random,
                               uint32_t *mask) {
  CBS session_id;
  uint16_t legacy_version, suite;
  uint8_t compression;
  HF_TRY(check_version(conn, *body, place));
  if (place == SH && confuses_sessions(conn, *body)) {
    return HF_STRAY_PSK;
  }
  if (!CBS_get_u16(body, &legacy_version) || !CBS_get_bytes(body, random, 32) ||
      !CBS_get_u8_length_prefixed(body, &session_id) || CBS_len(&session_id) > 32 ||
      !CBS_get_u16(body, &suite) || !CBS_get_u8(body, &compression)) {
    return HF_DECODE_ERROR;
  }
  const hf_bytes own_id = hf_hello_at(conn, conn->hs->hello.session_id);
  if (!CBS_mem_equal(&session_id, own_id.data, own_id.len)) {
    return HF_WRONG_SESSION_ID;
  }
  if (compression != 0) {
    return HF_ILLEGAL_PARAMETER;
  }
  const hf_bytes own_suites = hf_hello_at(conn, conn->hs->hello.suites);
  CBS suites;
  CBS_init(&suites, own_suites.data, own_suites.len);
  const hf_suite *chosen = hf_suite_find(suite);
  // RFC 9846 4.2.4: what a HelloRetryRequest chose stays.
  if (chosen == NULL || chosen->version != HF_TLS13 || !hf_wire_has(suites, suite) ||
      (conn->suite != NULL && conn->suite != chosen)) {
    return HF_WRONG_SUITE;
  }
  conn->suite = chosen;
  HF_TRY(hf_extensions_receive(conn, place, body, mask));
  return *mask & 1u << HF_EXT_supported_versions ? HF_OK : HF_MISSING_EXTENSION;
}

hf_status hf_receive_HELLO_RETRY_REQUEST(hf_conn *conn, CBS *body) {
  CBS random;
  uint32_t mask;
  uint8_t hash[HF_MAX_HASH];
  HF_TRY(receive_hello(conn, body, HRR, &random, &mask));
  if (!(mask & (1u << HF_EXT_key_share | 1u << HF_EXT_cookie))) {
    return HF_EMPTY_RETRY;  // RFC 9846 4.2.4
  }
  hf_transcript_hash(hash, conn, conn->suite);
  hf_transcript_restart(conn, hash);
  hf_refuse_early(conn);
  hf_forget_alpn(conn);  // what early data went out under
  return HF_OK;
}

hf_status hf_receive_SERVER_HELLO(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS random;
  uint32_t mask;
  if (hf_tls12(conn)) {
    return hf_receive_hello_12(conn, body);
  }
  HF_TRY(receive_hello(conn, body, SH, &random, &mask));
  const bool share = (mask & 1u << HF_EXT_key_share) != 0;
  const bool psk = (mask & 1u << HF_EXT_pre_shared_key) != 0;
  if (psk && !hf_psk_mode_offered(conn, share)) {
    return HF_PSK_WITHOUT_SHARE;  // RFC 9846 4.3.11
  }
  if (!psk && !share) {
    return HF_MISSING_KEY_SHARE;
  }
  // After a HelloRetryRequest the share must be for its group: RFC 9846 4.3.8.
  if (share && hs->group != NULL && hs->group->id != conn->group) {
    return HF_WRONG_GROUP;
  }
  if (!share) {
    hf_no_share(conn);
  }
  memcpy(conn->server_random, CBS_data(&random), 32);
  hf_flag(conn, RESUMED, psk);
  hf_flag(conn, REVERIFY,
          psk && !conn->external_psk && (conn->config->settings.flags & HF_VERIFY_RESUMED) != 0);
  hf_entropy_forget(conn);
  return HF_OK;
}
