/* test_ordeal_ssl.c - the ordeal of cuts, through SSL_*: SSL_connect and SSL_accept, data, key
 * updates and SSL_shutdown over BIO pairs.  What is done is the same each time.  A run over rings
 * of any size, alike both ways or not, is compared with the run over rings that are never full:
 * the same messages and records in each direction, the same info callbacks, the same lengths from
 * SSL_read, the same facts.  On the way each code of SSL_get_error has to be true: WANT_READ with
 * nothing to be read, WANT_WRITE with no room, and neither from calls that have no use for it.
 * Lengths of SSL_read and SSL_write are in test_ordeal_ssl_lengths.c.
 *
 * Here a share of the sizes; with HF_ORDEAL=whole in the environment, as ./dev ordeal has it, all.
 */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "scenario.h"
#include "ssl_pair.h"

/* ---- What is done ---- */

enum part { TLS12 = 1, RETRY = 2, RESUMED = 4, EARLY = 8, REFUSED = 16, CERT = 32 };

static const struct kind {
  const char *name;
  unsigned parts;
} kinds[] = {
    {"full", 0},
    {"retry", RETRY},
    {"resumed", RESUMED},
    {"resumed after a retry", RESUMED | RETRY},
    {"early data", RESUMED | EARLY},
    {"early data refused", RESUMED | EARLY | REFUSED},
    {"early data and a retry", RESUMED | EARLY | REFUSED | RETRY},
    {"client certificate", CERT},
    {"1.2", TLS12},
    {"1.2, resumed", TLS12 | RESUMED},
    {"1.2, client certificate", TLS12 | CERT},
};
enum { NUM_KINDS = sizeof kinds / sizeof *kinds };

/* MEET: the handshake, to its end or to early data.  BOTH: writing and reading by turns.  UPDATE:
 * of the keys (|len|: of the peer's too), in TLS 1.3.  LAST: reading until close_notify. */
enum move { DONE, MEET, WRITE, READ, BOTH, UPDATE, CLOSE, LAST };
struct step {
  enum move move;
  size_t len;
};
enum { EARLY_LEN = 4000, MOST_STEPS = 16 };

static const struct step early_client[] = {{MEET, 0},          {WRITE, EARLY_LEN},
                                           {WRITE, EARLY_LEN}, {WRITE, EARLY_LEN},
                                           {MEET, 0},          {DONE, 0}},
                         early_server[] = {{MEET, 0}, {READ, 3 * EARLY_LEN}, {DONE, 0}},
                         meet[] = {{MEET, 0}, {DONE, 0}},
                         client_steps[] = {{WRITE, 100}, {READ, 100},   {BOTH, 40000}, {UPDATE, 1},
                                           {WRITE, 300}, {READ, 20000}, {WRITE, 1},    {READ, 1},
                                           {CLOSE, 0},   {LAST, 0},     {DONE, 0}},
                         server_steps[] = {{READ, 100}, {WRITE, 100},   {BOTH, 40000}, {READ, 300},
                                           {UPDATE, 0}, {WRITE, 20000}, {READ, 1},     {WRITE, 1},
                                           {LAST, 0},   {CLOSE, 0},     {DONE, 0}};

/* ---- What is seen ---- */

/* A diary is a list of numbers. */
struct diary {
  uint64_t seen[400];
  size_t num;
};

struct facts {
  int version, cipher, reused, early, retried;
  uint16_t group, sigalg;
  long verified;
  unsigned alpn_len;
  bool has_cert;
};

struct end {
  SSL *ssl;
  struct step steps[MOST_STEPS];
  size_t at, written, read; /* in the step */
  size_t all_written, all_read;
  struct diary infos, sent, received, reads;
  struct facts facts;
  uint8_t exported[32];
};

struct talk {
  struct end client, server;
  size_t rings[2]; /* the client's output, the server's */
  const char *wrong;
};

static struct talk *now; /* whom the callbacks tell */

static void note(struct diary *diary, uint64_t what) {
  if (diary->num < sizeof diary->seen / sizeof *diary->seen) diary->seen[diary->num] = what;
  diary->num++; /* the lengths differ then */
}

static struct end *end_of(const SSL *ssl) {
  if (now == NULL) return NULL;
  return ssl == now->client.ssl ? &now->client : &now->server;
}

/* How often a call returned is not the same: the exits are left out. */
static void on_info(const SSL *ssl, int type, int value) {
  struct end *end = end_of(ssl);
  if (end != NULL && !(type & SSL_CB_EXIT))
    note(&end->infos, (uint64_t)type << 32 | (uint32_t)value);
}

static void on_msg(int is_write, int version, int content_type, const void *buf, size_t len,
                   SSL *ssl, void *arg) {
  struct end *end = end_of(ssl);
  const uint8_t *bytes = buf;
  (void)arg, (void)version;
  if (end == NULL) return;
  uint64_t what = (uint64_t)content_type << 48 | (uint64_t)len << 24;
  if (content_type == SSL3_RT_HANDSHAKE || content_type == SSL3_RT_CHANGE_CIPHER_SPEC)
    what |= bytes[0];
  if (content_type == SSL3_RT_ALERT) what |= (uint64_t)bytes[0] << 8 | bytes[1];
  if (content_type == SSL3_RT_HEADER)
    what |= (uint64_t)bytes[0] << 16 | (uint64_t)bytes[3] << 8 | bytes[4];
  note(is_write ? &end->sent : &end->received, what);
}

/* ---- One call ---- */

static uint8_t data[2][70000]; /* the client's, the server's: all that either says */

static bool is_client(const struct talk *talk, const struct end *end) {
  return end == &talk->client;
}

/* blocked: does |ret| say that the call has to wait, and truly so? */
static void blocked(struct talk *talk, struct end *end, int ret, bool may_read, bool may_write) {
  const int error = SSL_get_error(end->ssl, ret);
  if (error == SSL_ERROR_WANT_READ && may_read) {
    if (!SSL_want_read(end->ssl)) talk->wrong = "WANT_READ, and SSL_want says another thing";
    if (BIO_ctrl_pending(SSL_get_rbio(end->ssl)) > 0) talk->wrong = "WANT_READ with bytes there";
  } else if (error == SSL_ERROR_WANT_WRITE && may_write) {
    if (!SSL_want_write(end->ssl)) talk->wrong = "WANT_WRITE, and SSL_want says another thing";
    if (BIO_ctrl_get_write_guarantee(SSL_get_wbio(end->ssl)) > 0)
      talk->wrong = "WANT_WRITE with room there";
  } else {
    talk->wrong = "a call failed, or waits for what it should not";
  }
  if (ERR_peek_error() != 0) talk->wrong = "an error on the queue";
}

static bool write_some(struct talk *talk, struct end *end, size_t len) {
  static const size_t chunk = 30000;
  if (end->written == len) return true;
  const bool open = SSL_is_init_finished(end->ssl);
  const uint8_t *from = data[is_client(talk, end) ? 0 : 1] + end->all_written;
  const size_t part = len - end->written < chunk ? len - end->written : chunk;
  const int ret = SSL_write(end->ssl, from, (int)part);
  if (ret <= 0) {
    blocked(talk, end, ret, !open, true);
    return false;
  }
  if ((size_t)ret != part) talk->wrong = "SSL_write wrote a part";
  end->written += part;
  end->all_written += part;
  return end->written == len;
}

static bool read_some(struct talk *talk, struct end *end, size_t len, size_t room) {
  static uint8_t got[20000];
  if (end->read == len) return true;
  const bool open = SSL_is_init_finished(end->ssl);
  const int ret = SSL_read(end->ssl, got, (int)room);
  if (ret <= 0) {
    blocked(talk, end, ret, true, !open);
    return false;
  }
  note(&end->reads, (uint64_t)ret);
  end->read += (size_t)ret;
  if (end->read > len) {
    talk->wrong = "more data than was sent";
  } else if (memcmp(got, data[is_client(talk, end) ? 1 : 0] + end->all_read, (size_t)ret) != 0) {
    talk->wrong = "other data than was sent";
  }
  end->all_read += (size_t)ret;
  return end->read == len;
}

static bool go_on_meeting(struct talk *talk, struct end *end) {
  const bool client = is_client(talk, end);
  const int ret = client ? SSL_connect(end->ssl) : SSL_accept(end->ssl);
  if (ret == 1) return true;
  if (client && SSL_get_error(end->ssl, ret) == SSL_ERROR_EARLY_DATA_REJECTED) {
    note(&end->infos, 0);
    end->all_written = 0; /* it is all said again */
    SSL_reset_early_data_reject(end->ssl);
    ERR_clear_error();
  } else {
    blocked(talk, end, ret, true, true);
  }
  return false;
}

/* The first to close is answered: SSL_shutdown is 0 for it, and 1 for the other. */
static bool shut(struct talk *talk, struct end *end) {
  const int ret = SSL_shutdown(end->ssl);
  if (ret < 0) {
    blocked(talk, end, ret, false, true);
    return false;
  }
  if (ret != (is_client(talk, end) ? 0 : 1)) talk->wrong = "SSL_shutdown returned another number";
  return true;
}

static bool read_to_the_end(struct talk *talk, struct end *end) {
  char byte;
  const int ret = SSL_read(end->ssl, &byte, 1);
  if (ret == 0 && SSL_get_error(end->ssl, 0) == SSL_ERROR_ZERO_RETURN) return true;
  if (ret > 0) {
    talk->wrong = "data after the last";
  } else {
    blocked(talk, end, ret, true, false);
  }
  return false;
}

static bool take_step(struct talk *talk, struct end *end, struct step step) {
  switch (step.move) {
    case DONE:
      return false;
    case MEET:
      return go_on_meeting(talk, end);
    case WRITE:
      return write_some(talk, end, step.len);
    case READ:
      return read_some(talk, end, step.len, 7000);
    case BOTH: {
      const bool written = write_some(talk, end, step.len);
      return read_some(talk, end, step.len, 20000) && written;
    }
    case UPDATE:
      if (SSL_version(end->ssl) == TLS1_3_VERSION &&
          SSL_key_update(end->ssl, step.len == 1 ? SSL_KEY_UPDATE_REQUESTED
                                                 : SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
        talk->wrong = "SSL_key_update failed";
      return true;
    case CLOSE:
      return shut(talk, end);
    case LAST:
      return read_to_the_end(talk, end);
  }
  return false;
}

static bool turn(struct talk *talk, struct end *end) {
  const struct step step = end->steps[end->at];
  if (step.move == DONE) return true;
  if (take_step(talk, end, step)) {
    end->at++;
    end->written = end->read = 0;
  }
  return false;
}

/* ---- One run ---- */

static SSL_CTX *client_ctx, *server_ctx;
static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

static int choose(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                  unsigned in_len, void *arg) {
  (void)ssl, (void)arg;
  if (in_len < 4) return SSL_TLSEXT_ERR_NOACK;
  *out = in + 1;
  *out_len = in[0];
  return SSL_TLSEXT_ERR_OK;
}

static int allow_early(SSL *ssl, void *arg) {
  (void)ssl;
  return (*(const unsigned *)arg & REFUSED) == 0;
}

static bool set_versions(SSL_CTX *ctx, uint16_t version) {
  return SSL_CTX_set_min_proto_version(ctx, version) && SSL_CTX_set_max_proto_version(ctx, version);
}

static bool make_contexts(const unsigned *parts) {
  const uint16_t version = *parts & TLS12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ed25519"); /* its signatures are all as long */
  if (client_ctx == NULL || server_ctx == NULL || !set_versions(client_ctx, version) ||
      !set_versions(server_ctx, version) ||
      SSL_CTX_set1_groups_list(client_ctx, "X25519:P-256") != 1 ||
      SSL_CTX_set1_groups_list(server_ctx, *parts & RETRY ? "P-256" : "X25519") != 1 ||
      SSL_CTX_set_alpn_protos(client_ctx, (const uint8_t *)"\3one", 4) != 0)
    return false;
  SSL_CTX_set_alpn_select_cb(server_ctx, choose, NULL);
  SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_ctx, keep);
  SSL_CTX_set_early_data_enabled(client_ctx, (*parts & EARLY) != 0);
  SSL_CTX_set_early_data_enabled(server_ctx, (*parts & EARLY) != 0);
  SSL_CTX_set_allow_early_data_cb(server_ctx, allow_early, (void *)(uintptr_t)parts);
  SSL_CTX *both[] = {client_ctx, server_ctx};
  for (int i = 0; i < 2; i++) {
    SSL_CTX_set_info_callback(both[i], on_info);
    SSL_CTX_set_msg_callback(both[i], on_msg);
  }
  if (!(*parts & CERT)) return true;
  SSL_CTX_set_verify(server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  return SSL_CTX_load_verify_locations(server_ctx, cert_path("root.pem"), NULL) &&
         SSL_CTX_use_certificate_chain_file(client_ctx, cert_path("client-ed25519.pem")) == 1 &&
         SSL_CTX_use_PrivateKey_file(client_ctx, cert_path("client-ed25519.key"),
                                     SSL_FILETYPE_PEM) == 1;
}

static void free_contexts(void) {
  SSL_SESSION_free(kept);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  kept = NULL;
}

static void append(struct step *steps, const struct step *more) {
  while (steps->move != DONE) steps++;
  while (more->move != DONE) *steps++ = *more++;
}

static bool begin(struct talk *talk, unsigned parts, bool resumed) {
  const bool early = resumed && (parts & EARLY);
  BIO *left, *right;
  append(talk->client.steps, early ? early_client : meet);
  append(talk->client.steps, client_steps);
  append(talk->server.steps, early && !(parts & REFUSED) ? early_server : meet);
  append(talk->server.steps, server_steps);
  talk->client.ssl = SSL_new(client_ctx);
  talk->server.ssl = SSL_new(server_ctx);
  if (talk->client.ssl == NULL || talk->server.ssl == NULL ||
      !BIO_new_bio_pair(&left, talk->rings[0], &right, talk->rings[1]))
    return false;
  SSL_set_bio(talk->client.ssl, left, left);
  SSL_set_bio(talk->server.ssl, right, right);
  return !resumed || (kept != NULL && SSL_set_session(talk->client.ssl, kept) == 1);
}

static void learn(struct end *end) {
  const uint8_t *alpn;
  SSL *ssl = end->ssl;
  X509 *cert = SSL_get_peer_certificate(ssl);
  end->facts = (struct facts){.version = SSL_version(ssl),
                              .cipher = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)),
                              .reused = SSL_session_reused(ssl),
                              .early = SSL_early_data_accepted(ssl),
                              .retried = SSL_used_hello_retry_request(ssl),
                              .group = SSL_get_group_id(ssl),
                              .sigalg = SSL_get_peer_signature_algorithm(ssl),
                              .verified = SSL_get_verify_result(ssl),
                              .has_cert = cert != NULL};
  SSL_get0_alpn_selected(ssl, &alpn, &end->facts.alpn_len);
  X509_free(cert);
}

static const char *judge(struct talk *talk) {
  struct end *ends[] = {&talk->client, &talk->server};
  for (int i = 0; i < 2; i++) {
    learn(ends[i]);
    if (SSL_get_shutdown(ends[i]->ssl) != (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN))
      return "not shut down both ways";
    if (!SSL_export_keying_material(ends[i]->ssl, ends[i]->exported, 32, "ordeal", 6, NULL, 0, 0))
      return "nothing to export";
  }
  if (memcmp(talk->client.exported, talk->server.exported, 32) != 0) return "different keys";
  if (talk->client.facts.alpn_len != 3) return "no protocol";
  return NULL;
}

/* run has both do all they have to.  Free it with run_free whatever is returned. */
static const char *run(struct talk *talk, unsigned parts, bool resumed) {
  if (!begin(talk, parts, resumed)) return "it did not begin";
  now = talk;
  bool done = false;
  for (long turns = 0; turns < 1000000 && talk->wrong == NULL && !done; turns++) {
    done = turn(talk, &talk->client);
    done = talk->wrong == NULL && turn(talk, &talk->server) && done;
  }
  if (talk->wrong == NULL) talk->wrong = done ? judge(talk) : "it does not end";
  now = NULL;
  ERR_clear_error();
  return talk->wrong;
}

static void run_free(struct talk *talk) {
  SSL_free(talk->client.ssl);
  SSL_free(talk->server.ssl);
}

/* ---- All of them ---- */

static const char *differ(const struct diary *a, const struct diary *b, const char *what) {
  if (a->num > sizeof a->seen / sizeof *a->seen) return "a diary is full";
  return a->num == b->num && memcmp(a->seen, b->seen, a->num * sizeof *a->seen) == 0 ? NULL : what;
}

/* compare: NULL, or what was not as with rings that are never full. */
static const char *compare(const struct end *end, const struct end *expected) {
  const char *what = differ(&end->infos, &expected->infos, "the info callbacks");
  if (what == NULL) what = differ(&end->sent, &expected->sent, "what was sent");
  if (what == NULL) what = differ(&end->received, &expected->received, "what was received");
  if (what == NULL) what = differ(&end->reads, &expected->reads, "the lengths read");
  const struct facts *a = &end->facts, *b = &expected->facts;
  if (a->version != b->version || a->cipher != b->cipher || a->reused != b->reused ||
      a->early != b->early || a->retried != b->retried || a->group != b->group ||
      a->sigalg != b->sigalg || a->verified != b->verified || a->alpn_len != b->alpn_len ||
      a->has_cert != b->has_cert)
    return "the facts";
  return what;
}

static size_t num_runs;
static struct talk expected;

static void again(const struct kind *kind, size_t client_ring, size_t server_ring) {
  static struct talk talk;
  memset(&talk, 0, sizeof talk);
  talk.rings[0] = client_ring;
  talk.rings[1] = server_ring;
  const char *wrong = run(&talk, kind->parts, (kind->parts & RESUMED) != 0);
  if (wrong == NULL) wrong = compare(&talk.client, &expected.client);
  if (wrong == NULL) wrong = compare(&talk.server, &expected.server);
  num_runs++;
  cr_expect_null(wrong, "%s, rings of %zu and %zu: %s", kind->name, client_ring, server_ring,
                 wrong);
  run_free(&talk);
}

/* begin_kind has the run with large rings, whose facts must be what the kind's name says. */
static void begin_kind(const struct kind *kind) {
  static struct talk first;
  const bool resumed = (kind->parts & RESUMED) != 0;
  memset(&first, 0, sizeof first);
  memset(&expected, 0, sizeof expected);
  first.rings[0] = first.rings[1] = expected.rings[0] = expected.rings[1] = 200000;
  cr_assert(make_contexts(&kind->parts));
  const char *wrong = resumed ? run(&first, kind->parts, false) : NULL;
  run_free(&first);
  cr_assert_null(wrong, "%s, before: %s", kind->name, wrong);
  wrong = run(&expected, kind->parts, resumed);
  run_free(&expected);
  cr_assert_null(wrong, "%s: %s", kind->name, wrong);
  const struct facts *client = &expected.client.facts, *server = &expected.server.facts;
  cr_assert_eq(client->version, kind->parts & TLS12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  cr_assert_eq(client->reused, resumed);
  cr_assert_eq(client->retried, (kind->parts & RETRY) != 0);
  cr_assert_eq(client->early, (kind->parts & EARLY) != 0 && !(kind->parts & REFUSED));
  cr_assert_eq(server->has_cert, (kind->parts & CERT) != 0);
}

static bool is_one_of(size_t n, const size_t *some, size_t num) {
  for (size_t i = 0; i < num; i++)
    if (some[i] == n) return true;
  return false;
}

/* Near |n| a record of that much data, or of the most, fits the ring or does not. */
static bool is_near(size_t n, size_t edge) { return n + 24 >= edge && n <= edge + 24; }

/* Is this size of a ring to be tried? */
static bool chosen(size_t n) {
  static const size_t some[] = {1,    2,    3,     5,     6,     21,    64,    333,   1460,
                                4096, 8192, 16384, 16405, 16406, 16407, 17000, 17408, 18000};
  if (!scenario_whole()) return is_one_of(n, some, sizeof some / sizeof *some);
  return n <= 2000 || n % 41 == 0 || n == 18000 || is_near(n, 4096) || is_near(n, 8192) ||
         is_near(n, 16406) || is_near(n, 17408);
}

static void set_up(void) {
  for (size_t i = 0; i < sizeof data[0]; i++) {
    data[0][i] = (uint8_t)(i * 7 + (i >> 8));
    data[1][i] = (uint8_t)(i * 13 + (i >> 8) + 1);
  }
}

TestSuite(ordeal_ssl, .init = set_up);

/* R-H-1: rings of each size, the same both ways. */
Test(ordeal_ssl, rings) {
  for (size_t k = 0; k < NUM_KINDS; k++) {
    begin_kind(&kinds[k]);
    for (size_t n = 1; n <= 18000; n++)
      if (chosen(n)) again(&kinds[k], n, n);
    free_contexts();
  }
  fprintf(stderr, "rings: %zu runs of %d kinds of handshakes\n", num_runs, NUM_KINDS);
}

/* R-H-1: one ring large, or the smaller the larger the other is. */
Test(ordeal_ssl, rings_that_differ) {
  for (size_t k = 0; k < NUM_KINDS; k++) {
    begin_kind(&kinds[k]);
    for (size_t n = 1; n <= 18000; n++) {
      if (!chosen(n) || (scenario_whole() ? n % NUM_KINDS != k : n % 2 == k % 2)) continue;
      again(&kinds[k], n, 200000);
      again(&kinds[k], 200000, n);
      again(&kinds[k], n, 18001 - n);
    }
    free_contexts();
  }
  fprintf(stderr, "rings that differ: %zu runs of %d kinds of handshakes\n", num_runs, NUM_KINDS);
}
