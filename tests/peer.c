/* peer.c: see peer.h.  Owns the child processes; wire.c has the sockets. */
#define _GNU_SOURCE /* unshare, memmem, pipe2 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  if (fd >= 0) close(fd);
  return ok;
}

/* enter_user_namespace keeps the user's number, for files are made under it. */
static bool enter_user_namespace(void) {
  char users[64], groups[64];
  snprintf(users, sizeof users, "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
  snprintf(groups, sizeof groups, "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
  return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_file("/proc/self/uid_map", users) &&
         write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/gid_map", groups);
}

static const char *not_isolated = "it was not tried";

/* isolate runs before main, while there is one thread: with more, a user namespace cannot be
 * entered. */
__attribute__((constructor)) static void isolate(void) {
  not_isolated =
      "a network namespace could not be made (unshare): it needs root, or user namespaces";
  if (unshare(CLONE_NEWNET) != 0 && !enter_user_namespace()) return;
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  not_isolated = "the loopback interface of a new network namespace could not be brought up";
  if (fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0) not_isolated = NULL;
  if (fd >= 0) close(fd);
}

const char *peer_not_isolated(void) { return not_isolated; }

/* run becomes |command|. */
static _Noreturn void run(char *command, int in, int out) {
  char *words[64], *rest = NULL;
  size_t num = 0;
  for (char *word = strtok_r(command, " ", &rest); word != NULL && num < 63;
       word = strtok_r(NULL, " ", &rest)) {
    words[num++] = word;
  }
  words[num] = NULL;
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  unsetenv("LD_PRELOAD");
  unsetenv("LD_LIBRARY_PATH");
  signal(SIGPIPE, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execvp(words[0], words);
  dprintf(2, "%s is not installed\n", words[0]);
  _exit(127);
}

const char *peer_start(struct peer *peer, const char *command) {
  int in[2], out[2];
  *peer = (struct peer){.pid = -1, .in = -1, .out = -1};
  signal(SIGPIPE, SIG_IGN);
  snprintf(peer->command, sizeof peer->command, "%s", command);
  if (strlen(command) >= sizeof peer->command) return "a command is too long";
  if (pipe2(in, O_CLOEXEC) != 0) return strerror(errno);
  if (pipe2(out, O_CLOEXEC) != 0) return strerror(errno);
  peer->pid = fork();
  if (peer->pid == 0) {
    char copy[sizeof peer->command];
    memcpy(copy, peer->command, sizeof copy);
    run(copy, in[0], out[1]);
  }
  close(in[0]);
  close(out[1]);
  peer->in = in[1];
  peer->out = out[0];
  fcntl(peer->in, F_SETFL, O_NONBLOCK);
  fcntl(peer->out, F_SETFL, O_NONBLOCK);
  return peer->pid < 0 ? strerror(errno) : NULL;
}

const char *peer_boringssl(struct peer *peer, const char *options) {
  char command[sizeof peer->command];
  int len =
      snprintf(command, sizeof command, "%s/tests/peers/boringssl_peer %s", HF_BINARY_DIR, options);
  *peer = (struct peer){.pid = -1, .in = -1, .out = -1};
  return len < (int)sizeof command ? peer_start(peer, command) : "a command is too long";
}

uint16_t peer_port(struct peer *peer) {
  if (!peer_printed(peer, "port ") || !peer_printed(peer, "\n")) return 0;
  const char *line = memmem(peer->log.data, peer->log.len, "port ", 5);
  return (uint16_t)strtoul(line + 5, NULL, 10);
}

static void close_one(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void read_output(struct peer *peer) {
  ssize_t len;
  while ((len = read(peer->out, buf_room(&peer->log, 65536), 65536)) > 0) {
    buf_added(&peer->log, (size_t)len);
  }
  if (len == 0 || errno != EAGAIN) close_one(&peer->out);
}

static void write_input(struct peer *peer) {
  ssize_t len = write(peer->in, peer->input.data, peer->input.len);
  if (len > 0) {
    buf_drop(&peer->input, (size_t)len);
  } else if (errno != EAGAIN) {
    close_one(&peer->in);
  }
}

bool peer_pump(struct peer *peer, int wait_ms) {
  struct pollfd fds[] = {{.fd = peer->out, .events = POLLIN},
                         {.fd = peer->input.len > 0 ? peer->in : -1, .events = POLLOUT}};
  if (peer->out < 0) return false;
  if (poll(fds, 2, wait_ms) > 0) {
    if (fds[1].revents != 0) write_input(peer);
    if (fds[0].revents != 0) read_output(peer);
  }
  return peer->out >= 0;
}

bool peer_has_printed(const struct peer *peer, const char *text) {
  return peer->log.len > 0 && memmem(peer->log.data, peer->log.len, text, strlen(text)) != NULL;
}

bool peer_printed(struct peer *peer, const char *text) {
  long long end = now_ms() + PEER_SECONDS * 1000;
  bool runs = true;
  while (!peer_has_printed(peer, text)) {
    if (!runs || now_ms() > end) return false;
    runs = peer_pump(peer, 100);
  }
  return true;
}

bool peer_end_input(struct peer *peer) {
  long long end = now_ms() + PEER_SECONDS * 1000;
  while (peer->input.len > 0 && peer->in >= 0 && now_ms() < end) peer_pump(peer, 100);
  bool done = peer->input.len == 0;
  close_one(&peer->in);
  return done;
}

int peer_wait(struct peer *peer) {
  long long end = now_ms() + PEER_SECONDS * 1000;
  int status = 0;
  while (peer->pid > 0 && now_ms() < end) {
    if (!peer_pump(peer, 5)) poll(NULL, 0, 1);
    if (waitpid(peer->pid, &status, WNOHANG) == peer->pid) {
      peer->pid = -1;
      if (peer->out >= 0) read_output(peer);
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
  }
  return -1;
}

void peer_stop(struct peer *peer) {
  if (peer->pid > 0) {
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
  }
  close_one(&peer->in);
  close_one(&peer->out);
  buf_free(&peer->input);
  buf_free(&peer->log);
  peer->pid = -1;
}

const char *peer_tail(const struct peer *peer) {
  static char text[4000];
  size_t len = peer->log.len < 1800 ? peer->log.len : 1800;
  const uint8_t *from = len == 0 ? NULL : peer->log.data + (peer->log.len - len);
  int used = snprintf(text, sizeof text, "\n--- %s\n", peer->command);
  for (size_t i = 0; i < len; i++) {
    text[used++] = (from[i] >= ' ' && from[i] < 127) || from[i] == '\n' ? (char)from[i] : '.';
  }
  text[used] = 0;
  return text;
}
