/* test_tool_keylog.c: the key log of `handfast`: NSS's format, and the secrets that OpenSSL has for
 * the same connection. */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

TestSuite(tool_keylog, .timeout = 120);

#define GET "printf \"GET / HTTP/1.0\\r\\n\\r\\n\" | "

struct entry {
  char label[64], random[65], secret[129];
};
enum { ENTRIES = 32 };

static bool is_hex(const char *text) { return text[strspn(text, "0123456789abcdef")] == 0; }

/* read_log reads a key log, in which comments may stand; each line must be of NSS's form. */
static size_t read_log(struct entry *out, const char *path) {
  char line[512];
  size_t num = 0;
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file, "%s", path);
  while (num < ENTRIES && fgets(line, sizeof line, file) != NULL) {
    struct entry *entry = &out[num];
    if (line[0] == '#') continue;
    cr_assert_eq(sscanf(line, "%63s %64s %128s", entry->label, entry->random, entry->secret), 3,
                 "%s", line);
    /* Two blanks, one line feed, nothing else. */
    cr_assert_eq(strlen(line),
                 strlen(entry->label) + strlen(entry->random) + strlen(entry->secret) + 3, "%s",
                 line);
    for (char *at = entry->random; *at != 0; at++) *at = (char)tolower(*at);
    for (char *at = entry->secret; *at != 0; at++) *at = (char)tolower(*at);
    cr_assert(is_hex(entry->random) && is_hex(entry->secret), "%s", line);
    cr_assert_eq(strlen(entry->random), 64, "%s", line);
    num++;
  }
  fclose(file);
  return num;
}

/* same_secrets says whether each of the five secrets of TLS 1.3 is in both logs, and the same. */
static void same_secrets(const char *ours, const char *theirs, size_t secret_len) {
  static const char *const labels[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                       "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
                                       "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"};
  struct entry a[ENTRIES], b[ENTRIES];
  size_t num_a = read_log(a, ours), num_b = read_log(b, theirs);
  cr_assert_eq(num_a, 5, "%zu lines", num_a);
  for (size_t i = 0; i < 5; i++) {
    const struct entry *first = NULL, *second = NULL;
    for (size_t k = 0; k < num_a; k++)
      if (strcmp(a[k].label, labels[i]) == 0) first = &a[k];
    for (size_t k = 0; k < num_b; k++)
      if (strcmp(b[k].label, labels[i]) == 0) second = &b[k];
    cr_assert_not_null(first, "we lack %s", labels[i]);
    cr_assert_not_null(second, "OpenSSL lacks %s", labels[i]);
    cr_assert_str_eq(first->random, second->random);
    cr_assert_str_eq(first->secret, second->secret, "%s", labels[i]);
    cr_assert_eq(strlen(first->secret), 2 * secret_len);
  }
}

static void new_directory(char path[64]) {
  strcpy(path, "/tmp/handfast-keylog-XXXXXX");
  cr_assert_not_null(mkdtemp(path));
}

static void remove_directory(const char *path) {
  struct buf out = {0};
  cr_assert_eq(tool_run(&out, "rm -r %s", path), 0);
  buf_free(&out);
}

Test(tool_keylog, a_servers_secrets_are_openssls) {
  char dir[64], options[512], ours[128], theirs[128];
  struct peer server;
  struct buf out = {0};
  struct stat status;
  new_directory(dir);
  snprintf(ours, sizeof ours, "%s/ours", dir);
  snprintf(theirs, sizeof theirs, "%s/theirs", dir);
  snprintf(options, sizeof options, "--www --keylog %s --suites TLS_AES_256_GCM_SHA384", ours);
  uint16_t port = tool_serve(&server, options);
  cr_assert_neq(port, 0, "%s", peer_tail(&server));
  cr_assert_eq(
      tool_run(&out, GET "openssl s_client -connect 127.0.0.1:%d -quiet -keylogfile %s 2>&1", port,
               theirs),
      0, "%s", out.data);
  cr_assert(tool_said(&out, "HTTP/1.0 200"), "%s", out.data);
  same_secrets(ours, theirs, 48);
  cr_assert_eq(stat(ours, &status), 0);
  cr_assert_eq(status.st_mode & 0777, 0600, "secrets are nobody else's");
  peer_stop(&server);
  remove_directory(dir);
  buf_free(&out);
}

Test(tool_keylog, a_clients_secrets_are_openssls) {
  char dir[64], command[1024], ours[128], theirs[128];
  struct peer server;
  struct buf out = {0};
  uint16_t port = peer_free_port();
  new_directory(dir);
  snprintf(ours, sizeof ours, "%s/ours", dir);
  snprintf(theirs, sizeof theirs, "%s/theirs", dir);
  snprintf(command, sizeof command,
           "openssl s_server -accept 127.0.0.1:%d -www -tls1_3 -keylogfile %s -cert " TOOL_CERTS
           "ecdsa-p256.pem -key " TOOL_CERTS "ecdsa-p256.key",
           port, theirs);
  const char *wrong = peer_start(&server, command);
  cr_assert_null(wrong, "%s", wrong);
  cr_assert(peer_printed(&server, "ACCEPT"), "%s", peer_tail(&server));
  cr_assert_eq(
      tool_run(&out, GET TOOL " client --insecure --keylog %s 127.0.0.1:%d 2>&1", ours, port), 0,
      "%s", out.data);
  same_secrets(ours, theirs, 32);
  /* A second run appends. */
  cr_assert_eq(
      tool_run(&out, GET TOOL " client --insecure --keylog %s 127.0.0.1:%d 2>&1", ours, port), 0,
      "%s", out.data);
  struct entry entries[ENTRIES];
  cr_assert_eq(read_log(entries, ours), 10);
  cr_assert_str_neq(entries[0].random, entries[5].random);
  peer_stop(&server);
  remove_directory(dir);
  buf_free(&out);
}
