/* The rules of questions (test_questions.c) for those that not every handshake asks: COMPRESS and
 * DECOMPRESS, of either role, and ENCAP where libcrypto has ML-KEM: answered late, twice, never, by
 * what is no answer, and refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/base.h>
#include <openssl/bytestring.h>

#include "craft_play.h"
#include "pair.h"

#if BORINGSSL_API_VERSION >= 32
#include <openssl/mlkem.h>
#endif

TestSuite(questions_more, .timeout = 60);

static const uint16_t kZlib[] = {1};
static const char squeezed[] = "squeezed";
static const hf_bytes absent = {NULL, 0}, some = {(const uint8_t *)"\x00\x10some", 6};

/* kind is a question and who is asked it. */
struct kind {
  hf_ask ask;
  bool server;
};

static struct credential *server_credential, *client_credential;
static struct buf body; /* of the Certificate message that was "compressed" */
static struct pair pair;

static void load(const struct kind *kind) {
  server_credential = credential_load("ecdsa-p256");
  client_credential = credential_load("client-ecdsa-p256");
  if (kind->ask != HF_ASK_DECOMPRESS) return;
  hf_bytes chain[8];
  struct credential *shown = kind->server ? client_credential : server_credential;
  size_t num = credential_chain(chain, 8, kind->server ? "client-ecdsa-p256" : "ecdsa-p256");
  body_of_certificate(&body, chain, num);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
  cr_assert_eq(
      hf_identity_set_compressed(shown->identity, 1, (uint32_t)body.len, bytes_of(squeezed)),
      HF_OK);
}

static void unload(void) {
  pair_free(&pair);
  credential_free(server_credential);
  credential_free(client_credential);
  buf_free(&body);
}

/* open_it is how the other side of COMPRESS answers DECOMPRESS. */
static bool open_it(void *arg, struct side_answer *answer, const hf_question_t *question) {
  (void)arg;
  if (question->ask != HF_ASK_DECOMPRESS) return false;
  answer->refuse = !bytes_equal(question->decompress.data, bytes_of(squeezed));
  answer->bytes = (hf_bytes){body.data, body.len};
  return true;
}

static void set_codecs(struct side_setup *asked, struct side_setup *other, hf_ask ask) {
  if (ask == HF_ASK_DECOMPRESS) asked->settings.decompressors = (hf_codes){kZlib, 1};
  if (ask != HF_ASK_COMPRESS) return;
  asked->settings.compressors = other->settings.decompressors = (hf_codes){kZlib, 1};
  other->answer = open_it;
}

/* stop runs a pair until it stands at the question, which nobody answers. */
static hf_conn *stop(const struct kind *kind) {
  static const uint16_t mlkem[] = {0x11ec};
  struct side_setup client, server;
  load(kind);
  pair_setup(&client, &server, server_credential, 31);
  client.credential = client_credential;
  server.settings.flags = HF_REQUEST_CLIENT_CERT;
  if (kind->ask == HF_ASK_ENCAP) {
    client.settings.groups = server.settings.groups = (hf_codes){mlkem, 1};
  }
  set_codecs(kind->server ? &server : &client, kind->server ? &client : &server, kind->ask);
  (kind->server ? &server : &client)->leaves = kind->ask;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  (void)pair_run(&pair);
  hf_conn *conn = kind->server ? pair.server.conn : pair.client.conn;
  cr_assert_eq(hf_question(conn)->ask, kind->ask);
  return conn;
}

/* answer gives the right answer. */
static hf_status answer(hf_conn *conn, hf_ask ask) {
  if (ask == HF_ASK_DECOMPRESS) {
    cr_assert(bytes_equal(hf_question(conn)->decompress.data, bytes_of(squeezed)));
    return hf_answer_decompress(conn, (hf_bytes){body.data, body.len});
  }
  if (ask == HF_ASK_COMPRESS) {
    const hf_bytes message = hf_question(conn)->compress.message;
    cr_assert_eq(hf_question(conn)->compress.algorithms.num, 1u);
    cr_assert_eq(hf_question(conn)->compress.algorithms.list[0], 1);
    buf_add(&body, message.data, message.len);
    return hf_answer_compress(conn, 1, bytes_of(squeezed));
  }
#if BORINGSSL_API_VERSION >= 32
  uint8_t ciphertext[MLKEM768_CIPHERTEXT_BYTES], secret[MLKEM_SHARED_SECRET_BYTES];
  struct MLKEM768_public_key key;
  CBS cbs;
  CBS_init(&cbs, hf_question(conn)->encap.key.data, hf_question(conn)->encap.key.len);
  cr_assert(MLKEM768_parse_public_key(&key, &cbs));
  MLKEM768_encap(ciphertext, secret, &key);
  return hf_answer_encap(conn, (hf_bytes){ciphertext, sizeof ciphertext},
                         (hf_bytes){secret, sizeof secret});
#else
  return HF_MISUSE;
#endif
}

/* R-H-4: what belongs to other questions is MISUSE, and the question stays. */
static void answer_others(hf_conn *conn, hf_ask ask) {
  cr_assert_eq(hf_answer_hello(conn, NULL, absent, NULL), HF_MISUSE);
  cr_assert_eq(hf_answer_cookie(conn, some), HF_MISUSE);
  cr_assert_eq(hf_answer_session(conn, 0, absent, 0), HF_MISUSE);
  cr_assert_eq(hf_answer_identity(conn, NULL), HF_MISUSE);
  cr_assert_eq(hf_answer_signature(conn, some), HF_MISUSE);
  cr_assert_eq(hf_answer_verdict(conn), HF_MISUSE);
  cr_assert_eq(hf_answer_ticket(conn, some), HF_MISUSE);
  cr_assert_eq(hf_answer_done(conn), HF_MISUSE);
  if (ask != HF_ASK_DECOMPRESS) cr_assert_eq(hf_answer_decompress(conn, some), HF_MISUSE);
  cr_assert_eq(hf_answer_encap(conn, some, some), HF_MISUSE); /* of no length that there is */
  cr_assert_eq(hf_answer_compress(conn, 2, some), HF_MISUSE); /* by what was not asked with */
  if (ask != HF_ASK_COMPRESS) cr_assert_eq(hf_answer_compress(conn, 1, absent), HF_MISUSE);
  cr_assert_eq(hf_question(conn)->ask, ask);
}

static void late_and_twice(const struct kind *kind) {
  hf_conn *conn = stop(kind);
  struct side *us = kind->server ? &pair.server : &pair.client;
  answer_others(conn, kind->ask);
  us->setup.leaves = HF_ASK_NONE;
  cr_assert_eq(answer(conn, kind->ask), HF_OK);
  cr_assert_eq(hf_answer_decompress(conn, some), HF_MISUSE);
  cr_assert_eq(hf_answer_encap(conn, some, some), HF_MISUSE);
  cr_assert_eq(hf_answer_compress(conn, 1, some), HF_MISUSE);
  cr_assert_eq(side_feed(us, NULL, 0), HF_OK);
  cr_assert(pair_run(&pair), "%s", hf_status_text(side_fault(us)));
  cr_assert(hf_wants(conn) & HF_READY);
  if (kind->ask == HF_ASK_COMPRESS) {
    cr_assert_eq((kind->server ? &pair.client : &pair.server)->asked[HF_ASK_DECOMPRESS], 1u);
  }
  unload();
}

static void refuse(const struct kind *kind) {
  hf_fault fault;
  hf_conn *conn = stop(kind);
  struct side *us = kind->server ? &pair.server : &pair.client;
  cr_assert_eq(hf_refuse(conn, 49), HF_OK);
  cr_assert_eq(hf_refuse(conn, 49), HF_MISUSE);
  (void)side_feed(us, NULL, 0);
  (void)pair_run(&pair);
  hf_get_fault(&fault, conn);
  cr_assert(fault.status == HF_REFUSED && fault.alert == 49);
  hf_get_fault(&fault, kind->server ? pair.client.conn : pair.server.conn);
  cr_assert(fault.status == HF_PEER_ALERT && fault.alert == 49);
  unload();
}

static void never(const struct kind *kind) {
  (void)stop(kind);
  unload();
}

static void each(const struct kind *kind) {
  late_and_twice(kind);
  refuse(kind);
  never(kind);
}

Test(questions_more, decompress) {
  each(&(struct kind){.ask = HF_ASK_DECOMPRESS, .server = false});
  each(&(struct kind){.ask = HF_ASK_DECOMPRESS, .server = true});
}

Test(questions_more, compress) {
  each(&(struct kind){.ask = HF_ASK_COMPRESS, .server = false});
  each(&(struct kind){.ask = HF_ASK_COMPRESS, .server = true});
}

#if BORINGSSL_API_VERSION >= 32
Test(questions_more, encap) { each(&(struct kind){.ask = HF_ASK_ENCAP, .server = true}); }
#endif
