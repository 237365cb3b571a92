/* rules.c: see rules.h. */
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

static const uint8_t alpn[] = {1, 'a', 2, 'b', 'b'};

void rules_setup(struct side_setup *setup, hf_role role, uint32_t flags) {
  struct side_setup client, server;
  struct credential *credential = role == HF_SERVER ? credential_load("ecdsa-p256") : NULL;
  pair_setup(&client, &server, credential, 7);
  *setup = role == HF_SERVER ? server : client;
  setup->settings.flags = flags;
  if (role == HF_CLIENT) setup->settings.alpn = (hf_bytes){alpn, sizeof alpn};
  if (role == HF_SERVER) setup->alpn = bytes_of("bb");
}

static void must(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "cannot begin: %s\n", what);
  abort();
}

void rules_server(struct craft_play *play, uint32_t flags, const char *name, uint16_t sigalg) {
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, flags);
  must(play_new(play, &setup, name, sigalg), "a server");
}

void rules_client(struct craft_play *play) {
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  must(play_new(play, &setup, "ecdsa-p256", 0x0403), "a client");
}

void rules_free(struct craft_play *play) {
  struct credential *credential = (struct credential *)play->side.setup.credential;
  play_free(play);
  credential_free(credential);
}

static const char *say(const char *what, int got, int want) {
  static char text[200];
  snprintf(text, sizeof text, "%s %d instead of %d", what, got, want);
  return text;
}

const char *rules_verdict(struct craft_play *play, int alert) {
  struct craft *craft = &play->craft;
  struct side *side = &play->side;
  static char text[300];
  hf_fault fault;
  hf_get_fault(&fault, side->conn);
  int heard = craft_hear_alert(craft);
  if (side->broken != NULL) return side->broken;
  if (craft->broken) return "a record of the engine could not be read";
  if (alert == AL_NONE) {
    if (fault.status == HF_OK && heard == AL_NONE) return NULL;
    snprintf(text, sizeof text, "failed with alert %d: %s", fault.alert, fault.text);
    return text;
  }
  if (fault.status == HF_OK) return "did not fail";
  snprintf(text, sizeof text, "alert %d instead of %d: %s", fault.alert, alert, fault.text);
  if (fault.alert != alert) return text;
  if (heard != alert) return say("sent alert", heard, alert);
  if (craft->alert_level != 2) return say("sent the alert at level", craft->alert_level, 2);
  uint8_t byte = 0;
  hf_bytes app;
  size_t used;
  if (hf_open(side->conn, &app, &used, &byte, 1) != fault.status)
    return "the failure is not sticky";
  if (hf_wants(side->conn) != HF_FAILED) return say("wants", (int)hf_wants(side->conn), HF_FAILED);
  return NULL;
}

const char *rules_reason(struct craft_play *play, hf_status status, int alert) {
  static char text[300];
  hf_fault fault;
  hf_get_fault(&fault, play->side.conn);
  if (fault.status == status) return rules_verdict(play, alert);
  snprintf(text, sizeof text, "another reason: %s", fault.text);
  return text;
}

void rules_say(struct craft_play *play, uint8_t type, struct buf *body) {
  craft_say(&play->craft, type, body);
  buf_free(body);
}

struct buf rules_bytes(const void *data, size_t len) {
  struct buf buf = {0};
  buf_add(&buf, data, len);
  return buf;
}
