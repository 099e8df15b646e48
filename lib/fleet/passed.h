/*
 * passed: robots that a release is not tried on again, as they are ill.
 *
 * A robot that was not healthy before a move and is not with the release either
 * goes back and is marked, and nothing is held against the release.  The mark
 * ends when the robot is healthy again, or is moved, or a person forces it; it
 * is for that release alone.
 */
#ifndef GANTRY_FLEET_PASSED_H
#define GANTRY_FLEET_PASSED_H

#include "fleet/move.h"

int passed_mark(struct journal *j, const char *txn, const char *service,
		const struct move_goal *goal, const char *reason, struct err *e);
/* Its mark ("time", "reason"), NULL if it has none for this release; of any service
 * for NULL. */
const struct json_t *
passed_find(const struct journal *j, const char *service, const struct move_goal *goal);
/* The same, but NULL too if the engine and its health say that it is well now. */
const struct json_t *
passed_still(const struct journal *j, const struct service *s, const struct move_goal *goal);

#endif
