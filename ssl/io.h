/* io.h: the bytes between an SSL's engine and its two BIOs.
 *
 * Reads ask for exactly a record's header and then its body, and leave the rest in the BIO, unless
 * read-ahead is on.
 *
 * Invariants: io.in and io.out have memory only while they hold something.  Plaintext (io.app) is
 * taken out before another record is opened.  Bytes reach the write BIO in the order in which the
 * engine made them: nothing is taken from the engine or sealed by it while io.out holds anything.
 * Nothing here knows of handshakes, or of what SSL_get_error will say.  An SSL for QUIC has no
 * BIOs: quic.c does its part of this. */
#ifndef HANDFAST_SSL_IO_H
#define HANDFAST_SSL_IO_H

#include "ssl/internal.h"

/* What a step of I/O came to. */
typedef enum ssl_step {
  SSL_STEP_ERROR =
      -2, /* the BIO failed, and not for a retry; or memory ran out, with an error on the queue */
  SSL_STEP_WAIT = -1, /* the BIO asks for a retry */
  SSL_STEP_END = 0,   /* end of input */
  SSL_STEP_DONE = 1
} ssl_step;

/* ssl_io_fetch reads one record and has the engine open it; or, if the engine does not take it (a
 * question comes first), leaves it in io.in.  If |out| is not NULL, of its plaintext up to |max|
 * bytes go there and |*out_len| says how many; the rest, or all of it, becomes io.app, which must
 * be empty.  What the engine thinks of the record is in hf_wants. */
ssl_step ssl_io_fetch(SSL *ssl, uint8_t *out, size_t *out_len, size_t max);

/* ssl_io_take copies up to |max| bytes of io.app to |out| and returns how many; unless |peek|, they
 * are gone then. */
size_t ssl_io_take(ssl_io *io, uint8_t *out, size_t max, bool peek);

/* ssl_io_push writes all that is staged and all that the engine has queued, and then calls
 * BIO_flush if that is due. */
ssl_step ssl_io_push(SSL *ssl);

/* ssl_io_seal has the engine seal |len| bytes into one record, |overhead| longer: straight into the
 * write BIO if that is a pair's half with room for it, otherwise into io.out, which must be empty.
 * SSL_STEP_ERROR: memory ran out, or the engine would not. */
ssl_step ssl_io_seal(SSL *ssl, size_t overhead, const uint8_t *in, size_t len);

/* ssl_io_handshake_staged says whether bytes are staged that are not a record of SSL_write, early
 * or half a round trip before the end, for which the handshake need not wait. */
bool ssl_io_handshake_staged(const SSL *ssl);

/* ssl_io_has_output says whether bytes are on their way out: staged, queued (|wants|, hf_wants says
 * so), or not flushed. */
bool ssl_io_has_output(const SSL *ssl, unsigned wants);

/* ssl_io_keep appends |len| bytes to io.in.  False: memory ran out, with an error on the queue. */
bool ssl_io_keep(ssl_io *io, const uint8_t *data, size_t len);

/* ssl_io_drop_empty frees io.in if nothing is in it. */
void ssl_io_drop_empty(ssl_io *io);

/* ssl_io_drop_output forgets what is staged. */
void ssl_io_drop_output(ssl_io *io);

#endif
