/* pair.c: see pair.h. */
#include "pair.h"

void pair_setup(struct side_setup *client, struct side_setup *server,
                const struct credential *credential, uint64_t seed) {
  const uint64_t now = 1700000000000;
  *client = (struct side_setup){
      .settings = {.role = HF_CLIENT, .version_min = 0x0304, .version_max = 0x0304},
      .start = {.now = now, .server_name = bytes_of("localhost")}};
  *server = (struct side_setup){
      .settings = {.role = HF_SERVER, .version_min = 0x0304, .version_max = 0x0304},
      .start = {.now = now},
      .credential = credential};
  side_entropy(&client->start.entropy, 2 * seed);
  side_entropy(&server->start.entropy, 2 * seed + 1);
}

hf_status pair_new(struct pair *pair, const struct side_setup *client,
                   const struct side_setup *server, size_t piece) {
  *pair = (struct pair){.piece = piece};
  const hf_status status = side_new(&pair->client, client);
  const hf_status other = side_new(&pair->server, server);
  return status == HF_OK ? other : status;
}

void pair_move(struct pair *pair, bool by_client) {
  struct side *from = by_client ? &pair->client : &pair->server;
  struct side *to = by_client ? &pair->server : &pair->client;
  const size_t said = from->out.len;
  if (pair->edit != NULL)
    pair->edit(pair->arg, by_client, pair->moved[by_client], from->out.data, said);
  pair->moved[by_client] += said;
  const size_t len = from->out.len, piece = pair->piece == 0 ? len : pair->piece;
  for (size_t at = 0; at < len; at += piece) {
    (void)side_feed(to, from->out.data + at, len - at < piece ? len - at : piece);
  }
  buf_drop(&from->out, len);
}

bool pair_run(struct pair *pair) {
  while (pair->client.out.len + pair->server.out.len > 0) {
    pair_move(pair, true);
    pair_move(pair, false);
  }
  return side_is_ready(&pair->client) && side_is_ready(&pair->server) &&
         pair->client.broken == NULL && pair->server.broken == NULL;
}

void pair_free(struct pair *pair) {
  side_free(&pair->client);
  side_free(&pair->server);
}
