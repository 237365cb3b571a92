// plain_bio_pair_link.c once more, linked with the shared library.
#define HF_LINKED_SHARED 1
#include "plain_bio_pair_link.c"
