/* settings.c: ssl_settings, the object behind what can be set on an SSL_CTX and on an SSL.
 *
 * Invariant: settings with more than one reference do not change, but for the slots |configs| and
 * |credentials|, which go from NULL to an object once, by compare-and-swap.  ssl_settings_edit is
 * the one door to changing the rest.  A copy shares everything that is counted and copies what is
 * not.  Leaves to others: what the settings mean. */
#include "ssl/internal.h"

#include <string.h>

#include <openssl/mem.h>

ssl_settings *ssl_settings_new(void) {
  static const uint16_t kSuites[] = {SSL_CIPHER_AES_128_GCM_SHA256, SSL_CIPHER_AES_256_GCM_SHA384,
                                     SSL_CIPHER_CHACHA20_POLY1305_SHA256};
  ssl_settings *s = OPENSSL_malloc(sizeof *s);
  if (s == NULL) return NULL;
  memset(s, 0, sizeof *s);
  atomic_init(&s->references, 1);
  for (size_t i = 0; i < SSL_CONFIGS; i++) atomic_init(&s->configs[i], NULL);
  atomic_init(&s->credentials, NULL);
  s->current_slot = -1;
  s->max_cert_list = SSL_MAX_CERT_LIST_DEFAULT;
  s->num_tickets = SSL_DEFAULT_TICKETS;
  s->max_send_fragment = SSL3_RT_MAX_PLAIN_LENGTH;
  s->max_early_data = SSL_DEFAULT_EARLY_DATA;
  s->ticket_lifetime = SSL_DEFAULT_SESSION_PSK_DHE_TIMEOUT;
  if (!ssl_codes_set(&s->suites, kSuites, sizeof kSuites / sizeof kSuites[0]) ||
      !ssl_suites12_default(s) || !ssl_ciphers_rebuild(s)) {
    ssl_settings_free(s);
    return NULL;
  }
  return s;
}

static void drop_made(ssl_settings *s, int concerns) {
  if (concerns & SSL_EDIT_CONFIG)
    for (size_t i = 0; i < SSL_CONFIGS; i++)
      hf_config_free(atomic_exchange(&s->configs[i], (hf_config *)NULL));
  if (concerns & SSL_EDIT_CREDENTIALS)
    ssl_credentials_free(atomic_exchange(&s->credentials, (ssl_credentials *)NULL));
}

void ssl_settings_free(ssl_settings *s) {
  if (s == NULL || atomic_fetch_sub(&s->references, 1) != 1) return;
  drop_made(s, SSL_EDIT_CONFIG | SSL_EDIT_CREDENTIALS);
  X509_STORE_free(s->verify_store);
  OPENSSL_free(s->suites.list);
  OPENSSL_free(s->suites12.list);
  sk_SSL_CIPHER_free(s->ciphers);
  OPENSSL_free(s->groups.list);
  OPENSSL_free(s->key_shares.list);
  OPENSSL_free(s->verify_sigalgs.list);
  OPENSSL_free(s->signing_sigalgs.list);
  OPENSSL_free(s->delegated_sigalgs.list);
  OPENSSL_free(s->alpn);
  sk_X509_NAME_pop_free(s->authorities, X509_NAME_free);
  for (size_t i = 0; i < SSL_SLOTS; i++) ssl_slot_clear(&s->slots[i]);
  ssl_delegated_clear(&s->delegated);
  sk_X509_pop_free(s->extra_chain, X509_free);
  ssl_staples_clear(&s->staples);
  OPENSSL_free(s);
}

bool ssl_codes_set(ssl_codes *out, const uint16_t *list, size_t num) {
  uint16_t *copy = NULL;
  if (num > SIZE_MAX / sizeof *copy) return false;
  if (num > 0) {
    copy = OPENSSL_malloc(num * sizeof *copy);
    if (copy == NULL) return false;
    memcpy(copy, list, num * sizeof *copy);
  }
  OPENSSL_free(out->list);
  *out = (ssl_codes){copy, num};
  return true;
}

static bool copy_lists(ssl_settings *to, const ssl_settings *from) {
  if (!ssl_codes_set(&to->suites, from->suites.list, from->suites.num) ||
      !ssl_codes_set(&to->suites12, from->suites12.list, from->suites12.num) ||
      !ssl_codes_set(&to->groups, from->groups.list, from->groups.num) ||
      !ssl_codes_set(&to->key_shares, from->key_shares.list, from->key_shares.num) ||
      !ssl_codes_set(&to->verify_sigalgs, from->verify_sigalgs.list, from->verify_sigalgs.num) ||
      !ssl_codes_set(&to->delegated_sigalgs, from->delegated_sigalgs.list,
                     from->delegated_sigalgs.num) ||
      !ssl_ciphers_rebuild(to))
    return false;
  if (from->alpn != NULL) {
    to->alpn = OPENSSL_memdup(from->alpn, from->alpn_len);
    if (to->alpn == NULL) return false;
    to->alpn_len = from->alpn_len;
  }
  if (from->authorities != NULL) {
    to->authorities = SSL_dup_CA_list(from->authorities);
    if (to->authorities == NULL) return false;
  }
  return true;
}

/* share_made gives |to| references to what was made of |from|. */
static void share_made(ssl_settings *to, ssl_settings *from) {
  for (size_t i = 0; i < SSL_CONFIGS; i++) {
    hf_config *config = atomic_load(&from->configs[i]);
    if (config == NULL) continue;
    hf_config_up_ref(config);
    atomic_store(&to->configs[i], config);
  }
  ssl_credentials *credentials = atomic_load(&from->credentials);
  if (credentials == NULL) return;
  atomic_fetch_add(&credentials->references, 1);
  atomic_store(&to->credentials, credentials);
}

static ssl_settings *copy(ssl_settings *from) {
  ssl_settings *to = OPENSSL_malloc(sizeof *to);
  if (to == NULL) return NULL;
  memset(to, 0, sizeof *to);
  atomic_init(&to->references, 1);
  for (size_t i = 0; i < SSL_CONFIGS; i++) atomic_init(&to->configs[i], NULL);
  atomic_init(&to->credentials, NULL);
  to->version_min = from->version_min;
  to->version_max = from->version_max;
  to->equal12 = from->equal12;
  to->options = from->options;
  to->max_cert_list = from->max_cert_list;
  to->num_tickets = from->num_tickets;
  to->hello_flags = from->hello_flags;
  to->jdk11_workaround = from->jdk11_workaround;
  to->server_types = from->server_types;
  to->client_types = from->client_types;
  to->early_client = from->early_client;
  to->early_server = from->early_server;
  to->cert_algs = from->cert_algs;
  to->max_early_data = from->max_early_data;
  to->ticket_lifetime = from->ticket_lifetime;
  to->max_fragment = from->max_fragment;
  to->max_send_fragment = from->max_send_fragment;
  to->key_shares_set = from->key_shares_set;
  if (!copy_lists(to, from) || !ssl_slots_copy(to, from)) {
    ssl_settings_free(to);
    return NULL;
  }
  share_made(to, from);
  return to;
}

ssl_settings *ssl_settings_share(ssl_settings *s) {
  atomic_fetch_add(&s->references, 1);
  return s;
}

ssl_settings *ssl_settings_edit(ssl_settings **settings, int concerns) {
  ssl_settings *s = *settings;
  /* Another's reference can go away while we look, and then the copy was not needed; none can come,
   * for sharing these settings is ours to do. */
  if (atomic_load(&s->references) > 1) {
    s = copy(*settings);
    if (s == NULL) {
      SSL_ERR(ERR_R_MALLOC_FAILURE);
      return NULL;
    }
    ssl_settings_free(*settings);
    *settings = s;
  }
  drop_made(s, concerns);
  return s;
}
