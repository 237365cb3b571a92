/* script_model.c - see script_model.h.  The rows are script.def's; everything else here is model
 * handlers. */
#include "script_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { C = CLIENT, S = SERVER };

const row script_rows[] = {
#define SCRIPT(version) {SCRIPT_ROW, BOTH, #version, INITIAL_LEVEL, 0, 0, 0, ""},
#define MSG(who, message, lv, need, not_, learn, section) \
  {MSG_ROW, (side)who, #message, lv##_LEVEL, need, not_, learn, section},
#define ASK(who, question, need, not_, section) \
  {ASK_ROW, (side)who, #question, INITIAL_LEVEL, need, not_, 0, section},
#define KEY(who, lv, need, not_, section) \
  {KEY_ROW, (side)who, #lv, lv##_LEVEL, need, not_, 0, section},
#define DERIVE(secret, need, not_, section) \
  {DERIVE_ROW, BOTH, #secret, INITIAL_LEVEL, need, not_, 0, section},
#define CCS(who, need, not_, section) \
  {CCS_ROW, (side)who, "CCS", INITIAL_LEVEL, need, not_, 0, section},
#define VERSION(section) {VERSION_ROW, BOTH, "VERSION", INITIAL_LEVEL, 0, 0, 0, section},
#define OPEN() {OPEN_ROW, BOTH, "OPEN", INITIAL_LEVEL, 0, 0, 0, ""},
#include "../engine/script.def"
};
const size_t script_num_rows = sizeof script_rows / sizeof script_rows[0];

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static size_t script_begin(const char *name) {
  for (size_t i = 0; i < script_num_rows; i++)
    if (script_rows[i].kind == SCRIPT_ROW && is(script_rows[i].what, name)) return i + 1;
  abort();
}

static void add(char *list, size_t max, const char *word) {
  if (strlen(list) + strlen(word) + 2 > max) abort();
  strcat(strcat(list, word), " ");
}
#define ADD(list, word) add(list, sizeof(list), word)

static void set(model *m, unsigned flag, bool on) {
  m->known |= flag;
  m->flags = on ? m->flags | flag : m->flags & ~flag;
}

static void bad(model *m, const char *why) {
  m->state = IS_BAD;
  m->why = why;
}

model model_start(side me, const plan *p) {
  model m = {.me = me, .p = p, .row = script_begin("HELLO"), .last = "", .last_ask = ""};
  m.sent_app_at = (size_t)-1;
  set(&m, QUIC, p->quic);
  set(&m, EARLY, false);
  set(&m, CLIENT_CERT, false);
  if (me == SERVER) {
    set(&m, RETRIED, false);
    return m;
  }
  set(&m, EARLY, p->early_offered);
  set(&m, COOKIE, false);
  set(&m, CLIENT_COMPRESSED, false);
  set(&m, COMPRESSED, p->compress_offered);
  set(&m, REVERIFY, p->reverify && p->early_offered);
  return m;
}

/* A HelloRetryRequest puts message_hash in the place of what was said before it (RFC 9846 4.1). */
static void transcript_add(model *m, const char *message) {
  if (is(message, "CHANGE_CIPHER_SPEC")) return; /* RFC 5246 7.1: no handshake message */
  if (is(message, "HELLO_RETRY_REQUEST")) {
    m->transcript[0] = 0;
    ADD(m->transcript, "MESSAGE_HASH");
  }
  ADD(m->transcript, message);
}

/* ---- The model's handlers: the only ones who write flags. ---- */

static unsigned send_client_message(model *m, const char *name) {
  const plan *p = m->p;
  if (is(name, "CLIENT_HELLO")) {
    bool again = m->flags & RETRIED & m->known;
    bool psk = p->psk && !(again && p->psk_dropped_on_retry);
    set(m, PSK_OFFERED, psk);
    return (psk ? SAYS_PSK : 0u) | (!again && p->early_offered ? SAYS_EARLY : 0u) |
           (p->compress_offered ? SAYS_COMPRESS : 0u) | (p->kem ? SAYS_KEM : 0u) |
           (again && p->stateless ? SAYS_COOKIE : 0u) | (p->only12 ? SAYS_TLS12 : 0u) |
           (p->ticket_offered ? SAYS_TICKET : 0u) | (p->status_offered ? SAYS_STATUS : 0u);
  }
  if (is(name, "CERTIFICATE") || is(name, "COMPRESSED_CERTIFICATE"))
    return p->client_cert ? 0 : SAYS_EMPTY;
  return 0;
}

/* RFC 5246 7.4.1.3: what the ServerHello says of what is to come. */
static unsigned send_hello_12(const model *m) {
  return SAYS_TLS12 | (m->flags & RESUMED ? SAYS_PSK : 0u) |
         (m->flags & TICKET ? SAYS_TICKET : 0u) | (m->flags & KEEP ? SAYS_ID : 0u) |
         (m->p->status_promised && !(m->flags & RESUMED) ? SAYS_STATUS : 0u);
}

static unsigned send_server_message(model *m, const char *name) {
  const plan *p = m->p;
  if (is(name, "HELLO_RETRY_REQUEST")) {
    if (!is(m->last_ask, "COOKIE")) bad(m, "a retry without a question for its cookie");
    m->skips_early = p->early_offered;
  }
  if (is(name, "SERVER_HELLO")) {
    if ((m->flags & KEM) && !is(m->last_ask, "ENCAP")) bad(m, "a KEM without encapsulation");
    m->skips_early |= p->early_offered && !(m->flags & EARLY);
    if (m->tls12) return send_hello_12(m);
    return m->flags & RESUMED ? SAYS_PSK : 0;
  }
  if (is(name, "ENCRYPTED_EXTENSIONS")) return m->flags & EARLY ? SAYS_EARLY : 0;
  if (is(name, "CERTIFICATE_REQUEST")) return p->client_compress_offered ? SAYS_COMPRESS : 0;
  return 0;
}

static token send_message(model *m, const row *r) {
  if ((is(r->what, "CERTIFICATE_VERIFY") || is(r->what, "SERVER_KEY_EXCHANGE")) &&
      !is(m->last_ask, "SIGNATURE"))
    bad(m, "a signature that was not asked for");
  if (is(r->what, "NEW_SESSION_TICKET") && !is(m->last_ask, "TICKET")) bad(m, "which ticket?");
  if (strstr(r->what, "CERTIFICATE") && !strstr(m->asked, "IDENTITY")) bad(m, "whose certificate?");
  unsigned says =
      m->me == CLIENT ? send_client_message(m, r->what) : send_server_message(m, r->what);
  m->last = r->what;
  m->last_ask = "";
  transcript_add(m, r->what);
  return (token){r->what, says, m->writes};
}

static void receive_as_server(model *m, const token *t) {
  if (is(t->name, "CLIENT_HELLO")) {
    if (!m->got_hello) set(m, COOKIE, t->says & SAYS_COOKIE);
    m->got_hello = true;
    set(m, PSK_OFFERED, t->says & SAYS_PSK);
    set(m, KEM, t->says & SAYS_KEM);
    m->client_may_compress = t->says & SAYS_COMPRESS;
    if (!(t->says & SAYS_PSK)) set(m, RESUMED, false);
  }
  if (is(t->name, "CERTIFICATE") || is(t->name, "COMPRESSED_CERTIFICATE"))
    set(m, CLIENT_CERT, !(t->says & SAYS_EMPTY));
}

static void receive_as_client(model *m, const token *t) {
  if (is(t->name, "HELLO_RETRY_REQUEST")) set(m, EARLY, false);
  if (is(t->name, "SERVER_HELLO")) {
    set(m, RESUMED, t->says & SAYS_PSK);
    set(m, REVERIFY, m->p->reverify && (t->says & SAYS_PSK));
    if (t->says & SAYS_PSK) set(m, CERT_REQUESTED, false);
    if (m->tls12) {
      set(m, TICKET, t->says & SAYS_TICKET);
      set(m, OCSP, t->says & SAYS_STATUS);
      set(m, KEEP, (t->says & SAYS_ID) && !(t->says & SAYS_PSK));
    } else if (t->says & SAYS_TLS12) {
      bad(m, "TLS 1.2 where TLS 1.3 was settled");
    }
  }
  if (is(t->name, "NEW_SESSION_TICKET")) set(m, KEEP, true);
  if (is(t->name, "ENCRYPTED_EXTENSIONS"))
    set(m, EARLY, (m->flags & EARLY) && (t->says & SAYS_EARLY));
  if (is(t->name, "CERTIFICATE_REQUEST")) m->server_may_compress = t->says & SAYS_COMPRESS;
}

static void receive_message(model *m, const token *t) {
  m->last = t->name;
  m->last_ask = "";
  transcript_add(m, t->name);
  if (is(t->name, "CERTIFICATE_VERIFY") || is(t->name, "SERVER_KEY_EXCHANGE"))
    m->proofs |= PROOF_SIGNATURE;
  if (is(t->name, "FINISHED")) m->proofs |= PROOF_FINISHED;
  if (m->me == SERVER)
    receive_as_server(m, t);
  else
    receive_as_client(m, t);
}

static void answer_as_server(model *m, const char *ask) {
  const plan *p = m->p;
  if (is(ask, "COOKIE") && (m->flags & COOKIE)) {
    set(m, RETRIED, true);
    strcpy(m->transcript, "MESSAGE_HASH HELLO_RETRY_REQUEST CLIENT_HELLO ");
  }
  if (is(ask, "HELLO") && !(m->flags & COOKIE)) set(m, RETRIED, p->retry);
  if (is(ask, "SESSION")) {
    set(m, RESUMED, p->resumed);
    set(m, KEEP, false);
    set(m, TICKET, p->ticket);
    set(m, EARLY, p->early_accepted && p->resumed && !(m->flags & RETRIED));
    if (p->resumed) {
      if (!m->tls12) m->proofs |= PROOF_BINDER;
      set(m, CERT_REQUESTED, false);
    }
  }
  if (is(ask, "IDENTITY")) {
    set(m, CERT_REQUESTED, p->cert_requested);
    set(m, OCSP, p->status_promised && p->status_sent);
    set(m, TICKET, p->ticket);
    set(m, KEEP, p->store && !p->ticket);
    set(m, COMPRESSED, p->compressed && m->client_may_compress);
    set(m, CLIENT_COMPRESSED, p->cert_requested && p->client_compress_offered);
  }
}

void model_answer(model *m) {
  const char *ask = m->ask;
  ADD(m->asked, ask);
  m->last_ask = ask;
  /* Of a session's chain it is no proof. */
  if (is(ask, "VERDICT") && !(m->flags & REVERIFY)) m->proofs |= PROOF_CHAIN;
  if (m->me == SERVER) answer_as_server(m, ask);
  if (m->me == CLIENT && is(ask, "IDENTITY")) {
    set(m, CLIENT_CERT, m->p->client_cert);
    set(m, CLIENT_COMPRESSED, m->p->client_compressed && m->server_may_compress);
  }
  m->state = RUNNING;
}

/* ---- The interpreter, once more. ---- */

static bool guarded_out(const model *m, const row *r) {
  return (r->need & m->known & ~m->flags) || (r->not_ & m->known & m->flags);
}

/* Walks past the rows that do not concern this peer now. */
static const row *current(model *m) {
  for (;; m->row++) {
    const row *r = &script_rows[m->row];
    if ((r->kind == ASK_ROW || r->kind == CCS_ROW) && r->who != m->me) continue;
    if (guarded_out(m, r)) {
      if (r->kind == MSG_ROW && r->learn && r->who != m->me) set(m, r->learn, false);
      continue;
    }
    if ((unsigned)(r->need | r->not_) & ~m->known)
      bad(m, "a guard on a flag that is not known yet");
    return r;
  }
}

static const char *key_defect(const model *m, const row *r, const fifo *in, bool reading) {
  static const char *const names[] = {"", "EARLY@", "HANDSHAKE@", "APPLICATION@"};
  const token *next = in->head < in->tail ? &in->token[in->head] : NULL;
  if (reading && next && next->name && next->at == m->reads) return "bytes left at a key change";
  if (r->at == EARLY_LEVEL && !is(m->transcript, "CLIENT_HELLO "))
    return "early keys over the wrong transcript";
  if (r->at == EARLY_LEVEL && m->me == SERVER && !(m->flags & RESUMED))
    return "early keys without a PSK";
  if (!strstr(m->derived, m->tls12 ? "MAIN@" : names[r->at])) return "keys before their secret";
  /* A client's Finished of TLS 1.2 is itself under these keys. */
  bool unchecked = m->tls12 && m->me == SERVER ? false
                   : m->me == CLIENT           ? !(m->flags & RESUMED)
                                               : (m->flags & CLIENT_CERT) != 0;
  if (reading && r->at == APPLICATION_LEVEL && unchecked && !(m->proofs & PROOF_CHAIN))
    return "application data readable before the verdict";
  return NULL;
}

static void change_key(model *m, const row *r, const fifo *in) {
  bool reading = r->who != m->me;
  level *now = reading ? &m->reads : &m->writes;
  m->row++;
  if (*now == r->at) return;
  const char *defect = key_defect(m, r, in, reading);
  if (defect) {
    bad(m, defect);
    return;
  }
  *now = r->at;
  char word[24];
  snprintf(word, sizeof word, "%c%s", reading ? 'r' : 'w', r->what);
  ADD(m->installs, word);
}

/* RFC 5246 7.4.1.1: a client of TLS 1.2 passes over it while it negotiates. */
static void pass_over(const model *m, bool may, fifo *in) {
  while (may && m->me == CLIENT && in->head < in->tail && in->token[in->head].name &&
         is(in->token[in->head].name, "HELLO_REQUEST"))
    in->head++;
}

/* The client's version is the next message's, the server's what its HELLO answer settled. */
static void settle_version(model *m, fifo *in) {
  bool tls12 = m->p->tls12;
  if (m->me == CLIENT) {
    pass_over(m, m->p->tls12, in);
    if (in->head == in->tail) {
      m->state = WAITS_INPUT;
      return;
    }
    const token *t = &in->token[in->head];
    bool retry = t->name && is(t->name, "HELLO_RETRY_REQUEST");
    tls12 = t->says & SAYS_TLS12;
    if (!t->name || (!retry && !is(t->name, "SERVER_HELLO")) || (retry && m->p->only12)) {
      bad(m, "unexpected_message");
      return;
    }
    if (tls12 && (m->flags & EARLY)) {
      bad(m, "TLS 1.2 for one who sent early data"); /* RFC 9846 E.3 */
      return;
    }
  }
  m->tls12 = tls12;
  m->row = script_begin(tls12 ? "TLS12" : "TLS13");
}

/* Takes the application records in front of the next message; false if one may not be there. */
static bool take_app(model *m, fifo *in) {
  for (; in->head < in->tail && !in->token[in->head].name; in->head++) {
    level at = in->token[in->head].at;
    if (at == m->reads && at == EARLY_LEVEL)
      m->delivered++;
    else if (at == EARLY_LEVEL && m->skips_early)
      m->skipped++;
    else
      return false;
  }
  return true;
}

static void read_message(model *m, const row *r, fifo *in) {
  pass_over(m, m->tls12, in);
  if (!take_app(m, in)) {
    bad(m, "an application record");
    return;
  }
  if (in->head == in->tail) {
    m->state = WAITS_INPUT;
    return;
  }
  const token *t = &in->token[in->head];
  if (!is(t->name, r->what)) {
    if (r->learn)
      set(m, r->learn, false);
    else
      bad(m, "unexpected_message");
    m->row++;
    return;
  }
  if (t->at != m->reads || m->reads != r->at) bad(m, "read level");
  if (r->learn) set(m, r->learn, true);
  in->head++;
  m->row++;
  receive_message(m, t);
}

static bool write_message(model *m, const row *r, token *out) {
  m->row++;
  if (r->learn && !(m->flags & r->learn)) return false;
  if (m->writes != r->at) bad(m, "write level");
  *out = send_message(m, r);
  return true;
}

static void derive(model *m, const row *r) {
  size_t used = strlen(m->derived);
  if (is(r->what, "EARLY") && strstr(m->derived, "EARLY@")) {
    m->row++;
    return;
  }
  int n = snprintf(m->derived + used, sizeof m->derived - used, "%s@%s\n", r->what, m->transcript);
  if (n < 0 || (size_t)n >= sizeof m->derived - used) abort();
  m->row++;
}

bool model_step(model *m, fifo *in, token *out) {
  bool wrote = false;
  if (m->state != WAITS_ANSWER && m->state != IS_OPEN && m->state != IS_BAD) m->state = RUNNING;
  while (m->state == RUNNING) {
    const row *r = current(m);
    if (m->state == IS_BAD) break;
    /* After a message the interpreter runs on through these, so that no record can be sealed in
     * between. */
    if (wrote && r->kind != KEY_ROW && r->kind != DERIVE_ROW && r->kind != CCS_ROW) break;
    if (r->kind == OPEN_ROW) m->state = IS_OPEN;
    if (r->kind == VERSION_ROW) settle_version(m, in);
    if (r->kind == KEY_ROW) change_key(m, r, in);
    if (r->kind == DERIVE_ROW) derive(m, r);
    if (r->kind == MSG_ROW && r->who == m->me) wrote = write_message(m, r, out);
    if (r->kind == MSG_ROW && r->who != m->me) read_message(m, r, in);
    if (r->kind == ASK_ROW) {
      m->ask = r->what;
      m->state = WAITS_ANSWER;
      m->row++;
    }
    if (r->kind == CCS_ROW) {
      if (!m->ccs_sent) strcpy(m->ccs_after, m->transcript);
      m->ccs_sent = true;
      m->row++;
    }
  }
  return wrote && m->state != IS_BAD;
}

bool model_may_send(const model *m) {
  if (m->p->quic || m->state == IS_OPEN || m->state == IS_BAD || m->tls12) return false;
  if (m->me == CLIENT) return m->writes == EARLY_LEVEL && (m->flags & EARLY);
  return m->writes == APPLICATION_LEVEL;
}

bool model_at_flight_end(const model *m) {
  for (size_t i = m->row;; i++) {
    const row *r = &script_rows[i];
    if (r->kind == OPEN_ROW || r->kind == VERSION_ROW) return true;
    if (r->kind == MSG_ROW && !guarded_out(m, r)) return r->who == m->me;
  }
}
