/* test_auth_rules.c - EncryptedExtensions to Finished, both roles: a crafted peer changes one
 * message of a flight that is otherwise right. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "rules.h"

/* A body said at |step|, of message |type|, instead of the right one. */
struct rule {
  const char *id, *name;
  uint8_t type;
  const char *body;
  size_t len;
  int alert;
};
#define BODY(text) text, sizeof(text) - 1

static void check(struct craft_play *play, const struct rule *rule) {
  const char *wrong = rules_verdict(play, rule->alert);
  cr_expect_null(wrong, "%s %s: %s", rule->id, rule->name, wrong);
}

/* Plays up to |step|, says |rule|'s body, and looks. */
static void say_at(const struct rule *rule, int step) {
  struct craft_play play;
  rules_client(&play);
  play.request = rule->type == MSG_CERTIFICATE_REQUEST;
  cr_assert(play_until(&play, step), "%s", rule->name);
  struct buf body = rules_bytes(rule->body, rule->len);
  rules_say(&play, rule->type, &body);
  check(&play, rule);
  rules_free(&play);
}

#define EE MSG_ENCRYPTED_EXTENSIONS
#define CR MSG_CERTIFICATE_REQUEST
#define CT MSG_CERTIFICATE

static const struct rule extensions[] = {
    {"R-4.3-2", "an unknown extension", EE, BODY("\0\4\x77\x77\0\0"), AL_UNSUPPORTED_EXTENSION},
    {"R-8701-3.1-1", "a GREASE extension", EE, BODY("\0\4\x3a\x3a\0\0"), AL_UNSUPPORTED_EXTENSION},
    {"R-4.4.1-2", "key_share", EE, BODY("\0\6\0\x33\0\2\0\x1d"), AL_ILLEGAL_PARAMETER},
    {"R-4.4.1-2", "supported_versions", EE, BODY("\0\6\0\x2b\0\2\3\4"), AL_ILLEGAL_PARAMETER},
    {"R-4.4.1-2", "signature_algorithms", EE, BODY("\0\x08\0\x0d\0\4\0\2\4\3"),
     AL_ILLEGAL_PARAMETER},
    {"R-4.3-2", "early_data that was not offered", EE, BODY("\0\4\0\x2a\0\0"),
     AL_UNSUPPORTED_EXTENSION},
    {"R-4.3-2", "record_size_limit that was not offered", EE, BODY("\0\6\0\x1c\0\2\x40\0"),
     AL_UNSUPPORTED_EXTENSION},
    {"R-4.3-4", "server_name twice", EE, BODY("\0\x08\0\0\0\0\0\0\0\0"), AL_DECODE_ERROR},
    {"R-6066-3-4", "server_name with a body", EE, BODY("\0\5\0\0\0\1x"), AL_DECODE_ERROR},
    {"R-7301-3.1-4", "a protocol that was not offered", EE, BODY("\0\x08\0\x10\0\4\0\2\1z"),
     AL_ILLEGAL_PARAMETER},
    {"R-7301-3.1-4", "two protocols", EE, BODY("\0\x0a\0\x10\0\6\0\4\1a\1a"), AL_DECODE_ERROR},
    {"R-7301-3.1-4", "no protocol", EE, BODY("\0\6\0\x10\0\2\0\0"), AL_DECODE_ERROR},
    {"R-7301-3.1-4", "an empty protocol", EE, BODY("\0\7\0\x10\0\3\0\1\0"), AL_DECODE_ERROR},
    {"R-4.3-1", "a byte behind the protocol", EE, BODY("\0\x09\0\x10\0\5\0\2\1a\0"),
     AL_DECODE_ERROR},
    {"R-4-3", "a byte behind the extensions", EE, BODY("\0\0\0"), AL_DECODE_ERROR},
    {"R-4-3", "half a length", EE, BODY("\0"), AL_DECODE_ERROR},
    {"R-4-3", "an extension that is cut off", EE, BODY("\0\3\0\0\0"), AL_DECODE_ERROR},
};

Test(auth_rules, encrypted_extensions) {
  for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
    say_at(&extensions[i], SERVER_SAID_HELLO);
}

/* R-7301-3.1-5: a protocol of the server's own, if that is allowed and protocols were offered. */
Test(auth_rules, a_protocol_of_the_servers_own) {
  static const struct rule rules[] = {
      {"R-7301-3.1-5", "offered", EE, BODY("\0\x09\0\x10\0\5\0\3\2bb"), AL_NONE},
      {"R-7301-3.1-5", "not offered", EE, BODY("\0\x08\0\x10\0\4\0\2\1z"), AL_NONE},
      {"R-7301-3.1-4", "two", EE, BODY("\0\x0a\0\x10\0\6\0\4\1z\1z"), AL_DECODE_ERROR},
      {"R-4.3-2", "none offered at all", EE, BODY("\0\x08\0\x10\0\4\0\2\1z"),
       AL_UNSUPPORTED_EXTENSION},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    struct side_setup setup;
    hf_facts facts;
    rules_setup(&setup, HF_CLIENT, HF_ALLOW_UNKNOWN_ALPN);
    if (i == 3) setup.settings.alpn = (hf_bytes){NULL, 0};
    cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
    cr_assert(play_until(&play, SERVER_SAID_HELLO));
    struct buf body = rules_bytes(rules[i].body, rules[i].len);
    rules_say(&play, EE, &body);
    check(&play, &rules[i]);
    hf_get_facts(&facts, play.side.conn);
    if (i == 1) cr_expect(bytes_equal(facts.alpn, bytes_of("z")));
    rules_free(&play);
  }
}

static const struct rule requests[] = {
    {"R-4.4.2-2", "no signature_algorithms", CR, BODY("\0\0\0"), AL_MISSING_EXTENSION},
    {"R-4.4.2-4", "a context", CR, BODY("\1x\0\x08\0\x0d\0\4\0\2\4\3"), AL_ILLEGAL_PARAMETER},
    {"R-4.3-1", "half an algorithm", CR, BODY("\0\0\x09\0\x0d\0\5\0\3\4\3\4"), AL_DECODE_ERROR},
    {"R-4-3", "nothing", CR, "", 0, AL_DECODE_ERROR},
    {"R-6-3", "no authorities", CR, BODY("\0\0\x0e\0\x0d\0\4\0\2\4\3\0\x2f\0\2\0\0"),
     AL_DECODE_ERROR},
    {"R-6-3", "an authority without a name", CR,
     BODY("\0\0\x10\0\x0d\0\4\0\2\4\3\0\x2f\0\4\0\2\0\0"), AL_DECODE_ERROR},
    {"R-4.3-4", "signature_algorithms twice", CR,
     BODY("\0\0\x10\0\x0d\0\4\0\2\4\3\0\x0d\0\4\0\2\4\3"), AL_ILLEGAL_PARAMETER},
    {"R-4.3-3", "key_share", CR, BODY("\0\0\x0e\0\x0d\0\4\0\2\4\3\0\x33\0\2\0\x1d"),
     AL_ILLEGAL_PARAMETER},
    {"R-4-3", "a byte behind the extensions", CR, BODY("\0\0\x08\0\x0d\0\4\0\2\4\3\0"),
     AL_DECODE_ERROR},
    {"R-4.4.2-3 R-8701-4.1-1", "unknown extensions", CR,
     BODY("\0\0\x11\0\x0d\0\4\0\2\4\3\x77\x77\0\1x\x4a\x4a\0\0"), AL_NONE},
};

Test(auth_rules, certificate_requests) {
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
    say_at(&requests[i], SERVER_SAID_EXTENSIONS);
}

static const struct rule certificates[] = {
    {"R-4.5.1-5", "no certificate", CT, BODY("\0\0\0\0"), AL_DECODE_ERROR},
    {"R-4.5.1-3", "a context", CT, BODY("\1x\0\0\6\0\0\1x\0\0"), AL_ILLEGAL_PARAMETER},
    {"R-4.5.1.2-2", "no DER", CT, BODY("\0\0\0\6\0\0\1x\0\0"), AL_DECODE_ERROR},
    {"R-6-3", "an empty certificate", CT, BODY("\0\0\0\5\0\0\0\0\0"), AL_DECODE_ERROR},
    {"R-4-3", "a byte behind the list", CT, BODY("\0\0\0\6\0\0\1x\0\0\0"), AL_DECODE_ERROR},
    {"R-4-3", "an entry that is cut off", CT, BODY("\0\0\0\4\0\0\1x"), AL_DECODE_ERROR},
    {"R-4-3", "nothing", CT, "", 0, AL_DECODE_ERROR},
};

Test(auth_rules, certificates) {
  for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++)
    say_at(&certificates[i], SERVER_SAID_EXTENSIONS);
}

/* Says the right Certificate with |exts| (with its length) behind the first certificate. */
static void say_with_extensions(struct craft_play *play, const void *exts, size_t len) {
  hf_bytes chain[8];
  size_t num = credential_chain(chain, 8, play->name);
  struct buf body = {0}, list = {0};
  put_vector(&list, 3, chain[0].data, chain[0].len);
  buf_add(&list, exts, len);
  put8(&body, 0);
  put_vector(&body, 3, list.data, list.len);
  rules_say(play, MSG_CERTIFICATE, &body);
  buf_free(&list);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
}

/* R-4.5.1-4: extensions of a certificate that were not asked for. */
Test(auth_rules, certificate_extensions) {
  static const struct rule rules[] = {
      {"R-4.5.1-4", "unknown", CT, BODY("\0\4\x77\x77\0\0"), AL_UNSUPPORTED_EXTENSION},
      {"R-4.5.1-4 R-4.3-3", "key_share", CT, BODY("\0\4\0\x33\0\0"), AL_ILLEGAL_PARAMETER},
      {"R-4-3", "cut off", CT, BODY("\0\3\0\x33\0"), AL_DECODE_ERROR},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_SAID_EXTENSIONS));
    say_with_extensions(&play, rules[i].body, rules[i].len);
    check(&play, &rules[i]);
    rules_free(&play);
  }
}

/* R-4.5.1.2-1: a certificate that may not sign; R-4.5.1-7 by ecdsa-p256's chain in other tests. */
Test(auth_rules, key_usage) {
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  cr_assert(play_new(&play, &setup, "no-signing", 0x0403));
  (void)play_until(&play, SERVER_SAID_VERIFY);
  cr_expect_null(rules_verdict(&play, AL_ILLEGAL_PARAMETER));
  rules_free(&play);
}

/* R-4.5.2-3 R-4.5.2-5 R-4.5.2-6 R-4.5.2-7, from the server: what is in CertificateVerify. */
Test(auth_rules, server_signatures) {
  static const struct {
    const char *id;
    uint16_t says;
    int flip, alert;
  } rules[] = {
      {"R-4.5.2-7 a changed signature", 0x0403, 20, AL_DECRYPT_ERROR},
      {"R-4.5.2-3 an unknown algorithm", 0x7777, -1, AL_ILLEGAL_PARAMETER},
      {"R-4.5.2-3 an algorithm that was not offered", 0x0808, -1, AL_ILLEGAL_PARAMETER},
      {"R-4.5.2-5 Ed25519 with a P-256 key", 0x0807, -1, AL_ILLEGAL_PARAMETER},
      {"R-4.5.2-5 P-384 with a P-256 key", 0x0503, -1, AL_ILLEGAL_PARAMETER},
      {"R-4.5.2-5 RSA-PSS with a P-256 key", 0x0804, -1, AL_ILLEGAL_PARAMETER},
      {"R-4.5.2-6 RSA-PKCS1", 0x0401, -1, AL_ILLEGAL_PARAMETER},
      {"R-4.5.2-6 RSA-PKCS1 with SHA-1", 0x0201, -1, AL_ILLEGAL_PARAMETER},
      {"R-4.5.2-6 ECDSA with SHA-1", 0x0203, -1, AL_ILLEGAL_PARAMETER},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    rules_client(&play);
    cr_assert(play_until(&play, SERVER_SAID_CERTIFICATE));
    struct buf body = {0};
    cr_assert(body_of_verify(&body, &play, 0x0403));
    body.data[0] = (uint8_t)(rules[i].says >> 8);
    body.data[1] = (uint8_t)rules[i].says;
    if (rules[i].flip >= 0) body.data[rules[i].flip] ^= 1;
    rules_say(&play, MSG_CERTIFICATE_VERIFY, &body);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "%s: %s", rules[i].id, wrong);
    rules_free(&play);
  }
}

/* R-4-3: CertificateVerify that is cut off, or too long. */
Test(auth_rules, malformed_signatures) {
  static const struct rule rules[] = {
      {"R-4-3", "nothing", MSG_CERTIFICATE_VERIFY, "", 0, AL_DECODE_ERROR},
      {"R-4-3", "an algorithm alone", MSG_CERTIFICATE_VERIFY, BODY("\4\3"), AL_DECODE_ERROR},
      {"R-4-3", "a signature cut off", MSG_CERTIFICATE_VERIFY, BODY("\4\3\0\2x"), AL_DECODE_ERROR},
      {"R-4-3", "no signature", MSG_CERTIFICATE_VERIFY, BODY("\4\3\0\0"), AL_DECRYPT_ERROR},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    say_at(&rules[i], SERVER_SAID_CERTIFICATE);
}

/* R-4.5.2-6: an RSA key that signs with PKCS1 in earnest. */
Test(auth_rules, pkcs1_signature) {
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  cr_assert(play_new(&play, &setup, "rsa-2048", 0x0804));
  cr_assert(play_until(&play, SERVER_SAID_CERTIFICATE));
  struct buf body = {0};
  cr_assert(body_of_verify(&body, &play, 0x0804));
  body.data[0] = 4;
  body.data[1] = 1;
  rules_say(&play, MSG_CERTIFICATE_VERIFY, &body);
  cr_expect_null(rules_verdict(&play, AL_ILLEGAL_PARAMETER));
  rules_free(&play);
}

/* R-4.5.2-2: a signature over another context string. */
Test(auth_rules, signature_of_the_other_side) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_CERTIFICATE));
  struct buf body = {0};
  play.craft.server = false;
  cr_assert(body_of_verify(&body, &play, 0x0403));
  play.craft.server = true;
  rules_say(&play, MSG_CERTIFICATE_VERIFY, &body);
  cr_expect_null(rules_verdict(&play, AL_DECRYPT_ERROR));
  rules_free(&play);
}

/* Says a Finished after |step| that is |len| bytes long, with bit |flip| of its first byte changed.
 */
static void bad_finished(struct craft_play *play, int step, size_t len, uint8_t flip, int alert) {
  struct buf body = {0};
  cr_assert(play_until(play, step));
  body_of_finished(&body, play);
  put8(&body, 0);
  body.data[0] ^= flip;
  body.len = len;
  rules_say(play, MSG_FINISHED, &body);
  const char *wrong = rules_verdict(play, alert);
  cr_expect_null(wrong, "%zu bytes: %s", len, wrong);
  rules_free(play);
}

/* R-4.5.3-1 R-4.5.3-2 R-4.5.3-4: Finished, of both sides; the server's alert comes under
 * application keys. */
Test(auth_rules, finished) {
  static const size_t lengths[] = {0, 12, 31, 33};
  struct craft_play play;
  rules_client(&play);
  bad_finished(&play, SERVER_SAID_VERIFY, 32, 1, AL_DECRYPT_ERROR);
  rules_server(&play, 0, NULL, 0);
  bad_finished(&play, CLIENT_HEARD_FINISHED, 32, 1, AL_DECRYPT_ERROR);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    rules_client(&play);
    bad_finished(&play, SERVER_SAID_VERIFY, lengths[i], 0, AL_DECRYPT_ERROR);
    rules_server(&play, 0, NULL, 0);
    bad_finished(&play, CLIENT_HEARD_FINISHED, lengths[i], 0, AL_DECRYPT_ERROR);
  }
}

/* R-4.5.3-3: one side's Finished is not the other's. */
Test(auth_rules, finished_of_the_other_side) {
  struct craft_play play;
  rules_client(&play);
  cr_assert(play_until(&play, SERVER_SAID_VERIFY));
  uint8_t data[CRAFT_HASH];
  craft_verify_data(&play.craft, data, play.craft.client_secret);
  struct buf body = rules_bytes(data, sizeof data);
  rules_say(&play, MSG_FINISHED, &body);
  cr_expect_null(rules_verdict(&play, AL_DECRYPT_ERROR));
  rules_free(&play);
}

/* ---- The client's certificate ---- */

static const struct rule client_certificates[] = {
    {"R-4.5.1-3", "a context", CT, BODY("\1x\0\0\6\0\0\1x\0\0"), AL_ILLEGAL_PARAMETER},
    {"R-4.5.1.2-2", "no DER", CT, BODY("\0\0\0\6\0\0\1x\0\0"), AL_DECODE_ERROR},
    {"R-4.5.1-4", "an extension", CT, BODY("\0\0\0\x0a\0\0\1x\0\4\x77\x77\0\0"),
     AL_UNSUPPORTED_EXTENSION},
    {"R-4.5.1-6", "none, and none required", CT, BODY("\0\0\0\0"), AL_NONE},
};

Test(auth_rules, client_certificates) {
  for (size_t i = 0; i < sizeof client_certificates / sizeof *client_certificates; i++) {
    const struct rule *rule = &client_certificates[i];
    struct craft_play play;
    rules_server(&play, HF_REQUEST_CLIENT_CERT, "client-ecdsa-p256", 0x0403);
    cr_assert(play_until(&play, CLIENT_HEARD_FINISHED));
    cr_expect(play.requested, "R-4.4.2-1");
    struct buf body = rules_bytes(rule->body, rule->len);
    rules_say(&play, MSG_CERTIFICATE, &body);
    check(&play, rule);
    rules_free(&play);
  }
}

/* R-4.5.1-6: none, and one is required. */
Test(auth_rules, certificate_required) {
  struct craft_play play;
  rules_server(&play, HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT, NULL, 0);
  cr_assert(play_until(&play, CLIENT_SAID_CERTIFICATE));
  cr_expect_null(rules_verdict(&play, AL_CERTIFICATE_REQUIRED));
  rules_free(&play);
}

/* R-4.5.2-1 R-4.5.2-2 R-4.5.1-7 R-4.4.2-1: each kind of key, to the end; the chain as it came; the
 * request as it must be. */
static bool look_at_chain(void *arg, struct side_answer *answer, const hf_question_t *question) {
  size_t *num = arg;
  (void)answer;
  if (question->ask != HF_ASK_VERDICT) return false;
  hf_bytes chain[8];
  size_t want = credential_chain(chain, 8, "client-ecdsa-p256");
  *num = question->verdict.num == want ? want : 0;
  for (size_t i = 0; i < want; i++) {
    if (i < question->verdict.num && !bytes_equal(chain[i], question->verdict.chain[i])) *num = 0;
    free((void *)chain[i].data);
  }
  return false;
}

Test(auth_rules, client_authentication) {
  size_t num = 0;
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_SERVER, HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT);
  setup.answer = look_at_chain;
  setup.arg = &num;
  cr_assert(play_new(&play, &setup, "client-ecdsa-p256", 0x0403));
  cr_expect(play_until(&play, CLIENT_DONE));
  cr_expect_null(rules_verdict(&play, AL_NONE));
  cr_expect(side_is_ready(&play.side));
  cr_expect_gt(num, 0u, "the chain is not the one that was sent");
  static const uint8_t order[] = {MSG_SERVER_HELLO,        MSG_ENCRYPTED_EXTENSIONS,
                                  MSG_CERTIFICATE_REQUEST, MSG_CERTIFICATE,
                                  MSG_CERTIFICATE_VERIFY,  MSG_FINISHED};
  cr_expect_eq(play.heard.len, sizeof order);
  cr_expect_arr_eq(play.heard.data, order, sizeof order);
  rules_free(&play);
}

/* R-4.5.2-4: an algorithm that the request did not have; R-4.5.2-7: a signature that is wrong. */
Test(auth_rules, client_signatures) {
  static const struct {
    uint16_t says;
    int flip, alert;
  } rules[] = {{0x7777, -1, AL_ILLEGAL_PARAMETER},
               {0x0401, -1, AL_ILLEGAL_PARAMETER},
               {0x0203, -1, AL_ILLEGAL_PARAMETER},
               {0x0403, 20, AL_DECRYPT_ERROR}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct craft_play play;
    rules_server(&play, HF_REQUEST_CLIENT_CERT, "client-ecdsa-p256", 0x0403);
    cr_assert(play_until(&play, CLIENT_SAID_CERTIFICATE));
    struct buf body = {0};
    cr_assert(body_of_verify(&body, &play, 0x0403));
    body.data[0] = (uint8_t)(rules[i].says >> 8);
    body.data[1] = (uint8_t)rules[i].says;
    if (rules[i].flip >= 0) body.data[rules[i].flip] ^= 1;
    rules_say(&play, MSG_CERTIFICATE_VERIFY, &body);
    const char *wrong = rules_verdict(&play, rules[i].alert);
    cr_expect_null(wrong, "0x%04x: %s", rules[i].says, wrong);
    rules_free(&play);
  }
}

/* R-4.5.1-2: a client without an identity sends an empty Certificate and no CertificateVerify;
 * unasked, neither. */
Test(auth_rules, client_without_identity) {
  struct craft_play play;
  rules_client(&play);
  play.request = true;
  cr_expect(play_until(&play, SERVER_DONE));
  static const uint8_t order[] = {MSG_CLIENT_HELLO, MSG_CERTIFICATE, MSG_FINISHED};
  cr_expect_eq(play.heard.len, sizeof order);
  cr_expect_arr_eq(play.heard.data, order, sizeof order);
  rules_free(&play);
  rules_client(&play);
  cr_expect(play_until(&play, SERVER_DONE));
  cr_expect_eq(play.heard.len, 2u);
  rules_free(&play);
}

static bool refuse_verdict(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_VERDICT) return false;
  *answer = (struct side_answer){.ask = question->ask, .refuse = true, .alert = 48};
  return true;
}

/* R-4.5.1.3-1 R-H-5: the chain is not trusted: unknown_ca, as the caller says. */
Test(auth_rules, untrusted_chain) {
  struct craft_play play;
  struct side_setup setup;
  rules_setup(&setup, HF_CLIENT, 0);
  setup.answer = refuse_verdict;
  cr_assert(play_new(&play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(&play, SERVER_SAID_FINISHED));
  cr_expect_null(rules_verdict(&play, 48));
  rules_free(&play);
}
