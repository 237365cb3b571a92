/* tls12.h: the part of engine.h about TLS 1.2 alone: its key schedule, and what stands in for the
 * handlers whose messages have another form there.  Include engine.h. */
#ifndef HANDFAST_ENGINE_TLS12_H
#define HANDFAST_ENGINE_TLS12_H

/* ---- prf.c: the same of TLS 1.2 ---- */
/* hf_prf is the PRF of RFC 5246 5 over |label| and the |num| seeds; |key| is the secret's. */
void hf_prf(uint8_t *out, size_t out_len, const hf_suite *suite, const hf_hmac *key, hf_bytes label,
            const hf_bytes *seeds, size_t num);
hf_status hf_derive_MAIN(hf_conn *conn);
/* hf_ask_main_12 asks INSTALL of the main secret. */
hf_status hf_ask_main_12(hf_conn *conn);
/* hf_finished_12 writes the verify_data of the side that |by_server| says. */
void hf_finished_12(uint8_t out[HF_VERIFY_DATA], const hf_conn *conn, bool by_server);
hf_status hf_export_12(const hf_conn *conn, uint8_t *out, size_t out_len, hf_bytes label,
                       hf_bytes context);

/* ---- TLS 1.2: hello12.c, jdk11.c, auth12.c, exchange.c, session12.c ---- */
/* hf_is_hello_12: is a ServerHello one that this client reads as TLS 1.2's?  hf_begin_12 settles
 * the version on it. */
bool hf_is_hello_12(const hf_conn *conn, CBS body);
hf_status hf_begin_12(hf_conn *conn);
/* hf_hear_12: from the ClientHello on messages are kept for a CertificateVerify that may come. */
hf_status hf_hear_12(hf_conn *conn);
void hf_hear_no_more_12(hf_conn *conn);
/* hf_without_sigalgs_12 refuses a hello that leaves only SHA-1 to sign with. */
hf_status hf_without_sigalgs_12(const hf_conn *conn);
hf_status hf_negotiate_12(hf_conn *conn);
/* hf_check_points_12 refuses a hello whose point formats are none that anybody has: ext12.c */
hf_status hf_check_points_12(const hf_conn *conn);
/* hf_avoids_13: is the hello one that is answered in TLS 1.2 though it offers TLS 1.3?  jdk11.c */
bool hf_avoids_13(const hf_conn *conn);
size_t hf_bound_hello_12(const hf_conn *conn);
hf_status hf_send_hello_12(hf_conn *conn, CBB *body);
hf_status hf_receive_hello_12(hf_conn *conn, CBS *body);
/* hf_promise_12 sets what the ServerHello of a full handshake promises: OCSP, TICKET, KEEP. */
void hf_promise_12(hf_conn *conn);
/* hf_suite_for_12 chooses the suite that the algorithms of |identity| can serve. */
hf_status hf_suite_for_12(hf_conn *conn, const hf_identity *identity);
hf_status hf_send_certificate_12(hf_conn *conn, CBB *body);
hf_status hf_receive_certificate_12(hf_conn *conn, CBS *body);
size_t hf_bound_request_12(const hf_conn *conn);
hf_status hf_send_request_12(hf_conn *conn, CBB *body);
hf_status hf_receive_request_12(hf_conn *conn, CBS *body);
hf_status hf_receive_verify_12(hf_conn *conn, CBS *body);
hf_status hf_sign_12(hf_conn *conn, hf_bytes *input);
/* hf_offer_12 puts |state| into the hello to come, if it is a session of TLS 1.2 that can be used.
 */
hf_status hf_offer_12(hf_conn *conn, hf_bytes state);
hf_status hf_ask_session_12(hf_conn *conn);
hf_status hf_take_session_12(hf_conn *conn, const hf_session *session, unsigned flags);
/* hf_resume_12 checks that a ServerHello that resumes the session fits it. */
hf_status hf_resume_12(hf_conn *conn);

#endif
