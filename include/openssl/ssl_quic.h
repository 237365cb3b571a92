/* ssl_quic.h: the part of ssl.h for QUIC implementations (RFC 9001).  Include <openssl/ssl.h>.
 *
 * With QUIC an SSL has no BIO and no records: handshake bytes go through callbacks, by encryption
 * level, and secrets are handed out.  There are two ways to say so, BoringSSL's SSL_QUIC_METHOD and
 * OpenSSL 3.5's SSL_set_quic_tls_cbs; each peer may use either.  Both need TLS 1.3, which they
 * demand whatever else is configured, transport parameters, and ALPN: a client that has no
 * protocols to offer does not start, and a server without a protocol in common refuses with
 * no_application_protocol (RFC 9001 section 8.1).
 *
 * SSL_do_handshake, SSL_connect and SSL_accept drive the handshake; SSL_ERROR_WANT_READ means that
 * more must come from the peer.  Keys to write acknowledgments with are handed out before the keys
 * to read what is acknowledged: those of a level for writing before those for reading, and 1-RTT
 * keys for writing before 0-RTT keys for reading.  No byte of a level comes before its keys.
 *
 * 0-RTT is switched on with SSL_set_early_data_enabled; then, with SSL_QUIC_METHOD,
 * SSL_do_handshake returns 1 as soon as early data can be sent or read, with SSL_in_early_data 1,
 * and is to be called again; SSL_ERROR_EARLY_DATA_REJECTED is as without QUIC.  The data itself is
 * QUIC's.
 *
 * Failures are told once, as an alert, which QUIC sends as CONNECTION_CLOSE with the error code
 * 0x0100 + the alert (RFC 9001 section 4.8).  A callback that fails ends the connection, with
 * SSL_R_QUIC_INTERNAL_ERROR.  SSL_write, SSL_key_update and, with SSL_QUIC_METHOD, SSL_read and
 * SSL_peek, are errors; SSL_shutdown sends nothing and returns 1.
 */
#ifndef HANDFAST_OPENSSL_SSL_QUIC_H
#define HANDFAST_OPENSSL_SSL_QUIC_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* SSL_is_quic returns 1 if |ssl| is configured for QUIC in either way, else 0. */
HF_SSL_EXPORT int SSL_is_quic(const SSL *ssl);

/* ---- As in BoringSSL ---- */

/* ssl_encryption_level_t is under which keys bytes go (RFC 9001 section 2.1).  No handshake bytes
 * go as early data. */
enum ssl_encryption_level_t BORINGSSL_ENUM_INT {
  ssl_encryption_initial = 0,
  ssl_encryption_early_data,
  ssl_encryption_handshake,
  ssl_encryption_application,
};

/* ssl_quic_method_st is what a QUIC implementation does for an SSL.  All members are needed; each
 * function returns 1, or 0 to end the connection.  None may free the SSL or call what drives it. */
struct ssl_quic_method_st {
  /* set_read_secret: from now on packets of |level| can be read, with keys that come of the
   * |secret_len| bytes at |secret| under |cipher|'s AEAD and hash (RFC 9001 section 5).  At most
   * once for each level, never for the initial one. |secret| is lent. */
  int (*set_read_secret)(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                         const uint8_t *secret, size_t secret_len);
  /* set_write_secret: and be written.  A server has its application keys before the client is
   * known to have finished.  A client's early data may have another cipher than the rest. */
  int (*set_write_secret)(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                          const uint8_t *secret, size_t secret_len);
  /* add_handshake_data: |data|, lent, is to be sent in CRYPTO frames of |level|, after what was
   * added to it before. */
  int (*add_handshake_data)(SSL *ssl, enum ssl_encryption_level_t level, const uint8_t *data,
                            size_t len);
  /* flush_flight: nothing more is added until there is input; send now. */
  int (*flush_flight)(SSL *ssl);
  /* send_alert: the connection has failed; tell the peer of |alert| in a packet of |level|. */
  int (*send_alert)(SSL *ssl, enum ssl_encryption_level_t level, uint8_t alert);
};

/* SSL_CTX_set_quic_method and SSL_set_quic_method configure QUIC; NULL: TLS records, as at first.
 * |method| is kept as it is given and must live as long as what it is set on.  An SSL takes over
 * that of its SSL_CTX; 0 if its handshake has begun, or if memory ran out. */
HF_SSL_EXPORT int SSL_CTX_set_quic_method(SSL_CTX *ctx, const SSL_QUIC_METHOD *method);
HF_SSL_EXPORT int SSL_set_quic_method(SSL *ssl, const SSL_QUIC_METHOD *method);

/* SSL_quic_max_handshake_flight_len returns how many bytes that are not processed yet
 * SSL_provide_quic_data holds for |level|: 16384, with certificates to come SSL_set_max_cert_list's
 * number for a server and twice that for a client if it is more, and 0 for early data. */
HF_SSL_EXPORT size_t SSL_quic_max_handshake_flight_len(const SSL *ssl,
                                                       enum ssl_encryption_level_t level);
/* SSL_quic_read_level returns the level at which handshake bytes are expected now,
 * SSL_quic_write_level that at which they are added.  Neither is ever early data. */
HF_SSL_EXPORT enum ssl_encryption_level_t SSL_quic_read_level(const SSL *ssl);
HF_SSL_EXPORT enum ssl_encryption_level_t SSL_quic_write_level(const SSL *ssl);

/* SSL_provide_quic_data takes the next |len| bytes of |level|'s stream, at any time, also before
 * the handshake has begun or while a callback is being waited for; SSL_do_handshake and
 * SSL_process_quic_post_handshake process them.  They are copied.  0: bytes of |level| are not
 * expected now (SSL_R_WRONG_ENCRYPTION_LEVEL_RECEIVED; QUIC keeps those of later levels until the
 * keys come), or are too many (SSL_R_EXCESSIVE_MESSAGE_SIZE), or memory ran out. */
HF_SSL_EXPORT int SSL_provide_quic_data(SSL *ssl, enum ssl_encryption_level_t level,
                                        const uint8_t *data, size_t len);
/* SSL_process_quic_post_handshake processes what was provided after the handshake, which brings a
 * client its sessions.  Returns 1, also if a message is not whole yet; 0 if the connection has
 * failed, or before SSL_do_handshake has returned 1. */
HF_SSL_EXPORT int SSL_process_quic_post_handshake(SSL *ssl);

/* SSL_set_quic_transport_params sets this side's transport parameters as QUIC encodes them (RFC
 * 9000 section 18), at most 2048 bytes, copied: a client before its handshake begins, a server at
 * the latest when it selects its certificate (SSL_CTX_set_cert_cb). 0 if there are too many or
 * memory ran out.  An SSL that has them and is not for QUIC, or the other way round, fails with
 * SSL_R_QUIC_TRANSPORT_PARAMETERS_MISCONFIGURED. */
HF_SSL_EXPORT int SSL_set_quic_transport_params(SSL *ssl, const uint8_t *params, size_t params_len);
/* SSL_get_peer_quic_transport_params lends the peer's, until SSL_clear or SSL_free; |*out_params|
 * is NULL and |*out_params_len| 0 as long as there are none.  They can be trusted once the
 * handshake is complete. */
HF_SSL_EXPORT void SSL_get_peer_quic_transport_params(const SSL *ssl, const uint8_t **out_params,
                                                      size_t *out_params_len);
/* SSL_set_quic_use_legacy_codepoint with |use_legacy| not 0 has transport parameters sent and taken
 * by the code point that drafts of QUIC had for them, 0xffa5, and not by RFC 9001's, 57, as at
 * first.  A peer that has only the other fails the handshake with SSL_R_MISSING_EXTENSION.  Once
 * the handshake has begun it changes nothing. */
HF_SSL_EXPORT void SSL_set_quic_use_legacy_codepoint(SSL *ssl, int use_legacy);
/* SSL_set_quic_early_data_context is for servers: 0-RTT is taken only on a connection with the same
 * |context|, not empty, as had the one that the ticket is from.  It is to hold all that the client
 * remembers for 0-RTT: transport parameters, and settings of the application protocol.  At most
 * 65535 bytes, copied; before the handshake, or at the latest when the certificate is selected. 0
 * if it is too long or memory ran out. */
HF_SSL_EXPORT int SSL_set_quic_early_data_context(SSL *ssl, const uint8_t *context,
                                                  size_t context_len);

/* ---- As in OpenSSL 3.5 ---- */

/* OSSL_DISPATCH is an entry of a table of functions, which ends with {0, NULL}. */
typedef struct ossl_dispatch_st {
  int function_id;
  void (*function)(void);
} OSSL_DISPATCH;

/* OSSL_RECORD_PROTECTION_LEVEL_ are the levels that yield_secret is told. */
#define OSSL_RECORD_PROTECTION_LEVEL_NONE 0
#define OSSL_RECORD_PROTECTION_LEVEL_EARLY 1
#define OSSL_RECORD_PROTECTION_LEVEL_HANDSHAKE 2
#define OSSL_RECORD_PROTECTION_LEVEL_APPLICATION 3

/* OSSL_FUNC_SSL_QUIC_TLS_ are the functions that SSL_set_quic_tls_cbs takes, all of them needed.
 * Each is given the |arg| of SSL_set_quic_tls_cbs and returns 1, or 0 to end the connection.
 *
 * crypto_send: |buf|, lent, is to be sent in CRYPTO frames, under the keys for writing that were
 * yielded last, those for early data left aside, and in Initial packets before there are any;
 * |*consumed| is how much of it was taken.  If that is not all, the call that drives the handshake
 * returns with SSL_ERROR_WANT_WRITE and the next one sends the rest.
 *
 * crypto_recv_rcd: |*buf| and |*bytes_read| become bytes of the stream that was read under the keys
 * for reading that were yielded last, early data left aside; 0 bytes: there are none yet.  They
 * stay valid until crypto_release_rcd, which gives |bytes_read| back, all of it.
 *
 * yield_secret: |secret|, lent, is for packets of |prot_level|, to be written if |direction| is 1,
 * to be read if it is 0.  SSL_get_current_cipher has the cipher, and SSL_SESSION_get0_cipher of the
 * session that is offered that of a client's early data.
 *
 * got_transport_params: |params|, lent, are the peer's; a server may set its own now.
 *
 * alert: the connection has failed; tell the peer of |alert_code|. */
#define OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND 2001
typedef int(OSSL_FUNC_SSL_QUIC_TLS_crypto_send_fn)(SSL *ssl, const unsigned char *buf,
                                                   size_t buf_len, size_t *consumed, void *arg);
#define OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD 2002
typedef int(OSSL_FUNC_SSL_QUIC_TLS_crypto_recv_rcd_fn)(SSL *ssl, const unsigned char **buf,
                                                       size_t *bytes_read, void *arg);
#define OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD 2003
typedef int(OSSL_FUNC_SSL_QUIC_TLS_crypto_release_rcd_fn)(SSL *ssl, size_t bytes_read, void *arg);
#define OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET 2004
typedef int(OSSL_FUNC_SSL_QUIC_TLS_yield_secret_fn)(SSL *ssl, uint32_t prot_level, int direction,
                                                    const unsigned char *secret, size_t secret_len,
                                                    void *arg);
#define OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS 2005
typedef int(OSSL_FUNC_SSL_QUIC_TLS_got_transport_params_fn)(SSL *ssl, const unsigned char *params,
                                                            size_t params_len, void *arg);
#define OSSL_FUNC_SSL_QUIC_TLS_ALERT 2006
typedef int(OSSL_FUNC_SSL_QUIC_TLS_alert_fn)(SSL *ssl, unsigned char alert_code, void *arg);

/* SSL_set_quic_tls_cbs configures QUIC with the functions in |qtdis|, which is read before the call
 * returns; those with other ids are passed over.  It takes the place of an SSL_QUIC_METHOD.  After
 * the handshake SSL_read, which returns no data, processes what crypto_recv_rcd has; it is to be
 * called whenever there is something, SSL_read(ssl, NULL, 0) will do. 0 if a function is missing,
 * if the handshake has begun, or if memory ran out. */
HF_SSL_EXPORT int SSL_set_quic_tls_cbs(SSL *ssl, const OSSL_DISPATCH *qtdis, void *arg);
/* SSL_set_quic_tls_transport_params is SSL_set_quic_transport_params. */
HF_SSL_EXPORT int SSL_set_quic_tls_transport_params(SSL *ssl, const unsigned char *params,
                                                    size_t params_len);
/* SSL_set_quic_tls_early_data_enabled is SSL_set_early_data_enabled.  With OpenSSL's functions
 * yield_secret says when 0-RTT may be sent or read, SSL_do_handshake returns 1 only when the
 * handshake is done, and SSL_get_early_data_status says then what became of 0-RTT.  A server needs
 * no SSL_set_quic_early_data_context: it is to see to it by itself that what the client remembers
 * still holds.  Returns 1. */
HF_SSL_EXPORT int SSL_set_quic_tls_early_data_enabled(SSL *ssl, int enabled);

#ifdef __cplusplus
}
#endif
#endif
