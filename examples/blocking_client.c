/* blocking_client.c: SSL_connect on a blocking socket: the shortest program that does it right.
 *
 *   blocking_client [HOST:PORT CA-FILE]
 *
 * On a blocking socket no call returns before it is done or has failed, so there are no wants to
 * look at.  Three things are still easily forgotten: to trust somebody, to say whose certificate it
 * must be, and to tell the end (close_notify) from being cut off. */
#define _DEFAULT_SOURCE /* POSIX, beside C11 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "peer.h"

/* failed says what went wrong in the last call, |ret| being what it returned. */
static bool failed(SSL *ssl, const char *what, int ret) {
  int error = SSL_get_error(ssl, ret);
  fprintf(stderr, "blocking_client: %s: %s\n", what, SSL_error_description(error));
  if (SSL_get_verify_result(ssl) != X509_V_OK &&
      SSL_get_verify_result(ssl) != X509_V_ERR_INVALID_CALL)
    fprintf(stderr, "%s\n", X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  ERR_print_errors_fp(stderr);
  return false;
}

static bool talk(SSL *ssl) {
  static const char request[] = "GET / HTTP/1.0\r\n\r\n";
  char answer[4096];
  int ret = SSL_connect(ssl), len = 0;
  if (ret != 1) return failed(ssl, "SSL_connect", ret);
  printf("%s, %s, %s, certificate verified: %s\n", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
         SSL_get_group_name(SSL_get_group_id(ssl)),
         X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  /* Without SSL_MODE_ENABLE_PARTIAL_WRITE it is all or nothing. */
  ret = SSL_write(ssl, request, (int)sizeof request - 1);
  if (ret <= 0) return failed(ssl, "SSL_write", ret);
  /* One call gives one record at most.  What does not fit is read and thrown away: only the end
   * counts. */
  while ((ret = SSL_read(ssl, answer + len, (int)sizeof answer - 1 - len)) > 0) {
    len = len + ret < (int)sizeof answer - 1 ? len + ret : 1024;
  }
  /* Anything but ZERO_RETURN is no end that the peer meant: the answer may lack something. */
  if (SSL_get_error(ssl, ret) != SSL_ERROR_ZERO_RETURN) return failed(ssl, "SSL_read", ret);
  answer[len] = 0;
  printf("the server answers: %.*s\n", (int)strcspn(answer, "\r\n"), answer);
  /* The peer's close_notify is here already, so one call is all: it sends ours. */
  ret = SSL_shutdown(ssl);
  return ret == 1 || failed(ssl, "SSL_shutdown", ret);
}

static bool run(const struct peer *peer, int fd) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == NULL) return false;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL *ssl = NULL;
  /* The name that is sent and the name that the certificate must have are two settings. */
  bool ok = SSL_CTX_load_verify_locations(ctx, peer->ca_file, NULL) == 1 &&
            (ssl = SSL_new(ctx)) != NULL && SSL_set_tlsext_host_name(ssl, peer->host) == 1 &&
            SSL_set1_host(ssl, peer->host) == 1 && SSL_set_fd(ssl, fd) == 1;
  if (!ok) ERR_print_errors_fp(stderr);
  ok = ok && talk(ssl);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
  return ok;
}

int main(int argc, char **argv) {
  struct peer peer;
  if (!peer_find(&peer, argc, argv)) return EXIT_FAILURE;
  int fd = peer_connect(&peer);
  bool ok = fd >= 0 && run(&peer, fd);
  if (fd >= 0) close(fd); /* SSL_set_fd does not take the socket over */
  return peer_end(&peer, ok);
}
