/* craft12.c: keys, records and bodies of craft12.h, from RFC 5246 5, 6 and 7, RFC 5288 and RFC
 * 8422.
 */
#include "craft12.h"

#include <openssl/aead.h>
#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

/* ---- Keys ---- */

static void hmac(uint8_t out[CRAFT_HASH], const uint8_t *key, size_t key_len,
                 const struct buf *data) {
  unsigned len = 0;
  if (HMAC(EVP_sha256(), key, key_len, data->data, data->len, out, &len) == NULL) abort();
}

/* RFC 5246 5: A(0) = seed, A(i) = HMAC(A(i-1)); the output is HMAC(A(i) + seed), i from 1. */
void craft12_prf(uint8_t *out, size_t out_len, const uint8_t *secret, size_t secret_len,
                 const char *label, const uint8_t *seed, size_t seed_len) {
  struct buf labelled = {0}, a = {0};
  buf_add(&labelled, label, strlen(label));
  buf_add(&labelled, seed, seed_len);
  buf_add(&a, labelled.data, labelled.len);
  while (out_len > 0) {
    uint8_t next[CRAFT_HASH], block[CRAFT_HASH];
    hmac(next, secret, secret_len, &a);
    a.len = 0;
    buf_add(&a, next, sizeof next);
    struct buf input = {0};
    buf_add(&input, next, sizeof next);
    buf_add(&input, labelled.data, labelled.len);
    hmac(block, secret, secret_len, &input);
    buf_free(&input);
    const size_t part = out_len < sizeof block ? out_len : sizeof block;
    memcpy(out, block, part);
    out += part;
    out_len -= part;
  }
  buf_free(&labelled);
  buf_free(&a);
}

static void main_secret(struct craft12 *c) {
  const struct craft_play *play = &c->play;
  uint8_t seed[64];
  if (c->no_ems) { /* RFC 5246 8.1 */
    memcpy(seed, play->client.random, 32);
    memcpy(seed + 32, play->server.random, 32);
    craft12_prf(c->secret, CRAFT12_SECRET, c->pre_main, 32, "master secret", seed, 64);
    return;
  }
  craft_transcript_hash(&play->craft, seed); /* RFC 7627 4 */
  craft12_prf(c->secret, CRAFT12_SECRET, c->pre_main, 32, "extended master secret", seed, 32);
}

static void set_keys(struct craft_keys *keys, const uint8_t *key, const uint8_t *iv) {
  *keys = (struct craft_keys){.tls12 = true, .waiting = true};
  memcpy(keys->key, key, 16);
  memcpy(keys->iv, iv, 4);
}

void craft12_derive(struct craft12 *c) {
  struct craft *craft = &c->play.craft;
  uint8_t seed[64], block[40];
  if (!c->resume) main_secret(c);
  memcpy(seed, c->play.server.random, 32); /* RFC 5246 6.3: the server's first */
  memcpy(seed + 32, c->play.client.random, 32);
  craft12_prf(block, sizeof block, c->secret, CRAFT12_SECRET, "key expansion", seed, 64);
  set_keys(craft->server ? &craft->read : &craft->write, block, block + 32);
  set_keys(craft->server ? &craft->write : &craft->read, block + 16, block + 36);
}

void craft12_spec(struct craft12 *c) {
  craft_plain(&c->play.craft, REC_CCS, "\1", 1);
  c->play.craft.write.on = true;
}

/* ---- Records: RFC 5246 6.2.3.3, RFC 5288 3 ---- */

static void aead_of(EVP_AEAD_CTX *ctx, const struct craft_keys *keys) {
  EVP_AEAD_CTX_zero(ctx);
  if (!EVP_AEAD_CTX_init(ctx, EVP_aead_aes_128_gcm(), keys->key, 16, 16, NULL)) abort();
}

static void put_seq(struct buf *out, uint64_t seq) {
  for (int i = 7; i >= 0; i--) put8(out, (unsigned)(seq >> (8 * i)) & 0xff);
}

static void additional(struct buf *out, uint64_t seq, uint8_t type, size_t len) {
  put_seq(out, seq);
  put8(out, type);
  put16(out, 0x0303);
  put16(out, (unsigned)len);
}

void craft12_seal(struct craft_keys *keys, struct buf *out, uint8_t type, const void *data,
                  size_t len) {
  EVP_AEAD_CTX ctx;
  struct buf extra = {0}, nonce = {0};
  size_t sealed = 0;
  buf_add(&nonce, keys->iv, 4);
  put_seq(&nonce, keys->seq ^ 0xa5a5); /* anything that does not come twice */
  additional(&extra, keys->seq, type, len);
  put8(out, type);
  put16(out, 0x0303);
  put16(out, (unsigned)len + 8 + 16);
  buf_add(out, nonce.data + 4, 8);
  aead_of(&ctx, keys);
  uint8_t *room = buf_room(out, len + 16);
  if (!EVP_AEAD_CTX_seal(&ctx, room, &sealed, len + 16, nonce.data, 12, data, len, extra.data,
                         extra.len))
    abort();
  buf_added(out, sealed);
  keys->seq++;
  EVP_AEAD_CTX_cleanup(&ctx);
  buf_free(&extra);
  buf_free(&nonce);
}

uint8_t craft12_unseal(struct craft_keys *keys, struct buf *content, const uint8_t *record,
                       size_t len) {
  EVP_AEAD_CTX ctx;
  struct buf extra = {0};
  uint8_t nonce[12];
  size_t got = 0;
  if (len < 5 + 8 + 16) return 0;
  memcpy(nonce, keys->iv, 4);
  memcpy(nonce + 4, record + 5, 8);
  additional(&extra, keys->seq, record[0], len - 5 - 8 - 16);
  aead_of(&ctx, keys);
  uint8_t *room = buf_room(content, len);
  int ok = EVP_AEAD_CTX_open(&ctx, room, &got, len, nonce, 12, record + 13, len - 13, extra.data,
                             extra.len);
  EVP_AEAD_CTX_cleanup(&ctx);
  buf_free(&extra);
  keys->seq++;
  if (!ok) return 0;
  buf_added(content, got);
  return record[0];
}

/* ---- Hellos ---- */

static void client_hello(const struct craft12 *c, struct craft_hello *hello) {
  static const uint8_t sigalgs[] = {0, 4, 4, 3, 8, 4};
  craft_default_client_hello(&c->play.craft, hello);
  craft_set_ext(hello, EXT_SIGNATURE_ALGORITHMS, sigalgs, sizeof sigalgs);
  if (c->also_13) {
    craft_set_ext(hello, EXT_SUPPORTED_VERSIONS, "\4\3\4\3\3", 5);
    buf_add(&hello->suites, "\xc0\x2b", 2);
  } else {
    craft_drop_ext(hello, EXT_SUPPORTED_VERSIONS);
    craft_drop_ext(hello, EXT_KEY_SHARE);
    memcpy(hello->suites.data, "\xc0\x2b", 2);
  }
  if (!c->no_ems) craft_set_ext(hello, EXT_EMS, "", 0);
  craft_set_ext(hello, EXT_RENEGOTIATION_INFO, "\0", 1);
  if (c->ticket || c->resume)
    craft_set_ext(hello, EXT_SESSION_TICKET, c->offer.data, c->resume ? c->offer.len : 0);
}

static void server_hello(const struct craft12 *c, struct craft_hello *hello) {
  const struct craft_hello *client = &c->play.client;
  *hello = (struct craft_hello){.version = 0x0303};
  memset(hello->random, 0x5e, sizeof hello->random);
  if (c->resume) buf_add(&hello->session_id, client->session_id.data, client->session_id.len);
  buf_add(&hello->suites, "\xc0\x2b", 2);
  put8(&hello->compression, 0);
  if (!c->no_ems) craft_set_ext(hello, EXT_EMS, "", 0);
  craft_set_ext(hello, EXT_RENEGOTIATION_INFO, "\0", 1);
  if (c->ticket) craft_set_ext(hello, EXT_SESSION_TICKET, "", 0);
  if (c->status) craft_set_ext(hello, EXT_STATUS_REQUEST, "", 0);
}

void craft12_default_hello(const struct craft12 *c, struct craft_hello *hello) {
  if (c->play.craft.server)
    server_hello(c, hello);
  else
    client_hello(c, hello);
}

/* ---- Bodies ---- */

void body12_of_certificate(struct buf *out, const struct craft12 *c) {
  struct buf list = {0};
  hf_bytes chain[8] = {{NULL, 0}};
  const size_t num = c->play.name == NULL ? 0 : credential_chain(chain, 8, c->play.name);
  for (size_t i = 0; i < num; i++) {
    put_vector(&list, 3, chain[i].data, chain[i].len);
    free((void *)chain[i].data);
  }
  put_vector(out, 3, list.data, list.len);
  buf_free(&list);
}

static void put_point(struct buf *out, const struct craft12 *c) {
  uint8_t point[32];
  X25519_public_from_private(point, c->play.craft.private_key);
  put_vector(out, 1, point, sizeof point);
}

void body12_of_params(struct buf *out, const struct craft12 *c) {
  put8(out, 3); /* named_curve */
  put16(out, 0x001d);
  put_point(out, c);
}

static bool put_signature(struct buf *out, const struct craft12 *c, uint16_t sigalg,
                          const struct buf *input) {
  struct buf signature = {0};
  const bool ok =
      c->play.credential != NULL && credential_sign(&signature, c->play.credential->key, sigalg,
                                                    (hf_bytes){input->data, input->len});
  put16(out, sigalg);
  put_vector(out, 2, signature.data, signature.len);
  buf_free(&signature);
  return ok;
}

bool body12_of_exchange(struct buf *out, const struct craft12 *c, const struct buf *params,
                        uint16_t sigalg) {
  struct buf input = {0};
  buf_add(&input, c->play.client.random, 32);
  buf_add(&input, c->play.server.random, 32);
  buf_add(&input, params->data, params->len);
  buf_add(out, params->data, params->len);
  const bool ok = put_signature(out, c, sigalg, &input);
  buf_free(&input);
  return ok;
}

void body12_of_request(struct buf *out) {
  static const uint8_t body[] = {2, 1, 64, 0, 4, 4, 3, 8, 4, 0, 0};
  buf_add(out, body, sizeof body);
}

void body12_of_client_exchange(struct buf *out, const struct craft12 *c) { put_point(out, c); }

bool body12_of_verify(struct buf *out, const struct craft12 *c, uint16_t sigalg) {
  return put_signature(out, c, sigalg, &c->play.craft.transcript);
}

void body12_of_finished(struct buf *out, const struct craft12 *c, bool by_server) {
  uint8_t hash[CRAFT_HASH], data[CRAFT12_VERIFY];
  craft_transcript_hash(&c->play.craft, hash);
  craft12_prf(data, sizeof data, c->secret, CRAFT12_SECRET,
              by_server ? "server finished" : "client finished", hash, sizeof hash);
  buf_add(out, data, sizeof data);
}

void body12_of_ticket(struct buf *out) { buf_add(out, "\0\0\x0e\x10\0\6ticket", 12); }
