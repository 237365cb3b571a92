/* client.c: `handfast client`: a connection between stdin, stdout and a server. */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <unistd.h>

#include "tools/tools.h"

/* set_name has |name| sent and demanded.  An address is no DNS name and is never sent (RFC 6066
 * section 3). */
static bool set_name(SSL *ssl, const char *name, bool demand) {
  uint8_t address[16];
  bool number = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
  return (number || SSL_set_tlsext_host_name(ssl, name) == 1) &&
         (!demand || SSL_set1_host(ssl, name) == 1);
}

static int talk(SSL *ssl, const struct options *options) {
  char text[2048];
  if (!handshake(ssl, (int)options->timeout * 1000)) return EXIT_FAILED;
  if (!options->quiet) {
    report(text, sizeof text, ssl);
    fputs(text, stderr);
  }
  return relay(ssl, options->ignore_end) == RELAY_CLOSED ? EXIT_OK : EXIT_FAILED;
}

int client_run(const struct options *options) {
  char host[256], port[32];
  int status = EXIT_FAILED;
  if (!net_split(host, port, options->address)) return EXIT_USAGE;
  SSL_CTX *ctx = context_new(options);
  if (ctx == NULL) return EXIT_USAGE;
  const char *name = options->name != NULL ? options->name : host;
  SSL *ssl = SSL_new(ctx);
  int fd = -1;
  if (ssl == NULL || !set_name(ssl, name, !options->insecure)) {
    complain("'%s' can be no server's name", name);
    status = EXIT_USAGE;
  } else {
    fd = net_connect(host, port, (int)options->timeout * 1000);
  }
  if (fd >= 0 && SSL_set_fd(ssl, fd) == 1) {
    SSL_set_connect_state(ssl);
    status = talk(ssl, options);
  }
  SSL_free(ssl);
  if (fd >= 0) close(fd);
  context_free(ctx);
  return status;
}
