/* test_save_bytes.c - saved states that are changed, and whose digest is put right again: they may
 * say anything.  R-H-42: each is loaded or is HF_BAD_STATE (HF_MISUSE where it names another
 * identity), and what was loaded can be asked, saved, fed and freed; the sanitizers look on.
 *
 * Each byte of each state takes a few values; with HF_ORDEAL=whole in the environment, as ./dev
 * ordeal has it, all of them. */
#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "reborn.h"
#include "scenario.h"

/* Behind the digests of the version and the settings, and before that of all. */
enum { FIRST = 64, LAST = SHA256_DIGEST_LENGTH };

static size_t num_loaded, num_refused;

/* look does what any connection can be put to. */
static void look(hf_conn *conn, const struct buf *more) {
  struct buf again = {0}, in = {0};
  uint8_t room[64];
  hf_bytes app;
  hf_facts facts;
  hf_fault fault;
  size_t len;
  hf_get_facts(&facts, conn);
  hf_get_fault(&fault, conn);
  (void)hf_question(conn);
  (void)hf_row_name(conn);
  cr_assert(reborn_save(&again, conn));
  buf_add(&in, more->data, more->len < 300 ? more->len : 300);
  (void)!hf_open(conn, &app, &len, in.data, in.len);
  (void)!hf_flush(conn, &len, room, sizeof room);
  buf_free(&again);
  buf_free(&in);
}

static void load_changed(const struct side *side, struct buf *state) {
  const hf_config *config = side->config;
  const struct credential *credential = side->setup.credential;
  const hf_identity *identity = credential != NULL ? credential->identity : NULL;
  hf_conn *conn = NULL;
  SHA256(state->data, state->len - LAST, state->data + state->len - LAST);
  const hf_status status =
      hf_load(&conn, &config, 1, &identity, identity != NULL, (hf_bytes){state->data, state->len});
  cr_assert_eq(status == HF_OK, conn != NULL);
  cr_assert(status == HF_OK || status == HF_BAD_STATE || status == HF_MISUSE, "%s",
            hf_status_text(status));
  if (conn != NULL) look(conn, &side->tape);
  num_loaded += conn != NULL;
  num_refused += conn == NULL;
  hf_free(conn);
}

/* change_each puts each value into each byte of the state of |side|. */
static void change_each(const struct side *side) {
  struct buf state = {0};
  cr_assert(reborn_save(&state, side->conn));
  for (size_t at = FIRST; at + LAST < state.len; at++) {
    const uint8_t was = state.data[at];
    const uint8_t some[] = {0xff, (uint8_t)(was + 1)};
    for (unsigned v = 0; v < (scenario_whole() ? 256 : sizeof some); v++) {
      state.data[at] = scenario_whole() ? (uint8_t)v : some[v];
      if (state.data[at] != was) load_changed(side, &state);
    }
    state.data[at] = was;
  }
  buf_free(&state);
}

/* stop_at has a handshake like |scenario| that stops at the first question |leaves| of the server,
 * or of the client if |of_client|. */
static void stop_at(const char *name, hf_ask leaves, bool of_client) {
  for (size_t i = 0; i < num_scenarios; i++) {
    struct scenario_play play;
    struct pair pair;
    if (strcmp(scenarios[i].name, name) != 0) continue;
    const char *wrong = scenario_play_it(&play, &scenarios[i]);
    cr_assert_null(wrong, "%s: %s", name, wrong);
    struct side_setup client = play.client, server = play.server;
    (of_client ? &client : &server)->leaves = leaves;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    (void)pair_run(&pair);
    const struct side *side = of_client ? &pair.client : &pair.server;
    cr_expect_eq(hf_question(side->conn)->ask, leaves, "%s", name);
    change_each(side);
    pair_free(&pair);
    scenario_play_free(&play);
    return;
  }
  cr_assert(false, "there is no scenario %s", name);
}

static void tell(const char *what) {
  fprintf(stderr, "%s: %zu changed states were loaded, %zu refused\n", what, num_loaded,
          num_refused);
}

/* R-H-42: a question is pending. */
Test(save_bytes, while_something_is_asked) {
  stop_at("full, secrets", HF_ASK_IDENTITY, false);
  stop_at("full, secrets", HF_ASK_INSTALL, false);
  stop_at("full, secrets", HF_ASK_VERDICT, true);
  stop_at("resumed", HF_ASK_SESSION, false);
  stop_at("early data, secrets", HF_ASK_INSTALL, true);
  stop_at("cookie", HF_ASK_COOKIE, false);
  stop_at("client certificate", HF_ASK_SIGNATURE, true);
  stop_at("compression, both", HF_ASK_DECOMPRESS, false);
  stop_at("tickets", HF_ASK_TICKET, false);
  stop_at("tickets", HF_ASK_KEEP, true);
  tell("asked");
}

/* R-H-42: of TLS 1.2, too. */
Test(save_bytes, while_something_is_asked_in_tls12) {
  stop_at("1.2, secrets", HF_ASK_INSTALL, false);
  stop_at("1.2", HF_ASK_IDENTITY, false);
  stop_at("1.2", HF_ASK_VERDICT, true);
  stop_at("1.2, client certificate", HF_ASK_SIGNATURE, true);
  stop_at("1.2, ticket", HF_ASK_TICKET, false);
  stop_at("1.2, ticket", HF_ASK_KEEP, true);
  tell("asked in TLS 1.2");
}

/* R-H-42: the handshake is over, or the connection. */
Test(save_bytes, once_it_is_done) {
  static const char *const names[] = {"full", "rekeyed", "closed", "1.2", "no suite"};
  for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
    for (size_t i = 0; i < num_scenarios; i++) {
      struct scenario_play play;
      if (strcmp(scenarios[i].name, names[n]) != 0) continue;
      cr_assert_null(scenario_play_it(&play, &scenarios[i]));
      change_each(&play.pair.client);
      change_each(&play.pair.server);
      scenario_play_free(&play);
    }
  }
  tell("done");
}
