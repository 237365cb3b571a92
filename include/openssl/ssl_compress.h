/* ssl_compress.h: the part of ssl.h about compressed certificates (RFC 8879).  Include
 * <openssl/ssl.h>.
 *
 * Either side may take the other's Certificate message compressed, in TLS 1.3.  It is off until an
 * algorithm is set here.  What is sent is compressed by the first algorithm of this side's that the
 * peer takes, anew in each handshake and with all that is stapled to the certificate; if that fails
 * it is sent as it is.  What comes must have just the length that it announces, and that is limited
 * as all messages are (SSL_CTX_set_max_cert_list); else the handshake fails with
 * SSL_R_CERT_DECOMPRESSION_FAILED and the alert bad_certificate. */
#ifndef HANDFAST_OPENSSL_SSL_COMPRESS_H
#define HANDFAST_OPENSSL_SSL_COMPRESS_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#include <openssl/bytestring.h>
#include <openssl/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ssl_cert_compression_func_t adds the compressed form of |in| to |out| and returns 1; or 0, which
 * takes back what it has put on the error queue. */
typedef int (*ssl_cert_compression_func_t)(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len);
/* ssl_cert_decompression_func_t sets |*out| to a buffer, which SSL frees, of the |uncompressed_len|
 * bytes that |in| is the compressed form of, and returns 1; or 0, and then what |*out| was set to
 * is not looked at nor freed. */
typedef int (*ssl_cert_decompression_func_t)(SSL *ssl, CRYPTO_BUFFER **out, size_t uncompressed_len,
                                             const uint8_t *in, size_t in_len);

/* SSL_CTX_add_cert_compression_alg adds the algorithm |alg_id| (RFC 8879 7.3) behind those that are
 * there; one of the functions may be NULL, and that direction is not done then.  It returns 1; or 0
 * if both are NULL, the algorithm is there already, or there are 8. */
HF_SSL_EXPORT int SSL_CTX_add_cert_compression_alg(SSL_CTX *ctx, uint16_t alg_id,
                                                   ssl_cert_compression_func_t compress,
                                                   ssl_cert_decompression_func_t decompress);

/* Algorithms as OpenSSL calls them. */
#define TLSEXT_comp_cert_none 0
#define TLSEXT_comp_cert_zlib 1
#define TLSEXT_comp_cert_brotli 2
#define TLSEXT_comp_cert_zstd 3

/* SSL_CTX_set1_cert_comp_preference puts the ready-made algorithms of the |len| at |algs|, best
 * first, in the place of all that are there; those that this build has not are passed over.  There
 * are zlib and brotli, each if its library was there when this one was built.  |len| 0: none.
 * SSL_set1_cert_comp_preference does so for one SSL.  It returns 1; or 0 if one comes twice, or
 * none is left of some. */
HF_SSL_EXPORT int SSL_CTX_set1_cert_comp_preference(SSL_CTX *ctx, int *algs, size_t len);
HF_SSL_EXPORT int SSL_set1_cert_comp_preference(SSL *ssl, int *algs, size_t len);

#ifdef __cplusplus
}
#endif
#endif
