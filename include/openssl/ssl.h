/* ssl.h: TLS under the names that programs know from OpenSSL and BoringSSL, over handfast's engine.
 *
 * Names, types and numbers are BoringSSL's; what OpenSSL has and BoringSSL lacks is put back where
 * programs need it. Where the two behave differently, the SSL_connect(3) page decides, and then
 * BoringSSL.  libcrypto is BoringSSL's, and so are all other headers under openssl/.
 *
 * This file: types, constants, and what concerns a connection.  ssl_settings.h: what is configured,
 * on an SSL_CTX for all connections to come and on an SSL for one.  sslerr.h: SSL_R_ reasons.
 *
 * Conventions: functions return 1 for success and 0 for failure, with the reason on libcrypto's
 * error queue, unless said otherwise.  Of a name with 0 the function takes over the caller's
 * reference (set0) or lends its own (get0); of one with 1 it takes a reference of its own (set1),
 * or gives the caller one (get1).  One thread at a time per SSL; an SSL_CTX may be shared by
 * threads once it is configured.
 */
#ifndef HANDFAST_OPENSSL_SSL_H
#define HANDFAST_OPENSSL_SSL_H

#include <sys/time.h>

#include <openssl/base.h>
#include <openssl/bio.h>
#include <openssl/buf.h>
#include <openssl/err.h>
#include <openssl/ex_data.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/span.h>
#include <openssl/stack.h>
#include <openssl/thread.h>
#include <openssl/x509.h>

#include <openssl/ssl3.h>
#include <openssl/sslerr.h>
#include <openssl/tls1.h>

#include <handfast/bio_pair.h>

#ifndef OPENSSL_IS_BORINGSSL
#error \
    "handfast's openssl/ssl.h needs BoringSSL's headers beside it: set the include path to BoringSSL's"
#endif

#ifdef __GNUC__
#define HF_SSL_EXPORT __attribute__((visibility("default")))
#else
#define HF_SSL_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

DEFINE_CONST_STACK_OF(SSL_CIPHER)

/* ---- Constants ---- */

/* What SSL_get_error returns. */
#define SSL_ERROR_NONE 0
#define SSL_ERROR_SSL 1
#define SSL_ERROR_WANT_READ 2
#define SSL_ERROR_WANT_WRITE 3
#define SSL_ERROR_WANT_X509_LOOKUP 4
#define SSL_ERROR_SYSCALL 5
#define SSL_ERROR_ZERO_RETURN 6
#define SSL_ERROR_WANT_CONNECT 7
#define SSL_ERROR_WANT_ACCEPT 8
#define SSL_ERROR_WANT_CHANNEL_ID_LOOKUP 9
#define SSL_ERROR_PENDING_SESSION 11
#define SSL_ERROR_PENDING_CERTIFICATE 12
#define SSL_ERROR_WANT_PRIVATE_KEY_OPERATION 13
#define SSL_ERROR_PENDING_TICKET 14
#define SSL_ERROR_EARLY_DATA_REJECTED 15
#define SSL_ERROR_WANT_CERTIFICATE_VERIFY 16
#define SSL_ERROR_HANDOFF 17
#define SSL_ERROR_HANDBACK 18
#define SSL_ERROR_WANT_RENEGOTIATE 19
#define SSL_ERROR_HANDSHAKE_HINTS_READY 20

/* Protocol versions. */
#define SSL3_VERSION_MAJOR 0x03
#define DTLS1_VERSION_MAJOR 0xfe
#define SSL3_VERSION 0x0300
#define TLS1_VERSION 0x0301
#define TLS1_1_VERSION 0x0302
#define TLS1_2_VERSION 0x0303
#define TLS1_3_VERSION 0x0304
#define DTLS1_VERSION 0xfeff
#define DTLS1_2_VERSION 0xfefd
#define DTLS1_3_VERSION 0xfefc

/* Bits of SSL_CTX_set_options and SSL_set_options. */
#define SSL_OP_NO_QUERY_MTU 0x00001000L
#define SSL_OP_NO_TICKET 0x00004000L
#define SSL_OP_CIPHER_SERVER_PREFERENCE 0x00400000L
#define SSL_OP_NO_TLSv1 0x04000000L
#define SSL_OP_NO_TLSv1_2 0x08000000L
#define SSL_OP_NO_TLSv1_1 0x10000000L
#define SSL_OP_NO_TLSv1_3 0x20000000L
#define SSL_OP_NO_DTLSv1 SSL_OP_NO_TLSv1
#define SSL_OP_NO_DTLSv1_2 SSL_OP_NO_TLSv1_2
#define SSL_OP_ALL SSL_OP_LEGACY_SERVER_CONNECT
#define SSL_OP_LEGACY_SERVER_CONNECT 0x00000004L
/* These ask for what is so anyway, or for what there is not. */
#define SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION 0
#define SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS 0
#define SSL_OP_EPHEMERAL_RSA 0
#define SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER 0
#define SSL_OP_MICROSOFT_SESS_ID_BUG 0
#define SSL_OP_MSIE_SSLV2_RSA_PADDING 0
#define SSL_OP_NETSCAPE_CA_DN_BUG 0
#define SSL_OP_NETSCAPE_CHALLENGE_BUG 0
#define SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG 0
#define SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG 0
#define SSL_OP_NO_COMPRESSION 0
#define SSL_OP_NO_RENEGOTIATION 0
#define SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION 0
#define SSL_OP_NO_SSLv2 0
#define SSL_OP_NO_SSLv3 0
#define SSL_OP_PKCS1_CHECK_1 0
#define SSL_OP_PKCS1_CHECK_2 0
#define SSL_OP_SINGLE_DH_USE 0
#define SSL_OP_SINGLE_ECDH_USE 0
#define SSL_OP_SSLEAY_080_CLIENT_DH_BUG 0
#define SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG 0
#define SSL_OP_TLS_BLOCK_PADDING_BUG 0
#define SSL_OP_TLS_D5_BUG 0
#define SSL_OP_TLS_ROLLBACK_BUG 0
#define SSL_OP_IGNORE_UNEXPECTED_EOF 0
#define SSL_OP_PRIORITIZE_CHACHA 0
#define SSL_OP_NO_ENCRYPT_THEN_MAC 0

/* Bits of SSL_CTX_set_mode and SSL_set_mode. */
#define SSL_MODE_ENABLE_PARTIAL_WRITE 0x00000001L
#define SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER 0x00000002L
#define SSL_MODE_NO_AUTO_CHAIN 0x00000008L
#define SSL_MODE_ENABLE_FALSE_START 0x00000080L
#define SSL_MODE_CBC_RECORD_SPLITTING 0x00000100L
#define SSL_MODE_NO_SESSION_CREATION 0x00000200L
#define SSL_MODE_SEND_FALLBACK_SCSV 0x00000400L
#define SSL_MODE_HANDSHAKE_CUTTHROUGH SSL_MODE_ENABLE_FALSE_START
#define SSL_MODE_AUTO_RETRY 0
#define SSL_MODE_RELEASE_BUFFERS 0
#define SSL_MODE_SEND_CLIENTHELLO_TIME 0
#define SSL_MODE_SEND_SERVERHELLO_TIME 0

/* SignatureScheme (RFC 9846 4.3.3; 0x0201 and 0xff01 are TLS 1.2's and older). */
#define SSL_SIGN_RSA_PKCS1_SHA1 0x0201
#define SSL_SIGN_RSA_PKCS1_SHA256 0x0401
#define SSL_SIGN_RSA_PKCS1_SHA384 0x0501
#define SSL_SIGN_RSA_PKCS1_SHA512 0x0601
#define SSL_SIGN_ECDSA_SHA1 0x0203
#define SSL_SIGN_ECDSA_SECP256R1_SHA256 0x0403
#define SSL_SIGN_ECDSA_SECP384R1_SHA384 0x0503
#define SSL_SIGN_ECDSA_SECP521R1_SHA512 0x0603
#define SSL_SIGN_RSA_PSS_RSAE_SHA256 0x0804
#define SSL_SIGN_RSA_PSS_RSAE_SHA384 0x0805
#define SSL_SIGN_RSA_PSS_RSAE_SHA512 0x0806
#define SSL_SIGN_ED25519 0x0807
#define SSL_SIGN_RSA_PKCS1_MD5_SHA1 0xff01
#define SSL_SIGN_RSA_PSS_SHA256 SSL_SIGN_RSA_PSS_RSAE_SHA256
#define SSL_SIGN_RSA_PSS_SHA384 SSL_SIGN_RSA_PSS_RSAE_SHA384
#define SSL_SIGN_RSA_PSS_SHA512 SSL_SIGN_RSA_PSS_RSAE_SHA512
#define SSL_SIGN_ML_DSA_44 0x0904
#define SSL_SIGN_ML_DSA_65 0x0905
#define SSL_SIGN_ML_DSA_87 0x0906
#define SSL_SIGN_RSA_PKCS1_SHA256_LEGACY 0x0420

/* NamedGroup (RFC 9846 4.3.7), and their older spellings. */
#define SSL_GROUP_SECP256R1 23
#define SSL_GROUP_SECP384R1 24
#define SSL_GROUP_SECP521R1 25
#define SSL_GROUP_X25519 29
#define SSL_GROUP_X25519_MLKEM768 0x11ec
#define SSL_GROUP_MLKEM1024 0x0202
#define SSL_GROUP_FLAG_EQUAL_PREFERENCE_WITH_NEXT 0x01
#define SSL_CURVE_SECP224R1 21
#define SSL_CURVE_SECP256R1 SSL_GROUP_SECP256R1
#define SSL_CURVE_SECP384R1 SSL_GROUP_SECP384R1
#define SSL_CURVE_SECP521R1 SSL_GROUP_SECP521R1
#define SSL_CURVE_X25519 SSL_GROUP_X25519
#define SSL_CURVE_CECPQ2 16696

/* Cipher suites by code point. */
#define SSL_CIPHER_AES_128_GCM_SHA256 0x1301
#define SSL_CIPHER_AES_256_GCM_SHA384 0x1302
#define SSL_CIPHER_CHACHA20_POLY1305_SHA256 0x1303
#define SSL_CIPHER_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 0xc02b
#define SSL_CIPHER_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 0xc02c
#define SSL_CIPHER_ECDHE_RSA_WITH_AES_128_GCM_SHA256 0xc02f
#define SSL_CIPHER_ECDHE_RSA_WITH_AES_256_GCM_SHA384 0xc030
#define SSL_CIPHER_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 0xcca8
#define SSL_CIPHER_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 0xcca9
#define SSL_CIPHER_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256 0xccac
#define SSL_CIPHER_ECDHE_ECDSA_WITH_AES_128_CBC_SHA 0xc009
#define SSL_CIPHER_ECDHE_ECDSA_WITH_AES_256_CBC_SHA 0xc00a
#define SSL_CIPHER_ECDHE_RSA_WITH_AES_128_CBC_SHA 0xc013
#define SSL_CIPHER_ECDHE_RSA_WITH_AES_256_CBC_SHA 0xc014
#define SSL_CIPHER_ECDHE_PSK_WITH_AES_128_CBC_SHA 0xc035
#define SSL_CIPHER_ECDHE_PSK_WITH_AES_256_CBC_SHA 0xc036
#define SSL_CIPHER_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 0xc023
#define SSL_CIPHER_ECDHE_RSA_WITH_AES_128_CBC_SHA256 0xc027
#define SSL_CIPHER_RSA_WITH_AES_128_GCM_SHA256 0x009c
#define SSL_CIPHER_RSA_WITH_AES_256_GCM_SHA384 0x009d
#define SSL_CIPHER_RSA_WITH_AES_128_CBC_SHA 0x002f
#define SSL_CIPHER_RSA_WITH_AES_256_CBC_SHA 0x0035
#define SSL_CIPHER_PSK_WITH_AES_128_CBC_SHA 0x008c
#define SSL_CIPHER_PSK_WITH_AES_256_CBC_SHA 0x008d
#define SSL_CIPHER_RSA_WITH_3DES_EDE_CBC_SHA 0x000a
#define SSL_CIPHER_EMPTY_RENEGOTIATION_INFO_SCSV 0x00ff
#define SSL_CIPHER_FALLBACK_SCSV 0x5600

/* Words of cipher lists. */
#define SSL_DEFAULT_CIPHER_LIST "ALL"
#define SSL_TXT_MEDIUM "MEDIUM"
#define SSL_TXT_HIGH "HIGH"
#define SSL_TXT_FIPS "FIPS"
#define SSL_TXT_kRSA "kRSA"
#define SSL_TXT_kDHE "kDHE"
#define SSL_TXT_kEDH "kEDH"
#define SSL_TXT_kECDHE "kECDHE"
#define SSL_TXT_kEECDH "kEECDH"
#define SSL_TXT_kPSK "kPSK"
#define SSL_TXT_aRSA "aRSA"
#define SSL_TXT_aECDSA "aECDSA"
#define SSL_TXT_aPSK "aPSK"
#define SSL_TXT_DH "DH"
#define SSL_TXT_DHE "DHE"
#define SSL_TXT_EDH "EDH"
#define SSL_TXT_RSA "RSA"
#define SSL_TXT_ECDH "ECDH"
#define SSL_TXT_ECDHE "ECDHE"
#define SSL_TXT_EECDH "EECDH"
#define SSL_TXT_ECDSA "ECDSA"
#define SSL_TXT_PSK "PSK"
#define SSL_TXT_3DES "3DES"
#define SSL_TXT_RC4 "RC4"
#define SSL_TXT_AES128 "AES128"
#define SSL_TXT_AES256 "AES256"
#define SSL_TXT_AES "AES"
#define SSL_TXT_AES_GCM "AESGCM"
#define SSL_TXT_CHACHA20 "CHACHA20"
#define SSL_TXT_MD5 "MD5"
#define SSL_TXT_SHA1 "SHA1"
#define SSL_TXT_SHA "SHA"
#define SSL_TXT_SHA256 "SHA256"
#define SSL_TXT_SHA384 "SHA384"
#define SSL_TXT_SSLV3 "SSLv3"
#define SSL_TXT_TLSV1 "TLSv1"
#define SSL_TXT_TLSV1_1 "TLSv1.1"
#define SSL_TXT_TLSV1_2 "TLSv1.2"
#define SSL_TXT_TLSV1_3 "TLSv1.3"
#define SSL_TXT_ALL "ALL"
#define SSL_TXT_CMPDEF "COMPLEMENTOFDEFAULT"

/* Formats of files. */
#define SSL_FILETYPE_PEM 1
#define SSL_FILETYPE_ASN1 2

/* Sizes. */
#define SSL_MAX_SSL_SESSION_ID_LENGTH 32
#define SSL_MAX_MASTER_KEY_LENGTH 48
#define SSL_MAX_SID_CTX_LENGTH 32
#define SSL_MAX_CERT_LIST_DEFAULT (1024 * 100)
#define SSL_TICKET_KEY_NAME_LEN 16

/* Session caching. */
#define SSL_SESSION_CACHE_MAX_SIZE_DEFAULT (1024 * 20)
#define SSL_DEFAULT_SESSION_TIMEOUT (2 * 60 * 60)
#define SSL_DEFAULT_SESSION_PSK_DHE_TIMEOUT (2 * 24 * 60 * 60)
#define SSL_DEFAULT_SESSION_AUTH_TIMEOUT (7 * 24 * 60 * 60)
#define SSL_DEFAULT_TICKET_KEY_ROTATION_INTERVAL (2 * 24 * 60 * 60)
#define SSL_SESS_CACHE_OFF 0x0000
#define SSL_SESS_CACHE_CLIENT 0x0001
#define SSL_SESS_CACHE_SERVER 0x0002
#define SSL_SESS_CACHE_BOTH (SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_SERVER)
#define SSL_SESS_CACHE_NO_AUTO_CLEAR 0x0080
#define SSL_SESS_CACHE_NO_INTERNAL_LOOKUP 0x0100
#define SSL_SESS_CACHE_NO_INTERNAL_STORE 0x0200
#define SSL_SESS_CACHE_NO_INTERNAL \
  (SSL_SESS_CACHE_NO_INTERNAL_LOOKUP | SSL_SESS_CACHE_NO_INTERNAL_STORE)

/* Verification of the peer: bits of SSL_CTX_set_verify. */
#define SSL_VERIFY_NONE 0x00
#define SSL_VERIFY_PEER 0x01
#define SSL_VERIFY_FAIL_IF_NO_PEER_CERT 0x02
#define SSL_VERIFY_PEER_IF_NO_OBC 0x04
#define SSL_VERIFY_CLIENT_ONCE 0

/* Answers of the servername and ALPN callbacks; the only type of name there is. */
#define TLSEXT_NAMETYPE_host_name 0
#define SSL_TLSEXT_ERR_OK 0
#define SSL_TLSEXT_ERR_ALERT_WARNING 1
#define SSL_TLSEXT_ERR_ALERT_FATAL 2
#define SSL_TLSEXT_ERR_NOACK 3
#define OPENSSL_NPN_UNSUPPORTED 0
#define OPENSSL_NPN_NEGOTIATED 1
#define OPENSSL_NPN_NO_OVERLAP 2

/* Arguments of SSL_key_update. */
#define SSL_KEY_UPDATE_NOT_REQUESTED 0
#define SSL_KEY_UPDATE_REQUESTED 1

/* Alert descriptions (RFC 9846 6.2).  A peer's fatal alert is reason SSL_AD_REASON_OFFSET and its
 * number. */
#define SSL_AD_REASON_OFFSET 1000
#define SSL_AD_CLOSE_NOTIFY SSL3_AD_CLOSE_NOTIFY
#define SSL_AD_UNEXPECTED_MESSAGE SSL3_AD_UNEXPECTED_MESSAGE
#define SSL_AD_BAD_RECORD_MAC SSL3_AD_BAD_RECORD_MAC
#define SSL_AD_DECRYPTION_FAILED TLS1_AD_DECRYPTION_FAILED
#define SSL_AD_RECORD_OVERFLOW TLS1_AD_RECORD_OVERFLOW
#define SSL_AD_DECOMPRESSION_FAILURE SSL3_AD_DECOMPRESSION_FAILURE
#define SSL_AD_HANDSHAKE_FAILURE SSL3_AD_HANDSHAKE_FAILURE
#define SSL_AD_NO_CERTIFICATE SSL3_AD_NO_CERTIFICATE
#define SSL_AD_BAD_CERTIFICATE SSL3_AD_BAD_CERTIFICATE
#define SSL_AD_UNSUPPORTED_CERTIFICATE SSL3_AD_UNSUPPORTED_CERTIFICATE
#define SSL_AD_CERTIFICATE_REVOKED SSL3_AD_CERTIFICATE_REVOKED
#define SSL_AD_CERTIFICATE_EXPIRED SSL3_AD_CERTIFICATE_EXPIRED
#define SSL_AD_CERTIFICATE_UNKNOWN SSL3_AD_CERTIFICATE_UNKNOWN
#define SSL_AD_ILLEGAL_PARAMETER SSL3_AD_ILLEGAL_PARAMETER
#define SSL_AD_UNKNOWN_CA TLS1_AD_UNKNOWN_CA
#define SSL_AD_ACCESS_DENIED TLS1_AD_ACCESS_DENIED
#define SSL_AD_DECODE_ERROR TLS1_AD_DECODE_ERROR
#define SSL_AD_DECRYPT_ERROR TLS1_AD_DECRYPT_ERROR
#define SSL_AD_EXPORT_RESTRICTION TLS1_AD_EXPORT_RESTRICTION
#define SSL_AD_PROTOCOL_VERSION TLS1_AD_PROTOCOL_VERSION
#define SSL_AD_INSUFFICIENT_SECURITY TLS1_AD_INSUFFICIENT_SECURITY
#define SSL_AD_INTERNAL_ERROR TLS1_AD_INTERNAL_ERROR
#define SSL_AD_INAPPROPRIATE_FALLBACK SSL3_AD_INAPPROPRIATE_FALLBACK
#define SSL_AD_USER_CANCELLED TLS1_AD_USER_CANCELLED
#define SSL_AD_NO_RENEGOTIATION TLS1_AD_NO_RENEGOTIATION
#define SSL_AD_MISSING_EXTENSION TLS1_AD_MISSING_EXTENSION
#define SSL_AD_UNSUPPORTED_EXTENSION TLS1_AD_UNSUPPORTED_EXTENSION
#define SSL_AD_CERTIFICATE_UNOBTAINABLE TLS1_AD_CERTIFICATE_UNOBTAINABLE
#define SSL_AD_UNRECOGNIZED_NAME TLS1_AD_UNRECOGNIZED_NAME
#define SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE TLS1_AD_BAD_CERTIFICATE_STATUS_RESPONSE
#define SSL_AD_BAD_CERTIFICATE_HASH_VALUE TLS1_AD_BAD_CERTIFICATE_HASH_VALUE
#define SSL_AD_UNKNOWN_PSK_IDENTITY TLS1_AD_UNKNOWN_PSK_IDENTITY
#define SSL_AD_CERTIFICATE_REQUIRED TLS1_AD_CERTIFICATE_REQUIRED
#define SSL_AD_NO_APPLICATION_PROTOCOL TLS1_AD_NO_APPLICATION_PROTOCOL
#define SSL_AD_ECH_REQUIRED TLS1_AD_ECH_REQUIRED

/* What SSL_state returns, and info callbacks are told. */
#define SSL_ST_CONNECT 0x1000
#define SSL_ST_ACCEPT 0x2000
#define SSL_ST_MASK 0x0FFF
#define SSL_ST_INIT (SSL_ST_CONNECT | SSL_ST_ACCEPT)
#define SSL_ST_OK 0x03
#define SSL_ST_RENEGOTIATE (0x04 | SSL_ST_INIT)
#define SSL_ST_BEFORE (0x05 | SSL_ST_INIT)
#define TLS_ST_OK SSL_ST_OK
#define TLS_ST_BEFORE SSL_ST_BEFORE
#define SSL_CB_LOOP 0x01
#define SSL_CB_EXIT 0x02
#define SSL_CB_READ 0x04
#define SSL_CB_WRITE 0x08
#define SSL_CB_ALERT 0x4000
#define SSL_CB_READ_ALERT (SSL_CB_ALERT | SSL_CB_READ)
#define SSL_CB_WRITE_ALERT (SSL_CB_ALERT | SSL_CB_WRITE)
#define SSL_CB_ACCEPT_LOOP (SSL_ST_ACCEPT | SSL_CB_LOOP)
#define SSL_CB_ACCEPT_EXIT (SSL_ST_ACCEPT | SSL_CB_EXIT)
#define SSL_CB_CONNECT_LOOP (SSL_ST_CONNECT | SSL_CB_LOOP)
#define SSL_CB_CONNECT_EXIT (SSL_ST_CONNECT | SSL_CB_EXIT)
#define SSL_CB_HANDSHAKE_START 0x10
#define SSL_CB_HANDSHAKE_DONE 0x20

/* Bits of SSL_get_shutdown. */
#define SSL_SENT_SHUTDOWN 1
#define SSL_RECEIVED_SHUTDOWN 2

/* What SSL_want returns. */
#define SSL_NOTHING SSL_ERROR_NONE
#define SSL_WRITING SSL_ERROR_WANT_WRITE
#define SSL_READING SSL_ERROR_WANT_READ
#define SSL_X509_LOOKUP SSL_ERROR_WANT_X509_LOOKUP
#define SSL_CERTIFICATE_SELECTION_PENDING SSL_ERROR_PENDING_CERTIFICATE
#define SSL_PRIVATE_KEY_OPERATION SSL_ERROR_WANT_PRIVATE_KEY_OPERATION
#define SSL_want_nothing(ssl) (SSL_want(ssl) == SSL_NOTHING)
#define SSL_want_read(ssl) (SSL_want(ssl) == SSL_READING)
#define SSL_want_write(ssl) (SSL_want(ssl) == SSL_WRITING)
#define SSL_want_x509_lookup(ssl) (SSL_want(ssl) == SSL_X509_LOOKUP)

/* Arguments of OPENSSL_init_ssl. */
#define OPENSSL_INIT_NO_LOAD_SSL_STRINGS 0
#define OPENSSL_INIT_LOAD_SSL_STRINGS 0
#define OPENSSL_INIT_SSL_DEFAULT 0

/* ---- Making connections ---- */

/* SSL_new makes a connection that is configured as |ctx| is now; what is set on |ctx| later does
 * not concern it.  It holds a reference to |ctx|.  NULL on failure. */
HF_SSL_EXPORT SSL *SSL_new(SSL_CTX *ctx);
/* SSL_up_ref takes another reference and returns 1. */
HF_SSL_EXPORT int SSL_up_ref(SSL *ssl);
/* SSL_free releases a reference; with the last one go the BIOs.  NULL is allowed.  It sends
 * nothing. */
HF_SSL_EXPORT void SSL_free(SSL *ssl);
/* SSL_clear makes |ssl| ready for another connection with the same settings, role and BIOs. */
HF_SSL_EXPORT int SSL_clear(SSL *ssl);
/* SSL_get_SSL_CTX returns |ssl|'s SSL_CTX, lent. */
HF_SSL_EXPORT SSL_CTX *SSL_get_SSL_CTX(const SSL *ssl);
/* SSL_set_SSL_CTX changes |ssl|'s SSL_CTX and takes the certificates and keys of |ctx| in place of
 * its own, with the certificate callback, signing preferences, verify store and session id context:
 * for servername callbacks.  Verify mode, versions and the like stay as they were.  NULL:
 * back to the SSL_CTX it was made from.  It returns the SSL_CTX in force, lent; NULL on failure. */
HF_SSL_EXPORT SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx);
/* SSL_set_connect_state makes |ssl| a client, SSL_set_accept_state a server; from the first call
 * that runs the handshake until SSL_clear they change nothing. */
HF_SSL_EXPORT void SSL_set_connect_state(SSL *ssl);
HF_SSL_EXPORT void SSL_set_accept_state(SSL *ssl);
/* SSL_is_server returns 1 for a server, else 0. */
HF_SSL_EXPORT int SSL_is_server(const SSL *ssl);
/* SSL_is_dtls returns 0: there is no DTLS here. */
HF_SSL_EXPORT int SSL_is_dtls(const SSL *ssl);

/* ---- Transport ---- */

/* SSL_set_bio gives |ssl| the BIOs to read from and to write to.  It takes over: no reference if
 * both are those in place; one if they are the same, or if only |wbio| changes, or if only |rbio|
 * changes and the two in place differ; else two. */
HF_SSL_EXPORT void SSL_set_bio(SSL *ssl, BIO *rbio, BIO *wbio);
/* SSL_set0_rbio and SSL_set0_wbio change one BIO and take over one reference each. */
HF_SSL_EXPORT void SSL_set0_rbio(SSL *ssl, BIO *rbio);
HF_SSL_EXPORT void SSL_set0_wbio(SSL *ssl, BIO *wbio);
/* SSL_get_rbio and SSL_get_wbio return the BIOs, lent, or NULL. */
HF_SSL_EXPORT BIO *SSL_get_rbio(const SSL *ssl);
HF_SSL_EXPORT BIO *SSL_get_wbio(const SSL *ssl);
/* SSL_set_fd, SSL_set_rfd and SSL_set_wfd make socket BIOs over |fd|, which stays the caller's to
 * close. */
HF_SSL_EXPORT int SSL_set_fd(SSL *ssl, int fd);
HF_SSL_EXPORT int SSL_set_rfd(SSL *ssl, int fd);
HF_SSL_EXPORT int SSL_set_wfd(SSL *ssl, int fd);
/* SSL_get_fd and SSL_get_rfd return the descriptor read from, SSL_get_wfd the one written to; -1 if
 * there is none. */
HF_SSL_EXPORT int SSL_get_fd(const SSL *ssl);
HF_SSL_EXPORT int SSL_get_rfd(const SSL *ssl);
HF_SSL_EXPORT int SSL_get_wfd(const SSL *ssl);
/* BIO_set_tcp_ndelay turns TCP_NODELAY of socket |sock| on, or off if |turn_on| is 0. */
HF_SSL_EXPORT int BIO_set_tcp_ndelay(int sock, int turn_on);
/* BIO_f_ssl is the method of BIOs that are TLS connections; BIO_set_ssl gives such a BIO its SSL,
 * and the reference with it if |take_ownership| is BIO_CLOSE. */
HF_SSL_EXPORT const BIO_METHOD *BIO_f_ssl(void);
HF_SSL_EXPORT long BIO_set_ssl(BIO *bio, SSL *ssl, int take_ownership);
#ifndef BIO_C_GET_SSL /* BIO_ctrl: gives an SSL BIO's SSL; younger BoringSSLs lack the number */
#define BIO_C_GET_SSL 110
#endif

/* ---- Handshake ---- */

/* SSL_connect, SSL_accept and SSL_do_handshake go on with the handshake as client, as server, in
 * the role that was set.  1: it is done.  0: the peer ended it by the rules (close_notify).
 * Negative: not done; SSL_get_error says whether to try again, and when; SSL_ERROR_SYSCALL with an
 * empty error queue and errno 0: the transport ended.  A failure is the same at every later call.
 */
HF_SSL_EXPORT int SSL_connect(SSL *ssl);
HF_SSL_EXPORT int SSL_accept(SSL *ssl);
HF_SSL_EXPORT int SSL_do_handshake(SSL *ssl);
/* SSL_is_init_finished returns 1 when the handshake is done, SSL_in_init 1 when it is not. */
HF_SSL_EXPORT int SSL_is_init_finished(const SSL *ssl);
HF_SSL_EXPORT int SSL_in_init(const SSL *ssl);
#define SSL_in_before(ssl) (SSL_get_state(ssl) == TLS_ST_BEFORE)
#define SSL_in_connect_init(ssl) (SSL_in_init(ssl) && !SSL_is_server(ssl))
#define SSL_in_accept_init(ssl) (SSL_in_init(ssl) && SSL_is_server(ssl))
/* SSL_state returns SSL_ST_OK when the handshake is done, else SSL_ST_INIT. */
HF_SSL_EXPORT int SSL_state(const SSL *ssl);
#define SSL_get_state(ssl) SSL_state(ssl)
/* SSL_state_string and SSL_state_string_long name the state of the handshake.  The strings live for
 * ever. */
HF_SSL_EXPORT const char *SSL_state_string(const SSL *ssl);
HF_SSL_EXPORT const char *SSL_state_string_long(const SSL *ssl);

/* ---- Data ---- */

/* SSL_read reads up to |num| bytes of application data, of one record at most; SSL_peek leaves them
 * there.  The count, or 0: the peer closed, or the transport ended; or negative: see SSL_get_error.
 */
HF_SSL_EXPORT int SSL_read(SSL *ssl, void *buf, int num);
HF_SSL_EXPORT int SSL_peek(SSL *ssl, void *buf, int num);
/* SSL_write writes |num| bytes.  The count, or not positive: see SSL_get_error; then repeat it with
 * at least as many of the same bytes. */
HF_SSL_EXPORT int SSL_write(SSL *ssl, const void *buf, int num);
/* SSL_read_ex, SSL_peek_ex and SSL_write_ex return 1 and set the count, or return 0: see
 * SSL_get_error. */
HF_SSL_EXPORT int SSL_read_ex(SSL *ssl, void *buf, size_t num, size_t *read_bytes);
HF_SSL_EXPORT int SSL_peek_ex(SSL *ssl, void *buf, size_t num, size_t *read_bytes);
HF_SSL_EXPORT int SSL_write_ex(SSL *ssl, const void *buf, size_t num, size_t *written);
/* SSL_pending returns how many bytes SSL_read would give at once. */
HF_SSL_EXPORT int SSL_pending(const SSL *ssl);
/* SSL_has_pending returns 1 if |ssl| holds bytes, decrypted or not, that came from the BIO. */
HF_SSL_EXPORT int SSL_has_pending(const SSL *ssl);
/* SSL_key_update sends KeyUpdate with the next write; |request_type| says whether the peer is asked
 * for one. */
HF_SSL_EXPORT int SSL_key_update(SSL *ssl, int request_type);

/* ---- End ---- */

/* SSL_shutdown sends close_notify, and when it is sent, waits for the peer's.  1: both are seen. 0:
 * ours is sent; call again to wait.  Negative: see SSL_get_error.  During a handshake and after a
 * failed one: 1, and nothing is sent. */
HF_SSL_EXPORT int SSL_shutdown(SSL *ssl);
/* SSL_get_shutdown returns SSL_SENT_SHUTDOWN and SSL_RECEIVED_SHUTDOWN bits; SSL_set_shutdown adds
 * such bits. */
HF_SSL_EXPORT int SSL_get_shutdown(const SSL *ssl);
HF_SSL_EXPORT void SSL_set_shutdown(SSL *ssl, int mode);
/* SSL_set_quiet_shutdown: if |mode| is not 0, SSL_shutdown sends nothing and waits for nothing. */
HF_SSL_EXPORT void SSL_CTX_set_quiet_shutdown(SSL_CTX *ctx, int mode);
HF_SSL_EXPORT int SSL_CTX_get_quiet_shutdown(const SSL_CTX *ctx);
HF_SSL_EXPORT void SSL_set_quiet_shutdown(SSL *ssl, int mode);
HF_SSL_EXPORT int SSL_get_quiet_shutdown(const SSL *ssl);

/* ---- Why not ---- */

/* SSL_get_error says what |ret|, as the last call on |ssl| returned it, means: one of SSL_ERROR_.
 */
HF_SSL_EXPORT int SSL_get_error(const SSL *ssl, int ret);
/* SSL_want returns what the last call on |ssl| waits for: SSL_NOTHING, SSL_READING, SSL_WRITING or
 * another SSL_ERROR_. */
HF_SSL_EXPORT int SSL_want(const SSL *ssl);
/* SSL_error_description returns the name of an SSL_ERROR_ without that prefix, or NULL. */
HF_SSL_EXPORT const char *SSL_error_description(int err);
/* SSL_alert_type_string(_long) and SSL_alert_desc_string(_long) name the level and the description
 * in the value that info callbacks get: level * 256 + description. */
HF_SSL_EXPORT const char *SSL_alert_type_string(int value);
HF_SSL_EXPORT const char *SSL_alert_type_string_long(int value);
HF_SSL_EXPORT const char *SSL_alert_desc_string(int value);
HF_SSL_EXPORT const char *SSL_alert_desc_string_long(int value);
/* SSLerr puts |reason| on the error queue. */
#define SSLerr(function, reason) ERR_put_error(ERR_LIB_SSL, 0, (reason), __FILE__, __LINE__)

/* ---- What was negotiated ---- */

/* SSL_version returns the protocol version in force, or the highest wanted before there is one. */
HF_SSL_EXPORT int SSL_version(const SSL *ssl);
/* SSL_get_version names it: "TLSv1.3"; "unknown" before there is one. */
HF_SSL_EXPORT const char *SSL_get_version(const SSL *ssl);
/* SSL_get_current_cipher returns the cipher suite in force, or NULL; SSL_get_pending_cipher the one
 * being negotiated. */
HF_SSL_EXPORT const SSL_CIPHER *SSL_get_current_cipher(const SSL *ssl);
HF_SSL_EXPORT const SSL_CIPHER *SSL_get_pending_cipher(const SSL *ssl);
#define SSL_get_cipher(ssl) SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))
#define SSL_get_cipher_name(ssl) SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))
#define SSL_get_cipher_bits(ssl, bits) SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), bits)
#define SSL_get_cipher_version(ssl) SSL_CIPHER_get_version(SSL_get_current_cipher(ssl))
/* SSL_get_group_id returns the group of the key exchange, as TLS numbers it, or 0. SSL_get_curve_id
 * is its older name. */
HF_SSL_EXPORT uint16_t SSL_get_group_id(const SSL *ssl);
HF_SSL_EXPORT uint16_t SSL_get_curve_id(const SSL *ssl);
/* SSL_get_negotiated_group returns the same as a NID; for a group without one, its number with
 * TLSEXT_nid_unknown set; 0. */
HF_SSL_EXPORT int SSL_get_negotiated_group(const SSL *ssl);
#define TLSEXT_nid_unknown 0x1000000
/* SSL_get_peer_signature_algorithm returns the SignatureScheme that the peer signed with, or 0. */
HF_SSL_EXPORT uint16_t SSL_get_peer_signature_algorithm(const SSL *ssl);
/* SSL_get0_alpn_selected gives the application protocol chosen, lent; its length is 0 if none was.
 */
HF_SSL_EXPORT void SSL_get0_alpn_selected(const SSL *ssl, const uint8_t **out_data,
                                          unsigned *out_len);
/* SSL_get_servername returns the host name that the client sent, lent; NULL if none, or if |type|
 * is another type. */
HF_SSL_EXPORT const char *SSL_get_servername(const SSL *ssl, int type);
/* SSL_get_servername_type returns TLSEXT_NAMETYPE_host_name if there is such a name, else -1. */
HF_SSL_EXPORT int SSL_get_servername_type(const SSL *ssl);
/* SSL_session_reused returns 1 if a session was resumed. */
HF_SSL_EXPORT int SSL_session_reused(const SSL *ssl);
/* SSL_used_hello_retry_request returns 1 if there was a HelloRetryRequest. */
HF_SSL_EXPORT int SSL_used_hello_retry_request(const SSL *ssl);
/* SSL_get_secure_renegotiation_support returns 1 when the handshake is done: TLS 1.3 has no
 * renegotiation to secure. */
HF_SSL_EXPORT int SSL_get_secure_renegotiation_support(const SSL *ssl);
/* SSL_get_client_random and SSL_get_server_random write up to |max_out| bytes of the hellos'
 * randoms and return how many; with |max_out| 0, how many there are. */
HF_SSL_EXPORT size_t SSL_get_client_random(const SSL *ssl, uint8_t *out, size_t max_out);
HF_SSL_EXPORT size_t SSL_get_server_random(const SSL *ssl, uint8_t *out, size_t max_out);
/* SSL_get_finished and SSL_get_peer_finished write up to |count| bytes of this side's and the
 * peer's Finished and return its whole length; 0 if there was none yet. */
HF_SSL_EXPORT size_t SSL_get_finished(const SSL *ssl, void *buf, size_t count);
HF_SSL_EXPORT size_t SSL_get_peer_finished(const SSL *ssl, void *buf, size_t count);
/* SSL_export_keying_material writes |out_len| bytes for |label| and |context| (RFC 9846 7.5);
 * |use_context| 0: none. */
HF_SSL_EXPORT int SSL_export_keying_material(const SSL *ssl, uint8_t *out, size_t out_len,
                                             const char *label, size_t label_len,
                                             const uint8_t *context, size_t context_len,
                                             int use_context);

/* ---- The peer's certificate ---- */

/* SSL_get_peer_certificate and SSL_get1_peer_certificate return the peer's certificate with a
 * reference, or NULL; SSL_get0_peer_certificate lends it. */
HF_SSL_EXPORT X509 *SSL_get_peer_certificate(const SSL *ssl);
HF_SSL_EXPORT X509 *SSL_get1_peer_certificate(const SSL *ssl);
HF_SSL_EXPORT X509 *SSL_get0_peer_certificate(const SSL *ssl);
/* SSL_get_peer_cert_chain returns the chain as received, lent: with the peer's certificate on a
 * client, without it on a server.  SSL_get_peer_full_cert_chain always has it.  NULL if there is
 * none. */
HF_SSL_EXPORT STACK_OF(X509) * SSL_get_peer_cert_chain(const SSL *ssl);
HF_SSL_EXPORT STACK_OF(X509) * SSL_get_peer_full_cert_chain(const SSL *ssl);
/* SSL_get0_peer_certificates returns the whole chain in DER, lent, or NULL. */
HF_SSL_EXPORT const STACK_OF(CRYPTO_BUFFER) * SSL_get0_peer_certificates(const SSL *ssl);
/* SSL_get0_ocsp_response lends a client the OCSP response that the server stapled to its first
 * certificate, and SSL_get0_signed_cert_timestamp_list the SignedCertificateTimestampList with its
 * outer length.  They can be asked from the verification on, for as long as |ssl| is neither
 * cleared nor freed.  |*out_len| 0: none came.  Nobody here looked at what is in them. */
HF_SSL_EXPORT void SSL_get0_ocsp_response(const SSL *ssl, const uint8_t **out, size_t *out_len);
HF_SSL_EXPORT void SSL_get0_signed_cert_timestamp_list(const SSL *ssl, const uint8_t **out,
                                                       size_t *out_len);
/* SSL_get_verify_result returns the X509_V_ code of the chain's verification;
 * X509_V_ERR_INVALID_CALL before it. */
HF_SSL_EXPORT long SSL_get_verify_result(const SSL *ssl);

/* ---- Data of the application's ---- */

/* SSL_get_ex_new_index gives an index for SSL_set_ex_data and SSL_get_ex_data; -1 on failure. Index
 * 0 is app_data's.  When an SSL is freed, |free_func| is called with it, its pointer (or NULL),
 * NULL in place of a CRYPTO_EX_DATA, the index, |argl| and |argp|; the SSL's other pointers can be
 * had of SSL_get_ex_data then. */
HF_SSL_EXPORT int SSL_get_ex_new_index(long argl, void *argp, CRYPTO_EX_unused *unused,
                                       CRYPTO_EX_dup *dup_unused, CRYPTO_EX_free *free_func);
HF_SSL_EXPORT int SSL_set_ex_data(SSL *ssl, int idx, void *data);
HF_SSL_EXPORT void *SSL_get_ex_data(const SSL *ssl, int idx);
/* SSL_get_ex_data_X509_STORE_CTX_idx is the index under which an X509_STORE_CTX has its SSL in
 * verify callbacks. */
HF_SSL_EXPORT int SSL_get_ex_data_X509_STORE_CTX_idx(void);
#define SSL_set_app_data(ssl, data) (SSL_set_ex_data(ssl, 0, (char *)(data)))
#define SSL_get_app_data(ssl) (SSL_get_ex_data(ssl, 0))
#define SSL_CTX_set_app_data(ctx, data) (SSL_CTX_set_ex_data(ctx, 0, (char *)(data)))
#define SSL_CTX_get_app_data(ctx) (SSL_CTX_get_ex_data(ctx, 0))

/* ---- The library ---- */

/* These need not be called, and return 1 if they return anything. */
HF_SSL_EXPORT int SSL_library_init(void);
HF_SSL_EXPORT int OPENSSL_init_ssl(uint64_t opts, const OPENSSL_INIT_SETTINGS *settings);
HF_SSL_EXPORT void SSL_load_error_strings(void);
HF_SSL_EXPORT void ERR_load_SSL_strings(void);
#define OpenSSL_add_ssl_algorithms() SSL_library_init()
#define SSLeay_add_ssl_algorithms() SSL_library_init()

/* OpenSSL has ctrl commands behind macros where there are functions here.  Programs ask with #ifdef
 * whether there is such a thing; there is. */
#define SSL_CTRL_CHAIN handfast_has_a_function_instead
#define SSL_CTRL_CHAIN_CERT handfast_has_a_function_instead
#define SSL_CTRL_CLEAR_EXTRA_CHAIN_CERTS handfast_has_a_function_instead
#define SSL_CTRL_CLEAR_MODE handfast_has_a_function_instead
#define SSL_CTRL_CLEAR_OPTIONS handfast_has_a_function_instead
#define SSL_CTRL_EXTRA_CHAIN_CERT handfast_has_a_function_instead
#define SSL_CTRL_GET_CHAIN_CERTS handfast_has_a_function_instead
#define SSL_CTRL_GET_EXTRA_CHAIN_CERTS handfast_has_a_function_instead
#define SSL_CTRL_GET_MAX_CERT_LIST handfast_has_a_function_instead
#define SSL_CTRL_GET_NEGOTIATED_GROUP handfast_has_a_function_instead
#define SSL_CTRL_GET_READ_AHEAD handfast_has_a_function_instead
#define SSL_CTRL_GET_RI_SUPPORT handfast_has_a_function_instead
#define SSL_CTRL_GET_SESSION_REUSED handfast_has_a_function_instead
#define SSL_CTRL_GET_SESS_CACHE_MODE handfast_has_a_function_instead
#define SSL_CTRL_GET_SESS_CACHE_SIZE handfast_has_a_function_instead
#define SSL_CTRL_MODE handfast_has_a_function_instead
#define SSL_CTRL_OPTIONS handfast_has_a_function_instead
#define SSL_CTRL_SET_CURVES handfast_has_a_function_instead
#define SSL_CTRL_SET_CURVES_LIST handfast_has_a_function_instead
#define SSL_CTRL_SET_ECDH_AUTO handfast_has_a_function_instead
#define SSL_CTRL_SET_GROUPS handfast_has_a_function_instead
#define SSL_CTRL_SET_GROUPS_LIST handfast_has_a_function_instead
#define SSL_CTRL_SET_MAX_CERT_LIST handfast_has_a_function_instead
#define SSL_CTRL_SET_MAX_SEND_FRAGMENT handfast_has_a_function_instead
#define SSL_CTRL_SET_MSG_CALLBACK handfast_has_a_function_instead
#define SSL_CTRL_SET_MSG_CALLBACK_ARG handfast_has_a_function_instead
#define SSL_CTRL_SET_READ_AHEAD handfast_has_a_function_instead
#define SSL_CTRL_SET_SESS_CACHE_MODE handfast_has_a_function_instead
#define SSL_CTRL_SET_SESS_CACHE_SIZE handfast_has_a_function_instead
#define SSL_CTRL_SET_TLSEXT_HOSTNAME handfast_has_a_function_instead
#define SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG handfast_has_a_function_instead
#define SSL_CTRL_SET_TLSEXT_SERVERNAME_CB handfast_has_a_function_instead
#define SSL_CTRL_SET_TMP_DH handfast_has_a_function_instead
#define SSL_CTRL_SET_TMP_ECDH handfast_has_a_function_instead

#include <openssl/ssl_session.h>  /* IWYU pragma: export */
#include <openssl/ssl_settings.h> /* IWYU pragma: export */

#ifdef __cplusplus
}

#if !defined(BORINGSSL_NO_CXX)
extern "C++" {
BSSL_NAMESPACE_BEGIN
BORINGSSL_MAKE_DELETER(SSL, SSL_free)
BORINGSSL_MAKE_UP_REF(SSL, SSL_up_ref)
BORINGSSL_MAKE_DELETER(SSL_CTX, SSL_CTX_free)
BORINGSSL_MAKE_UP_REF(SSL_CTX, SSL_CTX_up_ref)
BORINGSSL_MAKE_DELETER(SSL_SESSION, SSL_SESSION_free)
BORINGSSL_MAKE_UP_REF(SSL_SESSION, SSL_SESSION_up_ref)
BSSL_NAMESPACE_END
}
#endif
#endif
#endif
