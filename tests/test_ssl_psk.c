/* test_ssl_psk.c - external pre-shared keys through <openssl/ssl.h>: both kinds of callbacks, what
 * becomes of their answers, and what is told afterwards.  With others: test_interop_psk.c. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "ssl_pair.h"

static const uint8_t key48[48] = {1, 2, 3};
static const char *client_name, *server_name;
static uint16_t client_suite, server_suite;
static size_t client_len, server_len;
static int client_ret, server_ret, finds, olds;

static SSL_SESSION *key_session(SSL *ssl, uint16_t suite, size_t len) {
  const uint8_t code[] = {(uint8_t)(suite >> 8), (uint8_t)suite};
  SSL_SESSION *session = SSL_SESSION_new(SSL_get_SSL_CTX(ssl));
  cr_assert_not_null(session);
  cr_assert_eq(SSL_SESSION_set1_master_key(session, key48, len), 1);
  cr_assert_eq(SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, code)), 1);
  cr_assert_eq(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION), 1);
  return session;
}

static int use_session(SSL *ssl, const EVP_MD *md, const uint8_t **id, size_t *idlen,
                       SSL_SESSION **sess) {
  cr_expect_null(md);
  *sess = client_name == NULL ? NULL : key_session(ssl, client_suite, client_len);
  *id = (const uint8_t *)client_name;
  *idlen = client_name == NULL ? 0 : strlen(client_name);
  return client_ret;
}

static int find_session(SSL *ssl, const uint8_t *identity, size_t identity_len,
                        SSL_SESSION **sess) {
  finds++;
  *sess = NULL;
  if (server_name != NULL && identity_len == strlen(server_name) &&
      memcmp(identity, server_name, identity_len) == 0)
    *sess = key_session(ssl, server_suite, server_len);
  return server_ret;
}

static unsigned old_client(SSL *ssl, const char *hint, char *identity, unsigned max_identity_len,
                           uint8_t *psk, unsigned max_psk_len) {
  (void)ssl;
  cr_expect_null(hint);
  cr_expect_eq(max_identity_len, PSK_MAX_IDENTITY_LEN);
  cr_expect_eq(max_psk_len, PSK_MAX_PSK_LEN);
  if (client_name == NULL) return 0;
  memcpy(identity, client_name, strlen(client_name) + 1);
  memset(psk, 7, max_psk_len);
  return (unsigned)client_len;
}

static unsigned old_server(SSL *ssl, const char *identity, uint8_t *psk, unsigned max_psk_len) {
  (void)ssl;
  olds++;
  if (server_name == NULL || strcmp(identity, server_name) != 0) return 0;
  memset(psk, 7, max_psk_len);
  return (unsigned)server_len;
}

struct ctxs {
  SSL_CTX *client, *server;
  struct ssl_pair pair;
};

/* begin: both know "anna" for SHA-256; the server has the credential |name|, or none. */
static void begin(struct ctxs *c, const char *name) {
  client_name = server_name = "anna";
  client_suite = server_suite = 0x1301;
  client_len = server_len = 20;
  client_ret = server_ret = 1;
  finds = olds = 0;
  c->client = ssl_client_ctx();
  c->server = name != NULL ? ssl_server_ctx(name) : SSL_CTX_new(TLS_server_method());
  cr_assert(c->client != NULL && c->server != NULL);
  SSL_CTX_set_psk_use_session_callback(c->client, use_session);
  SSL_CTX_set_psk_find_session_callback(c->server, find_session);
}

static void begin_old(struct ctxs *c, const char *name) {
  begin(c, name);
  SSL_CTX_set_psk_use_session_callback(c->client, NULL);
  SSL_CTX_set_psk_find_session_callback(c->server, NULL);
  SSL_CTX_set_psk_client_callback(c->client, old_client);
  SSL_CTX_set_psk_server_callback(c->server, old_server);
}

static void end(struct ctxs *c) {
  ssl_pair_free(&c->pair);
  SSL_CTX_free(c->client);
  SSL_CTX_free(c->server);
  ERR_clear_error();
}

/* A handshake that is done, with the key or (|psk| false) with a certificate. */
static void meet(struct ctxs *c, bool psk) {
  cr_assert(ssl_pair_new(&c->pair, c->client, c->server, 0));
  cr_assert_null(SSL_get_psk_identity(c->pair.client));
  cr_assert(ssl_pair_handshake(&c->pair));
  SSL *const both[] = {c->pair.client, c->pair.server};
  for (size_t i = 0; i < 2; i++) {
    cr_expect_eq(SSL_session_reused(both[i]), psk);
    cr_expect_eq(SSL_get_verify_result(both[i]), X509_V_OK);
    if (psk) {
      cr_assert_not_null(SSL_get_psk_identity(both[i]));
      cr_expect_str_eq(SSL_get_psk_identity(both[i]), "anna");
    } else {
      cr_expect_null(SSL_get_psk_identity(both[i]));
    }
    cr_expect_null(SSL_get_psk_identity_hint(both[i]));
  }
  X509 *certificate = SSL_get_peer_certificate(c->pair.client);
  cr_expect_eq(certificate != NULL, !psk);
  X509_free(certificate);
  cr_expect_not_null(SSL_get_session(c->pair.client));
}

/* A handshake that fails: what each side says. */
static void clash(struct ctxs *c, int client, int server) {
  cr_assert(ssl_pair_new(&c->pair, c->client, c->server, 0));
  cr_assert_not(ssl_pair_handshake(&c->pair));
  ERR_clear_error();
  (void)SSL_do_handshake(c->pair.client);
  if (client != 0) cr_expect_eq(first_reason(), client, "%d", first_reason());
  ERR_clear_error();
  (void)SSL_do_handshake(c->pair.server);
  if (server != 0) cr_expect_eq(first_reason(), server, "%d", first_reason());
  end(c);
}

Test(ssl_psk, a_key_as_a_session) {
  struct ctxs c;
  begin(&c, NULL);
  meet(&c, true);
  cr_expect_eq(finds, 1);
  cr_expect_str_eq(SSL_get_cipher_name(c.pair.client), "TLS_AES_128_GCM_SHA256");
  end(&c);
}

Test(ssl_psk, a_key_for_sha384) {
  struct ctxs c;
  begin(&c, NULL);
  client_suite = server_suite = 0x1302;
  client_len = server_len = 48;
  meet(&c, true);
  cr_expect_str_eq(SSL_get_cipher_name(c.pair.server), "TLS_AES_256_GCM_SHA384");
  end(&c);
}

Test(ssl_psk, the_older_callbacks) {
  for (size_t len = 1; len <= PSK_MAX_PSK_LEN; len = 2 * len) {
    struct ctxs c;
    begin_old(&c, NULL);
    client_len = server_len = len;
    meet(&c, true);
    end(&c);
  }
}

/* The new callback does not know the name, the old one does. */
Test(ssl_psk, one_callback_after_the_other) {
  struct ctxs c;
  begin(&c, NULL);
  SSL_CTX_set_psk_client_callback(c.client, old_client);
  SSL_CTX_set_psk_server_callback(c.server, old_server);
  SSL_CTX_set_psk_use_session_callback(c.client, NULL);
  SSL_CTX_set_psk_find_session_callback(c.server, NULL);
  cr_assert(ssl_pair_new(&c.pair, c.client, c.server, 0));
  SSL_set_psk_use_session_callback(c.pair.client, use_session);
  SSL_set_psk_find_session_callback(c.pair.server, find_session);
  client_name = NULL;
  cr_assert_not(ssl_pair_handshake(&c.pair)); /* no key, no certificate */
  cr_expect_eq(finds + olds, 0);
  end(&c);
  begin(&c, NULL);
  server_name = NULL;
  SSL_CTX_set_psk_server_callback(c.server, old_server);
  cr_assert(ssl_pair_new(&c.pair, c.client, c.server, 0));
  cr_assert_not(ssl_pair_handshake(&c.pair));
  cr_expect_eq(finds, 1);
  cr_expect_eq(olds, 1);
  end(&c);
}

/* On the SSL instead. */
Test(ssl_psk, callbacks_of_an_ssl) {
  struct ctxs c;
  begin(&c, NULL);
  SSL_CTX_set_psk_use_session_callback(c.client, NULL);
  SSL_CTX_set_psk_find_session_callback(c.server, NULL);
  cr_assert(ssl_pair_new(&c.pair, c.client, c.server, 0));
  SSL_set_psk_client_callback(c.pair.client, old_client);
  SSL_set_psk_server_callback(c.pair.server, old_server);
  cr_assert(ssl_pair_handshake(&c.pair));
  cr_expect_str_eq(SSL_get_psk_identity(c.pair.server), "anna");
  end(&c);
}

Test(ssl_psk, certificates_instead) {
  struct ctxs c;
  begin(&c, "ecdsa-p256");
  server_name = "bert";
  meet(&c, false);
  end(&c);
  begin(&c, "ecdsa-p256");
  client_name = NULL;
  meet(&c, false);
  cr_expect_eq(finds, 0);
  end(&c);
  begin_old(&c, "ecdsa-p256");
  client_name = NULL;
  meet(&c, false);
  end(&c);
}

/* The server's key is for a hash that its suites lack; then one that they have. */
Test(ssl_psk, a_hash_that_does_not_fit) {
  struct ctxs c;
  begin(&c, "ecdsa-p256");
  client_suite = server_suite = 0x1302;
  SSL_CTX_set_ciphersuites(c.server, "TLS_AES_128_GCM_SHA256");
  meet(&c, false);
  end(&c);
  begin(&c, "ecdsa-p256");
  client_suite = server_suite = 0x1302;
  SSL_CTX_set_ciphersuites(c.client, "TLS_AES_128_GCM_SHA256");
  meet(&c, false);
  cr_expect_eq(finds, 0);
  end(&c);
}

Test(ssl_psk, failures) {
  struct ctxs c;
  begin(&c, NULL); /* neither key nor certificate */
  server_name = "bert";
  clash(&c, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, 0);
  begin(&c, "ecdsa-p256"); /* another key */
  server_len = 19;
  clash(&c, SSL_R_TLSV1_ALERT_DECRYPT_ERROR, SSL_R_DIGEST_CHECK_FAILED);
  begin(&c, "ecdsa-p256");
  client_ret = 0;
  clash(&c, SSL_R_PSK_IDENTITY_NOT_FOUND, 0);
  begin(&c, "ecdsa-p256");
  server_ret = 0;
  clash(&c, SSL_R_TLSV1_ALERT_INTERNAL_ERROR, 0);
  begin(&c, "ecdsa-p256"); /* a name of nothing */
  client_name = "";
  clash(&c, SSL_R_PSK_IDENTITY_NOT_FOUND, 0);
  begin_old(&c, "ecdsa-p256"); /* a key that is too long */
  client_len = PSK_MAX_PSK_LEN + 1;
  clash(&c, SSL_R_PSK_IDENTITY_NOT_FOUND, 0);
  begin_old(&c, "ecdsa-p256");
  server_len = PSK_MAX_PSK_LEN + 1;
  clash(&c, SSL_R_TLSV1_ALERT_INTERNAL_ERROR, 0);
}

/* Where the client must show a certificate no key stands for it. */
Test(ssl_psk, client_certificates) {
  struct ctxs c;
  begin(&c, "ecdsa-p256");
  SSL_CTX_set_verify(c.server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  clash(&c, 0, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
  begin(&c, "ecdsa-p256");
  SSL_CTX_set_verify(c.server, SSL_VERIFY_PEER, NULL);
  meet(&c, true);
  end(&c);
}

static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

/* The server's tickets are good for a connection that has no key any more. */
Test(ssl_psk, tickets_come_of_it) {
  struct ctxs c;
  char byte = 'x';
  kept = NULL;
  begin(&c, NULL);
  SSL_CTX_set_session_cache_mode(c.client, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(c.client, keep);
  meet(&c, true);
  cr_assert_eq(SSL_write(c.pair.server, &byte, 1), 1);
  cr_assert_eq(SSL_read(c.pair.client, &byte, 1), 1);
  cr_assert_not_null(kept);
  ssl_pair_free(&c.pair);
  client_name = server_name = NULL;
  cr_assert(ssl_pair_new(&c.pair, c.client, c.server, 0));
  cr_assert_eq(SSL_set_session(c.pair.client, kept), 1);
  cr_assert(ssl_pair_handshake(&c.pair));
  cr_expect_eq(SSL_session_reused(c.pair.client), 1);
  cr_expect_null(SSL_get_psk_identity(c.pair.client));
  cr_expect_null(SSL_get_psk_identity(c.pair.server));
  SSL_SESSION_free(kept);
  end(&c);
}

/* A session that is offered and not taken lends nothing to a connection with a key. */
Test(ssl_psk, a_key_beside_a_session) {
  struct ctxs c;
  char byte = 'x';
  kept = NULL;
  begin(&c, "ecdsa-p256");
  client_name = NULL;
  SSL_CTX_set_session_cache_mode(c.client, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(c.client, keep);
  meet(&c, false);
  cr_assert_eq(SSL_write(c.pair.server, &byte, 1), 1);
  cr_assert_eq(SSL_read(c.pair.client, &byte, 1), 1);
  ssl_pair_free(&c.pair);
  SSL_SESSION *first = kept;
  kept = NULL;
  SSL_CTX_free(c.server);
  c.server = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_psk_find_session_callback(c.server, find_session);
  client_name = "anna";
  cr_assert(ssl_pair_new(&c.pair, c.client, c.server, 0));
  cr_assert_eq(SSL_set_session(c.pair.client, first), 1);
  cr_assert(ssl_pair_handshake(&c.pair));
  cr_expect_eq(finds, 2);
  cr_expect_str_eq(SSL_get_psk_identity(c.pair.client), "anna");
  cr_expect_null(SSL_get0_peer_certificates(c.pair.client));
  cr_expect_eq(SSL_get_verify_result(c.pair.client), X509_V_OK);
  SSL_SESSION_free(first);
  SSL_SESSION_free(kept);
  end(&c);
}

static int use_a_zero(SSL *ssl, const EVP_MD *md, const uint8_t **id, size_t *idlen,
                      SSL_SESSION **sess) {
  (void)md;
  *sess = key_session(ssl, 0x1301, 20);
  *id = (const uint8_t *)"anna\0anna";
  *idlen = 9;
  return 1;
}

/* The older callback, which takes strings, is not asked about a name that is none. */
Test(ssl_psk, a_name_with_a_zero) {
  struct ctxs c;
  begin_old(&c, "ecdsa-p256");
  SSL_CTX_set_psk_use_session_callback(c.client, use_a_zero);
  meet(&c, false);
  cr_expect_eq(olds, 0);
  end(&c);
}

/* Without a key exchange, where both allow it and no group is in common. */
Test(ssl_psk, no_key_exchange) {
  for (int i = 0; i < 4; i++) {
    struct ctxs c;
    begin(&c, NULL);
    if (i & 1) SSL_CTX_set_options(c.client, SSL_OP_ALLOW_NO_DHE_KEX);
    if (i & 2) SSL_CTX_set_options(c.server, SSL_OP_ALLOW_NO_DHE_KEX);
    cr_assert_eq(SSL_CTX_set1_groups_list(c.client, "X25519"), 1);
    cr_assert_eq(SSL_CTX_set1_groups_list(c.server, "P-256"), 1);
    if (i < 3) {
      clash(&c, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, SSL_R_NO_SHARED_GROUP);
    } else {
      meet(&c, true);
      end(&c);
    }
  }
}

Test(ssl_psk, setters) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  SSL_SESSION *session = SSL_SESSION_new(ctx);
  SSL *ssl = SSL_new(ctx);
  static const char text[PSK_MAX_IDENTITY_LEN + 2] = {0};
  char hint[sizeof text];
  memset(hint, 'h', sizeof hint);
  hint[sizeof hint - 1] = '\0';
  cr_expect_eq(SSL_CTX_use_psk_identity_hint(ctx, hint), 0);
  cr_expect_eq(SSL_use_psk_identity_hint(ssl, hint), 0);
  cr_expect_eq(SSL_CTX_use_psk_identity_hint(ctx, hint + 1), 1);
  cr_expect_eq(SSL_use_psk_identity_hint(ssl, NULL), 1);
  cr_expect_eq(SSL_SESSION_set1_master_key(session, key48, 0), 0);
  cr_expect_eq(SSL_SESSION_set1_master_key(session, (const uint8_t *)text, 49), 0);
  cr_expect_eq(SSL_SESSION_set1_master_key(session, key48, 48), 1);
  uint8_t out[48];
  cr_expect_eq(SSL_SESSION_get_master_key(session, out, sizeof out), 48u);
  cr_expect_arr_eq(out, key48, 48);
  cr_expect_eq(SSL_SESSION_set_cipher(session, NULL), 1);
  cr_expect_null(SSL_SESSION_get0_cipher(session));
  cr_expect_eq(SSL_SESSION_set_protocol_version(session, 0x0305), 0);
  cr_expect_eq(SSL_SESSION_set_protocol_version(session, TLS1_2_VERSION), 1);
  cr_expect_eq(SSL_SESSION_get_protocol_version(session), TLS1_2_VERSION);
  cr_expect_null(SSL_CIPHER_find(ssl, (const uint8_t *)"\x13\x77"));
  cr_expect_eq(SSL_CIPHER_get_protocol_id(SSL_CIPHER_find(ssl, (const uint8_t *)"\x13\x02")),
               0x1302);
  ERR_clear_error();
  SSL_free(ssl);
  SSL_SESSION_free(session);
  SSL_CTX_free(ctx);
}
