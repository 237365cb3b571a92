/* plain_ordeal_memory.c - R-H-10, R-H-43: each scenario (scenario.h) while memory runs out: for
 * each allocation that it makes it is played once more, and that one fails; and once more, and that
 * one and all that come after it fail.  Nothing crashes, nothing is left behind, libcrypto's queue
 * is empty after each call, and what comes to its end all the same comes to the end that it should,
 * with the same facts.  That no check was skipped is seen where one must fail: a signature, a
 * Finished or a binder is wrong, and whoever has to find out never comes to an end.  The same is
 * done to hf_save and hf_load, at each state that there is in a scenario.
 *
 * Here a share of the allocations; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it,
 * all.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "fail_alloc.h"
#include "reborn.h"
#include "scenario.h"

static size_t num_wrong;

/* fail_from has allocation number |n| fail, the first being 0; below 0: none. */
static void fail_from(long n, bool for_good) {
  alloc_failed = false;
  alloc_for_good = for_good;
  alloc_countdown = n;
}

static void fail_no_more(void) { alloc_countdown = -1; }

/* ---- Handshakes ---- */

static hf_status fault_of(const struct side *side) {
  return side->conn == NULL ? HF_NO_MEMORY : side_fault(side);
}

static bool ran_out(const struct side *side) {
  const hf_status fault = fault_of(side);
  return fault == HF_NO_MEMORY || fault == HF_CRYPTO_FAILED;
}

/* is_fair says whether |side| may have failed as it did: as the scenario has it, for lack of
 * memory, because the test's own answers had none, or because the other side broke off; without
 * memory that one may have had neither the keys nor the room to say so in a form that |side| can
 * read. */
static bool is_fair(const struct side *side, const struct side *other, hf_status of_scenario) {
  const hf_status fault = fault_of(side);
  return fault == HF_OK || fault == HF_REFUSED || fault == HF_PEER_ALERT || fault == of_scenario ||
         ran_out(side) || ran_out(other);
}

/* view is what both say of a handshake that is complete. */
struct view {
  unsigned of[2][9];
};

static bool completed(const struct side *side) {
  return side->conn != NULL && side_is_ready(side) && side_fault(side) == HF_OK;
}

/* take_view is false if they have not the same secrets.  Those need not be the ones that there are
 * with memory enough: a chain that the test reads without may be shorter. */
static bool take_view(struct view *out, const struct pair *pair) {
  const struct side *sides[] = {&pair->server, &pair->client};
  uint8_t exported[2][32];
  bool ok = true;
  for (int i = 0; i < 2; i++) {
    hf_facts f;
    hf_get_facts(&f, sides[i]->conn);
    const unsigned seen[] = {f.version, f.suite,      f.group,  f.resumed,     f.early_accepted,
                             f.retried, f.own_sigalg, f.sigalg, f.external_psk};
    memcpy(out->of[i], seen, sizeof seen);
    ok = ok && hf_export(sides[i]->conn, exported[i], sizeof exported[i], "label",
                         (hf_bytes){NULL, 0}) == HF_OK;
  }
  return ok && memcmp(exported[0], exported[1], sizeof exported[0]) == 0;
}

/* judge says what is wrong with how it ended; |clean| is how it ends with memory enough. */
static const char *judge(const struct scenario_play *play, const struct scenario *scenario,
                         const struct view *clean) {
  const struct side *client = &play->pair.client, *server = &play->pair.server;
  if (client->broken != NULL) return client->broken;
  if (server->broken != NULL) return server->broken;
  if (!is_fair(client, server, scenario->client) || !is_fair(server, client, scenario->server)) {
    fprintf(stderr, "client %s, server %s\n", hf_status_text(fault_of(client)),
            hf_status_text(fault_of(server)));
    return "an unfair failure";
  }
  if (!completed(client) || !completed(server)) return NULL;
  if (scenario->client != HF_OK || scenario->server != HF_OK)
    return scenario->parts & IN_ABORT ? NULL : "it succeeded, which it should not";
  struct view view;
  if (!take_view(&view, &play->pair)) return "the two differ";
  return memcmp(&view, clean, sizeof view) == 0 ? NULL : "the facts are others";
}

/* once plays it with allocation number |n| failing; NULL or what is wrong. */
static const char *once(const struct scenario *scenario, long n, bool for_good,
                        const struct view *clean) {
  struct scenario_play play;
  const long before = alloc_live;
  fail_from(n, for_good);
  const char *end = scenario_play_it(&play, scenario);
  fail_no_more();
  const char *wrong = judge(&play, scenario, clean);
  if (wrong == NULL && !alloc_failed) wrong = end;
  scenario_play_free(&play);
  ERR_clear_error();
  if (wrong != NULL) return wrong;
  return alloc_live == before ? NULL : "something is left behind";
}

/* How it goes with memory enough.  libcrypto keeps things that are made once. */
static struct view clean_view(const struct scenario *scenario) {
  struct view view = {0};
  struct scenario_play play;
  const char *wrong = scenario_play_it(&play, scenario);
  if (wrong == NULL && completed(&play.pair.client) && completed(&play.pair.server) &&
      !take_view(&view, &play.pair))
    wrong = "the two differ";
  if (wrong != NULL) {
    fprintf(stderr, "%s: %s\n", scenario->name, wrong);
    num_wrong++;
  }
  scenario_play_free(&play);
  return view;
}

static size_t handshakes(const struct scenario *scenario, size_t first, bool for_good,
                         size_t step) {
  const struct view clean = clean_view(scenario);
  size_t runs = 0;
  alloc_failed = true;
  for (long n = (long)(first % step); alloc_failed; n += (long)step, runs++) {
    const char *what = once(scenario, n, for_good, &clean);
    if (what == NULL) continue;
    fprintf(stderr, "%s, allocation %ld%s: %s\n", scenario->name, n, for_good ? " and on" : "",
            what);
    num_wrong++;
  }
  return runs;
}

/* ---- Lies ---- */

enum lie { SERVER_SIGNS, CLIENT_SIGNS, SERVER_FINISHES, CLIENT_FINISHES, BINDS, NUM_LIES };

struct liar {
  enum lie lie;
  bool lied;
  struct buf signature;
};

static void sign_wrongly(void *arg, bool by_client, struct side_answer *answer,
                         const hf_question_t *question) {
  struct liar *liar = arg;
  if (question->ask != HF_ASK_SIGNATURE || answer->bytes.len == 0) return;
  if (liar->lie != (by_client ? CLIENT_SIGNS : SERVER_SIGNS)) return;
  liar->signature.len = 0;
  buf_add(&liar->signature, answer->bytes.data, answer->bytes.len);
  liar->signature.data[liar->signature.len - 1] ^= 1;
  answer->bytes = (hf_bytes){liar->signature.data, liar->signature.len};
  liar->lied = true;
}

/* last_of is the last byte of the first record, or frame, of |type|; of QUIC's frames, which the
 * Finished is in the clear in, of the last.  NULL: there is none. */
static uint8_t *last_of(uint8_t *data, size_t len, uint8_t type) {
  uint8_t *last = NULL;
  for (size_t at = 0; at + SIDE_FRAME_HEAD < len;) {
    const size_t end = at + SIDE_FRAME_HEAD + ((size_t)data[at + 3] << 8 | data[at + 4]);
    if (data[at] == type && end <= len && (last == NULL || type >= SIDE_CRYPTO))
      last = data + end - 1;
    at = end;
  }
  return last;
}

static void edit(void *arg, bool by_client, size_t at, uint8_t *data, size_t len) {
  struct liar *liar = arg;
  uint8_t *byte = NULL;
  if (liar->lied) return;
  if (liar->lie == (by_client ? CLIENT_FINISHES : SERVER_FINISHES))
    byte = last_of(data, len, SIDE_CRYPTO | HF_HANDSHAKE);
  if (liar->lie == BINDS && by_client && at == 0) {
    byte = last_of(data, len, 22);
    if (byte == NULL) byte = last_of(data, len, SIDE_CRYPTO | HF_INITIAL);
  }
  if (byte == NULL) return;
  *byte ^= 1;
  liar->lied = true;
}

/* lied is false if there was no occasion for it. */
static bool lied(const struct scenario *scenario, enum lie lie, long n, bool for_good) {
  struct scenario_play play;
  struct liar liar = {.lie = lie};
  const struct scenario_ways ways = {.edit = edit, .answer = sign_wrongly, .arg = &liar};
  const long before = alloc_live;
  fail_from(n, for_good);
  const bool begun = scenario_play_as(&play, scenario, &ways);
  fail_no_more();
  const bool by_client = lie == CLIENT_SIGNS || lie == CLIENT_FINISHES || lie == BINDS;
  const struct side *victim = by_client ? &play.pair.server : &play.pair.client;
  const char *wrong = NULL;
  if (begun && liar.lied && completed(victim)) wrong = "a lie is believed";
  if (begun && liar.lied && !alloc_failed && side_fault(&play.pair.client) == HF_OK &&
      side_fault(&play.pair.server) == HF_OK)
    wrong = "a lie is passed over";
  scenario_play_free(&play);
  buf_free(&liar.signature);
  ERR_clear_error();
  if (wrong == NULL && alloc_live != before) wrong = "something is left behind";
  if (wrong != NULL) {
    fprintf(stderr, "%s, lie %d, allocation %ld: %s\n", scenario->name, (int)lie, n, wrong);
    num_wrong++;
  }
  return liar.lied;
}

static size_t lies(const struct scenario *scenario, size_t first, size_t step) {
  size_t runs = 0;
  for (enum lie lie = SERVER_SIGNS; lie < NUM_LIES; lie++) {
    const bool has_binder =
        (scenario->parts & (IN_RESUMED | IN_PSK)) && !(scenario->parts & IN_TLS12);
    if ((lie == BINDS && !has_binder) || !lied(scenario, lie, -1, false)) continue;
    for (int for_good = 0; for_good < 2; for_good++) {
      alloc_failed = true;
      for (long n = (long)(first % step); alloc_failed; n += (long)step, runs++)
        (void)lied(scenario, lie, n, for_good);
    }
  }
  return runs;
}

/* ---- States ---- */

struct states {
  const char *name;
  size_t seen, runs;
};

static void tell(const struct states *states, const char *call, long n, const char *what) {
  num_wrong++;
  fprintf(stderr, "%s, state %zu, %s, allocation %ld: %s\n", states->name, states->seen, call, n,
          what);
}

/* may_be: without memory that is what a call says. */
static bool may_be(hf_status status) {
  return status == HF_OK || status == HF_NO_MEMORY || status == HF_CRYPTO_FAILED;
}

static void check_after(const struct states *states, const char *call, long n, hf_status status,
                        long before) {
  if (!may_be(status) || (status != HF_OK && !alloc_failed))
    tell(states, call, n, hf_status_text(status));
  if (alloc_live != before) tell(states, call, n, "something is left behind");
  if (ERR_peek_error() != 0) tell(states, call, n, "something is left on libcrypto's queue");
}

static void saves(const struct states *states, const struct side *side, const struct buf *state,
                  long n, bool for_good) {
  static uint8_t room[65536];
  const long before = alloc_live;
  size_t len = 1;
  fail_from(n, for_good);
  const hf_status status = hf_save(side->conn, room, &len, sizeof room);
  fail_no_more();
  check_after(states, "hf_save", n, status, before);
  if (status == HF_OK ? !bytes_equal((hf_bytes){room, len}, (hf_bytes){state->data, state->len})
                      : len != 0)
    tell(states, "hf_save", n, "it writes something else");
}

static void loads(const struct states *states, const struct side *side, const struct buf *state,
                  long n, bool for_good) {
  const hf_config *config = side->config;
  const struct credential *credential = side->setup.credential;
  const hf_identity *identity = credential != NULL ? credential->identity : NULL;
  const long before = alloc_live;
  struct buf again = {0};
  hf_conn *conn = NULL;
  fail_from(n, for_good);
  const hf_status status =
      hf_load(&conn, &config, 1, &identity, identity != NULL, (hf_bytes){state->data, state->len});
  fail_no_more();
  if ((status == HF_OK) != (conn != NULL)) tell(states, "hf_load", n, "a connection, or none");
  if (conn != NULL &&
      (!reborn_save(&again, conn) ||
       !bytes_equal((hf_bytes){again.data, again.len}, (hf_bytes){state->data, state->len})))
    tell(states, "hf_load", n, "it loads something else");
  hf_free(conn);
  buf_free(&again);
  check_after(states, "hf_load", n, status, before);
}

static void before(void *arg, struct side *side) {
  struct states *states = arg;
  struct buf state = {0}, after = {0};
  if (states->seen++ % (scenario_whole() ? 1 : 4) != 0) return;
  ERR_clear_error();
  if (!reborn_save(&state, side->conn)) tell(states, "hf_save", -1, "it could not be saved");
  for (int for_good = 0; for_good < 2; for_good++) {
    alloc_failed = true;
    for (long n = 0; alloc_failed; n++, states->runs++) saves(states, side, &state, n, for_good);
    alloc_failed = true;
    for (long n = 0; alloc_failed; n++, states->runs++) loads(states, side, &state, n, for_good);
  }
  if (!reborn_save(&after, side->conn) ||
      !bytes_equal((hf_bytes){after.data, after.len}, (hf_bytes){state.data, state.len}))
    tell(states, "hf_save", -1, "the connection is harmed");
  buf_free(&state);
  buf_free(&after);
}

static size_t of_states(const struct scenario *scenario) {
  struct states states = {.name = scenario->name};
  const struct side_change change = {.before = before, .arg = &states};
  struct scenario_play play;
  const char *wrong = scenario_play_it(&play, scenario);
  if (wrong == NULL) wrong = side_replay_as(&play.pair.client, &change);
  if (wrong == NULL) wrong = side_replay_as(&play.pair.server, &change);
  if (wrong != NULL) {
    fprintf(stderr, "%s: %s\n", scenario->name, wrong);
    num_wrong++;
  }
  scenario_play_free(&play);
  return states.runs;
}

int main(void) {
  const bool whole = scenario_whole();
  size_t runs = 0, runs_on = 0, runs_of_lies = 0, runs_of_states = 0;
  for (size_t s = 0; s < num_scenarios; s++) {
    runs += handshakes(&scenarios[s], s, false, whole ? 1 : 7);
    runs_on += handshakes(&scenarios[s], s, true, whole ? 1 : 11);
    runs_of_lies += lies(&scenarios[s], s, whole ? 1 : 11);
    runs_of_states += of_states(&scenarios[s]);
  }
  printf(
      "%zu runs of %zu scenarios in which an allocation failed, %zu in which all did from one on, "
      "%zu with a lie, %zu of hf_save and hf_load; %zu wrong\n",
      runs, num_scenarios, runs_on, runs_of_lies, runs_of_states, num_wrong);
  return num_wrong != 0 || runs == 0;
}
