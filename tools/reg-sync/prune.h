/*
 * prune: the tags that a run copies, and those that its retention rules take
 * away.
 */
#ifndef GANTRY_REG_SYNC_PRUNE_H
#define GANTRY_REG_SYNC_PRUNE_H

#include "oci/store.h"
#include "run.h"

/* A source, where there is one: all its tags, and those that a run copies. */
struct prune_source {
	char **tags, **chosen;
	size_t n, nchosen;
};

/* Whether the run has rules. */
bool prune_is_asked(const struct run *o);
/* Which of the source's tags are copied, newest first, lent by its list: what is
 * selected, and where there are rules would not go from the destination at
 * once.  dst NULL: there is none. */
int
prune_choose(const struct run *o, struct store *dst, struct prune_source *source, struct err *e);
/* Prints its records; the exit status.  at: HOST/REPO for them. */
int prune_run(const struct run *o, struct store *dst, const struct ref *at,
	      const struct prune_source *source);

#endif
