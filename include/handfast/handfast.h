/* handfast.h: a TLS engine that never calls out.
 *
 * The engine owns no socket, clock, random source, key store or callback. Bytes pass through
 * hf_open, hf_flush and hf_seal, in buffers the caller owns. Whatever bytes alone cannot decide
 * (which identity? whose signature? is this chain trusted?) the engine asks: hf_wants says
 * HF_WANT_ANSWER, hf_question says what, and the matching hf_answer_* lets it go on.
 *
 *   for (;;) {
 *     unsigned wants = hf_wants(conn);
 *     if (wants & HF_READY) break;                                    // its output is flushed
 *     if (wants & HF_WANT_OUTPUT) { hf_flush(...); send; continue; }  // or failed: the alert
 *     if (wants & (HF_FAILED | HF_CLOSED)) break;
 *     if (wants & HF_WANT_ANSWER) { answer(conn, hf_question(conn)); continue; }
 *     receive; hf_open(...);
 *   }
 *
 * Same configuration, same start, same calls and answers: the same bytes, on every compiler and
 * machine.
 *
 * Conventions
 *  - Outputs come before inputs. `_len` counts bytes, `num_` counts other things, `_max` is the
 *    room in a buffer.
 *  - Every hf_bytes is borrowed. As an argument it is read before the call returns; as a result
 *    it lasts as the comment beside it says. data NULL means absent; data not NULL with len 0
 *    means present and empty.
 *  - HF_MISUSE and HF_SHORT_OUTPUT leave the connection unharmed. Every other status but HF_OK
 *    that a call on a connection returns is sticky: the connection has failed, hf_get_fault says
 *    why, and an alert may wait in hf_flush. (hf_export and hf_record_key say what they do.) Input
 * that is incomplete and a question that is pending are not errors.
 *  - One thread at a time per hf_conn. An hf_config and an hf_identity do not change once they
 *    are made, count their references, and may be shared by any number of connections and threads.
 *  - Calls that work on a connection leave nothing on libcrypto's error queue, and may empty it
 *    whatever was on it: the status and hf_get_fault say what went wrong. Errors of the caller's
 *    own (of a callback that verifies, say) are to be taken off it before he answers.
 *  - All memory comes from libcrypto's OPENSSL_malloc, which wipes what it frees.
 *
 * Section numbers without a name are RFC 9846's (TLS 1.3). */
#ifndef HANDFAST_HANDFAST_H
#define HANDFAST_HANDFAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#define HF_EXPORT __attribute__((visibility("default")))
#define HF_MUST_USE __attribute__((warn_unused_result))
#else
#define HF_EXPORT
#define HF_MUST_USE
#endif

/* hf_config: what a connection may negotiate. Immutable, counted, shared. */
typedef struct hf_config hf_config;
/* hf_identity: a certificate chain or a raw public key, and what its key can sign. Immutable,
 * counted, shared. */
typedef struct hf_identity hf_identity;
/* hf_conn: one connection. */
typedef struct hf_conn hf_conn;
/* hf_psk: a pre-shared key from outside of TLS; see handfast/psk.h. */
typedef struct hf_psk hf_psk;

/* hf_bytes is a borrowed range of bytes. */
typedef struct hf_bytes {
  const uint8_t *data;
  size_t len;
} hf_bytes;

/* hf_codes is a borrowed list of 16-bit code points (suites, groups, signature algorithms,
 * versions), in host order. */
typedef struct hf_codes {
  const uint16_t *list;
  size_t num;
} hf_codes;

/* hf_status has one code for each way to fail. handfast/errors.def gives each its alert, its SSL_R_
 * reason and its sentence; hf_status_text reads the sentence. */
typedef enum hf_status {
  HF_OK = 0,
#define HF_ERROR(name, alert, reason, text) HF_##name,
#include <handfast/errors.def>
#undef HF_ERROR
} hf_status;

/* hf_status_text returns one English sentence for |status|, without a full stop. It lives for
 * ever. */
HF_EXPORT const char *hf_status_text(hf_status status);

/* hf_role: which side of the handshake a configuration is for. */
typedef enum hf_role { HF_CLIENT, HF_SERVER } hf_role;

/* hf_transport: what carries the handshake's bytes. With HF_QUIC bytes go through hf_quic_open and
 * hf_quic_flush, every secret is asked for by HF_ASK_INSTALL, and there are no records, alerts,
 * close_notify or KeyUpdate. QUIC demands ALPN (RFC 9001 section 8.1): if the client offers
 * protocols and none is chosen, either side fails with no_application_protocol (120). Whether a
 * hello that offers none will do is the caller's decision. */
typedef enum hf_transport {
  HF_RECORDS, /* TLS records (section 5) */
  HF_QUIC     /* CRYPTO streams (RFC 9001 section 4) */
} hf_transport;

/* hf_level: which keys protect bytes (section 7.1; RFC 9001 section 2.1). */
typedef enum hf_level { HF_INITIAL, HF_EARLY, HF_HANDSHAKE, HF_APPLICATION } hf_level;

/* ---- Configuration: data in, immutable object out.  A zero field means the default. ---- */

/* Types of certificate (RFC 7250 section 3, 4.5.1). */
enum { HF_CERT_X509 = 0, HF_CERT_RAW_KEY = 2 };

/* Flags of hf_settings. */
enum {
  HF_REQUEST_CLIENT_CERT = 1, /* server: send CertificateRequest (4.4.2) */
  /* server: and fail with certificate_required if the answer is empty (4.5.1) */
  HF_REQUIRE_CLIENT_CERT = 2,
  /* client: offer 0-RTT if the session allows; server: tickets allow it (4.3.10) */
  HF_ALLOW_EARLY_DATA = 4,
  /* ask HF_ASK_INSTALL for every secret, in TLS 1.2 for the main secret: kTLS, key logs; HF_QUIC
   * has it set */
  HF_EXPORT_SECRETS = 8,
  HF_TRACE = 16,                /* keep events for hf_next_event */
  HF_PREFER_CLIENT_GROUPS = 32, /* server: choose the group by the client's order */
  /* server: ask HF_ASK_TICKET, num_tickets times once ready; in TLS 1.2 once, in the handshake, if
   * the client takes tickets */
  HF_ISSUE_TICKETS = 64,
  /* server: TLS 1.2: give sessions without a ticket an id (RFC 5246 7.3), and ask HF_ASK_KEEP for
   * them */
  HF_STORE_SESSIONS = 128,
  HF_IGNORE_SERVER_NAME = 256, /* server: do not acknowledge server_name (RFC 6066 section 3) */
  /* server: send a HelloRetryRequest with a cookie to every hello without one; TLS 1.2, which has
   * no cookies, is not spoken then */
  HF_DEMAND_COOKIE = 512,
  HF_PREFER_CLIENT_SUITES = 1024, /* server: choose the suite by the client's order */
  /* ask the peer to staple an OCSP response to its certificate: client in ClientHello (RFC 6066
   * section 8), server in CertificateRequest, if it sends one (4.5.1.1). HF_ASK_VERDICT shows it */
  HF_REQUEST_OCSP = 2048,
  HF_REQUEST_SCTS = 4096, /* and its signed certificate timestamps (RFC 6962 section 3.3) */
  /* client: send GREASE (RFC 8701): values that are reserved for it, by hf_entropy.grease, among
   * the suites, groups and versions, a key share of one byte, and two extensions. server: an
   * extension in each NewSessionTicket, by its ticket_age_add */
  HF_GREASE = 8192,
  /* client: send the extensions in an order that hf_entropy.grease determines; those of GREASE stay
   * first and last, pre_shared_key behind them (4.3.11) */
  HF_PERMUTE_EXTENSIONS = 16384,
  /* let PSKs, sessions among them, be used without a key exchange too (psk_ke, 4.3.9): who learns
   * the PSK can then read what was recorded. A server does so where a key exchange cannot be had:
   * the client wants none, or no group is in common */
  HF_ALLOW_PSK_KE = 1 << 20,
  /* TLS 1.2: tickets (RFC 5077) are not used: a client takes none, a server, with HF_ISSUE_TICKETS
   * for TLS 1.3, gives and takes none */
  HF_NO_TICKETS = 1 << 21,
  HF_REQUIRE_EMS = 1 << 22, /* TLS 1.2: fail without the extended main secret (RFC 7627) */
  /* client: say that this is a second attempt, with less than the highest version (RFC 7507) */
  HF_SEND_FALLBACK_SCSV = 1 << 23,
  /* client: TLS 1.2: HF_CAN_SEND as soon as its own Finished is out (RFC 7918), if ALPN chose a
   * protocol */
  HF_FALSE_START = 1 << 24,
  HF_FALSE_START_WITHOUT_ALPN = 1 << 25, /* client: and HF_FALSE_START also if it chose none */
  /* client: if protocols are offered, take the server's choice though it is none of them; early
   * data is offered then whatever the session's protocol is */
  HF_ALLOW_UNKNOWN_ALPN = 1 << 26,
  /* client: TLS 1.2: take an RSA certificate whose keyUsage does not allow signing, which RFC 5246
   * section 7.4.2 forbids; HF_ASK_VERDICT says that it is one */
  HF_IGNORE_RSA_KEY_USAGE = 1 << 27,
  /* server: take a hello that looks like one of JDK 11, whose TLS 1.3 has bugs before 11.0.2, as if
   * it did not offer TLS 1.3; where that is all that is spoken it fails with protocol_version */
  HF_JDK11_WORKAROUND = 1 << 28,
  /* client: ask HF_ASK_VERDICT about the chain of a session too: before early data is offered with
   * it, and when it was resumed without */
  HF_VERIFY_RESUMED = 1 << 15,
  /* client, records: a hello of 256 to 511 bytes, which some servers do not answer, gets as much
   * padding (RFC 7685) that it has 512; not the one after a HelloRetryRequest, nor hf_start.hello.
   * With HF_QUIC this flag, like HF_ALWAYS_CCS, is HF_MISUSE */
  HF_PAD_HELLO = 1 << 16,
  /* HF_QUIC: transport parameters go by the number that drafts had for them, 0xffa5, and not by RFC
   * 9001's, 57; a peer that has only the other has none */
  HF_QUIC_LEGACY_PARAMS = 1 << 17,
  /* server, records: send change_cipher_spec also to a client whose legacy_session_id, being empty,
   * does not ask for it (E.4) */
  HF_ALWAYS_CCS = 1 << 18,
};

/* hf_settings is what hf_config_new reads. Everything it points at is copied. */
typedef struct hf_settings {
  hf_role role;
  hf_transport transport;
  /* lowest version to negotiate, 0x0303 (TLS 1.2) or 0x0304 (TLS 1.3); 0: the lowest the engine
   * has, with HF_QUIC 0x0304 */
  uint16_t version_min;
  uint16_t version_max; /* highest; 0: the highest the engine has */
  /* of all versions, in order of preference; none: all there are. A version without a suite is not
   * spoken */
  hf_codes suites;
  /* server: bit i: suites[i] and suites[i + 1] are equally good, and of those that are the client's
   * order chooses */
  uint32_t equal_suites;
  hf_codes groups; /* in order of preference; none: x25519, secp256r1, secp384r1 */
  /* client: groups that get a share in the first hello (4.3.8); each of |groups|, in its order;
   * none: the first group; none, but with a |list| that is not NULL: no share is sent */
  hf_codes key_shares;
  /* what the peer may sign with; none: ECDSA P-256/384/521, RSA-PSS, Ed25519 */
  hf_codes verify_sigalgs;
  /* signatures that whoever answers HF_ASK_VERDICT takes in chains (signature_algorithms_cert,
   * 4.3.3), any codes; none: verify_sigalgs' default and RSASSA-PKCS1-v1_5 with SHA-256/384/512 */
  hf_codes cert_sigalgs;
  /* client: ProtocolNameList without its outer length (RFC 7301 section 3.1): each name one length
   * byte and its bytes; 32 KiB at most */
  hf_bytes alpn;
  /* algorithms that HF_ASK_COMPRESS can answer, in order of preference (RFC 8879 7.3); none: it is
   * not asked, and no certificate is compressed but by hf_identity_set_compressed. In TLS 1.2
   * none is */
  hf_codes compressors;
  /* algorithms that HF_ASK_DECOMPRESS can answer, in order of preference (RFC 8879 7.3); none:
   * compress_certificate is not sent */
  hf_codes decompressors;
  /* types of certificate, HF_CERT_X509 and HF_CERT_RAW_KEY, that this side can show, and that it
   * takes from its peer; none: X.509. A client offers both lists, in its order of preference,
   * unless they are just X.509 (RFC 7250 section 4.1). A server uses of its lists what the client
   * offers, in the client's order; X.509 if that offers nothing, or if the list is just X.509.
   * Where nothing is in common the server fails with unsupported_certificate (43); for the client's
   * certificate, if it requests one. So does a client that is shown a type it does not take. In
   * TLS 1.2 all are X.509, and a list without it fails so */
  hf_codes own_cert_types, peer_cert_types;
  /* TLS 1.3: what the key of the peer's delegated credential may sign with (RFC 9345), any but RSA;
   * none: delegated credentials are not taken. Client: sent in ClientHello; server: in
   * CertificateRequest */
  hf_codes delegated_sigalgs;
  /* DER-encoded distinguished names of certificate_authorities (4.3.4): server: for
   * CertificateRequest; client: for ClientHello. With two bytes for each, 32 KiB at most */
  const hf_bytes *authorities;
  size_t num_authorities;
  uint32_t flags; /* HF_REQUEST_CLIENT_CERT ... */
  /* server: bytes of early data a ticket allows (4.7.1); HF_QUIC: any but 0 means that it does */
  uint32_t max_early_data;
  /* server: milliseconds by which the age of a ticket, by the client's word, may be wrong for early
   * data to be taken (8.3); 0: 10000 */
  uint32_t early_age_window;
  uint32_t ticket_lifetime; /* server: seconds, at most 604800 (4.7.1); 0: 172800 */
  /* server: how many tickets to issue once ready, 16 at most; 0: 2 with HF_ISSUE_TICKETS */
  uint32_t num_tickets;
  /* longest handshake message taken, bytes; checked on its header, before it is kept; 0: 131072 */
  uint32_t max_message;
  uint32_t max_flight; /* most handshake bytes held of one flight of the peer; 0: 262144 */
  /* records: largest TLSInnerPlaintext we want to get, 64 to 16385 (RFC 8449); 0: 16385, which a
   * client does not send and a server only answers with */
  uint16_t record_size_limit;
  /* client: most bytes of data in a record, both ways: 512, 1024, 2048 or 4096 (RFC 6066 section
   * 4); 0: no such limit. For peers that do not know record_size_limit */
  uint16_t max_fragment_length;
  /* records: most bytes of data in one that this side sends, those with messages and those in the
   * clear included, 64 to 16384; 0: 16384, which is all that TLS allows. The peer may allow less */
  uint16_t max_data;
  /* records: pad what is sealed to a multiple of this many bytes (5.4); 0: none. Not in TLS 1.2 */
  uint16_t padding;
} hf_settings;

/* hf_config_new makes a configuration from |settings| with one reference. HF_MISUSE if a value is
 * out of its range, a code is unknown to this build or comes twice, a list has more than 64, a
 * flag is unknown, or nothing is left to negotiate; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_config_new(hf_config **out, const hf_settings *settings);
/* hf_config_up_ref takes another reference. */
HF_EXPORT void hf_config_up_ref(hf_config *config);
/* hf_config_free releases a reference; NULL is allowed. Connections hold references of their
 * own. */
HF_EXPORT void hf_config_free(hf_config *config);

/* hf_identity_new makes an identity with one reference. |chain| is the certificates in DER, the
 * end entity's first, at least one (4.5.1); |ocsp| a DER OCSPResponse (RFC 6960) and |scts| a
 * SignedCertificateTimestampList with its outer length (RFC 6962 section 3.3) about the end entity,
 * or absent: each is stapled to its certificate for peers that ask for it, and shown to nobody
 * else; |sigalgs| what the key can sign with, in order of preference, 16 at most. The private key
 * is not part of it: signing is a question. |tag| is the caller's own name for it, given back in
 * HF_ASK_SIGNATURE and in saved states. Everything is copied. HF_MISUSE for an empty chain, list of
 * algorithms or |ocsp|, for an |scts| that is not one or more timestamps that are not empty, or if
 * |ocsp| and |scts| together are over 65523 bytes; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_identity_new(hf_identity **out, uint64_t tag,
                                                const hf_bytes *chain, size_t num_chain,
                                                hf_bytes ocsp, hf_bytes scts, hf_codes sigalgs);
/* hf_identity_set_compressed gives |identity| a compressed form of its Certificate message for
 * peers that take |algorithm| (RFC 8879): |data| is the body of a Certificate with an empty
 * context and no extensions, |length| bytes long, compressed. Before the identity is shared; a
 * second call replaces the first. HF_MISUSE if it has something stapled, or for an empty |data|
 * or one over 2^24-1; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_identity_set_compressed(hf_identity *identity,
                                                           uint16_t algorithm, uint32_t length,
                                                           hf_bytes data);
/* hf_identity_new_raw makes an identity of a raw public key with one reference: |spki| is a
 * SubjectPublicKeyInfo in DER (RFC 7250 section 3), the rest as in hf_identity_new. It answers a
 * question for an identity that has HF_CERT_RAW_KEY among its types. HF_MISUSE for an empty |spki|
 * or list of algorithms; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_identity_new_raw(hf_identity **out, uint64_t tag, hf_bytes spki,
                                                    hf_codes sigalgs);
/* hf_identity_set_delegated gives |identity| a delegated credential (RFC 9345 section 4): the bytes
 * of a DelegatedCredential that its certificate's key has signed, which is not checked. Peers that
 * take one for its algorithm, and can verify the delegation, are shown it beside the certificate,
 * and its key signs instead of the certificate's. Before the identity is shared; a second call
 * replaces the first. HF_MISUSE if |credential| cannot be parsed, is for an RSA key or an unknown
 * algorithm, does not fit beside what is stapled (together at most 65519 bytes), or |identity| is a
 * raw key; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_identity_set_delegated(hf_identity *identity,
                                                          hf_bytes credential);
/* hf_identity_up_ref takes another reference. */
HF_EXPORT void hf_identity_up_ref(hf_identity *identity);
/* hf_identity_free releases a reference; NULL is allowed. */
HF_EXPORT void hf_identity_free(hf_identity *identity);

/* ---- Connection ---- */

/* hf_entropy is every random byte a handshake needs, by name: one slot per private key and no
 * more. Fill it from a secure source; never use it twice. NIST curve slots are the private
 * scalars themselves, big-endian, in 1..n-1: a value outside is refused with HF_BAD_ENTROPY (draw
 * again). The engine wipes its copy once ServerHello is done; a retry needs it until then. */
typedef struct hf_entropy {
  uint8_t random[32];     /* ClientHello.random or ServerHello.random (4.2.2, 4.2.3) */
  uint8_t session_id[32]; /* client: legacy_session_id of the compatibility mode (E.4) */
  uint8_t grease[16];     /* client: for HF_GREASE and HF_PERMUTE_EXTENSIONS */
  uint8_t x25519[32];
  uint8_t p256[32], p384[48], p521[66];
  uint8_t mlkem768[64], mlkem1024[64]; /* client: key generation seeds d || z */
} hf_entropy;

/* Places of hf_extension: messages with a block of extensions (4.3), the numbers a set. */
enum {
  HF_IN_CLIENT_HELLO = 1,
  HF_IN_ENCRYPTED_EXTENSIONS = 8, /* in TLS 1.2: the ServerHello */
  HF_IN_CERTIFICATE_REQUEST = 16,
  HF_IN_CERTIFICATE = 32 /* the entry of the end entity's certificate */
};
/* hf_extension is an extension of the caller's own, for experiments: a type that the engine does
 * not know. What the rules of 4.3 forbid it refuses as with those that it knows: a type twice in a
 * block, one in a place that is not in |take|, one that answers what was not asked.
 * hf_peer_extension shows what came. With early data the two sides' extensions may not be those
 * that it was sent under: hf_start.early_context can tell. */
typedef struct hf_extension {
  uint16_t type;
  /* where this side sends |body|: a client HF_IN_CLIENT_HELLO, and HF_IN_CERTIFICATE if the
   * CertificateRequest had the type and it took it; a server HF_IN_CERTIFICATE_REQUEST, and
   * HF_IN_ENCRYPTED_EXTENSIONS and HF_IN_CERTIFICATE if the ClientHello had the type */
  uint8_t send;
  /* where the peer may: for a client any but HF_IN_CLIENT_HELLO; for a server HF_IN_CERTIFICATE, if
   * its CertificateRequest has the type, and HF_IN_CLIENT_HELLO, which need not be said */
  uint8_t take;
  hf_bytes body; /* may be empty or absent, which are the same */
} hf_extension;

/* hf_start is what is particular to one connection. Everything it points at is copied. */
typedef struct hf_start {
  hf_entropy entropy;
  uint64_t now; /* milliseconds since 1970-01-01 UTC; ages sessions (4.3.11.1) */
  /* client: the DNS name to send (RFC 6066 section 3), no dot at the end; absent: none */
  hf_bytes server_name;
  hf_bytes session; /* client: a session to resume, as HF_ASK_KEEP gave it; absent: none */
  /* client: external PSKs to offer for TLS 1.3, in this order, after the session; their identities,
   * with 55 bytes for each, 24 KiB at most, and a session is left out that finds no room beside
   * them. Those whose hash no suite has are not offered. A server may choose a certificate all the
   * same: who takes none refuses HF_ASK_VERDICT */
  const hf_psk *psks;
  size_t num_psks;
  /* HF_QUIC: this side's transport parameters as QUIC encodes them (RFC 9001 section 8.2), 2048
   * bytes at most. A client needs them, unless |hello| has them; a server here or in
   * hf_answer_hello. Over records: absent */
  hf_bytes quic_params;
  hf_bytes early_context; /* must equal the session's for early data to be offered or accepted */
  /* client: send exactly this ClientHello (with its 4-byte header); the engine reads it to learn
   * what it offers. Its key shares must be those of |entropy|, its suites and groups those of the
   * configuration or unknown. For fingerprints, replays and traces. */
  hf_bytes hello;
  /* client: and this one after a HelloRetryRequest; absent: made from |hello| as 4.2.2 says */
  hf_bytes retry_hello;
  /* client: send an empty legacy_session_id: no middlebox compatibility mode (E.4) */
  bool no_compatibility;
  /* the caller's own, no type more than once for a place of |send|, 16 KiB at most with 6 bytes for
   * each; in a client's hello in this order, behind those of the engine unless they are permuted.
   * With |hello|, which has what it has, none is added to it. HF_MISUSE for a type that the engine
   * handles, and on a client with HF_GREASE for one of GREASE's (RFC 8701) */
  const hf_extension *extensions;
  size_t num_extensions;
} hf_start;

/* hf_new makes a connection of |config|'s role. A client has its ClientHello queued when it
 * returns. |*out| is NULL unless HF_OK. HF_MISUSE, HF_NO_MEMORY, HF_BAD_ENTROPY; HF_DECODE_ERROR
 * and its like if |hello| cannot be read. */
HF_EXPORT HF_MUST_USE hf_status hf_new(hf_conn **out, const hf_config *config,
                                       const hf_start *start);
/* hf_free wipes and frees a connection in any state; NULL is allowed. */
HF_EXPORT void hf_free(hf_conn *conn);
/* hf_set_time tells the connection that it is |now| (milliseconds since 1970). Allowed at any
 * time; it ages what is made or kept later: tickets, sessions. */
HF_EXPORT void hf_set_time(hf_conn *conn, uint64_t now);

/* What hf_wants answers: a set of these, independent of each other unless said. */
enum {
  /* takes bytes from the peer (hf_open, hf_quic_open); during the handshake: cannot go on without
   */
  HF_WANT_INPUT = 1,
  /* hf_flush (HF_QUIC: hf_quic_flush) has bytes for the peer; they go before anything hf_seal
   * makes */
  HF_WANT_OUTPUT = 2,
  HF_WANT_ANSWER = 4, /* hf_question has a question */
  /* hf_seal is allowed: ready, early data, a 1.3 server after its Finished, False Start. Never
   * together with HF_WANT_OUTPUT, and never with HF_QUIC, where HF_ASK_INSTALL says as much */
  HF_CAN_SEND = 8,
  HF_READY = 16, /* handshake complete, its output flushed, its memory released */
  /* the peer sent close_notify (6.1), or hf_close ended the handshake: no more input is taken. End
   * of input without it is truncation, the caller's to see */
  HF_CLOSED = 32,
  /* sticky; hf_get_fault says why. HF_WANT_OUTPUT may still be set: the alert, which HF_QUIC does
   * not have */
  HF_FAILED = 64,
  /* client: early data was offered and the server would not have it; send it again. Once set it
   * stays */
  HF_EARLY_REFUSED = 128,
};
/* hf_wants says what the connection waits for and what it allows: a set of the bits above. It
 * changes only in calls on |conn|. */
HF_EXPORT unsigned hf_wants(const hf_conn *conn);

/* hf_facts is what is known about a connection; each field is zero or absent until it is. The
 * hf_bytes last until the next call on the connection that is not a getter. */
typedef struct hf_facts {
  hf_role role;        /* this side's; known from the start */
  uint16_t version;    /* 0x0304 or 0x0303 */
  uint16_t suite;      /* section B.4 */
  uint16_t group;      /* of the key exchange (4.3.7) */
  uint16_t sigalg;     /* that the peer signed with (4.3.3) */
  uint16_t own_sigalg; /* that this side signed with */
  /* bytes hf_seal puts before the data: 5, in TLS 1.2 with AES 13; as all about records 0 in QUIC
   */
  uint8_t header;
  uint8_t trailer; /* and after it, without padding: 17, in TLS 1.2 16 */
  /* most bytes of data that one hf_seal takes: hf_settings.max_data, or less by what the peer
   * allows
   */
  uint16_t max_data;
  /* TLS 1.2: the main secret is the extended one (RFC 7627) */
  bool extended_main_secret;
  /* TLS 1.2: the peer knows renegotiation_info, so that nobody can put a handshake of his own
   * before this one (RFC 5746) */
  bool renegotiation_info;
  bool own_raw_key;    /* this side chose to show a raw public key (RFC 7250) */
  bool peer_raw_key;   /* the peer showed one */
  bool own_delegated;  /* own_sigalg is a delegated credential's (RFC 9345) */
  bool peer_delegated; /* the peer showed a delegated credential, whose key |sigalg| is */
  bool resumed;        /* a session goes on, or with external_psk a PSK from outside was used */
  bool external_psk;   /* one of hf_start.psks, or of hf_answer_psk */
  uint16_t psk_index;  /* with external_psk, a client: in hf_start.psks; a server: the candidate */
  bool retried;        /* there was a HelloRetryRequest */
  bool early_accepted; /* early data was accepted */
  /* early data may go: a client offers it, and it is neither refused nor ended; a server accepts
   * it, and its end has not come (HF_QUIC: the handshake's) */
  bool early_open;
  bool close_sent;     /* this side sent close_notify or a fatal alert: hf_seal is over */
  uint64_t early_left; /* bytes of early data that may still be sent, or received */
  /* records hf_seal makes until it changes keys by itself (5.5), or in TLS 1.2 fails */
  uint64_t records_left;
  hf_bytes alpn;                         /* the protocol chosen (RFC 7301) */
  hf_bytes server_name;                  /* the name the client sent */
  hf_bytes quic_params;                  /* the peer's; not to be trusted before HF_READY */
  hf_bytes client_random, server_random; /* 32 bytes each */
  /* verify_data (4.5.3), 32 or 48 bytes; in TLS 1.2 12 */
  hf_bytes own_finished, peer_finished;
} hf_facts;
/* hf_get_facts fills |out|. */
HF_EXPORT void hf_get_facts(hf_facts *out, const hf_conn *conn);

/* hf_peer_extension finds what the peer sent of |type| in |place|, one of HF_IN_CLIENT_HELLO ...,
 * among the types that this side's hf_extensions have. False: nothing, |*body| is absent. A body
 * may be empty. Of a HelloRetryRequest's two hellos, which must agree, it is the first's. It is
 * kept until hf_free, also if the connection fails; |*body| lasts until the next call on it that is
 * no getter. Before HF_READY nobody vouches for it. */
HF_EXPORT bool hf_peer_extension(hf_bytes *body, const hf_conn *conn, unsigned place,
                                 uint16_t type);

/* hf_fault is why a connection failed. With HF_QUIC the caller tells the peer, by CONNECTION_CLOSE
 * (RFC 9001 section 4.8) with the error code 0x0100 + |alert|; or, if |status| is HF_WRONG_LEVEL or
 * HF_QUIC_COMPATIBILITY, with PROTOCOL_VIOLATION, and if it is HF_FLIGHT_TOO_LONG, with
 * CRYPTO_BUFFER_EXCEEDED. */
typedef struct hf_fault {
  hf_status status; /* HF_OK: it has not failed */
  /* AlertDescription sent (6.2), or received when status is HF_PEER_ALERT; 0 if none */
  uint8_t alert;
  const char *text;  /* hf_status_text(status) */
  const char *where; /* the state it failed in, as hf_row_name */
} hf_fault;
/* hf_get_fault fills |out|. Its strings live for ever. */
HF_EXPORT void hf_get_fault(hf_fault *out, const hf_conn *conn);

/* ---- Bytes ---- */

/* HF_RECORD_MAX is the longest record there is, with its header: 5 + 2^14 + 256 (5.2). */
enum { HF_RECORD_MAX = 5 + 16384 + 256 };

/* hf_open takes at most one record from the front of the |in_len| bytes at |in| and decrypts it
 * where it lies. It sets |*consumed| to the bytes used: zero when the record is incomplete or a
 * question must be answered first (hf_wants tells which). |*app| is the application data in it,
 * inside |in|, absent if it held none; it lasts as long as the caller keeps those bytes. Bytes
 * after a close_notify are consumed and ignored (6.1). Returns HF_OK, HF_MISUSE (HF_QUIC), or the
 * connection's fault. */
HF_EXPORT HF_MUST_USE hf_status hf_open(hf_conn *conn, hf_bytes *app, size_t *consumed, uint8_t *in,
                                        size_t in_len);

/* hf_need says how many bytes beyond the |in_len| at |in| hf_open needs to go on: up to 5 for a
 * record's header, then the rest of its body; 0 if it can go on with what is there. It never asks
 * for bytes of the following record. With HF_QUIC it is 0. */
HF_EXPORT size_t hf_need(const hf_conn *conn, const uint8_t *in, size_t in_len);

/* hf_flush copies up to |out_max| queued bytes to |out| and forgets them; |*written| may be 0.
 * Any room will do: records were sealed when they were queued. Its last byte may be what the
 * handshake waited for: then the status is of what came after (HF_NO_MEMORY); else HF_OK, or
 * HF_MISUSE (HF_QUIC). */
HF_EXPORT HF_MUST_USE hf_status hf_flush(hf_conn *conn, size_t *written, uint8_t *out,
                                         size_t out_max);

/* hf_quic_open takes handshake bytes, the contents of CRYPTO frames: those of |level|'s stream in
 * order, each once. |*consumed| is set to in.len or, if a question must be answered first or
 * |level| is not reached yet, to 0: give them again later. HF_MISUSE unless HF_QUIC, or the
 * connection's fault: HF_WRONG_LEVEL for bytes of a level that is over, or that its last message
 * leaves over, or of HF_EARLY, which has none (RFC 9001 section 4.1.3). */
HF_EXPORT HF_MUST_USE hf_status hf_quic_open(hf_conn *conn, size_t *consumed, hf_level level,
                                             hf_bytes in);

/* hf_quic_flush copies up to |out_max| queued handshake bytes, all of one level, to |out| and
 * forgets them; |*level| says under whose keys they go, whose HF_ASK_INSTALL was answered before.
 * Levels come in order; |*written| is 0 if nothing is queued. HF_MISUSE unless HF_QUIC; else as
 * hf_flush. */
HF_EXPORT HF_MUST_USE hf_status hf_quic_flush(hf_conn *conn, hf_level *level, size_t *written,
                                              uint8_t *out, size_t out_max);

/* hf_seal writes one record that holds the |in_len| bytes at |in| to |out|; at most facts.max_data
 * of them. |in| may be |out| + facts.header: then the record is made in place; otherwise the two
 * must not overlap. |out_max| must be at least in_len + facts.header + facts.trailer, and padding
 * if that is configured, else HF_SHORT_OUTPUT and nothing is written. HF_MISUSE unless
 * HF_CAN_SEND is set. Bytes must reach the peer in the order of the hf_flush and hf_seal calls
 * that made them. */
HF_EXPORT HF_MUST_USE hf_status hf_seal(hf_conn *conn, size_t *written, uint8_t *out,
                                        size_t out_max, const uint8_t *in, size_t in_len);

/* ---- Questions, answers and sessions ---- */

#include <handfast/question.h>
#include <handfast/save.h>
#include <handfast/session.h>

#include <handfast/psk.h>

/* ---- Commands ---- */

/* hf_close queues close_notify (6.1); hf_seal is over then, reading is not. Before the handshake
 * is done it ends it: no question is left, no more input is taken, HF_CLOSED is set. Once is
 * enough: again it does nothing. HF_MISUSE after a failure, and with HF_QUIC. */
HF_EXPORT HF_MUST_USE hf_status hf_close(hf_conn *conn);
/* hf_abort fails the connection with HF_REFUSED and |alert| (6.2; 0 is taken as internal_error), at
 * any time: for what the caller himself finds wrong. A client's first hello of which nothing was
 * flushed does not go out any more. After a failure it does nothing. */
HF_EXPORT void hf_abort(hf_conn *conn, uint8_t alert);
/* hf_rekey queues KeyUpdate (4.7.3) and changes the sending keys; |peer_too| asks the peer to
 * change its own, once until it does. HF_MISUSE before HF_READY, after hf_close, while
 * HF_ASK_INSTALL is pending or comes after the question that is, in TLS 1.2, and with HF_QUIC. */
HF_EXPORT HF_MUST_USE hf_status hf_rekey(hf_conn *conn, bool peer_too);
/* hf_issue_ticket asks for one more ticket: HF_ASK_TICKET follows. HF_MISUSE unless a ready 1.3
 * server, and after hf_close. */
HF_EXPORT HF_MUST_USE hf_status hf_issue_ticket(hf_conn *conn);
/* hf_export writes |out_len| bytes of keying material (7.5) for |label| (a string of at most 249
 * bytes) and |context|; absent and empty contexts are the same in TLS 1.3, not in TLS 1.2 (RFC
 * 5705). HF_MISUSE before HF_READY, unless it is a server that has sent its Finished (TLS 1.3)
 * or a client that may send already (TLS 1.2 with HF_FALSE_START); after a failure; or in TLS 1.3
 * if out_len is over 255 hash lengths; HF_NO_MEMORY, which does not harm the connection. */
HF_EXPORT HF_MUST_USE hf_status hf_export(const hf_conn *conn, uint8_t *out, size_t out_len,
                                          const char *label, hf_bytes context);
/* hf_export_early is hf_export from the early exporter secret (7.5): of a client that has offered
 * early data, until it is refused, and of a server that accepts it; both until HF_READY. Else
 * HF_MISUSE. What it gives out is as fresh as early data is: a replay has the same. */
HF_EXPORT HF_MUST_USE hf_status hf_export_early(const hf_conn *conn, uint8_t *out, size_t out_len,
                                                const char *label, hf_bytes context);

/* ---- Looking on ---- */

/* Values of hf_event.content besides the RFC's 20 (change_cipher_spec), 21 (alert) and 22
 * (handshake). */
enum { HF_EVENT_HEADER = 256, HF_EVENT_INNER_TYPE = 257 };
/* hf_event is something seen: a message with its header, an alert's two bytes, a record's 5-byte
 * header as it is on the wire, or the inner content type of a protected record. */
typedef struct hf_event {
  bool sent;        /* by this side; else received */
  uint16_t content; /* 20, 21, 22, HF_EVENT_HEADER, HF_EVENT_INNER_TYPE */
  hf_level level;   /* of the keys it was under */
  hf_bytes bytes;   /* until the next call on the connection */
  const char *row;  /* the state, as hf_row_name */
} hf_event;
/* hf_next_event gives what was seen, with HF_TRACE, in order, and forgets it; false: nothing
 * more. It never blocks anything: events that find no memory are dropped. */
HF_EXPORT bool hf_next_event(hf_conn *conn, hf_event *out);
/* hf_row_name names the state in which the handshake stands, e.g. "server CERTIFICATE_VERIFY";
 * "client OPEN" once done. The string lives for ever. */
HF_EXPORT const char *hf_row_name(const hf_conn *conn);

/* hf_record_key gives the keys of the record layer, for kTLS and for another process that takes
 * the connection over: after HF_READY with all output flushed and not with HF_QUIC, else
 * HF_MISUSE. |key| has room for
 * 32 bytes and |*key_len| says how many were written; |seq| is the number of the next record. In
 * TLS 1.2 with AES |iv| is the 4 bytes of the implicit part (RFC 5288 section 3) and zeros, and
 * what hf_seal sends of the nonce is |seq|. HF_NO_MEMORY does not harm the connection. */
HF_EXPORT HF_MUST_USE hf_status hf_record_key(const hf_conn *conn, bool sending, uint8_t key[32],
                                              size_t *key_len, uint8_t iv[12], uint64_t *seq);
/* hf_traffic_secret lends the application traffic secret (7.2) that this side sends, or receives,
 * under: after a KeyUpdate the next one, as soon as that is queued or was received. |*secret| lasts
 * until the next call on the connection that is no getter. HF_MISUSE, with |*secret| absent, before
 * HF_READY, after a failure, and in TLS 1.2, which has no such secrets. */
HF_EXPORT HF_MUST_USE hf_status hf_traffic_secret(hf_bytes *secret, const hf_conn *conn,
                                                  bool sending);

#ifdef __cplusplus
}
#endif
#endif
