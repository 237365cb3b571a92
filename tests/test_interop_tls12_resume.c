/* test_interop_tls12_resume.c: sessions of TLS 1.2 with OpenSSL, GnuTLS and BoringSSL, each in a
 * process of its own and both ways: every suite with every kind of certificate, by ticket (RFC
 * 5077) and by session id (RFC 5246 7.3); a ticket renewed; and one of the other version. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_tls12_resume, .timeout = 300);

enum { TLS12 = 0x0303, SUITES = 6, CERTS = 4 };
enum who { OPENSSL, GNUTLS, BORINGSSL };
#define DIR HF_SOURCE_DIR "/tests/certs"

static const struct interop_name suites[] = {
    {0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", "AES-128-GCM"},
    {0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", "AES-256-GCM"},
    {0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", "CHACHA20-POLY1305"},
    {0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", "AES-128-GCM"},
    {0xc030, "ECDHE-RSA-AES256-GCM-SHA384", "AES-256-GCM"},
    {0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", "CHACHA20-POLY1305"}};
static const struct interop_name group = {0x001d, "X25519", "GROUP-X25519"};
static const struct interop_name certs[] = {{0x0403, "ecdsa-p256", ""},
                                            {0x0503, "ecdsa-p384", ""},
                                            {0x0807, "ed25519", ""},
                                            {0x0804, "rsa-2048", ""}};
/* RFC 8422 5.1: the curves of certificates must be named too. */
static const uint16_t curves[] = {0x001d, 0x0017, 0x0018};

static bool goes_together(size_t suite, size_t cert) { return (suite >= 3) == (cert == 3); }

static const char *start(struct peer *peer, enum who who, const char *command) {
  return who == BORINGSSL ? peer_boringssl(peer, command) : peer_start(peer, command);
}

#define OK(expr, peer) cr_assert((expr), #expr "%s", peer_tail(peer))

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

static void expect(struct wire *wire, const struct interop_case *c, bool resumed) {
  hf_facts facts;
  hf_fault fault;
  const bool done = wire_handshake(wire);
  hf_get_fault(&fault, wire->side->conn);
  cr_assert(done, "%s: %s in %s%s", interop_title(c), fault.text, fault.where,
            peer_tail(wire->peer));
  hf_get_facts(&facts, wire->side->conn);
  cr_assert_eq(facts.version, TLS12);
  cr_assert_eq(facts.suite, c->suite->code, "%s: %04x", interop_title(c), facts.suite);
  cr_assert_eq(facts.resumed, resumed, "%s%s", interop_title(c), peer_tail(wire->peer));
  cr_assert(facts.extended_main_secret, "%s", interop_title(c));
  if (!resumed) return;
  cr_assert_eq(wire->side->asked[HF_ASK_VERDICT], 0);
  cr_assert_eq(wire->side->asked[HF_ASK_SIGNATURE], 0);
}

static void converse(struct wire *wire, const struct interop_case *c, bool echoes) {
  const char *wrong = interop_talk(wire, c, echoes);
  cr_assert_null(wrong, "%s: %s%s", interop_title(c), wrong, peer_tail(wire->peer));
  wrong = interop_bye(wire, c);
  cr_assert_null(wrong, "%s: %s%s", interop_title(c), wrong, peer_tail(wire->peer));
  wrong = interop_again(wire->side);
  cr_assert_null(wrong, "%s: %s", interop_title(c), wrong);
}

/* ---- Our client: the session of the first connection serves the second, and what is left then the
 * third ---- */

static void connect_thrice(struct peer *peer, uint16_t port, const struct interop_case *c,
                           bool by_id, bool echoes) {
  struct side_setup setup;
  struct interop_lists lists;
  struct buf session = {0};
  interop_client(&setup, &lists, c);
  setup.settings.groups = (hf_codes){curves, 3};
  setup.settings.verify_sigalgs = (hf_codes){&c->cert->code, 1};
  for (unsigned i = 0; i < 3; i++) {
    struct side side;
    struct wire wire = {.side = &side, .peer = peer, .fd = peer_connect(port)};
    hf_session_info info;
    side_entropy(&setup.start.entropy, 500 + i);
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    expect(&wire, c, i > 0);
    converse(&wire, c, echoes);
    if (i == 0) OK(side.kept.len > 0, peer);
    if (side.kept.len > 0) {
      session.len = 0;
      buf_add(&session, side.kept.data, side.kept.len);
      setup.start.session = (hf_bytes){session.data, session.len};
    }
    side_free(&side);
    cr_assert_eq(hf_session_read(&info, setup.start.session), HF_OK);
    cr_assert_eq(info.version, TLS12);
    cr_assert_eq(info.by_id, by_id, "%s", interop_title(c));
    cr_assert(info.extended_main_secret);
  }
  buf_free(&session);
}

static void serve_command(char command[2048], enum who who, uint16_t port, const char *cert,
                          bool by_id) {
  if (who == OPENSSL) {
    snprintf(command, 2048,
             "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_2 %s -cert %s/%s.pem -key "
             "%s/%s.key -cert_chain %s/intermediate.pem -groups X25519:P-256:P-384",
             port, by_id ? "-no_ticket" : "", DIR, cert, DIR, cert, DIR);
  } else if (who == GNUTLS) {
    snprintf(command, 2048,
             "gnutls-serv -p %d --echo -a %s --priority NORMAL:-VERS-ALL:+VERS-TLS1.2 "
             "--x509certfile %s/%s.pem --x509keyfile %s/%s.key",
             port, by_id ? "--noticket" : "", DIR, cert, DIR, cert);
  } else {
    snprintf(command, 2048,
             "-role server -max 1.2 -min 1.2 -connections 9 -cert %s/%s.pem -key %s/%s.key", DIR,
             cert, DIR, cert);
  }
}

static void connect_all(enum who who, bool by_id) {
  isolate();
  for (size_t cert = 0; cert < CERTS; cert++) {
    char command[2048];
    struct peer peer;
    uint16_t port = peer_free_port();
    if (who == BORINGSSL && cert == 2) continue; /* it signs with Ed25519 only if told */
    serve_command(command, who, port, certs[cert].openssl, by_id);
    const char *wrong = start(&peer, who, command);
    cr_assert_null(wrong, "%s", wrong);
    if (who == BORINGSSL) port = peer_port(&peer);
    for (size_t s = 0; s < SUITES; s++) {
      const struct interop_case c = {&suites[s], &group, &certs[cert], .len = 2000,
                                     .version = TLS12};
      if (goes_together(s, cert)) connect_thrice(&peer, port, &c, by_id, who != OPENSSL);
    }
    peer_stop(&peer);
  }
}

Test(interop_tls12_resume, tickets_of_openssl) { connect_all(OPENSSL, false); }
Test(interop_tls12_resume, ids_of_openssl) { connect_all(OPENSSL, true); }
Test(interop_tls12_resume, tickets_of_gnutls) { connect_all(GNUTLS, false); }
Test(interop_tls12_resume, ids_of_gnutls) { connect_all(GNUTLS, true); }
Test(interop_tls12_resume, tickets_of_boringssl) { connect_all(BORINGSSL, false); }

/* ---- Our server ---- */

/* What it keeps by id, or does with tickets. */
struct store {
  struct buf id, state;
  bool renews;
};

static bool use_store(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct store *store = arg;
  if (question->ask == HF_ASK_KEEP) {
    store->id.len = store->state.len = 0;
    buf_add(&store->id, question->keep.name.data, question->keep.name.len);
    buf_add(&store->state, question->keep.state.data, question->keep.state.len);
  }
  if (question->ask != HF_ASK_SESSION) return true;
  const hf_candidate *one = &question->session.candidates[0];
  if (store->renews) answer->flags = HF_RENEW_TICKET;
  if (one->kind == HF_CANDIDATE_SESSION_ID &&
      bytes_equal(one->name, (hf_bytes){store->id.data, store->id.len})) {
    answer->bytes = (hf_bytes){store->state.data, store->state.len};
  }
  return true;
}

static void temporary(char out[256]) {
  snprintf(out, 256, "%s/session12-XXXXXX", HF_BINARY_DIR);
  int fd = mkstemp(out);
  cr_assert_geq(fd, 0);
  close(fd);
}

/* The client of the |i|th connection; GnuTLS and BoringSSL make them all by themselves. */
static void call_command(char command[2048], enum who who, uint16_t port,
                         const struct interop_case *c, const char *file, unsigned i) {
  if (who == OPENSSL) {
    snprintf(command, 2048,
             "openssl s_client -connect 127.0.0.1:%d -quiet -no_ign_eof -nocommands -tls1_2 "
             "-servername localhost -verify_return_error -verify_hostname localhost -CAfile "
             "%s/root.pem -groups X25519:P-256:P-384 -cipher %s -sess_out %s %s %s",
             port, DIR, c->suite->openssl, file, i > 0 ? "-sess_in" : "", i > 0 ? file : "");
  } else if (who == GNUTLS) {
    snprintf(command, 2048,
             "gnutls-cli -p %d 127.0.0.1 -r --sni-hostname localhost --verify-hostname localhost "
             "--x509cafile %s/root.pem --logfile /dev/null "
             "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+%s",
             port, DIR, c->suite->gnutls);
  } else {
    snprintf(command, 2048,
             "-role client -port %d -ca %s/root.pem -name localhost -max 1.2 -min 1.2 -bytes 2000 "
             "-connections 3 -resume 1 -ciphers %s",
             port, DIR, c->suite->openssl);
  }
}

static void echo(struct wire *wire, size_t len) {
  OK(wire_received(wire, len), wire->peer);
  cr_assert_eq(side_send(wire->side, wire->side->app.data, len), HF_OK);
  OK(wire_closed(wire), wire->peer);
  cr_assert_eq(side_close(wire->side), HF_OK);
  (void)wire_end(wire);
  const char *wrong = interop_again(wire->side);
  cr_assert_null(wrong, "%s", wrong);
}

/* Between its two connections gnutls-cli says nothing; to the second it listens. */
static void serve_once(struct wire *wire, enum who who, const struct interop_case *c, unsigned i) {
  if (who == BORINGSSL) {
    echo(wire, 2000);
  } else if (who == GNUTLS && i == 0) {
    OK(wire_closed(wire), wire->peer);
    cr_assert_eq(side_close(wire->side), HF_OK);
    (void)wire_end(wire);
  } else {
    converse(wire, c, false);
  }
}

/* Serves two or three connections of one client. */
static void accept_more(const struct interop_case *c, const struct credential *credential,
                        enum who who, bool by_id, bool renews) {
  struct side_setup setup;
  struct interop_lists lists;
  struct store store = {.renews = renews};
  struct peer peer;
  char command[2048], file[256];
  uint16_t port = 0;
  int listener = peer_listen(&port);
  const unsigned times = who == GNUTLS ? 2 : 3;
  temporary(file);
  interop_server(&setup, &lists, c, credential);
  setup.settings.flags = by_id ? HF_STORE_SESSIONS : HF_ISSUE_TICKETS;
  setup.answer = use_store;
  setup.arg = &store;
  for (unsigned i = 0; i < times; i++) {
    struct side side;
    call_command(command, who, port, c, file, i);
    const char *wrong = who == OPENSSL || i == 0 ? start(&peer, who, command) : NULL;
    cr_assert_null(wrong, "%s", wrong);
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
    cr_assert_geq(wire.fd, 0, "no client came%s", peer_tail(&peer));
    side_entropy(&setup.start.entropy, 600 + i);
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    expect(&wire, c, i > 0);
    cr_assert_eq(side.asked[HF_ASK_TICKET], !by_id && (i == 0 || renews) ? 1 : 0);
    serve_once(&wire, who, c, i);
    side_free(&side);
    if (who == OPENSSL || i + 1 == times) {
      int status = peer_wait(&peer);
      cr_assert_eq(status, 0, "%s: it ended with %d%s", interop_title(c), status, peer_tail(&peer));
      peer_stop(&peer);
    }
  }
  unlink(file);
  close(listener);
  buf_free(&store.id);
  buf_free(&store.state);
}

static void accept_all(enum who who, bool by_id) {
  isolate();
  for (size_t i = 0; i < (size_t)SUITES * CERTS; i++) {
    const size_t cert = i / SUITES;
    const struct interop_case c = {&suites[i % SUITES],       &group,      &certs[cert],
                                   .peer_closes_first = true, .len = 2000, .version = TLS12};
    if (!goes_together(i % SUITES, cert) || (who == BORINGSSL && cert == 2)) continue;
    struct credential *credential = credential_load(certs[cert].openssl);
    cr_assert_not_null(credential);
    accept_more(&c, credential, who, by_id, false);
    credential_free(credential);
  }
}

Test(interop_tls12_resume, our_tickets_with_openssl) { accept_all(OPENSSL, false); }
Test(interop_tls12_resume, our_ids_with_openssl) { accept_all(OPENSSL, true); }
Test(interop_tls12_resume, our_tickets_with_gnutls) { accept_all(GNUTLS, false); }
Test(interop_tls12_resume, our_ids_with_gnutls) { accept_all(GNUTLS, true); }
Test(interop_tls12_resume, our_tickets_with_boringssl) { accept_all(BORINGSSL, false); }

/* R-5077-3.3-1: a new ticket in a handshake that the old one resumed; the third connection comes
 * with it. */
Test(interop_tls12_resume, tickets_are_renewed) {
  const struct interop_case c = {&suites[0],  &group,          &certs[0], .peer_closes_first = true,
                                 .len = 2000, .version = TLS12};
  struct credential *credential = credential_load("ecdsa-p256");
  isolate();
  accept_more(&c, credential, OPENSSL, false, true);
  accept_more(&c, credential, GNUTLS, false, true);
  accept_more(&c, credential, BORINGSSL, false, true);
  credential_free(credential);
}

/* ---- A session of one version, and a peer that has the other ---- */

/* |first| is what the server has when the session is made, |second| when it is offered. */
static void meet_other_version(const char *first, const char *second, uint16_t version) {
  struct side_setup setup;
  struct interop_lists lists;
  struct buf session = {0};
  const struct interop_case c = {&suites[0], &group, &certs[0], .version = TLS12, .len = 100};
  interop_client(&setup, &lists, &c);
  setup.settings.version_max = 0x0304;
  setup.settings.suites = setup.settings.groups = (hf_codes){NULL, 0};
  for (int i = 0; i < 2; i++) {
    struct peer peer;
    struct side side;
    char command[2048];
    hf_facts facts;
    uint16_t port = peer_free_port();
    snprintf(command, sizeof command,
             "openssl s_server -accept 127.0.0.1:%d -quiet %s -cert %s/ecdsa-p256.pem -key "
             "%s/ecdsa-p256.key -cert_chain %s/intermediate.pem",
             port, i == 0 ? first : second, DIR, DIR, DIR);
    const char *wrong = peer_start(&peer, command);
    cr_assert_null(wrong, "%s", wrong);
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
    side_entropy(&setup.start.entropy, 700 + (uint64_t)i);
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    OK(wire_handshake(&wire), &peer);
    hf_get_facts(&facts, side.conn);
    cr_assert_not(facts.resumed);
    cr_assert_eq(facts.version == version, i == 1);
    wrong = interop_talk(&wire, &c, false);
    cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
    OK(side.kept.len > 0, &peer);
    wrong = interop_bye(&wire, &c);
    cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
    wrong = interop_again(&side);
    cr_assert_null(wrong, "%s", wrong);
    if (i == 0) buf_add(&session, side.kept.data, side.kept.len);
    setup.start.session = (hf_bytes){session.data, session.len};
    side_free(&side);
    peer_stop(&peer);
  }
  buf_free(&session);
}

Test(interop_tls12_resume, a_session_of_1_3_and_a_server_of_1_2) {
  meet_other_version("-tls1_3", "-tls1_2", TLS12);
}
Test(interop_tls12_resume, a_session_of_1_2_and_a_server_of_1_3) {
  meet_other_version("-tls1_2", "-tls1_3", 0x0304);
}
