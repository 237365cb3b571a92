/* save_check.c: whether what hf_load has read holds together: every length, index, level and flag
 * that the rest of the engine takes for granted.  Bytes with a right digest may say anything; what
 * is refused here is only what would lead astray, not what could not have come about. */
#include "save.h"

enum { HF_LEAST_LIMIT = 64 };

static bool within(hf_span span, size_t len) { return span.start + (uint64_t)span.len <= len; }

static bool valid_keys(const hf_conn *conn, const hf_keys *keys) {
  if (keys->level == HF_INITIAL) {
    return true;
  }
  if (keys->level > HF_APPLICATION ||
      ((conn->hs == NULL || hf_tls12(conn)) && keys->level != HF_APPLICATION)) {
    return false;
  }
  if (keys->level == HF_EARLY) {
    const bool writes = keys == &conn->write;  // as a client does alone
    return writes != hf_is_server(conn) && conn->hs->early_suite != NULL;
  }
  return conn->suite != NULL;
}

static bool valid_buffers(const hf_conn *conn) {
  if (conn->in_read > conn->in.len || conn->in.len > conn->config->settings.max_flight ||
      conn->out_read > conn->out.len || (conn->out.len > 0 && conn->out_read == conn->out.len)) {
    return false;
  }
  return !hf_has(conn, QUIC) || hf_quic_valid_output(conn);
}

/* Where the hello is; that of a client is always there. */
static bool valid_hello(const hf_conn *conn) {
  const hf_span at = conn->hs->hello.message;
  if (conn->hs->hello.session_id.len > 32) {
    return false;
  }
  return hf_is_server(conn) ? at.len == 0 || within(at, conn->in_read)
                            : at.start == 0 && at.len > 0 && at.len == conn->hs->hello_bytes.len;
}

/* What is hashed is the suite's; a hello that is not there cannot wait to be, and a client that has
 * sent one has it in there. */
static bool valid_transcript(const hf_conn *conn) {
  const hf_transcript *transcript = &conn->hs->transcript;
  if (transcript->hello_waits ? conn->hs->hello.message.len == 0
                              : !hf_is_server(conn) && transcript->hash_len == 0) {
    return false;
  }
  return transcript->hash_len == 0 ||
         (conn->suite != NULL && transcript->hash_len == conn->suite->hash_len);
}

static bool valid_hs(const hf_conn *conn) {
  const hf_hs *hs = conn->hs;
  const size_t in = conn->in.len;
  return valid_hello(conn) && valid_transcript(conn) && hs->shared_len <= HF_MAX_SECRET &&
         within(hs->request_sigalgs, in) && within(hs->request_cert_sigalgs, in) &&
         within(hs->request_authorities, in) && within(hs->request_compression, in) &&
         within(hs->request_delegated, in) && within(hs->decompressing, in) &&
         within(hs->status, in) && within(hs->scts, in) && within(hs->request_types, in) &&
         hs->session_id_len <= sizeof(hs->session_id) &&
         within(hs->certificates, hs->decompressed.data != NULL ? hs->decompressed.len : in) &&
         hs->fragment <= 4 && (hs->peer_limit == 0 || hs->peer_limit >= HF_LEAST_LIMIT) &&
         hs->decompressed_len <= conn->config->settings.max_message &&
         (!hs->ask_group || hs->group != NULL) &&
         (!hf_has(conn, KEM) || (hs->group != NULL && hs->group->kem != NULL));
}

static bool valid_post(const hf_conn *conn) {
  const hf_post *post = conn->post;
  if (post->num_kept > HF_MOST_KEPT || post->to_issue > UINT16_MAX || conn->suite == NULL) {
    return false;
  }
  for (size_t i = 0; i < HF_MOST_KEPT; i++) {
    if ((post->kept[i].data != NULL) != (i < post->num_kept)) {
      return false;
    }
  }
  return true;
}

/* Which of the stages of a connection's life it is in, and what it has then. */
static bool valid_stage(const hf_conn *conn) {
  const bool protects = conn->read.level == HF_APPLICATION && conn->write.level == HF_APPLICATION;
  if (conn->fault != HF_OK) {
    return conn->hs == NULL && conn->post == NULL && conn->read.level == HF_INITIAL &&
           conn->write.level == HF_INITIAL;
  }
  if (conn->ready) {
    return conn->hs == NULL && conn->suite != NULL && protects && hf_at_open(conn);
  }
  return conn->hs != NULL ? !conn->close_sent
                          : conn->closed && conn->close_sent && conn->post == NULL &&
                                conn->read.level == HF_INITIAL && conn->write.level == HF_INITIAL;
}

bool hf_save_valid(const hf_conn *conn) {
  const hf_settings *s = &conn->config->settings;
  enum {
    NUM_STATUS = 1
#define HF_ERROR(name, alert, reason, text) +1
#include <handfast/errors.def>
#undef HF_ERROR
  };
  return conn->role == s->role && conn->fault < NUM_STATUS &&
         (conn->suite == NULL || hf_tls12(conn) == (conn->suite->version == HF_TLS12)) &&
         hf_has(conn, QUIC) == (s->transport == HF_QUIC) &&
         (conn->quic != NULL) == (s->transport == HF_QUIC) && hf_script_valid(conn) &&
         valid_stage(conn) && valid_keys(conn, &conn->read) && valid_keys(conn, &conn->write) &&
         valid_buffers(conn) && conn->max_data >= HF_LEAST_LIMIT - 1 &&
         conn->max_data <= hf_own_max_data(conn->config) && conn->max_inner >= HF_LEAST_LIMIT &&
         conn->max_inner <= HF_MAX_PLAINTEXT + 1 && conn->tickets_issued <= UINT16_MAX &&
         (!conn->exporter_set || conn->suite != NULL) && (conn->hs == NULL || valid_hs(conn)) &&
         (conn->post == NULL || valid_post(conn));
}
