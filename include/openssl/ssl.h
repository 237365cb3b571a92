/* ssl.h: TLS under the names that programs know from OpenSSL and BoringSSL, over handfast's engine.
 *
 * Names, types and numbers are BoringSSL's; what OpenSSL has and BoringSSL lacks is put back where
 * programs need it. Where the two behave differently, the SSL_connect(3) page decides, and then
 * BoringSSL.  libcrypto is BoringSSL's, and so are all other headers under openssl/.
 *
 * This file: what concerns a connection.  ssl_constants.h: numbers.  ssl_settings.h: what is
 * configured, on an SSL_CTX for all connections to come and on an SSL for one.  ssl_session.h:
 * sessions and tickets.  sslerr.h: SSL_R_ reasons.
 *
 * Conventions: functions return 1 for success and 0 for failure, with the reason on libcrypto's
 * error queue, unless said otherwise.  Of a name with 0 the function takes over the caller's
 * reference (set0) or lends its own (get0); of one with 1 it takes a reference of its own (set1),
 * or gives the caller one (get1).  One thread at a time per SSL; an SSL_CTX may be shared by
 * threads once it is configured.
 */
#ifndef HANDFAST_OPENSSL_SSL_H
#define HANDFAST_OPENSSL_SSL_H

#include <sys/time.h>

#include <openssl/base.h>
#include <openssl/bio.h>
#include <openssl/buf.h>
#include <openssl/err.h>
#include <openssl/ex_data.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/span.h>
#include <openssl/stack.h>
#include <openssl/thread.h>
#include <openssl/x509.h>

#include <openssl/ssl3.h>
#include <openssl/sslerr.h>
#include <openssl/tls1.h>

#include <handfast/bio_pair.h>

#ifndef OPENSSL_IS_BORINGSSL
#error \
    "handfast's openssl/ssl.h needs BoringSSL's headers beside it: set the include path to BoringSSL's"
#endif

#ifdef __GNUC__
#define HF_SSL_EXPORT __attribute__((visibility("default")))
#else
#define HF_SSL_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

DEFINE_CONST_STACK_OF(SSL_CIPHER)

#include <openssl/ssl_constants.h> /* IWYU pragma: export */

/* ---- Making connections ---- */

/* SSL_new makes a connection that is configured as |ctx| is now; what is set on |ctx| later does
 * not concern it.  It holds a reference to |ctx|.  NULL on failure. */
HF_SSL_EXPORT SSL *SSL_new(SSL_CTX *ctx);
/* SSL_up_ref takes another reference and returns 1. */
HF_SSL_EXPORT int SSL_up_ref(SSL *ssl);
/* SSL_free releases a reference; with the last one go the BIOs.  NULL is allowed.  It sends
 * nothing. */
HF_SSL_EXPORT void SSL_free(SSL *ssl);
/* SSL_clear makes |ssl| ready for another connection with the same settings, role and BIOs. */
HF_SSL_EXPORT int SSL_clear(SSL *ssl);
/* SSL_get_SSL_CTX returns |ssl|'s SSL_CTX, lent. */
HF_SSL_EXPORT SSL_CTX *SSL_get_SSL_CTX(const SSL *ssl);
/* SSL_set_SSL_CTX changes |ssl|'s SSL_CTX and takes the certificates and keys of |ctx| in place of
 * its own, with the certificate callback, signing preferences, verify store and session id context:
 * for servername callbacks.  Verify mode, versions and the like stay as they were.  NULL:
 * back to the SSL_CTX it was made from.  It returns the SSL_CTX in force, lent; NULL on failure. */
HF_SSL_EXPORT SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx);
/* SSL_set_connect_state makes |ssl| a client, SSL_set_accept_state a server; from the first call
 * that runs the handshake until SSL_clear they change nothing. */
HF_SSL_EXPORT void SSL_set_connect_state(SSL *ssl);
HF_SSL_EXPORT void SSL_set_accept_state(SSL *ssl);
/* SSL_is_server returns 1 for a server, else 0. */
HF_SSL_EXPORT int SSL_is_server(const SSL *ssl);
/* SSL_is_dtls returns 0: there is no DTLS here. */
HF_SSL_EXPORT int SSL_is_dtls(const SSL *ssl);

/* ---- Transport ---- */

/* SSL_set_bio gives |ssl| the BIOs to read from and to write to.  It takes over: no reference if
 * both are those in place; one if they are the same, or if only |wbio| changes, or if only |rbio|
 * changes and the two in place differ; else two. */
HF_SSL_EXPORT void SSL_set_bio(SSL *ssl, BIO *rbio, BIO *wbio);
/* SSL_set0_rbio and SSL_set0_wbio change one BIO and take over one reference each. */
HF_SSL_EXPORT void SSL_set0_rbio(SSL *ssl, BIO *rbio);
HF_SSL_EXPORT void SSL_set0_wbio(SSL *ssl, BIO *wbio);
/* SSL_get_rbio and SSL_get_wbio return the BIOs, lent, or NULL. */
HF_SSL_EXPORT BIO *SSL_get_rbio(const SSL *ssl);
HF_SSL_EXPORT BIO *SSL_get_wbio(const SSL *ssl);
/* SSL_set_fd, SSL_set_rfd and SSL_set_wfd make socket BIOs over |fd|, which stays the caller's to
 * close. */
HF_SSL_EXPORT int SSL_set_fd(SSL *ssl, int fd);
HF_SSL_EXPORT int SSL_set_rfd(SSL *ssl, int fd);
HF_SSL_EXPORT int SSL_set_wfd(SSL *ssl, int fd);
/* SSL_get_fd and SSL_get_rfd return the descriptor read from, SSL_get_wfd the one written to; -1 if
 * there is none. */
HF_SSL_EXPORT int SSL_get_fd(const SSL *ssl);
HF_SSL_EXPORT int SSL_get_rfd(const SSL *ssl);
HF_SSL_EXPORT int SSL_get_wfd(const SSL *ssl);
/* BIO_set_tcp_ndelay turns TCP_NODELAY of socket |sock| on, or off if |turn_on| is 0. */
HF_SSL_EXPORT int BIO_set_tcp_ndelay(int sock, int turn_on);
/* BIO_f_ssl is the method of BIOs that are TLS connections; BIO_set_ssl gives such a BIO its SSL,
 * and the reference with it if |take_ownership| is BIO_CLOSE. */
HF_SSL_EXPORT const BIO_METHOD *BIO_f_ssl(void);
HF_SSL_EXPORT long BIO_set_ssl(BIO *bio, SSL *ssl, int take_ownership);
#ifndef BIO_C_GET_SSL /* BIO_ctrl: gives an SSL BIO's SSL; younger BoringSSLs lack the number */
#define BIO_C_GET_SSL 110
#endif

/* ---- Handshake ---- */

/* SSL_connect, SSL_accept and SSL_do_handshake go on with the handshake as client, as server, in
 * the role that was set.  1: it is done.  0: the peer ended it by the rules (close_notify).
 * Negative: not done; SSL_get_error says whether to try again, and when; SSL_ERROR_SYSCALL with an
 * empty error queue and errno 0: the transport ended.  A failure is the same at every later call.
 */
HF_SSL_EXPORT int SSL_connect(SSL *ssl);
HF_SSL_EXPORT int SSL_accept(SSL *ssl);
HF_SSL_EXPORT int SSL_do_handshake(SSL *ssl);
/* SSL_is_init_finished returns 1 when the handshake is done, SSL_in_init 1 when it is not. */
HF_SSL_EXPORT int SSL_is_init_finished(const SSL *ssl);
HF_SSL_EXPORT int SSL_in_init(const SSL *ssl);
#define SSL_in_before(ssl) (SSL_get_state(ssl) == TLS_ST_BEFORE)
#define SSL_in_connect_init(ssl) (SSL_in_init(ssl) && !SSL_is_server(ssl))
#define SSL_in_accept_init(ssl) (SSL_in_init(ssl) && SSL_is_server(ssl))
/* SSL_state returns SSL_ST_OK when the handshake is done, else SSL_ST_INIT. */
HF_SSL_EXPORT int SSL_state(const SSL *ssl);
#define SSL_get_state(ssl) SSL_state(ssl)
/* SSL_state_string and SSL_state_string_long name the state of the handshake.  The strings live for
 * ever. */
HF_SSL_EXPORT const char *SSL_state_string(const SSL *ssl);
HF_SSL_EXPORT const char *SSL_state_string_long(const SSL *ssl);

/* ---- Data ---- */

/* SSL_read reads up to |num| bytes of application data, of one record at most; SSL_peek leaves them
 * there.  The count, or 0: the peer closed, or the transport ended; or negative: see SSL_get_error.
 */
HF_SSL_EXPORT int SSL_read(SSL *ssl, void *buf, int num);
HF_SSL_EXPORT int SSL_peek(SSL *ssl, void *buf, int num);
/* SSL_write writes |num| bytes.  The count, or not positive: see SSL_get_error; then repeat it with
 * at least as many of the same bytes. */
HF_SSL_EXPORT int SSL_write(SSL *ssl, const void *buf, int num);
/* SSL_read_ex, SSL_peek_ex and SSL_write_ex return 1 and set the count, or return 0: see
 * SSL_get_error. */
HF_SSL_EXPORT int SSL_read_ex(SSL *ssl, void *buf, size_t num, size_t *read_bytes);
HF_SSL_EXPORT int SSL_peek_ex(SSL *ssl, void *buf, size_t num, size_t *read_bytes);
HF_SSL_EXPORT int SSL_write_ex(SSL *ssl, const void *buf, size_t num, size_t *written);
/* SSL_pending returns how many bytes SSL_read would give at once. */
HF_SSL_EXPORT int SSL_pending(const SSL *ssl);
/* SSL_has_pending returns 1 if |ssl| holds bytes, decrypted or not, that came from the BIO. */
HF_SSL_EXPORT int SSL_has_pending(const SSL *ssl);
/* SSL_key_update sends KeyUpdate with the next write; |request_type| says whether the peer is asked
 * for one. */
HF_SSL_EXPORT int SSL_key_update(SSL *ssl, int request_type);

/* ---- End ---- */

/* SSL_shutdown sends close_notify, and when it is sent, waits for the peer's.  1: both are seen. 0:
 * ours is sent; call again to wait.  Negative: see SSL_get_error.  During a handshake and after a
 * failed one: 1, and nothing is sent. */
HF_SSL_EXPORT int SSL_shutdown(SSL *ssl);
/* SSL_send_fatal_alert fails the connection with |alert|, one of SSL_AD_, and sends it to the peer,
 * after the record of a SSL_write that blocked.  1: it is sent.  Negative: see SSL_get_error; after
 * SSL_ERROR_WANT_WRITE it is to be called again with the same |alert|.  From the first call on
 * SSL_write fails with SSL_R_PROTOCOL_IS_SHUTDOWN, and so do SSL_read, when it has given what was
 * decrypted already, and this function, as it does after close_notify and other fatal alerts of
 * this side; after one of the peer's it fails with that.  Before the handshake has begun the alert
 * is all that is sent, though the callbacks that a hello needs are called, and a session that was
 * set counts as offered.  SSL_AD_CLOSE_NOTIFY, which is no fatal alert, is taken as
 * SSL_AD_INTERNAL_ERROR.  Callbacks must not call it: they refuse by what they return. */
HF_SSL_EXPORT int SSL_send_fatal_alert(SSL *ssl, uint8_t alert);
/* SSL_get_shutdown returns SSL_SENT_SHUTDOWN and SSL_RECEIVED_SHUTDOWN bits; SSL_set_shutdown adds
 * such bits. */
HF_SSL_EXPORT int SSL_get_shutdown(const SSL *ssl);
HF_SSL_EXPORT void SSL_set_shutdown(SSL *ssl, int mode);
/* SSL_set_quiet_shutdown: if |mode| is not 0, SSL_shutdown sends nothing and waits for nothing. */
HF_SSL_EXPORT void SSL_CTX_set_quiet_shutdown(SSL_CTX *ctx, int mode);
HF_SSL_EXPORT int SSL_CTX_get_quiet_shutdown(const SSL_CTX *ctx);
HF_SSL_EXPORT void SSL_set_quiet_shutdown(SSL *ssl, int mode);
HF_SSL_EXPORT int SSL_get_quiet_shutdown(const SSL *ssl);

/* ---- Why not ---- */

/* SSL_get_error says what |ret|, as the last call on |ssl| returned it, means: one of SSL_ERROR_.
 */
HF_SSL_EXPORT int SSL_get_error(const SSL *ssl, int ret);
/* SSL_want returns what the last call on |ssl| waits for: SSL_NOTHING, SSL_READING, SSL_WRITING or
 * another SSL_ERROR_. */
HF_SSL_EXPORT int SSL_want(const SSL *ssl);
/* SSL_error_description returns the name of an SSL_ERROR_ without that prefix, or NULL. */
HF_SSL_EXPORT const char *SSL_error_description(int err);
/* SSL_alert_type_string(_long) and SSL_alert_desc_string(_long) name the level and the description
 * in the value that info callbacks get: level * 256 + description. */
HF_SSL_EXPORT const char *SSL_alert_type_string(int value);
HF_SSL_EXPORT const char *SSL_alert_type_string_long(int value);
HF_SSL_EXPORT const char *SSL_alert_desc_string(int value);
HF_SSL_EXPORT const char *SSL_alert_desc_string_long(int value);
/* SSLerr puts |reason| on the error queue. */
#define SSLerr(function, reason) ERR_put_error(ERR_LIB_SSL, 0, (reason), __FILE__, __LINE__)

/* ---- What was negotiated ---- */

/* SSL_version returns the protocol version in force, or the highest wanted before there is one. */
HF_SSL_EXPORT int SSL_version(const SSL *ssl);
/* SSL_get_version names it: "TLSv1.3"; "unknown" before there is one. */
HF_SSL_EXPORT const char *SSL_get_version(const SSL *ssl);
/* SSL_get_current_cipher returns the cipher suite in force, or NULL; SSL_get_pending_cipher the one
 * being negotiated. */
HF_SSL_EXPORT const SSL_CIPHER *SSL_get_current_cipher(const SSL *ssl);
HF_SSL_EXPORT const SSL_CIPHER *SSL_get_pending_cipher(const SSL *ssl);
#define SSL_get_cipher(ssl) SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))
#define SSL_get_cipher_name(ssl) SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))
#define SSL_get_cipher_bits(ssl, bits) SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), bits)
#define SSL_get_cipher_version(ssl) SSL_CIPHER_get_version(SSL_get_current_cipher(ssl))
/* SSL_get_group_id returns the group of the key exchange, as TLS numbers it, or 0. SSL_get_curve_id
 * is its older name. */
HF_SSL_EXPORT uint16_t SSL_get_group_id(const SSL *ssl);
HF_SSL_EXPORT uint16_t SSL_get_curve_id(const SSL *ssl);
/* SSL_get_negotiated_group returns the same as a NID; for a group without one, its number with
 * TLSEXT_nid_unknown set; 0. */
HF_SSL_EXPORT int SSL_get_negotiated_group(const SSL *ssl);
#define TLSEXT_nid_unknown 0x1000000
/* SSL_get_peer_signature_algorithm returns the SignatureScheme that the peer signed with, or 0. */
HF_SSL_EXPORT uint16_t SSL_get_peer_signature_algorithm(const SSL *ssl);
/* SSL_get0_alpn_selected gives the application protocol chosen, lent; its length is 0 if none was.
 */
HF_SSL_EXPORT void SSL_get0_alpn_selected(const SSL *ssl, const uint8_t **out_data,
                                          unsigned *out_len);
/* SSL_get_servername returns the host name that the client sent, lent; NULL if none, or if |type|
 * is another type. */
HF_SSL_EXPORT const char *SSL_get_servername(const SSL *ssl, int type);
/* SSL_get_servername_type returns TLSEXT_NAMETYPE_host_name if there is such a name, else -1. */
HF_SSL_EXPORT int SSL_get_servername_type(const SSL *ssl);
/* SSL_session_reused returns 1 if a session was resumed. */
HF_SSL_EXPORT int SSL_session_reused(const SSL *ssl);
/* SSL_used_hello_retry_request returns 1 if there was a HelloRetryRequest. */
HF_SSL_EXPORT int SSL_used_hello_retry_request(const SSL *ssl);
/* SSL_get_secure_renegotiation_support returns 1 if the peer has shown that no handshake can have
 * gone before this one unseen (RFC 5746), and in TLS 1.3, which has no renegotiation to secure. */
HF_SSL_EXPORT int SSL_get_secure_renegotiation_support(const SSL *ssl);
/* SSL_get_client_random and SSL_get_server_random write up to |max_out| bytes of the hellos'
 * randoms and return how many; with |max_out| 0, how many there are. */
HF_SSL_EXPORT size_t SSL_get_client_random(const SSL *ssl, uint8_t *out, size_t max_out);
HF_SSL_EXPORT size_t SSL_get_server_random(const SSL *ssl, uint8_t *out, size_t max_out);
/* SSL_get_finished and SSL_get_peer_finished write up to |count| bytes of this side's and the
 * peer's Finished and return its whole length; 0 if there was none yet. */
HF_SSL_EXPORT size_t SSL_get_finished(const SSL *ssl, void *buf, size_t count);
HF_SSL_EXPORT size_t SSL_get_peer_finished(const SSL *ssl, void *buf, size_t count);
/* SSL_export_keying_material writes |out_len| bytes for |label| and |context| (RFC 9846 7.5);
 * |use_context| 0: none.  Of a client it does when the handshake is done or SSL_in_false_start says
 * 1, of a server as soon as it may write. */
HF_SSL_EXPORT int SSL_export_keying_material(const SSL *ssl, uint8_t *out, size_t out_len,
                                             const char *label, size_t label_len,
                                             const uint8_t *context, size_t context_len,
                                             int use_context);
/* SSL_get_traffic_secrets lends the application traffic secrets (RFC 9846 7.2) under which |ssl|
 * receives and sends; after a KeyUpdate, which SSL_key_update and SSL_read may bring about, the new
 * one.  They last until the next call on |ssl| that reads, writes, updates keys, ends or frees it.
 * 0, with nothing lent: the handshake is not done, the version has none (TLS 1.2), or |ssl| has
 * failed since.  Who knows them can read and forge all that is to come.  In C++ there is
 * BoringSSL's bssl::SSL_get_traffic_secrets too. */
HF_SSL_EXPORT int SSL_get_traffic_secrets(const SSL *ssl, const uint8_t **out_read,
                                          size_t *out_read_len, const uint8_t **out_write,
                                          size_t *out_write_len);

/* ---- The peer's certificate ---- */

/* SSL_get_peer_certificate and SSL_get1_peer_certificate return the peer's certificate with a
 * reference, or NULL; SSL_get0_peer_certificate lends it. */
HF_SSL_EXPORT X509 *SSL_get_peer_certificate(const SSL *ssl);
HF_SSL_EXPORT X509 *SSL_get1_peer_certificate(const SSL *ssl);
HF_SSL_EXPORT X509 *SSL_get0_peer_certificate(const SSL *ssl);
/* SSL_get_peer_cert_chain returns the chain as received, lent: with the peer's certificate on a
 * client, without it on a server.  SSL_get_peer_full_cert_chain always has it.  NULL if there is
 * none. */
HF_SSL_EXPORT STACK_OF(X509) * SSL_get_peer_cert_chain(const SSL *ssl);
HF_SSL_EXPORT STACK_OF(X509) * SSL_get_peer_full_cert_chain(const SSL *ssl);
/* SSL_get0_peer_certificates returns the whole chain in DER, lent, or NULL. */
HF_SSL_EXPORT const STACK_OF(CRYPTO_BUFFER) * SSL_get0_peer_certificates(const SSL *ssl);
/* SSL_get0_ocsp_response lends a client the OCSP response that the server stapled to its first
 * certificate, and SSL_get0_signed_cert_timestamp_list the SignedCertificateTimestampList with its
 * outer length.  They can be asked from the verification on, for as long as |ssl| is neither
 * cleared nor freed.  |*out_len| 0: none came.  Nobody here looked at what is in them. */
HF_SSL_EXPORT void SSL_get0_ocsp_response(const SSL *ssl, const uint8_t **out, size_t *out_len);
HF_SSL_EXPORT void SSL_get0_signed_cert_timestamp_list(const SSL *ssl, const uint8_t **out,
                                                       size_t *out_len);
/* SSL_get_verify_result returns the X509_V_ code of the chain's verification;
 * X509_V_ERR_INVALID_CALL before it. */
HF_SSL_EXPORT long SSL_get_verify_result(const SSL *ssl);
/* SSL_alert_from_verify_result returns the SSL_AD_ alert that tells a peer of X509_V_ERR_ code
 * |result|. */
HF_SSL_EXPORT int SSL_alert_from_verify_result(long result);

/* ---- Data of the application's ---- */

/* SSL_get_ex_new_index gives an index for SSL_set_ex_data and SSL_get_ex_data; -1 on failure. Index
 * 0 is app_data's.  When an SSL is freed, |free_func| is called with it, its pointer (or NULL),
 * NULL in place of a CRYPTO_EX_DATA, the index, |argl| and |argp|; the SSL's other pointers can be
 * had of SSL_get_ex_data then. */
HF_SSL_EXPORT int SSL_get_ex_new_index(long argl, void *argp, CRYPTO_EX_unused *unused,
                                       CRYPTO_EX_dup *dup_unused, CRYPTO_EX_free *free_func);
HF_SSL_EXPORT int SSL_set_ex_data(SSL *ssl, int idx, void *data);
HF_SSL_EXPORT void *SSL_get_ex_data(const SSL *ssl, int idx);
/* SSL_get_ex_data_X509_STORE_CTX_idx is the index under which an X509_STORE_CTX has its SSL in
 * verify callbacks. */
HF_SSL_EXPORT int SSL_get_ex_data_X509_STORE_CTX_idx(void);
#define SSL_set_app_data(ssl, data) (SSL_set_ex_data(ssl, 0, (char *)(data)))
#define SSL_get_app_data(ssl) (SSL_get_ex_data(ssl, 0))
#define SSL_CTX_set_app_data(ctx, data) (SSL_CTX_set_ex_data(ctx, 0, (char *)(data)))
#define SSL_CTX_get_app_data(ctx) (SSL_CTX_get_ex_data(ctx, 0))

/* ---- The library ---- */

/* These need not be called, and return 1 if they return anything. */
HF_SSL_EXPORT int SSL_library_init(void);
HF_SSL_EXPORT int OPENSSL_init_ssl(uint64_t opts, const OPENSSL_INIT_SETTINGS *settings);
HF_SSL_EXPORT void SSL_load_error_strings(void);
HF_SSL_EXPORT void ERR_load_SSL_strings(void);
#define OpenSSL_add_ssl_algorithms() SSL_library_init()
#define SSLeay_add_ssl_algorithms() SSL_library_init()

/* OpenSSL has ctrl commands behind macros where there are functions here.  Programs ask with #ifdef
 * whether there is such a thing; there is. */
#define SSL_CTRL_CHAIN handfast_has_a_function_instead
#define SSL_CTRL_CHAIN_CERT handfast_has_a_function_instead
#define SSL_CTRL_CLEAR_EXTRA_CHAIN_CERTS handfast_has_a_function_instead
#define SSL_CTRL_CLEAR_MODE handfast_has_a_function_instead
#define SSL_CTRL_CLEAR_OPTIONS handfast_has_a_function_instead
#define SSL_CTRL_EXTRA_CHAIN_CERT handfast_has_a_function_instead
#define SSL_CTRL_GET_CHAIN_CERTS handfast_has_a_function_instead
#define SSL_CTRL_GET_EXTRA_CHAIN_CERTS handfast_has_a_function_instead
#define SSL_CTRL_GET_MAX_CERT_LIST handfast_has_a_function_instead
#define SSL_CTRL_GET_NEGOTIATED_GROUP handfast_has_a_function_instead
#define SSL_CTRL_GET_READ_AHEAD handfast_has_a_function_instead
#define SSL_CTRL_GET_RI_SUPPORT handfast_has_a_function_instead
#define SSL_CTRL_GET_SESSION_REUSED handfast_has_a_function_instead
#define SSL_CTRL_GET_SESS_CACHE_MODE handfast_has_a_function_instead
#define SSL_CTRL_GET_SESS_CACHE_SIZE handfast_has_a_function_instead
#define SSL_CTRL_MODE handfast_has_a_function_instead
#define SSL_CTRL_OPTIONS handfast_has_a_function_instead
#define SSL_CTRL_SET_CURVES handfast_has_a_function_instead
#define SSL_CTRL_SET_CURVES_LIST handfast_has_a_function_instead
#define SSL_CTRL_SET_ECDH_AUTO handfast_has_a_function_instead
#define SSL_CTRL_SET_GROUPS handfast_has_a_function_instead
#define SSL_CTRL_SET_GROUPS_LIST handfast_has_a_function_instead
#define SSL_CTRL_SET_MAX_CERT_LIST handfast_has_a_function_instead
#define SSL_CTRL_SET_MAX_SEND_FRAGMENT handfast_has_a_function_instead
#define SSL_CTRL_SET_MSG_CALLBACK handfast_has_a_function_instead
#define SSL_CTRL_SET_MSG_CALLBACK_ARG handfast_has_a_function_instead
#define SSL_CTRL_SET_READ_AHEAD handfast_has_a_function_instead
#define SSL_CTRL_SET_SESS_CACHE_MODE handfast_has_a_function_instead
#define SSL_CTRL_SET_SESS_CACHE_SIZE handfast_has_a_function_instead
#define SSL_CTRL_SET_TLSEXT_HOSTNAME handfast_has_a_function_instead
#define SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG handfast_has_a_function_instead
#define SSL_CTRL_SET_TLSEXT_SERVERNAME_CB handfast_has_a_function_instead
#define SSL_CTRL_SET_TMP_DH handfast_has_a_function_instead
#define SSL_CTRL_SET_TMP_ECDH handfast_has_a_function_instead

#include <openssl/ssl_early.h>         /* IWYU pragma: export */
#include <openssl/ssl_compress.h>      /* IWYU pragma: export */
#include <openssl/ssl_groups.h>        /* IWYU pragma: export */
#include <openssl/ssl_cookie.h>        /* IWYU pragma: export */
#include <openssl/ssl_psk.h>           /* IWYU pragma: export */
#include <openssl/ssl_quic.h>          /* IWYU pragma: export */
#include <openssl/ssl_ext.h>           /* IWYU pragma: export */
#include <openssl/ssl_rpk.h>           /* IWYU pragma: export */
#include <openssl/ssl_session.h>       /* IWYU pragma: export */
#include <openssl/ssl_session_cache.h> /* IWYU pragma: export */
#include <openssl/ssl_settings.h>      /* IWYU pragma: export */
#include <openssl/ssl_status.h>        /* IWYU pragma: export */
#include <openssl/ssl_tls12.h>         /* IWYU pragma: export */

#ifdef __cplusplus
}

#if !defined(BORINGSSL_NO_CXX)
extern "C++" {
BSSL_NAMESPACE_BEGIN
BORINGSSL_MAKE_DELETER(SSL, SSL_free)
BORINGSSL_MAKE_UP_REF(SSL, SSL_up_ref)
BORINGSSL_MAKE_DELETER(SSL_CTX, SSL_CTX_free)
BORINGSSL_MAKE_UP_REF(SSL_CTX, SSL_CTX_up_ref)
BORINGSSL_MAKE_DELETER(SSL_SESSION, SSL_SESSION_free)
BORINGSSL_MAKE_UP_REF(SSL_SESSION, SSL_SESSION_up_ref)

/* SSL_get_traffic_secrets is the function of that name above. */
inline bool SSL_get_traffic_secrets(const SSL *ssl, Span<const uint8_t> *out_read_traffic_secret,
                                    Span<const uint8_t> *out_write_traffic_secret) {
  const uint8_t *read, *write;
  size_t read_len, write_len;
  if (!::SSL_get_traffic_secrets(ssl, &read, &read_len, &write, &write_len)) return false;
  *out_read_traffic_secret = Span<const uint8_t>(read, read_len);
  *out_write_traffic_secret = Span<const uint8_t>(write, write_len);
  return true;
}
BSSL_NAMESPACE_END
}
#endif
#endif
#endif
