/* test_interop_more.c: what happens besides the handshake, against OpenSSL and GnuTLS: KeyUpdate
 * both ways, the exporter, key logs, ALPN, padding, record_size_limit, tickets and resumption,
 * client certificates.  Each side keeps what it did, and does it again. */
#define _GNU_SOURCE /* mkstemp, usleep */
#include <criterion/criterion.h>
#include <openssl/bio.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_more, .timeout = 120);

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

#define OK(expr, peer) cr_assert((expr), #expr "%s", peer_tail(peer))

static const struct interop_case usual = {.suite = &interop_suites[1],
                                          .group = &interop_groups[0],
                                          .cert = &interop_certs[0],
                                          .len = 3000};

/* secrets is what HF_ASK_INSTALL handed out, as lines of an NSS key log without the client's
 * random. */
struct secrets {
  char label[32][64], hex[32][97];
  size_t num;
};

static void to_hex(char *out, hf_bytes bytes, const char *format) {
  for (size_t i = 0; i < bytes.len; i++) snprintf(out + 2 * i, 3, format, bytes.data[i]);
}

static bool note_secrets(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct secrets *secrets = arg;
  (void)answer;
  if (question->ask != HF_ASK_INSTALL) return false;
  cr_assert_lt(secrets->num, 32);
  snprintf(secrets->label[secrets->num], 64, "%s", question->install.label);
  to_hex(secrets->hex[secrets->num++], question->install.secret, "%02x");
  return false;
}

/* same_secrets looks for each of ours in the key log that the peer wrote; it writes generations
 * after the first as _N. */
static void same_secrets(const struct secrets *secrets, const char *path, struct peer *peer) {
  struct buf log = {0};
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file);
  buf_added(&log, fread(buf_room(&log, 60000), 1, 60000, file));
  buf_add(&log, "", 1);
  fclose(file);
  for (size_t i = 0; i < secrets->num; i++) {
    const char *found = strstr((char *)log.data, secrets->hex[i]);
    cr_assert_not_null(found, "%s is not in the peer's key log:\n%s%s", secrets->label[i], log.data,
                       peer_tail(peer));
    while (found > (char *)log.data && found[-1] != '\n') found--;
    size_t len = strlen(secrets->label[i]);
    if (strncmp(secrets->label[i] + len - 2, "_0", 2) == 0) {
      cr_assert_eq(strncmp(found, secrets->label[i], len), 0, "%s has another name in %.80s",
                   secrets->label[i], found);
    }
  }
  buf_free(&log);
  unlink(path);
}

static void same_exporter(struct wire *wire) {
  uint8_t key[32];
  char text[128] = "Keying material: ";
  hf_bytes none = {NULL, 0};
  cr_assert_eq(hf_export(wire->side->conn, key, sizeof key, "EXPERIMENTAL_handfast", none), HF_OK);
  to_hex(text + strlen(text), (hf_bytes){key, sizeof key}, "%02X");
  OK(peer_printed(wire->peer, text), wire->peer);
}

static void temporary(char out[256]) {
  snprintf(out, 256, "%s/interop-XXXXXX", HF_BINARY_DIR);
  int fd = mkstemp(out);
  cr_assert_geq(fd, 0);
  close(fd);
}

static bool installs(struct wire *wire, const struct secrets *secrets, size_t num) {
  while (secrets->num < num) {
    if (!wire_turn(wire)) return false;
  }
  return wire_drain(wire);
}

/* converse sends a line each way. */
static void converse(struct wire *wire, const char *ours, const char *theirs) {
  size_t before = wire->side->app.len, len = strlen(theirs);
  cr_assert_eq(side_send(wire->side, (const uint8_t *)ours, strlen(ours)), HF_OK);
  OK(wire_drain(wire) && peer_printed(wire->peer, ours), wire->peer);
  buf_add(&wire->peer->input, theirs, len);
  OK(wire_received(wire, before + len), wire->peer);
  cr_assert_eq(memcmp(wire->side->app.data + before, theirs, len), 0);
}

/* updates changes keys: the peer's by its commands k and K, then ours.  OpenSSL answers a request
 * before its next data. */
static void updates(struct wire *wire, struct secrets *secrets) {
  size_t num = secrets->num;
  buf_add(&wire->peer->input, "k\n", 2);
  OK(installs(wire, secrets, num + 1), wire->peer);
  usleep(20000); /* one command to a read: OpenSSL looks at its first letter */
  buf_add(&wire->peer->input, "K\n", 2);
  OK(installs(wire, secrets, num + 3), wire->peer);
  cr_assert_eq(side_rekey(wire->side, false), HF_OK);
  cr_assert_eq(side_rekey(wire->side, true), HF_OK);
  cr_assert_eq(secrets->num, num + 5);
  converse(wire, "under our new keys\n", "data\n");
  cr_assert_eq(secrets->num, num + 6);
  converse(wire, "goes on\n", "and on\n");
}

static void finish(struct wire *wire) {
  const char *wrong = interop_bye(wire, &usual);
  cr_assert_null(wrong, "%s%s", wrong, peer_tail(wire->peer));
  wrong = interop_again(wire->side);
  cr_assert_null(wrong, "%s", wrong);
}

static void negotiate(struct wire *wire) {
  const char *wrong = interop_hello(wire, &usual);
  cr_assert_null(wrong, "%s%s", wrong, peer_tail(wire->peer));
}

/* ---- OpenSSL ---- */

Test(interop_more, client_with_openssl) {
  char command[2048], log[256];
  struct peer peer;
  struct side side, second;
  struct side_setup setup;
  struct interop_lists lists;
  struct secrets secrets = {.num = 0};
  hf_facts facts;
  uint16_t port = peer_free_port();
  temporary(log);
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -tls1_3 -cert %s/tests/certs/ecdsa-p256.pem -key "
           "%s/tests/certs/ecdsa-p256.key -alpn h2 -record_padding 100 -keylogfile %s "
           "-keymatexportlen 32 -keymatexport EXPERIMENTAL_handfast",
           port, HF_SOURCE_DIR, HF_SOURCE_DIR, log);
  start(&peer, command);
  interop_client(&setup, &lists, &usual);
  setup.settings.flags = HF_EXPORT_SECRETS;
  setup.settings.alpn = bytes_of("\x08http/1.1\x02h2");
  setup.settings.padding = 64;
  setup.answer = note_secrets;
  setup.arg = &secrets;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  negotiate(&wire);
  hf_get_facts(&facts, side.conn);
  cr_assert(bytes_equal(facts.alpn, bytes_of("h2")));
  same_exporter(&wire);
  updates(&wire, &secrets);
  cr_assert_eq(side.asked[HF_ASK_KEEP], 2);
  finish(&wire);
  same_secrets(&secrets, log, &peer);

  setup.settings.flags = 0;
  setup.answer = NULL;
  setup.start.session = (hf_bytes){side.kept.data, side.kept.len};
  side_entropy(&setup.start.entropy, 77);
  wire = (struct wire){.side = &second, .peer = &peer, .fd = peer_connect(port)};
  cr_assert_eq(side_new(&second, &setup), HF_OK);
  OK(wire_handshake(&wire), &peer);
  hf_get_facts(&facts, second.conn);
  cr_assert(facts.resumed);
  cr_assert_eq(second.asked[HF_ASK_VERDICT], 0);
  finish(&wire);
  side_free(&second);
  side_free(&side);
  peer_stop(&peer);
}

static void run_client(struct peer *peer, uint16_t port, const char *options) {
  char command[2048];
  snprintf(command, sizeof command, "openssl s_client -connect 127.0.0.1:%d -tls1_3 %s", port,
           options);
  start(peer, command);
}

Test(interop_more, server_with_openssl) {
  char log[256], session[256], options[1024];
  struct peer peer;
  struct side side, second;
  struct side_setup setup;
  struct interop_lists lists;
  struct secrets secrets = {.num = 0};
  struct credential *credential = credential_load("ecdsa-p256");
  hf_facts facts;
  uint16_t port = 0;
  int listener = peer_listen(&port);
  temporary(log);
  temporary(session);
  snprintf(
      options, sizeof options,
      "-alpn http/1.1,h2 -servername server.example -record_padding 100 -keylogfile %s -sess_out "
      "%s -keymatexportlen 32 -keymatexport EXPERIMENTAL_handfast",
      log, session);
  run_client(&peer, port, options);
  interop_server(&setup, &lists, &usual, credential);
  setup.settings.flags |= HF_EXPORT_SECRETS;
  setup.alpn = bytes_of("h2");
  setup.settings.padding = 64;
  setup.answer = note_secrets;
  setup.arg = &secrets;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  negotiate(&wire);
  hf_get_facts(&facts, side.conn);
  cr_assert(bytes_equal(facts.alpn, bytes_of("h2")));
  cr_assert(bytes_equal(facts.server_name, bytes_of("server.example")));
  same_exporter(&wire);
  updates(&wire, &secrets);
  finish(&wire);
  cr_assert_eq(peer_wait(&peer), 0);
  same_secrets(&secrets, log, &peer);
  peer_stop(&peer);

  snprintf(options, sizeof options, "-servername server.example -sess_in %s", session);
  run_client(&peer, port, options);
  setup.settings.flags &= ~(uint32_t)HF_EXPORT_SECRETS;
  setup.answer = NULL;
  side_entropy(&setup.start.entropy, 78);
  wire = (struct wire){.side = &second, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_eq(side_new(&second, &setup), HF_OK);
  OK(wire_handshake(&wire), &peer);
  hf_get_facts(&facts, second.conn);
  cr_assert(facts.resumed);
  cr_assert_eq(second.asked[HF_ASK_SIGNATURE], 0);
  OK(peer_printed(&peer, "Reused, TLSv1.3"), &peer);
  finish(&wire);
  unlink(session);
  side_free(&second);
  side_free(&side);
  credential_free(credential);
  peer_stop(&peer);
  close(listener);
}

Test(interop_more, client_certificates_with_openssl) {
  static const char *const names[] = {"client-ecdsa-p256", "client-rsa-2048", "client-ed25519"};
  char command[1024];
  struct peer peer;
  uint16_t port = peer_free_port();
  snprintf(
      command, sizeof command,
      "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -Verify 3 -verify_return_error -CAfile "
      "%s/tests/certs/root.pem -cert %s/tests/certs/ecdsa-p256.pem -key "
      "%s/tests/certs/ecdsa-p256.key -cert_chain %s/tests/certs/intermediate.pem",
      port, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR);
  start(&peer, command);
  for (size_t i = 0; i < 3; i++) {
    struct side side;
    struct side_setup setup;
    struct interop_lists lists;
    struct credential *credential = credential_load(names[i]);
    interop_client(&setup, &lists, &usual);
    setup.credential = credential;
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    negotiate(&wire);
    cr_assert_eq(side.asked[HF_ASK_SIGNATURE], 1);
    const char *wrong = interop_talk(&wire, &usual, false);
    cr_assert_null(wrong, "%s: %s%s", names[i], wrong, peer_tail(&peer));
    finish(&wire);
    side_free(&side);
    credential_free(credential);
  }
  peer_stop(&peer);
}

/* note_authority keeps the first of the authorities that HF_ASK_IDENTITY shows. */
static bool note_authority(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct buf *name = arg;
  (void)answer;
  if (question->ask == HF_ASK_IDENTITY && question->identity.num_authorities == 1)
    buf_add(name, question->identity.authorities[0].data, question->identity.authorities[0].len);
  return false;
}

/* R-4.3.4-2: s_client says in its hello whose certificates it takes. */
Test(interop_more, authorities_of_openssl_s_client) {
  struct peer peer;
  struct side side;
  struct side_setup setup;
  struct interop_lists lists;
  struct credential *credential = credential_load("ecdsa-p256");
  struct buf name = {0};
  char options[600], path[512];
  uint16_t port = 0;
  int listener = peer_listen(&port);
  credential_path(path, "root", ".pem");
  snprintf(options, sizeof options, "-servername localhost -requestCAfile %s", path);
  run_client(&peer, port, options);
  interop_server(&setup, &lists, &usual, credential);
  setup.answer = note_authority;
  setup.arg = &name;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  OK(wire_handshake(&wire), &peer);
  BIO *file = BIO_new_file(path, "r");
  X509 *root = PEM_read_bio_X509(file, NULL, NULL, NULL);
  uint8_t *want = NULL;
  int len = i2d_X509_NAME(X509_get_subject_name(root), &want);
  cr_assert_eq(name.len, (size_t)len, "%s", peer_tail(&peer));
  cr_expect_arr_eq(name.data, want, name.len);
  OPENSSL_free(want);
  X509_free(root);
  BIO_free(file);
  finish(&wire);
  buf_free(&name);
  side_free(&side);
  credential_free(credential);
  peer_stop(&peer);
  close(listener);
}

/* ---- GnuTLS ---- */

Test(interop_more, client_with_gnutls) {
  char command[1024];
  struct peer peer;
  struct side side;
  struct side_setup setup;
  struct interop_lists lists;
  struct credential *credential = credential_load("client-rsa-2048");
  hf_facts facts;
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
  uint16_t port = peer_free_port();
  snprintf(
      command, sizeof command,
      "gnutls-serv -p %d --echo -r --verify-client-cert --x509cafile %s/tests/certs/root.pem "
      "--x509certfile %s/tests/certs/ecdsa-p256.pem --x509keyfile %s/tests/certs/ecdsa-p256.key "
      "--alpn h2 --recordsize 512",
      port, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR);
  start(&peer, command);
  interop_client(&setup, &lists, &usual);
  setup.settings.alpn = bytes_of("\x08http/1.1\x02h2");
  setup.settings.record_size_limit = 512; /* GnuTLS takes no less */
  setup.credential = credential;
  struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  negotiate(&wire);
  hf_get_facts(&facts, side.conn);
  cr_assert(bytes_equal(facts.alpn, bytes_of("h2")));
  cr_assert_eq(facts.max_data, 512, "its record_size_limit is 513: the inner type counts");
  cr_assert_eq(side.asked[HF_ASK_SIGNATURE], 1);
  wrong = interop_talk(&wire, &usual, true);
  cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
  finish(&wire);
  side_free(&side);
  credential_free(credential);
  peer_stop(&peer);
}

/* gnutls-cli -r connects twice, the second time with the ticket of the first. */
Test(interop_more, server_with_gnutls) {
  char command[1024];
  struct peer peer;
  struct side_setup setup;
  struct interop_lists lists;
  struct credential *credential = credential_load("ecdsa-p256");
  uint16_t port = 0;
  int listener = peer_listen(&port);
  snprintf(
      command, sizeof command,
      "gnutls-cli -p %d -r --waitresumption --sni-hostname localhost --verify-hostname localhost "
      "--alpn h2 --recordsize 512 --x509cafile %s/tests/certs/root.pem --x509certfile "
      "%s/tests/certs/client-ed25519.pem --x509keyfile %s/tests/certs/client-ed25519.key "
      "127.0.0.1",
      port, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR);
  start(&peer, command);
  interop_server(&setup, &lists, &usual, credential);
  setup.settings.flags |= HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  setup.settings.record_size_limit =
      1200; /* GnuTLS refuses less than 512; its program loses ends of longer lines */
  setup.alpn = bytes_of("h2");
  for (int i = 0; i < 2; i++) {
    struct side side;
    hf_facts facts;
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
    cr_assert_geq(wire.fd, 0, "no connection%s", peer_tail(&peer));
    side_entropy(&setup.start.entropy, 90 + (uint64_t)i);
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    OK(wire_handshake(&wire), &peer);
    hf_get_facts(&facts, side.conn);
    cr_assert_eq(facts.resumed, i == 1);
    cr_assert_eq(side.asked[HF_ASK_VERDICT], i == 0 ? 1 : 0);
    cr_assert(bytes_equal(facts.alpn, bytes_of("h2")));
    cr_assert_eq(facts.max_data, 512);
    if (i == 1) {
      struct interop_case c = usual;
      c.len = 500; /* gnutls-cli loses what it reads at once beyond one record */
      const char *wrong = interop_talk(&wire, &c, false);
      cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
      OK(peer_end_input(&peer), &peer);
    }
    OK(wire_closed(&wire), &peer);
    cr_assert_eq(side_close(&side), HF_OK);
    (void)wire_end(&wire);
    const char *wrong = interop_again(&side);
    cr_assert_null(wrong, "%s", wrong);
    side_free(&side);
  }
  cr_assert_eq(peer_wait(&peer), 0);
  credential_free(credential);
  peer_stop(&peer);
  close(listener);
}
