/* prf.c: the key schedule of TLS 1.2: the PRF (RFC 5246 5), the main secret (8.1, RFC 7627 4), the
 * key block (6.3), verify_data (7.4.9) and exported keying material (RFC 5705).
 *
 * The main secret stays in conn->exporter.  What KEY takes from hs->traffic is a direction's key
 * with its IV behind it. */
#include "engine.h"

#include <string.h>

#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#define LABEL(text) hf_range((const uint8_t *)(text), sizeof(text) - 1)

/* P_hash (RFC 5246 5): A(i), label and seeds stand one behind the other in |buffer|. */
static hf_status p_hash(uint8_t *out, size_t out_len, const hf_suite *suite, hf_bytes secret,
                        uint8_t *buffer, size_t seed_len) {
  const EVP_MD *md = suite->md();
  const size_t hash_len = suite->hash_len;
  uint8_t block[EVP_MAX_MD_SIZE];
  unsigned len;
  hf_status status = HF_OK;
  if (HMAC(md, secret.data, secret.len, buffer + hash_len, seed_len, buffer, &len) == NULL) {
    return HF_NO_MEMORY;
  }
  for (size_t done = 0; done < out_len && status == HF_OK; done += hash_len) {
    const size_t part = out_len - done < hash_len ? out_len - done : hash_len;
    if (HMAC(md, secret.data, secret.len, buffer, hash_len + seed_len, block, &len) == NULL) {
      status = HF_NO_MEMORY;
      break;
    }
    memcpy(out + done, block, part);
    if (HMAC(md, secret.data, secret.len, buffer, hash_len, block, &len) == NULL) {
      status = HF_NO_MEMORY;
      break;
    }
    memcpy(buffer, block, hash_len);
  }
  OPENSSL_cleanse(block, sizeof(block));
  return status;
}

hf_status hf_prf(uint8_t *out, size_t out_len, const hf_suite *suite, hf_bytes secret,
                 hf_bytes label, const hf_bytes *seeds, size_t num) {
  size_t total = label.len;
  for (size_t i = 0; i < num; i++) {
    total += seeds[i].len;
  }
  // Longer is nothing but what is exported with a context.
  uint8_t fixed[HF_MAX_HASH + 96], *buffer = fixed;
  if (suite->hash_len + total > sizeof(fixed)) {
    buffer = OPENSSL_malloc(suite->hash_len + total);
    if (buffer == NULL) {
      return HF_NO_MEMORY;
    }
  }
  uint8_t *at = buffer + suite->hash_len;
  memcpy(at, label.data, label.len);
  at += label.len;
  for (size_t i = 0; i < num; i++) {
    if (seeds[i].len > 0) {
      memcpy(at, seeds[i].data, seeds[i].len);
    }
    at += seeds[i].len;
  }
  const hf_status status = p_hash(out, out_len, suite, secret, buffer, total);
  if (buffer != fixed) {
    OPENSSL_free(buffer);
  }
  OPENSSL_cleanse(fixed, sizeof(fixed));
  return status;
}

static hf_status main_secret(hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  const hf_bytes pre_main = hf_range(hs->shared, hs->shared_len);
  uint8_t hash[HF_MAX_HASH];
  if (hf_has(conn, RESUMED)) {
    memcpy(conn->exporter, hs->secret, HF_MAIN_SECRET);
    return HF_OK;
  }
  if (conn->ems) {
    const hf_bytes seed = hf_range(hash, hf_transcript_hash(hash, &hs->transcript, conn->suite));
    return hf_prf(conn->exporter, HF_MAIN_SECRET, conn->suite, pre_main,
                  LABEL("extended master secret"), &seed, 1);
  }
  const hf_bytes seeds[] = {hf_range(conn->client_random, 32), hf_range(conn->server_random, 32)};
  return hf_prf(conn->exporter, HF_MAIN_SECRET, conn->suite, pre_main, LABEL("master secret"),
                seeds, 2);
}

/* RFC 5246 6.3: client key, server key, client IV, server IV. */
static hf_status key_block(hf_conn *conn) {
  const hf_suite *suite = conn->suite;
  const size_t key_len = suite->key_len, iv_len = HF_NONCE - suite->sent_nonce;
  const hf_bytes secret = hf_range(conn->exporter, HF_MAIN_SECRET);
  const hf_bytes seeds[] = {hf_range(conn->server_random, 32), hf_range(conn->client_random, 32)};
  uint8_t block[2 * (32 + HF_NONCE)];
  static_assert(32 + HF_NONCE <= HF_MAX_HASH, "a key and its IV take the place of a secret");
  hf_status status =
      hf_prf(block, 2 * (key_len + iv_len), suite, secret, LABEL("key expansion"), seeds, 2);
  for (size_t who = HF_CLIENT; status == HF_OK && who <= HF_SERVER; who++) {
    uint8_t *slot = conn->hs->traffic[who][HF_APPLICATION - 1];
    memcpy(slot, block + who * key_len, key_len);
    memcpy(slot + key_len, block + 2 * key_len + who * iv_len, iv_len);
  }
  OPENSSL_cleanse(block, sizeof(block));
  return status;
}

hf_status hf_ask_main_12(hf_conn *conn) {
  if (!hf_tls12(conn) || !conn->exporter_set) {
    return HF_BAD_STATE;
  }
  hf_ask_install(conn, conn->suite, HF_SECRET_MAIN_12, HF_APPLICATION, false, "CLIENT_RANDOM",
                 conn->exporter);
  conn->hs->question.install.secret.len = HF_MAIN_SECRET;
  return HF_OK;
}

hf_status hf_derive_MAIN(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  HF_TRY(main_secret(conn));
  // A session that goes on has no use for the private keys either.
  OPENSSL_cleanse(&hs->entropy, sizeof(hs->entropy));
  hf_psk_forget(conn);
  OPENSSL_cleanse(hs->shared, sizeof(hs->shared));
  OPENSSL_cleanse(hs->secret, sizeof(hs->secret));
  HF_TRY(key_block(conn));
  conn->exporter_set = true;
  return conn->config->settings.flags & HF_EXPORT_SECRETS ? hf_ask_main_12(conn) : HF_OK;
}

hf_status hf_finished_12(uint8_t out[HF_VERIFY_DATA], const hf_conn *conn, bool by_server) {
  uint8_t hash[HF_MAX_HASH];
  const hf_bytes seed =
      hf_range(hash, hf_transcript_hash(hash, &conn->hs->transcript, conn->suite));
  return hf_prf(out, HF_VERIFY_DATA, conn->suite, hf_range(conn->exporter, HF_MAIN_SECRET),
                by_server ? LABEL("server finished") : LABEL("client finished"), &seed, 1);
}

/* RFC 5705 4: a context that is absent and one that is empty differ. */
hf_status hf_export_12(const hf_conn *conn, uint8_t *out, size_t out_len, hf_bytes label,
                       hf_bytes context) {
  const uint8_t len[] = {(uint8_t)(context.len >> 8), (uint8_t)context.len};
  const hf_bytes seeds[] = {hf_range(conn->client_random, 32), hf_range(conn->server_random, 32),
                            hf_range(len, sizeof(len)), context};
  if (context.len > UINT16_MAX || label.len > 249) {
    return HF_MISUSE;
  }
  const hf_status status =
      hf_prf(out, out_len, conn->suite, hf_range(conn->exporter, HF_MAIN_SECRET), label, seeds,
             context.data != NULL ? 4 : 2);
  ERR_clear_error();
  hf_scrub();
  return status;
}
