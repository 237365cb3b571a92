/* session12.c: sessions of TLS 1.2: by ticket (RFC 5077) and by session id (RFC 5246 7.3), the
 * questions TICKET and KEEP of its handshake, and NewSessionTicket.
 *
 * Sessions with and without the extended main secret are never mixed (RFC 7627 5.3). */
#include "engine.h"

#include <string.h>

/* ---- the server: SESSION ---- */

hf_status hf_ask_session_12(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  CBS ticket;
  void *lists;
  HF_TRY(hf_lists_new(hs, &lists, sizeof(hf_candidate)));
  hf_candidate *candidate = lists;
  memset(candidate, 0, sizeof(*candidate));
  const bool has_ticket = hs->ticket_offered && hf_ext_body(conn, HF_EXT_session_ticket, &ticket) &&
                          CBS_len(&ticket) > 0;
  candidate->kind = has_ticket ? HF_CANDIDATE_TICKET : HF_CANDIDATE_SESSION_ID;
  candidate->name = has_ticket ? hf_range(CBS_data(&ticket), CBS_len(&ticket))
                               : hf_hello_at(conn, hs->hello.session_id);
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_SESSION);
  q->session.candidates = candidate;
  q->session.num = 1;
  return HF_OK;
}

hf_status hf_take_session_12(hf_conn *conn, const hf_session *s, unsigned flags) {
  hf_hs *hs = conn->hs;
  const hf_settings *settings = &conn->config->settings;
  if (s->suite->version != HF_TLS12 || !hf_codes_have(settings->suites, s->suite->id) ||
      !hf_wire_has(hf_hello_suites(conn), s->suite->id)) {
    return HF_OK;  // not chosen
  }
  if (s->ems && !conn->ems) {
    return HF_NO_EXTENDED_MAIN_SECRET;  // RFC 7627 5.3: MUST abort
  }
  if (!s->ems && conn->ems) {
    return HF_OK;
  }
  conn->suite = s->suite;
  hf_flag(conn, RESUMED, true);
  hf_flag(conn, CERT_REQUESTED, false);
  hf_flag(conn, TICKET, (flags & HF_RENEW_TICKET) && hs->ticket_offered);
  memcpy(hs->secret, s->psk, HF_MAIN_SECRET);
  conn->session_cert = s->client_cert;
  hf_hear_no_more_12(conn);
  return HF_OK;
}

/* ---- the client: what is offered ---- */

static bool usable(const hf_conn *conn, const hf_session *s) {
  const size_t psks = conn->hs->offers.len;  // they share the room of a hello with a ticket
  const bool tickets = !(conn->config->settings.flags & HF_NO_TICKETS) && psks < HF_MAX_TICKET;
  const size_t name_max = s->by_id  ? sizeof(conn->hs->session_id)
                          : tickets ? HF_MAX_TICKET - psks
                                    : 0;
  return s->suite->version == HF_TLS12 && hf_may_be(conn, HF_TLS12) &&
         hf_codes_have(conn->config->settings.suites, s->suite->id) && CBS_len(&s->ticket) > 0 &&
         CBS_len(&s->ticket) <= name_max && !hf_session_expired(conn, s) &&
         hf_session_named(conn, s);
}

static hf_status offer(hf_conn *conn, const hf_session *s) {
  hf_hs *hs = conn->hs;
  if (!s->by_id) {
    return hf_copy(&hs->ticket, CBS_data(&s->ticket), CBS_len(&s->ticket));
  }
  hs->session_id_len = (uint8_t)CBS_len(&s->ticket);
  memcpy(hs->session_id, CBS_data(&s->ticket), CBS_len(&s->ticket));
  return HF_OK;
}

hf_status hf_offer_12(hf_conn *conn, hf_bytes state) {
  hf_session s;
  hf_status status = HF_OK;
  if (state.data != NULL && hf_session_parse(&s, state) == HF_OK && usable(conn, &s)) {
    status = hf_copy(&conn->hs->session, state.data, state.len);
    if (status == HF_OK) {
      status = offer(conn, &s);
    }
  }
  OPENSSL_cleanse(&s, sizeof(s));
  return status;
}

/* ---- the client: what a ServerHello that resumes must repeat ---- */

hf_status hf_resume_12(hf_conn *conn) {
  hf_session s;
  if (hf_session_parse(&s, conn->hs->session) != HF_OK) {
    return HF_INTERNAL;
  }
  const bool same_suite = s.suite == conn->suite, same_ems = s.ems == conn->ems;
  memcpy(conn->hs->secret, s.psk, HF_MAIN_SECRET);
  OPENSSL_cleanse(&s, sizeof(s));
  if (!same_suite) {
    return HF_OLD_SESSION_SUITE;
  }
  if (same_ems) {
    return HF_OK;
  }
  return conn->ems ? HF_STRAY_EXTENDED_MAIN_SECRET : HF_NO_EXTENDED_MAIN_SECRET;
}

/* ---- TICKET and KEEP ---- */

/* Puts the session of this handshake into hs->new_session; |name| is what it goes by. */
static hf_status make_session(hf_conn *conn, hf_bytes name, bool by_id, uint32_t lifetime) {
  hf_session s;
  memset(&s, 0, sizeof(s));
  s.suite = conn->suite;
  s.issued = conn->now;
  s.lifetime = lifetime;
  s.ems = conn->ems;
  s.by_id = by_id;
  s.client_cert = hf_has(conn, CLIENT_CERT) || conn->session_cert;
  memcpy(s.psk, conn->exporter, HF_MAIN_SECRET);
  CBS_init(&s.server_name, conn->server_name, conn->server_name_len);
  CBS_init(&s.alpn, conn->alpn, conn->alpn_len);
  CBS_init(&s.early_context, NULL, 0);
  CBS_init(&s.ticket, name.data, name.len);
  const hf_status status = hf_session_write(&conn->hs->new_session, &s);
  OPENSSL_cleanse(&s, sizeof(s));
  return status;
}

hf_status hf_ask_TICKET(hf_conn *conn) {
  const uint32_t lifetime = conn->config->settings.ticket_lifetime;
  HF_TRY(make_session(conn, hf_range(NULL, 0), false, lifetime));
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_TICKET);
  q->ticket.state = conn->hs->new_session;
  q->ticket.lifetime = lifetime;
  q->ticket.renewed = hf_has(conn, RESUMED);
  return HF_OK;
}

/* A client's ticket counts before a session id: RFC 5077 3.4. */
hf_status hf_ask_KEEP(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  const bool by_id = hs->ticket.data == NULL || hf_is_server(conn);
  const hf_bytes name = by_id ? hf_range(hs->session_id, hs->session_id_len) : hs->ticket;
  const uint32_t lifetime =
      by_id || hs->lifetime == 0 ? conn->config->settings.ticket_lifetime : hs->lifetime;
  HF_TRY(make_session(conn, name, by_id, lifetime));
  hf_question_t *q = hf_ask_begin(conn, HF_ASK_KEEP);
  q->keep.state = hs->new_session;
  q->keep.name = name;
  q->keep.lifetime = lifetime;
  return HF_OK;
}

/* ---- NewSessionTicket, RFC 5077 3.3 ---- */

size_t hf_bound_NEW_SESSION_TICKET(const hf_conn *conn) { return 6 + conn->hs->ticket.len; }

hf_status hf_send_NEW_SESSION_TICKET(hf_conn *conn, CBB *body) {
  const hf_bytes ticket = conn->hs->ticket;
  CBB bytes;
  return CBB_add_u32(body, conn->config->settings.ticket_lifetime) &&
                 CBB_add_u16_length_prefixed(body, &bytes) &&
                 CBB_add_bytes(&bytes, ticket.data, ticket.len) && CBB_flush(body)
             ? HF_OK
             : HF_INTERNAL;
}

hf_status hf_receive_NEW_SESSION_TICKET(hf_conn *conn, CBS *body) {
  hf_hs *hs = conn->hs;
  CBS ticket;
  if (!CBS_get_u32(body, &hs->lifetime) || !CBS_get_u16_length_prefixed(body, &ticket)) {
    return HF_DECODE_ERROR;
  }
  hf_free_bytes(&hs->ticket);
  // RFC 5077 3.3: an empty one says that there is none after all.
  if (CBS_len(&ticket) == 0 || CBS_len(&ticket) > HF_MAX_TICKET) {
    return HF_OK;
  }
  if (hs->lifetime > HF_MAX_LIFETIME) {
    hs->lifetime = HF_MAX_LIFETIME;
  }
  hf_flag(conn, KEEP, true);
  return hf_copy(&hs->ticket, CBS_data(&ticket), CBS_len(&ticket));
}
