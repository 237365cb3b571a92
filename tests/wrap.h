/* wrap.h: functions of tests that stand in front of others, by ld's --wrap (cmake/Tests.cmake). */
#ifndef HANDFAST_TESTS_WRAP_H
#define HANDFAST_TESTS_WRAP_H

/* WRAP begins the definition of what is called in place of |function|, which is __real_function. */
#define WRAP(type, function, parameters) \
  type __real_##function parameters;     \
  type __wrap_##function parameters;     \
  type __wrap_##function parameters

#endif
