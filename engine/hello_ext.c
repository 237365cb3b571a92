/* hello_ext.c: the extensions that settle keys and versions: supported_versions, supported_groups,
 * key_share, cookie, psk_key_exchange_modes, early_data.  Choosing is negotiate.c's; pre_shared_key
 * is psk.c's. */
#include "engine.h"

/* A list of 16-bit codes behind a 16-bit length: at least one. */
hf_status hf_get_codes(CBS *body, CBS *list) {
  return CBS_get_u16_length_prefixed(body, list) && CBS_len(list) > 0 && CBS_len(list) % 2 == 0
             ? HF_OK
             : HF_BAD_EXTENSION;
}

hf_status hf_put_codes(CBB *body, hf_codes codes) { return hf_put_greased(body, 0, codes); }

/* ---- supported_versions, RFC 9846 4.3.1 ---- */

hf_status hf_send_ext_supported_versions(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, versions;
  if (place == CH && !hf_may_be(conn, HF_TLS13)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_supported_versions));
  if (place != CH) {
    return hf_ext_end(list, CBB_add_u16(&body, HF_TLS13));
  }
  const uint16_t grease = hf_grease(conn, HF_GREASE_VERSION);
  return hf_ext_end(list, CBB_add_u8_length_prefixed(&body, &versions) &&
                              (grease == 0 || CBB_add_u16(&versions, grease)) &&
                              CBB_add_u16(&versions, HF_TLS13) &&
                              (!hf_may_be(conn, HF_TLS12) || CBB_add_u16(&versions, HF_TLS12)));
}

hf_status hf_receive_ext_supported_versions(hf_conn *conn, hf_place place, CBS *body) {
  CBS versions;
  uint16_t version;
  if (place == CH) {
    return CBS_get_u8_length_prefixed(body, &versions) && CBS_len(&versions) > 0 &&
                   CBS_len(&versions) % 2 == 0
               ? HF_OK
               : HF_BAD_EXTENSION;
  }
  if (!CBS_get_u16(body, &version)) {
    return HF_BAD_EXTENSION;
  }
  if (version != HF_TLS13) {
    return HF_WRONG_VERSION;  // cannot be: it was looked at before
  }
  conn->version = version;
  return HF_OK;
}

/* ---- supported_groups, RFC 9846 4.3.7 ---- */

hf_status hf_send_ext_supported_groups(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  if (place != CH) {
    return HF_OK;  // a server may say what it prefers; we do not
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_supported_groups));
  HF_TRY(hf_put_greased(&body, hf_grease(conn, HF_GREASE_GROUP), conn->config->settings.groups));
  return hf_ext_end(list, true);
}

hf_status hf_receive_ext_supported_groups(hf_conn *conn, hf_place place, CBS *body) {
  CBS groups;
  (void)conn;
  if (place == SH12) {
    // RFC 8422 4: servers do not send it; some do all the same, and mean nothing by it.
    return CBS_skip(body, CBS_len(body)) ? HF_OK : HF_INTERNAL;
  }
  return hf_get_codes(body, &groups);
}

/* ---- key_share, RFC 9846 4.3.8 ---- */

static hf_status put_share(const hf_conn *conn, CBB *out, const hf_group *group) {
  CBB key;
  if (!CBB_add_u16(out, group->id) || !CBB_add_u16_length_prefixed(out, &key)) {
    return HF_INTERNAL;
  }
  HF_TRY(hf_group_public(&key, group, conn->hs->entropy, conn->hs->ciphertext));
  return CBB_flush(out) ? HF_OK : HF_INTERNAL;
}

hf_status hf_send_ext_key_share(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, shares;
  const hf_group *group = conn->hs->group;
  if (place == HRR ? !conn->hs->ask_group : place == CH && !hf_may_be(conn, HF_TLS13)) {
    return HF_OK;  // only the cookie is asked for
  }
  if (place == SH && group == NULL) {
    return HF_OK;  // psk_ke
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_key_share));
  if (place == HRR) {
    return hf_ext_end(list, CBB_add_u16(&body, group->id));
  }
  if (place == SH) {
    HF_TRY(put_share(conn, &body, group));
    return hf_ext_end(list, true);
  }
  if (!CBB_add_u16_length_prefixed(&body, &shares)) {
    return HF_INTERNAL;
  }
  if (group != NULL) {  // after a HelloRetryRequest: the one asked for
    HF_TRY(put_share(conn, &shares, group));
    return hf_ext_end(list, true);
  }
  const uint16_t grease = hf_grease(conn, HF_GREASE_GROUP);
  if (grease != 0 && !(CBB_add_u16(&shares, grease) && CBB_add_u16(&shares, 1 /* one byte */) &&
                       CBB_add_u8(&shares, 0))) {
    return HF_INTERNAL;
  }
  const hf_codes codes = conn->config->settings.key_shares;
  for (size_t i = 0; i < codes.num; i++) {
    HF_TRY(put_share(conn, &shares, hf_group_find(codes.list[i])));
  }
  return hf_ext_end(list, true);
}

bool hf_next_share(CBS *shares, uint16_t *group, CBS *key) {
  return CBS_get_u16(shares, group) && CBS_get_u16_length_prefixed(shares, key) && CBS_len(key) > 0;
}

bool hf_find_share(CBS shares, uint16_t wanted, CBS *key) {
  uint16_t group;
  while (hf_next_share(&shares, &group, key)) {
    if (group == wanted) {
      return true;
    }
  }
  return false;
}

/* Each share once, and each for a group that supported_groups lists: looked at for the groups known
 * here. */
static hf_status check_shares(const hf_conn *conn, CBS shares) {
  uint16_t code;
  CBS key, groups, body;
  const bool listed = hf_ext_body(conn, HF_EXT_supported_groups, &body) &&
                      CBS_get_u16_length_prefixed(&body, &groups);
  while (CBS_len(&shares) > 0) {
    if (!hf_next_share(&shares, &code, &key)) {
      return HF_DECODE_ERROR;
    }
    if (hf_group_find(code) == NULL) {
      continue;
    }
    if (listed && !hf_wire_has(groups, code)) {
      return HF_STRAY_KEY_SHARE;
    }
    if (hf_find_share(shares, code, &key)) {
      return HF_DUPLICATE_KEY_SHARE;
    }
  }
  return HF_OK;
}

/* RFC 9846 4.2.4: a group that was offered, and whose share was not. */
static hf_status receive_retry_group(hf_conn *conn, CBS *body) {
  CBS groups, shares, key, own;
  uint16_t code;
  if (!CBS_get_u16(body, &code)) {
    return HF_BAD_EXTENSION;
  }
  if (!hf_ext_body(conn, HF_EXT_supported_groups, &own) ||
      !CBS_get_u16_length_prefixed(&own, &groups) || !hf_wire_has(groups, code) ||
      hf_group_find(code) == NULL || !hf_ext_body(conn, HF_EXT_key_share, &own) ||
      !CBS_get_u16_length_prefixed(&own, &shares) || hf_find_share(shares, code, &key)) {
    return HF_WRONG_GROUP;
  }
  conn->hs->group = hf_group_find(code);
  return HF_OK;
}

/* RFC 9846 4.3.8: the share answers one of the hello's. */
static hf_status receive_server_share(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS shares, key, own;
  uint16_t code;
  if (!hf_next_share(body, &code, &key)) {
    return HF_BAD_EXTENSION;
  }
  const hf_group *group = hf_group_find(code);
  CBS ours;
  if (group == NULL || !hf_ext_body(conn, HF_EXT_key_share, &own) ||
      !CBS_get_u16_length_prefixed(&own, &shares) || !hf_find_share(shares, code, &ours)) {
    return HF_WRONG_GROUP;
  }
  HF_TRY(hf_group_agree(hs->shared, &hs->shared_len, group, hs->entropy, key, NULL));
  conn->group = code;
  return HF_OK;
}

hf_status hf_receive_ext_key_share(hf_conn *conn, hf_place place, CBS *body) {
  CBS shares;
  if (place == HRR) {
    return receive_retry_group(conn, body);
  }
  if (place == SH) {
    return receive_server_share(conn, body);
  }
  if (!CBS_get_u16_length_prefixed(body, &shares) || CBS_len(body) != 0) {
    return HF_DECODE_ERROR;
  }
  return check_shares(conn, shares);
}

/* ---- cookie, RFC 9846 4.3.2 ---- */

hf_status hf_send_ext_cookie(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, cookie;
  const hf_bytes bytes = conn->hs->cookie;
  (void)place;
  if (bytes.len == 0) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_cookie));
  return hf_ext_end(list, CBB_add_u16_length_prefixed(&body, &cookie) &&
                              CBB_add_bytes(&cookie, bytes.data, bytes.len));
}

hf_status hf_receive_ext_cookie(hf_conn *conn, hf_place place, CBS *body) {
  CBS cookie;
  if (!CBS_get_u16_length_prefixed(body, &cookie) || CBS_len(&cookie) == 0) {
    return HF_DECODE_ERROR;
  }
  if (place == HRR) {
    return hf_copy(&conn->hs->cookie, CBS_data(&cookie), CBS_len(&cookie));
  }
  return HF_OK;
}

/* ---- psk_key_exchange_modes, RFC 9846 4.3.9 ---- */

enum { PSK_KE = 0, PSK_DHE_KE = 1 };

hf_status hf_send_ext_psk_key_exchange_modes(hf_conn *conn, hf_place place, CBB *list) {
  CBB body, modes;
  const bool alone = (conn->config->settings.flags & HF_ALLOW_PSK_KE) != 0;
  (void)place;
  if (!hf_may_be(conn, HF_TLS13)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_psk_key_exchange_modes));
  return hf_ext_end(list, CBB_add_u8_length_prefixed(&body, &modes) &&
                              CBB_add_u8(&modes, PSK_DHE_KE) &&
                              (!alone || CBB_add_u8(&modes, PSK_KE)));
}

hf_status hf_receive_ext_psk_key_exchange_modes(hf_conn *conn, hf_place place, CBS *body) {
  CBS modes;
  (void)place;
  if (!CBS_get_u8_length_prefixed(body, &modes) || CBS_len(&modes) == 0) {
    return HF_BAD_EXTENSION;
  }
  uint8_t mode;
  while (CBS_get_u8(&modes, &mode)) {
    conn->hs->psk_dhe = conn->hs->psk_dhe || mode == PSK_DHE_KE;
    conn->hs->psk_ke = conn->hs->psk_ke || mode == PSK_KE;
  }
  return HF_OK;
}

bool hf_psk_mode_offered(const hf_conn *conn, bool share) {
  CBS body, modes;
  uint8_t mode;
  if (hf_ext_body(conn, HF_EXT_psk_key_exchange_modes, &body) &&
      CBS_get_u8_length_prefixed(&body, &modes)) {
    while (CBS_get_u8(&modes, &mode)) {
      if (mode == (share ? PSK_DHE_KE : PSK_KE)) {
        return true;
      }
    }
  }
  return false;
}

/* ---- early_data, RFC 9846 4.3.10 ---- */

hf_status hf_send_ext_early_data(hf_conn *conn, hf_place place, CBB *list) {
  CBB body;
  (void)place;
  if (!hf_has(conn, EARLY)) {
    return HF_OK;
  }
  HF_TRY(hf_ext_begin(&body, list, HF_EXT_early_data));
  return hf_ext_end(list, true);
}

hf_status hf_receive_ext_early_data(hf_conn *conn, hf_place place, CBS *body) {
  (void)body;
  switch (place) {
    case CH:
      if (hf_has(conn, RETRIED)) {
        return HF_INCONSISTENT_HELLO;  // RFC 9846 4.2.2: removed from the second hello
      }
      conn->hs->early_offered = true;
      return HF_OK;
    case EE:
      conn->early_accepted = hf_has(conn, EARLY);
      return conn->early_accepted ? HF_OK : HF_EARLY_DATA_UNRESUMED;
    case SH:
    case HRR:
    case CR:
    case CT:
    case NST:
    case SH12:
    default:
      return HF_INTERNAL;  // not in extensions.def, or read in post.c
  }
}
