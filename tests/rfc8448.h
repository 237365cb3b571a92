/* rfc8448.h: the traces of RFC 8448 sections 3 to 7, for tests.  A field that a trace lacks is
 * absent.  Messages have their 4-byte headers, records their 5-byte ones; nothing here was computed
 * by this project. */
#ifndef HANDFAST_TESTS_RFC8448_H
#define HANDFAST_TESTS_RFC8448_H

#include <handfast/handfast.h>

struct rfc8448_trace {
  const char *name;
  /* Inputs: private keys and randoms, and the answers. */
  hf_bytes client_x25519, client_p256;
  hf_bytes server_private; /* P-256 in section 5, else X25519 */
  hf_bytes server_random;
  hf_bytes certificate_der; /* RSA with 1,024 bits, in section 6 P-256; issued by itself */
  hf_bytes signature;       /* rsa_pss_rsae_sha256, in section 6 ecdsa_secp256r1_sha256 */
  hf_bytes client_certificate_der, client_signature; /* RSA; rsa_pss_rsae_sha256 */
  hf_bytes cookie, ticket, ticket_nonce;
  hf_bytes data;       /* what both sides send */
  hf_bytes early_data; /* what the client sends before */
  /* Messages. */
  hf_bytes client_hello, retry_request, retry_hello, server_hello, encrypted_extensions;
  hf_bytes certificate_request, certificate, certificate_verify, ticket_message;
  hf_bytes client_certificate, client_certificate_verify;
  hf_bytes server_flight;                    /* EncryptedExtensions to Finished */
  hf_bytes server_finished, client_finished; /* verify_data */
  hf_bytes binder;
  /* Secrets (RFC 9846 7.1). */
  hf_bytes early_traffic, early_exporter;
  hf_bytes client_handshake_traffic, server_handshake_traffic;
  hf_bytes client_application_traffic, server_application_traffic;
  hf_bytes main; /* main_secret, which hangs on the key exchange alone */
  hf_bytes exporter, resumption, resumption_psk;
  /* "Complete records". */
  hf_bytes client_hello_record, retry_request_record, retry_hello_record;
  hf_bytes server_hello_record, server_flight_record, client_finished_record, ticket_record;
  hf_bytes early_data_record, end_of_early_data_record, client_ccs_record, server_ccs_record;
  hf_bytes client_data_record, server_data_record, client_alert_record, server_alert_record;
};

extern const struct rfc8448_trace rfc8448_simple, rfc8448_early, rfc8448_retry;
extern const struct rfc8448_trace rfc8448_client_auth, rfc8448_compatibility;

#endif
