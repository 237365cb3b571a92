/* session_more.c: what programs ask of SSL_SESSION beside what it is: PEM files, data of their own,
 * older names. */
#include <openssl/pem.h>

#include "ssl/session.h"

/* ---- PEM ---- */

static void *d2i(void **out, const uint8_t **in, long len) {
  (void)out; /* replace does that */
  return d2i_SSL_SESSION(NULL, in, len);
}

static int i2d(const void *in, uint8_t **out) { return i2d_SSL_SESSION(in, out); }

/* Where |x| points to a session, that is freed and the new one put in its place. */
static SSL_SESSION *replace(SSL_SESSION **x, SSL_SESSION *session) {
  if (x == NULL || session == NULL) return session;
  SSL_SESSION_free(*x);
  return *x = session;
}

SSL_SESSION *PEM_read_bio_SSL_SESSION(BIO *bp, SSL_SESSION **x, pem_password_cb *cb, void *u) {
  return replace(x, PEM_ASN1_read_bio(d2i, PEM_STRING_SSL_SESSION, bp, NULL, cb, u));
}

SSL_SESSION *PEM_read_SSL_SESSION(FILE *fp, SSL_SESSION **x, pem_password_cb *cb, void *u) {
  return replace(x, PEM_ASN1_read(d2i, PEM_STRING_SSL_SESSION, fp, NULL, cb, u));
}

int PEM_write_bio_SSL_SESSION(BIO *bp, SSL_SESSION *x) {
  return PEM_ASN1_write_bio(i2d, PEM_STRING_SSL_SESSION, bp, x, NULL, NULL, 0, NULL, NULL);
}

int PEM_write_SSL_SESSION(FILE *fp, SSL_SESSION *x) {
  return PEM_ASN1_write(i2d, PEM_STRING_SSL_SESSION, fp, x, NULL, NULL, 0, NULL, NULL);
}

/* ---- The rest ---- */

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
