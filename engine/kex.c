/* kex.c: key agreement (RFC 9846 4.3.8.2, 7.4.2) from private keys that are given, never drawn
 * here. */
#include "engine.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/nid.h>

static const uint8_t *private_key(const hf_group *group, const hf_entropy *entropy) {
  return (const uint8_t *)entropy + group->entropy;
}

/* What one operation on a NIST curve needs. */
typedef struct curve {
  EC_GROUP *group;
  BIGNUM *scalar, *x;
  EC_POINT *point, *peer;
} curve;

static void curve_free(curve *c) {
  EC_POINT_free(c->peer);
  EC_POINT_free(c->point);
  BN_clear_free(c->x);
  BN_clear_free(c->scalar);
  EC_GROUP_free(c->group);
}

/* Loads the group and the private scalar, which must be in 1..n-1. */
static hf_status curve_begin(curve *c, const hf_group *group, const hf_entropy *entropy) {
  memset(c, 0, sizeof(*c));
  ERR_clear_error();
  c->group = EC_GROUP_new_by_curve_name(group->nid);
  c->scalar = BN_bin2bn(private_key(group, entropy), group->private_len, NULL);
  c->x = BN_new();
  if (c->group == NULL || c->scalar == NULL || c->x == NULL ||
      (c->point = EC_POINT_new(c->group)) == NULL || (c->peer = EC_POINT_new(c->group)) == NULL) {
    return HF_NO_MEMORY;
  }
  if (BN_is_zero(c->scalar) || BN_cmp(c->scalar, EC_GROUP_get0_order(c->group)) >= 0) {
    return HF_BAD_ENTROPY;
  }
  return HF_OK;
}

static hf_status curve_public(uint8_t *out, const hf_group *group, const hf_entropy *entropy) {
  curve c;
  hf_status status = curve_begin(&c, group, entropy);
  if (status == HF_OK && (!EC_POINT_mul(c.group, c.point, c.scalar, NULL, NULL, NULL) ||
                          EC_POINT_point2oct(c.group, c.point, POINT_CONVERSION_UNCOMPRESSED, out,
                                             group->public_len, NULL) != group->public_len)) {
    status = hf_blame(HF_CRYPTO_FAILED);
  }
  curve_free(&c);
  return status;
}

static hf_status curve_agree(uint8_t *out, const hf_group *group, const hf_entropy *entropy,
                             CBS peer) {
  curve c;
  hf_status status = curve_begin(&c, group, entropy);
  if (status == HF_OK) {
    // RFC 9846 4.3.8.2: uncompressed, on the curve and not at infinity, which has no such form.
    if (CBS_data(&peer)[0] != POINT_CONVERSION_UNCOMPRESSED ||
        !EC_POINT_oct2point(c.group, c.peer, CBS_data(&peer), CBS_len(&peer), NULL)) {
      status = hf_blame(HF_BAD_KEY_SHARE);
    } else if (!EC_POINT_mul(c.group, c.point, NULL, c.peer, c.scalar, NULL) ||
               !EC_POINT_get_affine_coordinates_GFp(c.group, c.point, c.x, NULL, NULL) ||
               !BN_bn2bin_padded(out, group->private_len, c.x)) {
      status = hf_blame(HF_CRYPTO_FAILED);
    }
  }
  curve_free(&c);
  return status;
}

static hf_status classic_public(uint8_t *out, const hf_group *group, const hf_entropy *entropy) {
  if (group->nid != NID_undef) {
    return curve_public(out, group, entropy);
  }
  X25519_public_from_private(out, private_key(group, entropy));
  return HF_OK;
}

static hf_status classic_agree(uint8_t *out, const hf_group *group, const hf_entropy *entropy,
                               CBS peer) {
  if (CBS_len(&peer) != group->public_len) {
    return HF_BAD_KEY_SHARE;
  }
  if (group->nid != NID_undef) {
    return curve_agree(out, group, entropy, peer);
  }
  // RFC 9846 7.4.2: an all-zero result, which X25519 reports, ends the handshake.
  return X25519(out, private_key(group, entropy), CBS_data(&peer)) ? HF_OK : HF_BAD_KEY_SHARE;
}

static const uint8_t *seed(const hf_kem *kem, const hf_entropy *entropy) {
  return (const uint8_t *)entropy + kem->entropy;
}

size_t hf_group_share_len(const hf_group *group) {
  return group->public_len + (group->kem != NULL ? (size_t)group->kem->public_len : 0);
}

/* The KEM's part of a share: a client's public key, or the ciphertext that answers it. */
static hf_status put_kem(CBB *out, const hf_group *group, const hf_entropy *entropy,
                         hf_bytes ciphertext) {
  uint8_t *bytes;
  if (ciphertext.data != NULL) {
    return CBB_add_bytes(out, ciphertext.data, ciphertext.len) ? HF_OK : HF_INTERNAL;
  }
  return CBB_add_space(out, &bytes, group->kem->public_len) &&
                 group->kem->public_key(bytes, seed(group->kem, entropy))
             ? HF_OK
             : HF_CRYPTO_FAILED;
}

hf_status hf_group_public(CBB *out, const hf_group *group, const hf_entropy *entropy,
                          hf_bytes ciphertext) {
  uint8_t *bytes;
  if (group->kem != NULL && group->kem_first) {
    HF_TRY(put_kem(out, group, entropy, ciphertext));
  }
  if (!CBB_add_space(out, &bytes, group->public_len)) {
    return HF_INTERNAL;
  }
  HF_TRY(classic_public(bytes, group, entropy));
  return group->kem != NULL && !group->kem_first ? put_kem(out, group, entropy, ciphertext) : HF_OK;
}

bool hf_group_split(CBS *share, CBS *kem, const hf_group *group, size_t kem_len) {
  CBS first, second = *share;
  const size_t first_len = group->kem_first ? kem_len : group->public_len;
  if (CBS_len(share) != kem_len + group->public_len || !CBS_get_bytes(&second, &first, first_len)) {
    return false;
  }
  *share = group->kem_first ? second : first;
  *kem = group->kem_first ? first : second;
  return true;
}

hf_status hf_group_agree(uint8_t out[HF_MAX_SECRET], uint8_t *out_len, const hf_group *group,
                         const hf_entropy *entropy, CBS peer, const uint8_t *kem_secret) {
  const hf_kem *kem = group->kem;
  *out_len = group->private_len;
  if (kem == NULL) {
    return classic_agree(out, group, entropy, peer);
  }
  CBS part;
  const size_t kem_len = kem_secret != NULL ? kem->public_len : kem->ciphertext_len;
  if (!hf_group_split(&peer, &part, group, kem_len)) {
    return HF_BAD_KEY_SHARE;
  }
  *out_len = (uint8_t)(group->private_len + HF_KEM_SECRET);
  uint8_t *kem_out = group->kem_first ? out : out + group->private_len;
  if (kem_secret != NULL) {
    memcpy(kem_out, kem_secret, HF_KEM_SECRET);
  } else if (!kem->decap(kem_out, CBS_data(&part), seed(kem, entropy))) {
    return HF_CRYPTO_FAILED;
  }
  return classic_agree(group->kem_first ? out + HF_KEM_SECRET : out, group, entropy, peer);
}
