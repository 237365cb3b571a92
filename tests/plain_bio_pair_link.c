// Whichever way the library is linked, every name of the pair is ours: also the four that libcrypto
// defines as well. This program is linked with the static library; plain_bio_pair_link_shared.c is
// the same with the shared one.
#define _GNU_SOURCE  // dladdr
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <handfast/bio_pair.h>

#ifndef HF_LINKED_SHARED
#define HF_LINKED_SHARED 0
#endif

static int num_failed;

static void check(int good, const char *what) {
  if (good) return;
  printf("%s: that is not so\n", what);
  num_failed++;
}

// home is the file that what lies at |address| was loaded from.
static const char *home(uintptr_t address) {
  Dl_info info;
  return dladdr((void *)address, &info) != 0 ? info.dli_fname : "nowhere";
}

static void check_homes(void) {
#define NAME(name) \
  { #name, (uintptr_t)&name }
  const struct {
    const char *name;
    uintptr_t address;
  } names[] = {
      NAME(BIO_new_bio_pair),
      NAME(BIO_ctrl_get_read_request),
      NAME(BIO_shutdown_wr),
      NAME(BIO_ctrl_get_write_guarantee),
      NAME(BIO_s_bio),
      NAME(BIO_make_bio_pair),
      NAME(BIO_destroy_bio_pair),
      NAME(BIO_set_write_buf_size),
      NAME(BIO_get_write_buf_size),
      NAME(BIO_get_write_guarantee),
      NAME(BIO_get_read_request),
      NAME(BIO_ctrl_reset_read_request),
      NAME(BIO_ctrl_wpending),
      NAME(BIO_nread0),
      NAME(BIO_nread),
      NAME(BIO_nwrite0),
      NAME(BIO_nwrite),
      NAME(hf_bio_pair_is),
  };
#undef NAME
  const char *program = home((uintptr_t)&check_homes);
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    const char *where = home(names[i].address);
    int good =
        HF_LINKED_SHARED ? strstr(where, "handfast_ssl") != NULL : strcmp(where, program) == 0;
    if (!good) printf("%s comes from %s\n", names[i].name, where);
    check(good, HF_LINKED_SHARED ? "from the shared library" : "from the program itself");
  }
}

// What libcrypto's pair does not do, or does otherwise.
static void check_behaviour(void) {
  BIO *a = NULL, *b = NULL;
  char c = 0, *buf = &c;
  check(BIO_new_bio_pair(&a, 4, &b, 0) == 1, "a pair is made");
  check(hf_bio_pair_is(a) && hf_bio_pair_is(b), "BIO_new_bio_pair makes halves of ours");
  check(BIO_eof(a) == 0, "a fresh half is not at its end");
  check(BIO_ctrl_get_write_guarantee(a) == 4, "the guarantee is the size");
  check(BIO_read(b, &c, 1) == -1 && BIO_ctrl_get_read_request(a) == 1, "the request is seen");
  check(BIO_nwrite0(a, &buf) == 4, "space is shown");
  memcpy(buf, "x", 1);
  check(BIO_nwrite(a, &buf, 1) == 1 && BIO_nread(b, &buf, 9) == 1 && *buf == 'x',
        "a byte goes over");
  check(BIO_shutdown_wr(a) == 1 && BIO_eof(b) == 1, "the end is seen");
  BIO_free(a);
  BIO_free(b);
}

int main(void) {
  check_homes();
  check_behaviour();
  return num_failed == 0 ? 0 : 1;
}
