/* script.c: the interpreter of script.def.
 *
 * The state of a handshake is a row, a flag word and the two levels; only this file moves the row.
 * A row is in force if all its `need` flags are set and none of its `not` flags is.  Everything
 * that is not the order of things is a handler, found by the row's name. */
#include "engine.h"

#include <string.h>

typedef enum kind {
  SCRIPT_ROW,
  MSG_ROW,
  ASK_ROW,
  KEY_ROW,
  DERIVE_ROW,
  CCS_ROW,
  VERSION_ROW,
  OPEN_ROW
} kind;
enum { C = HF_CLIENT, S = HF_SERVER };
typedef enum script { SCRIPT_HELLO, SCRIPT_TLS13, SCRIPT_TLS12 } script;

typedef struct row {
  kind kind;
  uint8_t who, level, message;
  uint16_t need, not_, learn;
  hf_status (*send)(hf_conn *conn, CBB *body);
  hf_status (*receive)(hf_conn *conn, CBS *body);
  size_t (*bound)(const hf_conn *conn); /* most bytes that |send| writes */
  hf_status (*act)(hf_conn *conn);      /* ask or derive */
} row;

static const row rows[] = {
#define SCRIPT(name) {.kind = SCRIPT_ROW, .message = SCRIPT_##name},
#define MSG(who, name, level, need, not_, learn, section)              \
  {MSG_ROW, who,   HF_##level,     HF_MSG_##name,     need,            \
   not_,    learn, hf_send_##name, hf_receive_##name, hf_bound_##name, \
   NULL},
#define ASK(who, name, need, not_, section) \
  {ASK_ROW, who, 0, 0, need, not_, 0, NULL, NULL, NULL, hf_ask_##name},
#define KEY(who, level, need, not_, section) \
  {KEY_ROW, who, HF_##level, 0, need, not_, 0, NULL, NULL, NULL, NULL},
#define DERIVE(name, need, not_, section) \
  {DERIVE_ROW, C, 0, 0, need, not_, 0, NULL, NULL, NULL, hf_derive_##name},
#define CCS(who, need, not_, section) {CCS_ROW, who, 0, 0, need, not_, 0, NULL, NULL, NULL, NULL},
#define VERSION(section) {.kind = VERSION_ROW},
#define OPEN() {.kind = OPEN_ROW},
#include "script.def"
#undef SCRIPT
#undef MSG
#undef ASK
#undef KEY
#undef DERIVE
#undef CCS
#undef VERSION
#undef OPEN
};

static const char *const names[][2] = {
#define BOTH(text) {"client " text, "server " text},
#define SCRIPT(name) BOTH(#name)
#define MSG(who, name, level, need, not_, learn, section) BOTH(#name)
#define ASK(who, name, need, not_, section) BOTH("ASK " #name)
#define KEY(who, level, need, not_, section) BOTH("KEY " #level)
#define DERIVE(name, need, not_, section) BOTH("DERIVE " #name)
#define CCS(who, need, not_, section) BOTH("CHANGE_CIPHER_SPEC")
#define VERSION(section) BOTH("VERSION")
#define OPEN() BOTH("OPEN")
#include "script.def"
};

const char *hf_row_text(hf_role role, uint8_t index) { return names[index][role]; }

const char *hf_row_name(const hf_conn *conn) {
  return hf_row_text((hf_role)conn->role, conn->fault != HF_OK ? conn->fault_row : hf_row(conn));
}

/* A question has been asked when its row is behind: it is still the state. */
uint8_t hf_row(const hf_conn *conn) {
  return (uint8_t)(hf_blocked(conn) ? conn->row - 1 : conn->row);
}

/* ---- questions ---- */

hf_question_t *hf_ask_begin(hf_conn *conn, hf_ask ask) {
  hf_question_t *question = &conn->hs->question;
  memset(question, 0, sizeof(*question));
  question->ask = ask;
  return question;
}

void hf_ask_install(hf_conn *conn, const hf_suite *suite, hf_secret_kind secret_kind,
                    hf_level level, bool sending, const char *label, const uint8_t *secret) {
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_INSTALL);
  q->install.kind = secret_kind;
  q->install.level = level;
  q->install.sending = sending;
  q->install.suite = suite->id;
  q->install.label = label;
  q->install.secret = hf_range(secret, suite->hash_len);
}

bool hf_blocked(const hf_conn *conn) {
  return conn->hs != NULL && conn->hs->question.ask != HF_ASK_NONE;
}

bool hf_answering(const hf_conn *conn, hf_ask ask) {
  return conn->fault == HF_OK && hf_question(conn)->ask == ask;
}

#ifndef NDEBUG
/* Moves the flight, so that whoever reads it after its answer is caught. */
static hf_status shake(hf_buffer *in) {
  hf_buffer copy = {NULL, 0, 0};
  if (in->len > 0) {
    HF_TRY(hf_buffer_append(&copy, in->data, in->len));
    hf_buffer_free(in);
    *in = copy;
  }
  return HF_OK;
}
#endif

hf_status hf_answered(hf_conn *conn, hf_status status) {
  if (status == HF_OK) {
    memset(&conn->hs->question, 0, sizeof(conn->hs->question));
#ifndef NDEBUG
    OPENSSL_free(conn->hs->lists);
    conn->hs->lists = NULL;
    status = shake(&conn->in);
#endif
  }
  return hf_leave(conn, status == HF_OK ? hf_run(conn) : status);
}

/* ---- messages ---- */

hf_status hf_next_message(const hf_conn *conn, bool *whole, hf_message *type, CBS *message,
                          CBS *body) {
  CBS in;
  uint8_t wire;
  uint32_t len;
  *whole = false;
  *type = HF_MSG_NONE;
  if (conn->in_read >= conn->in.len) {
    // RFC 5246 7.1: it comes between messages, or not at all.
    *whole = conn->spec_changed;
    *type = *whole ? HF_MSG_CHANGE_CIPHER_SPEC : HF_MSG_NONE;
    CBS_init(message, NULL, 0);
    CBS_init(body, NULL, 0);
    return HF_OK;
  }
  CBS_init(&in, conn->in.data + conn->in_read, conn->in.len - conn->in_read);
  CBS rest = in;
  if (!CBS_get_u8(&rest, &wire)) {
    return HF_OK;
  }
  *type = wire > HF_WIRE_TYPE ? HF_MSG_UNKNOWN : (hf_message)wire;
  if (!CBS_get_u24(&rest, &len)) {
    return HF_OK;
  }
  if (len > conn->config->settings.max_message) {
    return HF_MESSAGE_TOO_LONG;
  }
  if (!CBS_get_bytes(&rest, body, len)) {
    return HF_OK;
  }
  CBS_init(message, CBS_data(&in), 4 + (size_t)len);
  *whole = true;
  if (*type == HF_MSG_SERVER_HELLO && hf_is_retry(*body)) {
    *type = HF_MSG_HELLO_RETRY_REQUEST;
  }
  return HF_OK;
}

/* The spans that lie in a flight. */
static void forget_spans(hf_conn *conn) {
  static const hf_span none;
  hf_hs *hs = conn->hs;
  if (hf_is_server(conn)) {
    hs->hello.message = none;
  }
  hs->request_sigalgs = hs->request_cert_sigalgs = none;
  hs->request_authorities = hs->request_compression = hs->request_delegated = none;
  hs->certificates = hs->decompressing = none;
  hs->status = hs->scts = hs->request_types = none;
}

void hf_forget_flight(hf_conn *conn) {
  hf_buffer_drop(&conn->in, conn->in_read);
  conn->in_read = 0;
  if (conn->hs != NULL) {
    forget_spans(conn);
  }
}

hf_status hf_message_begin(hf_buffer *flight, CBB *cbb, CBB *body, hf_message type, size_t bound) {
  HF_TRY(hf_buffer_reserve(flight, 4 + bound));
  CBB_zero(cbb);
  if (!CBB_init_fixed(cbb, flight->data + flight->len, flight->cap - flight->len)) {
    return HF_NO_MEMORY;
  }
  if (CBB_add_u8(cbb, (uint8_t)(type & HF_WIRE_TYPE)) && CBB_add_u24_length_prefixed(cbb, body)) {
    return HF_OK;
  }
  CBB_cleanup(cbb);
  return HF_INTERNAL;
}

hf_status hf_message_end(hf_buffer *flight, CBB *cbb, hf_status put, size_t *len) {
  if (put != HF_OK || !CBB_finish(cbb, NULL, len)) {
    CBB_cleanup(cbb);
    return put != HF_OK ? put : HF_INTERNAL;
  }
  flight->len += (uint32_t)*len;
  return HF_OK;
}

hf_status hf_heard(hf_conn *conn, const uint8_t *message, size_t len) {
  hf_hs *hs = conn->hs;
  if (len == 0) {
    return HF_OK;  // change_cipher_spec is no message
  }
  hf_transcript_add(conn, message, len);
  return hs->hear ? hf_buffer_append(&hs->heard, message, len) : HF_OK;
}

static hf_status write_message(hf_conn *conn, const row *r) {
  hf_hs *hs = conn->hs;
  CBB cbb, body;
  size_t len;
  if (r->learn != 0 && !hf_has(conn, r->learn)) {
    return HF_OK;
  }
  if (conn->write.level != r->level) {
    return HF_INTERNAL;
  }
  // It is this side's turn: the peer cannot have more to say.
  if (conn->in_read < conn->in.len) {
    return hf_has(conn, QUIC) ? HF_WRONG_LEVEL : HF_EXCESS_HANDSHAKE_DATA;
  }
  if (r->message == HF_MSG_CHANGE_CIPHER_SPEC) {
    return r->send(conn, NULL);  // a record of its own, in no transcript
  }
  HF_TRY(hf_message_begin(&hs->flight, &cbb, &body, (hf_message)r->message, r->bound(conn)));
  HF_TRY(hf_message_end(&hs->flight, &cbb, r->send(conn, &body), &len));
  const uint8_t *message = hs->flight.data + hs->flight.len - len;
  HF_TRY(hf_heard(conn, message, len));
  hf_trace(conn, true, HF_HANDSHAKE_RECORD, message, len);
  hf_forget_flight(conn);
  return HF_OK;
}

/* A client of TLS 1.2 that is negotiating passes over what asks it to: RFC 5246 7.4.1.1. */
static bool passes_over(const hf_conn *conn, hf_message type) {
  return type == HF_MSG_HELLO_REQUEST && !hf_is_server(conn) &&
         (conn->version == 0 ? hf_may_be(conn, HF_TLS12) : hf_tls12(conn));
}

static hf_status look(hf_conn *conn, bool *whole, hf_message *type, CBS *message, CBS *body) {
  for (;;) {
    HF_TRY(hf_next_message(conn, whole, type, message, body));
    if (!*whole) {
      return HF_OK;
    }
    if (!passes_over(conn, *type) || CBS_len(body) != 0) {
      conn->warnings = 0;
      return HF_OK;
    }
    if (++conn->warnings > HF_MOST_WARNINGS) {
      return HF_TOO_MANY_WARNINGS;
    }
    conn->in_read += (uint32_t)CBS_len(message);
  }
}

/* What came is not what the row expects.  TLS 1.2's change_cipher_spec is a record, not a message.
 */
static hf_status not_that(const row *r, hf_message type) {
  return (type == HF_MSG_CHANGE_CIPHER_SPEC) != (r->message == HF_MSG_CHANGE_CIPHER_SPEC)
             ? HF_UNEXPECTED_RECORD
             : HF_UNEXPECTED_MESSAGE;
}

static hf_status read_message(hf_conn *conn, const row *r, bool *wait) {
  hf_message type;
  CBS message, body;
  bool whole;
  HF_TRY(look(conn, &whole, &type, &message, &body));
  if (!whole) {
    *wait = true;
    // What can only be refused is refused on its first byte, not kept.
    return type == HF_MSG_NONE || passes_over(conn, type) || r->learn != 0 ||
                   type == (r->message & HF_WIRE_TYPE)
               ? HF_OK
               : not_that(r, type);
  }
  if (type != r->message) {
    hf_flag(conn, r->learn, false);
    return r->learn != 0 ? HF_OK : not_that(r, type);
  }
  if (conn->read.level != r->level) {
    return HF_INTERNAL;
  }
  if (CBS_len(&message) > 0) {
    hf_trace(conn, false, HF_HANDSHAKE_RECORD, CBS_data(&message), CBS_len(&message));
  }
  hf_flag(conn, r->learn, true);
  HF_TRY(r->receive(conn, &body));
  if (CBS_len(&body) != 0) {
    return HF_TRAILING_DATA;
  }
  HF_TRY(hf_heard(conn, CBS_data(&message), CBS_len(&message)));
  conn->in_read += (uint32_t)CBS_len(&message);
  return HF_OK;
}

/* ---- the other rows ---- */

static void ask_traffic(hf_conn *conn, hf_level level, bool sending) {
  static const char *const labels[2][3] = {
      {"CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"},
      {NULL, "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}};
  const hf_suite *suite = level == HF_EARLY ? conn->hs->early_suite : conn->suite;
  hf_ask_install(conn, suite, HF_SECRET_TRAFFIC, level, sending,
                 labels[sending == hf_is_server(conn)][level - 1],
                 (sending ? &conn->write : &conn->read)->secret);
}

static hf_status key_row(hf_conn *conn, const row *r) {
  const bool mine = r->who == conn->role;
  hf_keys *keys = mine ? &conn->write : &conn->read;
  if (keys->level == r->level) {
    return HF_OK;
  }
  if (mine) {
    HF_TRY(hf_seal_flight(conn));
  } else if (conn->in_read < conn->in.len) {
    // RFC 9846 5.1, RFC 9001 4.1.3
    return hf_has(conn, QUIC) ? HF_WRONG_LEVEL : HF_EXCESS_HANDSHAKE_DATA;
  }
  if (r->level == HF_INITIAL) {
    hf_keys_wipe(keys);
    return HF_OK;
  }
  const hf_suite *suite = r->level == HF_EARLY ? conn->hs->early_suite : conn->suite;
  uint8_t *secret = conn->hs->traffic[r->who][r->level - 1];
  if (suite == NULL) {
    return HF_INTERNAL;
  }
  HF_TRY(hf_keys_set(keys, suite, (hf_level)r->level, secret));
  // TLS 1.2 has no traffic secrets to give: its main secret was.
  if ((conn->config->settings.flags & HF_EXPORT_SECRETS) && !hf_tls12(conn)) {
    ask_traffic(conn, (hf_level)r->level, mine);
  }
  return HF_OK;
}

/* RFC 9846 E.4: a dummy record, once, if the hello's legacy_session_id asks for it, or this side
 * wants it.  A client's goes out with the record that it precedes, which may be an alert; early
 * data is no part of the queue, so what precedes that cannot wait. */
static hf_status ccs_row(hf_conn *conn) {
  const bool always = hf_is_server(conn) && (conn->config->settings.flags & HF_ALWAYS_CCS);
  if (conn->hs->ccs_sent || (conn->hs->hello.session_id.len == 0 && !always)) {
    return HF_OK;
  }
  conn->hs->ccs_sent = true;
  HF_TRY(hf_seal_flight(conn));
  conn->hs->ccs_due = true;
  return hf_is_server(conn) || hf_has(conn, EARLY) ? hf_write_ccs(conn) : HF_OK;
}

static void jump_to(hf_conn *conn, script target) {
  while (rows[conn->row].kind != SCRIPT_ROW || rows[conn->row].message != target) {
    conn->row++;
  }
}

/* The jump.  A server has settled the version; a client does by the next message, which a row of
 * the target then reads. */
static hf_status version_row(hf_conn *conn, bool *wait) {
  hf_message type;
  CBS message, body;
  bool whole;
  if (hf_is_server(conn)) {
    jump_to(conn, hf_tls12(conn) ? SCRIPT_TLS12 : SCRIPT_TLS13);
    return HF_OK;
  }
  HF_TRY(look(conn, &whole, &type, &message, &body));
  if (!whole) {
    *wait = true;
    return HF_OK;
  }
  if (type != HF_MSG_SERVER_HELLO && type != HF_MSG_HELLO_RETRY_REQUEST) {
    return HF_UNEXPECTED_MESSAGE;
  }
  if (type == HF_MSG_SERVER_HELLO && hf_is_hello_12(conn, body)) {
    HF_TRY(hf_begin_12(conn));
    jump_to(conn, SCRIPT_TLS12);
  } else {
    jump_to(conn, SCRIPT_TLS13);
  }
  return HF_OK;
}

/* What must have been checked: by the role, and by how each side showed who it is. */
static uint8_t proofs_needed(const hf_conn *conn) {
  uint8_t needed = HF_PROOF_FINISHED;
  const bool peer_certificate =
      hf_is_server(conn) ? hf_has(conn, CLIENT_CERT) : !hf_has(conn, RESUMED);
  if (peer_certificate) {
    needed |= HF_PROOF_CHAIN | HF_PROOF_SIGNATURE;
  }
  // In TLS 1.2 it is Finished that shows the session's secret.
  if (hf_is_server(conn) && hf_has(conn, RESUMED) && !hf_tls12(conn)) {
    needed |= HF_PROOF_BINDER;
  }
  return needed;
}

static hf_status open_row(hf_conn *conn, bool *wait) {
  // Before anything is waited for: what comes meanwhile is for a peer that has proved itself.
  if (conn->proofs != proofs_needed(conn) || conn->read.level != HF_APPLICATION ||
      conn->write.level != HF_APPLICATION) {
    return HF_MISSING_PROOF;
  }
  HF_TRY(hf_seal_flight(conn));
  if (conn->out.len > 0) {
    *wait = true;  // until hf_flush has given it all out
    return HF_OK;
  }
  HF_TRY(hf_post_begin(conn));
  hf_hs_free(conn);
  conn->ready = true;
  return hf_post_next(conn);
}

static hf_status step(hf_conn *conn, const row *r, bool *wait) {
  const bool mine = r->who == conn->role;
  switch (r->kind) {
    case SCRIPT_ROW:
      return HF_OK;
    case MSG_ROW:
      return mine ? write_message(conn, r) : read_message(conn, r, wait);
    case ASK_ROW:
      return mine ? r->act(conn) : HF_OK;
    case KEY_ROW:
      return key_row(conn, r);
    case DERIVE_ROW:
      return r->act(conn);
    case CCS_ROW:
      return mine ? ccs_row(conn) : HF_OK;
    case VERSION_ROW:
      return version_row(conn, wait);
    case OPEN_ROW:
      return open_row(conn, wait);
  }
  return HF_INTERNAL;
}

bool hf_at_open(const hf_conn *conn) { return rows[conn->row].kind == OPEN_ROW; }

static bool in_force(const hf_conn *conn, const row *r) {
  return (conn->flags & r->need) == r->need && (conn->flags & r->not_) == 0;
}

/* ---- saved states ---- */

static hf_status install_again(hf_conn *conn, hf_level level, bool sending) {
  const hf_keys *keys = sending ? &conn->write : &conn->read;
  switch (conn->hs->question.install.kind) {
    case HF_SECRET_TRAFFIC:
      if (level == HF_INITIAL || level != (hf_level)keys->level) {
        return HF_BAD_STATE;
      }
      ask_traffic(conn, level, sending);
      return HF_OK;
    case HF_SECRET_EXPORTER:
      return hf_ask_exporter(conn);
    case HF_SECRET_EARLY_EXPORTER:
      return hf_ask_early_exporter(conn);
    case HF_SECRET_MAIN_12:
      return hf_ask_main_12(conn);
    default:
      return HF_BAD_STATE;
  }
}

hf_status hf_ask_again(hf_conn *conn) {
  const hf_question_t q = conn->hs->question;
  const row *r = &rows[conn->row - (q.ask != HF_ASK_NONE)];
  if (q.ask == HF_ASK_NONE) {
    return HF_OK;
  }
  if (q.ask == HF_ASK_INSTALL) {
    return install_again(conn, q.install.level, q.install.sending);
  }
  if (r->kind != ASK_ROW || r->who != conn->role || !in_force(conn, r)) {
    return HF_BAD_STATE;
  }
  HF_TRY(r->act(conn));
  return conn->hs->question.ask == q.ask ? HF_OK : HF_BAD_STATE;
}

/* Where the script begins in which the state is. */
static uint8_t script_start(const hf_conn *conn) {
  uint8_t i = conn->row;
  while (rows[i].kind != SCRIPT_ROW) {
    i--;
  }
  return i;
}

/* Is a row of this script with that handler behind? */
static bool asked(const hf_conn *conn, hf_status (*act)(hf_conn *)) {
  for (uint8_t i = script_start(conn); i < hf_row(conn); i++) {
    if (rows[i].act == act) {
      return true;
    }
  }
  return false;
}

static bool sent(const hf_conn *conn, hf_role who, hf_message message) {
  for (uint8_t i = script_start(conn); i < conn->row; i++) {
    if (rows[i].kind == MSG_ROW && rows[i].who == who && rows[i].message == message) {
      return true;
    }
  }
  return false;
}

/* Has it the identity that it needs, until its CertificateVerify? */
static bool valid_identity(const hf_conn *conn) {
  const bool server = hf_is_server(conn);
  const bool mine =
      server ? !hf_has(conn, RESUMED) && asked(conn, hf_ask_IDENTITY) : hf_has(conn, CLIENT_CERT);
  const bool compressed = hf_has(conn, server ? COMPRESSED : CLIENT_COMPRESSED);
  return conn->hs->identity != NULL || (!mine && !compressed) ||
         sent(conn, (hf_role)conn->role, HF_MSG_CERTIFICATE_VERIFY);
}

/* Has it the suite that was chosen?  Of TLS 1.2's the identity decides, or the session that is
 * resumed: none is before the version is negotiated. */
static bool valid_suite(const hf_conn *conn, script in) {
  const bool server = hf_is_server(conn);
  const bool past = in != SCRIPT_HELLO;
  if (!past && hf_has(conn, RESUMED)) {
    return false;
  }
  const bool chosen = !server              ? sent(conn, HF_SERVER, HF_MSG_SERVER_HELLO)
                      : in == SCRIPT_TLS12 ? hf_has(conn, RESUMED) || asked(conn, hf_ask_IDENTITY)
                                           : past || asked(conn, hf_ask_HELLO);
  return conn->suite != NULL ||
         !(chosen || hf_has(conn, RETRIED) || (server && hf_has(conn, EARLY)));
}

/* TLS 1.2 has a group as soon as it is named. */
static bool valid_group_12(const hf_conn *conn) {
  const hf_group *group = conn->hs->group;
  const bool named = hf_is_server(conn) || sent(conn, HF_SERVER, HF_MSG_SERVER_KEY_EXCHANGE);
  return group != NULL ? group->kem == NULL : hf_has(conn, RESUMED) || !named;
}

bool hf_script_valid(const hf_conn *conn) {
  const size_t num = sizeof(rows) / sizeof(rows[0]);
  if (conn->row >= num || conn->fault_row >= num) {
    return false;
  }
  if (conn->hs == NULL) {
    return true;
  }
  if (conn->row == 0) {
    return false;
  }
  const script in = (script)rows[script_start(conn)].message;
  return hf_tls12(conn) == (in == SCRIPT_TLS12) && valid_suite(conn, in) && valid_identity(conn) &&
         (in != SCRIPT_TLS12 || valid_group_12(conn));
}

hf_status hf_run(hf_conn *conn) {
  bool wait = false;
  while (!conn->ready && !conn->close_sent && !wait && !hf_blocked(conn)) {
    const row *r = &rows[conn->row];
    if (in_force(conn, r)) {
      HF_TRY(step(conn, r, &wait));
    } else if (r->kind == MSG_ROW && r->who != conn->role) {
      hf_flag(conn, r->learn, false);
    }
    if (!wait && !conn->ready) {
      conn->row++;
    }
  }
  // A question in the middle of a flight does not cut it into more records than it needs.
  return conn->ready || conn->close_sent || hf_blocked(conn) ? HF_OK : hf_seal_flight(conn);
}
