/* test_ordeal_edits.c - each scenario (scenario.h) with somebody on the way who changes one bit or
 * one byte: never do both sides come to an end with different views of it, and what is changed
 * without being noticed is only what survives() lists.
 *
 * Here a share of the places; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

/* What the one on the way does: |value| with the byte at |at|. */
enum how { FLIP, SET, ADD };
struct change {
  bool by_client;
  size_t at;
  enum how how;
  uint8_t value;
  bool changed;
};

static void edit(void *arg, bool by_client, size_t at, uint8_t *data, size_t len) {
  struct change *change = arg;
  if (by_client != change->by_client || change->at < at || change->at - at >= len) return;
  uint8_t *byte = data + (change->at - at);
  const uint8_t before = *byte;
  if (change->how == FLIP) *byte ^= change->value;
  if (change->how == SET) *byte = change->value;
  if (change->how == ADD) *byte = (uint8_t)(*byte + change->value);
  change->changed = *byte != before;
}

/* ---- What may go unnoticed ---- */

/* record_at finds the record of |sent| with the byte |at|. */
struct record_at {
  size_t start, offset, index; /* of the record, in the record, how many came before */
  uint8_t type;
};

static struct record_at record_at(const struct buf *sent, size_t at) {
  struct record_at found = {0, 0, 0, 0};
  for (size_t start = 0; start + 5 <= sent->len; found.index++) {
    const size_t len = 5 + ((size_t)sent->data[start + 3] << 8 | sent->data[start + 4]);
    if (at < start + len) {
      found.start = start;
      found.offset = at - start;
      found.type = sent->data[start];
      break;
    }
    start += len;
  }
  return found;
}

/* survives says whether a change may go unnoticed, by the scenario's |parts| and where it is. */
static bool survives(unsigned parts, const struct change *change, const struct buf *sent) {
  const struct record_at where = record_at(sent, change->at);
  const bool version = where.offset == 1 || where.offset == 2;
  /* RFC 9846 5.1: the version of a record in the clear says nothing; TLS 1.2 looks at it when there
   * is one that was agreed on: not with hellos, which are the first records. */
  if (version && where.type != 23) return !(parts & IN_TLS12) || where.index == 0;
  /* RFC 9846 4.3.10: early data that is refused is passed over unread; but for its type and length
   * it may be anything. */
  const bool refused = (parts & IN_EARLY) && (parts & (IN_EARLY_OFF | IN_RETRY));
  return refused && change->by_client && where.type == 23 && where.index <= 3;
}

/* ---- The verdict ---- */

static bool completed(const struct side *side) {
  return (hf_wants(side->conn) & HF_READY) != 0 && side_fault(side) == HF_OK;
}

static bool same_bytes(hf_bytes a, hf_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* same_view: what both say of a handshake that is complete, and what they make of it. */
static bool same_view(const struct pair *pair) {
  hf_facts a, b;
  uint8_t x[32], y[32];
  hf_get_facts(&a, pair->client.conn);
  hf_get_facts(&b, pair->server.conn);
  const bool same = a.version == b.version && a.suite == b.suite && a.group == b.group &&
                    a.resumed == b.resumed && a.early_accepted == b.early_accepted &&
                    a.retried == b.retried && same_bytes(a.alpn, b.alpn) &&
                    same_bytes(a.client_random, b.client_random) &&
                    same_bytes(a.server_random, b.server_random);
  /* Whoever has failed since has no secrets any more. */
  if (!completed(&pair->client) || !completed(&pair->server)) return same;
  const hf_bytes none = {NULL, 0};
  return same && hf_export(pair->client.conn, x, sizeof x, "label", none) == HF_OK &&
         hf_export(pair->server.conn, y, sizeof y, "label", none) == HF_OK &&
         memcmp(x, y, sizeof x) == 0;
}

static size_t num_runs, num_unnoticed;

/* The data that came is what was said, or the beginning of it. */
static bool begins(const struct buf *app, const struct buf *whole_app) {
  return app->len <= whole_app->len &&
         (app->len == 0 || memcmp(app->data, whole_app->data, app->len) == 0);
}

/* suffer plays |scenario|, which went as |quiet| did, with |change|. */
static void suffer(const struct scenario *scenario, struct change change,
                   const struct pair *quiet) {
  const struct buf *sent = change.by_client ? &quiet->client.sent : &quiet->server.sent;
  struct scenario_play play;
  cr_assert(scenario_play_edited(&play, scenario, edit, &change), "%s", scenario->name);
  const struct side *client = &play.pair.client, *server = &play.pair.server;
  const char *who = change.by_client ? "client" : "server";
  num_runs++;
  cr_expect_null(client->broken, "%s: %s", scenario->name, client->broken);
  cr_expect_null(server->broken, "%s: %s", scenario->name, server->broken);
  if ((hf_wants(client->conn) & HF_READY) && (hf_wants(server->conn) & HF_READY))
    cr_expect(same_view(&play.pair), "%s, %s's byte %zu: different views", scenario->name, who,
              change.at);
  if (scenario->client == HF_OK)
    cr_expect(begins(&client->app, &quiet->client.app) && begins(&server->app, &quiet->server.app),
              "%s, %s's byte %zu: other data", scenario->name, who, change.at);
  /* Else somebody waits for the rest, and notices in time. */
  const bool all_came = client->app.len == quiet->client.app.len &&
                        server->app.len == quiet->server.app.len && client->in.len == 0 &&
                        server->in.len == 0;
  if (change.changed && completed(client) && completed(server) && all_came) {
    num_unnoticed++;
    cr_expect(survives(scenario->parts, &change, sent), "%s, %s's byte %zu of %zu (%d %02x)",
              scenario->name, who, change.at, sent->len, (int)change.how, change.value);
  }
  scenario_play_free(&play);
}

/* every calls suffer for the changes number |first|, |first| + |step| ... of each byte that either
 * side says, there being |num| changes for a byte. */
static void every(const struct change *changes, size_t num, size_t step) {
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    const char *wrong = scenario_play_it(&play, &scenarios[s]);
    cr_assert_null(wrong, "%s: %s", scenarios[s].name, wrong);
    for (int by_client = 0; by_client < 2; by_client++) {
      const struct buf *sent = by_client ? &play.pair.client.sent : &play.pair.server.sent;
      for (size_t i = s % step; i < sent->len * num; i += step) {
        struct change change = changes[i % num];
        change.by_client = by_client;
        change.at = i / num;
        suffer(&scenarios[s], change, &play.pair);
      }
    }
    scenario_play_free(&play);
  }
  fprintf(stderr, "%zu runs of %zu scenarios, %zu changes unnoticed\n", num_runs, num_scenarios,
          num_unnoticed);
}

/* R-H-22: each bit. */
Test(ordeal_edits, bits) {
  struct change changes[8];
  for (int i = 0; i < 8; i++) changes[i] = (struct change){.how = FLIP, .value = (uint8_t)(1 << i)};
  every(changes, 8, scenario_whole() ? 1 : 487);
}

/* R-H-22: each byte, set to 0 and to 255, one more and one less. */
Test(ordeal_edits, bytes) {
  static const struct change changes[] = {{.how = SET, .value = 0},
                                          {.how = SET, .value = 255},
                                          {.how = ADD, .value = 1},
                                          {.how = ADD, .value = 255}};
  every(changes, 4, scenario_whole() ? 1 : 241);
}
