/* shim.c: the program: as many connections as the flags say, each offering the session of the one
 * before. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bogo/shim.h"

uint64_t clock_seconds = 1000000;

bool complain(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return false;
}

/* What is on stderr after this line comes from a sanitizer, and the runner counts it as a failure.
 */
static void end_of_errors(void) { fputs("--- DONE ---\n", stderr); }

struct state *state_of(const SSL *ssl) {
  return SSL_get_app_data(ssl);
}
bool state_attach(SSL *ssl, struct state *state) { return SSL_set_app_data(ssl, state); }

void state_free(struct state *state) {
  SSL_SESSION_free(state->new_session);
  SSL_SESSION_free(state->offered);
  EVP_PKEY_free(state->key);
  free(state->quic.app);
  free(state);
}

/* ---- Sessions that servers have made, for the SSL_CTX of the next connection ---- */

static SSL_SESSION *kept[16];
static size_t num_kept;

void sessions_keep(SSL_SESSION *session) {
  if (num_kept == sizeof kept / sizeof *kept) return;
  SSL_SESSION_up_ref(session);
  kept[num_kept++] = session;
}

void sessions_copy(SSL_CTX *ctx) {
  for (size_t i = 0; i < num_kept; i++) SSL_CTX_add_session(ctx, kept[i]);
}

static void sessions_free(void) {
  for (size_t i = 0; i < num_kept; i++) SSL_SESSION_free(kept[i]);
}

/* ---- A connection ---- */

/* exchange_again goes on after early data was refused: what failed must have failed for that. */
static bool exchange_again(SSL *ssl, const struct config *config,
                           const struct config *retry_config) {
  struct state *state = state_of(ssl);
  if (SSL_get_error(ssl, -1) != SSL_ERROR_EARLY_DATA_REJECTED)
    return complain("early data was not refused");
  if (!SSL_in_early_data(ssl) || !expect_handshake(ssl, config, true)) {
    return complain("what is early is gone before it is reset");
  }
  SSL_reset_early_data_reject(ssl);
  if (SSL_in_early_data(ssl)) return complain("still early after the reset");
  state->verified = false;
  state->config = retry_config;
  return exchange(ssl, retry_config, true, true);
}

static bool exchange_whole(SSL *ssl, struct state *state, const struct config *retry_config,
                           bool is_resume) {
  const struct config *config = state->config;
  bool ok = exchange(ssl, config, is_resume, false);
  if (!config->server && is_resume && config->expect_reject_early_data) {
    if (ok) return complain("all went well though early data was refused");
    ok = exchange_again(ssl, config, retry_config);
  }
  if (!ok) {
    const char *error = SSL_error_description(SSL_get_error(ssl, -1));
    return complain("SSL error: %s", error == NULL ? "none" : error);
  }
  if (state->broken) return complain("a callback found something wrong");
  const char *expected = config->expect_msg_callback;
  return expected == NULL || strcmp(expected, state->messages) == 0 ||
         complain("messages:\n%s\nexpected:\n%s", state->messages, expected);
}

/* connection offers |*session|, and puts the new one in its place. */
static bool connection(SSL_CTX *ctx, const struct config *config, const struct config *retry_config,
                       SSL_SESSION **session, bool is_resume) {
  struct state *state = calloc(1, sizeof *state);
  if (state == NULL) return false;
  state->config = config;
  state->quic.wire = &state->wire;
  SSL *ssl = setup_connection(ctx, state, *session);
  bool ok = ssl != NULL && wire_open(&state->wire, config->port, config->shim_id);
  if (ok) {
    ok = config->quic || wire_attach(&state->wire, ssl, config->async);
    ok = ok && exchange_whole(ssl, state, retry_config, is_resume);
    if (!ok) ERR_print_errors_fp(stderr);
    SSL_SESSION_free(*session);
    *session = state->new_session;
    state->new_session = NULL;
    wire_close(&state->wire);
  }
  SSL_free(ssl);
  state_free(state);
  return ok;
}

int main(int argc, char **argv) {
  struct configs configs;
  SSL_CTX *ctx = NULL;
  SSL_SESSION *session = NULL;
  bool ok = true;
  signal(SIGPIPE, SIG_IGN);
  flags_parse(&configs, argc, argv);
  atexit(end_of_errors);
  for (int i = 0; ok && i <= configs.initial.resume_count; i++) {
    const struct config *config = i == 0 ? &configs.initial : &configs.resume;
    SSL_CTX *old = ctx;
    ctx = setup_context(config, old);
    SSL_CTX_free(old);
    if (i > 0 && !config->server && session == NULL) ok = complain("there is no session to offer");
    ok = ok && ctx != NULL && connection(ctx, config, &configs.retry, &session, i > 0);
    if (!ok) complain("connection %d failed", i + 1);
    clock_seconds += (uint64_t)config->resumption_delay;
  }
  if (!ok) ERR_print_errors_fp(stderr);
  SSL_SESSION_free(session);
  SSL_CTX_free(ctx);
  sessions_free();
  return ok ? 0 : EXIT_FAILED;
}
