/* group.c: groups of the key exchange and signature algorithms, by name, NID and number.
 *
 * A list may name groups that TLS knows and the engine does not; they are kept, passed over when
 * the engine's configuration is made, and refused only if none is left. */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>

#include "ssl/early.h"
#include "ssl/session.h"

/* ---- Groups ---- */

typedef struct group {
  uint16_t id; /* IANA */
  int nid;     /* NID_undef: libcrypto may have none */
  const char *name, *alias, *alias2;
} group;

/* libcrypto has a NID for the hybrid that BoringSSL has. */
#if BORINGSSL_API_VERSION >= 32
enum { NID_OF_X25519MLKEM768 = NID_X25519MLKEM768 };
#else
enum { NID_OF_X25519MLKEM768 = NID_undef };
#endif

static const group kGroups[] = {
    {0x001d, NID_X25519, "X25519", "x25519", "x25519"},
    {0x0017, NID_X9_62_prime256v1, "P-256", "prime256v1", "secp256r1"},
    {0x0018, NID_secp384r1, "P-384", "secp384r1", "secp384r1"},
    {0x0019, NID_secp521r1, "P-521", "secp521r1", "secp521r1"},
    {0x11ec, NID_OF_X25519MLKEM768, "X25519MLKEM768", "x25519mlkem768", "X25519MLKEM768"},
    {0x11eb, NID_undef, "SecP256r1MLKEM768", "secp256r1mlkem768", "SecP256r1MLKEM768"},
    {0x11ed, NID_undef, "SecP384r1MLKEM1024", "secp384r1mlkem1024", "SecP384r1MLKEM1024"},
};
enum { NUM_GROUPS = sizeof kGroups / sizeof kGroups[0] };

static const uint16_t kEngineGroups[] = {
#define GROUP(id, ...) id,
#include "engine/groups.def"
#undef GROUP
};

/* As engine/mlkem.c: a libcrypto of this age has ML-KEM. */
static const bool kHasMlkem = BORINGSSL_API_VERSION >= 32;

bool ssl_engine_has_group(uint16_t id) {
  if (!kHasMlkem && id >> 8 == 0x11) return false; /* the hybrids */
  for (size_t i = 0; i < sizeof kEngineGroups / sizeof kEngineGroups[0]; i++)
    if (kEngineGroups[i] == id) return true;
  return false;
}

static const group *group_by_id(uint16_t id) {
  for (size_t i = 0; i < NUM_GROUPS; i++)
    if (kGroups[i].id == id) return &kGroups[i];
  return NULL;
}

static const group *group_by_nid(int nid) {
  for (size_t i = 0; i < NUM_GROUPS; i++)
    if (kGroups[i].nid == nid && nid != NID_undef) return &kGroups[i];
  return NULL;
}

static const group *group_by_name(const char *text, size_t len) {
  for (size_t i = 0; i < NUM_GROUPS; i++)
    if (ssl_is_word(kGroups[i].name, text, len) || ssl_is_word(kGroups[i].alias, text, len) ||
        ssl_is_word(kGroups[i].alias2, text, len))
      return &kGroups[i];
  return NULL;
}

/* list_add adds |g| to a list of |*num|; false, with the reason on the error queue, if it is
 * unknown or there already. */
static bool list_add(uint16_t list[NUM_GROUPS], size_t *num, const group *g) {
  if (g == NULL) {
    SSL_ERR(SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
    return false;
  }
  for (size_t i = 0; i < *num; i++)
    if (list[i] == g->id) {
      SSL_ERR(SSL_R_DUPLICATE_GROUP);
      return false;
    }
  list[(*num)++] = g->id;
  return true;
}

static int set_list(ssl_settings **settings, const uint16_t *list, size_t num) {
  bool usable = false;
  for (size_t i = 0; i < num; i++) usable = usable || ssl_engine_has_group(list[i]);
  if (!usable) {
    SSL_ERR(num == 0 ? SSL_R_NO_GROUPS_SPECIFIED : SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  if (ssl_codes_set(&s->groups, list, num)) return 1;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return 0;
}

static int set_names(ssl_settings **settings, const char *names) {
  uint16_t list[NUM_GROUPS];
  size_t num = 0;
  while (names != NULL && *names != 0) {
    size_t len = strcspn(names, ":");
    if (!list_add(list, &num, group_by_name(names, len))) return 0;
    names += len + (names[len] == ':' ? 1 : 0);
  }
  return set_list(settings, list, num);
}

static int set_nids(ssl_settings **settings, const int *nids, size_t num_nids) {
  uint16_t list[NUM_GROUPS];
  size_t num = 0;
  for (size_t i = 0; i < num_nids; i++)
    if (!list_add(list, &num, group_by_nid(nids[i]))) return 0;
  return set_list(settings, list, num);
}

static int set_ids(ssl_settings **settings, const uint16_t *ids, size_t num_ids) {
  uint16_t list[NUM_GROUPS];
  size_t num = 0;
  for (size_t i = 0; i < num_ids; i++)
    if (!list_add(list, &num, group_by_id(ids[i]))) return 0;
  return set_list(settings, list, num);
}

int SSL_CTX_set1_groups_list(SSL_CTX *ctx, const char *groups) {
  return set_names(&ctx->settings, groups);
}
int SSL_set1_groups_list(SSL *ssl, const char *groups) { return set_names(&ssl->settings, groups); }
int SSL_CTX_set1_curves_list(SSL_CTX *ctx, const char *curves) {
  return set_names(&ctx->settings, curves);
}
int SSL_set1_curves_list(SSL *ssl, const char *curves) { return set_names(&ssl->settings, curves); }

int SSL_CTX_set1_groups(SSL_CTX *ctx, const int *groups, size_t num_groups) {
  return set_nids(&ctx->settings, groups, num_groups);
}

int SSL_set1_groups(SSL *ssl, const int *groups, size_t num_groups) {
  return set_nids(&ssl->settings, groups, num_groups);
}

int SSL_CTX_set1_curves(SSL_CTX *ctx, const int *curves, size_t num_curves) {
  return set_nids(&ctx->settings, curves, num_curves);
}

int SSL_set1_curves(SSL *ssl, const int *curves, size_t num_curves) {
  return set_nids(&ssl->settings, curves, num_curves);
}

int SSL_CTX_set1_group_ids(SSL_CTX *ctx, const uint16_t *group_ids, size_t num_group_ids) {
  return set_ids(&ctx->settings, group_ids, num_group_ids);
}

int SSL_set1_group_ids(SSL *ssl, const uint16_t *group_ids, size_t num_group_ids) {
  return set_ids(&ssl->settings, group_ids, num_group_ids);
}

const char *SSL_get_group_name(uint16_t group_id) {
  const group *g = group_by_id(group_id);
  return g == NULL ? NULL : g->name;
}

const char *SSL_get_curve_name(uint16_t group_id) { return SSL_get_group_name(group_id); }

static uint16_t negotiated(const SSL *ssl) {
  hf_facts facts;
  const SSL_SESSION *early = ssl_early_session(ssl);
  if (early != NULL) return early->group;
  if (ssl->conn == NULL) return 0;
  hf_get_facts(&facts, ssl->conn);
  /* A resumed session of TLS 1.2 goes on with the secret of the exchange that it was made with. */
  if (facts.version == TLS1_2_VERSION && facts.resumed && ssl->session != NULL)
    return ssl->session->group;
  return facts.group;
}

uint16_t SSL_get_group_id(const SSL *ssl) { return negotiated(ssl); }
uint16_t SSL_get_curve_id(const SSL *ssl) { return negotiated(ssl); }

int SSL_get_negotiated_group(const SSL *ssl) {
  uint16_t id = negotiated(ssl);
  if (id == 0) return NID_undef;
  const group *g = group_by_id(id);
  return g != NULL && g->nid != NID_undef ? g->nid : TLSEXT_nid_unknown | id;
}

static int set_curve_of(ssl_settings **settings, const EC_KEY *key) {
  if (key == NULL || EC_KEY_get0_group(key) == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  int nid = EC_GROUP_get_curve_name(EC_KEY_get0_group(key));
  return set_nids(settings, &nid, 1);
}

int SSL_CTX_set_tmp_ecdh(SSL_CTX *ctx, const EC_KEY *ec_key) {
  return set_curve_of(&ctx->settings, ec_key);
}

int SSL_set_tmp_ecdh(SSL *ssl, const EC_KEY *ec_key) {
  return set_curve_of(&ssl->settings, ec_key);
}

int SSL_CTX_set_tmp_dh(SSL_CTX *ctx, const DH *dh) {
  (void)ctx;
  (void)dh;
  return 1;
}

int SSL_set_tmp_dh(SSL *ssl, const DH *dh) {
  (void)ssl;
  (void)dh;
  return 1;
}

/* ---- Signature algorithms ---- */

/* RFC 9846 4.3.3, and what TLS 1.2 has besides. */
static const uint16_t kSigalgs[] = {
    SSL_SIGN_RSA_PKCS1_SHA1,
    SSL_SIGN_RSA_PKCS1_SHA256,
    SSL_SIGN_RSA_PKCS1_SHA384,
    SSL_SIGN_RSA_PKCS1_SHA512,
    SSL_SIGN_ECDSA_SHA1,
    SSL_SIGN_ECDSA_SECP256R1_SHA256,
    SSL_SIGN_ECDSA_SECP384R1_SHA384,
    SSL_SIGN_ECDSA_SECP521R1_SHA512,
    SSL_SIGN_RSA_PSS_RSAE_SHA256,
    SSL_SIGN_RSA_PSS_RSAE_SHA384,
    SSL_SIGN_RSA_PSS_RSAE_SHA512,
    SSL_SIGN_ED25519,
};

static const uint16_t kEngineSigalgs[] = {
#define SIGALG(id, ...) id,
#include "engine/sigalgs.def"
#undef SIGALG
};

bool ssl_engine_has_sigalg(uint16_t id) {
  for (size_t i = 0; i < sizeof kEngineSigalgs / sizeof kEngineSigalgs[0]; i++)
    if (kEngineSigalgs[i] == id) return true;
  return false;
}

static bool known_sigalg(uint16_t id) {
  for (size_t i = 0; i < sizeof kSigalgs / sizeof kSigalgs[0]; i++)
    if (kSigalgs[i] == id) return true;
  return false;
}

/* valid_prefs: each once; and, if |known|, of those that there are. */
static bool valid_prefs(const uint16_t *prefs, size_t num, bool known) {
  bool ok = num > 0;
  for (size_t i = 0; i < num && ok; i++) {
    ok = !known || known_sigalg(prefs[i]);
    for (size_t j = 0; j < i; j++) ok = ok && prefs[i] != prefs[j];
  }
  if (!ok) SSL_ERR(SSL_R_INVALID_SIGNATURE_ALGORITHM);
  return ok;
}

static int set_verify_prefs(ssl_settings **settings, const uint16_t *prefs, size_t num) {
  ssl_settings *s =
      valid_prefs(prefs, num, true) ? ssl_settings_edit(settings, SSL_EDIT_CONFIG) : NULL;
  if (s == NULL) return 0;
  if (ssl_codes_set(&s->verify_sigalgs, prefs, num)) return 1;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return 0;
}

static int set_signing_prefs(ssl_settings **settings, const uint16_t *prefs, size_t num) {
  ssl_settings *s =
      valid_prefs(prefs, num, false) ? ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS) : NULL;
  if (s == NULL) return 0;
  if (ssl_codes_set(&s->signing_sigalgs, prefs, num)) return 1;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return 0;
}

int SSL_CTX_set_verify_algorithm_prefs(SSL_CTX *ctx, const uint16_t *prefs, size_t num_prefs) {
  return set_verify_prefs(&ctx->settings, prefs, num_prefs);
}

int SSL_set_verify_algorithm_prefs(SSL *ssl, const uint16_t *prefs, size_t num_prefs) {
  return set_verify_prefs(&ssl->settings, prefs, num_prefs);
}

int SSL_CTX_set_signing_algorithm_prefs(SSL_CTX *ctx, const uint16_t *prefs, size_t num_prefs) {
  return set_signing_prefs(&ctx->settings, prefs, num_prefs);
}

int SSL_set_signing_algorithm_prefs(SSL *ssl, const uint16_t *prefs, size_t num_prefs) {
  return set_signing_prefs(&ssl->settings, prefs, num_prefs);
}
