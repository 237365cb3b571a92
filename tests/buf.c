/* buf.c: see buf.h. */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory) {
  if (memory == NULL) {
    fprintf(stderr, "memory ran out in a test\n");
    exit(1);
  }
  return memory;
}

uint8_t *buf_room(struct buf *buf, size_t len) {
  if (buf->max - buf->len < len) {
    size_t max = buf->max * 2 + len;
    buf->data = must(realloc(buf->data, max));
    buf->max = max;
  }
  return len == 0 ? buf->data : buf->data + buf->len;
}

void buf_added(struct buf *buf, size_t len) { buf->len += len; }

void buf_add(struct buf *buf, const void *data, size_t len) {
  if (len == 0) return;
  memcpy(buf_room(buf, len), data, len);
  buf->len += len;
}

void buf_drop(struct buf *buf, size_t len) {
  if (len == 0) return;
  memmove(buf->data, buf->data + len, buf->len - len);
  buf->len -= len;
}

void buf_free(struct buf *buf) {
  free(buf->data);
  *buf = (struct buf){0};
}

hf_bytes buf_copy(hf_bytes bytes) {
  if (bytes.data == NULL) return bytes;
  uint8_t *copy = must(malloc(bytes.len + 1));
  memcpy(copy, bytes.data, bytes.len);
  return (hf_bytes){copy, bytes.len};
}

hf_bytes bytes_of(const char *text) { return (hf_bytes){(const uint8_t *)text, strlen(text)}; }

bool bytes_equal(hf_bytes a, hf_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
