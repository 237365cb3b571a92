/* early.c: early data over records.  What becomes of it: `early N accepted REASON`, with N bytes
 * that went early (a client's), or were read so (a server's). */
#include "boringssl_peer.h"

#include <string.h>

enum { EARLY_LEN = 5 };

static bool refused(const SSL *ssl, int ret) {
  return ret <= 0 && SSL_get_error(ssl, ret) == SSL_ERROR_EARLY_DATA_REJECTED;
}

void early_facts(const SSL *ssl, size_t len) {
  fact("early %zu %s %s", len, SSL_early_data_accepted(ssl) ? "accepted" : "refused",
       SSL_early_data_reason_string(SSL_get_early_data_reason(ssl)));
}

bool early_ask(SSL *ssl) {
  uint8_t data[EARLY_LEN];
  size_t got = 0;
  memset(data, 'E', sizeof(data));
  if (SSL_write(ssl, data, sizeof(data)) != (int)sizeof(data)) return complain("early write");
  int ret = SSL_do_handshake(ssl);
  if (refused(ssl, ret)) {
    SSL_reset_early_data_reject(ssl);
    ret = SSL_do_handshake(ssl);
  }
  if (ret != 1) return complain("handshake after early data");
  early_facts(ssl, sizeof(data));
  while (SSL_early_data_accepted(ssl) && got < sizeof(data)) { /* its echo */
    ret = SSL_read(ssl, data + got, (int)(sizeof(data) - got));
    if (ret <= 0) return complain("read of the echo of early data");
    got += (size_t)ret;
  }
  return true;
}
