/* test_extension_list.c - a type that stands twice in a list of extensions is found wherever both
 * stand, in lists of any length (RFC 9846 4.3). */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/engine.h"

enum { MOST = 80 };

/* put writes |num| empty extensions of types that the engine does not know, the |second| of the
 * type of the |first|. */
static size_t put(uint8_t *out, size_t num, size_t first, size_t second) {
  for (size_t i = 0; i < num; i++) {
    const size_t type = 0x8001 + 3 * (i == second ? first : i);
    const uint8_t extension[4] = {(uint8_t)(type >> 8), (uint8_t)type, 0, 0};
    memcpy(out + 4 * i, extension, sizeof extension);
  }
  return 4 * num;
}

static hf_status parse(hf_place place, const uint8_t *list, size_t len) {
  static hf_conn conn;
  static hf_hs hs;
  CBS cbs, bodies[HF_NUM_EXT];
  uint32_t mask;
  conn.hs = &hs;
  CBS_init(&cbs, list, len);
  return hf_extensions_parse(&conn, place, cbs, bodies, &mask);
}

/* R-4.3-4 */
Test(extension_list, repeated_anywhere) {
  uint8_t list[4 * MOST];
  for (size_t num = 1; num <= MOST; num++) {
    cr_assert_eq(parse(CH, list, put(list, num, 0, 0)), HF_OK, "%zu that differ", num);
    for (size_t first = 0; first < num; first++)
      for (size_t second = first + 1; second < num; second++)
        cr_assert_eq(parse(CH, list, put(list, num, first, second)), HF_REPEATED_EXTENSION,
                     "%zu, %zu as %zu", num, second, first);
  }
}

/* As many types as there are, each once, but for the engine's own. */
Test(extension_list, all_of_them) {
  static uint8_t list[4 * (UINT16_MAX + 1)];
  size_t len = 0;
  for (size_t type = 0; type <= UINT16_MAX; type++) {
    if (hf_ext_find((uint16_t)type) != HF_NUM_EXT) continue;
    const uint8_t extension[4] = {(uint8_t)(type >> 8), (uint8_t)type, 0, 0};
    memcpy(list + len, extension, sizeof extension);
    len += sizeof extension;
  }
  cr_expect_eq(parse(CH, list, len), HF_OK);
  memcpy(list + len - 4, list, 4);
  cr_expect_eq(parse(CH, list, len), HF_REPEATED_EXTENSION);
}
