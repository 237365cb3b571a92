/* peer.h: programs with a TLS that nobody here wrote (openssl, gnutls-cli, gnutls-serv, and
 * boringssl_peer), as child processes for tests to talk to, and the wire between one of them and a
 * side.  Everything is bounded in time; a peer dies with the test that started it. */
#ifndef HANDFAST_TESTS_PEER_H
#define HANDFAST_TESTS_PEER_H

#include <sys/types.h>

#include "side.h"

enum { PEER_SECONDS = 20 }; /* the longest that anything may take */

struct peer {
  pid_t pid;
  int in, out;      /* its standard input, held open; its standard output and error; -1: closed */
  struct buf input; /* waits to be written to it */
  struct buf log;   /* what it printed */
  char command[2048];
};

/* peer_not_isolated: a program that uses this file begins, if it may, in a network namespace of its
 * own, where every port is free and nothing is reachable from outside; so does each test in it.
 * NULL, or why it does not. */
const char *peer_not_isolated(void);
/* peer_start runs |command|, words with blanks between them.  NULL, or why it could not; a program
 * that is not installed shows when it is waited for. */
const char *peer_start(struct peer *peer, const char *command);
/* peer_boringssl starts boringssl_peer with |options| (tests/peers/options.c).  NULL, or why not.
 */
const char *peer_boringssl(struct peer *peer, const char *options);
/* peer_port is the port that a boringssl_peer listens on, once it does; 0: it does not. */
uint16_t peer_port(struct peer *peer);
/* peer_pump reads what the peer printed and writes what waits for its input, for at most |wait_ms|.
 * False: it has closed its output. */
bool peer_pump(struct peer *peer, int wait_ms);
/* peer_printed waits until the peer has printed |text|. */
bool peer_printed(struct peer *peer, const char *text);
bool peer_has_printed(const struct peer *peer, const char *text);
/* peer_end_input closes its standard input once what waits is written. */
bool peer_end_input(struct peer *peer);
/* peer_wait waits for its end: the exit status, or -1 if it did not end by itself. */
int peer_wait(struct peer *peer);
/* peer_stop kills it, if it runs, and frees all. */
void peer_stop(struct peer *peer);
/* peer_tail is the end of its log, for a message. */
const char *peer_tail(const struct peer *peer);

/* peer_listen opens a listening socket on 127.0.0.1; peer_accept and peer_connect give a
 * nonblocking connection, or -1. */
int peer_listen(uint16_t *port);
int peer_accept(int listener);
/* peer_connect tries until something listens. */
int peer_connect(uint16_t port);
/* peer_free_port is a port on 127.0.0.1 that nobody listens on just now. */
uint16_t peer_free_port(void);

/* wire joins a side, a socket and the peer at its other end. */
struct wire {
  struct side *side;
  struct peer *peer; /* NULL: nobody's output is read */
  int fd;
  bool ended; /* the transport has ended */
};
/* wire_turn moves what can be moved.  False: nothing can any more, or nothing did for PEER_SECONDS.
 */
bool wire_turn(struct wire *wire);
/* wire_handshake turns until the side is ready and has nothing to send. */
bool wire_handshake(struct wire *wire);
/* wire_drain turns until the side has nothing left to send. */
bool wire_drain(struct wire *wire);
/* wire_received turns until the side has |len| bytes of data. */
bool wire_received(struct wire *wire, size_t len);
/* wire_closed turns until the side has the peer's close_notify. */
bool wire_closed(struct wire *wire);
/* wire_failed turns until the side has failed and its alert is out. */
bool wire_failed(struct wire *wire);
/* wire_end turns until the transport ends, and closes the socket. */
bool wire_end(struct wire *wire);

#endif
