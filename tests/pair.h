/* pair.h: a client and a server in memory, for tests. */
#ifndef HANDFAST_TESTS_PAIR_H
#define HANDFAST_TESTS_PAIR_H

#include "side.h"

struct pair {
  struct side client, server;
  size_t piece; /* bytes moved at a time; 0: all there are */
  /* Changes |len| bytes on their way, |at| of which went that way before; NULL: nobody does.  They
   * are what side.out of who says them holds: whoever wants more there, or fewer, or none, changes
   * that, and |data| is nothing then. */
  void (*edit)(void *arg, bool by_client, size_t at, uint8_t *data, size_t len);
  void *arg;
  size_t moved[2]; /* said by the server, by the client */
};

/* pair_setup fills both setups with what most tests begin from: TLS 1.3, the engine's own choices,
 * entropy made from |seed|, the name "localhost", a server with |credential| and no tickets. */
void pair_setup(struct side_setup *client, struct side_setup *server,
                const struct credential *credential, uint64_t seed);
/* pair_new starts both, also if the client fails; free them with pair_free whatever is returned. */
hf_status pair_new(struct pair *pair, const struct side_setup *client,
                   const struct side_setup *server, size_t piece);
/* pair_move moves what the client, or the server, had to say when it began. */
void pair_move(struct pair *pair, bool by_client);
/* pair_run moves bytes both ways until there are none left.  True: both are ready and no promise
 * was broken. */
bool pair_run(struct pair *pair);
void pair_free(struct pair *pair);

#endif
