/*
 * erase_plan: what a repository has, and what of it is in use.
 *
 * A graph of manifests by digest: tags name them, indexes have children,
 * referrers have subjects.  Manifests are read once and kept, tags are asked
 * for anew by each erase_plan_load.
 */
#ifndef GANTRY_OCI_ERASE_PLAN_H
#define GANTRY_OCI_ERASE_PLAN_H

#include "oci/erase.h"

#define ERASE_NONE ((size_t)-1)

struct erase_node {
	struct digest digest;
	bool is_plain;	/* no index */
	bool is_read;	/* children and subject are known */
	bool is_needed; /* by the caller */
	bool is_used;	/* by something that stays */
	bool goes;
	size_t subject; /* ERASE_NONE: none */
	size_t *children, nchildren;
};

struct erase_tag {
	const char *name; /* lent by the plan's list */
	size_t node;	  /* ERASE_NONE: gone since it was listed */
	size_t subject;	  /* of a tool's tag, else ERASE_NONE */
	enum retain_why why;
	bool goes;
};

struct erase_plan {
	const struct erase *x;
	struct erase_node *nodes;
	size_t n, cap;
	size_t *slots, nslots; /* nodes by digest: their number + 1 */
	char **names;
	struct erase_tag *tags; /* as many as names */
	size_t ntags;
	bool has_said; /* what is needed stays: once */
};

/* The tags, what they name, and which of them go; then what is in use. */
int erase_plan_load(struct erase_plan *p, struct err *e);
void erase_plan_free(struct erase_plan *p);
#define AUTO_ERASE_PLAN AUTO(erase_plan_free)

/* The number of a digest's node, made if it is new; ERASE_NONE with *e. */
size_t erase_plan_node(struct erase_plan *p, const struct digest *d, struct err *e);

#endif
