/* early_explicit.c: early data by calls of its own, as OpenSSL has it: SSL_write_early_data and
 * SSL_read_early_data.
 *
 * They run the same connection; io.early_explicit notes that they were called, after which a
 * refusal is for the application to ask about and no error, and a server's handshake stops where
 * early data would come even if there is none. */
#include <openssl/err.h>

#include "ssl/driver.h"
#include "ssl/early.h"

static bool fail(int reason) {
  SSL_ERR(reason);
  return false;
}

/* begin has a client offer early data, and a handshake go on until it may be written. */
static bool begin(SSL *ssl) {
  if (ssl->conn == NULL) {
    if (ssl->role == SSL_ROLE_NONE) SSL_set_connect_state(ssl);
    if (ssl->role != SSL_ROLE_CLIENT || ssl->session == NULL ||
        !SSL_SESSION_early_data_capable(ssl->session))
      return fail(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    if (!ssl_enable_early(&ssl->settings)) return false;
  }
  ssl->io.early_explicit = true;
  if (!ssl->io.done && ssl->io.early == SSL_EARLY_NONE && ssl_go_on(ssl) <= 0) return false;
  return ssl_early_may_write(ssl, true) || fail(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
}

int SSL_write_early_data(SSL *ssl, const void *buf, size_t num, size_t *written) {
  *written = 0;
  ssl_enter(ssl);
  if (!begin(ssl)) return 0;
  hf_facts facts;
  hf_get_facts(&facts, ssl->conn);
  const size_t gone = ssl->io.write_done + ssl->io.write_staged; /* of a write that blocked */
  if (ssl->role == SSL_ROLE_CLIENT && num > gone && num - gone > facts.early_left)
    return fail(SSL_R_BAD_LENGTH);
  return ssl_write_data(ssl, buf, num, written, true) > 0;
}

int SSL_read_early_data(SSL *ssl, void *buf, size_t num, size_t *readbytes) {
  *readbytes = 0;
  ssl_enter(ssl);
  if (ssl->role == SSL_ROLE_NONE) SSL_set_accept_state(ssl);
  if (ssl->role != SSL_ROLE_SERVER || ssl->io.done) {
    SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    return SSL_READ_EARLY_DATA_ERROR;
  }
  ssl->io.early_explicit = true;
  /* TLS 1.2 may be done without it: it has no early data. */
  while (ssl->io.app.len == 0 && ssl->io.early != SSL_EARLY_OVER && !ssl->io.done)
    if (ssl_go_on(ssl) <= 0) return SSL_READ_EARLY_DATA_ERROR;
  if (ssl->io.app.len == 0) return SSL_READ_EARLY_DATA_FINISH;
  *readbytes = ssl_io_take(&ssl->io, buf, num, false);
  return SSL_READ_EARLY_DATA_SUCCESS;
}
