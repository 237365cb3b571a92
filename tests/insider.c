/* insider.c: see insider.h. */
#include "insider.h"

#include <criterion/criterion.h>
#include <openssl/bytestring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"
#include "engine/engine.h"

static bool is_12(const struct insider *insider) {
  return (insider->scenario->parts & IN_TLS12) != 0;
}

static bool is_quic(const struct insider *insider) {
  return (insider->scenario->parts & IN_QUIC) != 0;
}

static struct side *side_of(struct insider *insider, bool client) {
  return client ? &insider->play.pair.client : &insider->play.pair.server;
}

struct side *insider_other(struct insider *insider) {
  return side_of(insider, !insider->is_client);
}

/* ---- The words of tests/golden ---- */

/* RFC 9846 4.2.3. */
static bool is_retry(hf_bytes message) {
  static const uint8_t random[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11};
  return message.len > 14 && memcmp(message.data + 6, random, sizeof random) == 0;
}

const char *insider_word(hf_bytes message, bool tls12) {
  static const struct {
    uint8_t type, version; /* 0: both */
    const char *word;
  } words[] = {
      {MSG_CLIENT_HELLO, 0, "ClientHello"},
      {MSG_SERVER_HELLO, 0, "ServerHello"},
      {MSG_CERTIFICATE, 0, "Certificate"},
      {MSG_CERTIFICATE_REQUEST, 0, "CertificateRequest"},
      {MSG_CERTIFICATE_VERIFY, 0, "CertificateVerify"},
      {MSG_FINISHED, 0, "Finished"},
      {MSG_END_OF_EARLY_DATA, 13, "EndOfEarlyData"},
      {MSG_ENCRYPTED_EXTENSIONS, 13, "EncryptedExtensions"},
      {MSG_COMPRESSED_CERTIFICATE, 13, "CompressedCertificate"},
      {MSG_NEW_SESSION_TICKET, 12, "NewSessionTicket"},
      {MSG_SERVER_KEY_EXCHANGE, 12, "ServerKeyExchange"},
      {MSG_SERVER_HELLO_DONE, 12, "ServerHelloDone"},
      {MSG_CLIENT_KEY_EXCHANGE, 12, "ClientKeyExchange"},
      {MSG_CERTIFICATE_STATUS, 12, "CertificateStatus"},
  };
  if (message.data == NULL) return tls12 ? "ChangeCipherSpec" : NULL;
  if (!tls12 && message.data[0] == MSG_SERVER_HELLO && is_retry(message))
    return "HelloRetryRequest";
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (words[i].type == message.data[0] &&
        (words[i].version == 0 || words[i].version == (tls12 ? 12 : 13)))
      return words[i].word;
  return NULL;
}

/* has_ext: does a block of extensions have |type|? */
static bool has_ext(CBS block, uint16_t type) {
  CBS list, body;
  uint16_t found;
  if (!CBS_get_u16_length_prefixed(&block, &list)) return false;
  while (CBS_get_u16(&list, &found) && CBS_get_u16_length_prefixed(&list, &body))
    if (found == type) return true;
  return false;
}

static void add_if(char *out, size_t max, bool is, const char *text) {
  if (is && strlen(out) + strlen(text) < max) strcat(out, text);
}

/* hello_parts adds what a hello says. */
static void hello_parts(struct insider *insider, char *out, size_t max, CBS body, bool client) {
  CBS session_id, rest;
  if (!CBS_skip(&body, 34) || !CBS_get_u8_length_prefixed(&body, &session_id)) return;
  const uint8_t len = (uint8_t)CBS_len(&session_id);
  const bool echo = len > 0 && insider->session_id[0] == len &&
                    memcmp(insider->session_id + 1, CBS_data(&session_id), len) == 0;
  if (client && len <= 32) {
    insider->session_id[0] = len;
    memcpy(insider->session_id + 1, CBS_data(&session_id), len);
  }
  if (client
          ? !CBS_get_u16_length_prefixed(&body, &rest) || !CBS_get_u8_length_prefixed(&body, &rest)
          : !CBS_skip(&body, 3))
    return;
  if (is_12(insider)) {
    add_if(out, max, client ? len > 0 : echo, client ? "+session" : "+resumed");
    add_if(out, max, has_ext(body, EXT_SESSION_TICKET), "+ticket");
    add_if(out, max, has_ext(body, EXT_STATUS_REQUEST), "+status_request");
  } else {
    add_if(out, max, has_ext(body, EXT_PRE_SHARED_KEY), "+psk");
    add_if(out, max, client && has_ext(body, EXT_EARLY_DATA), "+early_data");
    add_if(out, max, client && has_ext(body, 27), "+compress_certificate");
  }
}

/* note adds a message to what was said. */
static void note(struct insider *insider, bool by_client, hf_bytes message, uint8_t level) {
  static const char *const open[2][4] = {{"", "(", "{", "["}, {"", "", "", "["}},
                           *const close[2][4] = {{"", ")", "}", "]"}, {"", "", "", "]"}};
  const bool tls12 = is_12(insider);
  char text[120] = "";
  CBS body, list;
  snprintf(text, sizeof text, " %c:%s%s", by_client ? 'C' : 'S', open[tls12][level],
           insider_word(message, tls12));
  if (message.data != NULL) {
    CBS_init(&body, message.data + 4, message.len - 4);
    const uint8_t type = message.data[0];
    if ((type == MSG_CLIENT_HELLO || type == MSG_SERVER_HELLO) && (tls12 || !is_retry(message)))
      hello_parts(insider, text, sizeof text, body, by_client);
    if (type == MSG_ENCRYPTED_EXTENSIONS)
      add_if(text, sizeof text, has_ext(body, EXT_EARLY_DATA), "+early_data");
    if (type == MSG_CERTIFICATE_REQUEST && !tls12 && CBS_get_u8_length_prefixed(&body, &list))
      add_if(text, sizeof text, has_ext(body, 27), "+compress_certificate");
    if (type == MSG_CERTIFICATE && (tls12 || CBS_get_u8_length_prefixed(&body, &list)))
      add_if(text, sizeof text, CBS_get_u24_length_prefixed(&body, &list) && CBS_len(&list) == 0,
             "+empty");
  }
  add_if(text, sizeof text, true, close[tls12][level]);
  add_if(insider->said, sizeof insider->said, true, text);
}

/* ---- Records ---- */

/* seal feeds the other one record under |keys|, NULL: in the clear. */
static void seal(struct insider *insider, uint8_t type, const uint8_t *data, size_t len,
                 const hf_keys *keys) {
  struct side *to = insider_other(insider);
  const bool tls12 = is_12(insider);
  const size_t sent = keys != NULL && tls12 ? to->conn->suite->sent_nonce : 0;
  uint8_t record[5 + 8 + 16384 + 1 + 16], nonce[HF_NONCE], additional[HF_ADDITIONAL_12];
  uint8_t *content = record + 5 + sent;
  const size_t inner = keys != NULL && !tls12 ? len + 1 : len;
  const size_t body = sent + inner + (keys != NULL ? 16 : 0);
  const uint8_t header[] = {keys != NULL && !tls12 ? REC_DATA : type, 3, 3, (uint8_t)(body >> 8),
                            (uint8_t)body};
  size_t sealed = inner;
  memcpy(record, header, sizeof header);
  if (len > 0) memcpy(content, data, len);
  content[len] = type;
  if (keys != NULL) {
    hf_nonce(nonce, keys);
    hf_additional_12(additional, keys, header, len);
    memcpy(record + 5, nonce + HF_NONCE - sent, sent);
    cr_assert(EVP_AEAD_CTX_seal(&keys->aead, content, &sealed, inner + 16, nonce, HF_NONCE, content,
                                inner, tls12 ? additional : header,
                                tls12 ? sizeof additional : sizeof header));
  }
  (void)side_feed(to, record, 5 + body);
}

/* frame feeds the other one bytes of |level|'s CRYPTO stream, as side.h frames them. */
static void frame(struct insider *insider, hf_bytes message, uint8_t level) {
  enum { MOST = 4096 };
  for (size_t at = 0; at < message.len; at += MOST) {
    const size_t len = message.len - at < MOST ? message.len - at : MOST;
    uint8_t bytes[SIDE_FRAME_HEAD + MOST] = {(uint8_t)(SIDE_CRYPTO | level), 0, 0,
                                             (uint8_t)(len >> 8), (uint8_t)len};
    memcpy(bytes + SIDE_FRAME_HEAD, message.data + at, len);
    (void)side_feed(insider_other(insider), bytes, SIDE_FRAME_HEAD + len);
  }
}

static const hf_keys *in_force(struct insider *insider) {
  const hf_keys *keys = &insider_other(insider)->conn->read;
  return keys->level == HF_INITIAL ? NULL : keys;
}

static void give(struct insider *insider, hf_bytes message, const hf_keys *keys, bool live) {
  const hf_conn *conn = insider_other(insider)->conn;
  const size_t most = live && conn->max_inner > 1 ? conn->max_inner - 1U : 16384;
  if (message.data == NULL && conn->fault == HF_OK) {
    seal(insider, REC_CCS, (const uint8_t *)"\1", 1, keys);
  }
  /* Who has failed has no keys any more. */
  for (size_t at = 0; at < message.len && conn->fault == HF_OK; at += most)
    seal(insider, REC_HANDSHAKE, message.data + at,
         message.len - at < most ? message.len - at : most, keys);
}

void insider_give(struct insider *insider, hf_bytes message) {
  const hf_keys *keys = in_force(insider);
  if (is_quic(insider))
    frame(insider, message, insider_other(insider)->conn->read.level);
  else
    give(insider, message, keys, keys != NULL);
}

void insider_give_at(struct insider *insider, hf_bytes message, uint8_t level) {
  frame(insider, message, level);
}

void insider_give_clear(struct insider *insider, hf_bytes message) {
  give(insider, message, NULL, false);
}

void insider_give_wrong(struct insider *insider, hf_bytes message, const uint8_t *secret) {
  uint8_t taken[HF_MAX_HASH] = {42}; /* nobody's */
  const hf_suite *suite = insider_other(insider)->conn->suite;
  hf_keys keys = {.level = HF_INITIAL};
  cr_assert_not_null(suite);
  if (secret != NULL) memcpy(taken, secret, sizeof taken);
  cr_assert_eq(hf_keys_set(&keys, suite, HF_APPLICATION, taken), HF_OK);
  give(insider, message, &keys, false);
  hf_keys_wipe(&keys);
}

/* unseal opens a record that |to| can open, with number |seq|. */
static bool unseal(struct buf *out, uint8_t *type, const struct side *to, bool tls12, uint64_t seq,
                   const uint8_t *record, size_t len) {
  uint8_t nonce[HF_NONCE], additional[HF_ADDITIONAL_12];
  hf_keys keys = to->conn->read;
  size_t opened;
  if (keys.level == HF_INITIAL) return false;
  const size_t sent = tls12 ? to->conn->suite->sent_nonce : 0;
  if (len < 5 + sent + 16) return false;
  keys.seq = seq;
  hf_nonce(nonce, &keys);
  memcpy(nonce + HF_NONCE - sent, record + 5, sent);
  hf_additional_12(additional, &keys, record, len - 5 - sent - 16);
  uint8_t *room = buf_room(out, len);
  if (!EVP_AEAD_CTX_open(&to->conn->read.aead, room, &opened, len, nonce, HF_NONCE,
                         record + 5 + sent, len - 5 - sent, tls12 ? additional : record,
                         tls12 ? sizeof additional : 5))
    return false;
  *type = record[0];
  if (!tls12) {
    while (opened > 0 && room[opened - 1] == 0) opened--;
    if (opened == 0) return false;
    *type = room[--opened];
  }
  buf_added(out, opened);
  return true;
}

/* ---- Listening, and passing on ---- */

static void mark(struct insider *insider, struct insider_message *out) {
  const struct side *other = insider_other(insider);
  memcpy(out->said, insider->said, sizeof out->said);
  out->row = hf_row(other->conn);
  out->level = other->conn->read.level;
  memcpy(out->secret, other->conn->read.secret, sizeof out->secret);
  out->finished = insider->finished;
}

static void keep(struct insider *insider, hf_bytes message) {
  struct insider_message *grown =
      realloc(insider->messages, (insider->num + 1) * sizeof *insider->messages);
  cr_assert_not_null(grown);
  insider->messages = grown;
  struct insider_message *kept = &insider->messages[insider->num++];
  mark(insider, kept);
  kept->bytes = buf_copy(message);
}

void insider_note(struct insider *insider, hf_bytes message) {
  const uint8_t level = insider_other(insider)->conn->read.level;
  const bool known = insider_word(message, is_12(insider)) != NULL;
  if (known && !insider->finished) note(insider, insider->is_client, message, level);
  if (message.data != NULL && message.data[0] == MSG_FINISHED) insider->finished = true;
}

/* said_one: the whole |message| is said. */
static void said_one(struct insider *insider, bool by_client, hf_bytes message) {
  const bool own = by_client == insider->is_client;
  const struct side *to = side_of(insider, !by_client);
  if (!own) {
    if (insider_word(message, is_12(insider)) != NULL && !(hf_wants(to->conn) & HF_READY))
      note(insider, by_client, message, to->conn->read.level);
    return;
  }
  if (insider->listens) keep(insider, message);
  const bool goes = insider->tell == NULL || insider->tell(insider, message);
  insider->num_told++;
  if (!goes) return;
  insider_note(insider, message);
  insider_give(insider, message);
}

static void said_bytes(struct insider *insider, bool by_client, const uint8_t *data, size_t len) {
  struct buf *part = &insider->part[by_client];
  buf_add(part, data, len);
  while (part->len >= 4) {
    const uint8_t *m = part->data;
    const size_t whole = 4 + ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);
    if (part->len < whole) break;
    said_one(insider, by_client, (hf_bytes){part->data, whole});
    buf_drop(part, whole);
  }
}

/* next_seq is the number of the insider's next record under the other's keys. */
static uint64_t next_seq(struct insider *insider) {
  const hf_keys *keys = &insider_other(insider)->conn->read;
  if (keys->level != insider->level || keys->generation != insider->generation) insider->seq = 0;
  insider->level = keys->level;
  insider->generation = keys->generation;
  return insider->seq;
}

/* said_record: |record| is said.  What the insider says goes on in pieces, the other's as it is. */
static void said_record(struct insider *insider, bool by_client, const uint8_t *record,
                        size_t len) {
  const bool own = by_client == insider->is_client, tls12 = is_12(insider);
  struct side *to = side_of(insider, !by_client);
  struct buf content = {0};
  uint8_t type = record[0];
  const bool sealed = tls12 ? insider->spec[by_client] : type == REC_DATA;
  bool open = true;
  if (sealed) {
    const uint64_t seq = own ? next_seq(insider) : to->conn->read.seq;
    open = unseal(&content, &type, to, tls12, seq, record, len);
    insider->seq += own && open; /* early data that is refused does not count */
  } else {
    buf_add(&content, record + 5, len - 5);
  }
  if (open && type == REC_HANDSHAKE) {
    said_bytes(insider, by_client, content.data, content.len);
  } else if (open && type == REC_CCS && tls12) {
    said_one(insider, by_client, (hf_bytes){NULL, 0});
    insider->spec[by_client] = true;
  } else if (own && open && sealed && to->conn->fault == HF_OK) {
    seal(insider, type, content.data, content.len, in_force(insider));
  } else if (own) {
    if (!open && !insider->lost) insider->lost_level = to->conn->read.level;
    insider->lost = insider->lost || !open;
    (void)side_feed(to, record, len);
  }
  if (!own) (void)side_feed(to, record, len);
  buf_free(&content);
}

/* said_frame is said_record of QUIC's. */
static void said_frame(struct insider *insider, bool by_client, const uint8_t *bytes, size_t len) {
  const bool own = by_client == insider->is_client;
  struct side *to = side_of(insider, !by_client);
  const bool open = (bytes[0] ^ SIDE_CRYPTO) == to->conn->read.level;
  if (open) said_bytes(insider, by_client, bytes + SIDE_FRAME_HEAD, len - SIDE_FRAME_HEAD);
  if (!open || !own) (void)side_feed(to, bytes, len);
  insider->lost = insider->lost || (own && !open);
}

static void on_the_way(void *arg, bool by_client, size_t at, uint8_t *data, size_t len) {
  struct insider *insider = arg;
  struct side *from = side_of(insider, by_client);
  (void)at;
  if (by_client != insider->is_client && !insider->listens) return;
  for (size_t start = 0; start + 5 <= len;) {
    const size_t whole = 5 + ((size_t)data[start + 3] << 8 | data[start + 4]);
    (is_quic(insider) ? said_frame : said_record)(insider, by_client, data + start, whole);
    start += whole;
  }
  from->out.len = 0;
}

/* ---- Playing ---- */

void insider_play(struct insider *insider, const struct scenario *scenario, bool is_client,
                  bool (*tell)(struct insider *insider, hf_bytes message), void *arg) {
  insider->scenario = scenario;
  insider->is_client = is_client;
  insider->tell = tell;
  insider->arg = arg;
  strcpy(insider->said, is_12(insider) ? "tls12" : is_quic(insider) ? "quic" : "tls");
  cr_assert(scenario_play_edited(&insider->play, scenario, on_the_way, insider), "%s",
            scenario->name);
}

void insider_listen(struct insider *insider, const struct scenario *scenario, bool is_client) {
  *insider = (struct insider){.listens = true};
  insider_play(insider, scenario, is_client, NULL, NULL);
  mark(insider, &insider->end);
  if (scenario->client == HF_OK && scenario->server == HF_OK)
    cr_assert(insider->finished, "%s: not all was understood", scenario->name);
}

void insider_free(struct insider *insider) {
  for (size_t i = 0; i < insider->num; i++) free((void *)insider->messages[i].bytes.data);
  free(insider->messages);
  for (size_t i = 0; i < 2; i++) buf_free(&insider->part[i]);
  scenario_play_free(&insider->play);
}
