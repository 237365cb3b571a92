/* sequence_oracle.c - see sequence_oracle.h.  The states are those of RFC 9846 appendix A, both
 * diagrams side by side; walk() follows every arrow. */
#include "sequence_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sequences_add(sequences *set, const char *line) {
  for (size_t i = 0; i < set->num; i++)
    if (strcmp(set->line[i], line) == 0) return;
  if (set->num == set->room) {
    set->room = set->room ? 2 * set->room : 64;
    set->line = realloc(set->line, set->room * sizeof *set->line);
    if (!set->line) abort();
  }
  set->line[set->num] = malloc(strlen(line) + 1);
  if (!set->line[set->num]) abort();
  strcpy(set->line[set->num++], line);
}

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void sequences_sort(sequences *set) {
  if (set->num) qsort(set->line, set->num, sizeof *set->line, compare);
}

void sequences_free(sequences *set) {
  for (size_t i = 0; i < set->num; i++) free(set->line[i]);
  free(set->line);
  *set = (sequences){0};
}

bool sequences_read(sequences *out, const char *path) {
  FILE *f = fopen(path, "r");
  if (!f) return false;
  char line[1000];
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    if (line[0] && line[0] != '#') sequences_add(out, line);
  }
  fclose(f);
  return true;
}

typedef enum {
  START,        /* client: the next message is its first ClientHello */
  WAIT_SH,      /* A.1 WAIT_SH; A.2 RECVD_CH */
  START_AGAIN,  /* the arrow back to START after a HelloRetryRequest */
  WAIT_EE,      /* A.1 */
  WAIT_CERT_CR, /* A.1 */
  WAIT_CERT,    /* A.1 */
  WAIT_CV,      /* A.1 */
  WAIT_SERVER_FINISHED,
  WAIT_EOED,        /* A.2 */
  WAIT_CLIENT_CERT, /* A.2 WAIT_CERT */
  WAIT_CLIENT_CV,   /* A.2 WAIT_CV */
  WAIT_CLIENT_FINISHED,
  CONNECTED
} state;

/* What has been said so far. */
typedef struct said {
  state at;
  bool quic, psk, early, compress;       /* offered by the client */
  bool retried, resumed, early_accepted; /* decided by the server */
  bool requested, client_compress;       /* asked by the server */
  char line[600];
} said;

static void walk(const said *now, sequences *out);

/* Follows one arrow: |word| is said, |next| is where it leads. */
static void say(said next, state at, const char *word, sequences *out) {
  next.at = at;
  strcat(strcat(next.line, " "), word);
  walk(&next, out);
}

static void client_hello(const said *now, state at, sequences *out) {
  char word[80];
  snprintf(word, sizeof word, "C:ClientHello%s%s%s", now->psk ? "+psk" : "",
           now->early ? "+early_data" : "", now->compress ? "+compress_certificate" : "");
  say(*now, at, word, out);
}

/* early_data comes only with pre_shared_key (4.3.10); the rest is free. */
static void first_hello(const said *now, sequences *out) {
  for (int choice = 0; choice < 8; choice++) {
    said next = *now;
    next.psk = choice & 1;
    next.early = choice & 2;
    next.compress = choice & 4;
    if (next.psk || !next.early) client_hello(&next, WAIT_SH, out);
  }
}

/* 4.2.2: no early_data any more; PSKs of another hash may go; the rest stays. */
static void second_hello(const said *now, sequences *out) {
  said next = *now;
  next.early = false;
  client_hello(&next, WAIT_SH, out);
  if (!next.psk) return;
  next.psk = false;
  client_hello(&next, WAIT_SH, out);
}

static void server_hello(const said *now, sequences *out) {
  said next = *now;
  if (!now->retried) { /* 4.2.4: a second HelloRetryRequest is an error */
    next.retried = true;
    say(next, START_AGAIN, "S:HelloRetryRequest", out);
    next.retried = false;
  }
  say(next, WAIT_EE, "S:ServerHello", out);
  if (!now->psk) return;
  next.resumed = true;
  say(next, WAIT_EE, "S:ServerHello+psk", out);
}

/* 4.3.10: early data needs the PSK, and is not permitted after a retry. */
static void encrypted_extensions(const said *now, sequences *out) {
  said next = *now;
  state at = now->resumed ? WAIT_SERVER_FINISHED : WAIT_CERT_CR;
  say(next, at, "S:{EncryptedExtensions}", out);
  if (!now->early || !now->resumed || now->retried) return;
  next.early_accepted = true;
  say(next, at, "S:{EncryptedExtensions+early_data}", out);
}

static void server_certificate(const said *now, sequences *out) {
  say(*now, WAIT_CV, "S:{Certificate}", out);
  if (now->compress) say(*now, WAIT_CV, "S:{CompressedCertificate}", out); /* RFC 8879 4 */
}

static void certificate_request(const said *now, sequences *out) {
  said next = *now;
  server_certificate(now, out);
  next.requested = true;
  say(next, WAIT_CERT, "S:{CertificateRequest}", out);
  next.client_compress = true;
  say(next, WAIT_CERT, "S:{CertificateRequest+compress_certificate}", out);
}

static state after_early(const said *now) {
  return now->requested ? WAIT_CLIENT_CERT : WAIT_CLIENT_FINISHED;
}

/* 4.5.2: CertificateVerify follows a Certificate that is not empty, and only then. */
static void client_certificate(const said *now, sequences *out) {
  say(*now, WAIT_CLIENT_CV, "C:{Certificate}", out);
  say(*now, WAIT_CLIENT_FINISHED, "C:{Certificate+empty}", out);
  if (!now->client_compress) return;
  say(*now, WAIT_CLIENT_CV, "C:{CompressedCertificate}", out);
  say(*now, WAIT_CLIENT_FINISHED, "C:{CompressedCertificate+empty}", out);
}

static void walk(const said *now, sequences *out) {
  switch (now->at) {
    case START:
      first_hello(now, out);
      break;
    case WAIT_SH:
      server_hello(now, out);
      break;
    case START_AGAIN:
      second_hello(now, out);
      break;
    case WAIT_EE:
      encrypted_extensions(now, out);
      break;
    case WAIT_CERT_CR:
      certificate_request(now, out);
      break;
    case WAIT_CERT:
      server_certificate(now, out);
      break;
    case WAIT_CV:
      say(*now, WAIT_SERVER_FINISHED, "S:{CertificateVerify}", out);
      break;
    case WAIT_SERVER_FINISHED: /* RFC 9001 8.3: QUIC has no EndOfEarlyData */
      say(*now, now->early_accepted && !now->quic ? WAIT_EOED : after_early(now), "S:{Finished}",
          out);
      break;
    case WAIT_EOED:
      say(*now, after_early(now), "C:(EndOfEarlyData)", out);
      break;
    case WAIT_CLIENT_CERT:
      client_certificate(now, out);
      break;
    case WAIT_CLIENT_CV:
      say(*now, WAIT_CLIENT_FINISHED, "C:{CertificateVerify}", out);
      break;
    case WAIT_CLIENT_FINISHED:
      say(*now, CONNECTED, "C:{Finished}", out);
      break;
    case CONNECTED:
      sequences_add(out, now->line);
      break;
  }
}

void sequences_from_rfc(sequences *out) {
  walk(&(said){.at = START, .line = "tls"}, out);
  walk(&(said){.at = START, .quic = true, .line = "quic"}, out);
}
