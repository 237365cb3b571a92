/* session_asn1.c: SSL_SESSION as bytes, in BoringSSL's encoding: a SEQUENCE that begins with
 *
 *   INTEGER 1, INTEGER protocol version, OCTET STRING suite, OCTET STRING id, OCTET STRING secret
 *
 * and goes on with elements [n] in ascending order, each around a value of its own.  Those that
 * nothing here uses are kept as they came and written at their places again.  [6], which BoringSSL
 * skips, holds the host name that the session is for.  What is read is checked as if an enemy had
 * written it, but it is not a secret's protection: who writes sessions knows their secrets. */
#include <string.h>

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pool.h>

#include "ssl/session.h"

enum {
  TAG_TIME = 1,
  TAG_TIMEOUT = 2,
  TAG_PEER = 3,
  TAG_SID_CTX = 4,
  TAG_VERIFY_RESULT = 5,
  TAG_NAME = 6,
  TAG_HINT = 9,
  TAG_TICKET = 10,
  TAG_SHA256 = 13,
  TAG_SCTS = 15,
  TAG_OCSP = 16,
  TAG_EMS = 17,
  TAG_GROUP = 18,
  TAG_CHAIN = 19,
  TAG_AGE_ADD = 21,
  TAG_IS_SERVER = 22,
  TAG_SIGALG = 23,
  TAG_MAX_EARLY = 24,
  TAG_AUTH_TIMEOUT = 25,
  TAG_ALPN = 26,
  TAG_IS_QUIC = 27,
  TAG_CONTEXT = 28,
  TAG_PEER_TYPE = 32,
  TAG_RAW_KEY = 33
};

#define TAG(number) (CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | (unsigned)(number))

/* ---- Writing ---- */

/* writer is the SEQUENCE and what is left of the session's |extra|. */
typedef struct writer {
  CBB *out;
  CBS extra;
} writer;

/* catch_up writes those of |extra| that come before [number]. */
static bool catch_up(writer *w, unsigned number) {
  CBS element;
  unsigned tag;
  for (CBS rest = w->extra; CBS_get_any_asn1_element(&rest, &element, &tag, NULL); w->extra = rest)
    if ((tag & CBS_ASN1_TAG_NUMBER_MASK) > number) {
      return true;
    } else if (!CBB_add_bytes(w->out, CBS_data(&element), CBS_len(&element))) {
      return false;
    }
  return true;
}

static bool begin(writer *w, CBB *field, unsigned number) {
  return catch_up(w, number) && CBB_add_asn1(w->out, field, TAG(number));
}

static bool put_number(writer *w, unsigned number, uint64_t value) {
  CBB field;
  return begin(w, &field, number) && CBB_add_asn1_uint64(&field, value) && CBB_flush(w->out);
}

static bool put_nonzero(writer *w, unsigned number, uint64_t value) {
  return value == 0 || put_number(w, number, value);
}

static bool put_octets(writer *w, unsigned number, const uint8_t *data, size_t len) {
  CBB field;
  return begin(w, &field, number) && CBB_add_asn1_octet_string(&field, data, len) &&
         CBB_flush(w->out);
}

static bool put_owned(writer *w, unsigned number, const ssl_owned *from) {
  return from->len == 0 || put_octets(w, number, from->data, from->len);
}

static bool put_staple(writer *w, unsigned number, const CRYPTO_BUFFER *from) {
  const hf_bytes bytes = ssl_staple_bytes(from);
  return bytes.len == 0 || put_octets(w, number, bytes.data, bytes.len);
}

/* put_certs writes the certificates from |first| to before |end|, one after another. */
static bool put_certs(writer *w, unsigned number, const STACK_OF(CRYPTO_BUFFER) * chain,
                      size_t first, size_t end) {
  CBB field;
  if (first >= end) return true;
  if (!begin(w, &field, number)) return false;
  for (size_t i = first; i < end; i++) {
    const CRYPTO_BUFFER *cert = sk_CRYPTO_BUFFER_value(chain, i);
    if (!CBB_add_bytes(&field, CRYPTO_BUFFER_data(cert), CRYPTO_BUFFER_len(cert))) return false;
  }
  return CBB_flush(w->out) != 0;
}

static bool put_head(CBB *out, const SSL_SESSION *s, bool for_ticket) {
  CBB suite;
  return CBB_add_asn1_uint64(out, 1) && CBB_add_asn1_uint64(out, s->version) &&
         CBB_add_asn1(out, &suite, CBS_ASN1_OCTETSTRING) && CBB_add_u16(&suite, s->suite) &&
         CBB_add_asn1_octet_string(out, s->id, for_ticket ? 0 : s->id_len) &&
         CBB_add_asn1_octet_string(out, s->secret, s->secret_len);
}

static bool put_age_add(writer *w, uint32_t age_add) {
  const uint8_t bytes[] = {(uint8_t)(age_add >> 24), (uint8_t)(age_add >> 16),
                           (uint8_t)(age_add >> 8), (uint8_t)age_add};
  return put_octets(w, TAG_AGE_ADD, bytes, sizeof bytes);
}

static bool put_bool(writer *w, unsigned number, int value) {
  CBB field;
  return begin(w, &field, number) && CBB_add_asn1_bool(&field, value) && CBB_flush(w->out);
}

static bool put_raw_key(writer *w, const CRYPTO_BUFFER *spki) {
  CBB field;
  return put_number(w, TAG_PEER_TYPE, TLSEXT_cert_type_rpk) && begin(w, &field, TAG_RAW_KEY) &&
         CBB_add_bytes(&field, CRYPTO_BUFFER_data(spki), CRYPTO_BUFFER_len(spki)) &&
         CBB_flush(w->out);
}

static bool put_first_half(writer *w, const SSL_SESSION *s, bool for_ticket) {
  size_t certs = sk_CRYPTO_BUFFER_num(s->chain);
  return put_number(w, TAG_TIME, s->issued / 1000) && put_number(w, TAG_TIMEOUT, s->timeout) &&
         put_certs(w, TAG_PEER, s->chain, 0, certs > 1 ? 1 : certs) &&
         put_octets(w, TAG_SID_CTX, s->sid_ctx, s->sid_ctx_len) &&
         put_nonzero(w, TAG_VERIFY_RESULT, (uint64_t)s->verify_result) &&
         (!s->has_name || put_octets(w, TAG_NAME, s->name.data, s->name.len)) &&
         put_nonzero(w, TAG_HINT, s->hint) &&
         (for_ticket || put_owned(w, TAG_TICKET, &s->ticket)) &&
         (!s->has_sha256 || put_octets(w, TAG_SHA256, s->sha256, SSL_SHA256)) &&
         put_staple(w, TAG_SCTS, s->staples.scts) && put_staple(w, TAG_OCSP, s->staples.ocsp);
}

static bool put_second_half(writer *w, const SSL_SESSION *s) {
  return (!s->ems || put_bool(w, TAG_EMS, 1)) && put_nonzero(w, TAG_GROUP, s->group) &&
         put_certs(w, TAG_CHAIN, s->chain, 1, sk_CRYPTO_BUFFER_num(s->chain)) &&
         (!s->has_age_add || put_age_add(w, s->age_add)) &&
         (s->is_server || put_bool(w, TAG_IS_SERVER, 0)) && put_nonzero(w, TAG_SIGALG, s->sigalg) &&
         put_nonzero(w, TAG_MAX_EARLY, s->max_early_data) &&
         (s->auth_timeout == s->timeout || put_number(w, TAG_AUTH_TIMEOUT, s->auth_timeout)) &&
         put_owned(w, TAG_ALPN, &s->alpn) && (!s->is_quic || put_bool(w, TAG_IS_QUIC, 1)) &&
         put_owned(w, TAG_CONTEXT, &s->early_context) && catch_up(w, TAG_PEER_TYPE) &&
         (s->spki == NULL || put_raw_key(w, s->spki));
}

/* What stands for a session that cannot be resumed; BoringSSL writes the same. */
static const uint8_t kNotResumable[] = {'N', 'O', 'T', ' ', 'R', 'E', 'S',
                                        'U', 'M', 'A', 'B', 'L', 'E'};

static bool write_session(CBB *out, const SSL_SESSION *s, bool for_ticket) {
  CBB sequence;
  writer w = {&sequence, {NULL, 0}};
  if (!for_ticket && s->ticket.len == 0 && s->id_len == 0)
    return CBB_add_bytes(out, kNotResumable, sizeof kNotResumable) != 0;
  CBS_init(&w.extra, s->extra.data, s->extra.len);
  return s->suite != 0 && CBB_add_asn1(out, &sequence, CBS_ASN1_SEQUENCE) &&
         put_head(&sequence, s, for_ticket) && put_first_half(&w, s, for_ticket) &&
         put_second_half(&w, s) && CBB_flush(out);
}

static int to_bytes(const SSL_SESSION *in, uint8_t **out_data, size_t *out_len, bool for_ticket) {
  CBB cbb;
  if (CBB_init(&cbb, 256) && write_session(&cbb, in, for_ticket) &&
      CBB_finish(&cbb, out_data, out_len))
    return 1;
  CBB_cleanup(&cbb);
  return 0;
}

int SSL_SESSION_to_bytes(const SSL_SESSION *in, uint8_t **out_data, size_t *out_len) {
  return to_bytes(in, out_data, out_len, false);
}

int SSL_SESSION_to_bytes_for_ticket(const SSL_SESSION *in, uint8_t **out_data, size_t *out_len) {
  return to_bytes(in, out_data, out_len, true);
}

int i2d_SSL_SESSION(const SSL_SESSION *in, uint8_t **pp) {
  uint8_t *data;
  size_t len;
  if (!to_bytes(in, &data, &len, false)) return -1;
  if (len > INT32_MAX) {
    OPENSSL_free(data);
    return -1;
  }
  if (pp != NULL && *pp == NULL) {
    *pp = data;
    return (int)len;
  }
  if (pp != NULL) {
    memcpy(*pp, data, len);
    *pp += len;
  }
  OPENSSL_free(data);
  return (int)len;
}

/* ---- Reading ---- */

static bool get_number(CBS *field, uint64_t max, uint64_t *out) {
  return CBS_get_asn1_uint64(field, out) && *out <= max && CBS_len(field) == 0;
}

static bool get_u32(CBS *field, uint32_t *out) {
  uint64_t value;
  if (!get_number(field, UINT32_MAX, &value)) return false;
  *out = (uint32_t)value;
  return true;
}

static bool get_u16(CBS *field, uint16_t *out) {
  uint64_t value;
  if (!get_number(field, UINT16_MAX, &value)) return false;
  *out = (uint16_t)value;
  return true;
}

static bool get_octets(CBS *field, CBS *out) {
  return CBS_get_asn1(field, out, CBS_ASN1_OCTETSTRING) && CBS_len(field) == 0;
}

static bool get_owned(CBS *field, ssl_owned *out) {
  CBS bytes;
  return get_octets(field, &bytes) && ssl_owned_set(out, CBS_data(&bytes), CBS_len(&bytes));
}

static bool get_staple(CBS *field, CRYPTO_BUFFER **out) {
  CBS bytes;
  if (!get_octets(field, &bytes)) return false;
  *out = CRYPTO_BUFFER_new_from_CBS(&bytes, NULL);
  return *out != NULL;
}

/* fixed copies at most |max| bytes. */
static bool fixed(const CBS *from, uint8_t *out, size_t *out_len, size_t max) {
  if (CBS_len(from) > max) return false;
  memcpy(out, CBS_data(from), CBS_len(from));
  *out_len = CBS_len(from);
  return true;
}

/* get_certs appends the certificates in |field|, at least one and at most |max|. */
static bool get_certs(CBS *field, SSL_SESSION *s, size_t max) {
  if (s->chain == NULL && (s->chain = sk_CRYPTO_BUFFER_new_null()) == NULL) return false;
  size_t num = 0;
  for (CBS der; CBS_len(field) > 0; num++) {
    if (num == max || !CBS_get_asn1_element(field, &der, CBS_ASN1_SEQUENCE)) return false;
    CRYPTO_BUFFER *cert = CRYPTO_BUFFER_new(CBS_data(&der), CBS_len(&der), NULL);
    if (cert == NULL || !sk_CRYPTO_BUFFER_push(s->chain, cert)) {
      CRYPTO_BUFFER_free(cert);
      return false;
    }
  }
  return num > 0;
}

static bool get_verify_result(CBS *field, SSL_SESSION *s) {
  uint64_t value;
  if (!get_number(field, INT32_MAX, &value)) return false;
  s->verify_result = (long)value;
  return true;
}

static bool get_bool(CBS *field, bool *out) {
  int value;
  if (!CBS_get_asn1_bool(field, &value) || CBS_len(field) != 0) return false;
  *out = value != 0;
  return true;
}

static bool get_time(CBS *field, SSL_SESSION *s) {
  uint64_t seconds;
  if (!get_number(field, UINT64_MAX / 1000, &seconds)) return false;
  s->issued = seconds * 1000;
  return true;
}

/* get_sha256 reads the hash of a certificate that is not there itself. */
static bool get_sha256(CBS *field, SSL_SESSION *s) {
  CBS bytes;
  s->has_sha256 = true;
  return s->chain == NULL && get_octets(field, &bytes) &&
         CBS_copy_bytes(&bytes, s->sha256, SSL_SHA256) && CBS_len(&bytes) == 0;
}

/* get_raw_key reads a SubjectPublicKeyInfo, whose type came before it, and nothing beside. */
static bool get_raw_key(CBS *field, SSL_SESSION *s) {
  CBS spki;
  if (!s->peer_is_raw || s->chain != NULL || s->has_sha256 ||
      !CBS_get_asn1_element(field, &spki, CBS_ASN1_SEQUENCE) || CBS_len(field) != 0)
    return false;
  s->spki = CRYPTO_BUFFER_new(CBS_data(&spki), CBS_len(&spki), NULL);
  return s->spki != NULL && SSL_SESSION_get0_peer_rpk(s) != NULL;
}

static bool get_peer_type(CBS *field, SSL_SESSION *s) {
  uint64_t type;
  s->peer_is_raw = true;
  return get_number(field, UINT8_MAX, &type) && type == TLSEXT_cert_type_rpk;
}

static bool get_field(SSL_SESSION *s, unsigned number, CBS *field) {
  CBS bytes;
  switch (number) {
    case TAG_TIME:
      return get_time(field, s);
    case TAG_TIMEOUT:
      return get_u32(field, &s->timeout) && (s->auth_timeout = s->timeout, true);
    case TAG_PEER:
      return get_certs(field, s, 1);
    case TAG_SID_CTX:
      return get_octets(field, &bytes) &&
             fixed(&bytes, s->sid_ctx, &s->sid_ctx_len, sizeof s->sid_ctx);
    case TAG_VERIFY_RESULT:
      return get_verify_result(field, s);
    case TAG_NAME:
      s->has_name = true;
      return get_owned(field, &s->name);
    case TAG_HINT:
      return get_u32(field, &s->hint);
    case TAG_TICKET:
      return get_owned(field, &s->ticket);
    case TAG_SHA256:
      return get_sha256(field, s);
    case TAG_SCTS:
      return get_staple(field, &s->staples.scts);
    case TAG_OCSP:
      return get_staple(field, &s->staples.ocsp);
    case TAG_EMS:
      return get_bool(field, &s->ems);
    case TAG_GROUP:
      return get_u16(field, &s->group);
    case TAG_CHAIN:
      return s->chain != NULL && get_certs(field, s, SIZE_MAX);
    case TAG_AGE_ADD:
      s->has_age_add = true;
      return get_octets(field, &bytes) && CBS_get_u32(&bytes, &s->age_add) && CBS_len(&bytes) == 0;
    case TAG_IS_SERVER:
      return get_bool(field, &s->is_server);
    case TAG_SIGALG:
      return get_u16(field, &s->sigalg);
    case TAG_MAX_EARLY:
      return get_u32(field, &s->max_early_data);
    case TAG_AUTH_TIMEOUT:
      return get_u32(field, &s->auth_timeout);
    case TAG_ALPN:
      return get_owned(field, &s->alpn);
    case TAG_IS_QUIC:
      return get_bool(field, &s->is_quic);
    case TAG_CONTEXT:
      return get_owned(field, &s->early_context);
    case TAG_PEER_TYPE:
      return get_peer_type(field, s);
    case TAG_RAW_KEY:
      return get_raw_key(field, s);
    default:
      return false;
  }
}

/* is_extra: elements that BoringSSL has and nothing here uses. */
static bool is_extra(unsigned number) {
  return number == 8 || number == 14 || (number >= 29 && number < TAG_PEER_TYPE);
}

static bool add_extra(SSL_SESSION *s, const CBS *element) {
  size_t len = CBS_len(element);
  uint8_t *data = OPENSSL_realloc(s->extra.data, s->extra.len + len);
  if (data == NULL) return false;
  memcpy(data + s->extra.len, CBS_data(element), len);
  s->extra = (ssl_owned){data, s->extra.len + len};
  return true;
}

/* get_fields reads the elements [n], of which [1] and [2] have to be there. */
static bool get_fields(SSL_SESSION *s, CBS *sequence) {
  unsigned last = 0;
  while (CBS_len(sequence) > 0) {
    CBS element, field;
    unsigned tag;
    size_t header;
    if (!CBS_get_any_asn1_element(sequence, &element, &tag, &header)) return false;
    unsigned number = tag & CBS_ASN1_TAG_NUMBER_MASK;
    if (tag != TAG(number) || number <= last || (last < TAG_TIMEOUT && number != last + 1))
      return false;
    last = number;
    field = element;
    if (is_extra(number) ? !add_extra(s, &element)
                         : !CBS_skip(&field, header) || !get_field(s, number, &field))
      return false;
  }
  return last >= TAG_TIMEOUT;
}

static bool get_head(SSL_SESSION *s, CBS *in) {
  uint64_t format, version;
  CBS suite, id, secret;
  if (!CBS_get_asn1_uint64(in, &format) || format != 1 || !CBS_get_asn1_uint64(in, &version) ||
      version < TLS1_VERSION || version > TLS1_3_VERSION ||
      !CBS_get_asn1(in, &suite, CBS_ASN1_OCTETSTRING) || !CBS_get_u16(&suite, &s->suite) ||
      CBS_len(&suite) != 0 || !CBS_get_asn1(in, &id, CBS_ASN1_OCTETSTRING) ||
      !fixed(&id, s->id, &s->id_len, sizeof s->id) ||
      !CBS_get_asn1(in, &secret, CBS_ASN1_OCTETSTRING))
    return false;
  s->version = (uint16_t)version;
  return fixed(&secret, s->secret, &s->secret_len, sizeof s->secret);
}

SSL_SESSION *ssl_session_parse(CBS *in) {
  CBS sequence;
  SSL_SESSION *s = SSL_SESSION_new(NULL);
  if (s == NULL) return NULL;
  s->is_server = true; /* unless it says otherwise */
  s->verify_result = X509_V_OK;
  if (!CBS_get_asn1(in, &sequence, CBS_ASN1_SEQUENCE) || !get_head(s, &sequence) ||
      !get_fields(s, &sequence)) {
    SSL_ERR(SSL_R_INVALID_SSL_SESSION);
  } else if (SSL_get_cipher_by_value(s->suite) == NULL) {
    SSL_ERR(SSL_R_UNSUPPORTED_CIPHER);
  } else {
    return s;
  }
  SSL_SESSION_free(s);
  return NULL;
}

SSL_SESSION *SSL_SESSION_from_bytes(const uint8_t *in, size_t in_len, const SSL_CTX *ctx) {
  CBS cbs;
  (void)ctx;
  CBS_init(&cbs, in, in_len);
  SSL_SESSION *session = ssl_session_parse(&cbs);
  if (session == NULL || CBS_len(&cbs) == 0) return session;
  SSL_ERR(SSL_R_INVALID_SSL_SESSION);
  SSL_SESSION_free(session);
  return NULL;
}

SSL_SESSION *d2i_SSL_SESSION(SSL_SESSION **a, const uint8_t **pp, long length) {
  CBS cbs;
  if (length < 0) {
    SSL_ERR(ERR_R_INTERNAL_ERROR);
    return NULL;
  }
  CBS_init(&cbs, *pp, (size_t)length);
  SSL_SESSION *session = ssl_session_parse(&cbs);
  if (session == NULL) return NULL;
  if (a != NULL) {
    SSL_SESSION_free(*a);
    *a = session;
  }
  *pp = CBS_data(&cbs);
  return session;
}
