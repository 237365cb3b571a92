/* options.c: the command line.
 *
 * One table says which options there are, for which commands, and what they mean; parsing and help
 * both read it. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tools.h"

enum kind { KIND_FLAG, KIND_TEXT, KIND_NUMBER };

struct option {
  const char *name;
  const char *value; /* what its value is called; NULL: a flag */
  enum kind kind;
  size_t offset;
  int commands;
  const char *help;
};

enum { C = COMMAND_CLIENT, S = COMMAND_SERVER, D = COMMAND_DEMO };
#define AT(field) offsetof(struct options, field)

static const struct option table[] = {
    {"ca", "FILE", KIND_TEXT, AT(ca), C | S, "trust the PEM certificates in FILE"},
    {"ca-dir", "DIR", KIND_TEXT, AT(ca_dir), C | S, "and those in DIR, filed by hash"},
    {"cert", "FILE", KIND_TEXT, AT(cert), C | S, "show the PEM chain in FILE, the leaf first"},
    {"key", "FILE", KIND_TEXT, AT(key), C | S, "its private key (default: in the same file)"},
    {"name", "NAME", KIND_TEXT, AT(name), C,
     "the server's name, to send and to demand (default: HOST)"},
    {"insecure", NULL, KIND_FLAG, AT(insecure), C, "go on even if the server is not trusted"},
    {"verify", NULL, KIND_FLAG, AT(verify), S, "ask for a client certificate; refuse a bad one"},
    {"require", NULL, KIND_FLAG, AT(require), S, "likewise, and refuse none at all"},
    {"version", "VERSION", KIND_TEXT, AT(version), C | S, "speak that alone: 1.3 or 1.2"},
    {"suites", "LIST", KIND_TEXT, AT(suites), C | S,
     "cipher suites, best first: TLS_AES_128_GCM_SHA256:... (with --version 1.2 of that)"},
    {"groups", "LIST", KIND_TEXT, AT(groups), C | S, "key exchange groups: X25519:P-256:P-384"},
    {"alpn", "LIST", KIND_TEXT, AT(alpn), C | S, "application protocols, best first: h2,http/1.1"},
    {"keylog", "FILE", KIND_TEXT, AT(keylog), C | S,
     "append the secrets to FILE, as Wireshark reads them"},
    {"www", NULL, KIND_FLAG, AT(www), S, "answer each GET with what was negotiated"},
    {"parallel", NULL, KIND_FLAG, AT(parallel), S, "with --www: many connections at once"},
    {"count", "N", KIND_NUMBER, AT(count), S, "end after N connections (default: never)"},
    {"timeout", "SECONDS", KIND_NUMBER, AT(timeout), C | S,
     "for the handshake, or a --www connection (default: 30)"},
    {"ignore-end", NULL, KIND_FLAG, AT(ignore_end), C,
     "at the end of stdin wait for the server to close"},
    {"quiet", NULL, KIND_FLAG, AT(quiet), C | S, "do not tell what was negotiated"},
    {"retry", NULL, KIND_FLAG, AT(retry), D, "with a HelloRetryRequest"},
    {"client-cert", NULL, KIND_FLAG, AT(client_cert), D, "the client shows a certificate, too"},
};
enum { NUM_OPTIONS = sizeof table / sizeof *table };

void options_usage(FILE *to, enum command command) {
  static const char *const heads[] = {
      [COMMAND_CLIENT] =
          "client [OPTION...] HOST:PORT\n\nConnects and goes through the handshake; "
          "then stdin goes to the server, and stdout is what\nit sends.",
      [COMMAND_SERVER] =
          "server [OPTION...] PORT|HOST:PORT\n\nServes one connection after another "
          "(PORT 0: any that is free): what a client sends goes to\nstdout, and "
          "stdin to it.  Without --cert it shows a certificate for localhost that "
          "it makes itself.",
      [COMMAND_DEMO] =
          "demo [OPTION...]\n\nA client and a server in one process, over a BIO pair, "
          "by the engine alone: what each wants,\neach question with its answer, and "
          "each flight with its messages and their sizes."};
  fprintf(to, "usage: handfast %s\n\n", heads[command]);
  for (size_t i = 0; i < NUM_OPTIONS; i++) {
    char left[40];
    if (!(table[i].commands & (int)command)) continue;
    snprintf(left, sizeof left, "--%s%s%s", table[i].name, table[i].value != NULL ? " " : "",
             table[i].value != NULL ? table[i].value : "");
    fprintf(to, "  %-20s %s\n", left, table[i].help);
  }
}

/* find gives the option that |word| names, which may go on with =VALUE. */
static const struct option *find(enum command command, const char *word) {
  size_t len = strcspn(word, "=");
  for (size_t i = 0; i < NUM_OPTIONS; i++) {
    if (strlen(table[i].name) == len && strncmp(table[i].name, word, len) == 0 &&
        (table[i].commands & (int)command))
      return &table[i];
  }
  return NULL;
}

static bool set_number(long *out, const char *name, const char *value) {
  char *end = NULL;
  errno = 0;
  *out = strtol(value, &end, 10);
  if (errno == 0 && end != value && *end == 0 && *out > 0 && *out <= 1000000) return true;
  complain("--%s wants a number from 1 to 1000000, not '%s'", name, value);
  return false;
}

/* set notes that |option| was given; |value| is empty for a flag. */
static bool set(struct options *out, const struct option *option, const char *value) {
  char *at = (char *)out + option->offset;
  switch (option->kind) {
    case KIND_FLAG:
      *(bool *)(void *)at = true;
      return true;
    case KIND_TEXT:
      *(const char **)(void *)at = value;
      return true;
    case KIND_NUMBER:
      return set_number((long *)(void *)at, option->name, value);
  }
  return false;
}

/* take reads the option at |argv[*i]|, and its value, which may be the next word. */
static bool take(struct options *out, int argc, char **argv, int *i) {
  const char *word = argv[*i] + 2, *value = strchr(word, '=');
  const struct option *option = find(out->command, word);
  if (option == NULL) {
    complain("there is no option '%s'", argv[*i]);
    return false;
  }
  if (option->value == NULL) {
    if (value == NULL) return set(out, option, "");
    complain("--%s takes no value", option->name);
    return false;
  }
  if (value != NULL) return set(out, option, value + 1);
  if (*i + 1 == argc) {
    complain("--%s wants a value: %s", option->name, option->value);
    return false;
  }
  return set(out, option, argv[++*i]);
}

/* sane looks at what cannot be together. */
static bool sane(const struct options *options) {
  char host[256], port[32];
  bool demo = options->command == COMMAND_DEMO;
  const char *wrong = NULL;
  if (!demo && options->address == NULL) {
    wrong = options->command == COMMAND_CLIENT ? "connect to where?  HOST:PORT is missing"
                                               : "listen where?  PORT is missing";
  } else if (!demo && (!net_split(host, port, options->address) ||
                       (options->command == COMMAND_CLIENT && host[0] == 0))) {
    wrong = options->command == COMMAND_CLIENT ? "the address must be HOST:PORT"
                                               : "the address must be PORT or HOST:PORT";
  } else if (options->key != NULL && options->cert == NULL) {
    wrong = "--key is of no use without --cert";
  } else if (options->parallel && !options->www) {
    wrong = "--parallel is of no use without --www";
  } else if (options->insecure && (options->ca != NULL || options->ca_dir != NULL)) {
    wrong = "--insecure and --ca contradict each other";
  } else if ((options->verify || options->require) && options->ca == NULL &&
             options->ca_dir == NULL) {
    wrong = "--verify and --require want --ca or --ca-dir: whom to trust";
  } else if (options->version != NULL && strcmp(options->version, "1.3") != 0 &&
             strcmp(options->version, "1.2") != 0) {
    wrong = "--version can only be 1.3 or 1.2";
  }
  if (wrong != NULL) complain("%s", wrong);
  return wrong == NULL;
}

bool options_parse(struct options *out, enum command command, int argc, char **argv) {
  bool only_words = false, ok = true;
  *out = (struct options){.command = command, .timeout = 30};
  for (int i = 0; i < argc && ok; i++) {
    if (!only_words && strcmp(argv[i], "--") == 0) {
      only_words = true;
    } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
      ok = take(out, argc, argv, &i);
    } else if (!only_words && argv[i][0] == '-') {
      complain("there is no option '%s'", argv[i]);
      ok = false;
    } else if (out->address != NULL || command == COMMAND_DEMO) {
      complain("what is '%s' for?", argv[i]);
      ok = false;
    } else {
      out->address = argv[i];
    }
  }
  if (ok && sane(out)) return true;
  fprintf(stderr, "Try: handfast %s --help\n",
          command == COMMAND_CLIENT   ? "client"
          : command == COMMAND_SERVER ? "server"
                                      : "demo");
  return false;
}
