/* rfc8448_oracle.h: the key schedule and record protection of TLS 1.3 with SHA-256 and AES-128-GCM,
 * written from RFC 9846 sections 5.2 and 7 for the tests alone.  The tests first show that it makes
 * RFC 8448's values out of RFC 8448's messages. */
#ifndef HANDFAST_TESTS_RFC8448_ORACLE_H
#define HANDFAST_TESTS_RFC8448_ORACLE_H

#include "buf.h"

/* oracle_expand is HKDF-Expand-Label (7.1). */
void oracle_expand(uint8_t *out, size_t out_len, const uint8_t secret[32], const char *label,
                   hf_bytes context);
/* oracle_derive is Derive-Secret (7.1) over |transcript|, not hashed yet. */
void oracle_derive(uint8_t out[32], const uint8_t secret[32], const char *label,
                   const struct buf *transcript);
/* oracle_finished is verify_data (4.5.3). */
void oracle_finished(uint8_t out[32], const uint8_t base_key[32], const struct buf *transcript);
/* oracle_restart replaces |transcript|, the first ClientHello, by its message_hash (4.1). */
void oracle_restart(struct buf *transcript);
/* oracle_seal appends a record (5.2) under a traffic secret. */
void oracle_seal(struct buf *out, const uint8_t secret[32], uint64_t seq, uint8_t type,
                 hf_bytes content);
/* oracle_open appends a record's content and sets its type; false: it is not one record under this
 * secret. */
bool oracle_open(struct buf *out, uint8_t *type, const uint8_t secret[32], uint64_t seq,
                 hf_bytes record);

#endif
