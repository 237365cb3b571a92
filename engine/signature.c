/* signature.c: the peer's signature over the handshake, and the key in its certificate, or that it
 * shows without one.
 *
 * Of a certificate only what verifying needs is read here: the public key, and what it is for.
 * Whether it is to be trusted is a question (HF_ASK_VERDICT). */
#include "engine.h"

#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

/* RSASSA-PKCS1-v1_5 signs no handshake of TLS 1.3: RFC 9846 4.3.3. */
bool hf_signs_13(const hf_sigalg *sigalg) {
  return sigalg->pkey_type != EVP_PKEY_RSA || sigalg->pss;
}

bool hf_may_sign(const hf_conn *conn, const hf_sigalg *sigalg) {
  return hf_tls12(conn) || hf_signs_13(sigalg);
}

static bool fits(const hf_sigalg *sigalg, const EVP_PKEY *key, bool by_curve) {
  if (EVP_PKEY_id(key) != sigalg->pkey_type) {
    return false;
  }
  if (sigalg->curve == NID_undef || !by_curve) {
    return true;
  }
  // In TLS 1.3 the curve is part of the algorithm: RFC 9846 4.3.3.
  const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);
  return ec != NULL && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == sigalg->curve;
}

hf_status hf_verify(const hf_sigalg *sigalg, EVP_PKEY *key, bool by_curve, CBS signature,
                    const uint8_t *input, size_t input_len) {
  if (!fits(sigalg, key, by_curve)) {
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

/* ---- The peer's certificate, or key ---- */

hf_status hf_leaf_parse(hf_leaf *out, CBS certificate) {
  CBS cert, tbs, extensions;
  int has_extensions;
  const unsigned context = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED;
  if (!CBS_get_asn1(&certificate, &cert, CBS_ASN1_SEQUENCE) || CBS_len(&certificate) != 0 ||
      !CBS_get_asn1(&cert, &tbs, CBS_ASN1_SEQUENCE) ||
      !CBS_get_optional_asn1(&tbs, NULL, NULL, context | 0) ||  // version
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_INTEGER) ||            // serialNumber
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) ||           // signature
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) ||           // issuer
      !CBS_get_asn1(&tbs, &out->validity, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&tbs, NULL, CBS_ASN1_SEQUENCE) ||  // subject
      !CBS_get_asn1_element(&tbs, &out->spki, CBS_ASN1_SEQUENCE) ||
      !CBS_get_optional_asn1(&tbs, NULL, NULL, CBS_ASN1_CONTEXT_SPECIFIC | 1) ||
      !CBS_get_optional_asn1(&tbs, NULL, NULL, CBS_ASN1_CONTEXT_SPECIFIC | 2) ||
      !CBS_get_optional_asn1(&tbs, &extensions, &has_extensions, context | 3)) {
    return HF_BAD_CERTIFICATE;
  }
  CBS_init(&out->extensions, NULL, 0);
  return !has_extensions || CBS_get_asn1(&extensions, &out->extensions, CBS_ASN1_SEQUENCE)
             ? HF_OK
             : HF_BAD_CERTIFICATE;
}

hf_status hf_leaf_extension(CBS *value, const hf_leaf *leaf, const uint8_t *oid, size_t oid_len) {
  CBS list = leaf->extensions;
  CBS_init(value, NULL, 0);
  while (CBS_len(&list) > 0) {
    CBS extension, name;
    if (!CBS_get_asn1(&list, &extension, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&extension, &name, CBS_ASN1_OBJECT)) {
      return HF_BAD_CERTIFICATE;
    }
    if (CBS_mem_equal(&name, oid, oid_len)) {
      return CBS_get_optional_asn1(&extension, NULL, NULL, CBS_ASN1_BOOLEAN) &&
                     CBS_get_asn1(&extension, value, CBS_ASN1_OCTETSTRING)
                 ? HF_OK
                 : HF_BAD_CERTIFICATE;
    }
  }
  return HF_OK;
}

/* RFC 5280 4.2.1.3: if keyUsage is there, digitalSignature (bit 0) must be in it; RFC 9846 4.5.1.2.
 */
hf_status hf_leaf_key_usage(CBS *value, const hf_leaf *leaf) {
  static const uint8_t key_usage[] = {0x55, 0x1d, 0x0f};
  HF_TRY(hf_leaf_extension(value, leaf, key_usage, sizeof(key_usage)));
  CBS in = *value, bits;
  if (CBS_data(value) == NULL) {
    return HF_OK;
  }
  if (!CBS_get_asn1(&in, &bits, CBS_ASN1_BITSTRING) || !CBS_is_valid_asn1_bitstring(&bits)) {
    return HF_BAD_CERTIFICATE;
  }
  return CBS_asn1_bitstring_has_bit(&bits, 0) ? HF_OK : HF_KEY_USAGE;
}

static hf_status parse_key(EVP_PKEY **out, CBS spki) {
  ERR_clear_error();
  *out = EVP_parse_public_key(&spki);
  return *out != NULL ? HF_OK : hf_blame(HF_UNSUPPORTED_CERTIFICATE);
}

hf_status hf_leaf_signs(CBS certificate) {
  hf_leaf leaf;
  CBS key_usage;
  HF_TRY(hf_leaf_parse(&leaf, certificate));
  return hf_leaf_key_usage(&key_usage, &leaf);
}

hf_status hf_leaf_key(EVP_PKEY **out, CBS certificate) {
  hf_leaf leaf;
  HF_TRY(hf_leaf_parse(&leaf, certificate));
  return parse_key(out, leaf.spki);
}

hf_status hf_raw_key(EVP_PKEY **out, CBS spki) {
  CBS whole = spki, fields;
  if (!CBS_get_asn1(&whole, &fields, CBS_ASN1_SEQUENCE) || CBS_len(&whole) != 0 ||
      !CBS_get_asn1(&fields, NULL, CBS_ASN1_SEQUENCE) ||   // algorithm
      !CBS_get_asn1(&fields, NULL, CBS_ASN1_BITSTRING) ||  // subjectPublicKey
      CBS_len(&fields) != 0) {
    return HF_BAD_CERTIFICATE;
  }
  return parse_key(out, spki);
}
