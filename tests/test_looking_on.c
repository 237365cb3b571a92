/* test_looking_on.c - HF_EXPORT_SECRETS and HF_TRACE: the secrets handed out are those of the
 * crafted peer, which derives them by itself; the events are what went over the wire. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

struct secret {
  hf_secret_kind kind;
  hf_level level;
  bool sending;
  uint32_t generation;
  char label[64];
  uint8_t bytes[32];
};

struct secrets {
  struct secret list[16];
  size_t num;
};

static bool collect(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct secrets *secrets = arg;
  (void)answer;
  if (question->ask != HF_ASK_INSTALL) return false;
  cr_assert_lt(secrets->num, 16u);
  struct secret *s = &secrets->list[secrets->num++];
  s->kind = question->install.kind;
  s->level = question->install.level;
  s->sending = question->install.sending;
  s->generation = question->install.generation;
  cr_assert_eq(question->install.suite, 0x1301);
  cr_assert_eq(question->install.secret.len, sizeof s->bytes);
  cr_assert_lt(strlen(question->install.label), sizeof s->label);
  strcpy(s->label, question->install.label);
  memcpy(s->bytes, question->install.secret.data, sizeof s->bytes);
  return false;
}

static const struct secret *find(const struct secrets *secrets, const char *label,
                                 uint32_t generation) {
  for (size_t i = 0; i < secrets->num; i++)
    if (strcmp(secrets->list[i].label, label) == 0 && secrets->list[i].generation == generation)
      return &secrets->list[i];
  cr_assert_fail("no %s", label);
  return NULL;
}

static void expect_secret(const struct secrets *secrets, const char *label, hf_level level,
                          bool sending, const uint8_t *bytes) {
  const struct secret *s = find(secrets, label, 0);
  cr_expect_eq(s->kind, HF_SECRET_TRAFFIC);
  cr_expect_eq(s->level, level, "%s", label);
  cr_expect_eq(s->sending, sending, "%s", label);
  cr_expect_arr_eq(s->bytes, bytes, 32, "%s", label);
}

static void expect_secrets(const struct secrets *secrets, const struct craft *craft, bool client) {
  expect_secret(secrets, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", HF_HANDSHAKE, client,
                craft->client_secret);
  expect_secret(secrets, "SERVER_HANDSHAKE_TRAFFIC_SECRET", HF_HANDSHAKE, !client,
                craft->server_secret);
  expect_secret(secrets, "CLIENT_TRAFFIC_SECRET_0", HF_APPLICATION, client,
                craft->client_application);
  expect_secret(secrets, "SERVER_TRAFFIC_SECRET_0", HF_APPLICATION, !client,
                craft->server_application);
  const struct secret *exporter = find(secrets, "EXPORTER_SECRET", 0);
  cr_expect_eq(exporter->kind, HF_SECRET_EXPORTER);
  cr_expect_arr_eq(exporter->bytes, craft->exporter, 32);
}

/* R-H-19 R-7.1-1: each traffic secret once, when it comes into force, and the exporter's. */
Test(looking_on, secrets_of_a_client) {
  struct craft_play play;
  struct side_setup setup;
  struct secrets secrets = {.num = 0};
  rules_setup(&setup, HF_CLIENT, HF_EXPORT_SECRETS);
  setup.answer = collect;
  setup.arg = &secrets;
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_DONE));
  cr_expect_eq(secrets.num, 5u);
  expect_secrets(&secrets, &play.craft, true);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  rules_free(&play);
}

Test(looking_on, secrets_of_a_server) {
  struct craft_play play;
  struct side_setup setup;
  struct secrets secrets = {.num = 0};
  rules_setup(&setup, HF_SERVER, HF_EXPORT_SECRETS);
  setup.answer = collect;
  setup.arg = &secrets;
  cr_assert(play_new(&play, &setup, NULL, 0));
  cr_assert(play_until(&play, CLIENT_DONE));
  cr_expect_eq(secrets.num, 5u);
  expect_secrets(&secrets, &play.craft, false);
  cr_expect_null(rules_verdict(&play, AL_NONE));
  rules_free(&play);
}

/* R-H-19 R-7.2-1: a KeyUpdate hands out the next generation. */
Test(looking_on, secrets_of_a_key_update) {
  struct craft_play play;
  struct side_setup setup;
  struct secrets secrets = {.num = 0};
  rules_setup(&setup, HF_CLIENT, HF_EXPORT_SECRETS);
  setup.answer = collect;
  setup.arg = &secrets;
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_DONE));
  struct buf body = rules_bytes("\0", 1);
  rules_say(&play, MSG_KEY_UPDATE, &body);
  craft_next_keys(&play.craft.write);
  craft_record(&play.craft, REC_DATA, "data", 4, 0);
  cr_expect_eq(play.side.app.len, 4u);
  cr_assert_eq(secrets.num, 6u);
  const struct secret *next = &secrets.list[5];
  cr_expect_eq(next->generation, 1u);
  cr_expect_eq(next->level, HF_APPLICATION);
  cr_expect_not(next->sending);
  cr_expect_arr_eq(next->bytes, play.craft.write.secret, 32);
  rules_free(&play);
}

/* ---- Events ---- */

struct seen {
  bool sent;
  uint16_t content;
  uint8_t first; /* byte */
};

static size_t drain(hf_conn *conn, struct seen *seen, size_t num, size_t max) {
  hf_event event;
  while (hf_next_event(conn, &event)) {
    cr_assert_lt(num, max);
    cr_assert_gt(event.bytes.len, 0u);
    cr_assert_not_null(event.row);
    if (event.content == 22) cr_expect_geq(event.bytes.len, 4u);
    if (event.content == 21) cr_expect_eq(event.bytes.len, 2u);
    if (event.content == HF_EVENT_HEADER) cr_expect_eq(event.bytes.len, 5u);
    seen[num++] = (struct seen){event.sent, event.content, event.bytes.data[0]};
  }
  return num;
}

/* R-H-20: messages both ways in their order, with headers, inner types, change_cipher_spec and
 * alerts. */
Test(looking_on, events_of_a_client) {
  static const struct {
    bool sent;
    uint8_t type;
  } messages[] = {
      {true, MSG_CLIENT_HELLO}, {false, MSG_SERVER_HELLO},       {false, MSG_ENCRYPTED_EXTENSIONS},
      {false, MSG_CERTIFICATE}, {false, MSG_CERTIFICATE_VERIFY}, {false, MSG_FINISHED},
      {true, MSG_FINISHED}};
  struct craft_play play;
  struct side_setup setup;
  struct seen seen[100];
  size_t headers[2] = {0}, inner[2] = {0}, ccs[2] = {0}, alerts[2] = {0}, message = 0;
  rules_setup(&setup, HF_CLIENT, HF_TRACE);
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_SAID_HELLO));
  craft_plain(&play.craft, REC_CCS, "\1", 1);
  cr_assert(play_until(&play, SERVER_DONE));
  cr_assert_eq(side_close(&play.side), HF_OK);
  craft_record(&play.craft, REC_ALERT, "\1\0", 2, 0);
  size_t num = drain(play.side.conn, seen, 0, 100);
  for (size_t i = 0; i < num; i++) {
    if (seen[i].content == 22) {
      cr_assert_lt(message, sizeof messages / sizeof *messages);
      cr_expect_eq(seen[i].sent, messages[message].sent, "message %zu", message);
      cr_expect_eq(seen[i].first, messages[message].type, "message %zu", message);
      message++;
    }
    headers[seen[i].sent] += seen[i].content == HF_EVENT_HEADER;
    inner[seen[i].sent] += seen[i].content == HF_EVENT_INNER_TYPE;
    ccs[seen[i].sent] += seen[i].content == 20;
    alerts[seen[i].sent] += seen[i].content == 21;
  }
  cr_expect_eq(message, sizeof messages / sizeof *messages);
  cr_expect_eq(ccs[0], 1u);
  cr_expect_eq(ccs[1], 1u);
  cr_expect_eq(alerts[0], 1u);
  cr_expect_eq(alerts[1], 1u);
  cr_expect_eq(headers[0], 7u, "%zu records came", headers[0]);
  cr_expect_eq(headers[1], 4u, "hello, change_cipher_spec, Finished, close_notify");
  cr_expect_eq(inner[0], 5u);
  cr_expect_eq(inner[1], 2u);
  rules_free(&play);
}

/* R-H-20: the same bytes go out with and without. */
Test(looking_on, changes_nothing) {
  struct side_setup client, server;
  struct credential *credential = credential_load("ed25519");
  struct pair plain, traced;
  pair_setup(&client, &server, credential, 33);
  cr_assert_eq(pair_new(&plain, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&plain));
  client.settings.flags |= HF_TRACE | HF_EXPORT_SECRETS;
  server.settings.flags |= HF_TRACE | HF_EXPORT_SECRETS;
  cr_assert_eq(pair_new(&traced, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&traced));
  cr_assert_eq(plain.client.sent.len, traced.client.sent.len);
  cr_expect_arr_eq(plain.client.sent.data, traced.client.sent.data, plain.client.sent.len);
  cr_assert_eq(plain.server.sent.len, traced.server.sent.len);
  cr_expect_arr_eq(plain.server.sent.data, traced.server.sent.data, plain.server.sent.len);
  pair_free(&plain);
  pair_free(&traced);
  credential_free(credential);
}

/* R-H-21: the state has a name at every step, another for each. */
Test(looking_on, names_of_states) {
  static const char *const names[] = {"SERVER_HELLO",
                                      "ENCRYPTED_EXTENSIONS",
                                      "CERTIFICATE_REQUEST",
                                      "CERTIFICATE_REQUEST",
                                      "CERTIFICATE_VERIFY",
                                      "FINISHED",
                                      "OPEN"};
  struct craft_play play;
  rules_client(&play);
  for (int step = SERVER_SAID_HELLO; step <= SERVER_SAID_FINISHED; step++) {
    cr_assert(play_until(&play, step));
    cr_expect_not_null(strstr(hf_row_name(play.side.conn), names[step]), "step %d: %s", step,
                       hf_row_name(play.side.conn));
    cr_expect_not_null(strstr(hf_row_name(play.side.conn), "client"));
  }
  rules_free(&play);
}
