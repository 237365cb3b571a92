/* flags.c: the runner's flags, off flags.def.  -on-initial-, -on-resume- and -on-retry- before a
 * flag's name give it to one of the three configurations alone; -on-shim- says nothing,
 * -on-handshaker- is for a helper that does not exist here. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/base64.h>
#include <openssl/mem.h>

#include "tests/bogo/shim.h"

enum kind { KIND_BOOL, KIND_INT, KIND_TEXT, KIND_DATA, KIND_LIST };
static const struct flag {
  const char *name;
  enum kind kind;
  size_t offset;
} flags[] = {
#define BOOL(name) {#name, KIND_BOOL, offsetof(struct config, name)},
#define INT(name) {#name, KIND_INT, offsetof(struct config, name)},
#define TEXT(name) {#name, KIND_TEXT, offsetof(struct config, name)},
#define DATA(name) {#name, KIND_DATA, offsetof(struct config, name)},
#define LIST(name) {#name, KIND_LIST, offsetof(struct config, name)},
#include "tests/bogo/flags.def"
};

static void wrong(const char *what, const char *flag) {
  fprintf(stderr, "%s: %s\n", what, flag);
  exit(EXIT_FAILED);
}

/* same_name compares a flag with its name in the table, where a hyphen is an underscore. */
static bool same_name(const char *name, const char *flag) {
  for (; *name != '\0' && (*name == *flag || (*name == '_' && *flag == '-')); name++) flag++;
  return *name == '\0' && *flag == '\0';
}

static const struct flag *find(const char *name) {
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    if (same_name(flags[i].name, name)) return &flags[i];
  }
  return NULL;
}

static int number(const char *flag, const char *text) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < -0x7fffffff || value > 0x7fffffff) {
    wrong("not a number", flag);
  }
  return (int)value;
}

/* lasting gives memory that lasts until the program ends, and which it still knows of then. */
static uint8_t *lasting(size_t len) {
  static struct kept {
    struct kept *next;
    uint8_t bytes[];
  } * first;
  struct kept *kept = malloc(sizeof *kept + len);
  if (kept == NULL) return NULL;
  kept->next = first;
  first = kept;
  return kept->bytes;
}

static struct data base64(const char *flag, const char *text) {
  struct data out = {NULL, 0};
  size_t room, len = strlen(text);
  if (!EVP_DecodedLength(&room, len) || (out.bytes = lasting(room)) == NULL ||
      !EVP_DecodeBase64(out.bytes, &out.len, room, (const uint8_t *)text, len)) {
    wrong("not base64", flag);
  }
  return out;
}

static void set(struct config *config, const struct flag *flag, const char *value) {
  void *field = (char *)config + flag->offset;
  switch (flag->kind) {
    case KIND_BOOL:
      *(bool *)field = true;
      break;
    case KIND_INT:
      *(int *)field = number(flag->name, value);
      break;
    case KIND_TEXT:
      *(const char **)field = value;
      break;
    case KIND_DATA:
      *(struct data *)field = base64(flag->name, value);
      break;
    case KIND_LIST: {
      struct list *list = field;
      if (list->num == sizeof list->items / sizeof *list->items) wrong("too many", flag->name);
      list->items[list->num++] = (uint16_t)number(flag->name, value);
      break;
    }
  }
}

/* take_prefix moves |*name| past |prefix| if that is how it begins. */
static bool take_prefix(const char **name, const char *prefix) {
  size_t len = strlen(prefix);
  if (strncmp(*name, prefix, len) != 0) return false;
  *name += len;
  return true;
}

void flags_parse(struct configs *out, int argc, char **argv) {
  memset(out, 0, sizeof *out);
  struct config *all[] = {&out->initial, &out->resume, &out->retry};
  for (size_t i = 0; i < 3; i++) all[i]->quic_use_legacy_codepoint = -1;
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i];
    size_t first = 0, last = 2;
    if (strcmp(name, "-is-handshaker-supported") == 0) {
      puts("No");
      exit(0);
    }
    if (!take_prefix(&name, "-")) wrong("not a flag", name);
    bool skip = take_prefix(&name, "on-handshaker-");
    if (!skip) take_prefix(&name, "on-shim-");
    if (take_prefix(&name, "on-initial-")) {
      last = 0;
    } else if (take_prefix(&name, "on-resume-")) {
      first = last = 1;
    } else if (take_prefix(&name, "on-retry-")) {
      first = 2;
    }
    const struct flag *flag = find(name);
    if (flag == NULL) exit(EXIT_UNIMPLEMENTED);
    const char *value = NULL;
    if (flag->kind != KIND_BOOL) {
      if (++i == argc) wrong("a value is missing", name);
      value = argv[i];
    }
    for (size_t j = first; !skip && j <= last; j++) set(all[j], flag, value);
  }
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool data_from_hex(struct data *out, const char *hex, size_t len) {
  out->len = len / 2;
  if (len % 2 != 0 || (out->bytes = lasting(len / 2)) == NULL) return false;
  for (size_t i = 0; i < len / 2; i++) {
    int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out->bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

bool data_is(const struct data *expected, const uint8_t *bytes, size_t len) {
  return expected->len == len && (len == 0 || memcmp(expected->bytes, bytes, len) == 0);
}
