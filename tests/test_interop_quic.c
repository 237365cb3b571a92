/* test_interop_quic.c: QUIC above SSL, with BoringSSL's callbacks and with OpenSSL's, against
 * BoringSSL's libssl in boringssl_peer, both directions.  tests/peers/quic.c has the framing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "ssl_pair.h"
#include "ssl_quic_pair.h"

enum { ALERT = 128, HEAD = 5 };

static SSL_CTX *ctx;
static SSL_SESSION *kept; /* the last that came */
static unsigned num_kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  SSL_SESSION_free(kept);
  kept = session;
  num_kept++;
  return 1;
}

static void tear_down(void) {
  SSL_SESSION_free(kept);
  SSL_CTX_free(ctx);
}

TestSuite(interop_quic, .fini = tear_down, .timeout = 120);

/* talk is one connection of ours to a peer. */
struct talk {
  struct ssl_quic_end end;
  struct peer *peer;
  int fd;
  bool over;     /* the peer has closed */
  int alert;     /* from the peer; -1: none */
  struct buf in; /* frames that are not whole */
};

#define PRINTED(talk, line) \
  cr_assert(peer_printed((talk)->peer, line "\n"), "no line '%s'%s", line, peer_tail((talk)->peer))

static void wait_for(struct talk *talk, short events) {
  struct pollfd ready = {.fd = talk->fd, .events = events};
  cr_assert_eq(poll(&ready, 1, 1000 * PEER_SECONDS), 1, "%s", peer_tail(talk->peer));
}

static void send_bytes(struct talk *talk, const uint8_t *data, size_t len) {
  while (len > 0) {
    const ssize_t sent = send(talk->fd, data, len, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      wait_for(talk, POLLOUT);
      continue;
    }
    if (sent < 0) return; /* it went away, and will have said why */
    data += sent;
    len -= (size_t)sent;
  }
}

static void send_frame(struct talk *talk, int kind, const uint8_t *data, size_t len) {
  const uint8_t head[HEAD] = {(uint8_t)kind, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
                              (uint8_t)(len >> 8), (uint8_t)len};
  send_bytes(talk, head, HEAD);
  send_bytes(talk, data, len);
}

/* take_frames gives what is whole to the end.  False: nothing is. */
static bool take_frames(struct talk *talk) {
  struct buf *in = &talk->in;
  bool any = false;
  while (in->len >= HEAD) {
    const uint8_t *head = in->data;
    const size_t len = (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (in->len < HEAD + len) break;
    if (head[0] >= ALERT) talk->alert = head[HEAD];
    if (head[0] < ALERT) ssl_quic_put(&talk->end, head[0], head + HEAD, len);
    buf_drop(in, HEAD + len);
    any = true;
  }
  return any;
}

static void receive(struct talk *talk) {
  while (!take_frames(talk)) {
    uint8_t data[4096];
    const ssize_t got = recv(talk->fd, data, sizeof data, 0);
    if (got < 0 && errno == EAGAIN) {
      wait_for(talk, POLLIN);
    } else if (got <= 0) {
      talk->over = true;
      return;
    } else {
      buf_add(&talk->in, data, (size_t)got);
    }
  }
}

/* step drives our end, and sends what comes of it. */
static void step(struct talk *talk) {
  struct ssl_quic_end *end = &talk->end;
  ssl_quic_go(end, 0);
  for (int level = 0; level < 4; level++) {
    if (end->out[level].len == 0) continue;
    send_frame(talk, level, end->out[level].data, end->out[level].len);
    end->out[level].len = 0;
  }
  if (end->alerts > 0) send_frame(talk, ALERT, &(uint8_t){(uint8_t)end->alert}, 1);
}

/* run goes on until our end is done and, on a client, has |tickets|; or one of them has failed. */
static bool run(struct talk *talk, unsigned tickets) {
  talk->alert = -1;
  num_kept = 0;
  for (;;) {
    step(talk);
    if (talk->end.alerts > 0 || talk->alert >= 0 || talk->over) return false;
    if (talk->end.done && num_kept >= tickets) return true;
    receive(talk);
  }
}

/* same_secrets: the peer has printed ours, of every level there is. */
static void same_secrets(struct talk *talk) {
  for (int writing = 0; writing < 2; writing++) {
    for (int level = 1; level < 4; level++) {
      const struct ssl_quic_end *end = &talk->end;
      char line[200];
      int at = snprintf(line, sizeof line, "secret %c%d ", writing ? 'r' : 'w', level);
      for (size_t i = 0; i < end->secret_len[writing][level]; i++)
        at += snprintf(line + at, sizeof line - (size_t)at, "%02x", end->secret[writing][level][i]);
      if (end->secret_len[writing][level] > 0)
        cr_assert(peer_printed(talk->peer, line), "no '%s'%s", line, peer_tail(talk->peer));
    }
  }
}

static void hang_up(struct talk *talk) {
  if (talk->fd >= 0) close(talk->fd);
  ssl_quic_end_free(&talk->end);
  buf_free(&talk->in);
}

/* ---- Our client ---- */

static void client_context(const char *groups) {
  ctx = ssl_quic_client_ctx();
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(ctx, keep);
  cr_assert_eq(SSL_CTX_set1_groups_list(ctx, groups), 1);
}

static uint16_t serve(struct peer *peer, const char *cert, const char *more) {
  char options[1024];
  snprintf(options, sizeof options,
           "-role server -quic 1 -cert %s/tests/certs/%s.pem -key %s/tests/certs/%s.key %s",
           HF_SOURCE_DIR, cert, HF_SOURCE_DIR, cert, more);
  const char *wrong = peer_boringssl(peer, options);
  cr_assert_null(wrong, "%s", wrong);
  const uint16_t port = peer_port(peer);
  cr_assert_neq(port, 0, "%s", peer_tail(peer));
  return port;
}

static void dial(struct talk *talk, struct peer *peer, uint16_t port, bool openssl) {
  memset(talk, 0, sizeof *talk);
  talk->peer = peer;
  talk->fd = peer_connect(port);
  cr_assert_geq(talk->fd, 0);
  cr_assert(ssl_quic_end_new(&talk->end, ctx, openssl, false));
  cr_assert_eq(SSL_set_session(talk->end.ssl, kept), 1);
}

static void check_params(const struct talk *talk) {
  const uint8_t *params;
  size_t len;
  SSL_get_peer_quic_transport_params(talk->end.ssl, &params, &len);
  cr_assert(len == 3 && memcmp(params, "\x04\x01\x3f", 3) == 0);
}

/* Full and resumed, with a HelloRetryRequest and without, each kind of callbacks. */
Test(interop_quic, connect) {
  static const char *const groups[] = {"X25519", "P-256:X25519"};
  for (int openssl = 0; openssl < 2; openssl++) {
    for (int retry = 0; retry < 2; retry++) {
      struct peer peer;
      client_context(groups[retry]);
      uint16_t port = serve(&peer, "ecdsa-p256", "-alpn h3 -connections 2 -groups X25519");
      for (int resumed = 0; resumed < 2; resumed++) {
        struct talk talk;
        dial(&talk, &peer, port, openssl);
        cr_assert(run(&talk, 1), "%s", peer_tail(&peer));
        check_params(&talk);
        cr_assert_eq(SSL_used_hello_retry_request(talk.end.ssl), retry);
        cr_assert_eq(SSL_session_reused(talk.end.ssl), resumed, "%s", peer_tail(&peer));
        same_secrets(&talk);
        PRINTED(&talk, "alpn h3");
        PRINTED(&talk, "params 6");
        hang_up(&talk);
      }
      cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
      peer_stop(&peer);
      SSL_SESSION_free(kept);
      kept = NULL;
      SSL_CTX_free(ctx);
    }
  }
  ctx = NULL;
}

Test(interop_quic, connect_with_a_certificate) {
  for (int openssl = 0; openssl < 2; openssl++) {
    struct peer peer;
    struct talk talk;
    client_context("X25519");
    cr_assert_eq(SSL_CTX_use_certificate_chain_file(ctx, cert_path("client-ecdsa-p256.pem")), 1);
    cr_assert_eq(
        SSL_CTX_use_PrivateKey_file(ctx, cert_path("client-ecdsa-p256.key"), SSL_FILETYPE_PEM), 1);
    uint16_t port = serve(&peer, "rsa-2048", "-alpn h3 -ca " HF_SOURCE_DIR "/tests/certs/root.pem");
    dial(&talk, &peer, port, openssl);
    cr_assert(run(&talk, 1), "%s", peer_tail(&peer));
    same_secrets(&talk);
    PRINTED(&talk, "certificates 2");
    hang_up(&talk);
    cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
    peer_stop(&peer);
    SSL_CTX_free(ctx);
  }
  ctx = NULL;
}

/* Refusals: by the server, no protocol in common; by us, a certificate that nobody trusts. */
Test(interop_quic, connect_refused) {
  for (int openssl = 0; openssl < 2; openssl++) {
    struct peer peer;
    struct talk talk;
    client_context("X25519");
    uint16_t port = serve(&peer, "ecdsa-p256", "-alpn other");
    dial(&talk, &peer, port, openssl);
    cr_assert_not(run(&talk, 1));
    cr_assert_eq(talk.alert, 120, "%s", peer_tail(&peer));
    hang_up(&talk);
    peer_stop(&peer);
    port = serve(&peer, "self-signed", "-alpn h3");
    dial(&talk, &peer, port, openssl);
    cr_assert_not(run(&talk, 1));
    cr_assert_eq(talk.end.alert, 48);
    PRINTED(&talk, "alert received 48");
    hang_up(&talk);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
  }
  ctx = NULL;
}

/* ---- Our server ---- */

static void call(struct peer *peer, uint16_t port, const char *more) {
  char options[1024];
  snprintf(options, sizeof options,
           "-role client -quic 1 -port %d -ca %s/tests/certs/root.pem -name localhost %s", port,
           HF_SOURCE_DIR, more);
  const char *wrong = peer_boringssl(peer, options);
  cr_assert_null(wrong, "%s", wrong);
}

static void answer(struct talk *talk, struct peer *peer, int listener, bool openssl) {
  memset(talk, 0, sizeof *talk);
  talk->peer = peer;
  talk->fd = peer_accept(listener);
  cr_assert_geq(talk->fd, 0, "%s", peer_tail(peer));
  cr_assert(ssl_quic_end_new(&talk->end, ctx, openssl, true));
}

Test(interop_quic, accept) {
  static const char *const groups[] = {"X25519", "P-384"};
  for (int openssl = 0; openssl < 2; openssl++) {
    for (int retry = 0; retry < 2; retry++) {
      struct peer peer;
      uint16_t port;
      int listener = peer_listen(&port);
      ctx = ssl_quic_server_ctx("ecdsa-p256");
      cr_assert_eq(SSL_CTX_set1_groups_list(ctx, groups[retry]), 1);
      call(&peer, port, "-alpn h3 -connections 2 -resume 1 -groups X25519:P-384");
      for (int resumed = 0; resumed < 2; resumed++) {
        struct talk talk;
        answer(&talk, &peer, listener, openssl);
        cr_assert(run(&talk, 0), "%s", peer_tail(&peer));
        check_params(&talk);
        cr_assert_eq(SSL_session_reused(talk.end.ssl), resumed, "%s", peer_tail(&peer));
        same_secrets(&talk);
        PRINTED(&talk, "params 7");
        hang_up(&talk);
      }
      cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
      cr_assert(peer_has_printed(&peer, retry ? "retried 1" : "retried 0"));
      close(listener);
      peer_stop(&peer);
      SSL_CTX_free(ctx);
    }
  }
  ctx = NULL;
}

/* Refusals: by us, no protocol in common; by the client, a certificate for another name. */
Test(interop_quic, accept_refused) {
  for (int openssl = 0; openssl < 2; openssl++) {
    struct peer peer;
    struct talk talk;
    uint16_t port;
    int listener = peer_listen(&port);
    ctx = ssl_quic_server_ctx("wrong-name");
    call(&peer, port, "-alpn other");
    answer(&talk, &peer, listener, openssl);
    cr_assert_not(run(&talk, 0));
    cr_assert_eq(talk.end.alert, 120);
    PRINTED(&talk, "alert received 120");
    hang_up(&talk);
    peer_stop(&peer);
    call(&peer, port, "-alpn h3");
    answer(&talk, &peer, listener, openssl);
    cr_assert_not(run(&talk, 0));
    cr_assert_geq(talk.alert, 40, "%s", peer_tail(&peer));
    cr_assert(peer_printed(&peer, "CERTIFICATE_VERIFY_FAILED"), "%s", peer_tail(&peer));
    hang_up(&talk);
    peer_stop(&peer);
    close(listener);
    SSL_CTX_free(ctx);
  }
  ctx = NULL;
}

/* ---- 0-RTT ---- */

/* Our client: accepted. */
Test(interop_quic, connect_early) {
  for (int openssl = 0; openssl < 2; openssl++) {
    client_context("X25519");
    SSL_CTX_set_early_data_enabled(ctx, 1);
    struct peer peer;
    uint16_t port = serve(&peer, "ecdsa-p256", "-alpn h3 -connections 2 -early settings");
    for (int early = 0; early < 2; early++) {
      struct talk talk;
      dial(&talk, &peer, port, openssl);
      cr_assert(run(&talk, 1), "%s", peer_tail(&peer));
      cr_assert_eq(SSL_early_data_accepted(talk.end.ssl), early, "%s", peer_tail(&peer));
      cr_assert_eq(talk.end.secret_len[1][ssl_encryption_early_data] > 0, early);
      same_secrets(&talk);
      if (early) PRINTED(&talk, "early accepted 1");
      hang_up(&talk);
    }
    cr_assert_eq(SSL_SESSION_get_max_early_data(kept), UINT32_MAX);
    cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
    peer_stop(&peer);
    SSL_SESSION_free(kept);
    kept = NULL;
    SSL_CTX_free(ctx);
  }
  ctx = NULL;
}

/* Our server: accepted, refused for the context, and refused by a retry. */
Test(interop_quic, accept_early) {
  for (int openssl = 0; openssl < 2; openssl++) {
    for (int kind = 0; kind < 3; kind++) {
      struct peer peer;
      uint16_t port;
      int listener = peer_listen(&port);
      ctx = ssl_quic_server_ctx("ecdsa-p256");
      SSL_CTX_set_early_data_enabled(ctx, 1);
      call(&peer, port, "-alpn h3 -connections 2 -resume 1 -early x -groups X25519:P-256");
      for (int second = 0; second < 2; second++) {
        struct talk talk;
        const bool accepted = second && kind == 0;
        answer(&talk, &peer, listener, openssl);
        SSL *ssl = talk.end.ssl;
        const char *context = second && kind == 1 ? "new" : "old";
        cr_assert_eq(SSL_set_quic_early_data_context(ssl, (const uint8_t *)context, 3), 1);
        if (second && kind == 2) cr_assert_eq(SSL_set1_groups_list(ssl, "P-256"), 1);
        cr_assert(run(&talk, 0), "%s", peer_tail(&peer));
        cr_assert_eq(SSL_session_reused(ssl), second);
        cr_assert_eq(SSL_early_data_accepted(ssl), accepted, "%d %s", kind, peer_tail(&peer));
        same_secrets(&talk);
        if (second) PRINTED(&talk, "early");
        if (second && !accepted) PRINTED(&talk, "early rejected");
        if (accepted) PRINTED(&talk, "early accepted 1");
        hang_up(&talk);
      }
      cr_assert_eq(peer_wait(&peer), 0, "%s", peer_tail(&peer));
      close(listener);
      peer_stop(&peer);
      SSL_CTX_free(ctx);
    }
  }
  ctx = NULL;
}
