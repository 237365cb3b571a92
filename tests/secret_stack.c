/* secret_stack.c: see secret_stack.h. */
#define _GNU_SOURCE /* MAP_ANONYMOUS, ucontext */
#include "secret_stack.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { GUARD = 4096 };

uint64_t *secret_stack;
static ucontext_t back, there;

void secret_stack_run(void (*run)(void)) {
  if (secret_stack == NULL) {
    uint8_t *got = mmap(NULL, GUARD + SECRET_STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED || mprotect(got, GUARD, PROT_NONE) != 0) abort();
    secret_stack = (uint64_t *)(void *)(got + GUARD);
  }
  for (size_t i = 0; i < SECRET_STACK_WORDS; i++) secret_stack[i] = SECRET_PAINT;
  if (getcontext(&there) != 0) abort();
  there.uc_stack.ss_sp = secret_stack;
  there.uc_stack.ss_size = SECRET_STACK;
  there.uc_link = &back;
  makecontext(&there, run, 0);
  if (swapcontext(&back, &there) != 0) abort();
}
