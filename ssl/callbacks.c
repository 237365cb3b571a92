/* callbacks.c: who looks on: info, msg and keylog callbacks, and the names of alerts.
 *
 * Owns: the translation of the engine's events into what these callbacks are told.  Events are
 * given out after the engine's call that made them, in order, before anything else happens. Leaves
 * to others: the key log's lines (answers.c makes them). */
#include "ssl/driver.h"

/* ---- Telling ---- */

void ssl_info(SSL *ssl, int type, int value) {
  if (ssl->local.info_callback != NULL) ssl->local.info_callback(ssl, type, value);
}

static void tell_msg(SSL *ssl, const hf_event *event) {
  if (ssl->local.msg_callback == NULL || event->content == HF_EVENT_INNER_TYPE) return;
  /* A header has no version of its own to speak of. */
  int version = event->content == HF_EVENT_HEADER ? 0 : SSL_version(ssl);
  ssl->local.msg_callback(event->sent, version, event->content, event->bytes.data, event->bytes.len,
                          ssl, ssl->local.msg_callback_arg);
}

static void tell_info(SSL *ssl, const hf_event *event) {
  if (event->content == SSL3_RT_HANDSHAKE && !ssl->io.done)
    ssl_info(ssl, ssl->role == SSL_ROLE_CLIENT ? SSL_CB_CONNECT_LOOP : SSL_CB_ACCEPT_LOOP, 1);
  if (event->content == SSL3_RT_ALERT && event->bytes.len == 2)
    ssl_info(ssl, event->sent ? SSL_CB_WRITE_ALERT : SSL_CB_READ_ALERT,
             event->bytes.data[0] << 8 | event->bytes.data[1]);
}

bool ssl_is_watched(const SSL *ssl) {
  return ssl->local.info_callback != NULL || ssl->local.msg_callback != NULL;
}

void ssl_give_events(SSL *ssl) {
  hf_event event;
  /* Also if nobody looks on any more: the engine would keep them. */
  while (hf_next_event(ssl->conn, &event)) {
    tell_msg(ssl, &event);
    tell_info(ssl, &event);
  }
}

/* ---- Setting ---- */

void SSL_CTX_set_info_callback(SSL_CTX *ctx, void (*cb)(const SSL *ssl, int type, int value)) {
  ctx->local.info_callback = cb;
}

void (*SSL_CTX_get_info_callback(SSL_CTX *ctx))(const SSL *ssl, int type, int value) {
  return ctx->local.info_callback;
}

void SSL_set_info_callback(SSL *ssl, void (*cb)(const SSL *ssl, int type, int value)) {
  ssl->local.info_callback = cb;
}

void (*SSL_get_info_callback(const SSL *ssl))(const SSL *ssl, int type, int value) {
  return ssl->local.info_callback;
}

void SSL_CTX_set_msg_callback(SSL_CTX *ctx,
                              void (*cb)(int is_write, int version, int content_type,
                                         const void *buf, size_t len, SSL *ssl, void *arg)) {
  ctx->local.msg_callback = cb;
}

void SSL_CTX_set_msg_callback_arg(SSL_CTX *ctx, void *arg) { ctx->local.msg_callback_arg = arg; }

void SSL_set_msg_callback(SSL *ssl, void (*cb)(int is_write, int version, int content_type,
                                               const void *buf, size_t len, SSL *ssl, void *arg)) {
  ssl->local.msg_callback = cb;
}

void SSL_set_msg_callback_arg(SSL *ssl, void *arg) { ssl->local.msg_callback_arg = arg; }

void SSL_CTX_set_keylog_callback(SSL_CTX *ctx, void (*cb)(const SSL *ssl, const char *line)) {
  ctx->keylog_callback = cb;
}

void (*SSL_CTX_get_keylog_callback(const SSL_CTX *ctx))(const SSL *ssl, const char *line) {
  return ctx->keylog_callback;
}

/* ---- The names of alerts (RFC 9846 6) ---- */

typedef struct alert_name {
  uint8_t code;
  char brief[3]; /* OpenSSL's two letters */
  const char *name;
} alert_name;

static const alert_name kAlerts[] = {
    {SSL_AD_CLOSE_NOTIFY, "CN", "close notify"},
    {SSL_AD_UNEXPECTED_MESSAGE, "UM", "unexpected_message"},
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
    {SSL_AD_INAPPROPRIATE_FALLBACK, "IF", "inappropriate fallback"},
    {SSL_AD_USER_CANCELLED, "US", "user canceled"},
    {SSL_AD_NO_RENEGOTIATION, "NR", "no renegotiation"},
    {SSL_AD_MISSING_EXTENSION, "ME", "missing extension"},
    {SSL_AD_UNSUPPORTED_EXTENSION, "UE", "unsupported extension"},
    {SSL_AD_CERTIFICATE_UNOBTAINABLE, "CO", "certificate unobtainable"},
    {SSL_AD_UNRECOGNIZED_NAME, "UN", "unrecognized name"},
    {SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, "BR", "bad certificate status response"},
    {SSL_AD_BAD_CERTIFICATE_HASH_VALUE, "BH", "bad certificate hash value"},
    {SSL_AD_UNKNOWN_PSK_IDENTITY, "UP", "unknown PSK identity"},
    {SSL_AD_CERTIFICATE_REQUIRED, "RQ", "certificate required"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "AP", "no application protocol"},
    {SSL_AD_ECH_REQUIRED, "EH", "ECH required"},
};

static const alert_name *find_alert(int value) {
  for (size_t i = 0; i < sizeof(kAlerts) / sizeof(kAlerts[0]); i++)
    if (kAlerts[i].code == (value & 0xff)) return &kAlerts[i];
  return NULL;
}

const char *SSL_alert_desc_string(int value) {
  const alert_name *alert = find_alert(value);
  return alert != NULL ? alert->brief : "UK";
}

const char *SSL_alert_desc_string_long(int value) {
  const alert_name *alert = find_alert(value);
  return alert != NULL ? alert->name : "unknown";
}

const char *SSL_alert_type_string(int value) {
  switch (value >> 8) {
    case SSL3_AL_WARNING:
      return "W";
    case SSL3_AL_FATAL:
      return "F";
    default:
      return "U";
  }
}

const char *SSL_alert_type_string_long(int value) {
  switch (value >> 8) {
    case SSL3_AL_WARNING:
      return "warning";
    case SSL3_AL_FATAL:
      return "fatal";
    default:
      return "unknown";
  }
}
