/* ca_list.c: names of certificate authorities: those that a server sends to its clients, and those
 * that came from one. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "ssl/internal.h"

static void free_names(STACK_OF(X509_NAME) * names) {
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}

/* ---- Of a server ---- */

static void set0_list(ssl_settings **settings, STACK_OF(X509_NAME) * list) {
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) {
    free_names(list);
    return;
  }
  free_names(s->authorities);
  s->authorities = list;
}

void SSL_CTX_set_client_CA_list(SSL_CTX *ctx, STACK_OF(X509_NAME) * list) {
  set0_list(&ctx->settings, list);
}
void SSL_set_client_CA_list(SSL *ssl, STACK_OF(X509_NAME) * list) {
  set0_list(&ssl->settings, list);
}

STACK_OF(X509_NAME) * SSL_CTX_get_client_CA_list(const SSL_CTX *ctx) {
  return ctx->settings->authorities;
}

STACK_OF(X509_NAME) * SSL_get_client_CA_list(const SSL *ssl) {
  return ssl->role == SSL_ROLE_CLIENT ? ssl->peer_authorities : ssl->settings->authorities;
}

/* push_copy adds a copy of |name|; false, with the reason on the error queue: memory ran out. */
static bool push_copy(STACK_OF(X509_NAME) * names, X509_NAME *name) {
  X509_NAME *copy = name == NULL ? NULL : X509_NAME_dup(name);
  if (copy != NULL && sk_X509_NAME_push(names, copy)) return true;
  X509_NAME_free(copy);
  SSL_ERR(ERR_R_MALLOC_FAILURE);
  return false;
}

static int add_authority(ssl_settings **settings, X509 *x509) {
  if (x509 == NULL) {
    SSL_ERR(ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  if (s->authorities == NULL) s->authorities = sk_X509_NAME_new_null();
  if (s->authorities == NULL) {
    SSL_ERR(ERR_R_MALLOC_FAILURE);
    return 0;
  }
  return push_copy(s->authorities, X509_get_subject_name(x509));
}

int SSL_CTX_add_client_CA(SSL_CTX *ctx, X509 *x509) { return add_authority(&ctx->settings, x509); }
int SSL_add_client_CA(SSL *ssl, X509 *x509) { return add_authority(&ssl->settings, x509); }

/* ---- Lists ---- */

STACK_OF(X509_NAME) * SSL_dup_CA_list(STACK_OF(X509_NAME) * list) {
  STACK_OF(X509_NAME) *copy = sk_X509_NAME_new_null();
  if (copy == NULL) return NULL;
  for (size_t i = 0; i < sk_X509_NAME_num(list); i++)
    if (!push_copy(copy, sk_X509_NAME_value(list, i))) {
      free_names(copy);
      return NULL;
    }
  return copy;
}

static bool has_name(STACK_OF(X509_NAME) * names, X509_NAME *name) {
  for (size_t i = 0; i < sk_X509_NAME_num(names); i++)
    if (X509_NAME_cmp(sk_X509_NAME_value(names, i), name) == 0) return true;
  return false;
}

/* add_subjects adds the subjects of the certificates in |bio| that are not there yet. */
static bool add_subjects(STACK_OF(X509_NAME) * names, BIO *bio) {
  ERR_set_mark();
  for (;;) {
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (x509 == NULL) {
      uint32_t error = ERR_peek_last_error();
      if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
        return false;
      ERR_pop_to_mark();
      return true;
    }
    X509_NAME *subject = X509_get_subject_name(x509);
    bool ok = has_name(names, subject) || push_copy(names, subject);
    X509_free(x509);
    if (!ok) return false;
  }
}

int SSL_add_file_cert_subjects_to_stack(STACK_OF(X509_NAME) * out, const char *file) {
  BIO *bio = file == NULL ? NULL : BIO_new_file(file, "rb");
  if (bio == NULL) {
    SSL_ERR(ERR_R_SYS_LIB);
    return 0;
  }
  bool ok = add_subjects(out, bio);
  BIO_free(bio);
  return ok;
}

STACK_OF(X509_NAME) * SSL_load_client_CA_file(const char *file) {
  STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
  if (names != NULL && SSL_add_file_cert_subjects_to_stack(names, file) &&
      sk_X509_NAME_num(names) > 0)
    return names;
  free_names(names);
  return NULL;
}

/* ---- Of the peer ---- */

bool ssl_set_peer_authorities(SSL *ssl, const hf_bytes *names, size_t num) {
  STACK_OF(X509_NAME) *list = sk_X509_NAME_new_null();
  if (list == NULL) return false;
  ERR_set_mark();
  for (size_t i = 0; i < num; i++) {
    const uint8_t *der = names[i].data;
    X509_NAME *name = d2i_X509_NAME(NULL, &der, (long)names[i].len);
    if (name != NULL && !sk_X509_NAME_push(list, name)) {
      X509_NAME_free(name);
      free_names(list);
      return false;
    }
  }
  ERR_pop_to_mark();
  free_names(ssl->peer_authorities);
  ssl->peer_authorities = list;
  return true;
}
