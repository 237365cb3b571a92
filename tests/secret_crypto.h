/* secret_crypto.h: what the engine asks of libcrypto and of its own HMAC and HKDF (hmac.c), put
 * down in the book of secrets.  The linker sends its calls to secret_crypto.c: see Tests.cmake. */
#ifndef HANDFAST_TESTS_SECRET_CRYPTO_H
#define HANDFAST_TESTS_SECRET_CRYPTO_H

/* secret_crypto_begin forgets the keys so far, as watch_begin does the secrets. */
void secret_crypto_begin(void);

#endif
