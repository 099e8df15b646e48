/*
 * crowd: the connections of one server, and who has to go when there are too
 * many: whoever has made no progress for longest (asked nothing, not finished
 * asking, not taken an answer).  So a stranger who opens more connections than
 * there is room for pushes out his own, and others still get an answer.
 *
 * Any thread may call.  A member is pushed out by ending its socket, which
 * its thread then sees.
 */
#ifndef GANTRY_ROBOT_SERVE_CROWD_H
#define GANTRY_ROBOT_SERVE_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct crowd;
struct crowd_member;

int crowd_new(size_t most, struct crowd **ret, struct err *e);
void crowd_free(struct crowd **c);

/* NULL if out of memory.  fd is borrowed, and must stay open until crowd_leave.
 * now_ns: of clock_mono_ns. */
struct crowd_member *crowd_enter(struct crowd *c, int fd, int64_t now_ns);
void crowd_progress(struct crowd_member *m, int64_t now_ns); /* waits for nobody */
/* It stays for long because it was let to, and is not pushed out. */
void crowd_excuse(struct crowd *c, struct crowd_member *m);
/* True if many have left since it last was: now is the time to give memory back. */
bool crowd_leave(struct crowd *c, struct crowd_member **m);

#endif
