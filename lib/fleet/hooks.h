/*
 * hooks: programs of the site that have a say in a deployment.
 *
 * Executables in HOOKS_DIR, each of them optional:
 *
 *     pre-deploy   before anything is changed
 *     pre-switch   a service's new program is about to take over
 *     post-switch  it has taken over and stayed healthy; the old one waits
 *     post-deploy  all services run the new image
 *     failed       the release is bad, everything goes back now
 *     rolled-back  everything runs what it ran before
 *
 * They are told what it is about by GANTRY_DEPLOYMENT, GANTRY_SERVICE,
 * GANTRY_IMAGE, GANTRY_TAG, GANTRY_OLD_DIGEST, GANTRY_NEW_DIGEST, GANTRY_REASON and
 * GANTRY_EVIDENCE ("" where it means nothing).  What they print goes to the log.
 * After a crash a hook may be run again for the same thing.
 */
#ifndef GANTRY_FLEET_HOOKS_H
#define GANTRY_FLEET_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define HOOKS_OUTPUT_MAX 16384 /* bytes of one hook that reach the log */

struct hooks {
	const char *dir; /* NULL or not there: no hooks */
	int64_t ms;	 /* how long each may take */
	char *const *environment;
	const volatile bool *stop;
	void (*say)(void *arg, const char *service, const char *words); /* may be NULL */
	void *arg;
};

struct hooks_facts {
	const char *deployment, *service, *image, *tag, *old_digest, *new_digest, *reason,
		*evidence;
};

/* 0 go on (also if there is no such hook).  ERR_TEMP it says 75: not now, or
 * *stop came.  ERR_AUTH it says no, by any other status or by taking too long;
 * ERR_SYS it cannot be run.  h may be NULL: no hooks. */
int hooks_run(const struct hooks *h, const char *name, const struct hooks_facts *f, struct err *e);

#endif
