/* answers.c: hf_answers, the usual answers to the engine's questions (handfast/answers.h).
 *
 * Owns: the object and its settings; randomness and time; ALPN, cookies, tickets, key log lines;
 * hf_answer, which sends each question to the function that answers it. Invariants: |param| is
 * never NULL; |alpn| is absent or well formed; an answer function either answers or refuses, and
 * returns false only if it did neither.
 * Leaves to others: credentials and signing (answers_credential.c), trust (answers_verify.c),
 * ML-KEM (answers_encap.c). */
#include "ssl/answers_internal.h"

#include <string.h>
#include <time.h>

#include <openssl/aead.h>
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

/* ---- The object ---- */

hf_answers *hf_answers_new(void) {
  hf_answers *answers = OPENSSL_malloc(sizeof(*answers));
  if (answers == NULL) return NULL;
  memset(answers, 0, sizeof(*answers));
  answers->verify_result = X509_V_ERR_INVALID_CALL;
  answers->param = X509_VERIFY_PARAM_new();
  if (answers->param == NULL) {
    OPENSSL_free(answers);
    return NULL;
  }
  return answers;
}

static bool copy_settings(hf_answers *to, const hf_answers *from) {
  if (!X509_VERIFY_PARAM_set1(to->param, from->param)) return false;
  for (size_t i = 0; i < from->num_credentials; i++)
    if (hf_answers_add_credential(to, from->credentials[i]) != HF_OK) return false;
  hf_answers_set_store(to, from->store);
  if (hf_answers_set_peer_name(to, from->peer_name) != HF_OK) return false;
  if (hf_answers_set_alpn(to, (hf_bytes){from->alpn, from->alpn_len}) != HF_OK) return false;
  hf_answers_set_verifier(to, from->verifier, from->verifier_arg);
  hf_answers_set_keylog(to, from->keylog, from->keylog_arg);
  hf_answers_set_keeper(to, from->keeper, from->keeper_arg);
  to->has_cookie_key = from->has_cookie_key;
  to->cookie_peer_len = from->cookie_peer_len;
  memcpy(to->cookie_key, from->cookie_key, sizeof(to->cookie_key));
  memcpy(to->cookie_peer, from->cookie_peer, sizeof(to->cookie_peer));
  to->num_ticket_keys = from->num_ticket_keys;
  memcpy(to->ticket_keys, from->ticket_keys, sizeof(to->ticket_keys));
  return true;
}

hf_answers *hf_answers_dup(const hf_answers *answers) {
  hf_answers *copy = hf_answers_new();
  if (copy == NULL || copy_settings(copy, answers)) return copy;
  hf_answers_free(copy);
  return NULL;
}

void hf_answers_free(hf_answers *answers) {
  if (answers == NULL) return;
  hf_answers_clear_credentials(answers);
  X509_STORE_free(answers->store);
  X509_VERIFY_PARAM_free(answers->param);
  OPENSSL_free(answers->peer_name);
  OPENSSL_free(answers->alpn);
  OPENSSL_free(answers);
}

hf_status hf_answers_add_credential(hf_answers *answers, hf_credential *credential) {
  size_t num = answers->num_credentials;
  if (num >= SIZE_MAX / sizeof(credential) - 1) return HF_NO_MEMORY;
  hf_credential **grown = OPENSSL_realloc(answers->credentials, (num + 1) * sizeof(credential));
  if (grown == NULL) return HF_NO_MEMORY;
  hf_credential_up_ref(credential);
  grown[num] = credential;
  answers->credentials = grown;
  answers->num_credentials = num + 1;
  return HF_OK;
}

void hf_answers_clear_credentials(hf_answers *answers) {
  for (size_t i = 0; i < answers->num_credentials; i++) hf_credential_free(answers->credentials[i]);
  OPENSSL_free(answers->credentials);
  answers->credentials = NULL;
  answers->num_credentials = 0;
}

void hf_answers_set_store(hf_answers *answers, X509_STORE *store) {
  if (store != NULL) X509_STORE_up_ref(store);
  X509_STORE_free(answers->store);
  answers->store = store;
}

hf_status hf_answers_trust_file(hf_answers *answers, const char *path) {
  if (answers->store == NULL) answers->store = X509_STORE_new();
  if (answers->store == NULL) return HF_NO_MEMORY;
  if (!X509_STORE_load_locations(answers->store, path, NULL)) return HF_MISUSE;
  ERR_clear_error(); /* libcrypto does as much at the file's end, whatever was there */
  return HF_OK;
}

X509_VERIFY_PARAM *hf_answers_param(hf_answers *answers) { return answers->param; }

hf_status hf_answers_set_peer_name(hf_answers *answers, const char *name) {
  char *copy = NULL;
  if (name != NULL && (copy = OPENSSL_strdup(name)) == NULL) return HF_NO_MEMORY;
  OPENSSL_free(answers->peer_name);
  answers->peer_name = copy;
  return HF_OK;
}

void hf_answers_set_verifier(hf_answers *answers, hf_verifier verifier, void *arg) {
  answers->verifier = verifier;
  answers->verifier_arg = arg;
}

long hf_answers_verify_result(const hf_answers *answers) { return answers->verify_result; }

hf_status hf_answers_set_alpn(hf_answers *answers, hf_bytes protocols) {
  CBS list, name;
  CBS_init(&list, protocols.data, protocols.len);
  while (CBS_len(&list) > 0)
    if (!CBS_get_u8_length_prefixed(&list, &name) || CBS_len(&name) == 0) return HF_MISUSE;
  uint8_t *copy = NULL;
  if (protocols.len > 0 && (copy = OPENSSL_memdup(protocols.data, protocols.len)) == NULL)
    return HF_NO_MEMORY;
  OPENSSL_free(answers->alpn);
  answers->alpn = copy;
  answers->alpn_len = protocols.len;
  return HF_OK;
}

hf_status hf_answers_set_cookie_key(hf_answers *answers, const uint8_t key[HF_BOX_KEY],
                                    hf_bytes peer) {
  if (peer.len > HF_COOKIE_PEER_MAX) return HF_MISUSE;
  memcpy(answers->cookie_key, key, HF_BOX_KEY);
  if (peer.len > 0) memcpy(answers->cookie_peer, peer.data, peer.len);
  answers->cookie_peer_len = peer.len;
  answers->has_cookie_key = true;
  return HF_OK;
}

hf_status hf_answers_set_ticket_keys(hf_answers *answers, const uint8_t *keys, size_t num) {
  if (num > HF_BOX_KEYS_MAX) return HF_MISUSE;
  OPENSSL_cleanse(answers->ticket_keys, sizeof(answers->ticket_keys));
  if (num > 0) memcpy(answers->ticket_keys, keys, num * HF_BOX_KEY);
  answers->num_ticket_keys = num;
  return HF_OK;
}

void hf_answers_set_keylog(hf_answers *answers, hf_keylog keylog, void *arg) {
  answers->keylog = keylog;
  answers->keylog_arg = arg;
}

void hf_answers_set_keeper(hf_answers *answers, hf_keeper keeper, void *arg) {
  answers->keeper = keeper;
  answers->keeper_arg = arg;
}

/* ---- Randomness and time ---- */

/* The orders of the NIST curves' groups (SP 800-186 3.2.1). */
static const uint8_t kOrder256[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t kOrder384[48] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};
static const uint8_t kOrder521[66] = {
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b,
    0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c,
    0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09};

/* draw_scalar draws until the value, cut to the order's bits by |mask|, is in 1..order-1; what is
 * thrown away tells nothing of what is kept. */
static void draw_scalar(uint8_t *out, const uint8_t *order, size_t len, uint8_t mask) {
  uint8_t any;
  do {
    RAND_bytes(out, len);
    out[0] &= mask;
    any = 0;
    for (size_t i = 0; i < len; i++) any |= out[i];
  } while (any == 0 || memcmp(out, order, len) >= 0);
}

void hf_draw_entropy(hf_entropy *out) {
  RAND_bytes((uint8_t *)out, sizeof(*out));
  draw_scalar(out->p256, kOrder256, sizeof(out->p256), 0xff);
  draw_scalar(out->p384, kOrder384, sizeof(out->p384), 0xff);
  draw_scalar(out->p521, kOrder521, sizeof(out->p521), 0x01);
}

uint64_t hf_now(void) {
  struct timespec now;
  if (timespec_get(&now, TIME_UTC) != TIME_UTC || now.tv_sec < 0) return 0;
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- Boxes: authenticated encryption under a random nonce ---- */

hf_status hf_box_seal(uint8_t *out, size_t *out_len, size_t out_max, const uint8_t *key,
                      hf_bytes in, hf_bytes context) {
  const EVP_AEAD *aead = EVP_aead_xchacha20_poly1305();
  size_t nonce_len = EVP_AEAD_nonce_length(aead), sealed_len;
  *out_len = 0;
  if (out_max < HF_BOX_OVERHEAD || out_max - HF_BOX_OVERHEAD < in.len) return HF_SHORT_OUTPUT;
  EVP_AEAD_CTX ctx;
  if (!EVP_AEAD_CTX_init(&ctx, aead, key, HF_BOX_KEY, EVP_AEAD_DEFAULT_TAG_LENGTH, NULL))
    return HF_CRYPTO_FAILED;
  RAND_bytes(out, nonce_len);
  int ok = EVP_AEAD_CTX_seal(&ctx, out + nonce_len, &sealed_len, out_max - nonce_len, out,
                             nonce_len, in.data, in.len, context.data, context.len);
  EVP_AEAD_CTX_cleanup(&ctx);
  if (!ok) return HF_CRYPTO_FAILED;
  *out_len = nonce_len + sealed_len;
  return HF_OK;
}

hf_status hf_box_open(uint8_t *out, size_t *out_len, size_t out_max, const uint8_t *key,
                      hf_bytes in, hf_bytes context) {
  const EVP_AEAD *aead = EVP_aead_xchacha20_poly1305();
  size_t nonce_len = EVP_AEAD_nonce_length(aead);
  *out_len = 0;
  if (in.len < HF_BOX_OVERHEAD) return HF_BAD_RECORD_MAC;
  if (out_max < in.len - HF_BOX_OVERHEAD) return HF_SHORT_OUTPUT;
  EVP_AEAD_CTX ctx;
  if (!EVP_AEAD_CTX_init(&ctx, aead, key, HF_BOX_KEY, EVP_AEAD_DEFAULT_TAG_LENGTH, NULL))
    return HF_CRYPTO_FAILED;
  ERR_set_mark();
  int ok = EVP_AEAD_CTX_open(&ctx, out, out_len, out_max, in.data, nonce_len, in.data + nonce_len,
                             in.len - nonce_len, context.data, context.len);
  EVP_AEAD_CTX_cleanup(&ctx);
  ERR_pop_to_mark(); /* that it does not open is no error to libcrypto's user */
  return ok ? HF_OK : HF_BAD_RECORD_MAC;
}

/* ---- HF_ASK_HELLO ---- */

bool hf_select_alpn(hf_bytes *out, hf_bytes preferred, hf_bytes offered) {
  CBS ours, theirs, name, candidate;
  CBS_init(&ours, preferred.data, preferred.len);
  while (CBS_get_u8_length_prefixed(&ours, &name)) {
    CBS_init(&theirs, offered.data, offered.len);
    while (CBS_get_u8_length_prefixed(&theirs, &candidate)) {
      if (!CBS_mem_equal(&candidate, CBS_data(&name), CBS_len(&name))) continue;
      *out = (hf_bytes){CBS_data(&candidate), CBS_len(&candidate)};
      return true;
    }
  }
  return false;
}

static hf_status answer_hello(hf_conn *conn, const hf_answers *answers,
                              const hf_question_t *question) {
  hf_bytes protocol = {NULL, 0};
  bool speaks = answers->alpn_len > 0 && question->hello.alpn.data != NULL;
  /* RFC 7301 3.2 */
  if (speaks && !hf_select_alpn(&protocol, (hf_bytes){answers->alpn, answers->alpn_len},
                                question->hello.alpn))
    return hf_refuse(conn, HF_ALERT_NO_APPLICATION_PROTOCOL);
  return hf_answer_hello(conn, NULL, protocol, NULL);
}

/* ---- HF_ASK_COOKIE: a box around the time and the content, bound to the peer ---- */

enum { TIME_LEN = 8, COOKIE_CONTENT_MAX = 64, COOKIE_LIFE = 60 * 1000 };

static hf_status make_cookie(hf_conn *conn, const hf_answers *answers, hf_bytes content) {
  uint8_t plain[TIME_LEN + COOKIE_CONTENT_MAX], cookie[sizeof(plain) + HF_BOX_OVERHEAD];
  uint64_t now = hf_now();
  size_t len = 0;
  if (content.len > COOKIE_CONTENT_MAX) return hf_refuse(conn, HF_ALERT_INTERNAL_ERROR);
  for (int i = 0; i < TIME_LEN; i++) plain[i] = (uint8_t)(now >> (56 - 8 * i));
  if (content.len > 0) memcpy(plain + TIME_LEN, content.data, content.len);
  if (hf_box_seal(cookie, &len, sizeof(cookie), answers->cookie_key,
                  (hf_bytes){plain, TIME_LEN + content.len},
                  (hf_bytes){answers->cookie_peer, answers->cookie_peer_len}) != HF_OK)
    return hf_refuse(conn, HF_ALERT_INTERNAL_ERROR);
  return hf_answer_cookie(conn, (hf_bytes){cookie, len});
}

static hf_status open_cookie(hf_conn *conn, const hf_answers *answers, hf_bytes cookie) {
  uint8_t plain[TIME_LEN + COOKIE_CONTENT_MAX];
  uint64_t now = hf_now(), made = 0;
  size_t len = 0;
  if (hf_box_open(plain, &len, sizeof(plain), answers->cookie_key, cookie,
                  (hf_bytes){answers->cookie_peer, answers->cookie_peer_len}) != HF_OK ||
      len < TIME_LEN)
    return hf_refuse(conn, HF_ALERT_ILLEGAL_PARAMETER);
  for (int i = 0; i < TIME_LEN; i++) made = made << 8 | plain[i];
  if (now > made && now - made > COOKIE_LIFE) return hf_refuse(conn, HF_ALERT_ILLEGAL_PARAMETER);
  return hf_answer_cookie(conn, (hf_bytes){plain + TIME_LEN, len - TIME_LEN});
}

static hf_status answer_cookie(hf_conn *conn, const hf_answers *answers,
                               const hf_question_t *question) {
  if (question->cookie.make && !question->cookie.must)
    return hf_answer_cookie(conn, (hf_bytes){NULL, 0});
  if (!answers->has_cookie_key) return HF_MISUSE;
  if (question->cookie.make) return make_cookie(conn, answers, question->cookie.content);
  return open_cookie(conn, answers, question->cookie.cookie);
}

/* ---- HF_ASK_SESSION and HF_ASK_TICKET: a box around the state ---- */

static const hf_bytes kTicketContext = {(const uint8_t *)"handfast ticket", 15};

/* open_ticket opens |ticket| to |state|, which has room for it, with whichever key made it. */
static bool open_ticket(uint8_t *state, size_t *len, const hf_answers *answers, hf_bytes ticket) {
  for (size_t i = 0; i < answers->num_ticket_keys; i++)
    if (hf_box_open(state, len, ticket.len, answers->ticket_keys + i * HF_BOX_KEY, ticket,
                    kTicketContext) == HF_OK)
      return true;
  return false;
}

static hf_status answer_session(hf_conn *conn, const hf_answers *answers,
                                const hf_question_t *question) {
  for (size_t i = 0; i < question->session.num && answers->num_ticket_keys > 0; i++) {
    const hf_candidate *candidate = &question->session.candidates[i];
    size_t len = 0;
    if (candidate->kind != HF_CANDIDATE_TICKET || candidate->name.len == 0) continue;
    uint8_t *state = OPENSSL_malloc(candidate->name.len);
    if (state == NULL) break; /* a full handshake needs no state */
    bool known = open_ticket(state, &len, answers, candidate->name);
    hf_status status = HF_OK;
    if (known) status = hf_answer_session(conn, i, (hf_bytes){state, len}, 0);
    OPENSSL_free(state);
    if (known) return status;
  }
  return hf_answer_session(conn, 0, (hf_bytes){NULL, 0}, 0);
}

static hf_status answer_ticket(hf_conn *conn, const hf_answers *answers,
                               const hf_question_t *question) {
  hf_bytes state = question->ticket.state;
  hf_bytes none = {NULL, 0};
  if (answers->num_ticket_keys == 0 || state.len > UINT16_MAX - HF_BOX_OVERHEAD)
    return hf_answer_ticket(conn, none);
  size_t len = 0, max = state.len + HF_BOX_OVERHEAD;
  uint8_t *ticket = OPENSSL_malloc(max);
  if (ticket == NULL ||
      hf_box_seal(ticket, &len, max, answers->ticket_keys, state, kTicketContext) != HF_OK)
    len = 0;
  hf_status status = hf_answer_ticket(conn, len > 0 ? (hf_bytes){ticket, len} : none);
  OPENSSL_free(ticket);
  return status;
}

/* ---- HF_ASK_INSTALL: the key log ---- */

enum { KEYLOG_LABEL_MAX = 64, KEYLOG_SECRET_MAX = 64 };

static char *put_hex(char *out, hf_bytes in) {
  static const char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < in.len; i++) {
    *out++ = kDigits[in.data[i] >> 4];
    *out++ = kDigits[in.data[i] & 15];
  }
  return out;
}

/* log_secret writes "LABEL client_random secret", the numbers in hexadecimal. */
static void log_secret(const hf_conn *conn, const hf_answers *answers, const char *label,
                       hf_bytes secret) {
  char line[KEYLOG_LABEL_MAX + 1 + 2 * 32 + 1 + 2 * KEYLOG_SECRET_MAX + 1], *end = line;
  hf_facts facts;
  hf_get_facts(&facts, conn);
  size_t label_len = label != NULL ? strlen(label) : 0;
  if (label_len == 0 || label_len > KEYLOG_LABEL_MAX || facts.client_random.len != 32 ||
      secret.len > KEYLOG_SECRET_MAX)
    return;
  memcpy(end, label, label_len);
  end += label_len;
  *end++ = ' ';
  end = put_hex(end, facts.client_random);
  *end++ = ' ';
  end = put_hex(end, secret);
  *end = '\0';
  answers->keylog(line, answers->keylog_arg);
  OPENSSL_cleanse(line, sizeof(line));
}

static hf_status answer_install(hf_conn *conn, const hf_answers *answers,
                                const hf_question_t *question) {
  if (answers->keylog != NULL)
    log_secret(conn, answers, question->install.label, question->install.secret);
  return hf_answer_done(conn);
}

/* ---- The rest ---- */

static hf_status answer_identity(hf_conn *conn, const hf_answers *answers,
                                 const hf_question_t *question) {
  const hf_credential *credential = hf_answers_choose(answers, conn, question);
  return hf_answer_identity(conn, credential != NULL ? hf_credential_identity(credential) : NULL);
}

static hf_status answer_verdict(hf_conn *conn, hf_answers *answers, const hf_question_t *question) {
  if (question->verdict.raw_key || question->verdict.num == 0) return HF_MISUSE;
  hf_facts facts;
  hf_get_facts(&facts, conn);
  uint8_t alert = hf_answers_verify(answers, question, facts.role);
  return alert == 0 ? hf_answer_verdict(conn) : hf_refuse(conn, alert);
}

static hf_status answer_keep(hf_conn *conn, const hf_answers *answers,
                             const hf_question_t *question) {
  if (answers->keeper != NULL) answers->keeper(question, answers->keeper_arg);
  return hf_answer_done(conn);
}

bool hf_answer(hf_conn *conn, hf_answers *answers) {
  const hf_question_t *question = hf_question(conn);
  /* HF_MISUSE: not answered, and nothing changed.  Any other status is the connection's own
   * business. */
  switch (question->ask) {
    case HF_ASK_HELLO:
      return answer_hello(conn, answers, question) != HF_MISUSE;
    case HF_ASK_COOKIE:
      return answer_cookie(conn, answers, question) != HF_MISUSE;
    case HF_ASK_SESSION:
      return answer_session(conn, answers, question) != HF_MISUSE;
    case HF_ASK_IDENTITY:
      return answer_identity(conn, answers, question) != HF_MISUSE;
    case HF_ASK_SIGNATURE:
      return hf_answers_sign(conn, answers, question);
    case HF_ASK_VERDICT:
      return answer_verdict(conn, answers, question) != HF_MISUSE;
    case HF_ASK_TICKET:
      return answer_ticket(conn, answers, question) != HF_MISUSE;
    case HF_ASK_KEEP:
      return answer_keep(conn, answers, question) != HF_MISUSE;
    case HF_ASK_INSTALL:
      return answer_install(conn, answers, question) != HF_MISUSE;
    case HF_ASK_ENCAP:
      return hf_answers_encap(conn, question);
    case HF_ASK_COMPRESS:
    case HF_ASK_DECOMPRESS:
    case HF_ASK_NONE:
      return false;
  }
  return false;
}
