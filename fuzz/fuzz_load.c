/* fuzz_load.c - saved states, changed, into hf_load, and what comes out of it through a handshake.
 *
 * The input: a byte for the role and the version, one for the settings, one for the step of a
 * handshake at which the state is taken, one for what is done afterwards; then changes, three bytes
 * each: how far to go on in the state (16 bits), and what to add to the byte there.  The digest is
 * put right again, so that what is behind it is reached.  A state that is loaded is driven with a
 * real peer of the same handshake, and saved once more; nothing may crash or go round for ever. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "peer.h"

enum { MOST_STEPS = 64, MOST_TICKETS = 100 };

static uint8_t *save(const hf_conn *conn, size_t *len) {
  size_t size = hf_save_size(conn);
  uint8_t *state = malloc(size);
  CHECK(size > 0 && state != NULL);
  CHECK(hf_save(conn, state, len, size) == HF_OK && *len == size);
  return state;
}

static void change(uint8_t *state, size_t len, struct fuzz_bytes *in) {
  /* Behind the digests of the version and the settings. */
  size_t at = 64, end = len - SHA256_DIGEST_LENGTH;
  while (in->len >= 3) {
    at += (size_t)take(in) << 8;
    at += take(in);
    if (at >= end) break;
    state[at] = (uint8_t)(state[at] + take(in));
  }
  SHA256(state, end, state + end);
}

/* Goes on with |peer| as far as there is anything to do. */
static void drive(struct fuzz_peer *peer, struct fuzz_peer *helper, uint8_t commands) {
  for (int turn = 0; turn < 3; turn++) {
    fuzz_feed(peer, NULL, 0);
    fuzz_move_all(peer, helper);
    fuzz_move_all(helper, peer);
    if (turn == 1) fuzz_command(peer, commands);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct fuzz_bytes in = {data, len};
  struct fuzz_peer peer, helper;
  const uint8_t first = take(&in);
  const hf_role role = first & 1 ? HF_SERVER : HF_CLIENT;
  const unsigned settings = take(&in) | (first & 64 ? (unsigned)FUZZ_TLS12 : 0);
  const uint8_t step = take(&in) % MOST_STEPS, commands = take(&in);
  size_t state_len = 0;
  fuzz_peer_begin(&peer, role, settings);
  fuzz_peer_begin(&helper, role == HF_SERVER ? HF_CLIENT : HF_SERVER, settings);
  for (uint8_t i = 0; i < step && !(hf_wants(peer.conn) & HF_FAILED); i++) {
    fuzz_step(&peer, &helper);
  }
  uint8_t *state = save(peer.conn, &state_len);
  change(state, state_len, &in);
  hf_conn *loaded = NULL;
  const hf_config *config = peer.config;
  const hf_identity *identity = fuzz_identity();
  const hf_status status = hf_load(&loaded, &config, 1, &identity, 1, (hf_bytes){state, state_len});
  free(state);
  CHECK((status == HF_OK) == (loaded != NULL));
  CHECK(status == HF_OK || status == HF_BAD_STATE || status == HF_MISUSE);
  /* Tickets by the ten thousand are no fault, but take their time. */
  if (loaded != NULL && hf_tickets_waiting(loaded) > MOST_TICKETS) {
    hf_free(loaded);
    loaded = NULL;
  }
  if (loaded != NULL) {
    hf_free(peer.conn);
    peer.conn = loaded;
    peer.wrong = true;
    free(save(loaded, &state_len));
    drive(&peer, &helper, commands);
    free(save(peer.conn, &state_len));
  }
  fuzz_peer_end(&peer);
  fuzz_peer_end(&helper);
  return 0;
}
