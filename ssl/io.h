/* io.h: the bytes between an engine and two BIOs.
 *
 * An ssl_io is part of an SSL.  It reads records from |rbio|, asking for exactly a header and then
 * its body, and has them opened; it keeps what is on its way to |wbio|.  It knows nothing of
 * handshakes, of SSL_get_error or of who calls.
 *
 * Invariants: |in| and |out| have memory only while they hold something.  Plaintext in |in| is
 * taken out before another record is opened.  Bytes reach |wbio| in the order in which the engine
 * made them: nothing is taken from the engine or sealed by it while |out| holds anything. */
#ifndef HANDFAST_SSL_IO_H
#define HANDFAST_SSL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/bio.h>

#include <handfast/handfast.h>

/* ssl_buffer is bytes from |start| to |end| of |data|, which has room for |cap|. */
typedef struct ssl_buffer {
  uint8_t *data;
  size_t start, end, cap;
} ssl_buffer;

typedef struct ssl_io {
  BIO *rbio, *wbio; /* owned: one reference each, two if they are the same */
  ssl_buffer in;    /* from |rbio|, not opened yet */
  hf_bytes app;     /* plaintext in in.data, before in.start; its reader has not taken it */
  ssl_buffer out;   /* sealed, for |wbio| */
  bool flush_due;  /* BIO_flush has to be called once |out| is empty and the engine has nothing more
                    */
  bool read_ahead; /* read more than the current record if it is there */
} ssl_io;

/* What a step of I/O came to. */
typedef enum ssl_step {
  SSL_STEP_ERROR = -2, /* the BIO failed, and not for a retry; or there is no memory, with an error
                          on the queue */
  SSL_STEP_WAIT = -1,  /* the BIO asks for a retry */
  SSL_STEP_END = 0,    /* end of input */
  SSL_STEP_DONE = 1
} ssl_step;

/* ssl_io_fetch reads one record and has |conn| open it; or, if that does not take it (a question
 * comes first), leaves it in |io|.  Of plaintext up to |max| bytes go to |out| and |*out_len| says
 * how many; the rest stays in |io|, and all of it if |out| is NULL.  Not to be called while there
 * is plaintext. The engine's own view is in hf_wants. */
ssl_step ssl_io_fetch(ssl_io *io, hf_conn *conn, uint8_t *out, size_t *out_len, size_t max);

/* ssl_io_take copies up to |max| bytes of plaintext to |out| and returns how many; unless |peek|,
 * they are gone from |io|. */
size_t ssl_io_take(ssl_io *io, uint8_t *out, size_t max, bool peek);

/* ssl_io_push writes all that is staged, and all that |conn| (may be NULL) has queued, and then
 * flushes if that is due. */
ssl_step ssl_io_push(ssl_io *io, hf_conn *conn);

/* ssl_io_seal has |conn| seal |len| bytes into one record, straight into |wbio| if that is a pair's
 * half with room for it, otherwise into |out|, which must be empty.  SSL_STEP_DONE, or
 * SSL_STEP_ERROR: no memory, or the engine's fault. */
ssl_step ssl_io_seal(ssl_io *io, hf_conn *conn, const uint8_t *in, size_t len);

/* ssl_io_has_output says whether bytes are on their way out: staged, queued, or not flushed. */
bool ssl_io_has_output(const ssl_io *io, const hf_conn *conn);

/* ssl_io_clear drops all bytes; ssl_io_drop_output those on their way out.  The BIOs stay. */
void ssl_io_clear(ssl_io *io);
void ssl_io_drop_output(ssl_io *io);

#endif
