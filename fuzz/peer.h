/* peer.h: an engine with fixed answers, for fuzz targets.  The same input gives the same run:
 * entropy is fixed, the key is Ed25519, cookies and tickets are what they hold.  A promise of
 * handfast.h that the engine breaks is a trap. */
#ifndef HANDFAST_FUZZ_PEER_H
#define HANDFAST_FUZZ_PEER_H

#include <handfast/handfast.h>

#include "input.h"

/* Bits of the settings. */
enum {
  FUZZ_COOKIE = 1,      /* the server demands one */
  FUZZ_CLIENT_CERT = 2, /* the server asks for a certificate; the client has one */
  FUZZ_TICKETS = 4,
  FUZZ_SMALL = 8,    /* records and messages are small, and padded */
  FUZZ_RETRY = 16,   /* the client's share is not the server's group */
  FUZZ_LOOK_ON = 32, /* secrets are handed out, events are kept */
  FUZZ_ALPN = 64,
  FUZZ_MUCH = 128, /* all extensions that can be offered and asked for, compression among them */
  /* both: the client offers PSKs, the server knows the second; they may do without a key exchange
   */
  FUZZ_PSK = FUZZ_TICKETS | FUZZ_ALPN,
  FUZZ_QUIC = 256, /* over QUIC's carrier: fuzz_quic_feed and fuzz_quic_move alone */
  /* the client has TLS 1.2 alone; without FUZZ_TICKETS the server gives session ids */
  FUZZ_TLS12 = 512,
  FUZZ_TRACE = 1024, /* events are kept */
  FUZZ_AGAIN = 2048  /* other entropy: what was said before is not said again */
};

struct fuzz_peer {
  hf_config *config;
  hf_conn *conn;
  uint8_t *in; /* bytes not taken yet */
  size_t in_len;
  hf_bytes session; /* what HF_ASK_SESSION is answered with; absent: what the first ticket holds */
  uint8_t *kept;    /* the last session that it was to keep; NULL: none */
  size_t kept_len;
  void (*see)(void *arg, const hf_event *event); /* is shown each event; NULL: nobody is */
  void *arg;
  bool wrong; /* its state is not one that an engine comes to: an answer may be refused */
};

void fuzz_peer_begin(struct fuzz_peer *peer, hf_role role, unsigned settings);
/* fuzz_peer_resume begins a client that starts with |session|, early data allowed. */
void fuzz_peer_resume(struct fuzz_peer *peer, unsigned settings, hf_bytes session);
void fuzz_peer_end(struct fuzz_peer *peer);
/* fuzz_answer answers the question that is pending, as it should be. */
hf_status fuzz_answer(struct fuzz_peer *peer);
/* fuzz_feed gives bytes and answers what is asked. */
void fuzz_feed(struct fuzz_peer *peer, const uint8_t *data, size_t len);
/* fuzz_feed_sealed gives one record under the keys that the engine reads with now. */
void fuzz_feed_sealed(struct fuzz_peer *peer, uint8_t type, const uint8_t *data, size_t len);
/* fuzz_take_output takes all that the engine has to say; free it. */
uint8_t *fuzz_take_output(struct fuzz_peer *peer, size_t *len);
/* fuzz_reads_sealed says whether the engine reads under keys. */
bool fuzz_reads_sealed(const struct fuzz_peer *peer);
/* fuzz_move_records moves records from one to the other until that one reads under keys. */
void fuzz_move_records(struct fuzz_peer *from, struct fuzz_peer *to);
/* fuzz_move_all moves all that one has to say to the other. */
void fuzz_move_all(struct fuzz_peer *from, struct fuzz_peer *to);
/* fuzz_step does one thing: it answers a question, takes a record, or gives |helper| what there is
 * to say and gets the reply, which is not looked at yet. */
void fuzz_step(struct fuzz_peer *peer, struct fuzz_peer *helper);
/* fuzz_identity is what HF_ASK_IDENTITY is answered with. */
const hf_identity *fuzz_identity(void);
/* fuzz_sign signs with the key of all peers. */
enum { FUZZ_SIGNATURE = 64 };
size_t fuzz_sign(uint8_t out[FUZZ_SIGNATURE], hf_bytes input);
/* fuzz_quic_feed gives bytes of a level, and answers what is asked; those of a level that has not
 * come are dropped. */
void fuzz_quic_feed(struct fuzz_peer *peer, hf_level level, const uint8_t *data, size_t len);
/* fuzz_quic_settle answers what is asked. */
void fuzz_quic_settle(struct fuzz_peer *peer);
/* fuzz_quic_move moves all that |from| has to say to |to|, byte |at| of it changed by |change|.
 * False: it had nothing to say. */
bool fuzz_quic_move(struct fuzz_peer *from, struct fuzz_peer *to, size_t at, uint8_t change);
/* fuzz_command does one of the things an application may do: send, close, rekey, a ticket, an
 * export. */
void fuzz_command(struct fuzz_peer *peer, uint8_t which);

#endif
