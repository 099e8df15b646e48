/*
 * timeline: a deployment as a trace, sent when it is over (see obs/trace.h; the
 * OTEL_* variables say where to).
 *
 * What was done to the services stands in the journal, with its times: a span
 * for the deployment, below it one for each service, below that one for each
 * step.  What comes before, as to verify and to pull, is noted here.  A run that
 * goes on with an unfinished deployment goes on with its trace, unless
 * TRACEPARENT says which trace all of it belongs to.
 */
#ifndef GANTRY_FLEET_TIMELINE_H
#define GANTRY_FLEET_TIMELINE_H

#include "fleet/journal.h"
#include "obs/trace.h"

#define TIMELINE_PARTS_MAX 4

struct timeline_part {
	const char *name;
	int64_t begin_ns, end_ns; /* end 0: not yet */
	struct err why;		  /* it failed */
};

struct timeline {
	size_t n;
	struct timeline_part part[TIMELINE_PARTS_MAX];
};

/* Work that is not in the journal: begins, and has ended (e NULL: well). */
void timeline_begin(struct timeline *t, const char *name);
void timeline_end(struct timeline *t, const struct err *e);

/* What was noted, and written to the journal after its first `from` records.
 * Takes two seconds at most, and none if nothing was done or nobody wants it.
 * What goes wrong is only said. */
void timeline_send(const struct timeline *t, const struct journal *j, size_t from,
		   const char *program, char *const *environment, trace_say_fn *say, void *arg);

#endif
