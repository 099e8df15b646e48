/*
 * options: img-verify's command line.
 */
#ifndef GANTRY_IMG_VERIFY_OPTIONS_H
#define GANTRY_IMG_VERIFY_OPTIONS_H

#include "base/cli.h"
#include "blob.h"
#include "trust/verify_flags.h"

#define OPTIONS_PLAIN_MAX 32

struct options {
	struct cli cli;
	const char *config, *authfile, *metrics_file;
	const char *plain[OPTIONS_PLAIN_MAX + 1];
	size_t nplain;
	const char *platform;
	bool deep;
	struct verify_flags trust;
	int64_t timeout_ms, retries;
	struct blob blob;
};

/* CLI_GO_ON, and optind is the first reference; or the status to end with. */
int options_parse(struct options *o, int argc, char **argv);

#endif
