/* replay.c: the record of the tickets that early data was accepted with (RFC 9846 8.1 and 8.2).
 *
 * A hello is fresh for twice SSL_EARLY_AGE_WINDOW, around the time at which by its client's word it
 * was sent; the engine refuses it before and after.  So a ticket is remembered until its hello is
 * stale, and is not accepted again before that.  What cannot be remembered is refused: when there
 * is no room in its set, when there is no memory, when the record was cleared of its like already.
 *
 * |latest| is the latest time that was seen: what is not fresh then may have been forgotten, even
 * if the clock has gone back since. */
#include <string.h>

#include <openssl/bytestring.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include "ssl/early.h"

struct ssl_replay_entry {
  uint64_t mark;  /* of the ticket's hash, as much as there is room for */
  uint64_t until; /* milliseconds since 1970: when it is stale */
};

enum { SETS = 2048, WAYS = 8 };

void ssl_replay_init(ssl_replay *replay) {
  atomic_flag_clear(&replay->lock);
  atomic_init(&replay->entries, NULL);
}

void ssl_replay_clear(ssl_replay *replay) { OPENSSL_free(atomic_load(&replay->entries)); }

/* table makes the table when it is first needed. */
static struct ssl_replay_entry *table(ssl_replay *replay) {
  struct ssl_replay_entry *entries = atomic_load(&replay->entries);
  if (entries != NULL) return entries;
  struct ssl_replay_entry *fresh = OPENSSL_malloc(SETS * WAYS * sizeof *fresh);
  if (fresh == NULL) return NULL;
  memset(fresh, 0, SETS * WAYS * sizeof *fresh);
  if (atomic_compare_exchange_strong(&replay->entries, &entries, fresh)) return fresh;
  OPENSSL_free(fresh);
  return entries;
}

/* remember: false if |mark| is there already, or has no room. */
static bool remember(struct ssl_replay_entry *set, uint64_t mark, uint64_t until, uint64_t latest) {
  struct ssl_replay_entry *free_entry = NULL;
  for (size_t i = 0; i < WAYS; i++) {
    if (set[i].until <= latest) {
      free_entry = &set[i];
    } else if (set[i].mark == mark) {
      return false;
    }
  }
  if (free_entry == NULL) return false;
  *free_entry = (struct ssl_replay_entry){mark, until};
  return true;
}

/* RFC 9846 8.2: who starts with nothing remembered does not know what was accepted before.  Tickets
 * of the SSL_CTX's own are none of those. */
static bool before_start(SSL_CTX *ctx, uint64_t issued, uint64_t sent) {
  return issued < ctx->replay.started && sent < ctx->replay.started + SSL_EARLY_AGE_WINDOW &&
         !ssl_tickets_are_own(ctx);
}

bool ssl_replay_first(SSL_CTX *ctx, hf_bytes ticket, uint64_t issued, uint32_t age, uint64_t now) {
  ssl_replay *replay = &ctx->replay;
  struct ssl_replay_entry *entries = table(replay);
  uint8_t digest[SHA256_DIGEST_LENGTH];
  const uint64_t sent = issued + age, until = sent + SSL_EARLY_AGE_WINDOW + 1;
  uint64_t mark;
  if (entries == NULL || before_start(ctx, issued, sent)) return false;
  SHA256(ticket.data, ticket.len, digest);
  memcpy(&mark, digest, sizeof mark);
  while (atomic_flag_test_and_set_explicit(&replay->lock, memory_order_acquire)) {
  }
  if (now > replay->latest) replay->latest = now;
  const bool first =
      until > replay->latest && remember(&entries[mark % SETS * WAYS], mark, until, replay->latest);
  atomic_flag_clear_explicit(&replay->lock, memory_order_release);
  return first;
}
