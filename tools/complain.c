/* complain.c: errors, in words. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <openssl/err.h>

#include "tools/tools.h"

void complain(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("handfast: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
}

/* first_reason writes the words of the oldest error on the queue, and empties that.  False: there
 * is none. */
static bool first_reason(char *out, size_t max) {
  const char *file, *data = NULL;
  int line, flags = 0;
  uint32_t error = ERR_peek_error_line_data(&file, &line, &data, &flags);
  const char *reason = ERR_GET_LIB(error) == ERR_LIB_SYS ? strerror((int)ERR_GET_REASON(error))
                                                         : ERR_reason_error_string(error);
  bool more = data != NULL && (flags & ERR_FLAG_STRING) != 0 && data[0] != 0;
  snprintf(out, max, "%s%s%s", reason != NULL ? reason : "an error without a name",
           more ? ": " : "", more ? data : "");
  ERR_clear_error();
  return error != 0;
}

void complain_queue(const char *what) {
  char reason[256];
  complain("%s: %s", what, first_reason(reason, sizeof reason) ? reason : "it failed");
}

void explain(char *out, size_t max, const SSL *ssl, int ret) {
  int saved = errno, error = SSL_get_error(ssl, ret);
  if (first_reason(out, max)) return;
  if (error == SSL_ERROR_ZERO_RETURN) {
    snprintf(out, max, "the peer closed");
  } else if (ret < 0 && saved != 0) {
    snprintf(out, max, "%s", strerror(saved));
  } else {
    snprintf(out, max, "the peer cut the connection off");
  }
}
