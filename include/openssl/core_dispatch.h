/* core_dispatch.h: for programs that include it by name.  What there is of it is in ssl_quic.h. */
#ifndef HANDFAST_OPENSSL_CORE_DISPATCH_H
#define HANDFAST_OPENSSL_CORE_DISPATCH_H

#include <openssl/ssl.h> /* IWYU pragma: export */

#endif
