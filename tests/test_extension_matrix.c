/* test_extension_matrix.c - every extension in every message that has a block of them (RFC
 * 9846 4.3): not offered, offered, in the wrong place, twice, empty, with a byte too many.
 *
 * The table is written from the RFCs.  Of engine/extensions.def it takes one thing, which types the
 * engine says it knows: the others are to be treated as unknown, and one that is not in the table
 * here fails the test. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

TestSuite(extension_matrix, .timeout = 120);

/* ---- What the RFCs say ---- */

enum message { CH, SH, HRR, EE, CR, CT, CLIENT_CT, NST, MESSAGES };
static const char *const message_names[MESSAGES] = {
    "ClientHello",        "ServerHello", "HelloRetryRequest",    "EncryptedExtensions",
    "CertificateRequest", "Certificate", "client's Certificate", "NewSessionTicket"};

/* Bits of the places where the table of 4.3 has an extension; CT is both sides' Certificate. */
enum {
  IN_CH = 1 << CH,
  IN_SH = 1 << SH,
  IN_HRR = 1 << HRR,
  IN_EE = 1 << EE,
  IN_CR = 1 << CR,
  IN_CT = 1 << CT | 1 << CLIENT_CT,
  IN_NST = 1 << NST,
  RESPONSES = IN_SH | IN_HRR | IN_EE | IN_CT
};

enum { CUSTOM = 0x7a01, GREASE = 0x3a3a, UNKNOWN = 0x7777 };

/* hex_of: a well-formed body for each place; "" is an empty one, NULL where it may not be or the
 * hello's own is to be taken. */
struct row {
  uint16_t type;
  const char *name;
  unsigned places;
  const char *hex[MESSAGES];
  unsigned any_body; /* places where the body is of no form, or passed over */
  bool offers;       /* the client that offers much offers it */
};

#define BINDER "0101010101010101010101010101010101010101010101010101010101010101"
static const struct row rows[] = {
    /* RFC 6066 3.  In a CertificateRequest RFC 9261 has it; a handshake makes nothing of it. */
    {0,
     "server_name",
     IN_CH | IN_EE | IN_CR,
     {[CH] = "000c0000096c6f63616c686f7374", [EE] = "", [CR] = ""},
     IN_CR,
     true},
    /* RFC 6066 4 */
    {1, "max_fragment_length", IN_CH | IN_EE, {[CH] = "01", [EE] = "01"}, 0, true},
    /* of TLS 1.2: RFC 8422 5.1.2, RFC 7627 5.1, RFC 5077 3.2, RFC 5746 3.2 */
    {11, "ec_point_formats", IN_CH, {[CH] = "0100", [EE] = "0100"}, 0, false},
    {23, "extended_master_secret", IN_CH, {[CH] = "", [EE] = ""}, 0, false},
    {35, "session_ticket", IN_CH, {[CH] = "616263", [EE] = ""}, IN_CH, false},
    {0xff01, "renegotiation_info", IN_CH, {[CH] = "00", [EE] = "00"}, 0, false},
    /* RFC 6066 8, RFC 9846 4.5.1.1 */
    {5,
     "status_request",
     IN_CH | IN_CR | IN_CT,
     {[CH] = "0100000000", [CR] = "", [CT] = "01000003616263", [CLIENT_CT] = "01000003616263"},
     0,
     true},
    {10, "supported_groups", IN_CH | IN_EE, {[EE] = "0004001d0017"}, 0, true},
    {13, "signature_algorithms", IN_CH | IN_CR, {[CR] = "00020403"}, 0, true},
    {14, "use_srtp", IN_CH | IN_EE, {[CH] = "0002000100", [EE] = "0002000100"}, 0, false},
    {15, "heartbeat", IN_CH | IN_EE, {[CH] = "01", [EE] = "01"}, 0, false},
    /* RFC 7301 3.1 */
    {16,
     "application_layer_protocol_negotiation",
     IN_CH | IN_EE,
     {[CH] = "0003026262", [EE] = "0003026262"},
     0,
     true},
    /* RFC 6962 3.3; transparency_info (52) is its successor */
    {18,
     "signed_certificate_timestamp",
     IN_CH | IN_CR | IN_CT,
     {[CH] = "", [CR] = "", [CT] = "00050003616263", [CLIENT_CT] = "00050003616263"},
     0,
     true},
    /* RFC 7250 3: a list in the hello, one of it in the answer */
    {19, "client_certificate_type", IN_CH | IN_EE, {[CH] = "0100", [EE] = "00"}, 0, true},
    {20, "server_certificate_type", IN_CH | IN_EE, {[CH] = "0100", [EE] = "00"}, 0, true},
    /* RFC 7685 3: a server is not told to look into it */
    {21, "padding", IN_CH, {[CH] = "000000"}, IN_CH, false},
    /* RFC 8879 3 */
    {27, "compress_certificate", IN_CH | IN_CR, {[CH] = "020002", [CR] = "020002"}, 0, true},
    /* RFC 8449 4 */
    {28, "record_size_limit", IN_CH | IN_EE, {[CH] = "4001", [EE] = "4001"}, 0, true},
    /* RFC 9345 4.1.1 */
    {34,
     "delegated_credential",
     IN_CH | IN_CR | IN_CT,
     {[CH] = "00020403", [CR] = "00020403", [CT] = "00", [CLIENT_CT] = "00"},
     0,
     true},
    {41,
     "pre_shared_key",
     IN_CH | IN_SH,
     {[CH] = "000a000461626364000000000021"
             "20" BINDER,
      [SH] = "0000"},
     0,
     true},
    {42, "early_data", IN_CH | IN_EE | IN_NST, {[CH] = "", [EE] = "", [NST] = "00001000"}, 0, true},
    {43, "supported_versions", IN_CH | IN_SH | IN_HRR, {[EE] = "0304"}, 0, true},
    {44, "cookie", IN_CH | IN_HRR, {[CH] = "00026162", [HRR] = "00026162"}, 0, false},
    {45, "psk_key_exchange_modes", IN_CH, {[CH] = "0101"}, 0, true},
    {47,
     "certificate_authorities",
     IN_CH | IN_CR,
     {[CH] = "000600040102abcd", [CR] = "000600040102abcd"},
     0,
     false},
    {48, "oid_filters", IN_CR, {[CR] = "0000"}, 0, false},
    {49, "post_handshake_auth", IN_CH, {[CH] = ""}, 0, false},
    {50,
     "signature_algorithms_cert",
     IN_CH | IN_CR,
     {[CH] = "00020403", [CR] = "00020403"},
     0,
     true},
    {51, "key_share", IN_CH | IN_SH | IN_HRR, {[HRR] = "0017", [EE] = "0017"}, 0, true},
    {52, "transparency_info", IN_CH | IN_CR | IN_CT, {[CH] = "", [CR] = ""}, 0, false},
    {57,
     "quic_transport_parameters",
     IN_CH | IN_EE,
     {[CH] = "0102abcd", [EE] = "0102abcd"},
     IN_CH | IN_EE,
     false},
    /* of drafts of QUIC: for private use, so that over records it is nobody's */
    {0xffa5,
     "quic_transport_parameters_legacy",
     IN_CH | IN_EE,
     {[CH] = "0102abcd", [EE] = "0102abcd"},
     IN_CH | IN_EE,
     false},
    {58, "ticket_request", IN_CH | IN_EE, {[CH] = "0101", [EE] = "01"}, 0, false},
    {0xfe0d, "encrypted_client_hello", IN_CH | IN_HRR | IN_EE, {[CH] = "00"}, 0, false},
    {UNKNOWN, "an unknown type", 0, {[CH] = "616263"}, 0, false},
    {GREASE, "GREASE", 0, {[CH] = ""}, 0, true},
    {CUSTOM,
     "the caller's own",
     IN_CH | IN_EE | IN_CT,
     {[CH] = "6162", [EE] = "6162", [CT] = "6162", [CLIENT_CT] = "6162"},
     IN_CH | IN_EE | IN_CT,
     true},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* How it comes. */
enum how { ONCE, TWICE, EMPTY, TRAILING, HOWS };
static const char *const how_names[HOWS] = {"once", "twice", "empty", "with a byte too many"};

/* Rules of single extensions, where they have other alerts than 4.3 has for all. */
static const struct {
  uint16_t type;
  enum message message;
  unsigned hows;
  int alert;
} exceptions[] = {
    /* RFC 9001 8.2: over records, a request too */
    {57, CH, 1 << ONCE | 1 << EMPTY | 1 << TRAILING, AL_UNSUPPORTED_EXTENSION},
    /* 4.3.2: one that this server never made */
    {44, CH, 1 << ONCE, AL_ILLEGAL_PARAMETER},
    /* 4.3.10: accepted, without the first PSK chosen */
    {42, EE, 1 << ONCE | 1 << EMPTY, AL_ILLEGAL_PARAMETER},
    /* RFC 9345 4: no credential is as short as this one */
    {34, CT, 1 << ONCE, AL_DECODE_ERROR},
    {34, CLIENT_CT, 1 << ONCE, AL_DECODE_ERROR},
    /* a list of extensions is asked for in the handshake; afterwards the types are forgotten */
    {CUSTOM, NST, 1 << ONCE | 1 << EMPTY | 1 << TRAILING, AL_NONE},
};

static bool is_known(uint16_t type) {
  static const uint16_t known[] = {
      CUSTOM,
#define EXTENSION(name, code, places) code,
#include "../engine/extensions.def"
#undef EXTENSION
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i] == type) return true;
  return false;
}

/* What 4.3 says of it. */
static int expected(const struct row *row, enum message message, enum how how, bool offered) {
  const bool response = (RESPONSES >> message & 1) != 0;
  /* 4.3 names no alert for two of a type; BoringSSL has one for the lists that others may add to */
  if (how == TWICE && (message == CH || message == EE)) return AL_DECODE_ERROR;
  if (how == TWICE) return AL_ILLEGAL_PARAMETER;
  if (!is_known(row->type)) return response ? AL_UNSUPPORTED_EXTENSION : AL_NONE;
  /* The cookie answers nothing. */
  const bool solicited = offered || (row->type == EXT_COOKIE && message == HRR);
  if ((row->places >> message & 1) != 0 && response && !solicited)
    /* RFC 9345 4.1.1 and 4.1.2 have an alert of their own */
    return row->type == EXT_DELEGATED_CREDENTIAL ? AL_UNEXPECTED_MESSAGE : AL_UNSUPPORTED_EXTENSION;
  for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
    if (exceptions[i].type == row->type && exceptions[i].message == message &&
        (exceptions[i].hows >> how & 1) != 0)
      return exceptions[i].alert;
  if ((row->places >> message & 1) == 0) return AL_ILLEGAL_PARAMETER;
  if (how == ONCE || (row->any_body >> message & 1) != 0) return AL_NONE;
  if (how == TRAILING) return AL_DECODE_ERROR;
  const char *hex = row->hex[message];
  return hex != NULL && *hex == '\0' ? AL_NONE : AL_DECODE_ERROR;
}

/* ---- Saying it ---- */

/* The cell that is run. */
static struct cell {
  const struct row *row;
  enum message message;
  enum how how;
  bool much; /* the engine offers, or asks for, much */
  uint16_t type;
} cell;

static void put_hex(struct buf *out, const char *hex) {
  for (; *hex != '\0'; hex += 2) {
    const char digits[] = {hex[0], hex[1], '\0'};
    put8(out, (unsigned)strtoul(digits, NULL, 16));
  }
}

/* The body; where there is none of its own for this message, one of another. */
static void put_body(struct buf *out) {
  const char *hex = cell.row->hex[cell.message];
  for (size_t i = 0; hex == NULL && i < MESSAGES; i++) hex = cell.row->hex[i];
  if (cell.how != EMPTY && hex != NULL) put_hex(out, hex);
  if (cell.how == TRAILING) put8(out, 0);
}

static void put_exts(struct buf *block) {
  for (int i = 0; i < (cell.how == TWICE ? 2 : 1); i++) {
    struct buf body = {0};
    put_body(&body);
    put16(block, cell.type);
    put_vector(block, 2, body.data, body.len);
    buf_free(&body);
  }
}

/* Into a hello, whose own body is taken if it has one. */
static void edit(struct craft_hello *hello, struct craft *craft) {
  struct buf body = {0};
  struct craft_ext *own = craft_ext(hello, cell.type);
  (void)craft;
  if (cell.type == EXT_PRE_SHARED_KEY && cell.message == CH)
    craft_set_ext(hello, EXT_PSK_MODES, "\1\1", 2);
  if (own == NULL || cell.row->hex[cell.message] != NULL) {
    put_body(&body);
  } else {
    if (cell.how != EMPTY) buf_add(&body, own->body.data, own->body.len);
    if (cell.how == TRAILING) put8(&body, 0);
  }
  craft_set_ext(hello, cell.type, body.data, body.len);
  if (cell.how == TWICE) craft_add_ext(hello, cell.type, body.data, body.len);
  buf_free(&body);
}

static void say_certificate(struct craft_play *play) {
  hf_bytes chain[8];
  struct buf body = {0}, list = {0}, block = {0};
  size_t num = credential_chain(chain, 8, play->name);
  put_exts(&block);
  for (size_t i = 0; i < num; i++) {
    put_vector(&list, 3, chain[i].data, chain[i].len);
    put_vector(&list, 2, block.data, i == 0 ? block.len : 0);
    free((void *)chain[i].data);
  }
  put8(&body, 0);
  put_vector(&body, 3, list.data, list.len);
  rules_say(play, MSG_CERTIFICATE, &body);
  buf_free(&list);
  buf_free(&block);
}

static void say_block(struct craft_play *play, uint8_t type, struct buf *before) {
  static const uint8_t sigalgs[] = {0, EXT_SIGNATURE_ALGORITHMS, 0, 4, 0, 2, 4, 3};
  struct buf block = {0};
  if (type == MSG_CERTIFICATE_REQUEST && cell.type != EXT_SIGNATURE_ALGORITHMS)
    buf_add(&block, sigalgs, sizeof sigalgs);
  put_exts(&block);
  put_vector(before, 2, block.data, block.len);
  rules_say(play, type, before);
  buf_free(&block);
}

static bool say(struct craft_play *play) {
  static const uint8_t ticket[] = {0, 0, 2, 0, 1, 2, 3, 4, 1, 'n', 0, 1, 't'};
  struct buf body = {0};
  switch (cell.message) {
    case CH:
    case SH:
      (void)play_say_hello(play, edit);
      return true;
    case HRR:
      play_say_retry(play, 0, edit);
      return true;
    case EE:
      if (!play_until(play, SERVER_SAID_HELLO)) return false;
      say_block(play, MSG_ENCRYPTED_EXTENSIONS, &body);
      return true;
    case CR:
      if (!play_until(play, SERVER_SAID_EXTENSIONS)) return false;
      put8(&body, 0);
      say_block(play, MSG_CERTIFICATE_REQUEST, &body);
      return true;
    case CT:
      if (!play_until(play, SERVER_SAID_EXTENSIONS)) return false;
      say_certificate(play);
      return true;
    case CLIENT_CT:
      if (!play_until(play, CLIENT_HEARD_FINISHED)) return false;
      say_certificate(play);
      return true;
    case NST:
      if (!play_until(play, SERVER_DONE)) return false;
      buf_add(&body, ticket, sizeof ticket);
      say_block(play, MSG_NEW_SESSION_TICKET, &body);
      return true;
    case MESSAGES:
      break;
  }
  return false;
}

/* ---- The engine ---- */

static struct buf session; /* of a server that gives tickets with early data */

static void make_session(void) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 3);
  server.settings.flags |= HF_ISSUE_TICKETS | HF_ALLOW_EARLY_DATA;
  server.settings.max_early_data = 1000;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert(pair_run(&pair));
  buf_add(&session, pair.client.kept.data, pair.client.kept.len);
  cr_assert_gt(session.len, 0u);
  pair_free(&pair);
  credential_free(credential);
}

static const uint8_t own_body[] = {'o', 'w', 'n'};

static void setup_client(struct side_setup *setup) {
  static const uint16_t brotli[] = {2}, types[] = {HF_CERT_X509, HF_CERT_RAW_KEY};
  static const uint16_t delegated[] = {0x0403};
  static hf_extension own;
  rules_setup(setup, HF_CLIENT, 0);
  own = (hf_extension){CUSTOM,
                       cell.much ? HF_IN_CLIENT_HELLO : 0,
                       HF_IN_ENCRYPTED_EXTENSIONS | HF_IN_CERTIFICATE,
                       {own_body, 3}};
  setup->start.extensions = &own;
  setup->start.num_extensions = 1;
  if (!cell.much) {
    setup->start.server_name = (hf_bytes){NULL, 0};
    setup->settings.alpn = (hf_bytes){NULL, 0};
    return;
  }
  setup->settings.flags = HF_REQUEST_OCSP | HF_REQUEST_SCTS | HF_GREASE;
  setup->settings.decompressors = (hf_codes){brotli, 1};
  setup->settings.own_cert_types = setup->settings.peer_cert_types = (hf_codes){types, 2};
  setup->settings.record_size_limit = 16385;
  setup->settings.delegated_sigalgs = (hf_codes){delegated, 1};
  setup->settings.max_fragment_length = 512;
  if (cell.row->type == EXT_EARLY_DATA) setup->settings.flags |= HF_ALLOW_EARLY_DATA;
  if (cell.row->type == EXT_PRE_SHARED_KEY || cell.row->type == EXT_EARLY_DATA) {
    setup->start.session = (hf_bytes){session.data, session.len};
  }
}

static void setup_server(struct side_setup *setup) {
  static const uint16_t delegated[] = {0x0403};
  static hf_extension own;
  rules_setup(setup, HF_SERVER, HF_REQUEST_CLIENT_CERT);
  own = (hf_extension){
      CUSTOM, cell.much ? HF_IN_CERTIFICATE_REQUEST : 0, HF_IN_CERTIFICATE, {own_body, 3}};
  setup->start.extensions = &own;
  setup->start.num_extensions = 1;
  if (!cell.much) return;
  setup->settings.flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
  setup->settings.delegated_sigalgs = (hf_codes){delegated, 1};
}

/* Did the engine ask for it? */
static bool is_offered(struct craft_play *play, bool server) {
  if (server)
    return cell.much &&
           (cell.type == 5 || cell.type == 18 || cell.type == 34 || cell.type == CUSTOM);
  const bool offered = craft_ext(&play->client, cell.type) != NULL;
  if (cell.much)
    cr_expect_eq(offered, cell.row->offers, "%s is offered: %d", cell.row->name, offered);
  return offered;
}

static size_t refused, accepted;

/* As rules_verdict, for a client whose alert is under early keys, which the crafted peer lacks. */
static const char *verdict_early(const struct craft_play *play, int alert) {
  static char text[100];
  hf_fault fault;
  hf_get_fault(&fault, play->side.conn);
  const int got = fault.status == HF_OK ? AL_NONE : fault.alert;
  snprintf(text, sizeof text, "alert %d instead of %d: %s", got, alert, fault.text);
  return got == alert ? NULL : text;
}

/* Runs one cell. */
static void run(void) {
  const bool server = cell.message == CH || cell.message == CLIENT_CT;
  struct side_setup setup;
  struct craft_play play;
  cell.type = cell.row->type;
  (server ? setup_server : setup_client)(&setup);
  cr_assert(play_new(&play, &setup, server ? "client-ecdsa-p256" : "ecdsa-p256", 0x0403));
  if (!server) {
    cr_assert(play_until(&play, SERVER_HEARD_HELLO));
    if (cell.row->type == GREASE && cell.much) cell.type = play.client.ext[0].type;
  }
  const int alert = expected(cell.row, cell.message, cell.how, is_offered(&play, server));
  cr_assert(say(&play));
  const bool early = cell.row->type == EXT_EARLY_DATA && cell.much && !server;
  const char *wrong = early ? verdict_early(&play, alert) : rules_verdict(&play, alert);
  cr_expect_null(wrong, "%s in %s, %s%s: %s", cell.row->name, message_names[cell.message],
                 how_names[cell.how], cell.much ? ", much is offered" : "", wrong);
  *(alert == AL_NONE ? &accepted : &refused) += 1;
  rules_free(&play);
}

/* R-4.3-1 R-4.3-2 R-4.3-3 R-4.3-4 R-4.2.2-12 R-4.2.3-9 R-4.2.4-8 R-4.4.1-2 R-4.4.2-3 R-4.5.1-4
 * R-4.7.1-3 R-9001-8.2-3 R-6066-3-5 */
Test(extension_matrix, every_cell) {
  make_session();
  for (size_t r = 0; r < ROWS; r++)
    for (int m = 0; m < MESSAGES; m++)
      for (int how = 0; how < HOWS; how++)
        for (int much = 0; much < 2; much++) {
          cell = (struct cell){&rows[r], (enum message)m, (enum how)how, much != 0, 0};
          run();
        }
  fprintf(stderr, "%d extensions, %d messages: %zu cells refused, %zu accepted\n", (int)ROWS,
          (int)MESSAGES, refused, accepted);
  cr_expect_eq(refused + accepted, (size_t)ROWS * MESSAGES * HOWS * 2);
  buf_free(&session);
}

/* Whoever teaches the engine an extension says here what the RFC says of it. */
Test(extension_matrix, has_every_extension) {
  static const struct {
    const char *name;
    uint16_t type;
  } known[] = {
#define EXTENSION(name, code, places) {#name, code},
#include "../engine/extensions.def"
#undef EXTENSION
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t r = 0;
    while (r < ROWS && rows[r].type != known[i].type) r++;
    cr_assert_lt(r, (size_t)ROWS, "%s is not in the matrix", known[i].name);
    cr_expect_str_eq(rows[r].name, known[i].name);
  }
}
