// bio_pair.c: BIO_s_bio(3) over libcrypto's BIO type, and the rings lent to the SSL layer.
//
// A half owns the ring it writes to and reads its peer's.  Invariants: a half's peer's peer is
// itself; a BIO is "initialized" exactly while its half has a peer; a half without a peer has an
// empty ring.
//
// libcrypto has a pair of its own, one object that defines BIO_new_bio_pair,
// BIO_ctrl_get_read_request, BIO_ctrl_get_write_guarantee and BIO_shutdown_wr.  This one object
// defines all four, and every other public name of the pair: whichever a static link meets first
// brings the four, and libcrypto's object stays out.  The functions go through BIO_ctrl, with
// OpenSSL's numbers, so that a BIO of any other kind answers for itself.
#include <handfast/bio_pair.h>

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/mem.h>

#include "bio_pair/half.h"
#include "bio_pair/ring.h"

struct hf_half {
  BIO *bio;       // that this is the half of
  hf_half *peer;  // NULL: not joined
  hf_ring out;    // what this half wrote and the peer reads
};

// CTRL_IS_HALF is answered with the address of |half_mark| by this method and no other.  The type
// alone would not do: libcrypto's pair has it too.
enum { CTRL_IS_HALF = 0x68660001 };
static const char half_mark = 0;

static hf_half *half_of(BIO *bio) { return BIO_get_data(bio); }

// joined says whether |half| is one, with a peer.
static bool joined(const hf_half *half) { return half != NULL && half->peer != NULL; }

static int fail(int ret, int reason) {
  ERR_put_error(ERR_LIB_BIO, 0, reason, __FILE__, __LINE__);
  return ret;
}

static void renew(hf_ring *ring) {
  hf_ring_reset(ring);
  hf_ring_init(ring, ring->size);
}

// ---- Reading ----

// starve is a read that finds too little: |need| more bytes are wanted.
static int starve(hf_half *self, size_t need) {
  hf_ring *in = &self->peer->out;
  BIO_clear_retry_flags(self->bio);
  hf_ring_request(in, need);
  if (in->shut) return 0;
  BIO_set_retry_read(self->bio);
  return -1;
}

static int half_read(BIO *bio, char *out, int len) {
  hf_half *self = half_of(bio);
  BIO_clear_retry_flags(bio);
  if (self->peer == NULL) return fail(-2, BIO_R_UNINITIALIZED);
  if (len <= 0) return 0;
  size_t n = hf_ring_read(&self->peer->out, (uint8_t *)out, (size_t)len);
  return n > 0 ? (int)n : starve(self, (size_t)len);
}

// half_nread is BIO_nread0 and BIO_nread: at most |max| bytes are pointed at, and taken if |take|.
static long half_nread(hf_half *self, char **out, size_t max, bool take) {
  uint8_t *data;
  BIO_clear_retry_flags(self->bio);
  if (self->peer == NULL) return fail(-2, BIO_R_UNINITIALIZED);
  hf_ring *in = &self->peer->out;
  size_t len = out != NULL ? hf_ring_peek(in, &data) : hf_ring_look(in, &data);
  if (len == 0) return starve(self, max > 0 ? max : 1);
  if (take) len = hf_ring_take(in, &data, max);
  if (out != NULL) *out = (char *)data;
  return (long)len;
}

// ---- Writing ----

// may_write is 1, or what a write must return: there is no peer, the half is shut, or the ring is
// full.
static int may_write(hf_half *self) {
  BIO_clear_retry_flags(self->bio);
  if (self->peer == NULL) return fail(-2, BIO_R_UNINITIALIZED);
  if (self->out.shut) return fail(-1, BIO_R_BROKEN_PIPE);
  if (hf_ring_room(&self->out) > 0) return 1;
  BIO_set_retry_write(self->bio);
  return -1;
}

static int half_write(BIO *bio, const char *in, int len) {
  hf_half *self = half_of(bio);
  size_t n;
  int may = may_write(self);
  if (may <= 0) return may;
  if (len <= 0) return 0;
  if (!hf_ring_write(&self->out, &n, (const uint8_t *)in, (size_t)len)) {
    return fail(-1, ERR_R_MALLOC_FAILURE);
  }
  return (int)n;
}

// half_nwrite0 lends space, for |want| bytes, or with 0 as much as there is.
static long half_nwrite0(hf_half *self, char **out, size_t want) {
  uint8_t *data;
  size_t len;
  int may = may_write(self);
  if (may <= 0) return may;
  if (!hf_ring_space(&self->out, want, &data, &len)) return fail(-1, ERR_R_MALLOC_FAILURE);
  if (out != NULL) *out = (char *)data;
  return (long)len;
}

static long half_nwrite(hf_half *self, char **out, size_t max) {
  long room = half_nwrite0(self, out, 0);
  return room > 0 ? (long)hf_ring_produce(&self->out, max) : room;
}

// ---- Joining ----

static int join(hf_half *self, BIO *other_bio) {
  if (!hf_bio_pair_is(other_bio) || other_bio == self->bio) return fail(0, BIO_R_INVALID_ARGUMENT);
  hf_half *other = half_of(other_bio);
  if (self->peer != NULL || other->peer != NULL) return fail(0, BIO_R_IN_USE);
  renew(&self->out);
  renew(&other->out);
  self->peer = other;
  other->peer = self;
  BIO_set_init(self->bio, 1);
  BIO_set_init(other->bio, 1);
  return 1;
}

static void part(hf_half *self) {
  hf_half *other = self->peer;
  if (other == NULL) return;
  self->peer = NULL;
  other->peer = NULL;
  BIO_set_init(self->bio, 0);
  BIO_set_init(other->bio, 0);
  // libcrypto refuses from here on without asking us: a retry flag left behind would make its
  // caller wait for ever.
  BIO_clear_retry_flags(self->bio);
  BIO_clear_retry_flags(other->bio);
  renew(&self->out);
  renew(&other->out);
}

static int resize(hf_half *self, long size) {
  if (self->peer != NULL) return fail(0, BIO_R_IN_USE);
  if (size <= 0) return fail(0, BIO_R_INVALID_ARGUMENT);
  hf_ring_init(&self->out, (size_t)size);
  return 1;
}

// ---- The method ----

static int half_create(BIO *bio) {
  hf_half *self = OPENSSL_malloc(sizeof(*self));
  if (self == NULL) return fail(0, ERR_R_MALLOC_FAILURE);
  self->bio = bio;
  self->peer = NULL;
  hf_ring_init(&self->out, HF_BIO_PAIR_SIZE);
  BIO_set_data(bio, self);
  return 1;
}

static int half_destroy(BIO *bio) {
  hf_half *self = half_of(bio);
  if (self == NULL) return 1;  // newer libcryptos also free a BIO that half_create could not make
  part(self);
  OPENSSL_free(self);
  return 1;
}

// half_ask answers what any BIO may be asked.
static long half_ask(hf_half *self, int cmd, long larg) {
  const hf_half *peer = self->peer;
  switch (cmd) {
    case BIO_CTRL_RESET:
      hf_ring_reset(&self->out);
      return 1;
    case BIO_CTRL_EOF:
      return peer == NULL || hf_ring_ended(&peer->out);
    case BIO_CTRL_PENDING:
      return peer == NULL ? 0 : (long)peer->out.len;
    case BIO_CTRL_WPENDING:
      return (long)self->out.len;
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_GET_CLOSE:
      return BIO_get_shutdown(self->bio);
    case BIO_CTRL_SET_CLOSE:
      BIO_set_shutdown(self->bio, (int)larg);
      return 1;
    default:
      return 0;
  }
}

static long half_ctrl(BIO *bio, int cmd, long larg, void *parg) {
  hf_half *self = half_of(bio);
  switch (cmd) {
    case CTRL_IS_HALF:
      *(const void **)parg = &half_mark;
      return 1;
    case BIO_C_SET_WRITE_BUF_SIZE:
      return resize(self, larg);
    case BIO_C_GET_WRITE_BUF_SIZE:
      return (long)self->out.size;
    case BIO_C_MAKE_BIO_PAIR:
      return join(self, parg);
    case BIO_C_DESTROY_BIO_PAIR:
      part(self);
      return 1;
    case BIO_C_GET_WRITE_GUARANTEE:
      return self->peer == NULL ? 0 : (long)hf_ring_room(&self->out);
    case BIO_C_GET_READ_REQUEST:
      return (long)self->out.request;
    case BIO_C_RESET_READ_REQUEST:
      self->out.request = 0;
      return 1;
    case BIO_C_SHUTDOWN_WR:
      hf_ring_shut(&self->out);
      return 1;
    case BIO_C_NREAD0:
      return half_nread(self, parg, 0, false);
    case BIO_C_NREAD:
      return larg < 0 ? fail(-1, BIO_R_INVALID_ARGUMENT)
                      : half_nread(self, parg, (size_t)larg, true);
    case BIO_C_NWRITE0:
      return half_nwrite0(self, parg, 0);
    case BIO_C_NWRITE:
      return larg < 0 ? fail(-1, BIO_R_INVALID_ARGUMENT) : half_nwrite(self, parg, (size_t)larg);
    default:
      return half_ask(self, cmd, larg);
  }
}

const BIO_METHOD *BIO_s_bio(void) {
  static _Atomic(BIO_METHOD *) the_method;
  BIO_METHOD *known = atomic_load(&the_method);
  if (known != NULL) return known;
  BIO_METHOD *made = BIO_meth_new(BIO_TYPE_BIO, "BIO pair");
  if (made == NULL) {
    fail(0, ERR_R_MALLOC_FAILURE);
    return NULL;
  }
  BIO_meth_set_create(made, half_create);
  BIO_meth_set_destroy(made, half_destroy);
  BIO_meth_set_read(made, half_read);
  BIO_meth_set_write(made, half_write);
  BIO_meth_set_ctrl(made, half_ctrl);
  // Another thread may have been faster: then its method is the one.
  if (atomic_compare_exchange_strong(&the_method, &known, made)) return made;
  BIO_meth_free(made);
  return known;
}

// ---- BIO_s_bio(3) ----

static int done(BIO *bio, int cmd, long larg, void *parg) {
  return BIO_ctrl(bio, cmd, larg, parg) > 0;
}

static size_t count(BIO *bio, int cmd) {
  long n = BIO_ctrl(bio, cmd, 0, NULL);
  return n > 0 ? (size_t)n : 0;
}

static int to_int(size_t n) { return n < INT_MAX ? (int)n : INT_MAX; }

// transfer is the four functions without copying: a BIO that is no half, or is not joined, is not
// initialized for them.
static int transfer(BIO *bio, int cmd, char **buf, int num) {
  if (!hf_bio_pair_is(bio)) return fail(-2, BIO_R_UNINITIALIZED);
  long n = BIO_ctrl(bio, cmd, num, buf);
  return n < INT_MAX ? (int)n : INT_MAX;
}

int BIO_new_bio_pair(BIO **out1, size_t writebuf1, BIO **out2, size_t writebuf2) {
  const BIO_METHOD *method = BIO_s_bio();
  *out1 = NULL;
  *out2 = NULL;
  if (method == NULL) return 0;
  if (writebuf1 > LONG_MAX || writebuf2 > LONG_MAX) return fail(0, BIO_R_INVALID_ARGUMENT);
  BIO *one = BIO_new(method), *two = BIO_new(method);
  if (one == NULL || two == NULL) {
    BIO_free(one);
    BIO_free(two);
    return fail(0, ERR_R_MALLOC_FAILURE);
  }
  if (writebuf1 > 0) resize(half_of(one), (long)writebuf1);
  if (writebuf2 > 0) resize(half_of(two), (long)writebuf2);
  join(half_of(one), two);
  *out1 = one;
  *out2 = two;
  return 1;
}

int BIO_make_bio_pair(BIO *b1, BIO *b2) { return done(b1, BIO_C_MAKE_BIO_PAIR, 0, b2); }

int BIO_destroy_bio_pair(BIO *b) { return done(b, BIO_C_DESTROY_BIO_PAIR, 0, NULL); }

int BIO_set_write_buf_size(BIO *b, long size) {
  return done(b, BIO_C_SET_WRITE_BUF_SIZE, size, NULL);
}

size_t BIO_get_write_buf_size(BIO *b, long size) {
  (void)size;
  return count(b, BIO_C_GET_WRITE_BUF_SIZE);
}

int BIO_shutdown_wr(BIO *bio) { return done(bio, BIO_C_SHUTDOWN_WR, 0, NULL); }

size_t BIO_ctrl_get_write_guarantee(BIO *bio) { return count(bio, BIO_C_GET_WRITE_GUARANTEE); }

int BIO_get_write_guarantee(BIO *b) { return to_int(count(b, BIO_C_GET_WRITE_GUARANTEE)); }

size_t BIO_ctrl_get_read_request(BIO *bio) { return count(bio, BIO_C_GET_READ_REQUEST); }

int BIO_get_read_request(BIO *b) { return to_int(count(b, BIO_C_GET_READ_REQUEST)); }

int BIO_ctrl_reset_read_request(BIO *b) { return done(b, BIO_C_RESET_READ_REQUEST, 0, NULL); }

size_t BIO_ctrl_wpending(BIO *b) { return count(b, BIO_CTRL_WPENDING); }

int BIO_nread0(BIO *bio, char **buf) { return transfer(bio, BIO_C_NREAD0, buf, 0); }

int BIO_nread(BIO *bio, char **buf, int num) { return transfer(bio, BIO_C_NREAD, buf, num); }

int BIO_nwrite0(BIO *bio, char **buf) { return transfer(bio, BIO_C_NWRITE0, buf, 0); }

int BIO_nwrite(BIO *bio, char **buf, int num) { return transfer(bio, BIO_C_NWRITE, buf, num); }

// ---- For the SSL layer ----

hf_half *hf_half_of(const BIO *bio) { return hf_bio_pair_is(bio) ? half_of((BIO *)bio) : NULL; }

size_t hf_half_peek(hf_half *half, uint8_t **data) {
  *data = NULL;
  return joined(half) ? hf_ring_look(&half->peer->out, data) : 0;
}

void hf_half_consume(hf_half *half, size_t len) {
  if (!joined(half)) return;
  BIO_clear_retry_flags(half->bio);
  hf_ring_consume(&half->peer->out, len);
}

size_t hf_half_reserve(hf_half *half, size_t want, uint8_t **data) {
  char *space = NULL;
  // For who cannot use less, less is no reason to complain, nor to take memory.
  const bool vain = half == NULL || want > hf_ring_room(&half->out);
  long len = vain ? 0 : half_nwrite0(half, &space, want);
  *data = (uint8_t *)space;
  return len > 0 ? (size_t)len : 0;
}

void hf_half_produce(hf_half *half, size_t len) {
  if (joined(half)) hf_ring_produce(&half->out, len);
}

// ---- For an engine ----

int hf_bio_pair_is(const BIO *bio) {
  const void *mark = NULL;
  if (bio == NULL || BIO_method_type(bio) != BIO_TYPE_BIO) return 0;
  return BIO_ctrl((BIO *)bio, CTRL_IS_HALF, 0, &mark) == 1 && mark == &half_mark;
}

size_t hf_bio_peek(BIO *bio, uint8_t **data) {
  const hf_half *half = hf_half_of(bio);
  *data = NULL;
  return joined(half) ? hf_ring_peek(&half->peer->out, data) : 0;
}

void hf_bio_consume(BIO *bio, size_t len) { hf_half_consume(hf_half_of(bio), len); }

int hf_bio_request(BIO *bio, size_t need) {
  hf_half *half = hf_half_of(bio);
  return joined(half) ? starve(half, need) : fail(-2, BIO_R_UNINITIALIZED);
}

size_t hf_bio_space(BIO *bio, uint8_t **data) { return hf_bio_reserve(bio, 0, data); }

size_t hf_bio_reserve(BIO *bio, size_t want, uint8_t **data) {
  return hf_half_reserve(hf_half_of(bio), want, data);
}

void hf_bio_produce(BIO *bio, size_t len) { hf_half_produce(hf_half_of(bio), len); }
