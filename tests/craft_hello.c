/* craft_hello.c: hellos of craft.h, from RFC 9846 4.2 and 4.3. */
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"

/* SHA-256 of "HelloRetryRequest" (4.2.3). */
static const uint8_t retry_random[CRAFT_RANDOM] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

struct craft_ext *craft_ext(struct craft_hello *hello, uint16_t type) {
  for (size_t i = 0; i < hello->num_ext; i++)
    if (hello->ext[i].type == type) return &hello->ext[i];
  return NULL;
}

void craft_add_ext(struct craft_hello *hello, uint16_t type, const void *body, size_t len) {
  if (hello->num_ext == sizeof hello->ext / sizeof *hello->ext) abort();
  struct craft_ext *ext = &hello->ext[hello->num_ext++];
  *ext = (struct craft_ext){.type = type};
  buf_add(&ext->body, body, len);
}

void craft_set_ext(struct craft_hello *hello, uint16_t type, const void *body, size_t len) {
  struct craft_ext *ext = craft_ext(hello, type);
  if (ext == NULL) {
    craft_add_ext(hello, type, body, len);
    return;
  }
  ext->body.len = 0;
  buf_add(&ext->body, body, len);
}

void craft_drop_ext(struct craft_hello *hello, uint16_t type) {
  struct craft_ext *ext = craft_ext(hello, type);
  if (ext == NULL) return;
  buf_free(&ext->body);
  size_t behind = (size_t)(hello->ext + hello->num_ext - ext) - 1;
  memmove(ext, ext + 1, behind * sizeof *ext);
  hello->num_ext--;
}

void craft_hello_free(struct craft_hello *hello) {
  for (size_t i = 0; i < hello->num_ext; i++) buf_free(&hello->ext[i].body);
  buf_free(&hello->session_id);
  buf_free(&hello->suites);
  buf_free(&hello->compression);
  buf_free(&hello->tail);
  *hello = (struct craft_hello){.version = 0};
}

void craft_key_share(struct buf *out, const struct craft *craft) {
  uint8_t public_key[32];
  X25519_public_from_private(public_key, craft->private_key);
  put16(out, 0x001d);
  put_vector(out, 2, public_key, sizeof public_key);
}

static void set_built(struct craft_hello *hello, uint16_t type, struct buf *body) {
  craft_set_ext(hello, type, body->data, body->len);
  buf_free(body);
}

void craft_default_client_hello(const struct craft *craft, struct craft_hello *hello) {
  static const uint8_t suites[] = {0x13, 0x01}, groups[] = {0, 4, 0, 0x1d, 0, 0x17};
  static const uint8_t versions[] = {2, 3, 4};
  static const uint8_t sigalgs[] = {0, 8, 4, 3, 5, 3, 8, 4, 8, 7};
  *hello = (struct craft_hello){.version = 0x0303};
  memset(hello->random, 0xc1, sizeof hello->random);
  for (unsigned i = 0; i < 32; i++) put8(&hello->session_id, i);
  buf_add(&hello->suites, suites, sizeof suites);
  put8(&hello->compression, 0);
  craft_set_ext(hello, EXT_SUPPORTED_GROUPS, groups, sizeof groups);
  craft_set_ext(hello, EXT_SUPPORTED_VERSIONS, versions, sizeof versions);
  craft_set_ext(hello, EXT_SIGNATURE_ALGORITHMS, sigalgs, sizeof sigalgs);
  struct buf share = {0}, shares = {0};
  craft_key_share(&share, craft);
  put_vector(&shares, 2, share.data, share.len);
  buf_free(&share);
  set_built(hello, EXT_KEY_SHARE, &shares);
}

static void answer_hello(struct craft_hello *hello, const struct craft_hello *client) {
  static const uint8_t suite[] = {0x13, 0x01}, version[] = {3, 4};
  *hello = (struct craft_hello){.version = 0x0303};
  buf_add(&hello->session_id, client->session_id.data, client->session_id.len);
  buf_add(&hello->suites, suite, sizeof suite);
  put8(&hello->compression, 0);
  craft_set_ext(hello, EXT_SUPPORTED_VERSIONS, version, sizeof version);
}

void craft_default_server_hello(const struct craft *craft, struct craft_hello *hello,
                                const struct craft_hello *client) {
  struct buf share = {0};
  answer_hello(hello, client);
  memset(hello->random, 0x5e, sizeof hello->random);
  craft_key_share(&share, craft);
  set_built(hello, EXT_KEY_SHARE, &share);
}

void craft_retry_hello(struct craft_hello *hello, const struct craft_hello *client,
                       uint16_t group) {
  struct buf share = {0};
  answer_hello(hello, client);
  memcpy(hello->random, retry_random, sizeof hello->random);
  if (group == 0) return;
  put16(&share, group);
  set_built(hello, EXT_KEY_SHARE, &share);
}

void craft_write_hello(struct buf *out, const struct craft_hello *hello, bool server) {
  struct buf block = {0};
  put16(out, hello->version);
  buf_add(out, hello->random, sizeof hello->random);
  put_vector(out, 1, hello->session_id.data, hello->session_id.len);
  if (server) {
    buf_add(out, hello->suites.data, hello->suites.len);
    buf_add(out, hello->compression.data, hello->compression.len);
  } else {
    put_vector(out, 2, hello->suites.data, hello->suites.len);
    put_vector(out, 1, hello->compression.data, hello->compression.len);
  }
  for (size_t i = 0; i < hello->num_ext; i++) {
    put16(&block, hello->ext[i].type);
    put_vector(&block, 2, hello->ext[i].body.data, hello->ext[i].body.len);
  }
  if (!hello->no_extensions) put_vector(out, 2, block.data, block.len);
  buf_add(out, hello->tail.data, hello->tail.len);
  buf_free(&block);
}

static void keep(struct buf *out, const CBS *bytes) {
  buf_add(out, CBS_data(bytes), CBS_len(bytes));
}

bool craft_parse_hello(struct craft_hello *out, const struct buf *body, bool server) {
  CBS cbs, session_id, suites, compression, block;
  *out = (struct craft_hello){.version = 0};
  CBS_init(&cbs, body->data, body->len);
  if (!CBS_get_u16(&cbs, &out->version) || !CBS_copy_bytes(&cbs, out->random, CRAFT_RANDOM) ||
      !CBS_get_u8_length_prefixed(&cbs, &session_id))
    return false;
  bool ok = server ? CBS_get_bytes(&cbs, &suites, 2) && CBS_get_bytes(&cbs, &compression, 1)
                   : CBS_get_u16_length_prefixed(&cbs, &suites) &&
                         CBS_get_u8_length_prefixed(&cbs, &compression);
  if (!ok || !CBS_get_u16_length_prefixed(&cbs, &block) || CBS_len(&cbs) != 0) return false;
  keep(&out->session_id, &session_id);
  keep(&out->suites, &suites);
  keep(&out->compression, &compression);
  while (CBS_len(&block) > 0) {
    CBS data;
    uint16_t type;
    if (!CBS_get_u16(&block, &type) || !CBS_get_u16_length_prefixed(&block, &data)) return false;
    craft_add_ext(out, type, CBS_data(&data), CBS_len(&data));
  }
  return true;
}

bool craft_share_of(const uint8_t **out, struct craft_hello *hello, bool server) {
  const struct craft_ext *ext = craft_ext(hello, EXT_KEY_SHARE);
  CBS cbs, list, key;
  uint16_t group;
  if (ext == NULL) return false;
  CBS_init(&cbs, ext->body.data, ext->body.len);
  list = cbs;
  if (!server && !CBS_get_u16_length_prefixed(&cbs, &list)) return false;
  while (CBS_get_u16(&list, &group) && CBS_get_u16_length_prefixed(&list, &key)) {
    if (group != 0x001d || CBS_len(&key) != 32) continue;
    *out = CBS_data(&key);
    return true;
  }
  return false;
}
