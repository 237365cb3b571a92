/* ssl_settings.h: the part of ssl.h that configures.  Include <openssl/ssl.h>.
 *
 * A function SSL_CTX_x sets for all SSLs that are made of the SSL_CTX afterwards; SSL_x for one.
 * Where two functions stand under one comment, that is the only difference.
 */
#ifndef HANDFAST_OPENSSL_SSL_SETTINGS_H
#define HANDFAST_OPENSSL_SSL_SETTINGS_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- SSL_CTX ---- */

/* TLS_method and its like are what SSL_CTX_new wants.  All versions there are; connections of
 * client methods and server methods have their role set.  The SSLv23_ names mean the same; of the
 * TLSv1_2_ names the version is fixed. */
HF_SSL_EXPORT const SSL_METHOD *TLS_method(void);
HF_SSL_EXPORT const SSL_METHOD *TLS_client_method(void);
HF_SSL_EXPORT const SSL_METHOD *TLS_server_method(void);
HF_SSL_EXPORT const SSL_METHOD *SSLv23_method(void);
HF_SSL_EXPORT const SSL_METHOD *SSLv23_client_method(void);
HF_SSL_EXPORT const SSL_METHOD *SSLv23_server_method(void);
HF_SSL_EXPORT const SSL_METHOD *TLSv1_2_method(void);
HF_SSL_EXPORT const SSL_METHOD *TLSv1_2_client_method(void);
HF_SSL_EXPORT const SSL_METHOD *TLSv1_2_server_method(void);

/* SSL_CTX_new makes an SSL_CTX with one reference; NULL on failure. */
HF_SSL_EXPORT SSL_CTX *SSL_CTX_new(const SSL_METHOD *method);
/* SSL_CTX_up_ref takes another reference and returns 1. */
HF_SSL_EXPORT int SSL_CTX_up_ref(SSL_CTX *ctx);
/* SSL_CTX_free releases a reference; NULL is allowed. */
HF_SSL_EXPORT void SSL_CTX_free(SSL_CTX *ctx);
/* As SSL_get_ex_new_index and its like, for SSL_CTX. */
HF_SSL_EXPORT int SSL_CTX_get_ex_new_index(long argl, void *argp, CRYPTO_EX_unused *unused,
                                           CRYPTO_EX_dup *dup_unused, CRYPTO_EX_free *free_func);
HF_SSL_EXPORT int SSL_CTX_set_ex_data(SSL_CTX *ctx, int idx, void *data);
HF_SSL_EXPORT void *SSL_CTX_get_ex_data(const SSL_CTX *ctx, int idx);

/* ---- Versions, options, modes ---- */

/* SSL_CTX_set_min_proto_version and SSL_CTX_set_max_proto_version bound the versions; 0: the
 * default, TLS 1.2 and TLS 1.3. A version that TLS never had is refused with
 * SSL_R_UNKNOWN_SSL_VERSION.  If the bounds leave no version that the engine speaks, the handshake
 * fails with SSL_R_NO_SUPPORTED_VERSIONS_ENABLED. */
HF_SSL_EXPORT int SSL_CTX_set_min_proto_version(SSL_CTX *ctx, uint16_t version);
HF_SSL_EXPORT int SSL_CTX_set_max_proto_version(SSL_CTX *ctx, uint16_t version);
HF_SSL_EXPORT int SSL_set_min_proto_version(SSL *ssl, uint16_t version);
HF_SSL_EXPORT int SSL_set_max_proto_version(SSL *ssl, uint16_t version);
/* The getters return the bounds in force, defaults included. */
HF_SSL_EXPORT uint16_t SSL_CTX_get_min_proto_version(const SSL_CTX *ctx);
HF_SSL_EXPORT uint16_t SSL_CTX_get_max_proto_version(const SSL_CTX *ctx);
HF_SSL_EXPORT uint16_t SSL_get_min_proto_version(const SSL *ssl);
HF_SSL_EXPORT uint16_t SSL_get_max_proto_version(const SSL *ssl);
/* SSL_CTX_set_options adds SSL_OP_ bits, SSL_CTX_clear_options takes some away; both return the
 * result. */
HF_SSL_EXPORT uint32_t SSL_CTX_set_options(SSL_CTX *ctx, uint32_t options);
HF_SSL_EXPORT uint32_t SSL_CTX_clear_options(SSL_CTX *ctx, uint32_t options);
HF_SSL_EXPORT uint32_t SSL_CTX_get_options(const SSL_CTX *ctx);
HF_SSL_EXPORT uint32_t SSL_set_options(SSL *ssl, uint32_t options);
HF_SSL_EXPORT uint32_t SSL_clear_options(SSL *ssl, uint32_t options);
HF_SSL_EXPORT uint32_t SSL_get_options(const SSL *ssl);
/* The same for SSL_MODE_ bits. */
HF_SSL_EXPORT uint32_t SSL_CTX_set_mode(SSL_CTX *ctx, uint32_t mode);
HF_SSL_EXPORT uint32_t SSL_CTX_clear_mode(SSL_CTX *ctx, uint32_t mode);
HF_SSL_EXPORT uint32_t SSL_CTX_get_mode(const SSL_CTX *ctx);
HF_SSL_EXPORT uint32_t SSL_set_mode(SSL *ssl, uint32_t mode);
HF_SSL_EXPORT uint32_t SSL_clear_mode(SSL *ssl, uint32_t mode);
HF_SSL_EXPORT uint32_t SSL_get_mode(const SSL *ssl);
/* SSL_CTX_set_read_ahead: if |yes| is not 0, reads may ask the BIO for more than the current
 * record. */
HF_SSL_EXPORT int SSL_CTX_set_read_ahead(SSL_CTX *ctx, int yes);
HF_SSL_EXPORT int SSL_CTX_get_read_ahead(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_set_read_ahead(SSL *ssl, int yes);
HF_SSL_EXPORT int SSL_get_read_ahead(const SSL *ssl);
/* SSL_CTX_set_max_send_fragment bounds the data in one record that is sent, of the handshake or the
 * application; 512 to 16384, other values are brought into the range.  Set during a connection it
 * can lower the bound, for what SSL_write makes.  Returns 1, or 0 if memory ran out. */
HF_SSL_EXPORT int SSL_CTX_set_max_send_fragment(SSL_CTX *ctx, size_t max_send_fragment);
HF_SSL_EXPORT int SSL_set_max_send_fragment(SSL *ssl, size_t max_send_fragment);
/* SSL_CTX_set_max_cert_list bounds the peer's Certificate message, in bytes;
 * SSL_MAX_CERT_LIST_DEFAULT at first. */
HF_SSL_EXPORT void SSL_CTX_set_max_cert_list(SSL_CTX *ctx, size_t max_cert_list);
HF_SSL_EXPORT size_t SSL_CTX_get_max_cert_list(const SSL_CTX *ctx);
HF_SSL_EXPORT void SSL_set_max_cert_list(SSL *ssl, size_t max_cert_list);
HF_SSL_EXPORT size_t SSL_get_max_cert_list(const SSL *ssl);

/* ---- Certificates and keys ----
 *
 * One certificate, with its chain and key, for each kind of key: RSA, EC, Ed25519.  The one set
 * last is the current one, which the getters and the chain functions mean.  The peer's signature
 * algorithms decide which is shown. */

/* SSL_CTX_use_certificate sets the certificate for its kind of key.  If the key of that kind is not
 * its own, the key is dropped; so certificate first, key second. */
HF_SSL_EXPORT int SSL_CTX_use_certificate(SSL_CTX *ctx, X509 *x509);
HF_SSL_EXPORT int SSL_use_certificate(SSL *ssl, X509 *x509);
HF_SSL_EXPORT int SSL_CTX_use_certificate_ASN1(SSL_CTX *ctx, size_t der_len, const uint8_t *der);
HF_SSL_EXPORT int SSL_use_certificate_ASN1(SSL *ssl, const uint8_t *der, size_t der_len);
/* |type| is SSL_FILETYPE_PEM (the file's first certificate) or SSL_FILETYPE_ASN1. */
HF_SSL_EXPORT int SSL_CTX_use_certificate_file(SSL_CTX *ctx, const char *file, int type);
HF_SSL_EXPORT int SSL_use_certificate_file(SSL *ssl, const char *file, int type);
/* The file is PEM: the certificate first, then those of its chain, which replace the chain there
 * was. */
HF_SSL_EXPORT int SSL_CTX_use_certificate_chain_file(SSL_CTX *ctx, const char *file);
HF_SSL_EXPORT int SSL_use_certificate_chain_file(SSL *ssl, const char *file);
/* SSL_CTX_use_PrivateKey sets the key of its kind.  It fails if there is a certificate of that kind
 * and it is another's. */
HF_SSL_EXPORT int SSL_CTX_use_PrivateKey(SSL_CTX *ctx, EVP_PKEY *pkey);
HF_SSL_EXPORT int SSL_use_PrivateKey(SSL *ssl, EVP_PKEY *pkey);
/* |pk| is the kind of key, EVP_PKEY_RSA and the like. */
HF_SSL_EXPORT int SSL_CTX_use_PrivateKey_ASN1(int pk, SSL_CTX *ctx, const uint8_t *der,
                                              size_t der_len);
HF_SSL_EXPORT int SSL_use_PrivateKey_ASN1(int pk, SSL *ssl, const uint8_t *der, size_t der_len);
HF_SSL_EXPORT int SSL_CTX_use_PrivateKey_file(SSL_CTX *ctx, const char *file, int type);
HF_SSL_EXPORT int SSL_use_PrivateKey_file(SSL *ssl, const char *file, int type);
HF_SSL_EXPORT int SSL_CTX_use_RSAPrivateKey(SSL_CTX *ctx, RSA *rsa);
HF_SSL_EXPORT int SSL_use_RSAPrivateKey(SSL *ssl, RSA *rsa);
HF_SSL_EXPORT int SSL_CTX_use_RSAPrivateKey_ASN1(SSL_CTX *ctx, const uint8_t *der, size_t der_len);
HF_SSL_EXPORT int SSL_use_RSAPrivateKey_ASN1(SSL *ssl, const uint8_t *der, size_t der_len);
HF_SSL_EXPORT int SSL_CTX_use_RSAPrivateKey_file(SSL_CTX *ctx, const char *file, int type);
HF_SSL_EXPORT int SSL_use_RSAPrivateKey_file(SSL *ssl, const char *file, int type);
/* SSL_CTX_check_private_key returns 1 if the current certificate and key are there and belong
 * together. */
HF_SSL_EXPORT int SSL_CTX_check_private_key(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_check_private_key(const SSL *ssl);
/* SSL_CTX_set_default_passwd_cb sets who is asked for the password of an encrypted PEM file, with
 * |data| for its last argument.  Without it |data| is the password, if it is not NULL. */
HF_SSL_EXPORT void SSL_CTX_set_default_passwd_cb(SSL_CTX *ctx, pem_password_cb *cb);
HF_SSL_EXPORT pem_password_cb *SSL_CTX_get_default_passwd_cb(const SSL_CTX *ctx);
HF_SSL_EXPORT void SSL_CTX_set_default_passwd_cb_userdata(SSL_CTX *ctx, void *data);
HF_SSL_EXPORT void *SSL_CTX_get_default_passwd_cb_userdata(const SSL_CTX *ctx);
/* The same for the files that one SSL loads; what is NULL is as its SSL_CTX has it. */
HF_SSL_EXPORT void SSL_set_default_passwd_cb(SSL *ssl, pem_password_cb *cb);
HF_SSL_EXPORT pem_password_cb *SSL_get_default_passwd_cb(SSL *ssl);
HF_SSL_EXPORT void SSL_set_default_passwd_cb_userdata(SSL *ssl, void *data);
HF_SSL_EXPORT void *SSL_get_default_passwd_cb_userdata(SSL *ssl);
/* The chain: the certificates after the current one.  The extra chain belongs to every certificate
 * that has no chain; what is added before there is a certificate goes there too.
 * get_extra_chain_certs gives the current chain if there is no extra one. */
HF_SSL_EXPORT int SSL_CTX_set0_chain(SSL_CTX *ctx, STACK_OF(X509) * chain);
HF_SSL_EXPORT int SSL_CTX_set1_chain(SSL_CTX *ctx, STACK_OF(X509) * chain);
HF_SSL_EXPORT int SSL_set0_chain(SSL *ssl, STACK_OF(X509) * chain);
HF_SSL_EXPORT int SSL_set1_chain(SSL *ssl, STACK_OF(X509) * chain);
HF_SSL_EXPORT int SSL_CTX_add0_chain_cert(SSL_CTX *ctx, X509 *x509);
HF_SSL_EXPORT int SSL_CTX_add1_chain_cert(SSL_CTX *ctx, X509 *x509);
HF_SSL_EXPORT int SSL_add0_chain_cert(SSL *ssl, X509 *x509);
HF_SSL_EXPORT int SSL_add1_chain_cert(SSL *ssl, X509 *x509);
HF_SSL_EXPORT int SSL_CTX_add_extra_chain_cert(SSL_CTX *ctx, X509 *x509);
HF_SSL_EXPORT int SSL_CTX_clear_chain_certs(SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_clear_extra_chain_certs(SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_clear_chain_certs(SSL *ssl);
HF_SSL_EXPORT int SSL_CTX_get0_chain_certs(const SSL_CTX *ctx, STACK_OF(X509) * *out_chain);
HF_SSL_EXPORT int SSL_CTX_get_extra_chain_certs(const SSL_CTX *ctx, STACK_OF(X509) * *out_chain);
HF_SSL_EXPORT int SSL_get0_chain_certs(const SSL *ssl, STACK_OF(X509) * *out_chain);
/* The current certificate and key, lent; NULL if there is none. */
HF_SSL_EXPORT X509 *SSL_CTX_get0_certificate(const SSL_CTX *ctx);
HF_SSL_EXPORT X509 *SSL_get_certificate(const SSL *ssl);
HF_SSL_EXPORT EVP_PKEY *SSL_CTX_get0_privatekey(const SSL_CTX *ctx);
HF_SSL_EXPORT EVP_PKEY *SSL_get_privatekey(const SSL *ssl);
/* SSL_CTX_set_ocsp_response sets the OCSP response (RFC 6960, in DER) that is stapled to the
 * current certificate, or to the first that is set if there is none yet, for peers that ask for it;
 * it is copied.  Of no bytes: none.  Returns 0 if memory ran out, or if it and the timestamps are
 * over 65523 bytes together: SSL_R_DATA_LENGTH_TOO_LONG. */
HF_SSL_EXPORT int SSL_CTX_set_ocsp_response(SSL_CTX *ctx, const uint8_t *response,
                                            size_t response_len);
HF_SSL_EXPORT int SSL_set_ocsp_response(SSL *ssl, const uint8_t *response, size_t response_len);
/* SSL_CTX_set_signed_cert_timestamp_list does so with a SignedCertificateTimestampList, with its
 * outer length (RFC 6962 section 3.3).  SSL_R_INVALID_SCT_LIST if it is none, or empty, or a
 * timestamp in it is. */
HF_SSL_EXPORT int SSL_CTX_set_signed_cert_timestamp_list(SSL_CTX *ctx, const uint8_t *list,
                                                         size_t list_len);
HF_SSL_EXPORT int SSL_set_signed_cert_timestamp_list(SSL *ssl, const uint8_t *list,
                                                     size_t list_len);
/* SSL_CTX_enable_ocsp_stapling has clients ask for an OCSP response, and
 * SSL_CTX_enable_signed_cert_timestamps for timestamps.  What came is for the application to judge:
 * SSL_get0_ocsp_response.  If memory runs out, the reason is on the error queue and nothing is
 * asked for. */
HF_SSL_EXPORT void SSL_CTX_enable_ocsp_stapling(SSL_CTX *ctx);
HF_SSL_EXPORT void SSL_enable_ocsp_stapling(SSL *ssl);
HF_SSL_EXPORT void SSL_CTX_enable_signed_cert_timestamps(SSL_CTX *ctx);
HF_SSL_EXPORT void SSL_enable_signed_cert_timestamps(SSL *ssl);

/* SSL_CTX_set_grease_enabled has clients send GREASE (RFC 8701), or not: values that nobody
 * defines, among the suites, groups, shares, versions and extensions of their hellos; and servers,
 * in the tickets of TLS 1.3.
 * SSL_CTX_set_permute_extensions has the extensions of each hello stand in another order.  Both are
 * off at first.  If memory runs out, the reason is on the error queue and nothing changes. */
HF_SSL_EXPORT void SSL_CTX_set_grease_enabled(SSL_CTX *ctx, int enabled);
HF_SSL_EXPORT void SSL_CTX_set_permute_extensions(SSL_CTX *ctx, int enabled);
HF_SSL_EXPORT void SSL_set_permute_extensions(SSL *ssl, int enabled);

/* SSL_CTX_set_cert_cb sets a callback that may configure a certificate at the last moment: on a
 * server for each ClientHello, on a client when a certificate is asked for.  It returns 1 to go on,
 * 0 to fail, -1 to be called again (SSL_ERROR_WANT_X509_LOOKUP). */
HF_SSL_EXPORT void SSL_CTX_set_cert_cb(SSL_CTX *ctx, int (*cb)(SSL *ssl, void *arg), void *arg);
HF_SSL_EXPORT void SSL_set_cert_cb(SSL *ssl, int (*cb)(SSL *ssl, void *arg), void *arg);

/* SSL_CTX_set_client_cert_cb sets, as a certificate callback, who gives a client that has no
 * certificate the one for the server that asks for it: 1 with |*out_x509| and |*out_pkey| set,
 * which are taken over, 0 for none, -1 to be called again (SSL_ERROR_WANT_X509_LOOKUP). */
HF_SSL_EXPORT void SSL_CTX_set_client_cert_cb(SSL_CTX *ctx, int (*cb)(SSL *ssl, X509 **out_x509,
                                                                      EVP_PKEY **out_pkey));
/* What these callbacks may want to know, lent until they have answered.  SSL_get0_certificate_types
 * gives the kinds of certificate that a server of TLS 1.2 asks for, and returns how many; TLS 1.3
 * has none.  SSL_get0_peer_verify_algorithms gives the SignatureSchemes that the peer takes. */
HF_SSL_EXPORT size_t SSL_get0_certificate_types(const SSL *ssl, const uint8_t **out_types);
HF_SSL_EXPORT size_t SSL_get0_peer_verify_algorithms(const SSL *ssl, const uint16_t **out_sigalgs);

/* ---- Private keys that are elsewhere ---- */

/* ssl_private_key_result_t is what the functions of an SSL_PRIVATE_KEY_METHOD return: it is done;
 * ask |complete| later (SSL_ERROR_WANT_PRIVATE_KEY_OPERATION); it cannot be done, and the handshake
 * fails with internal_error. */
enum ssl_private_key_result_t BORINGSSL_ENUM_INT {
  ssl_private_key_success,
  ssl_private_key_retry,
  ssl_private_key_failure
};

/* ssl_private_key_method_st (SSL_PRIVATE_KEY_METHOD) is who signs with a key that is not here.
 * |sign| signs |in| under the SSL_SIGN_ code |signature_algorithm|, writes at most |max_out| bytes
 * to |out| and their number to |*out_len|; |in| is lent until it returns.  After it said
 * ssl_private_key_retry, each call on |ssl| that goes on with the handshake calls |complete| until
 * that says something else; it writes the signature in the same way.  There is at most one
 * operation at a time for each SSL.  If the SSL is freed or cleared meanwhile, neither is called
 * again. |decrypt| is for key exchanges that there are none of; it is not called, and may be NULL.
 */
struct ssl_private_key_method_st {
  enum ssl_private_key_result_t (*sign)(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out,
                                        uint16_t signature_algorithm, const uint8_t *in,
                                        size_t in_len);
  enum ssl_private_key_result_t (*decrypt)(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out,
                                           const uint8_t *in, size_t in_len);
  enum ssl_private_key_result_t (*complete)(SSL *ssl, uint8_t *out, size_t *out_len,
                                            size_t max_out);
};

/* SSL_CTX_set_private_key_method drops the private keys there are, and has |key_method| sign for
 * every certificate that has none; it must live as long as any SSL that has it.  A key that is set
 * later is used for its certificate.  NULL: nobody signs for them.  What the key can sign with
 * follows from the certificate; SSL_CTX_set_signing_algorithm_prefs restricts it. */
HF_SSL_EXPORT void SSL_CTX_set_private_key_method(SSL_CTX *ctx,
                                                  const SSL_PRIVATE_KEY_METHOD *key_method);
HF_SSL_EXPORT void SSL_set_private_key_method(SSL *ssl, const SSL_PRIVATE_KEY_METHOD *key_method);

/* What an SSL_SIGN_ code means: the kind of key, EVP_PKEY_RSA and the like, or EVP_PKEY_NONE if it
 * is not known; the hash, NULL if there is none before the signature; whether it is RSASSA-PSS. */
HF_SSL_EXPORT int SSL_get_signature_algorithm_key_type(uint16_t sigalg);
HF_SSL_EXPORT const EVP_MD *SSL_get_signature_algorithm_digest(uint16_t sigalg);
HF_SSL_EXPORT int SSL_is_signature_algorithm_rsa_pss(uint16_t sigalg);

/* ---- A server's first look at a ClientHello ---- */

/* ssl_early_callback_ctx (SSL_CLIENT_HELLO) is a ClientHello as it was received: the message
 * without its header, and its parts; lent until the callback returns.  |version| is its
 * legacy_version; the cookie, of DTLS, is empty. */
struct ssl_early_callback_ctx {
  SSL *ssl;
  const uint8_t *client_hello;
  size_t client_hello_len;
  uint16_t version;
  const uint8_t *random;
  size_t random_len;
  const uint8_t *session_id;
  size_t session_id_len;
  const uint8_t *dtls_cookie;
  size_t dtls_cookie_len;
  const uint8_t *cipher_suites;
  size_t cipher_suites_len;
  const uint8_t *compression_methods;
  size_t compression_methods_len;
  const uint8_t *extensions;
  size_t extensions_len;
};

/* ssl_select_cert_result_t is what the callback of SSL_CTX_set_select_certificate_cb returns: go
 * on; call me again (SSL_ERROR_PENDING_CERTIFICATE); refuse the client (handshake_failure), which
 * ssl_select_cert_disable_ech does too, as there is no ECH. */
enum ssl_select_cert_result_t BORINGSSL_ENUM_INT {
  ssl_select_cert_success = 1,
  ssl_select_cert_retry = 0,
  ssl_select_cert_error = -1,
  ssl_select_cert_disable_ech = -2
};

/* SSL_CTX_set_select_certificate_cb sets who sees the first ClientHello of each connection before
 * the other callbacks do and before anything is decided, and may configure its |ssl|. */
HF_SSL_EXPORT void SSL_CTX_set_select_certificate_cb(
    SSL_CTX *ctx, enum ssl_select_cert_result_t (*cb)(const SSL_CLIENT_HELLO *hello));
/* SSL_early_callback_ctx_extension_get finds the extension |extension_type|: 1, and |*out_data| and
 * |*out_len| are its body, lent as |client_hello| is; 0: it was not sent. */
HF_SSL_EXPORT int SSL_early_callback_ctx_extension_get(const SSL_CLIENT_HELLO *client_hello,
                                                       uint16_t extension_type,
                                                       const uint8_t **out_data, size_t *out_len);
/* SSL_CTX_set_dos_protection_cb sets who is asked last about a ClientHello, before sessions are
 * looked for: 1 to go on, 0 to refuse the client with internal_error. */
HF_SSL_EXPORT void SSL_CTX_set_dos_protection_cb(SSL_CTX *ctx,
                                                 int (*cb)(const SSL_CLIENT_HELLO *hello));

/* ---- Verification of the peer ---- */

/* SSL_CTX_set_verify says what becomes of the peer's chain.  SSL_VERIFY_NONE: a client goes on
 * whatever it is, a server asks for none.  SSL_VERIFY_PEER: it must be trusted; a server asks for
 * one, and with SSL_VERIFY_FAIL_IF_NO_PEER_CERT insists.  Without that it resumes sessions of
 * clients that showed none, or were asked for none; SSL_CTX_set_session_id_context keeps such
 * apart. |callback| is X509_STORE_CTX's verify callback; NULL keeps the one there is. */
HF_SSL_EXPORT void SSL_CTX_set_verify(SSL_CTX *ctx, int mode,
                                      int (*callback)(int ok, X509_STORE_CTX *store_ctx));
HF_SSL_EXPORT void SSL_set_verify(SSL *ssl, int mode,
                                  int (*callback)(int ok, X509_STORE_CTX *store_ctx));
HF_SSL_EXPORT int SSL_CTX_get_verify_mode(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_get_verify_mode(const SSL *ssl);
HF_SSL_EXPORT int (*SSL_CTX_get_verify_callback(const SSL_CTX *ctx))(int ok,
                                                                     X509_STORE_CTX *store_ctx);
HF_SSL_EXPORT int (*SSL_get_verify_callback(const SSL *ssl))(int ok, X509_STORE_CTX *store_ctx);
/* SSL_CTX_set_verify_depth bounds the number of certificates between the peer's and the trusted
 * one; older libcryptos count the trusted one, too. */
HF_SSL_EXPORT void SSL_CTX_set_verify_depth(SSL_CTX *ctx, int depth);
HF_SSL_EXPORT void SSL_set_verify_depth(SSL *ssl, int depth);
HF_SSL_EXPORT int SSL_CTX_get_verify_depth(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_get_verify_depth(const SSL *ssl);
/* SSL_set1_host demands a certificate for |hostname|, a DNS name (the dot at its end, if there is
 * one, does not count) or an IP address.  An empty one is refused, and no chain is trusted from
 * then on.  SSL_set_hostflags sets X509_CHECK_FLAG_ bits for
 * the comparison. */
HF_SSL_EXPORT int SSL_set1_host(SSL *ssl, const char *hostname);
HF_SSL_EXPORT void SSL_set_hostflags(SSL *ssl, unsigned flags);
/* SSL_CTX_get0_param lends the parameters of verification, to be changed; SSL_CTX_set1_param copies
 * |param| over them. */
HF_SSL_EXPORT X509_VERIFY_PARAM *SSL_CTX_get0_param(SSL_CTX *ctx);
HF_SSL_EXPORT X509_VERIFY_PARAM *SSL_get0_param(SSL *ssl);
HF_SSL_EXPORT int SSL_CTX_set1_param(SSL_CTX *ctx, const X509_VERIFY_PARAM *param);
HF_SSL_EXPORT int SSL_set1_param(SSL *ssl, const X509_VERIFY_PARAM *param);
HF_SSL_EXPORT int SSL_CTX_set_purpose(SSL_CTX *ctx, int purpose);
HF_SSL_EXPORT int SSL_set_purpose(SSL *ssl, int purpose);
HF_SSL_EXPORT int SSL_CTX_set_trust(SSL_CTX *ctx, int trust);
HF_SSL_EXPORT int SSL_set_trust(SSL *ssl, int trust);
/* SSL_CTX_set_cert_store replaces the trusted certificates and takes over the reference;
 * SSL_CTX_get_cert_store lends. */
HF_SSL_EXPORT void SSL_CTX_set_cert_store(SSL_CTX *ctx, X509_STORE *store);
HF_SSL_EXPORT X509_STORE *SSL_CTX_get_cert_store(const SSL_CTX *ctx);
/* These stores are used in place of the SSL_CTX's for verifying; NULL: its own again. */
HF_SSL_EXPORT int SSL_CTX_set0_verify_cert_store(SSL_CTX *ctx, X509_STORE *store);
HF_SSL_EXPORT int SSL_CTX_set1_verify_cert_store(SSL_CTX *ctx, X509_STORE *store);
HF_SSL_EXPORT int SSL_set0_verify_cert_store(SSL *ssl, X509_STORE *store);
HF_SSL_EXPORT int SSL_set1_verify_cert_store(SSL *ssl, X509_STORE *store);
/* SSL_CTX_set_default_verify_paths trusts what libcrypto's default file and directory hold; that
 * neither is there is no failure. */
HF_SSL_EXPORT int SSL_CTX_set_default_verify_paths(SSL_CTX *ctx);
/* SSL_CTX_load_verify_locations trusts the certificates in the PEM file |ca_file| and those in the
 * directory |ca_dir|, which are looked for by the hash of their name when needed.  One of the two
 * may be NULL. */
HF_SSL_EXPORT int SSL_CTX_load_verify_locations(SSL_CTX *ctx, const char *ca_file,
                                                const char *ca_dir);
/* SSL_CTX_set_cert_verify_callback has |callback| called in place of X509_verify_cert. */
HF_SSL_EXPORT void SSL_CTX_set_cert_verify_callback(
    SSL_CTX *ctx, int (*callback)(X509_STORE_CTX *store_ctx, void *arg), void *arg);
/* ssl_verify_result_t is what the callback of SSL_CTX_set_custom_verify returns: the chain is
 * trusted; it is not; call me again (SSL_ERROR_WANT_CERTIFICATE_VERIFY). */
enum ssl_verify_result_t BORINGSSL_ENUM_INT { ssl_verify_ok, ssl_verify_invalid, ssl_verify_retry };
/* SSL_CTX_set_custom_verify sets the mode, as SSL_CTX_set_verify does, and |callback| to verify the
 * peer's chain (SSL_get0_peer_certificates) in place of libcrypto, names and all; NULL: libcrypto
 * again.  If the chain is not trusted, the peer is told |*out_alert|, certificate_unknown at first;
 * with SSL_VERIFY_NONE the handshake goes on all the same.  SSL_get_verify_result is X509_V_OK or
 * X509_V_ERR_APPLICATION_VERIFICATION afterwards. */
HF_SSL_EXPORT void SSL_CTX_set_custom_verify(
    SSL_CTX *ctx, int mode, enum ssl_verify_result_t (*callback)(SSL *ssl, uint8_t *out_alert));
HF_SSL_EXPORT void SSL_set_custom_verify(SSL *ssl, int mode,
                                         enum ssl_verify_result_t (*callback)(SSL *ssl,
                                                                              uint8_t *out_alert));
/* SSL_set_enforce_rsa_key_usage: if |enabled| is 0, a client of TLS 1.2 also takes RSA certificates
 * whose keyUsage does not allow the signature that their key made, which RFC 5246 section 7.4.2
 * forbids.  At first, and in every other case whatever |enabled| is, they fail the handshake with
 * SSL_R_KEY_USAGE_BIT_INCORRECT.  It is looked at after the verification of the chain, whose
 * callbacks may set it. */
HF_SSL_EXPORT void SSL_set_enforce_rsa_key_usage(SSL *ssl, int enabled);
/* SSL_CTX_set_retain_only_sha256_of_client_certs: if |enable| is not 0, a server keeps of a
 * client's certificates no more than the SHA-256 hash of the first, in memory and in sessions: see
 * SSL_SESSION_get0_peer_sha256.  The chain is there until the end of the handshake, for callbacks;
 * afterwards SSL_get_peer_certificate and its like return NULL, and what they lent is gone.
 * |enable| counts when the certificates come, and when a session is to be resumed: one that has the
 * chain where the hash is wanted, or the other way round, leads to a full handshake.  Raw public
 * keys are kept. */
HF_SSL_EXPORT void SSL_CTX_set_retain_only_sha256_of_client_certs(SSL_CTX *ctx, int enable);
HF_SSL_EXPORT void SSL_set_retain_only_sha256_of_client_certs(SSL *ssl, int enable);
/* SSL_CTX_set_verify_algorithm_prefs sets the SignatureSchemes that the peer may use, best first.
 */
HF_SSL_EXPORT int SSL_CTX_set_verify_algorithm_prefs(SSL_CTX *ctx, const uint16_t *prefs,
                                                     size_t num_prefs);
HF_SSL_EXPORT int SSL_set_verify_algorithm_prefs(SSL *ssl, const uint16_t *prefs, size_t num_prefs);
/* SSL_CTX_set_signing_algorithm_prefs sets those that this side may use; what is not known here is
 * passed over.  A certificate that none of them is for is not shown: a handshake that needs it
 * fails with NO_COMMON_SIGNATURE_ALGORITHMS. */
HF_SSL_EXPORT int SSL_CTX_set_signing_algorithm_prefs(SSL_CTX *ctx, const uint16_t *prefs,
                                                      size_t num_prefs);
HF_SSL_EXPORT int SSL_set_signing_algorithm_prefs(SSL *ssl, const uint16_t *prefs,
                                                  size_t num_prefs);

/* ---- Certificate authorities that a server names to its clients ----
 *
 * The list is a hint.  At most 32 KiB of names are sent, with two bytes for each; those of a longer
 * list that do not fit any more are left out. */

/* SSL_CTX_set_client_CA_list takes |list| over. */
HF_SSL_EXPORT void SSL_CTX_set_client_CA_list(SSL_CTX *ctx, STACK_OF(X509_NAME) * list);
HF_SSL_EXPORT void SSL_set_client_CA_list(SSL *ssl, STACK_OF(X509_NAME) * list);
/* SSL_CTX_set0_client_CAs and SSL_set0_client_CAs take over a list of names in DER; what is no name
 * is left out. */
HF_SSL_EXPORT void SSL_CTX_set0_client_CAs(SSL_CTX *ctx, STACK_OF(CRYPTO_BUFFER) * name_list);
HF_SSL_EXPORT void SSL_set0_client_CAs(SSL *ssl, STACK_OF(CRYPTO_BUFFER) * name_list);
/* SSL_get0_server_requested_CAs lends a client the names that the server sent with its
 * CertificateRequest, in DER as they came, until the handshake goes on: it is for the callback of
 * SSL_CTX_set_cert_cb, and while that is waited for.  Else NULL. */
HF_SSL_EXPORT const STACK_OF(CRYPTO_BUFFER) * SSL_get0_server_requested_CAs(const SSL *ssl);
/* The list, lent; NULL if there is none. */
HF_SSL_EXPORT STACK_OF(X509_NAME) * SSL_CTX_get_client_CA_list(const SSL_CTX *ctx);
/* On a server the list that was set; on a client the one that the server sent with its
 * CertificateRequest.  Lent. */
HF_SSL_EXPORT STACK_OF(X509_NAME) * SSL_get_client_CA_list(const SSL *ssl);
/* These add the subject of |x509|. */
HF_SSL_EXPORT int SSL_CTX_add_client_CA(SSL_CTX *ctx, X509 *x509);
HF_SSL_EXPORT int SSL_add_client_CA(SSL *ssl, X509 *x509);
/* SSL_load_client_CA_file returns the subjects of the certificates in a PEM file, each once; NULL
 * on failure. */
HF_SSL_EXPORT STACK_OF(X509_NAME) * SSL_load_client_CA_file(const char *file);
/* SSL_add_file_cert_subjects_to_stack adds them to |out|. */
HF_SSL_EXPORT int SSL_add_file_cert_subjects_to_stack(STACK_OF(X509_NAME) * out, const char *file);
/* SSL_dup_CA_list copies a list; NULL on failure. */
HF_SSL_EXPORT STACK_OF(X509_NAME) * SSL_dup_CA_list(STACK_OF(X509_NAME) * list);

/* ---- Cipher suites ---- */

/* SSL_CTX_set_cipher_list chooses the suites of TLS 1.2 and below by OpenSSL's words: names,
 * classes, +, -, !, @STRENGTH. Words that are not known are passed over, by the strict forms
 * refused.  The suites of TLS 1.3 are not concerned. */
HF_SSL_EXPORT int SSL_CTX_set_cipher_list(SSL_CTX *ctx, const char *str);
HF_SSL_EXPORT int SSL_set_cipher_list(SSL *ssl, const char *str);
HF_SSL_EXPORT int SSL_CTX_set_strict_cipher_list(SSL_CTX *ctx, const char *str);
HF_SSL_EXPORT int SSL_set_strict_cipher_list(SSL *ssl, const char *str);
/* SSL_CTX_set_ciphersuites chooses the suites of TLS 1.3: names with colons between, best first; ""
 * leaves none. */
HF_SSL_EXPORT int SSL_CTX_set_ciphersuites(SSL_CTX *ctx, const char *str);
HF_SSL_EXPORT int SSL_set_ciphersuites(SSL *ssl, const char *str);
/* The suites configured, those of TLS 1.3 first, lent. */
HF_SSL_EXPORT STACK_OF(SSL_CIPHER) * SSL_CTX_get_ciphers(const SSL_CTX *ctx);
HF_SSL_EXPORT STACK_OF(SSL_CIPHER) * SSL_get_ciphers(const SSL *ssl);
/* The name of the |n|th of them, or NULL. */
HF_SSL_EXPORT const char *SSL_get_cipher_list(const SSL *ssl, int n);
/* SSL_get_cipher_by_value returns the suite with a code point, or NULL. */
HF_SSL_EXPORT const SSL_CIPHER *SSL_get_cipher_by_value(uint16_t value);
/* The code point, and with 0x0300 in front of it. */
HF_SSL_EXPORT uint16_t SSL_CIPHER_get_protocol_id(const SSL_CIPHER *cipher);
HF_SSL_EXPORT uint32_t SSL_CIPHER_get_id(const SSL_CIPHER *cipher);
/* OpenSSL's name, "(NONE)" for NULL; the RFC's. */
HF_SSL_EXPORT const char *SSL_CIPHER_get_name(const SSL_CIPHER *cipher);
HF_SSL_EXPORT const char *SSL_CIPHER_standard_name(const SSL_CIPHER *cipher);
/* The versions that have it: by name, and by number. */
HF_SSL_EXPORT const char *SSL_CIPHER_get_version(const SSL_CIPHER *cipher);
HF_SSL_EXPORT uint16_t SSL_CIPHER_get_min_version(const SSL_CIPHER *cipher);
HF_SSL_EXPORT uint16_t SSL_CIPHER_get_max_version(const SSL_CIPHER *cipher);
/* The length of its key in bits, 0 for NULL; |*out_alg_bits| (may be NULL) is the same. */
HF_SSL_EXPORT int SSL_CIPHER_get_bits(const SSL_CIPHER *cipher, int *out_alg_bits);
/* SSL_CIPHER_description writes a line to |buf| of |len| bytes; NULL: to memory that the caller
 * frees with OPENSSL_free. */
HF_SSL_EXPORT const char *SSL_CIPHER_description(const SSL_CIPHER *cipher, char *buf, int len);
/* Its parts.  NIDs: NID_undef for the digest of an AEAD, NID_kx_any and NID_auth_any with TLS 1.3.
 */
HF_SSL_EXPORT int SSL_CIPHER_is_aead(const SSL_CIPHER *cipher);
HF_SSL_EXPORT int SSL_CIPHER_is_block_cipher(const SSL_CIPHER *cipher);
HF_SSL_EXPORT int SSL_CIPHER_get_cipher_nid(const SSL_CIPHER *cipher);
HF_SSL_EXPORT int SSL_CIPHER_get_digest_nid(const SSL_CIPHER *cipher);
HF_SSL_EXPORT int SSL_CIPHER_get_kx_nid(const SSL_CIPHER *cipher);
HF_SSL_EXPORT int SSL_CIPHER_get_auth_nid(const SSL_CIPHER *cipher);
HF_SSL_EXPORT int SSL_CIPHER_get_prf_nid(const SSL_CIPHER *cipher);
HF_SSL_EXPORT const char *SSL_CIPHER_get_kx_name(const SSL_CIPHER *cipher);
HF_SSL_EXPORT const EVP_MD *SSL_CIPHER_get_handshake_digest(const SSL_CIPHER *cipher);

/* ---- Groups ---- */

/* SSL_CTX_set1_groups_list sets the groups of the key exchange by name with colons between, best
 * first: "X25519:P-256". The curves functions are the same under older names; set1_groups takes
 * NIDs, set1_group_ids TLS's numbers. */
HF_SSL_EXPORT int SSL_CTX_set1_groups_list(SSL_CTX *ctx, const char *groups);
HF_SSL_EXPORT int SSL_set1_groups_list(SSL *ssl, const char *groups);
HF_SSL_EXPORT int SSL_CTX_set1_curves_list(SSL_CTX *ctx, const char *curves);
HF_SSL_EXPORT int SSL_set1_curves_list(SSL *ssl, const char *curves);
HF_SSL_EXPORT int SSL_CTX_set1_groups(SSL_CTX *ctx, const int *groups, size_t num_groups);
HF_SSL_EXPORT int SSL_set1_groups(SSL *ssl, const int *groups, size_t num_groups);
HF_SSL_EXPORT int SSL_CTX_set1_curves(SSL_CTX *ctx, const int *curves, size_t num_curves);
HF_SSL_EXPORT int SSL_set1_curves(SSL *ssl, const int *curves, size_t num_curves);
HF_SSL_EXPORT int SSL_CTX_set1_group_ids(SSL_CTX *ctx, const uint16_t *group_ids,
                                         size_t num_group_ids);
HF_SSL_EXPORT int SSL_set1_group_ids(SSL *ssl, const uint16_t *group_ids, size_t num_group_ids);
/* The name of a group, or NULL. */
HF_SSL_EXPORT const char *SSL_get_group_name(uint16_t group_id);
HF_SSL_EXPORT const char *SSL_get_curve_name(uint16_t group_id);
#define SSL_CTX_set_ecdh_auto(ctx, onoff) 1
#define SSL_set_ecdh_auto(ssl, onoff) 1
/* The curve of |ec_key| becomes the only group. */
HF_SSL_EXPORT int SSL_CTX_set_tmp_ecdh(SSL_CTX *ctx, const EC_KEY *ec_key);
HF_SSL_EXPORT int SSL_set_tmp_ecdh(SSL *ssl, const EC_KEY *ec_key);
/* There are no DHE suites: |dh| is not looked at, and 1 returned. */
HF_SSL_EXPORT int SSL_CTX_set_tmp_dh(SSL_CTX *ctx, const DH *dh);
HF_SSL_EXPORT int SSL_set_tmp_dh(SSL *ssl, const DH *dh);

/* ---- Server name and ALPN ---- */

/* SSL_set_tlsext_host_name sets the host name that a client sends, without the dot at its end, if
 * any; NULL: none.  It is not what the
 * certificate is checked for: see SSL_set1_host. */
HF_SSL_EXPORT int SSL_set_tlsext_host_name(SSL *ssl, const char *name);
/* SSL_CTX_set_tlsext_servername_callback sets who is told of a server's ClientHello, whether it has
 * a name or not.  It returns one of SSL_TLSEXT_ERR_; with ALERT_FATAL the handshake fails with
 * |*out_alert|. */
HF_SSL_EXPORT int SSL_CTX_set_tlsext_servername_callback(SSL_CTX *ctx,
                                                         int (*callback)(SSL *ssl, int *out_alert,
                                                                         void *arg));
HF_SSL_EXPORT int SSL_CTX_set_tlsext_servername_arg(SSL_CTX *ctx, void *arg);
/* SSL_CTX_set_alpn_protos sets what a client offers: names with a length byte before each.  These
 * two return 0 for success, and 1 for failure. */
HF_SSL_EXPORT int SSL_CTX_set_alpn_protos(SSL_CTX *ctx, const uint8_t *protos, size_t protos_len);
HF_SSL_EXPORT int SSL_set_alpn_protos(SSL *ssl, const uint8_t *protos, size_t protos_len);
/* SSL_CTX_set_allow_unknown_alpn_protos has clients that offer protocols take whichever the server
 * chooses; or only one of theirs, as at first: else the handshake fails with illegal_parameter and
 * SSL_R_INVALID_ALPN_PROTOCOL.  If memory runs out, the reason is on the error queue and nothing
 * changes. */
HF_SSL_EXPORT void SSL_CTX_set_allow_unknown_alpn_protos(SSL_CTX *ctx, int enabled);
/* SSL_CTX_set_alpn_select_cb sets who chooses for a server: |*out| out of |in|, or static.
 * SSL_TLSEXT_ERR_OK: chosen; NOACK: none; ALERT_FATAL: the handshake fails with
 * no_application_protocol. */
HF_SSL_EXPORT void SSL_CTX_set_alpn_select_cb(SSL_CTX *ctx,
                                              int (*cb)(SSL *ssl, const uint8_t **out,
                                                        uint8_t *out_len, const uint8_t *in,
                                                        unsigned in_len, void *arg),
                                              void *arg);
/* SSL_select_next_proto chooses the first of |peer|'s names that |supported| has:
 * OPENSSL_NPN_NEGOTIATED.  If there is none, the first of |supported|: OPENSSL_NPN_NO_OVERLAP. */
HF_SSL_EXPORT int SSL_select_next_proto(uint8_t **out, uint8_t *out_len, const uint8_t *peer,
                                        unsigned peer_len, const uint8_t *supported,
                                        unsigned supported_len);

/* ---- Sessions ---- */

/* SSL_CTX_set_session_cache_mode sets SSL_SESS_CACHE_ bits and returns what they were. */
HF_SSL_EXPORT int SSL_CTX_set_session_cache_mode(SSL_CTX *ctx, int mode);
HF_SSL_EXPORT int SSL_CTX_get_session_cache_mode(const SSL_CTX *ctx);
/* The number of sessions to cache at most, 0: any; the setter returns what it was. */
HF_SSL_EXPORT unsigned long SSL_CTX_sess_set_cache_size(SSL_CTX *ctx, unsigned long size);
HF_SSL_EXPORT unsigned long SSL_CTX_sess_get_cache_size(const SSL_CTX *ctx);
/* The lifetime of sessions in seconds, 0: the default; the setter returns what it was. */
HF_SSL_EXPORT uint32_t SSL_CTX_set_timeout(SSL_CTX *ctx, uint32_t timeout);
HF_SSL_EXPORT uint32_t SSL_CTX_get_timeout(const SSL_CTX *ctx);
/* How many tickets a TLS 1.3 server sends after a handshake: 2 at first, 16 at most.  They leave
 * with its first write. */
HF_SSL_EXPORT int SSL_CTX_set_num_tickets(SSL_CTX *ctx, size_t num_tickets);
HF_SSL_EXPORT int SSL_set_num_tickets(SSL *ssl, size_t num_tickets);
HF_SSL_EXPORT size_t SSL_CTX_get_num_tickets(const SSL_CTX *ctx);
HF_SSL_EXPORT size_t SSL_get_num_tickets(const SSL *ssl);
/* The context that sessions are good in, a server's and a client's: up to SSL_MAX_SID_CTX_LENGTH
 * bytes. */
HF_SSL_EXPORT int SSL_CTX_set_session_id_context(SSL_CTX *ctx, const uint8_t *sid_ctx,
                                                 size_t sid_ctx_len);
HF_SSL_EXPORT int SSL_set_session_id_context(SSL *ssl, const uint8_t *sid_ctx, size_t sid_ctx_len);
HF_SSL_EXPORT const uint8_t *SSL_get0_session_id_context(const SSL *ssl, size_t *out_len);

/* ---- Looking on ---- */

/* SSL_CTX_set_info_callback sets who is told of states, alerts, and beginning and end of
 * handshakes: SSL_CB_ bits and a value. */
HF_SSL_EXPORT void SSL_CTX_set_info_callback(SSL_CTX *ctx,
                                             void (*cb)(const SSL *ssl, int type, int value));
HF_SSL_EXPORT void (*SSL_CTX_get_info_callback(SSL_CTX *ctx))(const SSL *ssl, int type, int value);
HF_SSL_EXPORT void SSL_set_info_callback(SSL *ssl, void (*cb)(const SSL *ssl, int type, int value));
HF_SSL_EXPORT void (*SSL_get_info_callback(const SSL *ssl))(const SSL *ssl, int type, int value);
/* SSL_CTX_set_msg_callback sets who is shown messages, alerts and record headers: SSL3_RT_ values
 * for |content_type|. */
HF_SSL_EXPORT void SSL_CTX_set_msg_callback(SSL_CTX *ctx,
                                            void (*cb)(int is_write, int version, int content_type,
                                                       const void *buf, size_t len, SSL *ssl,
                                                       void *arg));
HF_SSL_EXPORT void SSL_CTX_set_msg_callback_arg(SSL_CTX *ctx, void *arg);
HF_SSL_EXPORT void SSL_set_msg_callback(SSL *ssl, void (*cb)(int is_write, int version,
                                                             int content_type, const void *buf,
                                                             size_t len, SSL *ssl, void *arg));
HF_SSL_EXPORT void SSL_set_msg_callback_arg(SSL *ssl, void *arg);
/* SSL_CTX_set_keylog_callback sets who gets the secrets, as lines of NSS's key log. */
HF_SSL_EXPORT void SSL_CTX_set_keylog_callback(SSL_CTX *ctx,
                                               void (*cb)(const SSL *ssl, const char *line));
HF_SSL_EXPORT void (*SSL_CTX_get_keylog_callback(const SSL_CTX *ctx))(const SSL *ssl,
                                                                      const char *line);

/* OpenSSL has these as macros, and programs ask for them with #ifdef. */
#define SSL_CTX_add0_chain_cert SSL_CTX_add0_chain_cert
#define SSL_add0_chain_cert SSL_add0_chain_cert
#define SSL_CTX_add1_chain_cert SSL_CTX_add1_chain_cert
#define SSL_add1_chain_cert SSL_add1_chain_cert
#define SSL_CTX_clear_chain_certs SSL_CTX_clear_chain_certs
#define SSL_clear_chain_certs SSL_clear_chain_certs
#define SSL_CTX_clear_mode SSL_CTX_clear_mode
#define SSL_clear_mode SSL_clear_mode
#define SSL_CTX_clear_options SSL_CTX_clear_options
#define SSL_clear_options SSL_clear_options
#define SSL_CTX_get_mode SSL_CTX_get_mode
#define SSL_get_mode SSL_get_mode
#define SSL_CTX_get_options SSL_CTX_get_options
#define SSL_get_options SSL_get_options
#define SSL_CTX_get0_chain_certs SSL_CTX_get0_chain_certs
#define SSL_get0_chain_certs SSL_get0_chain_certs
#define SSL_CTX_set0_chain SSL_CTX_set0_chain
#define SSL_set0_chain SSL_set0_chain
#define SSL_CTX_set1_chain SSL_CTX_set1_chain
#define SSL_set1_chain SSL_set1_chain
#define SSL_CTX_set1_curves SSL_CTX_set1_curves
#define SSL_set1_curves SSL_set1_curves
#define SSL_CTX_set1_groups SSL_CTX_set1_groups
#define SSL_set1_groups SSL_set1_groups
#define SSL_CTX_set_max_cert_list SSL_CTX_set_max_cert_list
#define SSL_set_max_cert_list SSL_set_max_cert_list
#define SSL_CTX_get_max_cert_list SSL_CTX_get_max_cert_list
#define SSL_get_max_cert_list SSL_get_max_cert_list
#define SSL_CTX_set_max_send_fragment SSL_CTX_set_max_send_fragment
#define SSL_set_max_send_fragment SSL_set_max_send_fragment
#define SSL_CTX_set_mode SSL_CTX_set_mode
#define SSL_set_mode SSL_set_mode
#define SSL_CTX_set_msg_callback_arg SSL_CTX_set_msg_callback_arg
#define SSL_set_msg_callback_arg SSL_set_msg_callback_arg
#define SSL_CTX_set_options SSL_CTX_set_options
#define SSL_set_options SSL_set_options
#define SSL_CTX_set_tmp_dh SSL_CTX_set_tmp_dh
#define SSL_CTX_set_tmp_ecdh SSL_CTX_set_tmp_ecdh
#define SSL_set_tmp_ecdh SSL_set_tmp_ecdh
#define SSL_set_tmp_dh SSL_set_tmp_dh
#define SSL_CTX_add_extra_chain_cert SSL_CTX_add_extra_chain_cert
#define SSL_CTX_clear_extra_chain_certs SSL_CTX_clear_extra_chain_certs
#define SSL_CTX_get_extra_chain_certs SSL_CTX_get_extra_chain_certs
#define SSL_CTX_get_read_ahead SSL_CTX_get_read_ahead
#define SSL_CTX_set_read_ahead SSL_CTX_set_read_ahead
#define SSL_CTX_get_session_cache_mode SSL_CTX_get_session_cache_mode
#define SSL_CTX_set_session_cache_mode SSL_CTX_set_session_cache_mode
#define SSL_CTX_sess_get_cache_size SSL_CTX_sess_get_cache_size
#define SSL_CTX_sess_set_cache_size SSL_CTX_sess_set_cache_size
#define SSL_CTX_set_tlsext_servername_arg SSL_CTX_set_tlsext_servername_arg
#define SSL_CTX_set_tlsext_servername_callback SSL_CTX_set_tlsext_servername_callback
#define SSL_set_tlsext_host_name SSL_set_tlsext_host_name
#define SSL_get_negotiated_group SSL_get_negotiated_group
#define SSL_get_secure_renegotiation_support SSL_get_secure_renegotiation_support
#define SSL_session_reused SSL_session_reused
#define SSL_CTX_set_min_proto_version SSL_CTX_set_min_proto_version
#define SSL_CTX_set_max_proto_version SSL_CTX_set_max_proto_version
#define SSL_set_min_proto_version SSL_set_min_proto_version
#define SSL_set_max_proto_version SSL_set_max_proto_version
#define SSL_CTX_set1_groups_list SSL_CTX_set1_groups_list
#define SSL_set1_groups_list SSL_set1_groups_list
#define SSL_CTX_set1_curves_list SSL_CTX_set1_curves_list
#define SSL_set1_curves_list SSL_set1_curves_list
#define SSL_CTX_set0_verify_cert_store SSL_CTX_set0_verify_cert_store
#define SSL_CTX_set1_verify_cert_store SSL_CTX_set1_verify_cert_store
#define SSL_set0_verify_cert_store SSL_set0_verify_cert_store
#define SSL_set1_verify_cert_store SSL_set1_verify_cert_store

#ifdef __cplusplus
}
#endif
#endif
