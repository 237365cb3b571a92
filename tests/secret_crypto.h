/* secret_crypto.h: what the engine asks of libcrypto, put down in the book of secrets.  The linker
 * sends its calls to secret_crypto.c: see Tests.cmake. */
#ifndef HANDFAST_TESTS_SECRET_CRYPTO_H
#define HANDFAST_TESTS_SECRET_CRYPTO_H

#include <stdbool.h>

/* secret_crypto_begin: what comes is TLS 1.2, where HMAC is the PRF's and its keys are the
 * premaster secret and the main secret; in TLS 1.3 what it makes is sent. */
void secret_crypto_begin(bool tls12);

#endif
