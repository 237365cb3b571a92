/* test_script_table.c - engine/script.def, client against server with the model's handlers
 * (script_model.c), in every combination of what the two sides may want.  What is expected comes
 * from the RFCs: the sequences from golden/sequences.txt and sequence_oracle.c, the questions,
 * proofs, levels and CCS places from the functions below.  Rows of another version join by a longer
 * plan and a script_begin of their own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "script_model.h"
#include "sequence_oracle.h"

#ifndef HF_SOURCE_DIR
#define HF_SOURCE_DIR "."
#endif
#define GOLDEN HF_SOURCE_DIR "/tests/golden/sequences.txt"
#define GOLDEN12 HF_SOURCE_DIR "/tests/golden/sequences12.txt"

/* One handshake between two models. */
typedef struct table_run {
  plan p;
  model peer[2];
  fifo inbox[2];
  char trace[800];
  bool reset; /* the stateless server has forgotten everything */
} table_run;

/* What happens to all runs together. */
typedef struct tally {
  size_t runs, refused, accepted, delivered, skipped;
  sequences seen;
  sequences golden;
} tally;

static bool ends(const char *s, const char *end) {
  size_t n = strlen(s), e = strlen(end);
  return n >= e && strcmp(s + n - e, end) == 0;
}

static const char *describe(const table_run *run) {
  static char text[1200];
  const model *c = &run->peer[CLIENT], *s = &run->peer[SERVER];
  snprintf(text, sizeof text, "after [%s]: client at row %zu %s (%s), server at row %zu %s (%s)",
           run->trace, c->row, script_rows[c->row].what, c->why ? c->why : "fine", s->row,
           script_rows[s->row].what, s->why ? s->why : "fine");
  return text;
}

/* ---- The words of golden/sequences.txt for the names of script.def. ---- */

static const struct {
  const char *name, *word;
} message_words[] = {
    {"CLIENT_HELLO", "ClientHello"},
    {"SERVER_HELLO", "ServerHello"},
    {"HELLO_RETRY_REQUEST", "HelloRetryRequest"},
    {"ENCRYPTED_EXTENSIONS", "EncryptedExtensions"},
    {"CERTIFICATE_REQUEST", "CertificateRequest"},
    {"CERTIFICATE", "Certificate"},
    {"COMPRESSED_CERTIFICATE", "CompressedCertificate"},
    {"CERTIFICATE_VERIFY", "CertificateVerify"},
    {"FINISHED", "Finished"},
    {"END_OF_EARLY_DATA", "EndOfEarlyData"},
    {"NEW_SESSION_TICKET", "NewSessionTicket"},
    {"KEY_UPDATE", "KeyUpdate"},
    {"HELLO_REQUEST", "HelloRequest"},
    {"SERVER_HELLO_DONE", "ServerHelloDone"},
    {"CERTIFICATE_STATUS", "CertificateStatus"},
    {"SERVER_KEY_EXCHANGE", "ServerKeyExchange"},
    {"CLIENT_KEY_EXCHANGE", "ClientKeyExchange"},
    {"CHANGE_CIPHER_SPEC", "ChangeCipherSpec"},
};
enum { NUM_WORDS = sizeof message_words / sizeof message_words[0] };

static const char *word_of(const char *name) {
  for (size_t i = 0; i < NUM_WORDS; i++)
    if (strcmp(message_words[i].name, name) == 0) return message_words[i].word;
  cr_assert_fail("script.def has a message without a word: %s", name);
  return "";
}

/* " S:{EncryptedExtensions+early_data", without the closing bracket. */
static void begin_word(char *out, size_t max, side who, const token *t) {
  static const char *const open[] = {"", "(", "{", "["};
  snprintf(out, max, " %c:%s%s", who == CLIENT ? 'C' : 'S', open[t->at], word_of(t->name));
}

static void add_word(table_run *run, side who, const token *t) {
  static const char *const close[] = {"", ")", "}", "]"};
  char word[120];
  begin_word(word, sizeof word, who, t);
  bool hello = strcmp(t->name, "CLIENT_HELLO") == 0;
  if (t->says & SAYS_PSK) strcat(word, !run->p.tls12 ? "+psk" : hello ? "+session" : "+resumed");
  if (t->says & SAYS_TICKET) strcat(word, "+ticket");
  if (t->says & SAYS_STATUS) strcat(word, "+status_request");
  if (t->says & SAYS_EARLY) strcat(word, "+early_data");
  if (t->says & SAYS_COMPRESS) strcat(word, "+compress_certificate");
  if (t->says & SAYS_EMPTY) strcat(word, "+empty");
  strcat(word, close[t->at]);
  cr_assert_lt(strlen(run->trace) + strlen(word), sizeof run->trace);
  strcat(run->trace, word);
}

/* ---- In every reading state, every message. ---- */

/* Whether some legal sequence goes on from |run| with this message of |who|.  With TLS 1.2 in the
 * game two more may come: HelloRetryRequest, to a client that has TLS 1.3 too, and HelloRequest,
 * which the client passes over (RFC 5246 7.4.1.1). */
static bool legal(const sequences *golden, const table_run *run, side who, const token *t) {
  const model *client = &run->peer[CLIENT];
  if (run->p.tls12 && who == SERVER) {
    if (strcmp(t->name, "HELLO_REQUEST") == 0) return true;
    if (strcmp(t->name, "HELLO_RETRY_REQUEST") == 0)
      return strcmp(client->last, "CLIENT_HELLO") == 0 && !run->p.only12;
  }
  char prefix[sizeof run->trace + 80], word[80];
  begin_word(word, sizeof word, who, t);
  snprintf(prefix, sizeof prefix, "%s%s", run->trace, word);
  size_t n = strlen(prefix);
  for (size_t i = 0; i < golden->num; i++)
    if (strncmp(golden->line[i], prefix, n) == 0 && strchr(" +)}]", golden->line[i][n]))
      return true;
  return false;
}

static void try_every_message(tally *all, const table_run *run, side me) {
  for (size_t i = 0; i < NUM_WORDS; i++) {
    const model *m = &run->peer[me];
    model copy = *m;
    bool hello12 = run->p.tls12 && strcmp(message_words[i].name, "SERVER_HELLO") == 0;
    fifo in = {.token = {{message_words[i].name, hello12 ? SAYS_TLS12 : 0, m->reads}}, .tail = 1};
    token out;
    model_step(&copy, &in, &out);
    bool taken = copy.state != IS_BAD;
    bool expected = legal(&all->golden, run, me == CLIENT ? SERVER : CLIENT, &in.token[0]);
    cr_assert_eq(taken, expected, "%s %s %s, %s", me == CLIENT ? "client" : "server",
                 taken ? "takes" : "refuses", in.token[0].name, describe(run));
    if (taken)
      all->accepted++;
    else
      all->refused++;
  }
}

/* RFC 9846 A.1, K_send: what the client's alerts and early data would be under while it waits. */
static void check_client_write_level(const table_run *run) {
  const model *m = &run->peer[CLIENT];
  if (strstr(m->transcript, "FINISHED")) return;
  if (run->p.tls12) {
    cr_assert_eq(m->writes, INITIAL_LEVEL, "%s", describe(run));
    return;
  }
  bool early = m->flags & EARLY, keys = strstr(m->transcript, "SERVER_HELLO") != NULL;
  level want = early && !(keys && run->p.quic) ? EARLY_LEVEL
               : keys                          ? HANDSHAKE_LEVEL
                                               : INITIAL_LEVEL;
  cr_assert_eq(m->writes, want, "client writes at level %d: %s", m->writes, describe(run));
}

/* ---- One handshake. ---- */

static void inject_app(table_run *run, side me) {
  model *m = &run->peer[me];
  fifo *to = &run->inbox[!me];
  if (!model_may_send(m) || m->sent_app_at == m->row) return;
  m->sent_app_at = m->row;
  to->token[to->tail++] = (token){NULL, 0, m->writes};
}

/* One step of one side; true if something moved. */
static bool one_step(tally *all, table_run *run, side me) {
  model *m = &run->peer[me];
  fifo *in = &run->inbox[me], *to = &run->inbox[!me];
  token t;
  bool moved = m->state == WAITS_ANSWER;
  if (m->state == IS_OPEN) return false;
  inject_app(run, me);
  if (moved) model_answer(m);
  if (model_step(m, in, &t)) {
    moved = true;
    to->token[to->tail++] = t;
    add_word(run, me, &t);
    if (strcmp(t.name, "HELLO_RETRY_REQUEST") == 0 && run->p.stateless && !run->reset) {
      run->reset = true;
      *m = model_start(SERVER, &run->p);
    }
  }
  cr_assert_neq(m->state, IS_BAD, "%s", describe(run));
  if (m->state == WAITS_ANSWER && !model_at_flight_end(m))
    cr_assert_str_eq(m->ask, "DECOMPRESS", "a question inside a flight, %s", describe(run));
  else if (m->state == WAITS_ANSWER)
    cr_assert(in->head == in->tail || !in->token[in->head].name,
              "a question while messages wait, %s", describe(run));
  if (m->state == WAITS_INPUT && in->head == in->tail) {
    try_every_message(all, run, me);
    if (me == CLIENT) check_client_write_level(run);
  }
  return moved || m->state == IS_OPEN;
}

/* ---- What must be true at the end. ---- */

/* RFC 5246 7.3, RFC 5077 3.1: what each side must be told, in the order of the figures. */
static void expected_questions_12(const plan *p, char *client, char *server) {
  if (p->psk) strcat(server, "SESSION ");
  if (!p->resumed) strcat(server, "IDENTITY SIGNATURE ");
  if (!p->resumed || p->reverify) strcat(client, "VERDICT ");
  if (p->cert_requested) strcat(client, "IDENTITY ");
  if (p->client_cert) strcat(client, "SIGNATURE ");
  if (p->client_cert) strcat(server, "VERDICT ");
  if (p->ticket) strcat(server, "TICKET ");
  if (p->store && !p->ticket && !p->resumed) strcat(server, "KEEP ");
  if (p->ticket || (p->store && !p->resumed)) strcat(client, "KEEP ");
}

static void expected_questions(const plan *p, char *client, char *server) {
  *client = *server = 0;
  if (p->stateless) strcat(server, "COOKIE ");
  strcat(server, "HELLO ");
  if (p->tls12) {
    expected_questions_12(p, client, server);
    return;
  }
  if (p->retry && !p->stateless) strcat(server, "COOKIE ");
  if (p->psk && !p->psk_dropped_on_retry) strcat(server, "SESSION ");
  if (!p->resumed) strcat(server, "IDENTITY ");
  if (p->kem) strcat(server, "ENCAP ");
  if (p->reverify && p->early_offered) strcat(client, "VERDICT ");
  if (p->reverify && p->resumed && !p->early_accepted) strcat(client, "VERDICT ");
  if (p->resumed) return;
  if (p->compressed) strcat(server, "COMPRESS ");
  strcat(server, "SIGNATURE ");
  if (p->compressed) strcat(client, "DECOMPRESS ");
  strcat(client, "VERDICT ");
  if (!p->cert_requested) return;
  strcat(client, "IDENTITY ");
  if (p->client_compressed) strcat(client, "COMPRESS ");
  if (p->client_compressed) strcat(server, "DECOMPRESS ");
  if (!p->client_cert) return;
  strcat(client, "SIGNATURE ");
  strcat(server, "VERDICT ");
}

static void check_proofs(const table_run *run) {
  const plan *p = &run->p;
  unsigned chain = PROOF_CHAIN | PROOF_SIGNATURE;
  unsigned client = PROOF_FINISHED | (p->resumed ? 0 : chain);
  unsigned binder = p->resumed && !p->tls12 ? PROOF_BINDER : 0;
  unsigned server = PROOF_FINISHED | binder | (p->client_cert ? chain : 0);
  cr_assert_eq(run->peer[CLIENT].proofs, client, "%s", describe(run));
  cr_assert_eq(run->peer[SERVER].proofs, server, "%s", describe(run));
}

/* RFC 7627 3 and 4: the session hash ends with ClientKeyExchange; a resumed session has its secret.
 */
static void check_secrets_12(const table_run *run) {
  const char *c = run->peer[CLIENT].derived, *s = run->peer[SERVER].derived;
  cr_assert_str_eq(c, s, "the transcripts differ, %s", describe(run));
  cr_assert_eq(strncmp(c, "MAIN@", 5), 0, "%s", c);
  cr_assert(ends(c, run->p.resumed ? " SERVER_HELLO \n" : " CLIENT_KEY_EXCHANGE \n"), "%s", c);
  cr_assert_null(strchr(strchr(c, '\n') + 1, '\n'), "more than one secret: %s", c);
}

/* RFC 9846 7.1: where each secret's transcript ends, and that both sides hash the same. */
static void check_secrets(const table_run *run) {
  const char *c = run->peer[CLIENT].derived, *s = run->peer[SERVER].derived;
  bool offered = run->p.early_offered, accepted = run->p.early_accepted;
  if (offered && !accepted) { /* the client alone has early secrets */
    cr_assert(strncmp(c, "EARLY@", 6) == 0, "%s", describe(run));
    c = strchr(c, '\n') + 1;
  }
  cr_assert_str_eq(c, s, "the transcripts differ, %s", describe(run));
  char copy[sizeof run->peer[CLIENT].derived];
  strcpy(copy, c);
  unsigned seen = 0;
  for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
    bool handshake = strstr(line, "HANDSHAKE@"), application = strstr(line, "APPLICATION@");
    bool resumption = strstr(line, "RESUMPTION@"), early = strstr(line, "EARLY@");
    if (early) cr_assert_str_eq(line, "EARLY@CLIENT_HELLO ", "%s", describe(run));
    if (handshake) cr_assert(ends(line, " SERVER_HELLO "), "%s", line);
    if (application || resumption) cr_assert(ends(line, " FINISHED "), "%s", line);
    const char *first = strstr(line, "FINISHED");
    if (application) cr_assert(first && !strstr(first + 1, "FINISHED"), "%s", line);
    if (resumption) cr_assert(first && strstr(first + 1, "FINISHED"), "%s", line);
    seen = seen * 10 + (early ? 4 : handshake ? 1 : application ? 2 : resumption ? 3 : 9);
  }
  cr_assert_eq(seen, accepted ? 4123 : 123, "secrets in the order %u, %s", seen, describe(run));
}

/* RFC 9846 E.4. */
static void check_ccs(const table_run *run) {
  const model *c = &run->peer[CLIENT], *s = &run->peer[SERVER];
  const plan *p = &run->p;
  cr_assert_eq(c->ccs_sent, !p->quic, "%s", describe(run));
  cr_assert_eq(s->ccs_sent, !p->quic, "%s", describe(run));
  if (p->quic) return;
  const char *client = p->early_offered ? "CLIENT_HELLO "
                       : p->retry       ? "HELLO_RETRY_REQUEST "
                                        : "SERVER_HELLO "; /* with whatever comes next */
  const char *server = p->retry && !p->stateless ? "HELLO_RETRY_REQUEST " : "SERVER_HELLO ";
  cr_assert(ends(c->ccs_after, client), "client's CCS after %s, %s", c->ccs_after, describe(run));
  cr_assert(ends(s->ccs_after, server), "server's CCS after %s, %s", s->ccs_after, describe(run));
}

/* RFC 9001 4.1.5 and 4.9: the order in which a QUIC stack gets its keys. */
static void check_installs(const table_run *run) {
  const plan *p = &run->p;
  if (!p->quic) return;
  char want[120];
  snprintf(want, sizeof want, "%s%srHANDSHAKE wHANDSHAKE rAPPLICATION wAPPLICATION ",
           p->early_offered ? "wEARLY " : "", p->early_offered && p->retry ? "wINITIAL " : "");
  cr_assert_str_eq(run->peer[CLIENT].installs, want, "%s", describe(run));
  snprintf(want, sizeof want, "%swHANDSHAKE rHANDSHAKE wAPPLICATION rAPPLICATION ",
           p->early_accepted ? "rEARLY " : "");
  cr_assert_str_eq(run->peer[SERVER].installs, want, "%s", describe(run));
}

static void check_end(const table_run *run) {
  const plan *p = &run->p;
  const model *c = &run->peer[CLIENT], *s = &run->peer[SERVER];
  for (int i = 0; i < 2; i++) {
    const fifo *in = &run->inbox[i];
    for (size_t t = in->head; t < in->tail; t++) {
      cr_assert(!in->token[t].name, "a message is left over, %s", describe(run));
      cr_assert_eq(in->token[t].at, run->peer[i].reads, "%s", describe(run));
    }
    cr_assert_eq(run->peer[i].reads, APPLICATION_LEVEL, "%s", describe(run));
    cr_assert_eq(run->peer[i].writes, APPLICATION_LEVEL, "%s", describe(run));
  }
  char client[200], server[200];
  expected_questions(p, client, server);
  cr_assert_str_eq(c->asked, client, "%s", describe(run));
  cr_assert_str_eq(s->asked, server, "%s", describe(run));
  if (p->early_accepted && !p->quic)
    cr_assert_gt(s->delivered, 0u, "no early data arrived, %s", describe(run));
  if (p->early_offered && !p->early_accepted && !p->quic)
    cr_assert_gt(s->skipped, 0u, "no early data was skipped, %s", describe(run));
  check_proofs(run);
  if (p->tls12) {
    check_secrets_12(run);
    cr_assert_not(c->ccs_sent || s->ccs_sent, "a dummy record, %s", describe(run));
    return;
  }
  check_secrets(run);
  check_ccs(run);
  check_installs(run);
}

static void run_plan(tally *all, const plan *p) {
  table_run run = {.p = *p};
  strcpy(run.trace, p->quic ? "quic" : p->tls12 ? "tls12" : "tls");
  run.peer[CLIENT] = model_start(CLIENT, &run.p);
  run.peer[SERVER] = model_start(SERVER, &run.p);
  for (int idle = 0; run.peer[CLIENT].state != IS_OPEN || run.peer[SERVER].state != IS_OPEN;) {
    bool moved = one_step(all, &run, CLIENT);
    moved = one_step(all, &run, SERVER) || moved;
    idle = moved && idle < 200 ? idle + 1 : moved ? 999 : idle + 20;
    cr_assert_lt(idle, 900, "deadlock, %s", describe(&run));
  }
  check_end(&run);
  all->runs++;
  all->delivered += run.peer[SERVER].delivered;
  all->skipped += run.peer[SERVER].skipped;
  sequences_add(&all->seen, run.trace);
}

/* ---- All handshakes. ---- */

static bool possible(const plan *p) {
  bool psk_reaches_server = p->psk && !(p->retry && p->psk_dropped_on_retry);
  if (p->psk_dropped_on_retry && !(p->psk && p->retry)) return false;
  if (p->resumed && !psk_reaches_server) return false;
  if (p->early_offered && !p->psk) return false;
  if (p->early_accepted && (!p->early_offered || !p->resumed || p->retry)) return false;
  if (p->stateless && !p->retry) return false;
  /* On records a server without state cannot know that there is early data to skip. */
  if (p->stateless && p->early_offered && !p->quic) return false;
  if (p->cert_requested && p->resumed) return false;
  if (p->client_cert && !p->cert_requested) return false;
  if (p->compressed && (!p->compress_offered || p->resumed)) return false;
  if (p->client_compress_offered && !p->cert_requested) return false;
  return !p->client_compressed || p->client_compress_offered;
}

static void run_all(tally *all) {
  cr_assert(sequences_read(&all->golden, GOLDEN), "cannot read " GOLDEN);
  for (unsigned bits = 0; bits < 1u << 15; bits++) {
    plan p = {0};
    bool *const field[] = {&p.quic,
                           &p.psk,
                           &p.psk_dropped_on_retry,
                           &p.early_offered,
                           &p.kem,
                           &p.client_cert,
                           &p.client_compressed,
                           &p.compress_offered,
                           &p.retry,
                           &p.stateless,
                           &p.resumed,
                           &p.early_accepted,
                           &p.cert_requested,
                           &p.compressed,
                           &p.reverify};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) *field[i] = bits >> i & 1;
    for (int offer = 0; offer < 2; offer++) {
      p.client_compress_offered = offer;
      if (possible(&p)) run_plan(all, &p);
    }
  }
}

/* Every wish that TLS 1.2 knows, with TLS 1.3 offered beside it and not. */
static bool possible_12(const plan *p) {
  if (p->resumed && (!p->psk || p->cert_requested || p->status_promised)) return false;
  if (p->client_cert && !p->cert_requested) return false;
  if (p->ticket && !p->ticket_offered) return false;
  if (p->status_promised && !p->status_offered) return false;
  return !p->status_sent || p->status_promised;
}

static void run_all_12(tally *all) {
  cr_assert(sequences_read(&all->golden, GOLDEN12), "cannot read " GOLDEN12);
  for (unsigned bits = 0; bits < 1u << 12; bits++) {
    plan p = {.tls12 = true};
    bool *const field[] = {
        &p.psk,     &p.only12,         &p.ticket_offered, &p.status_offered,  &p.client_cert,
        &p.resumed, &p.cert_requested, &p.ticket,         &p.status_promised, &p.status_sent,
        &p.store,   &p.reverify};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) *field[i] = bits >> i & 1;
    if (possible_12(&p)) run_plan(all, &p);
  }
}

static void tally_free(tally *all) {
  sequences_free(&all->seen);
  sequences_free(&all->golden);
}

static void compare_sets(const char *what, sequences *have, sequences *want) {
  sequences_sort(have);
  sequences_sort(want);
  size_t i = 0, j = 0;
  while (i < have->num || j < want->num) {
    int order = i == have->num ? 1 : j == want->num ? -1 : strcmp(have->line[i], want->line[j]);
    cr_assert_geq(order, 0, "%s has what is not legal: %s", what, have->line[i]);
    cr_assert_leq(order, 0, "%s lacks: %s", what, want->line[j]);
    i++;
    j++;
  }
}

/* R-4-1: both sides reach OPEN by the table, in every scenario, with the right questions, proofs,
 * levels and secrets. */
Test(script_table, client_against_server) {
  tally all = {0};
  run_all(&all);
  cr_log_info(
      "%zu handshakes, %zu messages taken and %zu refused, %zu early records taken and %zu skipped",
      all.runs, all.accepted, all.refused, all.delivered, all.skipped);
  cr_assert_gt(all.runs, 500u);
  cr_assert_gt(all.refused, all.accepted);
  tally_free(&all);
}

/* R-4-1: the table allows every legal sequence and no other. */
Test(script_table, sequences_are_the_golden_ones) {
  tally all = {0};
  run_all(&all);
  compare_sets("the table", &all.seen, &all.golden);
  tally_free(&all);
}

/* The golden file is what the RFC's state machines allow. */
Test(script_table, golden_file_agrees_with_the_rfc) {
  sequences golden = {0}, rfc = {0};
  cr_assert(sequences_read(&golden, GOLDEN), "cannot read " GOLDEN);
  sequences_from_rfc(&rfc);
  compare_sets("golden/sequences.txt", &golden, &rfc);
  cr_assert_gt(golden.num, 300u);
  sequences_free(&golden);
  sequences_free(&rfc);
}

/* R-5246-7.3-1: the same for TLS 1.2. */
Test(script_table, client_against_server_12) {
  tally all = {0};
  run_all_12(&all);
  cr_assert_gt(all.runs, 200u);
  cr_assert_gt(all.refused, all.accepted);
  compare_sets("the table", &all.seen, &all.golden);
  tally_free(&all);
}

Test(script_table, golden_file_12_agrees_with_the_rfcs) {
  sequences golden = {0}, rfc = {0};
  cr_assert(sequences_read(&golden, GOLDEN12), "cannot read " GOLDEN12);
  sequences_from_rfc12(&rfc);
  compare_sets("golden/sequences12.txt", &golden, &rfc);
  cr_assert_gt(golden.num, 60u);
  sequences_free(&golden);
  sequences_free(&rfc);
}

/* A client that waits for the server's first message, with |p|; then |num| messages come. */
static model after_hello(const plan *p, const token *messages, size_t num) {
  model m = model_start(CLIENT, p);
  fifo in = {.head = 0};
  token out;
  while (model_step(&m, &in, &out)) {
  }
  for (size_t i = 0; i < num; i++) in.token[in.tail++] = messages[i];
  while (model_step(&m, &in, &out)) {
  }
  return m;
}

/* R-E.3-1 R-5246-7.3-2: where VERSION does not jump to TLS 1.2. */
Test(script_table, the_jump_is_made_once) {
  const token retry = {"HELLO_RETRY_REQUEST", 0, INITIAL_LEVEL};
  const token hello12 = {"SERVER_HELLO", SAYS_TLS12, INITIAL_LEVEL};
  const plan both = {.tls12 = true}, early = {.psk = true, .early_offered = true, .tls12 = true};
  cr_expect_eq(after_hello(&both, &hello12, 1).state, WAITS_INPUT);
  cr_expect_eq(after_hello(&early, &hello12, 1).state, IS_BAD);
  cr_expect_eq(after_hello(&both, &retry, 1).state, WAITS_INPUT);
  const token after[] = {retry, hello12};
  cr_expect_eq(after_hello(&both, after, 2).state, IS_BAD);
}

/* DESIGN: at most 16 flags; every row says where it comes from; each script ends as it should. */
Test(script_table, rows_are_well_formed) {
  size_t opens = 0, scripts = 0;
  for (size_t i = 0; i < script_num_rows; i++) {
    const row *r = &script_rows[i];
    opens += r->kind == OPEN_ROW;
    scripts += r->kind == SCRIPT_ROW;
    if (r->kind != SCRIPT_ROW && r->kind != OPEN_ROW)
      cr_assert_eq(strncmp(r->section, "RFC", 3), 0, "row %zu %s", i, r->what);
    cr_assert_eq(r->need & r->not_, 0, "row %zu can never be", i);
    cr_assert_eq(r->learn & (r->learn - 1), 0, "row %zu learns two flags", i);
  }
  cr_assert_eq(scripts, opens + 1, "HELLO ends in VERSION, every other script in OPEN");
}
