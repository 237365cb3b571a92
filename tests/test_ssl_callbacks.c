/* Looking on: info, msg and keylog callbacks, and the names of alerts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sslwire.h"
#include "ssl_pair.h"

static SSL_CTX *client_ctx, *server_ctx;
static struct ssl_pair pair;

static void set_up(void) {
  client_ctx = ssl_client_ctx();
  server_ctx = ssl_server_ctx("ecdsa-p256");
  cr_assert(client_ctx != NULL && server_ctx != NULL);
}

static void tear_down(void) {
  ssl_pair_free(&pair);
  SSL_CTX_free(client_ctx);
  SSL_CTX_free(server_ctx);
}

TestSuite(ssl_callbacks, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- Info ---- */

static struct { int type, value; } infos[100];
static int num_infos;

static void on_info(const SSL *ssl, int type, int value) {
  cr_assert(ssl == pair.client);
  cr_assert_lt(num_infos, 100);
  infos[num_infos].type = type;
  infos[num_infos++].value = value;
}

static int count_info(int type) {
  int n = 0;
  for (int i = 0; i < num_infos; i++) n += infos[i].type == type;
  return n;
}

Test(ssl_callbacks, info_tells_start_states_end_and_return) {
  SSL_CTX_set_info_callback(client_ctx, on_info);
  cr_assert(SSL_CTX_get_info_callback(client_ctx) == on_info);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert(SSL_get_info_callback(pair.client) == on_info);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(infos[0].type, SSL_CB_HANDSHAKE_START);
  cr_assert_eq(count_info(SSL_CB_HANDSHAKE_START), 1);
  cr_assert_eq(count_info(SSL_CB_HANDSHAKE_DONE), 1);
  /* ClientHello; ServerHello, EncryptedExtensions, Certificate, CertificateVerify, Finished;
   * Finished. */
  cr_assert_eq(count_info(SSL_CB_CONNECT_LOOP), 7);
  cr_assert_eq(count_info(SSL_CB_CONNECT_EXIT), 2);
  cr_assert_eq(infos[num_infos - 2].type, SSL_CB_HANDSHAKE_DONE);
  cr_assert_eq(infos[num_infos - 1].type, SSL_CB_CONNECT_EXIT);
  cr_assert_eq(infos[num_infos - 1].value, 1);
  /* What comes later (tickets here) is no state of the handshake. */
  char buf[4];
  cr_assert_eq(SSL_write(pair.server, "x", 1), 1);
  cr_assert_eq(SSL_read(pair.client, buf, sizeof(buf)), 1);
  cr_assert_eq(count_info(SSL_CB_CONNECT_LOOP), 7);
}

Test(ssl_callbacks, info_tells_alerts) {
  char buf[4];
  SSL_CTX_set_info_callback(client_ctx, on_info);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
  cr_assert_eq(SSL_shutdown(pair.client), 0);
  cr_assert_eq(count_info(SSL_CB_WRITE_ALERT), 1);
  cr_assert_eq(infos[num_infos - 1].value, SSL3_AL_WARNING << 8 | SSL_AD_CLOSE_NOTIFY);
  cr_assert_eq(SSL_shutdown(pair.server), 0);
  cr_assert_eq(SSL_read(pair.client, buf, sizeof(buf)), 0);
  cr_assert_eq(count_info(SSL_CB_READ_ALERT), 1);
  cr_assert_eq(infos[num_infos - 1].value, SSL3_AL_WARNING << 8 | SSL_AD_CLOSE_NOTIFY);
}

Test(ssl_callbacks, info_tells_the_alert_of_a_failure) {
  SSL_CTX *untrusted = ssl_server_ctx("self-signed");
  SSL_CTX_set_info_callback(client_ctx, on_info);
  cr_assert(ssl_pair_new(&pair, client_ctx, untrusted, 0));
  cr_assert_not(ssl_pair_handshake(&pair));
  cr_assert_eq(count_info(SSL_CB_WRITE_ALERT), 1);
  cr_assert_eq(count_info(SSL_CB_HANDSHAKE_DONE), 0);
  for (int i = 0; i < num_infos; i++)
    if (infos[i].type == SSL_CB_WRITE_ALERT)
      cr_assert_eq(infos[i].value, SSL3_AL_FATAL << 8 | SSL_AD_UNKNOWN_CA);
  cr_assert_eq(infos[num_infos - 1].type, SSL_CB_CONNECT_EXIT);
  cr_assert_eq(infos[num_infos - 1].value, -1);
  SSL_CTX_free(untrusted);
}

/* Whoever lets SSL_write do the handshake is told as much. */
Test(ssl_callbacks, info_tells_what_a_handshake_inside_of_write_returns) {
  SSL_CTX_set_info_callback(client_ctx, on_info);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  cr_assert_eq(SSL_write(pair.client, "x", 1), -1);
  cr_assert_eq(count_info(SSL_CB_CONNECT_EXIT), 1);
  cr_assert_eq(infos[num_infos - 1].type, SSL_CB_CONNECT_EXIT);
  cr_assert_eq(infos[num_infos - 1].value, -1);
  cr_assert_eq(SSL_accept(pair.server), -1);
  cr_assert_eq(SSL_write(pair.client, "x", 1), 1);
  cr_assert_eq(count_info(SSL_CB_CONNECT_EXIT), 2);
  cr_assert_eq(infos[num_infos - 1].value, 1);
  /* Nothing of it once it is done. */
  cr_assert_eq(SSL_write(pair.client, "x", 1), 1);
  cr_assert_eq(count_info(SSL_CB_CONNECT_EXIT), 2);
}

/* ---- Msg ---- */

static uint8_t messages[100]; /* type, with 128 if sent */
static int num_messages, num_headers, num_ccs;
static int marker;

static void on_msg(int is_write, int version, int content_type, const void *buf, size_t len,
                   SSL *ssl, void *arg) {
  const uint8_t *bytes = buf;
  cr_assert(ssl == pair.client && arg == &marker);
  if (content_type == SSL3_RT_HEADER) {
    cr_assert_eq(len, 5);
    cr_assert_eq(version, 0);
    num_headers++;
  } else if (content_type == SSL3_RT_HANDSHAKE) {
    cr_assert_geq(len, 4);
    cr_assert_eq(len, 4 + ((size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]));
    messages[num_messages++] = (uint8_t)(bytes[0] | (is_write ? 128 : 0));
  } else if (content_type == SSL3_RT_CHANGE_CIPHER_SPEC) {
    num_ccs++;
  }
}

Test(ssl_callbacks, msg_shows_every_message_in_order) {
  static const uint8_t expected[] = {128 + 1, 2, 8, 11, 15, 20, 128 + 20};
  SSL_CTX_set_msg_callback(client_ctx, on_msg);
  SSL_CTX_set_msg_callback_arg(client_ctx, &marker);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
  cr_assert_eq(num_messages, (int)sizeof(expected));
  cr_assert(memcmp(messages, expected, sizeof(expected)) == 0);
  /* Three records each way at least: hello, change_cipher_spec, and what is encrypted. */
  cr_assert_geq(num_headers, 6);
}

Test(ssl_callbacks, msg_can_be_set_on_one_ssl) {
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0));
  SSL_set_msg_callback(pair.client, on_msg);
  SSL_set_msg_callback_arg(pair.client, &marker);
  cr_assert(ssl_pair_handshake(&pair));
  cr_assert_eq(num_messages, 7);
}

/* ---- Functions called from there, in the middle of an SSL_write ---- */

static int (*in_the_middle)(SSL *ssl);

static void on_record(int is_write, int version, int content_type, const void *buf, size_t len,
                      SSL *ssl, void *arg) {
  (void)version, (void)buf, (void)len, (void)arg;
  int (*call)(SSL *) = in_the_middle;
  if (call == NULL || !is_write || content_type != SSL3_RT_HEADER) return;
  in_the_middle = NULL;
  (void)call(ssl);
}

static int send_alert(SSL *ssl) { return SSL_send_fatal_alert(ssl, SSL_AD_HANDSHAKE_FAILURE); }
static int send_update(SSL *ssl) { return SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED); }

/* Of 40,000 bytes a record fits in the ring, and of what comes then ten bytes do.  Returns how many
 * bytes the server reads, and in |*ret| what SSL_read says last. */
static size_t write_much(int (*call)(SSL *ssl), int *ret) {
  static uint8_t data[40000];
  size_t got = 0;
  SSL_CTX_set_msg_callback(client_ctx, on_record);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 16406 + 10));
  cr_assert(ssl_pair_handshake(&pair));
  in_the_middle = call;
  for (int turns = 0; turns < 10; turns++) {
    const int sent = SSL_write(pair.client, data, sizeof(data));
    if (sent <= 0 && SSL_get_error(pair.client, sent) != SSL_ERROR_WANT_WRITE) {
      cr_assert(call != send_update);
      (void)SSL_shutdown(pair.client);
    }
    while ((*ret = SSL_read(pair.server, data, sizeof(data))) > 0) got += (size_t)*ret;
    if (sent > 0 || SSL_get_error(pair.server, *ret) != SSL_ERROR_WANT_READ) break;
  }
  cr_assert_null(in_the_middle);
  return got;
}

Test(ssl_callbacks, an_alert_from_the_middle_of_a_write_arrives) {
  int ret;
  cr_assert_eq(write_much(send_alert, &ret), 16384);
  cr_assert_eq(SSL_get_error(pair.server, ret), SSL_ERROR_SSL);
  cr_assert_eq(first_reason(), SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE);
}

Test(ssl_callbacks, close_notify_from_the_middle_of_a_write_arrives) {
  int ret;
  cr_assert_eq(write_much(SSL_shutdown, &ret), 16384);
  cr_assert_eq(SSL_get_error(pair.server, ret), SSL_ERROR_ZERO_RETURN);
}

Test(ssl_callbacks, a_key_update_from_the_middle_of_a_write_goes_between) {
  int ret;
  cr_assert_eq(write_much(send_update, &ret), 40000);
  cr_assert_eq(SSL_get_error(pair.server, ret), SSL_ERROR_WANT_READ);
}

/* ---- Key log ---- */

static char lines[2][20][300];
static int num_lines[2];

static void log_client(const SSL *ssl, const char *line) {
  cr_assert_not(SSL_is_server(ssl));
  snprintf(lines[0][num_lines[0]++], 300, "%s", line);
}

static void log_server(const SSL *ssl, const char *line) {
  cr_assert(SSL_is_server(ssl));
  snprintf(lines[1][num_lines[1]++], 300, "%s", line);
}

static const char *find_line(int side, const char *label) {
  size_t len = strlen(label);
  for (int i = 0; i < num_lines[side]; i++)
    if (strncmp(lines[side][i], label, len) == 0 && lines[side][i][len] == ' ')
      return lines[side][i];
  return NULL;
}

static const char *const kLabels[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                      "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
                                      "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"};

Test(ssl_callbacks, keylog_is_the_same_on_both_sides) {
  SSL_CTX_set_keylog_callback(client_ctx, log_client);
  SSL_CTX_set_keylog_callback(server_ctx, log_server);
  cr_assert(SSL_CTX_get_keylog_callback(client_ctx) == log_client);
  cr_assert(ssl_pair_new(&pair, client_ctx, server_ctx, 0) && ssl_pair_handshake(&pair));
  for (size_t i = 0; i < sizeof(kLabels) / sizeof(kLabels[0]); i++) {
    const char *client = find_line(0, kLabels[i]), *server = find_line(1, kLabels[i]);
    cr_assert(client != NULL && server != NULL, "%s", kLabels[i]);
    cr_assert_str_eq(client, server);
    /* "LABEL client_random secret": 32 bytes, and 32 or 48, in hexadecimal. */
    const char *random = client + strlen(kLabels[i]) + 1;
    cr_assert_eq(strspn(random, "0123456789abcdef"), 64);
    cr_assert_eq(random[64], ' ');
    size_t len = strspn(random + 65, "0123456789abcdef");
    cr_assert(len == 64 || len == 96);
    cr_assert_eq(random[65 + len], '\0');
  }
  cr_assert_eq(num_lines[0], num_lines[1]);
}

Test(ssl_callbacks, keylog_is_openssls) {
  char path[] = HF_BINARY_DIR "/keylog-of-openssl", command[1024], line[300];
  struct peer peer;
  struct sslwire wire;
  int error, compared = 0;
  unlink(path);
  cr_assert_null(peer_not_isolated());
  uint16_t port = peer_free_port();
  snprintf(
      command, sizeof(command),
      "openssl s_server -accept 127.0.0.1:%u -cert %s -cert_chain %s -key %s -keylogfile %s -quiet",
      port, cert_path("ecdsa-p256.pem"), cert_path("ecdsa-p256.pem"), cert_path("ecdsa-p256.key"),
      path);
  cr_assert_null(peer_start(&peer, command));
  SSL_CTX_set_keylog_callback(client_ctx, log_client);
  cr_assert(sslwire_open(&wire, client_ctx, &peer, peer_connect(port), "localhost"));
  cr_assert_eq(sslwire_handshake(&wire, &error), 1, "%d%s", error, peer_tail(&peer));
  cr_assert(sslwire_send(&wire, "x\n", 2));
  cr_assert(peer_printed(&peer, "x"));
  FILE *file = fopen(path, "r");
  cr_assert(file != NULL);
  while (fgets(line, sizeof(line), file) != NULL) {
    line[strcspn(line, "\r\n")] = '\0';
    if (strchr(line, ' ') == NULL || line[0] == '#') continue;
    bool found = false;
    for (int i = 0; i < num_lines[0]; i++) found = found || strcmp(line, lines[0][i]) == 0;
    cr_assert(found, "%s", line);
    compared++;
  }
  cr_assert_eq(compared, 5);
  fclose(file);
  unlink(path);
  sslwire_close(&wire);
  peer_stop(&peer);
}

/* ---- Names ---- */

Test(ssl_callbacks, alerts_have_names) {
  int fatal = SSL3_AL_FATAL << 8, warning = SSL3_AL_WARNING << 8;
  cr_assert_str_eq(SSL_alert_type_string_long(fatal | 40), "fatal");
  cr_assert_str_eq(SSL_alert_type_string_long(warning), "warning");
  cr_assert_str_eq(SSL_alert_type_string_long(0), "unknown");
  cr_assert_str_eq(SSL_alert_type_string(fatal | 40), "F");
  cr_assert_str_eq(SSL_alert_type_string(warning), "W");
  cr_assert_str_eq(SSL_alert_type_string(0), "U");
  cr_assert_str_eq(SSL_alert_desc_string_long(warning | SSL_AD_CLOSE_NOTIFY), "close notify");
  cr_assert_str_eq(SSL_alert_desc_string_long(fatal | SSL_AD_HANDSHAKE_FAILURE),
                   "handshake failure");
  cr_assert_str_eq(SSL_alert_desc_string_long(fatal | SSL_AD_UNKNOWN_CA), "unknown CA");
  cr_assert_str_eq(SSL_alert_desc_string_long(fatal | SSL_AD_NO_APPLICATION_PROTOCOL),
                   "no application protocol");
  cr_assert_str_eq(SSL_alert_desc_string_long(fatal | 255), "unknown");
  cr_assert_str_eq(SSL_alert_desc_string(warning | SSL_AD_CLOSE_NOTIFY), "CN");
  cr_assert_str_eq(SSL_alert_desc_string(fatal | 255), "UK");
}
