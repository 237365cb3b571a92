/* psk.c: resumption: pre_shared_key (RFC 9846 4.3.11) on both sides, the question SESSION, and
 * sessions as bytes.
 *
 * A session that does not fit is passed over and the handshake is a full one; a binder that does
 * not verify ends it.  The proof BINDER is set here. */
#include "engine.h"

#include <string.h>

/* ---- sessions as bytes: what HF_ASK_TICKET and HF_ASK_KEEP give out.  Parsed as if an enemy had
 * written it. ---- */

enum { HF_SESSION_FORMAT = 1 };

static bool put_field(CBB *cbb, const CBS *field) {
  CBB bytes;
  return CBB_add_u16_length_prefixed(cbb, &bytes) &&
         CBB_add_bytes(&bytes, CBS_data(field), CBS_len(field)) && CBB_flush(cbb);
}

hf_status hf_session_write(hf_bytes *out, const hf_session *s) {
  const size_t bound = 64 + HF_MAX_HASH + CBS_len(&s->server_name) + CBS_len(&s->alpn) +
                       CBS_len(&s->early_context) + CBS_len(&s->ticket);
  CBB cbb, psk;
  uint8_t *data = OPENSSL_malloc(bound);
  size_t len;
  if (data == NULL) {
    return HF_NO_MEMORY;
  }
  CBB_zero(&cbb);
  if (!CBB_init_fixed(&cbb, data, bound)) {
    OPENSSL_free(data);
    return HF_NO_MEMORY;
  }
  if (!CBB_add_u8(&cbb, HF_SESSION_FORMAT) || !CBB_add_u16(&cbb, HF_TLS13) ||
      !CBB_add_u16(&cbb, s->suite->id) || !CBB_add_u64(&cbb, s->issued) ||
      !CBB_add_u32(&cbb, s->lifetime) || !CBB_add_u32(&cbb, s->age_add) ||
      !CBB_add_u32(&cbb, s->max_early_data) || !CBB_add_u8(&cbb, s->client_cert) ||
      !CBB_add_u8_length_prefixed(&cbb, &psk) || !CBB_add_bytes(&psk, s->psk, s->suite->hash_len) ||
      !put_field(&cbb, &s->server_name) || !put_field(&cbb, &s->alpn) ||
      !put_field(&cbb, &s->early_context) || !put_field(&cbb, &s->ticket) ||
      !CBB_finish(&cbb, NULL, &len)) {
    CBB_cleanup(&cbb);
    OPENSSL_free(data);
    return HF_INTERNAL;
  }
  hf_free_bytes(out);
  *out = hf_range(data, len);
  return HF_OK;
}

hf_status hf_session_parse(hf_session *out, hf_bytes state) {
  CBS in, psk;
  uint8_t format, client_cert;
  uint16_t version, suite;
  memset(out, 0, sizeof(*out));
  CBS_init(&in, state.data, state.len);
  if (!CBS_get_u8(&in, &format) || format != HF_SESSION_FORMAT || !CBS_get_u16(&in, &version) ||
      version != HF_TLS13 || !CBS_get_u16(&in, &suite) ||
      (out->suite = hf_suite_find(suite)) == NULL || !CBS_get_u64(&in, &out->issued) ||
      !CBS_get_u32(&in, &out->lifetime) || !CBS_get_u32(&in, &out->age_add) ||
      !CBS_get_u32(&in, &out->max_early_data) || !CBS_get_u8(&in, &client_cert) ||
      client_cert > 1 || !CBS_get_u8_length_prefixed(&in, &psk) ||
      CBS_len(&psk) != out->suite->hash_len ||
      !CBS_get_u16_length_prefixed(&in, &out->server_name) ||
      !CBS_get_u16_length_prefixed(&in, &out->alpn) ||
      !CBS_get_u16_length_prefixed(&in, &out->early_context) ||
      !CBS_get_u16_length_prefixed(&in, &out->ticket) || CBS_len(&in) != 0) {
    return HF_INTERNAL;
  }
  out->client_cert = client_cert == 1;
  memcpy(out->psk, CBS_data(&psk), CBS_len(&psk));
  return HF_OK;
}

static bool expired(const hf_conn *conn, const hf_session *s) {
  return conn->now < s->issued || conn->now - s->issued >= UINT64_C(1000) * s->lifetime;
}

static bool same_name(const hf_conn *conn, const hf_session *s) {
  return CBS_mem_equal(&s->server_name, conn->server_name, conn->server_name_len);
}

/* ---- the client ---- */

static bool same_context(const hf_conn *conn, const hf_session *s) {
  return CBS_mem_equal(&s->early_context, conn->early_context, conn->early_context_len);
}

/* The session's protocol, if it has one, is among those offered: RFC 9846 4.3.10. */
static bool offers_alpn(const hf_settings *settings, CBS alpn) {
  CBS names, name;
  CBS_init(&names, settings->alpn.data, settings->alpn.len);
  while (CBS_len(&alpn) > 0 && CBS_get_u8_length_prefixed(&names, &name)) {
    if (CBS_mem_equal(&name, CBS_data(&alpn), CBS_len(&alpn))) {
      return true;
    }
  }
  return CBS_len(&alpn) == 0;
}

/* Does early data fit the session, as far as it is known before the hello is answered? */
static bool early_fits(const hf_conn *conn, const hf_session *s) {
  const hf_settings *settings = &conn->config->settings;
  return (settings->flags & HF_ALLOW_EARLY_DATA) && s->max_early_data > 0 &&
         hf_codes_have(settings->suites, s->suite->id) && offers_alpn(settings, s->alpn) &&
         same_context(conn, s);
}

hf_status hf_psk_begin(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  hf_session session;
  if (hf_is_server(conn) || hs->session.data == NULL) {
    return HF_OK;
  }
  if (hf_session_parse(&session, hs->session) != HF_OK || CBS_len(&session.ticket) == 0 ||
      CBS_len(&session.ticket) > HF_MAX_TICKET || expired(conn, &session) ||
      !same_name(conn, &session)) {
    hf_free_bytes(&hs->session);
    OPENSSL_cleanse(&session, sizeof(session));
    return HF_OK;
  }
  hf_status status = HF_OK;
  hf_flag(conn, PSK_OFFERED, true);
  if (early_fits(conn, &session)) {
    hf_flag(conn, EARLY, true);
    conn->early_left = session.max_early_data;
    if (CBS_len(&session.alpn) > 0) {
      status = hf_set_alpn(conn, CBS_data(&session.alpn), CBS_len(&session.alpn));
    }
  }
  OPENSSL_cleanse(&session, sizeof(session));
  return status;
}

/* Two length fields, and one binder behind its length: what the binder does not cover (RFC
 * 9846 4.3.11.2). */
static size_t binders_len(const hf_session *s) { return 2 + 1 + (size_t)s->suite->hash_len; }

static hf_status offer(const hf_conn *conn, CBB *list, const hf_session *s) {
  static const uint8_t blank[HF_MAX_HASH];
  const uint32_t age = (uint32_t)(conn->now - s->issued) + s->age_add;
  CBB body, identities, identity, binders, binder;
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_pre_shared_key));
  return CBB_add_u16_length_prefixed(&body, &identities) &&
                 CBB_add_u16_length_prefixed(&identities, &identity) &&
                 CBB_add_bytes(&identity, CBS_data(&s->ticket), CBS_len(&s->ticket)) &&
                 CBB_add_u32(&identities, age) && CBB_add_u16_length_prefixed(&body, &binders) &&
                 CBB_add_u8_length_prefixed(&binders, &binder) &&
                 CBB_add_bytes(&binder, blank, s->suite->hash_len) && CBB_flush(list)
             ? HF_OK
             : HF_INTERNAL;
}

hf_status hf_send_ext_pre_shared_key(hf_conn *conn, hf_place place, CBB *list) {
  hf_session session;
  CBB body;
  if (place == SH) {
    if (!hf_has(conn, RESUMED)) {
      return HF_OK;
    }
    HF_TRY(hf_ext_begin(&body, list, HF_EXT_pre_shared_key));
    return hf_ext_end(list, CBB_add_u16(&body, conn->hs->psk_index));
  }
  if (conn->hs->session.data == NULL) {
    return HF_OK;
  }
  HF_TRY(hf_session_parse(&session, conn->hs->session));
  // RFC 9846 4.2.2: after a retry only if the suite has its hash.
  hf_status status = HF_OK;
  if (conn->suite == NULL || conn->suite->md() == session.suite->md()) {
    status = offer(conn, list, &session);
  }
  OPENSSL_cleanse(&session, sizeof(session));
  return status;
}

void hf_refuse_early(hf_conn *conn) {
  if (hf_has(conn, EARLY)) {
    conn->early_refused = true;
    conn->early_left = 0;
  }
  hf_flag(conn, EARLY, false);
}

/* Fills in the binder of the hello in hello_bytes. */
hf_status hf_psk_bind(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  hf_session session;
  uint8_t hash[HF_MAX_HASH];
  const hf_bytes given = hf_has(conn, RETRIED) ? hs->given_retry : hs->given_hello;
  if (hs->session.data == NULL || given.data != NULL ||
      !hf_ext_offered(conn, HF_EXT_pre_shared_key)) {
    return HF_OK;
  }
  HF_TRY(hf_session_parse(&session, hs->session));
  const size_t covered = hs->hello_bytes.len - binders_len(&session);
  hf_transcript fork = hs->transcript;
  hf_transcript_add(&fork, session.suite, hs->hello_bytes.data, covered);
  hf_transcript_hash(hash, &fork, session.suite);
  const hf_status status =
      hf_binder(hs->hello_bytes.data + covered + 3, session.suite, session.psk, hash);
  OPENSSL_cleanse(&session, sizeof(session));
  return status;
}

static hf_status receive_choice(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  hf_session session;
  uint16_t index;
  if (!CBS_get_u16(body, &index)) {
    return HF_BAD_EXTENSION;
  }
  if (index != 0 || hs->session.data == NULL || hf_session_parse(&session, hs->session) != HF_OK) {
    return HF_WRONG_PSK;
  }
  const bool fits = session.suite->md() == conn->suite->md();
  memcpy(hs->psk, session.psk, sizeof(hs->psk));
  OPENSSL_cleanse(&session, sizeof(session));
  return fits ? HF_OK : HF_WRONG_PSK;
}

/* RFC 9846 4.3.10: early data went out under the session's suite and protocol. */
hf_status hf_psk_check_early(hf_conn *conn) {
  hf_session session;
  if (!hf_has(conn, RESUMED)) {
    return HF_EARLY_DATA_MISMATCH;
  }
  HF_TRY(hf_session_parse(&session, conn->hs->session));
  const bool same =
      session.suite == conn->suite && CBS_mem_equal(&session.alpn, conn->alpn, conn->alpn_len);
  OPENSSL_cleanse(&session, sizeof(session));
  return same ? HF_OK : HF_EARLY_DATA_MISMATCH;
}

/* A client does not know yet which suite will be chosen: the session's it is. */
hf_status hf_derive_EARLY(hf_conn *conn) {
  hf_session session;
  if (conn->hs->early_suite != NULL) {
    return HF_OK;  // a client's, when it sent its hello
  }
  if (hf_is_server(conn)) {
    return hf_derive_early(conn, conn->suite, conn->hs->psk);
  }
  HF_TRY(hf_session_parse(&session, conn->hs->session));
  const hf_status status = hf_derive_early(conn, session.suite, session.psk);
  OPENSSL_cleanse(&session, sizeof(session));
  return status;
}

/* ---- the server ---- */

static bool read_offer(CBS body, CBS *identities, CBS *binders) {
  return CBS_get_u16_length_prefixed(&body, identities) && CBS_len(identities) > 0 &&
         CBS_get_u16_length_prefixed(&body, binders) && CBS_len(binders) > 0 && CBS_len(&body) == 0;
}

static bool next_identity(CBS *identities, CBS *identity, uint32_t *age) {
  return CBS_get_u16_length_prefixed(identities, identity) && CBS_len(identity) > 0 &&
         CBS_get_u32(identities, age);
}

static bool next_binder(CBS *binders, CBS *binder) {
  return CBS_get_u8_length_prefixed(binders, binder) && CBS_len(binder) >= 32;
}

hf_status hf_receive_ext_pre_shared_key(hf_conn *conn, hf_place place, CBS *body) {
  CBS identities, binders, one;
  uint32_t age;
  if (place == SH) {
    return receive_choice(conn, body);
  }
  if (!read_offer(*body, &identities, &binders)) {
    return HF_BAD_EXTENSION;
  }
  CBS_skip(body, CBS_len(body));
  while (CBS_len(&identities) > 0 && CBS_len(&binders) > 0) {
    if (!next_identity(&identities, &one, &age) || !next_binder(&binders, &one)) {
      return HF_BAD_EXTENSION;
    }
  }
  return CBS_len(&identities) == 0 && CBS_len(&binders) == 0 ? HF_OK : HF_PSK_COUNT_MISMATCH;
}

hf_status hf_ask_SESSION(hf_conn *conn) {
  CBS body, identities, binders, identity;
  uint32_t age;
  size_t num = 0;
  if (!hf_ext_body(conn, HF_EXT_pre_shared_key, &body) ||
      !read_offer(body, &identities, &binders)) {
    return HF_INTERNAL;
  }
  for (CBS count = identities; next_identity(&count, &identity, &age);) {
    num++;
  }
  void *lists;
  HF_TRY(hf_lists_new(conn->hs, &lists, num * sizeof(hf_candidate)));
  hf_candidate *candidates = lists;
  for (size_t i = 0; next_identity(&identities, &identity, &age); i++) {
    candidates[i].kind = HF_CANDIDATE_TICKET;
    candidates[i].name = hf_range(CBS_data(&identity), CBS_len(&identity));
    candidates[i].obfuscated_age = age;
  }
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_SESSION);
  q->session.candidates = candidates;
  q->session.num = num;
  q->session.hash_suite = conn->suite->id;
  q->session.early_offered = conn->hs->early_offered;
  return HF_OK;
}

/* RFC 9846 4.3.11.2 */
static hf_status check_binder(const hf_conn *conn, const hf_session *s, size_t index) {
  const hf_hs *hs = conn->hs;
  const hf_bytes hello = hf_hello_at(conn, hs->hello.message);
  uint8_t hash[HF_MAX_HASH], expected[HF_MAX_HASH];
  CBS body, identities, binders, binder;
  if (!hf_ext_body(conn, HF_EXT_pre_shared_key, &body) ||
      !read_offer(body, &identities, &binders)) {
    return HF_INTERNAL;
  }
  const size_t covered = (size_t)(CBS_data(&binders) - 2 - hello.data);
  for (size_t i = 0; i <= index; i++) {
    if (!next_binder(&binders, &binder)) {
      return HF_INTERNAL;
    }
  }
  hf_transcript fork = hs->before_hello;
  hf_transcript_add(&fork, conn->suite, hello.data, covered);
  hf_transcript_hash(hash, &fork, conn->suite);
  HF_TRY(hf_binder(expected, conn->suite, s->psk, hash));
  return CBS_mem_equal(&binder, expected, conn->suite->hash_len) ? HF_OK : HF_BAD_BINDER;
}

/* May the early data that was offered with candidate |index| be taken? */
static bool early_allowed(const hf_conn *conn, const hf_session *s, size_t index) {
  const hf_hs *hs = conn->hs;
  enum { HF_AGE_WINDOW = 10000 };  // milliseconds: RFC 9846 8.3
  const uint32_t said = hs->question.session.candidates[index].obfuscated_age - s->age_add;
  const uint64_t real = conn->now - s->issued;
  const uint64_t apart = real > said ? real - said : said - real;
  return hs->early_offered && index == 0 && !hf_has(conn, RETRIED) && s->max_early_data > 0 &&
         s->suite == conn->suite && apart <= HF_AGE_WINDOW &&
         CBS_mem_equal(&s->alpn, conn->alpn, conn->alpn_len) && same_context(conn, s);
}

static hf_status take_session(hf_conn *conn, size_t index, hf_session *s, unsigned flags) {
  hf_hs *hs = conn->hs;
  // A client that must show a certificate must have shown it then.
  const bool must = (conn->config->settings.flags & HF_REQUIRE_CLIENT_CERT) != 0;
  if (s->suite->md() != conn->suite->md() || expired(conn, s) || !same_name(conn, s) ||
      (must && !s->client_cert)) {
    return HF_OK;  // not chosen
  }
  HF_TRY(check_binder(conn, s, index));
  conn->proofs |= HF_PROOF_BINDER;
  hf_flag(conn, RESUMED, true);
  hf_flag(conn, CERT_REQUESTED, false);
  memcpy(hs->psk, s->psk, sizeof(hs->psk));
  hs->psk_index = (uint16_t)index;
  conn->session_cert = s->client_cert;
  if ((flags & HF_ACCEPT_EARLY) && early_allowed(conn, s, index)) {
    hf_flag(conn, EARLY, true);
    conn->early_left = s->max_early_data;
  }
  return HF_OK;
}

hf_status hf_answer_session(hf_conn *conn, size_t index, hf_bytes state, unsigned flags) {
  hf_session session;
  if (!hf_answering(conn, HF_ASK_SESSION) ||
      (state.data != NULL && index >= conn->hs->question.session.num)) {
    return HF_MISUSE;
  }
  hf_status status = HF_OK;
  if (state.data != NULL && hf_session_parse(&session, state) == HF_OK) {
    status = take_session(conn, index, &session, flags);
    OPENSSL_cleanse(&session, sizeof(session));
  }
  return hf_answered(conn, status);
}
