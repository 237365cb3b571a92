#include <handfast/handfast.h>
#include <openssl/ssl.h>

int main(void) {
  const hf_settings settings = {.role = HF_CLIENT};
  hf_config *config = NULL;
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  const int works = ctx != NULL && hf_config_new(&config, &settings) == HF_OK;
  hf_config_free(config);
  SSL_CTX_free(ctx);
  return works ? 0 : 1;
}
