/*
 * sync_blobs: the bytes of images, each moved once in a run.  For sync.c alone.
 *
 * Errors as in store.h.
 */
#ifndef GANTRY_OCI_SYNC_BLOBS_H
#define GANTRY_OCI_SYNC_BLOBS_H

#include "oci/sync.h"

struct sync_blobs;

int sync_blobs_new(const struct sync_opts *o, struct sync_blobs **ret, struct err *e);
void sync_blobs_free(struct sync_blobs **b);

/* The blob is at the destination afterwards.  src and dst: the calling
 * thread's own sessions. */
int sync_blobs_copy(struct sync_blobs *b, struct store *src, struct store *dst,
		    const struct descriptor *d, struct err *e);
int64_t sync_blobs_moved(struct sync_blobs *b);

#endif
