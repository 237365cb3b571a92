/* demo.c: `handfast demo`: a client and a server in one process, each an engine of its own, over a
 * BIO pair.  Nothing blocks and nobody calls back: run() asks an engine what it wants and does it,
 * and prints what that was. */
#include <string.h>

#include <openssl/rand.h>

#include "tools/demo.h"

/* ---- The ends ---- */

struct names {
  X509 *root;
  EVP_PKEY *root_key;
};

/* give_credential makes a certificate for |name| and has |end| show it. */
static bool give_credential(struct end *end, const struct names *names, const char *name) {
  X509 *x509 = NULL;
  hf_credential *credential = NULL;
  uint8_t *der = NULL;
  int len = 0;
  bool ok = certificate_make(&x509, &end->key, name, names->root, names->root_key) &&
            (len = i2d_X509(x509, &der)) > 0;
  hf_bytes chain = {der, ok ? (size_t)len : 0};
  ok = ok &&
       hf_credential_new(&credential, &chain, 1, end->key, (hf_codes){NULL, 0}, (hf_bytes){NULL, 0},
                         (hf_bytes){NULL, 0}) == HF_OK &&
       hf_answers_add_credential(end->answers, credential) == HF_OK;
  hf_credential_free(credential);
  OPENSSL_free(der);
  X509_free(x509);
  return ok;
}

static bool give_trust(struct end *end, const struct names *names) {
  X509_STORE *store = X509_STORE_new();
  bool ok = store != NULL && X509_STORE_add_cert(store, names->root);
  if (ok) hf_answers_set_store(end->answers, store);
  X509_STORE_free(store);
  return ok;
}

static bool start(struct end *end, const hf_settings *settings) {
  static const char name[] = "localhost";
  hf_start begin = {.now = hf_now()};
  hf_config *config = NULL;
  hf_draw_entropy(&begin.entropy);
  if (settings->role == HF_CLIENT)
    begin.server_name = (hf_bytes){(const uint8_t *)name, sizeof name - 1};
  bool ok =
      hf_config_new(&config, settings) == HF_OK && hf_new(&end->conn, config, &begin) == HF_OK;
  hf_config_free(config);
  OPENSSL_cleanse(&begin, sizeof begin);
  return ok;
}

static bool start_client(struct end *end, const struct names *names,
                         const struct options *options) {
  static const char alpn[] = "\x02h2\x08http/1.1";
  hf_settings settings = {
      .role = HF_CLIENT, .flags = HF_TRACE, .alpn = {(const uint8_t *)alpn, sizeof alpn - 1}};
  end->answers = hf_answers_new();
  return end->answers != NULL && give_trust(end, names) &&
         (!options->client_cert || give_credential(end, names, "client@example.org")) &&
         start(end, &settings);
}

static bool start_server(struct end *end, const struct names *names,
                         const struct options *options) {
  static const char alpn[] = "\x08http/1.1";
  static const uint16_t other_group[] = {SSL_GROUP_SECP256R1};
  uint8_t key[HF_BOX_KEY];
  hf_settings settings = {.role = HF_SERVER, .flags = HF_TRACE | HF_ISSUE_TICKETS};
  settings.num_tickets = 1;
  /* The client's share is for X25519, so it is asked for another. */
  if (options->retry) {
    settings.groups = (hf_codes){other_group, 1};
    settings.flags |= HF_DEMAND_COOKIE;
  }
  if (options->client_cert) settings.flags |= HF_REQUEST_CLIENT_CERT | HF_REQUIRE_CLIENT_CERT;
  RAND_bytes(key, sizeof key);
  end->answers = hf_answers_new();
  bool ok = end->answers != NULL && give_trust(end, names) &&
            give_credential(end, names, "localhost") &&
            hf_answers_set_alpn(end->answers, (hf_bytes){(const uint8_t *)alpn, sizeof alpn - 1}) ==
                HF_OK &&
            hf_answers_set_ticket_keys(end->answers, key, 1) == HF_OK &&
            hf_answers_set_cookie_key(end->answers, key, (hf_bytes){NULL, 0}) == HF_OK &&
            start(end, &settings);
  OPENSSL_cleanse(key, sizeof key);
  return ok;
}

static void free_end(struct end *end) {
  hf_free(end->conn);
  hf_answers_free(end->answers);
  EVP_PKEY_free(end->key);
  BIO_free(end->bio);
}

/* ---- What an end does ---- */

/* flush moves all output into the pair, or as much as fits. */
static bool flush(struct end *end) {
  uint8_t *room;
  size_t max, len = 0;
  while ((hf_wants(end->conn) & HF_WANT_OUTPUT) && (max = hf_bio_space(end->bio, &room)) > 0) {
    if (hf_flush(end->conn, &len, room, max) != HF_OK) return false;
    hf_bio_produce(end->bio, len);
  }
  return true;
}

/* sign answers HF_ASK_SIGNATURE by hand, to show how long a signature is. */
static bool sign(struct end *end, const hf_question_t *question) {
  uint8_t signature[512];
  size_t len;
  if (hf_sign(signature, &len, sizeof signature, end->key, question->signature.sigalg,
              question->signature.input) != HF_OK)
    return false;
  show(end, "answer", "%zu bytes", len);
  return hf_answer_signature(end->conn, (hf_bytes){signature, len}) == HF_OK;
}

static bool answer(struct end *end) {
  const hf_question_t *question = hf_question(end->conn);
  hf_ask ask = question->ask;
  show_events(end);
  show_question(end, question);
  if (ask == HF_ASK_SIGNATURE) return sign(end, question);
  if (!hf_answer(end->conn, end->answers)) return false;
  show_answer(end, ask);
  return true;
}

/* take reads from the pair what the engine needs, and no more.  False: there is nothing. */
static bool take(struct end *end) {
  size_t need = hf_need(end->conn, end->in, end->have), used = 0;
  hf_bytes app = {NULL, 0};
  if (need > 0) {
    int len = BIO_read(end->bio, end->in + end->have, (int)need);
    if (len > 0) end->have += (size_t)len;
    return len > 0;
  }
  if (hf_open(end->conn, &app, &used, end->in, end->have) != HF_OK) return true; /* it has failed */
  if (app.len > 0)
    show(end, "hears", "\"%.*s\" (%zu bytes in a record of %zu)", (int)app.len,
         (const char *)app.data, app.len, used);
  end->have -= used;
  memmove(end->in, end->in + used, end->have);
  return used > 0;
}

/* run goes on until the end can do nothing more by itself.  False: it failed. */
static bool run(struct end *end, bool *moved) {
  for (;;) {
    unsigned wants = hf_wants(end->conn);
    if (wants & (HF_WANT_OUTPUT | HF_WANT_ANSWER | HF_FAILED)) show_wants(end);
    if ((wants & HF_WANT_ANSWER) && !(wants & HF_FAILED)) {
      /* Output could go first, even in the middle of a flight; to print flights whole it waits. */
      if (!answer(end)) return false;
    } else if (wants & HF_WANT_OUTPUT) {
      if (!flush(end)) return false;
      show_flight(end);
    } else if (wants & HF_FAILED) {
      hf_fault fault;
      hf_get_fault(&fault, end->conn);
      show_flight(end);
      show(end, "FAILED", "%s (alert %d, in state \"%s\")", fault.text, fault.alert, fault.where);
      return false;
    } else if (!take(end)) {
      show_events(end);
      show_wants(end);
      return true;
    }
    *moved = true;
  }
}

/* ---- What they say to each other once the handshake is done ---- */

static bool say(struct end *end, const char *text) {
  uint8_t record[256];
  size_t len;
  if (hf_seal(end->conn, &len, record, sizeof record, (const uint8_t *)text, strlen(text)) != HF_OK)
    return false;
  show(end, "says", "\"%s\" (%zu bytes in a record of %zu)", text, strlen(text), len);
  show_flight(end); /* this record is told, and no part of the next flight */
  return BIO_write(end->bio, record, (int)len) == (int)len;
}

/* next begins the |step|th thing after the handshake.  0: there is none; -1: it failed. */
static int next(struct end *client, struct end *server, int step) {
  switch (step) {
    case 0:
      show_facts(client);
      show_facts(server);
      return say(client, "Is anybody there?") ? 1 : -1;
    case 1:
      return say(server, "Nobody but us two.") ? 1 : -1;
    case 2:
      show(client, "does", "hf_rekey: new keys for both directions");
      return hf_rekey(client->conn, true) == HF_OK ? 1 : -1;
    case 3:
      return say(client, "Under new keys: goodbye.") ? 1 : -1;
    case 4:
      show(client, "does", "hf_close");
      return hf_close(client->conn) == HF_OK ? 1 : -1;
    case 5:
      show(server, "does", "hf_close");
      return hf_close(server->conn) == HF_OK ? 1 : -1;
    default:
      return 0;
  }
}

static bool converse(struct end *client, struct end *server) {
  for (int step = 0;;) {
    bool moved = false;
    if (!run(client, &moved) || !run(server, &moved)) {
      (void)run(client, &moved); /* the other one may still read an alert */
      (void)run(server, &moved);
      return false;
    }
    if (moved) continue;
    if (!(hf_wants(client->conn) & hf_wants(server->conn) & HF_READY)) return false;
    int more = next(client, server, step++);
    if (more <= 0) return more == 0;
  }
}

int demo_run(const struct options *options) {
  struct end *client = OPENSSL_malloc(sizeof *client), *server = OPENSSL_malloc(sizeof *server);
  struct names names = {NULL, NULL};
  bool ok = client != NULL && server != NULL;
  if (ok) {
    *client = (struct end){.name = "client"};
    *server = (struct end){.name = "server"};
    ok = certificate_make(&names.root, &names.root_key, "The demo's own authority", NULL, NULL) &&
         start_client(client, &names, options) && start_server(server, &names, options) &&
         BIO_new_bio_pair(&client->bio, 0, &server->bio, 0);
    if (!ok) complain("the demo could not be set up");
    ok = ok && converse(client, server);
    free_end(client);
    free_end(server);
  }
  X509_free(names.root);
  EVP_PKEY_free(names.root_key);
  OPENSSL_free(client);
  OPENSSL_free(server);
  if (!ok) complain("the demo failed");
  return ok ? EXIT_OK : EXIT_FAILED;
}
