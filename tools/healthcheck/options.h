/*
 * options: the command line of healthcheck.
 */
#ifndef GANTRY_HEALTHCHECK_OPTIONS_H
#define GANTRY_HEALTHCHECK_OPTIONS_H

#include "ask.h"
#include "base/cli.h"

#define OPTIONS_LIST_MAX 64

struct options {
	struct cli cli;
	struct ask_opts ask;
	const char *metrics_file; /* or NULL */
	const char *json[OPTIONS_LIST_MAX + 1], *headers[OPTIONS_LIST_MAX + 1];
};

/* CLI_GO_ON with the targets from optind on, or the status to end with.  *o
 * must stay where it is. */
int options_parse(int argc, char **argv, struct options *o);

#endif
