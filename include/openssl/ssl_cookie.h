/* ssl_cookie.h: the part of ssl.h about servers that keep nothing until a client has shown that it
 * can be reached.  Include <openssl/ssl.h>.
 *
 * OpenSSL's functions.  A server answers a client's first hello with a HelloRetryRequest and a
 * cookie in it, forgets it, and goes on when the cookie comes back (RFC 9846 4.3.2), which may be
 * on another SSL of the same SSL_CTX.  A cookie holds all that is needed for that, encrypted with a
 * key derived from those of the SSL_CTX's tickets, so that servers that share those
 * (SSL_CTX_set_tlsext_ticket_keys) open each other's cookies.
 * It is good for 60 seconds; within them it can come back more than once.
 */
#ifndef HANDFAST_OPENSSL_SSL_COOKIE_H
#define HANDFAST_OPENSSL_SSL_COOKIE_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* SSL_stateless reads a hello.  It returns 1 if there was a good cookie in it: go on with
 * SSL_accept on |ssl|.  It returns 0 if there was none: a HelloRetryRequest with one has gone out,
 * |ssl| is as SSL_clear leaves it, and the client's next hello is for SSL_stateless again, on |ssl|
 * or on another.  It returns -1 if that has to wait, as SSL_get_error says (call it again on
 * |ssl|), or if it failed, as with a cookie that is not good.  Each call but those after a wait
 * begins with SSL_clear.  The callbacks of a server that look at the hello run for the first hello
 * and for the second.  Clients, and connections over QUIC, it refuses.
 *
 * A client's early data that comes before its second hello is refused with unexpected_message
 * there, for nobody remembers that it was sent. */
HF_SSL_EXPORT int SSL_stateless(SSL *ssl);

/* SSL_STATELESS_COOKIE_MAX is how many bytes the application may put into a cookie. */
#define SSL_STATELESS_COOKIE_MAX 255

/* SSL_CTX_set_stateless_cookie_generate_cb sets who writes the application's part of a cookie, such
 * as the client's address: up to SSL_STATELESS_COOKIE_MAX bytes to |cookie|, their number to
 * |*cookie_len|.  It returns 1, or 0 to end the handshake with internal_error.  NULL, as at first:
 * the part is empty, and whoever gets hold of a cookie can use it from another address. */
HF_SSL_EXPORT void SSL_CTX_set_stateless_cookie_generate_cb(
    SSL_CTX *ctx, int (*cb)(SSL *ssl, unsigned char *cookie, size_t *cookie_len));
/* SSL_CTX_set_stateless_cookie_verify_cb sets who is shown that part when a cookie comes back,
 * which is known to be one of this server's and not older than 60 seconds.  It returns 1 if it is
 * good for this client, or 0, which ends the handshake with illegal_parameter.  NULL, as at first:
 * any is. */
HF_SSL_EXPORT void SSL_CTX_set_stateless_cookie_verify_cb(
    SSL_CTX *ctx, int (*cb)(SSL *ssl, const unsigned char *cookie, size_t cookie_len));

#ifdef __cplusplus
}
#endif
#endif
