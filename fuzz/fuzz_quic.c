/* fuzz_quic.c - handshake bytes by level into an engine of either role over QUIC's carrier.
 *
 * The first byte says the role, and how many turns of a conversation with another engine come
 * first; the second byte says the settings.  In each turn a byte of what goes to either may be
 * changed.  The rest is pieces: a level, two bytes of length, the bytes.  What is after a
 * conversation comes where it has led to, which may be after the handshake. */
#include "peer.h"

/* converse has |peer| talk with another, for |turns|, changing a byte each way where |in| says so.
 */
static void converse(struct fuzz_peer *peer, hf_role role, unsigned settings, int turns,
                     struct fuzz_bytes *in) {
  struct fuzz_peer helper;
  fuzz_peer_begin(&helper, role == HF_CLIENT ? HF_SERVER : HF_CLIENT, settings);
  for (int i = 0; i < turns; i++) {
    struct fuzz_peer *client = role == HF_CLIENT ? peer : &helper;
    struct fuzz_peer *server = role == HF_CLIENT ? &helper : peer;
    size_t at = take_two(in);
    (void)fuzz_quic_move(client, server, at, take(in));
    at = take_two(in);
    (void)fuzz_quic_move(server, client, at, take(in));
  }
  fuzz_peer_end(&helper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct fuzz_bytes in = {data, len};
  const uint8_t mode = take(&in);
  const unsigned settings = FUZZ_QUIC | take(&in);
  const hf_role role = mode & 1 ? HF_SERVER : HF_CLIENT;
  struct fuzz_peer peer;
  fuzz_peer_begin(&peer, role, settings);
  converse(&peer, role, settings, mode >> 1 & 3, &in);
  while (in.len > 3) {
    const hf_level level = (hf_level)(take(&in) & 3);
    size_t piece = take_two(&in);
    if (piece > in.len) piece = in.len;
    fuzz_quic_feed(&peer, level, in.data, piece);
    in.data += piece;
    in.len -= piece;
  }
  fuzz_peer_end(&peer);
  return 0;
}
