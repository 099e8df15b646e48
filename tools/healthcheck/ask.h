/*
 * ask: put the same question to many targets at once, as often as it takes.
 */
#ifndef GANTRY_HEALTHCHECK_ASK_H
#define GANTRY_HEALTHCHECK_ASK_H

#include "fleet/probe.h"

struct ask_opts {
	struct probe_opts probe;
	int64_t interval_ms; /* between two tries */
	int64_t wait_ms;     /* all of it ends then; 0: never */
	int64_t tries;	     /* that may fail; 0: as many as wait_ms has room for */
	int64_t successes;   /* in a row */
};

struct ask {
	const char *target;
	struct probe_result result; /* of the last try, once the answer is there */
	struct err e;		    /* set: it could not be asked */
};

/* Answers every ask.  ERR_SYS if a thread could not be started; then some are
 * not answered. */
int ask_all(const struct ask_opts *o, struct ask *asks, size_t n, struct err *e);

#endif
