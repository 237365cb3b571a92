/* plain_ordeal_undefined.c - R-H-45: how the engine goes on depends on no secret.  Each scenario
 * (scenario.h) is played under valgrind's memcheck, for which private keys, PSKs and the secrets of
 * sessions are memory that was never written; and so is what is derived of them.  A branch or an
 * index that depends on one is then reported.
 *
 * What is public by design is defined again where it becomes so, by the functions below, which the
 * linker puts between the engine and libcrypto (Tests.cmake).  Branches of libcrypto's own are let
 * pass by secrets.supp.
 *
 * The program starts valgrind by itself.  With the argument "leaky" the engine is one that compares
 * byte by byte (leaky.c), and must be caught. */
#define _GNU_SOURCE /* memmem, mkstemp */
#include <errno.h>
#include <openssl/aead.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/mem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

#include "engine/engine.h"
#include "scenario.h"
#include "wrap.h"

static void hide(const void *at, size_t len) { (void)VALGRIND_MAKE_MEM_UNDEFINED(at, len); }
static void show(const void *at, size_t len) { (void)VALGRIND_MAKE_MEM_DEFINED(at, len); }
static int known(int result) {
  show(&result, sizeof result);
  return result;
}

/* ---- what is secret ---- */

/* A copy of |state| in which the secret is hidden. */
static struct buf hide_session(hf_bytes state) {
  struct buf copy = {0};
  hf_session_info info;
  if (state.data == NULL) return copy;
  buf_add(&copy, state.data, state.len);
  show(copy.data, copy.len);
  if (hf_session_read(&info, (hf_bytes){copy.data, copy.len}) != HF_OK) return copy;
  uint8_t *secret = memmem(copy.data, copy.len, info.secret, info.secret_len);
  if (secret != NULL) hide(secret, info.secret_len);
  return copy;
}

static hf_psk hide_psk(const hf_psk *psk) {
  static uint8_t room[256];
  hf_psk hidden = *psk;
  if (psk->secret.len > sizeof room) abort();
  memcpy(room, psk->secret.data, psk->secret.len);
  hide(room, psk->secret.len);
  hidden.secret.data = room;
  return hidden;
}

WRAP(hf_status, hf_new, (hf_conn * *out, const hf_config *config, const hf_start *start)) {
  hf_start hidden = *start;
  struct buf session = hide_session(start->session);
  hf_psk psk;
  hide(hidden.entropy.x25519, sizeof hidden.entropy.x25519);
  hide(hidden.entropy.p256, sizeof hidden.entropy.p256);
  hide(hidden.entropy.p384, sizeof hidden.entropy.p384);
  hide(hidden.entropy.p521, sizeof hidden.entropy.p521);
  hide(hidden.entropy.mlkem768, sizeof hidden.entropy.mlkem768);
  hide(hidden.entropy.mlkem1024, sizeof hidden.entropy.mlkem1024);
  if (session.len > 0) hidden.session.data = session.data;
  if (start->num_psks == 1) {
    psk = hide_psk(start->psks);
    hidden.psks = &psk;
  }
  const hf_status status = __real_hf_new(out, config, &hidden);
  buf_free(&session);
  return status;
}

WRAP(hf_status, hf_answer_session, (hf_conn * conn, size_t index, hf_bytes state, unsigned flags)) {
  struct buf session = hide_session(state);
  if (session.len > 0) state.data = session.data;
  const hf_status status = __real_hf_answer_session(conn, index, state, flags);
  buf_free(&session);
  return status;
}

WRAP(hf_status, hf_answer_psk, (hf_conn * conn, size_t index, const hf_psk *psk, unsigned flags)) {
  const hf_psk hidden = hide_psk(psk);
  return __real_hf_answer_psk(conn, index, &hidden, flags);
}

/* ---- what is public: bytes ---- */

/* All that goes out. */
WRAP(hf_status, hf_flush, (hf_conn * conn, size_t *written, uint8_t *out, size_t out_max)) {
  const hf_status status = __real_hf_flush(conn, written, out, out_max);
  show(out, *written);
  return status;
}

WRAP(hf_status, hf_quic_flush,
     (hf_conn * conn, hf_level *level, size_t *written, uint8_t *out, size_t out_max)) {
  const hf_status status = __real_hf_quic_flush(conn, level, written, out, out_max);
  show(out, *written);
  return status;
}

WRAP(int, EVP_AEAD_CTX_seal,
     (const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max, const uint8_t *nonce,
      size_t nonce_len, const uint8_t *in, size_t in_len, const uint8_t *ad, size_t ad_len)) {
  const int ok =
      __real_EVP_AEAD_CTX_seal(ctx, out, out_len, max, nonce, nonce_len, in, in_len, ad, ad_len);
  show(out, *out_len);
  return ok;
}

WRAP(int, EVP_AEAD_CTX_seal_scatter,
     (const EVP_AEAD_CTX *ctx, uint8_t *out, uint8_t *tag, size_t *tag_len, size_t max,
      const uint8_t *nonce, size_t nonce_len, const uint8_t *in, size_t in_len,
      const uint8_t *extra, size_t extra_len, const uint8_t *ad, size_t ad_len)) {
  const int ok = __real_EVP_AEAD_CTX_seal_scatter(ctx, out, tag, tag_len, max, nonce, nonce_len, in,
                                                  in_len, extra, extra_len, ad, ad_len);
  show(out, in_len);
  show(tag, *tag_len);
  return ok;
}

/* Whether a record opens is seen by all.  What is in it is no secret of the handshake, and must be
 * looked at. */
WRAP(int, EVP_AEAD_CTX_open,
     (const EVP_AEAD_CTX *ctx, uint8_t *out, size_t *out_len, size_t max, const uint8_t *nonce,
      size_t nonce_len, const uint8_t *in, size_t in_len, const uint8_t *ad, size_t ad_len)) {
  const int ok =
      __real_EVP_AEAD_CTX_open(ctx, out, out_len, max, nonce, nonce_len, in, in_len, ad, ad_len);
  show(out_len, sizeof *out_len);
  show(out, in_len);
  return known(ok);
}

/* A share is sent. */
WRAP(void, X25519_public_from_private, (uint8_t * out, const uint8_t *key)) {
  __real_X25519_public_from_private(out, key);
  show(out, X25519_PUBLIC_VALUE_LEN);
}

WRAP(size_t, EC_POINT_point2oct,
     (const EC_GROUP *group, const EC_POINT *point, point_conversion_form_t form, uint8_t *out,
      size_t max, BN_CTX *ctx)) {
  size_t len = __real_EC_POINT_point2oct(group, point, form, out, max, ctx);
  show(&len, sizeof len);
  show(out, len);
  return len;
}

/* ticket_age_add, which is derived of a ticket's PSK, is sent, and shows in the next hello. */
WRAP(void, hf_expand,
     (uint8_t * out, size_t out_len, const hf_hmac *hmac, const hf_suite *suite, hf_bytes info)) {
  static const char label[] = "tls13 hf age add";
  __real_hf_expand(out, out_len, hmac, suite, info);
  if (memmem(info.data, info.len, label, strlen(label)) != NULL) show(out, out_len);
}

/* What is in the transcript are messages, binders and Finished with them, that come or go; a hello
 * waits where this side keeps it. */
WRAP(void, hf_transcript_add, (hf_conn * conn, const uint8_t *message, size_t len)) {
  const hf_bytes hello = hf_hello_at(conn, conn->hs->hello.message);
  show(message, len);
  show(hello.data, hello.len);
  __real_hf_transcript_add(conn, message, len);
}

/* One call of it hashes parts of messages, and in side.c the secrets that both sides have given
 * out, to be compared. */
WRAP(uint8_t *, SHA256, (const uint8_t *data, size_t len, uint8_t *out)) {
  uint8_t *digest = __real_SHA256(data, len, out);
  show(digest, SHA256_DIGEST_LENGTH);
  return digest;
}

/* ---- what is public: results ---- */

/* Is Finished, or the binder, the right one?  The peer is told. */
WRAP(int, CRYPTO_memcmp, (const void *a, const void *b, size_t len)) {
  return known(__real_CRYPTO_memcmp(a, b, len));
}

WRAP(int, CBS_mem_equal, (const CBS *cbs, const uint8_t *data, size_t len)) {
  return known(__real_CBS_mem_equal(cbs, data, len));
}

/* Is the shared secret all zeros?  RFC 9846 7.4.2: the handshake ends then. */
WRAP(int, X25519, (uint8_t * out, const uint8_t *key, const uint8_t *peer)) {
  return known(__real_X25519(out, key, peer));
}

/* Is a private key in range?  HF_BAD_ENTROPY says so. */
WRAP(int, BN_is_zero, (const BIGNUM *n)) { return known(__real_BN_is_zero(n)); }

WRAP(int, BN_cmp, (const BIGNUM *a, const BIGNUM *b)) { return known(__real_BN_cmp(a, b)); }

/* Did it work?  It does, but for memory. */
WRAP(int, EC_POINT_mul,
     (const EC_GROUP *group, EC_POINT *r, const BIGNUM *n, const EC_POINT *q, const BIGNUM *m,
      BN_CTX *ctx)) {
  return known(__real_EC_POINT_mul(group, r, n, q, m, ctx));
}

WRAP(int, EC_POINT_get_affine_coordinates_GFp,
     (const EC_GROUP *group, const EC_POINT *point, BIGNUM *x, BIGNUM *y, BN_CTX *ctx)) {
  return known(__real_EC_POINT_get_affine_coordinates_GFp(group, point, x, y, ctx));
}

WRAP(int, BN_bn2bin_padded, (uint8_t * out, size_t len, const BIGNUM *in)) {
  return known(__real_BN_bn2bin_padded(out, len, in));
}

/* ---- groups and suites other than a scenario's own ---- */

static const hf_codes *own_groups, *own_suites;

WRAP(hf_status, hf_config_new, (hf_config * *out, const hf_settings *settings)) {
  hf_settings chosen = *settings;
  if (own_groups != NULL) chosen.groups = *own_groups;
  if (own_suites != NULL) chosen.suites = *own_suites;
  return __real_hf_config_new(out, &chosen);
}

static size_t runs, wrong;

/* Is it still so for the secrets that a side has in the end? */
static bool is_hidden(const struct side *side) {
  uint8_t bits[16] = {0};
  if (!side_is_ready(side)) return true;
  const hf_conn *conn = side->conn;
  const uint8_t *secrets[] = {conn->read.secret, conn->write.secret, conn->exporter};
  for (size_t i = 0; i < 3; i++) {
    (void)VALGRIND_GET_VBITS(secrets[i], bits, 16);
    uint8_t all = 0xff;
    for (size_t k = 0; k < 16; k++) all &= bits[k];
    if (all != 0xff) return false;
  }
  return true;
}

static void play(const struct scenario *scenario) {
  struct scenario_play once;
  const char *what = scenario_play_it(&once, scenario);
  if (what == NULL && !(is_hidden(&once.pair.client) && is_hidden(&once.pair.server)))
    what = "a secret has become known";
  scenario_play_free(&once);
  runs++;
  if (what == NULL) return;
  fprintf(stderr, "%s: %s\n", scenario->name, what);
  wrong++;
}

static void play_all(void) {
  static const uint16_t p384[] = {0x0018}, p521[] = {0x0019};
  static const uint16_t aes256[] = {0x1302, 0xc02c}, chacha[] = {0x1303, 0xcca9};
  static const hf_codes groups[] = {{p384, 1}, {p521, 1}}, suites[] = {{aes256, 2}, {chacha, 2}};
  const size_t step = scenario_whole() ? 1 : 7;
  for (size_t i = 0; i < num_scenarios; i++) play(&scenarios[i]);
  for (size_t i = 0; i < num_scenarios; i += step) {
    if (scenarios[i].parts & (IN_RETRY | IN_NO_SUITE | IN_PSK)) continue;
    for (size_t k = 0; k < 2; k++) {
      own_groups = &groups[k];
      own_suites = &suites[k];
      play(&scenarios[i]);
    }
    own_groups = own_suites = NULL;
  }
}

/* ---- valgrind ---- */

enum { REPORTED = 9 };

static int start_valgrind(char *program, char *log) {
  char *args[] = {"valgrind",
                  "--quiet",
                  "--error-exitcode=9",
                  "--leak-check=no",
                  "--num-callers=40",
                  "--suppressions=" HF_SOURCE_DIR "/tests/secrets.supp",
                  log,
                  program,
                  NULL};
  (void)execvp(args[0], args);
  fprintf(stderr, "valgrind: %s\n", strerror(errno));
  return 1;
}

/* Is the leaky engine caught, and for its comparing? */
static int leaky(char *program) {
  char name[] = "/tmp/handfast-leaky-XXXXXX", log[64], found[256];
  const int file = mkstemp(name);
  if (file < 0) return 1;
  snprintf(log, sizeof log, "--log-file=%s", name);
  const pid_t child = fork();
  if (child == 0) _exit(start_valgrind(program, log));
  int status = 0, named = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 1;
  FILE *lines = fdopen(file, "r");
  while (lines != NULL && fgets(found, sizeof found, lines) != NULL) {
    named += strstr(found, "leaky_CRYPTO_memcmp") != NULL;
  }
  if (lines != NULL) fclose(lines);
  (void)unlink(name);
  printf("status %d, and %d lines name it\n", WEXITSTATUS(status), named);
  return !(WIFEXITED(status) && WEXITSTATUS(status) == REPORTED && named > 0);
}

int main(int argc, char **argv) {
  if (!RUNNING_ON_VALGRIND) {
    return argc == 2 && strcmp(argv[1], "leaky") == 0 ? leaky(argv[0])
                                                      : start_valgrind(argv[0], "--log-fd=2");
  }
  play_all();
  printf("%zu runs of %zu scenarios, %zu wrong; valgrind's own reports are %u\n", runs,
         num_scenarios, wrong, (unsigned)VALGRIND_COUNT_ERRORS);
  return wrong != 0;
}
