/* prf.c: the key schedule of TLS 1.2: the PRF (RFC 5246 5), the main secret (8.1, RFC 7627 4), the
 * key block (6.3), verify_data (7.4.9) and exported keying material (RFC 5705).
 *
 * The main secret stays in conn->exporter.  What KEY takes from hs->traffic is a direction's key
 * with its IV behind it. */
#include "engine.h"

#include <assert.h>
#include <string.h>

#include <openssl/err.h>

#define LABEL(text) hf_range((const uint8_t *)(text), sizeof(text) - 1)

/* The most seeds that anything has, with the label. */
enum { MOST_SEEDS = 5 };

/* P_hash (RFC 5246 5) over the label and the seeds: A(i) is HMAC of A(i-1), and A(1) of those. */
void hf_prf(uint8_t *out, size_t out_len, const hf_suite *suite, const hf_hmac *key, hf_bytes label,
            const hf_bytes *seeds, size_t num) {
  const size_t hash_len = suite->hash_len;
  uint8_t a[HF_MAX_HASH], block[HF_MAX_HASH];
  hf_bytes parts[1 + MOST_SEEDS] = {{NULL, 0}, label};
  assert(num < MOST_SEEDS);
  memcpy(parts + 2, seeds, num * sizeof(*seeds));
  hf_hmac_sum(a, key, suite, parts + 1, 1 + num);
  parts[0] = hf_range(a, hash_len);
  for (size_t done = 0; done < out_len; done += hash_len) {
    const size_t part = out_len - done < hash_len ? out_len - done : hash_len;
    if (done > 0) {
      hf_hmac_sum(a, key, suite, parts, 1);
    }
    hf_hmac_sum(block, key, suite, parts, 2 + num);
    memcpy(out + done, block, part);
  }
  OPENSSL_cleanse(a, sizeof(a));
  OPENSSL_cleanse(block, sizeof(block));
}

static void main_secret(hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  uint8_t hash[HF_MAX_HASH];
  hf_hmac pre_main;
  if (hf_has(conn, RESUMED)) {
    memcpy(conn->exporter, hs->secret, HF_MAIN_SECRET);
    return;
  }
  hf_hmac_key(&pre_main, conn->suite, hs->shared, hs->shared_len);
  if (conn->ems) {
    const hf_bytes seed = hf_range(hash, hf_transcript_hash(hash, conn, conn->suite));
    hf_prf(conn->exporter, HF_MAIN_SECRET, conn->suite, &pre_main, LABEL("extended master secret"),
           &seed, 1);
  } else {
    const hf_bytes seeds[] = {hf_range(conn->client_random, 32), hf_range(conn->server_random, 32)};
    hf_prf(conn->exporter, HF_MAIN_SECRET, conn->suite, &pre_main, LABEL("master secret"), seeds,
           2);
  }
  OPENSSL_cleanse(&pre_main, sizeof(pre_main));
}

/* Where a session goes on hashing is most of the work, and three outputs are made with the key of
 * one secret: it is kept, unless there is no memory for it. */
static void keep_main_key(hf_conn *conn) {
  hf_hmac *key = hf_has(conn, RESUMED) ? OPENSSL_malloc(sizeof(*key)) : NULL;
  if (key != NULL) {
    hf_hmac_key(key, conn->suite, conn->exporter, HF_MAIN_SECRET);
  } else {
    ERR_clear_error();  // it does without
  }
  conn->hs->main_key = key;
}

/* The PRF under the main secret. */
static void main_prf(const hf_conn *conn, uint8_t *out, size_t out_len, hf_bytes label,
                     const hf_bytes *seeds, size_t num) {
  hf_hmac here;
  if (conn->hs != NULL && conn->hs->main_key != NULL) {
    hf_prf(out, out_len, conn->suite, conn->hs->main_key, label, seeds, num);
    return;
  }
  hf_hmac_key(&here, conn->suite, conn->exporter, HF_MAIN_SECRET);
  hf_prf(out, out_len, conn->suite, &here, label, seeds, num);
  OPENSSL_cleanse(&here, sizeof(here));
}

/* RFC 5246 6.3: client key, server key, client IV, server IV. */
static void key_block(hf_conn *conn) {
  const hf_suite *suite = conn->suite;
  const size_t key_len = suite->key_len, iv_len = HF_NONCE - suite->sent_nonce;
  const hf_bytes seeds[] = {hf_range(conn->server_random, 32), hf_range(conn->client_random, 32)};
  uint8_t block[2 * (32 + HF_NONCE)];
  static_assert(32 + HF_NONCE <= HF_MAX_HASH, "a key and its IV take the place of a secret");
  main_prf(conn, block, 2 * (key_len + iv_len), LABEL("key expansion"), seeds, 2);
  for (size_t who = HF_CLIENT; who <= HF_SERVER; who++) {
    uint8_t *slot = conn->hs->traffic[who][HF_APPLICATION - 1];
    memcpy(slot, block + who * key_len, key_len);
    memcpy(slot + key_len, block + 2 * key_len + who * iv_len, iv_len);
  }
  OPENSSL_cleanse(block, sizeof(block));
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
  main_secret(conn);
  keep_main_key(conn);
  // A session that goes on has no use for the private keys either.
  hf_entropy_forget(conn);
  hf_psk_forget(conn);
  OPENSSL_cleanse(hs->shared, sizeof(hs->shared));
  OPENSSL_cleanse(hs->secret, sizeof(hs->secret));
  key_block(conn);
  conn->exporter_set = true;
  return conn->config->settings.flags & HF_EXPORT_SECRETS ? hf_ask_main_12(conn) : HF_OK;
}

void hf_finished_12(uint8_t out[HF_VERIFY_DATA], const hf_conn *conn, bool by_server) {
  uint8_t hash[HF_MAX_HASH];
  const hf_bytes seed = hf_range(hash, hf_transcript_hash(hash, conn, conn->suite));
  main_prf(conn, out, HF_VERIFY_DATA,
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
  main_prf(conn, out, out_len, label, seeds, context.data != NULL ? 4 : 2);
  hf_scrub();
  return HF_OK;
}
