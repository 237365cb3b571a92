/* auth.c: Certificate, CertificateVerify and Finished, both sides (RFC 9846 4.5), and the questions
 * about them: IDENTITY, SIGNATURE, VERDICT, DECOMPRESS (RFC 8879).
 *
 * The proofs SIGNATURE, CHAIN and FINISHED are set here, each on the line after its check. */
#include "engine.h"

#include <string.h>

/* ---- IDENTITY ---- */

static CBS request_list(const hf_conn *conn, hf_span span) {
  CBS list;
  const hf_bytes bytes = hf_at(conn, span);
  CBS_init(&list, bytes.data, bytes.len);
  return list;
}

/* The list of 16-bit codes in an extension of the peer's request: its hello, or its
 * CertificateRequest. */
static CBS asked_codes(const hf_conn *conn, hf_ext ext, hf_span request) {
  CBS body, list;
  if (!hf_is_server(conn)) {
    return request_list(conn, request);
  }
  CBS_init(&list, NULL, 0);
  if (hf_ext_body(conn, ext, &body)) {
    (void)(ext == HF_EXT_compress_certificate ? CBS_get_u8_length_prefixed(&body, &list)
                                              : CBS_get_u16_length_prefixed(&body, &list));
  }
  return list;
}

CBS hf_asked_compression(const hf_conn *conn) {
  return asked_codes(conn, HF_EXT_compress_certificate, conn->hs->request_compression);
}

static CBS asked_sigalgs(const hf_conn *conn) {
  return asked_codes(conn, HF_EXT_signature_algorithms, conn->hs->request_sigalgs);
}

static CBS asked_cert_sigalgs(const hf_conn *conn) {
  return asked_codes(conn, HF_EXT_signature_algorithms_cert, conn->hs->request_cert_sigalgs);
}

static CBS asked_delegated(const hf_conn *conn) {
  return asked_codes(conn, HF_EXT_delegated_credential, conn->hs->request_delegated);
}

static CBS asked_authorities(const hf_conn *conn) {
  return asked_codes(conn, HF_EXT_certificate_authorities, conn->hs->request_authorities);
}

/* The types that this side's certificate may have; a server settles the client's too, if it asks
 * for one. */
static hf_status settle_types(hf_conn *conn, uint16_t out[HF_CERT_TYPES], size_t *num) {
  uint16_t client[HF_CERT_TYPES];
  if (!hf_is_server(conn)) {
    out[0] = conn->hs->cert_type[HF_CLIENT];
    *num = 1;
    return HF_OK;
  }
  *num = hf_common_types(out, conn, HF_SERVER);
  if (conn->config->settings.flags & HF_REQUEST_CLIENT_CERT) {
    if (hf_common_types(client, conn, HF_CLIENT) == 0) {
      return HF_NO_CERT_TYPE;  // RFC 7250 4.2
    }
    conn->hs->cert_type[HF_CLIENT] = (uint8_t)client[0];
  }
  return *num > 0 ? HF_OK : HF_NO_CERT_TYPE;
}

/* In TLS 1.2, where the suite says what kind of key signs, only those that both have. */
static hf_codes unpack_suites(uint16_t **at, const hf_conn *conn, CBS wire) {
  hf_codes codes = {*at, 0};
  uint16_t code;
  while (CBS_get_u16(&wire, &code)) {
    if (!hf_tls12(conn) || hf_codes_have(conn->config->settings.suites, code)) {
      *(*at)++ = code;
      codes.num++;
    }
  }
  return codes;
}

hf_status hf_ask_IDENTITY(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  uint16_t types[HF_CERT_TYPES];
  size_t num_types;
  const CBS sigalgs = asked_sigalgs(conn), cert_sigalgs = asked_cert_sigalgs(conn);
  CBS names = asked_authorities(conn), groups, suites, body, name;
  CBS_init(&groups, NULL, 0);
  CBS_init(&suites, NULL, 0);
  if (hf_is_server(conn)) {
    HF_TRY(hf_tls12(conn) ? hf_without_sigalgs_12(conn) : hf_without_psk(conn));
    if (hf_ext_body(conn, HF_EXT_supported_groups, &body)) {
      (void)CBS_get_u16_length_prefixed(&body, &groups);
    }
    const hf_bytes bytes = hf_hello_at(conn, hs->hello.suites);
    CBS_init(&suites, bytes.data, bytes.len);
  }
  HF_TRY(settle_types(conn, types, &num_types));
  size_t num_names = 0;
  for (CBS count = names; CBS_get_u16_length_prefixed(&count, &name);) {
    num_names++;
  }
  void *lists;
  HF_TRY(hf_lists_new(hs, &lists,
                      num_names * sizeof(hf_bytes) + CBS_len(&sigalgs) + CBS_len(&cert_sigalgs) +
                          CBS_len(&groups) + CBS_len(&suites) + sizeof(types)));
  hf_bytes *authorities = lists;
  for (size_t i = 0; CBS_get_u16_length_prefixed(&names, &name); i++) {
    authorities[i] = hf_range(CBS_data(&name), CBS_len(&name));
  }
  uint16_t *at = (uint16_t *)(void *)(authorities + num_names);
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_IDENTITY);
  q->identity.sigalgs = hf_unpack_codes(&at, sigalgs);
  q->identity.cert_sigalgs =
      CBS_len(&cert_sigalgs) > 0 ? hf_unpack_codes(&at, cert_sigalgs) : q->identity.sigalgs;
  q->identity.groups = hf_unpack_codes(&at, groups);
  q->identity.suites = unpack_suites(&at, conn, suites);
  memcpy(at, types, num_types * sizeof(types[0]));
  q->identity.types = (hf_codes){at, num_types};
  q->identity.authorities = num_names > 0 ? authorities : NULL;
  q->identity.num_authorities = num_names;
  q->identity.certificate_types = hf_at(conn, hs->request_types);
  return HF_OK;
}

static hf_status choose_sigalg(hf_conn *conn, const hf_identity *identity) {
  const CBS theirs = asked_sigalgs(conn);
  if (hf_tls12(conn) && hf_is_server(conn)) {
    return hf_suite_for_12(conn, identity);
  }
  // A delegated credential goes before its certificate's own key: RFC 9345 4.1.
  if (!hf_tls12(conn) && identity->delegated.data != NULL &&
      hf_wire_has(asked_delegated(conn), identity->delegated_sigalg) &&
      hf_wire_has(theirs, identity->delegation_sigalg)) {
    conn->own_sigalg = identity->delegated_sigalg;
    conn->own_delegated = true;
    return HF_OK;
  }
  for (size_t i = 0; i < identity->num_sigalgs; i++) {
    const hf_sigalg *sigalg = hf_sigalg_find(identity->sigalgs[i]);
    if (sigalg != NULL && hf_may_sign(conn, sigalg) && hf_wire_has(theirs, sigalg->id)) {
      conn->own_sigalg = identity->sigalgs[i];
      return HF_OK;
    }
  }
  return HF_NO_COMMON_SIGALG;
}

static uint8_t type_of(const hf_identity *identity) {
  return identity->raw_key ? HF_CERT_RAW_KEY : HF_CERT_X509;
}

/* What the side that answered will write. */
static hf_status take_identity(hf_conn *conn, hf_identity *identity) {
  const bool server = hf_is_server(conn);
  const uint32_t flags = conn->config->settings.flags;
  if (server) {
    hf_flag(conn, CERT_REQUESTED, (flags & HF_REQUEST_CLIENT_CERT) != 0);
    hf_flag(conn, CLIENT_COMPRESSED, conn->config->settings.decompressors.num > 0);
    if (identity == NULL) {
      return HF_NO_IDENTITY;
    }
  }
  hf_identity_free(conn->hs->identity);
  conn->hs->identity = identity;
  if (!server) {
    hf_flag(conn, CLIENT_CERT, identity != NULL);
    hf_flag(conn, CLIENT_COMPRESSED, false);
  }
  if (identity == NULL) {
    hf_hear_no_more_12(conn);
    return HF_OK;
  }
  hf_identity_up_ref(identity);
  conn->own_raw_key = identity->raw_key;
  conn->hs->cert_type[conn->role] = type_of(identity);
  HF_TRY(choose_sigalg(conn, identity));
  hf_choose_compression(conn);
  if (server && hf_tls12(conn)) {
    hf_promise_12(conn);
  }
  return HF_OK;
}

hf_status hf_answer_identity(hf_conn *conn, const hf_identity *identity) {
  enum { MOST = 65000 };
  if (!hf_answering(conn, HF_ASK_IDENTITY)) {
    return HF_MISUSE;
  }
  if (identity != NULL &&
      (!hf_codes_have(conn->hs->question.identity.types, type_of(identity)) ||
       (hf_custom_sends(conn, CT) &&
        identity->ocsp.len + identity->scts.len + identity->delegated.len + hf_custom_bound(conn) >
            MOST))) {
    return HF_MISUSE;
  }
  return hf_answered(conn, take_identity(conn, (hf_identity *)identity));
}

/* ---- Certificate ---- */

size_t hf_bound_CERTIFICATE(const hf_conn *conn) {
  const hf_identity *identity = conn->hs->identity;
  // An entry costs two bytes more than its certificate has here.
  return identity == NULL
             ? 8
             : 64 + identity->chain.len + 2 * identity->num_chain + identity->ocsp.len +
                   identity->scts.len + identity->delegated.len + hf_custom_bound(conn);
}

hf_status hf_send_CERTIFICATE(hf_conn *conn, CBB *body) {
  const hf_identity *identity = conn->hs->identity;
  CBB list, data;
  CBS chain, certificate;
  if (hf_tls12(conn)) {
    return hf_send_certificate_12(conn, body);
  }
  if (!CBB_add_u8(body, 0) || !CBB_add_u24_length_prefixed(body, &list)) {
    return HF_INTERNAL;
  }
  CBS_init(&chain, NULL, 0);
  if (identity != NULL) {
    CBS_init(&chain, identity->chain.data, identity->chain.len);
  }
  for (bool first = true; CBS_get_u24_length_prefixed(&chain, &certificate); first = false) {
    if (!CBB_add_u24_length_prefixed(&list, &data) ||
        !CBB_add_bytes(&data, CBS_data(&certificate), CBS_len(&certificate)) || !CBB_flush(&list)) {
      return HF_INTERNAL;
    }
    if (first) {
      HF_TRY(hf_extensions_send(conn, CT, &list));
    } else if (!CBB_add_u16(&list, 0 /* no extensions */)) {
      return HF_INTERNAL;
    }
  }
  return CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

/* Reads CertificateEntry (RFC 9846 4.5.1); one of TLS 1.2 is a certificate alone. */
static bool next_entry(const hf_conn *conn, CBS *list, CBS *certificate, CBS *extensions) {
  if (!CBS_get_u24_length_prefixed(list, certificate) || CBS_len(certificate) == 0) {
    return false;
  }
  CBS_init(extensions, CBS_data(list), 0);
  return hf_tls12(conn) || CBS_get_u16_length_prefixed(list, extensions);
}

/* Takes the key out of the first entry, or out of the delegated credential beside it; |more|: there
 * are others. */
static hf_status take_key(hf_conn *conn, CBS certificate, CBS extensions, bool more) {
  hf_hs *hs = conn->hs;
  CBS bodies[HF_NUM_EXT];
  uint32_t mask;
  HF_TRY(hf_extensions_parse(conn, CT, extensions, bodies, &mask));
  const bool delegated = (mask & 1u << HF_EXT_delegated_credential) != 0;
  if (hs->cert_type[!conn->role] == HF_CERT_RAW_KEY) {
    if (more || delegated) {
      return HF_RAW_KEY_CHAIN;  // RFC 9846 4.5.1; RFC 9345 4: nothing could have signed it
    }
    conn->peer_raw_key = true;
    return hf_raw_key(&hs->peer_key, certificate);
  }
  if (!hf_codes_have(conn->config->settings.peer_cert_types, HF_CERT_X509)) {
    return HF_NO_CERT_TYPE;  // RFC 7250 4.2: a server that knows no other
  }
  HF_TRY(hf_leaf_signs(certificate));
  HF_TRY(hf_leaf_key(&hs->peer_key, certificate));
  return delegated ? hf_take_delegated(conn, certificate, bodies[HF_EXT_delegated_credential])
                   : HF_OK;
}

/* The body of a Certificate, as it came or decompressed. */
static hf_status read_certificate(hf_conn *conn, CBS *body, const uint8_t *base) {
  CBS context, list, certificate, extensions;
  CBS bodies[HF_NUM_EXT];
  uint32_t mask;
  if (!CBS_get_u8_length_prefixed(body, &context) || !CBS_get_u24_length_prefixed(body, &list)) {
    return HF_DECODE_ERROR;
  }
  if (CBS_len(&context) != 0) {
    return HF_BAD_CONTEXT;
  }
  if (CBS_len(&list) == 0) {
    if (!hf_is_server(conn)) {
      return HF_EMPTY_CERTIFICATE;  // RFC 9846 4.5.1.3
    }
    return conn->config->settings.flags & HF_REQUIRE_CLIENT_CERT ? HF_CERTIFICATE_REQUIRED : HF_OK;
  }
  conn->hs->certificates.start = (uint32_t)(CBS_data(&list) - base);
  conn->hs->certificates.len = (uint32_t)CBS_len(&list);
  CBS first = list;
  for (bool end_entity = true; CBS_len(&list) > 0; end_entity = false) {
    if (!next_entry(conn, &list, &certificate, &extensions)) {
      return HF_DECODE_ERROR;
    }
    HF_TRY(hf_extensions_parse(conn, CT, extensions, bodies, &mask));
    HF_TRY(hf_extensions_handle(conn, CT, bodies, mask));
    if (end_entity) {
      HF_TRY(hf_custom_keep(conn, CT, extensions));
    }
  }
  if (CBS_len(body) != 0) {
    return HF_TRAILING_DATA;
  }
  // The form of the message is in order; now its first certificate.
  return next_entry(conn, &first, &certificate, &extensions)
             ? take_key(conn, certificate, extensions, CBS_len(&first) > 0)
             : HF_INTERNAL;
}

/* The peer's list of CertificateEntry. */
static CBS certificate_list(const hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  const uint8_t *base = hs->decompressed.data != NULL ? hs->decompressed.data : conn->in.data;
  CBS list;
  CBS_init(&list, base == NULL ? NULL : base + hs->certificates.start, hs->certificates.len);
  return list;
}

hf_status hf_receive_CERTIFICATE(hf_conn *conn, CBS *body) {
  if (hf_tls12(conn)) {
    return hf_receive_certificate_12(conn, body);
  }
  HF_TRY(read_certificate(conn, body, conn->in.data));
  if (hf_is_server(conn)) {
    hf_flag(conn, CLIENT_CERT, conn->hs->certificates.len > 0);
  }
  return HF_OK;
}

hf_status hf_receive_COMPRESSED_CERTIFICATE(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS data;
  if (!CBS_get_u16(body, &hs->compression) || !CBS_get_u24(body, &hs->decompressed_len) ||
      !CBS_get_u24_length_prefixed(body, &data)) {
    return HF_DECODE_ERROR;
  }
  if (!hf_codes_have(conn->config->settings.decompressors, hs->compression)) {
    return HF_UNKNOWN_COMPRESSION;
  }
  // RFC 8879 4: a length over the limit is known before anything is decompressed.
  if (hs->decompressed_len > conn->config->settings.max_message) {
    return HF_CERTIFICATE_TOO_LONG;
  }
  if (CBS_len(&data) == 0) {
    return HF_BAD_DECOMPRESSION;
  }
  hs->decompressing.start = (uint32_t)(CBS_data(&data) - conn->in.data);
  hs->decompressing.len = (uint32_t)CBS_len(&data);
  return HF_OK;
}

hf_status hf_ask_DECOMPRESS(hf_conn *conn) {
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_DECOMPRESS);
  q->decompress.algorithm = conn->hs->compression;
  q->decompress.data = hf_at(conn, conn->hs->decompressing);
  q->decompress.length = conn->hs->decompressed_len;
  return HF_OK;
}

static hf_status take_decompressed(hf_conn *conn, hf_bytes message) {
  hf_hs *hs = conn->hs;
  CBS body;
  if (message.len != hs->decompressed_len || message.data == NULL) {
    return HF_BAD_DECOMPRESSION;
  }
  HF_TRY(hf_copy(&hs->decompressed, message.data, message.len));
  CBS_init(&body, hs->decompressed.data, hs->decompressed.len);
  HF_TRY(read_certificate(conn, &body, hs->decompressed.data));
  if (CBS_len(&body) != 0) {
    return HF_TRAILING_DATA;
  }
  if (hf_is_server(conn)) {
    hf_flag(conn, CLIENT_CERT, hs->certificates.len > 0);
  }
  return HF_OK;
}

hf_status hf_answer_decompress(hf_conn *conn, hf_bytes message) {
  if (!hf_answering(conn, HF_ASK_DECOMPRESS)) {
    return HF_MISUSE;
  }
  return hf_answered(conn, take_decompressed(conn, message));
}

/* ---- VERDICT ---- */

/* What is stapled to the end entity, out of the extensions of its entry. */
static hf_status find_stapled(const hf_conn *conn, CBS extensions, hf_bytes *ocsp, hf_bytes *scts) {
  CBS bodies[HF_NUM_EXT], response;
  uint32_t mask;
  HF_TRY(hf_extensions_parse(conn, CT, extensions, bodies, &mask));
  if (mask & 1u << HF_EXT_status_request) {
    if (!hf_read_status(&bodies[HF_EXT_status_request], &response)) {
      return HF_INTERNAL;  // the handler read it
    }
    *ocsp = hf_range(CBS_data(&response), CBS_len(&response));
  }
  if (mask & 1u << HF_EXT_signed_certificate_timestamp) {
    const CBS *body = &bodies[HF_EXT_signed_certificate_timestamp];
    *scts = hf_range(CBS_data(body), CBS_len(body));
  }
  return HF_OK;
}

hf_status hf_ask_VERDICT(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  hf_bytes ocsp = {NULL, 0}, scts = {NULL, 0};
  CBS list = certificate_list(conn), certificate, extensions;
  bool not_for_signing = false;
  size_t num = 0;
  if (hf_has(conn, REVERIFY)) {
    hf_ask_begin(conn, HF_ASK_VERDICT)->verdict.server_name =
        hf_range(conn->server_name, conn->server_name_len);
    return HF_OK;
  }
  for (CBS count = list; next_entry(conn, &count, &certificate, &extensions);) {
    num++;
  }
  if (num == 0) {
    return HF_INTERNAL;  // a state that was loaded said so
  }
  void *lists;
  HF_TRY(hf_lists_new(hs, &lists, num * sizeof(hf_bytes)));
  hf_bytes *chain = lists;
  for (size_t i = 0; next_entry(conn, &list, &certificate, &extensions); i++) {
    chain[i] = hf_range(CBS_data(&certificate), CBS_len(&certificate));
    if (i == 0) {
      HF_TRY(find_stapled(conn, extensions, &ocsp, &scts));
      // Who insists on it has refused the certificate.
      not_for_signing = !conn->peer_raw_key && hf_leaf_signs(certificate) == HF_KEY_USAGE;
    }
  }
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_VERDICT);
  q->verdict.chain = chain;
  q->verdict.num = num;
  if (hf_tls12(conn)) {
    ocsp = hf_at(conn, hs->status);
    scts = hf_at(conn, hs->scts);
  }
  q->verdict.ocsp = ocsp;
  q->verdict.scts = scts;
  q->verdict.raw_key = conn->peer_raw_key;
  q->verdict.not_for_signing = not_for_signing;
  if (!hf_is_server(conn)) {
    q->verdict.server_name = hf_range(conn->server_name, conn->server_name_len);
  }
  return HF_OK;
}

hf_status hf_answer_verdict(hf_conn *conn) {
  if (!hf_answering(conn, HF_ASK_VERDICT)) {
    return HF_MISUSE;
  }
  // A session's chain is no proof of who came without it.
  if (conn->hs->question.verdict.num > 0) {
    conn->proofs |= HF_PROOF_CHAIN;
  }
  return hf_answered(conn, HF_OK);
}

/* ---- CertificateVerify ---- */

/* What is signed: RFC 9846 4.5.2. */
static size_t signature_input(hf_conn *conn, uint8_t *out, bool by_server) {
  static const char server[] = "TLS 1.3, server CertificateVerify";
  static const char client[] = "TLS 1.3, client CertificateVerify";
  static_assert(sizeof(server) == 34 && sizeof(client) == 34, "the zero byte is part of it");
  memset(out, ' ', 64);
  memcpy(out + 64, by_server ? server : client, 34);
  return 64 + 34 + hf_transcript_hash(out + 64 + 34, conn, conn->suite);
}

hf_status hf_ask_SIGNATURE(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  hf_bytes input;
  if (hf_tls12(conn)) {
    HF_TRY(hf_sign_12(conn, &input));
  } else {
    input = hf_range(hs->signature_input,
                     signature_input(conn, hs->signature_input, hf_is_server(conn)));
  }
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_SIGNATURE);
  q->signature.identity = hs->identity;
  q->signature.tag = hs->identity->tag;
  q->signature.sigalg = conn->own_sigalg;
  q->signature.delegated = conn->own_delegated;
  q->signature.input = input;
  return HF_OK;
}

hf_status hf_answer_signature(hf_conn *conn, hf_bytes signature) {
  if (!hf_answering(conn, HF_ASK_SIGNATURE) || signature.len == 0 || signature.len > UINT16_MAX) {
    return HF_MISUSE;
  }
  conn->deep = true;  // whoever signed may have left his key there
  // It goes out before this returns.
  conn->hs->signature = signature;
  const hf_status status = hf_answered(conn, HF_OK);
  if (conn->hs != NULL) {
    conn->hs->signature = hf_range(NULL, 0);
  }
  return status;
}

size_t hf_bound_CERTIFICATE_VERIFY(const hf_conn *conn) { return 4 + conn->hs->signature.len; }

hf_status hf_send_CERTIFICATE_VERIFY(hf_conn *conn, CBB *body) {
  const hf_bytes bytes = conn->hs->signature;
  CBB signature;
  const bool ok = CBB_add_u16(body, conn->own_sigalg) &&
                  CBB_add_u16_length_prefixed(body, &signature) &&
                  CBB_add_bytes(&signature, bytes.data, bytes.len) && CBB_flush(body);
  // They have served: a saved state need not have them from here on.  Not before: the answer may
  // lie in what was asked.
  hf_identity_free(conn->hs->identity);
  conn->hs->identity = NULL;
  hf_hear_no_more_12(conn);
  return ok ? HF_OK : HF_INTERNAL;
}

hf_status hf_check_signature(hf_conn *conn, uint16_t code, CBS signature, const uint8_t *input,
                             size_t input_len) {
  const hf_sigalg *sigalg = hf_sigalg_find(code);
  const uint16_t delegated = conn->hs->delegated_sigalg;  // RFC 9345 4.1.3: this alone
  if (sigalg == NULL || !hf_may_sign(conn, sigalg) ||
      (delegated != 0 ? code != delegated
                      : !hf_codes_have(conn->config->settings.verify_sigalgs, code))) {
    return HF_WRONG_SIGALG;
  }
  if (conn->hs->peer_key == NULL) {
    return HF_INTERNAL;  // a state that was loaded said so
  }
  // In TLS 1.2 an algorithm of ECDSA names no curve: RFC 8446 4.2.3.
  HF_TRY(hf_verify(sigalg, conn->hs->peer_key, !hf_tls12(conn), signature, input, input_len));
  conn->proofs |= HF_PROOF_SIGNATURE;
  conn->peer_sigalg = code;
  EVP_PKEY_free(conn->hs->peer_key);
  conn->hs->peer_key = NULL;
  return HF_OK;
}

hf_status hf_receive_CERTIFICATE_VERIFY(hf_conn *conn, CBS *body) {
  uint8_t input[64 + 34 + HF_MAX_HASH];
  CBS signature;
  uint16_t code;
  if (hf_tls12(conn)) {
    return hf_receive_verify_12(conn, body);
  }
  if (!CBS_get_u16(body, &code) || !CBS_get_u16_length_prefixed(body, &signature)) {
    return HF_DECODE_ERROR;
  }
  const size_t len = signature_input(conn, input, !hf_is_server(conn));
  return hf_check_signature(conn, code, signature, input, len);
}

/* ---- Finished ---- */

size_t hf_bound_FINISHED(const hf_conn *conn) {
  (void)conn;
  return HF_MAX_HASH;
}

/* verify_data, of the side |by|; its length. */
static size_t verify_data(hf_conn *conn, uint8_t out[HF_MAX_HASH], hf_role by) {
  uint8_t hash[HF_MAX_HASH];
  if (hf_tls12(conn)) {
    hf_finished_12(out, conn, by == HF_SERVER);
    return HF_VERIFY_DATA;
  }
  uint8_t *key = conn->hs->traffic[by][HF_HANDSHAKE - 1];
  const size_t len = hf_transcript_hash(hash, conn, conn->suite);
  hf_hmac_once(out, conn->suite, hf_range(key, len), hf_range(hash, len));
  OPENSSL_cleanse(key, HF_MAX_HASH);  // it has served
  return len;
}

hf_status hf_send_FINISHED(hf_conn *conn, CBB *body) {
  const size_t len = verify_data(conn, conn->own_finished, (hf_role)conn->role);
  conn->own_finished_set = true;
  return CBB_add_bytes(body, conn->own_finished, len) ? HF_OK : HF_INTERNAL;
}

hf_status hf_receive_FINISHED(hf_conn *conn, CBS *body) {
  uint8_t expected[HF_MAX_HASH];
  const size_t len = verify_data(conn, expected, hf_is_server(conn) ? HF_CLIENT : HF_SERVER);
  if (CBS_len(body) != len || CRYPTO_memcmp(CBS_data(body), expected, len) != 0) {
    return HF_BAD_FINISHED;
  }
  conn->proofs |= HF_PROOF_FINISHED;
  CBS_skip(body, len);
  // In TLS 1.2 no change of keys comes after it that would look.
  if (hf_tls12(conn) && CBS_data(body) != conn->in.data + conn->in.len) {
    return HF_EXCESS_HANDSHAKE_DATA;
  }
  memcpy(conn->peer_finished, expected, len);
  conn->peer_finished_set = true;
  return HF_OK;
}
