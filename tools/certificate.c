/* certificate.c: certificates made on the spot, for a demo or a quick server. */
#include <string.h>

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tools/tools.h"

static EVP_PKEY *make_key(void) {
  EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  EVP_PKEY *key = EVP_PKEY_new();
  if (ec != NULL && key != NULL && EC_KEY_generate_key(ec) && EVP_PKEY_assign_EC_KEY(key, ec))
    return key;
  EC_KEY_free(ec);
  EVP_PKEY_free(key);
  return NULL;
}

static bool add_extension(X509 *x509, int nid, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);
  bool ok = extension != NULL && X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
  return ok;
}

static bool set_names(X509 *x509, const char *name, X509 *issuer) {
  X509_NAME *subject = X509_get_subject_name(x509);
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                                    0) &&
         X509_set_issuer_name(x509, issuer == NULL ? subject : X509_get_subject_name(issuer));
}

static bool set_serial(X509 *x509) {
  uint64_t serial;
  RAND_bytes((uint8_t *)&serial, sizeof serial);
  ASN1_INTEGER *number = ASN1_INTEGER_new();
  bool ok = number != NULL && ASN1_INTEGER_set_uint64(number, serial >> 1) &&
            X509_set_serialNumber(x509, number);
  ASN1_INTEGER_free(number);
  return ok;
}

static bool set_extensions(X509 *x509, const char *name, bool authority) {
  char names[300];
  bool client = strchr(name, '@') != NULL, host = strchr(name, ' ') == NULL;
  snprintf(names, sizeof names, "%s:%s", client ? "email" : "DNS", name);
  return add_extension(x509, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE") &&
         add_extension(
             x509, NID_key_usage,
             authority ? "critical,digitalSignature,keyCertSign" : "critical,digitalSignature") &&
         (!host || add_extension(x509, NID_subject_alt_name, names));
}

bool certificate_make(X509 **out, EVP_PKEY **out_key, const char *name, X509 *issuer,
                      EVP_PKEY *issuer_key) {
  const long hour = 60 * 60;
  X509 *x509 = X509_new();
  EVP_PKEY *key = make_key();
  bool ok = x509 != NULL && key != NULL && X509_set_version(x509, X509_VERSION_3) &&
            set_serial(x509) && set_names(x509, name, issuer) &&
            X509_gmtime_adj(X509_getm_notBefore(x509), -hour) != NULL &&
            X509_gmtime_adj(X509_getm_notAfter(x509), 24 * hour) != NULL &&
            X509_set_pubkey(x509, key) && set_extensions(x509, name, issuer == NULL) &&
            X509_sign(x509, issuer == NULL ? key : issuer_key, EVP_sha256()) > 0;
  if (!ok) {
    X509_free(x509);
    EVP_PKEY_free(key);
    x509 = NULL;
    key = NULL;
  }
  *out = x509;
  *out_key = key;
  return ok;
}
