/* handfast/answers.h: whom it trusts, and with which alert it does not. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/x509.h>

#include "ends.h"

TestSuite(answers_trust, .timeout = 60);

/* ---- Trust ---- */

struct bad_case {
  char name[16];
  uint8_t alert;
  long result;
};

ParameterizedTestParameters(answers_trust, bad_chains_are_refused_with_their_alert) {
  static struct bad_case cases[] = {
      {"wrong-ca", 48, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
      {"self-signed", 48, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
      {"expired", 45, X509_V_ERR_CERT_HAS_EXPIRED},
      {"not-yet-valid", 45, X509_V_ERR_CERT_NOT_YET_VALID},
      {"wrong-name", 42, X509_V_ERR_HOSTNAME_MISMATCH},
  };
  return cr_make_param_array(struct bad_case, cases, 5);
}

ParameterizedTest(struct bad_case *c, answers_trust, bad_chains_are_refused_with_their_alert) {
  struct ends e;
  ends_set(&e, c->name);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED), c->alert);
  cr_assert_eq(hf_answers_verify_result(e.client_answers), c->result);
  cr_assert_eq(alert_of(e.server, HF_PEER_ALERT), c->alert);
  ends_free(&e);
}

Test(answers_trust, nobody_is_trusted_without_a_store) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  hf_answers_set_store(e.client_answers, NULL);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED), 48);
  ends_free(&e);
}

Test(answers_trust, names_are_demanded_as_set) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  /* An address; a name that it is not for; none at all. */
  cr_assert_eq(hf_answers_set_peer_name(e.client_answers, "127.0.0.1"), HF_OK);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  ends_part(&e);
  cr_assert_eq(hf_answers_set_peer_name(e.client_answers, "10.0.0.1"), HF_OK);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED), 42);
  cr_assert_eq(hf_answers_verify_result(e.client_answers), X509_V_ERR_IP_ADDRESS_MISMATCH);
  ends_part(&e);
  cr_assert_eq(hf_answers_set_peer_name(e.client_answers, "other.example"), HF_OK);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED), 42);
  ends_part(&e);
  cr_assert_eq(hf_answers_set_peer_name(e.client_answers, ""), HF_OK);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  ends_free(&e);
}

/* Names in hf_answers_param: one of the same kind gives way, one of the other kind does not. */
Test(answers_trust, a_name_replaces_those_of_its_kind) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  X509_VERIFY_PARAM *param = hf_answers_param(e.client_answers);
  cr_assert_eq(X509_VERIFY_PARAM_set1_host(param, "other.example", 13), 1);
  cr_assert_eq(hf_answers_set_peer_name(e.client_answers, "localhost"), HF_OK);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  ends_part(&e);
  cr_assert_eq(hf_answers_set_peer_name(e.client_answers, "127.0.0.1"), HF_OK);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED), 42);
  cr_assert_eq(hf_answers_verify_result(e.client_answers), X509_V_ERR_HOSTNAME_MISMATCH);
  ends_free(&e);
}

/* hf_facts.close_sent speaks of this side's alert, not of the peer's. */
Test(answers_trust, who_refuses_has_sent_the_end) {
  struct ends e;
  hf_facts client, server;
  ends_set(&e, "self-signed");
  ends_meet(&e);
  (void)alert_of(e.client, HF_REFUSED);
  (void)alert_of(e.server, HF_PEER_ALERT);
  hf_get_facts(&client, e.client);
  hf_get_facts(&server, e.server);
  cr_assert(client.close_sent);
  cr_assert_not(server.close_sent);
  ends_free(&e);
}

Test(answers_trust, a_client_that_knows_no_name_trusts_nobody) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  e.client_start.server_name = (hf_bytes){NULL, 0};
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED), 42);
  cr_assert_eq(hf_answers_verify_result(e.client_answers), X509_V_ERR_HOSTNAME_MISMATCH);
  ends_free(&e);
}

static int verifier_calls;

static int trust_all(X509_STORE_CTX *ctx, void *arg) {
  cr_assert(arg == &verifier_calls);
  verifier_calls++;
  return X509_verify_cert(ctx) == 1 || 1;
}

static int trust_none(X509_STORE_CTX *ctx, void *arg) {
  (void)arg;
  X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REVOKED);
  return 0;
}

Test(answers_trust, a_verifier_has_the_last_word) {
  struct ends e;
  ends_set(&e, "self-signed");
  hf_answers_set_verifier(e.client_answers, trust_all, &verifier_calls);
  ends_meet(&e);
  cr_assert(ends_ready(&e));
  cr_assert_eq(verifier_calls, 1);
  cr_assert_eq(hf_answers_verify_result(e.client_answers), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  ends_part(&e);
  hf_answers_set_verifier(e.client_answers, trust_none, NULL);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED), 44);
  ends_free(&e);
}

Test(answers_trust, depth_is_a_parameter) {
  struct ends e;
  ends_set(&e, "ecdsa-p256");
  X509_VERIFY_PARAM_set_depth(hf_answers_param(e.client_answers), 0);
  ends_meet(&e);
  cr_assert_eq(alert_of(e.client, HF_REFUSED),
               hf_verify_alert(hf_answers_verify_result(e.client_answers)));
  ends_free(&e);
}

Test(answers_trust, results_have_their_alerts) {
  cr_assert_eq(hf_verify_alert(X509_V_ERR_CERT_REVOKED), 44);
  cr_assert_eq(hf_verify_alert(X509_V_ERR_CERT_SIGNATURE_FAILURE), 51);
  cr_assert_eq(hf_verify_alert(X509_V_ERR_INVALID_CA), 48);
  cr_assert_eq(hf_verify_alert(X509_V_ERR_INVALID_PURPOSE), 43);
  cr_assert_eq(hf_verify_alert(X509_V_ERR_APPLICATION_VERIFICATION), 40);
  cr_assert_eq(hf_verify_alert(X509_V_ERR_OUT_OF_MEM), 80);
  cr_assert_eq(hf_verify_alert(X509_V_ERR_PERMITTED_VIOLATION), 46);
}
