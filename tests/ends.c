#include "ends.h"

#include <criterion/criterion.h>
#include <string.h>

#include "ssl_pair.h"

hf_bytes text(const char *s) { return (hf_bytes){(const uint8_t *)s, strlen(s)}; }

void add_credential(hf_answers *answers, const char *name) {
  char chain[64], key[64];
  hf_credential *credential = NULL;
  snprintf(chain, sizeof(chain), "%s.pem", name);
  snprintf(key, sizeof(key), "%s.key", name);
  cr_assert_eq(hf_credential_load(&credential, cert_path(chain), cert_path(key)), HF_OK, "%s",
               name);
  cr_assert_eq(hf_answers_add_credential(answers, credential), HF_OK);
  hf_credential_free(credential);
}

void ends_set(struct ends *e, const char *name) {
  memset(e, 0, sizeof(*e));
  e->server_settings.role = HF_SERVER;
  e->client_start.server_name = text("localhost");
  e->client_answers = hf_answers_new();
  e->server_answers = hf_answers_new();
  cr_assert_eq(hf_answers_trust_file(e->client_answers, cert_path("root.pem")), HF_OK);
  cr_assert_eq(hf_answers_trust_file(e->server_answers, cert_path("root.pem")), HF_OK);
  if (name != NULL) add_credential(e->server_answers, name);
}

static hf_conn *start(const hf_settings *settings, hf_start *start) {
  hf_config *config;
  hf_conn *conn;
  cr_assert_eq(hf_config_new(&config, settings), HF_OK);
  hf_draw_entropy(&start->entropy);
  start->now = hf_now();
  cr_assert_eq(hf_new(&conn, config, start), HF_OK);
  hf_config_free(config);
  return conn;
}

void ends_start_server(struct ends *e) { e->server = start(&e->server_settings, &e->server_start); }

void ends_start(struct ends *e) {
  e->client = start(&e->client_settings, &e->client_start);
  ends_start_server(e);
}

bool ends_move(hf_conn *from, hf_answers *answers, hf_conn *to, hf_answers *to_answers) {
  static uint8_t wire[100000];
  size_t len = 0, n, used = 0;
  bool moved = false;
  while ((hf_wants(from) & HF_WANT_ANSWER) != 0 && hf_answer(from, answers)) moved = true;
  while ((hf_wants(from) & HF_WANT_OUTPUT) != 0) {
    cr_assert_eq(hf_flush(from, &n, wire + len, sizeof(wire) - len), HF_OK);
    len += n;
  }
  while (used < len) {
    hf_bytes app;
    if (hf_open(to, &app, &n, wire + used, len - used) != HF_OK) return false;
    used += n;
    if (n == 0 && !((hf_wants(to) & HF_WANT_ANSWER) != 0 && hf_answer(to, to_answers))) break;
  }
  return moved || len > 0;
}

void ends_run(struct ends *e) {
  bool more = true;
  for (int i = 0; i < 100 && more; i++) {
    more = ends_move(e->client, e->client_answers, e->server, e->server_answers);
    more = ends_move(e->server, e->server_answers, e->client, e->client_answers) || more;
  }
}

void ends_meet(struct ends *e) {
  ends_start(e);
  ends_run(e);
}

bool ends_ready(const struct ends *e) {
  return (hf_wants(e->client) & hf_wants(e->server) & HF_READY) != 0;
}

void ends_part(struct ends *e) {
  hf_free(e->client);
  hf_free(e->server);
  e->client = e->server = NULL;
}

void ends_free(struct ends *e) {
  ends_part(e);
  hf_answers_free(e->client_answers);
  hf_answers_free(e->server_answers);
}

uint8_t alert_of(const hf_conn *conn, hf_status status) {
  hf_fault fault;
  hf_get_fault(&fault, conn);
  cr_assert_eq(fault.status, status, "%s", fault.text);
  return fault.alert;
}
