/* credential.c: delegated credentials (RFC 9345): keys that an end entity's certificate vouches for
 * some days, both ways.
 *
 * What came is checked as a whole before its key takes the place of the certificate's: what both
 * sides may sign with, that the certificate permits it, time, and the delegation's signature.  That
 * the handshake is then signed with the algorithm the credential names is checked with that
 * signature (auth.c).  Whether the certificate is to be trusted is a question (HF_ASK_VERDICT). */
#include "engine.h"

#include <string.h>

enum { MAX_VALIDITY = 7 * 86400 * 1000 };  // milliseconds: RFC 9345 4.1.3

/* ---- DelegatedCredential, RFC 9345 4 ---- */

typedef struct delegated {
  uint32_t valid_time; /* seconds after the certificate's notBefore */
  uint16_t key_sigalg; /* dc_cert_verify_algorithm */
  uint16_t sigalg;     /* of the delegation */
  CBS spki, signature;
  CBS covered; /* Credential and algorithm, which the signature is over */
} delegated;

static bool parse(delegated *out, CBS body) {
  const CBS whole = body;
  if (!CBS_get_u32(&body, &out->valid_time) || !CBS_get_u16(&body, &out->key_sigalg) ||
      !CBS_get_u24_length_prefixed(&body, &out->spki) || CBS_len(&out->spki) == 0 ||
      !CBS_get_u16(&body, &out->sigalg)) {
    return false;
  }
  CBS_init(&out->covered, CBS_data(&whole), CBS_len(&whole) - CBS_len(&body));
  return CBS_get_u16_length_prefixed(&body, &out->signature) && CBS_len(&body) == 0;
}

bool hf_delegable(uint16_t code) {
  const hf_sigalg *sigalg = hf_sigalg_find(code);
  return sigalg != NULL && sigalg->pkey_type != EVP_PKEY_RSA;
}

hf_status hf_identity_set_delegated(hf_identity *identity, hf_bytes credential) {
  enum { HEADS = 4 + 12 };  // of this extension, and of what else is stapled
  delegated parsed;
  CBS body;
  CBS_init(&body, credential.data, credential.len);
  if (identity->raw_key || !parse(&parsed, body) || !hf_delegable(parsed.key_sigalg) ||
      credential.len + identity->ocsp.len + identity->scts.len > UINT16_MAX - HEADS) {
    return HF_MISUSE;
  }
  HF_TRY(hf_copy(&identity->delegated, credential.data, credential.len));
  identity->delegated_sigalg = parsed.key_sigalg;
  identity->delegation_sigalg = parsed.sigalg;
  return HF_OK;
}

/* ---- The extension ---- */

hf_status hf_send_ext_delegated_credential(hf_conn *conn, hf_place place, CBB *list) {
  const hf_codes codes = conn->config->settings.delegated_sigalgs;
  CBB body;
  if (place == CT ? !conn->own_delegated : codes.num == 0) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_delegated_credential));
  if (place == CT) {
    const hf_bytes credential = conn->hs->identity->delegated;
    return hf_ext_end(list, CBB_add_bytes(&body, credential.data, credential.len));
  }
  HF_TRY(hf_put_codes(&body, codes));
  return hf_ext_end(list, true);
}

hf_status hf_receive_ext_delegated_credential(hf_conn *conn, hf_place place, CBS *body) {
  CBS codes;
  if (place == CT) {
    // Only the end entity's counts (RFC 9345 4.1.1): hf_take_delegated reads it.
    return CBS_skip(body, CBS_len(body)) ? HF_OK : HF_INTERNAL;
  }
  if (place == CH && !hf_wire_has(hf_hello_list(conn, HF_EXT_supported_versions, true), HF_TLS13)) {
    CBS_skip(body, CBS_len(body));  // it means nothing to older versions: RFC 9345 4.1.1
    return HF_OK;
  }
  HF_TRY(hf_get_codes(body, &codes));
  if (place == CR) {
    conn->hs->request_delegated.start = (uint32_t)(CBS_data(&codes) - conn->in.data);
    conn->hs->request_delegated.len = (uint32_t)CBS_len(&codes);
  }
  return HF_OK;
}

/* ---- What is checked: RFC 9345 4.1.3, 4.2 ---- */

static bool two_digits(CBS *cbs, int64_t *out) {
  uint8_t tens, ones;
  if (!CBS_get_u8(cbs, &tens) || !CBS_get_u8(cbs, &ones) || tens < '0' || tens > '9' ||
      ones < '0' || ones > '9') {
    return false;
  }
  *out = (tens - '0') * 10 + (ones - '0');
  return true;
}

/* Seconds since 1970 of a date in the Gregorian calendar. */
static int64_t seconds_of(int64_t year, int64_t month, int64_t day) {
  static const int16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  enum { LEAP_DAYS_TO_1970 = 477 };
  const int64_t last = month > 2 ? year : year - 1;  // year that may have brought a leap day
  const int64_t leap_days = last / 4 - last / 100 + last / 400 - LEAP_DAYS_TO_1970;
  return ((year - 1970) * 365 + leap_days + before[month - 1] + day - 1) * 86400;
}

/* RFC 5280 4.1.2.5: YYMMDDHHMMSSZ, of 1950 to 2049, or YYYYMMDDHHMMSSZ. */
static bool read_not_before(CBS validity, int64_t *out) {
  int64_t century = -1, year, month, day, hour, minute, second;
  CBS time, rest = validity;
  uint8_t zone;
  if (!CBS_get_asn1(&validity, &time, CBS_ASN1_UTCTIME)) {
    if (!CBS_get_asn1(&rest, &time, CBS_ASN1_GENERALIZEDTIME) || !two_digits(&time, &century)) {
      return false;
    }
  }
  if (!two_digits(&time, &year) || !two_digits(&time, &month) || !two_digits(&time, &day) ||
      !two_digits(&time, &hour) || !two_digits(&time, &minute) || !two_digits(&time, &second) ||
      !CBS_get_u8(&time, &zone) || zone != 'Z' || CBS_len(&time) != 0 || month < 1 || month > 12 ||
      day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) {
    return false;
  }
  century = century >= 0 ? century : year < 50 ? 20 : 19;
  *out = seconds_of(century * 100 + year, month, day) + hour * 3600 + minute * 60 + second;
  return true;
}

/* Neither over, nor longer to go than a credential may live. */
static hf_status check_time(const hf_conn *conn, const hf_leaf *leaf, uint32_t valid_time) {
  int64_t not_before;
  if (!read_not_before(leaf->validity, &not_before)) {
    return HF_BAD_CERTIFICATE;
  }
  const int64_t expiry = not_before + valid_time;
  const uint64_t end = expiry < 0 ? 0 : (uint64_t)expiry * 1000;
  return end >= conn->now && end - conn->now <= MAX_VALIDITY ? HF_OK : HF_CREDENTIAL_EXPIRED;
}

/* DelegationUsage, which is NULL, and a keyUsage with digitalSignature: the latter was looked at
 * already if it is there. */
static hf_status check_permission(const hf_leaf *leaf) {
  static const uint8_t delegation_usage[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xda, 0x4b, 0x2c};
  static const uint8_t null[] = {0x05, 0x00};
  CBS usage, key_usage;
  HF_TRY(hf_leaf_extension(&usage, leaf, delegation_usage, sizeof(delegation_usage)));
  HF_TRY(hf_leaf_key_usage(&key_usage, leaf));
  return CBS_mem_equal(&usage, null, sizeof(null)) && CBS_len(&key_usage) > 0
             ? HF_OK
             : HF_CREDENTIAL_FORBIDDEN;
}

static hf_status check_delegation(const hf_conn *conn, const delegated *credential,
                                  CBS certificate) {
  static const char server[] = "TLS, server delegated credentials";
  static const char client[] = "TLS, client delegated credentials";
  static_assert(sizeof(server) == 34 && sizeof(client) == 34, "the zero byte is part of it");
  const size_t head = 64 + sizeof(server);
  const size_t len = head + CBS_len(&certificate) + CBS_len(&credential->covered);
  uint8_t *input = OPENSSL_malloc(len);
  if (input == NULL) {
    return HF_NO_MEMORY;
  }
  memset(input, ' ', 64);
  memcpy(input + 64, hf_is_server(conn) ? client : server, sizeof(server));
  memcpy(input + head, CBS_data(&certificate), CBS_len(&certificate));
  memcpy(input + head + CBS_len(&certificate), CBS_data(&credential->covered),
         CBS_len(&credential->covered));
  const hf_status status = hf_verify(hf_sigalg_find(credential->sigalg), conn->hs->peer_key, true,
                                     credential->signature, input, len);
  OPENSSL_free(input);
  return status == HF_BAD_SIGNATURE || status == HF_WRONG_SIGALG ? HF_BAD_CREDENTIAL : status;
}

hf_status hf_take_delegated(hf_conn *conn, CBS certificate, CBS body) {
  const hf_settings *s = &conn->config->settings;
  delegated credential;
  hf_leaf leaf;
  EVP_PKEY *key = NULL;
  if (!parse(&credential, body)) {
    return HF_BAD_EXTENSION;
  }
  if (!hf_codes_have(s->delegated_sigalgs, credential.key_sigalg) ||
      !hf_codes_have(s->verify_sigalgs, credential.sigalg)) {
    return HF_BAD_CREDENTIAL;
  }
  HF_TRY(hf_leaf_parse(&leaf, certificate));
  HF_TRY(check_permission(&leaf));
  HF_TRY(check_time(conn, &leaf, credential.valid_time));
  HF_TRY(check_delegation(conn, &credential, certificate));
  const hf_status status = hf_raw_key(&key, credential.spki);
  if (status != HF_OK) {
    return status == HF_BAD_CERTIFICATE || status == HF_UNSUPPORTED_CERTIFICATE ? HF_BAD_CREDENTIAL
                                                                                : status;
  }
  EVP_PKEY_free(conn->hs->peer_key);
  conn->hs->peer_key = key;
  conn->hs->delegated_sigalg = credential.key_sigalg;
  conn->peer_delegated = true;
  return HF_OK;
}
