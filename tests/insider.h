/* insider.h: one of the two of a scenario (scenario.h) has keys and no scruples.  What it says is
 * taken apart into messages, as far as the other can open it, and each goes to the other in records
 * of its own, under the keys that are in force there: one may be left out, come twice, or another
 * in its place, and what comes is well protected all the same. */
#ifndef HANDFAST_TESTS_INSIDER_H
#define HANDFAST_TESTS_INSIDER_H

#include "scenario.h"

enum { INSIDER_SAID = 900 };

/* insider_message is a message that was said; TLS 1.2's change_cipher_spec is among them, with no
 * bytes. */
struct insider_message {
  hf_bytes bytes;          /* with its header */
  char said[INSIDER_SAID]; /* what was said before, in the words of tests/golden */
  uint8_t row, level;      /* of the other, as it waits for it: engine.h's row, hf_level */
  uint8_t secret[48];      /* that it reads under */
  bool finished;           /* the other has heard the insider's Finished */
};

struct insider {
  const struct scenario *scenario;
  bool is_client; /* the insider; the other one is tried */
  struct scenario_play play;
  /* Is told of each message, number |num_told|, before it goes.  False: it does not go. */
  bool (*tell)(struct insider *insider, hf_bytes message);
  void *arg;
  size_t num_told;
  bool lost;          /* something came that the other could not open, */
  uint8_t lost_level; /* when it read at this one */
  /* Of a play that was listened to. */
  struct insider_message *messages;
  size_t num;
  struct insider_message end; /* what it would be if one more came */
  /* The insider's own. */
  bool listens, spec[2], finished; /* by the server and by the client */
  char said[INSIDER_SAID];
  struct buf part[2]; /* of a message */
  uint8_t session_id[33];
  uint64_t seq; /* of what the insider's engine sealed */
  uint32_t generation;
  uint8_t level;
};

/* insider_listen plays |scenario| and notes what the insider says; insider_play plays it with
 * |tell|.  Free either. */
void insider_listen(struct insider *insider, const struct scenario *scenario, bool is_client);
void insider_play(struct insider *insider, const struct scenario *scenario, bool is_client,
                  bool (*tell)(struct insider *insider, hf_bytes message), void *arg);
void insider_free(struct insider *insider);

/* insider_other is the one that is tried. */
struct side *insider_other(struct insider *insider);
/* insider_give gives it a message, NULL being change_cipher_spec, under the keys in force. */
void insider_give(struct insider *insider, hf_bytes message);
/* insider_give_clear gives it in the clear, insider_give_wrong under keys that are not in force:
 * with |secret| NULL some that nobody has, else of a traffic secret. */
void insider_give_clear(struct insider *insider, hf_bytes message);
void insider_give_wrong(struct insider *insider, hf_bytes message, const uint8_t *secret);
/* insider_give_at gives it over QUIC, at |level|. */
void insider_give_at(struct insider *insider, hf_bytes message, uint8_t level);
/* insider_note adds a message of the insider's to |said|. */
void insider_note(struct insider *insider, hf_bytes message);
/* insider_word is what the golden files call a message; NULL: they know none such. */
const char *insider_word(hf_bytes message, bool tls12);

#endif
