/* psk.c: what both sides share of pre_shared_key (RFC 9846 4.3.11), and the server's part: the
 * question SESSION and its answers.  The client's is psk_offer.c's.
 *
 * A PSK that does not fit is passed over and the handshake is a full one; a binder that does not
 * verify ends it.  The proof BINDER is set here.  Of a PSK only its early secret (7.1) is kept,
 * whatever its length is. */
#include "engine.h"

#include <string.h>

#include <openssl/err.h>

/* ---- PSKs of any kind ---- */

void hf_offer_session(hf_offer *out, const hf_session *s) {
  memset(out, 0, sizeof(*out));
  out->kind = HF_BINDER_RESUMPTION;
  out->suite = s->suite;
  out->issued = s->issued;
  out->age_add = s->age_add;
  out->max_early_data = s->max_early_data;
  out->identity = s->ticket;
  out->alpn = s->alpn;
  out->early_context = s->early_context;
  hf_early_secret(out->secret, s->suite, s->psk, s->suite->hash_len);
}

void hf_offer_psk(hf_offer *out, const hf_psk *psk) {
  memset(out, 0, sizeof(*out));
  out->kind = psk->kind == HF_PSK_IMPORTED ? HF_BINDER_IMPORTED : HF_BINDER_EXTERNAL;
  out->suite = hf_suite_find(psk->suite);
  out->max_early_data = psk->max_early_data;
  CBS_init(&out->identity, psk->identity.data, psk->identity.len);
  CBS_init(&out->alpn, psk->alpn.data, psk->alpn.len);
  CBS_init(&out->early_context, psk->early_context.data, psk->early_context.len);
  hf_early_secret(out->secret, out->suite, psk->secret.data, psk->secret.len);
}

bool hf_psk_valid(const hf_psk *psk) {
  return (psk->kind == HF_PSK_EXTERNAL || psk->kind == HF_PSK_IMPORTED) &&
         hf_suite_find(psk->suite) != NULL && hf_suite_find(psk->suite)->version == HF_TLS13 &&
         psk->secret.data != NULL && psk->secret.len > 0 && psk->alpn.len <= UINT8_MAX &&
         psk->early_context.len <= UINT16_MAX;
}

bool hf_session_expired(const hf_conn *conn, const hf_session *s) {
  return conn->now < s->issued || conn->now - s->issued >= UINT64_C(1000) * s->lifetime;
}

bool hf_session_named(const hf_conn *conn, const hf_session *s) {
  return CBS_mem_equal(&s->server_name, conn->server_name, conn->server_name_len);
}

bool hf_offer_in_context(const hf_conn *conn, const hf_offer *offer) {
  return CBS_mem_equal(&offer->early_context, conn->early_context, conn->early_context_len);
}

hf_status hf_send_ext_pre_shared_key(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  if (place == CH) {
    return hf_psk_offer(conn, list);
  }
  if (!hf_has(conn, RESUMED)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_pre_shared_key));
  return hf_ext_end(list, CBB_add_u16(&body, conn->hs->psk_index));
}

/* A client does not know yet which suite will be chosen: that of its first PSK it is. */
hf_status hf_derive_EARLY(hf_conn *conn) {
  if (conn->hs->early_suite != NULL) {
    return HF_OK;  // a client's, when it sent its hello
  }
  return hf_is_server(conn) ? hf_derive_early(conn, conn->suite, conn->hs->early_secret)
                            : hf_psk_derive_first(conn);
}

/* ---- psk_key_exchange_modes, RFC 9846 4.3.9 ---- */

bool hf_psk_alone(const hf_conn *conn) {
  return conn->hs->psk_ke && (conn->config->settings.flags & HF_ALLOW_PSK_KE) != 0;
}

bool hf_psk_mode(const hf_conn *conn) { return conn->hs->psk_dhe || hf_psk_alone(conn); }

void hf_psk_note(hf_conn *conn) {
  // Without a mode in common no PSK can be used: then nobody need be asked.
  hf_flag(conn, PSK_OFFERED, hf_ext_offered(conn, HF_EXT_pre_shared_key) && hf_psk_mode(conn));
}

void hf_no_share(hf_conn *conn) {
  // RFC 9846 7.1: zeros, as many as the hash is long.
  memset(conn->hs->shared, 0, sizeof(conn->hs->shared));
  conn->hs->shared_len = conn->suite->hash_len;
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
    return hf_psk_chosen(conn, body);
  }
  if (!read_offer(*body, &identities, &binders)) {
    return HF_DECODE_ERROR;
  }
  CBS_skip(body, CBS_len(body));
  while (CBS_len(&identities) > 0 && CBS_len(&binders) > 0) {
    if (!next_identity(&identities, &one, &age) || !next_binder(&binders, &one)) {
      return HF_DECODE_ERROR;
    }
  }
  return CBS_len(&identities) == 0 && CBS_len(&binders) == 0 ? HF_OK : HF_PSK_COUNT_MISMATCH;
}

uint8_t hf_psk_hash(size_t len) {
  return len == 32 ? HF_PSK_SHA256 : len == 48 ? HF_PSK_SHA384 : HF_PSK_OTHER;
}

uint8_t hf_psk_hashes(const hf_conn *conn) {
  CBS body, identities, binders, binder;
  uint8_t hashes = 0;
  if (hf_ext_body(conn, HF_EXT_pre_shared_key, &body) && read_offer(body, &identities, &binders)) {
    while (CBS_len(&binders) > 0 && next_binder(&binders, &binder)) {
      hashes |= hf_psk_hash(CBS_len(&binder));
    }
  }
  return hashes;
}

const hf_suite *hf_psk_suite(const hf_conn *conn) {
  enum { SHA256_SUITE = 0x1301, SHA384_SUITE = 0x1302 };
  CBS body, identities, binders, binder;
  if (!hf_has(conn, PSK_OFFERED) || !hf_ext_body(conn, HF_EXT_pre_shared_key, &body) ||
      !read_offer(body, &identities, &binders) || !next_binder(&binders, &binder)) {
    return NULL;
  }
  const size_t len = CBS_len(&binder);
  return hf_choose_suite(conn, hf_suite_find(len == HF_MAX_HASH ? SHA384_SUITE : SHA256_SUITE));
}

hf_status hf_ask_SESSION(hf_conn *conn) {
  CBS body, identities, binders, identity;
  uint32_t age;
  size_t num = 0;
  if (hf_tls12(conn)) {
    return hf_ask_session_12(conn);
  }
  if (!hf_ext_body(conn, HF_EXT_pre_shared_key, &body) ||
      !read_offer(body, &identities, &binders)) {
    return HF_INTERNAL;
  }
  for (CBS count = identities; next_identity(&count, &identity, &age);) {
    num++;
  }
  if (num == 0) {
    return HF_INTERNAL;  // it was looked at when it came
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
  q->session.hash_suite = hf_has(conn, RETRIED) ? conn->suite->id : 0;
  q->session.early_offered = conn->hs->early_offered;
  return HF_OK;
}

/* The suite that a PSK for |suite| goes with; NULL: none.  RFC 9846 4.3.11: a PSK has a say in it.
 * After a HelloRetryRequest it stays (4.2.4). */
static const hf_suite *fitting_suite(const hf_conn *conn, const hf_suite *suite) {
  if (conn->suite->md() == suite->md()) {
    return conn->suite;
  }
  return hf_has(conn, RETRIED) ? NULL : hf_choose_suite(conn, suite);
}

/* RFC 9846 4.3.11.2 */
static hf_status check_binder(const hf_conn *conn, const hf_offer *offer, size_t index) {
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
  hf_transcript_hash_with(hash, conn, offer->suite, hf_range(hello.data, covered));
  HF_TRY(hf_binder(expected, offer->suite, offer->secret, offer->kind, hash));
  return CBS_mem_equal(&binder, expected, offer->suite->hash_len) ? HF_OK : HF_BAD_BINDER;
}

/* Is a ticket as old as its client says?  An external PSK has no age. */
static bool age_fits(const hf_conn *conn, const hf_offer *offer, size_t index) {
  const uint32_t said =
      conn->hs->question.session.candidates[index].obfuscated_age - offer->age_add;
  const uint64_t real = conn->now - offer->issued;
  const uint64_t apart = real > said ? real - said : said - real;
  return offer->kind != HF_BINDER_RESUMPTION || apart <= conn->config->settings.early_age_window;
}

/* May the early data that was offered with candidate |index| be taken, under |suite|? */
static bool early_allowed(const hf_conn *conn, const hf_suite *suite, const hf_offer *offer,
                          size_t index) {
  return conn->hs->early_offered && index == 0 && !hf_has(conn, RETRIED) &&
         offer->max_early_data > 0 && offer->suite == suite && age_fits(conn, offer, index) &&
         CBS_mem_equal(&offer->alpn, conn->alpn, conn->alpn_len) &&
         hf_offer_in_context(conn, offer);
}

/* Takes candidate |index| if its hash fits. */
static hf_status take(hf_conn *conn, size_t index, const hf_offer *offer, unsigned flags) {
  hf_hs *hs = conn->hs;
  const hf_suite *suite = fitting_suite(conn, offer->suite);
  if (suite == NULL) {
    return HF_OK;
  }
  conn->suite = suite;
  HF_TRY(check_binder(conn, offer, index));
  conn->proofs |= HF_PROOF_BINDER;
  hf_flag(conn, RESUMED, true);
  hf_flag(conn, CERT_REQUESTED, false);
  memcpy(hs->early_secret, offer->secret, sizeof(hs->early_secret));
  hs->psk_index = (uint16_t)index;
  conn->psk_number = (uint16_t)index;
  conn->external_psk = offer->kind != HF_BINDER_RESUMPTION;
  if (!hs->psk_dhe) {  // psk_ke it is: RFC 9846 4.3.9
    hs->group = NULL;
    hf_flag(conn, KEM, false);
  }
  if ((flags & HF_ACCEPT_EARLY) && early_allowed(conn, suite, offer, index)) {
    hf_flag(conn, EARLY, true);
    conn->early_left = offer->max_early_data;
  }
  return HF_OK;
}

/* A client that must show a certificate must have shown it in the session's connection; a PSK of
 * another kind cannot stand for one. */
static bool stands_for_client(const hf_conn *conn, bool client_cert) {
  return client_cert || !(conn->config->settings.flags & HF_REQUIRE_CLIENT_CERT);
}

static bool resumable(const hf_conn *conn, const hf_session *s) {
  return !hf_session_expired(conn, s) && hf_session_named(conn, s) &&
         stands_for_client(conn, s->client_cert);
}

static hf_status take_session(hf_conn *conn, size_t index, const hf_session *s, unsigned flags) {
  hf_offer offer;
  if (!resumable(conn, s)) {
    return HF_OK;  // not chosen
  }
  if (hf_tls12(conn) || s->suite->version != HF_TLS13) {
    return hf_tls12(conn) ? hf_take_session_12(conn, s, flags) : HF_OK;
  }
  hf_offer_session(&offer, s);
  const hf_status status = take(conn, index, &offer, flags);
  OPENSSL_cleanse(&offer, sizeof(offer));
  conn->session_cert = hf_has(conn, RESUMED) && s->client_cert;
  return status;
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

hf_status hf_answer_psk(hf_conn *conn, size_t index, const hf_psk *psk, unsigned flags) {
  hf_offer offer;
  if (!hf_answering(conn, HF_ASK_SESSION) || index >= conn->hs->question.session.num ||
      hf_tls12(conn) || !hf_psk_valid(psk)) {
    return HF_MISUSE;
  }
  hf_offer_psk(&offer, psk);
  const hf_status status =
      stands_for_client(conn, false) ? take(conn, index, &offer, flags) : HF_OK;
  OPENSSL_cleanse(&offer, sizeof(offer));
  return hf_answered(conn, status);
}

bool hf_early_acceptable(const hf_conn *conn, size_t index, hf_bytes state) {
  hf_session session;
  hf_offer offer;
  if (!hf_answering(conn, HF_ASK_SESSION) || index >= conn->hs->question.session.num ||
      hf_tls12(conn) || hf_session_parse(&session, state) != HF_OK) {
    return false;
  }
  const hf_suite *suite = fitting_suite(conn, session.suite);
  hf_offer_session(&offer, &session);
  const bool acceptable = suite != NULL && resumable(conn, &session) &&
                          early_allowed(conn, suite, &offer, index) &&
                          check_binder(conn, &offer, index) == HF_OK;
  OPENSSL_cleanse(&session, sizeof(session));
  OPENSSL_cleanse(&offer, sizeof(offer));
  ERR_clear_error();
  hf_scrub();
  return acceptable;
}
