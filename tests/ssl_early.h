/* ssl_early.h: two contexts of ours and a session between them that allows early data, for tests.
 */
#ifndef HANDFAST_TESTS_SSL_EARLY_H
#define HANDFAST_TESTS_SSL_EARLY_H

#include "ssl_pair.h"

struct ssl_early {
  SSL_CTX *client, *server;
  SSL_SESSION *kept; /* the last that came */
};

/* ssl_early_new makes both, with early data on, speaking "one" and "two" by ALPN of which the
 * server takes the first that it knows of ssl_early_protocol.  False: something failed. */
bool ssl_early_new(struct ssl_early *early);
/* ssl_early_protocol is what servers choose; NULL: nothing, at first. */
extern const char *ssl_early_protocol;
/* ssl_early_learn connects once, for a session with early->server.  NULL: it did not work. */
SSL_SESSION *ssl_early_learn(struct ssl_early *early);
/* ssl_early_pair begins a connection to |server| with |session|, whose reference it takes over. */
bool ssl_early_pair(struct ssl_pair *pair, struct ssl_early *early, SSL_CTX *server,
                    SSL_SESSION *session, size_t ring);
void ssl_early_free(struct ssl_early *early);

#endif
