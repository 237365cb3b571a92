/* test_ordeal_edits.c - each scenario (scenario.h) with somebody on the way who changes one bit,
 * one byte or one length: never do both sides come to an end with different views of it (attack.h),
 * and what is changed without being noticed is only what survives() lists.  test_ordeal_splices.c
 * has what makes it longer or shorter.
 *
 * Here a share of the places; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "attack.h"

/* survives says whether what |sent| has at |at| may be something else, by the scenario's |parts|
 * and where it is. */
static bool survives(unsigned parts, bool by_client, const struct buf *sent, size_t at) {
  const struct record_at where = record_at(sent, at);
  /* A frame's head is the test's own, and frames of the last level QUIC protects (RFC 9001 5). */
  const bool last = (where.type & 3) == HF_APPLICATION;
  if ((parts & IN_QUIC) && (where.offset < SIDE_FRAME_HEAD || last)) return true;
  const bool version = where.offset == 1 || where.offset == 2;
  /* RFC 9846 5.1: the version of a record in the clear says nothing; TLS 1.2 looks at it when there
   * is one that was agreed on: not with hellos, which are the first records. */
  if (version && where.type != 23) return !(parts & IN_TLS12) || where.index == 0;
  /* RFC 9846 4.3.10: early data that is refused is passed over unread; but for its type and length
   * it may be anything. */
  const bool refused = (parts & IN_EARLY) && (parts & (IN_EARLY_OFF | IN_RETRY));
  return refused && by_client && where.type == 23 && where.index <= 3;
}

/* suffer has |len| bytes at |at| be |puts|, if they are not. */
static void suffer(const struct victim *victim, bool by_client, size_t at, const uint8_t *puts,
                   size_t len, const char *what) {
  const struct buf *sent = victim_said(victim, by_client);
  const struct attack attack = {by_client, at, len, {puts, len}, false, what};
  if (memcmp(sent->data + at, puts, len) == 0) return;
  if (attack_run(victim, &attack) == ATTACK_NOTICED) return;
  for (size_t i = 0; i < len; i++)
    if (sent->data[at + i] != puts[i])
      cr_expect(survives(victim->scenario->parts, by_client, sent, at + i),
                "%s, %s's byte %zu of %zu, %s: unnoticed", victim->scenario->name,
                by_client ? "client" : "server", at + i, sent->len, what);
}

/* ---- Bits and bytes ---- */

/* changed is |byte| after change number |i|: of bits, or of bytes. */
typedef uint8_t changed(uint8_t byte, size_t i);

static uint8_t flipped(uint8_t byte, size_t i) { return (uint8_t)(byte ^ 1U << i); }

static uint8_t replaced(uint8_t byte, size_t i) {
  const uint8_t values[] = {0, 255, (uint8_t)(byte + 1), (uint8_t)(byte - 1)};
  return values[i];
}

/* every puts each scenario to the changes number |first|, |first| + |step| ... of each byte that
 * either side says, there being |num| changes for a byte. */
static void every(changed *change, size_t num, size_t step, const char *what) {
  for (size_t s = 0; s < num_scenarios; s++) {
    struct victim victim = victim_of(s);
    for (int by_client = 0; by_client < 2; by_client++) {
      const struct buf *sent = victim_said(&victim, by_client);
      for (size_t i = s % step; i < sent->len * num; i += step) {
        const uint8_t byte = change(sent->data[i / num], i % num);
        suffer(&victim, by_client, i / num, &byte, 1, what);
      }
    }
    scenario_play_free(&victim.play);
  }
  attack_report(what);
}

/* R-H-22: each bit. */
Test(ordeal_edits, bits) { every(flipped, 8, scenario_whole() ? 1 : 487, "bits"); }

/* R-H-22: each byte, set to 0 and to 255, one more and one less. */
Test(ordeal_edits, bytes) { every(replaced, 4, scenario_whole() ? 1 : 241, "bytes"); }

/* ---- Lengths ---- */

/* clear is what one side says in the clear of the handshake: where each byte of it is. */
struct clear {
  uint8_t byte[8192];
  size_t at[8192], len;
};

static void read_clear(struct clear *clear, const struct buf *sent, bool tls12) {
  clear->len = 0;
  for (size_t start = 0; start < sent->len;) {
    const struct record_at record = record_at(sent, start);
    /* In TLS 1.2 what comes then is protected, and has the same type. */
    if (record.type == 0 || (tls12 && record.type == 20)) break;
    for (size_t i = 5; record.type == 22 && i < record.len && clear->len < sizeof clear->byte;
         i++) {
      clear->at[clear->len] = start + i;
      clear->byte[clear->len++] = sent->data[start + i];
    }
    start += record.len;
  }
}

/* Which of all lengths are to be changed. */
struct lengths {
  const struct victim *victim;
  bool by_client;
  size_t next, step;
};

/* wrong_length has the |width| bytes at the places |at| be other numbers; |rest| is what would
 * reach to the end of what is around. */
static void wrong_length(struct lengths *lengths, const size_t *at, size_t width, size_t rest) {
  const struct buf *sent = victim_said(lengths->victim, lengths->by_client);
  const size_t span = at[width - 1] - at[0] + 1, max = ((size_t)1 << 8 * width) - 1;
  size_t value = 0;
  for (size_t i = 0; i < width; i++) value = value << 8 | sent->data[at[i]];
  const size_t wrong[] = {value + 1, value - 1, 0, max, rest, rest + 1};
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    uint8_t puts[16];
    if (lengths->next++ % lengths->step != 0 || span > sizeof puts) continue;
    memcpy(puts, sent->data + at[0], span);
    for (size_t i = 0; i < width; i++)
      puts[at[i] - at[0]] = (uint8_t)((wrong[k] & max) >> 8 * (width - 1 - i));
    suffer(lengths->victim, lengths->by_client, at[0], puts, span, "a length");
  }
}

/* wrong_vectors goes over the message at |start|, up to |end|: whatever in it could be the length
 * of something that ends in it counts as one. */
static void wrong_vectors(struct lengths *lengths, const struct clear *clear, size_t start,
                          size_t end) {
  wrong_length(lengths, clear->at + start + 1, 3, clear->len - start - 4);
  for (size_t i = start + 4; i < end; i++) {
    size_t value = 0;
    for (size_t width = 1; width <= 3 && i + width <= end; width++) {
      value = value << 8 | clear->byte[i + width - 1];
      if (i + width + value <= end) wrong_length(lengths, clear->at + i, width, end - i - width);
    }
  }
}

static void wrong_lengths(struct lengths *lengths) {
  const struct buf *sent = victim_said(lengths->victim, lengths->by_client);
  static struct clear clear;
  for (size_t start = 0; start < sent->len;) {
    const struct record_at record = record_at(sent, start);
    const size_t at[] = {start + 3, start + 4};
    if (record.type == 0) break;
    wrong_length(lengths, at, 2, sent->len - start - 5);
    start += record.len;
  }
  read_clear(&clear, sent, (lengths->victim->scenario->parts & IN_TLS12) != 0);
  for (size_t start = 0; start + 4 <= clear.len;) {
    const uint8_t *m = clear.byte + start;
    const size_t end = start + 4 + ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);
    if (end > clear.len) break;
    wrong_vectors(lengths, &clear, start, end);
    start = end;
  }
}

/* R-H-22: each length: of every record, and in the clear of messages and of what is in them. */
Test(ordeal_edits, lengths) {
  const size_t step = scenario_whole() ? 1 : 199;
  for (size_t s = 0; s < num_scenarios; s++) {
    struct victim victim = victim_of(s);
    for (int by_client = 0; by_client < 2; by_client++) {
      struct lengths lengths = {&victim, by_client, s, step};
      wrong_lengths(&lengths);
    }
    scenario_play_free(&victim.play);
  }
  attack_report("lengths");
}
