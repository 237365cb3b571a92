/* test_interop_psk.c - external pre-shared keys with openssl and gnutls, both directions: either
 * hash, with and without a certificate to fall back on, after a retry, without a key exchange,
 * another key, a name that is not known, and the second of two names. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sslwire.h"

TestSuite(interop_psk, .timeout = 120);

#define KEY "0102030405060708090a0b0c0d0e0f10"
#define OTHER_KEY "0102030405060708090a0b0c0d0e0f11"
#define GNUTLS "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
#define GNUTLS_DHE GNUTLS "+PSK:+DHE-PSK:+ECDHE-PSK"
#define GNUTLS_ALONE GNUTLS "-KX-ALL:+PSK"

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
/* A session of TLS_AES_256_GCM_SHA384 whose key is the 48 characters from '!' to 'P', and nothing
 * more; openssl gives it the name "Client_identity". */
static const char session_file[] =
    "-----BEGIN SSL SESSION PARAMETERS-----\n"
    "MD8CAQECAgMEBAITAgQABDAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/\n"
    "QEFCQ0RFRkdISUpLTE1OT1A=\n"
    "-----END SSL SESSION PARAMETERS-----\n";
static const char session_key[] = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOP";

/* What our side has: a key under a name. */
static const char *our_name;
static bool sha384;

static SSL_SESSION *our_key(SSL *ssl) {
  SSL_SESSION *session = SSL_SESSION_new(SSL_get_SSL_CTX(ssl));
  cr_assert_not_null(session);
  cr_assert(sha384 ? SSL_SESSION_set1_master_key(session, (const uint8_t *)session_key, 48)
                   : SSL_SESSION_set1_master_key(session, key, sizeof key));
  cr_assert(SSL_SESSION_set_cipher(session, SSL_get_cipher_by_value(sha384 ? 0x1302 : 0x1301)));
  cr_assert(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION));
  return session;
}

static int use_session(SSL *ssl, const EVP_MD *md, const uint8_t **id, size_t *idlen,
                       SSL_SESSION **sess) {
  (void)md;
  *sess = our_key(ssl);
  *id = (const uint8_t *)our_name;
  *idlen = strlen(our_name);
  return 1;
}

static int find_session(SSL *ssl, const uint8_t *identity, size_t identity_len,
                        SSL_SESSION **sess) {
  bool known = identity_len == strlen(our_name) && memcmp(identity, our_name, identity_len) == 0;
  *sess = known ? our_key(ssl) : NULL;
  return 1;
}

static void start(struct peer *peer, const char *command) {
  const char *wrong = peer_start(peer, command);
  cr_assert_null(wrong, "%s", wrong);
}

/* path writes |text| to a file of this test's own. */
static const char *path(char out[512], const char *ending, const char *text) {
  snprintf(out, 512, "%s/psk-%d.%s", HF_BINARY_DIR, (int)getpid(), ending);
  FILE *file = fopen(out, "w");
  cr_assert_not_null(file);
  cr_assert_geq(fputs(text, file), 0);
  cr_assert_eq(fclose(file), 0);
  return out;
}

/* What is expected of a handshake. */
enum outcome { BY_KEY, BY_CERTIFICATE, FAILS };

struct psk_case {
  const char *args;   /* of the peer */
  const char *groups; /* ours; NULL: the usual */
  enum outcome outcome;
  bool certificate; /* the server has one */
  bool alone;       /* we allow psk_ke; and, with |outcome| BY_KEY and a group, that is used */
  bool no_group;    /* and was */
  bool retry;
  const char *name;    /* that our side knows; NULL: "anna" */
  const char *printed; /* by the peer; NULL: whatever */
};

static SSL_CTX *context(const struct psk_case *c, bool server) {
  SSL_CTX *ctx = sslwire_context(server ? TLS_server_method() : TLS_client_method(),
                                 server && c->certificate ? "ecdsa-p256" : NULL);
  cr_assert_not_null(ctx);
  SSL_CTX_set_verify(ctx, server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_psk_use_session_callback(ctx, use_session);
  SSL_CTX_set_psk_find_session_callback(ctx, find_session);
  if (c->groups != NULL) cr_assert(SSL_CTX_set1_groups_list(ctx, c->groups));
  if (c->alone) SSL_CTX_set_options(ctx, SSL_OP_ALLOW_NO_DHE_KEX);
  our_name = c->name != NULL ? c->name : "anna";
  return ctx;
}

/* check does the handshake and a line each way; |echoes|: the peer sends back what it gets. */
static void check(struct sslwire *wire, const struct psk_case *c, bool echoes) {
  int error, ret = sslwire_handshake(wire, &error);
  cr_assert_eq(ret == 1, c->outcome != FAILS, "%s: error %d, %s%s", c->args, error,
               ERR_reason_error_string(ERR_peek_error()), peer_tail(wire->peer));
  if (c->outcome != FAILS) {
    cr_expect_eq(SSL_session_reused(wire->ssl), c->outcome == BY_KEY, "%s", c->args);
    const char *name = SSL_get_psk_identity(wire->ssl);
    cr_assert_eq(name != NULL, c->outcome == BY_KEY, "%s", c->args);
    if (name != NULL) cr_expect_str_eq(name, our_name);
    cr_expect_eq(SSL_get_verify_result(wire->ssl), X509_V_OK);
    cr_expect_eq(SSL_get_curve_id(wire->ssl) == 0, c->no_group, "%s", c->args);
    cr_expect_eq(SSL_used_hello_retry_request(wire->ssl), c->retry, "%s", c->args);
    if (!echoes) buf_add(&wire->peer->input, "hello\n", 6);
    cr_assert(sslwire_send(wire, "hello\n", 6));
    cr_assert(sslwire_receive(wire, 6), "%s%s", c->args, peer_tail(wire->peer));
    cr_expect_arr_eq(wire->received.data, "hello\n", 6);
  }
  if (c->printed != NULL) {
    cr_expect(peer_printed(wire->peer, c->printed), "%s%s", c->args, peer_tail(wire->peer));
  }
}

/* ---- We are the client ---- */

static void as_client(const char *command, const struct psk_case *c, uint16_t port, bool echoes) {
  struct peer peer;
  struct sslwire wire;
  SSL_CTX *ctx = context(c, false);
  start(&peer, command);
  cr_assert(sslwire_open(&wire, ctx, &peer, peer_connect(port), "localhost"));
  check(&wire, c, echoes);
  sslwire_close(&wire);
  peer_stop(&peer);
  SSL_CTX_free(ctx);
}

#define ANNA "-psk_identity anna -psk " KEY

Test(interop_psk, openssl_server) {
  static const struct psk_case cases[] = {
      {.args = ANNA " -nocert"},
      {.args = ANNA, .certificate = true},
      {.args = ANNA " -groups P-384", .retry = true},
      {.args = ANNA " -ciphersuites TLS_CHACHA20_POLY1305_SHA256 -nocert"},
      {.args = ANNA, .name = "bert", .certificate = true, .outcome = BY_CERTIFICATE},
      {.args = ANNA " -nocert", .name = "bert", .outcome = FAILS},
      {.args = "-psk_identity anna -psk " OTHER_KEY, .certificate = true, .outcome = FAILS},
      {.args = ANNA " -allow_no_dhe_kex -nocert", .alone = true},
      {.args = ANNA " -allow_no_dhe_kex -nocert -groups P-521",
       .alone = true,
       .groups = "X25519",
       .no_group = true},
      {.args = ANNA " -allow_no_dhe_kex -nocert -groups P-521",
       .groups = "X25519",
       .outcome = FAILS}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char command[1024], credentials[600] = "";
    const char *dir = HF_SOURCE_DIR;
    uint16_t port = peer_free_port();
    if (strstr(cases[i].args, "-nocert") == NULL) {
      snprintf(credentials, sizeof credentials,
               "-cert %s/tests/certs/rsa-2048.pem -key %s/tests/certs/rsa-2048.key -cert_chain "
               "%s/tests/certs/intermediate.pem",
               dir, dir, dir);
    }
    snprintf(command, sizeof command, "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 %s %s",
             port, credentials, cases[i].args);
    as_client(command, &cases[i], port, false);
  }
}

Test(interop_psk, openssl_server_sha384) {
  static const struct psk_case cases[] = {
      {.args = "-nocert -ciphersuites TLS_AES_256_GCM_SHA384", .name = "Client_identity"},
      {.args = "-nocert -groups P-384 -ciphersuites TLS_AES_256_GCM_SHA384",
       .name = "Client_identity",
       .retry = true}};
  char file[512], command[1024];
  sha384 = true;
  path(file, "pem", session_file);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint16_t port = peer_free_port();
    snprintf(command, sizeof command,
             "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -psk_session %s "
             "-psk_identity Client_identity %s",
             port, file, cases[i].args);
    as_client(command, &cases[i], port, false);
  }
  unlink(file);
}

Test(interop_psk, gnutls_server) {
  static const struct psk_case cases[] = {
      {.args = GNUTLS_DHE},
      {.args = GNUTLS_DHE, .alone = true},
      {.args = GNUTLS_ALONE, .alone = true, .no_group = true},
      {.args = GNUTLS_DHE ":-GROUP-ALL:+GROUP-SECP384R1", .retry = true}};
  char file[512], command[1024];
  path(file, "keys", "bert:00\nanna:" KEY "\n");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint16_t port = peer_free_port();
    snprintf(command, sizeof command, "gnutls-serv -p %d --echo -a --pskpasswd %s --priority %s",
             port, file, cases[i].args);
    as_client(command, &cases[i], port, true);
  }
  unlink(file);
}

/* ---- We are the server ---- */

static void as_server(const char *program, const struct psk_case *cases, size_t num) {
  for (size_t i = 0; i < num; i++) {
    struct peer peer;
    struct sslwire wire;
    char command[1024];
    uint16_t port;
    int listener = peer_listen(&port);
    SSL_CTX *ctx = context(&cases[i], true);
    snprintf(command, sizeof command, program, port, cases[i].args);
    start(&peer, command);
    cr_assert(sslwire_open(&wire, ctx, &peer, peer_accept(listener), NULL));
    check(&wire, &cases[i], false);
    sslwire_close(&wire);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
    close(listener);
  }
}

Test(interop_psk, openssl_client) {
  static const struct psk_case cases[] = {
      {.args = ANNA, .printed = "hello"},
      {.args = ANNA, .certificate = true},
      {.args = ANNA " -groups P-521:P-384", .groups = "P-384", .retry = true},
      {.args = ANNA " -ciphersuites TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"},
      {.args = ANNA, .name = "bert", .certificate = true, .outcome = BY_CERTIFICATE},
      {.args = ANNA, .name = "bert", .outcome = FAILS, .printed = "handshake failure"},
      {.args = "-psk_identity anna -psk " OTHER_KEY,
       .certificate = true,
       .outcome = FAILS,
       .printed = "alert decrypt error"},
      {.args = ANNA " -allow_no_dhe_kex", .alone = true},
      {.args = ANNA " -allow_no_dhe_kex -groups P-521",
       .alone = true,
       .groups = "X25519",
       .no_group = true},
      {.args = ANNA " -allow_no_dhe_kex -groups P-521", .groups = "X25519", .outcome = FAILS}};
  as_server("openssl s_client -connect 127.0.0.1:%d -tls1_3 %s", cases,
            sizeof cases / sizeof *cases);
}

Test(interop_psk, openssl_client_sha384) {
  char file[512], args[600];
  path(file, "pem", session_file);
  snprintf(args, sizeof args, "-psk_session %s", file);
  const struct psk_case cases[] = {{.args = args, .name = "Client_identity"}};
  sha384 = true;
  as_server("openssl s_client -connect 127.0.0.1:%d -tls1_3 %s", cases, 1);
  unlink(file);
}

#define GNUTLS_ANNA "--pskusername anna --pskkey " KEY " --priority "

Test(interop_psk, gnutls_client) {
  static const struct psk_case cases[] = {
      {.args = GNUTLS_ANNA GNUTLS_DHE},
      {.args = GNUTLS_ANNA GNUTLS_DHE, .alone = true},
      {.args = GNUTLS_ANNA GNUTLS_DHE, .groups = "P-521", .retry = true},
      {.args = GNUTLS_ANNA GNUTLS_DHE,
       .name = "bert",
       .certificate = true,
       .outcome = BY_CERTIFICATE},
      {.args = GNUTLS_ANNA GNUTLS_ALONE, .alone = true, .no_group = true},
      {.args = GNUTLS_ANNA GNUTLS_ALONE, .outcome = FAILS},
      {.args = "--pskusername anna --pskkey " OTHER_KEY " --priority " GNUTLS_DHE,
       .certificate = true,
       .outcome = FAILS,
       .printed = "alert [51]"}};
  as_server("gnutls-cli --no-ca-verification --port=%d 127.0.0.1 %s", cases,
            sizeof cases / sizeof *cases);
}

/* ---- Several at once, by the engine ---- */

Test(interop_psk, the_second_of_three_names) {
  const hf_psk psks[] = {
      {.suite = 0x1302, .identity = bytes_of("bert"), .secret = bytes_of("something")},
      {.suite = 0x1301, .identity = bytes_of("anna"), .secret = {key, sizeof key}},
      {.suite = 0x1301, .identity = bytes_of("carl"), .secret = bytes_of("something else")}};
  static const char *const groups[] = {"X25519", "P-384"};
  for (int i = 0; i < 2; i++) {
    char command[512];
    struct side_setup setup = {
        .settings = {.role = HF_CLIENT},
        .start = {.now = UINT64_C(1700000000000), .psks = psks, .num_psks = 3}};
    struct side side;
    struct peer peer;
    hf_facts facts;
    uint16_t port = peer_free_port();
    snprintf(command, sizeof command,
             "openssl s_server -accept 127.0.0.1:%d -quiet -tls1_3 -nocert " ANNA " -groups %s",
             port, groups[i]);
    start(&peer, command);
    side_entropy(&setup.start.entropy, 77);
    cr_assert_eq(side_new(&side, &setup), HF_OK);
    struct wire wire = {.side = &side, .peer = &peer, .fd = peer_connect(port)};
    cr_assert(wire_handshake(&wire), "%s%s", hf_status_text(side_fault(&side)), peer_tail(&peer));
    hf_get_facts(&facts, side.conn);
    cr_expect(facts.external_psk);
    cr_expect_eq(facts.psk_index, 1);
    cr_expect_eq(facts.retried, i == 1);
    buf_add(&peer.input, "hello\n", 6);
    cr_expect(wire_received(&wire, 6), "%s", peer_tail(&peer));
    close(wire.fd);
    side_free(&side);
    peer_stop(&peer);
  }
}
