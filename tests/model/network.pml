/* network.pml: what carries messages, and who forges them.
 *
 * What each side writes is kept in `wire`.  Between an HONEST pair each reads it in order.  Elsewhere the
 * attacker is the network: whenever a side reads, it gives it any message that was ever written (drop,
 * delay, replay, reorder, reflect) or one of its own making.  It can make what it has the secrets for: its
 * own shares, its certificate and key (MALLORY), its sessions (PSK_KNOWN), and the keys of a handshake in
 * which the share that came was its own.  A message of a type that the reader does not wait for ends the
 * reader and is not tried; at a row that learns it is open whether the next message is that row's.  What
 * does not exist when it is asked for ends the reader too, as anything would that is no message. */

#define LOG 14
int wire[2 * LOG];
byte num_sent[2], num_read[2];
int tx_c, tx_mac, tx_ext;

/* Records that are no handshake messages: between an HONEST pair alone. */
#define M_EARLY_DATA 90
#define M_COMPATIBILITY 91
bool compatibility_sent[2];

#define rx_level c_expr { (now.rx_key ? terms[now.rx_key].part[1] & 3 : 0) }

inline put(me, type) {
  make(content, type, tx_c, tx_mac, tx_ext);
  if
  :: type != M_CHANGE_CIPHER_SPEC && type != M_EARLY_DATA && type != M_COMPATIBILITY ->
     make(transcript[me], T_TRANSCRIPT, transcript[me], content, 0)
  :: else
  fi;
  make(content, T_MESSAGE, content, write_key[me], 0);
  wire[me * LOG + num_sent[me]] = content;
  num_sent[me]++;
  content = 0; tx_c = 0; tx_mac = 0; tx_ext = 0
}

inline hear(me) {
  if
  :: rx_type != M_CHANGE_CIPHER_SPEC ->
     make(content, rx_type, rx_c, rx_mac, rx_ext);
     make(transcript[me], T_TRANSCRIPT, transcript[me], content, 0);
     content = 0
  :: else
  fi
}

inline put_down() {
  rx_type = 0; rx_key = 0; rx_c = 0; rx_mac = 0; rx_ext = 0; here = false
}

inline pick_up(message) {
  t0 = message;
  c_code {
    if (now.t0 != 0) {
      const int *parts = terms[terms[now.t0].part[1]].part;
      now.rx_key = terms[now.t0].part[2];
      now.rx_type = parts[0]; now.rx_c = parts[1]; now.rx_mac = parts[2]; now.rx_ext = parts[3];
    }
  };
  t0 = 0
}

inline send_early_data(me) {
  if :: HONEST && !quic -> put(me, M_EARLY_DATA) :: else fi
}

inline send_compatibility(me) {
  if
  :: HONEST && !compatibility_sent[me] -> compatibility_sent[me] = true; put(me, M_COMPATIBILITY)
  :: else
  fi
}

/* Between an HONEST pair: waits until the next message is there, past the records before it. */
inline next(me) {
  do
  :: num_sent[PEER(me)] > num_read[me] ->
     d_step {
       pick_up(wire[PEER(me) * LOG + num_read[me]]);
       here = true;
       if
       :: rx_type == M_COMPATIBILITY ->
          claim(COMPATIBILITY_IN_TIME, version[me] != V12 && !(proofs[me] & P_FINISHED));
          num_read[me]++;
          here = false
       :: rx_type == M_EARLY_DATA ->
          claim(EARLY_DATA_READABLE, (read_level[me] == L_EARLY && rx_key == read_key[me]) || s_skips);
          num_read[me]++;
          here = false
       :: else
       fi
     };
     if :: here -> break :: else fi
  od;
  skip
}

inline look(me, type, learn) {
  if
  :: HONEST ->
     next(me);
     d_step {
       here = (rx_type == type);
       if :: !here -> put_down() :: else fi
     }
  :: !HONEST -> here = true
  :: !HONEST && (learn) != 0 -> here = false
  fi
}

inline look_for_12(me) {
  if
  :: HONEST ->
     next(me);
     d_step {
       t0 = (rx_type == M_SERVER_HELLO && R_IS_12);
       put_down();
       here = t0;
       t0 = 0
     }
  :: !HONEST -> here = true
  :: !HONEST -> here = false
  fi
}

#define knows_read(me) either(read_level[me] == L_EARLY, PSK_KNOWN(psk[me]), known[me])

/* Where the client wants Mallory, nothing that the server says after its first flight can matter to it: it may
 * come to its end first. */
#define wait_for_turn(me, type) \
  if \
  :: me == C || type == M_CLIENT_HELLO || !MIDDLE || c_wants == SERVER_ID || opened[C] || gone[C] \
  fi

/* A message that was written: the first or the second of its type by the other side, or the reader's own. */
inline fetch(me, type, which) {
  t0 = me; t1 = type; t2 = which;
  c_code {
    const int who = now.t2 < 2 ? 1 - now.t0 : now.t0;
    now.t0 = term_find(&now.wire[who * LOG], now.num_sent[who], now.t1, now.t2 & 1);
  };
  t3 = t0; t0 = 0; t1 = 0; t2 = 0;
  if :: t3 == 0 -> bad = true :: else fi; /* it is not there */
  pick_up(t3);
  t3 = 0;
  if :: knows_read(me) -> rx_key = read_key[me] :: else fi /* whether it could read it is not asked */
}

/* In the middle of a client that wants the server, the attacker makes up more than one message for one of the
 * two only; where it does so for both, neither run has to do with the other. */
byte forged[2];

/* Under which key a forged message is: the reader's, or none. */
inline begin_forging(me, type) {
  rx_type = type;
  if
  :: MIDDLE && c_wants == SERVER_ID && forged[PEER(me)] > 1 -> bad = true
  :: MIDDLE && forged[me] < 2 -> forged[me]++
  :: else
  fi;
  if
  :: read_key[me] == 0 || knows_read(me) -> rx_key = read_key[me]
  :: else -> check(READ_KEY, false)
  fi
}

#define obtain(me, type, forge) \
  if \
  :: HONEST -> num_read[me]++ \
  :: !HONEST -> d_step { fetch(me, type, 0) } \
  :: !HONEST && type == M_CLIENT_HELLO -> d_step { fetch(me, type, 1) } \
  :: !HONEST && (type == M_FINISHED || type == M_CERTIFICATE_VERIFY) -> d_step { fetch(me, type, 2) } \
  :: !HONEST -> \
     d_step { begin_forging(me, type) }; \
     if :: !bad -> forge :: else fi \
  fi; \
  unless_bad

/* ---- what a forged message says; its reader's transcript, keys and shown certificate are known ---- */

/* The transcript that a cookie stands for: message_hash, HelloRetryRequest. */
inline restore_transcript(to, the_cookie) {
  t0 = the_cookie;
  c_code {
    const term_parts cookie = terms[now.t0];
    const int hash = term(T_MESSAGE_HASH, cookie.part[1], 0, 0);
    now.t1 = term(M_HELLO_RETRY_REQUEST, cookie.part[2] << 1 | cookie.part[3] << 3, 0, now.t0);
    now.t1 = term(T_TRANSCRIPT, hash, now.t1, 0);
  };
  to = t1;
  t0 = 0; t1 = 0
}

/* A binder for what rx_ says, if the session is the attacker's. */
inline forge_binder(me) {
  if
  :: H_PSK(rx_c) != 0 && PSK_KNOWN(H_PSK(rx_c)) && !H_BY_TICKET(rx_c) ->
     if
     :: rx_ext != 0 && !has(me, F_RETRIED) -> restore_transcript(content, rx_ext)
     :: else -> content = transcript[me]
     fi;
     make(rx_mac, T_BINDER, H_PSK(rx_c), content, rx_c);
     content = 0
  :: true -> rx_mac = 0
  fi
}

/* Whether a forged hello has the cookie of the server's HelloRetryRequest. */
inline forge_cookie() {
  if
  :: c_code {
       now.rx_ext = term_find(&now.wire[LOG], now.num_sent[1], M_HELLO_RETRY_REQUEST, 0);
       now.rx_ext = now.rx_ext == 0 ? 0 : terms[terms[now.rx_ext].part[1]].part[3];
     }
  :: rx_ext = 0
  fi
}

/* A second hello, right but for at most one thing. */
inline forge_second_hello(me) {
  rx_c = H_WITH(hello, HELLO(0, 0, 3, 0, 0, 0, 0, 1, 0), HELLO(0, 0, either(s_asked_group != 0, s_asked_group,
                H_GROUP(hello)), 0, 0, 0, 0, 0, 0));
  if
  :: skip
  :: rx_c = H_WITH(rx_c, HELLO(3, 0, 0, 0, 0, 0, 0, 0, 0), V12)
  :: rx_c = H_WITH(rx_c, HELLO(0, 1, 0, 0, 0, 0, 0, 0, 0), HELLO(0, 1 - H_SUITES(rx_c), 0, 0, 0, 0, 0, 0, 0))
  :: rx_c = H_WITH(rx_c, HELLO(0, 0, 3, 0, 0, 0, 0, 0, 0), HELLO(0, 0, 3 - H_GROUP(rx_c), 0, 0, 0, 0, 0, 0))
  :: H_PSK(rx_c) != 0 -> rx_c = H_WITH(rx_c, HELLO(0, 0, 0, 0, 0, 7, 1, 0, 0), 0)
  :: H_PSK(rx_c) == 0 -> rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 4, 0, 0, 0)
  :: H_PSK(rx_c) != 0 -> rx_c = H_WITH(rx_c, 0, HELLO(0, 0, 0, 0, 0, 0, 0, 1, 0))
  fi
}

/* In the middle: the client's own hello, with one thing changed. */
inline forge_changed_hello() {
  t0 = C; t1 = M_CLIENT_HELLO; t2 = has(S, F_RETRIED);
  c_code {
    now.rx_c = term_find(&now.wire[0], now.num_sent[0], now.t1, now.t2);
    now.rx_c = now.rx_c == 0 ? 0 : terms[terms[now.rx_c].part[1]].part[1];
  };
  t0 = 0; t1 = 0; t2 = 0;
  if
  :: rx_c == 0 -> bad = true /* there is none to change */
  :: rx_c != 0 -> rx_c = H_WITH(rx_c, 0, HELLO(0, 0, 0, 1, 0, 0, 0, 0, 0))
  :: rx_c != 0 -> rx_c = H_WITH(rx_c, HELLO(3, 0, 0, 0, 0, 7, 1, 1, 0), V12)
  :: rx_c != 0 -> rx_c = H_WITH(rx_c, HELLO(0, 1, 0, 0, 0, 0, 0, 0, 0),
                                HELLO(0, 1 - H_SUITES(rx_c), 0, 0, 0, 0, 0, 0, 0))
  :: rx_c != 0 && H_PSK(rx_c) != 0 -> rx_c = H_WITH(rx_c, HELLO(0, 0, 0, 0, 0, 7, 1, 1, 0), 0)
  :: rx_c != 0 -> rx_c = H_WITH(rx_c, HELLO(0, 0, 0, 0, 0, 7, 1, 1, 0),
                                HELLO(0, 0, 0, 1, 0, 4, 0, 0, 0)) /* the attacker's session, and share */
  fi
}

inline forge_first_hello() {
  if :: rx_c = V13 :: rx_c = V12 fi;
  if :: rx_c = rx_c + HELLO(0, 0, 1, 1, 1, 0, 0, 0, 0) :: rx_c = rx_c + HELLO(0, 0, 2, 1, 1, 0, 0, 0, 0) fi;
  if :: rx_c = rx_c + HELLO(0, 1, 0, 0, 0, 0, 0, 0, 0) :: skip fi;
  if
  :: s_compresses -> rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 0, 0, 0, 1)
  :: skip
  :: rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 1, 0, 0, 0)
  :: rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 3, 1, 0, 0)
  :: rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 4, 0, 0, 0)
  :: rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 4, 0, 1, 0)
  :: rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 4, 1, 0, 0)
  :: rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 5, 0, 0, 0)
  :: rx_c = rx_c + HELLO(0, 0, 0, 0, 0, 5, 1, 0, 0)
  fi
}

inline forge_CLIENT_HELLO(me) {
  if
  :: MIDDLE -> forge_changed_hello()
  :: !MIDDLE && has(S, F_RETRIED) -> forge_second_hello(me)
  :: !MIDDLE && !has(S, F_RETRIED) -> forge_first_hello()
  fi;
  forge_cookie();
  forge_binder(me)
}

inline forge_HELLO_RETRY_REQUEST(me) {
  if
  :: MIDDLE && c_wants != SERVER_ID -> bad = true /* it would bring nothing */
  :: !MIDDLE || c_wants == SERVER_ID -> rx_c = RETRY(1, 0)
  :: !MIDDLE -> rx_c = RETRY(2, 0)
  :: !MIDDLE -> rx_c = RETRY(3, 0)
  fi;
  if
  :: rx_c = rx_c + RETRY(0, 2)
  :: !MIDDLE -> skip
  :: !MIDDLE -> rx_c = rx_c + RETRY(0, 1)
  :: rx_c = rx_c + RETRY(0, 2); make(rx_ext, T_COOKIE, 0, 0, 0)
  :: make(rx_ext, T_COOKIE, 0, 0, 0)
  fi
}

/* In the middle of a client that wants the server: the server's own hello, with one thing changed. */
inline forge_changed_reply() {
  c_code {
    now.rx_c = term_find(&now.wire[LOG], now.num_sent[1], M_SERVER_HELLO, 0);
    now.rx_c = now.rx_c == 0 ? 0 : terms[terms[now.rx_c].part[1]].part[1];
  };
  if
  :: rx_c == 0 -> bad = true
  :: rx_c != 0 -> rx_c = H_WITH(rx_c, REPLY(0, 3, 0, 0, 0, 0, 0, 0), REPLY(0, 3 - R_SUITE, 0, 0, 0, 0, 0, 0))
  :: rx_c != 0 -> rx_c = H_WITH(rx_c, 0, REPLY(0, 0, 0, 1, 0, 0, 0, 0))
  :: rx_c != 0 -> rx_c = H_WITH(rx_c, 0, REPLY(0, 0, 0, 1, 0, 1, 0, 0))
  :: rx_c != 0 && R_RESUMED -> rx_c = H_WITH(rx_c, REPLY(0, 0, 0, 0, 0, 1, 0, 0), REPLY(0, 0, 0, 1, 0, 0, 0, 0))
  :: rx_c != 0 && R_IS_12 -> rx_c = H_WITH(rx_c, REPLY(0, 0, 0, 0, 7, 0, 0, 0), REPLY(0, 0, 0, 0, 2, 0, 0, 0))
  fi
}

inline forge_own_reply(me) {
  if
  :: rx_c = REPLY(0, 1, 0, 1, 2, 0, 0, 0)
  :: !MIDDLE -> rx_c = REPLY(0, 2, 0, 1, 2, 0, 0, 0)
  :: !MIDDLE -> rx_c = REPLY(0, 3, 0, 1, 2, 0, 0, 0)
  fi;
  if :: rx_c = rx_c + REPLY(0, 0, 0, 0, 0, 1, 0, 0) :: skip fi;
  if
  :: version[me] == V12 -> rx_c = rx_c + REPLY(1, 0, 0, 0, 0, 0, 0, 0)
  :: version[me] == V12 && !MIDDLE -> rx_c = rx_c + REPLY(1, 0, 0, 0, 0, 0, 0, 1)
  :: version[me] == V12 && !MIDDLE -> rx_c = rx_c + REPLY(1, 0, 0, 0, 0, 0, 1, 0)
  :: version[me] == V13 -> rx_c = rx_c + REPLY(0, 0, 1, 0, 0, 0, 0, 0)
  :: version[me] == V13 && !MIDDLE -> rx_c = rx_c + REPLY(0, 0, 2, 0, 0, 0, 0, 0)
  :: version[me] == V13 && has(C, F_RETRIED) && !MIDDLE -> rx_c = rx_c + REPLY(1, 0, 2, 0, 0, 0, 0, 0)
  fi
}

inline forge_SERVER_HELLO(me) {
  if
  :: MIDDLE && c_wants == SERVER_ID -> forge_changed_reply()
  :: else -> forge_own_reply(me)
  fi
}

inline forge_bit(me) {
  if :: rx_c = 0 :: rx_c = 1 fi
}
#define forge_ENCRYPTED_EXTENSIONS(me) forge_bit(me)
#define forge_CERTIFICATE_REQUEST(me) if :: !MIDDLE -> rx_c = 1 :: rx_c = 0 fi

inline forge_CERTIFICATE(me) {
  if
  :: rx_c = either(me == C, SERVER_ID, CLIENT_ID)
  :: rx_c = MALLORY
  :: !MIDDLE -> rx_c = 0
  fi
}
#define forge_COMPRESSED_CERTIFICATE(me) forge_CERTIFICATE(me)

inline forge_CERTIFICATE_VERIFY(me) {
  rx_mac = covered(SIGNATURE_TRANSCRIPT, transcript[me]);
  make(rx_mac, T_SIGNATURE, MALLORY, PEER(me), rx_mac)
}

inline forge_FINISHED(me) {
  if
  :: known[me] ->
     rx_mac = covered(FINISHED_TRANSCRIPT, transcript[me]);
     make(rx_mac, T_FINISHED, PEER(me), secret[me], rx_mac)
  :: !MIDDLE || WEAK12 -> rx_mac = 0
  fi
}

inline forge_SERVER_KEY_EXCHANGE(me) {
  rx_c = 1 + 4;
  rx_mac = covered(PARAMS_RANDOMS, random_c[me] * 8 + random_s[me]);
  make(rx_mac, T_PARAMS, rx_mac, rx_c, 0);
  make(rx_mac, T_SIGNATURE, MALLORY, S, rx_mac)
}

#define forge_CLIENT_KEY_EXCHANGE(me) forge_bit(me)

#define forge_CERTIFICATE_STATUS(me) skip
#define forge_SERVER_HELLO_DONE(me) skip
#define forge_CHANGE_CIPHER_SPEC(me) skip
#define forge_NEW_SESSION_TICKET(me) skip
#define forge_END_OF_EARLY_DATA(me) skip
