/* records.c: how fast hf_seal and hf_open are, in place, for records of some sizes. */
#include "ends.h"

/* run seals and opens records of |len| bytes for a second and prints how much that is. */
static void run(const char *name, hf_conn *from, hf_conn *to, size_t len) {
  static uint8_t record[HF_RECORD_MAX];
  double sealing = 0, opening = 0;
  size_t bytes = 0;
  hf_facts facts;
  hf_get_facts(&facts, from);
  while (sealing + opening < 1) {
    size_t written, consumed;
    hf_bytes app;
    double start = seconds();
    must(hf_seal(from, &written, record, sizeof record, record + facts.header, len) == HF_OK,
         "hf_seal");
    double middle = seconds();
    must(hf_open(to, &app, &consumed, record, written) == HF_OK && app.len == len, "hf_open");
    opening += seconds() - middle;
    sealing += middle - start;
    bytes += len;
  }
  printf("%-30s %8zu %10.0f %10.0f\n", name, len, (double)bytes / sealing / 1e6,
         (double)bytes / opening / 1e6);
}

int main(void) {
  static const struct {
    uint16_t code;
    const char *name;
  } suites[] = {{0x1301, "TLS_AES_128_GCM_SHA256"},
                {0x1302, "TLS_AES_256_GCM_SHA384"},
                {0x1303, "TLS_CHACHA20_POLY1305_SHA256"}};
  static const size_t lens[] = {64, 1350, 16384};
  static struct end client, server;
  printf("%-30s %8s %10s %10s   MB a second\n", "", "bytes", "seal", "open");
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
    ends_make(&client, &server, suites[i].code, "ecdsa-p256");
    ends_connect(&client, &server, NULL);
    for (size_t k = 0; k < sizeof lens / sizeof *lens; k++) {
      run(suites[i].name, server.conn, client.conn, lens[k]);
    }
    ends_close(&client, &server);
    ends_free(&client);
    ends_free(&server);
  }
  return 0;
}
