/* test_ordeal_plaintext.c - each scenario (scenario.h) with one side that has the keys and changes
 * its own messages before they are protected (insider.h): a bit, a byte, a length, a byte more or
 * fewer.  Whatever is left of such a message is in the transcript, so that both do not come to
 * their end, whoever notices; and nobody gets data of such a handshake.
 *
 * Here a share of the places; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "craft.h"
#include "insider.h"

TestSuite(ordeal_plaintext, .timeout = 7200);

/* What is done to the byte at a place of a message, and what with its length. */
enum how { FLIP, SET, ADD, LOSE, DOUBLE };
struct change {
  size_t message, at;
  enum how how;
  uint8_t value;
  bool began, over; /* over: the other had failed before */
};

static const struct change changes[] = {
    {.how = FLIP, .value = 1},
    {.how = FLIP, .value = 2},
    {.how = FLIP, .value = 4},
    {.how = FLIP, .value = 8},
    {.how = FLIP, .value = 16},
    {.how = FLIP, .value = 32},
    {.how = FLIP, .value = 64},
    {.how = FLIP, .value = 128},
    {.how = SET, .value = 0},
    {.how = SET, .value = 255},
    {.how = ADD, .value = 1},
    {.how = ADD, .value = 255},
    {.how = LOSE},
    {.how = DOUBLE},
};
enum { NUM_CHANGES = sizeof changes / sizeof *changes, HEADER = 4 };

static size_t num_runs;

/* changed writes what becomes of |message|; with bytes lost or doubled behind its header, that
 * says so.  False: it is the same. */
static bool changed(struct buf *out, hf_bytes message, const struct change *c) {
  const uint8_t byte = message.data[c->at];
  const bool lost = c->how == LOSE, doubled = c->how == DOUBLE;
  uint8_t now = byte;
  if (c->how == FLIP) now ^= c->value;
  if (c->how == SET) now = c->value;
  if (c->how == ADD) now = (uint8_t)(now + c->value);
  if ((lost || doubled) && c->at < HEADER) return false;
  buf_add(out, message.data, c->at);
  if (!lost) buf_add(out, &now, 1);
  if (doubled) buf_add(out, &now, 1);
  buf_add(out, message.data + c->at + 1, message.len - c->at - 1);
  if (lost || doubled) {
    const size_t len = out->len - HEADER;
    out->data[1] = (uint8_t)(len >> 16);
    out->data[2] = (uint8_t)(len >> 8);
    out->data[3] = (uint8_t)len;
  }
  return lost || doubled || now != byte;
}

static bool tell(struct insider *insider, hf_bytes message) {
  struct change *c = insider->arg;
  struct buf other = {0};
  if (c->began || insider->num_told != c->message) return true;
  c->over = (hf_wants(insider_other(insider)->conn) & (HF_FAILED | HF_CLOSED)) != 0;
  const bool is = changed(&other, message, c);
  if (is) insider_give(insider, (hf_bytes){other.data, other.len});
  c->began = is;
  buf_free(&other);
  return !is;
}

static bool completed(const struct side *side) {
  return (hf_wants(side->conn) & HF_READY) != 0 && side_fault(side) == HF_OK;
}

/* suffer plays it with |c|. */
static void suffer(const struct insider *quiet, struct change c) {
  struct insider insider = {.listens = false};
  insider_play(&insider, quiet->scenario, quiet->is_client, tell, &c);
  const struct pair *pair = &insider.play.pair;
  const struct side *other = insider_other(&insider);
  const char *wrong = pair->client.broken != NULL ? pair->client.broken : pair->server.broken;
  num_runs += c.began;
  if (c.began && !c.over) {
    if (completed(&pair->client) && completed(&pair->server)) wrong = "both came to their end";
    if (other->app.len > 0 && !(quiet->scenario->parts & IN_EARLY)) wrong = "data came";
  }
  cr_expect_null(wrong, "%s, the %s's message %zu, byte %zu (%d %02x): %s", quiet->scenario->name,
                 quiet->is_client ? "client" : "server", c.message, c.at, (int)c.how, c.value,
                 wrong);
  insider_free(&insider);
}

/* every puts the protected messages of the handshake to every |step|-th change. */
static void every(const struct insider *quiet, size_t step, size_t *turn) {
  for (size_t i = 0; i < quiet->num; i++) {
    const struct insider_message *message = &quiet->messages[i];
    if (message->level == HF_INITIAL || message->finished || message->bytes.data == NULL) continue;
    for (size_t k = 0; k < message->bytes.len * NUM_CHANGES; k++) {
      if ((*turn)++ % step != 0) continue;
      struct change c = changes[k % NUM_CHANGES];
      c.message = i;
      c.at = k / NUM_CHANGES;
      suffer(quiet, c);
    }
  }
}

/* R-H-22: each bit and byte of what is protected, by who has the keys. */
Test(ordeal_plaintext, changed) {
  const size_t step = scenario_whole() ? 1 : 211;
  size_t turn = 0;
  for (size_t s = 0; s < num_scenarios; s++) {
    for (int is_client = 0; is_client < 2; is_client++) {
      struct insider quiet;
      insider_listen(&quiet, &scenarios[s], is_client);
      every(&quiet, step, &turn);
      insider_free(&quiet);
    }
  }
  fprintf(stderr, "changed: %zu runs of %zu scenarios\n", num_runs, num_scenarios);
  cr_expect_gt(num_runs, 0u);
}
