/* exchange.c: one connection: handshake, what is written at once, an echo until the peer closes,
 * the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bogo/shim.h"

bool retry(SSL *ssl, int ret) {
  if (ret >= 0) return false;
  struct state *state = state_of(ssl);
  int error = SSL_get_error(ssl, ret);
  if (state->config->quic && error == SSL_ERROR_WANT_READ)
    return quic_read_handshake(&state->quic, ssl);
  if (!state->config->async) return false;
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return wire_one_in(&state->wire);
    case SSL_ERROR_WANT_WRITE:
      return wire_one_out(&state->wire);
    case SSL_ERROR_WANT_X509_LOOKUP:
      return state->certificate_ready = true;
    case SSL_ERROR_PENDING_SESSION:
      return state->session_ready = true;
    case SSL_ERROR_PENDING_CERTIFICATE:
      return state->hello_ready = true;
    case SSL_ERROR_WANT_CERTIFICATE_VERIFY:
      return state->verify_ready = true;
    case SSL_ERROR_WANT_PRIVATE_KEY_OPERATION:
      state->key_retries++;
      return true;
    default:
      return false;
  }
}

/* same_again returns |ret|, which |call| returned, once it is sure that an error is the same if it
 * is asked for again. */
static int same_again(SSL *ssl, int ret, int (*call)(SSL *ssl)) {
  int error = SSL_get_error(ssl, ret);
  uint32_t packed = ERR_peek_error();
  if (error != SSL_ERROR_SSL && error != SSL_ERROR_ZERO_RETURN) return ret;
  int again = call(ssl);
  if (again == ret && SSL_get_error(ssl, again) == error && ERR_peek_error() == packed) return ret;
  complain("the second time, %d with error %d became %d with error %d", ret, error, again,
           SSL_get_error(ssl, again));
  exit(EXIT_MUST_NOT_BE);
}

static int do_handshake(SSL *ssl) {
  int ret;
  do {
    ret = same_again(ssl, SSL_do_handshake(ssl), SSL_do_handshake);
  } while (retry(ssl, ret));
  return ret;
}

static bool write_all(SSL *ssl, const void *bytes, size_t len) {
  const uint8_t *in = bytes;
  struct state *state = state_of(ssl);
  if (state->config->quic) return quic_write(&state->quic, ssl, in, len);
  int ret;
  do {
    ret = SSL_write(ssl, in, (int)len);
    if (ret > 0) {
      in += ret;
      len -= (size_t)ret;
    }
  } while (retry(ssl, ret) || (ret > 0 && len > 0));
  return ret >= 0;
}

/* ---- Reading ---- */

static uint8_t read_buffer[1 << 14];
static int read_size;

static int read_some(SSL *ssl) {
  return state_of(ssl)->config->peek_then_read ? SSL_peek(ssl, read_buffer, read_size)
                                               : SSL_read(ssl, read_buffer, read_size);
}

/* take_peeked takes the |len| bytes that SSL_peek showed; they must be shown again, and be read. */
static int take_peeked(SSL *ssl, int len) {
  static uint8_t again[sizeof read_buffer];
  if (SSL_peek(ssl, again, len) != len || memcmp(again, read_buffer, (size_t)len) != 0 ||
      SSL_read(ssl, again, len) != len || memcmp(again, read_buffer, (size_t)len) != 0) {
    complain("SSL_peek and SSL_read differ");
    return -1;
  }
  return len;
}

static int read_data(SSL *ssl) {
  struct state *state = state_of(ssl);
  uint8_t byte;
  int ret;
  if (state->config->quic) return quic_read(&state->quic, ssl, read_buffer, (size_t)read_size);
  do {
    ret = same_again(ssl, read_some(ssl), read_some);
    if (state->config->use_exporter_between_reads &&
        !SSL_export_keying_material(ssl, &byte, 1, NULL, 0, NULL, 0, 0)) {
      complain("failed to export keying material");
      return -1;
    }
  } while (retry(ssl, ret));
  return state->config->peek_then_read && ret > 0 ? take_peeked(ssl, ret) : ret;
}

/* ---- The parts of an exchange ---- */

static const char greeting[] = "hello";

/* write_early_after runs the handshake on until the message that the flags name has come. */
static bool write_early_after(SSL *ssl, const struct config *config) {
  struct state *state = state_of(ssl);
  int ret;
  if (config->early_write_after_message == 0) return true;
  if (!SSL_in_early_data(ssl)) return complain("there is no early data");
  do {
    ret = SSL_do_handshake(ssl);
  } while (state->last_message != config->early_write_after_message && retry(ssl, ret));
  return ret != 1 && state->last_message == config->early_write_after_message;
}

static bool handshake(SSL *ssl, const struct config *config, bool is_resume, bool is_retry) {
  if (config->implicit_handshake) return true;
  if (do_handshake(ssl) != 1 || !expect_handshake(ssl, config, is_resume)) return false;
  if (is_resume && !is_retry && config->expect_no_offer_early_data && SSL_in_early_data(ssl)) {
    return complain("early data was offered");
  }
  if (config->handshake_twice && do_handshake(ssl) != 1) return false;
  if (config->no_op_extra_handshake && SSL_do_handshake(ssl) != 1)
    return complain("SSL_do_handshake did something");
  if (!write_early_after(ssl, config)) return false;
  state_of(ssl)->got_new_session = false;
  return true;
}

static bool write_exports(SSL *ssl, const struct config *config) {
  uint8_t bytes[1 << 12];
  size_t len = (size_t)config->export_keying_material;
  if (len > 0) {
    const char *label = config->export_label, *context = config->export_context;
    if (len > sizeof bytes ||
        !SSL_export_keying_material(ssl, bytes, len, label, strlen(label), (const uint8_t *)context,
                                    strlen(context), config->use_export_context) ||
        !write_all(ssl, bytes, len)) {
      return complain("failed to export keying material");
    }
  }
  if (config->export_traffic_secrets) {
    const uint8_t *read, *write;
    size_t read_len, write_len;
    if (!SSL_get_traffic_secrets(ssl, &read, &read_len, &write, &write_len))
      return complain("no secrets");
    uint8_t prefix[2] = {(uint8_t)read_len, (uint8_t)(read_len >> 8)};
    if (!write_all(ssl, prefix, 2) || !write_all(ssl, read, read_len) ||
        !write_all(ssl, write, write_len)) {
      return false;
    }
  }
  if (config->tls_unique) {
    if (!SSL_get_tls_unique(ssl, bytes, &len, sizeof bytes) || len != 12)
      return complain("failed to get tls-unique");
    return write_all(ssl, bytes, len);
  }
  return true;
}

static bool write_sizes(SSL *ssl) {
  static const size_t sizes[] = {0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769};
  static uint8_t bytes[32769];
  memset(bytes, 0x42, sizeof bytes);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    if (!write_all(ssl, bytes, sizes[i])) return false;
  }
  return true;
}

/* write_greeting writes it, or begins to: |*unfinished|. */
static bool write_greeting(SSL *ssl, const struct config *config, bool *unfinished) {
  if (!config->read_with_unfinished_write) {
    return !config->shim_writes_first || write_all(ssl, greeting, strlen(greeting));
  }
  if (!config->async) return complain("only with -async");
  *unfinished = true;
  int ret = SSL_write(ssl, greeting, (int)strlen(greeting));
  return SSL_get_error(ssl, ret) == SSL_ERROR_WANT_WRITE || complain("all was written at once");
}

static bool may_have_read(SSL *ssl, const struct config *config, bool is_resume, bool is_retry) {
  if (!config->server && is_resume && !is_retry && config->expect_reject_early_data) {
    return complain("data came in place of the refusal of early data");
  }
  return state_of(ssl)->handshake_done || SSL_early_data_accepted(ssl) ||
         complain("data came before the handshake was done");
}

static bool echo(SSL *ssl, const struct config *config, bool is_resume, bool is_retry,
                 bool unfinished) {
  read_size = config->read_size > 0 ? config->read_size : 512;
  if (read_size > (int)sizeof read_buffer) return complain("too large a -read-size");
  for (;;) {
    int len = read_data(ssl), error = SSL_get_error(ssl, len);
    if (len == 0 && (error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL)) return true;
    if ((len > 0) != (error == SSL_ERROR_NONE))
      return complain("SSL_get_error says %d of %d", error, len);
    if (len <= 0 || !may_have_read(ssl, config, is_resume, is_retry)) return false;
    if (unfinished && !write_all(ssl, greeting, strlen(greeting))) return false;
    unfinished = false;
    if (config->key_update && !SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED))
      return complain("no key update");
    for (int i = 0; i < len; i++) read_buffer[i] ^= 0xff;
    if (!write_all(ssl, read_buffer, (size_t)len)) return false;
  }
}

/* expect_late_session: tickets of TLS 1.3 come after the handshake, those of TLS 1.2 do not. */
static bool expect_late_session(SSL *ssl, const struct config *config) {
  const struct state *state = state_of(ssl);
  if (config->server) return true;
  if (SSL_version(ssl) < TLS1_3_VERSION) {
    return !state->got_new_session || config->false_start || config->implicit_handshake ||
           complain("a session came after the handshake");
  }
  bool expected = !config->expect_no_session && !config->shim_shuts_down;
  if (state->got_new_session != expected) return complain("a session, or none");
  return !expected ||
         SSL_SESSION_early_data_capable(state->new_session) ==
             config->expect_ticket_supports_early_data ||
         complain("a ticket with early data, or without");
}

static int shut_down(SSL *ssl) {
  int ret;
  do {
    ret = SSL_shutdown(ssl);
  } while (retry(ssl, ret));
  return ret;
}

static bool end(SSL *ssl, const struct config *config) {
  int ret = shut_down(ssl);
  if (config->shim_shuts_down && config->check_close_notify) {
    if (ret != 0) return complain("SSL_shutdown returned %d at first", ret);
    ret = shut_down(ssl);
  }
  if (ret != 1) return complain("Unexpected SSL_shutdown result: %d != 1", ret);
  return SSL_total_renegotiations(ssl) == config->expect_total_renegotiations ||
         complain("renegotiations");
}

static bool send_alert(SSL *ssl) {
  int ret;
  do {
    ret = SSL_send_fatal_alert(ssl, SSL_AD_DECOMPRESSION_FAILURE);
  } while (retry(ssl, ret));
  return ret >= 0;
}

bool exchange(SSL *ssl, const struct config *config, bool is_resume, bool is_retry) {
  bool unfinished = false;
  if (!handshake(ssl, config, is_resume, is_retry) || !write_exports(ssl, config)) return false;
  if (config->send_alert) return send_alert(ssl);
  if (config->write_different_record_sizes) {
    if (!write_sizes(ssl)) return false;
  } else {
    if (!write_greeting(ssl, config, &unfinished)) return false;
    if (!config->shim_shuts_down && !echo(ssl, config, is_resume, is_retry, unfinished))
      return false;
  }
  return expect_late_session(ssl, config) && end(ssl, config);
}
