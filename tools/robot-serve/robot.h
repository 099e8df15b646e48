/*
 * robot: who this process is and what it does just now; made once by main,
 * read by every thread.
 */
#ifndef GANTRY_ROBOT_SERVE_ROBOT_H
#define GANTRY_ROBOT_SERVE_ROBOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum role { ROLE_STANDBY = 0, ROLE_SERVING, ROLE_DRAINING };

struct access_log;
struct door;
struct events;
struct motion;
struct stats;
struct trace;

struct robot {
	const char *id, *version, *instance;
	const char *digest; /* of the image that runs; "" if nobody said */
	char started[CLOCK_RFC3339_MAX];
	int64_t started_ms; /* monotonic */
	atomic_int role;    /* enum role; only handover.c sets it */
	struct access_log *access;
	struct stats *stats;
	struct motion *motion;
	struct door *door;
	struct events *events;
	struct trace *trace;	 /* NULL: none */
	const char *update_lock; /* a file: whoever has an flock on it forbids updates */
};

/* "standby", "serving" or "draining". */
const char *robot_role(const struct robot *r);
int64_t robot_uptime_s(const struct robot *r);

#endif
