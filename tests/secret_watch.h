/* secret_watch.h: each public call of the engine, watched: it runs on a stack of its own, allocates
 * from its connection's own arena (secret_arena.h), and when it is over both are searched for what
 * the book (secret_book.h) says must be gone.  The linker sends calls here: see Tests.cmake. */
#ifndef HANDFAST_TESTS_SECRET_WATCH_H
#define HANDFAST_TESTS_SECRET_WATCH_H

#include <handfast/handfast.h>

#include "secret_book.h"

/* Sanitizers have an allocator of their own, and stacks in which variables do not stay. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SECRETS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECRETS_SANITIZED 1
#endif

#ifdef SECRETS_SANITIZED
enum { WATCH_STACKS = 0 };
#else
enum { WATCH_STACKS = 1 };
#endif

struct watch_sum {
  size_t calls, secrets;
  size_t in_heap, on_stack; /* secrets found where they should not be */
  size_t shallow;           /* calls whose overwriting of their stack left a part out */
  size_t deepest, reach; /* bytes below a call's frame: most used for secrets, least overwritten */
};
extern struct watch_sum watch_sum;
extern bool watch_quiet; /* what is found is counted and not told */

/* What happens at call number |at| from watch_begin on. */
enum watch_event {
  WATCH_NOTHING,
  WATCH_ABORT,  /* the connection is aborted before it */
  WATCH_SILENCE /* from it on nothing that the peer says arrives */
};
/* watch_begin forgets the secrets so far; |what| is the name of what is done now. */
void watch_begin(const char *what, enum watch_event event, size_t at);
size_t watch_calls(void); /* since watch_begin */
/* watch_choose has all configurations made with these groups and suites; NULL: with their own. */
void watch_choose(const hf_codes *groups, const hf_codes *suites);
/* watch_versions has clients speak both versions, the first server of a scenario |first| alone and
 * the second |second|; 0: their own. */
void watch_versions(uint16_t first, uint16_t second);

/* ---- for the functions that the linker put between ---- */

int watch_owner_of(const hf_conn *conn); /* SECRET_NONE: of none that is watched */
int watch_owner(void);                   /* of the call that is going on; SECRET_NONE: none is */
int watch_arena(void);                   /* likewise; ARENA_NONE */
/* watch_agreed: the owner has made use of what both sides gave. */
void watch_agreed(void);
/* watch_handshake gives the owner's handshake secret, of which there is one, or what stands for it;
 * SECRET_NONE is no change. */
int watch_handshake(int secret);
/* watch_mark is how deep the stack was written; a call to libcrypto stands between it and
 * watch_deep. */
size_t watch_mark(void);
void watch_deep(size_t mark);
/* watch_cleanse: memory is about to be overwritten. */
void watch_cleanse(const void *at, size_t len);

#endif
