/* test_ordeal_ssl_lengths.c - the ordeal of cuts, in SSL_read and SSL_write: data of every length
 * from 0 to 20,000, written whole or in parts, from a buffer that stays or from another one at each
 * retry, and read by every length from 0 to 20,000, with a peek before or without.  What comes is
 * what was said, each read gives as much as there is of one record (RFC 9846 5.1: 16,384 bytes of
 * data at most), and SSL_pending is the rest of it.  Over a ring with room for all, over one with
 * room for little more than a record, and over one with room for less.
 *
 * Here a share of the lengths; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it,
 * all, but over the smaller rings one of eleven.
 */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "ssl_pair.h"

enum { MOST = 20000, RECORD = 16384, LARGE = 200000 };
enum how { PARTIAL = 1, MOVING = 2, PEEK = 4, TLS12 = 8 };

static uint8_t data[MOST];
static size_t num_runs;

/* One transfer: the client writes |len| bytes, which the server reads by |room| at most. */
struct transfer {
  struct ssl_pair *pair;
  size_t len, room, sent, got;
  unsigned how;
  uint8_t *moved; /* the buffer of the last try, with MOVING */
};

static const char *must_wait(SSL *ssl, int ret, int why) {
  if (SSL_get_error(ssl, ret) != why) return "another error than to wait";
  if (ERR_peek_error() != 0) return "an error on the queue";
  if (why == SSL_ERROR_WANT_READ ? BIO_ctrl_pending(SSL_get_rbio(ssl)) > 0
                                 : BIO_ctrl_get_write_guarantee(SSL_get_wbio(ssl)) > 0)
    return "it need not wait";
  return NULL;
}

static const char *write_more(struct transfer *transfer) {
  SSL *ssl = transfer->pair->client;
  const size_t left = transfer->len - transfer->sent;
  const uint8_t *from = data + transfer->sent;
  if (left == 0) return NULL;
  if (transfer->how & MOVING) {
    uint8_t *other = malloc(left);
    if (other == NULL) return "no memory";
    memcpy(other, from, left);
    if (transfer->moved != NULL) memset(transfer->moved, 0xee, left);
    free(transfer->moved);
    from = transfer->moved = other;
  }
  const int ret = SSL_write(ssl, from, (int)left);
  if (ret <= 0) return must_wait(ssl, ret, SSL_ERROR_WANT_WRITE);
  const size_t expected = transfer->how & PARTIAL && left > RECORD ? RECORD : left;
  if ((size_t)ret != expected) return "SSL_write returned another length";
  free(transfer->moved);
  transfer->moved = NULL;
  transfer->sent += (size_t)ret;
  return NULL;
}

/* peek_first compares with what SSL_peek gives.  |*ret|: what it returned. */
static const char *peek_first(struct transfer *transfer, int *ret, size_t expected) {
  static uint8_t got[MOST];
  SSL *ssl = transfer->pair->server;
  *ret = SSL_peek(ssl, got, (int)transfer->room);
  if (*ret < 0) return must_wait(ssl, *ret, SSL_ERROR_WANT_READ);
  if ((size_t)*ret != expected) return "SSL_peek returned another length";
  return memcmp(got, data + transfer->got, expected) == 0 ? NULL : "SSL_peek gave other data";
}

static const char *read_more(struct transfer *transfer) {
  static uint8_t got[MOST];
  SSL *ssl = transfer->pair->server;
  const size_t left = transfer->len - transfer->got, record = RECORD - transfer->got % RECORD;
  const size_t there = left < record ? left : record;
  const size_t expected = there < transfer->room ? there : transfer->room;
  int ret = 0;
  if (left == 0) return NULL;
  if (transfer->how & PEEK) {
    const char *wrong = peek_first(transfer, &ret, expected);
    if (wrong != NULL || ret < 0) return wrong;
    if ((size_t)SSL_pending(ssl) != there) return "SSL_peek took some";
  }
  ret = SSL_read(ssl, got, (int)transfer->room);
  if (ret < 0) return must_wait(ssl, ret, SSL_ERROR_WANT_READ);
  if ((size_t)ret != expected) return "SSL_read returned another length";
  if (memcmp(got, data + transfer->got, expected) != 0) return "SSL_read gave other data";
  if ((size_t)SSL_pending(ssl) != there - expected) return "SSL_pending";
  if (there > expected && SSL_has_pending(ssl) != 1) return "SSL_has_pending";
  transfer->got += expected;
  if (transfer->room == 0) transfer->room = MOST; /* nothing was taken: now it is */
  return NULL;
}

static const char *run(struct transfer *transfer) {
  struct ssl_pair *pair = transfer->pair;
  if (transfer->len == 0) {
    const int ret = SSL_write(pair->client, data, 0);
    if (ret != 0 || SSL_get_error(pair->client, ret) != SSL_ERROR_SYSCALL) return "not 0";
    return BIO_ctrl_pending(SSL_get_rbio(pair->server)) == 0 ? NULL : "an empty record";
  }
  const char *wrong = NULL;
  for (long turns = 0; transfer->got < transfer->len && wrong == NULL; turns++) {
    wrong = write_more(transfer);
    if (wrong == NULL) wrong = read_more(transfer);
    if (turns > 4 * MOST) wrong = "it does not end";
  }
  return wrong;
}

static void one(struct ssl_pair *pair, size_t len, size_t room, unsigned how, size_t ring) {
  struct transfer transfer = {.pair = pair, .len = len, .room = room, .how = how};
  const char *wrong = run(&transfer);
  num_runs++;
  free(transfer.moved);
  cr_assert_null(wrong, "%zu bytes by %zu, ring of %zu, %s%s%s%s: %s", len, room, ring,
                 how & TLS12 ? "1.2" : "1.3", how & PARTIAL ? ", partial" : "",
                 how & MOVING ? ", moving" : "", how & PEEK ? ", peeked" : "", wrong);
}

static void ready(struct ssl_pair *pair, size_t ring, unsigned how) {
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx("ecdsa-p256");
  const uint16_t version = how & TLS12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  cr_assert(client != NULL && SSL_CTX_set_max_proto_version(client, version));
  cr_assert(ssl_pair_new(pair, client, server, ring));
  cr_assert(ssl_pair_handshake(pair) && SSL_version(pair->client) == version);
  SSL_set_mode(pair->client, (how & PARTIAL ? SSL_MODE_ENABLE_PARTIAL_WRITE : 0) |
                                 (how & MOVING ? SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER : 0));
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* Is this length to be tried?  One of |step|, and those around what fills a record. */
static bool chosen(size_t n, size_t ring) {
  const size_t step = scenario_whole() ? 1 : 199;
  if (n < 3 || n == MOST || (n + 2 >= RECORD && n <= RECORD + 2)) return true;
  return n % (ring == LARGE ? step : step * 11) == 0;
}

static const size_t rings[] = {LARGE, 17408, 1000};

static void set_up(void) {
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 + (i >> 8));
}

TestSuite(ordeal_ssl_lengths, .init = set_up);

/* Each length, in both versions, over each ring. */
static void lengths(const unsigned *hows, size_t num_hows, bool writing) {
  for (size_t h = 0; h < 2 * num_hows; h++) {
    const unsigned how = hows[h / 2] | (h % 2 ? TLS12 : 0);
    for (size_t r = 0; r < sizeof rings / sizeof *rings; r++) {
      struct ssl_pair pair;
      ready(&pair, rings[r], how);
      for (size_t n = 0; n <= MOST; n++)
        if (chosen(n, rings[r])) one(&pair, writing ? n : MOST, writing ? MOST : n, how, rings[r]);
      ssl_pair_free(&pair);
    }
  }
  fprintf(stderr, "lengths %s: %zu transfers\n", writing ? "written" : "read", num_runs);
}

/* Written from a buffer of each kind. */
Test(ordeal_ssl_lengths, written) {
  static const unsigned hows[] = {0, PARTIAL, MOVING, PARTIAL | MOVING};
  lengths(hows, sizeof hows / sizeof *hows, true);
}

/* Two records read. */
Test(ordeal_ssl_lengths, read) {
  static const unsigned hows[] = {0, PEEK};
  lengths(hows, sizeof hows / sizeof *hows, false);
}
