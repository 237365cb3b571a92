/* config.pml: what the two are configured to do, in all combinations that are looked at.
 *
 * Where the attacker is in the middle, what has no say in who agrees with whom is left out: compression,
 * QUIC, a client without a certificate, a session that is judged again; and retries, and a server that does
 * not ask who its client is, where the client wants Mallory. */

bool c_early, s_forgets;

inline configure_client() {
  if
  :: c_versions = V13 + V12
  :: !WEAK12 -> c_versions = V12
  :: !MIDDLE -> c_versions = V13
  fi;
  if :: c_suites = true :: !MIDDLE -> c_suites = false fi;
  if :: c_cert = true :: !MIDDLE -> c_cert = false fi;
  if :: c_wants = SERVER_ID :: !HONEST && !WEAK12 -> c_wants = MALLORY fi;
  if
  :: c_psk = 0
  :: c_wants == SERVER_ID && (c_versions & V13) && !WEAK12 -> c_psk = 1
  :: c_wants == SERVER_ID && (c_versions & V13) && c_suites && !MIDDLE -> c_psk = 2
  :: c_wants == SERVER_ID && (c_versions & V12) -> c_psk = 3
  :: c_wants == MALLORY && (c_versions & V13) -> c_psk = 6
  :: c_wants == MALLORY && (c_versions & V12) -> c_psk = 7
  fi;
  if
  :: c_psk != 0 && PSK_VERSION(c_psk) == V13 && (!MIDDLE || c_wants == SERVER_ID) -> c_early = true
  :: true -> skip
  fi;
  if :: c_psk != 0 && !MIDDLE -> c_reverifies = true :: true -> skip fi;
  if :: !MIDDLE -> c_compresses = true :: true -> skip fi
}

/* The server retries 0: for nothing, 1: for a group, 2: for a cookie, 3: for both. */
inline configure_server() {
  if
  :: s_versions = V13 + V12
  :: !WEAK12 -> s_versions = V12
  :: !MIDDLE -> s_versions = V13
  fi;
  if
  :: s_retry = 0
  :: s_versions != V12 && !WEAK12 && c_wants != MALLORY -> s_retry = 1
  :: s_versions != V12 && !WEAK12 && c_wants != MALLORY -> s_retry = 2; s_forgets = true
  :: s_versions != V12 && !MIDDLE -> s_retry = 2
  :: s_versions != V12 && HONEST -> s_retry = 3
  :: s_versions != V12 && HONEST -> s_retry = 3; s_forgets = true
  fi;
  if
  :: !MIDDLE || c_wants != MALLORY -> s_request = 0
  :: !MIDDLE || c_psk == 0 || c_wants == MALLORY -> s_request = 2
  :: !MIDDLE && s_retry == 0 -> s_request = 1
  fi;
  if :: !MIDDLE && s_retry == 0 -> s_compresses = true :: true -> skip fi
}

inline configure_both() {
  if :: !BAD_CLIENT -> configure_client() :: else fi;
  if :: !BAD_SERVER -> configure_server() :: else fi;
  if
  :: !MIDDLE && (c_versions | s_versions) == V13 && s_retry != 3 -> quic = true
  :: true -> skip
  fi
}

/* Can these two ever complete?  An honest pair of others ends with an error, rightly. */
#define both_13 ((c_versions & s_versions & V13) != 0)
#define compatible \
  ((!MIDDLE || (c_versions | s_versions) == V13 + V12) && \
   (!HONEST || \
   ((c_versions & s_versions) != 0 && (s_request < 2 || c_cert) && \
    (both_13 || (s_retry < 2 && !c_early)) && /* cookies are TLS 1.3's; RFC 9846 E.3 */ \
    !(s_forgets && c_early && !quic))))       /* a fresh object does not know what to skip */
