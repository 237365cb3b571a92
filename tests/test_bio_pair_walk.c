// The pair on a random walk: every call of its interface in any order, against two arrays; and the
// calls that libcrypto's own pair has too, against that one.
#define _GNU_SOURCE  // dladdr, RTLD_NOLOAD
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <dlfcn.h>
#include <string.h>

#include <openssl/err.h>

#include <handfast/bio_pair.h>

enum {
  NUM_STEPS = 120000,
  MAX_SIZE = 17408,
  MAX_ASK = 2 * MAX_SIZE,
  RETRY_READ = BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY,
  RETRY_WRITE = BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY
};

static uint64_t state;

// below gives a number under |n|: splitmix64, the same on every machine.
static size_t below(size_t n) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (size_t)((z ^ (z >> 31)) % n);
}

// length is how much to ask for of a ring of |size|: mostly little, sometimes just about all, or
// more than there can be.
static size_t length(size_t size) {
  switch (below(4)) {
    case 0:
      return 1 + below(size + 2);
    case 1:
      return 1 + below(2 * size);
    default:
      return 1 + below(size < 12 ? size : 12);
  }
}

// A lane is what one half writes and the other reads, as an array.
typedef struct lane {
  uint8_t bytes[MAX_SIZE];
  size_t size, len, request;
  bool shut;
  const uint8_t *shown;  // where the reader was told that the first bytes lie; NULL: nowhere
  size_t num_shown;
} lane;

typedef struct walk {
  BIO *bio[2];
  lane lane[2];  // lane[i] is what bio[i] writes
  int retry[2];  // the flags that bio[i] must have
} walk;

static uint8_t fresh[MAX_ASK], got[MAX_ASK];

static size_t room(const lane *l) { return l->shut ? 0 : l->size - l->len; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static void model_write(lane *l, const uint8_t *bytes, size_t len) {
  memcpy(l->bytes + l->len, bytes, len);
  l->len += len;
  l->request = 0;
}

static void model_read(lane *l, size_t len) {
  memmove(l->bytes, l->bytes + len, l->len - len);
  l->len -= len;
  l->request = 0;
  if (len < l->num_shown) {
    l->shown += len;
    l->num_shown -= len;
  } else {
    l->shown = NULL;
    l->num_shown = 0;
  }
}

// What was shown stays where it is until it is read.
static void show(lane *l, const void *data, size_t len) {
  cr_assert(l->shown == NULL || l->shown == data);
  l->shown = data;
  l->num_shown = len;
}

static void make_fresh(size_t len) {
  for (size_t i = 0; i < len; i++) fresh[i] = (uint8_t)below(256);
}

// refused checks a transfer on bio[i] that must fail with |ret|; |retry| is why, or nothing and
// |reason| is.
static void refused(walk *w, int i, long ret, int retry, int reason) {
  cr_assert_eq(ret, -1);
  w->retry[i] = retry;
  uint32_t error = ERR_get_error();
  cr_assert_eq(error == 0 ? 0 : ERR_GET_REASON(error), reason);
}

static void starved(walk *w, int i, long ret, size_t need) {
  lane *l = &w->lane[1 - i];
  if (l->shut) {
    cr_assert_eq(ret, 0);
    w->retry[i] = 0;
    return;
  }
  l->request = least(need, room(l));
  refused(w, i, ret, RETRY_READ, 0);
}

static void blocked(walk *w, int i, long ret) {
  if (w->lane[i].shut) {
    refused(w, i, ret, 0, BIO_R_BROKEN_PIPE);
  } else {
    refused(w, i, ret, RETRY_WRITE, 0);
  }
}

// came checks that |len| bytes at |data| are the first of what bio[i] reads.
static void came(walk *w, int i, const void *data, size_t len) {
  cr_assert_eq(memcmp(data, w->lane[1 - i].bytes, len), 0);
  w->retry[i] = 0;
}

static void step_write(walk *w, int i) {
  lane *l = &w->lane[i];
  size_t len = length(l->size);
  make_fresh(len);
  int ret = BIO_write(w->bio[i], fresh, (int)len);
  if (room(l) == 0) {
    blocked(w, i, ret);
    return;
  }
  cr_assert_eq((size_t)ret, least(len, room(l)));
  model_write(l, fresh, (size_t)ret);
  w->retry[i] = 0;
}

static void step_read(walk *w, int i) {
  lane *l = &w->lane[1 - i];
  size_t len = length(l->size);
  int ret = BIO_read(w->bio[i], got, (int)len);
  if (l->len == 0) {
    starved(w, i, ret, len);
    return;
  }
  cr_assert_eq((size_t)ret, least(len, l->len));
  came(w, i, got, (size_t)ret);
  model_read(l, (size_t)ret);
}

// What lies without a gap is in the ring's hands; but two pieces must do.
static void step_nread(walk *w, int i) {
  lane *l = &w->lane[1 - i];
  char *buf = NULL;
  size_t len = length(l->size), pieces = 0;
  int ret = BIO_nread0(w->bio[i], &buf);
  if (l->len == 0) {
    starved(w, i, ret, 1);
    starved(w, i, BIO_nread(w->bio[i], &buf, (int)len), len);
    return;
  }
  for (; len > 0 && l->len > 0; pieces++) {
    ret = BIO_nread0(w->bio[i], &buf);
    cr_assert(ret > 0 && (size_t)ret <= l->len);
    came(w, i, buf, (size_t)ret);
    show(l, buf, (size_t)ret);
    size_t taken = least(len, (size_t)ret);
    cr_assert_eq(BIO_nread(w->bio[i], &buf, (int)len), (int)taken);
    came(w, i, buf, taken);
    model_read(l, taken);
    len -= taken;
  }
  cr_assert_leq(pieces, 2);
}

static void step_nwrite(walk *w, int i) {
  lane *l = &w->lane[i];
  char *buf = NULL, *again;
  size_t len = length(l->size), pieces = 0;
  if (room(l) == 0) {
    blocked(w, i, BIO_nwrite0(w->bio[i], &buf));
    blocked(w, i, BIO_nwrite(w->bio[i], &buf, 1));
    return;
  }
  bool reading = below(2) == 0;  // what was shown stays, whatever the peer reads
  for (; len > 0 && room(l) > 0; pieces++) {
    int ret = BIO_nwrite0(w->bio[i], &buf);
    cr_assert(ret > 0 && (size_t)ret <= room(l));
    w->retry[i] = 0;
    if (reading) step_read(w, 1 - i);
    size_t put = least(len, (size_t)ret);
    make_fresh(put);
    memcpy(buf, fresh, put);
    cr_assert_eq(BIO_nwrite(w->bio[i], &again, (int)put), (int)put);
    cr_assert_eq(again, buf);
    model_write(l, fresh, put);
    len -= put;
  }
  if (!reading) cr_assert_leq(pieces, 2);
}

static void step_consume(walk *w, int i) {
  lane *l = &w->lane[1 - i];
  uint8_t *data;
  size_t len = hf_bio_peek(w->bio[i], &data), need = length(l->size);
  cr_assert_leq(len, l->len);
  cr_assert_eq(len == 0, l->len == 0);
  cr_assert_eq(data == NULL, len == 0);
  if (len > 0) cr_assert_eq(memcmp(data, l->bytes, len), 0);
  if (len > 0) show(l, data, len);
  if (len == 0 || below(3) == 0) {
    starved(w, i, hf_bio_request(w->bio[i], need), need);
    return;
  }
  if (below(2) == 0) l->bytes[len - 1] = data[len - 1] = (uint8_t)below(256);  // in place
  hf_bio_consume(w->bio[i], need);
  model_read(l, least(need, l->len));
  w->retry[i] = 0;
}

static void step_produce(walk *w, int i) {
  lane *l = &w->lane[i];
  uint8_t *data;
  size_t want = below(2) == 0 ? length(l->size < 300 ? l->size : 300) : 0;
  size_t len = hf_bio_reserve(w->bio[i], want, &data);
  cr_assert_leq(len, room(l));
  cr_assert_eq(len == 0, room(l) == 0 || want > room(l));
  if (len == 0) {
    if (want <= room(l)) blocked(w, i, -1);
    return;
  }
  w->retry[i] = 0;
  if (below(2) == 0) step_read(w, 1 - i);
  size_t put = below(len + 1);
  make_fresh(put);
  memcpy(data, fresh, put);
  hf_bio_produce(w->bio[i], put);
  if (put > 0) model_write(l, fresh, put);
}

static void step_reset(walk *w, int i) {
  lane *l = &w->lane[i];
  cr_assert_eq(BIO_reset(w->bio[i]), 1);
  if (l->len > 0) l->request = 0;
  l->len = l->num_shown = 0;
  l->shown = NULL;
}

static void step_shutdown(walk *w, int i) {
  cr_assert_eq(BIO_shutdown_wr(w->bio[i]), 1);
  w->lane[i].shut = true;
  w->lane[i].request = 0;
}

static void step_rejoin(walk *w, int i) {
  cr_assert_eq(BIO_destroy_bio_pair(w->bio[i]), 1);
  cr_assert_eq(BIO_make_bio_pair(w->bio[i], w->bio[1 - i]), 1);
  for (int k = 0; k < 2; k++) {
    w->lane[k].len = w->lane[k].request = 0;
    w->lane[k].shut = false;
    w->lane[k].shown = NULL;
    w->lane[k].num_shown = 0;
    w->retry[k] = 0;
  }
}

static void check(const walk *w) {
  for (int i = 0; i < 2; i++) {
    const lane *out = &w->lane[i], *in = &w->lane[1 - i];
    BIO *bio = w->bio[i];
    cr_assert_eq(BIO_ctrl_pending(bio), in->len);
    cr_assert_eq(BIO_ctrl_wpending(bio), out->len);
    cr_assert_eq(BIO_ctrl_get_write_guarantee(bio), room(out));
    cr_assert_eq(BIO_ctrl_get_read_request(bio), out->request);
    cr_assert_eq(BIO_eof(bio), in->shut && in->len == 0);
    if (in->shown != NULL) cr_assert_arr_eq(in->shown, in->bytes, in->num_shown);
    cr_assert_eq(BIO_get_retry_flags(bio), w->retry[i]);
  }
  cr_assert_eq(ERR_peek_error(), 0);
}

static void step(walk *w) {
  int i = (int)below(2);
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
      step_write(w, i);
      break;
    case 3:
    case 4:
    case 5:
      step_read(w, i);
      break;
    case 6:
    case 7:
      step_nread(w, i);
      break;
    case 8:
    case 9:
      step_nwrite(w, i);
      break;
    case 10:
    case 11:
      step_consume(w, i);
      break;
    case 12:
    case 13:
      step_produce(w, i);
      break;
    case 14:
      cr_assert_eq(BIO_ctrl_reset_read_request(w->bio[i]), 1);
      w->lane[i].request = 0;
      break;
    default:
      if (below(10) == 0) step_reset(w, i);
      if (below(50) == 0) step_shutdown(w, i);
      if (below(20) == 0) step_rejoin(w, i);
  }
}

static size_t the_sizes[] = {1, 2, 3, 5, 64, 129, 257, 300, 1000, 17408};

ParameterizedTestParameters(bio_pair_walk, every_call_agrees_with_an_array) {
  return cr_make_param_array(size_t, the_sizes, sizeof(the_sizes) / sizeof(*the_sizes));
}

ParameterizedTest(size_t *size, bio_pair_walk, every_call_agrees_with_an_array) {
  static walk w;
  ERR_clear_error();
  w.lane[0].size = *size;
  w.lane[1].size = *size > 3 ? *size - 2 : *size;  // the two need not be alike
  cr_assert_eq(BIO_new_bio_pair(&w.bio[0], w.lane[0].size, &w.bio[1], w.lane[1].size), 1);
  state = *size;
  for (int n = 0; n < NUM_STEPS; n++) {
    step(&w);
    check(&w);
  }
  BIO_free(w.bio[0]);
  BIO_free(w.bio[1]);
}

// ---- Against libcrypto's own pair, where libcrypto is a library of its own ----

typedef int new_pair_function(BIO **, size_t, BIO **, size_t);

static new_pair_function *libcryptos_new_pair(void) {
  Dl_info info, where;
  void *handle = NULL;
  new_pair_function *function = NULL;
  if (dladdr((void *)(uintptr_t)&BIO_new, &info) != 0) {
    handle = dlopen(info.dli_fname, RTLD_NOLOAD | RTLD_LAZY);
  }
  void *symbol = handle == NULL ? NULL : dlsym(handle, "BIO_new_bio_pair");
  // Where libcrypto is in the program itself, the search would go on to Criterion's OpenSSL.
  if (symbol == NULL || dladdr(symbol, &where) == 0 || where.dli_fbase != info.dli_fbase) {
    return NULL;
  }
  memcpy(&function, &symbol, sizeof(function));
  return function == BIO_new_bio_pair ? NULL : function;
}

static void same_long(long ours, long theirs, const char *what, int n) {
  cr_assert_eq(ours, theirs, "step %d: %s is %ld, libcrypto's %ld", n, what, ours, theirs);
}

static void same_state(BIO *ours, BIO *theirs, bool shut, int n) {
  same_long((long)BIO_pending(ours), (long)BIO_pending(theirs), "pending", n);
  same_long((long)BIO_wpending(ours), (long)BIO_wpending(theirs), "wpending", n);
  same_long(BIO_get_retry_flags(ours), BIO_get_retry_flags(theirs), "the retry flags", n);
  same_long(BIO_ctrl(ours, BIO_C_GET_WRITE_GUARANTEE, 0, NULL),
            BIO_ctrl(theirs, BIO_C_GET_WRITE_GUARANTEE, 0, NULL), "the guarantee", n);
  // A shut half of libcrypto's may keep a request beyond its guarantee; ours goes by the page.
  if (!shut) {
    same_long(BIO_ctrl(ours, BIO_C_GET_READ_REQUEST, 0, NULL),
              BIO_ctrl(theirs, BIO_C_GET_READ_REQUEST, 0, NULL), "the request", n);
  }
  same_long((long)ERR_peek_error(), 0, "the queue", n);
}

static uint32_t took_reason(void) {
  uint32_t error = ERR_get_error();
  ERR_clear_error();
  return error == 0 ? 0 : (uint32_t)ERR_GET_REASON(error);
}

static void same_step(BIO *ours, BIO *theirs, size_t size, bool *shut, int n) {
  static uint8_t other[MAX_ASK];
  size_t len = below(8) == 0 ? 0 : length(size);
  size_t kind = below(100);
  if (kind < 48) {
    make_fresh(len);
    int ret = BIO_write(ours, fresh, (int)len);
    uint32_t reason = took_reason();
    same_long(ret, BIO_write(theirs, fresh, (int)len), "BIO_write", n);
    same_long((long)reason, (long)took_reason(), "its error", n);
  } else if (kind < 96) {
    int ret = BIO_read(ours, got, (int)len);
    same_long(ret, BIO_read(theirs, other, (int)len), "BIO_read", n);
    if (ret > 0) cr_assert_eq(memcmp(got, other, (size_t)ret), 0);
  } else if (kind < 98) {
    same_long(BIO_flush(ours), BIO_flush(theirs), "BIO_flush", n);
  } else if (kind < 99) {
    same_long(BIO_ctrl(ours, BIO_C_RESET_READ_REQUEST, 0, NULL),
              BIO_ctrl(theirs, BIO_C_RESET_READ_REQUEST, 0, NULL), "resetting the request", n);
  } else if (below(20) == 0) {
    same_long(BIO_ctrl(ours, BIO_C_SHUTDOWN_WR, 0, NULL),
              BIO_ctrl(theirs, BIO_C_SHUTDOWN_WR, 0, NULL), "shutting", n);
    *shut = true;
  }
}

ParameterizedTestParameters(bio_pair_walk, what_libcryptos_pair_can_do_ours_does_alike) {
  return cr_make_param_array(size_t, the_sizes, sizeof(the_sizes) / sizeof(*the_sizes));
}

ParameterizedTest(size_t *size, bio_pair_walk, what_libcryptos_pair_can_do_ours_does_alike) {
  new_pair_function *new_pair = libcryptos_new_pair();
  if (new_pair == NULL) {
    cr_log_info("libcrypto is linked statically and has no pair of its own in this program");
    return;
  }
  ERR_clear_error();
  state = *size;
  for (int round = 0; round < 20; round++) {
    BIO *ours[2], *theirs[2];
    bool shut[2] = {false, false};
    cr_assert_eq(BIO_new_bio_pair(&ours[0], *size, &ours[1], *size), 1);
    cr_assert_eq(new_pair(&theirs[0], *size, &theirs[1], *size), 1);
    cr_assert_eq(hf_bio_pair_is(ours[0]), 1);
    cr_assert_eq(hf_bio_pair_is(theirs[0]), 0);
    for (int n = 0; n < NUM_STEPS / 20; n++) {
      size_t i = below(2);
      same_step(ours[i], theirs[i], *size, &shut[i], n);
      for (int k = 0; k < 2; k++) same_state(ours[k], theirs[k], shut[k], n);
    }
    for (int k = 0; k < 2; k++) {
      BIO_free(ours[k]);
      BIO_free(theirs[k]);
    }
  }
}
