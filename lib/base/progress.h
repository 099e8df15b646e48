/*
 * progress: one line on a terminal that says how far a job is.
 *
 * Draws on standard error and only if that is a terminal; everywhere else
 * every call does nothing.  Redraws at most ten times a second.  One progress
 * at a time in a process.
 */
#ifndef GANTRY_BASE_PROGRESS_H
#define GANTRY_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	char label[64];
	int64_t done, total; /* bytes; total 0: not known */
	int64_t started_ms, drawn_ms;
	bool shown;
};

void progress_start(struct progress *p, const char *label, int64_t total);
void progress_add(struct progress *p, int64_t bytes);
/* Wipe the line, so that what is printed next starts clean. */
void progress_end(struct progress *p);

#endif
