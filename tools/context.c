/* context.c: from options to an SSL_CTX, which owns the key log's file. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/tools.h"

/* settings is what the SSL_CTX's callbacks need. */
struct settings {
  FILE *keylog;
  uint8_t alpn[1024]; /* a server's protocols, as ALPN lists them */
  size_t alpn_len;
};

static void log_secret(const SSL *ssl, const char *line) {
  struct settings *settings = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  /* At once, so that whoever looks on can decrypt what it sees next. */
  if (fprintf(settings->keylog, "%s\n", line) < 0 || fflush(settings->keylog) != 0)
    complain("the key log cannot be written: %s", strerror(errno));
}

static bool set_keylog(SSL_CTX *ctx, struct settings *settings, const char *path) {
  if (path == NULL) return true;
  /* The secrets are nobody else's. */
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) settings->keylog = fdopen(fd, "a");
  if (settings->keylog == NULL) {
    complain("%s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return false;
  }
  SSL_CTX_set_keylog_callback(ctx, log_secret);
  return true;
}

static int choose_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                       unsigned in_len, void *arg) {
  const struct settings *settings = arg;
  uint8_t *chosen;
  (void)ssl;
  if (SSL_select_next_proto(&chosen, out_len, settings->alpn, (unsigned)settings->alpn_len, in,
                            in_len) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/* set_alpn turns "h2,http/1.1" into a list with a length byte before each name. */
static bool set_alpn(SSL_CTX *ctx, struct settings *settings, const struct options *options) {
  const char *at = options->alpn;
  if (at == NULL) return true;
  for (;;) {
    size_t len = strcspn(at, ",");
    if (len == 0 || len > 255 || settings->alpn_len + 1 + len > sizeof settings->alpn) {
      complain("--alpn wants names of 1 to 255 bytes with commas between, not '%s'", options->alpn);
      return false;
    }
    settings->alpn[settings->alpn_len++] = (uint8_t)len;
    memcpy(settings->alpn + settings->alpn_len, at, len);
    settings->alpn_len += len;
    if (at[len] == 0) break;
    at += len + 1;
  }
  if (options->command == COMMAND_SERVER) {
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, settings);
    return true;
  }
  return SSL_CTX_set_alpn_protos(ctx, settings->alpn, settings->alpn_len) == 0;
}

/* use_made shows a certificate that nobody trusts, so that a server can be tried without files. */
static bool use_made(SSL_CTX *ctx) {
  X509 *x509;
  EVP_PKEY *key;
  bool ok = certificate_make(&x509, &key, "localhost", NULL, NULL) &&
            SSL_CTX_use_certificate(ctx, x509) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
  X509_free(x509);
  EVP_PKEY_free(key);
  if (ok) {
    fputs("no --cert: showing a certificate for localhost, made just now and signed by itself\n",
          stderr);
  } else {
    complain_queue("making a certificate");
  }
  return ok;
}

static bool set_credential(SSL_CTX *ctx, const struct options *options) {
  const char *key = options->key != NULL ? options->key : options->cert;
  if (options->cert == NULL) return options->command == COMMAND_CLIENT || use_made(ctx);
  if (SSL_CTX_use_certificate_chain_file(ctx, options->cert) != 1) {
    complain_queue(options->cert);
    return false;
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
    complain_queue(key);
    return false;
  }
  /* A key of another kind than the certificate's was taken without a word. */
  if (SSL_CTX_check_private_key(ctx) != 1) {
    complain("%s: it is not the key of the certificate in %s", key, options->cert);
    return false;
  }
  return true;
}

static bool set_trust(SSL_CTX *ctx, const struct options *options) {
  int mode = SSL_VERIFY_NONE;
  if (options->command == COMMAND_CLIENT && !options->insecure) mode = SSL_VERIFY_PEER;
  if (options->verify) mode = SSL_VERIFY_PEER;
  if (options->require) mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ctx, mode, NULL);
  if (options->ca != NULL || options->ca_dir != NULL) {
    if (SSL_CTX_load_verify_locations(ctx, options->ca, options->ca_dir) == 1) return true;
    complain_queue(options->ca != NULL ? options->ca : options->ca_dir);
    return false;
  }
  if (mode == SSL_VERIFY_NONE || SSL_CTX_set_default_verify_paths(ctx) == 1) return true;
  complain_queue("the machine's trusted certificates");
  return false;
}

/* Without --version the list is TLS 1.3's. */
static bool set_suites(SSL_CTX *ctx, const char *list, bool old) {
  return list == NULL || (old ? SSL_CTX_set_strict_cipher_list(ctx, list)
                              : SSL_CTX_set_ciphersuites(ctx, list)) == 1;
}

static bool set_lists(SSL_CTX *ctx, const struct options *options) {
  const bool old = options->version != NULL && strcmp(options->version, "1.2") == 0;
  const uint16_t version = old ? TLS1_2_VERSION : TLS1_3_VERSION;
  if (!set_suites(ctx, options->suites, old)) {
    complain("--suites has a name that is not known: %s", options->suites);
    return false;
  }
  if (options->groups != NULL && SSL_CTX_set1_groups_list(ctx, options->groups) != 1) {
    complain("--groups has a name that is not known: %s", options->groups);
    return false;
  }
  return options->version == NULL || (SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
                                      SSL_CTX_set_max_proto_version(ctx, version) == 1);
}

SSL_CTX *context_new(const struct options *options) {
  SSL_CTX *ctx =
      SSL_CTX_new(options->command == COMMAND_CLIENT ? TLS_client_method() : TLS_server_method());
  struct settings *settings = OPENSSL_malloc(sizeof *settings);
  if (ctx == NULL || settings == NULL) {
    complain("memory ran out");
    OPENSSL_free(settings);
    SSL_CTX_free(ctx);
    return NULL;
  }
  memset(settings, 0, sizeof *settings);
  SSL_CTX_set_app_data(ctx, settings);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
  if (set_lists(ctx, options) && set_alpn(ctx, settings, options) && set_credential(ctx, options) &&
      set_trust(ctx, options) && set_keylog(ctx, settings, options->keylog))
    return ctx;
  context_free(ctx);
  return NULL;
}

void context_free(SSL_CTX *ctx) {
  struct settings *settings = SSL_CTX_get_app_data(ctx);
  SSL_CTX_free(ctx);
  if (settings->keylog != NULL) fclose(settings->keylog);
  OPENSSL_free(settings);
}
