/* post.c: what comes after the handshake (RFC 9846 4.7): KeyUpdate, NewSessionTicket, and the
 * questions TICKET and KEEP.
 *
 * These messages have no order, so they are no rows.  A ticket becomes a session as soon as it is
 * read: the peer's bytes never wait for HF_ASK_KEEP. */
#include "engine.h"

#include <string.h>

enum { HF_MOST_KEY_UPDATES = 32 };

static const hf_question_t no_question;

bool hf_post_installs(const hf_conn *conn) {
  return conn->post != NULL && (conn->post->install_read || conn->post->install_write);
}

const hf_question_t *hf_post_question(const hf_conn *conn) {
  return conn->post != NULL ? &conn->post->question : &no_question;
}

static hf_status need_post(hf_conn *conn) {
  if (conn->post == NULL) {
    conn->post = OPENSSL_malloc(sizeof(*conn->post));
    if (conn->post == NULL) {
      return HF_NO_MEMORY;
    }
    memset(conn->post, 0, sizeof(*conn->post));
  }
  return HF_OK;
}

void hf_post_free(hf_conn *conn) {
  hf_post *post = conn->post;
  if (post == NULL) {
    return;
  }
  for (size_t i = 0; i < HF_MOST_KEPT; i++) {
    hf_free_bytes(&post->kept[i]);
  }
  hf_free_bytes(&post->state);
  hf_buffer_free(&post->tickets);
  OPENSSL_free(post);
  conn->post = NULL;
}

/* ---- making tickets ---- */

/* The session that ticket |number| stands for (RFC 9846 4.7.1).  ticket_age_add comes from
 * the ticket's own PSK: it is fresh for each and known to nobody else, and needs no randomness. */
static hf_status make_session(hf_conn *conn, hf_session *out, uint16_t number) {
  const uint8_t nonce[] = {(uint8_t)(number >> 8), (uint8_t)number};
  uint8_t age[4];
  memset(out, 0, sizeof(*out));
  out->suite = conn->suite;
  out->issued = conn->now;
  out->lifetime = conn->config->settings.ticket_lifetime;
  if (conn->config->settings.flags & HF_ALLOW_EARLY_DATA) {
    out->max_early_data = conn->config->settings.max_early_data;
  }
  CBS_init(&out->server_name, conn->server_name, conn->server_name_len);
  CBS_init(&out->alpn, conn->alpn, conn->alpn_len);
  CBS_init(&out->early_context, conn->early_context, conn->early_context_len);
  out->client_cert = hf_has(conn, CLIENT_CERT) || conn->session_cert;
  HF_TRY(hf_expand_label(out->psk, conn->suite->hash_len, conn->suite, conn->resumption,
                         "resumption", 10, nonce, sizeof(nonce)));
  HF_TRY(hf_expand_label(age, sizeof(age), conn->suite, out->psk, "hf age add", 10, NULL, 0));
  out->age_add = (uint32_t)age[0] << 24 | (uint32_t)age[1] << 16 | (uint32_t)age[2] << 8 | age[3];
  return HF_OK;
}

static void ask_ticket(hf_conn *conn) {
  hf_question_t *q = &conn->post->question;
  q->ask = HF_ASK_TICKET;
  q->ticket.state = conn->post->state;
  q->ticket.lifetime = conn->config->settings.ticket_lifetime;
  q->ticket.renewed = hf_has(conn, RESUMED);
}

static hf_status make_ticket(hf_conn *conn) {
  hf_session session;
  hf_status status = make_session(conn, &session, (uint16_t)conn->tickets_issued);
  if (status == HF_OK) {
    status = hf_session_write(&conn->post->state, &session);
  }
  OPENSSL_cleanse(&session, sizeof(session));
  HF_TRY(status);
  ask_ticket(conn);
  return HF_OK;
}

static hf_status ask_keep(hf_conn *conn) {
  hf_session session;
  HF_TRY(hf_session_parse(&session, conn->post->kept[0]));
  hf_question_t *q = &conn->post->question;
  q->ask = HF_ASK_KEEP;
  q->keep.state = conn->post->kept[0];
  q->keep.name = hf_range(CBS_data(&session.ticket), CBS_len(&session.ticket));
  q->keep.lifetime = session.lifetime;
  q->keep.max_early_data = session.max_early_data;
  OPENSSL_cleanse(&session, sizeof(session));
  return HF_OK;
}

static void ask_install(hf_conn *conn, bool sending) {
  const hf_keys *keys = sending ? &conn->write : &conn->read;
  hf_question_t *q = &conn->post->question;
  q->ask = HF_ASK_INSTALL;
  q->install.kind = HF_SECRET_TRAFFIC;
  q->install.level = HF_APPLICATION;
  q->install.sending = sending;
  q->install.suite = conn->suite->id;
  q->install.generation = keys->generation;
  q->install.label =
      sending == hf_is_server(conn) ? "SERVER_TRAFFIC_SECRET_N" : "CLIENT_TRAFFIC_SECRET_N";
  q->install.secret = hf_range(keys->secret, conn->suite->hash_len);
}

hf_status hf_post_next(hf_conn *conn) {
  hf_post *post = conn->post;
  if (post == NULL || post->question.ask != HF_ASK_NONE || conn->hs != NULL) {
    return HF_OK;  // while there is a handshake the questions are its own
  }
  if (post->install_read || post->install_write) {
    const bool sending = !post->install_read;
    *(sending ? &post->install_write : &post->install_read) = false;
    ask_install(conn, sending);
    return HF_OK;
  }
  if (post->num_kept > 0) {
    return ask_keep(conn);
  }
  if (post->to_issue > 0) {
    return make_ticket(conn);
  }
  hf_post_free(conn);
  return HF_OK;
}

hf_status hf_post_ask_again(hf_conn *conn) {
  hf_post *post = conn->post;
  if (post->question.ask == HF_ASK_NONE) {
    return HF_OK;
  }
  if (post->question.ask == HF_ASK_INSTALL) {
    ask_install(conn, post->question.install.sending);
    return HF_OK;
  }
  if (post->question.ask == HF_ASK_KEEP && post->num_kept > 0) {
    return ask_keep(conn);
  }
  if (post->question.ask == HF_ASK_TICKET && post->to_issue > 0 && post->state.data != NULL) {
    ask_ticket(conn);
    return HF_OK;
  }
  return HF_BAD_STATE;
}

hf_status hf_post_begin(hf_conn *conn) {
  const uint32_t num = conn->config->settings.num_tickets;
  // RFC 9846 4.3.9: no ticket for a client that could not use it.  TLS 1.2 gives its own before.
  if (!hf_is_server(conn) || hf_tls12(conn) || num == 0 || !hf_psk_mode(conn)) {
    return HF_OK;
  }
  HF_TRY(need_post(conn));
  conn->post->to_issue = num;
  return HF_OK;
}

static void answered(hf_post *post) {
  if (post->question.ask == HF_ASK_KEEP) {
    hf_free_bytes(&post->kept[0]);
    memmove(&post->kept[0], &post->kept[1], (HF_MOST_KEPT - 1) * sizeof(post->kept[0]));
    post->kept[--post->num_kept] = hf_range(NULL, 0);
  }
  hf_free_bytes(&post->state);
  memset(&post->question, 0, sizeof(post->question));
}

hf_status hf_post_answered(hf_conn *conn, hf_status status) {
  if (status == HF_OK) {
    answered(conn->post);
    status = hf_post_next(conn);
  }
  if (status == HF_OK && conn->in.len > 0 && !hf_stopped(conn)) {
    status = hf_post_receive(conn);
  }
  return hf_leave(conn, status);
}

static hf_status put_body(CBB *body, const hf_conn *conn, hf_bytes ticket) {
  hf_session session;
  CBB nonce, field, extensions, early;
  HF_TRY(hf_session_parse(&session, conn->post->state));
  const uint16_t grease = hf_ticket_grease(conn, session.age_add);
  bool ok = CBB_add_u32(body, session.lifetime) && CBB_add_u32(body, session.age_add) &&
            CBB_add_u8_length_prefixed(body, &nonce) &&
            CBB_add_u16(&nonce, (uint16_t)conn->tickets_issued) &&
            CBB_add_u16_length_prefixed(body, &field) &&
            CBB_add_bytes(&field, ticket.data, ticket.len) &&
            CBB_add_u16_length_prefixed(body, &extensions);
  if (session.max_early_data > 0) {
    ok = ok && hf_ext_begin(&early, &extensions, HF_EXT_early_data) == HF_OK &&
         CBB_add_u32(&early, session.max_early_data) && CBB_flush(&extensions);
  }
  if (grease != 0) {
    ok = ok && CBB_add_u16(&extensions, grease) && CBB_add_u16(&extensions, 0);
  }
  OPENSSL_cleanse(&session, sizeof(session));
  return ok && CBB_flush(body) ? HF_OK : HF_INTERNAL;
}

/* Adds one message to |flight|. */
static hf_status write_message(hf_conn *conn, hf_buffer *flight, hf_message type, hf_bytes ticket,
                               uint8_t request) {
  CBB cbb, body;
  size_t len;
  HF_TRY(hf_message_begin(flight, &cbb, &body, type, 64 + ticket.len));
  const hf_status put = type == HF_MSG_NEW_SESSION_TICKET ? put_body(&body, conn, ticket)
                        : CBB_add_u8(&body, request)      ? HF_OK
                                                          : HF_INTERNAL;
  HF_TRY(hf_message_end(flight, &cbb, put, &len));
  hf_trace(conn, true, HF_HANDSHAKE_RECORD, flight->data + flight->len - len, len);
  return HF_OK;
}

static hf_status queue_update(hf_conn *conn, uint8_t request) {
  const hf_bytes none = {NULL, 0};
  hf_buffer flight = {NULL, 0, 0};
  hf_status status = write_message(conn, &flight, HF_MSG_KEY_UPDATE, none, request);
  if (status == HF_OK) {
    status = hf_record_write(conn, HF_HANDSHAKE_RECORD, flight.data, flight.len);
  }
  hf_buffer_free(&flight);
  return status;
}

hf_status hf_post_seal(hf_conn *conn) {
  if (conn->post == NULL) {
    return HF_OK;
  }
  hf_buffer *tickets = &conn->post->tickets;
  HF_TRY(hf_record_write(conn, HF_HANDSHAKE_RECORD, tickets->data, tickets->len));
  hf_buffer_free(tickets);
  return HF_OK;
}

hf_status hf_answer_ticket(hf_conn *conn, hf_bytes ticket) {
  if (!hf_answering(conn, HF_ASK_TICKET) || ticket.len > UINT16_MAX) {
    return HF_MISUSE;
  }
  if (conn->hs != NULL) {  // TLS 1.2's, in the handshake: an empty one is sent too
    return hf_answered(conn, hf_copy(&conn->hs->ticket, ticket.data, ticket.len));
  }
  hf_status status = HF_OK;
  if (ticket.len > 0 && !conn->close_sent) {
    status = write_message(conn, &conn->post->tickets, HF_MSG_NEW_SESSION_TICKET, ticket, 0);
    conn->tickets_issued++;
  }
  conn->post->to_issue--;
  // All of them in as few records as they need.
  if (status == HF_OK && conn->post->to_issue == 0) {
    status = hf_post_seal(conn);
  }
  return hf_post_answered(conn, status);
}

hf_status hf_issue_ticket(hf_conn *conn) {
  // The nonce of a ticket is two bytes here.
  if (!conn->ready || conn->fault != HF_OK || !hf_is_server(conn) || conn->close_sent ||
      hf_tls12(conn) || conn->tickets_issued + hf_tickets_waiting(conn) >= UINT16_MAX) {
    return HF_MISUSE;
  }
  hf_status status = need_post(conn);
  if (status == HF_OK) {
    conn->post->to_issue++;
    status = hf_post_next(conn);
  }
  return hf_leave(conn, status);
}

uint32_t hf_tickets_waiting(const hf_conn *conn) {
  return conn->post != NULL ? conn->post->to_issue : 0;
}

/* ---- KeyUpdate, RFC 9846 4.7.3 ---- */

/* Remembers to ask for INSTALL of a direction's new secret. */
static hf_status installs(hf_conn *conn, bool sending) {
  if (!(conn->config->settings.flags & HF_EXPORT_SECRETS)) {
    return HF_OK;
  }
  HF_TRY(need_post(conn));
  *(sending ? &conn->post->install_write : &conn->post->install_read) = true;
  return hf_post_next(conn);
}

hf_status hf_queue_key_update(hf_conn *conn, bool request) {
  hf_material next;
  // All that can fail comes first: the message and the change of keys are one thing.
  hf_status status = hf_next_material(&next, conn->suite, &conn->write);
  if (status == HF_OK) {
    status = queue_update(conn, request);
  }
  if (status == HF_OK) {
    // One that asks is no answer: RFC 9846 4.7.3.
    conn->update_queued = conn->update_queued || !request;
    status = hf_keys_install(&conn->write, conn->suite, HF_APPLICATION, &next);
  }
  OPENSSL_cleanse(&next, sizeof(next));
  HF_TRY(status);
  return installs(conn, true);
}

hf_status hf_rekey(hf_conn *conn, bool peer_too) {
  if (!conn->ready || conn->fault != HF_OK || conn->close_sent || hf_stopped(conn) ||
      hf_has(conn, QUIC) || hf_tls12(conn)) {
    return HF_MISUSE;
  }
  const bool request = peer_too && !conn->update_requested;
  conn->update_requested = conn->update_requested || request;
  return hf_leave(conn, hf_queue_key_update(conn, request));
}

static hf_status receive_key_update(hf_conn *conn, CBS *body) {
  uint8_t request;
  if (!CBS_get_u8(body, &request) || CBS_len(body) != 0) {
    return HF_DECODE_ERROR;
  }
  if (request > 1) {
    return HF_BAD_KEY_UPDATE;
  }
  // One that was asked for is no flood.
  if (!conn->update_requested && ++conn->key_updates > HF_MOST_KEY_UPDATES) {
    return HF_TOO_MANY_KEY_UPDATES;
  }
  if (conn->in_read < conn->in.len) {
    return HF_EXCESS_HANDSHAKE_DATA;  // RFC 9846 5.1
  }
  HF_TRY(hf_keys_update(&conn->read, conn->suite));
  conn->update_requested = false;
  // One answer serves all requests until it has gone out.
  if (request == 1 && !conn->update_queued && !conn->close_sent) {
    HF_TRY(hf_queue_key_update(conn, false));
  }
  return installs(conn, false);
}

/* ---- reading tickets ---- */

static hf_status receive_ticket(hf_conn *conn, CBS *body) {
  hf_session session;
  CBS nonce, extensions, bodies[HF_NUM_EXT];
  uint32_t mask;
  memset(&session, 0, sizeof(session));
  session.suite = conn->suite;
  session.issued = conn->now;
  if (!CBS_get_u32(body, &session.lifetime) || !CBS_get_u32(body, &session.age_add) ||
      !CBS_get_u8_length_prefixed(body, &nonce) ||
      !CBS_get_u16_length_prefixed(body, &session.ticket) || CBS_len(&session.ticket) == 0 ||
      !CBS_get_u16_length_prefixed(body, &extensions) || CBS_len(body) != 0) {
    return HF_DECODE_ERROR;
  }
  HF_TRY(hf_extensions_parse(conn, NST, extensions, bodies, &mask));
  if ((mask & 1u << HF_EXT_early_data) &&
      (!CBS_get_u32(&bodies[HF_EXT_early_data], &session.max_early_data) ||
       CBS_len(&bodies[HF_EXT_early_data]) != 0)) {
    return HF_BAD_EXTENSION;
  }
  if (hf_has(conn, QUIC) && (mask & 1u << HF_EXT_early_data) &&
      session.max_early_data != HF_QUIC_EARLY_DATA) {
    return HF_WRONG_LEVEL;  // RFC 9001 4.6.1: a PROTOCOL_VIOLATION
  }
  if (session.lifetime == 0 || CBS_len(&session.ticket) > HF_MAX_TICKET) {
    return HF_OK;  // RFC 9846 4.7.1: to be thrown away at once; or it would fit no hello
  }
  if (session.lifetime > HF_MAX_LIFETIME) {
    session.lifetime = HF_MAX_LIFETIME;  // RFC 9846 4.7.1: no longer than seven days
  }
  CBS_init(&session.server_name, conn->server_name, conn->server_name_len);
  CBS_init(&session.alpn, conn->alpn, conn->alpn_len);
  CBS_init(&session.early_context, conn->early_context, conn->early_context_len);
  HF_TRY(need_post(conn));
  hf_post *post = conn->post;
  if (post->num_kept == HF_MOST_KEPT) {
    // Not the first: a question may be about it.
    hf_free_bytes(&post->kept[1]);
    memmove(&post->kept[1], &post->kept[2], (HF_MOST_KEPT - 2) * sizeof(post->kept[0]));
    post->kept[--post->num_kept] = hf_range(NULL, 0);
  }
  hf_status status =
      hf_expand_label(session.psk, conn->suite->hash_len, conn->suite, conn->resumption,
                      "resumption", 10, CBS_data(&nonce), CBS_len(&nonce));
  if (status == HF_OK) {
    status = hf_session_write(&post->kept[post->num_kept], &session);
  }
  OPENSSL_cleanse(&session, sizeof(session));
  HF_TRY(status);
  post->num_kept++;
  return hf_post_next(conn);
}

/* ---- TLS 1.2: renegotiation is refused, and life goes on (RFC 5246 7.4.1.1, 7.2.2) ---- */

static hf_status refuse_renegotiation(hf_conn *conn, const CBS *body) {
  static const uint8_t warning[] = {1, HF_ALERT_NO_RENEGOTIATION};
  if (!hf_is_server(conn) && CBS_len(body) != 0) {
    return HF_TRAILING_DATA;
  }
  if (++conn->key_updates > HF_MOST_KEY_UPDATES) {
    return HF_TOO_MANY_RENEGOTIATIONS;
  }
  if (conn->close_sent || conn->out.len > 0) {
    return HF_OK;  // one that still waits says it: a peer that does not read piles up none
  }
  HF_TRY(hf_record_write(conn, HF_ALERT, warning, sizeof(warning)));
  hf_trace(conn, true, HF_ALERT, warning, sizeof(warning));
  return HF_OK;
}

/* The table of what may come now, in any order. */
static bool expected(const hf_conn *conn, hf_message type) {
  if (hf_tls12(conn)) {
    return type == (hf_is_server(conn) ? HF_MSG_CLIENT_HELLO : HF_MSG_HELLO_REQUEST);
  }
  // RFC 9001 6: QUIC changes its keys by itself.
  return (type == HF_MSG_KEY_UPDATE && !hf_has(conn, QUIC)) ||
         (type == HF_MSG_NEW_SESSION_TICKET && !hf_is_server(conn));
}

hf_status hf_post_receive(hf_conn *conn) {
  hf_status status = HF_OK;
  bool whole = true;
  while (status == HF_OK && !hf_stopped(conn)) {
    hf_message type;
    CBS message, body;
    HF_TRY(hf_next_message(conn, &whole, &type, &message, &body));
    if (type != HF_MSG_NONE && !expected(conn, type)) {
      return HF_UNEXPECTED_MESSAGE;
    }
    if (!whole) {
      break;
    }
    hf_trace(conn, false, HF_HANDSHAKE_RECORD, CBS_data(&message), CBS_len(&message));
    conn->in_read += (uint32_t)CBS_len(&message);
    status = hf_tls12(conn)              ? refuse_renegotiation(conn, &body)
             : type == HF_MSG_KEY_UPDATE ? receive_key_update(conn, &body)
                                         : receive_ticket(conn, &body);
  }
  hf_forget_flight(conn);
  return status;
}
