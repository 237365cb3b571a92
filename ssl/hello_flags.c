/* hello_flags.c: what a client's hello is made to look like: GREASE (RFC 8701) and the order of its
 * extensions.  Owns ssl_settings.hello_flags; what is asked for beside certificates is set by
 * stapling.c, what may come of ALPN by name.c and tls12.c. */
#include "ssl/internal.h"

bool ssl_set_hello_flag(ssl_settings **settings, uint32_t flag, bool on) {
  const uint32_t flags = on ? (*settings)->hello_flags | flag : (*settings)->hello_flags & ~flag;
  if (flags == (*settings)->hello_flags) return true;
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return false;
  s->hello_flags = flags;
  return true;
}

void SSL_CTX_set_grease_enabled(SSL_CTX *ctx, int enabled) {
  (void)ssl_set_hello_flag(&ctx->settings, HF_GREASE, enabled != 0);
}

void SSL_CTX_set_permute_extensions(SSL_CTX *ctx, int enabled) {
  (void)ssl_set_hello_flag(&ctx->settings, HF_PERMUTE_EXTENSIONS, enabled != 0);
}

void SSL_set_permute_extensions(SSL *ssl, int enabled) {
  (void)ssl_set_hello_flag(&ssl->settings, HF_PERMUTE_EXTENSIONS, enabled != 0);
}
