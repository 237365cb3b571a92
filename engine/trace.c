/* trace.c: what was seen, for hf_next_event.
 *
 * The log is a queue of entries, each a fixed head and its bytes.  It holds what the application
 * has not asked for yet, up to a limit; an event that finds no room is dropped, for looking on must
 * not stop a connection. */
#include "engine.h"

#include <string.h>

enum { HF_MOST_TRACE = 1 << 20 };

struct hf_trace_log {
  hf_buffer buffer;
  uint32_t read;
};

typedef struct entry {
  uint32_t len;
  uint16_t content;
  uint8_t sent, level, row;
} entry;

hf_status hf_trace_begin(hf_conn *conn) {
  if (!(conn->config->settings.flags & HF_TRACE)) {
    return HF_OK;
  }
  conn->trace = OPENSSL_malloc(sizeof(*conn->trace));
  if (conn->trace == NULL) {
    return HF_NO_MEMORY;
  }
  memset(conn->trace, 0, sizeof(*conn->trace));
  return HF_OK;
}

void hf_trace_note(hf_conn *conn, bool sent, uint16_t content, const uint8_t *data, size_t len) {
  hf_buffer *buffer = &conn->trace->buffer;
  entry head;
  memset(&head, 0, sizeof(head));
  head.len = (uint32_t)len;
  head.content = content;
  head.sent = sent;
  head.level = sent ? conn->write.level : conn->read.level;
  head.row = hf_row(conn);
  hf_buffer_drop(buffer, conn->trace->read);
  conn->trace->read = 0;
  if (buffer->len + len <= HF_MOST_TRACE &&
      hf_buffer_reserve(buffer, sizeof(head) + len) == HF_OK) {
    (void)hf_buffer_append(buffer, (const uint8_t *)&head, sizeof(head));
    (void)hf_buffer_append(buffer, data, len);
  }
}

bool hf_next_event(hf_conn *conn, hf_event *out) {
  memset(out, 0, sizeof(*out));
  hf_trace_log *log = conn->trace;
  if (log == NULL) {
    return false;
  }
  if (log->read >= log->buffer.len) {
    hf_buffer_free(&log->buffer);
    log->read = 0;
    return false;
  }
  entry head;
  memcpy(&head, log->buffer.data + log->read, sizeof(head));
  out->sent = head.sent;
  out->content = head.content;
  out->level = (hf_level)head.level;
  out->row = hf_row_text((hf_role)conn->role, head.row);
  out->bytes = hf_range(log->buffer.data + log->read + sizeof(head), head.len);
  log->read += (uint32_t)(sizeof(head) + head.len);
  return true;
}

void hf_trace_free(hf_conn *conn) {
  if (conn->trace != NULL) {
    hf_buffer_free(&conn->trace->buffer);
    OPENSSL_free(conn->trace);
    conn->trace = NULL;
  }
}
