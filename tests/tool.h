/* tool.h: running the command `handfast`, for its tests. */
#ifndef HANDFAST_TESTS_TOOL_H
#define HANDFAST_TESTS_TOOL_H

#include "peer.h"

#define TOOL HF_BINARY_DIR "/handfast"
#define TOOL_CERTS HF_SOURCE_DIR "/tests/certs/"

/* tool_run runs a shell command, which may take PEER_SECONDS, and returns its exit status (124: it
 * took longer).  What it wrote to stdout is in |out|, as a string. */
int tool_run(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool tool_said(const struct buf *out, const char *text);

/* tool_serve starts `handfast server |options| 127.0.0.1:0` and returns its port; 0: it did not
 * start, and peer_tail says why. */
uint16_t tool_serve(struct peer *peer, const char *options);

#endif
