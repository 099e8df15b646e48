/*
 * textfile: metrics left in a file, for node_exporter's textfile collector.
 *
 * A program that runs and ends has nobody to ask what it counted: it reads
 * what its last run has left, goes on counting from there, and replaces the
 * file as a whole (file.h).  A file that is not there, cannot be read or is
 * none of ours counts from nothing.
 */
#ifndef GANTRY_OBS_TEXTFILE_H
#define GANTRY_OBS_TEXTFILE_H

#include <stdbool.h>

#include "obs/metrics.h"

struct textfile {
	struct buf old; /* as the last run left it */
};

#define TEXTFILE_INIT ((struct textfile){ .old = BUF_INIT(METRICS_MAX) })

void textfile_read(struct textfile *f, const char *path);
void textfile_clear(struct textfile *f);
#define AUTO_TEXTFILE AUTO(textfile_clear)

/* What a sample was, named as it stands in the file: "name" or
 * "name{label=\"value\"}".  false if it is not there or no number. */
bool textfile_value(const struct textfile *f, const char *sample, double *ret);
/* Replace the file; it is for everybody to read. */
int textfile_write(const struct metrics *m, const char *path, struct err *e);

#endif
