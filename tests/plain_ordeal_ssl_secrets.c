/* plain_ordeal_ssl_secrets.c - R-H-61: the SSL layer leaves no secret behind either.  Handshakes,
 * data and sessions through SSL_*, each call on a painted stack, its memory from an arena of which
 * nothing is given out twice (secret_arena.h).  When a call is over, its stack holds no 16 bytes of
 * any secret, and no line of the key log; when a handshake is over, the arena holds none of those
 * that were only for it; and when all is freed, none at all.  The engine by itself, with every
 * secret that it makes and everything that can go wrong: plain_ordeal_secrets.c.  Not for
 * sanitizers, which have an allocator of their own. */
#define _GNU_SOURCE /* for <features.h>, which tells glibc */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <handfast/answers.h>

#include "scenario.h"
#include "secret_arena.h"
#include "secret_book.h"
#include "secret_malloc.h"
#include "secret_stack.h"
#include "ssl_pair.h"
#include "wrap.h"

static int arena = ARENA_NONE;
static bool inside; /* a call is going on */
static void (*running)(void);

static int arena_now(void) { return inside ? arena : ARENA_NONE; }

static void run_inside(void) {
  inside = true;
  running();
  inside = false;
}

/* ---- What is played: all of it in static memory, where nobody searches ---- */

static struct {
  const char *name;
  SSL_CTX *client_ctx, *server_ctx;
  struct ssl_pair pair;
  SSL *who;
  SSL_SESSION *offered, *kept;
  int ret;
  bool ready, over;
  bool short_of; /* memory: nothing need go well */
  uint8_t data[300], key[48], bytes[SECRET_MAX];
} play;

static size_t wrong, runs, calls, secrets, found_in_heap, found_on_stack;
static bool quiet;

static void complain(const char *what) {
  if (play.short_of) return;
  wrong++;
  if (!quiet) fprintf(stderr, "%s: %s\n", play.name, what);
}

static bool any(const struct secret *secret) {
  (void)secret;
  return true;
}

static bool is_over(const struct secret *secret) {
  return play.over || (play.ready && secret->life == LIVES_UNTIL_READY);
}

static void search(const char *call) {
  size_t len;
  const uint8_t *heap = arena_all(arena, &len);
  const struct secret *heaps = book_search(heap, len, 0, is_over),
                      *stacks = book_search((const uint8_t *)secret_stack, SECRET_STACK, 0, any);
  if (heaps != NULL) found_in_heap++;
  if (stacks != NULL) found_on_stack++;
  if (heaps != NULL && !quiet)
    fprintf(stderr, "%s: %s leaves \"%s\" in the heap\n", play.name, call, heaps->name);
  if (stacks != NULL && !quiet)
    fprintf(stderr, "%s: %s leaves \"%s\" on the stack\n", play.name, call, stacks->name);
}

static void watch(const char *call, void (*function)(void)) {
  calls++;
  running = function;
  secret_stack_run(run_inside);
  search(call);
}

/* ---- What is secret ---- */

static void note(enum secret_life life, const char *name, const uint8_t *bytes, size_t len) {
  (void)book_add(0, life, name, bytes, len, SECRET_NONE);
}

/* A line: a label, the client's random, the secret, which is noted as it stands there too. */
static void on_keylog(const SSL *ssl, const char *line) {
  static char label[48];
  (void)ssl;
  const char *hex = strrchr(line, ' ') + 1;
  const size_t len = strlen(hex) / 2, label_len = strcspn(line, " ");
  if (len > SECRET_MAX || label_len >= sizeof label) return;
  memcpy(label, line, label_len);
  label[label_len] = '\0';
  for (size_t i = 0; i < len; i++) {
    const char *digits = "0123456789abcdef";
    play.bytes[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 |
                              (strchr(digits, hex[2 * i + 1]) - digits));
  }
  const bool brief = strstr(label, "HANDSHAKE") != NULL || strncmp(label, "CLIENT_EARLY", 12) == 0;
  note(brief ? LIVES_UNTIL_READY : LIVES_ON, label, play.bytes, len);
  note(LIVES_NO_CALL, "line of the key log", (const uint8_t *)hex, 2 * len);
}

/* The client keeps the last session that comes. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  const size_t len = SSL_SESSION_get_master_key(session, play.bytes, sizeof play.bytes);
  note(LIVES_ON, "a session's", play.bytes, len);
  if (SSL_is_server(ssl)) return 0;
  SSL_SESSION_free(play.kept);
  play.kept = session;
  return 1;
}

/* What keys are made of: Tests.cmake has the linker send these calls here. */
WRAP(void, hf_draw_entropy, (hf_entropy * out)) {
  __real_hf_draw_entropy(out);
  note(LIVES_UNTIL_READY, "for a private key", out->x25519, sizeof out->x25519);
  note(LIVES_UNTIL_READY, "for a private key", out->p256, sizeof out->p256);
  note(LIVES_UNTIL_READY, "for a private key", out->p384, sizeof out->p384);
  note(LIVES_UNTIL_READY, "for a private key", out->p521, sizeof out->p521);
}

enum { PSK_LEN = 32 };

static unsigned on_psk_client(SSL *ssl, const char *hint, char *identity, unsigned max_identity,
                              uint8_t *psk, unsigned max_psk) {
  (void)ssl, (void)hint, (void)max_psk;
  if (max_identity < 5) return 0;
  memcpy(identity, "anna", 5);
  memcpy(psk, play.key, PSK_LEN);
  return PSK_LEN;
}

static unsigned on_psk_server(SSL *ssl, const char *identity, uint8_t *psk, unsigned max_psk) {
  (void)ssl, (void)identity, (void)max_psk;
  memcpy(psk, play.key, PSK_LEN);
  return PSK_LEN;
}

/* ---- Calls ---- */

static void do_new(void) {
  if (!ssl_pair_new(&play.pair, play.client_ctx, play.server_ctx, 0)) {
    complain("no pair");
  } else if (play.offered != NULL && !SSL_set_session(play.pair.client, play.offered)) {
    complain("SSL_set_session");
  }
}
static void do_handshake(void) { play.ret = SSL_do_handshake(play.who); }
static void do_write(void) { play.ret = SSL_write(play.who, "some data", 9); }
static void do_read(void) { play.ret = SSL_read(play.who, play.data, sizeof play.data); }
static void do_update(void) { play.ret = SSL_key_update(play.who, SSL_KEY_UPDATE_REQUESTED); }
static void do_shutdown(void) { play.ret = SSL_shutdown(play.who); }
static void do_free(void) { SSL_free(play.who); }
static void do_export(void) {
  play.ret = SSL_export_keying_material(play.who, play.bytes, 32, "a label", 7, NULL, 0, 0);
  if (play.ret == 1) note(LIVES_NO_CALL, "exported", play.bytes, 32);
}
/* Both encodings, there and back. */
static void do_encode(void) {
  uint8_t *bytes = NULL;
  size_t len = 0;
  if (play.kept == NULL || !SSL_SESSION_to_bytes(play.kept, &bytes, &len)) {
    complain("SSL_SESSION_to_bytes");
    return;
  }
  SSL_SESSION_free(play.kept);
  play.kept = SSL_SESSION_from_bytes(bytes, len, play.client_ctx);
  OPENSSL_free(bytes);
  bytes = NULL;
  const int got = play.kept != NULL ? i2d_SSL_SESSION(play.kept, &bytes) : 0;
  const uint8_t *at = bytes;
  SSL_SESSION *again = got > 0 ? d2i_SSL_SESSION(NULL, &at, got) : NULL;
  if (again == NULL) complain("d2i_SSL_SESSION");
  SSL_SESSION_free(again);
  OPENSSL_free(bytes);
}
static void do_forget(void) {
  SSL_SESSION_free(play.offered);
  SSL_SESSION_free(play.kept);
  play.offered = play.kept = NULL;
  SSL_CTX_free(play.client_ctx);
  SSL_CTX_free(play.server_ctx);
}

static void by(SSL *who, const char *call, void (*function)(void)) {
  play.who = who;
  if (who == NULL) return;
  watch(call, function);
}

static void send_both_ways(void) {
  SSL *ends[2] = {play.pair.client, play.pair.server};
  for (int i = 0; i < 2; i++) {
    by(ends[i], "SSL_write", do_write);
    by(ends[!i], "SSL_read", do_read);
    if (play.ret != 9) complain("no data");
  }
}

static bool shake_hands(void) {
  int client = 0, server = 0;
  for (int turns = 0; turns < 8 && (client != 1 || server != 1); turns++) {
    by(play.pair.client, "the client's SSL_do_handshake", do_handshake);
    client = play.ret;
    by(play.pair.server, "the server's SSL_do_handshake", do_handshake);
    server = play.ret;
  }
  if (client == 1 && server == 1) return true;
  complain("no handshake");
  return false;
}

/* A connection, from SSL_new to SSL_free; what is kept is offered by the next. */
static void connect_once(bool resumes) {
  play.ready = false;
  play.pair = (struct ssl_pair){NULL, NULL, 0, 0};
  watch("SSL_new", do_new);
  if (play.pair.client != NULL && play.pair.server != NULL && shake_hands()) {
    if (SSL_session_reused(play.pair.client) != resumes) complain("not as meant: resumed");
    play.ready = true;
    by(play.pair.server, "SSL_export_keying_material", do_export);
    send_both_ways();
    if (SSL_version(play.pair.client) == TLS1_3_VERSION) {
      by(play.pair.client, "SSL_key_update", do_update);
      send_both_ways();
      send_both_ways();
    }
    by(play.pair.client, "SSL_shutdown", do_shutdown);
    by(play.pair.server, "SSL_shutdown", do_shutdown);
  }
  by(play.pair.client, "the client's SSL_free", do_free);
  by(play.pair.server, "the server's SSL_free", do_free);
}

/* ---- Scenarios ---- */

enum { TLS12 = 1, NO_TICKETS = 2, PSK = 4, BIG_HASH = 8, KEYS = 16 };

static void set_up(const char *name, unsigned flags) {
  play.name = name;
  play.over = false;
  play.client_ctx = ssl_client_ctx();
  play.server_ctx = ssl_server_ctx("ecdsa-p256");
  SSL_CTX *both[2] = {play.client_ctx, play.server_ctx};
  for (int i = 0; i < 2; i++) {
    SSL_CTX_set_keylog_callback(both[i], on_keylog);
    SSL_CTX_sess_set_new_cb(both[i], on_session);
    SSL_CTX_set_session_cache_mode(both[i], SSL_SESS_CACHE_BOTH);
    (void)SSL_CTX_set_session_id_context(both[i], (const uint8_t *)"secrets", 7);
    if (flags & TLS12) (void)SSL_CTX_set_max_proto_version(both[i], TLS1_2_VERSION);
    if (flags & NO_TICKETS) SSL_CTX_set_options(both[i], SSL_OP_NO_TICKET);
    if (flags & BIG_HASH) (void)SSL_CTX_set_ciphersuites(both[i], "TLS_AES_256_GCM_SHA384");
  }
  for (size_t i = 0; i < sizeof play.key; i++) play.key[i] = (uint8_t)(0x51 + 29 * i);
  if (flags & KEYS) {
    note(LIVES_ON, "ticket keys", play.key, sizeof play.key);
    if (!SSL_CTX_set_tlsext_ticket_keys(play.server_ctx, play.key, sizeof play.key))
      complain("SSL_CTX_set_tlsext_ticket_keys");
  }
  if (flags & PSK) {
    note(LIVES_ON, "external key", play.key, PSK_LEN);
    SSL_CTX_set_psk_client_callback(play.client_ctx, on_psk_client);
    SSL_CTX_set_psk_server_callback(play.server_ctx, on_psk_server);
  }
}

static void scenario(const char *name, unsigned flags) {
  arena = arena_open();
  if (arena == ARENA_NONE) abort();
  set_up(name, flags);
  connect_once((flags & PSK) != 0);
  if ((flags & PSK) == 0) {
    if ((flags & NO_TICKETS) == 0) watch("the encodings", do_encode);
    play.offered = play.kept;
    play.kept = NULL;
    connect_once(true);
  }
  arena_countdown = -1;
  play.over = true;
  watch("SSL_SESSION_free and SSL_CTX_free", do_forget);
  secrets += book_size();
  book_clear();
  ERR_clear_error();
  arena_close(arena);
}

/* An allocation fails, each in its turn: calls end in other places then. */
static void without_memory(const char *name, unsigned flags) {
  const long step = scenario_whole() ? 1 : 7;
  play.short_of = true;
  for (long n = 0; n == 0 || arena_failed; n += step) {
    arena_failed = false;
    arena_countdown = n;
    scenario(name, flags);
    runs++;
  }
  play.short_of = false;
}

/* ---- That a search finds what is there ---- */

static void leave_on_stack(void) {
  volatile uint8_t copy[32];
  for (size_t i = 0; i < sizeof copy; i++) copy[i] = play.key[i];
}

static void leave_in_heap(void) {
  uint8_t *copy = malloc(sizeof play.key);
  if (copy == NULL) return;
  memcpy(copy, play.key, sizeof play.key);
  free(copy);
}

static void look_for_what_is_there(void) {
  arena = arena_open();
  play.over = quiet = true;
  for (size_t i = 0; i < sizeof play.key; i++) play.key[i] = (uint8_t)(1 + 7 * i);
  note(LIVES_ON, "a key", play.key, sizeof play.key);
  watch("", leave_on_stack);
  watch("", leave_in_heap);
  quiet = false;
  if (found_on_stack != 1 || found_in_heap != 1) complain("what was left was not found");
  found_on_stack = found_in_heap = calls = 0;
  book_clear();
  arena_close(arena);
}

/* What libcrypto makes once and keeps is made before. */
static void warm_up(void) {
  struct ssl_pair pair;
  if (!ssl_pair_ready(&pair, 0)) complain("no handshake");
  ssl_pair_free(&pair);
}

int main(void) {
  static const struct {
    const char *name;
    unsigned flags;
  } all[] = {
      {"TLS 1.3", 0},
      {"TLS 1.3 with SHA-384", BIG_HASH},
      {"TLS 1.3, sessions by id", NO_TICKETS},
      {"TLS 1.3, an external key", PSK},
      {"TLS 1.3, ticket keys of the application", KEYS},
      {"TLS 1.2", TLS12},
      {"TLS 1.2, ticket keys of the application", TLS12 | KEYS},
      {"TLS 1.2, sessions by id", TLS12 | NO_TICKETS},
  };
  play.name = "before all";
  warm_up();
  look_for_what_is_there();
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) scenario(all[i].name, all[i].flags);
  if (BORINGSSL_API_VERSION == 17) /* newer ones crash by themselves: see Tests.cmake */
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
      without_memory(all[i].name, all[i].flags);
  printf("%zu runs without memory; %zu calls, %zu secrets: %zu found in heaps, %zu on stacks\n",
         runs, calls, secrets, found_in_heap, found_on_stack);
  return wrong + found_in_heap + found_on_stack != 0;
}
