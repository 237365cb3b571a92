/* craft_play.h: the handshake of a crafted peer (craft.h), a step at a time, so that a test can
 * stop anywhere and say something else. */
#ifndef HANDFAST_TESTS_CRAFT_PLAY_H
#define HANDFAST_TESTS_CRAFT_PLAY_H

#include "craft.h"

/* craft_edit changes a hello before it is sent; NULL: as it is. */
typedef void craft_edit(struct craft_hello *hello, struct craft *craft);

/* A crafted server, in the order of its steps. */
enum craft_server_step {
  SERVER_HEARD_HELLO,
  SERVER_SAID_HELLO,
  SERVER_SAID_EXTENSIONS,
  SERVER_SAID_REQUEST,
  SERVER_SAID_CERTIFICATE,
  SERVER_SAID_VERIFY,
  SERVER_SAID_FINISHED,
  SERVER_DONE /* and the client's flight is heard */
};
/* A crafted client, in the order of its steps. */
enum craft_client_step {
  CLIENT_BEGAN,
  CLIENT_SAID_HELLO,
  CLIENT_HEARD_FINISHED, /* the server's whole flight */
  CLIENT_SAID_CERTIFICATE,
  CLIENT_SAID_VERIFY,
  CLIENT_DONE
};

/* craft_play is one handshake of a crafted peer with an engine. */
struct craft_play {
  struct craft craft;
  struct side side; /* the engine */
  struct craft_hello client, server;
  struct buf body;  /* of the message last heard */
  struct buf heard; /* types of the messages heard, one byte each */
  bool request;     /* server: ask for a certificate */
  bool retry;       /* server: ask for another hello first, with a cookie; client: expect that */
  bool requested;   /* client: a CertificateRequest was heard */
  const char *name; /* of the crafted peer's credential in tests/certs; NULL: it has none */
  uint16_t sigalg;  /* that it signs with */
  struct credential *credential;
  craft_edit *edit;       /* of its own (last) hello */
  craft_edit *edit_again; /* client: of its second hello */
  int step;
};

/* play_new starts an engine with |setup| against a crafted peer of the other role, which shows
 * |name| (tests/certs) and signs with |sigalg|.  False: the engine did not start. */
bool play_new(struct craft_play *play, const struct side_setup *setup, const char *name,
              uint16_t sigalg);
void play_free(struct craft_play *play);
/* play_until goes on up to and including |step|; false: the engine did not say what it must, or
 * verify_data is wrong. */
bool play_until(struct craft_play *play, int step);

/* Bodies of messages. */
void body_of_certificate(struct buf *out, const hf_bytes *chain, size_t num);
void body_of_own_certificate(struct buf *out, const struct craft_play *play);
/* body_of_verify signs the transcript so far as this side must. */
bool body_of_verify(struct buf *out, const struct craft_play *play, uint16_t sigalg);
void body_of_request(struct buf *out);
void body_of_finished(struct buf *out, const struct craft_play *play);
/* play_say_hello sends the crafted peer's hello after |edit|, and derives keys if it is a
 * ServerHello. */
bool play_say_hello(struct craft_play *play, craft_edit *edit);
/* play_say_retry sends a HelloRetryRequest after |edit| and puts message_hash into the transcript.
 */
void play_say_retry(struct craft_play *play, uint16_t group, craft_edit *edit);
/* play_say_retry_to answers |client| instead of the hello that was heard last. */
void play_say_retry_to(struct craft_play *play, const struct craft_hello *client, uint16_t group,
                       craft_edit *edit);

#endif
