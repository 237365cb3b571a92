/* handshake.pml: a client, a server and who is between them, for Spin.
 *
 * The rows that both run are in script.pml, which generate.py makes from engine/script.def.  Here is the
 * interpreter's part of each row; messages.pml has the handlers, network.pml what carries and forges
 * messages, claims.pml what must hold.  `run` says the pairing: HONEST, BAD_CLIENT, BAD_SERVER, MIDDLE,
 * or MIDDLE with WEAK12.
 *
 * From one wait for input to the next a side runs alone: nobody else touches its state. */

c_decl {
\#include "term.h"
}

#define C 0
#define S 1
#define PEER(me) (1 - me)

#define V13 1
#define V12 2

/* What `run` chooses for one run of the verifier: the pairing; for each check whether it is made (KEEP_, which a
 * mutant may say no to); and what it is to be shown that it happens (SEEK_). */
#include "switches.pml"

/* Spin takes no name behind -> in what an inline is given. */
#define either(condition, yes, no) ((condition) -> 0 + (yes) : (no))

/* What ends the handshake if it is not so; the step goes on to its end, and what it still does is lost. */
#define check(name, condition) \
  if :: (condition) || !KEEP_##name :: else -> c_code { last_check = #name; }; bad = true fi
/* What is not chosen if it is not so; no error. */
#define fits(name, condition) ((condition) || !KEEP_##name)
/* What a secret, a MAC or a signature is over. */
#define covered(name, value) either(KEEP_##name, value, 0)

/* What must hold. */
#define claim(name, condition) \
  if :: (condition) || bad :: else -> c_code { claim_failed(#name); }; assert(false) fi
/* What must happen, in some run. */
#define sight(name, condition) \
  if :: SEEK_##name && (condition) -> c_code { claim_failed("SEEN_" #name); }; assert(false) :: else fi

/* ---- the state of both sides: [C], [S] ---- */

/* What the engine has of each. */
int flags[2];
byte proofs[2], read_level[2], write_level[2], version[2], suite[2], group[2], psk[2];
int read_key[2], write_key[2], early[2], secret[2], application[2], transcript[2], cookie[2];
byte random_c[2], random_s[2], shown[2]; /* whose randoms came; whose certificate the peer showed */

/* What is so, whether anybody looks at it or not. */
byte truth[2];     /* proofs that are right */
byte answered[2];  /* questions whose answer has not been used */
bool known[2];     /* the attacker knows the secret that both hellos made */
bool foreign[2];   /* the share that came is the attacker's */
byte retries[2], retry_suite[2];
int to_key_exchange[2], to_server_finished[2], to_client_finished[2]; /* transcripts */
bool opened[2], gone[2]; /* is at OPEN; has ended with an error */

/* The client's configuration, and what its last messages said. */
byte c_versions, c_psk, c_wants, c_offered_psk, c_asked_group;
bool c_suites, c_compresses, c_cert, c_reverifies, c_may_compress;

/* The server's, and what it keeps of ClientHello. */
byte s_versions, s_retry, s_request, s_asked_group;
bool s_compresses, s_skips;
int hello, hello_binder, first_hello, before_hello;

bool quic; /* both */

/* Of one step: 0 between steps. */
int t0, t1, t2, t3, content;
int rx_type, rx_key, rx_c, rx_mac, rx_ext;
bool here, bad, forgotten; /* the row goes on; an error; all is forgotten but the configuration */

#define P_CHAIN 1
#define P_SIGNATURE 2
#define P_FINISHED 4
#define P_BINDER 8
#define P_JUDGED 16 /* truth alone: a session's chain, again */

#define A_IDENTITY 1
#define A_SIGNATURE 2
#define A_ENCAP 4
#define A_TICKET 8

/* What terms are made of; a message's content begins with its type instead. */
#define T_MESSAGE 100
#define T_TRANSCRIPT 101
#define T_MESSAGE_HASH 102
#define T_BINDER 103
#define T_COOKIE 104
#define T_EARLY 105
#define T_HANDSHAKE 106
#define T_APPLICATION 107
#define T_MAIN 108
#define T_KEY 109
#define T_SIGNATURE 110
#define T_PARAMS 111
#define T_FINISHED 112

inline make(to, a, b, c, d) {
  t0 = a; t1 = b; t2 = c; t3 = d;
  c_code { now.t0 = term(now.t0, now.t1, now.t2, now.t3); };
  to = t0;
  t0 = 0; t1 = 0; t2 = 0; t3 = 0
}

#include "names.pml"
#include "words.pml"

#define has(me, flag) ((flags[me] & (flag)) != 0)
#define in_force(me, need, not_) ((flags[me] & (need)) == (need) && (flags[me] & (not_)) == 0)

inline set_flag(me, flag, on) {
  flags[me] = either(on, flags[me] | (flag), flags[me] & ~(flag))
}

#include "config.pml"
#include "claims.pml"
#include "network.pml"
#include "messages.pml"

/* ---- rows ---- */

/* After a message that `who` wrote and both have hashed. */
inline passed(me, who, type) {
  if
  :: type == M_FINISHED && who == S -> to_server_finished[me] = transcript[me]
  :: type == M_FINISHED && who == C -> to_client_finished[me] = transcript[me]
  :: type == M_CLIENT_KEY_EXCHANGE -> to_key_exchange[me] = transcript[me]
  :: else
  fi
}

#define unless_bad \
  if :: bad -> bad = false; goto failed :: else fi

#define WRITE(me, name, level, need, not_, learn) \
  d_step { \
    if \
    :: in_force(me, need, not_) && ((learn) == 0 || has(me, learn)) -> \
       claim(WRITE_LEVEL, write_level[me] == level); \
       send_##name(me); \
       passed(me, me, M_##name) \
    :: else \
    fi \
  }; \
  unless_bad

#define READ(me, name, level, need, not_, learn) \
  if \
  :: in_force(me, need, not_) -> \
     wait_for_turn(me, M_##name); \
     d_step { while_waiting(me) }; \
     look(me, M_##name, learn); \
     if \
     :: here -> \
        obtain(me, M_##name, forge_##name(me)); \
        d_step { \
          set_flag(me, learn, true); \
          check(READ_KEY, rx_key == read_key[me]); \
          claim(READ_LEVEL, rx_level == level); \
          receive_##name(me); \
          hear(me); \
          passed(me, PEER(me), M_##name); \
          put_down() \
        }; \
        unless_bad \
     :: !here && (learn) != 0 -> set_flag(me, learn, false) \
     :: !here && (learn) == 0 -> goto failed \
     fi \
  :: else -> set_flag(me, learn, false) \
  fi

#define ASK(me, name, need, not_) \
  if \
  :: in_force(me, need, not_) -> \
     ask_##name(me); \
     unless_bad \
  :: else \
  fi

#define DERIVE(me, name, need, not_) \
  d_step { \
    if :: in_force(me, need, not_) -> derive_##name(me) :: else fi \
  }

#define change_key(me, who, level, keys, levels) \
  levels[me] = level; \
  if \
  :: level == L_INITIAL -> keys[me] = 0 \
  :: else -> \
     content = either(level == L_EARLY, early[me], \
                      either(level == L_APPLICATION && version[me] == V13, application[me], secret[me])); \
     claim(KEY_OF_A_SECRET, content != 0); \
     make(keys[me], T_KEY, who * 4 + level, content, \
          either(version[me] == V12, random_c[me] * 8 + random_s[me], 0)); \
     content = 0 \
  fi

#define KEY(me, who, level, need, not_) \
  d_step { \
    if \
    :: in_force(me, need, not_) && (who) == (me) && write_level[me] != level -> \
       change_key(me, who, level, write_key, write_level); \
       if \
       :: level == L_EARLY -> send_early_data(me) \
       :: else \
       fi \
    :: in_force(me, need, not_) && (who) != (me) && read_level[me] != level -> \
       change_key(me, who, level, read_key, read_level) \
    :: else \
    fi \
  }

#define SPEC(me, need, not_) \
  d_step { \
    if :: in_force(me, need, not_) -> send_compatibility(me) :: else fi \
  }

/* The client's jump; the server's version was settled by HELLO. */
#define VERSION(me) \
  d_step { while_waiting(me) }; \
  look_for_12(me); \
  d_step { \
    if \
    :: here && (c_versions & V12) -> \
       check(EARLY_IS_13, !has(C, F_EARLY)); \
       version[me] = V12 \
    :: else -> version[me] = V13 \
    fi; \
    here = false \
  }; \
  unless_bad

#define OPEN(me) \
  d_step { \
    check(PROOFS, proofs[me] == proofs_needed(me) && read_level[me] == L_APPLICATION && \
                  write_level[me] == L_APPLICATION); \
    if \
    :: !bad -> \
       opened[me] = true; \
       claims_at_open(me); \
       while_waiting(me) \
    :: else \
    fi \
  }; \
  unless_bad

#include "script.pml"

/* ---- the ends ---- */

/* Forgets all that a side knew; |facts| too: what another may still be compared with. */
inline forget(me, facts) {
  flags[me] = 0; proofs[me] = 0; read_level[me] = 0; write_level[me] = 0; group[me] = 0;
  read_key[me] = 0; write_key[me] = 0; early[me] = 0; secret[me] = 0; application[me] = 0;
  transcript[me] = 0; cookie[me] = 0; random_c[me] = 0; random_s[me] = 0; shown[me] = 0;
  truth[me] = 0; answered[me] = 0; foreign[me] = 0; retries[me] = 0; retry_suite[me] = 0;
  to_key_exchange[me] = 0;
  rx_type = 0; rx_key = 0; rx_c = 0; rx_mac = 0; rx_ext = 0; content = 0; here = false;
  if
  :: facts -> version[me] = 0; suite[me] = 0; psk[me] = 0; known[me] = 0;
     to_server_finished[me] = 0; to_client_finished[me] = 0
  :: else
  fi;
  if
  :: me == C -> c_offered_psk = 0; c_asked_group = 0; c_may_compress = 0
  :: else -> s_asked_group = 0; s_skips = 0; hello = 0; hello_binder = 0; first_hello = 0;
     before_hello = 0
  fi
}

inline fail(me) {
  d_step {
    bad = false;
    forget(me, to_server_finished[me] == 0 && to_client_finished[me] == 0);
    gone[me] = true;
    claim(HONEST_COMPLETES, !HONEST)
  }
}

proctype client() {
  atomic { start(C) };
  client_HELLO();
  if
  :: version[C] == V12 -> client_TLS12()
  :: version[C] == V13 -> client_TLS13()
  fi;
  goto done;
failed:
  atomic { fail(C) };
done:
  skip
}

proctype server() {
again:
  atomic { start(S) };
  server_HELLO();
  if
  :: version[S] == V12 -> server_TLS12()
  :: version[S] == V13 -> server_TLS13()
  fi;
  goto done;
failed:
  atomic {
    if
    :: forgotten -> forgotten = false; goto again
    :: else -> fail(S)
    fi
  };
done:
  skip
}

init {
  atomic {
    configure_both();
    if
    :: compatible ->
       if :: !BAD_CLIENT -> run client() :: else fi;
       if :: !BAD_SERVER -> run server() :: else fi
    :: else
    fi
  }
}
