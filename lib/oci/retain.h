/*
 * retain: which tags of a repository have to go.
 *
 * A choice by names alone, without asking anybody.  Tags that the selection
 * does not take in stay; so do those that a keep pattern matches, and tags
 * that are there for tools (tags.h), which go with the image they belong to.
 * Of what remains, a tag goes if it is extra, which is what the source does not
 * have, or if it is not among the `keep` newest of all that are selected and not
 * extra.  Where no pattern selects, `keep` is about versions only.
 */
#ifndef GANTRY_OCI_RETAIN_H
#define GANTRY_OCI_RETAIN_H

#include <stdint.h>

#include "oci/tags.h"

/* Patterns that are lent. */
struct retain_patterns {
	struct tags_pattern *const *all;
	size_t n;
};

struct retain_rules {
	struct retain_patterns tags, exclude; /* the selection; no tags: all */
	struct retain_patterns keep_tags;
	int64_t keep;	     /* 0: as many as there are */
	bool delete_extra;   /* what is not among the source's: */
	char *const *source; /* in any order */
	size_t nsource;
	char *const *coming; /* counted for keep as if they were among the tags */
	size_t ncoming;
};

enum retain_why { RETAIN_STAYS, RETAIN_OLD, RETAIN_EXTRA };

/* The selection alone. */
bool retain_selects(const struct retain_rules *r, const char *tag);
/* For n tags, in any order, what becomes of each: ret[i] is about tags[i]. */
int retain_choose(const struct retain_rules *r, char *const *tags, size_t n, enum retain_why *ret,
		  struct err *e);

#endif
