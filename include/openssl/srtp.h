/* srtp.h: for programs that include it by name.  What there is of SRTP is in ssl.h. */
#ifndef HANDFAST_OPENSSL_SRTP_H
#define HANDFAST_OPENSSL_SRTP_H

#include <openssl/ssl.h> /* IWYU pragma: export */

#endif
