/* session_more.c: what programs ask of SSL_SESSION beside what it is: PEM files, data of their own,
 * older names. */
#include <openssl/pem.h>

#include "ssl/session.h"

IMPLEMENT_PEM_rw(SSL_SESSION, SSL_SESSION, PEM_STRING_SSL_SESSION, SSL_SESSION)

    int SSL_SESSION_set_ticket(SSL_SESSION *session, const uint8_t *ticket, size_t ticket_len) {
  if (ssl_owned_set(&session->ticket, ticket, ticket_len)) return 1;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return 0;
}

long SSL_get_default_timeout(const SSL *ssl) {
  (void)ssl;
  return SSL_DEFAULT_SESSION_TIMEOUT;
}

int SSL_cache_hit(SSL *ssl) { return SSL_session_reused(ssl); }
