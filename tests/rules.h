/* rules.h: what the tests of single rules share: an engine of either role with the usual settings,
 * against a crafted peer, and what came of it. */
#ifndef HANDFAST_TESTS_RULES_H
#define HANDFAST_TESTS_RULES_H

#include "craft_play.h"

/* rules_server starts an engine that is a server with tests/certs/ecdsa-p256 and |flags|
 * (HF_REQUEST_CLIENT_CERT ...) against a crafted client that shows |name| if asked; rules_client a
 * client with ALPN "a", "bb" and a name, against a crafted server with ecdsa-p256.  Both end the
 * program if they cannot. */
void rules_server(struct craft_play *play, uint32_t flags, const char *name, uint16_t sigalg);
void rules_client(struct craft_play *play);
/* rules_setup is what rules_server and rules_client start from, for tests that change it. */
void rules_setup(struct side_setup *setup, hf_role role, uint32_t flags);
/* rules_free also frees the credential of rules_setup. */
void rules_free(struct craft_play *play);

/* rules_verdict says what is wrong, NULL if nothing is: with |alert| AL_NONE the engine must not
 * have failed; else it must have failed with that alert, sent once, at level fatal (R-6.2-1), and
 * stay failed (R-H-6). */
const char *rules_verdict(struct craft_play *play, int alert);

/* rules_reason is rules_verdict, and the status must be |status| (HF_OK with AL_NONE). */
const char *rules_reason(struct craft_play *play, hf_status status, int alert);

/* rules_say sends a handshake message and frees |body|. */
void rules_say(struct craft_play *play, uint8_t type, struct buf *body);
/* rules_bytes makes a body. */
struct buf rules_bytes(const void *data, size_t len);

#endif
