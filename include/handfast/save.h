/* save.h: a connection as bytes, and back. Include <handfast/handfast.h>. */
#ifndef HANDFAST_SAVE_H
#define HANDFAST_SAVE_H

#ifndef HANDFAST_HANDFAST_H
#error "include <handfast/handfast.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Saving and restoring ----
 *
 * A connection of either role can be saved between any two calls on it: before, within and after
 * the handshake, while any question is pending, with output queued, after hf_close and after a
 * failure. What is restored goes on as the original would: the same calls and answers give the same
 * bytes. The two may be in different processes and on different machines, with different versions
 * of libcrypto, but of the same version of handfast.
 *
 *  - The bytes hold every secret of the connection: traffic keys and those of its key exchange, the
 *    resumption secret, sessions. Whoever reads them reads the connection; whoever can change them
 *    decides what it is. Keep them as a private key is kept, and wipe them after use.
 *  - The digest in them guards against accident, not attack: anybody can compute it. Bytes that
 * went through other hands belong in an AEAD (hf_box_seal of handfast/answers.h).
 *  - Only one copy of a connection may go on. Two that both send encrypt different data under the
 *    same nonces, which gives away both and lets others forge records; and a question that is
 *    answered in each of two copies, be it with the same answer, makes two connections of one
 *    handshake, each with the same keys. Free the original, or fail it, before what was saved is
 *    restored.
 *  - Application data that hf_open has handed out is the caller's and not in the bytes; nor are
 *    bytes of the peer that hf_open has not consumed, events that hf_next_event has not given out,
 *    and what configurations and identities hold. */

/* hf_save_size returns how many bytes hf_save writes for |conn| as it is now; 0: memory ran out. */
HF_EXPORT size_t hf_save_size(const hf_conn *conn);
/* hf_save writes |conn| to |out| and sets |*out_len|; |conn| stays as it is. HF_SHORT_OUTPUT if it
 * takes more than |out_max| bytes: nothing is written then. HF_NO_MEMORY or HF_CRYPTO_FAILED if the
 * peer's public key, which a client has between Certificate and CertificateVerify and a server too,
 * could not be written; neither harms the connection. */
HF_EXPORT HF_MUST_USE hf_status hf_save(const hf_conn *conn, uint8_t *out, size_t *out_len,
                                        size_t out_max);
/* hf_load makes a connection of |state|, which hf_save wrote. |configs| are those that it may have
 * had: the one that hf_new was given or, on a server, hf_answer_hello brought, or another one made
 * of the same settings; it is found by a digest over them. |identities| are those that
 * hf_answer_identity may have brought, found by tag and contents; needed only if one was chosen and
 * its CertificateVerify is not written yet. The connection takes references. Call hf_set_time next:
 * its time is that of hf_save.
 *
 * |*out| is NULL unless HF_OK. HF_MISUSE if the configuration or the identity is not among those
 * given; HF_BAD_STATE if |state| is damaged, cut short, of another version of handfast, or of
 * something that this libcrypto lacks; HF_NO_MEMORY. Whatever the bytes are, nothing worse comes of
 * them: neither here nor in later calls is anything touched that is not there. */
HF_EXPORT HF_MUST_USE hf_status hf_load(hf_conn **out, const hf_config *const *configs,
                                        size_t num_configs, const hf_identity *const *identities,
                                        size_t num_identities, hf_bytes state);

#ifdef __cplusplus
}
#endif
#endif
