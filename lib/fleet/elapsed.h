/*
 * elapsed: the time between two records of the journal.
 *
 * A clock may be wrong, and be set while something runs.  Between two records of one start of the
 * machine its monotonic clock counts ("boot" and "up", see journal.h).  Where the machine was
 * started anew in between, the times of the wall do, if they can be true: the first one is of a
 * clock that was ever set, and the second is not before it.  Else no more is known than how long
 * the machine has been up when the second was written.
 */
#ifndef GANTRY_FLEET_ELAPSED_H
#define GANTRY_FLEET_ELAPSED_H

#include <stdint.h>

struct json_t;

/* Milliseconds, at least 0, as far as they are known; to NULL: until now. */
int64_t elapsed_ms(const struct json_t *from, const struct json_t *to);

#endif
