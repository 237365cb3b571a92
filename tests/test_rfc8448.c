/* test_rfc8448.c: the engine against the traces of RFC 8448, sections 3 (simple 1-RTT) and 5
 * (HelloRetryRequest).
 *
 * Its inputs are the RFC's private keys, randoms, certificate, signature, ticket and cookie, and on
 * the client its exact ClientHello; what comes out is compared with the RFC.  The traces have no
 * ChangeCipherSpec: their session ids are empty.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "rfc8448.h"
#include "side.h"

/* run is one side going through one trace, and what was compared on the way. */
struct run {
  const struct rfc8448_trace *trace;
  struct side side;
  struct buf ticket;
  unsigned num_records, num_secrets, num_facts;
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

/* secret compares what HF_ASK_INSTALL hands out, by its name in the NSS key log. */
static void secret(struct run *run, const hf_question_t *question) {
  const struct rfc8448_trace *t = run->trace;
  const struct {
    const char *label;
    hf_bytes secret;
  } expected[] = {
      {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", t->client_handshake_traffic},
      {"SERVER_HANDSHAKE_TRAFFIC_SECRET", t->server_handshake_traffic},
      {"CLIENT_TRAFFIC_SECRET_0", t->client_application_traffic},
      {"SERVER_TRAFFIC_SECRET_0", t->server_application_traffic},
      {"EXPORTER_SECRET", t->exporter},
  };
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    if (strcmp(question->install.label, expected[i].label) != 0) continue;
    equal(question->install.secret, expected[i].secret, run, expected[i].label);
    run->num_secrets++;
    return;
  }
  cr_assert_fail("%s: no secret of the RFC's is called %s", t->name, question->install.label);
}

/* holds says whether |part| is somewhere in |whole|. */
static bool holds(hf_bytes whole, hf_bytes part) {
  for (size_t at = 0; at + part.len <= whole.len; at++) {
    if (memcmp(whole.data + at, part.data, part.len) == 0) return true;
  }
  return false;
}

/* ---- The client ---- */

static bool client_answer(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct run *run = arg;
  (void)answer;
  if (question->ask == HF_ASK_INSTALL) {
    secret(run, question);
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

static void client_start(struct run *run, const struct rfc8448_trace *trace) {
  *run = (struct run){.trace = trace};
  struct side_setup setup = {
      .settings = {.role = HF_CLIENT,
                   .version_min = 0x0304,
                   .version_max = 0x0304,
                   .suites = {suites, 3},
                   .groups = {client_groups, 3},
                   .flags = HF_EXPORT_SECRETS,
                   .record_size_limit = 0x4001},
      .start = {.hello = trace->client_hello,
                .retry_hello = trace->retry_hello,
                .server_name = bytes_of("server"),
                .now = 1700000000000},
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

static void client_handshake(struct run *run) {
  const struct rfc8448_trace *t = run->trace;
  if (t->retry_request_record.data != NULL) {
    feed(run, t->retry_request_record);
    output(run, t->retry_hello_record, "second ClientHello record");
  }
  feed(run, t->server_hello_record);
  cr_assert_eq(run->side.out.len, 0);
  feed(run, t->server_flight_record);
  output(run, t->client_finished_record, "client's Finished record");
  cr_assert(side_is_ready(&run->side));
  hf_facts facts;
  hf_get_facts(&facts, run->side.conn);
  cr_assert_eq(facts.version, 0x0304);
  cr_assert_eq(facts.suite, 0x1301);
  cr_assert_eq(facts.group, t->retry_hello.data != NULL ? 0x17 : 0x1d);
  cr_assert_eq(facts.retried, t->retry_hello.data != NULL);
  cr_assert_eq(facts.sigalg, 0x0804);
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
  printf("RFC 8448 %s, %s: compared %u records sent, %u secrets, %u other values\n",
         run->trace->name, role, run->num_records, run->num_secrets, run->num_facts);
  fflush(stdout);
  side_free(&run->side);
  buf_free(&run->ticket);
}

Test(rfc8448, client_simple) {
  struct run run;
  client_start(&run, &rfc8448_simple);
  client_handshake(&run);
  feed(&run, rfc8448_simple.ticket_record);
  cr_assert_eq(run.side.asked[HF_ASK_KEEP], 1);
  exchange_data(&run, rfc8448_simple.client_data_record, rfc8448_simple.server_data_record);
  close_both(&run, rfc8448_simple.client_alert_record, rfc8448_simple.server_alert_record);
  cr_assert_eq(run.num_records, 4);
  cr_assert_eq(run.num_secrets, 6);
  finish(&run, "client");
}

Test(rfc8448, client_retry) {
  struct run run;
  client_start(&run, &rfc8448_retry);
  client_handshake(&run);
  close_both(&run, rfc8448_retry.client_alert_record, rfc8448_retry.server_alert_record);
  cr_assert_eq(run.num_records, 4);
  cr_assert_eq(run.num_secrets, 5);
  finish(&run, "client");
}
