/* negotiate.c: what a server chooses from a ClientHello, and the two questions that come first:
 * HELLO and COOKIE. */
#include "engine.h"

#include <string.h>

/* ---- HELLO ---- */

CBS hf_hello_list(const hf_conn *conn, hf_ext ext, bool short_length) {
  CBS body, list;
  CBS_init(&list, NULL, 0);
  if (hf_ext_body(conn, ext, &body)) {
    // A body that could not be read was refused when it came.
    (void)(short_length ? CBS_get_u8_length_prefixed(&body, &list)
                        : CBS_get_u16_length_prefixed(&body, &list));
  }
  return list;
}

CBS hf_hello_suites(const hf_conn *conn) {
  const hf_bytes suites = hf_hello_at(conn, conn->hs->hello.suites);
  CBS list;
  CBS_init(&list, suites.data, suites.len);
  return list;
}

hf_codes hf_unpack_codes(uint16_t **at, CBS wire) {
  hf_codes codes = {*at, 0};
  uint16_t code;
  while (CBS_get_u16(&wire, &code)) {
    *(*at)++ = code;
    codes.num++;
  }
  return codes;
}

hf_status hf_lists_new(hf_hs *hs, void **out, size_t size) {
  enum { ENOUGH_FOR_MOST = 256 };
  if (hs->lists == NULL || size > hs->lists_max) {
    OPENSSL_free(hs->lists);
    hs->lists_max = size > ENOUGH_FOR_MOST ? size : ENOUGH_FOR_MOST;
    hs->lists = OPENSSL_malloc(hs->lists_max);
  }
  *out = hs->lists;
  return hs->lists != NULL ? HF_OK : HF_NO_MEMORY;
}

hf_status hf_ask_HELLO(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const CBS versions = hf_hello_list(conn, HF_EXT_supported_versions, true);
  const CBS suites = hf_hello_suites(conn);
  const CBS groups = hf_hello_list(conn, HF_EXT_supported_groups, false);
  const CBS sigalgs = hf_hello_list(conn, HF_EXT_signature_algorithms, false);
  const CBS alpn = hf_hello_list(conn, HF_EXT_application_layer_protocol_negotiation, false);
  void *lists;
  HF_TRY(hf_lists_new(
      hs, &lists, CBS_len(&versions) + CBS_len(&suites) + CBS_len(&groups) + CBS_len(&sigalgs)));
  uint16_t *at = lists;
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_HELLO);
  q->hello.hello = hf_hello_at(conn, hs->hello.message);
  q->hello.random = hf_hello_at(conn, hs->hello.random);
  q->hello.session_id = hf_hello_at(conn, hs->hello.session_id);
  q->hello.server_name = hf_range(conn->server_name, conn->server_name_len);
  q->hello.alpn = hf_range(CBS_data(&alpn), CBS_len(&alpn));
  q->hello.quic_params = hf_quic_peer_params(conn);
  q->hello.versions = hf_unpack_codes(&at, versions);
  q->hello.suites = hf_unpack_codes(&at, suites);
  q->hello.groups = hf_unpack_codes(&at, groups);
  q->hello.sigalgs = hf_unpack_codes(&at, sigalgs);
  return HF_OK;
}

/* The first group of ours that is among |theirs|, or of theirs that is among ours; 0: none is. */
static uint16_t common_group(const hf_settings *s, CBS theirs) {
  uint16_t code;
  if (s->flags & HF_PREFER_CLIENT_GROUPS) {
    while (CBS_get_u16(&theirs, &code)) {
      if (hf_codes_have(s->groups, code)) {
        return code;
      }
    }
    return 0;
  }
  for (size_t i = 0; i < s->groups.num; i++) {
    if (hf_wire_has(theirs, s->groups.list[i])) {
      return s->groups.list[i];
    }
  }
  return 0;
}

/* May a PSK be used without a key exchange? */
static bool alone(const hf_conn *conn) { return hf_has(conn, PSK_OFFERED) && hf_psk_alone(conn); }

/* RFC 9846 4.2.2, 9.2: what every hello of TLS 1.3 must have. */
static hf_status check_hello(const hf_conn *conn) {
  const hf_hello *hello = &conn->hs->hello;
  const hf_bytes compression = hf_hello_at(conn, hello->compression);
  if (!hf_wire_has(hf_hello_list(conn, HF_EXT_supported_versions, true), HF_TLS13)) {
    return HF_UNSUPPORTED_VERSION;
  }
  const uint8_t *legacy_version = hf_hello_at(conn, hello->message).data + 4;
  if (legacy_version[0] != HF_TLS12 >> 8 || legacy_version[1] != (HF_TLS12 & 0xff)) {
    return HF_LEGACY_VERSION;
  }
  if (compression.len != 1 || compression.data[0] != 0) {
    return HF_ILLEGAL_COMPRESSION;
  }
  // A client that uses its PSK alone may have neither.
  const bool groups = hf_ext_offered(conn, HF_EXT_supported_groups);
  const bool shares = hf_ext_offered(conn, HF_EXT_key_share);
  if (!groups && (shares || !alone(conn))) {
    return HF_MISSING_GROUPS;
  }
  if (groups && !shares) {
    return HF_MISSING_KEY_SHARE;
  }
  if (!hf_ext_offered(conn, HF_EXT_signature_algorithms) &&
      !hf_ext_offered(conn, HF_EXT_pre_shared_key)) {
    return HF_MISSING_SIGALGS;
  }
  if (hf_ext_offered(conn, HF_EXT_pre_shared_key) &&
      !hf_ext_offered(conn, HF_EXT_psk_key_exchange_modes)) {
    return HF_MISSING_EXTENSION;  // RFC 9846 4.3.9
  }
  return hf_quic_check_hello(conn);
}

/* By the client's order all of ours are equally good. */
bool hf_next_suite(const hf_conn *conn, hf_suite_walk *walk, uint16_t *code) {
  const hf_settings *s = &conn->config->settings;
  const bool all_equal = (s->flags & HF_PREFER_CLIENT_SUITES) != 0;
  for (;;) {
    while (CBS_get_u16(&walk->theirs, code)) {
      const hf_codes equal = {s->suites.list + walk->start, walk->end - walk->start};
      if (hf_codes_have(equal, *code)) {
        return true;
      }
    }
    if (walk->end == s->suites.num) {
      return false;
    }
    walk->theirs = hf_hello_suites(conn);
    walk->start = walk->end++;
    while (walk->end < s->suites.num &&
           (all_equal || (walk->end <= 32 && s->equal_suites >> (walk->end - 1) & 1))) {
      walk->end++;
    }
  }
}

static const hf_suite *suite_like(uint16_t id, const hf_suite *like) {
  const hf_suite *suite = hf_suite_find(id);
  return suite != NULL && suite->version == HF_TLS13 && (like == NULL || suite->md() == like->md())
             ? suite
             : NULL;
}

const hf_suite *hf_choose_suite(const hf_conn *conn, const hf_suite *like) {
  const hf_suite *suite = NULL;
  hf_suite_walk walk = {0};
  uint16_t code;
  while (suite == NULL && hf_next_suite(conn, &walk, &code)) {
    suite = suite_like(code, like);
  }
  return suite;
}

static hf_status choose_suite(hf_conn *conn) {
  const CBS theirs = hf_hello_suites(conn);
  if (conn->suite != NULL) {  // by a HelloRetryRequest that a cookie speaks of
    return hf_wire_has(theirs, conn->suite->id) ? HF_OK : HF_INCONSISTENT_HELLO;
  }
  conn->suite = hf_choose_suite(conn, NULL);
  return conn->suite != NULL ? HF_OK : HF_NO_SHARED_SUITE;
}

static bool has_share(const hf_conn *conn, uint16_t group) {
  CBS key;
  return hf_find_share(hf_hello_list(conn, HF_EXT_key_share, false), group, &key);
}

/* RFC 9846 4.2.1: a share that is missing is asked for. */
static hf_status choose_group(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const hf_settings *s = &conn->config->settings;
  const CBS theirs = hf_hello_list(conn, HF_EXT_supported_groups, false);
  const bool kept = hf_has(conn, COOKIE) && hs->group != NULL;  // by the retry that a cookie is of
  if (!kept) {
    hs->group = hf_group_find(common_group(s, theirs));
  }
  if (hs->group == NULL && !alone(conn)) {
    return HF_NO_SHARED_GROUP;
  }
  if (hf_has(conn, COOKIE)) {
    return hf_retry_share(conn);
  }
  hs->ask_group = hs->group != NULL && !has_share(conn, hs->group->id);
  const bool demand = (s->flags & HF_DEMAND_COOKIE) != 0;
  hs->must_cookie = demand;
  hf_flag(conn, RETRIED, hs->ask_group || demand);
  const hf_suite *psk_suite = hf_psk_suite(conn);
  if (hf_has(conn, RETRIED) && psk_suite != NULL) {
    conn->suite = psk_suite;  // fixed now, before anybody is asked about PSKs
  }
  return HF_OK;
}

hf_status hf_retry_share(const hf_conn *conn) {
  CBS shares = hf_hello_list(conn, HF_EXT_key_share, false), key;
  uint16_t code;
  if (conn->hs->group == NULL) {
    return HF_OK;  // a PSK alone
  }
  if (!hf_ext_offered(conn, HF_EXT_key_share)) {
    return HF_MISSING_RETRY_SHARE;
  }
  if (!conn->hs->ask_group) {  // only a cookie was asked for: the shares stay
    return has_share(conn, conn->hs->group->id) ? HF_OK : HF_WRONG_RETRY_SHARE;
  }
  // RFC 9846 4.2.2: a list with the one share asked for.
  return hf_next_share(&shares, &code, &key) && code == conn->hs->group->id && CBS_len(&shares) == 0
             ? HF_OK
             : HF_WRONG_RETRY_SHARE;
}

static void take_config(hf_conn *conn, const hf_config *config) {
  hf_config *mine = (hf_config *)config;
  hf_config_up_ref(mine);
  hf_config_free(conn->config);
  conn->config = mine;
  conn->max_data = hf_own_max_data(mine);  // nothing that the peer allows has come to count yet
}

/* RFC 9846 4.3.3, 4.3.8, 9.2: what only a hello with a PSK may lack. */
hf_status hf_without_psk(const hf_conn *conn) {
  if (!hf_ext_offered(conn, HF_EXT_signature_algorithms)) {
    return HF_MISSING_SIGALGS;
  }
  if (!hf_ext_offered(conn, HF_EXT_supported_groups)) {
    return HF_MISSING_GROUPS;
  }
  return conn->hs->group != NULL ? HF_OK : HF_NO_SHARED_GROUP;
}

/* RFC 9846 4.3.1: by supported_versions alone; without it the hello is of TLS 1.2 at most. */
static hf_status choose_version(const hf_conn *conn, uint16_t *version) {
  const CBS list = hf_hello_list(conn, HF_EXT_supported_versions, true);
  const hf_bytes hello = hf_hello_at(conn, conn->hs->hello.message);
  const bool named = hf_ext_offered(conn, HF_EXT_supported_versions);
  if (hello.len < 6) {
    return HF_INTERNAL;  // a state that was loaded has none
  }
  const bool offers_12 =
      named ? hf_wire_has(list, HF_TLS12) : (hello.data[4] << 8 | hello.data[5]) >= HF_TLS12;
  const bool offers_13 = named && hf_wire_has(list, HF_TLS13) && !hf_avoids_13(conn);
  *version = offers_13 && hf_may_be(conn, HF_TLS13) ? HF_TLS13 : HF_TLS12;
  // RFC 7507 3: a client that comes back with less than it could was made to.
  const uint16_t most = offers_13 ? HF_TLS13 : offers_12 ? HF_TLS12 : 0;
  if (most < (hf_may_be(conn, HF_TLS13) ? HF_TLS13 : HF_TLS12) &&
      hf_wire_has(hf_hello_suites(conn), HF_FALLBACK_SCSV)) {
    return HF_INAPPROPRIATE_FALLBACK;
  }
  // A retry, which a cookie may speak of, is of TLS 1.3, and so are cookies.
  const bool only_13 = hf_has(conn, RETRIED) || (conn->config->settings.flags & HF_DEMAND_COOKIE);
  return *version == HF_TLS12 && (!offers_12 || !hf_may_be(conn, HF_TLS12) || only_13)
             ? HF_UNSUPPORTED_VERSION
             : HF_OK;
}

static hf_status negotiate(hf_conn *conn, hf_bytes alpn) {
  uint16_t version;
  HF_TRY(choose_version(conn, &version));
  if (alpn.len > 0) {
    HF_TRY(hf_set_alpn(conn, alpn.data, alpn.len));
  }
  if (version == HF_TLS12) {
    return hf_negotiate_12(conn);
  }
  hf_psk_note(conn);  // now that the configuration is known
  HF_TRY(check_hello(conn));
  HF_TRY(choose_suite(conn));
  HF_TRY(choose_group(conn));
  hf_flag(conn, KEM, conn->hs->group != NULL && conn->hs->group->kem != NULL);
  return alpn.len == 0 ? hf_quic_check_alpn(conn) : HF_OK;
}

hf_status hf_answer_hello(hf_conn *conn, const hf_config *config, hf_bytes alpn,
                          const hf_bytes *quic_params) {
  const hf_bytes params = quic_params != NULL ? *quic_params : hf_range(NULL, 0);
  if (!hf_answering(conn, HF_ASK_HELLO) ||
      !hf_quic_valid(conn->config->settings.transport, params) ||
      (params.data == NULL && (quic_params != NULL || !hf_quic_has_params(conn))) ||
      (config != NULL &&
       (config->settings.role != HF_SERVER ||
        config->settings.transport != conn->config->settings.transport ||
        ((config->settings.flags ^ conn->config->settings.flags) & HF_QUIC_LEGACY_PARAMS))) ||
      (alpn.len > 0 && !hf_alpn_offered(conn, alpn.data, alpn.len))) {
    return HF_MISUSE;
  }
  if (config != NULL) {
    take_config(conn, config);
  }
  if (quic_params != NULL && hf_quic_set_params(conn, params) != HF_OK) {
    return hf_answered(conn, HF_NO_MEMORY);
  }
  return hf_answered(conn, negotiate(conn, alpn));
}

/* ---- COOKIE ---- */

hf_status hf_ask_COOKIE(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_COOKIE);
  if (hf_has(conn, COOKIE)) {
    const CBS cookie = hf_hello_list(conn, HF_EXT_cookie, false);
    q->cookie.cookie = hf_range(CBS_data(&cookie), CBS_len(&cookie));
    return HF_OK;
  }
  const uint16_t group = hs->ask_group ? hs->group->id : 0;
  hs->cookie_content[0] = (uint8_t)(conn->suite->id >> 8);
  hs->cookie_content[1] = (uint8_t)conn->suite->id;
  hs->cookie_content[2] = (uint8_t)(group >> 8);
  hs->cookie_content[3] = (uint8_t)group;
  const size_t len = hf_transcript_hash(hs->cookie_content + 4, conn, conn->suite);
  q->cookie.make = true;
  q->cookie.must = hs->must_cookie;
  q->cookie.content = hf_range(hs->cookie_content, 4 + len);
  return HF_OK;
}

/* Takes the state of the first half of the handshake back out of a cookie: suite, group,
 * transcript. */
static hf_status restore(hf_conn *conn, hf_bytes content) {
  hf_hs *hs = conn->hs;
  CBS in, cookie = hf_hello_list(conn, HF_EXT_cookie, false);
  uint16_t suite, group;
  if (hs->hello.message.len == 0) {
    return HF_INTERNAL;  // a state that was loaded said so
  }
  CBS_init(&in, content.data, content.len);
  if (!CBS_get_u16(&in, &suite) || !CBS_get_u16(&in, &group) ||
      (conn->suite = hf_suite_find(suite)) == NULL || conn->suite->version != HF_TLS13 ||
      CBS_len(&in) != conn->suite->hash_len) {
    return HF_ILLEGAL_PARAMETER;
  }
  hs->group = hf_group_find(group);
  hs->ask_group = group != 0;
  if (hs->ask_group && hs->group == NULL) {
    return HF_ILLEGAL_PARAMETER;
  }
  if (hs->early_offered) {
    return HF_INCONSISTENT_HELLO;  // RFC 9846 4.2.2: not in a second hello
  }
  hf_flag(conn, RETRIED, true);
  hf_transcript_restart(conn, CBS_data(&in));
  HF_TRY(hf_copy(&hs->cookie, CBS_data(&cookie), CBS_len(&cookie)));
  // The HelloRetryRequest is what it was: it depends on nothing else.
  CBB cbb, body;
  size_t len;
  const size_t start = hs->flight.len;
  HF_TRY(hf_message_begin(&hs->flight, &cbb, &body, HF_MSG_HELLO_RETRY_REQUEST,
                          hf_bound_HELLO_RETRY_REQUEST(conn)));
  HF_TRY(hf_message_end(&hs->flight, &cbb, hf_write_retry(conn, &body), &len));
  hf_transcript_add(conn, hs->flight.data + start, len);
  hs->flight.len = (uint32_t)start;
  const hf_bytes hello = hf_hello_at(conn, hs->hello.message);
  hf_transcript_add(conn, hello.data, hello.len);
  return HF_OK;
}

hf_status hf_answer_cookie(hf_conn *conn, hf_bytes bytes) {
  if (!hf_answering(conn, HF_ASK_COOKIE)) {
    return HF_MISUSE;
  }
  hf_hs *hs = conn->hs;
  if (!hs->question.cookie.make) {
    return hf_answered(conn, restore(conn, bytes));
  }
  if (bytes.len > UINT16_MAX - 2 || (bytes.len == 0 && hs->must_cookie)) {
    return HF_MISUSE;
  }
  return hf_answered(conn, bytes.len == 0 ? HF_OK : hf_copy(&hs->cookie, bytes.data, bytes.len));
}

/* ---- ENCAP, and the key exchange ---- */

static hf_status client_share(const hf_conn *conn, CBS *share) {
  const bool found =
      hf_find_share(hf_hello_list(conn, HF_EXT_key_share, false), conn->hs->group->id, share);
  return found ? HF_OK : HF_INTERNAL;
}

hf_status hf_ask_ENCAP(hf_conn *conn) {
  const hf_group *group = conn->hs->group;
  CBS share, kem;
  HF_TRY(client_share(conn, &share));
  if (!hf_group_split(&share, &kem, group, group->kem->public_len)) {
    return HF_BAD_KEY_SHARE;
  }
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_ENCAP);
  q->encap.group = group->id;
  q->encap.key = hf_range(CBS_data(&kem), CBS_len(&kem));
  return HF_OK;
}

hf_status hf_answer_encap(hf_conn *conn, hf_bytes ciphertext, hf_bytes secret) {
  if (!hf_answering(conn, HF_ASK_ENCAP) || ciphertext.len != conn->hs->group->kem->ciphertext_len ||
      secret.len != HF_KEM_SECRET) {
    return HF_MISUSE;
  }
  memcpy(conn->hs->kem_secret, secret.data, secret.len);
  return hf_answered(conn, hf_copy(&conn->hs->ciphertext, ciphertext.data, ciphertext.len));
}

hf_status hf_server_agree(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  CBS share;
  if (hs->group == NULL) {
    hf_no_share(conn);
    return HF_OK;
  }
  HF_TRY(client_share(conn, &share));
  return hf_group_agree(hs->shared, &hs->shared_len, hs->group, hs->entropy, share, hs->kem_secret);
}

uint32_t hf_skip_budget(const hf_conn *conn) {
  // As much as any ticket of ours allows: RFC 9846 4.3.10.  Tickets of times when they allowed more
  // may still be about, so what is usual is passed over in any case.
  enum { USUAL = 14336 };
  const uint32_t most = conn->config->settings.max_early_data;
  return (most > USUAL ? most : USUAL) + (most < UINT32_MAX ? 1 : 0);
}
