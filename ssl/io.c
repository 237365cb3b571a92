/* io.c: see io.h.
 *
 * Owns: io.in, io.app, io.out, and every BIO_read, BIO_write and BIO_flush of the SSL layer.
 * A record that lies without a gap in our own pair's ring, and whose plaintext fits the caller's
 * buffer, is opened where it lies and taken out in the same call: the ring is the other half's and
 * may go at any time.  Every other record is read into io.in and opened there; plaintext that the
 * caller has no room for waits there too. */
#include "ssl/io.h"

#include <limits.h>
#include <string.h>

#include <openssl/mem.h>

#include "ssl/quic.h"

enum {
  RECORD_HEADER = 5,
  RECORD_OVERHEAD = RECORD_HEADER + 16, /* header and tag: ChaCha20-Poly1305 in TLS 1.2 */
  SMALLEST_BUFFER = 512,
  FLIGHT_PART = 16 * 1024 /* a longer flight is written in such parts */
};

/* ---- Buffers ---- */

static void buffer_free(ssl_buffer *buffer) {
  OPENSSL_free(buffer->data);
  memset(buffer, 0, sizeof(*buffer));
}

/* buffer_reserve makes room for |more| bytes after |end|, and moves what there is to the front if
 * it must. */
static bool buffer_reserve(ssl_buffer *buffer, size_t more) {
  size_t len = buffer->end - buffer->start;
  if (more <= buffer->cap - buffer->end) return true;
  if (more <= buffer->cap - len) {
    memmove(buffer->data, buffer->data + buffer->start, len);
  } else {
    if (more > SIZE_MAX - len) return false;
    size_t cap = len + more < SMALLEST_BUFFER ? SMALLEST_BUFFER : len + more;
    uint8_t *data = OPENSSL_malloc(cap);
    if (data == NULL) {
      SSL_ERR(ERR_R_MALLOC_FAILURE);
      return false;
    }
    if (len > 0) memcpy(data, buffer->data + buffer->start, len);
    OPENSSL_free(buffer->data);
    buffer->data = data;
    buffer->cap = cap;
  }
  buffer->start = 0;
  buffer->end = len;
  return true;
}

/* have_bio: an application may take its BIOs away at any time. */
static bool have_bio(const BIO *bio) {
  if (bio == NULL) SSL_ERR(SSL_R_BIO_NOT_SET);
  return bio != NULL;
}

static ssl_step retry_or_error(BIO *bio) {
  return BIO_should_retry(bio) ? SSL_STEP_WAIT : SSL_STEP_ERROR;
}

/* ---- In ---- */

void ssl_io_drop_empty(ssl_io *io) {
  if (io->in.start == io->in.end && io->app.len == 0) buffer_free(&io->in);
}

bool ssl_io_keep(ssl_io *io, const uint8_t *data, size_t len) {
  if (!buffer_reserve(&io->in, len)) return false;
  memcpy(io->in.data + io->in.end, data, len);
  io->in.end += len;
  return true;
}

size_t ssl_io_take(ssl_io *io, uint8_t *out, size_t max, bool peek) {
  size_t len = io->app.len < max ? io->app.len : max;
  if (len > 0) memcpy(out, io->app.data, len);
  if (!peek && len > 0) {
    io->app.data += len;
    io->app.len -= len;
    ssl_io_drop_empty(io);
  }
  return len;
}

/* fits says whether the plaintext of a record is at most |max| bytes, whatever it is. */
static bool fits(const SSL *ssl, size_t record_len, size_t max) {
  if (record_len <= RECORD_OVERHEAD || record_len - RECORD_OVERHEAD <= max) return true;
  if (ssl->io.done)
    return record_len - RECORD_OVERHEAD <= max + ssl->io.record_overhead - RECORD_OVERHEAD;
  /* RFC 9846 5.2: TLS 1.3 has the content type in there too. */
  return record_len - RECORD_OVERHEAD - 1 <= max && SSL_version(ssl) == TLS1_3_VERSION;
}

/* open_in_ring opens a record in the pair's ring if it may; see the head of the file. */
static bool open_in_ring(SSL *ssl, uint8_t *out, size_t *out_len, size_t max) {
  if (ssl->io.in.data != NULL) return false;
  uint8_t *data;
  size_t len = hf_half_peek(ssl->read_half, &data), consumed = 0;
  if (len < RECORD_HEADER || hf_need(ssl->conn, data, len) > 0) return false;
  size_t record_len = RECORD_HEADER + ((size_t)data[3] << 8 | data[4]);
  if (!fits(ssl, record_len, max)) return false;
  hf_bytes app = {NULL, 0};
  ssl_tell_time(ssl);
  hf_status status = hf_open(ssl->conn, &app, &consumed, data, len);
  if (status == HF_OK && app.len > 0) {
    memcpy(out, app.data, app.len);
    *out_len = app.len;
  }
  if (consumed > 0) hf_half_consume(ssl->read_half, consumed);
  return true;
}

/* open_own opens the record at the front of io.in. */
static void open_own(SSL *ssl, uint8_t *out, size_t *out_len, size_t max) {
  ssl_io *io = &ssl->io;
  hf_bytes app = {NULL, 0};
  size_t consumed = 0;
  ssl_tell_time(ssl);
  hf_status status =
      hf_open(ssl->conn, &app, &consumed, io->in.data + io->in.start, io->in.end - io->in.start);
  io->in.start += consumed;
  if (status == HF_OK && app.len > 0) io->app = app;
  if (out != NULL) *out_len = ssl_io_take(io, out, max, false);
  ssl_io_drop_empty(io);
}

static ssl_step read_more(SSL *ssl, size_t need) {
  ssl_buffer *in = &ssl->io.in;
  size_t held = in->end - in->start;
  size_t ask = need;
  if (ssl->local.read_ahead && held < HF_RECORD_MAX && HF_RECORD_MAX - held > need)
    ask = HF_RECORD_MAX - held;
  if (ask > INT_MAX) ask = INT_MAX;
  if (!have_bio(ssl->rbio) || !buffer_reserve(in, ask)) return SSL_STEP_ERROR;
  int ret = BIO_read(ssl->rbio, in->data + in->end, (int)ask);
  if (ret > 0) {
    in->end += (size_t)ret;
    return SSL_STEP_DONE;
  }
  ssl_io_drop_empty(&ssl->io);
  return ret == 0 && !BIO_should_retry(ssl->rbio) ? SSL_STEP_END : retry_or_error(ssl->rbio);
}

ssl_step ssl_io_fetch(SSL *ssl, uint8_t *out, size_t *out_len, size_t max) {
  if (out != NULL) *out_len = 0;
  if (ssl_quic_on(ssl)) return ssl_quic_fetch(ssl);
  if (out != NULL && open_in_ring(ssl, out, out_len, max)) return SSL_STEP_DONE;
  for (;;) {
    const ssl_buffer *in = &ssl->io.in;
    size_t held = in->end - in->start;
    size_t need = hf_need(ssl->conn, held > 0 ? in->data + in->start : NULL, held);
    if (need == 0) break;
    ssl_step step = read_more(ssl, need);
    if (step != SSL_STEP_DONE) return step;
  }
  open_own(ssl, out, out_len, max);
  return SSL_STEP_DONE;
}

/* ---- Out ---- */

bool ssl_io_handshake_staged(const SSL *ssl) {
  return (ssl->io.out.data != NULL && ssl->io.write_staged == 0) || ssl->io.flush_due;
}

bool ssl_io_has_output(const SSL *ssl, unsigned wants) {
  return ssl->io.out.data != NULL || ssl->io.flush_due || (wants & HF_WANT_OUTPUT) != 0;
}

void ssl_io_drop_output(ssl_io *io) {
  buffer_free(&io->out);
  io->flush_due = false;
}

/* collect takes queued bytes from the engine, so that a flight is one write if it is not long. */
static bool collect(SSL *ssl) {
  ssl_buffer *out = &ssl->io.out;
  ssl->io.flush_due = true;
  while ((hf_wants(ssl->conn) & HF_WANT_OUTPUT) != 0 && out->end < FLIGHT_PART) {
    size_t written = 0;
    if (!buffer_reserve(out, out->end < SMALLEST_BUFFER ? SMALLEST_BUFFER : out->end)) return false;
    hf_status status = hf_flush(ssl->conn, &written, out->data + out->end, out->cap - out->end);
    out->end += written; /* whatever the status: it is of what comes after these bytes */
    if (status != HF_OK || written == 0) break;
  }
  return true;
}

static ssl_step write_staged(SSL *ssl) {
  ssl_buffer *out = &ssl->io.out;
  while (out->start < out->end) {
    size_t len = out->end - out->start;
    int ret = BIO_write(ssl->wbio, out->data + out->start, len > INT_MAX ? INT_MAX : (int)len);
    if (ret <= 0) return retry_or_error(ssl->wbio);
    out->start += (size_t)ret;
  }
  buffer_free(out);
  ssl->io.write_done += ssl->io.write_staged;
  ssl->io.write_staged = 0;
  return SSL_STEP_DONE;
}

ssl_step ssl_io_push(SSL *ssl) {
  if (ssl_quic_on(ssl)) return ssl_quic_push(ssl);
  if (!have_bio(ssl->wbio)) return SSL_STEP_ERROR;
  for (;;) {
    ssl_step step = write_staged(ssl);
    if (step != SSL_STEP_DONE) return step;
    if ((hf_wants(ssl->conn) & HF_WANT_OUTPUT) == 0) break;
    if (!collect(ssl)) return SSL_STEP_ERROR;
  }
  if (ssl->io.flush_due && BIO_flush(ssl->wbio) <= 0) return SSL_STEP_WAIT;
  ssl->io.flush_due = false;
  return SSL_STEP_DONE;
}

/* seal_in_ring seals into the pair's ring if the record fits there without a gap. */
static bool seal_in_ring(SSL *ssl, size_t record_max, const uint8_t *in, size_t len) {
  uint8_t *space;
  size_t written = 0;
  size_t room = hf_half_reserve(ssl->write_half, record_max, &space);
  if (room == 0) return false; /* or it is no pair */
  if (room >= record_max && hf_seal(ssl->conn, &written, space, room, in, len) != HF_OK)
    written = 0;
  hf_half_produce(ssl->write_half, written);
  return written > 0;
}

ssl_step ssl_io_seal(SSL *ssl, size_t overhead, const uint8_t *in, size_t len) {
  ssl_buffer *out = &ssl->io.out;
  size_t record_max = len + overhead;
  if (seal_in_ring(ssl, record_max, in, len)) return SSL_STEP_DONE;
  if (!buffer_reserve(out, record_max)) return SSL_STEP_ERROR;
  if (hf_seal(ssl->conn, &out->end, out->data, out->cap, in, len) == HF_OK) return SSL_STEP_DONE;
  buffer_free(out);
  return SSL_STEP_ERROR;
}

void ssl_io_reset(SSL *ssl) {
  hf_free(ssl->conn);
  ssl->conn = NULL;
  hf_answers_free(ssl->io.answers);
  buffer_free(&ssl->io.in);
  buffer_free(&ssl->io.out);
  ssl_quic_reset(ssl);
  memset(&ssl->io, 0, sizeof(ssl->io));
  ssl->want = SSL_NOTHING;
}
