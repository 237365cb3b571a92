/* net.c: TCP: addresses, connecting, listening. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/tools.h"

long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool net_split(char host[256], char port[32], const char *address) {
  const char *colon = strrchr(address, ':');
  size_t len = colon == NULL ? 0 : (size_t)(colon - address);
  const char *rest = colon == NULL ? address : colon + 1;
  if (len > 1 && address[0] == '[' && address[len - 1] == ']') {
    address++;
    len -= 2;
  } else if (memchr(address, ':', len) != NULL) {
    return false; /* an IPv6 address without its brackets */
  }
  if (len >= 256 || rest[0] == 0 || strlen(rest) >= 32) return false;
  /* getaddrinfo would take a number too large modulo 65,536. */
  if (strspn(rest, "0123456789") == strlen(rest) && strtoul(rest, NULL, 10) > 65535) return false;
  memcpy(host, address, len);
  host[len] = 0;
  snprintf(port, 32, "%s", rest);
  return true;
}

static struct addrinfo *resolve(const char *host, const char *port, int flags) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
  int error = getaddrinfo(host[0] == 0 ? NULL : host, port, &hints, &list);
  if (error == 0) return list;
  complain("%s:%s: %s", host, port, gai_strerror(error));
  return NULL;
}

/* finish waits until connect(2) has ended and returns its errno. */
static int finish(int fd, int timeout_ms) {
  struct pollfd wait = {.fd = fd, .events = POLLOUT};
  int error = 0, num = poll(&wait, 1, timeout_ms);
  socklen_t len = sizeof error;
  if (num == 0) return ETIMEDOUT;
  if (num < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) return errno;
  return error;
}

int net_connect(const char *host, const char *port, int timeout_ms) {
  int error = 0, found = -1;
  struct addrinfo *list = resolve(host, port, 0);
  for (struct addrinfo *at = list; at != NULL && found < 0; at = at->ai_next) {
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    error = fd < 0 || connect(fd, at->ai_addr, at->ai_addrlen) != 0 ? errno : 0;
    if (error == EINPROGRESS) error = finish(fd, timeout_ms);
    if (error == 0) {
      found = fd;
    } else if (fd >= 0) {
      close(fd);
    }
  }
  if (list != NULL) {
    freeaddrinfo(list);
    if (found < 0) complain("%s:%s: %s", host, port, strerror(error));
  }
  /* Small flights that answer each other must not wait to be collected. */
  if (found >= 0) BIO_set_tcp_ndelay(found, 1);
  return found;
}

/* spell writes an address in numbers. */
static void spell(char out[64], const struct sockaddr_storage *address, socklen_t len) {
  char host[46], port[8];
  if (getnameinfo((const struct sockaddr *)address, len, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    snprintf(out, 64, "somebody");
    return;
  }
  snprintf(out, 64, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

void net_name(char out[64], int fd) {
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  if (getpeername(fd, (struct sockaddr *)&address, &len) == 0) {
    spell(out, &address, len);
  } else {
    snprintf(out, 64, "somebody");
  }
}

static int listen_at(const struct addrinfo *at) {
  int on = 1, off = 0,
      fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at->ai_family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 128) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int net_listen(const char *host, const char *port) {
  int fd = -1, error = 0;
  char name[64];
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  struct addrinfo *list = resolve(host, port, AI_PASSIVE);
  if (list == NULL) return -1;
  /* Without a host: IPv6 first, for its socket takes IPv4 too; a machine may have only one. */
  for (int pass = 0; pass < 2 && fd < 0; pass++) {
    for (struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
      if (host[0] == 0 && (at->ai_family == AF_INET6) != (pass == 0)) continue;
      fd = listen_at(at);
      if (fd < 0) error = errno;
    }
  }
  freeaddrinfo(list);
  if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    complain("port %s: %s", port, strerror(fd < 0 ? error : errno));
    if (fd >= 0) close(fd);
    return -1;
  }
  spell(name, &address, len);
  fprintf(stderr, "listening on %s\n", name);
  return fd;
}
