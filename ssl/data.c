/* data.c: application data: SSL_read, SSL_peek, SSL_write and what belongs to them.
 *
 * Owns: io.write_done and io.write_staged, which remember a SSL_write that blocked.  One sealed
 * record at most waits in io.out; a retry must bring at least the bytes that are gone or sealed,
 * from wherever it likes. SSL_read takes records until one has data; it sends nothing, so it never
 * asks to be called when writing is possible.  What reading makes the engine want to send (a
 * KeyUpdate, tickets) goes with the next SSL_write or SSL_shutdown; an alert is tried at once. */
#include "ssl/driver.h"

#include <string.h>

#include <openssl/err.h>

#include "ssl/early.h"
#include "ssl/quic.h"

/* moves_data says whether SSL_read and SSL_write are for |ssl|: over QUIC data goes by itself, but
 * SSL_read takes what comes after the handshake. */
static bool moves_data(const SSL *ssl, bool writing) {
  if (!(writing ? ssl_quic_on(ssl) : ssl_quic_by_calls(ssl))) return true;
  SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  return false;
}

int ssl_go_on(SSL *ssl) {
  if (!ssl_ready_to_run(ssl, SSL_R_UNINITIALIZED)) return -1;
  int ret = ssl_handshake(ssl);
  if (ret != 0) return ret;
  ssl->io.zero_return = false;
  SSL_ERR(SSL_R_SSL_HANDSHAKE_FAILURE);
  return -1;
}

/* may_start: False Start lets data go, unless what it goes with is used up. */
static bool may_start(const SSL *ssl) {
  return SSL_in_false_start(ssl) && (hf_wants(ssl->conn) & HF_CAN_SEND) != 0;
}

/* ready_to_write gets the handshake out of the way, as far as it is in it.  Returns 1, or what the
 * call has to return. */
static int ready_to_write(SSL *ssl, bool early) {
  while (!ssl->io.done && !ssl_early_may_write(ssl, early) && !may_start(ssl)) {
    /* A peer may wait for the last that may be early, as this side then would for the peer. */
    ssl_step step = ssl->io.write_staged > 0 ? ssl_io_push(ssl) : SSL_STEP_DONE;
    if (step != SSL_STEP_DONE) return ssl_stop_waiting(ssl, step, SSL_WRITING);
    int ret = ssl_go_on(ssl);
    if (ret <= 0) return ret;
    if (ssl->io.app.len == 0 || ssl_early_may_write(ssl, early)) continue;
    SSL_ERR(SSL_R_SSL_HANDSHAKE_FAILURE); /* what came early is to be read first */
    return -1;
  }
  return 1;
}

/* ---- Reading ---- */

/* read_record fetches records until there is plaintext or a reason to stop.  With |out| NULL it
 * becomes io.app.  Returns 1, or what the call has to return. */
static int read_record(SSL *ssl, uint8_t *out, size_t *out_len, size_t max) {
  for (;;) {
    ssl_report(ssl);
    if (ssl->io.app.len > 0 || (out != NULL && *out_len > 0)) return 1;
    unsigned wants = hf_wants(ssl->conn);
    if ((wants & HF_FAILED) != 0) {
      ssl_try_to_send(ssl);
      return ssl_stop_failed(ssl);
    }
    if ((wants & HF_CLOSED) != 0 || (ssl->io.shutdown & SSL_RECEIVED_SHUTDOWN) != 0)
      return ssl_stop_closed(ssl);
    if ((wants & HF_WANT_ANSWER) != 0) {
      if (!ssl_answer(ssl)) return -1;
      continue;
    }
    ssl_step step = ssl_io_fetch(ssl, out, out_len, max);
    if (step == SSL_STEP_END) return 0;
    if (step != SSL_STEP_DONE) return ssl_stop_waiting(ssl, step, SSL_READING);
  }
}

int ssl_read_until_data(SSL *ssl) { return read_record(ssl, NULL, NULL, 0); }

/* read_data returns 1 with the count in |*got|, or what the call has to return. */
static int read_data(SSL *ssl, void *buf, size_t max, size_t *got, bool peek) {
  *got = 0;
  ssl_enter(ssl);
  if (!moves_data(ssl, false)) return -1;
  while (!ssl->io.done && ssl->io.app.len == 0) {
    int ret = ssl_go_on(ssl);
    if (ret <= 0) return ret;
  }
  if (ssl->io.app.len == 0) {
    int ret = peek ? read_record(ssl, NULL, NULL, 0) : read_record(ssl, buf, got, max);
    if (ret <= 0 || *got > 0) return ret;
  }
  *got = ssl_io_take(&ssl->io, buf, max, peek);
  return 1;
}

static int read_int(SSL *ssl, void *buf, int num, bool peek) {
  size_t got;
  if (num < 0) {
    ssl_enter(ssl);
    SSL_ERR(SSL_R_BAD_LENGTH);
    return -1;
  }
  int ret = read_data(ssl, buf, (size_t)num, &got, peek);
  return ret <= 0 ? ret : (int)got;
}

int SSL_read(SSL *ssl, void *buf, int num) { return read_int(ssl, buf, num, false); }

int SSL_peek(SSL *ssl, void *buf, int num) { return read_int(ssl, buf, num, true); }

int SSL_read_ex(SSL *ssl, void *buf, size_t num, size_t *read_bytes) {
  return read_data(ssl, buf, num, read_bytes, false) > 0;
}

int SSL_peek_ex(SSL *ssl, void *buf, size_t num, size_t *read_bytes) {
  return read_data(ssl, buf, num, read_bytes, true) > 0;
}

int SSL_pending(const SSL *ssl) { return (int)ssl->io.app.len; /* one record's at most */ }

int SSL_has_pending(const SSL *ssl) {
  return ssl->io.app.len > 0 || ssl->io.in.start < ssl->io.in.end;
}

/* ---- Writing ---- */

/* send_all is ssl_send for who knows what hf_wants says, and keeps that up to date. */
static int send_all(SSL *ssl, unsigned *wants) {
  for (;; *wants = hf_wants(ssl->conn)) {
    /* Answers first, so that all tickets are one write. */
    if ((*wants & HF_WANT_ANSWER) != 0) {
      if (!ssl_answer(ssl)) return -1;
      continue;
    }
    if (!ssl_io_has_output(ssl, *wants)) break;
    ssl_step step = ssl_io_push(ssl);
    if (step != SSL_STEP_DONE) return ssl_stop_waiting(ssl, step, SSL_WRITING);
  }
  ssl->io.write_done += ssl->io.write_staged;
  ssl->io.write_staged = 0;
  ssl_report(ssl);
  if (ssl->io.watched) *wants = hf_wants(ssl->conn); /* who looks on may call functions */
  return 1;
}

int ssl_send(SSL *ssl) {
  unsigned wants = hf_wants(ssl->conn);
  return send_all(ssl, &wants);
}

void ssl_try_to_send(SSL *ssl) {
  if (ssl->conn == NULL || !ssl_io_has_output(ssl, hf_wants(ssl->conn))) return;
  ERR_set_mark();
  (void)ssl_io_push(ssl);
  ERR_pop_to_mark();
}

/* check_write says whether a write of |len| bytes is allowed now. */
static bool check_write(SSL *ssl, unsigned wants, size_t len) {
  if ((wants & HF_FAILED) != 0) {
    (void)ssl_stop_broken(ssl);
  } else if ((ssl->io.shutdown & SSL_SENT_SHUTDOWN) != 0) {
    SSL_ERR(SSL_R_PROTOCOL_IS_SHUTDOWN);
  } else if (len < ssl->io.write_done) {
    SSL_ERR(SSL_R_BAD_LENGTH);
  } else if (len < ssl->io.write_done + ssl->io.write_staged) {
    SSL_ERR(SSL_R_BAD_WRITE_RETRY);
  } else {
    return true;
  }
  return false;
}

/* part_max is how much of a write the next record may hold; |*overhead|: what is around it. */
static size_t part_max(const SSL *ssl, size_t *overhead) {
  if (ssl->io.done) { /* nothing of it changes any more */
    *overhead = ssl->io.record_overhead;
    return ssl->io.record_max;
  }
  hf_facts facts;
  hf_get_facts(&facts, ssl->conn);
  *overhead = (size_t)facts.header + facts.trailer;
  return facts.role == HF_CLIENT && facts.early_open && facts.max_data > facts.early_left
             ? (size_t)facts.early_left
             : facts.max_data;
}

/* seal_part seals the next record of a write. */
static bool seal_part(SSL *ssl, const uint8_t *buf, size_t len) {
  size_t overhead, max = part_max(ssl, &overhead);
  if (max > ssl->settings->max_send_fragment)
    max = ssl->settings->max_send_fragment; /* set since */
  size_t part = len - ssl->io.write_done;
  if (part > max) part = max;
  if (ssl_io_seal(ssl, overhead, buf + ssl->io.write_done, part) != SSL_STEP_DONE) return false;
  ssl->io.write_staged = part;
  return true;
}

int ssl_write_data(SSL *ssl, const uint8_t *buf, size_t len, size_t *written, bool early) {
  *written = 0;
  ssl_enter(ssl);
  if (!moves_data(ssl, true)) return -1;
  int ret = ready_to_write(ssl, early);
  if (ret <= 0) return ret;
  unsigned wants = hf_wants(ssl->conn);
  if (!check_write(ssl, wants, len)) return -1;
  for (;; wants = hf_wants(ssl->conn)) {
    size_t done = ssl->io.write_done;
    if (send_all(ssl, &wants) < 0) return -1;
    bool went = ssl->io.write_done > done;
    if (ssl->io.write_done == len ||
        (went && (ssl->local.mode & SSL_MODE_ENABLE_PARTIAL_WRITE) != 0))
      break;
    if (!check_write(ssl, wants, len)) return -1;
    if (ssl_io_has_output(ssl, wants)) continue;             /* who looks on had it sent */
    if ((ret = ready_to_write(ssl, early)) <= 0) return ret; /* no more may go early */
    if (!seal_part(ssl, buf, len))
      return (hf_wants(ssl->conn) & HF_FAILED) != 0 ? ssl_stop_failed(ssl) : -1;
  }
  *written = ssl->io.write_done;
  ssl->io.write_done = 0;
  return 1;
}

int SSL_write(SSL *ssl, const void *buf, int num) {
  size_t written;
  if (num < 0) {
    ssl_enter(ssl);
    SSL_ERR(SSL_R_BAD_LENGTH);
    return -1;
  }
  int ret = ssl_write_data(ssl, buf, (size_t)num, &written, false);
  return ret <= 0 ? ret : (int)written;
}

int SSL_write_ex(SSL *ssl, const void *buf, size_t num, size_t *written) {
  return ssl_write_data(ssl, buf, num, written, false) > 0;
}

int SSL_key_update(SSL *ssl, int request_type) {
  ssl_enter(ssl);
  /* A key log's question about the last update keeps the next from being made. */
  while (ssl->io.done && (hf_wants(ssl->conn) & HF_WANT_ANSWER) != 0)
    if (!ssl_answer(ssl)) return 0;
  if (ssl->role == SSL_ROLE_NONE) {
    SSL_ERR(SSL_R_UNINITIALIZED);
  } else if (ssl_quic_on(ssl)) {
    SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  } else if (!ssl->io.done) {
    SSL_ERR(SSL_R_HANDSHAKE_NOT_COMPLETE);
  } else if (request_type != SSL_KEY_UPDATE_REQUESTED &&
             request_type != SSL_KEY_UPDATE_NOT_REQUESTED) {
    SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  } else if (SSL_version(ssl) != TLS1_3_VERSION) {
    SSL_ERR(SSL_R_WRONG_SSL_VERSION);
  } else if (hf_rekey(ssl->conn, request_type == SSL_KEY_UPDATE_REQUESTED) != HF_OK) {
    SSL_ERR(SSL_R_PROTOCOL_IS_SHUTDOWN);
  } else {
    return 1;
  }
  return 0;
}

/* ---- Keying material ---- */

enum { EXPORT_LABEL_MAX = 249 };

typedef hf_status (*exporter)(const hf_conn *conn, uint8_t *out, size_t out_len, const char *label,
                              hf_bytes context);

static int export_by(exporter function, const SSL *ssl, uint8_t *out, size_t out_len,
                     const char *label, size_t label_len, hf_bytes context) {
  char text[EXPORT_LABEL_MAX + 1];
  if (ssl->conn == NULL) {
    SSL_ERR(SSL_R_HANDSHAKE_NOT_COMPLETE);
    return 0;
  }
  if (label_len > EXPORT_LABEL_MAX || (label_len > 0 && memchr(label, 0, label_len) != NULL)) {
    SSL_ERR(ERR_R_OVERFLOW);
    return 0;
  }
  if (label_len > 0) memcpy(text, label, label_len);
  text[label_len] = '\0';
  hf_status status = function(ssl->conn, out, out_len, text, context);
  if (status == HF_OK) return 1;
  SSL_ERR(status == HF_MISUSE ? SSL_R_HANDSHAKE_NOT_COMPLETE : ssl_reason(status));
  return 0;
}

int SSL_export_keying_material(const SSL *ssl, uint8_t *out, size_t out_len, const char *label,
                               size_t label_len, const uint8_t *context, size_t context_len,
                               int use_context) {
  static const uint8_t kEmpty[1];
  hf_bytes bytes = {NULL, 0};
  if (use_context) bytes = (hf_bytes){context_len > 0 ? context : kEmpty, context_len};
  return export_by(hf_export, ssl, out, out_len, label, label_len, bytes);
}

static int lend_secret(const uint8_t **out, size_t *out_len, const SSL *ssl, bool sending) {
  hf_bytes secret;
  hf_status status = hf_traffic_secret(&secret, ssl->conn, sending);
  *out = secret.data;
  *out_len = secret.len;
  return status == HF_OK;
}

int SSL_get_traffic_secrets(const SSL *ssl, const uint8_t **out_read, size_t *out_read_len,
                            const uint8_t **out_write, size_t *out_write_len) {
  *out_read = *out_write = NULL;
  *out_read_len = *out_write_len = 0;
  if (!ssl->io.done) {
    SSL_ERR(SSL_R_HANDSHAKE_NOT_COMPLETE);
  } else if (SSL_version(ssl) != TLS1_3_VERSION) {
    SSL_ERR(SSL_R_WRONG_SSL_VERSION);
  } else if (!lend_secret(out_read, out_read_len, ssl, false) ||
             !lend_secret(out_write, out_write_len, ssl, true)) {
    SSL_ERR(SSL_R_PROTOCOL_IS_SHUTDOWN); /* it has failed, and they are wiped */
  } else {
    return 1;
  }
  return 0;
}

int SSL_export_keying_material_early(SSL *ssl, uint8_t *out, size_t out_len, const char *label,
                                     size_t label_len, const uint8_t *context, size_t context_len) {
  return export_by(hf_export_early, ssl, out, out_len, label, label_len,
                   (hf_bytes){context, context_len});
}
