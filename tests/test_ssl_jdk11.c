/* test_ssl_jdk11.c: SSL_set_jdk11_workaround: which version a server speaks with a hello as JDK 11
 * sends it, and with one that is nearly such, and how its random ends.
 *
 * The hello has the extensions of JDK 11's SSLExtension in its order, with what its client puts
 * into them. */
#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/nid.h>
#include <string.h>

#include "craft.h"
#include "ssl_pair.h"

enum { EXT_STATUS_REQUEST_V2 = 17, EXT_MAX_FRAGMENT = 1, P256 = 0x0017 };

static SSL_CTX *ctx;

static void set_up(void) {
  ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert_not_null(ctx);
}

static void tear_down(void) {
  SSL_CTX_free(ctx);
  ERR_clear_error();
}

TestSuite(ssl_jdk11, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- The hello ---- */

/* Any point of P-256: its generator. */
static void add_share(struct craft_hello *hello) {
  uint8_t share[2 + 2 + 2 + 65] = {0, 69, P256 >> 8, P256 & 0xff, 0, 65};
  EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  cr_assert_eq(EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
                                  POINT_CONVERSION_UNCOMPRESSED, share + 6, 65, NULL),
               65u);
  EC_GROUP_free(group);
  craft_add_ext(hello, EXT_KEY_SHARE, share, sizeof share);
}

#define ADD(type, bytes) craft_add_ext(hello, type, bytes, sizeof(bytes) - 1)

static void jdk11_hello(struct craft_hello *hello) {
  static const char suites[] = "\x13\x01\x13\x02\xc0\x2c\xc0\x2b\xc0\x30\xc0\x2f\x00\xff";
  static const char sigalgs[] = "\0\x0e\4\3\5\3\6\3\x08\4\x08\5\4\1\2\3";
  *hello = (struct craft_hello){.version = 0x0303};
  memset(hello->random, 0x11, sizeof hello->random);
  for (unsigned i = 0; i < 32; i++) put8(&hello->session_id, i);
  buf_add(&hello->suites, suites, sizeof suites - 1);
  put8(&hello->compression, 0);
  ADD(EXT_SERVER_NAME, "\0\x0c\0\0\x09localhost");
  ADD(EXT_STATUS_REQUEST, "\1\0\0\0\0");
  ADD(EXT_SUPPORTED_GROUPS, "\0\6\0\x17\0\x18\0\x19");
  ADD(EXT_POINT_FORMATS, "\1\0");
  ADD(EXT_SIGNATURE_ALGORITHMS, sigalgs);
  ADD(EXT_SIGALGS_CERT, sigalgs);
  ADD(EXT_STATUS_REQUEST_V2, "\0\7\2\0\4\0\0\0\0");
  ADD(EXT_EMS, "");
  ADD(EXT_SUPPORTED_VERSIONS, "\x08\3\4\3\3\3\2\3\1");
  ADD(EXT_PSK_MODES, "\1\1");
  add_share(hello);
}

static size_t place_of(struct craft_hello *hello, uint16_t type) {
  return (size_t)(craft_ext(hello, type) - hello->ext);
}

/* Adds an extension before that of |type|. */
static void insert(struct craft_hello *hello, uint16_t type, uint16_t what, const char *body,
                   size_t len) {
  const size_t at = place_of(hello, type);
  craft_add_ext(hello, what, body, len);
  const struct craft_ext added = hello->ext[hello->num_ext - 1];
  memmove(&hello->ext[at + 1], &hello->ext[at], (hello->num_ext - 1 - at) * sizeof added);
  hello->ext[at] = added;
}

static void exchange(struct craft_hello *hello, uint16_t one, uint16_t other) {
  const size_t a = place_of(hello, one), b = place_of(hello, other);
  const struct craft_ext kept = hello->ext[a];
  hello->ext[a] = hello->ext[b];
  hello->ext[b] = kept;
}

/* ---- The answer ---- */

typedef void edit(struct craft_hello *hello);

/* send_to has |ssl|, whose BIO's other end is |net|, read the hello. */
static void send_to(SSL *ssl, BIO *net, edit *change) {
  struct craft_hello hello;
  struct buf body = {0}, message = {0}, record = {0};
  jdk11_hello(&hello);
  if (change != NULL) change(&hello);
  craft_write_hello(&body, &hello, false);
  craft_message(&message, MSG_CLIENT_HELLO, body.data, body.len);
  put8(&record, REC_HANDSHAKE);
  put16(&record, 0x0301);
  put_vector(&record, 2, message.data, message.len);
  cr_assert_eq(BIO_write(net, record.data, (int)record.len), (int)record.len);
  (void)SSL_do_handshake(ssl);
  craft_hello_free(&hello);
  buf_free(&body);
  buf_free(&message);
  buf_free(&record);
}

/* answer_of reads the ServerHello; false: there is none. */
static bool answer_of(struct craft_hello *out, BIO *net) {
  uint8_t bytes[8192];
  struct buf body = {0};
  int len = BIO_read(net, bytes, sizeof bytes);
  if (len < 9 || bytes[0] != REC_HANDSHAKE || bytes[5] != MSG_SERVER_HELLO) return false;
  buf_add(&body, bytes + 9, (size_t)bytes[7] << 8 | bytes[8]);
  cr_assert(craft_parse_hello(out, &body, true));
  buf_free(&body);
  return true;
}

enum { SAYS_13, SAYS_12, SAYS_12_TO_JDK };

static int what_is_said(struct craft_hello *hello) {
  static const uint8_t usual[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
  static const uint8_t jdk[] = {0xed, 0xbf, 0xb4, 0xa8, 0xc2, 0x47, 0x10, 0xff};
  const uint8_t *end = hello->random + 24;
  const bool marked = memcmp(end, usual, 8) == 0;
  cr_expect_not(marked);
  if (craft_ext(hello, EXT_SUPPORTED_VERSIONS) != NULL) {
    cr_expect(memcmp(end, jdk, 8) != 0);
    return SAYS_13;
  }
  return memcmp(end, jdk, 8) == 0 ? SAYS_12_TO_JDK : SAYS_12;
}

/* said_to is what a server says to the hello; |enable| is as for SSL_set_jdk11_workaround, -1: it
 * is not called. */
static int said_to(edit *change, int enable) {
  struct craft_hello answer;
  BIO *net;
  SSL *ssl = ssl_half(&net, ctx, true, 0);
  if (enable >= 0) SSL_set_jdk11_workaround(ssl, enable);
  send_to(ssl, net, change);
  cr_assert(answer_of(&answer, net));
  int said = what_is_said(&answer);
  cr_expect_eq(SSL_version(ssl), said == SAYS_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  craft_hello_free(&answer);
  SSL_free(ssl);
  BIO_free(net);
  return said;
}

/* ---- What JDK 11 may send ---- */

#define EDIT(name) static void name(struct craft_hello *hello)

EDIT(as_it_is) { (void)hello; }
EDIT(no_name) { craft_drop_ext(hello, EXT_SERVER_NAME); }
EDIT(no_points) { craft_drop_ext(hello, EXT_POINT_FORMATS); }
EDIT(no_ems) { craft_drop_ext(hello, EXT_EMS); }
EDIT(no_staples) {
  craft_drop_ext(hello, EXT_STATUS_REQUEST);
  craft_drop_ext(hello, EXT_STATUS_REQUEST_V2);
}
EDIT(fragments) { insert(hello, EXT_STATUS_REQUEST, EXT_MAX_FRAGMENT, "\1", 1); }
EDIT(alpn) { insert(hello, EXT_STATUS_REQUEST_V2, EXT_ALPN, "\0\3\2h2", 5); }
EDIT(renegotiation) { ADD(EXT_RENEGOTIATION_INFO, "\0"); }
EDIT(session) {
  renegotiation(hello);
  ADD(EXT_PRE_SHARED_KEY,
      "\0\7\0\1x\0\0\0\0\0\x21\x20"
      "01234567890123456789012345678901");
}

/* R-H-27 */
Test(ssl_jdk11, hellos_of_its_kind) {
  static edit *const edits[] = {as_it_is,  no_name, no_points,     no_ems, no_staples,
                                fragments, alpn,    renegotiation, session};
  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
    cr_expect_eq(said_to(edits[i], 1), SAYS_12_TO_JDK, "%zu", i);
    cr_expect_eq(said_to(edits[i], 0), SAYS_13, "%zu", i);
    cr_expect_eq(said_to(edits[i], -1), SAYS_13, "%zu", i);
  }
}

/* ---- And what it does not ---- */

EDIT(chacha) { buf_add(&hello->suites, "\x13\x03", 2); }
EDIT(x25519) { craft_set_ext(hello, EXT_SUPPORTED_GROUPS, "\0\4\0\x17\0\x1d", 6); }
EDIT(padding) { ADD(EXT_PADDING, "\0\0\0"); }
EDIT(unknown) { insert(hello, EXT_EMS, EXT_UNKNOWN, "", 0); }
EDIT(unknown_first) { insert(hello, EXT_SERVER_NAME, EXT_GREASE, "", 0); }
EDIT(versions_late) { exchange(hello, EXT_SUPPORTED_VERSIONS, EXT_PSK_MODES); }
EDIT(name_late) { exchange(hello, EXT_SERVER_NAME, EXT_STATUS_REQUEST); }
EDIT(ems_last) {
  craft_drop_ext(hello, EXT_EMS);
  ADD(EXT_EMS, "");
}
EDIT(no_modes) { craft_drop_ext(hello, EXT_PSK_MODES); }
EDIT(no_sigalgs_cert) { craft_drop_ext(hello, EXT_SIGALGS_CERT); }
EDIT(fewer_sigalgs_cert) { craft_set_ext(hello, EXT_SIGALGS_CERT, "\0\2\4\3", 4); }
EDIT(other_sigalgs_cert) {
  craft_set_ext(hello, EXT_SIGALGS_CERT, "\0\x0e\4\3\5\3\6\3\x08\4\x08\5\4\1\2\1", 16);
}
EDIT(status_v1) { craft_drop_ext(hello, EXT_STATUS_REQUEST_V2); }
EDIT(status_v2) { craft_drop_ext(hello, EXT_STATUS_REQUEST); }

Test(ssl_jdk11, hellos_of_others) {
  static edit *const edits[] = {
      chacha,    x25519,   padding,  unknown,         unknown_first,      versions_late,
      name_late, ems_last, no_modes, no_sigalgs_cert, fewer_sigalgs_cert, other_sigalgs_cert,
      status_v1, status_v2};
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, "P-256:X25519"), 1);
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE); /* no retry for a share of X25519 */
  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
    cr_expect_eq(said_to(edits[i], 1), SAYS_13, "%zu", i);
}

/* JDK 11 does not do without a share; who does is told so in TLS 1.3. */
EDIT(no_share) { craft_drop_ext(hello, EXT_KEY_SHARE); }

Test(ssl_jdk11, a_hello_without_its_last_extension) {
  struct craft_hello answer;
  BIO *net;
  SSL *ssl = ssl_half(&net, ctx, true, 0);
  SSL_set_jdk11_workaround(ssl, 1);
  send_to(ssl, net, no_share);
  cr_expect_not(answer_of(&answer, net));
  cr_expect_eq(first_reason(), SSL_R_MISSING_KEY_SHARE, "%d", first_reason());
  SSL_free(ssl);
  BIO_free(net);
}

/* ---- Where there is no choice ---- */

Test(ssl_jdk11, a_server_without_tls_1_3_marks_nothing) {
  cr_assert_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
  cr_expect_eq(said_to(as_it_is, 1), SAYS_12);
}

Test(ssl_jdk11, a_server_without_tls_1_2_refuses) {
  uint8_t alert[64];
  BIO *net;
  cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION), 1);
  SSL *ssl = ssl_half(&net, ctx, true, 0);
  SSL_set_jdk11_workaround(ssl, 1);
  send_to(ssl, net, NULL);
  cr_expect_eq(first_reason(), SSL_R_UNSUPPORTED_PROTOCOL, "%d", first_reason());
  cr_assert_eq(BIO_read(net, alert, sizeof alert), 7);
  cr_expect(alert[0] == REC_ALERT && alert[6] == AL_PROTOCOL_VERSION);
  SSL_free(ssl);
  BIO_free(net);
}

static enum ssl_select_cert_result_t turn_on(const SSL_CLIENT_HELLO *hello) {
  SSL_set_jdk11_workaround(hello->ssl, 1);
  return ssl_select_cert_success;
}

Test(ssl_jdk11, set_by_who_sees_the_hello) {
  SSL_CTX_set_select_certificate_cb(ctx, turn_on);
  cr_expect_eq(said_to(as_it_is, 0), SAYS_12_TO_JDK);
  cr_expect_eq(said_to(padding, 0), SAYS_13);
}

/* It is on for one SSL alone, and a client of ours is none of JDK 11's. */
Test(ssl_jdk11, nobody_else_is_concerned) {
  SSL_CTX *client = ssl_client_ctx();
  struct ssl_pair pair;
  cr_expect_eq(said_to(as_it_is, 1), SAYS_12_TO_JDK);
  cr_expect_eq(said_to(as_it_is, -1), SAYS_13);
  cr_assert(ssl_pair_new(&pair, client, ctx, 0));
  SSL_set_jdk11_workaround(pair.server, 1);
  cr_expect(ssl_pair_handshake(&pair));
  cr_expect_eq(SSL_version(pair.client), TLS1_3_VERSION);
  ssl_pair_free(&pair);
  SSL_CTX_free(client);
}
