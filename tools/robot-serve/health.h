/*
 * health: whether this robot works, and what is wrong if not.
 *
 * Unhealthy is what another version, or a person at this machine, could mend.
 * Degraded is what lies outside of it, or will be over by itself: a robot that
 * is switched off or out of reach, outputs that the instance before us has not
 * let go of yet, a disk that fills up.  An update must not fail because of it.
 */
#ifndef GANTRY_ROBOT_SERVE_HEALTH_H
#define GANTRY_ROBOT_SERVE_HEALTH_H

#include <stdbool.h>

#include "base/buf.h"
#include "motion.h"
#include "robot.h"

#define HEALTH_PROBLEMS_MAX (4 + ROBOTS_MAX)

enum health_level { HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY };

struct health {
	enum health_level level;
	size_t n; /* problems */
	struct err problem[HEALTH_PROBLEMS_MAX];
};

void health_look(const struct robot *r, struct health *ret);
const char *health_word(const struct health *h); /* "healthy", "degraded", "unhealthy" */
/* The answer of /health. */
void health_json(const struct robot *r, const struct health *h, struct buf *ret);

#endif
