/* craft12_play.c: the steps of craft12.h.  Their order is that of RFC 5246 7.3 and RFC 5077 3.1. */
#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "craft12.h"

void craft12_setup(struct side_setup *setup, hf_role role, uint32_t flags) {
  rules_setup(setup, role, flags);
  setup->settings.version_min = setup->settings.version_max = 0x0303;
}

void craft12_new(struct craft12 *c, const struct side_setup *setup, const char *name) {
  memset(c, 0, sizeof *c);
  if (play_new(&c->play, setup, name, 0x0403)) return;
  fprintf(stderr, "cannot begin\n");
  abort();
}

void craft12_server(struct craft12 *c, uint32_t flags, const char *name) {
  struct side_setup setup;
  craft12_setup(&setup, HF_SERVER, flags);
  craft12_new(c, &setup, name);
}

void craft12_client(struct craft12 *c, uint32_t flags) {
  struct side_setup setup;
  craft12_setup(&setup, HF_CLIENT, flags);
  craft12_new(c, &setup, "ecdsa-p256");
}

void craft12_free(struct craft12 *c) {
  buf_free(&c->offer);
  rules_free(&c->play);
}

/* ---- Steps both sides have ---- */

static bool hear(struct craft12 *c, uint8_t type) {
  return craft_hear(&c->play.craft, type, &c->play.body);
}

static uint8_t next_type(struct craft12 *c) {
  struct craft *craft = &c->play.craft;
  while (craft->from.len == 0 && craft_take_record(craft)) {
  }
  return craft->from.len == 0 ? 0 : craft->from.data[0];
}

static bool hear_hello(struct craft12 *c, struct craft_hello *hello, bool server) {
  craft_hello_free(hello);
  return hear(c, server ? MSG_SERVER_HELLO : MSG_CLIENT_HELLO) &&
         craft_parse_hello(hello, &c->play.body, server);
}

/* The change_cipher_spec of the engine, and its Finished. */
static bool hear_finished(struct craft12 *c) {
  const size_t before = c->play.craft.num_ccs;
  struct buf want = {0};
  (void)next_type(c);
  body12_of_finished(&want, c, !c->play.craft.server);
  const bool ok = hear(c, MSG_FINISHED) && c->play.craft.num_ccs == before + 1 &&
                  c->play.body.len == want.len &&
                  memcmp(c->play.body.data, want.data, want.len) == 0;
  buf_free(&want);
  return ok;
}

static bool say(struct craft12 *c, uint8_t type, struct buf *body) {
  craft_say(&c->play.craft, type, body);
  buf_free(body);
  return true;
}

static bool say_hello(struct craft12 *c) {
  struct craft_play *play = &c->play;
  struct craft_hello *hello = play->craft.server ? &play->server : &play->client;
  struct buf body = {0};
  craft_hello_free(hello);
  craft12_default_hello(c, hello);
  if (play->edit != NULL) play->edit(hello, &play->craft);
  craft_write_hello(&body, hello, play->craft.server);
  (void)say(c, play->craft.server ? MSG_SERVER_HELLO : MSG_CLIENT_HELLO, &body);
  if (play->craft.server && c->resume) craft12_derive(c);
  return true;
}

static bool say_certificate(struct craft12 *c) {
  struct buf body = {0};
  body12_of_certificate(&body, c);
  return say(c, MSG_CERTIFICATE, &body);
}

static bool say_finished(struct craft12 *c) {
  struct buf body = {0};
  body12_of_finished(&body, c, c->play.craft.server);
  return say(c, MSG_FINISHED, &body);
}

static bool agree(struct craft12 *c, const uint8_t *point) {
  return X25519(c->pre_main, c->play.craft.private_key, point);
}

/* ---- The server ---- */

static bool say_status(struct craft12 *c) {
  struct buf body = {0};
  if (!c->status) return true;
  buf_add(&body, "\1\0\0\4ocsp", 8);
  return say(c, MSG_CERTIFICATE_STATUS, &body);
}

static bool say_exchange(struct craft12 *c) {
  struct buf body = {0}, params = {0};
  body12_of_params(&params, c);
  const bool ok = body12_of_exchange(&body, c, &params, c->play.sigalg);
  buf_free(&params);
  return say(c, MSG_SERVER_KEY_EXCHANGE, &body) && ok;
}

static bool say_request(struct craft12 *c) {
  struct buf body = {0};
  if (!c->play.request) return true;
  body12_of_request(&body);
  return say(c, MSG_CERTIFICATE_REQUEST, &body);
}

/* RFC 5246 7.4.8: all messages so far, signed with the key of the first certificate. */
static bool hear_verify(struct craft12 *c, const struct buf *certificates) {
  const size_t len = c->play.craft.transcript.len;
  const uint8_t *der = certificates->data + 6;
  X509 *leaf = d2i_X509(NULL, &der, (long)certificates->len - 6);
  EVP_PKEY *key = leaf == NULL ? NULL : X509_get_pubkey(leaf);
  EVP_MD_CTX md;
  EVP_MD_CTX_init(&md);
  const bool ok = key != NULL && hear(c, MSG_CERTIFICATE_VERIFY) && c->play.body.len > 4 &&
                  EVP_DigestVerifyInit(&md, NULL, EVP_sha256(), NULL, key) &&
                  EVP_DigestVerify(&md, c->play.body.data + 4, c->play.body.len - 4,
                                   c->play.craft.transcript.data, len);
  EVP_MD_CTX_cleanup(&md);
  EVP_PKEY_free(key);
  X509_free(leaf);
  return ok;
}

static bool hear_client_flight(struct craft12 *c) {
  struct buf certificates = {0};
  if (c->play.request && !hear(c, MSG_CERTIFICATE)) return false;
  if (c->play.request) buf_add(&certificates, c->play.body.data, c->play.body.len);
  bool ok =
      hear(c, MSG_CLIENT_KEY_EXCHANGE) && c->play.body.len == 33 && agree(c, c->play.body.data + 1);
  if (ok) craft12_derive(c);
  if (ok && certificates.len > 3) ok = hear_verify(c, &certificates);
  buf_free(&certificates);
  return ok && hear_finished(c);
}

static bool say_ticket(struct craft12 *c) {
  struct buf body = {0};
  if (!c->ticket) return true;
  body12_of_ticket(&body);
  return say(c, MSG_NEW_SESSION_TICKET, &body);
}

static bool say_done(struct craft12 *c) {
  struct buf none = {0};
  return say(c, MSG_SERVER_HELLO_DONE, &none);
}

static bool server_step(struct craft12 *c, enum craft12_server_step step) {
  switch (step) {
    case S12_HEARD_HELLO:
      return hear_hello(c, &c->play.client, false);
    case S12_SAID_HELLO:
      return say_hello(c);
    case S12_SAID_CERTIFICATE:
      return c->resume || say_certificate(c);
    case S12_SAID_STATUS:
      return c->resume || say_status(c);
    case S12_SAID_EXCHANGE:
      return c->resume || say_exchange(c);
    case S12_SAID_REQUEST:
      return c->resume || say_request(c);
    case S12_SAID_DONE:
      return c->resume || say_done(c);
    case S12_HEARD_FINISHED:
      return c->resume || hear_client_flight(c);
    case S12_SAID_TICKET:
      return say_ticket(c);
    case S12_SAID_SPEC:
      craft12_spec(c);
      return true;
    case S12_SAID_FINISHED:
      return say_finished(c);
    case S12_DONE:
      return !c->resume || hear_finished(c);
  }
  return false;
}

/* ---- The client ---- */

static bool hear_ticket(struct craft12 *c) {
  if (craft_ext(&c->play.server, EXT_SESSION_TICKET) == NULL) return true;
  if (!hear(c, MSG_NEW_SESSION_TICKET) || c->play.body.len < 6) return false;
  c->offer.len = 0;
  buf_add(&c->offer, c->play.body.data + 6, c->play.body.len - 6);
  return true;
}

static bool hear_server_flight(struct craft12 *c) {
  struct craft_play *play = &c->play;
  if (!hear_hello(c, &play->server, true)) return false;
  if (c->resume) {
    craft12_derive(c);
    return hear_ticket(c) && hear_finished(c);
  }
  if (!hear(c, MSG_CERTIFICATE) || !hear(c, MSG_SERVER_KEY_EXCHANGE) || play->body.len < 36 ||
      memcmp(play->body.data, "\3\0\x1d\x20", 4) != 0 || !agree(c, play->body.data + 4))
    return false;
  play->requested = next_type(c) == MSG_CERTIFICATE_REQUEST;
  if (play->requested && !hear(c, MSG_CERTIFICATE_REQUEST)) return false;
  return hear(c, MSG_SERVER_HELLO_DONE);
}

static bool say_client_exchange(struct craft12 *c) {
  struct buf body = {0};
  body12_of_client_exchange(&body, c);
  (void)say(c, MSG_CLIENT_KEY_EXCHANGE, &body);
  craft12_derive(c);
  return true;
}

static bool say_verify(struct craft12 *c) {
  struct buf body = {0};
  if (!c->play.requested || c->play.name == NULL) return true;
  const bool ok = body12_of_verify(&body, c, c->play.sigalg);
  return say(c, MSG_CERTIFICATE_VERIFY, &body) && ok;
}

static bool client_step(struct craft12 *c, enum craft12_client_step step) {
  switch (step) {
    case C12_BEGAN:
      return true;
    case C12_SAID_HELLO:
      return say_hello(c);
    case C12_HEARD_DONE:
      return hear_server_flight(c);
    case C12_SAID_CERTIFICATE:
      return c->resume || !c->play.requested || say_certificate(c);
    case C12_SAID_EXCHANGE:
      return c->resume || say_client_exchange(c);
    case C12_SAID_VERIFY:
      return c->resume || say_verify(c);
    case C12_SAID_SPEC:
      craft12_spec(c);
      return true;
    case C12_SAID_FINISHED:
      return say_finished(c);
    case C12_DONE:
      return c->resume || (hear_ticket(c) && hear_finished(c));
  }
  return false;
}

bool craft12_until(struct craft12 *c, int step) {
  struct craft_play *play = &c->play;
  while (play->step < step) {
    play->step++;
    const bool ok = play->craft.server ? server_step(c, (enum craft12_server_step)play->step)
                                       : client_step(c, (enum craft12_client_step)play->step);
    if (!ok) return false;
  }
  return true;
}

/* ---- Sessions ---- */

bool craft12_make_session(struct craft12_session *out, hf_role role, bool ems) {
  struct craft12 c;
  hf_facts facts;
  *out = (struct craft12_session){.secret = {0}};
  if (role == HF_CLIENT)
    craft12_client(&c, 0);
  else
    craft12_server(&c, HF_ISSUE_TICKETS, NULL);
  c.ticket = true;
  c.no_ems = !ems;
  bool done = craft12_until(&c, role == HF_CLIENT ? (int)S12_DONE : (int)C12_DONE) &&
              side_is_ready(&c.play.side);
  hf_get_facts(&facts, c.play.side.conn);
  done = done && facts.extended_main_secret == ems;
  buf_add(&out->state, c.play.side.kept.data, c.play.side.kept.len);
  buf_add(&out->offer, c.offer.data, c.offer.len);
  memcpy(out->secret, c.secret, sizeof out->secret);
  craft12_free(&c);
  return done;
}

void craft12_session_free(struct craft12_session *session) {
  buf_free(&session->state);
  buf_free(&session->offer);
}
