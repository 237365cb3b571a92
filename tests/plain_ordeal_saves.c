/* plain_ordeal_saves.c - R-H-42: each scenario (scenario.h) once more, with the engine saved before
 * each thing that is done, and its state damaged: each byte of it changed, cut off after each, made
 * longer.  What is damaged is HF_BAD_STATE, there is no connection of it, and nothing is left
 * behind; undamaged it is a connection, which saves the same.
 *
 * Here a share of the bytes; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "reborn.h"
#include "scenario.h"

static size_t num_states, num_runs, num_wrong;

struct ordeal {
  const char *name;
  bool by_client;
  struct buf last; /* the state before, which is not put to it again */
};

static void tell(const struct ordeal *ordeal, const char *what, size_t at) {
  num_wrong++;
  fprintf(stderr, "%s, %s, state %zu, byte %zu: %s\n", ordeal->name,
          ordeal->by_client ? "client" : "server", num_states, at, what);
}

static hf_status load(hf_conn **out, const struct side *side, hf_bytes state) {
  const hf_config *config = side->config;
  const struct credential *credential = side->setup.credential;
  const hf_identity *identity = credential != NULL ? credential->identity : NULL;
  return hf_load(out, &config, 1, &identity, identity != NULL, state);
}

/* refused loads |len| bytes at |state|, at |at| of which they are damaged. */
static void refused(const struct ordeal *ordeal, const struct side *side, const uint8_t *state,
                    size_t len, size_t at) {
  const long before = alloc_live;
  hf_conn *conn = side->conn;
  const hf_status status = load(&conn, side, (hf_bytes){state, len});
  num_runs++;
  if (status != HF_BAD_STATE) tell(ordeal, hf_status_text(status), at);
  if (conn != NULL) tell(ordeal, "there is a connection", at);
  if (status == HF_OK) hf_free(conn);
  if (alloc_live != before) tell(ordeal, "something is left behind", at);
  if (ERR_peek_error() != 0) tell(ordeal, "something is left on libcrypto's queue", at);
}

static void change_bytes(const struct ordeal *ordeal, const struct side *side, struct buf *state) {
  const bool whole = scenario_whole();
  const size_t step = whole ? 1 : 97;
  for (size_t at = num_states % step; at < state->len; at += step) {
    for (unsigned bit = 1; bit < 256; bit <<= 1) {
      /* Each bit of every eighth state. */
      if (bit != 1 && bit != 128 && num_states % 8 != 0) continue;
      state->data[at] ^= (uint8_t)bit;
      refused(ordeal, side, state->data, state->len, at);
      state->data[at] ^= (uint8_t)bit;
    }
  }
}

/* cut_off has memory of just its size, so that a sanitizer sees a step beyond its end. */
static void cut_off(const struct ordeal *ordeal, const struct side *side, const struct buf *state) {
  const size_t step = scenario_whole() ? 1 + state->len / 400 : 1 + state->len / 10;
  for (size_t len = num_states % step; len < state->len + 3; len += step) {
    uint8_t *copy = malloc(len + (len == 0));
    if (len == state->len || copy == NULL) {
      free(copy);
      continue;
    }
    memset(copy, 0, len);
    memcpy(copy, state->data, len < state->len ? len : state->len);
    refused(ordeal, side, copy, len, len);
    free(copy);
  }
  refused(ordeal, side, NULL, 0, 0);
}

static void unharmed(const struct ordeal *ordeal, const struct side *side,
                     const struct buf *state) {
  hf_conn *conn = NULL;
  struct buf again = {0};
  const hf_status status = load(&conn, side, (hf_bytes){state->data, state->len});
  if (status != HF_OK) tell(ordeal, hf_status_text(status), state->len);
  if (status == HF_OK && (!reborn_save(&again, conn) || again.len != state->len ||
                          memcmp(again.data, state->data, state->len) != 0))
    tell(ordeal, "saved once more, it differs", state->len);
  hf_free(conn);
  buf_free(&again);
}

static void before(void *arg, struct side *side) {
  struct ordeal *ordeal = arg;
  struct buf state = {0};
  ERR_clear_error();
  if (!reborn_save(&state, side->conn)) tell(ordeal, "it could not be saved", 0);
  const bool known = bytes_equal((hf_bytes){state.data, state.len},
                                 (hf_bytes){ordeal->last.data, ordeal->last.len});
  if (!known) {
    num_states++;
    change_bytes(ordeal, side, &state);
    cut_off(ordeal, side, &state);
    unharmed(ordeal, side, &state);
  }
  buf_free(&ordeal->last);
  ordeal->last = state;
}

int main(void) {
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    const char *wrong = scenario_play_it(&play, &scenarios[s]);
    const struct side *sides[] = {&play.pair.server, &play.pair.client};
    for (int i = 0; i < 2 && wrong == NULL; i++) {
      struct ordeal ordeal = {.name = scenarios[s].name, .by_client = i != 0};
      const struct side_change change = {.before = before, .arg = &ordeal};
      wrong = side_replay_as(sides[i], &change);
      buf_free(&ordeal.last);
    }
    if (wrong != NULL) {
      fprintf(stderr, "%s: %s\n", scenarios[s].name, wrong);
      num_wrong++;
    }
    scenario_play_free(&play);
  }
  printf("%zu runs of %zu states of %zu scenarios, %zu wrong\n", num_runs, num_states,
         num_scenarios, num_wrong);
  return num_wrong != 0 || num_runs == 0;
}
