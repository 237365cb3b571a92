/* answers_credential.c: credentials, which of them suits a question, and signing.
 *
 * Owns: the table of SignatureSchemes a private key can make, hf_credential, hf_sign.  A credential
 * is complete and never changes once hf_credential_new has returned it; its key belongs to its
 * certificate.  The list of schemes is the identity's: the engine picks from it, hf_sign makes what
 * was picked. Leaves to others: reading the peer's certificates (answers_verify.c), the question
 * itself (answers.c). */
#include "ssl/answers_internal.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

enum { MAX_SIGALGS = 9 };

struct hf_credential {
  atomic_uint references;
  hf_identity *identity;
  EVP_PKEY *key; /* NULL: signing is the caller's; so the next */
  EVP_PKEY *delegated_key;
  X509 *leaf;        /* NULL: a raw public key */
  hf_bytes *issuers; /* the issuer names of the chain, each in DER, inside |names| */
  size_t num_issuers;
  uint8_t *names;
  size_t num_sigalgs;
  uint16_t sigalgs[MAX_SIGALGS];
  bool rsa;
  uint16_t curve; /* of the key, as a group (RFC 8422 5.1.1); 0: it has none */
};

/* ---- Signature schemes ---- */

typedef struct scheme {
  uint16_t code; /* RFC 9846 4.3.3; those of TLS 1.2 alone last */
  int key_type;
  int curve;                 /* NID; 0: no curve */
  const EVP_MD *(*md)(void); /* NULL: the algorithm hashes by itself */
  bool pss;
  size_t modulus_min; /* RSA: bytes that the encoding needs */
} scheme;

static const scheme kSchemes[] = {
    {0x0403, EVP_PKEY_EC, NID_X9_62_prime256v1, EVP_sha256, false, 0},
    {0x0503, EVP_PKEY_EC, NID_secp384r1, EVP_sha384, false, 0},
    {0x0603, EVP_PKEY_EC, NID_secp521r1, EVP_sha512, false, 0},
    {0x0807, EVP_PKEY_ED25519, 0, NULL, false, 0},
    /* RFC 8017 9.1.1: a hash, a salt as long, and two bytes. */
    {0x0804, EVP_PKEY_RSA, 0, EVP_sha256, true, 2 * 32 + 2},
    {0x0805, EVP_PKEY_RSA, 0, EVP_sha384, true, 2 * 48 + 2},
    {0x0806, EVP_PKEY_RSA, 0, EVP_sha512, true, 2 * 64 + 2},
    /* RFC 8017 9.2: a hash, its 19 bytes of DigestInfo, and 11 bytes. */
    {0x0401, EVP_PKEY_RSA, 0, EVP_sha256, false, 32 + 19 + 11},
    {0x0501, EVP_PKEY_RSA, 0, EVP_sha384, false, 48 + 19 + 11},
    {0x0601, EVP_PKEY_RSA, 0, EVP_sha512, false, 64 + 19 + 11},
};

enum { NUM_SCHEMES = sizeof(kSchemes) / sizeof(kSchemes[0]), MIN_RSA_BYTES = 128 };

/* fits says whether |key| can make signatures of |s|. */
static bool fits(const scheme *s, const EVP_PKEY *key) {
  if (EVP_PKEY_id(key) != s->key_type) return false;
  if (s->curve != 0) {
    const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);
    return ec != NULL && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == s->curve;
  }
  if (s->modulus_min == 0) return true;
  const RSA *rsa = EVP_PKEY_get0_RSA(key);
  return rsa != NULL && RSA_size(rsa) >= MIN_RSA_BYTES && RSA_size(rsa) >= s->modulus_min;
}

size_t hf_key_sigalgs(uint16_t *out, size_t out_max, const EVP_PKEY *key) {
  size_t num = 0;
  for (size_t i = 0; i < NUM_SCHEMES && num < out_max; i++)
    if (fits(&kSchemes[i], key)) out[num++] = kSchemes[i].code;
  return num;
}

static bool sign_with(EVP_MD_CTX *ctx, uint8_t *out, size_t *out_len, EVP_PKEY *key,
                      const scheme *s, hf_bytes input) {
  EVP_PKEY_CTX *pkey_ctx;
  if (!EVP_DigestSignInit(ctx, &pkey_ctx, s->md != NULL ? s->md() : NULL, NULL, key)) return false;
  /* RFC 9846 4.3.3: the salt is as long as the hash. */
  if (s->pss && (!EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) ||
                 !EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, -1)))
    return false;
  return EVP_DigestSign(ctx, out, out_len, input.data, input.len);
}

hf_status hf_sign(uint8_t *out, size_t *out_len, size_t out_max, EVP_PKEY *key, uint16_t sigalg,
                  hf_bytes input) {
  *out_len = 0;
  for (size_t i = 0; i < NUM_SCHEMES; i++) {
    const scheme *s = &kSchemes[i];
    if (s->code != sigalg || !fits(s, key)) continue;
    if (out_max < (size_t)EVP_PKEY_size(key)) return HF_SHORT_OUTPUT;
    EVP_MD_CTX ctx;
    EVP_MD_CTX_init(&ctx);
    *out_len = out_max;
    bool ok = sign_with(&ctx, out, out_len, key, s, input);
    EVP_MD_CTX_cleanup(&ctx);
    if (!ok) *out_len = 0;
    return ok ? HF_OK : HF_CRYPTO_FAILED;
  }
  return HF_MISUSE;
}

/* ---- Making credentials ---- */

/* der_issuer finds the issuer of certificate |cert| as it stands there, with its header (RFC
 * 5280 4.1). */
static bool der_issuer(CBS *out, hf_bytes cert) {
  CBS in, certificate, tbs;
  CBS_init(&in, cert.data, cert.len);
  return CBS_get_asn1(&in, &certificate, CBS_ASN1_SEQUENCE) &&
         CBS_get_asn1(&certificate, &tbs, CBS_ASN1_SEQUENCE) &&
         CBS_get_optional_asn1(&tbs, NULL, NULL,
                               CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0) &&
         CBS_get_asn1(&tbs, NULL, CBS_ASN1_INTEGER) &&
         CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) &&
         CBS_get_asn1_element(&tbs, out, CBS_ASN1_SEQUENCE);
}

/* A certificate whose issuer cannot be found matches no authority, and that is all. */
static hf_status copy_issuers(hf_credential *c, const hf_bytes *chain, size_t num_chain) {
  size_t total = 0;
  for (size_t i = 0; i < num_chain; i++) total += chain[i].len;
  if (num_chain > SIZE_MAX / sizeof(hf_bytes)) return HF_MISUSE;
  c->issuers = OPENSSL_malloc(num_chain * sizeof(hf_bytes));
  c->names = OPENSSL_malloc(total);
  if (c->issuers == NULL || c->names == NULL) return HF_NO_MEMORY;
  size_t used = 0;
  for (size_t i = 0; i < num_chain; i++) {
    CBS issuer;
    if (!der_issuer(&issuer, chain[i])) continue;
    memcpy(c->names + used, CBS_data(&issuer), CBS_len(&issuer));
    c->issuers[c->num_issuers++] = (hf_bytes){c->names + used, CBS_len(&issuer)};
    used += CBS_len(&issuer);
  }
  return HF_OK;
}

static uint16_t curve_of(const EVP_PKEY *key) {
  const EC_KEY *ec = EVP_PKEY_id(key) == EVP_PKEY_EC ? EVP_PKEY_get0_EC_KEY(key) : NULL;
  switch (ec == NULL ? NID_undef : EC_GROUP_get_curve_name(EC_KEY_get0_group(ec))) {
    case NID_X9_62_prime256v1:
      return 0x0017;
    case NID_secp384r1:
      return 0x0018;
    case NID_secp521r1:
      return 0x0019;
    default:
      return 0;
  }
}

/* choose_sigalgs keeps of |wanted| what |key| can make; all of that if |wanted| is empty. */
static bool choose_sigalgs(hf_credential *c, const EVP_PKEY *key, hf_codes wanted) {
  uint16_t able[MAX_SIGALGS];
  c->rsa = EVP_PKEY_id(key) == EVP_PKEY_RSA;
  c->curve = curve_of(key);
  size_t num_able = hf_key_sigalgs(able, MAX_SIGALGS, key);
  if (wanted.num == 0) wanted = (hf_codes){able, num_able};
  for (size_t i = 0; i < wanted.num && c->num_sigalgs < MAX_SIGALGS; i++)
    for (size_t j = 0; j < num_able; j++)
      if (able[j] == wanted.list[i]) c->sigalgs[c->num_sigalgs++] = able[j];
  return c->num_sigalgs > 0;
}

/* The tag names the certificate, or key, so that a saved connection finds its identity in another
 * process. */
static uint64_t tag_of(hf_bytes shown) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  uint64_t tag = 0;
  SHA256(shown.data, shown.len, digest);
  for (size_t i = 0; i < 8; i++) tag = tag << 8 | digest[i];
  return tag;
}

static hf_status fill(hf_credential *c, const hf_bytes *chain, size_t num_chain, EVP_PKEY *key,
                      hf_codes sigalgs, hf_bytes ocsp, hf_bytes scts) {
  const uint8_t *der = chain[0].data;
  if (chain[0].len > LONG_MAX) return HF_MISUSE;
  c->leaf = d2i_X509(NULL, &der, (long)chain[0].len);
  if (c->leaf == NULL || der != chain[0].data + chain[0].len) return HF_MISUSE;
  EVP_PKEY *public_key = X509_get_pubkey(c->leaf);
  if (public_key == NULL) return HF_MISUSE;
  bool ok =
      choose_sigalgs(c, public_key, sigalgs) && (key == NULL || EVP_PKEY_cmp(public_key, key) == 1);
  EVP_PKEY_free(public_key);
  if (!ok) return HF_MISUSE;
  if (key != NULL) EVP_PKEY_up_ref(key);
  c->key = key;
  hf_status status = copy_issuers(c, chain, num_chain);
  if (status != HF_OK) return status;
  return hf_identity_new(&c->identity, tag_of(chain[0]), chain, num_chain, ocsp, scts,
                         (hf_codes){c->sigalgs, c->num_sigalgs});
}

static hf_credential *blank(void) {
  hf_credential *c = OPENSSL_malloc(sizeof(*c));
  if (c == NULL) return NULL;
  memset(c, 0, sizeof(*c));
  atomic_init(&c->references, 1);
  return c;
}

static hf_status fill_raw(hf_credential *c, EVP_PKEY *key, hf_codes sigalgs) {
  uint8_t *spki = NULL;
  size_t len = 0;
  CBB cbb;
  if (!choose_sigalgs(c, key, sigalgs)) return HF_MISUSE;
  if (!CBB_init(&cbb, 128) || !EVP_marshal_public_key(&cbb, key) ||
      !CBB_finish(&cbb, &spki, &len)) {
    CBB_cleanup(&cbb);
    return HF_NO_MEMORY;
  }
  const hf_bytes shown = {spki, len};
  hf_status status = hf_identity_new_raw(&c->identity, tag_of(shown), shown,
                                         (hf_codes){c->sigalgs, c->num_sigalgs});
  OPENSSL_free(spki);
  return status;
}

hf_status hf_credential_new_raw(hf_credential **out, EVP_PKEY *key, bool signs, hf_codes sigalgs) {
  *out = NULL;
  hf_credential *c = blank();
  if (c == NULL) return HF_NO_MEMORY;
  hf_status status = fill_raw(c, key, sigalgs);
  if (status != HF_OK) {
    hf_credential_free(c);
    return status;
  }
  if (signs) {
    EVP_PKEY_up_ref(key);
    c->key = key;
  }
  *out = c;
  return HF_OK;
}

hf_status hf_credential_set_delegated(hf_credential *credential, hf_bytes delegated,
                                      EVP_PKEY *key) {
  hf_status status = hf_identity_set_delegated(credential->identity, delegated);
  if (status != HF_OK) return status;
  if (key != NULL) EVP_PKEY_up_ref(key);
  EVP_PKEY_free(credential->delegated_key);
  credential->delegated_key = key;
  return HF_OK;
}

hf_status hf_credential_new(hf_credential **out, const hf_bytes *chain, size_t num_chain,
                            EVP_PKEY *key, hf_codes sigalgs, hf_bytes ocsp, hf_bytes scts) {
  *out = NULL;
  if (num_chain == 0) return HF_MISUSE;
  hf_credential *c = blank();
  if (c == NULL) return HF_NO_MEMORY;
  hf_status status = fill(c, chain, num_chain, key, sigalgs, ocsp, scts);
  if (status == HF_OK) {
    *out = c;
  } else {
    hf_credential_free(c);
  }
  return status;
}

void hf_credential_up_ref(hf_credential *credential) {
  atomic_fetch_add(&credential->references, 1);
}

void hf_credential_free(hf_credential *credential) {
  if (credential == NULL || atomic_fetch_sub(&credential->references, 1) != 1) return;
  hf_identity_free(credential->identity);
  EVP_PKEY_free(credential->key);
  EVP_PKEY_free(credential->delegated_key);
  X509_free(credential->leaf);
  OPENSSL_free(credential->issuers);
  OPENSSL_free(credential->names);
  OPENSSL_free(credential);
}

X509 *hf_credential_leaf(const hf_credential *credential) { return credential->leaf; }

const hf_identity *hf_credential_identity(const hf_credential *credential) {
  return credential->identity;
}

/* ---- From files ---- */

enum { MAX_FILE_CHAIN = 32 };

/* read_chain reads the certificates of |bio| to |chain|; each is the caller's to free, whatever is
 * returned. */
static bool read_chain(hf_bytes *chain, size_t *num, BIO *bio) {
  *num = 0;
  while (*num < MAX_FILE_CHAIN) {
    char *name = NULL, *header = NULL;
    uint8_t *data = NULL;
    long len;
    if (!PEM_read_bio(bio, &name, &header, &data, &len)) break;
    bool certificate = strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0;
    OPENSSL_free(name);
    OPENSSL_free(header);
    if (certificate) {
      chain[(*num)++] = (hf_bytes){data, (size_t)len};
    } else {
      OPENSSL_free(data);
    }
  }
  return *num > 0;
}

static EVP_PKEY *read_key(const char *path) {
  BIO *bio = BIO_new_file(path, "rb");
  if (bio == NULL) return NULL;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return key;
}

hf_status hf_credential_load(hf_credential **out, const char *chain_file, const char *key_file) {
  *out = NULL;
  hf_bytes chain[MAX_FILE_CHAIN];
  size_t num = 0;
  hf_status status = HF_MISUSE;
  ERR_set_mark();
  BIO *bio = BIO_new_file(chain_file, "rb");
  EVP_PKEY *key = read_key(key_file);
  if (bio != NULL && key != NULL && read_chain(chain, &num, bio)) {
    ERR_pop_to_mark(); /* the end of the file is one to PEM_read_bio */
    status = hf_credential_new(out, chain, num, key, (hf_codes){NULL, 0}, (hf_bytes){NULL, 0},
                               (hf_bytes){NULL, 0});
  }
  for (size_t i = 0; i < num; i++) OPENSSL_free((void *)(uintptr_t)chain[i].data);
  EVP_PKEY_free(key);
  BIO_free(bio);
  return status;
}

/* ---- HF_ASK_IDENTITY and HF_ASK_SIGNATURE ---- */

/* RSASSA-PKCS1-v1_5 is not for handshake signatures of TLS 1.3 (RFC 9846 4.3.3). */
static bool has_common_sigalg(const hf_credential *c, hf_codes peer, uint16_t version) {
  for (size_t i = 0; i < c->num_sigalgs; i++) {
    if (version >= 0x0304 && (c->sigalgs[i] & 0xff) == 1) continue;
    for (size_t j = 0; j < peer.num; j++)
      if (peer.list[j] == c->sigalgs[i]) return true;
  }
  return false;
}

static bool has(hf_codes codes, uint16_t code) {
  for (size_t i = 0; i < codes.num; i++)
    if (codes.list[i] == code) return true;
  return false;
}

/* In TLS 1.2 the suite says what kind of key signs. */
static bool has_suite(hf_codes suites, bool rsa) {
  static const uint16_t kRsa[] = {0xc02f, 0xc030, 0xcca8}, kOther[] = {0xc02b, 0xc02c, 0xcca9};
  for (size_t i = 0; i < 3; i++)
    if (has(suites, rsa ? kRsa[i] : kOther[i])) return true;
  return false;
}

/* goes_with_12 says whether the key of |c| is what TLS 1.2 allows: on a server what the suites and
 * the curves are for (RFC 8422 5.1, 5.3), on a client the types that were asked for (5.5). */
static bool goes_with_12(const hf_credential *c, const hf_question_t *question, hf_role role) {
  enum { RSA_SIGN = 1, ECDSA_SIGN = 64 };
  const hf_bytes types = question->identity.certificate_types;
  const hf_codes groups = question->identity.groups;
  if (role == HF_CLIENT)
    return types.len > 0 && memchr(types.data, c->rsa ? RSA_SIGN : ECDSA_SIGN, types.len) != NULL;
  return has_suite(question->identity.suites, c->rsa) &&
         (c->curve == 0 || groups.num == 0 || has(groups, c->curve));
}

static bool issued_by(const hf_credential *c, const hf_bytes *authorities, size_t num) {
  for (size_t i = 0; i < c->num_issuers; i++)
    for (size_t j = 0; j < num; j++)
      if (c->issuers[i].len == authorities[j].len &&
          memcmp(c->issuers[i].data, authorities[j].data, authorities[j].len) == 0)
        return true;
  return false;
}

/* choose_of is the best credential of one type. */
static const hf_credential *choose_of(const hf_answers *answers, const hf_conn *conn,
                                      const hf_question_t *question, bool raw) {
  hf_facts facts;
  hf_get_facts(&facts, conn);
  const hf_credential *fallback = NULL;
  for (size_t i = 0; i < answers->num_credentials; i++) {
    const hf_credential *c = answers->credentials[i];
    if ((c->leaf == NULL) != raw ||
        !has_common_sigalg(c, question->identity.sigalgs, facts.version) ||
        (facts.version == 0x0303 && !goes_with_12(c, question, facts.role)))
      continue;
    if (answers->num_credentials == 1 ||
        issued_by(c, question->identity.authorities, question->identity.num_authorities) ||
        (!raw && facts.server_name.len > 0 &&
         X509_check_host(c->leaf, (const char *)facts.server_name.data, facts.server_name.len, 0,
                         NULL) == 1))
      return c;
    if (fallback == NULL) fallback = c;
  }
  return fallback;
}

const hf_credential *hf_answers_choose(const hf_answers *answers, const hf_conn *conn,
                                       const hf_question_t *question) {
  const hf_codes types = question->identity.types;
  const hf_credential *best = NULL;
  for (size_t i = 0; i < types.num && best == NULL; i++)
    best = choose_of(answers, conn, question, types.list[i] == HF_CERT_RAW_KEY);
  return best;
}

bool hf_answers_share_sigalg(const hf_answers *answers, const hf_conn *conn,
                             const hf_question_t *question) {
  hf_facts facts;
  hf_get_facts(&facts, conn);
  for (size_t i = 0; i < answers->num_credentials; i++)
    if (has_common_sigalg(answers->credentials[i], question->identity.sigalgs, facts.version))
      return true;
  return false;
}

bool hf_answers_sign(hf_conn *conn, const hf_answers *answers, const hf_question_t *question) {
  EVP_PKEY *key = NULL;
  for (size_t i = 0; i < answers->num_credentials && key == NULL; i++)
    if (answers->credentials[i]->identity == question->signature.identity)
      key = question->signature.delegated ? answers->credentials[i]->delegated_key
                                          : answers->credentials[i]->key;
  if (key == NULL) return false;
  size_t max = (size_t)EVP_PKEY_size(key), len = 0;
  uint8_t *signature = OPENSSL_malloc(max);
  hf_status status = HF_NO_MEMORY;
  if (signature != NULL)
    status =
        hf_sign(signature, &len, max, key, question->signature.sigalg, question->signature.input);
  if (status == HF_OK) {
    status = hf_answer_signature(conn, (hf_bytes){signature, len});
  } else {
    status = hf_refuse(conn, HF_ALERT_INTERNAL_ERROR);
  }
  OPENSSL_free(signature);
  return status != HF_MISUSE;
}
