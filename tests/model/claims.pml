/* claims.pml: what must hold, by name.  The lists of mutants cite these names.
 *
 * They go by `truth`, which is set where a thing is so, and not by what the handshake looked at. */

/* Does the other side hold what shows who it is, as far as this side demands it? */
#define proved_c \
  ((truth[C] & P_FINISHED) && \
   either(has(C, F_RESUMED), psk[C] != 0 && (!c_reverifies || (truth[C] & P_JUDGED)), \
          (truth[C] & P_SIGNATURE) && (truth[C] & P_CHAIN)))
#define proved_s \
  ((truth[S] & P_FINISHED) && \
   (!has(S, F_RESUMED) || version[S] == V12 || (truth[S] & P_BINDER)) && \
   (!has(S, F_CLIENT_CERT) || ((truth[S] & P_SIGNATURE) && (truth[S] & P_CHAIN))) && \
   (s_request < 2 || has(S, F_CLIENT_CERT) || (has(S, F_RESUMED) && PSK_CERT(psk[S]))))
#define proved(me) ((me == C && proved_c) || (me == S && proved_s))

/* What the engine's OPEN demands. */
#define proofs_needed(me) \
  (P_FINISHED + \
   either((me == C && !has(C, F_RESUMED)) || (me == S && has(S, F_CLIENT_CERT)), P_CHAIN + P_SIGNATURE, 0) + \
   either(me == S && has(S, F_RESUMED) && version[S] == V13, P_BINDER, 0))

/* Application data may come at any wait: a peer that has the keys needs no leave.  And the side may
 * write some itself. */
inline while_waiting(me) {
  if
  :: read_level[me] == L_EARLY ->
     claim(EARLY_DATA_OF_A_SESSION, me == S && (truth[S] & P_BINDER) && has(S, F_EARLY) && retries[S] == 0)
  :: read_level[me] == L_APPLICATION && fits(DATA_AFTER_FINISHED, proofs[me] & P_FINISHED) ->
     claim(DATA_AFTER_PROOF, proved(me))
  :: else
  fi;
  if
  :: me == C && write_level[C] == L_EARLY && has(C, F_EARLY) ->
     claim(EARLY_DATA_TO_A_SESSION, c_offered_psk != 0 && (!c_reverifies || (truth[C] & P_JUDGED)))
  :: me == C && version[C] == V12 && write_level[C] == L_APPLICATION && to_client_finished[C] != 0 &&
     (proofs[C] & P_CHAIN) && (proofs[C] & P_SIGNATURE) ->
     claim(FALSE_START_AFTER_PROOF, (truth[C] & P_CHAIN) && (truth[C] & P_SIGNATURE))
  :: me == S && version[S] == V13 && write_level[S] == L_APPLICATION ->
     claim(HALF_RTT_AFTER_FINISHED, to_server_finished[S] != 0)
  :: else
  fi
}

/* ---- of one side, whoever the other is ---- */

#define session_fits(me) \
  (psk[me] != 0 && PSK_VERSION(psk[me]) == version[me] && \
   either(version[me] == V13, HASH(suite[me]) == HASH(PSK_SUITE(psk[me])), suite[me] == PSK_SUITE(psk[me])))

inline claims_of_both(me) {
  claim(OPEN_LEVELS, read_level[me] == L_APPLICATION && write_level[me] == L_APPLICATION);
  claim(PEER_PROVED, proved(me));
  claim(ONE_RETRY, retries[me] <= 1);
  claim(RETRY_KEPT_SUITE, retries[me] == 0 || suite[me] == retry_suite[me]);
  claim(RETRY_IS_13, retries[me] == 0 || version[me] == V13);
  claim(SESSION_FITS, !has(me, F_RESUMED) || session_fits(me));
  claim(EARLY_FITS, !has(me, F_EARLY) || (has(me, F_RESUMED) && retries[me] == 0 && version[me] == V13 &&
                                          suite[me] == PSK_SUITE(psk[me])))
}

inline claims_of_client() {
  claim(VERSION_OFFERED, c_versions & version[C]);
  claim(SUITE_OFFERED, OFFERS(c_suites, suite[C]));
  claim(GROUP_OFFERED, has(C, F_RESUMED) && version[C] == V12 ||
                       group[C] == either(c_asked_group != 0, c_asked_group, 1));
  claim(RETRY_ASKED, retries[C] == 0 || c_asked_group != 0 || cookie[C] != 0);
  claim(SESSION_OFFERED, !has(C, F_RESUMED) || psk[C] == c_offered_psk)
}

inline claims_of_server() {
  claim(RETRY_KEPT_GROUP, version[S] == V12 || s_asked_group == 0 || group[S] == s_asked_group);
  claim(RETRY_KEPT_HELLO, first_hello == 0 || H_KEPT(hello) == H_KEPT(first_hello));
  claim(VERSION_OFFERED, H_VERSIONS(hello) & version[S]);
  claim(SUITE_OFFERED, OFFERS(H_SUITES(hello), suite[S]));
  claim(GROUP_OFFERED, version[S] == V12 || group[S] == H_GROUP(hello));
  claim(CLIENT_CERT_DEMANDED, s_request < 2 || has(S, F_CLIENT_CERT) ||
                              (has(S, F_RESUMED) && PSK_CERT(psk[S])))
}

/* ---- of both ---- */

inline agree(me) {
  claim(AGREE_VERSION, version[me] == version[PEER(me)]);
  claim(AGREE_SUITE, suite[me] == suite[PEER(me)]);
  claim(AGREE_SESSION, psk[me] == psk[PEER(me)])
}

inline claims_of_pair(me) {
  if
  :: HONEST ->
     agree(me);
     if
     :: opened[PEER(me)] ->
        claim(AGREE_TRANSCRIPT, transcript[C] == transcript[S]);
        claim(AGREE_KEYS, write_key[C] == read_key[S] && read_key[C] == write_key[S]);
        claim(AGREE_EARLY, has(C, F_EARLY) == has(S, F_EARLY));
        claim(NO_DOWNGRADE, version[C] == V13 || !(c_versions & s_versions & V13));
        claim(NOTHING_LEFT, num_read[C] == num_sent[S] && num_read[S] == num_sent[C])
     :: else
     fi
  :: BAD_SERVER -> claim(SERVER_NOT_FORGED, c_wants == MALLORY)
  :: BAD_CLIENT -> claim(CLIENT_NOT_FORGED, shown[S] != CLIENT_ID && !PSK_HONEST(psk[S]))
  :: MIDDLE ->
     if
     :: me == C && c_wants == SERVER_ID ->
        claim(NO_DOWNGRADE, version[C] == V13 || !(c_versions & s_versions & V13))
     :: else
     fi;
     /* With TLS 1.2's keys all else is lost. */
     if
     :: me == C && c_wants == SERVER_ID && !(WEAK12 && version[C] == V12) ->
        claim(SECRET_KEPT, !known[C]);
        agree(C);
        claim(AGREE_TRANSCRIPT, fits(SAME_TRANSCRIPT, to_server_finished[C] == to_server_finished[S]))
     :: me == S && (shown[S] == CLIENT_ID || PSK_HONEST(psk[S]) || !known[S]) && !(WEAK12 && version[S] == V12) ->
        claim(SECRET_KEPT, !known[S]);
        agree(S);
        claim(AGREE_TRANSCRIPT, fits(SAME_TRANSCRIPT, to_client_finished[S] == to_client_finished[C]))
     :: else
     fi
  fi
}

/* What must be there to be seen: the claims above are no good where nobody ever gets. */
inline sights(me) {
  sight(OPEN_13, version[me] == V13);
  sight(OPEN_12, version[me] == V12);
  sight(RESUMED_13, version[me] == V13 && has(me, F_RESUMED));
  sight(RESUMED_12, version[me] == V12 && has(me, F_RESUMED));
  sight(EARLY_DATA, has(me, F_EARLY));
  sight(RETRY, has(me, F_RETRIED) && !has(me, F_COOKIE));
  sight(STATELESS_RETRY, has(me, F_RETRIED) && has(me, F_COOKIE));
  sight(RETRY_AND_RESUMED, has(me, F_RETRIED) && has(me, F_RESUMED));
  sight(CLIENT_CERT_13, version[me] == V13 && has(me, F_CLIENT_CERT));
  sight(CLIENT_CERT_12, version[me] == V12 && has(me, F_CLIENT_CERT));
  sight(COMPRESSED, has(me, F_COMPRESSED) && has(me, F_CLIENT_COMPRESSED));
  sight(KEM, has(me, F_KEM));
  sight(QUIC, has(me, F_QUIC) && has(me, F_EARLY));
  sight(TICKET_12, has(me, F_TICKET) && version[me] == V12);
  sight(STATUS_12, has(me, F_OCSP));
  sight(BOTH_OPEN, opened[PEER(me)] && transcript[C] == transcript[S]);
  sight(RELAYED, me == S && c_wants == MALLORY && opened[C])
}

inline claims_at_open(me) {
  if
  :: me == C -> claims_of_client()
  :: else -> claims_of_server()
  fi;
  claims_of_pair(me);
  claims_of_both(me);
  sights(me)
}
