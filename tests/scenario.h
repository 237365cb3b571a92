/* scenario.h: the handshakes that every ordeal is put to, one list of them.  What a scenario says
 * is the same each time, to the byte: its signatures are Ed25519's. */
#ifndef HANDFAST_TESTS_SCENARIO_H
#define HANDFAST_TESTS_SCENARIO_H

#include "pair.h"

/* What is in a scenario. */
enum scenario_part {
  IN_TLS12 = 1,             /* else it is TLS 1.3 */
  IN_RETRY = 1 << 1,        /* the server wants another group */
  IN_COOKIE = 1 << 2,       /* and a cookie */
  IN_TICKET = 1 << 3,       /* the server gives tickets, or resumes by one */
  IN_ID = 1 << 4,           /* TLS 1.2: it gives ids, or resumes by one */
  IN_RESUMED = 1 << 5,      /* the session of an earlier handshake goes on */
  IN_FORGOTTEN = 1 << 6,    /* with IN_RESUMED: but the server does not know it */
  IN_EARLY = 1 << 7,        /* the client sends early data */
  IN_EARLY_OFF = 1 << 8,    /* which the server refuses */
  IN_PSK = 1 << 9,          /* an external PSK of both */
  IN_PSK_KE = 1 << 10,      /* without a key exchange */
  IN_CLIENT_CERT = 1 << 11, /* the server asks for a certificate, which the client has */
  IN_NO_CERT = 1 << 12,     /* it asks for one, and the client has none */
  IN_DEMANDED = 1 << 13,    /* it insists on one */
  IN_DISTRUST = 1 << 14,    /* the certificate, of the client if it shows one, is refused */
  IN_COMPRESSION = 1 << 15, /* certificates are compressed */
  IN_RAW_KEY = 1 << 16,     /* the server has a raw public key */
  IN_REKEY = 1 << 17,       /* afterwards both sides change their keys */
  IN_CLOSE = 1 << 18,       /* afterwards the client closes, and then the server */
  IN_FALSE_START = 1 << 19, /* TLS 1.2 */
  IN_ALPN = 1 << 20,
  IN_MUCH = 1 << 21,     /* GREASE, permuted and padded hellos, small and padded records */
  IN_NO_SUITE = 1 << 22, /* there is no suite in common */
  IN_SECRETS = 1 << 23,  /* secrets are given out, and what is said is traced */
  IN_QUIC = 1 << 24,     /* over CRYPTO streams, without data (side.h frames them) */
  IN_FRESH = 1 << 25,    /* with IN_COOKIE: another engine takes the second hello */
  IN_ABORT = 1 << 26,    /* afterwards the client fails the connection */
  IN_COMPRESS = 1 << 27, /* with IN_COMPRESSION: HF_ASK_COMPRESS is asked */
  IN_STAPLE = 1 << 28    /* certificates come with an OCSP response and SCTs */
};

struct scenario {
  const char *name;
  unsigned parts;
  hf_status client, server; /* how it ends for them */
};
extern const struct scenario scenarios[];
extern const size_t num_scenarios;

/* scenario_ways: what is done to a scenario; an earlier handshake is left alone.  Each may be
 * NULL. */
struct scenario_ways {
  /* Somebody on the way, as in pair.h. */
  void (*edit)(void *arg, bool by_client, size_t at, uint8_t *data, size_t len);
  /* Makes another answer of |answer|, which is the scenario's. */
  void (*answer)(void *arg, bool by_client, struct side_answer *answer,
                 const hf_question_t *question);
  void *arg;
};

/* scenario_play is one scenario, played. */
struct scenario_play {
  unsigned parts;
  const struct scenario_ways *ways; /* NULL: none, or not yet */
  struct scenario_end {
    struct scenario_play *play;
    bool is_client;
  } ends[2];                           /* server's, client's */
  struct credential *credential, *own; /* of the server, of the client */
  struct side_setup client, server;
  struct pair first, pair; /* |first|: the handshake before, of IN_RESUMED */
  struct buf body[2];      /* Certificate messages that were compressed: server's, client's */
  struct buf id, state;    /* what a server has under an id */
  bool stapled;            /* each verdict was asked for with what IN_STAPLE has */
  hf_psk psk;
};

/* scenario_play_it plays it; scenario_play_free frees what there is.  NULL: it came to the end that
 * it should; else what is wrong. */
const char *scenario_play_it(struct scenario_play *play, const struct scenario *scenario);
/* scenario_play_as plays it with something done to it; how it ends is not looked at.  False: it did
 * not begin. */
bool scenario_play_as(struct scenario_play *play, const struct scenario *scenario,
                      const struct scenario_ways *ways);
/* scenario_play_edited is the same, with somebody on the way. */
bool scenario_play_edited(struct scenario_play *play, const struct scenario *scenario,
                          void (*edit)(void *arg, bool by_client, size_t at, uint8_t *data,
                                       size_t len),
                          void *arg);
void scenario_play_free(struct scenario_play *play);

/* scenario_digest writes one digest over all that is said in all scenarios, as a string; it is the
 * same everywhere.  NULL, or what is wrong. */
enum { SCENARIO_DIGEST_LEN = 65 };
extern const char scenario_digest_expected[SCENARIO_DIGEST_LEN];
const char *scenario_digest(char out[SCENARIO_DIGEST_LEN]);

/* scenario_whole: is every way of an ordeal to be gone?  HF_ORDEAL is "whole" then, as ./dev ordeal
 * has it; else a share will do. */
bool scenario_whole(void);

#endif
