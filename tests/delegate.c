/* delegate.c: see delegate.h. */
#include "delegate.h"

#include <openssl/bytestring.h>
#include <openssl/mem.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"

static bool put_spki(struct buf *out, const char *name) {
  EVP_PKEY *key = credential_key(name);
  uint8_t *spki = NULL;
  size_t len = 0;
  CBB cbb;
  bool ok = key != NULL && CBB_init(&cbb, 0) && EVP_marshal_public_key(&cbb, key) &&
            CBB_finish(&cbb, &spki, &len);
  put_vector(out, 3, spki, len);
  OPENSSL_free(spki);
  EVP_PKEY_free(key);
  return ok;
}

bool delegate_make(struct buf *out, const struct delegate *d) {
  struct buf covered = {0}, input = {0}, signature = {0};
  const char *context =
      d->client ? "TLS, client delegated credentials" : "TLS, server delegated credentials";
  hf_bytes chain[8];
  const size_t num = credential_chain(chain, 8, d->certificate);
  put16(&covered, d->valid_time >> 16);
  put16(&covered, d->valid_time & 0xffff);
  put16(&covered, d->key_sigalg);
  bool ok = num > 0 && put_spki(&covered, d->key);
  put16(&covered, d->sigalg);
  for (int i = 0; i < 64; i++) put8(&input, 0x20);
  buf_add(&input, context, strlen(context) + 1);
  if (num > 0) buf_add(&input, chain[0].data, chain[0].len);
  buf_add(&input, covered.data, covered.len);
  EVP_PKEY *signer = credential_key(d->signer != NULL ? d->signer : d->certificate);
  ok = ok && signer != NULL &&
       credential_sign(&signature, signer, d->sigalg, (hf_bytes){input.data, input.len});
  buf_add(out, covered.data, covered.len);
  put_vector(out, 2, signature.data, signature.len);
  EVP_PKEY_free(signer);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  buf_free(&covered);
  buf_free(&input);
  buf_free(&signature);
  return ok;
}

struct credential *delegate_load(const struct delegate *d) {
  struct credential *credential = credential_load(d->certificate);
  struct buf bytes = {0};
  bool ok =
      credential != NULL && delegate_make(&bytes, d) &&
      hf_identity_set_delegated(credential->identity, (hf_bytes){bytes.data, bytes.len}) == HF_OK;
  if (ok) credential->delegated_key = credential_key(d->key);
  buf_free(&bytes);
  if (ok) return credential;
  credential_free(credential);
  return NULL;
}
