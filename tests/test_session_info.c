/* R-H-23: hf_session_read and hf_session_make, on a session of a made-up connection. */
#include <criterion/criterion.h>
#include <handfast/handfast.h>
#include <string.h>

TestSuite(session_info, .timeout = 60);

static hf_session_info info_for(uint16_t suite, size_t secret_len) {
  hf_session_info info = {.version = 0x0304,
                          .suite = suite,
                          .lifetime = 100,
                          .age_add = 0xfedcba98,
                          .max_early_data = 5,
                          .client_cert = true,
                          .issued = UINT64_C(1700000000123),
                          .secret_len = secret_len};
  memset(info.secret, 0x5a, secret_len);
  info.server_name = (hf_bytes){(const uint8_t *)"localhost", 9};
  info.alpn = (hf_bytes){(const uint8_t *)"h2", 2};
  info.ticket = (hf_bytes){(const uint8_t *)"ticket", 6};
  return info;
}

static bool same(hf_bytes a, hf_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

Test(session_info, what_goes_in_comes_out) {
  static const struct {
    uint16_t suite;
    size_t secret_len;
  } kCases[] = {{0x1301, 32}, {0x1302, 48}, {0x1303, 32}};
  for (size_t i = 0; i < 3; i++) {
    hf_session_info info = info_for(kCases[i].suite, kCases[i].secret_len), out;
    uint8_t state[HF_SESSION_OVERHEAD + 9 + 2 + 6];
    size_t len;
    cr_assert_eq(hf_session_make(state, &len, sizeof state, &info), HF_OK);
    cr_assert_eq(hf_session_read(&out, (hf_bytes){state, len}), HF_OK);
    cr_assert(out.version == info.version && out.suite == info.suite);
    cr_assert(out.lifetime == info.lifetime && out.age_add == info.age_add);
    cr_assert(out.max_early_data == info.max_early_data && out.issued == info.issued);
    cr_assert(out.client_cert && out.secret_len == info.secret_len);
    cr_assert_eq(memcmp(out.secret, info.secret, sizeof out.secret), 0);
    cr_assert(same(out.server_name, info.server_name) && same(out.alpn, info.alpn));
    cr_assert(same(out.ticket, info.ticket) && out.early_context.len == 0);
    for (size_t cut = 0; cut < len; cut++)
      cr_assert_eq(hf_session_read(&out, (hf_bytes){state, cut}), HF_MISUSE);
    cr_assert_eq(hf_session_make(state, &len, len - 1, &info), HF_SHORT_OUTPUT);
    cr_assert_eq(len, 0);
  }
}

Test(session_info, what_is_none_is_not_made) {
  uint8_t state[256];
  size_t len;
  hf_session_info info = info_for(0x1301, 48); /* the secret is not as long as the hash */
  cr_assert_eq(hf_session_make(state, &len, sizeof state, &info), HF_MISUSE);
  info = info_for(0x1300, 32);
  cr_assert_eq(hf_session_make(state, &len, sizeof state, &info), HF_MISUSE);
  info = info_for(0x1301, 32);
  info.version = 0x0303;
  cr_assert_eq(hf_session_make(state, &len, sizeof state, &info), HF_MISUSE);
  info = info_for(0x1301, 32);
  info.alpn.len = 65536;
  cr_assert_eq(hf_session_make(state, &len, sizeof state, &info), HF_MISUSE);
}
