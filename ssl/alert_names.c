/* alert_names.c: alerts (RFC 9846 6) by name. */
#include "ssl/internal.h"

typedef struct alert_name {
  int number;
  const char *brief, *name;
} alert_name;

/* The two letters are what OpenSSL has; newer alerts have none. */
static const alert_name kAlerts[] = {
    {SSL_AD_CLOSE_NOTIFY, "CN", "close notify"},
    {SSL_AD_UNEXPECTED_MESSAGE, "UM", "unexpected message"},
    {SSL_AD_BAD_RECORD_MAC, "BM", "bad record mac"},
    {SSL_AD_DECRYPTION_FAILED, "DC", "decryption failed"},
    {SSL_AD_RECORD_OVERFLOW, "RO", "record overflow"},
    {SSL_AD_DECOMPRESSION_FAILURE, "DF", "decompression failure"},
    {SSL_AD_HANDSHAKE_FAILURE, "HF", "handshake failure"},
    {SSL_AD_NO_CERTIFICATE, "NC", "no certificate"},
    {SSL_AD_BAD_CERTIFICATE, "BC", "bad certificate"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, "UC", "unsupported certificate"},
    {SSL_AD_CERTIFICATE_REVOKED, "CR", "certificate revoked"},
    {SSL_AD_CERTIFICATE_EXPIRED, "CE", "certificate expired"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "CU", "certificate unknown"},
    {SSL_AD_ILLEGAL_PARAMETER, "IP", "illegal parameter"},
    {SSL_AD_UNKNOWN_CA, "CA", "unknown CA"},
    {SSL_AD_ACCESS_DENIED, "AD", "access denied"},
    {SSL_AD_DECODE_ERROR, "DE", "decode error"},
    {SSL_AD_DECRYPT_ERROR, "CY", "decrypt error"},
    {SSL_AD_EXPORT_RESTRICTION, "ER", "export restriction"},
    {SSL_AD_PROTOCOL_VERSION, "PV", "protocol version"},
    {SSL_AD_INSUFFICIENT_SECURITY, "IS", "insufficient security"},
    {SSL_AD_INTERNAL_ERROR, "IE", "internal error"},
    {SSL_AD_INAPPROPRIATE_FALLBACK, "UK", "inappropriate fallback"},
    {SSL_AD_USER_CANCELLED, "US", "user canceled"},
    {SSL_AD_NO_RENEGOTIATION, "NR", "no renegotiation"},
    {SSL_AD_MISSING_EXTENSION, "UK", "missing extension"},
    {SSL_AD_UNSUPPORTED_EXTENSION, "UE", "unsupported extension"},
    {SSL_AD_CERTIFICATE_UNOBTAINABLE, "CO", "certificate unobtainable"},
    {SSL_AD_UNRECOGNIZED_NAME, "UN", "unrecognized name"},
    {SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, "BR", "bad certificate status response"},
    {SSL_AD_BAD_CERTIFICATE_HASH_VALUE, "BH", "bad certificate hash value"},
    {SSL_AD_UNKNOWN_PSK_IDENTITY, "UP", "unknown PSK identity"},
    {SSL_AD_CERTIFICATE_REQUIRED, "UK", "certificate required"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "UK", "no application protocol"},
    {SSL_AD_ECH_REQUIRED, "UK", "ECH required"},
};

static const alert_name *find(int value) {
  for (size_t i = 0; i < sizeof kAlerts / sizeof kAlerts[0]; i++)
    if (kAlerts[i].number == (value & 0xff)) return &kAlerts[i];
  return NULL;
}

const char *SSL_alert_desc_string(int value) {
  const alert_name *found = find(value);
  return found == NULL ? "UK" : found->brief;
}

const char *SSL_alert_desc_string_long(int value) {
  const alert_name *found = find(value);
  return found == NULL ? "unknown" : found->name;
}

const char *SSL_alert_type_string(int value) {
  if (value >> 8 == SSL3_AL_WARNING) return "W";
  return value >> 8 == SSL3_AL_FATAL ? "F" : "U";
}

const char *SSL_alert_type_string_long(int value) {
  if (value >> 8 == SSL3_AL_WARNING) return "warning";
  return value >> 8 == SSL3_AL_FATAL ? "fatal" : "unknown";
}
