/* ssl_tls12.h: the part of ssl.h about what only TLS 1.2 has: False Start, a way round JDK 11's
 * TLS 1.3, the extended main secret, tls-unique, renegotiation, of which there is none, and shorter
 * records.  Include <openssl/ssl.h>.
 */
#ifndef HANDFAST_OPENSSL_SSL_TLS12_H
#define HANDFAST_OPENSSL_SSL_TLS12_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- False Start (RFC 7918) ---- */

/* SSL_in_false_start returns 1 while a client's handshake has returned though the server's Finished
 * is not there yet, which needs SSL_MODE_ENABLE_FALSE_START and a protocol that ALPN chose.
 * SSL_in_init is 1 too then; SSL_write sends already, SSL_read and SSL_do_handshake wait for the
 * end of the handshake first. */
HF_SSL_EXPORT int SSL_in_false_start(const SSL *ssl);
/* SSL_CTX_set_false_start_allowed_without_alpn has SSL_MODE_ENABLE_FALSE_START do without that
 * protocol, or not, as at first.  If memory runs out, the reason is on the error queue and nothing
 * changes. */
HF_SSL_EXPORT void SSL_CTX_set_false_start_allowed_without_alpn(SSL_CTX *ctx, int allowed);

/* ---- JDK 11 ---- */

/* SSL_set_jdk11_workaround: if |enable| is not 0, a server speaks TLS 1.2 with clients whose
 * ClientHello looks like one of JDK 11 with TLS 1.3, which has bugs before 11.0.2 (JDK-8211806,
 * JDK-8212885, JDK-8213202).  To be set before the handshake, or in a callback that sees the
 * ClientHello.  A server without TLS 1.2 then refuses them.  If memory runs out it changes nothing,
 * and the error queue says so. */
HF_SSL_EXPORT void SSL_set_jdk11_workaround(SSL *ssl, int enable);

/* ---- What ties data to its handshake ---- */

/* SSL_get_extms_support returns 1 if the connection has the extended main secret (RFC 7627), or is
 * of TLS 1.3, whose secrets all have that property; before that is known 0. */
HF_SSL_EXPORT int SSL_get_extms_support(const SSL *ssl);
/* SSL_get_tls_unique writes the channel binding tls-unique (RFC 5929 section 3) to |out|, at most
 * |max_out| bytes of it, and the number written to |*out_len|.  Returns 1; or 0 with |*out_len| 0
 * and |out| zeroed before the handshake is done, in TLS 1.3, which has none, and for a session
 * resumed without the extended main secret, where it would say nothing. */
HF_SSL_EXPORT int SSL_get_tls_unique(const SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out);

/* ---- Renegotiation ---- */

/* ssl_renegotiate_mode_t has BoringSSL's names for what a client does when the server asks for
 * another handshake. */
enum ssl_renegotiate_mode_t BORINGSSL_ENUM_INT {
  ssl_renegotiate_never = 0,
  ssl_renegotiate_once,
  ssl_renegotiate_freely,
  ssl_renegotiate_ignore,
  ssl_renegotiate_explicit
};

/* SSL_set_renegotiate_mode changes nothing: whatever |mode| is, a peer that asks for another
 * handshake is answered with the warning no_renegotiation (100), and the connection goes on; who
 * asks again and again is refused. */
HF_SSL_EXPORT void SSL_set_renegotiate_mode(SSL *ssl, enum ssl_renegotiate_mode_t mode);
/* SSL_renegotiate returns 0, with SSL_R_NO_RENEGOTIATION on the error queue.
 * SSL_renegotiate_pending, SSL_total_renegotiations and its other name SSL_num_renegotiations
 * return 0. */
HF_SSL_EXPORT int SSL_renegotiate(SSL *ssl);
HF_SSL_EXPORT int SSL_renegotiate_pending(SSL *ssl);
HF_SSL_EXPORT int SSL_total_renegotiations(const SSL *ssl);
HF_SSL_EXPORT int SSL_num_renegotiations(const SSL *ssl);

/* ---- Shorter records (RFC 6066 section 4), as OpenSSL has it ---- */

#define TLSEXT_max_fragment_length_DISABLED 0
#define TLSEXT_max_fragment_length_512 1
#define TLSEXT_max_fragment_length_1024 2
#define TLSEXT_max_fragment_length_2048 3
#define TLSEXT_max_fragment_length_4096 4

/* SSL_CTX_set_tlsext_max_fragment_length has clients ask for records of at most so much data, both
 * ways; SSL_set_tlsext_max_fragment_length the one.  Returns 1; or 0 if |mode| is none of the
 * above or memory ran out.  Servers do as they are asked without being told. */
HF_SSL_EXPORT int SSL_CTX_set_tlsext_max_fragment_length(SSL_CTX *ctx, uint8_t mode);
HF_SSL_EXPORT int SSL_set_tlsext_max_fragment_length(SSL *ssl, uint8_t mode);

#ifdef __cplusplus
}
#endif
#endif
