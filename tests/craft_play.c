/* craft_play.c: see craft_play.h.  The order of the steps is that of RFC 9846 2. */
#include "craft_play.h"

#include <stdlib.h>
#include <string.h>

#include "pair.h"

bool play_new(struct craft_play *play, const struct side_setup *setup, const char *name,
              uint16_t sigalg) {
  bool server = setup->settings.role == HF_CLIENT;
  *play = (struct craft_play){.name = name, .sigalg = sigalg, .step = -1};
  hf_status status = side_new(&play->side, setup);
  craft_init(&play->craft, server, &play->side);
  if (name != NULL) play->credential = credential_load(name);
  return status == HF_OK && (name == NULL || play->credential != NULL);
}

void play_free(struct craft_play *play) {
  craft_free(&play->craft);
  side_free(&play->side);
  craft_hello_free(&play->client);
  craft_hello_free(&play->server);
  buf_free(&play->body);
  buf_free(&play->heard);
  credential_free(play->credential);
}

/* ---- Bodies ---- */

void body_of_certificate(struct buf *out, const hf_bytes *chain, size_t num) {
  struct buf list = {0};
  put8(out, 0); /* certificate_request_context */
  for (size_t i = 0; i < num; i++) {
    put_vector(&list, 3, chain[i].data, chain[i].len);
    put16(&list, 0);
  }
  put_vector(out, 3, list.data, list.len);
  buf_free(&list);
}

void body_of_own_certificate(struct buf *out, const struct craft_play *play) {
  hf_bytes chain[8] = {{NULL, 0}};
  size_t num = play->name == NULL ? 0 : credential_chain(chain, 8, play->name);
  body_of_certificate(out, chain, num);
  for (size_t i = 0; i < num; i++) free((void *)chain[i].data);
}

bool body_of_verify(struct buf *out, const struct craft_play *play, uint16_t sigalg) {
  struct buf input = {0}, signature = {0};
  uint8_t hash[CRAFT_HASH];
  const char *context = play->craft.server ? "TLS 1.3, server CertificateVerify"
                                           : "TLS 1.3, client CertificateVerify";
  for (int i = 0; i < 64; i++) put8(&input, 0x20);
  buf_add(&input, context, strlen(context) + 1);
  craft_transcript_hash(&play->craft, hash);
  buf_add(&input, hash, sizeof hash);
  bool ok = play->credential != NULL && credential_sign(&signature, play->credential->key, sigalg,
                                                        (hf_bytes){input.data, input.len});
  put16(out, sigalg);
  put_vector(out, 2, signature.data, signature.len);
  buf_free(&input);
  buf_free(&signature);
  return ok;
}

void body_of_request(struct buf *out) {
  static const uint8_t sigalgs[] = {0, 6, 4, 3, 8, 4, 8, 7};
  struct buf exts = {0};
  put8(out, 0);
  put16(&exts, EXT_SIGNATURE_ALGORITHMS);
  put_vector(&exts, 2, sigalgs, sizeof sigalgs);
  put_vector(out, 2, exts.data, exts.len);
  buf_free(&exts);
}

void body_of_finished(struct buf *out, const struct craft_play *play) {
  const struct craft *craft = &play->craft;
  uint8_t data[CRAFT_HASH];
  craft_verify_data(craft, data, craft->server ? craft->server_secret : craft->client_secret);
  buf_add(out, data, sizeof data);
}

/* ---- Steps both sides have ---- */

static bool hear(struct craft_play *play, uint8_t type) {
  if (!craft_hear(&play->craft, type, &play->body)) return false;
  put8(&play->heard, type);
  return true;
}

/* The type of the next message of the engine, 0 if there is none. */
static uint8_t next_type(struct craft_play *play) {
  while (play->craft.from.len == 0 && craft_take_record(&play->craft)) {
  }
  return play->craft.from.len == 0 ? 0 : play->craft.from.data[0];
}

static bool hear_finished(struct craft_play *play, const uint8_t *secret) {
  uint8_t want[CRAFT_HASH];
  (void)next_type(play);
  craft_verify_data(&play->craft, want, secret);
  return hear(play, MSG_FINISHED) && play->body.len == sizeof want &&
         memcmp(play->body.data, want, sizeof want) == 0;
}

static bool say(struct craft_play *play, uint8_t type, struct buf *body) {
  craft_say(&play->craft, type, body);
  buf_free(body);
  return true;
}

static bool say_certificate(struct craft_play *play) {
  struct buf body = {0};
  body_of_own_certificate(&body, play);
  return say(play, MSG_CERTIFICATE, &body);
}

static bool say_verify(struct craft_play *play) {
  struct buf body = {0};
  if (play->name == NULL) return true;
  bool ok = body_of_verify(&body, play, play->sigalg);
  return say(play, MSG_CERTIFICATE_VERIFY, &body) && ok;
}

static bool say_finished(struct craft_play *play) {
  struct buf body = {0};
  body_of_finished(&body, play);
  return say(play, MSG_FINISHED, &body);
}

static bool hear_hello(struct craft_play *play, struct craft_hello *hello, bool server) {
  craft_hello_free(hello);
  return hear(play, server ? MSG_SERVER_HELLO : MSG_CLIENT_HELLO) &&
         craft_parse_hello(hello, &play->body, server);
}

/* ---- The server ---- */

void play_say_retry(struct craft_play *play, uint16_t group, craft_edit *edit) {
  play_say_retry_to(play, &play->client, group, edit);
}

void play_say_retry_to(struct craft_play *play, const struct craft_hello *client, uint16_t group,
                       craft_edit *edit) {
  static const uint8_t cookie[] = {0, 4, 'n', 'o', 'm', 's'};
  struct buf body = {0};
  craft_hello_free(&play->server);
  craft_retry_hello(&play->server, client, group);
  craft_set_ext(&play->server, EXT_COOKIE, cookie, sizeof cookie);
  if (edit != NULL) edit(&play->server, &play->craft);
  craft_restart_transcript(&play->craft);
  craft_write_hello(&body, &play->server, true);
  (void)say(play, MSG_SERVER_HELLO, &body);
}

static bool hear_client_hello(struct craft_play *play) {
  if (!hear_hello(play, &play->client, false)) return false;
  if (!play->retry) return true;
  play_say_retry(play, 0, NULL);
  return hear_hello(play, &play->client, false);
}

bool play_say_hello(struct craft_play *play, craft_edit *edit) {
  struct craft *craft = &play->craft;
  struct craft_hello *hello = craft->server ? &play->server : &play->client;
  struct buf body = {0};
  craft_hello_free(hello);
  if (craft->server)
    craft_default_server_hello(craft, hello, &play->client);
  else
    craft_default_client_hello(craft, hello);
  if (edit != NULL) edit(hello, craft);
  craft_write_hello(&body, hello, craft->server);
  (void)say(play, craft->server ? MSG_SERVER_HELLO : MSG_CLIENT_HELLO, &body);
  const uint8_t *peer;
  if (!craft->server) return true;
  if (!craft_share_of(&peer, &play->client, false) || !craft_agree(craft, peer, 32)) return false;
  craft_set_keys(&craft->write, craft->server_secret);
  craft_set_keys(&craft->read, craft->client_secret);
  return true;
}

static bool say_extensions(struct craft_play *play) {
  struct buf body = {0};
  put16(&body, 0);
  return say(play, MSG_ENCRYPTED_EXTENSIONS, &body);
}

static bool say_request(struct craft_play *play) {
  struct buf body = {0};
  if (!play->request) return true;
  body_of_request(&body);
  return say(play, MSG_CERTIFICATE_REQUEST, &body);
}

static bool say_server_finished(struct craft_play *play) {
  (void)say_finished(play);
  craft_derive_application(&play->craft);
  craft_set_keys(&play->craft.write, play->craft.server_application);
  return true;
}

static bool hear_client_flight(struct craft_play *play) {
  struct craft *craft = &play->craft;
  if (play->request) {
    if (!hear(play, MSG_CERTIFICATE)) return false;
    if (next_type(play) == MSG_CERTIFICATE_VERIFY && !hear(play, MSG_CERTIFICATE_VERIFY))
      return false;
  }
  if (!hear_finished(play, craft->client_secret)) return false;
  craft_set_keys(&craft->read, craft->client_application);
  return true;
}

static bool server_step(struct craft_play *play, int step) {
  switch ((enum craft_server_step)step) {
    case SERVER_HEARD_HELLO:
      return hear_client_hello(play);
    case SERVER_SAID_HELLO:
      return play_say_hello(play, play->edit);
    case SERVER_SAID_EXTENSIONS:
      return say_extensions(play);
    case SERVER_SAID_REQUEST:
      return say_request(play);
    case SERVER_SAID_CERTIFICATE:
      return say_certificate(play);
    case SERVER_SAID_VERIFY:
      return say_verify(play);
    case SERVER_SAID_FINISHED:
      return say_server_finished(play);
    case SERVER_DONE:
      return hear_client_flight(play);
  }
  return false;
}

/* ---- The client ---- */

/* A HelloRetryRequest is answered with its cookie, and with the share that was there before. */
static bool answer_retry(struct craft_play *play) {
  struct buf body = {0};
  if (!play->retry) return true;
  if (!hear_hello(play, &play->server, true)) return false;
  struct buf *transcript = &play->craft.transcript;
  struct buf retry = {0};
  size_t len = 4 + play->body.len;
  buf_add(&retry, transcript->data + transcript->len - len, len);
  transcript->len -= len;
  craft_restart_transcript(&play->craft);
  buf_add(transcript, retry.data, retry.len);
  buf_free(&retry);
  struct craft_ext *cookie = craft_ext(&play->server, EXT_COOKIE);
  if (cookie != NULL) craft_set_ext(&play->client, EXT_COOKIE, cookie->body.data, cookie->body.len);
  if (play->edit_again != NULL) play->edit_again(&play->client, &play->craft);
  craft_write_hello(&body, &play->client, false);
  return say(play, MSG_CLIENT_HELLO, &body);
}

static bool hear_server_flight(struct craft_play *play) {
  struct craft *craft = &play->craft;
  const uint8_t *peer;
  if (!hear_hello(play, &play->server, true) || !craft_share_of(&peer, &play->server, true) ||
      !craft_agree(craft, peer, 32))
    return false;
  craft_set_keys(&craft->read, craft->server_secret);
  craft_set_keys(&craft->write, craft->client_secret);
  if (!hear(play, MSG_ENCRYPTED_EXTENSIONS)) return false;
  play->requested = next_type(play) == MSG_CERTIFICATE_REQUEST;
  if (play->requested && !hear(play, MSG_CERTIFICATE_REQUEST)) return false;
  if (!hear(play, MSG_CERTIFICATE) || !hear(play, MSG_CERTIFICATE_VERIFY) ||
      !hear_finished(play, craft->server_secret))
    return false;
  craft_derive_application(craft);
  craft_set_keys(&craft->read, craft->server_application);
  return true;
}

static bool finish_client(struct craft_play *play) {
  (void)say_finished(play);
  craft_set_keys(&play->craft.write, play->craft.client_application);
  return true;
}

static bool client_step(struct craft_play *play, int step) {
  switch ((enum craft_client_step)step) {
    case CLIENT_BEGAN:
      return true;
    case CLIENT_SAID_HELLO:
      return play_say_hello(play, play->edit) && answer_retry(play);
    case CLIENT_HEARD_FINISHED:
      return hear_server_flight(play);
    case CLIENT_SAID_CERTIFICATE:
      return !play->requested || say_certificate(play);
    case CLIENT_SAID_VERIFY:
      return !play->requested || say_verify(play);
    case CLIENT_DONE:
      return finish_client(play);
  }
  return false;
}

bool play_until(struct craft_play *play, int step) {
  while (play->step < step) {
    play->step++;
    if (!(play->craft.server ? server_step(play, play->step) : client_step(play, play->step)))
      return false;
  }
  return true;
}
