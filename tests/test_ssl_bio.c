/* The BIOs of an SSL: who owns what, what is asked of them, BIO_f_ssl; and what SSL_get_error makes
 * of their flags. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "ssl_pair.h"

TestSuite(ssl_bio, .timeout = 60);

/* ---- A BIO that keeps a diary ---- */

static struct {
  int freed, flushes, writes, reads;
  int flush_result;
  int asked[32]; /* sizes asked of reads */
  size_t last_write;
  int refuse; /* what reads and writes fail with: BIO_FLAGS_ bits; 0: they are passed on */
  int refuse_reason;
} diary;

static int diary_read(BIO *bio, char *out, int len) {
  BIO *next = BIO_get_data(bio);
  if (diary.reads < 32) diary.asked[diary.reads] = len;
  diary.reads++;
  BIO_clear_retry_flags(bio);
  if (diary.refuse != 0) {
    BIO_set_flags(bio, diary.refuse);
    BIO_set_retry_reason(bio, diary.refuse_reason);
    return -1;
  }
  int ret = next != NULL ? BIO_read(next, out, len) : 0;
  if (ret < 0) BIO_set_retry_read(bio);
  return ret;
}

static int diary_write(BIO *bio, const char *in, int len) {
  BIO *next = BIO_get_data(bio);
  diary.writes++;
  diary.last_write = (size_t)len;
  BIO_clear_retry_flags(bio);
  if (diary.refuse != 0) {
    BIO_set_flags(bio, diary.refuse);
    BIO_set_retry_reason(bio, diary.refuse_reason);
    return -1;
  }
  int ret = next != NULL ? BIO_write(next, in, len) : -1;
  if (ret < 0) BIO_set_retry_write(bio);
  return ret;
}

static long diary_ctrl(BIO *bio, int cmd, long num, void *ptr) {
  (void)num;
  (void)ptr;
  if (cmd != BIO_CTRL_FLUSH) return 0;
  diary.flushes++;
  if (diary.flush_result <= 0) BIO_set_retry_write(bio);
  return diary.flush_result;
}

static int diary_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

static int diary_destroy(BIO *bio) {
  BIO_free(BIO_get_data(bio));
  diary.freed++;
  return 1;
}

static BIO_METHOD *method;

static void set_up(void) {
  memset(&diary, 0, sizeof(diary));
  diary.flush_result = 1;
  method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 200, "diary");
  BIO_meth_set_read(method, diary_read);
  BIO_meth_set_write(method, diary_write);
  BIO_meth_set_ctrl(method, diary_ctrl);
  BIO_meth_set_create(method, diary_create);
  BIO_meth_set_destroy(method, diary_destroy);
}

static void tear_down(void) { BIO_meth_free(method); }

static BIO *diary_over(BIO *next) {
  BIO *bio = BIO_new(method);
  BIO_set_data(bio, next);
  return bio;
}

/* half is a client over a diary over a pair. */
static SSL *half(SSL_CTX *ctx, BIO **net) {
  BIO *bio;
  SSL *ssl = SSL_new(ctx);
  cr_assert(BIO_new_bio_pair(&bio, 0, net, 0));
  bio = diary_over(bio);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_connect_state(ssl);
  return ssl;
}

/* ---- Ownership ---- */

TestSuite(ssl_bio_owner, .init = set_up, .fini = tear_down, .timeout = 60);

Test(ssl_bio_owner, the_same_bio_for_both_takes_one_reference) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL *ssl = SSL_new(ctx);
  BIO *bio = diary_over(NULL);
  SSL_set_bio(ssl, bio, bio);
  cr_assert(SSL_get_rbio(ssl) == bio && SSL_get_wbio(ssl) == bio);
  /* Nothing changes: nothing is taken. */
  SSL_set_bio(ssl, bio, bio);
  cr_assert_eq(diary.freed, 0);
  SSL_free(ssl);
  cr_assert_eq(diary.freed, 1);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_owner, two_bios_take_two_references) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL *ssl = SSL_new(ctx);
  BIO *r = diary_over(NULL), *w = diary_over(NULL);
  SSL_set_bio(ssl, r, w);
  SSL_set_bio(ssl, r, w);
  SSL_free(ssl);
  cr_assert_eq(diary.freed, 2);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_owner, a_new_write_bio_takes_one_reference) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL *ssl = SSL_new(ctx);
  BIO *r = diary_over(NULL), *w = diary_over(NULL), *w2 = diary_over(NULL);
  SSL_set_bio(ssl, r, w);
  SSL_set_bio(ssl, r, w2);
  cr_assert_eq(diary.freed, 1);
  SSL_free(ssl);
  cr_assert_eq(diary.freed, 3);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_owner, a_new_read_bio_takes_one_reference_if_the_old_differed) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL *ssl = SSL_new(ctx);
  BIO *r = diary_over(NULL), *w = diary_over(NULL), *r2 = diary_over(NULL);
  SSL_set_bio(ssl, r, w);
  SSL_set_bio(ssl, r2, w);
  cr_assert_eq(diary.freed, 1);
  SSL_free(ssl);
  cr_assert_eq(diary.freed, 3);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_owner, a_new_read_bio_takes_two_references_if_the_old_were_the_same) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL *ssl = SSL_new(ctx);
  BIO *both = diary_over(NULL), *r2 = diary_over(NULL);
  SSL_set_bio(ssl, both, both);
  BIO_up_ref(both); /* the one that is taken for |both| */
  SSL_set_bio(ssl, r2, both);
  cr_assert_eq(diary.freed, 0);
  SSL_free(ssl);
  cr_assert_eq(diary.freed, 2);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_owner, set0_takes_one_reference_each) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL *ssl = SSL_new(ctx);
  BIO *bio = diary_over(NULL);
  SSL_set0_rbio(ssl, bio);
  BIO_up_ref(bio);
  SSL_set0_wbio(ssl, bio);
  SSL_set0_rbio(ssl, NULL);
  cr_assert(SSL_get_rbio(ssl) == NULL && SSL_get_wbio(ssl) == bio);
  cr_assert_eq(diary.freed, 0);
  SSL_free(ssl);
  cr_assert_eq(diary.freed, 1);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_owner, set_fd_makes_socket_bios) {
  SSL_CTX *ctx = ssl_client_ctx();
  SSL *ssl = SSL_new(ctx);
  cr_assert_eq(SSL_get_fd(ssl), -1);
  cr_assert_eq(SSL_set_fd(ssl, 77), 1);
  cr_assert(SSL_get_fd(ssl) == 77 && SSL_get_rfd(ssl) == 77 && SSL_get_wfd(ssl) == 77);
  cr_assert(SSL_get_rbio(ssl) == SSL_get_wbio(ssl));
  cr_assert_eq(SSL_set_rfd(ssl, 78), 1);
  cr_assert(SSL_get_rfd(ssl) == 78 && SSL_get_wfd(ssl) == 77);
  cr_assert_eq(SSL_set_wfd(ssl, 78), 1);
  cr_assert(SSL_get_rbio(ssl) == SSL_get_wbio(ssl));
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

/* ---- What is asked of a BIO ---- */

TestSuite(ssl_bio_calls, .init = set_up, .fini = tear_down, .timeout = 60);

Test(ssl_bio_calls, a_flight_is_one_write_and_one_flush) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = half(ctx, &net);
  cr_assert_eq(SSL_connect(ssl), -1);
  cr_assert_eq(diary.writes, 1);
  cr_assert_eq(diary.last_write, BIO_ctrl_pending(net));
  cr_assert_eq(diary.flushes, 1);
  cr_assert_eq(SSL_connect(ssl), -1);
  cr_assert_eq(diary.writes, 1);
  cr_assert_eq(diary.flushes, 1);
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_calls, tickets_are_one_write) {
  SSL_CTX *ctx = ssl_client_ctx(), *server_ctx = ssl_server_ctx("ecdsa-p256");
  struct ssl_pair pair;
  SSL_CTX_set_num_tickets(server_ctx, 4);
  cr_assert(ssl_pair_new(&pair, ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
  BIO *bio = SSL_get_wbio(pair.server);
  BIO_up_ref(bio);
  SSL_set0_wbio(pair.server, diary_over(bio));
  cr_assert_eq(SSL_write(pair.server, "", 0), 0);
  cr_assert_eq(diary.writes, 1, "%d", diary.writes);
  cr_assert_eq(diary.flushes, 1);
  ssl_pair_free(&pair);
  SSL_CTX_free(ctx);
  SSL_CTX_free(server_ctx);
}

Test(ssl_bio_calls, a_flush_that_fails_is_want_write) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = half(ctx, &net);
  diary.flush_result = 0;
  int ret = SSL_connect(ssl);
  cr_assert_eq(ret, -1);
  cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_WANT_WRITE);
  diary.flush_result = 1;
  ret = SSL_connect(ssl);
  cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_WANT_READ);
  cr_assert_eq(diary.flushes, 2);
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_calls, reads_are_of_exact_size) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = half(ctx, &net);
  cr_assert_eq(SSL_connect(ssl), -1);
  cr_assert_eq(BIO_write(net, "\x16\x03\x03\x00\x7a\x02", 6), 6);
  cr_assert_eq(SSL_connect(ssl), -1);
  int expected[] = {5, 5, 0x7a, 0x79};
  cr_assert_eq(diary.reads, 4);
  cr_assert(memcmp(diary.asked, expected, sizeof(expected)) == 0);
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

Test(ssl_bio_calls, read_ahead_asks_for_a_longest_record) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = half(ctx, &net);
  SSL_set_read_ahead(ssl, 1);
  cr_assert_eq(SSL_connect(ssl), -1);
  cr_assert_eq(diary.asked[0], 5 + 16384 + 256);
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

/* ---- SSL_get_error ---- */

TestSuite(ssl_get_error, .init = set_up, .fini = tear_down, .timeout = 60);

static void refusal(int flags, int reason, int expected) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = half(ctx, &net);
  diary.refuse = flags;
  diary.refuse_reason = reason;
  int ret = SSL_connect(ssl);
  cr_assert_eq(ret, -1);
  cr_assert_eq(SSL_get_error(ssl, ret), expected);
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

Test(ssl_get_error, write_bio_that_waits_for_reading_is_want_read) {
  refusal(BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY, 0, SSL_ERROR_WANT_READ);
}

Test(ssl_get_error, write_bio_that_waits_for_writing_is_want_write) {
  refusal(BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY, 0, SSL_ERROR_WANT_WRITE);
}

Test(ssl_get_error, bio_that_connects_is_want_connect) {
  refusal(BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY, BIO_RR_CONNECT, SSL_ERROR_WANT_CONNECT);
}

Test(ssl_get_error, bio_that_accepts_is_want_accept) {
  refusal(BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY, BIO_RR_ACCEPT, SSL_ERROR_WANT_ACCEPT);
}

Test(ssl_get_error, read_bio_that_waits_for_writing_is_want_write) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = half(ctx, &net);
  cr_assert_eq(SSL_connect(ssl), -1);
  diary.refuse = BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY;
  int ret = SSL_connect(ssl);
  cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_WANT_WRITE);
  cr_assert(SSL_want_read(ssl));
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

Test(ssl_get_error, flags_that_changed_since_are_syscall) {
  SSL_CTX *ctx = ssl_client_ctx();
  BIO *net;
  SSL *ssl = half(ctx, &net);
  int ret = SSL_connect(ssl);
  cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_WANT_READ);
  BIO_clear_retry_flags(SSL_get_rbio(ssl));
  cr_assert_eq(SSL_get_error(ssl, ret), SSL_ERROR_SYSCALL);
  SSL_free(ssl);
  BIO_free(net);
  SSL_CTX_free(ctx);
}

Test(ssl_get_error, the_order_is_success_queue_zero_return_want) {
  struct ssl_pair pair;
  char buf[4];
  cr_assert(ssl_pair_ready(&pair, 0));
  int ret = SSL_read(pair.client, buf, sizeof(buf));
  cr_assert_eq(SSL_get_error(pair.client, 1), SSL_ERROR_NONE);
  cr_assert_eq(SSL_get_error(pair.client, ret), SSL_ERROR_WANT_READ);
  ERR_put_error(ERR_LIB_SSL, 0, SSL_R_BAD_LENGTH, "here", 1);
  cr_assert_eq(SSL_get_error(pair.client, 1), SSL_ERROR_NONE);
  cr_assert_eq(SSL_get_error(pair.client, ret), SSL_ERROR_SSL);
  ERR_clear_error();
  ERR_put_error(ERR_LIB_SYS, 0, ECONNRESET, "here", 1);
  cr_assert_eq(SSL_get_error(pair.client, ret), SSL_ERROR_SYSCALL);
  ERR_clear_error();
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  ret = SSL_read(pair.client, buf, sizeof(buf));
  cr_assert_eq(ret, 0);
  cr_assert_eq(SSL_get_error(pair.client, ret), SSL_ERROR_ZERO_RETURN);
  /* close_notify was met by that call, not by this one. */
  cr_assert_eq(SSL_write(pair.client, "", 0), 0);
  cr_assert_eq(SSL_get_error(pair.client, 0), SSL_ERROR_SYSCALL);
  ssl_pair_free(&pair);
}

Test(ssl_get_error, numbers_are_boringssls) {
  cr_assert_eq(SSL_NOTHING, 0);
  cr_assert_eq(SSL_READING, 2);
  cr_assert_eq(SSL_WRITING, 3);
  const int errors[] = {SSL_ERROR_NONE,
                        SSL_ERROR_SSL,
                        SSL_ERROR_WANT_READ,
                        SSL_ERROR_WANT_WRITE,
                        SSL_ERROR_WANT_X509_LOOKUP,
                        SSL_ERROR_SYSCALL,
                        SSL_ERROR_ZERO_RETURN,
                        SSL_ERROR_WANT_CONNECT,
                        SSL_ERROR_WANT_ACCEPT};
  for (int i = 0; i < 9; i++) cr_assert_eq(errors[i], i);
  cr_assert_eq(SSL_ERROR_PENDING_SESSION, 11);
  cr_assert_eq(SSL_ERROR_PENDING_CERTIFICATE, 12);
  cr_assert_eq(SSL_ERROR_WANT_PRIVATE_KEY_OPERATION, 13);
  cr_assert_eq(SSL_ERROR_PENDING_TICKET, 14);
  cr_assert_eq(SSL_ERROR_EARLY_DATA_REJECTED, 15);
  cr_assert_eq(SSL_ERROR_WANT_CERTIFICATE_VERIFY, 16);
  cr_assert_eq(SSL_MODE_ENABLE_PARTIAL_WRITE, 1);
  cr_assert_eq(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, 2);
  cr_assert_eq(SSL_MODE_AUTO_RETRY, 0);
}

Test(ssl_get_error, descriptions_are_the_names) {
  cr_assert_str_eq(SSL_error_description(SSL_ERROR_WANT_READ), "WANT_READ");
  cr_assert_str_eq(SSL_error_description(SSL_ERROR_SYSCALL), "SYSCALL");
  cr_assert(SSL_error_description(10) == NULL);
  cr_assert(SSL_error_description(-1) == NULL);
  cr_assert(SSL_error_description(99) == NULL);
}

/* ---- BIO_f_ssl ---- */

Test(ssl_bio, f_ssl_reads_and_writes) {
  struct ssl_pair pair;
  char buf[16];
  cr_assert(ssl_pair_default(&pair, 0));
  BIO *client = BIO_new(BIO_f_ssl()), *server = BIO_new(BIO_f_ssl());
  SSL *got = NULL;
  cr_assert_lt(BIO_read(client, buf, 4),
               0); /* -2 or -1: libcrypto's own code for a BIO that is not set up */
  cr_assert_not(BIO_should_retry(client));
  ERR_clear_error();
  cr_assert_eq(BIO_set_ssl(client, pair.client, BIO_NOCLOSE), 1);
  cr_assert_eq(BIO_set_ssl(server, pair.server, BIO_CLOSE), 1);
  cr_assert_eq(BIO_set_ssl(server, pair.server, BIO_NOCLOSE), 0);
  cr_assert_eq(BIO_ctrl(client, BIO_C_GET_SSL, 0, &got), 1);
  cr_assert(got == pair.client);
  cr_assert_eq(BIO_write(client, "hello", 5), -1);
  cr_assert(BIO_should_read(client) && BIO_should_retry(client));
  cr_assert_eq(BIO_read(server, buf, sizeof(buf)), -1);
  cr_assert(BIO_should_read(server));
  cr_assert_eq(BIO_write(client, "hello", 5), 5);
  cr_assert_not(BIO_should_retry(client));
  cr_assert_eq(BIO_flush(client), 1);
  cr_assert_eq(BIO_read(server, buf, 2), 2);
  cr_assert_eq(BIO_pending(server), 3);
  cr_assert_eq(BIO_read(server, buf, sizeof(buf)), 3);
  /* Freeing it shuts down. */
  BIO_free(client);
  cr_assert_eq(BIO_read(server, buf, sizeof(buf)), 0);
  BIO_free(server); /* and the SSL with it, if it is its own */
  pair.server = NULL;
  ssl_pair_free(&pair);
}

Test(ssl_bio, f_ssl_does_a_handshake) {
  struct ssl_pair pair;
  cr_assert(ssl_pair_default(&pair, 0));
  BIO *client = BIO_new(BIO_f_ssl());
  cr_assert_eq(BIO_set_ssl(client, pair.client, BIO_NOCLOSE), 1);
  cr_assert_eq(BIO_ctrl(client, BIO_C_DO_STATE_MACHINE, 0, NULL), -1);
  cr_assert(BIO_should_read(client));
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(BIO_ctrl(client, BIO_C_DO_STATE_MACHINE, 0, NULL), 1);
  BIO_free(client);
  ssl_pair_free(&pair);
}

Test(ssl_bio, an_ssl_over_an_ssl) {
  struct ssl_pair outer;
  char buf[8];
  cr_assert(ssl_pair_ready(&outer, 0));
  SSL_CTX *client_ctx = ssl_client_ctx(), *server_ctx = ssl_server_ctx("ed25519");
  SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
  BIO *cbio = BIO_new(BIO_f_ssl()), *sbio = BIO_new(BIO_f_ssl());
  BIO_set_ssl(cbio, outer.client, BIO_NOCLOSE);
  BIO_set_ssl(sbio, outer.server, BIO_NOCLOSE);
  SSL_set_bio(client, cbio, cbio);
  SSL_set_bio(server, sbio, sbio);
  int c = SSL_connect(client);
  cr_assert_eq(SSL_get_error(client, c), SSL_ERROR_WANT_READ);
  for (int i = 0; i < 10; i++) {
    (void)SSL_accept(server);
    (void)SSL_connect(client);
  }
  cr_assert(SSL_is_init_finished(client) && SSL_is_init_finished(server));
  cr_assert_eq(SSL_write(server, "deep", 4), 4);
  cr_assert_eq(SSL_read(client, buf, sizeof(buf)), 4);
  SSL_free(client);
  SSL_free(server);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
  ssl_pair_free(&outer);
}

Test(ssl_bio, memory_bios) {
  SSL_CTX *client_ctx = ssl_client_ctx(), *server_ctx = ssl_server_ctx("rsa-2048");
  SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
  BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
  char buf[8];
  BIO_up_ref(a);
  BIO_up_ref(b);
  SSL_set_bio(client, a, b);
  SSL_set_bio(server, b, a);
  int ret = SSL_connect(client);
  cr_assert_eq(SSL_get_error(client, ret), SSL_ERROR_WANT_READ);
  (void)SSL_accept(server);
  cr_assert_eq(SSL_connect(client), 1);
  cr_assert_eq(SSL_accept(server), 1);
  cr_assert_eq(SSL_write(client, "mem", 3), 3);
  cr_assert_eq(SSL_read(server, buf, sizeof(buf)), 3);
  /* An empty memory BIO can mean the end of the transport. */
  BIO_set_mem_eof_return(b, 0);
  ret = SSL_read(server, buf, sizeof(buf));
  cr_assert_eq(ret, 0);
  cr_assert_eq(SSL_get_error(server, ret), SSL_ERROR_SYSCALL);
  SSL_free(client);
  SSL_free(server);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}
