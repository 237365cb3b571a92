/* buf.h: a growing run of bytes for tests.  Memory that runs out ends the program. */
#ifndef HANDFAST_TESTS_BUF_H
#define HANDFAST_TESTS_BUF_H

#include <handfast/handfast.h>

struct buf {
  uint8_t *data;
  size_t len, max;
};

/* buf_room makes room for |len| more bytes and returns where they go; buf_added says how many came.
 */
uint8_t *buf_room(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);
void buf_add(struct buf *buf, const void *data, size_t len);
/* buf_drop forgets the first |len| bytes. */
void buf_drop(struct buf *buf, size_t len);
/* buf_free empties it; it can be used again. */
void buf_free(struct buf *buf);
/* buf_copy is |bytes| in memory of its own (free it with free), absent staying absent. */
hf_bytes buf_copy(hf_bytes bytes);

/* bytes_of borrows a string without its end. */
hf_bytes bytes_of(const char *text);
bool bytes_equal(hf_bytes a, hf_bytes b);

#endif
