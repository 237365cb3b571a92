/* test_script_engine.c - every state x every message type, both roles, on the engine itself.
 *
 * A crafted peer brings the engine into each state in which it reads; then one message of each of
 * the 256 types comes, right under the keys in force.  golden/sequences.txt says which may come:
 * those must not be refused as unexpected, all others must, with alert unexpected_message, whatever
 * is in them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"
#include "sequence_oracle.h"

/* One way to go on: HelloRetryRequest has ServerHello's type. */
struct candidate {
  uint8_t type;
  const char *word; /* in the golden file; NULL: it is nowhere */
  bool retry;
};

static const struct candidate named[] = {
    {MSG_CLIENT_HELLO, "ClientHello", false},
    {MSG_SERVER_HELLO, "ServerHello", false},
    {MSG_SERVER_HELLO, "HelloRetryRequest", true},
    {MSG_END_OF_EARLY_DATA, "EndOfEarlyData", false},
    {MSG_ENCRYPTED_EXTENSIONS, "EncryptedExtensions", false},
    {MSG_CERTIFICATE, "Certificate", false},
    {MSG_CERTIFICATE_REQUEST, "CertificateRequest", false},
    {MSG_CERTIFICATE_VERIFY, "CertificateVerify", false},
    {MSG_FINISHED, "Finished", false},
    {MSG_COMPRESSED_CERTIFICATE, "CompressedCertificate", false},
};
enum { NUM_NAMED = sizeof named / sizeof *named };

/* A handshake to stop in. */
struct scenario {
  hf_role role; /* of the engine */
  bool request, certificate, retry;
};

/* What was said up to a step, in the words of the golden file. */
struct state {
  int step;
  char said[600];
  char open; /* the bracket of what comes next, 0 if it is not protected */
};

static void word(struct state *state, const char *text) {
  cr_assert_lt(strlen(state->said) + strlen(text) + 2, sizeof state->said);
  strcat(strcat(state->said, " "), text);
}

static void describe_server(struct state *state, const struct scenario *s, int step) {
  /* The engine is the client. */
  word(state, "C:ClientHello");
  if (s->retry) word(state, "S:HelloRetryRequest C:ClientHello");
  state->open = step >= SERVER_SAID_HELLO ? '{' : 0;
  if (step >= SERVER_SAID_HELLO) word(state, "S:ServerHello");
  if (step >= SERVER_SAID_EXTENSIONS) word(state, "S:{EncryptedExtensions}");
  if (step >= SERVER_SAID_REQUEST && s->request) word(state, "S:{CertificateRequest}");
  if (step >= SERVER_SAID_CERTIFICATE) word(state, "S:{Certificate}");
  if (step >= SERVER_SAID_VERIFY) word(state, "S:{CertificateVerify}");
}

static void describe_client(struct state *state, const struct scenario *s, int step) {
  if (step == CLIENT_BEGAN) return;
  word(state, "C:ClientHello");
  if (s->retry) word(state, "S:HelloRetryRequest C:ClientHello");
  word(state, "S:ServerHello S:{EncryptedExtensions}");
  if (s->request) word(state, "S:{CertificateRequest}");
  word(state, "S:{Certificate} S:{CertificateVerify} S:{Finished}");
  state->open = '{';
  if (step >= CLIENT_SAID_CERTIFICATE && s->request)
    word(state, s->certificate ? "C:{Certificate}" : "C:{Certificate+empty}");
  if (step >= CLIENT_SAID_VERIFY && s->certificate) word(state, "C:{CertificateVerify}");
}

static struct state describe(const struct scenario *s, int step) {
  struct state state = {.step = step, .said = "tls"};
  if (s->role == HF_CLIENT)
    describe_server(&state, s, step);
  else
    describe_client(&state, s, step);
  return state;
}

/* Whether a legal sequence goes on with |name| from here. */
static bool legal(const sequences *golden, const struct state *state, hf_role role,
                  const char *name) {
  char prefix[800];
  const char open[2] = {state->open, 0};
  if (name == NULL) return false;
  snprintf(prefix, sizeof prefix, "%s %c:%s%s", state->said, role == HF_CLIENT ? 'S' : 'C', open,
           name);
  size_t n = strlen(prefix);
  for (size_t i = 0; i < golden->num; i++)
    if (strncmp(golden->line[i], prefix, n) == 0 && strchr(" +)}]", golden->line[i][n]))
      return true;
  return false;
}

/* A body that is right as far as it can be, so that a refusal can only be for the type. */
static void body_of(struct buf *body, struct craft_play *play, const struct candidate *c) {
  struct craft_hello hello = {.version = 0};
  switch (c->type) {
    case MSG_CLIENT_HELLO:
      craft_default_client_hello(&play->craft, &hello);
      craft_write_hello(body, &hello, false);
      break;
    case MSG_SERVER_HELLO:
      if (c->retry)
        craft_retry_hello(&hello, &play->client, 0x0017);
      else
        craft_default_server_hello(&play->craft, &hello, &play->client);
      craft_write_hello(body, &hello, true);
      break;
    case MSG_ENCRYPTED_EXTENSIONS:
      put16(body, 0);
      break;
    case MSG_CERTIFICATE_REQUEST:
      body_of_request(body);
      break;
    case MSG_CERTIFICATE:
      body_of_own_certificate(body, play);
      break;
    case MSG_CERTIFICATE_VERIFY:
      (void)body_of_verify(body, play, 0x0403);
      break;
    case MSG_FINISHED:
      if (play->craft.write.on) body_of_finished(body, play);
      break;
    case MSG_NEW_SESSION_TICKET:
      buf_add(body, "\0\0\x0e\x10\0\0\0\0\1\0\0\1t\0\0", 15);
      break;
    case MSG_KEY_UPDATE:
      put8(body, 0);
      break;
    default:
      break;
  }
  craft_hello_free(&hello);
}

static void start(struct craft_play *play, const struct scenario *s, int step) {
  struct side_setup setup;
  uint32_t flags = s->role == HF_SERVER && s->request ? HF_REQUEST_CLIENT_CERT : 0;
  if (s->role == HF_SERVER && s->retry) flags |= HF_DEMAND_COOKIE;
  rules_setup(&setup, s->role, flags);
  const char *name = s->role == HF_CLIENT ? "ecdsa-p256"
                     : s->certificate     ? "client-ecdsa-p256"
                                          : NULL;
  cr_assert(play_new(play, &setup, name, 0x0403));
  play->request = s->role == HF_CLIENT && s->request;
  play->retry = s->retry;
  cr_assert(play_until(play, step), "the handshake does not come to step %d", step);
}

/* Sends |c| in the state |state|, with a body or without; true: legal, as the golden file has it.
 */
static bool try_one(const sequences *golden, const struct scenario *s, const struct state *state,
                    const struct candidate *c, bool with_body) {
  struct craft_play play;
  struct buf body = {0};
  start(&play, s, state->step);
  if (with_body) body_of(&body, &play, c);
  rules_say(&play, c->type, &body);
  bool may = golden != NULL && legal(golden, state, s->role, c->word);
  hf_fault fault;
  hf_get_fault(&fault, play.side.conn);
  const char *wrong = NULL;
  if (!may)
    wrong = rules_verdict(&play, AL_UNEXPECTED_MESSAGE);
  else if (fault.status == HF_UNEXPECTED_MESSAGE)
    wrong = "refused, though it is legal";
  else if (with_body && fault.status != HF_OK)
    wrong = fault.text;
  cr_expect_null(wrong, "after [%s], type %u %s%s: %s", state->said, c->type,
                 c->word == NULL ? "" : c->word, with_body ? "" : " (empty)", wrong);
  rules_free(&play);
  return may;
}

/* All types in one state; at most |every|-th of those without a name. */
static size_t try_all(const sequences *golden, const struct scenario *s, const struct state *state,
                      unsigned every) {
  size_t taken = 0;
  bool has_name[256] = {false};
  for (size_t i = 0; i < NUM_NAMED; i++) {
    has_name[named[i].type] = true;
    taken += try_one(golden, s, state, &named[i], true);
    if (!named[i].retry) (void)try_one(golden, s, state, &named[i], false);
  }
  for (unsigned type = 0; type < 256; type++) {
    const struct candidate c = {(uint8_t)type, NULL, false};
    if (!has_name[type] && (type < 32 || type % every == 2 || type > 253))
      (void)try_one(golden, s, state, &c, true);
  }
  return taken;
}

/* Every state of |s|; the steps in which nothing new was said are left out. */
static void try_states(const sequences *golden, const struct scenario *s, const int *steps,
                       size_t num, unsigned every) {
  char last[600] = "";
  for (size_t i = 0; i < num; i++) {
    struct state state = describe(s, steps[i]);
    if (strcmp(state.said, last) == 0) continue;
    strcpy(last, state.said);
    cr_expect_gt(try_all(golden, s, &state, every), 0u, "nothing may come after [%s]", last);
  }
}

static void try_role(hf_role role, const int *steps, size_t num, bool retry, unsigned every) {
  sequences golden = {0};
  cr_assert(sequences_read(&golden, HF_SOURCE_DIR "/tests/golden/sequences.txt"));
  for (int request = 0; request < 2; request++) {
    for (int certificate = 0; certificate <= request; certificate++) {
      if (role == HF_CLIENT && certificate) continue;
      struct scenario s = {role, request, certificate, retry};
      try_states(&golden, &s, steps, num, every);
    }
  }
  sequences_free(&golden);
}

static const int server_steps[] = {SERVER_HEARD_HELLO,      SERVER_SAID_HELLO,
                                   SERVER_SAID_EXTENSIONS,  SERVER_SAID_REQUEST,
                                   SERVER_SAID_CERTIFICATE, SERVER_SAID_VERIFY};
static const int client_steps[] = {CLIENT_BEGAN, CLIENT_HEARD_FINISHED, CLIENT_SAID_CERTIFICATE,
                                   CLIENT_SAID_VERIFY};
#define ALL(list) list, sizeof list / sizeof *list

/* R-4-1 R-4-2 R-4.4.1-1 R-4.6-1 R-4.7.3-1: the client, all 256 types in each of its states. */
Test(script_engine, client) { try_role(HF_CLIENT, ALL(server_steps), false, 1); }

/* R-4-2 R-4.2.4-4: and after a HelloRetryRequest. */
Test(script_engine, client_after_retry) { try_role(HF_CLIENT, ALL(server_steps), true, 16); }

/* R-4-1 R-4-2 R-4.2.2-4 R-4.5.2-1 R-4.6-2 R-4.7.3-1: the server. */
Test(script_engine, server) { try_role(HF_SERVER, ALL(client_steps), false, 1); }

/* R-4-2: and after its HelloRetryRequest. */
Test(script_engine, server_after_retry) { try_role(HF_SERVER, client_steps + 1, 3, true, 16); }

/* After the handshake |allowed| types may come, and no other. */
static void try_ready(const struct scenario *s, int done, const uint8_t *allowed) {
  for (unsigned type = 0; type < 256; type++) {
    struct state state = {.step = done, .said = "ready"};
    struct candidate c = {(uint8_t)type, NULL, false};
    if (strchr((const char *)allowed, (int)type) == NULL || type == 0) {
      (void)try_one(NULL, s, &state, &c, true);
      continue;
    }
    struct craft_play play;
    struct buf body = {0};
    start(&play, s, done);
    body_of(&body, &play, &c);
    rules_say(&play, (uint8_t)type, &body);
    cr_expect_null(rules_verdict(&play, AL_NONE), "type %u once ready", type);
    rules_free(&play);
  }
}

/* R-4.7.1-2 R-4.7.2-1 R-4-2: a client that is done takes tickets and key updates. */
Test(script_engine, client_ready) {
  const struct scenario s = {HF_CLIENT, false, false, false};
  try_ready(&s, SERVER_DONE, (const uint8_t[]){MSG_NEW_SESSION_TICKET, MSG_KEY_UPDATE, 0});
}

/* R-4.7.1-8 R-4.2.2-4 R-4-2: a server that is done takes key updates alone. */
Test(script_engine, server_ready) {
  const struct scenario s = {HF_SERVER, false, false, false};
  try_ready(&s, CLIENT_DONE, (const uint8_t[]){MSG_KEY_UPDATE, 0});
}
