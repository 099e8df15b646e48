/*
 * ends: the repositories that a run reads and writes, each opened once.
 *
 * For one thread; what it lends stays until ends_clear.
 */
#ifndef GANTRY_REG_SYNC_ENDS_H
#define GANTRY_REG_SYNC_ENDS_H

#include "oci/registry.h"

struct end;

struct ends {
	struct registry_opts o;
	bool writes;	   /* folders and files are made where they are missing */
	struct end *first; /* NULL at first */
};

/* All that was to be written is: see store_finish. */
int ends_finish(struct ends *all, struct err *e);
void ends_clear(struct ends *all);
#define AUTO_ENDS AUTO(ends_clear)

/* The store of r's host and repository, or of its folder or file, lent.  A host that did not answer
 * is not asked again. */
int ends_open(struct ends *all, const struct ref *r, struct store **ret, struct err *e);
/* All tags that the repository has (an ends_open before): nobody asks for
 * signatures' tags that are not among them. */
int
ends_know(struct ends *all, const struct ref *r, char *const *tags, size_t ntags, struct err *e);
bool ends_is_known(const struct ends *all, const struct ref *r);

#endif
