/*
 * routes: which request gets which answer.  Knows nothing of sockets.
 */
#ifndef GANTRY_ROBOT_SERVE_ROUTES_H
#define GANTRY_ROBOT_SERVE_ROUTES_H

#include "answer.h"
#include "robot.h"

/* *ret is overwritten; its body is the caller's. */
void routes_answer(const struct robot *r, const struct ask *q, struct answer *ret);

#endif
