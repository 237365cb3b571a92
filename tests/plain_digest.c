/* plain_digest.c - R-H-1: prints one digest over all that is said in all scenarios (scenario.h); it
 * is the same for every compiler, at every level of optimisation, with sanitizers and without.
 * tests/checks/digest builds it by each compiler at each level. */
#include <stdio.h>
#include <string.h>

#include "scenario.h"

int main(void) {
  char hex[SCENARIO_DIGEST_LEN];
  const char *wrong = scenario_digest(hex);
  if (wrong != NULL) fprintf(stderr, "%s\n", wrong);
  if (wrong == NULL) printf("%s\n", hex);
  return wrong != NULL || strcmp(hex, scenario_digest_expected) != 0;
}
