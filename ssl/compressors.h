/* compressors.h: the ready-made algorithms for certificates: compressors.c. */
#ifndef HANDFAST_SSL_COMPRESSORS_H
#define HANDFAST_SSL_COMPRESSORS_H

#include "ssl/internal.h"

/* ssl_ready_made is the algorithm |id| of RFC 8879 7.3; NULL: this build has none.  It lives for
 * ever. */
const ssl_cert_alg *ssl_ready_made(int id);

#endif
