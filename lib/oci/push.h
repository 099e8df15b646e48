/*
 * push: the writing half of the OCI distribution API.
 *
 * Errors as in registry.h.  A reader of the repository never sees a blob or a
 * manifest whose bytes do not have its digest.
 */
#ifndef GANTRY_OCI_PUSH_H
#define GANTRY_OCI_PUSH_H

#include "oci/registry.h"

/* Store d->size bytes of digest d->digest that come from feed.  A small blob
 * goes in one PUT, a large one by PATCH in pieces (small ones from a slow
 * source, large ones from a fast one), each remembered (registry_opts.uploads),
 * so that the next run goes on after the last; where
 * a registry refuses one way, the other is taken from then on.  The registry
 * checks the digest too. */
int push_blob(struct registry *r, const char *repo, const struct descriptor *d,
	      const struct store_feed *feed, struct err *e);
/* 1 mounted from another repository of the same host, 0 not possible, -1. */
int push_mount(struct registry *r, const char *repo, const struct digest *d, const char *from,
	       struct err *e);
/* Store a manifest under what (a tag, or its digest).  *ret_subject (may be
 * NULL): the registry keeps track of the manifest's subject by itself. */
int push_manifest(struct registry *r, const char *repo, const char *what, const struct manifest *m,
		  bool *ret_subject, struct err *e);
/* A tag, or a manifest by digest.  Not there is done; where the registry
 * refuses to delete, ERR_NO says so. */
int push_remove(struct registry *r, const char *repo, const char *what, struct err *e);

#endif
