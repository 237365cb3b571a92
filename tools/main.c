/* main.c: `handfast`: which command. */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <string.h>

#include "tools/tools.h"

static const struct {
  const char *name;
  enum command command;
  int (*run)(const struct options *options);
} commands[] = {{"client", COMMAND_CLIENT, client_run},
                {"server", COMMAND_SERVER, server_run},
                {"demo", COMMAND_DEMO, demo_run}};

static void usage(FILE *to) {
  fputs(
      "usage: handfast client [OPTION...] HOST:PORT   connect; stdin goes there, stdout is what "
      "comes\n"
      "       handfast server [OPTION...] PORT        serve, likewise, or HTTP with --www\n"
      "       handfast demo [OPTION...]               watch a handshake from inside\n"
      "       handfast COMMAND --help                 the options\n"
      "Exit status: 0 if all went well, 1 if a connection failed or was cut off, 2 if the command "
      "line\n"
      "is wrong or a file that it names.\n",
      to);
}

static bool asks_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int main(int argc, char **argv) {
  /* Writing to a connection that is gone is an error of that connection. */
  signal(SIGPIPE, SIG_IGN);
  if (argc >= 2 && asks_help(argv[1])) {
    usage(stdout);
    return EXIT_OK;
  }
  for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++) {
    struct options options;
    if (strcmp(argv[1], commands[i].name) != 0) continue;
    if (argc == 3 && asks_help(argv[2])) {
      options_usage(stdout, commands[i].command);
      return EXIT_OK;
    }
    if (!options_parse(&options, commands[i].command, argc - 2, argv + 2)) return EXIT_USAGE;
    return commands[i].run(&options);
  }
  if (argc >= 2) complain("there is no command '%s'", argv[1]);
  usage(stderr);
  return EXIT_USAGE;
}
