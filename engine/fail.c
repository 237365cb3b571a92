/* fail.c: the one way to fail, and what every public call does last. */
#include "engine.h"

#include <openssl/err.h>

static const struct {
  uint8_t alert;
  bool sent;
} alerts[] = {
#define NONE 255
#define HF_ERROR(name, alert, reason, text) {HF_ALERT_##alert, HF_##name != HF_PEER_ALERT},
    {HF_ALERT_NONE, false},
#include <handfast/errors.def>
#undef HF_ERROR
};

static const hf_entropy no_entropy;

void hf_entropy_forget(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  if (hf_entropy_kept(hs)) {
    OPENSSL_free((void *)hs->entropy);
    conn->deep = true;
  }
  hs->entropy = &no_entropy;
}

bool hf_entropy_kept(const hf_hs *hs) { return hs->entropy != NULL && hs->entropy != &no_entropy; }

hf_status hf_entropy_keep(hf_conn *conn, const hf_entropy *entropy) {
  hf_entropy *copy = OPENSSL_malloc(sizeof(*copy));
  if (copy == NULL) {
    return HF_NO_MEMORY;
  }
  *copy = *entropy;
  hf_entropy_forget(conn);
  conn->hs->entropy = copy;
  return HF_OK;
}

void hf_hs_free(hf_conn *conn) {
  hf_hs *hs = conn->hs;
  if (hs == NULL) {
    return;
  }
  hf_buffer_free(&hs->hello_bytes);
  hf_buffer_free(&hs->flight);
  hf_buffer_free(&hs->heard);
  hf_bytes *const owned[] = {&hs->given_hello,  &hs->given_retry, &hs->session,
                             &hs->offers,       &hs->cookie,      &hs->ciphertext,
                             &hs->decompressed, &hs->to_compress, &hs->compressed,
                             &hs->ticket,       &hs->new_session};
  for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
    hf_free_bytes(owned[i]);
  }
  hf_entropy_forget(conn);
  hf_identity_free(hs->identity);
  EVP_PKEY_free(hs->peer_key);
  OPENSSL_free(hs->lists);
  OPENSSL_free(hs->main_key);
  OPENSSL_free(hs);
  conn->hs = NULL;
  hf_custom_forget_own(conn);
  hf_forget_flight(conn);
}

hf_status hf_fail(hf_conn *conn, hf_status status, int alert) {
  if (conn->fault != HF_OK) {
    return (hf_status)conn->fault;
  }
  conn->fault = (uint8_t)status;
  conn->fault_row = hf_row(conn);
  conn->fault_alert = alert < 0 ? alerts[status].alert : (uint8_t)alert;
  if (hf_has(conn, QUIC)) {
    // RFC 9001 4.8: QUIC's CONNECTION_CLOSE says it, and takes the place of what was to be sent.
    hf_buffer_free(&conn->out);
    conn->out_read = 0;
  } else if (alerts[status].sent && !conn->close_sent) {
    const uint8_t body[] = {2 /* fatal */, conn->fault_alert};
    // Without memory for it the peer goes without its alert: there is nothing else to do.
    if (hf_record_write(conn, HF_ALERT, body, sizeof(body)) == HF_OK) {
      hf_trace(conn, true, HF_ALERT, body, sizeof(body));
      conn->close_sent = true;
    }
  }
  hf_keys_wipe(&conn->read);
  hf_keys_wipe(&conn->write);
  OPENSSL_cleanse(conn->exporter, sizeof(conn->exporter));
  OPENSSL_cleanse(conn->resumption, sizeof(conn->resumption));
  hf_hs_free(conn);
  hf_post_free(conn);
  hf_buffer_free(&conn->in);
  conn->in_read = 0;
  return status;
}

hf_status hf_blame(hf_status otherwise) {
  hf_status status = otherwise;
  for (uint32_t error = ERR_get_error(); error != 0; error = ERR_get_error()) {
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
      return HF_NO_MEMORY;
    }
    // Not every lack of memory is called so.
    if (ERR_GET_REASON(error) == ERR_R_INTERNAL_ERROR) {
      status = HF_CRYPTO_FAILED;
    }
  }
  return status;
}

/* Overwrites the stack below the caller: what libcrypto leaves there of keys goes with it.  How far
 * it goes, plain_ordeal_secrets measures: 11 KiB with P-384 and P-521, 3.1 KiB without a
 * curve, 1.3 KiB for a record, with API 43's libcrypto 2.2.  Of ML-KEM, where there is one, the
 * keys alone are 22 KiB (mlkem.c). In pieces, for which memset has vector stores: for more it may
 * take the processor's string instruction, which is slow to begin. */
enum {
  HF_DEAD_STACK = BORINGSSL_API_VERSION >= 32 ? 48 * 1024 : 16 * 1024,
  HF_DEAD_HASHES = 4 * 1024,
  HF_DEAD_RECORD = BORINGSSL_API_VERSION >= 32 ? 3 * 1024 : 2 * 1024,
  HF_AT_ONCE = 1024
};
#ifdef __GNUC__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE
#endif
static inline void overwrite(uint8_t *dead, size_t len) {
  for (size_t i = 0; i < len; i += HF_AT_ONCE) {
    OPENSSL_cleanse(dead + i, HF_AT_ONCE);
  }
}

NOINLINE void hf_scrub(void) {
  uint8_t dead[HF_DEAD_STACK];
  overwrite(dead, sizeof(dead));
}

NOINLINE static void scrub_hashes(void) {
  uint8_t dead[HF_DEAD_HASHES];
  overwrite(dead, sizeof(dead));
}

NOINLINE void hf_scrub_record(void) {
  uint8_t dead[HF_DEAD_RECORD];
  overwrite(dead, sizeof(dead));
}

hf_status hf_leave(hf_conn *conn, hf_status status) {
  if (status != HF_OK && status != HF_MISUSE && status != HF_SHORT_OUTPUT) {
    hf_fail(conn, status, -1);
  }
  ERR_clear_error();
  if (conn->deep || (conn->hs != NULL && hf_entropy_kept(conn->hs))) {
    hf_scrub();
  } else {
    scrub_hashes();
  }
  conn->deep = false;
  return status;
}

void hf_get_fault(hf_fault *out, const hf_conn *conn) {
  out->status = (hf_status)conn->fault;
  out->alert = conn->fault_alert;
  out->text = hf_status_text(out->status);
  out->where = hf_row_name(conn);
}

void hf_abort(hf_conn *conn, uint8_t alert) {
  if (conn->fault == HF_OK) {
    // A hello that nobody has seen is taken back, and the keys of early data with it: of all that
    // the peer gets the alert alone.
    if (!conn->record_seen && conn->out_read == 0 && !conn->close_sent && !hf_has(conn, QUIC)) {
      hf_buffer_free(&conn->out);
      hf_keys_wipe(&conn->write);
    }
    hf_fail(conn, HF_REFUSED, alert == 0 ? HF_ALERT_INTERNAL_ERROR : alert);
    (void)hf_leave(conn, HF_OK);
  }
}

hf_status hf_refuse(hf_conn *conn, uint8_t alert) {
  if (conn->fault != HF_OK || hf_question(conn)->ask == HF_ASK_NONE) {
    return HF_MISUSE;
  }
  hf_abort(conn, alert);
  return HF_OK;
}
