/* test_interop_exporter.c: what early data is exported and encrypted with (RFC 9846 7.1, 7.5),
 * against the key log of openssl, both directions.  openssl's commands show no early keying
 * material: it is computed here from the secret in their log. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"

TestSuite(interop_exporter, .timeout = 120);

enum { SECRET = 32, NUM = 2 };
static const char label[] = "EXPORTER-handfast", context[] = "of the test", text[] = "early\n";
static const char *const names[NUM] = {"EARLY_EXPORTER_SECRET", "CLIENT_EARLY_TRAFFIC_SECRET"};

/* What one side handed out, and exported when it handed out the last. */
struct seen {
  const struct side *side;
  uint8_t secret[NUM][SECRET], exported[SECRET];
  bool has[NUM], has_exported;
};

static bool look(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct seen *seen = arg;
  (void)answer;
  if (question->ask != HF_ASK_INSTALL) return false;
  for (size_t i = 0; i < NUM; i++) {
    if (strcmp(question->install.label, names[i]) != 0) continue;
    cr_assert_not(seen->has[i], "%s twice", names[i]);
    cr_assert_eq(question->install.secret.len, (size_t)SECRET);
    memcpy(seen->secret[i], question->install.secret.data, SECRET);
    seen->has[i] = true;
  }
  return false;
}

static void export_early(struct seen *seen) {
  const hf_bytes bytes = bytes_of(context);
  cr_assert_eq(hf_export_early(seen->side->conn, seen->exported, SECRET, label, bytes), HF_OK);
  seen->has_exported = true;
}

/* HKDF-Expand-Label of 7.1 with SHA-256. */
static void expand(uint8_t out[SECRET], const uint8_t secret[SECRET], const char *name,
                   const uint8_t hash[SHA256_DIGEST_LENGTH]) {
  uint8_t info[256];
  const size_t len = strlen("tls13 ") + strlen(name);
  info[0] = 0;
  info[1] = SECRET;
  info[2] = (uint8_t)len;
  snprintf((char *)info + 3, sizeof info - 3, "tls13 %s", name);
  info[3 + len] = SHA256_DIGEST_LENGTH;
  memcpy(info + 4 + len, hash, SHA256_DIGEST_LENGTH);
  cr_assert(
      HKDF_expand(out, SECRET, EVP_sha256(), secret, SECRET, info, 4 + len + SHA256_DIGEST_LENGTH));
}

/* The exporter of 7.5. */
static void exporter(uint8_t out[SECRET], const uint8_t secret[SECRET]) {
  uint8_t hash[SHA256_DIGEST_LENGTH], derived[SECRET];
  SHA256((const uint8_t *)"", 0, hash);
  expand(derived, secret, label, hash);
  SHA256((const uint8_t *)context, strlen(context), hash);
  expand(out, derived, "exporter", hash);
}

/* check compares with the last lines of these names in the key log at |path|. */
static void check(const struct seen *seen, const char *path, struct peer *peer) {
  char line[512], random[256], hex[256], name[64];
  uint8_t secret[NUM][SECRET] = {{0}}, want[SECRET];
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file);
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "%63s %255s %255s", name, random, hex) != 3) continue;
    for (size_t i = 0; i < NUM; i++) {
      if (strcmp(name, names[i]) != 0) continue;
      cr_assert_eq(strlen(hex), (size_t)(2 * SECRET));
      for (size_t j = 0; j < SECRET; j++) {
        const char digits[] = {hex[2 * j], hex[2 * j + 1], '\0'};
        secret[i][j] = (uint8_t)strtoul(digits, NULL, 16);
      }
    }
  }
  fclose(file);
  for (size_t i = 0; i < NUM; i++) {
    cr_assert(seen->has[i], "no %s", names[i]);
    cr_expect_arr_eq(seen->secret[i], secret[i], SECRET, "%s%s", names[i], peer_tail(peer));
  }
  exporter(want, secret[0]);
  cr_assert(seen->has_exported);
  cr_expect_arr_eq(seen->exported, want, SECRET);
}

static void temporary(char path[256], const char *content) {
  snprintf(path, 256, "%s/exporter-XXXXXX", HF_BINARY_DIR);
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
  close(fd);
}

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

static const struct interop_case sha256 = {
    .suite = &interop_suites[0], .group = &interop_groups[0], .cert = &interop_certs[0]};

/* R-7.1-2 R-7.5-3 */
Test(interop_exporter, client) {
  char command[1024], log[256];
  struct peer peer;
  struct buf session = {0};
  const uint16_t port = peer_free_port();
  temporary(log, "");
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -tls1_3 -early_data -keylogfile %s -cert "
           "%s/tests/certs/ecdsa-p256.pem -key %s/tests/certs/ecdsa-p256.key -cert_chain "
           "%s/tests/certs/intermediate.pem",
           port, log, HF_SOURCE_DIR, HF_SOURCE_DIR, HF_SOURCE_DIR);
  start(&peer, command);
  for (int i = 0; i < 2; i++) {
    struct side_setup setup;
    struct interop_lists lists;
    struct side side;
    struct seen seen = {.side = &side};
    interop_client(&setup, &lists, &sha256);
    setup.settings.flags = HF_ALLOW_EARLY_DATA | HF_EXPORT_SECRETS;
    setup.start.session = (hf_bytes){session.data, session.len};
    setup.start.entropy.random[0] ^= (uint8_t)i;
    setup.answer = look;
    setup.arg = &seen;
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    if (i == 1) {
      cr_assert_eq(side_send(&side, (const uint8_t *)text, strlen(text)), HF_OK);
      export_early(&seen);
    }
    cr_assert(wire_handshake(&wire), "%s", peer_tail(&peer));
    while (side.kept.len == 0) cr_assert(wire_turn(&wire), "no ticket%s", peer_tail(&peer));
    if (i == 1) {
      cr_assert(peer_printed(&peer, text), "%s", peer_tail(&peer));
      check(&seen, log, &peer);
    } else {
      buf_add(&session, side.kept.data, side.kept.len);
    }
    const char *wrong = interop_bye(&wire, &sha256);
    cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
    side_free(&side);
  }
  peer_stop(&peer);
  buf_free(&session);
  unlink(log);
}

/* The server's moment is when it knows that it takes the early data: at the question for its
 * secrets' keys. */
static bool look_and_export(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct seen *seen = arg;
  (void)look(arg, answer, question);
  hf_facts facts;
  hf_get_facts(&facts, seen->side->conn);
  if (seen->has[0] && facts.early_open && !seen->has_exported) export_early(seen);
  return false;
}

/* R-7.1-2 R-7.5-3 */
Test(interop_exporter, server) {
  char command[1024], log[256], session[256], data[256], more[600];
  struct credential *credential = credential_load("ecdsa-p256");
  uint16_t port = 0;
  const int listener = peer_listen(&port);
  temporary(log, "");
  temporary(session, "");
  temporary(data, text);
  for (int i = 0; i < 2; i++) {
    struct side_setup setup;
    struct interop_lists lists;
    struct side side;
    struct peer peer;
    struct seen seen = {.side = &side};
    if (i == 0) {
      snprintf(more, sizeof more, "-sess_out %s", session);
    } else {
      snprintf(more, sizeof more, "-sess_in %s -early_data %s", session, data);
    }
    snprintf(command, sizeof command,
             "openssl s_client -connect 127.0.0.1:%d -tls1_3 -servername localhost -nocommands "
             "-verify_return_error -CAfile %s/tests/certs/root.pem -keylogfile %s %s",
             port, HF_SOURCE_DIR, log, more);
    start(&peer, command);
    interop_server(&setup, &lists, &sha256, credential);
    setup.settings.flags |= HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA | HF_EXPORT_SECRETS;
    setup.settings.max_early_data = 500;
    setup.start.entropy.random[0] ^= (uint8_t)i;
    setup.answer = look_and_export;
    setup.arg = &seen;
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_accept(listener)};
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    cr_assert(wire_handshake(&wire), "%s", peer_tail(&peer));
    cr_assert_eq(side_send(&side, (const uint8_t *)"later\n", 6), HF_OK);
    cr_assert(wire_drain(&wire) && peer_printed(&peer, "later\n"), "%s", peer_tail(&peer));
    if (i == 1) {
      cr_assert(bytes_equal((hf_bytes){side.app.data, side.app.len}, bytes_of(text)));
      check(&seen, log, &peer);
    }
    const char *wrong = interop_bye(&wire, &sha256);
    cr_assert_null(wrong, "%s%s", wrong, peer_tail(&peer));
    (void)peer_wait(&peer);
    side_free(&side);
    peer_stop(&peer);
  }
  credential_free(credential);
  close(listener);
  unlink(log);
  unlink(session);
  unlink(data);
}
