/* psk.h: the part of engine.h about sessions and pre-shared keys.  Include engine.h. */
#ifndef HANDFAST_ENGINE_PSK_H
#define HANDFAST_ENGINE_PSK_H

/* ---- session.c ---- */
/* hf_session_secret_len: of the PSK, or of the main secret. */
static inline size_t hf_session_secret_len(const hf_suite *suite) {
  return suite->version == HF_TLS12 ? HF_MAIN_SECRET : suite->hash_len;
}
hf_status hf_session_parse(hf_session *out, hf_bytes state); /* spans inside |state| */
hf_status hf_session_write(hf_bytes *out, const hf_session *session);

/* ---- psk.c ---- */
/* hf_offer_session and hf_offer_psk make an offer of a session and of a PSK that is valid; its
 * spans lie where theirs do. */
void hf_offer_session(hf_offer *out, const hf_session *session);
void hf_offer_psk(hf_offer *out, const hf_psk *psk);
bool hf_psk_valid(const hf_psk *psk); /* as a server's: it needs no identity */
bool hf_session_expired(const hf_conn *conn, const hf_session *session);
bool hf_session_named(const hf_conn *conn, const hf_session *session); /* for this server name? */
bool hf_offer_in_context(const hf_conn *conn, const hf_offer *offer);
/* Server: hf_psk_mode: do both sides have a way to use PSKs?  hf_psk_alone: may psk_ke be it? */
bool hf_psk_mode(const hf_conn *conn);
bool hf_psk_alone(const hf_conn *conn);
/* hf_next_suite gives the suites that both have one after the other, the best first; |walk| is all
 * zero at first.  False: there are no more. */
typedef struct hf_suite_walk {
  CBS theirs;        /* rest of the client's list */
  size_t start, end; /* those of ours that are equally good */
} hf_suite_walk;
bool hf_next_suite(const hf_conn *conn, hf_suite_walk *walk, uint16_t *code);
/* hf_psk_hashes says which hashes the PSKs of the hello have, by their binders' lengths;
 * hf_psk_hash which one has |len| bytes. */
enum { HF_PSK_SHA256 = 1, HF_PSK_SHA384 = 2, HF_PSK_OTHER = 4 };
uint8_t hf_psk_hashes(const hf_conn *conn);
uint8_t hf_psk_hash(size_t len);
/* hf_psk_suite is the suite that the server prefers of those with the hash of the first PSK, which
 * its binder's length tells; NULL: there is none. */
const hf_suite *hf_psk_suite(const hf_conn *conn);
void hf_no_share(hf_conn *conn); /* what psk_ke has in place of a shared secret */
void hf_psk_note(hf_conn *conn); /* sets PSK_OFFERED by the hello and the configuration */

/* ---- psk_offer.c: the client's ---- */
bool hf_psks_valid(const hf_start *start);
size_t hf_psks_len(const hf_start *start); /* in a hello, of those that are valid */
hf_status hf_psk_begin(hf_conn *conn, const hf_start *start);
hf_status hf_psk_offer(const hf_conn *conn, CBB *list); /* pre_shared_key, its binders blank */
size_t hf_psk_offer_len(const hf_conn *conn);           /* of what that writes */
hf_status hf_psk_bind(hf_conn *conn); /* fills in the binders of the hello in hello_bytes */
hf_status hf_psk_chosen(hf_conn *conn, CBS *body); /* the server's pre_shared_key */
hf_status hf_psk_check_early(hf_conn *conn);
hf_status hf_psk_derive_first(hf_conn *conn); /* for hf_derive_EARLY */
void hf_psk_forget(hf_conn *conn);   /* the secrets of what was offered, of either version */
void hf_refuse_early(hf_conn *conn); /* EARLY is over, if it was set */

#endif
