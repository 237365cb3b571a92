/* tool.c: see tool.h. */
#define _GNU_SOURCE /* memmem */
#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int tool_run(struct buf *out, const char *format, ...) {
  char command[2048], line[4096];
  va_list args;
  va_start(args, format);
  vsnprintf(command, sizeof command, format, args);
  va_end(args);
  snprintf(line, sizeof line, "timeout %d sh -c '%s'", PEER_SECONDS, command);
  buf_free(out);
  FILE *pipe = popen(line, "r");
  if (pipe == NULL) return -1;
  size_t len;
  while ((len = fread(buf_room(out, 4096), 1, 4096, pipe)) > 0) buf_added(out, len);
  buf_add(out, "", 1);
  out->len--;
  int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool tool_said(const struct buf *out, const char *text) {
  return memmem(out->data, out->len, text, strlen(text)) != NULL;
}

uint16_t tool_serve(struct peer *peer, const char *options) {
  static const char said[] = "listening on 127.0.0.1:";
  char command[1024];
  snprintf(command, sizeof command, TOOL " server %s 127.0.0.1:0", options);
  if (peer_start(peer, command) != NULL || !peer_printed(peer, said)) return 0;
  /* The line is written in one piece. */
  const char *at = memmem(peer->log.data, peer->log.len, said, strlen(said));
  return (uint16_t)strtol(at + strlen(said), NULL, 10);
}
