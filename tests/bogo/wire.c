/* wire.c: to the runner and back.  The socket blocks; what waits to go out is sent before anything
 * is waited for. */
#define _DEFAULT_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bogo/shim.h"

static bool send_all(int sock, const uint8_t *bytes, size_t len) {
  while (len > 0) {
    ssize_t done = send(sock, bytes, len, 0);
    if (done <= 0) return false;
    bytes += done;
    len -= (size_t)done;
  }
  return true;
}

/* say_id tells a runner whose port is one for all shims which of them this is: eight bytes, the
 * lowest first. */
static bool say_id(int sock, const char *id) {
  uint8_t bytes[8];
  char *end;
  const unsigned long long number = strtoull(id, &end, 10);
  if (end == id || *end != '\0') return complain("not an id: %s", id);
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(number >> 8 * i);
  return send_all(sock, bytes, sizeof bytes);
}

bool wire_open(struct wire *wire, int port, const char *id) {
  memset(wire, 0, sizeof *wire);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                             .sin6_port = htons((uint16_t)port),
                             .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  struct sockaddr_in four = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
  wire->sock = socket(AF_INET6, SOCK_STREAM, 0);
  if (wire->sock < 0 || connect(wire->sock, (struct sockaddr *)&six, sizeof six) != 0) {
    if (wire->sock >= 0) close(wire->sock);
    wire->sock = socket(AF_INET, SOCK_STREAM, 0);
    if (wire->sock < 0 || connect(wire->sock, (struct sockaddr *)&four, sizeof four) != 0) {
      return complain("the runner cannot be reached");
    }
  }
  return BIO_set_tcp_ndelay(wire->sock, 1) && (id == NULL || say_id(wire->sock, id));
}

bool wire_attach(struct wire *wire, SSL *ssl, bool async) {
  if (!async) return SSL_set_fd(ssl, wire->sock);
  BIO *own;
  if (!BIO_new_bio_pair(&own, 1, &wire->network, 1)) return false;
  SSL_set_bio(ssl, own, own);
  return true;
}

bool wire_one_out(struct wire *wire) {
  if (wire->out_len == sizeof wire->out) {
    wire->out_len = 0;
    if (!send_all(wire->sock, wire->out, sizeof wire->out)) return false;
  }
  if (BIO_read(wire->network, wire->out + wire->out_len, 1) != 1) return false;
  wire->out_len++;
  return true;
}

bool wire_flush(struct wire *wire) {
  while (wire->network != NULL && BIO_ctrl_pending(wire->network) > 0) {
    if (!wire_one_out(wire)) return false;
  }
  size_t len = wire->out_len;
  wire->out_len = 0;
  return send_all(wire->sock, wire->out, len);
}

bool wire_one_in(struct wire *wire) {
  if (!wire_flush(wire)) return false;
  if (wire->in_start == wire->in_end) {
    ssize_t got = recv(wire->sock, wire->in, sizeof wire->in, 0);
    if (got <= 0) return BIO_shutdown_wr(wire->network);
    wire->in_start = 0;
    wire->in_end = (size_t)got;
  }
  return BIO_write(wire->network, wire->in + wire->in_start++, 1) == 1;
}

bool wire_send(struct wire *wire, const uint8_t *bytes, size_t len) {
  return send_all(wire->sock, bytes, len);
}

bool wire_receive(struct wire *wire, uint8_t *out, size_t len) {
  while (len > 0) {
    ssize_t got = recv(wire->sock, out, len, 0);
    if (got <= 0) return false;
    out += got;
    len -= (size_t)got;
  }
  return true;
}

void wire_close(struct wire *wire) {
  uint8_t rest[1024];
  wire_flush(wire);
  shutdown(wire->sock, SHUT_WR);
  while (recv(wire->sock, rest, sizeof rest, 0) > 0) continue;
  close(wire->sock);
  BIO_free(wire->network);
}
