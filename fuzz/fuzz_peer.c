/* fuzz_peer.c - two honest engines, and between them somebody who holds the keys of both.
 *
 * He has every message in the clear (the engines' events say what they sent), does with it what the
 * input says, and seals what comes of it under the keys that its reader has.  The first byte says
 * whether he is
 *   a man in the middle   he can write records, but no Finished and no signature: whoever becomes
 *                         ready agrees with the other about all there is to agree about
 *   the peer itself       he signs, and writes Finished, over what its reader has heard: to either
 *                         engine he is a peer that says odd things
 * and whether a session of an earlier handshake goes on; the second byte says the settings.  Either
 * way, the messages by which an engine became ready came in an order that the RFCs allow, as
 * tests/sequence_oracle.h has them.  Then a byte for each message that is due, with what it needs.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "peer.h"
#include "tests/sequence_oracle.h"

enum { MOST_TURNS = 12, MOST_SAID = 60, MOST_PAST = 40, MOST_WORDS = 700 };

struct message {
  uint8_t type; /* ContentType */
  hf_level level;
  uint8_t *data;
  size_t len;
};

struct line {
  struct message list[MOST_SAID];
  size_t num;
};

struct world;
struct side {
  struct fuzz_peer peer;
  struct world *world;
  struct line said;       /* and not given to the other yet */
  char words[MOST_WORDS]; /* what it said and heard, as sequence_oracle.h writes it */
  bool ready;
};

struct world {
  struct side side[2];
  struct line past; /* messages that were said, by either */
  struct fuzz_bytes in;
  unsigned settings;
  bool holds_keys;
};

/* ---- Messages ---- */

static void put(struct line *line, uint8_t type, hf_level level, const uint8_t *data, size_t len) {
  if (line->num == MOST_SAID) return;
  struct message *message = &line->list[line->num++];
  *message = (struct message){type, level, malloc(len + 1), len};
  CHECK(message->data != NULL);
  if (len > 0) memcpy(message->data, data, len);
}

static struct message take_first(struct line *line) {
  const struct message first = line->list[0];
  memmove(line->list, line->list + 1, --line->num * sizeof first);
  return first;
}

static void drop_all(struct line *line) {
  while (line->num > 0) free(line->list[--line->num].data);
}

/* ---- What an engine said and heard ---- */

static const char *name_of(hf_bytes message) {
  static const char *const names[] = {
      [1] = "ClientHello",        [2] = "ServerHello",           [4] = "NewSessionTicket",
      [5] = "EndOfEarlyData",     [8] = "EncryptedExtensions",   [11] = "Certificate",
      [12] = "ServerKeyExchange", [13] = "CertificateRequest",   [14] = "ServerHelloDone",
      [15] = "CertificateVerify", [16] = "ClientKeyExchange",    [20] = "Finished",
      [22] = "CertificateStatus", [25] = "CompressedCertificate"};
  const uint8_t type = message.data[0];
  CBS hello;
  CBS_init(&hello, message.data + 4, message.len - 4);
  if (type == 2 && hf_is_retry(hello)) return "HelloRetryRequest";
  return type < sizeof names / sizeof names[0] ? names[type] : NULL;
}

static void add_word(struct side *side, bool client, const char *name) {
  const size_t len = strlen(side->words);
  if (name == NULL || side->ready) return;
  CHECK(len + strlen(name) + 4 < sizeof side->words);
  side->words[len] = ' ';
  side->words[len + 1] = client ? 'C' : 'S';
  side->words[len + 2] = ':';
  strcpy(side->words + len + 3, name);
}

static void see(void *arg, const hf_event *event) {
  struct side *side = arg;
  const hf_conn *conn = side->peer.conn;
  const bool by_client = event->sent == (conn->role == HF_CLIENT);
  /* A server of TLS 1.3 that sends tickets is ready, which nobody may have seen yet. */
  const bool after =
      event->sent && !hf_tls12(conn) && event->bytes.data[0] == HF_MSG_NEW_SESSION_TICKET;
  if (event->content == HF_HANDSHAKE_RECORD && event->bytes.len >= 4 && !after)
    add_word(side, by_client, name_of(event->bytes));
  if (event->content == HF_CCS && hf_tls12(conn)) add_word(side, by_client, "ChangeCipherSpec");
  if (!event->sent || event->content > HF_HANDSHAKE_RECORD) return;
  put(&side->said, (uint8_t)event->content, event->level, event->bytes.data, event->bytes.len);
  if (side->world->past.num < MOST_PAST)
    put(&side->world->past, (uint8_t)event->content, event->level, event->bytes.data,
        event->bytes.len);
}

/* ---- Who is ready ---- */

/* What an order is without brackets, and without what follows a +. */
static void add_plain(sequences *set, const char *line) {
  char plain[MOST_WORDS];
  size_t len = 0;
  bool skip = false;
  for (; *line != 0; line++) {
    if (*line == '+') skip = true;
    if (*line == ' ') skip = false;
    if (!skip && strchr("(){}[]", *line) == NULL) plain[len++] = *line;
  }
  plain[len] = 0;
  sequences_add(set, plain);
}

static const sequences *orders(void) {
  static sequences plain;
  sequences all = {0};
  if (plain.num > 0) return &plain;
  sequences_from_rfc(&all);
  sequences_from_rfc12(&all);
  for (size_t i = 0; i < all.num; i++) add_plain(&plain, all.line[i]);
  sequences_free(&all);
  return &plain;
}

static void check_order(const struct side *side) {
  char line[MOST_WORDS + 10];
  const sequences *known = orders();
  const bool quic = (side->world->settings & FUZZ_QUIC) != 0;
  strcpy(line, hf_tls12(side->peer.conn) ? "tls12" : quic ? "quic" : "tls");
  strcat(line, side->words);
  bool legal = false;
  for (size_t i = 0; i < known->num; i++) legal = legal || strcmp(known->line[i], line) == 0;
  if (!legal) fprintf(stderr, "%s\n", line);
  CHECK(legal);
}

static bool equal(hf_bytes a, hf_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Who is ready has heard the other's Finished, and it the whole conversation. */
static void check_agreement(const hf_conn *one, const hf_conn *other) {
  hf_facts a, b;
  hf_get_facts(&a, one);
  hf_get_facts(&b, other);
  CHECK(a.version == b.version && a.suite == b.suite && a.group == b.group);
  CHECK(a.sigalg == b.own_sigalg && a.resumed == b.resumed && a.retried == b.retried);
  CHECK(a.early_accepted == b.early_accepted && a.external_psk == b.external_psk);
  CHECK(equal(a.client_random, b.client_random) && equal(a.server_random, b.server_random));
  CHECK(equal(a.alpn, b.alpn) && equal(a.peer_finished, b.own_finished));
}

/* Who was authenticated by a certificate has sent one, and a signature. */
static void check_proofs(const struct side *side) {
  const hf_conn *conn = side->peer.conn;
  const bool resumed = hf_has(conn, RESUMED);
  CHECK(conn->proofs & HF_PROOF_FINISHED);
  if (conn->role == HF_SERVER) return;
  CHECK(resumed == (strstr(side->words, "S:Certificate") == NULL &&
                    strstr(side->words, "S:CompressedCertificate") == NULL));
  CHECK(resumed || ((conn->proofs & HF_PROOF_CHAIN) && (conn->proofs & HF_PROOF_SIGNATURE)));
}

static void look(struct world *world) {
  for (int i = 0; i < 2; i++) {
    struct side *side = &world->side[i];
    if (side->ready || !(hf_wants(side->peer.conn) & HF_READY)) continue;
    side->ready = true;
    check_order(side);
    check_proofs(side);
    if (!world->holds_keys) check_agreement(side->peer.conn, world->side[1 - i].peer.conn);
  }
}

/* ---- What the peer himself can do: RFC 9846 4.5.2, 4.5.3; RFC 5246 7.4.9 ---- */

static void write_finished(const hf_conn *reader, struct message *message) {
  uint8_t hash[HF_MAX_HASH], out[HF_MAX_HASH];
  size_t len = HF_VERIFY_DATA;
  if (hf_tls12(reader)) {
    hf_finished_12(out, reader, reader->role == HF_CLIENT);
  } else {
    len = hf_transcript_hash(hash, reader, reader->suite);
    if (hf_finished_mac(out, reader->suite, reader->read.secret, hash) != HF_OK) return;
  }
  if (message->len == 4 + len) memcpy(message->data + 4, out, len);
}

static void write_verify(const hf_conn *reader, struct message *message) {
  static const char *const by[] = {"TLS 1.3, server CertificateVerify",
                                   "TLS 1.3, client CertificateVerify"};
  uint8_t input[64 + 34 + HF_MAX_HASH], hash[HF_MAX_HASH];
  if (hf_tls12(reader) || message->len != 4 + 4 + FUZZ_SIGNATURE) return;
  const size_t len = hf_transcript_hash(hash, reader, reader->suite);
  memset(input, ' ', 64);
  memcpy(input + 64, by[reader->role], 34);
  memcpy(input + 64 + 34, hash, len);
  CHECK(fuzz_sign(message->data + 8, (hf_bytes){input, 64 + 34 + len}) == FUZZ_SIGNATURE);
}

static void prove(const hf_conn *reader, struct message *message) {
  if (message->type != HF_HANDSHAKE_RECORD || message->len < 4 || reader->hs == NULL ||
      reader->suite == NULL)
    return;
  if (message->data[0] == HF_MSG_FINISHED) write_finished(reader, message);
  if (message->data[0] == HF_MSG_CERTIFICATE_VERIFY) write_verify(reader, message);
}

/* ---- Giving ---- */

static void give(struct world *world, struct side *to, struct message *message) {
  static const uint8_t ccs[] = {20, 3, 3, 0, 1, 1};
  hf_conn *conn = to->peer.conn;
  if (hf_wants(conn) & HF_FAILED) return;
  if (world->holds_keys) prove(conn, message);
  if (world->settings & FUZZ_QUIC)
    fuzz_quic_feed(&to->peer, message->level, message->data, message->len);
  else if (message->type == HF_CCS)
    fuzz_feed(&to->peer, ccs, sizeof ccs);
  else
    fuzz_feed_sealed(&to->peer, message->type, message->data, message->len);
  look(world);
}

/* Its header says how long it is. */
static void set_length(struct message *message) {
  if (message->type != HF_HANDSHAKE_RECORD || message->len < 4) return;
  const size_t body = message->len - 4;
  message->data[1] = (uint8_t)(body >> 16);
  message->data[2] = (uint8_t)(body >> 8);
  message->data[3] = (uint8_t)body;
}

/* |cut| bytes at |at| are replaced by |with|. */
static void splice(struct message *message, size_t at, size_t cut, struct fuzz_bytes with) {
  if (message->len == 0) return;
  at %= message->len;
  if (cut > message->len - at) cut = message->len - at;
  const size_t rest = message->len - at - cut;
  message->data = realloc(message->data, message->len + with.len + 1);
  CHECK(message->data != NULL);
  memmove(message->data + at + with.len, message->data + at + cut, rest);
  if (with.len > 0) memcpy(message->data + at, with.data, with.len);
  message->len = at + with.len + rest;
  set_length(message);
}

static void change(struct message *message, struct fuzz_bytes *in, bool from_end) {
  const size_t at = from_end ? take(in) : take_two(in);
  const uint8_t by = take(in);
  if (message->len == 0) return;
  const size_t place = at % message->len;
  message->data[from_end ? message->len - 1 - place : place] ^= by;
}

static void give_past(struct world *world, struct side *to, size_t index) {
  if (world->past.num == 0) return;
  const struct message *old = &world->past.list[index % world->past.num];
  struct line copy = {.num = 0};
  put(&copy, old->type, old->level, old->data, old->len);
  give(world, to, &copy.list[0]);
  drop_all(&copy);
}

static void give_new(struct world *world, struct side *to, hf_level level) {
  struct line line = {.num = 0};
  const uint8_t type = (uint8_t)(HF_CCS + (take(&world->in) & 3)), len = take(&world->in);
  const struct fuzz_bytes bytes = take_some(&world->in, len);
  put(&line, type, level, bytes.data, bytes.len);
  give(world, to, &line.list[0]);
  drop_all(&line);
}

/* Both in one record. */
static void join(struct message *message, struct line *said) {
  if (said->num == 0 || said->list[0].type != message->type) return;
  struct message next = take_first(said);
  message->data = realloc(message->data, message->len + next.len + 1);
  CHECK(message->data != NULL);
  if (next.len > 0) memcpy(message->data + message->len, next.data, next.len);
  message->len += next.len;
  free(next.data);
}

/* What is due is given, unless this says that it is not. */
static bool tamper(struct world *world, struct side *from, struct side *to, struct message *due) {
  struct fuzz_bytes *in = &world->in;
  const unsigned what = take(in) & 15;
  if (what == 1) return false;
  if (what == 2) give(world, to, due);
  if (what == 3 && from->said.num > 0) {
    struct message next = take_first(&from->said);
    give(world, to, &next);
    free(next.data);
  }
  if (what == 4) change(due, in, false);
  if (what == 5) change(due, in, true);
  if (what == 6) give_past(world, to, take(in));
  if (what == 7) give_new(world, to, due->level);
  if (what == 8 || what == 9) {
    const size_t at = what == 8 ? take(in) : take_two(in), cut = take(in);
    splice(due, at, cut, take_some(in, take(in)));
  }
  if (what == 10) join(due, &from->said);
  if (what == 11) {
    put(&from->said, due->type, due->level, due->data, due->len);
    return take(in) & 1;
  }
  if (what == 12)
    fuzz_command(&to->peer, (uint8_t)(take(in) & (world->settings & FUZZ_QUIC ? 8 : 255)));
  if (what == 13) due->type = (uint8_t)(HF_CCS + (take(in) & 3));
  if (what == 14) due->level = (hf_level)(take(in) & 3);
  return true;
}

static void take_output(struct world *world, struct side *from) {
  uint8_t room[1500];
  size_t len;
  hf_level level;
  if (!(world->settings & FUZZ_QUIC)) {
    free(fuzz_take_output(&from->peer, &len));
    return;
  }
  fuzz_quic_settle(&from->peer);
  while (hf_wants(from->peer.conn) & HF_WANT_OUTPUT) {
    CHECK(hf_quic_flush(from->peer.conn, &level, &len, room, sizeof room) == HF_OK);
    fuzz_quic_settle(&from->peer);
  }
}

static void move(struct world *world, struct side *from, struct side *to) {
  take_output(world, from);
  look(world);
  /* What is held back comes again: not for ever. */
  for (size_t given = 0; from->said.num > 0 && given < MOST_SAID; given++) {
    struct message due = take_first(&from->said);
    if (tamper(world, from, to, &due)) give(world, to, &due);
    free(due.data);
  }
}

static void converse(struct world *world, int turns) {
  struct side *client = &world->side[HF_CLIENT], *server = &world->side[HF_SERVER];
  for (int i = 0; i < turns; i++) {
    move(world, client, server);
    move(world, server, client);
  }
}

static void begin(struct world *world, hf_bytes session) {
  for (int i = 0; i < 2; i++) {
    struct side *side = &world->side[i];
    memset(side, 0, sizeof *side);
    if (i == HF_CLIENT && session.data != NULL)
      fuzz_peer_resume(&side->peer, world->settings, session);
    else
      fuzz_peer_begin(&side->peer, (hf_role)i, world->settings);
    side->world = world;
    side->peer.see = see;
    side->peer.arg = side;
  }
}

static void end(struct world *world) {
  for (int i = 0; i < 2; i++) {
    fuzz_peer_end(&world->side[i].peer);
    drop_all(&world->side[i].said);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct fuzz_bytes in = {data, len};
  const uint8_t mode = take(&in);
  struct world world = {.settings = take(&in) | (unsigned)FUZZ_TRACE};
  hf_bytes session = {NULL, 0};
  world.settings |= mode & 8 ? (unsigned)FUZZ_QUIC : mode & 4 ? (unsigned)FUZZ_TLS12 : 0;
  begin(&world, session);
  if (mode & 2) { /* nobody is in the middle the first time */
    converse(&world, 4);
    session = (hf_bytes){world.side[HF_CLIENT].peer.kept, world.side[HF_CLIENT].peer.kept_len};
    world.side[HF_CLIENT].peer.kept = NULL;
    end(&world);
    world.settings |= FUZZ_AGAIN;
    begin(&world, session);
  }
  world.holds_keys = mode & 1;
  world.in = in;
  converse(&world, MOST_TURNS);
  end(&world);
  drop_all(&world.past);
  free((void *)session.data);
  return 0;
}
