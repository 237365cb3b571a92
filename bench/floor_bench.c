/* floor_bench.c: the subject that is no TLS at all: the calls into libcrypto that a handshake
 * cannot do without, in their order, over messages of the usual lengths that nobody writes or
 * reads.
 *
 * Of each side: drawing its random bytes, key exchange, hashing each message once, the key schedule
 * (RFC 9846 7.1; RFC 5246 8.1 and 6.3), a cipher for each direction and level, protecting its
 * records; the server's signature; the client's parsing and verifying of the chain, with the name,
 * and its verifying of the signature.  With tickets: opening one and making two in TLS 1.3, opening
 * one in TLS 1.2. */
#include "bench/floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

static const bench_case *now;
static struct floor_shared shared;

/* Bytes of the messages, with the certificate's: as our engine writes them. */
enum {
  CLIENT_HELLO = 190,
  SERVER_HELLO = 122,
  ENCRYPTED_EXTENSIONS = 10,
  CERTIFICATE = 13,
  CERTIFICATE_VERIFY = 80,
  KEY_EXCHANGE = 116,
  CLIENT_KEY_EXCHANGE = 37,
  FINISHED = 36,
  FINISHED12 = 16,
  TICKET = 200,
  TICKET_STATE = 120
};

static const uint8_t zeros[2048];

bool subject_begin(const bench_case *which) {
  if (which->hybrid && !floor_has_kem()) return false;
  now = which;
  floor_suite(which->chacha20);
  uint8_t *der = NULL;
  FILE *file = fopen(in_certs(which->certificate, "pem"), "r");
  X509 *leaf = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
  must(leaf != NULL, "the certificate");
  fclose(file);
  const int der_len = i2d_X509(leaf, &der);
  must(der_len > 0, "its encoding");
  X509_free(leaf);
  file = fopen(in_certs(which->certificate, "key"), "r");
  shared.key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
  must(shared.key != NULL, "the private key");
  fclose(file);
  shared.leaf = der;
  shared.leaf_len = (size_t)der_len;
  shared.store = X509_STORE_new();
  must(shared.store != NULL && X509_STORE_load_locations(shared.store, BENCH_ROOT, NULL) == 1,
       "the root");
  ERR_clear_error();
  RAND_bytes(shared.ticket_key, sizeof(shared.ticket_key));
  floor_seal_ticket(&shared, shared.ticket, TICKET_STATE);
  return true;
}

void subject_end(void) {
  OPENSSL_free(shared.leaf);
  EVP_PKEY_free(shared.key);
  X509_STORE_free(shared.store);
}

bench_pair *pair_new(void) {
  bench_pair *pair = calloc(1, sizeof(*pair));
  must(pair != NULL, "calloc");
  SHA256_Init(&pair->ends[CLIENT].transcript);
  SHA256_Init(&pair->ends[SERVER].transcript);
  return pair;
}

static void hear(struct floor_end *end, size_t len) { SHA256_Update(&end->transcript, zeros, len); }

static void digest(uint8_t out[32], const struct floor_end *end) {
  SHA256_CTX copy = end->transcript;
  SHA256_Final(out, &copy);
}

/* ---- TLS 1.3 ---- */

/* draw: this side's random bytes and its share. */
static void draw(struct floor_end *end, size_t more) {
  uint8_t bytes[96];
  RAND_bytes(bytes, 32 + more);
  floor_generate(end, now->hybrid, bytes + more);
}

static void binder(struct floor_end *end) {
  uint8_t hash[32], key[32], finished[32];
  unsigned len;
  floor_extract(end->secret, zeros, 32, zeros, 32); /* the PSK */
  floor_expand(key, 32, end->secret, 32);
  floor_expand(finished, 32, key, 0);
  digest(hash, end);
  must(HMAC(EVP_sha256(), finished, 32, hash, 32, hash, &len) != NULL, "HMAC");
}

/* handshake13: from the shared secret to the keys of the handshake. */
static void handshake13(struct floor_end *end, side who) {
  uint8_t derived[32], hash[32];
  if (!now->resumed) floor_extract(end->secret, zeros, 0, zeros, 32);
  floor_expand(derived, 32, end->secret, 32);
  floor_extract(end->secret, derived, 32, end->agreed, end->agreed_len);
  digest(hash, end);
  for (int of = CLIENT; of <= SERVER; of++) floor_expand(end->traffic[of], 32, end->secret, 32);
  floor_keys(end, who, false);
}

static void application13(struct floor_end *end, side who) {
  uint8_t derived[32], hash[32];
  floor_expand(derived, 32, end->secret, 32);
  floor_extract(end->secret, derived, 32, zeros, 32);
  digest(hash, end);
  for (int of = CLIENT; of <= SERVER; of++) floor_expand(end->traffic[of], 32, end->secret, 32);
  floor_expand(end->exporter, 32, end->secret, 32);
  floor_keys(end, who, false);
}

static void finished13(struct floor_end *end, side of) {
  uint8_t hash[32], key[32];
  unsigned len;
  floor_expand(key, 32, end->traffic[of], 0);
  digest(hash, end);
  must(HMAC(EVP_sha256(), key, 32, hash, 32, hash, &len) != NULL, "HMAC");
  hear(end, FINISHED);
}

static size_t flight13(void) {
  size_t len = ENCRYPTED_EXTENSIONS + FINISHED;
  return now->resumed ? len : len + CERTIFICATE + shared.leaf_len + CERTIFICATE_VERIFY;
}

/* certificate13: the server's flight as far as its CertificateVerify. */
static void certificate13(struct floor_end *end) {
  hear(end, ENCRYPTED_EXTENSIONS);
  if (now->resumed) return;
  hear(end, CERTIFICATE + shared.leaf_len);
  digest(shared.signed_hash, end);
}

static void first_client(struct floor_end *end) {
  draw(end, 64);
  if (now->resumed) binder(end);
  hear(end, CLIENT_HELLO);
}

static void flight_server13(bench_pair *pair) {
  struct floor_end *end = &pair->ends[SERVER];
  hear(end, CLIENT_HELLO);
  if (now->resumed) {
    floor_open_ticket(&shared, shared.ticket, TICKET_STATE);
    binder(end);
  }
  draw(end, 32);
  floor_agree(end, &pair->ends[CLIENT], SERVER, now->hybrid);
  hear(end, SERVER_HELLO);
  handshake13(end, SERVER);
  certificate13(end);
  if (!now->resumed) {
    floor_sign(&shared);
    hear(end, CERTIFICATE_VERIFY);
  }
  /* One record for all of it. */
  floor_seal(end, pair->wire, zeros, flight13());
  finished13(end, SERVER);
  pair->flight_len = flight13();
}

static void flight_client13(bench_pair *pair) {
  struct floor_end *end = &pair->ends[CLIENT];
  floor_agree(end, &pair->ends[SERVER], CLIENT, now->hybrid);
  hear(end, SERVER_HELLO);
  handshake13(end, CLIENT);
  floor_open(end, pair->wire, pair->flight_len);
  certificate13(end);
  if (!now->resumed) {
    floor_verify(&shared);
    hear(end, CERTIFICATE_VERIFY);
  }
  finished13(end, SERVER);
  floor_seal(end, pair->wire, zeros, FINISHED);
  finished13(end, CLIENT);
  application13(end, CLIENT);
}

static void last_server13(bench_pair *pair) {
  struct floor_end *end = &pair->ends[SERVER];
  floor_open(end, pair->wire, FINISHED);
  finished13(end, CLIENT);
  application13(end, SERVER);
}

/* tickets13: two of them, made or read. */
static void tickets13(bench_pair *pair, side who) {
  struct floor_end *end = &pair->ends[who];
  uint8_t hash[32], resumption[32], psk[32], ticket[FLOOR_TICKET];
  digest(hash, end);
  floor_expand(resumption, 32, end->secret, 32);
  for (int i = 0; i < 2; i++) {
    floor_expand(psk, 32, resumption, 8);
    if (who == SERVER) floor_seal_ticket(&shared, ticket, TICKET_STATE);
  }
  if (who == SERVER) {
    floor_seal(end, pair->tickets, zeros, 2 * TICKET);
  } else {
    floor_open(end, pair->tickets, 2 * TICKET);
  }
}

/* ---- TLS 1.2 ---- */

static void keys12(struct floor_end *end, side who) {
  uint8_t hash[32], block[64];
  if (!now->resumed) {
    digest(hash, end);
    floor_prf(end->secret, 48, end->agreed, 32, 32);
  }
  floor_prf(block, 40, end->secret, 48, 64);
  memcpy(end->traffic[CLIENT], block, 32);
  memcpy(end->traffic[SERVER], block, 32);
  floor_keys(end, who, true);
}

static void finished12(struct floor_end *end) {
  uint8_t hash[32], out[12];
  digest(hash, end);
  floor_prf(out, sizeof(out), end->secret, 48, 32);
  hear(end, FINISHED12);
}

static void hellos12(struct floor_end *end) {
  hear(end, CLIENT_HELLO);
  hear(end, SERVER_HELLO);
  if (now->resumed) return;
  hear(end, CERTIFICATE + shared.leaf_len);
  hear(end, KEY_EXCHANGE);
  hear(end, 4);
}

/* The first flight of a server, which resumes or does not. */
static void flight_server12(bench_pair *pair) {
  struct floor_end *end = &pair->ends[SERVER];
  if (now->resumed) {
    uint8_t random[32];
    RAND_bytes(random, sizeof(random));
    floor_open_ticket(&shared, shared.ticket, TICKET_STATE);
    hellos12(end);
    keys12(end, SERVER);
    finished12(end);
    floor_seal(end, pair->wire, zeros, FINISHED12);
    return;
  }
  draw(end, 32);
  memset(shared.signed_hash, 0, sizeof(shared.signed_hash));
  floor_sign(&shared);
  hellos12(end);
}

static void flight_client12(bench_pair *pair) {
  struct floor_end *end = &pair->ends[CLIENT];
  hear(end, SERVER_HELLO);
  if (now->resumed) {
    keys12(end, CLIENT);
    floor_open(end, pair->wire, FINISHED12);
    finished12(end);
  } else {
    hear(end, CERTIFICATE + shared.leaf_len);
    hear(end, KEY_EXCHANGE);
    hear(end, 4);
    floor_verify(&shared);
    RAND_bytes(end->private_key, 32);
    floor_generate(end, false, end->private_key);
    floor_agree(end, &pair->ends[SERVER], CLIENT, false);
    hear(end, CLIENT_KEY_EXCHANGE);
    keys12(end, CLIENT);
  }
  finished12(end);
  floor_seal(end, pair->wire, zeros, FINISHED12);
}

static void last_server12(bench_pair *pair) {
  struct floor_end *end = &pair->ends[SERVER];
  if (!now->resumed) {
    floor_agree(end, &pair->ends[CLIENT], SERVER, false);
    hear(end, CLIENT_KEY_EXCHANGE);
    keys12(end, SERVER);
  }
  floor_open(end, pair->wire, FINISHED12);
  finished12(end);
  if (now->resumed) return;
  finished12(end);
  floor_seal(end, pair->wire, zeros, FINISHED12);
}

static void last_client12(bench_pair *pair) {
  struct floor_end *end = &pair->ends[CLIENT];
  floor_open(end, pair->wire, FINISHED12);
  finished12(end);
}

/* ---- The subject ---- */

void pair_step(bench_pair *pair, side who) {
  const bool old = now->version == TLS12;
  switch (pair->steps++) {
    case 0:
      if (old) {
        uint8_t random[64];
        RAND_bytes(random, sizeof(random));
        hear(&pair->ends[CLIENT], CLIENT_HELLO);
      } else {
        first_client(&pair->ends[CLIENT]);
      }
      break;
    case 1:
      (old ? flight_server12 : flight_server13)(pair);
      break;
    case 2:
      (old ? flight_client12 : flight_client13)(pair);
      pair->done[CLIENT] = !old || now->resumed;
      break;
    case 3:
      (old ? last_server12 : last_server13)(pair);
      pair->done[SERVER] = true;
      break;
    case 4:
      last_client12(pair);
      pair->done[CLIENT] = true;
      break;
    default:
      must(false, "a step");
  }
  (void)who;
}

bool pair_done(const bench_pair *pair, side who) { return pair->done[who]; }

size_t pair_sent(const bench_pair *pair, side who) {
  (void)pair;
  (void)who;
  return 0;
}

void pair_send(bench_pair *pair, side who, const uint8_t *data, size_t len) {
  if (now->resumed && now->version == TLS13) tickets13(pair, who);
  floor_seal(&pair->ends[who], pair->wire, data, len);
}

void pair_receive(bench_pair *pair, side who, uint8_t *out, size_t len) {
  (void)out;
  if (now->resumed && now->version == TLS13) tickets13(pair, who);
  floor_open(&pair->ends[who], pair->wire, len);
}

void pair_close(bench_pair *pair, side who) {
  EVP_AEAD_CTX_cleanup(&pair->ends[who].in);
  EVP_AEAD_CTX_cleanup(&pair->ends[who].out);
  floor_forget(&pair->ends[who]);
}

void pair_free(bench_pair *pair) { free(pair); }
