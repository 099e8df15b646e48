/*
 * erase: take images out of a repository, and nothing that is still in use.
 *
 * Which tags have to go is retain.h's choice.  An image goes when its last tag
 * does, unless something that stays is made of it (an index, a list of
 * referrers), it belongs to an image that stays, or the caller needs it: then
 * only the tag goes, and only where the registry can remove a tag alone.  Tags
 * of what the caller needs stay.  With an image go its children, cosign's tags
 * (sha256-HEX.sig, .att, .sbom), the list at its fallback tag and its
 * referrers, theirs included, as far as nothing that stays uses them.
 *
 * Before anything is removed everything has been listed and resolved; if that
 * fails, nothing is removed.  Between images all of it is found out again, so
 * that what came meanwhile counts (where that takes long, not every time).  The
 * image goes before its signatures: one that stays because the registry refuses
 * keeps them.
 */
#ifndef GANTRY_OCI_ERASE_H
#define GANTRY_OCI_ERASE_H

#include "oci/retain.h"
#include "oci/store.h"

#define ERASE_DEPTH_MAX	    8	   /* indexes in indexes, referrers of referrers */
#define ERASE_MANIFESTS_MAX 200000 /* that are looked at */

enum erase_result {
	ERASE_DELETED, /* a tag, and why */
	ERASE_WITH,    /* what belonged to it: a tag of tools, or "" and a digest */
	ERASE_STAYS,   /* a tag that had to go, and why it does not */
	ERASE_FAILED,  /* a tag, and why */
};

struct erase {
	struct store *at;
	const struct retain_rules *rules;
	bool dry_run; /* say what would be done */
	/* What must not go, asked again whenever things are found out again:
	 * *ret, an array of *n, is erase's to free. */
	int (*needed)(void *arg, struct digest **ret, size_t *n, struct err *e);
	/* reason may be NULL. */
	void (*say)(void *arg, enum erase_result result, const char *tag, const struct digest *d,
		    const char *reason);
	void *arg;
	const volatile bool *stop; /* between two images; may be NULL */
};

/* 0 if everything was done that could be; single failures were said.  -1 if it
 * could not go on: nothing to find out, or a store that removes nothing
 * (ERR_NO).  A repository that is not there is ERR_NOTFOUND. */
int erase_run(const struct erase *x, struct err *e);

#endif
