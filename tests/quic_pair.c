/* quic_pair.c: see quic_pair.h. */
#include "quic_pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reborn.h"
#include "side.h"

static const uint8_t client_params[] = {0x01, 0x02, 0x67, 0x10, 0x0f, 0x00};
static const uint8_t server_params[] = {0x01, 0x02, 0x47, 0xd0, 0x0f, 0x01, 0x2a};

void quic_set(struct quic_pair *pair, uint64_t seed) {
  struct quic_end *client = &pair->client, *server = &pair->server;
  memset(pair, 0, sizeof *pair);
  client->settings.role = HF_CLIENT;
  server->settings.role = HF_SERVER;
  client->settings.transport = server->settings.transport = HF_QUIC;
  client->settings.alpn = (hf_bytes){(const uint8_t *)"\2h3\1x", 5};
  client->start.now = server->start.now = 1700000000000;
  client->start.server_name = bytes_of("localhost");
  client->start.quic_params = (hf_bytes){client_params, sizeof client_params};
  server->start.quic_params = (hf_bytes){server_params, sizeof server_params};
  server->alpn = bytes_of("h3");
  server->credential = credential_load("ecdsa-p256");
  side_entropy(&client->start.entropy, 2 * seed);
  side_entropy(&server->start.entropy, 2 * seed + 1);
}

static void answer_session(struct quic_end *end, const hf_question_t *q) {
  /* A ticket is the session itself. */
  const hf_bytes name = q->session.candidates[0].name;
  struct buf state = {0};
  buf_add(&state, name.data, name.len);
  cr_assert_neq(hf_answer_session(end->conn, 0, (hf_bytes){state.data, state.len}, end->accept),
                HF_MISUSE);
  buf_free(&state);
}

static void answer_signature(struct quic_end *end, const hf_question_t *q) {
  struct buf signature = {0};
  cr_assert(
      credential_sign(&signature, end->credential->key, q->signature.sigalg, q->signature.input));
  cr_assert_neq(hf_answer_signature(end->conn, (hf_bytes){signature.data, signature.len}),
                HF_MISUSE);
  buf_free(&signature);
}

static void note_install(struct quic_end *end, const hf_question_t *q) {
  static const char *const names[] = {"", "EARLY", "HANDSHAKE", "APPLICATION"};
  if (q->install.kind == HF_SECRET_TRAFFIC) {
    size_t at = strlen(end->installs);
    snprintf(end->installs + at, sizeof end->installs - at, " %c%s", q->install.sending ? 'w' : 'r',
             names[q->install.level]);
    memcpy(end->secret[q->install.sending][q->install.level], q->install.secret.data,
           q->install.secret.len);
  }
  cr_assert_neq(hf_answer_done(end->conn), HF_MISUSE);
}

static void answer(struct quic_end *end) {
  const hf_question_t *q = hf_question(end->conn);
  end->asked[q->ask]++;
  hf_status status = HF_OK;
  switch (q->ask) {
    case HF_ASK_HELLO:
      end->seen.len = 0;
      buf_add(&end->seen, q->hello.quic_params.data, q->hello.quic_params.len);
      status = hf_answer_hello(end->conn, NULL, end->alpn, end->params);
      break;
    case HF_ASK_COOKIE:
      status = hf_answer_cookie(end->conn, (hf_bytes){NULL, 0});
      break;
    case HF_ASK_SESSION:
      answer_session(end, q);
      break;
    case HF_ASK_IDENTITY:
      status =
          hf_answer_identity(end->conn, end->credential != NULL ? end->credential->identity : NULL);
      break;
    case HF_ASK_SIGNATURE:
      answer_signature(end, q);
      break;
    case HF_ASK_VERDICT:
      status = hf_answer_verdict(end->conn);
      break;
    case HF_ASK_TICKET: {
      const hf_bytes state = buf_copy(q->ticket.state);
      status = hf_answer_ticket(end->conn, state);
      free((void *)state.data);
      break;
    }
    case HF_ASK_KEEP:
      end->kept.len = 0;
      buf_add(&end->kept, q->keep.state.data, q->keep.state.len);
      status = hf_answer_done(end->conn);
      break;
    case HF_ASK_INSTALL:
      note_install(end, q);
      break;
    case HF_ASK_NONE:
    case HF_ASK_ENCAP:
    case HF_ASK_COMPRESS:
    case HF_ASK_DECOMPRESS:
    default:
      cr_assert_fail("question %d", (int)q->ask);
  }
  cr_assert_neq(status, HF_MISUSE);
}

static void flush(struct quic_end *end) {
  static const char *const needs[] = {"", "", " wHANDSHAKE", " wAPPLICATION"};
  const size_t max = end->flush_max == 0 ? 4096 : end->flush_max;
  uint8_t room[4096];
  hf_level level;
  size_t len;
  cr_assert_eq(hf_quic_flush(end->conn, &level, &len, room, max), HF_OK);
  cr_assert_gt(len, 0u);
  cr_assert_leq(len, max);
  cr_assert_neq(level, HF_EARLY);
  cr_assert_not_null(strstr(end->installs, needs[level]), "bytes of level %d before its keys",
                     (int)level);
  for (size_t later = (size_t)level + 1; later < 4; later++) cr_assert_eq(end->sent[later].len, 0u);
  buf_add(&end->out[level], room, len);
  buf_add(&end->sent[level], room, len);
}

void quic_settle(struct quic_end *end) {
  for (;;) {
    if (end->saves) {
      const char *differs =
          reborn(&end->conn, end->credential != NULL ? end->credential->identity : NULL);
      cr_assert_null(differs, "%s", differs);
    }
    const unsigned wants = hf_wants(end->conn);
    cr_assert_not(wants & (HF_CAN_SEND | HF_CLOSED));
    if (wants & HF_WANT_OUTPUT) {
      flush(end);
    } else if (wants & HF_WANT_ANSWER) {
      answer(end);
    } else {
      return;
    }
  }
}

static void start(struct quic_end *end) {
  hf_config *config;
  cr_assert_eq(hf_config_new(&config, &end->settings), HF_OK);
  cr_assert_eq(hf_new(&end->conn, config, &end->start), HF_OK);
  hf_config_free(config);
  quic_settle(end);
}

void quic_start(struct quic_pair *pair) {
  start(&pair->client);
  start(&pair->server);
}

hf_status quic_give(struct quic_end *end, hf_level level, const uint8_t *data, size_t len) {
  size_t used = 0;
  const hf_status status = hf_quic_open(end->conn, &used, level, (hf_bytes){data, len});
  if (status == HF_OK) cr_assert_eq(used, len, "level %d", (int)level);
  quic_settle(end);
  return status;
}

bool quic_move(struct quic_end *from, struct quic_end *to, size_t piece) {
  bool moved = false;
  for (size_t level = 0; level < 4; level++) {
    struct buf *out = &from->out[level];
    for (size_t at = 0; at < out->len;) {
      size_t len = piece == 0 || out->len - at < piece ? out->len - at : piece;
      if (quic_give(to, (hf_level)level, out->data + at, len) != HF_OK) return false;
      at += len;
      moved = true;
    }
    out->len = 0;
  }
  return moved;
}

bool quic_run(struct quic_pair *pair) {
  bool more = true;
  while (more) {
    more = quic_move(&pair->client, &pair->server, pair->piece);
    more = quic_move(&pair->server, &pair->client, pair->piece) || more;
  }
  return (hf_wants(pair->client.conn) & hf_wants(pair->server.conn) & HF_READY) != 0;
}

static void part(struct quic_end *end) {
  hf_free(end->conn);
  end->conn = NULL;
  for (size_t i = 0; i < 4; i++) {
    buf_free(&end->out[i]);
    buf_free(&end->sent[i]);
  }
  buf_free(&end->seen);
  memset(end->installs, 0, sizeof end->installs);
  memset(end->secret, 0, sizeof end->secret);
  memset(end->asked, 0, sizeof end->asked);
}

void quic_part(struct quic_pair *pair) {
  part(&pair->client);
  part(&pair->server);
}

void quic_free(struct quic_pair *pair) {
  quic_part(pair);
  buf_free(&pair->client.kept);
  buf_free(&pair->server.kept);
  credential_free(pair->server.credential);
  if (pair->client.credential != NULL) credential_free(pair->client.credential);
}
