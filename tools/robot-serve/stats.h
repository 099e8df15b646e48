/*
 * stats: what was asked for and how long it took, by endpoint.
 */
#ifndef GANTRY_ROBOT_SERVE_STATS_H
#define GANTRY_ROBOT_SERVE_STATS_H

#include "motion.h"
#include "obs/metrics.h"

/* Answers counted together; requests for anything unknown are one of them, so
 * that a stranger cannot make the page of metrics grow. */
enum endpoint {
	ENDPOINT_PAGE,
	ENDPOINT_ASSET,
	ENDPOINT_HEALTH,
	ENDPOINT_READY,
	ENDPOINT_METRICS,
	ENDPOINT_ROBOTS,
	ENDPOINT_ROBOT,
	ENDPOINT_DRIVE,
	ENDPOINT_EYE,
	ENDPOINT_SERVO,
	ENDPOINT_SPEED,
	ENDPOINT_STOP,
	ENDPOINT_STOP_ALL,
	ENDPOINT_EVENTS,
	ENDPOINT_ITEM,
	ENDPOINT_OLD,
	ENDPOINT_SHUTDOWN,
	ENDPOINT_OTHER,
	ENDPOINTS
};

struct stats {
	struct metrics_histogram took[ENDPOINTS];
	atomic_uint_fast64_t commands[ROBOTS_MAX][MOTION_KINDS][2]; /* failed, done */
};

struct stats_sum {
	uint64_t requests;
	double seconds; /* that they took */
};

void stats_count(struct stats *s, enum endpoint which, int64_t ns);
void stats_sum(const struct stats *s, struct stats_sum *ret);
/* As "/api/robots/{name}/drive"; NULL for those that are several paths. */
const char *stats_route(enum endpoint which);
void stats_render(const struct stats *s, const char *robot_id, struct metrics *m);
/* A robot was told something. */
void stats_command(struct stats *s, size_t robot, enum motion_kind kind, bool done);
/* The robots' own numbers. */
void
stats_motion(const struct stats *s, struct motion *motion, const char *robot_id, struct metrics *m);

#endif
