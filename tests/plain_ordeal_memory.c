/* plain_ordeal_memory.c - R-H-10: each scenario (scenario.h) while memory runs out: once for each
 * allocation that it makes, or for every fifth (scenario_whole), which fails.  Nothing crashes,
 * nothing is left behind, and what comes to its end all the same comes to the end that it should:
 * no check was skipped. */
#include <openssl/err.h>
#include <stdio.h>

#include "fail_alloc.h"
#include "scenario.h"

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

/* once plays it with allocation number |n| failing; NULL or what is wrong. */
static const char *once(const struct scenario *scenario, long n) {
  struct scenario_play play;
  const long before = alloc_live;
  alloc_failed = false;
  alloc_countdown = n;
  const char *end = scenario_play_it(&play, scenario);
  alloc_countdown = -1;
  const struct side *client = &play.pair.client, *server = &play.pair.server;
  const bool fair =
      is_fair(client, server, scenario->client) && is_fair(server, client, scenario->server);
  const bool ready = client->conn != NULL && server->conn != NULL && side_is_ready(client) &&
                     side_is_ready(server);
  if (!fair) {
    fprintf(stderr, "%s, allocation %ld: client %s, server %s\n", scenario->name, n,
            hf_status_text(fault_of(client)), hf_status_text(fault_of(server)));
  }
  scenario_play_free(&play);
  ERR_clear_error();
  if (!fair) return "an unfair failure";
  if (ready && scenario->client != HF_OK) return "it succeeded, which it should not";
  if (!alloc_failed && end != NULL) return end;
  return alloc_live == before ? NULL : "something is left behind";
}

int main(void) {
  const size_t step = scenario_whole() ? 1 : 5;
  size_t runs = 0, wrong = 0;
  for (size_t s = 0; s < num_scenarios; s++) {
    (void)once(&scenarios[s], -1); /* libcrypto keeps things that are made once */
    alloc_failed = true;
    for (long n = (long)(s % step); alloc_failed; n += (long)step) {
      const char *what = once(&scenarios[s], n);
      runs++;
      if (what == NULL) continue;
      fprintf(stderr, "%s, allocation %ld: %s\n", scenarios[s].name, n, what);
      wrong++;
    }
  }
  printf("%zu runs of %zu scenarios, %zu wrong\n", runs, num_scenarios, wrong);
  return wrong != 0;
}
