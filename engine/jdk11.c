/* jdk11.c: which hellos are JDK 11's.
 *
 * Before 11.0.2 its TLS 1.3 leaves the server's name out of a hello that resumes a session, among
 * other things (JDK-8211806, JDK-8212885, JDK-8213202), so that servers may rather speak TLS 1.2
 * with it (HF_JDK11_WORKAROUND).  No field says who a client is: a hello is taken for one of JDK
 * 11 if it has its extensions, in its order, and lacks what it lacks. */
#include "engine.h"

/* What it may send, as numbers of extensions, in the order in which it does; and what it must. */
enum { STATUS_REQUEST_V2 = 17, NO_PLACE = 16 };

static const struct {
  uint16_t code;
  bool always;
} places[NO_PLACE] = {
    {0, false},                  // server_name
    {1, false},                  // max_fragment_length
    {5, false},                  // status_request
    {10, true},                  // supported_groups
    {11, false},                 // ec_point_formats
    {13, true},                  // signature_algorithms
    {50, true},                  // signature_algorithms_cert
    {16, false},                 // application_layer_protocol_negotiation
    {STATUS_REQUEST_V2, false},  // RFC 6961
    {23, false},                 // extended_master_secret
    {43, true},                  // supported_versions
    {44, false},                 // cookie
    {45, true},                  // psk_key_exchange_modes
    {51, true},                  // key_share
    {65281, false},              // renegotiation_info
    {41, false},                 // pre_shared_key
};

/* Each extension has a place behind the one before it, and none that is always sent is missing.
 * |*status_v2|: was status_request_v2 among them? */
static bool ordered(const hf_conn *conn, bool *status_v2) {
  const hf_bytes block = hf_hello_at(conn, conn->hs->hello.extensions);
  CBS list, body;
  uint16_t code;
  size_t at = 0;
  *status_v2 = false;
  CBS_init(&list, block.data, block.len);
  while (CBS_get_u16(&list, &code) && CBS_get_u16_length_prefixed(&list, &body)) {
    for (; at < NO_PLACE && places[at].code != code; at++) {
      if (places[at].always) {
        return false;
      }
    }
    if (at == NO_PLACE) {
      return false;
    }
    at++;
    *status_v2 = *status_v2 || code == STATUS_REQUEST_V2;
  }
  while (at < NO_PLACE && !places[at].always) {
    at++;
  }
  return at == NO_PLACE;
}

/* Every JDK says twice what it can verify; hardly anybody else does. */
static bool same_sigalgs(const hf_conn *conn) {
  CBS handshake, chain;
  return hf_ext_body(conn, HF_EXT_signature_algorithms, &handshake) &&
         hf_ext_body(conn, HF_EXT_signature_algorithms_cert, &chain) &&
         CBS_mem_equal(&handshake, CBS_data(&chain), CBS_len(&chain));
}

bool hf_avoids_13(const hf_conn *conn) {
  enum { CHACHA20_POLY1305_SHA256 = 0x1303, X25519 = 0x001d };
  bool status_v2;
  return (conn->config->settings.flags & HF_JDK11_WORKAROUND) != 0 &&
         !hf_wire_has(hf_hello_suites(conn), CHACHA20_POLY1305_SHA256) &&
         !hf_wire_has(hf_hello_list(conn, HF_EXT_supported_groups, false), X25519) &&
         ordered(conn, &status_v2) && same_sigalgs(conn) &&
         // It asks for stapled responses in both ways or in none.
         status_v2 == hf_ext_offered(conn, HF_EXT_status_request);
}
