/* message_bus.c: TLS over a transport that is no socket, with the engine alone.
 *
 * The transport is a bus: it takes frames of at most 40 bytes, delivers them in order, and each
 * after a delay of its own.  There is no connection, no stream and no end of file; nothing blocks,
 * and nobody is ever waited for.  The engine does not mind: hf_flush fills a frame of any size, and
 * hf_open says what it can do with the bytes that have come so far.
 *
 * The two ends take turns in one process: a client asks, a server answers, both say goodbye. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <handfast/answers.h>
#include <handfast/handfast.h>

enum { FRAME = 40, QUEUE = 256, LONGEST_DELAY = 5, PATIENCE = 10000 };

struct frame {
  uint8_t bytes[FRAME];
  size_t len;
  unsigned due; /* the tick at which it is delivered */
};

/* bus is one direction: a queue of frames on their way. */
struct bus {
  struct frame queue[QUEUE];
  unsigned first, num, last_due, total;
};

/* room is a free frame at the end of |bus|, or NULL: then the sender has to come back later. */
static struct frame *room(struct bus *bus) {
  return bus->num < QUEUE ? &bus->queue[(bus->first + bus->num) % QUEUE] : NULL;
}

/* post sends the frame that room() gave, delayed by a few ticks, but never past an earlier one. */
static void post(struct bus *bus, struct frame *frame, unsigned now) {
  unsigned due = now + 1 + bus->total * 7 % LONGEST_DELAY;
  if (due < bus->last_due) due = bus->last_due;
  bus->last_due = frame->due = due;
  bus->num++;
  bus->total++;
}

static const struct frame *delivered(struct bus *bus, unsigned now) {
  if (bus->num == 0 || bus->queue[bus->first].due > now) return NULL;
  const struct frame *frame = &bus->queue[bus->first];
  bus->first = (bus->first + 1) % QUEUE;
  bus->num--;
  return frame;
}

struct end {
  const char *name, *says; /* what it says once it may; the client at once, the server as answer */
  hf_conn *conn;
  hf_answers *answers;
  struct bus *from, *to;
  uint8_t in[HF_RECORD_MAX + FRAME]; /* what came and is no whole record yet */
  size_t have;
  uint8_t out[256]; /* a record of our own, cut into frames */
  size_t staged, sent;
  bool heard, spoke;
};

/* send_frames puts on the bus what is ready to go: a record of ours that has begun to go first,
 * then what the engine has queued, handshake and alerts. */
static bool send_frames(struct end *end, unsigned now) {
  struct frame *frame;
  while ((frame = room(end->to)) != NULL) {
    if (end->sent < end->staged) {
      frame->len = end->staged - end->sent < FRAME ? end->staged - end->sent : FRAME;
      memcpy(frame->bytes, end->out + end->sent, frame->len);
      end->sent += frame->len;
    } else if (hf_wants(end->conn) & HF_WANT_OUTPUT) {
      if (hf_flush(end->conn, &frame->len, frame->bytes, FRAME) != HF_OK) return false;
    } else {
      break;
    }
    post(end->to, frame, now);
  }
  return true;
}

/* take_input opens what records are whole.  Zero bytes consumed means: more is needed, or a
 * question is to be answered first; hf_wants says which, and turn() looks. */
static bool take_input(struct end *end) {
  size_t used = 1;
  while (used > 0 && hf_need(end->conn, end->in, end->have) == 0) {
    hf_bytes app = {NULL, 0};
    if (hf_open(end->conn, &app, &used, end->in, end->have) != HF_OK)
      return true; /* wants: FAILED */
    if (app.len > 0) {
      printf("%s hears: %.*s\n", end->name, (int)app.len, (const char *)app.data);
      end->heard = true;
    }
    end->have -= used;
    memmove(end->in, end->in + used, end->have);
  }
  return true;
}

/* speak seals what this end has to say, and close_notify after the server's answer. */
static bool speak(struct end *end, bool client) {
  unsigned wants = hf_wants(end->conn);
  bool turn_to_speak = client ? (wants & HF_READY) != 0 : end->heard;
  if (!end->spoke && turn_to_speak && (wants & HF_CAN_SEND)) {
    if (hf_seal(end->conn, &end->staged, end->out, sizeof end->out, (const uint8_t *)end->says,
                strlen(end->says)) != HF_OK)
      return false;
    end->sent = 0;
    end->spoke = true;
  }
  /* hf_close queues close_notify behind all that was sealed before; again it does nothing. */
  bool done = client ? end->heard : end->spoke;
  return !done || hf_close(end->conn) == HF_OK;
}

/* turn does for one end all that can be done now.  False: it failed. */
static bool turn(struct end *end, bool client, unsigned now) {
  const struct frame *frame;
  while (end->have + FRAME <= sizeof end->in && (frame = delivered(end->from, now)) != NULL) {
    memcpy(end->in + end->have, frame->bytes, frame->len);
    end->have += frame->len;
  }
  do {
    if (!take_input(end)) return false;
    if ((hf_wants(end->conn) & HF_WANT_ANSWER) && !hf_answer(end->conn, end->answers)) return false;
  } while ((hf_wants(end->conn) & HF_WANT_ANSWER) ||
           (end->have > 0 && hf_need(end->conn, end->in, end->have) == 0 &&
            !(hf_wants(end->conn) & HF_FAILED)));
  if (hf_wants(end->conn) & HF_FAILED) {
    hf_fault fault;
    hf_get_fault(&fault, end->conn);
    fprintf(stderr, "%s: %s (in state \"%s\")\n", end->name, fault.text, fault.where);
    (void)send_frames(end, now); /* the alert */
    return false;
  }
  /* Before and after: READY comes only when the handshake's last byte was flushed. */
  return send_frames(end, now) && speak(end, client) && send_frames(end, now);
}

/* over says whether both directions are closed and nothing of this end is on its way. */
static bool over(const struct end *end) {
  return (hf_wants(end->conn) & (HF_CLOSED | HF_WANT_OUTPUT)) == HF_CLOSED && end->to->num == 0 &&
         end->sent == end->staged;
}

static bool begin(struct end *end, hf_role role) {
  static const char name[] = "server.example";
  hf_settings settings = {.role = role};
  hf_start start = {.now = hf_now()};
  hf_config *config = NULL;
  hf_credential *credential = NULL;
  hf_draw_entropy(&start.entropy);
  if ((end->answers = hf_answers_new()) == NULL) return false;
  bool ok;
  if (role == HF_CLIENT) {
    start.server_name = (hf_bytes){(const uint8_t *)name, sizeof name - 1};
    ok = hf_answers_trust_file(end->answers, HF_SOURCE_DIR "/tests/certs/root.pem") == HF_OK;
  } else {
    ok = hf_credential_load(&credential, HF_SOURCE_DIR "/tests/certs/ed25519.pem",
                            HF_SOURCE_DIR "/tests/certs/ed25519.key") == HF_OK &&
         hf_answers_add_credential(end->answers, credential) == HF_OK;
  }
  ok = ok && hf_config_new(&config, &settings) == HF_OK &&
       hf_new(&end->conn, config, &start) == HF_OK;
  hf_credential_free(credential); /* what needs them has references of its own */
  hf_config_free(config);
  return ok;
}

int main(void) {
  static struct bus there, back;
  static struct end client = {.name = "client", .says = "Is anybody there?"};
  static struct end server = {.name = "server", .says = "Yes, 40 bytes at a time."};
  client.to = server.from = &there;
  client.from = server.to = &back;
  bool ok = begin(&client, HF_CLIENT) && begin(&server, HF_SERVER);
  unsigned now = 0;
  while (ok && !(over(&client) && over(&server)) && now < PATIENCE) {
    now++;
    ok = turn(&client, true, now) && turn(&server, false, now);
  }
  ok = ok && now < PATIENCE && client.heard && server.heard;
  printf("%s after %u ticks: %u frames there, %u back\n", ok ? "done" : "failed", now, there.total,
         back.total);
  hf_free(client.conn);
  hf_free(server.conn);
  hf_answers_free(client.answers);
  hf_answers_free(server.answers);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
