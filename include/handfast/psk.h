/* psk.h: pre-shared keys from outside of TLS (RFC 9846 4.3.11), and importing them (RFC 9258).
 * Include <handfast/handfast.h>. */
#ifndef HANDFAST_PSK_H
#define HANDFAST_PSK_H

#ifndef HANDFAST_HANDFAST_H
#error "include <handfast/handfast.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- External PSKs ---- */

/* hf_psk_kind: an imported PSK is one that hf_psk_import made; both sides must say the same, or
 * binders do not verify (RFC 9258 section 5.2). */
typedef enum hf_psk_kind { HF_PSK_EXTERNAL, HF_PSK_IMPORTED } hf_psk_kind;

/* hf_psk is a key that client and server share beforehand, and that authenticates both. It must be
 * as hard to guess as any key; a password is none, for who listens can try out guesses (2.2). It
 * should be known to one client and one server alone (F.1, RFC 9257). */
struct hf_psk {
  hf_psk_kind kind;
  /* a suite whose hash is the one that the PSK goes with, and no other (4.3.11): 0x1301 for
   * SHA-256, 0x1302 for SHA-384. Early data is under this very suite */
  uint16_t suite;
  hf_bytes identity; /* client: its name, sent in the clear, 1 byte at least; server: not read */
  hf_bytes secret;   /* the key, 1 byte at least, of any length */
  /* bytes of early data that are allowed with it; 0: none. Client: only with the first PSK of all
   * that are offered (4.3.10) */
  uint32_t max_early_data;
  hf_bytes alpn;          /* the protocol that early data is in, 255 bytes at most; absent: none */
  hf_bytes early_context; /* as hf_start.early_context, for early data */
};

/* hf_answer_psk answers HF_ASK_SESSION with an external PSK, known by the name of candidate
 * |index|; |flags| as of hf_answer_session. If another suite has its hash and no HelloRetryRequest
 * was sent, that is chosen instead; else a PSK that does not fit is passed over, as it is with
 * HF_REQUIRE_CLIENT_CERT. Neither age nor lifetime counts. HF_MISUSE as any answer, or if |psk| is
 * not as said above. */
HF_EXPORT HF_MUST_USE hf_status hf_answer_psk(hf_conn *conn, size_t index, const hf_psk *psk,
                                              unsigned flags);

/* ---- Importing (RFC 9258) ---- */

/* TLS KDF identifiers (RFC 9258 section 10). */
enum { HF_KDF_SHA256 = 1, HF_KDF_SHA384 = 2 };

/* hf_imported_identity is ImportedIdentity (RFC 9258 section 5.1): the identity of an imported PSK.
 */
typedef struct hf_imported_identity {
  hf_bytes external_identity; /* of the external PSK, 1 to 65535 bytes */
  hf_bytes context;           /* what it was made for: the roles of both sides, say; may be empty */
  uint16_t target_protocol;   /* 0x0304 */
  uint16_t target_kdf;        /* HF_KDF_ */
} hf_imported_identity;

/* hf_psk_import makes of the external PSK |epsk| and |identity|, which names it, an imported PSK
 * for |identity|'s protocol and KDF. |epsk_kdf| says which hash goes with |epsk|, HF_KDF_; if it
 * was never said which, HF_KDF_SHA256. |out| gets the kind, the suite 0x1301 or 0x1302, the
 * identity and the secret; both lie in |room|, which is secret, and the rest is zero. A client
 * imports a key once for each hash of its suites. HF_SHORT_OUTPUT unless |room_max| is at least
 * HF_PSK_IMPORT_OVERHEAD more than external identity and context; HF_MISUSE if |identity| is not as
 * said above or longer than 65535 bytes, |epsk| is empty, or the protocol or a KDF is unknown;
 * HF_NO_MEMORY. */
enum { HF_PSK_IMPORT_OVERHEAD = 8 + 48 };
HF_EXPORT HF_MUST_USE hf_status hf_psk_import(hf_psk *out, uint8_t *room, size_t room_max,
                                              hf_bytes epsk, uint16_t epsk_kdf,
                                              const hf_imported_identity *identity);
/* hf_psk_parse_identity takes apart the name of a candidate of HF_ASK_SESSION, in which |out|'s
 * bytes then lie; false: it is no ImportedIdentity. A server that finds a key for the external
 * identity, and has nothing against context, protocol and KDF, imports it with the same |out| and
 * answers with that. */
HF_EXPORT bool hf_psk_parse_identity(hf_imported_identity *out, hf_bytes name);

#ifdef __cplusplus
}
#endif
#endif
