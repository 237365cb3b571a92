/* www.c: `handfast server --www`: HTTP over TLS, one GET per connection, answered with what was
 * negotiated.
 *
 * One epoll loop; without --parallel it has room for one visit at a time.  A visit is a machine of
 * stages on a nonblocking socket, with a deadline, so that a client which says nothing, or garbage,
 * or never reads, costs the server nothing but that.  What a client does ends its visit at most;
 * only the end of the machine's descriptors or memory makes the server wait, and nothing ends it.
 */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/tools.h"

enum { MOST_VISITS = 500, LONGEST_REQUEST = 8192, GOODBYE_MS = 1000 };

enum stage {
  STAGE_HANDSHAKE,
  STAGE_REQUEST,
  STAGE_ANSWER,
  STAGE_CLOSE, /* close_notify is to be sent */
  STAGE_DRAIN, /* all is sent; what still comes is thrown away, so that no reset overtakes it */
  STAGE_OVER
};

struct visit {
  struct visit *next, *before;
  int fd;
  SSL *ssl;
  enum stage stage;
  long long deadline;
  uint32_t events; /* that epoll looks for */
  char name[64];   /* the client's address */
  char request[LONGEST_REQUEST];
  size_t request_len;
  char answer[4096];
  size_t answer_len, sent;
};

struct site {
  SSL_CTX *ctx;
  const struct options *options;
  int epoll, listener;
  bool listening; /* epoll looks for new clients */
  struct visit *visits;
  size_t num, max;
  long begun; /* how many clients there were */
};

static void tell(const struct site *site, const struct visit *visit, const char *what) {
  if (!site->options->quiet) fprintf(stderr, "%s: %s\n", visit->name, what);
}

/* ---- One visit ---- */

/* has_blank_line says whether the header of a request has ended. */
static bool has_blank_line(const char *text, size_t len) {
  bool blank = false, begun = false; /* blank lines before the first do not count (RFC 9112 2.2) */
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '\n') {
      if (blank && begun) return true;
      blank = true;
    } else if (text[i] != '\r') {
      blank = false;
      begun = true;
    }
  }
  return false;
}

static void compose(struct visit *visit, const char *status, const char *more, const char *body) {
  int len = snprintf(visit->answer, sizeof visit->answer,
                     "HTTP/1.0 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Length: %zu\r\n%sConnection: close\r\n\r\n%s",
                     status, strlen(body), more, body);
  visit->answer_len = (size_t)len < sizeof visit->answer ? (size_t)len : sizeof visit->answer - 1;
  visit->stage = STAGE_ANSWER;
}

static void answer(const struct site *site, struct visit *visit) {
  const char *at = visit->request, *end = at + visit->request_len;
  char body[2048];
  while (at < end && (*at == '\r' || *at == '\n')) at++;
  if (!has_blank_line(visit->request, visit->request_len)) {
    compose(visit, "431 Request Header Fields Too Large", "", "That is too long.\n");
  } else if (end - at < 4 || memcmp(at, "GET ", 4) != 0) {
    compose(visit, "405 Method Not Allowed", "Allow: GET\r\n", "Only GET is answered here.\n");
  } else {
    report(body, sizeof body, visit->ssl);
    compose(visit, "200 OK", "", body);
  }
  tell(site, visit, "answered");
}

/* give_up ends a visit in the midst: its alert is out, and the client gets time to read it. */
static void give_up(const struct site *site, struct visit *visit, const char *what, int ret) {
  char why[256], text[320];
  explain(why, sizeof why, visit->ssl, ret);
  snprintf(text, sizeof text, "%s: %s", what, why);
  tell(site, visit, text);
  visit->stage = STAGE_DRAIN;
  (void)shutdown(visit->fd, SHUT_WR);
  if (visit->deadline > now_ms() + GOODBYE_MS) visit->deadline = now_ms() + GOODBYE_MS;
}

/* take_request reads what came of the request. */
static int take_request(const struct site *site, struct visit *visit) {
  int ret = SSL_read(visit->ssl, visit->request + visit->request_len,
                     (int)(sizeof visit->request - visit->request_len));
  if (ret <= 0) return ret;
  visit->request_len += (size_t)ret;
  if (has_blank_line(visit->request, visit->request_len) ||
      visit->request_len == sizeof visit->request)
    answer(site, visit);
  return ret;
}

static int send_answer(struct visit *visit) {
  int ret =
      SSL_write(visit->ssl, visit->answer + visit->sent, (int)(visit->answer_len - visit->sent));
  if (ret > 0) visit->sent += (size_t)ret;
  if (visit->sent == visit->answer_len) visit->stage = STAGE_CLOSE;
  return ret;
}

static int send_close(struct visit *visit) {
  int ret = SSL_shutdown(visit->ssl);
  if (ret < 0) return ret;
  visit->stage = STAGE_DRAIN;
  (void)shutdown(visit->fd, SHUT_WR);
  if (visit->deadline > now_ms() + GOODBYE_MS) visit->deadline = now_ms() + GOODBYE_MS;
  return 1;
}

/* drain throws away what comes; false: it would have to wait. */
static bool drain(struct visit *visit) {
  char rest[4096];
  ssize_t len = recv(visit->fd, rest, sizeof rest, 0);
  if (len > 0 || (len < 0 && errno == EINTR)) return true;
  if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  visit->stage = STAGE_OVER;
  return true;
}

/* step does the next thing; a return value that is not positive is for SSL_get_error. */
static int step(const struct site *site, struct visit *visit) {
  int ret;
  errno = 0;
  switch (visit->stage) {
    case STAGE_HANDSHAKE:
      if ((ret = SSL_accept(visit->ssl)) == 1) visit->stage = STAGE_REQUEST;
      return ret;
    case STAGE_REQUEST:
      return take_request(site, visit);
    case STAGE_ANSWER:
      return send_answer(visit);
    case STAGE_CLOSE:
      return send_close(visit);
    case STAGE_DRAIN:
    case STAGE_OVER:
      break;
  }
  return 1;
}

/* A turn ends after so many steps, so that a client with endless data does not keep the others
 * waiting; epoll is level-triggered and comes back to it. */
enum { STEPS_PER_TURN = 64 };

/* advance takes a visit as far as it goes and returns the events it then waits for. */
static uint32_t advance(const struct site *site, struct visit *visit) {
  for (int i = 0; i < STEPS_PER_TURN && visit->stage != STAGE_OVER; i++) {
    if (visit->stage == STAGE_DRAIN) {
      if (!drain(visit)) return EPOLLIN;
      continue;
    }
    const char *what = visit->stage == STAGE_HANDSHAKE ? "handshake" : "connection";
    int ret = step(site, visit);
    if (ret > 0) continue;
    switch (SSL_get_error(visit->ssl, ret)) {
      case SSL_ERROR_WANT_READ:
        return EPOLLIN;
      case SSL_ERROR_WANT_WRITE:
        return EPOLLOUT;
      default:
        give_up(site, visit, what, ret);
    }
  }
  /* Out of steps: what is left may be in the SSL already, where epoll does not see it; writable is
   * what the socket is anyway. */
  return visit->stage == STAGE_DRAIN ? EPOLLIN : EPOLLIN | EPOLLOUT;
}

/* ---- All of them ---- */

/* listen_if says whether new clients are wanted. */
static void listen_if(struct site *site, bool wanted) {
  struct epoll_event event = {.events = EPOLLIN};
  if (wanted == site->listening) return;
  if (epoll_ctl(site->epoll, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, site->listener, &event) == 0)
    site->listening = wanted;
}

static bool all_came(const struct site *site) {
  return site->options->count > 0 && site->begun >= site->options->count;
}

static void end_visit(struct site *site, struct visit *visit) {
  if (visit->before != NULL) visit->before->next = visit->next;
  if (visit->next != NULL) visit->next->before = visit->before;
  if (site->visits == visit) site->visits = visit->next;
  site->num--;
  SSL_free(visit->ssl);
  close(visit->fd); /* epoll forgets it with that */
  OPENSSL_free(visit);
}

/* turn runs one visit, and ends it or waits for what it wants. */
static void turn(struct site *site, struct visit *visit) {
  uint32_t events = advance(site, visit);
  struct epoll_event event = {.events = events, .data = {.ptr = visit}};
  if (visit->stage != STAGE_OVER && events != visit->events) {
    if (epoll_ctl(site->epoll, EPOLL_CTL_MOD, visit->fd, &event) != 0) visit->stage = STAGE_OVER;
    visit->events = events;
  }
  if (visit->stage == STAGE_OVER) end_visit(site, visit);
}

/* begin_visit takes over |fd|. */
static void begin_visit(struct site *site, int fd) {
  struct visit *visit = OPENSSL_malloc(sizeof *visit);
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = visit}};
  SSL *ssl = SSL_new(site->ctx);
  bool ok = visit != NULL && ssl != NULL && SSL_set_fd(ssl, fd) == 1 &&
            fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
            epoll_ctl(site->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
  if (!ok) {
    complain("a connection could not be made: memory or descriptors ran out");
    SSL_free(ssl);
    OPENSSL_free(visit);
    close(fd);
    return;
  }
  memset(visit, 0, sizeof *visit);
  (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  BIO_set_tcp_ndelay(fd, 1);
  SSL_set_accept_state(ssl);
  visit->fd = fd;
  visit->ssl = ssl;
  visit->events = EPOLLIN;
  visit->deadline = now_ms() + site->options->timeout * 1000;
  net_name(visit->name, fd);
  visit->next = site->visits;
  if (visit->next != NULL) visit->next->before = visit;
  site->visits = visit;
  site->num++;
}

static void accept_all(struct site *site) {
  while (site->num < site->max && !all_came(site)) {
    int fd = accept(site->listener, NULL, NULL);
    if (fd >= 0) {
      site->begun++;
      begin_visit(site, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      listen_if(site, false); /* until a visit ends, or the next look at the clock */
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return; /* nobody is waiting, or the one who did is gone */
    }
  }
}

/* expire ends what is too slow, and returns the time until there may be more of that. */
static int expire(struct site *site) {
  long long now = now_ms(), first = now + 1000;
  for (struct visit *visit = site->visits, *next; visit != NULL; visit = next) {
    next = visit->next;
    if (visit->deadline > now) {
      if (visit->deadline < first) first = visit->deadline;
      continue;
    }
    if (visit->stage != STAGE_DRAIN) tell(site, visit, "too slow");
    end_visit(site, visit);
  }
  return (int)(first - now);
}

static void run(struct site *site) {
  struct epoll_event events[64];
  while (!all_came(site) || site->num > 0) {
    int wait = expire(site);
    listen_if(site, site->num < site->max && !all_came(site));
    if (all_came(site) && site->num == 0) break;
    int num = epoll_wait(site->epoll, events, 64, wait);
    for (int i = 0; i < num; i++) {
      /* A visit has one event at most in a batch, and only its own turn ends it. */
      if (events[i].data.ptr == NULL) {
        accept_all(site);
      } else {
        turn(site, events[i].data.ptr);
      }
    }
  }
}

int www_run(SSL_CTX *ctx, int listener, const struct options *options) {
  struct site site = {.ctx = ctx,
                      .options = options,
                      .listener = listener,
                      .max = options->parallel ? MOST_VISITS : 1,
                      .epoll = epoll_create1(EPOLL_CLOEXEC)};
  if (site.epoll < 0) {
    complain("epoll: %s", strerror(errno));
    return EXIT_FAILED;
  }
  run(&site);
  close(site.epoll);
  return EXIT_OK;
}
