/* early_session.c: what a session says of early data. */
#include <openssl/mem.h>

#include "ssl/session.h"

int SSL_SESSION_early_data_capable(const SSL_SESSION *session) {
  return session->version == TLS1_3_VERSION && session->max_early_data > 0;
}

uint32_t SSL_SESSION_get_max_early_data(const SSL_SESSION *session) {
  return session->max_early_data;
}

int SSL_SESSION_set_max_early_data(SSL_SESSION *session, uint32_t max_early_data) {
  session->max_early_data = max_early_data;
  return 1;
}

/* The encoding has all there is but these: time in milliseconds, and whether it was offered. */
SSL_SESSION *SSL_SESSION_copy_without_early_data(SSL_SESSION *session) {
  uint8_t *data;
  size_t len;
  if (!SSL_SESSION_early_data_capable(session)) {
    SSL_SESSION_up_ref(session);
    return session;
  }
  if (!SSL_SESSION_to_bytes(session, &data, &len)) return NULL;
  SSL_SESSION *copy = SSL_SESSION_from_bytes(data, len, NULL);
  OPENSSL_free(data);
  if (copy == NULL) return NULL;
  copy->issued = session->issued;
  atomic_store(&copy->used, atomic_load(&session->used));
  copy->max_early_data = 0;
  return copy;
}
