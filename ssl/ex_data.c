/* ex_data.c: pointers that applications hang on an SSL, SSL_CTX or SSL_SESSION, and the indices
 * they are found by.
 *
 * libcrypto keeps its own machinery for this to itself.  An index is a node of a list that only
 * grows, at its head, by compare-and-swap, so that any thread may take one at any time; nodes live
 * as long as the process.  Index 0 is app_data's and has no node. */
#include "ssl/session.h"

#include <limits.h>
#include <string.h>

#include <openssl/mem.h>

ssl_ex_class ssl_ex_class_ssl, ssl_ex_class_ctx, ssl_ex_class_session;

static int new_index(ssl_ex_class *class_, long argl, void *argp, CRYPTO_EX_free *free_func) {
  ssl_ex_func *func = OPENSSL_malloc(sizeof *func);
  if (func == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return -1;
  }
  func->argl = argl;
  func->argp = argp;
  func->free_func = free_func;
  func->next = atomic_load(class_);
  do {
    if (func->next != NULL && func->next->index == INT_MAX) {
      OPENSSL_free(func);
      SSL_ERR(ERR_R_OVERFLOW);
      return -1;
    }
    func->index = func->next == NULL ? 1 : func->next->index + 1;
  } while (!atomic_compare_exchange_weak(class_, &func->next, func));
  return func->index;
}

static void *get(const ssl_ex_data *data, int index) {
  return index < 0 || (size_t)index >= data->num ? NULL : data->items[index];
}

static int set(ssl_ex_data *data, int index, void *item) {
  if (index < 0) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  size_t need = (size_t)index + 1;
  if (data->num < need) {
    void **items = OPENSSL_realloc(data->items, need * sizeof *items);
    if (items == NULL) {
      SSL_ERR(ERR_R_MALLOC_FAILURE);
      return 0;
    }
    for (size_t i = data->num; i < need; i++) items[i] = NULL;
    data->items = items;
    data->num = need;
  }
  data->items[index] = item;
  return 1;
}

void ssl_ex_data_free(ssl_ex_data *data, ssl_ex_class *class_, void *parent) {
  for (ssl_ex_func *f = atomic_load(class_); f != NULL; f = f->next)
    if (f->free_func != NULL)
      f->free_func(parent, get(data, f->index), NULL, f->index, f->argl, f->argp);
  OPENSSL_free(data->items);
  *data = (ssl_ex_data){NULL, 0};
}

int SSL_get_ex_new_index(long argl, void *argp, CRYPTO_EX_unused *unused, CRYPTO_EX_dup *dup_unused,
                         CRYPTO_EX_free *free_func) {
  (void)unused;
  (void)dup_unused;
  return new_index(&ssl_ex_class_ssl, argl, argp, free_func);
}

int SSL_set_ex_data(SSL *ssl, int idx, void *data) { return set(&ssl->ex_data, idx, data); }

void *SSL_get_ex_data(const SSL *ssl, int idx) { return get(&ssl->ex_data, idx); }

int SSL_CTX_get_ex_new_index(long argl, void *argp, CRYPTO_EX_unused *unused,
                             CRYPTO_EX_dup *dup_unused, CRYPTO_EX_free *free_func) {
  (void)unused;
  (void)dup_unused;
  return new_index(&ssl_ex_class_ctx, argl, argp, free_func);
}

int SSL_CTX_set_ex_data(SSL_CTX *ctx, int idx, void *data) { return set(&ctx->ex_data, idx, data); }

void *SSL_CTX_get_ex_data(const SSL_CTX *ctx, int idx) { return get(&ctx->ex_data, idx); }

int SSL_SESSION_get_ex_new_index(long argl, void *argp, CRYPTO_EX_unused *unused,
                                 CRYPTO_EX_dup *dup_unused, CRYPTO_EX_free *free_func) {
  (void)unused;
  (void)dup_unused;
  return new_index(&ssl_ex_class_session, argl, argp, free_func);
}

int SSL_SESSION_set_ex_data(SSL_SESSION *session, int idx, void *data) {
  return set(&session->ex_data, idx, data);
}

void *SSL_SESSION_get_ex_data(const SSL_SESSION *session, int idx) {
  return get(&session->ex_data, idx);
}

int SSL_get_ex_data_X509_STORE_CTX_idx(void) {
  static atomic_int index = -1;
  int found = atomic_load(&index);
  if (found >= 0) return found;
  int fresh = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  /* If another thread was first, its index is the one, and ours is never used. */
  if (fresh >= 0 && atomic_compare_exchange_strong(&index, &found, fresh)) return fresh;
  return found;
}
