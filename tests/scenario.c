/* scenario.c: see scenario.h. */
#include "scenario.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD HF_OK, HF_OK
#define OVER_QUIC (IN_QUIC | IN_ALPN)

const struct scenario scenarios[] = {
    {"full", 0, GOOD},
    {"full, much", IN_MUCH | IN_ALPN, GOOD},
    {"full, secrets", IN_SECRETS | IN_TICKET, GOOD},
    {"retry", IN_RETRY, GOOD},
    {"retry, much", IN_RETRY | IN_MUCH, GOOD},
    {"cookie", IN_COOKIE, GOOD},
    {"cookie and retry", IN_COOKIE | IN_RETRY, GOOD},
    {"stateless retry", IN_COOKIE | IN_FRESH, GOOD},
    {"stateless retry to another group", IN_COOKIE | IN_FRESH | IN_RETRY, GOOD},
    {"stateless retry, much", IN_COOKIE | IN_FRESH | IN_MUCH, GOOD},
    {"tickets", IN_TICKET, GOOD},
    {"resumed", IN_TICKET | IN_RESUMED, GOOD},
    {"resumed after a retry", IN_TICKET | IN_RESUMED | IN_RETRY, GOOD},
    {"resumed, with a cookie", IN_TICKET | IN_RESUMED | IN_COOKIE, GOOD},
    {"resumed after a stateless retry", IN_TICKET | IN_RESUMED | IN_COOKIE | IN_FRESH, GOOD},
    {"resumed without a key exchange", IN_TICKET | IN_RESUMED | IN_PSK_KE, GOOD},
    {"not resumed", IN_TICKET | IN_RESUMED | IN_FORGOTTEN, GOOD},
    {"early data", IN_TICKET | IN_RESUMED | IN_EARLY | IN_ALPN, GOOD},
    {"early data refused", IN_TICKET | IN_RESUMED | IN_EARLY | IN_EARLY_OFF, GOOD},
    {"early data and a retry", IN_TICKET | IN_RESUMED | IN_EARLY | IN_RETRY, GOOD},
    {"early data, secrets", IN_TICKET | IN_RESUMED | IN_EARLY | IN_SECRETS, GOOD},
    {"external PSK", IN_PSK, GOOD},
    {"external PSK after a retry", IN_PSK | IN_RETRY, GOOD},
    {"external PSK after a stateless retry", IN_PSK | IN_COOKIE | IN_FRESH, GOOD},
    {"external PSK without a key exchange", IN_PSK | IN_PSK_KE, GOOD},
    {"client certificate", IN_CLIENT_CERT, GOOD},
    {"client certificate after a retry", IN_CLIENT_CERT | IN_DEMANDED | IN_RETRY, GOOD},
    {"no client certificate", IN_NO_CERT, GOOD},
    {"client certificate missing", IN_NO_CERT | IN_DEMANDED, HF_PEER_ALERT,
     HF_CERTIFICATE_REQUIRED},
    {"client certificate refused", IN_CLIENT_CERT | IN_DISTRUST, HF_PEER_ALERT, HF_REFUSED},
    {"certificate refused", IN_DISTRUST, HF_REFUSED, HF_PEER_ALERT},
    {"compression", IN_COMPRESSION, GOOD},
    {"compression, both", IN_COMPRESSION | IN_CLIENT_CERT, GOOD},
    {"compression, asked for", IN_COMPRESSION | IN_COMPRESS | IN_CLIENT_CERT, GOOD},
    {"raw key", IN_RAW_KEY, GOOD},
    {"stapled", IN_STAPLE | IN_CLIENT_CERT, GOOD},
    {"rekeyed", IN_REKEY | IN_TICKET, GOOD},
    {"rekeyed, much", IN_REKEY | IN_MUCH | IN_SECRETS, GOOD},
    {"closed", IN_CLOSE, GOOD},
    {"aborted", IN_ABORT | IN_TICKET, HF_REFUSED, HF_PEER_ALERT},
    {"no suite", IN_NO_SUITE, HF_PEER_ALERT, HF_NO_SHARED_SUITE},
    {"1.2", IN_TLS12, GOOD},
    {"1.2, much", IN_TLS12 | IN_MUCH | IN_ALPN, GOOD},
    {"1.2, secrets", IN_TLS12 | IN_SECRETS, GOOD},
    {"1.2, ticket", IN_TLS12 | IN_TICKET, GOOD},
    {"1.2, resumed by ticket", IN_TLS12 | IN_TICKET | IN_RESUMED, GOOD},
    {"1.2, resumed by id", IN_TLS12 | IN_ID | IN_RESUMED, GOOD},
    {"1.2, not resumed", IN_TLS12 | IN_TICKET | IN_RESUMED | IN_FORGOTTEN, GOOD},
    {"1.2, client certificate", IN_TLS12 | IN_CLIENT_CERT, GOOD},
    {"1.2, no client certificate", IN_TLS12 | IN_NO_CERT, GOOD},
    {"1.2, client certificate missing", IN_TLS12 | IN_NO_CERT | IN_DEMANDED, HF_PEER_ALERT,
     HF_CERTIFICATE_REQUIRED_12},
    {"1.2, client certificate refused", IN_TLS12 | IN_CLIENT_CERT | IN_DISTRUST, HF_PEER_ALERT,
     HF_REFUSED},
    {"1.2, certificate refused", IN_TLS12 | IN_DISTRUST, HF_REFUSED, HF_PEER_ALERT},
    {"1.2, False Start", IN_TLS12 | IN_FALSE_START | IN_ALPN | IN_TICKET, GOOD},
    {"1.2, stapled", IN_TLS12 | IN_STAPLE, GOOD},
    {"1.2, closed", IN_TLS12 | IN_CLOSE, GOOD},
    {"1.2, aborted", IN_TLS12 | IN_ABORT, HF_REFUSED, HF_PEER_ALERT},
    {"1.2, no suite", IN_TLS12 | IN_NO_SUITE, HF_PEER_ALERT, HF_NO_SHARED_SUITE},
    {"QUIC", OVER_QUIC, GOOD},
    {"QUIC, much", OVER_QUIC | IN_MUCH | IN_SECRETS, GOOD},
    {"QUIC, retry", OVER_QUIC | IN_RETRY, GOOD},
    {"QUIC, stateless retry", OVER_QUIC | IN_COOKIE | IN_FRESH, GOOD},
    {"QUIC, tickets", OVER_QUIC | IN_TICKET, GOOD},
    {"QUIC, resumed", OVER_QUIC | IN_TICKET | IN_RESUMED, GOOD},
    {"QUIC, resumed after a retry", OVER_QUIC | IN_TICKET | IN_RESUMED | IN_RETRY, GOOD},
    {"QUIC, not resumed", OVER_QUIC | IN_TICKET | IN_RESUMED | IN_FORGOTTEN, GOOD},
    {"QUIC, early data", OVER_QUIC | IN_TICKET | IN_RESUMED | IN_EARLY, GOOD},
    {"QUIC, early data refused", OVER_QUIC | IN_TICKET | IN_RESUMED | IN_EARLY | IN_EARLY_OFF,
     GOOD},
    {"QUIC, early data and a retry", OVER_QUIC | IN_TICKET | IN_RESUMED | IN_EARLY | IN_RETRY,
     GOOD},
    {"QUIC, external PSK", OVER_QUIC | IN_PSK, GOOD},
    {"QUIC, client certificate", OVER_QUIC | IN_CLIENT_CERT | IN_COMPRESSION, GOOD},
    {"QUIC, client certificate missing", OVER_QUIC | IN_NO_CERT | IN_DEMANDED, HF_OK,
     HF_CERTIFICATE_REQUIRED},
    {"QUIC, client certificate refused", OVER_QUIC | IN_CLIENT_CERT | IN_DISTRUST, HF_OK,
     HF_REFUSED},
    {"QUIC, certificate refused", OVER_QUIC | IN_DISTRUST, HF_REFUSED, HF_OK},
    {"QUIC, aborted", OVER_QUIC | IN_TICKET | IN_ABORT, HF_REFUSED, HF_OK},
    {"QUIC, no suite", OVER_QUIC | IN_NO_SUITE, HF_OK, HF_NO_SHARED_SUITE},
};
const size_t num_scenarios = sizeof scenarios / sizeof scenarios[0];

static const uint16_t zlib[] = {1};
static const char *const squeezed[] = {"the server's", "the client's"}; /* "compressed" */

static const hf_bytes ocsp = {(const uint8_t *)"a response", 10},
                      scts = {(const uint8_t *)"\0\5\0\3sct", 7};

/* ---- Answers ---- */

static void decompress(const struct scenario_play *play, struct side_answer *answer,
                       const hf_question_t *question) {
  for (size_t i = 0; i < 2; i++) {
    if (!bytes_equal(question->decompress.data, bytes_of(squeezed[i]))) continue;
    *answer = (struct side_answer){.ask = question->ask,
                                   .bytes = {play->body[i].data, play->body[i].len}};
  }
}

static void compress_now(const struct scenario_play *play, struct side_answer *answer,
                         const hf_question_t *question) {
  for (size_t i = 0; i < 2; i++) {
    const hf_bytes body = {play->body[i].data, play->body[i].len};
    if (!bytes_equal(question->compress.message, body)) continue;
    *answer = (struct side_answer){
        .ask = question->ask, .index = zlib[0], .bytes = bytes_of(squeezed[i])};
  }
}

static void find_session(const struct scenario_play *play, struct side_answer *answer,
                         const hf_question_t *question) {
  if (play->parts & IN_PSK) {
    answer->psk = &play->psk;
    answer->flags = HF_ACCEPT_EARLY;
  } else if (play->parts & IN_FORGOTTEN) {
    answer->bytes = (hf_bytes){NULL, 0};
  } else if (question->session.candidates[0].kind == HF_CANDIDATE_SESSION_ID) {
    answer->bytes = (hf_bytes){play->state.data, play->state.len};
  }
  if (play->parts & IN_EARLY_OFF) answer->flags &= ~(unsigned)HF_ACCEPT_EARLY;
}

/* Of the scenario's own, where it has one. */
static void answer_as(struct scenario_play *play, bool by_client, struct side_answer *answer,
                      const hf_question_t *question) {
  const bool distrusts = by_client == !(play->parts & IN_CLIENT_CERT);
  if (question->ask == HF_ASK_VERDICT)
    play->stapled &=
        bytes_equal(question->verdict.ocsp, ocsp) && bytes_equal(question->verdict.scts, scts);
  if (question->ask == HF_ASK_DECOMPRESS) decompress(play, answer, question);
  if (question->ask == HF_ASK_COMPRESS) compress_now(play, answer, question);
  if (question->ask == HF_ASK_SESSION) find_session(play, answer, question);
  if (question->ask == HF_ASK_KEEP && question->keep.name.len > 0 && play->id.len == 0) {
    buf_add(&play->id, question->keep.name.data, question->keep.name.len);
    buf_add(&play->state, question->keep.state.data, question->keep.state.len);
  }
  if (question->ask == HF_ASK_VERDICT && (play->parts & IN_DISTRUST) && distrusts)
    *answer = (struct side_answer){.ask = question->ask, .refuse = true, .alert = 48};
}

static bool answer(void *arg, struct side_answer *out, const hf_question_t *question) {
  const struct scenario_end *end = arg;
  const struct scenario_ways *ways = end->play->ways;
  answer_as(end->play, end->is_client, out, question);
  if (ways != NULL && ways->answer != NULL) ways->answer(ways->arg, end->is_client, out, question);
  return true;
}

/* ---- Setting up ---- */

static void add_u24(struct buf *out, size_t value) {
  const uint8_t bytes[] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  buf_add(out, bytes, sizeof bytes);
}

/* RFC 9846 4.5.1: no context, no extensions. */
static void certificate_body(struct buf *out, const hf_bytes *chain, size_t num) {
  size_t len = 0;
  for (size_t i = 0; i < num; i++) len += 3 + chain[i].len + 2;
  buf_add(out, "", 1);
  add_u24(out, len);
  for (size_t i = 0; i < num; i++) {
    add_u24(out, chain[i].len);
    buf_add(out, chain[i].data, chain[i].len);
    buf_add(out, "\0", 2);
  }
}

/* |body| is the Certificate's; |what| stands for it, unless it is NULL. */
static bool compress(struct credential *credential, struct buf *body, const char *name,
                     const char *what) {
  hf_bytes chain[8];
  const size_t num = credential_chain(chain, 8, name);
  certificate_body(body, chain, num);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  if (what == NULL) return num > 0;
  return num > 0 && hf_identity_set_compressed(credential->identity, zlib[0], (uint32_t)body->len,
                                               bytes_of(what)) == HF_OK;
}

static bool load(struct scenario_play *play) {
  const hf_bytes none = {NULL, 0};
  const bool staples = (play->parts & IN_STAPLE) != 0;
  play->credential =
      play->parts & IN_RAW_KEY
          ? credential_load_raw("ed25519")
          : credential_load_stapled("ed25519", staples ? ocsp : none, staples ? scts : none);
  play->own =
      credential_load_stapled("client-ed25519", staples ? ocsp : none, staples ? scts : none);
  if (play->credential == NULL || play->own == NULL) return false;
  const bool later = (play->parts & IN_COMPRESS) != 0;
  return !(play->parts & IN_COMPRESSION) ||
         (compress(play->credential, &play->body[0], "ed25519", later ? NULL : squeezed[0]) &&
          compress(play->own, &play->body[1], "client-ed25519", later ? NULL : squeezed[1]));
}

static void set_versions(struct scenario_play *play) {
  if (!(play->parts & IN_TLS12)) return;
  play->client.settings.version_min = play->server.settings.version_min = 0x0303;
  play->client.settings.version_max = play->server.settings.version_max = 0x0303;
}

static void set_key_exchange(struct scenario_play *play) {
  static const uint16_t both[] = {0x001d, 0x0017}, p256[] = {0x0017}, aes[] = {0x1301, 0xc02b},
                        chacha[] = {0x1303, 0xcca9};
  play->client.settings.groups = play->server.settings.groups = (hf_codes){both, 2};
  if (play->parts & IN_RETRY) play->server.settings.groups = (hf_codes){p256, 1};
  if (play->parts & IN_NO_SUITE) {
    play->client.settings.suites = (hf_codes){aes, 2};
    play->server.settings.suites = (hf_codes){chacha, 2};
  }
  if (play->parts & IN_COOKIE) play->server.settings.flags |= HF_DEMAND_COOKIE;
  if (!(play->parts & IN_PSK)) return;
  play->psk = (hf_psk){.suite = 0x1301,
                       .identity = bytes_of("anna"),
                       .secret = bytes_of("a secret of thirty and two bytes")};
  play->client.start.psks = &play->psk;
  play->client.start.num_psks = 1;
}

static void set_authentication(struct scenario_play *play) {
  static const uint16_t raw[] = {HF_CERT_RAW_KEY};
  const unsigned parts = play->parts;
  if (parts & IN_CLIENT_CERT) play->client.credential = play->own;
  if (parts & (IN_CLIENT_CERT | IN_NO_CERT)) play->server.settings.flags |= HF_REQUEST_CLIENT_CERT;
  if (parts & IN_DEMANDED) play->server.settings.flags |= HF_REQUIRE_CLIENT_CERT;
  if (parts & IN_COMPRESSION)
    play->client.settings.decompressors = play->server.settings.decompressors = (hf_codes){zlib, 1};
  if (parts & IN_COMPRESS)
    play->client.settings.compressors = play->server.settings.compressors = (hf_codes){zlib, 1};
  if (parts & IN_RAW_KEY)
    play->client.settings.peer_cert_types = play->server.settings.own_cert_types =
        (hf_codes){raw, 1};
}

static void set_sessions(struct scenario_play *play) {
  const unsigned parts = play->parts;
  if (parts & IN_TICKET) play->server.settings.flags |= HF_ISSUE_TICKETS;
  if (parts & IN_ID) play->server.settings.flags |= HF_STORE_SESSIONS;
  if (parts & IN_PSK_KE) {
    play->client.settings.flags |= HF_ALLOW_PSK_KE;
    play->server.settings.flags |= HF_ALLOW_PSK_KE;
  }
  if (!(parts & IN_EARLY)) return;
  play->client.settings.flags |= HF_ALLOW_EARLY_DATA;
  play->server.settings.flags |= HF_ALLOW_EARLY_DATA;
  play->server.settings.max_early_data = 1000;
}

static void set_carrier(struct scenario_play *play) {
  if (!(play->parts & IN_QUIC)) return;
  play->client.settings.transport = play->server.settings.transport = HF_QUIC;
  play->client.start.quic_params = bytes_of("the client's parameters");
  play->server.start.quic_params = bytes_of("the server's parameters");
}

static void set_extras(struct scenario_play *play) {
  const unsigned parts = play->parts;
  if (parts & IN_ALPN) {
    play->client.settings.alpn = (hf_bytes){(const uint8_t *)"\2h2\1x", 5};
    play->server.alpn = bytes_of("h2");
  }
  if (parts & IN_FALSE_START) play->client.settings.flags |= HF_FALSE_START;
  if (parts & IN_SECRETS) {
    play->client.settings.flags |= HF_EXPORT_SECRETS | HF_TRACE;
    play->server.settings.flags |= HF_EXPORT_SECRETS | HF_TRACE;
  }
  if (parts & IN_STAPLE) {
    play->client.settings.flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
    play->server.settings.flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
  }
  if (!(parts & IN_MUCH)) return;
  play->client.settings.flags |= HF_GREASE | HF_PERMUTE_EXTENSIONS;
  play->server.settings.flags |= HF_GREASE;
  if (parts & IN_QUIC) return;
  play->client.settings.flags |= HF_PAD_HELLO;
  play->server.settings.flags |= HF_ALWAYS_CCS;
  play->client.settings.record_size_limit = 300;
  play->client.settings.padding = play->server.settings.padding = 64;
  play->server.settings.max_data = 200;
}

/* ---- Playing ---- */

static bool earlier(struct scenario_play *play) {
  struct side_setup server = play->server;
  const unsigned parts = play->parts;
  play->parts = parts & ~(unsigned)IN_FORGOTTEN;
  if (pair_new(&play->first, &play->client, &server, 0) != HF_OK || !pair_run(&play->first))
    return false;
  play->parts = parts;
  play->client.start.session =
      (hf_bytes){play->first.client.kept.data, play->first.client.kept.len};
  side_entropy(&play->client.start.entropy, 1000);
  side_entropy(&play->server.start.entropy, 1001);
  return play->client.start.session.len > 0;
}

static void converse(struct pair *pair, unsigned parts) {
  if (!(parts & IN_QUIC)) {
    (void)side_send(&pair->client, (const uint8_t *)"a question", 10);
    (void)side_send(&pair->server, (const uint8_t *)"an answer", 9);
    (void)pair_run(pair);
  }
  if (parts & IN_REKEY) {
    (void)side_rekey(&pair->client, true);
    (void)pair_run(pair);
    (void)side_rekey(&pair->server, false);
    (void)side_send(&pair->server, (const uint8_t *)"once more", 9);
    (void)pair_run(pair);
  }
  if (parts & IN_CLOSE) {
    (void)side_close(&pair->client);
    (void)pair_run(pair);
    (void)side_send(&pair->server, (const uint8_t *)"the rest", 8);
    (void)side_close(&pair->server);
    (void)pair_run(pair);
  }
  if (parts & IN_ABORT) {
    (void)side_abort(&pair->client, 49);
    (void)pair_run(pair);
  }
}

static const struct side_secret *secret_of(const struct side *side, size_t i) {
  return (const struct side_secret *)side->secrets.data + i;
}

/* What one side sends under the other receives under, if it got that far; how many are so. */
static size_t same_secrets(const struct side *a, const struct side *b, const char **wrong) {
  size_t same = 0;
  for (size_t i = 0; i < a->secrets.len / sizeof(struct side_secret); i++) {
    const struct side_secret *x = secret_of(a, i);
    for (size_t k = 0; k < b->secrets.len / sizeof(struct side_secret); k++) {
      const struct side_secret *y = secret_of(b, k);
      const bool other_end = x->kind != HF_SECRET_TRAFFIC || x->sending != y->sending;
      if (x->kind != y->kind || x->level != y->level || !other_end) continue;
      if (x->generation != y->generation) continue;
      if (memcmp(x->digest, y->digest, sizeof x->digest) != 0) *wrong = "the secrets differ";
      same++;
    }
  }
  return same;
}

/* What came besides the handshake. */
static const char *judge_data(const struct scenario_play *play) {
  const struct side *client = &play->pair.client, *server = &play->pair.server;
  const unsigned parts = play->parts;
  const char *wrong = NULL;
  const size_t same = same_secrets(client, server, &wrong);
  if (wrong == NULL && (parts & (IN_QUIC | IN_SECRETS)) && same < (parts & IN_TLS12 ? 1 : 4))
    wrong = "there are no secrets in common";
  if (parts & IN_QUIC) return wrong;
  return client->app.len < 9 || server->app.len < 10 ? "data did not come" : wrong;
}

static const char *judge_facts(const struct scenario_play *play, const struct side *side) {
  const unsigned parts = play->parts;
  const bool resumed = (parts & (IN_RESUMED | IN_PSK)) != 0 && !(parts & IN_FORGOTTEN);
  const bool early = (parts & IN_EARLY) && !(parts & (IN_EARLY_OFF | IN_RETRY));
  hf_facts facts;
  hf_get_facts(&facts, side->conn);
  if (facts.resumed != resumed) return "resumed or not";
  if (facts.retried != ((parts & (IN_RETRY | IN_COOKIE)) != 0)) return "retried or not";
  if (facts.early_accepted != early) return "early data accepted or not";
  if ((parts & IN_STAPLE) && !play->stapled) return "what is stapled";
  if (facts.version != (parts & IN_TLS12 ? 0x0303 : 0x0304)) return "the version";
  if ((facts.alpn.len > 0) != ((parts & IN_ALPN) != 0)) return "the protocol";
  return (facts.quic_params.len > 0) != ((parts & IN_QUIC) != 0) ? "the parameters" : NULL;
}

static const char *judge(const struct scenario_play *play, const struct scenario *scenario) {
  const struct side *client = &play->pair.client, *server = &play->pair.server;
  if (client->broken != NULL) return client->broken;
  if (server->broken != NULL) return server->broken;
  if (side_fault(client) != scenario->client) return hf_status_text(side_fault(client));
  if (side_fault(server) != scenario->server) return hf_status_text(side_fault(server));
  if (scenario->client != HF_OK || scenario->server != HF_OK) return NULL;
  const char *wrong = judge_data(play);
  if (wrong == NULL) wrong = judge_facts(play, client);
  return wrong == NULL ? judge_facts(play, server) : wrong;
}

/* begin sets all up and has the earlier handshake; NULL, or what is wrong. */
static const char *begin(struct scenario_play *play, const struct scenario *scenario,
                         const struct scenario_ways *ways) {
  memset(play, 0, sizeof *play);
  play->parts = scenario->parts;
  play->stapled = true;
  if (!load(play)) return "there are no certificates";
  pair_setup(&play->client, &play->server, play->credential, 4242);
  for (int i = 0; i < 2; i++) play->ends[i] = (struct scenario_end){play, i != 0};
  play->client.answer = play->server.answer = answer;
  play->server.arg = &play->ends[0];
  play->client.arg = &play->ends[1];
  set_versions(play);
  set_key_exchange(play);
  set_authentication(play);
  set_sessions(play);
  set_carrier(play);
  set_extras(play);
  if ((play->parts & IN_RESUMED) && !earlier(play)) return "the handshake before it failed";
  play->ways = ways;
  const hf_status status = pair_new(&play->pair, &play->client, &play->server, 0);
  if (ways != NULL && ways->edit != NULL) {
    play->pair.edit = ways->edit;
    play->pair.arg = ways->arg;
  }
  const bool both = play->pair.client.conn != NULL && play->pair.server.conn != NULL;
  return both && (ways != NULL || status == HF_OK) ? NULL : "it did not begin";
}

static void run(struct scenario_play *play) {
  if ((play->parts & IN_EARLY) && !(play->parts & IN_QUIC))
    (void)side_send(&play->pair.client, (const uint8_t *)"early", 5);
  if (play->parts & IN_FRESH) {
    pair_move(&play->pair, true);
    if (side_fault(&play->pair.server) == HF_OK) (void)side_forget(&play->pair.server);
  }
  (void)pair_run(&play->pair);
  converse(&play->pair, play->parts);
}

const char *scenario_play_it(struct scenario_play *play, const struct scenario *scenario) {
  const char *wrong = begin(play, scenario, NULL);
  if (wrong != NULL) return wrong;
  run(play);
  return judge(play, scenario);
}

bool scenario_play_as(struct scenario_play *play, const struct scenario *scenario,
                      const struct scenario_ways *ways) {
  if (begin(play, scenario, ways) != NULL) return false;
  run(play);
  return true;
}

bool scenario_play_edited(struct scenario_play *play, const struct scenario *scenario,
                          void (*edit)(void *arg, bool by_client, size_t at, uint8_t *data,
                                       size_t len),
                          void *arg) {
  const struct scenario_ways ways = {.edit = edit, .arg = arg};
  const bool begun = scenario_play_as(play, scenario, &ways);
  play->ways = NULL;
  return begun;
}

void scenario_play_free(struct scenario_play *play) {
  pair_free(&play->pair);
  pair_free(&play->first);
  credential_free(play->credential);
  credential_free(play->own);
  for (size_t i = 0; i < 2; i++) buf_free(&play->body[i]);
  buf_free(&play->id);
  buf_free(&play->state);
}

const char scenario_digest_expected[SCENARIO_DIGEST_LEN] =
    "a126f4680d2eef6c7d161a81e22577f9dc69a2276569c875c0acce1c2ba8dda3";

const char *scenario_digest(char out[SCENARIO_DIGEST_LEN]) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256_CTX sha;
  SHA256_Init(&sha);
  for (size_t s = 0; s < num_scenarios; s++) {
    struct scenario_play play;
    const char *wrong = scenario_play_it(&play, &scenarios[s]);
    SHA256_Update(&sha, play.pair.client.sent.data, play.pair.client.sent.len);
    SHA256_Update(&sha, play.pair.server.sent.data, play.pair.server.sent.len);
    scenario_play_free(&play);
    if (wrong != NULL) return wrong;
  }
  SHA256_Final(digest, &sha);
  for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
  return NULL;
}

bool scenario_whole(void) {
  const char *ordeal = getenv("HF_ORDEAL");
  return ordeal != NULL && strcmp(ordeal, "whole") == 0;
}
