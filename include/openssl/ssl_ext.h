/* ssl_ext.h: the part of ssl.h about extensions of the application's own.  Include <openssl/ssl.h>.
 *
 * OpenSSL's functions, for experiments with TLS extensions that the library does not know.  An
 * extension is registered with an SSL_CTX, before connections are made of it, with the messages in
 * which it may be: its |context|.  Before such a message is sent the add callback is asked for the
 * body; when one came with the extension in it the parse callback is shown it.  What the rules of
 * TLS forbid (an answer to what was not asked, an extension twice or in another message) is refused
 * without asking. */
#ifndef HANDFAST_OPENSSL_SSL_EXT_H
#define HANDFAST_OPENSSL_SSL_EXT_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A context is a set of these.  What concerns DTLS, or TLS 1.2 alone, is taken and not used. */
#define SSL_EXT_TLS_ONLY 0x0001
#define SSL_EXT_DTLS_ONLY 0x0002
#define SSL_EXT_TLS_IMPLEMENTATION_ONLY 0x0004
#define SSL_EXT_SSL3_ALLOWED 0x0008
#define SSL_EXT_TLS1_2_AND_BELOW_ONLY 0x0010
#define SSL_EXT_TLS1_3_ONLY 0x0020
#define SSL_EXT_IGNORE_ON_RESUMPTION \
  0x0040 /* a client does not show it if the session is resumed */
#define SSL_EXT_CLIENT_HELLO 0x0080
#define SSL_EXT_TLS1_2_SERVER_HELLO 0x0100
#define SSL_EXT_TLS1_3_SERVER_HELLO 0x0200
#define SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS 0x0400
#define SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST 0x0800
#define SSL_EXT_TLS1_3_CERTIFICATE 0x1000
#define SSL_EXT_TLS1_3_NEW_SESSION_TICKET 0x2000
#define SSL_EXT_TLS1_3_CERTIFICATE_REQUEST 0x4000

/* An add callback gives the body of extension |ext_type| in |context|, which is one message: 1 with
 * |*out| and |*out_len|, 0 to leave it out, -1 to fail, with the alert |*alert|; before the hello
 * there is nobody to send one to.  |x509| is the certificate that it goes with, for
 * SSL_EXT_TLS1_3_CERTIFICATE, or NULL; |chain_index| is 0: other certificates of a chain have none.
 * What is a response is asked for if the peer's hello, or its CertificateRequest, has the type. */
typedef int (*SSL_custom_ext_add_cb_ex)(SSL *ssl, unsigned int ext_type, unsigned int context,
                                        const unsigned char **out, size_t *out_len, X509 *x509,
                                        size_t chain_index, int *alert, void *add_arg);
/* A free callback is told that |out|, which an add callback gave, is not needed any more. */
typedef void (*SSL_custom_ext_free_cb_ex)(SSL *ssl, unsigned int ext_type, unsigned int context,
                                          const unsigned char *out, void *add_arg);
/* A parse callback is shown the body that came; it lasts until the callback returns.  It returns 1,
 * or 0 or less to fail with the alert |*alert|, which is decode_error if it is left alone.  |x509|
 * is the certificate that it came with, or NULL. */
typedef int (*SSL_custom_ext_parse_cb_ex)(SSL *ssl, unsigned int ext_type, unsigned int context,
                                          const unsigned char *in, size_t in_len, X509 *x509,
                                          size_t chain_index, int *alert, void *parse_arg);

/* SSL_CTX_add_custom_ext registers |ext_type| for clients and servers.  |add_cb| may be NULL: then
 * a client's hello has it with an empty body, and nothing else has it; |free_cb| and |parse_cb| may
 * be NULL.  It returns 1, or 0 if the type is over 65535, registered already or handled by the
 * library; if there is a |free_cb| and no |add_cb|; if |context| has SSL_EXT_TLS1_3_SERVER_HELLO,
 * _HELLO_RETRY_REQUEST or _NEW_SESSION_TICKET, which have none here; or if memory ran out. */
HF_SSL_EXPORT int SSL_CTX_add_custom_ext(SSL_CTX *ctx, unsigned int ext_type, unsigned int context,
                                         SSL_custom_ext_add_cb_ex add_cb,
                                         SSL_custom_ext_free_cb_ex free_cb, void *add_arg,
                                         SSL_custom_ext_parse_cb_ex parse_cb, void *parse_arg);

/* The older callbacks, which know no context. */
typedef int (*custom_ext_add_cb)(SSL *ssl, unsigned int ext_type, const unsigned char **out,
                                 size_t *out_len, int *alert, void *add_arg);
typedef void (*custom_ext_free_cb)(SSL *ssl, unsigned int ext_type, const unsigned char *out,
                                   void *add_arg);
typedef int (*custom_ext_parse_cb)(SSL *ssl, unsigned int ext_type, const unsigned char *in,
                                   size_t in_len, int *alert, void *parse_arg);
/* SSL_CTX_add_client_custom_ext and SSL_CTX_add_server_custom_ext register |ext_type| for one role,
 * in ClientHello and EncryptedExtensions.  (OpenSSL's are for TLS 1.2 and older alone; here, as in
 * BoringSSL while it had them, they are for TLS 1.3.)  Returns as SSL_CTX_add_custom_ext. */
HF_SSL_EXPORT int SSL_CTX_add_client_custom_ext(SSL_CTX *ctx, unsigned int ext_type,
                                                custom_ext_add_cb add_cb,
                                                custom_ext_free_cb free_cb, void *add_arg,
                                                custom_ext_parse_cb parse_cb, void *parse_arg);
HF_SSL_EXPORT int SSL_CTX_add_server_custom_ext(SSL_CTX *ctx, unsigned int ext_type,
                                                custom_ext_add_cb add_cb,
                                                custom_ext_free_cb free_cb, void *add_arg,
                                                custom_ext_parse_cb parse_cb, void *parse_arg);
/* SSL_CTX_has_client_custom_ext says whether |ext_type| is registered for clients. */
HF_SSL_EXPORT int SSL_CTX_has_client_custom_ext(const SSL_CTX *ctx, unsigned int ext_type);
/* SSL_extension_supported says whether the library itself handles |ext_type|. */
HF_SSL_EXPORT int SSL_extension_supported(unsigned int ext_type);

#ifdef __cplusplus
}
#endif
#endif
