/* delegate.h: delegated credentials (RFC 9345) for tests, made as the RFC says by code of their
 * own. */
#ifndef HANDFAST_TESTS_DELEGATE_H
#define HANDFAST_TESTS_DELEGATE_H

#include "credential.h"

/* delegate is what goes into a DelegatedCredential. */
struct delegate {
  const char *certificate; /* tests/certs/: what it is bound to */
  const char *signer;      /* the key that signs the delegation; NULL: the certificate's */
  const char *key;         /* the key it is for */
  uint16_t key_sigalg;
  uint16_t sigalg; /* of the delegation */
  bool client;     /* by the client's context string */
  uint32_t valid_time;
};

/* delegate_make appends the DelegatedCredential; false: it cannot be made. */
bool delegate_make(struct buf *out, const struct delegate *delegate);
/* delegate_load is credential_load(delegate->certificate) with the credential and its key. */
struct credential *delegate_load(const struct delegate *delegate);

#endif
