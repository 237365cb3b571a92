/* ssl_rpk.h: the part of ssl.h about what stands in for a certificate or its key: raw public keys
 * (RFC 7250), by OpenSSL's names, and delegated credentials (RFC 9345).  Include <openssl/ssl.h>.
 *
 * A raw public key is a key without a certificate: the peer has to know it from elsewhere.  Both
 * sides say which types of certificate they show and take; without that there are X.509
 * certificates alone.  One's own raw key is that of SSL_use_PrivateKey or of the certificate, for
 * each kind of key one; no certificate is needed.  Whom to trust: SSL_add_expected_rpk, or
 * SSL_set_custom_verify, or the callback of SSL_set_verify. */
#ifndef HANDFAST_OPENSSL_SSL_RPK_H
#define HANDFAST_OPENSSL_SSL_RPK_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Raw public keys ---- */

#define TLSEXT_cert_type_x509 0
#define TLSEXT_cert_type_rpk 2

/* X509_V_ERR_RPK_UNTRUSTED: SSL_get_verify_result of a raw public key that is not an expected one.
 * libcrypto has neither this number nor a text for it. */
#ifndef X509_V_ERR_RPK_UNTRUSTED
#define X509_V_ERR_RPK_UNTRUSTED 95
#endif

/* SSL_CTX_set1_server_cert_type sets the types that a server's certificate may have, |len| bytes at
 * |val| in order of preference: on a server what it shows, on a client what it takes.  NULL: X.509
 * alone, as it is from the start.  A client is answered by its own order.  Returns 1, or 0 if a
 * type is neither TLSEXT_cert_type_x509 nor TLSEXT_cert_type_rpk or comes twice, |len| is 0 with a
 * |val|, or memory ran out. */
HF_SSL_EXPORT int SSL_CTX_set1_server_cert_type(SSL_CTX *ctx, const unsigned char *val, size_t len);
HF_SSL_EXPORT int SSL_set1_server_cert_type(SSL *ssl, const unsigned char *val, size_t len);
/* SSL_CTX_set1_client_cert_type does the same for a client's certificate: on a client what it
 * shows, on a server that asks for a certificate what it takes. */
HF_SSL_EXPORT int SSL_CTX_set1_client_cert_type(SSL_CTX *ctx, const unsigned char *val, size_t len);
HF_SSL_EXPORT int SSL_set1_client_cert_type(SSL *ssl, const unsigned char *val, size_t len);
/* SSL_CTX_get0_server_cert_type gives what was set: |*val| is lent until it is set again, NULL with
 * a |*len| of 0 if nothing was.  Returns 1, or 0 if |val| or |len| is NULL. */
HF_SSL_EXPORT int SSL_CTX_get0_server_cert_type(const SSL_CTX *ctx, unsigned char **val,
                                                size_t *len);
HF_SSL_EXPORT int SSL_get0_server_cert_type(const SSL *ssl, unsigned char **val, size_t *len);
HF_SSL_EXPORT int SSL_CTX_get0_client_cert_type(const SSL_CTX *ctx, unsigned char **val,
                                                size_t *len);
HF_SSL_EXPORT int SSL_get0_client_cert_type(const SSL *ssl, unsigned char **val, size_t *len);

/* SSL_add_expected_rpk trusts the peer that shows |rpk|, and any other that was added before.
 * Unlike OpenSSL's it wants no DANE.  Without one every raw key is untrusted: SSL_get_verify_result
 * is X509_V_ERR_RPK_UNTRUSTED, and where a trusted peer is insisted on (SSL_VERIFY_PEER) the
 * handshake fails.  The callback of SSL_set_verify is called once, with an X509_STORE_CTX that has
 * that error but no certificate, and that of SSL_CTX_set_cert_verify_callback instead of all this.
 * Returns 1, or 0: |rpk| is NULL or memory ran out. */
HF_SSL_EXPORT int SSL_add_expected_rpk(SSL *ssl, EVP_PKEY *rpk);
/* SSL_get0_peer_rpk returns the raw public key that the peer showed, lent until the SSL is freed or
 * cleared; NULL: it showed none.  After a resumed handshake it is the session's. */
HF_SSL_EXPORT EVP_PKEY *SSL_get0_peer_rpk(const SSL *ssl);
/* SSL_SESSION_get0_peer_rpk returns that of the connection that |session| came of, lent as long as
 * the session lives; NULL: none. */
HF_SSL_EXPORT EVP_PKEY *SSL_SESSION_get0_peer_rpk(const SSL_SESSION *session);
/* SSL_get_negotiated_server_cert_type returns the type of the server's certificate in this
 * handshake, SSL_get_negotiated_client_cert_type that of the client's: TLSEXT_cert_type_x509 where
 * none was shown, as in a resumed handshake. */
HF_SSL_EXPORT int SSL_get_negotiated_server_cert_type(const SSL *ssl);
HF_SSL_EXPORT int SSL_get_negotiated_client_cert_type(const SSL *ssl);

/* ---- Delegated credentials ---- */

/* SSL_set1_delegated_credential has |ssl| show |dc|, the bytes of a DelegatedCredential (RFC 9345
 * section 4) that the key of the current certificate has signed, to peers that take it, and sign
 * with |pkey|, or with |key_method| if that is NULL; other peers see the certificate alone.  A |dc|
 * of NULL takes it away.  BoringSSL has it for servers; here a client can show one too.  Returns 1;
 * or 0: |dc| cannot be parsed, |pkey| is not its key (X509_R_KEY_VALUES_MISMATCH), there is no
 * certificate yet, both keys are NULL, or memory ran out. */
HF_SSL_EXPORT int SSL_set1_delegated_credential(SSL *ssl, CRYPTO_BUFFER *dc, EVP_PKEY *pkey,
                                                const SSL_PRIVATE_KEY_METHOD *key_method);
/* SSL_delegated_credential_used returns 1 if either side signed the handshake with a delegated
 * credential, else 0. */
HF_SSL_EXPORT int SSL_delegated_credential_used(const SSL *ssl);
/* SSL_CTX_set_delegated_credential_prefs takes delegated credentials from peers, for keys that sign
 * with the SSL_SIGN_ algorithms in |prefs|, in order of preference; RSA's are not for this.  None,
 * as it is from the start: credentials are not taken.  BoringSSL and OpenSSL have no such function.
 * What is wrong with a credential fails the handshake with illegal_parameter; the certificate is
 * verified as ever.  Returns 1, or 0: an algorithm is not known or not allowed or comes twice, or
 * memory ran out. */
HF_SSL_EXPORT int SSL_CTX_set_delegated_credential_prefs(SSL_CTX *ctx, const uint16_t *prefs,
                                                         size_t num_prefs);
HF_SSL_EXPORT int SSL_set_delegated_credential_prefs(SSL *ssl, const uint16_t *prefs,
                                                     size_t num_prefs);

#ifdef __cplusplus
}
#endif
#endif
