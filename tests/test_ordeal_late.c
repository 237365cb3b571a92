/* test_ordeal_late.c - each question of each scenario (scenario.h) answered late, while the peer's
 * bytes go on arriving: what comes out is the same, to the byte; refused, in each way there is: the
 * connection fails with the alert named, and the other side is told; and answered by what is no
 * answer to it, or twice: that is HF_MISUSE, and nothing is changed.
 *
 * Here a share of it; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "reborn.h"
#include "scenario.h"

static size_t num_runs;

static void begin(struct scenario_play *play, const struct scenario *scenario) {
  const char *wrong = scenario_play_it(play, scenario);
  cr_assert_null(wrong, "%s: %s", scenario->name, wrong);
}

static const struct side *side_of(const struct scenario_play *play, bool is_client) {
  return is_client ? &play->pair.client : &play->pair.server;
}

static const char *name_of(bool is_client) { return is_client ? "client" : "server"; }

static void done(const char *what) {
  fprintf(stderr, "%s: %zu runs of %zu scenarios\n", what, num_runs, num_scenarios);
}

/* ---- Late ---- */

struct late {
  const char *name;
  bool is_client;
  const struct side *side;
  size_t question;
};

/* again answers after |calls| other things; how many there were. */
static size_t again(const struct late *late, struct side_change change, size_t calls) {
  size_t waited = 0;
  change.late = late->question;
  change.late_calls = calls;
  change.waited = &waited;
  const char *differs = side_replay_as(late->side, &change);
  num_runs++;
  cr_expect_null(differs, "%s, %s, question %zu (%d), late by %zu of %zu, pieces of %zu%s: %s",
                 late->name, name_of(late->is_client), late->question,
                 (int)late->side->answers[late->question - 1].ask, waited, calls, change.piece,
                 change.saves ? ", saved" : "", differs);
  return waited;
}

/* each_late: all there is to come arrives before the answer, at once and byte by byte, and the
 * answer comes after any number of calls. */
static void each_late(const struct late *late) {
  const bool whole = scenario_whole();
  const bool turn = whole || late->question % 4 == 0;
  (void)again(late, (struct side_change){.piece = 0}, SIZE_MAX);
  (void)again(late, (struct side_change){.piece = 0, .saves = true}, SIZE_MAX);
  if (!turn) return;
  const size_t bytes = again(late, (struct side_change){.piece = 1}, SIZE_MAX);
  const size_t step = whole ? 1 + bytes / 100 : 1 + bytes / 3;
  for (size_t calls = 1; calls < bytes; calls += calls < 16 && whole ? 1 : step)
    (void)again(late, (struct side_change){.piece = 1}, calls);
  const size_t pieces = again(late, (struct side_change){.piece = 16, .flush_max = 16}, SIZE_MAX);
  for (size_t calls = 1; whole && calls < pieces; calls++)
    (void)again(late, (struct side_change){.piece = 16, .flush_max = 16}, calls);
}

/* R-H-1 R-H-3: an answer may take its time. */
Test(ordeal_late, delayed) {
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    begin(&play, &scenarios[s]);
    for (int is_client = 0; is_client < 2; is_client++) {
      struct late late = {scenarios[s].name, is_client, side_of(&play, is_client), 1};
      for (; late.question <= late.side->num_answers; late.question++) each_late(&late);
    }
    scenario_play_free(&play);
  }
  done("answered late");
}

/* ---- Refused ---- */

/* How. */
enum way { REFUSE, ABORT, NO_IDENTITY, WRONG_BODY, NUM_WAYS };

struct refusal {
  bool is_client;
  size_t question; /* the first being 1 */
  enum way way;
  uint8_t alert;
  size_t asked;
  hf_ask ask; /* what was refused; HF_ASK_NONE: nothing was */
};

static void refuse(void *arg, bool is_client, struct side_answer *answer,
                   const hf_question_t *question) {
  struct refusal *refusal = arg;
  if (is_client != refusal->is_client || ++refusal->asked != refusal->question) return;
  const hf_ask ask = question->ask;
  switch (refusal->way) {
    case REFUSE:
      *answer = (struct side_answer){.ask = ask, .refuse = true, .alert = refusal->alert};
      break;
    case ABORT:
      *answer = (struct side_answer){.ask = ask, .abort = true, .alert = refusal->alert};
      break;
    case NO_IDENTITY: /* a client may have none */
      if (ask != HF_ASK_IDENTITY || is_client) return;
      *answer = (struct side_answer){.ask = ask, .none = true};
      break;
    case WRONG_BODY:
      if (ask != HF_ASK_DECOMPRESS) return;
      *answer = (struct side_answer){.ask = ask, .bytes = bytes_of("another length")};
      break;
    case NUM_WAYS:
      return;
  }
  refusal->ask = ask;
}

static hf_fault fault_of(const struct side *side) {
  hf_fault fault;
  hf_get_fault(&fault, side->conn);
  return fault;
}

/* What must come of it here. */
static hf_fault expected(const struct refusal *refusal) {
  hf_fault fault = {.status = HF_REFUSED, .alert = refusal->alert};
  if (fault.alert == 0) fault.alert = 80;
  if (refusal->way == NO_IDENTITY) fault = (hf_fault){.status = HF_NO_IDENTITY, .alert = 40};
  if (refusal->way == WRONG_BODY) fault = (hf_fault){.status = HF_BAD_DECOMPRESSION, .alert = 42};
  return fault;
}

/* heard says whether the other side was told of |fault|.  QUIC tells it by a frame of its own, and
 * it may fail by itself, as the scenario has it. */
static bool heard(const struct scenario *scenario, const struct refusal *refusal,
                  const hf_fault *told, const hf_fault *fault) {
  const hf_status own = refusal->is_client ? scenario->server : scenario->client;
  if (scenario->parts & IN_QUIC) return told->status == HF_OK || told->status == own;
  return told->status == HF_PEER_ALERT && told->alert == fault->alert;
}

/* run_refused is true if there was something to refuse. */
static bool run_refused(const struct scenario *scenario, struct refusal refusal) {
  const struct scenario_ways ways = {.answer = refuse, .arg = &refusal};
  struct scenario_play play;
  cr_assert(scenario_play_as(&play, scenario, &ways), "%s", scenario->name);
  const struct side *side = side_of(&play, refusal.is_client);
  const struct side *other = side_of(&play, !refusal.is_client);
  const hf_fault fault = fault_of(side), told = fault_of(other), wanted = expected(&refusal);
  const bool refused = refusal.ask != HF_ASK_NONE;
  if (refused) {
    num_runs++;
    cr_expect(fault.status == wanted.status && fault.alert == wanted.alert,
              "%s, %s, question %zu (%d), way %d, alert %u: %s, alert %u", scenario->name,
              name_of(refusal.is_client), refusal.question, (int)refusal.ask, (int)refusal.way,
              refusal.alert, fault.text, fault.alert);
    cr_expect(heard(scenario, &refusal, &told, &wanted),
              "%s, %s, question %zu (%d), way %d, alert %u: the other: %s, alert %u",
              scenario->name, name_of(refusal.is_client), refusal.question, (int)refusal.ask,
              (int)refusal.way, refusal.alert, told.text, told.alert);
    cr_expect_null(side->broken, "%s: %s", scenario->name, side->broken);
    cr_expect_null(other->broken, "%s: %s", scenario->name, other->broken);
  }
  scenario_play_free(&play);
  return refused;
}

/* R-H-5 */
Test(ordeal_late, refused) {
  static const uint8_t alerts[] = {48, 0, 40, 112, 255};
  const size_t num = scenario_whole() ? sizeof alerts : 2;
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    begin(&play, &scenarios[s]);
    for (int is_client = 0; is_client < 2; is_client++) {
      for (size_t q = 1; q <= side_of(&play, is_client)->num_answers; q++) {
        struct refusal refusal = {.is_client = is_client, .question = q};
        for (size_t i = 0; i < num; i++) {
          refusal.alert = alerts[i];
          for (refusal.way = REFUSE; refusal.way <= ABORT; refusal.way++)
            cr_expect(run_refused(&scenarios[s], refusal));
        }
        for (; refusal.way < NUM_WAYS; refusal.way++) (void)run_refused(&scenarios[s], refusal);
      }
    }
    scenario_play_free(&play);
  }
  done("refused");
}

/* ---- Wrong ---- */

static const uint8_t many[UINT16_MAX + 1];

/* identities: one of each type. */
static struct credential *identities[2];

/* answer_other answers |other|, which is not asked; HF_ASK_NONE: it refuses. */
static hf_status answer_other(hf_conn *conn, hf_ask other) {
  const hf_bytes some = {many, 32}, none = {NULL, 0};
  switch (other) {
    case HF_ASK_HELLO:
      return hf_answer_hello(conn, NULL, none, NULL);
    case HF_ASK_COOKIE:
      return hf_answer_cookie(conn, some);
    case HF_ASK_SESSION:
      return hf_answer_session(conn, 0, none, 0);
    case HF_ASK_IDENTITY:
      return hf_answer_identity(conn, NULL);
    case HF_ASK_ENCAP:
      return hf_answer_encap(conn, some, some);
    case HF_ASK_SIGNATURE:
      return hf_answer_signature(conn, some);
    case HF_ASK_VERDICT:
      return hf_answer_verdict(conn);
    case HF_ASK_COMPRESS:
      return hf_answer_compress(conn, 1, some);
    case HF_ASK_DECOMPRESS:
      return hf_answer_decompress(conn, some);
    case HF_ASK_TICKET:
      return hf_answer_ticket(conn, some);
    case HF_ASK_KEEP:
    case HF_ASK_INSTALL:
      return hf_answer_done(conn);
    case HF_ASK_NONE:
      break;
  }
  return hf_refuse(conn, 40);
}

/* Not the type that is wanted; NULL if both would do. */
static const hf_identity *wrong_identity(const hf_question_t *q) {
  bool wanted[2] = {false, false};
  for (size_t i = 0; i < q->identity.types.num; i++)
    wanted[q->identity.types.list[i] == HF_CERT_RAW_KEY] = true;
  return wanted[0] && wanted[1] ? NULL : identities[wanted[0]]->identity;
}

/* answer_badly answers what is asked with what may not be its answer. */
static hf_status answer_badly(hf_conn *conn, bool quic, int turn) {
  static const hf_psk no_psk;
  const hf_bytes some = {many, 32}, all = {many, sizeof many}, none = {NULL, 0};
  const hf_bytes params = {many, quic ? 2049 : 1};
  const hf_question_t *q = hf_question(conn);
  switch (q->ask) {
    case HF_ASK_HELLO:
      return turn == 0 ? hf_answer_hello(conn, NULL, bytes_of("not offered"), NULL)
                       : hf_answer_hello(conn, NULL, none, &params);
    case HF_ASK_COOKIE:
      if (!q->cookie.make) return HF_MISUSE;
      return turn == 0 || !q->cookie.must ? hf_answer_cookie(conn, all)
                                          : hf_answer_cookie(conn, none);
    case HF_ASK_SESSION:
      if (turn == 0) return hf_answer_session(conn, q->session.num, some, 0);
      return hf_answer_psk(conn, 0, &no_psk, 0);
    case HF_ASK_IDENTITY:
      return wrong_identity(q) == NULL ? HF_MISUSE : hf_answer_identity(conn, wrong_identity(q));
    case HF_ASK_SIGNATURE:
      return hf_answer_signature(conn, turn == 0 ? none : all);
    case HF_ASK_COMPRESS:
      return hf_answer_compress(conn, 9, some);
    case HF_ASK_TICKET:
      return hf_answer_ticket(conn, all);
    case HF_ASK_ENCAP:
      return hf_answer_encap(conn, some, turn == 0 ? none : all);
    case HF_ASK_NONE:
    case HF_ASK_VERDICT:
    case HF_ASK_DECOMPRESS:
    case HF_ASK_KEEP:
    case HF_ASK_INSTALL:
      break;
  }
  return HF_MISUSE; /* there is no such answer */
}

static bool is_done(hf_ask ask) { return ask == HF_ASK_KEEP || ask == HF_ASK_INSTALL; }

static bool same_answer(hf_ask a, hf_ask b) { return a == b || (is_done(a) && is_done(b)); }

static void answer_wrongly(void *arg, struct side *side) {
  const char *name = arg;
  const hf_ask asked = hf_question(side->conn)->ask;
  const unsigned wants = hf_wants(side->conn);
  struct buf before = {0}, after = {0};
  cr_assert(reborn_save(&before, side->conn));
  for (hf_ask other = asked == HF_ASK_NONE ? HF_ASK_NONE : HF_ASK_HELLO; other <= HF_ASK_INSTALL;
       other++) {
    if (asked != HF_ASK_NONE && same_answer(asked, other)) continue;
    num_runs++;
    cr_expect_eq(answer_other(side->conn, other), HF_MISUSE, "%s: %d is asked, %d answered", name,
                 (int)asked, (int)other);
  }
  for (int turn = 0; turn < 2; turn++) {
    const bool quic = side->setup.settings.transport == HF_QUIC;
    num_runs++;
    cr_expect_eq(answer_badly(side->conn, quic, turn), HF_MISUSE, "%s: %d is asked, way %d", name,
                 (int)asked, turn);
  }
  cr_assert(reborn_save(&after, side->conn));
  cr_expect(bytes_equal((hf_bytes){before.data, before.len}, (hf_bytes){after.data, after.len}) &&
                hf_wants(side->conn) == wants,
            "%s: %d is asked, and wrong answers change something", name, (int)asked);
  buf_free(&before);
  buf_free(&after);
}

/* R-H-4: before and after each thing that is done: so what was answered is answered twice, too. */
Test(ordeal_late, wrong) {
  identities[0] = credential_load("ed25519");
  identities[1] = credential_load_raw("ed25519");
  cr_assert(identities[0] != NULL && identities[1] != NULL);
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    begin(&play, &scenarios[s]);
    for (int is_client = 0; is_client < 2; is_client++) {
      const struct side_change change = {.before = answer_wrongly,
                                         .arg = (void *)scenarios[s].name};
      const char *differs = side_replay_as(side_of(&play, is_client), &change);
      cr_expect_null(differs, "%s, %s: %s", scenarios[s].name, name_of(is_client), differs);
    }
    scenario_play_free(&play);
  }
  for (size_t i = 0; i < 2; i++) credential_free(identities[i]);
  done("wrong answers");
}
