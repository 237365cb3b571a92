/* test_rules12_exchange.c - TLS 1.2: the messages between the hellos and Finished, each wrong in
 * one thing, to an engine of either role from a crafted peer (craft12.h). */
#include <criterion/criterion.h>
#include <string.h>

#include "craft12.h"

static void expect(struct craft12 *c, int alert, const char *what) {
  const char *wrong = rules_verdict(&c->play, alert);
  cr_expect_null(wrong, "%s: %s", what, wrong);
  craft12_free(c);
}

/* ---- ServerKeyExchange ---- */

enum {
  FAIR,
  WRONG_BIT,    /* of the signature */
  OTHER_PARAMS, /* are signed */
  OTHER_RANDOM, /* is signed */
  NO_SIGNATURE, /* the message ends with the parameters */
  TAIL,         /* a byte more */
  EXPLICIT      /* a curve_type for curves of one's own, all else as it was */
};

struct exchange {
  const char *name;
  const char *params; /* NULL: the right ones */
  size_t params_len;
  uint16_t sigalg;
  int how, alert;
};

#define PARAMS(bytes) bytes, sizeof(bytes) - 1
#define ZEROS_32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct exchange exchanges[] = {
    {"right", NULL, 0, 0x0403, FAIR, AL_NONE},
    /* R-8422-5.4-1: a group that was not offered, or is none of TLS 1.2; a curve of one's own. */
    {"P-384", PARAMS("\3\0\x18\x20" ZEROS_32), 0x0403, FAIR, AL_ILLEGAL_PARAMETER},
    {"unknown group", PARAMS("\3\x7f\x18\x20" ZEROS_32), 0x0403, FAIR, AL_ILLEGAL_PARAMETER},
    {"a hybrid", PARAMS("\3\x11\xec\x20" ZEROS_32), 0x0403, FAIR, AL_ILLEGAL_PARAMETER},
    {"explicit prime", NULL, 0, 0x0403, EXPLICIT, AL_ILLEGAL_PARAMETER},
    /* R-8422-5.4-2 R-8422-5.11-1: points that are none, and the one whose secret is zero. */
    {"zero", PARAMS("\3\0\x1d\x20" ZEROS_32), 0x0403, FAIR, AL_ILLEGAL_PARAMETER},
    {"short point", PARAMS("\3\0\x1d\3abc"), 0x0403, FAIR, AL_ILLEGAL_PARAMETER},
    {"no point", PARAMS("\3\0\x1d\0"), 0x0403, FAIR, AL_ILLEGAL_PARAMETER},
    {"a compressed point", PARAMS("\3\0\x17\x21\2" ZEROS_32), 0x0403, FAIR, AL_ILLEGAL_PARAMETER},
    /* R-4-3: cut. */
    {"nothing", PARAMS(""), 0x0403, NO_SIGNATURE, AL_DECODE_ERROR},
    {"no group", PARAMS("\3\0"), 0x0403, NO_SIGNATURE, AL_DECODE_ERROR},
    {"cut point", PARAMS("\3\0\x1d\x20zzz"), 0x0403, NO_SIGNATURE, AL_DECODE_ERROR},
    {"no signature", NULL, 0, 0x0403, NO_SIGNATURE, AL_DECODE_ERROR},
    {"tail", NULL, 0, 0x0403, TAIL, AL_DECODE_ERROR},
    /* R-5246-7.4.3-1: the signature covers both randoms and the parameters. */
    {"wrong bit", NULL, 0, 0x0403, WRONG_BIT, AL_DECRYPT_ERROR},
    {"other parameters", NULL, 0, 0x0403, OTHER_PARAMS, AL_DECRYPT_ERROR},
    {"other random", NULL, 0, 0x0403, OTHER_RANDOM, AL_DECRYPT_ERROR},
    /* R-5246-7.4.3-2: of TLS 1.2 no curve is part of an algorithm, so 0x0503 fits P-256. */
    {"with SHA-384", NULL, 0, 0x0503, FAIR, AL_NONE},
    {"RSA by an EC key", NULL, 0, 0x0804, FAIR, AL_ILLEGAL_PARAMETER},
    {"Ed25519 by an EC key", NULL, 0, 0x0807, FAIR, AL_ILLEGAL_PARAMETER},
    {"SHA-1", NULL, 0, 0x0203, FAIR, AL_ILLEGAL_PARAMETER},
    {"unknown algorithm", NULL, 0, 0x7f7f, FAIR, AL_ILLEGAL_PARAMETER},
};

static void say_exchange(struct craft12 *c, const struct exchange *e) {
  struct buf params = {0}, body = {0};
  if (e->params == NULL)
    body12_of_params(&params, c);
  else
    buf_add(&params, e->params, e->params_len);
  if (e->how == EXPLICIT) params.data[0] = 1;
  if (e->how == OTHER_RANDOM) c->play.client.random[31] ^= 1;
  (void)body12_of_exchange(&body, c, &params, e->sigalg);
  if (e->how == OTHER_RANDOM) c->play.client.random[31] ^= 1;
  if (e->how == WRONG_BIT) body.data[body.len - 1] ^= 1;
  if (e->how == OTHER_PARAMS) body.data[params.len - 1] ^= 1;
  if (e->how == NO_SIGNATURE) body.len = params.len;
  if (e->how == TAIL) put8(&body, 0);
  buf_free(&params);
  rules_say(&c->play, MSG_SERVER_KEY_EXCHANGE, &body);
}

Test(rules12_exchange, server_key_exchange) {
  static const uint16_t groups[] = {0x001d, 0x0017};
  for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
    struct side_setup setup;
    struct craft12 c;
    craft12_setup(&setup, HF_CLIENT, 0);
    setup.settings.groups = (hf_codes){groups, 2};
    craft12_new(&c, &setup, "ecdsa-p256");
    cr_assert(craft12_until(&c, S12_SAID_CERTIFICATE));
    say_exchange(&c, &exchanges[i]);
    expect(&c, exchanges[i].alert, exchanges[i].name);
  }
}

/* R-8422-5.4-1: a right point on a curve that was not offered. */
Test(rules12_exchange, group_not_offered) {
  static const uint16_t groups[] = {0x0017};
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.settings.groups = (hf_codes){groups, 1};
  craft12_new(&c, &setup, "ecdsa-p256");
  cr_assert(craft12_until(&c, S12_SAID_CERTIFICATE));
  say_exchange(&c, &exchanges[0]);
  expect(&c, AL_ILLEGAL_PARAMETER, "X25519");
}

/* R-5246-7.4.3-3: what a configuration does not take is not offered, nor taken. */
Test(rules12_exchange, algorithm_not_offered) {
  static const uint16_t offered[] = {0x0503, 0x0804};
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.settings.verify_sigalgs = (hf_codes){offered, 2};
  craft12_new(&c, &setup, "ecdsa-p256");
  cr_assert(craft12_until(&c, S12_SAID_CERTIFICATE));
  say_exchange(&c, &exchanges[0]);
  expect(&c, AL_ILLEGAL_PARAMETER, "0x0403");
}

/* ---- Messages that are wrong as they are ---- */

struct message {
  const char *name;
  int step; /* after which it comes */
  uint8_t type;
  const char *body;
  size_t len;
  int alert;
};

static void try_message(const struct message *m, hf_role role, uint32_t flags) {
  struct craft12 c;
  if (role == HF_CLIENT)
    craft12_client(&c, flags);
  else
    craft12_server(&c, flags, "client-ecdsa-p256");
  c.status = m->type == MSG_CERTIFICATE_STATUS;
  c.ticket = m->type == MSG_NEW_SESSION_TICKET;
  cr_assert(craft12_until(&c, m->step), "%s", m->name);
  struct buf body = rules_bytes(m->body, m->len);
  rules_say(&c.play, m->type, &body);
  expect(&c, m->alert, m->name);
}

#define BODY(bytes) bytes, sizeof(bytes) - 1

static const struct message to_client[] = {
    /* R-5246-7.4.2-1 */
    {"no certificate", S12_SAID_HELLO, MSG_CERTIFICATE, BODY("\0\0\0"), AL_DECODE_ERROR},
    {"empty", S12_SAID_HELLO, MSG_CERTIFICATE, BODY(""), AL_DECODE_ERROR},
    {"empty entry", S12_SAID_HELLO, MSG_CERTIFICATE, BODY("\0\0\3\0\0\0"), AL_DECODE_ERROR},
    {"cut entry", S12_SAID_HELLO, MSG_CERTIFICATE, BODY("\0\0\4\0\0\2x"), AL_DECODE_ERROR},
    {"certificate's tail", S12_SAID_HELLO, MSG_CERTIFICATE, BODY("\0\0\4\0\0\1xy"),
     AL_DECODE_ERROR},
    {"no X.509", S12_SAID_HELLO, MSG_CERTIFICATE, BODY("\0\0\4\0\0\1x"), AL_DECODE_ERROR},
    /* R-6066-8-20 */
    {"another status", S12_SAID_CERTIFICATE, MSG_CERTIFICATE_STATUS, BODY("\2\0\0\1x"),
     AL_DECODE_ERROR},
    {"empty status", S12_SAID_CERTIFICATE, MSG_CERTIFICATE_STATUS, BODY("\1\0\0\0"),
     AL_DECODE_ERROR},
    {"cut status", S12_SAID_CERTIFICATE, MSG_CERTIFICATE_STATUS, BODY("\1\0\0\2x"),
     AL_DECODE_ERROR},
    {"status's tail", S12_SAID_CERTIFICATE, MSG_CERTIFICATE_STATUS, BODY("\1\0\0\1xy"),
     AL_DECODE_ERROR},
    /* R-5246-7.4.4-1 */
    {"no types", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\0\0\2\4\3\0\0"),
     AL_DECODE_ERROR},
    {"no algorithms", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\1\100\0\0\0\0"),
     AL_DECODE_ERROR},
    {"odd algorithms", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\1\100\0\3\4\3\4\0\0"),
     AL_DECODE_ERROR},
    {"no names", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\1\100\0\2\4\3"),
     AL_DECODE_ERROR},
    {"empty name", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\1\100\0\2\4\3\0\2\0\0"),
     AL_DECODE_ERROR},
    {"cut name", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\1\100\0\2\4\3\0\3\0\2x"),
     AL_DECODE_ERROR},
    {"request's tail", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\1\100\0\2\4\3\0\0x"),
     AL_DECODE_ERROR},
    {"a name", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\1\100\0\2\4\3\0\3\0\1x"),
     AL_NONE},
    {"unknown types", S12_SAID_EXCHANGE, MSG_CERTIFICATE_REQUEST, BODY("\2\5\6\0\2\1\1\0\0"),
     AL_NONE},
    {"done with a body", S12_SAID_REQUEST, MSG_SERVER_HELLO_DONE, BODY("x"), AL_DECODE_ERROR},
    /* R-5077-3.3-11 */
    {"empty ticket", S12_HEARD_FINISHED, MSG_NEW_SESSION_TICKET, BODY("\0\0\0\1\0\0"), AL_NONE},
    {"no ticket", S12_HEARD_FINISHED, MSG_NEW_SESSION_TICKET, BODY("\0\0\0\1"), AL_DECODE_ERROR},
    {"cut ticket", S12_HEARD_FINISHED, MSG_NEW_SESSION_TICKET, BODY("\0\0\0\1\0\2x"),
     AL_DECODE_ERROR},
    {"ticket's tail", S12_HEARD_FINISHED, MSG_NEW_SESSION_TICKET, BODY("\0\0\0\1\0\1xy"),
     AL_DECODE_ERROR},
    /* R-5246-7.4.9-1 */
    {"wrong verify_data", S12_SAID_SPEC, MSG_FINISHED, BODY("wrong data!!"), AL_DECRYPT_ERROR},
    {"short verify_data", S12_SAID_SPEC, MSG_FINISHED, BODY("wrong data!"), AL_DECRYPT_ERROR},
    {"long verify_data", S12_SAID_SPEC, MSG_FINISHED, BODY("wrong data!!!"), AL_DECRYPT_ERROR},
};

Test(rules12_exchange, messages_to_a_client) {
  for (size_t i = 0; i < sizeof to_client / sizeof *to_client; i++)
    try_message(&to_client[i], HF_CLIENT, HF_REQUEST_OCSP);
}

static const struct message to_server[] = {
    {"cut entry", C12_HEARD_DONE, MSG_CERTIFICATE, BODY("\0\0\4\0\0\2x"), AL_DECODE_ERROR},
    {"no X.509", C12_HEARD_DONE, MSG_CERTIFICATE, BODY("\0\0\4\0\0\1x"), AL_DECODE_ERROR},
    {"none", C12_HEARD_DONE, MSG_CERTIFICATE, BODY("\0\0\0"), AL_NONE},
    /* R-8422-5.7-1 */
    {"empty", C12_SAID_CERTIFICATE, MSG_CLIENT_KEY_EXCHANGE, BODY(""), AL_DECODE_ERROR},
    {"no point", C12_SAID_CERTIFICATE, MSG_CLIENT_KEY_EXCHANGE, BODY("\0"), AL_ILLEGAL_PARAMETER},
    {"short point", C12_SAID_CERTIFICATE, MSG_CLIENT_KEY_EXCHANGE, BODY("\3abc"),
     AL_ILLEGAL_PARAMETER},
    {"zero", C12_SAID_CERTIFICATE, MSG_CLIENT_KEY_EXCHANGE, BODY("\x20" ZEROS_32),
     AL_ILLEGAL_PARAMETER},
    {"cut point", C12_SAID_CERTIFICATE, MSG_CLIENT_KEY_EXCHANGE, BODY("\x20zz"), AL_DECODE_ERROR},
    {"tail", C12_SAID_CERTIFICATE, MSG_CLIENT_KEY_EXCHANGE, BODY("\x20z" ZEROS_32),
     AL_DECODE_ERROR},
    /* R-5246-7.4.8-1 */
    {"wrong signature", C12_SAID_EXCHANGE, MSG_CERTIFICATE_VERIFY, BODY("\4\3\0\4abcd"),
     AL_DECRYPT_ERROR},
    {"another key's", C12_SAID_EXCHANGE, MSG_CERTIFICATE_VERIFY, BODY("\x8\4\0\4abcd"),
     AL_ILLEGAL_PARAMETER},
    {"SHA-1", C12_SAID_EXCHANGE, MSG_CERTIFICATE_VERIFY, BODY("\2\3\0\4abcd"),
     AL_ILLEGAL_PARAMETER},
    {"cut signature", C12_SAID_EXCHANGE, MSG_CERTIFICATE_VERIFY, BODY("\4\3\0\4abc"),
     AL_DECODE_ERROR},
    {"wrong verify_data", C12_SAID_SPEC, MSG_FINISHED, BODY("wrong data!!"), AL_DECRYPT_ERROR},
    {"short verify_data", C12_SAID_SPEC, MSG_FINISHED, BODY("wrong data!"), AL_DECRYPT_ERROR},
    {"empty verify_data", C12_SAID_SPEC, MSG_FINISHED, BODY(""), AL_DECRYPT_ERROR},
};

Test(rules12_exchange, messages_to_a_server) {
  for (size_t i = 0; i < sizeof to_server / sizeof *to_server; i++)
    try_message(&to_server[i], HF_SERVER, HF_REQUEST_CLIENT_CERT);
}

/* R-5246-7.4.9-2: the other side's verify_data is not this one's. */
Test(rules12_exchange, labels_of_finished) {
  for (int role = HF_CLIENT; role <= HF_SERVER; role++) {
    struct craft12 c;
    struct buf body = {0};
    if (role == HF_CLIENT)
      craft12_client(&c, 0);
    else
      craft12_server(&c, 0, NULL);
    cr_assert(craft12_until(&c, role == HF_CLIENT ? (int)S12_SAID_SPEC : (int)C12_SAID_SPEC));
    body12_of_finished(&body, &c, role == HF_SERVER);
    rules_say(&c.play, MSG_FINISHED, &body);
    expect(&c, AL_DECRYPT_ERROR, "the other side's label");
  }
}

/* R-5246-7.4.2-2: the suite is for ECDSA, and the certificate's key is RSA. */
Test(rules12_exchange, key_of_another_kind) {
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  craft12_new(&c, &setup, "rsa-2048");
  cr_assert(craft12_until(&c, S12_SAID_CERTIFICATE));
  expect(&c, AL_ILLEGAL_PARAMETER, "rsa-2048");
}

/* R-5246-7.4.4-2: what the request says is what the question says. */
struct asked {
  size_t num_types, num_sigalgs;
  uint8_t type;
  uint16_t sigalg;
};

static bool look(void *arg, struct side_answer *answer, const hf_question_t *q) {
  struct asked *asked = arg;
  if (q->ask == HF_ASK_IDENTITY) {
    asked->num_types = q->identity.certificate_types.len;
    asked->num_sigalgs = q->identity.sigalgs.num;
    asked->type = q->identity.certificate_types.data[0];
    asked->sigalg = q->identity.sigalgs.list[0];
    answer->none = true;
  }
  return true;
}

Test(rules12_exchange, certificate_types) {
  struct asked asked = {0};
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.answer = look;
  setup.arg = &asked;
  craft12_new(&c, &setup, "ecdsa-p256");
  c.play.request = true;
  cr_assert(craft12_until(&c, S12_DONE) && side_is_ready(&c.play.side));
  cr_expect_eq(asked.num_types, 2u);
  cr_expect_eq(asked.type, 1);
  cr_expect_eq(asked.num_sigalgs, 2u);
  cr_expect_eq(asked.sigalg, 0x0403);
  expect(&c, AL_NONE, "a request");
}

/* An answer may lie in what was asked: what is sent is that. */
static bool echo(void *arg, struct side_answer *answer, const hf_question_t *q) {
  bool *asked = arg;
  if (q->ask != HF_ASK_SIGNATURE) return true;
  *asked = true;
  answer->bytes = q->signature.input;
  return true;
}

Test(rules12_exchange, signature_out_of_the_question) {
  bool asked = false;
  struct side_setup setup;
  struct craft12 c;
  craft12_setup(&setup, HF_CLIENT, 0);
  setup.credential = credential_load("client-ecdsa-p256");
  setup.answer = echo;
  setup.arg = &asked;
  craft12_new(&c, &setup, "ecdsa-p256");
  c.play.request = true;
  cr_expect_not(craft12_until(&c, S12_DONE));
  const struct buf *sent = &c.play.body, *said = &c.play.craft.transcript;
  cr_expect(asked && sent->len > 1004 && said->len > 1000);
  cr_expect_eq(memcmp(sent->data + 4, said->data, 1000), 0);
  expect(&c, AL_NONE, "an echo");
}

/* R-5246-7.4.6-1: no certificate is an empty list; a server that must have one says so. */
Test(rules12_exchange, client_without_certificate) {
  for (int i = 0; i < 2; i++) {
    struct craft12 c;
    craft12_server(&c, i ? HF_REQUIRE_CLIENT_CERT : HF_REQUEST_CLIENT_CERT, NULL);
    (void)craft12_until(&c, C12_DONE);
    cr_expect_eq(side_is_ready(&c.play.side), i == 0);
    expect(&c, i ? AL_HANDSHAKE_FAILURE : AL_NONE, "no certificate");
  }
}
