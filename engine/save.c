/* save.c: hf_save and hf_load: which fields, in which order, by save.def; and what is made again of
 * them.
 *
 * A state is: the digest of what this version saves, the digest of the configuration's settings,
 * the fields, and the digest of all that.  What a field looks like is archive.c's; whether they
 * hold together is save_check.c's to say, before anything is done with them. */
#include "save.h"

#include <string.h>

#include <openssl/err.h>

enum { HF_DIGEST = SHA256_DIGEST_LENGTH };

/* What this version saves: the list of fields, and the tables whose numbers stand in them. */
#define LINE(text) {(const uint8_t *)(text), sizeof(text)},
static const hf_bytes layout[] = {LINE("handfast 1")
#define CONN(kind, field) LINE("CONN" #kind #field)
#define HS(kind, field) LINE("HS" #kind #field)
#define POST(kind, field) LINE("POST" #kind #field)
#define QUIC_PART(kind, field) LINE("QUIC" #kind #field)
#define CUSTOM(kind, field) LINE("CUSTOM" #kind #field)
#define KEYS(kind, field) LINE("KEYS" #kind #field)
#define IDENTITY(kind, field) LINE("IDENTITY" #kind #field)
#define SETTINGS(kind, field) LINE("SETTINGS" #kind #field)
#include "save.def"
#define EXTENSION(name, code, places) LINE(#name)
#include "extensions.def"
#undef EXTENSION
#define HF_ERROR(name, alert, reason, text) LINE(#name)
#include <handfast/errors.def>
#undef HF_ERROR
#define SCRIPT(name) LINE(#name)
#define MSG(who, name, level, need, not_, learn, section) LINE("MSG" #who #name #need #not_ #learn)
#define ASK(who, name, need, not_, section) LINE("ASK" #who #name #need #not_)
#define KEY(who, level, need, not_, section) LINE("KEY" #who #level #need #not_)
#define DERIVE(name, need, not_, section) LINE("DERIVE" #name #need #not_)
#define CCS(who, need, not_, section) LINE("CCS" #who #need #not_)
#define VERSION(section) LINE("VERSION")
#define OPEN() LINE("OPEN")
#include "script.def"
#undef SCRIPT
#undef MSG
#undef ASK
#undef KEY
#undef DERIVE
#undef CCS
#undef VERSION
#undef OPEN
};

/* ---- the kinds of save.def ---- */

#define SAVE_U8(a, f) hf_archive_U8(a, &(f))
#define SAVE_U16(a, f) hf_archive_U16(a, &(f))
#define SAVE_U32(a, f) hf_archive_U32(a, &(f))
#define SAVE_U64(a, f) hf_archive_U64(a, &(f))
#define SAVE_BOOL(a, f) f = hf_archive_present(a, f)
#define SAVE_ARRAY(a, f) hf_archive_ARRAY(a, &(f), sizeof(f))
#define SAVE_BYTES(a, f) hf_archive_BYTES(a, &(f))
#define SAVE_LIST(a, f) save_list(a, f, sizeof(f) / sizeof((f)[0]))
#define SAVE_BUFFER(a, f) hf_archive_BUFFER(a, &(f))
#define SAVE_SUITE(a, f) hf_archive_SUITE(a, &(f))
#define SAVE_GROUP(a, f) hf_archive_GROUP(a, &(f))
#define SAVE_SPAN(a, f) hf_archive_SPAN(a, &(f))
#define SAVE_TRANSCRIPT(a, f) hf_archive_TRANSCRIPT(a, &(f))
#define SAVE_PKEY(a, f) hf_archive_PKEY(a, &(f))
#define SAVE_NAME8(a, f) f##_len = (uint8_t)save_name(a, &(f), f##_len, UINT8_MAX)
#define SAVE_NAME16(a, f) f##_len = (uint16_t)save_name(a, &(f), f##_len, UINT16_MAX)
#define SAVE_QUESTION(a, f) save_question(a, &(f))
#define SAVE_HELLO(a, f) save_hello(a, &(f))
#define SAVE_ENTROPY(a, f) save_entropy(a, conn)
#define SAVE_KEYS(a, f) save_keys(a, &(f))
#define SAVE_IDENTITY(a, f) save_identity(a, &(f))
/* Of configurations and identities, which are only hashed. */
#define SAVE_ENUM(a, f) save_enum(a, (unsigned)(f))
#define SAVE_CODES(a, f) hf_archive_CODES(a, f)
#define SAVE_CODE_ARRAY(a, f) hf_archive_CODES(a, (hf_codes){f, sizeof(f) / sizeof((f)[0])})
#define SAVE_AUTHORITIES(a, f) save_authorities(a, s)

static_assert(_Alignof(hf_entropy) == 1, "bytes alone: it is saved as they lie");

static void save_entropy(hf_archive *a, hf_conn *conn) {
  const bool kept = hf_archive_present(a, !a->loading && hf_entropy_kept(conn->hs));
  hf_entropy read;
  if (!a->loading) {
    if (kept) {
      hf_archive_ARRAY(a, (void *)conn->hs->entropy, sizeof(read));
    }
    return;
  }
  hf_entropy_forget(conn);
  if (kept) {
    memset(&read, 0, sizeof(read));
    hf_archive_ARRAY(a, &read, sizeof(read));
    if (hf_entropy_keep(conn, &read) != HF_OK) {
      hf_archive_fail(a, HF_NO_MEMORY);
    }
    OPENSSL_cleanse(&read, sizeof(read));
  }
}

static void save_list(hf_archive *a, hf_bytes *list, size_t num) {
  for (size_t i = 0; i < num; i++) {
    hf_archive_BYTES(a, &list[i]);
  }
}

/* A field with its length in another one, which is returned. */
static size_t save_name(hf_archive *a, uint8_t **name, size_t len, size_t most) {
  hf_bytes bytes = hf_range(*name, len);
  hf_archive_BYTES(a, &bytes);
  if (a->loading && bytes.len > most) {
    hf_archive_fail(a, HF_BAD_STATE);
    hf_free_bytes(&bytes);
  }
  *name = (uint8_t *)bytes.data;
  return bytes.len;
}

/* What a question points at is made again (restore_question). */
static void save_question(hf_archive *a, hf_question_t *q) {
  uint8_t ask = (uint8_t)q->ask;
  hf_archive_U8(a, &ask);
  if (ask == HF_ASK_INSTALL) {
    uint8_t kind = (uint8_t)q->install.kind, level = (uint8_t)q->install.level;
    hf_archive_U8(a, &kind);
    hf_archive_U8(a, &level);
    const bool sending = hf_archive_present(a, q->install.sending);
    if (a->loading && a->status == HF_OK) {
      q->install.kind = (hf_secret_kind)kind;
      q->install.level = (hf_level)level;
      q->install.sending = sending;
    }
  }
  if (ask > HF_ASK_INSTALL) {
    hf_archive_fail(a, HF_BAD_STATE);
  } else if (a->loading) {
    q->ask = (hf_ask)ask;
  }
}

/* Where the hello is; restore_hello reads it again.  Of one that is gone these two are still
 * looked at. */
static void save_hello(hf_archive *a, hf_hello *hello) {
  hf_archive_SPAN(a, &hello->message);
  hf_archive_U32(a, &hello->mask);
  hf_archive_U32(a, &hello->session_id.len);
}

static void save_keys(hf_archive *a, hf_keys *keys) {
#define KEYS(kind, field) SAVE_##kind(a, keys->field);
#include "save.def"
}

static void save_enum(hf_archive *a, unsigned value) {
  uint8_t byte = (uint8_t)value;
  hf_archive_U8(a, &byte);
}

static void save_authorities(hf_archive *a, const hf_settings *s) {
  save_enum(a, s->num_authorities > 0);
  for (size_t i = 0; i < s->num_authorities; i++) {
    hf_bytes name = s->authorities[i];
    hf_archive_BYTES(a, &name);
  }
}

/* ---- digests of configurations and identities ---- */

static void settings_digest(uint8_t out[HF_DIGEST], const hf_config *config) {
  SHA256_CTX sha;
  hf_archive archive = {.sha = &sha}, *a = &archive;
  hf_settings copy = config->settings, *s = &copy;
  SHA256_Init(&sha);
#define SETTINGS(kind, field) SAVE_##kind(a, s->field);
#include "save.def"
  SHA256_Final(out, &sha);
}

static void identity_digest(uint8_t out[HF_DIGEST], const hf_identity *identity) {
  SHA256_CTX sha;
  hf_archive archive = {.sha = &sha}, *a = &archive;
  hf_identity *i = (hf_identity *)identity;
  SHA256_Init(&sha);
#define IDENTITY(kind, field) SAVE_##kind(a, i->field);
#include "save.def"
  SHA256_Final(out, &sha);
}

static void layout_digest(uint8_t out[HF_DIGEST]) {
  SHA256_CTX sha;
  SHA256_Init(&sha);
  for (size_t i = 0; i < sizeof(layout) / sizeof(layout[0]); i++) {
    SHA256_Update(&sha, layout[i].data, layout[i].len);
  }
  SHA256_Final(out, &sha);
}

static void save_identity(hf_archive *a, hf_identity **identity) {
  uint8_t wanted[HF_DIGEST] = {0}, digest[HF_DIGEST];
  if (!hf_archive_present(a, *identity != NULL)) {
    return;
  }
  if (*identity != NULL) {  // not loading
    identity_digest(wanted, *identity);
  }
  hf_archive_bytes(a, wanted, sizeof(wanted));
  if (!a->loading || a->status != HF_OK) {
    return;
  }
  for (size_t i = 0; i < a->num_identities; i++) {
    identity_digest(digest, a->identities[i]);
    if (hf_same(digest, wanted, sizeof(digest))) {
      *identity = (hf_identity *)a->identities[i];
      hf_identity_up_ref(*identity);
      return;
    }
  }
  hf_archive_fail(a, HF_MISUSE);
}

/* ---- all fields ---- */

/* A part that may be missing: |now|, or loading a new one of zeros. */
static void *part(hf_archive *a, void *now, size_t size) {
  if (!hf_archive_present(a, now != NULL) || !a->loading) {
    return now;
  }
  void *made = OPENSSL_malloc(size);
  if (made == NULL) {
    hf_archive_fail(a, HF_NO_MEMORY);
    return NULL;
  }
  memset(made, 0, size);
  return made;
}

static void save_fields(hf_archive *a, hf_conn *conn) {
#define CONN(kind, field) SAVE_##kind(a, conn->field);
#include "save.def"
  conn->hs = part(a, conn->hs, sizeof(*conn->hs));
  if (conn->hs != NULL) {
#define HS(kind, field) SAVE_##kind(a, conn->hs->field);
#include "save.def"
  }
  conn->post = part(a, conn->post, sizeof(*conn->post));
  if (conn->post != NULL) {
#define POST(kind, field) SAVE_##kind(a, conn->post->field);
#include "save.def"
  }
  conn->quic = part(a, conn->quic, sizeof(*conn->quic));
  if (conn->quic != NULL) {
#define QUIC_PART(kind, field) SAVE_##kind(a, conn->quic->field);
#include "save.def"
  }
  conn->custom = part(a, conn->custom, sizeof(*conn->custom));
  if (conn->custom != NULL) {
#define CUSTOM(kind, field) SAVE_##kind(a, conn->custom->field);
#include "save.def"
  }
}

/* ---- hf_save ---- */

static hf_status save_all(const hf_conn *conn, uint8_t *out, size_t max, size_t *len) {
  uint8_t digest[HF_DIGEST];
  hf_archive a = {.out = out, .max = max};
  layout_digest(digest);
  hf_archive_bytes(&a, digest, sizeof(digest));
  settings_digest(digest, conn->config);
  hf_archive_bytes(&a, digest, sizeof(digest));
  save_fields(&a, (hf_conn *)conn);
  if (a.len <= max) {
    SHA256(out, a.len, digest);
  }
  hf_archive_bytes(&a, digest, sizeof(digest));
  *len = a.len;
  ERR_clear_error();
  hf_scrub();
  return a.status;
}

size_t hf_save_size(const hf_conn *conn) {
  size_t len;
  return save_all(conn, NULL, 0, &len) == HF_OK ? len : 0;
}

hf_status hf_save(const hf_conn *conn, uint8_t *out, size_t *out_len, size_t out_max) {
  size_t len;
  *out_len = 0;
  HF_TRY(save_all(conn, NULL, 0, &len));
  if (len > out_max) {
    return HF_SHORT_OUTPUT;
  }
  const hf_status status = save_all(conn, out, len, &len);
  if (status != HF_OK) {
    OPENSSL_cleanse(out, out_max);
    return status;
  }
  *out_len = len;
  return HF_OK;
}

/* ---- hf_load ---- */

static hf_status restore_keys(hf_keys *keys, const hf_suite *suite) {
  hf_material material;
  const uint64_t seq = keys->seq;
  if (keys->level == HF_INITIAL) {
    return HF_OK;
  }
  hf_status status = hf_make_material(&material, NULL, suite, keys->secret);
  if (status == HF_OK) {
    material.generation = keys->generation;
    status = hf_keys_install(keys, suite, (hf_level)keys->level, &material);
    keys->seq = seq;
  }
  OPENSSL_cleanse(&material, sizeof(material));
  return status;
}

static const hf_suite *keys_suite(const hf_conn *conn, const hf_keys *keys) {
  return keys->level == HF_EARLY ? conn->hs->early_suite : conn->suite;
}

static hf_status restore_hello(hf_conn *conn) {
  const hf_hello saved = conn->hs->hello;
  const uint8_t *base = hf_is_server(conn) ? conn->in.data : conn->hs->hello_bytes.data;
  CBS message;
  if (saved.message.len == 0) {
    return HF_OK;
  }
  CBS_init(&message, base + saved.message.start, saved.message.len);
  return hf_hello_parse(conn, &conn->hs->hello, base, message);
}

static hf_status restore(hf_conn *conn) {
  if (!hf_save_valid(conn)) {
    return HF_BAD_STATE;
  }
  HF_TRY(restore_keys(&conn->read, keys_suite(conn, &conn->read)));
  HF_TRY(restore_keys(&conn->write, keys_suite(conn, &conn->write)));
  HF_TRY(hf_trace_begin(conn));
  if (conn->hs != NULL) {
    HF_TRY(restore_hello(conn));
    HF_TRY(hf_ask_again(conn));
  }
  return conn->post != NULL ? hf_post_ask_again(conn) : HF_OK;
}

/* What is wrong with a state is one thing, whatever it is. */
static hf_status load_status(hf_status status) {
  return status == HF_OK || status == HF_NO_MEMORY || status == HF_MISUSE ? status : HF_BAD_STATE;
}

static hf_status load_fields(hf_conn *conn, hf_archive *a) {
  save_fields(a, conn);
  if (a->status == HF_OK && CBS_len(&a->in) != 0) {
    return HF_BAD_STATE;
  }
  return a->status == HF_OK ? restore(conn) : a->status;
}

/* Takes the digests off both ends of |in|. */
static bool take_digests(CBS *in, CBS *settings) {
  uint8_t digest[HF_DIGEST];
  CBS whole, version;
  if (CBS_len(in) < HF_DIGEST || !CBS_get_bytes(in, &whole, CBS_len(in) - HF_DIGEST)) {
    return false;
  }
  SHA256(CBS_data(&whole), CBS_len(&whole), digest);
  if (!CBS_mem_equal(in, digest, sizeof(digest))) {
    return false;
  }
  *in = whole;
  layout_digest(digest);
  return CBS_get_bytes(in, &version, HF_DIGEST) &&
         CBS_mem_equal(&version, digest, sizeof(digest)) && CBS_get_bytes(in, settings, HF_DIGEST);
}

static hf_config *find_config(const hf_config *const *configs, size_t num_configs, CBS settings) {
  uint8_t digest[HF_DIGEST];
  for (size_t i = 0; i < num_configs; i++) {
    settings_digest(digest, configs[i]);
    if (CBS_mem_equal(&settings, digest, sizeof(digest))) {
      return (hf_config *)configs[i];
    }
  }
  return NULL;
}

hf_status hf_load(hf_conn **out, const hf_config *const *configs, size_t num_configs,
                  const hf_identity *const *identities, size_t num_identities, hf_bytes state) {
  hf_archive a = {.loading = true, .identities = identities, .num_identities = num_identities};
  CBS settings;
  *out = NULL;
  CBS_init(&a.in, state.data, state.len);
  if (!take_digests(&a.in, &settings)) {
    return HF_BAD_STATE;
  }
  hf_config *config = find_config(configs, num_configs, settings);
  if (config == NULL) {
    return HF_MISUSE;
  }
  hf_conn *conn = OPENSSL_malloc(sizeof(*conn));
  if (conn == NULL) {
    return HF_NO_MEMORY;
  }
  memset(conn, 0, sizeof(*conn));
  conn->config = config;
  hf_config_up_ref(config);
  ERR_clear_error();
  const hf_status status = load_status(load_fields(conn, &a));
  ERR_clear_error();
  hf_scrub();
  if (status != HF_OK) {
    hf_free(conn);
    return status;
  }
  *out = conn;
  return HF_OK;
}
