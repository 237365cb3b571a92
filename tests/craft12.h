/* craft12.h: a TLS 1.2 peer made by hand (craft.h is the one of TLS 1.3, whose parts it shares). It
 * has TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and X25519 alone, and keys of its own making: the PRF
 * is written out of HMAC, from RFC 5246 5. */
#ifndef HANDFAST_TESTS_CRAFT12_H
#define HANDFAST_TESTS_CRAFT12_H

#include "rules.h"

enum { CRAFT12_SECRET = 48, CRAFT12_VERIFY = 12 };

/* A crafted server, in the order of its steps; those that do not belong to the handshake that was
 * chosen (request, status, ticket, resume of craft12) do nothing. */
enum craft12_server_step {
  S12_HEARD_HELLO,
  S12_SAID_HELLO,
  S12_SAID_CERTIFICATE,
  S12_SAID_STATUS,
  S12_SAID_EXCHANGE,
  S12_SAID_REQUEST,
  S12_SAID_DONE,
  S12_HEARD_FINISHED, /* the client's flight, unless resumed */
  S12_SAID_TICKET,
  S12_SAID_SPEC,
  S12_SAID_FINISHED,
  S12_DONE /* resumed: the client's flight is heard */
};
/* A crafted client. */
enum craft12_client_step {
  C12_BEGAN,
  C12_SAID_HELLO,
  C12_HEARD_DONE, /* the server's flight: up to ServerHelloDone; resumed: up to Finished */
  C12_SAID_CERTIFICATE,
  C12_SAID_EXCHANGE,
  C12_SAID_VERIFY,
  C12_SAID_SPEC,
  C12_SAID_FINISHED,
  C12_DONE /* the server's last flight is heard, unless resumed */
};

struct craft12 {
  struct craft_play play;
  bool ticket;  /* server: promise one and send it; client: offer to take one */
  bool status;  /* server: acknowledge status_request and send a CertificateStatus */
  bool resume;  /* with |secret|: server: take the session that is offered; client: offer |offer| */
  bool no_ems;  /* neither ask for the extended main secret nor acknowledge it */
  bool also_13; /* client: the hello says that TLS 1.3 would do too */
  struct buf offer;               /* client: the ticket to offer, or what one came */
  uint8_t secret[CRAFT12_SECRET]; /* the main secret */
  uint8_t pre_main[32];
};

/* craft12_new starts an engine with |setup| against a crafted peer that shows |name|; the setup's
 * versions are as they are there.  craft12_server and craft12_client: as rules_server and
 * rules_client, in TLS 1.2 alone.  They end the program if they cannot. */
void craft12_new(struct craft12 *c, const struct side_setup *setup, const char *name);
void craft12_server(struct craft12 *c, uint32_t flags, const char *name);
void craft12_client(struct craft12 *c, uint32_t flags);
/* craft12_setup is what they start from. */
void craft12_setup(struct side_setup *setup, hf_role role, uint32_t flags);
/* craft12_free also frees the credential of the setup. */
void craft12_free(struct craft12 *c);

/* craft12_until goes on up to and including |step|; false: the engine did not say what it must. */
bool craft12_until(struct craft12 *c, int step);

/* A session of a first handshake. */
struct craft12_session {
  struct buf state; /* |role| is client: what the engine was given to keep */
  struct buf offer; /* |role| is server: the ticket that the crafted client has */
  uint8_t secret[CRAFT12_SECRET];
};
/* craft12_make_session has an engine of |role| finish a handshake, with the extended main secret or
 * without.  False: it did not. */
bool craft12_make_session(struct craft12_session *out, hf_role role, bool ems);
void craft12_session_free(struct craft12_session *session);

/* craft12_prf is the PRF with SHA-256. */
void craft12_prf(uint8_t *out, size_t out_len, const uint8_t *secret, size_t secret_len,
                 const char *label, const uint8_t *seed, size_t seed_len);
/* craft12_derive makes the main secret, unless resumed, and the keys, which are on from the next
 * change_cipher_spec of their direction. */
void craft12_derive(struct craft12 *c);
/* craft12_spec sends the right change_cipher_spec and turns the keys on. */
void craft12_spec(struct craft12 *c);

/* Bodies of messages. */
void body12_of_certificate(struct buf *out, const struct craft12 *c);
/* body12_of_params is ServerECDHParams; body12_of_exchange signs |params| as the server must. */
void body12_of_params(struct buf *out, const struct craft12 *c);
bool body12_of_exchange(struct buf *out, const struct craft12 *c, const struct buf *params,
                        uint16_t sigalg);
void body12_of_request(struct buf *out);
void body12_of_client_exchange(struct buf *out, const struct craft12 *c);
bool body12_of_verify(struct buf *out, const struct craft12 *c, uint16_t sigalg);
void body12_of_finished(struct buf *out, const struct craft12 *c, bool by_server);
void body12_of_ticket(struct buf *out);
/* craft12_default_hello is the hello of the crafted side. */
void craft12_default_hello(const struct craft12 *c, struct craft_hello *hello);

#endif
