/* wire.c: the sockets between a side and a peer; see peer.h. */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

static struct sockaddr_in loopback(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int peer_listen(uint16_t *port) {
  struct sockaddr_in address = loopback(0);
  socklen_t len = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 16) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    close(fd);
    return -1;
  }
  *port = ntohs(address.sin_port);
  return fd;
}

uint16_t peer_free_port(void) {
  uint16_t port = 0;
  int fd = peer_listen(&port);
  if (fd >= 0) close(fd);
  return port;
}

int peer_accept(int listener) {
  struct pollfd fds = {.fd = listener, .events = POLLIN};
  if (poll(&fds, 1, PEER_SECONDS * 1000) <= 0) return -1;
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int peer_connect(uint16_t port) {
  struct sockaddr_in address = loopback(port);
  for (int tries = 0; tries < PEER_SECONDS * 100; tries++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      fcntl(fd, F_SETFL, O_NONBLOCK);
      return fd;
    }
    close(fd);
    poll(NULL, 0, 10);
  }
  return -1;
}

static void send_some(struct wire *wire) {
  struct buf *out = &wire->side->out;
  ssize_t len = send(wire->fd, out->data, out->len, MSG_NOSIGNAL);
  if (len > 0) {
    buf_drop(out, (size_t)len);
  } else if (errno != EAGAIN) {
    out->len = 0; /* the peer is gone; what it sent before may still be read */
  }
}

static void receive_some(struct wire *wire) {
  uint8_t data[16384];
  ssize_t len = recv(wire->fd, data, sizeof data, 0);
  if (len > 0) {
    (void)side_feed(wire->side, data, (size_t)len);
  } else if (len == 0 || errno != EAGAIN) {
    wire->ended = true;
  }
}

bool wire_turn(struct wire *wire) {
  struct peer *peer = wire->peer;
  bool sends = wire->side->out.len > 0;
  struct pollfd fds[3] = {
      {.fd = wire->fd, .events = (short)((sends ? POLLOUT : 0) | (wire->ended ? 0 : POLLIN))},
      {.fd = peer == NULL ? -1 : peer->out, .events = POLLIN},
      {.fd = peer == NULL || peer->input.len == 0 ? -1 : peer->in, .events = POLLOUT}};
  if (wire->side->broken != NULL || (wire->ended && !sends)) return false;
  if (poll(fds, 3, PEER_SECONDS * 1000) <= 0) return false;
  if (fds[1].revents != 0 || fds[2].revents != 0) (void)peer_pump(peer, 0);
  if (sends && (fds[0].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) send_some(wire);
  if (!wire->ended && (fds[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0) receive_some(wire);
  return true;
}

static unsigned wants(const struct wire *wire) { return hf_wants(wire->side->conn); }

bool wire_drain(struct wire *wire) {
  while (wire->side->out.len > 0) {
    if (!wire_turn(wire)) return false;
  }
  return true;
}

bool wire_handshake(struct wire *wire) {
  while (!(wants(wire) & HF_READY)) {
    if ((wants(wire) & (HF_FAILED | HF_CLOSED)) || !wire_turn(wire)) return false;
  }
  return wire_drain(wire);
}

bool wire_received(struct wire *wire, size_t len) {
  while (wire->side->app.len < len) {
    if (!wire_turn(wire)) return false;
  }
  return true;
}

bool wire_closed(struct wire *wire) {
  while (!(wants(wire) & HF_CLOSED)) {
    if (!wire_turn(wire)) return false;
  }
  return true;
}

bool wire_failed(struct wire *wire) {
  while (!(wants(wire) & HF_FAILED)) {
    if (!wire_turn(wire)) return false;
  }
  return wire_drain(wire);
}

bool wire_end(struct wire *wire) {
  bool drained = wire_drain(wire);
  shutdown(wire->fd, SHUT_WR);
  while (!wire->ended && wire_turn(wire)) continue;
  close(wire->fd);
  wire->fd = -1;
  return drained && wire->ended;
}
