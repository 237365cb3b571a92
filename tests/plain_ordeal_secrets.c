/* plain_ordeal_secrets.c - R-H-44: no secret outlives its use.  Each scenario (scenario.h) is
 * played with every public call watched (secret_watch.h): as it should go, with a byte changed on
 * the way, with an allocation that fails, aborted, and with a peer that falls silent, each at some
 * places (scenario_whole: at many more).  When a call is over its stack holds no 16 bytes of any
 * secret, and the memory of its connection none of a secret that is out of use; after a failure and
 * after hf_free that is all of them.
 *
 * With the argument "leaky" the engine is one whose OPENSSL_cleanse does nothing, and must be
 * caught, in both places. */
#define _GNU_SOURCE /* for <features.h>, which tells glibc */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "scenario.h"
#include "secret_arena.h"
#include "secret_crypto.h"
#include "secret_watch.h"

/* ---- the allocator ---- */

#ifndef SECRETS_SANITIZED
#include "secret_malloc.h"
static int arena_now(void) { return watch_arena(); }
#else
#pragma GCC visibility push(default) /* a shared libcrypto must see them */
/* A sanitizer's malloc stays; the hooks of libcrypto, which then leaves the wiping to them. */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *ptr);
size_t OPENSSL_memory_get_size(void *ptr);

typedef union header {
  size_t size;
  long double align;
} header;

void *OPENSSL_memory_alloc(size_t size) {
  if (watch_arena() != ARENA_NONE) return arena_alloc(watch_arena(), size);
  header *block = malloc(sizeof *block + size);
  if (block == NULL) return NULL;
  block->size = size;
  return block + 1;
}

size_t OPENSSL_memory_get_size(void *ptr) {
  return arena_owns(ptr) ? arena_size(ptr) : ((header *)ptr - 1)->size;
}

void OPENSSL_memory_free(void *ptr) {
  if (arena_owns(ptr)) {
    memset(ptr, 0, arena_size(ptr));
    arena_free(ptr);
  } else if (ptr != NULL) {
    free((header *)ptr - 1);
  }
}
#pragma GCC visibility pop
#endif

/* ---- runs ---- */

static size_t runs, wrong;

static void begin(const struct scenario *scenario, enum watch_event event, size_t at) {
  watch_begin(scenario->name, event, at);
  secret_crypto_begin();
  runs++;
}

static void end(struct scenario_play *play) {
  arena_countdown = -1;
  scenario_play_free(play);
  ERR_clear_error();
}

/* Do we know what is secret: the secrets that both sides have in the end? */
static bool is_noted(const struct side *side) {
  const hf_conn *conn = side->conn;
  const int owner = watch_owner_of(conn);
  if (owner == SECRET_NONE || !side_is_ready(side)) return owner != SECRET_NONE;
  const bool tls12 = conn->version == HF_TLS12;
  const size_t len = tls12 ? conn->suite->key_len : conn->suite->hash_len;
  return book_find(owner, conn->write.secret, len) != SECRET_NONE &&
         book_find(owner, conn->read.secret, len) != SECRET_NONE &&
         book_find(owner, conn->exporter, tls12 ? HF_MAIN_SECRET : len) != SECRET_NONE &&
         (tls12 || book_find(owner, conn->resumption, len) != SECRET_NONE);
}

/* As it should go; how many calls that takes. */
static size_t clean(const struct scenario *scenario) {
  struct scenario_play play;
  begin(scenario, WATCH_NOTHING, 0);
  const char *what = scenario_play_it(&play, scenario);
  const size_t calls = watch_calls();
  if (what == NULL && !(is_noted(&play.pair.client) && is_noted(&play.pair.server)))
    what = "not all secrets were noted";
  end(&play);
  if (what == NULL) return calls;
  fprintf(stderr, "%s: %s\n", scenario->name, what);
  wrong++;
  return calls;
}

static void with_event(const struct scenario *scenario, enum watch_event event, size_t at) {
  struct scenario_play play;
  begin(scenario, event, at);
  (void)scenario_play_it(&play, scenario);
  end(&play);
}

static void without_memory(const struct scenario *scenario, long allocation) {
  struct scenario_play play;
  begin(scenario, WATCH_NOTHING, 0);
  arena_failed = false;
  arena_countdown = allocation;
  (void)scenario_play_it(&play, scenario);
  end(&play);
}

struct edit {
  bool by_client, done;
  size_t at;
};

static void change(void *arg, bool by_client, size_t at, uint8_t *data, size_t len) {
  struct edit *edit = arg;
  if (edit->by_client != by_client || edit->at < at || edit->at - at >= len) return;
  data[edit->at - at] ^= 0x10;
  edit->done = true;
}

static bool edited(const struct scenario *scenario, bool by_client, size_t at) {
  struct scenario_play play;
  struct edit edit = {by_client, false, at};
  begin(scenario, WATCH_NOTHING, 0);
  (void)scenario_play_edited(&play, scenario, change, &edit);
  end(&play);
  return edit.done;
}

/* The places: not the same ones in each scenario. */
static void put_to_it(const struct scenario *scenario, size_t number) {
  const bool whole = scenario_whole();
  const size_t calls = clean(scenario);
  const size_t call_step = whole ? 1 : calls / 4 + 1, byte_step = whole ? 7 : 151,
               memory_step = whole ? 1 : 23;
  for (size_t at = number % call_step; at < calls; at += call_step) {
    with_event(scenario, WATCH_ABORT, at);
    with_event(scenario, WATCH_SILENCE, at);
  }
  for (int by_client = 0; by_client < 2; by_client++) {
    for (size_t at = number * 13 % byte_step; edited(scenario, by_client, at); at += byte_step) {
    }
  }
  arena_failed = true;
  for (size_t n = number * 5 % memory_step; arena_failed; n += memory_step) {
    without_memory(scenario, (long)n);
  }
}

/* ---- other groups and suites than a scenario's own ---- */

static void with_others(bool all) {
  static const uint16_t p256[] = {0x0017}, p384[] = {0x0018}, p521[] = {0x0019};
  static const uint16_t aes256[] = {0x1302, 0xc02c}, chacha[] = {0x1303, 0xcca9};
  static const hf_codes groups[] = {{p256, 1}, {p384, 1}, {p521, 1}},
                        suites[] = {{aes256, 2}, {chacha, 2}};
  for (size_t i = 0; i < num_scenarios; i++) {
    const unsigned parts = scenarios[i].parts;
    if (parts & (IN_RETRY | IN_NO_SUITE | IN_PSK)) continue;
    if (!all && (parts & ~(unsigned)(IN_TLS12 | IN_REKEY | IN_TICKET)) != 0) continue;
    for (size_t g = 0; g < 3; g++) {
      watch_choose(&groups[g], NULL);
      (void)clean(&scenarios[i]);
    }
    for (size_t s = 0; s < 2; s++) {
      watch_choose(NULL, &suites[s]);
      (void)clean(&scenarios[i]);
    }
  }
  watch_choose(NULL, NULL);
}

/* A session of the version that the next server does not speak is offered, and of no use. */
static void with_old_sessions(void) {
  static const uint16_t versions[2] = {0x0303, 0x0304};
  for (size_t i = 0; i < num_scenarios; i++) {
    if (scenarios[i].parts != (IN_TICKET | IN_RESUMED)) continue;
    for (size_t k = 0; k < 2; k++) {
      struct scenario_play play;
      watch_versions(versions[k], versions[!k]);
      begin(&scenarios[i], WATCH_NOTHING, 0);
      (void)scenario_play_it(&play, &scenarios[i]);
      if (!side_is_ready(&play.pair.client) || !side_is_ready(&play.pair.server)) wrong++;
      end(&play);
    }
  }
  watch_versions(0, 0);
}

/* Keys that are used up are changed by the record that uses them up. */
static void used_up(void) {
  struct scenario_play play;
  begin(&scenarios[0], WATCH_NOTHING, 0);
  if (scenario_play_it(&play, &scenarios[0]) == NULL) {
    struct hf_keys *keys[] = {&play.pair.client.conn->write, &play.pair.server.conn->read};
    for (size_t i = 0; i < 2; i++) keys[i]->seq = play.pair.client.conn->suite->max_records - 2;
    (void)side_send(&play.pair.client, (const uint8_t *)"the last", 8);
    (void)pair_run(&play.pair);
    if (keys[0]->generation != 1 || keys[1]->generation != 1) wrong++;
  } else {
    wrong++;
  }
  end(&play);
}

static void tell(void) {
  const struct watch_sum *sum = &watch_sum;
  printf("%zu runs of %zu scenarios, %zu calls, %zu secrets: %zu found in heaps, %zu on stacks\n",
         runs, num_scenarios, sum->calls, sum->secrets, sum->in_heap, sum->on_stack);
  if (!WATCH_STACKS) {
    printf("Stacks were not looked at: a sanitizer has its own\n");
    return;
  }
  printf(
      "Secrets were down to %zu bytes of a stack, of which %zu at least were overwritten; in %zu "
      "calls that was not enough\n",
      sum->deepest, sum->reach, sum->shallow);
}

static int leaky(void) {
  watch_quiet = true;
  for (size_t i = 0; i < num_scenarios; i++) (void)clean(&scenarios[i]);
  tell();
  const bool on_stack = watch_sum.on_stack > 0 && watch_sum.shallow > 0;
  return wrong != 0 || watch_sum.in_heap == 0 || (WATCH_STACKS && !on_stack);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "leaky") == 0) return leaky();
  with_others(scenario_whole());
  with_old_sessions();
  used_up();
  for (size_t i = 0; i < num_scenarios; i++) put_to_it(&scenarios[i], i);
  watch_begin("", WATCH_NOTHING, 0);
  tell();
  return wrong + watch_sum.in_heap + watch_sum.on_stack + watch_sum.shallow != 0;
}
