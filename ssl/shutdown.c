/* shutdown.c: SSL_shutdown, SSL_send_fatal_alert, and the bits that say what has been shut down.
 *
 * Owns: io.shutdown's SSL_SENT_SHUTDOWN.  A call sends close_notify, or finishes sending it, or
 * waits for the peer's: one of these. A record of a blocked SSL_write goes before close_notify, so
 * that nothing is marked shut while it waits. */
#include <openssl/err.h>

#include "ssl/quic.h"

static bool peer_closed(const SSL *ssl) {
  return (ssl->io.shutdown & SSL_RECEIVED_SHUTDOWN) != 0 || (hf_wants(ssl->conn) & HF_CLOSED) != 0;
}

static int send_close(SSL *ssl) {
  if ((ssl->io.shutdown & SSL_SENT_SHUTDOWN) == 0) {
    if (ssl_send(ssl) < 0) return -1;
    if (hf_close(ssl->conn) != HF_OK) return ssl_stop_broken(ssl);
    ssl->io.shutdown |= SSL_SENT_SHUTDOWN;
  }
  if (ssl_send(ssl) < 0) return -1;
  return peer_closed(ssl) ? 1 : 0;
}

static int wait_for_close(SSL *ssl) {
  if (peer_closed(ssl)) return 1;
  int ret = ssl_read_until_data(ssl);
  if (ret > 0) {
    SSL_ERR(SSL_R_APPLICATION_DATA_ON_SHUTDOWN);
    return -1;
  }
  return ret == 0 && ssl->io.zero_return ? 1 : -1;
}

int SSL_shutdown(SSL *ssl) {
  ssl_enter(ssl);
  if (ssl->role == SSL_ROLE_NONE) {
    SSL_ERR(SSL_R_UNINITIALIZED);
    return -1;
  }
  if (!ssl->io.done) {
    ssl_try_to_send(ssl); /* the alert of a handshake that failed, if it has not gone yet */
    return 1;
  }
  if (ssl->local.quiet_shutdown || ssl_quic_on(ssl)) { /* QUIC ends connections by itself */
    ssl->io.shutdown = SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN;
    return 1;
  }
  if ((hf_wants(ssl->conn) & HF_FAILED) != 0) return ssl_stop_broken(ssl);
  if ((ssl->io.shutdown & SSL_SENT_SHUTDOWN) == 0 || ssl_io_has_output(ssl, hf_wants(ssl->conn)))
    return send_close(ssl);
  return wait_for_close(ssl);
}

/* ---- Fatal alerts ---- */

static bool sent_end(const SSL *ssl) {
  hf_facts facts;
  hf_get_facts(&facts, ssl->conn);
  return facts.close_sent;
}

/* waits says whether the connection has failed with |alert|, and that has not gone yet. */
static bool waits(const SSL *ssl, uint8_t alert) {
  hf_fault fault;
  hf_get_fault(&fault, ssl->conn);
  return fault.alert == alert && sent_end(ssl) && ssl_io_has_output(ssl, hf_wants(ssl->conn));
}

/* give_up has the connection fail for |alert|.  False: it could not be said, and why not is on the
 * error queue. */
static bool give_up(SSL *ssl, uint8_t alert) {
  hf_abort(ssl->conn, alert);
  ssl->io.refusal = SSL_R_PROTOCOL_IS_SHUTDOWN; /* what later calls say; QUIC is told here */
  (void)ssl_stop_failed(ssl);
  ERR_clear_error();
  if (ssl_quic_on(ssl) || sent_end(ssl)) return true;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return false;
}

int SSL_send_fatal_alert(SSL *ssl, uint8_t alert) {
  ssl_enter(ssl);
  if (ssl->conn == NULL && (!ssl_ready_to_run(ssl, SSL_R_UNINITIALIZED) || !ssl_start(ssl)))
    return -1;
  if (alert == SSL_AD_CLOSE_NOTIFY) alert = SSL_AD_INTERNAL_ERROR;
  if ((ssl->io.shutdown & SSL_SENT_SHUTDOWN) != 0) {
    SSL_ERR(SSL_R_PROTOCOL_IS_SHUTDOWN);
    return -1;
  }
  if ((hf_wants(ssl->conn) & HF_FAILED) == 0) {
    if (!give_up(ssl, alert)) return -1;
  } else if (!waits(ssl, alert)) {
    return ssl_stop_broken(ssl);
  }
  if (ssl_quic_on(ssl)) return 1;
  ssl_step step = ssl_io_push(ssl);
  ssl_report(ssl);
  return step == SSL_STEP_DONE ? 1 : ssl_stop_waiting(ssl, step, SSL_WRITING);
}

/* ---- What has been shut down ---- */

int SSL_get_shutdown(const SSL *ssl) {
  bool closed = ssl->conn != NULL && (hf_wants(ssl->conn) & HF_CLOSED) != 0;
  return ssl->io.shutdown | (closed ? SSL_RECEIVED_SHUTDOWN : 0);
}

void SSL_set_shutdown(SSL *ssl, int mode) {
  ssl->io.shutdown |= mode & (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void SSL_CTX_set_quiet_shutdown(SSL_CTX *ctx, int mode) { ctx->local.quiet_shutdown = mode != 0; }

int SSL_CTX_get_quiet_shutdown(const SSL_CTX *ctx) { return ctx->local.quiet_shutdown; }

void SSL_set_quiet_shutdown(SSL *ssl, int mode) { ssl->local.quiet_shutdown = mode != 0; }

int SSL_get_quiet_shutdown(const SSL *ssl) { return ssl->local.quiet_shutdown; }
