/* early.h: early data, for the files that run a connection.
 *
 * io.early is how far it has come.  The handshake returns for it once, from SSL_EARLY_NONE: a
 * client's when its hello has gone out, a server's when its Finished has, or when early data came
 * while its flight finds no room.  A server's returns again when there is something to read, and
 * when the early data has ended. */
#ifndef HANDFAST_SSL_EARLY_H
#define HANDFAST_SSL_EARLY_H

#include "ssl/internal.h"

enum {
  SSL_EARLY_NONE, /* not yet, or there is none */
  SSL_EARLY_OPEN, /* the handshake has returned for it */
  SSL_EARLY_OVER  /* a server's has ended; a client's was refused, and that was taken note of */
};
/* Milliseconds by which the age that a client says may be wrong. */
enum { SSL_EARLY_AGE_WINDOW = 60000 };

/* ssl_early_refused says whether the server refused what went out, and the application is to hear
 * of it before anything else happens; then ssl->want is set. */
bool ssl_early_refused(SSL *ssl, unsigned wants);
/* ssl_early_returns says whether the handshake is to return 1 here though it is not done: -1:
 * memory ran out. */
int ssl_early_returns(SSL *ssl, unsigned wants);
/* ssl_early_came says whether a server has early data to be read, though its flight is not out; the
 * handshake returns 1 for it. */
bool ssl_early_came(SSL *ssl);
/* ssl_early_may_write and ssl_early_may_read say whether SSL_write and SSL_read (of a server) have
 * something to do before the handshake is done.  |by_name|: it is SSL_write_early_data, which alone
 * has where it or SSL_read_early_data was called: who uses them counts on SSL_write to complete the
 * handshake. */
bool ssl_early_may_write(const SSL *ssl, bool by_name);
bool ssl_early_may_read(const SSL *ssl);
/* ssl_early_session is the session whose early data a client sends, and for as long as that, or its
 * refusal, is what the application knows of: what it is told then is the session's.  NULL: none. */
const SSL_SESSION *ssl_early_session(const SSL *ssl);
/* ssl_early_offers notes why a client that offers |session| (NULL: none) offers no early data. */
void ssl_early_offers(SSL *ssl, const SSL_SESSION *session);
/* ssl_early_accepts decides for a server, which is asked HF_ASK_SESSION and resumes |session| from
 * candidate |index|, for the engine |state|, whether early data is to be accepted. */
bool ssl_early_accepts(SSL *ssl, size_t index, const SSL_SESSION *session, hf_bytes state);

/* ssl_replay_first says whether this is the first that |ctx| hears of |ticket|, issued at |issued|
 * and said to be |age| old, as far as can be known at |now|; all in milliseconds.  replay.c */
bool ssl_replay_first(SSL_CTX *ctx, hf_bytes ticket, uint64_t issued, uint32_t age, uint64_t now);

#endif
