/*
 * stats: what was asked for and how long it took, by endpoint.
 */
#ifndef GANTRY_ROBOT_SERVE_STATS_H
#define GANTRY_ROBOT_SERVE_STATS_H

#include "obs/metrics.h"

/* Answers counted together; requests for anything unknown are one of them, so
 * that a stranger cannot make the page of metrics grow. */
enum endpoint {
	ENDPOINT_PAGE,
	ENDPOINT_ASSET,
	ENDPOINT_HEALTH,
	ENDPOINT_READY,
	ENDPOINT_METRICS,
	ENDPOINT_OTHER,
	ENDPOINTS
};

struct stats {
	struct metrics_histogram took[ENDPOINTS];
};

void stats_count(struct stats *s, enum endpoint which, int64_t ns);
void stats_render(const struct stats *s, const char *robot_id, struct metrics *m);

#endif
