/*
 * run: references in, those that are signed out.
 */
#ifndef GANTRY_IMG_VERIFY_RUN_H
#define GANTRY_IMG_VERIFY_RUN_H

#include <stdatomic.h>

#include "oci/registry.h"
#include "trust/policy.h"

#define RUN_AT_ONCE 8 /* references */

struct run_host;

struct run {
	struct registry_opts registry;
	struct policy *policy; /* owned */
	const char *platform;  /* of an index this one image; NULL: it as it is */
	bool deep;	       /* every blob, too */
	bool json;
	/* how many pass, do not pass, and could not be asked about */
	int64_t passed, refused, unknown;

	struct run_host *hosts; /* that were asked already */
	atomic_bool over;	/* the others are not even tried, and */
	struct err fatal;	/* why not */
};

/* Judges every argument, and for "-" every line of standard input, several at
 * once.  Prints what passes and says why the others do not, both in the order
 * given.  -1 only where no other reference could do better: this machine, the
 * configuration, a signal. */
int run_all(struct run *r, char **args, struct err *e);
void run_clear(struct run *r);

#endif
