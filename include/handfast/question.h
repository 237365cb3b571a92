/* question.h: what the engine asks, and the answers. Include <handfast/handfast.h>. */
#ifndef HANDFAST_QUESTION_H
#define HANDFAST_QUESTION_H

#ifndef HANDFAST_HANDFAST_H
#error "include <handfast/handfast.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Questions.  At most one is pending; while one of the handshake's is, no handshake byte is
 * taken. ---- */

/* hf_ask: the kinds of question. */
typedef enum hf_ask {
  HF_ASK_NONE, /* no question is pending */
  /* server: which configuration, which ALPN, for this hello?  Always, before the version is
   * settled */
  HF_ASK_HELLO,
  HF_ASK_COOKIE,     /* server: make a retry cookie, or open the one that came back */
  HF_ASK_SESSION,    /* server: is one of these a session, may it carry early data, renew it? */
  HF_ASK_IDENTITY,   /* which identity?  Server: for a full handshake; client: if requested */
  HF_ASK_ENCAP,      /* server: encapsulate to this key (KEM groups) */
  HF_ASK_SIGNATURE,  /* sign this */
  HF_ASK_VERDICT,    /* is this chain trusted?  Its key's signature is already verified */
  HF_ASK_COMPRESS,   /* this side's certificate message, if the peer takes it compressed */
  HF_ASK_DECOMPRESS, /* a compressed certificate */
  HF_ASK_TICKET,     /* server: wrap this session state.  Blocks nothing */
  HF_ASK_KEEP,       /* here is a session: store it or not.  Blocks nothing */
  HF_ASK_INSTALL     /* here is a secret; only with HF_EXPORT_SECRETS */
} hf_ask;

/* hf_candidate is one PSK the client offered, in its order (4.3.11). In TLS 1.3 all are of the kind
 * HF_CANDIDATE_TICKET: the identity of an external PSK does not look different. In TLS 1.2 there is
 * one, a ticket (RFC 5077 section 3.4) or a session id (RFC 5246 section 7.3). */
typedef enum hf_candidate_kind {
  HF_CANDIDATE_PSK,
  HF_CANDIDATE_TICKET,
  HF_CANDIDATE_SESSION_ID
} hf_candidate_kind;
typedef struct hf_candidate {
  hf_candidate_kind kind;
  hf_bytes name;           /* PskIdentity.identity, or the ticket, or the TLS 1.2 session id */
  uint32_t obfuscated_age; /* obfuscated_ticket_age (4.3.11.1) */
} hf_candidate;

/* hf_secret_kind: what HF_ASK_INSTALL hands out. */
typedef enum hf_secret_kind {
  HF_SECRET_TRAFFIC,        /* a traffic secret of section 7.1: |level|, |sending| */
  HF_SECRET_EXPORTER,       /* exporter_secret */
  HF_SECRET_EARLY_EXPORTER, /* early_exporter_secret: when early data is offered, or accepted */
  HF_SECRET_MAIN_12 /* the main secret of TLS 1.2 (RFC 5246 section 8.1), which has no other */
} hf_secret_kind;

/* hf_question_t is one question. |ask| says which member of the union is meant. All that it
 * points at, and it itself, lasts until the question is answered or refused, or the connection
 * fails or is closed. */
typedef struct hf_question_t {
  hf_ask ask;
  union {
    struct {
      hf_bytes hello;       /* the ClientHello message with its header */
      hf_bytes random;      /* 32 bytes */
      hf_bytes session_id;  /* legacy_session_id */
      hf_bytes server_name; /* absent: none sent */
      hf_bytes alpn;        /* ProtocolNameList without its outer length; absent: none sent */
      hf_bytes quic_params; /* the client's; absent: none sent, which HF_QUIC will not have */
      /* in the client's order, unknown ones and GREASE included */
      hf_codes versions, suites, groups, sigalgs;
    } hello;
    struct {
      /* true: answer with a cookie that binds |content|; false: answer with |cookie|'s content */
      bool make;
      hf_bytes cookie; /* when opening: the cookie that came back, 1 to 65535 bytes */
      /* when making: suite, group (0: no change) and hash of the first hello, as the engine wants
       * it back; at most 52 bytes */
      hf_bytes content;
      /* when making: an empty answer is not allowed, for the cookie is why a retry is made */
      bool must;
    } cookie;
    struct {
      const hf_candidate *candidates;
      size_t num;
      /* 0: any hash of a suite in common, for the PSK has a say in the suite; else, after a
       * HelloRetryRequest, only a PSK with this suite's hash can be used */
      uint16_t hash_suite;
      bool early_offered;
    } session;
    struct {
      hf_codes sigalgs;      /* what the peer can verify (4.3.3) */
      hf_codes cert_sigalgs; /* and in chains; the same list if the peer did not say */
      /* a client's; in TLS 1.2, where suites say what kind of key signs and groups what curves it
       * may be on (RFC 8422), the suites are those that both have */
      hf_codes groups, suites;
      /* types that the identity may have, in the peer's order: HF_CERT_X509, HF_CERT_RAW_KEY; at
       * least one (RFC 7250) */
      hf_codes types;
      const hf_bytes *authorities; /* the peer's certificate_authorities (4.3.4), DER names */
      size_t num_authorities;
      hf_bytes certificate_types; /* TLS 1.2 */
      hf_bytes context;           /* certificate_request_context */
    } identity;
    struct {
      uint16_t group;
      hf_bytes key; /* the KEM part only */
    } encap;
    struct {
      const hf_identity *identity;
      uint64_t tag;    /* the identity's */
      uint16_t sigalg; /* SignatureScheme to sign with */
      bool delegated;  /* with the key of the identity's delegated credential (RFC 9345) */
      hf_bytes input;  /* the whole input of the signature algorithm (4.5.2): not hashed yet */
    } signature;
    struct {
      /* DER certificates as received, the end entity's first. A delegated credential beside the
       * first was checked against it, and its key's signature verified. None, and nothing stapled,
       * with HF_VERIFY_RESUMED if it is a session's chain: whose session it is knows that */
      const hf_bytes *chain;
      size_t num;
      /* stapled to chain[0]: an OCSPResponse, a SignedCertificateTimestampList with its outer
       * length; absent: none. Of the first only the envelope, of the second only the lengths were
       * looked at: whether they are worth anything is part of the question */
      hf_bytes ocsp, scts;
      hf_bytes server_name; /* client: hf_start.server_name */
      bool raw_key;         /* chain[0] is a SubjectPublicKeyInfo (RFC 7250) */
      /* chain[0] has a keyUsage that does not allow the signature that its key made: only with
       * HF_IGNORE_RSA_KEY_USAGE */
      bool not_for_signing;
    } verdict;
    struct {
      /* those of hf_settings.compressors that the peer takes, in their order; at least one */
      hf_codes algorithms;
      hf_bytes message; /* the body of the Certificate that is to be sent */
    } compress;
    struct {
      uint16_t algorithm; /* RFC 8879 section 7.3 */
      hf_bytes data;
      uint32_t length; /* of what must come out */
    } decompress;
    struct {
      hf_bytes state;    /* what HF_ASK_SESSION wants back; secret */
      uint32_t lifetime; /* seconds */
      bool renewed;      /* the session was itself resumed */
    } ticket;
    struct {
      hf_bytes state; /* for hf_start.session; secret */
      hf_bytes name;  /* the ticket, or the TLS 1.2 session id */
      uint32_t lifetime;
      uint32_t max_early_data;
    } keep;
    struct {
      hf_secret_kind kind;
      hf_level level;
      bool sending; /* this side writes with it; else it reads */
      uint16_t suite;
      uint32_t generation; /* 0, then 1 more with every KeyUpdate (7.2) */
      /* the NSS key log's, e.g. "CLIENT_HANDSHAKE_TRAFFIC_SECRET". After a KeyUpdate, which key
       * logs do not have, it ends in "_N" */
      const char *label;
      hf_bytes secret;
    } install;
  };
} hf_question_t;

/* hf_question returns the question that is pending, or one whose |ask| is HF_ASK_NONE. Never
 * NULL. */
HF_EXPORT const hf_question_t *hf_question(const hf_conn *conn);

/* Answers. Each is HF_MISUSE, and changes nothing, unless its question is pending; a value that
 * cannot be an answer to this question is HF_MISUSE too and leaves the question pending.
 * Otherwise the handshake goes on at once, and the status is HF_OK or the fault it met. */

/* hf_answer_hello: |config| NULL: as it was; else a server's for the same transport, and the
 * same HF_QUIC_LEGACY_PARAMS. |alpn| one protocol name out of those offered, or empty for none.
 * |quic_params| NULL: as started; else with HF_QUIC those to send, 2048 bytes at most. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_hello(hf_conn *conn, const hf_config *config,
                                                hf_bytes alpn, const hf_bytes *quic_params);
/* hf_add_extensions answers nothing: while HF_ASK_HELLO or HF_ASK_IDENTITY is pending it adds to
 * what hf_start.extensions gave, under the same rules. HF_MISUSE, and nothing is added, if neither
 * is or one of |list| may not be. On a server hf_peer_extension then shows what the hello has of
 * these types; on a client it is too late for what was in the CertificateRequest. */
HF_EXPORT HF_MUST_USE hf_status hf_add_extensions(hf_conn *conn, const hf_extension *list,
                                                  size_t num);
/* hf_answer_cookie: when making, the cookie, or empty for none; when opening, its content as
 * HF_ASK_COOKIE once gave it. A cookie that does not open is refused with illegal_parameter
 * (47). */
HF_EXPORT HF_MUST_USE hf_status hf_answer_cookie(hf_conn *conn, hf_bytes cookie_or_content);
/* Flags of hf_answer_session. HF_RENEW_TICKET: TLS 1.2: ask HF_ASK_TICKET for a new ticket (TLS 1.3
 * does so always). HF_ACCEPT_EARLY: early data may be taken, if the session, the age and
 * the rest allow it. Whoever sets it vouches that this hello is no replay (section 8): a ticket
 * used once, or a record of the hellos seen. */
enum { HF_ACCEPT_EARLY = 1, HF_RENEW_TICKET = 2 };
/* hf_answer_session: |state| is that of candidate |index|, as HF_ASK_TICKET gave it; absent: none
 * is known. If it is no session but an external PSK, hf_answer_psk is the answer. A session that
 * does not fit (hash, age, name) is passed over. On this side no HF_ASK_VERDICT follows one that is
 * resumed: the chain was judged when the session was made. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_session(hf_conn *conn, size_t index, hf_bytes state,
                                                  unsigned flags);
/* hf_early_acceptable says whether hf_answer_session with these and HF_ACCEPT_EARLY would accept
 * early data: the session is resumed, its binder verifies, and age, suite, protocol and context are
 * as they must be. For who keeps a record of what he accepts and wants nothing else in it. */
HF_EXPORT bool hf_early_acceptable(const hf_conn *conn, size_t index, hf_bytes state);
/* hf_answer_identity: NULL: none (a client sends an empty Certificate; a server fails with
 * handshake_failure); else one whose type is among the question's. The connection takes a
 * reference. HF_MISUSE if what is beside its certificate and the caller's own extensions for the
 * Certificate are together over 65000 bytes. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_identity(hf_conn *conn, const hf_identity *identity);
/* hf_answer_encap: the KEM's ciphertext and its shared secret of 32 bytes. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_encap(hf_conn *conn, hf_bytes ciphertext,
                                                hf_bytes secret);
/* hf_answer_signature: 1 to 65535 bytes, in the encoding of 4.3.3. The engine does not verify
 * it. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_signature(hf_conn *conn, hf_bytes signature);
/* hf_answer_verdict: the chain is trusted for its name. If it is not: hf_refuse. For a chain of
 * the peer's that is a proof without which the handshake does not end. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_verdict(hf_conn *conn);
/* hf_answer_compress: |data| is the message compressed by |algorithm|, one of those asked with; at
 * most 2^24-1 bytes, less what goes before it. Empty: it is sent as it is, and |algorithm| is
 * nothing. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_compress(hf_conn *conn, uint16_t algorithm,
                                                   hf_bytes data);
/* hf_answer_decompress: the Certificate message's body; its length must be the one announced. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_decompress(hf_conn *conn, hf_bytes message);
/* hf_answer_ticket: 1 to 65535 bytes from which HF_ASK_SESSION's answer can be had; empty: send
 * none. They go over the network and come back from anybody: seal the state (AEAD), or send a name
 * that cannot be guessed and keep it. In TLS 1.3 tickets go out together, once the last of those to
 * be made is answered, or by hf_close. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_ticket(hf_conn *conn, hf_bytes ticket);
/* hf_answer_done answers HF_ASK_KEEP and HF_ASK_INSTALL: seen. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_done(hf_conn *conn);
/* hf_refuse refuses any question: the connection fails with HF_REFUSED and |alert| (section 6.2; 0
 * is taken as internal_error). Returns HF_OK, or HF_MISUSE if no question is pending. */
HF_EXPORT HF_MUST_USE hf_status hf_refuse(hf_conn *conn, uint8_t alert);

#ifdef __cplusplus
}
#endif
#endif
