/* answers_internal.h: what the files of the answers helper share: the object, and the parts
 * of hf_answer. */
#ifndef HANDFAST_SSL_ANSWERS_INTERNAL_H
#define HANDFAST_SSL_ANSWERS_INTERNAL_H

#include <openssl/x509.h>

#include <handfast/answers.h>

enum { HF_COOKIE_PEER_MAX = 64 };

/* AlertDescriptions (RFC 9846 6) that answers refuse with. */
enum {
  HF_ALERT_HANDSHAKE_FAILURE = 40,
  HF_ALERT_BAD_CERTIFICATE = 42,
  HF_ALERT_UNSUPPORTED_CERTIFICATE = 43,
  HF_ALERT_CERTIFICATE_REVOKED = 44,
  HF_ALERT_CERTIFICATE_EXPIRED = 45,
  HF_ALERT_CERTIFICATE_UNKNOWN = 46,
  HF_ALERT_ILLEGAL_PARAMETER = 47,
  HF_ALERT_UNKNOWN_CA = 48,
  HF_ALERT_DECRYPT_ERROR = 51,
  HF_ALERT_INTERNAL_ERROR = 80,
  HF_ALERT_NO_APPLICATION_PROTOCOL = 120
};

struct hf_answers {
  hf_credential **credentials; /* in the order added, a reference each */
  size_t num_credentials;
  X509_STORE *store;        /* NULL: nobody is trusted */
  X509_VERIFY_PARAM *param; /* never NULL */
  char *peer_name;          /* NULL: the name that was sent; "": none */
  hf_verifier verifier;
  void *verifier_arg;
  long verify_result;
  uint8_t *alpn; /* a valid ProtocolNameList, or NULL */
  size_t alpn_len;
  hf_keylog keylog;
  void *keylog_arg;
  hf_keeper keeper;
  void *keeper_arg;
  size_t num_ticket_keys;
  size_t cookie_peer_len;
  bool has_cookie_key;
  uint8_t cookie_key[HF_BOX_KEY];
  uint8_t cookie_peer[HF_COOKIE_PEER_MAX];
  uint8_t ticket_keys[HF_BOX_KEYS_MAX * HF_BOX_KEY];
};

/* hf_answers_choose returns the credential for an HF_ASK_IDENTITY, or NULL. */
const hf_credential *hf_answers_choose(const hf_answers *answers, const hf_conn *conn,
                                       const hf_question_t *question);

/* hf_answers_share_sigalg says whether any credential can sign with what the peer takes. */
bool hf_answers_share_sigalg(const hf_answers *answers, const hf_conn *conn,
                             const hf_question_t *question);

/* hf_credential_leaf returns the end entity's certificate, lent. */
X509 *hf_credential_leaf(const hf_credential *credential);

/* hf_answers_sign answers an HF_ASK_SIGNATURE; false if no credential with a key is the question's.
 */
bool hf_answers_sign(hf_conn *conn, const hf_answers *answers, const hf_question_t *question);

/* hf_answers_encap answers or refuses an HF_ASK_ENCAP; false if libcrypto has no such KEM. */
bool hf_answers_encap(hf_conn *conn, const hf_question_t *question);

/* hf_answers_verify verifies the chain of an HF_ASK_VERDICT that was put to |role|.  It returns 0
 * if the chain is trusted, otherwise the alert, and sets |answers->verify_result|. */
uint8_t hf_answers_verify(hf_answers *answers, const hf_question_t *question, hf_role role);

#endif
