/* messages.pml: the handlers: what a message says, what is checked of it, and which flags it sets; the
 * questions' answers, and the secrets.  The only ones that write flags, as in the engine.
 *
 * A message is a content (bits that say what it says), a MAC or signature or binder, and a cookie. */

/* ---- ClientHello ---- */

inline start(me) {
  set_flag(me, F_QUIC, quic);
  if
  :: me == C ->
     set_flag(C, F_PSK_OFFERED, c_psk != 0);
     set_flag(C, F_EARLY, c_early);
     set_flag(C, F_REVERIFY, c_early && c_reverifies)
  :: else
  fi
}

inline send_CLIENT_HELLO(me) {
  c_offered_psk = c_psk;
  if
  :: has(C, F_RETRIED) && c_psk != 0 && PSK_VERSION(c_psk) == V13 && HASH(PSK_SUITE(c_psk)) != HASH(suite[C]) ->
     c_offered_psk = 0
  :: else
  fi;
  tx_c = HELLO(c_versions, c_suites, either(c_asked_group != 0, c_asked_group, 1), 0, 0, c_offered_psk,
               PSK_VERSION(c_offered_psk) == V12, has(C, F_EARLY), c_compresses);
  if
  :: c_offered_psk != 0 && PSK_VERSION(c_offered_psk) == V13 ->
     make(tx_mac, T_BINDER, c_offered_psk, transcript[C], tx_c)
  :: else
  fi;
  tx_ext = cookie[C];
  put(C, M_CLIENT_HELLO);
  random_c[C] = 1;
  set_flag(C, F_COMPRESSED, c_compresses)
}

inline receive_CLIENT_HELLO(me) {
  if
  :: has(S, F_RETRIED) ->
     check(HELLO_KEPT, H_KEPT(rx_c) == H_KEPT(hello));
     check(EARLY_NOT_KEPT, !H_EARLY(rx_c));
     check(RETRY_COOKIE, rx_ext == cookie[S]);
     check(RETRY_SHARE, H_GROUP(rx_c) == either(s_asked_group == 0, H_GROUP(hello), s_asked_group));
     check(RETRY_SESSION, H_PSK(rx_c) == 0 || H_BY_TICKET(rx_c) || (H_PSK(hello) != 0 && !H_BY_TICKET(hello)));
     s_skips = false
  :: else ->
     set_flag(S, F_COOKIE, rx_ext != 0);
     first_hello = rx_c
  fi;
  set_flag(S, F_PSK_OFFERED, H_PSK(rx_c) != 0 && !H_BY_TICKET(rx_c));
  hello = rx_c;
  hello_binder = rx_mac;
  before_hello = transcript[S];
  if
  :: has(S, F_COOKIE) -> cookie[S] = rx_ext
  :: else
  fi;
  random_c[S] = H_RANDOM(rx_c);
  foreign[S] = H_FOREIGN(rx_c)
}

/* ---- COOKIE, HELLO, HelloRetryRequest ---- */

inline ask_COOKIE(me) {
  if
  :: has(S, F_COOKIE) ->
     check(EARLY_NOT_KEPT, !H_EARLY(hello));
     c_code {
       now.suite[1] = terms[now.cookie[1]].part[2];
       now.s_asked_group = terms[now.cookie[1]].part[3];
     };
     retry_suite[S] = suite[S];
     restore_transcript(before_hello, cookie[S]);
     make(content, M_CLIENT_HELLO, hello, hello_binder, cookie[S]);
     make(transcript[S], T_TRANSCRIPT, before_hello, content, 0);
     content = 0;
     retries[S]++;
     set_flag(S, F_RETRIED, true)
  :: !has(S, F_COOKIE) && s_retry >= 2 -> make(cookie[S], T_COOKIE, transcript[S], suite[S], s_asked_group)
  :: else
  fi
}

/* The suite of the hash that the session goes with, if it is offered; else any that is offered. */
inline choose_suite(session) {
  if
  :: (session) != 0 && HASH(2) == HASH(PSK_SUITE(session)) && H_SUITES(hello) -> suite[S] = 2
  :: (session) != 0 && HASH(1) == HASH(PSK_SUITE(session)) -> suite[S] = 1
  :: (session) != 0 && HASH(3) == HASH(PSK_SUITE(session)) && !H_SUITES(hello) -> suite[S] = 3
  :: (session) == 0 -> suite[S] = 1
  :: (session) == 0 && H_SUITES(hello) -> suite[S] = 2
  :: (session) == 0 && !H_SUITES(hello) -> suite[S] = 3
  :: else
  fi
}

inline ask_HELLO(me) {
  version[S] = either(H_VERSIONS(hello) & s_versions & V13, V13, V12);
  check(VERSION_SHARED, H_VERSIONS(hello) & s_versions & version[S]);
  check(COOKIE_IS_13, version[S] == V13 || (!has(S, F_RETRIED) && s_retry < 2));
  if
  :: version[S] == V13 && has(S, F_COOKIE) ->
     check(COOKIE_SUITE, OFFERS(H_SUITES(hello), suite[S]));
     check(RETRY_SHARE, s_asked_group == 0 || H_GROUP(hello) == s_asked_group)
  :: version[S] == V13 && !has(S, F_COOKIE) ->
     s_asked_group = either((s_retry & 1) && H_GROUP(hello) != 2, 2, 0);
     set_flag(S, F_RETRIED, s_asked_group != 0 || s_retry >= 2);
     choose_suite(0);
     if
     :: has(S, F_RETRIED) && has(S, F_PSK_OFFERED) -> choose_suite(H_PSK(hello))
     :: else
     fi
  :: version[S] == V12 ->
     set_flag(S, F_PSK_OFFERED, H_PSK(hello) != 0 && H_BY_TICKET(hello));
     choose_suite(0)
  fi;
  set_flag(S, F_KEM, version[S] == V13 && (s_asked_group == 2 || H_GROUP(hello) == 2))
}

inline send_HELLO_RETRY_REQUEST(me) {
  claim(ANSWERED, (cookie[S] != 0) == (s_retry >= 2));
  make(transcript[S], T_MESSAGE_HASH, transcript[S], 0, 0);
  tx_c = RETRY(suite[S], s_asked_group);
  tx_ext = cookie[S];
  put(S, M_HELLO_RETRY_REQUEST);
  retries[S]++;
  retry_suite[S] = suite[S];
  s_skips = H_EARLY(hello);
  if
  :: s_forgets -> /* another object takes the second hello; that one would remember */
     forget(S, true);
     s_forgets = false;
     bad = true;
     forgotten = true
  :: else
  fi
}

inline receive_HELLO_RETRY_REQUEST(me) {
  check(RETRY_OF_13, c_versions & V13);
  check(CHOSEN_SUITE_OFFERED, OFFERS(c_suites, R_SUITE));
  check(SUITE_KEPT, retries[C] == 0 || R_SUITE == suite[C]);
  check(RETRY_ASKS, R_GROUP != 0 || rx_ext != 0);
  check(RETRY_GROUP, R_GROUP != 1);
  suite[C] = R_SUITE;
  retry_suite[C] = R_SUITE;
  c_asked_group = R_GROUP;
  cookie[C] = rx_ext;
  retries[C]++;
  make(transcript[C], T_MESSAGE_HASH, transcript[C], 0, 0);
  if
  :: fits(RETRY_REFUSES_EARLY, false) -> skip
  :: else -> set_flag(C, F_EARLY, false)
  fi
}

/* ---- SESSION, IDENTITY, ENCAP ---- */

/* Is the state of the session that was found one that this handshake can go on with? */
#define resumable(p) \
  (PSK_OF_SERVER(p) && fits(SESSION_VERSION, PSK_VERSION(p) == version[S]) && \
   fits(SESSION_HAS_CERT, s_request < 2 || PSK_CERT(p)))

inline take_session_13(p) {
  if
  :: has(S, F_RETRIED) || HASH(suite[S]) == HASH(PSK_SUITE(p)) -> skip
  :: else -> choose_suite(p)
  fi;
  if
  :: fits(SESSION_HASH, HASH(suite[S]) == HASH(PSK_SUITE(p))) ->
     make(content, T_BINDER, p, before_hello, hello);
     check(BINDER, hello_binder == content);
     proofs[S] = proofs[S] | P_BINDER;
     truth[S] = either(hello_binder == content, truth[S] | P_BINDER, truth[S]);
     content = 0;
     psk[S] = p;
     set_flag(S, F_RESUMED, true);
     set_flag(S, F_CERT_REQUESTED, false);
     if
     :: H_EARLY(hello) && fits(EARLY_NOT_RETRIED, !has(S, F_RETRIED)) &&
        fits(EARLY_SUITE, suite[S] == PSK_SUITE(p)) -> set_flag(S, F_EARLY, true)
     :: true -> skip
     fi
  :: else
  fi
}

inline take_session_12(p) {
  if
  :: OFFERS(H_SUITES(hello), PSK_SUITE(p)) ->
     psk[S] = p;
     suite[S] = either(fits(SESSION_SUITE, false), suite[S], PSK_SUITE(p));
     set_flag(S, F_RESUMED, true);
     set_flag(S, F_CERT_REQUESTED, false);
     if
     :: set_flag(S, F_TICKET, true)
     :: set_flag(S, F_TICKET, false)
     fi
  :: else
  fi
}

inline ask_SESSION(me) {
  if
  :: resumable(H_PSK(hello)) && version[S] == V13 -> take_session_13(H_PSK(hello))
  :: resumable(H_PSK(hello)) && version[S] == V12 -> take_session_12(H_PSK(hello))
  :: true -> skip
  fi
}

inline ask_IDENTITY(me) {
  answered[me] = answered[me] | A_IDENTITY;
  if
  :: me == C ->
     set_flag(C, F_CLIENT_CERT, c_cert);
     set_flag(C, F_CLIENT_COMPRESSED, c_cert && c_compresses && c_may_compress)
  :: me == S ->
     set_flag(S, F_CERT_REQUESTED, s_request > 0);
     set_flag(S, F_CLIENT_COMPRESSED, s_compresses);
     set_flag(S, F_COMPRESSED, version[S] == V13 && s_compresses && H_COMPRESS(hello));
     if
     :: version[S] == V12 ->
        if :: set_flag(S, F_TICKET, true) :: set_flag(S, F_TICKET, false) fi;
        set_flag(S, F_KEEP, !has(S, F_TICKET));
        set_flag(S, F_OCSP, s_compresses)
     :: else
     fi
  fi
}

inline ask_ENCAP(me) { answered[S] = answered[S] | A_ENCAP }

/* ---- ServerHello ---- */

inline send_SERVER_HELLO(me) {
  random_s[S] = either(version[S] == V12 && (s_versions & V13), 4, 3);
  if
  :: version[S] == V13 ->
     claim(ANSWERED, !has(S, F_KEM) || (answered[S] & A_ENCAP));
     group[S] = H_GROUP(hello);
     known[S] = PSK_KNOWN(psk[S]) && foreign[S];
     s_skips = H_EARLY(hello) && !has(S, F_EARLY);
     tx_c = REPLY(0, suite[S], group[S], 0, random_s[S], has(S, F_RESUMED), 0, 0)
  :: else ->
     tx_c = REPLY(1, suite[S], 0, 0, random_s[S], has(S, F_RESUMED), has(S, F_TICKET),
                  has(S, F_OCSP) && !has(S, F_RESUMED))
  fi;
  put(S, M_SERVER_HELLO)
}

inline receive_hello_13() {
  check(RETRY_STAYS_13, !R_IS_12);
  version[C] = either(R_IS_12, V12, V13);
  check(HELLO_OF_13, c_versions & V13);
  check(CHOSEN_SUITE_OFFERED, OFFERS(c_suites, R_SUITE));
  check(SUITE_KEPT, retries[C] == 0 || R_SUITE == suite[C]);
  check(CHOSEN_GROUP, R_GROUP == either(c_asked_group != 0, c_asked_group, 1));
  check(CHOSEN_PSK, !R_RESUMED || c_offered_psk != 0);
  check(CHOSEN_PSK_VERSION, !R_RESUMED || PSK_VERSION(c_offered_psk) == V13);
  check(CHOSEN_PSK_HASH, !R_RESUMED || HASH(R_SUITE) == HASH(PSK_SUITE(c_offered_psk)));
  group[C] = R_GROUP;
  foreign[C] = R_FOREIGN;
  set_flag(C, F_REVERIFY, R_RESUMED && c_reverifies)
}

inline receive_hello_12() {
  check(SENTINEL, R_RANDOM != 4 || !(c_versions & V13));
  check(CHOSEN_SUITE_OFFERED, OFFERS(c_suites, R_SUITE));
  check(CHOSEN_SESSION, !R_RESUMED || c_offered_psk != 0);
  check(CHOSEN_SESSION_VERSION, !R_RESUMED || c_offered_psk == 0 || PSK_VERSION(c_offered_psk) == V12);
  check(CHOSEN_SESSION_SUITE, !R_RESUMED || R_SUITE == PSK_SUITE(c_offered_psk));
  set_flag(C, F_REVERIFY, R_RESUMED && c_reverifies);
  set_flag(C, F_TICKET, R_TICKET);
  set_flag(C, F_OCSP, R_STATUS);
  set_flag(C, F_KEEP, !R_RESUMED && !R_TICKET)
}

inline receive_SERVER_HELLO(me) {
  random_s[C] = R_RANDOM;
  if
  :: version[C] == V12 -> receive_hello_12()
  :: else -> receive_hello_13()
  fi;
  suite[C] = R_SUITE;
  psk[C] = either(R_RESUMED, c_offered_psk, 0);
  set_flag(C, F_RESUMED, R_RESUMED);
  known[C] = PSK_KNOWN(psk[C]) && foreign[C] /* in TLS 1.2 the share is still to come */
}

/* ---- EncryptedExtensions, CertificateRequest, EndOfEarlyData ---- */

inline send_ENCRYPTED_EXTENSIONS(me) { tx_c = has(S, F_EARLY); put(S, M_ENCRYPTED_EXTENSIONS) }

inline receive_ENCRYPTED_EXTENSIONS(me) {
  if
  :: rx_c ->
     check(EARLY_WAS_OFFERED, has(C, F_EARLY));
     set_flag(C, F_EARLY, true);
     check(EARLY_RESUMED, has(C, F_RESUMED));
     check(EARLY_SAME_SUITE, suite[C] == PSK_SUITE(psk[C]))
  :: else -> set_flag(C, F_EARLY, false)
  fi
}

inline send_CERTIFICATE_REQUEST(me) { tx_c = s_compresses; put(S, M_CERTIFICATE_REQUEST) }
inline receive_CERTIFICATE_REQUEST(me) { c_may_compress = rx_c }

inline send_END_OF_EARLY_DATA(me) { put(C, M_END_OF_EARLY_DATA) }
inline receive_END_OF_EARLY_DATA(me) { skip }

/* ---- Certificate ---- */

inline send_CERTIFICATE(me) {
  claim(ANSWERED, answered[me] & A_IDENTITY);
  tx_c = either(me == S, SERVER_ID, either(has(C, F_CLIENT_CERT), CLIENT_ID, 0));
  put(me, M_CERTIFICATE)
}

inline send_COMPRESSED_CERTIFICATE(me) {
  claim(ANSWERED, answered[me] & A_IDENTITY);
  tx_c = either(me == S, SERVER_ID, CLIENT_ID);
  put(me, M_COMPRESSED_CERTIFICATE)
}

inline take_certificate(me, whose) {
  shown[me] = whose;
  if
  :: me == C -> check(SERVER_CERT_THERE, whose != 0)
  :: me == S ->
     check(CLIENT_CERT_THERE, whose != 0 || s_request < 2);
     set_flag(S, F_CLIENT_CERT, whose != 0)
  fi
}

inline receive_CERTIFICATE(me) { take_certificate(me, rx_c) }

#define PACKED 8
inline receive_COMPRESSED_CERTIFICATE(me) { shown[me] = PACKED + rx_c }
inline ask_DECOMPRESS(me) { take_certificate(me, shown[me] - PACKED) }

inline ask_COMPRESS(me) {
  if
  :: skip
  :: set_flag(me, either(me == S, F_COMPRESSED, F_CLIENT_COMPRESSED), false)
  fi
}

inline send_CERTIFICATE_STATUS(me) { put(S, M_CERTIFICATE_STATUS) }
inline receive_CERTIFICATE_STATUS(me) { skip }

#define trusted(me) \
  either(me == C, shown[C] == c_wants, shown[S] == CLIENT_ID || shown[S] == MALLORY)

inline ask_VERDICT(me) {
  if
  :: has(me, F_REVERIFY) -> truth[me] = truth[me] | P_JUDGED
  :: else ->
     check(VERDICT, trusted(me));
     proofs[me] = proofs[me] | P_CHAIN;
     truth[me] = either(trusted(me), truth[me] | P_CHAIN, truth[me])
  fi
}

/* ---- signatures, Finished ---- */

inline ask_SIGNATURE(me) { answered[me] = answered[me] | A_SIGNATURE }

inline take_signature(me) {
  check(SIGNATURE, rx_mac == content);
  proofs[me] = proofs[me] | P_SIGNATURE;
  truth[me] = either(rx_mac == content, truth[me] | P_SIGNATURE, truth[me]);
  content = 0
}

inline send_CERTIFICATE_VERIFY(me) {
  claim(ANSWERED, answered[me] & A_SIGNATURE);
  tx_mac = covered(SIGNATURE_TRANSCRIPT, transcript[me]);
  make(tx_mac, T_SIGNATURE, either(me == S, SERVER_ID, CLIENT_ID), me, tx_mac);
  put(me, M_CERTIFICATE_VERIFY)
}

inline receive_CERTIFICATE_VERIFY(me) {
  content = covered(SIGNATURE_TRANSCRIPT, transcript[me]);
  make(content, T_SIGNATURE, shown[me], PEER(me), content);
  take_signature(me)
}

inline send_FINISHED(me) {
  tx_mac = covered(FINISHED_TRANSCRIPT, transcript[me]);
  make(tx_mac, T_FINISHED, me, secret[me], tx_mac);
  put(me, M_FINISHED)
}

inline receive_FINISHED(me) {
  content = covered(FINISHED_TRANSCRIPT, transcript[me]);
  make(content, T_FINISHED, PEER(me), secret[me], content);
  check(FINISHED, rx_mac == content);
  proofs[me] = proofs[me] | P_FINISHED;
  truth[me] = either(rx_mac == content, truth[me] | P_FINISHED, truth[me]);
  content = 0
}

/* ---- TLS 1.2 ---- */

inline send_SERVER_KEY_EXCHANGE(me) {
  claim(ANSWERED, answered[S] & A_SIGNATURE);
  tx_c = 1;
  tx_mac = covered(PARAMS_RANDOMS, random_c[S] * 8 + random_s[S]);
  make(tx_mac, T_PARAMS, tx_mac, tx_c, 0);
  make(tx_mac, T_SIGNATURE, SERVER_ID, S, tx_mac);
  put(S, M_SERVER_KEY_EXCHANGE)
}

inline receive_SERVER_KEY_EXCHANGE(me) {
  content = covered(PARAMS_RANDOMS, random_c[C] * 8 + random_s[C]);
  make(content, T_PARAMS, content, rx_c, 0);
  make(content, T_SIGNATURE, shown[C], S, content);
  take_signature(me);
  group[C] = rx_c & 3;
  foreign[C] = rx_c >> 2 & 1
}

inline send_SERVER_HELLO_DONE(me) { put(S, M_SERVER_HELLO_DONE) }
inline receive_SERVER_HELLO_DONE(me) { skip }

inline send_CLIENT_KEY_EXCHANGE(me) { put(C, M_CLIENT_KEY_EXCHANGE) }
inline receive_CLIENT_KEY_EXCHANGE(me) { foreign[S] = rx_c & 1 }

inline send_CHANGE_CIPHER_SPEC(me) { put(me, M_CHANGE_CIPHER_SPEC) }
inline receive_CHANGE_CIPHER_SPEC(me) { skip }

inline ask_TICKET(me) { answered[S] = answered[S] | A_TICKET }
inline send_NEW_SESSION_TICKET(me) {
  claim(ANSWERED, answered[S] & A_TICKET);
  put(S, M_NEW_SESSION_TICKET)
}
inline receive_NEW_SESSION_TICKET(me) { set_flag(C, F_KEEP, true) }
inline ask_KEEP(me) { skip }

/* ---- secrets ---- */

inline derive_EARLY(me) {
  if
  :: early[me] == 0 ->
     claim(EARLY_SECRET_OF_FIRST_HELLO, retries[me] == 0);
     make(early[me], T_EARLY, either(me == C, c_offered_psk, psk[S]), transcript[me], 0)
  :: else
  fi
}

/* With whom the key exchange was. */
#define exchanged(me) either(foreign[me], me + 1, 0)

inline derive_HANDSHAKE(me) {
  content = covered(SECRET_TRANSCRIPT, transcript[me]);
  make(secret[me], T_HANDSHAKE, psk[me], content, exchanged(me));
  content = 0
}

inline derive_APPLICATION(me) {
  claim(DERIVED_OVER, transcript[me] == to_server_finished[me]);
  make(application[me], T_APPLICATION, secret[me], transcript[me], 0)
}

inline derive_RESUMPTION(me) { claim(DERIVED_OVER, transcript[me] == to_client_finished[me]) }

/* RFC 7627: always the extended one. */
inline derive_MAIN(me) {
  if
  :: has(me, F_RESUMED) ->
     make(secret[me], T_MAIN, psk[me], 0, 0);
     known[me] = PSK_KNOWN(psk[me])
  :: else ->
     claim(DERIVED_OVER, transcript[me] == to_key_exchange[me]);
     content = covered(SECRET_TRANSCRIPT, transcript[me]);
     make(secret[me], T_MAIN, 0, content, exchanged(me));
     content = 0;
     known[me] = foreign[me] || WEAK12 || (me == C && group[C] == 0) /* no share came: no secret */
  fi
}
