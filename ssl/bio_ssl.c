/* bio_ssl.c: BIO_f_ssl, a BIO that is a TLS connection.
 *
 * Owns: the BIO method, made once and never freed.  Reading and writing are SSL_read and SSL_write;
 * what stops them becomes the BIO's retry flags. The SSL has its own BIOs underneath: this one has
 * no next BIO and does not care for BIO_push.  Freeing it shuts the connection down, and frees the
 * SSL if it was given with BIO_CLOSE. */
#include <stdatomic.h>

#include "ssl/internal.h"

/* retry translates SSL_get_error into |bio|'s retry flags. */
static void retry(BIO *bio, const SSL *ssl, int ret) {
  BIO_clear_retry_flags(bio);
  switch (SSL_get_error(ssl, ret)) {
    case SSL_ERROR_WANT_READ:
      BIO_set_retry_read(bio);
      break;
    case SSL_ERROR_WANT_WRITE:
      BIO_set_retry_write(bio);
      break;
    case SSL_ERROR_WANT_CONNECT:
      BIO_set_retry_special(bio);
      BIO_set_retry_reason(bio, BIO_RR_CONNECT);
      break;
    case SSL_ERROR_WANT_ACCEPT:
      BIO_set_retry_special(bio);
      BIO_set_retry_reason(bio, BIO_RR_ACCEPT);
      break;
    default:
      break;
  }
}

static int ssl_bio_read(BIO *bio, char *out, int len) {
  SSL *ssl = BIO_get_data(bio);
  if (ssl == NULL) return 0;
  int ret = SSL_read(ssl, out, len);
  retry(bio, ssl, ret);
  return ret;
}

static int ssl_bio_write(BIO *bio, const char *in, int len) {
  SSL *ssl = BIO_get_data(bio);
  if (ssl == NULL) return 0;
  int ret = SSL_write(ssl, in, len);
  retry(bio, ssl, ret);
  return ret;
}

static long set_ssl(BIO *bio, SSL *ssl, long close) {
  if (BIO_get_data(bio) != NULL) {
    SSL_ERR(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    return 0;
  }
  BIO_set_data(bio, ssl);
  BIO_set_shutdown(bio, close != BIO_NOCLOSE);
  BIO_set_init(bio, 1);
  return 1;
}

static long handshake(BIO *bio, SSL *ssl) {
  int ret = SSL_do_handshake(ssl);
  retry(bio, ssl, ret);
  return ret;
}

static long flush(BIO *bio, const SSL *ssl) {
  BIO *wbio = SSL_get_wbio(ssl);
  long ret = BIO_flush(wbio);
  BIO_clear_retry_flags(bio);
  if (ret <= 0 && wbio != NULL) {
    BIO_set_flags(bio, BIO_get_retry_flags(wbio));
    BIO_set_retry_reason(bio, BIO_get_retry_reason(wbio));
  }
  return ret;
}

static long ssl_bio_ctrl(BIO *bio, int cmd, long num, void *ptr) {
  SSL *ssl = BIO_get_data(bio);
  if (cmd == BIO_C_SET_SSL) return set_ssl(bio, ptr, num);
  if (ssl == NULL) return 0;
  switch (cmd) {
    case BIO_C_GET_SSL:
      *(SSL **)ptr = ssl;
      return 1;
    case BIO_C_DO_STATE_MACHINE:
      return handshake(bio, ssl);
    case BIO_CTRL_GET_CLOSE:
      return BIO_get_shutdown(bio);
    case BIO_CTRL_SET_CLOSE:
      BIO_set_shutdown(bio, (int)num);
      return 1;
    case BIO_CTRL_PENDING:
      return SSL_pending(ssl);
    case BIO_CTRL_WPENDING:
      return BIO_ctrl(SSL_get_wbio(ssl), cmd, num, ptr);
    case BIO_CTRL_FLUSH:
      return flush(bio, ssl);
    case BIO_CTRL_PUSH:
    case BIO_CTRL_POP:
    case BIO_CTRL_DUP:
      return -1;
    default:
      return BIO_ctrl(SSL_get_rbio(ssl), cmd, num, ptr);
  }
}

static int ssl_bio_free(BIO *bio) {
  SSL *ssl = BIO_get_data(bio);
  if (ssl == NULL) return 1;
  SSL_shutdown(ssl);
  if (BIO_get_shutdown(bio)) SSL_free(ssl);
  BIO_set_data(bio, NULL);
  return 1;
}

const BIO_METHOD *BIO_f_ssl(void) {
  static _Atomic(BIO_METHOD *) the_method;
  BIO_METHOD *known = atomic_load(&the_method);
  if (known != NULL) return known;
  BIO_METHOD *made = BIO_meth_new(BIO_TYPE_SSL, "SSL");
  if (made == NULL) return NULL;
  BIO_meth_set_destroy(made, ssl_bio_free);
  BIO_meth_set_read(made, ssl_bio_read);
  BIO_meth_set_write(made, ssl_bio_write);
  BIO_meth_set_ctrl(made, ssl_bio_ctrl);
  if (atomic_compare_exchange_strong(&the_method, &known, made)) return made;
  BIO_meth_free(made);
  return known;
}

long BIO_set_ssl(BIO *bio, SSL *ssl, int take_ownership) {
  return BIO_ctrl(bio, BIO_C_SET_SSL, take_ownership, ssl);
}
