/* test_ordeal_order.c - each scenario (scenario.h) with one side that has the keys and says things
 * in the wrong order (insider.h): a message left out, said twice, after the next, one of another
 * type before it, under keys that are not in force.  What may come is what tests/golden says, which
 * are written from the RFCs; what may not is refused at once, with unexpected_message, and not by
 * the first signature or Finished over what came.
 *
 * A cell is one type of message that comes where one row of engine/script.def waits.  Each is run,
 * here once, with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, in every scenario. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"
#include "engine/engine.h"
#include "insider.h"
#include "sequence_oracle.h"

TestSuite(ordeal_order, .timeout = 3600);

enum { OLD, NEW, QUICK, NUM_PROTOCOLS }; /* TLS 1.2, TLS 1.3, and that over QUIC */
static int protocol_of(const struct scenario *s) {
  return s->parts & IN_TLS12 ? OLD : s->parts & IN_QUIC ? QUICK : NEW;
}

static sequences golden[NUM_PROTOCOLS];

static void read_golden(void) {
  cr_assert(sequences_read(&golden[NEW], HF_SOURCE_DIR "/tests/golden/sequences.txt"));
  cr_assert(sequences_read(&golden[QUICK], HF_SOURCE_DIR "/tests/golden/sequences.txt"));
  cr_assert(sequences_read(&golden[OLD], HF_SOURCE_DIR "/tests/golden/sequences12.txt"));
}

static void free_golden(void) {
  for (int i = 0; i < NUM_PROTOCOLS; i++) sequences_free(&golden[i]);
}

/* ---- What comes ---- */

/* Types of message; two more stand in line with them. */
enum { RETRY = 256, SPEC, NUM_TYPES };

static unsigned type_of(hf_bytes message, int protocol) {
  if (message.data == NULL) return SPEC;
  const char *word = insider_word(message, protocol == OLD);
  return word != NULL && strcmp(word, "HelloRetryRequest") == 0 ? RETRY : message.data[0];
}

static const char *type_name(unsigned type) {
  static char number[16];
  snprintf(number, sizeof number, type == RETRY ? "retry" : type == SPEC ? "CCS" : "%u", type);
  return number;
}

/* One message of each type that any scenario has, and an empty one of the others. */
static hf_bytes bank[NUM_PROTOCOLS][NUM_TYPES];

static void fill_bank(void) {
  for (size_t s = 0; s < num_scenarios; s++) {
    const int protocol = protocol_of(&scenarios[s]);
    for (int is_client = 0; is_client < 2; is_client++) {
      struct insider insider;
      insider_listen(&insider, &scenarios[s], is_client);
      for (size_t i = 0; i < insider.num; i++) {
        hf_bytes *at = &bank[protocol][type_of(insider.messages[i].bytes, protocol)];
        if (at->data == NULL) *at = buf_copy(insider.messages[i].bytes);
      }
      insider_free(&insider);
    }
  }
  for (int protocol = 0; protocol < NUM_PROTOCOLS; protocol++) {
    for (unsigned type = 0; type < 256; type++) {
      const uint8_t empty[4] = {(uint8_t)type, 0, 0, 0};
      if (bank[protocol][type].data == NULL)
        bank[protocol][type] = buf_copy((hf_bytes){empty, sizeof empty});
    }
  }
}

static void free_bank(void) {
  for (int protocol = 0; protocol < NUM_PROTOCOLS; protocol++)
    for (unsigned type = 0; type < NUM_TYPES; type++) free((void *)bank[protocol][type].data);
}

/* ---- What may come ---- */

static bool goes_on(const sequences *set, const char *prefix) {
  const size_t n = strlen(prefix);
  for (size_t i = 0; i < set->num; i++)
    if (strncmp(set->line[i], prefix, n) == 0 && strchr(" +)}]", set->line[i][n])) return true;
  return false;
}

/* legal: may |message| come to who reads at |level|, after what |said| says? */
static bool legal(const struct insider *insider, const char *said, bool finished, uint8_t level,
                  hf_bytes message) {
  static const char *const open[NUM_PROTOCOLS][4] = {
      {"", "", "", "["}, {"", "(", "{", "["}, {"", "(", "{", "["}};
  const int protocol = protocol_of(insider->scenario);
  const char *word = insider_word(message, protocol == OLD);
  const bool to_client = !insider->is_client;
  const unsigned type = type_of(message, protocol);
  char prefix[INSIDER_SAID + 40];
  /* RFC 5246 7.4.1.1: a client passes over it, or says no_renegotiation, as a server does to a new
   * hello. */
  if (protocol == OLD && to_client && type == MSG_HELLO_REQUEST) return true;
  if (finished && protocol == OLD) return !to_client && type == MSG_CLIENT_HELLO;
  /* RFC 9846 4.7; RFC 9001 6: QUIC has no KeyUpdate. */
  if (finished)
    return (type == MSG_KEY_UPDATE && protocol == NEW) ||
           (to_client && type == MSG_NEW_SESSION_TICKET);
  if (word == NULL) return false;
  snprintf(prefix, sizeof prefix, "%s %c:%s%s", said, to_client ? 'S' : 'C', open[protocol][level],
           word);
  return goes_on(&golden[protocol], prefix);
}

/* ---- Cells ---- */

enum { MSG_ROW, VERSION_ROW, OPEN_ROW, OTHER_ROW };
enum { C = HF_CLIENT, S = HF_SERVER, NOBODY };
static const struct {
  int kind, who;
  const char *name;
  const char *script; /* that begins here; NULL: none does */
} rows[] = {
#define SCRIPT(name) {OTHER_ROW, NOBODY, #name, #name},
#define MSG(who, name, level, need, not_, learn, section) {MSG_ROW, who, #name, NULL},
#define ASK(who, name, need, not_, section) {OTHER_ROW, NOBODY, #name, NULL},
#define KEY(who, level, need, not_, section) {OTHER_ROW, NOBODY, #level, NULL},
#define DERIVE(name, need, not_, section) {OTHER_ROW, NOBODY, #name, NULL},
#define CCS(who, need, not_, section) {OTHER_ROW, NOBODY, "CCS", NULL},
#define VERSION(section) {VERSION_ROW, C, "VERSION", NULL},
#define OPEN() {OPEN_ROW, NOBODY, "OPEN", NULL},
#include "engine/script.def"
};
enum { NUM_ROWS = sizeof rows / sizeof *rows };

static bool ran[NUM_PROTOCOLS][2][NUM_ROWS][NUM_TYPES];

/* waits_at: does a |role| wait for a message at this row?  What a client reads first it has seen at
 * VERSION, and does not wait for again. */
static bool waits_at(int protocol, hf_role role, size_t row) {
  const char *script = "HELLO";
  for (size_t i = 0; i <= row; i++)
    if (rows[i].script != NULL) script = rows[i].script;
  const bool in_hello = strcmp(script, "HELLO") == 0;
  if (!in_hello && strcmp(script, protocol == OLD ? "TLS12" : "TLS13") != 0) return false;
  if (rows[row].kind == OPEN_ROW) return true;
  if (rows[row].kind == VERSION_ROW) return role == HF_CLIENT;
  if (rows[row].kind != MSG_ROW || rows[row].who == (int)role) return false;
  const char *name = rows[row].name;
  const bool at_version = strcmp(name, "HELLO_RETRY_REQUEST") == 0 ||
                          (protocol == OLD && strcmp(name, "SERVER_HELLO") == 0);
  /* RFC 9001 8.3. */
  if (protocol == QUICK && strcmp(name, "END_OF_EARLY_DATA") == 0) return false;
  return !at_version;
}

/* is_type: is it tried with |protocol|?  TLS 1.3's change_cipher_spec is no message, and TLS 1.2
 * has no HelloRetryRequest.  Of the types that nobody knows, here a share. */
static bool is_type(int protocol, unsigned type) {
  if (type >= 256) return type == (protocol == OLD ? SPEC : RETRY);
  return type < 32 || type > 253 || type % 50 == 4 || scenario_whole();
}

static void count_cells(size_t *num, size_t *all) {
  *num = *all = 0;
  for (int protocol = 0; protocol < NUM_PROTOCOLS; protocol++)
    for (int role = 0; role < 2; role++)
      for (size_t row = 0; row < NUM_ROWS; row++)
        for (unsigned type = 0; type < NUM_TYPES; type++) {
          const bool counts = waits_at(protocol, (hf_role)role, row) && is_type(protocol, type);
          const bool is = ran[protocol][role][row][type];
          cr_expect(counts || !is, "%s waits at row %zu", role == C ? "client" : "server", row);
          *num += counts && is;
          *all += counts;
          if (counts && !is && (type == 20 || type == SPEC))
            cr_expect_fail("%s at row %zu, %s: nothing came", role == C ? "client" : "server", row,
                           rows[row].name);
        }
}

/* ---- The verdict on one message ---- */

enum how { LEFT_OUT, TWICE, SWAPPED, PUT_IN };
static const char *const how_names[] = {"left out", "twice", "swapped", "put in"};

/* disorder is one thing that the insider does. */
struct disorder {
  enum how how;
  size_t place;
  const struct insider *quiet; /* as it is without */
  hf_bytes puts;               /* PUT_IN */
  bool began, altered, over;   /* over: what comes now is not looked at */
  bool harmless;               /* the other may come to its end */
  size_t sent;                 /* that the other had said when it began */
  bool holds;                  /* SWAPPED */
  hf_bytes held;
};

static size_t num_runs;

static bool is_dead(struct insider *insider) {
  const unsigned wants = hf_wants(insider_other(insider)->conn);
  return (wants & (HF_FAILED | HF_CLOSED)) != 0;
}

static hf_fault fault_of(struct insider *insider) {
  hf_fault fault;
  hf_get_fault(&fault, insider_other(insider)->conn);
  return fault;
}

static void wrong(const struct insider *insider, const struct disorder *d, hf_bytes message,
                  const char *what, const hf_fault *fault) {
  const unsigned type = type_of(message, protocol_of(insider->scenario));
  cr_expect_fail("%s, to the %s, message %zu %s, after [%s], type %s: %s (%s, alert %u, %s)",
                 insider->scenario->name, insider->is_client ? "server" : "client", d->place,
                 how_names[d->how], insider->said, type_name(type), what, fault->text, fault->alert,
                 fault->where);
}

static bool is_about_order(hf_status status) {
  return status == HF_UNEXPECTED_MESSAGE || status == HF_UNEXPECTED_RECORD ||
         status == HF_BAD_CHANGE_CIPHER_SPEC;
}

/* attempt gives |message|, and looks at what comes of it. */
static void attempt(struct insider *insider, struct disorder *d, hf_bytes message) {
  hf_conn *conn = insider_other(insider)->conn;
  const int protocol = protocol_of(insider->scenario);
  const unsigned type = type_of(message, protocol);
  if (is_dead(insider)) d->over = true;
  if (d->over) return;
  const bool may = legal(insider, insider->said, insider->finished, conn->read.level, message);
  /* What says something of all that went before it. */
  const bool seals = type == MSG_FINISHED || type == MSG_CERTIFICATE_VERIFY;
  ran[protocol][!insider->is_client ? C : S][hf_row(conn)][type] = true;
  insider_give(insider, message);
  const hf_fault fault = fault_of(insider);
  if (!may && !(is_about_order(fault.status) && fault.alert == AL_UNEXPECTED_MESSAGE))
    wrong(insider, d, message, "is not refused as it must be", &fault);
  if (may && is_about_order(fault.status))
    wrong(insider, d, message, "is refused, though it may come", &fault);
  if (may && seals && d->altered && fault.alert != AL_DECRYPT_ERROR)
    wrong(insider, d, message, "is taken, though other things were said", &fault);
  insider_note(insider, message);
  d->over = is_dead(insider);
}

/* is_heard: is it in the transcript? */
static bool is_heard(const struct insider *insider, hf_bytes message) {
  const int protocol = protocol_of(insider->scenario);
  return !insider->finished && type_of(message, protocol) != SPEC &&
         !(protocol == OLD && message.data[0] == MSG_HELLO_REQUEST);
}

/* ---- Disorder ---- */

static const struct insider_message *place_of(const struct disorder *d, size_t place) {
  return place < d->quiet->num ? &d->quiet->messages[place] : &d->quiet->end;
}

/* start: from here on it is not as it was. */
static void start(struct insider *insider, struct disorder *d, size_t place) {
  const struct insider_message *at = place_of(d, place);
  d->began = true;
  d->over = is_dead(insider);
  d->sent = insider_other(insider)->sent.len;
  insider->lost = false;
  strcpy(insider->said, at->said);
  insider->finished = at->finished;
}

static void start_with(struct insider *insider, struct disorder *d, hf_bytes message) {
  switch (d->how) {
    case LEFT_OUT:
      start(insider, d, d->place);
      d->altered = is_heard(insider, message);
      d->harmless = !d->altered;
      break;
    case TWICE:
      insider_note(insider, message);
      insider_give(insider, message);
      start(insider, d, d->place + 1);
      d->altered = is_heard(insider, message);
      d->harmless = !d->altered;
      attempt(insider, d, message);
      break;
    case SWAPPED:
      start(insider, d, d->place);
      d->held = buf_copy(message);
      d->holds = true;
      d->altered = is_heard(insider, message);
      d->harmless = !d->altered;
      break;
    case PUT_IN:
      start(insider, d, d->place);
      d->harmless = !is_heard(insider, d->puts);
      attempt(insider, d, d->puts);
      d->over = true;
      break;
  }
}

static bool tell(struct insider *insider, hf_bytes message) {
  struct disorder *d = insider->arg;
  if (!d->began && insider->num_told == d->place) {
    start_with(insider, d, message);
    return d->how == PUT_IN;
  }
  if (!d->began) return true;
  /* The other has gone on: what it says now depends on what it was told. */
  if (insider_other(insider)->sent.len != d->sent) d->over = true;
  if (d->over) return true;
  attempt(insider, d, message);
  if (d->holds) attempt(insider, d, d->held);
  d->holds = false;
  return false;
}

static bool completed(const struct side *side) {
  return (hf_wants(side->conn) & HF_READY) != 0 && side_fault(side) == HF_OK;
}

/* look_back: what came of it in the end. */
static void look_back(struct insider *insider, const struct disorder *d) {
  const hf_fault fault = fault_of(insider);
  const hf_bytes none = {NULL, 0};
  const struct pair *pair = &insider->play.pair;
  if (insider->lost && !d->over && fault.status != HF_OK) {
    /* What went under other keys: RFC 9846 5.2, and 5 where there are none yet.  Without keys TLS
     * 1.2 reads it as it lies, and may find anything. */
    const bool keys = insider->lost_level != HF_INITIAL;
    const bool anything = !keys && protocol_of(insider->scenario) == OLD;
    /* RFC 9001 4.1.3: or it waits, until the scenario's own end. */
    const bool level = fault.status == HF_WRONG_LEVEL || fault.status == HF_REFUSED;
    if (!anything && !(level && protocol_of(insider->scenario) == QUICK) &&
        fault.alert != (keys ? AL_BAD_RECORD_MAC : AL_UNEXPECTED_MESSAGE))
      wrong(insider, d, none, "is not refused as it must be", &fault);
  }
  /* What came to an engine that is forgotten then has no end. */
  const bool forgotten =
      (insider->scenario->parts & IN_FRESH) && insider->is_client && d->place == 0;
  if (!d->harmless && !forgotten && completed(&pair->client) && completed(&pair->server))
    wrong(insider, d, none, "both came to their end", &fault);
  if (pair->client.broken != NULL) wrong(insider, d, none, pair->client.broken, &fault);
  if (pair->server.broken != NULL) wrong(insider, d, none, pair->server.broken, &fault);
}

static void play(const struct insider *quiet, enum how how, size_t place, hf_bytes puts) {
  struct insider insider = {.listens = false};
  struct disorder d = {.how = how, .place = place, .quiet = quiet, .puts = puts};
  insider_play(&insider, quiet->scenario, quiet->is_client, tell, &d);
  num_runs++;
  if (how == PUT_IN && place == quiet->num) start_with(&insider, &d, (hf_bytes){NULL, 0});
  cr_expect(d.began, "%s: message %zu was not said", quiet->scenario->name, place);
  look_back(&insider, &d);
  free((void *)d.held.data);
  insider_free(&insider);
}

/* ---- All of it ---- */

/* everyone calls |ordeal| for either side of each scenario. */
static void everyone(void (*ordeal)(const struct insider *quiet)) {
  read_golden();
  for (size_t s = 0; s < num_scenarios; s++) {
    for (int is_client = 0; is_client < 2; is_client++) {
      struct insider quiet;
      insider_listen(&quiet, &scenarios[s], is_client);
      ordeal(&quiet);
      insider_free(&quiet);
    }
  }
  free_golden();
}

static void omit_repeat_swap(const struct insider *quiet) {
  for (size_t i = 0; i < quiet->num; i++)
    for (int how = LEFT_OUT; how <= SWAPPED; how++)
      play(quiet, (enum how)how, i, (hf_bytes){NULL, 0});
}

/* R-4-2 R-4-1 R-5246-7.3-1: each message left out, said twice, and after the one that follows it.
 */
Test(ordeal_order, left_out_twice_swapped) {
  everyone(omit_repeat_swap);
  fprintf(stderr, "left out, twice, swapped: %zu runs of %zu scenarios\n", num_runs, num_scenarios);
}

/* ---- Under other keys ---- */

/* misplaced is a message in its place, but not under the keys that are in force there. */
struct misplaced {
  size_t place;
  enum { IN_CLEAR, UNDER_NOBODYS, UNDER_OLD } how;
  uint8_t old[48], level;
  bool began;
};

static bool tell_misplaced(struct insider *insider, hf_bytes message) {
  static const char *const how_names_of[] = {"in the clear", "under other keys", "under old keys"};
  static const uint8_t noise[] = {REC_DATA, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8,
                                  9,        8, 7, 6, 5,  4, 3, 2, 1, 0, 1, 2};
  struct misplaced *m = insider->arg;
  struct side *other = insider_other(insider);
  const bool old = protocol_of(insider->scenario) == OLD;
  if (m->began || insider->num_told != m->place || is_dead(insider)) return true;
  const uint8_t level = other->conn->read.level;
  m->began = true;
  num_runs++;
  if (level == HF_INITIAL)
    (void)side_feed(other, noise, sizeof noise);
  else if (m->how == IN_CLEAR)
    insider_give_clear(insider, message);
  else
    insider_give_wrong(insider, message, m->how == UNDER_OLD ? m->old : NULL);
  const hf_fault fault = fault_of(insider);
  /* RFC 9846 5: what has no business in the clear, or under protection; 5.2: what does not open. */
  const bool mac = level != HF_INITIAL && (old || m->how != IN_CLEAR);
  cr_expect_eq(fault.alert, mac ? AL_BAD_RECORD_MAC : AL_UNEXPECTED_MESSAGE,
               "%s, to the %s, message %zu %s: %s, alert %u", insider->scenario->name,
               insider->is_client ? "server" : "client", m->place, how_names_of[m->how], fault.text,
               fault.alert);
  return true;
}

static void misplace(const struct insider *quiet, struct misplaced m) {
  struct insider insider = {.listens = false};
  insider_play(&insider, quiet->scenario, quiet->is_client, tell_misplaced, &m);
  insider_free(&insider);
}

/* tell_elsewhere gives a message of QUIC's at another level than its own. */
static bool tell_elsewhere(struct insider *insider, hf_bytes message) {
  struct misplaced *m = insider->arg;
  struct side *other = insider_other(insider);
  const uint8_t level = other->conn->read.level;
  if (m->began || insider->num_told != m->place || is_dead(insider)) return true;
  m->began = true;
  num_runs++;
  insider_give_at(insider, message, m->level);
  /* RFC 9001 4.1.3: what is not due yet waits, and what is over is an error. */
  const bool waits = m->level > level && m->level != HF_EARLY;
  const hf_fault fault = fault_of(insider);
  cr_expect_eq(fault.status, waits ? HF_OK : HF_WRONG_LEVEL,
               "%s, to the %s, message %zu at level %u and not %u: %s", insider->scenario->name,
               insider->is_client ? "server" : "client", m->place, m->level, level, fault.text);
  cr_expect_eq(other->in.len > 0, waits);
  return !waits;
}

static void misplace_level(const struct insider *quiet, size_t place, uint8_t level) {
  struct insider insider = {.listens = false};
  struct misplaced m = {.place = place, .level = level};
  insider_play(&insider, quiet->scenario, quiet->is_client, tell_elsewhere, &m);
  insider_free(&insider);
}

static void other_keys(const struct insider *quiet) {
  const unsigned parts = quiet->scenario->parts;
  const bool refused = (parts & IN_EARLY) && (parts & (IN_EARLY_OFF | IN_RETRY));
  for (size_t i = 0; i < quiet->num; i++) {
    const struct insider_message *at = &quiet->messages[i];
    struct misplaced m = {.place = i, .how = UNDER_NOBODYS};
    for (uint8_t level = HF_INITIAL; (parts & IN_QUIC) && level <= HF_APPLICATION; level++)
      if (level != at->level) misplace_level(quiet, i, level);
    if (parts & IN_QUIC) continue;
    /* RFC 9846 4.3.10: that may be early data. */
    const bool passes = refused && quiet->is_client && at->level <= HF_HANDSHAKE;
    if (!passes && ((parts & IN_TLS12) == 0 || at->level != HF_INITIAL)) misplace(quiet, m);
    if (at->level == HF_INITIAL) continue;
    m.how = IN_CLEAR;
    misplace(quiet, m);
    size_t before = i;
    while (before > 0 && quiet->messages[before - 1].level == at->level) before--;
    if (before == 0 || quiet->messages[before - 1].level == HF_INITIAL) continue;
    m.how = UNDER_OLD;
    memcpy(m.old, quiet->messages[before - 1].secret, sizeof m.old);
    misplace(quiet, m);
  }
}

/* R-5.2-3 R-5246-6.2.3-1 R-9001-4.1-1 R-9001-4.1-3: each message in the clear, under the keys
 * before, under none that there are, and over QUIC at each other level. */
Test(ordeal_order, under_other_keys) {
  everyone(other_keys);
  fprintf(stderr, "under other keys: %zu runs of %zu scenarios\n", num_runs, num_scenarios);
}

/* ---- A message of each type ---- */

static void put_in(const struct insider *quiet) {
  const int protocol = protocol_of(quiet->scenario), role = quiet->is_client ? S : C;
  for (size_t i = 0; i <= quiet->num; i++) {
    const struct insider_message *at = i < quiet->num ? &quiet->messages[i] : &quiet->end;
    for (unsigned type = 0; type < NUM_TYPES; type++)
      if (is_type(protocol, type) && (scenario_whole() || !ran[protocol][role][at->row][type]))
        play(quiet, PUT_IN, i, bank[protocol][type]);
  }
}

/* R-4-2 R-4-1 R-5246-7.3-1: a message of each type, wherever one is waited for. */
Test(ordeal_order, put_in) {
  size_t num, all;
  fill_bank();
  everyone(put_in);
  free_bank();
  count_cells(&num, &all);
  fprintf(stderr, "put in: %zu runs of %zu scenarios, %zu cells of %zu\n", num_runs, num_scenarios,
          num, all);
  cr_expect_eq(num, all);
}
