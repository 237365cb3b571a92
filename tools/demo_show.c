/* demo_show.c: what the demo prints.  It only looks on: nothing here changes a connection, but for
 * taking the events that it prints. */
#include <stdarg.h>
#include <string.h>

#include "tools/demo.h"

void show(const struct end *end, const char *what, const char *format, ...) {
  va_list args;
  va_start(args, format);
  printf("%-6s  %-8s  ", end->name, what);
  vprintf(format, args);
  putchar('\n');
  va_end(args);
}

/* ---- Wants ---- */

void show_wants(struct end *end) {
  static const struct {
    unsigned bit;
    const char *name;
  } names[] = {{HF_WANT_INPUT, "WANT_INPUT"},
               {HF_WANT_OUTPUT, "WANT_OUTPUT"},
               {HF_WANT_ANSWER, "WANT_ANSWER"},
               {HF_CAN_SEND, "CAN_SEND"},
               {HF_READY, "READY"},
               {HF_CLOSED, "CLOSED"},
               {HF_FAILED, "FAILED"},
               {HF_EARLY_REFUSED, "EARLY_REFUSED"}};
  char text[128] = "";
  unsigned wants = hf_wants(end->conn);
  if (wants == end->wants) return;
  end->wants = wants;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!(wants & names[i].bit)) continue;
    size_t len = strlen(text);
    snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? " | " : "", names[i].name);
  }
  show(end, "wants", "%-44s (%s)", text[0] != 0 ? text : "nothing", hf_row_name(end->conn));
}

/* ---- Questions ---- */

static void add(char *text, size_t max, const char *word) {
  size_t len = strlen(text);
  snprintf(text + len, max - len, "%s%s", len > 0 ? ", " : "", word);
}

static const char *suites_of(hf_codes codes) {
  static char text[1024];
  text[0] = 0;
  for (size_t i = 0; i < codes.num; i++) {
    const SSL_CIPHER *cipher = SSL_get_cipher_by_value(codes.list[i]);
    add(text, sizeof text, cipher != NULL ? SSL_CIPHER_standard_name(cipher) : "?");
  }
  return text;
}

static const char *groups_of(hf_codes codes) {
  static char text[1024];
  text[0] = 0;
  for (size_t i = 0; i < codes.num; i++) {
    const char *name = SSL_get_group_name(codes.list[i]);
    add(text, sizeof text, name != NULL ? name : "?");
  }
  return text;
}

static const char *signatures_of(hf_codes codes) {
  static char text[1024];
  text[0] = 0;
  for (size_t i = 0; i < codes.num; i++) add(text, sizeof text, signature_name(codes.list[i]));
  return text;
}

/* protocols_of separates the names of an ALPN list. */
static const char *protocols_of(hf_bytes list) {
  static char text[1024];
  text[0] = 0;
  for (size_t at = 0; at < list.len; at += 1U + list.data[at]) {
    char name[256];
    snprintf(name, sizeof name, "%.*s", list.data[at], (const char *)list.data + at + 1);
    add(text, sizeof text, name);
  }
  return text;
}

/* more prints a list under the line above, and breaks it where it gets too long. */
static void more(const char *head, const char *list) {
  enum { INDENT = 18, WIDTH = 96 };
  size_t column = WIDTH;
  for (const char *at = list; *at != 0; at += strspn(at, " ")) {
    size_t len = strcspn(at, " ");
    if (column + 1 + len > WIDTH) {
      printf("%s%*s%-*s", at == list ? "" : "\n", INDENT, "", (int)strlen(head),
             at == list ? head : "");
      column = INDENT + strlen(head);
    } else {
      putchar(' ');
    }
    fwrite(at, 1, len, stdout);
    column += 1 + len;
    at += len;
  }
  putchar('\n');
}

static void show_verdict_question(const struct end *end, const hf_question_t *q) {
  show(end, "asks", "VERDICT: is this chain of %zu (%zu bytes) trusted?  Its key did sign.",
       q->verdict.num, q->verdict.num > 0 ? q->verdict.chain[0].len : 0);
}

void show_question(const struct end *end, const hf_question_t *q) {
  switch (q->ask) {
    case HF_ASK_HELLO:
      show(end, "asks", "HELLO: which configuration, which ALPN, for \"%.*s\"?",
           (int)q->hello.server_name.len, (const char *)q->hello.server_name.data);
      more("suites ", suites_of(q->hello.suites));
      more("groups ", groups_of(q->hello.groups));
      more("ALPN   ", protocols_of(q->hello.alpn));
      break;
    case HF_ASK_COOKIE:
      show(end, "asks",
           q->cookie.make ? "COOKIE: make one that binds these %zu bytes"
                          : "COOKIE: open this one of %zu bytes",
           q->cookie.make ? q->cookie.content.len : q->cookie.cookie.len);
      break;
    case HF_ASK_SESSION:
      show(end, "asks", "SESSION: is one of these %zu known?", q->session.num);
      break;
    case HF_ASK_IDENTITY:
      show(end, "asks", "IDENTITY: which certificate, for a peer that can verify these?");
      more("", signatures_of(q->identity.sigalgs));
      break;
    case HF_ASK_SIGNATURE:
      show(end, "asks", "SIGNATURE: sign these %zu bytes with %s", q->signature.input.len,
           signature_name(q->signature.sigalg));
      break;
    case HF_ASK_VERDICT:
      show_verdict_question(end, q);
      break;
    case HF_ASK_TICKET:
      show(end, "asks", "TICKET: wrap this session of %zu bytes, good for %u seconds",
           q->ticket.state.len, (unsigned)q->ticket.lifetime);
      break;
    case HF_ASK_KEEP:
      show(end, "asks", "KEEP: here is a session of %zu bytes, good for %u seconds",
           q->keep.state.len, (unsigned)q->keep.lifetime);
      break;
    case HF_ASK_INSTALL:
      show(end, "asks", "INSTALL: %s, %zu bytes", q->install.label, q->install.secret.len);
      break;
    case HF_ASK_NONE:
    case HF_ASK_ENCAP:
    case HF_ASK_COMPRESS:
    case HF_ASK_DECOMPRESS:
      show(end, "asks", "something that is never asked in a demo");
      break;
  }
}

void show_answer(const struct end *end, hf_ask ask) {
  hf_facts facts;
  hf_get_facts(&facts, end->conn);
  switch (ask) {
    case HF_ASK_HELLO:
      show(end, "answer", "the one it has; ALPN %.*s", (int)facts.alpn.len,
           (const char *)facts.alpn.data);
      break;
    case HF_ASK_IDENTITY:
      show(end, "answer", end->key != NULL ? "this one" : "none");
      break;
    case HF_ASK_VERDICT:
      show(end, "answer", "X509_verify_cert says: %s",
           X509_verify_cert_error_string(hf_answers_verify_result(end->answers)));
      break;
    case HF_ASK_TICKET:
      show(end, "answer", "the session, sealed with a key that only this server has");
      break;
    case HF_ASK_COOKIE:
      show(end, "answer", "done, with a key that only this server has");
      break;
    case HF_ASK_SESSION:
      show(end, "answer", "no");
      break;
    case HF_ASK_KEEP:
      show(end, "answer", "seen, and not kept");
      break;
    case HF_ASK_INSTALL:
    case HF_ASK_SIGNATURE:
    case HF_ASK_NONE:
    case HF_ASK_ENCAP:
    case HF_ASK_COMPRESS:
    case HF_ASK_DECOMPRESS:
      show(end, "answer", "seen");
      break;
  }
}

/* ---- Flights ---- */

static const char *message_name(const hf_event *event) {
  static const struct {
    uint8_t type;
    const char *name;
  } names[] = {{1, "ClientHello"},         {2, "ServerHello"},  {4, "NewSessionTicket"},
               {8, "EncryptedExtensions"}, {11, "Certificate"}, {13, "CertificateRequest"},
               {15, "CertificateVerify"},  {20, "Finished"},    {24, "KeyUpdate"}};
  /* RFC 9846 4.2.3: a ServerHello with this random is a HelloRetryRequest. */
  static const uint8_t retry[4] = {0xcf, 0x21, 0xad, 0x74};
  if (event->content == 20) return "change_cipher_spec";
  if (event->content == 21)
    return event->bytes.len == 2 && event->bytes.data[1] == 0 ? "close_notify" : "alert";
  if (event->bytes.len > 10 && event->bytes.data[0] == 2 &&
      memcmp(event->bytes.data + 6, retry, sizeof retry) == 0)
    return "HelloRetryRequest";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (event->bytes.len > 0 && names[i].type == event->bytes.data[0]) return names[i].name;
  }
  return "a message";
}

static const char *keys_of(const hf_event *event) {
  static const char *const names[] = {[HF_INITIAL] = "in the clear",
                                      [HF_EARLY] = "under the early data keys",
                                      [HF_HANDSHAKE] = "under the handshake keys",
                                      [HF_APPLICATION] = "under the application keys"};
  return event->content == 20 ? names[HF_INITIAL] : names[event->level];
}

static void gather(struct flight *flight, const hf_event *event) {
  if (event->content == HF_EVENT_INNER_TYPE) return;
  if (event->content == HF_EVENT_HEADER) {
    flight->records++;
    flight->bytes += 5 + (size_t)(event->bytes.data[3] << 8 | event->bytes.data[4]);
    return;
  }
  flight->messages++;
  size_t len = strlen(flight->lines);
  snprintf(flight->lines + len, sizeof flight->lines - len, "%20s%-20s %5zu bytes, %s\n", "",
           message_name(event), event->bytes.len, keys_of(event));
}

static void print_flight(const struct end *end, const char *what, const struct flight *flight) {
  if (flight->messages == 0) return;
  show(end, what, "%zu bytes in %u record%s", flight->bytes, flight->records,
       flight->records == 1 ? "" : "s");
  fputs(flight->lines, stdout);
}

void show_events(struct end *end) {
  struct flight got = {.bytes = 0};
  hf_event event;
  while (hf_next_event(end->conn, &event)) gather(event.sent ? &end->sent : &got, &event);
  print_flight(end, "reads", &got);
}

void show_flight(struct end *end) {
  show_events(end);
  print_flight(end, "FLIGHT", &end->sent);
  end->sent = (struct flight){.bytes = 0};
}

void show_facts(const struct end *end) {
  hf_facts facts;
  hf_get_facts(&facts, end->conn);
  show(end, "knows", "TLS 1.3, %s, %s, ALPN %.*s%s",
       suites_of((hf_codes){.list = &facts.suite, .num = 1}),
       groups_of((hf_codes){.list = &facts.group, .num = 1}), (int)facts.alpn.len,
       (const char *)facts.alpn.data, facts.retried ? ", after a HelloRetryRequest" : "");
}
