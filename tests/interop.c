/* interop.c: see interop.h. */
#include "interop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct interop_name interop_suites[INTEROP_SUITES] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", "AES-128-GCM"},
    {0x1302, "TLS_AES_256_GCM_SHA384", "AES-256-GCM"},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"}};
const struct interop_name interop_groups[INTEROP_GROUPS] = {{0x001d, "X25519", "GROUP-X25519"},
                                                            {0x0017, "P-256", "GROUP-SECP256R1"},
                                                            {0x0018, "P-384", "GROUP-SECP384R1"}};
const struct interop_name interop_certs[INTEROP_CERTS] = {{0x0403, "ecdsa-p256", "ecdsa-p256"},
                                                          {0x0503, "ecdsa-p384", "ecdsa-p384"},
                                                          {0x0804, "rsa-2048", "rsa-2048"},
                                                          {0x0807, "ed25519", "ed25519"}};

/* another is a group that is not |group|. */
static uint16_t another(const struct interop_name *group) {
  return interop_groups[group == &interop_groups[0] ? 1 : 0].code;
}

static uint16_t version_of(const struct interop_case *c) {
  return c->version == 0 ? 0x0304 : c->version;
}

static uint64_t seed_of(const struct interop_case *c) {
  return (uint64_t)c->suite->code << 16 | (uint64_t)(c->group->code << 8) | c->cert->code;
}

/* check_chain refuses any chain but that of tests/certs/, and any name but localhost. */
static bool check_chain(void *arg, struct side_answer *answer, const hf_question_t *question) {
  const struct interop_lists *lists = arg;
  hf_bytes chain[8];
  if (question->ask != HF_ASK_VERDICT) return false;
  size_t num = credential_chain(chain, 8, lists->cert);
  bool same = num == question->verdict.num && num > 0 &&
              bytes_equal(question->verdict.server_name, bytes_of("localhost"));
  for (size_t i = 0; i < num; i++) {
    same = same && bytes_equal(chain[i], question->verdict.chain[i]);
    free((void *)chain[i].data);
  }
  answer->refuse = !same;
  answer->alert = 42;
  return true;
}

void interop_client(struct side_setup *setup, struct interop_lists *lists,
                    const struct interop_case *c) {
  *lists = (struct interop_lists){
      .suite = c->suite->code, .groups = {c->group->code}, .cert = c->cert->openssl};
  *setup = (struct side_setup){.settings = {.role = HF_CLIENT,
                                            .version_min = version_of(c),
                                            .version_max = version_of(c),
                                            .suites = {&lists->suite, 1},
                                            .groups = {lists->groups, 1}},
                               .start = {.now = 1700000000000,
                                         .server_name = bytes_of("localhost"),
                                         .no_compatibility = c->cookie}};
  if (c->retry) {
    lists->groups[0] = another(c->group);
    lists->groups[1] = c->group->code;
    setup->settings.groups.num = 2;
  }
  setup->answer = check_chain;
  setup->arg = lists;
  side_entropy(&setup->start.entropy, seed_of(c));
}

static bool no_cookie(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask == HF_ASK_COOKIE) answer->bytes = bytes_of("");
  return true;
}

void interop_server(struct side_setup *setup, struct interop_lists *lists,
                    const struct interop_case *c, const struct credential *credential) {
  *lists = (struct interop_lists){.suite = c->suite->code, .groups = {c->group->code}};
  *setup = (struct side_setup){.settings = {.role = HF_SERVER,
                                            .version_min = version_of(c),
                                            .version_max = version_of(c),
                                            .suites = {&lists->suite, 1},
                                            .groups = {lists->groups, 1},
                                            .flags = HF_ISSUE_TICKETS},
                               .start = {.now = 1700000000000},
                               .credential = credential};
  if (c->cookie) {
    setup->settings.flags |= HF_DEMAND_COOKIE;
  } else {
    setup->answer = no_cookie;
  }
  side_entropy(&setup->start.entropy, seed_of(c) + 1);
}

void interop_text(struct buf *out, size_t len, unsigned seed) {
  uint8_t *room = buf_room(out, len);
  unsigned state = seed * 2654435761U + 1;
  for (size_t i = 0; i < len; i++) {
    state = state * 1664525U + 1013904223U;
    room[i] = (uint8_t)((i + 1) % 1000 == 0 ? '\n' : 'a' + (state >> 24) % 16);
  }
  if (len > 0) room[len - 1] = '\n';
  buf_added(out, len);
}

const char *interop_title(const struct interop_case *c) {
  static char title[256];
  snprintf(title, sizeof title, "%s, %s, %s%s%s", c->suite->openssl, c->group->openssl,
           c->cert->openssl, c->retry ? ", retry" : "", c->cookie ? ", cookie" : "");
  return title;
}

static const char *why_failed(const struct wire *wire, const char *otherwise) {
  static char text[512];
  hf_fault fault;
  hf_get_fault(&fault, wire->side->conn);
  if (wire->side->broken != NULL) return wire->side->broken;
  if (fault.status == HF_OK) return otherwise;
  snprintf(text, sizeof text, "%s: %s (alert %d, in %s)", otherwise, fault.text, fault.alert,
           fault.where);
  return text;
}

const char *interop_hello(struct wire *wire, const struct interop_case *c) {
  hf_facts facts;
  if (!wire_handshake(wire)) return why_failed(wire, "the handshake failed");
  hf_get_facts(&facts, wire->side->conn);
  bool client = wire->side->setup.settings.role == HF_CLIENT;
  if (facts.version != version_of(c)) return "it is another version";
  if (facts.suite != c->suite->code) return "another suite was chosen";
  if (facts.group != c->group->code) return "another group was chosen";
  if (facts.retried != (c->retry || c->cookie)) return "the HelloRetryRequest is wrong";
  if ((client ? facts.sigalg : facts.own_sigalg) != c->cert->code) {
    return "another signature algorithm was used";
  }
  return NULL;
}

const char *interop_talk(struct wire *wire, const struct interop_case *c, bool echoes) {
  struct buf ours = {0}, theirs = {0};
  const char *wrong = NULL;
  struct peer *peer = wire->peer;
  interop_text(&ours, c->len, (unsigned)seed_of(c));
  interop_text(&theirs, c->len, (unsigned)seed_of(c) + (echoes ? 0 : 1));
  if (!echoes) buf_add(&peer->input, theirs.data, theirs.len);
  peer->log.len = 0;
  if (side_send(wire->side, ours.data, ours.len) != HF_OK || !wire_drain(wire)) {
    wrong = why_failed(wire, "sending failed");
  } else if (!wire_received(wire, c->len)) {
    wrong = why_failed(wire, "receiving failed");
  } else if (wire->side->app.len != c->len ||
             memcmp(wire->side->app.data, theirs.data, c->len) != 0) {
    wrong = "the data received is wrong";
  }
  if (wrong == NULL && !echoes) {
    buf_add(&ours, "", 1); /* a string, for peer_printed */
    if (!peer_printed(peer, (const char *)ours.data)) wrong = "the peer did not get our data";
  }
  buf_free(&ours);
  buf_free(&theirs);
  return wrong;
}

const char *interop_bye(struct wire *wire, const struct interop_case *c) {
  if (c->peer_closes_first) {
    if (!peer_end_input(wire->peer) || !wire_closed(wire)) {
      return why_failed(wire, "no close_notify came from the peer");
    }
    if (side_close(wire->side) != HF_OK) return why_failed(wire, "closing failed");
  } else {
    if (side_close(wire->side) != HF_OK || !wire_closed(wire)) {
      return why_failed(wire, "the peer did not answer close_notify");
    }
  }
  return wire_end(wire) ? NULL : why_failed(wire, "the connection did not end");
}

const char *interop_again(const struct side *side) {
  const size_t pieces[] = {1, 2, 3, 0};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    const char *differs =
        side_replay(side, side->tape.len > 100000 && pieces[i] > 0 ? 1000 : pieces[i]);
    if (differs != NULL) return differs;
  }
  return NULL;
}
