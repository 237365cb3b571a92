/* test_tool.c: the command `handfast` itself: its command line, its exit statuses, its demo, and
 * `client` and `server` as they talk to openssl and gnutls.  test_tool_www.c has --www,
 * test_tool_keylog.c the key log. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

TestSuite(tool, .timeout = 120);

#define GET "printf \"GET / HTTP/1.0\\r\\n\\r\\n\" | "
#define GOOD_CERT "--cert " TOOL_CERTS "ecdsa-p256.pem --key " TOOL_CERTS "ecdsa-p256.key"

/* ---- The command line ---- */

Test(tool, wrong_command_lines_are_refused_with_2_and_a_reason) {
  static const struct {
    const char *words, *says;
  } wrong[] = {
      {"", "usage: handfast client"},
      {"dance", "there is no command"},
      {"client", "HOST:PORT is missing"},
      {"client localhost", "must be HOST:PORT"},
      {"client localhost:1 localhost:2", "what is"},
      {"client --no-such-thing localhost:1", "there is no option"},
      {"client -x localhost:1", "there is no option"},
      {"client --www localhost:1", "there is no option"},
      {"client localhost:1 --ca", "wants a value: FILE"},
      {"client --insecure=yes localhost:1", "takes no value"},
      {"client --timeout soon localhost:1", "wants a number"},
      {"client --timeout=0 localhost:1", "wants a number"},
      {"client --key " TOOL_CERTS "root.key localhost:1", "without --cert"},
      {"client --insecure --ca " TOOL_CERTS "root.pem localhost:1", "contradict"},
      {"client --version 1.1 localhost:1", "--version can only be"},
      {"client --groups X25519:P-257 localhost:1", "--groups has a name"},
      {"client --suites TLS_NULL localhost:1", "--suites has a name"},
      {"client --alpn h2,,x localhost:1", "--alpn wants names"},
      {"client --ca /no/such/file localhost:1", "/no/such/file"},
      {"client --keylog /no/such/dir/file localhost:1", "/no/such/dir/file"},
      {"client --cert " TOOL_CERTS "rsa-2048.pem --key " TOOL_CERTS "ed25519.key localhost:1",
       "ed25519.key"},
      {"client ::1:443", "must be HOST:PORT"},
      {"client localhost:65536", "must be HOST:PORT"},
      {"server", "PORT is missing"},
      {"server 70000", "must be PORT or HOST:PORT"},
      {"server --parallel 0", "without --www"},
      {"server --require 0", "whom to trust"},
      {"server --count -1 0", "wants a number"},
      {"server --cert /no/such/file 0", "/no/such/file"},
      {"demo now", "what is"}};
  struct buf out = {0};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    int status = tool_run(&out, TOOL " %s 2>&1 >/dev/null", wrong[i].words);
    cr_assert_eq(status, 2, "handfast %s: %d", wrong[i].words, status);
    cr_assert(tool_said(&out, wrong[i].says), "handfast %s: %s", wrong[i].words, out.data);
    status = tool_run(&out, TOOL " %s 2>/dev/null", wrong[i].words);
    cr_assert_eq(out.len, 0, "handfast %s: stdout has %s", wrong[i].words, out.data);
  }
  buf_free(&out);
}

Test(tool, help_goes_to_stdout_and_names_every_option) {
  struct buf out = {0};
  cr_assert_eq(tool_run(&out, TOOL " --help 2>/dev/null"), 0);
  cr_assert(tool_said(&out, "handfast demo"));
  cr_assert_eq(tool_run(&out, TOOL " client --help 2>/dev/null"), 0);
  const char *client[] = {"--ca ",   "--cert ", "--key ",     "--groups ", "--suites ",
                          "--alpn ", "--name ", "--version ", "--keylog "};
  for (size_t i = 0; i < sizeof client / sizeof *client; i++)
    cr_assert(tool_said(&out, client[i]), "%s", client[i]);
  cr_assert_eq(tool_run(&out, TOOL " server --help 2>/dev/null"), 0);
  cr_assert(tool_said(&out, "--www") && tool_said(&out, "--parallel"));
  cr_assert_eq(tool_run(&out, TOOL " demo --help 2>/dev/null"), 0);
  cr_assert(tool_said(&out, "--retry"));
  buf_free(&out);
}

Test(tool, who_does_not_answer_is_1) {
  struct buf out = {0};
  cr_assert_eq(tool_run(&out, TOOL " client 127.0.0.1:%d 2>&1", peer_free_port()), 1);
  cr_assert(tool_said(&out, "Connection refused"), "%s", out.data);
  cr_assert_eq(tool_run(&out, TOOL " client no-such-host.invalid:443 2>&1"), 1);
  buf_free(&out);
}

/* ---- demo ---- */

/* in_order says whether |words| stand in |text| one after another. */
static const char *missing(const char *text, const char *const *words, size_t num) {
  for (size_t i = 0; i < num; i++) {
    const char *at = strstr(text, words[i]);
    if (at == NULL) return words[i];
    text = at + strlen(words[i]);
  }
  return NULL;
}

Test(tool, demo_shows_wants_questions_and_flights_in_order) {
  static const char *const words[] = {"client  wants     WANT_INPUT | WANT_OUTPUT",
                                      "client  FLIGHT",
                                      "ClientHello",
                                      "server  asks      HELLO",
                                      "\"localhost\"",
                                      "server  answer",
                                      "server  asks      IDENTITY",
                                      "server  asks      SIGNATURE",
                                      "server  FLIGHT",
                                      "ServerHello",
                                      "EncryptedExtensions",
                                      "Certificate",
                                      "CertificateVerify",
                                      "Finished",
                                      "client  asks      VERDICT",
                                      "client  answer    X509_verify_cert says: ok",
                                      "client  FLIGHT",
                                      "Finished",
                                      "READY",
                                      "server  asks      TICKET",
                                      "NewSessionTicket",
                                      "client  asks      KEEP",
                                      "client  says",
                                      "server  hears",
                                      "hf_rekey",
                                      "FLIGHT    27 bytes in 1 record",
                                      "KeyUpdate",
                                      "FLIGHT    24 bytes in 1 record",
                                      "close_notify",
                                      "CLOSED"};
  struct buf out = {0};
  cr_assert_eq(tool_run(&out, TOOL " demo"), 0);
  cr_assert_null(missing((char *)out.data, words, sizeof words / sizeof *words), "%s",
                 missing((char *)out.data, words, sizeof words / sizeof *words));
  buf_free(&out);
}

Test(tool, demo_with_a_retry_and_a_client_certificate) {
  static const char *const words[] = {"COOKIE: make",
                                      "HelloRetryRequest",
                                      "ClientHello",

                                      "CertificateRequest",
                                      "client  asks      VERDICT",
                                      "client  asks      IDENTITY",
                                      "client  asks      SIGNATURE",
                                      "server  asks      VERDICT",
                                      "server  answer    X509_verify_cert says: ok",
                                      "P-256",
                                      "after a HelloRetryRequest"};
  struct buf out = {0};
  cr_assert_eq(tool_run(&out, TOOL " demo --retry --client-cert"), 0);
  cr_assert_null(missing((char *)out.data, words, sizeof words / sizeof *words), "%s in %s",
                 missing((char *)out.data, words, sizeof words / sizeof *words), out.data);
  buf_free(&out);
}

/* ---- client ---- */

/* openssl_www starts `openssl s_server -www`, which shows |cert|. */
static uint16_t openssl_www(struct peer *peer, const char *cert, const char *more) {
  char command[1024];
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -www -cert " TOOL_CERTS "%s.pem -key " TOOL_CERTS
           "%s.key -cert_chain " TOOL_CERTS "intermediate.pem %s",
           port, cert, cert, more);
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
  cr_assert(peer_printed(peer, "ACCEPT"), "%s", peer_tail(peer));
  return port;
}

Test(tool, client_gets_a_page_from_openssl) {
  struct peer peer;
  struct buf out = {0};
  uint16_t port = openssl_www(&peer, "rsa-2048", "");
  int status = tool_run(&out,
                        GET TOOL " client --ca " TOOL_CERTS
                                 "root.pem --name localhost 127.0.0.1:%d 2>/dev/null",
                        port);
  cr_assert_eq(status, 0);
  /* stdout has the page and nothing else. */
  cr_assert_eq(strncmp((char *)out.data, "HTTP/1.0 200 ok", 15), 0, "%s", out.data);
  cr_assert(tool_said(&out, "</HTML>"));
  peer_stop(&peer);
  buf_free(&out);
}

Test(tool, client_options_reach_the_wire) {
  struct peer peer;
  struct buf out = {0};
  uint16_t port = openssl_www(&peer, "ecdsa-p384", "-alpn h2,http/1.1 -groups P-384:X25519");
  int status = tool_run(&out,
                        GET TOOL " client --ca " TOOL_CERTS
                                 "root.pem --name server.example --suites "
                                 "TLS_CHACHA20_POLY1305_SHA256 --groups X25519:P-384 --alpn "
                                 "http/1.1,h2 --version 1.3 127.0.0.1:%d 2>&1 >/dev/null",
                        port);
  cr_assert_eq(status, 0, "%s", out.data);
  const char *lines[] = {"protocol: TLSv1.3\n",
                         "suite: TLS_CHACHA20_POLY1305_SHA256\n",
                         "server name: server.example\n",
                         "application protocol: h2\n",
                         "verified: ok\n",
                         "peer signature: ecdsa_secp384r1_sha384\n"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    cr_assert(tool_said(&out, lines[i]), "%s in %s", lines[i], out.data);
  peer_stop(&peer);
  port = openssl_www(&peer, "ed25519", "-groups P-384");
  cr_assert_eq(tool_run(&out,
                        GET TOOL " client --insecure --groups X25519:P-384 127.0.0.1:%d 2>&1 "
                                 ">/dev/null",
                        port),
               0);
  cr_assert(tool_said(&out, "group: P-384\n") && tool_said(&out, "hello retry request: yes\n"),
            "%s", out.data);
  cr_assert(tool_said(&out, "server name: none\n"), "an address is no name to send");
  peer_stop(&peer);
  buf_free(&out);
}

Test(tool, client_of_tls_1_2) {
  struct peer peer;
  struct buf out = {0};
  uint16_t port = openssl_www(&peer, "ecdsa-p256", "");
  int status = tool_run(&out,
                        GET TOOL " client --ca " TOOL_CERTS
                                 "root.pem --name localhost --version "
                                 "1.2 --suites ECDHE-ECDSA-AES256-GCM-SHA384 127.0.0.1:%d 2>&1 "
                                 ">/dev/null",
                        port);
  cr_assert_eq(status, 0, "%s", out.data);
  cr_assert(tool_said(&out, "protocol: TLSv1.2\n") &&
                tool_said(&out, "suite: TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n"),
            "%s", out.data);
  peer_stop(&peer);
  buf_free(&out);
}

Test(tool, client_trusts_nobody_it_should_not) {
  static const struct {
    const char *cert, *name, *says;
  } bad[] = {{"wrong-ca", "localhost", "issuer certificate"},
             {"expired", "localhost", "expired"},
             {"not-yet-valid", "localhost", "not yet valid"},
             {"wrong-name", "localhost", "mismatch"},
             {"ecdsa-p256", "example.net", "mismatch"}};
  struct buf out = {0};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct peer peer;
    uint16_t port = openssl_www(&peer, bad[i].cert, "");
    int status =
        tool_run(&out, GET TOOL " client --ca " TOOL_CERTS "root.pem --name %s 127.0.0.1:%d 2>&1",
                 bad[i].name, port);
    cr_assert_eq(status, 1, "%s: %s", bad[i].cert, out.data);
    cr_assert(tool_said(&out, "CERTIFICATE_VERIFY_FAILED") && tool_said(&out, bad[i].says),
              "%s: %s", bad[i].cert, out.data);
    cr_assert_not(tool_said(&out, "HTTP/1.0"));
    status = tool_run(&out, GET TOOL " client --insecure 127.0.0.1:%d 2>/dev/null", port);
    cr_assert_eq(status, 0);
    cr_assert(tool_said(&out, "HTTP/1.0 200"));
    peer_stop(&peer);
  }
  buf_free(&out);
}

Test(tool, client_with_gnutls) {
  char command[512];
  struct peer peer;
  struct buf out = {0};
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
  snprintf(command, sizeof command,
           "gnutls-serv -p 4433 --echo --x509certfile " TOOL_CERTS
           "rsa-2048.pem --x509keyfile " TOOL_CERTS
           "rsa-2048.key --priority NORMAL:-VERS-ALL:+VERS-TLS1.3");
  wrong = peer_start(&peer, command);
  cr_assert_null(wrong, "%s", wrong);
  int fd = peer_connect(4433);
  close(fd);
  int status = tool_run(&out, "echo hello there | " TOOL " client --ca " TOOL_CERTS
                              "root.pem localhost:4433 2>/dev/null");
  cr_assert_eq(status, 0, "%s%s", out.data, peer_tail(&peer));
  cr_assert_str_eq((char *)out.data, "hello there\n");
  peer_stop(&peer);
  buf_free(&out);
}

/* ---- server ---- */

static void openssl_client(struct peer *peer, uint16_t port, const char *more) {
  char command[1024];
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -CAfile " TOOL_CERTS
           "root.pem -verify_return_error -verify_hostname localhost %s",
           port, more);
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

Test(tool, server_talks_with_openssl_until_its_input_ends) {
  struct peer server, client;
  uint16_t port = tool_serve(&server, GOOD_CERT);
  cr_assert_neq(port, 0, "%s", peer_tail(&server));
  openssl_client(&client, port, "-quiet");
  buf_add(&client.input, "from the client\n", 16);
  buf_add(&server.input, "from the server\n", 16);
  cr_assert(peer_pump(&client, 100) && peer_pump(&server, 100));
  cr_assert(peer_printed(&server, "from the client"), "%s", peer_tail(&server));
  cr_assert(peer_printed(&client, "from the server"), "%s", peer_tail(&client));
  cr_assert(peer_printed(&server, "suite: TLS_"), "%s", peer_tail(&server));
  cr_assert(peer_end_input(&server));
  cr_assert_eq(peer_wait(&client), 0, "%s", peer_tail(&client));
  cr_assert_eq(peer_wait(&server), 0, "%s", peer_tail(&server));
  peer_stop(&client);
  peer_stop(&server);
}

Test(tool, server_serves_one_after_another_and_survives_failures) {
  struct peer server;
  struct buf out = {0};
  uint16_t port = tool_serve(&server, GOOD_CERT " --count 4");
  cr_assert_neq(port, 0, "%s", peer_tail(&server));
  for (int i = 0; i < 4; i++) {
    if (i % 2 == 0) {
      int fd = peer_connect(port);
      cr_assert_eq(write(fd, "GET / HTTP/1.0\r\n\r\n", 18), 18);
      close(fd);
    } else {
      struct peer client;
      openssl_client(&client, port, "-quiet -no_ign_eof");
      buf_add(&client.input, "here I am\n", 10);
      cr_assert(peer_printed(&client, "verify return") && peer_end_input(&client));
      cr_assert_eq(peer_wait(&client), 0, "%s", peer_tail(&client));
      cr_assert(peer_printed(&server, "here I am"), "%s", peer_tail(&server));
      server.log.len = 0;
      peer_stop(&client);
    }
  }
  cr_assert_eq(peer_wait(&server), 1, "two connections failed: %s", peer_tail(&server));
  peer_stop(&server);
  buf_free(&out);
}

Test(tool, server_demands_a_client_certificate) {
  struct peer server;
  struct buf out = {0};
  uint16_t port = tool_serve(&server, GOOD_CERT " --www --require --ca " TOOL_CERTS "root.pem");
  cr_assert_neq(port, 0, "%s", peer_tail(&server));
  const char *run =
      GET TOOL " client --quiet --ca " TOOL_CERTS "root.pem --name localhost %s 127.0.0.1:%d 2>&1";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  cr_assert_eq(tool_run(&out, run, "", port), 1, "%s", out.data);
  cr_assert(tool_said(&out, "CERTIFICATE_REQUIRED"), "%s", out.data);
  cr_assert_eq(tool_run(&out, run,
                        "--cert " TOOL_CERTS "client-other-root.pem --key " TOOL_CERTS
                        "client-other-root.key",
                        port),
               1, "%s", out.data);
  cr_assert(tool_said(&out, "UNKNOWN_CA"), "%s", out.data);
  cr_assert_eq(
      tool_run(&out, run,
               "--cert " TOOL_CERTS "client-rsa-2048.pem --key " TOOL_CERTS "client-rsa-2048.key",
               port),
      0, "%s", out.data);
#pragma GCC diagnostic pop
  cr_assert(tool_said(&out, "verified: ok") && tool_said(&out, "rsa_pss_rsae_sha256"), "%s",
            out.data);
  peer_stop(&server);
  buf_free(&out);
}
