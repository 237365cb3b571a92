/* fuzz_ssl.c - <openssl/ssl.h>'s calls on a client and a server that are joined by a BIO pair.
 *
 * The input: two bytes of settings, one for each ring's size, then calls, each a byte (bit 7: on
 * which side) and what it needs.  Clock and random bytes are the input's own.  After each call what
 * SSL_get_error says must be so: of the BIO whose bytes or room it waits for, of SSL_want, of the
 * error queue.  Data arrives as it was sent, SSL_peek shows what SSL_read gives, a write that
 * waited goes on where it was; and sides that are done agree.  In the end, unless something was
 * done that a connection does not survive, both sides get done and all data arrives. */
#include <handfast/bio_pair.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "entropy.h"
#include "input.h"

enum { NOW = 1700000000, MOST_CALLS = 200, ROOM = 20000, TURNS = 30000, LITTLE = 300 };
enum {
  WITH_TLS12 = 1,
  WITH_CLIENT_CERT = 2,
  WITH_EARLY = 4,
  WITHOUT_TICKETS = 8,
  WITH_RETRY = 16,
  WITH_READ_AHEAD = 32,
  WITH_PARTIAL = 64,
  WITH_ALPN = 128,
  WITH_FALSE_START = 256,
  WITH_SMALL_RECORDS = 512,
  WITH_QUIET = 1024,
  WITH_GREASE = 2048
};

struct side {
  SSL *ssl;
  uint64_t sent, got;
  uint64_t early; /* of what was sent: early; after SSL_write_early_data no error tells its fate */
  size_t waiting; /* length of a write that is to be repeated; 0: none is */
};

struct world {
  struct side side[2]; /* client, server */
  SSL_CTX *ctx[2];
  SSL_SESSION *session;
  unsigned settings;
  size_t ring[2];
  bool spoilt; /* it need not come to a good end any more */
  uint8_t *room;
};

static long now;

static void clock_of(const SSL *ssl, struct timeval *out) {
  (void)ssl;
  *out = (struct timeval){.tv_sec = now};
}

/* ---- Contexts ---- */

static X509 *certs[2][2];
static EVP_PKEY *keys[2];
static X509_STORE *store;

static X509 *read_cert(BIO *bio) {
  X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  CHECK(cert != NULL);
  return cert;
}

static void load_certs(void) {
  static const char *const chain[] = {FUZZ_client_ed25519_pem, FUZZ_ed25519_pem};
  static const char *const key[] = {FUZZ_client_ed25519_key, FUZZ_ed25519_key};
  if (store != NULL) return;
  for (int i = 0; i < 2; i++) {
    BIO *bio = BIO_new_mem_buf(chain[i], -1);
    for (int j = 0; j < 2; j++) certs[i][j] = read_cert(bio);
    BIO_free(bio);
    bio = BIO_new_mem_buf(key[i], -1);
    keys[i] = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    CHECK(keys[i] != NULL);
    BIO_free(bio);
  }
  BIO *bio = BIO_new_mem_buf(FUZZ_root_pem, -1);
  X509 *root = read_cert(bio);
  BIO_free(bio);
  store = X509_STORE_new();
  CHECK(store != NULL && X509_STORE_add_cert(store, root));
  X509_free(root);
}

static int choose(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                  unsigned in_len, void *arg) {
  (void)ssl, (void)arg;
  CHECK(in_len > 1 && in[0] < in_len);
  *out = in + 1;
  *out_len = in[0];
  return SSL_TLSEXT_ERR_OK;
}

static int keep(SSL *ssl, SSL_SESSION *session) {
  struct world *world = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  SSL_SESSION_free(world->session);
  world->session = session;
  return 1;
}

static void set_client(SSL_CTX *ctx, const struct world *world) {
  const unsigned settings = world->settings;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(ctx, keep);
  if (settings & WITH_TLS12) CHECK(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION));
  if (settings & WITH_RETRY) CHECK(SSL_CTX_set1_groups_list(ctx, "X25519:P-256"));
  if (settings & WITH_ALPN)
    CHECK(SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\3one\3two", 8) == 0);
  if (settings & WITH_FALSE_START) SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_FALSE_START);
  if (settings & WITH_GREASE) SSL_CTX_set_grease_enabled(ctx, 1);
}

static void set_server(SSL_CTX *ctx, const struct world *world) {
  const unsigned settings = world->settings;
  CHECK(SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"fuzz", 4));
  if (settings & WITH_CLIENT_CERT) SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  if (settings & WITH_RETRY) CHECK(SSL_CTX_set1_groups_list(ctx, "P-256"));
  SSL_CTX_set_alpn_select_cb(ctx, choose, NULL);
}

static SSL_CTX *new_ctx(struct world *world, int server) {
  static const uint16_t ed25519 = SSL_SIGN_ED25519;
  const unsigned settings = world->settings;
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  CHECK(ctx != NULL);
  X509_STORE_up_ref(store);
  SSL_CTX_set_cert_store(ctx, store);
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), NOW);
  CHECK(SSL_CTX_use_certificate(ctx, certs[server][0]) &&
        SSL_CTX_add1_chain_cert(ctx, certs[server][1]) &&
        SSL_CTX_use_PrivateKey(ctx, keys[server]));
  CHECK(SSL_CTX_set_verify_algorithm_prefs(ctx, &ed25519, 1));
  SSL_CTX_set_current_time_cb(ctx, clock_of);
  SSL_CTX_set_app_data(ctx, world);
  if (settings & WITHOUT_TICKETS) SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  if (settings & WITH_EARLY) SSL_CTX_set_early_data_enabled(ctx, 1);
  if (settings & WITH_READ_AHEAD) SSL_CTX_set_read_ahead(ctx, 1);
  if (settings & WITH_PARTIAL) SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
  if (settings & WITH_SMALL_RECORDS) CHECK(SSL_CTX_set_max_send_fragment(ctx, 512));
  if (settings & WITH_QUIET) SSL_CTX_set_quiet_shutdown(ctx, 1);
  if (server)
    set_server(ctx, world);
  else
    set_client(ctx, world);
  return ctx;
}

/* ---- Connections ---- */

static void begin(struct world *world, bool resume) {
  BIO *half[2];
  CHECK(BIO_new_bio_pair(&half[0], world->ring[0], &half[1], world->ring[1]) == 1);
  memset(world->side, 0, sizeof world->side);
  for (int i = 0; i < 2; i++) {
    SSL *ssl = world->side[i].ssl = SSL_new(world->ctx[i]);
    CHECK(ssl != NULL);
    SSL_set_bio(ssl, half[i], half[i]);
    if (i == 0) SSL_set_connect_state(ssl);
    if (i == 1) SSL_set_accept_state(ssl);
  }
  CHECK(SSL_set_tlsext_host_name(world->side[0].ssl, "localhost"));
  if (resume && world->session != NULL) CHECK(SSL_set_session(world->side[0].ssl, world->session));
  world->spoilt = false;
}

static void end(struct world *world) {
  for (int i = 0; i < 2; i++) SSL_free(world->side[i].ssl);
}

/* ---- What is so after a call ---- */

static BIO *bio_of(const struct side *side) { return SSL_get_rbio(side->ssl); }

static bool done(const SSL *ssl) { return SSL_is_init_finished(ssl) && !SSL_in_early_data(ssl); }

static void agree(const struct world *world) {
  const SSL *client = world->side[0].ssl, *server = world->side[1].ssl;
  uint8_t one[64], two[64];
  const uint8_t *alpn[2];
  unsigned alpn_len[2];
  if (client == NULL || server == NULL || !done(client) || !done(server) || world->spoilt) return;
  CHECK(SSL_version(client) == SSL_version(server));
  CHECK(SSL_get_current_cipher(client) == SSL_get_current_cipher(server));
  CHECK(SSL_session_reused(client) == SSL_session_reused(server));
  CHECK(SSL_early_data_accepted(client) == SSL_early_data_accepted(server));
  SSL_get0_alpn_selected(client, &alpn[0], &alpn_len[0]);
  SSL_get0_alpn_selected(server, &alpn[1], &alpn_len[1]);
  CHECK(alpn_len[0] == alpn_len[1]);
  CHECK(alpn_len[0] == 0 || memcmp(alpn[0], alpn[1], alpn_len[0]) == 0);
  const size_t len = SSL_get_finished(client, one, sizeof one);
  CHECK(len >= 12 && SSL_get_peer_finished(server, two, sizeof two) == len);
  CHECK(memcmp(one, two, len) == 0);
  CHECK(SSL_export_keying_material(client, one, 32, "EXPORTER-fuzz", 13, NULL, 0, 0) == 1);
  CHECK(SSL_export_keying_material(server, two, 32, "EXPORTER-fuzz", 13, NULL, 0, 0) == 1);
  CHECK(memcmp(one, two, 32) == 0);
}

/* Early data that was refused does not come. */
static void settle_early(struct world *world) {
  struct side *client = &world->side[0];
  if (client->early == 0 || !done(client->ssl)) return;
  if (!SSL_early_data_accepted(client->ssl)) world->side[1].got += client->early;
  client->early = 0;
}

/* outcome looks at what a call on |side| that returned |ret| says about itself, and says which
 * SSL_ERROR_ it is. */
static int outcome(struct world *world, struct side *side, int ret) {
  const struct side *other = &world->side[side == &world->side[0]];
  const int error = SSL_get_error(side->ssl, ret);
  CHECK((ret > 0) == (error == SSL_ERROR_NONE));
  CHECK((error == SSL_ERROR_WANT_READ) == (ret <= 0 && SSL_want(side->ssl) == SSL_READING));
  CHECK((error == SSL_ERROR_WANT_WRITE) == (ret <= 0 && SSL_want(side->ssl) == SSL_WRITING));
  if (error == SSL_ERROR_WANT_READ) {
    CHECK(BIO_should_read(bio_of(side)));
    if (other->ssl != NULL) CHECK(BIO_ctrl_get_read_request(bio_of(other)) > 0);
  } else if (error == SSL_ERROR_WANT_WRITE) {
    CHECK(BIO_should_write(bio_of(side)) && BIO_ctrl_get_write_guarantee(bio_of(side)) == 0);
  } else if (error == SSL_ERROR_SSL) {
    CHECK(ERR_peek_error() != 0);
    world->spoilt = true;
  } else if (error == SSL_ERROR_EARLY_DATA_REJECTED) {
    CHECK(side == &world->side[0] && side->got == 0);
    side->sent = side->early = side->waiting = 0;
    SSL_reset_early_data_reject(side->ssl);
  } else if (error != SSL_ERROR_NONE) {
    CHECK(error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL);
    world->spoilt = true;
  }
  ERR_clear_error();
  settle_early(world);
  agree(world);
  return error;
}

/* ---- Data ---- */

static void check_data(const struct world *world, const struct side *side, size_t len) {
  const struct side *other = &world->side[side == &world->side[0]];
  for (size_t i = 0; i < len; i++) CHECK(world->room[i] == (uint8_t)(side->got + i));
  if (!world->spoilt) CHECK(side->got + len <= other->sent + other->waiting);
}

static void call_read(struct world *world, struct side *side, size_t len, bool peek) {
  const bool was_done = done(side->ssl); /* else it is the handshake that may write */
  const int ret = peek ? SSL_peek(side->ssl, world->room, (int)len)
                       : SSL_read(side->ssl, world->room, (int)len);
  const int error = len == 0 ? SSL_ERROR_NONE : outcome(world, side, ret);
  CHECK(ret <= (int)len && !(was_done && error == SSL_ERROR_WANT_WRITE));
  if (ret <= 0) return;
  check_data(world, side, (size_t)ret);
  CHECK(!peek || SSL_pending(side->ssl) >= ret);
  if (!peek) side->got += (uint64_t)ret;
}

static void call_write(struct world *world, struct side *side, size_t len) {
  /* One byte may be all that goes at a time. */
  const size_t most = world->ring[0] + world->ring[1] < 200 ? LITTLE : ROOM;
  if (len < side->waiting) len = side->waiting;
  if (len > most) len = most;
  for (size_t i = 0; i < len; i++) world->room[i] = (uint8_t)(side->sent + i);
  const int ret = SSL_write(side->ssl, world->room, (int)len);
  if (len == 0) return; /* it may do what waits, and says nothing */
  const int error = outcome(world, side, ret);
  CHECK(ret <= (int)len);
  if (ret > 0) {
    side->sent += (uint64_t)ret;
    side->waiting = 0;
    if (side == &world->side[0] && SSL_in_early_data(side->ssl)) side->early += (uint64_t)ret;
  } else if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) {
    side->waiting = len;
  }
}

static void call_early(struct world *world, struct side *side, size_t len) {
  size_t moved = 0;
  for (size_t i = 0; i < len; i++) world->room[i] = (uint8_t)(side->sent + i);
  if (side == &world->side[1]) {
    const int ret = SSL_read_early_data(side->ssl, world->room, len, &moved);
    CHECK(moved <= len);
    if (ret == SSL_READ_EARLY_DATA_SUCCESS) check_data(world, side, moved);
    if (ret == SSL_READ_EARLY_DATA_SUCCESS) side->got += moved;
  } else if (SSL_write_early_data(side->ssl, world->room, len, &moved) == 1) {
    CHECK(moved == len);
    side->sent += moved;
    side->early += moved;
  } else {
    world->spoilt = true; /* what it wrote of it nobody knows */
  }
  ERR_clear_error();
}

/* A byte that is on its way to |side| is another. */
static void call_tamper(struct world *world, const struct side *side, size_t at, uint8_t by) {
  uint8_t *data;
  const size_t len = hf_bio_peek(bio_of(side), &data);
  if (len == 0 || by == 0) return;
  data[at % len] ^= by;
  world->spoilt = true;
}

/* ---- Other calls ---- */

static void call_handshake(struct world *world, struct side *side) {
  (void)outcome(world, side, SSL_do_handshake(side->ssl));
}

static void call_shutdown(struct world *world, struct side *side) {
  world->spoilt = true;
  const int ret = SSL_shutdown(side->ssl);
  if (ret != 0) (void)outcome(world, side, ret);
  ERR_clear_error();
}

static void call_clear(struct world *world, struct side *side) {
  CHECK(SSL_clear(side->ssl) == 1);
  side->sent = side->got = side->early = side->waiting = 0;
  world->spoilt = true;
}

static void call_alert(struct world *world, struct side *side, uint8_t alert) {
  world->spoilt = true;
  (void)outcome(world, side, SSL_send_fatal_alert(side->ssl, alert));
}

/* The session that was kept, written and read again, is as good; what is written of one without a
 * ticket cannot be read. */
static void call_encode(struct world *world) {
  uint8_t *bytes = NULL;
  size_t len = 0;
  if (world->session == NULL || !SSL_SESSION_is_resumable(world->session)) return;
  CHECK(SSL_SESSION_to_bytes(world->session, &bytes, &len));
  SSL_SESSION *again = SSL_SESSION_from_bytes(bytes, len, world->ctx[0]);
  CHECK(again != NULL);
  SSL_SESSION_free(world->session);
  world->session = again;
  OPENSSL_free(bytes);
}

static void call_get1(struct world *world, struct side *side) {
  SSL_SESSION *session = SSL_get1_session(side->ssl);
  if (session == NULL || side == &world->side[1]) {
    SSL_SESSION_free(session);
    return;
  }
  SSL_SESSION_free(world->session);
  world->session = session;
}

static void call_getters(const struct side *side) {
  const SSL *ssl = side->ssl;
  uint8_t random[32];
  CHECK(SSL_state_string(ssl) != NULL && SSL_state_string_long(ssl) != NULL);
  CHECK(SSL_get_version(ssl) != NULL && SSL_is_server(ssl) <= 1);
  CHECK(SSL_in_init(ssl) == !SSL_is_init_finished(ssl));
  CHECK(SSL_pending(ssl) == 0 || SSL_has_pending(ssl) == 1);
  CHECK(SSL_get_client_random(ssl, random, sizeof random) <= sizeof random);
  (void)SSL_get_verify_result(ssl);
  X509_free(SSL_get_peer_certificate(ssl));
  (void)SSL_get_shutdown(ssl);
  (void)SSL_get_early_data_reason(ssl);
}

/* Each of these makes the call that |which| says, if it is one of its own. */

static void data_calls(struct world *world, struct side *side, unsigned which,
                       struct fuzz_bytes *in) {
  if (which == 0) call_handshake(world, side);
  if (which == 1) call_read(world, side, take(in), false);
  if (which == 2) call_read(world, side, ROOM, false);
  if (which == 3) call_read(world, side, take(in), true);
  if (which == 4) call_write(world, side, take(in));
  if (which == 5) call_write(world, side, take_two(in));
  if (which == 6) call_early(world, side, take(in));
  if (which == 7) {
    const size_t at = take_two(in);
    call_tamper(world, side, at, take(in));
  }
}

static void state_calls(struct world *world, struct side *side, unsigned which,
                        struct fuzz_bytes *in) {
  if (which == 8) call_shutdown(world, side);
  if (which == 9) call_clear(world, side);
  if (which == 10) call_alert(world, side, take(in));
  if (which == 11) (void)SSL_key_update(side->ssl, take(in));
  if (which == 12) (void)SSL_renegotiate(side->ssl);
  if (which == 13) (void)SSL_new_session_ticket(side->ssl);
  if (which == 14) {
    SSL_set_shutdown(side->ssl, take(in) & 3);
    world->spoilt = true;
  }
  if (which == 15) SSL_set_read_ahead(side->ssl, take(in) & 1);
  if (which == 16) (void)SSL_set_max_send_fragment(side->ssl, take_two(in));
  if (which == 17) call_getters(side);
  if (which == 18) call_get1(world, side);
  if (which == 19 && world->session != NULL) (void)SSL_set_session(side->ssl, world->session);
  if (which == 20) call_encode(world);
  if (which == 21) now += (long)take_two(in);
  if (which == 22) SSL_reset_early_data_reject(side->ssl);
  ERR_clear_error();
}

/* ---- The end ---- */

/* Nothing but what one would do: all that is waiting is written, and all that comes is read. */
static void finish(struct world *world) {
  for (int turn = 0; turn < TURNS && !world->spoilt; turn++) {
    bool quiet = true;
    for (int i = 0; i < 2 && !world->spoilt; i++) {
      struct side *side = &world->side[i], *other = &world->side[1 - i];
      if (!done(side->ssl)) call_handshake(world, side);
      if (world->spoilt) return;
      if (side->waiting > 0) call_write(world, side, 0);
      if (world->spoilt) return;
      call_read(world, side, ROOM, false);
      quiet = quiet && done(side->ssl) && side->waiting == 0 && side->got == other->sent;
    }
    if (quiet) return;
  }
  if (world->spoilt) return;
  for (int i = 0; i < 2; i++) {
    const struct side *side = &world->side[i];
    fprintf(stderr, "%s: %s, sent %llu, got %llu, waiting %zu\n", i == 0 ? "client" : "server",
            SSL_state_string_long(side->ssl), (unsigned long long)side->sent,
            (unsigned long long)side->got, side->waiting);
  }
  CHECK(world->spoilt); /* it goes round for ever */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static const size_t sizes[] = {0, 1, 7, 64, 300, 1000, 4096, 17000};
  struct fuzz_bytes in = {data, len};
  struct world world = {.room = malloc(ROOM)};
  CHECK(world.room != NULL);
  world.settings = (unsigned)take_two(&in);
  for (int i = 0; i < 2; i++) world.ring[i] = sizes[take(&in) & 7];
  now = NOW;
  fuzz_entropy_reset();
  load_certs();
  for (int i = 0; i < 2; i++) world.ctx[i] = new_ctx(&world, i);
  begin(&world, false);
  for (unsigned calls = 0; in.len > 0 && calls < MOST_CALLS; calls++) {
    const uint8_t which = take(&in);
    struct side *side = &world.side[which >> 7];
    data_calls(&world, side, which & 31, &in);
    state_calls(&world, side, which & 31, &in);
    if ((which & 31) == 23) {
      end(&world);
      begin(&world, which & 32);
    }
  }
  finish(&world);
  end(&world);
  for (int i = 0; i < 2; i++) SSL_CTX_free(world.ctx[i]);
  SSL_SESSION_free(world.session);
  free(world.room);
  ERR_clear_error();
  return 0;
}
