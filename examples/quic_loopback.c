/* quic_loopback.c: a handshake as QUIC carries it, over UDP that loses, doubles and reorders.
 *
 *   quic_loopback [COUNT [SEED]]
 *
 * The engine gives handshake bytes by level, and secrets; the rest is here, in miniature and not in
 * QUIC's own format: packets that are sealed under those secrets, CRYPTO frames with offsets,
 * acknowledgments, retransmission, reassembly for each level, a packet number space for each.  Both
 * ends are in one process, on two sockets on the loopback interface; time is counted in ticks.  The
 * handshakes are full, with a HelloRetryRequest, or resumed with a ticket of the one before; the
 * server's last word is a frame HANDSHAKE_DONE, which the client must acknowledge.
 *
 * What is left out: congestion control, limits on amplification, 0-RTT, header protection, and that
 * keys are thrown away when they are not needed any more. */
#define _DEFAULT_SOURCE /* POSIX, beside C11 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/aead.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>

#include <handfast/answers.h>
#include <handfast/handfast.h>

enum { DATAGRAM = 1200, CRYPTO_MAX = 900, STREAM = 16384, SENT = 512, ACKS = 100, AIR = 256 };
enum { LEVELS = 4, HEAD = 5, TAG = 16, TIMEOUT = 12, PATIENCE = 20000, MOST_LATE = 9 };
enum { FRAME_ACK = 0x02, FRAME_CRYPTO = 0x06, FRAME_DONE = 0x1e };

/* ---- The weather: what becomes of datagrams ---- */

struct air {
  uint64_t random;
  unsigned sent, lost, doubled, late;
};

static unsigned draw(struct air *air, unsigned below) {
  air->random ^= air->random << 13; /* xorshift: the same seed, the same weather */
  air->random ^= air->random >> 7;
  air->random ^= air->random << 17;
  return (unsigned)(air->random >> 33) % below;
}

struct datagram {
  uint8_t bytes[DATAGRAM];
  size_t len; /* 0: none */
  unsigned due;
};

/* ---- An end ---- */

/* keys protect packets of one level in one direction. */
struct keys {
  bool set;
  EVP_AEAD_CTX aead;
};

/* part is what an ack-eliciting packet held. */
struct part {
  uint32_t number, offset, len;
  bool done;
};

/* space is one level's packet number space and both of its streams. */
struct space {
  struct keys read, write;
  uint32_t next_number;
  uint8_t out[STREAM], acked[STREAM]; /* [i]: the peer has byte i */
  size_t out_len, out_sent;
  struct part sent[SENT]; /* the last packets, by number */
  unsigned last_sent;     /* tick */
  uint8_t in[STREAM], has[STREAM];
  size_t given; /* bytes that the engine has taken */
  uint32_t acks[ACKS];
  size_t num_acks;
};

struct end {
  hf_role role;
  hf_conn *conn;
  hf_answers *answers;
  int fd;
  struct space spaces[LEVELS]; /* by hf_level; HF_EARLY's is not used */
  bool say_done, done_acked;   /* server */
  bool heard_done;             /* client */
  struct datagram held[AIR];   /* on their way */
  unsigned again;              /* packets sent again */
  struct air *air;
};

/* What a client has from the connection before. */
struct memory {
  uint8_t session[2048];
  size_t len;
};

/* ---- Packets: level, number, and frames sealed under the level's keys ---- */

static bool set_keys(struct keys *keys, const uint8_t *secret, size_t len) {
  uint8_t key[32];
  const EVP_MD *md = len == 48 ? EVP_sha384() : EVP_sha256();
  if (keys->set) EVP_AEAD_CTX_cleanup(&keys->aead);
  keys->set = HKDF_expand(key, sizeof key, md, secret, len, (const uint8_t *)"packets", 7) == 1 &&
              EVP_AEAD_CTX_init(&keys->aead, EVP_aead_aes_256_gcm(), key, sizeof key, TAG, NULL);
  return keys->set;
}

static void put32(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *in) {
  return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* launch has the weather decide about a packet. */
static void launch(struct end *end, const uint8_t *packet, size_t len, unsigned now) {
  struct air *air = end->air;
  unsigned copies = 1, luck = draw(air, 100);
  air->sent++;
  if (luck < 20) {
    air->lost++;
    return;
  }
  if (luck < 30) {
    air->doubled++;
    copies = 2;
  }
  for (size_t i = 0; i < AIR && copies > 0; i++) {
    struct datagram *datagram = &end->held[i];
    if (datagram->len > 0) continue;
    memcpy(datagram->bytes, packet, len);
    datagram->len = len;
    datagram->due = now + draw(air, MOST_LATE);
    if (datagram->due > now + 1) air->late++;
    copies--;
  }
  air->lost += copies; /* there is no room for more in the air */
}

/* send_packet sends |len| bytes of frames, which stand at packet + HEAD. */
static bool send_packet(struct end *end, hf_level level, uint8_t packet[DATAGRAM], size_t len,
                        unsigned now) {
  struct space *space = &end->spaces[level];
  uint8_t nonce[12] = {0};
  size_t sealed;
  packet[0] = (uint8_t)level;
  put32(packet + 1, space->next_number);
  put32(nonce + 8, space->next_number);
  if (!EVP_AEAD_CTX_seal(&space->write.aead, packet + HEAD, &sealed, DATAGRAM - HEAD, nonce,
                         sizeof nonce, packet + HEAD, len, packet, HEAD))
    return false;
  space->next_number++;
  launch(end, packet, HEAD + sealed, now);
  return true;
}

/* add_acks writes the acknowledgments that are due. */
static size_t add_acks(struct space *space, uint8_t *out) {
  if (space->num_acks == 0) return 0;
  out[0] = FRAME_ACK;
  out[1] = (uint8_t)space->num_acks;
  for (size_t i = 0; i < space->num_acks; i++) put32(out + 2 + 4 * i, space->acks[i]);
  const size_t len = 2 + 4 * space->num_acks;
  space->num_acks = 0;
  return len;
}

/* send_part sends bytes |from| to |to| of a level's stream, or HANDSHAKE_DONE, with what there is
 * to acknowledge. */
static bool send_part(struct end *end, hf_level level, size_t from, size_t to, bool done,
                      unsigned now) {
  struct space *space = &end->spaces[level];
  uint8_t packet[DATAGRAM], *frames = packet + HEAD;
  /* Where both fit; else they go by themselves. */
  size_t at = to - from < DATAGRAM - CRYPTO_MAX ? add_acks(space, frames) : 0;
  if (to > from) {
    frames[at++] = FRAME_CRYPTO;
    put32(frames + at, (uint32_t)from);
    frames[at + 4] = (uint8_t)((to - from) >> 8);
    frames[at + 5] = (uint8_t)(to - from);
    memcpy(frames + at + 6, space->out + from, to - from);
    at += 6 + to - from;
  }
  if (done) frames[at++] = FRAME_DONE;
  space->sent[space->next_number % SENT] =
      (struct part){space->next_number, (uint32_t)from, (uint32_t)(to - from), done};
  space->last_sent = now;
  return send_packet(end, level, packet, at, now);
}

/* send_level sends what is new at a level, what seems lost, and acknowledgments. */
static bool send_level(struct end *end, hf_level level, unsigned now) {
  struct space *space = &end->spaces[level];
  if (!space->write.set) return true;
  const bool again = now - space->last_sent > TIMEOUT;
  const bool done = level == HF_APPLICATION && end->say_done && !end->done_acked;
  const size_t old = space->out_sent;
  bool ok = true;
  for (size_t from = again ? 0 : old; ok && from < space->out_len;) {
    size_t to = from;
    while (to < space->out_len && to - from < CRYPTO_MAX && !space->acked[to]) to++;
    if (to > from) {
      if (from < old) end->again++;
      ok = send_part(end, level, from, to, false, now);
    }
    from = to > from ? to : from + 1;
  }
  space->out_sent = space->out_len;
  if (ok && done && again) ok = send_part(end, level, 0, 0, true, now);
  if (ok && space->num_acks > 0) {
    uint8_t packet[DATAGRAM];
    const size_t len = add_acks(space, packet + HEAD);
    ok = send_packet(end, level, packet, len, now);
  }
  return ok;
}

/* ---- What comes ---- */

static void take_ack(struct end *end, struct space *space, uint32_t number) {
  const struct part *part = &space->sent[number % SENT];
  if (part->number != number || number >= space->next_number) return;
  memset(space->acked + part->offset, 1, part->len);
  if (part->done) end->done_acked = true;
}

/* take_frames reads what was in a packet.  False: it is malformed. */
static bool take_frames(struct end *end, struct space *space, const uint8_t *in, size_t len,
                        bool *eliciting) {
  while (len > 0) {
    const uint8_t type = in[0];
    size_t used = 1;
    if (type == FRAME_ACK && len >= 2 && len >= 2 + 4 * (size_t)in[1]) {
      for (size_t i = 0; i < in[1]; i++) take_ack(end, space, get32(in + 2 + 4 * i));
      used = 2 + 4 * (size_t)in[1];
    } else if (type == FRAME_CRYPTO && len >= 7) {
      const size_t offset = get32(in + 1), size = (size_t)in[5] << 8 | in[6];
      if (offset > STREAM || size > STREAM - offset || size > len - 7) return false;
      memcpy(space->in + offset, in + 7, size);
      memset(space->has + offset, 1, size);
      used = 7 + size;
      *eliciting = true;
    } else if (type == FRAME_DONE && end->role == HF_CLIENT) {
      end->heard_done = *eliciting = true;
    } else {
      return false;
    }
    in += used;
    len -= used;
  }
  return true;
}

/* take_packet opens a datagram.  One that cannot be opened is dropped: its keys may still come, and
 * then it is sent again. */
static bool take_packet(struct end *end, uint8_t *packet, size_t len) {
  uint8_t nonce[12] = {0};
  bool eliciting = false;
  size_t open;
  if (len < HEAD || packet[0] >= LEVELS) return true;
  struct space *space = &end->spaces[packet[0]];
  const uint32_t number = get32(packet + 1);
  put32(nonce + 8, number);
  if (!space->read.set || space->num_acks == ACKS ||
      !EVP_AEAD_CTX_open(&space->read.aead, packet + HEAD, &open, len - HEAD, nonce, sizeof nonce,
                         packet + HEAD, len - HEAD, packet, HEAD))
    return true;
  if (!take_frames(end, space, packet + HEAD, open, &eliciting)) return false;
  if (eliciting) space->acks[space->num_acks++] = number;
  return true;
}

/* ---- The engine ---- */

/* answer: a secret is the packets' own; the rest is as usual. */
static bool answer(struct end *end) {
  const hf_question_t *q = hf_question(end->conn);
  if (q->ask != HF_ASK_INSTALL || q->install.kind != HF_SECRET_TRAFFIC)
    return hf_answer(end->conn, end->answers);
  struct space *space = &end->spaces[q->install.level];
  return set_keys(q->install.sending ? &space->write : &space->read, q->install.secret.data,
                  q->install.secret.len) &&
         hf_answer_done(end->conn) == HF_OK;
}

/* feed gives the engine what is there without a gap.  False: it took nothing. */
static bool feed(struct end *end) {
  bool took = false;
  for (int level = 0; level < LEVELS; level++) {
    struct space *space = &end->spaces[level];
    size_t to = space->given, used = 0;
    while (to < STREAM && space->has[to]) to++;
    const hf_bytes bytes = {space->in + space->given, to - space->given};
    if (bytes.len == 0) continue;
    if (hf_quic_open(end->conn, &used, (hf_level)level, bytes) != HF_OK) return false;
    space->given += used; /* 0: a question comes first, or the level has not come yet */
    took = took || used > 0;
  }
  return took;
}

/* collect takes what the engine has to send. */
static bool collect(struct end *end) {
  hf_level level;
  size_t len;
  uint8_t bytes[512];
  if (hf_quic_flush(end->conn, &level, &len, bytes, sizeof bytes) != HF_OK) return false;
  struct space *space = &end->spaces[level];
  if (len > STREAM - space->out_len) return false;
  memcpy(space->out + space->out_len, bytes, len);
  space->out_len += len;
  return true;
}

/* run_engine goes on until it waits for the peer.  False: the handshake has failed. */
static bool run_engine(struct end *end) {
  for (;;) {
    const unsigned wants = hf_wants(end->conn);
    if (wants & HF_FAILED) {
      hf_fault fault;
      hf_get_fault(&fault, end->conn);
      fprintf(stderr, "%s (in state \"%s\"): CONNECTION_CLOSE 0x01%02x\n", fault.text, fault.where,
              fault.alert);
      return false;
    }
    if (wants & HF_WANT_OUTPUT) {
      if (!collect(end)) return false;
    } else if (wants & HF_WANT_ANSWER) {
      if (!answer(end)) return false;
    } else if (!feed(end) && !(hf_wants(end->conn) & HF_FAILED)) {
      break;
    }
  }
  if (end->role == HF_SERVER && (hf_wants(end->conn) & HF_READY)) end->say_done = true;
  return true;
}

/* ---- A connection ---- */

/* turn is what an end does in a tick. */
static bool turn(struct end *end, unsigned now) {
  uint8_t packet[DATAGRAM];
  ssize_t len;
  while ((len = recv(end->fd, packet, sizeof packet, MSG_DONTWAIT)) > 0)
    if (!take_packet(end, packet, (size_t)len)) return false;
  if (!run_engine(end)) return false;
  for (int level = 0; level < LEVELS; level++)
    if (!send_level(end, (hf_level)level, now)) return false;
  for (size_t i = 0; i < AIR; i++) {
    struct datagram *held = &end->held[i];
    if (held->len == 0 || held->due > now) continue;
    /* A full socket is weather too. */
    (void)!send(end->fd, held->bytes, held->len, MSG_DONTWAIT);
    held->len = 0;
  }
  return true;
}

static bool all_acked(const struct space *space) {
  return space->out_len == 0 || memchr(space->acked, 0, space->out_len) == NULL;
}

/* over: both are ready, HANDSHAKE_DONE and the tickets have come, and nothing is to be sent. */
static bool over(const struct end *client, const struct end *server) {
  if (!(hf_wants(client->conn) & hf_wants(server->conn) & HF_READY)) return false;
  return client->heard_done && server->done_acked && all_acked(&server->spaces[HF_APPLICATION]) &&
         all_acked(&client->spaces[HF_HANDSHAKE]);
}

static void keep(const hf_question_t *question, void *arg) {
  struct memory *memory = arg;
  const hf_bytes state = question->keep.state;
  memory->len = state.len <= sizeof memory->session ? state.len : 0;
  memcpy(memory->session, state.data, memory->len);
}

static bool prepare_answers(struct end *end, struct memory *memory) {
  static const uint8_t ticket_key[HF_BOX_KEY] = "not a secret, as it should be";
  hf_credential *credential = NULL;
  if ((end->answers = hf_answers_new()) == NULL) return false;
  if (end->role == HF_CLIENT) {
    hf_answers_set_keeper(end->answers, keep, memory);
    return hf_answers_trust_file(end->answers, HF_SOURCE_DIR "/tests/certs/root.pem") == HF_OK;
  }
  bool ok = hf_credential_load(&credential, HF_SOURCE_DIR "/tests/certs/ed25519.pem",
                               HF_SOURCE_DIR "/tests/certs/ed25519.key") == HF_OK &&
            hf_answers_add_credential(end->answers, credential) == HF_OK &&
            hf_answers_set_alpn(end->answers, (hf_bytes){(const uint8_t *)"\4mini", 5}) == HF_OK &&
            hf_answers_set_ticket_keys(end->answers, ticket_key, 1) == HF_OK;
  hf_credential_free(credential);
  return ok;
}

static bool begin(struct end *end, struct memory *memory, bool retry) {
  static const uint8_t params[] = {0x01, 0x02, 0x47, 0xd0}; /* max_idle_timeout: 2000 */
  static const uint8_t initial[32] = "as in QUIC, anybody knows these";
  static const uint16_t p384[] = {0x0018};
  hf_settings settings = {.role = end->role, .transport = HF_QUIC};
  hf_start start = {.now = hf_now(), .quic_params = {params, sizeof params}};
  hf_config *config = NULL;
  hf_draw_entropy(&start.entropy);
  if (end->role == HF_CLIENT) {
    settings.alpn = (hf_bytes){(const uint8_t *)"\4mini", 5};
    start.server_name = (hf_bytes){(const uint8_t *)"localhost", 9};
    if (memory->len > 0) start.session = (hf_bytes){memory->session, memory->len};
  } else {
    settings.flags = HF_ISSUE_TICKETS;
    if (retry) settings.groups = (hf_codes){p384, 1}; /* the client's first share is another's */
  }
  struct space *space = &end->spaces[HF_INITIAL];
  bool ok = prepare_answers(end, memory) && set_keys(&space->read, initial, sizeof initial) &&
            set_keys(&space->write, initial, sizeof initial) &&
            hf_config_new(&config, &settings) == HF_OK &&
            hf_new(&end->conn, config, &start) == HF_OK;
  hf_config_free(config);
  memory->len = end->role == HF_CLIENT ? 0 : memory->len; /* a ticket is for once */
  return ok;
}

static void finish(struct end *end) {
  for (int level = 0; level < LEVELS; level++) {
    if (end->spaces[level].read.set) EVP_AEAD_CTX_cleanup(&end->spaces[level].read.aead);
    if (end->spaces[level].write.set) EVP_AEAD_CTX_cleanup(&end->spaces[level].write.aead);
  }
  hf_free(end->conn);
  hf_answers_free(end->answers);
  if (end->fd >= 0) close(end->fd);
}

/* open_sockets gives two UDP sockets that are connected with each other. */
static bool open_sockets(int *a, int *b) {
  struct sockaddr_in address[2];
  int fd[2] = {-1, -1};
  bool ok = true;
  for (int i = 0; ok && i < 2; i++) {
    socklen_t len = sizeof address[i];
    memset(&address[i], 0, sizeof address[i]);
    address[i].sin_family = AF_INET;
    address[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
    ok = fd[i] >= 0 && bind(fd[i], (struct sockaddr *)&address[i], len) == 0 &&
         getsockname(fd[i], (struct sockaddr *)&address[i], &len) == 0;
  }
  for (int i = 0; ok && i < 2; i++)
    ok = connect(fd[i], (struct sockaddr *)&address[1 - i], sizeof address[0]) == 0;
  if (!ok) perror("UDP on the loopback interface");
  *a = fd[0];
  *b = fd[1];
  return ok;
}

struct totals {
  unsigned complete, retried, resumed, again;
  unsigned long ticks;
};

/* handshake is one connection in the weather |air|; |kind| says which. */
static bool handshake(struct totals *totals, struct air *air, struct memory *memory,
                      unsigned kind) {
  static struct end client, server; /* large */
  memset(&client, 0, sizeof client);
  memset(&server, 0, sizeof server);
  client.role = HF_CLIENT;
  server.role = HF_SERVER;
  client.air = server.air = air;
  if (kind % 3 == 0) memory->len = 0; /* a full one; then two that are resumed if they can be */
  unsigned now = TIMEOUT + 1;
  bool ok = open_sockets(&client.fd, &server.fd) && begin(&client, memory, false) &&
            begin(&server, memory, kind % 4 == 1);
  while (ok && !over(&client, &server) && now < PATIENCE) {
    now++;
    ok = turn(&client, now) && turn(&server, now);
  }
  ok = ok && now < PATIENCE;
  if (ok) {
    hf_facts facts;
    hf_get_facts(&facts, client.conn);
    totals->complete++;
    totals->retried += facts.retried;
    totals->resumed += facts.resumed;
  }
  totals->ticks += now;
  totals->again += client.again + server.again;
  finish(&client);
  finish(&server);
  return ok;
}

int main(int argc, char **argv) {
  const unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 300;
  struct air air = {.random = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
  struct memory memory = {.len = 0};
  struct totals totals = {0};
  if (argc > 3 || count == 0 || air.random == 0) {
    fprintf(stderr, "usage: %s [COUNT [SEED]], both at least 1\n", argv[0]);
    return EXIT_FAILURE;
  }
  for (unsigned i = 0; i < count; i++)
    if (!handshake(&totals, &air, &memory, i)) fprintf(stderr, "handshake %u failed\n", i);
  printf("%u of %u handshakes complete, %u of them resumed, %u retried, in %lu ticks\n",
         totals.complete, count, totals.resumed, totals.retried, totals.ticks);
  printf("%u datagrams: %u lost, %u doubled, %u late; %u parts sent again\n", air.sent, air.lost,
         air.doubled, air.late, totals.again);
  return totals.complete == count ? EXIT_SUCCESS : EXIT_FAILURE;
}
