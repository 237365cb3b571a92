/* ends.h: a client and a server of the engine's, in memory, for the benchmarks.  Each program
 * includes it once. */
#ifndef HANDFAST_BENCH_ENDS_H
#define HANDFAST_BENCH_ENDS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <handfast/answers.h>
#include <handfast/handfast.h>

/* One side: what it is made from and what waits for it. */
struct end {
  hf_config *config;
  hf_answers *answers;
  hf_conn *conn;
  uint8_t in[65536];
  size_t in_len;
};

static inline void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "bench: %s failed\n", what);
  exit(1);
}

static inline double seconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ends_make configures both sides: |suite|, X25519, and the test certificate |name|. */
static inline void ends_make(struct end *client, struct end *server, uint16_t suite,
                             const char *name) {
  char chain[512], key[512];
  hf_credential *credential = NULL;
  hf_settings settings = {.suites = {&suite, 1}};
  snprintf(chain, sizeof chain, HF_SOURCE_DIR "/tests/certs/%s.pem", name);
  snprintf(key, sizeof key, HF_SOURCE_DIR "/tests/certs/%s.key", name);
  memset(client, 0, sizeof *client);
  memset(server, 0, sizeof *server);
  settings.role = HF_CLIENT;
  must(hf_config_new(&client->config, &settings) == HF_OK, "the client's configuration");
  settings.role = HF_SERVER;
  must(hf_config_new(&server->config, &settings) == HF_OK, "the server's configuration");
  client->answers = hf_answers_new();
  server->answers = hf_answers_new();
  must(client->answers != NULL && server->answers != NULL, "hf_answers_new");
  must(hf_answers_trust_file(client->answers, HF_SOURCE_DIR "/tests/certs/root.pem") == HF_OK,
       "trusting the root");
  must(hf_credential_load(&credential, chain, key) == HF_OK, "loading the certificate");
  must(hf_answers_add_credential(server->answers, credential) == HF_OK, "adding it");
  hf_credential_free(credential);
}

static inline void ends_free(struct end *end) {
  hf_config_free(end->config);
  hf_answers_free(end->answers);
}

/* end_step does what |end| wants and can be done now; false: it waits for its peer. */
static inline bool end_step(struct end *end, struct end *peer) {
  hf_bytes app;
  size_t len;
  unsigned wants = hf_wants(end->conn);
  must((wants & (HF_FAILED | HF_CLOSED)) == 0, "the handshake");
  if (wants & HF_WANT_OUTPUT) {
    must(
        hf_flush(end->conn, &len, peer->in + peer->in_len, sizeof peer->in - peer->in_len) == HF_OK,
        "hf_flush");
    peer->in_len += len;
    return true;
  }
  if (wants & HF_WANT_ANSWER) {
    must(hf_answer(end->conn, end->answers), "an answer");
    return true;
  }
  if (end->in_len == 0) return false;
  must(hf_open(end->conn, &app, &len, end->in, end->in_len) == HF_OK, "hf_open");
  memmove(end->in, end->in + len, end->in_len -= len);
  return len > 0;
}

/* ends_connect makes both connections and the handshake between them.  |spent|: seconds are added,
 * the client's first; may be NULL. */
static inline void ends_connect(struct end *client, struct end *server, double spent[2]) {
  struct end *ends[2] = {client, server};
  bool moved = true;
  for (int i = 0; i < 2; i++) {
    double before = seconds();
    hf_start start = {.now = hf_now()};
    if (i == 0) start.server_name = (hf_bytes){(const uint8_t *)"localhost", 9};
    hf_draw_entropy(&start.entropy);
    must(hf_new(&ends[i]->conn, ends[i]->config, &start) == HF_OK, "hf_new");
    ends[i]->in_len = 0;
    if (spent != NULL) spent[i] += seconds() - before;
  }
  while (moved) {
    moved = false;
    for (int i = 0; i < 2; i++) {
      double before = seconds();
      while (end_step(ends[i], ends[1 - i])) moved = true;
      if (spent != NULL) spent[i] += seconds() - before;
    }
  }
  must((hf_wants(client->conn) & hf_wants(server->conn) & HF_READY) != 0, "the handshake");
}

static inline void ends_close(struct end *client, struct end *server) {
  hf_free(client->conn);
  hf_free(server->conn);
}

#endif
