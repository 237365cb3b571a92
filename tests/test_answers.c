/* handfast/answers.h: the usual answers, each by itself, and engines that are given nothing else.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "credential.h"
#include "ends.h"
#include "ssl_pair.h"

TestSuite(answers, .timeout = 60);

static const hf_bytes kNone = {NULL, 0};

/* ---- Keys ---- */

struct key_case {
  char name[16];
  uint16_t schemes[6];
  size_t num;
};

ParameterizedTestParameters(answers, keys_make_the_schemes_of_their_kind) {
  static struct key_case cases[] = {
      {"ecdsa-p256", {0x0403}, 1},
      {"ecdsa-p384", {0x0503}, 1},
      {"ed25519", {0x0807}, 1},
      {"rsa-2048", {0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601}, 6},
  };
  return cr_make_param_array(struct key_case, cases, 4);
}

/* verifies says whether |signature| is one of |input| by |scheme|, as RFC 9846 4.3.3 words the
 * schemes. */
static bool verifies(EVP_PKEY *key, uint16_t scheme, hf_bytes signature, hf_bytes input) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *pkey_ctx;
  const EVP_MD *md = EVP_sha256();
  if (scheme == 0x0807) md = NULL;
  if (scheme == 0x0503 || scheme == 0x0805 || scheme == 0x0501) md = EVP_sha384();
  if (scheme == 0x0806 || scheme == 0x0601) md = EVP_sha512();
  bool ok = EVP_DigestVerifyInit(ctx, &pkey_ctx, md, NULL, key);
  if (ok && scheme >> 8 == 8 && md != NULL)
    ok = EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, (int)EVP_MD_size(md));
  ok = ok && EVP_DigestVerify(ctx, signature.data, signature.len, input.data, input.len);
  EVP_MD_CTX_free(ctx);
  return ok;
}

ParameterizedTest(struct key_case *c, answers, keys_make_the_schemes_of_their_kind) {
  uint16_t got[16];
  uint8_t signature[512];
  size_t len;
  EVP_PKEY *key = credential_key(c->name);
  cr_assert_eq(hf_key_sigalgs(got, 16, key), c->num);
  cr_assert(memcmp(got, c->schemes, c->num * 2) == 0);
  for (size_t i = 0; i < c->num; i++) {
    cr_assert_eq(
        hf_sign(signature, &len, sizeof(signature), key, c->schemes[i], text("to be signed")),
        HF_OK);
    cr_assert(verifies(key, c->schemes[i], (hf_bytes){signature, len}, text("to be signed")), "%x",
              c->schemes[i]);
    cr_assert_not(verifies(key, c->schemes[i], (hf_bytes){signature, len}, text("to be signee")));
  }
  cr_assert_eq(hf_sign(signature, &len, 16, key, c->schemes[0], text("x")), HF_SHORT_OUTPUT);
  /* What belongs to another kind of key, or to none. */
  uint16_t foreign = c->schemes[0] == 0x0403 ? 0x0503 : 0x0403;
  cr_assert_eq(hf_sign(signature, &len, sizeof(signature), key, foreign, text("x")), HF_MISUSE);
  cr_assert_eq(hf_sign(signature, &len, sizeof(signature), key, 0x0201, text("x")), HF_MISUSE);
  EVP_PKEY_free(key);
}

Test(answers, credentials_are_refused_if_they_do_not_fit_together) {
  hf_credential *out = NULL;
  hf_bytes chain[8];
  uint16_t other[] = {0x0807};
  const hf_codes all = {NULL, 0};
  size_t num = credential_chain(chain, 8, "ecdsa-p256");
  EVP_PKEY *key = credential_key("ecdsa-p256"), *mismatch = credential_key("mismatch");
  cr_assert_eq(hf_credential_new(&out, chain, 0, key, all, kNone, kNone), HF_MISUSE);
  cr_assert_eq(hf_credential_new(&out, chain, num, mismatch, all, kNone, kNone), HF_MISUSE);
  cr_assert_eq(hf_credential_new(&out, chain, num, key, (hf_codes){other, 1}, kNone, kNone),
               HF_MISUSE);
  hf_bytes cut = {chain[0].data, chain[0].len - 1};
  cr_assert_eq(hf_credential_new(&out, &cut, 1, key, all, kNone, kNone), HF_MISUSE);
  cr_assert(out == NULL);
  cr_assert_eq(hf_credential_new(&out, chain, num, NULL, all, kNone, kNone), HF_OK);
  hf_credential_free(out);
  cr_assert_eq(hf_credential_load(&out, cert_path("ecdsa-p256.pem"), cert_path("mismatch.key")),
               HF_MISUSE);
  cr_assert_eq(hf_credential_load(&out, cert_path("no-such.pem"), cert_path("ecdsa-p256.key")),
               HF_MISUSE);
  cr_assert_eq(hf_credential_load(&out, cert_path("ecdsa-p256.key"), cert_path("ecdsa-p256.key")),
               HF_MISUSE);
  for (size_t i = 0; i < num; i++) free((void *)(uintptr_t)chain[i].data);
  EVP_PKEY_free(key);
  EVP_PKEY_free(mismatch);
}

/* ---- Handshakes ---- */

ParameterizedTestParameters(answers, a_handshake_of_every_kind_of_key) {
  static struct key_case cases[] = {{"ecdsa-p256", {0x0403}, 1},
                                    {"ecdsa-p384", {0x0503}, 1},
                                    {"ed25519", {0x0807}, 1},
                                    {"rsa-2048", {0x0804}, 1}};
  return cr_make_param_array(struct key_case, cases, 4);
}

ParameterizedTest(struct key_case *c, answers, a_handshake_of_every_kind_of_key) {
  struct ends e;
  hf_facts facts;
  ends_set(&e, c->name);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  cr_assert_eq(hf_answers_verify_result(e.client_answers), X509_V_OK);
  hf_get_facts(&facts, e.client);
  cr_assert_eq(facts.sigalg, c->schemes[0]);
  ends_free(&e);
}

Test(answers, the_credential_is_one_whose_algorithm_the_peer_knows) {
  struct ends e;
  hf_facts facts;
  uint16_t rsa_only[] = {0x0804, 0x0403}; /* the chain's signatures are ECDSA */
  ends_set(&e, "ed25519");
  add_credential(e.server_answers, "rsa-2048");
  e.client_settings.verify_sigalgs = (hf_codes){rsa_only, 2};
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  hf_get_facts(&facts, e.client);
  cr_assert_eq(facts.sigalg, 0x0804);
  ends_free(&e);
}

Test(answers, the_credential_is_preferably_one_for_the_name) {
  struct ends e;
  ends_set(&e, "wrong-name");
  add_credential(e.server_answers, "ecdsa-p256");
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  ends_free(&e);
}

Test(answers, no_credential_is_handshake_failure) {
  struct ends e;
  ends_set(&e, NULL);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.server, HF_NO_IDENTITY), 40);
  ends_free(&e);
}

Test(answers, a_clients_credential_is_verified_as_a_clients) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  add_credential(e.client_answers, "client-ecdsa-p256");
  e.server_settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  cr_assert_eq(hf_answers_verify_result(e.server_answers), X509_V_OK);
  /* A server's certificate is no client's. */
  ends_part(&e);
  hf_answers_clear_credentials(e.client_answers);
  add_credential(e.client_answers, "ecdsa-p256");
  ends_meet(&e);
  cr_assert_eq(alert_of(e.server, HF_REFUSED), 43); /* unsupported_certificate */
  cr_assert_eq(hf_answers_verify_result(e.server_answers), X509_V_ERR_INVALID_PURPOSE);
  ends_free(&e);
}

Test(answers, a_client_prefers_what_the_authorities_issued) {
  struct ends e;
  hf_bytes authority = {NULL, 0};
  ends_set(&e, "ecdsa-p256");
  add_credential(e.client_answers, "client-other-root");
  add_credential(e.client_answers, "client-ecdsa-p256");
  hf_bytes chain[4];
  cr_assert_eq(credential_chain(chain, 4, "root"), 1);
  const uint8_t *der = chain[0].data;
  X509 *root = d2i_X509(NULL, &der, (long)chain[0].len);
  uint8_t *name = NULL;
  int len = i2d_X509_NAME(X509_get_subject_name(root), &name);
  authority = (hf_bytes){name, (size_t)len};
  e.server_settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  e.server_settings.authorities = &authority;
  e.server_settings.num_authorities = 1;
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  ends_free(&e);
  X509_free(root);
  OPENSSL_free(name);
  free((void *)(uintptr_t)chain[0].data);
}

/* ---- ALPN ---- */

Test(answers, alpn_is_the_servers_choice) {
  struct ends e;
  hf_facts facts;
  hf_bytes name = kNone;
  cr_assert(hf_select_alpn(&name, text("\2h2\10http/1.1"), text("\10http/1.1\2h2")));
  cr_assert(name.len == 2 && memcmp(name.data, "h2", 2) == 0);
  cr_assert_not(hf_select_alpn(&name, text("\2h3"), text("\10http/1.1\2h2")));
  ends_set(&e, "ecdsa-p256");
  e.client_settings.alpn = text("\10http/1.1\2h2");
  cr_assert_eq(hf_answers_set_alpn(e.server_answers, text("\2h2\10http/1.1")), HF_OK);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  hf_get_facts(&facts, e.client);
  cr_assert(facts.alpn.len == 2 && memcmp(facts.alpn.data, "h2", 2) == 0);
  ends_part(&e);
  /* RFC 7301 3.2 */
  cr_assert_eq(hf_answers_set_alpn(e.server_answers, text("\2h3")), HF_OK);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.server, HF_REFUSED), 120);
  ends_part(&e);
  cr_assert_eq(hf_answers_set_alpn(e.server_answers, kNone), HF_OK);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  hf_get_facts(&facts, e.client);
  cr_assert_eq(facts.alpn.len, 0);
  ends_free(&e);
}

Test(answers, malformed_alpn_lists_are_refused) {
  hf_answers *answers = hf_answers_new();
  cr_assert_eq(hf_answers_set_alpn(answers, text("\3h2")), HF_MISUSE);
  cr_assert_eq(hf_answers_set_alpn(answers, (hf_bytes){(const uint8_t *)"\0", 1}), HF_MISUSE);
  hf_answers_free(answers);
}

/* ---- Randomness, boxes ---- */

Test(answers, entropy_is_fresh_and_in_range) {
  hf_entropy last, entropy;
  uint16_t groups[] = {23, 24, 29};
  memset(&last, 0, sizeof(last));
  for (int i = 0; i < 50; i++) {
    hf_draw_entropy(&entropy);
    cr_assert(memcmp(entropy.random, last.random, 32) != 0);
    cr_assert(memcmp(entropy.x25519, last.x25519, 32) != 0);
    cr_assert(memcmp(entropy.p256, last.p256, 32) != 0);
    cr_assert(memcmp(entropy.mlkem1024, last.mlkem1024, 64) != 0);
    cr_assert_leq(entropy.p521[0], 1);
    last = entropy;
    /* The engine refuses a scalar that is out of range. */
    hf_settings settings = {.groups = {groups, 3}, .key_shares = {groups, 3}};
    hf_start start = {.entropy = entropy};
    hf_config *config;
    hf_conn *conn;
    cr_assert_eq(hf_config_new(&config, &settings), HF_OK);
    cr_assert_eq(hf_new(&conn, config, &start), HF_OK);
    hf_free(conn);
    hf_config_free(config);
  }
}

Test(answers, boxes_open_with_their_key_and_context_alone) {
  uint8_t key[HF_BOX_KEY] = {1}, other[HF_BOX_KEY] = {2}, box[100], again[100], out[100];
  size_t len, again_len, out_len;
  hf_bytes in = text("what is inside");
  cr_assert_eq(hf_box_seal(box, &len, sizeof(box), key, in, text("here")), HF_OK);
  cr_assert_eq(len, in.len + HF_BOX_OVERHEAD);
  cr_assert_eq(hf_box_seal(again, &again_len, sizeof(again), key, in, text("here")), HF_OK);
  cr_assert(memcmp(box, again, len) != 0);
  hf_bytes sealed = {box, len};
  cr_assert_eq(hf_box_open(out, &out_len, sizeof(out), key, sealed, text("here")), HF_OK);
  cr_assert(out_len == in.len && memcmp(out, in.data, in.len) == 0);
  cr_assert_eq(hf_box_open(out, &out_len, sizeof(out), other, sealed, text("here")),
               HF_BAD_RECORD_MAC);
  cr_assert_eq(hf_box_open(out, &out_len, sizeof(out), key, sealed, text("there")),
               HF_BAD_RECORD_MAC);
  cr_assert_eq(hf_box_open(out, &out_len, 3, key, sealed, text("here")), HF_SHORT_OUTPUT);
  cr_assert_eq(hf_box_open(out, &out_len, sizeof(out), key, (hf_bytes){box, 39}, text("here")),
               HF_BAD_RECORD_MAC);
  cr_assert_eq(hf_box_seal(box, &len, in.len + HF_BOX_OVERHEAD - 1, key, in, kNone),
               HF_SHORT_OUTPUT);
  box[30] ^= 1;
  cr_assert_eq(hf_box_open(out, &out_len, sizeof(out), key, sealed, text("here")),
               HF_BAD_RECORD_MAC);
}

/* ---- Cookies, tickets, key log ---- */

/* retry has one server send a HelloRetryRequest with a cookie, and forgets it; e->server is
 * another, which gets the second hello. */
static void retry(struct ends *e) {
  ends_start(e);
  (void)ends_move(e->client, e->client_answers, e->server, e->server_answers);
  (void)ends_move(e->server, e->server_answers, e->client, e->client_answers);
  hf_free(e->server);
  ends_start_server(e);
}

static uint8_t cookie_key[HF_BOX_KEY] = {9};

static void set_cookie_ends(struct ends *e) {
  ends_set(e, "ecdsa-p256");
  e->server_settings.flags = HF_DEMAND_COOKIE;
  cr_assert_eq(hf_answers_set_cookie_key(e->server_answers, cookie_key, text("192.0.2.1:5")),
               HF_OK);
}

Test(answers, a_cookie_is_opened_by_a_server_that_did_not_make_it) {
  struct ends e;
  hf_facts facts;
  set_cookie_ends(&e);
  retry(&e);
  ends_run(&e);
  cr_assert(ends_ready(&e));
  hf_get_facts(&facts, e.client);
  cr_assert(facts.retried);
  ends_free(&e);
}

Test(answers, a_cookie_of_another_peer_or_key_is_refused) {
  struct ends e;
  static uint8_t long_peer[65], other_key[HF_BOX_KEY];
  set_cookie_ends(&e);
  retry(&e);
  cr_assert_eq(hf_answers_set_cookie_key(e.server_answers, cookie_key, text("192.0.2.2:5")), HF_OK);
  ends_run(&e);
  cr_assert_eq(alert_of(e.server, HF_REFUSED), 47);
  ends_free(&e);
  set_cookie_ends(&e);
  retry(&e);
  cr_assert_eq(hf_answers_set_cookie_key(e.server_answers, other_key, text("192.0.2.1:5")), HF_OK);
  ends_run(&e);
  cr_assert_eq(alert_of(e.server, HF_REFUSED), 47);
  cr_assert_eq(hf_answers_set_cookie_key(e.server_answers, cookie_key, (hf_bytes){long_peer, 65}),
               HF_MISUSE);
  ends_free(&e);
}

/* old_cookie answers the first HF_ASK_COOKIE of |conn| with a cookie that is |age| milliseconds
 * old. */
static void old_cookie(hf_conn *conn, uint64_t age) {
  const hf_question_t *question = hf_question(conn);
  uint8_t plain[8 + 64], cookie[sizeof(plain) + HF_BOX_OVERHEAD];
  size_t len;
  cr_assert(question->ask == HF_ASK_COOKIE && question->cookie.make);
  uint64_t made = hf_now() - age;
  for (int i = 0; i < 8; i++) plain[i] = (uint8_t)(made >> (56 - 8 * i));
  memcpy(plain + 8, question->cookie.content.data, question->cookie.content.len);
  cr_assert_eq(
      hf_box_seal(cookie, &len, sizeof(cookie), cookie_key,
                  (hf_bytes){plain, 8 + question->cookie.content.len}, text("192.0.2.1:5")),
      HF_OK);
  cr_assert_eq(hf_answer_cookie(conn, (hf_bytes){cookie, len}), HF_OK);
}

static void try_old_cookie(struct ends *e, uint64_t age) {
  hf_answers *none = hf_answers_new();
  set_cookie_ends(e);
  ends_start(e);
  (void)ends_move(e->client, e->client_answers, e->server, none);
  (void)ends_move(e->server, none, e->client, e->client_answers);
  old_cookie(e->server, age);
  (void)ends_move(e->server, none, e->client, e->client_answers);
  hf_free(e->server);
  hf_answers_free(none);
  ends_start_server(e);
  ends_run(e);
}

Test(answers, a_cookie_is_good_for_a_minute) {
  struct ends e;
  try_old_cookie(&e, 50 * 1000);
  cr_assert(ends_ready(&e));
  ends_free(&e);
  try_old_cookie(&e, 61 * 1000);
  cr_assert_eq(alert_of(e.server, HF_REFUSED), 47);
  ends_free(&e);
}

Test(answers, a_cookie_question_without_a_key_is_the_callers) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  e.server_settings.flags = HF_DEMAND_COOKIE;
  ends_meet(&e);
  cr_assert((hf_wants(e.server) & HF_WANT_ANSWER) != 0);
  cr_assert_eq(hf_question(e.server)->ask, HF_ASK_COOKIE);
  cr_assert_not(hf_answer(e.server, e.server_answers));
  ends_free(&e);
}

static uint8_t kept[4096];
static size_t kept_len;

static void keep(const hf_question_t *question, void *arg) {
  (void)arg;
  cr_assert_leq(question->keep.state.len, sizeof(kept));
  memcpy(kept, question->keep.state.data, question->keep.state.len);
  kept_len = question->keep.state.len;
}

Test(answers, tickets_are_made_kept_and_known_again) {
  struct ends e;
  hf_facts facts;
  uint8_t keys[2 * HF_BOX_KEY] = {1};
  ends_set(&e, "ecdsa-p256");
  e.server_settings.flags = HF_ISSUE_TICKETS;
  hf_answers_set_keeper(e.client_answers, keep, NULL);
  cr_assert_eq(hf_answers_set_ticket_keys(e.server_answers, keys, 1), HF_OK);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  cr_assert_gt(kept_len, 0);
  ends_part(&e);
  /* The key has become the second one. */
  memset(keys, 7, HF_BOX_KEY);
  keys[HF_BOX_KEY] = 1;
  cr_assert_eq(hf_answers_set_ticket_keys(e.server_answers, keys, 2), HF_OK);
  static uint8_t session[4096];
  memcpy(session, kept, kept_len);
  e.client_start.session = (hf_bytes){session, kept_len};
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  hf_get_facts(&facts, e.client);
  cr_assert(facts.resumed);
  ends_part(&e);
  /* And is gone. */
  cr_assert_eq(hf_answers_set_ticket_keys(e.server_answers, keys, 1), HF_OK);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  hf_get_facts(&facts, e.client);
  cr_assert_not(facts.resumed);
  cr_assert_eq(hf_answers_set_ticket_keys(e.server_answers, keys, HF_BOX_KEYS_MAX + 1), HF_MISUSE);
  ends_free(&e);
}

/* What the caller has on libcrypto's queue is still there after what did not fail, and after a box
 * that does not open. */
Test(answers, the_callers_errors_stay) {
  uint8_t key[HF_BOX_KEY] = {1}, wrong[HF_BOX_KEY] = {2}, box[64], out[64];
  size_t len, out_len;
  hf_credential *credential;
  hf_status status;
  ERR_put_error(ERR_LIB_USER, 0, 77, "here", 1);
  status = hf_credential_load(&credential, cert_path("rsa-2048.pem"), cert_path("rsa-2048.key"));
  cr_assert_eq(status, HF_OK);
  cr_assert_eq(hf_box_seal(box, &len, sizeof box, key, text("in"), kNone), HF_OK);
  status = hf_box_open(out, &out_len, sizeof out, wrong, (hf_bytes){box, len}, kNone);
  cr_assert_eq(status, HF_BAD_RECORD_MAC);
  uint32_t error = ERR_get_error();
  cr_assert_eq(ERR_GET_REASON(error), 77);
  cr_assert_eq(ERR_peek_error(), 0);
  hf_credential_free(credential);
}

static int log_lines;

static void log_line(const char *line, void *arg) {
  cr_assert(arg == &log_lines);
  cr_assert(strchr(line, ' ') != NULL && strchr(line, '\n') == NULL);
  log_lines++;
}

Test(answers, secrets_are_logged) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  e.client_settings.flags = HF_EXPORT_SECRETS;
  hf_answers_set_keylog(e.client_answers, log_line, &log_lines);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  cr_assert_eq(log_lines, 5);
  ends_free(&e);
}

/* ---- The object ---- */

Test(answers, a_duplicate_answers_the_same) {
  struct ends e;
  hf_facts facts;
  ends_set(&e, "ecdsa-p256");
  e.client_settings.alpn = text("\2h2");
  cr_assert_eq(hf_answers_set_alpn(e.server_answers, text("\2h2")), HF_OK);
  cr_assert_eq(hf_answers_set_peer_name(e.client_answers, "server.example"), HF_OK);
  hf_answers *client = hf_answers_dup(e.client_answers), *server = hf_answers_dup(e.server_answers);
  hf_answers_free(e.client_answers);
  hf_answers_free(e.server_answers);
  e.client_answers = client;
  e.server_answers = server;
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  hf_get_facts(&facts, e.client);
  cr_assert_eq(facts.alpn.len, 2);
  ends_free(&e);
}

Test(answers, with_no_question_there_is_no_answer) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  cr_assert_not(hf_answer(e.client, e.client_answers));
  ends_free(&e);
}
