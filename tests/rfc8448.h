/* rfc8448.h: the traces of RFC 8448 sections 3 and 5, for tests.  A field that a trace lacks is
 * absent.  Messages have their 4-byte headers, records their 5-byte ones; nothing here was computed
 * by this project. */
#ifndef HANDFAST_TESTS_RFC8448_H
#define HANDFAST_TESTS_RFC8448_H

#include <handfast/handfast.h>

struct rfc8448_trace {
  const char *name;
  /* Inputs: private keys and randoms, and the answers. */
  hf_bytes client_x25519, client_p256;
  hf_bytes server_private; /* X25519 in section 3, P-256 in section 5 */
  hf_bytes server_random;
  hf_bytes certificate_der; /* RSA with 1,024 bits, issued by itself */
  hf_bytes signature;       /* rsa_pss_rsae_sha256 */
  hf_bytes cookie, ticket, ticket_nonce;
  hf_bytes data; /* what both sides send */
  /* Messages. */
  hf_bytes client_hello, retry_request, retry_hello, server_hello, encrypted_extensions;
  hf_bytes certificate, certificate_verify, ticket_message;
  hf_bytes server_flight;                    /* EncryptedExtensions to Finished */
  hf_bytes server_finished, client_finished; /* verify_data */
  /* Secrets (RFC 9846 7.1). */
  hf_bytes client_handshake_traffic, server_handshake_traffic;
  hf_bytes client_application_traffic, server_application_traffic;
  hf_bytes main; /* main_secret, which hangs on the key exchange alone */
  hf_bytes exporter, resumption, resumption_psk;
  /* "Complete records". */
  hf_bytes client_hello_record, retry_request_record, retry_hello_record;
  hf_bytes server_hello_record, server_flight_record, client_finished_record, ticket_record;
  hf_bytes client_data_record, server_data_record, client_alert_record, server_alert_record;
};

extern const struct rfc8448_trace rfc8448_simple, rfc8448_retry;

#endif
