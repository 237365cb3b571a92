/* extension.h: the part of engine.h about extensions: the handlers of extensions.def, the loops
 * over blocks of them, and what those files share.  Include engine.h. */
#ifndef HANDFAST_ENGINE_EXTENSION_H
#define HANDFAST_ENGINE_EXTENSION_H

/* ---- extensions: extension.c, by extensions.def ---- */
typedef enum hf_ext {
#define EXTENSION(name, code, places) HF_EXT_##name,
#include "extensions.def"
#undef EXTENSION
  HF_NUM_EXT
} hf_ext;
/* Where an extension may be (RFC 9846 4.3, the table). */
/* SH12 is the ServerHello of TLS 1.2. */
typedef enum hf_place {
  CH = 1,
  SH = 2,
  HRR = 4,
  EE = 8,
  CR = 16,
  CT = 32,
  NST = 64,
  SH12 = 128
} hf_place;
#define EXTENSION(name, code, places)                                     \
  hf_status hf_send_ext_##name(hf_conn *conn, hf_place place, CBB *list); \
  hf_status hf_receive_ext_##name(hf_conn *conn, hf_place place, CBS *body);
#include "extensions.def"
#undef EXTENSION
/* hf_extensions_send writes a block of the extensions that this side has for |place|. */
hf_status hf_extensions_send(hf_conn *conn, hf_place place, CBB *message);
/* hf_extensions_parse takes a block apart and refuses what does not belong; hf_extensions_handle
 * calls the handlers; hf_extensions_receive reads a block off |message| and does both. */
hf_status hf_extensions_parse(const hf_conn *conn, hf_place place, CBS list, CBS bodies[HF_NUM_EXT],
                              uint32_t *mask);
hf_status hf_extensions_handle(hf_conn *conn, hf_place place, CBS bodies[HF_NUM_EXT],
                               uint32_t mask);
hf_status hf_extensions_receive(hf_conn *conn, hf_place place, CBS *message, uint32_t *mask);
/* hf_ext_begin opens an extension in |list|; hf_ext_end closes it before |body| goes out of scope.
 */
hf_status hf_ext_begin(CBB *body, CBB *list, hf_ext ext);
hf_status hf_ext_end(CBB *list, bool ok);
uint16_t hf_ext_code(hf_ext ext);
hf_ext hf_ext_find(uint16_t code); /* HF_NUM_EXT: unknown */
/* hf_ext_offered: did the hello hold it?  hf_ext_body is its body there. */
bool hf_ext_offered(const hf_conn *conn, hf_ext ext);
bool hf_ext_body(const hf_conn *conn, hf_ext ext, CBS *out);
hf_status hf_get_codes(CBS *body, CBS *list);
hf_status hf_put_codes(CBB *body, hf_codes codes);
/* hf_psk_mode_offered: client: does its hello allow a PSK with a key share, or without one? */
bool hf_psk_mode_offered(const hf_conn *conn, bool share);

/* ---- custom.c: the caller's own extensions ---- */
/* hf_custom_add adds to what this side sends and takes; HF_MISUSE: nothing of it. */
hf_status hf_custom_add(hf_conn *conn, const hf_extension *list, size_t num);
size_t hf_custom_bound(const hf_conn *conn); /* of all that it may add to a block */
/* of the names of certificate_authorities */
size_t hf_authorities_bound(const hf_settings *settings);
/* hf_custom_sends: is there one for |place|?  hf_custom_send writes them. */
bool hf_custom_sends(const hf_conn *conn, hf_place place);
hf_status hf_custom_send(const hf_conn *conn, hf_place place, CBB *block);
/* hf_custom_check: is |type| one of the caller's?  Then |*status| says whether it may be there. */
bool hf_custom_check(hf_status *status, const hf_conn *conn, hf_place place, uint16_t type);
/* hf_custom_keep keeps what a block of the peer's that was parsed has of them. */
hf_status hf_custom_keep(hf_conn *conn, hf_place place, CBS block);
void hf_custom_forget_own(hf_conn *conn);
void hf_custom_free(hf_conn *conn);

/* ---- grease.c ---- */
typedef enum hf_grease_place {
  HF_GREASE_SUITE,
  HF_GREASE_GROUP,
  HF_GREASE_VERSION,
  HF_GREASE_FIRST_EXT,
  HF_GREASE_LAST_EXT
} hf_grease_place;
uint16_t hf_grease(const hf_conn *conn, hf_grease_place place);   /* 0: none is wanted */
uint16_t hf_ticket_grease(const hf_conn *conn, uint32_t age_add); /* the same, in a ticket */
bool hf_is_grease(uint16_t code);
/* hf_put_greased writes a list of codes, |grease| first unless it is 0. */
hf_status hf_put_greased(CBB *body, uint16_t grease, hf_codes codes);
hf_status hf_send_grease(const hf_conn *conn, hf_grease_place place, CBB *list);
/* hf_ext_order is the order in which the extensions for |place| are written; it returns how many of
 * them come before the caller's own. */
size_t hf_ext_order(uint8_t order[HF_NUM_EXT], const hf_conn *conn, hf_place place);

/* hf_read_status reads CertificateStatus (RFC 6066 8), hf_read_scts a
 * SignedCertificateTimestampList (RFC 6962 3.3). */
bool hf_read_status(CBS *body, CBS *response);
bool hf_read_scts(CBS *body);

/* hf_common_types writes the types that |of|'s certificate may have, in the client's order, and
 * returns how many; server. */
enum { HF_CERT_TYPES = 2 };
size_t hf_common_types(uint16_t out[HF_CERT_TYPES], const hf_conn *conn, hf_role of);
/* hf_delegable: may a delegated credential be for this algorithm (RFC 9345 4)?  hf_take_delegated
 * checks the one beside |certificate|, whose key is in peer_key, and puts its key there. */
bool hf_delegable(uint16_t code);
hf_status hf_take_delegated(hf_conn *conn, CBS certificate, CBS body);

bool hf_next_share(CBS *shares, uint16_t *group, CBS *key);
bool hf_find_share(CBS shares, uint16_t wanted, CBS *key);
bool hf_alpn_offered(const hf_conn *conn, const uint8_t *name, size_t len);
hf_status hf_set_alpn(hf_conn *conn, const uint8_t *name, size_t len);
hf_status hf_set_server_name(hf_conn *conn, const uint8_t *name, size_t len);
void hf_forget_alpn(hf_conn *conn);
void hf_set_peer_limit(hf_conn *conn, uint16_t limit);

/* hf_hello is a ClientHello taken apart: the peer's, or a client's own. */
typedef struct hf_hello {
  hf_span message; /* with its header */
  hf_span random, session_id, suites, compression, extensions;
  uint32_t mask; /* of hf_ext */
  hf_span ext[HF_NUM_EXT];
} hf_hello;

hf_status hf_hello_parse(const hf_conn *conn, hf_hello *hello, const uint8_t *base, CBS message);
/* hf_hello_at is a part of it. */
hf_bytes hf_hello_at(const hf_conn *conn, hf_span span);

/* hf_session is a session as it is kept: what a ticket stands for (session.c). */
typedef struct hf_session {
  const hf_suite *suite;
  uint8_t psk[HF_MAX_HASH];
  uint64_t issued;   /* milliseconds since 1970 */
  uint32_t lifetime; /* seconds */
  uint32_t age_add;
  uint32_t max_early_data;
  bool client_cert; /* the client showed one */
  bool ems;         /* TLS 1.2: with the extended main secret (RFC 7627) */
  bool by_id;       /* TLS 1.2: |ticket| is a session id */
  CBS server_name, alpn, early_context, ticket;
} hf_session;

/* hf_offer is a PSK of any kind, as a handshake wants it (psk.c). */
typedef struct hf_offer {
  hf_binder_kind kind;
  const hf_suite *suite;       /* whose hash goes with it, and whose keys early data */
  uint8_t secret[HF_MAX_HASH]; /* the early secret that it gives (RFC 9846 7.1) */
  uint16_t number;             /* in hf_start.psks; not of a session */
  uint64_t issued;             /* of a session; so the next */
  uint32_t age_add;
  uint32_t max_early_data;
  CBS identity, alpn, early_context;
} hf_offer;

#endif
