/* fuzz_open.c - bytes into an engine of either role.
 *
 * The first byte says the role, whether it is TLS 1.2, and how the rest is meant:
 *   raw      fed as it is, in pieces whose lengths are in it
 *   sealed   a list of messages; each goes into a record under the keys that the engine reads with,
 *            so that what is behind the encryption is reached; a real peer's hello comes first, so
 *            that there are keys
 *   changed  a whole conversation between two engines, of which the rest changes bytes on their way
 * The second byte says the settings.  Every question is answered.  Whatever comes, the promises
 * that side.c's loop relies on are checked: no answer that ends in a trap. */
#include <stdlib.h>
#include <string.h>

#include "peer.h"

/* Raw bytes, in pieces: a length byte, then so many (0: 200). */
static void raw(struct fuzz_peer *peer, struct fuzz_bytes in) {
  while (in.len > 0) {
    size_t piece = take(&in);
    if (piece == 0) piece = 200;
    if (piece > in.len) piece = in.len;
    fuzz_feed(peer, in.data, piece);
    in.data += piece;
    in.len -= piece;
  }
}

/* Messages: a content type, two bytes of length, and the content. */
static void sealed(struct fuzz_peer *peer, struct fuzz_bytes in) {
  while (in.len > 3) {
    uint8_t type = take(&in);
    size_t content = (size_t)take(&in) << 8;
    content |= take(&in);
    if (content > in.len) content = in.len;
    fuzz_feed_sealed(peer, type, in.data, content);
    in.data += content;
    in.len -= content;
  }
}

/* Moves what |from| has to say to |to|; now and then a byte is another, or is gone. */
static void move(struct fuzz_peer *from, struct fuzz_peer *to, struct fuzz_bytes *in) {
  size_t len = 0, at = 0;
  uint8_t *bytes = fuzz_take_output(from, &len);
  while (in->len >= 3 && at < len) {
    at += (size_t)take(in) << 8;
    at += take(in);
    if (at >= len) break;
    bytes[at] ^= take(in);
  }
  fuzz_feed(to, bytes, len);
  free(bytes);
}

static void changed(unsigned settings, struct fuzz_bytes in) {
  struct fuzz_peer client, server;
  fuzz_peer_begin(&client, HF_CLIENT, settings);
  fuzz_peer_begin(&server, HF_SERVER, settings);
  for (int turn = 0; turn < 6; turn++) {
    move(&client, &server, &in);
    move(&server, &client, &in);
    if (turn == 2 && in.len > 0) fuzz_command(&client, take(&in));
    if (turn == 3 && in.len > 0) fuzz_command(&server, take(&in));
  }
  fuzz_peer_end(&client);
  fuzz_peer_end(&server);
}

/* Brings |peer| to where it reads under keys, with the help of another engine. */
static void bring_to_keys(struct fuzz_peer *peer, hf_role role, unsigned settings,
                          bool to_the_end) {
  struct fuzz_peer helper;
  struct fuzz_bytes nothing = {NULL, 0};
  fuzz_peer_begin(&helper, role == HF_CLIENT ? HF_SERVER : HF_CLIENT, settings);
  /* How far: after the hellos, or to the end. */
  for (int turn = 0; turn < 6 && (to_the_end || !fuzz_reads_sealed(peer)); turn++) {
    move(peer, &helper, &nothing);
    if (!to_the_end && role == HF_CLIENT)
      fuzz_move_records(&helper, peer);
    else
      move(&helper, peer, &nothing);
  }
  fuzz_peer_end(&helper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct fuzz_bytes in = {data, len};
  uint8_t mode = take(&in);
  unsigned settings = take(&in);
  if (mode & 64) settings |= FUZZ_TLS12;
  hf_role role = mode & 1 ? HF_SERVER : HF_CLIENT;
  if ((mode >> 1) % 3 == 2) {
    changed(settings, in);
    return 0;
  }
  struct fuzz_peer peer;
  fuzz_peer_begin(&peer, role, settings);
  if ((mode >> 1) % 3 == 1) {
    bring_to_keys(&peer, role, settings, mode >= 128);
    sealed(&peer, in);
  } else {
    raw(&peer, in);
  }
  fuzz_peer_end(&peer);
  return 0;
}
