/* attack.c: see attack.h. */
#include "attack.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static size_t num_runs, num_unnoticed;

struct victim victim_of(size_t index) {
  struct victim victim = {.scenario = &scenarios[index]};
  const char *wrong = scenario_play_it(&victim.play, victim.scenario);
  cr_assert_null(wrong, "%s: %s", victim.scenario->name, wrong);
  return victim;
}

const struct buf *victim_said(const struct victim *victim, bool by_client) {
  return by_client ? &victim->play.pair.client.sent : &victim->play.pair.server.sent;
}

void attack_report(const char *what) {
  fprintf(stderr, "%s: %zu runs of %zu scenarios, %zu unnoticed\n", what, num_runs, num_scenarios,
          num_unnoticed);
}

/* ---- On the way ---- */

struct on_the_way {
  const struct attack *attack;
  bool put; /* what is put in has come */
  struct scenario_play play;
};

static size_t within(size_t at, size_t start, size_t end) {
  return at < start ? 0 : at > end ? end - start : at - start;
}

/* The bytes from |start| on are in the hand of whoever is on the way. */
static void change(void *arg, bool by_client, size_t start, uint8_t *data, size_t len) {
  struct on_the_way *way = arg;
  const struct attack *attack = way->attack;
  const size_t at = attack->at, end = start + len;
  const size_t over = attack->removes > SIZE_MAX - at ? SIZE_MAX : at + attack->removes;
  if (by_client != attack->by_client) return;
  const bool with_next = attack->later || attack->removes > 0;
  const bool here = with_next ? at >= start && at < end : at > start && at <= end;
  const size_t before = within(at, start, end), after = within(over, start, end);
  struct buf *out = by_client ? &way->play.pair.client.out : &way->play.pair.server.out;
  struct buf made = {0};
  buf_add(&made, data, before);
  if (here && !way->put) {
    buf_add(&made, attack->puts.data, attack->puts.len);
    way->put = true;
  }
  if (after < len) buf_add(&made, data + after, len - after);
  buf_free(out);
  *out = made;
}

/* ---- The verdict ---- */

static bool completed(const struct side *side) {
  return (hf_wants(side->conn) & HF_READY) != 0 && side_fault(side) == HF_OK;
}

/* same_facts: what two say of a handshake. */
static bool same_facts(const struct side *one, const struct side *other) {
  hf_facts a, b;
  hf_get_facts(&a, one->conn);
  hf_get_facts(&b, other->conn);
  return a.version == b.version && a.suite == b.suite && a.group == b.group &&
         a.resumed == b.resumed && a.external_psk == b.external_psk &&
         a.early_accepted == b.early_accepted && a.retried == b.retried &&
         bytes_equal(a.alpn, b.alpn) && bytes_equal(a.client_random, b.client_random) &&
         bytes_equal(a.server_random, b.server_random);
}

/* same_view: and what they make of it. */
static bool same_view(const struct side *one, const struct side *other) {
  uint8_t x[32], y[32];
  const bool same = same_facts(one, other);
  /* Whoever has failed since has no secrets any more. */
  if (!completed(one) || !completed(other)) return same;
  const hf_bytes none = {NULL, 0};
  return same && hf_export(one->conn, x, sizeof x, "label", none) == HF_OK &&
         hf_export(other->conn, y, sizeof y, "label", none) == HF_OK && memcmp(x, y, sizeof x) == 0;
}

/* The data that came is what was said, or the beginning of it. */
static bool begins(const struct buf *app, const struct buf *whole_app) {
  return app->len <= whole_app->len &&
         (app->len == 0 || memcmp(app->data, whole_app->data, app->len) == 0);
}

/* all_came: nobody waits for the rest, to notice in time. */
static bool all_came(const struct side *side, const struct side *quiet) {
  return completed(side) && side->app.len == quiet->app.len && side->in.len == 0;
}

static const char *wrong_with(const struct pair *pair, const struct victim *victim) {
  const struct side *client = &pair->client, *server = &pair->server;
  const struct pair *quiet = &victim->play.pair;
  if (client->broken != NULL) return client->broken;
  if (server->broken != NULL) return server->broken;
  if ((hf_wants(client->conn) & hf_wants(server->conn) & HF_READY) && !same_view(client, server))
    return "they have different views";
  if (victim->scenario->client == HF_OK &&
      !(begins(&client->app, &quiet->client.app) && begins(&server->app, &quiet->server.app)))
    return "other data came";
  return NULL;
}

enum attack_outcome attack_run(const struct victim *victim, const struct attack *attack) {
  const struct scenario *scenario = victim->scenario;
  const struct pair *quiet = &victim->play.pair;
  struct on_the_way way = {.attack = attack};
  cr_assert(scenario_play_edited(&way.play, scenario, change, &way), "%s", scenario->name);
  const struct pair *pair = &way.play.pair;
  const char *wrong = wrong_with(pair, victim);
  enum attack_outcome outcome = ATTACK_NOTICED;
  num_runs++;
  if (all_came(&pair->client, &quiet->client) && all_came(&pair->server, &quiet->server)) {
    outcome = ATTACK_UNNOTICED;
    num_unnoticed++;
    if (wrong == NULL && !same_facts(&pair->client, &quiet->client))
      wrong = "unnoticed, and another handshake";
  }
  cr_expect_null(wrong, "%s, %s's byte %zu, %s: %s", scenario->name,
                 attack->by_client ? "client" : "server", attack->at, attack->what, wrong);
  scenario_play_free(&way.play);
  return outcome;
}

/* ---- Records ---- */

struct record_at record_at(const struct buf *sent, size_t at) {
  struct record_at found = {.index = 0};
  for (size_t start = 0; start + 5 <= sent->len; found.index++) {
    const size_t len = 5 + ((size_t)sent->data[start + 3] << 8 | sent->data[start + 4]);
    if (at < start + len) {
      found.start = start;
      found.offset = at - start;
      found.len = len;
      found.type = sent->data[start];
      break;
    }
    start += len;
  }
  return found;
}
