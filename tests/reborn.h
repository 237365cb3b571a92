/* reborn.h: a connection that is saved, freed and loaded, for tests. */
#ifndef HANDFAST_TESTS_REBORN_H
#define HANDFAST_TESTS_REBORN_H

#include <handfast/handfast.h>

#include "buf.h"

/* reborn saves |*conn|, loads what was saved, and puts the new connection in the place of the old
 * one, which it frees.  It returns NULL if the two are the same as far as can be seen from outside,
 * else what differs.  |identity| may be NULL. */
const char *reborn(hf_conn **conn, const hf_identity *identity);
/* reborn_save saves |conn| into |out|, which is emptied first; false: it could not. */
bool reborn_save(struct buf *out, const hf_conn *conn);

#endif
