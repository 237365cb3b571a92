/* engine_bench.c: the subject that is our engine through its own API (handfast.h), with the usual
 * answers (answers.h).  What one end sends is put where the other will open it: nothing else moves
 * bytes. */
#include "bench/subject.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/mem.h>
#include <openssl/rand.h>

#include <handfast/answers.h>
#include <handfast/handfast.h>

struct bench_pair {
  hf_conn *conn[2];
  size_t sent[2];
};

/* Bytes on their way to each end; one pair at a time has any. */
static struct wire {
  uint8_t bytes[2 * BENCH_RING];
  size_t start, end;
} wires[2];

static hf_config *configs[2];
static hf_answers *answers[2];
static hf_bytes session;

/* keep takes each session for the handshake after it. */
static void keep(const hf_question_t *question, void *arg) {
  (void)arg;
  uint8_t *copy = malloc(question->keep.state.len);
  must(copy != NULL, "malloc");
  memcpy(copy, question->keep.state.data, question->keep.state.len);
  free((uint8_t *)session.data);
  session = (hf_bytes){copy, question->keep.state.len};
}

static bool configure(const bench_case *which) {
  /* P-256 is the certificate's curve, which counts among the groups in TLS 1.2 (RFC 8422 5.1). */
  const uint16_t groups[2] = {which->hybrid ? 0x11ec : 0x001d, 0x0017};
  uint16_t suites[2] = {0x1301, 0x1301};
  if (which->version == TLS12) {
    suites[0] = which->chacha20 ? 0xcca9 : 0xc02b;
    suites[1] = 0xc02f;
  }
  hf_settings settings = {.version_min = which->version,
                          .version_max = which->version,
                          .suites = {suites, which->version == TLS12 ? 2 : 1},
                          .groups = {groups, 2}};
  for (int who = CLIENT; who <= SERVER; who++) {
    settings.role = who == CLIENT ? HF_CLIENT : HF_SERVER;
    settings.flags = !which->resumed && which->version == TLS12 ? HF_NO_TICKETS : 0;
    if (which->resumed && who == SERVER) settings.flags = HF_ISSUE_TICKETS;
    if (hf_config_new(&configs[who], &settings) != HF_OK) return false;
  }
  return true;
}

bool subject_begin(const bench_case *which) {
  if (!configure(which)) {
    subject_end();
    return false;
  }
  char chain[1024];
  hf_credential *credential = NULL;
  for (int who = CLIENT; who <= SERVER; who++) {
    answers[who] = hf_answers_new();
    must(answers[who] != NULL, "hf_answers_new");
  }
  strncpy(chain, in_certs(which->certificate, "pem"), sizeof(chain) - 1);
  chain[sizeof(chain) - 1] = '\0';
  must(hf_credential_load(&credential, chain, in_certs(which->certificate, "key")) == HF_OK,
       "the certificate");
  must(hf_answers_add_credential(answers[SERVER], credential) == HF_OK, "adding it");
  hf_credential_free(credential);
  must(hf_answers_trust_file(answers[CLIENT], BENCH_ROOT) == HF_OK, "the root");
  if (which->resumed) {
    uint8_t key[HF_BOX_KEY], byte = 1;
    RAND_bytes(key, sizeof(key));
    must(hf_answers_set_ticket_keys(answers[SERVER], key, 1) == HF_OK, "the ticket key");
    hf_answers_set_keeper(answers[CLIENT], keep, NULL);
    bench_pair *pair = pair_new();
    while (!pair_done(pair, CLIENT) || !pair_done(pair, SERVER)) {
      pair_step(pair, CLIENT);
      pair_step(pair, SERVER);
    }
    pair_send(pair, SERVER, &byte, 1);
    pair_receive(pair, CLIENT, &byte, 1);
    must(session.data != NULL, "getting a session");
    pair_close(pair, CLIENT);
    pair_close(pair, SERVER);
    pair_free(pair);
  }
  return true;
}

void subject_end(void) {
  free((uint8_t *)session.data);
  session = (hf_bytes){NULL, 0};
  for (int who = CLIENT; who <= SERVER; who++) {
    hf_config_free(configs[who]);
    hf_answers_free(answers[who]);
    configs[who] = NULL;
    answers[who] = NULL;
  }
}

bench_pair *pair_new(void) {
  bench_pair *pair = calloc(1, sizeof(*pair));
  must(pair != NULL, "calloc");
  wires[0].start = wires[0].end = wires[1].start = wires[1].end = 0;
  return pair;
}

static void make_end(bench_pair *pair, side who) {
  hf_start start = {.now = hf_now()};
  hf_draw_entropy(&start.entropy);
  if (who == CLIENT) {
    start.server_name = (hf_bytes){(const uint8_t *)BENCH_NAME, sizeof(BENCH_NAME) - 1};
    start.session = session;
  }
  must(hf_new(&pair->conn[who], configs[who], &start) == HF_OK, "hf_new");
  OPENSSL_cleanse(&start.entropy, sizeof(start.entropy));
}

/* flush puts on the wire what |who| has queued. */
static void flush(bench_pair *pair, side who) {
  struct wire *wire = &wires[1 - who];
  size_t len;
  must(hf_flush(pair->conn[who], &len, wire->bytes + wire->end, sizeof(wire->bytes) - wire->end) ==
           HF_OK,
       "hf_flush");
  wire->end += len;
  pair->sent[who] += len;
}

/* take opens one record that came for |who|; false: there is none. */
static bool take(bench_pair *pair, side who, hf_bytes *app) {
  struct wire *wire = &wires[who];
  size_t len;
  if (hf_need(pair->conn[who], wire->bytes + wire->start, wire->end - wire->start) > 0) {
    return false;
  }
  must(hf_open(pair->conn[who], app, &len, wire->bytes + wire->start, wire->end - wire->start) ==
           HF_OK,
       "hf_open");
  wire->start += len;
  if (wire->start == wire->end) wire->start = wire->end = 0;
  return true;
}

static void answer(bench_pair *pair, side who) {
  must(hf_answer(pair->conn[who], answers[who]), "an answer");
}

void pair_step(bench_pair *pair, side who) {
  hf_bytes app;
  if (pair->conn[who] == NULL) make_end(pair, who);
  for (;;) {
    const unsigned wants = hf_wants(pair->conn[who]);
    must((wants & (HF_FAILED | HF_CLOSED)) == 0, "the handshake");
    if (wants & HF_READY) return;
    if (wants & HF_WANT_OUTPUT) {
      flush(pair, who);
    } else if (wants & HF_WANT_ANSWER) {
      answer(pair, who);
    } else if (!take(pair, who, &app)) {
      return;
    }
  }
}

bool pair_done(const bench_pair *pair, side who) {
  return pair->conn[who] != NULL && (hf_wants(pair->conn[who]) & HF_READY) != 0;
}

size_t pair_sent(const bench_pair *pair, side who) { return pair->sent[who]; }

void pair_send(bench_pair *pair, side who, const uint8_t *data, size_t len) {
  struct wire *wire = &wires[1 - who];
  size_t written;
  unsigned wants;
  while (((wants = hf_wants(pair->conn[who])) & (HF_WANT_OUTPUT | HF_WANT_ANSWER)) != 0) {
    if (wants & HF_WANT_ANSWER) {
      answer(pair, who);
    } else {
      flush(pair, who);
    }
  }
  must(hf_seal(pair->conn[who], &written, wire->bytes + wire->end, sizeof(wire->bytes) - wire->end,
               data, len) == HF_OK,
       "hf_seal");
  wire->end += written;
  pair->sent[who] += written;
}

/* The data is used where it lies. */
void pair_receive(bench_pair *pair, side who, uint8_t *out, size_t len) {
  hf_bytes app = {NULL, 0};
  (void)out;
  for (;;) {
    must(take(pair, who, &app), "a record");
    if (app.len > 0) break;
    while (hf_wants(pair->conn[who]) & HF_WANT_ANSWER) answer(pair, who);
  }
  must(app.len == len, "the data");
}

void pair_close(bench_pair *pair, side who) { hf_free(pair->conn[who]); }

void pair_free(bench_pair *pair) { free(pair); }
