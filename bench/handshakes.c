/* handshakes.c: how many full TLS 1.3 handshakes a core makes in a second, each side by itself:
 * X25519, the certificate verified. */
#include "ends.h"

int main(void) {
  static const char *const certificates[] = {"ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"};
  static struct end client, server;
  printf("%-12s %12s %12s   handshakes a second\n", "", "client", "server");
  for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++) {
    double spent[2] = {0, 0};
    int num = 0;
    ends_make(&client, &server, 0x1301, certificates[i]);
    while (spent[0] + spent[1] < 1) {
      ends_connect(&client, &server, spent);
      ends_close(&client, &server);
      num++;
    }
    printf("%-12s %12.0f %12.0f\n", certificates[i], num / spent[0], num / spent[1]);
    ends_free(&client);
    ends_free(&server);
  }
  return 0;
}
