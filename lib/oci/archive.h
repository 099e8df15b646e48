/*
 * archive: images in one tar file, read and written as a store.
 *
 * Read: an OCI image layout in a tar (oci-archive), or what docker save writes
 * (manifest.json, config.md of the Docker image specification 1.2), plain or
 * in gzip or zstd, by libarchive; "-" is standard input.  The archive is
 * unpacked into a private folder below $TMPDIR, which goes with the store, and
 * so needs as much room as it holds.  Nothing but plain files and folders is
 * unpacked, and no name leads out.
 *
 * Written: first a layout in the folder FILE.part, where an interrupted run is
 * gone on with; store_finish makes the tar of it, beside and then renamed.
 * docker-archive is for docker load: it holds images, no index, and nothing
 * that belongs to them.
 */
#ifndef GANTRY_OCI_ARCHIVE_H
#define GANTRY_OCI_ARCHIVE_H

#include "oci/store.h"

#define ARCHIVE_ENTRIES_MAX 100000
#define ARCHIVE_RATIO	    1100		/* what may come out of one byte, as in layer.h */
#define ARCHIVE_FREE	    (INT64_C(64) << 20) /* but so many bytes always */

int archive_open(const char *path, const char *name, struct store **ret, struct err *e);
int
archive_create(const char *path, bool docker, const char *name, struct store **ret, struct err *e);

#endif
