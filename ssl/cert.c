/* cert.c: certificates, keys and chains of an SSL_CTX and an SSL, as objects.
 *
 * Invariant: in a slot that has both, the key is the certificate's.  Nothing is built here that the
 * caller did not give: no chain is completed from a store (SSL_MODE_NO_AUTO_CHAIN is how it always
 * is).  Files are cert_file.c's. */
#include "ssl/internal.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/mem.h>

void ssl_slot_clear(ssl_slot *slot) {
  X509_free(slot->leaf);
  EVP_PKEY_free(slot->key);
  sk_X509_pop_free(slot->chain, X509_free);
  ssl_staples_clear(&slot->staples);
  *slot = (ssl_slot){.leaf = NULL};
}

/* copy_chain: |*out| is NULL for NULL.  False: memory ran out. */
static bool copy_chain(STACK_OF(X509) * *out, const STACK_OF(X509) * chain) {
  *out = chain == NULL ? NULL : X509_chain_up_ref((STACK_OF(X509) *)chain);
  return *out != NULL || chain == NULL;
}

static bool copy_chains(STACK_OF(X509) * out[SSL_SLOTS + 1], const ssl_settings *from) {
  for (size_t i = 0; i < SSL_SLOTS; i++)
    if (!copy_chain(&out[i], from->slots[i].chain)) return false;
  return copy_chain(&out[SSL_SLOTS], from->extra_chain);
}

bool ssl_slots_copy(ssl_settings *to, const ssl_settings *from) {
  STACK_OF(X509) * chains[SSL_SLOTS + 1] = {NULL};
  if (!copy_chains(chains, from) ||
      !ssl_codes_set(&to->signing_sigalgs, from->signing_sigalgs.list, from->signing_sigalgs.num)) {
    for (size_t i = 0; i <= SSL_SLOTS; i++) sk_X509_pop_free(chains[i], X509_free);
    return false;
  }
  for (size_t i = 0; i < SSL_SLOTS; i++) {
    ssl_slot *slot = &to->slots[i];
    ssl_slot_clear(slot);
    *slot = (ssl_slot){from->slots[i].leaf, from->slots[i].key, chains[i],
                       ssl_staples_share(&from->slots[i].staples)};
    if (slot->leaf != NULL) X509_up_ref(slot->leaf);
    if (slot->key != NULL) EVP_PKEY_up_ref(slot->key);
  }
  sk_X509_pop_free(to->extra_chain, X509_free);
  to->extra_chain = chains[SSL_SLOTS];
  ssl_staples_clear(&to->staples);
  to->staples = ssl_staples_share(&from->staples);
  ssl_delegated_clear(&to->delegated);
  to->delegated = ssl_delegated_share(&from->delegated);
  if (from->verify_store != NULL) X509_STORE_up_ref(from->verify_store);
  X509_STORE_free(to->verify_store);
  to->verify_store = from->verify_store;
  to->current_slot = from->current_slot;
  to->cert_cb = from->cert_cb;
  to->cert_cb_arg = from->cert_cb_arg;
  to->key_method = from->key_method;
  memcpy(to->session_id_context, from->session_id_context, sizeof to->session_id_context);
  to->session_id_context_len = from->session_id_context_len;
  return true;
}

/* slot_of returns the slot of a key, or -1 with the reason on the error queue. */
static int slot_of(const EVP_PKEY *key) {
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      return SSL_SLOT_RSA;
    case EVP_PKEY_EC:
      return SSL_SLOT_EC;
    case EVP_PKEY_ED25519:
      return SSL_SLOT_ED25519;
    default:
      SSL_ERR(SSL_R_UNKNOWN_CERTIFICATE_TYPE);
      return -1;
  }
}

static const ssl_slot *current(const ssl_settings *s) {
  return s->current_slot < 0 ? NULL : &s->slots[s->current_slot];
}

/* The first that is current gets what was to be stapled before it came. */
static void set_current(ssl_settings *s, int index) {
  if (s->current_slot < 0) {
    s->slots[index].staples = s->staples;
    s->staples = (ssl_staples){NULL, NULL};
  }
  s->current_slot = index;
}

/* ---- Certificate and key ---- */

int ssl_use_certificate(ssl_settings **settings, X509 *x509) {
  if (x509 == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  EVP_PKEY *key = X509_get_pubkey(x509);
  if (key == NULL) {
    SSL_ERR(ERR_R_X509_LIB);
    return 0;
  }
  int index = slot_of(key);
  ssl_settings *s = index < 0 ? NULL : ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS);
  if (s != NULL) {
    ssl_slot *slot = &s->slots[index];
    if (slot->key != NULL && EVP_PKEY_cmp(key, slot->key) != 1) {
      EVP_PKEY_free(slot->key);
      slot->key = NULL;
    }
    X509_up_ref(x509);
    X509_free(slot->leaf);
    slot->leaf = x509;
    set_current(s, index);
  }
  EVP_PKEY_free(key);
  return s != NULL;
}

int SSL_CTX_use_certificate(SSL_CTX *ctx, X509 *x509) {
  return ssl_use_certificate(&ctx->settings, x509);
}
int SSL_use_certificate(SSL *ssl, X509 *x509) { return ssl_use_certificate(&ssl->settings, x509); }

int ssl_use_private_key(ssl_settings **settings, EVP_PKEY *key) {
  if (key == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  int index = slot_of(key);
  if (index < 0) return 0;
  X509 *leaf = (*settings)->slots[index].leaf;
  if (leaf != NULL && !X509_check_private_key(leaf, key)) return 0;
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) return 0;
  EVP_PKEY_up_ref(key);
  EVP_PKEY_free(s->slots[index].key);
  s->slots[index].key = key;
  set_current(s, index);
  return 1;
}

int SSL_CTX_use_PrivateKey(SSL_CTX *ctx, EVP_PKEY *pkey) {
  return ssl_use_private_key(&ctx->settings, pkey);
}
int SSL_use_PrivateKey(SSL *ssl, EVP_PKEY *pkey) {
  return ssl_use_private_key(&ssl->settings, pkey);
}

int ssl_use_rsa_key(ssl_settings **settings, RSA *rsa) {
  EVP_PKEY *key = EVP_PKEY_new();
  if (rsa == NULL || key == NULL || !EVP_PKEY_set1_RSA(key, rsa)) {
    EVP_PKEY_free(key);
    SSL_ERR(ERR_R_EVP_LIB);
    return 0;
  }
  int ok = ssl_use_private_key(settings, key);
  EVP_PKEY_free(key);
  return ok;
}

int SSL_CTX_use_RSAPrivateKey(SSL_CTX *ctx, RSA *rsa) {
  return ssl_use_rsa_key(&ctx->settings, rsa);
}
int SSL_use_RSAPrivateKey(SSL *ssl, RSA *rsa) { return ssl_use_rsa_key(&ssl->settings, rsa); }

static int check_private_key(const ssl_settings *s) {
  const ssl_slot *slot = current(s);
  if (slot == NULL || slot->leaf == NULL) {
    SSL_ERR(SSL_R_NO_CERTIFICATE_ASSIGNED);
    return 0;
  }
  if (slot->key == NULL) {
    SSL_ERR(SSL_R_NO_PRIVATE_KEY_ASSIGNED);
    return 0;
  }
  return X509_check_private_key(slot->leaf, slot->key);
}

int SSL_CTX_check_private_key(const SSL_CTX *ctx) { return check_private_key(ctx->settings); }
int SSL_check_private_key(const SSL *ssl) { return check_private_key(ssl->settings); }

static X509 *certificate(const ssl_settings *s) {
  const ssl_slot *slot = current(s);
  return slot == NULL ? NULL : slot->leaf;
}

static EVP_PKEY *private_key(const ssl_settings *s) {
  const ssl_slot *slot = current(s);
  return slot == NULL ? NULL : slot->key;
}

X509 *SSL_CTX_get0_certificate(const SSL_CTX *ctx) { return certificate(ctx->settings); }
X509 *SSL_get_certificate(const SSL *ssl) { return certificate(ssl->settings); }
EVP_PKEY *SSL_CTX_get0_privatekey(const SSL_CTX *ctx) { return private_key(ctx->settings); }
EVP_PKEY *SSL_get_privatekey(const SSL *ssl) { return private_key(ssl->settings); }

/* ---- Chains ---- */

/* chain_place returns where the chain of |s| is that chain functions mean; |extra|: the extra one.
 */
static STACK_OF(X509) * *chain_place(ssl_settings *s, bool extra) {
  return extra || s->current_slot < 0 ? &s->extra_chain : &s->slots[s->current_slot].chain;
}

/* set0_chain takes |chain| over if it succeeds. */
static int set0_chain(ssl_settings **settings, STACK_OF(X509) * chain, bool extra) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) return 0;
  STACK_OF(X509) **place = chain_place(s, extra);
  sk_X509_pop_free(*place, X509_free);
  *place = chain;
  return 1;
}

int ssl_set1_chain(ssl_settings **settings, STACK_OF(X509) * chain) {
  STACK_OF(X509) * copy;
  if (!copy_chain(&copy, chain)) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return 0;
  }
  if (set0_chain(settings, copy, false)) return 1;
  sk_X509_pop_free(copy, X509_free);
  return 0;
}

/* add0_chain_cert takes |x509| over if it succeeds. */
static int add0_chain_cert(ssl_settings **settings, X509 *x509, bool extra) {
  if (x509 == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CREDENTIALS);
  if (s == NULL) return 0;
  STACK_OF(X509) **place = chain_place(s, extra);
  if (*place == NULL) *place = sk_X509_new_null();
  if (*place == NULL || !sk_X509_push(*place, x509)) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return 0;
  }
  return 1;
}

static int add1_chain_cert(ssl_settings **settings, X509 *x509) {
  if (!add0_chain_cert(settings, x509, false)) return 0;
  X509_up_ref(x509);
  return 1;
}

int SSL_CTX_set0_chain(SSL_CTX *ctx, STACK_OF(X509) * chain) {
  return set0_chain(&ctx->settings, chain, false);
}
int SSL_CTX_set1_chain(SSL_CTX *ctx, STACK_OF(X509) * chain) {
  return ssl_set1_chain(&ctx->settings, chain);
}
int SSL_set0_chain(SSL *ssl, STACK_OF(X509) * chain) {
  return set0_chain(&ssl->settings, chain, false);
}
int SSL_set1_chain(SSL *ssl, STACK_OF(X509) * chain) {
  return ssl_set1_chain(&ssl->settings, chain);
}
int SSL_CTX_add0_chain_cert(SSL_CTX *ctx, X509 *x509) {
  return add0_chain_cert(&ctx->settings, x509, false);
}
int SSL_CTX_add1_chain_cert(SSL_CTX *ctx, X509 *x509) {
  return add1_chain_cert(&ctx->settings, x509);
}
int SSL_add0_chain_cert(SSL *ssl, X509 *x509) {
  return add0_chain_cert(&ssl->settings, x509, false);
}
int SSL_add1_chain_cert(SSL *ssl, X509 *x509) { return add1_chain_cert(&ssl->settings, x509); }

int SSL_CTX_add_extra_chain_cert(SSL_CTX *ctx, X509 *x509) {
  return add0_chain_cert(&ctx->settings, x509, true);
}

int SSL_CTX_clear_chain_certs(SSL_CTX *ctx) { return set0_chain(&ctx->settings, NULL, false); }
int SSL_clear_chain_certs(SSL *ssl) { return set0_chain(&ssl->settings, NULL, false); }
int SSL_CTX_clear_extra_chain_certs(SSL_CTX *ctx) { return set0_chain(&ctx->settings, NULL, true); }

int SSL_CTX_get0_chain_certs(const SSL_CTX *ctx, STACK_OF(X509) * *out_chain) {
  *out_chain = *chain_place(ctx->settings, false);
  return 1;
}

int SSL_get0_chain_certs(const SSL *ssl, STACK_OF(X509) * *out_chain) {
  *out_chain = *chain_place(ssl->settings, false);
  return 1;
}

int SSL_CTX_get_extra_chain_certs(const SSL_CTX *ctx, STACK_OF(X509) * *out_chain) {
  *out_chain = ctx->settings->extra_chain;
  return *out_chain != NULL ? 1 : SSL_CTX_get0_chain_certs(ctx, out_chain);
}

/* ---- The last moment ---- */

static void set_cert_cb(ssl_settings **settings, int (*cb)(SSL *ssl, void *arg), void *arg) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_NOTHING);
  if (s == NULL) return;
  s->cert_cb = cb;
  s->cert_cb_arg = arg;
}

void SSL_CTX_set_cert_cb(SSL_CTX *ctx, int (*cb)(SSL *ssl, void *arg), void *arg) {
  set_cert_cb(&ctx->settings, cb, arg);
}

void SSL_set_cert_cb(SSL *ssl, int (*cb)(SSL *ssl, void *arg), void *arg) {
  set_cert_cb(&ssl->settings, cb, arg);
}
