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

/* ---- Clients ----
 *
 * If the session of SSL_set_session allows early data, SSL_connect and SSL_do_handshake return 1 as
 * soon as the ClientHello has gone out.  SSL_in_init is 1 then, and what can be asked of the
 * connection (certificates, cipher, application protocol) is what it was when the session was made.
 * SSL_write sends early data, as much as the session allows; when there is more it completes the
 * handshake first.  SSL_read, and SSL_do_handshake called again, complete the handshake too.  The
 * server's certificate is not shown again: a session is resumed, which with SSL_VERIFY_PEER is
 * offered only if the certificate was found good when it was made.
 *
 * If the server refuses early data, SSL_do_handshake, SSL_connect, SSL_read and SSL_write fail with
 * SSL_ERROR_EARLY_DATA_REJECTED, each of them, until SSL_reset_early_data_reject is called or the
 * connection given up.  What was written is to be sent again by who wrote it: the server has not
 * read it, though a replay of it may have reached another server.  After the reset the handshake
 * goes on as any other, with the verification of a certificate if the session was not resumed, and
 * what was asked before it is to be asked again.
 *
 * The handshake fails with SSL_R_CIPHER_MISMATCH_ON_EARLY_DATA if the server accepts early data
 * under another suite or application protocol than the session's. */

/* SSL_in_early_data returns 1 while the handshake is not done and early data can be sent, or
 * received: a client's from the return of SSL_connect on, or refused and not reset; a server's
 * until all of it was read.  Data that SSL_read gives to a server is early data if this is 1
 * afterwards. */
HF_SSL_EXPORT int SSL_in_early_data(const SSL *ssl);
/* SSL_reset_early_data_reject takes note of SSL_ERROR_EARLY_DATA_REJECTED; a SSL_write that was not
 * complete is forgotten.  It does nothing on an SSL that has no such error. */
HF_SSL_EXPORT void SSL_reset_early_data_reject(SSL *ssl);
/* SSL_SESSION_early_data_capable returns 1 if the server of |session| allows early data. */
HF_SSL_EXPORT int SSL_SESSION_early_data_capable(const SSL_SESSION *session);
/* SSL_SESSION_copy_without_early_data returns a session that is as |session| but for early data,
 * with a reference; if it allows none, |session| itself.  NULL: memory ran out, or |session| cannot
 * be resumed. */
HF_SSL_EXPORT SSL_SESSION *SSL_SESSION_copy_without_early_data(SSL_SESSION *session);
/* SSL_SESSION_get_max_early_data returns how many bytes the server of |session| allows.
 * SSL_SESSION_set_max_early_data changes that for who has just made |session|, and returns 1. */
HF_SSL_EXPORT uint32_t SSL_SESSION_get_max_early_data(const SSL_SESSION *session);
HF_SSL_EXPORT int SSL_SESSION_set_max_early_data(SSL_SESSION *session, uint32_t max_early_data);

/* ---- Servers ----
 *
 * If early data is accepted, SSL_accept and SSL_do_handshake return 1 when the server's Finished
 * has gone out.  SSL_in_init and SSL_in_early_data are 1 then.  SSL_read gives early data, and when
 * that has ended completes the handshake and gives what comes after it; SSL_do_handshake returns 1
 * and changes nothing until then.  SSL_write sends to a client that has not completed the
 * handshake: whoever it is, it may be a replay.
 *
 * Early data is accepted if: it is switched on; the client offers it with its first ticket, and
 * that ticket allows it, is resumed, has the application protocol and suite that are chosen, and
 * the context of SSL_set_quic_early_data_context; there is no HelloRetryRequest; the age of the
 * ticket by the client's word is wrong by sixty seconds at most; the callback of
 * SSL_CTX_set_allow_early_data_cb agrees; and the record says that it comes for the first time.
 *
 * The record is the SSL_CTX's, shared by its threads.  It remembers a ticket for as long as a hello
 * made with it would be fresh, two minutes at most, and early data is not accepted with it again in
 * that time: so of all replays of a hello one at most is accepted.  It has room for up to 16384
 * tickets, 256 KiB in all, made when first needed; when there is none for another, early data is
 * refused and the handshake goes on without.  Tickets from before the SSL_CTX was made, by keys or
 * from a store that the application brought, do for early data only in hellos of a minute later:
 * what was accepted before is not known.
 *
 * It does not protect where several SSL_CTXs take the same tickets (in several processes or on
 * several machines, by SSL_CTX_set_tlsext_ticket_keys and its like): a replay is accepted once by
 * each.  Nor does it keep a client from sending the same request twice, on two connections.  So
 * what is done on early data alone should do no harm when done twice. */

/* SSL_CTX_set_allow_early_data_cb and SSL_set_allow_early_data_cb have |cb| asked, with |arg|, when
 * all but the record is in favour of accepting: it returns 1 to agree, else 0.  It is called when
 * the application protocol is chosen, on the connection that would get the data. */
HF_SSL_EXPORT void SSL_CTX_set_allow_early_data_cb(SSL_CTX *ctx, int (*cb)(SSL *ssl, void *arg),
                                                   void *arg);
HF_SSL_EXPORT void SSL_set_allow_early_data_cb(SSL *ssl, int (*cb)(SSL *ssl, void *arg), void *arg);
/* SSL_OP_NO_ANTI_REPLAY: the record is neither asked nor written.  For those whose callback knows
 * what was seen before, on all their servers; otherwise every replay within that minute is
 * accepted. */
#define SSL_OP_NO_ANTI_REPLAY 0x01000000L
/* SSL_get_ticket_age_skew returns by how many seconds the age of the ticket, by the client's word,
 * is more than it is here; on a server that resumed a session, else 0. */
HF_SSL_EXPORT int32_t SSL_get_ticket_age_skew(const SSL *ssl);

/* ---- What became of it ---- */

/* SSL_early_data_accepted returns 1 if the server accepted early data. */
HF_SSL_EXPORT int SSL_early_data_accepted(const SSL *ssl);
/* ssl_early_data_reason_t says why early data was accepted or not.  They are BoringSSL's; those for
 * what there is not here, Channel ID and ALPS, never come. */
enum ssl_early_data_reason_t BORINGSSL_ENUM_INT {
  ssl_early_data_unknown = 0,                 /* it is not known yet */
  ssl_early_data_disabled = 1,                /* this side has it switched off */
  ssl_early_data_accepted = 2,                /* it was accepted */
  ssl_early_data_protocol_version = 3,        /* the version has none */
  ssl_early_data_peer_declined = 4,           /* the server did not say why; the client offered
                                                 none; or the server's record or callback refused */
  ssl_early_data_no_session_offered = 5,      /* the client offered no session */
  ssl_early_data_session_not_resumed = 6,     /* the server did not resume it */
  ssl_early_data_unsupported_for_session = 7, /* the session allows none */
  ssl_early_data_hello_retry_request = 8,     /* there was a HelloRetryRequest */
  ssl_early_data_alpn_mismatch = 9,           /* the session has another application protocol */
  ssl_early_data_channel_id = 10,
  ssl_early_data_ticket_age_skew = 12,         /* the client's word for the age was too wrong */
  ssl_early_data_quic_parameter_mismatch = 13, /* of SSL_set_quic_early_data_context */
  ssl_early_data_alps_mismatch = 14,
  ssl_early_data_reason_max_value = ssl_early_data_alps_mismatch
};
/* SSL_get_early_data_reason returns one of them, SSL_early_data_reason_string its name without
 * "ssl_early_data_", NULL for what is none. */
HF_SSL_EXPORT enum ssl_early_data_reason_t SSL_get_early_data_reason(const SSL *ssl);
HF_SSL_EXPORT const char *SSL_early_data_reason_string(enum ssl_early_data_reason_t reason);

/* SSL_export_keying_material_early is SSL_export_keying_material from the early exporter secret
 * (RFC 9846 7.5): while a client offers early data and it is not refused, and while a server
 * accepts it; both until the handshake is done.  A replay of the connection has the same.  Returns
 * 1, or 0 with SSL_R_HANDSHAKE_NOT_COMPLETE. */
HF_SSL_EXPORT int SSL_export_keying_material_early(SSL *ssl, uint8_t *out, size_t out_len,
                                                   const char *label, size_t label_len,
                                                   const uint8_t *context, size_t context_len);

/* ---- Calls of their own, as in OpenSSL ----
 *
 * They need no switch, but tickets that allow early data do: SSL_CTX_set_max_early_data.  After
 * them a refusal is no error: SSL_get_early_data_status tells; and SSL_write sends nothing early,
 * but completes the handshake first. */

/* SSL_write_early_data writes all of |num| bytes early and returns 1 with the count in |*written|;
 * 0: see SSL_get_error, and call again with the same.  A client calls it first of all, with a
 * session that allows so many bytes, as often as it likes, and then SSL_connect.  A server may call
 * it between calls of SSL_read_early_data and before SSL_accept has returned 1, and sends to a
 * client that has not completed the handshake.  SSL_R_BAD_LENGTH: that is more than the session
 * allows; ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED: there is no such session, or the time of early data is
 * over. */
HF_SSL_EXPORT int SSL_write_early_data(SSL *ssl, const void *buf, size_t num, size_t *written);
/* SSL_read_early_data is called by a server first of all, until it returns
 * SSL_READ_EARLY_DATA_FINISH: there is no early data, or no more; then SSL_accept completes the
 * handshake.  SSL_READ_EARLY_DATA_SUCCESS: |*readbytes| bytes, |num| at most, were read to |buf|.
 * SSL_READ_EARLY_DATA_ERROR: see SSL_get_error, with 0. */
#define SSL_READ_EARLY_DATA_ERROR 0
#define SSL_READ_EARLY_DATA_SUCCESS 1
#define SSL_READ_EARLY_DATA_FINISH 2
HF_SSL_EXPORT int SSL_read_early_data(SSL *ssl, void *buf, size_t num, size_t *readbytes);
/* SSL_get_early_data_status returns whether early data was accepted; on a client REJECTED also
 * until the server has answered, on a server NOT_SENT also after a HelloRetryRequest. */
#define SSL_EARLY_DATA_NOT_SENT 0
#define SSL_EARLY_DATA_REJECTED 1
#define SSL_EARLY_DATA_ACCEPTED 2
HF_SSL_EXPORT int SSL_get_early_data_status(const SSL *ssl);

#ifdef __cplusplus
}
#endif
#endif
