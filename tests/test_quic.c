/* test_quic.c - the QUIC carrier (RFC 9001 4): handshakes of every kind between two engines, the
 * order in which secrets come, what is refused, and what the calls for records say. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "craft.h"
#include "quic_pair.h"

static const char client_order[] = " rHANDSHAKE wHANDSHAKE rAPPLICATION wAPPLICATION";
static const char server_order[] = " wHANDSHAKE rHANDSHAKE wAPPLICATION rAPPLICATION";

/* The types of the messages in |buf|, as "2 8 11". */
static void messages(char out[100], const struct buf *buf) {
  out[0] = 0;
  for (size_t at = 0; at + 4 <= buf->len;) {
    const uint8_t *m = buf->data + at;
    snprintf(out + strlen(out), 100 - strlen(out), "%s%u", at == 0 ? "" : " ", m[0]);
    at += 4 + ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);
  }
}

static void check_sent(const struct quic_end *end, hf_level level, const char *expected) {
  char got[100];
  messages(got, &end->sent[level]);
  cr_expect_str_eq(got, expected, "level %d: %s", (int)level, got);
}

static void check_fault(const struct quic_end *end, hf_status status, uint8_t alert) {
  hf_fault fault;
  hf_get_fault(&fault, end->conn);
  cr_expect_eq(fault.status, status, "%s", fault.text);
  cr_expect_eq(fault.alert, alert, "alert %d", fault.alert);
  // RFC 9001 4.8: there are no bytes of an alert.
  cr_expect_eq(hf_wants(end->conn) & ~(unsigned)HF_EARLY_REFUSED, (unsigned)HF_FAILED);
  uint8_t room[8];
  hf_level level;
  size_t len;
  cr_expect_eq(hf_quic_flush(end->conn, &level, &len, room, sizeof room), HF_OK);
  cr_expect_eq(len, 0u);
}

static void check_params(const struct quic_end *end, const struct quic_end *peer) {
  hf_facts facts;
  hf_get_facts(&facts, end->conn);
  cr_expect(bytes_equal(facts.quic_params, peer->start.quic_params));
  cr_expect(bytes_equal(facts.alpn, bytes_of("h3")));
  cr_expect(facts.header == 0 && facts.trailer == 0 && facts.max_data == 0);
  cr_expect(facts.records_left == 0 && facts.early_left == 0);
}

static void check_pair(const struct quic_pair *pair) {
  const struct quic_end *client = &pair->client, *server = &pair->server;
  for (int level = HF_EARLY; level <= HF_APPLICATION; level++) {
    cr_expect_arr_eq(client->secret[1][level], server->secret[0][level], 48);
    cr_expect_arr_eq(client->secret[0][level], server->secret[1][level], 48);
  }
  check_params(client, server);
  check_params(server, client);
  cr_expect(
      bytes_equal((hf_bytes){server->seen.data, server->seen.len}, client->start.quic_params));
}

static void begin(struct quic_pair *pair) {
  quic_set(pair, 71);
  quic_start(pair);
}

/* A first connection that leaves the client a session, and the start of the next. */
static void begin_resumed(struct quic_pair *pair, uint32_t flags) {
  quic_set(pair, 72);
  pair->client.settings.flags = flags;
  pair->server.settings.flags = flags | HF_ISSUE_TICKETS;
  pair->server.settings.max_early_data = flags & HF_ALLOW_EARLY_DATA ? 1 : 0;
  quic_start(pair);
  cr_assert(quic_run(pair));
  cr_assert_gt(pair->client.kept.len, 0u);
  check_sent(&pair->server, HF_APPLICATION, "4 4");
  quic_part(pair);
  pair->client.start.session = (hf_bytes){pair->client.kept.data, pair->client.kept.len};
  pair->client.start.now += 1000;
  pair->server.start.now += 1000;
}

/* R-9001-4-1 R-9001-4-2 R-9001-8.2-1: messages by level, secrets in order, parameters both ways. */
Test(quic, a_full_handshake) {
  struct quic_pair pair;
  begin(&pair);
  cr_assert(quic_run(&pair));
  check_pair(&pair);
  cr_expect_str_eq(pair.client.installs, client_order);
  cr_expect_str_eq(pair.server.installs, server_order);
  check_sent(&pair.client, HF_INITIAL, "1");
  check_sent(&pair.client, HF_HANDSHAKE, "20");
  check_sent(&pair.server, HF_INITIAL, "2");
  check_sent(&pair.server, HF_HANDSHAKE, "8 11 15 20");
  cr_expect_eq(pair.client.sent[HF_INITIAL].data[4 + 2 + 32], 0, "R-9001-8.4-1: a session id");
  quic_free(&pair);
}

/* R-9001-8.2-1: the server's parameters may come with the answer to HELLO. */
Test(quic, parameters_with_the_answer) {
  static const hf_bytes later = {(const uint8_t *)"\x01\x01\x07", 3};
  struct quic_pair pair;
  quic_set(&pair, 73);
  pair.server.start.quic_params = (hf_bytes){NULL, 0};
  pair.server.params = &later;
  quic_start(&pair);
  cr_assert(quic_run(&pair));
  pair.server.start.quic_params = later;
  check_pair(&pair);
  quic_free(&pair);
}

Test(quic, a_retry_and_a_client_certificate) {
  static const uint16_t p256[] = {0x0017};
  struct quic_pair pair;
  quic_set(&pair, 74);
  pair.server.settings.groups = (hf_codes){p256, 1};
  pair.server.settings.flags = HF_REQUIRE_CLIENT_CERT;
  pair.client.credential = credential_load("client-ecdsa-p256");
  quic_start(&pair);
  cr_assert(quic_run(&pair));
  check_pair(&pair);
  cr_expect_str_eq(pair.client.installs, client_order);
  cr_expect_str_eq(pair.server.installs, server_order);
  check_sent(&pair.client, HF_INITIAL, "1 1");
  check_sent(&pair.server, HF_INITIAL, "2 2");
  check_sent(&pair.server, HF_HANDSHAKE, "8 13 11 15 20");
  check_sent(&pair.client, HF_HANDSHAKE, "11 15 20");
  quic_free(&pair);
}

Test(quic, resumption) {
  struct quic_pair pair;
  begin_resumed(&pair, 0);
  quic_start(&pair);
  cr_assert(quic_run(&pair));
  check_pair(&pair);
  cr_expect_str_eq(pair.client.installs, client_order);
  check_sent(&pair.server, HF_HANDSHAKE, "8 20");
  cr_expect_eq(pair.client.asked[HF_ASK_VERDICT], 0u);
  quic_free(&pair);
}

/* R-9001-4.6-1 R-9001-8.3-1: early keys first, no EndOfEarlyData. */
Test(quic, early_data_accepted) {
  struct quic_pair pair;
  hf_facts facts;
  begin_resumed(&pair, HF_ALLOW_EARLY_DATA);
  pair.server.accept = HF_ACCEPT_EARLY;
  quic_start(&pair);
  cr_expect_str_eq(pair.client.installs, " wEARLY");
  cr_assert(quic_run(&pair));
  check_pair(&pair);
  cr_expect_str_eq(pair.client.installs, " wEARLY rHANDSHAKE wHANDSHAKE rAPPLICATION wAPPLICATION");
  cr_expect_str_eq(pair.server.installs, " rEARLY wHANDSHAKE rHANDSHAKE wAPPLICATION rAPPLICATION");
  check_sent(&pair.client, HF_HANDSHAKE, "20");
  hf_get_facts(&facts, pair.client.conn);
  cr_expect(facts.early_accepted);
  quic_free(&pair);
}

/* R-9001-4.6-1: refused by the server's choice, and by a retry. */
Test(quic, early_data_refused) {
  static const uint16_t p256[] = {0x0017};
  for (int retry = 0; retry < 2; retry++) {
    struct quic_pair pair;
    begin_resumed(&pair, HF_ALLOW_EARLY_DATA);
    pair.server.accept = retry ? HF_ACCEPT_EARLY : 0;
    if (retry) pair.server.settings.groups = (hf_codes){p256, 1};
    quic_start(&pair);
    cr_assert(quic_run(&pair));
    cr_expect_str_eq(pair.client.installs,
                     " wEARLY rHANDSHAKE wHANDSHAKE rAPPLICATION wAPPLICATION");
    cr_expect_str_eq(pair.server.installs, server_order);
    cr_expect(hf_wants(pair.client.conn) & HF_EARLY_REFUSED);
    hf_facts facts;
    hf_get_facts(&facts, pair.client.conn);
    cr_expect(facts.resumed && !facts.early_accepted);
    quic_free(&pair);
  }
}

/* R-9001-4-3: the streams cut every |piece| bytes, for every piece up to the longest stream. */
Test(quic, every_split) {
  for (size_t piece = 1, longest = 1; piece <= longest; piece++) {
    struct quic_pair pair;
    begin(&pair);
    pair.piece = piece;
    pair.client.flush_max = pair.server.flush_max = 1 + piece % 4096;
    cr_assert(quic_run(&pair), "pieces of %zu", piece);
    check_pair(&pair);
    if (piece == 1) longest = pair.server.sent[HF_HANDSHAKE].len;
    quic_free(&pair);
  }
}

/* R-9001-4.1-1: bytes of a level that is not reached are left to the caller. */
Test(quic, a_level_not_reached_waits) {
  struct quic_pair pair;
  size_t used = 1;
  begin(&pair);
  cr_assert(quic_move(&pair.client, &pair.server, 0));
  struct buf *flight = &pair.server.out[HF_HANDSHAKE];
  const hf_bytes bytes = {flight->data, flight->len};
  cr_expect_eq(hf_quic_open(pair.client.conn, &used, HF_HANDSHAKE, bytes), HF_OK);
  cr_expect_eq(used, 0u);
  cr_expect_eq(hf_quic_open(pair.client.conn, &used, HF_APPLICATION, bytes), HF_OK);
  cr_expect_eq(used, 0u);
  cr_assert(quic_run(&pair));
  quic_free(&pair);
}

/* R-9001-4.1-2: nothing is taken while a question is pending. */
Test(quic, a_question_stops_the_stream) {
  struct quic_pair pair;
  size_t used;
  begin(&pair);
  struct buf *hello = &pair.client.out[HF_INITIAL];
  const hf_bytes bytes = {hello->data, hello->len};
  cr_assert_eq(hf_quic_open(pair.server.conn, &used, HF_INITIAL, bytes), HF_OK);
  cr_expect_eq(used, bytes.len);
  cr_expect_eq(hf_question(pair.server.conn)->ask, HF_ASK_HELLO);
  cr_expect_eq(hf_quic_open(pair.server.conn, &used, HF_INITIAL, bytes), HF_OK);
  cr_expect_eq(used, 0u);
  quic_free(&pair);
}

/* R-9001-4.1-3: a level that is over, bytes left over, early data's level. */
Test(quic, wrong_levels) {
  for (int kind = 0; kind < 3; kind++) {
    struct quic_pair pair;
    begin(&pair);
    cr_assert(quic_move(&pair.client, &pair.server, 0));
    struct quic_end *client = &pair.client;
    struct buf *hello = &pair.server.out[HF_INITIAL];
    if (kind == 0) {
      cr_assert_eq(quic_give(client, HF_INITIAL, hello->data, hello->len), HF_OK);
      cr_expect_eq(quic_give(client, HF_INITIAL, (const uint8_t *)"\x08", 1), HF_WRONG_LEVEL);
    } else if (kind == 1) {
      buf_add(hello, "\x08", 1);
      (void)quic_give(client, HF_INITIAL, hello->data, hello->len);
    } else {
      cr_expect_eq(quic_give(client, HF_EARLY, hello->data, hello->len), HF_WRONG_LEVEL);
    }
    check_fault(client, HF_WRONG_LEVEL, 10);
    size_t used;
    cr_expect_eq(hf_quic_open(client->conn, &used, HF_HANDSHAKE, bytes_of("x")), HF_WRONG_LEVEL);
    quic_free(&pair);
  }
}

/* A connection that fails has nothing more to say, not even what was queued. */
Test(quic, a_failure_drops_what_was_queued) {
  struct quic_pair pair;
  hf_config *config;
  size_t used;
  quic_set(&pair, 78);
  cr_assert_eq(hf_config_new(&config, &pair.client.settings), HF_OK);
  cr_assert_eq(hf_new(&pair.client.conn, config, &pair.client.start), HF_OK);
  cr_expect(hf_wants(pair.client.conn) & HF_WANT_OUTPUT);
  cr_expect_eq(hf_quic_open(pair.client.conn, &used, HF_EARLY, bytes_of("x")), HF_WRONG_LEVEL);
  check_fault(&pair.client, HF_WRONG_LEVEL, 10);
  hf_config_free(config);
  quic_free(&pair);
}

/* R-9001-8.2-2: without the extension the handshake fails. */
Test(quic, missing_parameters) {
  static const uint8_t no_extensions[] = {8, 0, 0, 2, 0, 0};
  struct quic_pair pair;
  begin(&pair);
  cr_assert(quic_move(&pair.client, &pair.server, 0));
  struct buf *hello = &pair.server.out[HF_INITIAL];
  cr_assert_eq(quic_give(&pair.client, HF_INITIAL, hello->data, hello->len), HF_OK);
  (void)quic_give(&pair.client, HF_HANDSHAKE, no_extensions, sizeof no_extensions);
  check_fault(&pair.client, HF_MISSING_EXTENSION, 109);
  quic_free(&pair);
}

/* The ClientHello of a client over records, without its header. */
static void records_hello(struct buf *out, bool compatibility) {
  struct quic_pair pair;
  hf_config *config;
  uint8_t room[2048];
  size_t len;
  quic_set(&pair, 75);
  pair.client.settings.transport = HF_RECORDS;
  pair.client.start.quic_params = (hf_bytes){NULL, 0};
  pair.client.start.no_compatibility = !compatibility;
  cr_assert_eq(hf_config_new(&config, &pair.client.settings), HF_OK);
  cr_assert_eq(hf_new(&pair.client.conn, config, &pair.client.start), HF_OK);
  cr_assert_eq(hf_flush(pair.client.conn, &len, room, sizeof room), HF_OK);
  buf_add(out, room + 5, len - 5);
  hf_config_free(config);
  quic_free(&pair);
}

/* R-9001-8.2-2 R-9001-8.4-1: a hello that is not for QUIC. */
Test(quic, a_hello_for_records) {
  for (int compatibility = 0; compatibility < 2; compatibility++) {
    struct quic_pair pair;
    struct buf hello = {0};
    begin(&pair);
    records_hello(&hello, compatibility);
    (void)quic_give(&pair.server, HF_INITIAL, hello.data, hello.len);
    check_fault(&pair.server, compatibility ? HF_QUIC_COMPATIBILITY : HF_MISSING_EXTENSION,
                compatibility ? 47 : 109);
    buf_free(&hello);
    quic_free(&pair);
  }
}

/* ---- The code point of drafts ---- */

enum { PARAMS = 57, LEGACY_PARAMS = 0xffa5 };

static void begin_legacy(struct quic_pair *pair, bool client, bool server) {
  quic_set(pair, 78);
  if (client) pair->client.settings.flags |= HF_QUIC_LEGACY_PARAMS;
  if (server) pair->server.settings.flags |= HF_QUIC_LEGACY_PARAMS;
  quic_start(pair);
}

/* Is |type| among the extensions of the message at the front of |sent|? */
static bool has_extension(const struct buf *sent, uint16_t type) {
  struct craft_hello hello = {0};
  struct buf body = {0};
  cr_assert_gt(sent->len, 4u);
  buf_add(&body, sent->data + 4, (size_t)sent->data[2] << 8 | sent->data[3]);
  cr_assert(craft_parse_hello(&hello, &body, false));
  const bool has = craft_ext(&hello, type) != NULL;
  craft_hello_free(&hello);
  buf_free(&body);
  return has;
}

/* R-9001-8.2-5: one of the two is spoken, and the other is none. */
Test(quic, the_code_point_of_drafts) {
  for (int client = 0; client < 2; client++) {
    for (int server = 0; server < 2; server++) {
      struct quic_pair pair;
      begin_legacy(&pair, client, server);
      cr_expect_eq(quic_run(&pair), client == server);
      cr_expect_eq(has_extension(&pair.client.sent[HF_INITIAL], LEGACY_PARAMS), client);
      cr_expect_eq(has_extension(&pair.client.sent[HF_INITIAL], PARAMS), !client);
      if (client == server)
        check_pair(&pair);
      else
        check_fault(&pair.server, HF_MISSING_EXTENSION, 109);
      quic_free(&pair);
    }
  }
}

/* Adds an extension to the hello that |client| has to send. */
static void add_extension(struct buf *out, const struct quic_end *client, uint16_t type) {
  const struct buf *sent = &client->out[HF_INITIAL];
  struct craft_hello hello = {0};
  struct buf body = {0};
  buf_add(&body, sent->data + 4, sent->len - 4);
  cr_assert(craft_parse_hello(&hello, &body, false));
  craft_add_ext(&hello, type, "\1\1\7", 3);
  body.len = 0;
  craft_write_hello(&body, &hello, false);
  craft_message(out, MSG_CLIENT_HELLO, body.data, body.len);
  craft_hello_free(&hello);
  buf_free(&body);
}

/* R-9001-8.2-5: a server that is told both takes its own. */
Test(quic, both_code_points) {
  for (int legacy = 0; legacy < 2; legacy++) {
    struct quic_pair pair;
    struct buf hello = {0};
    hf_facts facts;
    begin_legacy(&pair, legacy, legacy);
    add_extension(&hello, &pair.client, legacy ? PARAMS : LEGACY_PARAMS);
    cr_expect_eq(quic_give(&pair.server, HF_INITIAL, hello.data, hello.len), HF_OK);
    hf_get_facts(&facts, pair.server.conn);
    cr_expect(bytes_equal(facts.quic_params, pair.client.start.quic_params));
    cr_expect_gt(pair.server.sent[HF_HANDSHAKE].len, 0u);
    buf_free(&hello);
    quic_free(&pair);
  }
}

/* R-9001-8.2-5 R-4.3-2: a client that is told the other, which it did not ask for. */
Test(quic, the_other_code_point) {
  for (int legacy = 0; legacy < 2; legacy++) {
    struct quic_pair pair;
    begin_legacy(&pair, legacy, legacy);
    (void)quic_move(&pair.client, &pair.server, 0);
    struct buf *flight = &pair.server.out[HF_HANDSHAKE];
    const uint8_t ours[] = {legacy ? 0xff : 0, legacy ? 0xa5 : PARAMS};
    size_t at = 6; /* EncryptedExtensions: its head, and the length of its block */
    cr_assert_eq(flight->data[0], MSG_ENCRYPTED_EXTENSIONS);
    while (memcmp(flight->data + at, ours, 2) != 0) at += 4u + flight->data[at + 3];
    flight->data[at] = legacy ? 0 : 0xff;
    flight->data[at + 1] = legacy ? PARAMS : 0xa5;
    (void)quic_move(&pair.server, &pair.client, 0);
    check_fault(&pair.client, HF_UNSUPPORTED_EXTENSION, 110);
    quic_free(&pair);
  }
}

/* R-9001-8.2-5 R-H-13: it is of QUIC alone, and a hello's configuration cannot change it. */
Test(quic, the_code_point_is_settled) {
  struct quic_pair pair;
  hf_settings settings = {.role = HF_SERVER, .flags = HF_QUIC_LEGACY_PARAMS};
  hf_config *config;
  cr_expect_eq(hf_config_new(&config, &settings), HF_MISUSE, "over records");
  settings.transport = HF_QUIC;
  cr_assert_eq(hf_config_new(&config, &settings), HF_OK);
  begin(&pair);
  size_t used;
  const struct buf *hello = &pair.client.out[HF_INITIAL];
  cr_assert_eq(
      hf_quic_open(pair.server.conn, &used, HF_INITIAL, (hf_bytes){hello->data, hello->len}),
      HF_OK);
  cr_assert_eq(hf_question(pair.server.conn)->ask, HF_ASK_HELLO);
  cr_expect_eq(hf_answer_hello(pair.server.conn, config, bytes_of("h3"), NULL), HF_MISUSE);
  cr_expect_eq(hf_question(pair.server.conn)->ask, HF_ASK_HELLO);
  hf_config_free(config);
  quic_free(&pair);
}

/* R-9001-8.2-3: over records the extension is refused. */
Test(quic, a_hello_for_quic_over_records) {
  struct quic_pair pair;
  hf_config *config;
  hf_conn *conn;
  hf_bytes app;
  hf_fault fault;
  size_t used;
  struct buf record = {0};
  begin(&pair);
  const struct buf *hello = &pair.client.sent[HF_INITIAL];
  const uint8_t header[] = {22, 3, 1, (uint8_t)(hello->len >> 8), (uint8_t)hello->len};
  buf_add(&record, header, sizeof header);
  buf_add(&record, hello->data, hello->len);
  pair.server.settings.transport = HF_RECORDS;
  pair.server.start.quic_params = (hf_bytes){NULL, 0};
  cr_assert_eq(hf_config_new(&config, &pair.server.settings), HF_OK);
  cr_assert_eq(hf_new(&conn, config, &pair.server.start), HF_OK);
  cr_expect_eq(hf_open(conn, &app, &used, record.data, record.len), HF_UNSUPPORTED_EXTENSION);
  hf_get_fault(&fault, conn);
  cr_expect_eq(fault.alert, 110);
  hf_free(conn);
  hf_config_free(config);
  buf_free(&record);
  quic_free(&pair);
}

/* R-9001-6-1: KeyUpdate is refused, by both. */
Test(quic, key_update) {
  static const uint8_t update[] = {24, 0, 0, 1, 0};
  struct quic_pair pair;
  begin(&pair);
  cr_assert(quic_run(&pair));
  struct quic_end *ends[] = {&pair.client, &pair.server};
  for (size_t i = 0; i < 2; i++) {
    cr_expect_eq(quic_give(ends[i], HF_APPLICATION, update, sizeof update), HF_UNEXPECTED_MESSAGE);
    check_fault(ends[i], HF_UNEXPECTED_MESSAGE, 10);
  }
  quic_free(&pair);
}

/* R-9001-4.6-2: a ticket's max_early_data_size is 0xffffffff or a PROTOCOL_VIOLATION. */
Test(quic, the_limit_in_a_ticket) {
  uint8_t ticket[] = {4, 0,   0,   23, 0, 0, 0,  60, 1, 2,    3,    4,    0,   0,
                      2, 't', 't', 0,  8, 0, 42, 0,  4, 0xff, 0xff, 0xff, 0xff};
  for (int good = 0; good < 2; good++) {
    struct quic_pair pair;
    begin(&pair);
    cr_assert(quic_run(&pair));
    ticket[sizeof ticket - 1] = good ? 0xff : 0xfe;
    const hf_status status = quic_give(&pair.client, HF_APPLICATION, ticket, sizeof ticket);
    cr_expect_eq(status, good ? HF_OK : HF_WRONG_LEVEL);
    cr_expect_eq(pair.client.asked[HF_ASK_KEEP], good ? 1u : 0u);
    if (!good) check_fault(&pair.client, HF_WRONG_LEVEL, 10);
    quic_free(&pair);
  }
}

/* R-9001-4-4: what is for records is MISUSE, and the other way round. */
Test(quic, the_calls_of_the_other_carrier) {
  struct quic_pair pair;
  uint8_t room[64] = {22, 3, 3, 0, 1}, key[32], iv[12];
  uint64_t seq;
  size_t len = 1;
  hf_bytes app;
  begin(&pair);
  cr_assert(quic_run(&pair));
  hf_conn *conn = pair.client.conn;
  cr_expect_eq(hf_open(conn, &app, &len, room, 6), HF_MISUSE);
  cr_expect_eq(len, 0u);
  cr_expect_eq(hf_need(conn, room, 0), 0u);
  cr_expect_eq(hf_flush(conn, &len, room, sizeof room), HF_MISUSE);
  cr_expect_eq(hf_seal(conn, &len, room, sizeof room, iv, 1), HF_MISUSE);
  cr_expect_eq(hf_rekey(conn, true), HF_MISUSE);
  cr_expect_eq(hf_close(conn), HF_MISUSE);
  cr_expect_eq(hf_record_key(conn, true, key, &len, iv, &seq), HF_MISUSE);
  cr_expect_eq(hf_quic_open(conn, &len, (hf_level)4, bytes_of("x")), HF_MISUSE);
  cr_expect_eq(hf_wants(conn), (unsigned)(HF_READY | HF_WANT_INPUT));
  quic_free(&pair);
}

/* R-9001-4-4 R-9001-8.2-4 R-H-13: calls and arguments that are not for this carrier. */
Test(quic, misuse) {
  struct quic_pair pair;
  hf_config *config;
  hf_conn *conn;
  hf_level level;
  uint8_t room[8], many[2049] = {0};
  size_t len;
  quic_set(&pair, 76);
  cr_assert_eq(hf_config_new(&config, &pair.client.settings), HF_OK);
  pair.client.start.quic_params = (hf_bytes){NULL, 0};
  cr_expect_eq(hf_new(&conn, config, &pair.client.start), HF_MISUSE);
  pair.client.start.quic_params = (hf_bytes){many, sizeof many};
  cr_expect_eq(hf_new(&conn, config, &pair.client.start), HF_MISUSE);
  hf_config_free(config);
  pair.client.settings.padding = 16;
  cr_expect_eq(hf_config_new(&config, &pair.client.settings), HF_MISUSE);
  pair.client.settings.padding = 0;
  pair.client.settings.record_size_limit = 1000;
  cr_expect_eq(hf_config_new(&config, &pair.client.settings), HF_MISUSE);
  pair.client.settings.record_size_limit = 0;
  pair.client.settings.transport = (hf_transport)2;
  cr_expect_eq(hf_config_new(&config, &pair.client.settings), HF_MISUSE);
  pair.client.settings.transport = HF_RECORDS;
  cr_assert_eq(hf_config_new(&config, &pair.client.settings), HF_OK);
  pair.client.start.quic_params = (hf_bytes){many, 1};
  cr_expect_eq(hf_new(&conn, config, &pair.client.start), HF_MISUSE);
  pair.client.start.quic_params = (hf_bytes){NULL, 0};
  cr_assert_eq(hf_new(&conn, config, &pair.client.start), HF_OK);
  cr_expect_eq(hf_quic_flush(conn, &level, &len, room, sizeof room), HF_MISUSE);
  cr_expect_eq(hf_quic_open(conn, &len, HF_INITIAL, bytes_of("x")), HF_MISUSE);
  hf_free(conn);
  hf_config_free(config);
  quic_free(&pair);
}

/* R-9001-8.2-4: HELLO is not answered without parameters. */
Test(quic, a_server_without_parameters) {
  static const hf_bytes none = {NULL, 0};
  struct quic_pair pair;
  size_t used;
  quic_set(&pair, 77);
  pair.server.start.quic_params = none;
  quic_start(&pair);
  const struct buf *hello = &pair.client.sent[HF_INITIAL];
  const hf_bytes bytes = {hello->data, hello->len};
  hf_conn *conn = pair.server.conn;
  cr_assert_eq(hf_quic_open(conn, &used, HF_INITIAL, bytes), HF_OK);
  cr_expect_eq(hf_answer_hello(conn, NULL, none, NULL), HF_MISUSE);
  cr_expect_eq(hf_answer_hello(conn, NULL, none, &none), HF_MISUSE);
  cr_expect_eq(hf_question(conn)->ask, HF_ASK_HELLO);
  cr_expect_eq(hf_refuse(conn, 120), HF_OK);
  check_fault(&pair.server, HF_REFUSED, 120);
  quic_free(&pair);
}

/* R-9001-8.1-1: protocols are offered and none is chosen: each side fails with 120. */
Test(quic, no_protocol_is_chosen) {
  static const uint8_t without[] = {8, 0, 0, 8, 0, 6, 0, 57, 0, 2, 1, 0};
  struct quic_pair pair;
  quic_set(&pair, 79);
  pair.server.alpn = (hf_bytes){NULL, 0};
  quic_start(&pair);
  cr_expect_not(quic_run(&pair));
  check_fault(&pair.server, HF_NO_APPLICATION_PROTOCOL, 120);
  quic_free(&pair);
  begin(&pair);
  cr_assert(quic_move(&pair.client, &pair.server, 0));
  const struct buf *hello = &pair.server.out[HF_INITIAL];
  cr_assert_eq(quic_give(&pair.client, HF_INITIAL, hello->data, hello->len), HF_OK);
  (void)quic_give(&pair.client, HF_HANDSHAKE, without, sizeof without);
  check_fault(&pair.client, HF_NO_APPLICATION_PROTOCOL, 120);
  quic_free(&pair);
}

/* R-9001-8.1-2: whether a hello that offers none will do, is not the engine's to say. */
Test(quic, no_protocol_is_offered) {
  struct quic_pair pair;
  quic_set(&pair, 80);
  pair.client.settings.alpn = (hf_bytes){NULL, 0};
  pair.server.alpn = (hf_bytes){NULL, 0};
  quic_start(&pair);
  cr_expect(quic_run(&pair));
  quic_free(&pair);
}

/* R-9001-8.3-1: nor is it taken. */
Test(quic, end_of_early_data_is_refused) {
  static const uint8_t end[] = {5, 0, 0, 0};
  struct quic_pair pair;
  begin_resumed(&pair, HF_ALLOW_EARLY_DATA);
  pair.server.accept = HF_ACCEPT_EARLY;
  quic_start(&pair);
  cr_assert(quic_move(&pair.client, &pair.server, 0));
  cr_assert_str_eq(pair.server.installs, " rEARLY wHANDSHAKE rHANDSHAKE wAPPLICATION");
  cr_expect_eq(quic_give(&pair.server, HF_HANDSHAKE, end, sizeof end), HF_UNEXPECTED_MESSAGE);
  check_fault(&pair.server, HF_UNEXPECTED_MESSAGE, 10);
  quic_free(&pair);
}

/* R-9001-4.1-3: a byte more than the last message of a level, at each level of each side, together
 * with it. */
Test(quic, bytes_left_over) {
  static const struct {
    hf_role from;
    hf_level level;
  } cases[] = {{HF_CLIENT, HF_INITIAL},
               {HF_SERVER, HF_INITIAL},
               {HF_SERVER, HF_HANDSHAKE},
               {HF_CLIENT, HF_HANDSHAKE}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct quic_pair pair;
    begin(&pair);
    struct quic_end *from = cases[i].from == HF_CLIENT ? &pair.client : &pair.server;
    struct quic_end *to = cases[i].from == HF_CLIENT ? &pair.server : &pair.client;
    while (from->out[cases[i].level].len == 0) {
      cr_assert(quic_move(&pair.client, &pair.server, 0) ||
                quic_move(&pair.server, &pair.client, 0));
    }
    buf_add(&from->out[cases[i].level], "\x14", 1);
    (void)quic_move(from, to, 0);
    check_fault(to, HF_WRONG_LEVEL, 10);
    cr_expect_null(strstr(to->installs, "rAPPLICATION"), "case %zu", i);
    quic_free(&pair);
  }
}

/* R-9001-4-5: after the handshake a server is sent nothing, and a client tickets alone. */
Test(quic, after_the_handshake) {
  static const uint8_t ticket[] = {4, 0, 0, 1, 0}, request[] = {13, 0, 0, 1, 0};
  struct quic_pair pair;
  begin(&pair);
  cr_assert(quic_run(&pair));
  cr_expect_eq(quic_give(&pair.server, HF_APPLICATION, ticket, sizeof ticket),
               HF_UNEXPECTED_MESSAGE);
  check_fault(&pair.server, HF_UNEXPECTED_MESSAGE, 10);
  cr_expect_eq(quic_give(&pair.client, HF_APPLICATION, request, sizeof request),
               HF_UNEXPECTED_MESSAGE);
  check_fault(&pair.client, HF_UNEXPECTED_MESSAGE, 10);
  quic_free(&pair);
}
