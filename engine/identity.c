/* identity.c: hf_identity, a certificate chain or a raw public key as it goes on the wire, and what
 * its key can sign. */
#include "engine.h"

#include <string.h>

enum { HF_MAX_U24 = (1 << 24) - 1 };

/* The certificates, each behind its length, as CertificateEntry.cert_data has them. */
static hf_status chain_bytes(hf_bytes *out, const hf_bytes *chain, size_t num_chain) {
  size_t total = 0;
  for (size_t i = 0; i < num_chain; i++) {
    if (chain[i].len == 0 || chain[i].len > HF_MAX_U24 || total > HF_MAX_U24) {
      return HF_MISUSE;
    }
    total += 3 + chain[i].len;
  }
  if (num_chain == 0 || total > HF_MAX_U24) {
    return HF_MISUSE;
  }
  uint8_t *data = OPENSSL_malloc(total);
  if (data == NULL) {
    return HF_NO_MEMORY;
  }
  *out = hf_range(data, total);
  for (size_t i = 0; i < num_chain; i++) {
    const size_t len = chain[i].len;
    data[0] = (uint8_t)(len >> 16);
    data[1] = (uint8_t)(len >> 8);
    data[2] = (uint8_t)len;
    memcpy(data + 3, chain[i].data, len);
    data += 3 + len;
  }
  return HF_OK;
}

/* Both must fit the extensions of one CertificateEntry: with their heads, 2^16-1 bytes. */
static bool valid_stapled(hf_bytes ocsp, hf_bytes scts) {
  enum { STATUS_HEAD = 4 + 1 + 3, SCTS_HEAD = 4 };
  CBS list;
  size_t room = UINT16_MAX - STATUS_HEAD - SCTS_HEAD;
  if (ocsp.len > room || scts.len > room - ocsp.len || (ocsp.data != NULL && ocsp.len == 0)) {
    return false;
  }
  CBS_init(&list, scts.data, scts.len);
  return scts.data == NULL || (hf_read_scts(&list) && CBS_len(&list) == 0);
}

static hf_status fill(hf_identity *identity, const hf_bytes *chain, size_t num_chain, hf_bytes ocsp,
                      hf_bytes scts, hf_codes sigalgs) {
  if (!valid_stapled(ocsp, scts)) {
    return HF_MISUSE;
  }
  // A key can do more than TLS 1.3 has a use for: PKCS #1 v1.5 signatures, say.
  for (size_t i = 0; i < sigalgs.num; i++) {
    if (hf_sigalg_find(sigalgs.list[i]) == NULL) {
      continue;
    }
    if (identity->num_sigalgs == sizeof(identity->sigalgs) / sizeof(uint16_t)) {
      return HF_MISUSE;
    }
    identity->sigalgs[identity->num_sigalgs++] = sigalgs.list[i];
  }
  if (identity->num_sigalgs == 0) {
    return HF_MISUSE;
  }
  HF_TRY(chain_bytes(&identity->chain, chain, num_chain));
  identity->num_chain = num_chain;
  HF_TRY(hf_copy(&identity->ocsp, ocsp.data, ocsp.len));
  return hf_copy(&identity->scts, scts.data, scts.len);
}

hf_status hf_identity_new(hf_identity **out, uint64_t tag, const hf_bytes *chain, size_t num_chain,
                          hf_bytes ocsp, hf_bytes scts, hf_codes sigalgs) {
  *out = NULL;
  hf_identity *identity = OPENSSL_malloc(sizeof(*identity));
  if (identity == NULL) {
    return HF_NO_MEMORY;
  }
  memset(identity, 0, sizeof(*identity));
  atomic_init(&identity->references, 1);
  identity->tag = tag;
  hf_status status = fill(identity, chain, num_chain, ocsp, scts, sigalgs);
  if (status != HF_OK) {
    hf_identity_free(identity);
    return status;
  }
  *out = identity;
  return HF_OK;
}

hf_status hf_identity_set_compressed(hf_identity *identity, uint16_t algorithm, uint32_t length,
                                     hf_bytes data) {
  if (identity->ocsp.data != NULL || identity->scts.data != NULL || data.len == 0 ||
      data.len > HF_MAX_U24 || length > HF_MAX_U24) {
    return HF_MISUSE;
  }
  HF_TRY(hf_copy(&identity->compressed, data.data, data.len));
  identity->compression = algorithm;
  identity->uncompressed_len = length;
  return HF_OK;
}

hf_status hf_identity_new_raw(hf_identity **out, uint64_t tag, hf_bytes spki, hf_codes sigalgs) {
  const hf_bytes none = {NULL, 0};
  HF_TRY(hf_identity_new(out, tag, &spki, 1, none, none, sigalgs));
  (*out)->raw_key = true;
  return HF_OK;
}

void hf_identity_up_ref(hf_identity *identity) { atomic_fetch_add(&identity->references, 1); }

void hf_identity_free(hf_identity *identity) {
  if (identity != NULL && atomic_fetch_sub(&identity->references, 1) == 1) {
    hf_free_bytes(&identity->chain);
    hf_free_bytes(&identity->ocsp);
    hf_free_bytes(&identity->scts);
    hf_free_bytes(&identity->compressed);
    hf_free_bytes(&identity->delegated);
    OPENSSL_free(identity);
  }
}
