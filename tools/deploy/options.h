#ifndef GANTRY_DEPLOY_OPTIONS_H
#define GANTRY_DEPLOY_OPTIONS_H

#include "base/cli.h"
#include "fleet/rollout.h"

enum mode { MODE_RUN, MODE_STAGE, MODE_SWITCH, MODE_CHECK, MODE_STATUS, MODE_HISTORY };

struct options {
	struct cli cli;
	enum mode mode;
	const char *config, *image, *tag, *metrics_file;
	bool force, skip_verify, dry_run, has_strategy, has_on_failure;
	enum move_strategy strategy;
	enum rollout_on_failure on_failure;
	int64_t soak_ms, max_wait_ms, canary, batch; /* -1: not given */
	const char *const *names;
	size_t n;
};

/* CLI_GO_ON, or the status to end with. */
int options_parse(int argc, char **argv, struct options *ret);

#endif
