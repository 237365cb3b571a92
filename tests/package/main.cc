#include <handfast/handfast.h>
#include <openssl/ssl.h>

int main() {
  hf_settings settings{};
  settings.role = HF_CLIENT;
  hf_config *config = nullptr;
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  bool works = ctx != nullptr && hf_config_new(&config, &settings) == HF_OK;
  // The name is there twice, and before a handshake there are no secrets.
  SSL *ssl = SSL_new(ctx);
  const uint8_t *read, *write;
  size_t read_len, write_len;
  bssl::Span<const uint8_t> read_span, write_span;
  works = works && ssl != nullptr &&
          !SSL_get_traffic_secrets(ssl, &read, &read_len, &write, &write_len) &&
          !bssl::SSL_get_traffic_secrets(ssl, &read_span, &write_span);
  SSL_free(ssl);
  hf_config_free(config);
  SSL_CTX_free(ctx);
  return works ? 0 : 1;
}
