/* fuzz_calls.c - any calls of handfast.h, in any order, on two engines that are joined.
 *
 * The input: two bytes of settings, then calls, each a byte (bit 7: on which engine) and what it
 * needs.  Bytes go from one engine to the other when a call says so, whole or in pieces, and may be
 * changed on their way.  After each call the header's promises are looked at: HF_MISUSE and
 * HF_SHORT_OUTPUT leave the connection as it was, to the byte of hf_save; any other failure stays,
 * and is the one that hf_get_fault tells; a call is refused where the header says so, and only
 * there; data arrives as it was sent; and engines that are both ready agree. */
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { MOST_SEALED = 400, PADDING = 32, MOST_CALLS = 300 };

struct end {
  struct fuzz_peer peer;
  uint64_t sent, early, got; /* bytes of data: sealed; of those before it was ready; that came */
};

struct world {
  struct end end[2];
  unsigned settings;
  uint8_t *session; /* the last that an earlier client was to keep */
  size_t session_len;
};

static bool is_quic(const struct world *world) { return (world->settings & FUZZ_QUIC) != 0; }

/* ---- What was, and what is ---- */

struct saved {
  uint8_t *state;
  size_t len;
  unsigned wants;
};

static struct saved save(const hf_conn *conn) {
  struct saved saved = {.wants = hf_wants(conn)};
  const size_t size = hf_save_size(conn);
  saved.state = malloc(size);
  CHECK(saved.state != NULL && size > 0);
  CHECK(hf_save(conn, saved.state, &saved.len, size) == HF_OK && saved.len == size);
  return saved;
}

static void same(const hf_conn *conn, const struct saved *before) {
  struct saved now = save(conn);
  CHECK(now.wants == before->wants && now.len == before->len);
  CHECK(memcmp(now.state, before->state, now.len) == 0);
  free(now.state);
}

/* settle ends a call that began with |before| and returned |status|. */
static void settle(const hf_conn *conn, struct saved before, hf_status status) {
  hf_fault fault;
  hf_get_fault(&fault, conn);
  CHECK((fault.status != HF_OK) == ((hf_wants(conn) & HF_FAILED) != 0));
  CHECK(fault.text != NULL && fault.where != NULL);
  if (status == HF_MISUSE || status == HF_SHORT_OUTPUT)
    same(conn, &before);
  else if (status != HF_OK)
    CHECK(fault.status == status);
  if (before.wants & HF_FAILED) CHECK(hf_wants(conn) & HF_FAILED);
  free(before.state);
}

/* Of a call that changes nothing, whatever it returns. */
static void settle_getter(const hf_conn *conn, struct saved before) {
  same(conn, &before);
  free(before.state);
}

static hf_facts facts_of(const hf_conn *conn) {
  hf_facts facts;
  hf_get_facts(&facts, conn);
  return facts;
}

/* ---- Moving bytes ---- */

static void append(struct end *to, const uint8_t *data, size_t len) {
  if (len == 0) return;
  to->peer.in = realloc(to->peer.in, to->peer.in_len + len);
  CHECK(to->peer.in != NULL);
  memcpy(to->peer.in + to->peer.in_len, data, len);
  to->peer.in_len += len;
}

static void flush(const struct world *world, struct end *from, struct end *to, size_t room) {
  uint8_t out[4096];
  size_t written = 1;
  hf_conn *conn = from->peer.conn;
  struct saved before = save(conn);
  const hf_status status = hf_flush(conn, &written, out, room);
  CHECK(written <= room && (status == HF_MISUSE) == is_quic(world));
  CHECK(is_quic(world) || (written > 0) == ((before.wants & HF_WANT_OUTPUT) && room > 0));
  settle(conn, before, status);
  append(to, out, written);
}

/* The data that came is the data that was sent, but for early data that was refused. */
static void receive(struct end *to, const struct end *from, hf_bytes app) {
  if (app.data == NULL) return;
  if ((hf_wants(from->peer.conn) & HF_EARLY_REFUSED) && to->got < from->early)
    to->got = from->early;
  for (size_t i = 0; i < app.len; i++) CHECK(app.data[i] == (uint8_t)to->got++);
  CHECK(to->got <= from->sent);
}

/* open_one gives at most |len| bytes to hf_open.  False: nothing came of it. */
static bool open_one(const struct world *world, struct end *to, const struct end *from,
                     size_t len) {
  hf_bytes app = {NULL, 0};
  size_t used = 1;
  struct fuzz_peer *peer = &to->peer;
  struct saved before = save(peer->conn);
  if (len > peer->in_len) len = peer->in_len;
  const size_t need = hf_need(peer->conn, peer->in, len);
  const hf_status status = hf_open(peer->conn, &app, &used, peer->in, len);
  const unsigned wants = hf_wants(peer->conn);
  CHECK(used <= len && (status == HF_MISUSE) == is_quic(world));
  CHECK(app.data == NULL || (app.data >= peer->in && app.data + app.len <= peer->in + used));
  if (status == HF_OK)
    CHECK(need > 0 || used > 0 || (wants & (HF_WANT_ANSWER | HF_CLOSED)) || len == 0);
  if (status == HF_OK && need > 0) CHECK(used == 0);
  settle(peer->conn, before, status);
  if (status != HF_OK) return false;
  receive(to, from, app);
  peer->in_len -= used;
  if (used > 0) memmove(peer->in, peer->in + used, peer->in_len);
  return used > 0;
}

static void answer(struct end *end) {
  hf_conn *conn = end->peer.conn;
  struct saved before = save(conn);
  settle(conn, before,
         before.wants & HF_WANT_ANSWER ? fuzz_answer(&end->peer) : hf_answer_done(conn));
}

/* All that can be done without a further word: questions, output, input. */
static void go_on(struct world *world, struct end *end, struct end *other) {
  for (int steps = 0; steps < 60; steps++) {
    const unsigned wants = hf_wants(end->peer.conn);
    if (is_quic(world)) {
      if (wants & HF_WANT_ANSWER)
        answer(end);
      else if (!(wants & HF_WANT_OUTPUT) || (wants & HF_FAILED) ||
               !fuzz_quic_move(&end->peer, &other->peer, 0, 0))
        return;
    } else if (wants & HF_WANT_OUTPUT) {
      flush(world, end, other, 4096);
    } else if ((wants & HF_WANT_ANSWER) && !(wants & HF_FAILED)) {
      answer(end);
    } else if (!open_one(world, end, other, end->peer.in_len)) {
      return;
    }
  }
}

/* ---- Answers of any kind ---- */

static bool fits(hf_ask ask, unsigned kind) {
  static const hf_ask of[] = {HF_ASK_HELLO,    HF_ASK_COOKIE,     HF_ASK_SESSION,   HF_ASK_SESSION,
                              HF_ASK_IDENTITY, HF_ASK_ENCAP,      HF_ASK_SIGNATURE, HF_ASK_VERDICT,
                              HF_ASK_COMPRESS, HF_ASK_DECOMPRESS, HF_ASK_TICKET,    HF_ASK_KEEP};
  return ask == of[kind] || (kind == 11 && ask == HF_ASK_INSTALL);
}

static hf_status any_answer(struct world *world, struct end *end, unsigned kind, hf_bytes bytes) {
  hf_conn *conn = end->peer.conn;
  const hf_psk psk = {.suite = 0x1301, .identity = bytes, .secret = bytes};
  const size_t index = bytes.len > 0 ? bytes.data[0] & 3 : 0;
  switch (kind) {
    case 0:
      return hf_answer_hello(conn, index ? end->peer.config : NULL, bytes, NULL);
    case 1:
      return hf_answer_cookie(conn, bytes);
    case 2:
      if (index == 3) bytes = (hf_bytes){world->session, world->session_len};
      return hf_answer_session(conn, index, bytes, (unsigned)bytes.len & 3);
    case 3:
      return hf_answer_psk(conn, index, &psk, (unsigned)bytes.len & 3);
    case 4:
      return hf_answer_identity(conn, index ? fuzz_identity() : NULL);
    case 5:
      return hf_answer_encap(conn, bytes, bytes);
    case 6:
      return hf_answer_signature(conn, bytes);
    case 7:
      return hf_answer_verdict(conn);
    case 8:
      return hf_answer_compress(conn, (uint16_t)index, bytes);
    case 9:
      return hf_answer_decompress(conn, bytes);
    case 10:
      return hf_answer_ticket(conn, bytes);
    default:
      return hf_answer_done(conn);
  }
}

static hf_bytes take_bytes(struct fuzz_bytes *in) {
  const size_t len = take(in);
  const struct fuzz_bytes piece = take_some(in, len);
  return (hf_bytes){len > 0 ? piece.data : NULL, piece.len};
}

static void odd_answer(struct world *world, struct end *end, struct fuzz_bytes *in) {
  hf_conn *conn = end->peer.conn;
  const unsigned kind = take(in) % 12;
  const hf_bytes bytes = take_bytes(in);
  const bool asked = fits(hf_question(conn)->ask, kind);
  struct saved before = save(conn);
  const hf_status status = any_answer(world, end, kind, bytes);
  CHECK(asked || status == HF_MISUSE);
  if (asked && status == HF_MISUSE) CHECK(fits(hf_question(conn)->ask, kind));
  settle(conn, before, status);
}

/* ---- Commands ---- */

static void seal(struct end *from, struct end *to, size_t len, size_t spare) {
  uint8_t out[MOST_SEALED + 600], data[MOST_SEALED];
  hf_conn *conn = from->peer.conn;
  const hf_facts facts = facts_of(conn);
  const size_t least = len + facts.header + facts.trailer;
  size_t written = 0, room = least > 40 ? least + spare - 40 : spare;
  if (len > sizeof data) return;
  if (room > sizeof out) room = sizeof out;
  for (size_t i = 0; i < len; i++) data[i] = (uint8_t)(from->sent + i);
  struct saved before = save(conn);
  const hf_status status = hf_seal(conn, &written, out, room, data, len);
  const bool may = (before.wants & HF_CAN_SEND) != 0;
  CHECK(may || status == HF_MISUSE);
  if (may && len <= facts.max_data && !facts.early_open)
    CHECK(status != HF_MISUSE && (status != HF_SHORT_OUTPUT || room < least + PADDING));
  settle(conn, before, status);
  if (status != HF_OK) return;
  CHECK(written >= least && written <= room && !(hf_wants(conn) & HF_FAILED));
  from->sent += len;
  if (!(before.wants & HF_READY)) from->early = from->sent;
  append(to, out, written);
}

static void rekey(const struct world *world, hf_conn *conn, bool peer_too) {
  const hf_facts facts = facts_of(conn);
  struct saved before = save(conn);
  /* INSTALL, pending or to come, stops the peer's bytes; those of one that closed are none. */
  const bool closed = (before.wants & HF_CLOSED) != 0;
  const bool installs =
      hf_question(conn)->ask == HF_ASK_INSTALL || !(closed || (before.wants & HF_WANT_INPUT));
  const bool may = (before.wants & (HF_READY | HF_FAILED)) == HF_READY && !facts.close_sent &&
                   facts.version == 0x0304 && !is_quic(world) && !installs;
  const hf_status status = hf_rekey(conn, peer_too);
  CHECK((status != HF_MISUSE) == may || (closed && status == HF_MISUSE));
  settle(conn, before, status);
}

static void issue_ticket(hf_conn *conn) {
  const hf_facts facts = facts_of(conn);
  struct saved before = save(conn);
  const hf_status status = hf_issue_ticket(conn);
  if ((before.wants & (HF_READY | HF_FAILED)) != HF_READY || facts.version != 0x0304 ||
      facts.role != HF_SERVER)
    CHECK(status == HF_MISUSE);
  settle(conn, before, status);
}

static void close_it(const struct world *world, hf_conn *conn) {
  struct saved before = save(conn);
  const hf_status status = hf_close(conn);
  CHECK((status == HF_MISUSE) == ((before.wants & HF_FAILED) || is_quic(world)));
  if (status == HF_OK) {
    CHECK(facts_of(conn).close_sent && !(hf_wants(conn) & HF_CAN_SEND));
    CHECK((before.wants & HF_READY) || (hf_wants(conn) & HF_CLOSED));
  }
  settle(conn, before, status);
}

static void refuse(hf_conn *conn, uint8_t alert, bool abort_it) {
  hf_fault fault;
  struct saved before = save(conn);
  hf_status status = HF_OK;
  if (abort_it)
    hf_abort(conn, alert);
  else
    status = hf_refuse(conn, alert);
  if (!abort_it) CHECK((status == HF_OK) == ((before.wants & HF_WANT_ANSWER) != 0));
  hf_get_fault(&fault, conn);
  if (status == HF_OK && !(before.wants & HF_FAILED))
    CHECK(fault.status == HF_REFUSED && fault.alert == (alert == 0 ? 80 : alert));
  settle(conn, before, status);
}

static void load(struct end *end, size_t at, uint8_t change) {
  hf_conn *loaded = NULL;
  const hf_config *config = end->peer.config;
  const hf_identity *identity = fuzz_identity();
  struct saved before = save(end->peer.conn);
  size_t len = 1;
  CHECK(hf_save(end->peer.conn, before.state, &len, before.len - 1) == HF_SHORT_OUTPUT);
  at %= before.len;
  before.state[at] ^= change;
  const hf_status status =
      hf_load(&loaded, &config, 1, &identity, 1, (hf_bytes){before.state, before.len});
  before.state[at] ^= change;
  CHECK((status == HF_OK) == (change == 0) && (loaded != NULL) == (status == HF_OK));
  settle_getter(loaded != NULL ? loaded : end->peer.conn, before);
  if (loaded == NULL) return;
  hf_free(end->peer.conn);
  end->peer.conn = loaded;
}

/* ---- Looking on ---- */

static void export_keys(hf_conn *conn, struct fuzz_bytes *in) {
  uint8_t out[300];
  char label[260];
  struct saved before = save(conn);
  const hf_facts facts = facts_of(conn);
  const size_t label_len = take(in), out_len = take_two(in) % sizeof out;
  const hf_bytes context = take_bytes(in);
  memset(label, 'x', label_len);
  label[label_len] = 0;
  const hf_status status = hf_export(conn, out, out_len, label, context);
  CHECK(status == HF_OK || status == HF_MISUSE);
  if ((before.wants & (HF_READY | HF_FAILED)) == HF_READY)
    CHECK((status == HF_OK) == (label_len <= 249));
  else if (facts.role == HF_CLIENT && facts.version == 0x0304)
    CHECK(status == HF_MISUSE);
  const hf_status early = hf_export_early(conn, out, out_len, label, context);
  CHECK(early == HF_OK || early == HF_MISUSE);
  if (before.wants & (HF_READY | HF_FAILED)) CHECK(early == HF_MISUSE);
  settle_getter(conn, before);
}

static void look_at_keys(const struct world *world, hf_conn *conn, bool sending) {
  uint8_t key[32], iv[12];
  size_t key_len;
  uint64_t seq;
  hf_bytes secret;
  struct saved before = save(conn);
  const bool ready = (before.wants & (HF_READY | HF_FAILED)) == HF_READY;
  const hf_facts facts = facts_of(conn);
  const hf_status status = hf_record_key(conn, sending, key, &key_len, iv, &seq);
  CHECK((status == HF_OK) == (ready && !(before.wants & HF_WANT_OUTPUT) && !is_quic(world)));
  CHECK((hf_traffic_secret(&secret, conn, sending) == HF_OK) == (ready && facts.version == 0x0304));
  settle_getter(conn, before);
}

static void look(hf_conn *conn, struct fuzz_bytes *in) {
  hf_bytes body;
  hf_event event;
  struct saved before = save(conn);
  const uint8_t place = take(in);
  const uint16_t type = (uint16_t)take_two(in);
  if (!hf_peer_extension(&body, conn, place, type)) CHECK(body.data == NULL);
  (void)hf_early_acceptable(conn, place & 3, take_bytes(in));
  while (hf_next_event(conn, &event)) CHECK(event.row != NULL && event.bytes.data != NULL);
  CHECK(hf_row_name(conn) != NULL && hf_question(conn) != NULL);
  settle_getter(conn, before);
}

static void add_extensions(hf_conn *conn, struct fuzz_bytes *in) {
  hf_extension list[2] = {{.type = 0}, {.type = 0}};
  struct saved before = save(conn);
  for (int i = 0; i < 2; i++) {
    list[i].type = (uint16_t)take_two(in);
    list[i].send = take(in);
    list[i].take = take(in);
    list[i].body = take_bytes(in);
  }
  const hf_ask ask = hf_question(conn)->ask;
  const hf_status status = hf_add_extensions(conn, list, take(in) % 3);
  if (ask != HF_ASK_HELLO && ask != HF_ASK_IDENTITY) CHECK(status == HF_MISUSE);
  settle(conn, before, status);
}

/* Calls of the carrier that this is not, and bytes of any level if it is QUIC's. */
static void other_carrier(const struct world *world, hf_conn *conn, struct fuzz_bytes *in) {
  uint8_t out[64];
  size_t used = 0;
  hf_level level = HF_INITIAL;
  struct saved before = save(conn);
  const uint8_t which = take(in);
  const hf_bytes bytes = take_bytes(in);
  hf_status status;
  if (which & 1)
    status = hf_quic_open(conn, &used, (hf_level)(which >> 1 & 3), bytes);
  else
    status = hf_quic_flush(conn, &level, &used, out, 0);
  CHECK((status == HF_MISUSE) == !is_quic(world));
  settle(conn, before, status);
}

/* ---- Two engines ---- */

static void end_both(struct world *world) {
  struct fuzz_peer *client = &world->end[HF_CLIENT].peer;
  if (client->kept != NULL) {
    free(world->session);
    world->session = client->kept;
    world->session_len = client->kept_len;
    client->kept = NULL;
  }
  for (int i = 0; i < 2; i++) fuzz_peer_end(&world->end[i].peer);
}

static void begin_both(struct world *world) {
  const hf_bytes session = {world->session, world->session_len};
  memset(world->end, 0, sizeof world->end);
  fuzz_peer_begin(&world->end[HF_SERVER].peer, HF_SERVER, world->settings);
  if (session.data != NULL)
    fuzz_peer_resume(&world->end[HF_CLIENT].peer, world->settings, session);
  else
    fuzz_peer_begin(&world->end[HF_CLIENT].peer, HF_CLIENT, world->settings);
}

static bool equal(hf_bytes a, hf_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Whatever was called, and whatever the bytes went through: who is ready agrees with the other. */
static void agree(const struct world *world) {
  const hf_conn *client = world->end[HF_CLIENT].peer.conn;
  const hf_conn *server = world->end[HF_SERVER].peer.conn;
  const hf_facts c = facts_of(client), s = facts_of(server);
  uint8_t one[32], two[32];
  const hf_bytes none = {NULL, 0};
  if (!(hf_wants(client) & hf_wants(server) & HF_READY)) return;
  CHECK(c.version == s.version && c.suite == s.suite && c.group == s.group);
  CHECK(c.sigalg == s.own_sigalg && c.own_sigalg == s.sigalg);
  CHECK(c.resumed == s.resumed && c.external_psk == s.external_psk);
  CHECK(c.retried == s.retried && c.early_accepted == s.early_accepted);
  CHECK(c.extended_main_secret == s.extended_main_secret && equal(c.alpn, s.alpn));
  CHECK(equal(c.client_random, s.client_random) && equal(c.server_random, s.server_random));
  CHECK(equal(c.own_finished, s.peer_finished) && equal(c.peer_finished, s.own_finished));
  if ((hf_wants(client) | hf_wants(server)) & HF_FAILED) return;
  CHECK(hf_export(client, one, sizeof one, "EXPORTER-agree", none) == HF_OK);
  CHECK(hf_export(server, two, sizeof two, "EXPORTER-agree", none) == HF_OK);
  CHECK(memcmp(one, two, sizeof one) == 0);
}

/* Each of these makes the call that |which| says, if it is one of its own. */

static void move_calls(struct world *world, struct end *end, struct end *other, unsigned which,
                       struct fuzz_bytes *in) {
  if (which == 0) go_on(world, end, other);
  if (which == 1) flush(world, end, other, take(in));
  if (which == 2) (void)open_one(world, end, other, end->peer.in_len);
  if (which == 3) (void)open_one(world, end, other, take(in));
  if (which == 4 && end->peer.in_len > 0) {
    const size_t at = take_two(in) % end->peer.in_len;
    end->peer.in[at] ^= take(in);
  }
  if (which == 5 && is_quic(world)) {
    const size_t at = take_two(in);
    (void)fuzz_quic_move(&end->peer, &other->peer, at, take(in));
  }
  if (which == 6) answer(end);
  if (which == 7) odd_answer(world, end, in);
}

static void commands(struct world *world, struct end *end, struct end *other, unsigned which,
                     struct fuzz_bytes *in) {
  hf_conn *conn = end->peer.conn;
  if (which == 8) refuse(conn, take(in), false);
  if (which == 9) refuse(conn, take(in), true);
  if (which == 10) close_it(world, conn);
  if (which == 11) rekey(world, conn, take(in) & 1);
  if (which == 12) issue_ticket(conn);
  if (which == 13) seal(end, other, take(in), 60);
  if (which == 14) {
    const size_t len = take(in);
    seal(end, other, len, take(in));
  }
  if (which == 15) hf_set_time(conn, 1700000000000 + take_two(in) * 1000);
}

static void other_calls(struct world *world, struct end *end, unsigned which,
                        struct fuzz_bytes *in) {
  hf_conn *conn = end->peer.conn;
  if (which == 16) export_keys(conn, in);
  if (which == 17) look_at_keys(world, conn, take(in) & 1);
  if (which == 18) look(conn, in);
  if (which == 19) add_extensions(conn, in);
  if (which == 20) other_carrier(world, conn, in);
  if (which == 21) load(end, 0, 0);
  if (which == 22) {
    const size_t at = take_two(in);
    load(end, at, take(in));
  }
  if (which == 23) {
    end_both(world);
    begin_both(world);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct fuzz_bytes in = {data, len};
  struct world world = {.settings = take(&in)};
  const uint8_t more = take(&in);
  world.settings |= more & 1 ? (unsigned)FUZZ_QUIC : 0;
  world.settings |= (more & 3) == 2 ? (unsigned)FUZZ_TLS12 : 0;
  begin_both(&world);
  for (unsigned calls = 0; in.len > 0 && calls < MOST_CALLS; calls++) {
    const uint8_t which = take(&in);
    struct end *end = &world.end[which >> 7], *other = &world.end[1 - (which >> 7)];
    move_calls(&world, end, other, which & 31, &in);
    commands(&world, end, other, which & 31, &in);
    other_calls(&world, end, which & 31, &in);
    agree(&world);
  }
  end_both(&world);
  free(world.session);
  return 0;
}
