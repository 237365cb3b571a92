/* ssl_status.h: the part of ssl.h about OCSP stapling in the manner of OpenSSL.  Include
 * <openssl/ssl.h>.  SSL_enable_ocsp_stapling, SSL_set_ocsp_response and SSL_get0_ocsp_response do
 * the same; a client that verifies by a callback of its own finds the response there.
 */
#ifndef HANDFAST_OPENSSL_SSL_STATUS_H
#define HANDFAST_OPENSSL_SSL_STATUS_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* SSL_set_tlsext_status_type has a client ask for an OCSP response if |type| is
 * TLSEXT_STATUSTYPE_ocsp, and not if it is another.  Returns 1, or 0: memory ran out. */
HF_SSL_EXPORT int SSL_set_tlsext_status_type(SSL *ssl, int type);
/* SSL_get_tlsext_status_type returns TLSEXT_STATUSTYPE_ocsp if the client asks for a response; on a
 * server it is known from the callback of SSL_CTX_set_tlsext_status_cb on.  Else
 * TLSEXT_STATUSTYPE_nothing. */
HF_SSL_EXPORT int SSL_get_tlsext_status_type(const SSL *ssl);
/* SSL_set_tlsext_status_ocsp_resp is SSL_set_ocsp_response, and frees |resp| with OPENSSL_free if
 * it succeeds. */
HF_SSL_EXPORT int SSL_set_tlsext_status_ocsp_resp(SSL *ssl, uint8_t *resp, size_t resp_len);
/* SSL_get_tlsext_status_ocsp_resp lends what SSL_get0_ocsp_response does and returns its length, 0
 * if none came. */
HF_SSL_EXPORT size_t SSL_get_tlsext_status_ocsp_resp(const SSL *ssl, const uint8_t **out);

/* SSL_CTX_set_tlsext_status_cb has |callback| called, with what SSL_CTX_set_tlsext_status_arg was
 * given, and returns 1.
 *
 * On a client that asks for a response, after the server's certificate was found good, or is not to
 * be, whether a response came or not: it returns a positive number to go on; 0 fails with
 * bad_certificate_status_response, a negative number with internal_error.
 *
 * On a server whose client asks for one, after the callback of SSL_CTX_set_cert_cb, when it may
 * call SSL_set_tlsext_status_ocsp_resp: it returns SSL_TLSEXT_ERR_OK to have what is set stapled,
 * SSL_TLSEXT_ERR_NOACK for none; all else fails with internal_error.
 *
 * The reason is SSL_R_OCSP_CB_ERROR. */
HF_SSL_EXPORT int SSL_CTX_set_tlsext_status_cb(SSL_CTX *ctx, int (*callback)(SSL *ssl, void *arg));
HF_SSL_EXPORT int SSL_CTX_set_tlsext_status_arg(SSL_CTX *ctx, void *arg);

#ifdef __cplusplus
}
#endif
#endif
