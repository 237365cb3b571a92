/* ssl_groups.h: the part of ssl.h about a client's key shares and the names of signature
 * algorithms. Include <openssl/ssl.h>.
 *
 * Groups are those of SSL_CTX_set1_groups_list.  With a libcrypto that has ML-KEM the hybrids
 * X25519MLKEM768, SecP256r1MLKEM768 and SecP384r1MLKEM1024 are among them, and the default is
 * X25519MLKEM768, X25519, P-256, P-384; else the last three. */
#ifndef HANDFAST_OPENSSL_SSL_GROUPS_H
#define HANDFAST_OPENSSL_SSL_GROUPS_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* SSL_set1_client_key_shares sets for which groups a client's first hello has a key share (RFC 9846
 * 4.3.8): some of its groups, in their order, or none, which always takes a HelloRetryRequest.
 * Unless it is called, and again when the groups no longer hold those set here, there is one for
 * the first group, and one for the first that is a hybrid if that is none, or is none if that is
 * one. It returns 1; or 0, with SSL_R_UNSUPPORTED_ELLIPTIC_CURVE if one is no group of |ssl| or out
 * of its place. */
HF_SSL_EXPORT int SSL_set1_client_key_shares(SSL *ssl, const uint16_t *group_ids,
                                             size_t num_group_ids);

/* SSL_get_signature_algorithm_name returns the name of the SignatureScheme |sigalg| (RFC 9846
 * 4.3.3), e.g. "rsa_pss_rsae_sha256"; of ECDSA, with |include_curve| 0, the name that TLS 1.2 has,
 * where the curve is no part of it: "ecdsa_sha256".  NULL: it is not known.  The string lives for
 * ever. */
HF_SSL_EXPORT const char *SSL_get_signature_algorithm_name(uint16_t sigalg, int include_curve);

#ifdef __cplusplus
}
#endif
#endif
