/* plain_ordeal_late.c - each scenario (scenario.h) up to each question, and no further: the
 * connection is freed while the question waits, with the peer's bytes there that it did not take;
 * and after hf_close, hf_abort or a refusal there.  It is freed, too, wherever else it stands while
 * the peer's bytes come in small pieces.  Nothing is left behind. */
#include <stdio.h>

#include "fail_alloc.h"
#include "scenario.h"

/* How it ends. */
enum end { FREED, REFUSED, ABORTED, CLOSED, NUM_ENDS };

struct ordeal {
  enum end end;
  size_t question; /* it stops at this one, the first being 1; 0: not at one */
  size_t step;     /* and at this thing that is done, if not at a question */
  bool stopped;
};

/* end_it ends it as |ordeal| has it; false: it cannot end so. */
static bool end_it(const struct ordeal *ordeal, hf_conn *conn) {
  if (ordeal->end == REFUSED) return hf_refuse(conn, 40) == HF_OK;
  if (ordeal->end == CLOSED) return hf_close(conn) == HF_OK;
  if (ordeal->end == ABORTED) hf_abort(conn, 40);
  return true;
}

static void stop(void *arg, struct side *side) {
  struct ordeal *ordeal = arg;
  size_t answered = 0;
  if (ordeal->question == 0) {
    if (ordeal->step-- > 0) return;
    ordeal->stopped = true;
    side->broken = "stopped";
    return;
  }
  for (size_t i = 0; i < sizeof side->asked / sizeof *side->asked; i++) answered += side->asked[i];
  if (!(hf_wants(side->conn) & HF_WANT_ANSWER) || answered + 1 != ordeal->question) return;
  ordeal->stopped = end_it(ordeal, side->conn);
  side->broken = "stopped";
}

/* to_question does what was done to |side| up to a question; false: something is wrong. */
static bool to_question(const struct side *side, struct ordeal *ordeal,
                        const struct scenario *scenario) {
  /* QUIC has no close_notify. */
  const bool may_end = !(scenario->parts & IN_QUIC) || ordeal->end != CLOSED;
  const struct side_change change = {.before = stop, .arg = ordeal};
  const long before = alloc_live;
  (void)side_replay_as(side, &change);
  if (alloc_live == before && ordeal->stopped == may_end) return true;
  fprintf(stderr, "%s, question %zu, end %d: %s\n", scenario->name, ordeal->question,
          (int)ordeal->end, ordeal->stopped ? "something is left behind" : "it did not end so");
  return false;
}

/* steps frees it after each thing that is done. */
static size_t steps(const struct side *side, const struct scenario *scenario, size_t *wrong) {
  const size_t step = scenario_whole() ? 1 : 5;
  const long before = alloc_live;
  bool stopped = true;
  size_t at = 0;
  for (; stopped; at++) {
    struct ordeal ordeal = {.step = at * step};
    const struct side_change change = {.piece = 61, .before = stop, .arg = &ordeal};
    (void)side_replay_as(side, &change);
    stopped = ordeal.stopped;
    if (alloc_live == before) continue;
    fprintf(stderr, "%s, step %zu: something is left behind\n", scenario->name, at * step);
    (*wrong)++;
    break;
  }
  return at;
}

int main(void) {
  size_t runs = 0, wrong = 0;
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    const char *bad = scenario_play_it(&play, &scenarios[s]);
    const struct side *sides[] = {&play.pair.server, &play.pair.client};
    if (bad != NULL) {
      fprintf(stderr, "%s: %s\n", scenarios[s].name, bad);
      wrong++;
    }
    for (size_t i = 0; i < 2 && bad == NULL; i++) {
      runs += steps(sides[i], &scenarios[s], &wrong);
      for (size_t q = 1; q <= sides[i]->num_answers; q++) {
        for (enum end end = FREED; end < NUM_ENDS; end++, runs++) {
          struct ordeal ordeal = {.end = end, .question = q};
          wrong += !to_question(sides[i], &ordeal, &scenarios[s]);
        }
      }
    }
    scenario_play_free(&play);
  }
  printf("%zu runs of %zu scenarios, %zu wrong\n", runs, num_scenarios, wrong);
  return wrong != 0 || runs == 0;
}
