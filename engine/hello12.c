/* hello12.c: what a server of TLS 1.2 chooses from a ClientHello, and its ServerHello, both sides
 * (RFC 5246 7.4.1).
 *
 * The version is settled already: by hf_answer_hello on a server, by the ServerHello's form on a
 * client.  The suite is chosen when it is known what the identity can sign with. */
#include "engine.h"

#include <string.h>

/* RFC 9846 4.2.3: how a server that has TLS 1.3 ends the random of an older ServerHello. */
static const uint8_t downgrade_12[8] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01};
static const uint8_t downgrade_11[8] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x00};
/* Instead with hf_avoids_13, for JDK 11 would refuse those.  It is BoringSSL's, and no RFC's. */
static const uint8_t downgrade_jdk11[8] = {0xed, 0xbf, 0xb4, 0xa8, 0xc2, 0x47, 0x10, 0xff};
enum { RANDOM_END = 32 - 8 };

static void settle(hf_conn *conn) {
  conn->version = HF_TLS12;
  conn->max_inner = HF_MAX_PLAINTEXT;  // a record holds data alone, without a content type
}

hf_status hf_hear_12(hf_conn *conn) {
  enum { FLIGHT = 2048 };  // a usual one of a server: there is no need to grow
  hf_hs *hs = conn->hs;
  const hf_bytes hello = hf_hello_at(conn, hs->hello.message);
  hs->hear = true;
  HF_TRY(hf_buffer_reserve(&hs->heard, hello.len + FLIGHT));
  return hf_buffer_append(&hs->heard, hello.data, hello.len);
}

void hf_hear_no_more_12(hf_conn *conn) {
  conn->hs->hear = false;
  hf_buffer_free(&conn->hs->heard);
}

/* ---- the server ---- */

/* RFC 8422 4: by our order.  Of a client that names no groups it is not known which it has: it is
 * one without a suite in common. */
static hf_status choose_group(hf_conn *conn) {
  const hf_codes ours = conn->config->settings.groups;
  const CBS theirs = hf_hello_list(conn, HF_EXT_supported_groups, false);
  const bool named = hf_ext_offered(conn, HF_EXT_supported_groups);
  for (size_t i = 0; i < ours.num; i++) {
    const hf_group *group = hf_group_find(ours.list[i]);
    if (group->kem == NULL && hf_wire_has(theirs, group->id)) {
      conn->hs->group = group;
      return HF_OK;
    }
  }
  return named ? HF_NO_SHARED_GROUP : HF_NO_SHARED_SUITE;
}

static hf_status check_hello(const hf_conn *conn) {
  const hf_bytes compression = hf_hello_at(conn, conn->hs->hello.compression);
  for (size_t i = 0; i < compression.len; i++) {
    if (compression.data[i] == 0) {
      return HF_OK;
    }
  }
  return HF_ILLEGAL_COMPRESSION;  // RFC 5246 7.4.1.2: null must be there
}

static hf_status check_suites(const hf_conn *conn) {
  hf_suite_walk walk = {0};
  uint16_t code;
  while (hf_next_suite(conn, &walk, &code)) {
    if (hf_suite_find(code)->version == HF_TLS12) {
      return HF_OK;
    }
  }
  return HF_NO_SHARED_SUITE;
}

/* What the hello says about sessions: RFC 5077 3.4: an id beside a ticket means nothing by itself.
 */
static void find_sessions(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  CBS ticket;
  const uint32_t flags = conn->config->settings.flags;
  hs->ticket_offered = hf_ext_body(conn, HF_EXT_session_ticket, &ticket) &&
                       (flags & (HF_ISSUE_TICKETS | HF_NO_TICKETS)) == HF_ISSUE_TICKETS;
  const bool has_ticket = hs->ticket_offered && CBS_len(&ticket) > 0;
  const bool has_id = !has_ticket && (flags & HF_STORE_SESSIONS) && hs->hello.session_id.len > 0;
  hf_flag(conn, PSK_OFFERED, has_ticket || has_id);
}

hf_status hf_negotiate_12(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const uint32_t flags = conn->config->settings.flags;
  settle(conn);
  HF_TRY(check_hello(conn));
  conn->ems = hf_ext_offered(conn, HF_EXT_extended_master_secret);
  if (!conn->ems && (flags & HF_REQUIRE_EMS)) {
    return HF_NO_EXTENDED_MAIN_SECRET;
  }
  // RFC 5746 3.6: the value among the suites says the same as the extension.
  if (hf_wire_has(hf_hello_suites(conn), HF_RENEGOTIATION_SCSV)) {
    hs->peer_asked |= 1u << HF_EXT_renegotiation_info;
  }
  conn->renegotiation_info = (hs->peer_asked & 1u << HF_EXT_renegotiation_info) != 0;
  HF_TRY(check_suites(conn));
  HF_TRY(hf_check_points_12(conn));
  HF_TRY(choose_group(conn));
  find_sessions(conn);
  return flags & HF_REQUEST_CLIENT_CERT ? hf_hear_12(conn) : HF_OK;
}

hf_status hf_without_sigalgs_12(const hf_conn *conn) {
  // RFC 5246 7.4.1.4.1
  return hf_ext_offered(conn, HF_EXT_signature_algorithms) ? HF_OK : HF_NO_COMMON_SIGALG;
}

/* Can a key that signs with |sigalg| serve |suite|? */
static bool serves(const hf_suite *suite, uint16_t sigalg) {
  const hf_sigalg *algorithm = hf_sigalg_find(sigalg);
  return algorithm != NULL &&
         (suite->auth == HF_AUTH_RSA) == (algorithm->pkey_type == EVP_PKEY_RSA);
}

static bool can_serve(const hf_suite *suite, const hf_identity *identity, CBS sigalgs,
                      uint16_t *sigalg) {
  for (size_t i = 0; i < identity->num_sigalgs; i++) {
    *sigalg = identity->sigalgs[i];
    if (hf_wire_has(sigalgs, *sigalg) && serves(suite, *sigalg)) {
      return true;
    }
  }
  return false;
}

hf_status hf_suite_for_12(hf_conn *conn, const hf_identity *identity) {
  const CBS sigalgs = hf_hello_list(conn, HF_EXT_signature_algorithms, false);
  hf_suite_walk walk = {0};
  uint16_t code, sigalg;
  while (hf_next_suite(conn, &walk, &code)) {
    const hf_suite *suite = hf_suite_find(code);
    if (suite->version == HF_TLS12 && can_serve(suite, identity, sigalgs, &sigalg)) {
      conn->suite = suite;
      conn->own_sigalg = sigalg;
      return HF_OK;
    }
  }
  return HF_NO_COMMON_SIGALG;
}

void hf_promise_12(hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  const bool ticket = hs->ticket_offered;
  hf_flag(conn, OCSP,
          (hs->peer_asked & 1u << HF_EXT_status_request) && hs->identity->ocsp.data != NULL);
  hf_flag(conn, TICKET, ticket);
  hf_flag(conn, KEEP, !ticket && (conn->config->settings.flags & HF_STORE_SESSIONS));
}

static void choose_session_id(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const hf_bytes theirs = hf_hello_at(conn, hs->hello.session_id);
  hs->session_id_len = 0;
  if (hf_has(conn, RESUMED)) {
    hs->session_id_len = (uint8_t)theirs.len;
    if (theirs.len > 0) {
      memcpy(hs->session_id, theirs.data, theirs.len);
    }
  } else if (hf_has(conn, KEEP)) {
    hs->session_id_len = sizeof(hs->session_id);
    memcpy(hs->session_id, hs->entropy->session_id, sizeof(hs->session_id));
  }
}

size_t hf_bound_hello_12(const hf_conn *conn) {
  const hf_identity *identity = conn->hs->identity;
  // What follows in the same flight: it is one allocation then.
  const size_t rest = identity != NULL ? 512 + hf_bound_CERTIFICATE(conn) + identity->scts.len : 0;
  return 256 + hf_custom_bound(conn) + conn->alpn_len + rest;
}

hf_status hf_send_hello_12(hf_conn *conn, CBB *body) {
  hf_hs *hs = conn->hs;
  CBB session_id;
  memcpy(conn->server_random, hs->entropy->random, 32);
  if (hf_may_be(conn, HF_TLS13)) {
    memcpy(conn->server_random + RANDOM_END, hf_avoids_13(conn) ? downgrade_jdk11 : downgrade_12,
           sizeof(downgrade_12));
  }
  choose_session_id(conn);
  if (!CBB_add_u16(body, HF_TLS12) || !CBB_add_bytes(body, conn->server_random, 32) ||
      !CBB_add_u8_length_prefixed(body, &session_id) ||
      !CBB_add_bytes(&session_id, hs->session_id, hs->session_id_len) ||
      !CBB_add_u16(body, conn->suite->id) || !CBB_add_u8(body, 0)) {
    return HF_INTERNAL;
  }
  return hf_extensions_send(conn, SH12, body);
}

/* ---- the client ---- */

bool hf_is_hello_12(const hf_conn *conn, CBS body) {
  CBS versions;
  return hf_may_be(conn, HF_TLS12) && !hf_find_in_hello(&versions, body, HF_EXT_supported_versions);
}

hf_status hf_begin_12(hf_conn *conn) {
  // RFC 9846 E.3: a server that takes early data has TLS 1.3.  And a change_cipher_spec that came
  // before was TLS 1.3's, or nobody's.
  if (hf_has(conn, EARLY) || conn->ccs_seen > 0) {
    return hf_has(conn, EARLY) ? HF_EARLY_DATA_VERSION : HF_BAD_CHANGE_CIPHER_SPEC;
  }
  settle(conn);
  return HF_OK;
}

static hf_status check_random(hf_conn *conn, const CBS *random) {
  const uint8_t *end = CBS_data(random) + RANDOM_END;
  memcpy(conn->server_random, CBS_data(random), 32);
  return hf_may_be(conn, HF_TLS13) &&
                 (memcmp(end, downgrade_12, 8) == 0 || memcmp(end, downgrade_11, 8) == 0 ||
                  memcmp(end, downgrade_jdk11, 8) == 0)
             ? HF_DOWNGRADE
             : HF_OK;
}

/* An id that comes back is a session that goes on: RFC 5246 7.4.1.3, RFC 5077 3.4. */
static hf_status take_session_id(hf_conn *conn, const CBS *id) {
  hf_hs *hs = conn->hs;
  const hf_bytes own = hf_hello_at(conn, hs->hello.session_id);
  memcpy(hs->session_id, CBS_data(id), CBS_len(id));
  hs->session_id_len = (uint8_t)CBS_len(id);
  const bool same = own.len > 0 && CBS_mem_equal(id, own.data, own.len);
  if (same && hs->session.data == NULL) {
    return hs->offers.len > 0 ? HF_OLD_SESSION_VERSION : HF_WRONG_SESSION_ID;
  }
  hf_flag(conn, RESUMED, same);
  hf_flag(conn, REVERIFY, same && (conn->config->settings.flags & HF_VERIFY_RESUMED) != 0);
  return HF_OK;
}

hf_status hf_receive_hello_12(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS random, session_id;
  uint16_t version, suite;
  uint8_t compression;
  uint32_t mask = 0;
  hf_free_bytes(&hs->ticket);  // it was offered
  if (!CBS_get_u16(body, &version) || !CBS_get_bytes(body, &random, 32) ||
      !CBS_get_u8_length_prefixed(body, &session_id) || CBS_len(&session_id) > 32 ||
      !CBS_get_u16(body, &suite) || !CBS_get_u8(body, &compression)) {
    return HF_DECODE_ERROR;
  }
  if (version != HF_TLS12) {
    return HF_UNSUPPORTED_VERSION;
  }
  HF_TRY(check_random(conn, &random));
  HF_TRY(take_session_id(conn, &session_id));
  const hf_suite *chosen = hf_suite_find(suite);
  if (chosen == NULL || chosen->version != HF_TLS12 || !hf_wire_has(hf_hello_suites(conn), suite)) {
    return HF_WRONG_SUITE;
  }
  conn->suite = chosen;
  if (compression != 0) {
    return HF_WRONG_COMPRESSION;
  }
  if (CBS_len(body) > 0) {
    HF_TRY(hf_extensions_receive(conn, SH12, body, &mask));
  }
  if (!conn->ems && (conn->config->settings.flags & HF_REQUIRE_EMS)) {
    return HF_NO_EXTENDED_MAIN_SECRET;
  }
  if (hf_has(conn, RESUMED)) {
    return hf_resume_12(conn);
  }
  // A server's id names a session that it keeps.
  hf_flag(conn, KEEP, hs->session_id_len > 0);
  return HF_OK;
}
