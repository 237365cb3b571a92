/* test_rfc8448.c: the engine against the traces of RFC 8448, sections 3 (simple 1-RTT), 4 (resumed
 * 0-RTT), 5 (HelloRetryRequest), 6 (client authentication) and 7 (compatibility mode).
 *
 * Its inputs are the RFC's private keys, randoms, certificates, signatures, ticket and cookie, and
 * on the client its exact ClientHello; what comes out is compared with the RFC.  Only section 7 has
 * ChangeCipherSpec: elsewhere the session ids are empty.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "rfc8448.h"
#include "rfc8448_oracle.h"
#include "side.h"

enum {
  CLIENT_HANDSHAKE,
  SERVER_HANDSHAKE,
  CLIENT_DATA,
  SERVER_DATA,
  EXPORTER,
  NUM_ALWAYS,
  EARLY_EXPORTER = NUM_ALWAYS,
  EARLY_TRAFFIC,
  NUM_SECRETS
};
/* As the NSS key log calls them. */
static const char *const labels[NUM_SECRETS] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                                "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                                "CLIENT_TRAFFIC_SECRET_0",
                                                "SERVER_TRAFFIC_SECRET_0",
                                                "EXPORTER_SECRET",
                                                "EARLY_EXPORTER_SECRET",
                                                "CLIENT_EARLY_TRAFFIC_SECRET"};

/* run is one side going through one trace, and what was compared on the way. */
struct run {
  const struct rfc8448_trace *trace;
  struct side side;
  hf_bytes session;                 /* section 4: the session of section 3 */
  uint8_t secrets[NUM_SECRETS][32]; /* as HF_ASK_INSTALL handed them out */
  bool installed[NUM_SECRETS];
  uint8_t ticket_psk[32]; /* server: what the ticket's state must hold */
  unsigned num_records, num_messages, num_secrets, num_facts;
};

static void equal(hf_bytes actual, hf_bytes expected, const struct run *run, const char *what) {
  cr_assert(bytes_equal(actual, expected), "%s: the %s is not the RFC's (%zu bytes, not %zu)",
            run->trace->name, what, actual.len, expected.len);
}

/* output compares all that the side has to send with one "complete record". */
static void output(struct run *run, hf_bytes expected, const char *what) {
  cr_assert_null(run->side.broken, "%s", run->side.broken);
  equal((hf_bytes){run->side.out.data, run->side.out.len}, expected, run, what);
  buf_drop(&run->side.out, run->side.out.len);
  run->num_records++;
}

static void fact(struct run *run, hf_bytes actual, hf_bytes expected, const char *what) {
  equal(actual, expected, run, what);
  run->num_facts++;
}

static void feed(struct run *run, hf_bytes record) {
  hf_status status = side_feed(&run->side, record.data, record.len);
  cr_assert_eq(status, HF_OK, "%s: %s", run->trace->name, hf_status_text(status));
}

static void keep_secret(struct run *run, const hf_question_t *question) {
  for (size_t i = 0; i < NUM_SECRETS; i++) {
    if (strcmp(question->install.label, labels[i]) != 0) continue;
    cr_assert_not(run->installed[i], "%s came twice", labels[i]);
    cr_assert_eq(question->install.secret.len, 32);
    memcpy(run->secrets[i], question->install.secret.data, 32);
    run->installed[i] = true;
    return;
  }
  cr_assert_fail("no secret of the RFC's is called %s", question->install.label);
}

static void check_secret(struct run *run, size_t which, hf_bytes expected) {
  cr_assert(run->installed[which], "%s was not handed out", labels[which]);
  equal((hf_bytes){run->secrets[which], 32}, expected, run, labels[which]);
  run->num_secrets++;
}

/* holds says whether |part| is somewhere in |whole|. */
static bool holds(hf_bytes whole, hf_bytes part) {
  for (size_t at = 0; at + part.len <= whole.len; at++) {
    if (memcmp(whole.data + at, part.data, part.len) == 0) return true;
  }
  return false;
}

/* ---- The client ---- */

/* What section 6's CertificateRequest asks for. */
static void check_request(struct run *run, hf_codes sigalgs) {
  hf_bytes request = run->trace->certificate_request;
  struct buf wire = {0};
  for (size_t i = 0; i < sigalgs.num; i++) {
    uint8_t code[2] = {(uint8_t)(sigalgs.list[i] >> 8), (uint8_t)sigalgs.list[i]};
    buf_add(&wire, code, 2);
  }
  fact(run, (hf_bytes){wire.data, wire.len}, (hf_bytes){request.data + 13, request.len - 13},
       "signature algorithms");
  buf_free(&wire);
}

static bool client_answer(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct run *run = arg;
  if (question->ask == HF_ASK_IDENTITY) {
    check_request(run, question->identity.sigalgs);
  } else if (question->ask == HF_ASK_SIGNATURE) {
    cr_assert_eq(question->signature.sigalg, 0x0804);
    *answer = (struct side_answer){.ask = question->ask, .bytes = run->trace->client_signature};
    return true;
  } else if (question->ask == HF_ASK_INSTALL) {
    keep_secret(run, question);
  } else if (question->ask == HF_ASK_VERDICT) {
    cr_assert_eq(question->verdict.num, 1);
    fact(run, question->verdict.chain[0], run->trace->certificate_der, "certificate");
    fact(run, question->verdict.server_name, bytes_of("server"), "server name");
  } else {
    cr_assert_eq(question->ask, HF_ASK_KEEP, "question %d was asked", (int)question->ask);
    fact(run, question->keep.name, run->trace->ticket, "ticket");
    cr_assert_eq(question->keep.lifetime, 30);
    cr_assert_eq(question->keep.max_early_data, 1024);
    cr_assert(holds(question->keep.state, run->trace->resumption_psk),
              "the session lacks the RFC's resumption PSK");
    run->num_secrets++;
  }
  return false;
}

static const uint16_t suites[] = {0x1301, 0x1303, 0x1302}, client_groups[] = {0x1d, 0x17, 0x18};

/* The ticket of section 4 is 6 ms old: by that its obfuscated age differs from ticket_age_add. */
enum { TICKET_AGE = 6 };
static const uint64_t issued = 1700000000000;

/* client_start: |session| for section 4, |credential| for section 6, else absent. */
static void client_start(struct run *run, const struct rfc8448_trace *trace, hf_bytes session,
                         const struct credential *credential) {
  *run = (struct run){.trace = trace};
  struct side_setup setup = {
      .settings = {.role = HF_CLIENT,
                   .version_min = 0x0304,
                   .version_max = 0x0304,
                   .suites = {suites, 3},
                   .groups = {client_groups, 3},
                   .flags = HF_EXPORT_SECRETS | HF_ALLOW_EARLY_DATA,
                   .record_size_limit = 0x4001},
      .start = {.hello = trace->client_hello,
                .retry_hello = trace->retry_hello,
                .server_name = bytes_of("server"),
                .session = session,
                .now = session.data != NULL ? issued + TICKET_AGE : issued},
      .credential = credential,
      .answer = client_answer,
      .arg = run,
  };
  memcpy(setup.start.entropy.x25519, trace->client_x25519.data, 32);
  if (trace->client_p256.data != NULL) {
    memcpy(setup.start.entropy.p256, trace->client_p256.data, 32);
  }
  hf_status status = side_new(&run->side, &setup);
  cr_assert_eq(status, HF_OK, "%s", hf_status_text(status));
  output(run, trace->client_hello_record, "ClientHello record");
}

/* client_last_flight compares what the client sends after the server's Finished, record by record.
 */
static void client_last_flight(struct run *run) {
  const struct rfc8448_trace *t = run->trace;
  const hf_bytes records[] = {t->client_ccs_record, t->end_of_early_data_record,
                              t->client_finished_record};
  struct buf expected = {0};
  for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
    buf_add(&expected, records[i].data, records[i].len);
    run->num_records += records[i].data != NULL;
  }
  run->num_records--;
  output(run, (hf_bytes){expected.data, expected.len}, "client's last flight");
  buf_free(&expected);
}

/* The scheme of the server's signature; 0: it has none. */
static uint16_t server_sigalg(const struct rfc8448_trace *t) {
  const uint8_t *verify = t->certificate_verify.data;
  if (verify == NULL) return 0;
  const unsigned code = (unsigned)verify[4] << 8 | verify[5];
  return (uint16_t)code;
}

static void client_handshake(struct run *run) {
  const struct rfc8448_trace *t = run->trace;
  if (t->retry_request_record.data != NULL) {
    feed(run, t->retry_request_record);
    output(run, t->retry_hello_record, "second ClientHello record");
  }
  feed(run, t->server_hello_record);
  cr_assert_eq(run->side.out.len, 0);
  if (t->server_ccs_record.data != NULL) feed(run, t->server_ccs_record);
  feed(run, t->server_flight_record);
  client_last_flight(run);
  cr_assert(side_is_ready(&run->side));
  check_secret(run, CLIENT_HANDSHAKE, t->client_handshake_traffic);
  check_secret(run, SERVER_HANDSHAKE, t->server_handshake_traffic);
  check_secret(run, CLIENT_DATA, t->client_application_traffic);
  check_secret(run, SERVER_DATA, t->server_application_traffic);
  check_secret(run, EXPORTER, t->exporter);
  hf_facts facts;
  hf_get_facts(&facts, run->side.conn);
  cr_assert_eq(facts.version, 0x0304);
  cr_assert_eq(facts.suite, 0x1301);
  cr_assert_eq(facts.group, t->retry_hello.data != NULL ? 0x17 : 0x1d);
  cr_assert_eq(facts.retried, t->retry_hello.data != NULL);
  cr_assert_eq(facts.sigalg, server_sigalg(t));
  cr_assert_eq(facts.resumed, t->early_data.data != NULL);
  cr_assert_eq(facts.early_accepted, t->early_data.data != NULL);
  fact(run, facts.server_random, t->server_random, "server's random");
  fact(run, facts.own_finished, t->client_finished, "client's verify_data");
  fact(run, facts.peer_finished, t->server_finished, "server's verify_data");
}

static void exchange_data(struct run *run, hf_bytes outgoing, hf_bytes incoming) {
  if (outgoing.data == NULL) return;
  cr_assert_eq(side_send(&run->side, run->trace->data.data, run->trace->data.len), HF_OK);
  output(run, outgoing, "application data record");
  feed(run, incoming);
  fact(run, (hf_bytes){run->side.app.data, run->side.app.len}, run->trace->data, "data received");
}

static void close_both(struct run *run, hf_bytes outgoing, hf_bytes incoming) {
  cr_assert_eq(side_close(&run->side), HF_OK);
  output(run, outgoing, "close_notify record");
  cr_assert_not(hf_wants(run->side.conn) & HF_CLOSED);
  feed(run, incoming);
  cr_assert(hf_wants(run->side.conn) & HF_CLOSED);
}

static void finish(struct run *run, const char *role) {
  for (size_t piece = 0; piece < 4; piece++) {
    const char *differs = side_replay(&run->side, piece);
    cr_assert_null(differs, "%s in pieces of %zu: %s", run->trace->name, piece, differs);
  }
  printf("RFC 8448 %s, %s: compared %u records, %u messages, %u secrets, %u other values\n",
         run->trace->name, role, run->num_records, run->num_messages, run->num_secrets,
         run->num_facts);
  fflush(stdout);
  side_free(&run->side);
}

static const hf_bytes absent = {NULL, 0};

/* client_ticket is section 3 as far as the ticket. */
static void client_ticket(struct run *run) {
  client_start(run, &rfc8448_simple, absent, NULL);
  client_handshake(run);
  feed(run, rfc8448_simple.ticket_record);
  cr_assert_eq(run->side.asked[HF_ASK_KEEP], 1);
}

/* R-4.1-1 R-7.1-1 R-4.3.7-3: the server of the traces says which groups it has. */
Test(rfc8448, client_simple) {
  struct run run;
  client_ticket(&run);
  exchange_data(&run, rfc8448_simple.client_data_record, rfc8448_simple.server_data_record);
  close_both(&run, rfc8448_simple.client_alert_record, rfc8448_simple.server_alert_record);
  cr_assert_eq(run.num_records, 4);
  cr_assert_eq(run.num_secrets, 6);
  finish(&run, "client");
}

Test(rfc8448, client_retry) {
  struct run run;
  client_start(&run, &rfc8448_retry, absent, NULL);
  client_handshake(&run);
  close_both(&run, rfc8448_retry.client_alert_record, rfc8448_retry.server_alert_record);
  cr_assert_eq(run.num_records, 4);
  cr_assert_eq(run.num_secrets, 5);
  finish(&run, "client");
}

/* R-4.3.10-1 R-7.1-2: by the session that section 3 ended with. */
Test(rfc8448, client_early) {
  const struct rfc8448_trace *t = &rfc8448_early;
  struct run first, run;
  client_ticket(&first);
  client_start(&run, t, (hf_bytes){first.side.kept.data, first.side.kept.len}, NULL);
  check_secret(&run, EARLY_EXPORTER, t->early_exporter);
  check_secret(&run, EARLY_TRAFFIC, t->early_traffic);
  cr_assert_eq(side_send(&run.side, t->early_data.data, t->early_data.len), HF_OK);
  output(&run, t->early_data_record, "early data record");
  client_handshake(&run);
  exchange_data(&run, t->client_data_record, t->server_data_record);
  close_both(&run, t->client_alert_record, t->server_alert_record);
  cr_assert_eq(run.num_records, 6);
  cr_assert_eq(run.num_secrets, 7);
  finish(&run, "client");
  side_free(&first.side);
}

/* Neither's private key is known: the signatures are the RFC's. */
static void identity(struct credential *credential, hf_bytes certificate, uint16_t sigalg) {
  *credential = (struct credential){.key = NULL};
  cr_assert_eq(hf_identity_new(&credential->identity, 0, &certificate, 1, absent, absent,
                               (hf_codes){&sigalg, 1}),
               HF_OK);
}

/* R-4.5.1-1: Certificate, CertificateVerify and Finished of a client, in one record. */
Test(rfc8448, client_client_auth) {
  const struct rfc8448_trace *t = &rfc8448_client_auth;
  struct run run;
  struct credential credential;
  identity(&credential, t->client_certificate_der, 0x0804);
  client_start(&run, t, absent, &credential);
  client_handshake(&run);
  close_both(&run, t->client_alert_record, t->server_alert_record);
  cr_assert_eq(run.num_records, 3);
  cr_assert_eq(run.num_secrets, 5);
  finish(&run, "client");
  hf_identity_free(credential.identity);
}

/* R-E.4-1: ChangeCipherSpec both ways. */
Test(rfc8448, client_compatibility) {
  const struct rfc8448_trace *t = &rfc8448_compatibility;
  struct run run;
  client_start(&run, t, absent, NULL);
  client_handshake(&run);
  close_both(&run, t->client_alert_record, t->server_alert_record);
  cr_assert_eq(run.num_records, 4);
  cr_assert_eq(run.num_secrets, 5);
  finish(&run, "client");
}

/* ---- The server.  Our EncryptedExtensions is not the RFC's, which lists groups that we do not
 * have; so what hashes over it is compared with the oracle's, after the oracle has made the RFC's
 * out of the RFC's messages. ---- */

/* flow is what the oracle knows: the transcript, and the secrets that follow from it. */
struct flow {
  struct buf transcript;
  uint8_t secrets[NUM_SECRETS][32];
  uint8_t server_finished[32], client_finished[32], psk[32];
};

/* flow_to_hello is the transcript up to ServerHello, which is the RFC's on both sides. */
static void flow_to_hello(struct flow *flow, const struct rfc8448_trace *t) {
  buf_add(&flow->transcript, t->client_hello.data, t->client_hello.len);
  if (t->retry_hello.data != NULL) {
    oracle_restart(&flow->transcript);
    buf_add(&flow->transcript, t->retry_request.data, t->retry_request.len);
    buf_add(&flow->transcript, t->retry_hello.data, t->retry_hello.len);
  }
  buf_add(&flow->transcript, t->server_hello.data, t->server_hello.len);
  memcpy(flow->secrets[CLIENT_HANDSHAKE], t->client_handshake_traffic.data, 32);
  memcpy(flow->secrets[SERVER_HANDSHAKE], t->server_handshake_traffic.data, 32);
}

/* flow_on goes on with the server's |flight| (EncryptedExtensions to Finished). */
static void flow_on(struct flow *flow, const struct rfc8448_trace *t, hf_bytes flight) {
  static const uint8_t finished_header[] = {20, 0, 0, 32}, end_of_early_data[] = {5, 0, 0, 0};
  uint8_t resumption[32];
  struct buf *transcript = &flow->transcript;
  buf_add(transcript, flight.data, flight.len - 36);
  oracle_finished(flow->server_finished, flow->secrets[SERVER_HANDSHAKE], transcript);
  buf_add(transcript, flight.data + flight.len - 36, 36);
  oracle_derive(flow->secrets[CLIENT_DATA], t->main.data, "c ap traffic", transcript);
  oracle_derive(flow->secrets[SERVER_DATA], t->main.data, "s ap traffic", transcript);
  oracle_derive(flow->secrets[EXPORTER], t->main.data, "exp master", transcript);
  if (t->end_of_early_data_record.data != NULL) buf_add(transcript, end_of_early_data, 4);
  buf_add(transcript, t->client_certificate.data, t->client_certificate.len);
  buf_add(transcript, t->client_certificate_verify.data, t->client_certificate_verify.len);
  oracle_finished(flow->client_finished, flow->secrets[CLIENT_HANDSHAKE], transcript);
  buf_add(transcript, finished_header, sizeof finished_header);
  buf_add(transcript, flow->client_finished, 32);
  oracle_derive(resumption, t->main.data, "res master", transcript);
  if (t->early_traffic.data != NULL) {
    memcpy(flow->secrets[EARLY_TRAFFIC], t->early_traffic.data, 32);
    memcpy(flow->secrets[EARLY_EXPORTER], t->early_exporter.data, 32);
  }
  oracle_expand(flow->psk, 32, resumption, "resumption", t->ticket_nonce);
}

static hf_bytes of32(const uint8_t *data) { return (hf_bytes){data, 32}; }

/* sealed is one record under |secret|, in |room|. */
static hf_bytes sealed(struct buf *room, const uint8_t *secret, uint64_t seq, uint8_t type,
                       hf_bytes content) {
  room->len = 0;
  oracle_seal(room, secret, seq, type, content);
  return (hf_bytes){room->data, room->len};
}

static hf_bytes finished_message(uint8_t out[36], const uint8_t verify_data[32]) {
  memcpy(out, (const uint8_t[]){20, 0, 0, 32}, 4);
  memcpy(out + 4, verify_data, 32);
  return (hf_bytes){out, 36};
}

static const uint8_t close_notify[] = {1, 0};

/* The oracle makes the RFC's secrets, Finished and records out of the RFC's messages. */
static void oracle_agrees(const struct rfc8448_trace *t) {
  struct run run = {.trace = t};
  struct flow flow = {.transcript = {0}};
  struct buf room = {0};
  struct buf last = {0}; /* the client's last flight */
  uint8_t message[36];
  /* of the server's close_notify */
  const uint64_t seq = (uint64_t)(t->ticket.data != NULL) + (t->data.data != NULL);
  flow_to_hello(&flow, t);
  flow_on(&flow, t, t->server_flight);
  equal(of32(flow.server_finished), t->server_finished, &run, "oracle's server Finished");
  equal(of32(flow.client_finished), t->client_finished, &run, "oracle's client Finished");
  equal(of32(flow.secrets[CLIENT_DATA]), t->client_application_traffic, &run, "oracle's c ap");
  equal(of32(flow.secrets[SERVER_DATA]), t->server_application_traffic, &run, "oracle's s ap");
  equal(of32(flow.secrets[EXPORTER]), t->exporter, &run, "oracle's exporter");
  if (t->ticket.data != NULL) equal(of32(flow.psk), t->resumption_psk, &run, "oracle's PSK");
  equal(sealed(&room, flow.secrets[SERVER_HANDSHAKE], 0, 22, t->server_flight),
        t->server_flight_record, &run, "oracle's flight");
  buf_add(&last, t->client_certificate.data, t->client_certificate.len);
  buf_add(&last, t->client_certificate_verify.data, t->client_certificate_verify.len);
  buf_add(&last, finished_message(message, flow.client_finished).data, 36);
  equal(sealed(&room, flow.secrets[CLIENT_HANDSHAKE], 0, 22, (hf_bytes){last.data, last.len}),
        t->client_finished_record, &run, "oracle's client Finished record");
  equal(sealed(&room, flow.secrets[SERVER_DATA], seq, 21, (hf_bytes){close_notify, 2}),
        t->server_alert_record, &run, "oracle's close_notify");
  buf_free(&last);
  buf_free(&room);
  buf_free(&flow.transcript);
}

static bool server_answer(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct run *run = arg;
  const struct rfc8448_trace *t = run->trace;
  switch ((unsigned)question->ask) {
    case HF_ASK_INSTALL:
      keep_secret(run, question);
      return false;
    case HF_ASK_HELLO:
      fact(run, question->hello.hello, t->client_hello, "ClientHello asked about");
      fact(run, question->hello.server_name, bytes_of("server"), "server name");
      return false;
    case HF_ASK_COOKIE:
      cr_assert(question->cookie.make);
      answer->bytes = t->cookie;
      return true;
    case HF_ASK_IDENTITY:
      return false;
    case HF_ASK_SESSION:
      cr_assert_eq(question->session.num, 1);
      cr_assert(question->session.early_offered);
      fact(run, question->session.candidates[0].name, rfc8448_simple.ticket, "ticket");
      /* What the client keeps and what the server put into its ticket are the same. */
      answer->bytes = run->session;
      answer->flags = HF_ACCEPT_EARLY;
      return true;
    case HF_ASK_SIGNATURE:
      cr_assert_eq(question->signature.sigalg, server_sigalg(t));
      *answer = (struct side_answer){.ask = question->ask, .bytes = t->signature};
      return true;
    default:
      cr_assert_eq(question->ask, HF_ASK_TICKET, "question %d was asked", (int)question->ask);
      cr_assert(holds(question->ticket.state, of32(run->ticket_psk)), "the ticket lacks its PSK");
      run->num_secrets++;
      answer->bytes = t->ticket;
      return true;
  }
}

/* server_start also gives the server an identity; its key is never used, the signature being the
 * RFC's. */
static void server_start(struct run *run, const struct rfc8448_trace *trace, hf_bytes session,
                         struct credential *credential) {
  static const uint16_t simple_groups[] = {0x1d, 0x17, 0x18}, retry_groups[] = {0x17, 0x18, 0x1d};
  bool retry = trace->retry_hello.data != NULL;
  unsigned flags = HF_EXPORT_SECRETS;
  if (trace->ticket.data != NULL) flags |= HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
  if (trace->certificate_request.data != NULL) flags |= HF_REQUEST_CLIENT_CERT;
  *run = (struct run){.trace = trace, .session = session};
  *credential = (struct credential){.key = NULL};
  if (trace->certificate_der.data != NULL) {
    identity(credential, trace->certificate_der, server_sigalg(trace));
  }
  struct side_setup setup = {
      .settings = {.role = HF_SERVER,
                   .version_min = 0x0304,
                   .version_max = 0x0304,
                   .suites = {suites, 3},
                   .groups = {retry ? retry_groups : simple_groups, 3},
                   .flags = flags,
                   .num_tickets = 1,
                   .ticket_lifetime = 30,
                   .max_early_data = 1024,
                   .record_size_limit = 0x4001},
      .start = {.now = session.data != NULL ? issued + TICKET_AGE : issued},
      .credential = credential,
      .answer = server_answer,
      .arg = run,
  };
  uint8_t *slot = retry ? setup.start.entropy.p256 : setup.start.entropy.x25519;
  memcpy(slot, trace->server_private.data, 32);
  memcpy(setup.start.entropy.random, trace->server_random.data, 32);
  hf_status status = side_new(&run->side, &setup);
  cr_assert_eq(status, HF_OK, "%s", hf_status_text(status));
}

static void message_equals(struct run *run, hf_bytes *flight, hf_bytes expected, const char *what) {
  cr_assert_geq(flight->len, expected.len);
  equal((hf_bytes){flight->data, expected.len}, expected, run, what);
  *flight = (hf_bytes){flight->data + expected.len, flight->len - expected.len};
  run->num_messages++;
}

/* open_flight decrypts all the records that are waiting; how a flight is cut into them is the
 * sender's choice. */
static void open_flight(struct run *run, struct buf *content) {
  struct buf *out = &run->side.out;
  for (uint64_t seq = 0; out->len > 0; seq++) {
    uint8_t type = 0;
    cr_assert_geq(out->len, 5);
    hf_bytes record = {out->data, 5 + ((size_t)out->data[3] << 8 | out->data[4])};
    cr_assert_leq(record.len, out->len);
    cr_assert(oracle_open(content, &type, run->trace->server_handshake_traffic.data, seq, record),
              "%s: the server's flight is not under the RFC's key", run->trace->name);
    cr_assert_eq(type, 22);
    buf_drop(out, record.len);
  }
}

/* server_flight takes the messages after ServerHello apart: what is not EncryptedExtensions is the
 * RFC's. */
static void server_flight(struct run *run, struct flow *flow) {
  const struct rfc8448_trace *t = run->trace;
  struct buf content = {0};
  uint8_t message[36];
  open_flight(run, &content);
  hf_bytes rest = {content.data, content.len};
  cr_assert_eq(rest.data[0], 8, "EncryptedExtensions comes first");
  size_t len = 4 + ((size_t)rest.data[2] << 8 | rest.data[3]);
  rest = (hf_bytes){rest.data + len, rest.len - len};
  if (t->certificate_request.data != NULL) { /* it names other algorithms than ours does */
    cr_assert_eq(rest.data[0], 13);
    len = 4 + ((size_t)rest.data[2] << 8 | rest.data[3]);
    rest = (hf_bytes){rest.data + len, rest.len - len};
  }
  if (t->certificate.data != NULL) {
    message_equals(run, &rest, t->certificate, "Certificate");
    message_equals(run, &rest, t->certificate_verify, "CertificateVerify");
  }
  flow_on(flow, t, (hf_bytes){content.data, content.len});
  message_equals(run, &rest, finished_message(message, flow->server_finished), "Finished");
  cr_assert_eq(rest.len, 0);
  buf_free(&content);
}

static void server_hello(struct run *run) {
  const struct rfc8448_trace *t = run->trace;
  feed(run, t->client_hello_record);
  if (t->retry_hello.data != NULL) {
    output(run, t->retry_request_record, "HelloRetryRequest record");
    feed(run, t->retry_hello_record);
  }
  /* ServerHello stands in front of the rest of the flight. */
  struct buf *out = &run->side.out;
  cr_assert_geq(out->len, t->server_hello_record.len);
  equal((hf_bytes){out->data, t->server_hello_record.len}, t->server_hello_record, run,
        "ServerHello record");
  buf_drop(out, t->server_hello_record.len);
  run->num_records++;
  if (t->server_ccs_record.data == NULL) return;
  equal((hf_bytes){out->data, 6}, t->server_ccs_record, run, "ChangeCipherSpec record");
  buf_drop(out, 6);
  run->num_records++;
}

/* new_ticket checks the record with the NewSessionTicket: its ticket_age_add alone is not the
 * RFC's. */
static void new_ticket(struct run *run, const struct flow *flow) {
  struct buf content = {0};
  uint8_t type = 0;
  hf_bytes expected = run->trace->ticket_message;
  hf_bytes record = {run->side.out.data, run->side.out.len};
  cr_assert(oracle_open(&content, &type, flow->secrets[SERVER_DATA], 0, record));
  cr_assert_eq(type, 22);
  cr_assert_eq(content.len, expected.len);
  memcpy(content.data + 8, expected.data + 8, 4);
  equal((hf_bytes){content.data, content.len}, expected, run, "NewSessionTicket");
  run->num_messages++;
  buf_free(&content);
  buf_drop(&run->side.out, run->side.out.len);
}

/* server_early takes the RFC's early records; what follows them hashes over our messages. */
static void server_early(struct run *run) {
  const struct rfc8448_trace *t = run->trace;
  if (t->early_data.data == NULL) return;
  feed(run, t->early_data_record);
  fact(run, (hf_bytes){run->side.app.data, run->side.app.len}, t->early_data, "early data");
  feed(run, t->end_of_early_data_record);
}

static void server_exchange(struct run *run, const struct flow *flow, uint64_t *sent,
                            uint64_t *received) {
  const struct rfc8448_trace *t = run->trace;
  const struct buf *app = &run->side.app;
  size_t before = app->len;
  struct buf room = {0};
  if (t->data.data == NULL) return;
  feed(run, sealed(&room, flow->secrets[CLIENT_DATA], (*received)++, 23, t->data));
  fact(run, (hf_bytes){app->data + before, app->len - before}, t->data, "data received");
  cr_assert_eq(side_send(&run->side, t->data.data, t->data.len), HF_OK);
  output(run, sealed(&room, flow->secrets[SERVER_DATA], (*sent)++, 23, t->data), "data record");
  buf_free(&room);
}

/* server_begin goes as far as the server's Finished. */
static void server_begin(struct run *run, struct flow *flow, const struct rfc8448_trace *t,
                         hf_bytes session, struct credential *credential) {
  *flow = (struct flow){.transcript = {0}};
  oracle_agrees(t);
  server_start(run, t, session, credential);
  server_hello(run);
  flow_to_hello(flow, t);
  server_flight(run, flow);
}

static void server_run(const struct rfc8448_trace *t, hf_bytes session) {
  struct run run;
  struct flow flow;
  struct buf room = {0};
  struct credential credential;
  uint8_t message[36];
  uint64_t sent = 0, received = 0;
  server_begin(&run, &flow, t, session, &credential);
  server_early(&run);
  memcpy(run.ticket_psk, flow.psk, 32);
  if (t->client_ccs_record.data != NULL) feed(&run, t->client_ccs_record);
  feed(&run, sealed(&room, flow.secrets[CLIENT_HANDSHAKE], 0, 22,
                    finished_message(message, flow.client_finished)));
  cr_assert(side_is_ready(&run.side));
  /* The client's application secret is the last to be handed out: with its Finished. */
  for (size_t i = 0; i < NUM_SECRETS; i++) {
    if (i < NUM_ALWAYS || session.data != NULL) check_secret(&run, i, of32(flow.secrets[i]));
  }
  if (t->ticket.data != NULL) {
    new_ticket(&run, &flow);
    sent++;
  }
  server_exchange(&run, &flow, &sent, &received);
  feed(&run, sealed(&room, flow.secrets[CLIENT_DATA], received, 21, (hf_bytes){close_notify, 2}));
  cr_assert(hf_wants(run.side.conn) & HF_CLOSED);
  cr_assert_eq(side_close(&run.side), HF_OK);
  output(&run, sealed(&room, flow.secrets[SERVER_DATA], sent, 21, (hf_bytes){close_notify, 2}),
         "close_notify record");
  finish(&run, "server");
  hf_identity_free(credential.identity);
  buf_free(&room);
  buf_free(&flow.transcript);
}

/* R-4.1-1 R-7.1-1 R-4.5.1-1. */
Test(rfc8448, server_simple) { server_run(&rfc8448_simple, absent); }
/* R-4.1-2 R-4.2.4-1 R-4.2.4-6: HelloRetryRequest and ServerHello, byte for byte. */
Test(rfc8448, server_retry) { server_run(&rfc8448_retry, absent); }
/* R-E.4-2. */
Test(rfc8448, server_compatibility) { server_run(&rfc8448_compatibility, absent); }

/* R-4.3.10-1 R-4.3.11-4 R-7.1-2: it takes the RFC's binder, early data and EndOfEarlyData. */
Test(rfc8448, server_early) {
  struct run first;
  client_ticket(&first);
  server_run(&rfc8448_early, (hf_bytes){first.side.kept.data, first.side.kept.len});
  side_free(&first.side);
}

/* The client's signature covers a CertificateRequest that is not ours: here the trace ends. */
Test(rfc8448, server_client_auth) {
  struct run run;
  struct flow flow;
  struct credential credential;
  server_begin(&run, &flow, &rfc8448_client_auth, absent, &credential);
  for (size_t i = 0; i < NUM_ALWAYS; i++) {
    if (i != CLIENT_DATA) check_secret(&run, i, of32(flow.secrets[i]));
  }
  finish(&run, "server");
  hf_identity_free(credential.identity);
  buf_free(&flow.transcript);
}
