/* tables.c: look-ups in suites.def, groups.def, sigalgs.def and errors.def. */
#include "engine.h"

#include <stddef.h>

#include <openssl/digest.h>
#include <openssl/nid.h>

static const hf_suite suites[] = {
#define SUITE(id, name, aead, hash, key_len, hash_len, records, version, auth, sent_nonce) \
  {id,         key_len, hash_len, #name,          EVP_aead_##aead,                         \
   EVP_##hash, records, version,  HF_AUTH_##auth, sent_nonce},
#include "suites.def"
#undef SUITE
};

const hf_suite *hf_suite_find(uint16_t id) {
  for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
    if (suites[i].id == id) {
      return &suites[i];
    }
  }
  return NULL;
}

static const hf_group groups[] = {
#define GROUP(id, name, nid, slot, private_len, public_len, kem, kem_first) \
  {id, #name, nid, offsetof(hf_entropy, slot), private_len, public_len, kem, kem_first},
#include "groups.def"
#undef GROUP
};

const hf_group *hf_group_find(uint16_t id) {
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    if (groups[i].id == id) {
      const hf_kem *kem = groups[i].kem;
      return kem == NULL || kem->public_key != NULL ? &groups[i] : NULL;
    }
  }
  return NULL;
}

const hf_group *hf_group_of_curve(int nid) {
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    if (nid != NID_undef && groups[i].nid == nid) {
      return &groups[i];
    }
  }
  return NULL;
}

static const hf_sigalg sigalgs[] = {
#define SIGALG(id, name, pkey_type, curve, md, pss) {id, #name, pkey_type, curve, md, pss},
#include "sigalgs.def"
#undef SIGALG
};

const hf_sigalg *hf_sigalg_find(uint16_t id) {
  for (size_t i = 0; i < sizeof(sigalgs) / sizeof(sigalgs[0]); i++) {
    if (sigalgs[i].id == id) {
      return &sigalgs[i];
    }
  }
  return NULL;
}

const char *hf_status_text(hf_status status) {
  switch (status) {
    case HF_OK:
      return "no error";
#define HF_ERROR(name, alert, reason, text) \
  case HF_##name:                           \
    return text;
#include <handfast/errors.def>
#undef HF_ERROR
  }
  return "unknown error";
}
