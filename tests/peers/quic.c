/* quic.c: boringssl_peer over QUIC's streams: SSL_QUIC_METHOD, with the bytes of CRYPTO frames in
 * frames of its own on a connection: one byte of kind, four of length, the bytes.  The kind is the
 * encryption level; 128 added to it: one byte of an alert.
 *
 * Besides show()'s facts: `secret DLEVEL HEX` (D: r or w) for each secret, in order; `early` when
 * SSL_do_handshake returned for it, `early accepted N` and `early rejected`; `params N` for the
 * length of the peer's transport parameters; `tickets N`. */
#define _GNU_SOURCE /* MSG_NOSIGNAL */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "boringssl_peer.h"

enum { MOST = 1 << 16, ALERT = 128, HEAD = 5 };

static int socket_of(const SSL *ssl) { return SSL_get_fd(ssl); }

static bool send_frame(int fd, uint8_t kind, const uint8_t *data, size_t len) {
  const uint8_t head[HEAD] = {kind, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                              (uint8_t)len};
  return send(fd, head, HEAD, MSG_NOSIGNAL | MSG_MORE) == HEAD &&
         send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static int note_secret(char direction, enum ssl_encryption_level_t level, const uint8_t *secret,
                       size_t len) {
  char hex[2 * 48 + 1];
  for (size_t i = 0; i < len && i < 48; i++) {
    hex[2 * i] = "0123456789abcdef"[secret[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[secret[i] & 15];
    hex[2 * i + 2] = 0;
  }
  fact("secret %c%d %s", direction, (int)level, hex);
  return 1;
}

static int set_read_secret(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                           const uint8_t *secret, size_t len) {
  (void)ssl;
  (void)cipher;
  return note_secret('r', level, secret, len);
}

static int set_write_secret(SSL *ssl, enum ssl_encryption_level_t level, const SSL_CIPHER *cipher,
                            const uint8_t *secret, size_t len) {
  (void)ssl;
  (void)cipher;
  return note_secret('w', level, secret, len);
}

static int add_handshake_data(SSL *ssl, enum ssl_encryption_level_t level, const uint8_t *data,
                              size_t len) {
  return send_frame(socket_of(ssl), (uint8_t)level, data, len);
}

static int flush_flight(SSL *ssl) {
  (void)ssl;
  return 1;
}

static int send_alert(SSL *ssl, enum ssl_encryption_level_t level, uint8_t alert) {
  fact("alert sent %d", alert);
  return send_frame(socket_of(ssl), (uint8_t)(ALERT + level), &alert, 1);
}

static const SSL_QUIC_METHOD kMethod = {set_read_secret, set_write_secret, add_handshake_data,
                                        flush_flight, send_alert};

static bool receive(int fd, uint8_t *data, size_t len) {
  for (size_t have = 0; have < len;) {
    const ssize_t got = recv(fd, data + have, len - have, 0);
    if (got <= 0) return false;
    have += (size_t)got;
  }
  return true;
}

/* take gives |ssl| the next frame.  1; 0: the other end is gone, or has sent an alert; -1: it went
 * wrong. */
static int take(SSL *ssl, int fd) {
  static uint8_t data[MOST];
  uint8_t head[HEAD];
  if (!receive(fd, head, HEAD)) return 0;
  const size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
  if (len > MOST || !receive(fd, data, len)) return -1;
  if (head[0] >= ALERT) {
    fact("alert received %d", data[0]);
    return 0;
  }
  if (SSL_provide_quic_data(ssl, (enum ssl_encryption_level_t)head[0], data, len)) return 1;
  complain("data");
  return -1;
}

static bool configure(SSL *ssl, const struct options *o) {
  static const uint8_t params[] = {0x04, 0x01, 0x3f};
  if (!SSL_set_quic_method(ssl, &kMethod) ||
      !SSL_set_quic_transport_params(ssl, params, sizeof(params))) {
    return false;
  }
  if (o->early == NULL) return true;
  SSL_set_early_data_enabled(ssl, 1);
  return SSL_set_quic_early_data_context(ssl, (const uint8_t *)o->early, strlen(o->early)) == 1;
}

static void show_all(const SSL *ssl) {
  const uint8_t *params;
  size_t len;
  show(ssl);
  SSL_get_peer_quic_transport_params(ssl, &params, &len);
  fact("params %zu", len);
  fact("early accepted %d", SSL_early_data_accepted(ssl));
  fact("done");
}

/* go_on calls SSL_do_handshake as long as it can do something.  1: it is done; 0: it waits. */
static int go_on(SSL *ssl, bool *early) {
  for (;;) {
    const int ret = SSL_do_handshake(ssl);
    if (ret == 1 && !SSL_in_early_data(ssl)) return 1;
    if (ret == 1) {
      if (!*early) fact("early");
      if (*early) return 0;
      *early = true;
      continue;
    }
    switch (SSL_get_error(ssl, ret)) {
      case SSL_ERROR_WANT_READ:
        return 0;
      case SSL_ERROR_EARLY_DATA_REJECTED:
        fact("early rejected");
        SSL_reset_early_data_reject(ssl);
        break;
      default:
        complain("handshake");
        return -1;
    }
  }
}

bool quic_converse(SSL *ssl, const struct options *o, int fd) {
  bool early = false, done = false;
  if (!configure(ssl, o)) return complain("QUIC");
  for (;;) {
    if (!done) {
      const int ret = go_on(ssl, &early);
      if (ret < 0) return false;
      done = ret == 1;
      if (done) show_all(ssl);
    } else if (!SSL_process_quic_post_handshake(ssl)) {
      return complain("after the handshake");
    }
    const int got = take(ssl, fd);
    if (got <= 0) return got == 0 && done;
  }
}
