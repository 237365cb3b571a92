/* secret_book.h: the secrets that the engine has had its hands on, each with how long it may lie in
 * the memory of its connection, and the search for any 16 bytes in a row of one. */
#ifndef HANDFAST_TESTS_SECRET_BOOK_H
#define HANDFAST_TESTS_SECRET_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECRET_MAX = 128, SECRET_WINDOW = 16, SECRET_NONE = -1 };

/* Never on a stack that is dead, never in a block that is freed, and in one that is not: */
enum secret_life {
  LIVES_NO_CALL,      /* not when the call that made it is over */
  LIVES_UNTIL_AGREED, /* not when both sides' shares are made use of */
  LIVES_UNTIL_READY,  /* not when the handshake is over */
  LIVES_UNTIL_NEXT,   /* not when the next one of its kind is there */
  LIVES_WITH_ASKING,  /* not without a question */
  LIVES_ON            /* not after a failure, as none of them */
};

struct secret {
  uint8_t bytes[SECRET_MAX];
  size_t len;
  char name[24];
  int owner, parent; /* |parent|: lives no longer than that one; SECRET_NONE */
  enum secret_life life;
  bool has_next;
};

void book_clear(void);
/* book_add notes a secret of |owner|, once; which one it is.  SECRET_NONE: it is too short. */
int book_add(int owner, enum secret_life life, const char *name, const uint8_t *bytes, size_t len,
             int parent);
int book_find(int owner, const uint8_t *bytes, size_t len); /* SECRET_NONE: it is not there */
void book_next(int index);                                  /* it has a successor */
void book_keep(int index);                                  /* it LIVES_ON after all */
const struct secret *book_secret(int index);
size_t book_size(void);
/* book_search finds a window of a secret of |owner| for which |wrong| is true in |len| bytes, which
 * begin at a multiple of 8; NULL: there is none. */
const struct secret *book_search(const uint8_t *from, size_t len, int owner,
                                 bool (*wrong)(const struct secret *secret));

#endif
