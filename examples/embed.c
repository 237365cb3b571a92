/* embed.c: the whole of a client on the engine alone: these twenty lines are README's.
 *
 *   embed [HOST:PORT CA-FILE]
 *
 * The engine makes and reads the bytes; this file carries them over a blocking socket and lets
 * handfast/answers.h give the usual answers.  What it asks of the socket is exactly what the
 * current record still lacks, so nothing of what follows is ever taken out. */
#define _DEFAULT_SOURCE /* POSIX, beside C11 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <handfast/answers.h>
#include <handfast/handfast.h>

#include "peer.h"

static bool send_all(int fd, const uint8_t *data, size_t len) {
  while (len > 0) {
    ssize_t sent = send(fd, data, len, 0);
    if (sent < 0) return false;
    data += sent;
    len -= (size_t)sent;
  }
  return true;
}

// README: begin
/* carry moves bytes and answers questions until one of |until| is true of |conn|, or it failed. */
static bool carry(hf_conn *conn, hf_answers *answers, int fd, unsigned until) {
  uint8_t in[HF_RECORD_MAX], out[1024];
  size_t have = 0, len;
  hf_bytes app;
  for (;;) {
    unsigned wants = hf_wants(conn);
    if (wants & HF_WANT_OUTPUT) {  // first of all, and also after a failure: the alert
      if (hf_flush(conn, &len, out, sizeof out) != HF_OK || !send_all(fd, out, len)) return false;
    } else if (wants & (until | HF_FAILED | HF_CLOSED)) {
      return (wants & until) != 0;
    } else if (wants & HF_WANT_ANSWER) {
      if (!hf_answer(conn, answers)) return false;  // whose certificate? trusted? ...
    } else if ((len = hf_need(conn, in, have)) > 0) {
      ssize_t got = recv(fd, in + have, len, 0);
      if (got <= 0) return false;  // cut off: there was no close_notify
      have += (size_t)got;
    } else if (hf_open(conn, &app, &len, in, have) == HF_OK) {
      have -= len;  // all of it, or nothing while a question waits
      if (app.len > 0) fwrite(app.data, 1, app.len, stdout);
    }
  }
}
// README: end

/* talk is a connection from its first byte to its last. */
static bool talk(hf_conn *conn, hf_answers *answers, int fd) {
  static const uint8_t request[] = "GET / HTTP/1.0\r\n\r\n";
  uint8_t record[sizeof request + 64];
  size_t len;
  if (!carry(conn, answers, fd, HF_READY)) return false;
  printf("embed: TLS 1.3, in state \"%s\"\n", hf_row_name(conn));
  return hf_seal(conn, &len, record, sizeof record, request, sizeof request - 1) == HF_OK &&
         send_all(fd, record, len) && carry(conn, answers, fd, HF_CLOSED) &&
         hf_close(conn) == HF_OK && carry(conn, answers, fd, HF_CLOSED);
}

static bool run(const struct peer *peer, int fd) {
  hf_settings settings = {.role = HF_CLIENT};
  hf_start start = {.now = hf_now(),
                    .server_name = {(const uint8_t *)peer->host, strlen(peer->host)}};
  hf_answers *answers = hf_answers_new();
  hf_config *config = NULL;
  hf_conn *conn = NULL;
  hf_draw_entropy(&start.entropy);
  bool ok = answers != NULL && hf_answers_trust_file(answers, peer->ca_file) == HF_OK &&
            hf_config_new(&config, &settings) == HF_OK && hf_new(&conn, config, &start) == HF_OK &&
            talk(conn, answers, fd);
  if (!ok && conn != NULL) {
    hf_fault fault;
    hf_get_fault(&fault, conn);
    const char *text = fault.status == HF_OK ? "the transport broke off" : fault.text;
    fprintf(stderr, "embed: %s (in state \"%s\")\n", text, hf_row_name(conn));
  }
  hf_free(conn);
  hf_config_free(config);
  hf_answers_free(answers);
  return ok;
}

int main(int argc, char **argv) {
  struct peer peer;
  if (!peer_find(&peer, argc, argv)) return EXIT_FAILURE;
  int fd = peer_connect(&peer);
  bool ok = fd >= 0 && run(&peer, fd);
  if (fd >= 0) close(fd);
  return peer_end(&peer, ok);
}
