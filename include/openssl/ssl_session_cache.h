/* ssl_session_cache.h: the part of ssl.h about sessions that a server keeps.  Include
 * <openssl/ssl.h>.
 *
 * A server puts its sessions into tickets, unless SSL_OP_NO_TICKET is set.  Then, if
 * SSL_CTX_set_session_cache_mode has SSL_SESS_CACHE_SERVER, as it has at first, it keeps them: a
 * TLS 1.3 ticket is a session's id of 32 random bytes, and what that stands for is in the SSL_CTX's
 * cache, or with the application, or both.  All SSLs of an SSL_CTX share its cache; any thread may
 * call what is here at any time, but the functions that set callbacks, which are for before the
 * first connection.
 */
#ifndef HANDFAST_OPENSSL_SSL_SESSION_CACHE_H
#define HANDFAST_OPENSSL_SSL_SESSION_CACHE_H

#ifndef HANDFAST_OPENSSL_SSL_H
#error "include <openssl/ssl.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The cache ---- */

/* SSL_CTX_add_session puts |session|, of which it takes a reference, into the cache, in place of
 * another with the same id.  If there are then more than SSL_CTX_sess_set_cache_size says, the one
 * that was put there first goes.  Returns 1; 0 if it is there already, has no id, or memory ran
 * out. */
HF_SSL_EXPORT int SSL_CTX_add_session(SSL_CTX *ctx, SSL_SESSION *session);
/* SSL_CTX_remove_session takes the session that has |session|'s id out of the cache.  Returns 1, or
 * 0 if there is none. */
HF_SSL_EXPORT int SSL_CTX_remove_session(SSL_CTX *ctx, SSL_SESSION *session);
/* SSL_CTX_flush_sessions takes out the sessions that have expired at |time|, in seconds since 1970;
 * with 0, all.  It happens by itself once in a while, unless the mode has
 * SSL_SESS_CACHE_NO_AUTO_CLEAR. */
HF_SSL_EXPORT void SSL_CTX_flush_sessions(SSL_CTX *ctx, uint64_t time);
/* SSL_CTX_sess_number returns how many sessions are in the cache. */
HF_SSL_EXPORT size_t SSL_CTX_sess_number(const SSL_CTX *ctx);

/* ---- Sessions that the application keeps ----
 *
 * SSL_CTX_sess_set_new_cb's callback gets each session that a server is to keep, too. */

/* SSL_CTX_sess_set_get_cb has |cb| called for an id that the cache does not know, or with
 * SSL_SESS_CACHE_NO_INTERNAL_LOOKUP in the mode for every id.  It returns a session, and sets
 * |*out_copy| to 0 if that is a reference for |ssl|; else |ssl| takes one of its own.  NULL: there
 * is none.  SSL_magic_pending_session_ptr(): ask again later; until then SSL_get_error is
 * SSL_ERROR_PENDING_SESSION.  A session that it returns goes into the cache, unless the mode has
 * SSL_SESS_CACHE_NO_INTERNAL_STORE.  A client may offer several ids, and the callback may be called
 * for each, again for all of them after a pause.  The id is what somebody sent. */
HF_SSL_EXPORT void SSL_CTX_sess_set_get_cb(SSL_CTX *ctx,
                                           SSL_SESSION *(*cb)(SSL *ssl, const uint8_t *id,
                                                              int id_len, int *out_copy));
HF_SSL_EXPORT SSL_SESSION *(*SSL_CTX_sess_get_get_cb(SSL_CTX *ctx))(SSL *ssl, const uint8_t *id,
                                                                    int id_len, int *out_copy);
/* SSL_magic_pending_session_ptr returns what stands for a session that is still being looked for.
 * It is no session. */
HF_SSL_EXPORT SSL_SESSION *SSL_magic_pending_session_ptr(void);
/* SSL_CTX_sess_set_remove_cb has |cb| called with each session that leaves the cache: removed,
 * expired, for want of room, or because |ctx| is freed; not when another with its id takes its
 * place.  |session| is lent. */
HF_SSL_EXPORT void SSL_CTX_sess_set_remove_cb(SSL_CTX *ctx,
                                              void (*cb)(SSL_CTX *ctx, SSL_SESSION *session));
HF_SSL_EXPORT void (*SSL_CTX_sess_get_remove_cb(SSL_CTX *ctx))(SSL_CTX *ctx, SSL_SESSION *session);

/* ---- How often it happened ---- */

/* These count, for all connections made from |ctx|, up to 2^31 - 1: handshakes that clients and
 * servers began and completed; how many of those completed resumed a session (hits).  For sessions
 * that are kept: those that |ctx|'s get_cb knew (cb_hits); ids that nobody knew (misses); sessions
 * that were found and had expired (timeouts); and that made room for others (cache_full).  There is
 * no renegotiation, so those two are 0. */
HF_SSL_EXPORT int SSL_CTX_sess_connect(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_connect_good(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_connect_renegotiate(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_accept(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_accept_good(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_accept_renegotiate(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_hits(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_cb_hits(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_misses(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_timeouts(const SSL_CTX *ctx);
HF_SSL_EXPORT int SSL_CTX_sess_cache_full(const SSL_CTX *ctx);

#ifdef __cplusplus
}
#endif
#endif
