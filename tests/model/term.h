/* term.h: terms of the model, as numbers (for handshake.pml, whose verifier is in C).
 *
 * What cryptography makes of its inputs (a transcript, a key, a MAC, a signature, a message) is the
 * term of those inputs, and nothing else is known of it: equal inputs give the same number, others
 * another, without exception.  A number is given at the first use and kept for the whole search, so
 * it is a function of the inputs alone and no part of a state. */
#ifndef HANDFAST_TESTS_MODEL_TERM_H
#define HANDFAST_TESTS_MODEL_TERM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switches.h"

enum { TERM_PARTS = 4, TERM_SLOTS = 1 << 23 };

typedef struct term_parts {
  int part[TERM_PARTS];
} term_parts;

static term_parts *terms; /* terms[0] is no term */
static int *term_slots;   /* open addressing: numbers of terms, 0: free */
static int num_terms;

static void term_check(int good, const char *why) {
  if (!good) {
    fprintf(stderr, "model: %s\n", why);
    exit(2);
  }
}

static int term(int a, int b, int c, int d) {
  const term_parts wanted = {{a, b, c, d}};
  unsigned at = 2166136261u;
  if (terms == NULL) {
    terms = calloc(TERM_SLOTS / 2, sizeof(*terms));
    term_slots = calloc(TERM_SLOTS, sizeof(*term_slots));
    term_check(terms != NULL && term_slots != NULL, "no memory for terms");
  }
  for (int i = 0; i < TERM_PARTS; i++) {
    at = (at ^ (unsigned)wanted.part[i]) * 16777619u;
    at ^= at >> 15;
  }
  for (at %= TERM_SLOTS; term_slots[at] != 0; at = (at + 1) % TERM_SLOTS) {
    if (memcmp(&terms[term_slots[at]], &wanted, sizeof(wanted)) == 0) {
      return term_slots[at];
    }
  }
  term_check(num_terms + 1 < TERM_SLOTS / 2, "too many terms");
  term_slots[at] = ++num_terms;
  terms[num_terms] = wanted;
  return num_terms;
}

/* The |nth| message of |type| among |num| that were written; 0: there is none. */
static int term_find(const int *messages, int num, int type, int nth) {
  for (int i = 0; i < num; i++) {
    if (terms[terms[messages[i]].part[1]].part[0] == type && nth-- == 0) {
      return messages[i];
    }
  }
  return 0;
}

/* MODEL_FLIP: the numbers of the switches that are not as they are made. */
__attribute__((constructor)) static void flip_switches(void) {
  const char *at = getenv("MODEL_FLIP");
  char *end;
  for (; at != NULL && *at != 0; at = *end == ',' ? end + 1 : end) {
    const unsigned long number = strtoul(at, &end, 10);
    term_check(end != at && number < sizeof(on), "MODEL_FLIP");
    on[number] = !on[number];
  }
}

static const char *last_check = "none"; /* that failed: for people */

static void claim_failed(const char *name) {
  printf("\nclaim %s (last failed check: %s)\n", name, last_check);
}

#endif
