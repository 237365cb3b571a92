/* grease.c: what a client that asks for it does so that servers stay open to what they do not know:
 * values that nobody will ever define, in its lists and among its extensions (GREASE, RFC 8701),
 * and another order of extensions in each hello.  Both come out of hf_entropy.grease; a second
 * hello repeats the first.  A server does as much with its tickets. */
#include "engine.h"

#include <string.h>

/* RFC 8701 2: both bytes the same, 0x0a to 0xfa. */
static uint16_t grease_value(uint8_t seed) { return (uint16_t)(((seed & 0xf0) | 0x0a) * 0x0101); }

bool hf_is_grease(uint16_t code) { return code == grease_value((uint8_t)code); }

uint16_t hf_grease(const hf_conn *conn, hf_grease_place place) {
  const uint8_t *seeds = conn->hs->entropy->grease;
  if (!(conn->config->settings.flags & HF_GREASE)) {
    return 0;
  }
  const uint16_t value = grease_value(seeds[place]);
  // No extension comes twice: RFC 9846 4.3.
  return place == HF_GREASE_LAST_EXT && value == grease_value(seeds[HF_GREASE_FIRST_EXT])
             ? value ^ 0x1010
             : value;
}

uint16_t hf_ticket_grease(const hf_conn *conn, uint32_t age_add) {
  return conn->config->settings.flags & HF_GREASE ? grease_value((uint8_t)age_add) : 0;
}

hf_status hf_put_greased(CBB *body, uint16_t grease, hf_codes codes) {
  CBB list;
  bool ok = CBB_add_u16_length_prefixed(body, &list) && (grease == 0 || CBB_add_u16(&list, grease));
  for (size_t i = 0; i < codes.num; i++) {
    ok = ok && CBB_add_u16(&list, codes.list[i]);
  }
  return ok && CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

hf_status hf_send_grease(const hf_conn *conn, hf_grease_place place, CBB *list) {
  CBB body;
  const uint16_t value = hf_grease(conn, place);
  if (value == 0) {
    return HF_OK;
  }
  // One empty, one not.
  return CBB_add_u16(list, value) && CBB_add_u16_length_prefixed(list, &body) &&
                 (place == HF_GREASE_FIRST_EXT || CBB_add_u8(&body, 0)) && CBB_flush(list)
             ? HF_OK
             : HF_INTERNAL;
}

/* The last rows stay: pre_shared_key (RFC 9846 4.3.11), and padding, which counts what is written.
 */
static_assert(HF_EXT_pre_shared_key == HF_NUM_EXT - 1, "it is the last that is written");
static_assert(HF_EXT_padding == HF_NUM_EXT - 2, "all but pre_shared_key come before it");

size_t hf_ext_order(uint8_t order[HF_NUM_EXT], const hf_conn *conn, hf_place place) {
  static const char label[] = "handfast extension order";
  uint8_t seeds[SHA512_DIGEST_LENGTH];
  static_assert(sizeof(seeds) >= 2 * HF_NUM_EXT, "two bytes for each");
  SHA512_CTX sha;
  // pre_shared_key, the last row, stands first in a ServerHello: RFC 8448 section 4.
  const size_t first = place == SH ? HF_EXT_pre_shared_key : 0;
  for (size_t i = 0; i < HF_NUM_EXT; i++) {
    order[i] = (uint8_t)((first + i) % HF_NUM_EXT);
  }
  if (place != CH || !(conn->config->settings.flags & HF_PERMUTE_EXTENSIONS)) {
    return HF_EXT_padding;
  }
  // Hashed, for the GREASE values show some of the bits.
  SHA512_Init(&sha);
  SHA512_Update(&sha, label, sizeof(label));
  SHA512_Update(&sha, conn->hs->entropy->grease, sizeof(conn->hs->entropy->grease));
  SHA512_Final(seeds, &sha);
  for (size_t i = HF_EXT_padding - 1; i > 0; i--) {
    const size_t j = (size_t)(seeds[2 * i] << 8 | seeds[2 * i + 1]) % (i + 1);
    const uint8_t swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return (size_t)(seeds[0] << 8 | seeds[1]) % (HF_EXT_padding + 1);
}
