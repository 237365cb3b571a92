/* side.c: see side.h.  Owns the loop around the engine and the usual answers; side_replay.c does it
 * all again. */
#include "side.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "reborn.h"

static const char cookie_mark[] = "cookie:", ticket_mark[] = "ticket:";

void side_entropy(hf_entropy *out, uint64_t seed) {
  uint8_t *bytes = (uint8_t *)out;
  uint8_t input[16] = {0};
  for (size_t i = 0; i < 8; i++) input[i] = (uint8_t)(seed >> (8 * i));
  for (size_t at = 0; at < sizeof *out; at += 32) {
    uint8_t digest[32];
    input[8] = (uint8_t)(at / 32);
    SHA256(input, sizeof input, digest);
    memcpy(bytes + at, digest, sizeof *out - at < 32 ? sizeof *out - at : 32);
  }
  /* A scalar below 2^(n-1) is below the order of its curve. */
  out->p256[0] &= 0x7f;
  out->p384[0] &= 0x7f;
  out->p521[0] = 0;
}

/* offered says whether |name| is in a ProtocolNameList without its outer length. */
static bool offered(hf_bytes list, hf_bytes name) {
  for (size_t at = 0; at < list.len; at += 1U + list.data[at]) {
    if (list.data[at] == name.len && memcmp(list.data + at + 1, name.data, name.len) == 0) {
      return true;
    }
  }
  return false;
}

static bool begins_with(hf_bytes bytes, const char *mark) {
  return bytes.len >= strlen(mark) && memcmp(bytes.data, mark, strlen(mark)) == 0;
}

static hf_bytes behind(hf_bytes bytes, const char *mark) {
  return (hf_bytes){bytes.data + strlen(mark), bytes.len - strlen(mark)};
}

static hf_bytes marked(struct buf *room, const char *mark, hf_bytes bytes) {
  buf_add(room, mark, strlen(mark));
  buf_add(room, bytes.data, bytes.len);
  return (hf_bytes){room->data, room->len};
}

static void usual_cookie(struct side_answer *answer, const hf_question_t *q, struct buf *room) {
  if (q->cookie.make) {
    answer->bytes = marked(room, cookie_mark, q->cookie.content);
  } else if (begins_with(q->cookie.cookie, cookie_mark)) {
    answer->bytes = behind(q->cookie.cookie, cookie_mark);
  } else {
    *answer = (struct side_answer){.ask = q->ask, .refuse = true, .alert = 47};
  }
}

static void usual_session(struct side_answer *answer, const hf_question_t *q) {
  for (size_t i = 0; i < q->session.num; i++) {
    hf_bytes name = q->session.candidates[i].name;
    if (!begins_with(name, ticket_mark)) continue;
    answer->bytes = behind(name, ticket_mark);
    answer->index = i;
    answer->flags = HF_ACCEPT_EARLY;
    return;
  }
}

/* usual_answer leaves refused what it has no answer to. */
static void usual_answer(struct side_answer *answer, const struct side *side,
                         const hf_question_t *q, struct buf *room) {
  const struct credential *credential = side->setup.credential;
  *answer = (struct side_answer){.ask = q->ask};
  switch (q->ask) {
    case HF_ASK_HELLO:
      if (offered(q->hello.alpn, side->setup.alpn)) answer->bytes = side->setup.alpn;
      break;
    case HF_ASK_COOKIE:
      usual_cookie(answer, q, room);
      break;
    case HF_ASK_SESSION:
      usual_session(answer, q);
      break;
    case HF_ASK_IDENTITY:
      answer->none = credential == NULL;
      break;
    case HF_ASK_SIGNATURE:
      answer->refuse = !credential_sign(
          room, q->signature.delegated ? credential->delegated_key : credential->key,
          q->signature.sigalg, q->signature.input);
      answer->bytes = (hf_bytes){room->data, room->len};
      break;
    case HF_ASK_TICKET:
      answer->bytes = marked(room, ticket_mark, q->ticket.state);
      break;
    case HF_ASK_VERDICT:
    case HF_ASK_KEEP:
    case HF_ASK_INSTALL:
      break;
    case HF_ASK_NONE:
    case HF_ASK_ENCAP:
    case HF_ASK_COMPRESS:
    case HF_ASK_DECOMPRESS:
      answer->refuse = true;
      break;
  }
}

static hf_status give(hf_conn *conn, const struct side_answer *a,
                      const struct credential *credential) {
  if (a->refuse) return hf_refuse(conn, a->alert);
  if (a->abort) {
    hf_abort(conn, a->alert);
    return HF_OK;
  }
  switch (a->ask) {
    case HF_ASK_HELLO:
      return hf_answer_hello(conn, NULL, a->bytes, NULL);
    case HF_ASK_COOKIE:
      return hf_answer_cookie(conn, a->bytes);
    case HF_ASK_SESSION:
      return a->psk != NULL ? hf_answer_psk(conn, a->index, a->psk, a->flags)
                            : hf_answer_session(conn, a->index, a->bytes, a->flags);
    case HF_ASK_IDENTITY:
      return hf_answer_identity(conn, a->none ? NULL : credential->identity);
    case HF_ASK_ENCAP:
      return hf_answer_encap(conn, a->bytes, a->secret);
    case HF_ASK_SIGNATURE:
      return hf_answer_signature(conn, a->bytes);
    case HF_ASK_VERDICT:
      return hf_answer_verdict(conn);
    case HF_ASK_COMPRESS:
      return hf_answer_compress(conn, (uint16_t)a->index, a->bytes);
    case HF_ASK_DECOMPRESS:
      return hf_answer_decompress(conn, a->bytes);
    case HF_ASK_TICKET:
      return hf_answer_ticket(conn, a->bytes);
    case HF_ASK_KEEP:
    case HF_ASK_INSTALL:
      return hf_answer_done(conn);
    case HF_ASK_NONE:
      break;
  }
  return HF_MISUSE;
}

/* grow makes room for one more element in an array that holds |num|: its size is a power of two. */
static void *grow(void *array, size_t num, size_t size) {
  if (num != 0 && (num & (num - 1)) != 0) return array;
  void *grown = realloc(array, (num == 0 ? 1 : 2 * num) * size);
  if (grown == NULL) abort();
  return grown;
}

static void keep_answer(struct side *side, const struct side_answer *answer) {
  if (side->setup.forgets) return;
  side->answers = grow(side->answers, side->num_answers, sizeof *side->answers);
  struct side_answer *kept = &side->answers[side->num_answers++];
  *kept = *answer;
  kept->bytes = buf_copy(answer->bytes);
  kept->secret = buf_copy(answer->secret);
}

static void note_secret(struct side *side, const hf_question_t *q) {
  struct side_secret secret = {.kind = (uint8_t)q->install.kind,
                               .level = (uint8_t)q->install.level,
                               .sending = q->install.sending,
                               .generation = (uint8_t)q->install.generation};
  SHA256(q->install.secret.data, q->install.secret.len, secret.digest);
  buf_add(&side->secrets, &secret, sizeof secret);
}

/* No call of the engine's leaves anything on libcrypto's queue. */
static void check_queue(struct side *side) {
  if (ERR_peek_error() != 0) side->broken = "something is left on libcrypto's error queue";
}

static void answer_question(struct side *side) {
  const hf_question_t *q = hf_question(side->conn);
  struct side_answer answer;
  struct buf room = {0};
  side->asked[q->ask]++;
  if (q->ask == HF_ASK_KEEP) {
    side->kept.len = 0;
    buf_add(&side->kept, q->keep.state.data, q->keep.state.len);
  }
  if (q->ask == HF_ASK_INSTALL) note_secret(side, q);
  usual_answer(&answer, side, q, &room);
  if (side->setup.answer != NULL) (void)side->setup.answer(side->setup.arg, &answer, q);
  keep_answer(side, &answer);
  ERR_clear_error(); /* of signing */
  if (give(side->conn, &answer, side->setup.credential) == HF_MISUSE) {
    side->broken = "an answer was MISUSE";
  }
  buf_free(&room);
}

static bool is_quic(const struct side *side) { return side->setup.settings.transport == HF_QUIC; }

/* Of one level, framed. */
static hf_status flush_crypto(struct side *side, size_t *len, uint8_t *room, size_t max) {
  hf_level level;
  hf_status status = hf_quic_flush(side->conn, &level, len, room + SIDE_FRAME_HEAD, max);
  if (*len == 0 || *len > max) return status;
  if (level < side->sent_level || level == HF_EARLY) side->broken = "levels are out of order";
  side->sent_level = level;
  const uint8_t head[SIDE_FRAME_HEAD] = {(uint8_t)(SIDE_CRYPTO | level), 0, 0, (uint8_t)(*len >> 8),
                                         (uint8_t)*len};
  memcpy(room, head, sizeof head);
  *len += sizeof head;
  return status;
}

static void flush(struct side *side) {
  size_t max = side->setup.flush_max == 0 ? 4096 : side->setup.flush_max, len = 0;
  const size_t head = is_quic(side) ? SIDE_FRAME_HEAD : 0;
  uint8_t *room = buf_room(&side->out, head + max);
  hf_status status =
      is_quic(side) ? flush_crypto(side, &len, room, max) : hf_flush(side->conn, &len, room, max);
  /* What comes after the last byte may fail. */
  const bool told = status == HF_OK || status == side_fault(side);
  if (!told || len == 0 || len > head + max) {
    side->broken = "hf_flush gave nothing though output was wanted";
    return;
  }
  buf_add(&side->sent, room, len);
  buf_added(&side->out, len);
}

/* take_head takes the head of a frame off |in|; false: it is not there yet. */
static bool take_head(struct side *side) {
  const uint8_t *head = side->in.data;
  if (side->in.len < SIDE_FRAME_HEAD) return false;
  side->level = (hf_level)(head[0] ^ SIDE_CRYPTO);
  side->left = (size_t)head[3] << 8 | head[4];
  buf_drop(&side->in, SIDE_FRAME_HEAD);
  return true;
}

/* take_crypto gives the engine the front of |in|; false: it needs more. */
static bool take_crypto(struct side *side) {
  if (side->left == 0) return take_head(side);
  const size_t len = side->left < side->in.len ? side->left : side->in.len;
  size_t used = len;
  if (side->level <= HF_APPLICATION) {
    hf_status status = hf_quic_open(side->conn, &used, side->level, (hf_bytes){side->in.data, len});
    if (status == HF_OK && used != 0 && used != len) side->broken = "hf_quic_open took a part";
    if (status != HF_OK) used = side->in.len;
  }
  buf_drop(&side->in, used);
  side->left = used < side->left ? side->left - used : 0;
  return used > 0;
}

/* take_record gives the engine the front of |in|; false: it needs more. */
static bool take_record(struct side *side) {
  hf_bytes app = {NULL, 0};
  size_t used = 0, need = hf_need(side->conn, side->in.data, side->in.len);
  hf_status status = hf_open(side->conn, &app, &used, side->in.data, side->in.len);
  if (status != HF_OK) {
    side->in.len = 0;
    return true;
  }
  if (used > side->in.len) {
    side->broken = "hf_open consumed more than there was";
    return false;
  }
  bool held = (hf_wants(side->conn) & (HF_WANT_ANSWER | HF_CLOSED)) != 0;
  if ((need == 0) != (used > 0) && !held) side->broken = "hf_need and hf_open disagree";
  buf_add(&side->app, app.data, app.len);
  buf_drop(&side->in, used);
  return used > 0;
}

/* step does one thing; false: there is nothing to do. */
static bool step(struct side *side) {
  const struct side_setup *setup = &side->setup;
  unsigned wants = hf_wants(side->conn);
  bool asks = (wants & HF_WANT_ANSWER) && hf_question(side->conn)->ask != setup->leaves;
  const bool waits =
      asks && setup->waits != NULL && setup->waits(setup->arg, hf_question(side->conn));
  asks = asks && !waits;
  if ((wants & HF_CAN_SEND) && (wants & HF_WANT_OUTPUT)) {
    side->broken = "CAN_SEND stands beside WANT_OUTPUT";
    return false;
  }
  if (asks && (setup->answers_first || !(wants & HF_WANT_OUTPUT))) {
    answer_question(side);
    return true;
  }
  if (wants & HF_WANT_OUTPUT) {
    flush(side);
    return true;
  }
  /* Whether it is wanted or not: nothing is taken while a question of the handshake waits. */
  if ((wants & HF_FAILED) || side->in.len == 0 || !((wants & HF_WANT_INPUT) || waits)) return false;
  return is_quic(side) ? take_crypto(side) : take_record(side);
}

static void save_and_load(struct side *side) {
  const struct credential *credential = side->setup.credential;
  if (!side->setup.saves || side->conn == NULL || side->broken != NULL) return;
  side->broken = reborn(&side->conn, credential != NULL ? credential->identity : NULL);
}

/* prepare is what comes before each thing that is done. */
static bool prepare(struct side *side) {
  save_and_load(side);
  if (side->setup.before != NULL && side->broken == NULL) side->setup.before(side->setup.arg, side);
  ERR_clear_error();
  return side->broken == NULL;
}

static hf_status pump(struct side *side) {
  while (prepare(side) && step(side)) check_queue(side);
  return side_fault(side);
}

hf_status side_new(struct side *side, const struct side_setup *setup) {
  *side = (struct side){.setup = *setup};
  hf_status status = hf_config_new(&side->config, &setup->settings);
  ERR_clear_error();
  if (status == HF_OK) status = hf_new(&side->conn, side->config, &setup->start);
  check_queue(side);
  return status == HF_OK ? pump(side) : status;
}

void side_free(struct side *side) {
  hf_free(side->conn);
  hf_config_free(side->config);
  struct buf *bufs[] = {&side->in,      &side->out,  &side->app, &side->kept,
                        &side->secrets, &side->tape, &side->sent};
  for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_free(bufs[i]);
  for (size_t i = 0; i < side->num_answers; i++) {
    free((void *)side->answers[i].bytes.data);
    free((void *)side->answers[i].secret.data);
  }
  free(side->answers);
  free(side->items);
  *side = (struct side){.conn = NULL};
}

static void keep_item(struct side *side, enum side_step step, const uint8_t *data, size_t len,
                      bool flag) {
  if (side->setup.forgets) return;
  side->items = grow(side->items, side->num_items, sizeof *side->items);
  side->items[side->num_items++] = (struct side_item){step, side->tape.len, len, flag};
  buf_add(&side->tape, data, len);
}

hf_status side_feed(struct side *side, const uint8_t *data, size_t len) {
  keep_item(side, SIDE_INPUT, data, len, false);
  buf_add(&side->in, data, len);
  return pump(side);
}

hf_status side_send(struct side *side, const uint8_t *data, size_t len) {
  keep_item(side, SIDE_SEND, data, len, false);
  hf_status status = pump(side);
  do {
    if (status != HF_OK) return status;
    hf_facts facts;
    hf_get_facts(&facts, side->conn);
    size_t part = len < facts.max_data ? len : facts.max_data, made = 0;
    size_t max = part + facts.header + facts.trailer + side->setup.settings.padding;
    uint8_t *room = buf_room(&side->out, max);
    status = hf_seal(side->conn, &made, room, max, data, part);
    check_queue(side);
    if (status != HF_OK) return status;
    buf_add(&side->sent, room, made);
    buf_added(&side->out, made);
    data += part;
    len -= part;
    status = pump(side); /* the engine may change its keys between two records */
  } while (len > 0);
  return status;
}

static hf_status command(struct side *side, hf_status status) {
  check_queue(side);
  hf_status fault = pump(side);
  return status != HF_OK ? status : fault;
}

hf_status side_close(struct side *side) {
  keep_item(side, SIDE_CLOSE, NULL, 0, false);
  return command(side, hf_close(side->conn));
}

hf_status side_abort(struct side *side, uint8_t alert) {
  keep_item(side, SIDE_ABORT, &alert, 1, false);
  hf_abort(side->conn, alert);
  return command(side, HF_OK);
}

hf_status side_rekey(struct side *side, bool peer_too) {
  keep_item(side, SIDE_REKEY, NULL, 0, peer_too);
  return command(side, hf_rekey(side->conn, peer_too));
}

hf_status side_issue_ticket(struct side *side) {
  keep_item(side, SIDE_ISSUE_TICKET, NULL, 0, false);
  return command(side, hf_issue_ticket(side->conn));
}

hf_status side_forget(struct side *side) {
  hf_conn *fresh = NULL;
  keep_item(side, SIDE_FORGET, NULL, 0, false);
  hf_status status = hf_new(&fresh, side->config, &side->setup.start);
  check_queue(side);
  if (status != HF_OK) return status;
  hf_free(side->conn);
  side->conn = fresh;
  side->sent_level = HF_INITIAL;
  return pump(side);
}

bool side_is_ready(const struct side *side) {
  return side->conn != NULL && (hf_wants(side->conn) & HF_READY) != 0;
}

hf_status side_fault(const struct side *side) {
  hf_fault fault;
  hf_get_fault(&fault, side->conn);
  return fault.status;
}
