/* internal.h: what the files of ssl/ share: the structs behind SSL and SSL_CTX, and who owns what.
 *
 * Settings are one counted object, ssl_settings.  An SSL_CTX has one; SSL_new shares it.  Whoever
 * changes a setting calls ssl_settings_edit first, which gives him one of his own if it is shared:
 * so what is set on an SSL_CTX later does not reach an SSL, an SSL that changes nothing costs
 * nothing, and threads only ever share settings that do not change.  The engine's view (hf_config,
 * hf_credential) is made from settings when first needed, kept with them, and dropped by changes
 * that concern it.
 *
 * ctx*.c, cert*.c, cipher*.c, verify*.c, names.c, ssl_lib.c: all of <openssl/ssl_settings.h>, and
 * of ssl.h what makes, frees and describes an SSL.  driver.c, io.c, error.c, bio*.c, callbacks.c:
 * handshake, data, shutdown, errors, transport, and the setters of callbacks and of quiet shutdown;
 * they own struct ssl_io. */
#ifndef HANDFAST_SSL_INTERNAL_H
#define HANDFAST_SSL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <openssl/ssl.h>

#include <handfast/answers.h>
#include <handfast/handfast.h>

#include "bio_pair/half.h"

/* SSL_ERR puts an SSL_R_ or ERR_R_ reason on the error queue. */
#define SSL_ERR(reason) ERR_put_error(ERR_LIB_SSL, 0, (reason), __FILE__, __LINE__)

/* ---- Settings ---- */

/* ssl_codes is an owned list of code points. */
typedef struct ssl_codes {
  uint16_t *list;
  size_t num;
} ssl_codes;

/* One certificate for each kind of key. */
enum { SSL_SLOT_RSA, SSL_SLOT_EC, SSL_SLOT_ED25519, SSL_SLOTS };

enum { SSL_SHA256 = 32 };

/* ssl_staples is an OCSP response and a list of signed certificate timestamps; NULL: none. */
typedef struct ssl_staples {
  CRYPTO_BUFFER *ocsp, *scts;
} ssl_staples;

/* ssl_slot is a certificate, its key, the chain after it and what is stapled to it; each may be
 * absent. */
typedef struct ssl_slot {
  X509 *leaf;
  EVP_PKEY *key;
  STACK_OF(X509) * chain;
  ssl_staples staples;
} ssl_slot;

/* ssl_credentials is the slots that are complete, in the order of SSL_SLOT_, the current one first;
 * then, if raw keys may be shown, their keys alone.  Immutable, counted. */
typedef struct ssl_credentials {
  atomic_uint references;
  bool unusable; /* a certificate with its key was left out: it can sign with nothing */
  size_t num;
  hf_credential *list[2 * SSL_SLOTS];
} ssl_credentials;

/* ssl_cert_types is a list of TLSEXT_cert_type_; empty: X.509 alone. */
enum { SSL_CERT_TYPES = 2 };
typedef struct ssl_cert_types {
  uint8_t list[SSL_CERT_TYPES];
  size_t num;
} ssl_cert_types;

/* ssl_delegated is a delegated credential for the certificate in |slot|, with its key, or with who
 * signs for it; all NULL: none. */
typedef struct ssl_delegated {
  CRYPTO_BUFFER *credential;
  EVP_PKEY *key;
  const SSL_PRIVATE_KEY_METHOD *method; /* lent */
  int slot;
} ssl_delegated;

/* Variants of the configuration that the engine is given. */
enum {
  SSL_CONFIG_SERVER = 1,      /* the role */
  SSL_CONFIG_SECRETS = 2,     /* HF_EXPORT_SECRETS: there is a keylog callback */
  SSL_CONFIG_TRACE = 4,       /* HF_TRACE: there is an info or msg callback */
  SSL_CONFIG_IGNORE_NAME = 8, /* HF_IGNORE_SERVER_NAME */
  SSL_CONFIG_REQUEST = 16,    /* HF_REQUEST_CLIENT_CERT */
  SSL_CONFIG_REQUIRE = 32,    /* HF_REQUIRE_CLIENT_CERT */
  SSL_CONFIG_FALSE_START = 8, /* a client's, in the place of those: HF_FALSE_START */
  SSL_CONFIG_FALLBACK = 16,   /* HF_SEND_FALLBACK_SCSV */
  SSL_CONFIG_REVERIFY = 32,   /* HF_VERIFY_RESUMED */
  SSL_CONFIG_QUIC = 64,       /* HF_QUIC; or */
  SSL_CONFIG_QUIC_LATE = 128, /* HF_QUIC without early data, for servers without a context for it */
  SSL_CONFIG_STATELESS = 192, /* HF_DEMAND_COOKIE: SSL_stateless, in the place of those two */
  SSL_CONFIG_STORE = 256,     /* HF_STORE_SESSIONS: sessions are kept somewhere */
  SSL_CONFIG_QUIC_LEGACY = 256, /* HF_QUIC_LEGACY_PARAMS: QUIC's, in the place of that */
  SSL_CONFIGS = 512
};

/* ssl_cert_alg is an algorithm for certificates; NULL: that direction is not done. */
typedef struct ssl_cert_alg {
  uint16_t id; /* RFC 8879 7.3 */
  ssl_cert_compression_func_t compress;
  ssl_cert_decompression_func_t decompress;
} ssl_cert_alg;
enum { SSL_MAX_CERT_ALGS = 8 };
typedef struct ssl_cert_algs {
  ssl_cert_alg list[SSL_MAX_CERT_ALGS];
  size_t num;
} ssl_cert_algs;

enum { SSL_DEFAULT_TICKETS = 2, SSL_MAX_TICKETS = 16, SSL_DEFAULT_EARLY_DATA = 14336 };

typedef struct ssl_settings {
  atomic_uint references;
  uint16_t version_min, version_max; /* 0: default */
  uint32_t options;
  ssl_codes suites;               /* of TLS 1.3 */
  ssl_codes suites12;             /* of TLS 1.2 and below */
  uint32_t equal12;               /* bit i: suites12[i] and the next one are equally good */
  STACK_OF(SSL_CIPHER) * ciphers; /* both, for SSL_get_ciphers */
  ssl_codes groups;               /* empty: default; so the next */
  ssl_codes key_shares;           /* of a client's first hello, if |key_shares_set|; else default */
  bool key_shares_set;
  ssl_codes verify_sigalgs;
  ssl_codes delegated_sigalgs; /* that the peer's delegated credentials may be for */
  ssl_cert_types server_types, client_types;
  uint8_t *alpn; /* a valid ProtocolNameList, or NULL */
  size_t alpn_len;
  STACK_OF(X509_NAME) * authorities; /* NULL: none */
  size_t max_cert_list;
  uint32_t ticket_lifetime; /* seconds, 1 to SSL_DEFAULT_SESSION_AUTH_TIMEOUT */
  size_t num_tickets;       /* at most SSL_MAX_TICKETS */
  uint32_t hello_flags;     /* of hf_settings.flags, for clients; HF_GREASE also for servers */
  uint16_t max_fragment;    /* of hf_settings.max_fragment_length, for clients; 0: none */
  uint16_t
      max_send_fragment; /* 512 to 16384: hf_settings.max_data; set later, writes are cut to it */
  ssl_cert_algs cert_algs;
  bool jdk11_workaround; /* of servers */
  bool early_client, early_server;
  uint32_t max_early_data; /* bytes that a server's tickets allow, with early_server; not 0 */
  /* What SSL_set_SSL_CTX replaces. */
  X509_STORE *verify_store;  /* NULL: the SSL_CTX's cert_store */
  ssl_codes signing_sigalgs; /* empty: default */
  ssl_slot slots[SSL_SLOTS];
  ssl_delegated delegated;
  int current_slot;             /* -1: none yet */
  STACK_OF(X509) * extra_chain; /* of slots that have no chain */
  ssl_staples staples;          /* of the first certificate that comes; empty once there is one */
  int (*cert_cb)(SSL *ssl, void *arg);
  void *cert_cb_arg;
  const SSL_PRIVATE_KEY_METHOD *key_method; /* lent; of the slots that have no key; NULL: none */
  uint8_t session_id_context[SSL_MAX_SID_CTX_LENGTH];
  size_t session_id_context_len;
  /* Made when first needed, by any thread; NULL: not yet. */
  _Atomic(hf_config *) configs[SSL_CONFIGS];
  _Atomic(ssl_credentials *) credentials;
} ssl_settings;

/* ssl_psk_callbacks is who has external pre-shared keys; NULL: nobody.  psk.c */
typedef struct ssl_psk_callbacks {
  SSL_psk_use_session_cb_func use_session;
  SSL_psk_find_session_cb_func find_session;
  SSL_psk_client_cb_func client;
  SSL_psk_server_cb_func server;
} ssl_psk_callbacks;

/* ssl_local is settings that are copied rather than shared, for they are small and often changed on
 * an SSL; or, as verification, must be changed without memory, lest a connection go unverified. */
typedef struct ssl_local {
  int verify_mode;
  int (*verify_callback)(int ok, X509_STORE_CTX *store_ctx);
  enum ssl_verify_result_t (*custom_verify)(SSL *ssl, uint8_t *out_alert); /* NULL: libcrypto's */
  bool ignore_rsa_key_usage; /* client: HF_ASK_VERDICT may say not_for_signing */
  bool retain_sha256;        /* server: of client certificates only their hash is kept */
  uint32_t mode;
  bool quiet_shutdown;
  bool read_ahead;
  void (*info_callback)(const SSL *ssl, int type, int value);
  void (*msg_callback)(int is_write, int version, int content_type, const void *buf, size_t len,
                       SSL *ssl, void *arg);
  void *msg_callback_arg;
  int (*allow_early)(SSL *ssl, void *arg); /* server; NULL: early data is allowed */
  void *allow_early_arg;
  ssl_psk_callbacks psk;
} ssl_local;

/* ssl_ex_data is the application's pointers, by index; those beyond |num| are NULL. */
typedef struct ssl_ex_data {
  void **items;
  size_t num;
} ssl_ex_data;

/* ssl_password is who knows the password of an encrypted PEM file, and what he is given; of an SSL
 * what is NULL is as in its SSL_CTX. */
typedef struct ssl_password {
  pem_password_cb *cb;
  void *data;
} ssl_password;

/* ssl_ticket_keys is the keys of a server's tickets: ticket_keys.c. */
enum { SSL_TICKET_KEYS_LEN = 48 };
typedef struct ssl_ticket_keys {
  atomic_flag lock; /* of the rest */
  bool is_set;      /* by SSL_CTX_set_tlsext_ticket_keys: they do not change by themselves */
  bool is_shared;   /* the application has them, and may give them to others */
  uint8_t pairs[2][SSL_TICKET_KEYS_LEN]; /* those in use, and those before */
  uint64_t next_change;                  /* seconds since 1970 */
} ssl_ticket_keys;

/* ssl_session_cache is the sessions that a server keeps, by their ids: session_cache.c. */
typedef struct ssl_session_cache {
  bool usable;          /* there is a lock */
  pthread_mutex_t lock; /* of the rest */
  struct ssl_cache_entry **buckets;
  size_t num_buckets, num; /* the first is a power of two, or 0 */
  struct ssl_cache_entry *newest, *oldest;
  uint64_t hash_key[2];
  unsigned since_flush;
} ssl_session_cache;

/* What is counted: session_stats.c. */
typedef enum ssl_stat {
  SSL_STAT_CONNECT,
  SSL_STAT_CONNECT_GOOD,
  SSL_STAT_ACCEPT,
  SSL_STAT_ACCEPT_GOOD,
  SSL_STAT_HITS,
  SSL_STAT_CB_HITS,
  SSL_STAT_MISSES,
  SSL_STAT_TIMEOUTS,
  SSL_STAT_FULL,
  SSL_STATS
} ssl_stat;
/* ssl_replay is the record of the tickets that early data was accepted with: replay.c. */
typedef struct ssl_replay {
  atomic_flag lock;                           /* of what |entries| holds, and of |latest| */
  _Atomic(struct ssl_replay_entry *) entries; /* NULL: none was needed yet */
  uint64_t latest;                            /* milliseconds since 1970; so |started| */
  uint64_t started;                           /* when there was nothing to remember */
} ssl_replay;

/* ssl_custom_ext is an extension of the application's own; ssl_custom_free frees |ctx|'s list.
 * custom_ext.c */
typedef struct ssl_custom_ext ssl_custom_ext;
void ssl_custom_free(SSL_CTX *ctx);

struct ssl_method_st {
  int8_t role;      /* SSL_ROLE_ */
  uint16_t version; /* 0: any */
};

enum { SSL_ROLE_NONE = -1, SSL_ROLE_CLIENT = 0, SSL_ROLE_SERVER = 1 };

struct ssl_ctx_st {
  atomic_uint references;
  const SSL_METHOD *method;
  ssl_settings *settings;
  ssl_local local;
  X509_STORE *cert_store;
  X509_VERIFY_PARAM *param; /* SSL_new copies it: who was lent it may change it at any time */
  ssl_ex_data ex_data;
  /* Read while connections run; not to be changed then. */
  int (*servername_callback)(SSL *ssl, int *out_alert, void *arg);
  void *servername_arg;
  int (*alpn_select_cb)(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                        unsigned in_len, void *arg);
  void *alpn_select_arg;
  int (*verify_whole)(X509_STORE_CTX *store_ctx, void *arg); /* SSL_CTX_set_cert_verify_callback */
  void *verify_whole_arg;
  enum ssl_select_cert_result_t (*select_certificate_cb)(const SSL_CLIENT_HELLO *hello);
  int (*dos_protection_cb)(const SSL_CLIENT_HELLO *hello);
  int (*client_cert_cb)(SSL *ssl, X509 **out_x509, EVP_PKEY **out_pkey);
  void (*keylog_callback)(const SSL *ssl, const char *line);
  ssl_password password;
  bool reverify_on_resume;
  int (*status_cb)(SSL *ssl, void *arg);
  void *status_arg;
  void (*current_time_cb)(const SSL *ssl, struct timeval *out_clock);
  int session_cache_mode;
  unsigned long session_cache_size;
  uint32_t session_timeout;
  int (*new_session_cb)(SSL *ssl, SSL_SESSION *session);
  SSL_SESSION *(*get_session_cb)(SSL *ssl, const uint8_t *id, int id_len, int *out_copy);
  void (*remove_session_cb)(SSL_CTX *ctx, SSL_SESSION *session);
  ssl_session_cache session_cache;
  atomic_uint stats[SSL_STATS];
  ssl_ticket_keys ticket_keys;
  int (*ticket_key_cb)(SSL *ssl, uint8_t *key_name, uint8_t *iv, EVP_CIPHER_CTX *cipher_ctx,
                       HMAC_CTX *hmac_ctx, int encrypt);
  const SSL_TICKET_AEAD_METHOD *ticket_aead_method;
  const SSL_QUIC_METHOD *quic_method; /* lent; NULL: none */
  ssl_custom_ext *custom;
  size_t num_custom;
  ssl_replay replay;
  int (*cookie_generate_cb)(SSL *ssl, unsigned char *cookie, size_t *cookie_len);
  int (*cookie_verify_cb)(SSL *ssl, const unsigned char *cookie, size_t cookie_len);
};

/* ---- A connection ---- */

/* ssl_saved_error is one entry of the error queue, kept to be replayed. */
typedef struct ssl_saved_error {
  uint32_t packed; /* as ERR_peek_error; 0: none */
  const char *file;
  int line;
} ssl_saved_error;

/* ssl_buffer is bytes from |start| to |end| of |data|, which has room for |cap|; no memory while it
 * is empty. */
typedef struct ssl_buffer {
  uint8_t *data;
  size_t start, end, cap;
} ssl_buffer;

/* ssl_io is what the running connection needs, all of it driver.c's, io.c's, shutdown.c's and
 * error.c's.  All zero before the first call.  See io.h for what the bytes obey. */
enum { SSL_SAVED_ERRORS = 4 };
/* What SSL_stateless came to: it was not called; it runs; a cookie was made; one was found to be
 * good, and the handshake goes on. */
enum { SSL_STATELESS_NO, SSL_STATELESS_RUNS, SSL_STATELESS_MADE, SSL_STATELESS_OPENED };
typedef struct ssl_io {
  hf_answers
      *answers;  /* what the driver answers with; NULL before the start and after the handshake */
  ssl_buffer in; /* from |rbio|, not opened yet: an incomplete record, or what read-ahead brought */
  hf_bytes app;  /* plaintext that SSL_read has not taken, in in.data before in.start */
  ssl_buffer out;      /* sealed, on its way to |wbio| */
  bool flush_due;      /* BIO_flush follows when all is written */
  size_t write_done;   /* of the SSL_write that blocked: bytes that have left */
  size_t write_staged; /* and those that are sealed in |out| after them */
  int shutdown;        /* SSL_SENT_SHUTDOWN, SSL_RECEIVED_SHUTDOWN */
  bool failed;         /* |errors| are replayed by each call */
  bool started;        /* info callbacks were told of the start */
  bool watched;        /* the engine keeps events */
  bool done;           /* and of the end: the handshake is complete */
  bool session_due;    /* ssl->established is to be given to who keeps sessions, at that end */
  bool zero_return;    /* this very call met close_notify */
  int hello_step; /* server: which callbacks of HF_ASK_HELLO have run, for one may have to be called
                     again */
  const SSL_PRIVATE_KEY_METHOD *key_op; /* has begun a signature; NULL: none has */
  bool verifying;                       /* custom_verify was asked */
  bool status_asked;                    /* server: for an OCSP response */
  bool ack_name;                        /* server: and the servername callback took the name */
  int early;                            /* SSL_EARLY_, and the rest of early data: early.c */
  bool early_explicit; /* by SSL_write_early_data or SSL_read_early_data: a refusal is no error */
  bool early_offered;  /* server: by the client */
  bool false_start;    /* client: the handshake has returned for False Start: tls12.c */
  enum ssl_early_data_reason_t early_reason; /* as far as this side decided it */
  int32_t age_skew;                          /* server: seconds */
  int refusal;             /* SSL_R_ reason for which this side refused a question; 0: none */
  uint8_t stateless;       /* SSL_STATELESS_ */
  uint8_t record_overhead; /* once |done|: bytes of a record around its data, */
  uint16_t record_max;     /* and the most data in one */
  bool stateless_over;     /* and SSL_stateless has what it wants */
  uint8_t custom_done;     /* places (HF_IN_) whose extensions the application has been shown */
  size_t num_errors;
  ssl_saved_error errors[SSL_SAVED_ERRORS];
} ssl_io;

/* ssl_quic is what an SSL for QUIC has beside the rest: quic.h. */
typedef struct ssl_quic ssl_quic;

struct ssl_st {
  atomic_uint references;
  SSL_CTX *ctx;       /* in force */
  SSL_CTX *first_ctx; /* the one it was made from: its servername callback, its ticket key */
  ssl_settings *settings;
  ssl_local local;
  ssl_password password;
  X509_VERIFY_PARAM *param;
  int8_t role;              /* SSL_ROLE_ */
  SSL_SESSION *session;     /* client: to be offered; server: that was resumed; NULL: none */
  SSL_SESSION *established; /* for SSL_get_session, made when asked for */
  SSL_SESSION *provisional; /* what was that before the end of a handshake of TLS 1.2 */
  char *psk_identity;       /* of the external key offered, or asked about last; NULL: none */
  BIO *rbio, *wbio;
  hf_half *read_half, *write_half; /* what they are of a pair of ours; NULL: nothing */
  hf_conn *conn;                   /* NULL: not started */
  ssl_quic *quic;                  /* NULL: nothing about QUIC was ever set */
  int want; /* what the last call waits for, as SSL_want gives it; SSL_NOTHING: for nothing */
  ssl_io io;
  char *host_name;          /* client: to be sent */
  char *peer_name;          /* server: sent by the client, once SSL_get_servername was asked */
  EVP_PKEY **expected_rpks; /* raw public keys that are trusted */
  size_t num_expected_rpks;
  CRYPTO_BUFFER *peer_spki;                /* the peer's raw public key; NULL: it showed none */
  EVP_PKEY *peer_rpk;                      /* parsed, when asked for */
  STACK_OF(CRYPTO_BUFFER) * peer_chain;    /* the peer's certificates in DER, NULL if none */
  STACK_OF(X509) * peer_x509;              /* parsed, when asked for */
  STACK_OF(X509) * peer_rest;              /* without the first */
  bool has_peer_sha256;                    /* server: with retain_sha256: */
  uint8_t peer_sha256[SSL_SHA256];         /* of the client's certificate */
  ssl_staples peer_staples;                /* client: of the server's first certificate */
  STACK_OF(CRYPTO_BUFFER) * peer_ca_names; /* the same in DER, when asked for */
  STACK_OF(X509_NAME) * peer_authorities;  /* client: of the server's CertificateRequest */
  long verify_result;                      /* X509_V_ERR_INVALID_CALL before there is one */
  ssl_ex_data ex_data;
};

/* ---- From the settings to the connection: ssl_config.c, for the driver ---- */

/* ssl_is_watched says whether there is an info or msg callback. */
bool ssl_is_watched(const SSL *ssl);

/* ssl_build_config returns the hf_config for |ssl| as it is configured now, lent until a setting of
 * |ssl| changes; |ack_name|: acknowledge server_name (the servername callback said OK).  NULL: the
 * reason is on the error queue. */
hf_config *ssl_build_config(SSL *ssl, bool ack_name);
/* ssl_get_credentials returns the credentials of |ssl|, lent until a setting of |ssl| changes.
 * NULL: the reason is on the error queue. */
const ssl_credentials *ssl_get_credentials(SSL *ssl);
/* ssl_verify_store returns the store that |ssl| verifies with, lent. */
X509_STORE *ssl_verify_store(const SSL *ssl);
/* ssl_set_peer keeps a copy of the chain, or of the raw public key, of HF_ASK_VERDICT.  False:
 * memory ran out. */
bool ssl_set_peer(SSL *ssl, const hf_question_t *question);
/* ssl_set_peer_staples keeps copies of what HF_ASK_VERDICT shows beside the chain.  False: memory
 * ran out. */
bool ssl_set_peer_staples(SSL *ssl, hf_bytes ocsp, hf_bytes scts);
/* ssl_share_peer keeps what |session| has of the peer instead.  False: memory ran out. */
bool ssl_share_peer(SSL *ssl, const SSL_SESSION *session);
/* ssl_expected_free lets go of the raw public keys that were trusted.  rpk.c */
void ssl_expected_free(SSL *ssl);
/* ssl_peer_is_known says whether the peer has shown who it is, here or in the session resumed. */
bool ssl_peer_is_known(const SSL *ssl);
/* ssl_peer_shorten, at the end of the handshake, leaves only the hash if there is one. */
void ssl_peer_shorten(SSL *ssl);
/* ssl_peer_clear_chain forgets the chain, its hash, or the raw public key. */
void ssl_peer_clear_chain(SSL *ssl);
/* ssl_peer_clear forgets all that the peer showed. */
void ssl_peer_clear(SSL *ssl);
/* ssl_set_peer_authorities keeps the names of HF_ASK_IDENTITY for SSL_get_client_CA_list; those
 * that cannot be parsed are left out. */
bool ssl_set_peer_authorities(SSL *ssl, const hf_bytes *names, size_t num);

/* ssl_now returns the time for |ctx|, in milliseconds since 1970; NULL: the system's.  clock.c */
uint64_t ssl_now(const SSL_CTX *ctx);
/* ssl_tell_time tells the engine what time it is, for what is about to come in.  clock.c */
void ssl_tell_time(SSL *ssl);

/* ssl_session_cache_init readies a cache that is all zero; false: it cannot be.
 * ssl_session_cache_clear empties and frees that of |ctx|.  session_cache.c */
bool ssl_session_cache_init(ssl_session_cache *cache);
void ssl_session_cache_clear(SSL_CTX *ctx);
/* ssl_count counts one more. session_stats.c */
void ssl_count(SSL_CTX *ctx, ssl_stat which);

/* ssl_session_clear lets go of the sessions; a client's that is to be offered only with |all|.
 * session_client.c */
void ssl_session_clear(SSL *ssl, bool all);
/* ssl_psk_clear forgets the name of an external key.  psk.c */
void ssl_psk_clear(SSL *ssl);
/* ssl_resumed says whether the connection is one of ssl->session: SSL_session_reused does so too of
 * one with an external key. */
bool ssl_resumed(const SSL *ssl);

/* ---- From the connection: driver.c and io.c, for ssl_lib.c ---- */

/* ssl_io_reset frees the connection and all that ssl_io holds, and zeroes it: SSL_clear, SSL_free.
 * BIOs stay. */
void ssl_io_reset(SSL *ssl);

/* ---- Within the settings: ctx*.c, cert*.c, cipher*.c, verify*.c ---- */

/* What a change concerns. */
enum { SSL_EDIT_NOTHING = 0, SSL_EDIT_CONFIG = 1, SSL_EDIT_CREDENTIALS = 2 };

/* ssl_settings_new makes settings with all defaults and one reference.  NULL: memory ran out. */
ssl_settings *ssl_settings_new(void);
/* ssl_settings_share takes another reference and returns |settings|. */
ssl_settings *ssl_settings_share(ssl_settings *settings);
/* ssl_settings_free releases a reference; NULL is allowed. */
void ssl_settings_free(ssl_settings *settings);
/* ssl_settings_edit makes |*settings| the caller's own and drops what was made of what |concerns|
 * says.  It returns
 * |*settings|, or NULL, with the reason on the error queue: memory ran out. */
ssl_settings *ssl_settings_edit(ssl_settings **settings, int concerns);
/* ssl_ticket_keys_init readies keys that are all zero.  ticket_keys.c */
void ssl_ticket_keys_init(ssl_ticket_keys *keys);
/* ssl_tickets_are_own says whether all tickets that |ctx| knows are from |ctx|: their keys, or the
 * store of their sessions, are nobody else's. */
bool ssl_tickets_are_own(SSL_CTX *ctx);
/* ssl_replay_init readies a record that is all zero; ssl_replay_clear frees what it holds.
 * replay.c */
void ssl_replay_init(ssl_replay *replay);
void ssl_replay_clear(ssl_replay *replay);
/* ssl_codes_set copies |num| codes.  False: memory ran out, |out| is as it was. */
bool ssl_codes_set(ssl_codes *out, const uint16_t *list, size_t num);
/* ssl_ex_func is an index that was given out, and ssl_ex_class all those for one type of object,
 * the newest first. */
typedef struct ssl_ex_func {
  struct ssl_ex_func *next;
  int index;
  long argl;
  void *argp;
  CRYPTO_EX_free *free_func;
} ssl_ex_func;
typedef _Atomic(ssl_ex_func *) ssl_ex_class;
extern ssl_ex_class ssl_ex_class_ssl, ssl_ex_class_ctx, ssl_ex_class_session;
/* ssl_ex_data_free tells the owners of the indices of |parent|'s end, and frees |data|. */
void ssl_ex_data_free(ssl_ex_data *data, ssl_ex_class *class_, void *parent);
/* ssl_credentials_free releases a reference; NULL is allowed. */
void ssl_credentials_free(ssl_credentials *credentials);
/* ssl_settings_credentials returns the credentials made of the slots, lent until they change. NULL:
 * the reason is on the error queue. */
ssl_credentials *ssl_settings_credentials(ssl_settings *settings);
/* ssl_credentials_share lets |to|, into which |from|'s slots were just copied, have the credentials
 * made of them. False: the reason is on the error queue. */
bool ssl_credentials_share(ssl_settings *to, ssl_settings *from);
/* ssl_shows_raw_keys says whether either side's certificate may be a raw public key.  rpk.c */
bool ssl_shows_raw_keys(const ssl_settings *settings);
/* ssl_delegated_clear drops it; ssl_delegated_share takes references for the copy it returns. */
void ssl_delegated_clear(ssl_delegated *delegated);
ssl_delegated ssl_delegated_share(const ssl_delegated *from);
/* ssl_slot_clear drops what a slot holds.  ssl_slots_copy puts in place of |to|'s all that
 * SSL_set_SSL_CTX replaces, from |from|; false: memory ran out, |to| is as it was. */
void ssl_slot_clear(ssl_slot *slot);
bool ssl_slots_copy(ssl_settings *to, const ssl_settings *from);
/* ssl_staples_clear drops both; ssl_staples_share takes a reference to each for the copy that it
 * returns; ssl_staple_bytes lends the bytes, absent of NULL. */
void ssl_staples_clear(ssl_staples *staples);
ssl_staples ssl_staples_share(const ssl_staples *from);
hf_bytes ssl_staple_bytes(const CRYPTO_BUFFER *buffer);
/* ssl_enable_early switches early data on for clients.  False: memory ran out.  early_settings.c
 */
bool ssl_enable_early(ssl_settings **settings);
/* ssl_drop_ocsp takes the OCSP responses away.  False: the reason is on the error queue. */
bool ssl_drop_ocsp(ssl_settings **settings);
/* ssl_set_hello_flag sets or clears one of |hello_flags|.  False: memory ran out. */
bool ssl_set_hello_flag(ssl_settings **settings, uint32_t flag, bool on);
/* As the SSL_use_ functions and SSL_set1_chain, for either kind of object. */
int ssl_use_certificate(ssl_settings **settings, X509 *x509);
int ssl_use_private_key(ssl_settings **settings, EVP_PKEY *key);
int ssl_use_rsa_key(ssl_settings **settings, RSA *rsa);
int ssl_set1_chain(ssl_settings **settings, STACK_OF(X509) * chain);
/* ssl_is_word says whether the |len| characters at |text| are |name|.  cipher_list.c */
bool ssl_is_word(const char *name, const char *text, size_t len);
/* These say whether the engine can do it. */
bool ssl_engine_has_group(uint16_t id);
bool ssl_engine_has_sigalg(uint16_t id);
/* ssl_draft_cert_algs sets compressors and decompressors.  compress.c */
void ssl_draft_cert_algs(hf_settings *out, uint16_t compress[SSL_MAX_CERT_ALGS],
                         uint16_t decompress[SSL_MAX_CERT_ALGS], const ssl_settings *s);
/* ssl_default_groups is the groups if none were set. ssl_key_shares is those of |groups|, which are
 * those in force, for which a client sends a share; |room| holds them unless they were set.
 * key_shares.c */
hf_codes ssl_default_groups(void);
hf_codes ssl_key_shares(uint16_t room[2], const ssl_settings *s, hf_codes groups);
/* ssl_suites12_default sets the suites of TLS 1.2 to all there are.  False: memory ran out. */
bool ssl_suites12_default(ssl_settings *settings);
/* ssl_ciphers_rebuild makes |ciphers| anew from both lists of suites.  False: memory ran out. */
bool ssl_ciphers_rebuild(ssl_settings *settings);

#endif
