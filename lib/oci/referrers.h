/*
 * referrers: what refers to an image, by the OCI distribution API 1.1.
 *
 * The registry's own list with all its pages, or, where it keeps none, the
 * index at the fallback tag (sha256-HEX).  "None" is an answer; "could not
 * find out" is an error, with the codes of registry.h.
 */
#ifndef GANTRY_OCI_REFERRERS_H
#define GANTRY_OCI_REFERRERS_H

#include "oci/registry.h"

#define REFERRERS_MAX 1024

/* *ret: *n descriptors without annotations, the caller's to free; each
 * once.  More than REFERRERS_MAX is ERR_DATA. */
int referrers_list(struct registry *r, const char *repo, const struct digest *subject,
		   struct descriptor **ret, size_t *n, struct err *e);
/* The tag at which a registry without the API keeps the list. */
void referrers_tag(const struct digest *subject, char out[REF_TAG_MAX]);

#endif
