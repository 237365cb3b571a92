/* ends.h: two engines in memory, and what answers their questions: handfast/answers.h and nothing
 * else. */
#ifndef HANDFAST_TESTS_ENDS_H
#define HANDFAST_TESTS_ENDS_H

#include <handfast/answers.h>

struct ends {
  hf_settings client_settings, server_settings;
  hf_start client_start, server_start;
  hf_conn *client, *server;
  hf_answers *client_answers, *server_answers;
};

/* text is a range over a string. */
hf_bytes text(const char *s);
/* add_credential adds tests/certs/|name| to |answers|. */
void add_credential(hf_answers *answers, const char *name);

/* ends_set: a server with the credential |name| (NULL: none), a client that wants "localhost"; both
 * trust the root.  What it sets may be changed before the ends start. */
void ends_set(struct ends *e, const char *name);
/* ends_start starts both, ends_start_server the server alone. */
void ends_start(struct ends *e);
void ends_start_server(struct ends *e);
/* ends_move answers what |from| asks and gives its output to |to|.  False: there was nothing to do,
 * or |to| failed. */
bool ends_move(hf_conn *from, hf_answers *answers, hf_conn *to, hf_answers *to_answers);
/* ends_run moves until nothing moves any more. */
void ends_run(struct ends *e);
/* ends_meet is ends_start and ends_run. */
void ends_meet(struct ends *e);
/* ends_ready says whether both are. */
bool ends_ready(const struct ends *e);
/* ends_part frees the engines, ends_free all. */
void ends_part(struct ends *e);
void ends_free(struct ends *e);

/* alert_of checks that |conn| failed with |status| and returns the alert. */
uint8_t alert_of(const hf_conn *conn, hf_status status);

#endif
