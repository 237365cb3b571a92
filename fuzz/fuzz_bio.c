/* fuzz_bio.c - a BIO pair against a model of it: two bounded queues of bytes.
 *
 * The input is a list of calls, each a byte (bit 7: on which half) and what the call needs.  After
 * each call its result, its error, the retry flags and all that either half says about itself must
 * be what bio_pair.h promises; the bytes that come out must be those that went in.  The one thing
 * that the model does not know is where a ring ends: how much lies without a gap is the ring's own
 * affair, within bounds. */
#include <handfast/bio_pair.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"

enum { MOST = 70000, FLAGS = BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY };
enum { READ_AGAIN = BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY };
enum { WRITE_AGAIN = BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY };

struct half {
  BIO *bio;
  size_t size, request;
  bool shut;
  uint8_t *queue; /* written to this half, and not read by the other */
  size_t len;
  char *space; /* that is lent; NULL: none is */
  size_t lent;
  int flags;
};

struct world {
  struct half half[2];
  bool joined;
  uint8_t next;  /* byte that is written next */
  uint8_t *room; /* MOST bytes for a call */
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* ---- The model ---- */

static size_t free_in(const struct half *half) { return half->shut ? 0 : half->size - half->len; }

static void empty(struct half *half) {
  half->len = 0;
  half->space = NULL;
}

static void drop(struct half *from, size_t len) {
  if (len == 0) return;
  from->len -= len;
  memmove(from->queue, from->queue + len, from->len);
  from->request = 0;
}

static void add(struct half *to, const uint8_t *data, size_t len) {
  memcpy(to->queue + to->len, data, len);
  to->len += len;
  to->space = NULL;
  if (len > 0) to->request = 0;
}

/* starve is what a read that finds nothing comes to. */
static int starve(struct half *self, struct half *other, size_t need) {
  other->request = least(need, free_in(other));
  self->flags = other->shut ? 0 : READ_AGAIN;
  return other->shut ? 0 : -1;
}

static void part(struct world *world) {
  if (!world->joined) return;
  world->joined = false;
  for (int i = 0; i < 2; i++) {
    empty(&world->half[i]);
    world->half[i].shut = false;
    world->half[i].request = 0;
    world->half[i].flags = 0;
  }
}

/* ---- Comparing ---- */

static void expect_error(int reason) {
  const uint32_t error = ERR_get_error();
  CHECK(reason == 0 ? error == 0
                    : ERR_GET_LIB(error) == ERR_LIB_BIO && ERR_GET_REASON(error) == reason);
  ERR_clear_error();
}

static void expect(int got, int want, int reason) {
  CHECK(got == want);
  expect_error(reason);
}

static void look(const struct half *self, const struct half *other, bool joined) {
  BIO *bio = self->bio;
  const size_t in = joined ? other->len : 0, out = joined ? self->len : 0;
  const size_t room = joined ? free_in(self) : 0;
  CHECK(BIO_pending(bio) == in && BIO_ctrl_pending(bio) == in);
  CHECK(BIO_wpending(bio) == out && BIO_ctrl_wpending(bio) == out);
  CHECK(BIO_ctrl_get_write_guarantee(bio) == room && BIO_get_write_guarantee(bio) == (int)room);
  CHECK(self->request <= room);
  CHECK(BIO_ctrl_get_read_request(bio) == self->request);
  CHECK(BIO_get_read_request(bio) == (int)self->request);
  CHECK(BIO_eof(bio) == (!joined || (other->shut && other->len == 0)));
  CHECK(BIO_get_write_buf_size(bio, 0) == self->size);
  CHECK(BIO_test_flags(bio, FLAGS) == self->flags);
  CHECK(hf_bio_pair_is(bio));
  expect_error(0);
}

/* ---- Calls: reading ---- */

static void call_read(struct world *world, struct half *self, struct half *other, size_t len) {
  const int got = BIO_read(self->bio, world->room, (int)len);
  if (!world->joined) {
    CHECK(got == -2 || got == -1);
    expect_error(BIO_R_UNINITIALIZED);
  } else if (len == 0) {
    expect(got, 0, 0); /* libcrypto answers that by itself */
  } else if (other->len == 0) {
    expect(got, starve(self, other, len), 0);
  } else {
    const size_t want = least(len, other->len);
    self->flags = 0;
    expect(got, (int)want, 0);
    CHECK(memcmp(world->room, other->queue, want) == 0);
    drop(other, want);
  }
}

/* BIO_nread0, and BIO_nread if |take|. */
static void call_nread(struct world *world, struct half *self, struct half *other, int num,
                       bool taken) {
  char *at = NULL;
  const int got = taken ? BIO_nread(self->bio, &at, num) : BIO_nread0(self->bio, &at);
  if (num < 0) {
    expect(got, -1, BIO_R_INVALID_ARGUMENT);
  } else if (!world->joined) {
    expect(got, -2, BIO_R_UNINITIALIZED);
  } else if (other->len == 0) {
    expect(got, starve(self, other, num > 0 ? (size_t)num : 1), 0);
  } else {
    self->flags = 0;
    CHECK(got >= (taken && num == 0 ? 0 : 1) && (size_t)got <= other->len &&
          (!taken || got <= num));
    CHECK(memcmp(at, other->queue, (size_t)got) == 0);
    expect_error(0);
    if (taken) drop(other, (size_t)got);
  }
}

/* What may be read is changed where it lies. */
static void call_overwrite(struct half *self, struct half *other) {
  uint8_t *at = NULL;
  const size_t len = hf_bio_peek(self->bio, &at);
  CHECK((len > 0) == (at != NULL) && len <= other->len);
  for (size_t i = 0; i < len; i++) at[i] ^= 0x55;
  for (size_t i = 0; i < len; i++) other->queue[i] ^= 0x55;
}

static void call_peek(const struct world *world, const struct half *self,
                      const struct half *other) {
  uint8_t *at = NULL;
  const size_t len = hf_bio_peek(self->bio, &at);
  CHECK((len > 0) == (world->joined && other->len > 0) && len <= other->len);
  CHECK(len > 0 ? memcmp(at, other->queue, len) == 0 : at == NULL);
}

static void call_consume(const struct world *world, struct half *self, struct half *other,
                         size_t len) {
  hf_bio_consume(self->bio, len);
  if (!world->joined) return;
  self->flags = 0;
  drop(other, least(len, other->len));
}

static void call_request(const struct world *world, struct half *self, struct half *other,
                         size_t need) {
  const int got = hf_bio_request(self->bio, need);
  if (world->joined)
    expect(got, starve(self, other, need), 0);
  else
    expect(got, -2, BIO_R_UNINITIALIZED);
}

/* ---- Calls: writing ---- */

static void fill(struct world *world, uint8_t *at, size_t len) {
  for (size_t i = 0; i < len; i++) at[i] = world->next++;
}

/* cannot_write is what a write that is not to be had comes to, 1 if it is to be had. */
static int cannot_write(const struct world *world, struct half *self, int *reason) {
  *reason = !world->joined ? BIO_R_UNINITIALIZED : self->shut ? BIO_R_BROKEN_PIPE : 0;
  if (!world->joined) return -2;
  self->flags = self->shut || free_in(self) > 0 ? 0 : WRITE_AGAIN;
  return free_in(self) > 0 ? 1 : -1;
}

static void call_write(struct world *world, struct half *self, size_t len) {
  int reason = 0;
  fill(world, world->room, len);
  const int got = BIO_write(self->bio, world->room, (int)len);
  if (!world->joined) {
    CHECK(got == -2 || got == -1);
    expect_error(BIO_R_UNINITIALIZED);
  } else if (len == 0) {
    expect(got, 0, 0);
  } else {
    const int may = cannot_write(world, self, &reason);
    const size_t want = least(len, free_in(self));
    expect(got, may == 1 ? (int)want : may, reason);
    if (may == 1) add(self, world->room, want);
  }
}

/* The space at |at| is what was lent before, if any was. */
static void check_space(struct half *self, char *at, size_t len) {
  CHECK(at != NULL && len > 0 && len <= free_in(self));
  CHECK(self->space == NULL || (self->space == at && self->lent <= len));
  CHECK(self->len > 0 || self->space != NULL || len == self->size);
  self->space = at;
  self->lent = len;
}

static void call_nwrite0(struct world *world, struct half *self, bool by_space) {
  int reason;
  char *at = NULL;
  uint8_t *space = NULL;
  const int may = cannot_write(world, self, &reason);
  const int got = by_space ? (int)hf_bio_space(self->bio, &space) : BIO_nwrite0(self->bio, &at);
  if (may != 1) {
    expect(got, by_space ? 0 : may, reason);
    CHECK(space == NULL);
    return;
  }
  CHECK(got > 0);
  expect_error(0);
  check_space(self, by_space ? (char *)space : at, (size_t)got);
}

static void call_nwrite(struct world *world, struct half *self, int num) {
  int reason;
  char *at = NULL;
  const int got = BIO_nwrite(self->bio, &at, num);
  if (num < 0) {
    expect(got, -1, BIO_R_INVALID_ARGUMENT);
    return;
  }
  const int may = cannot_write(world, self, &reason);
  if (may != 1) {
    expect(got, may, reason);
    return;
  }
  CHECK(got <= num && (num > 0) == (got > 0) && (size_t)got <= free_in(self));
  CHECK(self->space == NULL || at == self->space);
  expect_error(0);
  fill(world, (uint8_t *)at, (size_t)got);
  add(self, (uint8_t *)at, (size_t)got);
}

static void call_produce(struct world *world, struct half *self, size_t len) {
  const size_t counted = self->space == NULL ? 0 : least(len, self->lent);
  uint8_t *at = (uint8_t *)self->space;
  if (counted > 0) fill(world, at, counted);
  if (counted > 0) add(self, at, counted);
  if (world->joined) self->space = NULL;
  hf_bio_produce(self->bio, len);
}

/* ---- Calls: the rest ---- */

static void new_half(struct half *half) {
  half->bio = BIO_new(BIO_s_bio());
  CHECK(half->bio != NULL);
  half->size = HF_BIO_PAIR_SIZE;
  half->shut = false;
  half->request = 0;
  half->flags = 0;
  empty(half);
}

static void call_shutdown(struct half *self) {
  expect(BIO_shutdown_wr(self->bio), 1, 0);
  self->shut = true;
  self->request = 0;
  self->space = NULL;
}

static void call_reset(struct half *self) {
  expect(BIO_reset(self->bio), 1, 0);
  if (self->len > 0) self->request = 0;
  empty(self);
}

static void call_make(struct world *world, struct half *self, struct half *other) {
  expect(BIO_make_bio_pair(self->bio, self->bio), 0, BIO_R_INVALID_ARGUMENT);
  expect(BIO_make_bio_pair(self->bio, NULL), 0, BIO_R_INVALID_ARGUMENT);
  expect(BIO_make_bio_pair(NULL, self->bio), 0, 0);
  if (world->joined) {
    expect(BIO_make_bio_pair(self->bio, other->bio), 0, BIO_R_IN_USE);
    return;
  }
  expect(BIO_make_bio_pair(self->bio, other->bio), 1, 0);
  world->joined = true;
  for (int i = 0; i < 2; i++) {
    empty(&world->half[i]);
    world->half[i].shut = false;
    world->half[i].request = 0;
  }
}

static void call_resize(const struct world *world, struct half *self, size_t size) {
  const int want = !world->joined && size > 0;
  const int reason = world->joined ? BIO_R_IN_USE : size == 0 ? BIO_R_INVALID_ARGUMENT : 0;
  expect(BIO_set_write_buf_size(self->bio, (long)size), want, reason);
  if (!want) return;
  self->size = size;
  self->shut = false;
}

static void call_free(struct world *world, struct half *self) {
  part(world);
  CHECK(BIO_free(self->bio) == 1);
  new_half(self);
}

/* Each of these makes the call that |which| says, if it is one of its own. */

static void read_calls(struct world *world, struct half *self, struct half *other, unsigned which,
                       struct fuzz_bytes *in) {
  if (which == 0) call_read(world, self, other, take(in));
  if (which == 1) call_read(world, self, other, take_two(in));
  if (which == 2) call_nread(world, self, other, 0, false);
  if (which == 3) call_nread(world, self, other, take(in), true);
  if (which == 4) call_nread(world, self, other, (int)take_two(in), true);
  if (which == 5) call_nread(world, self, other, -1, true);
  if (which == 6) call_peek(world, self, other);
  if (which == 7) call_consume(world, self, other, take(in));
  if (which == 8) call_consume(world, self, other, take_two(in));
  if (which == 9) call_request(world, self, other, 1 + take_two(in));
  if (which == 10) call_overwrite(self, other);
}

static void write_calls(struct world *world, struct half *self, unsigned which,
                        struct fuzz_bytes *in) {
  if (which == 11) call_write(world, self, take(in));
  if (which == 12) call_write(world, self, take_two(in));
  if (which == 13) call_nwrite0(world, self, false);
  if (which == 14) call_nwrite(world, self, take(in));
  if (which == 15) call_nwrite(world, self, (int)take_two(in));
  if (which == 16) call_nwrite(world, self, -1);
  if (which == 17) call_nwrite0(world, self, true);
  if (which == 18) call_produce(world, self, take(in));
  if (which == 19) call_produce(world, self, take_two(in));
}

static void other_calls(struct world *world, struct half *self, struct half *other, unsigned which,
                        struct fuzz_bytes *in) {
  if (which == 20) call_shutdown(self);
  if (which == 21) call_reset(self);
  if (which == 22) {
    expect(BIO_destroy_bio_pair(self->bio), 1, 0);
    part(world);
  }
  if (which == 23) call_make(world, self, other);
  if (which == 24) call_resize(world, self, take(in));
  if (which == 25) call_resize(world, self, take_two(in));
  if (which == 26) call_free(world, self);
  if (which == 27) {
    expect(BIO_ctrl_reset_read_request(self->bio), 1, 0);
    self->request = 0;
  }
  if (which == 28) expect(BIO_flush(self->bio), 1, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct fuzz_bytes in = {data, len};
  struct world world = {.room = malloc(MOST)};
  CHECK(world.room != NULL);
  const size_t size[2] = {take(&in), take(&in)};
  CHECK(BIO_new_bio_pair(&world.half[0].bio, size[0], &world.half[1].bio, size[1]) == 1);
  world.joined = true;
  for (int i = 0; i < 2; i++) {
    world.half[i].size = size[i] > 0 ? size[i] : HF_BIO_PAIR_SIZE;
    world.half[i].queue = malloc(MOST);
    CHECK(world.half[i].queue != NULL);
  }
  while (in.len > 0) {
    const uint8_t which = take(&in);
    struct half *self = &world.half[which >> 7], *other = &world.half[1 - (which >> 7)];
    read_calls(&world, self, other, which & 31, &in);
    write_calls(&world, self, which & 31, &in);
    other_calls(&world, self, other, which & 31, &in);
    for (int i = 0; i < 2; i++) look(&world.half[i], &world.half[1 - i], world.joined);
  }
  for (int i = 0; i < 2; i++) {
    BIO_free(world.half[i].bio);
    free(world.half[i].queue);
  }
  free(world.room);
  return 0;
}
