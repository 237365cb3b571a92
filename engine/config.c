/* config.c: hf_config and hf_identity, the immutable data that connections share.
 *
 * hf_config_new checks everything once, fills in the defaults and copies it into one block, so that
 * no connection needs to check it again. */
#include "engine.h"

#include <string.h>

static const uint16_t default_suites[] = {
#define SUITE(id, ...) id,
#include "suites.def"
#undef SUITE
};
/* The groups without a KEM: any libcrypto has them. */
static const uint16_t default_groups[] = {0x001d, 0x0017, 0x0018};
/* Of signatures in chains: those of CertificateVerify, and RSASSA-PKCS1-v1_5 (RFC 9846 9.1). */
static const uint16_t default_cert_sigalgs[] = {
#define SIGALG(id, ...) id,
#include "sigalgs.def"
#undef SIGALG
};
static const uint16_t default_cert_types[] = {HF_CERT_X509};
static const uint16_t default_sigalgs[] = {
#define SIGALG(id, ...) id,
#include "sigalgs.def"
#undef SIGALG
};

enum {
  HF_DEFAULT_LIFETIME = 2 * 86400,
  HF_DEFAULT_AGE_WINDOW = 10000,
  HF_DEFAULT_MESSAGE = 128 * 1024,
  HF_DEFAULT_FLIGHT = 256 * 1024,
  HF_MAX_LIST = 64,
  HF_MAX_TICKETS = 16
};

bool hf_codes_have(hf_codes codes, uint16_t code) {
  for (size_t i = 0; i < codes.num; i++) {
    if (codes.list[i] == code) {
      return true;
    }
  }
  return false;
}

bool hf_wire_has(CBS wire, uint16_t code) {
  uint16_t value;
  while (CBS_get_u16(&wire, &value)) {
    if (value == code) {
      return true;
    }
  }
  return false;
}

static void default_codes(hf_codes *codes, const uint16_t *list, size_t num) {
  if (codes->num == 0) {
    codes->list = list;
    codes->num = num;
  }
}
#define DEFAULT_CODES(codes, list) default_codes(codes, list, sizeof(list) / sizeof((list)[0]))

static bool known_suite(uint16_t code) { return hf_suite_find(code) != NULL; }
static bool known_group(uint16_t code) { return hf_group_find(code) != NULL; }
static bool any_code(uint16_t code) { return code != 0; }
static bool known_sigalg(uint16_t code) { return hf_sigalg_find(code) != NULL; }
static bool known_cert_type(uint16_t code) {
  return code == HF_CERT_X509 || code == HF_CERT_RAW_KEY;
}

/* Every code is known and none comes twice. */
static bool valid_codes(hf_codes codes, bool (*known)(uint16_t)) {
  if (codes.num > HF_MAX_LIST || (codes.num > 0 && codes.list == NULL)) {
    return false;
  }
  for (size_t i = 0; i < codes.num; i++) {
    hf_codes before = {codes.list, i};
    if (!known(codes.list[i]) || hf_codes_have(before, codes.list[i])) {
      return false;
    }
  }
  return true;
}

/* RFC 9846 4.3.8: each share for a group that is listed, in the list's order. */
static bool valid_shares(hf_codes shares, hf_codes groups) {
  size_t at = 0;
  for (size_t i = 0; i < shares.num; i++) {
    while (at < groups.num && groups.list[at] != shares.list[i]) {
      at++;
    }
    if (at++ >= groups.num) {
      return false;
    }
  }
  return true;
}

static bool valid_alpn(hf_bytes alpn) {
  CBS list, name;
  CBS_init(&list, alpn.data, alpn.len);
  if (alpn.len > HF_MAX_NAMES || (alpn.len > 0 && alpn.data == NULL)) {
    return false;
  }
  while (CBS_len(&list) > 0) {
    if (!CBS_get_u8_length_prefixed(&list, &name) || CBS_len(&name) == 0) {
      return false;
    }
  }
  return true;
}

static bool valid_authorities(const hf_settings *s) {
  size_t total = 0;
  if (s->num_authorities > HF_MAX_NAMES || (s->num_authorities > 0 && s->authorities == NULL)) {
    return false;
  }
  for (size_t i = 0; i < s->num_authorities; i++) {
    if (s->authorities[i].data == NULL || s->authorities[i].len == 0 ||
        s->authorities[i].len > UINT16_MAX) {
      return false;
    }
    total += 2 + s->authorities[i].len;
    if (total > HF_MAX_NAMES) {
      return false;
    }
  }
  return true;
}

/* RFC 9001: nothing about records; early data is without limit (4.6.1). */
static bool valid_transport(const hf_settings *s) {
  return s->transport == HF_RECORDS
             ? !(s->flags & HF_QUIC_LEGACY_PARAMS)
             : s->transport == HF_QUIC && s->padding == 0 && s->record_size_limit == 0 &&
                   s->max_data == 0 && !(s->flags & (HF_PAD_HELLO | HF_ALWAYS_CCS));
}

static bool has_suites(const hf_settings *s, uint16_t version) {
  if (s->suites.list == NULL) {
    return true;  // and refused for that
  }
  for (size_t i = 0; i < s->suites.num; i++) {
    const hf_suite *suite = hf_suite_find(s->suites.list[i]);
    if (suite != NULL && suite->version == version) {
      return true;
    }
  }
  return false;
}

/* A version without a suite is not spoken, and one older than TLS 1.3 not in QUIC (RFC 9001 4.2).
 */
static void narrow_versions(hf_settings *s) {
  s->version_min = s->version_min < HF_TLS12 ? HF_TLS12 : s->version_min;
  s->version_max = s->version_max == 0 || s->version_max > HF_TLS13 ? HF_TLS13 : s->version_max;
  if (s->version_min == HF_TLS12 && (s->transport == HF_QUIC || !has_suites(s, HF_TLS12))) {
    s->version_min = HF_TLS13;
  }
  if (s->version_max == HF_TLS13 && !has_suites(s, HF_TLS13)) {
    s->version_max = HF_TLS12;
  }
}

static bool valid_fragment(uint16_t len) {
  return len == 0 || len == 512 || len == 1024 || len == 2048 || len == 4096;
}

/* RSASSA-PKCS1-v1_5, the last of the table, is for TLS 1.2 alone. */
static size_t num_default_sigalgs(const hf_settings *s) {
  size_t num = sizeof(default_sigalgs) / sizeof(default_sigalgs[0]);
  while (s->version_min > HF_TLS12 && !hf_signs_13(hf_sigalg_find(default_sigalgs[num - 1]))) {
    num--;
  }
  return num;
}

static void fill_in(hf_settings *s) {
  DEFAULT_CODES(&s->suites, default_suites);
  narrow_versions(s);
  DEFAULT_CODES(&s->groups, default_groups);
  default_codes(&s->verify_sigalgs, default_sigalgs, num_default_sigalgs(s));
  DEFAULT_CODES(&s->cert_sigalgs, default_cert_sigalgs);
  DEFAULT_CODES(&s->own_cert_types, default_cert_types);
  DEFAULT_CODES(&s->peer_cert_types, default_cert_types);
  if (s->key_shares.num == 0 && s->key_shares.list == NULL) {
    s->key_shares.list = s->groups.list;
    s->key_shares.num = 1;
  }
  s->ticket_lifetime = s->ticket_lifetime == 0 ? HF_DEFAULT_LIFETIME : s->ticket_lifetime;
  s->early_age_window = s->early_age_window == 0 ? HF_DEFAULT_AGE_WINDOW : s->early_age_window;
  s->max_message = s->max_message == 0 ? HF_DEFAULT_MESSAGE : s->max_message;
  s->max_flight = s->max_flight == 0 ? HF_DEFAULT_FLIGHT : s->max_flight;
  if (s->flags & HF_REQUIRE_CLIENT_CERT) {
    s->flags |= HF_REQUEST_CLIENT_CERT;
  }
  if (s->transport == HF_QUIC) {
    s->flags |= HF_EXPORT_SECRETS;
    s->max_early_data = s->max_early_data > 0 ? HF_QUIC_EARLY_DATA : 0;
  }
  if (!(s->flags & HF_ISSUE_TICKETS)) {
    s->num_tickets = 0;
  } else if (s->num_tickets == 0) {
    s->num_tickets = 2;
  }
}

static hf_status check(hf_settings *s) {
  fill_in(s);
  const uint32_t flags =
      HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT | HF_ALLOW_EARLY_DATA | HF_EXPORT_SECRETS |
      HF_TRACE | HF_ISSUE_TICKETS | HF_IGNORE_SERVER_NAME | HF_DEMAND_COOKIE |
      HF_PREFER_CLIENT_SUITES | HF_PREFER_CLIENT_GROUPS | HF_REQUEST_OCSP | HF_REQUEST_SCTS |
      HF_ALLOW_PSK_KE | HF_GREASE | HF_PERMUTE_EXTENSIONS | HF_FALSE_START | HF_STORE_SESSIONS |
      HF_NO_TICKETS | HF_REQUIRE_EMS | HF_SEND_FALLBACK_SCSV | HF_FALSE_START_WITHOUT_ALPN |
      HF_ALLOW_UNKNOWN_ALPN | HF_IGNORE_RSA_KEY_USAGE | HF_JDK11_WORKAROUND | HF_VERIFY_RESUMED |
      HF_PAD_HELLO | HF_QUIC_LEGACY_PARAMS | HF_ALWAYS_CCS;
  bool good =
      (s->flags & ~flags) == 0 && (s->role == HF_CLIENT || s->role == HF_SERVER) &&
      valid_transport(s) && s->version_min <= s->version_max &&
      valid_codes(s->suites, known_suite) && valid_codes(s->groups, known_group) &&
      valid_codes(s->verify_sigalgs, known_sigalg) && valid_codes(s->key_shares, known_group) &&
      valid_shares(s->key_shares, s->groups) && valid_alpn(s->alpn) && valid_authorities(s) &&
      valid_codes(s->compressors, any_code) && valid_codes(s->decompressors, any_code) &&
      valid_codes(s->cert_sigalgs, any_code) && valid_codes(s->own_cert_types, known_cert_type) &&
      valid_codes(s->peer_cert_types, known_cert_type) &&
      valid_codes(s->delegated_sigalgs, hf_delegable) && s->ticket_lifetime <= HF_MAX_LIFETIME &&
      s->num_tickets <= HF_MAX_TICKETS && s->padding <= HF_MAX_PLAINTEXT &&
      valid_fragment(s->max_fragment_length) && s->max_message < 1u << 24 &&
      s->max_flight <= 1u << 28 &&
      (s->max_data == 0 || (s->max_data >= 64 && s->max_data <= HF_MAX_PLAINTEXT)) &&
      (s->record_size_limit == 0 ||
       (s->record_size_limit >= 64 && s->record_size_limit <= HF_MAX_PLAINTEXT + 1));
  return good ? HF_OK : HF_MISUSE;
}

/* Takes |len| bytes off the front of |*block| for a copy of |data|. */
static const void *place(uint8_t **block, const void *data, size_t len) {
  uint8_t *at = *block;
  if (data == NULL) {
    return NULL;
  }
  if (len > 0) {
    memcpy(at, data, len);
  }
  *block += len;
  return at;
}

static void place_codes(uint8_t **block, hf_codes *codes) {
  codes->list = place(block, codes->list, codes->num * sizeof(uint16_t));
}

static hf_status copy_settings(hf_config *config) {
  hf_settings *s = &config->settings;
  hf_codes *codes[] = {&s->suites,           &s->groups,         &s->key_shares,
                       &s->verify_sigalgs,   &s->cert_sigalgs,   &s->decompressors,
                       &s->compressors,      &s->own_cert_types, &s->peer_cert_types,
                       &s->delegated_sigalgs};
  const size_t num_codes = sizeof(codes) / sizeof(codes[0]);
  // What needs the widest alignment comes first.
  size_t total = s->num_authorities * sizeof(hf_bytes) + s->alpn.len;
  for (size_t i = 0; i < num_codes; i++) {
    total += codes[i]->num * sizeof(uint16_t);
  }
  for (size_t i = 0; i < s->num_authorities; i++) {
    total += s->authorities[i].len;
  }
  uint8_t *block = OPENSSL_malloc(total);
  if (block == NULL) {
    return HF_NO_MEMORY;
  }
  config->storage = hf_range(block, total);
  hf_bytes *authorities = (hf_bytes *)(void *)block;
  s->authorities = place(&block, s->authorities, s->num_authorities * sizeof(hf_bytes));
  for (size_t i = 0; i < num_codes; i++) {
    place_codes(&block, codes[i]);
  }
  s->alpn.data = place(&block, s->alpn.data, s->alpn.len);
  for (size_t i = 0; i < s->num_authorities; i++) {
    authorities[i].data = place(&block, authorities[i].data, authorities[i].len);
  }
  return HF_OK;
}

hf_status hf_config_new(hf_config **out, const hf_settings *settings) {
  *out = NULL;
  hf_settings checked = *settings;
  HF_TRY(check(&checked));
  hf_config *config = OPENSSL_malloc(sizeof(*config));
  if (config == NULL) {
    return HF_NO_MEMORY;
  }
  memset(config, 0, sizeof(*config));
  atomic_init(&config->references, 1);
  config->settings = checked;
  hf_status status = copy_settings(config);
  if (status != HF_OK) {
    hf_config_free(config);
    return status;
  }
  *out = config;
  return HF_OK;
}

void hf_config_up_ref(hf_config *config) { atomic_fetch_add(&config->references, 1); }

void hf_config_free(hf_config *config) {
  if (config != NULL && atomic_fetch_sub(&config->references, 1) == 1) {
    hf_free_bytes(&config->storage);
    OPENSSL_free(config);
  }
}
