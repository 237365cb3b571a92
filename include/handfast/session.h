/* session.h: sessions as they are kept. Include <handfast/handfast.h>. */
#ifndef HANDFAST_SESSION_H
#define HANDFAST_SESSION_H

#ifndef HANDFAST_HANDFAST_H
#error "include <handfast/handfast.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sessions ---- */

/* hf_session_info is what a session holds, for those who keep sessions in a form of their own or
 * put something of theirs beside it. It is secret: wipe it. */
enum { HF_SESSION_SECRET_MAX = 48, HF_SESSION_OVERHEAD = 128 };
typedef struct hf_session_info {
  uint16_t version, suite;   /* 0x0304 or 0x0303; the suite, whose hash a PSK goes with */
  uint32_t lifetime;         /* seconds after |issued| */
  uint32_t age_add;          /* ticket_age_add (4.7.1) */
  uint32_t max_early_data;   /* 0: no early data */
  bool extended_main_secret; /* TLS 1.2: RFC 7627 */
  bool by_id;                /* TLS 1.2, a client's: |ticket| is a session id */
  bool client_cert;          /* the client showed a certificate */
  uint64_t issued;           /* milliseconds since 1970-01-01 UTC */
  uint8_t secret[HF_SESSION_SECRET_MAX]; /* the PSK, as long as the suite's
                                            hash; TLS 1.2: the main secret, 48 bytes */
  size_t secret_len;
  hf_bytes server_name, alpn; /* of the connection; absent: none */
  hf_bytes early_context;     /* hf_start.early_context */
  hf_bytes ticket;            /* on a client: what to send */
} hf_session_info;

/* hf_session_read tells what |state| holds, which is of HF_ASK_KEEP or HF_ASK_TICKET; the fields
 * that are bytes lie within |state|. HF_MISUSE if it is no state. */
HF_EXPORT HF_MUST_USE hf_status hf_session_read(hf_session_info *out, hf_bytes state);
/* hf_session_make is the other way round: at most |out_max| bytes for hf_start.session or
 * hf_answer_session, no more than the fields that are bytes and HF_SESSION_OVERHEAD. HF_MISUSE if
 * the version or the suite is unknown, the secret is not as long as its hash or a field is longer
 * than 65535; HF_SHORT_OUTPUT, HF_NO_MEMORY. */
HF_EXPORT HF_MUST_USE hf_status hf_session_make(uint8_t *out, size_t *out_len, size_t out_max,
                                                const hf_session_info *info);

#ifdef __cplusplus
}
#endif
#endif
