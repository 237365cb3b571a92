/* reached.c: which rows of engine/script.def, and which codes of errors.def, the tests come to.
 *
 * The coverage build alone links this into every test, in front of the engine's handlers and of a
 * few of its functions (ld's --wrap; cmake/Tests.cmake takes the names from the lines that begin
 * with WRAP).  Each line of the two tables is a statement here, so that gcov counts it as a line of
 * that table, and tests/checks/coverage.py wants none at zero.
 *
 * A row counts when it did its work: a message was written or read, a question asked, a secret
 * derived, keys changed, a change_cipher_spec made, the end come to.  SCRIPT and
 * VERSION are on the way to other rows.  A code counts when a connection failed with it, or when it
 * was returned by a call that does not end one. */
#include "engine/engine.h"

#include <string.h>

#define PASTE(a, b) a##b
#define AT(line) PASTE(ROW_, line)

/* ---- Rows ---- */

enum {
#define SCRIPT(name) AT(__LINE__),
#define MSG(who, name, level, need, not_, learn, section) AT(__LINE__),
#define ASK(who, name, need, not_, section) AT(__LINE__),
#define KEY(who, level, need, not_, section) AT(__LINE__),
#define DERIVE(name, need, not_, section) AT(__LINE__),
#define CCS(who, need, not_, section) AT(__LINE__),
#define VERSION(section) AT(__LINE__),
#define OPEN() AT(__LINE__),
#include "engine/script.def"
#undef SCRIPT
#undef MSG
#undef ASK
#undef KEY
#undef DERIVE
#undef CCS
#undef VERSION
#undef OPEN
};

static const char *const works[] = {
#define SCRIPT(name) "",
#define MSG(who, name, level, need, not_, learn, section) "message " #name,
#define ASK(who, name, need, not_, section) "question " #name,
#define KEY(who, level, need, not_, section) "keys",
#define DERIVE(name, need, not_, section) "secret " #name,
#define CCS(who, need, not_, section) "seal",
#define VERSION(section) "",
#define OPEN() "end",
#include "engine/script.def"
#undef SCRIPT
#undef MSG
#undef ASK
#undef KEY
#undef DERIVE
#undef CCS
#undef VERSION
#undef OPEN
};

static volatile unsigned count;
static _Thread_local const hf_conn *last; /* whose handler was called last */

#define COUNT(what) \
  case what:        \
    count++;        \
    break;

/* did: |work| came to |status|, in the row in which |conn| stands, if it is that row's. */
static void did(const hf_conn *conn, hf_status status, const char *work) {
  last = conn;
  if (status != HF_OK || strcmp(works[conn->row], work) != 0) {
    return;
  }
  switch (conn->row) {
#define SCRIPT(name)
#define MSG(who, name, level, need, not_, learn, section) COUNT(AT(__LINE__))
#define ASK(who, name, need, not_, section) COUNT(AT(__LINE__))
#define KEY(who, level, need, not_, section) COUNT(AT(__LINE__))
#define DERIVE(name, need, not_, section) COUNT(AT(__LINE__))
#define CCS(who, need, not_, section) COUNT(AT(__LINE__))
#define VERSION(section)
#define OPEN() COUNT(AT(__LINE__))
#include "engine/script.def"
    default:
      break;
  }
}

/* What is sealed before a change of this side's keys, or before its change_cipher_spec. */
static void did_seal(const hf_conn *conn, hf_status status) {
  did(conn, status, "seal");
  did(conn, status, "keys");
}

/* A change of either side's keys; the row before it was the same connection's. */
static void did_set(const hf_keys *keys, hf_status status) {
  if (last != NULL && (keys == &last->read || keys == &last->write)) {
    did(last, status, "keys");
  }
}

/* WITH stands in front of |function|; |then| is what is done after it.  A test that stands there
 * itself goes first: the ordeal of secrets is put to scenarios that others count. */
#define SECOND __attribute__((weak))
#define WITH(type, function, parameters, arguments, then) \
  type __real_##function parameters;                      \
  SECOND type __wrap_##function parameters;               \
  type __wrap_##function parameters {                     \
    type status = __real_##function arguments;            \
    then;                                                 \
    return status;                                        \
  }
#define WRAP_MESSAGE(name)                                                       \
  WITH(hf_status, hf_send_##name, (hf_conn * conn, CBB * body), (conn, body),    \
       did(conn, status, "message " #name))                                      \
  WITH(hf_status, hf_receive_##name, (hf_conn * conn, CBS * body), (conn, body), \
       did(conn, status, "message " #name))
#define WRAP_ASK(name)                                     \
  WITH(hf_status, hf_ask_##name, (hf_conn * conn), (conn), \
       did(conn, hf_blocked(conn) ? status : HF_MISUSE, "question " #name))
#define WRAP_DERIVE(name) \
  WITH(hf_status, hf_derive_##name, (hf_conn * conn), (conn), did(conn, status, "secret " #name))

WRAP_MESSAGE(CLIENT_HELLO)
WRAP_MESSAGE(HELLO_RETRY_REQUEST)
WRAP_MESSAGE(SERVER_HELLO)
WRAP_MESSAGE(ENCRYPTED_EXTENSIONS)
WRAP_MESSAGE(CERTIFICATE_REQUEST)
WRAP_MESSAGE(COMPRESSED_CERTIFICATE)
WRAP_MESSAGE(CERTIFICATE)
WRAP_MESSAGE(CERTIFICATE_VERIFY)
WRAP_MESSAGE(FINISHED)
WRAP_MESSAGE(END_OF_EARLY_DATA)
WRAP_MESSAGE(CERTIFICATE_STATUS)
WRAP_MESSAGE(SERVER_KEY_EXCHANGE)
WRAP_MESSAGE(SERVER_HELLO_DONE)
WRAP_MESSAGE(CLIENT_KEY_EXCHANGE)
WRAP_MESSAGE(CHANGE_CIPHER_SPEC)
WRAP_MESSAGE(NEW_SESSION_TICKET)
WRAP_ASK(HELLO)
WRAP_ASK(COOKIE)
WRAP_ASK(SESSION)
WRAP_ASK(IDENTITY)
WRAP_ASK(ENCAP)
WRAP_ASK(SIGNATURE)
WRAP_ASK(VERDICT)
WRAP_ASK(COMPRESS)
WRAP_ASK(DECOMPRESS)
WRAP_ASK(TICKET)
WRAP_ASK(KEEP)
WRAP_DERIVE(EARLY)
WRAP_DERIVE(HANDSHAKE)
WRAP_DERIVE(APPLICATION)
WRAP_DERIVE(RESUMPTION)
WRAP_DERIVE(MAIN)

#define WRAP_FUNCTION(function, parameters, arguments, then) \
  WITH(hf_status, function, parameters, arguments, then)
WRAP_FUNCTION(hf_seal_flight, (hf_conn * conn), (conn), did_seal(conn, status))
WRAP_FUNCTION(hf_keys_set, (hf_keys * keys, const hf_suite *suite, hf_level level, uint8_t *secret),
              (keys, suite, level, secret), did_set(keys, status))
WRAP_FUNCTION(hf_post_begin, (hf_conn * conn), (conn), did(conn, status, "end"))

/* ---- Codes ---- */

static void came(hf_status status) {
  switch (status) {
#define HF_ERROR(name, alert, reason, text) COUNT(HF_##name)
#include <handfast/errors.def>
#undef HF_ERROR
    case HF_OK:
      break;
  }
}

WRAP_FUNCTION(hf_new, (hf_conn * *out, const hf_config *config, const hf_start *start),
              (out, config, start), came(status))
WRAP_FUNCTION(hf_seal,
              (hf_conn * conn, size_t *written, uint8_t *out, size_t out_max, const uint8_t *in,
               size_t len),
              (conn, written, out, out_max, in, len), came(status))
WRAP_FUNCTION(hf_load,
              (hf_conn * *out, const hf_config *const *configs, size_t num_configs,
               const hf_identity *const *identities, size_t num_identities, hf_bytes state),
              (out, configs, num_configs, identities, num_identities, state), came(status))

/* Why a connection failed is known when it ends. */
#define WRAP_END(function)                      \
  void __real_##function(hf_conn *conn);        \
  SECOND void __wrap_##function(hf_conn *conn); \
  void __wrap_##function(hf_conn *conn) {       \
    if (conn != NULL) {                         \
      came((hf_status)conn->fault);             \
    }                                           \
    __real_##function(conn);                    \
  }
WRAP_END(hf_free)
