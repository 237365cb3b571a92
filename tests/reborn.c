/* reborn.c: see reborn.h. */
#include "reborn.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

bool reborn_save(struct buf *out, const hf_conn *conn) {
  size_t len = hf_save_size(conn), written = 1;
  out->len = 0;
  uint8_t *room = buf_room(out, len);
  if (len == 0 || hf_save(conn, room, &written, len - 1) != HF_SHORT_OUTPUT || written != 0 ||
      hf_save(conn, room, &written, len) != HF_OK || written != len) {
    return false;
  }
  buf_added(out, len);
  return true;
}

static bool same_codes(hf_codes a, hf_codes b) {
  return a.num == b.num && (a.num == 0 || memcmp(a.list, b.list, a.num * sizeof *a.list) == 0);
}

static bool same_lists(const hf_bytes *a, size_t num_a, const hf_bytes *b, size_t num_b) {
  bool same = num_a == num_b;
  for (size_t i = 0; same && i < num_a; i++) same = bytes_equal(a[i], b[i]);
  return same;
}

static bool same_session(const hf_question_t *a, const hf_question_t *b) {
  bool same = a->session.num == b->session.num && a->session.hash_suite == b->session.hash_suite &&
              a->session.early_offered == b->session.early_offered;
  for (size_t i = 0; same && i < a->session.num; i++) {
    const hf_candidate *x = &a->session.candidates[i], *y = &b->session.candidates[i];
    same = x->kind == y->kind && bytes_equal(x->name, y->name) &&
           x->obfuscated_age == y->obfuscated_age;
  }
  return same;
}

static bool same_hello(const hf_question_t *a, const hf_question_t *b) {
  return bytes_equal(a->hello.hello, b->hello.hello) &&
         bytes_equal(a->hello.random, b->hello.random) &&
         bytes_equal(a->hello.session_id, b->hello.session_id) &&
         bytes_equal(a->hello.server_name, b->hello.server_name) &&
         bytes_equal(a->hello.alpn, b->hello.alpn) &&
         bytes_equal(a->hello.quic_params, b->hello.quic_params) &&
         same_codes(a->hello.versions, b->hello.versions) &&
         same_codes(a->hello.suites, b->hello.suites) &&
         same_codes(a->hello.groups, b->hello.groups) &&
         same_codes(a->hello.sigalgs, b->hello.sigalgs);
}

static bool same_identity(const hf_question_t *a, const hf_question_t *b) {
  return same_codes(a->identity.sigalgs, b->identity.sigalgs) &&
         same_codes(a->identity.cert_sigalgs, b->identity.cert_sigalgs) &&
         same_codes(a->identity.groups, b->identity.groups) &&
         same_codes(a->identity.suites, b->identity.suites) &&
         same_lists(a->identity.authorities, a->identity.num_authorities, b->identity.authorities,
                    b->identity.num_authorities);
}

static bool same_install(const hf_question_t *a, const hf_question_t *b) {
  return a->install.kind == b->install.kind && a->install.level == b->install.level &&
         a->install.sending == b->install.sending && a->install.suite == b->install.suite &&
         a->install.generation == b->install.generation &&
         strcmp(a->install.label, b->install.label) == 0 &&
         bytes_equal(a->install.secret, b->install.secret);
}

static bool same_question(const hf_question_t *a, const hf_question_t *b) {
  if (a->ask != b->ask) return false;
  switch (a->ask) {
    case HF_ASK_NONE:
      return true;
    case HF_ASK_HELLO:
      return same_hello(a, b);
    case HF_ASK_COOKIE:
      return a->cookie.make == b->cookie.make && a->cookie.must == b->cookie.must &&
             bytes_equal(a->cookie.cookie, b->cookie.cookie) &&
             bytes_equal(a->cookie.content, b->cookie.content);
    case HF_ASK_SESSION:
      return same_session(a, b);
    case HF_ASK_IDENTITY:
      return same_identity(a, b);
    case HF_ASK_ENCAP:
      return a->encap.group == b->encap.group && bytes_equal(a->encap.key, b->encap.key);
    case HF_ASK_SIGNATURE:
      return a->signature.tag == b->signature.tag && a->signature.sigalg == b->signature.sigalg &&
             bytes_equal(a->signature.input, b->signature.input);
    case HF_ASK_VERDICT:
      return same_lists(a->verdict.chain, a->verdict.num, b->verdict.chain, b->verdict.num) &&
             bytes_equal(a->verdict.ocsp, b->verdict.ocsp) &&
             bytes_equal(a->verdict.scts, b->verdict.scts) &&
             bytes_equal(a->verdict.server_name, b->verdict.server_name);
    case HF_ASK_COMPRESS:
      return a->compress.algorithms.num == b->compress.algorithms.num &&
             memcmp(a->compress.algorithms.list, b->compress.algorithms.list,
                    a->compress.algorithms.num * sizeof(uint16_t)) == 0 &&
             bytes_equal(a->compress.message, b->compress.message);
    case HF_ASK_DECOMPRESS:
      return a->decompress.algorithm == b->decompress.algorithm &&
             a->decompress.length == b->decompress.length &&
             bytes_equal(a->decompress.data, b->decompress.data);
    case HF_ASK_TICKET:
      return bytes_equal(a->ticket.state, b->ticket.state) &&
             a->ticket.lifetime == b->ticket.lifetime && a->ticket.renewed == b->ticket.renewed;
    case HF_ASK_KEEP:
      return bytes_equal(a->keep.state, b->keep.state) && bytes_equal(a->keep.name, b->keep.name) &&
             a->keep.lifetime == b->keep.lifetime &&
             a->keep.max_early_data == b->keep.max_early_data;
    case HF_ASK_INSTALL:
      return same_install(a, b);
  }
  return false;
}

static bool same_facts(const hf_conn *one, const hf_conn *other) {
  hf_facts a, b;
  hf_get_facts(&a, one);
  hf_get_facts(&b, other);
  hf_bytes *const lists[2][7] = {{&a.alpn, &a.server_name, &a.quic_params, &a.client_random,
                                  &a.server_random, &a.own_finished, &a.peer_finished},
                                 {&b.alpn, &b.server_name, &b.quic_params, &b.client_random,
                                  &b.server_random, &b.own_finished, &b.peer_finished}};
  for (size_t i = 0; i < 7; i++) {
    if (!bytes_equal(*lists[0][i], *lists[1][i])) return false;
    *lists[0][i] = *lists[1][i] = (hf_bytes){NULL, 0};
  }
  return a.role == b.role && a.version == b.version && a.suite == b.suite && a.group == b.group &&
         a.sigalg == b.sigalg && a.own_sigalg == b.own_sigalg && a.header == b.header &&
         a.trailer == b.trailer && a.max_data == b.max_data && a.resumed == b.resumed &&
         a.retried == b.retried && a.early_accepted == b.early_accepted &&
         a.close_sent == b.close_sent && a.early_left == b.early_left &&
         a.records_left == b.records_left;
}

static const char *compare(const hf_conn *a, const hf_conn *b) {
  hf_fault x, y;
  hf_get_fault(&x, a);
  hf_get_fault(&y, b);
  if (hf_wants(a) != hf_wants(b)) return "saved and loaded, it wants something else";
  if (!same_question(hf_question(a), hf_question(b))) return "saved and loaded, it asks otherwise";
  if (!same_facts(a, b)) return "saved and loaded, the facts differ";
  if (strcmp(hf_row_name(a), hf_row_name(b)) != 0) return "saved and loaded, the state differs";
  if (x.status != y.status || x.alert != y.alert || strcmp(x.where, y.where) != 0) {
    return "saved and loaded, the fault differs";
  }
  return NULL;
}

const char *reborn(hf_conn **conn, const hf_identity *identity) {
  struct buf first = {0}, second = {0};
  const hf_config *config = (*conn)->config;
  hf_conn *again = NULL;
  const char *differs = "it could not be saved";
  if (reborn_save(&first, *conn)) {
    hf_status status =
        hf_load(&again, &config, 1, &identity, identity != NULL, (hf_bytes){first.data, first.len});
    differs = status == HF_OK ? compare(*conn, again) : "what was saved could not be loaded";
  }
  if (differs == NULL && (!reborn_save(&second, again) || second.len != first.len ||
                          memcmp(first.data, second.data, first.len) != 0)) {
    differs = "saved once more, the bytes differ";
  }
  if (again != NULL) {
    hf_free(*conn);
    *conn = again;
  }
  buf_free(&first);
  buf_free(&second);
  return differs;
}
