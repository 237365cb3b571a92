/* peer.c: see peer.h. */
#include "peer.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "engine/engine.h"

/* What a client offers with FUZZ_PSK. */
#define BYTES(text) \
  { (const uint8_t *)(text), sizeof(text) - 1 }
static const hf_psk psks[] = {
    {.suite = 0x1302, .identity = BYTES("not known"), .secret = BYTES("x")},
    {.suite = 0x1301, .identity = BYTES("known"), .secret = BYTES("y")}};

/* ---- What all peers share, made once ---- */

static hf_identity *identity;
static EVP_PKEY *key;

static void load_identity(void) {
  static const uint16_t sigalgs[] = {0x0807};
  static const hf_bytes ocsp = BYTES("ocsp"), scts = BYTES("\0\5\0\3sct");
  hf_bytes chain[4];
  size_t num = 0;
  char *label, *header;
  unsigned char *data;
  long len;
  if (identity != NULL) return;
  BIO *bio = BIO_new_mem_buf(FUZZ_ed25519_key, -1);
  key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  bio = BIO_new_mem_buf(FUZZ_ed25519_pem, -1);
  while (num < 4 && PEM_read_bio(bio, &label, &header, &data, &len)) {
    chain[num++] = (hf_bytes){data, (size_t)len};
    OPENSSL_free(label);
    OPENSSL_free(header);
  }
  BIO_free(bio);
  CHECK(key != NULL && num > 0);
  CHECK(hf_identity_new(&identity, 1, chain, num, ocsp, scts, (hf_codes){sigalgs, 1}) == HF_OK);
  for (size_t i = 0; i < num; i++) OPENSSL_free((void *)chain[i].data);
}

static void fill(hf_entropy *entropy, unsigned which) {
  uint8_t *bytes = (uint8_t *)entropy;
  for (size_t i = 0; i < sizeof *entropy; i++) bytes[i] = (uint8_t)(i * 7 + which + 1);
  entropy->p256[0] = entropy->p384[0] = entropy->p521[0] = 0;
}

/* What is TLS 1.2's: a client that has nothing else, and all that it may ask for. */
static void settle_tls12(hf_settings *s, unsigned settings) {
  if (s->role == HF_SERVER) {
    if (!(settings & FUZZ_TICKETS)) s->flags |= HF_STORE_SESSIONS;
    return;
  }
  s->version_max = 0x0303;
  s->flags |= HF_FALSE_START | HF_FALSE_START_WITHOUT_ALPN;
  if (settings & FUZZ_LOOK_ON) s->flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
  if (settings & FUZZ_MUCH) s->max_fragment_length = 512;
}

/* What FUZZ_MUCH sets. */
static void ask_for_much(hf_settings *s, hf_start *start, bool quic) {
  static const uint16_t compression[] = {1, 2}, sigalgs[] = {0x0807, 0x0403};
  static const uint16_t own_types[] = {HF_CERT_X509};
  static const uint16_t peer_types[] = {HF_CERT_X509, HF_CERT_RAW_KEY};
  static const hf_extension extension[] = {
      [HF_CLIENT] = {0x7a01, HF_IN_CLIENT_HELLO | HF_IN_CERTIFICATE,
                     HF_IN_ENCRYPTED_EXTENSIONS | HF_IN_CERTIFICATE, BYTES("own")},
      [HF_SERVER] = {0x7a01,
                     HF_IN_ENCRYPTED_EXTENSIONS | HF_IN_CERTIFICATE_REQUEST | HF_IN_CERTIFICATE,
                     HF_IN_CERTIFICATE, BYTES("own")}};
  s->flags |= HF_REQUEST_OCSP | HF_REQUEST_SCTS;
  s->flags |= s->role == HF_CLIENT ? HF_GREASE | HF_PERMUTE_EXTENSIONS | HF_ALLOW_UNKNOWN_ALPN |
                                         HF_IGNORE_RSA_KEY_USAGE
                                   : HF_GREASE | HF_JDK11_WORKAROUND;
  if (quic)
    s->flags |= HF_QUIC_LEGACY_PARAMS;
  else
    s->flags |= s->role == HF_CLIENT ? HF_PAD_HELLO : HF_ALWAYS_CCS;
  s->equal_suites = 1;
  s->compressors = s->decompressors = (hf_codes){compression, 2};
  s->delegated_sigalgs = (hf_codes){sigalgs, 2};
  s->own_cert_types = (hf_codes){own_types, 1};
  s->peer_cert_types = (hf_codes){peer_types, 2};
  start->extensions = &extension[s->role];
  start->num_extensions = 1;
}

static void begin(struct fuzz_peer *peer, hf_role role, unsigned settings, hf_bytes session) {
  static const uint16_t both[] = {0x0017, 0x001d}, own[] = {0x001d};
  static const uint8_t alpn[] = {2, 'h', '2', 1, 'x'};
  hf_settings s = {.role = role};
  hf_start start = {.now = 1700000000000, .session = session};
  load_identity();
  *peer = (struct fuzz_peer){.conn = NULL};
  fill(&start.entropy, settings & FUZZ_AGAIN ? 2u + role : role);
  if (role == HF_SERVER && (settings & FUZZ_COOKIE)) s.flags |= HF_DEMAND_COOKIE;
  if (role == HF_SERVER && (settings & FUZZ_CLIENT_CERT)) s.flags |= HF_REQUEST_CLIENT_CERT;
  if (role == HF_SERVER && (settings & FUZZ_TICKETS)) s.flags |= HF_ISSUE_TICKETS;
  if (session.data != NULL) s.flags |= HF_ALLOW_EARLY_DATA;
  if (settings & FUZZ_LOOK_ON) s.flags |= HF_EXPORT_SECRETS | HF_TRACE | HF_VERIFY_RESUMED;
  if (settings & FUZZ_TRACE) s.flags |= HF_TRACE;
  if (settings & FUZZ_SMALL) {
    s.record_size_limit = 512;
    s.padding = 32;
    s.max_data = 300;
    s.max_message = 3000;
    s.max_flight = 4000;
  }
  if (settings & FUZZ_RETRY)
    s.groups = role == HF_CLIENT ? (hf_codes){both, 2} : (hf_codes){own, 1};
  if (role == HF_CLIENT && (settings & FUZZ_ALPN)) s.alpn = (hf_bytes){alpn, sizeof alpn};
  if ((settings & FUZZ_PSK) == FUZZ_PSK) {
    s.flags |= HF_ALLOW_PSK_KE;
    start.psks = psks;
    start.num_psks = 2;
  }
  if (settings & FUZZ_MUCH) ask_for_much(&s, &start, (settings & FUZZ_QUIC) != 0);
  if (settings & FUZZ_TLS12) settle_tls12(&s, settings);
  if (role == HF_CLIENT)
    start.server_name = (hf_bytes){(const uint8_t *)"localhost", strlen("localhost")};
  if (settings & FUZZ_QUIC) {
    s.transport = HF_QUIC;
    s.record_size_limit = s.padding = s.max_data = 0;
    s.max_early_data = settings & FUZZ_TICKETS ? 1 : 0;
    start.quic_params = (hf_bytes){alpn, sizeof alpn};
  }
  CHECK(hf_config_new(&peer->config, &s) == HF_OK);
  CHECK(hf_new(&peer->conn, peer->config, &start) == HF_OK);
}

void fuzz_peer_begin(struct fuzz_peer *peer, hf_role role, unsigned settings) {
  begin(peer, role, settings, (hf_bytes){NULL, 0});
}

void fuzz_peer_resume(struct fuzz_peer *peer, unsigned settings, hf_bytes session) {
  begin(peer, HF_CLIENT, settings, session);
}

void fuzz_peer_end(struct fuzz_peer *peer) {
  hf_free(peer->conn);
  hf_config_free(peer->config);
  free(peer->in);
  free(peer->kept);
}

/* ---- Answers ---- */

static const uint8_t mark[] = {'m', 'a', 'r', 'k'};

static hf_status answer_cookie(hf_conn *conn, const hf_question_t *q) {
  uint8_t cookie[256];
  if (!q->cookie.make) {
    if (q->cookie.cookie.len < sizeof mark) return hf_refuse(conn, 47);
    return hf_answer_cookie(
        conn, (hf_bytes){q->cookie.cookie.data + sizeof mark, q->cookie.cookie.len - sizeof mark});
  }
  CHECK(q->cookie.content.len <= sizeof cookie - sizeof mark);
  memcpy(cookie, mark, sizeof mark);
  memcpy(cookie + sizeof mark, q->cookie.content.data, q->cookie.content.len);
  return hf_answer_cookie(conn, (hf_bytes){cookie, sizeof mark + q->cookie.content.len});
}

static hf_status answer_signature(hf_conn *conn, const hf_question_t *q) {
  uint8_t signature[FUZZ_SIGNATURE];
  const size_t len = fuzz_sign(signature, q->signature.input);
  return hf_answer_signature(conn, (hf_bytes){signature, len});
}

/* A candidate is the state itself; what it says is what an attacker with the ticket key could say.
 */
static hf_status answer_session(const struct fuzz_peer *peer, const hf_question_t *q) {
  CHECK(q->session.num > 0);
  if (peer->session.data != NULL)
    return hf_answer_session(peer->conn, 0, peer->session, HF_ACCEPT_EARLY);
  for (size_t i = 0; i < q->session.num; i++) {
    const hf_bytes name = q->session.candidates[i].name, known = psks[1].identity;
    if (name.len == known.len && memcmp(name.data, known.data, name.len) == 0)
      return hf_answer_psk(peer->conn, i, &psks[1], HF_ACCEPT_EARLY);
  }
  return hf_answer_session(peer->conn, 0, q->session.candidates[0].name, HF_ACCEPT_EARLY);
}

/* QUIC has to have one: the first. */
static hf_bytes choose_protocol(const hf_question_t *q) {
  const hf_bytes names = q->hello.alpn;
  if (q->hello.quic_params.data == NULL || names.len == 0) return (hf_bytes){NULL, 0};
  return (hf_bytes){names.data + 1, names.data[0]};
}

/* A session to keep is kept. */
static hf_status answer_keep(struct fuzz_peer *peer, const hf_question_t *q) {
  free(peer->kept);
  peer->kept = malloc(q->keep.state.len);
  CHECK(peer->kept != NULL && q->keep.state.len > 0);
  memcpy(peer->kept, q->keep.state.data, q->keep.state.len);
  peer->kept_len = q->keep.state.len;
  return hf_answer_done(peer->conn);
}

hf_status fuzz_answer(struct fuzz_peer *peer) {
  hf_conn *conn = peer->conn;
  const hf_question_t *q = hf_question(conn);
  const hf_bytes none = {NULL, 0};
  switch (q->ask) {
    case HF_ASK_HELLO:
      return hf_answer_hello(conn, NULL, choose_protocol(q), NULL);
    case HF_ASK_COOKIE:
      return answer_cookie(conn, q);
    case HF_ASK_SESSION:
      return answer_session(peer, q);
    case HF_ASK_IDENTITY:
      return hf_answer_identity(conn, identity);
    case HF_ASK_SIGNATURE:
      return answer_signature(conn, q);
    case HF_ASK_VERDICT:
      CHECK((q->verdict.num > 0) == (q->verdict.chain != NULL));
      return hf_answer_verdict(conn);
    case HF_ASK_TICKET:
      return hf_answer_ticket(conn, q->ticket.state.len <= 65535 ? q->ticket.state : none);
    case HF_ASK_KEEP:
      return answer_keep(peer, q);
    case HF_ASK_INSTALL:
      return hf_answer_done(conn);
    case HF_ASK_COMPRESS:
      return hf_answer_compress(conn, q->compress.algorithms.list[0], q->compress.message);
    case HF_ASK_DECOMPRESS: /* the compression of fuzz_answer leaves all as it is */
      return hf_answer_decompress(conn, q->decompress.data);
    case HF_ASK_NONE:
    case HF_ASK_ENCAP:
      break;
  }
  return hf_refuse(conn, 80);
}

/* ---- The loop ---- */

/* No data before whoever sent it has proved who he is, but early data that was accepted. */
static void check_data(const hf_conn *conn) {
  CHECK(conn->read.level == HF_EARLY ? conn->early_accepted : conn->proofs & HF_PROOF_FINISHED);
}

static bool take_record(struct fuzz_peer *peer) {
  hf_bytes app;
  size_t used = 0;
  size_t need = hf_need(peer->conn, peer->in, peer->in_len);
  hf_status status = hf_open(peer->conn, &app, &used, peer->in, peer->in_len);
  CHECK(status != HF_MISUSE && used <= peer->in_len);
  if (status != HF_OK) return false;
  CHECK(app.len <= used);
  if (app.len > 0 && !peer->wrong) check_data(peer->conn);
  CHECK(need > 0 || used > 0 || (hf_wants(peer->conn) & (HF_WANT_ANSWER | HF_CLOSED)));
  peer->in_len -= used;
  if (used > 0) memmove(peer->in, peer->in + used, peer->in_len);
  return used > 0 || (hf_wants(peer->conn) & HF_WANT_ANSWER);
}

static void look_on(const struct fuzz_peer *peer) {
  hf_conn *conn = peer->conn;
  hf_event event;
  hf_facts facts;
  hf_fault fault;
  while (hf_next_event(conn, &event)) {
    CHECK(event.row != NULL);
    if (peer->see != NULL) peer->see(peer->arg, &event);
  }
  hf_get_facts(&facts, conn);
  hf_get_fault(&fault, conn);
  CHECK((fault.status != HF_OK) == ((hf_wants(conn) & HF_FAILED) != 0));
  CHECK(hf_row_name(conn) != NULL);
}

static void append(struct fuzz_peer *peer, const uint8_t *data, size_t len) {
  if (len == 0) return;
  peer->in = realloc(peer->in, peer->in_len + len);
  CHECK(peer->in != NULL);
  memcpy(peer->in + peer->in_len, data, len);
  peer->in_len += len;
}

static void answer_one(struct fuzz_peer *peer) {
  CHECK(hf_question(peer->conn)->ask != HF_ASK_NONE);
  if (fuzz_answer(peer) == HF_MISUSE && peer->wrong) (void)hf_refuse(peer->conn, 80);
}

void fuzz_feed(struct fuzz_peer *peer, const uint8_t *data, size_t len) {
  append(peer, data, len);
  for (size_t steps = 0;; steps++) {
    CHECK(steps < 100000 + 10 * len); /* it goes round for ever */
    unsigned wants = hf_wants(peer->conn);
    CHECK(!((wants & HF_CAN_SEND) && (wants & HF_WANT_OUTPUT)));
    look_on(peer);
    if (wants & HF_FAILED) return;
    if (wants & HF_WANT_ANSWER) {
      answer_one(peer);
    } else if (peer->in_len == 0 || !take_record(peer)) {
      return;
    }
  }
}

/* The header, what is sent of the nonce, the content, and in TLS 1.3 its type; the length. */
static size_t put_content(uint8_t *record, const hf_conn *conn, const uint8_t *nonce, uint8_t type,
                          hf_bytes content) {
  const bool sealed = conn->read.level != HF_INITIAL, inner = sealed && !hf_tls12(conn);
  const size_t sent = sealed && hf_tls12(conn) ? conn->suite->sent_nonce : 0;
  const size_t body = sent + content.len + (inner ? 1 : 0) + (sealed ? HF_TAG : 0);
  const uint8_t header[] = {inner ? 23 : type, 3, 3, (uint8_t)(body >> 8), (uint8_t)body};
  memcpy(record, header, 5);
  memcpy(record + 5, nonce + HF_NONCE - sent, sent);
  if (content.len > 0) memcpy(record + 5 + sent, content.data, content.len);
  if (inner) record[5 + sent + content.len] = type;
  return 5 + sent + content.len + (inner ? 1 : 0);
}

void fuzz_feed_sealed(struct fuzz_peer *peer, uint8_t type, const uint8_t *data, size_t len) {
  const hf_conn *conn = peer->conn;
  uint8_t nonce[HF_NONCE] = {0}, additional[HF_ADDITIONAL_12];
  if (len > 16384) len = 16384;
  uint8_t *record = malloc(5 + HF_NONCE + len + 1 + HF_TAG);
  CHECK(record != NULL);
  const bool sealed = conn->read.level != HF_INITIAL;
  if (sealed) hf_nonce(nonce, &conn->read);
  size_t all = put_content(record, conn, nonce, type, (hf_bytes){data, len}), sealed_len = 0;
  if (sealed) {
    const size_t begin = 5 + (hf_tls12(conn) ? (size_t)conn->suite->sent_nonce : 0);
    hf_additional_12(additional, &conn->read, record, all - begin);
    const hf_bytes ad =
        hf_tls12(conn) ? (hf_bytes){additional, sizeof additional} : (hf_bytes){record, 5};
    CHECK(EVP_AEAD_CTX_seal(&conn->read.aead, record + begin, &sealed_len, all - begin + HF_TAG,
                            nonce, HF_NONCE, record + begin, all - begin, ad.data, ad.len));
    all = begin + sealed_len;
  }
  if (!(hf_wants(peer->conn) & HF_FAILED)) fuzz_feed(peer, record, all);
  free(record);
}

uint8_t *fuzz_take_output(struct fuzz_peer *peer, size_t *len) {
  size_t room = 0;
  uint8_t *out = NULL;
  *len = 0;
  while (hf_wants(peer->conn) & HF_WANT_OUTPUT) {
    size_t written = 0;
    out = realloc(out, room = 2 * room + 4096);
    CHECK(out != NULL);
    const hf_status status = hf_flush(peer->conn, &written, out + *len, room - *len);
    CHECK(status == HF_OK || (peer->wrong && status != HF_MISUSE));
    CHECK(written > 0 && written <= room - *len);
    *len += written;
  }
  fuzz_feed(peer, NULL, 0); /* what waited for the output to go */
  return out;
}

void fuzz_move_all(struct fuzz_peer *from, struct fuzz_peer *to) {
  size_t len = 0;
  uint8_t *bytes = fuzz_take_output(from, &len);
  fuzz_feed(to, bytes, len);
  free(bytes);
}

void fuzz_step(struct fuzz_peer *peer, struct fuzz_peer *helper) {
  if (hf_wants(peer->conn) & HF_WANT_ANSWER) {
    answer_one(peer);
    return;
  }
  if (peer->in_len > 0 && take_record(peer)) return;
  if (hf_wants(peer->conn) & HF_WANT_OUTPUT) {
    uint8_t room[700];
    size_t len = 0;
    CHECK(hf_flush(peer->conn, &len, room, sizeof room) == HF_OK);
    fuzz_feed(helper, room, len);
    return;
  }
  size_t len = 0;
  uint8_t *reply = fuzz_take_output(helper, &len);
  append(peer, reply, len);
  free(reply);
}

const hf_identity *fuzz_identity(void) { return identity; }

size_t fuzz_sign(uint8_t out[FUZZ_SIGNATURE], hf_bytes input) {
  size_t len = FUZZ_SIGNATURE;
  EVP_MD_CTX ctx;
  EVP_MD_CTX_init(&ctx);
  CHECK(EVP_DigestSignInit(&ctx, NULL, NULL, NULL, key) &&
        EVP_DigestSign(&ctx, out, &len, input.data, input.len));
  EVP_MD_CTX_cleanup(&ctx);
  return len;
}

bool fuzz_reads_sealed(const struct fuzz_peer *peer) {
  return peer->conn->read.level != HF_INITIAL;
}

void fuzz_move_records(struct fuzz_peer *from, struct fuzz_peer *to) {
  size_t len = 0, at = 0;
  uint8_t *bytes = fuzz_take_output(from, &len);
  while (at + 5 <= len && !fuzz_reads_sealed(to)) {
    size_t record = 5 + ((size_t)bytes[at + 3] << 8 | bytes[at + 4]);
    CHECK(record <= len - at);
    fuzz_feed(to, bytes + at, record);
    at += record;
  }
  free(bytes);
}

/* ---- QUIC ---- */

void fuzz_quic_settle(struct fuzz_peer *peer) {
  for (size_t steps = 0;; steps++) {
    CHECK(steps < 10000);
    const unsigned wants = hf_wants(peer->conn);
    CHECK(!(wants & (HF_CAN_SEND | HF_CLOSED)));
    look_on(peer);
    if ((wants & (HF_FAILED | HF_WANT_ANSWER)) != HF_WANT_ANSWER) return;
    (void)fuzz_answer(peer);
  }
}

void fuzz_quic_feed(struct fuzz_peer *peer, hf_level level, const uint8_t *data, size_t len) {
  size_t used = 1;
  fuzz_quic_settle(peer);
  if (hf_wants(peer->conn) & HF_FAILED) return;
  const hf_status status = hf_quic_open(peer->conn, &used, level, (hf_bytes){data, len});
  CHECK(status != HF_MISUSE && (used == 0 || used == len));
  CHECK((status != HF_OK) == ((hf_wants(peer->conn) & HF_FAILED) != 0));
  fuzz_quic_settle(peer);
  if (hf_wants(peer->conn) & HF_FAILED) CHECK(!(hf_wants(peer->conn) & HF_WANT_OUTPUT));
}

bool fuzz_quic_move(struct fuzz_peer *from, struct fuzz_peer *to, size_t at, uint8_t change) {
  uint8_t room[1500];
  size_t moved = 0;
  hf_level last = HF_INITIAL;
  fuzz_quic_settle(from);
  while (hf_wants(from->conn) & HF_WANT_OUTPUT) {
    hf_level level;
    size_t len = 0;
    CHECK(hf_quic_flush(from->conn, &level, &len, room, sizeof room) == HF_OK);
    CHECK(len > 0 && len <= sizeof room && level >= last && level != HF_EARLY);
    last = level;
    if (at >= moved && at < moved + len) room[at - moved] ^= change;
    moved += len;
    fuzz_quic_feed(to, level, room, len);
    fuzz_quic_settle(from);
  }
  return moved > 0;
}

void fuzz_command(struct fuzz_peer *peer, uint8_t which) {
  uint8_t room[400] = {0};
  size_t written;
  const hf_bytes none = {NULL, 0};
  if (hf_wants(peer->conn) & HF_FAILED) return;
  if (which & 1) (void)hf_seal(peer->conn, &written, room, sizeof room, room + 5, which);
  if (which & 2) (void)hf_rekey(peer->conn, which & 64);
  if (which & 4) (void)hf_issue_ticket(peer->conn);
  if (which & 8) (void)hf_export(peer->conn, room, which, "EXPORTER-fuzz", none);
  if (which & 16) (void)hf_close(peer->conn);
  if (which & 32) hf_set_time(peer->conn, 1700000000000 + which);
  fuzz_feed(peer, NULL, 0);
}
