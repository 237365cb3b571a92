/* ssl_kept.h: the fixture of test suites about sessions: an SSL_CTX for clients and one for
 * servers, and what the clients' is given to keep. */
#ifndef HANDFAST_TESTS_SSL_KEPT_H
#define HANDFAST_TESTS_SSL_KEPT_H

#include "ssl_pair.h"

extern SSL_CTX *client_ctx; /* ssl_client_ctx */
extern SSL_CTX *server_ctx; /* ssl_server_ctx("ecdsa-p256"), which trusts the test root */
extern SSL_SESSION *kept;   /* the last; NULL: none */
extern int num_kept;        /* how many came */

void kept_set_up(void);
void kept_tear_down(void);
/* kept_forget frees |kept|. */
void kept_forget(void);

#endif
