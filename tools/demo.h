/* demo.h: one end of the demo's conversation, and the words for what it does. */
#ifndef HANDFAST_TOOLS_DEMO_H
#define HANDFAST_TOOLS_DEMO_H

#include <handfast/answers.h>
#include <handfast/bio_pair.h>
#include <handfast/handfast.h>

#include "tools/tools.h"

/* flight is gathered before it is printed, for its size stands in its first line. */
struct flight {
  char lines[2048];
  size_t bytes;
  unsigned records, messages;
};

struct end {
  const char *name;
  hf_conn *conn;
  hf_answers *answers;
  EVP_PKEY *key; /* of the certificate that |answers| shows */
  BIO *bio;      /* its half of the pair */
  uint8_t in[HF_RECORD_MAX];
  size_t have;
  unsigned wants;     /* as they were printed last */
  struct flight sent; /* seen since a flight was printed last */
};

/* show prints one line: who, what happens, and the rest. */
void show(const struct end *end, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* show_wants prints what an end wants, if that has changed. */
void show_wants(struct end *end);
/* show_question prints what is asked. */
void show_question(const struct end *end, const hf_question_t *question);
/* show_answer prints what was answered to a question of kind |ask| that hf_answer has dealt with.
 */
void show_answer(const struct end *end, hf_ask ask);
/* show_events prints the messages that the engine has read since the last time, and notes those
 * that it wrote. */
void show_events(struct end *end);
/* show_flight prints what it wrote, now that it has been sent. */
void show_flight(struct end *end);
/* show_facts prints what an end knows in the end. */
void show_facts(const struct end *end);

#endif
