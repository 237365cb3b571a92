/* script_model.h - engine/script.def run without any TLS in it: two peers with handlers that
 * pass message names.
 *
 * A peer's flags are set only when something tells that side: its plan (what it was configured to
 * do), a message it wrote or read, an answer it was given.  A guard on a flag that the side cannot
 * know yet is an error of the table, and so are a message at another level than the table's, bytes
 * left at a key change, keys before their secret, and a signature or a certificate that nothing was
 * asked for.  A model is a plain value: copy it to try something and throw the copy away. */
#ifndef HANDFAST_TESTS_SCRIPT_MODEL_H
#define HANDFAST_TESTS_SCRIPT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { CLIENT, SERVER, BOTH } side;
typedef enum { INITIAL_LEVEL, EARLY_LEVEL, HANDSHAKE_LEVEL, APPLICATION_LEVEL } level;
typedef enum {
  SCRIPT_ROW,
  MSG_ROW,
  ASK_ROW,
  KEY_ROW,
  DERIVE_ROW,
  CCS_ROW,
  VERSION_ROW,
  OPEN_ROW
} row_kind;

/* The flags of script.def, as bits of the model's own choosing. */
enum {
  QUIC = 1 << 0,
  EARLY = 1 << 1,
  PSK_OFFERED = 1 << 2,
  COOKIE = 1 << 3,
  RETRIED = 1 << 4,
  RESUMED = 1 << 5,
  KEM = 1 << 6,
  CERT_REQUESTED = 1 << 7,
  CLIENT_CERT = 1 << 8,
  COMPRESSED = 1 << 9,
  CLIENT_COMPRESSED = 1 << 10,
  OCSP = 1 << 11,
  TICKET = 1 << 12,
  KEEP = 1 << 13,
  REVERIFY = 1 << 14
};

typedef struct row {
  row_kind kind;
  side who;
  const char *what;
  level at;
  uint16_t need, not_, learn;
  const char *section;
} row;
extern const row script_rows[];
extern const size_t script_num_rows;

/* What a message says beyond its name, as far as the script's flags hang on it. */
enum {
  SAYS_PSK = 1,      /* ClientHello: a PSK or session is offered; ServerHello: it is taken */
  SAYS_EARLY = 2,    /* ClientHello, EncryptedExtensions: early_data */
  SAYS_COMPRESS = 4, /* ClientHello, CertificateRequest: compress_certificate */
  SAYS_EMPTY = 8,    /* Certificate: no certificate in it */
  SAYS_COOKIE = 16,  /* ClientHello: a cookie from which a server without state goes on */
  SAYS_KEM = 32,     /* ClientHello: the group needs an encapsulation */
  SAYS_TLS12 = 64,   /* ServerHello: of TLS 1.2; ClientHello: that alone */
  SAYS_TICKET = 128, /* session_ticket */
  SAYS_STATUS = 256, /* status_request, TLS 1.2 */
  SAYS_ID = 512      /* ServerHello: a session id that may be kept */
};

/* What travels: a handshake message, or an application record (name NULL). */
typedef struct token {
  const char *name;
  unsigned says;
  level at;
} token;

typedef struct fifo {
  token token[64];
  size_t head, tail;
} fifo;

/* What both sides were configured to do; each reads only its own lines. */
typedef struct plan {
  bool quic;
  /* the client's */
  bool psk, psk_dropped_on_retry, early_offered, compress_offered, client_cert, client_compressed,
      kem, reverify;
  /* the server's */
  bool retry, stateless, resumed, early_accepted, cert_requested, compressed,
      client_compress_offered;
  /* TLS 1.2: the server has no other; the client's; the server's */
  bool tls12;
  bool only12, ticket_offered, status_offered;
  bool ticket, status_promised, status_sent, store;
} plan;

typedef enum { RUNNING, WAITS_INPUT, WAITS_ANSWER, IS_OPEN, IS_BAD } model_state;

enum { PROOF_CHAIN = 1, PROOF_SIGNATURE = 2, PROOF_FINISHED = 4, PROOF_BINDER = 8 };

typedef struct model {
  side me;
  const plan *p;
  size_t row;
  model_state state;
  const char *why; /* of IS_BAD */
  const char *ask; /* of WAITS_ANSWER */
  unsigned flags, known, proofs;
  level reads, writes;
  bool ccs_sent, got_hello, client_may_compress, server_may_compress;
  bool tls12;                  /* is settled */
  bool skips_early;            /* a server that refused early data drops its records */
  unsigned skipped, delivered; /* early records dropped, taken */
  const char *last;            /* last message read or written */
  const char *last_ask;        /* question answered since then, else "" */
  size_t sent_app_at;          /* row at which the test last injected an application record */
  char transcript[400];        /* names in the order in which they are hashed */
  char derived[1200];          /* secret@transcript, one a line */
  char asked[200];             /* questions, in order */
  char installs[200];          /* key changes, in order: " rHANDSHAKE wAPPLICATION" */
  char ccs_after[400];         /* the transcript when CCS was written */
} model;

/* model_start makes a peer at its first row. */
model model_start(side me, const plan *p);
/* model_step goes on until the peer wrote one message (true, |*out| holds it), or waits, or is
 * open, or is bad. */
bool model_step(model *m, fifo *in, token *out);
/* model_answer answers the pending question as the plan says. */
void model_answer(model *m);
/* model_may_send says whether the peer could send application data now. */
bool model_may_send(const model *m);
/* model_at_flight_end says whether the next message row that is not guarded out is the peer's own,
 * or there is none. */
bool model_at_flight_end(const model *m);

#endif
