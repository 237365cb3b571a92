/* test_script_engine12.c - TLS 1.2: every reading state x every message type and ChangeCipherSpec,
 * both roles, on the engine itself.
 *
 * A crafted peer (craft12.h) brings the engine into each state in which it reads; then one message
 * of each type comes, under the keys in force.  golden/sequences12.txt says which may come: those
 * must not be refused as unexpected, all others must, with alert unexpected_message, whatever is in
 * them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "craft12.h"
#include "sequence_oracle.h"

enum { SPEC = 256 }; /* in the place of a message type */

static const struct candidate {
  unsigned type;
  const char *word;
} named[] = {
    {MSG_CLIENT_HELLO, "ClientHello"},
    {MSG_SERVER_HELLO, "ServerHello"},
    {MSG_NEW_SESSION_TICKET, "NewSessionTicket"},
    {MSG_CERTIFICATE, "Certificate"},
    {MSG_SERVER_KEY_EXCHANGE, "ServerKeyExchange"},
    {MSG_CERTIFICATE_REQUEST, "CertificateRequest"},
    {MSG_SERVER_HELLO_DONE, "ServerHelloDone"},
    {MSG_CERTIFICATE_VERIFY, "CertificateVerify"},
    {MSG_CLIENT_KEY_EXCHANGE, "ClientKeyExchange"},
    {MSG_FINISHED, "Finished"},
    {MSG_CERTIFICATE_STATUS, "CertificateStatus"},
    {SPEC, "ChangeCipherSpec"},
};
enum { NUM_NAMED = sizeof named / sizeof *named };

/* A handshake to stop in.  What it resumes was made by a first one. */
struct scenario {
  hf_role role; /* of the engine */
  bool request, certificate, status, ticket, resume;
  struct buf session, offer;
  uint8_t secret[CRAFT12_SECRET];
};

static void start(struct craft12 *c, const struct scenario *s) {
  struct side_setup setup;
  const uint32_t flags =
      (s->request ? HF_REQUEST_CLIENT_CERT : 0) | (s->ticket ? HF_ISSUE_TICKETS : 0);
  craft12_setup(&setup, s->role, s->role == HF_SERVER ? flags : HF_REQUEST_OCSP);
  if (s->resume && s->role == HF_CLIENT)
    setup.start.session = (hf_bytes){s->session.data, s->session.len};
  craft12_new(c, &setup,
              s->role == HF_CLIENT ? "ecdsa-p256"
              : s->certificate     ? "client-ecdsa-p256"
                                   : NULL);
  c->play.request = s->role == HF_CLIENT && s->request;
  c->ticket = s->ticket;
  c->status = s->status;
  c->resume = s->resume;
  memcpy(c->secret, s->secret, sizeof c->secret);
  buf_add(&c->offer, s->offer.data, s->offer.len);
}

/* The session that |s| resumes. */
static void first(struct scenario *s) {
  struct craft12 c;
  struct scenario full = {.role = s->role, .ticket = true};
  start(&c, &full);
  cr_assert(craft12_until(&c, s->role == HF_CLIENT ? (int)S12_DONE : (int)C12_DONE));
  cr_assert(side_is_ready(&c.play.side));
  buf_add(&s->session, c.play.side.kept.data, c.play.side.kept.len);
  buf_add(&s->offer, c.offer.data, c.offer.len);
  memcpy(s->secret, c.secret, sizeof s->secret);
  craft12_free(&c);
}

/* ---- What was said, in the words of the golden file ---- */

static void add(char said[600], const char *text) {
  if (strlen(said) + strlen(text) + 2 > 600) abort();
  strcat(strcat(said, " "), text);
}

/* |session| and |status|: what the engine's, or the craft's, ClientHello offers. */
static void describe_client_hello(char said[600], const struct scenario *s) {
  const bool engine = s->role == HF_CLIENT;
  char text[80];
  snprintf(text, sizeof text, "C:ClientHello%s%s%s", s->resume ? "+session" : "",
           engine || s->ticket || s->resume ? "+ticket" : "", engine ? "+status_request" : "");
  add(said, text);
}

static void describe_server_hello(char said[600], const struct scenario *s) {
  char text[80];
  const bool ticket = s->ticket && !(s->resume && s->role == HF_SERVER);
  snprintf(text, sizeof text, "S:ServerHello%s%s%s", s->resume ? "+resumed" : "",
           ticket ? "+ticket" : "", s->status ? "+status_request" : "");
  add(said, text);
}

/* The engine is the client. */
static void describe_server(char said[600], const struct scenario *s, int step) {
  describe_client_hello(said, s);
  if (step >= S12_SAID_HELLO) describe_server_hello(said, s);
  if (!s->resume) {
    if (step >= S12_SAID_CERTIFICATE) add(said, "S:Certificate");
    if (step >= S12_SAID_STATUS && s->status) add(said, "S:CertificateStatus");
    if (step >= S12_SAID_EXCHANGE) add(said, "S:ServerKeyExchange");
    if (step >= S12_SAID_REQUEST && s->request) add(said, "S:CertificateRequest");
    if (step >= S12_SAID_DONE) {
      add(said, "S:ServerHelloDone");
      if (s->request) add(said, "C:Certificate+empty");
      add(said, "C:ClientKeyExchange C:ChangeCipherSpec C:[Finished]");
    }
  }
  if (step >= S12_SAID_TICKET && s->ticket) add(said, "S:NewSessionTicket");
  if (step >= S12_SAID_SPEC) add(said, "S:ChangeCipherSpec");
}

/* The engine is the server. */
static void describe_client(char said[600], const struct scenario *s, int step) {
  if (step == C12_BEGAN) return;
  describe_client_hello(said, s);
  describe_server_hello(said, s);
  if (s->resume) {
    add(said, "S:ChangeCipherSpec S:[Finished]");
  } else {
    add(said, "S:Certificate S:ServerKeyExchange");
    if (s->request) add(said, "S:CertificateRequest");
    add(said, "S:ServerHelloDone");
    if (step >= C12_SAID_CERTIFICATE && s->request)
      add(said, s->certificate ? "C:Certificate" : "C:Certificate+empty");
    if (step >= C12_SAID_EXCHANGE) add(said, "C:ClientKeyExchange");
    if (step >= C12_SAID_VERIFY && s->certificate) add(said, "C:CertificateVerify");
  }
  if (step >= C12_SAID_SPEC) add(said, "C:ChangeCipherSpec");
}

static bool legal(const sequences *golden, const char *said, const struct scenario *s,
                  const struct craft12 *c, const char *word) {
  char prefix[800];
  if (word == NULL) return false;
  snprintf(prefix, sizeof prefix, "%s %c:%s%s", said, s->role == HF_CLIENT ? 'S' : 'C',
           c->play.craft.write.on ? "[" : "", word);
  const size_t n = strlen(prefix);
  for (size_t i = 0; i < golden->num; i++)
    if (strncmp(golden->line[i], prefix, n) == 0 && strchr(" +]", golden->line[i][n])) return true;
  return false;
}

/* ---- One message ---- */

static bool have_keys(const struct craft12 *c) { return c->play.craft.write.waiting; }

/* A body that is right as far as it can be, so that a refusal can only be for the type. */
static void body_of(struct buf *body, struct craft12 *c, unsigned type) {
  struct craft_hello hello = {.version = 0};
  struct buf params = {0};
  switch (type) {
    case MSG_CLIENT_HELLO:
    case MSG_SERVER_HELLO:
      craft12_default_hello(c, &hello);
      craft_write_hello(body, &hello, type == MSG_SERVER_HELLO);
      craft_hello_free(&hello);
      break;
    case MSG_NEW_SESSION_TICKET:
      body12_of_ticket(body);
      break;
    case MSG_CERTIFICATE:
      body12_of_certificate(body, c);
      break;
    case MSG_CERTIFICATE_STATUS:
      buf_add(body, "\1\0\0\4ocsp", 8);
      break;
    case MSG_SERVER_KEY_EXCHANGE:
      body12_of_params(&params, c);
      (void)body12_of_exchange(body, c, &params, 0x0403);
      buf_free(&params);
      break;
    case MSG_CERTIFICATE_REQUEST:
      body12_of_request(body);
      break;
    case MSG_CERTIFICATE_VERIFY:
      (void)body12_of_verify(body, c, 0x0403);
      break;
    case MSG_CLIENT_KEY_EXCHANGE:
      body12_of_client_exchange(body, c);
      break;
    case MSG_FINISHED:
      if (have_keys(c)) body12_of_finished(body, c, c->play.craft.server);
      break;
    default:
      break;
  }
}

static void say(struct craft12 *c, unsigned type, bool with_body) {
  struct buf body = {0};
  if (type == SPEC) {
    craft_record(&c->play.craft, REC_CCS, "\1", 1, 0);
    return;
  }
  if (with_body) body_of(&body, c, type);
  rules_say(&c->play, (uint8_t)type, &body);
}

static bool try_one(const sequences *golden, const struct scenario *s, int step, unsigned type,
                    const char *word, bool with_body) {
  struct craft12 c;
  char said[600] = "tls12";
  start(&c, s);
  cr_assert(craft12_until(&c, step), "the handshake does not come to step %d", step);
  if (s->role == HF_CLIENT)
    describe_server(said, s, step);
  else
    describe_client(said, s, step);
  bool may = legal(golden, said, s, &c, word);
  /* RFC 5246 7.4.1.1: a client passes over it. */
  if (type == MSG_HELLO_REQUEST && s->role == HF_CLIENT) may = true;
  say(&c, type, with_body);
  hf_fault fault;
  hf_get_fault(&fault, c.play.side.conn);
  const char *wrong = NULL;
  if (!may)
    wrong = rules_verdict(&c.play, AL_UNEXPECTED_MESSAGE);
  else if (fault.status == HF_UNEXPECTED_MESSAGE || fault.status == HF_BAD_CHANGE_CIPHER_SPEC)
    wrong = "refused, though it is legal";
  else if (with_body && fault.status != HF_OK)
    wrong = fault.text;
  cr_expect_null(wrong, "after [%s], type %u %s%s: %s", said, type, word == NULL ? "" : word,
                 with_body ? "" : " (empty)", wrong);
  craft12_free(&c);
  return may;
}

static void try_state(const sequences *golden, const struct scenario *s, int step) {
  size_t taken = 0;
  bool has_name[257] = {false};
  for (size_t i = 0; i < NUM_NAMED; i++) {
    const unsigned type = named[i].type;
    has_name[type] = true;
    taken += try_one(golden, s, step, type, named[i].word, true);
    if (type != SPEC) (void)try_one(golden, s, step, type, named[i].word, false);
  }
  for (unsigned type = 0; type < 256; type++)
    if (!has_name[type] && (type < 32 || type % 50 == 4 || type > 253))
      (void)try_one(golden, s, step, type, NULL, true);
  cr_expect_gt(taken, 0u, "nothing may come at step %d", step);
}

static void try_scenario(struct scenario s, const int *steps, size_t num) {
  sequences golden = {0};
  cr_assert(sequences_read(&golden, HF_SOURCE_DIR "/tests/golden/sequences12.txt"));
  if (s.resume) first(&s);
  for (size_t i = 0; i < num; i++) try_state(&golden, &s, steps[i]);
  buf_free(&s.session);
  buf_free(&s.offer);
  sequences_free(&golden);
}

static const int server_steps[] = {S12_HEARD_HELLO,    S12_SAID_HELLO,    S12_SAID_CERTIFICATE,
                                   S12_SAID_STATUS,    S12_SAID_EXCHANGE, S12_SAID_REQUEST,
                                   S12_HEARD_FINISHED, S12_SAID_TICKET,   S12_SAID_SPEC};
static const int resumed_server_steps[] = {S12_SAID_HELLO, S12_SAID_TICKET, S12_SAID_SPEC};
static const int client_steps[] = {C12_BEGAN,         C12_HEARD_DONE,  C12_SAID_CERTIFICATE,
                                   C12_SAID_EXCHANGE, C12_SAID_VERIFY, C12_SAID_SPEC};
static const int resumed_client_steps[] = {C12_HEARD_DONE, C12_SAID_SPEC};
#define ALL(list) list, sizeof list / sizeof *list

/* R-5246-7.3-1 R-5246-7.1-1 R-5246-7.4.1.1-1 R-5077-3.3-10: the client, in each of its states. */
Test(script_engine12, client) {
  for (int i = 0; i < 8; i++) {
    const struct scenario s = {
        .role = HF_CLIENT, .request = i & 1, .status = i & 2, .ticket = i & 4};
    try_scenario(s, ALL(server_steps));
  }
}

Test(script_engine12, client_that_resumes) {
  for (int i = 0; i < 2; i++) {
    const struct scenario s = {.role = HF_CLIENT, .ticket = i, .resume = true};
    try_scenario(s, ALL(resumed_server_steps));
  }
}

/* R-5246-7.3-1 R-5246-7.1-1: the server. */
Test(script_engine12, server) {
  for (int i = 0; i < 6; i++) {
    const struct scenario s = {
        .role = HF_SERVER, .request = i >= 2, .certificate = i >= 4, .ticket = i & 1};
    try_scenario(s, ALL(client_steps));
  }
}

Test(script_engine12, server_that_resumes) {
  const struct scenario s = {.role = HF_SERVER, .ticket = true, .resume = true};
  try_scenario(s, ALL(resumed_client_steps));
}

/* R-5246-7.2.2-1 R-5246-7.3-1: once ready, what asks for another handshake is answered with a
 * warning, and nothing else may come. */
static void try_ready(hf_role role, unsigned allowed) {
  for (unsigned type = 0; type <= SPEC; type++) {
    const struct scenario s = {.role = role};
    struct craft12 c;
    start(&c, &s);
    cr_assert(craft12_until(&c, role == HF_CLIENT ? (int)S12_DONE : (int)C12_DONE));
    cr_assert(side_is_ready(&c.play.side));
    say(&c, type, true);
    if (type == allowed) {
      cr_expect_eq(craft_hear_alert(&c.play.craft), AL_NO_RENEGOTIATION);
      cr_expect_eq(c.play.craft.alert_level, 1);
      cr_expect(side_is_ready(&c.play.side) && side_fault(&c.play.side) == HF_OK);
    } else {
      const char *wrong = rules_verdict(&c.play, AL_UNEXPECTED_MESSAGE);
      cr_expect_null(wrong, "type %u once ready: %s", type, wrong);
    }
    craft12_free(&c);
  }
}

Test(script_engine12, client_ready) { try_ready(HF_CLIENT, MSG_HELLO_REQUEST); }
Test(script_engine12, server_ready) { try_ready(HF_SERVER, MSG_CLIENT_HELLO); }
