/* test_ordeal_splices.c - each scenario (scenario.h) with somebody on the way who cuts it off,
 * takes bytes or records out, or puts some in: never do both sides come to an end with different
 * views of it (attack.h), and what goes without being noticed is only what survives() lists.
 *
 * Here a share of the places; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "attack.h"

enum { CCS = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23 };

/* ---- What may go unnoticed ----
 *
 * There are records that whoever hears them passes over.  What comes is then as good as what was
 * said if, without them, the two are the same. */

/* ear is the one who hears what |sent| holds.  The numbers count bytes of what it does not pass
 * over. */
struct ear {
  unsigned parts;
  bool server;
  const struct buf *sent;
  size_t said_first;    /* of |sent|: the first flight */
  size_t said_second;   /* of |sent|: the second handshake record begins */
  struct buf heard;     /* |sent| without what is passed over */
  size_t hello, hellos; /* the first hello ends; the last begins */
  size_t sealed;        /* protection begins */
  size_t finished;      /* Finished ends */
};

static bool is_tls12(const struct ear *ear) { return (ear->parts & IN_TLS12) != 0; }
static bool has_retry(unsigned parts) { return (parts & (IN_RETRY | IN_COOKIE)) != 0; }

/* in_message: a part of a message came, and the rest did not. */
static bool in_message(const struct ear *ear, size_t at) {
  struct buf part = {0};
  size_t start = 0;
  for (size_t i = 0; i < at && i < ear->sealed;) {
    const struct record_at record = record_at(&ear->heard, i);
    if (record.type == HANDSHAKE) buf_add(&part, ear->heard.data + i + 5, record.len - 5);
    i += record.len;
  }
  while (start + 4 <= part.len) {
    const uint8_t *m = part.data + start;
    start += 4 + ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);
  }
  const bool open = start != part.len;
  buf_free(&part);
  /* In small records a flight is cut anywhere. */
  return open || (!is_tls12(ear) && (ear->parts & IN_MUCH) && at > ear->sealed && !ear->server);
}

static bool is(const uint8_t *record, size_t len, uint8_t type, const char *body, size_t body_len) {
  return record[0] == type && record[1] == 3 && len == 5 + body_len &&
         memcmp(record + 5, body, body_len) == 0;
}

/* passes_13: is the record, that comes after |at| bytes were heard, passed over? */
static bool passes_13(const struct ear *ear, size_t at, const uint8_t *record, size_t len) {
  /* RFC 9846 5: after the first ClientHello and before the peer's Finished; before the first of
   * all where it may be the second, the server having kept nothing of the first (E.4). */
  const bool may_begin = !ear->server || at >= ear->hello || (ear->parts & IN_COOKIE);
  if (is(record, len, CCS, "\1", 1)) return may_begin && at < ear->finished;
  /* RFC 9846 6.1: user_canceled is no error.  Under keys nothing comes in the clear. */
  if (is(record, len, ALERT, "\1\x5a", 2)) return at <= ear->hellos;
  /* RFC 9846 4.3.10: what cannot be opened while refused early data may come; after a retry up to
   * the second hello. */
  const bool refused = (ear->parts & IN_EARLY) && (ear->parts & (IN_EARLY_OFF | IN_RETRY));
  return ear->server && refused && record[0] == DATA && at == ear->hello;
}

/* RFC 5246 7.2.2: a warning is none to end for, and 7.4.1.1: nor is a HelloRequest.  Both in the
 * clear. */
static bool passes_12(const struct ear *ear, size_t at, const uint8_t *record, size_t len) {
  const bool warning = is(record, len, ALERT, "\1\x5a", 2) || is(record, len, ALERT, "\1\x64", 2);
  const bool request = !ear->server && is(record, len, HANDSHAKE, "\0\0\0\0", 4);
  return (warning || request) && at <= ear->sealed;
}

static bool passes(const struct ear *ear, size_t at, const uint8_t *record, size_t len) {
  const bool next = ear->heard.len >= at + len && memcmp(ear->heard.data + at, record, len) == 0;
  return !next && !in_message(ear, at) &&
         (is_tls12(ear) ? passes_12 : passes_13)(ear, at, record, len);
}

/* The flights of what was said. */
static size_t flight_end(const struct side *to, size_t num) {
  size_t end = 0;
  for (size_t i = 0; i < to->num_items && num > 0; i++) {
    if (to->items[i].step != SIDE_INPUT) continue;
    end += to->items[i].len;
    num--;
  }
  return end;
}

/* ear_of finds the marks.  In TLS 1.3 all change_cipher_spec is passed over, and so is what a
 * client's first flight has of early data, if it is refused. */
static void ear_of(struct ear *ear, const struct victim *victim, bool by_client) {
  const struct pair *pair = &victim->play.pair;
  const size_t retries = has_retry(victim->scenario->parts);
  const size_t finished =
      flight_end(by_client ? &pair->server : &pair->client, (by_client ? 2 : 1) + retries);
  *ear = (struct ear){.parts = victim->scenario->parts, .server = by_client};
  ear->sent = victim_said(victim, by_client);
  ear->said_first = flight_end(by_client ? &pair->server : &pair->client, 1);
  const bool refused = (ear->parts & IN_EARLY) && (ear->parts & (IN_EARLY_OFF | IN_RETRY));
  ear->sealed = SIZE_MAX;
  for (size_t start = 0, hellos = 0; start < ear->sent->len;) {
    const struct record_at record = record_at(ear->sent, start);
    const uint8_t *bytes = ear->sent->data + start;
    const size_t at = ear->heard.len;
    const bool early = refused && by_client && record.type == DATA && start < ear->said_first;
    if (record.type == 0) break;
    if (record.type == HANDSHAKE && hellos <= retries) ear->hellos = at;
    if (record.type == HANDSHAKE && hellos == 1) ear->said_second = start;
    if ((is_tls12(ear) ? record.type == CCS : record.type == DATA) && !early &&
        ear->sealed == SIZE_MAX)
      ear->sealed = at;
    if (is_tls12(ear) || (record.type != CCS && !early)) buf_add(&ear->heard, bytes, record.len);
    if (record.type == HANDSHAKE && hellos++ == 0) ear->hello = ear->heard.len;
    start += record.len;
    if (start <= finished) ear->finished = ear->heard.len;
  }
  if (ear->sealed > ear->heard.len) ear->sealed = ear->heard.len;
}

/* same_without: is |came|, without what is passed over, what was said? */
static bool same_without(const struct ear *ear, const struct buf *came) {
  size_t at = 0;
  for (size_t start = 0; start < came->len;) {
    const struct record_at record = record_at(came, start);
    if (record.type == 0 || start + record.len > came->len) return false;
    const uint8_t *bytes = came->data + start;
    start += record.len;
    if (passes(ear, at, bytes, record.len)) continue;
    if (ear->heard.len < at + record.len || memcmp(ear->heard.data + at, bytes, record.len) != 0)
      return false;
    at += record.len;
  }
  /* The end of input is the caller's to see (handfast.h, HF_CLOSED): that close_notify did not
   * come, or the KeyUpdate that the client says last. */
  const bool ends = (ear->parts & IN_CLOSE) || ((ear->parts & IN_REKEY) && ear->server);
  const struct record_at last = record_at(&ear->heard, ear->heard.len - 1);
  return at == ear->heard.len || (ends && at == last.start);
}

/* is_second_ccs: a server that kept nothing of the first hello passes over one change_cipher_spec
 * before the second, and the client says one (RFC 9846 E.4). */
static bool is_second_ccs(const struct ear *ear, const struct attack *attack) {
  const hf_bytes puts = attack->puts;
  if (!ear->server || !(ear->parts & IN_FRESH) || attack->removes > 0) return false;
  if (attack->at < ear->said_first || attack->at > ear->said_second) return false;
  const bool with_first = attack->at == ear->said_first && !attack->later;
  return !with_first && puts.len == 6 && is(puts.data, puts.len, CCS, "\1", 1);
}

static bool survives(const struct victim *victim, const struct attack *attack) {
  const struct buf *sent = victim_said(victim, attack->by_client);
  const size_t over =
      attack->removes > sent->len - attack->at ? sent->len : attack->at + attack->removes;
  struct buf came = {0};
  struct ear ear;
  ear_of(&ear, victim, attack->by_client);
  buf_add(&came, sent->data, attack->at);
  buf_add(&came, attack->puts.data, attack->puts.len);
  buf_add(&came, sent->data + over, sent->len - over);
  const bool same = same_without(&ear, &came) && !is_second_ccs(&ear, attack);
  buf_free(&came);
  buf_free(&ear.heard);
  return same;
}

/* may_survive: nothing is said of it.  QUIC's frames get lost and come twice; and what an engine
 * hears that is forgotten then may have ended it. */
static bool may_survive(const struct victim *victim, const struct attack *attack) {
  const unsigned parts = victim->scenario->parts;
  const bool forgotten = (parts & IN_FRESH) && attack->by_client &&
                         attack->at <= flight_end(&victim->play.pair.server, 1);
  return forgotten || (parts & IN_QUIC);
}

/* suffer: it goes unnoticed if it survives, and only then. */
static void suffer(const struct victim *victim, const struct attack *attack) {
  const struct buf *sent = victim_said(victim, attack->by_client);
  const bool unnoticed = attack_run(victim, attack) == ATTACK_UNNOTICED;
  if (may_survive(victim, attack)) return;
  const bool completes = victim->scenario->client == HF_OK;
  const struct record_at where = record_at(sent, attack->at);
  cr_expect_eq(unnoticed, completes && survives(victim, attack),
               "%s, %s's byte %zu of %zu (%zu of record %zu, type %u), %s%s: %s",
               victim->scenario->name, attack->by_client ? "client" : "server", attack->at,
               sent->len, where.offset, where.index, where.type, attack->what,
               attack->later ? ", late" : "", unnoticed ? "unnoticed" : "noticed");
}

/* each has |attacks| made at the places number |first|, |first| + |step| ... of what either side of
 * each scenario says. */
static void each(void (*attacks)(const struct victim *, bool by_client, size_t at), size_t step,
                 const char *what) {
  for (size_t s = 0; s < num_scenarios; s++) {
    struct victim victim = victim_of(s);
    for (int by_client = 0; by_client < 2; by_client++)
      for (size_t at = s % step; at < victim_said(&victim, by_client)->len; at += step)
        attacks(&victim, by_client, at);
    scenario_play_free(&victim.play);
  }
  attack_report(what);
}

/* ---- Bytes ---- */

static const hf_bytes nothing = {NULL, 0};

static void cut_off(const struct victim *victim, bool by_client, size_t at) {
  suffer(victim, &(struct attack){by_client, at, SIZE_MAX, nothing, false, "cut off"});
}

static void take_out(const struct victim *victim, bool by_client, size_t at) {
  static const size_t some[] = {1, 2, 5};
  for (size_t i = 0; i < sizeof some / sizeof *some; i++)
    suffer(victim, &(struct attack){by_client, at, some[i], nothing, false, "bytes taken out"});
}

static void put_in(const struct victim *victim, bool by_client, size_t at) {
  const uint8_t values[] = {0, 255, victim_said(victim, by_client)->data[at]};
  for (size_t i = 0; i < sizeof values; i++)
    suffer(victim, &(struct attack){by_client, at, 0, {&values[i], 1}, true, "a byte put in"});
}

/* R-H-22, R-H-12: what one says ends anywhere. */
Test(ordeal_splices, cut_off) { each(cut_off, scenario_whole() ? 1 : 61, "cut off"); }

/* R-H-22: bytes are missing, anywhere. */
Test(ordeal_splices, bytes_taken_out) { each(take_out, scenario_whole() ? 1 : 181, "taken out"); }

/* R-H-22: a byte more, anywhere. */
Test(ordeal_splices, byte_put_in) { each(put_in, scenario_whole() ? 1 : 181, "put in"); }

/* ---- Records ---- */

/* What anybody can make. */
#define RECORD(type, version, body) \
  { (const uint8_t *)type version body, sizeof type version body - 1 }
static const struct {
  hf_bytes record;
  const char *what;
} made[] = {
    {RECORD("\x14", "\3\3", "\0\1\1"), "change_cipher_spec"},
    {RECORD("\x14", "\3\3", "\0\1\0"), "change_cipher_spec of 0"},
    {RECORD("\x14", "\3\3", "\0\0"), "an empty change_cipher_spec"},
    {RECORD("\x15", "\3\3", "\0\2\1\0"), "close_notify"},
    {RECORD("\x15", "\3\3", "\0\2\1\x5a"), "user_canceled"},
    {RECORD("\x15", "\3\3", "\0\2\1\x64"), "no_renegotiation"},
    {RECORD("\x15", "\3\3", "\0\2\2\x28"), "handshake_failure"},
    {RECORD("\x15", "\3\3", "\0\2\2\0"), "a fatal close_notify"},
    {RECORD("\x15", "\3\3", "\0\0"), "an empty alert"},
    {RECORD("\x15", "\3\3", "\0\1\2"), "half an alert"},
    {RECORD("\x16", "\3\3", "\0\0"), "an empty handshake record"},
    {RECORD("\x16", "\3\3", "\0\4\0\0\0\0"), "HelloRequest"},
    {RECORD("\x16", "\3\3", "\0\5\x18\0\0\1\0"), "KeyUpdate"},
    {RECORD("\x17", "\3\3", "\0\0"), "an empty record of data"},
    {RECORD("\x17", "\3\3", "\0\1x"), "data"},
    {RECORD("\x18", "\3\3", "\0\3\1\0\0"), "a heartbeat"},
};
enum { NUM_MADE = sizeof made / sizeof *made };

/* put_record puts |record| in at |at|, where one ends and one begins. */
static void put_record(const struct victim *victim, bool by_client, size_t at, hf_bytes record,
                       const char *what) {
  const size_t len = victim_said(victim, by_client)->len;
  if (at > 0) suffer(victim, &(struct attack){by_client, at, 0, record, false, what});
  if (at < len) suffer(victim, &(struct attack){by_client, at, 0, record, true, what});
}

/* records calls |action| for those records of |sent| whose turn it is. */
struct turns {
  size_t next, step;
};

static bool turn(struct turns *turns) { return turns->next++ % turns->step == 0; }

static void copies(const struct victim *victim, bool by_client, size_t at, const struct buf *from,
                   const char *what, struct turns *turns) {
  for (size_t start = 0; start < from->len;) {
    const struct record_at record = record_at(from, start);
    if (record.type == 0) break;
    const hf_bytes copy = {from->data + start, record.len};
    if (turn(turns)) put_record(victim, by_client, at, copy, what);
    start += record.len;
  }
}

/* around does all that can be done at |at|, where the record |record| begins, or at the end. */
static void around(const struct victim *victim, bool by_client, size_t at,
                   const struct record_at *record, struct turns *turns) {
  const struct buf *sent = victim_said(victim, by_client);
  for (size_t i = 0; i < NUM_MADE; i++)
    if (turn(turns)) put_record(victim, by_client, at, made[i].record, made[i].what);
  copies(victim, by_client, at, sent, "a copy of a record", turns);
  copies(victim, by_client, at, victim_said(victim, !by_client), "a record of the other side's",
         turns);
  if (record->type == 0) return;
  if (turn(turns))
    suffer(victim, &(struct attack){by_client, at, record->len, nothing, false, "a record lost"});
  const struct record_at next = record_at(sent, at + record->len);
  if (next.type == 0 || !turn(turns)) return;
  struct buf swapped = {0};
  buf_add(&swapped, sent->data + next.start, next.len);
  buf_add(&swapped, sent->data + at, record->len);
  const hf_bytes puts = {swapped.data, swapped.len};
  suffer(victim, &(struct attack){by_client, at, swapped.len, puts, false, "two records swapped"});
  buf_free(&swapped);
}

/* R-H-22: records come twice, late, in the wrong place, from the other side, or not at all. */
Test(ordeal_splices, records) {
  const size_t step = scenario_whole() ? 1 : 29;
  for (size_t s = 0; s < num_scenarios; s++) {
    struct victim victim = victim_of(s);
    struct turns turns = {s, step};
    for (int by_client = 0; by_client < 2; by_client++) {
      const struct buf *sent = victim_said(&victim, by_client);
      for (size_t at = 0;;) {
        const struct record_at record = record_at(sent, at);
        around(&victim, by_client, at, &record, &turns);
        if (record.type == 0) break;
        at += record.len;
      }
    }
    scenario_play_free(&victim.play);
  }
  attack_report("records");
}
