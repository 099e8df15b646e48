/*
 * access: the access log, LOG_DIR/access.log, one JSON object a line.
 *
 * Lines are appended with one write each, so that old and new process may
 * share a file.  A log that cannot be written never stops an answer; it is a
 * problem that /health tells, until it can be written again.
 */
#ifndef GANTRY_ROBOT_SERVE_ACCESS_H
#define GANTRY_ROBOT_SERVE_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "obs/context.h"

struct access_log;

struct access_line {
	const char *remote, *method, *path;
	int status;
	uint64_t bytes;
	int64_t ns;
	const struct context *context;
};

/* dir NULL: no log is kept.  dir must outlive the log. */
int access_new(const char *dir, struct access_log **ret, struct err *e);
void access_free(struct access_log **a);

void access_write(struct access_log *a, const struct access_line *line);
/* -1 and why, if a line could not be written now. */
int access_check(struct access_log *a, struct err *e);
/* -1 and how much is left, if LOG_DIR is nearly full. */
int access_room(const struct access_log *a, struct err *e);

#endif
