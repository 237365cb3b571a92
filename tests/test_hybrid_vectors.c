/* test_hybrid_vectors.c - the hybrid groups against tests/vectors/hybrid.txt, which a program that
 * shares nothing with the engine computed from the specifications.  What the server does needs the
 * answer to HF_ASK_ENCAP but no ML-KEM, and is looked at with any libcrypto; what the client does
 * is left out, and said to be, where libcrypto has none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/nid.h>

#include "engine/engine.h"
#include "side.h"

enum { MOST = 1700 };

/* The rows of the groups as they are, whether or not libcrypto can use them. */
static const hf_group rows[] = {
#define GROUP(id, name, nid, slot, private_len, public_len, kem, kem_first) \
  {id, #name, nid, offsetof(hf_entropy, slot), private_len, public_len, kem, kem_first},
#include "engine/groups.def"
#undef GROUP
};

struct field {
  uint8_t data[MOST];
  size_t len;
};

/* vector is one key exchange. */
struct vector {
  const hf_group *group;
  struct field client_scalar, client_seed, server_scalar, m, client_share, ciphertext, kem_secret,
      server_share, secret;
};

static void read_hex(struct field *out, const char *text) {
  unsigned byte;
  for (out->len = 0; sscanf(text + 2 * out->len, "%2x", &byte) == 1; out->len++) {
    cr_assert(out->len < MOST);
    out->data[out->len] = (uint8_t)byte;
  }
}

static struct field *field_of(struct vector *v, const char *name) {
  struct {
    const char *name;
    struct field *field;
  } fields[] = {{"client_scalar", &v->client_scalar},
                {"client_seed", &v->client_seed},
                {"server_scalar", &v->server_scalar},
                {"m", &v->m},
                {"client_share", &v->client_share},
                {"ciphertext", &v->ciphertext},
                {"kem_secret", &v->kem_secret},
                {"server_share", &v->server_share},
                {"secret", &v->secret}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (strcmp(fields[i].name, name) == 0) return fields[i].field;
  }
  cr_assert_fail("a field %s", name);
  abort();
}

static const hf_group *row_of(const char *id) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].id == strtoul(id, NULL, 16)) return &rows[i];
  }
  cr_assert_fail("a group %s", id);
  abort();
}

/* read_vectors reads them all; |check| is called with each. */
static size_t with_vectors(void (*check)(const struct vector *)) {
  static char line[2 * MOST + 64], name[64], value[2 * MOST + 1];
  struct vector v = {.group = NULL};
  size_t num = 0;
  FILE *file = fopen(HF_SOURCE_DIR "/tests/vectors/hybrid.txt", "r");
  cr_assert_not_null(file);
  while (fgets(line, sizeof line, file) != NULL) {
    if (line[0] == '#' || sscanf(line, "%63s %3400s", name, value) != 2) continue;
    if (strcmp(name, "group") == 0) {
      v.group = row_of(value);
      continue;
    }
    read_hex(field_of(&v, name), value);
    if (strcmp(name, "secret") != 0) continue; /* the last of each */
    check(&v);
    num++;
  }
  fclose(file);
  return num;
}

static hf_entropy entropy_of(const struct vector *v, const struct field *scalar,
                             const struct field *seed) {
  hf_entropy entropy;
  memset(&entropy, 0, sizeof entropy);
  cr_assert_eq(scalar->len, v->group->private_len);
  memcpy((uint8_t *)&entropy + v->group->entropy, scalar->data, scalar->len);
  if (seed != NULL) {
    cr_assert_eq(seed->len, 64u);
    memcpy((uint8_t *)&entropy + v->group->kem->entropy, seed->data, seed->len);
  }
  return entropy;
}

static CBS cbs_of(const struct field *field) {
  CBS cbs;
  CBS_init(&cbs, field->data, field->len);
  return cbs;
}

static void expect_share(const struct field *expected, const hf_group *group,
                         const hf_entropy *entropy, hf_bytes ciphertext) {
  uint8_t room[MOST];
  CBB cbb;
  size_t len;
  cr_assert(CBB_init_fixed(&cbb, room, sizeof room));
  cr_assert_eq(hf_group_public(&cbb, group, entropy, ciphertext), HF_OK);
  cr_assert(CBB_finish(&cbb, NULL, &len));
  cr_assert_eq(len, expected->len, "%s", group->name);
  cr_expect_arr_eq(room, expected->data, len, "%s", group->name);
}

static void server(const struct vector *v) {
  uint8_t secret[HF_MAX_SECRET], len;
  const hf_entropy entropy = entropy_of(v, &v->server_scalar, NULL);
  CBS share = cbs_of(&v->client_share), kem;
  cr_assert_eq(v->client_share.len, hf_group_share_len(v->group));
  cr_assert(hf_group_split(&share, &kem, v->group, v->group->kem->public_len));
  cr_expect_eq(CBS_len(&share), v->group->public_len);
  /* X25519MLKEM768 has the KEM's part first, the two others last. */
  cr_expect_eq(CBS_data(&kem) == v->client_share.data, v->group->id == 0x11ec);
  expect_share(&v->server_share, v->group, &entropy,
               (hf_bytes){v->ciphertext.data, v->ciphertext.len});
  cr_assert_eq(hf_group_agree(secret, &len, v->group, &entropy, cbs_of(&v->client_share),
                              v->kem_secret.data),
               HF_OK);
  cr_assert_eq(len, v->secret.len);
  cr_expect_arr_eq(secret, v->secret.data, len, "%s", v->group->name);
}

/* R-10024-4.1-1 R-10024-4.3-1 */
Test(hybrid_vectors, the_server) { cr_assert_eq(with_vectors(server), 3u); }

static void client(const struct vector *v) {
  uint8_t secret[HF_MAX_SECRET], len;
  const hf_entropy entropy = entropy_of(v, &v->client_scalar, &v->client_seed);
  if (hf_group_find(v->group->id) == NULL) {
    printf("skipped: %s, the client's side: this libcrypto has no ML-KEM\n", v->group->name);
    return;
  }
  expect_share(&v->client_share, v->group, &entropy, (hf_bytes){NULL, 0});
  cr_assert_eq(hf_group_agree(secret, &len, v->group, &entropy, cbs_of(&v->server_share), NULL),
               HF_OK);
  cr_assert_eq(len, v->secret.len);
  cr_expect_arr_eq(secret, v->secret.data, len, "%s", v->group->name);
}

/* R-10024-4.1-1 R-10024-4.3-1 */
Test(hybrid_vectors, the_client) { cr_assert_eq(with_vectors(client), 3u); }

/* R-10024-4.2-2: a ciphertext that was changed gives another secret (FIPS 203 6.3), a curve's part
 * that was changed to what is no key gives none. */
static void changed(const struct vector *v) {
  uint8_t secret[HF_MAX_SECRET], len;
  const hf_entropy entropy = entropy_of(v, &v->server_scalar, NULL);
  struct field share = v->client_share;
  const size_t at = v->group->kem_first ? v->group->kem->public_len : 0;
  memset(share.data + at + (v->group->nid == NID_undef ? 0 : 1), 0, v->group->public_len - 1u);
  if (v->group->nid == NID_undef) share.data[share.len - 1] = 0;
  cr_expect_eq(hf_group_agree(secret, &len, v->group, &entropy, cbs_of(&share), v->kem_secret.data),
               HF_BAD_KEY_SHARE, "%s", v->group->name);
  share = v->server_share;
  share.data[v->group->kem_first ? 0 : v->group->public_len] ^= 1;
  if (hf_group_find(v->group->id) == NULL) return;
  const hf_entropy own = entropy_of(v, &v->client_scalar, &v->client_seed);
  cr_assert_eq(hf_group_agree(secret, &len, v->group, &own, cbs_of(&share), NULL), HF_OK);
  cr_expect_neq(memcmp(secret, v->secret.data, len), 0);
}

Test(hybrid_vectors, what_was_changed) { cr_assert_eq(with_vectors(changed), 3u); }
