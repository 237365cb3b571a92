/* psk_offer.c: the PSKs of a client (RFC 9846 4.3.11): its session and those from outside, offered
 * in one list, the session first.
 *
 * They are kept as bytes in hs->offers, one after the other; next_offer takes one off.  What no
 * suite fits never gets there; what does not fit the suite of a HelloRetryRequest is passed over
 * whenever the list is read after it.  When one of them is chosen, or none, their secrets go; what
 * else is said of them is looked at until the handshake is over. */
#include "engine.h"

#include <string.h>

/* ---- the list ---- */

/* More than an offer takes in hs->offers besides what is counted here. */
static size_t offer_bound(const hf_offer *offer) {
  return 40 + HF_MAX_HASH + CBS_len(&offer->identity) + CBS_len(&offer->alpn) +
         CBS_len(&offer->early_context);
}

static bool put_field(CBB *list, const uint8_t *data, size_t len) {
  CBB field;
  return CBB_add_u16_length_prefixed(list, &field) && CBB_add_bytes(&field, data, len) &&
         CBB_flush(list);
}

static hf_status put_offer(CBB *list, const hf_offer *offer) {
  return CBB_add_u8(list, (uint8_t)offer->kind) && CBB_add_u16(list, offer->suite->id) &&
                 CBB_add_u16(list, offer->number) && CBB_add_u64(list, offer->issued) &&
                 CBB_add_u32(list, offer->age_add) && CBB_add_u32(list, offer->max_early_data) &&
                 put_field(list, offer->secret, offer->suite->hash_len) &&
                 put_field(list, CBS_data(&offer->identity), CBS_len(&offer->identity)) &&
                 put_field(list, CBS_data(&offer->alpn), CBS_len(&offer->alpn)) &&
                 put_field(list, CBS_data(&offer->early_context), CBS_len(&offer->early_context))
             ? HF_OK
             : HF_INTERNAL;
}

static bool get_offer(CBS *list, hf_offer *out) {
  uint8_t kind;
  uint16_t suite;
  CBS secret;
  memset(out, 0, sizeof(*out));
  if (!CBS_get_u8(list, &kind) || kind > HF_BINDER_IMPORTED || !CBS_get_u16(list, &suite) ||
      (out->suite = hf_suite_find(suite)) == NULL || !CBS_get_u16(list, &out->number) ||
      !CBS_get_u64(list, &out->issued) || !CBS_get_u32(list, &out->age_add) ||
      !CBS_get_u32(list, &out->max_early_data) || !CBS_get_u16_length_prefixed(list, &secret) ||
      CBS_len(&secret) != out->suite->hash_len ||
      !CBS_get_u16_length_prefixed(list, &out->identity) ||
      !CBS_get_u16_length_prefixed(list, &out->alpn) ||
      !CBS_get_u16_length_prefixed(list, &out->early_context)) {
    return false;
  }
  out->kind = (hf_binder_kind)kind;
  memcpy(out->secret, CBS_data(&secret), CBS_len(&secret));
  return true;
}

static CBS all_offers(const hf_conn *conn) {
  CBS list;
  CBS_init(&list, conn->hs->offers.data, conn->hs->offers.len);
  return list;
}

/* Takes the next PSK off |list| that this hello offers. */
static bool next_offer(const hf_conn *conn, CBS *list, hf_offer *out) {
  while (get_offer(list, out)) {
    // RFC 9846 4.2.2: after a retry only if the suite has its hash.
    if (!hf_has(conn, RETRIED) || conn->suite->md() == out->suite->md()) {
      return true;
    }
  }
  return false;
}

/* ---- at the start ---- */

static bool has_hash(const hf_settings *settings, const hf_suite *suite) {
  for (size_t i = 0; i < settings->suites.num; i++) {
    const hf_suite *own = hf_suite_find(settings->suites.list[i]);
    if (own->version == HF_TLS13 && own->md() == suite->md()) {
      return true;
    }
  }
  return false;
}

/* What a PSK takes in a hello. */
static size_t hello_len(size_t identity_len) { return 2 + identity_len + 4 + 1 + HF_MAX_HASH; }

size_t hf_psks_len(const hf_start *start) {
  size_t total = 0;
  for (size_t i = 0; i < start->num_psks; i++) {
    total += hello_len(start->psks[i].identity.len);
  }
  return total;
}

bool hf_psks_valid(const hf_start *start) {
  size_t total = 0;
  if (start->num_psks > 0 && start->psks == NULL) {
    return false;
  }
  for (size_t i = 0; i < start->num_psks; i++) {
    const hf_psk *psk = &start->psks[i];
    if (!hf_psk_valid(psk) || psk->identity.data == NULL || psk->identity.len == 0 ||
        psk->identity.len > HF_MAX_TICKET) {
      return false;
    }
    total += hello_len(psk->identity.len);
    if (total > HF_MAX_TICKET) {
      return false;
    }
  }
  return true;
}

/* Does |start| have a session that can be offered? */
static bool usable_session(const hf_conn *conn, const hf_start *start, hf_session *out) {
  if (start->session.data == NULL || hf_session_parse(out, start->session) != HF_OK) {
    return false;
  }
  const size_t room = HF_MAX_TICKET - hf_psks_len(start);
  return out->suite->version == HF_TLS13 && hf_may_be(conn, HF_TLS13) &&
         CBS_len(&out->ticket) > 0 && CBS_len(&out->ticket) <= room &&
         !hf_session_expired(conn, out) && hf_session_named(conn, out) &&
         has_hash(&conn->config->settings, out->suite);
}

static hf_status put_session(const hf_conn *conn, CBB *list, const hf_start *start) {
  hf_session session;
  hf_offer offer;
  hf_status status = HF_OK;
  memset(&offer, 0, sizeof(offer));
  if (usable_session(conn, start, &session)) {
    hf_offer_session(&offer, &session);
    status = put_offer(list, &offer);
  }
  OPENSSL_cleanse(&session, sizeof(session));
  OPENSSL_cleanse(&offer, sizeof(offer));
  return status;
}

static hf_status put_psk(const hf_conn *conn, CBB *list, const hf_start *start, size_t index) {
  hf_offer offer;
  hf_status status = HF_OK;
  hf_offer_psk(&offer, &start->psks[index]);
  offer.number = (uint16_t)index;
  if (hf_may_be(conn, HF_TLS13) && has_hash(&conn->config->settings, offer.suite)) {
    status = put_offer(list, &offer);
  }
  OPENSSL_cleanse(&offer, sizeof(offer));
  return status;
}

static hf_status put_all(const hf_conn *conn, CBB *list, const hf_start *start) {
  HF_TRY(put_session(conn, list, start));
  for (size_t i = 0; i < start->num_psks; i++) {
    HF_TRY(put_psk(conn, list, start, i));
  }
  return HF_OK;
}

static hf_status keep_offers(hf_conn *conn, const hf_start *start) {
  hf_offer empty;
  CBB list;
  size_t len = 0;
  memset(&empty, 0, sizeof(empty));
  size_t bound = offer_bound(&empty) + start->session.len;
  for (size_t i = 0; i < start->num_psks; i++) {
    const hf_psk *psk = &start->psks[i];
    bound += offer_bound(&empty) + psk->identity.len + psk->alpn.len + psk->early_context.len;
  }
  uint8_t *data = OPENSSL_malloc(bound);
  if (data == NULL) {
    return HF_NO_MEMORY;
  }
  CBB_zero(&list);
  hf_status status = CBB_init_fixed(&list, data, bound) ? HF_OK : HF_NO_MEMORY;
  if (status == HF_OK) {
    status = put_all(conn, &list, start);
  }
  if (status == HF_OK && !CBB_finish(&list, NULL, &len)) {
    status = HF_INTERNAL;
  }
  CBB_cleanup(&list);
  if (len == 0) {
    OPENSSL_free(data);
    return status;
  }
  conn->hs->offers = hf_range(data, len);
  return HF_OK;
}

/* The PSK's protocol, if it has one, is among those offered (RFC 9846 4.3.10), or one that the
 * server may choose all the same. */
static bool offers_alpn(const hf_settings *settings, CBS alpn) {
  CBS names, name;
  if ((settings->flags & HF_ALLOW_UNKNOWN_ALPN) && settings->alpn.len > 0) {
    return true;
  }
  CBS_init(&names, settings->alpn.data, settings->alpn.len);
  while (CBS_len(&alpn) > 0 && CBS_get_u8_length_prefixed(&names, &name)) {
    if (CBS_mem_equal(&name, CBS_data(&alpn), CBS_len(&alpn))) {
      return true;
    }
  }
  return CBS_len(&alpn) == 0;
}

/* Does early data fit the first PSK, as far as it is known before the hello is answered? */
static bool early_fits(const hf_conn *conn, const hf_offer *first) {
  const hf_settings *settings = &conn->config->settings;
  return (settings->flags & HF_ALLOW_EARLY_DATA) && first->max_early_data > 0 &&
         hf_codes_have(settings->suites, first->suite->id) && offers_alpn(settings, first->alpn) &&
         hf_offer_in_context(conn, first);
}

hf_status hf_psk_begin(hf_conn *conn, const hf_start *start) {
  hf_offer first;
  if (hf_is_server(conn) || (start->session.data == NULL && start->num_psks == 0)) {
    return HF_OK;
  }
  HF_TRY(keep_offers(conn, start));
  CBS list = all_offers(conn);
  hf_status status = HF_OK;
  if (next_offer(conn, &list, &first)) {
    hf_flag(conn, PSK_OFFERED, true);
    if (early_fits(conn, &first)) {
      hf_flag(conn, EARLY, true);
      hf_flag(conn, REVERIFY,
              first.kind == HF_BINDER_RESUMPTION &&
                  (conn->config->settings.flags & HF_VERIFY_RESUMED) != 0);
      conn->early_left = first.max_early_data;
      if (CBS_len(&first.alpn) > 0) {
        status = hf_set_alpn(conn, CBS_data(&first.alpn), CBS_len(&first.alpn));
      }
    }
  }
  OPENSSL_cleanse(&first, sizeof(first));
  return status;
}

/* ---- in a hello ---- */

static bool put_identity(CBB *identities, const hf_conn *conn, const hf_offer *offer) {
  CBB identity;
  // RFC 9846 4.3.11.1; 0 for PSKs from outside
  const uint32_t age = offer->kind == HF_BINDER_RESUMPTION
                           ? (uint32_t)(conn->now - offer->issued) + offer->age_add
                           : 0;
  return CBB_add_u16_length_prefixed(identities, &identity) &&
         CBB_add_bytes(&identity, CBS_data(&offer->identity), CBS_len(&offer->identity)) &&
         CBB_add_u32(identities, age);
}

static bool put_blank(CBB *binders, const hf_offer *offer) {
  static const uint8_t blank[HF_MAX_HASH];
  CBB binder;
  return CBB_add_u8_length_prefixed(binders, &binder) &&
         CBB_add_bytes(&binder, blank, offer->suite->hash_len) && CBB_flush(binders);
}

static bool put_list(const hf_conn *conn, CBB *out, bool binders) {
  hf_offer offer;
  CBS list = all_offers(conn);
  CBB body;
  bool ok = CBB_add_u16_length_prefixed(out, &body);
  while (ok && next_offer(conn, &list, &offer)) {
    ok = binders ? put_blank(&body, &offer) : put_identity(&body, conn, &offer);
  }
  OPENSSL_cleanse(&offer, sizeof(offer));
  return ok && CBB_flush(out);
}

hf_status hf_psk_offer(const hf_conn *conn, CBB *list) {
  hf_offer offer;
  CBB body;
  CBS offers = all_offers(conn);
  const bool any = next_offer(conn, &offers, &offer);
  OPENSSL_cleanse(&offer, sizeof(offer));
  if (!any) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_pre_shared_key));
  return hf_ext_end(list, put_list(conn, &body, false) && put_list(conn, &body, true));
}

size_t hf_psk_offer_len(const hf_conn *conn) {
  enum { HEAD = 4, LISTS = 2 + 2, IDENTITY = 2 + 4, BINDER = 1 };
  hf_offer offer;
  CBS list = all_offers(conn);
  size_t len = 0;
  while (next_offer(conn, &list, &offer)) {
    len += IDENTITY + CBS_len(&offer.identity) + BINDER + (size_t)offer.suite->hash_len;
  }
  OPENSSL_cleanse(&offer, sizeof(offer));
  return len == 0 ? 0 : HEAD + LISTS + len;
}

/* The list of binders with its length: what no binder covers (RFC 9846 4.3.11.2). */
static size_t binders_len(const hf_conn *conn) {
  hf_offer offer;
  CBS list = all_offers(conn);
  size_t len = 2;
  while (next_offer(conn, &list, &offer)) {
    len += 1 + (size_t)offer.suite->hash_len;
  }
  OPENSSL_cleanse(&offer, sizeof(offer));
  return len;
}

hf_status hf_psk_bind(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  hf_offer offer;
  uint8_t hash[HF_MAX_HASH];
  const hf_bytes given = hf_has(conn, RETRIED) ? hs->given_retry : hs->given_hello;
  if (given.data != NULL || !hf_ext_offered(conn, HF_EXT_pre_shared_key)) {
    return HF_OK;
  }
  const size_t covered = hs->hello_bytes.len - binders_len(conn);
  uint8_t *binder = hs->hello_bytes.data + covered + 2;
  CBS list = all_offers(conn);
  hf_status status = HF_OK;
  while (status == HF_OK && next_offer(conn, &list, &offer)) {
    hf_transcript_hash_with(hash, conn, offer.suite, hf_range(hs->hello_bytes.data, covered));
    status = hf_binder(binder + 1, offer.suite, offer.secret, offer.kind, hash);
    binder += 1 + (size_t)offer.suite->hash_len;
  }
  OPENSSL_cleanse(&offer, sizeof(offer));
  return status;
}

hf_status hf_psk_derive_first(hf_conn *conn) {
  hf_offer first;
  CBS list = all_offers(conn);
  hf_status status = HF_INTERNAL;
  if (next_offer(conn, &list, &first)) {
    status = hf_derive_early(conn, first.suite, first.secret);
  }
  OPENSSL_cleanse(&first, sizeof(first));
  return status;
}

/* ---- what the server made of it ---- */

hf_status hf_psk_chosen(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  hf_offer offer;
  CBS list = all_offers(conn);
  uint16_t index;
  if (!CBS_get_u16(body, &index)) {
    return HF_BAD_EXTENSION;
  }
  hf_status status = HF_WRONG_PSK;
  for (size_t i = 0; i <= index && next_offer(conn, &list, &offer); i++) {
    if (i == index && offer.suite->md() != conn->suite->md()) {
      status = HF_WRONG_PSK_HASH;
    } else if (i == index) {
      memcpy(hs->early_secret, offer.secret, sizeof(hs->early_secret));
      hs->psk_index = index;
      conn->psk_number = offer.number;
      conn->external_psk = offer.kind != HF_BINDER_RESUMPTION;
      status = HF_OK;
    }
  }
  OPENSSL_cleanse(&offer, sizeof(offer));
  return status;
}

/* RFC 9846 4.3.10: early data went out under the suite and protocol of the first PSK. */
hf_status hf_psk_check_early(hf_conn *conn) {
  hf_offer first;
  CBS list = all_offers(conn);
  if (!hf_has(conn, RESUMED) || conn->hs->psk_index != 0 || !next_offer(conn, &list, &first)) {
    return HF_EARLY_DATA_UNRESUMED;
  }
  const bool same_alpn = CBS_mem_equal(&first.alpn, conn->alpn, conn->alpn_len);
  const bool same_suite = first.suite == conn->suite;
  OPENSSL_cleanse(&first, sizeof(first));
  return !same_suite ? HF_EARLY_DATA_MISMATCH : same_alpn ? HF_OK : HF_EARLY_DATA_ALPN;
}

void hf_psk_forget(hf_conn *conn) {
  hf_offer offer;
  CBS list = all_offers(conn);
  while (get_offer(&list, &offer)) {
    // It stands right before the identity's length.
    const size_t len = offer.suite->hash_len;
    OPENSSL_cleanse((uint8_t *)CBS_data(&offer.identity) - 2 - len, len);
  }
  OPENSSL_cleanse(&offer, sizeof(offer));
  hf_free_bytes(&conn->hs->session);
}

void hf_refuse_early(hf_conn *conn) {
  if (hf_has(conn, EARLY)) {
    conn->early_refused = true;
    conn->early_left = 0;
  }
  hf_flag(conn, EARLY, false);
}
