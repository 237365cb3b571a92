/* quic.c: QUIC as the runner pictures it.  A record is its type, its level, the cipher suite, a
 * length of four bytes, the level's secret in clear, and the contents; it runs over the socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bytestring.h>

#include "tests/bogo/shim.h"

enum { HEADER = 8, MAX_RECORD = 1 << 20 };

static bool take_secret(struct quic_secret *out, const SSL_CIPHER *cipher, const uint8_t *secret,
                        size_t len) {
  if (len > sizeof out->bytes) return complain("a secret of %zu bytes", len);
  out->suite = SSL_CIPHER_get_protocol_id(cipher);
  memcpy(out->bytes, secret, len);
  out->len = len;
  return true;
}

static int on_read_secret(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                          const uint8_t *secret, size_t len) {
  return take_secret(&state_of(ssl)->quic.read[level], cipher, secret, len);
}

static int on_write_secret(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                           const uint8_t *secret, size_t len) {
  return take_secret(&state_of(ssl)->quic.write[level], cipher, secret, len);
}

static bool write_record(struct quic *quic, enum ssl_encryption_level_t level, uint8_t type,
                         const uint8_t *data, size_t len) {
  const struct quic_secret *secret = &quic->write[level];
  const size_t rest = secret->len + len;
  const uint8_t header[HEADER] = {type,
                                  (uint8_t)level,
                                  (uint8_t)(secret->suite >> 8),
                                  (uint8_t)secret->suite,
                                  (uint8_t)(rest >> 24),
                                  (uint8_t)(rest >> 16),
                                  (uint8_t)(rest >> 8),
                                  (uint8_t)rest};
  return wire_send(quic->wire, header, sizeof header) &&
         wire_send(quic->wire, secret->bytes, secret->len) && wire_send(quic->wire, data, len);
}

static int on_handshake_data(SSL *ssl, enum ssl_encryption_level_t level, const uint8_t *data,
                             size_t len) {
  return write_record(&state_of(ssl)->quic, level, SSL3_RT_HANDSHAKE, data, len);
}

static int on_flush(SSL *ssl) {
  (void)ssl;
  return 1;
}

static int on_alert(SSL *ssl, enum ssl_encryption_level_t level, uint8_t alert) {
  uint8_t fatal[2] = {2, alert};
  return write_record(&state_of(ssl)->quic, level, SSL3_RT_ALERT, fatal, sizeof fatal);
}

const SSL_QUIC_METHOD quic_method = {on_read_secret, on_write_secret, on_handshake_data, on_flush,
                                     on_alert};

/* read_contents reads what follows a header and drops the secret; the contents are the caller's to
 * free. */
static bool read_contents(struct quic *quic, const struct quic_secret *secret, uint32_t len,
                          uint8_t **out, size_t *out_len) {
  uint8_t got[sizeof secret->bytes];
  if (len < secret->len || len > MAX_RECORD) return complain("a record of %u bytes", len);
  if (!wire_receive(quic->wire, got, secret->len)) return false;
  if (memcmp(got, secret->bytes, secret->len) != 0)
    return complain("the runner has another secret");
  *out_len = len - secret->len;
  *out = malloc(*out_len + 1);
  if (*out == NULL || !wire_receive(quic->wire, *out, *out_len)) {
    free(*out);
    return false;
  }
  return true;
}

/* read_record reads a record.  Early data for which there are no keys was refused: it is passed
 * over. */
static bool read_record(struct quic *quic, uint8_t *type, enum ssl_encryption_level_t *level,
                        uint8_t **out, size_t *out_len) {
  for (;;) {
    uint8_t header[HEADER], number;
    uint16_t suite;
    uint32_t len;
    CBS cbs;
    if (!wire_receive(quic->wire, header, sizeof header)) return false;
    CBS_init(&cbs, header, sizeof header);
    if (!CBS_get_u8(&cbs, type) || !CBS_get_u8(&cbs, &number) || !CBS_get_u16(&cbs, &suite) ||
        !CBS_get_u32(&cbs, &len) || number >= QUIC_LEVELS) {
      return complain("a record of no level");
    }
    *level = (enum ssl_encryption_level_t)number;
    struct quic_secret *secret = &quic->read[number];
    if (*level == ssl_encryption_early_data && secret->suite == 0) {
      const struct quic_secret none = {0};
      if (!read_contents(quic, &none, len, out, out_len)) return false;
      free(*out);
      continue;
    }
    if (*level != ssl_encryption_initial && secret->suite == 0) {
      return complain("a record of level %d before its keys", number);
    }
    if (suite != secret->suite)
      return complain("suite %04x at level %d, not %04x", suite, number, secret->suite);
    return read_contents(quic, secret, len, out, out_len);
  }
}

bool quic_read_handshake(struct quic *quic, SSL *ssl) {
  uint8_t type, *data;
  enum ssl_encryption_level_t level;
  size_t len;
  if (!read_record(quic, &type, &level, &data, &len)) return false;
  bool ok = type == SSL3_RT_HANDSHAKE && SSL_provide_quic_data(ssl, level, data, len);
  free(data);
  return ok;
}

/* go_on lets |ssl| have what it was just given. */
static bool go_on(SSL *ssl) {
  if (!SSL_in_init(ssl)) return SSL_process_quic_post_handshake(ssl) == 1;
  int ret = SSL_do_handshake(ssl);
  return ret >= 0 || SSL_get_error(ssl, ret) == SSL_ERROR_WANT_READ;
}

int quic_read(struct quic *quic, SSL *ssl, uint8_t *out, size_t max_out) {
  while (quic->app == NULL) {
    uint8_t type, *data;
    enum ssl_encryption_level_t level;
    size_t len;
    if (!read_record(quic, &type, &level, &data, &len)) return 0; /* the end, most likely */
    if (type == SSL3_RT_APPLICATION_DATA) {
      quic->app = data;
      quic->app_start = 0;
      quic->app_len = len;
      continue;
    }
    bool ok =
        type == SSL3_RT_HANDSHAKE && SSL_provide_quic_data(ssl, level, data, len) && go_on(ssl);
    free(data);
    if (!ok) return -1;
  }
  size_t len = quic->app_len - quic->app_start;
  if (len > max_out) len = max_out;
  memcpy(out, quic->app + quic->app_start, len);
  quic->app_start += len;
  if (quic->app_start == quic->app_len) {
    free(quic->app);
    quic->app = NULL;
  }
  return (int)len;
}

bool quic_write(struct quic *quic, const SSL *ssl, const uint8_t *in, size_t len) {
  bool early = SSL_in_early_data(ssl) && !SSL_is_server(ssl);
  return write_record(quic, early ? ssl_encryption_early_data : ssl_encryption_application,
                      SSL3_RT_APPLICATION_DATA, in, len);
}
