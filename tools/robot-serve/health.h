/*
 * health: whether this robot works, and what is wrong if not.
 */
#ifndef GANTRY_ROBOT_SERVE_HEALTH_H
#define GANTRY_ROBOT_SERVE_HEALTH_H

#include <stdbool.h>

#include "base/buf.h"
#include "robot.h"

#define HEALTH_PROBLEMS_MAX 4

struct health {
	size_t n; /* problems; 0 is healthy */
	struct err problem[HEALTH_PROBLEMS_MAX];
};

void health_look(const struct robot *r, struct health *ret);
const char *health_word(const struct health *h); /* "healthy" or "unhealthy" */
/* The answer of /health. */
void health_json(const struct robot *r, const struct health *h, struct buf *ret);

#endif
