/* dtls1.h: for programs that include it by name.  What there is of DTLS is in ssl.h. */
#ifndef HANDFAST_OPENSSL_DTLS1_H
#define HANDFAST_OPENSSL_DTLS1_H

#include <openssl/ssl.h> /* IWYU pragma: export */

#endif
