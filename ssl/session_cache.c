/* session_cache.c: sessions that a server keeps and finds by their ids: within the SSL_CTX, and
 * with the callbacks of an application that keeps them elsewhere.
 *
 * In TLS 1.3 a session is kept for each ticket if SSL_OP_NO_TICKET forbids to put it in there; the
 * ticket is then the id.  The cache is a hash table of entries that are also a list by age; an id
 * may be the peer's choice, so the hash has a key.
 *
 * |lock| guards all of ssl_session_cache.  No callback is called and nothing is freed under it:
 * what leaves the cache is first chained to a list of the caller's. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/siphash.h>

#include "ssl/session.h"

struct ssl_cache_entry {
  SSL_SESSION *session;         /* a reference */
  struct ssl_cache_entry *next; /* with the same hash; or of those that left */
  struct ssl_cache_entry *newer, *older;
};

typedef struct ssl_cache_entry entry;

enum { FEWEST_BUCKETS = 16, FLUSH_EVERY = 255 };

static void lock(ssl_session_cache *cache) { (void)pthread_mutex_lock(&cache->lock); }
static void unlock(ssl_session_cache *cache) { (void)pthread_mutex_unlock(&cache->lock); }

/* ---- The table, under the lock ---- */

static entry **bucket(const ssl_session_cache *cache, const uint8_t *id, size_t len) {
  return &cache->buckets[SIPHASH_24(cache->hash_key, id, len) & (cache->num_buckets - 1)];
}

/* find returns the place of the entry with the id, or of the end of its bucket; NULL: there are no
 * buckets. */
static entry **find(const ssl_session_cache *cache, const uint8_t *id, size_t len) {
  if (cache->num_buckets == 0) return NULL;
  entry **at = bucket(cache, id, len);
  while (*at != NULL &&
         ((*at)->session->id_len != len || CRYPTO_memcmp((*at)->session->id, id, len) != 0))
    at = &(*at)->next;
  return at;
}

/* grow makes twice as many buckets.  False: memory ran out, all is as it was. */
static bool grow(ssl_session_cache *cache) {
  size_t num = cache->num_buckets == 0 ? FEWEST_BUCKETS : 2 * cache->num_buckets;
  if (num > SIZE_MAX / sizeof(entry *)) return false;
  entry **fresh = OPENSSL_malloc(num * sizeof *fresh);
  if (fresh == NULL) return false;
  memset(fresh, 0, num * sizeof *fresh);
  if (cache->num_buckets == 0) RAND_bytes((uint8_t *)cache->hash_key, sizeof cache->hash_key);
  OPENSSL_free(cache->buckets);
  cache->buckets = fresh;
  cache->num_buckets = num;
  for (entry *e = cache->newest; e != NULL; e = e->older) {
    entry **at = bucket(cache, e->session->id, e->session->id_len);
    e->next = *at;
    *at = e;
  }
  return true;
}

/* take moves the entry at |at| to the list |*gone|. */
static void take(ssl_session_cache *cache, entry **at, entry **gone) {
  entry *e = *at;
  *at = e->next;
  *(e->newer != NULL ? &e->newer->older : &cache->newest) = e->older;
  *(e->older != NULL ? &e->older->newer : &cache->oldest) = e->newer;
  cache->num--;
  e->next = *gone;
  *gone = e;
}

static void take_entry(ssl_session_cache *cache, const entry *e, entry **gone) {
  entry **at = find(cache, e->session->id, e->session->id_len);
  if (*at != NULL) take(cache, at, gone);
}

/* put adds |fresh|, and moves one with the same id to |*replaced|.  False: it is there already, or
 * memory ran out. */
static bool put(ssl_session_cache *cache, entry *fresh, entry **replaced) {
  const SSL_SESSION *session = fresh->session;
  if (cache->num >= cache->num_buckets && !grow(cache) && cache->num_buckets == 0) return false;
  entry **at = find(cache, session->id, session->id_len);
  if (*at != NULL && (*at)->session == session) return false;
  if (*at != NULL) take(cache, at, replaced);
  at = bucket(cache, session->id, session->id_len);
  fresh->next = *at;
  *at = fresh;
  fresh->newer = NULL;
  fresh->older = cache->newest;
  *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = fresh;
  cache->newest = fresh;
  cache->num++;
  return true;
}

/* ---- What leaves ---- */

/* let_go frees the entries of a list; |tell|: the application is told. */
static void let_go(SSL_CTX *ctx, entry *gone, bool tell) {
  while (gone != NULL) {
    entry *next = gone->next;
    if (tell && ctx->remove_session_cb != NULL) ctx->remove_session_cb(ctx, gone->session);
    SSL_SESSION_free(gone->session);
    OPENSSL_free(gone);
    gone = next;
  }
}

/* ---- Life ---- */

bool ssl_session_cache_init(ssl_session_cache *cache) {
  cache->usable = pthread_mutex_init(&cache->lock, NULL) == 0;
  return cache->usable;
}

void ssl_session_cache_clear(SSL_CTX *ctx) {
  if (!ctx->session_cache.usable) return;
  SSL_CTX_flush_sessions(ctx, 0);
  OPENSSL_free(ctx->session_cache.buckets);
  (void)pthread_mutex_destroy(&ctx->session_cache.lock);
}

/* ---- The cache, for anybody ---- */

int SSL_CTX_add_session(SSL_CTX *ctx, SSL_SESSION *session) {
  ssl_session_cache *cache = &ctx->session_cache;
  entry *replaced = NULL, *dropped = NULL;
  entry *fresh = session->id_len == 0 ? NULL : OPENSSL_malloc(sizeof *fresh);
  if (fresh == NULL) return 0;
  fresh->session = session;
  SSL_SESSION_up_ref(session);
  lock(cache);
  bool added = put(cache, fresh, &replaced);
  while (ctx->session_cache_size > 0 && cache->num > ctx->session_cache_size) {
    take_entry(cache, cache->oldest, &dropped);
    ssl_count(ctx, SSL_STAT_FULL);
  }
  unlock(cache);
  let_go(ctx, replaced, false); /* for its id is still known */
  let_go(ctx, dropped, true);
  if (added) return 1;
  SSL_SESSION_free(session);
  OPENSSL_free(fresh);
  return 0;
}

int SSL_CTX_remove_session(SSL_CTX *ctx, SSL_SESSION *session) {
  ssl_session_cache *cache = &ctx->session_cache;
  entry *gone = NULL;
  if (session == NULL || session->id_len == 0) return 0;
  lock(cache);
  entry **at = find(cache, session->id, session->id_len);
  if (at != NULL && *at != NULL) take(cache, at, &gone);
  unlock(cache);
  bool found = gone != NULL;
  let_go(ctx, gone, true);
  return found;
}

static bool expired(const SSL_SESSION *session, uint64_t now) {
  return now >= session->issued && now - session->issued >= UINT64_C(1000) * session->timeout;
}

void SSL_CTX_flush_sessions(SSL_CTX *ctx, uint64_t time) {
  ssl_session_cache *cache = &ctx->session_cache;
  entry *gone = NULL;
  if (time > UINT64_MAX / 1000) time = UINT64_MAX / 1000;
  lock(cache);
  for (entry *e = cache->oldest; e != NULL;) {
    entry *newer = e->newer;
    if (time == 0 || expired(e->session, time * 1000)) take_entry(cache, e, &gone);
    e = newer;
  }
  unlock(cache);
  let_go(ctx, gone, true);
}

size_t SSL_CTX_sess_number(const SSL_CTX *ctx) {
  ssl_session_cache *cache = &((SSL_CTX *)ctx)->session_cache;
  lock(cache);
  size_t num = cache->num;
  unlock(cache);
  return num;
}

/* ---- Callbacks ---- */

void SSL_CTX_sess_set_get_cb(SSL_CTX *ctx, SSL_SESSION *(*cb)(SSL *ssl, const uint8_t *id,
                                                              int id_len, int *out_copy)) {
  ctx->get_session_cb = cb;
}

SSL_SESSION *(*SSL_CTX_sess_get_get_cb(SSL_CTX *ctx))(SSL *ssl, const uint8_t *id, int id_len,
                                                      int *out_copy) {
  return ctx->get_session_cb;
}

void SSL_CTX_sess_set_remove_cb(SSL_CTX *ctx, void (*cb)(SSL_CTX *ctx, SSL_SESSION *session)) {
  ctx->remove_session_cb = cb;
}

void (*SSL_CTX_sess_get_remove_cb(SSL_CTX *ctx))(SSL_CTX *ctx, SSL_SESSION *session) {
  return ctx->remove_session_cb;
}

SSL_SESSION *SSL_magic_pending_session_ptr(void) {
  static struct ssl_session_st pending;
  return &pending;
}

/* ---- For a server's connections ---- */

bool ssl_session_stores(const SSL *ssl) {
  const SSL_CTX *ctx = ssl->first_ctx;
  return (ctx->session_cache_mode & SSL_SESS_CACHE_SERVER) != 0 &&
         ((ctx->session_cache_mode & SSL_SESS_CACHE_NO_INTERNAL_STORE) == 0 ||
          ctx->new_session_cb != NULL);
}

/* clear_sometimes takes out what has expired, each FLUSH_EVERY sessions. */
static void clear_sometimes(SSL_CTX *ctx) {
  ssl_session_cache *cache = &ctx->session_cache;
  if ((ctx->session_cache_mode & SSL_SESS_CACHE_NO_AUTO_CLEAR) != 0) return;
  lock(cache);
  bool now = ++cache->since_flush >= FLUSH_EVERY;
  if (now) cache->since_flush = 0;
  unlock(cache);
  uint64_t seconds = ssl_now(ctx) / 1000;
  if (now && seconds > 0) SSL_CTX_flush_sessions(ctx, seconds);
}

bool ssl_session_store(SSL *ssl, SSL_SESSION *session) {
  SSL_CTX *ctx = ssl->first_ctx;
  bool within = (ctx->session_cache_mode & SSL_SESS_CACHE_NO_INTERNAL_STORE) == 0;
  if (within) {
    if (!SSL_CTX_add_session(ctx, session)) return false;
    clear_sometimes(ctx);
  }
  if (ctx->new_session_cb == NULL) return true;
  SSL_SESSION_up_ref(session);
  if (!ctx->new_session_cb(ssl, session)) SSL_SESSION_free(session);
  return true;
}

static SSL_SESSION *find_within(SSL_CTX *ctx, hf_bytes id) {
  ssl_session_cache *cache = &ctx->session_cache;
  SSL_SESSION *session = NULL;
  if ((ctx->session_cache_mode & SSL_SESS_CACHE_NO_INTERNAL_LOOKUP) != 0) return NULL;
  lock(cache);
  entry **at = find(cache, id.data, id.len);
  if (at != NULL && *at != NULL) {
    session = (*at)->session;
    SSL_SESSION_up_ref(session);
  }
  unlock(cache);
  return session;
}

/* find_outside asks the application. */
static SSL_SESSION *find_outside(SSL *ssl, hf_bytes id) {
  SSL_CTX *ctx = ssl->first_ctx;
  int copy = 1;
  if (ctx->get_session_cb == NULL) return NULL;
  SSL_SESSION *session = ctx->get_session_cb(ssl, id.data, (int)id.len, &copy);
  if (session == NULL || session == SSL_magic_pending_session_ptr()) return session;
  ssl_count(ctx, SSL_STAT_CB_HITS);
  if (copy) SSL_SESSION_up_ref(session);
  if ((ctx->session_cache_mode & SSL_SESS_CACHE_NO_INTERNAL_STORE) == 0)
    (void)SSL_CTX_add_session(ctx, session);
  return session;
}

SSL_SESSION *ssl_session_find(SSL *ssl, hf_bytes id) {
  SSL_CTX *ctx = ssl->first_ctx;
  if (id.len == 0 || id.len > SSL_MAX_SSL_SESSION_ID_LENGTH) return NULL;
  SSL_SESSION *session = find_within(ctx, id);
  if (session == NULL) session = find_outside(ssl, id);
  if (session == SSL_magic_pending_session_ptr()) return session;
  if (session == NULL) {
    ssl_count(ctx, SSL_STAT_MISSES);
    return NULL;
  }
  uint64_t now = ssl_now(ctx);
  if (now >= session->issued && !expired(session, now)) return session;
  ssl_count(ctx, SSL_STAT_TIMEOUTS);
  (void)SSL_CTX_remove_session(ctx, session);
  SSL_SESSION_free(session);
  return NULL;
}
