// BIO_s_bio from many threads at once, before anybody called it: all get the same method; and each
// thread's pair is its own.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <handfast/bio_pair.h>

enum { NUM_THREADS = 8, NUM_PAIRS = 200 };

typedef struct job {
  pthread_t thread;
  const BIO_METHOD *method;
  int num_good;
} job;

static pthread_barrier_t start;

static int a_pair_works(void) {
  BIO *a, *b;
  char out[4] = "";
  if (BIO_new_bio_pair(&a, 3, &b, 0) != 1) return 0;
  int good = BIO_write(a, "abcd", 4) == 3 && BIO_read(b, out, 4) == 3 && memcmp(out, "abc", 3) == 0;
  BIO_free(a);
  BIO_free(b);
  return good;
}

static void *run(void *arg) {
  job *self = arg;
  pthread_barrier_wait(&start);
  self->method = BIO_s_bio();
  for (int i = 0; i < NUM_PAIRS; i++) self->num_good += a_pair_works();
  return NULL;
}

int main(void) {
  static job jobs[NUM_THREADS];
  int failed = 0;
  if (pthread_barrier_init(&start, NULL, NUM_THREADS) != 0) return 1;
  for (int i = 0; i < NUM_THREADS; i++) {
    if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) != 0) return 1;
  }
  for (int i = 0; i < NUM_THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    failed |= jobs[i].method == NULL || jobs[i].method != jobs[0].method;
    failed |= jobs[i].num_good != NUM_PAIRS;
  }
  pthread_barrier_destroy(&start);
  if (failed) printf("the threads do not agree\n");
  return failed;
}
