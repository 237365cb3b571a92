/* The looks of a handshake through <openssl/ssl.h>: GREASE, padding, the order of extensions and
 * the lengths of records, as the bytes have them. */
#include <criterion/criterion.h>
#include <string.h>

#include "craft.h"
#include "ssl_pair.h"

TestSuite(ssl_hello, .timeout = 60);

static bool is_grease(unsigned value) {
  return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* Has |ssl| send its hello, and takes it apart. */
static void hello_of(struct craft_hello *out, SSL *ssl, BIO *net) {
  uint8_t bytes[2048];
  struct buf body = {0};
  cr_assert_eq(SSL_do_handshake(ssl), -1);
  int len = BIO_read(net, bytes, sizeof bytes);
  cr_assert_gt(len, 9);
  /* One record with one message: two heads. */
  buf_add(&body, bytes + 9, (size_t)len - 9);
  cr_assert(craft_parse_hello(out, &body, false));
  buf_free(&body);
}

struct looks {
  size_t grease;     /* extensions */
  uint16_t type[24]; /* of the others, in their order */
  size_t num;
};

static void look(struct looks *out, SSL_CTX *ctx, int permute) {
  struct craft_hello hello = {0};
  BIO *net;
  SSL *ssl = ssl_half(&net, ctx, false, 0);
  if (permute >= 0) SSL_set_permute_extensions(ssl, permute);
  hello_of(&hello, ssl, net);
  *out = (struct looks){.num = 0};
  for (size_t i = 0; i < hello.num_ext; i++) {
    if (is_grease(hello.ext[i].type))
      out->grease++;
    else
      out->type[out->num++] = hello.ext[i].type;
  }
  cr_expect_eq(is_grease((unsigned)hello.suites.data[0] << 8 | hello.suites.data[1]),
               out->grease == 2);
  craft_hello_free(&hello);
  SSL_free(ssl);
  BIO_free(net);
}

static bool same_order(const struct looks *a, const struct looks *b) {
  return a->num == b->num && memcmp(a->type, b->type, a->num * sizeof *a->type) == 0;
}

/* Of ten hellos one in the plain order would be chance of a kind that does not happen. */
static bool permutes(const struct looks *plain, SSL_CTX *ctx, int permute) {
  bool any = false;
  for (int i = 0; i < 10; i++) {
    struct looks looks;
    look(&looks, ctx, permute);
    cr_assert_eq(looks.num, plain->num);
    any = any || !same_order(plain, &looks);
  }
  return any;
}

Test(ssl_hello, grease) {
  SSL_CTX *ctx = ssl_client_ctx();
  struct looks looks, plain;
  look(&plain, ctx, -1);
  cr_expect_eq(plain.grease, 0u);
  SSL_CTX_set_grease_enabled(ctx, 1);
  look(&looks, ctx, -1);
  cr_expect_eq(looks.grease, 2u);
  cr_expect(same_order(&looks, &plain));
  SSL_CTX_set_grease_enabled(ctx, 0);
  look(&looks, ctx, -1);
  cr_expect_eq(looks.grease, 0u);
  SSL_CTX_free(ctx);
}

Test(ssl_hello, permuted_extensions) {
  SSL_CTX *ctx = ssl_client_ctx();
  struct looks plain;
  look(&plain, ctx, -1);
  cr_expect_not(permutes(&plain, ctx, -1));
  cr_expect(permutes(&plain, ctx, 1));
  cr_expect_not(permutes(&plain, ctx, -1));
  SSL_CTX_set_permute_extensions(ctx, 1);
  cr_expect(permutes(&plain, ctx, -1));
  cr_expect_not(permutes(&plain, ctx, 0));
  SSL_CTX_free(ctx);
}

Test(ssl_hello, handshakes) {
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx("ecdsa-p256");
  SSL_CTX_set_grease_enabled(client, 1);
  SSL_CTX_set_permute_extensions(client, 1);
  cr_assert_eq(SSL_CTX_set1_groups_list(server, "P-256"), 1); /* a HelloRetryRequest */
  for (int i = 0; i < 5; i++) {
    struct ssl_pair pair;
    cr_assert(ssl_pair_new(&pair, client, server, 0));
    cr_expect(ssl_pair_handshake(&pair));
    cr_expect(SSL_used_hello_retry_request(pair.client));
    ssl_pair_free(&pair);
  }
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

/* ---- Records of a handshake ---- */

/* Reads all that waits in |net|. */
static void take(struct buf *out, BIO *net) {
  uint8_t bytes[4096];
  int len;
  while ((len = BIO_read(net, bytes, sizeof bytes)) > 0) buf_add(out, bytes, (size_t)len);
}

static size_t record_len(const struct buf *bytes, size_t at) {
  return (size_t)bytes->data[at + 3] << 8 | bytes->data[at + 4];
}

/* R-7685-4-1: SSL_OP_TLSEXT_PADDING: a hello of 512 bytes with a record's head. */
Test(ssl_hello, padding) {
  SSL_CTX *ctx = ssl_client_ctx();
  for (int on = 0; on < 2; on++) {
    struct buf hello = {0};
    BIO *net;
    SSL *ssl = ssl_half(&net, ctx, false, 0);
    cr_expect_eq(SSL_set_options(ssl, on ? SSL_OP_TLSEXT_PADDING : 0) & SSL_OP_TLSEXT_PADDING,
                 on ? (uint32_t)SSL_OP_TLSEXT_PADDING : 0u);
    cr_assert_eq(SSL_set_tlsext_host_name(ssl, "a-name-that-makes-this-hello-longer.example"), 1);
    cr_assert_eq(SSL_do_handshake(ssl), -1);
    take(&hello, net);
    cr_assert_gt(hello.len, 5u);
    cr_expect(on ? record_len(&hello, 0) == 512
                 : record_len(&hello, 0) > 255 && record_len(&hello, 0) < 512,
              "%zu bytes", record_len(&hello, 0));
    buf_free(&hello);
    SSL_free(ssl);
    BIO_free(net);
  }
  SSL_CTX_free(ctx);
}

/* What a server says to the hello of an engine. */
static void server_says(struct buf *out, SSL_CTX *ctx, uint16_t version, bool compatible) {
  struct side_setup setup = {.settings = {.role = HF_CLIENT, .version_max = version}};
  struct side side;
  BIO *net;
  SSL *ssl = ssl_half(&net, ctx, true, 64 * 1024);
  side_entropy(&setup.start.entropy, 5);
  setup.start.no_compatibility = !compatible;
  cr_assert_eq(side_new(&side, &setup), HF_OK);
  cr_assert_eq(BIO_write(net, side.out.data, (int)side.out.len), (int)side.out.len);
  cr_assert_eq(SSL_do_handshake(ssl), -1);
  take(out, net);
  side_free(&side);
  SSL_free(ssl);
  BIO_free(net);
}

/* R-H-29: SSL_CTX_set_max_send_fragment is for messages in the clear and for protected ones. */
Test(ssl_hello, fragments_of_a_handshake) {
  SSL_CTX *ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert_eq(SSL_CTX_set_max_send_fragment(ctx, 512), 1);
  for (uint16_t version = 0x0303; version <= 0x0304; version++) {
    const size_t most = version == 0x0303 ? 512 : 512 + 17;
    struct buf flight = {0};
    size_t full = 0;
    server_says(&flight, ctx, version, true);
    for (size_t at = 0; at < flight.len; at += 5 + record_len(&flight, at)) {
      cr_expect_leq(record_len(&flight, at), most);
      full += record_len(&flight, at) == most;
    }
    cr_expect_geq(full, 1u);
    buf_free(&flight);
  }
  SSL_CTX_free(ctx);
}

/* R-E.4-3: a server sends change_cipher_spec to every client of TLS 1.3. */
Test(ssl_hello, a_server_s_change_cipher_spec) {
  SSL_CTX *ctx = ssl_server_ctx("ecdsa-p256");
  for (int compatible = 0; compatible < 2; compatible++) {
    struct buf flight = {0};
    server_says(&flight, ctx, 0x0304, compatible);
    const size_t second = 5 + record_len(&flight, 0);
    cr_assert_gt(flight.len, second + 6);
    cr_expect_eq(flight.data[second], REC_CCS);
    cr_expect_eq(record_len(&flight, second), 1u);
    buf_free(&flight);
  }
  SSL_CTX_free(ctx);
}

/* ---- Tickets ---- */

static unsigned tickets, greased;

static void on_msg(int is_write, int version, int content_type, const void *buf, size_t len,
                   SSL *ssl, void *arg) {
  const uint8_t *m = buf;
  (void)version, (void)ssl, (void)arg;
  if (!is_write || content_type != SSL3_RT_HANDSHAKE || m[0] != MSG_NEW_SESSION_TICKET) return;
  tickets++;
  cr_assert_geq(len, 6u);
  /* Without early data it is the one extension, and empty. */
  greased += m[len - 6] == 0 && m[len - 5] == 4 && m[len - 2] == 0 && m[len - 1] == 0 &&
             is_grease((unsigned)m[len - 4] << 8 | m[len - 3]);
}

/* R-8701-4.1-2 */
Test(ssl_hello, grease_of_a_server) {
  SSL_CTX *client = ssl_client_ctx(), *server = ssl_server_ctx("ecdsa-p256");
  SSL_CTX_set_msg_callback(server, on_msg);
  for (int on = 0; on < 2; on++) {
    struct ssl_pair pair;
    tickets = greased = 0;
    SSL_CTX_set_grease_enabled(server, on);
    cr_assert(ssl_pair_new(&pair, client, server, 0));
    cr_assert(ssl_pair_handshake(&pair));
    cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
    cr_expect_eq(tickets, 2u);
    cr_expect_eq(greased, on ? 2u : 0u);
    ssl_pair_free(&pair);
  }
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}
