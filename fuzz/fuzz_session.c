/* fuzz_session.c - sessions in every form that comes from outside.
 *
 * The first byte says which: a state of the engine's (hf_session_read, hf_session_make, and into a
 * client's hf_start and a server's answer), the SSL layer's encoding (d2i_SSL_SESSION,
 * SSL_SESSION_from_bytes), or a state made of parts taken from the rest.  What is read and written
 * again must be the same. */
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

static hf_bytes take_field(struct fuzz_bytes *in) {
  hf_bytes field = {in->data, take(in)};
  if (field.len > 0) field.data = in->data;
  if (field.len > in->len) field.len = in->len;
  in->data += field.len;
  in->len -= field.len;
  return field;
}

/* Reads |state|; what it holds makes the same bytes again. */
static bool read_state(hf_bytes state) {
  hf_session_info info;
  size_t made = 0;
  if (hf_session_read(&info, state) != HF_OK) return false;
  uint8_t *again = malloc(state.len);
  CHECK(again != NULL);
  CHECK(info.secret_len <= sizeof info.secret);
  CHECK(hf_session_make(again, &made, state.len, &info) == HF_OK && made == state.len);
  CHECK(memcmp(again, state.data, made) == 0);
  CHECK(hf_session_make(again, &made, state.len - 1, &info) == HF_SHORT_OUTPUT);
  free(again);
  return true;
}

/* A client that starts with |state|, and a server that is answered with it when it asks. */
static void use_state(hf_bytes state, unsigned settings) {
  struct fuzz_peer client, server;
  fuzz_peer_begin(&server, HF_SERVER, settings);
  server.session = state;
  fuzz_peer_resume(&client, settings, state);
  for (int turn = 0; turn < 4; turn++) {
    fuzz_move_all(&client, &server);
    fuzz_move_all(&server, &client);
  }
  fuzz_peer_end(&client);
  fuzz_peer_end(&server);
}

/* A state whose fields are taken from |in|: it is always a well-formed one, which a handshake may
 * find no use for. */
static void make_state(struct fuzz_bytes in, unsigned settings) {
  static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9};
  uint8_t state[2000];
  size_t len = 0;
  hf_session_info info = {.version = 0x0304, .suite = suites[take(&in) % 6]};
  const bool old = info.suite > 0x1303;
  if (old) {
    const uint8_t kind = take(&in);
    info.version = 0x0303;
    info.extended_main_secret = kind & 1;
    info.by_id = kind & 2;
    settings |= kind & 4 ? (unsigned)FUZZ_TLS12 : 0;
  }
  info.issued = 1700000000000 - (uint64_t)take(&in) * 1000;
  info.lifetime = take(&in);
  info.age_add = take(&in);
  info.max_early_data = take(&in);
  info.client_cert = take(&in) & 1;
  info.secret_len = info.suite == 0x1302 || old ? 48 : 32;
  memset(info.secret, take(&in), info.secret_len);
  info.server_name = (hf_bytes){(const uint8_t *)"localhost", take(&in) & 1 ? 9 : 0};
  info.alpn = take_field(&in);
  info.early_context = take_field(&in);
  info.ticket = take_field(&in);
  CHECK(hf_session_make(state, &len, sizeof state, &info) == HF_OK);
  CHECK(read_state((hf_bytes){state, len}));
  use_state((hf_bytes){state, len}, settings);
}

/* What is encoded is what was read, once more. */
static void check_encoding(SSL_SESSION *session) {
  uint8_t *first = NULL, *second = NULL;
  size_t first_len = 0, second_len = 0;
  if (!SSL_SESSION_to_bytes(session, &first, &first_len)) return;
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  CHECK(ctx != NULL);
  SSL_SESSION *again = SSL_SESSION_from_bytes(first, first_len, ctx);
  CHECK(again != NULL);
  CHECK(SSL_SESSION_to_bytes(again, &second, &second_len));
  CHECK(first_len == second_len && memcmp(first, second, first_len) == 0);
  CHECK(i2d_SSL_SESSION(again, NULL) == i2d_SSL_SESSION(session, NULL));
  SSL_SESSION_free(again);
  SSL_CTX_free(ctx);
  OPENSSL_free(first);
  OPENSSL_free(second);
}

/* A client starts with what was read. */
static void use_session(SSL_SESSION *session) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  CHECK(ctx != NULL);
  SSL *ssl = SSL_new(ctx);
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  CHECK(ssl != NULL && in != NULL && out != NULL);
  SSL_set_bio(ssl, in, out);
  (void)SSL_set_session(ssl, session);
  CHECK(SSL_connect(ssl) <= 0);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

static void decode(struct fuzz_bytes in) {
  const uint8_t *at = in.data;
  SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)in.len);
  if (session == NULL) {
    CHECK(at == in.data);
  } else {
    CHECK(at > in.data && at <= in.data + in.len);
    check_encoding(session);
    use_session(session);
    SSL_SESSION_free(session);
  }
  ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct fuzz_bytes in = {data, len};
  const uint8_t mode = take(&in);
  const unsigned settings = mode / 3;
  if (mode % 3 == 0) {
    if (in.len > 0 && read_state((hf_bytes){in.data, in.len})) {
      use_state((hf_bytes){in.data, in.len}, settings);
    }
  } else if (mode % 3 == 1) {
    decode(in);
  } else {
    make_state(in, settings);
  }
  return 0;
}
