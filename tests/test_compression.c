/* test_compression.c - RFC 8879: compressed certificates, both ways.  The engine neither compresses
 * nor decompresses: an identity brings what is compressed, and HF_ASK_DECOMPRESS asks for what
 * comes out.  "Compressed" is here any string that the answer knows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "pair.h"
#include "rules.h"

static const uint16_t zlib[] = {1}, brotli[] = {2};
static const char squeezed[] = "squeezed";

/* What DECOMPRESS is answered with. */
struct opener {
  struct buf body;
  size_t asked;
  uint16_t algorithm;
  uint32_t length;
  bool data_is_right, refuse;
};

static bool decompress(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct opener *opener = arg;
  if (question->ask != HF_ASK_DECOMPRESS) return false;
  opener->asked++;
  opener->algorithm = question->decompress.algorithm;
  opener->length = question->decompress.length;
  opener->data_is_right = bytes_equal(question->decompress.data, bytes_of(squeezed));
  *answer = (struct side_answer){
      .ask = question->ask, .refuse = opener->refuse, .alert = AL_BAD_CERTIFICATE};
  answer->bytes = (hf_bytes){opener->body.data, opener->body.len};
  return true;
}

/* The Certificate message of |name|. */
static void certificate_of(struct buf *out, const char *name) {
  hf_bytes chain[8];
  size_t num = credential_chain(chain, 8, name);
  body_of_certificate(out, chain, num);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
}

/* Loads |name| with a compressed form beside it, and the opener that knows it. */
static struct credential *load_compressed(const char *name, struct opener *opener) {
  struct credential *credential = credential_load(name);
  memset(opener, 0, sizeof *opener);
  certificate_of(&opener->body, name);
  cr_assert_eq(hf_identity_set_compressed(credential->identity, 1, (uint32_t)opener->body.len,
                                          bytes_of(squeezed)),
               HF_OK);
  return credential;
}

static void check_opened(const struct opener *opener, size_t times) {
  cr_expect_eq(opener->asked, times);
  if (times == 0) return;
  cr_expect_eq(opener->algorithm, 1);
  cr_expect_eq(opener->length, opener->body.len);
  cr_expect(opener->data_is_right);
}

/* R-8879-4-1 R-8879-3-1: the server's chain, where the client takes the algorithm, and where it
 * does not. */
Test(compression, of_the_server) {
  const hf_codes offers[] = {{zlib, 1}, {brotli, 1}, {NULL, 0}};
  for (size_t i = 0; i < 3; i++) {
    struct opener opener;
    struct side_setup client, server;
    struct pair pair;
    struct credential *credential = load_compressed("ecdsa-p256", &opener);
    pair_setup(&client, &server, credential, 21);
    client.settings.decompressors = offers[i];
    client.answer = decompress;
    client.arg = &opener;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_expect(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.client)));
    check_opened(&opener, i == 0);
    cr_expect_eq(pair.client.asked[HF_ASK_VERDICT], 1u);
    for (size_t piece = 0; piece < 3; piece++) {
      const char *differs = side_replay(&pair.client, piece);
      cr_expect_null(differs, "%s", differs);
    }
    pair_free(&pair);
    buf_free(&opener.body);
    credential_free(credential);
  }
}

/* R-8879-4-1 R-8879-3-1: the client's chain, where the server takes the algorithm, and where it
 * does not. */
Test(compression, of_the_client) {
  for (size_t takes = 0; takes < 2; takes++) {
    struct opener opener;
    struct side_setup client, server;
    struct pair pair;
    struct credential *own = load_compressed("client-ecdsa-p256", &opener);
    struct credential *credential = credential_load("ecdsa-p256");
    pair_setup(&client, &server, credential, 22);
    client.credential = own;
    server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
    if (takes) server.settings.decompressors = (hf_codes){zlib, 1};
    server.answer = decompress;
    server.arg = &opener;
    cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
    cr_expect(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.server)));
    check_opened(&opener, takes);
    cr_expect_eq(pair.server.asked[HF_ASK_VERDICT], 1u);
    pair_free(&pair);
    buf_free(&opener.body);
    credential_free(own);
    credential_free(credential);
  }
}

/* Begins a client that takes zlib against a crafted server; EncryptedExtensions are said. */
static void begin(struct craft_play *play, struct opener *opener) {
  struct side_setup setup;
  memset(opener, 0, sizeof *opener);
  certificate_of(&opener->body, "ecdsa-p256");
  rules_setup(&setup, HF_CLIENT, 0);
  setup.settings.decompressors = (hf_codes){zlib, 1};
  setup.answer = decompress;
  setup.arg = opener;
  cr_assert(play_new(play, &setup, "ecdsa-p256", 0x0403));
  cr_assert(play_until(play, SERVER_SAID_EXTENSIONS));
}

static void say_compressed(struct craft_play *play, uint16_t algorithm, size_t length,
                           const char *data) {
  struct buf body = {0};
  put16(&body, algorithm);
  put24(&body, (unsigned)length);
  put_vector(&body, 3, data, strlen(data));
  rules_say(play, MSG_COMPRESSED_CERTIFICATE, &body);
}

static void expect(struct craft_play *play, struct opener *opener, int alert, const char *what) {
  const char *wrong = rules_verdict(play, alert);
  cr_expect_null(wrong, "%s: %s", what, wrong);
  buf_free(&opener->body);
  rules_free(play);
}

/* R-8879-4-2 R-8879-4-3 R-8879-4-4: what is wrong before it is decompressed. */
Test(compression, malformed_messages) {
  struct craft_play play;
  struct opener opener;
  begin(&play, &opener);
  say_compressed(&play, 2, opener.body.len, squeezed);
  expect(&play, &opener, AL_ILLEGAL_PARAMETER, "an algorithm that was not offered");
  begin(&play, &opener);
  say_compressed(&play, 1, opener.body.len, "");
  cr_expect_eq(side_fault(&play.side), HF_BAD_DECOMPRESSION);
  expect(&play, &opener, AL_BAD_CERTIFICATE, "nothing in it");
  begin(&play, &opener);
  say_compressed(&play, 1, 0xffffff, squeezed);
  cr_expect_eq(side_fault(&play.side), HF_CERTIFICATE_TOO_LONG);
  expect(&play, &opener, AL_BAD_CERTIFICATE, "16 MB out of 8 bytes");
  begin(&play, &opener);
  struct buf body = rules_bytes("\0\1\0\0", 4);
  rules_say(&play, MSG_COMPRESSED_CERTIFICATE, &body);
  expect(&play, &opener, AL_DECODE_ERROR, "a message that is cut off");
}

/* R-8879-4-3 R-8879-4-5: what comes out is a Certificate message like any other, of the length that
 * was announced. */
Test(compression, what_comes_out) {
  struct craft_play play;
  struct opener opener;
  begin(&play, &opener);
  say_compressed(&play, 1, opener.body.len + 1, squeezed);
  expect(&play, &opener, AL_BAD_CERTIFICATE, "it is shorter than announced");
  begin(&play, &opener);
  put8(&opener.body, 0);
  say_compressed(&play, 1, opener.body.len, squeezed);
  expect(&play, &opener, AL_DECODE_ERROR, "a byte behind it");
  begin(&play, &opener);
  opener.body.data[0] = 1;
  say_compressed(&play, 1, opener.body.len, squeezed);
  hf_fault fault;
  hf_get_fault(&fault, play.side.conn);
  cr_expect_neq(fault.status, HF_OK, "a context");
  rules_free(&play);
  buf_free(&opener.body);
  begin(&play, &opener);
  opener.refuse = true;
  say_compressed(&play, 1, opener.body.len, squeezed);
  expect(&play, &opener, AL_BAD_CERTIFICATE, "it cannot be decompressed");
}

/* R-8879-4-1: and to the end: the transcript holds the message as it was sent. */
Test(compression, to_the_end) {
  struct craft_play play;
  struct opener opener;
  begin(&play, &opener);
  say_compressed(&play, 1, opener.body.len, squeezed);
  play.step = SERVER_SAID_CERTIFICATE;
  cr_expect(play_until(&play, SERVER_DONE));
  cr_expect(side_is_ready(&play.side));
  expect(&play, &opener, AL_NONE, "a compressed certificate");
}

/* R-8879-3-2: the extension itself. */
Test(compression, malformed_extension) {
  static const struct {
    const char *body;
    size_t len;
  } bad[] = {{"\0", 1}, {"\1\1", 2}, {"\2\0\1\0", 4}, {"", 0}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct craft_play play;
    rules_server(&play, 0, NULL, 0);
    struct buf body = {0};
    craft_default_client_hello(&play.craft, &play.client);
    craft_set_ext(&play.client, 27, bad[i].body, bad[i].len);
    craft_write_hello(&body, &play.client, false);
    rules_say(&play, MSG_CLIENT_HELLO, &body);
    const char *wrong = rules_verdict(&play, AL_DECODE_ERROR);
    cr_expect_null(wrong, "%zu: %s", i, wrong);
    rules_free(&play);
  }
}

/* ---- HF_ASK_COMPRESS ---- */

/* presser answers COMPRESS, and DECOMPRESS by what COMPRESS was about; |squeezes_nothing|: COMPRESS
 * with the question's own memory. */
struct presser {
  struct buf body;
  size_t asked, num_algorithms;
  uint16_t first;
  bool declines, squeezes_nothing;
};

static bool press(void *arg, struct side_answer *answer, const hf_question_t *question) {
  struct presser *presser = arg;
  if (question->ask != HF_ASK_COMPRESS && question->ask != HF_ASK_DECOMPRESS) return false;
  *answer = (struct side_answer){.ask = question->ask};
  if (question->ask == HF_ASK_COMPRESS) {
    const hf_bytes message = question->compress.message;
    presser->asked++;
    presser->num_algorithms = question->compress.algorithms.num;
    presser->first = question->compress.algorithms.list[0];
    presser->body.len = 0;
    buf_add(&presser->body, message.data, message.len);
    answer->index = presser->first;
    answer->bytes =
        presser->squeezes_nothing ? message : bytes_of(presser->declines ? "" : squeezed);
    return true;
  }
  const hf_bytes body = {presser->body.data, presser->body.len};
  answer->refuse = !bytes_equal(question->decompress.data,
                                presser->squeezes_nothing ? body : bytes_of(squeezed)) ||
                   question->decompress.length != presser->body.len;
  answer->bytes = body;
  return true;
}

static void press_once(struct presser *presser, hf_codes takes, bool client_too, size_t asked) {
  static const uint16_t ours[] = {3, 2, 1};
  struct side_setup client, server;
  struct pair pair;
  struct credential *credential = credential_load("ecdsa-p256");
  struct credential *own = credential_load("client-ecdsa-p256");
  pair_setup(&client, &server, credential, 23);
  client.settings.decompressors = takes;
  client.settings.flags |= HF_REQUEST_OCSP;
  server.settings.compressors = (hf_codes){ours, 3};
  if (client_too) {
    client.credential = own;
    client.settings.compressors = (hf_codes){ours, 3};
    server.settings.decompressors = takes;
    server.settings.flags = HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  }
  client.answer = server.answer = press;
  client.arg = server.arg = presser;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  cr_expect(pair_run(&pair), "%s", hf_status_text(side_fault(&pair.client)));
  cr_expect_eq(presser->asked, asked);
  cr_expect_eq(pair.client.asked[HF_ASK_DECOMPRESS] + pair.server.asked[HF_ASK_DECOMPRESS],
               presser->declines ? 0 : asked);
  for (size_t piece = 0; piece < 3; piece++) {
    const char *differs = side_replay(&pair.server, piece);
    cr_expect_null(differs, "%s", differs);
  }
  pair_free(&pair);
  buf_free(&presser->body);
  credential_free(credential);
  credential_free(own);
}

/* R-8879-3-1 R-8879-4-1: what would be sent is asked to be compressed, by what both sides have. */
Test(compression, on_demand) {
  static const uint16_t takes[] = {1, 2, 9}, others[] = {9};
  struct presser presser = {.asked = 0};
  press_once(&presser, (hf_codes){takes, 3}, false, 1);
  cr_expect_eq(presser.num_algorithms, 2u);
  cr_expect_eq(presser.first, 2, "this side's order");
  presser = (struct presser){.asked = 0};
  press_once(&presser, (hf_codes){takes, 3}, true, 2);
  presser = (struct presser){.asked = 0};
  press_once(&presser, (hf_codes){others, 1}, true, 0);
  presser = (struct presser){.squeezes_nothing = true};
  press_once(&presser, (hf_codes){takes, 3}, true, 2);
  presser = (struct presser){.declines = true};
  press_once(&presser, (hf_codes){takes, 3}, true, 2);
}

/* R-8879-3-1: an answer may be what the question points at: the message, left as it is. */
Test(compression, an_answer_out_of_the_question) {
  static const uint16_t algorithm[] = {1};
  struct side_setup client, server;
  struct pair pair;
  struct buf message = {0};
  struct credential *credential = credential_load("ecdsa-p256");
  pair_setup(&client, &server, credential, 24);
  client.settings.decompressors = server.settings.compressors = (hf_codes){algorithm, 1};
  server.leaves = HF_ASK_COMPRESS;
  cr_assert_eq(pair_new(&pair, &client, &server, 0), HF_OK);
  (void)pair_run(&pair);
  const hf_bytes asked = hf_question(pair.server.conn)->compress.message;
  cr_assert_gt(asked.len, 0u);
  buf_add(&message, asked.data, asked.len);
  cr_assert_eq(hf_answer_compress(pair.server.conn, 1, asked), HF_OK);
  cr_assert_eq(hf_question(pair.server.conn)->ask, HF_ASK_SIGNATURE);
  cr_expect(bytes_equal(pair.server.conn->hs->compressed, (hf_bytes){message.data, message.len}));
  buf_free(&message);
  pair_free(&pair);
  credential_free(credential);
}
