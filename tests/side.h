/* side.h: one engine with the answers it needs, for tests: feed it the peer's bytes, take its
 * output.
 *
 * A side answers every question by itself out of its setup, unless the setup's `answer` does.
 * Output is taken from the engine as soon as there is some.  What went in (the peer's bytes,
 * answers, commands) is kept, so that side_replay can do it all again with the input cut
 * differently and compare what comes out: signatures are not the same twice, so the answers are
 * part of the input.
 *
 * With HF_QUIC what is in CRYPTO frames comes and goes framed as records are, that the same may be
 * done to it: a byte SIDE_CRYPTO and the level, two of zeros, two of the length.  A frame may come
 * in pieces; one that begins otherwise is passed over, as a packet that does not decrypt would be.
 */
#ifndef HANDFAST_TESTS_SIDE_H
#define HANDFAST_TESTS_SIDE_H

#include <handfast/handfast.h>

#include "buf.h"
#include "credential.h"

/* side_answer is one answer of any kind. */
struct side_answer {
  hf_ask ask;
  bool refuse; /* with |alert| */
  bool abort;  /* in place of an answer, with |alert| */
  uint8_t alert;
  bool none;    /* HF_ASK_IDENTITY: none */
  size_t index; /* HF_ASK_SESSION: of the candidate; HF_ASK_COMPRESS: the algorithm */
  unsigned flags;
  hf_bytes bytes;  /* the ALPN, cookie, state, signature, ciphertext ... */
  hf_bytes secret; /* HF_ASK_ENCAP */
  /* HF_ASK_SESSION: an external PSK, which outlives the side and what was kept of it; NULL: none */
  const hf_psk *psk;
};

struct side;
/* side_setup is what a side starts from.  All it points at must outlive the side and what was kept
 * of it. */
struct side_setup {
  hf_settings settings;
  hf_start start;
  const struct credential *credential; /* NULL: none */
  hf_bytes alpn;                       /* server: the protocol to choose if it was offered */
  /* Answers |question| into |answer|, which starts as the usual answer, in memory of the caller's
   * that lasts until the next question; false: the usual answer it is.  NULL: always. */
  bool (*answer)(void *arg, struct side_answer *answer, const hf_question_t *question);
  /* Is it too early to answer |question|?  NULL: never.  It is asked before each thing that is done
   * while there is a question. */
  bool (*waits)(void *arg, const hf_question_t *question);
  /* Called before each thing that is done, and after the last; NULL: nobody is. */
  void (*before)(void *arg, struct side *side);
  void *arg;
  size_t flush_max;   /* room given to each hf_flush; 0: 4096 */
  bool forgets;       /* keep nothing for side_replay */
  bool answers_first; /* questions are answered before output is taken, not after */
  hf_ask leaves;      /* a question that is left unanswered; HF_ASK_NONE: none is */
  bool saves;         /* before each thing that is done, the engine is saved, freed and loaded */
};

enum { SIDE_CRYPTO = 0xc0, SIDE_FRAME_HEAD = 5 };

enum side_step {
  SIDE_INPUT,
  SIDE_SEND,
  SIDE_CLOSE,
  SIDE_ABORT,
  SIDE_REKEY,
  SIDE_ISSUE_TICKET,
  SIDE_FORGET
};
/* side_item is a step that was taken: bytes are [at, at + len) of side.tape. */
struct side_item {
  enum side_step step;
  size_t at, len;
  bool flag;
};

struct side {
  struct side_setup setup;
  hf_config *config;
  hf_conn *conn;
  struct buf in;       /* from the peer, not consumed yet */
  struct buf out;      /* for the peer */
  struct buf app;      /* application data received */
  struct buf kept;     /* the last session to keep */
  struct buf secrets;  /* side_secret of each that was handed out */
  hf_level sent_level; /* HF_QUIC: of the last frame that went out */
  hf_level level;      /* of the frame that is on its way in, */
  size_t left;         /* of which so many bytes are to come */
  unsigned asked[16];  /* how often each question was asked */
  const char *broken;  /* a promise of handfast.h that the engine broke; NULL: none */
  /* What is kept. */
  struct buf tape, sent; /* bytes of the items and answers; everything that was ever in |out| */
  struct side_item *items;
  struct side_answer *answers; /* their bytes are copies */
  size_t num_items, num_answers;
};

/* side_secret is what is noted of HF_ASK_INSTALL: the secret's digest, and not the secret. */
struct side_secret {
  uint8_t kind, level, sending, generation;
  uint8_t digest[32];
};

/* side_entropy fills |out| from |seed|: always the same, always in range, good for tests alone. */
void side_entropy(hf_entropy *out, uint64_t seed);

/* side_new starts a side; free it with side_free whatever is returned. */
hf_status side_new(struct side *side, const struct side_setup *setup);
void side_free(struct side *side);
/* side_feed gives the peer's bytes to the engine and answers what it asks.  HF_OK, or why the
 * connection failed. */
hf_status side_feed(struct side *side, const uint8_t *data, size_t len);
/* side_send seals |data| in as few records as the engine takes. */
hf_status side_send(struct side *side, const uint8_t *data, size_t len);
hf_status side_close(struct side *side);
hf_status side_rekey(struct side *side, bool peer_too);
/* side_abort fails the connection. */
hf_status side_abort(struct side *side, uint8_t alert);
hf_status side_issue_ticket(struct side *side);
/* side_forget has a new engine in place of the one there is, as a server has that keeps nothing of
 * a hello it sent a HelloRetryRequest to; bytes that are not consumed are for that one.  If there
 * is no memory for it the old one goes on. */
hf_status side_forget(struct side *side);
bool side_is_ready(const struct side *side);
/* side_fault is why the connection failed, HF_OK if it did not. */
hf_status side_fault(const struct side *side);

/* side_change is what is not as it was when all is done again.  All zero: nothing is. */
struct side_change {
  size_t piece; /* the peer's bytes come so many at a time; 0: all there are */
  size_t cut;   /* and a piece ends before this byte of side.tape; 0: none does */
  size_t flush_max;
  bool saves, answers_first; /* as in side_setup */
  /* The question of this number, the first being 1, is answered late: only when so many other
   * things were done.  At the latest it is before the next of what is not SIDE_INPUT. */
  size_t late, late_calls;
  size_t *waited; /* how many there were; NULL: nobody wants to know */
  /* As in side_setup. */
  void (*before)(void *arg, struct side *side);
  void *arg;
};
/* side_replay_as does to a new engine all that was done to |side|, but for |change|, and returns
 * NULL if the output, the data, the secrets and the end are the same, else what differs. */
const char *side_replay_as(const struct side *side, const struct side_change *change);
/* side_replay does to a new engine all that was done to |side|, the peer's bytes |piece| at a time
 * (0: all that came between two
 * commands at once), and returns NULL if the output, the data and the end are the same, else what
 * differs.  With |piece| 0 it is done once more by side_replay_saved. */
const char *side_replay(const struct side *side, size_t piece);
/* side_replay_saved is the same, with an engine that is saved, freed and loaded at each step. */
const char *side_replay_saved(const struct side *side, size_t piece);

#endif
