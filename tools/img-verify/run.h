/*
 * run: references in, those that are signed out.
 */
#ifndef GANTRY_IMG_VERIFY_RUN_H
#define GANTRY_IMG_VERIFY_RUN_H

#include "oci/registry.h"
#include "trust/verify.h"

#define RUN_HOSTS_MAX 16 /* registries that are kept open */

struct run {
	struct registry_opts registry;
	struct verify_policy *policy; /* owned */
	bool json;
	bool no, unknown; /* found: one does not pass; one could not be asked */
	struct registry *hosts[RUN_HOSTS_MAX];
	size_t nhosts;
};

/* Judges every argument, and for "-" every line of standard input.  Prints
 * what passes, says why the others do not.  -1 only where no other reference
 * could do better: this machine, the configuration, a signal. */
int run_all(struct run *r, char **args, struct err *e);
void run_clear(struct run *r);

#endif
