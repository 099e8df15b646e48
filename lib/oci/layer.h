/*
 * layer: the bytes of a blob, and what they unpack to.
 *
 * Layers are tar, plain or in gzip (RFC 1952) or zstd (RFC 8878), as their
 * media type says; an image's config names the digest of the tar itself
 * (diff_id, OCI image specification, config.md).  Everything streams: memory
 * is a few blocks, and for zstd its window of at most 128 MiB.
 *
 * A layer may unpack to LAYER_UNPACKED bytes, or to LAYER_RATIO times the
 * bytes that came of it where that is more.
 */
#ifndef GANTRY_OCI_LAYER_H
#define GANTRY_OCI_LAYER_H

#include "oci/store.h"

#define LAYER_UNPACKED (INT64_C(1) << 30)
#define LAYER_RATIO    1100 /* gzip reaches 1032 */

/* Read to its end: d's size and digest are checked, and where diff_id is not
 * NULL, what it unpacks to.  few: instead of LAYER_UNPACKED, if not 0.  ERR_DATA
 * "'DIGEST' …"; errors of the store as they come. */
int layer_check(struct store *s, const struct descriptor *d, const struct digest *diff_id,
		int64_t few, struct err *e);

#endif
