/* sslwire.c: see sslwire.h. */
#include "sslwire.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <unistd.h>

SSL_CTX *sslwire_context(const SSL_METHOD *method, const char *cert) {
  char path[512];
  SSL_CTX *ctx = SSL_CTX_new(method);
  credential_path(path, "root", ".pem");
  bool ok = ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
            SSL_CTX_load_verify_locations(ctx, path, NULL);
  if (ok && cert != NULL) {
    credential_path(path, cert, ".pem");
    ok = SSL_CTX_use_certificate_chain_file(ctx, path);
    credential_path(path, cert, ".key");
    ok = ok && SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM);
  }
  if (ok) return ctx;
  SSL_CTX_free(ctx);
  return NULL;
}

bool sslwire_open(struct sslwire *wire, SSL_CTX *ctx, struct peer *peer, int fd, const char *name) {
  *wire = (struct sslwire){.ssl = SSL_new(ctx), .peer = peer, .fd = fd};
  if (wire->ssl == NULL || fd < 0 || !SSL_set_fd(wire->ssl, fd)) return false;
  if (name == NULL) {
    SSL_set_accept_state(wire->ssl);
    return true;
  }
  SSL_set_connect_state(wire->ssl);
  return SSL_set_tlsext_host_name(wire->ssl, name) && SSL_set1_host(wire->ssl, name);
}

/* await waits for what |error| says; false: it is no reason to wait, or nothing came. */
static bool await(struct sslwire *wire, int error, bool also_reads) {
  struct peer *peer = wire->peer;
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
  short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
  if (also_reads) events |= POLLIN;
  struct pollfd fds[3] = {{.fd = wire->fd, .events = events},
                          {.fd = peer->out, .events = POLLIN},
                          {.fd = peer->input.len == 0 ? -1 : peer->in, .events = POLLOUT}};
  if (poll(fds, 3, PEER_SECONDS * 1000) <= 0) return false;
  if (fds[1].revents != 0 || fds[2].revents != 0) (void)peer_pump(peer, 0);
  return true;
}

int sslwire_handshake(struct sslwire *wire, int *error) {
  for (;;) {
    int ret = SSL_do_handshake(wire->ssl);
    *error = SSL_get_error(wire->ssl, ret);
    if (ret == 1 || !await(wire, *error, false)) return ret;
  }
}

/* read_some reads once: SSL_ERROR_NONE, or why nothing came. */
static int read_some(struct sslwire *wire) {
  int ret = SSL_read(wire->ssl, buf_room(&wire->received, 20000), 20000);
  if (ret > 0) buf_added(&wire->received, (size_t)ret);
  return SSL_get_error(wire->ssl, ret);
}

bool sslwire_send(struct sslwire *wire, const void *data, size_t len) {
  SSL_set_mode(wire->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
  const uint8_t *at = data;
  while (len > 0) {
    int ret = SSL_write(wire->ssl, at, (int)len), error = SSL_get_error(wire->ssl, ret);
    if (ret > 0) {
      at += ret;
      len -= (size_t)ret;
      continue;
    }
    int reading = read_some(wire);
    if (reading == SSL_ERROR_NONE) continue;
    if (reading != SSL_ERROR_WANT_READ || !await(wire, error, true)) return false;
  }
  return true;
}

bool sslwire_receive(struct sslwire *wire, size_t len) {
  while (wire->received.len < len) {
    int error = read_some(wire);
    if (error == SSL_ERROR_ZERO_RETURN) return len == SIZE_MAX;
    if (error != SSL_ERROR_NONE && !await(wire, error, false)) return false;
  }
  return true;
}

bool sslwire_shutdown(struct sslwire *wire) {
  for (;;) {
    int ret = SSL_shutdown(wire->ssl);
    if (ret == 1) return true;
    if (ret < 0 && !await(wire, SSL_get_error(wire->ssl, ret), false)) return false;
  }
}

void sslwire_close(struct sslwire *wire) {
  SSL_free(wire->ssl);
  buf_free(&wire->received);
  if (wire->fd >= 0) close(wire->fd);
  wire->ssl = NULL;
  wire->fd = -1;
}
