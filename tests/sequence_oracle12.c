/* sequence_oracle12.c - every legal order of TLS 1.2 messages that handfast can meet, from RFC 5246
 * section 7.3 (figures 1 and 2), RFC 5077 section 3.1 (its four figures) and RFC 6066 section 8.
 *
 * Key exchange is ephemeral and servers show a certificate, so that of the figures' asterisks those
 * of the server's Certificate and ServerKeyExchange fall away (RFC 5246 7.4.2, 7.4.3). */
#include <stdio.h>
#include <string.h>

#include "sequence_oracle.h"

/* A line under construction: a plain value, so that each branch has its own. */
typedef struct said {
  bool session, ticket, status; /* offered by the client */
  bool ticket_promised;         /* RFC 5077 3.2: SessionTicket is in the ServerHello */
  char line[600];
} said;

static said say(said now, const char *word) {
  strcat(strcat(now.line, " "), word);
  return now;
}

/* ChangeCipherSpec "is sent ... immediately" before Finished (RFC 5246 7.1, 7.4.9), which is the
 * first message under the new keys. */
static said finish(said now, char who) {
  char words[40];
  snprintf(words, sizeof words, "%c:ChangeCipherSpec %c:[Finished]", who, who);
  return say(now, words);
}

/* RFC 5077 3.3: NewSessionTicket is there if, and only if, the ServerHello said so, and before the
 * server's ChangeCipherSpec. */
static said finish_server(said now) {
  return finish(now.ticket_promised ? say(now, "S:NewSessionTicket") : now, 'S');
}

/* RFC 5246 7.3 figure 2; RFC 5077 3.1 figures 2 and 3. */
static void abbreviated(said now, sequences *out) {
  sequences_add(out, finish(finish_server(now), 'C').line);
}

/* From ClientKeyExchange on.  RFC 5246 7.4.8: CertificateVerify follows it if a certificate that
 * can sign was sent. */
static void end_full(said now, bool certificate, sequences *out) {
  now = say(now, "C:ClientKeyExchange");
  if (certificate) now = say(now, "C:CertificateVerify");
  sequences_add(out, finish_server(finish(now, 'C')).line);
}

/* RFC 5246 7.4.4 to 7.4.6: a Certificate, which may be empty, if one was asked for, and only then.
 */
static void after_exchange(said now, sequences *out) {
  const said asked = say(say(now, "S:CertificateRequest"), "S:ServerHelloDone");
  end_full(say(now, "S:ServerHelloDone"), false, out);
  end_full(say(asked, "C:Certificate"), true, out);
  end_full(say(asked, "C:Certificate+empty"), false, out);
}

/* RFC 5246 7.3 figure 1; RFC 5077 3.1 figures 1 and 4.  RFC 6066 8: CertificateStatus right behind
 * Certificate, if the ServerHello has status_request; even then it may be left out. */
static void full(said now, bool status, sequences *out) {
  now = say(now, "S:Certificate");
  if (status) after_exchange(say(say(now, "S:CertificateStatus"), "S:ServerKeyExchange"), out);
  after_exchange(say(now, "S:ServerKeyExchange"), out);
}

static void server_hello(const said *hello, bool promised, sequences *out) {
  char word[80];
  said now = *hello;
  const char *ticket = promised ? "+ticket" : "";
  now.ticket_promised = promised;
  for (int status = 0; status <= now.status; status++) {
    snprintf(word, sizeof word, "S:ServerHello%s%s", ticket, status ? "+status_request" : "");
    full(say(now, word), status, out);
  }
  if (!now.session) return;
  // RFC 5246 7.4.1.4: a session that is resumed has the extensions of its first handshake.
  snprintf(word, sizeof word, "S:ServerHello+resumed%s", ticket);
  abbreviated(say(now, word), out);
}

void sequences_from_rfc12(sequences *out) {
  char word[80];
  for (int choice = 0; choice < 8; choice++) {
    said now = {.session = choice & 1, .ticket = choice & 2, .status = choice & 4, .line = "tls12"};
    snprintf(word, sizeof word, "C:ClientHello%s%s%s", now.session ? "+session" : "",
             now.ticket ? "+ticket" : "", now.status ? "+status_request" : "");
    now = say(now, word);
    for (int promised = 0; promised <= now.ticket; promised++) server_hello(&now, promised, out);
  }
}
