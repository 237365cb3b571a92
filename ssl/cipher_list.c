/* cipher_list.c: choosing cipher suites by OpenSSL's words.
 *
 * A list is read from left to right over a row of all suites of TLS 1.2, each active or not, or
 * struck out for good: W    makes the suites of W that are not active yet active, behind those that
 * are -W   makes them inactive; they can come back !W   strikes them out +W   moves those of them
 * that are active to the end
 *   @STRENGTH sorts the active ones by the length of their keys, longest first
 * W is a name or classes with + between, all of which must fit.  [W|W] is a group, as BoringSSL has
 * it: its suites are equally good, and the client's order decides among them.  With groups there is
 * no - ! + @. */
#include <string.h>

#include <openssl/mem.h>

#include "ssl/cipher.h"

/* ---- Words ---- */

enum { ALL_AUTHS = -1, ALL_ENCS = -1 };
/* A class is the suites with this auth and this enc; NOTHING: it is known, and none of ours is in
 * it. */
typedef struct word {
  const char *name;
  int auth, enc; /* an enc of AES means both */
  bool nothing;
} word;
enum { AES = 100 };

static const word kWords[] = {
    {"ALL", ALL_AUTHS, ALL_ENCS, false},
    {"DEFAULT", ALL_AUTHS, ALL_ENCS, false},
    {"HIGH", ALL_AUTHS, ALL_ENCS, false},
    {"TLSv1.2", ALL_AUTHS, ALL_ENCS, false},
    {"kECDHE", ALL_AUTHS, ALL_ENCS, false},
    {"kEECDH", ALL_AUTHS, ALL_ENCS, false},
    {"ECDHE", ALL_AUTHS, ALL_ENCS, false},
    {"EECDH", ALL_AUTHS, ALL_ENCS, false},
    {"ECDH", ALL_AUTHS, ALL_ENCS, false},
    {"aECDSA", SSL_AUTH_ECDSA, ALL_ENCS, false},
    {"ECDSA", SSL_AUTH_ECDSA, ALL_ENCS, false},
    {"aRSA", SSL_AUTH_RSA, ALL_ENCS, false},
    {"AES", ALL_AUTHS, AES, false},
    {"AESGCM", ALL_AUTHS, AES, false},
    {"FIPS", ALL_AUTHS, AES, false},
    {"AES128", ALL_AUTHS, SSL_AES128, false},
    {"AES256", ALL_AUTHS, SSL_AES256, false},
    {"CHACHA20", ALL_AUTHS, SSL_CHACHA20, false},
};

/* Classes without a suite here.  RSA is in it: the word means key transport. */
static const char *const kEmpty[] = {
    "COMPLEMENTOFDEFAULT",
    "COMPLEMENTOFALL",
    "MEDIUM",
    "LOW",
    "EXP",
    "EXPORT",
    "EXPORT40",
    "EXPORT56",
    "NULL",
    "aNULL",
    "eNULL",
    "RSA",
    "kRSA",
    "kDHE",
    "kEDH",
    "DHE",
    "EDH",
    "DH",
    "kDH",
    "kDHr",
    "kDHd",
    "aDH",
    "ADH",
    "AECDH",
    "kECDH",
    "kECDHr",
    "kECDHe",
    "aECDH",
    "DSS",
    "aDSS",
    "PSK",
    "kPSK",
    "aPSK",
    "kECDHEPSK",
    "kDHEPSK",
    "kRSAPSK",
    "SRP",
    "kSRP",
    "aSRP",
    "KRB5",
    "kKRB5",
    "GOST",
    "kGOST",
    "aGOST",
    "AESCCM",
    "AESCCM8",
    "ARIA",
    "ARIAGCM",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "SEED",
    "IDEA",
    "3DES",
    "DES",
    "RC4",
    "RC2",
    "MD5",
    "SHA1",
    "SHA",
    "SHA256",
    "SHA384",
    "SSLv2",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "TLSv1.1",
    "CBC",
};

bool ssl_is_word(const char *name, const char *text, size_t len) {
  return strlen(name) == len && memcmp(name, text, len) == 0;
}

/* find_word: false if it is no class. */
static bool find_word(word *out, const char *text, size_t len) {
  for (size_t i = 0; i < sizeof kWords / sizeof kWords[0]; i++)
    if (ssl_is_word(kWords[i].name, text, len)) {
      *out = kWords[i];
      return true;
    }
  *out = (word){"", ALL_AUTHS, ALL_ENCS, true};
  for (size_t i = 0; i < sizeof kEmpty / sizeof kEmpty[0]; i++)
    if (ssl_is_word(kEmpty[i], text, len)) return true;
  return false;
}

static bool in_class(const SSL_CIPHER *cipher, const word *w) {
  if (w->nothing) return false;
  if (w->auth != ALL_AUTHS && (int)cipher->auth != w->auth) return false;
  if (w->enc == AES) return cipher->enc != SSL_CHACHA20;
  return w->enc == ALL_ENCS || (int)cipher->enc == w->enc;
}

/* ---- The row ---- */

enum { MAX_SUITES = 16 };
typedef struct place {
  const SSL_CIPHER *cipher;
  bool active, struck;
  bool equal; /* to the next one */
} place;
typedef struct row {
  place places[MAX_SUITES];
  size_t num;
  bool in_group, has_groups; /* brackets: one is open; there are some */
} row;

static void fill(row *r) {
  *r = (row){.num = 0};
  const SSL_CIPHER *cipher;
  for (size_t i = 0; (cipher = ssl_cipher_at(i)) != NULL; i++)
    if (cipher->version < TLS1_3_VERSION && r->num < MAX_SUITES)
      r->places[r->num++] = (place){cipher, false, false, false};
}

/* fits says whether a suite is what the |len| bytes at |text| mean; |*known| whether they mean
 * anything. */
static bool fits(const SSL_CIPHER *cipher, const char *text, size_t len, bool *known) {
  bool all = true;
  *known = true;
  if (ssl_is_word(cipher->name, text, len) || ssl_is_word(cipher->standard_name, text, len))
    return true;
  for (;;) {
    const char *plus = memchr(text, '+', len);
    size_t n = plus == NULL ? len : (size_t)(plus - text);
    word w;
    if (!find_word(&w, text, n)) {
      *known = false;
      return false;
    }
    all = all && in_class(cipher, &w);
    if (plus == NULL) return all;
    text += n + 1;
    len -= n + 1;
  }
}

static void to_end(row *r, size_t *at, size_t *end) {
  place p = r->places[*at];
  memmove(&r->places[*at], &r->places[*at + 1], (r->num - *at - 1) * sizeof p);
  r->places[r->num - 1] = p;
  --*at;
  --*end;
}

/* apply does |op| to the suites that |text| means; those that a group adds are equal to what is
 * added next.  False: it means nothing that is known. */
static bool apply(row *r, char op, const char *text, size_t len) {
  bool any_known = false;
  size_t end = r->num;
  for (size_t i = 0; i < end && i < r->num; i++) {
    place *p = &r->places[i];
    bool known;
    bool match = fits(p->cipher, text, len, &known);
    any_known = any_known || known;
    if (!match || p->struck) continue;
    if (op == '!') {
      p->struck = true;
      p->active = false;
    } else if (op == '-') {
      p->active = false;
    } else if (op == '+' ? p->active : !p->active) {
      p->active = true;
      p->equal = r->in_group;
      to_end(r, &i, &end);
    }
  }
  return any_known;
}

static int bits(const place *p) { return SSL_CIPHER_get_bits(p->cipher, NULL); }

/* sort puts longer keys first and leaves the order otherwise. */
static void sort(row *r) {
  for (size_t i = 1; i < r->num; i++)
    for (size_t j = i; j > 0 && bits(&r->places[j - 1]) < bits(&r->places[j]); j--) {
      place p = r->places[j];
      r->places[j] = r->places[j - 1];
      r->places[j - 1] = p;
    }
}

/* bracket opens or closes a group.  What comes after one is not as good as what was in it. */
static bool bracket(row *r, char c) {
  const bool opens = c == '[';
  if (opens == r->in_group) {
    SSL_ERR(opens ? SSL_R_NESTED_GROUP : SSL_R_INVALID_COMMAND);
    return false;
  }
  r->in_group = opens;
  r->has_groups = true;
  if (!opens && r->num > 0) r->places[r->num - 1].equal = false;
  return true;
}

/* goes_with_groups: only names and classes do, for what else there is changes places. */
static bool goes_with_groups(const row *r, char op) {
  if (!r->has_groups || op == 0) return true;
  SSL_ERR(r->in_group ? SSL_R_UNEXPECTED_OPERATOR_IN_GROUP
                      : SSL_R_MIXED_SPECIAL_OPERATOR_WITH_GROUPS);
  return false;
}

static bool command(row *r, const char *text, size_t len) {
  if (ssl_is_word("@STRENGTH", text, len)) {
    sort(r);
    return true;
  }
  /* Security levels are OpenSSL's: what they would forbid is not there. */
  return len == strlen("@SECLEVEL=0") && memcmp(text, "@SECLEVEL=", strlen("@SECLEVEL=")) == 0;
}

/* read_list works |str| off on |r|.  False: brackets that do not fit; or |strict|, and a word is
 * not known. */
static bool read_list(row *r, const char *str, bool strict) {
  while (*str != 0) {
    if (strchr(":,; |[]", *str) != NULL) {
      if ((*str == '[' || *str == ']') && !bracket(r, *str)) return false;
      str++;
      continue;
    }
    size_t len =
        1 + strcspn(str + 1, ":,; []|@"); /* "DEFAULT@SECLEVEL=1": a command needs no gap */
    char op = strchr("+-!@", *str) != NULL ? *str : 0;
    if (!goes_with_groups(r, op)) return false;
    size_t skip = op != 0 ? 1 : 0;
    bool known = op == '@' ? command(r, str, len) : apply(r, op, str + skip, len - skip);
    if (!known && strict) {
      SSL_ERR(SSL_R_INVALID_COMMAND);
      return false;
    }
    str += len;
  }
  if (r->in_group) SSL_ERR(SSL_R_INVALID_COMMAND);
  return !r->in_group;
}

/* ---- Settings ---- */

static bool take_row(ssl_settings *s, const row *r) {
  uint16_t ids[MAX_SUITES];
  size_t num = 0;
  uint32_t equal = 0;
  for (size_t i = 0; i < r->num; i++) {
    if (!r->places[i].active) continue;
    equal |= r->places[i].equal ? 1u << num : 0;
    ids[num++] = r->places[i].cipher->id;
  }
  if (!ssl_codes_set(&s->suites12, ids, num)) return false;
  s->equal12 = equal;
  return true;
}

bool ssl_suites12_default(ssl_settings *settings) {
  row r;
  fill(&r);
  return read_list(&r, SSL_DEFAULT_CIPHER_LIST, true) && take_row(settings, &r);
}

bool ssl_ciphers_rebuild(ssl_settings *settings) {
  STACK_OF(SSL_CIPHER) *ciphers = sk_SSL_CIPHER_new_null();
  bool ok = ciphers != NULL;
  for (size_t i = 0; i < settings->suites.num && ok; i++)
    ok = sk_SSL_CIPHER_push(ciphers, SSL_get_cipher_by_value(settings->suites.list[i])) != 0;
  for (size_t i = 0; i < settings->suites12.num && ok; i++)
    ok = sk_SSL_CIPHER_push(ciphers, SSL_get_cipher_by_value(settings->suites12.list[i])) != 0;
  if (!ok) {
    sk_SSL_CIPHER_free(ciphers);
    return false;
  }
  sk_SSL_CIPHER_free(settings->ciphers);
  settings->ciphers = ciphers;
  return true;
}

/* An empty list is refused, but set all the same: who does not look must not get suites that he
 * meant to exclude. */
static int set_cipher_list(ssl_settings **settings, const char *str, bool strict) {
  if (str == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  row r;
  fill(&r);
  if (!read_list(&r, str, strict)) return 0;
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  if (!take_row(s, &r) || !ssl_ciphers_rebuild(s)) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return 0;
  }
  if (s->suites12.num > 0) return 1;
  SSL_ERR(SSL_R_NO_CIPHER_MATCH);
  return 0;
}

int SSL_CTX_set_cipher_list(SSL_CTX *ctx, const char *str) {
  return set_cipher_list(&ctx->settings, str, false);
}
int SSL_set_cipher_list(SSL *ssl, const char *str) {
  return set_cipher_list(&ssl->settings, str, false);
}

int SSL_CTX_set_strict_cipher_list(SSL_CTX *ctx, const char *str) {
  return set_cipher_list(&ctx->settings, str, true);
}

int SSL_set_strict_cipher_list(SSL *ssl, const char *str) {
  return set_cipher_list(&ssl->settings, str, true);
}

/* find_suite13 returns the suite of TLS 1.3 with a name, or NULL. */
static const SSL_CIPHER *find_suite13(const char *text, size_t len) {
  const SSL_CIPHER *cipher;
  for (size_t i = 0; (cipher = ssl_cipher_at(i)) != NULL; i++)
    if (cipher->version == TLS1_3_VERSION && ssl_is_word(cipher->name, text, len)) return cipher;
  return NULL;
}

static int set_ciphersuites(ssl_settings **settings, const char *str) {
  uint16_t ids[MAX_SUITES];
  size_t num = 0;
  if (str == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  while (*str != 0) {
    size_t len = strcspn(str, ":");
    const SSL_CIPHER *cipher = find_suite13(str, len);
    if (cipher == NULL) {
      SSL_ERR(SSL_R_NO_CIPHER_MATCH);
      return 0;
    }
    bool twice = false;
    for (size_t i = 0; i < num; i++) twice = twice || ids[i] == cipher->id;
    if (!twice) ids[num++] = cipher->id;
    str += len + (str[len] == ':' ? 1 : 0);
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  if (ssl_codes_set(&s->suites, ids, num) && ssl_ciphers_rebuild(s)) return 1;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return 0;
}

int SSL_CTX_set_ciphersuites(SSL_CTX *ctx, const char *str) {
  return set_ciphersuites(&ctx->settings, str);
}
int SSL_set_ciphersuites(SSL *ssl, const char *str) {
  return set_ciphersuites(&ssl->settings, str);
}

STACK_OF(SSL_CIPHER) * SSL_CTX_get_ciphers(const SSL_CTX *ctx) { return ctx->settings->ciphers; }
STACK_OF(SSL_CIPHER) * SSL_get_ciphers(const SSL *ssl) {
  return ssl == NULL ? NULL : ssl->settings->ciphers;
}

const char *SSL_get_cipher_list(const SSL *ssl, int n) {
  STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
  if (ciphers == NULL || n < 0 || (size_t)n >= sk_SSL_CIPHER_num(ciphers)) return NULL;
  return SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, (size_t)n));
}
