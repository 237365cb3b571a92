/* attack.h: somebody on the way between the two of a scenario (scenario.h), who has no keys and
 * changes one thing that is said; and the verdict on what came of it.  What may go unnoticed is the
 * test's to say. */
#ifndef HANDFAST_TESTS_ATTACK_H
#define HANDFAST_TESTS_ATTACK_H

#include "scenario.h"

/* attack: of what one of them says, |removes| bytes from place |at| on never come (SIZE_MAX: no
 * more comes at all), and |puts| comes there instead.  What is put between two flights, with
 * nothing removed, comes with the first of them; |later|: with the second. */
struct attack {
  bool by_client;
  size_t at, removes;
  hf_bytes puts;
  bool later;
  const char *what; /* in words */
};

/* attack_outcome: what came of one. */
enum attack_outcome {
  ATTACK_NOTICED,  /* or it keeps somebody waiting for what does not come */
  ATTACK_UNNOTICED /* both came to their end, with all the data and nothing left over */
};

/* victim is a scenario as it goes when nobody is on the way. */
struct victim {
  const struct scenario *scenario;
  struct scenario_play play;
};
/* victim_of plays scenario number |index|; victim_said is what one of them said.  Free its play. */
struct victim victim_of(size_t index);
const struct buf *victim_said(const struct victim *victim, bool by_client);

/* attack_run plays |victim|'s scenario with |attack|.  Whatever it is, what it expects: no promise
 * is broken; if both complete the handshake they say the same of it; if it goes unnoticed, the same
 * as without it; no data comes that was not said. */
enum attack_outcome attack_run(const struct victim *victim, const struct attack *attack);
/* attack_report prints how many there were of |what|. */
void attack_report(const char *what);

/* record_at: the record that has byte |at| of what was said. */
struct record_at {
  size_t start, offset, len; /* of the record, in the record, of all of it */
  size_t index;              /* how many came before */
  uint8_t type;              /* 0: there is none */
};
struct record_at record_at(const struct buf *sent, size_t at);

#endif
