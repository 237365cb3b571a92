/* test_script_quic.c - every state x every message type over QUIC's carrier, both roles.
 *
 * Two engines talk until one of them has read so many messages; then one message of each type
 * comes, at the level in force.  golden/sequences.txt ("quic") says which may come: those must not
 * be refused as unexpected, all others must.  The messages that come are empty, so that what may
 * come fails in another way. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "craft.h"
#include "quic_pair.h"
#include "sequence_oracle.h"

TestSuite(script_quic, .timeout = 300);

struct scenario {
  hf_role role; /* of the engine that is tried */
  bool request, certificate, retry;
};

/* talk is a conversation up to a point, in the words of the golden file. */
struct talk {
  struct quic_pair pair;
  struct quic_end *tried;
  char said[600];
  size_t heard; /* messages that the one that is tried has read */
};

static const struct {
  uint8_t type;
  const char *word;
} words[] = {
    {MSG_CLIENT_HELLO, "ClientHello"},
    {MSG_SERVER_HELLO, "ServerHello"},
    {MSG_SERVER_HELLO, "HelloRetryRequest"},
    {MSG_END_OF_EARLY_DATA, "EndOfEarlyData"},
    {MSG_ENCRYPTED_EXTENSIONS, "EncryptedExtensions"},
    {MSG_CERTIFICATE, "Certificate"},
    {MSG_CERTIFICATE_REQUEST, "CertificateRequest"},
    {MSG_CERTIFICATE_VERIFY, "CertificateVerify"},
    {MSG_FINISHED, "Finished"},
    {MSG_COMPRESSED_CERTIFICATE, "CompressedCertificate"},
};
enum { NUM_WORDS = sizeof words / sizeof *words };

static const char *word_of(const struct talk *talk, const struct scenario *s, uint8_t type) {
  const bool first = strstr(talk->said, "S:") == NULL;
  if (type == MSG_SERVER_HELLO && s->retry && first) return "HelloRetryRequest";
  for (size_t i = 0; i < NUM_WORDS; i++)
    if (words[i].type == type) return words[i].word;
  return "?";
}

static void say(struct talk *talk, const struct scenario *s, bool by_client, hf_level level,
                uint8_t type) {
  const char *empty = by_client && type == MSG_CERTIFICATE && !s->certificate ? "+empty" : "";
  const bool clear = level == HF_INITIAL;
  const size_t at = strlen(talk->said);
  snprintf(talk->said + at, sizeof talk->said - at, " %c:%s%s%s%s", by_client ? 'C' : 'S',
           clear ? "" : "{", word_of(talk, s, type), empty, clear ? "" : "}");
}

/* pass moves the next message of |from|.  False: there is none. */
static bool pass(struct talk *talk, const struct scenario *s, struct quic_end *from) {
  struct quic_end *to = from == &talk->pair.client ? &talk->pair.server : &talk->pair.client;
  for (int level = 0; level < 4; level++) {
    struct buf *out = &from->out[level];
    if (out->len == 0) continue;
    const uint8_t *m = out->data;
    const size_t len = 4 + ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);
    cr_assert(len <= out->len);
    say(talk, s, from == &talk->pair.client, (hf_level)level, m[0]);
    if (to == talk->tried) talk->heard++;
    cr_assert_eq(quic_give(to, (hf_level)level, m, len), HF_OK, "%s", talk->said);
    buf_drop(out, len);
    return true;
  }
  return false;
}

/* begin has both talk until the one that is tried has read |messages|.  False: it is ready before.
 */
static bool begin(struct talk *talk, const struct scenario *s, size_t messages) {
  static const uint16_t p256[] = {0x0017};
  memset(talk, 0, sizeof *talk);
  quic_set(&talk->pair, 90);
  struct quic_end *client = &talk->pair.client, *server = &talk->pair.server;
  if (s->request) server->settings.flags = HF_REQUEST_CLIENT_CERT;
  if (s->certificate) client->credential = credential_load("client-ecdsa-p256");
  if (s->retry) server->settings.groups = (hf_codes){p256, 1};
  strcpy(talk->said, "quic");
  quic_start(&talk->pair);
  talk->tried = s->role == HF_CLIENT ? client : server;
  struct quic_end *other = s->role == HF_CLIENT ? server : client;
  for (;;) {
    /* What the other has not read yet was not said yet. */
    while (pass(talk, s, talk->tried)) continue;
    if (talk->heard == messages) break;
    if (!pass(talk, s, other)) break;
  }
  return talk->heard == messages && !(hf_wants(talk->tried->conn) & HF_READY);
}

static bool legal(const sequences *golden, const struct talk *talk, const struct scenario *s,
                  hf_level level, uint8_t type) {
  for (size_t k = 0; k < NUM_WORDS; k++) {
    char prefix[800];
    if (words[k].type != type) continue;
    snprintf(prefix, sizeof prefix, "%s %c:%s%s", talk->said, s->role == HF_CLIENT ? 'S' : 'C',
             level == HF_INITIAL ? "" : "{", words[k].word);
    const size_t n = strlen(prefix);
    for (size_t i = 0; i < golden->num; i++)
      if (strncmp(golden->line[i], prefix, n) == 0 && strchr(" +}", golden->line[i][n]))
        return true;
  }
  return false;
}

/* try_state has each type come after |messages|.  False: there is no such state. */
static bool try_state(const sequences *golden, const struct scenario *s, size_t messages,
                      unsigned step) {
  unsigned num_legal = 0;
  for (unsigned type = 0; type < 256; type += type < 32 ? 1 : step) {
    const uint8_t message[] = {(uint8_t)type, 0, 0, 0};
    struct talk talk;
    size_t used = 0;
    const bool there = begin(&talk, s, messages);
    if (there) {
      const hf_level level =
          strstr(talk.tried->installs, "rHANDSHAKE") != NULL ? HF_HANDSHAKE : HF_INITIAL;
      const bool may = legal(golden, &talk, s, level, (uint8_t)type);
      const hf_bytes bytes = {message, sizeof message};
      const hf_status status = hf_quic_open(talk.tried->conn, &used, level, bytes);
      num_legal += may;
      cr_expect_eq(used, sizeof message);
      cr_expect(may ? status != HF_UNEXPECTED_MESSAGE && status != HF_OK
                    : status == HF_UNEXPECTED_MESSAGE,
                "%s, then %u: %s", talk.said, type, hf_status_text(status));
    }
    quic_free(&talk.pair);
    if (!there) return false;
  }
  cr_expect_gt(num_legal, 0u, "nothing may come after %zu messages", messages);
  return true;
}

static void try_all(const struct scenario *s, size_t states, unsigned step) {
  sequences golden = {0};
  size_t messages = 0;
  cr_assert(sequences_read(&golden, HF_SOURCE_DIR "/tests/golden/sequences.txt"));
  while (try_state(&golden, s, messages, step)) messages++;
  cr_expect_eq(messages, states);
  sequences_free(&golden);
}

/* R-9001-4-6: all 256 types where there is most to read; then in other handshakes. */
Test(script_quic, client) { try_all(&(struct scenario){HF_CLIENT, true, true, true}, 7, 1); }
Test(script_quic, client_of_a_plain_handshake) {
  try_all(&(struct scenario){HF_CLIENT, false, false, false}, 5, 32);
}
Test(script_quic, server) { try_all(&(struct scenario){HF_SERVER, true, true, true}, 5, 1); }
Test(script_quic, server_of_a_plain_handshake) {
  try_all(&(struct scenario){HF_SERVER, false, false, false}, 2, 32);
}
Test(script_quic, server_without_a_certificate) {
  try_all(&(struct scenario){HF_SERVER, true, false, false}, 3, 32);
}
