/* sequence_oracle.h - every legal order of TLS 1.3 handshake messages, written from RFC 9846
 * (sections 2, 4.1 and appendix A), RFC 8879 section 4 and RFC 9001 section 8.3, never from
 * engine/script.def.
 *
 * A sequence is one line: "tls" or "quic", then words such as C:ClientHello+psk, S:ServerHello,
 * S:{Finished}, C:(EndOfEarlyData).  The brackets are those of the RFC's figures: () early, {}
 * handshake keys.  What follows a + is what the message says as far as the order of later messages
 * hangs on it. */
#ifndef HANDFAST_TESTS_SEQUENCE_ORACLE_H
#define HANDFAST_TESTS_SEQUENCE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sequences {
  char **line;
  size_t num, room;
} sequences;

/* sequences_add adds a copy of |line| unless it is there. */
void sequences_add(sequences *set, const char *line);
/* sequences_sort sorts the lines by strcmp. */
void sequences_sort(sequences *set);
/* sequences_free frees the lines. */
void sequences_free(sequences *set);
/* sequences_read reads a golden file: lines, and comments that begin with #; false if it cannot be
 * opened. */
bool sequences_read(sequences *out, const char *path);
/* sequences_from_rfc adds every legal sequence of TLS 1.3. */
void sequences_from_rfc(sequences *out);
/* sequences_from_rfc12 adds every legal sequence of TLS 1.2, which begin with "tls12":
 * sequence_oracle12.c.  There [] is for what the negotiated keys protect. */
void sequences_from_rfc12(sequences *out);

#endif
