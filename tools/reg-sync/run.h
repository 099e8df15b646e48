/*
 * run: what reg-sync does once its options are known.
 *
 * Each function prints its records and returns the exit status.
 */
#ifndef GANTRY_REG_SYNC_RUN_H
#define GANTRY_REG_SYNC_RUN_H

#include "base/cli.h"
#include "oci/auth.h"
#include "oci/registry.h"
#include "oci/tags.h"
#include "tally.h"
#include "trust/policy.h"

#define RUN_PATTERNS_MAX  32
#define RUN_HOSTS_MAX	  16
#define RUN_PLATFORMS_MAX 16
#define RUN_JOBS_MAX	  32
#define RUN_RATE_MAX	  (INT64_C(1) << 40) /* bytes a second */

struct run {
	struct cli cli;
	struct tally *tally; /* what it counts */
	bool list, from_stdin, prune, dry_run, no_referrers;
	struct auth_files auth;
	const char *src_ca, *dst_ca;
	const char *plain_http[RUN_HOSTS_MAX + 1];
	size_t nplain;
	struct tags_pattern *tags[RUN_PATTERNS_MAX], *exclude[RUN_PATTERNS_MAX];
	size_t ntags, nexclude;
	int64_t newest; /* 0: all */
	struct tags_pattern *keep_tags[RUN_PATTERNS_MAX];
	size_t nkeep_tags;
	int64_t keep; /* 0: all */
	bool delete_extra;
	const char *state_dir; /* whose journal says what is needed */
	int64_t limit_rate;    /* bytes a second; 0: no limit */
	const char *platforms[RUN_PLATFORMS_MAX + 1];
	size_t nplatforms;
	int64_t retries, timeout_ms, jobs;
	const char *uploads;	     /* where interrupted uploads are remembered; NULL: nowhere */
	const struct policy *policy; /* whom a SOURCE DEST run trusts; NULL: anybody */
};

/* reg-sync --list SOURCE */
int run_list(const struct run *o, const char *source);
/* reg-sync --stdin DEST */
int run_stdin(const struct run *o, const char *dest);
/* reg-sync --prune DEST */
int run_prune(const struct run *o, const char *dest);
/* reg-sync SOURCE DEST */
int run_mirror(const struct run *o, const char *source, const char *dest);

#endif
