/* tools.h: what the files of the command `handfast` share.
 *
 * Exit statuses: EXIT_OK; EXIT_FAILED: a connection did not come to its proper end; EXIT_USAGE: the
 * command line is wrong, or a file that it names.  Errors go to stderr, one line each; stdout has
 * nothing but what was asked for: the peer's data, or the demo. */
#ifndef HANDFAST_TOOLS_TOOLS_H
#define HANDFAST_TOOLS_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/ssl.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* ---- options.c ---- */

enum command { COMMAND_CLIENT = 1, COMMAND_SERVER = 2, COMMAND_DEMO = 4 };

struct options {
  enum command command;
  const char *address; /* HOST:PORT, or a server's PORT */
  const char *ca, *ca_dir, *cert, *key, *groups, *suites, *alpn, *name, *version, *keylog;
  bool insecure, ignore_end, verify, require, www, parallel, quiet, retry, client_cert;
  long count;   /* connections to serve; 0: without end */
  long timeout; /* seconds */
};

/* options_parse reads the words after the command's name.  False: it said what is wrong with them.
 */
bool options_parse(struct options *out, enum command command, int argc, char **argv);
/* options_usage prints how |command| is used. */
void options_usage(FILE *to, enum command command);

/* ---- complain.c ---- */

/* complain prints one line to stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* complain_queue is complain with the first entry of libcrypto's error queue, which it empties. */
void complain_queue(const char *what);
/* explain writes why the last call on |ssl|, which returned |ret|, failed, and empties the queue.
 */
void explain(char *out, size_t max, const SSL *ssl, int ret);

/* ---- report.c ---- */

/* report writes what |ssl| negotiated: lines of "name: value", with no byte in them that a terminal
 * would obey. */
void report(char *out, size_t max, const SSL *ssl);
/* signature_name names a SignatureScheme. */
const char *signature_name(uint16_t sigalg);

/* ---- context.c ---- */

/* context_new makes what the options ask for.  NULL: it said why not. */
SSL_CTX *context_new(const struct options *options);
void context_free(SSL_CTX *ctx);

/* ---- certificate.c ---- */

/* certificate_make makes a key and a certificate for |name|, good for a day; issued by |issuer|
 * with |issuer_key|, or, if these are NULL, by itself and then an authority too.  A |name| with an
 * @ is a client's.  False: libcrypto failed. */
bool certificate_make(X509 **out, EVP_PKEY **out_key, const char *name, X509 *issuer,
                      EVP_PKEY *issuer_key);

/* ---- net.c ---- */

/* net_split cuts HOST:PORT, or [HOST]:PORT, or PORT alone, with an empty host.  False: it is none.
 */
bool net_split(char host[256], char port[32], const char *address);
/* net_connect gives a connected, nonblocking socket, or -1 and says why. */
int net_connect(const char *host, const char *port, int timeout_ms);
/* net_listen gives a nonblocking listening socket, or -1 and says why; it says where it listens. */
int net_listen(const char *host, const char *port);
/* net_name writes the address of |fd|'s other end. */
void net_name(char out[64], int fd);
/* now_ms is a time that only goes forward. */
long long now_ms(void);

/* ---- relay.c ---- */

/* handshake brings SSL_do_handshake on a nonblocking socket to its end.  False: it said why not. */
bool handshake(SSL *ssl, int timeout_ms);

/* relay copies stdin to |ssl| and |ssl| to stdout until both are closed, or the peer closes.  The
 * end of stdin sends close_notify, unless |ignore_end|. */
enum relay_end {
  RELAY_CLOSED, /* the peer closed */
  RELAY_FAILED  /* it said what happened */
};
enum relay_end relay(SSL *ssl, bool ignore_end);
/* relay_input_ended says whether stdin is at its end. */
bool relay_input_ended(void);

/* ---- the commands ---- */

int client_run(const struct options *options);
int server_run(const struct options *options);
int demo_run(const struct options *options);
/* www_run serves HTTP on |listener|. */
int www_run(SSL_CTX *ctx, int listener, const struct options *options);

#endif
