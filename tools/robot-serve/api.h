/*
 * api: the robots as JSON, /api/robots and what is below it.
 */
#ifndef GANTRY_ROBOT_SERVE_API_H
#define GANTRY_ROBOT_SERVE_API_H

#include "answer.h"
#include "motion.h"
#include "robot.h"

/* The state of all robots, an array. */
void api_states(struct motion *m, struct buf *ret);

/* GET /api/robots */
void api_robots(const struct robot *r, const struct ask *q, struct answer *a);
/* /api/robots/NAME and /api/robots/NAME/COMMAND */
void api_robot(const struct robot *r, const struct ask *q, struct answer *a);
/* POST /api/stop */
void api_stop(const struct robot *r, const struct ask *q, struct answer *a);
/* GET /api/events */
void api_events(const struct robot *r, const struct ask *q, struct answer *a);

/* Do it, and answer with the robot's state. */
void api_do(const struct robot *r, const struct ask *q, size_t robot,
	    const struct motion_command *c, struct answer *a);

#endif
