/*
 * old: the paths that the programs had which Gantry replaces, for scripts that
 * still know them.  What moved a robot by GET then is a POST now; the first two
 * robots of robots.json take the places of the two of old.
 */
#ifndef GANTRY_ROBOT_SERVE_OLD_H
#define GANTRY_ROBOT_SERVE_OLD_H

#include "answer.h"
#include "robot.h"

/* True if path is one of these; then *a is the answer. */
bool old_answer(const struct robot *r, const struct ask *q, struct answer *a);
/* GET /items/ID?q= */
void old_item(const struct robot *r, const struct ask *q, struct answer *a);
/* POST /shutdown */
void old_shutdown(const struct robot *r, const struct ask *q, struct answer *a);

#endif
