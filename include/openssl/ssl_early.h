/* ssl_early.h: the part of ssl.h about early data (0-RTT).  Include <openssl/ssl.h>.
 *
 * A client that resumes a session may send data with its first flight, a round trip before the
 * handshake is done.  Who does so gives something up: early data is not protected by a fresh key
 * exchange, and whoever recorded it can send it again, so that a server may see it twice (RFC 9846
 * section 8).  It is off until it is switched on.
 */
#ifndef HANDFAST_OPENSSL_SSL_EARLY_H
#define HANDFAST_OPENSSL_SSL_EARLY_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Switching it on ---- */

/* SSL_CTX_set_early_data_enabled and SSL_set_early_data_enabled switch early data on or off, in
 * both roles, for handshakes that have not begun.  A server that has it on gives tickets that allow
 * 14336 bytes, or what SSL_CTX_set_max_early_data said. */
HF_SSL_EXPORT void SSL_CTX_set_early_data_enabled(SSL_CTX *ctx, int enabled);
HF_SSL_EXPORT void SSL_set_early_data_enabled(SSL *ssl, int enabled);
/* SSL_CTX_set_max_early_data and SSL_set_max_early_data say how many bytes of early data a server's
 * tickets allow, and switch early data on for servers; with 0, off.  They return 1, or 0 if memory
 * ran out.  SSL_CTX_get_max_early_data and SSL_get_max_early_data return the number in force; 0:
 * early data is off for servers. */
HF_SSL_EXPORT int SSL_CTX_set_max_early_data(SSL_CTX *ctx, uint32_t max_early_data);
HF_SSL_EXPORT int SSL_set_max_early_data(SSL *ssl, uint32_t max_early_data);
HF_SSL_EXPORT uint32_t SSL_CTX_get_max_early_data(const SSL_CTX *ctx);
HF_SSL_EXPORT uint32_t SSL_get_max_early_data(const SSL *ssl);

#ifdef __cplusplus
}
#endif
#endif
