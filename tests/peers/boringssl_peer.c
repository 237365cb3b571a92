/* boringssl_peer.c: a TLS client and server on the system's BoringSSL, for tests to talk to as they
 * talk to openssl and gnutls.  It has nothing of the product in it.
 *
 * What happens goes to standard output as lines, a fact each, read by tests: `port N`; for each
 * connection `connection N`, `alert received N` and `alert sent N` when they happen, the facts
 * after the handshake (`version`, `cipher`, `group`, `resumed`, `retried`, `alpn`, `sigalg`,
 * `certificates`, `delegated`, `compressed`, `decompressed`), `early` (early.c), `data N` for what
 * was echoed or came back, `closed` after close_notify both ways; `error WHAT REASON` for what went
 * wrong.  The exit status is 0 if every connection went as it should. */
#define _GNU_SOURCE /* MSG_NOSIGNAL, in_addr */
#include "boringssl_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

enum { SECONDS = 60 }; /* the longest that all of it may take: it is not to outlive its test */

static SSL_SESSION *last_session;

void fact(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  fflush(stdout);
}

bool complain(const char *what) {
  uint32_t error = ERR_get_error();
  const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
  fact("error %s %s", what, reason == NULL ? "?" : reason);
  ERR_clear_error();
  return false;
}

static int keep_session(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(last_session);
  last_session = session;
  return 1;
}

static void on_alert(const SSL *ssl, int type, int value) {
  (void)ssl;
  if (type == SSL_CB_READ_ALERT) fact("alert received %d", value & 0xff);
  if (type == SSL_CB_WRITE_ALERT) fact("alert sent %d", value & 0xff);
}

/* ---- A connection ---- */

void show(const SSL *ssl) {
  const uint8_t *alpn = NULL;
  unsigned alpn_len = 0;
  uint16_t sigalg = SSL_get_peer_signature_algorithm(ssl), group = SSL_get_curve_id(ssl);
  const STACK_OF(CRYPTO_BUFFER) *chain = SSL_get0_peer_certificates(ssl);
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
  fact("version %s", SSL_get_version(ssl));
  fact("cipher %s", SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
  fact("group %s", group == 0 ? "none" : SSL_get_curve_name(group));
  fact("resumed %d", SSL_session_reused(ssl));
  fact("retried %d", SSL_used_hello_retry_request(ssl));
  fact("alpn %.*s", (int)alpn_len, (const char *)alpn);
  fact("sigalg %s", sigalg == 0 ? "none" : SSL_get_signature_algorithm_name(sigalg, 1));
  fact("certificates %zu", chain == NULL ? 0 : sk_CRYPTO_BUFFER_num(chain));
  fact("delegated %d", SSL_delegated_credential_used(ssl));
  compress_facts();
}

/* echo gives back what comes, until close_notify, and answers that. */
static bool echo(SSL *ssl) {
  uint8_t data[16384];
  size_t total = 0, early = 0;
  int len;
  while ((len = SSL_read(ssl, data, sizeof(data))) > 0) {
    if (SSL_in_early_data(ssl)) early += (size_t)len;
    if (SSL_write(ssl, data, len) != len) return complain("write");
    total += (size_t)len;
  }
  if (SSL_get_error(ssl, len) != SSL_ERROR_ZERO_RETURN) return complain("read");
  fact("data %zu", total);
  early_facts(ssl, early);
  return SSL_shutdown(ssl) == 1 || complain("shutdown");
}

/* round_trip sends |len| bytes of |fill| and waits for the same. */
static bool round_trip(SSL *ssl, uint8_t fill, size_t len) {
  uint8_t data[16384];
  memset(data, fill, len);
  if (SSL_write(ssl, data, (int)len) != (int)len) return complain("write");
  for (size_t got = 0; got < len;) {
    const int more = SSL_read(ssl, data, (int)(len - got));
    if (more <= 0) return complain("read");
    for (int i = 0; i < more; i++) {
      if (data[i] != fill) return complain("data");
    }
    got += (size_t)more;
  }
  return true;
}

/* ask sends |len| bytes, waits for the same, and closes. */
static bool ask(SSL *ssl, size_t len) {
  uint8_t fill = 'a';
  for (size_t left = len; left > 0; fill++) {
    const size_t now = left < 16384 ? left : 16384;
    if (!round_trip(ssl, fill, now)) return false;
    left -= now;
  }
  fact("data %zu", len);
  int done = SSL_shutdown(ssl);
  if (done == 0) done = SSL_shutdown(ssl);
  return done == 1 || complain("shutdown");
}

static bool prepare(SSL *ssl, const struct options *o) {
  if (strcmp(o->role, "server") == 0) {
    SSL_set_accept_state(ssl);
    return o->delegated == NULL || delegated_configure(ssl, o->delegated, o->delegated_key);
  }
  SSL_set_connect_state(ssl);
  if (o->name != NULL &&
      (!SSL_set_tlsext_host_name(ssl, o->name) || !SSL_set1_host(ssl, o->name))) {
    return false;
  }
  const bool offers = last_session != NULL && (o->resume != NULL || o->session_in != NULL);
  return !offers || SSL_set_session(ssl, last_session);
}

static bool converse(SSL *ssl, const struct options *o, int fd) {
  if (!prepare(ssl, o)) return complain("preparation");
  if (o->quic != NULL) return quic_converse(ssl, o, fd);
  SSL_set_early_data_enabled(ssl, o->early != NULL);
  if (SSL_do_handshake(ssl) != 1) return complain("handshake");
  if (!SSL_is_server(ssl) && SSL_in_early_data(ssl) && !early_ask(ssl)) return false;
  show(ssl);
  if (!SSL_is_server(ssl)) return ask(ssl, (size_t)options_number(o->bytes, 5));
  return echo(ssl);
}

static bool connection(SSL_CTX *ctx, const struct options *o, int fd) {
  SSL *ssl = SSL_new(ctx);
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  bool ok = ssl != NULL && SSL_set_fd(ssl, fd) && converse(ssl, o, fd);
  if (ok) fact("closed");
  SSL_free(ssl);
  /* An end that does not take away from the peer the alert that was sent last. */
  uint8_t rest[4096];
  shutdown(fd, SHUT_WR);
  while (recv(fd, rest, sizeof(rest), 0) > 0) continue;
  close(fd);
  return ok;
}

/* ---- Sockets ---- */

static struct sockaddr_in loopback(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_port = htons((uint16_t)options_number(port, 0));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static int listen_on(const char *port) {
  struct sockaddr_in address = loopback(port);
  socklen_t len = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 16) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    perror("error listen");
    return -1;
  }
  fact("port %d", ntohs(address.sin_port));
  return fd;
}

static int connect_to(const char *port) {
  struct sockaddr_in address = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) return fd;
  perror("error connect");
  close(fd);
  return -1;
}

int main(int argc, char **argv) {
  struct options o;
  (void)argc;
  signal(SIGPIPE, SIG_IGN);
  alarm(SECONDS);
  if (!options_read(&o, argv + 1)) return 2;
  SSL_CTX *ctx = context_new(&o);
  if (ctx == NULL) return 2;
  SSL_CTX_set_info_callback(ctx, on_alert);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH);
  SSL_CTX_sess_set_new_cb(ctx, keep_session);
  const bool server = strcmp(o.role, "server") == 0;
  const int listener = server ? listen_on(o.port) : -1;
  bool ok = !server || listener >= 0;
  if (o.session_in != NULL) last_session = session_read(o.session_in, ctx);
  for (long i = 0; i < options_number(o.connections, 1) && (!server || listener >= 0); i++) {
    const int fd = server ? accept(listener, NULL, NULL) : connect_to(o.port);
    fact("connection %ld", i + 1);
    ok = fd >= 0 && connection(ctx, &o, fd) && ok;
  }
  if (ok && o.session_out != NULL && last_session != NULL)
    ok = session_write(last_session, o.session_out);
  SSL_SESSION_free(last_session);
  SSL_CTX_free(ctx);
  if (listener >= 0) close(listener);
  return ok ? 0 : 1;
}
