/* bench.c: the commands of a benchmark program, on the subject that it is linked with (subject.h).
 * run.py calls them and makes the table.
 *
 *     time CASE NUM              nanoseconds of CPU that NUM handshakes took, the client's and the
 *                                server's
 *     records CASE LEN NUM       nanoseconds of CPU that NUM messages of LEN bytes took, both sides
 *     count CASE... [-- LEN...]  for callgrind: the parts that it prints
 *     heap CASE NUM              of each side over NUM connections that stay: bytes held, the most
 * that a handshake held, the fewest allocations that one took, bytes sent scale CASE NUM... with
 * NUM connections open, again and again
 *
 * A line of output is words; the first is the case, or "none" if this library has no such case. */
#define _POSIX_C_SOURCE 200809L
#include "bench/subject.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/heap.h"

static const bench_case kCases[] = {
    {.name = "full13-ecdsa", .version = TLS13, .certificate = "ecdsa-p256"},
    {.name = "full13-rsa", .version = TLS13, .certificate = "rsa-2048"},
    {.name = "full13-mlkem", .version = TLS13, .certificate = "ecdsa-p256", .hybrid = true},
    {.name = "resumed13", .version = TLS13, .certificate = "ecdsa-p256", .resumed = true},
    {.name = "full12-ecdsa", .version = TLS12, .certificate = "ecdsa-p256"},
    {.name = "full12-rsa", .version = TLS12, .certificate = "rsa-2048"},
    {.name = "resumed12", .version = TLS12, .certificate = "ecdsa-p256", .resumed = true},
    {.name = "aes128gcm", .version = TLS13, .certificate = "ecdsa-p256"},
    {.name = "chacha20", .version = TLS12, .certificate = "ecdsa-p256", .chacha20 = true},
};

void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "bench: %s failed\n", what);
  exit(1);
}

const char *in_certs(const char *name, const char *extension) {
  static char path[1024];
  snprintf(path, sizeof(path), HF_SOURCE_DIR "/bench/certs/%s.%s", name, extension);
  return path;
}

/* ---- What is around each call ---- */

static uint64_t cpu_ns(void) {
  struct timespec now;
  must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0, "clock_gettime");
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static heap_counter *count_heap;
static void heap_side(int who) {
  if (count_heap != NULL) count_heap(who, BENCH_RING + 8 /* OPENSSL_malloc's */);
}

/* callgrind collects inside of bench_collect alone, and begins a new part after bench_part. */
__attribute__((noinline)) void bench_collect(void (*step)(void *), void *arg);
__attribute__((noinline)) void bench_part(const char *name);

void bench_collect(void (*step)(void *), void *arg) {
  step(arg);
  __asm__ volatile("" ::: "memory"); /* no tail call: the function is left when |step| is done */
}

void bench_part(const char *name) {
  printf("%s\n", name);
  __asm__ volatile("" ::: "memory");
}

typedef enum work { STEP, SEND, RECEIVE, CLOSE } work;
struct act {
  bench_pair *pair;
  side who;
  work what;
  uint8_t *data;
  size_t len;
};

static void do_act(void *arg) {
  struct act *act = arg;
  switch (act->what) {
    case STEP:
      pair_step(act->pair, act->who);
      break;
    case SEND:
      pair_send(act->pair, act->who, act->data, act->len);
      break;
    case RECEIVE:
      pair_receive(act->pair, act->who, act->data, act->len);
      break;
    case CLOSE:
      pair_close(act->pair, act->who);
      break;
  }
}

/* What is measured: nanoseconds into |spent|, or instructions if |collect| says of whom. */
struct meter {
  uint64_t spent[2];
  bool timed;
  int collect; /* a side; 2: both; -1: none */
};

static void act(struct meter *meter, struct act what) {
  const uint64_t before = meter->timed ? cpu_ns() : 0;
  heap_side((int)what.who);
  if (meter->collect == 2 || meter->collect == (int)what.who) {
    bench_collect(do_act, &what);
  } else {
    do_act(&what);
  }
  heap_side(-1);
  if (meter->timed) meter->spent[what.who] += cpu_ns() - before;
}

/* connect_pair makes a handshake.  If sessions are resumed a byte follows from the server, before
 * which go the tickets. */
static bench_pair *connect_pair(struct meter *meter, const bench_case *which) {
  uint8_t byte = 1;
  bench_pair *pair = pair_new();
  for (int turn = 0; !pair_done(pair, CLIENT) || !pair_done(pair, SERVER); turn++) {
    must(turn < 20, "the handshake");
    act(meter, (struct act){pair, turn % 2 == 0 ? CLIENT : SERVER, STEP, NULL, 0});
  }
  if (which->resumed) {
    act(meter, (struct act){pair, SERVER, SEND, &byte, 1});
    act(meter, (struct act){pair, CLIENT, RECEIVE, &byte, 1});
  }
  return pair;
}

static void close_pair(struct meter *meter, bench_pair *pair) {
  act(meter, (struct act){pair, CLIENT, CLOSE, NULL, 0});
  act(meter, (struct act){pair, SERVER, CLOSE, NULL, 0});
  pair_free(pair);
}

static struct meter quiet(void) { return (struct meter){.collect = -1}; }

static void handshakes(struct meter *meter, const bench_case *which, int num) {
  for (int i = 0; i < num; i++) close_pair(meter, connect_pair(meter, which));
}

/* ---- The commands ---- */

static void run_time(const bench_case *which, int num) {
  struct meter warm = quiet(), meter = quiet();
  meter.timed = true;
  handshakes(&warm, which, 2);
  handshakes(&meter, which, num);
  printf("%s %.0f %.0f\n", which->name, (double)meter.spent[CLIENT], (double)meter.spent[SERVER]);
}

static uint8_t message[16384], received[16384];

static void messages(struct meter *meter, bench_pair *pair, size_t len, int num) {
  for (int i = 0; i < num; i++) {
    act(meter, (struct act){pair, SERVER, SEND, message, len});
    act(meter, (struct act){pair, CLIENT, RECEIVE, received, len});
  }
}

static void run_records(const bench_case *which, size_t len, int num) {
  struct meter meter = quiet();
  bench_pair *pair = connect_pair(&meter, which);
  messages(&meter, pair, len, 3);
  const uint64_t before = cpu_ns();
  messages(&meter, pair, len, num);
  printf("%s %zu %.0f\n", which->name, len, (double)(cpu_ns() - before));
  close_pair(&meter, pair);
}

enum { COUNTED_HANDSHAKES = 16, COUNTED_MESSAGES = 64 };

/* Each side's handshakes are a part; closing is not collected. */
static void count_handshakes(const bench_case *which) {
  for (int who = CLIENT; who <= SERVER; who++) {
    char name[64];
    struct meter warm = quiet(), meter = {.collect = who};
    handshakes(&warm, which, 2);
    for (int i = 0; i < COUNTED_HANDSHAKES; i++) {
      close_pair(&warm, connect_pair(&meter, which));
    }
    snprintf(name, sizeof(name), "%s %s %d", which->name, who == CLIENT ? "client" : "server",
             COUNTED_HANDSHAKES);
    bench_part(name);
  }
}

static void count_messages(const bench_case *which, size_t len) {
  char name[64];
  struct meter warm = quiet(), meter = {.collect = 2};
  bench_pair *pair = connect_pair(&warm, which);
  messages(&warm, pair, len, 3);
  messages(&meter, pair, len, COUNTED_MESSAGES);
  snprintf(name, sizeof(name), "%s %zu %d", which->name, len, COUNTED_MESSAGES);
  bench_part(name);
  close_pair(&warm, pair);
}

static void run_heap(const bench_case *which, int num) {
  struct meter meter = quiet();
  must(count_heap != NULL, "counting: heap.c is not preloaded");
  heap_tally *tallies = count_heap(-1, 0);
  handshakes(&meter, which, 2);
  bench_pair **kept = calloc((size_t)num, sizeof(*kept));
  must(kept != NULL, "calloc");
  const heap_tally first[2] = {tallies[0], tallies[1]};
  size_t peaks[2] = {0, 0}, sent[2] = {0, 0}, fewest[2] = {SIZE_MAX, SIZE_MAX};
  for (int i = 0; i < num; i++) {
    const heap_tally before[2] = {tallies[0], tallies[1]};
    tallies[0].peak = tallies[0].held;
    tallies[1].peak = tallies[1].held;
    kept[i] = connect_pair(&meter, which);
    for (int who = CLIENT; who <= SERVER; who++) {
      const size_t peak = tallies[who].peak - before[who].held;
      const size_t calls = tallies[who].num - before[who].num;
      if (peak > peaks[who]) peaks[who] = peak;
      if (calls < fewest[who]) fewest[who] = calls;
      sent[who] += pair_sent(kept[i], (side)who);
    }
  }
  printf("%s", which->name);
  for (int who = CLIENT; who <= SERVER; who++) {
    printf(" %.0f %zu %zu %.0f", (double)(tallies[who].held - first[who].held) / num, peaks[who],
           fewest[who], (double)sent[who] / num);
  }
  printf("\n");
  for (int i = 0; i < num; i++) close_pair(&meter, kept[i]);
  free(kept);
}

/* With each number of connections open, what they hold, and how fast a hundred more are made. */
static void run_scale(const bench_case *which, char **nums, int num_nums) {
  struct meter meter = quiet();
  must(count_heap != NULL, "counting: heap.c is not preloaded");
  heap_tally *tallies = count_heap(-1, 0);
  const size_t most = (size_t)atol(nums[num_nums - 1]);
  bench_pair **kept = calloc(most, sizeof(*kept));
  must(kept != NULL, "calloc");
  handshakes(&meter, which, 2);
  const size_t first = tallies[0].held + tallies[1].held;
  size_t open = 0;
  for (int i = 0; i < num_nums; i++) {
    const size_t num = (size_t)atol(nums[i]);
    while (open < num) kept[open++] = connect_pair(&meter, which);
    const size_t held = tallies[0].held + tallies[1].held - first;
    const uint64_t before = cpu_ns();
    handshakes(&meter, which, 100);
    printf("%s %zu %.0f %.0f\n", which->name, num, (double)held / (double)num,
           100e9 / (double)(cpu_ns() - before));
    fflush(stdout);
  }
  for (size_t i = 0; i < open; i++) close_pair(&meter, kept[i]);
  free(kept);
}

static const bench_case *find(const char *name) {
  for (size_t i = 0; i < sizeof(kCases) / sizeof(*kCases); i++) {
    if (strcmp(kCases[i].name, name) == 0) return &kCases[i];
  }
  must(false, name);
  return NULL;
}

/* Callgrind's parts begin when the first one is begun, so that what comes before is in none. */
static void run_count(char **words, int num) {
  int num_cases = 0;
  while (num_cases < num && strcmp(words[num_cases], "--") != 0) num_cases++;
  bench_part("nothing");
  for (int i = 0; i < num_cases; i++) {
    const bench_case *which = find(words[i]);
    if (!subject_begin(which)) continue;
    if (num_cases == num) count_handshakes(which);
    for (int k = num_cases + 1; k < num; k++) count_messages(which, (size_t)atol(words[k]));
    subject_end();
  }
}

int main(int argc, char **argv) {
  void *symbol = dlsym(RTLD_DEFAULT, "heap_count");
  memcpy(&count_heap, &symbol, sizeof(symbol));
  must(argc > 2, "the command line");
  if (strcmp(argv[1], "count") == 0) {
    run_count(argv + 2, argc - 2);
    return 0;
  }
  must(argc > 3, "the command line");
  const bench_case *which = find(argv[2]);
  if (!subject_begin(which)) {
    printf("none\n");
    return 0;
  }
  if (strcmp(argv[1], "time") == 0) {
    run_time(which, atoi(argv[3]));
  } else if (strcmp(argv[1], "records") == 0) {
    must(argc > 4, "the command line");
    run_records(which, (size_t)atol(argv[3]), atoi(argv[4]));
  } else if (strcmp(argv[1], "heap") == 0) {
    run_heap(which, atoi(argv[3]));
  } else if (strcmp(argv[1], "scale") == 0) {
    run_scale(which, argv + 3, argc - 3);
  } else {
    must(false, argv[1]);
  }
  subject_end();
  return 0;
}
