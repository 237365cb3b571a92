/* test_ordeal_cuts.c - each scenario (scenario.h) again, with the peer's bytes cut in another way,
 * with other room for the output, and with the engine saved, freed and loaded before everything
 * that is done: what comes out is the same, to the byte.
 *
 * Here a share of the ways; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static size_t num_runs;

static void again(const struct scenario_play *play, const char *name, struct side_change change) {
  const struct side *sides[] = {&play->pair.client, &play->pair.server};
  for (int i = 0; i < 2; i++) {
    const char *differs = side_replay_as(sides[i], &change);
    num_runs++;
    cr_expect_null(differs, "%s, %s, pieces of %zu, cut at %zu, room of %zu%s%s: %s", name,
                   i == 0 ? "client" : "server", change.piece, change.cut, change.flush_max,
                   change.saves ? ", saved" : "", change.answers_first ? ", answers first" : "",
                   differs);
  }
}

static void begin(struct scenario_play *play, const struct scenario *scenario) {
  const char *wrong = scenario_play_it(play, scenario);
  cr_assert_null(wrong, "%s: %s", scenario->name, wrong);
}

static void done(const char *what) {
  fprintf(stderr, "%s: %zu runs of %zu scenarios\n", what, num_runs, num_scenarios);
}

/* R-H-1: pieces of one size each. */
Test(ordeal_cuts, pieces) {
  static const size_t some[] = {1, 2, 3, 5, 17, 64};
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    begin(&play, &scenarios[s]);
    again(&play, scenarios[s].name, (struct side_change){.piece = 0});
    again(&play, scenarios[s].name, (struct side_change){.answers_first = true});
    for (size_t i = 1; i <= 64; i++) {
      bool one = scenario_whole();
      for (size_t k = 0; k < sizeof some / sizeof *some; k++) one = one || some[k] == i;
      if (one) again(&play, scenarios[s].name, (struct side_change){.piece = i});
    }
    scenario_play_free(&play);
  }
  done("pieces");
}

/* R-H-1: everything that comes, cut once at each place. */
Test(ordeal_cuts, one_cut) {
  const size_t step = scenario_whole() ? 1 : 73;
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    begin(&play, &scenarios[s]);
    const size_t client = play.pair.client.tape.len, server = play.pair.server.tape.len;
    for (size_t at = 1 + s % step; at < (client > server ? client : server); at += step)
      again(&play, scenarios[s].name, (struct side_change){.cut = at});
    scenario_play_free(&play);
  }
  done("cuts");
}

/* R-H-2: little room for the output. */
Test(ordeal_cuts, room) {
  static const size_t some[] = {1, 2, 5, 64, 333};
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    begin(&play, &scenarios[s]);
    for (size_t i = 1; i <= 400; i++) {
      bool one = scenario_whole();
      for (size_t k = 0; k < sizeof some / sizeof *some; k++) one = one || some[k] == i;
      if (one) again(&play, scenarios[s].name, (struct side_change){.flush_max = i});
    }
    scenario_play_free(&play);
  }
  done("room for output");
}

/* R-H-41: saved, freed and loaded between any two calls. */
Test(ordeal_cuts, saved) {
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    begin(&play, &scenarios[s]);
    again(&play, scenarios[s].name, (struct side_change){.saves = true});
    if (scenario_whole() || s % 3 == 1)
      again(&play, scenarios[s].name, (struct side_change){.saves = true, .piece = 7});
    if (scenario_whole() || s % 3 == 2)
      again(&play, scenarios[s].name, (struct side_change){.saves = true, .flush_max = 3});
    if (scenario_whole())
      again(&play, scenarios[s].name, (struct side_change){.saves = true, .piece = 1});
    scenario_play_free(&play);
  }
  done("saved and loaded");
}

/* R-H-1: one digest over all that is said, the same everywhere. */
Test(ordeal_cuts, determinism) {
  char hex[SCENARIO_DIGEST_LEN];
  const char *wrong = scenario_digest(hex);
  cr_assert_null(wrong, "%s", wrong);
  cr_expect_str_eq(hex, scenario_digest_expected);
}
