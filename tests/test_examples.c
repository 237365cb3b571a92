/* test_examples.c: the examples as a reader runs them, against a server that nobody here wrote; and
 * that they refuse one whose certificate is not good.  ctest runs each without arguments as well.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

TestSuite(examples, .timeout = 120);

static const char *const clients[] = {"embed", "blocking_client", "epoll_client", "bio_pair_pump"};
enum { NUM_CLIENTS = sizeof clients / sizeof *clients };

static uint16_t openssl_server(struct peer *peer, const char *cert, const char *more) {
  char command[1024];
  uint16_t port = peer_free_port();
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -tls1_3 -www -cert " TOOL_CERTS
           "%s.pem -key " TOOL_CERTS "%s.key -cert_chain " TOOL_CERTS "intermediate.pem %s",
           port, cert, cert, more);
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
  cr_assert(peer_printed(peer, "ACCEPT"), "%s", peer_tail(peer));
  return port;
}

static int run(struct buf *out, const char *client, uint16_t port) {
  return tool_run(out, HF_BINARY_DIR "/examples/%s localhost:%d " TOOL_CERTS "root.pem 2>&1",
                  client, port);
}

static void all_succeed(const char *cert, const char *more) {
  struct peer peer;
  struct buf out = {0};
  uint16_t port = openssl_server(&peer, cert, more);
  for (size_t i = 0; i < NUM_CLIENTS; i++) {
    cr_assert_eq(run(&out, clients[i], port), 0, "%s: %s%s", clients[i], out.data,
                 peer_tail(&peer));
    cr_assert(tool_said(&out, "HTTP/1.0 200"), "%s: %s", clients[i], out.data);
  }
  peer_stop(&peer);
  buf_free(&out);
}

Test(examples, clients_get_a_page_from_openssl) { all_succeed("ecdsa-p256", ""); }
Test(examples, clients_get_a_page_with_rsa) { all_succeed("rsa-2048", ""); }
Test(examples, clients_get_a_page_after_a_retry) { all_succeed("ed25519", "-groups P-384"); }

Test(examples, clients_refuse_bad_certificates) {
  static const char *const bad[] = {"wrong-name", "wrong-ca", "expired"};
  struct buf out = {0};
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    struct peer peer;
    uint16_t port = openssl_server(&peer, bad[k], "");
    for (size_t i = 0; i < NUM_CLIENTS; i++) {
      cr_assert_eq(run(&out, clients[i], port), 1, "%s, %s: %s", clients[i], bad[k], out.data);
      cr_assert_not(tool_said(&out, "HTTP/1.0 200"), "%s, %s", clients[i], bad[k]);
    }
    peer_stop(&peer);
  }
  buf_free(&out);
}

Test(examples, clients_say_how_they_are_used) {
  struct buf out = {0};
  for (size_t i = 0; i < NUM_CLIENTS; i++) {
    cr_assert_eq(tool_run(&out, HF_BINARY_DIR "/examples/%s one two three 2>&1", clients[i]), 1);
    cr_assert(tool_said(&out, "usage: "), "%s", out.data);
  }
  buf_free(&out);
}

Test(examples, the_pump_meets_both_wants) {
  struct buf out = {0};
  cr_assert_eq(tool_run(&out, HF_BINARY_DIR "/examples/bio_pair_pump"), 0);
  cr_assert(tool_said(&out, "WANT_READ ") && !tool_said(&out, "WANT_READ 0"), "%s", out.data);
  cr_assert(tool_said(&out, "WANT_WRITE ") && !tool_said(&out, "WANT_WRITE 0"), "%s", out.data);
  buf_free(&out);
}

Test(examples, the_bus_carries_small_frames) {
  struct buf out = {0};
  cr_assert_eq(tool_run(&out, HF_BINARY_DIR "/examples/message_bus"), 0);
  cr_assert(tool_said(&out, "server hears: Is anybody there?\nclient hears: Yes, "), "%s",
            out.data);
  buf_free(&out);
}

Test(examples, quic_in_bad_weather) {
  struct buf out = {0};
  for (int seed = 1; seed < 4; seed++) {
    cr_assert_eq(tool_run(&out, HF_BINARY_DIR "/examples/quic_loopback 60 %d 2>&1", seed), 0, "%s",
                 out.data);
    cr_assert(tool_said(&out, "60 of 60 handshakes complete, 40 of them resumed, 15 retried"), "%s",
              out.data);
    cr_assert(tool_said(&out, " lost, ") && !tool_said(&out, " 0 lost, "), "%s", out.data);
    cr_assert_not(tool_said(&out, "; 0 parts sent again"), "%s", out.data);
  }
  cr_assert_eq(tool_run(&out, HF_BINARY_DIR "/examples/quic_loopback 0 2>&1"), 1);
  cr_assert(tool_said(&out, "usage: "), "%s", out.data);
  buf_free(&out);
}
