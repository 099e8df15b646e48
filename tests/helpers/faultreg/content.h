/*
 * content: what the fault registry holds, in memory.
 *
 * Nothing is freed before the program ends, so that what a find gives stays
 * good without a lock; the functions themselves take one.
 */
#ifndef FAULTREG_CONTENT_H
#define FAULTREG_CONTENT_H

#include "oci/digest.h"

struct bytes {
	struct digest digest;
	char type[128]; /* of a manifest */
	char *data;
	size_t n;
};

enum kind { BLOB, MANIFEST, TAG };

/* By digest or, for a TAG, by its name; NULL if it is not there. */
const struct bytes *content_find(enum kind kind, const char *repo, const char *name);
/* data is taken over. */
const struct bytes *content_put(enum kind kind, const char *repo, const char *name,
				const char *type, char *data, size_t n);
void content_link(enum kind kind, const char *repo, const char *name, const struct bytes *what);
/* false if it was not there. */
bool content_remove(enum kind kind, const char *repo, const char *name);
/* The names after `after`, sorted, at most max; the caller's to free (the array alone). */
size_t
content_names(enum kind kind, const char *repo, const char *after, const char ***ret, size_t max);
bool content_has_repo(const char *repo);

#endif
