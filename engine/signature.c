/* signature.c: the peer's signature over the handshake, and the key in its certificate.
 *
 * Of a certificate only what verifying needs is read here: the public key, and the key usage.
 * Whether it is to be trusted is a question (HF_ASK_VERDICT). */
#include "engine.h"

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

static bool fits(const hf_sigalg *sigalg, const EVP_PKEY *key) {
  if (EVP_PKEY_id(key) != sigalg->pkey_type) {
    return false;
  }
  if (sigalg->curve == NID_undef) {
    return true;
  }
  // In TLS 1.3 the curve is part of the algorithm: RFC 9846 4.3.3.
  const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);
  return ec != NULL && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == sigalg->curve;
}

hf_status hf_verify(const hf_sigalg *sigalg, EVP_PKEY *key, CBS signature, const uint8_t *input,
                    size_t input_len) {
  if (!fits(sigalg, key)) {
    return HF_WRONG_SIGALG;
  }
  EVP_MD_CTX ctx;
  EVP_PKEY_CTX *pctx;
  ERR_clear_error();
  EVP_MD_CTX_init(&ctx);
  hf_status status = HF_OK;
  if (!EVP_DigestVerifyInit(&ctx, &pctx, sigalg->md == NULL ? NULL : sigalg->md(), NULL, key) ||
      (sigalg->pss && (!EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) ||
                       !EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, -1 /* the hash's length */)))) {
    status = HF_NO_MEMORY;
  } else if (!EVP_DigestVerify(&ctx, CBS_data(&signature), CBS_len(&signature), input, input_len)) {
    status = hf_blame(HF_BAD_SIGNATURE);
  }
  EVP_MD_CTX_cleanup(&ctx);
  return status;
}

/* RFC 5280 4.2.1.3: if keyUsage is there, digitalSignature (bit 0) must be in it; RFC 9846 4.5.1.2.
 */
static hf_status check_key_usage(CBS extensions) {
  static const uint8_t key_usage[] = {0x55, 0x1d, 0x0f};
  CBS list;
  if (!CBS_get_asn1(&extensions, &list, CBS_ASN1_SEQUENCE)) {
    return HF_BAD_CERTIFICATE;
  }
  while (CBS_len(&list) > 0) {
    CBS extension, oid, value, bits;
    if (!CBS_get_asn1(&list, &extension, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&extension, &oid, CBS_ASN1_OBJECT)) {
      return HF_BAD_CERTIFICATE;
    }
    if (!CBS_mem_equal(&oid, key_usage, sizeof(key_usage))) {
      continue;
    }
    if (!CBS_get_optional_asn1(&extension, NULL, NULL, CBS_ASN1_BOOLEAN) ||
        !CBS_get_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) ||
        !CBS_get_asn1(&value, &bits, CBS_ASN1_BITSTRING) || !CBS_is_valid_asn1_bitstring(&bits)) {
      return HF_BAD_CERTIFICATE;
    }
    return CBS_asn1_bitstring_has_bit(&bits, 0) ? HF_OK : HF_KEY_USAGE;
  }
  return HF_OK;
}

hf_status hf_leaf_key(EVP_PKEY **out, CBS certificate) {
  CBS cert, tbs, spki, extensions;
  int has_extensions;
  const unsigned context = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED;
  if (!CBS_get_asn1(&certificate, &cert, CBS_ASN1_SEQUENCE) || CBS_len(&certificate) != 0 ||
      !CBS_get_asn1(&cert, &tbs, CBS_ASN1_SEQUENCE) ||
      !CBS_get_optional_asn1(&tbs, NULL, NULL, context | 0) ||  // version
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_INTEGER) ||            // serialNumber
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) ||           // signature
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) ||           // issuer
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) ||           // validity
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) ||           // subject
      !CBS_get_asn1_element(&tbs, &spki, CBS_ASN1_SEQUENCE) ||
      !CBS_get_optional_asn1(&tbs, NULL, NULL, CBS_ASN1_CONTEXT_SPECIFIC | 1) ||
      !CBS_get_optional_asn1(&tbs, NULL, NULL, CBS_ASN1_CONTEXT_SPECIFIC | 2) ||
      !CBS_get_optional_asn1(&tbs, &extensions, &has_extensions, context | 3)) {
    return HF_BAD_CERTIFICATE;
  }
  if (has_extensions) {
    HF_TRY(check_key_usage(extensions));
  }
  ERR_clear_error();
  *out = EVP_parse_public_key(&spki);
  return *out != NULL ? HF_OK : hf_blame(HF_UNSUPPORTED_CERTIFICATE);
}
