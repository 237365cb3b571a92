/* craft.c: records, keys and messages of craft.h, from RFC 9846 4, 5 and 7. */
#include "craft.h"

#include <openssl/aead.h>
#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

void craft_init(struct craft *craft, bool server, struct side *side) {
  *craft = (struct craft){.server = server, .side = side, .alert = AL_NONE};
  memset(craft->private_key, server ? 0x51 : 0x43, sizeof craft->private_key);
}

void craft_free(struct craft *craft) {
  buf_free(&craft->transcript);
  buf_free(&craft->from);
  buf_free(&craft->data);
}

void put8(struct buf *out, unsigned value) {
  uint8_t byte = (uint8_t)value;
  buf_add(out, &byte, 1);
}

void put16(struct buf *out, unsigned value) {
  put8(out, value >> 8);
  put8(out, value);
}

void put24(struct buf *out, unsigned value) {
  put8(out, value >> 16);
  put16(out, value);
}

void put_vector(struct buf *out, int bytes, const void *data, size_t len) {
  for (int i = bytes - 1; i >= 0; i--) put8(out, (unsigned)(len >> (8 * i)));
  buf_add(out, data, len);
}

/* ---- Sending ---- */

void craft_raw(struct craft *craft, const void *data, size_t len) {
  (void)side_feed(craft->side, data, len);
}

static void nonce_of(const struct craft_keys *keys, uint8_t nonce[12]) {
  memcpy(nonce, keys->iv, 12);
  for (int i = 0; i < 8; i++) nonce[4 + i] ^= (uint8_t)(keys->seq >> (8 * (7 - i)));
}

static void aead_init(EVP_AEAD_CTX *ctx, const struct craft_keys *keys) {
  EVP_AEAD_CTX_zero(ctx);
  if (!EVP_AEAD_CTX_init(ctx, EVP_aead_aes_128_gcm(), keys->key, 16, 16, NULL)) abort();
}

static void seal(struct craft_keys *keys, struct buf *record, const struct buf *inner) {
  EVP_AEAD_CTX ctx;
  uint8_t nonce[12];
  size_t len = 0;
  put8(record, REC_DATA);
  put16(record, 0x0303);
  put16(record, (unsigned)inner->len + 16);
  uint8_t header[5];
  memcpy(header, record->data + record->len - 5, 5);
  aead_init(&ctx, keys);
  nonce_of(keys, nonce);
  uint8_t *room = buf_room(record, inner->len + 16);
  if (!EVP_AEAD_CTX_seal(&ctx, room, &len, inner->len + 16, nonce, 12, inner->data, inner->len,
                         header, 5))
    abort();
  buf_added(record, len);
  keys->seq++;
  EVP_AEAD_CTX_cleanup(&ctx);
}

void craft_plain(struct craft *craft, uint8_t type, const void *data, size_t len) {
  struct buf record = {0};
  put8(&record, type);
  put16(&record, 0x0303);
  put_vector(&record, 2, data, len);
  craft_raw(craft, record.data, record.len);
  buf_free(&record);
}

void craft_seal(struct craft *craft, struct buf *out, uint8_t type, const void *data, size_t len,
                size_t pad) {
  struct buf inner = {0};
  buf_add(&inner, data, len);
  put8(&inner, type);
  for (size_t i = 0; i < pad; i++) put8(&inner, 0);
  seal(&craft->write, out, &inner);
  buf_free(&inner);
}

void craft_record(struct craft *craft, uint8_t type, const void *data, size_t len, size_t pad) {
  if (!craft->write.on) {
    craft_plain(craft, type, data, len);
    return;
  }
  struct buf record = {0};
  if (craft->write.tls12)
    craft12_seal(&craft->write, &record, type, data, len);
  else
    craft_seal(craft, &record, type, data, len, pad);
  craft_raw(craft, record.data, record.len);
  buf_free(&record);
}

void craft_message(struct buf *out, uint8_t type, const void *body, size_t len) {
  put8(out, type);
  put_vector(out, 3, body, len);
}

void craft_say(struct craft *craft, uint8_t type, const struct buf *body) {
  struct buf message = {0};
  craft_message(&message, type, body->data, body->len);
  buf_add(&craft->transcript, message.data, message.len);
  for (size_t at = 0; at < message.len; at += 16384) {
    size_t left = message.len - at;
    craft_record(craft, REC_HANDSHAKE, message.data + at, left < 16384 ? left : 16384, 0);
  }
  buf_free(&message);
}

/* ---- Receiving ---- */

/* Opens a protected record; its content is left in |inner| and its type returned, 0 if it cannot
 * be. */
static uint8_t unseal(struct craft_keys *keys, struct buf *inner, const uint8_t *record,
                      size_t len) {
  EVP_AEAD_CTX ctx;
  uint8_t nonce[12];
  size_t got = 0;
  aead_init(&ctx, keys);
  nonce_of(keys, nonce);
  uint8_t *room = buf_room(inner, len);
  int ok = EVP_AEAD_CTX_open(&ctx, room, &got, len, nonce, 12, record + 5, len - 5, record, 5);
  EVP_AEAD_CTX_cleanup(&ctx);
  keys->seq++;
  if (!ok) return 0;
  buf_added(inner, got);
  while (inner->len > 0 && inner->data[inner->len - 1] == 0) inner->len--;
  return inner->len > 0 ? inner->data[--inner->len] : 0;
}

static void sort_record(struct craft *craft, uint8_t type, const struct buf *content) {
  if (type == REC_HANDSHAKE) {
    buf_add(&craft->from, content->data, content->len);
  } else if (type == REC_DATA) {
    buf_add(&craft->data, content->data, content->len);
  } else if (type == REC_CCS) {
    craft->num_ccs++;
    if (craft->read.waiting) craft->read.on = true;
  } else if (type == REC_ALERT && content->len == 2) {
    craft->alert_level = content->data[0];
    craft->alert = content->data[1];
  } else {
    craft->broken = true;
  }
}

bool craft_take_record(struct craft *craft) {
  struct buf *out = &craft->side->out;
  if (out->len < 5) return false;
  size_t len = 5 + ((size_t)out->data[3] << 8 | out->data[4]);
  if (out->len < len) return false;
  struct buf content = {0};
  uint8_t type = out->data[0];
  craft->last_version = (uint16_t)(out->data[1] << 8 | out->data[2]);
  craft->num_records++;
  if (craft->read.on && craft->read.tls12) {
    type = craft12_unseal(&craft->read, &content, out->data, len);
  } else if (type == REC_DATA && craft->read.on) {
    craft->last_inner = len - 5 - 16;
    if (craft->last_inner > craft->max_inner) craft->max_inner = craft->last_inner;
    type = unseal(&craft->read, &content, out->data, len);
  } else {
    buf_add(&content, out->data + 5, len - 5);
  }
  sort_record(craft, type, &content);
  buf_drop(out, len);
  buf_free(&content);
  return !craft->broken;
}

bool craft_hear(struct craft *craft, uint8_t type, struct buf *body) {
  for (;;) {
    const struct buf *from = &craft->from;
    size_t len = 4;
    if (from->len >= 4)
      len += (size_t)from->data[1] << 16 | (size_t)from->data[2] << 8 | from->data[3];
    if (from->len >= len && from->len >= 4) {
      if (from->data[0] != type) return false;
      buf_add(&craft->transcript, from->data, len);
      body->len = 0;
      buf_add(body, from->data + 4, len - 4);
      buf_drop(&craft->from, len);
      return true;
    }
    if (!craft_take_record(craft)) return false;
  }
}

int craft_hear_alert(struct craft *craft) {
  while (craft_take_record(craft)) {
  }
  return craft->alert;
}

/* ---- Keys ---- */

void craft_transcript_hash(const struct craft *craft, uint8_t out[CRAFT_HASH]) {
  SHA256(craft->transcript.data, craft->transcript.len, out);
}

void craft_restart_transcript(struct craft *craft) {
  uint8_t hash[CRAFT_HASH];
  craft_transcript_hash(craft, hash);
  craft->transcript.len = 0;
  craft_message(&craft->transcript, 254, hash, sizeof hash);
}

void craft_expand(uint8_t *out, size_t out_len, const uint8_t *secret, const char *label,
                  const uint8_t *context, size_t context_len) {
  struct buf info = {0}, name = {0};
  buf_add(&name, "tls13 ", 6);
  buf_add(&name, label, strlen(label));
  put16(&info, (unsigned)out_len);
  put_vector(&info, 1, name.data, name.len);
  put_vector(&info, 1, context, context_len);
  if (!HKDF_expand(out, out_len, EVP_sha256(), secret, CRAFT_HASH, info.data, info.len)) abort();
  buf_free(&info);
  buf_free(&name);
}

static void extract(uint8_t out[CRAFT_HASH], const uint8_t *salt, const uint8_t *ikm) {
  size_t len = 0;
  if (!HKDF_extract(out, &len, EVP_sha256(), ikm, CRAFT_HASH, salt, CRAFT_HASH)) abort();
}

/* Derive-Secret(secret, "derived", "") and then HKDF-Extract: one step down the left side of 7.1's
 * figure. */
static void step_down(uint8_t secret[CRAFT_HASH], const uint8_t *ikm) {
  uint8_t empty[CRAFT_HASH], salt[CRAFT_HASH];
  SHA256(NULL, 0, empty);
  craft_expand(salt, CRAFT_HASH, secret, "derived", empty, CRAFT_HASH);
  extract(secret, salt, ikm);
}

bool craft_agree(struct craft *craft, const uint8_t *peer, size_t peer_len) {
  static const uint8_t zeros[CRAFT_HASH];
  uint8_t shared[32], hash[CRAFT_HASH];
  if (peer_len != 32 || !X25519(shared, craft->private_key, peer)) return false;
  extract(craft->secret, zeros, craft->psk);
  step_down(craft->secret, shared);
  craft_transcript_hash(craft, hash);
  craft_expand(craft->client_secret, CRAFT_HASH, craft->secret, "c hs traffic", hash, CRAFT_HASH);
  craft_expand(craft->server_secret, CRAFT_HASH, craft->secret, "s hs traffic", hash, CRAFT_HASH);
  return true;
}

void craft_derive_application(struct craft *craft) {
  static const uint8_t zeros[CRAFT_HASH];
  uint8_t hash[CRAFT_HASH];
  craft_transcript_hash(craft, hash);
  step_down(craft->secret, zeros);
  craft_expand(craft->client_application, CRAFT_HASH, craft->secret, "c ap traffic", hash,
               CRAFT_HASH);
  craft_expand(craft->server_application, CRAFT_HASH, craft->secret, "s ap traffic", hash,
               CRAFT_HASH);
  craft_expand(craft->exporter, CRAFT_HASH, craft->secret, "exp master", hash, CRAFT_HASH);
}

void craft_set_keys(struct craft_keys *keys, const uint8_t secret[CRAFT_HASH]) {
  memmove(keys->secret, secret, CRAFT_HASH);
  craft_expand(keys->key, 16, keys->secret, "key", NULL, 0);
  craft_expand(keys->iv, 12, keys->secret, "iv", NULL, 0);
  keys->seq = 0;
  keys->on = true;
}

void craft_next_keys(struct craft_keys *keys) {
  uint8_t next[CRAFT_HASH];
  craft_expand(next, CRAFT_HASH, keys->secret, "traffic upd", NULL, 0);
  craft_set_keys(keys, next);
}

void craft_verify_data(const struct craft *craft, uint8_t out[CRAFT_HASH],
                       const uint8_t secret[CRAFT_HASH]) {
  uint8_t key[CRAFT_HASH], hash[CRAFT_HASH];
  unsigned len = 0;
  craft_expand(key, CRAFT_HASH, secret, "finished", NULL, 0);
  craft_transcript_hash(craft, hash);
  if (HMAC(EVP_sha256(), key, CRAFT_HASH, hash, CRAFT_HASH, out, &len) == NULL) abort();
}
