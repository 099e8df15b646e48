/*
 * stats: what the fault registry was asked, for tests that say "nothing was asked twice".
 */
#ifndef FAULTREG_STATS_H
#define FAULTREG_STATS_H

#include "base/buf.h"

void stats_reset(void);
/* One more of that kind ("GET-manifest"); its number, from 1 on. */
long stats_count(const char *kind, long add);
/* A request that got a real answer, by its whole line. */
void stats_note(const char *line);
/* "KIND NUMBER" lines, then "twice NUMBER LINE" for each line noted more than once. */
void stats_print(struct buf *ret);

#endif
