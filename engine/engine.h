/* engine.h: the engine's own types, and what its files offer each other.
 *
 * One hf_conn is one connection.  What only the handshake needs is in hf_hs, which lives from
 * hf_new to the OPEN row; what tickets need afterwards is in hf_post, which lives while there is a
 * ticket to make or keep.
 *
 * Invariants
 *  - Only script.c writes conn->row.  Only handlers (send_, receive_, ask_, derive_ and the
 * answers) write conn->flags.
 *  - Only hf_fail (fail.c) sets the fault; handlers return a status and leave the rest to it.
 *  - Each proof bit is set on the line after its check, in one place; OPEN demands the right set.
 *  - What a span (hf_span) names lies in the peer's flight (conn->in) or, on a client, in its own
 * hello (hs->hello_bytes). Both keep still until this side writes its next message, which is
 * when a ClientHello that waits for its hash is hashed at the latest (transcript.c). */
#ifndef HANDFAST_ENGINE_ENGINE_H
#define HANDFAST_ENGINE_ENGINE_H

#include <assert.h>
#include <stdatomic.h>

#include <openssl/aead.h>
#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include <handfast/handfast.h>

/* HF_TRY returns from the calling function with the status of |expr| unless it is HF_OK. */
#define HF_TRY(expr)                  \
  do {                                \
    hf_status hf_try_status = (expr); \
    if (hf_try_status != HF_OK) {     \
      return hf_try_status;           \
    }                                 \
  } while (0)

enum { HF_MAX_HASH = 48, HF_MAX_SECRET = 66 + 32, HF_NONCE = 12, HF_HEADER = 5, HF_TAG = 16 };
enum { HF_MAX_PLAINTEXT = 16384, HF_MAX_CIPHERTEXT = 16384 + 256 };
/* Seconds that a ticket lives (RFC 9846 4.7.1); bytes of one, and of the lists of a configuration,
 * so that together they fit the 2^16-1 bytes of extensions. */
enum { HF_MAX_LIFETIME = 7 * 86400, HF_MAX_TICKET = 24 * 1024, HF_MAX_NAMES = 32 * 1024 };
/* Of what the caller adds to a hello with extensions of his own: those, the PSKs, the names. */
enum { HF_MAX_OWN = 56 * 1024 };
/* Of this side's transport parameters; and max_early_data_size in QUIC (RFC 9001 4.6.1). */
enum { HF_MAX_QUIC_PARAMS = 2048 };
#define HF_QUIC_EARLY_DATA UINT32_MAX

enum { HF_MOST_WARNINGS = 4 }; /* in a row */

/* ContentType (RFC 9846 B.1). */
enum { HF_CCS = 20, HF_ALERT = 21, HF_HANDSHAKE_RECORD = 22, HF_APPLICATION_DATA = 23 };

/* HandshakeType (RFC 9846 B.3).  HelloRetryRequest is a ServerHello with a special random: it has a
 * number of its own here, whose lower 7 bits are the type on the wire.
 * ChangeCipherSpec of TLS 1.2 is a record, not a handshake message: its number is on no wire. */
typedef enum hf_message {
  HF_MSG_HELLO_REQUEST = 0,
  HF_MSG_CLIENT_HELLO = 1,
  HF_MSG_SERVER_HELLO = 2,
  HF_MSG_NEW_SESSION_TICKET = 4,
  HF_MSG_END_OF_EARLY_DATA = 5,
  HF_MSG_ENCRYPTED_EXTENSIONS = 8,
  HF_MSG_CERTIFICATE = 11,
  HF_MSG_SERVER_KEY_EXCHANGE = 12,
  HF_MSG_CERTIFICATE_REQUEST = 13,
  HF_MSG_SERVER_HELLO_DONE = 14,
  HF_MSG_CERTIFICATE_VERIFY = 15,
  HF_MSG_CLIENT_KEY_EXCHANGE = 16,
  HF_MSG_FINISHED = 20,
  HF_MSG_CERTIFICATE_STATUS = 22,
  HF_MSG_KEY_UPDATE = 24,
  HF_MSG_COMPRESSED_CERTIFICATE = 25,
  HF_MSG_UNKNOWN = 127,
  HF_MSG_NONE = 255,
  HF_MSG_HELLO_RETRY_REQUEST = 128 + 2,
  HF_MSG_CHANGE_CIPHER_SPEC = 254
} hf_message;
enum { HF_MSG_MESSAGE_HASH = 254, HF_WIRE_TYPE = 127 };

/* AlertDescription (RFC 9846 6.2); errors.def speaks these names. */
enum {
  HF_ALERT_NONE = 0,
  HF_ALERT_CLOSE_NOTIFY = 0,
  HF_ALERT_UNEXPECTED_MESSAGE = 10,
  HF_ALERT_BAD_RECORD_MAC = 20,
  HF_ALERT_RECORD_OVERFLOW = 22,
  HF_ALERT_HANDSHAKE_FAILURE = 40,
  HF_ALERT_BAD_CERTIFICATE = 42,
  HF_ALERT_UNSUPPORTED_CERTIFICATE = 43,
  HF_ALERT_ILLEGAL_PARAMETER = 47,
  HF_ALERT_DECODE_ERROR = 50,
  HF_ALERT_DECRYPT_ERROR = 51,
  HF_ALERT_PROTOCOL_VERSION = 70,
  HF_ALERT_INTERNAL_ERROR = 80,
  HF_ALERT_INAPPROPRIATE_FALLBACK = 86,
  HF_ALERT_USER_CANCELED = 90,
  HF_ALERT_NO_RENEGOTIATION = 100,
  HF_ALERT_MISSING_EXTENSION = 109,
  HF_ALERT_UNSUPPORTED_EXTENSION = 110,
  HF_ALERT_CERTIFICATE_REQUIRED = 116,
  HF_ALERT_NO_APPLICATION_PROTOCOL = 120
};

/* Bytes of TLS 1.2's main secret and verify_data. */
enum { HF_MAIN_SECRET = 48, HF_VERIFY_DATA = 12 };
enum { HF_TLS13 = 0x0304, HF_TLS12 = 0x0303, HF_TLS10 = 0x0301 };
/* Cipher suites that signal something: RFC 5746 3.3, RFC 7507 3. */
enum { HF_RENEGOTIATION_SCSV = 0x00ff, HF_FALLBACK_SCSV = 0x5600 };

/* The flags of script.def, whose head says when either side learns each. */
enum {
  QUIC = 1,
  EARLY = 2,
  PSK_OFFERED = 4,
  COOKIE = 8,
  RETRIED = 16,
  RESUMED = 32,
  KEM = 64,
  CERT_REQUESTED = 128,
  CLIENT_CERT = 256,
  COMPRESSED = 512,
  CLIENT_COMPRESSED = 1024,
  OCSP = 2048,
  TICKET = 4096,
  KEEP = 8192,
  REVERIFY = 16384
};

/* Proofs: what OPEN demands. */
enum { HF_PROOF_CHAIN = 1, HF_PROOF_SIGNATURE = 2, HF_PROOF_FINISHED = 4, HF_PROOF_BINDER = 8 };

/* ---- buffer.c: one growing range of bytes, wiped when it moves or goes. ---- */
typedef struct hf_buffer {
  uint8_t *data;
  uint32_t len, cap;
} hf_buffer;
hf_status hf_buffer_reserve(hf_buffer *buffer, size_t more);
hf_status hf_buffer_append(hf_buffer *buffer, const uint8_t *data, size_t len);
void hf_buffer_drop(hf_buffer *buffer, size_t len); /* from the front; frees when empty */
void hf_buffer_free(hf_buffer *buffer);
hf_status hf_copy(hf_bytes *out, const uint8_t *data, size_t len); /* absent stays absent */
void hf_free_bytes(hf_bytes *bytes);
static inline hf_bytes hf_range(const uint8_t *data, size_t len) {
  hf_bytes bytes = {data, len};
  return bytes;
}
static inline bool hf_same(const void *a, const void *b, size_t len) {
  return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}

/* hf_span is a part of a buffer that may move. */
typedef struct hf_span {
  uint32_t start, len;
} hf_span;

/* ---- suites, groups and signature algorithms: tables.c, kex.c, signature.c ---- */
/* hf_auth: the key that a suite of TLS 1.2 demands of the server's certificate. */
typedef enum hf_auth { HF_AUTH_ANY, HF_AUTH_ECDSA, HF_AUTH_RSA } hf_auth;
typedef struct hf_suite {
  uint16_t id;
  uint8_t key_len, hash_len;
  const char *name;
  const EVP_AEAD *(*aead)(void);
  const EVP_MD *(*md)(void);
  uint64_t max_records; /* RFC 9846 5.5 */
  uint16_t version;     /* HF_TLS13 or HF_TLS12 */
  uint8_t auth;         /* hf_auth */
  uint8_t sent_nonce;   /* bytes of the nonce in each record: RFC 5288 3 */
} hf_suite;
const hf_suite *hf_suite_find(uint16_t id);

typedef struct hf_kem {
  uint16_t public_len, ciphertext_len;
  uint16_t entropy; /* offset of the seed in hf_entropy */
  /* NULL where libcrypto has no such KEM */
  bool (*public_key)(uint8_t *out, const uint8_t *seed);
  bool (*decap)(uint8_t *out, const uint8_t *ciphertext, const uint8_t *seed);
} hf_kem;
extern const hf_kem hf_kem_mlkem768, hf_kem_mlkem1024;
enum { HF_KEM_SECRET = 32 };

typedef struct hf_group {
  uint16_t id;
  const char *name;
  int nid;             /* NID_undef: X25519 */
  uint16_t entropy;    /* offset of the private key in hf_entropy */
  uint8_t private_len; /* and of the shared secret */
  uint8_t public_len;
  const hf_kem *kem; /* of a hybrid group; else NULL */
  bool kem_first;
} hf_group;
const hf_group *hf_group_find(uint16_t id);       /* NULL: unknown, or not in this libcrypto */
const hf_group *hf_group_of_curve(int nid);       /* without a KEM; NULL: unknown */
size_t hf_group_share_len(const hf_group *group); /* a client's */
/* hf_group_public writes a client's share; a server's, which holds |ciphertext|, if there is one.
 */
hf_status hf_group_public(CBB *out, const hf_group *group, const hf_entropy *entropy,
                          hf_bytes ciphertext);
/* hf_group_split takes the KEM's part, |kem_len| bytes, out of a share; the rest is the curve's. */
bool hf_group_split(CBS *share, CBS *kem, const hf_group *group, size_t kem_len);
/* hf_group_agree writes the shared secret from the peer's share and its length.  |kem_secret| is
 * the server's from encapsulating; NULL on a client, which decapsulates. */
hf_status hf_group_agree(uint8_t out[HF_MAX_SECRET], uint8_t *out_len, const hf_group *group,
                         const hf_entropy *entropy, CBS peer, const uint8_t *kem_secret);

typedef struct hf_sigalg {
  uint16_t id;
  const char *name;
  int pkey_type; /* EVP_PKEY_ */
  int curve;     /* NID, for ECDSA */
  const EVP_MD *(*md)(void);
  bool pss;
} hf_sigalg;
const hf_sigalg *hf_sigalg_find(uint16_t id);
/* hf_signs_13: is |sigalg| one for handshakes of TLS 1.3?  hf_may_sign: may |sigalg| sign a
 * handshake of the version that is settled? */
bool hf_signs_13(const hf_sigalg *sigalg);
bool hf_may_sign(const hf_conn *conn, const hf_sigalg *sigalg);
/* hf_verify checks |signature| by |key| over |input|: WRONG_SIGALG, BAD_SIGNATURE.  |by_curve|: an
 * ECDSA key must be on the algorithm's curve. */
hf_status hf_verify(const hf_sigalg *sigalg, EVP_PKEY *key, bool by_curve, CBS signature,
                    const uint8_t *input, size_t input_len);
/* hf_leaf is what the engine reads of a DER certificate. */
typedef struct hf_leaf {
  CBS spki;       /* the whole SubjectPublicKeyInfo */
  CBS validity;   /* notBefore and notAfter */
  CBS extensions; /* one Extension after another */
} hf_leaf;
hf_status hf_leaf_parse(hf_leaf *out, CBS certificate);
/* hf_leaf_extension finds the extnValue of |oid|; its data is NULL if there is none. */
hf_status hf_leaf_extension(CBS *value, const hf_leaf *leaf, const uint8_t *oid, size_t oid_len);
/* hf_leaf_key_usage finds keyUsage so: KEY_USAGE if it is there without digitalSignature. */
hf_status hf_leaf_key_usage(CBS *value, const hf_leaf *leaf);
/* hf_leaf_signs looks at the keyUsage of a certificate in the same way. */
hf_status hf_leaf_signs(CBS certificate);
/* hf_leaf_key reads the public key of a certificate, whatever it is for; hf_raw_key that of a
 * SubjectPublicKeyInfo. */
hf_status hf_leaf_key(EVP_PKEY **out, CBS certificate);
hf_status hf_raw_key(EVP_PKEY **out, CBS spki);

/* ---- config.c ---- */
struct hf_identity {
  atomic_uint references;
  uint64_t tag;
  hf_bytes chain;      /* each certificate, or the raw key, after a 3-byte length */
  size_t num_chain;    /* how many */
  hf_bytes ocsp, scts; /* stapled; absent: none */
  hf_bytes compressed; /* CompressedCertificate.compressed_certificate_message; absent: none */
  uint32_t uncompressed_len;
  hf_bytes delegated;         /* DelegatedCredential; absent: none */
  uint16_t delegated_sigalg;  /* that its key signs with */
  uint16_t delegation_sigalg; /* that it is signed with */
  uint16_t compression;       /* algorithm of |compressed| */
  bool raw_key;
  uint16_t num_sigalgs;
  uint16_t sigalgs[16];
};
struct hf_config {
  atomic_uint references;
  hf_settings settings; /* its pointers into |storage|, its defaults filled in */
  hf_bytes storage;
};
/* hf_own_max_data: of one record that this side sends, by its own wish. */
static inline uint16_t hf_own_max_data(const hf_config *config) {
  const uint16_t wanted = config->settings.max_data;
  return wanted != 0 ? wanted : (uint16_t)HF_MAX_PLAINTEXT;
}
bool hf_codes_have(hf_codes codes, uint16_t code);
/* hf_wire_has: is |code| in a list of 16-bit codes as on the wire? */
bool hf_wire_has(CBS wire, uint16_t code);

#include "schedule.h"
#include "extension.h"

/* ---- the handshake ---- */
typedef struct hf_hs {
  const hf_entropy *entropy; /* of zeros, and nobody's, from when the private keys have been used */
  hf_transcript transcript;
  hf_question_t question;
  uint8_t secret[HF_MAX_HASH]; /* the salt for the main secret, then that (RFC 9846 7.1); TLS 1.2:
                           of the session that is resumed */
  uint8_t traffic[2][3][HF_MAX_HASH]; /* [hf_role][hf_level - 1]: traffic secrets until KEY takes
                                         them, and then for the handshake's the finished_key */
  uint8_t shared[HF_MAX_SECRET];      /* of the key exchange, until HANDSHAKE is derived */
  uint8_t early_secret[HF_MAX_HASH];  /* of the PSK, with RESUMED */
  uint8_t early_exporter[HF_MAX_HASH];
  const hf_suite *early_suite;       /* of the early secrets; NULL: not derived */
  uint8_t kem_secret[HF_KEM_SECRET]; /* server: the answer to ENCAP */
  uint8_t hello_digest[32];          /* server: what a second hello must repeat */
  uint8_t cookie_content[4 + HF_MAX_HASH];
  uint8_t signature_input[2 * 32 + 4 + 133 /* ServerECDHParams */];
  uint8_t signature_input_len;
  uint8_t shared_len;
  hf_hello hello;
  hf_buffer hello_bytes;             /* client: its own hello */
  hf_buffer flight;                  /* messages of the open level that are not in records yet */
  hf_bytes given_hello, given_retry; /* hf_start.hello, .retry_hello */
  hf_bytes offers;                   /* client: its PSKs (psk_offer.c) */
  hf_bytes signature;                /* the answer, while it is given */
  hf_bytes ciphertext;               /* server: and its ciphertext, to send */
  hf_bytes cookie;                   /* to send */
  hf_bytes session;                  /* TLS 1.2, client: that is offered */
  hf_bytes ticket;                   /* TLS 1.2: to send, or that came */
  hf_bytes new_session;              /* TLS 1.2: the state that TICKET and KEEP show */
  hf_hmac *main_key;                 /* TLS 1.2, resumed: the main secret's */
  hf_buffer heard;                   /* TLS 1.2: all messages, while a CertificateVerify may come */
  hf_identity *identity;             /* chosen */
  EVP_PKEY *peer_key; /* of the peer's certificate, until its signature is verified */
  const hf_group *group;
  void *lists;           /* arrays that the pending question points at */
  size_t lists_max;      /* room there */
  uint32_t peer_asked;   /* extensions the peer's request (hello or CertificateRequest) held: may be
                            answered */
  uint32_t request_mask; /* server: extensions its CertificateRequest held */
  /* client: lists in the CertificateRequest */
  hf_span request_sigalgs, request_cert_sigalgs, request_authorities, request_compression;
  hf_span request_delegated;
  hf_span certificates;   /* the peer's list of CertificateEntry; TLS 1.2: of certificates */
  hf_span status, scts;   /* TLS 1.2, client: of CertificateStatus and ServerHello */
  hf_span request_types;  /* TLS 1.2, client: of CertificateRequest */
  uint8_t session_id[32]; /* TLS 1.2: of ServerHello */
  uint8_t session_id_len;
  uint8_t fragment;      /* max_fragment_length: asked for by the client, or given by the server */
  uint32_t lifetime;     /* TLS 1.2, client: of NewSessionTicket */
  hf_span decompressing; /* CompressedCertificate.compressed_certificate_message */
  hf_bytes decompressed; /* the answer: a Certificate's body */
  uint32_t decompressed_len;
  hf_bytes to_compress;        /* the body of the Certificate that COMPRESS is about */
  hf_bytes compressed;         /* and the answer */
  uint64_t common_compressors; /* bit i: the peer takes settings.compressors[i] */
  bool own_form;               /* the identity's compressed form is sent */
  uint32_t to_compress_len;
  uint16_t compression; /* algorithm of the certificate that came, or goes */
  uint16_t psk_index;
  uint16_t peer_limit;       /* server: the client's record_size_limit */
  uint16_t hello_fixed;      /* client: bytes of its hello before the extensions */
  uint16_t delegated_sigalg; /* that the peer's delegated credential is for; 0: it showed none */
  uint8_t cert_type[2];      /* [hf_role]: of that side's certificate */
  uint8_t psk_hashes;        /* server: HF_PSK_, of the PSKs of the first hello; 0: it had none */
  bool ccs_due;              /* a client's change_cipher_spec goes before the next record */
  bool no_compatibility, ccs_sent, early_offered, must_cookie, ask_group, psk_dhe, psk_ke, hear,
      ticket_offered;
} hf_hs;

enum { HF_MOST_KEPT = 4 };
/* Lives while there is a ticket to make, a session to keep, or a secret to install (post.c). */
typedef struct hf_post {
  hf_question_t question;
  hf_bytes kept[HF_MOST_KEPT]; /* sessions, the oldest first */
  uint8_t num_kept;
  uint32_t to_issue;
  bool install_read, install_write;
  hf_bytes state;    /* of the ticket that is being made */
  hf_buffer tickets; /* messages that wait for the last of them, and are in no record yet */
} hf_post;

typedef struct hf_trace_log hf_trace_log;

/* With HF_QUIC (quic.c). */
typedef struct hf_quic {
  hf_bytes own, peer; /* transport parameters */
} hf_quic;

/* Extensions of the caller's own (custom.c). */
typedef struct hf_custom {
  hf_buffer own;  /* send and take (hf_place each), type, body with its length; until OPEN */
  hf_buffer peer; /* place, type, body with its length */
} hf_custom;

/* Whoever adds a field here, above or to hf_keys adds it to save.def. */

struct hf_conn {
  hf_keys read, write;
  hf_config *config;
  hf_hs *hs;           /* until OPEN */
  hf_post *post;       /* tickets to make or keep; NULL: none */
  hf_trace_log *trace; /* with HF_TRACE */
  hf_quic *quic;       /* with HF_QUIC */
  hf_custom *custom;   /* the caller's own extensions; NULL: none were given */
  const hf_suite *suite;
  hf_buffer in;      /* the peer's handshake bytes of this flight */
  hf_buffer out;     /* sealed records */
  uint32_t in_read;  /* bytes of |in| that are taken */
  uint32_t out_read; /* bytes of |out| that are flushed */
  uint8_t *alpn;
  uint8_t *server_name;
  uint8_t *early_context;
  uint16_t early_context_len;
  uint8_t alpn_len, server_name_len;
  uint16_t psk_number; /* hf_facts.psk_index */
  uint8_t client_random[32], server_random[32];
  uint8_t own_finished[HF_MAX_HASH], peer_finished[HF_MAX_HASH];
  uint8_t exporter[HF_MAX_HASH], resumption[HF_MAX_HASH];
  uint64_t now;
  uint32_t early_left, skip_left;
  uint32_t tickets_issued;
  uint16_t group, peer_sigalg, own_sigalg;
  uint16_t version;
  uint16_t max_data;  /* of one record we send */
  uint16_t max_inner; /* of one TLSInnerPlaintext we take */
  uint16_t flags;
  uint8_t role; /* hf_role */
  uint8_t row;
  uint8_t proofs;
  uint8_t fault, fault_alert, fault_row;
  uint8_t ccs_seen, warnings, empties, key_updates;
  bool ready : 1, session_cert : 1, external_psk : 1, closed : 1, close_sent : 1, record_seen : 1,
      read_protected : 1, update_requested : 1, update_queued : 1, early_refused : 1,
      early_accepted : 1, exporter_set : 1, own_finished_set : 1, peer_finished_set : 1,
      hello_known : 1, own_raw_key : 1, peer_raw_key : 1, own_delegated : 1, peer_delegated : 1,
      spec_changed : 1, ems : 1, renegotiation_info : 1;
  bool deep : 1; /* in this call keys may have been left deep on the stack: hf_leave */
};
static_assert(sizeof(hf_conn) <= 1792, "the budget of hf_conn");

static inline bool hf_is_server(const hf_conn *conn) { return conn->role == HF_SERVER; }
/* hf_tls12: is TLS 1.2 settled? */
static inline bool hf_tls12(const hf_conn *conn) { return conn->version == HF_TLS12; }
/* hf_may_be: may |version| be negotiated, as far as the configuration goes? */
static inline bool hf_may_be(const hf_conn *conn, uint16_t version) {
  return conn->config->settings.version_min <= version &&
         version <= conn->config->settings.version_max;
}
static inline bool hf_has(const hf_conn *conn, unsigned flag) { return (conn->flags & flag) != 0; }
static inline void hf_flag(hf_conn *conn, unsigned flag, bool on) {
  conn->flags = (uint16_t)(on ? conn->flags | flag : conn->flags & ~flag);
}
static inline hf_bytes hf_at(const hf_conn *conn, hf_span span) {
  return span.len == 0 ? hf_range(NULL, 0) : hf_range(conn->in.data + span.start, span.len);
}

/* ---- script.c ---- */
/* hf_run goes on with the handshake until it must wait. */
hf_status hf_run(hf_conn *conn);
bool hf_at_open(const hf_conn *conn);
uint8_t hf_row(const hf_conn *conn); /* the row that names the state */
const char *hf_row_text(hf_role role, uint8_t index);
/* hf_ask_begin makes |ask| the pending question; the caller fills it in. */
hf_question_t *hf_ask_begin(hf_conn *conn, hf_ask ask);
void hf_ask_install(hf_conn *conn, const hf_suite *suite, hf_secret_kind kind, hf_level level,
                    bool sending, const char *label, const uint8_t *secret);
bool hf_blocked(const hf_conn *conn); /* a question of the handshake is pending */
/* hf_answering: is |ask| pending?  hf_answered: it no longer is, and the handshake goes on, or
 * fails with |status|. */
bool hf_answering(const hf_conn *conn, hf_ask ask);
hf_status hf_answered(hf_conn *conn, hf_status status);
/* hf_ask_again makes the question of the handshake, of which a saved state tells only which it is,
 * once more. */
hf_status hf_ask_again(hf_conn *conn);
/* hf_script_valid: can the handshake stand where the connection says? */
bool hf_script_valid(const hf_conn *conn);
/* hf_next_message looks at the first message in |in|.  |*type| is known from its first byte on
 * (HF_MSG_NONE: nothing is there); |message|, and |body| without the header, are set only if it is
 * whole. */
hf_status hf_next_message(const hf_conn *conn, bool *whole, hf_message *type, CBS *message,
                          CBS *body);
/* hf_forget_flight drops what has been read of |in|. */
void hf_forget_flight(hf_conn *conn);
/* hf_message_begin and hf_message_end put a message of at most |bound| bytes together at the end of
 * |flight|; |put| is how the writing of its body went.  Whatever comes of it, |cbb| holds nothing
 * then. */
hf_status hf_message_begin(hf_buffer *flight, CBB *cbb, CBB *body, hf_message type, size_t bound);
hf_status hf_message_end(hf_buffer *flight, CBB *cbb, hf_status put, size_t *len);

/* ---- the handlers of the rows, and what they share: client_hello.c, server_hello.c, negotiate.c,
 * params.c, auth.c ---- */
#define HF_MESSAGE(name)                                 \
  hf_status hf_send_##name(hf_conn *conn, CBB *body);    \
  hf_status hf_receive_##name(hf_conn *conn, CBS *body); \
  size_t hf_bound_##name(const hf_conn *conn);
HF_MESSAGE(CLIENT_HELLO)
HF_MESSAGE(HELLO_RETRY_REQUEST)
HF_MESSAGE(SERVER_HELLO)
HF_MESSAGE(ENCRYPTED_EXTENSIONS)
HF_MESSAGE(CERTIFICATE_REQUEST)
HF_MESSAGE(COMPRESSED_CERTIFICATE)
HF_MESSAGE(CERTIFICATE)
HF_MESSAGE(CERTIFICATE_VERIFY)
HF_MESSAGE(FINISHED)
HF_MESSAGE(END_OF_EARLY_DATA)
HF_MESSAGE(CERTIFICATE_STATUS)
HF_MESSAGE(SERVER_KEY_EXCHANGE)
HF_MESSAGE(SERVER_HELLO_DONE)
HF_MESSAGE(CLIENT_KEY_EXCHANGE)
HF_MESSAGE(CHANGE_CIPHER_SPEC)
HF_MESSAGE(NEW_SESSION_TICKET)
#undef HF_MESSAGE
hf_status hf_ask_HELLO(hf_conn *conn);
hf_status hf_ask_COOKIE(hf_conn *conn);
hf_status hf_ask_SESSION(hf_conn *conn);
hf_status hf_ask_IDENTITY(hf_conn *conn);
hf_status hf_ask_ENCAP(hf_conn *conn);
hf_status hf_ask_SIGNATURE(hf_conn *conn);
hf_status hf_ask_VERDICT(hf_conn *conn);
hf_status hf_ask_COMPRESS(hf_conn *conn);
/* hf_choose_compression: an identity was chosen; will its Certificate go compressed?  compress.c
 * hf_asked_compression is the algorithms that the peer takes. */
void hf_choose_compression(hf_conn *conn);
CBS hf_asked_compression(const hf_conn *conn);
hf_status hf_ask_DECOMPRESS(hf_conn *conn);
hf_status hf_ask_TICKET(hf_conn *conn);
hf_status hf_ask_KEEP(hf_conn *conn);
bool hf_is_retry(CBS server_hello);
/* hf_find_in_hello gives the body of an extension of a ServerHello that nobody has read yet. */
bool hf_find_in_hello(CBS *data, CBS server_hello, hf_ext ext);
void hf_note_hello(hf_conn *conn); /* for what the second one must repeat */
hf_status hf_write_retry(hf_conn *conn, CBB *body);
hf_status hf_retry_share(
    const hf_conn *conn); /* has the second hello the share that was asked for? */
hf_status hf_server_agree(hf_conn *conn);
uint32_t hf_skip_budget(const hf_conn *conn);
/* hf_choose_suite is the suite that both sides have and the server prefers, of those with |like|'s
 * hash unless |like| is NULL; NULL: there is none. */
const hf_suite *hf_choose_suite(const hf_conn *conn, const hf_suite *like);
/* hf_without_psk: has the hello what a handshake with certificates needs? */
hf_status hf_without_psk(const hf_conn *conn);
/* hf_lists_new gives room for the arrays of a question, until its answer; hf_unpack_codes fills it.
 */
hf_status hf_lists_new(hf_hs *hs, void **out, size_t size);
hf_codes hf_unpack_codes(uint16_t **at, CBS wire);

/* hf_heard adds a message to the transcript, and to what CertificateVerify of TLS 1.2 signs. */
hf_status hf_heard(hf_conn *conn, const uint8_t *message, size_t len);
/* hf_check_signature checks what the peer signed |input| with, and sets its proof. */
hf_status hf_check_signature(hf_conn *conn, uint16_t code, CBS signature, const uint8_t *input,
                             size_t input_len);
/* hf_hello_list is the list that begins extension |ext| of the hello, behind a length of one byte
 * or two. */
CBS hf_hello_list(const hf_conn *conn, hf_ext ext, bool short_length);
CBS hf_hello_suites(const hf_conn *conn);

/* ---- fail.c ---- */
hf_status hf_fail(hf_conn *conn, hf_status status, int alert); /* alert < 0: errors.def's */
/* hf_leave ends a public call: a fault is set, libcrypto's errors are cleared, the dead stack is
 * overwritten. */
hf_status hf_leave(hf_conn *conn, hf_status status);
void hf_scrub(void);
void hf_scrub_record(void); /* after a record of application data alone, which is less */
/* hf_blame is |otherwise|, or HF_NO_MEMORY or HF_CRYPTO_FAILED if libcrypto's errors, clear before,
 * say that this is what failed. */
hf_status hf_blame(hf_status otherwise);
void hf_hs_free(hf_conn *conn);
/* hf_entropy_keep keeps a copy, as long as that has a use. */
hf_status hf_entropy_keep(hf_conn *conn, const hf_entropy *entropy);
void hf_entropy_forget(hf_conn *conn);
bool hf_entropy_kept(const hf_hs *hs);

/* ---- conn.c ---- */
bool hf_starts_falsely(const hf_conn *conn); /* RFC 7918: it may send before it is done */
bool hf_stopped(const hf_conn *conn);        /* a question is pending that stops the peer's bytes */

/* ---- record.c ---- */
hf_status hf_record_write(hf_conn *conn, uint8_t type, const uint8_t *data, size_t len);
/* hf_write_ccs queues the change_cipher_spec that is due, if one is. */
hf_status hf_write_ccs(hf_conn *conn);
hf_status hf_seal_flight(hf_conn *conn);
/* hf_flushed ends a flush: if nothing is left, what waited for that goes on. */
hf_status hf_flushed(hf_conn *conn);
void hf_nonce(uint8_t out[HF_NONCE], const hf_keys *keys);
/* hf_additional_12 is what protects a record of TLS 1.2 beside its |len| bytes of content (RFC 5246
 * 6.2.3.3); of |header| the type and the version count. */
enum { HF_ADDITIONAL_12 = 13 };
void hf_additional_12(uint8_t out[HF_ADDITIONAL_12], const hf_keys *keys, const uint8_t *header,
                      size_t len);

/* ---- record_in.c ---- */
/* hf_take_handshake adds to the peer's handshake bytes and goes on with the handshake. */
hf_status hf_take_handshake(hf_conn *conn, const uint8_t *data, size_t len);

/* ---- quic.c: the other carrier ---- */
hf_status hf_quic_begin(hf_conn *conn, hf_bytes params);
void hf_quic_free(hf_conn *conn);
/* hf_quic_valid: may |params| be this side's over |transport|?  hf_quic_has_params: are those there
 * that the transport needs? */
bool hf_quic_valid(hf_transport transport, hf_bytes params);
bool hf_quic_has_params(const hf_conn *conn);
hf_status hf_quic_set_params(hf_conn *conn, hf_bytes params);
hf_bytes hf_quic_peer_params(const hf_conn *conn);
size_t hf_quic_params_bound(const hf_conn *conn); /* of the extension */
/* hf_quic_told_params: are the peer's among the extensions of |mask|, as they must be with QUIC? */
bool hf_quic_told_params(const hf_conn *conn, uint32_t mask);
/* hf_quic_check_hello: has the client's hello what QUIC demands, and nothing it forbids? */
hf_status hf_quic_check_hello(const hf_conn *conn);
/* hf_quic_check_alpn: if ALPN was offered, was a protocol chosen?  To be asked after the choice. */
hf_status hf_quic_check_alpn(const hf_conn *conn);
bool hf_quic_valid_output(const hf_conn *conn); /* is conn->out what hf_quic_write makes? */
/* hf_quic_write queues handshake bytes at the level in force. */
hf_status hf_quic_write(hf_conn *conn, const uint8_t *data, size_t len);

/* ---- post.c ---- */
hf_status hf_post_begin(hf_conn *conn);   /* at OPEN: counts the tickets to make */
hf_status hf_post_next(hf_conn *conn);    /* asks what is to be asked next */
hf_status hf_post_seal(hf_conn *conn);    /* puts the tickets that are made into records */
hf_status hf_post_receive(hf_conn *conn); /* messages after the handshake */
hf_status hf_post_answered(hf_conn *conn, hf_status status);
hf_status hf_queue_key_update(hf_conn *conn, bool request);
const hf_question_t *hf_post_question(const hf_conn *conn);
bool hf_post_installs(const hf_conn *conn); /* INSTALL is to be asked */
uint32_t hf_tickets_waiting(const hf_conn *conn);
hf_status hf_post_ask_again(hf_conn *conn); /* as hf_ask_again */
void hf_post_free(hf_conn *conn);

/* ---- trace.c ---- */
hf_status hf_trace_begin(hf_conn *conn);
void hf_trace_note(hf_conn *conn, bool sent, uint16_t content, const uint8_t *data, size_t len);
static inline void hf_trace(hf_conn *conn, bool sent, uint16_t content, const uint8_t *data,
                            size_t len) {
  if (conn->trace != NULL) {
    hf_trace_note(conn, sent, content, data, len);
  }
}
void hf_trace_free(hf_conn *conn);

#include "psk.h"
#include "tls12.h"

#endif
