/* test_interop_tls12_more.c: what else there is in TLS 1.2, against OpenSSL and GnuTLS in processes
 * of their own and both ways: client certificates, OCSP responses, ALPN, exporters, limits of
 * records, peers without the extended main secret, renegotiation, versions, False Start. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_tls12_more, .timeout = 300);

enum { TLS12 = 0x0303, TLS13 = 0x0304 };
#define DIR HF_SOURCE_DIR "/tests/certs"
#define GNU_12 "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2"

static const struct interop_name suite = {0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", ""};
static const struct interop_name group = {0x001d, "X25519", ""};
static const struct interop_name cert = {0x0403, "ecdsa-p256", ""};
static const struct interop_case usual = {&suite, &group, &cert, .len = 2000, .version = TLS12};
static const struct interop_case closed_there = {
    &suite, &group, &cert, .len = 2000, .version = TLS12, .peer_closes_first = true};
static const uint16_t groups[] = {0x001d, 0x0017};

#define OK(expr, peer) cr_assert((expr), #expr "%s", peer_tail(peer))
#define CHECK(expr, peer)                                    \
  do {                                                       \
    const char *wrong_ = (expr);                             \
    cr_assert_null(wrong_, "%s%s", wrong_, peer_tail(peer)); \
  } while (0)

/* A side, the peer it talks to, and what they stand on. */
struct meeting {
  struct side_setup setup;
  struct interop_lists lists;
  struct side side;
  struct peer peer;
  struct wire wire;
  struct credential *credential;
  int listener;
  uint16_t port;
};

static void client_of(struct meeting *m) {
  memset(m, 0, sizeof *m);
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
  m->listener = -1;
  m->port = peer_free_port();
  interop_client(&m->setup, &m->lists, &usual);
  m->setup.settings.groups = (hf_codes){groups, 2};
}

static void server_of(struct meeting *m) {
  memset(m, 0, sizeof *m);
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
  m->listener = peer_listen(&m->port);
  m->credential = credential_load("ecdsa-p256");
  cr_assert_not_null(m->credential);
  interop_server(&m->setup, &m->lists, &usual, m->credential);
}

/* Starts the peer, with |options| behind what it always has, and connects. */
static void openssl(struct meeting *m, const char *options) {
  char command[2000];
  if (m->listener < 0) {
    snprintf(command, sizeof command,
             "openssl s_server -accept 127.0.0.1:%d -cert %s/ecdsa-p256.pem -key "
             "%s/ecdsa-p256.key -cert_chain %s/intermediate.pem %s",
             m->port, DIR, DIR, DIR, options);
  } else {
    snprintf(command, sizeof command,
             "openssl s_client -connect 127.0.0.1:%d -servername localhost -verify_return_error "
             "-verify_hostname localhost -CAfile %s/root.pem %s",
             m->port, DIR, options);
  }
  const char *wrong = peer_start(&m->peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static void gnutls(struct meeting *m, const char *options) {
  char command[2000];
  if (m->listener < 0) {
    snprintf(command, sizeof command,
             "gnutls-serv -p %d --echo --x509certfile %s/ecdsa-p256.pem --x509keyfile "
             "%s/ecdsa-p256.key %s",
             m->port, DIR, DIR, options);
  } else {
    snprintf(command, sizeof command,
             "gnutls-cli -p %d 127.0.0.1 --sni-hostname localhost --verify-hostname localhost "
             "--x509cafile %s/root.pem %s",
             m->port, DIR, options);
  }
  const char *wrong = peer_start(&m->peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static void meet(struct meeting *m) {
  m->wire = (struct wire){.side = &m->side, .peer = &m->peer};
  m->wire.fd = m->listener < 0 ? peer_connect(m->port) : peer_accept(m->listener);
  OK(m->wire.fd >= 0, &m->peer);
  cr_assert_eq(side_new(&m->side, &m->setup), HF_OK);
}

static hf_facts shake(struct meeting *m) {
  hf_facts facts;
  hf_fault fault;
  meet(m);
  const bool done = wire_handshake(&m->wire);
  hf_get_fault(&fault, m->side.conn);
  cr_assert(done, "%s (alert %d, in %s)%s", fault.text, fault.alert, fault.where,
            peer_tail(&m->peer));
  hf_get_facts(&facts, m->side.conn);
  return facts;
}

/* Data both ways, close_notify both ways, and all of it again. */
static void finish(struct meeting *m, bool echoes) {
  const struct interop_case *c = m->listener < 0 ? &usual : &closed_there;
  CHECK(interop_talk(&m->wire, c, echoes), &m->peer);
  CHECK(interop_bye(&m->wire, c), &m->peer);
  CHECK(interop_again(&m->side), &m->peer);
}

static void over(struct meeting *m) {
  side_free(&m->side);
  peer_stop(&m->peer);
  credential_free(m->credential);
  if (m->listener >= 0) close(m->listener);
}

/* The handshake fails: with |status| here, after |alert|. */
static void fails(struct meeting *m, hf_status status, uint8_t alert) {
  hf_fault fault;
  meet(m);
  OK(wire_failed(&m->wire), &m->peer);
  hf_get_fault(&fault, m->side.conn);
  cr_expect_eq(fault.status, status, "%s in %s%s", fault.text, fault.where, peer_tail(&m->peer));
  cr_expect_eq(fault.alert, alert, "%d", fault.alert);
  CHECK(interop_again(&m->side), &m->peer);
  close(m->wire.fd);
}

/* ---- Client certificates: RFC 5246 7.4.4, 7.4.6, 7.4.8 ---- */

static const char *const client_certs[] = {"client-ecdsa-p256", "client-rsa-2048",
                                           "client-ed25519"};
enum { CLIENT_CERTS = 3 };

static void show_certificate(const char *name, bool with_gnutls) {
  struct meeting m;
  struct credential *own = name == NULL ? NULL : credential_load(name);
  client_of(&m);
  m.setup.credential = own;
  if (with_gnutls) {
    gnutls(&m, name == NULL ? "-a " GNU_12
                            : "-r --verify-client-cert --x509cafile " DIR "/root.pem " GNU_12);
  } else {
    openssl(&m, name == NULL ? "-quiet -tls1_2 -verify 3 -CAfile " DIR "/root.pem"
                             : "-quiet -tls1_2 -Verify 3 -verify_return_error -CAfile " DIR
                               "/root.pem");
  }
  (void)shake(&m);
  cr_expect_eq(m.side.asked[HF_ASK_SIGNATURE], name == NULL ? 0u : 1u);
  cr_expect_eq(m.side.asked[HF_ASK_IDENTITY], name == NULL && with_gnutls ? 0u : 1u);
  finish(&m, with_gnutls);
  over(&m);
  credential_free(own);
}

static void see_certificate(const char *name, bool with_gnutls) {
  struct meeting m;
  char options[1024] = "";
  server_of(&m);
  m.setup.settings.flags |= HF_REQUEST_CLIENT_CERT | (name != NULL ? HF_REQUIRE_CLIENT_CERT : 0);
  if (with_gnutls) {
    if (name != NULL)
      snprintf(options, sizeof options,
               "--logfile /dev/null --x509certfile %s/%s.pem --x509keyfile %s/%s.key " GNU_12, DIR,
               name, DIR, name);
    gnutls(&m, name == NULL ? "--logfile /dev/null " GNU_12 : options);
  } else {
    if (name != NULL)
      snprintf(options, sizeof options,
               "-quiet -no_ign_eof -nocommands -tls1_2 -cert %s/%s.pem -key %s/%s.key", DIR, name,
               DIR, name);
    openssl(&m, name == NULL ? "-quiet -no_ign_eof -nocommands -tls1_2" : options);
  }
  hf_facts facts = shake(&m);
  cr_expect_eq(facts.sigalg != 0, name != NULL);
  cr_expect_eq(m.side.asked[HF_ASK_VERDICT], name == NULL ? 0u : 1u);
  finish(&m, false);
  over(&m);
}

Test(interop_tls12_more, client_certificates) {
  for (int peer = 0; peer < 2; peer++) {
    for (size_t i = 0; i < CLIENT_CERTS; i++) {
      show_certificate(client_certs[i], peer == 1);
      see_certificate(client_certs[i], peer == 1);
    }
    show_certificate(NULL, peer == 1);
    see_certificate(NULL, peer == 1);
  }
}

/* RFC 5246 7.4.6: handshake_failure from a server that insists, either way. */
Test(interop_tls12_more, client_certificates_that_are_missing) {
  struct meeting m;
  client_of(&m);
  openssl(&m, "-quiet -tls1_2 -Verify 3 -CAfile " DIR "/root.pem");
  fails(&m, HF_PEER_ALERT, 40);
  over(&m);
  server_of(&m);
  m.setup.settings.flags |= HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  openssl(&m, "-tls1_2");
  fails(&m, HF_CERTIFICATE_REQUIRED_12, 40);
  OK(peer_printed(&m.peer, "SSL alert number 40"), &m.peer);
  over(&m);
}

/* ---- OCSP, RFC 6066 8 ---- */

static void run(struct peer *peer, const char *command) {
  CHECK(peer_start(peer, command), peer);
  cr_assert_eq(peer_wait(peer), 0, "%s", peer_tail(peer));
}

static void temporary(char path[256]) {
  snprintf(path, 256, "%s/ocsp12-XXXXXX", HF_BINARY_DIR);
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
}

static struct buf slurp(const char *path) {
  struct buf all = {0};
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file);
  buf_added(&all, fread(buf_room(&all, 10000), 1, 10000, file));
  fclose(file);
  return all;
}

/* A response that says that ecdsa-p256 is good, by its issuer; unlink it. */
static struct buf make_response(char path[256]) {
  char index[256], command[2048];
  struct peer peer;
  temporary(path);
  temporary(index);
  run(&peer, "openssl x509 -noout -serial -in " DIR "/ecdsa-p256.pem");
  buf_add(&peer.log, "", 1);
  char *serial = strstr((char *)peer.log.data, "serial=");
  cr_assert_not_null(serial);
  serial[strcspn(serial, "\n")] = '\0';
  FILE *file = fopen(index, "w");
  fprintf(file, "V\t20991231235959Z\t\t%s\tunknown\t/CN=ecdsa-p256\n", serial + strlen("serial="));
  fclose(file);
  peer_stop(&peer);
  snprintf(command, sizeof command,
           "openssl ocsp -index %s -CA %s/intermediate.pem -rsigner %s/intermediate.pem -rkey "
           "%s/intermediate.key -issuer %s/intermediate.pem -cert %s/ecdsa-p256.pem -ndays 2 "
           "-respout %s",
           index, DIR, DIR, DIR, DIR, DIR, path);
  run(&peer, command);
  peer_stop(&peer);
  unlink(index);
  return slurp(path);
}

static bool look_at_response(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct buf *seen = arg;
  (void)answer;
  if (question->ask == HF_ASK_VERDICT)
    buf_add(seen, question->verdict.ocsp.data, question->verdict.ocsp.len);
  return false;
}

Test(interop_tls12_more, ocsp_responses_of_servers) {
  char path[256], options[512];
  struct buf response = make_response(path);
  for (int with_gnutls = 0; with_gnutls < 2; with_gnutls++) {
    struct meeting m;
    struct buf seen = {0};
    client_of(&m);
    m.setup.settings.flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
    m.setup.answer = look_at_response;
    m.setup.arg = &seen;
    snprintf(options, sizeof options,
             with_gnutls ? "-a --ocsp-response %s " GNU_12 : "-quiet -tls1_2 -status_file %s",
             path);
    (with_gnutls ? gnutls : openssl)(&m, options);
    (void)shake(&m);
    cr_expect(bytes_equal((hf_bytes){seen.data, seen.len}, (hf_bytes){response.data, response.len}),
              "%zu bytes", seen.len);
    finish(&m, with_gnutls);
    over(&m);
    buf_free(&seen);
  }
  unlink(path);
  buf_free(&response);
}

/* A server with |response| and timestamps stapled. */
static void stapling_server(struct meeting *m, const struct buf *response) {
  static const uint8_t scts[] = {0, 7, 0, 5, 1, 2, 3, 4, 5};
  static const uint16_t algorithm[] = {0x0403};
  hf_bytes chain[8];
  const size_t num = credential_chain(chain, 8, "ecdsa-p256");
  server_of(m);
  hf_identity_free(m->credential->identity);
  cr_assert_eq(hf_identity_new(&m->credential->identity, 1, chain, num,
                               (hf_bytes){response->data, response->len},
                               (hf_bytes){scts, sizeof scts}, (hf_codes){algorithm, 1}),
               HF_OK);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
}

Test(interop_tls12_more, ocsp_responses_for_clients) {
  static const char *const texts[] = {"Cert Status: good", "SERVERINFO FOR EXTENSION 18"};
  char path[256], saved[256], options[512];
  struct meeting m;
  struct buf response = make_response(path);
  for (size_t i = 0; i < 2; i++) {
    stapling_server(&m, &response);
    openssl(&m, "-tls1_2 -status -serverinfo 18");
    (void)shake(&m);
    OK(peer_printed(&m.peer, texts[i]), &m.peer);
    close(m.wire.fd);
    over(&m);
  }
  temporary(saved);
  stapling_server(&m, &response);
  snprintf(options, sizeof options, "--save-ocsp %s " GNU_12, saved);
  gnutls(&m, options);
  (void)shake(&m);
  OK(peer_printed(&m.peer, "Handshake was completed"), &m.peer);
  struct buf got = slurp(saved);
  cr_expect(bytes_equal((hf_bytes){got.data, got.len}, (hf_bytes){response.data, response.len}),
            "%zu bytes", got.len);
  close(m.wire.fd);
  over(&m);
  unlink(path);
  unlink(saved);
  buf_free(&got);
  buf_free(&response);
}

/* ---- ALPN, SNI and exporters ---- */

static void same_exporter(struct meeting *m) {
  uint8_t key[32];
  char text[128] = "Keying material: ";
  cr_assert_eq(
      hf_export(m->side.conn, key, sizeof key, "EXPERIMENTAL_handfast", (hf_bytes){NULL, 0}),
      HF_OK);
  for (size_t i = 0; i < sizeof key; i++) snprintf(text + strlen(text), 3, "%02X", key[i]);
  OK(peer_printed(&m->peer, text), &m->peer);
}

#define EXPORTS " -keymatexportlen 32 -keymatexport EXPERIMENTAL_handfast"

Test(interop_tls12_more, alpn_names_and_exporters) {
  struct meeting m;
  client_of(&m);
  m.setup.settings.alpn = bytes_of("\x08http/1.1\x02h2");
  m.setup.settings.flags |= HF_FALSE_START;
  openssl(&m, "-tls1_2 -alpn h2" EXPORTS);
  hf_facts facts = shake(&m);
  cr_expect(bytes_equal(facts.alpn, bytes_of("h2")));
  same_exporter(&m);
  finish(&m, false);
  over(&m);
  server_of(&m);
  m.setup.alpn = bytes_of("h2");
  openssl(&m, "-tls1_2 -alpn http/1.1,h2" EXPORTS);
  facts = shake(&m);
  cr_expect(bytes_equal(facts.alpn, bytes_of("h2")));
  cr_expect(bytes_equal(facts.server_name, bytes_of("localhost")));
  same_exporter(&m);
  close(m.wire.fd);
  over(&m);
}

/* RFC 7918: data behind the client's Finished, before the server's has come. */
Test(interop_tls12_more, false_start) {
  struct meeting m;
  client_of(&m);
  m.setup.settings.alpn = bytes_of("\x02h2");
  m.setup.settings.flags |= HF_FALSE_START;
  openssl(&m, "-quiet -tls1_2 -alpn h2");
  meet(&m);
  while (!(hf_wants(m.side.conn) & HF_CAN_SEND)) OK(wire_turn(&m.wire), &m.peer);
  cr_assert_not(hf_wants(m.side.conn) & HF_READY);
  cr_assert_eq(side_send(&m.side, (const uint8_t *)"early\n", 6), HF_OK);
  OK(wire_handshake(&m.wire), &m.peer);
  OK(peer_printed(&m.peer, "early"), &m.peer);
  finish(&m, false);
  over(&m);
}

/* ---- Limits of records ---- */

enum { TAG = 16, HEADER = 5, NONCE = 8, LEN = 20000 };

/* How long the longest fragment is that the records in |data| hold; of handshake messages in the
 * clear too, if |all|. */
static size_t longest(const uint8_t *data, size_t len, bool all) {
  size_t most = 0;
  bool sealed = false;
  for (size_t at = 0; at + HEADER <= len;) {
    const size_t body = (size_t)data[at + 3] << 8 | data[at + 4];
    const size_t content = sealed ? body - TAG - NONCE : body;
    if (data[at] == 23 || (all && data[at] == 22)) most = content > most ? content : most;
    sealed = sealed || data[at] == 20;
    at += HEADER + body;
  }
  return most;
}

static size_t longest_received(const struct side *side, bool all) {
  struct buf in = {0};
  for (size_t i = 0; i < side->num_items; i++)
    if (side->items[i].step == SIDE_INPUT)
      buf_add(&in, side->tape.data + side->items[i].at, side->items[i].len);
  const size_t most = longest(in.data, in.len, all);
  buf_free(&in);
  return most;
}

static void long_talk(struct meeting *m, bool echoes) {
  struct interop_case c = usual;
  c.len = LEN;
  CHECK(interop_talk(&m->wire, &c, echoes), &m->peer);
}

/* R-6066-4-1: either side's, of all records from then on; a server sends its certificate in
 * parts. */
Test(interop_tls12_more, max_fragment_length) {
  struct meeting m;
  for (uint16_t len = 512; len <= 4096; len = (uint16_t)(2 * len)) {
    char options[128];
    client_of(&m);
    m.setup.settings.max_fragment_length = len;
    openssl(&m, "-quiet -tls1_2");
    cr_expect_eq(shake(&m).max_data, len);
    long_talk(&m, false);
    cr_expect_eq(longest(m.side.sent.data, m.side.sent.len, true), len);
    cr_expect_eq(longest_received(&m.side, true), len);
    CHECK(interop_again(&m.side), &m.peer);
    close(m.wire.fd);
    over(&m);
    server_of(&m);
    snprintf(options, sizeof options, "-quiet -tls1_2 -maxfraglen %d", len);
    openssl(&m, options);
    cr_expect_eq(shake(&m).max_data, len);
    long_talk(&m, false);
    cr_expect_eq(longest(m.side.sent.data, m.side.sent.len, true), len);
    cr_expect_eq(longest_received(&m.side, true), len);
    CHECK(interop_again(&m.side), &m.peer);
    close(m.wire.fd);
    over(&m);
  }
}

/* RFC 8449 4: in TLS 1.2 the limit is of data alone. */
Test(interop_tls12_more, record_size_limit) {
  struct meeting m;
  client_of(&m);
  m.setup.settings.record_size_limit = 600;
  gnutls(&m, "-a --recordsize 700 " GNU_12);
  cr_expect_eq(shake(&m).max_data, 700);
  long_talk(&m, true);
  cr_expect_eq(longest(m.side.sent.data, m.side.sent.len, false), 700u);
  cr_expect_eq(longest_received(&m.side, false), 600u);
  CHECK(interop_again(&m.side), &m.peer);
  close(m.wire.fd);
  over(&m);
  server_of(&m);
  m.setup.settings.record_size_limit = 600;
  gnutls(&m, "--logfile /dev/null --recordsize 700 " GNU_12);
  cr_expect_eq(shake(&m).max_data, 700);
  cr_expect_eq(side_send(&m.side, m.side.sent.data, m.side.sent.len), HF_OK);
  OK(wire_drain(&m.wire), &m.peer);
  cr_expect_leq(longest(m.side.sent.data, m.side.sent.len, false), 700u);
  close(m.wire.fd);
  over(&m);
}

/* ---- Without the extended main secret: RFC 7627 5.2, 5.3 ---- */

Test(interop_tls12_more, peers_without_the_extended_main_secret) {
  static const char *const of[] = {"-a " GNU_12 ":%NO_SESSION_HASH",
                                   "--logfile /dev/null " GNU_12 ":%NO_SESSION_HASH"};
  for (int server = 0; server < 2; server++) {
    for (int require = 0; require < 2; require++) {
      struct meeting m;
      (server ? server_of : client_of)(&m);
      if (require) m.setup.settings.flags |= HF_REQUIRE_EMS;
      gnutls(&m, of[server]);
      if (require) {
        fails(&m, HF_NO_EXTENDED_MAIN_SECRET, 40);
      } else {
        cr_expect_not(shake(&m).extended_main_secret);
        finish(&m, !server);
      }
      over(&m);
    }
  }
}

/* ---- Renegotiation: RFC 5746 4.5 ---- */

/* OpenSSL takes the refusal for the end of the connection, and says so: its handshake_failure is
 * the first thing that is wrong here. */
static void refuse(struct meeting *m, const char *command) {
  hf_fault fault;
  (void)shake(m);
  buf_add(&m->peer.input, command, strlen(command));
  OK(wire_failed(&m->wire), &m->peer);
  hf_get_fault(&fault, m->side.conn);
  cr_expect_eq(fault.status, HF_PEER_ALERT, "%s", fault.text);
  cr_expect_eq(fault.alert, 40, "%d", fault.alert);
  OK(peer_printed(&m->peer, "warning no_renegotiation"), &m->peer);
  CHECK(interop_again(&m->side), &m->peer);
  close(m->wire.fd);
  over(m);
}

Test(interop_tls12_more, renegotiation_is_refused) {
  struct meeting m;
  client_of(&m);
  openssl(&m, "-tls1_2 -msg");
  refuse(&m, "r\n");
  server_of(&m);
  openssl(&m, "-tls1_2 -msg");
  refuse(&m, "R\n");
}

/* ---- Versions ---- */

static void versions(bool server, uint16_t min, uint16_t max, const char *options, uint16_t want) {
  struct meeting m;
  (server ? server_of : client_of)(&m);
  m.setup.settings.version_min = min;
  m.setup.settings.version_max = max;
  m.setup.settings.suites = (hf_codes){NULL, 0};
  openssl(&m, options);
  cr_expect_eq(shake(&m).version, want, "%s", options);
  finish(&m, false);
  over(&m);
}

Test(interop_tls12_more, versions_of_servers) {
  versions(false, TLS12, TLS13, "-quiet", TLS13);
  versions(false, TLS12, TLS13, "-quiet -tls1_2", TLS12);
  versions(false, TLS12, TLS13, "-quiet -tls1_3", TLS13);
  versions(false, TLS12, TLS12, "-quiet", TLS12);
}

#define QUIET "-quiet -no_ign_eof -nocommands"

/* Of a 1.2 client at a server that has 1.3 too the random says so (RFC 9846 4.2.3), which it has to
 * bear: it never offered it. */
Test(interop_tls12_more, versions_of_clients) {
  versions(true, TLS12, TLS13, QUIET, TLS13);
  versions(true, TLS12, TLS13, QUIET " -tls1_2", TLS12);
  versions(true, TLS12, TLS13, QUIET " -tls1_3", TLS13);
  versions(true, TLS12, TLS12, QUIET, TLS12);
}

/* R-7507-3-1 */
Test(interop_tls12_more, fallback) {
  struct meeting m;
  server_of(&m);
  m.setup.settings.version_max = TLS13;
  m.setup.settings.suites = (hf_codes){NULL, 0};
  openssl(&m, "-tls1_2 -fallback_scsv");
  fails(&m, HF_INAPPROPRIATE_FALLBACK, 86);
  OK(peer_printed(&m.peer, "SSL alert number 86"), &m.peer);
  over(&m);
  versions(true, TLS12, TLS12, QUIET " -tls1_2 -fallback_scsv", TLS12);
  client_of(&m);
  m.setup.settings.flags |= HF_SEND_FALLBACK_SCSV;
  openssl(&m, "-quiet");
  fails(&m, HF_PEER_ALERT, 86);
  over(&m);
}

/* ---- Much data ---- */

Test(interop_tls12_more, a_mebibyte_each_way) {
  for (int server = 0; server < 2; server++) {
    struct meeting m;
    struct interop_case c = server ? closed_there : usual;
    c.len = 1 << 20;
    (server ? server_of : client_of)(&m);
    openssl(&m, server ? QUIET " -tls1_2" : "-quiet -tls1_2");
    (void)shake(&m);
    CHECK(interop_talk(&m.wire, &c, false), &m.peer);
    CHECK(interop_bye(&m.wire, &c), &m.peer);
    CHECK(interop_again(&m.side), &m.peer);
    over(&m);
  }
}
