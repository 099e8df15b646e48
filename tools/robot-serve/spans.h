/*
 * spans: what traces tell of this robot, in the words of OpenTelemetry's
 * semantic conventions for HTTP servers.
 */
#ifndef GANTRY_ROBOT_SERVE_SPANS_H
#define GANTRY_ROBOT_SERVE_SPANS_H

#include "answer.h"
#include "motion.h"
#include "obs/trace.h"
#include "robot.h"

#define SPANS_ALL_ROBOTS SIZE_MAX

/* A request has come: *ret_self is its context, which goes on with the
 * client's, if that gave one.  NULL if it is not recorded. */
struct span *spans_request(const struct robot *r, const struct ask *q, struct context *ret_self);
/* What it was, and how it is answered. */
void spans_answer(struct span *s, const struct ask *q, const struct answer *a);

/* A command to a robot: "linus-eye", below the request's span. */
struct span *spans_command(const struct robot *r, const struct ask *q, size_t robot,
			   const struct motion_command *c);
/* status is what motion_do returned. */
void spans_command_end(const struct robot *r, struct span **s, int status, const struct err *e);

#endif
