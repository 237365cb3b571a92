/* side_replay.c: does to a new engine what was done to another, with the input cut differently. */
#include <stdlib.h>
#include <string.h>

#include "side.h"

struct replayer {
  const struct side *side;
  const struct side_change *change;
  size_t next, waited;
  bool due; /* the question that waits is to be answered */
  hf_question_t question;
  const char *differs;
};

static bool answer_again(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct replayer *replayer = arg;
  if (replayer->next >= replayer->side->num_answers) {
    replayer->differs = "more questions were asked";
    return false;
  }
  const struct side_answer *kept = &replayer->side->answers[replayer->next++];
  if (kept->ask != question->ask) {
    replayer->differs = "another question was asked";
    return false;
  }
  *answer = *kept;
  return true;
}

/* What a question points at stays where it is until it is answered. */
static bool wait_again(void *arg, const hf_question_t *question) {
  struct replayer *replayer = arg;
  const struct side_change *change = replayer->change;
  if (replayer->next + 1 != change->late) return false;
  if (replayer->waited == 0) replayer->question = *question;
  if (!change->saves && memcmp(question, &replayer->question, sizeof *question) != 0)
    replayer->differs = "a question changes while it waits";
  if (replayer->due || replayer->waited >= change->late_calls) return false;
  replayer->waited++;
  return true;
}

static void before_again(void *arg, struct side *side) {
  const struct replayer *replayer = arg;
  replayer->change->before(replayer->change->arg, side);
}

/* join_inputs is |item| with the inputs that follow it at once; |*i| ends at the last of them. */
static struct side_item join_inputs(const struct side *side, size_t *i) {
  struct side_item item = side->items[*i];
  while (item.step == SIDE_INPUT && *i + 1 < side->num_items &&
         side->items[*i + 1].step == SIDE_INPUT) {
    item.len += side->items[++*i].len;
  }
  return item;
}

/* feed_piece copies it to memory of just its size, so that a sanitizer sees a step beyond
 * its end. */
static void feed_piece(struct side *again, const uint8_t *data, size_t len) {
  hf_bytes copy = buf_copy((hf_bytes){data, len});
  (void)side_feed(again, copy.data, len);
  free((void *)copy.data);
}

static void feed_pieces(struct side *again, const struct side *side, const struct side_item *item,
                        const struct side_change *change) {
  const size_t end = item->at + item->len, cut = change->cut;
  for (size_t at = item->at; at < end;) {
    size_t next = change->piece == 0 || end - at < change->piece ? end : at + change->piece;
    if (at < cut && cut < next) next = cut;
    feed_piece(again, side->tape.data + at, next - at);
    at = next;
  }
}

/* No question waits any more. */
static void settle(struct side *again, struct replayer *replayer) {
  replayer->due = true;
  (void)side_feed(again, NULL, 0);
  replayer->due = false;
}

static void step_again(struct side *again, const struct side *side, const struct side_item *item,
                       struct replayer *replayer) {
  const struct side_change *change = replayer->change;
  if (item->step != SIDE_INPUT && change->late != 0) settle(again, replayer);
  switch (item->step) {
    case SIDE_INPUT:
      feed_pieces(again, side, item, change);
      break;
    case SIDE_SEND:
      (void)side_send(again, side->tape.data + item->at, item->len);
      break;
    case SIDE_CLOSE:
      (void)side_close(again);
      break;
    case SIDE_ABORT:
      (void)side_abort(again, side->tape.data[item->at]);
      break;
    case SIDE_REKEY:
      (void)side_rekey(again, item->flag);
      break;
    case SIDE_ISSUE_TICKET:
      (void)side_issue_ticket(again);
      break;
    case SIDE_FORGET:
      (void)side_forget(again);
      break;
  }
}

static bool same(const struct buf *a, const struct buf *b) {
  return bytes_equal((hf_bytes){a->data, a->len}, (hf_bytes){b->data, b->len});
}

/* unframe is what |sent| has of |level|, in as many frames as it may. */
static void unframe(struct buf *out, const struct buf *sent, int level) {
  for (size_t at = 0; at + SIDE_FRAME_HEAD <= sent->len;) {
    const uint8_t *head = sent->data + at;
    const size_t len = (size_t)head[3] << 8 | head[4];
    at += SIDE_FRAME_HEAD;
    if (head[0] == (SIDE_CRYPTO | level)) buf_add(out, sent->data + at, len);
    at += len;
  }
}

static bool same_sent(const struct side *again, const struct side *side) {
  if (side->setup.settings.transport != HF_QUIC) return same(&again->sent, &side->sent);
  bool all = true;
  for (int level = HF_INITIAL; level <= HF_APPLICATION; level++) {
    struct buf a = {0}, b = {0};
    unframe(&a, &again->sent, level);
    unframe(&b, &side->sent, level);
    all = all && same(&a, &b);
    buf_free(&a);
    buf_free(&b);
  }
  return all;
}

static const char *compare(const struct side *again, const struct side *side) {
  if (again->broken != NULL) return again->broken;
  if (!same_sent(again, side)) return "the output differs";
  if (!same(&again->app, &side->app)) return "the data received differs";
  if (!same(&again->secrets, &side->secrets)) return "the secrets differ";
  if (side_fault(again) != side_fault(side)) return "the fault differs";
  if (hf_wants(again->conn) != hf_wants(side->conn)) return "what is wanted differs";
  return NULL;
}

const char *side_replay_as(const struct side *side, const struct side_change *change) {
  struct replayer replayer = {.side = side, .change = change};
  struct side_setup setup = side->setup;
  setup.saves = change->saves;
  if (change->flush_max != 0) setup.flush_max = change->flush_max;
  if (change->answers_first) setup.answers_first = true;
  setup.answer = answer_again;
  setup.waits = change->late != 0 ? wait_again : NULL;
  setup.before = change->before != NULL ? before_again : NULL;
  setup.arg = &replayer;
  setup.forgets = true;
  struct side again;
  hf_status status = side_new(&again, &setup);
  const char *differs = again.conn == NULL ? hf_status_text(status) : NULL;
  for (size_t i = 0; differs == NULL && i < side->num_items; i++) {
    struct side_item item = join_inputs(side, &i);
    step_again(&again, side, &item, &replayer);
    differs = replayer.differs;
  }
  if (differs == NULL && change->late != 0) settle(&again, &replayer);
  if (differs == NULL) differs = replayer.differs;
  if (change->waited != NULL) *change->waited = replayer.waited;
  if (differs == NULL && replayer.next != side->num_answers) differs = "fewer questions were asked";
  if (differs == NULL) differs = compare(&again, side);
  side_free(&again);
  return differs;
}

const char *side_replay(const struct side *side, size_t piece) {
  const struct side_change change = {.piece = piece};
  const char *differs = side_replay_as(side, &change);
  return differs == NULL && piece == 0 ? side_replay_saved(side, piece) : differs;
}

const char *side_replay_saved(const struct side *side, size_t piece) {
  const struct side_change change = {.piece = piece, .saves = true};
  return side_replay_as(side, &change);
}
