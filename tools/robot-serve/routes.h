/*
 * routes: which request gets which answer.  Knows nothing of sockets.
 */
#ifndef GANTRY_ROBOT_SERVE_ROUTES_H
#define GANTRY_ROBOT_SERVE_ROUTES_H

#include "base/buf.h"
#include "robot.h"
#include "stats.h"

#define ROUTES_BODY_MAX METRICS_MAX /* the largest answer */

struct answer {
	int status;
	const char *type;  /* Content-Type */
	const char *allow; /* for 405, else NULL */
	struct buf body;
	enum endpoint endpoint;
};

/* *ret is overwritten; its body is the caller's. */
void routes_answer(const struct robot *r, const char *method, const char *path, struct answer *ret);

#endif
