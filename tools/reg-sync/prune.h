/*
 * prune: the tags that the retention rules of a run take away.
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
/* Of n tags of the source, those that would not stay at the destination are
 * not worth copying: ret[i] says whether tags[i] is. */
int prune_worth(const struct run *o, struct store *dst, const struct prune_source *all, bool *ret,
		struct err *e);
/* Prints its records; the exit status.  at: HOST/REPO for them. */
int prune_run(const struct run *o, struct store *dst, const struct ref *at,
	      const struct prune_source *source);

#endif
