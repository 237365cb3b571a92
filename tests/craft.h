/* craft.h: a TLS 1.3 peer made by hand, for tests.  It keeps keys and a transcript as RFC 9846
 * says, with code of its own (TLS_AES_128_GCM_SHA256 and X25519 alone), and says whatever a test
 * wants said: any message, in any order, with any field changed, in any record.  The engine under
 * test is the other side, a struct side. */
#ifndef HANDFAST_TESTS_CRAFT_H
#define HANDFAST_TESTS_CRAFT_H

#include "side.h"

enum { CRAFT_HASH = 32, CRAFT_RANDOM = 32 };

/* HandshakeType (RFC 9846 4; RFC 5246 7.4). */
enum {
  MSG_HELLO_REQUEST = 0,
  MSG_CLIENT_HELLO = 1,
  MSG_SERVER_HELLO = 2,
  MSG_NEW_SESSION_TICKET = 4,
  MSG_END_OF_EARLY_DATA = 5,
  MSG_ENCRYPTED_EXTENSIONS = 8,
  MSG_CERTIFICATE = 11,
  MSG_SERVER_KEY_EXCHANGE = 12,
  MSG_CERTIFICATE_REQUEST = 13,
  MSG_SERVER_HELLO_DONE = 14,
  MSG_CERTIFICATE_VERIFY = 15,
  MSG_CLIENT_KEY_EXCHANGE = 16,
  MSG_FINISHED = 20,
  MSG_CERTIFICATE_STATUS = 22,
  MSG_KEY_UPDATE = 24,
  MSG_COMPRESSED_CERTIFICATE = 25
};

/* ContentType (RFC 9846 5.1). */
enum { REC_CCS = 20, REC_ALERT = 21, REC_HANDSHAKE = 22, REC_DATA = 23 };

/* AlertDescription (RFC 9846 6). */
enum {
  AL_NONE = -1,
  AL_CLOSE_NOTIFY = 0,
  AL_UNEXPECTED_MESSAGE = 10,
  AL_BAD_RECORD_MAC = 20,
  AL_RECORD_OVERFLOW = 22,
  AL_HANDSHAKE_FAILURE = 40,
  AL_BAD_CERTIFICATE = 42,
  AL_UNSUPPORTED_CERTIFICATE = 43,
  AL_ILLEGAL_PARAMETER = 47,
  AL_DECODE_ERROR = 50,
  AL_DECRYPT_ERROR = 51,
  AL_PROTOCOL_VERSION = 70,
  AL_USER_CANCELED = 90,
  AL_NO_RENEGOTIATION = 100,
  AL_MISSING_EXTENSION = 109,
  AL_UNSUPPORTED_EXTENSION = 110,
  AL_CERTIFICATE_REQUIRED = 116,
  AL_NO_APPLICATION_PROTOCOL = 120
};

/* Extensions (RFC 9846 4.3; RFC 8449). */
enum {
  EXT_SERVER_NAME = 0,
  EXT_STATUS_REQUEST = 5,
  EXT_SUPPORTED_GROUPS = 10,
  EXT_SIGNATURE_ALGORITHMS = 13,
  EXT_POINT_FORMATS = 11,
  EXT_ALPN = 16,
  EXT_SCT = 18,
  EXT_CLIENT_CERT_TYPE = 19,
  EXT_SERVER_CERT_TYPE = 20,
  EXT_PADDING = 21,
  EXT_EMS = 23,
  EXT_RECORD_SIZE_LIMIT = 28,
  EXT_DELEGATED_CREDENTIAL = 34,
  EXT_SESSION_TICKET = 35,
  EXT_PRE_SHARED_KEY = 41,
  EXT_EARLY_DATA = 42,
  EXT_SUPPORTED_VERSIONS = 43,
  EXT_COOKIE = 44,
  EXT_PSK_MODES = 45,
  EXT_AUTHORITIES = 47,
  EXT_SIGALGS_CERT = 50,
  EXT_KEY_SHARE = 51,
  EXT_RENEGOTIATION_INFO = 0xff01,
  EXT_UNKNOWN = 0x7777,
  EXT_GREASE = 0x3a3a
};

struct craft_ext {
  uint16_t type;
  struct buf body;
};

/* craft_hello is a ClientHello or a ServerHello taken apart.  free it with craft_hello_free. */
struct craft_hello {
  uint16_t version;
  uint8_t random[CRAFT_RANDOM];
  struct buf session_id, suites, compression; /* without their lengths */
  struct craft_ext ext[24];
  size_t num_ext;
  bool no_extensions; /* leave out even the length of the block */
  struct buf tail;    /* bytes behind the end */
};

struct craft_keys {
  bool on;
  bool tls12;   /* craft12.c's: iv has 4 bytes, the rest of the nonce is sent */
  bool waiting; /* on as soon as a change_cipher_spec comes */
  uint8_t secret[CRAFT_HASH], key[16], iv[12];
  uint64_t seq;
};

struct craft {
  bool server; /* the craft plays the server */
  struct side *side;
  struct buf transcript; /* the messages */
  struct buf from;       /* handshake bytes that came and are not read yet */
  struct buf data;       /* application data that came */
  struct craft_keys read, write;
  uint8_t private_key[32];
  uint8_t psk[CRAFT_HASH];    /* zeros: none */
  uint8_t secret[CRAFT_HASH]; /* handshake secret, then main secret */
  uint8_t client_secret[CRAFT_HASH], server_secret[CRAFT_HASH];           /* of the handshake */
  uint8_t client_application[CRAFT_HASH], server_application[CRAFT_HASH]; /* generation 0 */
  uint8_t exporter[CRAFT_HASH];
  int alert, alert_level; /* the last alert that came; AL_NONE: none */
  size_t num_ccs;         /* change_cipher_spec records that came */
  size_t num_records;     /* records that came */
  bool broken;            /* a record that came could not be read */
  uint16_t last_version;  /* legacy_record_version of the last record that came */
  size_t last_inner;      /* length of its TLSInnerPlaintext */
  size_t max_inner;       /* the longest of them */
};

/* ---- craft.c: records, keys, messages ---- */

/* craft_init makes a peer for |side|. */
void craft_init(struct craft *craft, bool server, struct side *side);
void craft_free(struct craft *craft);

/* craft_raw feeds |len| bytes as they are. */
void craft_raw(struct craft *craft, const void *data, size_t len);
/* craft_seal adds one protected record to |out| and counts it as sent. */
void craft_seal(struct craft *craft, struct buf *out, uint8_t type, const void *data, size_t len,
                size_t pad);
/* craft_record sends one record under the keys in force, with |pad| zeros if they are on. */
void craft_record(struct craft *craft, uint8_t type, const void *data, size_t len, size_t pad);
/* craft_plain sends one unprotected record whatever keys are in force. */
void craft_plain(struct craft *craft, uint8_t type, const void *data, size_t len);
/* craft_message adds a handshake message to |out|. */
void craft_message(struct buf *out, uint8_t type, const void *body, size_t len);
/* craft_say sends one message in one record (more if it is long) and takes it into the transcript.
 */
void craft_say(struct craft *craft, uint8_t type, const struct buf *body);

/* craft_take_record reads the next record of the engine; false: there is none, or it could not be
 * read. */
bool craft_take_record(struct craft *craft);
/* craft_hear reads the next message, which must be of |type|, takes it into the transcript and
 * gives its body. */
bool craft_hear(struct craft *craft, uint8_t type, struct buf *body);
/* craft_hear_alert reads all that is there and returns the alert that came last, AL_NONE if none
 * did. */
int craft_hear_alert(struct craft *craft);

/* craft_transcript_hash is the hash of all messages so far. */
void craft_transcript_hash(const struct craft *craft, uint8_t out[CRAFT_HASH]);
/* craft_restart_transcript puts message_hash in the place of all messages so far (RFC 9846 4.1). */
void craft_restart_transcript(struct craft *craft);
/* craft_expand is HKDF-Expand-Label. */
void craft_expand(uint8_t *out, size_t out_len, const uint8_t *secret, const char *label,
                  const uint8_t *context, size_t context_len);
/* craft_agree derives the handshake secrets from the peer's X25519 key and the transcript so far.
 */
bool craft_agree(struct craft *craft, const uint8_t *peer, size_t peer_len);
/* craft_derive_application derives the application secrets: the transcript ends with the server's
 * Finished. */
void craft_derive_application(struct craft *craft);
void craft_set_keys(struct craft_keys *keys, const uint8_t secret[CRAFT_HASH]);
/* craft_next_keys is what a KeyUpdate does to one direction. */
void craft_next_keys(struct craft_keys *keys);
/* craft_verify_data is the Finished of the side whose handshake secret is |secret|, over the
 * transcript so far. */
void craft_verify_data(const struct craft *craft, uint8_t out[CRAFT_HASH],
                       const uint8_t secret[CRAFT_HASH]);

/* ---- craft12.c: what of this TLS 1.2 does in another way (craft12.h has the rest) ---- */

/* craft12_seal adds one protected record to |out|; craft12_unseal opens one that came and gives its
 * type, 0 if it cannot be. */
void craft12_seal(struct craft_keys *keys, struct buf *out, uint8_t type, const void *data,
                  size_t len);
uint8_t craft12_unseal(struct craft_keys *keys, struct buf *content, const uint8_t *record,
                       size_t len);

/* ---- craft_hello.c: hellos ---- */

/* craft_default_client_hello is a ClientHello that every server here takes. */
void craft_default_client_hello(const struct craft *craft, struct craft_hello *hello);
/* craft_default_server_hello answers |client|. */
void craft_default_server_hello(const struct craft *craft, struct craft_hello *hello,
                                const struct craft_hello *client);
/* craft_retry_hello is a HelloRetryRequest for |group| (0: none). */
void craft_retry_hello(struct craft_hello *hello, const struct craft_hello *client, uint16_t group);
void craft_write_hello(struct buf *out, const struct craft_hello *hello, bool server);
/* craft_parse_hello takes a body apart; false: it cannot be read. */
bool craft_parse_hello(struct craft_hello *out, const struct buf *body, bool server);
void craft_hello_free(struct craft_hello *hello);

/* craft_ext is the extension of |type|, NULL if there is none. */
struct craft_ext *craft_ext(struct craft_hello *hello, uint16_t type);
/* craft_set_ext puts in, or replaces, an extension; craft_add_ext adds one more, craft_drop_ext
 * takes it out. */
void craft_set_ext(struct craft_hello *hello, uint16_t type, const void *body, size_t len);
void craft_add_ext(struct craft_hello *hello, uint16_t type, const void *body, size_t len);
void craft_drop_ext(struct craft_hello *hello, uint16_t type);
/* craft_key_share is the entry for X25519 with the craft's key. */
void craft_key_share(struct buf *out, const struct craft *craft);
/* craft_share_of finds the X25519 share of a hello. */
bool craft_share_of(const uint8_t **out, struct craft_hello *hello, bool server);

/* Numbers, big-endian, and vectors. */
void put8(struct buf *out, unsigned value);
void put16(struct buf *out, unsigned value);
void put24(struct buf *out, unsigned value);
/* put_vector adds |data| after a length of |bytes| bytes. */
void put_vector(struct buf *out, int bytes, const void *data, size_t len);

#endif
