/* answers.h: the usual answers to the engine's questions.
 *
 * The engine (handfast.h) has no private keys, no trust store, no random source and no clock; it
 * asks.  An hf_answers holds what most programs answer with: credentials, trusted certificates,
 * application protocols, keys for cookies and tickets.  hf_answer looks at the pending question and
 * gives the usual answer, so that a program which drives the engine needs one line per question:
 *
 *     if (wants & HF_WANT_ANSWER) hf_answer(conn, answers);
 *
 * It returns false for a question that this object has nothing for; the program answers that one
 * itself, with the pieces in the second half of this header or with its own.  The engine knows
 * nothing of this file.
 *
 * Conventions are those of handfast.h.  An hf_answers serves one thread at a time, and any number
 * of connections one after another or by turns; hf_answers_dup is cheap and gives each connection
 * one of its own.  An hf_credential does not change once made, counts its references and may be
 * shared by threads.  Functions that fail may leave on libcrypto's error queue what libcrypto put
 * there; those that do not fail leave it as they found it.  But hf_answer ends in a call of the
 * engine, and hf_answers_trust_file in one of libcrypto's, which empty it. */
#ifndef HANDFAST_ANSWERS_H
#define HANDFAST_ANSWERS_H

#include <openssl/base.h>

#include <handfast/handfast.h>

#ifdef __cplusplus
extern "C" {
#endif

/* hf_answers: what questions are answered with. */
typedef struct hf_answers hf_answers;
/* hf_credential: a certificate chain with its private key.  Immutable, counted, shared. */
typedef struct hf_credential hf_credential;

/* ---- Credentials ---- */

/* hf_credential_new makes a credential with one reference.  |chain| is the certificates in DER, the
 * end entity's first, at least one; it is copied.  |key| is the end entity's private key, of which
 * a reference is taken: ECDSA on P-256, P-384 or P-521, RSA of at least 1024 bits, or Ed25519.
 * |key| may be NULL: then HF_ASK_SIGNATURE for this credential is left to the caller (a key in
 * hardware).  |sigalgs| limits and orders the SignatureSchemes to sign with; none: all that the key
 * can make, the RSASSA-PKCS1-v1_5 ones (TLS 1.2) after those of RSASSA-PSS.  |ocsp| and |scts| are
 * to be stapled, or absent.  HF_MISUSE if the first certificate cannot be read, its key is of no
 * such kind, |key| is not its key, or no scheme is left; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_credential_new(hf_credential **out, const hf_bytes *chain,
                                                  size_t num_chain, EVP_PKEY *key, hf_codes sigalgs,
                                                  hf_bytes ocsp, hf_bytes scts);
/* hf_credential_load makes a credential from files in PEM: |chain_file| holds the certificates, the
 * end entity's first, |key_file| its private key, unencrypted; both may be the same file. HF_MISUSE
 * if a file cannot be read or as hf_credential_new; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_credential_load(hf_credential **out, const char *chain_file,
                                                   const char *key_file);
/* hf_credential_new_raw makes a credential of a raw public key (RFC 7250), that of |key|, for
 * handshakes in which its side may show one; |key| also signs if |signs|, else that is left to the
 * caller.  |sigalgs| as in hf_credential_new.  HF_MISUSE if |key| can sign nothing that is wanted;
 * HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_credential_new_raw(hf_credential **out, EVP_PKEY *key,
                                                      bool signs, hf_codes sigalgs);
/* hf_credential_set_delegated gives |credential| a delegated credential, as
 * hf_identity_set_delegated, with its private key, or NULL: then HF_ASK_SIGNATURE for it is left to
 * the caller.  Before the credential is shared.  HF_MISUSE, HF_NO_MEMORY as there. */
HF_EXPORT HF_MUST_USE hf_status hf_credential_set_delegated(hf_credential *credential,
                                                            hf_bytes delegated, EVP_PKEY *key);
/* hf_credential_up_ref takes another reference. */
HF_EXPORT void hf_credential_up_ref(hf_credential *credential);
/* hf_credential_free releases a reference; NULL is allowed. */
HF_EXPORT void hf_credential_free(hf_credential *credential);
/* hf_credential_identity returns what hf_answer_identity wants.  It lasts as long as the
 * credential. */
HF_EXPORT const hf_identity *hf_credential_identity(const hf_credential *credential);

/* ---- The object ---- */

/* hf_answers_new makes an object that trusts nobody, has no credential and speaks no application
 * protocol.  NULL: memory ran out. */
HF_EXPORT hf_answers *hf_answers_new(void);
/* hf_answers_dup makes another with the same settings, sharing what they hold; results are not
 * copied.  NULL: memory ran out. */
HF_EXPORT hf_answers *hf_answers_dup(const hf_answers *answers);
/* hf_answers_free frees the object and releases what it holds; NULL is allowed.  Keys in it are
 * wiped. */
HF_EXPORT void hf_answers_free(hf_answers *answers);

/* hf_answers_add_credential adds |credential|, taking a reference.  HF_ASK_IDENTITY gets the first
 * added one that has a signature algorithm the peer knows and that fits best: on a server its
 * certificate is for the name the client sent, on a client its chain was issued by one of the
 * server's authorities; failing that the first with such an algorithm, and failing that none.
 * HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_answers_add_credential(hf_answers *answers,
                                                          hf_credential *credential);
/* hf_answers_clear_credentials takes all credentials out. */
HF_EXPORT void hf_answers_clear_credentials(hf_answers *answers);

/* hf_answers_set_store sets the certificates to trust, taking a reference; NULL: nobody is trusted.
 */
HF_EXPORT void hf_answers_set_store(hf_answers *answers, X509_STORE *store);
/* hf_answers_trust_file adds the certificates in the PEM file |path| to the store, and makes a
 * store if there is none. HF_MISUSE if the file cannot be read or has none; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_answers_trust_file(hf_answers *answers, const char *path);
/* hf_answers_param returns the parameters of chain verification, the object's own: set depth,
 * flags, time, more names in it. It starts with nothing set, which means libcrypto's defaults. */
HF_EXPORT X509_VERIFY_PARAM *hf_answers_param(hf_answers *answers);
/* hf_answers_set_peer_name demands that the peer's certificate be for |name|, a DNS name or an IP
 * address in text form. Without it a client demands the name it sent (hf_start.server_name), and
 * trusts no chain if it sent none; a server demands no name.  "" demands none on either side but
 * those set in hf_answers_param.  A name that is demanded in any other way takes the place of those
 * of its kind there: a DNS name that of the DNS names, an address that of the address; what is
 * there of the other kind is demanded too.  NULL: as at first.  HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_answers_set_peer_name(hf_answers *answers, const char *name);
/* hf_verifier verifies a chain: |ctx| is ready for X509_verify_cert and has its store, chain and
 * parameters.  It returns 1 if the chain is trusted; otherwise the error in |ctx| chooses the
 * alert. */
typedef int (*hf_verifier)(X509_STORE_CTX *ctx, void *arg);
/* hf_answers_set_verifier has |verifier| called where X509_verify_cert would be; NULL:
 * X509_verify_cert. */
HF_EXPORT void hf_answers_set_verifier(hf_answers *answers, hf_verifier verifier, void *arg);
/* hf_answers_verify_result returns the X509_V_ code of the last chain verified, X509_V_OK if it was
 * trusted and X509_V_ERR_INVALID_CALL before there was one. */
HF_EXPORT long hf_answers_verify_result(const hf_answers *answers);

/* hf_answers_set_alpn sets the application protocols a server chooses from, best first: a
 * ProtocolNameList without its outer length (RFC 7301 section 3.1); it is copied.  Empty: it
 * answers that none is chosen, and says nothing of ALPN. If the client offers protocols and none is
 * in the list, the handshake is refused with no_application_protocol (120). HF_MISUSE if the list
 * is malformed; HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_answers_set_alpn(hf_answers *answers, hf_bytes protocols);

/* HF_BOX_KEY is the length of the keys for cookies and tickets. */
enum { HF_BOX_KEY = 32, HF_BOX_KEYS_MAX = 4 };
/* hf_answers_set_cookie_key lets a server make cookies and open its own (4.3.2): HF_ASK_COOKIE is
 * answered.  All servers that may get the second hello need the same |key|, HF_BOX_KEY secret
 * random bytes.  |peer| is what the cookie is bound to, e.g. the client's address and port; at most
 * 64 bytes, copied; may be empty.  A cookie is good for 60 seconds. HF_MISUSE if |peer| is too
 * long. */
HF_EXPORT HF_MUST_USE hf_status hf_answers_set_cookie_key(hf_answers *answers,
                                                          const uint8_t key[HF_BOX_KEY],
                                                          hf_bytes peer);
/* hf_answers_set_ticket_keys lets a server wrap its sessions into tickets (HF_ASK_TICKET) and know
 * them again (HF_ASK_SESSION). |keys| is |num| keys of HF_BOX_KEY secret random bytes one after
 * another, at most HF_BOX_KEYS_MAX; the first makes tickets, all open them, so that keys can be
 * rotated.  None: tickets are not made and sessions not known.  Both are answered in any case.
 * Early data is not accepted.  HF_MISUSE if there are too many. */
HF_EXPORT HF_MUST_USE hf_status hf_answers_set_ticket_keys(hf_answers *answers, const uint8_t *keys,
                                                           size_t num);

/* hf_keylog is given one line for a secret in the format of NSS's SSLKEYLOGFILE, without a line
 * feed.  The line is wiped when the function returns. */
typedef void (*hf_keylog)(const char *line, void *arg);
/* hf_answers_set_keylog sets who gets the secrets that HF_ASK_INSTALL brings; NULL: nobody.
 * Configure the connection with HF_EXPORT_SECRETS.  Either way HF_ASK_INSTALL is answered. */
HF_EXPORT void hf_answers_set_keylog(hf_answers *answers, hf_keylog keylog, void *arg);
/* hf_keeper is given a session to store: the |keep| member of HF_ASK_KEEP's question, which is
 * about to be answered. */
typedef void (*hf_keeper)(const hf_question_t *question, void *arg);
/* hf_answers_set_keeper sets who stores sessions; NULL: nobody.  Either way HF_ASK_KEEP is
 * answered. */
HF_EXPORT void hf_answers_set_keeper(hf_answers *answers, hf_keeper keeper, void *arg);

/* hf_answer answers, or refuses, the pending question of |conn|.  It returns false, and changes
 * nothing, if none is pending or this is one that |answers| has nothing for: HF_ASK_COMPRESS,
 * HF_ASK_DECOMPRESS,
 * HF_ASK_COOKIE without a key, HF_ASK_SIGNATURE for an identity without a key in
 * |answers|, HF_ASK_VERDICT on a raw public key or a session's chain.  After true look at hf_wants
 * again: the connection went on, or failed. */
HF_EXPORT bool hf_answer(hf_conn *conn, hf_answers *answers);

/* ---- The pieces ---- */

/* hf_draw_entropy fills |out| from RAND_bytes, each private key in its range. */
HF_EXPORT void hf_draw_entropy(hf_entropy *out);
/* hf_now returns the time for hf_start.now and hf_set_time: milliseconds since 1970-01-01 UTC. */
HF_EXPORT uint64_t hf_now(void);

/* hf_key_sigalgs writes the SignatureSchemes that |key| can make, or that can be verified with it,
 * to |out|, which has room for |out_max|: those of TLS 1.3 first, then those of TLS 1.2 alone.  It
 * returns how many; 0: the key is of no kind that TLS knows.  Nine are the most. */
HF_EXPORT size_t hf_key_sigalgs(uint16_t *out, size_t out_max, const EVP_PKEY *key);
/* hf_sign makes the signature that HF_ASK_SIGNATURE wants: |input| is signed with |key| under
 * SignatureScheme |sigalg| (4.3.3).  At most |out_max| bytes are written; EVP_PKEY_size says how
 * many it takes.  HF_MISUSE if the key cannot make such a signature, HF_SHORT_OUTPUT,
 * HF_CRYPTO_FAILED. */
HF_EXPORT HF_MUST_USE hf_status hf_sign(uint8_t *out, size_t *out_len, size_t out_max,
                                        EVP_PKEY *key, uint16_t sigalg, hf_bytes input);

/* hf_encapsulate answers HF_ASK_ENCAP: it draws a shared secret of HF_ENCAP_SECRET bytes for |key|,
 * the KEM's part of a client's share for the hybrid |group|, and writes the ciphertext that carries
 * it to |out|; HF_ENCAP_MAX bytes are room for any.  HF_BAD_KEY_SHARE if |key| has a wrong length
 * or coefficients that are not reduced (FIPS 203 section 7.2), which the peer is to be told with
 * illegal_parameter (47); HF_MISUSE if |group| is no hybrid or libcrypto has no ML-KEM;
 * HF_SHORT_OUTPUT. */
enum { HF_ENCAP_SECRET = 32, HF_ENCAP_MAX = 1568 };
HF_EXPORT HF_MUST_USE hf_status hf_encapsulate(uint8_t *out, size_t *out_len, size_t out_max,
                                               uint8_t secret[HF_ENCAP_SECRET], uint16_t group,
                                               hf_bytes key);

/* hf_verify_alert returns the alert (6.2) that tells the peer of X509_V_ERR_ code |result|. */
HF_EXPORT uint8_t hf_verify_alert(long result);

/* hf_select_alpn chooses the first protocol of |preferred| that |offered| has too; both are
 * ProtocolNameLists without their outer length.  |*out| is its name, inside |offered|.  It returns
 * false if there is none. */
HF_EXPORT bool hf_select_alpn(hf_bytes *out, hf_bytes preferred, hf_bytes offered);

/* hf_box_seal encrypts |in| with |key| (HF_BOX_KEY bytes) under a random nonce, bound to |context|;
 * hf_box_open undoes it.  It is XChaCha20-Poly1305, so nonces may be random without limit.
 * HF_BOX_OVERHEAD is how much longer the sealed form is. hf_box_seal: HF_SHORT_OUTPUT,
 * HF_CRYPTO_FAILED.  hf_box_open: HF_SHORT_OUTPUT, or HF_BAD_RECORD_MAC if it was not made with
 * this key and context. */
enum { HF_BOX_OVERHEAD = 24 + 16 };
HF_EXPORT HF_MUST_USE hf_status hf_box_seal(uint8_t *out, size_t *out_len, size_t out_max,
                                            const uint8_t *key, hf_bytes in, hf_bytes context);
HF_EXPORT HF_MUST_USE hf_status hf_box_open(uint8_t *out, size_t *out_len, size_t out_max,
                                            const uint8_t *key, hf_bytes in, hf_bytes context);

#ifdef __cplusplus
}
#endif
#endif
