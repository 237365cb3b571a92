/* key_shares.c: which groups a connection has, and for which of them a client sends a share at
 * once.
 *
 * Owns: ssl_settings.key_shares and key_shares_set; the defaults.  By default a client sends a
 * share for its first group, and one more for the first group of the other sort, hybrid or not: a
 * server that has no ML-KEM should not cost a round trip.  Leaves to others: names and numbers
 * (group.c). */
#include "ssl/internal.h"

/* ML-KEM has no use in TLS but in hybrids, whose numbers are these. */
static bool is_hybrid(uint16_t group) {
  return group == 0x11ec || group == 0x11eb || group == 0x11ed;
}

hf_codes ssl_default_groups(void) {
  static const uint16_t kGroups[] = {0x11ec, 0x001d, 0x0017, 0x0018};
  const size_t skip = ssl_engine_has_group(kGroups[0]) ? 0 : 1;
  return (hf_codes){kGroups + skip, sizeof kGroups / sizeof kGroups[0] - skip};
}

/* is_within says whether |part| is |whole| with some left out. */
static bool is_within(hf_codes part, hf_codes whole) {
  size_t at = 0;
  for (size_t i = 0; i < part.num; i++, at++) {
    while (at < whole.num && whole.list[at] != part.list[i]) at++;
    if (at >= whole.num) return false;
  }
  return true;
}

hf_codes ssl_key_shares(uint16_t room[2], const ssl_settings *s, hf_codes groups) {
  hf_codes set = {s->key_shares.list, s->key_shares.num};
  if (s->key_shares_set && is_within(set, groups))
    return (hf_codes){set.num > 0 ? set.list : room, set.num};
  size_t num = 1;
  room[0] = groups.list[0];
  for (size_t i = 1; i < groups.num && num == 1; i++)
    if (is_hybrid(groups.list[i]) != is_hybrid(room[0])) room[num++] = groups.list[i];
  return (hf_codes){room, num};
}

int SSL_set1_client_key_shares(SSL *ssl, const uint16_t *group_ids, size_t num_group_ids) {
  hf_codes groups = {ssl->settings->groups.list, ssl->settings->groups.num};
  if (groups.num == 0) groups = ssl_default_groups();
  bool ok = is_within((hf_codes){group_ids, num_group_ids}, groups);
  for (size_t i = 0; i < num_group_ids && ok; i++) ok = ssl_engine_has_group(group_ids[i]);
  if (!ok) {
    SSL_ERR(SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(&ssl->settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  s->key_shares_set = ssl_codes_set(&s->key_shares, group_ids, num_group_ids);
  if (s->key_shares_set) return 1;
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return 0;
}
