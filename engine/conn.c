/* conn.c: hf_new and hf_free, and what can be seen of a connection from outside. */
#include "engine.h"

#include <string.h>

#include <openssl/err.h>

static hf_status copy_start(hf_conn *conn, const hf_start *start) {
  hf_hs *hs = conn->hs;
  HF_TRY(hf_entropy_keep(conn, &start->entropy));
  hf_bytes context = {NULL, 0};
  HF_TRY(hf_custom_add(conn, start->extensions, start->num_extensions));
  HF_TRY(hf_copy(&context, start->early_context.data, start->early_context.len));
  conn->early_context = (uint8_t *)context.data;
  conn->early_context_len = (uint16_t)context.len;
  if (hf_is_server(conn)) {
    return HF_OK;
  }
  HF_TRY(hf_copy(&hs->given_hello, start->hello.data, start->hello.len));
  HF_TRY(hf_copy(&hs->given_retry, start->retry_hello.data, start->retry_hello.len));
  hs->no_compatibility = start->no_compatibility;
  const size_t own = hf_custom_bound(conn);
  const size_t psks = start->session.len + hf_psks_len(start);
  if (own > 0 && own + psks + conn->config->settings.alpn.len > HF_MAX_OWN) {
    return HF_MISUSE;  // the hello would not hold them
  }
  return start->server_name.data == NULL
             ? HF_OK
             : hf_set_server_name(conn, start->server_name.data, start->server_name.len);
}

static bool valid_start(const hf_config *config, const hf_start *start) {
  const bool needs_params = config->settings.transport == HF_QUIC &&
                            config->settings.role == HF_CLIENT && start->hello.data == NULL;
  if (start->early_context.len > UINT16_MAX ||
      !hf_quic_valid(config->settings.transport, start->quic_params) ||
      (needs_params && start->quic_params.data == NULL)) {
    return false;
  }
  return config->settings.role == HF_SERVER ||
         (start->server_name.len <= UINT8_MAX &&
          (start->server_name.data == NULL || start->server_name.len > 0) && hf_psks_valid(start) &&
          start->hello.len < 1u << 24 && start->retry_hello.len < 1u << 24 &&
          (start->retry_hello.data == NULL || start->hello.data != NULL));
}

static hf_status begin(hf_conn *conn, const hf_config *config, const hf_start *start) {
  conn->role = (uint8_t)config->settings.role;
  conn->config = (hf_config *)config;
  hf_config_up_ref(conn->config);
  conn->now = start->now;
  conn->max_data = hf_own_max_data(config);
  conn->max_inner = HF_MAX_PLAINTEXT + 1;
  conn->hs = OPENSSL_malloc(sizeof(*conn->hs));
  if (conn->hs == NULL) {
    return HF_NO_MEMORY;
  }
  memset(conn->hs, 0, sizeof(*conn->hs));
  hf_entropy_forget(conn);
  HF_TRY(hf_quic_begin(conn, start->quic_params));
  HF_TRY(copy_start(conn, start));
  HF_TRY(hf_trace_begin(conn));
  HF_TRY(hf_psk_begin(conn, start));
  if (!hf_is_server(conn)) {
    HF_TRY(hf_offer_12(conn, start->session));
  }
  return hf_run(conn);
}

hf_status hf_new(hf_conn **out, const hf_config *config, const hf_start *start) {
  *out = NULL;
  if (!valid_start(config, start)) {
    return HF_MISUSE;
  }
  hf_conn *conn = OPENSSL_malloc(sizeof(*conn));
  if (conn == NULL) {
    return HF_NO_MEMORY;
  }
  memset(conn, 0, sizeof(*conn));
  const hf_status status = hf_leave(conn, begin(conn, config, start));
  if (status != HF_OK) {
    hf_free(conn);
    return status;
  }
  *out = conn;
  return HF_OK;
}

void hf_free(hf_conn *conn) {
  if (conn == NULL) {
    return;
  }
  hf_hs_free(conn);
  hf_post_free(conn);
  hf_trace_free(conn);
  hf_custom_free(conn);
  hf_quic_free(conn);
  hf_keys_wipe(&conn->read);
  hf_keys_wipe(&conn->write);
  hf_buffer_free(&conn->in);
  hf_buffer_free(&conn->out);
  OPENSSL_free(conn->alpn);
  OPENSSL_free(conn->server_name);
  OPENSSL_free(conn->early_context);
  hf_config_free(conn->config);
  OPENSSL_free(conn);
}

void hf_set_time(hf_conn *conn, uint64_t now) { conn->now = now; }

const hf_question_t *hf_question(const hf_conn *conn) {
  return conn->hs != NULL ? &conn->hs->question : hf_post_question(conn);
}

/* RFC 7918: a client that has checked the server's signature, and has a protocol that it agreed on
 * or can do without. All suites are of the strength that 5 demands. */
bool hf_starts_falsely(const hf_conn *conn) {
  const uint32_t flags = conn->config->settings.flags;
  return !hf_is_server(conn) && (flags & HF_FALSE_START) && conn->write.level == HF_APPLICATION &&
         conn->own_finished_set && (conn->proofs & HF_PROOF_CHAIN) &&
         (conn->proofs & HF_PROOF_SIGNATURE) &&
         (conn->alpn != NULL || (flags & HF_FALSE_START_WITHOUT_ALPN));
}

/* Is this side past the point from which it may send application data? */
static bool may_send(const hf_conn *conn) {
  if (hf_has(conn, QUIC)) {
    return false;  // QUIC protects data itself
  }
  if (conn->ready) {
    return true;
  }
  // Before the handshake is done keys cannot be changed when they are used up: RFC 9846 5.5.
  // One record is left for EndOfEarlyData, or the KeyUpdate.
  const hf_suite *suite = conn->write.level == HF_EARLY ? conn->hs->early_suite : conn->suite;
  if (suite != NULL && conn->write.seq + 1 >= suite->max_records) {
    return false;
  }
  if (conn->write.level == HF_EARLY) {
    return hf_has(conn, EARLY) && conn->early_left > 0;
  }
  if (hf_tls12(conn)) {
    return hf_starts_falsely(conn);
  }
  return hf_is_server(conn) && conn->write.level == HF_APPLICATION;
}

/* Does a question stop the peer's bytes?  Those about tickets do not. */
bool hf_stopped(const hf_conn *conn) {
  const hf_ask ask = hf_question(conn)->ask;
  return (ask != HF_ASK_NONE &&
          (conn->hs != NULL || (ask != HF_ASK_TICKET && ask != HF_ASK_KEEP))) ||
         hf_post_installs(conn);
}

/* Nothing but application data is left to do, and nothing is about tickets: most calls find a
 * connection so. */
static bool is_running(const hf_conn *conn) {
  return conn->ready && conn->post == NULL && conn->fault == HF_OK && !conn->closed &&
         !conn->close_sent;
}

unsigned hf_wants(const hf_conn *conn) {
  if (is_running(conn)) {
    const unsigned may_send = hf_has(conn, QUIC) ? 0 : HF_CAN_SEND;
    return (conn->early_refused ? HF_EARLY_REFUSED : 0u) | HF_READY | HF_WANT_INPUT |
           (conn->out.len > 0 ? HF_WANT_OUTPUT : may_send);
  }
  unsigned wants = conn->out.len > 0 ? HF_WANT_OUTPUT : 0;
  wants |= conn->early_refused ? HF_EARLY_REFUSED : 0;
  if (conn->fault != HF_OK) {
    return wants | HF_FAILED;
  }
  wants |= conn->ready ? HF_READY : 0;
  wants |= conn->closed ? HF_CLOSED : 0;
  wants |= hf_question(conn)->ask != HF_ASK_NONE ? HF_WANT_ANSWER : 0;
  if (!conn->closed && !hf_stopped(conn) && (conn->ready || !conn->close_sent)) {
    wants |= HF_WANT_INPUT;
  }
  if (conn->out.len == 0 && !conn->close_sent && !hf_stopped(conn) && may_send(conn)) {
    wants |= HF_CAN_SEND;
  }
  return wants;
}

/* Is this the time of early data? */
static bool early_open(const hf_conn *conn) {
  if (!hf_has(conn, EARLY) || conn->fault != HF_OK || conn->close_sent) {
    return false;
  }
  if (hf_has(conn, QUIC)) {
    return !conn->ready && (hf_is_server(conn) || conn->write.level != HF_INITIAL);
  }
  return (hf_is_server(conn) ? conn->read.level : conn->write.level) == HF_EARLY;
}

/* What hf_seal and hf_open have to do with. */
static void record_facts(hf_facts *out, const hf_conn *conn) {
  out->header = HF_HEADER;
  out->trailer = 1 + HF_TAG;
  if (hf_tls12(conn) && conn->suite != NULL) {
    out->header = (uint8_t)(HF_HEADER + conn->suite->sent_nonce);
    out->trailer = HF_TAG;
  }
  out->max_data = conn->max_data;
  out->early_left = conn->early_left;
  if (conn->suite != NULL && conn->write.level == HF_APPLICATION) {
    // TLS 1.3's last one is the KeyUpdate.
    const uint64_t most = conn->suite->max_records - (hf_tls12(conn) ? 0 : 1);
    out->records_left = conn->write.seq < most ? most - conn->write.seq : 0;
  }
}

void hf_get_facts(hf_facts *out, const hf_conn *conn) {
  memset(out, 0, sizeof(*out));
  out->role = (hf_role)conn->role;
  out->version = conn->version;
  out->suite = conn->suite != NULL ? conn->suite->id : 0;
  if (conn->suite == NULL && conn->hs != NULL && conn->hs->early_suite != NULL) {
    out->suite = conn->hs->early_suite->id;
  }
  out->group = conn->group;
  out->sigalg = conn->peer_sigalg;
  out->own_sigalg = conn->own_sigalg;
  out->own_raw_key = conn->own_raw_key;
  out->peer_raw_key = conn->peer_raw_key;
  out->own_delegated = conn->own_delegated;
  out->peer_delegated = conn->peer_delegated;
  out->resumed = hf_has(conn, RESUMED);
  out->external_psk = out->resumed && conn->external_psk;
  out->psk_index = out->resumed ? conn->psk_number : 0;
  out->retried = hf_has(conn, RETRIED);
  out->early_accepted = conn->early_accepted;
  out->early_open = early_open(conn);
  out->close_sent = conn->close_sent;
  out->quic_params = hf_quic_peer_params(conn);
  if (!hf_has(conn, QUIC)) {
    record_facts(out, conn);
  }
  out->alpn = hf_range(conn->alpn, conn->alpn_len);
  out->server_name = hf_range(conn->server_name, conn->server_name_len);
  // A client's is known from its hello on, a server's from the hello it has read.
  out->client_random = conn->hello_known ? hf_range(conn->client_random, 32) : hf_range(NULL, 0);
  const size_t hash_len = hf_tls12(conn)        ? HF_VERIFY_DATA
                          : conn->suite != NULL ? conn->suite->hash_len
                                                : 0;
  out->extended_main_secret = conn->ems && conn->exporter_set;
  out->renegotiation_info = conn->renegotiation_info;
  if (conn->version != 0 && (conn->group != 0 || hf_has(conn, RESUMED))) {
    out->server_random = hf_range(conn->server_random, 32);
  }
  if (conn->own_finished_set) {
    out->own_finished = hf_range(conn->own_finished, hash_len);
  }
  if (conn->peer_finished_set) {
    out->peer_finished = hf_range(conn->peer_finished, hash_len);
  }
}

hf_status hf_answer_done(hf_conn *conn) {
  if ((hf_answering(conn, HF_ASK_INSTALL) || hf_answering(conn, HF_ASK_KEEP)) && conn->hs != NULL) {
    return hf_answered(conn, HF_OK);
  }
  return hf_answering(conn, HF_ASK_KEEP) || hf_answering(conn, HF_ASK_INSTALL)
             ? hf_post_answered(conn, HF_OK)
             : HF_MISUSE;
}

hf_status hf_close(hf_conn *conn) {
  static const uint8_t body[] = {1 /* warning */, HF_ALERT_CLOSE_NOTIFY};
  if (conn->fault != HF_OK || hf_has(conn, QUIC)) {
    return HF_MISUSE;
  }
  if (conn->close_sent) {
    return HF_OK;
  }
  hf_status status = HF_OK;
  if (!conn->ready) {
    // The handshake is over: nothing of it may follow the close_notify.
    status = hf_write_ccs(conn);
    hf_hs_free(conn);
    hf_post_free(conn);
    conn->closed = true;
  }
  if (status == HF_OK) {
    status = hf_post_seal(conn);
  }
  if (status == HF_OK) {
    status = hf_record_write(conn, HF_ALERT, body, sizeof(body));
  }
  if (status == HF_OK) {
    conn->close_sent = true;
    hf_trace(conn, true, HF_ALERT, body, sizeof(body));
  }
  if (!conn->ready) {
    hf_keys_wipe(&conn->read);
    hf_keys_wipe(&conn->write);
  }
  return hf_leave(conn, status);
}

hf_status hf_record_key(const hf_conn *conn, bool sending, uint8_t key[32], size_t *key_len,
                        uint8_t iv[12], uint64_t *seq) {
  const hf_keys *keys = sending ? &conn->write : &conn->read;
  if (!conn->ready || conn->fault != HF_OK || conn->out.len > 0 || hf_has(conn, QUIC)) {
    return HF_MISUSE;
  }
  *key_len = conn->suite->key_len;
  *seq = keys->seq;
  const hf_status status = hf_traffic_key(key, iv, NULL, conn->suite, keys->secret);
  ERR_clear_error();
  hf_scrub();
  return status;
}

hf_status hf_traffic_secret(hf_bytes *secret, const hf_conn *conn, bool sending) {
  *secret = hf_range(NULL, 0);
  if (!conn->ready || conn->fault != HF_OK || hf_tls12(conn)) {
    return HF_MISUSE;
  }
  *secret = hf_range((sending ? &conn->write : &conn->read)->secret, conn->suite->hash_len);
  return HF_OK;
}
