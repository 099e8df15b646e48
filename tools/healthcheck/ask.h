/*
 * ask: put the same question to many targets at once, as often as it takes.
 */
#ifndef GANTRY_HEALTHCHECK_ASK_H
#define GANTRY_HEALTHCHECK_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "fleet/probe.h"

#define ASK_TARGETS_MAX 4096

struct ask {
	const char *target;
	bool twin;		    /* of an earlier one with the same target */
	struct probe_result result; /* of the last try, once there is one */
	struct err e;		    /* set: it could not be asked */
	int64_t tries;		    /* that were answered */
	bool known, healthy;	    /* what all tries together say */
	/* ask.c's own */
	int64_t good, bad, due_ms;
	bool busy, over, fresh;
};

struct ask_opts {
	struct probe_opts probe;
	int64_t interval_ms; /* between two tries */
	int64_t wait_ms;     /* all of it ends then; 0: never */
	int64_t tries;	     /* that may fail; 0: as many as wait_ms has room for */
	int64_t successes;   /* in a row */
	bool watch;	     /* go on until *stop; tries that fail count in a row then */
	const volatile bool *stop;
	/* After every try; when a target is known to be healthy or not, and when
	 * that changes; when all were answered since the last time.  0 to go on. */
	int (*tried)(void *arg, const struct ask *a, struct err *e);
	int (*changed)(void *arg, const struct ask *a, struct err *e);
	int (*round)(void *arg, struct err *e);
	void *arg;
};

/* Answers every ask, or with watch every one again and again.  Connections are
 * PROBE_AT_ONCE at most, and fewer where the limit on open files is low. */
int ask_all(const struct ask_opts *o, struct ask *asks, size_t n, struct err *e);

#endif
