/* error.c: what to tell the caller: SSL_get_error, SSL_want, the error queue.
 *
 * Owns: ssl->want and the saved errors.  A call that stops says why in exactly one of four ways: an
 * error on the queue; a want; zero_return; or none of them, which means that the transport ended.
 * What a failed connection put on the queue the first time, it puts there at every later call.
 * Leaves to others: deciding that a call stops. */
#include "ssl/driver.h"

#include <errno.h>

#include <openssl/cipher.h>
#include <openssl/err.h>

#include "ssl/quic.h"

void ssl_enter(SSL *ssl) {
  if (ERR_peek_error() != 0) ERR_clear_error(); /* which goes through all its room */
  errno = 0;
  ssl->want = SSL_NOTHING;
  ssl->io.zero_return = false;
}

int ssl_stop_waiting(SSL *ssl, ssl_step step, int want) {
  if (step == SSL_STEP_WAIT) ssl->want = want;
  return -1;
}

int ssl_stop_closed(SSL *ssl) {
  ssl->io.shutdown |= SSL_RECEIVED_SHUTDOWN;
  ssl->io.zero_return = true;
  return 0;
}

int ssl_reason(hf_status status) {
  static const int kReasons[] = {
      0,
#define HF_ERROR(name, alert, reason, text) reason,
#include <handfast/errors.def>
#undef HF_ERROR
  };
  return (size_t)status < sizeof(kReasons) / sizeof(kReasons[0]) ? kReasons[status]
                                                                 : ERR_R_INTERNAL_ERROR;
}

static int reason_of_fault(const SSL *ssl, const hf_fault *fault) {
  if (fault->status == HF_PEER_ALERT) return SSL_AD_REASON_OFFSET + fault->alert;
  if (fault->status == HF_REFUSED && ssl->io.refusal != 0) return ssl->io.refusal;
  return ssl_reason(fault->status);
}

/* also_reason is what BoringSSL's queue has beside the reason of |status|, and programs look for;
 * 0: nothing. */
static int also_reason(const hf_fault *fault, bool at_hello) {
  if (ssl_reason(fault->status) == SSL_R_ERROR_PARSING_EXTENSION) return SSL_R_PARSE_TLSEXT;
  return at_hello && fault->status == HF_PEER_ALERT && fault->alert == SSL_AD_HANDSHAKE_FAILURE
             ? SSL_R_HANDSHAKE_FAILURE_ON_CLIENT_HELLO
             : 0;
}

/* add_details adds to the newest error what a reader of logs wants to know. */
static void add_details(const SSL *ssl, const hf_fault *fault) {
  if (ssl->io.refusal == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_add_error_data(4, X509_verify_cert_error_string(ssl->verify_result), " (in ", fault->where,
                       ")");
  } else {
    ERR_add_error_data(4, fault->text, " (in ", fault->where, ")");
  }
}

static void save_errors(ssl_io *io) {
  io->num_errors = 0;
  while (io->num_errors < SSL_SAVED_ERRORS) {
    ssl_saved_error *saved = &io->errors[io->num_errors];
    saved->packed = ERR_get_error_line(&saved->file, &saved->line);
    if (saved->packed == 0) break;
    io->num_errors++;
  }
  ERR_clear_error();
}

/* SSL_ERR notes a file and a line of ours; those saved are noted again. */
static void replay_errors(const SSL *ssl, const hf_fault *fault) {
  for (size_t i = 0; i < ssl->io.num_errors; i++) {
    const ssl_saved_error *saved = &ssl->io.errors[i];
    int lib = ERR_GET_LIB(saved->packed), reason = ERR_GET_REASON(saved->packed);
    ERR_put_error(lib, 0, reason, saved->file, (unsigned)saved->line);
    if (lib == ERR_LIB_SSL && reason == reason_of_fault(ssl, fault)) add_details(ssl, fault);
  }
}

int ssl_stop_failed(SSL *ssl) {
  hf_fault fault;
  hf_get_fault(&fault, ssl->conn);
  ssl->io.shutdown |= SSL_RECEIVED_SHUTDOWN; /* nothing more will be read */
  if (!ssl->io.failed) {
    ssl->io.failed = true;
    SSL_ERR(reason_of_fault(ssl, &fault));
    hf_facts facts;
    hf_get_facts(&facts, ssl->conn);
    if (ssl_quic_on(ssl)) ssl_quic_alert(ssl, fault.alert);
    int also = also_reason(&fault, facts.role == HF_CLIENT && facts.server_random.len == 0);
    if (also != 0) SSL_ERR(also);
    if (fault.status == HF_BAD_RECORD_MAC)
      ERR_put_error(ERR_LIB_CIPHER, 0, CIPHER_R_BAD_DECRYPT, __FILE__, __LINE__);
    save_errors(&ssl->io);
  }
  replay_errors(ssl, &fault);
  return -1;
}

int ssl_stop_broken(SSL *ssl) {
  hf_fault fault;
  hf_get_fault(&fault, ssl->conn);
  ssl_try_to_send(ssl);
  if (fault.status == HF_PEER_ALERT) return ssl_stop_failed(ssl);
  SSL_ERR(SSL_R_PROTOCOL_IS_SHUTDOWN);
  return -1;
}

/* wait_of says what a caller should wait for who was stopped while reading |bio|, or |writing| it.
 * The retry flags decide, as they are now: a BIO in between may be waiting for the other direction,
 * or for its connection.  With both flags it is the direction that was tried. */
static int wait_of(BIO *bio, bool writing) {
  if (bio == NULL) return SSL_ERROR_SYSCALL;
  if (writing && BIO_should_write(bio)) return SSL_ERROR_WANT_WRITE;
  if (BIO_should_read(bio)) return SSL_ERROR_WANT_READ;
  if (BIO_should_write(bio)) return SSL_ERROR_WANT_WRITE;
  if (!BIO_should_io_special(bio)) return SSL_ERROR_SYSCALL;
  switch (BIO_get_retry_reason(bio)) {
    case BIO_RR_CONNECT:
      return SSL_ERROR_WANT_CONNECT;
    case BIO_RR_ACCEPT:
      return SSL_ERROR_WANT_ACCEPT;
    default:
      return SSL_ERROR_SYSCALL;
  }
}

int SSL_get_error(const SSL *ssl, int ret) {
  if (ret > 0) return SSL_ERROR_NONE;
  uint32_t error = ERR_peek_error();
  if (error != 0) return ERR_GET_LIB(error) == ERR_LIB_SYS ? SSL_ERROR_SYSCALL : SSL_ERROR_SSL;
  if (ssl->io.zero_return) return SSL_ERROR_ZERO_RETURN;
  switch (ssl->want) {
    case SSL_NOTHING:
      return SSL_ERROR_SYSCALL;
    case SSL_READING:
      return ssl_quic_on(ssl) ? SSL_ERROR_WANT_READ : wait_of(ssl->rbio, false);
    case SSL_WRITING:
      return ssl_quic_on(ssl) ? SSL_ERROR_WANT_WRITE : wait_of(ssl->wbio, true);
    default:
      return ssl->want;
  }
}

int SSL_want(const SSL *ssl) { return ssl->want; }

const char *SSL_error_description(int err) {
  static const char *const kNames[] = {
      [SSL_ERROR_NONE] = "NONE",
      [SSL_ERROR_SSL] = "SSL",
      [SSL_ERROR_WANT_READ] = "WANT_READ",
      [SSL_ERROR_WANT_WRITE] = "WANT_WRITE",
      [SSL_ERROR_WANT_X509_LOOKUP] = "WANT_X509_LOOKUP",
      [SSL_ERROR_SYSCALL] = "SYSCALL",
      [SSL_ERROR_ZERO_RETURN] = "ZERO_RETURN",
      [SSL_ERROR_WANT_CONNECT] = "WANT_CONNECT",
      [SSL_ERROR_WANT_ACCEPT] = "WANT_ACCEPT",
      [SSL_ERROR_PENDING_SESSION] = "PENDING_SESSION",
      [SSL_ERROR_PENDING_CERTIFICATE] = "PENDING_CERTIFICATE",
      [SSL_ERROR_WANT_PRIVATE_KEY_OPERATION] = "WANT_PRIVATE_KEY_OPERATION",
      [SSL_ERROR_PENDING_TICKET] = "PENDING_TICKET",
      [SSL_ERROR_EARLY_DATA_REJECTED] = "EARLY_DATA_REJECTED",
      [SSL_ERROR_WANT_CERTIFICATE_VERIFY] = "WANT_CERTIFICATE_VERIFY",
      [SSL_ERROR_HANDOFF] = "HANDOFF",
      [SSL_ERROR_HANDBACK] = "HANDBACK",
      [SSL_ERROR_WANT_RENEGOTIATE] = "WANT_RENEGOTIATE",
      [SSL_ERROR_HANDSHAKE_HINTS_READY] = "HANDSHAKE_HINTS_READY",
  };
  return err >= 0 && (size_t)err < sizeof(kNames) / sizeof(kNames[0]) ? kNames[err] : NULL;
}
