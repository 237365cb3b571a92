/* test_ordeal_misuse.c - every function of the engine's headers (misuse.def) in every state: before
 * each step of both sides of each scenario (scenario.h), and there once more after hf_abort and
 * after hf_close.  What is not allowed is HF_MISUSE and changes nothing; and afterwards the
 * scenario goes on to the same end, with the same bytes.
 *
 * Here each kind of state once; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it,
 * each. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "reborn.h"
#include "scenario.h"

TestSuite(ordeal_misuse, .timeout = 3600);

/* ---- States ---- */

struct state {
  const struct scenario *scenario;
  struct side *side;
  const char *after; /* what was done to it, in words */
  struct buf saved;
  /* What is known of it. */
  unsigned wants;
  hf_ask ask; /* that is pending */
  hf_question_t q;
  hf_status fault;
  bool failed, ready, quic, tls12, server, close_sent;
  bool may_export, may_export_early, may_rekey;
  uint64_t now;
  /* What calls need. */
  hf_identity *raw, *identity; /* |identity|, |config|, |fresh|: what comes is NULL */
  hf_config *client_config, *config;
  hf_conn *fresh;
  hf_start own_extension_43;
  hf_bytes bytes, too_much;
  hf_level level;
  size_t len;
  uint64_t seq;
  uint8_t iv[12], room[70000], much[70000];
  char long_label[251];
};

static const hf_bytes none = {NULL, 0}, empty = {(const uint8_t *)"", 0},
                      one_byte = {(const uint8_t *)"\x30", 1};
static const uint16_t ed25519[] = {0x0807};
static const hf_codes some_codes = {ed25519, 1};
static const hf_extension own_extension = {.type = 0x7777, .take = HF_IN_CERTIFICATE},
                          extension_43 = {.type = 43, .send = HF_IN_CLIENT_HELLO};
static const hf_psk good_psk = {.suite = 0x1301,
                                .identity = {(const uint8_t *)"name", 4},
                                .secret = {(const uint8_t *)"secret", 6}},
                    bad_psk = {.suite = 0x1301, .identity = {(const uint8_t *)"name", 4}};
static const hf_imported_identity good_import = {.external_identity = {(const uint8_t *)"name", 4},
                                                 .target_protocol = 0x0304,
                                                 .target_kdf = HF_KDF_SHA256};

static hf_status fault_of(const hf_conn *conn) {
  hf_fault fault;
  hf_get_fault(&fault, conn);
  return fault.status;
}

static bool has_code(hf_codes codes, uint16_t code) {
  for (size_t i = 0; i < codes.num; i++)
    if (codes.list[i] == code) return true;
  return false;
}

/* prepare makes what calls need. */
static struct state *prepare(const struct scenario *scenario) {
  struct state *st = calloc(1, sizeof *st);
  hf_settings client = {.role = HF_CLIENT};
  cr_assert_not_null(st);
  st->scenario = scenario;
  st->quic = (scenario->parts & IN_QUIC) != 0;
  client.transport = st->quic ? HF_QUIC : HF_RECORDS;
  if (st->quic) client.alpn = (hf_bytes){(const uint8_t *)"\2h3", 3};
  cr_assert_eq(hf_config_new(&st->client_config, &client), HF_OK);
  cr_assert_eq(hf_identity_new_raw(&st->raw, 1, one_byte, some_codes), HF_OK);
  st->too_much = (hf_bytes){st->much, 65536};
  memset(st->long_label, 'l', sizeof st->long_label - 1);
  side_entropy(&st->own_extension_43.entropy, 7);
  st->own_extension_43.extensions = &extension_43;
  st->own_extension_43.num_extensions = 1;
  st->own_extension_43.quic_params = st->quic ? one_byte : none;
  return st;
}

static void put_away(struct state *st) {
  hf_config_free(st->client_config);
  hf_identity_free(st->raw);
  buf_free(&st->saved);
  free(st);
}

/* look_at finds out about |conn|, from what is told of it. */
static void look_at(struct state *st, const hf_conn *conn) {
  hf_facts facts;
  hf_get_facts(&facts, conn);
  cr_assert(reborn_save(&st->saved, conn), "%s: it cannot be saved", st->scenario->name);
  st->wants = hf_wants(conn);
  st->q = *hf_question(conn);
  st->ask = st->wants & HF_WANT_ANSWER ? st->q.ask : HF_ASK_NONE;
  st->fault = fault_of(conn);
  st->failed = (st->wants & HF_FAILED) != 0;
  st->ready = (st->wants & HF_READY) != 0;
  st->tls12 = facts.version == 0x0303;
  st->server = facts.role == HF_SERVER;
  st->close_sent = facts.close_sent;
  st->now = st->side->setup.start.now;
  /* "before HF_READY, unless it is a server that has sent its Finished (TLS 1.3) or a client that
   * may send already (TLS 1.2 with HF_FALSE_START)" */
  const bool over = !st->ready && st->close_sent;
  const bool begins = st->tls12 ? conn->exporter_set && hf_starts_falsely(conn)
                                : st->server && facts.own_finished.len > 0;
  st->may_export = !st->failed && (st->ready || begins);
  /* "of a client that has offered early data, until it is refused, and of a server that accepts it;
   * both until HF_READY" */
  const bool offers = conn->hs != NULL && conn->hs->early_suite != NULL;
  const bool early = st->server ? hf_has(conn, EARLY) : !(st->wants & HF_EARLY_REFUSED);
  st->may_export_early = !st->failed && !st->ready && offers && early && !over;
  /* "before HF_READY, after hf_close, while HF_ASK_INSTALL is pending, in TLS 1.2, and with
   * HF_QUIC" */
  st->may_rekey =
      st->ready && !st->close_sent && st->ask != HF_ASK_INSTALL && !st->tls12 && !st->quic;
}

/* ---- Calls ---- */

/* call_it makes call number |i| of misuse.def. */
static hf_status call_it(struct state *st, hf_conn *conn, size_t i) {
  size_t n = 0;
#define CALL(function, may, call) \
  if (n++ == i) return call;
#define KEEP(function, status, call) CALL(function, false, call)
#include "misuse.def"
#undef CALL
  return HF_INTERNAL;
}

/* may_it: is it to be something else than HF_MISUSE, and |*keeps| if it is always |*status|? */
static bool may_it(const struct state *st, size_t i, bool *keeps, hf_status *status) {
  size_t n = 0;
  *keeps = false;
#define CALL(function, may, call) \
  if (n++ == i) return (may) != 0;
#undef KEEP
#define KEEP(function, is, call) \
  if (n++ == i) {                \
    *keeps = true;               \
    *status = (hf_status)(is);   \
    return false;                \
  }
#include "misuse.def"
#undef CALL
#undef KEEP
  return false;
}

static const char *const names[] = {
#define CALL(function, may, call) #function,
#define KEEP(function, status, call) #function,
#include "misuse.def"
#undef CALL
#undef KEEP
};
enum { NUM_CALLS = sizeof names / sizeof *names };

static size_t num_states, num_calls;

static hf_conn *copy(const struct state *st) {
  const struct credential *credential = st->side->setup.credential;
  const hf_config *config = st->side->config;
  const hf_identity *identity = credential != NULL ? credential->identity : NULL;
  hf_conn *again = NULL;
  cr_assert_eq(hf_load(&again, &config, 1, &identity, identity != NULL,
                       (hf_bytes){st->saved.data, st->saved.len}),
               HF_OK);
  return again;
}

/* unchanged: is |conn| what it was? */
static const char *unchanged(const struct state *st, const hf_conn *conn) {
  static struct buf now;
  if (!reborn_save(&now, conn)) return "it cannot be saved";
  if (!bytes_equal((hf_bytes){now.data, now.len}, (hf_bytes){st->saved.data, st->saved.len}))
    return "it changed";
  if (hf_wants(conn) != st->wants) return "it wants something else";
  if (hf_question(conn)->ask != st->q.ask) return "it asks something else";
  return st->fresh != NULL || st->config != NULL || st->identity != NULL ? "there is something new"
                                                                         : NULL;
}

/* misuse makes every call in the state in which |conn| is. */
static void misuse(struct state *st, hf_conn *conn) {
  look_at(st, conn);
  num_states++;
  for (size_t i = 0; i < NUM_CALLS; i++) {
    bool keeps;
    hf_status should = HF_MISUSE;
    const bool may = may_it(st, i, &keeps, &should);
    hf_conn *on = may ? copy(st) : conn;
    const hf_status status = call_it(st, on, i);
    const char *wrong = may ? NULL : unchanged(st, on);
    num_calls++;
    if (may ? status == HF_MISUSE : status != should) wrong = hf_status_text(status);
    cr_expect_null(wrong, "%s, %s%s, wants %x, asks %d: %s, number %zu: %s", st->scenario->name,
                   hf_row_name(conn), st->after, st->wants, (int)st->ask, names[i], i, wrong);
    if (may) hf_free(on);
  }
}

/* ---- Everywhere ---- */

/* is_new: is there no such state among those that were seen? */
static bool is_new(const struct state *st, const hf_conn *conn) {
  static uint64_t seen[4096];
  static size_t num;
  const hf_ask ask = hf_question(conn)->ask;
  const uint64_t key = (uint64_t)hf_wants(conn) << 32 | (uint64_t)hf_row(conn) << 16 |
                       (uint64_t)ask << 8 | (conn->version == 0x0303 ? 1u : 0u) |
                       (st->quic ? 2u : 0u) | (conn->role == HF_SERVER ? 4u : 0u);
  for (size_t i = 0; i < num; i++)
    if (seen[i] == key) return false;
  cr_assert_lt(num, sizeof seen / sizeof *seen);
  seen[num++] = key;
  return true;
}

static void everything(void *arg, struct side *side) {
  struct state *st = arg;
  st->side = side;
  if (!scenario_whole() && !is_new(st, side->conn)) return;
  st->after = "";
  misuse(st, side->conn);
  hf_conn *failed = copy(st);
  hf_abort(failed, 0);
  st->after = ", then aborted";
  misuse(st, failed);
  hf_free(failed);
  look_at(st, side->conn);
  hf_conn *closed = copy(st);
  if (hf_close(closed) == HF_OK) {
    st->after = ", then closed";
    misuse(st, closed);
  }
  hf_free(closed);
}

/* R-H-4 R-H-6 R-H-11: whatever is called whenever. */
Test(ordeal_misuse, everywhere) {
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    struct state *st = prepare(&scenarios[s]);
    const char *wrong = scenario_play_it(&play, &scenarios[s]);
    cr_assert_null(wrong, "%s: %s", scenarios[s].name, wrong);
    const struct side *sides[] = {&play.pair.client, &play.pair.server};
    for (int i = 0; i < 2; i++) {
      const struct side_change change = {.before = everything, .arg = st};
      const char *differs = side_replay_as(sides[i], &change);
      cr_expect_null(differs, "%s, %s: afterwards %s", scenarios[s].name,
                     i == 0 ? "client" : "server", differs);
    }
    scenario_play_free(&play);
    put_away(st);
  }
  fprintf(stderr, "misuse: %zu calls in %zu states of %zu scenarios\n", num_calls, num_states,
          num_scenarios);
}

/* ---- Every function ---- */

static bool in_table(const char *name, size_t len) {
  for (size_t i = 0; i < NUM_CALLS; i++)
    if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0) return true;
  return false;
}

/* read_header looks for what |path| exports. */
static size_t read_header(const char *path) {
  static char text[100000];
  size_t num = 0;
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file, "%s", path);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  for (const char *at = text; (at = strstr(at, "\nHF_EXPORT ")) != NULL;) {
    const char *open = strchr(at, '(');
    cr_assert_not_null(open);
    const char *name = open;
    while (isalnum((unsigned char)name[-1]) || name[-1] == '_') name--;
    cr_expect(in_table(name, (size_t)(open - name)), "%.*s has no row in misuse.def",
              (int)(open - name), name);
    at = open;
    num++;
  }
  return num;
}

/* R-H-4: no function of the engine's is left out. */
Test(ordeal_misuse, every_function) {
  static const char *const headers[] = {"handfast", "question", "save", "session", "psk"};
  size_t num = 0;
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    char path[300];
    snprintf(path, sizeof path, "%s/include/handfast/%s.h", HF_SOURCE_DIR, headers[i]);
    num += read_header(path);
  }
  cr_expect_gt(num, 50u);
  fprintf(stderr, "misuse: %zu functions, %d calls of them\n", num, NUM_CALLS);
}
