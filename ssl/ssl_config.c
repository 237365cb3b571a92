/* ssl_config.c: from settings to what the engine takes: hf_config and credentials.
 *
 * Each is made when first needed and kept with the settings, where any number of threads may ask
 * for it at once: two may make one at the same time, the first to store it wins, and both use that.
 * What the engine does not speak is left out here; what is then left empty is an error here, which
 * names the setting. */
#include <openssl/mem.h>

#include "ssl/early.h"
#include "ssl/quic.h"
#include "ssl/session.h"

/* ---- Configuration ---- */

enum {
  MAX_CODES = 32,
  LEAST_MAX_MESSAGE = 32 * 1024,
  LARGE_MESSAGE = 128 * 1024,
  AUTHORITIES_MAX = 32 * 1024 /* hf_settings.authorities: names, with two bytes for each */
};

/* draft is hf_settings with room for what they point at. */
typedef struct draft {
  hf_settings settings;
  uint16_t suites[2 * MAX_CODES], groups[MAX_CODES], sigalgs[MAX_CODES], shares[2];
  uint16_t server_types[SSL_CERT_TYPES], client_types[SSL_CERT_TYPES];
  uint16_t compress[SSL_MAX_CERT_ALGS], decompress[SSL_MAX_CERT_ALGS];
  hf_bytes *authorities;
} draft;

static bool version_enabled(const ssl_settings *s, uint16_t version) {
  uint16_t min = s->version_min != 0 ? s->version_min : TLS1_2_VERSION;
  uint16_t max = s->version_max != 0 ? s->version_max : TLS1_3_VERSION;
  uint32_t no = version == TLS1_3_VERSION ? SSL_OP_NO_TLSv1_3 : SSL_OP_NO_TLSv1_2;
  return min <= version && version <= max && (s->options & no) == 0;
}

static bool draft_versions(hf_settings *out, const ssl_settings *s) {
  static const uint16_t kEngine[] = {TLS1_2_VERSION, TLS1_3_VERSION}; /* lowest first */
  for (size_t i = 0; i < sizeof kEngine / sizeof kEngine[0]; i++) {
    /* RFC 9001 4.2: QUIC has nothing older than TLS 1.3. */
    if (!version_enabled(s, kEngine[i]) ||
        (out->transport == HF_QUIC && kEngine[i] < TLS1_3_VERSION))
      continue;
    if (out->version_min == 0) out->version_min = kEngine[i];
    out->version_max = kEngine[i];
  }
  if (out->version_min != 0) return true;
  SSL_ERR(SSL_R_NO_SUPPORTED_VERSIONS_ENABLED);
  return false;
}

/* draft_suites has those of all versions, the newest's first; a version without one is not spoken.
 */
static bool draft_suites(draft *d, const ssl_settings *s) {
  hf_settings *out = &d->settings;
  const ssl_codes *lists[] = {&s->suites, &s->suites12};
  size_t num = 0;
  for (size_t i = out->version_max < TLS1_3_VERSION ? 1 : 0;
       i < (out->version_min < TLS1_3_VERSION ? 2u : 1u); i++) {
    if (i == 1 && num < 32) out->equal_suites = s->equal12 << num;
    for (size_t j = 0; j < lists[i]->num && j < MAX_CODES; j++)
      d->suites[num++] = lists[i]->list[j];
  }
  out->suites = (hf_codes){d->suites, num};
  if (num > 0) return true;
  SSL_ERR(SSL_R_NO_CIPHERS_AVAILABLE);
  return false;
}

/* draft_codes takes over what the engine has of |from|; false: that is nothing, though |from| is
 * something. */
static bool draft_codes(hf_codes *out, uint16_t list[MAX_CODES], const ssl_codes *from,
                        bool (*has)(uint16_t), int reason) {
  size_t num = 0;
  for (size_t i = 0; i < from->num && num < MAX_CODES; i++)
    if (has(from->list[i])) list[num++] = from->list[i];
  *out = (hf_codes){list, num};
  if (num > 0 || from->num == 0) return true;
  SSL_ERR(reason);
  return false;
}

/* draft_authorities writes the names of |names| in DER, as many as hf_settings.authorities takes. A
 * list that lacks some is a hint still (RFC 9846 4.3.4), which a handshake should not fail for. */
static bool draft_authorities(draft *d, STACK_OF(X509_NAME) * names) {
  size_t num = names == NULL ? 0 : sk_X509_NAME_num(names);
  if (num == 0) return true;
  d->authorities = OPENSSL_malloc(num * sizeof *d->authorities);
  if (d->authorities == NULL) return false;
  d->settings.authorities = d->authorities;
  size_t room = AUTHORITIES_MAX;
  for (size_t i = 0; i < num; i++) {
    uint8_t *der = NULL;
    int len = i2d_X509_NAME(sk_X509_NAME_value(names, i), &der);
    if (len < 0) return false;
    if (2 + (size_t)len > room) {
      OPENSSL_free(der);
      continue;
    }
    room -= 2 + (size_t)len;
    d->authorities[d->settings.num_authorities++] = (hf_bytes){der, (size_t)len};
  }
  return true;
}

static hf_codes draft_types(uint16_t list[SSL_CERT_TYPES], const ssl_cert_types *from) {
  for (size_t i = 0; i < from->num; i++) list[i] = from->list[i];
  return (hf_codes){list, from->num};
}

static void draft_free(draft *d) {
  for (size_t i = 0; i < d->settings.num_authorities; i++)
    OPENSSL_free((uint8_t *)d->authorities[i].data);
  OPENSSL_free(d->authorities);
}

static unsigned carrier_of(unsigned variant) { return variant & SSL_CONFIG_STATELESS; }

static bool over_quic(unsigned variant) {
  const unsigned carrier = carrier_of(variant);
  return carrier == SSL_CONFIG_QUIC || carrier == SSL_CONFIG_QUIC_LATE;
}

static uint32_t draft_flags(const ssl_settings *s, unsigned variant) {
  uint32_t flags = 0;
  if (variant & SSL_CONFIG_SECRETS) flags |= HF_EXPORT_SECRETS;
  if (variant & SSL_CONFIG_TRACE) flags |= HF_TRACE;
  bool server = (variant & SSL_CONFIG_SERVER) != 0, quic = over_quic(variant),
       late = carrier_of(variant) == SSL_CONFIG_QUIC_LATE;
  if (quic && (variant & SSL_CONFIG_QUIC_LEGACY)) flags |= HF_QUIC_LEGACY_PARAMS;
  if (!late && (server ? s->early_server : s->early_client)) flags |= HF_ALLOW_EARLY_DATA;
  if (s->options & SSL_OP_ALLOW_NO_DHE_KEX) flags |= HF_ALLOW_PSK_KE;
  /* RFC 5077: TLS 1.2's alone; in TLS 1.3 the option says what is in a ticket. */
  if (s->options & SSL_OP_NO_TICKET) flags |= HF_NO_TICKETS;
  if (!server) {
    if (variant & SSL_CONFIG_FALSE_START) flags |= HF_FALSE_START;
    if (variant & SSL_CONFIG_FALLBACK) flags |= HF_SEND_FALLBACK_SCSV;
    if (variant & SSL_CONFIG_REVERIFY) flags |= HF_VERIFY_RESUMED;
    if ((s->options & SSL_OP_TLSEXT_PADDING) && !quic) flags |= HF_PAD_HELLO;
    /* ssl_accept_chain refuses it, unless the application has said otherwise by then. */
    return flags | s->hello_flags | HF_IGNORE_RSA_KEY_USAGE;
  }
  if (s->jdk11_workaround) flags |= HF_JDK11_WORKAROUND;
  flags |= s->hello_flags & HF_GREASE;
  if ((variant & SSL_CONFIG_STORE) && !quic) flags |= HF_STORE_SESSIONS;
  if (!quic) flags |= HF_ALWAYS_CCS; /* as both OpenSSL and BoringSSL do */
  if (variant & SSL_CONFIG_IGNORE_NAME) flags |= HF_IGNORE_SERVER_NAME;
  /* With SSL_OP_NO_TICKET they name sessions that are kept, if any is: over QUIC that is not known.
   */
  if (s->num_tickets > 0 &&
      (!(s->options & SSL_OP_NO_TICKET) || quic || (variant & SSL_CONFIG_STORE)))
    flags |= HF_ISSUE_TICKETS;
  if (!(s->options & SSL_OP_CIPHER_SERVER_PREFERENCE))
    flags |= HF_PREFER_CLIENT_SUITES | HF_PREFER_CLIENT_GROUPS;
  if (carrier_of(variant) == SSL_CONFIG_STATELESS) flags |= HF_DEMAND_COOKIE;
  if (variant & SSL_CONFIG_REQUEST) flags |= HF_REQUEST_CLIENT_CERT;
  if (variant & SSL_CONFIG_REQUIRE) flags |= HF_REQUIRE_CLIENT_CERT;
  return flags;
}

/* The engine has one limit for all messages, and hellos need some room too. */
static void draft_sizes(hf_settings *out, size_t max_cert_list) {
  size_t max = max_cert_list < LEAST_MAX_MESSAGE ? LEAST_MAX_MESSAGE : max_cert_list;
  if (max > 0xffffff) max = 0xffffff; /* the most that a message's header can say */
  out->max_message = (uint32_t)max;
  if (max > LARGE_MESSAGE) out->max_flight = (uint32_t)max + LARGE_MESSAGE;
}

static bool fill_draft(draft *d, const ssl_settings *s, unsigned variant) {
  bool server = (variant & SSL_CONFIG_SERVER) != 0;
  hf_settings *out = &d->settings;
  out->role = server ? HF_SERVER : HF_CLIENT;
  out->transport = over_quic(variant) ? HF_QUIC : HF_RECORDS;
  out->flags = draft_flags(s, variant);
  out->num_tickets = (uint32_t)s->num_tickets;
  out->ticket_lifetime = s->ticket_lifetime;
  if (out->transport == HF_RECORDS) {
    out->max_data = s->max_send_fragment;
    if (!server) out->max_fragment_length = s->max_fragment;
  }
  if (server && s->early_server) out->max_early_data = s->max_early_data;
  out->early_age_window = SSL_EARLY_AGE_WINDOW;
  draft_sizes(out, s->max_cert_list);
  const hf_codes of_server = draft_types(d->server_types, &s->server_types),
                 of_client = draft_types(d->client_types, &s->client_types);
  out->own_cert_types = server ? of_server : of_client;
  out->peer_cert_types = server ? of_client : of_server;
  out->delegated_sigalgs = (hf_codes){s->delegated_sigalgs.list, s->delegated_sigalgs.num};
  if (!draft_versions(out, s) || !draft_suites(d, s) ||
      !draft_codes(&out->groups, d->groups, &s->groups, ssl_engine_has_group,
                   SSL_R_NO_GROUPS_SPECIFIED) ||
      !draft_codes(&out->verify_sigalgs, d->sigalgs, &s->verify_sigalgs, ssl_engine_has_sigalg,
                   SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS))
    return false;
  ssl_draft_cert_algs(out, d->compress, d->decompress, s);
  if (s->groups.num == 0) out->groups = ssl_default_groups();
  if (!server) out->key_shares = ssl_key_shares(d->shares, s, out->groups);
  if (!server && s->alpn != NULL) out->alpn = (hf_bytes){s->alpn, s->alpn_len};
  if (!server || draft_authorities(d, s->authorities)) return true;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return false;
}

static hf_config *make_config(const ssl_settings *s, unsigned variant) {
  draft d = {0};
  hf_config *config = NULL;
  if (fill_draft(&d, s, variant)) {
    hf_status status = hf_config_new(&config, &d.settings);
    if (status != HF_OK)
      SSL_ERR(status == HF_NO_MEMORY ? ERR_R_MALLOC_FAILURE : ERR_R_INTERNAL_ERROR);
  }
  draft_free(&d);
  return config;
}

/* variant_of says which of the configurations |ssl| needs. */
static unsigned variant_of(const SSL *ssl, bool ack_name) {
  const ssl_local *local = &ssl->local;
  unsigned variant = 0;
  if (ssl_quic_on(ssl)) {
    variant |= ssl_quic_is_late(ssl) ? SSL_CONFIG_QUIC_LATE : SSL_CONFIG_QUIC;
    if (ssl->quic->legacy) variant |= SSL_CONFIG_QUIC_LEGACY;
  }
  if (ssl->ctx->keylog_callback != NULL) variant |= SSL_CONFIG_SECRETS;
  if (ssl_is_watched(ssl)) variant |= SSL_CONFIG_TRACE;
  if (ssl->role != SSL_ROLE_SERVER) {
    if (local->mode & SSL_MODE_ENABLE_FALSE_START) variant |= SSL_CONFIG_FALSE_START;
    if (local->mode & SSL_MODE_SEND_FALLBACK_SCSV) variant |= SSL_CONFIG_FALLBACK;
    if (ssl->ctx->reverify_on_resume && local->custom_verify != NULL &&
        local->verify_mode != SSL_VERIFY_NONE)
      variant |= SSL_CONFIG_REVERIFY;
    return variant;
  }
  variant |= SSL_CONFIG_SERVER;
  if (ssl_session_stores(ssl) && !ssl_quic_on(ssl)) variant |= SSL_CONFIG_STORE;
  if (!ack_name) variant |= SSL_CONFIG_IGNORE_NAME;
  if (ssl->io.stateless != SSL_STATELESS_NO) variant |= SSL_CONFIG_STATELESS;
  if (!(local->verify_mode & SSL_VERIFY_PEER)) return variant;
  variant |= SSL_CONFIG_REQUEST;
  if (local->verify_mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) variant |= SSL_CONFIG_REQUIRE;
  return variant;
}

hf_config *ssl_build_config(SSL *ssl, bool ack_name) {
  ssl_settings *s = ssl->settings;
  unsigned variant = variant_of(ssl, ack_name);
  hf_config *config = atomic_load(&s->configs[variant]);
  if (config != NULL) return config;
  hf_config *fresh = make_config(s, variant);
  if (fresh == NULL || atomic_compare_exchange_strong(&s->configs[variant], &config, fresh))
    return fresh;
  hf_config_free(fresh);
  return config;
}

/* ---- Credentials ---- */

void ssl_credentials_free(ssl_credentials *credentials) {
  if (credentials == NULL || atomic_fetch_sub(&credentials->references, 1) != 1) return;
  for (size_t i = 0; i < credentials->num; i++) hf_credential_free(credentials->list[i]);
  OPENSSL_free(credentials);
}

/* make_credential: HF_MISUSE if the slot's key can sign nothing that it may. */
static hf_status make_credential(hf_credential **out, const ssl_slot *slot, STACK_OF(X509) * chain,
                                 hf_codes sigalgs) {
  size_t num = 1 + (chain == NULL ? 0 : sk_X509_num(chain)), made = 0;
  hf_bytes *ders = OPENSSL_malloc(num * sizeof *ders);
  if (ders == NULL) return HF_NO_MEMORY;
  for (; made < num; made++) {
    uint8_t *der = NULL;
    int len = i2d_X509(made == 0 ? slot->leaf : sk_X509_value(chain, made - 1), &der);
    if (len < 0) break;
    ders[made] = (hf_bytes){der, (size_t)len};
  }
  hf_status status = made < num ? HF_NO_MEMORY
                                : hf_credential_new(out, ders, num, slot->key, sigalgs,
                                                    ssl_staple_bytes(slot->staples.ocsp),
                                                    ssl_staple_bytes(slot->staples.scts));
  for (size_t i = 0; i < made; i++) OPENSSL_free((uint8_t *)ders[i].data);
  OPENSSL_free(ders);
  return status;
}

/* Who has a delegated credential need not have the certificate's own key. */
static bool is_delegating(const ssl_settings *s, int index) {
  return s->delegated.credential != NULL && s->delegated.slot == index;
}

static hf_status make_delegated(hf_credential *credential, const ssl_delegated *delegated) {
  const hf_bytes bytes = {CRYPTO_BUFFER_data(delegated->credential),
                          CRYPTO_BUFFER_len(delegated->credential)};
  return hf_credential_set_delegated(credential, bytes, delegated->key);
}

/* make_raw: HF_MISUSE as make_credential. */
static hf_status make_raw(hf_credential **out, const ssl_slot *slot, bool method,
                          hf_codes sigalgs) {
  if (slot->key != NULL) return hf_credential_new_raw(out, slot->key, true, sigalgs);
  EVP_PKEY *key = slot->leaf != NULL && method ? X509_get_pubkey(slot->leaf) : NULL;
  hf_status status = key == NULL ? HF_MISUSE : hf_credential_new_raw(out, key, false, sigalgs);
  EVP_PKEY_free(key);
  return status;
}

/* make_slot adds the credentials of one slot to |made|: with its certificate, or the |raw| key. */
static hf_status make_slot(ssl_credentials *made, const ssl_settings *s, int index, bool raw) {
  const ssl_slot *slot = &s->slots[index];
  const hf_codes sigalgs = {s->signing_sigalgs.list, s->signing_sigalgs.num};
  hf_credential **place = &made->list[made->num];
  hf_status status = HF_MISUSE;
  if (raw) {
    status = make_raw(place, slot, s->key_method != NULL, sigalgs);
  } else if (slot->leaf != NULL &&
             (slot->key != NULL || s->key_method != NULL || is_delegating(s, index))) {
    STACK_OF(X509) *chain = slot->chain != NULL ? slot->chain : s->extra_chain;
    status = make_credential(place, slot, chain, sigalgs);
  }
  if (status == HF_MISUSE) { /* nothing that could be shown */
    made->unusable = made->unusable || (slot->leaf != NULL && slot->key != NULL);
    return HF_OK;
  }
  if (status != HF_OK) return status;
  made->num++;
  return raw || !is_delegating(s, index) ? HF_OK : make_delegated(*place, &s->delegated);
}

static ssl_credentials *credentials_make(const ssl_settings *s) {
  ssl_credentials *made = OPENSSL_malloc(sizeof *made);
  hf_status status = made == NULL ? HF_NO_MEMORY : HF_OK;
  if (made != NULL) {
    atomic_init(&made->references, 1);
    made->num = 0;
    made->unusable = false;
  }
  /* The current one first, then the others in the order of the slots. */
  for (int raw = 0; raw <= (ssl_shows_raw_keys(s) ? 1 : 0); raw++)
    for (int i = -1; i < SSL_SLOTS && status == HF_OK; i++) {
      int index = i < 0 ? s->current_slot : i;
      if (index < 0 || (i >= 0 && index == s->current_slot)) continue;
      status = make_slot(made, s, index, raw == 1);
    }
  if (status == HF_OK) return made;
  SSL_ERR(status == HF_NO_MEMORY ? ERR_R_MALLOC_FAILURE : ERR_R_INTERNAL_ERROR);
  ssl_credentials_free(made);
  return NULL;
}

ssl_credentials *ssl_settings_credentials(ssl_settings *s) {
  ssl_credentials *credentials = atomic_load(&s->credentials);
  if (credentials != NULL) return credentials;
  ssl_credentials *fresh = credentials_make(s);
  if (fresh == NULL || atomic_compare_exchange_strong(&s->credentials, &credentials, fresh))
    return fresh;
  ssl_credentials_free(fresh);
  return credentials;
}

const ssl_credentials *ssl_get_credentials(SSL *ssl) {
  return ssl_settings_credentials(ssl->settings);
}

bool ssl_credentials_share(ssl_settings *to, ssl_settings *from) {
  if (ssl_shows_raw_keys(to) != ssl_shows_raw_keys(from)) return true; /* it makes its own */
  ssl_credentials *credentials = ssl_settings_credentials(from);
  if (credentials == NULL) return false;
  atomic_fetch_add(&credentials->references, 1);
  ssl_credentials_free(atomic_exchange(&to->credentials, credentials));
  return true;
}
