/* interop.h: what the handshakes with OpenSSL and with GnuTLS have in common: the cases, and one
 * conversation of a side with a peer: handshake, data both ways, close_notify both ways, and then
 * all of it again from what was kept, cut differently. */
#ifndef HANDFAST_TESTS_INTEROP_H
#define HANDFAST_TESTS_INTEROP_H

#include "peer.h"

/* interop_name is a code point with its name in OpenSSL and in GnuTLS. */
struct interop_name {
  uint16_t code;
  const char *openssl, *gnutls;
};
enum { INTEROP_SUITES = 3, INTEROP_GROUPS = 3, INTEROP_CERTS = 4 };
extern const struct interop_name interop_suites[INTEROP_SUITES], interop_groups[INTEROP_GROUPS];
/* interop_certs: names in tests/certs/, with the first signature scheme that each key makes. */
extern const struct interop_name interop_certs[INTEROP_CERTS];

/* interop_case is one handshake. */
struct interop_case {
  const struct interop_name *suite, *group, *cert;
  bool retry;  /* there must be a HelloRetryRequest for the group */
  bool cookie; /* and, or only, one with a cookie */
  bool peer_closes_first;
  size_t len;       /* bytes of data each way */
  uint16_t version; /* 0: TLS 1.3 */
};

struct interop_lists {
  uint16_t suite, groups[2];
  const char *cert;
};
/* interop_client is the setup of a client that can do just |c|, and trusts just the chain of
 * c->cert, for localhost; what it points at stands in |lists|. */
void interop_client(struct side_setup *setup, struct interop_lists *lists,
                    const struct interop_case *c);
/* interop_server likewise; what |c| says of the group's retry is done by the client's first share.
 */
void interop_server(struct side_setup *setup, struct interop_lists *lists,
                    const struct interop_case *c, const struct credential *credential);

/* interop_text appends |len| bytes of lower-case lines that |seed| makes. */
void interop_text(struct buf *out, size_t len, unsigned seed);

/* interop_hello goes through the handshake and checks what came out of it.  NULL, or what was
 * wrong. */
const char *interop_hello(struct wire *wire, const struct interop_case *c);
/* interop_talk sends text and checks that the peer printed it, and has the peer's standard input
 * come here; an echoing peer's answer is checked instead. */
const char *interop_talk(struct wire *wire, const struct interop_case *c, bool echoes);
/* interop_bye exchanges close_notify, ours first; or the peer's, whose input is ended, first. */
const char *interop_bye(struct wire *wire, const struct interop_case *c);
/* interop_again replays the side in pieces of 1, 2 and 3 bytes, and all at once. */
const char *interop_again(const struct side *side);
/* interop_title says which case it was. */
const char *interop_title(const struct interop_case *c);

#endif
