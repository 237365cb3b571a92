/* options.c: the command line of boringssl_peer.
 *
 *   -role client|server     which it is
 *   -port N                 client: connects to 127.0.0.1:N; server: listens there (0, the default:
 *                           anywhere; the line `port N` says where)
 *   -connections N          so many connections one after the other (1)
 *   -bytes N                client: sends N bytes and waits for as many (5); servers echo
 *   -cert F -key F          chain and private key, PEM
 *   -ca F                   trusted roots, PEM: a client verifies the server, a server asks for a
 *                           client's certificate and demands it
 *   -name NAME              client: the server's name, sent and demanded
 *   -min V -max V           versions: 1.2 or 1.3
 *   -ciphers -groups -sigalgs LIST   as BoringSSL's *_list functions take them
 *   -alpn A,B               client: offers; server: takes the first of its own that is offered
 *   -resume 1               client: offers the last session it got
 *   -session-in F           client: offers the session of a file, then the last it got
 *   -session-out F          client: writes the last session it got to a file, as DER
 *   -compress zlib|brotli   certificates compressed so, both ways
 *   -delegated F -delegated-key F    server: a delegated credential (the DelegatedCredential
 *                           structure) and its private key (PEM)
 *   -quic 1                 no records but frames of QUIC's streams: quic.c
 *   -early TEXT             early data offered, five bytes of it, and taken; TEXT: over QUIC a
 *                           server's context for it */
#include "boringssl_peer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  size_t offset;
} kOptions[] = {
    {"-role", offsetof(struct options, role)},
    {"-port", offsetof(struct options, port)},
    {"-connections", offsetof(struct options, connections)},
    {"-bytes", offsetof(struct options, bytes)},
    {"-cert", offsetof(struct options, cert)},
    {"-key", offsetof(struct options, key)},
    {"-ca", offsetof(struct options, ca)},
    {"-name", offsetof(struct options, name)},
    {"-min", offsetof(struct options, min)},
    {"-max", offsetof(struct options, max)},
    {"-ciphers", offsetof(struct options, ciphers)},
    {"-groups", offsetof(struct options, groups)},
    {"-sigalgs", offsetof(struct options, sigalgs)},
    {"-alpn", offsetof(struct options, alpn)},
    {"-resume", offsetof(struct options, resume)},
    {"-session-in", offsetof(struct options, session_in)},
    {"-session-out", offsetof(struct options, session_out)},
    {"-compress", offsetof(struct options, compress)},
    {"-delegated", offsetof(struct options, delegated)},
    {"-delegated-key", offsetof(struct options, delegated_key)},
    {"-quic", offsetof(struct options, quic)},
    {"-early", offsetof(struct options, early)},
};

static const char **find(struct options *options, const char *name) {
  for (size_t i = 0; i < sizeof(kOptions) / sizeof(kOptions[0]); i++) {
    if (strcmp(kOptions[i].name, name) == 0) {
      return (const char **)(void *)((char *)options + kOptions[i].offset);
    }
  }
  return NULL;
}

bool options_read(struct options *out, char **words) {
  memset(out, 0, sizeof(*out));
  for (; words[0] != NULL; words += 2) {
    const char **value = find(out, words[0]);
    if (value == NULL || words[1] == NULL) {
      fact("error usage %s", words[0]);
      return false;
    }
    *value = words[1];
  }
  if (out->role == NULL || (strcmp(out->role, "client") != 0 && strcmp(out->role, "server") != 0)) {
    fact("error usage -role");
    return false;
  }
  return true;
}

long options_number(const char *value, long otherwise) {
  return value == NULL ? otherwise : strtol(value, NULL, 10);
}
