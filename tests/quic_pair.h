/* quic_pair.h: a client and a server over the QUIC carrier in memory, for tests.
 *
 * Streams are kept by level, as QUIC keeps them.  Each promise of the carrier is checked on the
 * way: no byte of a level leaves before its keys were installed, levels leave in order, and what is
 * told as consumed is all or nothing. */
#ifndef HANDFAST_TESTS_QUIC_PAIR_H
#define HANDFAST_TESTS_QUIC_PAIR_H

#include <handfast/handfast.h>

#include "buf.h"
#include "credential.h"

struct quic_end {
  hf_settings settings;
  hf_start start;
  struct credential *credential; /* NULL: none */
  const hf_bytes *params;        /* server: for hf_answer_hello */
  hf_bytes alpn;                 /* server: for hf_answer_hello */
  unsigned accept;               /* server: flags for hf_answer_session */
  size_t flush_max;              /* room for each hf_quic_flush; 0: 4096 */
  bool saves;                    /* saved, freed and loaded before each thing that is done */
  hf_conn *conn;
  char installs[200];       /* " rHANDSHAKE wHANDSHAKE ..." */
  uint8_t secret[2][4][48]; /* traffic secrets: [sending][level] */
  struct buf out[4];        /* by level: to the peer, not delivered yet */
  struct buf sent[4];       /* and all that ever was there */
  struct buf kept;          /* the last session */
  struct buf seen;          /* transport parameters in HF_ASK_HELLO */
  unsigned asked[16];
};

struct quic_pair {
  struct quic_end client, server;
  size_t piece; /* bytes moved at a time; 0: all there are */
};

/* quic_set fills in what most tests begin from, with entropy made from |seed|. */
void quic_set(struct quic_pair *pair, uint64_t seed);
/* quic_start makes both connections; quic_run moves bytes until nothing moves. True: both are
 * ready. */
void quic_start(struct quic_pair *pair);
bool quic_run(struct quic_pair *pair);
/* quic_settle answers what |end| asks and takes what it has to send. */
void quic_settle(struct quic_end *end);
/* quic_give gives |len| bytes to |end| and settles it; the status of hf_quic_open. */
hf_status quic_give(struct quic_end *end, hf_level level, const uint8_t *data, size_t len);
/* quic_move moves what |from| has to send; false: nothing did. */
bool quic_move(struct quic_end *from, struct quic_end *to, size_t piece);
void quic_part(struct quic_pair *pair); /* frees the connections and what they said */
void quic_free(struct quic_pair *pair); /* and the rest */

#endif
