/*
 * tracing: this process's traces, from the OTEL_* variables to the collector.
 *
 * libcurl is loaded with the first batch, by the thread that sends it: a robot
 * without a collector has no use for its 8 MB, and none waits for it.
 */
#ifndef GANTRY_ROBOT_SERVE_TRACING_H
#define GANTRY_ROBOT_SERVE_TRACING_H

#include "base/err.h"
#include "robot.h"

struct tracing;

/* Before the first request.  r->trace is NULL if no traces are wanted. */
int tracing_new(struct robot *r, char *const *environment, struct tracing **ret, struct err *e);
/* After the last one: what waits has a second to arrive. */
void tracing_free(struct robot *r, struct tracing **t);

#endif
