/* session.c: sessions of boringssl_peer in files, so that others read what BoringSSL wrote, and the
 * other way round. */
#include "boringssl_peer.h"

#include <stdio.h>
#include <stdlib.h>

SSL_SESSION *session_read(const char *path, const SSL_CTX *ctx) {
  size_t len = 0;
  uint8_t *data = read_file(&len, path);
  SSL_SESSION *session = data == NULL ? NULL : SSL_SESSION_from_bytes(data, len, ctx);
  free(data);
  if (session == NULL) complain("session");
  return session;
}

bool session_write(const SSL_SESSION *session, const char *path) {
  uint8_t *data;
  size_t len;
  if (!SSL_SESSION_to_bytes(session, &data, &len)) return complain("session");
  FILE *file = fopen(path, "wb");
  bool ok = file != NULL && fwrite(data, 1, len, file) == len;
  if (file != NULL && fclose(file) != 0) ok = false;
  OPENSSL_free(data);
  return ok || complain("session file");
}
