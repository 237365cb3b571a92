/* buffer.c: growing ranges of bytes, and copies of borrowed ones.
 *
 * Invariant: cap is 0 iff data is NULL.  A buffer that becomes empty keeps no memory: an idle
 * connection has none. */
#include "engine.h"

#include <string.h>

enum { HF_BUFFER_STEP = 256, HF_BUFFER_MAX = 1 << 30 };

hf_status hf_buffer_reserve(hf_buffer *buffer, size_t more) {
  if (more > HF_BUFFER_MAX || buffer->len + more > HF_BUFFER_MAX) {
    return HF_NO_MEMORY;
  }
  size_t want = buffer->len + more;
  if (want <= buffer->cap) {
    return HF_OK;
  }
  // Half as much again, so that many small appends cost few moves.
  if (want < (size_t)buffer->cap + buffer->cap / 2) {
    want = (size_t)buffer->cap + buffer->cap / 2;
  }
  want = (want + HF_BUFFER_STEP - 1) / HF_BUFFER_STEP * HF_BUFFER_STEP;
  uint8_t *data = OPENSSL_realloc(buffer->data, want);
  if (data == NULL) {
    return HF_NO_MEMORY;
  }
  buffer->data = data;
  buffer->cap = (uint32_t)want;
  return HF_OK;
}

hf_status hf_buffer_append(hf_buffer *buffer, const uint8_t *data, size_t len) {
  HF_TRY(hf_buffer_reserve(buffer, len));
  if (len > 0) {
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += (uint32_t)len;
  }
  return HF_OK;
}

void hf_buffer_drop(hf_buffer *buffer, size_t len) {
  if (len >= buffer->len) {
    hf_buffer_free(buffer);
    return;
  }
  buffer->len -= (uint32_t)len;
  memmove(buffer->data, buffer->data + len, buffer->len);
}

void hf_buffer_free(hf_buffer *buffer) {
  OPENSSL_free(buffer->data);
  buffer->data = NULL;
  buffer->len = buffer->cap = 0;
}

hf_status hf_copy(hf_bytes *out, const uint8_t *data, size_t len) {
  hf_bytes copy = {NULL, 0};
  if (data != NULL) {
    uint8_t *bytes = OPENSSL_malloc(len > 0 ? len : 1);
    if (bytes == NULL) {
      return HF_NO_MEMORY;
    }
    if (len > 0) {
      memcpy(bytes, data, len);
    }
    copy = hf_range(bytes, len);
  }
  hf_free_bytes(out);
  *out = copy;
  return HF_OK;
}

void hf_free_bytes(hf_bytes *bytes) {
  OPENSSL_free((void *)bytes->data);
  *bytes = hf_range(NULL, 0);
}
