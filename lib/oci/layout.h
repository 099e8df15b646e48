/*
 * layout: an OCI image layout, read and written as a store.
 *
 * Follows image-layout.md of the OCI image specification 1.1: oci-layout,
 * index.json, blobs/ALG/HEX.  A tag is the annotation
 * org.opencontainers.image.ref.name of an entry in index.json; cosign's tags
 * are tags like others.  What refers to something (a manifest with a subject)
 * is an entry without a tag, so that whoever reads the layout finds it.  What
 * other tools have written there stays.
 *
 * Blobs are written beside (ingest/HEX), hashed, fsync'd and renamed; one that
 * an earlier run has begun is gone on with.  index.json is replaced as a whole,
 * after everything that it names.  One process at a time writes.  No name leads
 * out of the folder, nor does a symbolic link.
 */
#ifndef GANTRY_OCI_LAYOUT_H
#define GANTRY_OCI_LAYOUT_H

#include "oci/store.h"

#define LAYOUT_INDEX_MAX   (8U << 20)
#define LAYOUT_ENTRIES_MAX 100000

/* name: what messages call it.  write: the folder is made where it is missing;
 * ERR_TEMP if another process writes there.  ERR_NOTFOUND if there is no
 * layout to read. */
int layout_open(const char *dir, bool write, const char *name, struct store **ret, struct err *e);

/* For who keeps a layout inside of something else: fin is called by
 * store_finish after the layout's own end, end when the last store of this
 * layout is closed. */
void layout_hooks(struct store *s, int (*fin)(void *arg, struct err *e), void (*end)(void *arg),
		  void *arg);

#endif
