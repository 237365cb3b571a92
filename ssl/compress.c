/* compress.c: compressed certificates (RFC 8879): which algorithms an SSL has, and its answers to
 * HF_ASK_COMPRESS and HF_ASK_DECOMPRESS.
 *
 * Owns: ssl_settings.cert_algs.  Leaves to others: the ready-made algorithms (compressors.c). */
#include <openssl/err.h>
#include <openssl/mem.h>

#include "ssl/compressors.h"
#include "ssl/driver.h"

/* add puts an algorithm behind those of |algs|. */
static bool add(ssl_cert_algs *algs, ssl_cert_alg alg) {
  if ((alg.compress == NULL && alg.decompress == NULL) || algs->num == SSL_MAX_CERT_ALGS)
    return false;
  for (size_t i = 0; i < algs->num; i++)
    if (algs->list[i].id == alg.id) return false;
  algs->list[algs->num++] = alg;
  return true;
}

int SSL_CTX_add_cert_compression_alg(SSL_CTX *ctx, uint16_t alg_id,
                                     ssl_cert_compression_func_t compress,
                                     ssl_cert_decompression_func_t decompress) {
  ssl_settings *s = ssl_settings_edit(&ctx->settings, SSL_EDIT_CONFIG);
  return s != NULL && add(&s->cert_algs, (ssl_cert_alg){alg_id, compress, decompress});
}

static int set_preference(ssl_settings **settings, const int *algs, size_t len) {
  ssl_cert_algs fresh = {.num = 0};
  for (size_t i = 0; i < len; i++) {
    const ssl_cert_alg *ready = ssl_ready_made(algs[i]);
    if (ready != NULL && !add(&fresh, *ready)) return 0;
  }
  if (len > 0 && fresh.num == 0) return 0;
  ssl_settings *s = ssl_settings_edit(settings, SSL_EDIT_CONFIG);
  if (s == NULL) return 0;
  s->cert_algs = fresh;
  return 1;
}

int SSL_CTX_set1_cert_comp_preference(SSL_CTX *ctx, int *algs, size_t len) {
  return set_preference(&ctx->settings, algs, len);
}

int SSL_set1_cert_comp_preference(SSL *ssl, int *algs, size_t len) {
  return set_preference(&ssl->settings, algs, len);
}

void ssl_draft_cert_algs(hf_settings *out, uint16_t compress[SSL_MAX_CERT_ALGS],
                         uint16_t decompress[SSL_MAX_CERT_ALGS], const ssl_settings *s) {
  size_t num_compress = 0, num_decompress = 0;
  for (size_t i = 0; i < s->cert_algs.num; i++) {
    if (s->cert_algs.list[i].compress != NULL) compress[num_compress++] = s->cert_algs.list[i].id;
    if (s->cert_algs.list[i].decompress != NULL)
      decompress[num_decompress++] = s->cert_algs.list[i].id;
  }
  out->compressors = (hf_codes){compress, num_compress};
  out->decompressors = (hf_codes){decompress, num_decompress};
}

static const ssl_cert_alg *find(const SSL *ssl, uint16_t id) {
  const ssl_settings *s = ssl->settings;
  for (size_t i = 0; i < s->cert_algs.num; i++)
    if (s->cert_algs.list[i].id == id) return &s->cert_algs.list[i];
  return NULL;
}

/* compress_by gives |*out|, to be freed.  False: it cannot be compressed, which is no error: the
 * certificate goes as it is, and nothing of it stays on the error queue.  The algorithm was the
 * settings' when the handshake began, and may be so no more. */
static bool compress_by(SSL *ssl, uint8_t **out, size_t *out_len, uint16_t id, hf_bytes message) {
  const ssl_cert_alg *alg = find(ssl, id);
  CBB cbb;
  if (alg == NULL || alg->compress == NULL || !CBB_init(&cbb, message.len)) return false;
  if (alg->compress(ssl, &cbb, message.data, message.len) && CBB_finish(&cbb, out, out_len))
    return true;
  CBB_cleanup(&cbb);
  return false;
}

bool ssl_answer_compress(SSL *ssl, const hf_question_t *question) {
  const uint16_t id = question->compress.algorithms.list[0];
  uint8_t *data = NULL;
  size_t len = 0;
  ERR_set_mark();
  if (!compress_by(ssl, &data, &len, id, question->compress.message)) ERR_pop_to_mark();
  hf_status status = hf_answer_compress(ssl->conn, id, (hf_bytes){data, len});
  if (status == HF_MISUSE) status = hf_answer_compress(ssl->conn, id, (hf_bytes){NULL, 0});
  OPENSSL_free(data);
  return status != HF_MISUSE;
}

/* decompress_by gives the |len| bytes that |in| becomes; NULL: it does not.  What a callback that
 * fails has made is its own. */
static CRYPTO_BUFFER *decompress_by(SSL *ssl, const ssl_cert_alg *alg, size_t len, hf_bytes in) {
  CRYPTO_BUFFER *out = NULL;
  if (alg == NULL || alg->decompress == NULL || !alg->decompress(ssl, &out, len, in.data, in.len) ||
      out == NULL)
    return NULL;
  if (CRYPTO_BUFFER_len(out) == len) return out;
  CRYPTO_BUFFER_free(out);
  return NULL;
}

bool ssl_answer_decompress(SSL *ssl, const hf_question_t *question) {
  const size_t len = question->decompress.length;
  CRYPTO_BUFFER *out =
      decompress_by(ssl, find(ssl, question->decompress.algorithm), len, question->decompress.data);
  hf_status status;
  if (out != NULL) {
    status = hf_answer_decompress(ssl->conn, (hf_bytes){CRYPTO_BUFFER_data(out), len});
  } else {
    ssl->io.refusal = SSL_R_CERT_DECOMPRESSION_FAILED;
    status = hf_refuse(ssl->conn, SSL_AD_BAD_CERTIFICATE);
  }
  CRYPTO_BUFFER_free(out);
  return status != HF_MISUSE;
}
