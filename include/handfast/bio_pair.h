/* bio_pair.h: two BIOs of libcrypto's type, joined: what is written to one half is read from the
 * other.  The interface is that of OpenSSL's BIO_s_bio(3), whole, and all of it are functions here.
 *
 * Link this library before libcrypto, which has a lesser pair under some of the same names.
 *
 * Nothing here does any I/O: whoever holds the other half moves the bytes, and must do so after
 * every call that may have written, whatever that call returned.
 *
 *   BIO *mine, *network;
 *   BIO_new_bio_pair(&mine, 0, &network, 0);
 *   SSL_set_bio(ssl, mine, mine);                        // |mine| belongs to |ssl| now
 *   ... SSL_connect(ssl) ...
 *   while (BIO_ctrl_pending(network) > 0) { BIO_read(network, ...); send; }
 *   if (BIO_ctrl_get_read_request(network) > 0) { receive; BIO_write(network, ...); }
 *   ... SSL_free(ssl); BIO_free(network);
 */
#ifndef HANDFAST_BIO_PAIR_H
#define HANDFAST_BIO_PAIR_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/bio.h>

#ifndef OPENSSL_IS_BORINGSSL
#error "handfast needs BoringSSL's headers, and this <openssl/bio.h> is not one of them"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef HF_EXPORT
#ifdef __GNUC__
#define HF_EXPORT __attribute__((visibility("default")))
#else
#define HF_EXPORT
#endif
#endif

/* ---- What a half does ----
 *
 * Each half owns one bounded ring of bytes, the one it writes to, and reads from its peer's.  The
 * following are libcrypto's own functions, which ask the half:
 *  - BIO_read returns the bytes it copied, at most what is there.  If there are none: -1 with
 *    BIO_should_read, and the far half's read request is set; or 0 without retry if the far half
 *    was shut down and all that it wrote has been read.
 *  - BIO_write returns the bytes it copied, as many as fit.  If the ring is full: -1 with
 *    BIO_should_write.  After BIO_shutdown_wr: -1, no retry, BIO_R_BROKEN_PIPE.  If there is no
 *    memory for the ring: -1, no retry, ERR_R_MALLOC_FAILURE; nothing is lost and a later call
 *    may succeed.
 *  - On a half without a peer (not joined yet, or the peer was freed) both fail with
 *    BIO_R_UNINITIALIZED, no retry: -2 or -1, as the libcrypto has it.  That is no end of file.
 *  - BIO_ctrl_pending and BIO_pending count the bytes that can be read from this half; BIO_wpending
 *    those written to it that the peer has not read.  Without a peer they are 0.
 *  - BIO_eof is 1 if nothing is left to read and nothing can come, because the peer was shut down
 *    or there is none; else 0.
 *  - BIO_reset drops what was written to this half and not read yet, and returns 1.  It undoes no
 *    shutdown.
 *  - BIO_flush returns 1 and moves nothing.  BIO_gets is not supported.
 *
 * Memory: a ring has room for 128 bytes in itself.  For more it takes a kilobyte, or what it is
 * given if that is more; its whole size, too, when that does not suffice, when more than half is
 * written at once, and when it lends space.  It gives all back, wiped, when its last byte is read.
 * What is lent keeps it a little longer, as the functions say.  An idle pair holds two small
 * structs.
 *
 * Lifetimes: each half is freed by itself, with BIO_free or by what owns it.  Freeing one takes the
 * other's peer away; what the freed half had written and was not read yet is lost.
 *
 * Threads: no locks.  The two halves of a pair are one object: one thread at a time for both.
 *
 * Where OpenSSL and BoringSSL differ, or the page differs from both: BIO_reset returns 1 (OpenSSL:
 * 0).  BIO_eof tells the truth with every libcrypto.  The read request never exceeds the write
 * guarantee, as the page says, not even after a shutdown.  BIO_nread asks for |num| bytes, not for
 * one.  A BIO cannot be its own peer.  BIO_number_read and BIO_number_written do not count what
 * goes without copying.
 */

/* HF_BIO_PAIR_SIZE is the size of a ring that was given none: 17 KiB, room for the longest TLS
 * record. */
enum { HF_BIO_PAIR_SIZE = 17 * 1024 };

/* The BIO_C_ numbers that BIO_ctrl takes on a half and BoringSSL has no names for; OpenSSL's.  The
 * others are in <openssl/bio.h>: BIO_C_{SET,GET}_WRITE_BUF_SIZE, BIO_C_GET_WRITE_GUARANTEE,
 * BIO_C_GET_READ_REQUEST, BIO_C_RESET_READ_REQUEST, BIO_C_SHUTDOWN_WR, BIO_C_NREAD0, BIO_C_NREAD,
 * BIO_C_NWRITE0, BIO_C_NWRITE. */
#ifndef BIO_C_MAKE_BIO_PAIR
#define BIO_C_MAKE_BIO_PAIR 138
#endif
#ifndef BIO_C_DESTROY_BIO_PAIR
#define BIO_C_DESTROY_BIO_PAIR 139
#endif

/* ---- Making and unmaking ---- */

/* BIO_s_bio returns the method of a pair's half, for BIO_new; its type is BIO_TYPE_BIO.  It lives
 * for ever and may be called from any thread.  NULL if there is no memory for it; the next call
 * tries again. */
HF_EXPORT const BIO_METHOD *BIO_s_bio(void);

/* BIO_new_bio_pair makes two halves and joins them.  |writebuf1| is the size in bytes of the ring
 * that |*out1| writes to, |writebuf2| that of |*out2|; 0 means HF_BIO_PAIR_SIZE, anything from 1 to
 * LONG_MAX will do.  What |*out1| and |*out2| held before is overwritten, not freed.  Returns 1; or
 * 0 with an error on the queue (ERR_R_MALLOC_FAILURE, or BIO_R_INVALID_ARGUMENT for a size over
 * LONG_MAX) and both set to NULL. */
HF_EXPORT int BIO_new_bio_pair(BIO **out1, size_t writebuf1, BIO **out2, size_t writebuf2);

/* BIO_make_bio_pair joins two halves made with BIO_new(BIO_s_bio()).  Each keeps its ring's size;
 * neither is shut down afterwards, whatever it was.  Returns 1; or 0 with an error: BIO_R_IN_USE if
 * either is joined already, BIO_R_INVALID_ARGUMENT if |b2| is |b1|, NULL, or no half of this kind.
 * 0 without an error if |b1| is NULL or of another kind. */
HF_EXPORT int BIO_make_bio_pair(BIO *b1, BIO *b2);

/* BIO_destroy_bio_pair parts |b| and its peer, from either side; what either had written and was
 * not read is lost.  Both remain to be freed, and may be joined again.  Freeing a half does this by
 * itself.  Returns 1, also if |b| had no peer. */
HF_EXPORT int BIO_destroy_bio_pair(BIO *b);

/* BIO_set_write_buf_size sets the size in bytes, at least 1, of the ring that |b| writes to.
 * Returns 1; or 0 with an error: BIO_R_IN_USE if |b| is joined, BIO_R_INVALID_ARGUMENT if |size| is
 * not positive. */
HF_EXPORT int BIO_set_write_buf_size(BIO *b, long size);

/* BIO_get_write_buf_size returns the size of the ring that |b| writes to.  |size| is not used; it
 * stands there because OpenSSL's macro takes it. */
HF_EXPORT size_t BIO_get_write_buf_size(BIO *b, long size);

/* BIO_shutdown_wr ends what |bio| writes: from now on writing to |bio| fails with
 * BIO_R_BROKEN_PIPE, and its peer reads what is left and then 0, without retry.  Reading from |bio|
 * goes on.  It cannot be undone but by joining anew.  Returns 1. */
HF_EXPORT int BIO_shutdown_wr(BIO *bio);

/* ---- How much ---- */

/* BIO_ctrl_get_write_guarantee returns how many bytes a BIO_write to |bio| would take now: what is
 * free in its ring.  A longer write takes as much, and one to a full ring asks for a retry.  0
 * without a peer and after BIO_shutdown_wr. */
HF_EXPORT size_t BIO_ctrl_get_write_guarantee(BIO *bio);
/* BIO_get_write_guarantee is the same as an int, at most INT_MAX. */
HF_EXPORT int BIO_get_write_guarantee(BIO *b);

/* BIO_ctrl_get_read_request returns how many bytes the last attempt to read from |bio|'s peer asked
 * for in vain; cut to what a write to |bio| can take, so it is never more than
 * BIO_ctrl_get_write_guarantee.  It is 0 if that attempt read something, as soon as anything is
 * written to |bio|, after BIO_shutdown_wr(bio), and without a peer.  A TLS engine on the peer asks
 * for exactly the bytes it needs next: 5 for a header, then the rest of the record. */
HF_EXPORT size_t BIO_ctrl_get_read_request(BIO *bio);
/* BIO_get_read_request is the same as an int, at most INT_MAX. */
HF_EXPORT int BIO_get_read_request(BIO *b);
/* BIO_ctrl_reset_read_request sets it to 0, for reads that were only a look.  Returns 1. */
HF_EXPORT int BIO_ctrl_reset_read_request(BIO *b);

/* BIO_ctrl_wpending returns BIO_wpending(b): bytes written to |b| that its peer has not read.  Like
 * it, it works on a BIO of any kind. */
HF_EXPORT size_t BIO_ctrl_wpending(BIO *b);

/* ---- Without copying, as BIO_s_bio(3) has it.  |buf| may be NULL: then only the count matters. */

/* BIO_nread0 points |*buf| at the bytes that can be read from |bio| without a gap and returns their
 * number.  It takes nothing.  A ring has an end: after BIO_nread of all of them, more may be there,
 * at its beginning.  Returns 0 at the end of file; -1, as BIO_read does, if there is nothing yet
 * (the request is then for 1 byte); -2 with BIO_R_UNINITIALIZED without a peer.  The bytes stay
 * where they are, and may be written over in place, until they are read, or dropped by BIO_reset,
 * or the halves are parted. */
HF_EXPORT int BIO_nread0(BIO *bio, char **buf);

/* BIO_nread points |*buf| likewise, and takes at most |num| of them.  Returns how many; what
 * BIO_nread0 returns if there are none (the request is then for |num| bytes); -1 with
 * BIO_R_INVALID_ARGUMENT if |num| is negative.  The bytes it took remain readable at |*buf| until
 * either half is next used, other than to ask how much. */
HF_EXPORT int BIO_nread(BIO *bio, char **buf, int num);

/* BIO_nwrite0 points |*buf| at free space of |bio|'s ring without a gap and returns its length.  It
 * writes nothing.  Returns -1 with BIO_should_write if the ring is full; -1 with an error after
 * BIO_shutdown_wr (BIO_R_BROKEN_PIPE) or if there is no memory (ERR_R_MALLOC_FAILURE); -2 with
 * BIO_R_UNINITIALIZED without a peer.  The space stays where it is, whatever the peer reads
 * meanwhile, and keeps the ring's memory, until BIO_nwrite, BIO_write, BIO_reset or BIO_shutdown_wr
 * on |bio|, or until the halves are parted. */
HF_EXPORT int BIO_nwrite0(BIO *bio, char **buf);

/* BIO_nwrite points |*buf| likewise, and counts at most |num| bytes from there as written: put them
 * there before, or before the peer is next used.  Returns how many; what BIO_nwrite0 returns if
 * there is no space; -1 with BIO_R_INVALID_ARGUMENT if |num| is negative.  With |num| 0 it gives
 * back space that was lent. */
HF_EXPORT int BIO_nwrite(BIO *bio, char **buf, int num);

/* ---- Without copying, for a TLS engine: records are opened where they lie ----
 *
 *   size_t len = hf_bio_peek(bio, &data), need = hf_need(conn, data, len);
 *   if (need == 0) {
 *     hf_open(conn, &app, &used, data, len);
 *     ... use |app| ...
 *     hf_bio_consume(bio, used);
 *   } else if (BIO_ctrl_pending(bio) > len) {
 *     ... the record goes round the ring's end: BIO_read it to a buffer ...
 *   } else {
 *     return hf_bio_request(bio, need);
 *   }
 */

/* hf_bio_pair_is returns 1 if |bio| is a half made by this library's BIO_s_bio or BIO_new_bio_pair,
 * joined or not; 0 for every other BIO, libcrypto's own pair included, and for NULL.  For such a
 * BIO the functions below do nothing and say so: nothing to read, no space, hf_bio_request -2. */
HF_EXPORT int hf_bio_pair_is(const BIO *bio);

/* hf_bio_peek points |*data| at the bytes that can be read from |bio| without a gap and returns
 * their number; 0, with |*data| NULL, if there are none.  BIO_ctrl_pending(bio) tells whether there
 * are more, round the ring's end.  The bytes may be changed in place; they last as with BIO_nread0.
 * It touches neither retry flags nor the read request. */
HF_EXPORT size_t hf_bio_peek(BIO *bio, uint8_t **data);

/* hf_bio_consume takes |len| bytes, which need not lie without a gap; at most BIO_ctrl_pending(bio)
 * are taken.  They are gone when it returns: use them before.  It clears the retry flags and, if it
 * takes anything, the read request, as a BIO_read that succeeds does. */
HF_EXPORT void hf_bio_consume(BIO *bio, size_t len);

/* hf_bio_request says that the bytes there are do not suffice and that |need| more, at least 1, are
 * wanted; it is the BIO_read that fails.  The far half's read request becomes |need|, or what its
 * ring has free if that is less: 0 if the ring is full, and then it is for this side to take bytes
 * out.  Returns -1, with BIO_should_read set on |bio|; 0, without retry, if the far half was shut
 * down, so that nothing more can come (some bytes may still be there); -2 with BIO_R_UNINITIALIZED
 * without a peer. */
HF_EXPORT int hf_bio_request(BIO *bio, size_t need);

/* hf_bio_space points |*data| at free space of |bio|'s ring without a gap and returns its length;
 * it lasts as with BIO_nwrite0.  0, with |*data| NULL, if BIO_nwrite0 would fail:
 * BIO_should_write(bio) if the ring is full, else the error is on the queue. */
HF_EXPORT size_t hf_bio_space(BIO *bio, uint8_t **data);

/* hf_bio_reserve is hf_bio_space for who needs |want| bytes and no more: the ring takes no more
 * memory than it has to, and may lend less than all it has free without a gap.  It lends less than
 * |want| only where its end is in the way; if it has not as much free, or |bio| is none of ours, it
 * returns 0 and there is no error.  |want| 0 is hf_bio_space.  Asked again before hf_bio_produce,
 * it may lend other space instead. */
HF_EXPORT size_t hf_bio_reserve(BIO *bio, size_t want, uint8_t **data);

/* hf_bio_produce counts |len| bytes, put where hf_bio_space or hf_bio_reserve said, as written; at
 * most what that returned are counted.  |len| 0 gives the space back. */
HF_EXPORT void hf_bio_produce(BIO *bio, size_t len);

#ifdef __cplusplus
}
#endif
#endif
