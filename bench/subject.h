/* subject.h: what is measured, for bench.c to measure.  One of ssl_bench.c, engine_bench.c and
 * floor_bench.c stands behind it in each program.  Both sides live in one process and move by
 * turns; bench.c takes the time, or has valgrind or heap.c count, around each of these calls. */
#ifndef HANDFAST_BENCH_SUBJECT_H
#define HANDFAST_BENCH_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TLS12 = 0x0303, TLS13 = 0x0304 };

typedef enum side { CLIENT, SERVER } side;

/* bench_case is a kind of connection. */
typedef struct bench_case {
  const char *name;
  uint16_t version;
  const char *certificate; /* bench/certs/CERTIFICATE.pem */
  bool resumed;            /* by a ticket; the server then makes tickets in each handshake */
  bool hybrid;             /* X25519MLKEM768; else X25519 */
  bool chacha20;           /* else AES-128-GCM, both with SHA-256 */
} bench_case;

/* bench_pair is a client, a server and what is between them. */
typedef struct bench_pair bench_pair;

/* subject_begin makes what connections share, and for resumption a session; false: this library has
 * no such case. */
bool subject_begin(const bench_case *which);
void subject_end(void);

bench_pair *pair_new(void);
/* pair_step does all that |who| can do now of the handshake; its first call makes |who|'s end.
 * pair_done: it has done its part. */
void pair_step(bench_pair *pair, side who);
bool pair_done(const bench_pair *pair, side who);
/* pair_sent says how many bytes |who| has sent, if this subject knows. */
size_t pair_sent(const bench_pair *pair, side who);
/* pair_send sends |len| bytes, at most 16384, as one record, with whatever waited to be sent;
 * pair_receive waits for as many. */
void pair_send(bench_pair *pair, side who, const uint8_t *data, size_t len);
void pair_receive(bench_pair *pair, side who, uint8_t *out, size_t len);
/* pair_close frees one end, pair_free the rest. */
void pair_close(bench_pair *pair, side who);
void pair_free(bench_pair *pair);

/* ---- bench.c, for the subjects ---- */

/* must ends the program if |good| is false. */
void must(bool good, const char *what);
/* in_certs is the path of bench/certs/NAME.EXTENSION, until it is called again. */
const char *in_certs(const char *name, const char *extension);
#define BENCH_ROOT HF_SOURCE_DIR "/tests/certs/root.pem"
#define BENCH_NAME "localhost"
enum { BENCH_RING = 17 * 1024 }; /* bytes of a BIO pair's ring */

#endif
