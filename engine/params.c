/* params.c: EncryptedExtensions and CertificateRequest, both sides (RFC 9846 4.4); EndOfEarlyData
 * (4.6). */
#include "engine.h"

size_t hf_bound_ENCRYPTED_EXTENSIONS(const hf_conn *conn) {
  // And for what follows in the same flight, which is one allocation then.
  const size_t rest = conn->hs->identity != NULL ? 512 + hf_bound_CERTIFICATE(conn) : 64;
  return 80 + conn->alpn_len + hf_quic_params_bound(conn) + hf_custom_bound(conn) + rest;
}

hf_status hf_send_ENCRYPTED_EXTENSIONS(hf_conn *conn, CBB *body) {
  if (hf_has(conn, EARLY)) {
    conn->early_accepted = true;
  }
  return hf_extensions_send(conn, EE, body);
}

hf_status hf_receive_ENCRYPTED_EXTENSIONS(hf_conn *conn, CBS *body) {
  uint32_t mask;
  hf_forget_alpn(conn);  // what early data went out under
  HF_TRY(hf_extensions_receive(conn, EE, body, &mask));
  if (!hf_quic_told_params(conn, mask)) {
    return HF_MISSING_EXTENSION;  // RFC 9001 8.2
  }
  HF_TRY(hf_quic_check_alpn(conn));
  if (hf_has(conn, EARLY) && !conn->early_accepted) {
    hf_refuse_early(conn);
  }
  return hf_has(conn, EARLY) ? hf_psk_check_early(conn) : HF_OK;
}

size_t hf_bound_CERTIFICATE_REQUEST(const hf_conn *conn) {
  const hf_settings *s = &conn->config->settings;
  if (hf_tls12(conn)) {
    return hf_bound_request_12(conn);
  }
  return 64 + hf_custom_bound(conn) + hf_authorities_bound(s) +
         2 * (s->verify_sigalgs.num + s->cert_sigalgs.num + s->decompressors.num +
              s->delegated_sigalgs.num);
}

hf_status hf_send_CERTIFICATE_REQUEST(hf_conn *conn, CBB *body) {
  if (hf_tls12(conn)) {
    return hf_send_request_12(conn, body);
  }
  // An empty context: RFC 9846 4.4.2.
  return CBB_add_u8(body, 0) ? hf_extensions_send(conn, CR, body) : HF_INTERNAL;
}

hf_status hf_receive_CERTIFICATE_REQUEST(hf_conn *conn, CBS *body) {
  CBS context;
  uint32_t mask;
  if (hf_tls12(conn)) {
    return hf_receive_request_12(conn, body);
  }
  if (!CBS_get_u8_length_prefixed(body, &context)) {
    return HF_DECODE_ERROR;
  }
  if (CBS_len(&context) != 0) {
    return HF_BAD_CONTEXT;
  }
  HF_TRY(hf_extensions_receive(conn, CR, body, &mask));
  conn->hs->peer_asked = mask;
  return mask & 1u << HF_EXT_signature_algorithms ? HF_OK : HF_MISSING_REQUEST_SIGALGS;
}

size_t hf_bound_END_OF_EARLY_DATA(const hf_conn *conn) {
  (void)conn;
  return 0;
}

hf_status hf_send_END_OF_EARLY_DATA(hf_conn *conn, CBB *body) {
  (void)conn;
  (void)body;
  return HF_OK;
}

hf_status hf_receive_END_OF_EARLY_DATA(hf_conn *conn, CBS *body) {
  (void)body;  // empty, which the interpreter checks
  conn->early_left = 0;
  return HF_OK;
}
