/*
 * options: reg-sync's command line.
 */
#ifndef GANTRY_REG_SYNC_OPTIONS_H
#define GANTRY_REG_SYNC_OPTIONS_H

#include "run.h"

struct settings {
	struct run run;
	struct tally tally;
	const char *config, *authfile, *metrics_file;
	struct verify_flags trust;
	struct policy *policy;
	bool skip_verify;
	char uploads[4096];
};

/* CLI_GO_ON, and optind is the first operand; or the status to end with.  *s is
 * to be cleared in both cases. */
int options_parse(struct settings *s, int argc, char **argv);
void options_clear(struct settings *s);

#endif
