/* secret_stack.h: a painted stack of its own for a call, to be searched when the call is over. */
#ifndef HANDFAST_TESTS_SECRET_STACK_H
#define HANDFAST_TESTS_SECRET_STACK_H

#include <stdint.h>

enum { SECRET_STACK = 128 << 10, SECRET_STACK_WORDS = SECRET_STACK / 8 };
/* What lies where nothing was written. */
#define SECRET_PAINT UINT64_C(0xa5c3a5c3a5c3a5c3)

/* secret_stack is that stack, from its lower end; NULL: nothing has run there. */
extern uint64_t *secret_stack;

/* secret_stack_run paints it and has |run| run there. */
void secret_stack_run(void (*run)(void));

#endif
