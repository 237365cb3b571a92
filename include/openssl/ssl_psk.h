/* ssl_psk.h: the part of ssl.h about external pre-shared keys.  Include <openssl/ssl.h>.
 *
 * Such a key is shared before there is any connection, and takes the place of certificates; it is
 * used with TLS 1.3 (RFC 9846 4.3.11).  Who has one with a hash of its own gives it as an
 * SSL_SESSION, in the manner of OpenSSL; a key for SHA-256 can also be given by the older
 * callbacks, which BoringSSL has for TLS 1.2 and OpenSSL uses for TLS 1.3 too.  After a handshake
 * with such a key SSL_session_reused returns 1, there is no peer certificate, and
 * SSL_get_verify_result is X509_V_OK.  A server may answer with a certificate instead, which is
 * verified as usual.  No early data goes with external keys.
 */
#ifndef HANDFAST_OPENSSL_SSL_PSK_H
#define HANDFAST_OPENSSL_SSL_PSK_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#include <openssl/evp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A key as a session ---- */

/* SSL_SESSION_set1_master_key sets the key, 1 to SSL_MAX_MASTER_KEY_LENGTH (48) bytes;
 * SSL_SESSION_set_cipher the suite whose hash goes with it (NULL: none),
 * SSL_SESSION_set_protocol_version the version, which must be TLS1_3_VERSION.  All three are to be
 * called on a session of SSL_SESSION_new.  They return 1; SSL_SESSION_set1_master_key 0 for another
 * length, SSL_SESSION_set_protocol_version for a version that is none. */
HF_SSL_EXPORT int SSL_SESSION_set1_master_key(SSL_SESSION *session, const uint8_t *in, size_t len);
HF_SSL_EXPORT int SSL_SESSION_set_cipher(SSL_SESSION *session, const SSL_CIPHER *cipher);
HF_SSL_EXPORT int SSL_SESSION_set_protocol_version(SSL_SESSION *session, uint16_t version);
/* SSL_CIPHER_find returns the suite whose code point is the two bytes at |ptr|; NULL: unknown. */
HF_SSL_EXPORT const SSL_CIPHER *SSL_CIPHER_find(SSL *ssl, const uint8_t *ptr);

/* SSL_psk_use_session_cb_func is called when a client starts: it sets |*sess| to a key, of which a
 * reference passes over, and |*id| and |*idlen| to its name, which are copied; or |*sess| to NULL
 * for none.  |md| is NULL always: the key may have any hash; if no suite of the client has it, it
 * is not offered.  Returns 1, or 0 to fail. */
typedef int (*SSL_psk_use_session_cb_func)(SSL *ssl, const EVP_MD *md, const uint8_t **id,
                                           size_t *idlen, SSL_SESSION **sess);
HF_SSL_EXPORT void SSL_CTX_set_psk_use_session_callback(SSL_CTX *ctx,
                                                        SSL_psk_use_session_cb_func cb);
HF_SSL_EXPORT void SSL_set_psk_use_session_callback(SSL *ssl, SSL_psk_use_session_cb_func cb);

/* SSL_psk_find_session_cb_func is called on a server with each name that the client offers, before
 * that is looked at as a ticket, until one is known: it sets |*sess| to the key, of which a
 * reference passes over, or to NULL if the name is unknown.  A key of another hash than the suite's
 * changes the suite, or is passed over if that cannot be.  Returns 1, or 0 to fail the handshake.
 * With SSL_VERIFY_FAIL_IF_NO_PEER_CERT no key can stand for the client's certificate: all are
 * passed over. */
typedef int (*SSL_psk_find_session_cb_func)(SSL *ssl, const uint8_t *identity, size_t identity_len,
                                            SSL_SESSION **sess);
HF_SSL_EXPORT void SSL_CTX_set_psk_find_session_callback(SSL_CTX *ctx,
                                                         SSL_psk_find_session_cb_func cb);
HF_SSL_EXPORT void SSL_set_psk_find_session_callback(SSL *ssl, SSL_psk_find_session_cb_func cb);

/* ---- The older callbacks: keys for SHA-256 ---- */

/* The longest name and key of these callbacks. */
#define PSK_MAX_IDENTITY_LEN 128
#define PSK_MAX_PSK_LEN 256

/* SSL_psk_client_cb_func is called when a client starts and has no other key: it writes its name, a
 * string of at most |max_identity_len| characters and a zero, to |identity|, and the key to |psk|,
 * and returns how long that is; 0: there is none.  |hint| is NULL. */
typedef unsigned (*SSL_psk_client_cb_func)(SSL *ssl, const char *hint, char *identity,
                                           unsigned max_identity_len, uint8_t *psk,
                                           unsigned max_psk_len);
HF_SSL_EXPORT void SSL_CTX_set_psk_client_callback(SSL_CTX *ctx, SSL_psk_client_cb_func cb);
HF_SSL_EXPORT void SSL_set_psk_client_callback(SSL *ssl, SSL_psk_client_cb_func cb);

/* SSL_psk_server_cb_func is called on a server with each name that the other callback does not know
 * and that is a string of at most PSK_MAX_IDENTITY_LEN characters: it writes the key and returns
 * how long that is; 0: the name is unknown. */
typedef unsigned (*SSL_psk_server_cb_func)(SSL *ssl, const char *identity, uint8_t *psk,
                                           unsigned max_psk_len);
HF_SSL_EXPORT void SSL_CTX_set_psk_server_callback(SSL_CTX *ctx, SSL_psk_server_cb_func cb);
HF_SSL_EXPORT void SSL_set_psk_server_callback(SSL *ssl, SSL_psk_server_cb_func cb);

/* SSL_CTX_use_psk_identity_hint and SSL_use_psk_identity_hint are there for programs that call
 * them: TLS 1.3 has no hint, none is sent.  They return 1, or 0 if it is longer than
 * PSK_MAX_IDENTITY_LEN. SSL_get_psk_identity_hint returns NULL. */
HF_SSL_EXPORT int SSL_CTX_use_psk_identity_hint(SSL_CTX *ctx, const char *identity_hint);
HF_SSL_EXPORT int SSL_use_psk_identity_hint(SSL *ssl, const char *identity_hint);
HF_SSL_EXPORT const char *SSL_get_psk_identity_hint(const SSL *ssl);

/* ---- Both ---- */

/* SSL_get_psk_identity lends the name of the external key that the handshake used; NULL: none. A
 * name with a zero in it ends there. */
HF_SSL_EXPORT const char *SSL_get_psk_identity(const SSL *ssl);

/* SSL_OP_ALLOW_NO_DHE_KEX lets keys, those of sessions among them, be used without a key exchange
 * (psk_ke) where one cannot be had: who learns the key can then read what was recorded. */
#define SSL_OP_ALLOW_NO_DHE_KEX 0x00000400L

#ifdef __cplusplus
}
#endif
#endif
