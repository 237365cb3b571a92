/* test_pair.c: two engines in memory.  Every suite, group, certificate and kind of retry; a
 * client's certificate; data, key updates and tickets; half-closed connections; a key that does not
 * fit its certificate.  Each conversation is done again from what was kept, its input cut
 * differently, and must come out the same. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "interop.h"
#include "pair.h"

TestSuite(pair, .timeout = 120);

static void again(const struct pair *pair) {
  const char *differs = interop_again(&pair->client);
  cr_assert_null(differs, "client: %s", differs);
  differs = interop_again(&pair->server);
  cr_assert_null(differs, "server: %s", differs);
}

static void ready(struct pair *pair, const char *what) {
  bool done = pair_run(pair);
  cr_assert(done, "%s: client %s %s, server %s %s", what, hf_status_text(side_fault(&pair->client)),
            pair->client.broken, hf_status_text(side_fault(&pair->server)), pair->server.broken);
}

static bool received(const struct side *side, const char *text) {
  return bytes_equal((hf_bytes){side->app.data, side->app.len}, bytes_of(text));
}

/* converse sends data both ways, closes one way and then the other. */
static void converse(struct pair *pair) {
  cr_assert_eq(side_send(&pair->client, (const uint8_t *)"request", 7), HF_OK);
  pair_run(pair);
  cr_assert(received(&pair->server, "request"));
  cr_assert_eq(side_close(&pair->client), HF_OK);
  pair_run(pair);
  cr_assert(hf_wants(pair->server.conn) & HF_CLOSED);
  cr_assert_eq(side_send(&pair->server, (const uint8_t *)"response", 8), HF_OK);
  cr_assert_eq(side_close(&pair->server), HF_OK);
  pair_run(pair);
  cr_assert(received(&pair->client, "response"));
  cr_assert(hf_wants(pair->client.conn) & HF_CLOSED);
}

static void one(const struct interop_case *c, const struct credential *credential, size_t piece) {
  struct side_setup client, server;
  struct interop_lists client_lists, server_lists;
  struct pair pair;
  hf_facts facts;
  interop_client(&client, &client_lists, c);
  client.start.no_compatibility = false;
  interop_server(&server, &server_lists, c, credential);
  cr_assert_eq(pair_new(&pair, &client, &server, piece), HF_OK);
  ready(&pair, interop_title(c));
  for (int i = 0; i < 2; i++) {
    hf_get_facts(&facts, i == 0 ? pair.client.conn : pair.server.conn);
    cr_assert_eq(facts.role, i == 0 ? HF_CLIENT : HF_SERVER);
    cr_assert_eq(facts.version, 0x0304);
    cr_assert_eq(facts.suite, c->suite->code);
    cr_assert_eq(facts.group, c->group->code);
    cr_assert_eq(facts.retried, c->retry || c->cookie);
    cr_assert_eq(i == 0 ? facts.sigalg : facts.own_sigalg, c->cert->code);
  }
  cr_assert_eq(pair.client.asked[HF_ASK_KEEP], 2, "two tickets");
  converse(&pair);
  again(&pair);
  pair_free(&pair);
}

static void all(const struct interop_name *cert) {
  struct credential *credential = credential_load(cert->openssl);
  const size_t pieces[] = {0, 1, 2, 3, 64, 1000};
  cr_assert_not_null(credential);
  for (size_t i = 0; i < (size_t)INTEROP_SUITES * INTEROP_GROUPS * 4; i++) {
    const struct interop_case c = {.suite = &interop_suites[i % 3],
                                   .group = &interop_groups[i / 3 % 3],
                                   .cert = cert,
                                   .retry = (i / 9 & 1) != 0,
                                   .cookie = (i / 9 & 2) != 0};
    one(&c, credential, pieces[i % 6]);
  }
  credential_free(credential);
}

Test(pair, ecdsa_p256) { all(&interop_certs[0]); }
Test(pair, ecdsa_p384) { all(&interop_certs[1]); }
Test(pair, rsa) { all(&interop_certs[2]); }
Test(pair, ed25519) { all(&interop_certs[3]); }

Test(pair, client_certificates) {
  static const char *const names[] = {"client-ecdsa-p256", "client-rsa-2048", "client-ed25519"};
  struct credential *credential = credential_load("ed25519");
  for (size_t i = 0; i < 4; i++) {
    struct credential *own = i < 3 ? credential_load(names[i]) : NULL;
    struct side_setup client, server;
    struct pair pair;
    pair_setup(&client, &server, credential, i);
    client.credential = own;
    server.settings.flags = HF_REQUEST_CLIENT_CERT;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    ready(&pair, i < 3 ? names[i] : "none");
    cr_assert_eq(pair.client.asked[HF_ASK_IDENTITY], 1);
    cr_assert_eq(pair.server.asked[HF_ASK_VERDICT], own != NULL ? 1 : 0);
    converse(&pair);
    again(&pair);
    pair_free(&pair);
    credential_free(own);
  }
  credential_free(credential);
}

Test(pair, client_certificate_required) {
  struct credential *credential = credential_load("ed25519");
  struct side_setup client, server;
  struct pair pair;
  hf_fault fault;
  pair_setup(&client, &server, credential, 1);
  server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert_not(pair_run(&pair));
  cr_assert_eq(side_fault(&pair.server), HF_CERTIFICATE_REQUIRED);
  hf_get_fault(&fault, pair.client.conn);
  cr_assert_eq(fault.status, HF_PEER_ALERT);
  cr_assert_eq(fault.alert, 116);
  again(&pair);
  pair_free(&pair);
  credential_free(credential);
}

Test(pair, key_updates) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 2);
  client.settings.flags = server.settings.flags = HF_EXPORT_SECRETS;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  ready(&pair, "key updates");
  unsigned installs = pair.server.asked[HF_ASK_INSTALL];
  cr_assert_eq(side_rekey(&pair.client, false), HF_OK);
  cr_assert(pair_run(&pair));
  cr_assert_eq(pair.server.asked[HF_ASK_INSTALL] - installs, 1);
  cr_assert_eq(side_rekey(&pair.server, true), HF_OK);
  cr_assert(pair_run(&pair));
  cr_assert_eq(pair.server.asked[HF_ASK_INSTALL] - installs, 3, "the answer to update_requested");
  converse(&pair);
  again(&pair);
  pair_free(&pair);
  credential_free(credential);
}

Test(pair, resumption) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup client, server;
  struct pair pair, second;
  hf_facts facts;
  pair_setup(&client, &server, credential, 3);
  server.settings.flags = HF_ISSUE_TICKETS;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  ready(&pair, "first");
  cr_assert_gt(pair.client.kept.len, 0);
  struct side_setup resumes = client;
  resumes.start.session = (hf_bytes){pair.client.kept.data, pair.client.kept.len};
  resumes.start.now += 5000;
  server.start.now += 5000;
  side_entropy(&resumes.start.entropy, 100);
  side_entropy(&server.start.entropy, 101);
  cr_assert_eq(pair_new(&second, &resumes, &server, 1), HF_OK);
  ready(&second, "second");
  hf_get_facts(&facts, second.client.conn);
  cr_assert(facts.resumed);
  hf_get_facts(&facts, second.server.conn);
  cr_assert(facts.resumed);
  cr_assert_eq(second.client.asked[HF_ASK_VERDICT], 0);
  converse(&second);
  again(&second);
  pair_free(&second);
  pair_free(&pair);
  credential_free(credential);
}

Test(pair, alpn) {
  struct credential *credential = credential_load("ecdsa-p256");
  struct side_setup client, server;
  struct pair pair;
  hf_facts facts;
  pair_setup(&client, &server, credential, 4);
  client.settings.alpn = bytes_of("\x02h2\x08http/1.1");
  server.alpn = bytes_of("http/1.1");
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  ready(&pair, "alpn");
  hf_get_facts(&facts, pair.client.conn);
  cr_assert(bytes_equal(facts.alpn, bytes_of("http/1.1")));
  hf_get_facts(&facts, pair.server.conn);
  cr_assert(bytes_equal(facts.alpn, bytes_of("http/1.1")));
  cr_assert(bytes_equal(facts.server_name, bytes_of("localhost")));
  again(&pair);
  pair_free(&pair);
  credential_free(credential);
}

/* A server that signs with a key that is not its certificate's: RFC 9846 4.5.2 asks for
 * decrypt_error. */
Test(pair, key_not_matching) {
  hf_bytes chain[4];
  size_t num = credential_chain(chain, 4, "ecdsa-p256");
  struct side_setup client, server;
  struct pair pair;
  hf_fault fault;
  struct credential *bad = credential_make(chain, num, credential_key("mismatch"));
  pair_setup(&client, &server, bad, 5);
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert_not(pair_run(&pair));
  hf_get_fault(&fault, pair.client.conn);
  cr_assert_eq(fault.status, HF_BAD_SIGNATURE);
  cr_assert_eq(fault.alert, 51);
  cr_assert_eq(pair.client.asked[HF_ASK_VERDICT], 0, "no verdict on a key that was not shown");
  hf_get_fault(&fault, pair.server.conn);
  cr_assert_eq(fault.status, HF_PEER_ALERT);
  cr_assert_eq(fault.alert, 51);
  again(&pair);
  pair_free(&pair);
  credential_free(bad);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
}

/* keyUsage without digitalSignature: RFC 9846 4.5.1.2. */
Test(pair, key_not_for_signing) {
  struct credential *credential = credential_load("no-signing");
  struct side_setup client, server;
  struct pair pair;
  pair_setup(&client, &server, credential, 6);
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_assert_not(pair_run(&pair));
  cr_assert_eq(side_fault(&pair.client), HF_KEY_USAGE);
  cr_assert_eq(side_fault(&pair.server), HF_PEER_ALERT);
  again(&pair);
  pair_free(&pair);
  credential_free(credential);
}

/* A refused verdict: the alert is the one given, and it arrives. */
static bool refuse_chain(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_VERDICT) return false;
  answer->refuse = true;
  answer->alert = 48;
  return true;
}

Test(pair, chain_refused) {
  struct credential *credential = credential_load("wrong-ca");
  struct side_setup client, server;
  struct pair pair;
  hf_fault fault;
  pair_setup(&client, &server, credential, 7);
  client.answer = refuse_chain;
  cr_assert_eq(pair_new(&pair, &client, &server, 1), HF_OK);
  cr_assert_not(pair_run(&pair));
  hf_get_fault(&fault, pair.client.conn);
  cr_assert_eq(fault.status, HF_REFUSED);
  cr_assert_eq(fault.alert, 48);
  hf_get_fault(&fault, pair.server.conn);
  cr_assert_eq(fault.status, HF_PEER_ALERT);
  cr_assert_eq(fault.alert, 48);
  again(&pair);
  pair_free(&pair);
  credential_free(credential);
}
