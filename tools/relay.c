/* relay.c: stdin to a connection, the connection to stdout, over a nonblocking socket.
 *
 * Both directions go on at the same time: neither waits for the other, so two peers with much to
 * say do not block each other. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tools/tools.h"

static bool input_ended;

bool relay_input_ended(void) { return input_ended; }

/* want gives the poll events that |error| asks for; 0: it is no want. */
static short want(int error) {
  if (error == SSL_ERROR_WANT_READ) return POLLIN;
  return error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
}

bool handshake(SSL *ssl, int timeout_ms) {
  long long end = now_ms() + timeout_ms;
  char why[256];
  for (;;) {
    errno = 0;
    int ret = SSL_do_handshake(ssl);
    if (ret == 1) return true;
    struct pollfd wait = {.fd = SSL_get_fd(ssl), .events = want(SSL_get_error(ssl, ret))};
    if (wait.events == 0) {
      explain(why, sizeof why, ssl, ret);
      complain("handshake: %s", why);
      return false;
    }
    long long left = end - now_ms();
    if (left <= 0 || poll(&wait, 1, (int)left) == 0) {
      complain("handshake: the peer is too slow (in state \"%s\")", SSL_state_string_long(ssl));
      return false;
    }
  }
}

struct flow {
  SSL *ssl;
  bool ignore_end;
  char in[16384]; /* from stdin, on its way */
  size_t in_len;
  bool closed; /* close_notify is sent */
  bool done;
  enum relay_end end;
};

static void stop(struct flow *flow, enum relay_end end) {
  flow->done = true;
  flow->end = end;
}

static void fail(struct flow *flow, const char *what, int ret) {
  char why[256];
  explain(why, sizeof why, flow->ssl, ret);
  complain("%s: %s", what, why);
  stop(flow, RELAY_FAILED);
}

static bool print(const char *data, size_t len) {
  while (len > 0) {
    ssize_t written = write(STDOUT_FILENO, data, len);
    if (written < 0 && errno == EAGAIN) {
      struct pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT};
      (void)poll(&wait, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      complain("stdout: %s", strerror(errno));
      return false;
    } else if (written > 0) {
      data += written;
      len -= (size_t)written;
    }
  }
  return true;
}

/* receive prints one record's data.  It returns the events to wait for; 0: there may be more. */
static short receive(struct flow *flow) {
  char data[16384];
  errno = 0;
  int ret = SSL_read(flow->ssl, data, sizeof data);
  if (ret > 0) {
    if (!print(data, (size_t)ret)) stop(flow, RELAY_FAILED);
    return 0;
  }
  int error = SSL_get_error(flow->ssl, ret);
  if (error == SSL_ERROR_ZERO_RETURN) {
    /* Ours is owed still; if it cannot go, the peer has gone and will not miss it. */
    if (!flow->closed) (void)SSL_shutdown(flow->ssl);
    stop(flow, RELAY_CLOSED);
  } else if (want(error) == 0) {
    fail(flow, "reading", ret);
  }
  return want(error);
}

static void read_input(struct flow *flow) {
  ssize_t len = read(STDIN_FILENO, flow->in, sizeof flow->in);
  if (len > 0) {
    flow->in_len = (size_t)len;
  } else if (len == 0 || (errno != EINTR && errno != EAGAIN)) {
    input_ended = true;
  }
}

/* transmit sends what waits, and close_notify after the last of it.  It returns the events to wait
 * for. */
static short transmit(struct flow *flow) {
  while (flow->in_len > 0) {
    errno = 0;
    int ret = SSL_write(flow->ssl, flow->in, (int)flow->in_len);
    if (ret <= 0) {
      short events = want(SSL_get_error(flow->ssl, ret));
      if (events == 0) fail(flow, "writing", ret);
      return events;
    }
    flow->in_len -= (size_t)ret;
    memmove(flow->in, flow->in + ret, flow->in_len);
  }
  if (!input_ended || flow->ignore_end || flow->closed) return 0;
  int ret = SSL_shutdown(flow->ssl);
  if (ret >= 0) {
    flow->closed = true;
    return 0;
  }
  short events = want(SSL_get_error(flow->ssl, ret));
  if (events == 0) fail(flow, "closing", ret);
  return events;
}

enum relay_end relay(SSL *ssl, bool ignore_end) {
  struct flow flow = {.ssl = ssl, .ignore_end = ignore_end};
  while (!flow.done) {
    struct pollfd wait[2] = {{.fd = SSL_get_fd(ssl)}, {.fd = STDIN_FILENO, .events = POLLIN}};
    short in = receive(&flow);
    if (flow.done) break;
    wait[0].events = in | transmit(&flow);
    if (flow.done) break;
    if (input_ended || flow.in_len > 0) wait[1].fd = -1;
    if (poll(wait, 2, in == 0 ? 0 : -1) < 0 && errno != EINTR) break;
    if (wait[1].fd >= 0 && wait[1].revents != 0) read_input(&flow);
  }
  return flow.end;
}
