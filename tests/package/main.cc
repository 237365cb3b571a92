#include <handfast/handfast.h>
#include <openssl/ssl.h>

int main() {
  hf_settings settings{};
  settings.role = HF_CLIENT;
  hf_config *config = nullptr;
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  const bool works = ctx != nullptr && hf_config_new(&config, &settings) == HF_OK;
  hf_config_free(config);
  SSL_CTX_free(ctx);
  return works ? 0 : 1;
}
