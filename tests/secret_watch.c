/* secret_watch.c: see secret_watch.h.  Owns the owners (connections) and the search;
 * what is a secret is noted by secret_crypto.c. */
#include "secret_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret_arena.h"
#include "secret_stack.h"

enum { STACK = SECRET_STACK, WORDS = SECRET_STACK_WORDS, MOST_OWNERS = 16, MOST_TOLD = 20 };
/* What hf_leave overwrites its stack with is longer than what else is wiped on one. */
enum { WHOLE_STACK = 2048 };

struct watch_sum watch_sum = {.reach = STACK};
bool watch_quiet;

static struct owner {
  hf_conn *conn;
  int arena, handshake;
  bool agreed, ready, failed, asking, freed;
} owners[MOST_OWNERS];
static int num_owners, owner = SECRET_NONE;

static struct {
  const char *name;
  enum watch_event event;
  size_t at, calls;
} now;
static const hf_codes *own_groups, *own_suites;
static uint16_t versions[2];
static size_t num_servers; /* since watch_begin */

/* ---- the stack ---- */

static struct {
  void (*run)(void *arg);
  void *arg;
  size_t deepest, overwritten; /* words from the stack's lower end */
  bool touched;                /* since it was overwritten last */
} call;

static void trampoline(void) { call.run(call.arg); }

static void run_there(void) {
  if (!WATCH_STACKS) {
    trampoline();
    return;
  }
  secret_stack_run(trampoline);
}

size_t watch_mark(void) {
  size_t at = 0;
  if (owner == SECRET_NONE || secret_stack == NULL) return 0;
  while (at < WORDS && secret_stack[at] == SECRET_PAINT) at++;
  return at;
}

void watch_deep(size_t mark) {
  const size_t after = watch_mark();
  if (owner == SECRET_NONE) return;
  call.touched = true;
  if (after < mark && after < call.deepest) call.deepest = after;
}

/* It may be overwritten in pieces, one behind the other. */
void watch_cleanse(const void *at, size_t len) {
  static const uint8_t *begin, *end;
  const uint64_t *word = at;
  if (owner == SECRET_NONE || secret_stack == NULL || word < secret_stack ||
      word >= secret_stack + WORDS)
    return;
  if (at != end) begin = at;
  end = (const uint8_t *)at + len;
  if ((size_t)(end - begin) < WHOLE_STACK) return;
  call.overwritten = (size_t)((const uint64_t *)(const void *)begin - secret_stack);
  call.touched = false;
}

/* ---- the search ---- */

static bool any(const struct secret *secret) {
  (void)secret;
  return true;
}

static bool is_over(const struct secret *secret) {
  const struct owner *o = &owners[secret->owner];
  if (o->freed || o->failed || secret->has_next) return true;
  if (secret->parent != SECRET_NONE && is_over(book_secret(secret->parent))) return true;
  switch (secret->life) {
    case LIVES_NO_CALL:
      return true;
    case LIVES_UNTIL_AGREED:
      return o->agreed;
    case LIVES_UNTIL_READY:
      return o->ready;
    case LIVES_WITH_ASKING:
      return !o->asking;
    case LIVES_UNTIL_NEXT:
    case LIVES_ON:
      break;
  }
  return false;
}

static void tell(const char *where, const struct secret *secret, const char *after) {
  const size_t told = watch_sum.in_heap + watch_sum.on_stack;
  if (watch_quiet || told > MOST_TOLD) return;
  fprintf(stderr, "%s: after call %zu, %s: \"%s\" %s\n", now.name, now.calls, after, secret->name,
          where);
}

static void search(const char *name) {
  size_t len;
  const uint8_t *heap = arena_all(owners[owner].arena, &len);
  const struct secret *found = book_search(heap, len, owner, is_over);
  if (found != NULL) {
    watch_sum.in_heap++;
    tell("in the heap", found, name);
  }
  if (secret_stack == NULL) return;
  found = book_search((const uint8_t *)secret_stack, STACK, owner, any);
  if (found != NULL) {
    watch_sum.on_stack++;
    tell("on the stack", found, name);
  }
}

static void look_at_depth(const char *name) {
  const size_t depth = 8 * (WORDS - call.deepest), reach = 8 * (WORDS - call.overwritten);
  if (secret_stack == NULL || call.deepest == WORDS) return;
  if (depth > watch_sum.deepest) watch_sum.deepest = depth;
  if (call.overwritten < WORDS && reach < watch_sum.reach) watch_sum.reach = reach;
  if (!call.touched && call.overwritten <= call.deepest) return;
  if (watch_sum.shallow++ < MOST_TOLD && !watch_quiet) {
    fprintf(stderr, "%s: %s overwrites %zu bytes of a stack on which secrets were down to %zu%s\n",
            now.name, name, reach, depth, call.touched ? ", and not at the end" : "");
  }
}

/* ---- calls ---- */

static void look_at(struct owner *o) {
  if (o->conn == NULL) return;
  const unsigned wants = hf_wants(o->conn);
  o->failed = (wants & HF_FAILED) != 0;
  o->ready = (wants & HF_READY) != 0;
  o->asking = hf_question(o->conn)->ask != HF_ASK_NONE;
}

static void watch(int whose, const char *name, void (*run)(void *arg), void *arg) {
  owner = whose;
  now.calls++;
  watch_sum.calls++;
  call.run = run;
  call.arg = arg;
  call.deepest = call.overwritten = WORDS;
  call.touched = false;
  run_there();
  struct owner *o = &owners[whose];
  if (!o->freed) look_at(o);
  search(name);
  look_at_depth(name);
  owner = SECRET_NONE;
}

int watch_owner_of(const hf_conn *conn) {
  for (int i = 0; i < num_owners; i++) {
    if (owners[i].conn == conn && !owners[i].freed) return i;
  }
  return SECRET_NONE;
}

/* Calls from inside the engine, or on a connection that was there before, are nobody's. */
static void watch_call(hf_conn *conn, const char *name, void (*run)(void *arg), void *arg) {
  const int whose = owner == SECRET_NONE ? watch_owner_of(conn) : SECRET_NONE;
  if (whose == SECRET_NONE) {
    run(arg);
    return;
  }
  if (now.event == WATCH_ABORT && now.calls == now.at) {
    now.event = WATCH_NOTHING;
    hf_abort(conn, 80);
  }
  watch(whose, name, run, arg);
}

void watch_begin(const char *what, enum watch_event event, size_t at) {
  watch_sum.secrets += book_size();
  book_clear();
  for (int i = 0; i < num_owners; i++) arena_close(owners[i].arena);
  num_owners = 0;
  now.name = what;
  now.event = event;
  now.at = at;
  now.calls = 0;
  num_servers = 0;
}

size_t watch_calls(void) { return now.calls; }

void watch_choose(const hf_codes *groups, const hf_codes *suites) {
  own_groups = groups;
  own_suites = suites;
}

void watch_versions(uint16_t first, uint16_t second) {
  versions[0] = first;
  versions[1] = second;
}

int watch_owner(void) { return owner; }

int watch_arena(void) { return owner == SECRET_NONE ? ARENA_NONE : owners[owner].arena; }

void watch_agreed(void) { owners[owner].agreed = true; }

int watch_handshake(int secret) {
  if (secret != SECRET_NONE) owners[owner].handshake = secret;
  return owners[owner].handshake;
}

/* ---- the public functions ---- */

hf_status __real_hf_config_new(hf_config **out, const hf_settings *settings);
hf_status __wrap_hf_config_new(hf_config **out, const hf_settings *settings);
hf_status __wrap_hf_config_new(hf_config **out, const hf_settings *settings) {
  hf_settings chosen = *settings;
  if (own_groups != NULL) chosen.groups = *own_groups;
  if (own_suites != NULL) chosen.suites = *own_suites;
  if (versions[0] != 0 && settings->role == HF_CLIENT) {
    chosen.version_min = 0x0303;
    chosen.version_max = 0x0304;
  } else if (versions[0] != 0) {
    chosen.version_min = chosen.version_max = versions[num_servers++ % 2];
  }
  return __real_hf_config_new(out, &chosen);
}

/* The session that is offered; of TLS 1.3 only the early secret is kept, which HKDF makes. */
static void note_session(int whose, hf_bytes state) {
  hf_session_info info;
  if (hf_session_read(&info, state) == HF_OK && info.version == 0x0303) {
    (void)book_add(whose, LIVES_UNTIL_AGREED, "session", info.secret, info.secret_len, SECRET_NONE);
  }
}

static void note_keys(int whose, const hf_entropy *e) {
  const struct {
    const uint8_t *bytes;
    size_t len;
  } keys[] = {{e->x25519, sizeof e->x25519},     {e->p256, sizeof e->p256},
              {e->p384, sizeof e->p384},         {e->p521, sizeof e->p521},
              {e->mlkem768, sizeof e->mlkem768}, {e->mlkem1024, sizeof e->mlkem1024}};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    (void)book_add(whose, LIVES_UNTIL_AGREED, "private key", keys[i].bytes, keys[i].len,
                   SECRET_NONE);
  }
}

hf_status __real_hf_new(hf_conn **out, const hf_config *config, const hf_start *start);
hf_status __wrap_hf_new(hf_conn **out, const hf_config *config, const hf_start *start);
struct new_args {
  hf_conn **out;
  const hf_config *config;
  const hf_start *start;
  hf_status status;
};

static void new_run(void *arg) {
  struct new_args *args = arg;
  args->status = __real_hf_new(args->out, args->config, args->start);
  owners[owner].conn = *args->out;
  owners[owner].freed = *args->out == NULL;
}

hf_status __wrap_hf_new(hf_conn **out, const hf_config *config, const hf_start *start) {
  struct new_args args = {out, config, start, HF_OK};
  if (num_owners == MOST_OWNERS) abort();
  owners[num_owners] = (struct owner){.arena = arena_open(), .handshake = SECRET_NONE};
  if (owners[num_owners].arena == ARENA_NONE) abort();
  note_keys(num_owners, &start->entropy);
  note_session(num_owners, start->session);
  watch(num_owners++, "hf_new", new_run, &args);
  return args.status;
}

void __real_hf_free(hf_conn *conn);
void __wrap_hf_free(hf_conn *conn);
static void free_run(void *arg) {
  __real_hf_free(arg);
  if (owner != SECRET_NONE && owners[owner].conn == arg) owners[owner].freed = true;
}
void __wrap_hf_free(hf_conn *conn) { watch_call(conn, "hf_free", free_run, conn); }

void __real_hf_abort(hf_conn *conn, uint8_t alert);
void __wrap_hf_abort(hf_conn *conn, uint8_t alert);
struct abort_args {
  hf_conn *conn;
  uint8_t alert;
};
static void abort_run(void *arg) {
  const struct abort_args *args = arg;
  __real_hf_abort(args->conn, args->alert);
}
void __wrap_hf_abort(hf_conn *conn, uint8_t alert) {
  struct abort_args args = {conn, alert};
  watch_call(conn, "hf_abort", abort_run, &args);
}

/* CALL puts itself between the caller and one function: |types| declares its arguments after the
 * connection, |fields| the same as members, |names| lists them, |from| as members of |x|. */
#define CALL(name, types, fields, names, from)        \
  hf_status __real_##name types;                      \
  hf_status __wrap_##name types;                      \
  struct name##_args {                                \
    hf_conn *conn;                                    \
    fields hf_status status;                          \
  };                                                  \
  static void name##_run(void *arg) {                 \
    struct name##_args *x = arg;                      \
    x->status = __real_##name from;                   \
  }                                                   \
  hf_status __wrap_##name types {                     \
    struct name##_args args = {HF_ARGS names, HF_OK}; \
    watch_call(conn, #name, name##_run, &args);       \
    return args.status;                               \
  }
#define HF_ARGS(...) __VA_ARGS__

CALL(hf_close, (hf_conn * conn), , (conn), (x->conn))
CALL(hf_issue_ticket, (hf_conn * conn), , (conn), (x->conn))
CALL(hf_answer_done, (hf_conn * conn), , (conn), (x->conn))
CALL(hf_answer_verdict, (hf_conn * conn), , (conn), (x->conn))
CALL(hf_rekey, (hf_conn * conn, bool a), bool a;, (conn, a), (x->conn, x->a))
CALL(hf_refuse, (hf_conn * conn, uint8_t a), uint8_t a;, (conn, a), (x->conn, x->a))
CALL(hf_answer_cookie, (hf_conn * conn, hf_bytes a), hf_bytes a;, (conn, a), (x->conn, x->a))
CALL(hf_answer_signature, (hf_conn * conn, hf_bytes a), hf_bytes a;, (conn, a), (x->conn, x->a))
CALL(hf_answer_decompress, (hf_conn * conn, hf_bytes a), hf_bytes a;, (conn, a), (x->conn, x->a))
CALL(hf_answer_compress, (hf_conn * conn, uint16_t a, hf_bytes b), uint16_t a; hf_bytes b;
     , (conn, a, b), (x->conn, x->a, x->b))
CALL(hf_quic_flush, (hf_conn * conn, hf_level *a, size_t *b, uint8_t *c, size_t d), hf_level *a;
     size_t * b; uint8_t * c; size_t d;, (conn, a, b, c, d), (x->conn, x->a, x->b, x->c, x->d))
CALL(hf_answer_identity, (hf_conn * conn, const hf_identity *a), const hf_identity *a;
     , (conn, a), (x->conn, x->a))
CALL(hf_answer_hello, (hf_conn * conn, const hf_config *a, hf_bytes b, const hf_bytes *c),
     const hf_config *a;
     hf_bytes b; const hf_bytes *c;, (conn, a, b, c), (x->conn, x->a, x->b, x->c))
CALL(hf_answer_psk, (hf_conn * conn, size_t a, const hf_psk *b, unsigned c), size_t a;
     const hf_psk *b; unsigned c;, (conn, a, b, c), (x->conn, x->a, x->b, x->c))
CALL(hf_flush, (hf_conn * conn, size_t *a, uint8_t *b, size_t c), size_t *a; uint8_t * b; size_t c;
     , (conn, a, b, c), (x->conn, x->a, x->b, x->c))
CALL(hf_seal, (hf_conn * conn, size_t *a, uint8_t *b, size_t c, const uint8_t *d, size_t e),
     size_t *a;
     uint8_t * b; size_t c; const uint8_t *d; size_t e;
     , (conn, a, b, c, d, e), (x->conn, x->a, x->b, x->c, x->d, x->e))

/* A side's tickets (side.c) are the state itself, with the PSK in it, behind a mark: from here on
 * nobody can read them any more, until they come back. */
static uint8_t veiled[1 << 16];
static hf_bytes veil(hf_bytes bytes, size_t mark_len) {
  if (bytes.data == NULL || bytes.len > sizeof veiled) return bytes;
  for (size_t i = 0; i < bytes.len; i++) {
    const size_t key = i < mark_len ? 0 : 0x5a + 37 * (i - mark_len);
    veiled[i] = (uint8_t)(bytes.data[i] ^ key);
  }
  return (hf_bytes){veiled, bytes.len};
}

hf_status __real_hf_answer_ticket(hf_conn *conn, hf_bytes ticket);
hf_status __wrap_hf_answer_ticket(hf_conn *conn, hf_bytes ticket);
struct ticket_args {
  hf_conn *conn;
  hf_bytes ticket;
  hf_status status;
};
static void ticket_run(void *arg) {
  struct ticket_args *x = arg;
  x->status = __real_hf_answer_ticket(x->conn, x->ticket);
}
hf_status __wrap_hf_answer_ticket(hf_conn *conn, hf_bytes ticket) {
  struct ticket_args args = {conn, veil(ticket, strlen("ticket:")), HF_OK};
  watch_call(conn, "hf_answer_ticket", ticket_run, &args);
  return args.status;
}

hf_status __real_hf_answer_session(hf_conn *conn, size_t index, hf_bytes state, unsigned flags);
hf_status __wrap_hf_answer_session(hf_conn *conn, size_t index, hf_bytes state, unsigned flags);
struct session_args {
  hf_conn *conn;
  size_t index;
  hf_bytes state;
  unsigned flags;
  hf_status status;
};
static void session_run(void *arg) {
  struct session_args *x = arg;
  x->status = __real_hf_answer_session(x->conn, x->index, x->state, x->flags);
}
hf_status __wrap_hf_answer_session(hf_conn *conn, size_t index, hf_bytes state, unsigned flags) {
  hf_session_info info;
  const bool plain = hf_session_read(&info, state) == HF_OK; /* it was kept under an id */
  struct session_args args = {conn, index, plain ? state : veil(state, 0), flags, HF_OK};
  watch_call(conn, "hf_answer_session", session_run, &args);
  return args.status;
}

/* What the peer says, unless he has fallen silent. */
static bool is_silent(void) { return now.event == WATCH_SILENCE && now.calls >= now.at; }

hf_status __real_hf_open(hf_conn *conn, hf_bytes *app, size_t *consumed, uint8_t *in,
                         size_t in_len);
hf_status __wrap_hf_open(hf_conn *conn, hf_bytes *app, size_t *consumed, uint8_t *in,
                         size_t in_len);
struct open_args {
  hf_conn *conn;
  hf_bytes *app;
  size_t *consumed;
  uint8_t *in;
  size_t in_len;
  hf_status status;
};
static void open_run(void *arg) {
  struct open_args *x = arg;
  x->status = __real_hf_open(x->conn, x->app, x->consumed, x->in, x->in_len);
}
hf_status __wrap_hf_open(hf_conn *conn, hf_bytes *app, size_t *consumed, uint8_t *in,
                         size_t in_len) {
  struct open_args args = {conn, app, consumed, in, in_len, HF_OK};
  if (is_silent()) {
    *app = (hf_bytes){NULL, 0};
    *consumed = in_len;
    return HF_OK;
  }
  watch_call(conn, "hf_open", open_run, &args);
  return args.status;
}

hf_status __real_hf_quic_open(hf_conn *conn, size_t *consumed, hf_level level, hf_bytes in);
hf_status __wrap_hf_quic_open(hf_conn *conn, size_t *consumed, hf_level level, hf_bytes in);
struct quic_open_args {
  hf_conn *conn;
  size_t *consumed;
  hf_level level;
  hf_bytes in;
  hf_status status;
};
static void quic_open_run(void *arg) {
  struct quic_open_args *x = arg;
  x->status = __real_hf_quic_open(x->conn, x->consumed, x->level, x->in);
}
hf_status __wrap_hf_quic_open(hf_conn *conn, size_t *consumed, hf_level level, hf_bytes in) {
  struct quic_open_args args = {conn, consumed, level, in, HF_OK};
  if (is_silent()) {
    *consumed = in.len;
    return HF_OK;
  }
  watch_call(conn, "hf_quic_open", quic_open_run, &args);
  return args.status;
}
