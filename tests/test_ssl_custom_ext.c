/* test_ssl_custom_ext.c - extensions of the application's own through <openssl/ssl.h>: between two
 * SSLs, refused by either, and with `openssl s_client` and `s_server -serverinfo`, which know such
 * extensions in a process of their own. */
#define _GNU_SOURCE /* mkstemp */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"
#include "ssl_pair.h"
#include "sslwire.h"

TestSuite(ssl_custom_ext, .timeout = 120);

enum { TYPE = 0x7a01, OTHER = 0x7a02 };
enum {
  IN_CH = SSL_EXT_CLIENT_HELLO,
  IN_EE = SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
  IN_CR = SSL_EXT_TLS1_3_CERTIFICATE_REQUEST,
  IN_CT = SSL_EXT_TLS1_3_CERTIFICATE
};

/* end is one side's callbacks: what they were called for, and what they are to do. */
static struct end {
  const char *name;
  char log[400]; /* "+" added, "-" freed, "<" parsed, each with context and body */
  unsigned refuse_add, refuse_parse, leave_out; /* contexts */
  bool x509_at_fault;
} client_end, server_end;

static void note(struct end *end, const char *what, unsigned context, const void *body,
                 size_t len) {
  size_t at = strlen(end->log);
  snprintf(end->log + at, sizeof end->log - at, "%s%x:%.*s ", what, context, (int)len,
           (const char *)body);
}

static int add_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                  size_t *out_len, X509 *x509, size_t index, int *alert, void *arg) {
  struct end *end = arg;
  (void)ssl;
  if (index != 0 || (x509 != NULL) != (context == IN_CT) || type != TYPE) end->x509_at_fault = true;
  if (end->refuse_add & context) {
    *alert = SSL_AD_ACCESS_DENIED;
    return -1;
  }
  if (end->leave_out & context) return 0;
  char *body = strdup(end->name);
  *out = (unsigned char *)body;
  *out_len = strlen(body);
  note(end, "+", context, body, *out_len);
  return 1;
}

static void free_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char *out,
                    void *arg) {
  (void)ssl;
  (void)type;
  note(arg, "-", context, out, strlen((const char *)out));
  free((void *)out);
}

static int parse_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                    size_t in_len, X509 *x509, size_t index, int *alert, void *arg) {
  struct end *end = arg;
  (void)ssl;
  if (index != 0 || (x509 != NULL) != (context == IN_CT) || type != TYPE) end->x509_at_fault = true;
  note(end, "<", context, in, in_len);
  if (!(end->refuse_parse & context)) return 1;
  *alert = SSL_AD_INSUFFICIENT_SECURITY;
  return 0;
}

static int take_any(X509_STORE_CTX *ctx, void *arg) {
  (void)ctx;
  (void)arg;
  return 1;
}

struct both {
  SSL_CTX *client, *server;
};

static void begin(struct both *both, unsigned client, unsigned server, bool mutual) {
  both->client = ssl_client_ctx();
  both->server = ssl_server_ctx("ecdsa-p256");
  client_end = (struct end){.name = "client"};
  server_end = (struct end){.name = "server"};
  if (mutual) {
    SSL_CTX_set_verify(both->server, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(both->server, take_any, NULL);
    cr_assert_eq(SSL_CTX_use_certificate_chain_file(both->client, cert_path("rsa-2048.pem")), 1);
    cr_assert_eq(
        SSL_CTX_use_PrivateKey_file(both->client, cert_path("rsa-2048.key"), SSL_FILETYPE_PEM), 1);
  }
  if (client != 0)
    cr_assert_eq(SSL_CTX_add_custom_ext(both->client, TYPE, client, add_cb, free_cb, &client_end,
                                        parse_cb, &client_end),
                 1);
  if (server != 0)
    cr_assert_eq(SSL_CTX_add_custom_ext(both->server, TYPE, server, add_cb, free_cb, &server_end,
                                        parse_cb, &server_end),
                 1);
}

/* meet handshakes.  Returns 0, or the reason of the client's error times 1000 plus the server's. */
static int meet(const struct both *both) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_new(&pair, both->client, both->server, 0));
  int reasons[2] = {0, 0};
  bool ok = ssl_pair_handshake(&pair);
  if (!ok) {
    SSL *const ends[] = {pair.client, pair.server};
    for (int i = 0; i < 4; i++) { /* whoever has not failed yet learns why */
      int ret = SSL_do_handshake(ends[i % 2]);
      if (ret == 1) {
        char byte;
        (void)SSL_read(ends[i % 2], &byte, 1);
      }
      reasons[i % 2] = first_reason();
    }
  }
  ssl_pair_free(&pair);
  cr_expect_not(client_end.x509_at_fault);
  cr_expect_not(server_end.x509_at_fault);
  return reasons[0] * 10000 + reasons[1];
}

static void end(struct both *both) {
  SSL_CTX_free(both->client);
  SSL_CTX_free(both->server);
}

Test(ssl_custom_ext, in_every_place) {
  struct both both;
  begin(&both, IN_CH | IN_EE | IN_CT | IN_CR, IN_CH | IN_EE | IN_CT | IN_CR, true);
  cr_expect_eq(meet(&both), 0);
  cr_expect_str_eq(client_end.log,
                   "+80:client -80:client <400:server <4000:server <1000:server +1000:client "
                   "-1000:client ");
  cr_expect_str_eq(server_end.log,
                   "<80:client +400:server +4000:server -400:server -4000:server +1000:server "
                   "-1000:server <1000:client ");
  end(&both);
}

/* Who did not ask gets no answer, and one that is left out is not there. */
Test(ssl_custom_ext, not_asked) {
  struct both both;
  begin(&both, 0, IN_CH | IN_EE | IN_CT, false);
  cr_expect_eq(meet(&both), 0);
  cr_expect_str_eq(server_end.log, "");
  end(&both);
  begin(&both, IN_CH | IN_EE, IN_CH | IN_EE, false);
  server_end.leave_out = IN_EE;
  cr_expect_eq(meet(&both), 0);
  cr_expect_str_eq(client_end.log, "+80:client -80:client ");
  end(&both);
  begin(&both, IN_CH | IN_EE, IN_CH | IN_EE, false);
  client_end.leave_out = IN_CH;
  cr_expect_eq(meet(&both), 0);
  cr_expect_str_eq(server_end.log, "");
  end(&both);
}

/* In a message where this client does not have it. */
Test(ssl_custom_ext, misplaced) {
  struct both both;
  begin(&both, IN_CH | IN_CT, IN_CH | IN_EE, false);
  cr_expect_eq(meet(&both) / 10000, SSL_R_UNEXPECTED_EXTENSION);
  end(&both);
}

/* Each callback that refuses, with the alert that it names. */
Test(ssl_custom_ext, refused) {
  enum { MINE = SSL_R_CUSTOM_EXTENSION_ERROR };
  static const struct {
    bool server, parse;
    unsigned context;
    int client_reason, server_reason;
  } cases[] = {
      {true, true, IN_CH, SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY, MINE},
      {true, false, IN_EE, SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED, MINE},
      {true, false, IN_CR, SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED, MINE},
      {true, false, IN_CT, SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED, MINE},
      {true, true, IN_CT, SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY, MINE},
      {false, true, IN_EE, MINE, SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY},
      {false, true, IN_CR, MINE, SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY},
      {false, true, IN_CT, MINE, SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY},
      {false, false, IN_CT, MINE, SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct both both;
    begin(&both, IN_CH | IN_EE | IN_CT | IN_CR, IN_CH | IN_EE | IN_CT | IN_CR, true);
    struct end *who = cases[i].server ? &server_end : &client_end;
    *(cases[i].parse ? &who->refuse_parse : &who->refuse_add) = cases[i].context;
    int want = cases[i].client_reason * 10000 + cases[i].server_reason;
    cr_expect_eq(meet(&both), want, "%zu: %d", i, meet(&both));
    end(&both);
  }
  /* Before the hello there is nobody to tell. */
  struct both both;
  begin(&both, IN_CH, 0, false);
  client_end.refuse_add = IN_CH;
  cr_expect_eq(meet(&both), MINE * 10000);
  end(&both);
}

/* ---- The older functions ---- */

static int add_old(SSL *ssl, unsigned type, const unsigned char **out, size_t *out_len, int *alert,
                   void *arg) {
  struct end *end = arg;
  (void)ssl;
  (void)type;
  (void)alert;
  *out = (const unsigned char *)end->name;
  *out_len = strlen(end->name);
  note(end, "+", 0, *out, *out_len);
  return 1;
}

static void free_old(SSL *ssl, unsigned type, const unsigned char *out, void *arg) {
  (void)ssl;
  (void)type;
  note(arg, "-", 0, out, strlen((const char *)out));
}

static int parse_old(SSL *ssl, unsigned type, const unsigned char *in, size_t in_len, int *alert,
                     void *arg) {
  (void)ssl;
  (void)type;
  (void)alert;
  note(arg, "<", 0, in, in_len);
  return 1;
}

/* An SSL that a callback moves to another SSL_CTX sends what it began with. */
static int move_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                   size_t *out_len, X509 *x509, size_t index, int *alert, void *arg) {
  (void)type, (void)out, (void)out_len, (void)x509, (void)index, (void)alert;
  note(&server_end, "+", context, "moved", 5);
  cr_expect_not_null(SSL_set_SSL_CTX(ssl, arg));
  return 1;
}

static int late_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                   size_t *out_len, X509 *x509, size_t index, int *alert, void *arg) {
  (void)ssl, (void)type, (void)out, (void)out_len, (void)x509, (void)index, (void)alert, (void)arg;
  note(&server_end, "+", context, "late", 4);
  return 1;
}

Test(ssl_custom_ext, moved_by_a_callback) {
  struct both both;
  SSL_CTX *other = ssl_server_ctx("ecdsa-p256");
  for (unsigned i = 0; i < 20; i++)
    cr_assert_eq(SSL_CTX_add_custom_ext(other, TYPE + i, IN_CR, late_cb, NULL, NULL, NULL, NULL),
                 1);
  begin(&both, IN_CH | IN_EE, 0, true);
  SSL_CTX_set_cert_verify_callback(other, take_any, NULL);
  cr_assert_eq(
      SSL_CTX_add_custom_ext(both.server, TYPE, IN_CH | IN_EE, move_cb, NULL, other, NULL, NULL),
      1);
  cr_expect_eq(meet(&both), 0);
  cr_expect_str_eq(server_end.log, "+400:moved ");
  SSL_CTX_free(other);
  end(&both);
}

/* What a callback sets is in the hello that it is asked for. */
static int name_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                   size_t *out_len, X509 *x509, size_t index, int *alert, void *arg) {
  (void)type, (void)context, (void)x509, (void)index, (void)alert, (void)arg;
  *out = (const unsigned char *)"";
  *out_len = 0;
  return SSL_set_tlsext_host_name(ssl, "late.example") &&
                 SSL_set_alpn_protos(ssl, (const uint8_t *)"\4late", 5) == 0
             ? 1
             : -1;
}

static int choose_late(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                       unsigned in_len, void *arg) {
  (void)ssl, (void)arg;
  if (in_len != 5 || memcmp(in, "\4late", 5) != 0) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = in + 1;
  *out_len = 4;
  return SSL_TLSEXT_ERR_OK;
}

Test(ssl_custom_ext, settings_that_a_callback_changes) {
  struct both both;
  struct ssl_pair pair;
  begin(&both, 0, 0, false);
  SSL_CTX_set_alpn_select_cb(both.server, choose_late, NULL);
  cr_assert_eq(SSL_CTX_add_custom_ext(both.client, TYPE, IN_CH, name_cb, NULL, NULL, NULL, NULL),
               1);
  cr_assert(ssl_pair_new(&pair, both.client, both.server, 0));
  cr_assert_eq(SSL_set_alpn_protos(pair.client, (const uint8_t *)"\5early", 6), 0);
  cr_assert_eq(SSL_set_tlsext_host_name(pair.client, "early.example"), 1);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_str_eq(SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name), "late.example");
  ssl_pair_free(&pair);
  end(&both);
}

Test(ssl_custom_ext, older_functions) {
  struct both both;
  begin(&both, 0, 0, false);
  cr_assert_eq(SSL_CTX_add_client_custom_ext(both.client, TYPE, add_old, free_old, &client_end,
                                             parse_old, &client_end),
               1);
  cr_assert_eq(SSL_CTX_add_server_custom_ext(both.server, TYPE, add_old, free_old, &server_end,
                                             parse_old, &server_end),
               1);
  cr_expect_eq(meet(&both), 0);
  cr_expect_str_eq(client_end.log, "+0:client -0:client <0:server ");
  cr_expect_str_eq(server_end.log, "<0:client +0:server -0:server ");
  cr_expect_eq(SSL_CTX_has_client_custom_ext(both.client, TYPE), 1);
  cr_expect_eq(SSL_CTX_has_client_custom_ext(both.server, TYPE), 0);
  end(&both);
}

/* Without callbacks: an empty one in the hello, and nothing in answer. */
Test(ssl_custom_ext, without_callbacks) {
  struct both both;
  begin(&both, 0, IN_CH | IN_EE, false);
  cr_assert_eq(
      SSL_CTX_add_custom_ext(both.client, TYPE, IN_CH | IN_EE, NULL, NULL, NULL, NULL, NULL), 1);
  cr_expect_eq(meet(&both), 0);
  cr_expect_str_eq(server_end.log, "<80: +400:server -400:server ");
  end(&both);
}

Test(ssl_custom_ext, what_cannot_be_added) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
#define ADD(type, context, add, free_) \
  SSL_CTX_add_custom_ext(ctx, (type), (context), (add), (free_), &client_end, parse_cb, &client_end)
  cr_expect_eq(ADD(TYPE, IN_CH | IN_EE | SSL_EXT_TLS1_2_SERVER_HELLO, add_cb, free_cb), 1);
  cr_expect_eq(ADD(TYPE, IN_CH | IN_EE, add_cb, free_cb), 0);
  cr_expect_eq(ADD(OTHER, IN_CH | IN_EE, NULL, free_cb), 0);
  cr_expect_eq(ADD(0x10000, IN_CH | IN_EE, add_cb, free_cb), 0);
  cr_expect_eq(ADD(TLSEXT_TYPE_key_share, IN_CH, add_cb, free_cb), 0);
  cr_expect_eq(ADD(OTHER, IN_CH | SSL_EXT_TLS1_3_SERVER_HELLO, add_cb, free_cb), 0);
  cr_expect_eq(ADD(OTHER, IN_CH | SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST, add_cb, free_cb), 0);
  cr_expect_eq(ADD(OTHER, IN_CH | SSL_EXT_TLS1_3_NEW_SESSION_TICKET, add_cb, free_cb), 0);
  cr_expect_eq(SSL_CTX_add_client_custom_ext(ctx, TYPE, NULL, NULL, NULL, parse_old, &client_end),
               0);
  cr_expect_eq(SSL_CTX_add_client_custom_ext(ctx, OTHER, NULL, NULL, NULL, parse_old, &client_end),
               1);
  cr_expect_eq(SSL_CTX_add_server_custom_ext(ctx, OTHER, add_old, NULL, &server_end, NULL, NULL),
               1);
#undef ADD
  cr_expect_eq(SSL_extension_supported(TLSEXT_TYPE_key_share), 1);
  cr_expect_eq(SSL_extension_supported(TYPE), 0);
  SSL_CTX_free(ctx);
}

/* ---- With OpenSSL ---- */

static void isolate(void) {
  const char *wrong = peer_not_isolated();
  cr_assert_null(wrong, "%s", wrong);
}

/* write_info writes what s_server -serverinfo reads: |context|, type, length and body, in base64.
 */
static void write_info(char path[64], unsigned context) {
  uint8_t info[] = {
      0, 0, (uint8_t)(context >> 8), (uint8_t)context, 0x7a, 1, 0, 6, 'p', 'e', 'e', 'r', ' ', '1'};
  uint8_t text[64];
  snprintf(path, 64, "/tmp/handfast-info-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  FILE *file = fdopen(fd, "w");
  cr_assert_not_null(file);
  EVP_EncodeBlock(text, info, sizeof info);
  fprintf(file, "-----BEGIN SERVERINFOV2 FOR TEST-----\n%s\n-----END SERVERINFOV2 FOR TEST-----\n",
          (const char *)text);
  fclose(file);
}

/* Our client with s_server: in EncryptedExtensions, and in the Certificate. */
Test(ssl_custom_ext, openssl_server) {
  static const unsigned contexts[] = {IN_EE, IN_CT};
  isolate();
  for (size_t i = 0; i < 2; i++) {
    char path[64], command[1024], want[64];
    const char *dir = HF_SOURCE_DIR "/tests/certs";
    struct peer peer;
    struct sslwire wire;
    int error;
    uint16_t port = peer_free_port();
    write_info(path, IN_CH | contexts[i]);
    snprintf(command, sizeof command,
             "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -serverinfo %s -cert "
             "%s/ecdsa-p256.pem -key %s/ecdsa-p256.key -cert_chain %s/intermediate.pem",
             port, path, dir, dir, dir);
    const char *wrong = peer_start(&peer, command);
    cr_assert_null(wrong, "%s", wrong);
    SSL_CTX *ctx = sslwire_context(TLS_client_method(), NULL);
    client_end = (struct end){.name = ""};
    cr_assert_eq(SSL_CTX_add_custom_ext(ctx, TYPE, IN_CH | contexts[i], add_cb, free_cb,
                                        &client_end, parse_cb, &client_end),
                 1);
    cr_assert(sslwire_open(&wire, ctx, &peer, peer_connect(port), "localhost"));
    cr_expect_eq(sslwire_handshake(&wire, &error), 1, "%s", peer_tail(&peer));
    snprintf(want, sizeof want, "+80: -80: <%x:peer 1 ", contexts[i]);
    cr_expect_str_eq(client_end.log, want);
    cr_expect_not(client_end.x509_at_fault);
    sslwire_close(&wire);
    SSL_CTX_free(ctx);
    peer_stop(&peer);
    remove(path);
  }
}

/* Our server with s_client, which sends the type with an empty body; an answer it would take in TLS
 * 1.2 alone. */
Test(ssl_custom_ext, openssl_client) {
  char command[1024];
  struct peer peer;
  struct sslwire wire;
  uint16_t port;
  int error;
  isolate();
  int listener = peer_listen(&port);
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d -servername localhost -tls1_3 -serverinfo %d "
           "-CAfile %s/tests/certs/root.pem",
           port, TYPE, HF_SOURCE_DIR);
  const char *wrong = peer_start(&peer, command);
  cr_assert_null(wrong, "%s", wrong);
  SSL_CTX *ctx = sslwire_context(TLS_server_method(), "ecdsa-p256");
  server_end = (struct end){.name = "answer", .leave_out = IN_EE};
  cr_assert_eq(SSL_CTX_add_custom_ext(ctx, TYPE, IN_CH | IN_EE, add_cb, free_cb, &server_end,
                                      parse_cb, &server_end),
               1);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
  cr_expect_eq(sslwire_handshake(&wire, &error), 1, "%s", peer_tail(&peer));
  cr_expect_str_eq(server_end.log, "<80: ");
  sslwire_close(&wire);
  SSL_CTX_free(ctx);
  peer_stop(&peer);
  close(listener);
}
