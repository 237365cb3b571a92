/* driver.h: what the files that run a connection offer each other.
 *
 * Each public call that may do I/O begins with ssl_enter and then runs the engine with
 * ssl_handshake, ssl_io_* and ssl_answer until it has what it wants or has to stop; stopping is one
 * of the ssl_stop_ functions, whose value is what the call returns. */
#ifndef HANDFAST_SSL_DRIVER_H
#define HANDFAST_SSL_DRIVER_H

#include "ssl/internal.h"
#include "ssl/io.h"

/* ssl_enter clears the error queue, errno and what the last call waited for, so that SSL_get_error
 * speaks of this call. */
void ssl_enter(SSL *ssl);

/* ssl_handshake goes on with the handshake, or begins it, and tells the info callback what it
 * returns.  1: it is done; 0: the peer closed it;
 * -1: see SSL_get_error. */
int ssl_handshake(SSL *ssl);

/* ssl_start begins the connection.  False: see SSL_get_error. */
bool ssl_start(SSL *ssl);

/* ssl_ready_to_run says whether |ssl| has a role and BIOs; if not, why not is on the error queue:
 * |no_role| if it is the role. */
bool ssl_ready_to_run(const SSL *ssl, int no_role);

/* ssl_stop_waiting: the BIO stopped the call at |step|, in the direction |want|.  Returns -1. */
int ssl_stop_waiting(SSL *ssl, ssl_step step, int want);
/* ssl_stop_failed: the connection has failed.  The error goes on the queue, the same at each call.
 * Returns -1. */
int ssl_stop_failed(SSL *ssl);
/* ssl_stop_broken: the call would send, on a connection that has failed after its handshake.  The
 * error is the peer's alert; if it was this side that gave up, that the protocol is shut down.
 * Returns -1. */
int ssl_stop_broken(SSL *ssl);
/* ssl_stop_closed: the peer sent close_notify.  Returns 0. */
int ssl_stop_closed(SSL *ssl);

/* ssl_send sees to it that nothing is on its way out: first the record of a write that blocked,
 * then what the engine has to say, the answers to its questions included.  Returns 1, or -1: see
 * SSL_get_error.  data.c */
int ssl_send(SSL *ssl);
/* ssl_try_to_send sends what the BIO takes, and leaves no trace if it takes nothing. */
void ssl_try_to_send(SSL *ssl);
/* ssl_read_until_data reads records until there is io.app.  Returns 1, or what SSL_read has to
 * return. */
int ssl_read_until_data(SSL *ssl);

/* ssl_go_on goes on with the handshake on behalf of a call for data.  Returns 1, when there is
 * something for it or the handshake is done, or what the call has to return. */
int ssl_go_on(SSL *ssl);
/* ssl_write_data is SSL_write, or with |early| SSL_write_early_data when its time has come: 1 with
 * the count in |*written|, or what the call has to return. */
int ssl_write_data(SSL *ssl, const uint8_t *buf, size_t len, size_t *written, bool early);

/* ssl_reason returns the SSL_R_ or ERR_R_ reason for |status|; 0 for HF_PEER_ALERT. */
int ssl_reason(hf_status status);

/* ssl_answer answers the pending question from what the application configured, or refuses it.
 * False: it has to wait, or nothing is pending; ssl->want says for what.  questions.c */
bool ssl_answer(SSL *ssl);

/* ssl_accept_chain answers HF_ASK_VERDICT about a chain that is trusted, or refuses it if its key
 * is not for what it was used for.  False: it is not answered.  questions.c */
bool ssl_accept_chain(SSL *ssl, const hf_question_t *question);
/* ssl_answer_raw_key answers or refuses HF_ASK_VERDICT about a raw public key, where there is no
 * custom verification.  rpk.c */
bool ssl_answer_raw_key(SSL *ssl, const hf_question_t *question);
/* The callbacks that may have to be waited for, for questions.c; false, and -1 of ssl_ask_select,
 * with ssl->want set: not yet.  ssl_ask_select and ssl_ask_dos are given the ClientHello with its
 * header; 0 and false mean that it is refused.  ssl_open_hello lays a SSL_CLIENT_HELLO over it. The
 * others answer the question or refuse it.
 * pause.c */
int ssl_ask_select(SSL *ssl, hf_bytes message);
bool ssl_ask_dos(SSL *ssl, hf_bytes message);
bool ssl_open_hello(SSL_CLIENT_HELLO *out, SSL *ssl, hf_bytes message);
bool ssl_ask_signature(SSL *ssl, const hf_question_t *question);
bool ssl_ask_verdict(SSL *ssl, const hf_question_t *question);

/* ssl_starts_falsely says whether the handshake is to return 1 here, once, for False Start.
 * tls12.c */
bool ssl_starts_falsely(SSL *ssl, unsigned wants);

/* ssl_ask_status_server and ssl_ask_status_client run SSL_CTX_set_tlsext_status_cb's callback.
 * False: it has the question refused.  status.c */
bool ssl_ask_status_server(SSL *ssl, hf_bytes message);
bool ssl_ask_status_client(SSL *ssl);

/* ssl_answer_compress, ssl_answer_decompress: HF_ASK_COMPRESS and HF_ASK_DECOMPRESS, as ssl_answer.
 * compress.c */
bool ssl_answer_compress(SSL *ssl, const hf_question_t *question);
bool ssl_answer_decompress(SSL *ssl, const hf_question_t *question);

/* ssl_answer_session, ssl_answer_ticket: a server's HF_ASK_SESSION and HF_ASK_TICKET, as
 * ssl_answer. ticket.c */
bool ssl_answer_session(SSL *ssl, const hf_question_t *question);
bool ssl_answer_ticket(SSL *ssl, hf_bytes state);
/* ssl_session_keep answers HF_ASK_KEEP.  ssl_session_reverify answers HF_ASK_VERDICT about a
 * session's chain, as ssl_answer.  ssl_session_offer makes hf_start.session for a connection
 * to |name|, to be freed with OPENSSL_free, and marks the session; absent: none.  ssl_session_taken
 * is for the end of a handshake: a client that resumed has the session's certificates; false:
 * memory ran out.  ssl_session_give_due gives a session of TLS 1.2, which came just before that
 * end, to who keeps it.  session_client.c */
bool ssl_session_keep(SSL *ssl, hf_bytes state);
bool ssl_session_reverify(SSL *ssl);
hf_bytes ssl_session_offer(SSL *ssl, hf_bytes name);
bool ssl_session_taken(SSL *ssl);
void ssl_session_give_due(SSL *ssl);

/* ssl_answer_cookie: a server's HF_ASK_COOKIE, as ssl_answer.  ssl_stateless_over, to be
 * asked when nothing is left to send, says once whether SSL_stateless has what it wants.
 * stateless.c */
bool ssl_answer_cookie(SSL *ssl, const hf_question_t *question);
bool ssl_stateless_over(SSL *ssl);
/* ssl_cookie_keys gives the keys of cookies: the one that seals and the one before.  ticket_keys.c
 */
void ssl_cookie_keys(SSL_CTX *ctx, uint8_t out[2 * HF_BOX_KEY]);

/* ssl_custom_list is extensions of the application's for the engine, and whom to tell when they are
 * not needed any more. */
typedef struct ssl_custom_list {
  hf_extension *list;
  const ssl_custom_ext **from; /* NULL: nobody */
  unsigned *contexts;
  size_t num;
  SSL_CTX *ctx; /* whose they are: a reference, for a callback may move the SSL to another */
} ssl_custom_list;
/* ssl_custom_start makes those that a connection starts with, ssl_custom_list_free tells and frees
 * them; false: an error is on the queue.  ssl_custom_hello and ssl_custom_identity add more while a
 * server's HF_ASK_HELLO, or HF_ASK_IDENTITY, for |x509|, is pending; ssl_custom_look shows what
 * came.  False: the connection has failed.  custom_ext.c */
bool ssl_custom_start(SSL *ssl, ssl_custom_list *out);
void ssl_custom_list_free(SSL *ssl, ssl_custom_list *list);
bool ssl_custom_hello(SSL *ssl);
bool ssl_custom_identity(SSL *ssl, X509 *x509);
bool ssl_custom_look(SSL *ssl);

/* ssl_psk is an external key with room for it: cleanse it. */
typedef struct ssl_psk {
  hf_psk psk;
  uint8_t room[PSK_MAX_PSK_LEN];
} ssl_psk;
/* ssl_psk_offer adds the key that a client's callbacks have to |start|, if there is one; false:
 * they failed, and the reason is on the error queue.  ssl_psk_answer asks a server's callbacks
 * about candidate |index| of HF_ASK_SESSION: 1: it is answered, or refused; 0: they do not know it;
 * -1: it cannot be answered.  psk.c */
bool ssl_psk_offer(SSL *ssl, ssl_psk *key, hf_start *start);
int ssl_psk_answer(SSL *ssl, const hf_question_t *question, size_t index);

/* ssl_report gives what the engine saw to the info and msg callbacks; ssl_info calls the info
 * callback.  callbacks.c */
void ssl_give_events(SSL *ssl);
static inline void ssl_report(SSL *ssl) {
  if (ssl->io.watched) ssl_give_events(ssl);
}
void ssl_info(SSL *ssl, int type, int value);

#endif
